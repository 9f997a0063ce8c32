/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Vectors of buffers. Offsets and lengths are bytes of the concatenation. */
#pragma once

#include <sys/uio.h>

#include "base/compiler.h"

/* Sum of the lengths. */
size_t iov_length(const struct iovec *iov, uint32_t count);

/* Copies out of or into the vector from offset on; returns the bytes copied, fewer than length at
 * the vector's end. */
size_t iov_copy_out(const struct iovec *iov, uint32_t count, size_t offset, void *to,
		    size_t length);
size_t iov_copy_in(const struct iovec *iov, uint32_t count, size_t offset, const void *from,
		   size_t length);

/* Copies length bytes between two vectors; returns the bytes copied, fewer at the end of either. */
size_t iov_copy(const struct iovec *to, uint32_t to_count, size_t to_offset,
		const struct iovec *from, uint32_t from_count, size_t from_offset, size_t length);

/*
 * Writes to slice the pieces that make up length bytes from offset on; the memory is shared.
 * Returns the number of pieces, or -1 when they are more than limit or the vector is shorter. Empty
 * pieces are left out.
 */
int iov_slice(const struct iovec *iov, uint32_t count, size_t offset, size_t length,
	      struct iovec *slice, uint32_t limit);

/* Whether the vector holds, from offset on, exactly these bytes. */
bool iov_equal(const struct iovec *iov, uint32_t count, size_t offset, const void *data,
	       size_t length);

/* Clears bytes from offset on; returns how many, fewer than length at the vector's end. */
size_t iov_zero(const struct iovec *iov, uint32_t count, size_t offset, size_t length);
