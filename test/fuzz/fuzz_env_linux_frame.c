/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Any bytes as a stream of frames: the parser stays inside them, gets on, and what it accepts
 * encodes to what it read. */
#include <stdlib.h>
#include <string.h>

#include "env/linux/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_encoding(const struct frame *frame, const uint8_t *data)
{
	uint8_t head[FRAME_HEAD_MAX];
	size_t length = frame_encode(frame, head);

	/* The last four bytes of DONE are not looked at. */
	if (frame->kind == FRAME_DONE)
		length -= 4;
	if (memcmp(head, data, length) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame;
	size_t needed = 0;

	while (size > 0) {
		switch (frame_parse(data, size, &frame, &needed)) {
		case FRAME_PARTIAL:
			if (needed <= size)
				abort();
			return 0;
		case FRAME_BAD:
			return 0;
		default:
			break;
		}
		if (frame.head < FRAME_HEADER || frame.head > size)
			abort();
		if (frame.kind == FRAME_MESSAGE &&
		    (frame.payload < data || frame.payload + frame.length > data + size ||
		     frame.length > FRAME_MAX))
			abort();
		check_encoding(&frame, data);
		data += frame.head;
		size -= frame.head;
		/* Bulk data and its padding. */
		if (frame.body + frame_padding(frame.body) > size)
			return 0;
		data += frame.body + frame_padding(frame.body);
		size -= frame.body + frame_padding(frame.body);
	}
	return 0;
}
