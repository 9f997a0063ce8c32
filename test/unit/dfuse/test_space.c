/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Data and holes in the runs of a chunk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dfuse/private.h"

#define NONE UINT64_MAX

static void
test_runs(void **state)
{
	/* A chunk of 100 bytes that begins at 1000: data at 10 to 19, 20 to 29, and 50 to 99. */
	static const daos_recx_t runs[] = {{10, 10}, {20, 10}, {50, 50}};
	const struct chunk_map map = {1000, runs, ARRAY_SIZE(runs)};
	static const struct {
		uint64_t offset, data, hole;
	} rows[] = {
		{0, 1010, 1000},    {1000, 1010, 1000}, {1009, 1010, 1009}, {1010, 1010, 1030},
		{1019, 1019, 1030}, {1025, 1025, 1030}, {1030, 1050, 1030}, {1049, 1050, 1049},
		{1050, 1050, NONE}, {1099, 1099, NONE}, {1100, NONE, NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(chunk_seek_data(&map, rows[i].offset), rows[i].data);
		assert_int_equal(chunk_seek_hole(&map, 100, rows[i].offset), rows[i].hole);
	}
}

static void
test_empty(void **state)
{
	const struct chunk_map map = {4096, NULL, 0};

	(void)state;
	assert_int_equal(chunk_seek_data(&map, 0), NONE);
	assert_int_equal(chunk_seek_hole(&map, 4096, 0), 4096);
	assert_int_equal(chunk_seek_hole(&map, 4096, 5000), 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs),
					   cmocka_unit_test(test_empty)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
