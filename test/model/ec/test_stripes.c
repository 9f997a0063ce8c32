/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Cells and stripes against a model that counts record by record: places, splits, pieces, ends, the
 * caller's memory per shard, whole stripes encoded from scattered memory, values split over cells.
 * Arrays begin anywhere up to the last stripe.
 */
#include "model.h"

#define STRIPES 4u
#define SLICE_MAX 4096u

/* Where the model says that a record is: found by counting from the window's first stripe. */
struct naive {
	uint64_t stripe;
	uint32_t cell;
	uint64_t record;
	uint64_t place;
};

struct stand {
	struct model model;
	struct arena *arena;
	struct ec_code *code;
	struct ec_layout layout;
	uint64_t first;	  /* stripe of the window */
	uint64_t start;	  /* its first record */
	uint64_t records; /* of the window; fewer than STRIPES at the end of all arrays */
	struct naive *where;
	uint64_t extents;
};

static void
window_count(struct stand *stand)
{
	struct naive at = {.stripe = stand->first,
			   .place = stand->first * stand->layout.cell_records};

	for (uint64_t i = 0; i < stand->records; i++) {
		stand->where[i] = at;
		at.record++;
		at.place++;
		if (at.record < stand->layout.cell_records)
			continue;
		at.record = 0;
		at.place -= stand->layout.cell_records;
		if (++at.cell < stand->layout.class.data)
			continue;
		at.cell = 0;
		at.stripe++;
		at.place += stand->layout.cell_records;
	}
}

static void
stand_open(struct stand *stand)
{
	/* Records that fill a cell exactly, leave a rest, or are larger than it. */
	static const uint64_t sizes[] = {1, 7, 8, 100, 333, 1024, 1500, 5000};
	struct ec_class class = draw_class(&stand->model);
	uint64_t last;

	assert_int_equal(ec_code_create(stand->arena, class, &stand->code), 0);
	assert_int_equal(ec_layout_init(&stand->layout, class,
					EC_CELL_SIZE_MIN + draw(&stand->model, 600),
					sizes[draw(&stand->model, ARRAY_SIZE(sizes))]),
			 0);
	last = (EC_RECORDS - 1) / stand->layout.stripe_records;
	switch (draw(&stand->model, 3)) {
	case 0:
		stand->first = draw(&stand->model, 3);
		break;
	case 1:
		stand->first = draw(&stand->model, last);
		break;
	default:
		stand->first = last - draw(&stand->model, STRIPES);
	}
	stand->start = stand->first * stand->layout.stripe_records;
	stand->records = min_of(STRIPES * stand->layout.stripe_records, EC_RECORDS - stand->start);
	stand->where = malloc(stand->records * sizeof(*stand->where));
	window_count(stand);
}

static void
stand_close(struct stand *stand)
{
	free(stand->where);
	ec_code_destroy(stand->code);
}

static void
check_places(struct stand *stand)
{
	for (uint32_t i = 0; i < 50; i++) {
		uint64_t index = draw(&stand->model, stand->records), record;
		struct ec_position position;

		assert_int_equal(ec_locate(&stand->layout, stand->start + index, &position), 0);
		assert_int_equal(position.stripe, stand->where[index].stripe);
		assert_int_equal(position.cell, stand->where[index].cell);
		assert_int_equal(position.record, stand->where[index].record);
		assert_int_equal(position.place, stand->where[index].place);
		assert_int_equal(
			ec_record_at(&stand->layout, position.cell, position.place, &record), 0);
		assert_int_equal(record, stand->start + index);
	}
}

static struct ec_extent
draw_extent(struct stand *stand)
{
	uint64_t a = draw(&stand->model, stand->records + 1);
	uint64_t b = draw(&stand->model, stand->records + 1);

	if (draw(&stand->model, 3) == 0)
		a = align_down(a, stand->layout.stripe_records);
	if (draw(&stand->model, 3) == 0)
		b = align_down(b, stand->layout.stripe_records);
	return (struct ec_extent){stand->start + min_of(a, b), max_of(a, b) - min_of(a, b)};
}

/* Each record of the extent is in exactly one part; it is in `full` if its stripe is covered. */
static void
check_split(struct stand *stand, struct ec_extent extent)
{
	uint64_t stripe_records = stand->layout.stripe_records, at = extent.start;
	struct ec_split split;

	assert_int_equal(ec_extent_split(&stand->layout, extent, &split), 0);
	assert_int_equal(split.head.count + split.full.count + split.tail.count, extent.count);
	assert_int_equal(split.head.start, extent.start);
	assert_int_equal(split.full.start, split.head.start + split.head.count);
	assert_int_equal(split.tail.start, split.full.start + split.full.count);
	assert_int_equal(split.full.count % stripe_records, 0);
	for (; at < extent.start + extent.count; at++) {
		uint64_t first = at - at % stripe_records;
		bool whole = first >= extent.start &&
			     first + stripe_records <= extent.start + extent.count;

		assert_int_equal(whole, at >= split.full.start &&
						at - split.full.start < split.full.count);
	}
}

static void
check_walk(struct stand *stand, struct ec_extent extent)
{
	uint64_t done = 0;
	struct ec_piece piece;
	struct ec_walk walk;

	assert_int_equal(ec_walk_start(&walk, &stand->layout, extent), 0);
	while (ec_walk_next(&walk, &piece)) {
		assert_int_equal(piece.offset, done);
		assert_true(piece.count > 0 && piece.count <= stand->layout.cell_records);
		for (uint64_t i = 0; i < piece.count; i++, done++) {
			struct naive *at = &stand->where[extent.start - stand->start + done];

			assert_int_equal(at->stripe, piece.position.stripe);
			assert_int_equal(at->cell, piece.position.cell);
			assert_int_equal(at->record, piece.position.record + i);
			assert_int_equal(at->place, piece.position.place + i);
		}
	}
	assert_int_equal(done, extent.count);
}

/* The places of each shard are one range; the end of each shard and of the array. */
static void
check_shards(struct stand *stand, struct ec_extent extent)
{
	uint64_t array_end = 0, end, base = stand->first * stand->layout.cell_records;

	for (uint32_t cell = 0; cell < stand->layout.class.data; cell++) {
		struct ec_extent shard = ec_shard_extent(&stand->layout, extent, cell);
		uint64_t count = 0, below = 0;

		for (uint64_t i = 0; i < extent.start - stand->start + extent.count; i++) {
			if (stand->where[i].cell != cell)
				continue;
			below++;
			if (stand->start + i < extent.start)
				continue;
			assert_int_equal(stand->where[i].place, shard.start + count);
			count++;
		}
		assert_int_equal(count, shard.count);
		end = ec_shard_end(&stand->layout, extent.start + extent.count, cell);
		assert_int_equal(end, base + below);
		assert_int_equal(ec_array_end(&stand->layout, cell, end, &end), 0);
		array_end = max_of(array_end, end);
	}
	assert_int_equal(array_end, extent.start + extent.count);
}

/* Cuts memory at random into at most limit pieces, some empty. */
static uint32_t
scatter(struct model *model, uint8_t *bytes, size_t length, struct iovec *iov, uint32_t limit)
{
	uint32_t count = 0, pieces = 1 + (uint32_t)draw(model, limit - 1);
	size_t reach = draw(model, 2) ? 6000 : length / pieces + 1;

	while (length > 0 && count < pieces - 1) {
		size_t step = min_of((size_t)draw(model, reach), length);

		iov[count++] = (struct iovec){bytes, step};
		bytes += step;
		length -= step;
	}
	iov[count++] = (struct iovec){bytes, length};
	return count;
}

/* Gathered memory of a shard: the bytes of its records, in order of places. */
static void
check_gather(struct stand *stand, struct ec_extent extent)
{
	static struct iovec iov[64], slice[SLICE_MAX];
	size_t size = stand->layout.record_size, length = extent.count * size;
	uint8_t *bytes = malloc(length + 1);
	struct ec_vector vector = {.iov = iov};
	uint32_t count;

	vector.count = scatter(&stand->model, bytes, length, iov, ARRAY_SIZE(iov));
	for (uint32_t cell = 0; cell < stand->layout.class.data; cell++) {
		uint64_t at = 0;
		size_t within = 0;

		assert_int_equal(ec_gather(&stand->layout, extent, cell, vector, slice, SLICE_MAX,
					   &count),
				 0);
		for (uint64_t i = 0; i < extent.count; i++) {
			if (stand->where[extent.start - stand->start + i].cell != cell)
				continue;
			for (size_t j = 0; j < size; j++) {
				while (within == slice[at].iov_len) {
					at++;
					within = 0;
				}
				assert_true(at < count);
				assert_ptr_equal((uint8_t *)slice[at].iov_base + within++,
						 bytes + i * size + j);
			}
		}
		assert_int_equal(iov_length(slice, count),
				 ec_shard_extent(&stand->layout, extent, cell).count * size);
	}
	free(bytes);
}

/* Whole stripes out of scattered memory: parity as computed byte by byte, and a lost shard comes
 * back for all stripes at once from what the others hold. */
static void
check_encode(struct stand *stand)
{
	struct ec_layout *layout = &stand->layout;
	struct ec_class class = layout->class;
	size_t stripe_bytes = layout->stripe_records * layout->record_size;
	size_t length = STRIPES * stripe_bytes, skip = draw(&stand->model, 300);
	size_t shard_bytes = STRIPES * layout->cell_bytes;
	uint8_t *bytes = malloc(skip + length), *shards[EC_CELLS_MAX], *rebuilt, *kept;
	uint32_t cells = ec_class_cells(class), lost = (uint32_t)draw(&stand->model, cells);
	struct iovec iov[40];
	struct ec_vector vector = {.iov = iov};

	draw_bytes(&stand->model, bytes, skip + length);
	vector.count = scatter(&stand->model, bytes, skip + length, iov, ARRAY_SIZE(iov));
	for (uint32_t i = 0; i < cells; i++)
		shards[i] = malloc(shard_bytes);
	for (uint32_t i = 0; i < class.data; i++)
		for (uint32_t stripe = 0; stripe < STRIPES; stripe++)
			memcpy(shards[i] + stripe * layout->cell_bytes,
			       bytes + skip + stripe * stripe_bytes + i * layout->cell_bytes,
			       layout->cell_bytes);
	assert_int_equal(ec_encode_stripes(stand->code, layout, vector, skip, STRIPES,
					   shards + class.data),
			 0);
	for (uint32_t j = 0; j < class.parity; j++)
		for (uint32_t i = 0; i < 30; i++) {
			size_t offset = draw(&stand->model, shard_bytes);

			assert_int_equal(shards[class.data + j][offset],
					 naive_parity(class, shards, offset, j));
		}
	rebuilt = malloc(shard_bytes);
	kept = shards[lost];
	shards[lost] = rebuilt;
	assert_int_equal(ec_decode(stand->code, ((1u << cells) - 1) & ~(1u << lost), 1u << lost,
				   shard_bytes, shards),
			 0);
	assert_memory_equal(rebuilt, kept, shard_bytes);
	free(kept);
	for (uint32_t i = 0; i < cells; i++)
		free(shards[i]);
	free(bytes);
}

/* The same through vectors on all sides, with cells that end early. */
static void
check_vectors(struct stand *stand)
{
	struct ec_class class = stand->layout.class;
	uint32_t cells = ec_class_cells(class), lost = (uint32_t)draw(&stand->model, cells);
	size_t length = draw(&stand->model, 20000);
	uint8_t *bytes[EC_CELLS_MAX], *copy = malloc(length + 1);
	struct ec_vector vectors[EC_CELLS_MAX];
	struct iovec iov[EC_CELLS_MAX][12];

	for (uint32_t i = 0; i < cells; i++) {
		size_t end = draw(&stand->model, 4) ? length : draw(&stand->model, length + 1);

		bytes[i] = calloc(1, length + 1);
		end = i < class.data ? end : length;
		draw_bytes(&stand->model, bytes[i], end);
		vectors[i] = (struct ec_vector){iov[i], scatter(&stand->model, bytes[i], end,
								iov[i], ARRAY_SIZE(iov[i]))};
	}
	assert_int_equal(ec_encode_vectors(stand->code, length, vectors, vectors + class.data), 0);
	for (uint32_t j = 0; j < class.parity && length > 0; j++)
		for (uint32_t i = 0; i < 30; i++) {
			size_t offset = draw(&stand->model, length);

			assert_int_equal(bytes[class.data + j][offset],
					 naive_parity(class, bytes, offset, j));
		}
	memcpy(copy, bytes[lost], length);
	memset(bytes[lost], 0x55, length);
	vectors[lost].count =
		scatter(&stand->model, bytes[lost], length, iov[lost], ARRAY_SIZE(iov[lost]));
	assert_int_equal(ec_decode_vectors(stand->code, ((1u << cells) - 1) & ~(1u << lost),
					   1u << lost, length, vectors),
			 0);
	assert_memory_equal(bytes[lost], copy, length);
	for (uint32_t i = 0; i < cells; i++)
		free(bytes[i]);
	free(copy);
}

/* A value is split, loses as many cells as there are parities, and comes back. */
static void
check_single(struct stand *stand)
{
	struct ec_class class = stand->layout.class;
	uint64_t size = draw(&stand->model, draw(&stand->model, 2) ? 20000 : 80000);
	uint32_t cells = ec_class_cells(class), lost = 0;
	uint8_t *value = malloc(size + 1), *kept[EC_CELLS_MAX];
	struct iovec iov[9];
	struct ec_vector vector = {.iov = iov};
	struct ec_single single;
	uint64_t covered = 0;

	draw_bytes(&stand->model, value, size);
	vector.count = scatter(&stand->model, value, size, iov, ARRAY_SIZE(iov));
	assert_int_equal(ec_single_init(&single, class, size), 0);
	for (uint32_t i = 0; i < cells; i++) {
		struct ec_extent extent = ec_single_extent(&single, i);

		/* Just the bytes of the cell: what goes beyond is found. */
		kept[i] = malloc(extent.count + (extent.count == 0));
		if (i < class.data) {
			assert_int_equal(extent.start, extent.count ? covered : 0);
			memcpy(kept[i], value + extent.start, extent.count);
			covered += extent.count;
		}
		assert_true(!single.split || (extent.count > 0 && extent.count <= single.cell));
	}
	assert_int_equal(covered, size);
	while ((uint32_t)__builtin_popcount(lost) < class.parity)
		lost |= 1u << draw(&stand->model, cells);
	if (single.split) {
		assert_int_equal(ec_single_encode(stand->code, &single, vector, kept + class.data),
				 0);
		for (uint32_t i = 0; i < cells; i++)
			if (lost >> i & 1)
				memset(kept[i], 0x11, ec_single_extent(&single, i).count);
		assert_int_equal(ec_single_decode(stand->code, &single, ((1u << cells) - 1) & ~lost,
						  lost, kept),
				 0);
		for (uint32_t i = 0; i < class.data; i++) {
			struct ec_extent extent = ec_single_extent(&single, i);

			assert_memory_equal(kept[i], value + extent.start, extent.count);
		}
	}
	for (uint32_t i = 0; i < cells; i++)
		free(kept[i]);
	free(value);
}

static void
arithmetic_equals_counting(void **state)
{
	struct stand *stand = *state;

	while (model_goes_on(&stand->model, 95)) {
		stand_open(stand);
		check_places(stand);
		for (uint32_t i = 0; i < 3; i++, stand->extents++) {
			struct ec_extent extent = draw_extent(stand);

			check_split(stand, extent);
			check_walk(stand, extent);
			check_shards(stand, extent);
			if (i == 0)
				check_gather(stand, extent);
		}
		check_encode(stand);
		check_vectors(stand);
		check_single(stand);
		stand_close(stand);
	}
	printf("%llu layouts, %llu extents\n", (unsigned long long)stand->model.rounds - 1,
	       (unsigned long long)stand->extents);
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
		cmocka_unit_test(arithmetic_equals_counting),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
