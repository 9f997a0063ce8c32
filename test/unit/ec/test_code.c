/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The code's values, which are a disk format; decoding, its refusals and its cache; memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ec/ec.h"

#define LENGTH 1000u

static uint8_t storage[EC_CELLS_MAX][LENGTH] __attribute__((aligned(64)));
static uint8_t *cells[EC_CELLS_MAX];

static void
cells_fill(void)
{
	for (uint32_t i = 0; i < EC_CELLS_MAX; i++) {
		cells[i] = storage[i];
		for (uint32_t j = 0; j < LENGTH; j++)
			cells[i][j] = (uint8_t)(mix64(i * LENGTH + j + 1) >> 13);
	}
}

static struct ec_code *
code_of(struct arena *arena, uint32_t data, uint32_t parity)
{
	struct ec_code *code;

	assert_int_equal(ec_code_create(arena, (struct ec_class){data, parity}, &code), 0);
	return code;
}

/* crc32c of all parity cells of fixed data, computed once without ISA-L from the definition in
 * ec.h. Parity lies on disks: the values never change. */
static void
parity_values_are_pinned(void **state)
{
	static const struct {
		uint32_t data, parity, sum;
	} rows[] = {
		{2, 1, 0xc9d6d99},   {2, 2, 0xbfa033b8},  {4, 1, 0x16585e9a},  {4, 2, 0x398e60ca},
		{4, 3, 0x4765d5bd},  {8, 1, 0x279710eb},  {8, 2, 0x64e27443},  {8, 3, 0xe6c22b4f},
		{16, 1, 0x7b9fc98c}, {16, 2, 0xf7c73e3a}, {16, 3, 0xbcea2630},
	};
	struct arena *arena = arena_create(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ec_code *code = code_of(arena, rows[i].data, rows[i].parity);
		uint32_t sum = 0;

		cells_fill();
		assert_int_equal(ec_encode(code, LENGTH, cells, cells + rows[i].data), 0);
		for (uint32_t j = 0; j < rows[i].parity; j++)
			sum = crc32c(sum, cells[rows[i].data + j], LENGTH);
		assert_int_equal(sum, rows[i].sum);
		ec_code_destroy(code);
	}
	arena_destroy(arena);
}

/* By hand: one byte per cell. In GF(2^8) with 0x11d, 2 * 0x80 = 0x1d, 4 * 0x80 = 0x3a. */
static void
parity_by_hand(void **state)
{
	struct arena *arena = arena_create(0);
	struct ec_code *code = code_of(arena, 2, 2), *three = code_of(arena, 4, 3);

	(void)state;
	cells_fill();
	cells[0][0] = 0x03;
	cells[1][0] = 0x80;
	assert_int_equal(ec_encode(code, 1, cells, cells + 2), 0);
	assert_int_equal(cells[2][0], 0x03 ^ 0x80);
	assert_int_equal(cells[3][0], 0x03 ^ 0x1d);
	cells[2][0] = cells[3][0] = 0;
	assert_int_equal(ec_encode(three, 1, cells, cells + 4), 0);
	assert_int_equal(cells[4][0], 0x03 ^ 0x80);
	assert_int_equal(cells[5][0], 0x03 ^ 0x1d);
	assert_int_equal(cells[6][0], 0x03 ^ 0x3a);
	assert_int_equal(ec_code_class(three).data, 4);
	ec_code_destroy(code);
	ec_code_destroy(three);
	ec_code_destroy(NULL);
	arena_destroy(arena);
}

static void
sources_are_the_cheapest(void **state)
{
	struct ec_class class = {4, 2};
	uint32_t sources = 0;

	(void)state;
	assert_int_equal(ec_sources(class, 0x3f & ~0x02u, 0x02, &sources), 0);
	assert_int_equal(sources, 0x1d);
	assert_int_equal(ec_sources(class, 0x3f & ~0x12u, 0x12, &sources), 0);
	assert_int_equal(sources, 0x2d);
	assert_int_equal(ec_sources(class, 0x1f, 0x20, &sources), 0);
	assert_int_equal(sources, 0x0f);
	/* Any four are enough, and fewer are not. */
	assert_int_equal(ec_sources(class, 0x3c, 0x03, &sources), 0);
	assert_int_equal(sources, 0x3c);
	assert_int_equal(ec_sources(class, 0x38, 0x03, &sources), -DER_DATA_LOSS);
	assert_int_equal(ec_sources(class, 0, 0x01, &sources), -DER_DATA_LOSS);
	assert_int_equal(ec_sources(class, 0x7f, 0, &sources), -DER_INVAL);
	assert_int_equal(ec_sources(class, 0x3f, 0x40, &sources), -DER_INVAL);
	assert_int_equal(ec_sources(class, 0x3f, 0x01, &sources), -DER_INVAL);
	assert_int_equal(ec_sources(class, UINT32_MAX, UINT32_MAX, &sources), -DER_INVAL);
	assert_int_equal(sources, 0x3c);
}

static void
buffers_that_are_missing_are_refused(void **state)
{
	struct arena *arena = arena_create(0);
	struct ec_code *code = code_of(arena, 4, 2);

	(void)state;
	cells_fill();
	cells[1] = NULL;
	assert_int_equal(ec_encode(code, LENGTH, cells, cells + 4), -DER_INVAL);
	assert_int_equal(ec_decode(code, 0x1f, 0x20, LENGTH, cells), -DER_INVAL);
	/* A cell that is neither read nor written needs no buffer. */
	assert_int_equal(ec_decode(code, 0x3d, 0, LENGTH, cells), 0);
	cells_fill();
	assert_int_equal(ec_encode(code, LENGTH, cells, cells + 4), 0);
	cells[5] = NULL;
	assert_int_equal(ec_encode(code, LENGTH, cells, cells + 4), -DER_INVAL);
	assert_int_equal(ec_decode(code, 0x3d, 0x02, LENGTH, cells), 0);
	assert_int_equal(ec_apply(code, 0, LENGTH, NULL, cells + 4), -DER_INVAL);
	assert_int_equal(ec_apply(code, 4, LENGTH, cells[0], cells + 4), -DER_INVAL);
	assert_int_equal(ec_update(code, 4, LENGTH, NULL, cells[0], cells + 4), -DER_INVAL);
	assert_int_equal(ec_update(code, UINT32_MAX, 1, NULL, NULL, cells + 4), -DER_INVAL);
	ec_code_destroy(code);
	arena_destroy(arena);
}

/* Damages and repairs two cells of 16+3 by number of the pair. */
static int
repair_pair(struct ec_code *code, uint32_t pair)
{
	uint32_t first = pair / 15, second = first + 1 + pair % 15 % (15 - first);
	uint32_t lost = 1u << first | 1u << second;

	assert_true(second < 16);
	memset(cells[first], 1, LENGTH);
	memset(cells[second], 2, LENGTH);
	return ec_decode(code, 0x7ffff & ~lost, lost, LENGTH, cells);
}

static void
check_data(void)
{
	static uint8_t copy[16][LENGTH];

	for (uint32_t i = 0; i < 16; i++)
		memcpy(copy[i], cells[i], LENGTH);
	cells_fill();
	for (uint32_t i = 0; i < 16; i++)
		assert_memory_equal(copy[i], storage[i], LENGTH);
}

static void
tables_are_kept_up_to_the_limit(void **state)
{
	struct arena *arena = arena_create(0);
	struct ec_code *code = code_of(arena, 16, 3);
	uint64_t used;

	(void)state;
	cells_fill();
	assert_int_equal(ec_encode(code, LENGTH, cells, cells + 16), 0);
	/* 15 pairs with cell 0, 14 with cell 1, ... : the first 15 of each row are all there is. */
	for (uint32_t lost = 0, made = 0; lost < 15 && made < EC_TABLES_MAX; lost++)
		for (uint32_t i = 0; i < 15 - lost && made < EC_TABLES_MAX; i++) {
			assert_int_equal(repair_pair(code, lost * 15 + i), 0);
			assert_int_equal(ec_code_tables(code).made, ++made);
			assert_int_equal(ec_code_tables(code).kept, made);
		}
	used = arena_used(arena);
	assert_int_equal(ec_code_tables(code).kept, EC_TABLES_MAX);
	/* The first is used again: nothing is made. One beyond the limit takes the second's place.
	 */
	assert_int_equal(repair_pair(code, 0), 0);
	assert_int_equal(ec_code_tables(code).made, EC_TABLES_MAX);
	assert_int_equal(repair_pair(code, 14 * 15), 0);
	assert_int_equal(ec_code_tables(code).made, EC_TABLES_MAX + 1);
	assert_int_equal(ec_code_tables(code).kept, EC_TABLES_MAX);
	assert_int_equal(arena_used(arena), used);
	assert_int_equal(repair_pair(code, 0), 0);
	assert_int_equal(ec_code_tables(code).made, EC_TABLES_MAX + 1);
	assert_int_equal(repair_pair(code, 1), 0);
	assert_int_equal(ec_code_tables(code).made, EC_TABLES_MAX + 2);
	check_data();
	ec_code_destroy(code);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

static void
one_lost_cell_needs_no_tables(void **state)
{
	struct arena *arena = arena_create(0);
	struct ec_code *code = code_of(arena, 8, 2);

	(void)state;
	cells_fill();
	assert_int_equal(ec_encode(code, LENGTH, cells, cells + 8), 0);
	for (uint32_t lost = 0; lost < 9; lost++) {
		uint8_t kept[LENGTH];

		memcpy(kept, cells[lost], LENGTH);
		memset(cells[lost], 0, LENGTH);
		assert_int_equal(ec_decode(code, 0x3ff & ~(1u << lost), 1u << lost, LENGTH, cells),
				 0);
		assert_memory_equal(kept, cells[lost], LENGTH);
	}
	assert_int_equal(ec_code_tables(code).made, 0);
	ec_code_destroy(code);
	arena_destroy(arena);
}

/* Creation without memory undoes itself; a decode without memory takes an old table's place. */
static void
memory_that_is_out(void **state)
{
	struct arena *arena = arena_create(0);
	struct ec_code *code = NULL;
	uint32_t failures = 0;

	(void)state;
	for (uint64_t n = 1; code == NULL; n++) {
		int rc;

		arena_fail_at(arena, n);
		rc = ec_code_create(arena, (struct ec_class){16, 3}, &code);
		failures += rc == -DER_NOMEM;
		assert_true(rc == 0 || rc == -DER_NOMEM);
		if (rc)
			assert_int_equal(arena_used(arena), 0);
	}
	assert_int_equal(failures, 2);
	cells_fill();
	arena_fail_at(arena, 0);
	assert_int_equal(ec_encode(code, LENGTH, cells, cells + 16), 0);
	arena_fail_at(arena, 1);
	assert_int_equal(ec_decode(code, 0x7fffc, 3, LENGTH, cells), -DER_NOMEM);
	assert_int_equal(ec_decode(code, 0x7fffc, 3, LENGTH, cells), 0);
	arena_fail_at(arena, 1);
	assert_int_equal(repair_pair(code, 1), 0);
	assert_int_equal(ec_code_tables(code).kept, 1);
	check_data();
	ec_code_destroy(code);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

static void
differences(void **state)
{
	uint8_t a[5] = {1, 2, 3, 4, 5}, b[5] = {7, 7, 7, 7, 7}, c[5];
	static const uint8_t zeros[5];

	(void)state;
	ec_difference(a, b, 5, c);
	assert_int_equal(c[0], 6);
	assert_int_equal(c[4], 2);
	ec_difference(a, NULL, 5, c);
	assert_memory_equal(a, c, 5);
	ec_difference(NULL, NULL, 5, c);
	assert_memory_equal(c, zeros, 5);
	ec_difference(NULL, b, 5, b);
	assert_int_equal(b[3], 7);
	ec_difference(a, a, 5, a);
	assert_memory_equal(a, zeros, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parity_values_are_pinned),
		cmocka_unit_test(parity_by_hand),
		cmocka_unit_test(sources_are_the_cheapest),
		cmocka_unit_test(buffers_that_are_missing_are_refused),
		cmocka_unit_test(tables_are_kept_up_to_the_limit),
		cmocka_unit_test(one_lost_cell_needs_no_tables),
		cmocka_unit_test(memory_that_is_out),
		cmocka_unit_test(differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
