/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What labels, properties and sizes a pool may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "daos_prop.h"
#include "pool/size.h"

#define MIB (UINT64_C(1) << 20)

static struct proto_text
text(const char *data)
{
	return (struct proto_text){data, (uint32_t)strlen(data)};
}

/* ------------------------------------------------ labels */

static void
test_labels(void **state)
{
	static const char *const good[] = {"a", "tank", "A.b_c:d-9", "0",
					   "6b0c4e2a-1111-4222-8333-44445555666g"};
	static const char *const bad[] = {
		"", "a b", "a/b", "a\n", "\xc3\xa4", "a@", "6b0c4e2a-1111-4222-8333-444455556666"};
	char longest[PROTO_LABEL_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(label_check(text(good[i])), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(label_check(text(bad[i])), -DER_INVAL);
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(label_check((struct proto_text){longest, PROTO_LABEL_MAX}), 0);
	assert_int_equal(label_check((struct proto_text){longest, PROTO_LABEL_MAX + 1}),
			 -DER_INVAL);
}

/* ------------------------------------------------ properties */

static int
check_number(uint32_t type, uint64_t number, bool creating)
{
	struct proto_properties wanted = {.count = 0};

	assert_int_equal(properties_set_number(&wanted, type, number), 0);
	return properties_check(pool_rules, pool_rule_count, &wanted, creating);
}

static void
test_properties(void **state)
{
	struct proto_properties wanted = {.count = 0};

	(void)state;
	assert_int_equal(check_number(DAOS_PROP_PO_RECLAIM, DAOS_RECLAIM_TIME, false), 0);
	assert_int_equal(check_number(DAOS_PROP_PO_RECLAIM, DAOS_RECLAIM_TIME + 1, false),
			 -DER_INVAL);
	assert_int_equal(check_number(DAOS_PROP_PO_EC_CELL_SZ, 1024, true), 0);
	assert_int_equal(check_number(DAOS_PROP_PO_EC_CELL_SZ, 1023, true), -DER_INVAL);
	assert_int_equal(check_number(DAOS_PROP_PO_EC_CELL_SZ, (1u << 30) + 1, true), -DER_INVAL);
	/* Fixed at creation, derived, of another kind, unknown. */
	assert_int_equal(check_number(DAOS_PROP_PO_SPACE_RB, 10, true), 0);
	assert_int_equal(check_number(DAOS_PROP_PO_SPACE_RB, 10, false), -DER_NO_PERM);
	assert_int_equal(check_number(DAOS_PROP_PO_GLOBAL_VERSION, 1, true), -DER_NO_PERM);
	assert_int_equal(check_number(DAOS_PROP_PO_LABEL, 1, true), -DER_INVAL);
	assert_int_equal(check_number(DAOS_PROP_PO_MAX, 1, true), -DER_INVAL);
	assert_int_equal(check_number(0, 1, true), -DER_INVAL);
	assert_int_equal(properties_set_bytes(&wanted, DAOS_PROP_PO_RECLAIM, text("lazy")), 0);
	assert_int_equal(properties_check(pool_rules, pool_rule_count, &wanted, true), -DER_INVAL);
}

/* Every number has a standard value that it may itself have, and each property one rule. */
static void
test_rules_are_sound(void **state)
{
	struct proto_properties all = {.count = 0};

	(void)state;
	for (uint32_t i = 0; i < pool_rule_count; i++) {
		const struct property_rule *rule = &pool_rules[i];

		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(rule->type, pool_rules[j].type);
		if (!rule->is_bytes && !rule->derived)
			assert_int_equal(check_number(rule->type, rule->standard, true), 0);
	}
	assert_int_equal(pool_rule_count, DAOS_PROP_PO_NUM);
	properties_complete(pool_rules, pool_rule_count, &all);
	assert_int_equal(proto_property_find(&all, DAOS_PROP_PO_RECLAIM)->number,
			 DAOS_RECLAIM_LAZY);
	assert_null(proto_property_find(&all, DAOS_PROP_PO_LABEL));
}

static void
test_sets(void **state)
{
	struct proto_properties set = {.count = 0}, more = {.count = 0};
	struct arena *arena = arena_create(0);
	struct metadb_bytes value;

	(void)state;
	assert_non_null(arena);
	assert_int_equal(properties_set_number(&set, 1, 10), 0);
	assert_int_equal(properties_set_number(&set, 2, 20), 0);
	assert_int_equal(properties_set_number(&more, 2, 21), 0);
	assert_int_equal(properties_set_bytes(&more, 3, text("three")), 0);
	assert_int_equal(properties_merge(&set, &more), 0);
	assert_int_equal(set.count, 3);
	assert_int_equal(proto_property_find(&set, 2)->number, 21);
	assert_int_equal(properties_pack(arena, &set, &value), 0);
	arena_free(arena, (void *)(uintptr_t)value.data);
	for (uint32_t i = 4; i <= PROTO_PROPERTIES_MAX; i++)
		assert_int_equal(properties_set_number(&set, i, i), 0);
	assert_int_equal(properties_set_number(&set, 1000, 1), -DER_OVERFLOW);
	arena_destroy(arena);
}

/* ------------------------------------------------ sizes */

static void
test_sizes(void **state)
{
	struct proto_pool_create wanted = {.data_bytes = 1024 * MIB};
	struct pool_sizes sizes;

	(void)state;
	assert_int_equal(pool_sizes(&wanted, 4, false, 0, &sizes), 0);
	assert_false(sizes.thin);
	assert_int_equal(sizes.data_size, 256 * MIB);
	assert_int_equal(sizes.heap_size, 16 * MIB);
	assert_true(pool_footprint(&sizes, 4) > 4 * (256 + 16) * MIB);
	/* 6 percent where that is more than the least. */
	wanted.data_bytes = 100000 * MIB;
	assert_int_equal(pool_sizes(&wanted, 1, false, 0, &sizes), 0);
	assert_int_equal(sizes.heap_size, 6000 * MIB);
	/* The smallest that works, and one block less. */
	wanted.data_bytes = 4 * TARGET_DATA_MIN;
	assert_int_equal(pool_sizes(&wanted, 4, false, 0, &sizes), 0);
	wanted.data_bytes--;
	assert_int_equal(pool_sizes(&wanted, 4, false, 0, &sizes), -DER_INVAL);
	wanted.data_bytes = 1024 * MIB;
	wanted.metadata_bytes = 4 * TARGET_HEAP_MIN;
	assert_int_equal(pool_sizes(&wanted, 4, false, 0, &sizes), 0);
	/* Too little metadata takes from the data, but not below its least. */
	wanted.metadata_bytes = MIB;
	assert_int_equal(pool_sizes(&wanted, 4, false, 0, &sizes), 0);
	assert_int_equal(sizes.heap_size, TARGET_HEAP_MIN);
	assert_int_equal(4 * (sizes.heap_size + sizes.data_size), 1025 * MIB);
	wanted.data_bytes = 4 * TARGET_DATA_MIN;
	assert_int_equal(pool_sizes(&wanted, 4, false, 0, &sizes), -DER_INVAL);
	wanted.data_bytes = 1024 * MIB;
	wanted.metadata_bytes = UINT64_MAX;
	assert_int_equal(pool_sizes(&wanted, 4, false, 0, &sizes), -DER_INVAL);
	wanted = (struct proto_pool_create){.metadata_bytes = 1024 * MIB};
	assert_int_equal(pool_sizes(&wanted, 4, true, 0, &sizes), -DER_INVAL);
}

static void
test_thin_sizes(void **state)
{
	struct proto_pool_create wanted = {.data_bytes = 0};
	struct pool_sizes sizes;

	(void)state;
	assert_int_equal(pool_sizes(&wanted, 2, false, 8192 * MIB, &sizes), -DER_INVAL);
	assert_int_equal(pool_sizes(&wanted, 2, true, 8192 * MIB, &sizes), 0);
	assert_true(sizes.thin);
	assert_int_equal(sizes.data_size, 4096 * MIB);
	assert_int_equal(sizes.heap_size % HEAP_ZONE, 0);
	assert_int_equal(pool_footprint(&sizes, 2), 0);
	/* Any storage gives sizes that a heap can have. */
	for (uint32_t shift = 0; shift < 64; shift++) {
		assert_int_equal(pool_sizes(&wanted, 3, true, UINT64_C(1) << shift, &sizes), 0);
		assert_true(sizes.heap_size > 0 && sizes.heap_size % HEAP_ZONE == 0);
		assert_true(sizes.data_size > 0 && sizes.data_size % DISK_BLOCK == 0);
	}
}

static void
test_rounding(void **state)
{
	struct pool_sizes sizes;

	(void)state;
	/* What was asked is what is given, whatever zones take, but for less than a block a target.
	 */
	for (uint32_t targets = 1; targets <= 7; targets++) {
		struct proto_pool_create wanted = {.metadata_bytes = 60000000,
						   .data_bytes = 940000000};
		uint64_t total;

		assert_int_equal(pool_sizes(&wanted, targets, false, 0, &sizes), 0);
		total = targets * (sizes.heap_size + sizes.data_size);
		assert_true(total >= 1000000000);
		assert_true(total < 1000000000 + (uint64_t)targets * DISK_BLOCK);
		assert_int_equal(sizes.data_size % DISK_BLOCK, 0);
	}
}

static void
test_shares(void **state)
{
	struct proto_pool_create wanted = {.metadata_bytes = 6, .data_bytes = 94};
	struct pool_sizes sizes = {.thin = false};

	(void)state;
	for (uint64_t budget = 512 * MIB; budget < 512 * 1024 * MIB; budget += budget / 3) {
		uint64_t footprint;

		assert_int_equal(pool_sizes_within(&wanted, 3, budget, &sizes), 0);
		footprint = pool_footprint(&sizes, 3);
		assert_true(footprint <= budget);
		assert_true(footprint > budget - budget / 50);
	}
	assert_int_equal(pool_sizes_within(&wanted, 3, 0, &sizes), -DER_INVAL);
	assert_int_equal(pool_sizes_within(&wanted, 3, 100 * MIB, &sizes), -DER_INVAL);
}

static void
test_shared_space(void **state)
{
	struct proto_tier tier = {
		.total = 1000, .free = 800, .target_free_min = 300, .target_free_max = 500};

	(void)state;
	tier_limit(&tier, 900, 2);
	assert_int_equal(tier.free, 800);
	tier_limit(&tier, 700, 2);
	assert_int_equal(tier.free, 700);
	assert_int_equal(tier.target_free_min, 300);
	assert_int_equal(tier.target_free_max, 350);
	tier_limit(&tier, 100, 2);
	assert_int_equal(tier.free, 100);
	assert_int_equal(tier.target_free_min, 50);
	assert_int_equal(tier.target_free_max, 50);
	tier_limit(&tier, 0, 0);
	assert_int_equal(tier.free, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_rules_are_sound), cmocka_unit_test(test_sets),
		cmocka_unit_test(test_sizes),		cmocka_unit_test(test_thin_sizes),
		cmocka_unit_test(test_rounding),	cmocka_unit_test(test_shares),
		cmocka_unit_test(test_shared_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
