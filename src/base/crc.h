/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * CRC-32C (Castagnoli, reflected, as in iSCSI, RFC 3720), by ISA-L. Sums are in the finished form
 * (inverted before and after): crc32c(0, "123456789", 9) is 0xe3069283, and the sum of nothing is
 * 0.
 */
#pragma once

#include <sys/uio.h>

#include "base/compiler.h"

/* The sum of what gave seed, followed by data; seed 0 starts. So crc32c(crc32c(0, a), b) is the sum
 * of a and b. */
uint32_t crc32c(uint32_t seed, const void *data, size_t length);

/* As crc32c() over length bytes of a vector from offset on, which must hold that many. */
uint32_t crc32c_iov(uint32_t seed, const struct iovec *iov, uint32_t count, size_t offset,
		    size_t length);

/*
 * The sum of a followed by b, from crc32c(0, a), crc32c(0, b) and the length of b, without the
 * data: multiplication by a power of x modulo the polynomial, logarithmic in length_b.
 */
uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);
