/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Properties of pools, ranks and pairs as users write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "tools/properties.h"

static void
assert_number(daos_prop_t *list, uint32_t type, uint64_t number)
{
	const struct daos_prop_entry *entry = daos_prop_entry_get(list, type);

	assert_non_null(entry);
	assert_int_equal(entry->dpe_val, number);
}

static void
test_good(void **state)
{
	daos_prop_t *list = NULL;
	const char *nearest;
	char *problem;

	(void)state;
	assert_true(pool_properties_parse("label:tank,space_rb:2%,ec_cell_sz:64KiB,rf:2,"
					  "self_heal:exclude;delay_rebuild,reclaim:time,"
					  "scrub:Timed,scrub_freq:60,checkpoint:lazy,"
					  "perf_domain:group,reintegration:no_data_sync",
					  &list, &problem, &nearest));
	assert_int_equal(list->dpp_nr, 11);
	assert_string_equal(daos_prop_entry_get(list, DAOS_PROP_PO_LABEL)->dpe_str, "tank");
	assert_number(list, DAOS_PROP_PO_SPACE_RB, 2);
	assert_number(list, DAOS_PROP_PO_EC_CELL_SZ, 65536);
	assert_number(list, DAOS_PROP_PO_REDUN_FAC, 2);
	assert_number(list, DAOS_PROP_PO_SELF_HEAL, 5);
	assert_number(list, DAOS_PROP_PO_RECLAIM, DAOS_RECLAIM_TIME);
	assert_number(list, DAOS_PROP_PO_SCRUB_MODE, DAOS_SCRUB_MODE_TIMED);
	assert_number(list, DAOS_PROP_PO_SCRUB_FREQ, 60);
	assert_number(list, DAOS_PROP_PO_CHECKPOINT_MODE, DAOS_CHECKPOINT_LAZY);
	assert_number(list, DAOS_PROP_PO_PERF_DOMAIN, DAOS_PROP_PERF_DOMAIN_GROUP);
	assert_number(list, DAOS_PROP_PO_REINT_MODE, DAOS_REINT_MODE_NO_DATA_SYNC);
	assert_int_equal(add_text_property(&list, DAOS_PROP_PO_OWNER, "me@"), 0);
	assert_string_equal(daos_prop_entry_get(list, DAOS_PROP_PO_OWNER)->dpe_str, "me@");
	assert_number(list, DAOS_PROP_PO_SPACE_RB, 2);
	daos_prop_free(list);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *text, *problem, *nearest;
	} cases[] = {
		{"", "write name:value", NULL},
		{"rd_fac", "write name:value", NULL},
		{":1", "write name:value", NULL},
		{"rd_fac:1,rd_fac:2", "given twice", NULL},
		{"rd_fac:1,rf:2", "given twice", NULL},
		{"rd_fac:5", "0 to 4", NULL},
		{"rd_fac:", "0 to 4", NULL},
		{"rd_fac:-1", "0 to 4", NULL},
		{"space_rb:101%", "0 to 100 percent", NULL},
		{"scrub:often", "off, lazy, timed", NULL},
		{"scrub:lazy;timed", "off, lazy, timed", NULL},
		{"ec_cell_sz:1", "1024 to 1073741824", NULL},
		{"label:a b", "a label", NULL},
		{"svc_list:0", "cannot be given", NULL},
		{"reclam:lazy", "no property `reclam'", "reclaim"},
		{"something:1", "no property `something'", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		daos_prop_t *list = NULL;
		const char *nearest = NULL;
		char *problem = NULL;

		assert_false(pool_properties_parse(cases[i].text, &list, &problem, &nearest));
		assert_null(list);
		assert_non_null(strstr(problem, cases[i].problem));
		if (cases[i].nearest)
			assert_string_equal(nearest, cases[i].nearest);
		else
			assert_null(nearest);
		free(problem);
	}
}

static void
test_ranks(void **state)
{
	static const char *const good[] = {"0", "[0]", "0-0", "0,0"};
	static const char *const bad[] = {"", "1", "[0-2]", "0,1", "a", "-1", "[", "[]", "0-"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(rank_set_is_only(good[i], 0));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(rank_set_is_only(bad[i], 0));
}

static void
test_pairs(void **state)
{
	struct pairs pairs;

	(void)state;
	assert_true(pairs_parse("a:1,b:two:three,c:", &pairs));
	assert_int_equal(pairs.count, 3);
	assert_string_equal(pairs.names[1], "b");
	assert_string_equal(pairs.values[1], "two:three");
	assert_int_equal(pairs.sizes[1], 9);
	assert_int_equal(pairs.sizes[2], 0);
	pairs_free(&pairs);
	assert_false(pairs_parse("", &pairs));
	assert_false(pairs_parse("a:1,b", &pairs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
