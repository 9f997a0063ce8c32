/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tasks: their life, what they wait for, who is called, and how they are put back. */
#include "client/tse.h"

/* Marks a task in dt_pad32. */
#define TASK_MARK 0x7461736b

/* ------------------------------------------------ what a public pointer names */

struct task *
task_of(tse_task_t *task)
{
	return task && task->dt_pad32 == TASK_MARK ? (struct task *)task : NULL;
}

void
task_leave_lock(struct task *task)
{
	pthread_mutex_unlock(&task->scheduler->context->lock);
}

void
task_retake_lock(struct task *task)
{
	pthread_mutex_lock(&task->scheduler->context->lock);
}

/* As scheduler_enter(), with the error of those who cannot go on. */
static int
enter(struct task *task)
{
	if (task == NULL)
		return -DER_INVAL;
	return scheduler_enter(task->scheduler) ? 0 : -DER_UNINIT;
}

static void
leave(struct task *task)
{
	scheduler_leave(task->scheduler);
}

void *
tse_task2arg(tse_task_t *task)
{
	return task ? task->dt_private.dt_space : NULL;
}

tse_sched_t *
tse_task2sched(tse_task_t *task)
{
	struct task *own = task_of(task);

	return own ? scheduler_public(own->scheduler) : NULL;
}

void *
tse_task_buf_embedded(tse_task_t *task, int size)
{
	return size >= 0 && (size_t)size <= TSE_TASK_ARG_LEN ? tse_task2arg(task) : NULL;
}

void *
tse_task_get_priv(tse_task_t *task)
{
	struct task *own = task_of(task);

	return own ? own->priv : NULL;
}

void *
tse_task_set_priv(tse_task_t *task, void *priv)
{
	struct task *own = task_of(task);
	void *before = own ? own->priv : NULL;

	if (own)
		own->priv = priv;
	return before;
}

/* ------------------------------------------------ life */

static struct task *
task_make(tse_sched_t *sched, void *priv)
{
	struct task *task = client_calloc(sizeof(*task));

	if (task == NULL)
		return NULL;
	task->public.dt_pad32 = TASK_MARK;
	task->scheduler = scheduler_of(sched);
	task->priv = priv;
	atomic_init(&task->references, 1);
	D_INIT_LIST_HEAD(&task->listed);
	return task;
}

int
tse_task_create(tse_task_func_t task_func, tse_sched_t *sched, void *priv, tse_task_t **taskp)
{
	struct task *task;

	if (scheduler_of(sched) == NULL || taskp == NULL)
		return -DER_INVAL;
	task = task_make(sched, priv);
	if (task == NULL)
		return -DER_NOMEM;
	task->body = task_func;
	*taskp = &task->public;
	return 0;
}

int
task_create_call(tse_sched_t *sched, task_call *call, struct task **ret_task)
{
	struct task *task = task_make(sched, NULL);

	if (task == NULL)
		return -DER_NOMEM;
	task->call = call;
	*ret_task = task;
	return 0;
}

static void
free_callbacks(struct list *callbacks)
{
	struct list *link;

	while ((link = list_pop(callbacks)) != NULL)
		client_free(list_entry(link, struct task_callback, link));
}

static void
task_free(struct task *task)
{
	struct list *link;

	d_list_del_init(&task->listed);
	free_callbacks(&task->prepare);
	free_callbacks(&task->complete);
	/* Of a scheduler that is no more; otherwise they have been told. */
	while ((link = list_pop(&task->dependents)) != NULL) {
		struct task_edge *edge = list_entry(link, struct task_edge, link);

		task_put(edge->dependent);
		client_free(edge);
	}
	task->public.dt_pad32 = 0;
	client_free(task);
}

void
task_put(struct task *task)
{
	if (atomic_fetch_sub(&task->references, 1) == 1)
		task_free(task);
}

void
tse_task_addref(tse_task_t *task)
{
	struct task *own = task_of(task);

	if (own)
		task_get(own);
}

/* A task that is dropped without having been run is one that failed to those that wait for it. */
void
tse_task_decref(tse_task_t *task)
{
	struct task *own = task_of(task);

	if (own == NULL)
		return;
	if (atomic_load(&own->references) == 1 && !list_empty(&own->dependents) &&
	    scheduler_enter(own->scheduler)) {
		task_release_dependents(own, -DER_CANCELED);
		leave(own);
	}
	task_put(own);
}

static int
reset(struct task *task, tse_task_func_t body, task_call *call)
{
	if (task->state != TASK_NEW && task->state != TASK_COMPLETED)
		return -DER_NO_PERM;
	if (task->state == TASK_COMPLETED)
		task_get(task);
	task->state = TASK_NEW;
	task->public.dt_result = 0;
	task->wake = 0;
	task->body = body;
	task->call = call;
	return 0;
}

int
tse_task_reset(tse_task_t *task, tse_task_func_t task_func, void *priv)
{
	struct task *own = task_of(task);
	int rc = enter(own);

	if (rc)
		return rc;
	rc = reset(own, task_func, NULL);
	if (rc == 0)
		own->priv = priv;
	leave(own);
	return rc;
}

int
task_reset_call(struct task *task, task_call *call)
{
	int rc = enter(task);

	if (rc)
		return rc;
	rc = reset(task, NULL, call);
	if (rc == 0)
		memset(tse_task2arg(&task->public), 0, TSE_TASK_ARG_LEN);
	leave(task);
	return rc;
}

/* ------------------------------------------------ schedule and complete */

/* When delay microseconds have passed; 0 for at once. */
static uint64_t
wake_time(struct task *task, uint64_t delay)
{
	uint64_t now;

	if (delay == 0)
		return 0;
	now = env_monotonic(task->scheduler->context->env);
	return delay < (UINT64_MAX - now) / 1000 ? now + delay * 1000 : UINT64_MAX;
}

static void
add_to_scheduler(struct task *task)
{
	list_append(&task->scheduler->tasks, &task->scheduled);
	atomic_fetch_add(&task->scheduler->active, 1);
}

static bool
runs_at_once(const struct task *task)
{
	const struct scheduler *scheduler = task->scheduler;

	return task->wake == 0 && task->open == 0 && scheduler->phase != SCHEDULER_CANCELLING &&
	       (task->body || scheduler->operations < TASK_OPERATIONS_MAX);
}

int
tse_task_schedule_with_delay(tse_task_t *task, bool instant, uint64_t delay)
{
	struct task *own = task_of(task);
	int rc = enter(own);

	if (rc)
		return rc;
	if (own->state != TASK_NEW || (own->body == NULL && own->call == NULL)) {
		leave(own);
		return -DER_INVAL;
	}
	own->wake = wake_time(own, delay);
	add_to_scheduler(own);
	/* The scheduler's reference may be gone when the body has been run. */
	task_get(own);
	if (instant && runs_at_once(own))
		rc = task_run(own);
	else
		task_enqueue(own, &own->scheduler->ready);
	leave(own);
	tse_task_decref(task);
	return rc;
}

int
tse_task_schedule(tse_task_t *task, bool instant)
{
	return tse_task_schedule_with_delay(task, instant, 0);
}

void
tse_task_complete(tse_task_t *task, int ret)
{
	struct task *own = task_of(task);
	struct scheduler *scheduler = own ? own->scheduler : NULL;

	if (!scheduler_enter(scheduler))
		return;
	if (own->state == TASK_OPERATING) {
		/* Its arguments are in use: it completes when its operation has ended. */
		if (task->dt_result == 0)
			task->dt_result = ret;
		task_interrupt(own);
	} else if (own->state != TASK_ENDING && own->state != TASK_COMPLETED) {
		task_end(own, ret);
	}
	scheduler_leave(scheduler);
}

/* ------------------------------------------------ putting back */

/* Of a task that has completed the caller holds a reference. */
static int
put_back(struct task *task, uint64_t delay)
{
	if (task->scheduler->phase == SCHEDULER_CANCELLING)
		return -DER_CANCELED;
	if (task->state != TASK_RUNNING && task->state != TASK_ENDING &&
	    task->state != TASK_COMPLETED && task->state != TASK_ADJOURNED)
		return -DER_NO_PERM;
	if (task->state == TASK_COMPLETED)
		task_get(task);
	if (!list_linked(&task->scheduled))
		add_to_scheduler(task);
	task->generation++;
	task->public.dt_result = 0;
	task->wake = wake_time(task, delay);
	task->state = TASK_WAITING;
	/* From a function of its own it is enqueued when that returns. */
	if (task->inside == 0)
		task_enqueue(task, &task->scheduler->again);
	return 0;
}

int
tse_task_reinit_with_delay(tse_task_t *task, uint64_t delay)
{
	struct task *own = task_of(task);
	int rc = enter(own);

	if (rc)
		return rc;
	rc = put_back(own, delay);
	leave(own);
	return rc;
}

int
tse_task_reinit(tse_task_t *task)
{
	return tse_task_reinit_with_delay(task, 0);
}

/* ------------------------------------------------ callbacks */

static struct task_callback *
callback_make(tse_task_cb_t function, void *argument, size_t size)
{
	struct task_callback *callback = client_alloc(sizeof(*callback) + size);

	if (callback == NULL)
		return NULL;
	*callback = (struct task_callback){.function = function, .argument = argument};
	if (size > 0) {
		memcpy(callback->bytes, argument, size);
		callback->argument = callback->bytes;
	}
	return callback;
}

/* Whether it may still be given callbacks and dependencies. */
static int
enter_open(struct task *task)
{
	int rc = enter(task);

	if (rc || task->state != TASK_COMPLETED)
		return rc;
	leave(task);
	return -DER_NO_PERM;
}

int
tse_task_register_cbs(tse_task_t *task, tse_task_cb_t prep_cb, void *prep_data,
		      size_t prep_data_size, tse_task_cb_t comp_cb, void *comp_data,
		      size_t comp_data_size)
{
	struct task *own = task_of(task);
	struct task_callback *prepare = NULL, *complete = NULL;
	int rc;

	if ((prep_data == NULL && prep_data_size > 0) || (comp_data == NULL && comp_data_size > 0))
		return -DER_INVAL;
	if (prep_cb)
		prepare = callback_make(prep_cb, prep_data, prep_data_size);
	if (comp_cb)
		complete = callback_make(comp_cb, comp_data, comp_data_size);
	rc = (prep_cb && !prepare) || (comp_cb && !complete) ? -DER_NOMEM : enter_open(own);
	if (rc) {
		client_free(prepare);
		client_free(complete);
		return rc;
	}
	if (prepare)
		list_append(&own->prepare, &prepare->link);
	if (complete)
		list_append(&own->complete, &complete->link);
	leave(own);
	return 0;
}

int
tse_task_register_comp_cb(tse_task_t *task, tse_task_cb_t comp_cb, void *arg, size_t arg_size)
{
	if (comp_cb == NULL)
		return -DER_INVAL;
	return tse_task_register_cbs(task, NULL, NULL, 0, comp_cb, arg, arg_size);
}

int
tse_task_register_comp_cb_and_reinit(tse_task_t *task, tse_task_cb_t comp_cb, void *arg,
				     size_t arg_size, uint64_t delay)
{
	struct task *own = task_of(task);
	struct task_callback *callback;
	int rc;

	if (comp_cb == NULL || (arg == NULL && arg_size > 0))
		return -DER_INVAL;
	callback = callback_make(comp_cb, arg, arg_size);
	if (callback == NULL)
		return -DER_NOMEM;
	rc = enter(own);
	if (rc == 0) {
		rc = put_back(own, delay);
		if (rc == 0)
			list_append(&own->complete, &callback->link);
		leave(own);
	}
	if (rc)
		client_free(callback);
	return rc;
}

/* ------------------------------------------------ dependencies */

static int
check_dependency(const struct task *task, const struct task *other)
{
	if (other == NULL || other == task)
		return -DER_INVAL;
	return other->scheduler == task->scheduler ? 0 : -DER_NO_PERM;
}

static int
make_edges(struct task *task, uint32_t count, struct list *ret_edges)
{
	for (uint32_t i = 0; i < count; i++) {
		struct task_edge *edge = client_calloc(sizeof(*edge));

		if (edge == NULL)
			return -DER_NOMEM;
		edge->dependent = task;
		list_append(ret_edges, &edge->link);
	}
	return 0;
}

static void
add_edge(struct task *other, struct task_edge *edge)
{
	struct task *task = edge->dependent;

	if (other->state == TASK_COMPLETED) {
		client_free(edge);
		return;
	}
	list_append(&other->dependents, &edge->link);
	task_get(task);
	task->open++;
	if (task->state == TASK_READY || task->state == TASK_HELD) {
		task_dequeue(task);
		task->state = TASK_WAITING;
	} else if (task->state == TASK_OVER) {
		task_dequeue(task);
		task->state = TASK_ADJOURNED;
	} else if (task->state == TASK_RUNNING) {
		task->adopted = true;
	}
}

int
tse_task_register_deps(tse_task_t *task, int num_deps, tse_task_t **dep_tasks)
{
	struct task *own = task_of(task);
	struct list edges = {.next = NULL};
	struct list *link;
	int rc = own == NULL || num_deps < 0 || (num_deps > 0 && !dep_tasks) ? -DER_INVAL : 0;

	for (int i = 0; rc == 0 && i < num_deps; i++)
		rc = check_dependency(own, task_of(dep_tasks[i]));
	if (rc == 0)
		rc = make_edges(own, (uint32_t)num_deps, &edges);
	if (rc == 0)
		rc = enter_open(own);
	if (rc == 0) {
		for (int i = 0; i < num_deps; i++)
			add_edge(task_of(dep_tasks[i]),
				 list_entry(list_pop(&edges), struct task_edge, link));
		leave(own);
	}
	while ((link = list_pop(&edges)) != NULL)
		client_free(list_entry(link, struct task_edge, link));
	return rc;
}

void
tse_disable_propagate(tse_task_t *task)
{
	struct task *own = task_of(task);

	if (enter(own) == 0) {
		own->deaf = true;
		leave(own);
	}
}
