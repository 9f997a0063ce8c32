/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A world whose time the test moves itself: what is due when, clocks, and the hash over a run. */
#include <stdlib.h>

#include "pair.h"

#define MICROSECOND 1000ull

static uint64_t
due_of(const struct pair *pair, unsigned i)
{
	return loop_ready(pair->loops[i]) ? memory_world_now(pair->world)
					  : memory_env_due(pair->envs[i]);
}

/* Steps whatever is due until a time; returns the number of steps. Each step that ran a fiber costs
 * its env cost nanoseconds. */
static unsigned
drive(struct pair *pair, uint64_t until, uint64_t cost)
{
	unsigned steps = 0;

	for (;;) {
		uint64_t next = min_of(due_of(pair, 0), due_of(pair, 1));

		if (next > until)
			break;
		memory_world_advance_to(pair->world, next);
		for (unsigned i = 0; i < 2; i++) {
			if (due_of(pair, i) > next)
				continue;
			steps++;
			if (loop_step(pair->loops[i], UINT64_MAX) && cost > 0)
				memory_env_busy(pair->envs[i], next + cost);
		}
	}
	memory_world_advance_to(pair->world, until);
	return steps;
}

static void
test_time_stands_still(void **state)
{
	struct pair pair;
	uint64_t start;

	(void)state;
	pair_open(&pair, 1);
	memory_world_drive(pair.world);
	start = memory_world_now(pair.world);
	assert_int_equal(memory_env_due(pair.envs[0]), start);
	for (unsigned i = 0; i < 1000; i++)
		loop_step(pair.loops[0], i % 2 ? UINT64_MAX : 0);
	assert_int_equal(memory_world_now(pair.world), start);
	loop_step(pair.loops[0], 5 * SECOND);
	assert_int_equal(memory_env_due(pair.envs[0]), start + 5 * SECOND);
	pair.envs[0]->poller->wake(pair.envs[0]->poller);
	assert_int_equal(memory_env_due(pair.envs[0]), start);
	loop_step(pair.loops[0], 5 * SECOND);
	assert_int_equal(memory_env_due(pair.envs[0]), start);
	memory_env_busy(pair.envs[0], start + SECOND);
	assert_int_equal(memory_env_due(pair.envs[0]), start + SECOND);
	memory_world_advance_to(pair.world, start - SECOND);
	assert_int_equal(memory_world_now(pair.world), start);
	client_connect(&pair, 0);
	drive(&pair, start + 2 * SECOND, 0);
	pair_close(&pair);
}

struct nap {
	uint64_t nanoseconds;
	uint64_t woke; /* by the env's own clock */
	struct env *env;
};

static void
take_nap(void *argument)
{
	struct nap *nap = argument;

	if (fiber_sleep(nap->nanoseconds) == 0)
		nap->woke = env_monotonic(nap->env);
}

static void
pair_open_driven(struct pair *pair, uint64_t seed)
{
	pair_open(pair, seed);
	memory_world_drive(pair->world);
	client_connect(pair, SECOND);
	drive(pair, memory_world_now(pair->world) + SECOND, 0);
	assert_non_null(pair->server.connection);
}

/* A timer wakes at its time, and driving idle loops takes few steps. */
static void
test_due(void **state)
{
	struct nap nap = {.nanoseconds = 1800 * SECOND};
	struct fiber *fiber;
	struct pair pair;
	uint64_t start;

	(void)state;
	pair_open_driven(&pair, 1);
	nap.env = pair.envs[0];
	start = memory_world_now(pair.world);
	assert_int_equal(fiber_start(pair.loops[0], "nap", take_nap, &nap, &fiber), 0);
	assert_true(loop_ready(pair.loops[0]));
	assert_false(loop_ready(pair.loops[1]));
	assert_in_range(drive(&pair, start + 2000 * SECOND, 0), 2, 12);
	assert_int_equal(nap.woke, start + nap.nanoseconds);
	pair_close(&pair);
}

static void
note_call(struct loop_message *message)
{
	message->next = NULL;
}

/* What loop_post() left shows in loop_ready() only. */
static void
test_ready(void **state)
{
	struct loop_message message = {.function = note_call};
	struct pair pair;

	(void)state;
	pair_open_driven(&pair, 1);
	assert_false(loop_ready(pair.loops[1]));
	loop_post(pair.loops[1], &message);
	assert_true(loop_ready(pair.loops[1]));
	loop_step(pair.loops[1], 0);
	assert_false(loop_ready(pair.loops[1]));
	pair_close(&pair);
}

/* What arrives at a busy env waits, and no connection ends by it. */
static void
test_busy(void **state)
{
	struct pair pair;
	uint64_t start;

	(void)state;
	pair_open_driven(&pair, 1);
	start = memory_world_now(pair.world);
	memory_env_busy(pair.envs[0], start + 120 * SECOND);
	send_frames(&pair.client, 3);
	assert_int_equal(memory_env_due(pair.envs[0]), start + 120 * SECOND);
	drive(&pair, start + 119 * SECOND, 0);
	loop_step(pair.loops[0], UINT64_MAX);
	assert_int_equal(pair.server.received, 0);
	drive(&pair, start + 120 * SECOND, 0);
	assert_int_equal(pair.server.received, 3);
	assert_int_equal(pair.server.closed + pair.client.closed, 0);
	pair_close(&pair);
}

static void
test_clock_step(void **state)
{
	struct strikes strikes = {0};
	struct pair pair;
	uint64_t monotonic, realtime;

	(void)state;
	pair_open_driven(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	monotonic = env_monotonic(pair.envs[0]);
	realtime = env_realtime(pair.envs[0]);
	memory_env_clock_step(pair.envs[0], -3600 * (int64_t)SECOND);
	assert_int_equal(env_realtime(pair.envs[0]), realtime - 3600 * SECOND);
	assert_int_equal(env_monotonic(pair.envs[0]), monotonic);
	assert_int_equal(env_realtime(pair.envs[1]), realtime);
	assert_int_equal(strikes.count[MEMORY_FAULT_CLOCK_STEP], 1);
	pair_close(&pair);
}

/* A loop sleeps as long as asked by its own clock, however that runs. */
static void
sleep_with_drift(int32_t drift, uint64_t world_ns)
{
	struct nap nap = {.nanoseconds = 100 * SECOND};
	struct fiber *fiber;
	struct pair pair;
	uint64_t start, local;

	pair_open_driven(&pair, 1);
	nap.env = pair.envs[0];
	start = memory_world_now(pair.world);
	local = env_monotonic(pair.envs[0]);
	assert_int_equal(fiber_start(pair.loops[0], "nap", take_nap, &nap, &fiber), 0);
	loop_step(pair.loops[0], UINT64_MAX);
	loop_step(pair.loops[0], UINT64_MAX);
	/* While it sleeps. */
	memory_env_clock_drift(pair.envs[0], drift);
	assert_int_equal(env_monotonic(pair.envs[0]), local);
	drive(&pair, start + world_ns - MICROSECOND, 0);
	assert_int_equal(nap.woke, 0);
	drive(&pair, start + world_ns + MICROSECOND, 0);
	assert_in_range(nap.woke, local + nap.nanoseconds, local + nap.nanoseconds + MICROSECOND);
	assert_int_equal(env_realtime(pair.envs[0]) - env_monotonic(pair.envs[0]),
			 env_realtime(pair.envs[1]) - env_monotonic(pair.envs[1]));
	/* Never backwards. */
	for (unsigned i = 0; i < 3000; i++) {
		local = env_monotonic(pair.envs[0]);
		memory_world_advance(pair.world, 1 + i % 3);
		memory_env_clock_drift(pair.envs[0], i % 2 ? -400000 : 400000);
		assert_true(env_monotonic(pair.envs[0]) >= local);
	}
	pair_close(&pair);
}

static void
test_clock_drift(void **state)
{
	(void)state;
	sleep_with_drift(0, 100 * SECOND);
	sleep_with_drift(250000, 80 * SECOND);
	sleep_with_drift(-500000, 200 * SECOND);
}

/* ------------------------------------------------ determinism */

/* Frames answered by frames, as a rally, and a write at each stroke. */
struct rally {
	struct pair pair;
	struct disk *disks[2];
	uint8_t *buffers[2];
};

struct player {
	struct rally *rally;
	unsigned side;
};

static void
play(void *argument)
{
	struct player *player = argument;
	struct rally *rally = player->rally;
	struct side *side = player->side == 0 ? &rally->pair.server : &rally->pair.client;
	struct env *env = rally->pair.envs[player->side];

	for (unsigned i = 0; i < 50; i++) {
		uint64_t block = env_random(env) % 16;
		int rc;

		memset(rally->buffers[player->side], (int)env_random(env), DISK_BLOCK);
		rc = disk_write(rally->disks[player->side], rally->buffers[player->side],
				DISK_BLOCK, block * DISK_BLOCK, i % 4 == 0);
		ASSERT(rc == 0);
		send_frames(side, 1);
		rc = fiber_sleep(env_random(env) % 20000);
		ASSERT(rc == 0);
	}
}

/* Plays, with an order that changes only what `variation` says, and returns the hash. */
static uint64_t
run_of(uint64_t seed, unsigned variation, struct strikes *ret_strikes)
{
	struct rally rally = {0};
	struct pair *pair = &rally.pair;
	struct player players[2] = {{&rally, 0}, {&rally, 1}};
	void *hole = malloc(1000 + variation * 5000);
	struct fiber *fiber;
	uint64_t trace;

	*ret_strikes = (struct strikes){0};
	pair_open_driven(pair, seed);
	memory_world_on_strike(pair->world, note_strike, ret_strikes);
	memory_link_delay(pair->world, "client", "server", 5000, 5000);
	memory_link_outlier(pair->world, "server", "client", 20, 100000);
	for (unsigned i = 0; i < 2; i++) {
		struct storage *storage = pair->envs[i]->storage;

		assert_int_equal(storage->create(storage, "disk", 16 * DISK_BLOCK,
						 STORAGE_ALLOCATED, &rally.disks[i]),
				 0);
		rally.buffers[i] =
			arena_alloc_aligned(pair->envs[i]->arena, DISK_BLOCK, DISK_BLOCK);
		assert_int_equal(fiber_start(pair->loops[i], "play", play, &players[i], &fiber), 0);
	}
	if (variation == 2)
		memory_disk_tear_write(pair->world, "client", "disk", 10);
	drive(pair, memory_world_now(pair->world) + SECOND, 1500);
	assert_int_equal(pair->server.received, 50);
	trace = memory_world_trace(pair->world);
	assert_in_range(memory_world_events(pair->world), 200, 210);
	for (unsigned i = 0; i < 2; i++) {
		disk_close(rally.disks[i]);
		arena_free(pair->envs[i]->arena, rally.buffers[i]);
	}
	pair_close(pair);
	free(hole);
	return trace;
}

static void
test_same_run(void **state)
{
	struct strikes one, other;
	uint64_t trace;

	(void)state;
	trace = run_of(7, 0, &one);
	assert_int_equal(run_of(7, 1, &other), trace);
	assert_memory_equal(one.count, other.count, sizeof(one.count));
	assert_int_not_equal(run_of(8, 0, &other), trace);
	assert_int_not_equal(run_of(7, 2, &other), trace);
	assert_int_equal(other.count[MEMORY_FAULT_TORN_WRITE], 1);
	/* Another fault did not change what the link draws. */
	assert_int_equal(other.count[MEMORY_FAULT_OUTLIER], one.count[MEMORY_FAULT_OUTLIER]);
	assert_int_equal(other.latest[MEMORY_FAULT_OUTLIER].time,
			 one.latest[MEMORY_FAULT_OUTLIER].time);
}

/* What an env draws depends on its node's name and number, not on who else is there. */
static uint64_t
first_draw(bool with_others, unsigned number)
{
	struct memory_env_options options = {.node = "alone"};
	struct memory_env_options other = {.node = "other"};
	struct memory_world *world;
	struct env *env, *another;
	uint64_t drawn = 0;

	assert_int_equal(memory_world_create(3, &world), 0);
	for (unsigned i = 0; i <= number; i++) {
		if (with_others) {
			assert_int_equal(memory_env_create(world, &other, &another), 0);
			(void)env_random(another);
			memory_env_destroy(another);
		}
		assert_int_equal(memory_env_create(world, &options, &env), 0);
		drawn = env_random(env);
		memory_env_destroy(env);
	}
	memory_world_destroy(world);
	return drawn;
}

static void
test_streams(void **state)
{
	(void)state;
	assert_int_equal(first_draw(false, 0), first_draw(true, 0));
	assert_int_equal(first_draw(false, 2), first_draw(true, 2));
	assert_int_not_equal(first_draw(false, 0), first_draw(false, 1));
}

static void
test_fault_names(void **state)
{
	(void)state;
	for (int i = 0; i < MEMORY_FAULT_COUNT; i++) {
		const char *name = memory_fault_name((enum memory_fault)i);

		assert_non_null(name);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(name, memory_fault_name((enum memory_fault)k));
	}
	assert_string_equal(memory_fault_name(MEMORY_FAULT_FLIP_READ), "flip_read");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_stands_still),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_clock_step),
		cmocka_unit_test(test_clock_drift),
		cmocka_unit_test(test_same_run),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_fault_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
