/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Attributes of what the kernel knows, and figures of the whole. */
#include <errno.h>
#include <time.h>

#include "dfuse/private.h"

void
dfuse_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct stat stat;
	int rc = node_stat(dfuse, node_of(dfuse, number), &stat);

	(void)info;
	if (rc)
		fuse_reply_err(request, rc);
	else
		fuse_reply_attr(request, &stat, dfuse->caching.attribute_time);
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

void
dfuse_setattr(fuse_req_t request, fuse_ino_t number, struct stat *stat, int fields,
	      struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	dfs_obj_t *object;
	int flags = fields_of(stat, fields);
	int rc = node_object(dfuse, node, &object);

	(void)info;
	if (rc == 0 && flags)
		rc = dfs_osetattr(dfuse->dfs, object, stat, flags);
	else if (rc == 0)
		rc = dfs_ostat(dfuse->dfs, object, stat);
	if (rc)
		fuse_reply_err(request, rc);
	else
		fuse_reply_attr(request, stat, dfuse->caching.attribute_time);
}

void
dfuse_statfs(fuse_req_t request, fuse_ino_t number)
{
	struct dfuse *dfuse = dfuse_of(request);
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	struct statvfs figures = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = DFS_MAX_NAME};
	int rc = daos_pool_query(dfuse->pool, NULL, &info, NULL, NULL);

	(void)number;
	if (rc) {
		fuse_reply_err(request, EIO);
		return;
	}
	figures.f_blocks = info.pi_space.ps_space.s_total[DAOS_MEDIA_NVME] / figures.f_frsize;
	figures.f_bfree = info.pi_space.ps_space.s_free[DAOS_MEDIA_NVME] / figures.f_frsize;
	figures.f_bavail = figures.f_bfree;
	/* Entries live in the metadata: about 700 bytes each. */
	figures.f_files = info.pi_space.ps_space.s_total[DAOS_MEDIA_SCM] / 700;
	figures.f_ffree = info.pi_space.ps_space.s_free[DAOS_MEDIA_SCM] / 700;
	figures.f_favail = figures.f_ffree;
	fuse_reply_statfs(request, &figures);
}
