/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Vectors of buffers against the flat bytes they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

#define LENGTH 300

static uint8_t flat[LENGTH];

/* A vector over flat in random pieces, empty ones among them; returns their number. */
static uint32_t
cut(uint8_t *memory, struct iovec *iov, uint64_t *seed)
{
	size_t at = 0;
	uint32_t count = 0;

	while (at < LENGTH) {
		size_t piece = min_of(mix64((*seed)++) % 40, LENGTH - at);

		iov[count++] = (struct iovec){memory + at, piece};
		at += piece;
	}
	iov[count++] = (struct iovec){NULL, 0};
	return count;
}

static void
test_against_flat(void **state)
{
	uint8_t memory[LENGTH];
	uint8_t target[LENGTH];
	struct iovec iov[LENGTH];
	struct iovec other[LENGTH];
	struct iovec slice[LENGTH];
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < LENGTH; i++)
		flat[i] = (uint8_t)mix64(i);
	for (int round = 0; round < 300; round++) {
		uint32_t count = 0;
		uint32_t other_count;
		size_t offset = mix64(seed++) % (LENGTH + 1);
		size_t length = mix64(seed++) % (LENGTH + 1);
		size_t there = min_of(length, LENGTH - offset);
		int pieces;

		while (count == 0 || count > LENGTH)
			count = cut(memory, iov, &seed);
		assert_int_equal(iov_length(iov, count), LENGTH);
		memset(memory, 0, LENGTH);
		assert_int_equal(iov_copy_in(iov, count, offset, flat, length), there);
		assert_memory_equal(memory + offset, flat, there);
		assert_int_equal(iov_equal(iov, count, offset, flat, length), there == length);
		memset(target, 1, LENGTH);
		assert_int_equal(iov_copy_out(iov, count, offset, target, length), there);
		assert_memory_equal(target, flat, there);
		pieces = iov_slice(iov, count, offset, length, slice, LENGTH);
		assert_int_equal(pieces >= 0, there == length);
		if (pieces >= 0) {
			assert_int_equal(iov_length(slice, (uint32_t)pieces), length);
			assert_true(iov_equal(slice, (uint32_t)pieces, 0, flat, length));
			if (pieces > 0)
				assert_int_equal(iov_slice(iov, count, offset, length, slice,
							   (uint32_t)pieces - 1),
						 -1);
		}
		/* Between two vectors. */
		memcpy(memory, flat, LENGTH);
		memset(target, 0, LENGTH);
		other_count = cut(target, other, &seed);
		assert_int_equal(iov_copy(other, other_count, 5, iov, count, offset, length),
				 min_of(there, (size_t)LENGTH - 5));
		assert_memory_equal(target + 5, flat + offset, min_of(there, (size_t)LENGTH - 5));
		assert_int_equal(iov_zero(iov, count, offset, length), there);
		for (size_t i = 0; i < LENGTH; i++)
			assert_int_equal(memory[i],
					 i >= offset && i < offset + there ? 0 : flat[i]);
	}
	assert_int_equal(iov_length(NULL, 0), 0);
	assert_int_equal(iov_copy_out(NULL, 0, 0, target, 5), 0);
	assert_int_equal(iov_slice(NULL, 0, 0, 0, NULL, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_flat)};

	return cmocka_run_group_tests_name("iov", tests, NULL, NULL);
}
