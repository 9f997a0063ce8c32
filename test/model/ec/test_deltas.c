/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * One stripe is written in part, again and again. Its parity is carried along by differences and by
 * conversions of logs, on copies that miss some parities too, and must always be what encoding the
 * whole stripe gives.
 */
#include "model.h"

#define LOG_MAX 12u

struct stand {
	struct model model;
	struct arena *arena;
	struct ec_code *code;
	struct ec_layout layout;
	uint64_t stripe;
	uint8_t *content;		/* the stripe now */
	uint8_t *old;			/* as the parity knows it */
	uint8_t *parity[EC_PARITY_MAX]; /* carried along */
	uint8_t *fresh[EC_PARITY_MAX];	/* encoded anew */
	bool has_parity;
	uint64_t methods[3]; /* how often each was chosen */
};

static size_t
stripe_bytes(const struct stand *stand)
{
	return stand->layout.stripe_records * stand->layout.record_size;
}

static void
stand_open(struct stand *stand)
{
	struct ec_class class = draw_class(&stand->model);
	uint64_t record_size = 1 + draw(&stand->model, draw(&stand->model, 2) ? 8 : 1500);

	assert_int_equal(ec_code_create(stand->arena, class, &stand->code), 0);
	assert_int_equal(ec_layout_init(&stand->layout, class,
					EC_CELL_SIZE_MIN + draw(&stand->model, 3000), record_size),
			 0);
	stand->stripe = draw(&stand->model, 2) ? draw(&stand->model, 100)
					       : EC_RECORDS / stand->layout.stripe_records - 1;
	stand->has_parity = false;
	stand->content = calloc(1, stripe_bytes(stand));
	stand->old = calloc(1, stripe_bytes(stand));
	for (uint32_t i = 0; i < EC_PARITY_MAX; i++) {
		stand->parity[i] = malloc(stand->layout.cell_bytes);
		stand->fresh[i] = malloc(stand->layout.cell_bytes);
		/* A first conversion must overwrite whatever is there. */
		draw_bytes(&stand->model, stand->parity[i], stand->layout.cell_bytes);
	}
}

static void
stand_close(struct stand *stand)
{
	ec_code_destroy(stand->code);
	free(stand->content);
	free(stand->old);
	for (uint32_t i = 0; i < EC_PARITY_MAX; i++) {
		free(stand->parity[i]);
		free(stand->fresh[i]);
	}
}

static void
check_parity(struct stand *stand)
{
	uint8_t *data[EC_DATA_MAX];
	size_t cell = stand->layout.cell_bytes;

	for (uint32_t i = 0; i < stand->layout.class.data; i++)
		data[i] = stand->content + i * cell;
	assert_int_equal(ec_encode(stand->code, cell, data, stand->fresh), 0);
	for (uint32_t j = 0; j < stand->layout.class.parity; j++) {
		size_t offset = draw(&stand->model, cell);

		assert_memory_equal(stand->parity[j], stand->fresh[j], cell);
		assert_int_equal(stand->parity[j][offset],
				 naive_parity(stand->layout.class, data, offset, j));
	}
}

/* Ascending extents of the stripe, few or many, sometimes all of it. */
static uint32_t
draw_extents(struct stand *stand, struct ec_extent *extents)
{
	uint64_t start = stand->stripe * stand->layout.stripe_records, at = 0;
	uint64_t records = stand->layout.stripe_records;
	uint32_t count = 0, limit = 1 + (uint32_t)draw(&stand->model, LOG_MAX);

	if (draw(&stand->model, 8) == 0)
		at = draw(&stand->model, records);
	while (count < limit && at < records) {
		uint64_t gap = draw(&stand->model, 3) ? draw(&stand->model, records / limit + 1)
						      : 0;
		uint64_t length = 1 + draw(&stand->model, records / limit + 1);

		if (gap >= records - at)
			break;
		at += gap;
		length = min_of(length, records - at);
		extents[count++] = (struct ec_extent){start + at, length};
		at += length;
	}
	if (draw(&stand->model, 12) == 0) {
		extents[0] = (struct ec_extent){start, records};
		count = 1;
	}
	return count;
}

static size_t
offset_of(const struct stand *stand, struct ec_extent extent)
{
	return (extent.start - stand->stripe * stand->layout.stripe_records) *
	       stand->layout.record_size;
}

static void
write_extents(struct stand *stand, const struct ec_extent *extents, uint32_t count, bool *holes)
{
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *bytes = stand->content + offset_of(stand, extents[i]);
		size_t length = extents[i].count * stand->layout.record_size;

		holes[i] = draw(&stand->model, 6) == 0;
		if (holes[i])
			memset(bytes, 0, length);
		else
			draw_bytes(&stand->model, bytes, length);
	}
}

static struct ec_content
content_of(const struct stand *stand, struct ec_extent extent, bool hole, bool fetched)
{
	size_t offset = offset_of(stand, extent);

	return (struct ec_content){.extent = extent,
				   .before = fetched ? stand->old + offset : NULL,
				   .after = hole ? NULL : stand->content + offset};
}

/* The logged and the fetched extents, in order. */
static uint32_t
contents_merge(const struct stand *stand, const struct ec_log *log, const bool *holes,
	       const struct ec_extent *fetch, const struct ec_plan *plan,
	       struct ec_content *contents)
{
	uint32_t count = 0, next = 0;

	for (uint32_t i = 0; i < log->count; i++) {
		bool update = plan->method == EC_METHOD_UPDATE;

		while (!update && next < plan->fetch_count &&
		       fetch[next].start < log->extents[i].start)
			contents[count++] = content_of(stand, fetch[next++], false, false);
		if (update) {
			assert_int_equal(fetch[i].start, log->extents[i].start);
			assert_int_equal(fetch[i].count, log->extents[i].count);
			next++;
		}
		contents[count++] = content_of(stand, log->extents[i], holes[i], update);
	}
	while (next < plan->fetch_count)
		contents[count++] = content_of(stand, fetch[next++], false, false);
	return count;
}

static void
check_method(struct stand *stand, const struct ec_log *log, const struct ec_plan *plan)
{
	uint64_t records = 0;
	uint32_t changed = 0;

	for (uint32_t i = 0; i < log->count; i++) {
		struct ec_piece piece;
		struct ec_walk walk;

		assert_int_equal(ec_walk_start(&walk, &stand->layout, log->extents[i]), 0);
		while (ec_walk_next(&walk, &piece))
			changed |= 1u << piece.position.cell;
		records += log->extents[i].count;
	}
	assert_int_equal(plan->changed, changed);
	if (!log->has_parity || records == stand->layout.stripe_records)
		assert_int_equal(plan->method, EC_METHOD_ENCODE);
	else if ((uint32_t)__builtin_popcount(changed) * 2 < stand->layout.class.data)
		assert_int_equal(plan->method, EC_METHOD_UPDATE);
	else
		assert_int_equal(plan->method, EC_METHOD_REENCODE);
	stand->methods[plan->method]++;
}

/* Each parity by a conversion of its own where that is possible, or all by one. */
static void
convert(struct stand *stand, const struct ec_conversion *conversion)
{
	uint8_t *some[EC_PARITY_MAX] = {NULL};
	uint32_t count = stand->layout.class.parity, first = (uint32_t)draw(&stand->model, count);

	if (draw(&stand->model, 2)) {
		assert_int_equal(ec_convert(stand->code, &stand->layout, conversion, stand->parity),
				 0);
		return;
	}
	some[first] = stand->parity[first];
	assert_int_equal(ec_convert(stand->code, &stand->layout, conversion, some), 0);
	memcpy(some, stand->parity, sizeof(some));
	some[first] = NULL;
	assert_int_equal(ec_convert(stand->code, &stand->layout, conversion, some), 0);
}

static void
convert_log(struct stand *stand)
{
	struct ec_extent extents[LOG_MAX + 1], fetch[LOG_MAX + 2];
	struct ec_content contents[2 * LOG_MAX + 3];
	struct ec_conversion conversion = {.stripe = stand->stripe, .contents = contents};
	struct ec_log log = {
		.stripe = stand->stripe, .has_parity = stand->has_parity, .extents = extents};
	bool holes[LOG_MAX + 1];
	struct ec_plan plan;

	log.count = draw_extents(stand, extents);
	write_extents(stand, extents, log.count, holes);
	assert_int_equal(ec_plan_conversion(&stand->layout, &log, fetch, log.count + 1, &plan), 0);
	check_method(stand, &log, &plan);
	conversion.method = plan.method;
	conversion.count = contents_merge(stand, &log, holes, fetch, &plan, contents);
	convert(stand, &conversion);
	stand->has_parity = true;
}

/* One cell changes; the parities learn it as a difference. */
static void
update_cell(struct stand *stand)
{
	size_t cell_bytes = stand->layout.cell_bytes, offset = draw(&stand->model, cell_bytes);
	size_t length = draw(&stand->model, cell_bytes - offset + 1), at;
	uint32_t cell = (uint32_t)draw(&stand->model, stand->layout.class.data);
	uint8_t *to[EC_PARITY_MAX], *difference;

	at = cell * cell_bytes + offset;
	draw_bytes(&stand->model, stand->content + at, length);
	for (uint32_t j = 0; j < EC_PARITY_MAX; j++)
		to[j] = stand->parity[j] + offset;
	if (draw(&stand->model, 2)) {
		assert_int_equal(ec_update(stand->code, cell, length, stand->old + at,
					   stand->content + at, to),
				 0);
		return;
	}
	difference = malloc(length + 1);
	ec_difference(stand->old + at, stand->content + at, length, difference);
	assert_int_equal(ec_apply(stand->code, cell, length, difference, to), 0);
	free(difference);
}

static void
deltas_equal_encoding(void **state)
{
	struct stand *stand = *state;

	while (model_goes_on(&stand->model, 95)) {
		stand_open(stand);
		for (uint32_t round = 0; round < 12; round++) {
			if (round == 0 || draw(&stand->model, 2))
				convert_log(stand);
			else
				update_cell(stand);
			check_parity(stand);
			memcpy(stand->old, stand->content, stripe_bytes(stand));
		}
		stand_close(stand);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(stand->methods); i++)
		assert_true(stand->methods[i] > 0);
	printf("%llu stripes: %llu logs encoded, %llu re-encoded, %llu as updates\n",
	       (unsigned long long)stand->model.rounds - 1,
	       (unsigned long long)stand->methods[EC_METHOD_ENCODE],
	       (unsigned long long)stand->methods[EC_METHOD_REENCODE],
	       (unsigned long long)stand->methods[EC_METHOD_UPDATE]);
}

static int
setup(void **state)
{
	static struct stand stand;

	model_init(&stand.model);
	stand.arena = arena_create(0);
	*state = &stand;
	return stand.arena ? 0 : -1;
}

static int
teardown(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(arena_used(stand->arena), 0);
	arena_destroy(stand->arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deltas_equal_encoding),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
