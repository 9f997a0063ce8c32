/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The framing of the native transport; README.md has the layout. Pure. Private to env/linux. */
#pragma once

#include "env/env.h"

#define FRAME_MAGIC 0xca1fu
#define FRAME_HEADER 16u
#define FRAME_ALIGNMENT 8u

/* The longest bulk transfer. */
#define BULK_MAX (1u << 30)

enum frame_kind {
	FRAME_MESSAGE = 1, /* a frame of connection_send() */
	FRAME_READ = 2,	   /* key, offset, length: asks for data of a region */
	FRAME_DATA = 3,	   /* the answer */
	FRAME_WRITE = 4,   /* key, offset, data: for a region */
	FRAME_DONE = 5,	   /* status: answers a write, or a read that failed */
};

/* What precedes the payload on the wire, little-endian. */
struct frame_header {
	uint16_t magic;
	uint8_t kind;
	uint8_t reserved; /* 0 */
	uint32_t length;  /* of what follows, without the padding to FRAME_ALIGNMENT */
	uint64_t tag;	  /* of a bulk transfer: counted by its initiator; 0 in messages */
};
_Static_assert(sizeof(struct frame_header) == FRAME_HEADER, "wire layout");

/* Bytes of the fixed part after the header. */
#define FRAME_READ_LENGTH 24u
#define FRAME_WRITE_LENGTH 16u
#define FRAME_DONE_LENGTH 8u

enum frame_outcome {
	FRAME_WHOLE,   /* *ret_frame is set */
	FRAME_PARTIAL, /* more bytes are needed */
	FRAME_BAD,     /* not a frame: the connection cannot go on */
};

struct frame {
	enum frame_kind kind;
	uint64_t tag;
	uint64_t key;
	uint64_t offset;
	uint64_t length; /* bytes of the message or of the bulk data */
	int32_t status;
	const uint8_t *payload; /* of a message, inside the input */
	size_t head; /* bytes of the input that the frame takes; bulk data (and its padding) follows
			them */
	uint64_t body; /* bytes of bulk data that follow the head */
};

/*
 * Reads the frame at the beginning of data. With FRAME_PARTIAL *ret_needed is the number of bytes
 * from the beginning of data that are needed to get further.
 */
enum frame_outcome frame_parse(const uint8_t *data, size_t length, struct frame *ret_frame,
			       size_t *ret_needed);

/* Padding after length bytes. */
static inline size_t
frame_padding(uint64_t length)
{
	return (size_t)(-length & (FRAME_ALIGNMENT - 1));
}

/* Writes header and fixed part for frame (kind, tag, key, offset, length, status); returns their
 * size, at most 40. */
#define FRAME_HEAD_MAX (FRAME_HEADER + FRAME_READ_LENGTH)
size_t frame_encode(const struct frame *frame, uint8_t *to);
