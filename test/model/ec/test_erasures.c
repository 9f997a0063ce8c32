/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Every set of erasures that a code must survive is made and repaired: all of them for classes of
 * up to 8 cells, as many as the time allows for larger ones. One erasure more is refused. Buffers
 * have any alignment, and bytes around them must stay.
 */
#include "model.h"

#define LENGTH_MAX 5000u
#define GUARD 96u

struct stripe {
	struct ec_class class;
	size_t length;
	uint8_t *blocks[EC_CELLS_MAX]; /* with guards around */
	uint8_t *cells[EC_CELLS_MAX];
	uint8_t *truth[EC_CELLS_MAX];
};

struct stand {
	struct model model;
	struct arena *arena;
	struct stripe stripe;
	uint64_t sets;
};

static void
stripe_init(struct stripe *stripe)
{
	for (uint32_t i = 0; i < EC_CELLS_MAX; i++) {
		stripe->blocks[i] = malloc(LENGTH_MAX + 3 * GUARD);
		stripe->truth[i] = malloc(LENGTH_MAX);
		assert_true(stripe->blocks[i] && stripe->truth[i]);
	}
}

static void
stripe_fini(struct stripe *stripe)
{
	for (uint32_t i = 0; i < EC_CELLS_MAX; i++) {
		free(stripe->blocks[i]);
		free(stripe->truth[i]);
	}
}

/* Random data at random places, encoded; `truth` is the copy to compare with. */
static void
stripe_fill(struct stand *stand, struct ec_code *code, size_t length)
{
	struct stripe *stripe = &stand->stripe;
	uint32_t cells;

	stripe->class = ec_code_class(code);
	stripe->length = length;
	cells = ec_class_cells(stripe->class);
	for (uint32_t i = 0; i < cells; i++) {
		memset(stripe->blocks[i], 0xa5, LENGTH_MAX + 3 * GUARD);
		stripe->cells[i] = stripe->blocks[i] + GUARD +
				   (draw(&stand->model, 2) ? draw(&stand->model, GUARD) : 0);
		if (i < stripe->class.data)
			draw_bytes(&stand->model, stripe->cells[i], length);
	}
	assert_int_equal(ec_encode(code, length, stripe->cells, stripe->cells + stripe->class.data),
			 0);
	for (uint32_t i = 0; i < cells; i++)
		memcpy(stripe->truth[i], stripe->cells[i], length);
}

static void
stripe_check_parity(struct stand *stand)
{
	struct stripe *stripe = &stand->stripe;

	for (uint32_t j = 0; j < stripe->class.parity && stripe->length > 0; j++)
		for (uint32_t sample = 0; sample < 8; sample++) {
			size_t offset = draw(&stand->model, stripe->length);

			if (sample == 0)
				offset = stripe->length - 1;
			assert_int_equal(stripe->cells[stripe->class.data + j][offset],
					 naive_parity(stripe->class, stripe->cells, offset, j));
		}
}

static void
stripe_check(const struct stripe *stripe)
{
	for (uint32_t i = 0; i < ec_class_cells(stripe->class); i++) {
		const uint8_t *end = stripe->cells[i] + stripe->length;

		assert_memory_equal(stripe->cells[i], stripe->truth[i], stripe->length);
		for (const uint8_t *byte = stripe->blocks[i]; byte < stripe->cells[i]; byte++)
			assert_int_equal(*byte, 0xa5);
		for (const uint8_t *byte = end; byte < end + GUARD; byte++)
			assert_int_equal(*byte, 0xa5);
	}
}

/* The cells of `lost` are destroyed, then those of `wanted` rebuilt from the rest. */
static void
repair(struct stand *stand, struct ec_code *code, uint32_t lost, uint32_t wanted)
{
	struct stripe *stripe = &stand->stripe;
	uint32_t cells = ec_class_cells(stripe->class), available = ((1u << cells) - 1) & ~lost;

	for (uint32_t i = 0; i < cells; i++)
		if (lost >> i & 1)
			memset(stripe->cells[i], 0x77, stripe->length);
	assert_int_equal(ec_decode(code, available, wanted, stripe->length, stripe->cells), 0);
	for (uint32_t i = 0; i < cells; i++)
		if ((lost & ~wanted) >> i & 1)
			memcpy(stripe->cells[i], stripe->truth[i], stripe->length);
	stripe_check(stripe);
	stand->sets++;
}

static void
refuse(struct stand *stand, struct ec_code *code, uint32_t lost)
{
	struct stripe *stripe = &stand->stripe;
	uint32_t cells = ec_class_cells(stripe->class), available = ((1u << cells) - 1) & ~lost;

	assert_int_equal(ec_decode(code, available, lost & -lost, stripe->length, stripe->cells),
			 -DER_DATA_LOSS);
	stripe_check(stripe);
}

static size_t
draw_length(struct model *model)
{
	/* ISA-L and ours change their way at 32, 64 and 256 bytes. */
	switch (draw(model, 4)) {
	case 0:
		return draw(model, 130);
	case 1:
		return 64 * draw(model, 20);
	default:
		return draw(model, LENGTH_MAX);
	}
}

static void
class_exhaust(struct stand *stand, struct ec_class class)
{
	struct ec_code *code;

	assert_int_equal(ec_code_create(stand->arena, class, &code), 0);
	for (uint32_t lost = 1; lost < 1u << ec_class_cells(class); lost++) {
		stripe_fill(stand, code, draw_length(&stand->model));
		stripe_check_parity(stand);
		if ((uint32_t)__builtin_popcount(lost) > class.parity) {
			refuse(stand, code, lost);
			continue;
		}
		for (uint32_t wanted = lost; wanted != 0; wanted = (wanted - 1) & lost)
			repair(stand, code, lost, wanted);
	}
	ec_code_destroy(code);
}

static void
all_sets_of_small_classes(void **state)
{
	struct stand *stand = *state;

	for (uint32_t data = EC_DATA_MIN; data < 8; data++)
		for (uint32_t parity = 1; parity <= EC_PARITY_MAX && data + parity <= 8; parity++)
			class_exhaust(stand, (struct ec_class){data, parity});
	/* The classes by their numbers: per class sum over losses of 2^losses - 1 sets. */
	assert_true(stand->sets > 1000);
}

/* Each choice of `parity` lost cells of the classes of DAOS, with few bytes. */
static void
all_full_sets_of_usual_classes(void **state)
{
	struct stand *stand = *state;
	struct ec_class class;

	for (uint32_t redundancy = 32; redundancy <= 42; redundancy++) {
		struct ec_code *code;

		assert_int_equal(ec_class_find(redundancy, &class), 0);
		assert_int_equal(ec_code_create(stand->arena, class, &code), 0);
		stripe_fill(stand, code, 70);
		stripe_check_parity(stand);
		for (uint32_t lost = 1; lost < 1u << ec_class_cells(class); lost++)
			if ((uint32_t)__builtin_popcount(lost) == class.parity)
				repair(stand, code, lost, lost);
		assert_true(ec_code_tables(code).kept <= EC_TABLES_MAX);
		ec_code_destroy(code);
	}
}

static uint32_t
draw_set(struct model *model, uint32_t cells, uint32_t count)
{
	uint32_t set = 0;

	while ((uint32_t)__builtin_popcount(set) < count)
		set |= 1u << draw(model, cells);
	return set;
}

static void
class_try(struct stand *stand, struct ec_class class)
{
	uint32_t cells = ec_class_cells(class);
	struct ec_code *code;

	assert_int_equal(ec_code_create(stand->arena, class, &code), 0);
	for (uint32_t round = 0; round < 20; round++) {
		uint32_t count = 1 + (uint32_t)draw(&stand->model, class.parity), lost, wanted;

		stripe_fill(stand, code, draw_length(&stand->model));
		stripe_check_parity(stand);
		lost = draw_set(&stand->model, cells, count);
		wanted = lost & (uint32_t)draw(&stand->model, 1u << cells);
		repair(stand, code, lost, wanted ? wanted : lost);
		count = class.parity + 1 + (uint32_t)draw(&stand->model, class.data - 1);
		refuse(stand, code, draw_set(&stand->model, cells, count));
	}
	ec_code_destroy(code);
}

static void
random_sets(void **state)
{
	struct stand *stand = *state;

	stand->model.rounds = 0;
	while (model_goes_on(&stand->model, 90))
		class_try(stand, draw_class(&stand->model));
	printf("%llu sets of erasures repaired\n", (unsigned long long)stand->sets);
}

static int
setup(void **state)
{
	static struct stand stand;

	model_init(&stand.model);
	stand.arena = arena_create(0);
	stripe_init(&stand.stripe);
	*state = &stand;
	return stand.arena ? 0 : -1;
}

static int
teardown(void **state)
{
	struct stand *stand = *state;

	stripe_fini(&stand->stripe);
	assert_int_equal(arena_used(stand->arena), 0);
	arena_destroy(stand->arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sets_of_small_classes),
		cmocka_unit_test(all_full_sets_of_usual_classes),
		cmocka_unit_test(random_sets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
