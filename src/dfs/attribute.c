/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Attributes of entries, by name and of open ones. */
#include <unistd.h>

#include "dfs/private.h"

struct attribute_call {
	dfs_t *dfs;
	dfs_obj_t *parent;
	const char *name; /* NULL: the directory itself */
	dfs_obj_t *object;
	int flags;
	int mask;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct stat *stat;
};

/* What parent and name lead to; O_NOFOLLOW as in path_find(). */
static int
attribute_find(const struct attribute_call *call, int flags, struct found *ret_found)
{
	AUTO_PLACE struct place *directory = NULL;
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc)
		return rc;
	return path_find(call->dfs, directory, call->name ? call->name : ".", flags, ret_found);
}

static int
attribute_check(const struct attribute_call *call, bool writes)
{
	if (call->dfs == NULL)
		return EINVAL;
	if (writes && call->dfs->read_only)
		return EPERM;
	return call->name ? file_errno(name_check(call->name)) : 0;
}

/* ------------------------------------------------ stat */

/* By name, without opening anything. */
static int
stat_run(void *arguments)
{
	struct attribute_call *call = arguments;
	AUTO_PLACE struct place *directory = NULL;
	struct inode inode;
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc)
		return rc;
	rc = entry_fetch(call->name ? entry_in(directory, call->name)
				    : entry_of(call->dfs, directory),
			 &inode);
	if (rc == 0)
		rc = inode_resolve(call->dfs, DAOS_TX_NONE, &inode);
	return rc ? rc : entry_stat(call->dfs, &inode, DAOS_HDL_INVAL, call->stat);
}

int
dfs_stat(dfs_t *dfs, dfs_obj_t *parent, const char *name, struct stat *stbuf)
{
	struct attribute_call call = {.dfs = dfs, .parent = parent, .name = name, .stat = stbuf};
	int rc = attribute_check(&call, false);

	if (stbuf == NULL)
		return EINVAL;
	return rc ? rc : file_run(stat_run, &call);
}

/* What an open thing tells of itself. */
struct look {
	struct dfs *dfs;
	dfs_obj_t *object;
	const struct place *place;
	struct home *home; /* of inode */
	struct inode inode;
	uint64_t size, epoch;
};

static int
look_part(void *argument, uint32_t part)
{
	struct look *look = argument;
	struct inode known = {
		.mode = look->object->mode,
		.oid = look->place->oid,
		.chunk_size = look->object->chunk_size,
	};

	if (part == 0)
		return home_fetch(look->dfs, DAOS_TX_NONE, look->place, look->home, &look->inode);
	return object_measure(look->dfs, &known, look->object->array, &look->size, &look->epoch);
}

/* The entry and the object are asked at the same time, which takes one message each way for both
 * where they are on one target. */
static int
look_run(struct look *look)
{
	int rc;

	if (!S_ISLNK(look->object->mode))
		return client_gather(2, look_part, look);
	rc = look_part(look, 0);
	if (rc == 0)
		rc = object_measure(look->dfs, &look->inode, DAOS_HDL_INVAL, &look->size,
				    &look->epoch);
	return rc;
}

static int
ostat_run(void *arguments)
{
	struct attribute_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct look look = {
		.dfs = call->dfs, .object = call->object, .place = place, .home = &home};
	int rc;

	orphans_renew(call->dfs);
	rc = look_run(&look);
	if (rc)
		return rc;
	inode_stat(&look.inode, call->stat);
	inode_stat_object(&look.inode, look.size, look.epoch, call->stat);
	return 0;
}

int
dfs_ostat(dfs_t *dfs, dfs_obj_t *obj, struct stat *stbuf)
{
	struct attribute_call call = {.dfs = dfs, .object = obj, .stat = stbuf};

	if (dfs == NULL || obj == NULL || stbuf == NULL)
		return EINVAL;
	return file_run(ostat_run, &call);
}

/* ------------------------------------------------ changes */

#define SET_KNOWN                                                                          \
	(DFS_SET_ATTR_MODE | DFS_SET_ATTR_ATIME | DFS_SET_ATTR_MTIME | DFS_SET_ATTR_SIZE | \
	 DFS_SET_ATTR_UID | DFS_SET_ATTR_GID)

/* Changes the fields of inode that flags name; *ret_fields are those to be written. */
static void
apply(const struct attribute_call *call, uint64_t epoch, struct inode *inode, uint32_t *ret_fields)
{
	const struct stat *stat = call->stat;
	uint32_t fields = 0;

	inode_touch(inode);
	if (call->flags & DFS_SET_ATTR_MODE) {
		inode->mode = (inode->mode & S_IFMT) | (stat->st_mode & ALLPERMS);
		fields |= FIELD_MODE;
	}
	if (call->flags & DFS_SET_ATTR_UID)
		inode->uid = stat->st_uid;
	if (call->flags & DFS_SET_ATTR_GID)
		inode->gid = stat->st_gid;
	if (call->flags & (DFS_SET_ATTR_UID | DFS_SET_ATTR_GID))
		fields |= FIELD_OWNER;
	if (call->flags & DFS_SET_ATTR_SIZE) {
		inode->mtime = inode->ctime;
		fields |= FIELD_MTIME;
	}
	if (call->flags & DFS_SET_ATTR_MTIME) {
		inode->mtime = stat->st_mtim;
		inode->stamp = max_of(epoch, UINT64_C(1));
		fields |= FIELD_MTIME;
	}
	*ret_fields = fields;
}

/* The size is set between: a file that is gone is not written to, and what is told is the new size.
 */
static int
look_resize(struct look *look, uint64_t size)
{
	int rc = look_part(look, 0);

	if (rc == 0)
		rc = daos_array_set_size(look->object->array, DAOS_TX_NONE, size, NULL);
	return rc ? rc : look_part(look, 1);
}

/* The time given stands until the object changes again, so the epoch of its latest change is
 * needed; the size is set before. */
static int
setattr_run(void *arguments)
{
	struct attribute_call *call = arguments;
	dfs_obj_t *object = call->object;
	AUTO_PLACE struct place *place = object_place(object);
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct look look = {.dfs = call->dfs, .object = object, .place = place, .home = &home};
	uint32_t fields;
	int rc;

	if (call->flags & DFS_SET_ATTR_SIZE)
		rc = look_resize(&look, (uint64_t)call->stat->st_size);
	else
		rc = look_run(&look);
	if (rc)
		return rc;
	apply(call, look.epoch, &look.inode, &fields);
	if (call->flags & ~DFS_SET_ATTR_ATIME)
		rc = entry_update(home.name, &look.inode, fields);
	if (rc)
		return rc;
	object->mode = look.inode.mode;
	inode_stat(&look.inode, call->stat);
	inode_stat_object(&look.inode, look.size, look.epoch, call->stat);
	return 0;
}

int
dfs_osetattr(dfs_t *dfs, dfs_obj_t *obj, struct stat *stbuf, int flags)
{
	struct attribute_call call = {.dfs = dfs, .object = obj, .stat = stbuf, .flags = flags};

	if (dfs == NULL || obj == NULL || stbuf == NULL || flags & ~SET_KNOWN)
		return EINVAL;
	if (dfs->read_only)
		return EPERM;
	if (flags & DFS_SET_ATTR_SIZE && !S_ISREG(obj->mode))
		return S_ISDIR(obj->mode) ? EISDIR : EINVAL;
	if (flags & DFS_SET_ATTR_SIZE &&
	    (stbuf->st_size < 0 || (obj->flags & O_ACCMODE) == O_RDONLY))
		return EINVAL;
	if (flags & DFS_SET_ATTR_MTIME &&
	    (stbuf->st_mtim.tv_nsec < 0 || stbuf->st_mtim.tv_nsec > 999999999))
		return EINVAL;
	return file_run(setattr_run, &call);
}

/* Writes fields of what was found. */
static int
update_found(struct dfs *dfs, struct found *found, uint32_t fields)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	int rc = home_of(dfs, entry_of(dfs, found->place), &found->inode, &home);

	if (rc)
		return rc;
	inode_touch(&found->inode);
	return entry_update(home.name, &found->inode, fields);
}

static int
chmod_run(void *arguments)
{
	struct attribute_call *call = arguments;
	AUTO_FOUND struct found found = {.place = NULL};
	int rc = attribute_find(call, 0, &found);

	if (rc)
		return rc;
	found.inode.mode = (found.inode.mode & S_IFMT) | (call->mode & ALLPERMS);
	return update_found(call->dfs, &found, FIELD_MODE);
}

int
dfs_chmod(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode)
{
	struct attribute_call call = {.dfs = dfs, .parent = parent, .name = name, .mode = mode};
	int rc = attribute_check(&call, true);

	return rc ? rc : file_run(chmod_run, &call);
}

static int
chown_run(void *arguments)
{
	struct attribute_call *call = arguments;
	AUTO_FOUND struct found found = {.place = NULL};
	int rc = attribute_find(call, call->flags & O_NOFOLLOW, &found);

	if (rc)
		return rc;
	if (call->uid != (uid_t)-1)
		found.inode.uid = call->uid;
	if (call->gid != (gid_t)-1)
		found.inode.gid = call->gid;
	return update_found(call->dfs, &found, FIELD_OWNER);
}

int
dfs_chown(dfs_t *dfs, dfs_obj_t *parent, const char *name, uid_t uid, gid_t gid, int flags)
{
	struct attribute_call call = {
		.dfs = dfs,
		.parent = parent,
		.name = name,
		.uid = uid,
		.gid = gid,
		.flags = flags,
	};
	int rc = attribute_check(&call, true);

	if (rc || (uid == (uid_t)-1 && gid == (gid_t)-1))
		return rc;
	return file_run(chown_run, &call);
}

/* ------------------------------------------------ access */

static int
access_run(void *arguments)
{
	struct attribute_call *call = arguments;
	AUTO_FOUND struct found found = {.place = NULL};
	struct stat stat;
	int rc = attribute_find(call, 0, &found);

	if (rc)
		return rc;
	inode_stat(&found.inode, &stat);
	if (call->mask == F_OK || inode_permits(&stat, client_user(), client_group(), call->mask))
		return 0;
	return file_error(EACCES);
}

int
dfs_access(dfs_t *dfs, dfs_obj_t *parent, const char *name, int mask)
{
	struct attribute_call call = {.dfs = dfs, .parent = parent, .name = name, .mask = mask};
	int rc = attribute_check(&call, (mask & W_OK) != 0);

	if (mask & ~(R_OK | W_OK | X_OK))
		return EINVAL;
	return rc ? rc : file_run(access_run, &call);
}
