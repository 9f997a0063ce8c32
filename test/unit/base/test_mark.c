/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Marks: silent without a table, counted and armed with one, each with a stream of its own. */
#ifndef CAIRN_MARKS
#define CAIRN_MARKS 1
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The library has it in the sim preset only. */
#include "base/mark.c"

static bool
first_fault(void)
{
	return FAULT("test: first fault");
}

static bool
second_fault(void)
{
	return FAULT("test: second fault");
}

static void
rare_path(void)
{
	REACHED("test: a rare path");
}

static bool
bug_seven(void)
{
	return BUG(7) || BUG(7);
}

struct bed {
	struct arena *arena;
	struct marks *marks;
	struct context context;
};

static void
bed_init(struct bed *bed)
{
	bed->arena = arena_create(0);
	bed->marks = marks_create(bed->arena);
	assert_non_null(bed->marks);
	context_init(&bed->context, "test", NULL, LOG_ERROR);
	bed->context.marks = bed->marks;
	context_enter(&bed->context);
}

static void
bed_fini(struct bed *bed)
{
	context_enter(NULL);
	marks_destroy(bed->marks);
	assert_int_equal(arena_used(bed->arena), 0);
	arena_destroy(bed->arena);
}

static struct mark_figures
figures_of(const struct marks *marks, const char *name)
{
	struct mark_figures figures;
	uint32_t index;

	assert_true(marks_find(marks, name, &index));
	marks_figures(marks, index, &figures);
	assert_string_equal(figures.mark->name, name);
	assert_non_null(strstr(figures.mark->file, "/test_mark.c"));
	return figures;
}

static void
arm(struct marks *marks, const char *name, uint32_t probability)
{
	uint32_t index;

	assert_true(marks_find(marks, name, &index));
	marks_arm(marks, index, probability);
}

/* 64 draws, the first in the highest bit. */
static uint64_t
draw(bool (*fault)(void))
{
	uint64_t bits = 0;

	for (int i = 0; i < 64; i++)
		bits = bits << 1 | fault();
	return bits;
}

static void
test_without_a_table(void **state)
{
	(void)state;
	assert_false(first_fault());
	assert_false(bug_seven());
	rare_path();
}

static void
test_every_mark_is_found(void **state)
{
	static const char *const names[] = {"test: first fault", "test: second fault",
					    "test: a rare path"};
	uint32_t index, kinds[3] = {0};
	struct mark_figures figures;
	struct bed bed;

	(void)state;
	bed_init(&bed);
	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(marks_find(bed.marks, names[i], &index));
	assert_false(marks_find(bed.marks, "test: none", &index));
	assert_false(marks_find(bed.marks, "", &index));
	for (uint32_t i = 0; i < marks_count(bed.marks); i++) {
		marks_figures(bed.marks, i, &figures);
		if (strstr(figures.mark->file, "/test_mark.c"))
			kinds[figures.mark->kind]++;
	}
	assert_int_equal(kinds[MARK_FAULT], 2);
	assert_int_equal(kinds[MARK_REACHED], 1);
	assert_int_equal(kinds[MARK_BUG], 2);
	bed_fini(&bed);
}

static void
test_counts(void **state)
{
	struct bed bed;

	(void)state;
	bed_init(&bed);
	for (int i = 0; i < 5; i++) {
		assert_false(first_fault());
		rare_path();
	}
	assert_int_equal(figures_of(bed.marks, "test: first fault").met, 5);
	assert_int_equal(figures_of(bed.marks, "test: first fault").fired, 0);
	assert_int_equal(figures_of(bed.marks, "test: second fault").met, 0);
	assert_int_equal(figures_of(bed.marks, "test: a rare path").met, 5);
	assert_int_equal(figures_of(bed.marks, "test: a rare path").fired, 5);
	bed_fini(&bed);
}

static void
test_streams(void **state)
{
	uint64_t alone, beside;
	struct bed bed;

	(void)state;
	bed_init(&bed);
	marks_seed(bed.marks, 1);
	arm(bed.marks, "test: first fault", MARK_ALWAYS / 2);
	alone = draw(first_fault);
	assert_in_range(__builtin_popcountll(alone), 16, 48);

	/* The same again, also where another mark is armed and drawn meanwhile. */
	marks_seed(bed.marks, 1);
	arm(bed.marks, "test: second fault", MARK_ALWAYS / 2);
	beside = 0;
	for (int i = 0; i < 64; i++) {
		(void)second_fault();
		beside = beside << 1 | first_fault();
	}
	assert_int_equal(beside, alone);

	marks_seed(bed.marks, 1);
	assert_int_not_equal(draw(second_fault), alone);
	marks_seed(bed.marks, 2);
	assert_int_not_equal(draw(first_fault), alone);
	bed_fini(&bed);
}

static void
test_always_is_not_for_ever(void **state)
{
	struct bed bed;

	(void)state;
	bed_init(&bed);
	arm(bed.marks, "test: first fault", MARK_ALWAYS);
	for (uint32_t i = 0; i < MARK_ROW; i++)
		assert_true(first_fault());
	assert_false(first_fault());
	assert_true(first_fault());
	marks_heal(bed.marks);
	assert_false(first_fault());
	bed_fini(&bed);
}

static void
test_bugs(void **state)
{
	struct bed bed;

	(void)state;
	bed_init(&bed);
	assert_false(bug_seven());
	assert_false(marks_arm_bug(bed.marks, 8));
	assert_true(marks_arm_bug(bed.marks, 7));
	assert_true(bug_seven());
	marks_heal(bed.marks);
	assert_true(bug_seven());
	bed_fini(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_table),
		cmocka_unit_test(test_every_mark_is_found),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_always_is_not_for_ever),
		cmocka_unit_test(test_bugs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
