/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A small store on a heap, and its naive reference. The root holds a version and an array of cells;
 * a cell may have a heap block and a payload in the data space, both filled with a pattern of its
 * seed. Every transaction raises the version, so that what is found after a crash names the
 * transaction it must equal.
 */
#pragma once

#include "rig.h"

#define CELLS 40u

struct cell {		 /* 24 bytes in the root */
	uint64_t offset; /* of the block; 0: none */
	uint64_t block;
	uint32_t blocks; /* 0: no payload */
	uint32_t seed;
};
_Static_assert(8 + CELLS * sizeof(struct cell) <= HEAP_ROOT, "the root's size");

/* At the beginning of a cell's block. */
struct cell_block {
	uint32_t size, length; /* of the block, of the payload; bytes */
	uint64_t seed;
};

struct model_cell {
	uint32_t size, length; /* 0: no block, no payload */
	uint32_t seed;
};

/* What the store must hold at a version. */
struct model {
	uint64_t version;
	struct model_cell cells[CELLS];
	struct model *history; /* by version; NULL: not kept */
	uint64_t history_limit;
};

static inline uint64_t
store_root(const struct heap *heap)
{
	return heap_root(heap);
}

static inline uint64_t
cell_offset(const struct heap *heap, uint32_t index)
{
	return heap_root(heap) + 8 + index * sizeof(struct cell);
}

/* Reads the cell and touches all that a change of it needs. -DER_AGAIN. */
static inline int
cell_look(struct pin *pin, uint32_t index, struct cell *ret_cell)
{
	const struct cell *cell = heap_at(pin, cell_offset(pin->heap, index), sizeof(*cell));

	if (!cell)
		return pin_outcome(pin);
	if (cell->offset != 0 && !heap_at(pin, cell->offset, sizeof(struct cell_block)))
		return pin_outcome(pin);
	*ret_cell = *cell;
	return 0;
}

struct step {
	uint32_t index;
	uint32_t size;	 /* new block; 0: clear the cell */
	uint32_t length; /* new payload; 0: none */
	uint32_t seed;
	bool keep_payload; /* only the block's content changes */
	bool abort;
	bool privileged;
};

/* How large the random blocks and payloads are. */
struct step_sizes {
	uint32_t large_blocks; /* one block in so many is up to 40 000 bytes */
	uint32_t large_payloads;
	uint32_t payload_max; /* bytes */
	uint32_t cells;
	bool privileged;
};

static const struct step_sizes step_sizes_usual = {16, 8, 200 * 1024, CELLS, false};

static inline struct step
step_random(struct memory_world *world, const struct step_sizes *sizes)
{
	uint64_t random = memory_world_random(world);
	struct step step = {.index = (uint32_t)(random % sizes->cells),
			    .seed = (uint32_t)(random >> 32) | 1,
			    .privileged = sizes->privileged};

	random = memory_world_random(world);
	if (random % 5 != 0)
		step.size = (uint32_t)(sizeof(struct cell_block) +
				       ((random >> 8) % sizes->large_blocks == 0
						? (random >> 16) % 40000
						: (random >> 16) % 900));
	random = memory_world_random(world);
	if (step.size != 0 && random % 3 == 0)
		step.length = 1 + (uint32_t)((random >> 8) % sizes->large_payloads == 0
						     ? (random >> 16) % sizes->payload_max
						     : (random >> 16) % 9000);
	step.keep_payload = step.size != 0 && random % 3 == 1;
	step.abort = random % 16 == 5;
	return step;
}

struct written {
	struct data_extent extent;
	uint8_t *buffer;
	struct arena *arena;
};

static inline int
step_payload(struct tx *tx, const struct step *step, struct written *written)
{
	struct iovec iov;
	int rc;

	if (step->length == 0)
		return 0;
	rc = tx_data_reserve(tx, (step->length + DISK_BLOCK - 1) / DISK_BLOCK, &written->extent);
	if (rc != 0)
		return rc;
	/* A shorter piece holds what it can. */
	if ((uint64_t)written->extent.count * DISK_BLOCK < step->length)
		return -DER_NOSPACE;
	iov = (struct iovec){written->buffer, step->length};
	return tx_data_write(tx, written->extent, &iov, 1, step->length,
			     crc32c(0, written->buffer, step->length));
}

static inline void
step_change(struct tx *tx, const struct step *step, const struct cell *old,
	    const struct data_extent *extent)
{
	struct heap *heap = tx->heap;
	struct cell next = {.seed = step->size ? step->seed : 0};
	uint32_t length = step->length;
	uint64_t *version;
	uint8_t *block;

	if (step->keep_payload && old->offset != 0) {
		struct pin pin;
		const struct cell_block *head;

		pin_init(&pin, heap);
		head = heap_at(&pin, old->offset, sizeof(*head));
		length = head->length;
		pin_fini(&pin);
		next.block = old->block;
		next.blocks = old->blocks;
		next.seed = old->blocks ? old->seed : step->seed;
	} else if (old->blocks != 0) {
		tx_data_free(tx, (struct data_extent){.block = old->block, .count = old->blocks});
	}
	if (old->offset != 0)
		tx_free(tx, old->offset);
	if (step->size != 0) {
		next.offset = tx_alloc(tx, step->size, step->seed % 2 ? old->offset : 0);
		block = tx_change(tx, next.offset, step->size);
		for (uint32_t i = 0; i < step->size; i++)
			assert_int_equal(block[i], 0);
		fill_pattern(block, step->size, next.seed);
		*(struct cell_block *)(void *)block = (struct cell_block){
			.size = step->size, .length = length, .seed = next.seed};
	}
	if (step->length != 0) {
		tx_data_publish(tx, *extent);
		next.block = extent->block;
		next.blocks = extent->count;
	}
	*(struct cell *)tx_change(tx, cell_offset(heap, step->index), sizeof(next)) = next;
	version = tx_change(tx, store_root(heap), sizeof(*version));
	++*version;
}

static inline void
model_apply(struct model *model, const struct step *step)
{
	struct model_cell *cell = &model->cells[step->index];
	struct model_cell next = {
		.size = step->size, .length = step->length, .seed = step->size ? step->seed : 0};

	if (step->keep_payload && cell->size != 0) {
		next.length = cell->length;
		next.seed = cell->length ? cell->seed : step->seed;
	}
	*cell = next;
	model->version++;
	if (model->history && model->version < model->history_limit)
		model->history[model->version] = *model;
}

/*
 * Runs one step as a transaction and applies it to model inside apply. ret_version is that of the
 * transaction, 0 when it was aborted.
 */
static inline int
store_step(struct heap *heap, struct step step, struct model *model, uint64_t *ret_version)
{
	struct arena *arena = heap->media->arena;
	struct tx_need need = {.allocations = 1,
			       .heap_bytes = step.size,
			       .log_bytes = 256,
			       .privileged = step.privileged};
	struct written written = {.arena = arena};
	struct cell cell;
	uint64_t group = 0;
	struct tx tx;
	int rc;

	*ret_version = 0;
	if (step.keep_payload)
		step.length = 0;
	written.buffer = arena_alloc_aligned(arena, align_up(step.length, DISK_BLOCK) + DISK_BLOCK,
					     DISK_BLOCK);
	if (!written.buffer)
		return -DER_NOMEM;
	fill_pattern(written.buffer, step.length, step.seed);
	rc = tx_begin(&tx, heap);
	if (rc != 0)
		goto out;
	if (step.seed % 3 == 0)
		rc = step_payload(&tx, &step, &written);
	if (rc == 0)
		rc = tx_reserve(&tx, &need);
	if (rc == 0 && step.seed % 3 != 0)
		rc = step_payload(&tx, &step, &written);
	while (rc == 0) {
		NO_YIELD
		{
			rc = cell_look(&tx.pin, step.index, &cell);
			if (rc == 0 && !step.abort) {
				step_change(&tx, &step, &cell, &written.extent);
				model_apply(model, &step);
				tx_commit(&tx, &group);
				*ret_version = model->version;
			}
		}
		if (rc != -DER_AGAIN)
			break;
		rc = tx_load(&tx);
	}
	if (rc != 0 || step.abort)
		tx_abort(&tx);
	else if (media_wait(heap->media, group) != 0)
		rc = -DER_IO;
out:
	arena_free(arena, written.buffer);
	return rc;
}

/* ------------------------------------------------ comparing */

static inline void
check_payload(struct heap *heap, const struct cell *cell, uint32_t length)
{
	uint8_t *buffer = arena_alloc_aligned(heap->media->arena, (size_t)cell->blocks * DISK_BLOCK,
					      DISK_BLOCK);
	struct data_extent extent = {.block = cell->block, .count = cell->blocks};

	assert_non_null(buffer);
	assert_int_equal(cell->blocks, (length + DISK_BLOCK - 1) / DISK_BLOCK);
	assert_int_equal(data_read(heap, extent, 0, cell->blocks, buffer), 0);
	assert_true(is_pattern(buffer, length, cell->seed));
	for (uint32_t i = length; i < cell->blocks * DISK_BLOCK; i++)
		assert_int_equal(buffer[i], 0);
	arena_free(heap->media->arena, buffer);
}

static inline void
check_cell(struct heap *heap, uint32_t index, const struct model_cell *expected)
{
	const struct cell_block *head;
	const uint8_t *block;
	struct cell cell;
	struct pin pin;
	int rc;

	pin_init(&pin, heap);
	while ((rc = cell_look(&pin, index, &cell)) == -DER_AGAIN)
		assert_int_equal(pin_load(&pin), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(cell.offset != 0, expected->size != 0);
	assert_int_equal(cell.blocks != 0, expected->length != 0);
	if (cell.offset != 0) {
		head = heap_at(&pin, cell.offset, expected->size);
		assert_non_null(head);
		block = (const uint8_t *)head;
		assert_int_equal(head->size, expected->size);
		assert_int_equal(head->length, expected->length);
		assert_int_equal(head->seed, expected->seed);
		for (uint32_t i = sizeof(*head); i < expected->size; i++)
			assert_int_equal(block[i],
					 (uint8_t)(mix64(expected->seed + i / 8) >> (i % 8 * 8)));
	}
	pin_fini(&pin);
	if (cell.blocks != 0)
		check_payload(heap, &cell, expected->length);
}

/* Every block in use belongs to exactly one cell: as many are in use as there are cells with one,
 * and no two are the same. */
static inline void
check_allocator(struct heap *heap, const struct model *model)
{
	uint32_t expected = 0;
	uint32_t found = 0;
	uint64_t free_pages = 0;

	for (uint32_t i = 0; i < CELLS; i++)
		expected += model->cells[i].size != 0;
	for (uint32_t i = 0; i < heap->heap_zones; i++) {
		struct zone *zone = heap->zones[i];

		if (zone && zone->generation != 0)
			assert_int_equal(zone_load(zone), 0);
		free_pages += zone ? zone->free_count : zone_new_free(i);
		if (!zone || zone->stage != ZONE_LOADED)
			continue;
		for (uint32_t page = ZONE_HEADER_PAGES + (i == 0); page < ZONE_CHUNKS; page++) {
			const struct zone_page *entry = &zone_header(zone)->pages[page];

			if (entry->kind == PAGE_RUN)
				found += (uint32_t)(__builtin_popcountll(entry->used[0]) +
						    __builtin_popcountll(entry->used[1]));
			found += entry->kind == PAGE_SPAN;
		}
	}
	assert_int_equal(found, expected);
	assert_int_equal(free_pages, heap->pages_free);
}

static inline void
check_space(struct heap *heap, const struct model *model)
{
	struct heap_space space;
	uint64_t used = 0;

	for (uint32_t i = 0; i < CELLS; i++)
		used += (model->cells[i].length + DISK_BLOCK - 1) / DISK_BLOCK;
	heap_space(heap, &space);
	assert_int_equal(space.data_free + space.data_reserved + used * DISK_BLOCK,
			 space.data_total);
}

static inline uint64_t
store_version(struct heap *heap)
{
	const uint64_t *version;
	uint64_t result;
	struct pin pin;

	pin_init(&pin, heap);
	while (!(version = heap_at(&pin, store_root(heap), sizeof(*version)))) {
		assert_int_equal(pin_outcome(&pin), -DER_AGAIN);
		assert_int_equal(pin_load(&pin), 0);
	}
	result = *version;
	pin_fini(&pin);
	return result;
}

/* The whole store against the reference; no transaction may be running. */
static inline void
store_check(struct heap *heap, const struct model *model)
{
	assert_int_equal(store_version(heap), model->version);
	for (uint32_t i = 0; i < CELLS; i++)
		check_cell(heap, i, &model->cells[i]);
	check_allocator(heap, model);
	check_space(heap, model);
}
