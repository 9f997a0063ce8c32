/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Power cuts under changes of values: see bed.h. */
#include "bed.h"

/* ------------------------------------------------ single values */

static void
one_single(struct crash_bed *bed)
{
	put_single(bed, 1, "dkey", "value", 500, 1);
	put_single(bed, 1, "dkey", "other", 20, 2);
}

static void
insert_single(struct crash_bed *bed, uint32_t number)
{
	put_single(bed, 2 + number, "dkey", "value", 100 + number * 900, 3 + number);
}

static void
overwrite_single(struct crash_bed *bed, uint32_t number)
{
	put_single(bed, 1, "dkey", "value", 40 + number * 1000, 4 + number);
}

static void
single_to_hole(struct crash_bed *bed, uint32_t number)
{
	struct vos_change change = {.epoch = EPOCH_OF(++bed->epoch)};
	struct vos_object name = object_of(1);
	struct vos_akey akey = {.key = text_key(number ? "other" : "value"), .type = VOS_SINGLE};

	CHECK_EQUAL(vos_update(bed->container, &name, text_key("dkey"), &akey, 1, &change,
			       &bed->group),
		    0);
}

/* In blocks of the data space: inside the log record, and in place. */
static void
large_single(struct crash_bed *bed, uint32_t number)
{
	put_single(bed, 1, "dkey", "value", number ? 300000 : 20000, 7 + number);
}

/* ------------------------------------------------ arrays */

static void
one_array(struct crash_bed *bed)
{
	put_array(bed, 1, "dkey", "array", 1000, 3000, 1);
	put_array(bed, 1, "dkey", "array", 6000, 1000, 2);
}

static void
array_new(struct crash_bed *bed, uint32_t number)
{
	put_array(bed, 3, "dkey", "array", number * 5000, 700, 3 + number);
}

static void
array_middle(struct crash_bed *bed, uint32_t number)
{
	put_array(bed, 1, "dkey", "array", 2000 + number * 100, 300, 3 + number);
}

static void
array_begin(struct crash_bed *bed, uint32_t number)
{
	put_array(bed, 1, "dkey", "array", 500 + number * 300, 900, 3 + number);
}

static void
array_end(struct crash_bed *bed, uint32_t number)
{
	put_array(bed, 1, "dkey", "array", 3500 + number * 300, 900, 3 + number);
}

static void
array_spanning(struct crash_bed *bed, uint32_t number)
{
	put_array(bed, 1, "dkey", "array", 500 - number * 500, 7000 + number * 500, 3 + number);
}

static void
array_hole(struct crash_bed *bed, uint32_t number)
{
	put_hole(bed, 1, "dkey", "array", number ? 0 : 2000, number ? 10000 : 500);
}

static void
array_in_place(struct crash_bed *bed, uint32_t number)
{
	put_array(bed, 1, "dkey", "array", number * 70000, 150000, 5 + number);
}

static void
array_across_pieces(struct crash_bed *bed, uint32_t number)
{
	/* Offsets beyond 2^32 and with the top bit, off every boundary of pieces. */
	put_array(bed, 1, "dkey", "array", number ? UINT64_C(1) << 63 : (UINT64_C(1) << 32) - 77,
		  5001, 5 + number);
}

static void
values(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("single value: insert", one_single, insert_single, 2, .history = true),
		KIND("single value: overwrite", one_single, overwrite_single, 3, .history = true),
		KIND("single value: punched by an update", one_single, single_to_hole, 2,
		     .history = true),
		KIND("single value: large", one_single, large_single, 2, .history = true),
		KIND("array: new", one_array, array_new, 3, .history = true),
		KIND("array: overwrite in the middle", one_array, array_middle, 3, .history = true),
		KIND("array: overwrite at the begin", one_array, array_begin, 2, .history = true),
		KIND("array: overwrite at the end", one_array, array_end, 2, .history = true),
		KIND("array: overwrite of several extents", one_array, array_spanning, 2,
		     .history = true),
		KIND("array: hole", one_array, array_hole, 2, .history = true),
		KIND("array: large payload in place", one_array, array_in_place, 3, .history = true,
		     .inline_limit = 4096),
		KIND("array: far offsets", one_array, array_across_pieces, 2, .history = true),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(values)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
