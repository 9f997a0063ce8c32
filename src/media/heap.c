/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Heap files: made, opened, closed; superblocks and the zone table. */
#include <stdio.h>

#include "media/private.h"

#define SUPERBLOCKS 2u
#define SLOT_HEADROOM \
	320u /* chunk slots beyond the image and an eighth: a whole zone always fits */
#define RESERVE_BYTES (16u * 1024 * 1024)
#define FILE_NAME_MAX (HEAP_NAME_MAX + 8)
#define TABLE_READ 64u /* entries read at once */

static void
file_name(const char *name, const char *suffix, char result[FILE_NAME_MAX])
{
	snprintf(result, FILE_NAME_MAX, "%s%s", name, suffix);
}

/* ------------------------------------------------ superblock */

static uint64_t
table_bytes(const struct heap_superblock *superblock)
{
	return ((uint64_t)superblock->heap_zones + superblock->space_zones) * ZONE_ENTRIES *
	       DISK_BLOCK;
}

static uint64_t
file_bytes(const struct heap_superblock *superblock)
{
	return SUPERBLOCKS * DISK_BLOCK + table_bytes(superblock) +
	       (uint64_t)superblock->slots * DISK_BLOCK;
}

static int
write_superblock(struct arena *arena, struct disk *disk, const struct heap_superblock *superblock)
{
	AUTO_FREE struct scoped_block block = {arena,
					       arena_alloc_aligned(arena, DISK_BLOCK, DISK_BLOCK)};
	struct heap_superblock *copy = block.pointer;

	if (!copy)
		return error_raise(-DER_NOMEM, "no memory for a superblock");
	memset(copy, 0, DISK_BLOCK);
	*copy = *superblock;
	copy->crc = 0;
	copy->crc = crc32c(0, copy, DISK_BLOCK);
	return disk_write(disk, copy, DISK_BLOCK,
			  (superblock->generation % SUPERBLOCKS) * DISK_BLOCK, true);
}

int
heap_write_superblock(struct heap *heap)
{
	heap->superblock.generation++;
	heap->superblock.heap_zones_used = heap->heap_zones_used;
	return write_superblock(heap->media->arena, heap->disk, &heap->superblock);
}

static bool
superblock_valid(uint8_t *data, struct heap_superblock *ret_superblock)
{
	struct heap_superblock *superblock = (struct heap_superblock *)(void *)data;
	uint32_t crc = superblock->crc;

	superblock->crc = 0;
	*ret_superblock = *superblock;
	return superblock->magic == HEAP_MAGIC && crc32c(0, data, DISK_BLOCK) == crc;
}

static int
superblock_check(const struct heap_superblock *superblock, uint64_t disk_size)
{
	uint64_t blocks = superblock->data_size / DISK_BLOCK;

	if (superblock->version != HEAP_VERSION || superblock->feature_incompatible != 0)
		return error_raise(
			-DER_DF_INCOMPT,
			"heap format version %u, features %#x; this program reads version %u",
			superblock->version, superblock->feature_incompatible, HEAP_VERSION);
	if (superblock->heap_zones == 0 ||
	    superblock->heap_size != (uint64_t)superblock->heap_zones * HEAP_ZONE ||
	    superblock->space_zones != (blocks + SPACE_ZONE_BLOCKS - 1) / SPACE_ZONE_BLOCKS ||
	    superblock->heap_zones_used == 0 ||
	    superblock->heap_zones_used > superblock->heap_zones ||
	    superblock->space_reserve > 100 || file_bytes(superblock) > disk_size)
		return error_raise(-DER_DF_INVAL, "the heap's superblock holds impossible sizes");
	return 0;
}

/* The valid one of the higher generation; returns how many are valid. */
static uint32_t
choose_superblock(uint8_t *blocks, struct heap_superblock *ret_superblock)
{
	uint32_t valid = 0;

	for (uint32_t i = 0; i < SUPERBLOCKS; i++) {
		struct heap_superblock superblock;

		if (!superblock_valid(blocks + (size_t)i * DISK_BLOCK, &superblock))
			continue;
		if (valid == 0 || superblock.generation > ret_superblock->generation)
			*ret_superblock = superblock;
		valid++;
	}
	return valid;
}

/* One of the two may be damaged by a write that power cut short. A read that spoils the newer one
 * would make the older count, so it is repeated before that is believed. */
int
heap_read_superblock(struct arena *arena, struct disk *disk, struct heap_superblock *ret_superblock,
		     bool *ret_alone)
{
	AUTO_FREE struct scoped_block block = {
		arena, arena_alloc_aligned(arena, SUPERBLOCKS * DISK_BLOCK, DISK_BLOCK)};
	struct heap_superblock best = {0};
	uint32_t valid = 0;
	int rc = 0;

	if (!block.pointer)
		return error_raise(-DER_NOMEM, "no memory for a superblock");
	for (uint32_t i = 0; i < READ_TRIES && rc == 0 && valid < SUPERBLOCKS; i++) {
		rc = media_read(disk, block.pointer, SUPERBLOCKS * DISK_BLOCK, 0);
		if (rc == 0)
			valid = choose_superblock(block.pointer, &best);
	}
	if (rc != 0)
		return rc;
	if (valid == 0)
		return error_raise(-DER_DF_INVAL, "neither superblock of the heap is valid");
	rc = superblock_check(&best, disk->size);
	if (rc != 0)
		return rc;
	*ret_superblock = best;
	if (ret_alone)
		*ret_alone = valid < SUPERBLOCKS;
	return 0;
}

/* ------------------------------------------------ create */

static int
create_files(struct storage *storage, const char *name, const struct heap_superblock *superblock,
	     bool thin, struct disk **ret_disk)
{
	enum storage_allocate allocate = thin ? STORAGE_THIN : STORAGE_ALLOCATED;
	char heap_name[FILE_NAME_MAX], data_name[FILE_NAME_MAX];
	struct disk *data;
	int rc;

	file_name(name, ".heap", heap_name);
	file_name(name, ".data", data_name);
	rc = storage->create(storage, heap_name, file_bytes(superblock), allocate, ret_disk);
	if (rc != 0 || superblock->data_size == 0)
		return rc;
	rc = storage->create(storage, data_name, superblock->data_size, allocate, &data);
	if (rc == 0) {
		disk_close(data);
		return 0;
	}
	disk_close(*ret_disk);
	(void)storage->remove(storage, heap_name);
	return rc;
}

/* Another heap had the name and is gone: nothing is kept for it, and what was given up is forgiven
 * before anybody can know the new one. */
static int
former_gone(struct media *media, const char *name)
{
	int rc = media->state;

	kept_drop(media, name);
	if (rc != 0 || !kept_forgive(media, name))
		return rc;
	fiber_mutex_lock_plain(&media->header_lock);
	rc = media->state != 0 ? media->state : ring_write_header(media);
	fiber_mutex_unlock(&media->header_lock);
	return rc;
}

int
heap_create(struct media *media, const char *name, const struct heap_options *options)
{
	uint32_t zones = (uint32_t)(options->heap_size / HEAP_ZONE);
	uint64_t blocks = options->data_size / DISK_BLOCK;
	struct heap_superblock superblock = {
		.magic = HEAP_MAGIC,
		.version = HEAP_VERSION,
		.flags = SUPERBLOCK_CLEAN | (options->thin ? SUPERBLOCK_THIN : 0),
		.id = options->id,
		.generation = 1,
		.heap_size = options->heap_size,
		.data_size = options->data_size,
		.heap_zones = zones,
		.space_zones = (uint32_t)((blocks + SPACE_ZONE_BLOCKS - 1) / SPACE_ZONE_BLOCKS),
		.heap_zones_used = 1,
		.space_reserve = options->space_reserve,
		.log_id = media->header.log_id,
	};
	struct disk *disk;
	int rc;

	if (strlen(name) >= HEAP_NAME_MAX || zones == 0 || options->heap_size % HEAP_ZONE != 0 ||
	    options->data_size % DISK_BLOCK != 0 || options->space_reserve > 100 ||
	    options->heap_size >> (64 - RANGE_LENGTH_BITS) != 0)
		return error_raise(-DER_INVAL, "heap %s: impossible sizes or name", name);
	superblock.slots = (zones + superblock.space_zones) * ZONE_CHUNKS;
	superblock.slots += superblock.slots / 8 + SLOT_HEADROOM;
	rc = create_files(media->env->storage, name, &superblock, options->thin, &disk);
	if (rc != 0)
		return rc;
	rc = former_gone(media, name);
	/* Both, so that on a thin disk neither has to find space later. */
	if (rc == 0)
		rc = write_superblock(media->arena, disk, &superblock);
	superblock.generation++;
	if (rc == 0)
		rc = write_superblock(media->arena, disk, &superblock);
	disk_close(disk);
	if (rc == 0)
		return 0;
	if (heap_remove(media->env->storage, name) != 0)
		log_warning("heap %s: its files could not be removed", name);
	return rc;
}

int
heap_remove(struct storage *storage, const char *name)
{
	char heap_name[FILE_NAME_MAX], data_name[FILE_NAME_MAX];
	int rc;

	file_name(name, ".heap", heap_name);
	file_name(name, ".data", data_name);
	/* The heap file goes last: while it is there its owner can still see what it has to remove.
	 */
	rc = storage->remove(storage, data_name);
	if (rc != 0 && rc != -DER_NONEXIST)
		return rc;
	return storage->remove(storage, heap_name);
}

/* ------------------------------------------------ zone table */

/* The newer valid one of a zone's two entries; false when none is valid. */
static bool
entry_choose(const struct heap *heap, uint32_t number, const uint8_t *blocks,
	     struct zone_entry *ret_entry)
{
	bool found = false;

	for (uint32_t i = 0; i < ZONE_ENTRIES; i++) {
		struct zone_entry entry;
		uint32_t crc;

		memcpy(&entry, blocks + (size_t)i * DISK_BLOCK, sizeof(entry));
		crc = entry.crc;
		entry.crc = 0;
		if (entry.magic != ZONE_MAGIC || crc32c(0, &entry, sizeof(entry)) != crc ||
		    entry.zone != number || entry.version != ZONE_VERSION ||
		    !uuid_equal(&entry.heap_id, &heap->id))
			continue;
		if (!found || entry.generation > ret_entry->generation)
			*ret_entry = entry;
		found = true;
	}
	return found;
}

/* The slots are in use by the zone. */
static int
slots_claim(struct heap *heap, uint32_t number, const struct zone_chunk *chunks, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = chunks[i].slot;

		if (slot == 0)
			continue;
		if (slot > heap->slot_count || (heap->slots[slot / 64] >> (slot % 64) & 1))
			return error_raise(
				-DER_DF_INVAL,
				"heap %s: zone %u claims slot %u, which is impossible or taken",
				heap->name, number, slot);
		heap->slots[slot / 64] |= UINT64_C(1) << (slot % 64);
		heap->slots_free--;
	}
	return 0;
}

static int
deltas_take(struct zone *zone, const struct zone_entry *entry)
{
	struct heap *heap = zone->heap;
	uint32_t count = entry->delta_count;
	bool possible = count <= ZONE_DELTAS;

	for (uint32_t i = 0; possible && i < count; i++)
		possible = entry->deltas[i].slot != 0;
	for (uint32_t i = 0; possible && i < ZONE_CHUNKS; i++)
		possible = entry->first_delta[i] <= count;
	if (!possible)
		return error_raise(-DER_DF_INVAL, "heap %s: the deltas of zone %u are impossible",
				   heap->name, entry->zone);
	if (count == 0)
		return 0;
	if (!deltas_ready(zone))
		return error_raise(-DER_NOMEM, "no memory for heap %s", heap->name);
	zone->deltas->count = count;
	memcpy(zone->deltas->first, entry->first_delta, sizeof(zone->deltas->first));
	memcpy(zone->deltas->chunks, entry->deltas, count * sizeof(entry->deltas[0]));
	heap->delta_slots += count;
	return slots_claim(heap, entry->zone, entry->deltas, count);
}

static int
entry_apply(struct heap *heap, const struct zone_entry *entry)
{
	uint32_t capacity;
	struct zone *zone;
	int rc = zone_get(heap, entry->zone, &zone);

	if (rc != 0)
		return rc;
	capacity = zone->free_count;
	if (entry->free_count > capacity)
		return error_raise(-DER_DF_INVAL, "heap %s: entry of zone %u is impossible",
				   heap->name, entry->zone);
	zone->generation = entry->generation;
	zone->counted = entry->coverage <= heap->superblock.coverage ? entry->generation
								     : entry->counted;
	if (zone->counted != zone->generation)
		list_append(&heap->uncounted, &zone->uncounted_link);
	if (zone_is_space(zone)) {
		zone->owned = (uint32_t)entry->free_count;
		zone->free_count = capacity - zone->owned;
	} else {
		zone->free_count = (uint32_t)entry->free_count;
	}
	memcpy(zone->chunks, entry->chunks, sizeof(zone->chunks));
	rc = slots_claim(heap, entry->zone, entry->chunks, ZONE_CHUNKS);
	return rc == 0 ? deltas_take(zone, entry) : rc;
}

/* Reads the entries of zones [first, first + count). */
static int
read_entries(struct heap *heap, uint32_t first, uint32_t count, uint8_t *buffer)
{
	struct zone_entry entry;
	struct zone *zone;
	int rc = 0;

	for (uint32_t i = first; i < first + count && rc == 0; i++) {
		uint8_t *blocks = buffer + (size_t)(i % TABLE_READ) * ZONE_ENTRIES * DISK_BLOCK;

		if (i == first || i % TABLE_READ == 0) {
			uint32_t batch = min_of(first + count - i, TABLE_READ - i % TABLE_READ);

			rc = media_read(
				heap->disk, blocks, (uint64_t)batch * ZONE_ENTRIES * DISK_BLOCK,
				heap->zones_start + (uint64_t)i * ZONE_ENTRIES * DISK_BLOCK);
		}
		if (rc != 0)
			break;
		/* None in force: the zone was never written, or its first entry was cut short. */
		if (entry_choose(heap, i, blocks, &entry))
			rc = entry_apply(heap, &entry);
		else
			rc = zone_get(heap, i, &zone);
	}
	return rc;
}

/* Whether the entries that count are those that the superblock saw. */
static int
check_zone_table(const struct heap *heap)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++) {
		if (heap->zones[i])
			sum += entry_mark(i, heap->zones[i]->counted);
	}
	if (sum == heap->superblock.table_sum)
		return 0;
	return error_raise(-DER_CSUM, "heap %s: entries of the zone table are damaged or missing",
			   heap->name);
}

static int
read_zone_table(struct heap *heap)
{
	AUTO_FREE struct scoped_block buffer = {
		heap->media->arena,
		arena_alloc_aligned(heap->media->arena, TABLE_READ * ZONE_ENTRIES * DISK_BLOCK,
				    DISK_BLOCK)};
	int rc;

	if (!buffer.pointer)
		return error_raise(-DER_NOMEM, "no memory to read the zone table of heap %s",
				   heap->name);
	rc = read_entries(heap, 0, heap->heap_zones_used, buffer.pointer);
	if (rc == 0)
		rc = read_entries(heap, heap->heap_zones, heap->space_zones, buffer.pointer);
	return rc == 0 ? check_zone_table(heap) : rc;
}

/* Writes the other entry of zone from a block that holds it; not durable yet. *Yields*. */
int
heap_write_entry(struct heap *heap, const struct zone_entry *entry)
{
	uint64_t offset = heap->zones_start + ((uint64_t)entry->zone * ZONE_ENTRIES +
					       entry->generation % ZONE_ENTRIES) *
						      DISK_BLOCK;

	return disk_write(heap->disk, entry, DISK_BLOCK, offset, false);
}

/* ------------------------------------------------ open */

static void
heap_free(struct heap *heap)
{
	struct media *media = heap->media;

	if (heap->zones) {
		for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++)
			if (heap->zones[i])
				zone_free(heap->zones[i]);
		overlay_fini(heap);
	}
	list_remove(&heap->settling);
	if (list_linked(&heap->link)) {
		list_remove(&heap->link);
		media->heap_count--;
	}
	if (heap->disk)
		disk_close(heap->disk);
	if (heap->data)
		disk_close(heap->data);
	arena_free(media->arena, heap->zones);
	arena_free(media->arena, heap->slots);
	arena_free(media->arena, heap);
}

static int
open_files(struct heap *heap)
{
	struct storage *storage = heap->media->env->storage;
	char name[FILE_NAME_MAX];
	int rc;

	file_name(heap->name, ".heap", name);
	rc = storage->open(storage, name, &heap->disk);
	if (rc == 0)
		rc = heap_read_superblock(heap->media->arena, heap->disk, &heap->superblock,
					  &heap->superblock_alone);
	if (rc != 0 || heap->superblock.data_size == 0)
		return rc;
	file_name(heap->name, ".data", name);
	rc = storage->open(storage, name, &heap->data);
	if (rc == 0 && heap->data->size < heap->superblock.data_size)
		rc = error_raise(-DER_DF_INVAL, "%s is shorter than its heap says", name);
	return rc;
}

static int
set_up(struct heap *heap)
{
	const struct heap_superblock *superblock = &heap->superblock;
	struct arena *arena = heap->media->arena;
	uint64_t chunks;

	heap->id = superblock->id;
	heap->heap_zones = superblock->heap_zones;
	heap->space_zones = superblock->space_zones;
	heap->heap_zones_used = superblock->heap_zones_used;
	heap->slot_count = superblock->slots;
	heap->slots_free = superblock->slots;
	/* What is left for them when every chunk has a slot and another zone is being written. */
	chunks = ((uint64_t)heap->heap_zones + heap->space_zones) * ZONE_CHUNKS + SLOT_HEADROOM;
	heap->delta_limit = (uint32_t)(heap->slot_count - min_of(chunks, heap->slot_count + 0ul));
	heap->zones_start = SUPERBLOCKS * DISK_BLOCK;
	heap->slots_start = heap->zones_start + table_bytes(superblock);
	list_init(&heap->roomy);
	list_init(&heap->uncounted);
	for (uint32_t i = 0; i < SIZE_CLASSES; i++)
		list_init(&heap->partial[i]);
	fiber_mutex_init(&heap->checkpoint_lock);
	wait_queue_init(&heap->unused);
	table_init(&heap->overlay, arena);
	heap->inline_limit =
		(uint32_t)min_of(heap->media->options.inline_limit, (uint64_t)INLINE_MAX);
	if (heap->media->options.inline_limit == 0)
		heap->inline_limit = heap->data && heap->data->volatile_cache ? INLINE_MAX
									      : DISK_BLOCK;
	heap->zones = arena_calloc(arena, (size_t)heap->heap_zones + heap->space_zones,
				   sizeof(*heap->zones));
	heap->slots = arena_calloc(arena, heap->slot_count / 64 + 1, sizeof(*heap->slots));
	if (!heap->zones || !heap->slots)
		return error_raise(-DER_NOMEM, "no memory for heap %s", heap->name);
	return 0;
}

/*
 * A superblock that says "clean", though the log has newer records of the heap: the one that was
 * written when it was opened for them is damaged or was never written. Records of another time on
 * this log may be there when the heap was on another one since; then only a damaged superblock
 * raises the question.
 */
static int
check_clean(struct heap *heap, bool same_log)
{
	struct media *media = heap->media;
	uint64_t covered = same_log ? heap->superblock.covered_sequence : 0;
	uint64_t group = 0;
	int rc = 0;

	if (!media->started && (same_log || heap->superblock_alone))
		rc = replay_find(media, heap->name, &heap->id, covered, &group);
	if (rc != 0 || group == 0)
		return rc;
	REACHED("media: the newer superblock of a heap is missing");
	return error_raise(-DER_CSUM, "heap %s: its superblock is older than group %lu of log %s",
			   heap->name, (unsigned long)group, media->name);
}

/* What the log holds of this heap is replayed, or must be nothing. */
static int
attach(struct heap *heap)
{
	struct media *media = heap->media;
	struct heap_superblock *superblock = &heap->superblock;
	bool same_log = uuid_equal(&superblock->log_id, &media->header.log_id);
	int rc;

	if (same_log && superblock->covered_sequence > media->newest)
		return error_raise(-DER_IO,
				   "log %s ends at group %lu, but heap %s has had group %lu",
				   media->name, (unsigned long)media->newest, heap->name,
				   (unsigned long)superblock->covered_sequence);
	if (superblock->flags & SUPERBLOCK_CLEAN) {
		rc = check_clean(heap, same_log);
		if (rc != 0)
			return rc;
		superblock->flags &= ~SUPERBLOCK_CLEAN;
		superblock->log_id = media->header.log_id;
		/* Before the first record: from here on this log matters to the heap, and nothing
		 * older in it. A group that is not durable may vanish and its number be used again.
		 */
		superblock->covered_sequence = media->durable;
		heap->marked = true;
		return heap_write_superblock(heap);
	}
	if (!same_log || media->started)
		return error_raise(
			-DER_BUSY,
			"heap %s was not closed cleanly, on another log or by an earlier start",
			heap->name);
	heap->replaying = true;
	rc = replay_heap(heap);
	heap->replaying = false;
	return rc;
}

static void
count_pages(struct heap *heap)
{
	uint64_t reserve = max_of(heap->superblock.heap_size / 50, (uint64_t)RESERVE_BYTES);

	heap->pages_total = 0;
	heap->pages_free = 0;
	for (uint32_t i = 0; i < heap->heap_zones; i++) {
		heap->pages_total += zone_new_free(i);
		heap->pages_free += heap->zones[i] ? heap->zones[i]->free_count : zone_new_free(i);
	}
	heap->pages_reserve = min_of(reserve, heap->superblock.heap_size / 4) / DISK_BLOCK;
}

/* Zones that replay loaded are checked and summarised now that they are consistent. */
static int
summarise_zones(struct heap *heap)
{
	int rc = 0;

	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones && rc == 0; i++) {
		struct zone *zone = heap->zones[i];

		if (!zone || zone->stage != ZONE_LOADED)
			continue;
		rc = zone_is_space(zone) ? space_summarise(zone) : zone_summarise(zone);
		if (zone_is_space(zone))
			zone->owned = space_zone_blocks(zone) - zone->free_count;
	}
	return rc;
}

static int
open_heap(struct heap *heap)
{
	int rc = open_files(heap);

	if (rc == 0)
		rc = set_up(heap);
	if (rc == 0)
		rc = read_zone_table(heap);
	/*
	 * Where only the process died, entries may have been read from a volatile cache. The slots
	 * that they do not name are about to be written over, so they must not vanish any more.
	 */
	if (rc == 0)
		rc = disk_flush(heap->disk);
	if (rc == 0)
		rc = attach(heap);
	if (rc == 0)
		rc = summarise_zones(heap);
	if (rc != 0)
		return rc;
	count_pages(heap);
	space_init(heap);
	return 0;
}

/* One attempt. */
static int
try_open(struct media *media, const char *name, struct heap **ret_heap)
{
	struct heap *heap = arena_calloc(media->arena, 1, sizeof(*heap));
	int rc;

	if (!heap)
		return error_raise(-DER_NOMEM, "no memory for heap %s", name);
	heap->media = media;
	snprintf(heap->name, sizeof(heap->name), "%s", name);
	rc = open_heap(heap);
	*ret_heap = heap;
	return rc;
}

/* What the log holds of a heap that cannot be opened now may serve a later start. */
static void
keep_records(const struct heap *heap)
{
	const struct heap_superblock *superblock = &heap->superblock;

	if (!heap->media->started)
		kept_note(heap->media, heap->name, superblock->magic != 0 ? superblock : NULL);
}

int
heap_open(struct media *media, const char *name, struct heap **ret_heap)
{
	struct heap *heap = NULL;
	int rc;

	if (media->state != 0)
		return media->state;
	if (strlen(name) >= HEAP_NAME_MAX || media->heap_count == MEDIA_HEAPS_MAX)
		return error_raise(-DER_INVAL, "heap %s: name too long, or more than %u heaps",
				   name, MEDIA_HEAPS_MAX);
	if (kept_given_up(media, name))
		return error_raise(
			-DER_DF_INVAL,
			"heap %s: records of it were given up when log %s was full: it can "
			"only be destroyed",
			name, media->name);
	rc = try_open(media, name, &heap);
	/* A wrong read passes; what this opening has written would not be found again as it was. */
	for (uint32_t i = 1;
	     i < READ_TRIES && (rc == -DER_IO || rc == -DER_CSUM) && heap && !heap->marked; i++) {
		REACHED("media: a heap is opened at another attempt");
		heap_free(heap);
		heap = NULL;
		rc = try_open(media, name, &heap);
	}
	if (rc != 0) {
		if (heap && (rc != -DER_NONEXIST || heap->superblock.magic != 0))
			keep_records(heap);
		if (heap)
			heap_free(heap);
		return rc;
	}
	kept_drop(media, name);
	/* Where a round of checkpoints looks next. */
	list_prepend(&media->heaps, &heap->link);
	media->heap_count++;
	*ret_heap = heap;
	return 0;
}

/* ------------------------------------------------ close */

/* Until no group, fiber of media or checkpoint refers to the heap. */
static void
quiesce(struct heap *heap)
{
	struct media *media = heap->media;

	heap->closing = true;
	ASSERT(media_wait(media, media->newest_record) == 0 || media->state != 0);
	ASSERT(list_empty(&heap->transactions));
	while (heap->users > 0)
		wait_queue_wait_plain(&heap->unused);
	while (!list_empty(&heap->quarantine)) {
		struct list *link = list_first(&heap->quarantine);
		struct tx_body *body = list_entry(link, struct tx_body, frozen);

		list_remove(&body->frozen);
		body_done(body);
	}
}

void
heap_use(struct heap *heap)
{
	heap->users++;
}

void
heap_unuse(struct heap *heap)
{
	if (--heap->users == 0)
		wait_queue_wake_all(&heap->unused);
}

int
heap_close(struct heap *heap)
{
	struct media *media = heap->media;
	int rc = media_wait(media, media->newest_record);

	if (rc == 0 && heap->state == 0)
		rc = heap_checkpoint(heap);
	if (rc == 0 && heap->state == 0) {
		heap->superblock.flags |= SUPERBLOCK_CLEAN;
		rc = heap_write_superblock(heap);
	}
	/* What could not be written now is replayed at the next start. */
	if (rc != 0 && heap->oldest != 0)
		kept_from(media, heap->name, heap->oldest);
	quiesce(heap);
	heap_free(heap);
	return rc;
}

void
heap_forget(struct heap *heap)
{
	quiesce(heap);
	heap_free(heap);
}

void
heap_fail(struct heap *heap, int code)
{
	if (heap->state == 0) {
		heap->state = code;
		error_log(LOG_ERROR, code, "heap %s is damaged and answers nothing any more",
			  heap->name);
	}
}

/* ------------------------------------------------ figures */

struct media *
heap_media(const struct heap *heap)
{
	return heap->media;
}

struct uuid
heap_id(const struct heap *heap)
{
	return heap->id;
}

uint64_t
heap_root(const struct heap *heap)
{
	(void)heap;
	return ZONE_HEADER_PAGES * DISK_BLOCK;
}

static uint64_t
above(uint64_t free, uint64_t taken)
{
	return free > taken ? free - taken : 0;
}

void
heap_space(const struct heap *heap, struct heap_space *ret_space)
{
	*ret_space = (struct heap_space){
		.heap_total = heap->pages_total * DISK_BLOCK,
		.heap_free = above(heap->pages_free, heap->pages_promised + heap->pages_reserve) *
			     DISK_BLOCK,
		.heap_reserved = heap->pages_reserve * DISK_BLOCK,
		.data_total = heap->blocks_total * DISK_BLOCK,
		.data_free =
			above(heap->blocks_free + heap->blocks_quarantined, heap->blocks_reserve) *
			DISK_BLOCK,
		.data_reserved = heap->blocks_reserve * DISK_BLOCK,
	};
}
