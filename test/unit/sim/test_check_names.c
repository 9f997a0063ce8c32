/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The checker of names and that of ranges, against planted violations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check_names.h"

#define AT(first, last) .begin = (first), .end = (last)
#define CREATED(number, at) \
	.kind = NAME_CREATE, .outcome = NAME_DONE, .thing = (number), .slot = (at)
#define PERHAPS_CREATED(number, at) \
	.kind = NAME_CREATE, .outcome = NAME_UNKNOWN, .thing = (number), .slot = (at)
#define REFUSED(number, at) \
	.kind = NAME_CREATE, .outcome = NAME_EXIST, .thing = (number), .slot = (at)
#define REMOVED(at) .kind = NAME_REMOVE, .outcome = NAME_DONE, .slot = (at)
#define PERHAPS_REMOVED(at) .kind = NAME_REMOVE, .outcome = NAME_UNKNOWN, .slot = (at)
#define REMOVED_THING(number) .kind = NAME_REMOVE_THING, .outcome = NAME_DONE, .thing = (number)
#define MISSED(at) .kind = NAME_REMOVE, .outcome = NAME_ABSENT, .slot = (at)
#define MOVED(number, at) .kind = NAME_MOVE, .outcome = NAME_DONE, .thing = (number), .slot = (at)
#define SAW(at, number) \
	.kind = NAME_SEE, .outcome = NAME_DONE, .mask = 1u << (at), .seen = {[at] = (number)}
#define SAW_TWO(first, second) \
	.kind = NAME_SEE, .outcome = NAME_DONE, .mask = 3, .seen = {(first), (second)}
#define NEVER NAME_NEVER
#define LIMIT 100000u

static char text[4096];

#define JUDGE(operations) names_check(operations, ARRAY_SIZE(operations), LIMIT, text, sizeof(text))

static void
test_good(void **state)
{
	static const struct name_operation in_turn[] = {
		{AT(1, 2), SAW_TWO(0, 0)},	{AT(3, 4), CREATED(7, 0)},
		{AT(5, 6), REFUSED(8, 0)},	{AT(7, 8), MOVED(7, 1)},
		{AT(9, 10), SAW_TWO(0, 7)},	{AT(11, 12), MISSED(0)},
		{AT(13, 14), REMOVED_THING(7)}, {AT(15, 16), SAW_TWO(0, 0)},
	};
	static const struct name_operation at_once[] = {
		{AT(1, 10), CREATED(7, 0)},	{AT(2, 9), REMOVED(0)},
		{AT(3, 8), CREATED(8, 0)},	{AT(11, 12), SAW(0, 8)},
		{AT(13, 14), SAW(0, NAME_ANY)},
	};
	static const struct name_operation late[] = {
		{AT(1, NEVER), PERHAPS_CREATED(7, 0)},
		{AT(2, 3), SAW(0, 0)},
		{AT(4, 5), SAW(0, 7)},
		{AT(6, NEVER), PERHAPS_REMOVED(0)},
		{AT(7, 8), SAW(0, 7)},
		{AT(9, 10), CREATED(8, 0)},
	};

	(void)state;
	assert_int_equal(names_check(NULL, 0, LIMIT, text, sizeof(text)), NAMES_GOOD);
	assert_int_equal(JUDGE(in_turn), NAMES_GOOD);
	assert_int_equal(JUDGE(at_once), NAMES_GOOD);
	assert_int_equal(JUDGE(late), NAMES_GOOD);
}

static void
test_bad(void **state)
{
	static const struct name_operation lost[] = {{AT(1, 2), CREATED(7, 0)},
						     {AT(3, 4), SAW(0, 0)}};
	static const struct name_operation twice[] = {{AT(1, 2), CREATED(7, 0)},
						      {AT(3, 4), CREATED(8, 0)}};
	static const struct name_operation risen[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 4), REMOVED(0)}, {AT(5, 6), SAW(0, 7)}};
	static const struct name_operation executed_twice[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, NEVER), PERHAPS_REMOVED(0)},
		{AT(5, 6), SAW(0, 0)},	   {AT(7, 8), CREATED(8, 0)},
		{AT(9, 10), SAW(0, 0)},
	};
	static const struct name_operation half_moved[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 8), MOVED(7, 1)}, {AT(4, 5), SAW_TWO(0, 0)}};
	static const struct name_operation both[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 8), MOVED(7, 1)}, {AT(4, 5), SAW_TWO(7, 7)}};
	static const struct name_operation wrong_refusal[] = {{AT(1, 2), REFUSED(7, 0)}};
	static const struct name_operation wrong_absence[] = {{AT(1, 2), CREATED(7, 0)},
							      {AT(3, 4), MISSED(0)}};
	static const struct name_operation torn_list[] = {{AT(1, 2), CREATED(7, 0)},
							  {AT(3, 9), MOVED(7, 1)},
							  {AT(10, 11), SAW_TWO(7, NAME_ANY)}};

	(void)state;
	assert_int_equal(JUDGE(lost), NAMES_BAD);
	assert_non_null(strstr(text, "see 0"));
	assert_int_equal(JUDGE(twice), NAMES_BAD);
	assert_int_equal(JUDGE(risen), NAMES_BAD);
	assert_int_equal(JUDGE(executed_twice), NAMES_BAD);
	assert_int_equal(JUDGE(half_moved), NAMES_BAD);
	assert_int_equal(JUDGE(both), NAMES_BAD);
	assert_int_equal(JUDGE(wrong_refusal), NAMES_BAD);
	assert_int_equal(JUDGE(wrong_absence), NAMES_BAD);
	assert_int_equal(JUDGE(torn_list), NAMES_BAD);
}

#define LINKED(number, old, at) \
	.kind = NAME_LINK, .outcome = NAME_DONE, .thing = (number), .from = (old), .slot = (at)
#define LINK_REFUSED(number, old, at, why) \
	.kind = NAME_LINK, .outcome = (why), .thing = (number), .from = (old), .slot = (at)
#define RENAMED(old, at) .kind = NAME_RENAME, .outcome = NAME_DONE, .from = (old), .slot = (at)
#define PERHAPS_RENAMED(old, at) \
	.kind = NAME_RENAME, .outcome = NAME_UNKNOWN, .from = (old), .slot = (at)
#define RENAMED_NEW(old, at, how) \
	.kind = NAME_RENAME_NEW, .outcome = (how), .from = (old), .slot = (at)
#define COUNTED(number, names) \
	.kind = NAME_COUNT, .outcome = NAME_DONE, .thing = (number), .count = (names)

static void
test_good_links(void **state)
{
	static const struct name_operation in_turn[] = {
		{AT(1, 2), CREATED(7, 0)},
		{AT(3, 4), LINKED(7, 0, 1)},
		{AT(5, 6), COUNTED(7, 2)},
		{AT(7, 8), LINK_REFUSED(7, 0, 1, NAME_EXIST)},
		{AT(9, 10), RENAMED(0, 1)},
		{AT(11, 12), SAW_TWO(7, 7)},
		{AT(13, 14), RENAMED_NEW(0, 1, NAME_EXIST)},
		{AT(15, 16), REMOVED(0)},
		{AT(17, 18), LINK_REFUSED(7, 0, 0, NAME_ABSENT)},
		{AT(19, 20), RENAMED_NEW(1, 0, NAME_DONE)},
		{AT(21, 22), SAW_TWO(7, 0)},
		{AT(23, 24), REMOVED(0)},
		{AT(25, 26), COUNTED(7, 0)},
		{AT(27, 28), RENAMED_NEW(0, 1, NAME_ABSENT)},
	};
	static const struct name_operation replaced[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 4), CREATED(8, 1)}, {AT(5, 12), RENAMED(0, 1)},
		{AT(6, 7), SAW_TWO(7, 8)}, {AT(8, 9), SAW_TWO(0, 7)}, {AT(10, 11), COUNTED(8, 0)},
	};
	static const struct name_operation late[] = {
		{AT(1, 2), CREATED(7, 0)},
		{AT(3, NEVER), PERHAPS_RENAMED(0, 1)},
		{AT(4, 5), SAW_TWO(7, 0)},
		{AT(6, 7), SAW_TWO(0, 7)},
	};

	(void)state;
	assert_int_equal(JUDGE(in_turn), NAMES_GOOD);
	assert_int_equal(JUDGE(replaced), NAMES_GOOD);
	assert_int_equal(JUDGE(late), NAMES_GOOD);
}

static void
test_bad_links(void **state)
{
	static const struct name_operation neither[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 8), RENAMED(0, 1)}, {AT(4, 5), SAW_TWO(0, 0)}};
	static const struct name_operation both[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 8), RENAMED(0, 1)}, {AT(4, 5), SAW_TWO(7, 7)}};
	static const struct name_operation gap[] = {{AT(1, 2), CREATED(7, 0)},
						    {AT(3, 4), CREATED(8, 1)},
						    {AT(5, 12), RENAMED(0, 1)},
						    {AT(6, 7), SAW(1, 0)}};
	static const struct name_operation replaces[] = {{AT(1, 2), CREATED(7, 0)},
							 {AT(3, 4), CREATED(8, 1)},
							 {AT(5, 6), RENAMED_NEW(0, 1, NAME_DONE)}};
	static const struct name_operation miscounted[] = {{AT(1, 2), CREATED(7, 0)},
							   {AT(3, 4), LINKED(7, 0, 1)},
							   {AT(5, 6), REMOVED(0)},
							   {AT(7, 8), COUNTED(7, 2)}};
	static const struct name_operation risen[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 4), REMOVED(0)}, {AT(5, 6), LINKED(7, 0, 1)}};
	static const struct name_operation missed[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 4), LINK_REFUSED(7, 0, 1, NAME_ABSENT)}};

	(void)state;
	assert_int_equal(JUDGE(neither), NAMES_BAD);
	assert_int_equal(JUDGE(both), NAMES_BAD);
	assert_int_equal(JUDGE(gap), NAMES_BAD);
	assert_int_equal(JUDGE(replaces), NAMES_BAD);
	assert_int_equal(JUDGE(miscounted), NAMES_BAD);
	assert_non_null(strstr(text, "count 7: 2"));
	assert_int_equal(JUDGE(risen), NAMES_BAD);
	assert_int_equal(JUDGE(missed), NAMES_BAD);
}

static void
test_limit(void **state)
{
	static const struct name_operation operations[] = {
		{AT(1, 2), CREATED(7, 0)}, {AT(3, 4), REMOVED(0)}, {AT(5, 6), CREATED(8, 0)}};

	(void)state;
	assert_int_equal(names_check(operations, 3, 1, text, sizeof(text)), NAMES_UNDECIDED);
}

static void
test_stranger(void **state)
{
	static const struct name_operation lost[] = {{AT(1, 2), CREATED(7, 0)},
						     {AT(3, 4), SAW(0, 0)}};
	static const struct name_operation strange[] = {{AT(1, 2), CREATED(7, 0)},
							{AT(3, 4), SAW(1, 7)}};
	static const struct name_operation early[] = {{AT(1, 2), SAW(0, 7)},
						      {AT(3, 4), CREATED(7, 0)}};

	(void)state;
	assert_null(names_stranger(lost, ARRAY_SIZE(lost)));
	assert_ptr_equal(names_stranger(strange, ARRAY_SIZE(strange)), &strange[1]);
	assert_ptr_equal(names_stranger(early, ARRAY_SIZE(early)), &early[0]);
}

static void
test_ranges(void **state)
{
	static const struct number_range ranges[] = {{0, 10}, {20, 5}, {UINT64_MAX - 9, 10}};

	(void)state;
	assert_null(ranges_meet(ranges, 3, (struct number_range){10, 10}));
	assert_null(ranges_meet(ranges, 3, (struct number_range){25, 1}));
	assert_ptr_equal(ranges_meet(ranges, 3, (struct number_range){9, 1}), &ranges[0]);
	assert_ptr_equal(ranges_meet(ranges, 3, (struct number_range){10, 11}), &ranges[1]);
	assert_ptr_equal(ranges_meet(ranges, 3, (struct number_range){24, 9}), &ranges[1]);
	assert_ptr_equal(ranges_meet(ranges, 3, (struct number_range){UINT64_MAX, 1}), &ranges[2]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limit),	  cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_ranges),	  cmocka_unit_test(test_good_links),
		cmocka_unit_test(test_bad_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
