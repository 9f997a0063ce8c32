/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The audit of a heap: claims against the allocator's maps, and the counts of both. */
#include "store.h"

/* ------------------------------------------------ claims of the cells */

/* What to do otherwise than claim everything once. */
struct wrong {
	uint32_t skip, twice; /* cells; CELLS: none */
	bool data;	      /* of the payload instead of the block */
};

static const struct wrong nothing_wrong = {CELLS, CELLS, false};

static int
cell_claim(struct heap_audit *audit, const struct cell *cell, bool block, bool payload)
{
	const struct cell_block *head;
	int rc = 0;

	if (cell->offset != 0 && block) {
		head = heap_at(heap_audit_pin(audit), cell->offset, sizeof(*head));
		assert_non_null(head);
		rc = heap_audit_block(audit, cell->offset, head->size);
	}
	if (rc == 0 && cell->blocks != 0 && payload)
		rc = heap_audit_extent(audit, (struct data_extent){cell->block, cell->blocks, 0});
	return rc;
}

static int
cells_audit(struct heap *heap, struct wrong wrong, struct heap_audit_figures *ret_figures)
{
	struct heap_audit *audit;
	int rc = heap_audit_begin(heap, &audit);

	assert_int_equal(rc, 0);
	NO_YIELD
	{
		for (uint32_t i = 0; rc == 0 && i < CELLS; i++) {
			const struct cell *cell =
				heap_at(heap_audit_pin(audit), cell_offset(heap, i), sizeof(*cell));

			rc = cell_claim(audit, cell, i != wrong.skip || wrong.data,
					i != wrong.skip || !wrong.data);
			if (rc == 0 && i == wrong.twice)
				rc = cell_claim(audit, cell, !wrong.data, wrong.data);
		}
		if (rc == 0)
			rc = heap_audit_judge(audit, ret_figures);
	}
	heap_audit_end(audit);
	return rc;
}

static void
refused(struct heap *heap, struct wrong wrong, const char *words)
{
	struct heap_audit_figures figures;

	assert_int_equal(cells_audit(heap, wrong, &figures), -DER_IO);
	if (!strstr(error_text(-DER_IO), words))
		fprintf(stderr, "wanted \"%s\", got: %s\n", words, error_text(-DER_IO));
	assert_non_null(strstr(error_text(-DER_IO), words));
}

static void
accepted(struct heap *heap)
{
	struct heap_audit_figures figures;
	int rc = cells_audit(heap, nothing_wrong, &figures);

	if (rc != 0)
		fprintf(stderr, "%s\n", error_text(rc));
	assert_int_equal(rc, 0);
}

/* Fills the cells; every one has a payload at the end. */
static void
cells_fill(struct rig *rig, struct model *model)
{
	uint64_t version;

	for (uint32_t i = 0; i < 3 * CELLS; i++) {
		struct step step = {.index = i % CELLS,
				    .size = i % 7 == 0 ? 20000 : 40 + i * 11,
				    .length = 3000 * (1 + i % 5),
				    .seed = i + 1};

		assert_int_equal(store_step(rig->heap, step, model, &version), 0);
	}
}

/* ------------------------------------------------ random work */

/* Many changes, aborts among them; what is freed waits in quarantine. */
static int
random_body(void *argument)
{
	struct rig *rig = argument;
	struct model *model = rig->argument;
	uint64_t version;

	for (uint32_t i = 0; i < 400; i++) {
		struct step step = step_random(rig->world, &step_sizes_usual);
		int rc = store_step(rig->heap, step, model, &version);

		assert_true(rc == 0 || rc == -DER_NOSPACE);
		if (i % 10 == 0)
			accepted(rig->heap);
		if (i % 90 == 0)
			assert_int_equal(media_checkpoint(rig->media), 0);
	}
	accepted(rig->heap);
	return 0;
}

static int
audit_body(void *argument)
{
	struct rig *rig = argument;

	accepted(rig->heap);
	return 0;
}

static void
random_work(void **state)
{
	struct rig rig = rig_make();
	struct model model = {0};

	(void)state;
	rig.argument = &model;
	rig_start(&rig, 5);
	assert_int_equal(rig_run(&rig, random_body), 0);
	rig_kill(&rig);
	rig_restart(&rig);
	assert_int_equal(rig_run(&rig, audit_body), 0);
	rig_reopen(&rig);
	assert_int_equal(rig_run(&rig, audit_body), 0);
	rig_stop(&rig);
}

/* ------------------------------------------------ what is taken and not owned */

static int
taken_body(void *argument)
{
	struct rig *rig = argument;
	struct model *model = rig->argument;
	const struct tx_need need = {.allocations = 4, .heap_bytes = 20000, .log_bytes = 100};
	struct data_extent extent;
	struct tx tx;

	cells_fill(rig, model);
	assert_int_equal(tx_begin(&tx, rig->heap), 0);
	assert_int_equal(tx_reserve(&tx, &need), 0);
	assert_int_equal(tx_data_reserve(&tx, 9, &extent), 0);
	accepted(rig->heap);
	tx_abort(&tx);
	accepted(rig->heap);
	return 0;
}

static void
with_rig(int (*body)(void *argument))
{
	struct rig rig = rig_make();
	struct model model = {0};

	rig.argument = &model;
	rig_start(&rig, 1);
	assert_int_equal(rig_run(&rig, body), 0);
	rig_stop(&rig);
}

static void
taken(void **state)
{
	(void)state;
	with_rig(taken_body);
}

/* ------------------------------------------------ what is wrong */

static int
claims_body(void *argument)
{
	struct rig *rig = argument;
	struct heap_audit_figures figures;
	struct heap *heap = rig->heap;

	cells_fill(rig, rig->argument);
	assert_int_equal(cells_audit(heap, nothing_wrong, &figures), 0);
	assert_int_equal(figures.blocks, CELLS);
	for (uint32_t i = 0; i < CELLS; i++) {
		refused(heap, (struct wrong){i, CELLS, false}, "held by nobody");
		refused(heap, (struct wrong){CELLS, i, false}, "held twice");
		refused(heap, (struct wrong){i, CELLS, true}, "held by nobody");
		refused(heap, (struct wrong){CELLS, i, true}, "held already");
	}
	accepted(heap);
	return 0;
}

static void
claims(void **state)
{
	(void)state;
	with_rig(claims_body);
}

/* One claim of its own, after all others. */
static void
extra_refused(struct heap *heap, uint64_t offset, size_t size, const char *words)
{
	struct heap_audit *audit;
	int rc;

	assert_int_equal(heap_audit_begin(heap, &audit), 0);
	rc = heap_audit_block(audit, offset, size);
	heap_audit_end(audit);
	assert_int_equal(rc, -DER_IO);
	assert_non_null(strstr(error_text(rc), words));
}

static void
extra_data_refused(struct heap *heap, struct data_extent extent, const char *words)
{
	struct heap_audit *audit;
	int rc;

	assert_int_equal(heap_audit_begin(heap, &audit), 0);
	rc = heap_audit_extent(audit, extent);
	heap_audit_end(audit);
	assert_int_equal(rc, -DER_IO);
	assert_non_null(strstr(error_text(rc), words));
}

static int
places_body(void *argument)
{
	struct rig *rig = argument;
	struct heap *heap = rig->heap;
	struct model *model = rig->argument;
	uint64_t blocks = heap->blocks_total;
	struct cell cell;
	struct pin pin;

	cells_fill(rig, model);
	pin_init(&pin, heap);
	assert_int_equal(cell_look(&pin, 1, &cell), 0);
	assert_null(heap_at(&pin, cell.offset + 4, 8));
	assert_int_equal(pin_outcome(&pin), -DER_IO);
	pin_fini(&pin);
	extra_refused(heap, cell.offset + 8, model->cells[1].size, "inside a block");
	extra_refused(heap, cell.offset, model->cells[1].size + 1000, "another size");
	extra_refused(heap, cell.offset, 32, "another size");
	extra_refused(heap, heap_root(heap), HEAP_ROOT, "outside");
	extra_refused(heap, 0, 64, "outside");
	extra_refused(heap, 3 * HEAP_ZONE + 100000, 64, "outside");
	extra_refused(heap, UINT64_MAX - 5, 64, "outside");
	extra_refused(heap, HEAP_ZONE - DISK_BLOCK, 64, "free");
	extra_data_refused(heap, (struct data_extent){blocks - 1, 1, 0}, "free");
	extra_data_refused(heap, (struct data_extent){blocks - 1, 2, 0}, "outside");
	extra_data_refused(heap, (struct data_extent){UINT64_MAX, 2, 0}, "outside");
	extra_data_refused(heap, (struct data_extent){0, 0, 0}, "outside");
	return 0;
}

static void
places(void **state)
{
	(void)state;
	with_rig(places_body);
}

/* Each count and map in memory, made wrong. */
static int
counts_body(void *argument)
{
	struct rig *rig = argument;
	struct heap *heap = rig->heap;
	struct zone *zone, *space;

	cells_fill(rig, rig->argument);
	zone = heap->zones[0];
	space = heap->zones[heap->heap_zones];
#define WRONG(field, change, words)                    \
	do {                                           \
		__typeof__(field) before = (field);    \
		(field) = before + (change);           \
		refused(heap, nothing_wrong, (words)); \
		(field) = before;                      \
	} while (0)
	WRONG(zone->free_count, 1, "free pages");
	WRONG(zone->free[3], UINT64_C(1) << 63, "map of free pages");
	WRONG(zone->promised_count, 1, "promised");
	WRONG(zone->promised[0], 1, "promised and not free");
	WRONG(zone->partial_count[3], 1, "runs with room");
	WRONG(zone->partial[3][0], 1, "map of runs");
	WRONG(heap->pages_free, 1, "the heap counts");
	WRONG(heap->pages_promised, 1, "the heap counts");
	WRONG(space->free_count, 1, "free blocks");
	WRONG(space->region_free[0], 1, "in a region");
	WRONG(space->owned, 1, "owned blocks");
	WRONG(heap->blocks_free, 1, "free data blocks");
	WRONG(heap->blocks_quarantined, 1, "quarantine");
#undef WRONG
	/* A block that is taken in the map and by nobody. */
	space->image[DISK_BLOCK / 2] |= 1;
	space->region_free[0]--;
	space->free_count--;
	heap->blocks_free--;
	refused(heap, nothing_wrong, "held by nobody");
	space->image[DISK_BLOCK / 2] &= 0xfe;
	space->region_free[0]++;
	space->free_count++;
	heap->blocks_free++;
	accepted(heap);
	return 0;
}

static void
counts(void **state)
{
	(void)state;
	with_rig(counts_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_work), cmocka_unit_test(taken),	 cmocka_unit_test(claims),
		cmocka_unit_test(places),      cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
