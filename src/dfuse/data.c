/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Content of files. What was written is durable when the answer is given, so that there is nothing
 * to flush. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "dfuse/private.h"

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* What the kernel has of an earlier time stays for as long as the container allows. */
void
dfuse_open_fill(const struct dfuse *dfuse, struct node *node, struct fuse_file_info *info)
{
	int64_t closed = atomic_load(&node->closed);

	info->direct_io = dfuse->caching.data_time <= 0;
	info->keep_cache = !info->direct_io && closed != 0 &&
			   (double)(now_ns() - closed) < dfuse->caching.data_time * 1e9;
}

void
dfuse_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	(void)info;
	atomic_store(&node_of(dfuse_of(request), number)->closed, now_ns());
	fuse_reply_err(request, 0);
}

void
dfuse_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	dfs_obj_t *object;
	int rc = 0;

	if (dfuse->options.read_only && (info->flags & O_ACCMODE) != O_RDONLY)
		rc = EROFS;
	if (rc == 0)
		rc = node_object(dfuse, node, &object);
	if (rc == 0 && (info->flags & O_TRUNC))
		rc = dfs_punch(dfuse->dfs, object, 0, DFS_MAX_FSIZE);
	if (rc) {
		fuse_reply_err(request, rc);
		return;
	}
	dfuse_open_fill(dfuse, node, info);
	fuse_reply_open(request, info);
}

void
dfuse_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	   struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	char *buffer = malloc(size);
	d_iov_t iov = {.iov_buf = buffer, .iov_buf_len = size, .iov_len = size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t length = 0;
	dfs_obj_t *object;
	int rc = buffer ? node_object(dfuse, node_of(dfuse, number), &object) : ENOMEM;

	(void)info;
	if (rc == 0)
		rc = dfs_read(dfuse->dfs, object, &list, (daos_off_t)offset, &length, NULL);
	if (rc)
		fuse_reply_err(request, rc);
	else
		fuse_reply_buf(request, buffer, length);
	free(buffer);
}

void
dfuse_write(fuse_req_t request, fuse_ino_t number, const char *data, size_t size, off_t offset,
	    struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	d_iov_t iov = {.iov_buf = (void *)(uintptr_t)data, .iov_buf_len = size, .iov_len = size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	dfs_obj_t *object;
	int rc = node_object(dfuse, node_of(dfuse, number), &object);

	(void)info;
	if (rc == 0)
		rc = dfs_write(dfuse->dfs, object, &list, (daos_off_t)offset, NULL);
	if (rc)
		fuse_reply_err(request, rc);
	else
		fuse_reply_write(request, size);
}

void
dfuse_fsync(fuse_req_t request, fuse_ino_t number, int data_only, struct fuse_file_info *info)
{
	(void)number;
	(void)data_only;
	(void)info;
	fuse_reply_err(request, 0);
}

/* Makes the file at least so long; nothing is reserved. */
static int
extend(struct dfuse *dfuse, dfs_obj_t *object, uint64_t size)
{
	struct stat stat = {.st_size = (off_t)size};
	daos_size_t present;
	int rc = dfs_get_size(dfuse->dfs, object, &present);

	if (rc || present >= size)
		return rc;
	return dfs_osetattr(dfuse->dfs, object, &stat, DFS_SET_ATTR_SIZE);
}

/* A hole, within the size that the file has: a punch up to its end would cut it. */
static int
punch_hole(struct dfuse *dfuse, dfs_obj_t *object, uint64_t offset, uint64_t length)
{
	daos_size_t size;
	int rc = dfs_get_size(dfuse->dfs, object, &size);

	if (rc || offset >= size)
		return rc;
	if (length < size - offset)
		return dfs_punch(dfuse->dfs, object, offset, length);
	rc = dfs_punch(dfuse->dfs, object, offset, DFS_MAX_FSIZE);
	return rc ? rc : extend(dfuse, object, size);
}

void
dfuse_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t length,
		struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	uint64_t end = (uint64_t)offset + (uint64_t)length;
	dfs_obj_t *object;
	int rc = node_object(dfuse, node_of(dfuse, number), &object);

	(void)info;
	if (rc == 0 && mode == 0)
		rc = extend(dfuse, object, end);
	else if (rc == 0 && mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		rc = punch_hole(dfuse, object, (uint64_t)offset, (uint64_t)length);
	else if (rc == 0 && mode != FALLOC_FL_KEEP_SIZE)
		rc = EOPNOTSUPP;
	fuse_reply_err(request, rc);
}
