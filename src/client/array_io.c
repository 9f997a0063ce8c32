/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Reading, writing and punching ranges of arrays: the ranges are cut at the chunks, what is left
 * becomes parts of bounded size, and the parts run side by side.
 */
#include "client/array.h"
#include "client/tx.h"

/* Bytes and extents of a part, parts under way, and ranges of a call. */
#define PART_BYTES (1024u * 1024)
#define PART_EXTENTS 256u
#define PARTS_RUNNING 16u
#define RANGES_MAX (1024u * 1024)

enum array_verb { ARRAY_READ, ARRAY_WRITE, ARRAY_PUNCH };

/* Where the plan stands in the ranges and in the buffers. */
struct plan {
	const daos_array_iod_t *iod;
	uint64_t range;	 /* number of the next one */
	uint64_t done;	 /* cells of it that are planned */
	uint64_t offset; /* bytes of the buffers */
	uint64_t cell_size, chunk_size;
};

struct transfer {
	struct object_use *use;
	enum array_verb verb;
	const struct iovec *iov;
	uint32_t iov_count;
	struct plan plan;
	bool short_read; /* some range was not covered up to its last cell */
};

/* What goes to one chunk in one request. */
struct part {
	struct transfer *transfer;
	uint64_t chunk;
	uint64_t offset; /* bytes of the buffers */
	uint64_t cells;
	uint32_t extent_count;
	struct proto_extent extents[PART_EXTENTS];
};

/* ------------------------------------------------ plan: pure */

/* The next run of cells inside one chunk; false at the end. */
static bool
plan_peek(struct plan *plan, uint64_t *ret_chunk, struct proto_extent *ret_extent)
{
	while (plan->range < plan->iod->arr_nr) {
		const daos_range_t *range = &plan->iod->arr_rgs[plan->range];
		uint64_t index = range->rg_idx + plan->done;

		if (plan->done < range->rg_len) {
			*ret_chunk = index / plan->chunk_size;
			ret_extent->index = index % plan->chunk_size;
			ret_extent->count = min_of(range->rg_len - plan->done,
						   plan->chunk_size - ret_extent->index);
			return true;
		}
		plan->range++;
		plan->done = 0;
	}
	return false;
}

/* Extents of one part come in ascending order, so that none of them overlaps another. */
static bool
part_admits(const struct part *part, uint64_t chunk, const struct proto_extent *extent)
{
	const struct proto_extent *last;

	if (part->extent_count == 0)
		return true;
	last = &part->extents[part->extent_count - 1];
	return chunk == part->chunk && part->extent_count < PART_EXTENTS &&
	       extent->index >= last->index + last->count;
}

/* Fills part with what comes next; false at the end. Cells of a size beyond PART_BYTES go one at a
 * time. */
static bool
plan_next(struct plan *plan, bool bounded, struct part *part)
{
	uint64_t room = bounded ? max_of(PART_BYTES / plan->cell_size, UINT64_C(1)) : UINT64_MAX;
	struct proto_extent extent;
	uint64_t chunk;

	part->extent_count = 0;
	part->cells = 0;
	part->offset = plan->offset;
	while (room > 0 && plan_peek(plan, &chunk, &extent) && part_admits(part, chunk, &extent)) {
		extent.count = min_of(extent.count, room);
		room -= extent.count;
		part->chunk = chunk;
		part->extents[part->extent_count++] = extent;
		part->cells += extent.count;
		plan->done += extent.count;
		plan->offset += extent.count * plan->cell_size;
	}
	return part->extent_count > 0;
}

/* ------------------------------------------------ one part */

/* Whether the last cell of every extent holds data. */
static bool
covered(const struct part *part, const struct objio_akey *akey)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < part->extent_count; i++) {
		uint64_t last = part->extents[i].index + part->extents[i].count - 1;

		while (run < akey->run_count &&
		       akey->runs[run].index + akey->runs[run].count <= last)
			run++;
		if (run == akey->run_count || akey->runs[run].index > last)
			return false;
	}
	return true;
}

static int
part_read(struct part *part, struct objio_key dkey, struct objio_akey *akey)
{
	struct transfer *transfer = part->transfer;
	struct object_use *use = transfer->use;
	uint64_t bytes = part->cells * use->object->cell_size;
	int rc = use_fetch(use, dkey, akey, 1, 0, true);

	if (rc == 0 && akey->record_size != 0 && akey->record_size != use->object->cell_size)
		rc = error_raise(-DER_INVAL, "the array's cells have %llu bytes, not %llu",
				 (unsigned long long)akey->record_size,
				 (unsigned long long)use->object->cell_size);
	if (rc == 0) {
		if (!covered(part, akey))
			transfer->short_read = true;
		iov_zero(akey->payload, akey->payload_count, akey->length, bytes - akey->length);
	}
	arena_free(use->context->env->arena, akey->runs);
	return rc;
}

static int
part_transfer(struct part *part, struct objio_akey *akey)
{
	struct transfer *transfer = part->transfer;
	struct object_use *use = transfer->use;
	uint8_t number[sizeof(uint64_t)];
	struct objio_key dkey = array_dkey(number, part->chunk + 1);

	if (transfer->verb == ARRAY_READ)
		return part_read(part, dkey, akey);
	if (transfer->verb == ARRAY_WRITE)
		akey->record_size = use->object->cell_size;
	return use_update(use, dkey, akey, 1, 0);
}

static int
part_run(void *argument)
{
	struct part *part = argument;
	struct transfer *transfer = part->transfer;
	struct arena *arena = transfer->use->context->env->arena;
	AUTO_FREE struct scoped_block slice = {arena, NULL};
	struct objio_akey akey = {
		.key = array_cells,
		.type = DAOS_IOD_ARRAY,
		.extents = part->extents,
		.extent_count = part->extent_count,
	};

	if (transfer->verb != ARRAY_PUNCH) {
		int count;

		slice.pointer = arena_alloc(arena, transfer->iov_count * sizeof(struct iovec));
		if (slice.pointer == NULL)
			return -DER_NOMEM;
		count = iov_slice(transfer->iov, transfer->iov_count, part->offset,
				  part->cells * transfer->use->object->cell_size, slice.pointer,
				  transfer->iov_count);
		if (count < 0)
			return -DER_INVAL;
		akey.payload = slice.pointer;
		akey.payload_count = (uint32_t)count;
	}
	return part_transfer(part, &akey);
}

/* ------------------------------------------------ all parts */

struct worker {
	struct transfer *transfer;
	int *result; /* of the first that failed; the others stop */
};

static int
worker_run(void *argument)
{
	struct worker *worker = argument;
	struct transfer *transfer = worker->transfer;
	struct arena *arena = transfer->use->context->env->arena;
	AUTO_FREE struct scoped_block block = {arena, arena_alloc(arena, sizeof(struct part))};
	struct part *part = block.pointer;

	if (part == NULL)
		return -DER_NOMEM;
	while (*worker->result == 0 &&
	       plan_next(&transfer->plan, transfer->verb != ARRAY_PUNCH, part)) {
		int rc;

		part->transfer = transfer;
		rc = part_run(part);
		if (rc && *worker->result == 0)
			*worker->result = rc;
		if (rc)
			return rc;
	}
	return 0;
}

/* How many workers a transfer keeps busy. */
static uint32_t
workers_for(const struct plan *plan)
{
	uint64_t cells = 0;
	uint64_t parts;

	for (uint64_t i = 0; i < plan->iod->arr_nr; i++)
		cells += plan->iod->arr_rgs[i].rg_len;
	parts = cells / max_of(min_of(plan->chunk_size, PART_BYTES / plan->cell_size),
			       UINT64_C(1)) +
		plan->iod->arr_nr;
	return (uint32_t)min_of(parts, (uint64_t)PARTS_RUNNING);
}

static int
transfer_run(struct transfer *transfer)
{
	int result = 0;
	struct worker worker = {transfer, &result};
	uint32_t workers = workers_for(&transfer->plan);
	struct fiber_group group;
	int rc;

	/* The first read of a transaction settles the point in time of the others. */
	if (transfer->verb == ARRAY_READ && transfer->use->tx && !tx_is_settled(transfer->use->tx))
		workers = 1;
	if (workers <= 1)
		return worker_run(&worker);
	fiber_group_init(&group);
	/* One starts others; when no more can be started, fewer do. */
	for (uint32_t i = 1; i < workers; i++)
		if (fiber_group_start(&group, "array part", worker_run, &worker) != 0)
			break;
	rc = worker_run(&worker);
	(void)!fiber_group_wait(&group);
	return result ? result : rc;
}

/* ------------------------------------------------ the calls */

static int
check_ranges(const daos_array_iod_t *iod, uint64_t cell_size, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;

	if (iod->arr_nr > RANGES_MAX)
		return -DER_INVAL;
	for (uint64_t i = 0; i < iod->arr_nr; i++) {
		uint64_t end;
		uint64_t length;

		if (__builtin_add_overflow(iod->arr_rgs[i].rg_idx, iod->arr_rgs[i].rg_len, &end) ||
		    __builtin_mul_overflow(iod->arr_rgs[i].rg_len, cell_size, &length) ||
		    __builtin_add_overflow(bytes, length, &bytes))
			return -DER_INVAL;
	}
	*ret_bytes = bytes;
	return 0;
}

/* After a hole was met at the end of a range: how many cells lie before the end of the array. */
static int
note_short_read(struct object_use *use, daos_array_iod_t *iod)
{
	uint64_t size;
	int rc = array_size(use, &size, NULL);

	if (rc)
		return rc;
	for (uint64_t i = 0; i < iod->arr_nr; i++) {
		const daos_range_t *range = &iod->arr_rgs[i];
		uint64_t end = range->rg_idx + range->rg_len;
		uint64_t beyond = end > size ? min_of(end - size, range->rg_len) : 0;

		iod->arr_nr_short_read += beyond;
		iod->arr_nr_read -= beyond;
	}
	return 0;
}

static int
transfer_prepare(struct transfer *transfer, const daos_array_iod_t *iod, const d_sg_list_t *sgl,
		 struct iovec **ret_iov)
{
	struct object_use *use = transfer->use;
	uint64_t bytes;
	int rc = check_ranges(iod, use->object->cell_size, &bytes);

	transfer->plan = (struct plan){.iod = iod,
				       .cell_size = use->object->cell_size,
				       .chunk_size = use->object->chunk_size};
	if (rc || transfer->verb == ARRAY_PUNCH)
		return rc;
	rc = sgl_vector(use->context->env->arena, sgl, transfer->verb == ARRAY_READ, ret_iov,
			&transfer->iov_count);
	if (rc)
		return rc;
	transfer->iov = *ret_iov;
	if (iov_length(transfer->iov, transfer->iov_count) < bytes)
		return error_raise(-DER_INVAL, "the buffers have %zu bytes, the ranges %llu",
				   iov_length(transfer->iov, transfer->iov_count),
				   (unsigned long long)bytes);
	return 0;
}

struct io_arguments {
	daos_handle_t transaction;
	daos_handle_t array;
	enum array_verb verb;
	daos_array_iod_t *iod;
	d_sg_list_t *sgl;
};

static void
note_read(const struct io_arguments *arguments, const struct object_use *use)
{
	uint64_t cells = 0;

	for (uint64_t i = 0; i < arguments->iod->arr_nr; i++)
		cells += arguments->iod->arr_rgs[i].rg_len;
	arguments->iod->arr_nr_read = cells;
	arguments->iod->arr_nr_short_read = 0;
	if (arguments->sgl)
		sgl_filled(arguments->sgl, cells * use->object->cell_size);
}

/*
 * Nothing lies beyond the end of an array: a punch that reaches over it would visit chunks that
 * never were. The ranges of *ret_clipped are from the arena.
 */
static int
clip_punch(struct object_use *use, const daos_array_iod_t *iod, daos_array_iod_t *ret_clipped)
{
	daos_range_t *ranges;
	uint64_t bytes, size, count = 0;
	int rc = check_ranges(iod, use->object->cell_size, &bytes);

	if (rc == 0)
		rc = array_size(use, &size, NULL);
	if (rc)
		return rc;
	ranges = arena_calloc(use->context->env->arena, iod->arr_nr, sizeof(*ranges));
	if (ranges == NULL)
		return -DER_NOMEM;
	for (uint64_t i = 0; i < iod->arr_nr; i++) {
		daos_range_t range = iod->arr_rgs[i];

		if (range.rg_len == 0 || range.rg_idx >= size)
			continue;
		range.rg_len = min_of(range.rg_len, size - range.rg_idx);
		ranges[count++] = range;
	}
	*ret_clipped = (daos_array_iod_t){.arr_nr = count, .arr_rgs = ranges};
	return 0;
}

static int
run_punch(void *argument)
{
	const struct io_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	struct transfer transfer = {.use = &use, .verb = ARRAY_PUNCH};
	daos_array_iod_t clipped;
	struct iovec *iov = NULL;
	int rc = object_begin_change_in(arguments->transaction, arguments->array, DAOS_HTYPE_ARRAY,
					&use);

	if (rc == 0)
		rc = clip_punch(&use, arguments->iod, &clipped);
	if (rc)
		return rc;
	rc = transfer_prepare(&transfer, &clipped, NULL, &iov);
	if (rc == 0)
		rc = transfer_run(&transfer);
	arena_free(use.context->env->arena, iov);
	arena_free(use.context->env->arena, clipped.arr_rgs);
	return rc;
}

static int
run_io(void *argument)
{
	const struct io_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	struct transfer transfer = {.use = &use, .verb = arguments->verb};
	struct iovec *iov = NULL;
	int rc = arguments->verb == ARRAY_READ
			 ? object_begin_in(arguments->transaction, arguments->array,
					   DAOS_HTYPE_ARRAY, &use)
			 : object_begin_change_in(arguments->transaction, arguments->array,
						  DAOS_HTYPE_ARRAY, &use);

	if (rc)
		return rc;
	rc = transfer_prepare(&transfer, arguments->iod, arguments->sgl, &iov);
	if (rc == 0)
		rc = transfer_run(&transfer);
	if (rc == 0 && arguments->verb == ARRAY_READ) {
		note_read(arguments, &use);
		if (transfer.short_read)
			rc = note_short_read(&use, arguments->iod);
	}
	arena_free(use.context->env->arena, iov);
	return rc;
}

static int
start_io(struct io_arguments *arguments, daos_event_t *ev)
{
	int (*run)(void *argument) = arguments->verb == ARRAY_PUNCH ? run_punch : run_io;
	int rc = check_transaction(arguments->transaction);

	if (rc)
		return rc;
	if (arguments->iod == NULL ||
	    (arguments->iod->arr_nr > 0 && arguments->iod->arr_rgs == NULL))
		return -DER_INVAL;
	return client_run(ev, run, arguments, sizeof(*arguments));
}

int
daos_array_read(daos_handle_t oh, daos_handle_t th, daos_array_iod_t *iod, d_sg_list_t *sgl,
		daos_event_t *ev)
{
	struct io_arguments arguments = {th, oh, ARRAY_READ, iod, sgl};

	return start_io(&arguments, ev);
}

int
daos_array_write(daos_handle_t oh, daos_handle_t th, daos_array_iod_t *iod, d_sg_list_t *sgl,
		 daos_event_t *ev)
{
	struct io_arguments arguments = {th, oh, ARRAY_WRITE, iod, sgl};

	return start_io(&arguments, ev);
}

int
daos_array_punch(daos_handle_t oh, daos_handle_t th, daos_array_iod_t *iod, daos_event_t *ev)
{
	struct io_arguments arguments = {th, oh, ARRAY_PUNCH, iod, NULL};

	return start_io(&arguments, ev);
}
