/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Reads and writes the heads of frames. */
#include "env/linux/frame.h"

/* How a kind is cut: the fixed part after the header, and how much may follow. */
struct frame_shape {
	bool known;
	bool tagged;
	bool bulk; /* what follows the fixed part is bulk data */
	uint32_t fixed;
	uint32_t limit; /* of what follows the fixed part */
};

static const struct frame_shape shapes[] = {
	[FRAME_MESSAGE] = {.known = true, .limit = FRAME_MAX},
	[FRAME_READ] = {.known = true, .tagged = true, .fixed = FRAME_READ_LENGTH},
	[FRAME_DATA] = {.known = true, .tagged = true, .bulk = true, .limit = BULK_MAX},
	[FRAME_WRITE] = {.known = true,
			 .tagged = true,
			 .bulk = true,
			 .fixed = FRAME_WRITE_LENGTH,
			 .limit = BULK_MAX},
	[FRAME_DONE] = {.known = true, .tagged = true, .fixed = FRAME_DONE_LENGTH},
};

static bool
header_valid(const uint8_t *data)
{
	uint8_t kind = data[2];
	uint32_t length = load_u32(data + 4);
	const struct frame_shape *shape;

	if (load_u16(data) != FRAME_MAGIC || kind >= ARRAY_SIZE(shapes) || !shapes[kind].known ||
	    data[3] != 0)
		return false;
	shape = &shapes[kind];
	if (length < shape->fixed || length - shape->fixed > shape->limit)
		return false;
	return shape->tagged || load_u64(data + 8) == 0;
}

/* The fields of the fixed part. */
static bool
fixed_valid(const uint8_t *fixed, struct frame *frame)
{
	switch (frame->kind) {
	case FRAME_READ:
		frame->length = load_u64(fixed + 16);
		if (frame->length > BULK_MAX)
			return false;
		/* fall through */
	case FRAME_WRITE:
		frame->key = load_u64(fixed);
		frame->offset = load_u64(fixed + 8);
		return true;
	case FRAME_DONE:
		frame->status = (int32_t)load_u32(fixed);
		return frame->status <= 0 && frame->status > -(1 << 20);
	default:
		return true;
	}
}

enum frame_outcome
frame_parse(const uint8_t *data, size_t length, struct frame *ret_frame, size_t *ret_needed)
{
	const struct frame_shape *shape;
	struct frame frame = {0};
	uint32_t following;

	if (length < FRAME_HEADER) {
		*ret_needed = FRAME_HEADER;
		return FRAME_PARTIAL;
	}
	if (!header_valid(data))
		return FRAME_BAD;
	frame.kind = (enum frame_kind)data[2];
	frame.tag = load_u64(data + 8);
	shape = &shapes[frame.kind];
	following = load_u32(data + 4) - shape->fixed;
	frame.length = following;
	frame.body = shape->bulk ? following : 0;
	frame.head = FRAME_HEADER + shape->fixed;
	if (!shape->bulk)
		frame.head += following + frame_padding(following);
	if (length < frame.head) {
		*ret_needed = frame.head;
		return FRAME_PARTIAL;
	}
	if (!fixed_valid(data + FRAME_HEADER, &frame))
		return FRAME_BAD;
	frame.payload = data + FRAME_HEADER + shape->fixed;
	*ret_frame = frame;
	return FRAME_WHOLE;
}

size_t
frame_encode(const struct frame *frame, uint8_t *to)
{
	const struct frame_shape *shape = &shapes[frame->kind];
	uint8_t *fixed = to + FRAME_HEADER;

	store_u16(to, FRAME_MAGIC);
	to[2] = (uint8_t)frame->kind;
	to[3] = 0;
	store_u32(to + 4, shape->fixed + (frame->kind == FRAME_READ ? 0 : (uint32_t)frame->length));
	store_u64(to + 8, frame->tag);
	if (frame->kind == FRAME_READ || frame->kind == FRAME_WRITE) {
		store_u64(fixed, frame->key);
		store_u64(fixed + 8, frame->offset);
	}
	if (frame->kind == FRAME_READ)
		store_u64(fixed + 16, frame->length);
	if (frame->kind == FRAME_DONE) {
		store_u32(fixed, (uint32_t)frame->status);
		store_u32(fixed + 4, 0);
	}
	return FRAME_HEADER + shape->fixed;
}
