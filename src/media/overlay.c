/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Payload that so far is only in the log: copies in memory serve reads, until the checkpoint has
 * written them to their blocks. A freed block keeps its copy until its quarantine ends: if the
 * group of the free is lost in a crash, the block is live again, and a checkpoint in between must
 * have written it.
 */
#include "media/private.h"

static bool
block_equal(const void *key, const struct table_node *node)
{
	return table_entry(node, struct overlay_block, node)->block == *(const uint64_t *)key;
}

static struct overlay_block *
find(const struct heap *heap, uint64_t block)
{
	struct table_node *node;

	if (heap->overlay.count == 0)
		return NULL;
	node = table_find(&heap->overlay, mix64(block), block_equal, &block);
	return node ? table_entry(node, struct overlay_block, node) : NULL;
}

int
overlay_payload_create(struct heap *heap, struct data_extent extent, uint32_t length,
		       struct overlay_payload **ret_payload)
{
	uint32_t count = (length + DISK_BLOCK - 1) / DISK_BLOCK;
	struct overlay_payload *payload = arena_alloc(
		heap->media->arena, sizeof(*payload) + count * sizeof(payload->blocks[0]) + length);

	if (!payload)
		return error_raise(-DER_NOMEM, "no memory for a payload of %u bytes", length);
	memset(payload, 0, sizeof(*payload) + count * sizeof(payload->blocks[0]));
	payload->data = (uint8_t *)&payload->blocks[count];
	payload->length = length;
	payload->count = count;
	for (uint32_t i = 0; i < count; i++) {
		payload->blocks[i].payload = payload;
		payload->blocks[i].block = extent.block + i;
	}
	*ret_payload = payload;
	return 0;
}

void
overlay_payload_destroy(struct heap *heap, struct overlay_payload *payload)
{
	if (list_linked(&payload->link))
		heap->media->overlay_bytes -= payload->length;
	list_remove(&payload->link);
	arena_free(heap->media->arena, payload);
}

void
overlay_add(struct heap *heap, struct overlay_payload *payload, uint64_t group)
{
	payload->group = group;
	payload->live = payload->count;
	for (uint32_t i = 0; i < payload->count; i++)
		table_insert(&heap->overlay, mix64(payload->blocks[i].block),
			     &payload->blocks[i].node);
	list_append(&heap->payloads, &payload->link);
	heap->media->overlay_bytes += payload->length;
	if (heap->media->overlay_bytes > OVERLAY_BYTES_MAX ||
	    FAULT("media: payload in memory is written to its place early"))
		checkpoint_kick(heap->media);
}

void
overlay_free(struct heap *heap, struct data_extent extent, uint64_t group)
{
	for (uint32_t i = 0; i < extent.count && heap->overlay.count > 0; i++) {
		struct overlay_block *block = find(heap, extent.block + i);

		if (block)
			block->freed = group;
	}
}

static void
block_remove(struct heap *heap, struct overlay_block *block)
{
	struct overlay_payload *payload = block->payload;

	table_remove(&heap->overlay, &block->node);
	block->payload = NULL;
	if (--payload->live == 0 && !payload->writing)
		overlay_payload_destroy(heap, payload);
}

void
overlay_drop(struct heap *heap, struct data_extent extent)
{
	for (uint32_t i = 0; i < extent.count && heap->overlay.count > 0; i++) {
		struct overlay_block *block = find(heap, extent.block + i);

		if (block)
			block_remove(heap, block);
	}
}

static void
block_copy(const struct overlay_block *block, uint8_t *buffer)
{
	const struct overlay_payload *payload = block->payload;
	uint32_t offset = (uint32_t)(block - payload->blocks) * DISK_BLOCK;
	uint32_t length = min_of(payload->length - offset, DISK_BLOCK);

	memcpy(buffer, payload->data + offset, length);
	memset(buffer + length, 0, DISK_BLOCK - length);
}

bool
overlay_read(struct heap *heap, uint64_t block, uint8_t *buffer)
{
	const struct overlay_block *found = find(heap, block);

	if (found)
		block_copy(found, buffer);
	return found != NULL;
}

/* ------------------------------------------------ to its place */

#define WRITE_BLOCKS (CHECKPOINT_BUFFER / DISK_BLOCK)

/* Blocks gathered for one write: consecutive ones. */
struct batch {
	struct heap *heap;
	uint8_t *buffer;
	uint64_t first;
	uint32_t count;
};

static int
batch_write(struct batch *batch)
{
	uint32_t count = batch->count;

	batch->count = 0;
	if (count == 0)
		return 0;
	batch->heap->media->figures.checkpoint_bytes += (uint64_t)count * DISK_BLOCK;
	return disk_write(batch->heap->data, batch->buffer, (uint64_t)count * DISK_BLOCK,
			  batch->first * DISK_BLOCK, false);
}

static int
batch_add(struct batch *batch, const struct overlay_block *block)
{
	if (batch->count == 0)
		batch->first = block->block;
	block_copy(block, batch->buffer + (size_t)batch->count * DISK_BLOCK);
	batch->count++;
	return 0;
}

static bool
batch_takes(const struct batch *batch, uint64_t block)
{
	return batch->count == 0 ||
	       (batch->count < WRITE_BLOCKS && batch->first + batch->count == block &&
		!FAULT("media: write payload block by block"));
}

static int
payload_write(struct batch *batch, struct overlay_payload *payload, uint64_t group)
{
	int rc = 0;

	for (uint32_t i = 0; i < payload->count && rc == 0; i++) {
		struct overlay_block *block = &payload->blocks[i];

		/* Free for good: nobody will read it, and the block may soon be somebody else's. */
		if (!block->payload || (block->freed != 0 && block->freed <= group))
			continue;
		if (!batch_takes(batch, block->block))
			rc = batch_write(batch);
		/* The write above let others run. */
		if (rc == 0 && block->payload)
			rc = batch_add(batch, block);
	}
	return rc;
}

/* The first payload not yet written of a group up to group. */
static struct overlay_payload *
payload_next(struct heap *heap, struct overlay_payload *after, uint64_t group)
{
	struct list *link = after ? after->link.next : list_first(&heap->payloads);

	if (!link || link == &heap->payloads)
		return NULL;
	return list_entry(link, struct overlay_payload, link)->group <= group
		       ? list_entry(link, struct overlay_payload, link)
		       : NULL;
}

static void
payload_written(struct heap *heap, struct overlay_payload *payload, bool drop)
{
	payload->writing = false;
	for (uint32_t i = 0; i < payload->count && drop; i++) {
		if (!payload->blocks[i].payload)
			continue;
		table_remove(&heap->overlay, &payload->blocks[i].node);
		payload->blocks[i].payload = NULL;
		payload->live--;
	}
	if (payload->live == 0)
		overlay_payload_destroy(heap, payload);
}

/* Keeps what is being written in the list until it is flushed; drops it then, or keeps it when that
 * failed. */
static void
payloads_end(struct heap *heap, uint64_t group, bool drop)
{
	struct overlay_payload *payload = payload_next(heap, NULL, group);

	while (payload) {
		struct overlay_payload *next = payload_next(heap, payload, group);

		if (payload->writing)
			payload_written(heap, payload, drop);
		payload = next;
	}
}

static int
write_all(struct batch *batch, uint64_t group)
{
	struct overlay_payload *payload = NULL;
	int rc = 0;

	while (rc == 0 && (payload = payload_next(batch->heap, payload, group))) {
		payload->writing = true;
		rc = payload_write(batch, payload, group);
	}
	if (rc == 0)
		rc = batch_write(batch);
	if (rc == 0)
		rc = disk_flush(batch->heap->data);
	return rc;
}

int
overlay_write(struct heap *heap, uint64_t group)
{
	struct arena *arena = heap->media->arena;
	struct batch batch = {.heap = heap};
	int rc;

	if (!payload_next(heap, NULL, group))
		return 0;
	batch.buffer = arena_alloc_aligned(arena, CHECKPOINT_BUFFER, DISK_BLOCK);
	if (!batch.buffer)
		return error_raise(-DER_NOMEM, "no memory to write payload");
	rc = write_all(&batch, group);
	payloads_end(heap, group, rc == 0);
	arena_free(arena, batch.buffer);
	return rc;
}

void
overlay_fini(struct heap *heap)
{
	struct list *link;

	while ((link = list_first(&heap->payloads)))
		overlay_payload_destroy(heap, list_entry(link, struct overlay_payload, link));
	table_fini(&heap->overlay);
}

/* ------------------------------------------------ reading */

/* Whether payload that is still being written in place overlaps blocks [first, end); ret_group is
 * its group. */
static bool
pending_overlaps(const struct heap *heap, uint64_t first, uint64_t end, uint64_t *ret_group)
{
	LIST_FOR_EACH(link, &heap->pending) {
		const struct tx_body *body = list_entry(link, struct tx_body, live);

		for (uint32_t i = 0; i < body->payload_count; i++) {
			const struct data_extent *extent = &body->payloads[i].extent;

			if (!body->payloads[i].inlined && extent->block < end &&
			    extent->block + extent->count > first) {
				*ret_group = body->group;
				return true;
			}
		}
	}
	return false;
}

/* A block that is not in memory is in place, and stays so; one that is dropped while this waits is
 * in place by then. */
static int
read_blocks(struct heap *heap, uint64_t first, uint32_t count, uint8_t *buffer)
{
	int rc = 0;

	for (uint32_t i = 0, run; i < count && rc == 0; i += run) {
		uint8_t *to = buffer + (size_t)i * DISK_BLOCK;

		run = 1;
		if (overlay_read(heap, first + i, to))
			continue;
		while (i + run < count && !find(heap, first + i + run))
			run++;
		rc = media_read(heap->data, to, (uint64_t)run * DISK_BLOCK,
				(first + i) * DISK_BLOCK);
	}
	return rc;
}

int
data_read(struct heap *heap, struct data_extent extent, uint32_t first, uint32_t count,
	  void *buffer)
{
	uint64_t block = extent.block + first;
	uint64_t group;

	if (!space_valid(heap, extent) || count == 0 || first > extent.count ||
	    count > extent.count - first)
		return error_raise(-DER_IO, "heap %s: impossible extent %lu + %u", heap->name,
				   (unsigned long)extent.block, extent.count);
	while (pending_overlaps(heap, block, block + count, &group)) {
		int rc = media_wait(heap->media, group);

		REACHED("media: a read waits for payload under way");
		if (rc != 0)
			return rc;
	}
	if (heap->media->state != 0)
		return heap->media->state;
	if (heap->overlay.count == 0)
		return media_read(heap->data, buffer, (uint64_t)count * DISK_BLOCK,
				  block * DISK_BLOCK);
	return read_blocks(heap, block, count, buffer);
}
