/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Zones in memory: made, loaded from their chunks with every sum checked, marked when they change.
 */
#include "media/private.h"

#define LOAD_PARALLEL 16u

int
zone_get(struct heap *heap, uint32_t number, struct zone **ret_zone)
{
	struct zone *zone = heap->zones[number];

	if (!zone) {
		zone = arena_calloc(heap->media->arena, 1, sizeof(*zone));
		if (!zone)
			return error_raise(-DER_NOMEM, "no memory for zone %u of heap %s", number,
					   heap->name);
		zone->heap = heap;
		zone->number = number;
		wait_queue_init(&zone->loading);
		zone->free_count = zone_is_space(zone) ? space_zone_blocks(zone)
						       : zone_new_free(number);
		heap->zones[number] = zone;
	}
	*ret_zone = zone;
	return 0;
}

/* ------------------------------------------------ memory of the image */

/*
 * From this zone on the images of two neighbours share one huge page: a heap that has so many is
 * large, and its look-ups jump from zone to zone.
 */
#define HUGE_FROM 16u

struct image_pair {
	uint8_t *memory;
	uint32_t users;
	bool used[2]; /* not zeros any more */
};

static struct image_pair *
pair_get(struct zone *zone)
{
	struct arena *arena = zone->heap->media->arena;
	struct zone *other = zone->heap->zones[zone->number ^ 1];
	struct image_pair *pair = other ? other->pair : NULL;

	if (pair)
		return pair;
	pair = arena_calloc(arena, 1, sizeof(*pair));
	if (!pair)
		return NULL;
	pair->memory = arena_alloc_pages(arena, 2 * (size_t)HEAP_ZONE);
	if (pair->memory)
		return pair;
	arena_free(arena, pair);
	return NULL;
}

/* Zeros. */
static uint8_t *
image_take(struct zone *zone)
{
	uint32_t half = zone->number & 1;
	struct image_pair *pair;

	if (zone->number < HUGE_FROM || (zone->number | 1) >= zone->heap->heap_zones)
		return arena_alloc_pages(zone->heap->media->arena, HEAP_ZONE);
	pair = pair_get(zone);
	if (!pair)
		return NULL;
	zone->pair = pair;
	pair->users++;
	if (pair->used[half])
		memset(pair->memory + half * HEAP_ZONE, 0, HEAP_ZONE);
	pair->used[half] = true;
	return pair->memory + half * HEAP_ZONE;
}

static void
image_give(struct zone *zone)
{
	struct arena *arena = zone->heap->media->arena;
	struct image_pair *pair = zone->pair;

	if (!pair)
		arena_free(arena, zone->image);
	else if (--pair->users == 0) {
		arena_free(arena, pair->memory);
		arena_free(arena, pair);
	}
	zone->pair = NULL;
	zone->image = NULL;
}

void
zone_free(struct zone *zone)
{
	struct arena *arena = zone->heap->media->arena;

	zone_unlist(zone);
	image_give(zone);
	arena_free(arena, zone->region_free);
	zone->heap->zones[zone->number] = NULL;
	arena_free(arena, zone);
}

/* ------------------------------------------------ loading */

struct chunk_read {
	struct disk_io io;
	struct iovec iov;
};

/* The chunks from first on that lie one after the other in the file. */
static uint32_t
chunk_run(const struct zone *zone, uint32_t first)
{
	uint32_t count = 1;

	while (first + count < ZONE_CHUNKS &&
	       zone->chunks[first + count].slot == zone->chunks[first].slot + count)
		count++;
	return count;
}

static void
chunk_submit(struct zone *zone, struct chunk_read *read, uint32_t first, uint32_t count)
{
	read->iov = (struct iovec){zone->image + (size_t)first * DISK_BLOCK,
				   (size_t)count * DISK_BLOCK};
	read->io =
		(struct disk_io){.operation = DISK_READ,
				 .iov = &read->iov,
				 .iov_count = 1,
				 .offset = heap_slot_offset(zone->heap, zone->chunks[first].slot),
				 .length = read->iov.iov_len};
	disk_submit(zone->heap->disk, &read->io);
}

static int
reads_wait(struct chunk_read *reads, uint32_t count)
{
	int rc = 0;

	for (uint32_t i = 0; i < count; i++) {
		int other = completion_wait(&reads[i].io.completion);

		rc = rc != 0 ? rc : other;
	}
	return rc;
}

static int
read_chunks(struct zone *zone)
{
	struct chunk_read reads[LOAD_PARALLEL];
	uint32_t under_way = 0;
	int rc = 0;

	for (uint32_t i = 0; i < ZONE_CHUNKS && rc == 0;) {
		uint32_t count = 1;

		if (zone->chunks[i].slot != 0) {
			count = chunk_run(zone, i);
			chunk_submit(zone, &reads[under_way++], i, count);
		}
		if (under_way == LOAD_PARALLEL) {
			rc = reads_wait(reads, under_way);
			under_way = 0;
		}
		i += count;
	}
	if (under_way > 0) {
		int other = reads_wait(reads, under_way);

		rc = rc != 0 ? rc : other;
	}
	return rc;
}

static int
check_chunks(struct zone *zone)
{
	for (uint32_t i = 0; i < ZONE_CHUNKS; i++) {
		const struct zone_chunk *chunk = &zone->chunks[i];

		if (chunk->slot == 0 ||
		    crc32c(0, zone->image + (size_t)i * DISK_BLOCK, DISK_BLOCK) == chunk->crc)
			continue;
		REACHED("media: a damaged chunk of a zone is found");
		return error_raise(-DER_CSUM, "heap %s: chunk %u of zone %u does not match its sum",
				   zone->heap->name, i, zone->number);
	}
	return 0;
}

/* What the zone's entry said is free must be what the image says. */
static int
summarise(struct zone *zone)
{
	uint32_t expected = zone->free_count;
	int rc = zone_is_space(zone) ? space_summarise(zone) : zone_summarise(zone);

	if (rc == 0 && zone->free_count != expected)
		rc = error_raise(-DER_DF_INVAL, "heap %s: zone %u has %u free, its entry says %u",
				 zone->heap->name, zone->number, zone->free_count, expected);
	return rc;
}

/* A wrong read passes, a damaged chunk stays. */
static int
read_and_check(struct zone *zone)
{
	int rc = -DER_CSUM;

	for (uint32_t i = 0; i < READ_TRIES && (rc == -DER_CSUM || rc == -DER_IO); i++) {
		rc = read_chunks(zone);
		if (rc == 0)
			rc = check_chunks(zone);
	}
	return rc;
}

static int
load(struct zone *zone)
{
	int rc = 0;

	/* A zone that was never written is zeros, without reading: zone_add() relies on it. */
	if (zone->generation != 0)
		rc = read_and_check(zone);
	/* During replay a zone may be newer than the records applied so far; it is summarised at
	 * the end. */
	if (rc == 0 && !zone->heap->replaying)
		rc = summarise(zone);
	return rc;
}

int
zone_load(struct zone *zone)
{
	int rc;

	while (zone->stage == ZONE_LOADING)
		wait_queue_wait_plain(&zone->loading);
	if (zone->stage == ZONE_LOADED)
		return 0;
	zone->image = image_take(zone);
	if (!zone->image)
		return error_raise(-DER_NOMEM, "no memory for zone %u of heap %s", zone->number,
				   zone->heap->name);
	zone->stage = ZONE_LOADING;
	rc = load(zone);
	if (rc == 0) {
		zone->stage = ZONE_LOADED;
	} else {
		zone->stage = ZONE_ABSENT;
		image_give(zone);
	}
	wait_queue_wake_all(&zone->loading);
	return rc;
}

/* ------------------------------------------------ changes */

void
zone_dirty(struct zone *zone, uint32_t from, uint32_t length, uint64_t group)
{
	for (uint32_t chunk = from / DISK_BLOCK; chunk <= (from + length - 1) / DISK_BLOCK; chunk++)
		zone->dirty[chunk / 64] |= UINT64_C(1) << (chunk % 64);
	zone->newest_group = max_of(zone->newest_group, group);
}

bool
zone_is_dirty(const struct zone *zone)
{
	return (zone->dirty[0] | zone->dirty[1] | zone->dirty[2] | zone->dirty[3]) != 0;
}
