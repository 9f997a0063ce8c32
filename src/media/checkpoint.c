/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * From memory to the heap file. Dirty chunks are copied, and once the newest group in the copies is
 * durable they are written to free slots and flushed; then the other entry of each zone is written
 * and flushed; only then are the old slots free. A crash at any point finds each zone by one valid
 * entry whose slots nobody has touched. Chunks of one zone may be of different age on disk: all
 * newer changes are still in the log, whose records are absolute.
 *
 * Of a chunk in which little changed only the changed lines are written, gathered with those of
 * other chunks of its zone in a delta. When a zone has many deltas, all chunks that they change are
 * written whole and the deltas given up.
 */
#include "media/private.h"

#define BATCH_CHUNKS (CHECKPOINT_BUFFER / DISK_BLOCK)
#define BATCH_ZONES 64u

#define DELTA UINT32_MAX

struct copied_chunk {
	struct zone *zone;
	uint32_t index;		 /* DELTA: changed lines */
	struct zone_chunk chunk; /* as it will be */
};

/* A zone of a batch. */
struct batch_zone {
	struct zone *zone;
	uint64_t free_count;	 /* when it was copied */
	uint32_t first, end;	 /* its chunks */
	uint32_t delta;		 /* of them the one that takes lines; DELTA: none yet */
	uint32_t deltas;	 /* how many there are */
	struct zone_deltas next; /* as they will be */
};

/* What one pass copies and writes. */
struct batch {
	struct heap *heap;
	uint8_t *buffer; /* BATCH_CHUNKS copies, then a block for entries and for masked chunks */
	uint32_t count, limit;
	uint32_t deltas;
	uint64_t newest_group;
	uint32_t zone_count;
	struct batch_zone zones[BATCH_ZONES];
	struct copied_chunk chunks[BATCH_CHUNKS];
};

static uint8_t *
batch_copy(const struct batch *batch, uint32_t index)
{
	return batch->buffer + (size_t)index * DISK_BLOCK;
}

/* ------------------------------------------------ whole, or by lines */

static bool
chunk_is_dirty(const struct zone *zone, uint32_t index)
{
	return zone->dirty[index / 64] >> (index % 64) & 1;
}

static bool
chunk_by_lines(const struct zone *zone, uint32_t index)
{
	return zone->chunks[index].slot != 0 &&
	       (uint32_t)__builtin_popcountll(zone->lines[index]) <= LINES_MAX;
}

/* How many deltas a zone may have; not the same for all, so that not all are rewritten at once. */
static uint32_t
deltas_limit(const struct zone *zone)
{
	if (FAULT("media: a zone takes few deltas"))
		return 2;
	return ZONE_DELTAS - zone->number % 8 * 8;
}

/* Whether changed lines of zone are to be gathered: they need at most half as many blocks, and the
 * zone and the heap have room for them. Without room all goes whole, and those there are end. */
static bool
zone_by_lines(const struct batch *batch, struct zone *zone)
{
	const struct heap *heap = batch->heap;
	uint32_t lines = 0, chunks = 0, blocks;

	for (uint32_t i = 0; i < ZONE_CHUNKS; i++)
		if (chunk_is_dirty(zone, i) && chunk_by_lines(zone, i)) {
			lines += (uint32_t)__builtin_popcountll(zone->lines[i]);
			chunks++;
		}
	blocks = (lines + DELTA_LINES - 1) / DELTA_LINES;
	if (chunks == 0 ||
	    (blocks * 2 > chunks && !FAULT("media: gather the few lines of a zone")) ||
	    !deltas_ready(zone))
		return false;
	if (zone->deltas->count + blocks <= deltas_limit(zone) &&
	    heap->delta_slots + batch->deltas + blocks <= heap->delta_limit)
		return true;
	REACHED("media: the deltas of a zone are given up");
	deltas_rewrite(zone);
	return false;
}

/* ------------------------------------------------ copying */

/* The next chunk of the batch. */
static uint32_t
batch_take(struct batch *batch, struct zone *zone, uint32_t index)
{
	batch->chunks[batch->count] = (struct copied_chunk){.zone = zone, .index = index};
	return batch->count++;
}

static void
chunk_copy(struct zone *zone, uint32_t index, uint8_t *copy)
{
	memcpy(copy, zone->image + (size_t)index * DISK_BLOCK, DISK_BLOCK);
	if (zone_is_space(zone))
		space_mask(zone, index, copy);
}

static void
copy_whole(struct batch *batch, struct zone *zone, uint32_t index)
{
	chunk_copy(zone, index, batch_copy(batch, batch_take(batch, zone, index)));
	zone->lines[index] = 0;
}

/* Copies what changed in a chunk, as much as the batch has room for. */
static void
copy_lines(struct batch *batch, struct batch_zone *which, uint32_t index)
{
	struct zone *zone = which->zone;
	const uint8_t *content = zone->image + (size_t)index * DISK_BLOCK;
	uint8_t *masked = batch_copy(batch, BATCH_CHUNKS);

	if (zone_is_space(zone)) {
		chunk_copy(zone, index, masked);
		content = masked;
	}
	for (;;) {
		if (which->delta == DELTA) {
			if (batch->count == batch->limit)
				return;
			which->delta = batch_take(batch, zone, DELTA);
			memset(batch_copy(batch, which->delta), 0, DISK_BLOCK);
			which->deltas++;
			batch->deltas++;
		}
		which->next.behind[index / 64] |= UINT64_C(1) << (index % 64);
		if (delta_add((struct zone_delta *)(void *)batch_copy(batch, which->delta), index,
			      content, &zone->lines[index]))
			return;
		which->delta = DELTA;
	}
}

/* Copies what is dirty of zone while the batch has room. */
static void
copy_zone(struct batch *batch, struct zone *zone)
{
	struct batch_zone *which = &batch->zones[batch->zone_count++];
	bool by_lines = zone_by_lines(batch, zone);

	*which = (struct batch_zone){
		.zone = zone,
		.free_count = zone_is_space(zone) ? zone->owned : zone->free_count,
		.first = batch->count,
		.delta = DELTA,
	};
	if (zone->deltas)
		which->next = *zone->deltas;
	batch->newest_group = max_of(batch->newest_group, zone->newest_group);
	for (uint32_t i = 0; i < ZONE_CHUNKS; i++) {
		uint64_t bit = UINT64_C(1) << (i % 64);

		if ((zone->dirty[i / 64] & bit) == 0)
			continue;
		if (by_lines && chunk_by_lines(zone, i)) {
			copy_lines(batch, which, i);
		} else if (batch->count < batch->limit) {
			copy_whole(batch, zone, i);
			which->next.behind[i / 64] &= ~bit;
		}
		if (zone->lines[i] == 0)
			zone->dirty[i / 64] &= ~bit;
	}
	which->end = batch->count;
}

/* Fills the batch from zone *next on. *Yields* to load bitmaps that were changed without being
 * read. */
static int
batch_fill(struct batch *batch, uint32_t *next)
{
	struct heap *heap = batch->heap;
	int rc = 0;

	batch->limit = min_of(BATCH_CHUNKS, heap->slots_free);
	if (batch->limit > 1 && FAULT("media: write one chunk at a time"))
		batch->limit = 1;

	while (*next < heap->heap_zones + heap->space_zones && batch->count < batch->limit &&
	       batch->zone_count < BATCH_ZONES) {
		struct zone *zone = heap->zones[*next];

		if (zone && zone_is_dirty(zone)) {
			rc = zone_load(zone);
			if (rc != 0)
				return rc;
			NO_YIELD
			{
				copy_zone(batch, zone);
			}
			if (zone_is_dirty(zone))
				return 0;
		}
		(*next)++;
	}
	return 0;
}

/* ------------------------------------------------ slots */

static uint32_t
slot_take(struct heap *heap)
{
	for (uint32_t i = 0; i < heap->slot_count; i++) {
		uint32_t slot = heap->slot_cursor % heap->slot_count + 1;

		heap->slot_cursor = slot;
		/* Over full words at once: in a large heap most are. */
		if (slot % 64 == 0 && heap->slots[slot / 64] == UINT64_MAX &&
		    slot + 63 <= heap->slot_count) {
			heap->slot_cursor = slot + 63;
			i += 63;
			continue;
		}
		if (heap->slots[slot / 64] >> (slot % 64) & 1)
			continue;
		heap->slots[slot / 64] |= UINT64_C(1) << (slot % 64);
		heap->slots_free--;
		return slot;
	}
	ASSERT(!"the batch was limited to the free slots");
	return 0;
}

static void
slot_give(struct heap *heap, uint32_t slot)
{
	if (slot == 0)
		return;
	heap->slots[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
	heap->slots_free++;
}

static bool
all_zeros(const uint8_t *data)
{
	return data[0] == 0 && memcmp(data, data + 1, DISK_BLOCK - 1) == 0;
}

/* ------------------------------------------------ writing */

/* Gives each chunk that is not all zeros a slot. */
static void
slots_assign(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		const uint8_t *copy = batch_copy(batch, i);
		struct copied_chunk *copied = &batch->chunks[i];
		uint32_t live = copied->index == DELTA ? 0
						       : copied->zone->chunks[copied->index].slot;

		if (!all_zeros(copy))
			copied->chunk = (struct zone_chunk){
				.slot = BUG(6) && live != 0 ? live : slot_take(batch->heap),
				.crc = crc32c(0, copy, DISK_BLOCK)};
	}
}

static int
write_chunks(struct batch *batch)
{
	struct heap *heap = batch->heap;
	int rc = 0;

	slots_assign(batch);
	for (uint32_t i = 0; i < batch->count && rc == 0;) {
		uint32_t slot = batch->chunks[i].chunk.slot;
		uint32_t run = 1;

		while (slot != 0 && i + run < batch->count &&
		       batch->chunks[i + run].chunk.slot == slot + run)
			run++;
		if (slot != 0)
			rc = disk_write(heap->disk, batch_copy(batch, i),
					(uint64_t)run * DISK_BLOCK, heap_slot_offset(heap, slot),
					false);
		i += run;
	}
	return rc == 0 ? disk_flush(heap->disk) : rc;
}

/* What deltas the zone will have, and from which on they matter to the chunks written whole. */
static void
deltas_next(const struct batch *batch, struct batch_zone *which)
{
	struct zone_deltas *next = &which->next;

	for (uint32_t i = which->first; i < which->end; i++)
		if (batch->chunks[i].index == DELTA)
			next->chunks[next->count++] = batch->chunks[i].chunk;
	for (uint32_t i = which->first; i < which->end; i++)
		if (batch->chunks[i].index != DELTA)
			next->first[batch->chunks[i].index] = (uint8_t)next->count;
	if (deltas_empty(next))
		*next = (struct zone_deltas){.count = 0};
}

static void
entry_fill(const struct batch *batch, const struct batch_zone *which, struct zone_entry *entry)
{
	const struct zone *zone = which->zone;
	const struct zone_deltas *next = &which->next;

	memset(entry, 0, DISK_BLOCK);
	entry->magic = ZONE_MAGIC;
	entry->version = ZONE_VERSION;
	entry->zone = zone->number;
	entry->heap_id = batch->heap->id;
	entry->generation = zone->generation + 1;
	entry->sequence = batch->newest_group;
	entry->free_count = which->free_count;
	entry->coverage = batch->heap->superblock.coverage + 1;
	entry->counted = zone->counted;
	memcpy(entry->chunks, zone->chunks, sizeof(entry->chunks));
	for (uint32_t i = which->first; i < which->end; i++)
		if (batch->chunks[i].index != DELTA)
			entry->chunks[batch->chunks[i].index] = batch->chunks[i].chunk;
	entry->delta_count = next->count;
	memcpy(entry->deltas, next->chunks, next->count * sizeof(entry->deltas[0]));
	memcpy(entry->first_delta, next->first, sizeof(entry->first_delta));
	entry->crc = crc32c(0, entry, sizeof(*entry));
}

static int
write_entries(struct batch *batch)
{
	struct zone_entry *entry = (struct zone_entry *)(void *)batch_copy(batch, BATCH_CHUNKS);
	int rc = 0;

	for (uint32_t i = 0; i < batch->zone_count && rc == 0; i++) {
		deltas_next(batch, &batch->zones[i]);
		entry_fill(batch, &batch->zones[i], entry);
		rc = heap_write_entry(batch->heap, entry);
	}
	return rc == 0 ? disk_flush(batch->heap->disk) : rc;
}

static void
deltas_done(struct heap *heap, const struct batch_zone *which)
{
	struct zone_deltas *deltas = which->zone->deltas;

	if (!deltas)
		return;
	heap->delta_slots += which->next.count;
	heap->delta_slots -= deltas->count;
	for (uint32_t i = 0; which->next.count == 0 && i < deltas->count; i++)
		slot_give(heap, deltas->chunks[i].slot);
	*deltas = which->next;
}

static void
zone_done(struct batch *batch, const struct batch_zone *which)
{
	struct heap *heap = batch->heap;
	struct zone *zone = which->zone;

	for (uint32_t i = which->first; i < which->end; i++) {
		const struct copied_chunk *copied = &batch->chunks[i];

		if (copied->index == DELTA)
			continue;
		if (!BUG(6))
			slot_give(heap, zone->chunks[copied->index].slot);
		zone->chunks[copied->index] = copied->chunk;
	}
	deltas_done(heap, which);
	zone->generation++;
	if (!list_linked(&zone->uncounted_link))
		list_append(&heap->uncounted, &zone->uncounted_link);
}

/* The entries are on stable media: the old slots are free. */
static void
batch_done(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->zone_count; i++)
		zone_done(batch, &batch->zones[i]);
	batch->heap->media->figures.checkpoint_bytes += (uint64_t)batch->count * DISK_BLOCK;
}

/*
 * Nothing was lost: the chunks are dirty again. The slots stay taken, because an entry that names
 * them may have reached the disk.
 */
static void
batch_undo(struct batch *batch)
{
	REACHED("media: a checkpoint gives chunks up");
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct copied_chunk *copied = &batch->chunks[i];

		if (copied->index == DELTA)
			delta_dirty(copied->zone,
				    (const struct zone_delta *)(void *)batch_copy(batch, i));
		else
			zone_dirty(copied->zone, copied->index * DISK_BLOCK, DISK_BLOCK, 0);
	}
}

static int
batch_write(struct batch *batch)
{
	struct heap *heap = batch->heap;
	int rc = media_wait(heap->media, batch->newest_group);

	/* An entry counts only below heap_zones_used; stale ones above it must never come to count.
	 */
	if (rc == 0 && heap->superblock.heap_zones_used < heap->heap_zones_used)
		rc = heap_write_superblock(heap);
	if (rc == 0)
		rc = write_chunks(batch);
	if (rc == 0)
		rc = write_entries(batch);
	if (rc == 0)
		batch_done(batch);
	else
		batch_undo(batch);
	return rc;
}

/* ------------------------------------------------ a heap */

static int
write_zones(struct heap *heap)
{
	struct arena *arena = heap->media->arena;
	AUTO_FREE struct scoped_block batch_block = {arena,
						     arena_alloc(arena, sizeof(struct batch))};
	AUTO_FREE struct scoped_block buffer = {
		arena, arena_alloc_aligned(arena, CHECKPOINT_BUFFER + DISK_BLOCK, DISK_BLOCK)};
	struct batch *batch = batch_block.pointer;
	uint32_t next = 0;
	int rc = 0;

	if (!batch || !buffer.pointer)
		return error_raise(-DER_NOMEM, "no memory for a checkpoint of heap %s", heap->name);
	do {
		batch->heap = heap;
		batch->buffer = buffer.pointer;
		batch->count = 0;
		batch->deltas = 0;
		batch->zone_count = 0;
		batch->newest_group = 0;
		rc = batch_fill(batch, &next);
		if (rc == 0 && batch->count > 0)
			rc = batch_write(batch);
	} while (rc == 0 && batch->count > 0);
	if (rc == 0 && next < heap->heap_zones + heap->space_zones)
		rc = error_raise(-DER_NOSPACE, "heap %s has no free chunk slot", heap->name);
	return rc;
}

static bool
heap_is_behind(const struct heap *heap)
{
	return heap->oldest != 0;
}

/* What table_sum is once all entries written until now count. */
static uint64_t
table_sum(const struct heap *heap)
{
	uint64_t sum = heap->superblock.table_sum;

	LIST_FOR_EACH(link, &heap->uncounted) {
		const struct zone *zone = list_entry(link, struct zone, uncounted_link);

		sum += entry_mark(zone->number, zone->generation) -
		       entry_mark(zone->number, zone->counted);
	}
	return sum;
}

/* The image has everything up to a group: says so durably. The entries written since the last time,
 * all on stable media, count from now on. */
static int
cover(struct heap *heap, uint64_t group)
{
	struct heap_superblock before = heap->superblock;
	struct list *link;
	int rc;

	heap->superblock.covered_sequence = group;
	heap->superblock.coverage++;
	heap->superblock.table_sum = table_sum(heap);
	rc = heap_write_superblock(heap);
	if (rc != 0) {
		heap->superblock.covered_sequence = before.covered_sequence;
		heap->superblock.coverage = before.coverage;
		heap->superblock.table_sum = before.table_sum;
		return rc;
	}
	while ((link = list_pop(&heap->uncounted)) != NULL) {
		struct zone *zone = list_entry(link, struct zone, uncounted_link);

		zone->counted = zone->generation;
	}
	return 0;
}

/*
 * Holds what is freed from now on, and waits for everything up to the newest closed group: later
 * records of it cannot come any more. Payload that is being written to its blocks must not find
 * them reused: what was freed before the hold is in a group that is covered, so that it is left
 * out; what is freed after it stays under quarantine until the hold ends.
 */
static int
hold(struct heap *heap, uint64_t *ret_token, uint64_t *ret_covered)
{
	struct media *media = heap->media;
	int rc;

	*ret_token = data_hold(heap);
	rc = media_wait(media, media->newest_record);
	*ret_covered = media->newest;
	return rc == 0 ? media_wait(media, *ret_covered) : rc;
}

static int
checkpoint(struct heap *heap)
{
	struct media *media = heap->media;
	uint64_t token, covered;
	int rc;

	if (!heap_is_behind(heap))
		return 0;
	rc = hold(heap, &token, &covered);
	if (rc == 0)
		rc = write_zones(heap);
	if (BUG(5))
		covered = media->newest;
	if (rc == 0)
		rc = overlay_write(heap, covered);
	if (rc == 0)
		rc = cover(heap, covered);
	data_unhold(heap, token);
	if (rc == 0) {
		heap->oldest = heap->newest > covered ? covered + 1 : 0;
		media->figures.checkpoints++;
	}
	return rc;
}

/* Payload alone, whose copies take memory; the log keeps it until the next checkpoint all the same.
 */
static int
place_payload(struct heap *heap)
{
	uint64_t token, covered;
	int rc = hold(heap, &token, &covered);

	if (rc == 0)
		rc = overlay_write(heap, covered);
	data_unhold(heap, token);
	return rc;
}

/* Runs function on a heap that is well, one at a time. */
static int
heap_write(struct heap *heap, int (*function)(struct heap *heap))
{
	struct media *media = heap->media;
	int rc;

	fiber_mutex_lock_plain(&heap->checkpoint_lock);
	rc = media->state != 0 ? media->state : heap->state;
	if (rc == 0)
		rc = function(heap);
	heap->host_full = rc == -DER_NOSPACE;
	if (heap->host_full)
		REACHED("media: a checkpoint finds no space");
	fiber_mutex_unlock(&heap->checkpoint_lock);
	/* Out of memory, or a host without space beneath a thin heap: the log still has everything.
	 */
	if (rc != 0 && rc != -DER_NOMEM && rc != -DER_NOSPACE && media->state == 0 &&
	    heap->state == 0)
		media_fail(media, rc);
	return rc;
}

int
heap_checkpoint(struct heap *heap)
{
	return heap_write(heap, checkpoint);
}

/* ------------------------------------------------ all heaps, and the log's start */

static uint64_t
oldest_needed(const struct media *media)
{
	uint64_t kept = kept_oldest(media);
	uint64_t oldest = kept ? min_of(kept, media->durable + 1) : media->durable + 1;

	LIST_FOR_EACH(link, &media->heaps) {
		const struct heap *heap = list_entry(link, struct heap, link);

		if (heap->oldest != 0)
			oldest = min_of(oldest, heap->oldest);
	}
	return oldest;
}

static void
ring_free(struct media *media, uint64_t start)
{
	for (; media->start < start; media->start++)
		media->ring_used -= media_place(media, media->start)->blocks;
	wait_queue_wake_all(&media->room);
}

static int
advance(struct media *media)
{
	uint64_t start = oldest_needed(media);
	uint64_t durable = media->durable;
	struct log_header before = media->header;
	int rc;

	if (start == media->header.start_sequence && durable == media->header.durable_sequence)
		return 0;
	if (start > media->start)
		media->header.start_chain = media_place(media, start - 1)->chain;
	media->header.start_sequence = start;
	media->header.start_block = start <= media->newest ? media_place(media, start)->block
							   : media->next_block;
	media->header.durable_sequence = durable;
	rc = ring_write_header(media);
	if (rc != 0) {
		media->header = before;
		return rc;
	}
	/* Only now may the blocks before the start be written over. */
	ring_free(media, start);
	media->known_durable = max_of(media->known_durable, durable);
	space_settle_all(media);
	return 0;
}

int
media_advance(struct media *media)
{
	int rc;

	/* Heaps that are still to be opened may need what the log holds. */
	if (!media->started)
		return 0;
	fiber_mutex_lock_plain(&media->header_lock);
	rc = media->state != 0 ? media->state : advance(media);
	fiber_mutex_unlock(&media->header_lock);
	return rc;
}

/* The first heap of the list, which goes to its end; NULL when that was visited: then all were. */
static struct heap *
next_of_round(struct media *media)
{
	struct list *link = list_first(&media->heaps);
	struct heap *heap = link ? list_entry(link, struct heap, link) : NULL;

	if (!heap || heap->round == media->round)
		return NULL;
	heap->round = media->round;
	list_remove(link);
	list_append(&media->heaps, link);
	return heap;
}

static int
checkpoint_round(struct media *media)
{
	struct heap *heap;
	int rc = 0;

	fiber_mutex_lock_plain(&media->round_lock);
	media->round++;
	while ((heap = next_of_round(media))) {
		int other;

		if (heap->closing)
			continue;
		heap_use(heap);
		other = heap_checkpoint(heap);
		heap_unuse(heap);
		rc = rc != 0 ? rc : other;
	}
	fiber_mutex_unlock(&media->round_lock);
	return rc;
}

int
media_checkpoint(struct media *media)
{
	int rc = media_wait(media, media->newest_record);

	if (rc == 0)
		rc = checkpoint_round(media);
	return rc == 0 ? media_advance(media) : rc;
}

/* ------------------------------------------------ in the background */

void
checkpoint_kick(struct media *media)
{
	media->pressure = true;
	wait_queue_wake_one(&media->checkpoint_work);
}

static void
interval_due(struct timer *timer)
{
	struct media *media = container_of(timer, struct media, checkpoint_timer);

	media->interval_due = true;
	wait_queue_wake_one(&media->checkpoint_work);
}

/*
 * Transactions wait for room, and no checkpoint can make any, since the log begins with what is
 * kept for heaps that are not open: they would wait until the next start. The header that moves the
 * start names those heaps.
 */
static int
give_up(struct media *media)
{
	int rc = 0;

	fiber_mutex_lock_plain(&media->header_lock);
	if (media->state == 0 && kept_oldest(media) == oldest_needed(media) && kept_give_up(media))
		rc = advance(media);
	fiber_mutex_unlock(&media->header_lock);
	return rc;
}

static struct heap *
heap_holding_back(struct media *media)
{
	struct heap *found = NULL;

	LIST_FOR_EACH(link, &media->heaps) {
		struct heap *heap = list_entry(link, struct heap, link);

		if (heap->oldest != 0 && !heap->closing && heap->state == 0 &&
		    (!found || heap->oldest < found->oldest))
			found = heap;
	}
	return found;
}

/* Until half of the log is free, or nothing more can be done now. */
static void
relieve(struct media *media)
{
	uint64_t start;
	int rc = media_advance(media);

	if (rc == 0 && media->starved && kept_oldest(media) != 0)
		rc = give_up(media);
	media->starved = false;
	start = media->start;
	while (rc == 0 && (media_ring_taken(media) > media->ring_blocks / 2 ||
			   FAULT("media: checkpoint a heap early"))) {
		struct heap *heap = heap_holding_back(media);

		if (!heap)
			return;
		heap_use(heap);
		rc = heap_checkpoint(heap);
		heap_unuse(heap);
		if (rc == 0)
			rc = media_advance(media);
		if (media->start == start)
			return;
		start = media->start;
	}
}

/* What does not need a whole checkpoint. */
static void
look_after_heaps(struct media *media)
{
	bool place = media->overlay_bytes > OVERLAY_BYTES_MAX ||
		     FAULT("media: write payload to its place early");
	struct list *link = list_first(&media->heaps);

	while (link) {
		struct heap *heap = list_entry(link, struct heap, link);

		heap_use(heap);
		if (heap->settle_due && !heap->closing)
			space_settle_absent(heap);
		if (place && !heap->closing && heap->state == 0 && media->state == 0) {
			REACHED("media: payload is written to its place before a checkpoint");
			(void)heap_write(heap, place_payload);
		}
		link = link->next == &media->heaps ? NULL : link->next;
		heap_unuse(heap);
	}
}

static void
work(struct media *media)
{
	if (media->state != 0)
		return;
	look_after_heaps(media);
	if (media->pressure) {
		media->pressure = false;
		relieve(media);
	}
	if (media->interval_due) {
		media->interval_due = false;
		if (checkpoint_round(media) == 0)
			(void)media_advance(media);
	}
}

void
checkpoint_fiber(void *argument)
{
	struct media *media = argument;

	while (!media->stopping) {
		timer_start(media->loop, &media->checkpoint_timer,
			    env_monotonic(media->env) + media->options.checkpoint_interval,
			    interval_due);
		while (!media->stopping && !media->pressure && !media->interval_due &&
		       !media->settle_wanted)
			wait_queue_wait_plain(&media->checkpoint_work);
		media->settle_wanted = false;
		timer_stop(media->loop, &media->checkpoint_timer);
		work(media);
		if (media->state != 0)
			break;
	}
	timer_stop(media->loop, &media->checkpoint_timer);
	media->fibers--;
	wait_queue_wake_all(&media->ended);
}
