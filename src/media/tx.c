/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Transactions: what they reserve, what they change, and the step from apply into the open group.
 */
#include "media/private.h"

/* What a record takes besides ranges, payload and freed extents: headers and words at their most.
 */
#define RECORD_FIXED                                                                           \
	((uint32_t)(sizeof(struct record_header) + TX_RANGES * 8u +                            \
		    TX_EXTENTS *                                                               \
			    (2 * sizeof(struct record_payload) + sizeof(struct record_free)) + \
		    64))

/* ------------------------------------------------ bodies */

int
body_get(struct media *media, struct heap *heap, struct tx_body **ret_body)
{
	struct list *link = list_pop(&media->bodies);
	struct tx_body *body = link ? list_entry(link, struct tx_body, link) : NULL;

	if (body)
		media->body_count--;
	else
		body = arena_alloc(media->arena, sizeof(*body));
	if (!body)
		return error_raise(-DER_NOMEM, "no memory for a transaction");
	/* The arrays behind need no clearing: their counts are 0. */
	memset(body, 0, offsetof(struct tx_body, extents));
	body->heap = heap;
	list_append(&heap->transactions, &body->live);
	*ret_body = body;
	return 0;
}

static void
payload_free(struct heap *heap, struct tx_payload *payload)
{
	if (payload->copy && payload->inlined)
		overlay_payload_destroy(heap, payload->copy);
	else
		arena_free(heap->media->arena, payload->copy);
	payload->copy = NULL;
}

void
body_put(struct media *media, struct tx_body *body)
{
	list_remove(&body->live);
	if (media->body_count >= BODY_CACHE) {
		arena_free(media->arena, body);
		return;
	}
	list_append(&media->bodies, &body->link);
	media->body_count++;
}

void
body_done(struct tx_body *body)
{
	if (!list_linked(&body->link) && !list_linked(&body->frozen))
		body_put(body->heap->media, body);
}

int
body_wait(struct media *media, struct tx_body *body)
{
	int rc = 0;

	for (uint32_t i = 0; i < body->payload_count; i++) {
		struct tx_payload *payload = &body->payloads[i];

		if (!payload->inlined && payload->io.length > 0) {
			int other = completion_wait(&payload->io.completion);

			media->payload_under_way -= payload->io.length;
			payload->io.length = 0;
			rc = rc != 0 ? rc : other;
		}
		if (!payload->inlined)
			payload_free(body->heap, payload);
	}
	return rc;
}

void
body_release_extents(struct tx_body *body)
{
	for (uint32_t i = 0; i < body->extent_count; i++)
		if (body->extents[i].count > 0)
			space_release(body->heap, body->extents[i]);
	body->extent_count = 0;
}

bool
body_publishes(const struct tx_body *body, const struct tx_payload *payload)
{
	for (uint32_t i = 0; i < body->publish_count; i++) {
		const struct data_extent *publish = &body->publishes[i];

		if (payload->extent.block >= publish->block &&
		    payload->extent.block + payload->extent.count <=
			    publish->block + publish->count)
			return true;
	}
	return false;
}

void
body_discard(struct tx_body *body)
{
	for (uint32_t i = 0; i < body->payload_count; i++)
		payload_free(body->heap, &body->payloads[i]);
	body_release_extents(body);
	body_put(body->heap->media, body);
}

/* ------------------------------------------------ begin and reserve */

int
tx_begin(struct tx *tx, struct heap *heap)
{
	struct tx_body *body = NULL;
	int rc = heap->media->state != 0 ? heap->media->state : heap->state;

	ASSERT(heap->media->started);
	if (rc == 0)
		rc = body_get(heap->media, heap, &body);
	if (rc != 0)
		return rc;
	*tx = (struct tx){.heap = heap,
			  .ranges = body->ranges,
			  .payloads = body->payloads,
			  .freed = body->freed,
			  .private_data = body};
	pin_init(&tx->pin, heap);
	return 0;
}

/* Blocks of the ring that a record of so many bytes takes when it is alone in its group. */
static uint32_t
record_blocks(uint32_t bytes)
{
	return (uint32_t)((bytes + sizeof(struct group_header) + sizeof(struct group_heap) +
			   DISK_BLOCK - 1) /
			  DISK_BLOCK);
}

static bool
ring_has_room(const struct media *media, const struct tx_body *body, uint32_t bytes)
{
	uint32_t limit = media->ring_blocks - RING_CLOSE_BLOCKS;
	uint32_t blocks = record_blocks(body->log_bytes + bytes) - body->log_blocks;

	if (!body->privileged)
		limit -= media->ring_blocks / 8;
	return media_ring_taken(media) + blocks <= limit;
}

static bool
log_has_room(const struct media *media, const struct tx_body *body, uint32_t bytes)
{
	return ring_has_room(media, body, bytes) &&
	       media->buffer_used + media->buffer_reserved + bytes <= 2 * media->group_limit;
}

static void
log_take(struct media *media, struct tx_body *body, uint32_t bytes)
{
	uint32_t blocks = record_blocks(body->log_bytes + bytes);

	media->ring_reserved += blocks - body->log_blocks;
	media->buffer_reserved += bytes;
	if (!body->reserved)
		media->ring_early += blocks - body->log_blocks;
	body->log_blocks = blocks;
	body->log_bytes += bytes;
}

static void
log_give(struct media *media, struct tx_body *body)
{
	media->ring_reserved -= body->log_blocks;
	media->buffer_reserved -= body->log_bytes;
	media->inline_reserved -= body->inline_bytes;
	if (!body->reserved)
		media->ring_early -= body->log_blocks;
	body->log_blocks = 0;
	body->log_bytes = 0;
	body->inline_bytes = 0;
}

/* Log full is back-pressure: waits for the checkpoint that makes room. */
static int
log_reserve(struct media *media, struct tx_body *body, uint32_t bytes)
{
	int rc = 0;

	if (bytes > media->redo_limit)
		return error_raise(-DER_REC2BIG,
				   "a transaction of %u bytes of redo; this log takes %u", bytes,
				   media->redo_limit);
	if (FAULT("media: the log is full for a moment")) {
		checkpoint_kick(media);
		fiber_yield();
	}
	while (rc == 0 && media->state == 0 && !log_has_room(media, body, bytes)) {
		if (!ring_has_room(media, body, bytes))
			media->starved = true;
		if (media_ring_taken(media) > media->ring_blocks / 2)
			checkpoint_kick(media);
		REACHED("media: a transaction waits for room in the log");
		rc = wait_queue_wait(&media->room);
	}
	if (rc == 0)
		rc = media->state;
	if (rc != 0)
		return rc;
	log_take(media, body, bytes);
	media->ring_early -= body->log_blocks;
	body->reserved = true;
	return 0;
}

int
tx_reserve(struct tx *tx, const struct tx_need *need)
{
	struct tx_body *body = tx->private_data;
	struct media *media = tx->heap->media;
	uint32_t largest = need->largest ? need->largest : min_of(need->heap_bytes, HEAP_ALLOC_MAX);
	uint32_t bytes = RECORD_FIXED + need->log_bytes + need->heap_bytes +
			 need->allocations * ALLOCATION_REDO;
	int rc;

	ASSERT(!body->reserved);
	tx->need = *need;
	body->privileged = need->privileged;
	if (tx->heap->host_full && !need->privileged)
		return error_raise(-DER_NOSPACE, "the host has no space beneath heap %s",
				   tx->heap->name);
	rc = pages_reserve(body, need->allocations + need->heap_bytes / DISK_BLOCK,
			   max_of((largest + DISK_BLOCK - 1) / DISK_BLOCK, 1u));
	if (rc != 0)
		return rc;
	bytes += body->run_count * ZONE_REDO;
	return log_reserve(media, body, bytes);
}

/* ------------------------------------------------ payload */

int
tx_data_reserve(struct tx *tx, uint32_t blocks, struct data_extent *ret_extent)
{
	return space_reserve(tx->private_data, blocks, ret_extent);
}

static bool
may_inline(const struct media *media, const struct tx_body *body, uint64_t length)
{
	uint32_t bytes = (uint32_t)align_up(length, 8);

	return length <= body->heap->inline_limit &&
	       !FAULT("media: write small payload in place") &&
	       body->inline_bytes + bytes <= media->payload_limit &&
	       media->inline_reserved + bytes <= media->group_limit &&
	       (body->reserved || media->ring_early < media->ring_blocks / 4) &&
	       log_has_room(media, body, bytes);
}

static int
write_inline(struct tx *tx, struct tx_payload *payload, const struct iovec *iov, uint32_t iov_count)
{
	struct tx_body *body = tx->private_data;
	struct media *media = tx->heap->media;
	uint32_t bytes = (uint32_t)align_up(payload->length, 8);
	struct overlay_payload *overlay;
	int rc = overlay_payload_create(tx->heap, payload->extent, (uint32_t)payload->length,
					&overlay);

	if (rc != 0)
		return rc;
	iov_copy_out(iov, iov_count, 0, overlay->data, payload->length);
	log_take(media, body, bytes);
	body->inline_bytes += bytes;
	media->inline_reserved += bytes;
	payload->inlined = true;
	payload->copy = overlay;
	return 0;
}

static bool
aligned(const struct iovec *iov)
{
	return (uintptr_t)iov->iov_base % DISK_BLOCK == 0;
}

/* All from a bounce buffer, or the caller's whole blocks as they are and the last, partial one from
 * a buffer. */
static int
gather(struct arena *arena, struct tx_payload *payload, const struct iovec *iov, uint32_t iov_count)
{
	uint64_t whole = iov_count == 1 && aligned(iov) ? align_down(payload->length, DISK_BLOCK)
							: 0;
	uint64_t rest = align_up(payload->length, DISK_BLOCK) - whole;
	uint32_t count = 0;

	if (whole > 0)
		payload->iov[count++] = (struct iovec){iov->iov_base, whole};
	if (rest > 0) {
		uint8_t *buffer = arena_alloc_aligned(arena, rest, DISK_BLOCK);

		if (!buffer)
			return error_raise(-DER_NOMEM, "no memory for a payload of %lu bytes",
					   (unsigned long)rest);
		iov_copy_out(iov, iov_count, whole, buffer, payload->length - whole);
		memset(buffer + (payload->length - whole), 0, rest - (payload->length - whole));
		payload->copy = buffer;
		payload->iov[count++] = (struct iovec){buffer, rest};
	}
	payload->io = (struct disk_io){.operation = DISK_WRITE,
				       .iov = payload->iov,
				       .iov_count = count,
				       .offset = payload->extent.block * DISK_BLOCK,
				       .length = whole + rest};
	return 0;
}

static int
write_in_place(struct tx *tx, struct tx_payload *payload, const struct iovec *iov,
	       uint32_t iov_count)
{
	struct tx_body *body = tx->private_data;
	struct media *media = tx->heap->media;
	struct disk *disk = tx->heap->data;
	int rc = gather(media->arena, payload, iov, iov_count);

	if (rc != 0)
		return rc;
	body->in_place = true;
	media->payload_under_way += payload->io.length;
	disk_submit(disk, &payload->io);
	/* Beyond the limit each waits for its own; on a thin disk the host may still refuse, which
	 * must not hit a commit. */
	if (disk->thin || media->payload_under_way > PAYLOAD_UNDER_WAY ||
	    FAULT("media: wait for payload at once")) {
		rc = completion_wait(&payload->io.completion);
		media->payload_under_way -= payload->io.length;
		payload->io.length = 0;
	}
	return rc;
}

int
tx_data_write(struct tx *tx, struct data_extent extent, const struct iovec *iov, uint32_t iov_count,
	      uint64_t length, uint32_t crc)
{
	struct tx_body *body = tx->private_data;
	struct tx_payload *payload = &body->payloads[tx->payload_count];
	int rc;

	if (tx->payload_count == TX_EXTENTS)
		return error_raise(-DER_OVERFLOW, "a transaction of more than %u payloads",
				   TX_EXTENTS);
	ASSERT(space_valid(tx->heap, extent) && length > 0 &&
	       length <= (uint64_t)extent.count * DISK_BLOCK);
	ASSERT(iov_length(iov, iov_count) >= length);
	if (tx->heap->media->state != 0)
		return tx->heap->media->state;
	extent.count = (uint32_t)((length + DISK_BLOCK - 1) / DISK_BLOCK);
	*payload = (struct tx_payload){.extent = extent, .length = length, .crc = crc};
	if (may_inline(tx->heap->media, body, length))
		rc = write_inline(tx, payload, iov, iov_count);
	else
		rc = write_in_place(tx, payload, iov, iov_count);
	if (rc == 0 || payload->io.length > 0)
		body->payload_count = ++tx->payload_count;
	else
		payload_free(tx->heap, payload);
	return rc;
}

void
tx_data_publish(struct tx *tx, struct data_extent extent)
{
	struct tx_body *body = tx->private_data;

	for (uint32_t i = 0; i < body->extent_count; i++) {
		struct data_extent *taken = &body->extents[i];

		if (taken->count == 0 || taken->block != extent.block)
			continue;
		ASSERT(extent.count > 0 && extent.count <= taken->count);
		taken->block += extent.count;
		taken->count -= extent.count;
		ASSERT(body->publish_count < TX_EXTENTS);
		body->publishes[body->publish_count++] = extent;
		tx->changed = true;
		return;
	}
	ASSERT(!"published what was not reserved");
}

void
tx_data_free(struct tx *tx, struct data_extent extent)
{
	struct tx_body *body = tx->private_data;

	if (!space_valid(tx->heap, extent)) {
		heap_fail(tx->heap, -DER_IO);
		return;
	}
	ASSERT(tx->extent_free_count < TX_EXTENTS);
	body->freed[tx->extent_free_count++] = extent;
	tx->changed = true;
}

/* ------------------------------------------------ ranges */

int
tx_load(struct tx *tx)
{
	return pin_load(&tx->pin);
}

/* Bytes between two ranges; 0 when they touch or overlap. */
static uint64_t
range_gap(const struct tx_range *a, const struct tx_range *b)
{
	if (a->offset > b->offset)
		return range_gap(b, a);
	return b->offset > a->offset + a->length ? b->offset - (a->offset + a->length) : 0;
}

static bool
range_same_zone(const struct tx_range *a, const struct tx_range *b)
{
	return a->offset / HEAP_ZONE == b->offset / HEAP_ZONE;
}

static void
range_join(struct tx_range *to, const struct tx_range *range)
{
	uint64_t end = max_of(to->offset + to->length, range->offset + range->length);

	to->offset = min_of(to->offset, range->offset);
	to->length = (uint32_t)(end - to->offset);
}

/* The member of ranges [0, count) nearest to range in its zone, or NULL. */
static struct tx_range *
range_nearest(struct tx_range *ranges, uint32_t count, const struct tx_range *range,
	      uint64_t *ret_gap)
{
	struct tx_range *best = NULL;

	*ret_gap = UINT64_MAX;
	for (uint32_t i = count; i-- > 0 && *ret_gap > 0;) {
		uint64_t gap = range_gap(&ranges[i], range);

		if (range_same_zone(&ranges[i], range) && gap < *ret_gap) {
			*ret_gap = gap;
			best = &ranges[i];
		}
	}
	return best;
}

/* Joins the two that lie nearest to each other; what lies between is current content, so that its
 * redo does no harm. */
static void
ranges_make_room(struct tx *tx)
{
	uint64_t best_gap = UINT64_MAX;
	uint32_t best = 0;
	uint64_t gap;

	for (uint32_t i = 1; i < tx->range_count; i++)
		if (range_nearest(tx->ranges, i, &tx->ranges[i], &gap) && gap < best_gap) {
			best = i;
			best_gap = gap;
		}
	ASSERT(best_gap < UINT64_MAX);
	REACHED("media: a transaction joins ranges that lie apart");
	range_join(range_nearest(tx->ranges, best, &tx->ranges[best], &gap), &tx->ranges[best]);
	tx->ranges[best] = tx->ranges[--tx->range_count];
}

static uint16_t *
range_head(struct tx_body *body, uint64_t offset)
{
	return &body->range_heads[offset / DISK_BLOCK % RANGE_HEADS];
}

/* Enters the range into the chain of its page. */
static void
range_enter(struct tx *tx, uint32_t index)
{
	struct tx_body *body = tx->private_data;
	const struct tx_range *range = &tx->ranges[index];
	uint16_t *head = range_head(body, range->offset);

	body->range_next[index] = *head;
	*head = (uint16_t)(index + 1);
	if (range->length > DISK_BLOCK && body->wide_count < WIDE_RANGES)
		body->wide_ranges[body->wide_count++] = (uint16_t)index;
}

static void
ranges_enter(struct tx *tx)
{
	struct tx_body *body = tx->private_data;

	memset(body->range_heads, 0, sizeof(body->range_heads));
	body->wide_count = 0;
	for (uint32_t i = 0; i < tx->range_count; i++)
		range_enter(tx, i);
}

/* A word in the record costs as much as 8 bytes of content. */
static bool
range_touches(const struct tx_range *a, const struct tx_range *b)
{
	return a->offset <= b->offset + b->length + 8 && b->offset <= a->offset + a->length + 8 &&
	       range_same_zone(a, b);
}

/*
 * A range that touches this one, or NULL. One that begins in another page may be missed: then its
 * bytes are logged twice.
 */
static struct tx_range *
range_touching(struct tx *tx, const struct tx_range *range)
{
	struct tx_body *body = tx->private_data;

	for (uint32_t i = *range_head(body, range->offset); i > 0; i = body->range_next[i - 1])
		if (range_touches(&tx->ranges[i - 1], range))
			return &tx->ranges[i - 1];
	for (uint32_t i = 0; i < body->wide_count; i++)
		if (range_touches(&tx->ranges[body->wide_ranges[i]], range))
			return &tx->ranges[body->wide_ranges[i]];
	return NULL;
}

void *
tx_change(struct tx *tx, uint64_t offset, size_t length)
{
	struct tx_range range = {.offset = offset, .length = (uint32_t)length};
	struct zone *zone = tx->heap->zones[offset / HEAP_ZONE];
	struct tx_range *touching;

	ASSERT(length > 0 && offset / HEAP_ZONE < tx->heap->heap_zones && zone &&
	       zone->stage == ZONE_LOADED);
	ASSERT(offset % HEAP_ZONE + length <= HEAP_ZONE);
	tx->changed = true;
	touching = range_touching(tx, &range);
	if (touching) {
		range_join(touching, &range);
		return zone->image + offset % HEAP_ZONE;
	}
	if (tx->range_count == TX_RANGES) {
		ranges_make_room(tx);
		ranges_enter(tx);
	}
	tx->ranges[tx->range_count] = range;
	range_enter(tx, tx->range_count++);
	return zone->image + offset % HEAP_ZONE;
}

/* ------------------------------------------------ the end */

/* Forgets what the reservations held; what was taken of them stays taken. */
static void
tx_end(struct tx *tx)
{
	struct tx_body *body = tx->private_data;
	struct media *media = tx->heap->media;

	pages_release(body);
	log_give(media, body);
	pin_fini(&tx->pin);
	wait_queue_wake_all(&media->room);
	tx->private_data = NULL;
}

static void
commit_ranges(struct heap *heap, struct tx_body *body, uint64_t group)
{
	for (uint32_t i = 0; i < body->range_count; i++) {
		struct tx_range *range = &body->ranges[i];

		zone_dirty(heap->zones[range->offset / HEAP_ZONE], range->offset % HEAP_ZONE,
			   range->length, group);
	}
}

static void
commit_data(struct heap *heap, struct tx_body *body, uint64_t group)
{
	for (uint32_t i = 0; i < body->publish_count; i++)
		space_publish(heap, body->publishes[i], group);
	for (uint32_t i = 0; i < body->payload_count; i++) {
		struct tx_payload *payload = &body->payloads[i];

		if (!payload->inlined)
			continue;
		if (body_publishes(body, payload)) {
			overlay_add(heap, payload->copy, group);
			payload->copy = NULL;
		}
		payload_free(heap, payload);
	}
	for (uint32_t i = 0; i < body->freed_count; i++) {
		space_free(heap, body->freed[i], group);
		overlay_free(heap, body->freed[i], group);
	}
	if (body->freed_count > 0)
		space_freeze(heap, body);
}

void
tx_damaged(struct tx *tx)
{
	REACHED("media: a change meets damage");
	heap_fail(tx->heap, -DER_IO);
}

void
tx_commit(struct tx *tx, uint64_t *ret_group)
{
	struct tx_body *body = tx->private_data;
	struct heap *heap = tx->heap;
	uint64_t group = 0;

	if (!tx->changed && !body->in_place) {
		tx_end(tx);
		body_discard(body);
		*ret_group = 0;
		return;
	}
	ASSERT(body->reserved);
	if (heap->checkpoint_lock.holder)
		REACHED("media: a commit during a checkpoint of its heap");
	body->range_count = tx->range_count;
	body->freed_count = tx->extent_free_count;
	tx_end(tx);
	group = group_append(heap->media, body);
	commit_ranges(heap, body, group);
	commit_data(heap, body, group);
	heap->oldest = heap->oldest ? heap->oldest : group;
	heap->newest = group;
	list_remove(&body->live);
	if (body->in_place)
		list_append(&heap->pending, &body->live);
	else
		body_release_extents(body);
	*ret_group = BUG(2) && !body->in_place ? group - 1 : group;
}

void
tx_abort(struct tx *tx)
{
	struct tx_body *body = tx->private_data;

	tx_end(tx);
	/* Nothing refers to the payload, so its fate matters only to the buffers. */
	(void)body_wait(body->heap->media, body);
	body_discard(body);
}
