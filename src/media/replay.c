/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The way back after a start. The end of the log is the first group whose chain, sum or data fails;
 * what lies behind it counts for nothing, but may tell that this is no end: that a group there had
 * been durable and the log is damaged. Records of a heap are then applied to its zones in memory.
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

	if (BUG(4))
		return uuid_equal(&header->log_id, &log->log_id);
	return header->sequence == scan->sequence && header->previous_chain == scan->chain &&
	       uuid_equal(&header->log_id, &log->log_id) &&
	       header->durable_sequence < header->sequence &&
	       (current ? header->incarnation == log->incarnation
			: header->incarnation < log->incarnation);
}

static int
look_group(struct scan *scan, const uint8_t **ret_data, struct group_header *ret_header)
{
	uint32_t limit = min_of(scan->media->group_limit / DISK_BLOCK,
				scan->media->ring_blocks - scan->used);
	int rc;

	if (limit == 0)
		return 0;
	rc = ring_window_get(&scan->window, scan->block, 1, ret_data);
	if (rc != 0)
		return rc;
	if (group_check_header(*ret_data, limit, ret_header) != 0)
		return 0;
	if (!follows(scan, ret_header)) {
		REACHED("media: replay stops at a stale group");
		return 0;
	}
	rc = ring_window_get(&scan->window, scan->block, ret_header->blocks, ret_data);
	if (rc != 0)
		return rc;
	if (group_check(*ret_data, ret_header) == 0)
		return 1;
	REACHED("media: replay stops at a torn group");
	return 0;
}

/* The group that scan wants: 1, or 0 at the end of the log, which is believed when it was read once
 * more. */
static int
next_group(struct scan *scan, const uint8_t **ret_data, struct group_header *ret_header)
{
	int rc = look_group(scan, ret_data, ret_header);

	if (rc != 0)
		return rc;
	ring_window_forget(&scan->window);
	return look_group(scan, ret_data, ret_header);
}

static void
scan_accept(struct scan *scan, const uint8_t *data, const struct group_header *header)
{
	struct media *media = scan->media;
	struct group_place *place = media_place(media, header->sequence);

	if (header->sequence == media->header.incarnation_sequence && scan->used > 0)
		REACHED("media: replay takes groups of two starts");
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

/* ------------------------------------------------ behind the end */

/* Blocks behind the end that are looked at: damage of up to three of the largest groups in a row
 * leaves one of these behind it. */
#define AHEAD_BLOCKS (4 * GROUP_BLOCKS_MAX)

/*
 * Whether a group behind the end tells that the end had been durable. Groups of smaller
 * incarnations than the header's are those that a start rejected; one of a greater shows that the
 * header itself is an old one.
 */
static bool
tells_damage(const struct scan *scan, const struct group_header *header)
{
	const struct log_header *log = &scan->media->header;

	if (!uuid_equal(&header->log_id, &log->log_id) ||
	    header->durable_sequence >= header->sequence)
		return false;
	return header->incarnation > log->incarnation
		       ? header->sequence >= scan->sequence
		       : header->incarnation == log->incarnation &&
				 header->durable_sequence >= scan->sequence;
}

static int
log_damaged(const struct scan *scan, uint64_t durable)
{
	REACHED("media: the log is damaged before its end");
	if (durable < scan->sequence)
		return error_raise(-DER_CSUM, "log %s: its header is older than group %lu",
				   scan->media->name, (unsigned long)scan->sequence);
	return error_raise(-DER_CSUM,
			   "log %s is damaged at group %lu: groups up to %lu were durable",
			   scan->media->name, (unsigned long)scan->sequence,
			   (unsigned long)durable);
}

/* Looks at count blocks behind the end, which begin groups or do not. ret_durable grows with what
 * groups that tell of damage call durable. */
static int
look_ahead(struct scan *scan, uint32_t count, bool *ret_damaged, uint64_t *ret_durable)
{
	struct media *media = scan->media;
	struct group_header header;
	const uint8_t *data;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (scan->block + i) % media->ring_blocks;
		int rc = ring_window_get(&scan->window, at, 1, &data);

		if (rc == 0 &&
		    (group_check_header(data, media->group_limit / DISK_BLOCK, &header) != 0 ||
		     !tells_damage(scan, &header)))
			continue;
		if (rc == 0)
			rc = ring_window_get(&scan->window, at, header.blocks, &data);
		/* A block that cannot be read tells nothing, and costs time enough. */
		if (rc == -DER_IO)
			return 0;
		if (rc != 0)
			return rc;
		if (group_check(data, &header) != 0)
			continue;
		*ret_damaged = true;
		*ret_durable = max_of(*ret_durable, header.durable_sequence);
	}
	return 0;
}

/*
 * A group is written when the one before is durable, and says so. So when the end of the log is a
 * durable group that is lost or damaged, there is one behind it that tells, unless the end is the
 * very last one. What the power cut left unfinished has nothing behind it but groups of an earlier
 * round of the ring, whose numbers are smaller. After a clean close the header knows the end, and
 * only the block there may tell of a start whose header was lost. Looking on is bounded: a start
 * after a crash reads 4 MiB more, and damage of so much in a row, behind which the heaps' covered
 * groups do not reach either, is taken for the end.
 */
static int
check_end(struct scan *scan)
{
	struct media *media = scan->media;
	uint32_t limit = log_closed(media) ? 1 : AHEAD_BLOCKS;
	uint32_t count = min_of(limit, media->ring_blocks - scan->used);
	uint64_t durable = scan->durable;
	bool damaged = durable >= scan->sequence;
	int rc = damaged ? 0 : look_ahead(scan, count, &damaged, &durable);

	return rc == 0 && damaged ? log_damaged(scan, durable) : rc;
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
	rc = heap_read_superblock(media->arena, disk, &superblock, NULL);
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

static bool
payload_matches(const struct record_payload *payload, const uint8_t *data, uint64_t bytes)
{
	return crc32c(0, data, payload->length) == payload->crc &&
	       rest_is_zeros(data, payload->length, bytes);
}

static int
verify_payload(struct media *media, struct disk *disk, const struct record_payload *payload,
	       bool *ret_good)
{
	uint64_t bytes = align_up(payload->length, DISK_BLOCK);
	AUTO_FREE struct scoped_block buffer = {
		media->arena, arena_alloc_aligned(media->arena, bytes, DISK_BLOCK)};
	int rc = 0;

	if (!buffer.pointer)
		return error_raise(-DER_NOMEM, "no memory to verify a payload of %u bytes",
				   payload->length);
	*ret_good = false;
	if (payload->block * DISK_BLOCK + bytes > disk->size)
		return 0;
	for (uint32_t i = 0; i < READ_TRIES && rc == 0 && !*ret_good; i++) {
		rc = media_read(disk, buffer.pointer, bytes, payload->block * DISK_BLOCK);
		*ret_good = rc == 0 && payload_matches(payload, buffer.pointer, bytes);
	}
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

static bool
record_in_place(const struct record *record)
{
	struct record_payload payload;

	for (uint32_t i = 0; i < record->header.payload_count; i++) {
		memcpy(&payload, record->payloads + i * sizeof(payload), sizeof(payload));
		if (payload.flags & PAYLOAD_VERIFIED && payload.length > 0)
			return true;
	}
	return false;
}

/* Whether the group has data of the heap in place: only then its files are asked, which may be
 * damaged. */
static bool
heap_in_place(const uint8_t *data, const struct group_header *header, uint32_t index)
{
	struct record record;
	uint32_t position = 0;

	while (group_next_record(data, header, &position, &record) == 1)
		if (record.header.heap == index && record_in_place(&record))
			return true;
	return false;
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
	int rc;

	if (!heap_in_place(data, header, index))
		return 0;
	rc = open_data(media, group_heap_at(data, header, index), &disk);
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

static int
read_group(struct ring_window *window, uint64_t sequence, const uint8_t **ret_data,
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
	return rc == 0 ? group_check(*ret_data, ret_header) : rc;
}

/* Reads a group again that was accepted before. */
static int
reread_group(struct ring_window *window, uint64_t sequence, const uint8_t **ret_data,
	     struct group_header *ret_header)
{
	int rc = -DER_CSUM;

	for (uint32_t i = 0; i < READ_TRIES && (rc == -DER_CSUM || rc == -DER_DF_INVAL); i++) {
		if (i > 0)
			ring_window_forget(window);
		rc = read_group(window, sequence, ret_data, ret_header);
	}
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
		REACHED("media: replay ends before a group whose data is missing");
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
	if (rc == 0)
		rc = check_end(scan);
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

/* ------------------------------------------------ looking for a heap */

static bool
names_heap(const uint8_t *data, const struct group_header *header, const char *name,
	   const struct uuid *id)
{
	for (uint32_t i = 0; i < header->heap_count; i++) {
		const struct group_heap *heap = group_heap_at(data, header, i);

		if (id ? uuid_equal(&heap->id, id) : strcmp(heap->name, name) == 0)
			return true;
	}
	return false;
}

int
replay_find(struct media *media, const char *name, const struct uuid *id, uint64_t covered,
	    uint64_t *ret_group)
{
	struct group_header header;
	struct ring_window window;
	const uint8_t *data;
	uint64_t found = 0;
	int rc = ring_window_init(&window, media);

	for (uint64_t sequence = max_of(media->start, covered + 1);
	     rc == 0 && found == 0 && sequence <= media->newest; sequence++) {
		if (id && !(media_place(media, sequence)->heap_mask & heap_mask_of(id)))
			continue;
		rc = reread_group(&window, sequence, &data, &header);
		if (rc == 0 && names_heap(data, &header, name, id))
			found = sequence;
	}
	if (window.buffer)
		ring_window_fini(&window);
	if (rc == 0)
		*ret_group = found;
	return rc;
}
