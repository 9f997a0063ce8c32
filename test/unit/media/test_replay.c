/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What replay accepts and refuses: damaged groups, stale groups, groups whose data is missing,
 * damaged heaps. */
#include "store.h"

static struct model model;

static int
some_steps(void *argument)
{
	struct rig *rig = argument;
	uint64_t version;

	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(store_step(rig->heap, step_random(rig->world, &step_sizes_usual),
					    &model, &version),
				 0);
	return 0;
}

static int
raise_version(void *argument)
{
	struct rig *rig = argument;
	struct step step = {.index = 3, .size = 64, .seed = 77};
	uint64_t version;

	return store_step(rig->heap, step, &model, &version);
}

static int
check(void *argument)
{
	struct rig *rig = argument;

	store_check(rig->heap, &model);
	return 0;
}

/* Where the newest group lies in the log file. */
static uint64_t
newest_place(struct rig *rig)
{
	return (uint64_t)(LOG_HEADERS + media_place(rig->media, rig->media->newest)->block) *
	       DISK_BLOCK;
}

static void
flip(struct rig *rig, const char *disk, uint64_t offset)
{
	uint8_t byte;

	memory_disk_peek(rig->world, "node", disk, &byte, 1, offset);
	byte ^= 0x40;
	memory_disk_poke(rig->world, "node", disk, &byte, 1, offset);
}

static void
begin(struct rig *rig, uint64_t seed)
{
	memset(&model, 0, sizeof(model));
	*rig = rig_make();
	rig->options.checkpoint_interval = 3600000000000;
	rig->options.idle_close = 3600000000000;
	rig_start(rig, seed);
	rig_run(rig, some_steps);
}

static void
test_damaged_group(void **state)
{
	struct model before;
	struct rig rig;
	uint64_t place;

	(void)state;
	begin(&rig, 51);
	before = model;
	assert_int_equal(rig_run(&rig, raise_version), 0);
	place = newest_place(&rig);
	rig_kill(&rig);
	flip(&rig, "log.log", place + sizeof(struct group_header) + 40);
	rig_restart(&rig);
	/* The log ends before the damage. */
	model = before;
	rig_run(&rig, check);
	rig_run(&rig, some_steps);
	rig_kill(&rig);
	rig_restart(&rig);
	rig_run(&rig, check);
	rig_stop(&rig);
}

/*
 * A group is rejected because its data is missing. The next start writes another group in its
 * place, which a power cut tears off whole: the old one is there again, complete, with its chain,
 * and its data has appeared meanwhile. It stays rejected.
 */
static int
in_place(void *argument)
{
	struct rig *rig = argument;
	struct step step = {.index = 5, .size = 64, .length = 120 * 1024, .seed = 78};
	uint64_t version;

	return store_step(rig->heap, step, &model, &version);
}

static int
data_offset(void *argument)
{
	struct rig *rig = argument;
	struct cell cell;
	struct pin pin;

	pin_init(&pin, rig->heap);
	assert_int_equal(cell_look(&pin, 5, &cell), 0);
	pin_fini(&pin);
	*(uint64_t *)rig->argument = cell.block * DISK_BLOCK;
	return 0;
}

static void
test_stale_group(void **state)
{
	struct model before;
	struct rig rig;
	uint8_t block[DISK_BLOCK];
	uint64_t place, data;

	(void)state;
	begin(&rig, 52);
	before = model;
	assert_int_equal(rig_run(&rig, in_place), 0);
	rig.argument = &data;
	rig_run(&rig, data_offset);
	place = newest_place(&rig);
	memory_disk_peek(rig.world, "node", "log.log", block, sizeof(block), place);
	rig_kill(&rig);
	flip(&rig, "pool.data", data + 5000);
	rig_restart(&rig);
	model = before;
	rig_run(&rig, check);
	assert_int_equal(rig_run(&rig, raise_version), 0);
	assert_int_equal(newest_place(&rig), place);
	rig_kill(&rig);
	memory_disk_poke(rig.world, "node", "log.log", block, sizeof(block), place);
	flip(&rig, "pool.data", data + 5000);
	rig_restart(&rig);
	model = before;
	rig_run(&rig, check);
	rig_stop(&rig);
}

/*
 * One group publishes data written in place and frees it again. Its blocks are wanted at once and
 * written over, and the process dies. The group was answered, so its data, which is no longer
 * there, must not be asked for.
 */
static void
raise_in(struct tx *tx, uint64_t *ret_group)
{
	++*(uint64_t *)tx_change(tx, store_root(tx->heap), 8);
	tx_commit(tx, ret_group);
}

static struct data_extent
write_blocks(struct tx *tx, uint32_t blocks, uint8_t byte)
{
	static uint8_t buffer[200 * 1024] __attribute__((aligned(DISK_BLOCK)));
	struct iovec iov = {buffer, (size_t)blocks * DISK_BLOCK};
	struct data_extent extent;

	memset(buffer, byte, iov.iov_len);
	assert_int_equal(tx_data_reserve(tx, blocks, &extent), 0);
	assert_int_equal(extent.count, blocks);
	assert_int_equal(
		tx_data_write(tx, extent, &iov, 1, iov.iov_len, crc32c(0, buffer, iov.iov_len)), 0);
	return extent;
}

static int
reuse(void *argument)
{
	const struct tx_need need = {.log_bytes = 64, .privileged = true};
	struct rig *rig = argument;
	struct data_extent extent;
	struct tx first, second;
	uint64_t group, other;

	(void)store_version(rig->heap);
	assert_int_equal(tx_begin(&first, rig->heap), 0);
	assert_int_equal(tx_reserve(&first, &need), 0);
	extent = write_blocks(&first, 40, 1);
	assert_int_equal(tx_begin(&second, rig->heap), 0);
	assert_int_equal(tx_reserve(&second, &need), 0);
	NO_YIELD
	{
		tx_data_publish(&first, extent);
		raise_in(&first, &group);
		tx_data_free(&second, extent);
		raise_in(&second, &other);
	}
	assert_int_equal(group, other);
	assert_int_equal(media_wait(rig->media, group), 0);
	assert_int_equal(tx_begin(&first, rig->heap), 0);
	assert_int_equal(tx_reserve(&first, &need), 0);
	/* All but 10 blocks of the data space were in that extent. */
	extent = write_blocks(&first, 40, 2);
	assert_int_equal(completion_wait(&first.payloads[0].io.completion), 0);
	return 0;
}

static int
check_reuse(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(store_version(rig->heap), 2);
	assert_int_equal(rig->heap->blocks_free, 50);
	return 0;
}

static void
test_reuse(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig.heap_options.data_size = 50 * DISK_BLOCK;
	rig.options.inline_limit = DISK_BLOCK;
	rig.options.checkpoint_interval = 3600000000000;
	rig.options.idle_close = 3600000000000;
	rig_start(&rig, 58);
	rig_run(&rig, reuse);
	rig_kill(&rig);
	rig_restart(&rig);
	rig_run(&rig, check_reuse);
	rig_stop(&rig);
}

/* A payload in place that ends within its last block. */
static int
write_part(void *argument)
{
	static uint8_t buffer[3 * DISK_BLOCK] __attribute__((aligned(DISK_BLOCK)));
	const struct tx_need need = {.log_bytes = 64};
	struct iovec iov = {buffer, 2 * DISK_BLOCK + 100};
	struct rig *rig = argument;
	struct data_extent extent;
	struct tx tx;
	uint64_t group;

	memset(buffer, 7, iov.iov_len);
	assert_int_equal(tx_begin(&tx, rig->heap), 0);
	assert_int_equal(tx_reserve(&tx, &need), 0);
	assert_int_equal(tx_data_reserve(&tx, 3, &extent), 0);
	assert_int_equal(tx_data_write(&tx, extent, &iov, 1, iov.iov_len,
				       crc32c(0, buffer, iov.iov_len)),
			 0);
	NO_YIELD
	{
		tx_data_publish(&tx, extent);
		raise_in(&tx, &group);
	}
	assert_int_equal(media_wait(rig->media, group), 0);
	*(uint64_t *)rig->argument = extent.block;
	return 0;
}

static int
version(void *argument)
{
	return (int)store_version(((struct rig *)argument)->heap);
}

/* The last write was torn behind the payload: its block shows what its former owner had there. */
static void
test_torn_rest(void **state)
{
	struct rig rig = rig_make();
	uint64_t block = 0;

	(void)state;
	rig.argument = &block;
	rig.heap_options.data_size = 50 * DISK_BLOCK;
	rig.options.inline_limit = DISK_BLOCK;
	rig.options.checkpoint_interval = 3600000000000;
	rig.options.idle_close = 3600000000000;
	rig_start(&rig, 59);
	rig_run(&rig, version);
	rig_run(&rig, write_part);
	assert_int_equal(rig_run(&rig, version), 1);
	rig_kill(&rig);
	flip(&rig, "pool.data", (block + 2) * DISK_BLOCK + 3000);
	rig_restart(&rig);
	assert_int_equal(rig_run(&rig, version), 0);
	rig_stop(&rig);
}

/* ------------------------------------------------ lazy loading and damaged heaps */

static void
test_lazy(void **state)
{
	struct rig rig;
	struct media_figures figures;

	(void)state;
	begin(&rig, 53);
	rig_reopen(&rig);
	media_figures(rig.media, &figures);
	assert_int_equal(figures.replayed_records, 0);
	for (uint32_t i = 0; i < rig.heap->heap_zones + rig.heap->space_zones; i++)
		assert_true(!rig.heap->zones[i] || rig.heap->zones[i]->stage == ZONE_ABSENT);
	rig_run(&rig, check);
	assert_int_equal(rig.heap->zones[0]->stage, ZONE_LOADED);
	rig_stop(&rig);
}

static int
load_fails(void *argument)
{
	struct rig *rig = argument;
	struct pin pin;

	pin_init(&pin, rig->heap);
	assert_null(heap_at(&pin, store_root(rig->heap), 8));
	assert_int_equal(pin_outcome(&pin), -DER_AGAIN);
	assert_int_equal(pin_load(&pin), -DER_CSUM);
	pin_fini(&pin);
	return 0;
}

static void
test_damaged_chunk(void **state)
{
	struct rig rig;
	uint64_t offset;

	(void)state;
	begin(&rig, 54);
	rig_reopen(&rig);
	offset = heap_slot_offset(rig.heap, rig.heap->zones[0]->chunks[2].slot);
	rig_shut(&rig);
	flip(&rig, "pool.heap", offset + 100);
	rig_boot(&rig);
	assert_int_equal(rig_run(&rig, rig_open_body), 0);
	rig_run(&rig, load_fails);
	rig_stop(&rig);
}

static int
open_damaged(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(media_open(rig->loop, "log", &rig->options, &rig->media), 0);
	assert_int_equal(heap_open(rig->media, "pool", &rig->heap), -DER_CSUM);
	return media_close(rig->media);
}

static void
test_damaged_entries(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 55);
	rig_reopen(&rig);
	rig_shut(&rig);
	/* One damaged entry of the first zone is an old one, or the other of the two is used. */
	flip(&rig, "pool.heap", 2 * DISK_BLOCK + 20);
	flip(&rig, "pool.heap", 3 * DISK_BLOCK + 20);
	rig_boot(&rig);
	assert_int_equal(rig_run(&rig, open_damaged), 0);
	loop_destroy(rig.loop);
	memory_env_destroy(rig.env);
	memory_world_destroy(rig.world);
}

/* Two checkpoints with changes between them, so that zone 0 has two entries. */
static int
checkpoint_twice(void *argument)
{
	struct rig *rig = argument;

	for (uint32_t i = 0; i < 2; i++) {
		int rc = some_steps(rig) ?: media_checkpoint(rig->media);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static uint64_t
entry_in_force(const struct rig *rig)
{
	return rig->heap->zones_start + rig->heap->zones[0]->generation % ZONE_ENTRIES * DISK_BLOCK;
}

/* An entry that counted is missed although its twin is whole: its changes are in no log any more.
 */
static void
test_damaged_entry_in_force(void **state)
{
	struct rig rig;
	uint64_t entry;

	(void)state;
	begin(&rig, 60);
	assert_int_equal(rig_run(&rig, checkpoint_twice), 0);
	entry = entry_in_force(&rig);
	rig_kill(&rig);
	flip(&rig, "pool.heap", entry + 100);
	rig_boot(&rig);
	rig_run(&rig, open_damaged);
	loop_destroy(rig.loop);
	memory_env_destroy(rig.env);
	memory_world_destroy(rig.world);
}

/* The disk acknowledged the entry and never wrote it: the twin of an earlier checkpoint is whole.
 */
static void
test_lost_entry(void **state)
{
	uint8_t former[DISK_BLOCK];
	struct rig rig;
	uint64_t entry;

	(void)state;
	begin(&rig, 61);
	assert_int_equal(rig_run(&rig, checkpoint_twice), 0);
	entry = entry_in_force(&rig);
	memory_disk_peek(rig.world, "node", "pool.heap", former, sizeof(former), entry);
	assert_int_equal(rig_run(&rig, checkpoint_twice), 0);
	assert_int_equal(entry_in_force(&rig), entry);
	rig_kill(&rig);
	memory_disk_poke(rig.world, "node", "pool.heap", former, sizeof(former), entry);
	rig_boot(&rig);
	rig_run(&rig, open_damaged);
	loop_destroy(rig.loop);
	memory_env_destroy(rig.env);
	memory_world_destroy(rig.world);
}

/* The very first entry of a zone was cut short by a power cut before it counted: the log has all.
 */
static void
test_torn_first_entry(void **state)
{
	uint8_t garbage[DISK_BLOCK / 2];
	struct rig rig;

	(void)state;
	begin(&rig, 62);
	assert_int_equal(rig.heap->zones[0]->generation, 0);
	memset(garbage, 0x5a, sizeof(garbage));
	memory_disk_poke(rig.world, "node", "pool.heap", garbage, sizeof(garbage),
			 rig.heap->zones_start + DISK_BLOCK);
	rig_kill(&rig);
	rig_restart(&rig);
	rig_run(&rig, check);
	rig_reopen(&rig);
	rig_run(&rig, check);
	rig_stop(&rig);
}

/* ------------------------------------------------ several heaps, forgotten and moved ones */

struct two {
	struct rig rig;
	struct heap *other;
	struct media *second;
};

static int
create_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	struct heap_options options = two->rig.heap_options;

	options.id.bytes[0] = 9;
	assert_int_equal(heap_create(two->rig.media, "sub/other", &options), 0);
	assert_int_equal(heap_open(two->rig.media, "sub/other", &two->other), 0);
	return 0;
}

static int
write_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	struct model other = {0};
	struct step step = {.index = 1, .size = 100, .length = 90 * 1024, .seed = 5};
	uint64_t version;

	return store_step(two->other, step, &other, &version);
}

static int
forget_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);

	heap_forget(two->other);
	return heap_remove(two->rig.env->storage, "sub/other");
}

static int
open_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);

	return heap_open(two->rig.media, "sub/other", &two->other);
}

static int
other_version(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);

	return (int)store_version(two->other);
}

static int
open_both(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	int rc = media_open(two->rig.loop, "log", &two->rig.options, &two->rig.media);

	if (rc == 0)
		rc = heap_open(two->rig.media, "pool", &two->rig.heap);
	if (rc == 0)
		rc = open_other(argument);
	return rc == 0 ? media_start(two->rig.media) : rc;
}

static void
test_forgotten_heap(void **state)
{
	struct two two;

	(void)state;
	begin(&two.rig, 56);
	rig_run(&two.rig, create_other);
	assert_int_equal(rig_run(&two.rig, write_other), 0);
	rig_kill(&two.rig);
	rig_boot(&two.rig);
	assert_int_equal(rig_run(&two.rig, open_both), 0);
	assert_int_equal(rig_run(&two.rig, other_version), 1);
	assert_int_equal(rig_run(&two.rig, write_other), 0);
	assert_int_equal(rig_run(&two.rig, raise_version), 0);
	assert_int_equal(rig_run(&two.rig, forget_other), 0);
	/* Its records are still in the log, and nobody misses it. */
	rig_kill(&two.rig);
	rig_restart(&two.rig);
	rig_run(&two.rig, check);
	rig_stop(&two.rig);
}

/* The other heap cannot be read this time; the first goes on and needs nothing of the log. */
static int
open_without_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	struct rig *rig = argument;

	assert_int_equal(media_open(rig->loop, "log", &rig->options, &rig->media), 0);
	assert_int_equal(heap_open(rig->media, "pool", &rig->heap), 0);
	memory_disk_unreadable(rig->world, "node", "sub/other.heap", 0, DISK_BLOCK);
	assert_int_equal(heap_open(rig->media, "sub/other", &two->other), -DER_IO);
	memory_disk_heal(rig->world, "node", "sub/other.heap");
	assert_int_equal(media_start(rig->media), 0);
	assert_int_equal(raise_version(argument), 0);
	assert_int_equal(heap_checkpoint(rig->heap), 0);
	return media_advance(rig->media);
}

/* What the log holds of a heap that could not be opened is there for the next start. */
static void
test_unopened_heap(void **state)
{
	struct two two;

	(void)state;
	begin(&two.rig, 59);
	rig_run(&two.rig, create_other);
	assert_int_equal(rig_run(&two.rig, write_other), 0);
	rig_kill(&two.rig);
	rig_boot(&two.rig);
	assert_int_equal(rig_run(&two.rig, open_without_other), 0);
	rig_kill(&two.rig);
	rig_boot(&two.rig);
	assert_int_equal(rig_run(&two.rig, open_both), 0);
	assert_int_equal(rig_run(&two.rig, other_version), 1);
	rig_run(&two.rig, check);
	rig_stop(&two.rig);
}

/* A heap closed cleanly may go on with another log; one that was not may not. */
static int
move_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	struct heap *heap;

	assert_int_equal(heap_close(two->other), 0);
	assert_int_equal(media_format(two->rig.loop, "log2", &two->rig.options), 0);
	assert_int_equal(media_open(two->rig.loop, "log2", &two->rig.options, &two->second), 0);
	assert_int_equal(media_start(two->second), 0);
	assert_int_equal(heap_open(two->second, "sub/other", &two->other), 0);
	assert_int_equal(store_version(two->other), 1);
	assert_int_equal(heap_open(two->rig.media, "sub/other", &heap), -DER_BUSY);
	assert_int_equal(write_other(argument), 0);
	return media_close(two->second);
}

static void
test_moved_heap(void **state)
{
	struct two two;

	(void)state;
	begin(&two.rig, 57);
	rig_run(&two.rig, create_other);
	assert_int_equal(rig_run(&two.rig, write_other), 0);
	assert_int_equal(rig_run(&two.rig, move_other), 0);
	/* Back again: its old records in the first log are not replayed. */
	assert_int_equal(rig_run(&two.rig, open_other), 0);
	rig_kill(&two.rig);
	rig_boot(&two.rig);
	assert_int_equal(rig_run(&two.rig, open_both), 0);
	assert_int_equal(rig_run(&two.rig, other_version), 2);
	rig_run(&two.rig, check);
	rig_stop(&two.rig);
}

/*
 * A heap is opened while a group is on its way; the group is lost and its number used again, by a
 * record of that heap. It must not count as covered.
 */
static int
commit_without_waiting(void *argument)
{
	const struct tx_need need = {.log_bytes = 64};
	struct two *two = container_of(argument, struct two, rig);
	uint64_t group;
	struct tx tx;

	assert_int_equal(tx_begin(&tx, two->rig.heap), 0);
	assert_int_equal(tx_reserve(&tx, &need), 0);
	NO_YIELD
	{
		raise_in(&tx, &group);
	}
	/* Lets the writer take it. */
	fiber_yield();
	fiber_yield();
	return 0;
}

static int
open_while_held(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);

	(void)store_version(two->rig.heap);
	memory_disk_hold(two->rig.world, "node", "log.log");
	(void)commit_without_waiting(argument);
	assert_true(two->rig.media->durable < two->rig.media->newest);
	return create_other(argument);
}

static void
test_lost_number(void **state)
{
	const struct memory_crash none = {.kind = MEMORY_CRASH_PREFIX};
	struct two two;

	(void)state;
	begin(&two.rig, 59);
	rig_run(&two.rig, open_while_held);
	rig_kill(&two.rig);
	memory_disk_release(two.rig.world, "node", "log.log");
	memory_node_power_cut(two.rig.world, "node", &none);
	rig_boot(&two.rig);
	assert_int_equal(rig_run(&two.rig, open_both), 0);
	assert_int_equal(rig_run(&two.rig, write_other), 0);
	rig_kill(&two.rig);
	rig_boot(&two.rig);
	assert_int_equal(rig_run(&two.rig, open_both), 0);
	assert_int_equal(rig_run(&two.rig, other_version), 1);
	rig_run(&two.rig, check);
	rig_stop(&two.rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged_group),
		cmocka_unit_test(test_stale_group),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_torn_rest),
		cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_damaged_chunk),
		cmocka_unit_test(test_damaged_entries),
		cmocka_unit_test(test_damaged_entry_in_force),
		cmocka_unit_test(test_lost_entry),
		cmocka_unit_test(test_torn_first_entry),
		cmocka_unit_test(test_forgotten_heap),
		cmocka_unit_test(test_unopened_heap),
		cmocka_unit_test(test_moved_heap),
		cmocka_unit_test(test_lost_number),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
