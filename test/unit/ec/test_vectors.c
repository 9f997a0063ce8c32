/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Vectors: in place or through blocks, short ones, refusals; stripes; single values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ec/ec.h"

#define CELL 4096u
#define STRIPES 3u

struct stand {
	struct arena *arena;
	struct ec_code *code;
	struct ec_layout layout;
	uint8_t data[STRIPES * 4 * CELL];
	uint8_t parity[2][STRIPES * CELL];
	uint8_t other[2][STRIPES * CELL];
};

static int
setup(void **state)
{
	struct stand *stand = calloc(1, sizeof(*stand));
	struct ec_class class = {4, 2};

	stand->arena = arena_create(0);
	for (size_t i = 0; i < sizeof(stand->data); i++)
		stand->data[i] = (uint8_t)(mix64(i + 1) >> 7);
	*state = stand;
	return ec_code_create(stand->arena, class, &stand->code) ||
	       ec_layout_init(&stand->layout, class, CELL, 1);
}

static int
teardown(void **state)
{
	struct stand *stand = *state;

	ec_code_destroy(stand->code);
	assert_int_equal(arena_used(stand->arena), 0);
	arena_destroy(stand->arena);
	free(stand);
	return 0;
}

/* Cuts memory into equal pieces. */
static struct ec_vector
cut(uint8_t *bytes, size_t length, size_t piece, struct iovec *iov)
{
	struct ec_vector vector = {.iov = iov};

	for (size_t at = 0; at < length; at += piece)
		iov[vector.count++] = (struct iovec){bytes + at, min_of(piece, length - at)};
	return vector;
}

static void
pieces_of_any_size_give_the_same(void **state)
{
	static const size_t pieces[] = {1, 63, 100, 2047, 2048, 2049, 5000, 100000};
	static struct iovec iov[sizeof(((struct stand *)0)->data)];
	struct stand *stand = *state;
	uint8_t *parity[] = {stand->parity[0], stand->parity[1]};
	uint8_t *other[] = {stand->other[0], stand->other[1]};

	for (uint32_t stripe = 0; stripe < STRIPES; stripe++) {
		uint8_t *data[4], *to[] = {parity[0] + stripe * CELL, parity[1] + stripe * CELL};

		for (uint32_t i = 0; i < 4; i++)
			data[i] = stand->data + (stripe * 4 + i) * CELL;
		assert_int_equal(ec_encode(stand->code, CELL, data, to), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct ec_vector vector = cut(stand->data, sizeof(stand->data), pieces[i], iov);

		memset(stand->other, 0, sizeof(stand->other));
		assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, 0, STRIPES,
						   other),
				 0);
		assert_memory_equal(stand->parity, stand->other, sizeof(stand->parity));
		/* From the second stripe on. */
		memset(stand->other, 0, sizeof(stand->other));
		assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, 4 * CELL,
						   STRIPES - 1, other),
				 0);
		assert_memory_equal(stand->parity[1] + CELL, stand->other[1], (STRIPES - 1) * CELL);
	}
}

static void
stripes_that_are_not_there(void **state)
{
	struct stand *stand = *state;
	struct iovec whole = {stand->data, sizeof(stand->data)};
	struct ec_vector vector = {&whole, 1};
	uint8_t *parity[] = {stand->parity[0], stand->parity[1]};
	struct ec_layout wrong;

	memset(stand->parity, 0xee, sizeof(stand->parity));
	assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, 1, STRIPES, parity),
			 -DER_IO_INVAL);
	assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, 0, STRIPES + 1,
					   parity),
			 -DER_IO_INVAL);
	assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, 0, UINT64_MAX,
					   parity),
			 -DER_IO_INVAL);
	assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, SIZE_MAX, 1,
					   parity),
			 -DER_IO_INVAL);
	assert_int_equal(ec_layout_init(&wrong, (struct ec_class){4, 1}, CELL, 1), 0);
	assert_int_equal(ec_encode_stripes(stand->code, &wrong, vector, 0, 1, parity), -DER_INVAL);
	assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, 0, 0, parity), 0);
	for (size_t i = 0; i < STRIPES * CELL; i++)
		assert_true(stand->parity[0][i] == 0xee && stand->parity[1][i] == 0xee);
	parity[1] = NULL;
	assert_int_equal(ec_encode_stripes(stand->code, &stand->layout, vector, 0, 1, parity),
			 -DER_INVAL);
}

/* Cells of 100, 0, 3000 and 4096 bytes: the rest counts as zeros. */
static void
short_cells_go_on_with_zeros(void **state)
{
	static const size_t lengths[] = {100, 0, 3000, CELL};
	struct stand *stand = *state;
	uint8_t *padded = calloc(4, CELL), *full[4],
		*parity[] = {stand->parity[0], stand->parity[1]};
	struct iovec iov[6];
	struct ec_vector vectors[6];

	for (uint32_t i = 0; i < 4; i++) {
		full[i] = padded + i * CELL;
		memcpy(full[i], stand->data + i * CELL, lengths[i]);
		iov[i] = (struct iovec){stand->data + i * CELL, lengths[i]};
		vectors[i] = (struct ec_vector){&iov[i], lengths[i] > 0};
	}
	for (uint32_t j = 0; j < 2; j++) {
		iov[4 + j] = (struct iovec){stand->other[j], CELL};
		vectors[4 + j] = (struct ec_vector){&iov[4 + j], 1};
	}
	assert_int_equal(ec_encode(stand->code, CELL, full, parity), 0);
	assert_int_equal(ec_encode_vectors(stand->code, CELL, vectors, vectors + 4), 0);
	assert_memory_equal(stand->parity[0], stand->other[0], CELL);
	assert_memory_equal(stand->parity[1], stand->other[1], CELL);

	/* The long one is lost: 4096 bytes of it come back from the short ones. */
	iov[3].iov_base = padded;
	assert_int_equal(ec_decode_vectors(stand->code, 0x37, 0x08, CELL, vectors), 0);
	assert_memory_equal(padded, stand->data + 3 * CELL, CELL);
	/* An output must have room. */
	assert_int_equal(ec_decode_vectors(stand->code, 0x3b, 0x04, CELL, vectors), -DER_IO_INVAL);
	assert_int_equal(ec_decode_vectors(stand->code, 0x07, 0x08, CELL, vectors), -DER_DATA_LOSS);
	iov[5].iov_len--;
	assert_int_equal(ec_encode_vectors(stand->code, CELL, vectors, vectors + 4), -DER_IO_INVAL);
	free(padded);
}

static void
single_values_by_hand(void **state)
{
	struct stand *stand = *state;
	struct ec_single single;

	/* 4 data cells: up to 4 KiB whole, on cell 0 and the parities. */
	assert_int_equal(ec_single_init(&single, (struct ec_class){4, 2}, 4096), 0);
	assert_false(single.split);
	assert_int_equal(ec_single_extent(&single, 0).count, 4096);
	assert_int_equal(ec_single_extent(&single, 1).count, 0);
	assert_int_equal(ec_single_extent(&single, 5).count, 4096);
	assert_int_equal(ec_single_encode(stand->code, &single, (struct ec_vector){NULL, 0}, NULL),
			 -DER_INVAL);
	assert_int_equal(ec_single_decode(stand->code, &single, 0x3e, 1, NULL), -DER_INVAL);
	/* One byte more: 1025 bytes a cell, rounded to 1032, the last has 1001. */
	assert_int_equal(ec_single_init(&single, (struct ec_class){4, 2}, 4097), 0);
	assert_true(single.split);
	assert_int_equal(single.cell, 1032);
	assert_int_equal(ec_single_extent(&single, 3).start, 3096);
	assert_int_equal(ec_single_extent(&single, 3).count, 1001);
	assert_int_equal(ec_single_extent(&single, 4).count, 1032);
	/* 8 KiB from 8 data cells on, 12 KiB with 16. */
	assert_int_equal(ec_single_init(&single, (struct ec_class){8, 2}, 8192), 0);
	assert_false(single.split);
	assert_int_equal(ec_single_init(&single, (struct ec_class){16, 1}, 12288), 0);
	assert_false(single.split);
	assert_int_equal(ec_single_init(&single, (struct ec_class){16, 1}, 12289), 0);
	assert_true(single.split);
	assert_int_equal(ec_single_init(&single, (struct ec_class){16, 1}, 0), 0);
	assert_false(single.split);
	assert_int_equal(ec_single_extent(&single, 0).count, 0);
	assert_int_equal(ec_single_init(&single, (struct ec_class){16, 1}, EC_CELL_SIZE_MAX + 1),
			 -DER_REC2BIG);
	assert_int_equal(ec_single_init(&single, (struct ec_class){16, 1}, UINT64_MAX),
			 -DER_REC2BIG);
}

static void
single_values_that_do_not_fit(void **state)
{
	struct stand *stand = *state;
	struct iovec whole = {stand->data, 4999};
	struct ec_vector vector = {&whole, 1};
	uint8_t *cells[6] = {stand->other[0], stand->other[0],	stand->other[0],
			     stand->other[0], stand->parity[0], stand->parity[1]};
	struct ec_single single;

	assert_int_equal(ec_single_init(&single, (struct ec_class){4, 2}, 5000), 0);
	assert_int_equal(ec_single_encode(stand->code, &single, vector, cells + 4), -DER_IO_INVAL);
	whole.iov_len++;
	assert_int_equal(ec_single_encode(stand->code, &single, vector, cells + 4), 0);
	assert_int_equal(ec_single_decode(stand->code, &single, 0x38, 0x07, cells), -DER_DATA_LOSS);
	cells[0] = NULL;
	assert_int_equal(ec_single_decode(stand->code, &single, 0x3e, 0x01, cells), -DER_INVAL);
	cells[5] = NULL;
	assert_int_equal(ec_single_encode(stand->code, &single, vector, cells + 4), -DER_INVAL);
	assert_int_equal(ec_single_init(&single, (struct ec_class){2, 1}, 5000), 0);
	assert_int_equal(ec_single_encode(stand->code, &single, vector, cells + 4), -DER_INVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_any_size_give_the_same),
		cmocka_unit_test(stripes_that_are_not_there),
		cmocka_unit_test(short_cells_go_on_with_zeros),
		cmocka_unit_test(single_values_by_hand),
		cmocka_unit_test(single_values_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
