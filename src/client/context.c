/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Contexts: their life, who drives them, and which pools and containers they have connections for.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "client/private.h"

/* ------------------------------------------------ life */

/* In the order that a seed repeats, whatever the compiler. */
struct uuid
context_draw_uuid(struct client_context *context)
{
	uint64_t high = env_random(context->env);

	return uuid_make(high, env_random(context->env));
}

/* CAIRN_BACKEND: how loops wait, for tests and where the kernel's choice is not wanted. */
static enum linux_backend
backend_wanted(void)
{
	const char *name = getenv("CAIRN_BACKEND");

	if (name && strcmp(name, "uring") == 0)
		return LINUX_URING;
	return name && strcmp(name, "epoll") == 0 ? LINUX_EPOLL : LINUX_AUTO;
}

int
context_connect(struct client_context *context)
{
	/* Each context numbers its own requests, so each is a client of its own to the servers. */
	struct rpc_options options = {.clock = &context->client->clock,
				      .incarnation = context_draw_uuid(context),
				      .system = "daos_server"};
	int rc;

	if (!client_is_hosted(context->client)) {
		options.unreached = embedded_unreached;
		options.unreached_owner = context->client;
	}
	rc = rpc_create(context->loop, &options, &context->rpc);

	if (rc == 0)
		rc = rpc_window_create(context->rpc, &context->window);
	if (rc == 0)
		context->env->context->client = context;
	return rc;
}

static int
context_world(struct client_context *context)
{
	struct linux_env_options options = {
		.name = "client", .level = LOG_WARNING, .backend = backend_wanted()};
	int rc = linux_env_create(&options, &context->env);

	if (rc == 0)
		rc = loop_create(context->env, NULL, &context->loop);
	return rc ? rc : context_connect(context);
}

static void
context_init_lock(struct client_context *context)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&context->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&context->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void context_pool_free(struct context_pool *pool);
static void context_container_free(struct context_container *entry);

/*
 * It lives as long as its context, whatever handles come and go: its request numbers must not begin
 * anew under the same incarnation.
 */
struct context_pool {
	struct list link;
	struct client_context *context;
	struct uuid id;
	struct objio_pool *objio;
};

struct context_container {
	struct list link;
	struct client_context *context;
	struct context_pool *pool;
	struct client_container *container; /* a reference */
	struct objio *objio;
	uint32_t users; /* operations under way */
};

void
context_close(struct client_context *context)
{
	LIST_FOR_EACH_SAFE(link, &context->containers)
		context_container_free(list_entry(link, struct context_container, link));
	LIST_FOR_EACH_SAFE(link, &context->pools)
		context_pool_free(list_entry(link, struct context_pool, link));
	if (context->window)
		rpc_window_destroy(context->window);
	if (context->rpc)
		rpc_destroy(context->rpc);
}

static void
close_on_fiber(void *argument)
{
	context_close(argument);
}

static bool
set_abort_all(struct event_set *set)
{
	bool any = false;

	LIST_FOR_EACH(link, &set->running) {
		struct event *event = list_entry(link, struct event, link);

		if (event->operation) {
			operation_abort(event->operation);
			any = true;
		}
	}
	return any;
}

bool
context_abort_all(struct client_context *context)
{
	bool any;

	pthread_mutex_lock(&context->lock);
	any = set_abort_all(&context->events);
	LIST_FOR_EACH(link, &context->sets)
		any = set_abort_all(list_entry(link, struct event_set, link)) || any;
	pthread_mutex_unlock(&context->lock);
	return any;
}

void
context_destroy(struct client_context *context)
{
	struct fiber *fiber;

	if (context->loop) {
		while (context_abort_all(context))
			loop_step(context->loop, UINT64_MAX);
		if (fiber_start(context->loop, "client close", close_on_fiber, context, &fiber) ==
		    0)
			while (loop_fiber_count(context->loop) > 0)
				loop_step(context->loop, UINT64_MAX);
		loop_destroy(context->loop);
	}
	if (context->env)
		linux_env_destroy(context->env);
	context_drop_sets(context);
	context_fini(context);
	free(context);
}

void
event_set_init(struct client_context *context, struct event_set *set)
{
	set->context = context;
	list_init(&set->running);
	list_init(&set->finished);
	list_init(&set->completed);
}

void
context_drop_sets(struct client_context *context)
{
	LIST_FOR_EACH_SAFE(link, &context->sets) {
		list_remove(link);
		client_free(list_entry(link, struct event_set, link));
	}
}

void
context_fini(struct client_context *context)
{
	pthread_cond_destroy(&context->changed);
	pthread_mutex_destroy(&context->lock);
}

void
context_prepare(struct client *client, struct client_context *context)
{
	context->client = client;
	context->closings = atomic_load(&client->closings);
	list_init(&context->pools);
	list_init(&context->containers);
	list_init(&context->sets);
	wait_queue_init(&context->waiting);
	event_set_init(context, &context->events);
	context_init_lock(context);
}

int
context_create(struct client *client, struct client_context **ret_context)
{
	struct client_context *context = calloc(1, sizeof(*context));
	int rc;

	if (context == NULL)
		return -DER_NOMEM;
	context_prepare(client, context);
	rc = context_world(context);
	if (rc) {
		context_destroy(context);
		return rc;
	}
	*ret_context = context;
	return 0;
}

/* ------------------------------------------------ choosing one */

struct client_context *
context_here(void)
{
	return fiber_current() ? context_current()->client : NULL;
}

/* Fills an empty place; with the client's lock held. */
static int
context_place(struct client *client, uint32_t place, struct client_context **ret_context)
{
	int rc = context_create(client, ret_context);

	if (rc == 0)
		atomic_store_explicit(&client->contexts[place], *ret_context, memory_order_release);
	return rc;
}

static int
context_make(struct client *client, uint32_t place, struct client_context **ret_context)
{
	int rc = 0;

	pthread_mutex_lock(&client->lock);
	*ret_context = atomic_load(&client->contexts[place]);
	if (*ret_context == NULL)
		rc = context_place(client, place, ret_context);
	pthread_mutex_unlock(&client->lock);
	return rc;
}

static bool
context_idle(struct client_context *context)
{
	bool idle;

	pthread_mutex_lock(&context->lock);
	idle = !context->driven;
	pthread_mutex_unlock(&context->lock);
	return idle;
}

int
context_pick(struct client *client, struct client_context **ret_context)
{
	if (client_is_hosted(client)) {
		*ret_context = atomic_load(&client->contexts[0]);
		return 0;
	}
	for (uint32_t i = 0; i < CONTEXT_POOL; i++) {
		struct client_context *context =
			atomic_load_explicit(&client->contexts[i], memory_order_acquire);

		if (context == NULL)
			return context_make(client, i, ret_context);
		if (context_idle(context)) {
			*ret_context = context;
			return 0;
		}
	}
	/* Threads spread over the pool by where their stacks are. */
	return context_make(client, (uint32_t)(mix64((uint64_t)pthread_self()) % CONTEXT_POOL),
			    ret_context);
}

/* With the client's lock held. */
static int
take_context(struct client *client, struct event_set **ret_set)
{
	for (uint32_t i = CONTEXT_POOL; i < CONTEXTS_MAX; i++) {
		struct client_context *context = atomic_load(&client->contexts[i]);
		int rc;

		if (context && context->events.taken)
			continue;
		rc = context ? 0 : context_place(client, i, &context);
		if (rc == 0)
			*ret_set = &context->events;
		return rc;
	}
	return -DER_OVERFLOW;
}

int
context_add_set(struct client_context *context, struct event_set **ret_set)
{
	struct event_set *set = client_calloc(sizeof(*set));

	if (set == NULL)
		return -DER_NOMEM;
	event_set_init(context, set);
	set->taken = true;
	pthread_mutex_lock(&context->lock);
	list_append(&context->sets, &set->link);
	pthread_mutex_unlock(&context->lock);
	*ret_set = set;
	return 0;
}

void
context_drop_set(struct event_set *set)
{
	struct client_context *context = set->context;

	pthread_mutex_lock(&context->lock);
	list_remove(&set->link);
	pthread_mutex_unlock(&context->lock);
	client_free(set);
}

/* One more set on the context of a host. A set is kept for the next queue, as events may outlive
 * theirs. */
static int
take_set(struct client *client, struct event_set **ret_set)
{
	struct client_context *context = atomic_load(&client->contexts[0]);
	int rc;

	LIST_FOR_EACH(link, &context->sets) {
		struct event_set *set = list_entry(link, struct event_set, link);

		if (!set->taken) {
			*ret_set = set;
			return 0;
		}
	}
	if (context->set_count == CONTEXTS_MAX - CONTEXT_POOL)
		return -DER_OVERFLOW;
	rc = context_add_set(context, ret_set);
	if (rc == 0)
		context->set_count++;
	return rc;
}

int
context_take(struct client *client, struct event_set **ret_set)
{
	int rc;

	pthread_mutex_lock(&client->lock);
	rc = client_is_hosted(client) ? take_set(client, ret_set) : take_context(client, ret_set);
	if (rc == 0) {
		(*ret_set)->taken = true;
		atomic_store(&(*ret_set)->closed, false);
	}
	pthread_mutex_unlock(&client->lock);
	if (rc == -DER_OVERFLOW)
		return error_raise(rc, "there are %u event queues already",
				   CONTEXTS_MAX - CONTEXT_POOL);
	return rc;
}

/* It keeps its connections for the next queue: pool and container handles opened through it must
 * outlive the queue. */
void
context_give(struct event_set *set)
{
	struct client *client = set->context->client;

	pthread_mutex_lock(&client->lock);
	set->taken = false;
	pthread_mutex_unlock(&client->lock);
}

/* ------------------------------------------------ driving */

uint64_t
context_deadline(struct client_context *context, int64_t timeout_us)
{
	uint64_t now;

	if (timeout_us <= 0)
		return timeout_us < 0 ? UINT64_MAX : 0;
	now = env_monotonic(context->env);
	return (uint64_t)timeout_us < (UINT64_MAX - now) / 1000 ? now + (uint64_t)timeout_us * 1000
								: UINT64_MAX;
}

void
context_notify(struct client_context *context)
{
	if (context->waiters > 0)
		pthread_cond_broadcast(&context->changed);
	wait_queue_wake_all(&context->waiting);
}

void
context_wake(struct client_context *context)
{
	context_notify(context);
	if (context->driven)
		context->env->poller->wake(context->env->poller);
}

/* Waits until something changes; false at the deadline. */
static bool
wait_for_driver(struct client_context *context, uint64_t deadline)
{
	struct timespec until = {(time_t)(deadline / 1000000000), (long)(deadline % 1000000000)};
	int rc = ETIMEDOUT;

	if (deadline == 0)
		return false;
	context->waiters++;
	if (deadline == UINT64_MAX)
		rc = pthread_cond_wait(&context->changed, &context->lock);
	else
		rc = pthread_cond_timedwait(&context->changed, &context->lock, &until);
	context->waiters--;
	return rc != ETIMEDOUT;
}

/* Steps the loop without the lock until done or the deadline; false at the deadline. */
static bool
step_until(struct client_context *context, bool (*done)(void *argument), void *argument,
	   uint64_t deadline)
{
	if (deadline == 0) {
		/* The first turn hears what has arrived, the second runs what waited for it. */
		loop_step(context->loop, 0);
		if (!done(argument))
			loop_step(context->loop, 0);
		return false;
	}
	while (!done(argument)) {
		uint64_t now = deadline == UINT64_MAX ? 0 : env_monotonic(context->env);

		if (now >= deadline)
			return false;
		loop_step(context->loop, deadline - now);
	}
	return true;
}

/* On a fiber of a host's loop: lets the others run, as two turns do. */
static void
yield_twice(struct client_context *context, bool (*done)(void *argument), void *argument)
{
	pthread_mutex_unlock(&context->lock);
	for (uint32_t i = 0; i < 2 && !done(argument); i++)
		fiber_yield();
	pthread_mutex_lock(&context->lock);
}

/* On a fiber of a host's loop: waits for what others change. */
static void
wait_until(struct client_context *context, bool (*done)(void *argument), void *argument,
	   uint64_t deadline)
{
	uint64_t before = fiber_deadline();
	int rc = 0;

	if (deadline == 0) {
		yield_twice(context, done, argument);
		return;
	}
	if (deadline != UINT64_MAX)
		fiber_set_deadline(before ? min_of(before, deadline) : deadline);
	while (rc == 0 && !done(argument)) {
		pthread_mutex_unlock(&context->lock);
		rc = wait_queue_wait(&context->waiting);
		pthread_mutex_lock(&context->lock);
	}
	fiber_set_deadline(before);
}

int
context_interrupted(struct client_context *context)
{
	uint64_t deadline = fiber_deadline();

	if (!client_is_hosted(context->client))
		return 0;
	if (fiber_canceled())
		return -DER_CANCELED;
	return deadline && env_monotonic(context->env) >= deadline ? -DER_TIMEDOUT : 0;
}

bool
context_wait_goes_on(struct client_context *context, uint64_t deadline)
{
	return deadline != 0 && context_interrupted(context) == 0 &&
	       (deadline == UINT64_MAX || env_monotonic(context->env) < deadline);
}

void
context_drive_plain(struct client_context *context, bool (*done)(void *argument), void *argument)
{
	if (!client_is_hosted(context->client)) {
		context_drive(context, done, argument, UINT64_MAX);
		return;
	}
	while (!done(argument)) {
		pthread_mutex_unlock(&context->lock);
		wait_queue_wait_plain(&context->waiting);
		pthread_mutex_lock(&context->lock);
	}
}

void
context_drive(struct client_context *context, bool (*done)(void *argument), void *argument,
	      uint64_t deadline)
{
	bool going = true;

	if (client_is_hosted(context->client)) {
		wait_until(context, done, argument, deadline);
		return;
	}
	while (going && !done(argument)) {
		if (context->driven) {
			going = wait_for_driver(context, deadline);
			continue;
		}
		context->driven = true;
		pthread_mutex_unlock(&context->lock);
		going = step_until(context, done, argument, deadline);
		pthread_mutex_lock(&context->lock);
		context->driven = false;
		context_notify(context);
	}
}

/* ------------------------------------------------ pools and containers of a context */

static void
context_pool_free(struct context_pool *pool)
{
	list_remove(&pool->link);
	objio_pool_destroy(pool->objio);
	arena_free(pool->context->env->arena, pool);
}

static void
context_container_free(struct context_container *entry)
{
	list_remove(&entry->link);
	if (entry->objio)
		objio_destroy(entry->objio);
	handle_put(&entry->container->handle);
	arena_free(entry->context->env->arena, entry);
}

/* Drops what belongs to containers that were closed since. */
static void
context_sweep(struct client_context *context)
{
	uint32_t closings = atomic_load(&context->client->closings);

	if (context->closings == closings)
		return;
	context->closings = closings;
	LIST_FOR_EACH_SAFE(link, &context->containers) {
		struct context_container *entry = list_entry(link, struct context_container, link);

		if (entry->users == 0 && atomic_load(&entry->container->closed))
			context_container_free(entry);
	}
}

static int
context_pool_create(struct client_context *context, struct client_pool *pool,
		    struct context_pool *entry)
{
	struct arena *arena = context->env->arena;
	struct objio_pool_options options = {
		.rpc = context->rpc,
		.pool = pool->id,
		.patience_ns = client_patience(context->client),
	};
	struct reader reader;
	struct proto_map map;
	int rc;

	reader_init(&reader, pool->map, pool->map_length);
	rc = proto_map_decode(&reader, arena, &map);
	if (rc)
		return rc;
	servers_filter(&context->client->servers, &map);
	options.map = &map;
	rc = objio_pool_create(&options, &entry->objio);
	proto_map_free(arena, &map);
	return rc;
}

static int
context_pool_get(struct client_context *context, struct client_pool *pool,
		 struct context_pool **ret_entry)
{
	struct context_pool *entry;
	int rc;

	LIST_FOR_EACH(link, &context->pools) {
		entry = list_entry(link, struct context_pool, link);
		if (uuid_equal(&entry->id, &pool->id)) {
			*ret_entry = entry;
			return 0;
		}
	}
	entry = arena_calloc(context->env->arena, 1, sizeof(*entry));
	if (entry == NULL)
		return -DER_NOMEM;
	entry->context = context;
	entry->id = pool->id;
	rc = context_pool_create(context, pool, entry);
	if (rc) {
		arena_free(context->env->arena, entry);
		return rc;
	}
	list_append(&context->pools, &entry->link);
	*ret_entry = entry;
	return 0;
}

static int
context_container_create(struct client_context *context, struct client_container *container,
			 struct context_container **ret_entry)
{
	struct context_container *entry = arena_calloc(context->env->arena, 1, sizeof(*entry));
	bool sums = properties_number(container->properties, DAOS_PROP_CO_CSUM) !=
		    DAOS_PROP_CO_CSUM_OFF;
	int rc;

	if (entry == NULL)
		return -DER_NOMEM;
	entry->context = context;
	entry->container = container;
	atomic_fetch_add(&container->handle.references, 1);
	list_append(&context->containers, &entry->link);
	rc = context_pool_get(context, container->pool, &entry->pool);
	if (rc == 0)
		rc = objio_create(entry->pool->objio, container->handle_id, sums, &entry->objio);
	if (rc) {
		context_container_free(entry);
		return rc;
	}
	*ret_entry = entry;
	return 0;
}

int
context_container_get(struct client_context *context, struct client_container *container,
		      struct objio **ret_objio, struct context_container **ret_entry)
{
	struct context_container *entry = NULL;
	int rc = 0;

	context_sweep(context);
	LIST_FOR_EACH(link, &context->containers) {
		struct context_container *other = list_entry(link, struct context_container, link);

		if (other->container == container) {
			entry = other;
			break;
		}
	}
	if (entry == NULL)
		rc = context_container_create(context, container, &entry);
	if (rc)
		return rc;
	entry->users++;
	*ret_objio = entry->objio;
	*ret_entry = entry;
	return 0;
}

void
context_container_put(struct context_container *entry)
{
	entry->users--;
}
