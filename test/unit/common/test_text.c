/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Rank lists, time stamps and keys from and to texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <daos.h>
#include <daos/common.h>

static void
test_rank_list_parse(void **state)
{
	static const char *const bad[] = {"a",	"1:a", ":1",	     "1::2",
					  "-1", "1 2", "4294967295", "99999999999999999999"};
	d_rank_list_t *list = daos_rank_list_parse("3:0:12", ":");
	size_t i;

	(void)state;
	assert_non_null(list);
	assert_int_equal(list->rl_nr, 3);
	assert_int_equal(list->rl_ranks[2], 12);
	d_rank_list_free(list);
	list = daos_rank_list_parse("3,4:5", ":,");
	assert_int_equal(list->rl_nr, 3);
	d_rank_list_free(list);
	list = daos_rank_list_parse("", ":");
	assert_int_equal(list->rl_nr, 0);
	d_rank_list_free(list);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(daos_rank_list_parse(bad[i], ":"));
	assert_null(daos_rank_list_parse(NULL, ":"));
}

static void
test_time_and_keys(void **state)
{
	struct timespec wall;
	daos_key_t key;
	char text[128], bytes[] = "ab\1d";
	time_t seconds;

	(void)state;
	assert_int_equal(daos_hlc2timestamp(0, &seconds), 0);
	assert_int_equal(seconds, 1609459200);
	assert_int_equal(daos_hlc2timespec(0, &wall), 0);
	assert_int_equal(wall.tv_nsec, 0);
	assert_int_equal(daos_hlc2timestamp(0, NULL), -DER_INVAL);
	d_iov_set(&key, bytes, 4);
	snprintf(text, sizeof(text), DF_KEY, DP_KEY(&key));
	assert_string_equal(text, "[4] ab.d");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rank_list_parse),
		cmocka_unit_test(test_time_and_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
