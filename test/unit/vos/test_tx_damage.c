/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Each byte of a prepared transaction in the heap is damaged in turn: the audit sees every change
 * that matters, and opening, applying and forgetting end with an answer, whatever it is.
 */
#include "media/private.h"
#include "tx.h"
#include "vos/intent.h"

/* Bytes of the heap, to be damaged. */
static uint8_t *
raw(struct stand *stand, uint64_t offset)
{
	struct zone *zone = stand->heap->zones[offset / HEAP_ZONE];

	CHECK(zone && zone->stage == ZONE_LOADED);
	return zone->image + offset % HEAP_ZONE;
}

static void
fill(struct stand *stand)
{
	static const uint32_t targets[] = {4, 9, 11};
	struct vos_tx tx = tx_of(1, EPOCH(10));
	struct piece_of_work work[4];
	struct vos_op ops[4];

	tx.participants = targets;
	tx.participant_count = 3;
	CHECK_EQUAL(put(stand, "e", "a", 'o', EPOCH(5)), 0);
	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_extent(&work[1], &other, "d2", (struct vos_extent){3, 5000}, 'y');
	ops[2] = op_punch(&work[2], &hashed, "e", "a", 0);
	ops[3] = op_punch(&work[3], &hashed, "f", NULL, 0);
	CHECK_EQUAL(prepare(stand, tx, ops, 4), 0);
	work_free(work, 4);
}

/* What is looked at: the record, the participants, the blocks of the changes. */
struct place {
	uint64_t offset;
	uint32_t length;
};

static uint32_t
places_find(struct stand *stand, struct place places[8])
{
	uint64_t root = stand->vos->root + offsetof(struct store_root, intents);
	const struct intent_record *record;
	const struct intent_block *block;
	struct btree_cursor cursor;
	uint32_t count = 2;
	struct pin pin;

	pin_init(&pin, stand->heap);
	CHECK_EQUAL(btree_first(&pin, &tree_kinds[TREE_INTENTS], root, &cursor), 0);
	CHECK_EQUAL(intent_record_get(&pin, cursor.record, &record), 0);
	places[0] = (struct place){cursor.record, sizeof(*record)};
	places[1] = (struct place){record->participants, sizeof(struct participants)};
	for (uint64_t offset = record->first; offset != 0; offset = block->next) {
		CHECK_EQUAL(intent_block_get(&pin, offset, &block), 0);
		places[count++] = (struct place){offset, (uint32_t)sizeof(*block) + block->length};
	}
	pin_fini(&pin);
	CHECK_EQUAL(count, 6);
	return count;
}

/* ------------------------------------------------ the audit */

/* These say who takes part and what is to be written, which only they know. */
static bool
may_pass(uint32_t place, uint32_t byte)
{
	if (place == 0)
		return byte < offsetof(struct intent_record, id) ||
		       (byte >= offsetof(struct intent_record, container) &&
			byte < offsetof(struct intent_record, change_count)) ||
		       byte >= offsetof(struct intent_record, reserved);
	return place == 1 ? byte < offsetof(struct participants, count) : true;
}

static int
audited_body(void *argument)
{
	struct stand *stand = argument;
	struct place places[8];
	struct vos_audit audit;
	uint32_t found = 0, count;

	fill(stand);
	count = places_find(stand, places);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t byte = 0; byte < places[i].length; byte++) {
			uint8_t *at = raw(stand, places[i].offset + byte), before = *at;
			int rc;

			*at ^= 0x55;
			rc = vos_audit(stand->vos, &audit);
			*at = before;
			CHECK(rc == 0 || rc == -DER_IO);
			CHECK(rc != 0 || may_pass(i, byte));
			found += rc != 0;
		}
	CHECK(found > 150);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.transactions, 1);
	return 0;
}

static void
audited(void **state)
{
	(void)state;
	stand_test(audited_body);
}

/* ------------------------------------------------ opening and applying */

/* One byte is damaged; then the store is opened, and what is prepared is applied or forgotten. */
struct trial {
	uint32_t place, byte;
	bool forgets;
	bool ended; /* there is no such byte */
	uint32_t refused;
};

static int
trial_visit(void *argument, const struct vos_tx *tx)
{
	struct stand *stand = argument;
	struct trial *trial = stand->argument;
	uint64_t group;
	int rc = trial->forgets ? vos_tx_forget(stand->vos, tx->id, &group)
				: vos_tx_apply(stand->vos, tx->id, &group);

	trial->refused += rc != 0;
	return 0;
}

static int
trial_body(void *argument)
{
	struct stand *stand = argument;
	struct trial *trial = stand->argument;
	struct place places[8];
	struct vos *opened;
	uint32_t count;
	int rc;

	fill(stand);
	count = places_find(stand, places);
	while (trial->place < count && trial->byte >= places[trial->place].length) {
		trial->byte -= places[trial->place].length;
		trial->place++;
	}
	trial->ended = trial->place == count;
	if (trial->ended)
		return 0;
	*raw(stand, places[trial->place].offset + trial->byte) ^= 0xa5;
	vos_container_close(stand->container);
	stand->container = NULL;
	vos_close(stand->vos);
	rc = vos_open(stand->heap, &opened);
	CHECK(rc == 0 || rc == -DER_IO);
	trial->refused += rc != 0;
	stand->vos = opened;
	if (rc == 0)
		CHECK_EQUAL(vos_tx_each(stand->vos, trial_visit, stand), 0);
	return 0;
}

/* A damaged heap is not closed: the process ends. */
static void
opened(void **state)
{
	uint32_t refused = 0, tried = 0;

	(void)state;
	/* Neighbouring bytes belong to the same number. */
	for (struct trial trial = {0}; !trial.ended; tried++) {
		struct stand stand = {.argument = &trial,
				      .media_options.log_size = 1u << 20,
				      .heap_options = {.heap_size = 4 * HEAP_ZONE,
						       .data_size = 1u << 20}};

		trial = (struct trial){.byte = tried * 7, .forgets = tried % 2 != 0};
		stand_start(&stand, 1);
		stand_run(&stand, trial_body);
		loop_abandon(stand.loop);
		memory_env_crash(stand.env);
		memory_world_destroy(stand.world);
		refused += trial.refused;
	}
	CHECK(tried > 50 && refused > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(audited),
		cmocka_unit_test(opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
