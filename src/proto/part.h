/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The fixed part of a message: u16 version, u16 size in bytes with these two, then fields. A newer
 * version only adds fields at the end, which an older reader skips.
 */
#pragma once

#include "proto/proto.h"

#define PART_HEAD 4u

/* Starts a part; returns its place for part_end(). */
static inline size_t
part_begin(struct writer *writer, uint16_t version)
{
	size_t start = writer->position;

	writer_u16(writer, version);
	writer_u16(writer, 0);
	return start;
}

static inline void
part_end(struct writer *writer, size_t start)
{
	if (!writer->failed)
		store_u16(writer->data + start + 2, (uint16_t)(writer->position - start));
}

/* A reader of the fields of the next part. */
static inline struct reader
part_open(struct reader *reader)
{
	uint16_t version = reader_u16(reader);
	uint16_t size = reader_u16(reader);
	struct reader part;

	if (version == 0 || size < PART_HEAD)
		reader_fail(reader);
	reader_init(&part, reader_bytes(reader, size < PART_HEAD ? 0 : size - PART_HEAD), 0);
	if (part.data)
		part.length = size - PART_HEAD;
	return part;
}

/* What failed in the part fails the message. */
static inline void
part_close(struct reader *reader, const struct reader *part)
{
	if (part->failed)
		reader_fail(reader);
}

static inline int
part_outcome(const struct reader *reader)
{
	return reader->failed ? -DER_PROTO : 0;
}

/* 0 or 1; anything else fails. */
static inline bool
part_bool(struct reader *reader)
{
	uint8_t value = reader_u8(reader);

	if (value > 1)
		reader_fail(reader);
	return value == 1;
}

/* Bytes of at most limit, borrowed. */
static inline struct proto_text
part_bytes(struct reader *reader, size_t limit)
{
	size_t length;
	const uint8_t *data = reader_blob(reader, limit, &length);

	return (struct proto_text){.data = (const char *)data, .length = (uint32_t)length};
}

/* As part_bytes(), without a zero byte inside. */
static inline struct proto_text
part_text(struct reader *reader, size_t limit)
{
	struct proto_text text = part_bytes(reader, limit);

	if (text.length > 0 && memchr(text.data, 0, text.length))
		reader_fail(reader);
	return text;
}

static inline void
part_put(struct writer *writer, struct proto_text text)
{
	writer_blob(writer, text.data, text.length);
}

/*
 * An array for count members that take at least smallest bytes each in the message: a count that
 * the message cannot hold is refused before anything is allocated. NULL with *ret_rc 0 for none.
 */
static inline void *
part_array(struct reader *reader, struct arena *arena, uint32_t count, size_t smallest, size_t size,
	   int *ret_rc)
{
	void *array;

	*ret_rc = part_outcome(reader);
	if (*ret_rc == 0 && count > reader_left(reader) / smallest) {
		reader_fail(reader);
		*ret_rc = -DER_PROTO;
	}
	if (*ret_rc != 0 || count == 0)
		return NULL;
	array = arena_calloc(arena, count, size);
	if (array == NULL)
		*ret_rc = -DER_NOMEM;
	return array;
}
