/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names: look-up, making, removing, moving. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "dfuse/private.h"

void
dfuse_entry_fill(const struct dfuse *dfuse, const struct node *node, const struct stat *stat,
		 struct fuse_entry_param *ret_entry)
{
	*ret_entry = (struct fuse_entry_param){
		.ino = node_number(dfuse, node),
		.generation = 1,
		.attr = *stat,
		.attr_timeout = dfuse->caching.attribute_time,
		.entry_timeout = S_ISDIR(stat->st_mode) ? dfuse->caching.directory_time
							: dfuse->caching.entry_time,
	};
}

void
dfuse_reply_entry(fuse_req_t request, struct node *node, const struct stat *stat)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct fuse_entry_param entry;

	dfuse_entry_fill(dfuse, node, stat, &entry);
	if (fuse_reply_entry(request, &entry) != 0)
		node_forget(dfuse, node, 1);
}

/* Absence may be remembered, too. */
static void
reply_absent(fuse_req_t request)
{
	struct fuse_entry_param entry = {.entry_timeout = dfuse_of(request)->caching.negative_time};

	if (entry.entry_timeout > 0)
		fuse_reply_entry(request, &entry);
	else
		fuse_reply_err(request, ENOENT);
}

static int
node_lookup(struct dfuse *dfuse, struct node *parent, const char *name, struct node **ret_node,
	    struct stat *ret_stat)
{
	int flags = O_NOFOLLOW | (dfuse->options.read_only ? O_RDONLY : O_RDWR);
	dfs_obj_t *directory, *object;
	int rc;

	if (strlen(name) > DFS_MAX_NAME)
		return ENAMETOOLONG;
	rc = node_object(dfuse, parent, &directory);
	if (rc == 0)
		rc = dfs_lookup_rel(dfuse->dfs, directory, name, flags, &object, NULL, ret_stat);
	return rc ? rc : node_enter(dfuse, parent, name, ret_stat, object, ret_node);
}

void
dfuse_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node;
	struct stat stat;
	int rc = node_lookup(dfuse, node_of(dfuse, parent), name, &node, &stat);

	if (rc == ENOENT)
		reply_absent(request);
	else if (rc)
		fuse_reply_err(request, rc);
	else
		dfuse_reply_entry(request, node, &stat);
}

void
dfuse_forget(fuse_req_t request, fuse_ino_t number, uint64_t count)
{
	struct dfuse *dfuse = dfuse_of(request);

	node_forget(dfuse, node_of(dfuse, number), count);
	fuse_reply_none(request);
}

void
dfuse_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
	struct dfuse *dfuse = dfuse_of(request);

	for (size_t i = 0; i < count; i++)
		node_forget(dfuse, node_of(dfuse, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(request);
}

/* ------------------------------------------------ making */

int
dfuse_own(fuse_req_t request, dfs_obj_t *object)
{
	struct dfuse *dfuse = dfuse_of(request);
	const struct fuse_ctx *context = fuse_req_ctx(request);
	struct stat stat = {.st_uid = context->uid, .st_gid = context->gid};

	if (!dfuse->options.multi_user || (context->uid == geteuid() && context->gid == getegid()))
		return 0;
	return dfs_osetattr(dfuse->dfs, object, &stat, DFS_SET_ATTR_UID | DFS_SET_ATTR_GID);
}

/* Makes and opens name in parent; counted for the kernel. */
static int
name_make(fuse_req_t request, fuse_ino_t parent_number, const char *name, mode_t mode, int flags,
	  const char *target, struct node **ret_node, struct stat *ret_stat)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *parent = node_of(dfuse, parent_number);
	dfs_obj_t *directory, *object;
	int rc;

	if (strlen(name) > DFS_MAX_NAME)
		return ENAMETOOLONG;
	rc = node_object(dfuse, parent, &directory);
	if (rc == 0)
		rc = dfs_open(dfuse->dfs, directory, name, mode, O_CREAT | O_RDWR | flags, 0, 0,
			      target, &object);
	if (rc)
		return rc;
	rc = dfuse_own(request, object);
	if (rc == 0)
		rc = dfs_ostat(dfuse->dfs, object, ret_stat);
	if (rc) {
		dfs_release(object);
		return rc;
	}
	return node_enter(dfuse, parent, name, ret_stat, object, ret_node);
}

static void
make_entry(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, const char *target)
{
	struct node *node;
	struct stat stat;
	int rc = name_make(request, parent, name, mode, O_EXCL, target, &node, &stat);

	if (rc)
		fuse_reply_err(request, rc);
	else
		dfuse_reply_entry(request, node, &stat);
}

void
dfuse_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	make_entry(request, parent, name, S_IFDIR | (mode & ALLPERMS), NULL);
}

/* Devices, sockets and pipes are not kept. */
void
dfuse_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)device;
	if (S_ISREG(mode))
		make_entry(request, parent, name, mode, NULL);
	else
		fuse_reply_err(request, EOPNOTSUPP);
}

void
dfuse_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
	make_entry(request, parent, name, S_IFLNK | 0777, target);
}

void
dfuse_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	     struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct fuse_entry_param entry;
	struct node *node;
	struct stat stat;
	int rc = name_make(request, parent, name, S_IFREG | (mode & ALLPERMS), info->flags & O_EXCL,
			   NULL, &node, &stat);

	if (rc) {
		fuse_reply_err(request, rc);
		return;
	}
	dfuse_entry_fill(dfuse, node, &stat, &entry);
	dfuse_open_fill(dfuse, node, info);
	if (fuse_reply_create(request, &entry, info) != 0)
		node_forget(dfuse, node, 1);
}

/* ------------------------------------------------ removing and moving */

static int
remove_name(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct dfuse *dfuse = dfuse_of(request);
	dfs_obj_t *directory;
	int rc = node_object(dfuse, node_of(dfuse, parent), &directory);

	return rc ? rc : dfs_remove(dfuse->dfs, directory, name, false, NULL);
}

/* That name leads to a directory, or to something else, the kernel has seen to. */
void
dfuse_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(request, remove_name(request, parent, name));
}

void
dfuse_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(request, remove_name(request, parent, name));
}

struct renaming {
	struct node *parent, *new_parent;
	dfs_obj_t *from, *to;
	const char *name, *new_name;
	uint64_t inode, other; /* what was moved; what was exchanged with it */
};

static int
exchange(struct dfuse *dfuse, struct renaming *renaming)
{
	struct stat stat;
	int rc = dfs_stat(dfuse->dfs, renaming->to, renaming->new_name, &stat);

	if (rc == 0)
		rc = dfs_exchange(dfuse->dfs, renaming->from, renaming->name, renaming->to,
				  renaming->new_name);
	if (rc == 0)
		renaming->other = stat.st_ino;
	return rc;
}

static int
move(struct dfuse *dfuse, struct renaming *renaming, bool replace)
{
	struct stat stat;
	int rc = replace ? ENOENT : dfs_stat(dfuse->dfs, renaming->to, renaming->new_name, &stat);

	if (rc != ENOENT)
		return rc ? rc : EEXIST;
	return dfs_move(dfuse->dfs, renaming->from, renaming->name, renaming->to,
			renaming->new_name, NULL);
}

static int
rename_run(struct dfuse *dfuse, struct renaming *renaming, unsigned int flags)
{
	struct stat stat;
	int rc = node_object(dfuse, renaming->parent, &renaming->from);

	if (rc == 0)
		rc = node_object(dfuse, renaming->new_parent, &renaming->to);
	if (rc == 0)
		rc = dfs_stat(dfuse->dfs, renaming->from, renaming->name, &stat);
	if (rc)
		return rc;
	renaming->inode = stat.st_ino;
	if (flags & RENAME_EXCHANGE)
		return exchange(dfuse, renaming);
	return move(dfuse, renaming, (flags & RENAME_NOREPLACE) == 0);
}

void
dfuse_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	     const char *new_name, unsigned int flags)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct renaming renaming = {
		.parent = node_of(dfuse, parent),
		.new_parent = node_of(dfuse, new_parent),
		.name = name,
		.new_name = new_name,
	};
	int rc;

	if (strlen(new_name) > DFS_MAX_NAME) {
		fuse_reply_err(request, ENAMETOOLONG);
		return;
	}
	if (flags & ~(unsigned int)(RENAME_EXCHANGE | RENAME_NOREPLACE)) {
		fuse_reply_err(request, EINVAL);
		return;
	}
	rc = rename_run(dfuse, &renaming, flags);
	if (rc == 0)
		node_moved(dfuse, renaming.inode, renaming.new_parent, new_name);
	if (rc == 0 && renaming.other)
		node_moved(dfuse, renaming.other, renaming.parent, name);
	fuse_reply_err(request, rc);
}

void
dfuse_readlink(fuse_req_t request, fuse_ino_t number)
{
	struct dfuse *dfuse = dfuse_of(request);
	char target[DFS_MAX_PATH + 1];
	daos_size_t size = sizeof(target);
	dfs_obj_t *object;
	int rc = node_object(dfuse, node_of(dfuse, number), &object);

	if (rc == 0)
		rc = dfs_get_symlink_value(object, target, &size);
	if (rc)
		fuse_reply_err(request, rc);
	else
		fuse_reply_readlink(request, target);
}
