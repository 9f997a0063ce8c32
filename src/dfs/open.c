/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Opens and creates files, directories and symlinks. */
#include <unistd.h>

#include "dfs/private.h"

/* How often an entry may come and go between our insert and our fetch. */
#define OPEN_TRIES 16

struct open_call {
	dfs_t *dfs;
	dfs_obj_t *parent;
	const char *name;
	mode_t mode;
	int flags;
	daos_oclass_id_t class;
	daos_size_t chunk_size;
	const char *target;
	dfs_obj_t **ret_object; /* NULL: not opened */
	struct stat *ret_stat;	/* NULL: not wanted */
};

/* What a new entry inherits from its directory, else from the container. */
static void
inherit(const struct open_call *call, struct inode *inode, daos_oclass_id_t *ret_class)
{
	const struct dfs_obj *parent = call->parent ? call->parent : call->dfs->root_object;
	const struct super *super = &call->dfs->super;
	daos_oclass_id_t usual = S_ISDIR(call->mode) ? super->dir_class : super->file_class;
	daos_oclass_id_t inherited = parent->class ? parent->class : usual;

	*ret_class = call->class ? call->class : inherited;
	if (S_ISDIR(call->mode)) {
		inode->chunk_size = parent->chunk_size;
		inode->class = parent->class;
		return;
	}
	inode->chunk_size = parent->chunk_size ? parent->chunk_size : super->chunk_size;
	if (call->chunk_size)
		inode->chunk_size = call->chunk_size;
	inode->class = *ret_class;
}

static int
new_inode(const struct open_call *call, struct inode *ret_inode)
{
	struct inode inode = {
		.mode = call->mode,
		.uid = client_user(),
		.gid = client_group(),
		.links = 1,
	};
	daos_oclass_id_t class;
	int rc = 0;

	inode_touch(&inode);
	inode.mtime = inode.ctime;
	inode.generation = inode.change;
	if (S_ISLNK(call->mode)) {
		inode.mode |= 0777;
		inode.length = strlen(call->target);
	}
	inherit(call, &inode, &class);
	rc = id_allocate(call->dfs, call->mode, class, &inode.oid);
	if (rc == 0)
		*ret_inode = inode;
	return rc;
}

static int
open_created(const struct open_call *call, struct place *directory, const struct inode *inode,
	     uint64_t removals)
{
	struct dfs_obj *object;
	struct place *place;
	int rc;

	if (call->ret_object == NULL)
		return 0;
	rc = place_create(call->dfs, directory, call->name, strlen(call->name), inode, &place);
	if (rc)
		return rc;
	rc = object_create(call->dfs, place, inode, call->flags, call->target, &object);
	if (rc)
		return rc;
	rc = object_confirm(call->dfs, object, removals);
	if (rc)
		object_destroy(object);
	else
		*call->ret_object = object;
	return rc;
}

static int
check_type(const struct open_call *call, const struct inode *inode)
{
	if ((inode->mode & S_IFMT) == (call->mode & S_IFMT))
		return 0;
	if (S_ISDIR(call->mode))
		return -DER_NOTDIR;
	if (S_ISREG(call->mode) && S_ISDIR(inode->mode))
		return file_error(EISDIR);
	if (S_ISREG(call->mode))
		return file_error(ELOOP);
	return -DER_INVAL;
}

/* A file of size 0 has no data that would tell when it changed. */
static int
truncate_opened(const struct open_call *call, struct place *directory, struct inode *inode,
		const struct dfs_obj *object)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	int rc = daos_array_set_size(object->array, DAOS_TX_NONE, 0, NULL);

	if (rc == 0)
		rc = home_of(call->dfs, entry_in(directory, call->name), inode, &home);
	if (rc)
		return rc;
	inode_touch(inode);
	inode->mtime = inode->ctime;
	inode->stamp = 0;
	return entry_update(home.name, inode, FIELD_MTIME);
}

static int
open_existing(const struct open_call *call, struct place *directory)
{
	struct entry_name entry = entry_in(directory, call->name);
	AUTO_FOUND struct found found = {.removals = atomic_load(&call->dfs->removals)};
	struct dfs_obj *object;
	int rc = entry_fetch(entry, &found.inode);

	if (rc == 0)
		rc = check_type(call, &found.inode);
	if (rc == 0 && S_ISLNK(found.inode.mode))
		rc = entry_fetch_target(entry, found.inode.length, &found.target);
	if (rc == 0)
		rc = inode_resolve(call->dfs, DAOS_TX_NONE, &found.inode);
	if (rc == 0)
		rc = place_create(call->dfs, directory, call->name, entry.length, &found.inode,
				  &found.place);
	if (rc == 0)
		rc = found_open(call->dfs, &found, call->flags, &object);
	if (rc)
		return rc;
	if (call->flags & O_TRUNC && S_ISREG(call->mode))
		rc = truncate_opened(call, directory, &found.inode, object);
	if (rc == 0 && call->ret_stat)
		rc = entry_stat(call->dfs, &found.inode, object->array, call->ret_stat);
	if (rc)
		object_destroy(object);
	else
		*call->ret_object = object;
	return rc;
}

static int
create(const struct open_call *call, struct place *directory)
{
	uint64_t removals = atomic_load(&call->dfs->removals);
	struct inode inode;
	int rc = new_inode(call, &inode);

	if (rc == 0)
		rc = entry_insert(entry_in(directory, call->name), &inode, call->target);
	if (rc == 0)
		rc = open_created(call, directory, &inode, removals);
	if (rc == 0 && call->ret_stat) {
		inode_stat(&inode, call->ret_stat);
		/* Nothing was written to its object so far. */
		inode_stat_object(&inode, inode.length, 0, call->ret_stat);
	}
	return rc;
}

static int
open_run(void *arguments)
{
	const struct open_call *call = arguments;
	AUTO_PLACE struct place *directory = NULL;
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc)
		return rc;
	if (!(call->flags & O_CREAT))
		return open_existing(call, directory);
	for (int i = 0; i < OPEN_TRIES; i++) {
		rc = create(call, directory);
		if (rc != -DER_EXIST || call->flags & O_EXCL || S_ISLNK(call->mode))
			return rc;
		rc = open_existing(call, directory);
		if (rc != -DER_NONEXIST)
			return rc;
	}
	return rc;
}

/* What can be refused without a request. */
static int
open_check(const struct open_call *call)
{
	bool writes = (call->flags & O_ACCMODE) != O_RDONLY || call->flags & (O_CREAT | O_TRUNC);

	if (call->dfs == NULL)
		return EINVAL;
	if (!S_ISREG(call->mode) && !S_ISDIR(call->mode) && !S_ISLNK(call->mode))
		return EINVAL;
	if (call->dfs->read_only && writes)
		return EPERM;
	if (S_ISLNK(call->mode) && call->flags & O_CREAT) {
		if (call->target == NULL || call->target[0] == '\0')
			return EINVAL;
		if (strlen(call->target) >= DFS_MAX_PATH)
			return ENAMETOOLONG;
	}
	return file_errno(name_check(call->name));
}

static int
open_entry(struct open_call *call)
{
	int rc;

	if (call->ret_object == NULL)
		return EINVAL;
	if (!S_ISLNK(call->mode))
		call->target = NULL;
	rc = open_check(call);
	return rc ? rc : file_run(open_run, call);
}

int
dfs_open(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode, int flags,
	 daos_oclass_id_t cid, daos_size_t chunk_size, const char *value, dfs_obj_t **obj)
{
	struct open_call call = {dfs, parent, name, mode, flags, cid, chunk_size, value, obj, NULL};

	return open_entry(&call);
}

int
dfs_open_stat(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode, int flags,
	      daos_oclass_id_t cid, daos_size_t chunk_size, const char *value, dfs_obj_t **obj,
	      struct stat *stbuf)
{
	struct open_call call = {dfs, parent,	  name,	 mode, flags,
				 cid, chunk_size, value, obj,  stbuf};

	return stbuf ? open_entry(&call) : EINVAL;
}

int
dfs_mkdir(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode, daos_oclass_id_t cid)
{
	struct open_call call = {
		.dfs = dfs,
		.parent = parent,
		.name = name,
		.mode = S_IFDIR | (mode & ALLPERMS),
		.flags = O_RDWR | O_CREAT | O_EXCL,
		.class = cid,
	};
	int rc = open_check(&call);

	return rc ? rc : file_run(open_run, &call);
}
