/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of dfuse: a container with files as a mount of the kernel. node.c: what the kernel
 * knows by number; namespace.c, attribute.c, data.c, directory.c, xattr.c: its requests, one
 * function each; mount.c: the session; options.c: the command line; dfuse.c: the program.
 *
 * Requests come on the threads of the session, each to its end by calls of libdfs that block. All
 * errors are positive errno values, as libdfs and the kernel have them.
 */
#pragma once

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <pthread.h>

#include "base/base.h"
#include "daos.h"
#include "daos_fs.h"

/* ------------------------------------------------ options */

struct dfuse_options {
	const char *mountpoint, *pool, *container, *system;
	const char *embedded; /* directory; NULL: a server */
	const char *fuse;     /* further options of the mount, as -o has them */
	bool foreground, read_only, multi_user, caching, write_back, single_thread, help, version;
	uint32_t threads;				  /* 0: as many as libfuse takes */
	double attribute_time, entry_time, negative_time; /* seconds */
};

/* Fills options from the command line, whose strings it borrows. EINVAL after saying why. */
MUST_USE int dfuse_options_parse(int argc, char **argv, struct dfuse_options *ret_options);
void dfuse_usage(void);

/* ------------------------------------------------ caching */

/* How long the kernel may rely on what it was told, in seconds. */
struct dfuse_caching {
	double attribute_time;
	double entry_time, directory_time; /* that a name leads to a file, to a directory */
	double negative_time;		   /* that it leads nowhere */
	double data_time; /* content, from the last time that it was open; 0: not at all */
};
#define DFUSE_FOR_EVER 3e7

/* A time as the attributes have it: a number with a unit (s, m, h, d) or without; words: also on,
 * otoc, off. EINVAL. */
MUST_USE int dfuse_time_parse(const char *text, bool words, double *ret_seconds);

struct dfuse;

/* Reads them from the container's attributes, with DAOS's defaults; all 0 without caching. */
void dfuse_caching_read(struct dfuse *dfuse);

/* ------------------------------------------------ nodes */

/*
 * What the kernel knows: one node per object, however it was found. Its number is its address, the
 * root's 1. It stays while the kernel has looked it up more often than forgotten, or while nodes
 * beneath it stay.
 */
struct node {
	struct table_node link;
	struct node *parent; /* a reference; NULL: the root. With the table's lock, as name */
	char *name;
	uint64_t inode; /* as stat shows it: what it is found by */
	mode_t mode;	/* its kind */
	uint64_t references;
	pthread_mutex_t lock;	/* of object */
	dfs_obj_t *object;	/* opened when first needed */
	_Atomic int64_t closed; /* when it was last closed, ns of the monotonic clock; 0: never */
};

struct dfuse {
	struct dfuse_options options;
	struct dfuse_caching caching;
	daos_handle_t pool, container;
	dfs_t *dfs;
	struct fuse_session *session;
	pthread_mutex_t lock; /* of the table and of what stands there */
	struct table nodes;
	struct arena *arena; /* of the table; with the lock */
	struct node root;
};

MUST_USE int nodes_init(struct dfuse *dfuse);
void nodes_fini(struct dfuse *dfuse);

struct node *node_of(struct dfuse *dfuse, fuse_ino_t number);
fuse_ino_t node_number(const struct dfuse *dfuse, const struct node *node);

/*
 * The node of what name in parent leads to, with one reference of the kernel's more. object (may be
 * NULL: opened later) is taken. ENOMEM, and then object is released.
 */
MUST_USE int node_enter(struct dfuse *dfuse, struct node *parent, const char *name,
			const struct stat *stat, dfs_obj_t *object, struct node **ret_node);

/* Drops references of the kernel's. */
void node_forget(struct dfuse *dfuse, struct node *node, uint64_t count);

/* Its open object, borrowed while the node stays. ENOENT where the name leads elsewhere by now. */
MUST_USE int node_object(struct dfuse *dfuse, struct node *node, dfs_obj_t **ret_object);

/* What was moved is now called name in parent, if it is known at all. */
void node_moved(struct dfuse *dfuse, uint64_t inode, struct node *parent, const char *name);

/* Its attributes now. */
MUST_USE int node_stat(struct dfuse *dfuse, struct node *node, struct stat *ret_stat);

/* ------------------------------------------------ requests */

static inline struct dfuse *
dfuse_of(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

/* Answers with an entry that node_enter() has counted; gives it back where the kernel is gone. */
void dfuse_reply_entry(fuse_req_t request, struct node *node, const struct stat *stat);
void dfuse_entry_fill(const struct dfuse *dfuse, const struct node *node, const struct stat *stat,
		      struct fuse_entry_param *ret_entry);

/* Who asked owns what was made, where several users are served. */
MUST_USE int dfuse_own(fuse_req_t request, dfs_obj_t *object);

/* What the kernel may keep of the content of a file that is opened now. */
void dfuse_open_fill(const struct dfuse *dfuse, struct node *node, struct fuse_file_info *info);

extern const struct fuse_lowlevel_ops dfuse_operations;

void dfuse_lookup(fuse_req_t request, fuse_ino_t parent, const char *name);
void dfuse_forget(fuse_req_t request, fuse_ino_t number, uint64_t count);
void dfuse_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets);
void dfuse_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode);
void dfuse_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
		 dev_t device);
void dfuse_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name);
void dfuse_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *info);
void dfuse_unlink(fuse_req_t request, fuse_ino_t parent, const char *name);
void dfuse_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name);
void dfuse_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		  const char *new_name, unsigned int flags);
void dfuse_readlink(fuse_req_t request, fuse_ino_t number);

void dfuse_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info);
void dfuse_setattr(fuse_req_t request, fuse_ino_t number, struct stat *stat, int fields,
		   struct fuse_file_info *info);
void dfuse_statfs(fuse_req_t request, fuse_ino_t number);

void dfuse_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info);
void dfuse_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info);
void dfuse_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
		struct fuse_file_info *info);
void dfuse_write(fuse_req_t request, fuse_ino_t number, const char *data, size_t size, off_t offset,
		 struct fuse_file_info *info);
void dfuse_fsync(fuse_req_t request, fuse_ino_t number, int data_only, struct fuse_file_info *info);
void dfuse_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t length,
		     struct fuse_file_info *info);

void dfuse_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info);
void dfuse_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
		   struct fuse_file_info *info);
void dfuse_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
		       struct fuse_file_info *info);
void dfuse_releasedir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info);

void dfuse_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
		    size_t size, int flags);
void dfuse_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size);
void dfuse_listxattr(fuse_req_t request, fuse_ino_t number, size_t size);
void dfuse_removexattr(fuse_req_t request, fuse_ino_t number, const char *name);

/* ------------------------------------------------ the mount */

/* Connects, mounts the container and the mount point; says why where it cannot. */
MUST_USE int dfuse_start(struct dfuse *dfuse);

/* Serves until the mount point is unmounted or a signal ends it. */
MUST_USE int dfuse_serve(struct dfuse *dfuse);

void dfuse_stop(struct dfuse *dfuse);
