/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One env of a world: clock, randomness, arena, and the two ways in which it ends. */
#include <stdlib.h>

#include "env/memory/world.h"

#define MILLION 1000000u

/* ------------------------------------------------ clocks */

static uint64_t
local_time(const struct memory_env *env)
{
	uint64_t span = env->world->now - env->local_since;
	int64_t gained;

	if (env->drift == 0)
		return env->local_base + span;
	gained = (int64_t)(span / MILLION) * env->drift +
		 (int64_t)(span % MILLION) * env->drift / (int64_t)MILLION;
	return env->local_base + span + (uint64_t)gained;
}

/* Where the clock of the env is slow that is longer; rounded up, so that a sleep never ends before
 * its time by the env's own clock. */
uint64_t
env_to_world(const struct memory_env *env, uint64_t span)
{
	uint64_t rate = (uint64_t)((int64_t)MILLION + env->drift);

	if (env->drift == 0)
		return span;
	if (span > UINT64_MAX / 4)
		return UINT64_MAX;
	return span / rate * MILLION + (span % rate * MILLION + rate - 1) / rate;
}

static uint64_t
clock_monotonic(struct clock *clock)
{
	return local_time(container_of(clock, struct memory_env, clock));
}

static uint64_t
clock_realtime(struct clock *clock)
{
	struct memory_env *env = container_of(clock, struct memory_env, clock);

	return MEMORY_REALTIME_START + (local_time(env) - MEMORY_MONOTONIC_START) +
	       (uint64_t)env->realtime_offset;
}

static void
clock_strike(struct memory_env *env, enum memory_fault fault, int64_t amount)
{
	world_strike(env->world, env->node,
		     (struct memory_strike){.fault = fault, .offset = (uint64_t)amount});
}

void
memory_env_clock_step(struct env *base, int64_t nanoseconds)
{
	struct memory_env *env = memory_env_of(base);

	env->realtime_offset += nanoseconds;
	clock_strike(env, MEMORY_FAULT_CLOCK_STEP, nanoseconds);
}

/* It is woken, to ask anew how long by the world's clock what it waits for takes. */
void
memory_env_clock_drift(struct env *base, int32_t parts_per_million)
{
	struct memory_env *env = memory_env_of(base);

	ASSERT(parts_per_million >= -500000 && parts_per_million <= 500000);
	env->local_base = local_time(env);
	env->local_since = env->world->now;
	env->drift = parts_per_million;
	env->poller.wake(&env->poller);
	clock_strike(env, MEMORY_FAULT_CLOCK_DRIFT, parts_per_million);
}

/* ------------------------------------------------ life */

static uint64_t
randomness_next(struct randomness *randomness)
{
	return stream_next(&container_of(randomness, struct memory_env, randomness)->random);
}

static uint32_t
chooser_choose(struct chooser *chooser, uint32_t count)
{
	return (uint32_t)(stream_next(&container_of(chooser, struct memory_env, chooser)->choice) %
			  count);
}

static void
streams_init(struct memory_env *env)
{
	const char *node = env->node->name;
	uint64_t number = env->node->env_count++;

	env->random = stream_of(env->world, "randomness", node, NULL, number);
	env->choice = stream_of(env->world, "choice", node, NULL, number);
	env->keys = stream_of(env->world, "keys", node, NULL, number);
	env->fate = stream_of(env->world, "kill", node, NULL, number);
}

int
memory_env_create(struct memory_world *world, const struct memory_env_options *options,
		  struct env **ret_env)
{
	static const struct memory_env_options defaults;
	struct arena *arena;
	struct memory_env *env;

	if (options == NULL)
		options = &defaults;
	arena = arena_create(options->budget);
	if (arena == NULL)
		return -DER_NOMEM;
	env = memory_take(sizeof(*env));
	env->world = world;
	env->node = world_node(world, options->node ? options->node : "node");
	streams_init(env);
	env->local_base = world->now;
	env->local_since = world->now;
	env->realtime_offset = options->realtime_offset;
	env->credentials = options->credentials;
	env->clock = (struct clock){clock_monotonic, clock_realtime};
	env->randomness.next = randomness_next;
	env->chooser.choose = chooser_choose;
	context_init(&env->context, env->node->name, options->sink, options->level);
	env->context.metrics = options->metrics;
	env->context.marks = options->marks;
	poller_init(env);
	storage_init(env);
	transport_init(env);
	env->env = (struct env){
		.context = &env->context,
		.arena = arena,
		.clock = &env->clock,
		.randomness = &env->randomness,
		.poller = &env->poller,
		.chooser = options->shuffle ? &env->chooser : NULL,
		.storage = options->no_storage ? NULL : &env->storage,
		.transport = &env->transport,
		.self = options->credentials,
	};
	env->env.self.known = true;
	list_append(&world->envs, &env->link);
	world_note(world, env->node, NOTE_ENV, env->node->env_count);
	*ret_env = &env->env;
	return 0;
}

static void
env_free(struct memory_env *env)
{
	if (env->world->last_polled == env)
		env->world->last_polled = NULL;
	ASSERT(priority_queue_first(&env->events) == NULL);
	world_note(env->world, env->node, NOTE_ENV, 0);
	list_remove(&env->link);
	arena_destroy(env->env.arena);
	free(env);
}

void
memory_env_destroy(struct env *base)
{
	struct memory_env *env = memory_env_of(base);

	transport_drop(env, false);
	ASSERT(list_empty(&env->disks));
	ASSERT(list_empty(&env->messages));
	ASSERT(arena_used(base->arena) == 0);
	env_free(env);
}

void
memory_env_crash(struct env *base)
{
	struct memory_strike strike = {.fault = MEMORY_FAULT_CRASH};
	struct memory_env *env = memory_env_of(base);

	strike.length = transport_drop(env, true);
	strike.offset = storage_drop(env);
	world_strike(env->world, env->node, strike);
	env_free(env);
}
