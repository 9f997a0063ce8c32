/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The judge of overlapping writes against histories that have an explanation, and planted
 * violations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check_extents.h"

#define NEVER EXTENTS_NEVER
#define HOLE EXTENTS_HOLE
#define ZERO EXTENTS_ZERO
#define DATA EXTENTS_DATA
#define ENDLESS EXTENTS_ENDLESS

static struct extents_history history;
static char text[4096];

static void
start(uint64_t chunk)
{
	history = (struct extents_history){.chunk = chunk};
}

static struct extents_operation *
add(enum extents_kind kind, uint64_t begin, uint64_t end)
{
	struct extents_operation operation = {
		.begin = begin, .end = end, .kind = (uint8_t)kind, .done = end != NEVER};
	uint32_t number = extents_add(&history, &operation);

	return &history.operations[number];
}

static struct extents_operation *
run(struct extents_operation *operation, uint64_t index, uint64_t count, uint64_t write)
{
	struct extents_run one = {.index = index, .count = count, .write = write};

	extents_add_run(operation, one);
	return operation;
}

static void
change(uint64_t begin, uint64_t end, uint64_t index, uint64_t count, uint64_t write)
{
	run(add(EXTENTS_CHANGE, begin, end), index, count, write);
}

static void
look(uint64_t begin, uint64_t end, uint64_t index, uint64_t count, uint64_t write)
{
	run(add(EXTENTS_LOOK, begin, end), index, count, write);
}

static void
sized(enum extents_kind kind, uint64_t begin, uint64_t end, uint64_t size)
{
	add(kind, begin, end)->size = size;
}

static bool
judge(void)
{
	bool good = extents_check(&history, text, sizeof(text));

	for (uint32_t i = 0; i < history.count; i++)
		free(history.operations[i].runs);
	free(history.operations);
	if (!good)
		assert_true(strlen(text) > 20);
	return good;
}

static bool
known(void)
{
	bool good = extents_known(&history, text, sizeof(text));

	for (uint32_t i = 0; i < history.count; i++)
		free(history.operations[i].runs);
	free(history.operations);
	return good;
}

/* ------------------------------------------------ one cell after another */

static void
test_overwrites(void **state)
{
	(void)state;
	start(0);
	assert_true(judge());
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 4, 4, 2, 2);
	run(run(run(add(EXTENTS_LOOK, 5, 6), 0, 4, 1), 4, 2, 2), 6, 6, 1)->runs[2].count = 4;
	look(7, 8, 10, 5, ZERO);
	assert_true(judge());
	/* A lost update. */
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 4, 4, 2, 2);
	look(5, 6, 4, 2, 1);
	assert_false(judge());
	/* It is still under way, or of unknown outcome. */
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 7, 4, 2, 2);
	look(5, 6, 4, 2, 1);
	assert_true(judge());
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, NEVER, 4, 2, 2);
	look(5, 6, 4, 2, 1);
	look(9, 10, 4, 2, 2);
	assert_true(judge());
	/* It cannot be seen before it begins. */
	start(0);
	look(1, 2, 0, 1, 1);
	change(3, 4, 0, 1, 1);
	assert_false(judge());
}

static void
test_lost_to_a_hole(void **state)
{
	(void)state;
	start(0);
	change(1, 2, 0, 10, 1);
	look(3, 4, 0, 10, ZERO);
	assert_false(judge());
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, NEVER, 5, 5, HOLE);
	look(4, 5, 5, 5, ZERO);
	look(6, 7, 5, 5, HOLE);
	assert_true(judge());
	/* The punch happened, since it was seen: the data may not come back. */
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, NEVER, 5, 5, HOLE);
	look(4, 5, 5, 5, ZERO);
	look(6, 7, 5, 5, 1);
	assert_false(judge());
	/* A punch that was acknowledged holds. */
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 4, 5, 1, HOLE);
	look(5, 6, 5, 1, 1);
	assert_false(judge());
	/* A punch before the write explains nothing. */
	start(0);
	change(1, 2, 0, 10, HOLE);
	change(3, 4, 0, 10, 1);
	look(5, 6, 5, 1, ZERO);
	assert_false(judge());
}

static void
test_order_of_reads(void **state)
{
	(void)state;
	/* Two writes at once; readers must agree about their order. */
	start(0);
	change(1, 20, 0, 4, 1);
	change(2, 21, 0, 4, 2);
	look(3, 4, 0, 4, 1);
	look(5, 6, 0, 4, 2);
	look(7, 8, 0, 4, 2);
	assert_true(judge());
	start(0);
	change(1, 20, 0, 4, 1);
	change(2, 21, 0, 4, 2);
	look(3, 4, 0, 4, 1);
	look(5, 6, 0, 4, 2);
	look(7, 8, 0, 4, 1);
	assert_false(judge());
	/* A write of unknown outcome takes effect once. */
	start(0);
	change(1, NEVER, 0, 4, 1);
	look(3, 4, 0, 4, 1);
	change(5, 6, 0, 4, 2);
	look(7, 8, 0, 4, 2);
	look(9, 10, 0, 4, 1);
	assert_false(judge());
	/* Seen, then gone without a cause. */
	start(0);
	change(1, NEVER, 0, 4, 1);
	look(3, 4, 0, 4, 1);
	look(5, 6, 0, 4, ZERO);
	assert_false(judge());
}

/* ------------------------------------------------ one operation at one moment */

static void
test_atomic(void **state)
{
	(void)state;
	/* Half of a write. */
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 20, 0, 10, 2);
	run(run(add(EXTENTS_LOOK, 4, 5), 0, 5, 1), 5, 5, 2);
	assert_false(judge());
	/* Of two chunks, which have no moment in common. */
	start(5);
	change(1, 2, 0, 10, 1);
	change(3, 20, 0, 10, 2);
	run(run(add(EXTENTS_LOOK, 4, 5), 0, 5, 1), 5, 5, 2);
	assert_true(judge());
	/* In two looks that follow each other the first half came first. */
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 20, 0, 10, 2);
	look(4, 5, 0, 5, 2);
	look(6, 7, 5, 5, 1);
	assert_false(judge());
	/* A torn look. */
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 20, 0, 10, 2);
	run(run(add(EXTENTS_LOOK, 4, 5), 0, 5, 1), 5, 5, 2)->torn = true;
	assert_true(judge());
	/* Two lines and a hole in the middle of it. */
	start(0);
	change(1, 2, 0, 10, 1);
	run(run(add(EXTENTS_CHANGE, 3, NEVER), 0, 2, 2), 4, 2, HOLE);
	run(run(add(EXTENTS_LOOK, 5, 6), 0, 2, 2), 4, 2, ZERO);
	assert_true(judge());
	start(0);
	change(1, 2, 0, 10, 1);
	run(run(add(EXTENTS_CHANGE, 3, NEVER), 0, 2, 2), 4, 2, HOLE);
	run(run(add(EXTENTS_LOOK, 5, 6), 0, 2, 2), 4, 2, 1);
	assert_false(judge());
}

static void
test_lines_and_groups(void **state)
{
	(void)state;
	start(0);
	change(1, 2, 0, 4, 1);
	history.operations[0].runs[0].line = 1;
	look(3, 4, 0, 4, ZERO);
	assert_true(judge());
	start(0);
	change(1, 2, 0, 4, 1);
	history.operations[0].runs[0].line = 1;
	look(3, 4, 0, 4, 1);
	assert_false(judge());
	/* Two groups of one write may be seen apart. */
	start(0);
	run(run(add(EXTENTS_CHANGE, 1, 20), 0, 4, 1), 6, 4, 1)->runs[1].group = 1;
	run(run(add(EXTENTS_LOOK, 3, 4), 0, 4, 1), 6, 4, ZERO);
	assert_true(judge());
	start(0);
	run(run(add(EXTENTS_CHANGE, 1, 20), 0, 4, 1), 6, 4, 1);
	run(run(add(EXTENTS_LOOK, 3, 4), 0, 4, 1), 6, 4, ZERO);
	assert_false(judge());
}

/* ------------------------------------------------ sizes */

static void
test_sizes(void **state)
{
	(void)state;
	start(4);
	sized(EXTENTS_SIZE, 1, 2, 0);
	change(3, 4, 2, 8, 1);
	sized(EXTENTS_SIZE, 5, 6, 10);
	change(7, 8, 5, 5, HOLE);
	sized(EXTENTS_SIZE, 9, 10, 5);
	assert_true(judge());
	/* Too large, too small, of something that was never there. */
	start(4);
	change(3, 4, 2, 8, 1);
	change(7, 8, 5, 5, HOLE);
	sized(EXTENTS_SIZE, 9, 10, 10);
	assert_false(judge());
	start(4);
	change(3, 4, 2, 8, 1);
	sized(EXTENTS_SIZE, 9, 10, 9);
	assert_false(judge());
	start(4);
	change(3, 4, 2, 8, 1);
	sized(EXTENTS_SIZE, 9, 10, 0);
	assert_false(judge());
	start(4);
	change(3, 4, 2, 8, 1);
	sized(EXTENTS_SIZE, 9, 10, 30);
	assert_false(judge());
}

static void
test_resizes(void **state)
{
	(void)state;
	start(4);
	change(1, 2, 0, 10, 1);
	sized(EXTENTS_RESIZE, 3, 4, 6);
	run(run(add(EXTENTS_LOOK, 5, 6), 0, 6, 1), 6, 4, ZERO);
	sized(EXTENTS_SIZE, 7, 8, 6);
	sized(EXTENTS_RESIZE, 9, 10, 20);
	sized(EXTENTS_SIZE, 11, 12, 20);
	look(13, 14, 6, 14, ZERO);
	assert_true(judge());
	/* The tail of the last chunk stays. */
	start(4);
	change(1, 2, 0, 10, 1);
	sized(EXTENTS_RESIZE, 3, 4, 6);
	run(run(add(EXTENTS_LOOK, 5, 6), 0, 8, 1), 8, 2, ZERO);
	assert_false(judge());
	/* A growth that left nothing; one that was forgotten. */
	start(4);
	change(1, 2, 0, 3, 1);
	sized(EXTENTS_RESIZE, 3, 4, 20);
	sized(EXTENTS_SIZE, 5, 6, 3);
	assert_false(judge());
	/* Someone else may have been quicker. */
	start(4);
	sized(EXTENTS_RESIZE, 3, 10, 20);
	change(4, 9, 30, 3, 1);
	change(11, 12, 20, 20, HOLE);
	sized(EXTENTS_SIZE, 13, 14, 0);
	assert_true(judge());
	/* What a resize of unknown outcome cut off may not return. */
	start(0);
	change(1, 2, 0, 10, 1);
	sized(EXTENTS_RESIZE, 3, NEVER, 6);
	look(5, 6, 6, 4, 1);
	look(7, 8, 6, 4, ZERO);
	assert_true(judge());
	start(0);
	change(1, 2, 0, 10, 1);
	sized(EXTENTS_RESIZE, 3, NEVER, 6);
	look(5, 6, 6, 4, ZERO);
	look(7, 8, 6, 4, 1);
	assert_false(judge());
	/* The data before the end stays. */
	start(0);
	change(1, 2, 0, 10, 1);
	sized(EXTENTS_RESIZE, 3, 4, 6);
	look(5, 6, 0, 4, ZERO);
	assert_false(judge());
}

static void
test_data_and_holes(void **state)
{
	(void)state;
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 4, 4, 2, HOLE);
	run(run(run(add(EXTENTS_LOOK, 5, 6), 0, 4, DATA), 4, 2, HOLE), 6, 4, DATA);
	look(7, 8, 10, ENDLESS, HOLE);
	assert_true(judge());
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 4, 4, 2, HOLE);
	look(5, 6, 4, 1, DATA);
	assert_false(judge());
	start(0);
	look(5, 6, 4, 1, DATA);
	assert_false(judge());
	/* The whole object was punched; a late write is another matter. */
	start(4);
	change(1, 2, 0, 10, 1);
	change(3, 4, 0, ENDLESS, HOLE);
	look(5, 6, 0, 10, ZERO);
	assert_true(judge());
	start(4);
	change(1, 2, 0, 10, 1);
	change(3, 4, 0, ENDLESS, HOLE);
	look(5, 6, 8, 1, 1);
	assert_false(judge());
}

static void
test_huge(void **state)
{
	uint64_t base = UINT64_C(1) << 63;

	(void)state;
	start(7);
	change(1, 2, base - 3, 10, 1);
	look(3, 4, base - 3, 10, 1);
	sized(EXTENTS_SIZE, 5, 6, base + 7);
	assert_true(judge());
	start(7);
	change(1, 2, base - 3, 10, 1);
	sized(EXTENTS_SIZE, 5, 6, base + 6);
	assert_false(judge());
}

/* ------------------------------------------------ where acknowledged writes may be lost */

static void
test_known(void **state)
{
	(void)state;
	start(0);
	change(1, 2, 0, 10, 1);
	change(3, 4, 0, 10, 2);
	look(5, 6, 0, 10, 1);
	look(7, 8, 0, 10, ZERO);
	assert_true(known());
	start(0);
	change(1, 2, 0, 10, 1);
	look(5, 6, 5, 6, 1);
	assert_false(known());
	start(0);
	look(5, 6, 5, 6, 1);
	change(7, 8, 0, 20, 1);
	assert_false(known());
	start(0);
	change(1, 2, 0, 20, 2);
	look(5, 6, 5, 6, 1);
	assert_false(known());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overwrites),
		cmocka_unit_test(test_lost_to_a_hole),
		cmocka_unit_test(test_order_of_reads),
		cmocka_unit_test(test_atomic),
		cmocka_unit_test(test_lines_and_groups),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_resizes),
		cmocka_unit_test(test_data_and_holes),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
