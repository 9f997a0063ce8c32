/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The data space: taking, giving back, quarantine, holds, figures, payload of every shape. */
#include "rig.h"

static uint64_t
data_free(struct rig *rig)
{
	struct heap_space space;

	heap_space(rig->heap, &space);
	return space.data_free;
}

static int
begin(struct tx *tx, struct heap *heap, bool privileged)
{
	struct tx_need need = {.log_bytes = 64, .privileged = privileged};

	assert_int_equal(tx_begin(tx, heap), 0);
	return tx_reserve(tx, &need);
}

/* Takes blocks and makes them the heap's. */
static int
take(struct rig *rig, uint32_t blocks, bool privileged, struct data_extent *ret_extent)
{
	uint64_t group;
	struct tx tx;
	int rc = begin(&tx, rig->heap, privileged);

	if (rc == 0)
		rc = tx_data_reserve(&tx, blocks, ret_extent);
	if (rc != 0) {
		tx_abort(&tx);
		return rc;
	}
	NO_YIELD
	{
		tx_data_publish(&tx, *ret_extent);
		tx_commit(&tx, &group);
	}
	return media_wait(rig->media, group);
}

static int
give(struct rig *rig, struct data_extent extent)
{
	uint64_t group;
	struct tx tx;

	assert_int_equal(begin(&tx, rig->heap, true), 0);
	NO_YIELD
	{
		tx_data_free(&tx, extent);
		tx_commit(&tx, &group);
	}
	return media_wait(rig->media, group);
}

/* ------------------------------------------------ full */

#define FILL_EXTENTS 4096

static int
fill_and_free(void *argument)
{
	struct rig *rig = argument;
	struct data_extent *extents = calloc(FILL_EXTENTS, sizeof(*extents));
	uint64_t before = data_free(rig);
	uint32_t count = 0;
	uint64_t taken = 0;
	int rc = 0;

	while (rc == 0) {
		uint32_t wanted = 1 + (uint32_t)(memory_world_random(rig->world) % 100);

		rc = take(rig, wanted, false, &extents[count]);
		if (rc != 0)
			break;
		for (uint32_t i = 0; i < count; i++)
			assert_true(extents[count].block + extents[count].count <=
					    extents[i].block ||
				    extents[i].block + extents[i].count <= extents[count].block);
		taken += extents[count++].count;
		assert_int_equal(data_free(rig), before - taken * DISK_BLOCK);
	}
	assert_int_equal(rc, -DER_NOSPACE);
	assert_true(data_free(rig) < 100 * DISK_BLOCK);
	/* The reserve is for those who may. */
	assert_int_equal(take(rig, 10, true, &extents[count]), 0);
	taken += extents[count++].count;
	while (count > 0)
		assert_int_equal(give(rig, extents[--count]), 0);
	/* All of it is there again, at once: what is under quarantine is waited for. */
	assert_int_equal(data_free(rig), before);
	assert_int_equal(take(rig, 1000, false, &extents[0]), 0);
	assert_int_equal(extents[0].count, 1000);
	assert_int_equal(give(rig, extents[0]), 0);
	free(extents);
	return 0;
}

static void
test_full(void **state)
{
	struct rig rig = rig_make();
	uint64_t before;

	(void)state;
	rig.heap_options.data_size = 2000 * DISK_BLOCK;
	rig_start(&rig, 41);
	before = data_free(&rig);
	assert_int_equal(before, 1900 * DISK_BLOCK);
	rig_run(&rig, fill_and_free);
	rig_reopen(&rig);
	assert_int_equal(data_free(&rig), before);
	rig_stop(&rig);
}

/* ------------------------------------------------ holds */

static int
settle(struct rig *rig)
{
	assert_int_equal(fiber_sleep(30000000), 0);
	return media_settle(rig->media);
}

static int
hold(void *argument)
{
	struct rig *rig = argument;
	struct data_extent first, again;
	uint64_t old, young;

	assert_int_equal(take(rig, 60, true, &first), 0);
	old = data_hold(rig->heap);
	assert_int_equal(give(rig, first), 0);
	young = data_hold(rig->heap);
	assert_int_equal(settle(rig), 0);
	/* 100 blocks in all, 60 of them held. */
	assert_int_equal(rig->heap->blocks_quarantined, 60);
	assert_int_equal(take(rig, 60, true, &again), -DER_NOSPACE);
	data_unhold(rig->heap, old);
	assert_int_equal(rig->heap->blocks_quarantined, 0);
	assert_int_equal(take(rig, 60, true, &again), 0);
	data_unhold(rig->heap, young);
	return give(rig, again);
}

static void
test_hold(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig.heap_options.data_size = 100 * DISK_BLOCK;
	rig_start(&rig, 42);
	assert_int_equal(rig_run(&rig, hold), 0);
	rig_stop(&rig);
}

/* ------------------------------------------------ payload */

struct shape {
	uint64_t length;
	uint32_t pieces, shift; /* buffers, and bytes by which they are off their alignment */
};

static const struct shape shapes[] = {
	{1, 1, 0},	{100, 3, 1},	 {4096, 1, 0},	   {4097, 1, 0},   {65536, 1, 0},
	{65537, 1, 0},	{200000, 1, 0},	 {200000, 1, 8},   {200000, 7, 3}, {262144, 1, 0},
	{262144, 4, 0}, {1048576, 1, 0}, {1048575, 16, 1},
};

static int
write_shape(struct rig *rig, const struct shape *shape, uint64_t seed,
	    struct data_extent *ret_extent)
{
	uint8_t *buffer =
		arena_alloc_aligned(rig->env->arena, shape->length + DISK_BLOCK, DISK_BLOCK);
	struct iovec iov[16];
	uint64_t group, at = 0;
	struct tx tx;
	int rc;

	fill_pattern(buffer + shape->shift, shape->length, seed);
	for (uint32_t i = 0; i < shape->pieces; i++) {
		uint64_t length = i + 1 == shape->pieces ? shape->length - at
							 : shape->length / shape->pieces;

		iov[i] = (struct iovec){buffer + shape->shift + at, length};
		at += length;
	}
	assert_int_equal(begin(&tx, rig->heap, false), 0);
	rc = tx_data_reserve(&tx, (uint32_t)((shape->length + DISK_BLOCK - 1) / DISK_BLOCK),
			     ret_extent);
	assert_int_equal(rc, 0);
	rc = tx_data_write(&tx, *ret_extent, iov, shape->pieces, shape->length,
			   crc32c(0, buffer + shape->shift, shape->length));
	assert_int_equal(rc, 0);
	NO_YIELD
	{
		tx_data_publish(&tx, *ret_extent);
		tx_commit(&tx, &group);
	}
	rc = media_wait(rig->media, group);
	arena_free(rig->env->arena, buffer);
	return rc;
}

static void
read_shape(struct rig *rig, const struct shape *shape, uint64_t seed, struct data_extent extent)
{
	uint64_t bytes = (uint64_t)extent.count * DISK_BLOCK;
	uint8_t *buffer = arena_alloc_aligned(rig->env->arena, bytes, DISK_BLOCK);

	assert_int_equal(data_read(rig->heap, extent, 0, extent.count, buffer), 0);
	assert_true(is_pattern(buffer, shape->length, seed));
	for (uint64_t i = shape->length; i < bytes; i++)
		assert_int_equal(buffer[i], 0);
	/* The last block alone. */
	assert_int_equal(data_read(rig->heap, extent, extent.count - 1, 1, buffer), 0);
	for (uint64_t i = 0; i < DISK_BLOCK; i++) {
		uint64_t at = (extent.count - 1) * (uint64_t)DISK_BLOCK + i;

		assert_int_equal(
			buffer[i],
			at < shape->length ? (uint8_t)(mix64(seed + at / 8) >> (at % 8 * 8)) : 0);
	}
	arena_free(rig->env->arena, buffer);
}

static struct data_extent extents[ARRAY_SIZE(shapes)];

static int
write_shapes(void *argument)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(shapes); i++)
		assert_int_equal(write_shape(argument, &shapes[i], i * 1000, &extents[i]), 0);
	return 0;
}

static int
read_shapes(void *argument)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(shapes); i++)
		read_shape(argument, &shapes[i], i * 1000, extents[i]);
	return 0;
}

static int
checkpoint(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(media_checkpoint(rig->media), 0);
	assert_int_equal(rig->heap->overlay.count, 0);
	return 0;
}

static void
test_shapes(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig.options.log_size = 8 * 1024 * 1024;
	rig_start(&rig, 43);
	rig_run(&rig, write_shapes);
	rig_run(&rig, read_shapes);
	rig_kill(&rig);
	rig_restart(&rig);
	rig_run(&rig, read_shapes);
	rig_run(&rig, checkpoint);
	rig_run(&rig, read_shapes);
	rig_reopen(&rig);
	rig_run(&rig, read_shapes);
	rig_stop(&rig);
}

/* ------------------------------------------------ giving back */

static int
abort_gives_back(void *argument)
{
	struct rig *rig = argument;
	uint64_t before = data_free(rig);
	struct data_extent extent;
	uint64_t group;
	struct tx tx;

	assert_int_equal(begin(&tx, rig->heap, false), 0);
	assert_int_equal(tx_data_reserve(&tx, 100, &extent), 0);
	assert_int_equal(data_free(rig), before - 100 * DISK_BLOCK);
	tx_abort(&tx);
	assert_int_equal(data_free(rig), before);
	/* Publishing the beginning of an extent gives the rest back. */
	assert_int_equal(begin(&tx, rig->heap, false), 0);
	assert_int_equal(tx_data_reserve(&tx, 100, &extent), 0);
	extent.count = 30;
	NO_YIELD
	{
		tx_data_publish(&tx, extent);
		tx_commit(&tx, &group);
	}
	assert_int_equal(media_wait(rig->media, group), 0);
	assert_int_equal(data_free(rig), before - 30 * DISK_BLOCK);
	/* A part of an extent may be freed. */
	extent.block += 10;
	extent.count = 5;
	assert_int_equal(give(rig, extent), 0);
	assert_int_equal(data_free(rig), before - 25 * DISK_BLOCK);
	return 0;
}

static void
test_giving_back(void **state)
{
	struct rig rig = rig_make();
	uint64_t free_bytes;

	(void)state;
	rig_start(&rig, 44);
	rig_run(&rig, abort_gives_back);
	free_bytes = data_free(&rig);
	rig_kill(&rig);
	rig_restart(&rig);
	assert_int_equal(data_free(&rig), free_bytes);
	rig_reopen(&rig);
	assert_int_equal(data_free(&rig), free_bytes);
	rig_stop(&rig);
}

/* A terabyte costs nothing until it is used, and its bitmap is found again. */
static int
use_large(void *argument)
{
	struct rig *rig = argument;
	struct data_extent extent;

	rig->heap->space_cursor = rig->heap->blocks_total - 1000;
	return take(rig, 500, false, &extent);
}

static void
test_large(void **state)
{
	struct rig rig = rig_make();
	uint64_t before, used;

	(void)state;
	rig.heap_options.thin = true;
	rig.heap_options.data_size = 1ull << 40;
	rig_start(&rig, 45);
	before = data_free(&rig);
	used = arena_used(rig.env->arena);
	assert_true(used < 8 * 1024 * 1024);
	assert_int_equal(rig_run(&rig, use_large), 0);
	assert_int_equal(data_free(&rig), before - 500 * DISK_BLOCK);
	assert_true(arena_used(rig.env->arena) < used + 4 * 1024 * 1024);
	rig_reopen(&rig);
	assert_int_equal(data_free(&rig), before - 500 * DISK_BLOCK);
	rig_stop(&rig);
}

/* ------------------------------------------------ a thin heap on a full host */

static int
until_host_full(void *argument)
{
	struct rig *rig = argument;
	struct shape large = {400 * 1024, 1, 0};
	struct data_extent extent;
	uint8_t *buffer = arena_alloc_aligned(rig->env->arena, large.length, DISK_BLOCK);
	struct iovec iov = {buffer, large.length};
	struct tx tx;
	int rc = 0;

	memset(buffer, 3, large.length);
	for (uint32_t i = 0; i < 100 && rc == 0; i++) {
		uint64_t group;

		assert_int_equal(begin(&tx, rig->heap, false), 0);
		assert_int_equal(tx_data_reserve(&tx, 100, &extent), 0);
		rc = tx_data_write(&tx, extent, &iov, 1, large.length,
				   crc32c(0, buffer, large.length));
		if (rc != 0) {
			tx_abort(&tx);
			break;
		}
		NO_YIELD
		{
			tx_data_publish(&tx, extent);
			tx_commit(&tx, &group);
		}
		assert_int_equal(media_wait(rig->media, group), 0);
	}
	arena_free(rig->env->arena, buffer);
	/* Full, not broken: nothing was lost, and it goes on when the host has space again. */
	assert_int_equal(rc, -DER_NOSPACE);
	assert_int_equal(media_state(rig->media), 0);
	return 0;
}

static int
checkpoint_without_space(void *argument)
{
	struct rig *rig = argument;
	struct tx tx;

	assert_int_equal(media_checkpoint(rig->media), -DER_NOSPACE);
	assert_int_equal(media_state(rig->media), 0);
	assert_int_equal(begin(&tx, rig->heap, false), -DER_NOSPACE);
	tx_abort(&tx);
	return 0;
}

static int
use_again(void *argument)
{
	struct rig *rig = argument;
	struct data_extent extent;

	assert_int_equal(media_checkpoint(rig->media), 0);
	return take(rig, 10, false, &extent);
}

static void
test_thin(void **state)
{
	struct rig rig = rig_make();
	uint64_t free_bytes;

	(void)state;
	rig.heap_options.thin = true;
	rig.options.checkpoint_interval = 3600000000000;
	rig_start(&rig, 46);
	memory_node_set_capacity(rig.world, "node",
				 memory_node_used(rig.world, "node") + 4 * 1024 * 1024);
	rig_run(&rig, until_host_full);
	memory_node_set_capacity(rig.world, "node", memory_node_used(rig.world, "node"));
	rig_run(&rig, checkpoint_without_space);
	memory_node_set_capacity(rig.world, "node", 0);
	assert_int_equal(rig_run(&rig, use_again), 0);
	free_bytes = data_free(&rig);
	rig_reopen(&rig);
	assert_int_equal(data_free(&rig), free_bytes);
	rig_stop(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),   cmocka_unit_test(test_hold),
		cmocka_unit_test(test_shapes), cmocka_unit_test(test_giving_back),
		cmocka_unit_test(test_large),  cmocka_unit_test(test_thin),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
