/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a connection receives: frames into chunks, where they are delivered without a copy; bulk
 * data straight into the memory it is for.
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "env/linux/connection.h"

/* A receive has at least so much room in its chunk. */
#define RECEIVE_ROOM (32u * 1024)
/* Data begins in a chunk at a multiple of it, or as far behind one as the stream is. */
#define START_ALIGNMENT 64u
#define RECEIVE_PIECES 64u

/* ------------------------------------------------ room */

static void
set_start(struct input *input, uint64_t stream_position)
{
	input->begin = (uint32_t)(align_up(input->chunk->fill, START_ALIGNMENT) +
				  stream_position % FRAME_ALIGNMENT);
	input->end = input->begin;
}

static struct chunk *
take_chunk(struct linux_connection *self, size_t room)
{
	return chunk_take(&self->transport->chunks, (uint32_t)room + 2 * START_ALIGNMENT);
}

static void
give_chunk(struct linux_connection *self)
{
	struct input *input = &self->input;

	if (!input->chunk)
		return;
	input->chunk->fill = input->end;
	chunk_give(&self->transport->chunks, input->chunk);
	input->chunk = NULL;
	input->begin = 0;
	input->end = 0;
}

/* Moves the part of a frame that is there to a chunk where the rest finds room. */
static int
move_partial(struct linux_connection *self)
{
	struct input *input = &self->input;
	size_t length = input->end - input->begin;
	struct chunk *old = input->chunk,
		     *chunk = take_chunk(self, max_of(input->needed, (size_t)RECEIVE_ROOM));
	const uint8_t *data = old->data + input->begin;

	if (!chunk)
		return error_raise(-DER_NOMEM, "no memory to receive");
	old->fill = input->end;
	input->chunk = chunk;
	set_start(input, input->received - length);
	memcpy(chunk->data + input->begin, data, length);
	input->end += (uint32_t)length;
	chunk_give(&self->transport->chunks, old);
	return 0;
}

/* Sees to it that there is room behind end; ahead bytes of the stream go elsewhere before. */
static int
prepare(struct linux_connection *self, uint64_t ahead)
{
	struct input *input = &self->input;

	if (input->begin < input->end)
		return CHUNK_SIZE - input->begin < input->needed ? move_partial(self) : 0;
	give_chunk(self);
	input->chunk = take_chunk(self, RECEIVE_ROOM);
	if (!input->chunk)
		return error_raise(-DER_NOMEM, "no memory to receive");
	set_start(input, input->received + ahead);
	return 0;
}

/* ------------------------------------------------ delivery */

static int
malformed(struct linux_connection *self, const char *what)
{
	self->transport->env->statistics.malformed++;
	return error_raise(-DER_PROTO, "the peer sent %s", what);
}

static int
deliver_message(struct linux_connection *self, const struct frame *frame)
{
	struct linux_transport *transport = self->transport;
	struct message *message =
		chunk_message(&transport->chunks, self->input.chunk, frame->payload, frame->length);

	if (!message)
		return error_raise(-DER_NOMEM, "no memory to deliver a frame");
	transport->env->statistics.frames_received++;
	self->connection.handler->message(&self->connection, message);
	return 0;
}

/* Bulk data that came into the chunk goes where it belongs. */
static int
deliver_bulk(struct linux_connection *self)
{
	struct input *input = &self->input;
	uint64_t length = min_of((uint64_t)(input->end - input->begin), input->bulk.left);
	const uint8_t *data = input->chunk->data + input->begin;
	struct iovec pieces[RECEIVE_PIECES];
	uint32_t count = bulk_input_pieces(self, pieces, RECEIVE_PIECES);

	if (count > 0)
		length = iov_copy_in(pieces, count, 0, data, length);
	input->begin += (uint32_t)length;
	return bulk_input_advance(self, length);
}

static void
skip_padding(struct input *input)
{
	uint32_t length = min_of(input->skip, input->end - input->begin);

	input->begin += length;
	input->skip -= length;
}

/* One frame or piece of bulk. 1: done, 0: more bytes are needed, negative: the reason to end. */
static int
deliver_next(struct linux_connection *self)
{
	struct input *input = &self->input;
	struct frame frame;
	int rc;

	if (input->begin == input->end)
		return 0;
	if (input->bulk.active) {
		rc = deliver_bulk(self);
		return rc ? rc : 1;
	}
	if (input->skip > 0) {
		skip_padding(input);
		return 1;
	}
	switch (frame_parse(input->chunk->data + input->begin, input->end - input->begin, &frame,
			    &input->needed)) {
	case FRAME_PARTIAL:
		return 0;
	case FRAME_BAD:
		return malformed(self, "what is no frame");
	default:
		break;
	}
	input->begin += (uint32_t)frame.head;
	rc = frame.kind == FRAME_MESSAGE ? deliver_message(self, &frame) : bulk_frame(self, &frame);
	if (rc == -DER_PROTO)
		return malformed(self, "a bulk frame that fits nothing");
	return rc ? rc : 1;
}

bool
input_deliver(struct linux_connection *self)
{
	int rc;

	do {
		rc = deliver_next(self);
	} while (rc > 0 && connection_alive(self));
	if (rc < 0)
		connection_end(self, rc);
	return connection_alive(self);
}

/* ------------------------------------------------ receiving */

/* One system call. Bytes received, 0 at the end of the stream, or a negative errno; *ret_asked is
 * how much was asked for. */
static ssize_t
receive_once(struct linux_connection *self, const struct iovec *pieces, uint32_t count,
	     uint64_t bulk_length, size_t *ret_asked)
{
	struct input *input = &self->input;
	ssize_t length;

	*ret_asked = iov_length(pieces, count);
	self->transport->env->statistics.receives++;
	length = readv(self->watch.fd, pieces, (int)count);
	if (length <= 0)
		return length < 0 ? -errno : 0;
	input->received += (uint64_t)length;
	if ((uint64_t)length > bulk_length)
		input->end += (uint32_t)((uint64_t)length - bulk_length);
	return length;
}

/*
 * The places for the next bytes of the stream: first bulk memory, then the chunk. *ret_bulk is the
 * length of the former. Returns their number or an error.
 */
static int
plan(struct linux_connection *self, struct iovec *pieces, uint64_t *ret_bulk)
{
	struct input *input = &self->input;
	uint64_t bulk = 0;
	uint32_t count = 0;
	int rc;

	if (input->bulk.active && input->begin == input->end) {
		count = bulk_input_pieces(self, pieces, RECEIVE_PIECES - 1);
		bulk = iov_length(pieces, count);
	}
	if (count == 0 || bulk == input->bulk.left) {
		rc = prepare(self, bulk);
		if (rc)
			return rc;
		pieces[count++] = (struct iovec){.iov_base = input->chunk->data + input->end,
						 .iov_len = CHUNK_SIZE - input->end};
	}
	*ret_bulk = bulk;
	return (int)count;
}

/* Receives once and delivers. 1: there may be more; 0: not now; negative: the reason to end. */
static int
receive_step(struct linux_connection *self, uint64_t *budget)
{
	struct iovec pieces[RECEIVE_PIECES];
	uint64_t bulk_length = 0;
	size_t asked;
	ssize_t length;
	int count = plan(self, pieces, &bulk_length), rc;

	if (count < 0)
		return count;
	length = receive_once(self, pieces, (uint32_t)count, bulk_length, &asked);
	if (length == -EINTR)
		return 1;
	if (length == -EAGAIN)
		return 0;
	if (length == 0)
		return error_raise(-DER_UNREACH, "the peer has closed the connection");
	if (length < 0)
		return error_raise(-DER_UNREACH, "cannot receive: %s", strerror((int)-length));
	*budget -= min_of(*budget, (uint64_t)length);
	if (bulk_length > 0) {
		rc = bulk_input_advance(self, min_of((uint64_t)length, bulk_length));
		if (rc)
			return rc;
	}
	if (!input_deliver(self))
		return 0;
	return (size_t)length == asked || self->hangup;
}

void
input_receive(struct linux_connection *self)
{
	uint64_t budget = RECEIVE_BUDGET;
	int rc;

	connection_pin(self);
	do {
		rc = receive_step(self, &budget);
	} while (rc > 0 && budget > 0 && connection_alive(self));
	if (rc > 0 && connection_alive(self))
		connection_defer(self);
	if (rc < 0)
		connection_end(self, rc);
	if (self->input.begin == self->input.end)
		give_chunk(self);
	connection_unpin(self);
}

void
input_drop(struct linux_connection *self)
{
	self->input.bulk.active = false;
	give_chunk(self);
}

int
input_restore(struct linux_connection *self, const struct detached *handle)
{
	struct input *input = &self->input;

	input->skip = handle->skip;
	input->received = handle->received;
	if (handle->length == 0)
		return 0;
	input->chunk = take_chunk(self, handle->length);
	if (!input->chunk)
		return error_raise(-DER_NOMEM, "no memory to adopt a connection");
	set_start(input, handle->received - handle->length);
	memcpy(input->chunk->data + input->begin, handle->data, handle->length);
	input->end += (uint32_t)handle->length;
	return 0;
}
