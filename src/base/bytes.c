/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Readers and writers. Lengths are compared without adding to a position, so that no length
 * overflows. */
#include "base/base.h"

void
reader_init(struct reader *reader, const void *data, size_t length)
{
	*reader = (struct reader){.data = data, .length = length};
}

size_t
reader_left(const struct reader *reader)
{
	return reader->failed ? 0 : reader->length - reader->position;
}

bool
reader_complete(const struct reader *reader)
{
	return !reader->failed && reader->position == reader->length;
}

void
reader_fail(struct reader *reader)
{
	reader->failed = true;
}

const uint8_t *
reader_bytes(struct reader *reader, size_t length)
{
	/* A stand-in for the data of an empty buffer, whose pointer may be NULL. */
	static const uint8_t nothing;
	const uint8_t *from;

	if (reader->failed || length > reader->length - reader->position) {
		reader->failed = true;
		return NULL;
	}
	if (reader->data == NULL)
		return &nothing;
	from = reader->data + reader->position;
	reader->position += length;
	return from;
}

void
reader_copy(struct reader *reader, void *to, size_t length)
{
	const uint8_t *from = reader_bytes(reader, length);

	if (length == 0)
		return;
	if (from)
		memcpy(to, from, length);
	else
		memset(to, 0, length);
}

const uint8_t *
reader_blob(struct reader *reader, size_t limit, size_t *ret_length)
{
	size_t length = reader_u32(reader);
	const uint8_t *from;

	if (length > limit)
		reader->failed = true;
	from = reader_bytes(reader, length);
	*ret_length = from ? length : 0;
	return from;
}

void
reader_text(struct reader *reader, char *text, size_t size)
{
	size_t length;
	const uint8_t *from;

	ASSERT(size > 0);
	from = reader_blob(reader, size - 1, &length);
	if (length > 0 && memchr(from, 0, length)) {
		reader->failed = true;
		length = 0;
	}
	if (length > 0)
		memcpy(text, from, length);
	text[length] = 0;
}

void
writer_init(struct writer *writer, void *data, size_t length)
{
	*writer = (struct writer){.data = data, .length = length};
}

uint8_t *
writer_reserve(struct writer *writer, size_t length)
{
	uint8_t *to;

	if (!writer->failed && length > writer->length - writer->position && writer->grow)
		writer->grow(writer, length);
	if (writer->failed || length > writer->length - writer->position) {
		writer->failed = true;
		return NULL;
	}
	to = writer->data + writer->position;
	writer->position += length;
	return to;
}

void
writer_bytes(struct writer *writer, const void *from, size_t length)
{
	uint8_t *to;

	if (length == 0)
		return;
	to = writer_reserve(writer, length);
	if (to)
		memcpy(to, from, length);
}

void
writer_blob(struct writer *writer, const void *from, size_t length)
{
	if (length > UINT32_MAX)
		writer->failed = true;
	writer_u32(writer, (uint32_t)length);
	writer_bytes(writer, from, length);
}

void
writer_text(struct writer *writer, const char *text)
{
	writer_blob(writer, text, strlen(text));
}
