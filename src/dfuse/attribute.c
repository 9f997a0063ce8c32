/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Attributes of what the kernel knows, and figures of the whole. */
#include <errno.h>
#include <time.h>

#include "dfuse/private.h"

static double
attribute_time(const struct node *node)
{
	return node->volume ? node->volume->caching.attribute_time : 0;
}

void
dfuse_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	struct stat stat;
	double age = 0;
	int rc = 0;

	(void)info;
	if (!node_stat_seen(dfuse, node, &stat, &age))
		rc = dfuse_outcome(dfuse, node_stat(dfuse, node, &stat));
	if (rc)
		fuse_reply_err(request, rc);
	else
		fuse_reply_attr(request, &stat, max_of(attribute_time(node) - age, 0.0));
}

/* The fields as libdfs names them; times that are to be now are filled in. */
static int
fields_of(struct stat *stat, int fields)
{
	struct timespec now;
	int flags = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (fields & FUSE_SET_ATTR_MODE)
		flags |= DFS_SET_ATTR_MODE;
	if (fields & FUSE_SET_ATTR_UID)
		flags |= DFS_SET_ATTR_UID;
	if (fields & FUSE_SET_ATTR_GID)
		flags |= DFS_SET_ATTR_GID;
	if (fields & FUSE_SET_ATTR_SIZE)
		flags |= DFS_SET_ATTR_SIZE;
	if (fields & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW))
		flags |= DFS_SET_ATTR_ATIME;
	if (fields & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
		flags |= DFS_SET_ATTR_MTIME;
	if (fields & FUSE_SET_ATTR_ATIME_NOW)
		stat->st_atim = now;
	if (fields & FUSE_SET_ATTR_MTIME_NOW)
		stat->st_mtim = now;
	return flags;
}

/* A new owner, and a new length by who may not keep them, take the set-user-id bit away, and the
 * set-group-id bit of what its group may execute. */
static int
kill_bits(fuse_req_t request, const struct node *node, struct stat *stat, int flags)
{
	const struct fuse_ctx *context = fuse_req_ctx(request);
	mode_t mode = atomic_load(&node->mode);
	bool owner = (flags & (DFS_SET_ATTR_UID | DFS_SET_ATTR_GID)) != 0;
	bool size = (flags & DFS_SET_ATTR_SIZE) != 0 && context->uid != 0;

	if (!dfuse_of(request)->kills_privilege || !S_ISREG(mode) || flags & DFS_SET_ATTR_MODE ||
	    !(owner || size) || !(mode & (S_ISUID | S_ISGID)))
		return flags;
	mode &= ~(mode_t)S_ISUID;
	if (mode & S_IXGRP)
		mode &= ~(mode_t)S_ISGID;
	if (mode == atomic_load(&node->mode))
		return flags;
	stat->st_mode = mode;
	return flags | DFS_SET_ATTR_MODE;
}

#define ENTRY_FIELDS (~(DFS_SET_ATTR_ATIME | DFS_SET_ATTR_MTIME | DFS_SET_ATTR_SIZE))

/* Of a file that is open while others renamed it, the content is at hand, but not the entry: its
 * length can be set, and the kernel's times are nothing to lose what was written for. */
static int
set_content(const struct node_use *use, struct stat *stat, int flags)
{
	char zero = 0;
	d_iov_t iov = {.iov_buf = &zero, .iov_buf_len = 1, .iov_len = 1};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size, wanted = (daos_size_t)stat->st_size;
	int rc = dfs_get_size(use->dfs, use->object, &size);

	if (rc == 0 && flags & DFS_SET_ATTR_SIZE && wanted < size)
		rc = dfs_punch(use->dfs, use->object, wanted, DFS_MAX_FSIZE);
	else if (rc == 0 && flags & DFS_SET_ATTR_SIZE && wanted > size)
		rc = dfs_write(use->dfs, use->object, &list, wanted - 1, NULL);
	return rc ? rc : node_stat_told(use->node, use->object, stat);
}

static int
setattr_run(struct dfuse *dfuse, struct node *node, struct stat *stat, int flags)
{
	AUTO_USE struct node_use use = {.node = NULL};
	int rc = node_use_begin(dfuse, node, &use);

	if (rc == 0 && flags)
		rc = dfs_osetattr(use.dfs, use.object, stat, flags);
	else if (rc == 0)
		rc = dfs_ostat(use.dfs, use.object, stat);
	if ((rc == ENOENT || rc == ESTALE) && use.node && atomic_load(&node->opened) > 0 &&
	    S_ISREG(atomic_load(&node->mode)) && !(flags & ENTRY_FIELDS))
		rc = set_content(&use, stat, flags);
	if (rc)
		return dfuse_stale(rc);
	node_told(node, stat);
	node_stat_show(node, stat);
	return rc;
}

void
dfuse_setattr(fuse_req_t request, fuse_ino_t number, struct stat *stat, int fields,
	      struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	int flags = kill_bits(request, node, stat, fields_of(stat, fields));
	int rc = dfuse_changed(dfuse, node, setattr_run(dfuse, node, stat, flags));

	(void)info;
	if (rc)
		fuse_reply_err(request, rc);
	else
		fuse_reply_attr(request, stat, attribute_time(node));
}

/* ------------------------------------------------ figures */

/* Entries live in the metadata: about 700 bytes each. */
#define ENTRY_BYTES 700u

void
dfuse_statfs(fuse_req_t request, fuse_ino_t number)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	struct pool *pool = node->volume ? node->volume->pool : node->pool;
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	struct statvfs figures = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = DFS_MAX_NAME};
	const struct daos_space *space = &info.pi_space.ps_space;

	if (pool &&
	    dfuse_outcome(dfuse,
			  daos_pool_query(pool->handle, NULL, &info, NULL, NULL) ? ETIMEDOUT : 0)) {
		fuse_reply_err(request, EIO);
		return;
	}
	figures.f_blocks = space->s_total[DAOS_MEDIA_NVME] / figures.f_frsize;
	figures.f_bfree = space->s_free[DAOS_MEDIA_NVME] / figures.f_frsize;
	figures.f_bavail = figures.f_bfree;
	figures.f_files = space->s_total[DAOS_MEDIA_SCM] / ENTRY_BYTES;
	figures.f_ffree = space->s_free[DAOS_MEDIA_SCM] / ENTRY_BYTES;
	figures.f_favail = figures.f_ffree;
	fuse_reply_statfs(request, &figures);
}
