/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The tables of a class, products over plain buffers, parity from data and from differences. */
#include <isa-l/erasure_code.h>
#include <isa-l/raid.h>

#include "ec/private.h"

/* ISA-L counts bytes in int. */
#define RUN_MAX ((size_t)1 << 30)

/* xor_gen() wants this alignment of all buffers. Below the length a product is faster: at 64 bytes
 * by 1.2 to 3.3, from 512 on xor_gen() by 1.6 to 4. */
#define XOR_ALIGNMENT 32u
#define XOR_MIN 256u

#define BLOCK_ALIGNMENT 64u

/* Bytes that an exclusive or takes at a time. */
#define LANE_BYTES 64u

static int
code_allocate(struct ec_code *code)
{
	size_t cells = ec_class_cells(code->class);

	code->blocks = arena_alloc_aligned(code->arena, (cells + 1) * EC_BLOCK, BLOCK_ALIGNMENT);
	if (code->blocks == NULL)
		return error_raise(-DER_NOMEM, "no memory for the blocks of an erasure code");
	code->zeros = code->blocks + cells * EC_BLOCK;
	memset(code->zeros, 0, EC_BLOCK);
	return 0;
}

int
ec_code_create(struct arena *arena, struct ec_class class, struct ec_code **ret_code)
{
	AUTO_FREE struct scoped_block block = {.arena = arena};
	struct ec_code *code;
	int rc = ec_class_check(class);

	if (rc)
		return rc;
	block.pointer = code = arena_calloc(arena, 1, sizeof(*code));
	if (code == NULL)
		return error_raise(-DER_NOMEM, "no memory for an erasure code");
	code->arena = arena;
	code->class = class;
	rc = code_allocate(code);
	if (rc)
		return rc;
	gf_gen_rs_matrix(code->matrix, (int)ec_class_cells(class), (int)class.data);
	ec_init_tables((int)class.data, (int)class.parity, code->matrix + class.data * class.data,
		       code->tables);
	table_init(&code->decode_index, arena);
	list_init(&code->decode_order);
	*ret_code = scoped_take(&block);
	return 0;
}

void
ec_code_destroy(struct ec_code *code)
{
	if (code == NULL)
		return;
	decode_tables_fini(code);
	arena_free(code->arena, code->blocks);
	arena_free(code->arena, code);
}

struct ec_class
ec_code_class(const struct ec_code *code)
{
	return code->class;
}

struct product
encode_product(const struct ec_code *code)
{
	/* The coefficients of the first parity are all 1. */
	return (struct product){.tables = code->tables,
				.outputs = code->class.parity,
				.sum = code->class.parity == 1};
}

/* The exclusive or by the fast path; false when it does not apply. */
static bool
sum_run(uint32_t count, size_t length, uint8_t *const *inputs, uint8_t *output)
{
	void *buffers[EC_DATA_MAX + 1];
	uintptr_t bits = (uintptr_t)output;

	if (length < XOR_MIN)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		buffers[i] = inputs[i];
		bits |= (uintptr_t)inputs[i];
	}
	buffers[count] = output;
	if (bits % XOR_ALIGNMENT != 0)
		return false;
	return xor_gen((int)count + 1, (int)length, buffers) == 0;
}

void
product_run(const struct ec_code *code, const struct product *product, size_t length,
	    uint8_t *const *inputs, uint8_t *const *outputs)
{
	uint32_t count = code->class.data;
	uint8_t *from[EC_DATA_MAX], *to[EC_PARITY_MAX];

	for (size_t done = 0, step; done < length; done += step) {
		step = min_of(length - done, RUN_MAX);
		for (uint32_t i = 0; i < count; i++)
			from[i] = inputs[i] + done;
		for (uint32_t i = 0; i < product->outputs; i++)
			to[i] = outputs[i] + done;
		if (product->sum && sum_run(count, step, from, to[0]))
			continue;
		ec_encode_data((int)step, (int)count, (int)product->outputs,
			       unconst(product->tables), from, to);
	}
}

static int
buffers_check(uint8_t *const *buffers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (buffers[i] == NULL)
			return error_raise(-DER_INVAL, "no buffer for cell %u of %u", i, count);
	return 0;
}

int
ec_encode(const struct ec_code *code, size_t length, uint8_t *const *data, uint8_t *const *parity)
{
	struct product product = encode_product(code);
	int rc = buffers_check(data, code->class.data);

	if (rc == 0)
		rc = buffers_check(parity, code->class.parity);
	if (rc == 0)
		product_run(code, &product, length, data, parity);
	return rc;
}

/* A number of bytes known to the compiler becomes vector instructions at every level of
 * optimisation. to may be one of the two. */
static inline void
lane_xor(const uint8_t *a, const uint8_t *b, uint8_t *to)
{
	uint64_t left[LANE_BYTES / 8], right[LANE_BYTES / 8];

	memcpy(left, a, LANE_BYTES);
	memcpy(right, b, LANE_BYTES);
	for (uint32_t i = 0; i < LANE_BYTES / 8; i++)
		left[i] ^= right[i];
	memcpy(to, left, LANE_BYTES);
}

void
ec_difference(const uint8_t *before, const uint8_t *after, size_t length, uint8_t *difference)
{
	if (before == NULL || after == NULL) {
		const uint8_t *only = before ? before : after;

		if (only == NULL)
			memset(difference, 0, length);
		else
			memmove(difference, only, length);
		return;
	}
	for (size_t i = 0; i < length / LANE_BYTES; i++)
		lane_xor(before + i * LANE_BYTES, after + i * LANE_BYTES,
			 difference + i * LANE_BYTES);
	for (size_t i = length - length % LANE_BYTES; i < length; i++)
		difference[i] = before[i] ^ after[i];
}

/* Adds the product of the difference with the coefficients of `rows` parities from `first` on. */
static void
rows_add(const struct ec_code *code, uint32_t cell, size_t length, const uint8_t *difference,
	 uint32_t first, uint32_t rows, uint8_t *const *parity)
{
	const uint8_t *tables = code->tables + first * code->class.data * COEFFICIENT_BYTES;
	uint8_t *to[EC_PARITY_MAX];

	for (size_t done = 0, step; done < length; done += step) {
		step = min_of(length - done, RUN_MAX);
		for (uint32_t i = 0; i < rows; i++)
			to[i] = parity[first + i] + done;
		ec_encode_data_update((int)step, (int)code->class.data, (int)rows, (int)cell,
				      unconst(tables), unconst(difference + done), to);
	}
}

/* Neighbouring parities together: the difference is then read once. */
static void
difference_add(const struct ec_code *code, uint32_t cell, size_t length, const uint8_t *difference,
	       uint8_t *const *parity)
{
	uint32_t first = 0, count = code->class.parity;

	while (first < count) {
		uint32_t rows = 0;

		while (first + rows < count && parity[first + rows] != NULL)
			rows++;
		if (rows > 0)
			rows_add(code, cell, length, difference, first, rows, parity);
		first += rows + 1;
	}
}

static int
data_cell_check(const struct ec_code *code, uint32_t cell)
{
	if (cell >= code->class.data)
		return error_raise(-DER_INVAL, "cell %u is none of the %u data cells", cell,
				   code->class.data);
	return 0;
}

int
ec_apply(const struct ec_code *code, uint32_t cell, size_t length, const uint8_t *difference,
	 uint8_t *const *parity)
{
	int rc = data_cell_check(code, cell);

	if (rc)
		return rc;
	if (difference == NULL)
		return error_raise(-DER_INVAL, "no difference to apply");
	difference_add(code, cell, length, difference, parity);
	return 0;
}

int
ec_update(struct ec_code *code, uint32_t cell, size_t length, const uint8_t *before,
	  const uint8_t *after, uint8_t *const *parity)
{
	uint8_t *to[EC_PARITY_MAX];
	int rc = data_cell_check(code, cell);

	if (rc)
		return rc;
	if (before == NULL || after == NULL) {
		if (before != NULL || after != NULL)
			difference_add(code, cell, length, before ? before : after, parity);
		return 0;
	}
	for (size_t done = 0, step; done < length; done += step) {
		step = min_of(length - done, (size_t)EC_BLOCK);
		for (uint32_t i = 0; i < code->class.parity; i++)
			to[i] = parity[i] ? parity[i] + done : NULL;
		ec_difference(before + done, after + done, step, code->blocks);
		difference_add(code, cell, step, code->blocks, to);
	}
	return 0;
}
