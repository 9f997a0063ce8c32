/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Arrays: cells of one size in chunks; chunk i lies under integer dkey i + 1 in one fixed akey,
 * whose records are the cells. Dkey 0 holds cell and chunk size of an array that keeps them.
 */
#include <stdlib.h>

#include "client/array.h"

const struct objio_key array_cells = {"0", 1};

#define METADATA_AKEY "daos_array_metadata"
#define METADATA_MAGIC UINT64_C(0xdaca55a9daca55a9)
#define METADATA_SIZE 24u

struct objio_key
array_dkey(uint8_t buffer[sizeof(uint64_t)], uint64_t number)
{
	store_u64(buffer, number);
	return (struct objio_key){.data = buffer, .length = sizeof(uint64_t)};
}

/* ------------------------------------------------ what an array keeps of itself */

static int
metadata_store(struct object_use *use, uint64_t cell_size, uint64_t chunk_size)
{
	uint8_t bytes[METADATA_SIZE];
	uint8_t number[sizeof(uint64_t)];
	struct iovec payload = {bytes, sizeof(bytes)};
	struct objio_akey akey = {
		.key = {METADATA_AKEY, sizeof(METADATA_AKEY) - 1},
		.type = DAOS_IOD_SINGLE,
		.record_size = sizeof(bytes),
		.payload = &payload,
		.payload_count = 1,
	};

	store_u64(bytes, METADATA_MAGIC);
	store_u64(bytes + 8, cell_size);
	store_u64(bytes + 16, chunk_size);
	return use_update(use, array_dkey(number, 0), &akey, 1, DAOS_COND_DKEY_INSERT);
}

static int
metadata_load(struct object_use *use, uint64_t *ret_cell_size, uint64_t *ret_chunk_size)
{
	uint8_t bytes[METADATA_SIZE];
	uint8_t number[sizeof(uint64_t)];
	struct iovec payload = {bytes, sizeof(bytes)};
	struct objio_akey akey = {
		.key = {METADATA_AKEY, sizeof(METADATA_AKEY) - 1},
		.type = DAOS_IOD_SINGLE,
		.payload = &payload,
		.payload_count = 1,
	};
	int rc = use_fetch(use, array_dkey(number, 0), &akey, 1, 0, false);

	if (rc && rc != -DER_TRUNC)
		return rc;
	if (akey.record_size == 0)
		return -DER_NONEXIST;
	if (akey.record_size != METADATA_SIZE || load_u64(bytes) != METADATA_MAGIC ||
	    load_u64(bytes + 8) == 0 || load_u64(bytes + 16) == 0)
		return error_raise(-DER_NONEXIST,
				   "the object is no array: its first dkey holds something else");
	*ret_cell_size = load_u64(bytes + 8);
	*ret_chunk_size = load_u64(bytes + 16);
	return 0;
}

/* ------------------------------------------------ create, open, close */

struct open_arguments {
	daos_handle_t transaction;
	daos_handle_t container;
	daos_obj_id_t oid;
	uint32_t mode;
	daos_size_t cell_size, chunk_size;
	daos_size_t *ret_cell_size, *ret_chunk_size;
	daos_handle_t *ret_handle;
};

/* An array object with a cookie; its sizes are still to be set where both are 0. */
static int
array_open(const struct open_arguments *arguments, struct client_object **ret_array)
{
	struct client_object *array;
	int rc = object_open(arguments->container, arguments->oid, arguments->mode,
			     DAOS_HTYPE_ARRAY, &array);

	if (rc)
		return rc;
	array->cell_size = arguments->cell_size;
	array->chunk_size = arguments->chunk_size;
	*ret_array = array;
	return object_publish(array, arguments->ret_handle);
}

static int
run_create(void *argument)
{
	const struct open_arguments *arguments = argument;
	struct client_object *array;
	int rc = array_open(arguments, &array);

	if (rc)
		return rc;
	{
		SCOPED_USE use = {.object = NULL};

		rc = object_begin_change_in(arguments->transaction, *arguments->ret_handle,
					    DAOS_HTYPE_ARRAY, &use);
		if (rc == 0)
			rc = metadata_store(&use, arguments->cell_size, arguments->chunk_size);
	}
	if (rc)
		(void)!object_close(*arguments->ret_handle, DAOS_HTYPE_ARRAY);
	return rc;
}

int
daos_array_create(daos_handle_t coh, daos_obj_id_t oid, daos_handle_t th, daos_size_t cell_size,
		  daos_size_t chunk_size, daos_handle_t *oh, daos_event_t *ev)
{
	struct open_arguments arguments = {
		.transaction = th,
		.container = coh,
		.oid = oid,
		.mode = DAOS_OO_RW,
		.cell_size = cell_size,
		.chunk_size = chunk_size,
		.ret_handle = oh,
	};
	int rc = check_transaction(th);

	if (rc)
		return rc;
	if (oh == NULL || cell_size == 0 || chunk_size == 0 ||
	    daos_obj_id2type(oid) != DAOS_OT_ARRAY)
		return -DER_INVAL;
	return client_run(ev, run_create, &arguments, sizeof(arguments));
}

static int
load_sizes(const struct open_arguments *arguments)
{
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin_in(arguments->transaction, *arguments->ret_handle, DAOS_HTYPE_ARRAY,
				 &use);

	if (rc == 0)
		rc = metadata_load(&use, &use.object->cell_size, &use.object->chunk_size);
	if (rc)
		return rc;
	*arguments->ret_cell_size = use.object->cell_size;
	*arguments->ret_chunk_size = use.object->chunk_size;
	return 0;
}

static int
run_open(void *argument)
{
	const struct open_arguments *arguments = argument;
	struct client_object *array;
	int rc = array_open(arguments, &array);

	if (rc)
		return rc;
	rc = arguments->ret_cell_size ? load_sizes(arguments) : 0;
	if (rc)
		(void)!object_close(*arguments->ret_handle, DAOS_HTYPE_ARRAY);
	return rc;
}

int
daos_array_open(daos_handle_t coh, daos_obj_id_t oid, daos_handle_t th, unsigned int mode,
		daos_size_t *cell_size, daos_size_t *chunk_size, daos_handle_t *oh,
		daos_event_t *ev)
{
	struct open_arguments arguments = {
		.transaction = th,
		.container = coh,
		.oid = oid,
		.mode = mode,
		.ret_cell_size = cell_size,
		.ret_chunk_size = chunk_size,
		.ret_handle = oh,
	};
	int rc = check_transaction(th);

	if (rc)
		return rc;
	if (oh == NULL || cell_size == NULL || chunk_size == NULL ||
	    daos_obj_id2type(oid) != DAOS_OT_ARRAY)
		return -DER_INVAL;
	return client_run(ev, run_open, &arguments, sizeof(arguments));
}

int
daos_array_open_with_attr(daos_handle_t coh, daos_obj_id_t oid, daos_handle_t th, unsigned int mode,
			  daos_size_t cell_size, daos_size_t chunk_size, daos_handle_t *oh,
			  daos_event_t *ev)
{
	struct open_arguments arguments = {
		.transaction = th,
		.container = coh,
		.oid = oid,
		.mode = mode,
		.cell_size = cell_size,
		.chunk_size = chunk_size,
		.ret_handle = oh,
	};
	int rc = check_transaction(th);

	if (rc)
		return rc;
	if (oh == NULL || cell_size == 0 || chunk_size == 0 || !daos_is_array(oid) ||
	    daos_obj_id2type(oid) == DAOS_OT_ARRAY)
		return -DER_INVAL;
	return client_run(ev, run_open, &arguments, sizeof(arguments));
}

static int
run_close(void *argument)
{
	return object_close(*(daos_handle_t *)argument, DAOS_HTYPE_ARRAY);
}

int
daos_array_close(daos_handle_t oh, daos_event_t *ev)
{
	return client_run(ev, run_close, &oh, sizeof(oh));
}

struct destroy_arguments {
	daos_handle_t transaction;
	daos_handle_t array;
};

static int
run_destroy(void *argument)
{
	const struct destroy_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin_change_in(arguments->transaction, arguments->array, DAOS_HTYPE_ARRAY,
					&use);

	return rc ? rc : use_punch_object(&use, 0);
}

int
daos_array_destroy(daos_handle_t oh, daos_handle_t th, daos_event_t *ev)
{
	struct destroy_arguments arguments = {th, oh};
	int rc = check_transaction(th);

	return rc ? rc : client_run(ev, run_destroy, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ local */

int
daos_array_get_attr(daos_handle_t oh, daos_size_t *chunk_size, daos_size_t *cell_size)
{
	SCOPED_OBJECT array = NULL;
	int rc = chunk_size && cell_size ? client_object_get(oh, DAOS_HTYPE_ARRAY, &array)
					 : -DER_INVAL;

	if (rc)
		return rc;
	*chunk_size = array->chunk_size;
	*cell_size = array->cell_size;
	return 0;
}

int
daos_array_update_chunk_size(daos_handle_t oh, daos_size_t chunk_size)
{
	SCOPED_OBJECT array = NULL;
	int rc = chunk_size ? client_object_get(oh, DAOS_HTYPE_ARRAY, &array) : -DER_INVAL;

	if (rc == 0)
		array->chunk_size = chunk_size;
	return rc;
}

/* ------------------------------------------------ handles for other processes */

#define ARRAY_BLOB_MAGIC UINT32_C(0x59415252)
/* Magic, version, container, object id, sizes. */
#define ARRAY_BLOB_SIZE (4u + 4 + 16 + 16 + 16)

int
daos_array_local2global(daos_handle_t oh, d_iov_t *glob)
{
	SCOPED_OBJECT array = NULL;
	struct writer writer;
	int rc = glob ? client_object_get(oh, DAOS_HTYPE_ARRAY, &array) : -DER_INVAL;

	if (rc)
		return rc;
	if (glob->iov_buf == NULL || glob->iov_buf_len < ARRAY_BLOB_SIZE) {
		rc = glob->iov_buf ? -DER_TRUNC : 0;
		glob->iov_buf_len = ARRAY_BLOB_SIZE;
		return rc;
	}
	writer_init(&writer, glob->iov_buf, glob->iov_buf_len);
	writer_u32(&writer, ARRAY_BLOB_MAGIC);
	writer_u32(&writer, 1);
	proto_uuid_encode(array->container->id, &writer);
	writer_u64(&writer, array->id.lo);
	writer_u64(&writer, array->id.hi);
	writer_u64(&writer, array->cell_size);
	writer_u64(&writer, array->chunk_size);
	glob->iov_len = writer.position;
	return 0;
}

int
daos_array_global2local(daos_handle_t coh, d_iov_t glob, unsigned int mode, daos_handle_t *oh)
{
	struct open_arguments arguments = {.container = coh, .mode = mode, .ret_handle = oh};
	struct client_object *array;
	struct reader reader;
	struct uuid container;
	struct uuid expected = client_container_id(coh);

	if (glob.iov_buf == NULL || oh == NULL)
		return -DER_INVAL;
	reader_init(&reader, glob.iov_buf, glob.iov_len);
	if (reader_u32(&reader) != ARRAY_BLOB_MAGIC || reader_u32(&reader) != 1)
		return -DER_INVAL;
	container = proto_uuid_decode(&reader);
	arguments.oid.lo = reader_u64(&reader);
	arguments.oid.hi = reader_u64(&reader);
	arguments.cell_size = reader_u64(&reader);
	arguments.chunk_size = reader_u64(&reader);
	if (reader.failed || !uuid_equal(&container, &expected) || arguments.cell_size == 0 ||
	    arguments.chunk_size == 0)
		return -DER_INVAL;
	return array_open(&arguments, &array);
}
