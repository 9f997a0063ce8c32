/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Cells and stripes. Indexes are below 2^63 and a stripe has at most 2^34 records, so that no sum
 * here exceeds 64 bits.
 */
#include <assert.h>

#include "ec/private.h"

static_assert(EC_CELL_SIZE_MAX * EC_DATA_MAX < EC_RECORDS, "a stripe fits below the parity bit");

int
ec_layout_init(struct ec_layout *layout, struct ec_class class, uint64_t cell_size,
	       uint64_t record_size)
{
	uint64_t records;
	int rc = ec_class_check(class);

	if (rc)
		return rc;
	if (cell_size < EC_CELL_SIZE_MIN || cell_size > EC_CELL_SIZE_MAX)
		return error_raise(-DER_INVAL, "a cell of %llu bytes: allowed are 1 KiB to 1 GiB",
				   (unsigned long long)cell_size);
	if (record_size == 0)
		return error_raise(-DER_INVAL, "records of 0 bytes");
	if (record_size > EC_CELL_SIZE_MAX)
		return error_raise(-DER_REC2BIG, "records of %llu bytes: allowed is 1 GiB",
				   (unsigned long long)record_size);
	records = max_of(cell_size / record_size, (uint64_t)1);
	*layout = (struct ec_layout){.class = class,
				     .record_size = record_size,
				     .cell_records = records,
				     .cell_bytes = records * record_size,
				     .stripe_records = records * class.data};
	return 0;
}

int
ec_extent_check(struct ec_extent extent)
{
	if (extent.start > EC_RECORDS || extent.count > EC_RECORDS - extent.start)
		return error_raise(-DER_INVAL,
				   "%llu records from %llu on: an array ends before 2^63",
				   (unsigned long long)extent.count,
				   (unsigned long long)extent.start);
	return 0;
}

static struct ec_position
position_of(const struct ec_layout *layout, uint64_t record)
{
	uint64_t within = record % layout->stripe_records;
	struct ec_position position = {.stripe = record / layout->stripe_records,
				       .cell = (uint32_t)(within / layout->cell_records),
				       .record = within % layout->cell_records};

	position.place = position.stripe * layout->cell_records + position.record;
	return position;
}

int
ec_locate(const struct ec_layout *layout, uint64_t record, struct ec_position *ret_position)
{
	if (record >= EC_RECORDS)
		return error_raise(-DER_INVAL, "record %llu: an array ends before 2^63",
				   (unsigned long long)record);
	*ret_position = position_of(layout, record);
	return 0;
}

static int
data_cell_check(const struct ec_layout *layout, uint32_t cell)
{
	if (cell >= layout->class.data)
		return error_raise(-DER_INVAL, "cell %u is none of the %u data cells", cell,
				   layout->class.data);
	return 0;
}

int
ec_record_at(const struct ec_layout *layout, uint32_t cell, uint64_t place, uint64_t *ret_record)
{
	uint64_t stripe = place / layout->cell_records, record;
	int rc = data_cell_check(layout, cell);

	if (rc)
		return rc;
	if (stripe <= EC_RECORDS / layout->stripe_records) {
		record = stripe * layout->stripe_records + cell * layout->cell_records +
			 place % layout->cell_records;
		if (record < EC_RECORDS) {
			*ret_record = record;
			return 0;
		}
	}
	return error_raise(-DER_INVAL, "place %llu of cell %u lies behind the end of any array",
			   (unsigned long long)place, cell);
}

/* Every record of the cell below `end` has its place below the result, and no other record. */
uint64_t
ec_shard_end(const struct ec_layout *layout, uint64_t end, uint32_t cell)
{
	uint64_t within = end % layout->stripe_records, before = cell * layout->cell_records;
	uint64_t last = within <= before ? 0 : min_of(within - before, layout->cell_records);

	return end / layout->stripe_records * layout->cell_records + last;
}

int
ec_array_end(const struct ec_layout *layout, uint32_t cell, uint64_t shard_end, uint64_t *ret_end)
{
	uint64_t record;
	int rc = data_cell_check(layout, cell);

	if (rc)
		return rc;
	if (shard_end == 0) {
		*ret_end = 0;
		return 0;
	}
	rc = ec_record_at(layout, cell, shard_end - 1, &record);
	if (rc)
		return rc;
	*ret_end = record + 1;
	return 0;
}

struct ec_extent
ec_shard_extent(const struct ec_layout *layout, struct ec_extent extent, uint32_t cell)
{
	uint64_t start = ec_shard_end(layout, extent.start, cell);

	return (struct ec_extent){start,
				  ec_shard_end(layout, extent.start + extent.count, cell) - start};
}

int
ec_extent_split(const struct ec_layout *layout, struct ec_extent extent, struct ec_split *ret_split)
{
	uint64_t end = extent.start + extent.count, full_start, full_end;
	int rc = ec_extent_check(extent);

	if (rc)
		return rc;
	full_start = min_of(align_up(extent.start, layout->stripe_records), end);
	full_end = max_of(align_down(end, layout->stripe_records), full_start);
	*ret_split = (struct ec_split){.head = {extent.start, full_start - extent.start},
				       .full = {full_start, full_end - full_start},
				       .tail = {full_end, end - full_end}};
	return 0;
}

int
ec_walk_start(struct ec_walk *walk, const struct ec_layout *layout, struct ec_extent extent)
{
	int rc = ec_extent_check(extent);

	if (rc == 0)
		*walk = (struct ec_walk){.layout = layout, .extent = extent};
	return rc;
}

bool
ec_walk_next(struct ec_walk *walk, struct ec_piece *ret_piece)
{
	uint64_t left = walk->extent.count - walk->done;
	struct ec_piece piece = {.offset = walk->done};

	if (left == 0)
		return false;
	piece.position = position_of(walk->layout, walk->extent.start + walk->done);
	piece.count = min_of(left, walk->layout->cell_records - piece.position.record);
	walk->done += piece.count;
	*ret_piece = piece;
	return true;
}

int
ec_parity_extent(const struct ec_layout *layout, uint64_t stripe, uint64_t count,
		 struct ec_extent *ret_extent)
{
	uint64_t stripes = (EC_RECORDS - 1) / layout->stripe_records + 1;

	if (stripe > stripes || count > stripes - stripe)
		return error_raise(-DER_INVAL, "%llu stripes from %llu on: an array has %llu",
				   (unsigned long long)count, (unsigned long long)stripe,
				   (unsigned long long)stripes);
	*ret_extent = (struct ec_extent){EC_PARITY_BIT | stripe * layout->cell_records,
					 count * layout->cell_records};
	return 0;
}
