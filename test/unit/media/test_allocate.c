/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Blocks in zones against a naive reference: nothing overlaps, everything is zeroed, all of it
 * comes back. */
#include "rig.h"

#define BLOCKS 600u

struct block {
	uint64_t offset;
	uint32_t size;
	uint64_t seed;
};

struct allocation_test {
	struct rig rig;
	struct block blocks[BLOCKS];
	uint32_t count;
	uint32_t size_limit;
};

static uint32_t
random_size(struct allocation_test *test)
{
	uint64_t random = memory_world_random(test->rig.world);

	if (random % 8 == 0)
		return 1 + (uint32_t)((random >> 8) % test->size_limit);
	return 1 + (uint32_t)((random >> 8) % 500);
}

static void
begin(struct tx *tx, struct heap *heap, uint32_t allocations, uint32_t bytes, bool privileged)
{
	struct tx_need need = {.allocations = allocations,
			       .heap_bytes = bytes,
			       .log_bytes = 512,
			       .privileged = privileged};

	assert_int_equal(tx_begin(tx, heap), 0);
	assert_int_equal(tx_reserve(tx, &need), 0);
}

static void
no_overlap(const struct allocation_test *test, uint64_t offset, uint32_t size)
{
	for (uint32_t i = 0; i < test->count; i++) {
		const struct block *block = &test->blocks[i];

		assert_true(offset + size <= block->offset ||
			    block->offset + block->size <= offset);
	}
}

static void
allocate(struct allocation_test *test)
{
	uint32_t number = 1 + (uint32_t)(memory_world_random(test->rig.world) % 5);
	uint64_t near = test->count && memory_world_random(test->rig.world) % 2
				? test->blocks[0].offset
				: 0;
	uint32_t sizes[5];
	uint32_t sum = 0;
	uint64_t group;
	struct tx tx;

	for (uint32_t i = 0; i < number; i++)
		sum += sizes[i] = random_size(test);
	begin(&tx, test->rig.heap, number, sum, false);
	NO_YIELD
	{
		for (uint32_t i = 0; i < number && test->count < BLOCKS; i++) {
			struct block block = {.size = sizes[i],
					      .seed = memory_world_random(test->rig.world)};
			uint8_t *bytes;

			block.offset = tx_alloc(&tx, block.size, near);
			assert_int_equal(block.offset % 16, 0);
			no_overlap(test, block.offset, block.size);
			bytes = tx_change(&tx, block.offset, block.size);
			for (uint32_t j = 0; j < block.size; j++)
				assert_int_equal(bytes[j], 0);
			fill_pattern(bytes, block.size, block.seed);
			test->blocks[test->count++] = block;
		}
		tx_commit(&tx, &group);
	}
}

static void
load(struct heap *heap, uint64_t offset)
{
	struct pin pin;

	pin_init(&pin, heap);
	while (!heap_at(&pin, offset, 1))
		assert_int_equal(pin_load(&pin), 0);
	pin_fini(&pin);
}

static void
release(struct allocation_test *test)
{
	uint32_t index = (uint32_t)(memory_world_random(test->rig.world) % test->count);
	struct block *block = &test->blocks[index];
	const uint8_t *bytes;
	uint64_t group;
	struct tx tx;

	load(test->rig.heap, block->offset);
	begin(&tx, test->rig.heap, 0, 0, false);
	NO_YIELD
	{
		bytes = heap_at(&tx.pin, block->offset, block->size);
		assert_true(is_pattern(bytes, block->size, block->seed));
		tx_free(&tx, block->offset);
		tx_commit(&tx, &group);
	}
	*block = test->blocks[--test->count];
}

static int
random_operations(void *argument)
{
	struct allocation_test *test = container_of(argument, struct allocation_test, rig);

	for (uint32_t i = 0; i < 1500; i++) {
		if (test->count == 0 ||
		    (test->count < BLOCKS - 5 && memory_world_random(test->rig.world) % 7 < 2))
			allocate(test);
		else
			release(test);
	}
	return 0;
}

static int
release_all(void *argument)
{
	struct allocation_test *test = container_of(argument, struct allocation_test, rig);

	while (test->count > 0)
		release(test);
	return 0;
}

static uint64_t
heap_free_bytes(struct rig *rig)
{
	struct heap_space space;

	heap_space(rig->heap, &space);
	return space.heap_free;
}

static void
test_random(void **state)
{
	struct allocation_test *test = calloc(1, sizeof(*test));
	uint64_t before;

	(void)state;
	assert_non_null(test);
	test->rig = rig_make();
	test->rig.options.log_size = 8 * 1024 * 1024;
	test->size_limit = 30000;
	rig_start(&test->rig, 31);
	before = heap_free_bytes(&test->rig);
	for (uint32_t i = 0; i < 3; i++) {
		rig_run(&test->rig, random_operations);
		assert_true(heap_free_bytes(&test->rig) < before);
		rig_reopen(&test->rig);
	}
	rig_run(&test->rig, release_all);
	assert_int_equal(heap_free_bytes(&test->rig), before);
	rig_reopen(&test->rig);
	assert_int_equal(heap_free_bytes(&test->rig), before);
	rig_stop(&test->rig);
	free(test);
}

/* Fills the heap with blocks of a page each until an ordinary transaction is refused. */
static int
fill(void *argument)
{
	struct allocation_test *test = container_of(argument, struct allocation_test, rig);
	struct tx_need need = {
		.allocations = 4, .heap_bytes = 4 * 4000, .largest = 4000, .log_bytes = 64};
	uint64_t group = 0;
	uint32_t blocks = 0;
	struct tx tx;
	int rc;

	for (;;) {
		assert_int_equal(tx_begin(&tx, test->rig.heap), 0);
		rc = tx_reserve(&tx, &need);
		if (rc != 0)
			break;
		NO_YIELD
		{
			for (uint32_t i = 0; i < 4; i++)
				(void)tx_alloc(&tx, 4000, 0);
			tx_commit(&tx, &group);
		}
		blocks += 4;
	}
	assert_int_equal(rc, -DER_NOSPACE);
	tx_abort(&tx);
	/* Four zones less their headers, the root, a quarter in reserve, and what the worst case of
	 * the last one held. */
	assert_true(blocks >= 4 * 254 - 1 - 256 - 8);
	/* What must always work still does. */
	need.privileged = true;
	for (uint32_t i = 0; i < 40; i++) {
		assert_int_equal(tx_begin(&tx, test->rig.heap), 0);
		assert_int_equal(tx_reserve(&tx, &need), 0);
		NO_YIELD
		{
			(void)tx_alloc(&tx, 4000, 0);
			tx_commit(&tx, &group);
		}
	}
	return media_wait(test->rig.media, group);
}

static void
test_full(void **state)
{
	struct allocation_test test = {.rig = rig_make()};
	struct heap_space space;

	(void)state;
	test.rig.heap_options.heap_size = 4 * HEAP_ZONE;
	rig_start(&test.rig, 32);
	heap_space(test.rig.heap, &space);
	assert_int_equal(space.heap_total, (4 * 254 - 1) * 4096);
	assert_int_equal(space.heap_reserved, HEAP_ZONE);
	assert_int_equal(rig_run(&test.rig, fill), 0);
	assert_int_equal(heap_free_bytes(&test.rig), 0);
	rig_stop(&test.rig);
}

/* Whatever a transaction was promised it can have, all at once, in any mixture. */
static int
promises(void *argument)
{
	struct allocation_test *test = container_of(argument, struct allocation_test, rig);

	for (uint32_t i = 0; i < 300; i++) {
		uint32_t number = 1 + (uint32_t)(memory_world_random(test->rig.world) % 12);
		uint32_t sum = 0;
		uint64_t group;
		struct tx tx;

		for (uint32_t j = 0; j < number; j++)
			sum += 1 + (uint32_t)(memory_world_random(test->rig.world) % 3000);
		begin(&tx, test->rig.heap, number, sum, true);
		NO_YIELD
		{
			/* One takes nearly everything, the others share the rest. */
			(void)tx_alloc(&tx, sum - (number - 1) * 1 > 0 ? sum - (number - 1) : 1, 0);
			for (uint32_t j = 1; j < number; j++)
				(void)tx_alloc(&tx, 1, 0);
			tx_commit(&tx, &group);
		}
		assert_int_equal(media_wait(test->rig.media, group), 0);
	}
	return 0;
}

static void
test_promises(void **state)
{
	struct allocation_test test = {.rig = rig_make()};

	(void)state;
	test.rig.options.log_size = 8 * 1024 * 1024;
	rig_start(&test.rig, 33);
	rig_run(&test.rig, promises);
	rig_stop(&test.rig);
}

/* Pages one by one, until there are none. */
static uint32_t
take_all(struct heap *heap, uint64_t *ret_offsets, uint32_t limit)
{
	struct tx_need need = {
		.allocations = 1, .heap_bytes = 4000, .log_bytes = 64, .privileged = true};
	uint32_t count = 0;
	uint64_t group;
	struct tx tx;

	for (;;) {
		assert_int_equal(tx_begin(&tx, heap), 0);
		if (tx_reserve(&tx, &need) != 0)
			break;
		assert_true(count < limit);
		NO_YIELD
		{
			ret_offsets[count++] = tx_alloc(&tx, 4000, 0);
			tx_commit(&tx, &group);
		}
	}
	tx_abort(&tx);
	return count;
}

static void
give_back(struct heap *heap, uint64_t offset)
{
	uint64_t group;
	struct tx tx;

	begin(&tx, heap, 0, 0, true);
	NO_YIELD
	{
		assert_non_null(heap_at(&tx.pin, offset, 8));
		tx_free(&tx, offset);
		tx_commit(&tx, &group);
	}
}

/* A zone of which every second page is free comes before those that are free altogether: its
 * fragments must not use up the runs that a large transaction may have. */
static int
fragments(void *argument)
{
	struct allocation_test *test = container_of(argument, struct allocation_test, rig);
	struct tx_need need = {.allocations = 400,
			       .heap_bytes = 400 * 1000,
			       .largest = 1000,
			       .log_bytes = 64,
			       .privileged = true};
	struct heap *heap = test->rig.heap;
	uint64_t offsets[4 * 256];
	uint32_t count = take_all(heap, offsets, ARRAY_SIZE(offsets));
	struct tx tx;

	for (uint32_t i = 0; i < count; i++)
		if (offsets[i] / HEAP_ZONE == 0 && i % 2 == 0)
			give_back(heap, offsets[i]);
	for (uint32_t i = 0; i < count; i++)
		if (offsets[i] / HEAP_ZONE > 0)
			give_back(heap, offsets[i]);
	assert_int_equal(tx_begin(&tx, heap), 0);
	assert_int_equal(tx_reserve(&tx, &need), 0);
	tx_abort(&tx);
	return 0;
}

static void
test_fragments(void **state)
{
	struct allocation_test test = {.rig = rig_make()};

	(void)state;
	test.rig.heap_options.heap_size = 4 * HEAP_ZONE;
	test.rig.options.log_size = 8 * 1024 * 1024;
	rig_start(&test.rig, 35);
	assert_int_equal(rig_run(&test.rig, fragments), 0);
	rig_stop(&test.rig);
}

/* Damage that the heap's owner hands down must not assert. */
static int
bad_offsets(void *argument)
{
	struct rig *rig = argument;
	struct pin pin;

	pin_init(&pin, rig->heap);
	assert_null(heap_at(&pin, 0, 8));
	assert_int_equal(pin_outcome(&pin), -DER_IO);
	pin_fini(&pin);
	assert_null(heap_at(&pin, UINT64_MAX - 3, 8));
	assert_int_equal(pin_outcome(&pin), -DER_IO);
	pin_fini(&pin);
	assert_null(heap_at(&pin, HEAP_ZONE - 4, 8));
	assert_int_equal(pin_outcome(&pin), -DER_IO);
	pin_fini(&pin);
	assert_null(heap_at(&pin, 9 * HEAP_ZONE + 8192, 8));
	assert_int_equal(pin_outcome(&pin), -DER_IO);
	pin_fini(&pin);
	return 0;
}

static int
bad_free(void *argument)
{
	struct rig *rig = argument;
	uint64_t group;
	struct tx tx;

	begin(&tx, rig->heap, 1, 64, false);
	NO_YIELD
	{
		uint64_t offset = tx_alloc(&tx, 64, 0);

		tx_free(&tx, offset + 16);
		tx_commit(&tx, &group);
	}
	assert_int_equal(tx_begin(&tx, rig->heap), -DER_IO);
	return 0;
}

static void
test_damage(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig_start(&rig, 34);
	rig_run(&rig, bad_offsets);
	rig_run(&rig, bad_free);
	rig_kill(&rig);
	memory_world_destroy(rig.world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	 cmocka_unit_test(test_full),
		cmocka_unit_test(test_promises), cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_damage),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
