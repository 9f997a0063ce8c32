/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Schedulers of tasks: their life, and who drives them. */
#include "client/tse.h"

#define SCHEDULER_MAGIC UINT64_C(0x636169726e747365)

/* ------------------------------------------------ what a public pointer names */

struct scheduler *
scheduler_of(tse_sched_t *sched)
{
	struct scheduler *scheduler = sched ? (void *)&sched->ds_private : NULL;

	return scheduler && scheduler->magic == SCHEDULER_MAGIC ? scheduler : NULL;
}

tse_sched_t *
scheduler_public(struct scheduler *scheduler)
{
	return container_of((void *)scheduler, tse_sched_t, ds_private);
}

/* Whether its context is still there. */
static bool
is_alive(const struct scheduler *scheduler)
{
	return client_check(scheduler->client) == 0 &&
	       atomic_load(&scheduler->client->life) == scheduler->life;
}

bool
scheduler_enter(struct scheduler *scheduler)
{
	if (scheduler == NULL || !is_alive(scheduler))
		return false;
	pthread_mutex_lock(&scheduler->context->lock);
	return true;
}

void
scheduler_leave(struct scheduler *scheduler)
{
	pthread_mutex_unlock(&scheduler->context->lock);
}

/* ------------------------------------------------ life */

int
tse_sched_init(tse_sched_t *sched, tse_sched_comp_cb_t comp_cb, void *udata)
{
	struct client *client = client_here();
	struct scheduler *scheduler;
	int rc = client_check(client);

	if (rc)
		return rc;
	if (sched == NULL)
		return -DER_INVAL;
	memset(sched, 0, sizeof(*sched));
	scheduler = (void *)&sched->ds_private;
	sched->ds_udata = udata;
	scheduler->client = client;
	scheduler->life = atomic_load(&client->life);
	atomic_init(&scheduler->references, 1);
	rc = context_pick(client, &scheduler->context);
	if (rc == 0)
		rc = context_add_set(scheduler->context, &scheduler->events);
	if (rc)
		return rc;
	scheduler->magic = SCHEDULER_MAGIC;
	if (comp_cb)
		rc = tse_sched_register_comp_cb(sched, comp_cb, udata);
	if (rc)
		tse_sched_fini(sched);
	return rc;
}

int
tse_sched_register_comp_cb(tse_sched_t *sched, tse_sched_comp_cb_t comp_cb, void *arg)
{
	struct scheduler *scheduler = scheduler_of(sched);
	struct scheduler_callback *callback;

	if (scheduler == NULL || comp_cb == NULL)
		return -DER_INVAL;
	callback = client_calloc(sizeof(*callback));
	if (callback == NULL)
		return -DER_NOMEM;
	callback->function = comp_cb;
	callback->argument = arg;
	if (!scheduler_enter(scheduler)) {
		client_free(callback);
		return -DER_UNINIT;
	}
	list_append(&scheduler->callbacks, &callback->link);
	scheduler_leave(scheduler);
	return 0;
}

void
tse_sched_addref(tse_sched_t *sched)
{
	struct scheduler *scheduler = scheduler_of(sched);

	if (scheduler)
		atomic_fetch_add(&scheduler->references, 1);
}

void
tse_sched_decref(tse_sched_t *sched)
{
	struct scheduler *scheduler = scheduler_of(sched);

	if (scheduler && atomic_fetch_sub(&scheduler->references, 1) == 1)
		tse_sched_fini(sched);
}

/* ------------------------------------------------ driving */

struct waiting {
	struct scheduler *scheduler;
	uint32_t naps;
};

/* Something for a turn, or nothing that could come. */
static bool
is_due(void *argument)
{
	const struct waiting *waiting = argument;
	struct scheduler *scheduler = waiting->scheduler;

	return atomic_load(&scheduler->due) > 0 || atomic_load(&scheduler->active) == 0 ||
	       atomic_load(&scheduler->events->finished_count) > 0 ||
	       atomic_load(&scheduler->naps) != waiting->naps;
}

/* Drives the context until there is something for a turn, or the deadline. With the lock held. */
static void
wait_for_turn(struct scheduler *scheduler, uint64_t deadline)
{
	struct waiting waiting = {scheduler, atomic_load(&scheduler->naps)};
	struct queue_node *first = priority_queue_first(&scheduler->sleeping);

	if (first)
		deadline = min_of(deadline, first->key);
	context_drive(scheduler->context, is_due, &waiting, deadline);
}

static void
progress_until(struct scheduler *scheduler, uint64_t deadline)
{
	bool going = true;

	scheduler_turn(scheduler);
	while (going && atomic_load(&scheduler->active) > 0) {
		wait_for_turn(scheduler, deadline);
		scheduler_turn(scheduler);
		going = context_wait_goes_on(scheduler->context, deadline);
	}
}

void
tse_sched_progress(tse_sched_t *sched)
{
	struct scheduler *scheduler = scheduler_of(sched);

	if (!scheduler_enter(scheduler))
		return;
	progress_until(scheduler, 0);
	scheduler_leave(scheduler);
}

bool
tse_sched_check_complete(tse_sched_t *sched)
{
	struct scheduler *scheduler = scheduler_of(sched);

	return scheduler == NULL || !is_alive(scheduler) || atomic_load(&scheduler->active) == 0;
}

int
daos_progress(tse_sched_t *sched, int64_t timeout, bool *is_empty)
{
	struct scheduler *scheduler = scheduler_of(sched);
	bool empty;
	int rc = 0;

	if (scheduler == NULL)
		return -DER_INVAL;
	if (!scheduler_enter(scheduler))
		return -DER_UNINIT;
	progress_until(scheduler, context_deadline(scheduler->context, timeout));
	empty = atomic_load(&scheduler->active) == 0;
	if (!empty)
		rc = context_interrupted(scheduler->context);
	scheduler_leave(scheduler);
	if (is_empty)
		*is_empty = empty;
	return rc;
}

/* ------------------------------------------------ the end */

/* A fiber that may not wait any longer cancels what is left, and waits for that. */
static void
drain(struct scheduler *scheduler)
{
	struct waiting waiting = {.scheduler = scheduler};

	if (scheduler->phase == SCHEDULER_COMPLETING)
		progress_until(scheduler, UINT64_MAX);
	if (atomic_load(&scheduler->active) > 0 && scheduler->phase == SCHEDULER_COMPLETING)
		scheduler_cancel(scheduler);
	scheduler_turn(scheduler);
	while (atomic_load(&scheduler->active) > 0) {
		waiting.naps = atomic_load(&scheduler->naps);
		context_drive_plain(scheduler->context, is_due, &waiting);
		scheduler_turn(scheduler);
	}
}

static void
call_callbacks(struct scheduler *scheduler)
{
	int *result = &scheduler_public(scheduler)->ds_result;
	struct list *link;

	while ((link = list_last(&scheduler->callbacks)) != NULL) {
		struct scheduler_callback *callback =
			list_entry(link, struct scheduler_callback, link);
		int rc;

		list_remove(link);
		scheduler_leave(scheduler);
		rc = callback->function(callback->argument, *result);
		client_free(callback);
		pthread_mutex_lock(&scheduler->context->lock);
		if (*result == 0)
			*result = rc;
	}
}

void
tse_sched_complete(tse_sched_t *sched, int ret, bool cancel)
{
	struct scheduler *scheduler = scheduler_of(sched);

	if (!scheduler_enter(scheduler))
		return;
	if (scheduler->phase == SCHEDULER_OPEN) {
		scheduler->phase = SCHEDULER_COMPLETING;
		if (cancel)
			scheduler_cancel(scheduler);
		drain(scheduler);
		if (sched->ds_result == 0)
			sched->ds_result = ret;
		call_callbacks(scheduler);
		scheduler->phase = SCHEDULER_OPEN;
	}
	scheduler_leave(scheduler);
}

/* What is left of a scheduler whose context has gone: nothing runs any more. */
static void
forget_tasks(struct scheduler *scheduler)
{
	struct list *link;

	while ((link = list_pop(&scheduler->tasks)) != NULL) {
		struct task *task = list_entry(link, struct task, scheduled);

		task->state = TASK_COMPLETED;
		task_put(task);
	}
}

void
tse_sched_fini(tse_sched_t *sched)
{
	struct scheduler *scheduler = scheduler_of(sched);
	struct list *link;

	if (scheduler == NULL)
		return;
	if (scheduler_enter(scheduler)) {
		scheduler_cancel(scheduler);
		drain(scheduler);
		scheduler_leave(scheduler);
		context_drop_set(scheduler->events);
	} else {
		forget_tasks(scheduler);
	}
	while ((link = list_pop(&scheduler->callbacks)) != NULL)
		client_free(list_entry(link, struct scheduler_callback, link));
	scheduler->magic = 0;
}
