/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a disk does wrong by order, and that it tells the test. */
#include "fixture.h"

#define BLOCKS 8u

struct bench {
	struct fixture fixture;
	struct strikes strikes;
};

static void
bench_open(struct bench *bench, uint64_t seed)
{
	*bench = (struct bench){0};
	fixture_open(&bench->fixture, seed, BLOCKS, STORAGE_ALLOCATED);
	memory_world_on_strike(bench->fixture.world, note_strike, &bench->strikes);
}

static int
write_blocks(struct fixture *fixture, uint8_t value, uint32_t block, uint32_t count)
{
	memset(fixture->buffer, value, (size_t)count * DISK_BLOCK);
	return disk_write(fixture->disk, fixture->buffer, (uint64_t)count * DISK_BLOCK,
			  (uint64_t)block * DISK_BLOCK, false);
}

/* Reads a block; its first byte, or a negative code. */
static int
read_block(struct fixture *fixture, uint32_t block)
{
	int rc =
		disk_read(fixture->disk, fixture->buffer, DISK_BLOCK, (uint64_t)block * DISK_BLOCK);

	return rc != 0 ? rc : fixture->buffer[0];
}

static void
cut_power(struct fixture *fixture)
{
	const struct memory_crash nothing = {MEMORY_CRASH_PREFIX, 0};

	fixture_close_env(fixture);
	memory_node_power_cut(fixture->world, "node", &nothing);
}

static int
meet_unreadable(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;

	CHECK(write_blocks(fixture, 'a', 0, BLOCKS) == 0);
	memory_disk_unreadable(fixture->world, "node", "disk", DISK_BLOCK, 4 * DISK_BLOCK);
	CHECK(read_block(fixture, 0) == 'a');
	CHECK(read_block(fixture, 5) == 'a');
	CHECK(read_block(fixture, 1) == -DER_IO);
	CHECK(disk_read(fixture->disk, fixture->buffer, BLOCKS * DISK_BLOCK, 0) == -DER_IO);
	/* What is rewritten can be read; what is before and behind cannot. */
	CHECK(write_blocks(fixture, 'b', 2, 2) == 0);
	CHECK(read_block(fixture, 1) == -DER_IO);
	CHECK(read_block(fixture, 2) == 'b');
	CHECK(read_block(fixture, 3) == 'b');
	CHECK(read_block(fixture, 4) == -DER_IO);
	CHECK(bench->strikes.count[MEMORY_FAULT_UNREADABLE] == 4);
	CHECK(bench->strikes.latest[MEMORY_FAULT_UNREADABLE].offset == 4 * DISK_BLOCK);
	memory_disk_heal(fixture->world, "node", "disk");
	CHECK(read_block(fixture, 1) == 'a');
	CHECK(read_block(fixture, 4) == 'a');
	return 0;
}

static void
test_unreadable(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, 1);
	fixture_run(&bench.fixture, meet_unreadable, &bench);
	fixture_close(&bench.fixture);
}

static unsigned
bits_that_differ(const uint8_t *data, size_t length, uint8_t value)
{
	unsigned bits = 0;

	for (size_t i = 0; i < length; i++)
		bits += (unsigned)__builtin_popcount(data[i] ^ value);
	return bits;
}

static int
flip_in_flight(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	const struct memory_strike *strike = &bench->strikes.latest[MEMORY_FAULT_FLIP_READ];

	CHECK(write_blocks(fixture, 'a', 0, 4) == 0);
	memory_disk_flip_read(fixture->world, "node", "disk", 2);
	CHECK(disk_read(fixture->disk, fixture->buffer, 2 * DISK_BLOCK, DISK_BLOCK) == 0);
	CHECK(bits_that_differ(fixture->buffer, 2 * DISK_BLOCK, 'a') == 0);
	CHECK(disk_read(fixture->disk, fixture->buffer, 2 * DISK_BLOCK, DISK_BLOCK) == 0);
	CHECK(bits_that_differ(fixture->buffer, 2 * DISK_BLOCK, 'a') == 1);
	CHECK(bench->strikes.count[MEMORY_FAULT_FLIP_READ] == 1);
	CHECK(fixture->buffer[strike->offset - DISK_BLOCK] != 'a');
	CHECK(disk_read(fixture->disk, fixture->buffer, 2 * DISK_BLOCK, DISK_BLOCK) == 0);
	CHECK(bits_that_differ(fixture->buffer, 2 * DISK_BLOCK, 'a') == 0);
	return 0;
}

static int
flip_for_good(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;

	CHECK(write_blocks(fixture, 'a', 0, 1) == 0);
	CHECK(disk_flush(fixture->disk) == 0);
	memory_disk_flip(fixture->world, "node", "disk", 0, 1);
	CHECK(read_block(fixture, 0) == ('a' ^ 2));
	CHECK(bench->strikes.count[MEMORY_FAULT_FLIP] == 1);
	return 0;
}

static void
test_flip(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, 1);
	fixture_run(&bench.fixture, flip_in_flight, &bench);
	fixture_run(&bench.fixture, flip_for_good, &bench);
	cut_power(&bench.fixture);
	assert_true(disk_is(bench.fixture.world, "node", 0, 1, 'a' ^ 2));
	assert_true(disk_is(bench.fixture.world, "node", 1, 100, 'a'));
	fixture_close(&bench.fixture);
}

static int
lose_a_write(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;

	CHECK(write_blocks(fixture, 'a', 0, 2) == 0);
	memory_disk_lose_write(fixture->world, "node", "disk", 2);
	CHECK(write_blocks(fixture, 'b', 0, 1) == 0);
	CHECK(write_blocks(fixture, 'b', 1, 1) == 0);
	CHECK(disk_flush(fixture->disk) == 0);
	CHECK(read_block(fixture, 0) == 'b');
	CHECK(read_block(fixture, 1) == 'a');
	CHECK(bench->strikes.count[MEMORY_FAULT_LOST_WRITE] == 1);
	CHECK(bench->strikes.latest[MEMORY_FAULT_LOST_WRITE].offset == DISK_BLOCK);
	CHECK(memory_node_pending(fixture->world, "node") == 0);
	return 0;
}

static int
misdirect_a_write(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	const struct memory_strike *strike = &bench->strikes.latest[MEMORY_FAULT_MISDIRECTED_WRITE];

	CHECK(write_blocks(fixture, 'a', 0, BLOCKS) == 0);
	memory_disk_misdirect_write(fixture->world, "node", "disk", 1, 5 * DISK_BLOCK);
	CHECK(write_blocks(fixture, 'b', 2, 1) == 0);
	CHECK(read_block(fixture, 2) == 'a');
	CHECK(read_block(fixture, 5) == 'b');
	CHECK(strike->offset == 2 * DISK_BLOCK && strike->length == 5 * DISK_BLOCK);
	/* Beyond the end it is moved back, and a drawn place is another one. */
	memory_disk_misdirect_write(fixture->world, "node", "disk", 1, 7 * DISK_BLOCK);
	CHECK(write_blocks(fixture, 'c', 0, 2) == 0);
	CHECK(read_block(fixture, 6) == 'c' && read_block(fixture, 7) == 'c');
	memory_disk_misdirect_write(fixture->world, "node", "disk", 1, MEMORY_DRAWN);
	CHECK(write_blocks(fixture, 'd', 3, 1) == 0);
	CHECK(read_block(fixture, 3) == 'a');
	CHECK(read_block(fixture, (uint32_t)(strike->length / DISK_BLOCK)) == 'd');
	CHECK(bench->strikes.count[MEMORY_FAULT_MISDIRECTED_WRITE] == 3);
	CHECK(disk_flush(fixture->disk) == 0);
	return 0;
}

static int
tear_a_write(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	const struct memory_strike *strike = &bench->strikes.latest[MEMORY_FAULT_TORN_WRITE];

	CHECK(write_blocks(fixture, 'a', 0, BLOCKS) == 0);
	memory_disk_tear_write(fixture->world, "node", "disk", 1);
	CHECK(write_blocks(fixture, 'b', 1, 3) == 0);
	CHECK(strike->offset == DISK_BLOCK && strike->length % 512 == 0);
	CHECK(strike->length > 0 && strike->length < 3 * DISK_BLOCK);
	CHECK(disk_read(fixture->disk, fixture->buffer, 3 * DISK_BLOCK, DISK_BLOCK) == 0);
	CHECK(bits_that_differ(fixture->buffer, strike->length, 'b') == 0);
	CHECK(bits_that_differ(fixture->buffer + strike->length, 3 * DISK_BLOCK - strike->length,
			       'a') == 0);
	return disk_flush(fixture->disk);
}

/* Lies about writes survive flush and power cut: they are what is stored. */
static void
test_lying_writes(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, 1);
	fixture_run(&bench.fixture, lose_a_write, &bench);
	fixture_run(&bench.fixture, misdirect_a_write, &bench);
	for (unsigned i = 0; i < 10; i++)
		fixture_run(&bench.fixture, tear_a_write, &bench);
	assert_int_equal(bench.strikes.count[MEMORY_FAULT_TORN_WRITE], 10);
	cut_power(&bench.fixture);
	assert_int_equal(bench.strikes.latest[MEMORY_FAULT_POWER_CUT].offset, 0);
	assert_true(disk_is(bench.fixture.world, "node", DISK_BLOCK, 512, 'b'));
	assert_true(disk_is(bench.fixture.world, "node", 4 * DISK_BLOCK - 512, 512, 'a'));
	fixture_close(&bench.fixture);
}

static int
read_stale(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;

	CHECK(write_blocks(fixture, 'a', 0, 2) == 0);
	CHECK(disk_flush(fixture->disk) == 0);
	CHECK(write_blocks(fixture, 'b', 0, 1) == 0);
	/* Block 0 was not durable at the order, block 1 is written after it, block 2 never. */
	memory_disk_stale_read(fixture->world, "node", "disk", 1);
	CHECK(read_block(fixture, 2) == 0);
	CHECK(read_block(fixture, 0) == 'a');
	CHECK(read_block(fixture, 0) == 'b');
	memory_disk_stale_read(fixture->world, "node", "disk", 2);
	CHECK(write_blocks(fixture, 'c', 1, 1) == 0);
	CHECK(write_blocks(fixture, 'd', 1, 1) == 0);
	CHECK(read_block(fixture, 1) == 'd');
	CHECK(read_block(fixture, 1) == 'c');
	CHECK(read_block(fixture, 1) == 'd');
	CHECK(bench->strikes.count[MEMORY_FAULT_STALE_READ] == 2);
	return 0;
}

static int
misdirect_a_read(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;

	for (uint32_t i = 0; i < BLOCKS; i++)
		CHECK(write_blocks(fixture, (uint8_t)('a' + i), i, 1) == 0);
	memory_disk_misdirect_read(fixture->world, "node", "disk", 2, 4 * DISK_BLOCK);
	CHECK(read_block(fixture, 1) == 'b');
	CHECK(read_block(fixture, 1) == 'e');
	CHECK(read_block(fixture, 1) == 'b');
	CHECK(bench->strikes.count[MEMORY_FAULT_MISDIRECTED_READ] == 1);
	return 0;
}

static void
test_lying_reads(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, 1);
	fixture_run(&bench.fixture, read_stale, &bench);
	fixture_run(&bench.fixture, misdirect_a_read, &bench);
	fixture_close(&bench.fixture);
}

static int
slow_down(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	uint64_t start = memory_world_now(fixture->world);

	CHECK(write_blocks(fixture, 'a', 0, 1) == 0);
	CHECK(memory_world_now(fixture->world) - start < 20000);
	memory_disk_slow(fixture->world, "node", "disk", 100);
	start = memory_world_now(fixture->world);
	CHECK(write_blocks(fixture, 'a', 0, 1) == 0);
	CHECK(memory_world_now(fixture->world) - start >= 1000000);
	CHECK(read_block(fixture, 0) == 'a');
	CHECK(bench->strikes.count[MEMORY_FAULT_SLOW] == 1);
	memory_disk_heal(fixture->world, "node", "disk");
	start = memory_world_now(fixture->world);
	CHECK(write_blocks(fixture, 'a', 0, 1) == 0);
	CHECK(memory_world_now(fixture->world) - start < 20000);
	return 0;
}

static int
vanish(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	struct storage *storage = fixture->env->storage;
	struct disk *second;

	memory_disk_vanish(fixture->world, "node", "disk");
	CHECK(write_blocks(fixture, 'z', 0, 1) == -DER_IO);
	CHECK(read_block(fixture, 0) == -DER_IO);
	CHECK(disk_flush(fixture->disk) == -DER_IO);
	CHECK(storage->open(storage, "disk", &second) == -DER_IO);
	CHECK(bench->strikes.count[MEMORY_FAULT_VANISHED] == 1);
	memory_disk_heal(fixture->world, "node", "disk");
	CHECK(read_block(fixture, 0) == 'a');
	return 0;
}

/* Healing takes back what was ordered and has not struck. */
static int
heal_orders(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	struct memory_world *world = fixture->world;

	memory_disk_fail(world, "node", "disk", DISK_READ, 1, -DER_IO);
	memory_disk_lose_write(world, "node", "disk", 1);
	memory_disk_flip_read(world, "node", "disk", 1);
	memory_disk_stale_read(world, "node", "disk", 1);
	memory_disk_heal(world, "node", "disk");
	CHECK(write_blocks(fixture, 'y', 0, 1) == 0);
	CHECK(read_block(fixture, 0) == 'y');
	CHECK(bits_that_differ(fixture->buffer, DISK_BLOCK, 'y') == 0);
	return 0;
}

static void
test_heal(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, 1);
	fixture_run(&bench.fixture, slow_down, &bench);
	fixture_run(&bench.fixture, vanish, &bench);
	fixture_run(&bench.fixture, heal_orders, &bench);
	fixture_close(&bench.fixture);
}

static int
fail_and_tell(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	struct memory_world *world = fixture->world;
	const unsigned *count = bench->strikes.count;

	memory_disk_fail(world, "node", "disk", DISK_WRITE, 1, -DER_IO);
	memory_disk_fail(world, "node", "disk", DISK_READ, 1, -DER_IO);
	memory_disk_fail(world, "node", "disk", DISK_FLUSH, 1, -DER_IO);
	CHECK(write_blocks(fixture, 'a', 0, 1) == -DER_IO);
	CHECK(count[MEMORY_FAULT_WRITE_ERROR] == 1);
	CHECK(read_block(fixture, 0) == -DER_IO && count[MEMORY_FAULT_READ_ERROR] == 1);
	CHECK(disk_flush(fixture->disk) == -DER_IO && count[MEMORY_FAULT_FLUSH_ERROR] == 1);
	CHECK(write_blocks(fixture, 'b', 0, 1) == 0 && write_blocks(fixture, 'b', 1, 1) == 0);
	memory_disk_fail_flush_and_lose(world, "node", "disk", 1);
	CHECK(disk_flush(fixture->disk) == -DER_IO && count[MEMORY_FAULT_FLUSH_ERROR] == 1);
	CHECK(count[MEMORY_FAULT_FLUSH_LOSS] == 1);
	CHECK(bench->strikes.latest[MEMORY_FAULT_FLUSH_LOSS].offset >= 2);
	CHECK(strcmp(bench->strikes.latest[MEMORY_FAULT_FLUSH_LOSS].node, "node") == 0);
	CHECK(read_block(fixture, 0) == 0);
	return 0;
}

static int
fail_storage(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	struct storage *storage = fixture->env->storage;
	struct memory_world *world = fixture->world;
	struct disk *disk;

	memory_storage_fail(world, "node", MEMORY_STORAGE_CREATE, 1, -DER_NOSPACE);
	memory_storage_fail(world, "node", MEMORY_STORAGE_OPEN, 2, -DER_IO);
	memory_storage_fail(world, "node", MEMORY_STORAGE_REMOVE, 1, -DER_IO);
	CHECK(storage->create(storage, "more", DISK_BLOCK, STORAGE_THIN, &disk) == -DER_NOSPACE);
	CHECK(storage->create(storage, "more", DISK_BLOCK, STORAGE_THIN, &disk) == 0);
	disk_close(disk);
	CHECK(storage->open(storage, "more", &disk) == 0);
	disk_close(disk);
	CHECK(storage->open(storage, "more", &disk) == -DER_IO);
	CHECK(storage->remove(storage, "more") == -DER_IO);
	CHECK(storage->remove(storage, "more") == 0);
	CHECK(bench->strikes.count[MEMORY_FAULT_CREATE_ERROR] == 1);
	CHECK(bench->strikes.count[MEMORY_FAULT_OPEN_ERROR] == 1);
	CHECK(bench->strikes.count[MEMORY_FAULT_REMOVE_ERROR] == 1);
	return 0;
}

static int
discard_often(void *argument)
{
	struct bench *bench = argument;
	struct fixture *fixture = &bench->fixture;
	struct memory_disk_counts counts;

	for (unsigned i = 0; i < 60; i++) {
		struct disk_io io = {.operation = DISK_DISCARD, .length = DISK_BLOCK};

		disk_submit(fixture->disk, &io);
		CHECK(completion_wait(&io.completion) == 0);
	}
	memory_disk_counts(fixture->world, "node", "disk", &counts);
	CHECK(counts.discards_old + counts.discards_zero + counts.discards_garbage == 60);
	CHECK(counts.discards_old == bench->strikes.count[MEMORY_FAULT_DISCARD_OLD]);
	CHECK(counts.discards_zero == bench->strikes.count[MEMORY_FAULT_DISCARD_ZERO]);
	CHECK(counts.discards_garbage == bench->strikes.count[MEMORY_FAULT_DISCARD_GARBAGE]);
	CHECK(counts.discards_old && counts.discards_zero && counts.discards_garbage);
	return 0;
}

static void
test_told(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, 1);
	fixture_run(&bench.fixture, fail_and_tell, &bench);
	fixture_run(&bench.fixture, fail_storage, &bench);
	fixture_run(&bench.fixture, discard_often, &bench);
	fixture_close(&bench.fixture);
}

static int
write_two(void *argument)
{
	struct bench *bench = argument;

	CHECK(write_blocks(&bench->fixture, 'a', 0, 2) == 0);
	CHECK(disk_flush(bench->fixture.disk) == 0);
	CHECK(write_blocks(&bench->fixture, 'b', 0, 1) == 0);
	return write_blocks(&bench->fixture, 'b', 1, 1);
}

/* Whether each byte of the first two blocks is old or new. */
static bool
is_known(struct memory_world *world)
{
	uint8_t data[2 * DISK_BLOCK];

	memory_disk_peek(world, "node", "disk", data, sizeof(data), 0);
	for (size_t i = 0; i < sizeof(data); i++) {
		if (data[i] != 'a' && data[i] != 'b')
			return false;
	}
	return true;
}

/* A random cut of two pending writes; returns whether one was shorn. */
static bool
cut_shorn(uint64_t seed, bool shorn)
{
	const struct memory_crash crash = {MEMORY_CRASH_RANDOM, seed};
	const struct memory_strike *cut;
	struct bench bench;
	bool struck;

	bench_open(&bench, 1);
	fixture_run(&bench.fixture, write_two, &bench);
	memory_world_shorn(bench.fixture.world, shorn);
	fixture_close_env(&bench.fixture);
	memory_node_power_cut(bench.fixture.world, "node", &crash);
	struck = bench.strikes.count[MEMORY_FAULT_SHORN] > 0;
	assert_int_equal(struck, !is_known(bench.fixture.world));
	assert_int_equal(bench.strikes.count[MEMORY_FAULT_POWER_CUT], 1);
	cut = &bench.strikes.latest[MEMORY_FAULT_POWER_CUT];
	assert_true(cut->offset + cut->length <= 2);
	if (disk_is(bench.fixture.world, "node", 0, DISK_BLOCK, 'a') &&
	    disk_is(bench.fixture.world, "node", DISK_BLOCK, DISK_BLOCK, 'a'))
		assert_int_equal(cut->offset + cut->length, 2);
	fixture_close(&bench.fixture);
	return struck;
}

static void
test_shorn(void **state)
{
	unsigned struck = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struck += cut_shorn(seed, true);
		assert_false(cut_shorn(seed, false));
	}
	assert_in_range(struck, 5, 35);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unreadable),   cmocka_unit_test(test_flip),
		cmocka_unit_test(test_lying_writes), cmocka_unit_test(test_lying_reads),
		cmocka_unit_test(test_heal),	     cmocka_unit_test(test_told),
		cmocka_unit_test(test_shorn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
