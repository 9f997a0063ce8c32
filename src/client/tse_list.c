/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tasks on lists of their owner, who alone uses them: no lock. A list holds no references. */
#include "client/tse.h"

static struct task *
first_of(const d_list_t *head)
{
	if (head == NULL || d_list_empty(head))
		return NULL;
	return d_list_entry(head->next, struct task, listed);
}

/* The one after task, NULL at the end; to be taken before anything is done to task. */
static struct task *
next_of(const d_list_t *head, const struct task *task)
{
	const d_list_t *next = task->listed.next;

	return next == head ? NULL : d_list_entry((d_list_t *)(uintptr_t)next, struct task, listed);
}

int
tse_task_list_add(tse_task_t *task, d_list_t *head)
{
	struct task *own = task_of(task);

	if (own == NULL || head == NULL || !d_list_empty(&own->listed))
		return -DER_INVAL;
	d_list_add_tail(&own->listed, head);
	return 0;
}

void
tse_task_list_del(tse_task_t *task)
{
	struct task *own = task_of(task);

	if (own)
		d_list_del_init(&own->listed);
}

tse_task_t *
tse_task_list_first(d_list_t *head)
{
	struct task *task = first_of(head);

	return task ? &task->public : NULL;
}

void
tse_task_list_sched(d_list_t *head, bool instant)
{
	struct task *task;

	while ((task = first_of(head)) != NULL) {
		d_list_del_init(&task->listed);
		tse_task_schedule(&task->public, instant);
	}
}

void
tse_task_list_abort(d_list_t *head, int rc)
{
	struct task *task;

	while ((task = first_of(head)) != NULL) {
		d_list_del_init(&task->listed);
		tse_task_complete(&task->public, rc);
	}
}

static int
depend_on(tse_task_t *task, void *argument)
{
	tse_task_t *other = argument;

	return tse_task_register_deps(task, 1, &other);
}

int
tse_task_list_depend(d_list_t *head, tse_task_t *task)
{
	return tse_task_list_traverse(head, depend_on, task);
}

static int
wait_for(tse_task_t *task, void *argument)
{
	return tse_task_register_deps(argument, 1, &task);
}

int
tse_task_depend_list(tse_task_t *task, d_list_t *head)
{
	return tse_task_list_traverse(head, wait_for, task);
}

/* Calls cb for each, after a failure only when on. Returns the last failure. */
static int
traverse(d_list_t *head, tse_task_cb_t cb, void *argument, bool on)
{
	struct task *task = first_of(head);
	int result = 0;

	if (head == NULL || cb == NULL)
		return -DER_INVAL;
	while (task && (on || result == 0)) {
		struct task *next = next_of(head, task);
		int rc = cb(&task->public, argument);

		if (rc)
			result = rc;
		task = next;
	}
	return result;
}

int
tse_task_list_traverse(d_list_t *head, tse_task_cb_t cb, void *arg)
{
	return traverse(head, cb, arg, false);
}

int
tse_task_list_traverse_adv(d_list_t *head, tse_task_cb_t cb, void *arg)
{
	return traverse(head, cb, arg, true);
}
