/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Cells and stripes: values by hand, both ends of the range, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ec/ec.h"

static struct ec_layout
layout_of(uint32_t data, uint32_t parity, uint64_t cell_size, uint64_t record_size)
{
	struct ec_layout layout;

	assert_int_equal(ec_layout_init(&layout, (struct ec_class){data, parity}, cell_size,
					record_size),
			 0);
	return layout;
}

static void
cells_hold_whole_records(void **state)
{
	struct ec_layout layout = layout_of(4, 2, 65536, 1);

	(void)state;
	assert_int_equal(layout.cell_records, 65536);
	assert_int_equal(layout.stripe_records, 4 * 65536);
	layout = layout_of(4, 2, 1024, 100);
	assert_int_equal(layout.cell_records, 10);
	assert_int_equal(layout.cell_bytes, 1000);
	layout = layout_of(4, 2, 1024, 1024);
	assert_int_equal(layout.cell_records, 1);
	/* A record larger than the cell is a cell of its own. */
	layout = layout_of(4, 2, 1024, 5000);
	assert_int_equal(layout.cell_records, 1);
	assert_int_equal(layout.cell_bytes, 5000);
	assert_int_equal(layout.stripe_records, 4);
	layout = layout_of(16, 3, EC_CELL_SIZE_MAX, 1);
	assert_int_equal(layout.stripe_records, (uint64_t)1 << 34);
}

static void
wrong_sizes_are_refused(void **state)
{
	struct ec_class class = {4, 2};
	struct ec_layout layout = {.record_size = 7};

	(void)state;
	assert_int_equal(ec_layout_init(&layout, class, 1023, 1), -DER_INVAL);
	assert_int_equal(ec_layout_init(&layout, class, 0, 1), -DER_INVAL);
	assert_int_equal(ec_layout_init(&layout, class, EC_CELL_SIZE_MAX + 1, 1), -DER_INVAL);
	assert_int_equal(ec_layout_init(&layout, class, UINT64_MAX, 1), -DER_INVAL);
	assert_int_equal(ec_layout_init(&layout, class, 1024, 0), -DER_INVAL);
	assert_int_equal(ec_layout_init(&layout, class, 1024, EC_CELL_SIZE_MAX + 1), -DER_REC2BIG);
	assert_int_equal(ec_layout_init(&layout, class, 1024, UINT64_MAX), -DER_REC2BIG);
	assert_int_equal(layout.record_size, 7);
}

static void
places_by_hand(void **state)
{
	struct ec_layout layout = layout_of(4, 2, 1024, 100);
	struct ec_position position;
	uint64_t record;

	(void)state;
	/* Stripes of 40 records, cells of 10: record 87 is in stripe 2, cell 0, 7. */
	assert_int_equal(ec_locate(&layout, 87, &position), 0);
	assert_int_equal(position.stripe, 2);
	assert_int_equal(position.cell, 0);
	assert_int_equal(position.record, 7);
	assert_int_equal(position.place, 27);
	assert_int_equal(ec_record_at(&layout, 3, 27, &record), 0);
	assert_int_equal(record, 117);
	assert_int_equal(ec_record_at(&layout, 4, 0, &record), -DER_INVAL);
}

static void
the_end_of_all_arrays(void **state)
{
	struct ec_layout layout = layout_of(16, 3, EC_CELL_SIZE_MAX, 1);
	struct ec_position position;
	struct ec_extent extent;
	uint64_t record;

	(void)state;
	assert_int_equal(ec_locate(&layout, EC_RECORDS - 1, &position), 0);
	assert_int_equal(position.stripe, ((uint64_t)1 << 29) - 1);
	assert_int_equal(position.cell, 15);
	assert_int_equal(ec_record_at(&layout, 15, position.place, &record), 0);
	assert_int_equal(record, EC_RECORDS - 1);
	assert_int_equal(ec_locate(&layout, EC_RECORDS, &position), -DER_INVAL);
	assert_int_equal(ec_locate(&layout, UINT64_MAX, &position), -DER_INVAL);
	assert_int_equal(ec_record_at(&layout, 0, position.place + 1, &record), -DER_INVAL);
	assert_int_equal(ec_record_at(&layout, 0, UINT64_MAX, &record), -DER_INVAL);
	assert_int_equal(ec_array_end(&layout, 0, UINT64_MAX, &record), -DER_INVAL);
	assert_int_equal(ec_parity_extent(&layout, ((uint64_t)1 << 29) - 1, 1, &extent), 0);
	assert_true(ec_is_parity(extent.start));
	assert_int_equal(ec_parity_stripe(&layout, extent.start), ((uint64_t)1 << 29) - 1);
	assert_int_equal(extent.count, EC_CELL_SIZE_MAX);
	assert_int_equal(ec_parity_extent(&layout, (uint64_t)1 << 29, 1, &extent), -DER_INVAL);
	assert_int_equal(ec_parity_extent(&layout, 1, UINT64_MAX, &extent), -DER_INVAL);

	/* With 3 data cells the last stripe is cut off. */
	layout = layout_of(3, 1, 1024, 1);
	assert_int_equal(ec_locate(&layout, EC_RECORDS - 1, &position), 0);
	assert_int_equal(position.stripe, (EC_RECORDS - 1) / 3072);
	assert_int_equal(ec_shard_end(&layout, EC_RECORDS, position.cell), position.place + 1);
	assert_int_equal(ec_array_end(&layout, position.cell, position.place + 1, &record), 0);
	assert_int_equal(record, EC_RECORDS);
	assert_int_equal(ec_record_at(&layout, position.cell, position.place + 1, &record),
			 -DER_INVAL);
}

static void
extents_beyond_the_end_are_refused(void **state)
{
	static const struct ec_extent wrong[] = {
		{EC_RECORDS, 1}, {EC_RECORDS - 1, 2}, {1, UINT64_MAX},
		{UINT64_MAX, 1}, {UINT64_MAX, 0},
	};
	struct ec_layout layout = layout_of(8, 2, 4096, 8);
	struct ec_vector vector = {NULL, 0};
	struct iovec slice[1];
	struct ec_split split;
	struct ec_walk walk;
	uint32_t count;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(ec_extent_check(wrong[i]), -DER_INVAL);
		assert_int_equal(ec_extent_split(&layout, wrong[i], &split), -DER_INVAL);
		assert_int_equal(ec_walk_start(&walk, &layout, wrong[i]), -DER_INVAL);
		assert_int_equal(ec_gather(&layout, wrong[i], 0, vector, slice, 1, &count),
				 -DER_INVAL);
	}
	assert_int_equal(ec_extent_check((struct ec_extent){0, EC_RECORDS}), 0);
	assert_int_equal(ec_extent_check((struct ec_extent){EC_RECORDS, 0}), 0);
}

static void
check_split(uint64_t start, uint64_t count, uint64_t head, uint64_t full, uint64_t tail)
{
	struct ec_layout layout = layout_of(4, 2, 1024, 100);
	struct ec_split split;

	assert_int_equal(ec_extent_split(&layout, (struct ec_extent){start, count}, &split), 0);
	assert_int_equal(split.head.count, head);
	assert_int_equal(split.full.count, full);
	assert_int_equal(split.tail.count, tail);
}

static void
splits_by_hand(void **state)
{
	struct ec_layout layout = layout_of(4, 2, 1024, 100);
	struct ec_split split;

	(void)state;
	check_split(0, 40, 0, 40, 0);
	check_split(40, 120, 0, 120, 0);
	check_split(0, 39, 0, 0, 39);
	check_split(1, 38, 38, 0, 0);
	check_split(1, 39, 39, 0, 0);
	check_split(1, 40, 39, 0, 1);
	check_split(39, 42, 1, 40, 1);
	check_split(5, 0, 0, 0, 0);
	assert_int_equal(ec_extent_split(&layout, (struct ec_extent){0, EC_RECORDS}, &split), 0);
	assert_int_equal(split.full.count, EC_RECORDS / 40 * 40);
	assert_int_equal(split.tail.count, EC_RECORDS % 40);
}

static void
ends_by_hand(void **state)
{
	struct ec_layout layout = layout_of(4, 2, 1024, 100);
	uint64_t end;

	(void)state;
	/* 65 records: a stripe, and 25 more: two cells and a half. */
	assert_int_equal(ec_shard_end(&layout, 65, 0), 20);
	assert_int_equal(ec_shard_end(&layout, 65, 1), 20);
	assert_int_equal(ec_shard_end(&layout, 65, 2), 15);
	assert_int_equal(ec_shard_end(&layout, 65, 3), 10);
	assert_int_equal(ec_array_end(&layout, 2, 15, &end), 0);
	assert_int_equal(end, 65);
	assert_int_equal(ec_array_end(&layout, 3, 0, &end), 0);
	assert_int_equal(end, 0);
	assert_int_equal(ec_array_end(&layout, 4, 1, &end), -DER_INVAL);
}

static void
gathering_says_when_it_has_no_room(void **state)
{
	struct ec_layout layout = layout_of(2, 1, 1024, 1);
	uint8_t bytes[8192];
	struct iovec whole = {bytes, sizeof(bytes)}, slice[4];
	struct ec_extent extent = {0, sizeof(bytes)};
	struct ec_vector vector = {&whole, 1};
	uint32_t count = 77;

	(void)state;
	assert_int_equal(ec_gather(&layout, extent, 1, vector, slice, 3, &count), -DER_OVERFLOW);
	assert_int_equal(count, 77);
	assert_int_equal(ec_gather(&layout, extent, 1, vector, slice, 4, &count), 0);
	assert_int_equal(count, 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_ptr_equal(slice[i].iov_base, bytes + 2048 * i + 1024);
		assert_int_equal(slice[i].iov_len, 1024);
	}
	assert_int_equal(ec_gather(&layout, extent, 2, vector, slice, 4, &count), -DER_INVAL);
	whole.iov_len--;
	assert_int_equal(ec_gather(&layout, extent, 1, vector, slice, 4, &count), -DER_IO_INVAL);
	/* More bytes than there can be. */
	layout = layout_of(2, 1, 1024, 1000);
	extent.count = EC_RECORDS;
	assert_int_equal(ec_gather(&layout, extent, 1, vector, slice, 4, &count), -DER_IO_INVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_hold_whole_records),
		cmocka_unit_test(wrong_sizes_are_refused),
		cmocka_unit_test(places_by_hand),
		cmocka_unit_test(the_end_of_all_arrays),
		cmocka_unit_test(extents_beyond_the_end_are_refused),
		cmocka_unit_test(splits_by_hand),
		cmocka_unit_test(ends_by_hand),
		cmocka_unit_test(gathering_says_when_it_has_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
