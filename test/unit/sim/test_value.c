/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Values tell whose they are, and nothing else passes for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim.h"

static const size_t sizes[] = {VALUE_MIN, 25, 31, 32, 33, 512, 4095, 4096, 40000};

static void
test_identity_returns(void **state)
{
	struct identity identity = {.write = 77, .place = UINT64_C(0xfedcba9876543210)};
	struct identity found;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t *bytes = malloc(sizes[i]);

		assert_non_null(bytes);
		value_fill(bytes, sizes[i], identity);
		found = (struct identity){0, 0};
		assert_true(value_identify(bytes, sizes[i], &found));
		assert_int_equal(found.write, identity.write);
		assert_int_equal(found.place, identity.place);
		free(bytes);
	}
}

static void
test_every_changed_byte_shows(void **state)
{
	struct identity identity = {.write = 3, .place = 4};
	struct identity found;
	uint8_t bytes[300];

	(void)state;
	value_fill(bytes, sizeof(bytes), identity);
	for (uint32_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		assert_false(value_identify(bytes, sizeof(bytes), &found));
		bytes[i] ^= 0x10;
	}
	assert_true(value_identify(bytes, sizeof(bytes), &found));
}

static void
test_other_sizes_and_mixtures_show(void **state)
{
	struct identity identity = {.write = 3, .place = 4};
	struct identity found;
	uint8_t bytes[4096] = {0}, other[4096];

	(void)state;
	assert_false(value_identify(bytes, sizeof(bytes), &found));
	value_fill(bytes, sizeof(bytes), identity);
	assert_false(value_identify(bytes, sizeof(bytes) - 1, &found));
	assert_false(value_identify(bytes, VALUE_MIN - 1, &found));
	assert_false(value_identify(bytes, 0, &found));
	identity.write = 5;
	value_fill(other, sizeof(other), identity);
	memcpy(bytes + 2048, other + 2048, 2048);
	assert_false(value_identify(bytes, sizeof(bytes), &found));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_returns),
		cmocka_unit_test(test_every_changed_byte_shows),
		cmocka_unit_test(test_other_sizes_and_mixtures_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
