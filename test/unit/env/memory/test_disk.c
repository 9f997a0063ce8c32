/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Faults, delays and space of disks. */
#include "fixture.h"

static int
write_at(struct fixture *fixture, uint8_t value, uint32_t block)
{
	memset(fixture->buffer, value, DISK_BLOCK);
	return disk_write(fixture->disk, fixture->buffer, DISK_BLOCK, (uint64_t)block * DISK_BLOCK,
			  false);
}

static int
fail_each_kind(void *argument)
{
	struct fixture *fixture = argument;

	memory_disk_fail(fixture->world, "node", "disk", DISK_WRITE, 2, -DER_IO);
	memory_disk_fail(fixture->world, "node", "disk", DISK_READ, 1, -DER_CSUM);
	memory_disk_fail(fixture->world, "node", "disk", DISK_FLUSH, 1, -DER_NVME_IO);
	CHECK(write_at(fixture, 'a', 0) == 0);
	CHECK(write_at(fixture, 'b', 0) == -DER_IO);
	CHECK(disk_read(fixture->disk, fixture->buffer, DISK_BLOCK, 0) == -DER_CSUM);
	CHECK(disk_read(fixture->disk, fixture->buffer, DISK_BLOCK, 0) == 0);
	CHECK(fixture->buffer[0] == 'a');
	CHECK(disk_flush(fixture->disk) == -DER_NVME_IO);
	CHECK(disk_flush(fixture->disk) == 0);
	CHECK(write_at(fixture, 'c', 0) == 0);
	return 0;
}

static void
test_fail(void **state)
{
	struct memory_disk_counts counts;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 4, STORAGE_ALLOCATED);
	fixture_run(&fixture, fail_each_kind, &fixture);
	memory_disk_counts(fixture.world, "node", "disk", &counts);
	assert_int_equal(counts.writes, 2);
	assert_int_equal(counts.reads, 1);
	assert_int_equal(counts.flushes, 1);
	assert_int_equal(counts.bytes_written, 2 * DISK_BLOCK);
	fixture_close(&fixture);
}

static int
fill_thin(void *argument)
{
	struct fixture *fixture = argument;
	uint64_t total, available;

	CHECK(write_at(fixture, 'a', 0) == 0);
	CHECK(write_at(fixture, 'b', 1) == 0);
	CHECK(write_at(fixture, 'c', 2) == -DER_NOSPACE);
	CHECK(fixture->env->storage->space(fixture->env->storage, &total, &available) == 0);
	CHECK(total == 2 * DISK_BLOCK && available == 0);
	/* Blocks that exist can be written again, and given back. */
	CHECK(write_at(fixture, 'd', 1) == 0);
	CHECK(disk_zero(fixture->disk, 0, DISK_BLOCK) == 0);
	CHECK(write_at(fixture, 'e', 3) == 0);
	return 0;
}

static void
test_thin_full(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 4, STORAGE_THIN);
	memory_node_set_capacity(fixture.world, "node", 2 * DISK_BLOCK);
	fixture_run(&fixture, fill_thin, &fixture);
	assert_true(disk_is(fixture.world, "node", 2 * DISK_BLOCK, DISK_BLOCK, 0));
	assert_int_equal(memory_node_used(fixture.world, "node"), 2 * DISK_BLOCK);
	fixture_close(&fixture);
}

static void
test_allocated_full(void **state)
{
	struct storage *storage;
	struct fixture fixture;
	struct disk *disk;

	(void)state;
	fixture_open(&fixture, 1, 4, STORAGE_ALLOCATED);
	storage = fixture.env->storage;
	memory_node_set_capacity(fixture.world, "node", 6 * DISK_BLOCK);
	assert_int_equal(storage->create(storage, "more", 3 * DISK_BLOCK, STORAGE_ZEROED, &disk),
			 -DER_NOSPACE);
	assert_int_equal(storage->create(storage, "more", 2 * DISK_BLOCK, STORAGE_ZEROED, &disk),
			 0);
	disk_close(disk);
	assert_int_equal(storage->remove(storage, "more"), 0);
	assert_int_equal(storage->create(storage, "more", 2 * DISK_BLOCK, STORAGE_ALLOCATED, &disk),
			 0);
	disk_close(disk);
	fixture_close(&fixture);
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"", "/x", "x/", "a//b", "..", "a/../b", "./a"};
	struct storage *storage;
	struct fixture fixture;
	struct disk *disk;

	(void)state;
	fixture_open(&fixture, 1, 1, STORAGE_THIN);
	storage = fixture.env->storage;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(storage->create(storage, bad[i], DISK_BLOCK, STORAGE_THIN, &disk),
				 -DER_INVAL);
	assert_int_equal(storage->create(storage, "odd", DISK_BLOCK + 1, STORAGE_THIN, &disk),
			 -DER_INVAL);
	fixture_close(&fixture);
}

/* ------------------------------------------------ order and time */

#define OPERATIONS 16u

struct batch {
	struct fixture *fixture;
	struct disk_io io[OPERATIONS];
	struct iovec iov[OPERATIONS];
	bool in_order;
	uint64_t took;
};

/* Submits all, then notes whether each was done no later than the one behind it. */
static int
batch_body(void *argument)
{
	struct batch *batch = argument;
	struct fixture *fixture = batch->fixture;
	uint64_t start = env_monotonic(fixture->env);
	bool all = false;

	batch->in_order = true;
	for (unsigned i = 0; i < OPERATIONS; i++) {
		batch->iov[i] = (struct iovec){fixture->buffer + i * DISK_BLOCK, DISK_BLOCK};
		batch->io[i] = (struct disk_io){.operation = DISK_WRITE,
						.iov = &batch->iov[i],
						.iov_count = 1,
						.offset = i * DISK_BLOCK,
						.length = DISK_BLOCK};
		disk_submit(fixture->disk, &batch->io[i]);
	}
	while (!all) {
		CHECK(fiber_sleep(500) == 0);
		all = true;
		for (unsigned i = 0; i < OPERATIONS; i++) {
			all &= batch->io[i].completion.done;
			if (i > 0 && batch->io[i].completion.done &&
			    !batch->io[i - 1].completion.done)
				batch->in_order = false;
		}
	}
	batch->took = env_monotonic(fixture->env) - start;
	return 0;
}

static void
run_batch(struct batch *batch, const struct memory_disk_options *options)
{
	struct fixture fixture;

	*batch = (struct batch){.fixture = &fixture};
	fixture_open(&fixture, 3, OPERATIONS, STORAGE_ALLOCATED);
	if (options)
		memory_disk_configure(fixture.world, "node", "disk", options);
	fixture_run(&fixture, batch_body, batch);
	fixture_close(&fixture);
}

static void
test_order(void **state)
{
	struct memory_disk_options any = {.write_ns = 10000, .any_order = true};
	struct memory_disk_options slow = {.write_ns = 1000000};
	struct batch batch;

	(void)state;
	run_batch(&batch, NULL);
	assert_true(batch.in_order);
	assert_in_range(batch.took, 10000, 20000);
	run_batch(&batch, &any);
	assert_false(batch.in_order);
	run_batch(&batch, &slow);
	assert_in_range(batch.took, 1000000, 1100000);
}

struct holder {
	struct fixture *fixture;
	bool written;
};

static void
held_writer(void *argument)
{
	struct holder *holder = argument;

	if (write_at(holder->fixture, 'h', 0) == 0)
		holder->written = true;
}

static bool
holder_written(void *argument)
{
	return ((struct holder *)argument)->written;
}

/* A held write completes only after the release, however long that takes, and is pending meanwhile.
 */
static void
test_hold(void **state)
{
	struct fixture fixture;
	struct holder holder = {&fixture, false};
	struct fiber *fiber;

	(void)state;
	fixture_open(&fixture, 1, 1, STORAGE_ALLOCATED);
	memory_disk_hold(fixture.world, "node", "disk");
	assert_int_equal(fiber_start(fixture.loop, "writer", held_writer, &holder, &fiber), 0);
	assert_int_equal(memory_world_run(fixture.world, &fixture.loop, 1, holder_written, &holder,
					  5000000000ull),
			 -DER_TIMEDOUT);
	assert_true(disk_is(fixture.world, "node", 0, DISK_BLOCK, 0));
	assert_int_equal(memory_node_pending(fixture.world, "node"), 1);
	memory_disk_release(fixture.world, "node", "disk");
	assert_int_equal(memory_world_run(fixture.world, &fixture.loop, 1, holder_written, &holder,
					  1000000),
			 0);
	assert_true(disk_is(fixture.world, "node", 0, DISK_BLOCK, 'h'));
	fixture_close(&fixture);
}

static int
read_poked(void *argument)
{
	struct fixture *fixture = argument;

	CHECK(disk_read(fixture->disk, fixture->buffer, 2 * DISK_BLOCK, 0) == 0);
	CHECK(memcmp(fixture->buffer + DISK_BLOCK - 2, "poke", 4) == 0);
	CHECK(fixture->buffer[DISK_BLOCK - 3] == 0);
	return 0;
}

static void
test_poke(void **state)
{
	struct memory_crash crash = {MEMORY_CRASH_PREFIX, 0};
	struct fixture fixture;
	char seen[4];

	(void)state;
	fixture_open(&fixture, 1, 2, STORAGE_THIN);
	memory_disk_poke(fixture.world, "node", "disk", "poke", 4, DISK_BLOCK - 2);
	fixture_run(&fixture, read_poked, &fixture);
	fixture_close_env(&fixture);
	memory_node_power_cut(fixture.world, "node", &crash);
	memory_disk_peek(fixture.world, "node", "disk", seen, 4, DISK_BLOCK - 2);
	assert_memory_equal(seen, "poke", 4);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),	       cmocka_unit_test(test_thin_full),
		cmocka_unit_test(test_allocated_full), cmocka_unit_test(test_names),
		cmocka_unit_test(test_order),	       cmocka_unit_test(test_hold),
		cmocka_unit_test(test_poke),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
