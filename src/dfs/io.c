/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Data of files. */
#include "dfs/private.h"

struct io_call {
	dfs_obj_t *object;
	daos_range_t range; /* used when ranges is NULL */
	daos_size_t range_count;
	daos_range_t *ranges;
	d_sg_list_t *sgl;
	daos_size_t *ret_size;
};

static daos_size_t
sgl_length(const d_sg_list_t *sgl)
{
	daos_size_t length = 0;

	for (uint32_t i = 0; i < sgl->sg_nr; i++)
		length += sgl->sg_iovs[i].iov_len;
	return length;
}

static daos_array_iod_t
io_ranges(struct io_call *call)
{
	return (daos_array_iod_t){
		.arr_nr = call->ranges ? call->range_count : 1,
		.arr_rgs = call->ranges ? call->ranges : &call->range,
	};
}

static bool
io_is_empty(const daos_array_iod_t *iod)
{
	for (daos_size_t i = 0; i < iod->arr_nr; i++) {
		if (iod->arr_rgs[i].rg_len > 0)
			return false;
	}
	return true;
}

static int
read_run(void *arguments)
{
	struct io_call *call = arguments;
	daos_array_iod_t iod = io_ranges(call);
	int rc = 0;

	orphans_renew(call->object->dfs);
	if (!io_is_empty(&iod))
		rc = daos_array_read(call->object->array, DAOS_TX_NONE, &iod, call->sgl, NULL);
	if (rc == 0)
		*call->ret_size = iod.arr_nr_read;
	return file_errno(rc);
}

static int
write_run(void *arguments)
{
	struct io_call *call = arguments;
	daos_array_iod_t iod = io_ranges(call);

	orphans_renew(call->object->dfs);
	if (io_is_empty(&iod))
		return 0;
	return file_errno(
		daos_array_write(call->object->array, DAOS_TX_NONE, &iod, call->sgl, NULL));
}

static int
io_check(dfs_t *dfs, dfs_obj_t *obj, bool writes)
{
	if (dfs == NULL || obj == NULL || !S_ISREG(obj->mode))
		return EINVAL;
	if (writes && (dfs->read_only || (obj->flags & O_ACCMODE) == O_RDONLY))
		return EPERM;
	return 0;
}

int
dfs_read(dfs_t *dfs, dfs_obj_t *obj, d_sg_list_t *sgl, daos_off_t off, daos_size_t *read_size,
	 daos_event_t *ev)
{
	struct io_call call = {.object = obj, .sgl = sgl, .ret_size = read_size};
	int rc = io_check(dfs, obj, false);

	if (rc || sgl == NULL || read_size == NULL)
		return EINVAL;
	call.range = (daos_range_t){.rg_idx = off, .rg_len = sgl_length(sgl)};
	return file_launch(ev, read_run, &call, sizeof(call));
}

int
dfs_readx(dfs_t *dfs, dfs_obj_t *obj, dfs_iod_t *iod, d_sg_list_t *sgl, daos_size_t *read_size,
	  daos_event_t *ev)
{
	struct io_call call = {.object = obj, .sgl = sgl, .ret_size = read_size};
	int rc = io_check(dfs, obj, false);

	if (rc || iod == NULL || sgl == NULL || read_size == NULL ||
	    (iod->iod_nr > 0 && iod->iod_rgs == NULL))
		return EINVAL;
	call.range_count = iod->iod_nr;
	call.ranges = iod->iod_rgs ? iod->iod_rgs : &call.range;
	if (iod->iod_nr == 0)
		call.ranges = NULL;
	return file_launch(ev, read_run, &call, sizeof(call));
}

int
dfs_write(dfs_t *dfs, dfs_obj_t *obj, d_sg_list_t *sgl, daos_off_t off, daos_event_t *ev)
{
	struct io_call call = {.object = obj, .sgl = sgl};
	int rc = io_check(dfs, obj, true);

	if (rc)
		return rc;
	if (sgl == NULL)
		return EINVAL;
	call.range = (daos_range_t){.rg_idx = off, .rg_len = sgl_length(sgl)};
	if (off + call.range.rg_len < off)
		return EFBIG;
	return file_launch(ev, write_run, &call, sizeof(call));
}

int
dfs_writex(dfs_t *dfs, dfs_obj_t *obj, dfs_iod_t *iod, d_sg_list_t *sgl, daos_event_t *ev)
{
	struct io_call call = {.object = obj, .sgl = sgl};
	int rc = io_check(dfs, obj, true);

	if (rc)
		return rc;
	if (iod == NULL || sgl == NULL || (iod->iod_nr > 0 && iod->iod_rgs == NULL))
		return EINVAL;
	call.range_count = iod->iod_nr;
	call.ranges = iod->iod_nr > 0 ? iod->iod_rgs : NULL;
	return file_launch(ev, write_run, &call, sizeof(call));
}

/* ------------------------------------------------ append */

/* What one transaction takes besides; a longer append only reserves its place in one. */
#define APPEND_WHOLE (UINT64_C(3) << 20)

struct append_call {
	struct io_call io;
	daos_off_t *ret_offset;
};

static int
write_within(struct io_call *call, daos_handle_t transaction, uint64_t offset, d_sg_list_t *sgl)
{
	daos_range_t range = {.rg_idx = offset, .rg_len = sgl_length(sgl)};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};

	return daos_array_write(call->object->array, transaction, &iod, sgl, NULL);
}

/* The end of the file is read and moved in one transaction, so that two appends never meet. */
static int
append_within(void *argument, daos_handle_t transaction)
{
	struct io_call *call = argument;
	uint64_t length = call->range.rg_len;
	char end = 0;
	d_iov_t iov = {&end, 1, 1};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size;
	int rc = daos_array_get_size(call->object->array, transaction, &size, NULL);

	if (rc)
		return rc;
	if (size + length < size)
		return file_error(EFBIG);
	call->range.rg_idx = size;
	if (length <= APPEND_WHOLE)
		return write_within(call, transaction, size, call->sgl);
	return write_within(call, transaction, size + length - 1, &sgl);
}

/* A crash in the middle of a long append leaves zeros in its place. */
static int
append_run(void *arguments)
{
	struct append_call *call = arguments;
	int rc;

	orphans_renew(call->io.object->dfs);
	if (call->io.range.rg_len == 0)
		rc = daos_array_get_size(call->io.object->array, DAOS_TX_NONE,
					 &call->io.range.rg_idx, NULL);
	else
		rc = transaction_run(call->io.object->dfs, append_within, &call->io);
	if (rc == 0 && call->io.range.rg_len > APPEND_WHOLE)
		rc = write_within(&call->io, DAOS_TX_NONE, call->io.range.rg_idx, call->io.sgl);
	if (rc == 0 && call->ret_offset)
		*call->ret_offset = call->io.range.rg_idx;
	return file_errno(rc);
}

int
dfs_append(dfs_t *dfs, dfs_obj_t *obj, d_sg_list_t *sgl, daos_off_t *ret_offset, daos_event_t *ev)
{
	struct append_call call = {.io = {.object = obj, .sgl = sgl}, .ret_offset = ret_offset};
	int rc = io_check(dfs, obj, true);

	if (rc)
		return rc;
	if (sgl == NULL || (sgl->sg_nr > 0 && sgl->sg_iovs == NULL))
		return EINVAL;
	call.io.range.rg_len = sgl_length(sgl);
	return file_launch(ev, append_run, &call, sizeof(call));
}

/* ------------------------------------------------ sizes */

struct size_call {
	dfs_t *dfs;
	dfs_obj_t *object;
	struct inode inode;
	daos_size_t *ret_size;
};

static int
size_run(void *arguments)
{
	struct size_call *call = arguments;

	return daos_array_get_size(call->object->array, DAOS_TX_NONE, call->ret_size, NULL);
}

int
dfs_get_size(dfs_t *dfs, dfs_obj_t *obj, daos_size_t *size)
{
	struct size_call call = {.dfs = dfs, .object = obj, .ret_size = size};

	if (size == NULL || io_check(dfs, obj, false))
		return EINVAL;
	return file_run(size_run, &call);
}

static int
size_by_id_run(void *arguments)
{
	struct size_call *call = arguments;
	uint64_t epoch;

	return object_measure(call->dfs, &call->inode, DAOS_HDL_INVAL, call->ret_size, &epoch);
}

int
dfs_get_size_by_oid(dfs_t *dfs, daos_obj_id_t oid, daos_size_t chunk_size, daos_size_t *size)
{
	struct size_call call = {
		.dfs = dfs,
		.inode = {.mode = S_IFREG, .oid = oid, .chunk_size = chunk_size},
		.ret_size = size,
	};

	if (dfs == NULL || size == NULL || !daos_is_array(oid))
		return EINVAL;
	if (chunk_size == 0)
		call.inode.chunk_size = dfs->super.chunk_size;
	return file_run(size_by_id_run, &call);
}

struct punch_call {
	dfs_obj_t *object;
	daos_off_t offset;
	daos_size_t length;
};

/* What is cut off leaves nothing behind that would tell when it was. */
static int
cut(dfs_obj_t *object, uint64_t size)
{
	AUTO_PLACE struct place *place = object_place(object);
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct inode inode;
	int rc = daos_array_set_size(object->array, DAOS_TX_NONE, size, NULL);

	if (rc == 0)
		rc = home_fetch(object->dfs, DAOS_TX_NONE, place, &home, &inode);
	if (rc == 0) {
		inode_touch(&inode);
		inode.mtime = inode.ctime;
		rc = entry_update(home.name, &inode, FIELD_MTIME);
	}
	/* A file without a name any more may have no time to keep. */
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* A hole that reaches the end shortens the file. */
static int
punch_run(void *arguments)
{
	struct punch_call *call = arguments;
	daos_handle_t array = call->object->array;
	daos_range_t range = {.rg_idx = call->offset, .rg_len = call->length};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	daos_size_t size;
	int rc;

	if (call->length == DFS_MAX_FSIZE)
		return cut(call->object, call->offset);
	rc = daos_array_get_size(array, DAOS_TX_NONE, &size, NULL);
	if (rc || size <= call->offset || call->length == 0)
		return rc;
	if (call->length >= size - call->offset)
		return cut(call->object, call->offset);
	return daos_array_punch(array, DAOS_TX_NONE, &iod, NULL);
}

int
dfs_punch(dfs_t *dfs, dfs_obj_t *obj, daos_off_t offset, daos_size_t len)
{
	struct punch_call call = {obj, offset, len};
	int rc = io_check(dfs, obj, true);

	return rc ? rc : file_run(punch_run, &call);
}

/* ------------------------------------------------ flat buffers */

struct flat_call {
	struct io_call io;
	d_iov_t iov;
	d_sg_list_t sgl;
};

/* The arguments may have been copied: what lies inside is tied together here. */
static void
flat_tie(struct flat_call *call)
{
	call->sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &call->iov};
	call->io.sgl = &call->sgl;
}

static int
flat_read_run(void *arguments)
{
	flat_tie(arguments);
	return read_run(&((struct flat_call *)arguments)->io);
}

static int
flat_write_run(void *arguments)
{
	flat_tie(arguments);
	return write_run(&((struct flat_call *)arguments)->io);
}

int
file_read_flat(dfs_obj_t *obj, void *buffer, uint64_t offset, daos_size_t *size,
	       daos_event_t *event)
{
	struct flat_call call = {.io = {.object = obj, .ret_size = size}};
	int rc = io_check(obj->dfs, obj, false);

	if (rc)
		return rc;
	call.io.range = (daos_range_t){.rg_idx = offset, .rg_len = *size};
	d_iov_set(&call.iov, buffer, *size);
	return file_launch(event, flat_read_run, &call, sizeof(call));
}

int
file_write_flat(dfs_obj_t *obj, const void *buffer, uint64_t offset, const daos_size_t *size,
		daos_event_t *event)
{
	struct flat_call call = {.io = {.object = obj}};
	int rc = io_check(obj->dfs, obj, true);

	if (rc)
		return rc;
	if (offset + *size < offset)
		return EFBIG;
	call.io.range = (daos_range_t){.rg_idx = offset, .rg_len = *size};
	call.iov = (d_iov_t){.iov_buf_len = *size, .iov_len = *size};
	/* d_iov_t has no form for what is only read. */
	memcpy(&call.iov.iov_buf, &buffer, sizeof(buffer));
	return file_launch(event, flat_write_run, &call, sizeof(call));
}
