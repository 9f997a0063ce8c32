/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The first exchange with the kernel. libfuse 3.14 knows no protocol beyond 7.38, and of that not
 * all: its answer is taken out of a pipe, and what it could not say is added before it goes on.
 * Source: linux/fuse.h, FUSE_INIT.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfuse/private.h"

/* Bit 36 of the flags: a file without pages may be mapped all the same. Not in all headers. */
#define DIRECT_IO_MMAP (UINT32_C(1) << 4)
#define ANSWER_MAX 512u

struct request_init {
	struct fuse_in_header header;
	struct fuse_init_in init;
};

struct answer_init {
	struct fuse_out_header header;
	struct fuse_init_out init;
};

/* With FUSE_HANDLE_KILLPRIV_V2 the kernel does not ask for file capabilities before each write:
 * taking them away is our part then, see privileges_end(). */
static void
answer_extend(struct dfuse *dfuse, const struct request_init *request, struct answer_init *answer)
{
	uint32_t offered = request->init.flags;
	bool extended = offered & FUSE_INIT_EXT && request->init.minor >= 36;

	if (answer->header.error != 0)
		return;
	if (offered & FUSE_HANDLE_KILLPRIV_V2) {
		answer->init.flags |= FUSE_HANDLE_KILLPRIV_V2;
		dfuse->kills_privilege = true;
	}
	if (extended && request->init.flags2 & DIRECT_IO_MMAP) {
		answer->init.flags |= FUSE_INIT_EXT;
		answer->init.flags2 |= DIRECT_IO_MMAP;
	}
}

static int
answer_pass(struct dfuse *dfuse, const struct fuse_buf *buffer, int from, int to)
{
	union {
		struct answer_init answer;
		char bytes[ANSWER_MAX];
	} out;
	struct request_init request = {.header = {.len = 0}};
	ssize_t length = read(from, &out, sizeof(out));

	if (length <= 0)
		return EIO;
	memcpy(&request, buffer->mem, min_of(buffer->size, sizeof(request)));
	if (request.header.opcode == FUSE_INIT && (size_t)length >= sizeof(out.answer))
		answer_extend(dfuse, &request, &out.answer);
	return write(to, &out, (size_t)length) == length ? 0 : EIO;
}

/* Lets libfuse answer into a pipe that stands in the device's place. */
static int
answer_make(struct dfuse *dfuse, struct fuse_buf *buffer)
{
	int device = fuse_session_fd(dfuse->session);
	int saved = fcntl(device, F_DUPFD_CLOEXEC, 0), pipes[2], rc = 0;

	if (saved < 0)
		return errno;
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0) {
		close(saved);
		return errno;
	}
	if (dup3(pipes[1], device, O_CLOEXEC) < 0)
		rc = errno;
	if (rc == 0)
		fuse_session_process_buf(dfuse->session, buffer);
	if (rc == 0 && dup3(saved, device, O_CLOEXEC) < 0)
		rc = errno;
	if (rc == 0)
		rc = answer_pass(dfuse, buffer, pipes[0], device);
	close(pipes[0]);
	close(pipes[1]);
	close(saved);
	return rc;
}

int
dfuse_handshake(struct dfuse *dfuse)
{
	struct fuse_buf buffer = {.mem = NULL};
	int size = fuse_session_receive_buf(dfuse->session, &buffer);
	int rc = size > 0 ? 0 : EIO;

	if (rc == 0)
		rc = answer_make(dfuse, &buffer);
	free(buffer.mem);
	return rc;
}
