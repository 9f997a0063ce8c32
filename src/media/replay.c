/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The way back after a start. The end of the log is the first group whose chain, sum or data fails;
 * no group is looked at behind it. Records of a heap are then applied to its zones in memory.
 * Nothing on a disk changes, so that a crash meanwhile costs nothing.
 */
#include <stdio.h>

#include "media/private.h"

/* ------------------------------------------------ the chain */

struct scan {
	struct media *media;
	struct ring_window window;
	uint64_t sequence; /* of the group wanted next */
	uint64_t chain;	   /* that it must name */
	uint32_t block;
	uint32_t used;	  /* blocks of those before */
	uint64_t durable; /* the newest that a header or a later group calls durable */
};

/*
 * Groups from incarnation_sequence on were written since the last start; older ones carry a smaller
 * number. So a group that an earlier start rejected is not taken now, even where its chain fits.
 */
static bool
follows(const struct scan *scan, const struct group_header *header)
{
	const struct log_header *log = &scan->media->header;
	bool current = scan->sequence >= log->incarnation_sequence;

	return header->sequence == scan->sequence && header->previous_chain == scan->chain &&
	       uuid_equal(&header->log_id, &log->log_id) &&
	       header->durable_sequence < header->sequence &&
	       (current ? header->incarnation == log->incarnation
			: header->incarnation < log->incarnation);
}

/* The group that scan wants: 1, or 0 at the end of the log. */
static int
next_group(struct scan *scan, const uint8_t **ret_data, struct group_header *ret_header)
{
	uint32_t limit = min_of(scan->media->group_limit / DISK_BLOCK,
				scan->media->ring_blocks - scan->used);
	int rc;

	if (limit == 0)
		return 0;
	rc = ring_window_get(&scan->window, scan->block, 1, ret_data);
	if (rc != 0)
		return rc;
	if (group_check_header(*ret_data, limit, ret_header) != 0 || !follows(scan, ret_header))
		return 0;
	rc = ring_window_get(&scan->window, scan->block, ret_header->blocks, ret_data);
	if (rc != 0)
		return rc;
	return group_check(*ret_data, ret_header) == 0;
}

static void
scan_accept(struct scan *scan, const uint8_t *data, const struct group_header *header)
{
	struct media *media = scan->media;
	struct group_place *place = media_place(media, header->sequence);

	*place = (struct group_place){
		.chain = group_chain(header), .block = scan->block, .blocks = header->blocks};
	for (uint32_t i = 0; i < header->heap_count; i++)
		place->heap_mask |= heap_mask_of(&group_heap_at(data, header, i)->id);
	scan->chain = place->chain;
	scan->block = (scan->block + header->blocks) % media->ring_blocks;
	scan->used += header->blocks;
	scan->durable = max_of(scan->durable, header->durable_sequence);
	scan->sequence++;
	media->figures.replayed_groups++;
	media->figures.replayed_records += header->record_count;
}

/* ------------------------------------------------ data written in place */

/* The data disk of a heap that a record names; NULL when the heap was removed since. */
static int
open_data(struct media *media, const struct group_heap *named, struct disk **ret_data)
{
	struct storage *storage = media->env->storage;
	struct heap_superblock superblock;
	char name[HEAP_NAME_MAX + 8];
	struct disk *disk;
	int rc;

	*ret_data = NULL;
	snprintf(name, sizeof(name), "%s.heap", named->name);
	rc = storage->open(storage, name, &disk);
	if (rc != 0)
		return rc == -DER_NONEXIST ? 0 : rc;
	rc = heap_read_superblock(media->arena, disk, &superblock);
	disk_close(disk);
	/* A damaged heap fails when it is opened; another one of the same name has nothing to do
	 * with the record. */
	if (rc != 0 || !uuid_equal(&superblock.id, &named->id))
		return rc == -DER_IO || rc == -DER_NOMEM ? rc : 0;
	snprintf(name, sizeof(name), "%s.data", named->name);
	rc = storage->open(storage, name, ret_data);
	return rc == -DER_NONEXIST ? 0 : rc;
}

/*
 * The rest of the last block is part of what was written: where it is not zeros, the write was torn
 * behind the payload, and the block still shows what its former owner had there.
 */
static bool
rest_is_zeros(const uint8_t *data, uint64_t length, uint64_t bytes)
{
	for (uint64_t i = length; i < bytes; i++)
		if (data[i] != 0)
			return false;
	return true;
}

static int
verify_payload(struct media *media, struct disk *disk, const struct record_payload *payload,
	       bool *ret_good)
{
	uint64_t bytes = align_up(payload->length, DISK_BLOCK);
	AUTO_FREE struct scoped_block buffer = {
		media->arena, arena_alloc_aligned(media->arena, bytes, DISK_BLOCK)};
	int rc;

	if (!buffer.pointer)
		return error_raise(-DER_NOMEM, "no memory to verify a payload of %u bytes",
				   payload->length);
	if (payload->block * DISK_BLOCK + bytes > disk->size) {
		*ret_good = false;
		return 0;
	}
	rc = disk_read(disk, buffer.pointer, bytes, payload->block * DISK_BLOCK);
	*ret_good = rc == 0 && crc32c(0, buffer.pointer, payload->length) == payload->crc &&
		    rest_is_zeros(buffer.pointer, payload->length, bytes);
	return rc;
}

static int
verify_record(struct media *media, struct disk *disk, const struct record *record, bool *ret_good)
{
	struct record_payload payload;
	int rc = 0;

	*ret_good = true;
	for (uint32_t i = 0; i < record->header.payload_count && rc == 0 && *ret_good; i++) {
		memcpy(&payload, record->payloads + i * sizeof(payload), sizeof(payload));
		if (payload.flags & PAYLOAD_VERIFIED && payload.length > 0)
			rc = verify_payload(media, disk, &payload, ret_good);
	}
	return rc;
}

/* What is read here may still be in a volatile cache if only the process died: it is flushed before
 * it counts. */
static int
verify_heap(struct media *media, const uint8_t *data, const struct group_header *header,
	    uint32_t index, bool *ret_good)
{
	struct record record;
	struct disk *disk;
	uint32_t position = 0;
	int rc = open_data(media, group_heap_at(data, header, index), &disk);

	if (rc != 0 || !disk)
		return rc;
	while (rc == 0 && *ret_good && group_next_record(data, header, &position, &record) == 1)
		if (record.header.heap == index)
			rc = verify_record(media, disk, &record, ret_good);
	if (rc == 0)
		rc = disk_flush(disk);
	disk_close(disk);
	return rc;
}

static int
verify_group(struct media *media, const uint8_t *data, const struct group_header *header,
	     bool *ret_good)
{
	int rc = 0;

	*ret_good = true;
	for (uint32_t i = 0; i < header->heap_count && rc == 0 && *ret_good; i++)
		rc = verify_heap(media, data, header, i, ret_good);
	return rc;
}

/* Reads a group again that was accepted before. */
static int
reread_group(struct ring_window *window, uint64_t sequence, const uint8_t **ret_data,
	     struct group_header *ret_header)
{
	const struct group_place *place = media_place(window->media, sequence);
	int rc = ring_window_get(window, place->block, place->blocks, ret_data);

	if (rc != 0)
		return rc;
	rc = group_check_header(*ret_data, place->blocks, ret_header);
	if (rc == 0 &&
	    (ret_header->sequence != sequence || group_chain(ret_header) != place->chain))
		rc = -DER_DF_INVAL;
	if (rc == 0)
		rc = group_check(*ret_data, ret_header);
	if (rc != 0)
		rc = error_raise(-DER_IO, "log %s: group %lu reads differently the second time",
				 window->media->name, (unsigned long)sequence);
	return rc;
}

/* Cuts the log before the first group that is not known to be durable and whose data is not there.
 */
static int
verify_tail(struct scan *scan)
{
	struct media *media = scan->media;
	struct group_header header;
	const uint8_t *data;
	bool good;

	for (uint64_t sequence = max_of(scan->durable + 1, media->header.start_sequence);
	     sequence < scan->sequence; sequence++) {
		int rc = reread_group(&scan->window, sequence, &data, &header);

		if (rc == 0)
			rc = verify_group(media, data, &header, &good);
		if (rc != 0)
			return rc;
		if (good)
			continue;
		log_notice("log %s ends before group %lu, whose data was not written", media->name,
			   (unsigned long)sequence);
		scan->block = media_place(media, sequence)->block;
		scan->chain = header.previous_chain;
		for (uint64_t cut = sequence; cut < scan->sequence; cut++)
			scan->used -= media_place(media, cut)->blocks;
		scan->sequence = sequence;
	}
	return 0;
}

static int
scan_all(struct scan *scan)
{
	struct group_header header;
	const uint8_t *data;
	int rc;

	while ((rc = next_group(scan, &data, &header)) == 1)
		scan_accept(scan, data, &header);
	return rc == 0 ? verify_tail(scan) : rc;
}

int
replay_scan(struct media *media)
{
	const struct log_header *log = &media->header;
	struct scan scan = {.media = media,
			    .sequence = log->start_sequence,
			    .chain = log->start_chain,
			    .block = log->start_block,
			    .durable = log->durable_sequence};
	int rc = ring_window_init(&scan.window, media);

	if (rc != 0)
		return rc;
	rc = scan_all(&scan);
	ring_window_fini(&scan.window);
	/* Heaps will call groups covered that are read now, so that these must not vanish any more.
	 */
	if (rc == 0)
		rc = disk_flush(media->disk);
	if (rc != 0)
		return rc;
	media->start = log->start_sequence;
	media->newest = scan.sequence - 1;
	media->newest_record = media->newest;
	media->durable = media->newest;
	media->known_durable = scan.durable;
	media->chain = scan.chain;
	media->next_block = scan.block;
	media->ring_used = scan.used;
	media->figures.replay_end = media->newest;
	return 0;
}

/* ------------------------------------------------ applying */

static int
apply_range(struct heap *heap, const struct record_range *range, uint64_t group)
{
	uint64_t number = range->offset / HEAP_ZONE;
	uint64_t inside = range->offset % HEAP_ZONE;
	struct zone *zone;
	int rc;

	if (number >= heap->heap_zones || range->length > HEAP_ZONE - inside)
		return error_raise(-DER_DF_INVAL,
				   "heap %s: a record changes %#lx, which is impossible",
				   heap->name, (unsigned long)range->offset);
	rc = zone_get(heap, (uint32_t)number, &zone);
	if (rc == 0)
		rc = zone_load(zone);
	if (rc != 0)
		return rc;
	heap->heap_zones_used = max_of(heap->heap_zones_used, (uint32_t)number + 1);
	memcpy(zone->image + inside, range->data, range->length);
	zone_dirty(zone, (uint32_t)inside, range->length, group);
	return 0;
}

static int
apply_ranges(struct heap *heap, const struct record *record, uint64_t group)
{
	struct record_range range;
	uint32_t position = 0;
	int rc = 0;

	for (uint32_t i = 0; i < record->header.range_count && rc == 0; i++) {
		if (!record_range_next(record, i, &position, &range))
			return error_raise(-DER_DF_INVAL, "heap %s: a record ends early",
					   heap->name);
		rc = apply_range(heap, &range, group);
	}
	return rc;
}

static int
apply_inlined(struct heap *heap, struct data_extent extent, const uint8_t *data, uint32_t length,
	      uint64_t group)
{
	struct overlay_payload *payload;
	int rc = overlay_payload_create(heap, extent, length, &payload);

	if (rc != 0)
		return rc;
	memcpy(payload->data, data, length);
	overlay_add(heap, payload, group);
	return 0;
}

static int
apply_payloads(struct heap *heap, const struct record *record, uint64_t group)
{
	const uint8_t *data = record->inline_data;
	int rc = 0;

	for (uint32_t i = 0; i < record->header.payload_count && rc == 0; i++) {
		struct record_payload payload;
		struct data_extent extent;

		memcpy(&payload, record->payloads + i * sizeof(payload), sizeof(payload));
		extent = (struct data_extent){.block = payload.block, .count = payload.count};
		if (!space_valid(heap, extent))
			return error_raise(-DER_DF_INVAL,
					   "heap %s: a record names an impossible extent",
					   heap->name);
		rc = space_replay(heap, extent, true, group);
		if (rc == 0 && payload.flags & PAYLOAD_INLINED) {
			rc = apply_inlined(heap, extent, data, payload.length, group);
			data += align_up(payload.length, 8);
		}
	}
	return rc;
}

static int
apply_frees(struct heap *heap, const struct record *record, uint64_t group)
{
	int rc = 0;

	for (uint32_t i = 0; i < record->header.free_count && rc == 0; i++) {
		struct record_free entry;
		struct data_extent extent;

		memcpy(&entry, record->frees + i * sizeof(entry), sizeof(entry));
		extent = (struct data_extent){.block = entry.block, .count = entry.count};
		if (!space_valid(heap, extent))
			return error_raise(-DER_DF_INVAL,
					   "heap %s: a record frees an impossible extent",
					   heap->name);
		overlay_drop(heap, extent);
		rc = space_replay(heap, extent, false, group);
	}
	return rc;
}

static int
apply_record(struct heap *heap, const struct record *record, uint64_t group)
{
	int rc = apply_ranges(heap, record, group);

	if (rc == 0)
		rc = apply_payloads(heap, record, group);
	if (rc == 0)
		rc = apply_frees(heap, record, group);
	heap->oldest = heap->oldest ? heap->oldest : group;
	heap->newest = group;
	return rc;
}

static int
apply_group(struct heap *heap, const uint8_t *data, const struct group_header *header)
{
	struct record record;
	uint32_t position = 0;
	int rc = 0;

	while (rc == 0 && group_next_record(data, header, &position, &record) == 1)
		if (uuid_equal(&group_heap_at(data, header, record.header.heap)->id, &heap->id))
			rc = apply_record(heap, &record, header->sequence);
	return rc;
}

int
replay_heap(struct heap *heap)
{
	struct media *media = heap->media;
	uint64_t first = max_of(media->start, heap->superblock.covered_sequence + 1);
	struct group_header header;
	struct ring_window window;
	const uint8_t *data;
	int rc = ring_window_init(&window, media);

	for (uint64_t sequence = first; rc == 0 && sequence <= media->newest; sequence++) {
		if (!(media_place(media, sequence)->heap_mask & heap_mask_of(&heap->id)))
			continue;
		rc = reread_group(&window, sequence, &data, &header);
		if (rc == 0)
			rc = apply_group(heap, data, &header);
	}
	if (window.buffer)
		ring_window_fini(&window);
	return rc;
}
