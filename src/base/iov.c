/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Walks over vectors of buffers. */
#include <string.h>

#include "base/base.h"

/* The place of an offset in a vector. */
struct iov_cursor {
	const struct iovec *iov;
	uint32_t count;
	size_t skip; /* within the first buffer left */
};

static struct iov_cursor
cursor_at(const struct iovec *iov, uint32_t count, size_t offset)
{
	while (count > 0 && offset >= iov->iov_len) {
		offset -= iov->iov_len;
		iov++;
		count--;
	}
	return (struct iov_cursor){iov, count, offset};
}

/* The next piece of at most limit bytes; false at the vector's end. Never empty. */
static bool
cursor_next(struct iov_cursor *cursor, size_t limit, struct iovec *ret_piece)
{
	while (cursor->count > 0 && cursor->skip == cursor->iov->iov_len) {
		cursor->iov++;
		cursor->count--;
		cursor->skip = 0;
	}
	if (cursor->count == 0 || limit == 0)
		return false;
	ret_piece->iov_base = (char *)cursor->iov->iov_base + cursor->skip;
	ret_piece->iov_len = min_of(limit, cursor->iov->iov_len - cursor->skip);
	cursor->skip += ret_piece->iov_len;
	return true;
}

size_t
iov_length(const struct iovec *iov, uint32_t count)
{
	size_t length = 0;

	for (uint32_t i = 0; i < count; i++)
		length += iov[i].iov_len;
	return length;
}

size_t
iov_copy_out(const struct iovec *iov, uint32_t count, size_t offset, void *to, size_t length)
{
	struct iov_cursor cursor = cursor_at(iov, count, offset);
	struct iovec piece;
	size_t copied = 0;

	while (cursor_next(&cursor, length - copied, &piece)) {
		memcpy((char *)to + copied, piece.iov_base, piece.iov_len);
		copied += piece.iov_len;
	}
	return copied;
}

size_t
iov_copy_in(const struct iovec *iov, uint32_t count, size_t offset, const void *from, size_t length)
{
	struct iov_cursor cursor = cursor_at(iov, count, offset);
	struct iovec piece;
	size_t copied = 0;

	while (cursor_next(&cursor, length - copied, &piece)) {
		memcpy(piece.iov_base, (const char *)from + copied, piece.iov_len);
		copied += piece.iov_len;
	}
	return copied;
}

size_t
iov_copy(const struct iovec *to, uint32_t to_count, size_t to_offset, const struct iovec *from,
	 uint32_t from_count, size_t from_offset, size_t length)
{
	struct iov_cursor cursor = cursor_at(to, to_count, to_offset);
	struct iovec piece;
	size_t copied = 0;

	while (cursor_next(&cursor, length - copied, &piece)) {
		size_t got = iov_copy_out(from, from_count, from_offset + copied, piece.iov_base,
					  piece.iov_len);

		copied += got;
		if (got < piece.iov_len)
			break;
	}
	return copied;
}

int
iov_slice(const struct iovec *iov, uint32_t count, size_t offset, size_t length,
	  struct iovec *slice, uint32_t limit)
{
	struct iov_cursor cursor = cursor_at(iov, count, offset);
	struct iovec piece;
	uint32_t pieces = 0;

	while (cursor_next(&cursor, length, &piece)) {
		if (pieces == limit)
			return -1;
		slice[pieces++] = piece;
		length -= piece.iov_len;
	}
	return length == 0 ? (int)pieces : -1;
}

bool
iov_equal(const struct iovec *iov, uint32_t count, size_t offset, const void *data, size_t length)
{
	struct iov_cursor cursor = cursor_at(iov, count, offset);
	struct iovec piece;
	size_t compared = 0;

	while (cursor_next(&cursor, length - compared, &piece)) {
		if (memcmp(piece.iov_base, (const char *)data + compared, piece.iov_len) != 0)
			return false;
		compared += piece.iov_len;
	}
	return compared == length;
}

size_t
iov_zero(const struct iovec *iov, uint32_t count, size_t offset, size_t length)
{
	struct iov_cursor cursor = cursor_at(iov, count, offset);
	struct iovec piece;
	size_t cleared = 0;

	while (cursor_next(&cursor, length - cleared, &piece)) {
		memset(piece.iov_base, 0, piece.iov_len);
		cleared += piece.iov_len;
	}
	return cleared;
}
