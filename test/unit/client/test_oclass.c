/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names and attributes of object classes, the choice of one, and the filter of containers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <daos.h>
#include <daos/common.h>

#include "client/oclass.h"

static void
test_names_and_ids(void **state)
{
	static const struct {
		const char *name;
		uint32_t id;
	} pairs[] = {
		{"S1", OC_S1},
		{"SX", OC_SX},
		{"S3", 0x1000003},
		{"RP_2G1", OC_RP_2G1},
		{"RP_3GX", OC_RP_3GX},
		{"RP_128G1", OC_RP_128G1},
		{"EC_2P1G12", OC_EC_2P1G12},
		{"EC_16P3GX", OC_EC_16P3GX},
	};
	char name[MAX_OBJ_CLASS_NAME_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		assert_int_equal(daos_oclass_name2id(pairs[i].name), pairs[i].id);
		assert_int_equal(daos_oclass_id2name(pairs[i].id, name), 0);
		assert_string_equal(name, pairs[i].name);
	}
}

static void
test_unknown_classes(void **state)
{
	static const char *const bad[] = {
		"",  "S",      "S0",	   "s1",      "S1x", "S65535", "S99999999999999999999",
		"X", "RP_7G1", "EC_3P1G1", "RP_2G-1", "SXX", "RP_2",   "UNKNOWN"};
	static const uint32_t bad_ids[] = {OC_UNKNOWN,	OC_TINY,   OC_EC_MAX,
					   OC_RESERVED, 0x1000000, 0x1010001};
	char name[MAX_OBJ_CLASS_NAME_LEN];
	struct daos_oclass_attr attr;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(daos_oclass_name2id(bad[i]), OC_UNKNOWN);
	assert_int_equal(daos_oclass_name2id(NULL), OC_UNKNOWN);
	for (i = 0; i < ARRAY_SIZE(bad_ids); i++) {
		assert_int_equal(daos_oclass_id2name(bad_ids[i], name), -1);
		assert_string_equal(name, "UNKNOWN");
		assert_int_equal(oclass_attributes(bad_ids[i], &attr), -DER_INVAL);
	}
}

/* Each listed name is a class, and there are as many as daos_oclass_nr says. */
static void
test_list_of_names(void **state)
{
	ssize_t size = daos_oclass_names_list(0, NULL);
	char *names = calloc(1, (size_t)size), *saved, *name;
	int nr = 0;

	(void)state;
	assert_int_equal(daos_oclass_names_list((size_t)size, names), size);
	assert_int_equal(strlen(names), size - 1);
	for (name = strtok_r(names, ", ", &saved); name != NULL;
	     name = strtok_r(NULL, ", ", &saved)) {
		assert_int_not_equal(daos_oclass_name2id(name), OC_UNKNOWN);
		nr++;
	}
	assert_int_equal(nr, daos_oclass_nr(0));
	free(names);
}

static void
test_attributes(void **state)
{
	struct daos_oclass_attr attr;

	(void)state;
	assert_int_equal(oclass_attributes(OC_SX, &attr), 0);
	assert_int_equal(attr.ca_grp_nr, MAX_NUM_GROUPS);
	assert_int_equal(oclass_group_size(&attr), 1);
	assert_int_equal(oclass_attributes(OC_RP_3G2, &attr), 0);
	assert_int_equal(attr.ca_resil_degree, 2);
	assert_int_equal(oclass_group_size(&attr), 3);
	assert_int_equal(oclass_attributes(OC_EC_8P2G1, &attr), 0);
	assert_int_equal(attr.ca_resil, DAOS_RES_EC);
	assert_int_equal(attr.ca_resil_degree, 2);
	assert_int_equal(oclass_group_size(&attr), 10);
}

static void
check_choice(struct oclass_choice choice, daos_oclass_id_t want)
{
	daos_oclass_id_t id = 0;

	assert_int_equal(oclass_choose(&choice, &id), 0);
	assert_int_equal(id, want);
}

/* Redundancy factor, domains, targets, type, hints. */
static void
test_choice(void **state)
{
	daos_oclass_id_t id = 1;

	(void)state;
	check_choice((struct oclass_choice){0, 1, 4, DAOS_OT_MULTI_HASHED, 0}, OC_S1);
	check_choice((struct oclass_choice){0, 1, 4, DAOS_OT_ARRAY_BYTE, 0}, OC_S4);
	check_choice((struct oclass_choice){0, 1, 4, DAOS_OT_KV_HASHED, DAOS_OCH_SHD_MAX}, OC_S4);
	check_choice((struct oclass_choice){0, 9, 2000, DAOS_OT_ARRAY, DAOS_OCH_SHD_REG},
		     OBJ_CLASS_DEF(OR_RP_1, 500));
	check_choice((struct oclass_choice){0, 9, 200, DAOS_OT_ARRAY, DAOS_OCH_SHD_REG},
		     OBJ_CLASS_DEF(OR_RP_1, 128));
	check_choice((struct oclass_choice){1, 2, 8, DAOS_OT_ARRAY, 0}, OC_RP_2G4);
	check_choice((struct oclass_choice){1, 3, 12, DAOS_OT_ARRAY, 0}, OC_EC_2P1G4);
	check_choice((struct oclass_choice){1, 3, 12, DAOS_OT_ARRAY, DAOS_OCH_RDD_RP}, OC_RP_2G6);
	check_choice((struct oclass_choice){1, 18, 18, DAOS_OT_ARRAY, 0}, OC_EC_16P1G1);
	check_choice((struct oclass_choice){2, 8, 8, DAOS_OT_ARRAY, 0}, OC_EC_4P2G1);
	check_choice((struct oclass_choice){2, 8, 8, DAOS_OT_MULTI_HASHED, 0}, OC_RP_3G1);
	check_choice((struct oclass_choice){3, 9, 9, DAOS_OT_ARRAY, 0}, OC_RP_4G2);
	check_choice((struct oclass_choice){4, 99, 99, DAOS_OT_MULTI_HASHED, 0}, OC_RP_5G1);
	check_choice((struct oclass_choice){4, 9, 9, DAOS_OT_ARRAY, DAOS_OCH_RDD_NO},
		     OBJ_CLASS_DEF(OR_RP_1, 9));
	assert_int_equal(oclass_choose(&(struct oclass_choice){.redundancy_factor = 5}, &id),
			 -DER_INVAL);
	assert_int_equal(id, 1);
}

static void
test_id_encoding(void **state)
{
	daos_obj_id_t oid = {.lo = ~0ULL, .hi = ~0ULL};

	(void)state;
	oid_encode(&oid, DAOS_OT_KV_LEXICAL, OC_EC_4P2GX);
	assert_int_equal(oid.lo, ~0ULL);
	assert_int_equal(oid.hi & 0xffffffff, 0xffffffff);
	assert_int_equal(daos_obj_id2type(oid), DAOS_OT_KV_LEXICAL);
	assert_int_equal(daos_obj_id2class(oid), OC_EC_4P2GX);
}

static daos_pool_cont_filter_part_t *
part_of(uint32_t func, uint32_t key)
{
	daos_pool_cont_filter_part_t *part = calloc(1, sizeof(*part));

	assert_non_null(part);
	part->pcfp_func = func;
	part->pcfp_key = key;
	return part;
}

static void
test_filter(void **state)
{
	daos_pool_cont_filter_part_t *bad = part_of(PCF_FUNC_MAX, 0);
	daos_pool_cont_filter_t filter;
	int i;

	(void)state;
	assert_int_equal(daos_pool_cont_filter_init(&filter, 2), -DER_INVAL);
	assert_int_equal(daos_pool_cont_filter_init(&filter, PCF_COMBINE_LOGICAL_OR), 0);
	assert_int_equal(daos_pool_cont_filter_add(&filter, bad), -DER_INVAL);
	bad->pcfp_func = 0;
	for (i = 0; i < DAOS_POOL_CONT_FILTER_MAX_NPARTS; i++)
		assert_int_equal(daos_pool_cont_filter_add(&filter, part_of(PCF_FUNC_GE, 3)), 0);
	assert_int_equal(daos_pool_cont_filter_add(&filter, bad), -DER_NOSPACE);
	assert_int_equal(filter.pcf_nparts, DAOS_POOL_CONT_FILTER_MAX_NPARTS);
	daos_pool_cont_filter_fini(&filter);
	assert_null(filter.pcf_parts);
	free(bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_ids), cmocka_unit_test(test_unknown_classes),
		cmocka_unit_test(test_list_of_names), cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_choice),	      cmocka_unit_test(test_id_encoding),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
