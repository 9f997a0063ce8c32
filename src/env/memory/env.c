/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One env of a world: clock, randomness, arena, and the two ways in which it ends. */
#include <stdlib.h>

#include "env/memory/world.h"

static uint64_t
clock_monotonic(struct clock *clock)
{
	return container_of(clock, struct memory_env, clock)->world->now;
}

static uint64_t
clock_realtime(struct clock *clock)
{
	struct memory_env *env = container_of(clock, struct memory_env, clock);

	return MEMORY_REALTIME_START + (env->world->now - MEMORY_MONOTONIC_START) +
	       (uint64_t)env->realtime_offset;
}

static uint64_t
randomness_next(struct randomness *randomness)
{
	return stream_next(&container_of(randomness, struct memory_env, randomness)->random);
}

static uint32_t
chooser_choose(struct chooser *chooser, uint32_t count)
{
	return (uint32_t)(stream_next(&container_of(chooser, struct memory_env, chooser)->random) %
			  count);
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
	env->random = memory_world_random(world);
	env->realtime_offset = options->realtime_offset;
	env->credentials = options->credentials;
	env->clock = (struct clock){clock_monotonic, clock_realtime};
	env->randomness.next = randomness_next;
	env->chooser.choose = chooser_choose;
	context_init(&env->context, env->node->name, options->sink, options->level);
	env->context.metrics = options->metrics;
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
	};
	list_append(&world->envs, &env->link);
	*ret_env = &env->env;
	return 0;
}

static void
env_free(struct memory_env *env)
{
	if (env->world->last_polled == env)
		env->world->last_polled = NULL;
	ASSERT(priority_queue_first(&env->events) == NULL);
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
	struct memory_env *env = memory_env_of(base);

	transport_drop(env, true);
	storage_drop(env);
	env_free(env);
}
