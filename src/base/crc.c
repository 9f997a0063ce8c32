/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* CRC-32C by ISA-L, and its algebra: polynomials modulo P over GF(2), bit 31 being the coefficient
 * of x^0. */
#include <isa-l/crc.h>

#include "base/base.h"

/* P without its highest term, reflected. */
#define POLYNOMIAL 0x82f63b78u

/* ISA-L takes the length as an int. */
#define PIECE_MAX ((size_t)1 << 30)

/*
 * x^(8 * 2^k) mod P for k in [0, 31). P is x + 1 times a primitive polynomial of degree 31, so
 * x^(2^31) = x and the series repeats after 31 terms. The test computes it again.
 */
static const uint32_t byte_powers[31] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a, 0xb82be955,
	0xb8fdb1e7, 0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a, 0x35d73a62, 0x28461564,
	0xbf455269, 0xe2ea32dc, 0xfe7740e6, 0xf946610b, 0x3c204f8f, 0x538586e3, 0x59726915,
	0x734d5309, 0xbc1ac763, 0x7d0722cc, 0xd289cabe, 0xe94ca9bc, 0x05b74f3f, 0xa51e1f42,
	0x40000000, 0x20000000, 0x08000000,
};

uint32_t
crc32c(uint32_t seed, const void *data, size_t length)
{
	uintptr_t from = (uintptr_t)data;
	uint32_t crc = ~seed;

	while (length > 0) {
		size_t piece = min_of(length, PIECE_MAX);

		/* ISA-L only reads, although its prototype lacks the const. */
		crc = crc32_iscsi((unsigned char *)from, (int)piece, crc);
		from += piece;
		length -= piece;
	}
	return ~crc;
}

uint32_t
crc32c_iov(uint32_t seed, const struct iovec *iov, uint32_t count, size_t offset, size_t length)
{
	uint32_t i = 0;

	while (i < count && offset >= iov[i].iov_len)
		offset -= iov[i++].iov_len;
	for (; length > 0; i++, offset = 0) {
		size_t piece;

		ASSERT(i < count);
		piece = min_of(length, iov[i].iov_len - offset);
		seed = crc32c(seed, (const char *)iov[i].iov_base + offset, piece);
		length -= piece;
	}
	return seed;
}

/* a * b mod P. */
static uint32_t
multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a != 0; a <<= 1) {
		product ^= b & -(a >> 31);
		b = b >> 1 ^ (POLYNOMIAL & -(b & 1));
	}
	return product;
}

uint32_t
crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b)
{
	for (unsigned int k = 0; length_b != 0; length_b >>= 1, k = k == 30 ? 0 : k + 1)
		if (length_b & 1)
			crc_a = multiply(byte_powers[k], crc_a);
	return crc_a ^ crc_b;
}
