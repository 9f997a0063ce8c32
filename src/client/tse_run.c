/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* How tasks run and complete: the turn of a scheduler. Everything here is called with the lock
 * held, and gives it up around functions of the user. */
#include "client/tse.h"

/* ------------------------------------------------ places of a task */

/* Whether nobody else will complete it. */
static bool
completes_by_itself(const struct task *task)
{
	return task->state == TASK_ADJOURNED || (task->state == TASK_RUNNING && task->adopted);
}

static bool
is_cancelling(const struct task *task)
{
	return task->scheduler->phase == SCHEDULER_CANCELLING;
}

static void
make_due(struct task *task, struct list *list)
{
	struct scheduler *scheduler = task->scheduler;

	list_append(list, &task->link);
	atomic_fetch_add(&scheduler->due, 1);
	context_wake(scheduler->context);
}

void
task_over(struct task *task, int outcome)
{
	task->state = TASK_OVER;
	task->outcome = outcome;
	make_due(task, &task->scheduler->ready);
}

void
task_enqueue(struct task *task, struct list *when_ready)
{
	struct scheduler *scheduler = task->scheduler;

	if (is_cancelling(task)) {
		task_over(task, -DER_CANCELED);
	} else if (task->wake > 0 && task->wake > env_monotonic(scheduler->context->env)) {
		task->state = TASK_SLEEPING;
		priority_queue_insert(&scheduler->sleeping, &task->sleep, task->wake);
		atomic_fetch_add(&scheduler->naps, 1);
		context_wake(scheduler->context);
	} else if (task->open > 0) {
		task->state = TASK_WAITING;
	} else {
		task->state = TASK_READY;
		make_due(task, when_ready);
	}
}

void
task_dequeue(struct task *task)
{
	struct scheduler *scheduler = task->scheduler;

	if (task->state == TASK_SLEEPING) {
		priority_queue_remove(&scheduler->sleeping, &task->sleep);
	} else if (task->state == TASK_HELD) {
		list_remove(&task->link);
	} else if (list_linked(&task->link)) {
		list_remove(&task->link);
		atomic_fetch_sub(&scheduler->due, 1);
	}
}

/* A function of the user for task has returned. What was put back meanwhile waits for the next
 * turn, so that a task that always puts itself back does not keep a turn from ending. */
static void
task_step_out(struct task *task)
{
	if (--task->inside > 0)
		return;
	if (task->state == TASK_WAITING)
		task_enqueue(task, &task->scheduler->again);
	else if (completes_by_itself(task) && task->open == 0)
		task_over(task, 0);
	else if (is_cancelling(task) &&
		 (task->state == TASK_RUNNING || task->state == TASK_ADJOURNED))
		task_over(task, -DER_CANCELED);
}

/* ------------------------------------------------ the end of a task */

static void
release(struct task *task, int result)
{
	int *own = &task->public.dt_result;

	task->open--;
	if (task->state == TASK_COMPLETED)
		return;
	if (*own == 0 && !task->deaf)
		*own = result;
	if (task->open > 0 || task->inside > 0)
		return;
	if (task->state == TASK_WAITING)
		task_enqueue(task, &task->scheduler->ready);
	else if (completes_by_itself(task))
		task_over(task, 0);
}

void
task_release_dependents(struct task *task, int result)
{
	struct list *link;

	while ((link = list_pop(&task->dependents)) != NULL) {
		struct task_edge *edge = list_entry(link, struct task_edge, link);
		struct task *dependent = edge->dependent;

		client_free(edge);
		release(dependent, result);
		task_put(dependent);
	}
}

static void
task_completed(struct task *task)
{
	struct scheduler *scheduler = task->scheduler;
	int *result = &scheduler_public(scheduler)->ds_result;

	task->state = TASK_COMPLETED;
	if (*result == 0)
		*result = task->public.dt_result;
	task_release_dependents(task, task->public.dt_result);
	if (list_linked(&task->scheduled)) {
		list_remove(&task->scheduled);
		atomic_fetch_sub(&scheduler->active, 1);
	}
	context_wake(scheduler->context);
	task_put(task);
}

/* Calls the callback registered last; whether the task goes on ending. */
static bool
call_complete(struct task *task)
{
	struct task_callback *callback =
		list_entry(list_last(&task->complete), struct task_callback, link);
	uint32_t generation = task->generation;
	uint32_t open = task->open;
	int rc;

	list_remove(&callback->link);
	task_leave_lock(task);
	rc = callback->function(&task->public, callback->argument);
	client_free(callback);
	task_retake_lock(task);
	if (generation != task->generation)
		return false;
	if (task->public.dt_result == 0)
		task->public.dt_result = rc;
	if (task->open <= open || is_cancelling(task))
		return true;
	/* It has got something to wait for; the other callbacks follow then. */
	task->state = TASK_ADJOURNED;
	return false;
}

void
task_end(struct task *task, int result)
{
	bool ending = true;

	task_dequeue(task);
	task_get(task);
	task->inside++;
	task->state = TASK_ENDING;
	if (task->public.dt_result == 0)
		task->public.dt_result = result;
	while (ending && !list_empty(&task->complete))
		ending = call_complete(task);
	if (ending)
		task_completed(task);
	task_step_out(task);
	task_put(task);
}

/* ------------------------------------------------ operations */

/* One operation less is under way: one that was held may follow. */
static void
operation_left(struct scheduler *scheduler)
{
	struct list *link = list_pop(&scheduler->held);

	scheduler->operations--;
	if (link) {
		struct task *task = list_entry(link, struct task, link);

		task->state = TASK_READY;
		make_due(task, &scheduler->ready);
	}
}

/* Its operation is over, and the task too, unless it has got something to wait for meanwhile. */
static void
operation_over(struct task *task, int result)
{
	operation_left(task->scheduler);
	task->state = TASK_ADJOURNED;
	if (task->open == 0 || is_cancelling(task)) {
		task_end(task, result);
		return;
	}
	if (task->public.dt_result == 0)
		task->public.dt_result = result;
}

void
task_interrupt(struct task *task)
{
	struct event *event = event_of(&task->event);

	if (event && event->operation)
		operation_abort(event->operation);
}

static int
launch(struct task *task)
{
	struct scheduler *scheduler = task->scheduler;
	int rc;

	scheduler->operations++;
	task->state = TASK_OPERATING;
	event_init_in(scheduler->events, &task->event);
	pthread_mutex_unlock(&scheduler->context->lock);
	rc = task->call(tse_task2arg(&task->public), &task->event);
	pthread_mutex_lock(&scheduler->context->lock);
	if (rc)
		operation_over(task, rc);
	else if (is_cancelling(task) && task->state == TASK_OPERATING)
		task_interrupt(task);
	return rc;
}

/* ------------------------------------------------ running */

static void
call_prepare(struct task *task)
{
	struct list *link;

	while (task->state == TASK_RUNNING && (link = list_pop(&task->prepare)) != NULL) {
		struct task_callback *callback = list_entry(link, struct task_callback, link);
		uint32_t generation = task->generation;
		int rc;

		task_leave_lock(task);
		rc = callback->function(&task->public, callback->argument);
		client_free(callback);
		task_retake_lock(task);
		if (generation == task->generation && task->public.dt_result == 0)
			task->public.dt_result = rc;
	}
	/* What a preparation waits for comes before the body. */
	if (task->state == TASK_RUNNING && task->open > 0)
		task->state = TASK_WAITING;
}

int
task_run(struct task *task)
{
	int rc = 0;

	task_get(task);
	task->inside++;
	task->state = TASK_RUNNING;
	task->wake = 0;
	call_prepare(task);
	task->adopted = false;
	if (task->state == TASK_RUNNING && task->call) {
		rc = launch(task);
	} else if (task->state == TASK_RUNNING) {
		task_leave_lock(task);
		rc = task->body(&task->public);
		task_retake_lock(task);
	}
	task_step_out(task);
	if (task->state == TASK_COMPLETED)
		rc = task->public.dt_result;
	task_put(task);
	return rc;
}

/* ------------------------------------------------ a turn */

static void
wake_sleepers(struct scheduler *scheduler)
{
	struct queue_node *node = priority_queue_first(&scheduler->sleeping);
	uint64_t now = node ? env_monotonic(scheduler->context->env) : 0;

	while (node && node->key <= now) {
		struct task *task = container_of(node, struct task, sleep);

		priority_queue_remove(&scheduler->sleeping, node);
		task->wake = 0;
		task_enqueue(task, &scheduler->ready);
		node = priority_queue_first(&scheduler->sleeping);
	}
}

static void
hear_operations(struct scheduler *scheduler)
{
	struct event *event;

	while ((event = event_take_finished(scheduler->events)) != NULL) {
		daos_event_t *ended = event_public(event);

		operation_over(container_of(ended, struct task, event), ended->ev_error);
	}
}

/* The turn of one task has come. */
static void
take_turn(struct task *task)
{
	struct scheduler *scheduler = task->scheduler;

	if (task->state == TASK_OVER) {
		task_end(task, task->outcome);
	} else if (task->call && scheduler->operations == TASK_OPERATIONS_MAX) {
		task->state = TASK_HELD;
		list_append(&scheduler->held, &task->link);
	} else {
		task_run(task);
	}
}

void
scheduler_turn(struct scheduler *scheduler)
{
	struct list *link;

	list_splice(&scheduler->ready, &scheduler->again);
	wake_sleepers(scheduler);
	hear_operations(scheduler);
	while ((link = list_pop(&scheduler->ready)) != NULL) {
		atomic_fetch_sub(&scheduler->due, 1);
		take_turn(list_entry(link, struct task, link));
		hear_operations(scheduler);
	}
}

void
scheduler_cancel(struct scheduler *scheduler)
{
	scheduler->phase = SCHEDULER_CANCELLING;
	LIST_FOR_EACH(link, &scheduler->tasks) {
		struct task *task = list_entry(link, struct task, scheduled);

		if (task->state == TASK_OPERATING) {
			task_interrupt(task);
		} else if (task->inside == 0 && task->state < TASK_OPERATING &&
			   task->state != TASK_OVER) {
			task_dequeue(task);
			task_over(task, -DER_CANCELED);
		}
	}
}
