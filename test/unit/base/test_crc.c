/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* CRC-32C: published values, a bit-by-bit reference, pieces, and combination. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static uint32_t
reference(uint32_t seed, const uint8_t *data, size_t length)
{
	uint32_t crc = ~seed;

	for (size_t i = 0; i < length; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static uint8_t data[70000];

static int
set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)mix64(i);
	return 0;
}

static void
test_published(void **state)
{
	uint8_t block[32];

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(crc32c(0, NULL, 0), 0);
	/* RFC 3720, B.4. */
	memset(block, 0, sizeof(block));
	assert_int_equal(crc32c(0, block, sizeof(block)), 0x8a9136aau);
	memset(block, 0xff, sizeof(block));
	assert_int_equal(crc32c(0, block, sizeof(block)), 0x62a8ab43u);
	for (uint8_t i = 0; i < 32; i++)
		block[i] = i;
	assert_int_equal(crc32c(0, block, sizeof(block)), 0x46dd794eu);
}

static void
test_reference(void **state)
{
	(void)state;
	for (size_t length = 0; length < 3000; length += 1 + length / 7)
		for (size_t from = 0; from < 5; from++) {
			size_t middle = length / 3;
			uint32_t whole = crc32c(0, data + from, length);

			assert_int_equal(whole, reference(0, data + from, length));
			assert_int_equal(whole, crc32c(crc32c(0, data + from, middle),
						       data + from + middle, length - middle));
		}
}

static void
test_combine(void **state)
{
	(void)state;
	for (size_t length = 0; length < sizeof(data); length += 1 + length / 5)
		for (size_t first = 0; first <= length; first += 1 + length / 3) {
			uint32_t a = crc32c(0, data, first);
			uint32_t b = crc32c(0, data + first, length - first);

			assert_int_equal(crc32c_combine(a, b, length - first),
					 crc32c(0, data, length));
		}
}

/* Lengths beyond memory: doubling a block of zeros again and again must agree with combining in one
 * step. */
static void
test_combine_long(void **state)
{
	uint32_t zeros = crc32c(0, "", 1);
	uint32_t sum = zeros;

	(void)state;
	for (unsigned int k = 0; k < 62; k++) {
		uint32_t doubled = crc32c_combine(sum, sum, 1ull << k);

		/* 2^k + 2^k zeros, and the same in two uneven parts: 1 and 2^(k+1) - 1. */
		if (k < 10) {
			static const uint8_t nothing[1024];

			assert_int_equal(doubled, crc32c(0, nothing, 2ull << k));
		}
		sum = doubled;
		assert_int_equal(
			crc32c_combine(crc32c_combine(0x12345678, sum, 2ull << k), zeros, 1),
			crc32c_combine(0x12345678, crc32c_combine(sum, zeros, 1), (2ull << k) + 1));
	}
}

static void
test_iov(void **state)
{
	struct iovec iov[] = {{data, 10}, {data + 10, 0}, {data + 10, 500}, {data + 510, 490}};

	(void)state;
	for (size_t offset = 0; offset <= 1000; offset += 37)
		for (size_t length = 0; offset + length <= 1000; length += 41)
			assert_int_equal(crc32c_iov(9, iov, ARRAY_SIZE(iov), offset, length),
					 crc32c(9, data + offset, length));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published), cmocka_unit_test(test_reference),
		cmocka_unit_test(test_combine),	  cmocka_unit_test(test_combine_long),
		cmocka_unit_test(test_iov),
	};

	return cmocka_run_group_tests_name("crc", tests, set_up, NULL);
}
