/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One disk operation as a sequence of system calls: short transfers continued, missing calls
 * replaced. */
#include "env/linux/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "env/linux/world.h"
#include "fiber/fiber.h"

/* Calls that may end with EAGAIN or EINTR in a row before an operation is given up. */
#define DISK_RETRIES 64

#define ZERO_SIZE (64u * 1024)
static const uint8_t zeros[ZERO_SIZE] __attribute__((aligned(DISK_BLOCK)));

/* What an operation keeps in private_data while it is under way. */
enum disk_private {
	PRIVATE_PROGRESS,
	PRIVATE_NEXT,
	PRIVATE_RESULT,
	PRIVATE_RETRIES,
	PRIVATE_BY_WRITING
};

static uint64_t
progress_of(const struct disk_io *io)
{
	return (uintptr_t)io->private_data[PRIVATE_PROGRESS];
}

static void
set_private(struct disk_io *io, enum disk_private index, uintptr_t value)
{
	io->private_data[index] = (void *)value;
}

void
disk_begin(struct disk_io *io)
{
	memset(io->private_data, 0, sizeof(io->private_data));
}

void
disk_set_result(struct disk_io *io, int result)
{
	set_private(io, PRIVATE_RESULT, (uintptr_t)(intptr_t)result);
}

int
disk_get_result(const struct disk_io *io)
{
	return (int)(intptr_t)io->private_data[PRIVATE_RESULT];
}

void
disk_queue_push(struct disk_queue *queue, struct disk_io *io)
{
	io->private_data[PRIVATE_NEXT] = NULL;
	if (queue->last)
		queue->last->private_data[PRIVATE_NEXT] = io;
	else
		queue->first = io;
	queue->last = io;
}

struct disk_io *
disk_queue_pop(struct disk_queue *queue)
{
	struct disk_io *io = queue->first;

	if (!io)
		return NULL;
	queue->first = io->private_data[PRIVATE_NEXT];
	if (!queue->first)
		queue->last = NULL;
	return io;
}

/* ------------------------------------------------ steps */

static uint32_t
zero_slice(uint64_t length, struct iovec *slice, uint64_t *ret_length)
{
	uint32_t count = 0;
	uint64_t total = 0;

	while (count < DISK_IOV_MAX && total < length) {
		size_t piece = min_of(length - total, (uint64_t)ZERO_SIZE);

		slice[count++] =
			(struct iovec){.iov_base = (void *)(uintptr_t)zeros, .iov_len = piece};
		total += piece;
	}
	*ret_length = total;
	return count;
}

static void
transfer_step(struct disk_io *io, struct iovec *slice, struct disk_step *step)
{
	uint64_t progress = progress_of(io);

	step->call = io->operation == DISK_READ ? CALL_READ : CALL_WRITE;
	step->flags = io->operation == DISK_WRITE && io->durable ? RWF_DSYNC : 0;
	step->offset = io->offset + progress;
	step->length = io->length - progress;
	if (progress == 0) {
		step->iov = io->iov;
		step->iov_count = io->iov_count;
		return;
	}
	int count = iov_slice(io->iov, io->iov_count, progress, step->length, slice, DISK_IOV_MAX);

	ASSERT(count > 0);
	step->iov = slice;
	step->iov_count = (uint32_t)count;
}

static void
zero_step(struct disk_io *io, struct iovec *slice, struct disk_step *step)
{
	uint64_t progress = progress_of(io);

	step->offset = io->offset + progress;
	if (io->private_data[PRIVATE_BY_WRITING]) {
		step->call = CALL_WRITE;
		step->iov = slice;
		step->iov_count = zero_slice(io->length - progress, slice, &step->length);
		return;
	}
	step->call = CALL_FALLOCATE;
	step->length = io->length;
	step->flags = FALLOC_FL_KEEP_SIZE |
		      (io->operation == DISK_ZERO ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
}

void
disk_next(struct disk_io *io, struct iovec *slice, struct disk_step *ret_step)
{
	struct disk_step step = {.fd = container_of(io->disk, struct linux_disk, disk)->fd};

	switch (io->operation) {
	case DISK_READ:
	case DISK_WRITE:
		transfer_step(io, slice, &step);
		break;
	case DISK_FLUSH:
		step.call = CALL_SYNC;
		break;
	case DISK_ZERO:
	case DISK_DISCARD:
		zero_step(io, slice, &step);
		break;
	}
	*ret_step = step;
}

/* An error of a call: true when it ends the operation. */
static bool
advance_error(struct disk_io *io, int error, int *ret_result)
{
	uintptr_t retries = (uintptr_t)io->private_data[PRIVATE_RETRIES];

	/* ECANCELED: the thread that had submitted to the ring has ended. */
	if ((error == EINTR || error == EAGAIN || error == ECANCELED) && retries < DISK_RETRIES) {
		set_private(io, PRIVATE_RETRIES, retries + 1);
		return false;
	}
	if (error == EOPNOTSUPP && io->operation == DISK_ZERO &&
	    !io->private_data[PRIVATE_BY_WRITING]) {
		set_private(io, PRIVATE_BY_WRITING, 1);
		return false;
	}
	if (error == EOPNOTSUPP && io->operation == DISK_DISCARD) {
		*ret_result = 0;
		return true;
	}
	*ret_result = error == ENOSPC || error == EDQUOT ? -DER_NOSPACE : error_from_errno(error);
	return true;
}

/* Less than a block moved: true when that has happened too often. */
static bool
advance_stuck(struct disk_io *io, int *ret_result)
{
	uintptr_t retries = (uintptr_t)io->private_data[PRIVATE_RETRIES];

	set_private(io, PRIVATE_RETRIES, retries + 1);
	*ret_result = -DER_IO;
	return retries >= DISK_RETRIES;
}

bool
disk_advance(struct disk_io *io, int64_t returned, int *ret_result)
{
	uint64_t progress;

	if (returned < 0)
		return advance_error(io, (int)-returned, ret_result);
	*ret_result = 0;
	if (io->operation == DISK_FLUSH)
		return true;
	if ((io->operation == DISK_ZERO || io->operation == DISK_DISCARD) &&
	    !io->private_data[PRIVATE_BY_WRITING])
		return true;
	/* Nothing moved: the file is shorter than it was when it was opened. */
	if (returned == 0) {
		*ret_result = io->length == 0 ? 0 : -DER_IO;
		return true;
	}
	progress = progress_of(io) + (uint64_t)returned;
	/* Direct transfers go on at whole blocks only; a short one is repeated from the block it
	 * ended in. */
	if (progress < io->length)
		progress = align_down(progress, DISK_BLOCK);
	if (progress == progress_of(io))
		return advance_stuck(io, ret_result);
	set_private(io, PRIVATE_RETRIES, 0);
	set_private(io, PRIVATE_PROGRESS, progress);
	return progress >= io->length;
}

static int64_t
run_step(const struct disk_step *step)
{
	int64_t returned;

	switch (step->call) {
	case CALL_READ:
		returned = preadv2(step->fd, step->iov, (int)step->iov_count, (off_t)step->offset,
				   step->flags);
		break;
	case CALL_WRITE:
		returned = pwritev2(step->fd, step->iov, (int)step->iov_count, (off_t)step->offset,
				    step->flags);
		break;
	case CALL_SYNC:
		returned = fdatasync(step->fd);
		break;
	default:
		returned =
			fallocate(step->fd, step->flags, (off_t)step->offset, (off_t)step->length);
		break;
	}
	return returned < 0 ? -errno : returned;
}

int
disk_run(struct disk_io *io)
{
	struct iovec slice[DISK_IOV_MAX];
	struct disk_step step;
	int result;

	do {
		disk_next(io, slice, &step);
	} while (!disk_advance(io, run_step(&step), &result));
	return result;
}

/* ------------------------------------------------ the seam */

/* Whether io keeps the rules of struct disk_io. */
static bool
request_valid(const struct disk_io *io)
{
	if (io->operation == DISK_FLUSH)
		return true;
	if (io->offset % DISK_BLOCK || io->length % DISK_BLOCK || io->offset > io->disk->size ||
	    io->length > io->disk->size - io->offset)
		return false;
	if (io->operation == DISK_ZERO || io->operation == DISK_DISCARD)
		return true;
	if (io->iov_count > DISK_IOV_MAX || iov_length(io->iov, io->iov_count) != io->length)
		return false;
	for (uint32_t i = 0; i < io->iov_count; i++)
		if ((uintptr_t)io->iov[i].iov_base % DISK_BLOCK || io->iov[i].iov_len % DISK_BLOCK)
			return false;
	return true;
}

static void
submit(struct disk *disk, struct disk_io *io)
{
	struct linux_disk *self = container_of(disk, struct linux_disk, disk);
	struct backend *backend = self->env->backend;

	disk_begin(io);
	self->under_way++;
	if (!request_valid(io)) {
		disk_set_result(
			io,
			error_raise(
				-DER_INVAL,
				"disk transfer at %llu, %llu bytes: not whole blocks of the disk",
				(unsigned long long)io->offset, (unsigned long long)io->length));
		disk_queue_push(&self->env->finished, io);
	} else if (self->memory && io->operation == DISK_READ && self->env->reads_left > 0) {
		self->env->reads_left--;
		disk_finish(io, disk_run(io));
	} else if (self->memory || (io->length == 0 && io->operation != DISK_FLUSH)) {
		disk_set_result(io, io->length || io->operation == DISK_FLUSH ? disk_run(io) : 0);
		disk_queue_push(&self->env->finished, io);
	} else {
		backend->operations->submit(backend, io);
	}
}

void
disk_finish(struct disk_io *io, int result)
{
	struct linux_disk *self = container_of(io->disk, struct linux_disk, disk);

	ASSERT(self->under_way > 0);
	self->under_way--;
	completion_signal(&io->completion, result);
}

static void
close_disk(struct disk *disk)
{
	struct linux_disk *self = container_of(disk, struct linux_disk, disk);

	ASSERT(self->under_way == 0);
	close(self->fd);
	ASSERT(self->env->disks > 0);
	self->env->disks--;
	arena_free(self->env->env.arena, self);
}

static const struct disk_operations operations = {.submit = submit, .close = close_disk};

/* ------------------------------------------------ opening */

/* What the kernel says about the cache of the device: "write through" means that completed writes
 * are durable. */
static bool
device_write_through(dev_t device)
{
	char path[80], text[16] = "";

	for (size_t i = 0; i < 2; i++) {
		int fd;
		ssize_t length;

		if (i == 0)
			snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/queue/write_cache",
				 major(device), minor(device));
		else
			snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../queue/write_cache",
				 major(device), minor(device));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		length = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (length > 0)
			return strncmp(text, "write through", 13) == 0;
	}
	return false;
}

static int
measure(struct linux_disk *self)
{
	struct statfs system;
	struct stat status;
	uint64_t size;

	if (fstat(self->fd, &status) < 0 || fstatfs(self->fd, &system) < 0)
		return error_raise(error_from_errno(errno), "cannot examine a disk: %s",
				   strerror(errno));
	if (S_ISBLK(status.st_mode)) {
		if (ioctl(self->fd, BLKGETSIZE64, &size) < 0)
			return error_raise(error_from_errno(errno),
					   "cannot read a device's size: %s", strerror(errno));
		self->disk.volatile_cache = !device_write_through(status.st_rdev);
	} else if (S_ISREG(status.st_mode)) {
		size = (uint64_t)status.st_size;
		self->memory = system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
		self->disk.volatile_cache = !self->memory && !device_write_through(status.st_dev);
		self->disk.thin = (uint64_t)status.st_blocks * 512 < size;
	} else {
		return error_raise(-DER_INVAL, "neither a file nor a block device");
	}
	self->disk.size = align_down(size, DISK_BLOCK);
	return 0;
}

int
disk_create(struct linux_env *env, int fd, bool direct, const char *name, struct disk **ret_disk)
{
	struct linux_disk *self = arena_calloc(env->env.arena, 1, sizeof(*self));
	int rc;

	if (!self) {
		close(fd);
		return error_raise(-DER_NOMEM, "no memory to open %s", name);
	}
	self->disk.operations = &operations;
	self->env = env;
	self->fd = fd;
	self->direct = direct;
	rc = measure(self);
	if (rc) {
		close(fd);
		arena_free(env->env.arena, self);
		return rc;
	}
	env->disks++;
	*ret_disk = &self->disk;
	return 0;
}

int
disk_write_zeros(int fd, uint64_t size)
{
	struct iovec slice[DISK_IOV_MAX];
	uint64_t done = 0;

	while (done < size) {
		uint64_t length;
		uint32_t count = zero_slice(size - done, slice, &length);
		ssize_t written = pwritev(fd, slice, (int)count, (off_t)done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 && (errno == ENOSPC || errno == EDQUOT) ? -DER_NOSPACE
										   : -DER_IO;
		done = align_down(done + (uint64_t)written, DISK_BLOCK);
	}
	return fsync(fd) < 0 ? error_from_errno(errno) : 0;
}
