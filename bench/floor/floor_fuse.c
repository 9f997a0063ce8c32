/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A FUSE file system without anything behind it: one file, `data`, of --size bytes of memory, on
 * --mountpoint, served by one thread until it is unmounted or a signal ends it. The kernel keeps
 * neither names nor attributes nor content. It measures nothing itself: whoever uses it does.
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"

#define FILE_NUMBER 2
#define REQUEST_MAX (1u << 20)

struct memory {
	char *bytes;
	size_t size;
};

static void
session_init(void *argument, struct fuse_conn_info *connection)
{
	(void)argument;
	connection->max_write = REQUEST_MAX;
}

static struct stat
stat_of(const struct memory *memory, fuse_ino_t number)
{
	if (number == FUSE_ROOT_ID)
		return (struct stat){.st_ino = number, .st_mode = S_IFDIR | 0700, .st_nlink = 2};
	return (struct stat){.st_ino = number,
			     .st_mode = S_IFREG | 0600,
			     .st_nlink = 1,
			     .st_size = (off_t)memory->size};
}

static void
answer_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {.ino = FILE_NUMBER, .generation = 1};

	if (parent != FUSE_ROOT_ID || strcmp(name, "data") != 0) {
		fuse_reply_err(request, ENOENT);
		return;
	}
	entry.attr = stat_of(fuse_req_userdata(request), FILE_NUMBER);
	fuse_reply_entry(request, &entry);
}

static void
answer_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	struct stat status = stat_of(fuse_req_userdata(request), number);

	(void)info;
	fuse_reply_attr(request, &status, 0);
}

static void
answer_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	(void)number;
	info->direct_io = 1;
	fuse_reply_open(request, info);
}

static void
answer_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	    struct fuse_file_info *info)
{
	const struct memory *memory = fuse_req_userdata(request);
	size_t at = (size_t)offset < memory->size ? (size_t)offset : memory->size;

	(void)number;
	(void)info;
	fuse_reply_buf(request, memory->bytes + at,
		       size < memory->size - at ? size : memory->size - at);
}

static void
answer_write(fuse_req_t request, fuse_ino_t number, const char *data, size_t size, off_t offset,
	     struct fuse_file_info *info)
{
	const struct memory *memory = fuse_req_userdata(request);

	(void)number;
	(void)info;
	if ((size_t)offset > memory->size || size > memory->size - (size_t)offset) {
		fuse_reply_err(request, ENOSPC);
		return;
	}
	memcpy(memory->bytes + offset, data, size);
	fuse_reply_write(request, size);
}

static const struct fuse_lowlevel_ops operations = {
	.init = session_init,
	.lookup = answer_lookup,
	.getattr = answer_getattr,
	.open = answer_open,
	.read = answer_read,
	.write = answer_write,
};

static void
serve(struct memory *memory, const char *mountpoint)
{
	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session;

	errno = EINVAL;
	if (fuse_opt_add_arg(&arguments, "floor_fuse") != 0 ||
	    fuse_opt_add_arg(&arguments, "-ofsname=floor_fuse,default_permissions") != 0)
		stop("no memory");
	session = fuse_session_new(&arguments, &operations, sizeof(operations), memory);
	fuse_opt_free_args(&arguments);
	if (session == NULL || fuse_session_mount(session, mountpoint) != 0)
		stop("cannot mount on %s", mountpoint);
	if (fuse_set_signal_handlers(session) != 0)
		stop("cannot wait for signals");
	fuse_session_loop(session);
	fuse_remove_signal_handlers(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
}

int
main(int count, char **arguments)
{
	static const struct option known[] = {{"mountpoint", required_argument, NULL, 'm'},
					      {"size", required_argument, NULL, 's'},
					      {NULL, 0, NULL, 0}};
	struct memory memory = {.size = 64u << 20};
	const char *mountpoint = NULL;
	int option;

	while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
		if (option == 'm')
			mountpoint = optarg;
		else if (option == 's')
			memory.size = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	errno = EINVAL;
	if (mountpoint == NULL || memory.size == 0)
		stop("--mountpoint and a positive --size are needed");
	memory.bytes = malloc(memory.size);
	if (memory.bytes == NULL)
		stop("no memory");
	memset(memory.bytes, 'f', memory.size);
	serve(&memory, mountpoint);
	free(memory.bytes);
	return 0;
}
