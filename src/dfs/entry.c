/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Entries: a dkey of the directory's object, named as the entry. Akey DFS_INODE is an array of
 * bytes with the attributes, DFS_SLINK a single value with the target of a symlink, x:<name> a
 * single value with an extended attribute.
 */
#include "dfs/private.h"

#define INODE_AKEY "DFS_INODE"
#define TARGET_AKEY "DFS_SLINK"

static d_iov_t
iov_of(const void *data, size_t length)
{
	d_iov_t iov = {.iov_buf_len = length, .iov_len = length};

	/* d_iov_t has no form for what is only read. */
	memcpy(&iov.iov_buf, &data, sizeof(data));
	return iov;
}

daos_key_t
entry_dkey(struct entry_name name)
{
	return iov_of(name.name, name.length);
}

struct entry_name
entry_in(const struct place *directory, const char *name)
{
	return entry_within(DAOS_TX_NONE, directory, name);
}

struct entry_name
entry_within(daos_handle_t transaction, const struct place *directory, const char *name)
{
	return (struct entry_name){directory->handle, name, strlen(name), transaction};
}

struct entry_name
entry_of(struct dfs *dfs, const struct place *place)
{
	if (place->parent == NULL)
		return (struct entry_name){dfs->super_handle, "/", 1, DAOS_TX_NONE};
	return entry_in(place->parent, place->name);
}

void
inode_touch(struct inode *inode)
{
	uint64_t now = client_realtime();

	inode->ctime = timespec_from_ns(now);
	inode->change = max_of(inode->change + 1, now);
}

/* ------------------------------------------------ reading */

int
entry_fetch(struct entry_name name, struct inode *ret_inode)
{
	uint8_t bytes[INODE_SIZE];
	daos_recx_t extent = {.rx_idx = 0, .rx_nr = INODE_SIZE};
	daos_iod_t iod = {
		.iod_name = iov_of(INODE_AKEY, strlen(INODE_AKEY)),
		.iod_type = DAOS_IOD_ARRAY,
		.iod_size = 1,
		.iod_nr = 1,
		.iod_recxs = &extent,
	};
	d_iov_t iov = iov_of(bytes, sizeof(bytes));
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_key_t dkey = entry_dkey(name);
	int rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey, 1, &iod,
				&sgl, NULL, NULL);

	if (rc)
		return rc;
	if (iod.iod_size == 0)
		return -DER_NONEXIST;
	return inode_decode(bytes, sizeof(bytes), ret_inode);
}

int
entry_fetch_target(struct entry_name name, uint64_t length, char **ret_target)
{
	AUTO_MEMORY char *target = file_alloc(length + 1);
	daos_iod_t iod = {
		.iod_name = iov_of(TARGET_AKEY, strlen(TARGET_AKEY)),
		.iod_type = DAOS_IOD_SINGLE,
		.iod_size = DAOS_REC_ANY,
		.iod_nr = 1,
	};
	d_iov_t iov = iov_of(target, length);
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_key_t dkey = entry_dkey(name);
	int rc;

	if (target == NULL)
		return -DER_NOMEM;
	rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey, 1, &iod,
			    &sgl, NULL, NULL);
	if (rc)
		return rc;
	if (iod.iod_size != length || strlen(target) != length)
		return error_raise(-DER_IO, "the target of symlink '%.*s' does not match its entry",
				   (int)name.length, name.name);
	*ret_target = target;
	target = NULL;
	return 0;
}

/* ------------------------------------------------ writing */

static int
entry_store(struct entry_name name, uint64_t conditions, const struct inode *inode,
	    const char *target)
{
	uint8_t bytes[INODE_SIZE];
	daos_recx_t extent = {.rx_idx = 0, .rx_nr = INODE_SIZE};
	daos_iod_t iods[2] = {
		{
			.iod_name = iov_of(INODE_AKEY, strlen(INODE_AKEY)),
			.iod_type = DAOS_IOD_ARRAY,
			.iod_size = 1,
			.iod_nr = 1,
			.iod_recxs = &extent,
		},
		{
			.iod_name = iov_of(TARGET_AKEY, strlen(TARGET_AKEY)),
			.iod_type = DAOS_IOD_SINGLE,
			.iod_size = inode->length,
			.iod_nr = 1,
		},
	};
	d_iov_t iovs[2] = {iov_of(bytes, sizeof(bytes)), iov_of(target, inode->length)};
	d_sg_list_t sgls[2] = {{.sg_nr = 1, .sg_iovs = &iovs[0]},
			       {.sg_nr = 1, .sg_iovs = &iovs[1]}};
	daos_key_t dkey = entry_dkey(name);

	inode_encode(inode, bytes);
	return daos_obj_update(name.handle, name.transaction, conditions, &dkey, target ? 2 : 1,
			       iods, sgls, NULL);
}

int
entry_insert(struct entry_name name, const struct inode *inode, const char *target)
{
	return entry_store(name, DAOS_COND_DKEY_INSERT, inode, target);
}

int
entry_put(struct entry_name name, const struct inode *inode, const char *target)
{
	return entry_store(name, 0, inode, target);
}

/* A run of bytes of DFS_INODE, and the field it belongs to; 0: written by every update. */
struct field_extent {
	uint32_t field;
	uint32_t offset;
	uint32_t length;
};

static const struct field_extent field_extents[] = {
	{FIELD_MODE, INODE_MODE, 4},
	{FIELD_MTIME, INODE_MTIME, 8},
	{0, INODE_CTIME, 8},
	{FIELD_DEFAULTS, INODE_CHUNK_SIZE, 12},
	{FIELD_MTIME, INODE_MTIME_NS, 8},
	{0, INODE_CTIME_NS, 8},
	{FIELD_OWNER, INODE_UID, 8},
	{FIELD_MTIME, INODE_STAMP, 8},
	{0, INODE_CHANGE, 8},
	{FIELD_FLAGS, INODE_FLAGS, 4},
};

int
entry_update(struct entry_name name, const struct inode *inode, uint32_t fields)
{
	uint8_t bytes[INODE_SIZE];
	daos_recx_t extents[ARRAY_SIZE(field_extents)];
	d_iov_t iovs[ARRAY_SIZE(field_extents)];
	d_sg_list_t sgl = {.sg_iovs = iovs};
	daos_iod_t iod = {
		.iod_name = iov_of(INODE_AKEY, strlen(INODE_AKEY)),
		.iod_type = DAOS_IOD_ARRAY,
		.iod_size = 1,
		.iod_recxs = extents,
	};
	daos_key_t dkey = entry_dkey(name);

	inode_encode(inode, bytes);
	for (size_t i = 0; i < ARRAY_SIZE(field_extents); i++) {
		const struct field_extent *extent = &field_extents[i];

		if (extent->field != 0 && !(extent->field & fields))
			continue;
		extents[iod.iod_nr] = (daos_recx_t){extent->offset, extent->length};
		iovs[iod.iod_nr++] = iov_of(bytes + extent->offset, extent->length);
	}
	sgl.sg_nr = iod.iod_nr;
	return daos_obj_update(name.handle, name.transaction, DAOS_COND_DKEY_UPDATE, &dkey, 1, &iod,
			       &sgl, NULL);
}

int
entry_remove(struct entry_name name)
{
	daos_key_t dkey = entry_dkey(name);

	return daos_obj_punch_dkeys(name.handle, name.transaction, DAOS_COND_PUNCH, 1, &dkey, NULL);
}

/* ------------------------------------------------ the objects behind entries */

static int
measure_file(struct dfs *dfs, const struct inode *inode, daos_handle_t array,
	     daos_array_stbuf_t *ret_status)
{
	daos_handle_t opened = DAOS_HDL_INVAL;
	int rc = 0;

	if (daos_handle_is_inval(array))
		rc = daos_array_open_with_attr(dfs->container, inode->oid, DAOS_TX_NONE, DAOS_OO_RO,
					       1, inode->chunk_size, &opened, NULL);
	if (rc == 0)
		rc = daos_array_stat(daos_handle_is_valid(array) ? array : opened, DAOS_TX_NONE,
				     ret_status, NULL);
	if (daos_handle_is_valid(opened))
		(void)daos_array_close(opened, NULL);
	return rc;
}

static int
measure_directory(struct dfs *dfs, const struct inode *inode, daos_array_stbuf_t *ret_status)
{
	daos_handle_t handle;
	int rc = daos_obj_open(dfs->container, inode->oid, DAOS_OO_RO, &handle, NULL);

	if (rc)
		return rc;
	/* What is changed of an entry is no change of its directory. */
	rc = client_query_renamed(handle, DAOS_TX_NONE, &ret_status->st_max_epoch);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

int
object_measure(struct dfs *dfs, const struct inode *inode, daos_handle_t array, uint64_t *ret_size,
	       uint64_t *ret_epoch)
{
	daos_array_stbuf_t status = {.st_size = 0};
	int rc = 0;

	if (S_ISREG(inode->mode))
		rc = measure_file(dfs, inode, array, &status);
	else if (S_ISDIR(inode->mode))
		rc = measure_directory(dfs, inode, &status);
	else
		status.st_size = inode->length;
	if (rc == -DER_NONEXIST)
		status = (daos_array_stbuf_t){.st_size = 0};
	else if (rc)
		return rc;
	*ret_size = status.st_size;
	*ret_epoch = status.st_max_epoch;
	return 0;
}

int
entry_stat(struct dfs *dfs, const struct inode *inode, daos_handle_t array, struct stat *ret_stat)
{
	uint64_t size, epoch;
	int rc = object_measure(dfs, inode, array, &size, &epoch);

	if (rc)
		return rc;
	inode_stat(inode, ret_stat);
	inode_stat_object(inode, size, epoch, ret_stat);
	return 0;
}

int
object_discard(struct dfs *dfs, const struct inode *inode)
{
	daos_handle_t handle;
	int rc;

	if (S_ISLNK(inode->mode))
		return 0;
	rc = daos_obj_open(dfs->container, inode->oid, DAOS_OO_RW, &handle, NULL);
	if (rc)
		return rc;
	rc = daos_obj_punch(handle, DAOS_TX_NONE, 0, NULL);
	(void)daos_obj_close(handle, NULL);
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
directory_check_empty_in(daos_handle_t transaction, daos_handle_t handle)
{
	char name[DFS_MAX_NAME + 1];
	daos_key_desc_t key;
	d_iov_t iov = {name, sizeof(name), 0};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	uint32_t count = 1;
	int rc = daos_obj_list_dkey(handle, transaction, &count, &key, &sgl, &anchor, NULL);

	if (rc)
		return rc;
	return count > 0 ? file_error(ENOTEMPTY) : 0;
}
