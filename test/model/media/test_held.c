/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Durable before visible: a device holds a group back while other fibers read what it changed; then
 * the power goes. What a reader answered, having waited for the newest group it looked at, is there
 * afterwards; what only waited may be gone.
 */
#include "unit/media/store.h"

#define ROUNDS 40u

struct held {
	struct rig rig;
	struct model model;
	uint64_t newest_group; /* of the version in memory */
	uint64_t seen;	       /* newest version that a reader looked at */
	uint64_t answered;     /* newest version that left the engine */
};

static void
writer(void *argument)
{
	struct held *held = argument;
	struct heap *heap = held->rig.heap;
	const struct tx_need need = {.log_bytes = 16};

	for (;;) {
		uint64_t *version;
		struct tx tx;

		if (tx_begin(&tx, heap) != 0)
			return;
		if (tx_reserve(&tx, &need) != 0) {
			tx_abort(&tx);
			return;
		}
		NO_YIELD
		{
			version = tx_change(&tx, store_root(heap), sizeof(*version));
			++*version;
			tx_commit(&tx, &held->newest_group);
		}
		if (media_wait(heap->media, held->newest_group) != 0)
			return;
	}
}

static void
reader(void *argument)
{
	struct held *held = argument;

	for (;;) {
		uint64_t version = store_version(held->rig.heap);
		uint64_t group = held->newest_group;

		held->seen = max_of(held->seen, version);
		if (media_wait(held->rig.media, group) != 0)
			return;
		held->answered = max_of(held->answered, version);
		fiber_yield();
	}
}

static int
warm_up(void *argument)
{
	struct held *held = container_of(argument, struct held, rig);

	return store_version(held->rig.heap) == held->answered ? 0 : -DER_MISMATCH;
}

static void
start(struct held *held, void (*function)(void *argument))
{
	struct fiber *fiber;

	assert_int_equal(fiber_start(held->rig.loop, "test", function, held, &fiber), 0);
}

static bool
never(void *argument)
{
	(void)argument;
	return false;
}

static void
run_for(struct held *held, uint64_t nanoseconds)
{
	assert_int_equal(memory_world_run(held->rig.world, &held->rig.loop, 1, never, NULL,
					  nanoseconds),
			 -DER_TIMEDOUT);
}

static int
check_version(void *argument)
{
	struct held *held = container_of(argument, struct held, rig);
	uint64_t version = store_version(held->rig.heap);

	assert_true(version >= held->answered);
	assert_true(version <= held->seen + 1);
	held->answered = version;
	held->seen = version;
	return 0;
}

static void
round_of(struct held *held, uint64_t number)
{
	const struct memory_crash none = {.kind = MEMORY_CRASH_PREFIX, .index = 0};
	const struct memory_crash some = {.kind = MEMORY_CRASH_RANDOM, .index = number};
	uint64_t answered;

	assert_int_equal(rig_run(&held->rig, warm_up), 0);
	start(held, writer);
	start(held, reader);
	start(held, reader);
	run_for(held, 1000000 + memory_world_random(held->rig.world) % 1000000);
	assert_true(held->answered > 0);
	memory_disk_hold(held->rig.world, "node", "log.log");
	run_for(held, 1000000);
	/* Readers see the held change, and none answers from it. */
	answered = held->answered;
	run_for(held, 50000000);
	assert_int_equal(held->answered, answered);
	assert_true(held->seen > held->answered);
	rig_kill(&held->rig);
	memory_disk_release(held->rig.world, "node", "log.log");
	memory_node_power_cut(held->rig.world, "node", number % 2 ? &none : &some);
	rig_restart(&held->rig);
	rig_run(&held->rig, check_version);
}

static void
test_held(void **state)
{
	struct held held = {.rig = rig_make()};

	(void)state;
	rig_start(&held.rig, 21);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		held.newest_group = 0;
		round_of(&held, i);
	}
	rig_stop(&held.rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_held)};

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
