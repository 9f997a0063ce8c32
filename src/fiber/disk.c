/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Disk operations as plain calls. */
#include "fiber/fiber.h"

static int
disk_run(struct disk *disk, struct disk_io *io)
{
	disk_submit(disk, io);
	return completion_wait(&io->completion);
}

int
disk_readv(struct disk *disk, const struct iovec *iov, uint32_t iov_count, uint64_t offset)
{
	struct disk_io io = {
		.operation = DISK_READ,
		.iov = iov,
		.iov_count = iov_count,
		.offset = offset,
		.length = iov_length(iov, iov_count),
	};

	ASSERT(iov_count <= DISK_IOV_MAX);
	return disk_run(disk, &io);
}

int
disk_writev(struct disk *disk, const struct iovec *iov, uint32_t iov_count, uint64_t offset,
	    bool durable)
{
	struct disk_io io = {
		.operation = DISK_WRITE,
		.durable = durable,
		.iov = iov,
		.iov_count = iov_count,
		.offset = offset,
		.length = iov_length(iov, iov_count),
	};

	ASSERT(iov_count <= DISK_IOV_MAX);
	return disk_run(disk, &io);
}

int
disk_read(struct disk *disk, void *buffer, uint64_t length, uint64_t offset)
{
	struct iovec iov = {.iov_base = buffer, .iov_len = length};

	return disk_readv(disk, &iov, 1, offset);
}

int
disk_write(struct disk *disk, const void *buffer, uint64_t length, uint64_t offset, bool durable)
{
	/* A write leaves the buffer alone, which struct iovec cannot say. */
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = length};

	return disk_writev(disk, &iov, 1, offset, durable);
}

int
disk_flush(struct disk *disk)
{
	struct disk_io io = {.operation = DISK_FLUSH};

	return disk_run(disk, &io);
}

int
disk_zero(struct disk *disk, uint64_t offset, uint64_t length)
{
	struct disk_io io = {.operation = DISK_ZERO, .offset = offset, .length = length};

	return disk_run(disk, &io);
}
