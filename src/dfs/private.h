/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What the files of dfs/ share: errors, the entry's attributes, places, mounts, open entries, and
 * the operations on entries that everything else is composed of.
 *
 * A function without a word about it runs on a fiber of a client context and *yields*. Errors are 0
 * or negative: DAOS codes, or file_error() where only an errno says it. They become positive errno
 * values in the public functions alone.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "client/client.h"
#include "daos.h"
#include "daos_fs.h"

/* ------------------------------------------------ errors (pure) */

/* Codes beyond those of DAOS: an errno that no DAOS code stands for. */
#define FILE_ERRNO_BASE 700000
static inline int
file_error(int number)
{
	return -(FILE_ERRNO_BASE + number);
}

/* The errno (positive) of a code; 0 for 0. */
int file_errno(int code);

/* Runs function(arguments) to its end on a fiber; the public functions' last line. Blocks. */
int file_run(int (*function)(void *arguments), void *arguments);

/* As file_run(), or launches it under event: size bytes of arguments are copied, and function must
 * return an errno, which becomes the event's error. */
int file_launch(daos_event_t *event, int (*function)(void *arguments), void *arguments,
		size_t size);

/* size bytes of zeros from the client's memory; client_free(). NULL when memory is out. */
void *file_alloc(size_t size);
char *file_strdup(const char *text);

/* ------------------------------------------------ attributes of an entry (pure) */

#define INODE_SIZE 112u
#define INODE_VERSION 1u

/* Offsets in the value of akey DFS_INODE; the first eleven are those of DFS layout version 3. */
enum inode_offset {
	INODE_MODE = 0,	       /* u32 */
	INODE_OID = 4,	       /* u64 lo, u64 hi */
	INODE_MTIME = 20,      /* u64 seconds */
	INODE_CTIME = 28,      /* u64 seconds */
	INODE_CHUNK_SIZE = 36, /* u64 */
	INODE_CLASS = 44,      /* u32 */
	INODE_MTIME_NS = 48,   /* u64 */
	INODE_CTIME_NS = 56,   /* u64 */
	INODE_UID = 64,	       /* u32 */
	INODE_GID = 68,	       /* u32 */
	INODE_LENGTH = 72,     /* u64: of a symlink's target */
	INODE_STAMP = 80,      /* u64 */
	INODE_GENERATION = 88, /* u64 */
	INODE_CHANGE = 96,     /* u64 */
	INODE_FLAGS = 104,     /* u32 */
	INODE_FORMAT = 108,    /* u32: INODE_VERSION */
};

struct inode {
	uint32_t mode;
	daos_obj_id_t oid;
	struct timespec mtime, ctime;
	uint64_t chunk_size;	/* of a file; of a directory: for new files in it, 0: inherited */
	daos_oclass_id_t class; /* likewise */
	uint32_t uid, gid;
	uint64_t length;     /* of a symlink's target */
	uint64_t stamp;	     /* mtime holds against changes of the object up to this epoch */
	uint64_t generation; /* of the name: drawn at creation */
	uint64_t change;     /* grows with each change of the entry */
	uint32_t flags;
};

void inode_encode(const struct inode *inode, uint8_t bytes[INODE_SIZE]);
/* -DER_DF_INCOMPT for another version, -DER_IO for what no version has written. */
MUST_USE int inode_decode(const void *bytes, size_t length, struct inode *ret_inode);

/* Fills the fields of stat that the entry alone tells. */
void inode_stat(const struct inode *inode, struct stat *ret_stat);
/* Adds what the object tells: its size, and the epoch of its newest change (0: none). */
void inode_stat_object(const struct inode *inode, uint64_t size, uint64_t epoch, struct stat *stat);
struct timespec timespec_from_ns(uint64_t nanoseconds);
/* Permission by mode bits, mask as in access(2). */
bool inode_permits(const struct stat *stat, uid_t uid, gid_t gid, int mask);

/* ------------------------------------------------ names and paths (pure) */

#define SYMLINKS_MAX 40
/* What is left of a path while symlinks are put in front of it. */
#define REST_MAX (64u * 1024)

/* 0; ENAMETOOLONG; EINVAL for an empty name, ".", ".." and names with a slash. */
MUST_USE int name_check(const char *name);

/* Cuts the first component off *path: its length (0: none is left) and start. */
size_t path_next(const char **path, const char **ret_name);

/* Cuts an absolute path into its last component, copied to name, and the path before it, whose
 * length is returned through ret_parent_length. EINVAL for a path that is not absolute or names the
 * root, ENAMETOOLONG. */
MUST_USE int path_split(const char *path, size_t *ret_parent_length, char name[DFS_MAX_NAME + 1]);

/* path without prefix where it begins with it (at a component's border), or path itself. */
const char *path_strip(const char *path, const char *prefix);

/* Reads "dir:hint,file:hint" or "file:hint": the class hints for a kind ("dir", "file"); 0: none.
 * EINVAL for a text that is no such list. */
MUST_USE int hint_find(const char *hints, const char *kind, daos_oclass_hints_t *ret_hints);

/* ------------------------------------------------ places */

/*
 * Where something is: a name in a directory that is itself somewhere. Counted references; each
 * place holds one to its parent, so that ".." needs no record in the store.
 */
struct place {
	atomic_uint references;
	struct place *parent; /* NULL: the root */
	daos_obj_id_t oid;    /* of the thing itself */
	daos_handle_t handle; /* of its object, for a directory; invalid otherwise */
	char name[];	      /* in the parent; "/" for the root */
};

/* A place for a thing named in parent (a reference is taken; NULL: root); a directory is opened. */
MUST_USE int place_create(struct dfs *dfs, struct place *parent, const char *name,
			  size_t name_length, const struct inode *inode, struct place **ret_place);
struct place *place_get(struct place *place);
/* Drops a reference. Does not yield. */
void place_put(struct place *place);
/* Whether place is a directory below oid, or is it. */
bool place_is_within(const struct place *place, daos_obj_id_t oid);

static inline void
place_release(struct place **place)
{
	if (*place)
		place_put(*place);
}
#define AUTO_PLACE __attribute__((cleanup(place_release)))

static inline void
memory_release(void *pointer)
{
	void *memory;

	memcpy(&memory, pointer, sizeof(memory));
	client_free(memory);
}
#define AUTO_MEMORY __attribute__((cleanup(memory_release)))

/* ------------------------------------------------ mounts */

#define SUPER_MAGIC UINT64_C(0xda05df50da05df50)
#define SUPER_VERSION 2u
#define LAYOUT_VERSION 3u

/* What the superblock says. */
struct super {
	daos_obj_id_t id; /* of its object */
	uint64_t chunk_size;
	daos_oclass_id_t class, dir_class, file_class;
	uint32_t mode; /* DFS_RELAXED or DFS_BALANCED */
	char hints[DAOS_CONT_HINT_MAX_LEN];
};

struct dfs {
	daos_handle_t pool, container;
	bool connected; /* the handles are the mount's own: dfs_disconnect() closes them */
	bool read_only;
	bool balanced;
	uint64_t id; /* user value of dfs_attr_t */
	struct super super;
	daos_handle_t super_handle;
	struct place *root;
	struct dfs_obj *root_object; /* for parent NULL */
	char *prefix;
	pthread_mutex_t lock; /* below; never held over a yield */
	daos_obj_id_t next_id;
	bool has_ids;
};

MUST_USE int super_store(daos_handle_t handle, const struct super *super, const struct inode *root);
MUST_USE int super_fetch(daos_handle_t handle, struct super *ret_super);
/* Attributes as given (may be NULL) with defaults filled in. EINVAL. */
MUST_USE int super_from_attributes(const dfs_attr_t *attributes, struct super *ret_super);

/* Makes a mount of what is known already: no request is sent. */
MUST_USE int mount_create(daos_handle_t pool, daos_handle_t container, int flags,
			  const struct super *super, const struct inode *root,
			  struct dfs **ret_dfs);
/* Frees the mount; pool and container stay open. */
void mount_destroy(struct dfs *dfs);
MUST_USE int mount_open(daos_handle_t pool, daos_handle_t container, int flags,
			struct dfs **ret_dfs);
MUST_USE int container_make(daos_handle_t pool, const char *label, dfs_attr_t *attributes,
			    uuid_t *ret_uuid);
/* -DER_NO_PERM on a mount that only reads. */
MUST_USE int mount_writable(const struct dfs *dfs);

/* An id for a new object; class 0 is chosen by the type. */
MUST_USE int id_allocate(struct dfs *dfs, uint32_t mode, daos_oclass_id_t class,
			 daos_obj_id_t *ret_oid);

/* ------------------------------------------------ open entries */

/* Names too long for an anchor are kept with the open directory; the oldest is forgotten first. */
#define LONG_NAMES_KEPT 64u

struct long_name {
	uint64_t number; /* 0: none */
	char name[DFS_MAX_NAME + 1];
};

struct dfs_obj {
	struct dfs *dfs;
	struct place *place;
	uint32_t mode;
	int flags;	     /* O_RDONLY, O_RDWR */
	daos_handle_t array; /* of a file */
	uint64_t chunk_size;
	daos_oclass_id_t class;
	char *target;	      /* of a symlink */
	pthread_mutex_t lock; /* place; below; never held over a yield */
	uint64_t long_name_count;
	struct long_name *long_names; /* LONG_NAMES_KEPT, or NULL */
};

/* Takes place over, also on failure; target is copied (symlinks). */
MUST_USE int object_create(struct dfs *dfs, struct place *place, const struct inode *inode,
			   int flags, const char *target, struct dfs_obj **ret_object);
void object_destroy(struct dfs_obj *object);
/* A reference to where it is; place_put(). Does not yield. */
struct place *object_place(struct dfs_obj *object);
/* The directory that a public call names: parent, or the root; ENOTDIR for another thing. */
MUST_USE int object_directory(struct dfs *dfs, struct dfs_obj *parent,
			      struct place **ret_directory);

/* ------------------------------------------------ entries */

/* Names an entry: directory object and dkey. The root's is in the superblock object. What is done
 * under the name is part of a transaction, if there is one. */
struct entry_name {
	daos_handle_t handle;
	const char *name; /* need not be terminated */
	size_t length;
	daos_handle_t transaction; /* or DAOS_TX_NONE */
};
struct entry_name entry_in(const struct place *directory, const char *name);
struct entry_name entry_within(daos_handle_t transaction, const struct place *directory,
			       const char *name);
struct entry_name entry_of(struct dfs *dfs, const struct place *place);

/* -DER_NONEXIST. */
MUST_USE int entry_fetch(struct entry_name name, struct inode *ret_inode);
/* The target of a symlink of that length, client_free(). */
MUST_USE int entry_fetch_target(struct entry_name name, uint64_t length, char **ret_target);
/* One conditional insert: -DER_EXIST. target for a symlink, else NULL. */
MUST_USE int entry_insert(struct entry_name name, const struct inode *inode, const char *target);

/* Fields of an entry that one update changes. */
enum inode_field {
	FIELD_MODE = 1,
	FIELD_OWNER = 2,    /* uid and gid */
	FIELD_MTIME = 4,    /* with the stamp */
	FIELD_DEFAULTS = 8, /* class and chunk size */
};
/* Writes fields, and ctime and change always. -DER_NONEXIST. */
MUST_USE int entry_update(struct entry_name name, const struct inode *inode, uint32_t fields);
/* Conditional punch: -DER_NONEXIST. */
MUST_USE int entry_remove(struct entry_name name);
/* All values of an entry: attributes, target and extended attributes. */
struct entry_values;
/* Reads them, to be freed by entry_values_free() (NULL is allowed). -DER_NONEXIST. */
MUST_USE int entry_read(struct entry_name name, struct entry_values **ret_values);
/* Writes them into an entry, in place of all that it had, if it existed; in a transaction. */
MUST_USE int entry_write(struct entry_name name, struct entry_values *values);
void entry_values_free(struct entry_values *values);

/* Runs function(argument) in a transaction and commits it; again where it met a conflict, so that
 * function must bear being called several times. */
MUST_USE int transaction_run(struct dfs *dfs,
			     int (*function)(void *argument, daos_handle_t transaction),
			     void *argument);

/* ctime and change for a change that is made now. Does not yield. */
void inode_touch(struct inode *inode);

/* Size of a file and epoch of the newest change of a file or directory. */
MUST_USE int object_measure(struct dfs *dfs, const struct inode *inode, daos_handle_t array,
			    uint64_t *ret_size, uint64_t *ret_epoch);
MUST_USE int entry_stat(struct dfs *dfs, const struct inode *inode, daos_handle_t array,
			struct stat *ret_stat);

/* Frees the data of an entry that has no name any more. */
MUST_USE int object_discard(struct dfs *dfs, const struct inode *inode);
/* 0, or ENOTEMPTY. */
MUST_USE int directory_check_empty(daos_handle_t handle);
/* The same at the point in time of a transaction. */
MUST_USE int directory_check_empty_in(daos_handle_t transaction, daos_handle_t handle);

/* ------------------------------------------------ look-up */

/* Where a path leads. */
struct found {
	struct place *place; /* place_put() */
	struct inode inode;
	char *target; /* of a symlink, client_free() */
};
/*
 * Follows path from directory (an absolute path: from the root). The last component is followed
 * when it is a symlink, unless flags has O_NOFOLLOW. ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG.
 */
MUST_USE int path_find(struct dfs *dfs, struct place *directory, const char *path, int flags,
		       struct found *ret_found);
void found_release(struct found *found);
#define AUTO_FOUND __attribute__((cleanup(found_release)))

/* The open entry of what was found, whose place it takes over. */
MUST_USE int found_open(struct dfs *dfs, struct found *found, int flags,
			struct dfs_obj **ret_object);

/* dfs_lookup() of a path whose prefix is off already. Returns an errno. Not on a fiber. */
MUST_USE int file_lookup(dfs_t *dfs, const char *path, int flags, dfs_obj_t **obj, mode_t *mode);

/* ------------------------------------------------ data */

/* Read and write one flat buffer, with event or without; size in and, read, out. Return an errno.
 * Not on a fiber. */
MUST_USE int file_read_flat(dfs_obj_t *obj, void *buffer, uint64_t offset, daos_size_t *size,
			    daos_event_t *event);
MUST_USE int file_write_flat(dfs_obj_t *obj, const void *buffer, uint64_t offset,
			     const daos_size_t *size, daos_event_t *event);

/* ------------------------------------------------ anchors of directories (pure but for the lock)
 */

/* Longest name that an anchor holds itself. */
#define ANCHOR_NAME_MAX (DAOS_ANCHOR_BUF_MAX - 1)

/* The name after which a listing goes on, copied to name ("" : at the start). ESTALE for a long
 * name that was forgotten, EINVAL. */
MUST_USE int directory_anchor_load(struct dfs_obj *object, const daos_anchor_t *anchor,
				   char name[DFS_MAX_NAME + 1]);
MUST_USE int directory_anchor_store(struct dfs_obj *object, const char *name,
				    daos_anchor_t *anchor);
