/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Cursors over byte buffers: little-endian integers and raw bytes with checked lengths. An error
 * sticks, so that an encoder or decoder checks once at its end.
 */
#pragma once

#include <string.h>

#include "base/compiler.h"

/* ------------------------------------------------ unchecked loads and stores, little-endian, any
 * alignment */

static inline uint16_t
load_u16(const void *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap16(value) : value;
}

static inline uint32_t
load_u32(const void *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(value) : value;
}

static inline uint64_t
load_u64(const void *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(value) : value;
}

static inline void
store_u16(void *to, uint16_t value)
{
	value = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap16(value) : value;
	memcpy(to, &value, sizeof(value));
}

static inline void
store_u32(void *to, uint32_t value)
{
	value = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(value) : value;
	memcpy(to, &value, sizeof(value));
}

static inline void
store_u64(void *to, uint64_t value)
{
	value = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(value) : value;
	memcpy(to, &value, sizeof(value));
}

/* ------------------------------------------------ reader */

struct reader {
	const uint8_t *data; /* borrowed */
	size_t length;
	size_t position;
	bool failed; /* something reached beyond the end; every later result is 0 or NULL */
};

void reader_init(struct reader *reader, const void *data, size_t length);

/* Bytes not read yet; 0 after a failure. */
size_t reader_left(const struct reader *reader);

/* Whether nothing failed and everything was read. */
bool reader_complete(const struct reader *reader);

/* Marks the input as bad: for a decoder that meets an impossible value. */
void reader_fail(struct reader *reader);

/* The next length bytes, more than 0, or NULL. */
static inline const uint8_t *
reader_take(struct reader *reader, size_t length)
{
	const uint8_t *from;

	if (UNLIKELY(reader->failed || length > reader->length - reader->position)) {
		reader->failed = true;
		return NULL;
	}
	from = reader->data + reader->position;
	reader->position += length;
	return from;
}

/* The next integer; 0 on failure. */
static inline uint8_t
reader_u8(struct reader *reader)
{
	const uint8_t *from = reader_take(reader, sizeof(uint8_t));

	return from ? *from : 0;
}

static inline uint16_t
reader_u16(struct reader *reader)
{
	const uint8_t *from = reader_take(reader, sizeof(uint16_t));

	return from ? load_u16(from) : 0;
}

static inline uint32_t
reader_u32(struct reader *reader)
{
	const uint8_t *from = reader_take(reader, sizeof(uint32_t));

	return from ? load_u32(from) : 0;
}

static inline uint64_t
reader_u64(struct reader *reader)
{
	const uint8_t *from = reader_take(reader, sizeof(uint64_t));

	return from ? load_u64(from) : 0;
}

/* A pointer to the next length bytes inside the buffer, or NULL on failure. */
const uint8_t *reader_bytes(struct reader *reader, size_t length);

/* Copies the next length bytes to to; zeros on failure. */
void reader_copy(struct reader *reader, void *to, size_t length);

/* Bytes with a u32 length before them, at most limit of them; NULL and length 0 on failure. */
const uint8_t *reader_blob(struct reader *reader, size_t limit, size_t *ret_length);

/* As reader_blob(), copied to text with a terminator; size is that of text. A zero byte inside is a
 * failure. */
void reader_text(struct reader *reader, char *text, size_t size);

/* ------------------------------------------------ writer */

struct writer {
	uint8_t *data; /* borrowed */
	size_t length;
	size_t position;
	bool failed; /* something did not fit; nothing is written any more */
	/*
	 * Called when needed more bytes do not fit: makes room by moving the content to a larger
	 * buffer (data, length), or leaves things as they are. NULL: the buffer is all there is.
	 */
	void (*grow)(struct writer *writer, size_t needed);
};

void writer_init(struct writer *writer, void *data, size_t length);

/* length bytes to be filled in by the caller, not cleared; NULL when they do not fit. */
uint8_t *writer_reserve(struct writer *writer, size_t length);

static inline uint8_t *
writer_take(struct writer *writer, size_t length)
{
	uint8_t *to;

	if (UNLIKELY(writer->failed || length > writer->length - writer->position))
		return writer_reserve(writer, length);
	to = writer->data + writer->position;
	writer->position += length;
	return to;
}

static inline void
writer_u8(struct writer *writer, uint8_t value)
{
	uint8_t *to = writer_take(writer, sizeof(value));

	if (to)
		*to = value;
}

static inline void
writer_u16(struct writer *writer, uint16_t value)
{
	uint8_t *to = writer_take(writer, sizeof(value));

	if (to)
		store_u16(to, value);
}

static inline void
writer_u32(struct writer *writer, uint32_t value)
{
	uint8_t *to = writer_take(writer, sizeof(value));

	if (to)
		store_u32(to, value);
}

static inline void
writer_u64(struct writer *writer, uint64_t value)
{
	uint8_t *to = writer_take(writer, sizeof(value));

	if (to)
		store_u64(to, value);
}

/* Raw bytes without a length. */
void writer_bytes(struct writer *writer, const void *from, size_t length);

/* A u32 length, then the bytes. */
void writer_blob(struct writer *writer, const void *from, size_t length);
void writer_text(struct writer *writer, const char *text);
