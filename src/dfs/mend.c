/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Mending of superblock, root and entries that are damaged. What is sound stays as it is. */
#include "dfs/dfs.h"
#include "dfs/private.h"

struct mend_call {
	daos_handle_t container;
	const dfs_attr_t *attributes;
	dfs_t *dfs;
	dfs_obj_t *parent;
	const char *name;
	daos_size_t chunk_size;
};

/* ------------------------------------------------ superblock */

/* Opens the object of the superblock; roots: its id and that of the root. */
static int
superblock_open(daos_handle_t container, daos_obj_id_t roots[2], daos_handle_t *ret_handle)
{
	int rc = roots_fetch(container, roots);

	return rc ? rc : daos_obj_open(container, roots[0], DAOS_OO_RW, ret_handle, NULL);
}

static int
super_mend(daos_handle_t handle, const dfs_attr_t *attributes)
{
	struct super super;
	int rc = super_fetch(handle, &super);

	if (rc == 0)
		return -DER_EXIST;
	/* Only what was read and is wrong, or is not there, is replaced. */
	if (rc != -DER_INVAL && rc != -DER_DF_INCOMPT && rc != -DER_IO)
		return rc;
	rc = super_from_attributes(attributes, &super);
	return rc ? rc : super_put(handle, &super, 0);
}

static int
super_run(void *arguments)
{
	const struct mend_call *call = arguments;
	daos_obj_id_t roots[2];
	daos_handle_t handle;
	int rc = superblock_open(call->container, roots, &handle);

	if (rc)
		return rc;
	rc = super_mend(handle, call->attributes);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

int
dfs_recreate_sb(daos_handle_t container, const dfs_attr_t *attributes)
{
	struct mend_call call = {.container = container, .attributes = attributes};

	return file_run(super_run, &call);
}

/* ------------------------------------------------ root */

static int
root_mend(daos_handle_t handle, daos_obj_id_t oid)
{
	struct entry_name name = {handle, "/", 1, DAOS_TX_NONE};
	struct inode root;
	int rc = entry_fetch(name, &root);

	if (rc == 0 && S_ISDIR(root.mode) && oid_equal(root.oid, oid))
		return -DER_EXIST;
	if (rc && rc != -DER_NONEXIST && rc != -DER_IO && rc != -DER_DF_INCOMPT)
		return rc;
	root_init(oid, &root);
	return entry_put(name, &root, NULL);
}

static int
root_run(void *arguments)
{
	const struct mend_call *call = arguments;
	daos_obj_id_t roots[2];
	daos_handle_t handle;
	int rc = superblock_open(call->container, roots, &handle);

	if (rc)
		return rc;
	rc = root_mend(handle, roots[1]);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

int
dfs_relink_root(daos_handle_t container)
{
	struct mend_call call = {.container = container};

	return file_run(root_run, &call);
}

/* ------------------------------------------------ entries */

/* The bytes of an entry as they are, and the length of its target (0: it has none). */
static int
read_raw(struct entry_name name, uint8_t bytes[INODE_SIZE], uint64_t *ret_target)
{
	char attributes[] = "DFS_INODE", target[] = "DFS_SLINK";
	daos_recx_t extent = {0, INODE_SIZE};
	daos_iod_t iods[2] = {
		{.iod_type = DAOS_IOD_ARRAY, .iod_size = 1, .iod_nr = 1, .iod_recxs = &extent},
		{.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1}};
	d_iov_t iov = {bytes, INODE_SIZE, INODE_SIZE};
	d_sg_list_t sgls[2] = {{.sg_nr = 1, .sg_iovs = &iov}, {.sg_nr = 0}};
	daos_key_t dkey = entry_dkey(name);
	int rc;

	d_iov_set(&iods[0].iod_name, attributes, strlen(attributes));
	d_iov_set(&iods[1].iod_name, target, strlen(target));
	memset(bytes, 0, INODE_SIZE);
	rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey, 2, iods,
			    sgls, NULL, NULL);
	if (rc == 0)
		*ret_target = iods[1].iod_size;
	return rc;
}

/* What an entry should say, by what its bytes name. -DER_IO where that is no object of files. */
static int
inode_mend(const struct dfs *dfs, uint8_t bytes[INODE_SIZE], uint64_t target)
{
	daos_obj_id_t oid = {.lo = load_u64(bytes + INODE_OID),
			     .hi = load_u64(bytes + INODE_OID + 8)};
	uint32_t mode = load_u32(bytes + INODE_MODE) & ALLPERMS, type = S_IFREG;

	if (daos_obj_id2type(oid) == DAOS_OT_DKEY_LEXICAL)
		type = S_IFDIR;
	else if (daos_obj_id2type(oid) != DAOS_OT_ARRAY_BYTE)
		return error_raise(-DER_IO, "the entry names no object of a file system");
	else if (target > 0)
		type = S_IFLNK;
	store_u32(bytes + INODE_MODE, type | mode);
	store_u32(bytes + INODE_FORMAT, INODE_VERSION);
	if (type == S_IFREG && load_u64(bytes + INODE_CHUNK_SIZE) == 0)
		store_u64(bytes + INODE_CHUNK_SIZE, dfs->super.chunk_size);
	if (type == S_IFLNK)
		store_u64(bytes + INODE_LENGTH, target);
	return 0;
}

static int
type_run(void *arguments)
{
	const struct mend_call *call = arguments;
	AUTO_PLACE struct place *directory = NULL;
	uint8_t bytes[INODE_SIZE], before[INODE_SIZE];
	struct entry_name name;
	struct inode inode;
	uint64_t target;
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc)
		return rc;
	name = entry_in(directory, call->name);
	rc = read_raw(name, bytes, &target);
	if (rc)
		return rc;
	memcpy(before, bytes, sizeof(before));
	rc = inode_mend(call->dfs, bytes, target);
	if (rc == 0 && memcmp(before, bytes, sizeof(before)) == 0)
		return -DER_EXIST;
	if (rc == 0)
		rc = inode_decode(bytes, sizeof(bytes), &inode);
	return rc ? rc : entry_put(name, &inode, NULL);
}

static int
mend_entry(const struct mend_call *given, int (*function)(void *arguments))
{
	struct mend_call call = *given;

	if (call.dfs == NULL || name_check(call.name) != 0)
		return EINVAL;
	return call.dfs->read_only ? EPERM : file_run(function, &call);
}

int
dfs_obj_fix_type(dfs_t *dfs, dfs_obj_t *parent, const char *name)
{
	struct mend_call call = {.dfs = dfs, .parent = parent, .name = name};

	return mend_entry(&call, type_run);
}

static int
chunk_run(void *arguments)
{
	const struct mend_call *call = arguments;
	AUTO_PLACE struct place *directory = NULL;
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct entry_name name;
	struct inode inode;
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc)
		return rc;
	name = entry_in(directory, call->name);
	rc = entry_fetch(name, &inode);
	if (rc == 0 && !S_ISREG(inode.mode))
		rc = S_ISDIR(inode.mode) ? file_error(EISDIR) : -DER_INVAL;
	if (rc == 0)
		rc = home_of(call->dfs, name, &inode, &home);
	if (rc == 0)
		rc = inode_resolve(call->dfs, DAOS_TX_NONE, &inode);
	if (rc)
		return rc;
	inode.chunk_size = call->chunk_size;
	inode_touch(&inode);
	return entry_update(home.name, &inode, FIELD_DEFAULTS);
}

int
dfs_file_fix_chunk_size(dfs_t *dfs, dfs_obj_t *parent, const char *name, daos_size_t chunk_size)
{
	struct mend_call call = {
		.dfs = dfs, .parent = parent, .name = name, .chunk_size = chunk_size};

	return chunk_size == 0 ? EINVAL : mend_entry(&call, chunk_run);
}
