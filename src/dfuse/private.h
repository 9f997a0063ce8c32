/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of dfuse: containers with files as a mount of the kernel. node.c: what the kernel
 * knows by number; use.c: what of it is open; volume.c: pools and containers; namespace.c,
 * rename.c, attribute.c, data.c, space.c, directory.c, xattr.c: requests, one function each;
 * queue.c: reads and writes that nobody waits for; evict.c: what the kernel shall forget; mount.c:
 * the session, with handshake.c and leave.c; options.c: the command line; dfuse.c: the program.
 *
 * Requests come on the threads of the session, each to its end by calls of libdfs that block. All
 * errors are positive errno values, as libdfs and the kernel have them.
 */
#pragma once

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"
#include "daos.h"
#include "daos_fs.h"

/* Threads of the session where none were said: so many system calls may wait at the same time. */
#define THREADS_DEFAULT 64u
/* Event queues where none were said, and reads and writes under way in each. */
#define QUEUES_DEFAULT 1u
#define QUEUES_MAX 16u
#define QUEUE_DEPTH 64u
/* Reads and writes that occupy a thread of the session; beyond, they go to a queue. */
#define DATA_INLINE_MAX 8u
/* Pools and containers that one mount opens. */
#define POOLS_MAX 64u
#define VOLUMES_MAX 1024u

/* ------------------------------------------------ options */

struct dfuse_options {
	const char *mountpoint, *pool, *container, *system;
	const char *path;     /* that names pool and container */
	const char *embedded; /* directory; NULL: a server */
	const char *snapshot; /* name or epoch; NULL: what is there now */
	char fuse[512]; /* options of the mount that the kernel or libfuse takes, with commas */
	bool foreground, read_only, multi_user, caching, write_back, single_thread, help, version;
	uint32_t threads, queues;
	uint32_t wait_seconds;
};

/* Fills options from the command line, whose strings it borrows and, those of -o, cuts. EINVAL
 * after saying why. */
MUST_USE int dfuse_options_parse(int argc, char **argv, struct dfuse_options *ret_options);
void dfuse_usage(void);

/* ------------------------------------------------ caching */

/* How long the kernel may rely on what it was told, in seconds. */
struct dfuse_caching {
	double attribute_time;
	double entry_time, directory_time; /* that a name leads to a file, to a directory */
	double negative_time;		   /* that it leads nowhere */
	double data_time; /* content, from the last time that it was open; 0: not at all */
	bool pages;	  /* without data_time, too, pages are kept while a file is open */
};
#define DFUSE_FOR_EVER 3e7

/* A time as the attributes have it: a number with a unit (s, m, h, d) or without; words: also on,
 * otoc, off. EINVAL. */
MUST_USE int dfuse_time_parse(const char *text, bool words, double *ret_seconds);

struct dfuse;
struct node;
struct volume;

/* Reads them from the container's attributes, with DAOS's defaults; all 0 without caching. */
void dfuse_caching_read(const struct dfuse *dfuse, struct volume *volume);

/* ------------------------------------------------ pools and containers */

struct pool {
	struct pool *next;
	daos_handle_t handle;
	uuid_t id;
	char name[DAOS_PROP_MAX_LABEL_BUF_LEN]; /* as it was asked for: label or UUID */
};

/* A container that is mounted. It stays until the whole ends. */
struct volume {
	struct volume *next;
	struct pool *pool;
	daos_handle_t container;
	dfs_t *dfs;
	struct dfuse_caching caching;
	uint64_t salt; /* what tells its inode numbers from those of other containers */
	char name[DAOS_PROP_MAX_LABEL_BUF_LEN];
};

/* The pool, connected when first asked for. *Blocks*. ENOENT where there is none, ENOSPC beyond
 * POOLS_MAX. */
MUST_USE int pool_find(struct dfuse *dfuse, const char *name, struct pool **ret_pool);
/* The container, mounted when first asked for. ENOENT, ENOTSUP for one of another type. */
MUST_USE int volume_find(struct dfuse *dfuse, struct pool *pool, const char *name,
			 struct volume **ret_volume);
/* Names in a directory of pools or containers, up to limit of them. *Blocks*. */
MUST_USE int outside_list(struct dfuse *dfuse, const struct node *node,
			  char (*names)[DFS_MAX_NAME + 1], uint32_t limit, uint32_t *ret_count);
/* Closes everything. */
void volumes_close(struct dfuse *dfuse);
/* Frees what clients that died had open. Called now and then. */
void volumes_reclaim(struct dfuse *dfuse);

/* ------------------------------------------------ nodes */

enum node_kind {
	NODE_ENTRY, /* of a container */
	NODE_POOLS, /* the names in it are pools */
	NODE_POOL,  /* the names in it are containers */
};

/* Whether a file has file capabilities, which the first write takes away. */
enum capability {
	CAPABILITY_UNKNOWN,
	CAPABILITY_ABSENT,
	CAPABILITY_PRESENT,
};

/*
 * What the kernel knows: one node per object, however it was found. Its number is its address, the
 * root's 1. It stays while the kernel has looked it up more often than forgotten, or while nodes
 * beneath it stay.
 */
struct node {
	struct table_node link;	 /* by object */
	struct table_node place; /* by parent and name, while placed */
	struct node *parent;	 /* a reference; NULL: the root. With the table's lock, as name */
	char *name;
	bool placed;	/* nothing else was met under the name since */
	bool elsewhere; /* while not placed: it had names besides the one that it lost */
	bool detached;	/* another node has its object: see node_is_stale() */
	enum node_kind kind;
	struct volume *volume; /* of an entry; NULL: of none */
	struct volume *realm;  /* whose numbers inode is one of: not yet a container's root */
	struct pool *pool;     /* NODE_POOL */
	uint64_t inode;	       /* as libdfs has it: what it is found by */
	uint64_t references;
	struct node *next; /* of those that go together */
	_Atomic mode_t mode;
	_Atomic nlink_t links;
	_Atomic uid_t user;
	_Atomic gid_t group;
	pthread_mutex_t lock; /* of object and users */
	dfs_obj_t *object;    /* opened when first needed */
	atomic_bool astray;   /* object may know an older place than parent and name */
	uint32_t users;	      /* that borrow object */
	daos_obj_id_t oid;    /* of what object was, once it was open; else zeros */
	atomic_uint opened;   /* files and directories of the kernel */
	atomic_uint writers;  /* files whose pages the kernel may be holding back */
	atomic_int capability;
	_Atomic int64_t closed; /* when it was last closed, ns of the monotonic clock; 0: never */
	/* What the kernel was told, to find out whether others changed it since. */
	atomic_bool written; /* by us, after that */
	_Atomic int64_t known_size, known_mtime;
};

struct queue;

struct dfuse {
	struct dfuse_options options;
	struct fuse_session *session;
	bool kept_back;		     /* the kernel writes back later */
	bool kills_privilege;	     /* the kernel leaves it to us to take set-user-id bits away */
	pthread_mutex_t volume_lock; /* of the two lists; held while one is opened */
	struct pool *pools;
	struct volume *volumes;
	atomic_uint pool_count, volume_count;
	pthread_mutex_t lock; /* of the tables and of what stands there */
	struct table nodes, detached, places;
	struct pages *pages;
	struct arena *arena; /* of the tables; with the lock */
	struct node root;
	atomic_uint open_files, open_directories;
	atomic_uint data_inline, turn;
	struct queue *queues[QUEUES_MAX];
	uint32_t queue_count;
	pthread_mutex_t evict_lock; /* one eviction at a time */
	_Atomic int64_t timed_out;  /* when something last waited in vain; 0: not since an answer */
	_Atomic int64_t raced;	    /* when the kernel was last sent to look up again; 0: never */
	struct timespec started;
	atomic_bool mounted;
	char mountpoint[PATH_MAX];		     /* resolved */
	char path_pool[DAOS_PROP_MAX_LABEL_BUF_LEN]; /* what a path led to */
	char path_container[DAOS_PROP_MAX_LABEL_BUF_LEN];
	struct leave *leave;
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
/* The same for a pool, and for the root of a container. */
MUST_USE int node_enter_pool(struct dfuse *dfuse, struct node *parent, const char *name,
			     struct pool *pool, struct node **ret_node);
MUST_USE int node_enter_volume(struct dfuse *dfuse, struct node *parent, const char *name,
			       struct volume *volume, struct node **ret_node);

/* Adds a reference. */
void node_keep(struct dfuse *dfuse, struct node *node);
/* Drops references of the kernel's. */
void node_forget(struct dfuse *dfuse, struct node *node, uint64_t count);

/* Who is known to be called name in parent, referenced; or NULL. */
struct node *node_at(struct dfuse *dfuse, struct node *parent, const char *name);
/* Where it stands now: its parent, referenced, and a copy of its name. */
struct node *node_where(struct dfuse *dfuse, struct node *node, char name[DFS_MAX_NAME + 1]);
/* It is now called name in parent. */
MUST_USE int node_place(struct dfuse *dfuse, struct node *node, struct node *parent,
			const char *name);
/* Who has the object that stat, as libdfs told it of something in parent, is of; referenced, or
 * NULL. */
struct node *node_known(struct dfuse *dfuse, const struct node *parent, const struct stat *stat);
/* It has no name any more that is known. */
void node_displace(struct dfuse *dfuse, struct node *node);

/* Attributes of a directory that is in no container. */
void node_stat_outside(const struct dfuse *dfuse, uint64_t inode, struct stat *ret_stat);

/* Its attributes now, as the kernel is to see them. ESTALE where the name it stood under leads
 * elsewhere by now: the kernel looks again. */
MUST_USE int node_stat(struct dfuse *dfuse, struct node *node, struct stat *ret_stat);
/* Its attributes as a page has them that was read of late; *ret_age: how many seconds ago. */
bool node_stat_seen(struct dfuse *dfuse, struct node *node, struct stat *ret_stat, double *ret_age);
/* Turns what libdfs tells of a node into what the kernel sees. */
static inline void
node_stat_show(const struct node *node, struct stat *stat)
{
	if (node->volume)
		stat->st_ino ^= node->volume->salt;
}

/*
 * With write-back the kernel believes its own size and times of a file that it knows. Where stat
 * says that somebody else changed one that is not open here, the node is stale: the kernel must get
 * to know the file anew, under another number.
 */
bool node_is_stale(const struct dfuse *dfuse, const struct node *node, const struct stat *stat);
/* What is left to say of an open file that others renamed: what was told, and its size. */
MUST_USE int node_stat_told(const struct node *node, dfs_obj_t *object, struct stat *ret_stat);
/* Takes down what the kernel is told. */
void node_told(struct node *node, const struct stat *stat);
/* Whether the kernel can be told stat, from a page, of something in parent: nothing else than it
 * was last told of the same object, if it knows that. Of a file with several names a page of one of
 * its directories does not tell what became of it. */
bool node_agrees(struct dfuse *dfuse, const struct node *parent, const struct stat *stat);
/* The same of a node. */
bool node_was_told(const struct node *node, const struct stat *stat);
/* We wrote to it up to end. */
void node_wrote(struct node *node, uint64_t end);

/* ------------------------------------------------ open objects */

/* Somebody works with a node's object. */
struct node_use {
	struct dfuse *dfuse;
	struct node *node; /* NULL: nobody */
	dfs_obj_t *object;
	dfs_t *dfs;
};

/* Opens it where that was not done before. EROFS for what is in no container; ESTALE. *Blocks*. */
MUST_USE int node_use_begin(struct dfuse *dfuse, struct node *node, struct node_use *ret_use);
void node_use_end(struct node_use *use);
#define AUTO_USE __attribute__((cleanup(node_use_end)))

/* Opens what name in parent leads to now, as the mount allows. The caller releases it. */
MUST_USE int node_open_at(struct dfuse *dfuse, struct node *parent, const char *name,
			  dfs_obj_t **ret_object, struct stat *ret_stat);
/* Its object learns where the node stands now, if it may not know. *Blocks*. */
void node_settle(struct dfuse *dfuse, struct node *node);
/* Gives it the object of a look-up, or that object's place; object is released where it is not
 * needed. */
void node_take(struct node *node, dfs_obj_t *object);
/*
 * Closes the object of a node that nobody has open, so that it goes at once with its name. Not just
 * after a race: the kernel looks up and opens in two steps, and tries that twice at most.
 */
void node_let_go(struct dfuse *dfuse, struct node *node);

/* ------------------------------------------------ pages of directories */

/* Entries of a page of a listing. */
#define PAGE 256u

/* A run of a directory's entries in order, as they were at one time. */
struct page {
	atomic_uint references;
	uint64_t changes;	      /* counted in the directory until it was asked for */
	int64_t asked;		      /* when, in ns of the monotonic clock */
	bool last;		      /* nothing follows it */
	char after[DFS_MAX_NAME + 1]; /* it begins behind this name; empty: with the first */
	uint32_t count;
	struct dirent *entries;
	struct stat *stats;
};

MUST_USE int pages_init(struct dfuse *dfuse);
void pages_fini(struct dfuse *dfuse);
/*
 * After a change and before its answer: what was asked for earlier may be without it. Attributes of
 * a node changed; names in a directory, and with them its own attributes; who knows what.
 */
void pages_changed(struct dfuse *dfuse, struct node *node);
void pages_changed_in(struct dfuse *dfuse, struct node *directory);
void pages_forget(struct dfuse *dfuse);

/* An empty page with room for capacity entries; NULL when memory is out. */
struct page *page_create(uint32_t capacity);
/* Drops a reference; NULL is fine. */
void page_put(struct page *page);
/* Seconds since it was asked for. */
double page_age(const struct page *page);
/* Whether nothing was changed in its directory through this mount since. */
bool page_is_current(struct dfuse *dfuse, const struct node *directory, const struct page *page);
/* Looks for a name in it. */
bool page_find(const struct page *page, const char *name, uint32_t *ret_index);

/* The page of a directory in a container that begins behind a name, of PAGE entries unless it is
 * the last: one that was read of late, if nothing in it is older than the kernel may be told, else
 * read now. page_put(). *Blocks*. */
MUST_USE int page_list(const struct node_use *use, const char *after, struct page **ret_page);
/* A page that tells whether there is a name: one that was read of late, or where names of the
 * directory are looked up one after another, read now. NULL: ask for the name alone. page_put().
 * *Blocks*. */
struct page *page_glance(const struct node_use *use, const char *name);
/* A page that was read of late and has the name, whose place in it is returned; or NULL.
 * page_put(). Does not ask. */
struct page *page_seen(struct dfuse *dfuse, const struct node *directory, const char *name,
		       uint32_t *ret_index);

static inline void
page_release(struct page **page)
{
	page_put(*page);
}
#define AUTO_PAGE __attribute__((cleanup(page_release)))

/* ------------------------------------------------ queues */

/* A read or write under way in a queue. */
struct transfer {
	daos_event_t event;
	struct transfer *next;
	struct queue *queue;
	fuse_req_t request;
	struct node_use use;
	d_iov_t iov;
	d_sg_list_t list;
	daos_size_t length; /* read; to be written */
	uint64_t offset;
	bool writes;
};

MUST_USE int queues_start(struct dfuse *dfuse);
/* Waits until every answer is given. */
void queues_stop(struct dfuse *dfuse);
/* A free place in one of the queues; NULL: they are full, or there are none. */
struct transfer *transfer_take(struct dfuse *dfuse);
void transfer_give(struct transfer *transfer);
/* Launches it: the answer comes from the queue. An error leaves the transfer to the caller. */
MUST_USE int transfer_launch(struct transfer *transfer);
/* Answers a request for data. */
void transfer_answer(struct transfer *transfer, int rc);

/* ------------------------------------------------ requests */

static inline struct dfuse *
dfuse_of(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

int64_t dfuse_now(void); /* ns of the monotonic clock */

/* The name that we knew of something leads nowhere, or elsewhere: the kernel looks once more when
 * it is told so. */
static inline int
dfuse_stale(int rc)
{
	return rc == ENOENT ? ESTALE : rc;
}

/* Takes down whether something waited in vain, or must be looked up again, which is then not
 * answered by a page; returns rc. */
int dfuse_outcome(struct dfuse *dfuse, int rc);
/* The same after what may have changed attributes of a node, or names in a directory. */
int dfuse_changed(struct dfuse *dfuse, struct node *node, int rc);
int dfuse_changed_in(struct dfuse *dfuse, struct node *directory, int rc);
/* Whether the kernel was sent to look up again just now. */
bool dfuse_has_raced(const struct dfuse *dfuse);
/* Whether a page that the kernel writes back now has waited behind one that waited in vain. */
bool dfuse_has_waited(const struct dfuse *dfuse);

/* Answers with an entry that node_enter() has counted; gives it back where the kernel is gone. */
void dfuse_reply_entry(fuse_req_t request, struct node *node, const struct stat *stat);
void dfuse_entry_fill(const struct dfuse *dfuse, struct node *node, const struct stat *stat,
		      struct fuse_entry_param *ret_entry);
/* What was found out so many seconds ago may be relied on for that much less. */
void dfuse_entry_age(struct fuse_entry_param *entry, double age);

/* A file is opened, and what the kernel may keep of its content; it is closed. */
void file_opened(struct dfuse *dfuse, struct node *node, struct fuse_file_info *info);
void file_closed(struct dfuse *dfuse, struct node *node, const struct fuse_file_info *info);

/* Before a change of the content: who may not keep them loses set-user-id bits, and everybody file
 * capabilities, where the kernel leaves that to us. */
MUST_USE int privileges_end(fuse_req_t request, const struct node_use *use, bool by_kernel);
/* Asks once whether a file has file capabilities. */
MUST_USE int capability_find(const struct node_use *use);
#define CAPABILITY_ATTRIBUTE "security.capability"

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
void dfuse_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent, const char *new_name);
void dfuse_readlink(fuse_req_t request, fuse_ino_t number);

void dfuse_unlink(fuse_req_t request, fuse_ino_t parent, const char *name);
void dfuse_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name);
void dfuse_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		  const char *new_name, unsigned int flags);

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

void dfuse_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t length,
		     struct fuse_file_info *info);
void dfuse_lseek(fuse_req_t request, fuse_ino_t number, off_t offset, int whence,
		 struct fuse_file_info *info);
void dfuse_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset,
			   struct fuse_file_info *from_info, fuse_ino_t to, off_t to_offset,
			   struct fuse_file_info *to_info, size_t length, int flags);

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

/* The value of the attribute QUERY_ATTRIBUTE: a line of JSON. Its length. */
#define QUERY_ATTRIBUTE "user.dfuse.query"
size_t dfuse_query(struct dfuse *dfuse, char *buffer, size_t size);
/* Setting this attribute drops what lies under the node from the kernel's caches; answers. */
#define EVICT_ATTRIBUTE "user.dfuse.evict"
void dfuse_evict(fuse_req_t request, struct node *node);

/* ------------------------------------------------ holes (pure) */

/* Runs of a chunk that hold data, in order and apart. */
struct chunk_map {
	uint64_t start; /* of the chunk in the file, bytes */
	const daos_recx_t *runs;
	uint32_t count;
};

/* The first place from offset on that has data, or is a hole, as lseek() wants it; UINT64_MAX: not
 * in this chunk, whose size is given. */
uint64_t chunk_seek_data(const struct chunk_map *map, uint64_t offset);
uint64_t chunk_seek_hole(const struct chunk_map *map, uint64_t size, uint64_t offset);

/* ------------------------------------------------ the mount */

/* Connects, mounts the container and the mount point; says why where it cannot. */
MUST_USE int dfuse_start(struct dfuse *dfuse);

/* Serves until the mount point is unmounted or a signal ends it. */
MUST_USE int dfuse_serve(struct dfuse *dfuse);

void dfuse_stop(struct dfuse *dfuse);

/* Answers the kernel's first request, adding what libfuse does not know of. */
MUST_USE int dfuse_handshake(struct dfuse *dfuse);

/* Whether something can be mounted there; says why not. */
MUST_USE int dfuse_mountpoint_check(const struct dfuse_options *options);

/*
 * A thread that leaves in order when a signal comes, which all other threads block: started before
 * any of them. Another does now and then, from the mount on, what must be done now and then.
 */
MUST_USE int leave_start(struct dfuse *dfuse);
MUST_USE int leave_make_rounds(struct dfuse *dfuse);
/* The calling thread begins, or has ended, the session's loop: a signal gets it out of there. */
void leave_serve(struct dfuse *dfuse, bool serving);
void leave_stop(struct dfuse *dfuse);
