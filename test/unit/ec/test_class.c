/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Classes of DAOS by their numbers, refusals, and the rotation of cells over shards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daos_obj_class.h"
#include "daos_prop.h"
#include "ec/ec.h"

static void
classes_have_the_numbers_of_daos(void **state)
{
	static const struct {
		enum daos_obj_redun redundancy;
		uint32_t data, parity;
	} rows[] = {
		{OR_RS_2P1, 2, 1},   {OR_RS_2P2, 2, 2},	  {OR_RS_4P1, 4, 1},   {OR_RS_4P2, 4, 2},
		{OR_RS_4P3, 4, 3},   {OR_RS_8P1, 8, 1},	  {OR_RS_8P2, 8, 2},   {OR_RS_8P3, 8, 3},
		{OR_RS_16P1, 16, 1}, {OR_RS_16P2, 16, 2}, {OR_RS_16P3, 16, 3},
	};
	struct ec_class class = {0, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(ec_class_find((uint32_t)rows[i].redundancy, &class), 0);
		assert_int_equal(class.data, rows[i].data);
		assert_int_equal(class.parity, rows[i].parity);
		assert_int_equal(ec_class_check(class), 0);
	}
	class = (struct ec_class){7, 7};
	for (uint32_t other = 0; other < 32; other++)
		assert_int_equal(ec_class_find(other, &class), -DER_NOSCHEMA);
	for (uint32_t other = 43; other < 300; other++)
		assert_int_equal(ec_class_find(other, &class), -DER_NOSCHEMA);
	assert_int_equal(ec_class_find(UINT32_MAX, &class), -DER_NOSCHEMA);
	assert_int_equal(class.data, 7);
}

static void
cell_sizes_are_those_of_the_property(void **state)
{
	(void)state;
	assert_int_equal(EC_CELL_SIZE_MIN, DAOS_PROP_PO_EC_CELL_SZ_MIN);
	assert_int_equal(EC_CELL_SIZE_MAX, DAOS_PROP_PO_EC_CELL_SZ_MAX);
}

static void
impossible_classes_are_refused(void **state)
{
	static const struct ec_class wrong[] = {
		{0, 0}, {1, 1}, {0, 2}, {4, 0}, {17, 1}, {16, 4}, {2, 4}, {UINT32_MAX, UINT32_MAX},
	};
	struct arena *arena = arena_create(0);
	struct ec_code *code = NULL;
	struct ec_layout layout;
	struct ec_single single;
	uint32_t sources = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(ec_class_check(wrong[i]), -DER_INVAL);
		assert_int_equal(ec_code_create(arena, wrong[i], &code), -DER_INVAL);
		assert_int_equal(ec_layout_init(&layout, wrong[i], 65536, 1), -DER_INVAL);
		assert_int_equal(ec_single_init(&single, wrong[i], 100), -DER_INVAL);
		assert_int_equal(ec_sources(wrong[i], 3, 0, &sources), -DER_INVAL);
	}
	assert_null(code);
	assert_int_equal(sources, 99);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

static void
cells_rotate_with_the_hash(void **state)
{
	struct ec_class class = {4, 2};
	uint32_t holds[6][6] = {{0}};

	(void)state;
	/* By hand: 6 shards, hash 8 begins at shard 2. */
	assert_int_equal(ec_shard_of_cell(class, 8, 0), 2);
	assert_int_equal(ec_shard_of_cell(class, 8, 3), 5);
	assert_int_equal(ec_shard_of_cell(class, 8, 4), 0);
	assert_int_equal(ec_cell_of_shard(class, 8, 1), 5);
	assert_int_equal(ec_cells_of_shards(class, 8, 1u << 2 | 1u << 0), 1u << 0 | 1u << 4);
	assert_int_equal(ec_shard_of_cell(class, UINT64_MAX, 0), UINT64_MAX % 6);
	for (uint64_t hash = UINT64_MAX - 599; hash != 0; hash++)
		for (uint32_t cell = 0; cell < 6; cell++) {
			uint32_t shard = ec_shard_of_cell(class, hash, cell);

			assert_int_equal(ec_cell_of_shard(class, hash, shard), cell);
			holds[shard][cell]++;
		}
	for (uint32_t i = 0; i < 36; i++)
		assert_int_equal(holds[i / 6][i % 6], 599 / 6 + (holds[i / 6][i % 6] == 100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_have_the_numbers_of_daos),
		cmocka_unit_test(cell_sizes_are_those_of_the_property),
		cmocka_unit_test(impossible_classes_are_refused),
		cmocka_unit_test(cells_rotate_with_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
