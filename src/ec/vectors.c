/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Products over memory in pieces: in place where the pieces are long, through blocks elsewhere. */
#include "ec/private.h"

struct cursor
cursor_at(struct ec_vector vector, size_t offset)
{
	struct cursor cursor = {vector.iov, vector.count, 0};

	while (cursor.count > 0 && offset >= cursor.iov->iov_len) {
		offset -= cursor.iov->iov_len;
		cursor.iov++;
		cursor.count--;
	}
	cursor.skip = offset;
	return cursor;
}

/* Bytes that follow in one piece; 0 at the end. Steps over empty pieces. */
static size_t
cursor_piece(struct cursor *cursor, uint8_t **ret_piece)
{
	while (cursor->count > 0 && cursor->skip == cursor->iov->iov_len) {
		cursor->iov++;
		cursor->count--;
		cursor->skip = 0;
	}
	if (cursor->count == 0)
		return 0;
	*ret_piece = (uint8_t *)cursor->iov->iov_base + cursor->skip;
	return cursor->iov->iov_len - cursor->skip;
}

/* Moves on, at most to the end; returns the bytes passed. */
static size_t
cursor_advance(struct cursor *cursor, size_t length)
{
	size_t passed = 0, step;
	uint8_t *piece;

	while (passed < length && (step = cursor_piece(cursor, &piece)) > 0) {
		step = min_of(step, length - passed);
		cursor->skip += step;
		passed += step;
	}
	return passed;
}

bool
cursor_reaches(struct cursor cursor, size_t length)
{
	return cursor_advance(&cursor, length) == length;
}

/* Copies the next bytes to block, zeros behind the end, and moves on. */
static void
cursor_load(struct cursor *cursor, uint8_t *block, size_t length)
{
	size_t done = 0, step;
	uint8_t *piece;

	while (done < length && (step = cursor_piece(cursor, &piece)) > 0) {
		step = min_of(step, length - done);
		memcpy(block + done, piece, step);
		cursor->skip += step;
		done += step;
	}
	memset(block + done, 0, length - done);
}

/* Copies block to the next bytes, drops what is behind the end, and moves on. */
static void
cursor_store(struct cursor *cursor, const uint8_t *block, size_t length)
{
	size_t done = 0, step;
	uint8_t *piece;

	while (done < length && (step = cursor_piece(cursor, &piece)) > 0) {
		step = min_of(step, length - done);
		memcpy(piece, block + done, step);
		cursor->skip += step;
		done += step;
	}
}

/* How far all cursors run in place, if that is worth a product of its own; else a block. A cursor
 * at its end runs for a block, in the block of zeros or one that is thrown away. */
static size_t
common_step(size_t length, struct cursor *inputs, uint32_t input_count, struct cursor *outputs,
	    uint32_t output_count)
{
	size_t step = length;
	uint8_t *piece;

	for (uint32_t i = 0; i < input_count + output_count; i++) {
		size_t run = cursor_piece(i < input_count ? &inputs[i] : &outputs[i - input_count],
					  &piece);

		step = min_of(step, run > 0 ? run : (size_t)EC_BLOCK);
	}
	return max_of(step, min_of(length, (size_t)EC_BLOCK));
}

void
product_run_vectors(struct ec_code *code, const struct product *product, size_t length,
		    struct cursor *inputs, struct cursor *outputs)
{
	uint32_t count = code->class.data;
	uint8_t *from[EC_DATA_MAX], *to[EC_PARITY_MAX], *blocks = code->blocks;
	size_t step;

	for (; length > 0; length -= step) {
		step = common_step(length, inputs, count, outputs, product->outputs);
		for (uint32_t i = 0; i < count; i++) {
			size_t run = cursor_piece(&inputs[i], &from[i]);

			if (run == 0) {
				from[i] = code->zeros;
			} else if (run >= step) {
				inputs[i].skip += step;
			} else {
				from[i] = blocks + i * EC_BLOCK;
				cursor_load(&inputs[i], from[i], step);
			}
		}
		for (uint32_t i = 0; i < product->outputs; i++)
			if (cursor_piece(&outputs[i], &to[i]) < step)
				to[i] = blocks + (count + i) * EC_BLOCK;
		product_run(code, product, step, from, to);
		for (uint32_t i = 0; i < product->outputs; i++) {
			if (to[i] == blocks + (count + i) * EC_BLOCK)
				cursor_store(&outputs[i], to[i], step);
			else
				outputs[i].skip += step;
		}
	}
}

static int
outputs_check(const struct cursor *outputs, uint32_t count, size_t length)
{
	for (uint32_t i = 0; i < count; i++)
		if (!cursor_reaches(outputs[i], length))
			return error_raise(-DER_IO_INVAL, "a vector is shorter than a cell");
	return 0;
}

int
ec_encode_vectors(struct ec_code *code, size_t length, const struct ec_vector *data,
		  const struct ec_vector *parity)
{
	struct cursor inputs[EC_DATA_MAX], outputs[EC_PARITY_MAX];
	struct product product = encode_product(code);
	int rc;

	for (uint32_t i = 0; i < code->class.data; i++)
		inputs[i] = cursor_at(data[i], 0);
	for (uint32_t i = 0; i < code->class.parity; i++)
		outputs[i] = cursor_at(parity[i], 0);
	rc = outputs_check(outputs, code->class.parity, length);
	if (rc == 0)
		product_run_vectors(code, &product, length, inputs, outputs);
	return rc;
}

int
ec_decode_vectors(struct ec_code *code, uint32_t available, uint32_t wanted, size_t length,
		  const struct ec_vector *cells)
{
	struct cursor inputs[EC_DATA_MAX], outputs[EC_PARITY_MAX];
	uint32_t numbers[EC_CELLS_MAX], sources, count;
	struct product product;
	int rc = ec_sources(code->class, available, wanted, &sources);

	if (rc || wanted == 0)
		return rc;
	count = pick_cells(wanted, numbers);
	for (uint32_t i = 0; i < count; i++)
		outputs[i] = cursor_at(cells[numbers[i]], 0);
	rc = outputs_check(outputs, count, length);
	if (rc == 0)
		rc = decode_product(code, sources, wanted, &product);
	if (rc)
		return rc;
	count = pick_cells(sources, numbers);
	for (uint32_t i = 0; i < count; i++)
		inputs[i] = cursor_at(cells[numbers[i]], 0);
	product_run_vectors(code, &product, length, inputs, outputs);
	return 0;
}

/* The bytes of some records; false when they are more than memory can have. */
static bool
bytes_of(const struct ec_layout *layout, uint64_t records, size_t *ret_bytes)
{
	return !__builtin_mul_overflow(records, layout->record_size, ret_bytes);
}

static int
source_check(const struct ec_layout *layout, uint64_t records, struct cursor source)
{
	size_t bytes;

	if (!bytes_of(layout, records, &bytes) || !cursor_reaches(source, bytes))
		return error_raise(-DER_IO_INVAL,
				   "the buffers are shorter than %llu records of %llu bytes",
				   (unsigned long long)records,
				   (unsigned long long)layout->record_size);
	return 0;
}

int
ec_encode_stripes(struct ec_code *code, const struct ec_layout *layout, struct ec_vector vector,
		  size_t offset, uint64_t stripes, uint8_t *const *parity)
{
	struct cursor source = cursor_at(vector, offset);
	struct cursor inputs[EC_DATA_MAX], outputs[EC_PARITY_MAX];
	struct product product = encode_product(code);
	struct iovec whole[EC_PARITY_MAX];
	uint64_t records;
	int rc;

	if (!class_equal(layout->class, code->class))
		return error_raise(-DER_INVAL, "the layout and the code are of different classes");
	if (__builtin_mul_overflow(stripes, layout->stripe_records, &records))
		records = UINT64_MAX;
	rc = source_check(layout, records, source);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < code->class.parity; i++) {
		if (parity[i] == NULL)
			return error_raise(-DER_INVAL, "no buffer for parity %u", i);
		whole[i] = (struct iovec){parity[i], stripes * layout->cell_bytes};
		outputs[i] = (struct cursor){&whole[i], 1, 0};
	}
	for (uint64_t stripe = 0; stripe < stripes; stripe++) {
		for (uint32_t i = 0; i < code->class.data; i++) {
			inputs[i] = source;
			cursor_advance(&source, layout->cell_bytes);
		}
		product_run_vectors(code, &product, layout->cell_bytes, inputs, outputs);
	}
	return 0;
}

/* Appends the next length bytes to the slice; false when it is full. */
static bool
slice_append(struct cursor *source, size_t length, struct iovec *slice, uint32_t limit,
	     uint32_t *count)
{
	size_t step;
	uint8_t *piece;

	while (length > 0 && (step = cursor_piece(source, &piece)) > 0) {
		if (*count == limit)
			return false;
		step = min_of(step, length);
		slice[(*count)++] = (struct iovec){piece, step};
		source->skip += step;
		length -= step;
	}
	return true;
}

/* Offset in the extent of the first record of the cell that lies in `stripe` or behind, and how
 * many of the cell follow. */
static struct ec_extent
run_in_stripe(const struct ec_layout *layout, struct ec_extent extent, uint32_t cell,
	      uint64_t stripe)
{
	uint64_t start = stripe * layout->stripe_records + cell * layout->cell_records;
	uint64_t end = min_of(start + layout->cell_records, extent.start + extent.count);

	start = max_of(start, extent.start);
	return (struct ec_extent){start - extent.start, end > start ? end - start : 0};
}

int
ec_gather(const struct ec_layout *layout, struct ec_extent extent, uint32_t cell,
	  struct ec_vector vector, struct iovec *slice, uint32_t limit, uint32_t *ret_count)
{
	struct cursor source = cursor_at(vector, 0);
	uint64_t size = layout->record_size, passed = 0, last;
	uint32_t count = 0;
	int rc = ec_extent_check(extent);

	if (rc)
		return rc;
	if (cell >= layout->class.data)
		return error_raise(-DER_INVAL, "cell %u is none of the %u data cells", cell,
				   layout->class.data);
	rc = source_check(layout, extent.count, source);
	if (rc)
		return rc;
	last = (extent.start + extent.count) / layout->stripe_records;
	for (uint64_t stripe = extent.start / layout->stripe_records; stripe <= last; stripe++) {
		struct ec_extent run = run_in_stripe(layout, extent, cell, stripe);

		if (run.count == 0)
			continue;
		cursor_advance(&source, (run.start - passed) * size);
		if (!slice_append(&source, run.count * size, slice, limit, &count))
			return error_raise(-DER_OVERFLOW, "a cell's buffers are more than %u",
					   limit);
		passed = run.start + run.count;
	}
	*ret_count = count;
	return 0;
}
