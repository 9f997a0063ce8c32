/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Single values: whole on few shards, or split over all of them. */
#include "ec/private.h"

int
ec_single_init(struct ec_single *single, struct ec_class class, uint64_t size)
{
	uint64_t border = (uint64_t)(class.data / 8 + 1) * EC_SINGLE_UNIT;
	int rc = ec_class_check(class);

	if (rc)
		return rc;
	if (size > EC_CELL_SIZE_MAX)
		return error_raise(-DER_REC2BIG, "a value of %llu bytes: allowed is 1 GiB",
				   (unsigned long long)size);
	*single = (struct ec_single){.class = class, .size = size, .split = size > border};
	single->cell = size;
	/* At the border a cell has at least 256 bytes, so that the last one is not empty. */
	if (single->split)
		single->cell = align_up((size + class.data - 1) / class.data, EC_SINGLE_ALIGNMENT);
	return 0;
}

struct ec_extent
ec_single_extent(const struct ec_single *single, uint32_t cell)
{
	uint64_t start;

	if (cell >= single->class.data)
		return (struct ec_extent){0, single->cell};
	if (!single->split)
		return (struct ec_extent){0, cell == 0 ? single->size : 0};
	start = cell * single->cell;
	return (struct ec_extent){start, min_of(single->cell, single->size - start)};
}

static int
split_check(const struct ec_code *code, const struct ec_single *single)
{
	if (!class_equal(single->class, code->class))
		return error_raise(-DER_INVAL, "the value and the code are of different classes");
	if (!single->split)
		return error_raise(-DER_INVAL, "a value of %llu bytes is not split",
				   (unsigned long long)single->size);
	return 0;
}

int
ec_single_encode(struct ec_code *code, const struct ec_single *single, struct ec_vector vector,
		 uint8_t *const *parity)
{
	struct cursor inputs[EC_DATA_MAX], outputs[EC_PARITY_MAX];
	struct product product = encode_product(code);
	struct iovec whole[EC_PARITY_MAX];
	int rc = split_check(code, single);

	if (rc)
		return rc;
	if (!cursor_reaches(cursor_at(vector, 0), single->size))
		return error_raise(-DER_IO_INVAL, "the buffers are shorter than the value");
	for (uint32_t i = 0; i < code->class.parity; i++) {
		if (parity[i] == NULL)
			return error_raise(-DER_INVAL, "no buffer for parity %u", i);
		whole[i] = (struct iovec){parity[i], single->cell};
		outputs[i] = (struct cursor){&whole[i], 1, 0};
	}
	for (uint32_t i = 0; i < code->class.data; i++)
		inputs[i] = cursor_at(vector, i * single->cell);
	product_run_vectors(code, &product, single->cell, inputs, outputs);
	return 0;
}

int
ec_single_decode(struct ec_code *code, const struct ec_single *single, uint32_t available,
		 uint32_t wanted, uint8_t *const *cells)
{
	struct cursor inputs[EC_DATA_MAX], outputs[EC_PARITY_MAX], *cursor;
	uint32_t numbers[EC_CELLS_MAX], sources, input_count = 0, output_count = 0;
	struct iovec whole[EC_CELLS_MAX];
	struct product product;
	int rc = split_check(code, single);

	if (rc == 0)
		rc = ec_sources(code->class, available, wanted, &sources);
	if (rc || wanted == 0)
		return rc;
	for (uint32_t i = 0, count = pick_cells(sources | wanted, numbers); i < count; i++) {
		if (cells[numbers[i]] == NULL)
			return error_raise(-DER_INVAL, "no buffer for cell %u", numbers[i]);
		whole[i] = (struct iovec){cells[numbers[i]],
					  ec_single_extent(single, numbers[i]).count};
		cursor = wanted >> numbers[i] & 1 ? &outputs[output_count++]
						  : &inputs[input_count++];
		*cursor = (struct cursor){&whole[i], 1, 0};
	}
	rc = decode_product(code, sources, wanted, &product);
	if (rc == 0)
		product_run_vectors(code, &product, single->cell, inputs, outputs);
	return rc;
}
