/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tasks and their scheduler are not built yet. */
#include <daos_task.h>

int
daos_task_create(daos_opc_t opc, tse_sched_t *sched, unsigned int num_deps, tse_task_t *dep_tasks[],
		 tse_task_t **taskp)
{
	(void)opc;
	(void)sched;
	(void)num_deps;
	(void)dep_tasks;
	(void)taskp;
	return -DER_NOSYS;
}

int
daos_task_reset(tse_task_t *task, daos_opc_t opc)
{
	(void)task;
	(void)opc;
	return -DER_NOSYS;
}

void *
daos_task_get_args(tse_task_t *task)
{
	(void)task;
	return NULL;
}

void *
daos_task_get_priv(tse_task_t *task)
{
	(void)task;
	return NULL;
}

void *
daos_task_set_priv(tse_task_t *task, void *priv)
{
	(void)task;
	(void)priv;
	return NULL;
}

int
daos_progress(tse_sched_t *sched, int64_t timeout, bool *is_empty)
{
	(void)sched;
	(void)timeout;
	(void)is_empty;
	return -DER_NOSYS;
}

void *
tse_task2arg(tse_task_t *task)
{
	(void)task;
	return NULL;
}

tse_sched_t *
tse_task2sched(tse_task_t *task)
{
	(void)task;
	return NULL;
}

int
tse_sched_init(tse_sched_t *sched, tse_sched_comp_cb_t comp_cb, void *udata)
{
	(void)sched;
	(void)comp_cb;
	(void)udata;
	return -DER_NOSYS;
}

void
tse_sched_fini(tse_sched_t *sched)
{
	(void)sched;
}

void
tse_sched_addref(tse_sched_t *sched)
{
	(void)sched;
}

void
tse_sched_decref(tse_sched_t *sched)
{
	(void)sched;
}

void
tse_sched_complete(tse_sched_t *sched, int ret, bool cancel)
{
	(void)sched;
	(void)ret;
	(void)cancel;
}

int
tse_sched_register_comp_cb(tse_sched_t *sched, tse_sched_comp_cb_t comp_cb, void *arg)
{
	(void)sched;
	(void)comp_cb;
	(void)arg;
	return -DER_NOSYS;
}

void
tse_sched_progress(tse_sched_t *sched)
{
	(void)sched;
}

bool
tse_sched_check_complete(tse_sched_t *sched)
{
	(void)sched;
	return true;
}

int
tse_task_create(tse_task_func_t task_func, tse_sched_t *sched, void *priv, tse_task_t **taskp)
{
	(void)task_func;
	(void)sched;
	(void)priv;
	(void)taskp;
	return -DER_NOSYS;
}

int
tse_task_schedule(tse_task_t *task, bool instant)
{
	(void)task;
	(void)instant;
	return -DER_NOSYS;
}

int
tse_task_schedule_with_delay(tse_task_t *task, bool instant, uint64_t delay)
{
	(void)task;
	(void)instant;
	(void)delay;
	return -DER_NOSYS;
}

int
tse_task_register_comp_cb(tse_task_t *task, tse_task_cb_t comp_cb, void *arg, size_t arg_size)
{
	(void)task;
	(void)comp_cb;
	(void)arg;
	(void)arg_size;
	return -DER_NOSYS;
}

int
tse_task_register_comp_cb_and_reinit(tse_task_t *task, tse_task_cb_t comp_cb, void *arg,
				     size_t arg_size, uint64_t delay)
{
	(void)task;
	(void)comp_cb;
	(void)arg;
	(void)arg_size;
	(void)delay;
	return -DER_NOSYS;
}

void
tse_task_complete(tse_task_t *task, int ret)
{
	(void)task;
	(void)ret;
}

void *
tse_task_buf_embedded(tse_task_t *task, int size)
{
	(void)task;
	(void)size;
	return NULL;
}

void *
tse_task_get_priv(tse_task_t *task)
{
	(void)task;
	return NULL;
}

void *
tse_task_set_priv(tse_task_t *task, void *priv)
{
	(void)task;
	(void)priv;
	return NULL;
}

int
tse_task_register_deps(tse_task_t *task, int num_deps, tse_task_t **dep_tasks)
{
	(void)task;
	(void)num_deps;
	(void)dep_tasks;
	return -DER_NOSYS;
}

int
tse_task_register_cbs(tse_task_t *task, tse_task_cb_t prep_cb, void *prep_data,
		      size_t prep_data_size, tse_task_cb_t comp_cb, void *comp_data,
		      size_t comp_data_size)
{
	(void)task;
	(void)prep_cb;
	(void)prep_data;
	(void)prep_data_size;
	(void)comp_cb;
	(void)comp_data;
	(void)comp_data_size;
	return -DER_NOSYS;
}

int
tse_task_reinit(tse_task_t *task)
{
	(void)task;
	return -DER_NOSYS;
}

int
tse_task_reinit_with_delay(tse_task_t *task, uint64_t delay)
{
	(void)task;
	(void)delay;
	return -DER_NOSYS;
}

int
tse_task_reset(tse_task_t *task, tse_task_func_t task_func, void *priv)
{
	(void)task;
	(void)task_func;
	(void)priv;
	return -DER_NOSYS;
}

void
tse_task_addref(tse_task_t *task)
{
	(void)task;
}

void
tse_task_decref(tse_task_t *task)
{
	(void)task;
}

int
tse_task_list_add(tse_task_t *task, d_list_t *head)
{
	(void)task;
	(void)head;
	return -DER_NOSYS;
}

void
tse_task_list_del(tse_task_t *task)
{
	(void)task;
}

tse_task_t *
tse_task_list_first(d_list_t *head)
{
	(void)head;
	return NULL;
}

void
tse_task_list_sched(d_list_t *head, bool instant)
{
	(void)head;
	(void)instant;
}

void
tse_task_list_abort(d_list_t *head, int rc)
{
	(void)head;
	(void)rc;
}

int
tse_task_list_depend(d_list_t *head, tse_task_t *task)
{
	(void)head;
	(void)task;
	return -DER_NOSYS;
}

int
tse_task_depend_list(tse_task_t *task, d_list_t *head)
{
	(void)task;
	(void)head;
	return -DER_NOSYS;
}

int
tse_task_list_traverse(d_list_t *head, tse_task_cb_t cb, void *arg)
{
	(void)head;
	(void)cb;
	(void)arg;
	return -DER_NOSYS;
}

int
tse_task_list_traverse_adv(d_list_t *head, tse_task_cb_t cb, void *arg)
{
	(void)head;
	(void)cb;
	(void)arg;
	return -DER_NOSYS;
}

void
tse_disable_propagate(tse_task_t *task)
{
	(void)task;
}
