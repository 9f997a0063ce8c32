/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Checkpoints that write changed lines: how much they write, what a heap is when it is opened
 * again, and what of it is refused. */
#include "rig.h"

#define BLOCKS 300u
#define BLOCK_BYTES 1360u /* three in a page */
#define ROUNDS 260u
#define CHANGES 12u /* of one round */

struct deltas_test {
	struct rig rig;
	uint64_t offsets[BLOCKS];
	uint64_t seeds[BLOCKS];
	uint64_t random;
	uint32_t given_up, most;
};

static struct deltas_test *
test_of(void *argument)
{
	return container_of(argument, struct deltas_test, rig);
}

static void
begin(struct tx *tx, struct heap *heap, uint32_t allocations)
{
	struct tx_need need = {.allocations = allocations,
			       .heap_bytes = allocations * BLOCK_BYTES,
			       .log_bytes = 4096};

	assert_int_equal(tx_begin(tx, heap), 0);
	assert_int_equal(tx_reserve(tx, &need), 0);
}

static int
fill(void *argument)
{
	struct deltas_test *test = test_of(argument);
	uint64_t group;
	struct tx tx;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		begin(&tx, test->rig.heap, 1);
		NO_YIELD
		{
			test->seeds[i] = i;
			test->offsets[i] = tx_alloc(&tx, BLOCK_BYTES, test->offsets[0]);
			fill_pattern(tx_change(&tx, test->offsets[i], BLOCK_BYTES), BLOCK_BYTES, i);
			tx_commit(&tx, &group);
		}
	}
	return media_checkpoint(test->rig.media);
}

/* Changes the first word of some blocks, and checkpoints. */
static int
change(void *argument)
{
	struct deltas_test *test = test_of(argument);
	uint64_t group;
	struct tx tx;
	int rc = 0;

	for (uint32_t i = 0; i < CHANGES && rc == 0; i++) {
		uint32_t index = (uint32_t)(mix64(test->random++) % BLOCKS);

		begin(&tx, test->rig.heap, 0);
		do {
			if (heap_at(&tx.pin, test->offsets[index], BLOCK_BYTES))
				break;
			rc = tx_load(&tx);
		} while (rc == 0);
		assert_int_equal(rc, 0);
		NO_YIELD
		{
			test->seeds[index] = mix64(test->random);
			fill_pattern(tx_change(&tx, test->offsets[index], 8), 8,
				     test->seeds[index]);
			tx_commit(&tx, &group);
		}
	}
	return media_checkpoint(test->rig.media);
}

static int
verify(void *argument)
{
	struct deltas_test *test = test_of(argument);
	struct pin pin;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		const uint8_t *bytes;
		int rc = 0;

		pin_init(&pin, test->rig.heap);
		while (rc == 0 && !(bytes = heap_at(&pin, test->offsets[i], BLOCK_BYTES)))
			rc = pin_load(&pin);
		if (rc != 0) {
			pin_fini(&pin);
			return rc;
		}
		assert_true(is_pattern(bytes, 8, test->seeds[i]));
		assert_true(is_pattern(bytes + 8, BLOCK_BYTES - 8, i + 1));
		pin_fini(&pin);
	}
	return 0;
}

/* Every slot in use is of a chunk or of a delta. */
static void
count_slots(const struct heap *heap)
{
	uint32_t used = 0, named = 0, deltas = 0;

	for (uint32_t i = 1; i <= heap->slot_count; i++)
		used += heap->slots[i / 64] >> (i % 64) & 1;
	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++) {
		const struct zone *zone = heap->zones[i];

		for (uint32_t j = 0; zone && j < ZONE_CHUNKS; j++)
			named += zone->chunks[j].slot != 0;
		deltas += zone && zone->deltas ? zone->deltas->count : 0;
	}
	assert_int_equal(used, named + deltas);
	assert_int_equal(used, heap->slot_count - heap->slots_free);
	assert_int_equal(deltas, heap->delta_slots);
	assert_true(deltas <= heap->delta_limit);
}

static void
start(struct deltas_test *test, uint64_t seed, uint32_t zones)
{
	memset(test, 0, sizeof(*test));
	test->rig = rig_make();
	test->rig.options.checkpoint_interval = 3600000000000;
	test->rig.heap_options.heap_size = (uint64_t)zones * HEAP_ZONE;
	rig_start(&test->rig, seed);
	assert_int_equal(rig_run(&test->rig, fill), 0);
}

/* All blocks are in one. */
static const struct zone *
zone_of(const struct deltas_test *test)
{
	assert_int_equal(test->offsets[0] / HEAP_ZONE, test->offsets[BLOCKS - 1] / HEAP_ZONE);
	return test->rig.heap->zones[test->offsets[0] / HEAP_ZONE];
}

static void
round_of(struct deltas_test *test)
{
	const struct zone *zone = zone_of(test);
	uint32_t before = zone->deltas ? zone->deltas->count : 0, after;
	struct media_figures figures, then;

	media_figures(test->rig.media, &figures);
	assert_int_equal(rig_run(&test->rig, change), 0);
	media_figures(test->rig.media, &then);
	after = zone->deltas ? zone->deltas->count : 0;
	count_slots(test->rig.heap);
	test->most = max_of(test->most, after);
	if (before > 0 && after == 0)
		test->given_up++;
	else
		assert_true(then.checkpoint_bytes - figures.checkpoint_bytes <=
			    2 * (uint64_t)DISK_BLOCK);
}

/* ------------------------------------------------ tests */

static void
rounds_on(uint32_t zones, uint32_t least, uint32_t most)
{
	struct deltas_test *test = malloc(sizeof(*test));

	assert_non_null(test);
	start(test, 70, zones);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		round_of(test);
		if (i % 20 == 7) {
			rig_reopen(&test->rig);
			count_slots(test->rig.heap);
			assert_int_equal(rig_run(&test->rig, verify), 0);
		} else if (i % 20 == 14) {
			rig_kill(&test->rig);
			rig_restart(&test->rig);
			assert_int_equal(rig_run(&test->rig, verify), 0);
		}
	}
	assert_int_equal(rig_run(&test->rig, verify), 0);
	assert_true(test->given_up > 0);
	assert_in_range(test->most, least, most);
	rig_stop(&test->rig);
	free(test);
}

/* A zone has so many, or a heap so many in all. */
static void
test_rounds(void **state)
{
	(void)state;
	rounds_on(16, ZONE_DELTAS - 7 * 8, ZONE_DELTAS);
	rounds_on(1, 2 * ZONE_CHUNKS / 8 - 1, 2 * ZONE_CHUNKS / 8);
}

static void
poke(struct deltas_test *test, uint64_t offset, void *bytes, size_t length)
{
	memory_disk_poke(test->rig.world, "node", "pool.heap", bytes, length, offset);
}

/* With deltas, closed; where the entry in force and the last delta lie. */
static void
worn(struct deltas_test *test, uint64_t *ret_entry, uint64_t *ret_delta)
{
	const struct heap *heap;
	const struct zone *zone;

	start(test, 71, 16);
	round_of(test);
	round_of(test);
	heap = test->rig.heap;
	zone = zone_of(test);
	assert_non_null(zone->deltas);
	assert_int_equal(zone->deltas->count, 2);
	*ret_entry = heap->zones_start +
		     ((uint64_t)zone->number * ZONE_ENTRIES + zone->generation % ZONE_ENTRIES) *
			     DISK_BLOCK;
	*ret_delta = heap_slot_offset(heap, zone->deltas->chunks[1].slot);
	rig_shut(&test->rig);
	rig_boot(&test->rig);
}

static void
test_damaged(void **state)
{
	struct deltas_test *test = malloc(sizeof(*test));
	uint64_t entry, delta;
	uint8_t byte;

	(void)state;
	assert_non_null(test);
	worn(test, &entry, &delta);
	memory_disk_peek(test->rig.world, "node", "pool.heap", &byte, 1, delta + 200);
	byte ^= 1;
	poke(test, delta + 200, &byte, 1);
	assert_int_equal(rig_run(&test->rig, rig_open_body), 0);
	assert_int_equal(rig_run(&test->rig, verify), -DER_CSUM);
	rig_kill(&test->rig);
	memory_world_destroy(test->rig.world);
	free(test);
}

/* What has a right sum and cannot be. */
static void
refused(int expected, void (*spoil)(struct zone_entry *entry, struct zone_delta *delta))
{
	struct deltas_test *test = malloc(sizeof(*test));
	static struct zone_entry entry;
	static struct zone_delta delta;
	uint64_t entry_offset, delta_offset;
	int rc;

	assert_non_null(test);
	worn(test, &entry_offset, &delta_offset);
	memory_disk_peek(test->rig.world, "node", "pool.heap", &entry, sizeof(entry), entry_offset);
	memory_disk_peek(test->rig.world, "node", "pool.heap", &delta, sizeof(delta), delta_offset);
	spoil(&entry, &delta);
	entry.deltas[1].crc = crc32c(0, &delta, sizeof(delta));
	entry.crc = 0;
	entry.crc = crc32c(0, &entry, sizeof(entry));
	poke(test, delta_offset, &delta, sizeof(delta));
	poke(test, entry_offset, &entry, sizeof(entry));
	rc = rig_run(&test->rig, rig_open_body);
	if (rc == 0)
		rc = rig_run(&test->rig, verify);
	assert_int_equal(rc, expected);
	rig_kill(&test->rig);
	memory_world_destroy(test->rig.world);
	free(test);
}

static void
spoil_nothing(struct zone_entry *entry, struct zone_delta *delta)
{
	(void)entry;
	(void)delta;
}

static void
spoil_count(struct zone_entry *entry, struct zone_delta *delta)
{
	(void)delta;
	entry->delta_count = ZONE_DELTAS + 1;
}

static void
spoil_first(struct zone_entry *entry, struct zone_delta *delta)
{
	(void)delta;
	entry->first_delta[9] = 3;
}

static void
spoil_slot(struct zone_entry *entry, struct zone_delta *delta)
{
	(void)delta;
	entry->deltas[0].slot = entry->deltas[1].slot;
}

static void
spoil_no_slot(struct zone_entry *entry, struct zone_delta *delta)
{
	(void)delta;
	entry->deltas[0].slot = 0;
}

static void
spoil_lines(struct zone_entry *entry, struct zone_delta *delta)
{
	(void)entry;
	delta->count = DELTA_LINES + 1;
}

static void
spoil_place(struct zone_entry *entry, struct zone_delta *delta)
{
	(void)entry;
	delta->places[0] = ZONE_CHUNKS * CHUNK_LINES;
}

static void
test_refused(void **state)
{
	(void)state;
	refused(0, spoil_nothing);
	refused(-DER_DF_INVAL, spoil_count);
	refused(-DER_DF_INVAL, spoil_first);
	refused(-DER_DF_INVAL, spoil_slot);
	refused(-DER_DF_INVAL, spoil_no_slot);
	refused(-DER_DF_INVAL, spoil_lines);
	refused(-DER_DF_INVAL, spoil_place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
