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

static inline bool
oid_equal(daos_obj_id_t a, daos_obj_id_t b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

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
	uint32_t flags;	     /* enum inode_flag */
	uint32_t links;	     /* names it has; not of the entry: 1 until its record says more */
};

enum inode_flag {
	INODE_EXPORTED = 1, /* a record tells by the object id where the entry is */
	INODE_LINKED = 2, /* the entry is one of several names: its attributes are in the record */
	INODE_FLAGS_KNOWN = 3,
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

/* Whether the whole name is like pattern: % stands for any bytes, _ for one, a backslash
 * before a byte for that byte. */
bool name_is_like(const char *name, const char *pattern);

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
	atomic_bool exported; /* its record, and those of all above it, are known to be there */
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

/* ------------------------------------------------ open files by object id (pure) */

enum held_state {
	HELD_NOT,    /* it is not open here */
	HELD_NAMED,  /* its attributes are in its entry */
	HELD_LINKED, /* in its record */
	HELD_ORPHAN, /* it has no name; with the orphans */
};

/* A file that is open through a mount, or whose name is being taken. */
struct held {
	struct held *next;
	daos_obj_id_t oid;
	uint32_t count; /* who holds it */
	enum held_state state;
	bool bare;	     /* an orphan whose attributes could not be kept in the store */
	struct inode inode;  /* them, as they were then */
	struct list objects; /* struct dfs_obj */
};

/* Their table. Its user has a lock. */
struct held_table {
	struct held **buckets;
	uint32_t bucket_count; /* a power of two; 0: none yet */
	uint32_t count;
};

struct held *held_find(const struct held_table *table, daos_obj_id_t oid);
/* One more holder of oid; spare is used where it is not in the table (and set to NULL then). NULL:
 * there was no spare, or memory for the first buckets is out. */
struct held *held_take(struct held_table *table, daos_obj_id_t oid, struct held **spare);
/* One holder less: what is to be freed when it was the last one, taken out of the table; or NULL.
 */
struct held *held_drop(struct held_table *table, struct held *held);
/* Frees the buckets; all holders are gone. */
void held_fini(struct held_table *table);

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

#define REMOVED_KEPT 64u

struct dfs {
	daos_handle_t pool;
	daos_handle_t container; /* all objects are opened through it */
	daos_handle_t given;	 /* the caller's: container, or that with what is newest */
	uint64_t snapshot;	 /* the epoch that container shows; 0: the newest */
	bool connected;		 /* the handles are the mount's own: dfs_disconnect() closes them */
	bool read_only;
	bool balanced;
	uint64_t id; /* user value of dfs_attr_t */
	struct super super;
	daos_handle_t super_handle;
	struct place *root;
	struct dfs_obj *root_object; /* for parent NULL */
	char *prefix;
	atomic_uint_fast64_t removals; /* files whose data went with their names, through here */
	atomic_uint_fast64_t renewed;  /* when, in ns since 1970; 0: holds no orphan yet */
	pthread_mutex_t lock;	       /* below; never held over a yield */
	daos_obj_id_t next_id;
	bool has_ids;
	uint64_t holder; /* what tells this mount from others; 0: not drawn yet */
	daos_obj_id_t removed[REMOVED_KEPT]; /* the latest of removals */
	struct held_table held;
};

/* Writes what the superblock says, under conditions DAOS_COND_*. */
MUST_USE int super_put(daos_handle_t handle, const struct super *super, uint64_t conditions);
/* The same for a new file system, after the entry of its root. */
MUST_USE int super_store(daos_handle_t handle, const struct super *super, const struct inode *root);
MUST_USE int super_fetch(daos_handle_t handle, struct super *ret_super);
/* Attributes as given (may be NULL) with defaults filled in. EINVAL. */
MUST_USE int super_from_attributes(const dfs_attr_t *attributes, struct super *ret_super);

/* Ids of superblock and root, as the container's properties say. EINVAL for a container of another
 * layout. */
MUST_USE int roots_fetch(daos_handle_t container, daos_obj_id_t roots[2]);
/* The attributes of a new root directory. Does not yield. */
void root_init(daos_obj_id_t oid, struct inode *ret_root);
/* Makes a mount of what is known already: no request is sent. */
MUST_USE int mount_create(daos_handle_t pool, daos_handle_t container, int flags,
			  const struct super *super, const struct inode *root,
			  struct dfs **ret_dfs);
/* Frees the mount; pool and the given container stay open. */
void mount_destroy(struct dfs *dfs);
MUST_USE int mount_open(daos_handle_t pool, daos_handle_t container, int flags,
			struct dfs **ret_dfs);
/* Likewise, read-only, at a snapshot by name or (NULL) by epoch. ENOENT where there is none. */
MUST_USE int mount_open_at(daos_handle_t pool, daos_handle_t container, daos_epoch_t epoch,
			   const char *name, struct dfs **ret_dfs);
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
	struct held *held; /* of a regular file, unless it was opened with O_PATH */
	struct list link;  /* in held; under the mount's lock */
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
/* What became of a file that is open through this mount. */
enum held_state object_state(struct dfs *dfs, daos_obj_id_t oid);
/* The attributes of an orphan that the store does not have; false: it may have them. */
bool object_recall(struct dfs *dfs, daos_obj_id_t oid, struct inode *ret_inode);
/* Notes that its attributes are in its record. */
void object_note_linked(struct dfs *dfs, daos_obj_id_t oid);
/* Notes that the data of oid goes: whoever is just opening it looks here once that is known to be
 * so. With the mount's lock held. */
void object_note_removed(struct dfs *dfs, daos_obj_id_t oid);
/* Lets go of what held_take() gave; frees an orphan that nobody holds any more. */
void object_let_go(struct dfs *dfs, struct held *held);
/* Whether a file is open through this mount: what is needed to open it once more; place_put(). */
bool object_find_open(struct dfs *dfs, daos_obj_id_t oid, struct inode *ret_inode,
		      struct place **ret_place);
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
daos_key_t entry_dkey(struct entry_name name);

/* -DER_NONEXIST. */
MUST_USE int entry_fetch(struct entry_name name, struct inode *ret_inode);
/* The target of a symlink of that length, client_free(). */
MUST_USE int entry_fetch_target(struct entry_name name, uint64_t length, char **ret_target);
/* One conditional insert: -DER_EXIST. target for a symlink, else NULL. */
MUST_USE int entry_insert(struct entry_name name, const struct inode *inode, const char *target);

/* Writes the attributes whole, and the target if there is one, whatever was there. */
MUST_USE int entry_put(struct entry_name name, const struct inode *inode, const char *target);

/* Fields of an entry that one update changes. */
enum inode_field {
	FIELD_MODE = 1,
	FIELD_OWNER = 2,    /* uid and gid */
	FIELD_MTIME = 4,    /* with the stamp */
	FIELD_DEFAULTS = 8, /* class and chunk size */
	FIELD_FLAGS = 16,
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
uint32_t entry_values_count(const struct entry_values *values);

/* Runs function(argument) in a transaction and commits it; again where it met a conflict, so that
 * function must bear being called several times. */
MUST_USE int transaction_run(struct dfs *dfs,
			     int (*function)(void *argument, daos_handle_t transaction),
			     void *argument);

/* ctime and change for a change that is made now. Does not yield. */
void inode_touch(struct inode *inode);

/* ------------------------------------------------ records and orphans */

/*
 * Hidden objects, whose ids nobody is given: records, one dkey for each thing that was exported or
 * has several names; orphans, one for each file that lost its last name while it was open; holders,
 * one for each mount that has orphans. The form of all of them: docs/formats/dfs.md.
 */
#define RECORD_OBJECTS 64u
#define ORPHAN_OBJECTS 8u

#define ID_KEY_SIZE 16u
void id_key_encode(daos_obj_id_t oid, uint8_t key[ID_KEY_SIZE]);
daos_obj_id_t id_key_decode(const uint8_t key[ID_KEY_SIZE]);

/* Ids of the hidden objects of a file system. */
daos_obj_id_t record_object_id(const struct dfs *dfs, daos_obj_id_t oid);
daos_obj_id_t orphan_object_id(const struct dfs *dfs, uint32_t number);
daos_obj_id_t holder_object_id(const struct dfs *dfs);
/* Whether oid is one of them, the superblock or the root. */
bool id_is_reserved(daos_obj_id_t oid);

/* Where the attributes and extended attributes of a thing are: in its entry, in its record, or with
 * the orphans. */
struct home {
	struct entry_name name;
	daos_handle_t opened; /* to be closed */
	uint8_t key[ID_KEY_SIZE];
	char text[DFS_MAX_NAME + 1];
};
MUST_USE int home_open(struct dfs *dfs, daos_obj_id_t object, struct home *home);
void home_release(struct home *home);
#define AUTO_HOME __attribute__((cleanup(home_release)))

/* The record of oid, and its place among the orphans. No request. home stays where it is. */
MUST_USE int home_of_record(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid,
			    struct home *ret_home);
MUST_USE int home_of_orphan(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid,
			    struct home *ret_home);
/* Where the attributes of what inode was read from are: in the record, if that says so, else in
 * entry. No request. */
MUST_USE int home_of(struct dfs *dfs, struct entry_name entry, const struct inode *inode,
		     struct home *ret_home);
/* Attributes and home of an open thing, whatever became of its name: -DER_NONEXIST when it is gone.
 * One request, unless it was linked, moved or removed. */
MUST_USE int home_fetch(struct dfs *dfs, daos_handle_t transaction, const struct place *place,
			struct home *ret_home, struct inode *ret_inode);

/* What a record says. */
struct record {
	bool linked;	      /* inode holds */
	struct inode inode;   /* with its links */
	daos_obj_id_t parent; /* of what is exported: its directory */
	size_t name_length;   /* 0: is not exported by name */
	char name[DFS_MAX_NAME + 1];
};
/* -DER_NONEXIST. */
MUST_USE int record_fetch(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid,
			  struct record *ret_record);
/* What an entry says that is a reference is replaced by what its record says. -DER_NONEXIST. */
MUST_USE int inode_resolve(struct dfs *dfs, daos_handle_t transaction, struct inode *inode);

/* Changes of records, in a transaction. */
MUST_USE int record_put_name(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid,
			     daos_obj_id_t parent, const char *name);
MUST_USE int record_put_links(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid,
			      uint32_t links);
MUST_USE int record_remove(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid);

/* A file whose name is about to be taken, so that nobody lets go of it meanwhile. */
struct farewell {
	struct dfs *dfs;
	struct inode inode; /* of the thing */
	struct held *held;  /* NULL: is not open through this mount */
	bool meant;	    /* it was prepared, and neither ended nor canceled */
	bool last;	    /* it was the last name */
	bool bare;	    /* there is no space for an orphan: attributes are not kept */
};
/*
 * In a transaction: what besides the entry changes when the name of inode goes. entry is only read
 * from: the caller takes it away. Fills farewell, which may be one of an earlier attempt.
 */
MUST_USE int farewell_prepare(struct farewell *farewell, daos_handle_t transaction,
			      struct entry_name entry, const struct inode *inode);
/* After the commit: frees what nobody holds, keeps the rest. */
MUST_USE int farewell_end(struct farewell *farewell);
/* After a failure. Nothing happens to one that was ended. */
void farewell_cancel(struct farewell *farewell);
#define AUTO_FAREWELL __attribute__((cleanup(farewell_cancel)))

/* Says that this mount is alive, where it has orphans and did not say so for a minute. */
void orphans_renew(struct dfs *dfs);
/* Writes who holds the orphan oid, in a transaction or after its attributes. */
MUST_USE int orphan_put_holder(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid);
/* Frees an orphan: first its data, then its entry. */
MUST_USE int orphan_free(struct dfs *dfs, daos_obj_id_t oid);

/* Size of a file and epoch of the newest change of a file or directory. */
MUST_USE int object_measure(struct dfs *dfs, const struct inode *inode, daos_handle_t array,
			    uint64_t *ret_size, uint64_t *ret_epoch);
MUST_USE int entry_stat(struct dfs *dfs, const struct inode *inode, daos_handle_t array,
			struct stat *ret_stat);

/* Frees the data of an entry that has no name any more. */
MUST_USE int object_discard(struct dfs *dfs, const struct inode *inode);
/* 0, or ENOTEMPTY, at the point in time of a transaction. */
MUST_USE int directory_check_empty_in(daos_handle_t transaction, daos_handle_t handle);

/* ------------------------------------------------ look-up */

/* Where a path leads. The inode is that of the thing, not of a reference. */
struct found {
	struct place *place; /* place_put() */
	struct inode inode;
	char *target;	   /* of a symlink, client_free() */
	uint64_t removals; /* of the mount, when the look-up began */
};
/*
 * Follows path from directory (an absolute path: from the root). The last component is followed
 * when it is a symlink, unless flags has O_NOFOLLOW. ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG.
 */
MUST_USE int path_find(struct dfs *dfs, struct place *directory, const char *path, int flags,
		       struct found *ret_found);
void found_release(struct found *found);
#define AUTO_FOUND __attribute__((cleanup(found_release)))

/* Whether an object that was just opened is still there, where names went since removals. */
MUST_USE int object_confirm(struct dfs *dfs, struct dfs_obj *object, uint64_t removals);

/* The open entry of what was found, whose place it takes over. -DER_NONEXIST: it went meanwhile. */
MUST_USE int found_open(struct dfs *dfs, struct found *found, int flags,
			struct dfs_obj **ret_object);

/* dfs_lookup() of a path whose prefix is off already. Returns an errno. Not on a fiber. */
MUST_USE int file_lookup(dfs_t *dfs, const char *path, int flags, dfs_obj_t **obj, mode_t *mode);

/* ------------------------------------------------ walks over a tree */

/* What a walk tells, and its argument; functions may be NULL and may yield. The first failure of
 * one ends the walk. */
struct tree_visitor {
	/* Some entries of one directory; depth is 1 for those of the first. */
	int (*page)(void *argument, const struct inode *inodes, uint32_t count, uint32_t depth);
	/* A directory was read to its end. */
	int (*directory)(void *argument, uint64_t entries);
	void *argument;
};
/* Walks over all entries below the directory root. -DER_IO for a tree deeper than paths can be. */
MUST_USE int tree_walk(struct dfs *dfs, daos_obj_id_t root, const struct tree_visitor *visitor);

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
