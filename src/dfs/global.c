/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Mounts and open files as bytes that another process, or this one, makes them of again. Little-
 * endian; each form begins with its own magic number.
 */
#include "dfs/private.h"

#define MOUNT_MAGIC 0x6d736664u	 /* "dfsm" */
#define ALL_MAGIC 0x61736664u	 /* "dfsa" */
#define OBJECT_MAGIC 0x6f736664u /* "dfso" */

#define SUPER_SIZE (16 + 8 + 4 * 4 + DAOS_CONT_HINT_MAX_LEN)
#define MOUNT_SIZE (4 + 16 + 8 + SUPER_SIZE + INODE_SIZE)
#define OBJECT_SIZE (4 + 16 + 16 + 4 + 8 + 4 + 4 + DFS_MAX_NAME + 1)

/* ------------------------------------------------ mounts */

static void
mount_encode(const struct dfs *dfs, struct writer *writer)
{
	struct uuid id = client_container_id(dfs->container);
	const struct super *super = &dfs->super;
	struct inode root = {
		.mode = S_IFDIR,
		.oid = dfs->root->oid,
		.class = dfs->root_object->class,
		.chunk_size = dfs->root_object->chunk_size,
	};
	uint8_t bytes[INODE_SIZE];

	inode_encode(&root, bytes);
	writer_u32(writer, MOUNT_MAGIC);
	writer_bytes(writer, id.bytes, sizeof(id.bytes));
	writer_u64(writer, dfs->snapshot);
	writer_u64(writer, super->id.lo);
	writer_u64(writer, super->id.hi);
	writer_u64(writer, super->chunk_size);
	writer_u32(writer, super->class);
	writer_u32(writer, super->dir_class);
	writer_u32(writer, super->file_class);
	writer_u32(writer, super->mode);
	writer_bytes(writer, super->hints, sizeof(super->hints));
	writer_bytes(writer, bytes, sizeof(bytes));
}

static int
mount_decode(struct reader *reader, struct uuid *ret_id, uint64_t *ret_snapshot,
	     struct super *ret_super, struct inode *ret_root)
{
	struct super super = {.chunk_size = 0};
	uint8_t bytes[INODE_SIZE];
	uint64_t snapshot;
	struct uuid id;

	if (reader_u32(reader) != MOUNT_MAGIC)
		return -DER_INVAL;
	reader_copy(reader, id.bytes, sizeof(id.bytes));
	snapshot = reader_u64(reader);
	super.id.lo = reader_u64(reader);
	super.id.hi = reader_u64(reader);
	super.chunk_size = reader_u64(reader);
	super.class = reader_u32(reader);
	super.dir_class = reader_u32(reader);
	super.file_class = reader_u32(reader);
	super.mode = reader_u32(reader);
	reader_copy(reader, super.hints, sizeof(super.hints));
	super.hints[sizeof(super.hints) - 1] = '\0';
	reader_copy(reader, bytes, sizeof(bytes));
	if (reader->failed || super.chunk_size == 0)
		return -DER_INVAL;
	*ret_id = id;
	*ret_snapshot = snapshot;
	*ret_super = super;
	return inode_decode(bytes, sizeof(bytes), ret_root);
}

/* Room for size bytes in glob: true when it only asks for the size. TRUNC: too small. */
static bool
glob_asks(d_iov_t *glob, size_t size, int *ret_rc)
{
	bool asks = glob->iov_buf == NULL;

	*ret_rc = !asks && glob->iov_buf_len < size ? -DER_TRUNC : 0;
	if (asks)
		glob->iov_buf_len = size;
	return asks || *ret_rc;
}

int
dfs_local2global(dfs_t *dfs, d_iov_t *glob)
{
	struct writer writer;
	int rc;

	if (dfs == NULL || glob == NULL)
		return EINVAL;
	if (glob_asks(glob, MOUNT_SIZE, &rc))
		return file_errno(rc);
	writer_init(&writer, glob->iov_buf, glob->iov_buf_len);
	mount_encode(dfs, &writer);
	ASSERT(!writer.failed && writer.position == MOUNT_SIZE);
	glob->iov_len = writer.position;
	return 0;
}

struct global_call {
	daos_handle_t pool, container;
	int flags;
	d_iov_t glob;
	dfs_t *dfs;
	dfs_obj_t *object;
	dfs_t **ret_dfs;
	dfs_obj_t **ret_object;
};

static int
import_mount(const struct global_call *call, struct reader *reader)
{
	struct uuid id, own = client_container_id(call->container);
	struct super super;
	struct inode root;
	uint64_t snapshot;
	int rc = mount_decode(reader, &id, &snapshot, &super, &root);

	if (rc)
		return rc;
	if (!uuid_equal(&id, &own))
		return error_raise(-DER_INVAL, "the mount is of another container");
	if (snapshot && (call->flags & O_ACCMODE) != O_RDONLY)
		return error_raise(-DER_INVAL, "a snapshot is not written to");
	if (snapshot)
		return mount_open_at(call->pool, call->container, snapshot, NULL, call->ret_dfs);
	return mount_create(call->pool, call->container, call->flags, &super, &root, call->ret_dfs);
}

static int
import_run(void *arguments)
{
	struct global_call *call = arguments;
	struct reader reader;

	reader_init(&reader, call->glob.iov_buf, call->glob.iov_len);
	return import_mount(call, &reader);
}

int
dfs_global2local(daos_handle_t poh, daos_handle_t coh, int flags, d_iov_t glob, dfs_t **dfs)
{
	struct global_call call = {
		.pool = poh, .container = coh, .flags = flags, .glob = glob, .ret_dfs = dfs};

	if (dfs == NULL || glob.iov_buf == NULL)
		return EINVAL;
	return file_run(import_run, &call);
}

/* ------------------------------------------------ pool, container and mount together */

struct parts {
	d_iov_t pool, container;
};

static int
parts_size(const struct dfs *dfs, struct parts *ret_parts)
{
	struct parts parts = {.pool = {NULL, 0, 0}, .container = {NULL, 0, 0}};
	int rc = daos_pool_local2global(dfs->pool, &parts.pool);

	if (rc == 0)
		rc = daos_cont_local2global(dfs->given, &parts.container);
	if (rc == 0)
		*ret_parts = parts;
	return rc;
}

/* Both handles, each with its length before it, in one buffer of the right size. */
static int
export_parts(const struct dfs *dfs, struct parts *parts, struct writer *writer)
{
	int rc;

	writer_u32(writer, ALL_MAGIC);
	writer_u32(writer, (uint32_t)parts->pool.iov_buf_len);
	parts->pool.iov_buf = writer_reserve(writer, parts->pool.iov_buf_len);
	writer_u32(writer, (uint32_t)parts->container.iov_buf_len);
	parts->container.iov_buf = writer_reserve(writer, parts->container.iov_buf_len);
	if (writer->failed)
		return -DER_TRUNC;
	rc = daos_pool_local2global(dfs->pool, &parts->pool);
	return rc ? rc : daos_cont_local2global(dfs->given, &parts->container);
}

static int
export_all_run(void *arguments)
{
	struct global_call *call = arguments;
	struct writer writer;
	struct parts parts;
	size_t size;
	int rc = parts_size(call->dfs, &parts);

	if (rc)
		return rc;
	size = 12 + parts.pool.iov_buf_len + parts.container.iov_buf_len + MOUNT_SIZE;
	if (glob_asks(&call->glob, size, &rc))
		return rc;
	writer_init(&writer, call->glob.iov_buf, call->glob.iov_buf_len);
	rc = export_parts(call->dfs, &parts, &writer);
	if (rc)
		return rc;
	mount_encode(call->dfs, &writer);
	call->glob.iov_len = writer.position;
	return writer.failed ? -DER_TRUNC : 0;
}

int
dfs_local2global_all(dfs_t *dfs, d_iov_t *glob)
{
	struct global_call call = {.dfs = dfs};
	int rc;

	if (dfs == NULL || glob == NULL)
		return EINVAL;
	call.glob = *glob;
	rc = file_run(export_all_run, &call);
	if (rc == 0)
		*glob = call.glob;
	return rc;
}

static d_iov_t
part_decode(struct reader *reader)
{
	uint32_t length = reader_u32(reader);
	const uint8_t *bytes = reader_bytes(reader, length);
	d_iov_t iov = {.iov_buf_len = length, .iov_len = length};

	/* d_iov_t has no form for what is only read. */
	memcpy(&iov.iov_buf, &bytes, sizeof(bytes));
	return iov;
}

static int
import_all_run(void *arguments)
{
	struct global_call *call = arguments;
	struct reader reader;
	struct parts parts;
	int rc;

	reader_init(&reader, call->glob.iov_buf, call->glob.iov_len);
	if (reader_u32(&reader) != ALL_MAGIC)
		return -DER_INVAL;
	parts.pool = part_decode(&reader);
	parts.container = part_decode(&reader);
	if (reader.failed)
		return -DER_INVAL;
	rc = daos_pool_global2local(parts.pool, &call->pool);
	if (rc)
		return rc;
	rc = daos_cont_global2local(call->pool, parts.container, &call->container);
	if (rc == 0) {
		rc = import_mount(call, &reader);
		if (rc)
			(void)daos_cont_close(call->container, NULL);
	}
	if (rc)
		(void)daos_pool_disconnect(call->pool, NULL);
	else
		(*call->ret_dfs)->connected = true;
	return rc;
}

int
dfs_global2local_all(int flags, d_iov_t glob, dfs_t **dfs)
{
	struct global_call call = {.flags = flags, .glob = glob, .ret_dfs = dfs};

	if (dfs == NULL || glob.iov_buf == NULL)
		return EINVAL;
	return file_run(import_all_run, &call);
}

/* ------------------------------------------------ open files */

/* In the other process the file's directory is known by its object alone: ".." ends there. */
static void
object_encode(struct dfs_obj *object, struct writer *writer)
{
	struct place *place = object_place(object);
	daos_obj_id_t parent = place->parent ? place->parent->oid : place->oid;
	char name[DFS_MAX_NAME + 1] = "";

	memcpy(name, place->name, strlen(place->name));
	writer_u32(writer, OBJECT_MAGIC);
	writer_u64(writer, place->oid.lo);
	writer_u64(writer, place->oid.hi);
	writer_u64(writer, parent.lo);
	writer_u64(writer, parent.hi);
	writer_u32(writer, object->mode);
	writer_u64(writer, object->chunk_size);
	writer_u32(writer, object->class);
	writer_u32(writer, (uint32_t)object->flags);
	writer_bytes(writer, name, sizeof(name));
	place_put(place);
}

static int
export_object_run(void *arguments)
{
	struct global_call *call = arguments;
	struct writer writer;

	writer_init(&writer, call->glob.iov_buf, call->glob.iov_buf_len);
	object_encode(call->object, &writer);
	ASSERT(!writer.failed && writer.position == OBJECT_SIZE);
	return 0;
}

int
dfs_obj_local2global(dfs_t *dfs, dfs_obj_t *obj, d_iov_t *glob)
{
	struct global_call call = {.dfs = dfs, .object = obj};
	int rc;

	if (dfs == NULL || obj == NULL || glob == NULL || !S_ISREG(obj->mode))
		return EINVAL;
	if (glob_asks(glob, OBJECT_SIZE, &rc))
		return file_errno(rc);
	call.glob = *glob;
	rc = file_run(export_object_run, &call);
	if (rc == 0)
		glob->iov_len = OBJECT_SIZE;
	return rc;
}

static int
import_place(struct dfs *dfs, const struct inode *inode, const struct inode *parent_inode,
	     const char *name, struct place **ret_place)
{
	AUTO_PLACE struct place *parent = NULL;
	int rc = 0;

	if (place_is_within(dfs->root, parent_inode->oid))
		parent = place_get(dfs->root);
	else
		rc = place_create(dfs, dfs->root, "?", 1, parent_inode, &parent);
	return rc ? rc : place_create(dfs, parent, name, strlen(name), inode, ret_place);
}

static int
import_object_run(void *arguments)
{
	struct global_call *call = arguments;
	struct inode inode = {.mode = 0}, parent = {.mode = S_IFDIR};
	char name[DFS_MAX_NAME + 1];
	struct reader reader;
	struct place *place;
	int rc;

	reader_init(&reader, call->glob.iov_buf, call->glob.iov_len);
	if (reader_u32(&reader) != OBJECT_MAGIC)
		return -DER_INVAL;
	inode.oid.lo = reader_u64(&reader);
	inode.oid.hi = reader_u64(&reader);
	parent.oid.lo = reader_u64(&reader);
	parent.oid.hi = reader_u64(&reader);
	inode.mode = reader_u32(&reader);
	inode.chunk_size = reader_u64(&reader);
	inode.class = reader_u32(&reader);
	(void)reader_u32(&reader);
	reader_copy(&reader, name, sizeof(name));
	name[DFS_MAX_NAME] = '\0';
	if (reader.failed || !S_ISREG(inode.mode) || inode.chunk_size == 0 || name_check(name))
		return -DER_INVAL;
	rc = import_place(call->dfs, &inode, &parent, name, &place);
	return rc ? rc
		  : object_create(call->dfs, place, &inode, call->flags, NULL, call->ret_object);
}

int
dfs_obj_global2local(dfs_t *dfs, int flags, d_iov_t glob, dfs_obj_t **obj)
{
	struct global_call call = {.dfs = dfs, .flags = flags, .glob = glob, .ret_object = obj};

	if (dfs == NULL || obj == NULL || glob.iov_buf == NULL)
		return EINVAL;
	if (dfs->read_only && (flags & O_ACCMODE) != O_RDONLY)
		return EPERM;
	return file_run(import_object_run, &call);
}
