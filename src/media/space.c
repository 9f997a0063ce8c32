/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The data space: a bit per block, in zones numbered after the heap's own. The image in memory says
 * what cannot be taken: blocks that belong to the heap, blocks taken by running transactions, and
 * freed blocks under quarantine. On disk and in the log only the first kind exists: records name
 * extents that become owned or free, and a chunk that is copied for a checkpoint is cleared of the
 * other two (space_mask()). So a crash leaks nothing and an abort writes nothing.
 */
#include "media/private.h"

#define SEARCH_REGIONS 16u /* with free blocks, before the best run found is taken */

static inline uint64_t *
region_bits(const struct zone *zone, uint32_t region)
{
	return (uint64_t *)(void *)(zone->image + (size_t)region * DISK_BLOCK);
}

uint32_t
space_zone_blocks(const struct zone *zone)
{
	uint64_t blocks = zone->heap->superblock.data_size / DISK_BLOCK;
	uint64_t first = (uint64_t)(zone->number - zone->heap->heap_zones) * SPACE_ZONE_BLOCKS;

	return (uint32_t)min_of(blocks - first, (uint64_t)SPACE_ZONE_BLOCKS);
}

static uint32_t
region_blocks(const struct zone *zone, uint32_t region)
{
	uint32_t blocks = space_zone_blocks(zone);
	uint32_t first = region * REGION_BLOCKS;

	return first >= blocks ? 0 : min_of(blocks - first, REGION_BLOCKS);
}

/* ------------------------------------------------ bits */

/* A piece of an extent inside one region. */
struct piece {
	struct zone *zone; /* NULL: never used */
	uint32_t number;   /* of the zone */
	uint32_t region, first, count;
};

/* The piece of extent from its block done on; false at the end. */
static bool
piece_next(const struct heap *heap, struct data_extent extent, uint32_t done,
	   struct piece *ret_piece)
{
	uint64_t block = extent.block + done;
	uint32_t inside = (uint32_t)(block % SPACE_ZONE_BLOCKS);

	if (done >= extent.count)
		return false;
	ret_piece->number = heap->heap_zones + (uint32_t)(block / SPACE_ZONE_BLOCKS);
	ret_piece->zone = heap->zones[ret_piece->number];
	ret_piece->region = inside / REGION_BLOCKS;
	ret_piece->first = inside % REGION_BLOCKS;
	ret_piece->count = min_of(extent.count - done, REGION_BLOCKS - ret_piece->first);
	return true;
}

/* Sets or clears bits; returns how many changed. */
static uint32_t
bits_put(uint64_t *bits, uint32_t first, uint32_t count, bool set)
{
	uint32_t changed = 0;

	while (count > 0) {
		uint32_t shift = first % 64;
		uint32_t length = min_of(count, 64 - shift);
		uint64_t mask = (length == 64 ? UINT64_MAX : (UINT64_C(1) << length) - 1) << shift;
		uint64_t *word = &bits[first / 64];

		changed += (uint32_t)__builtin_popcountll((set ? ~*word : *word) & mask);
		*word = set ? *word | mask : *word & ~mask;
		first += length;
		count -= length;
	}
	return changed;
}

/* False when some of the bits were so already. */
static bool
piece_put(const struct piece *piece, bool set)
{
	struct zone *zone = piece->zone;
	uint32_t changed =
		bits_put(region_bits(zone, piece->region), piece->first, piece->count, set);

	zone->region_free[piece->region] += set ? -changed : changed;
	zone->free_count += set ? -changed : changed;
	zone->heap->blocks_free += set ? -(uint64_t)changed : changed;
	return changed == piece->count;
}

/* The first clear bit at or after from, limit when there is none. */
static uint32_t
clear_from(const uint64_t *bits, uint32_t from, uint32_t limit)
{
	while (from < limit) {
		uint64_t word = ~bits[from / 64] >> (from % 64);

		if (word != 0)
			return min_of(from + (uint32_t)__builtin_ctzll(word), limit);
		from = from / 64 * 64 + 64;
	}
	return limit;
}

/* The first set bit at or after from, limit when there is none. */
static uint32_t
set_from(const uint64_t *bits, uint32_t from, uint32_t limit)
{
	while (from < limit) {
		uint64_t word = bits[from / 64] >> (from % 64);

		if (word != 0)
			return min_of(from + (uint32_t)__builtin_ctzll(word), limit);
		from = from / 64 * 64 + 64;
	}
	return limit;
}

/* ------------------------------------------------ summaries */

void
space_init(struct heap *heap)
{
	heap->blocks_total = heap->superblock.data_size / DISK_BLOCK;
	heap->blocks_reserve = heap->blocks_total * heap->superblock.space_reserve / 100;
	heap->blocks_free = heap->blocks_total;
	for (uint32_t i = 0; i < heap->space_zones; i++) {
		const struct zone *zone = heap->zones[heap->heap_zones + i];

		if (zone)
			heap->blocks_free -= space_zone_blocks(zone) - zone->free_count;
	}
}

static uint32_t
region_taken(const struct zone *zone, uint32_t region)
{
	const uint64_t *bits = region_bits(zone, region);
	uint32_t taken = 0;

	for (uint32_t i = 0; i < REGION_BLOCKS / 64; i++)
		taken += (uint32_t)__builtin_popcountll(bits[i]);
	return taken;
}

int
space_summarise(struct zone *zone)
{
	zone->region_free =
		arena_calloc(zone->heap->media->arena, ZONE_CHUNKS, sizeof(*zone->region_free));
	if (!zone->region_free)
		return error_raise(-DER_NOMEM, "no memory for a bitmap of heap %s",
				   zone->heap->name);
	zone->free_count = 0;
	for (uint32_t i = 0; i < ZONE_CHUNKS; i++) {
		uint32_t blocks = region_blocks(zone, i);
		uint32_t taken = region_taken(zone, i);

		if (taken > blocks ||
		    set_from(region_bits(zone, i), blocks, REGION_BLOCKS) != REGION_BLOCKS)
			return error_raise(-DER_DF_INVAL,
					   "heap %s: the data bitmap reaches beyond the data",
					   zone->heap->name);
		zone->region_free[i] = blocks - taken;
		zone->free_count += blocks - taken;
	}
	return 0;
}

bool
space_valid(const struct heap *heap, struct data_extent extent)
{
	uint64_t blocks = heap->superblock.data_size / DISK_BLOCK;

	return extent.count > 0 && extent.block < blocks && extent.count <= blocks - extent.block;
}

/* ------------------------------------------------ taking */

/* The longest run of at most wanted clear bits in a region, from `from` on; the first that is long
 * enough. */
static uint32_t
region_search(const struct zone *zone, uint32_t region, uint32_t from, uint32_t wanted,
	      uint32_t *ret_first)
{
	const uint64_t *bits = region_bits(zone, region);
	uint32_t limit = region_blocks(zone, region);
	uint32_t best = 0;

	while (best < wanted) {
		uint32_t first = clear_from(bits, from, limit);
		uint32_t end;

		if (first == limit)
			break;
		end = set_from(bits, first, min_of(limit, first + wanted));
		if (end - first > best) {
			best = end - first;
			*ret_first = first;
		}
		from = end + 1;
	}
	return best;
}

struct search {
	struct heap *heap;
	uint32_t wanted;
	uint32_t seen; /* regions with free blocks */
	struct data_extent best;
};

static void
search_region(struct search *search, struct zone *zone, uint32_t region, uint32_t from)
{
	uint32_t first = 0;
	uint32_t length = region_search(zone, region, from, search->wanted, &first);

	search->seen++;
	if (length <= search->best.count)
		return;
	search->best.count = length;
	search->best.block =
		(uint64_t)(zone->number - search->heap->heap_zones) * SPACE_ZONE_BLOCKS +
		(uint64_t)region * REGION_BLOCKS + first;
}

static bool
search_over(const struct search *search)
{
	return search->best.count == search->wanted ||
	       (search->best.count > 0 && search->seen >= SEARCH_REGIONS);
}

/* The bitmap of a region in memory. What was found before a wait may be taken by now, so that the
 * search starts again. */
static int
search_zone(struct search *search, uint64_t region, struct zone **ret_zone)
{
	struct heap *heap = search->heap;
	int rc = zone_get(heap, heap->heap_zones + (uint32_t)(region / ZONE_CHUNKS), ret_zone);

	if (rc != 0 || (*ret_zone)->stage == ZONE_LOADED || (*ret_zone)->free_count == 0)
		return rc;
	search->best.count = 0;
	search->seen = 0;
	return zone_load(*ret_zone);
}

/* Next fit: from the cursor to the end, then from the beginning on to the cursor's region again.
 * *Yields* to load bitmaps. */
static int
search_space(struct search *search)
{
	struct heap *heap = search->heap;
	uint64_t regions = (heap->blocks_total + REGION_BLOCKS - 1) / REGION_BLOCKS;
	uint64_t start = heap->space_cursor / REGION_BLOCKS;
	uint32_t from = (uint32_t)(heap->space_cursor % REGION_BLOCKS);
	uint64_t left = regions + 1;
	struct zone *zone;

	for (uint64_t i = 0; left > 0 && !search_over(search); i++, left--) {
		uint64_t region = (start + i) % regions;
		bool found = search->best.count > 0;
		int rc = search_zone(search, region, &zone);

		if (rc != 0)
			return rc;
		/* Regions that held what was found and lost are looked at again. */
		if (found && search->best.count == 0)
			left = regions + 1;
		if (zone->free_count > 0 && zone->region_free[region % ZONE_CHUNKS] > 0)
			search_region(search, zone, (uint32_t)(region % ZONE_CHUNKS),
				      i == 0 ? from : 0);
	}
	return 0;
}

static void
take(struct tx_body *body, struct data_extent extent)
{
	struct heap *heap = body->heap;
	struct piece piece;
	bool free = true;

	for (uint32_t done = 0; piece_next(heap, extent, done, &piece); done += piece.count)
		free &= piece_put(&piece, true);
	ASSERT(free);
	body->extents[body->extent_count++] = extent;
	heap->space_cursor = (extent.block + extent.count) % heap->blocks_total;
}

static bool
space_short(const struct tx_body *body, uint32_t blocks)
{
	const struct heap *heap = body->heap;

	if (!body->privileged && FAULT("media: the data space is full for once"))
		return true;
	return heap->blocks_free < blocks + (body->privileged ? 0 : heap->blocks_reserve);
}

/*
 * What was freed a moment ago may be all that is left: it is free once replay would know so, and
 * when the checkpoint under way, which holds what was freed since it began, has ended. A checkpoint
 * waits for no transaction that has still to commit.
 */
static int
settle_freed(struct tx_body *body, uint32_t blocks)
{
	struct heap *heap = body->heap;
	int rc = media_settle(heap->media);

	if (rc != 0 || !space_short(body, blocks) || heap->blocks_quarantined == 0)
		return rc;
	REACHED("media: a transaction waits for what a checkpoint holds");
	fiber_mutex_lock_plain(&heap->checkpoint_lock);
	fiber_mutex_unlock(&heap->checkpoint_lock);
	space_settle_absent(heap);
	return heap->media->state != 0 ? heap->media->state : heap->state;
}

int
space_reserve(struct tx_body *body, uint32_t blocks, struct data_extent *ret_extent)
{
	struct heap *heap = body->heap;
	struct search search = {.heap = heap, .wanted = min_of(blocks, REGION_BLOCKS)};
	int rc = 0;

	if (body->extent_count == TX_EXTENTS)
		return error_raise(-DER_OVERFLOW, "a transaction of more than %u extents",
				   TX_EXTENTS);
	ASSERT(blocks > 0);
	if (search.wanted > 1 && body->extent_count < 8 && FAULT("media: free blocks lie apart"))
		search.wanted /= 2;
	if (space_short(body, blocks) && heap->blocks_quarantined > 0)
		rc = settle_freed(body, blocks);
	if (rc == 0 && space_short(body, blocks)) {
		REACHED("media: data space is refused");
		rc = error_raise(-DER_NOSPACE,
				 "data space of heap %s is full: %lu blocks free, %lu kept back",
				 heap->name, (unsigned long)heap->blocks_free,
				 (unsigned long)heap->blocks_reserve);
	}
	if (rc == 0)
		rc = search_space(&search);
	if (rc == 0 && search.best.count == 0)
		rc = error_raise(-DER_NOSPACE, "data space of heap %s is full", heap->name);
	if (rc != 0)
		return rc;
	take(body, search.best);
	*ret_extent = search.best;
	return 0;
}

void
space_release(struct heap *heap, struct data_extent extent)
{
	struct piece piece;

	/* Extents that the heap's owner freed twice are damage of its records. */
	for (uint32_t done = 0; piece_next(heap, extent, done, &piece); done += piece.count)
		if (!piece_put(&piece, false))
			heap_fail(heap, -DER_IO);
}

/* ------------------------------------------------ owning and freeing */

static void
piece_dirty(const struct piece *piece, uint64_t group)
{
	zone_dirty(piece->zone, piece->region * DISK_BLOCK + piece->first / 8,
		   (piece->first + piece->count - 1) / 8 - piece->first / 8 + 1, group);
}

void
space_publish(struct heap *heap, struct data_extent extent, uint64_t group)
{
	struct piece piece;

	for (uint32_t done = 0; piece_next(heap, extent, done, &piece); done += piece.count) {
		piece_dirty(&piece, group);
		piece.zone->owned += piece.count;
	}
}

void
space_free(struct heap *heap, struct data_extent extent, uint64_t group)
{
	struct piece piece;

	for (uint32_t done = 0; piece_next(heap, extent, done, &piece); done += piece.count) {
		/* A zone that owns anything has its struct since heap_open(), so this is damage,
		 * found before it spreads. */
		if (!piece.zone || piece.zone->owned < piece.count) {
			heap_fail(heap, -DER_IO);
			return;
		}
		piece_dirty(&piece, group);
		piece.zone->owned -= piece.count;
	}
	heap->blocks_quarantined += extent.count;
}

/* ------------------------------------------------ quarantine */

/* Invariant: an epoch older than the current one has holds, or is not the oldest. */
static void
holds_advance(struct heap *heap)
{
	while (heap->hold_oldest < heap->hold_epoch &&
	       heap->holds[heap->hold_oldest % HOLD_EPOCHS] == 0)
		heap->hold_oldest++;
}

void
space_freeze(struct heap *heap, struct tx_body *body)
{
	body->epoch = heap->hold_epoch;
	list_append(&heap->quarantine, &body->frozen);
	if (!list_linked(&heap->settling))
		list_append(&heap->media->settling, &heap->settling);
	/* Holds from now on do not keep these extents; without room for another epoch they do,
	 * which only delays. */
	holds_advance(heap);
	if (heap->hold_epoch - heap->hold_oldest + 1 < HOLD_EPOCHS)
		heap->hold_epoch++;
}

uint64_t
data_hold(struct heap *heap)
{
	heap->holds[heap->hold_epoch % HOLD_EPOCHS]++;
	return heap->hold_epoch;
}

void
data_unhold(struct heap *heap, uint64_t token)
{
	ASSERT(heap->holds[token % HOLD_EPOCHS] > 0);
	if (--heap->holds[token % HOLD_EPOCHS] > 0)
		return;
	space_settle(heap);
}

/* Whether a hold of body's epoch or an older one is left. */
static bool
held(struct heap *heap, const struct tx_body *body)
{
	holds_advance(heap);
	return heap->hold_oldest <= body->epoch &&
	       (heap->hold_oldest < body->epoch || heap->holds[body->epoch % HOLD_EPOCHS] > 0);
}

/* Frees the extents of body, unless a bitmap is absent. */
static bool
thaw(struct heap *heap, struct tx_body *body)
{
	struct piece piece;

	for (uint32_t i = 0; i < body->freed_count; i++)
		for (uint32_t done = 0; piece_next(heap, body->freed[i], done, &piece);
		     done += piece.count)
			if (piece.zone->stage != ZONE_LOADED)
				return false;
	for (uint32_t i = 0; i < body->freed_count; i++) {
		overlay_drop(heap, body->freed[i]);
		space_release(heap, body->freed[i]);
		heap->blocks_quarantined -= body->freed[i].count;
	}
	return true;
}

void
space_settle(struct heap *heap)
{
	struct list *link;

	while ((link = list_first(&heap->quarantine)) && heap->state == 0) {
		struct tx_body *body = list_entry(link, struct tx_body, frozen);

		if (body->group > heap->media->known_durable)
			return;
		if (held(heap, body)) {
			REACHED("media: freed blocks wait for a reader");
			return;
		}
		if (!thaw(heap, body)) {
			REACHED("media: freed blocks wait for their bitmap");
			heap->settle_due = true;
			heap->media->settle_wanted = true;
			wait_queue_wake_one(&heap->media->checkpoint_work);
			return;
		}
		list_remove(&body->frozen);
		body_done(body);
	}
}

void
space_settle_all(struct media *media)
{
	LIST_FOR_EACH_SAFE(link, &media->settling) {
		struct heap *heap = list_entry(link, struct heap, settling);

		space_settle(heap);
		if (list_empty(&heap->quarantine))
			list_remove(&heap->settling);
	}
}

void
space_settle_absent(struct heap *heap)
{
	struct list *link = list_first(&heap->quarantine);
	struct piece piece;

	heap->settle_due = false;
	if (!link)
		return;
	for (uint32_t i = 0; i < list_entry(link, struct tx_body, frozen)->freed_count; i++) {
		struct data_extent extent = list_entry(link, struct tx_body, frozen)->freed[i];

		for (uint32_t done = 0; piece_next(heap, extent, done, &piece); done += piece.count)
			if (zone_load(piece.zone) != 0)
				return;
	}
	space_settle(heap);
}

/* ------------------------------------------------ replay and checkpoint */

int
space_replay(struct heap *heap, struct data_extent extent, bool set, uint64_t group)
{
	struct piece piece;
	int rc = 0;

	for (uint32_t done = 0; rc == 0 && piece_next(heap, extent, done, &piece);
	     done += piece.count) {
		rc = zone_get(heap, piece.number, &piece.zone);
		if (rc == 0)
			rc = zone_load(piece.zone);
		if (rc != 0)
			break;
		(void)bits_put(region_bits(piece.zone, piece.region), piece.first, piece.count,
			       set);
		piece_dirty(&piece, group);
	}
	return rc;
}

static void
mask_extent(struct zone *zone, uint32_t page, uint8_t *chunk, struct data_extent extent)
{
	struct piece piece;

	for (uint32_t done = 0; piece_next(zone->heap, extent, done, &piece); done += piece.count)
		if (piece.zone == zone && piece.region == page)
			(void)bits_put((uint64_t *)(void *)chunk, piece.first, piece.count, false);
}

static void
mask_taken(struct zone *zone, uint32_t page, uint8_t *chunk, const struct list *bodies)
{
	LIST_FOR_EACH(link, bodies) {
		const struct tx_body *body = list_entry(link, struct tx_body, live);

		for (uint32_t i = 0; i < body->extent_count; i++)
			mask_extent(zone, page, chunk, body->extents[i]);
	}
}

void
space_mask(struct zone *zone, uint32_t page, uint8_t *chunk)
{
	const struct heap *heap = zone->heap;

	mask_taken(zone, page, chunk, &heap->transactions);
	mask_taken(zone, page, chunk, &heap->pending);
	LIST_FOR_EACH(link, &heap->quarantine) {
		const struct tx_body *body = list_entry(link, struct tx_body, frozen);

		for (uint32_t i = 0; i < body->freed_count; i++)
			mask_extent(zone, page, chunk, body->freed[i]);
	}
}
