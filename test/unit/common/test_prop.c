/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Lists of properties: memory, copies, merging, checks, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gurt/common.h>

#include "common/common.h"

static struct daos_acl *
some_acl(void)
{
	const char *texts[] = {"A::OWNER@:rw", "A:G:GROUP@:r"};
	struct daos_acl *acl;

	assert_int_equal(daos_acl_from_strs(texts, 2, &acl), 0);
	return acl;
}

/* A label, an ACL, a number and roots. */
static daos_prop_t *
some_list(void)
{
	daos_prop_t *prop = daos_prop_alloc(4);
	struct daos_prop_co_roots roots = {.cr_oids = {{1, 2}, {3, 4}}};

	assert_non_null(prop);
	prop->dpp_entries[0].dpe_type = DAOS_PROP_CO_LABEL;
	prop->dpp_entries[1].dpe_type = DAOS_PROP_CO_ACL;
	prop->dpp_entries[2].dpe_type = DAOS_PROP_CO_REDUN_FAC;
	prop->dpp_entries[3].dpe_type = DAOS_PROP_CO_ROOTS;
	assert_int_equal(daos_prop_set_str(prop, DAOS_PROP_CO_LABEL, "tank-and-more", 4), 0);
	prop->dpp_entries[1].dpe_val_ptr = some_acl();
	prop->dpp_entries[2].dpe_val = 2;
	assert_int_equal(daos_prop_set_ptr(prop, DAOS_PROP_CO_ROOTS, &roots, sizeof(roots)), 0);
	return prop;
}

static void
test_alloc_limits(void **state)
{
	daos_prop_t *prop = daos_prop_alloc(0);

	(void)state;
	assert_non_null(prop);
	assert_null(prop->dpp_entries);
	daos_prop_free(prop);
	prop = daos_prop_alloc(DAOS_PROP_ENTRIES_MAX_NR);
	assert_non_null(prop);
	assert_int_equal(prop->dpp_entries[127].dpe_type, 0);
	daos_prop_free(prop);
	assert_null(daos_prop_alloc(DAOS_PROP_ENTRIES_MAX_NR + 1));
	daos_prop_free(NULL);
}

static void
test_values(void **state)
{
	daos_prop_t *prop = some_list();
	struct daos_prop_entry *entry = daos_prop_entry_get(prop, DAOS_PROP_CO_LABEL);
	struct daos_prop_entry copy = {.dpe_type = DAOS_PROP_CO_ROOTS};

	(void)state;
	assert_string_equal(entry->dpe_str, "tank");
	assert_true(daos_prop_has_str(entry));
	assert_false(daos_prop_has_ptr(entry));
	assert_false(daos_prop_has_byteval(entry));
	assert_true(daos_prop_has_ptr(&prop->dpp_entries[1]));
	assert_int_equal(daos_prop_entry_set_str(entry, "lake", 10), 0);
	assert_string_equal(entry->dpe_str, "lake");
	assert_int_equal(daos_prop_set_str(prop, DAOS_PROP_CO_OWNER, "u@", 2), -DER_NONEXIST);
	assert_int_equal(daos_prop_set_str(prop, DAOS_PROP_CO_REDUN_FAC, "u@", 2), -DER_INVAL);
	assert_int_equal(daos_prop_set_ptr(prop, DAOS_PROP_CO_LABEL, "u@", 2), -DER_INVAL);
	assert_int_equal(daos_prop_set_byteval(prop, DAOS_PROP_CO_LABEL, "u@", 2), -DER_INVAL);
	assert_null(daos_prop_entry_get(prop, DAOS_PROP_CO_OWNER));
	assert_int_equal(daos_prop_entry_dup_co_roots(&copy, &prop->dpp_entries[3]), 0);
	assert_memory_equal(copy.dpe_val_ptr, prop->dpp_entries[3].dpe_val_ptr, 64);
	free(copy.dpe_val_ptr);
	daos_prop_free(prop);
}

static void
test_dup_is_deep(void **state)
{
	daos_prop_t *prop = some_list(), *copy;

	(void)state;
	assert_int_equal(prop_dup(prop, &copy), 0);
	assert_int_equal(copy->dpp_nr, 4);
	assert_ptr_not_equal(copy->dpp_entries[0].dpe_str, prop->dpp_entries[0].dpe_str);
	assert_string_equal(copy->dpp_entries[0].dpe_str, "tank");
	assert_int_equal(daos_prop_entry_cmp_acl(&copy->dpp_entries[1], &prop->dpp_entries[1]), 0);
	((struct daos_acl *)copy->dpp_entries[1].dpe_val_ptr)->dal_reserv = 1;
	assert_int_equal(daos_prop_entry_cmp_acl(&copy->dpp_entries[1], &prop->dpp_entries[1]),
			 -DER_MISMATCH);
	daos_prop_free(prop);
	daos_prop_free(copy);
}

static void
test_merge(void **state)
{
	daos_prop_t *old_prop = some_list(), *new_prop, *merged;

	(void)state;
	assert_int_equal(daos_prop_from_str("rf:1;label:other;cksum:crc32", 100, &new_prop), 0);
	assert_int_equal(daos_prop_merge2(old_prop, new_prop, &merged), 0);
	assert_int_equal(merged->dpp_nr, 5);
	assert_string_equal(daos_prop_entry_get(merged, DAOS_PROP_CO_LABEL)->dpe_str, "other");
	assert_int_equal(daos_prop_entry_get(merged, DAOS_PROP_CO_REDUN_FAC)->dpe_val, 1);
	assert_int_equal(daos_prop_entry_get(merged, DAOS_PROP_CO_CSUM)->dpe_val,
			 DAOS_PROP_CO_CSUM_CRC32);
	assert_non_null(daos_prop_entry_get(merged, DAOS_PROP_CO_ACL)->dpe_val_ptr);
	daos_prop_free(merged);
	merged = daos_prop_merge(NULL, new_prop);
	assert_int_equal(merged->dpp_nr, 3);
	daos_prop_free(merged);
	daos_prop_free(old_prop);
	daos_prop_free(new_prop);
}

static void
test_copy_answers_a_request(void **state)
{
	daos_prop_t *answer = some_list(), *some = daos_prop_alloc(2), *all = daos_prop_alloc(0);

	(void)state;
	some->dpp_entries[0].dpe_type = DAOS_PROP_CO_LABEL;
	some->dpp_entries[1].dpe_type = DAOS_PROP_CO_OWNER;
	assert_int_equal(prop_copy(some, answer), 0);
	assert_string_equal(some->dpp_entries[0].dpe_str, "tank");
	assert_true(daos_prop_is_set(&some->dpp_entries[0]));
	assert_false(daos_prop_is_set(&some->dpp_entries[1]));
	assert_int_equal(prop_copy(all, answer), 0);
	assert_int_equal(all->dpp_nr, 4);
	daos_prop_free(some);
	daos_prop_free(all);
	daos_prop_free(answer);
}

static void
check_one(uint32_t type, uint64_t value, enum prop_owner owner, int want)
{
	struct daos_prop_entry entry = {.dpe_type = type, .dpe_val = value};
	daos_prop_t prop = {.dpp_nr = 1, .dpp_entries = &entry};
	uint32_t bad = 0;

	assert_int_equal(prop_check(&prop, owner, &bad), want);
	assert_int_equal(bad, want == 0 ? 0 : type);
}

static void
test_check(void **state)
{
	struct daos_prop_entry twice[2] = {{.dpe_type = DAOS_PROP_CO_REDUN_FAC},
					   {.dpe_type = DAOS_PROP_CO_REDUN_FAC}};
	daos_prop_t list = {.dpp_nr = 2, .dpp_entries = twice};
	daos_prop_t *prop = some_list();

	(void)state;
	assert_int_equal(prop_check(prop, PROP_OF_CONTAINER, NULL), 0);
	assert_int_equal(prop_check(prop, PROP_OF_POOL, NULL), -DER_INVAL);
	assert_int_equal(daos_prop_set_str(prop, DAOS_PROP_CO_LABEL, "not valid", 9), 0);
	assert_int_equal(prop_check(prop, PROP_OF_CONTAINER, NULL), -DER_INVAL);
	daos_prop_free(prop);
	assert_int_equal(prop_check(&list, PROP_OF_CONTAINER, NULL), -DER_INVAL);
	check_one(DAOS_PROP_CO_REDUN_FAC, 4, PROP_OF_CONTAINER, 0);
	check_one(DAOS_PROP_CO_REDUN_FAC, 5, PROP_OF_CONTAINER, -DER_INVAL);
	check_one(DAOS_PROP_CO_REDUN_FAC, 1, PROP_OF_POOL, -DER_INVAL);
	check_one(DAOS_PROP_PO_SPACE_RB, 100, PROP_OF_POOL, 0);
	check_one(DAOS_PROP_PO_SPACE_RB, 101, PROP_OF_POOL, -DER_INVAL);
	check_one(DAOS_PROP_PO_EC_CELL_SZ, 1023, PROP_OF_POOL, -DER_INVAL);
	check_one(DAOS_PROP_PO_LABEL, 0, PROP_OF_POOL, -DER_INVAL);
	check_one(DAOS_PROP_PO_MAX, 0, PROP_OF_POOL, -DER_INVAL);
	check_one(DAOS_PROP_CO_MIN, 0, PROP_OF_CONTAINER, -DER_INVAL);
}

static void
test_text(void **state)
{
	static const char *const bad[] = {
		"label",
		"label:",
		"nothing:1",
		"rd_fac:5",
		"rd_fac:-1",
		"rd_fac:x",
		"cksum:md5",
		"ec_cell_sz:1zb",
		"rd_fac:1;rf:2",
		"label:a b",
		"ec_cell_sz:99999999999g",
		"rd_lvl:9",
	};
	const char *text = "label:lake;cksum:SHA256;ec_cell_sz:128KiB;rd_lvl:rank;"
			   "dedup_threshold:4k;srv_cksum:on;";
	daos_prop_t *prop = NULL;
	size_t i;

	(void)state;
	assert_int_equal(daos_prop_from_str(text, strlen(text), &prop), 0);
	assert_int_equal(prop->dpp_nr, 6);
	assert_string_equal(daos_prop_entry_get(prop, DAOS_PROP_CO_LABEL)->dpe_str, "lake");
	assert_int_equal(daos_prop_entry_get(prop, DAOS_PROP_CO_CSUM)->dpe_val,
			 DAOS_PROP_CO_CSUM_SHA256);
	assert_int_equal(daos_prop_entry_get(prop, DAOS_PROP_CO_EC_CELL_SZ)->dpe_val, 131072);
	assert_int_equal(daos_prop_entry_get(prop, DAOS_PROP_CO_REDUN_LVL)->dpe_val, 1);
	assert_int_equal(daos_prop_entry_get(prop, DAOS_PROP_CO_DEDUP_THRESHOLD)->dpe_val, 4096);
	assert_int_equal(daos_prop_entry_get(prop, DAOS_PROP_CO_CSUM_SERVER_VERIFY)->dpe_val, 1);
	daos_prop_free(prop);
	prop = NULL;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(daos_prop_from_str(bad[i], strlen(bad[i]), &prop), -DER_INVAL);
	assert_null(prop);
	assert_int_equal(daos_prop_from_str("label:lake", 8, &prop), 0);
	assert_string_equal(prop->dpp_entries[0].dpe_str, "la");
	daos_prop_free(prop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_limits),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_dup_is_deep),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_copy_answers_a_request),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
