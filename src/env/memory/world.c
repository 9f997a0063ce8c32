/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The world, its clock, and the place where its loops sleep. */
#include <stdlib.h>
#include <string.h>

#include "env/memory/world.h"

/* Virtual time that a poll without sleep and without an event costs, so that whoever spins gets on.
 */
#define IDLE_POLL_NS 100

/* After so many polls in a row of one env the others are taken to be stepped no more. */
#define ALONE_POLLS 64

/* Of links at first. */
#define DEFAULT_DELAY_NS 5000

#define HOUR_NS 3600000000000ull

void *
memory_take(size_t size)
{
	void *block = calloc(1, size ? size : 1);

	ASSERT(block != NULL);
	return block;
}

void *
memory_take_raw(size_t size)
{
	void *block = malloc(size ? size : 1);

	ASSERT(block != NULL);
	return block;
}

void *
memory_grow(void *block, size_t size)
{
	void *grown = realloc(block, size);

	ASSERT(grown != NULL);
	return grown;
}

char *
memory_copy_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(memory_take(size), text, size);
}

uint64_t
stream_next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ull;
	return mix64(*state);
}

uint64_t
stream_of(const struct memory_world *world, const char *purpose, const char *name,
	  const char *other, uint64_t number)
{
	uint64_t hash = hash_combine(world->seed, hash_text(purpose));

	hash = hash_combine(hash, hash_text(name ? name : ""));
	hash = hash_combine(hash, hash_text(other ? other : ""));
	return hash_combine(hash, number);
}

/* ------------------------------------------------ world */

int
memory_world_create(uint64_t seed, struct memory_world **ret_world)
{
	struct memory_world *world = calloc(1, sizeof(*world));

	if (world == NULL)
		return -DER_NOMEM;
	world->now = MEMORY_MONOTONIC_START;
	world->seed = seed;
	world->random = mix64(seed + 1);
	world->link_delay_ns = DEFAULT_DELAY_NS;
	world->next_port = 40000;
	world->run_limit = UINT64_MAX;
	world->disk_defaults = (struct memory_disk_options){
		.read_ns = 20000,
		.write_ns = 10000,
		.flush_ns = 50000,
	};
	list_init(&world->nodes);
	list_init(&world->envs);
	list_init(&world->ends);
	list_init(&world->listeners);
	*ret_world = world;
	return 0;
}

void
memory_world_destroy(struct memory_world *world)
{
	ASSERT(list_empty(&world->envs));
	ASSERT(list_empty(&world->ends) && list_empty(&world->listeners));
	LIST_FOR_EACH_SAFE(link, &world->nodes) {
		struct memory_node *node = list_entry(link, struct memory_node, link);

		ASSERT(node->trace == NULL);
		media_free_all(node);
		links_free(node);
		free(node->name);
		free(node);
	}
	free(world);
}

uint64_t
memory_world_now(const struct memory_world *world)
{
	return world->now;
}

void
memory_world_advance(struct memory_world *world, uint64_t nanoseconds)
{
	world->now = time_after(world->now, nanoseconds);
}

uint64_t
memory_world_random(struct memory_world *world)
{
	return stream_next(&world->random);
}

struct memory_node *
world_node(struct memory_world *world, const char *name)
{
	struct memory_node *node;

	LIST_FOR_EACH(link, &world->nodes) {
		node = list_entry(link, struct memory_node, link);
		if (strcmp(node->name, name) == 0)
			return node;
	}
	node = memory_take(sizeof(*node));
	node->name = memory_copy_text(name);
	node->ordinal = world->node_count++;
	list_init(&node->media);
	list_append(&world->nodes, &node->link);
	return node;
}

/* ------------------------------------------------ events */

void
event_arm(struct event *event, struct memory_env *env, uint64_t due)
{
	ASSERT(event->env == NULL);
	event->env = env;
	priority_queue_insert(&env->events, &event->node, due);
}

void
event_disarm(struct event *event)
{
	if (event->env == NULL)
		return;
	priority_queue_remove(&event->env->events, &event->node);
	event->env = NULL;
}

/* Events armed meanwhile for the present time are included. */
bool
env_deliver(struct memory_env *env)
{
	struct queue_node *node;
	bool any = false;

	while (env->world->now >= env->busy_until &&
	       (node = priority_queue_first(&env->events)) != NULL &&
	       node->key <= env->world->now) {
		struct event *event = container_of(node, struct event, node);

		event_disarm(event);
		event->fire(event);
		any = true;
	}
	return any;
}

uint64_t
env_next_event(const struct memory_env *env)
{
	const struct queue_node *node = priority_queue_first(&env->events);

	return node ? max_of(node->key, env->busy_until) : UINT64_MAX;
}

/* ------------------------------------------------ poller */

/* The earliest time at which any env but `except` has something to do. */
static uint64_t
next_of_others(const struct memory_world *world, const struct memory_env *except)
{
	uint64_t next = UINT64_MAX;

	LIST_FOR_EACH(link, &world->envs) {
		struct memory_env *env = list_entry(link, struct memory_env, link);

		if (env == except || (world->running && !env->stepped))
			continue;
		if (__atomic_load_n(&env->woken, __ATOMIC_ACQUIRE))
			return world->now;
		next = min_of(next, env->wake_at);
		next = min_of(next, env_next_event(env));
	}
	return next;
}

static bool
others_are_absent(struct memory_env *env)
{
	struct memory_world *world = env->world;

	if (world->running)
		return false;
	if (world->last_polled != env) {
		world->last_polled = env;
		world->polled_alone = 0;
	} else if (world->polled_alone <= ALONE_POLLS) {
		world->polled_alone++;
	}
	return world->polled_alone > ALONE_POLLS;
}

static void
poller_sleep(struct memory_env *env, uint64_t timeout_ns, bool absent)
{
	struct memory_world *world = env->world;
	uint64_t target;

	env->wake_at = time_after(world->now, env_to_world(env, timeout_ns));
	target = min_of(env->wake_at, env_next_event(env));
	if (!absent)
		target = min_of(target, next_of_others(world, env));
	if (target == UINT64_MAX)
		return;
	target = min_of(target, world->run_limit);
	if (target <= world->now)
		return;
	world->now = target;
	if (env_deliver(env))
		env->wake_at = world->now;
}

static void
poller_poll(struct poller *poller, uint64_t timeout_ns)
{
	struct memory_env *env = container_of(poller, struct memory_env, poller);
	bool absent, woken, delivered;

	if (env->world->driven) {
		drive_poll(env, timeout_ns);
		return;
	}
	absent = others_are_absent(env);
	woken = __atomic_exchange_n(&env->woken, false, __ATOMIC_ACQ_REL);
	delivered = env_deliver(env);
	if (!delivered && !woken && timeout_ns > 0) {
		poller_sleep(env, timeout_ns, absent);
		return;
	}
	if (!delivered && !woken)
		env->world->now += IDLE_POLL_NS;
	env->wake_at = env->world->now;
}

static void
poller_wake(struct poller *poller)
{
	struct memory_env *env = container_of(poller, struct memory_env, poller);

	__atomic_store_n(&env->woken, true, __ATOMIC_RELEASE);
}

void
poller_init(struct memory_env *env)
{
	env->poller.poll = poller_poll;
	env->poller.wake = poller_wake;
	env->wake_at = env->world->driven ? env->world->now : UINT64_MAX;
}

/* ------------------------------------------------ stepping */

static void
run_enter(struct memory_world *world, struct loop **loops, uint32_t count, uint64_t limit)
{
	ASSERT(!world->running && !world->driven);
	world->running = true;
	world->run_limit = limit;
	for (uint32_t i = 0; i < count; i++) {
		struct memory_env *env = memory_env_of(loop_env(loops[i]));

		/* What the caller did to the loop since it was last stepped is work: time waits for
		 * it. */
		env->wake_at = world->now;
		env->stepped = true;
	}
}

static void
run_leave(struct memory_world *world)
{
	LIST_FOR_EACH(link, &world->envs)
		list_entry(link, struct memory_env, link)->stepped = false;
	world->running = false;
	world->run_limit = UINT64_MAX;
}

/*
 * Time moves in the poll of a loop that sleeps while all others have said how long they want to. A
 * loop that worked says in the same turn that it is ready, by polling without a sleep: so a message
 * that it posted to a loop which sleeps already is met before time moves.
 */
int
memory_world_run(struct memory_world *world, struct loop **loops, uint32_t count,
		 bool (*done)(void *argument), void *argument, uint64_t limit_ns)
{
	uint64_t limit = time_after(world->now, limit_ns);
	int rc = 0;

	run_enter(world, loops, count, limit);
	while (!done(argument)) {
		if (world->now >= limit) {
			rc = -DER_TIMEDOUT;
			break;
		}
		for (uint32_t i = 0; i < count; i++)
			loop_step(loops[i], UINT64_MAX);
	}
	run_leave(world);
	return rc;
}

struct run {
	int (*function)(void *argument);
	void *argument;
	int result;
	bool done;
};

static void
run_body(void *argument)
{
	struct run *run = argument;

	run->result = run->function(run->argument);
	run->done = true;
}

static bool
run_done(void *argument)
{
	struct run *run = argument;

	return run->done;
}

int
memory_run_all(struct memory_world *world, struct loop **loops, uint32_t count,
	       int (*function)(void *argument), void *argument)
{
	struct run run = {.function = function, .argument = argument};
	struct fiber *fiber;
	int rc = fiber_start(loops[0], "run", run_body, &run, &fiber);

	if (rc != 0)
		return rc;
	rc = memory_world_run(world, loops, count, run_done, &run, HOUR_NS);
	ASSERT(rc == 0);
	return run.result;
}

int
memory_run(struct memory_world *world, struct loop *loop, int (*function)(void *argument),
	   void *argument)
{
	return memory_run_all(world, &loop, 1, function, argument);
}
