/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Public calls as tasks (daos_task.h). */
#include "client/tse.h"

int
daos_task_create(daos_opc_t opc, tse_sched_t *sched, unsigned int num_deps, tse_task_t *dep_tasks[],
		 tse_task_t **taskp)
{
	task_call *call = task_call_of(opc);
	struct task *task;
	int rc;

	if (call == NULL)
		return client_refuse(-DER_NOSYS, "there is no operation %d yet", (int)opc);
	if (scheduler_of(sched) == NULL || taskp == NULL || num_deps > INT32_MAX)
		return -DER_INVAL;
	rc = task_create_call(sched, call, &task);
	if (rc)
		return rc;
	rc = tse_task_register_deps(&task->public, (int)num_deps, dep_tasks);
	if (rc) {
		tse_task_decref(&task->public);
		return rc;
	}
	*taskp = &task->public;
	return 0;
}

int
daos_task_reset(tse_task_t *task, daos_opc_t opc)
{
	task_call *call = task_call_of(opc);

	if (call == NULL)
		return client_refuse(-DER_NOSYS, "there is no operation %d yet", (int)opc);
	return task_reset_call(task_of(task), call);
}

void *
daos_task_get_args(tse_task_t *task)
{
	struct task *own = task_of(task);

	return own && own->call ? tse_task2arg(task) : NULL;
}

void *
daos_task_get_priv(tse_task_t *task)
{
	return tse_task_get_priv(task);
}

void *
daos_task_set_priv(tse_task_t *task, void *priv)
{
	return tse_task_set_priv(task, priv);
}
