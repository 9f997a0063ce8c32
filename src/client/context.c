/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Contexts: their life, who drives them, and which pools and containers they have connections for.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "client/private.h"

/* ------------------------------------------------ life */

static struct uuid
draw_uuid(struct env *env)
{
	return uuid_make(env_random(env), env_random(env));
}

struct uuid
context_draw_uuid(struct client_context *context)
{
	return draw_uuid(context->env);
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

static int
context_world(struct client_context *context)
{
	struct linux_env_options env_options = {
		.name = "client", .level = LOG_WARNING, .backend = backend_wanted()};
	struct rpc_options rpc_options = {.clock = &context->client->clock,
					  .system = "daos_server"};
	int rc = linux_env_create(&env_options, &context->env);

	if (rc)
		return rc;
	/* Each context numbers its own requests, so each is a client of its own to the servers. */
	rpc_options.incarnation = draw_uuid(context->env);
	rc = loop_create(context->env, NULL, &context->loop);
	if (rc == 0)
		rc = rpc_create(context->loop, &rpc_options, &context->rpc);
	if (rc == 0)
		rc = rpc_window_create(context->rpc, &context->window);
	return rc;
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

/* The last operation of a context, on a fiber. */
static void
context_close(void *argument)
{
	struct client_context *context = argument;

	LIST_FOR_EACH_SAFE(link, &context->containers)
		context_container_free(list_entry(link, struct context_container, link));
	LIST_FOR_EACH_SAFE(link, &context->pools)
		context_pool_free(list_entry(link, struct context_pool, link));
	if (context->window)
		rpc_window_destroy(context->window);
	if (context->rpc)
		rpc_destroy(context->rpc);
}

/* Cancels what runs under events; whether there is any. */
static bool
context_abort_all(struct client_context *context)
{
	bool any = false;

	pthread_mutex_lock(&context->lock);
	LIST_FOR_EACH(link, &context->running) {
		struct event *event = list_entry(link, struct event, link);

		if (event->operation) {
			operation_abort(event->operation);
			any = true;
		}
	}
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
		if (fiber_start(context->loop, "client close", context_close, context, &fiber) == 0)
			while (loop_fiber_count(context->loop) > 0)
				loop_step(context->loop, UINT64_MAX);
		loop_destroy(context->loop);
	}
	if (context->env)
		linux_env_destroy(context->env);
	pthread_cond_destroy(&context->changed);
	pthread_mutex_destroy(&context->lock);
	free(context);
}

int
context_create(struct client *client, struct client_context **ret_context)
{
	struct client_context *context = calloc(1, sizeof(*context));
	int rc;

	if (context == NULL)
		return -DER_NOMEM;
	context->client = client;
	context->closings = atomic_load(&client->closings);
	list_init(&context->pools);
	list_init(&context->containers);
	list_init(&context->running);
	list_init(&context->finished);
	list_init(&context->completed);
	context_init_lock(context);
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
context_here(struct client *client)
{
	struct loop *loop = loop_current();

	if (loop == NULL || fiber_current() == NULL)
		return NULL;
	for (uint32_t i = 0; i < CONTEXTS_MAX; i++) {
		struct client_context *context =
			atomic_load_explicit(&client->contexts[i], memory_order_acquire);

		if (context && context->loop == loop)
			return context;
	}
	return NULL;
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

int
context_take(struct client *client, struct client_context **ret_context)
{
	int rc = -DER_OVERFLOW;

	pthread_mutex_lock(&client->lock);
	for (uint32_t i = CONTEXT_POOL; i < CONTEXTS_MAX && rc == -DER_OVERFLOW; i++) {
		struct client_context *context = atomic_load(&client->contexts[i]);

		if (context && context->taken)
			continue;
		rc = context ? 0 : context_place(client, i, &context);
		if (rc == 0) {
			context->taken = true;
			atomic_store(&context->closed, false);
			*ret_context = context;
		}
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
context_give(struct client_context *context)
{
	pthread_mutex_lock(&context->client->lock);
	context->taken = false;
	pthread_mutex_unlock(&context->client->lock);
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

void
context_drive(struct client_context *context, bool (*done)(void *argument), void *argument,
	      uint64_t deadline)
{
	bool going = true;

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
		.rpc = context->rpc, .pool = pool->id, .patience_ns = PATIENCE_NS};
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

static uint64_t
container_number(struct client_container *container, uint32_t type)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(container->properties, type);

	return entry && daos_prop_is_set(entry) ? entry->dpe_val : 0;
}

static int
context_container_create(struct client_context *context, struct client_container *container,
			 struct context_container **ret_entry)
{
	struct context_container *entry = arena_calloc(context->env->arena, 1, sizeof(*entry));
	bool sums = container_number(container, DAOS_PROP_CO_CSUM) != DAOS_PROP_CO_CSUM_OFF;
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
