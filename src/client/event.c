/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Events and their queues. An event goes READY -> RUNNING -> COMPLETED -> READY; between its
 * operation's end and COMPLETED its callbacks are called, by whichever thread polls or tests next,
 * with no lock held. A parent completes after its children.
 */
#include "client/private.h"

#define EVENT_MAGIC UINT64_C(0x6361697265766e74)

/* NULL also for an event whose context went with daos_fini(), or stayed with the parent at a fork.
 */
struct event *
event_of(daos_event_t *public_event)
{
	struct event *event = public_event ? (void *)&public_event->ev_private : NULL;

	return event && event->magic == EVENT_MAGIC && event->set &&
			       event->life == atomic_load(&client_here()->life)
		       ? event
		       : NULL;
}

static int
event_get(daos_event_t *public_event, struct event **ret_event)
{
	int rc = client_check(client_here());

	if (rc)
		return rc;
	*ret_event = event_of(public_event);
	return *ret_event ? 0 : -DER_INVAL;
}

daos_event_t *
event_public(struct event *event)
{
	return container_of((void *)event, daos_event_t, ev_private);
}

/* ------------------------------------------------ launch and end; all with the context's lock held
 */

int
event_begin(struct event *event, struct operation *operation)
{
	if (event->state != DAOS_EVS_READY)
		return event->state == DAOS_EVS_COMPLETED ? -DER_INVAL : -DER_BUSY;
	if (event->parent && event->parent->stage >= EVENT_FINISHED)
		return -DER_INVAL;
	event->state = DAOS_EVS_RUNNING;
	event->stage = operation ? EVENT_OPERATION : EVENT_CHILDREN;
	event->operation = operation;
	event_public(event)->ev_error = 0;
	if (event->parent)
		event->parent->children_running++;
	list_append(&event->set->running, &event->link);
	atomic_fetch_add(&event->set->running_count, 1);
	return 0;
}

static void
event_stop_running(struct event *event)
{
	list_remove(&event->link);
	event->operation = NULL;
}

void
event_unlaunch(struct event *event)
{
	event_stop_running(event);
	atomic_fetch_sub(&event->set->running_count, 1);
	event->state = DAOS_EVS_READY;
	event->stage = EVENT_IDLE;
	if (event->parent)
		event->parent->children_running--;
}

/* Its own operation and its children are over: the callbacks are next. */
static void
event_finished(struct event *event)
{
	event_stop_running(event);
	event->stage = EVENT_FINISHED;
	list_append(&event->set->finished, &event->link);
	atomic_fetch_add(&event->set->finished_count, 1);
}

static void
event_operation_over(struct event *event, int result)
{
	event_public(event)->ev_error = result;
	event->operation = NULL;
	event->stage = EVENT_CHILDREN;
	if (event->children_running == 0)
		event_finished(event);
	context_notify(event->set->context);
}

void
event_finish(struct event *event, int result)
{
	struct client_context *context = event->set->context;

	pthread_mutex_lock(&context->lock);
	event_operation_over(event, result);
	pthread_mutex_unlock(&context->lock);
}

/* A child is completed by its parent's completion, never polled. */
static void
child_completed(struct event *event)
{
	struct event *parent = event->parent;
	int result = event_public(event)->ev_error;

	parent->children_running--;
	if (event_public(parent)->ev_error == 0 && parent->state != DAOS_EVS_READY)
		event_public(parent)->ev_error = result;
	if (parent->stage == EVENT_CHILDREN && parent->children_running == 0)
		event_finished(parent);
}

/* Calls the callbacks of one finished event with the lock given up, and completes it. */
static void
event_complete(struct event *event)
{
	struct event_set *set = event->set;
	struct event_callback *callbacks = event->callbacks;
	daos_event_t *public_event = event_public(event);
	uint32_t count = event->callback_count;

	event->callbacks = NULL;
	event->callback_count = 0;
	pthread_mutex_unlock(&set->context->lock);
	for (uint32_t i = count; i > 0; i--) {
		int rc = callbacks[i - 1].function(callbacks[i - 1].argument, public_event,
						   public_event->ev_error);

		if (rc && public_event->ev_error == 0)
			public_event->ev_error = rc;
	}
	client_free(callbacks);
	pthread_mutex_lock(&set->context->lock);
	event->state = DAOS_EVS_COMPLETED;
	event->stage = EVENT_COMPLETED;
	if (event->parent) {
		child_completed(event);
	} else if (event->queued) {
		list_append(&set->completed, &event->link);
		atomic_fetch_add(&set->completed_count, 1);
	}
	atomic_fetch_sub(&set->running_count, 1);
	context_wake(set->context);
}

/* Completes what has finished. */
static void
complete_finished(struct event_set *set)
{
	struct list *link;

	while ((link = list_pop(&set->finished)) != NULL) {
		atomic_fetch_sub(&set->finished_count, 1);
		event_complete(list_entry(link, struct event, link));
	}
}

/* The caller has seen the completion: the event can be launched again. */
static void
event_reap(struct event *event)
{
	if (list_linked(&event->link)) {
		list_remove(&event->link);
		atomic_fetch_sub(&event->set->completed_count, 1);
	}
	event->state = DAOS_EVS_READY;
	event->stage = EVENT_IDLE;
	LIST_FOR_EACH(link, &event->children) {
		struct event *child = list_entry(link, struct event, child_link);

		child->state = DAOS_EVS_READY;
		child->stage = EVENT_IDLE;
	}
}

struct event *
event_take_finished(struct event_set *set)
{
	struct list *link = list_pop(&set->finished);
	struct event *event = link ? list_entry(link, struct event, link) : NULL;

	if (event == NULL)
		return NULL;
	atomic_fetch_sub(&set->finished_count, 1);
	atomic_fetch_sub(&set->running_count, 1);
	event->state = DAOS_EVS_READY;
	event->stage = EVENT_IDLE;
	return event;
}

/* ------------------------------------------------ queues */

static void
queue_free(struct handle *handle)
{
	struct event_queue *queue = (struct event_queue *)handle;

	if (queue->set && client_check(client_here()) == 0)
		context_give(queue->set);
	client_free(queue);
}

static int
queue_get(daos_handle_t cookie, struct event_queue **ret_queue)
{
	struct client *client = client_here();
	struct handle *handle;
	int rc = client_check(client);

	if (rc == 0)
		rc = handle_get(&client->handles, cookie, DAOS_HTYPE_EQ, &handle);
	if (rc)
		return rc;
	*ret_queue = (struct event_queue *)handle;
	if ((*ret_queue)->set)
		return 0;
	handle_put(handle);
	return -DER_NO_HDL;
}

int
event_queue_renew(struct client *client, struct event_queue *queue)
{
	return context_take(client, &queue->set);
}

int
daos_eq_create(daos_handle_t *eqh)
{
	struct client *client = client_here();
	struct event_queue *queue;
	int rc = client_check(client);

	if (rc)
		return rc;
	if (eqh == NULL)
		return -DER_INVAL;
	queue = client_calloc(sizeof(*queue));
	if (queue == NULL)
		return -DER_NOMEM;
	handle_init(&queue->handle, DAOS_HTYPE_EQ, queue_free);
	rc = context_take(client, &queue->set);
	if (rc == 0)
		rc = handle_add(&client->handles, &queue->handle, eqh);
	if (rc)
		handle_put(&queue->handle);
	return rc;
}

static bool
drain_is_done(void *argument)
{
	struct event_set *set = argument;

	return atomic_load(&set->running_count) == 0 || atomic_load(&set->finished_count) > 0;
}

/* Ends what runs and forgets what was not polled; with the lock held. */
static void
queue_drain(struct event_set *set)
{
	struct list *link;

	atomic_store(&set->closed, true);
	LIST_FOR_EACH(running, &set->running) {
		struct event *event = list_entry(running, struct event, link);

		if (event->operation)
			operation_abort(event->operation);
	}
	context_wake(set->context);
	while (atomic_load(&set->running_count) > 0) {
		context_drive_plain(set->context, drain_is_done, set);
		complete_finished(set);
	}
	while ((link = list_first(&set->completed)) != NULL)
		event_reap(list_entry(link, struct event, link));
}

int
daos_eq_destroy(daos_handle_t eqh, int flags)
{
	struct event_queue *queue;
	struct event_set *set;
	bool busy;
	int rc = queue_get(eqh, &queue);

	if (rc)
		return rc;
	set = queue->set;
	pthread_mutex_lock(&set->context->lock);
	busy = atomic_load(&set->running_count) + atomic_load(&set->completed_count) > 0;
	if (!busy || flags & DAOS_EQ_DESTROY_FORCE)
		queue_drain(set);
	else
		rc = -DER_BUSY;
	pthread_mutex_unlock(&set->context->lock);
	if (rc == 0)
		handle_remove(&client_here()->handles, &queue->handle);
	handle_put(&queue->handle);
	return rc;
}

struct polling {
	struct event_set *set;
	bool while_running;
};

/* Something to hand out, or nothing that could come. */
static bool
poll_is_done(void *argument)
{
	struct polling *polling = argument;
	struct event_set *set = polling->set;

	return atomic_load(&set->finished_count) > 0 || atomic_load(&set->completed_count) > 0 ||
	       atomic_load(&set->closed) ||
	       (polling->while_running && atomic_load(&set->running_count) == 0);
}

static uint32_t
reap_completed(struct event_set *set, uint32_t limit, daos_event_t **events)
{
	uint32_t count = 0;
	struct list *link;

	while (count < limit && (link = list_first(&set->completed)) != NULL) {
		struct event *event = list_entry(link, struct event, link);

		event_reap(event);
		events[count++] = event_public(event);
	}
	return count;
}

/* With the lock held. */
static uint32_t
poll_set(struct event_set *set, bool while_running, uint64_t deadline, uint32_t limit,
	 daos_event_t **events)
{
	struct polling polling = {.set = set, .while_running = while_running};
	uint32_t count;
	bool again;

	do {
		context_drive(set->context, poll_is_done, &polling, deadline);
		complete_finished(set);
		count = reap_completed(set, limit, events);
		again = count == 0 && !atomic_load(&set->closed) &&
			!(while_running && atomic_load(&set->running_count) == 0) &&
			context_wait_goes_on(set->context, deadline);
	} while (again);
	return count;
}

int
daos_eq_poll(daos_handle_t eqh, int wait_running, int64_t timeout, unsigned int nevents,
	     daos_event_t **events)
{
	struct client_context *context;
	struct event_queue *queue;
	uint32_t count;
	bool closed;
	int rc;

	if (nevents == 0 || events == NULL)
		return -DER_INVAL;
	rc = queue_get(eqh, &queue);
	if (rc)
		return rc;
	context = queue->set->context;
	pthread_mutex_lock(&context->lock);
	count = poll_set(queue->set, wait_running != 0, context_deadline(context, timeout), nevents,
			 events);
	closed = atomic_load(&queue->set->closed);
	pthread_mutex_unlock(&context->lock);
	handle_put(&queue->handle);
	if (count > 0)
		return (int)count;
	return closed ? -DER_NONEXIST : context_interrupted(context);
}

static uint32_t
query_list(struct list *list, uint32_t count, unsigned int nevents, daos_event_t **events)
{
	LIST_FOR_EACH(link, list) {
		struct event *event = list_entry(link, struct event, link);

		if (event->parent || !event->queued)
			continue;
		if (events && count < nevents)
			events[count] = event_public(event);
		count++;
	}
	return count;
}

int
daos_eq_query(daos_handle_t eqh, daos_eq_query_t query, unsigned int nevents, daos_event_t **events)
{
	struct event_queue *queue;
	struct event_set *set;
	uint32_t count = 0;
	int rc = queue_get(eqh, &queue);

	if (rc)
		return rc;
	set = queue->set;
	pthread_mutex_lock(&set->context->lock);
	if (query & DAOS_EQR_COMPLETED) {
		count = query_list(&set->finished, count, nevents, events);
		count = query_list(&set->completed, count, nevents, events);
	}
	if (query & DAOS_EQR_WAITING)
		count = query_list(&set->running, count, nevents, events);
	pthread_mutex_unlock(&set->context->lock);
	handle_put(&queue->handle);
	return (int)count;
}

/* ------------------------------------------------ events */

/* Where an event belongs: with its parent, to its queue, or to one of the pool of contexts. */
static int
event_place(daos_handle_t eqh, struct event *parent, struct event *event)
{
	struct client_context *context;
	struct event_queue *queue;
	int rc;

	if (parent) {
		event->set = parent->set;
		event->queued = parent->queued;
		return 0;
	}
	if (daos_handle_is_inval(eqh)) {
		rc = context_pick(client_here(), &context);
		if (rc == 0)
			event->set = &context->events;
		return rc;
	}
	rc = queue_get(eqh, &queue);
	if (rc)
		return rc;
	event->set = queue->set;
	event->queued = true;
	handle_put(&queue->handle);
	return 0;
}

void
event_init_in(struct event_set *set, daos_event_t *public_event)
{
	struct event *event = (void *)&public_event->ev_private;

	memset(public_event, 0, sizeof(*public_event));
	event->set = set;
	list_init(&event->children);
	event->life = atomic_load(&client_here()->life);
	event->magic = EVENT_MAGIC;
}

int
daos_event_init(daos_event_t *ev, daos_handle_t eqh, daos_event_t *parent)
{
	struct event *above = event_of(parent);
	struct event *event;
	int rc = client_check(client_here());

	if (rc)
		return rc;
	if (ev == NULL || (parent && above == NULL))
		return -DER_INVAL;
	if (above && above->parent)
		return -DER_NO_PERM;
	memset(ev, 0, sizeof(*ev));
	event = (void *)&ev->ev_private;
	rc = event_place(eqh, above, event);
	if (rc)
		return rc;
	list_init(&event->children);
	event->life = atomic_load(&client_here()->life);
	event->magic = EVENT_MAGIC;
	if (above == NULL)
		return 0;
	pthread_mutex_lock(&event->set->context->lock);
	if (above->state == DAOS_EVS_READY)
		list_append(&above->children, &event->child_link);
	else
		rc = -DER_INVAL;
	event->parent = above;
	pthread_mutex_unlock(&event->set->context->lock);
	if (rc)
		event->magic = 0;
	return rc;
}

static bool
event_in_use(const struct event *event)
{
	return event->stage == EVENT_OPERATION || event->stage == EVENT_CHILDREN ||
	       event->stage == EVENT_FINISHED ||
	       (event->stage == EVENT_COMPLETED && list_linked(&event->link));
}

static void
event_release(struct event *event)
{
	client_free(event->callbacks);
	event->callbacks = NULL;
	event->magic = 0;
}

int
daos_event_fini(daos_event_t *ev)
{
	struct client_context *context;
	struct event *event;
	struct list *link;
	bool busy;
	int rc = event_get(ev, &event);

	if (rc)
		return rc;
	context = event->set->context;
	pthread_mutex_lock(&context->lock);
	busy = event_in_use(event) || event->children_running > 0;
	if (!busy) {
		while ((link = list_pop(&event->children)) != NULL)
			event_release(list_entry(link, struct event, child_link));
		list_remove(&event->child_link);
		event_release(event);
	}
	pthread_mutex_unlock(&context->lock);
	return busy ? -DER_BUSY : 0;
}

daos_event_t *
daos_event_next(daos_event_t *parent, daos_event_t *child)
{
	struct event *event = event_of(parent);
	struct event *after = event_of(child);
	struct list *link;

	if (client_check(client_here()) != 0)
		return NULL;
	if (event == NULL || (child && (after == NULL || after->parent != event)))
		return NULL;
	link = after ? after->child_link.next : list_first(&event->children);
	if (link == NULL || link == &event->children)
		return NULL;
	return event_public(list_entry(link, struct event, child_link));
}

static bool
test_is_done(void *argument)
{
	const struct event *event = argument;

	return atomic_load(&event->set->finished_count) > 0 || event->stage == EVENT_COMPLETED ||
	       event->stage == EVENT_IDLE;
}

int
daos_event_test(struct daos_event *ev, int64_t timeout, bool *flag)
{
	struct client_context *context;
	struct event *event;
	uint64_t deadline;
	int rc = event_get(ev, &event);

	if (rc)
		return rc;
	if (flag == NULL)
		return -DER_INVAL;
	if (event->parent)
		return -DER_NO_PERM;
	context = event->set->context;
	deadline = context_deadline(context, timeout);
	pthread_mutex_lock(&context->lock);
	do {
		context_drive(context, test_is_done, event, deadline);
		complete_finished(event->set);
	} while (!test_is_done(event) && context_wait_goes_on(context, deadline));
	*flag = event->stage == EVENT_COMPLETED || event->stage == EVENT_IDLE;
	if (event->stage == EVENT_COMPLETED)
		event_reap(event);
	pthread_mutex_unlock(&context->lock);
	return *flag ? 0 : context_interrupted(context);
}

int
daos_event_register_comp_cb(struct daos_event *ev, daos_event_comp_cb_t cb, void *arg)
{
	struct event *event;
	int rc = event_get(ev, &event);

	if (rc)
		return rc;
	if (cb == NULL)
		return -DER_INVAL;
	pthread_mutex_lock(&event->set->context->lock);
	if (event->state != DAOS_EVS_READY)
		rc = -DER_NO_PERM;
	else if (event->callback_count == EVENT_CALLBACKS_MAX)
		rc = -DER_OVERFLOW;
	else if (event->callbacks == NULL)
		event->callbacks = client_calloc(EVENT_CALLBACKS_MAX * sizeof(*event->callbacks));
	if (rc == 0 && event->callbacks == NULL)
		rc = -DER_NOMEM;
	if (rc == 0)
		event->callbacks[event->callback_count++] =
			(struct event_callback){.function = cb, .argument = arg};
	pthread_mutex_unlock(&event->set->context->lock);
	return rc;
}

int
daos_event_parent_barrier(struct daos_event *ev)
{
	struct event *event;
	int rc = event_get(ev, &event);

	if (rc)
		return rc;
	pthread_mutex_lock(&event->set->context->lock);
	rc = list_empty(&event->children) ? -DER_INVAL : event_begin(event, NULL);
	if (rc == 0) {
		LIST_FOR_EACH(link, &event->children) {
			int result =
				event_public(list_entry(link, struct event, child_link))->ev_error;

			if (ev->ev_error == 0 &&
			    list_entry(link, struct event, child_link)->stage == EVENT_COMPLETED)
				ev->ev_error = result;
		}
		if (event->children_running == 0)
			event_finished(event);
		context_notify(event->set->context);
	}
	pthread_mutex_unlock(&event->set->context->lock);
	return rc;
}

int
daos_event_abort(daos_event_t *ev)
{
	struct event *event;
	int rc = event_get(ev, &event);

	if (rc)
		return rc;
	pthread_mutex_lock(&event->set->context->lock);
	if (event->state == DAOS_EVS_RUNNING) {
		event->state = DAOS_EVS_ABORTED;
		if (event->operation)
			operation_abort(event->operation);
		LIST_FOR_EACH(link, &event->children) {
			struct event *child = list_entry(link, struct event, child_link);

			if (child->operation)
				operation_abort(child->operation);
		}
	}
	pthread_mutex_unlock(&event->set->context->lock);
	return 0;
}
