/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Which pieces of a value have a checksum of their own: stored and transmitted sums cover pieces of
 * 4 KiB in extents up to 64 KiB and of 32 KiB above, aligned to absolute byte offsets of the array
 * (from 0 for single values). A disk and wire format.
 */
#pragma once

#include "base/compiler.h"

#define PIECE_SMALL 4096u
#define PIECE_LARGE 32768u
#define PIECE_LIMIT (64u * 1024)

/* Bytes of a piece in an extent of so many bytes. */
static inline uint32_t
piece_size(uint64_t bytes)
{
	return bytes <= PIECE_LIMIT ? PIECE_SMALL : PIECE_LARGE;
}

/* The number of pieces that [offset, offset + bytes) touches. */
static inline uint32_t
piece_count(uint64_t offset, uint64_t bytes)
{
	uint32_t piece = piece_size(bytes);

	return bytes == 0 ? 0 : (uint32_t)((offset + bytes - 1) / piece - offset / piece + 1);
}

/* Bytes of the first piece of [offset, offset + bytes), which may begin inside it. */
static inline uint64_t
piece_first(uint64_t offset, uint64_t bytes)
{
	uint32_t piece = piece_size(bytes);

	return min_of(bytes, piece - offset % piece);
}
