/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The line from commit to durable. Records gather in the open group; the writer closes it as soon
 * as the group before it is durable, so that a slow device makes larger groups. One group is being
 * written at any time: the record of what was durable when it was written (durable_sequence) then
 * leaves replay at most one group whose data it has to verify.
 */
#include "media/private.h"

/* ------------------------------------------------ buffers */

static void
group_open(struct media *media)
{
	struct list *link = list_pop(&media->idle);
	struct group *group;

	ASSERT(link != NULL);
	group = list_entry(link, struct group, link);
	group->stage = GROUP_OPEN;
	group->sequence = media->newest + 1;
	group->used = sizeof(struct group_header);
	group->record_count = 0;
	group->heap_count = 0;
	media->open = group;
}

int
groups_init(struct media *media)
{
	list_init(&media->idle);
	list_init(&media->closed);
	for (uint32_t i = 0; i < GROUP_BUFFERS; i++) {
		struct group *group = &media->groups[i];

		group->buffer = arena_alloc_aligned(media->arena, media->group_limit, DISK_BLOCK);
		if (!group->buffer)
			return error_raise(-DER_NOMEM, "no memory for %u groups of %u bytes",
					   GROUP_BUFFERS, media->group_limit);
		list_init(&group->bodies);
		wait_queue_init(&group->waiting);
		list_append(&media->idle, &group->link);
	}
	group_open(media);
	return 0;
}

void
groups_fini(struct media *media)
{
	for (uint32_t i = 0; i < GROUP_BUFFERS; i++)
		arena_free(media->arena, media->groups[i].buffer);
}

static uint32_t
group_bytes(const struct group *group)
{
	return group->used + group->heap_count * (uint32_t)sizeof(struct group_heap);
}

static uint32_t
group_blocks(const struct group *group)
{
	return (group_bytes(group) + DISK_BLOCK - 1) / DISK_BLOCK;
}

uint32_t
media_ring_taken(const struct media *media)
{
	return media->ring_used + media->ring_reserved +
	       (media->open->record_count > 0 ? group_blocks(media->open) : 0);
}

/* The open group takes no more records; its place in the ring is fixed and a new group is open. */
static struct group *
group_close(struct media *media)
{
	struct group *group = media->open;
	struct group_header *header = (struct group_header *)(void *)group->buffer;
	struct group_heap *table = (struct group_heap *)(void *)(group->buffer + group->used);
	struct group_place *place = media_place(media, group->sequence);

	*header = (struct group_header){.magic = GROUP_MAGIC,
					.version = GROUP_VERSION,
					.log_id = media->header.log_id,
					.incarnation = media->header.incarnation,
					.sequence = group->sequence,
					.blocks = group_blocks(group),
					.record_count = group->record_count,
					.heap_count = group->heap_count,
					.heap_offset = group->used};
	*place = (struct group_place){.block = media->next_block, .blocks = header->blocks};
	for (uint32_t i = 0; i < group->heap_count; i++) {
		table[i].id = group->heaps[i]->id;
		memcpy(table[i].name, group->heaps[i]->name, HEAP_NAME_MAX);
		place->heap_mask |= heap_mask_of(&group->heaps[i]->id);
	}
	media->ring_used += header->blocks;
	media->next_block = (media->next_block + header->blocks) % media->ring_blocks;
	media->newest = group->sequence;
	group->stage = GROUP_CLOSED;
	list_append(&media->closed, &group->link);
	group_open(media);
	return group;
}

/* ------------------------------------------------ adding a record */

static bool
publish_is_payload(const struct tx_body *body, const struct data_extent *publish)
{
	for (uint32_t i = 0; i < body->payload_count; i++)
		if (body->payloads[i].extent.block == publish->block &&
		    body->payloads[i].extent.count == publish->count)
			return true;
	return false;
}

static void
record_count(const struct tx_body *body, struct record_header *header)
{
	*header = (struct record_header){.type = RECORD_TRANSACTION,
					 .version = RECORD_VERSION,
					 .range_count = (uint16_t)body->range_count,
					 .free_count = (uint16_t)body->freed_count};
	for (uint32_t i = 0; i < body->range_count; i++)
		header->range_bytes += body->ranges[i].length;
	for (uint32_t i = 0; i < body->publish_count; i++)
		header->payload_count += !publish_is_payload(body, &body->publishes[i]);
	for (uint32_t i = 0; i < body->payload_count; i++) {
		if (!body_publishes(body, &body->payloads[i]))
			continue;
		header->payload_count++;
		if (body->payloads[i].inlined)
			header->inline_bytes += (uint32_t)align_up(body->payloads[i].length, 8);
	}
	header->length =
		(uint32_t)(sizeof(*header) + header->range_count * 8u +
			   align_up(header->range_bytes, 8) +
			   header->payload_count * sizeof(struct record_payload) +
			   header->inline_bytes + header->free_count * sizeof(struct record_free));
}

static void
write_padding(struct writer *writer)
{
	static const uint8_t zeros[8];

	writer_bytes(writer, zeros, align_up(writer->position, 8) - writer->position);
}

static void
record_write_ranges(struct writer *writer, const struct tx_body *body)
{
	for (uint32_t i = 0; i < body->range_count; i++)
		writer_u64(writer, body->ranges[i].offset << RANGE_LENGTH_BITS |
					   (body->ranges[i].length - 1));
	for (uint32_t i = 0; i < body->range_count; i++) {
		const struct tx_range *range = &body->ranges[i];
		struct zone *zone = body->heap->zones[range->offset / HEAP_ZONE];

		writer_bytes(writer, zone->image + range->offset % HEAP_ZONE, range->length);
	}
	write_padding(writer);
}

static void
record_write_payloads(struct writer *writer, const struct tx_body *body)
{
	for (uint32_t i = 0; i < body->publish_count; i++) {
		struct record_payload entry = {.block = body->publishes[i].block,
					       .count = body->publishes[i].count};

		if (!publish_is_payload(body, &body->publishes[i]))
			writer_bytes(writer, &entry, sizeof(entry));
	}
	for (uint32_t i = 0; i < body->payload_count; i++) {
		const struct tx_payload *payload = &body->payloads[i];
		struct record_payload entry = {.block = payload->extent.block,
					       .count = payload->extent.count,
					       .crc = payload->crc,
					       .length = (uint32_t)payload->length,
					       .flags = payload->inlined ? PAYLOAD_INLINED
									 : PAYLOAD_VERIFIED};

		if (body_publishes(body, payload))
			writer_bytes(writer, &entry, sizeof(entry));
	}
	for (uint32_t i = 0; i < body->payload_count; i++) {
		const struct tx_payload *payload = &body->payloads[i];

		if (!payload->inlined || !body_publishes(body, payload))
			continue;
		writer_bytes(writer, ((struct overlay_payload *)payload->copy)->data,
			     payload->length);
		write_padding(writer);
	}
}

static void
record_write_frees(struct writer *writer, const struct tx_body *body)
{
	for (uint32_t i = 0; i < body->freed_count; i++) {
		struct record_free entry = {.block = body->freed[i].block,
					    .count = body->freed[i].count};

		writer_bytes(writer, &entry, sizeof(entry));
	}
}

/* The index of heap in the group's table, GROUP_HEAPS when it is full. */
static uint32_t
group_heap_index(struct group *group, struct heap *heap)
{
	for (uint32_t i = 0; i < group->heap_count; i++)
		if (group->heaps[i] == heap)
			return i;
	return group->heap_count;
}

static bool
group_has_room(const struct media *media, const struct group *group, uint32_t index,
	       uint32_t length)
{
	uint32_t heaps = max_of(index + 1, group->heap_count);

	return heaps <= GROUP_HEAPS &&
	       group->used + length + heaps * sizeof(struct group_heap) <= media->group_limit;
}

uint64_t
group_append(struct media *media, struct tx_body *body)
{
	struct group *group = media->open;
	uint32_t index = group_heap_index(group, body->heap);
	struct record_header header;
	struct writer writer;

	record_count(body, &header);
	if (!group_has_room(media, group, index, header.length) ||
	    (group->record_count > 0 && media->writing && list_empty(&media->closed) &&
	     FAULT("media: close the group early"))) {
		group_close(media);
		group = media->open;
		index = 0;
		ASSERT(group_has_room(media, group, index, header.length));
	}
	if (index == group->heap_count)
		group->heaps[group->heap_count++] = body->heap;
	header.heap = (uint16_t)index;
	writer_init(&writer, group->buffer + group->used, header.length);
	writer_bytes(&writer, &header, sizeof(header));
	record_write_ranges(&writer, body);
	record_write_payloads(&writer, body);
	record_write_frees(&writer, body);
	ASSERT(!writer.failed && writer.position == header.length);
	group->used += header.length;
	group->record_count++;
	list_append(&group->bodies, &body->link);
	body->group = group->sequence;
	body->record_bytes = header.length;
	media->buffer_used += header.length;
	media->newest_record = group->sequence;
	media->figures.records++;
	wait_queue_wake_one(&media->work);
	return group->sequence;
}

/* ------------------------------------------------ making a group durable */

/* Waits for the data written in place for the group, then flushes its devices: without a volatile
 * cache too, because a block that was never written before may need an update of the file. */
static int
group_data(struct media *media, struct group *group)
{
	bool flush[GROUP_HEAPS] = {false};
	int rc = 0;
	int other;

	LIST_FOR_EACH(link, &group->bodies) {
		struct tx_body *body = list_entry(link, struct tx_body, link);

		if (!body->in_place)
			continue;
		other = body_wait(media, body);
		rc = rc != 0 ? rc : other;
		flush[group_heap_index(group, body->heap)] = true;
	}
	for (uint32_t i = 0; i < group->heap_count && rc == 0; i++)
		if (flush[i] && !BUG(1))
			rc = disk_flush(group->heaps[i]->data);
	return rc;
}

static void
group_finish_header(struct media *media, struct group *group)
{
	struct group_header *header = (struct group_header *)(void *)group->buffer;

	header->previous_chain = media->chain;
	header->durable_sequence = media->durable;
	group_seal(group->buffer, group_bytes(group));
	media->chain = group_chain(header);
	media_place(media, group->sequence)->chain = media->chain;
}

/* The log write and the data writes go in parallel; the group is durable when both are. */
static int
group_write(struct media *media, struct group *group)
{
	struct group_place *place = media_place(media, group->sequence);
	struct ring_write write;
	int rc, other;

	group_finish_header(media, group);
	ring_write_start(media, place->block, place->blocks, group->buffer, &write);
	rc = group_data(media, group);
	other = ring_write_wait(&write);
	return rc != 0 ? rc : other;
}

static void
group_done(struct media *media, struct group *group)
{
	struct list *link;

	while ((link = list_pop(&group->bodies))) {
		struct tx_body *body = list_entry(link, struct tx_body, link);

		media->buffer_used -= body->record_bytes;
		body_release_extents(body);
		list_remove(&body->live);
		body_done(body);
	}
	group->stage = GROUP_IDLE;
	media->writing = NULL;
	wait_queue_wake_all(&group->waiting);
	wait_queue_wake_all(&media->room);
	list_append(&media->idle, &group->link);
}

static void
group_run(struct media *media, struct group *group)
{
	uint64_t known = media->durable;
	int rc = media->state;

	list_remove(&group->link);
	group->stage = GROUP_WRITING;
	media->writing = group;
	if (rc == 0) {
		rc = group_write(media, group);
		if (rc != 0)
			media_fail(media, rc);
	} else {
		/* Nothing is written any more, but the buffers of those who wait are theirs again
		 * only afterwards. */
		(void)group_data(media, group);
	}
	if (rc == 0) {
		media->durable = group->sequence;
		media->known_durable = max_of(media->known_durable, known);
		media->figures.groups++;
		media->figures.log_bytes +=
			(uint64_t)media_place(media, group->sequence)->blocks * DISK_BLOCK;
	}
	group_done(media, group);
	if (rc == 0)
		space_settle_all(media);
}

/* ------------------------------------------------ the writer */

static void
idle_timer_due(struct timer *timer)
{
	struct media *media = container_of(timer, struct media, idle_timer);

	media->idle_due = true;
	wait_queue_wake_one(&media->work);
}

static bool
close_due(struct media *media)
{
	return media->idle_due && media->state == 0 &&
	       media->known_durable < media->newest_record &&
	       media->ring_used + 1 <= media->ring_blocks;
}

/* The next group to write, or NULL. */
static struct group *
next_group(struct media *media)
{
	struct list *link = list_first(&media->closed);

	if (link)
		return list_entry(link, struct group, link);
	if (media->open->record_count > 0)
		return group_close(media);
	if (!close_due(media))
		return NULL;
	REACHED("media: an idle log is closed by an empty group");
	return group_close(media);
}

static void
rest(struct media *media)
{
	if (media->known_durable < media->newest_record && media->state == 0 && !media->idle_due)
		timer_start(media->loop, &media->idle_timer,
			    env_monotonic(media->env) + (FAULT("media: close an idle log at once")
								 ? 1
								 : media->options.idle_close),
			    idle_timer_due);
	wait_queue_wait_plain(&media->work);
	timer_stop(media->loop, &media->idle_timer);
}

void
group_writer(void *argument)
{
	struct media *media = argument;
	struct group *group;

	for (;;) {
		if (FAULT("media: close the group late"))
			fiber_yield();
		group = next_group(media);
		if (group) {
			media->idle_due = false;
			group_run(media, group);
			if (media_ring_taken(media) > media->ring_blocks / 2 ||
			    FAULT("media: wake the checkpointer"))
				checkpoint_kick(media);
		} else if (media->stopping) {
			break;
		} else {
			rest(media);
		}
	}
	media->fibers--;
	wait_queue_wake_all(&media->ended);
}

/* ------------------------------------------------ waiting for groups */

static struct group *
find_group(struct media *media, uint64_t sequence)
{
	if (media->writing && media->writing->sequence == sequence)
		return media->writing;
	LIST_FOR_EACH(link, &media->closed)
		if (list_entry(link, struct group, link)->sequence == sequence)
			return list_entry(link, struct group, link);
	if (media->open->sequence == sequence && media->open->record_count > 0)
		return media->open;
	return NULL;
}

int
media_wait(struct media *media, uint64_t group)
{
	/* Nothing was committed in a group beyond the newest record. */
	uint64_t wanted = min_of(group, media->newest_record);
	struct group *found;

	while (media->state != 0 || wanted > media->durable) {
		found = find_group(media, wanted);
		if (!found)
			return media->state != 0 ? -DER_IO : 0;
		wait_queue_wait_plain(&found->waiting);
	}
	if (FAULT("media: learn late that a group is durable"))
		fiber_yield();
	return 0;
}

int
media_settle(struct media *media)
{
	int rc = media_wait(media, media->newest_record);

	if (rc == 0 && media->known_durable < media->newest_record)
		rc = media_advance(media);
	return rc;
}

void
media_fail(struct media *media, int code)
{
	if (media->state != 0)
		return;
	REACHED("media: the log fails");
	media->state = code;
	error_log(LOG_ERROR, code, "log %s failed: its targets answer nothing any more",
		  media->name);
	wait_queue_wake_all(&media->room);
	wait_queue_wake_all(&media->work);
	wait_queue_wake_all(&media->checkpoint_work);
}

int
media_state(const struct media *media)
{
	return media->state;
}

uint64_t
media_durable_group(const struct media *media)
{
	return media->durable;
}

uint64_t
media_open_group(const struct media *media)
{
	return media->open->sequence;
}
