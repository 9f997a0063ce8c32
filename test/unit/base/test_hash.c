/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Golden values of the hashes, and what jump hash promises. They are part of the disk formats:
 * never change them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static void
test_hash64(void **state)
{
	uint8_t bytes[101];

	(void)state;
	/* Published values of XXH64. */
	assert_int_equal(hash64("", 0, 0), 0xef46db3751d8e999ull);
	assert_int_equal(hash64("a", 1, 0), 0xd24ec4f1a98c6e5bull);
	assert_int_equal(hash64("abc", 3, 0), 0x44bc2cf5ad770999ull);
	assert_int_equal(hash_text("abc"), 0x44bc2cf5ad770999ull);
	/* The generator and values of the reference implementation's own check. */
	for (uint32_t i = 0, seed = 2654435761u; i < sizeof(bytes); i++, seed *= seed)
		bytes[i] = (uint8_t)(seed >> 24);
	assert_int_equal(hash64(bytes, 1, 0), 0x4fce394cc88952d8ull);
	assert_int_equal(hash64(bytes, 1, 2654435761u), 0x739840cb819fa723ull);
	assert_int_equal(hash64(bytes, 14, 0), 0xcffa8db881bc3a3dull);
	assert_int_equal(hash64(bytes, 14, 2654435761u), 0x5b9611585efcc9cbull);
	assert_int_equal(hash64(bytes, 101, 0), 0x0eab543384f878adull);
	assert_int_equal(hash64(bytes, 101, 2654435761u), 0xcaa65939306f1e21ull);
}

static void
test_unaligned(void **state)
{
	static uint8_t buffer[200];
	uint8_t copy[200];

	(void)state;
	for (size_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)mix64(i);
	for (size_t shift = 0; shift < 8; shift++)
		for (size_t length = 0; length + shift <= sizeof(buffer); length += 13) {
			memcpy(copy, buffer + shift, length);
			assert_int_equal(hash64(buffer + shift, length, 5),
					 hash64(copy, length, 5));
		}
}

static void
test_mix64(void **state)
{
	(void)state;
	/* The first outputs of splitmix64 from state 0 are mix64 of multiples of its increment. */
	assert_int_equal(mix64(0), 0);
	assert_int_equal(mix64(0x9e3779b97f4a7c15ull), 0xe220a8397b1dcdafull);
	assert_int_equal(mix64(0x3c6ef372fe94f82aull), 0x6e789e6aa1b965f4ull);
	assert_int_not_equal(hash_combine(1, 2), hash_combine(2, 1));
	assert_int_equal(hash_combine(1, 2),
			 mix64(1 + 0x9e3779b97f4a7c15ull + mix64(2 + 0x9e3779b97f4a7c15ull)));
}

static void
test_jump_hash(void **state)
{
	uint32_t counts[10] = {0};
	uint32_t moved = 0;

	(void)state;
	assert_int_equal(jump_hash(0, 1), 0);
	assert_int_equal(jump_hash(1, 1), 0);
	/* Values that other implementations of the published algorithm give, too. */
	assert_int_equal(jump_hash(256, 1024), 520);
	assert_int_equal(jump_hash(1, 128), 55);
	assert_int_equal(jump_hash(42, 57), 43);
	assert_int_equal(jump_hash(0xdead10cc, 666), 361);
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t key = mix64(i);
		uint32_t nine = jump_hash(key, 9);
		uint32_t ten = jump_hash(key, 10);

		assert_true(ten < 10 && nine < 9);
		assert_true(ten == nine || ten == 9);
		counts[ten]++;
		moved += ten != nine;
	}
	assert_true(moved > 9500 && moved < 10500);
	for (int i = 0; i < 10; i++)
		assert_true(counts[i] > 9500 && counts[i] < 10500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash64),
		cmocka_unit_test(test_unaligned),
		cmocka_unit_test(test_mix64),
		cmocka_unit_test(test_jump_hash),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
