/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Disks: the steps of one operation, as both back-ends and the in-place path run them. Private to
 * env/linux. */
#pragma once

#include "env/env.h"

struct linux_env;

/* An open file or block device. */
struct linux_disk {
	struct disk disk;
	struct linux_env *env;
	int fd;
	bool direct; /* O_DIRECT */
	bool memory; /* tmpfs: transfers are copies, done in place at submission */
	uint32_t under_way;
};

enum disk_call { CALL_READ, CALL_WRITE, CALL_SYNC, CALL_FALLOCATE };

/* One system call. */
struct disk_step {
	enum disk_call call;
	int fd;
	int flags;		 /* RWF_DSYNC, or the mode of fallocate */
	const struct iovec *iov; /* of the operation itself, or in the caller's slice */
	uint32_t iov_count;
	uint64_t offset;
	uint64_t length;
};

/* Clears the progress of io. */
void disk_begin(struct disk_io *io);

/* The call that io needs next; slice has DISK_IOV_MAX entries. */
void disk_next(struct disk_io *io, struct iovec *slice, struct disk_step *ret_step);

/* Takes what that call returned (bytes, or a negative errno); true when io is finished, *ret_result
 * is then its result. */
bool disk_advance(struct disk_io *io, int64_t returned, int *ret_result);

/* Runs all steps on the calling thread. */
int disk_run(struct disk_io *io);

/* Bookkeeping of the disk, then the caller's completion. On the loop's thread. */
void disk_finish(struct disk_io *io, int result);

/* Singly linked queues of operations, through private_data. */
struct disk_queue {
	struct disk_io *first;
	struct disk_io *last;
};
void disk_queue_push(struct disk_queue *queue, struct disk_io *io);
struct disk_io *disk_queue_pop(struct disk_queue *queue);
void disk_set_result(struct disk_io *io, int result);
int disk_get_result(const struct disk_io *io);

/* Opens descriptor fd (takes it) as a disk; name is for log lines. */
MUST_USE int disk_create(struct linux_env *env, int fd, bool direct, const char *name,
			 struct disk **ret_disk);

/* Writes zeros over the whole file and makes them durable. Blocks. */
MUST_USE int disk_write_zeros(int fd, uint64_t size);
