/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Content of files. What was written is durable when the answer is given, so that there is nothing
 * to flush and nothing to sync: those requests are not taken, and the kernel does not send them any
 * more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dfuse/private.h"

/* What info->fh of an open file says. */
#define FILE_APPENDS UINT64_C(1) /* past the kernel's pages: see append() */
#define FILE_KEEPS UINT64_C(2)	 /* the kernel may hold back what is written */

/* A page that comes so soon after another waited in vain had waited behind it. */
#define WAITED_NS INT64_C(1000000000)

/* A look-up after a race, and the opening that follows, take no longer. */
#define RACED_NS INT64_C(1000000000)

int64_t
dfuse_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int
dfuse_outcome(struct dfuse *dfuse, int rc)
{
	if (rc == ESTALE) {
		atomic_store(&dfuse->raced, dfuse_now());
		pages_forget(dfuse);
	} else if (rc == ETIMEDOUT) {
		atomic_store(&dfuse->timed_out, dfuse_now());
	} else if (atomic_load_explicit(&dfuse->timed_out, memory_order_relaxed) != 0 && rc == 0) {
		atomic_store(&dfuse->timed_out, 0);
	}
	return rc;
}

int
dfuse_changed(struct dfuse *dfuse, struct node *node, int rc)
{
	pages_changed(dfuse, node);
	return dfuse_outcome(dfuse, rc);
}

int
dfuse_changed_in(struct dfuse *dfuse, struct node *directory, int rc)
{
	pages_changed_in(dfuse, directory);
	return dfuse_outcome(dfuse, rc);
}

bool
dfuse_has_raced(const struct dfuse *dfuse)
{
	int64_t raced = atomic_load_explicit(&dfuse->raced, memory_order_relaxed);

	return raced != 0 && dfuse_now() - raced < RACED_NS;
}

bool
dfuse_has_waited(const struct dfuse *dfuse)
{
	int64_t timed_out = atomic_load_explicit(&dfuse->timed_out, memory_order_relaxed);

	return timed_out != 0 && dfuse_now() - timed_out < WAITED_NS;
}

/* ------------------------------------------------ open and close */

/* What the kernel has of an earlier time stays for as long as the container allows. */
static bool
pages_stay(const struct node *node)
{
	int64_t closed = atomic_load(&node->closed);

	if (atomic_load(&node->opened) > 0)
		return true;
	return closed != 0 &&
	       (double)(dfuse_now() - closed) < node->volume->caching.data_time * 1e9;
}

/*
 * Who appends does so past the kernel's pages, as it alone would choose where: with several mounts
 * the end of the file is known only where it lies.
 */
void
file_opened(struct dfuse *dfuse, struct node *node, struct fuse_file_info *info)
{
	const struct dfuse_caching *caching = &node->volume->caching;
	bool writes = (info->flags & O_ACCMODE) != O_RDONLY;
	bool appends = writes && (info->flags & O_APPEND) != 0;

	info->direct_io = appends || (caching->data_time <= 0 && !caching->pages);
	info->keep_cache = !info->direct_io && pages_stay(node);
	info->fh = appends ? FILE_APPENDS : 0;
	if (writes && !info->direct_io && dfuse->kept_back)
		info->fh |= FILE_KEEPS;
	if (info->fh & FILE_KEEPS)
		atomic_fetch_add(&node->writers, 1);
	atomic_fetch_add(&node->opened, 1);
	atomic_fetch_add(&dfuse->open_files, 1);
}

void
file_closed(struct dfuse *dfuse, struct node *node, const struct fuse_file_info *info)
{
	atomic_store(&node->closed, dfuse_now());
	if (info->fh & FILE_KEEPS)
		atomic_fetch_sub(&node->writers, 1);
	atomic_fetch_sub(&node->opened, 1);
	atomic_fetch_sub(&dfuse->open_files, 1);
}

void
dfuse_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);

	file_closed(dfuse, node_of(dfuse, number), info);
	fuse_reply_err(request, 0);
}

void
dfuse_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	AUTO_USE struct node_use use = {.node = NULL};
	int rc = 0;

	if (dfuse->options.read_only && (info->flags & O_ACCMODE) != O_RDONLY)
		rc = EROFS;
	/* Its object stays open while the kernel has it open: its name may go meanwhile. */
	if (rc == 0)
		rc = node_use_begin(dfuse, node, &use);
	if (rc == 0 && (info->flags & O_TRUNC))
		rc = dfs_punch(use.dfs, use.object, 0, DFS_MAX_FSIZE);
	if (dfuse_outcome(dfuse, rc)) {
		fuse_reply_err(request, rc);
		return;
	}
	file_opened(dfuse, node, info);
	if (fuse_reply_open(request, info) != 0)
		file_closed(dfuse, node, info);
}

/* ------------------------------------------------ privileges */

int
capability_find(const struct node_use *use)
{
	daos_size_t size = 0;
	int rc;

	if (atomic_load_explicit(&use->node->capability, memory_order_relaxed) !=
	    CAPABILITY_UNKNOWN)
		return 0;
	rc = dfs_getxattr(use->dfs, use->object, CAPABILITY_ATTRIBUTE, NULL, &size);
	if (rc == 0 || rc == ENODATA)
		atomic_store(&use->node->capability, rc ? CAPABILITY_ABSENT : CAPABILITY_PRESENT);
	/* Others renamed it while it is open: its content does not depend on that. */
	return rc == ENODATA || rc == ENOENT || rc == ESTALE ? 0 : rc;
}

static int
capability_end(const struct node_use *use)
{
	int rc = capability_find(use);

	if (rc || atomic_load_explicit(&use->node->capability, memory_order_relaxed) !=
			  CAPABILITY_PRESENT)
		return rc;
	rc = dfs_removexattr(use->dfs, use->object, CAPABILITY_ATTRIBUTE);
	if (rc == 0 || rc == ENODATA)
		atomic_store(&use->node->capability, CAPABILITY_ABSENT);
	return rc == ENODATA ? 0 : rc;
}

/* What the kernel writes back was judged when it was written to its pages. */
int
privileges_end(fuse_req_t request, const struct node_use *use, bool by_kernel)
{
	mode_t mode = atomic_load_explicit(&use->node->mode, memory_order_relaxed);
	struct stat stat = {.st_mode = mode & ~(mode_t)S_ISUID};
	int rc;

	if (!use->dfuse->kills_privilege)
		return 0;
	if (mode & S_IXGRP)
		stat.st_mode &= ~(mode_t)S_ISGID;
	if (!by_kernel && stat.st_mode != mode && fuse_req_ctx(request)->uid != 0) {
		rc = dfs_osetattr(use->dfs, use->object, &stat, DFS_SET_ATTR_MODE);
		if (rc)
			return rc;
		atomic_store(&use->node->mode, stat.st_mode);
	}
	return capability_end(use);
}

/* ------------------------------------------------ reads and writes */

/* Takes the request into a place of a queue where threads are getting scarce, else into own. */
static struct transfer *
transfer_begin(fuse_req_t request, struct transfer *own)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct transfer *transfer = NULL;

	if (atomic_fetch_add(&dfuse->data_inline, 1) >= DATA_INLINE_MAX)
		transfer = transfer_take(dfuse);
	if (transfer == NULL)
		transfer = own;
	transfer->request = request;
	return transfer;
}

/* The data is read or written, or in a queue. */
static void
transfer_run(struct transfer *transfer)
{
	const struct node_use *use = &transfer->use;
	struct dfuse *dfuse = use->dfuse;
	int rc;

	transfer->list = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &transfer->iov};
	if (transfer->queue) {
		rc = transfer_launch(transfer);
		if (rc)
			transfer_answer(transfer, rc);
	} else if (transfer->writes) {
		rc = dfs_write(use->dfs, use->object, &transfer->list, transfer->offset, NULL);
		transfer_answer(transfer, rc);
	} else {
		rc = dfs_read(use->dfs, use->object, &transfer->list, transfer->offset,
			      &transfer->length, NULL);
		transfer_answer(transfer, rc);
	}
	atomic_fetch_sub(&dfuse->data_inline, 1);
}

/* Ends a transfer that did not begin. */
static void
transfer_refuse(struct transfer *transfer, int rc)
{
	atomic_fetch_sub(&dfuse_of(transfer->request)->data_inline, 1);
	transfer_answer(transfer, rc);
}

void
transfer_answer(struct transfer *transfer, int rc)
{
	void *buffer = !transfer->writes || transfer->queue ? transfer->iov.iov_buf : NULL;
	struct node *node = transfer->use.node;

	if (node && transfer->writes)
		dfuse_changed(transfer->use.dfuse, node, rc);
	else if (node)
		dfuse_outcome(transfer->use.dfuse, rc);
	if (rc == 0 && transfer->writes)
		node_wrote(node, transfer->offset + transfer->length);
	node_use_end(&transfer->use);
	if (rc)
		fuse_reply_err(transfer->request, rc);
	else if (transfer->writes)
		fuse_reply_write(transfer->request, transfer->length);
	else
		fuse_reply_buf(transfer->request, buffer, transfer->length);
	free(buffer);
	transfer->iov.iov_buf = NULL;
	if (transfer->queue)
		transfer_give(transfer);
}

void
dfuse_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	   struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct transfer own = {.queue = NULL}, *transfer = transfer_begin(request, &own);
	char *buffer = malloc(size);
	int rc = buffer ? node_use_begin(dfuse, node_of(dfuse, number), &transfer->use) : ENOMEM;

	(void)info;
	transfer->writes = false;
	transfer->offset = (uint64_t)offset;
	transfer->length = 0;
	d_iov_set(&transfer->iov, buffer, size);
	if (rc)
		transfer_refuse(transfer, rc);
	else
		transfer_run(transfer);
}

/* What is queued outlives the buffer that it came in. */
static int
transfer_fill(struct transfer *transfer, const char *data, size_t size)
{
	void *copy = (void *)(uintptr_t)data;

	if (transfer->queue) {
		copy = malloc(size);
		if (copy == NULL)
			return ENOMEM;
		memcpy(copy, data, size);
	}
	d_iov_set(&transfer->iov, copy, size);
	return 0;
}

static void
write_at(fuse_req_t request, struct node *node, const char *data, size_t size, off_t offset,
	 bool by_kernel)
{
	struct transfer own = {.queue = NULL}, *transfer = transfer_begin(request, &own);
	int rc = node_use_begin(dfuse_of(request), node, &transfer->use);

	transfer->writes = true;
	transfer->offset = (uint64_t)offset;
	transfer->length = size;
	transfer->iov.iov_buf = NULL;
	if (rc == 0)
		rc = privileges_end(request, &transfer->use, by_kernel);
	if (rc == 0)
		rc = transfer_fill(transfer, data, size);
	if (rc)
		transfer_refuse(transfer, rc);
	else
		transfer_run(transfer);
}

/* ------------------------------------------------ appending */

/*
 * Where the kernel holds back what others here wrote, it alone knows how long the file is going to
 * be: if longer than the store says, its word holds.
 */
static int
append_data(const struct node_use *use, d_sg_list_t *list, uint64_t offset, daos_off_t *ret_where)
{
	daos_size_t size = 0;
	int rc = 0;

	if (atomic_load(&use->node->writers) > 0)
		rc = dfs_get_size(use->dfs, use->object, &size);
	if (rc == 0 && atomic_load(&use->node->writers) > 0 && offset > size) {
		*ret_where = offset;
		return dfs_write(use->dfs, use->object, list, offset, NULL);
	}
	return rc ? rc : dfs_append(use->dfs, use->object, list, ret_where, NULL);
}

/* With write-back the kernel believes its own length of the file: it learns the new one by the data
 * that makes it so. */
static void
tell_kernel(struct dfuse *dfuse, fuse_ino_t number, uint64_t where, const char *data, size_t size)
{
	struct fuse_bufvec vector = FUSE_BUFVEC_INIT(size);

	vector.buf[0].mem = (void *)(uintptr_t)data;
	fuse_lowlevel_notify_store(dfuse->session, number, (off_t)where, &vector, 0);
}

static void
append(fuse_req_t request, fuse_ino_t number, const char *data, size_t size, off_t offset)
{
	struct dfuse *dfuse = dfuse_of(request);
	AUTO_USE struct node_use use = {.node = NULL};
	d_iov_t iov = {.iov_buf = (void *)(uintptr_t)data, .iov_buf_len = size, .iov_len = size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	daos_off_t where = 0;
	int rc = node_use_begin(dfuse, node_of(dfuse, number), &use);

	if (rc == 0)
		rc = privileges_end(request, &use, false);
	if (rc == 0)
		rc = append_data(&use, &list, (uint64_t)offset, &where);
	if (dfuse_changed(dfuse, node_of(dfuse, number), rc)) {
		fuse_reply_err(request, rc);
		return;
	}
	node_wrote(use.node, where + size);
	if (dfuse->kept_back && where != (uint64_t)offset)
		tell_kernel(dfuse, number, where, data, size);
	fuse_reply_write(request, size);
}

void
dfuse_write(fuse_req_t request, fuse_ino_t number, const char *data, size_t size, off_t offset,
	    struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);

	if (info->writepage && dfuse_has_waited(dfuse))
		fuse_reply_err(request, EIO);
	else if (!info->writepage && info->fh & FILE_APPENDS && info->flags & O_APPEND)
		append(request, number, data, size, offset);
	else
		write_at(request, node_of(dfuse, number), data, size, offset, info->writepage);
}
