/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Bulk transfers: registered memory, transfers this side began, and those of the peer. */
#include <string.h>

#include "env/linux/connection.h"
#include "fiber/fiber.h"

static struct arena *
arena_of(const struct linux_connection *self)
{
	return self->transport->env->env.arena;
}

/* ------------------------------------------------ regions */

/* The key is generation << 32 | index + 1: a key of a region that is gone fits no later one. */
static struct region *
region_find(struct linux_connection *self, uint64_t key)
{
	uint64_t index = (key & UINT32_MAX) - 1;
	struct region *region;

	if (index >= self->region_count)
		return NULL;
	region = self->regions[index];
	return region->used && region->generation == key >> 32 ? region : NULL;
}

/* The region of key, if it allows the access to all of the range. */
static struct region *
region_check(struct linux_connection *self, const struct frame *frame, enum bulk_access access)
{
	struct region *region = region_find(self, frame->key);

	if (!region || !(region->access & access) || frame->offset > region->length ||
	    frame->length > region->length - frame->offset)
		return NULL;
	return region;
}

static int
region_slot(struct linux_connection *self, uint32_t *ret_index)
{
	struct region **regions, *region;

	if (self->region_free > 0) {
		*ret_index = self->region_free - 1;
		return 0;
	}
	if (self->region_count >= REGION_LIMIT)
		return error_raise(-DER_BUSY, "more than %u regions on one connection",
				   REGION_LIMIT);
	region = arena_calloc(arena_of(self), 1, sizeof(*region));
	if (!region)
		return error_raise(-DER_NOMEM, "no memory for a bulk region");
	if ((self->region_count & (self->region_count - 1)) == 0) {
		size_t size = max_of(self->region_count * 2, 1u) * sizeof(*regions);

		regions = self->regions ? arena_realloc(arena_of(self), self->regions, size)
					: arena_alloc(arena_of(self), size);
		if (!regions) {
			arena_free(arena_of(self), region);
			return error_raise(-DER_NOMEM, "no memory for a bulk region");
		}
		self->regions = regions;
	}
	self->regions[self->region_count++] = region;
	self->region_free = self->region_count;
	*ret_index = self->region_count - 1;
	return 0;
}

int
linux_bulk_register(struct connection *connection, const struct iovec *iov, uint32_t iov_count,
		    enum bulk_access access, uint64_t *ret_key)
{
	struct linux_connection *self = connection_of(connection);
	size_t size = max_of(iov_count, 1u) * sizeof(*iov);
	struct region *region;
	struct iovec *copy;
	uint32_t index = 0;
	int rc;

	if (!connection_alive(self))
		return -DER_UNREACH;
	rc = region_slot(self, &index);
	if (rc)
		return rc;
	copy = arena_alloc(arena_of(self), size);
	if (!copy)
		return error_raise(-DER_NOMEM, "no memory for a bulk region");
	memcpy(copy, iov, iov_count * sizeof(*iov));
	region = self->regions[index];
	self->region_free = region->next_free;
	self->regions_used++;
	*region = (struct region){.iov = copy,
				  .iov_count = iov_count,
				  .generation = region->generation + 1,
				  .access = (uint8_t)access,
				  .used = true,
				  .length = iov_length(iov, iov_count)};
	*ret_key = (uint64_t)region->generation << 32 | (index + 1);
	return 0;
}

void
linux_bulk_deregister(struct connection *connection, uint64_t key)
{
	struct linux_connection *self = connection_of(connection);
	struct region *region = region_find(self, key);
	int rc;

	if (!region)
		return;
	rc = output_release_region(self, region);
	if (rc)
		connection_fail_later(self, rc);
	if (self->input.bulk.active && self->input.bulk.region == region) {
		self->input.bulk.region = NULL;
		self->input.bulk.status = -DER_NO_PERM;
	}
	arena_free(arena_of(self), region->iov);
	region->iov = NULL;
	region->used = false;
	region->next_free = self->region_free;
	self->region_free = (uint32_t)(key & UINT32_MAX);
	self->regions_used--;
}

void
bulk_free_regions(struct linux_connection *self)
{
	for (uint32_t i = 0; i < self->region_count; i++) {
		arena_free(arena_of(self), self->regions[i]->iov);
		arena_free(arena_of(self), self->regions[i]);
	}
	arena_free(arena_of(self), self->regions);
	self->regions = NULL;
	self->region_count = 0;
}

/* ------------------------------------------------ transfers of this side */

/* Puts the transfer's frame into the output. */
static int
transfer_send(struct linux_connection *self, struct transfer *transfer)
{
	struct frame frame = {.kind = transfer->direction == BULK_READ ? FRAME_READ : FRAME_WRITE,
			      .key = transfer->key,
			      .offset = transfer->offset,
			      .length = transfer->length};
	uint8_t head[FRAME_HEAD_MAX];
	int rc;

	transfer->tag = self->next_tag++;
	frame.tag = transfer->tag;
	rc = output_copy(self, head, frame_encode(&frame, head));
	if (rc || transfer->direction == BULK_READ)
		return rc;
	rc = output_borrow(self, transfer->iov, transfer->iov_count, 0, transfer->length, NULL,
			   transfer);
	return rc ? rc : output_pad(self, transfer->length);
}

/* Puts waiting transfers on the wire as far as the limit goes. */
static int
transfers_start(struct linux_connection *self)
{
	struct list *link;
	int rc = 0;

	while (rc == 0 && self->transfer_count < TRANSFERS_ON_WIRE &&
	       (link = list_pop(&self->transfers_waiting))) {
		struct transfer *transfer = list_entry(link, struct transfer, link);

		list_append(&self->transfers, link);
		self->transfer_count++;
		rc = transfer_send(self, transfer);
	}
	return rc;
}

static void
transfer_finish(struct linux_connection *self, struct transfer *transfer, int result)
{
	struct completion *completion = transfer->completion;

	list_remove(&transfer->link);
	arena_free(arena_of(self), transfer);
	/* When the env goes, the fibers that waited may be gone before it. */
	if (!self->transport->ending)
		completion_signal(completion, result);
}

/* The oldest transfer on the wire, if it has this tag: answers come in the order of the requests.
 */
static struct transfer *
transfer_expected(struct linux_connection *self, uint64_t tag)
{
	struct list *link = list_first(&self->transfers);
	struct transfer *transfer = link ? list_entry(link, struct transfer, link) : NULL;

	return transfer && transfer->tag == tag ? transfer : NULL;
}

static int
transfer_answered(struct linux_connection *self, struct transfer *transfer, int result)
{
	self->transfer_count--;
	transfer_finish(self, transfer, result);
	return transfers_start(self);
}

void
linux_bulk_transfer(struct connection *connection, enum bulk_access direction, uint64_t key,
		    uint64_t offset, const struct iovec *iov, uint32_t iov_count,
		    struct completion *completion)
{
	struct linux_connection *self = connection_of(connection);
	uint64_t length = iov_length(iov, iov_count);
	struct transfer *transfer;
	int rc;

	completion->done = false;
	if (!connection_alive(self)) {
		completion_signal(completion, -DER_UNREACH);
		return;
	}
	if (length > BULK_MAX) {
		completion_signal(completion, -DER_OVERFLOW);
		return;
	}
	transfer = arena_calloc(arena_of(self), 1, sizeof(*transfer));
	if (!transfer) {
		completion_signal(completion, -DER_NOMEM);
		return;
	}
	*transfer = (struct transfer){.direction = direction,
				      .key = key,
				      .offset = offset,
				      .length = length,
				      .iov = iov,
				      .iov_count = iov_count,
				      .completion = completion};
	list_append(&self->transfers_waiting, &transfer->link);
	rc = transfers_start(self);
	if (rc)
		connection_fail_later(self, rc);
}

void
linux_bulk_fail_all(struct linux_connection *self)
{
	struct list *link;

	list_splice(&self->transfers, &self->transfers_waiting);
	self->transfer_count = 0;
	while ((link = list_first(&self->transfers)))
		transfer_finish(self, list_entry(link, struct transfer, link), -DER_UNREACH);
}

/* ------------------------------------------------ frames of the peer */

/*
 * Room for one more answer to the peer, who keeps to the same limit. Answers count until their
 * whole segment is sent, so that some which the peer has already may still be counted.
 */
static bool
answer_allowed(const struct linux_connection *self)
{
	return self->output.answers < 2 * TRANSFERS_ON_WIRE;
}

static int
answer_done(struct linux_connection *self, uint64_t tag, int status)
{
	const struct frame frame = {.kind = FRAME_DONE, .tag = tag, .status = status};
	uint8_t head[FRAME_HEAD_MAX];
	int rc = output_copy(self, head, frame_encode(&frame, head));

	if (rc == 0)
		output_count_answer(self);
	return rc;
}

static int
on_read(struct linux_connection *self, const struct frame *frame)
{
	const struct frame answer = {
		.kind = FRAME_DATA, .tag = frame->tag, .length = frame->length};
	struct region *region = region_check(self, frame, BULK_READ);
	uint8_t head[FRAME_HEAD_MAX];
	int rc;

	if (!answer_allowed(self))
		return -DER_PROTO;
	if (!region)
		return answer_done(self, frame->tag, -DER_NO_PERM);
	rc = output_copy(self, head, frame_encode(&answer, head));
	if (rc == 0)
		rc = output_borrow(self, region->iov, region->iov_count, frame->offset,
				   frame->length, region, NULL);
	if (rc == 0)
		rc = output_pad(self, frame->length);
	if (rc == 0)
		output_count_answer(self);
	return rc;
}

/* All of the bulk data has arrived. */
static int
bulk_finish(struct linux_connection *self)
{
	struct bulk_input bulk = self->input.bulk;

	self->input.bulk = (struct bulk_input){0};
	if (bulk.transfer)
		return transfer_answered(self, bulk.transfer, 0);
	return answer_done(self, bulk.tag, bulk.status);
}

static int
bulk_begin(struct linux_connection *self, const struct frame *frame, struct transfer *transfer,
	   struct region *region)
{
	self->input.bulk = (struct bulk_input){.active = true,
					       .transfer = transfer,
					       .region = region,
					       .offset = region ? frame->offset : 0,
					       .left = frame->body,
					       .tag = frame->tag,
					       .status = transfer || region ? 0 : -DER_NO_PERM};
	self->input.skip = (uint32_t)frame_padding(frame->body);
	return frame->body == 0 ? bulk_finish(self) : 0;
}

static int
on_write(struct linux_connection *self, const struct frame *frame)
{
	if (!answer_allowed(self))
		return -DER_PROTO;
	return bulk_begin(self, frame, NULL, region_check(self, frame, BULK_WRITE));
}

static int
on_data(struct linux_connection *self, const struct frame *frame)
{
	struct transfer *transfer = transfer_expected(self, frame->tag);

	if (!transfer || transfer->direction != BULK_READ || transfer->length != frame->length)
		return -DER_PROTO;
	return bulk_begin(self, frame, transfer, NULL);
}

static int
on_done(struct linux_connection *self, const struct frame *frame)
{
	struct transfer *transfer = transfer_expected(self, frame->tag);

	/* An answer to what was not sent yet would let go of memory that is still to be sent. */
	if (!transfer || transfer->queued ||
	    (transfer->direction == BULK_READ && frame->status == 0))
		return -DER_PROTO;
	return transfer_answered(self, transfer, frame->status);
}

int
bulk_frame(struct linux_connection *self, const struct frame *frame)
{
	switch (frame->kind) {
	case FRAME_READ:
		return on_read(self, frame);
	case FRAME_WRITE:
		return on_write(self, frame);
	case FRAME_DATA:
		return on_data(self, frame);
	case FRAME_DONE:
		return on_done(self, frame);
	default:
		return -DER_PROTO;
	}
}

/* ------------------------------------------------ data on its way in */

uint32_t
bulk_input_pieces(struct linux_connection *self, struct iovec *iov, uint32_t limit)
{
	const struct bulk_input *bulk = &self->input.bulk;
	const struct iovec *from = bulk->transfer ? bulk->transfer->iov
				   : bulk->region ? bulk->region->iov
						  : NULL;
	uint32_t from_count = bulk->transfer ? bulk->transfer->iov_count
			      : bulk->region ? bulk->region->iov_count
					     : 0;
	uint64_t position = bulk->offset, left = bulk->left;
	uint32_t count = 0;

	for (uint32_t i = 0; i < from_count && left > 0 && count < limit; i++) {
		size_t length;

		if (position >= from[i].iov_len) {
			position -= from[i].iov_len;
			continue;
		}
		length = min_of(from[i].iov_len - position, left);
		iov[count++] = (struct iovec){.iov_base = (uint8_t *)from[i].iov_base + position,
					      .iov_len = length};
		left -= length;
		position = 0;
	}
	return count;
}

int
bulk_input_advance(struct linux_connection *self, uint64_t length)
{
	struct bulk_input *bulk = &self->input.bulk;

	ASSERT(bulk->active && length <= bulk->left);
	bulk->offset += length;
	bulk->left -= length;
	return bulk->left == 0 ? bulk_finish(self) : 0;
}
