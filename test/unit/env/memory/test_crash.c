/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Power cuts and traces: what survives, and that a trace knows it as well as the live disk. */
#include "fixture.h"

#include <stdlib.h>

/* Writes count blocks of value at block number `first`. *Yields*. */
static int
write_blocks(struct fixture *fixture, uint8_t value, uint32_t first, uint32_t count, bool durable)
{
	memset(fixture->buffer, value, (size_t)count * DISK_BLOCK);
	return disk_write(fixture->disk, fixture->buffer, (uint64_t)count * DISK_BLOCK,
			  (uint64_t)first * DISK_BLOCK, durable);
}

static void
cut(struct fixture *fixture, enum memory_crash_kind kind, uint64_t index)
{
	struct memory_crash crash = {kind, index};

	memory_node_power_cut(fixture->world, "node", &crash);
}

/* Two pending writes, of blocks 0 and 1 and of block 2, over flushed ones. */
static int
two_pending(void *argument)
{
	struct fixture *fixture = argument;

	CHECK(write_blocks(fixture, 'o', 0, 4, false) == 0);
	CHECK(disk_flush(fixture->disk) == 0);
	CHECK(write_blocks(fixture, 'a', 0, 2, false) == 0);
	CHECK(write_blocks(fixture, 'b', 2, 1, false) == 0);
	CHECK(disk_read(fixture->disk, fixture->buffer, DISK_BLOCK, 0) == 0);
	CHECK(fixture->buffer[0] == 'a');
	return 0;
}

static void
expect_after_cut(enum memory_crash_kind kind, uint64_t index, const char *blocks)
{
	struct fixture fixture;

	fixture_open(&fixture, 1, 4, STORAGE_ALLOCATED);
	fixture_run(&fixture, two_pending, &fixture);
	assert_int_equal(memory_node_pending(fixture.world, "node"), 2);
	fixture_close_env(&fixture);
	cut(&fixture, kind, index);
	assert_int_equal(memory_node_pending(fixture.world, "node"), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(disk_is(fixture.world, "node", i * DISK_BLOCK, DISK_BLOCK,
				    (uint8_t)blocks[i]));
	fixture_close(&fixture);
}

static void
test_kinds(void **state)
{
	(void)state;
	expect_after_cut(MEMORY_CRASH_PREFIX, 0, "oooo");
	expect_after_cut(MEMORY_CRASH_PREFIX, 1, "aaoo");
	expect_after_cut(MEMORY_CRASH_PREFIX, 2, "aabo");
	expect_after_cut(MEMORY_CRASH_WITHOUT, 0, "oobo");
	expect_after_cut(MEMORY_CRASH_WITHOUT, 1, "aaoo");
	expect_after_cut(MEMORY_CRASH_ONLY, 1, "oobo");
}

static void
test_torn(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 4, STORAGE_ALLOCATED);
	fixture_run(&fixture, two_pending, &fixture);
	fixture_close_env(&fixture);
	cut(&fixture, MEMORY_CRASH_TORN, 0);
	assert_true(disk_is(fixture.world, "node", 0, DISK_BLOCK, 'a'));
	assert_true(disk_is(fixture.world, "node", DISK_BLOCK, DISK_BLOCK / 2, 'a'));
	assert_true(
		disk_is(fixture.world, "node", DISK_BLOCK + DISK_BLOCK / 2, DISK_BLOCK / 2, 'o'));
	assert_true(disk_is(fixture.world, "node", 2 * DISK_BLOCK, DISK_BLOCK, 'o'));
	fixture_close(&fixture);
}

/* Over many seeds a random cut shows a block old, new, and torn; a sector is never mixed. */
static void
test_random(void **state)
{
	unsigned seen_old = 0, seen_new = 0, seen_torn = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct fixture fixture;
		unsigned sectors_new = 0;

		fixture_open(&fixture, 1, 4, STORAGE_ALLOCATED);
		fixture_run(&fixture, two_pending, &fixture);
		fixture_close_env(&fixture);
		cut(&fixture, MEMORY_CRASH_RANDOM, seed);
		for (unsigned sector = 0; sector < 8; sector++) {
			bool is_new = disk_is(fixture.world, "node", sector * 512, 512, 'a');

			assert_true(is_new ||
				    disk_is(fixture.world, "node", sector * 512, 512, 'o'));
			sectors_new += is_new;
		}
		seen_old += sectors_new == 0;
		seen_new += sectors_new == 8;
		seen_torn += sectors_new > 0 && sectors_new < 8;
		fixture_close(&fixture);
	}
	assert_true(seen_old > 5 && seen_new > 5 && seen_torn > 5);
}

/* No state twice, and as many as counted. */
static void
test_enumeration(void **state)
{
	(void)state;
	for (uint32_t pending = 0; pending < 6; pending++) {
		uint64_t count = memory_crash_count(pending, 2);

		for (uint64_t i = 0; i < count; i++) {
			struct memory_crash one = memory_crash_state(pending, 2, i);

			for (uint64_t k = 0; k < i; k++) {
				struct memory_crash other = memory_crash_state(pending, 2, k);

				assert_false(one.kind == other.kind && one.index == other.index);
			}
			assert_true(one.kind == MEMORY_CRASH_RANDOM || one.index <= pending);
		}
	}
	assert_int_equal(memory_crash_count(0, 5), 1);
	/* Prefixes 0..3, without 0 and 1, only 1 and 2, torn 0..2. */
	assert_int_equal(memory_crash_count(3, 0), 4 + 2 + 2 + 3);
}

/* ------------------------------------------------ what becomes durable */

static int
durable_over_pending(void *argument)
{
	struct fixture *fixture = argument;

	CHECK(write_blocks(fixture, 'x', 0, 2, false) == 0);
	CHECK(write_blocks(fixture, 'y', 0, 1, true) == 0);
	return 0;
}

/* A durable write survives, and no older pending write comes back over it. */
static void
test_durable(void **state)
{
	struct fixture fixture;

	(void)state;
	for (uint64_t keep = 0; keep < 2; keep++) {
		fixture_open(&fixture, 1, 2, STORAGE_ALLOCATED);
		fixture_run(&fixture, durable_over_pending, &fixture);
		assert_int_equal(memory_node_pending(fixture.world, "node"), 1);
		fixture_close_env(&fixture);
		cut(&fixture, MEMORY_CRASH_PREFIX, keep);
		assert_true(disk_is(fixture.world, "node", 0, DISK_BLOCK, 'y'));
		assert_true(disk_is(fixture.world, "node", DISK_BLOCK, DISK_BLOCK, keep ? 'x' : 0));
		fixture_close(&fixture);
	}
}

/* A flush covers what completed before it was submitted, not what was under way. */
static int
flush_beside_write(void *argument)
{
	struct fixture *fixture = argument;
	struct disk_io flush = {.operation = DISK_FLUSH};
	struct disk_io io = {.operation = DISK_WRITE,
			     .iov_count = 1,
			     .length = DISK_BLOCK,
			     .offset = DISK_BLOCK};
	struct iovec iov = {fixture->buffer, DISK_BLOCK};

	CHECK(write_blocks(fixture, 'x', 0, 1, false) == 0);
	io.iov = &iov;
	disk_submit(fixture->disk, &io);
	disk_submit(fixture->disk, &flush);
	CHECK(completion_wait(&io.completion) == 0);
	CHECK(completion_wait(&flush.completion) == 0);
	return 0;
}

static void
test_flush_bound(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 2, STORAGE_ALLOCATED);
	fixture_run(&fixture, flush_beside_write, &fixture);
	assert_int_equal(memory_node_pending(fixture.world, "node"), 1);
	fixture_close_env(&fixture);
	cut(&fixture, MEMORY_CRASH_PREFIX, 0);
	assert_true(disk_is(fixture.world, "node", 0, DISK_BLOCK, 'x'));
	assert_true(disk_is(fixture.world, "node", DISK_BLOCK, DISK_BLOCK, 0));
	fixture_close(&fixture);
}

static int
write_one(void *argument)
{
	return write_blocks(argument, 'x', 0, 1, false);
}

static void
test_stable_cache(void **state)
{
	struct memory_disk_options options = {.write_ns = 1000, .stable_cache = true};
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 2, STORAGE_ALLOCATED);
	memory_disk_configure(fixture.world, "node", "disk", &options);
	fixture_run(&fixture, write_one, &fixture);
	assert_int_equal(memory_node_pending(fixture.world, "node"), 0);
	fixture_close(&fixture);
}

static int
lost_flush(void *argument)
{
	struct fixture *fixture = argument;

	CHECK(write_blocks(fixture, 'x', 0, 1, false) == 0);
	CHECK(disk_flush(fixture->disk) == 0);
	CHECK(write_blocks(fixture, 'y', 0, 1, false) == 0);
	memory_disk_fail_flush_and_lose(fixture->world, "node", "disk", 1);
	CHECK(disk_flush(fixture->disk) == -DER_IO);
	CHECK(disk_flush(fixture->disk) == 0);
	CHECK(disk_read(fixture->disk, fixture->buffer, DISK_BLOCK, 0) == 0);
	CHECK(fixture->buffer[0] == 'x');
	return 0;
}

/* After a failed flush the data is gone although the next flush succeeds. */
static void
test_flush_loses(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 2, STORAGE_ALLOCATED);
	fixture_run(&fixture, lost_flush, &fixture);
	fixture_close(&fixture);
}

static void
submit_only(void *argument)
{
	struct fixture *fixture = argument;
	struct iovec iov = {fixture->buffer, DISK_BLOCK};
	struct disk_io io = {
		.operation = DISK_WRITE, .iov = &iov, .iov_count = 1, .length = DISK_BLOCK};

	memset(fixture->buffer, 'x', DISK_BLOCK);
	disk_submit(fixture->disk, &io);
	completion_wait(&io.completion);
}

/* A write under way when its process dies happens or does not; its fiber, buffers and arena are
 * gone. */
static void
test_kill(void **state)
{
	unsigned happened = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 32; seed++) {
		struct fixture fixture;
		struct fiber *fiber;
		bool there;

		fixture_open(&fixture, seed, 2, STORAGE_ALLOCATED);
		assert_int_equal(fiber_start(fixture.loop, "writer", submit_only, &fixture, &fiber),
				 0);
		loop_step(fixture.loop, 0);
		assert_int_equal(memory_node_pending(fixture.world, "node"), 1);
		loop_abandon(fixture.loop);
		memory_env_crash(fixture.env);
		fixture.env = NULL;
		there = disk_is(fixture.world, "node", 0, DISK_BLOCK, 'x');
		assert_true(there || disk_is(fixture.world, "node", 0, DISK_BLOCK, 0));
		assert_int_equal(memory_node_pending(fixture.world, "node"), there);
		happened += there;
		fixture_close(&fixture);
	}
	assert_in_range(happened, 4, 28);
}

/* ------------------------------------------------ images */

static int
write_other(void *argument)
{
	return write_blocks(argument, 'z', 0, 1, true);
}

static void
test_image(void **state)
{
	struct memory_image *image;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 2, STORAGE_ALLOCATED);
	fixture_run(&fixture, write_one, &fixture);
	assert_int_equal(memory_image_save(fixture.world, "node", &image), 0);
	fixture_run(&fixture, write_other, &fixture);
	assert_true(disk_is(fixture.world, "node", 0, DISK_BLOCK, 'z'));
	fixture_close_env(&fixture);
	memory_image_restore(fixture.world, "node", image);
	memory_image_restore(fixture.world, "copy", image);
	memory_image_free(image);
	assert_true(disk_is(fixture.world, "node", 0, DISK_BLOCK, 'x'));
	assert_true(disk_is(fixture.world, "copy", 0, DISK_BLOCK, 'x'));
	fixture_close(&fixture);
}

/* ------------------------------------------------ traces */

#define TRACE_BLOCKS 8u
#define STEPS 40u

struct workload {
	struct fixture *fixture;
	unsigned steps;
	uint64_t seed;
	struct memory_trace *trace; /* NULL: a live run */
	uint64_t positions[STEPS + 1];
};

/* The first `steps` of a random sequence of writes, zeroings and flushes. */
static int
workload_body(void *argument)
{
	struct workload *workload = argument;
	struct fixture *fixture = workload->fixture;

	for (unsigned i = 0; i < workload->steps; i++) {
		uint64_t drawn = mix64(workload->seed * 1000 + i);
		uint32_t first = (uint32_t)(drawn >> 8) % TRACE_BLOCKS;
		uint32_t count = 1 + (uint32_t)(drawn >> 16) % (TRACE_BLOCKS - first);
		int rc;

		if (workload->trace)
			workload->positions[i] = memory_trace_position(workload->trace);
		if (drawn % 8 == 0)
			rc = disk_flush(fixture->disk);
		else if (drawn % 8 == 1)
			rc = disk_zero(fixture->disk, (uint64_t)first * DISK_BLOCK,
				       (uint64_t)count * DISK_BLOCK);
		else
			rc = write_blocks(fixture, (uint8_t)(i + 1), first, count, drawn % 8 == 2);
		CHECK(rc == 0);
	}
	if (workload->trace)
		workload->positions[workload->steps] = memory_trace_position(workload->trace);
	return 0;
}

static void
peek_all(struct memory_world *world, uint8_t *ret_data)
{
	memory_disk_peek(world, "node", "disk", ret_data, TRACE_BLOCKS * DISK_BLOCK, 0);
}

/* The trace's answer for a cut after `steps` steps against that of a run that really ended there.
 */
static void
compare_with_live_run(struct workload *recorded, unsigned steps, struct memory_world *scratch)
{
	uint64_t point = recorded->positions[steps];
	uint32_t pending = memory_trace_pending(recorded->trace, point);
	uint8_t *live_data = malloc(TRACE_BLOCKS * DISK_BLOCK);
	uint8_t *data = malloc(TRACE_BLOCKS * DISK_BLOCK);

	for (uint64_t n = 0; n < memory_crash_count(pending, 2); n++) {
		struct memory_crash crash = memory_crash_state(pending, 2, n);
		struct fixture fixture;
		struct workload live = {
			.fixture = &fixture, .steps = steps, .seed = recorded->seed};

		fixture_open(&fixture, 1, TRACE_BLOCKS, STORAGE_ALLOCATED);
		fixture_run(&fixture, workload_body, &live);
		assert_int_equal(memory_node_pending(fixture.world, "node"), pending);
		fixture_close_env(&fixture);
		memory_node_power_cut(fixture.world, "node", &crash);
		peek_all(fixture.world, live_data);
		memory_trace_restore(recorded->trace, point, &crash, scratch, "node");
		peek_all(scratch, data);
		assert_memory_equal(data, live_data, TRACE_BLOCKS * DISK_BLOCK);
		fixture_close(&fixture);
	}
	free(live_data);
	free(data);
}

static void
test_trace_equals_live(void **state)
{
	struct memory_world *scratch;

	(void)state;
	assert_int_equal(memory_world_create(9, &scratch), 0);
	for (uint64_t seed = 0; seed < 3; seed++) {
		struct fixture fixture;
		struct workload workload = {.fixture = &fixture, .steps = STEPS, .seed = seed};

		fixture_open(&fixture, 1, TRACE_BLOCKS, STORAGE_ALLOCATED);
		assert_int_equal(memory_trace_start(fixture.world, "node", &workload.trace), 0);
		fixture_run(&fixture, workload_body, &workload);
		memory_trace_stop(workload.trace);
		for (unsigned steps = 0; steps <= STEPS; steps += 3)
			compare_with_live_run(&workload, steps, scratch);
		/* And backwards. */
		compare_with_live_run(&workload, 1, scratch);
		memory_trace_free(workload.trace);
		fixture_close(&fixture);
	}
	memory_world_destroy(scratch);
}

static int
create_remove(void *argument)
{
	struct fixture *fixture = argument;
	struct storage *storage = fixture->env->storage;
	struct disk *disk;

	CHECK(storage->create(storage, "second", DISK_BLOCK, STORAGE_THIN, &disk) == 0);
	disk_close(disk);
	CHECK(storage->remove(storage, "disk") == 0);
	/* Nobody will see this again, but the open disk works. */
	CHECK(write_blocks(fixture, 'q', 0, 1, true) == 0);
	return 0;
}

static unsigned
count_disks(struct fixture *fixture, const char *name)
{
	struct disk *disk;
	int rc = fixture->env->storage->open(fixture->env->storage, name, &disk);

	if (rc == 0)
		disk_close(disk);
	return rc == 0;
}

/* Disks come and go in a trace; each such point is a deepest one. */
static void
test_trace_names(void **state)
{
	struct memory_crash crash = {MEMORY_CRASH_PREFIX, 0};
	struct fixture fixture, second = {0};
	struct memory_trace *trace;

	(void)state;
	fixture_open(&fixture, 1, 2, STORAGE_ALLOCATED);
	assert_int_equal(memory_trace_start(fixture.world, "node", &trace), 0);
	fixture_run(&fixture, create_remove, &fixture);
	memory_trace_stop(trace);
	fixture_close(&fixture);
	assert_int_equal(memory_trace_position(trace), 2);
	assert_int_equal(memory_world_create(2, &second.world), 0);
	for (uint64_t point = 0; point <= 2; point++) {
		assert_true(memory_trace_deepest(trace, point));
		memory_trace_restore(trace, point, &crash, second.world, "node");
		fixture_open_env(&second, "node");
		assert_int_equal(count_disks(&second, "disk"), point < 2);
		assert_int_equal(count_disks(&second, "second"), point > 0);
		fixture_close_env(&second);
	}
	memory_trace_free(trace);
	fixture_close(&second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_enumeration),
		cmocka_unit_test(test_durable),
		cmocka_unit_test(test_flush_bound),
		cmocka_unit_test(test_stable_cache),
		cmocka_unit_test(test_flush_loses),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_trace_equals_live),
		cmocka_unit_test(test_trace_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
