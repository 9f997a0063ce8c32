/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Times as attributes of a container have them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dfuse/private.h"

static void
test_times(void **state)
{
	static const struct {
		const char *text;
		bool words;
		double seconds; /* below 0: refused */
	} rows[] = {
		{"0", false, 0},
		{"1", false, 1},
		{"1s", false, 1},
		{"2m", false, 120},
		{"3h", false, 10800},
		{"1d", false, 86400},
		{"0.5s", false, 0.5},
		{"on", true, DFUSE_FOR_EVER},
		{"OTOC", true, DFUSE_FOR_EVER},
		{"off", true, 0},
		{"10m", true, 600},
		{"on", false, -1},
		{"", false, -1},
		{"s", false, -1},
		{"1x", false, -1},
		{"1ss", false, -1},
		{"-1", false, -1},
		{"nan", false, -1},
		{"1e99", false, -1},
		{"99999d", false, DFUSE_FOR_EVER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double seconds = 77;
		int rc = dfuse_time_parse(rows[i].text, rows[i].words, &seconds);

		assert_int_equal(rc, rows[i].seconds < 0 ? EINVAL : 0);
		assert_true(rc ? seconds == 77 : seconds == rows[i].seconds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_times)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
