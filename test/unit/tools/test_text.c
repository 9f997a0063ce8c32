/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Sizes and times as the commands read and print them; how far words are apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "common/common.h"
#include "tools/output.h"

static void
test_size_print(void **state)
{
	char text[SIZE_TEXT];

	(void)state;
	assert_string_equal("0 B", size_decimal(0, text));
	assert_string_equal("999 B", size_decimal(999, text));
	assert_string_equal("4.0 GB", size_decimal(4000000000u, text));
	assert_string_equal("667 MB", size_decimal(666666666, text));
	assert_string_equal("1.0 MB", size_decimal(999999, text));
	assert_string_equal("10 kB", size_decimal(10000, text));
	assert_string_equal("10 kB", size_decimal(9960, text));
	assert_string_equal("999 MB", size_decimal(999499999, text));
	assert_string_equal("1.0 GB", size_decimal(999500000, text));
	assert_string_equal("1.0 GiB", size_binary((1u << 30) - 1, text));
	assert_string_equal("18 EB", size_decimal(UINT64_MAX, text));
	assert_string_equal("1.0 MiB", size_binary(1048576, text));
	assert_string_equal("32 KiB", size_binary(32768, text));
	assert_string_equal("4.0 KiB", size_binary(4096, text));
}

static void
test_size_read(void **state)
{
	static const char *const bad[] = {"",	 "G",	 "-1",	"4X",	"4GG",
					  "4iB", "1e40", "50%", "4 G B"};
	double percent;
	uint64_t bytes;

	(void)state;
	assert_true(size_parse("4G", &bytes) && bytes == 4000000000u);
	assert_true(size_parse("4GB", &bytes) && bytes == 4000000000u);
	assert_true(size_parse("10 GiB", &bytes) && bytes == UINT64_C(10) << 30);
	assert_true(size_parse("1.5t", &bytes) && bytes == 1500000000000u);
	assert_true(size_parse("512", &bytes) && bytes == 512);
	assert_true(size_parse("7b", &bytes) && bytes == 7);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(size_parse(bad[i], &bytes));
	assert_true(percent_parse("50%", &percent) && percent == 50);
	assert_false(percent_parse("0%", &percent));
	assert_false(percent_parse("101%", &percent));
	assert_false(percent_parse("50", &percent));
}

static void
test_time(void **state)
{
	char text[TIME_TEXT];

	(void)state;
	/* The stamp of the reference output. */
	assert_string_equal("2026-11-22 14:40:57.58623744 +0000 UTC",
			    stamp_text(0x2947263cc6fc0000, text));
	assert_string_equal("2021-01-01 00:00:00 +0000 UTC", stamp_text(0, text));
}

static void
test_distance(void **state)
{
	(void)state;
	assert_int_equal(0, text_distance("pool", "POOL"));
	assert_int_equal(1, text_distance("pol", "pool"));
	assert_int_equal(1, text_distance("pool", "polo"));
	assert_int_equal(2, text_distance("targts", "target"));
	assert_int_equal(1, text_distance("targts", "targets"));
	assert_int_equal(4, text_distance("", "pool"));
	assert_int_equal(3, text_distance("ca", "abc"));
	assert_true(text_is_near(1, 3));
	assert_false(text_is_near(2, 3));
	assert_true(text_is_near(2, 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_print),
		cmocka_unit_test(test_size_read),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
