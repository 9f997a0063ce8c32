/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a connection has to send: copied frames and borrowed bulk memory, handed to the kernel once
 * per turn. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "env/linux/connection.h"

#define SEGMENT_SIZE (16u * 1024)
/* Pieces of one system call. */
#define SEND_PIECES 64u
/*
 * So many frames, or bytes, go to the kernel before the turn ends: the peer works on them
 * meanwhile, where it would sleep and had to be woken.
 */
#define FLUSH_FRAMES 8u
#define FLUSH_BYTES (32u * 1024)
/* Bytes handed over in one turn before the other connections have theirs. */
#define SEND_BUDGET (8u * 1024 * 1024)

static struct arena *
arena_of(const struct linux_connection *self)
{
	return self->transport->env->env.arena;
}

/* ------------------------------------------------ segments */

static struct segment *
segment_create(struct linux_connection *self, uint32_t capacity)
{
	struct output *output = &self->output;
	struct segment *segment;

	if (capacity <= SEGMENT_SIZE && capacity > 0 && output->spare) {
		segment = output->spare;
		output->spare = NULL;
	} else {
		if (capacity > 0)
			capacity = max_of(capacity, SEGMENT_SIZE);
		segment = arena_alloc(arena_of(self), sizeof(*segment) + capacity);
		if (!segment)
			return NULL;
		*segment = (struct segment){.capacity = capacity};
		segment->bytes = capacity > 0 ? (uint8_t *)(segment + 1) : NULL;
	}
	list_append(&output->segments, &segment->link);
	return segment;
}

/* Leaves the output, sent or not. */
static void
segment_destroy(struct linux_connection *self, struct segment *segment)
{
	struct output *output = &self->output;

	list_remove(&segment->link);
	self->connection.queued -= segment->length - segment->sent;
	if (segment->bytes)
		output->owned -= segment->length - segment->sent;
	if (segment->region)
		segment->region->sending--;
	if (segment->transfer)
		segment->transfer->queued = false;
	output->answers -= segment->answers;
	if (segment->capacity == SEGMENT_SIZE && !output->spare && connection_alive(self)) {
		uint8_t *bytes = segment->bytes;

		*segment = (struct segment){.capacity = SEGMENT_SIZE, .bytes = bytes};
		output->spare = segment;
		return;
	}
	arena_free(arena_of(self), segment);
}

/* length contiguous bytes at the end of the output, or NULL. */
static uint8_t *
output_reserve(struct linux_connection *self, size_t length)
{
	struct list *last = list_last(&self->output.segments);
	struct segment *segment = last ? list_entry(last, struct segment, link) : NULL;
	uint8_t *bytes;

	if (!segment || !segment->bytes || segment->capacity - segment->length < length)
		segment = segment_create(self, (uint32_t)length);
	if (!segment)
		return NULL;
	bytes = segment->bytes + segment->length;
	segment->length += length;
	self->output.owned += length;
	self->connection.queued += length;
	connection_mark_dirty(self);
	return bytes;
}

int
output_copy(struct linux_connection *self, const void *bytes, size_t length)
{
	uint8_t *to;

	if (length == 0)
		return 0;
	to = output_reserve(self, length);
	if (!to)
		return error_raise(-DER_NOMEM, "no memory to send");
	memcpy(to, bytes, length);
	return 0;
}

int
output_pad(struct linux_connection *self, uint64_t length)
{
	static const uint8_t zeros[FRAME_ALIGNMENT];

	return output_copy(self, zeros, frame_padding(length));
}

int
output_borrow(struct linux_connection *self, const struct iovec *iov, uint32_t iov_count,
	      uint64_t offset, uint64_t length, struct region *region, struct transfer *transfer)
{
	struct segment *segment;

	if (length == 0)
		return 0;
	segment = segment_create(self, 0);
	if (!segment)
		return error_raise(-DER_NOMEM, "no memory to send");
	segment->iov = iov;
	segment->iov_count = iov_count;
	segment->iov_offset = offset;
	segment->length = length;
	segment->region = region;
	segment->transfer = transfer;
	if (region)
		region->sending++;
	if (transfer)
		transfer->queued = true;
	self->connection.queued += length;
	connection_mark_dirty(self);
	return 0;
}

void
output_count_answer(struct linux_connection *self)
{
	struct list *last = list_last(&self->output.segments);

	ASSERT(last);
	list_entry(last, struct segment, link)->answers++;
	self->output.answers++;
}

/* Replaces segment by one that owns what is left of it. */
static int
segment_own(struct linux_connection *self, struct segment *segment)
{
	uint64_t left = segment->length - segment->sent;
	struct segment *copy = arena_alloc(arena_of(self), sizeof(*copy) + left);

	if (!copy)
		return error_raise(-DER_NOMEM,
				   "no memory to keep what is being sent from a region");
	*copy = (struct segment){
		.bytes = (uint8_t *)(copy + 1), .capacity = (uint32_t)left, .length = left};
	copy->answers = segment->answers;
	iov_copy_out(segment->iov, segment->iov_count, segment->iov_offset + segment->sent,
		     copy->bytes, left);
	self->output.answers += copy->answers;
	self->output.owned += left;
	self->connection.queued += left;
	list_insert_before(&segment->link, &copy->link);
	segment_destroy(self, segment);
	return 0;
}

int
output_release_region(struct linux_connection *self, struct region *region)
{
	LIST_FOR_EACH_SAFE(link, &self->output.segments) {
		struct segment *segment = list_entry(link, struct segment, link);

		if (region->sending == 0)
			return 0;
		if (segment->region == region) {
			int rc = segment_own(self, segment);

			if (rc)
				return rc;
		}
	}
	ASSERT(region->sending == 0);
	return 0;
}

void
output_drop(struct linux_connection *self)
{
	struct list *link;

	while ((link = list_first(&self->output.segments)))
		segment_destroy(self, list_entry(link, struct segment, link));
	arena_free(arena_of(self), self->output.spare);
	self->output.spare = NULL;
}

/* ------------------------------------------------ to the kernel */

static uint32_t
segment_pieces(const struct segment *segment, struct iovec *pieces, uint32_t limit)
{
	uint64_t left = segment->length - segment->sent;
	uint64_t position = segment->iov_offset + segment->sent;
	uint32_t count = 0;

	if (segment->bytes) {
		pieces[0] =
			(struct iovec){.iov_base = segment->bytes + segment->sent, .iov_len = left};
		return 1;
	}
	for (uint32_t i = 0; i < segment->iov_count && left > 0 && count < limit; i++) {
		const struct iovec *iov = &segment->iov[i];
		size_t length;

		if (position >= iov->iov_len) {
			position -= iov->iov_len;
			continue;
		}
		length = min_of(iov->iov_len - position, left);
		pieces[count++] = (struct iovec){.iov_base = (uint8_t *)iov->iov_base + position,
						 .iov_len = length};
		left -= length;
		position = 0;
	}
	return count;
}

static uint32_t
gather(const struct output *output, struct iovec *pieces)
{
	uint32_t count = 0;

	LIST_FOR_EACH(link, &output->segments) {
		if (count == SEND_PIECES)
			break;
		count += segment_pieces(list_entry(link, struct segment, link), pieces + count,
					SEND_PIECES - count);
	}
	return count;
}

static void
consume(struct linux_connection *self, uint64_t taken)
{
	struct output *output = &self->output;

	while (taken > 0) {
		struct segment *segment =
			list_entry(list_first(&output->segments), struct segment, link);
		uint64_t part = min_of(taken, segment->length - segment->sent);

		segment->sent += part;
		taken -= part;
		self->connection.queued -= part;
		if (segment->bytes)
			output->owned -= part;
		if (segment->sent == segment->length)
			segment_destroy(self, segment);
	}
}

static void
block(struct linux_connection *self)
{
	struct backend *backend = self->transport->env->backend;

	self->output.blocked = true;
	list_remove(&self->dirty_link);
	backend->operations->watch_writable(backend, &self->watch);
}

int
output_flush(struct linux_connection *self)
{
	struct linux_statistics *statistics = &self->transport->env->statistics;
	struct iovec pieces[SEND_PIECES];
	uint64_t budget = SEND_BUDGET;

	list_remove(&self->dirty_link);
	self->output.frames = 0;
	while (!list_empty(&self->output.segments)) {
		struct msghdr header = {.msg_iov = pieces,
					.msg_iovlen = gather(&self->output, pieces)};
		ssize_t taken = sendmsg(self->watch.fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);

		statistics->sends++;
		if (taken < 0 && errno == EINTR)
			continue;
		if (taken < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			block(self);
			return 0;
		}
		if (taken < 0)
			return error_raise(-DER_UNREACH, "cannot send: %s", strerror(errno));
		consume(self, (uint64_t)taken);
		if ((uint64_t)taken >= budget) {
			connection_mark_dirty(self);
			return 0;
		}
		budget -= (uint64_t)taken;
	}
	return 0;
}

static void
flush_early(struct linux_connection *self)
{
	int rc;

	if (self->state != CONNECTION_OPEN || self->output.blocked)
		return;
	rc = output_flush(self);
	if (rc)
		connection_fail_later(self, rc);
}

/* ------------------------------------------------ the seam */

int
connection_send_frame(struct connection *connection, const struct iovec *iov, uint32_t iov_count)
{
	struct linux_connection *self = connection_of(connection);
	size_t length = iov_length(iov, iov_count), padding = frame_padding(length);
	struct frame frame = {.kind = FRAME_MESSAGE, .length = length};
	uint8_t *to;

	if (!connection_alive(self))
		return -DER_UNREACH;
	if (length > FRAME_MAX)
		return error_raise(-DER_OVERFLOW, "a frame of %zu bytes exceeds %u", length,
				   FRAME_MAX);
	if (self->output.owned + length > self->transport->queued_limit)
		return error_raise(-DER_BUSY, "%llu bytes wait for a peer that does not read",
				   (unsigned long long)self->output.owned);
	to = output_reserve(self, FRAME_HEADER + length + padding);
	if (!to)
		return error_raise(-DER_NOMEM, "no memory to send");
	frame_encode(&frame, to);
	iov_copy_out(iov, iov_count, 0, to + FRAME_HEADER, length);
	memset(to + FRAME_HEADER + length, 0, padding);
	self->transport->env->statistics.frames_sent++;
	if (++self->output.frames >= FLUSH_FRAMES || self->output.owned >= FLUSH_BYTES)
		flush_early(self);
	return 0;
}
