/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A world whose time somebody else moves; the hash over all that was delivered in a world; and the
 * word that a fault took effect. */
#include "env/memory/world.h"

/* ------------------------------------------------ driving */

void
memory_world_drive(struct memory_world *world)
{
	ASSERT(!world->running);
	world->driven = true;
	LIST_FOR_EACH(link, &world->envs) {
		struct memory_env *env = list_entry(link, struct memory_env, link);

		/* Never polled, it has not said what it waits for. */
		if (env->wake_at == UINT64_MAX)
			env->wake_at = world->now;
	}
}

/* Who is stepped while busy learns nothing, and wants to go on as soon as it can. */
void
drive_poll(struct memory_env *env, uint64_t timeout_ns)
{
	uint64_t now = env->world->now;
	bool woken = __atomic_exchange_n(&env->woken, false, __ATOMIC_ACQ_REL);
	bool delivered = env_deliver(env);

	env->wake_at = woken || delivered ? now : time_after(now, env_to_world(env, timeout_ns));
}

uint64_t
memory_env_due(struct env *base)
{
	struct memory_env *env = memory_env_of(base);
	uint64_t due = min_of(env->wake_at, env_next_event(env));

	if (__atomic_load_n(&env->woken, __ATOMIC_ACQUIRE))
		due = 0;
	if (due == UINT64_MAX)
		return due;
	due = max_of(due, env->world->now);
	return max_of(due, env->busy_until);
}

void
memory_env_busy(struct env *env, uint64_t until)
{
	memory_env_of(env)->busy_until = until;
}

void
memory_world_advance_to(struct memory_world *world, uint64_t time)
{
	world->now = max_of(world->now, time);
}

/* ------------------------------------------------ the trace */

static void
take_in(struct memory_world *world, const struct memory_node *node, uint32_t kind, uint64_t content)
{
	uint64_t place = (uint64_t)node->ordinal << 32 | kind;

	world->trace =
		hash_combine(hash_combine(world->trace, world->now), hash_combine(place, content));
}

void
world_note(struct memory_world *world, const struct memory_node *node, uint32_t kind,
	   uint64_t content)
{
	world->events++;
	take_in(world, node, kind, content);
}

uint64_t
memory_world_trace(const struct memory_world *world)
{
	return world->trace;
}

uint64_t
memory_world_events(const struct memory_world *world)
{
	return world->events;
}

/* ------------------------------------------------ strikes */

static const char *const fault_names[] = {
	[MEMORY_FAULT_READ_ERROR] = "read_error",
	[MEMORY_FAULT_WRITE_ERROR] = "write_error",
	[MEMORY_FAULT_FLUSH_ERROR] = "flush_error",
	[MEMORY_FAULT_FLUSH_LOSS] = "flush_loss",
	[MEMORY_FAULT_UNREADABLE] = "unreadable",
	[MEMORY_FAULT_FLIP] = "flip",
	[MEMORY_FAULT_FLIP_READ] = "flip_read",
	[MEMORY_FAULT_LOST_WRITE] = "lost_write",
	[MEMORY_FAULT_MISDIRECTED_WRITE] = "misdirected_write",
	[MEMORY_FAULT_TORN_WRITE] = "torn_write",
	[MEMORY_FAULT_STALE_READ] = "stale_read",
	[MEMORY_FAULT_MISDIRECTED_READ] = "misdirected_read",
	[MEMORY_FAULT_SLOW] = "slow",
	[MEMORY_FAULT_VANISHED] = "vanished",
	[MEMORY_FAULT_FULL] = "full",
	[MEMORY_FAULT_CREATE_ERROR] = "create_error",
	[MEMORY_FAULT_OPEN_ERROR] = "open_error",
	[MEMORY_FAULT_REMOVE_ERROR] = "remove_error",
	[MEMORY_FAULT_DISCARD_OLD] = "discard_old",
	[MEMORY_FAULT_DISCARD_ZERO] = "discard_zero",
	[MEMORY_FAULT_DISCARD_GARBAGE] = "discard_garbage",
	[MEMORY_FAULT_POWER_CUT] = "power_cut",
	[MEMORY_FAULT_SHORN] = "shorn",
	[MEMORY_FAULT_CRASH] = "crash",
	[MEMORY_FAULT_CLOCK_STEP] = "clock_step",
	[MEMORY_FAULT_CLOCK_DRIFT] = "clock_drift",
	[MEMORY_FAULT_DROP] = "drop",
	[MEMORY_FAULT_DAMAGE] = "damage",
	[MEMORY_FAULT_BULK_DAMAGE] = "bulk_damage",
	[MEMORY_FAULT_BULK_LATE] = "bulk_late",
	[MEMORY_FAULT_OUTLIER] = "outlier",
	[MEMORY_FAULT_BANDWIDTH] = "bandwidth",
	[MEMORY_FAULT_CUT] = "cut",
	[MEMORY_FAULT_CUT_TIMEOUT] = "cut_timeout",
	[MEMORY_FAULT_CLOG] = "clog",
	[MEMORY_FAULT_RESET] = "reset",
};

_Static_assert(ARRAY_SIZE(fault_names) == MEMORY_FAULT_COUNT, "each fault has a name");

const char *
memory_fault_name(enum memory_fault fault)
{
	ASSERT((size_t)fault < ARRAY_SIZE(fault_names));
	return fault_names[fault];
}

void
memory_world_on_strike(struct memory_world *world,
		       void (*function)(void *argument, const struct memory_strike *strike),
		       void *argument)
{
	world->strike = function;
	world->strike_argument = argument;
}

void
world_strike(struct memory_world *world, const struct memory_node *node,
	     struct memory_strike strike)
{
	strike.time = world->now;
	strike.node = node->name;
	take_in(world, node, NOTE_STRIKE | (uint32_t)strike.fault,
		hash_combine(strike.offset, strike.length));
	if (world->strike)
		world->strike(world->strike_argument, &strike);
}
