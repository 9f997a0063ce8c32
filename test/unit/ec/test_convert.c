/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Conversion of logged partial stripes: the choice of the method by hand, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ec/ec.h"

/* Cells of 1024 records of a byte, stripes of 4096: stripe 3 is 12288 .. 16383. */
#define STRIPE UINT64_C(3)
#define START UINT64_C(12288)

struct stand {
	struct arena *arena;
	struct ec_code *code;
	struct ec_layout layout;
	struct ec_extent fetch[8];
};

static int
setup(void **state)
{
	static struct stand stand;
	struct ec_class class = {4, 2};

	stand = (struct stand){.arena = arena_create(0)};
	*state = &stand;
	return ec_code_create(stand.arena, class, &stand.code) ||
	       ec_layout_init(&stand.layout, class, 1024, 1);
}

static int
teardown(void **state)
{
	struct stand *stand = *state;

	ec_code_destroy(stand->code);
	assert_int_equal(arena_used(stand->arena), 0);
	arena_destroy(stand->arena);
	return 0;
}

static struct ec_plan
plan(struct stand *stand, bool has_parity, const struct ec_extent *extents, uint32_t count)
{
	struct ec_log log = {STRIPE, has_parity, extents, count};
	struct ec_plan made;

	memset(stand->fetch, 0, sizeof(stand->fetch));
	assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, count + 1, &made),
			 0);
	return made;
}

static void
check_fetch(const struct stand *stand, uint32_t i, uint64_t start, uint64_t count)
{
	assert_int_equal(stand->fetch[i].start, start);
	assert_int_equal(stand->fetch[i].count, count);
}

static void
methods_by_hand(void **state)
{
	static const struct ec_extent one_cell[] = {{START + 1100, 10}, {START + 1300, 20}};
	static const struct ec_extent two_cells[] = {{START + 1000, 100}, {START + 1500, 1}};
	static const struct ec_extent all[] = {{START, 1}, {START + 1, 4095}};
	struct stand *stand = *state;
	struct ec_plan made = plan(stand, true, one_cell, 2);

	assert_int_equal(made.method, EC_METHOD_UPDATE);
	assert_int_equal(made.changed, 0x2);
	assert_int_equal(made.fetch_count, 2);
	check_fetch(stand, 0, START + 1100, 10);
	check_fetch(stand, 1, START + 1300, 20);
	/* Without parity there is nothing older. */
	made = plan(stand, false, one_cell, 2);
	assert_int_equal(made.method, EC_METHOD_ENCODE);
	assert_int_equal(made.fetch_count, 0);
	/* Half of the cells: encode anew. */
	made = plan(stand, true, two_cells, 2);
	assert_int_equal(made.method, EC_METHOD_REENCODE);
	assert_int_equal(made.changed, 0x3);
	assert_int_equal(made.fetch_count, 3);
	check_fetch(stand, 0, START, 1000);
	check_fetch(stand, 1, START + 1100, 400);
	check_fetch(stand, 2, START + 1501, 4096 - 1501);
	made = plan(stand, true, all, 2);
	assert_int_equal(made.method, EC_METHOD_ENCODE);
	assert_int_equal(made.changed, 0xf);
	assert_int_equal(made.fetch_count, 0);
	made = plan(stand, true, NULL, 0);
	assert_int_equal(made.method, EC_METHOD_UPDATE);
	assert_int_equal(made.changed, 0);
}

static void
wrong_logs_are_refused(void **state)
{
	static const struct ec_extent wrong[][2] = {
		{{START - 1, 2}, {START + 10, 1}},     /* before the stripe */
		{{START, 1}, {START + 4095, 2}},       /* behind it */
		{{START, 1}, {START + 4096, 1}},       /* all behind it */
		{{START, 1}, {UINT64_MAX, 2}},	       /* around the end of numbers */
		{{START, 2}, {START + 1, 1}},	       /* overlapping */
		{{START + 5, 1}, {START, 1}},	       /* not in order */
		{{START, 0}, {START + 1, 1}},	       /* empty */
		{{START, 1}, {START + 1, UINT64_MAX}}, /* too long */
	};
	struct stand *stand = *state;
	struct ec_plan made = {.changed = 77};
	uint8_t parity[2][1024], *to[] = {parity[0], parity[1]};

	memset(parity, 0x42, sizeof(parity));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct ec_log log = {STRIPE, true, wrong[i], 2};
		struct ec_content contents[] = {{wrong[i][0], NULL, NULL},
						{wrong[i][1], NULL, NULL}};
		struct ec_conversion conversion = {EC_METHOD_ENCODE, STRIPE, contents, 2};

		assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, 8, &made),
				 -DER_INVAL);
		assert_int_equal(ec_convert(stand->code, &stand->layout, &conversion, to),
				 -DER_INVAL);
	}
	assert_int_equal(made.changed, 77);
	for (size_t i = 0; i < sizeof(parity[0]); i++)
		assert_true(parity[0][i] == 0x42 && parity[1][i] == 0x42);
}

static void
stripes_that_no_array_has(void **state)
{
	struct stand *stand = *state;
	struct ec_log log = {EC_RECORDS / 4096, true, NULL, 0};
	struct ec_conversion conversion = {EC_METHOD_ENCODE, UINT64_MAX, NULL, 0};
	uint8_t parity[2][1024], *to[] = {parity[0], parity[1]};
	struct ec_layout other;
	struct ec_plan made;

	assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, 8, &made),
			 -DER_INVAL);
	log.stripe--;
	assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, 8, &made), 0);
	assert_int_equal(ec_convert(stand->code, &stand->layout, &conversion, to), -DER_INVAL);
	conversion.stripe = 0;
	assert_int_equal(ec_layout_init(&other, (struct ec_class){4, 3}, 1024, 1), 0);
	assert_int_equal(ec_convert(stand->code, &other, &conversion, to), -DER_INVAL);
	/* An empty stripe has zeros for parity. */
	memset(parity, 0x42, sizeof(parity));
	assert_int_equal(ec_convert(stand->code, &stand->layout, &conversion, to), 0);
	for (size_t i = 0; i < sizeof(parity[0]); i++)
		assert_true(parity[0][i] == 0 && parity[1][i] == 0);
}

static void
fetch_lists_have_a_limit(void **state)
{
	static const struct ec_extent extents[] = {{START + 1, 1}, {START + 3000, 1}};
	struct stand *stand = *state;
	struct ec_log log = {STRIPE, true, extents, 2};
	struct ec_plan made;

	assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, 2, &made),
			 -DER_OVERFLOW);
	assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, 3, &made), 0);
	assert_int_equal(made.fetch_count, 3);
	log.count = 1;
	assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, 0, &made),
			 -DER_OVERFLOW);
	assert_int_equal(ec_plan_conversion(&stand->layout, &log, stand->fetch, 1, &made), 0);
	assert_int_equal(made.method, EC_METHOD_UPDATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_by_hand),
		cmocka_unit_test(wrong_logs_are_refused),
		cmocka_unit_test(stripes_that_no_array_has),
		cmocka_unit_test(fetch_lists_have_a_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
