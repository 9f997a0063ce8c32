/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Placement version 0: its golden file, its balance, its refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/placement.h"

static struct object_id
make_id(uint64_t number, uint32_t groups)
{
	return (struct object_id){
		.lo = mix64(number),
		.hi = UINT64_C(1) << 48 | (uint64_t)groups << 32 |
		      (mix64(number + 1000) & 0xffffffff),
	};
}

static struct placement_map
make_map(uint32_t targets)
{
	return (struct placement_map){.version = 0, .targets = targets};
}

/* One line of the golden file: the id, the map, then each group's target, then the groups of four
 * dkeys. */
static void
describe(struct object_id id, uint32_t targets, char *line, size_t size)
{
	static const char *const dkeys[] = {"0", "name", "a longer name of a file in a directory",
					    "\1\0\0\0\0\0\0\0"};
	struct placement_map map = make_map(targets);
	size_t length = (size_t)snprintf(line, size,
					 "%016llx.%016llx %u:", (unsigned long long)id.hi,
					 (unsigned long long)id.lo, targets);

	for (uint32_t group = 0; group < placement_groups(&map, id) && group < 8; group++)
		length += (size_t)snprintf(line + length, size - length, " %u",
					   placement_target(&map, id, group));
	length += (size_t)snprintf(line + length, size - length, " /");
	for (uint32_t i = 0; i < ARRAY_SIZE(dkeys); i++)
		length +=
			(size_t)snprintf(line + length, size - length, " %u",
					 placement_group(&map, id, dkeys[i],
							 i == 3 ? 8 : (uint32_t)strlen(dkeys[i])));
	snprintf(line + length, size - length, "\n");
}

/* What version 0 says is said for ever: data lies where it says. */
static void
test_golden(void **state)
{
	static const uint32_t target_counts[] = {1, 2, 4, 7, 16, 128, 1000};
	static const uint32_t group_counts[] = {1, 2, 6, 65535};
	FILE *file = fopen(CAIRN_GOLDEN_DIR "/placement-0.txt", "r");
	char expected[256];
	char line[256];

	(void)state;
	assert_non_null(file);
	for (uint32_t i = 0; i < ARRAY_SIZE(target_counts); i++)
		for (uint32_t j = 0; j < ARRAY_SIZE(group_counts); j++)
			for (uint32_t number = 0; number < 4; number++) {
				describe(make_id(number, group_counts[j]), target_counts[i], line,
					 sizeof(line));
				assert_non_null(fgets(expected, sizeof(expected), file));
				assert_string_equal(line, expected);
			}
	assert_null(fgets(expected, sizeof(expected), file));
	fclose(file);
}

/* Each target gets about its share of objects, and each group of dkeys. */
static void
test_balance(void **state)
{
	enum { TARGETS = 8, OBJECTS = 8000 };
	struct placement_map map = make_map(TARGETS);
	struct object_id wide = make_id(1, 65535);
	uint32_t objects[TARGETS] = {0};
	uint32_t dkeys[TARGETS] = {0};

	(void)state;
	assert_int_equal(placement_groups(&map, wide), TARGETS);
	for (uint64_t i = 0; i < OBJECTS; i++) {
		objects[placement_target(&map, make_id(i, 1), 0)]++;
		dkeys[placement_group(&map, wide, &i, sizeof(i))]++;
	}
	for (uint32_t i = 0; i < TARGETS; i++) {
		assert_in_range(objects[i], OBJECTS / TARGETS * 8 / 10,
				OBJECTS / TARGETS * 12 / 10);
		assert_in_range(dkeys[i], OBJECTS / TARGETS * 8 / 10, OBJECTS / TARGETS * 12 / 10);
	}
}

/* The groups of one object lie on different targets while there are enough. */
static void
test_groups_spread(void **state)
{
	struct placement_map map = make_map(7);

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct object_id id = make_id(i, 65535);
		uint32_t seen = 0;

		for (uint32_t group = 0; group < 7; group++)
			seen |= 1u << placement_target(&map, id, group);
		assert_int_equal(seen, 0x7f);
		/* More groups than targets are not made. */
		assert_int_equal(placement_groups(&map, make_id(i, 9)), 7);
		assert_int_equal(placement_groups(&map, make_id(i, 3)), 3);
	}
}

static void
test_refusals(void **state)
{
	struct placement_map map = make_map(4);
	struct object_id id = make_id(1, 1);

	(void)state;
	assert_int_equal(placement_check(&map, id), 0);
	id.hi |= UINT64_C(8) << 48;
	assert_int_equal(placement_check(&map, id), -DER_NOSYS);
	assert_int_equal(placement_check(&map, make_id(1, 0)), -DER_INVAL);
	map.version = 1;
	assert_int_equal(placement_check(&map, make_id(1, 1)), -DER_NOSYS);
	map = make_map(0);
	assert_int_equal(placement_check(&map, make_id(1, 1)), -DER_INVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_groups_spread),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
