/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The size of an array: what it is, and how it is changed. */
#include "client/array.h"

/* Dkeys looked at in one page, and punched together. */
#define PAGE_DKEYS 256u

int
array_size(struct object_use *use, uint64_t *ret_size, uint64_t *ret_epoch)
{
	struct proto_object_queried result = {0};
	uint64_t size = 0;
	/* The dkeys of an array begin at 1. */
	uint32_t flags = PROTO_QUERY_MAX | PROTO_QUERY_DKEY | PROTO_QUERY_EXTENT |
			 (ret_epoch ? PROTO_QUERY_NEWEST : 0);
	int rc = use_query_key(use, flags, (struct objio_key){0}, array_cells, &result);

	if (rc && rc != -DER_NONEXIST)
		return rc;
	if (rc == 0 && result.dkey > 0)
		size = (result.dkey - 1) * use->object->chunk_size + result.extent.index +
		       result.extent.count;
	*ret_size = size;
	if (ret_epoch)
		*ret_epoch = result.epoch;
	return 0;
}

struct size_arguments {
	daos_handle_t transaction;
	daos_handle_t array;
	daos_size_t *ret_size;
	daos_array_stbuf_t *ret_status;
	daos_size_t size;
};

static int
run_get_size(void *argument)
{
	const struct size_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	uint64_t size, epoch = 0;
	int rc = object_begin_in(arguments->transaction, arguments->array, DAOS_HTYPE_ARRAY, &use);

	if (rc == 0)
		rc = array_size(&use, &size, arguments->ret_status ? &epoch : NULL);
	if (rc)
		return rc;
	if (arguments->ret_size)
		*arguments->ret_size = size;
	if (arguments->ret_status)
		*arguments->ret_status =
			(daos_array_stbuf_t){.st_size = size, .st_max_epoch = epoch};
	return 0;
}

int
daos_array_get_size(daos_handle_t oh, daos_handle_t th, daos_size_t *size, daos_event_t *ev)
{
	struct size_arguments arguments = {.transaction = th, .array = oh, .ret_size = size};
	int rc = check_transaction(th);

	if (rc == 0 && size == NULL)
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_get_size, &arguments, sizeof(arguments));
}

int
daos_array_stat(daos_handle_t oh, daos_handle_t th, daos_array_stbuf_t *stbuf, daos_event_t *ev)
{
	struct size_arguments arguments = {.transaction = th, .array = oh, .ret_status = stbuf};
	int rc = check_transaction(th);

	if (rc == 0 && stbuf == NULL)
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_get_size, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ shrinking */

struct beyond {
	uint64_t first; /* the smallest dkey to go */
	uint32_t count;
	uint64_t numbers[PAGE_DKEYS];
};

static int
take_beyond(void *argument, const struct objio_entry *entry)
{
	struct beyond *beyond = argument;

	if (entry->key.length != sizeof(uint64_t))
		return 0;
	beyond->numbers[beyond->count] = load_u64(entry->key.data);
	if (beyond->numbers[beyond->count] >= beyond->first)
		beyond->count++;
	return 0;
}

static int
punch_page(struct object_use *use, const struct beyond *beyond)
{
	int rc = 0;

	for (uint32_t i = 0; i < beyond->count && rc == 0; i++) {
		uint8_t number[sizeof(uint64_t)];
		struct objio_key dkey = array_dkey(number, beyond->numbers[i]);

		rc = use_punch_dkeys(use, &dkey, 1, 0);
	}
	return rc;
}

/* Punches every dkey from first on. */
static int
punch_beyond(struct object_use *use, uint64_t first)
{
	struct arena *arena = use->context->env->arena;
	AUTO_FREE struct scoped_block position = {
		arena, arena_calloc(arena, 1, sizeof(struct objio_position))};
	AUTO_FREE struct scoped_block block = {arena, arena_alloc(arena, sizeof(struct beyond))};
	struct objio_position *at = position.pointer;
	struct beyond *beyond = block.pointer;
	int rc = at && beyond ? 0 : -DER_NOMEM;

	while (rc == 0 && !at->end) {
		beyond->first = first;
		beyond->count = 0;
		rc = use_list(use, PROTO_LIST_DKEYS, (struct objio_key){0}, (struct objio_key){0},
			      PAGE_DKEYS, at, take_beyond, beyond);
		if (rc == 0)
			rc = punch_page(use, beyond);
	}
	return rc;
}

/* Punches the cells of one chunk from offset on. */
static int
punch_tail(struct object_use *use, uint64_t chunk, uint64_t offset)
{
	uint8_t number[sizeof(uint64_t)];
	struct proto_extent extent = {offset, use->object->chunk_size - offset};
	struct objio_akey akey = {
		.key = array_cells,
		.type = DAOS_IOD_ARRAY,
		.extents = &extent,
		.extent_count = 1,
	};

	return use_update(use, array_dkey(number, chunk + 1), &akey, 1, 0);
}

static int
shrink(struct object_use *use, uint64_t size)
{
	uint64_t chunk = size / use->object->chunk_size;
	uint64_t offset = size % use->object->chunk_size;
	int rc;

	if (size == 0 && object_id_type(use->object->id) != DAOS_OT_ARRAY)
		return use_punch_object(use, 0);
	rc = punch_beyond(use, chunk + 1 + (offset > 0));
	return rc == 0 && offset > 0 && !BUG(18) ? punch_tail(use, chunk, offset) : rc;
}

/* ------------------------------------------------ growing */

/* The last cell is written as zeros, so that the array ends there. */
static int
grow(struct object_use *use, uint64_t size)
{
	struct arena *arena = use->context->env->arena;
	uint64_t cell_size = use->object->cell_size;
	AUTO_FREE struct scoped_block zeros = {arena, arena_calloc(arena, 1, cell_size)};
	struct iovec payload = {zeros.pointer, cell_size};
	uint8_t number[sizeof(uint64_t)];
	uint64_t chunk = (size - 1) / use->object->chunk_size;
	struct proto_extent extent = {(size - 1) % use->object->chunk_size, 1};
	struct objio_akey akey = {
		.key = array_cells,
		.type = DAOS_IOD_ARRAY,
		.record_size = cell_size,
		.extents = &extent,
		.extent_count = 1,
		.payload = &payload,
		.payload_count = 1,
	};

	if (zeros.pointer == NULL)
		return -DER_NOMEM;
	return use_update(use, array_dkey(number, chunk + 1), &akey, 1, 0);
}

/* How long the array is without what lies beyond size. A transaction does not see its own punches:
 * the array ends there if the last cell before holds something. */
static int
size_after_shrink(struct object_use *use, uint64_t size, uint64_t *ret_size)
{
	uint8_t number[sizeof(uint64_t)];
	uint64_t last = size - 1;
	struct proto_extent extent = {last % use->object->chunk_size, 1};
	AUTO_FREE struct scoped_block cell = {use->context->env->arena, NULL};
	struct iovec payload = {NULL, use->object->cell_size};
	struct objio_akey akey = {
		.key = array_cells,
		.type = DAOS_IOD_ARRAY,
		.extents = &extent,
		.extent_count = 1,
		.payload = &payload,
		.payload_count = 1,
	};
	int rc;

	if (use->tx == NULL || size == 0)
		return array_size(use, ret_size, NULL);
	cell.pointer = payload.iov_base = arena_alloc(cell.arena, payload.iov_len);
	if (cell.pointer == NULL)
		return -DER_NOMEM;
	rc = use_fetch(use, array_dkey(number, last / use->object->chunk_size + 1), &akey, 1, 0,
		       true);
	if (rc)
		return rc;
	*ret_size = akey.run_count > 0 ? size : 0;
	arena_free(cell.arena, akey.runs);
	return 0;
}

static int
run_set_size(void *argument)
{
	const struct size_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	uint64_t size;
	int rc = object_begin_change_in(arguments->transaction, arguments->array, DAOS_HTYPE_ARRAY,
					&use);

	if (rc == 0)
		rc = array_size(&use, &size, NULL);
	if (rc == 0 && size > arguments->size) {
		rc = shrink(&use, arguments->size);
		/* Before the new end there may be a hole. */
		if (rc == 0)
			rc = size_after_shrink(&use, arguments->size, &size);
		if (rc == 0 && arguments->size == 0)
			return 0;
	}
	if (rc == 0 && size < arguments->size)
		rc = grow(&use, arguments->size);
	return rc;
}

int
daos_array_set_size(daos_handle_t oh, daos_handle_t th, daos_size_t size, daos_event_t *ev)
{
	struct size_arguments arguments = {.transaction = th, .array = oh, .size = size};
	int rc = check_transaction(th);

	return rc ? rc : client_run(ev, run_set_size, &arguments, sizeof(arguments));
}
