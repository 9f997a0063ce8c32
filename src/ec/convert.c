/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Turning the log of partial writes of a stripe into parity. The code is linear: parity is the sum
 * of what each piece of data adds, so pieces are added one by one, in any number and size, and what
 * is nowhere counts as zeros.
 */
#include "ec/private.h"

/* The records of a stripe; the last one of an array ends early. */
static int
stripe_extent(const struct ec_layout *layout, uint64_t stripe, struct ec_extent *ret_extent)
{
	uint64_t start;

	if (stripe > (EC_RECORDS - 1) / layout->stripe_records)
		return error_raise(-DER_INVAL, "stripe %llu lies behind the end of any array",
				   (unsigned long long)stripe);
	start = stripe * layout->stripe_records;
	*ret_extent = (struct ec_extent){start, min_of(layout->stripe_records, EC_RECORDS - start)};
	return 0;
}

/* Whether next is not empty, and lies in the stripe at or behind `from`. */
static int
order_check(struct ec_extent stripe, uint64_t from, struct ec_extent next)
{
	uint64_t left;

	if (next.start < from || next.start - stripe.start >= stripe.count || next.count == 0)
		left = 0;
	else
		left = stripe.count - (next.start - stripe.start);
	if (left == 0 || next.count > left)
		return error_raise(
			-DER_INVAL,
			"%llu records from %llu on: empty, not in order, or not in the stripe",
			(unsigned long long)next.count, (unsigned long long)next.start);
	return 0;
}

/* The log's extents are in order; ret_changed: the cells they touch, ret_records: their records. */
static int
log_measure(const struct ec_layout *layout, struct ec_extent stripe, const struct ec_log *log,
	    uint32_t *ret_changed, uint64_t *ret_records)
{
	uint64_t from = stripe.start, records = 0;
	uint32_t changed = 0;

	for (uint32_t i = 0; i < log->count; i++) {
		struct ec_extent extent = log->extents[i];
		uint64_t first, last;
		int rc = order_check(stripe, from, extent);

		if (rc)
			return rc;
		first = (extent.start - stripe.start) / layout->cell_records;
		from = extent.start + extent.count;
		last = (from - 1 - stripe.start) / layout->cell_records;
		changed |= (2u << last) - (1u << first);
		records += extent.count;
	}
	*ret_changed = changed;
	*ret_records = records;
	return 0;
}

static enum ec_method
method_choose(const struct ec_layout *layout, const struct ec_log *log, uint32_t changed,
	      bool complete)
{
	if (!log->has_parity || complete)
		return EC_METHOD_ENCODE;
	if ((uint32_t)__builtin_popcount(changed) * 2 < layout->class.data)
		return EC_METHOD_UPDATE;
	return EC_METHOD_REENCODE;
}

static bool
fetch_append(struct ec_extent *fetch, uint32_t limit, struct ec_extent extent, uint32_t *count)
{
	if (extent.count == 0)
		return true;
	if (*count == limit)
		return false;
	fetch[(*count)++] = extent;
	return true;
}

/* What lies between the logged extents. */
static bool
fetch_gaps(struct ec_extent stripe, const struct ec_log *log, struct ec_extent *fetch,
	   uint32_t limit, uint32_t *count)
{
	uint64_t from = stripe.start, end = stripe.start + stripe.count;

	for (uint32_t i = 0; i < log->count; i++) {
		struct ec_extent gap = {from, log->extents[i].start - from};

		if (!fetch_append(fetch, limit, gap, count))
			return false;
		from = log->extents[i].start + log->extents[i].count;
	}
	return fetch_append(fetch, limit, (struct ec_extent){from, end - from}, count);
}

int
ec_plan_conversion(const struct ec_layout *layout, const struct ec_log *log,
		   struct ec_extent *fetch, uint32_t limit, struct ec_plan *ret_plan)
{
	struct ec_plan plan = {0};
	struct ec_extent stripe;
	uint64_t records;
	bool enough = true;
	int rc = stripe_extent(layout, log->stripe, &stripe);

	if (rc == 0)
		rc = log_measure(layout, stripe, log, &plan.changed, &records);
	if (rc)
		return rc;
	plan.method = method_choose(layout, log, plan.changed, records == stripe.count);
	if (plan.method == EC_METHOD_REENCODE)
		enough = fetch_gaps(stripe, log, fetch, limit, &plan.fetch_count);
	else if (plan.method == EC_METHOD_UPDATE)
		for (uint32_t i = 0; i < log->count && enough; i++)
			enough = fetch_append(fetch, limit, log->extents[i], &plan.fetch_count);
	if (!enough)
		return error_raise(-DER_OVERFLOW, "a conversion fetches more than %u extents",
				   limit);
	*ret_plan = plan;
	return 0;
}

static int
conversion_check(const struct ec_code *code, const struct ec_layout *layout,
		 const struct ec_conversion *conversion)
{
	struct ec_extent stripe;
	uint64_t from;
	int rc = stripe_extent(layout, conversion->stripe, &stripe);

	if (rc)
		return rc;
	if (!class_equal(layout->class, code->class))
		return error_raise(-DER_INVAL, "the layout and the code are of different classes");
	from = stripe.start;
	for (uint32_t i = 0; i < conversion->count; i++) {
		struct ec_extent extent = conversion->contents[i].extent;

		rc = order_check(stripe, from, extent);
		if (rc)
			return rc;
		from = extent.start + extent.count;
	}
	return 0;
}

/* Adds what one content changes, cell by cell. */
static int
content_add(struct ec_code *code, const struct ec_layout *layout, const struct ec_content *content,
	    bool update, uint8_t *const *parity)
{
	const uint8_t *before = update ? content->before : NULL, *after = content->after;
	uint8_t *to[EC_PARITY_MAX];
	struct ec_walk walk;
	struct ec_piece piece;
	int rc = ec_walk_start(&walk, layout, content->extent);

	while (rc == 0 && ec_walk_next(&walk, &piece)) {
		size_t offset = piece.offset * layout->record_size;
		size_t within = piece.position.record * layout->record_size;

		for (uint32_t i = 0; i < code->class.parity; i++)
			to[i] = parity[i] ? parity[i] + within : NULL;
		rc = ec_update(code, piece.position.cell, piece.count * layout->record_size,
			       before ? before + offset : NULL, after ? after + offset : NULL, to);
	}
	return rc;
}

int
ec_convert(struct ec_code *code, const struct ec_layout *layout,
	   const struct ec_conversion *conversion, uint8_t *const *parity)
{
	bool update = conversion->method == EC_METHOD_UPDATE;
	int rc = conversion_check(code, layout, conversion);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < code->class.parity && !update; i++)
		if (parity[i])
			memset(parity[i], 0, layout->cell_bytes);
	for (uint32_t i = 0; i < conversion->count && rc == 0; i++)
		rc = content_add(code, layout, &conversion->contents[i], update, parity);
	return rc;
}
