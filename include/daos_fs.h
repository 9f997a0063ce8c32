/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Files and directories on a container. Functions return 0 or a positive errno. dfs_open flags
 * need fcntl.h.
 */
#ifndef __DAOS_FS_H__
#define __DAOS_FS_H__

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

#include <daos_array.h>
#include <daos_cont.h>
#include <daos_obj.h>
#include <daos_obj_class.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define DFS_MAX_NAME		NAME_MAX
#define DFS_MAX_PATH		PATH_MAX
#define DFS_MAX_FSIZE		(~0ULL)
#define DFS_DEFAULT_CHUNK_SIZE	1048576
#define DFS_MAX_XATTR_NAME	255
#define DFS_MAX_XATTR_LEN	65536
#define DAOS_SUPER_MAGIC	0xDA05AD10

/** Consistency of a mount; RDONLY and RDWR are its access. */
#define DFS_BALANCED	4
#define DFS_RELAXED	0
#define DFS_RDONLY	O_RDONLY
#define DFS_RDWR	O_RDWR

/** Flags of dfs_osetattr. */
#define DFS_SET_ATTR_MODE	(1 << 0)
#define DFS_SET_ATTR_ATIME	(1 << 1)
#define DFS_SET_ATTR_MTIME	(1 << 2)
#define DFS_SET_ATTR_SIZE	(1 << 3)
#define DFS_SET_ATTR_UID	(1 << 4)
#define DFS_SET_ATTR_GID	(1 << 5)

/** Flags of dfs_cont_check. */
enum {
	DFS_CHECK_PRINT     = 1 << 0,
	DFS_CHECK_REMOVE    = 1 << 1,
	DFS_CHECK_RELINK    = 1 << 2,
	DFS_CHECK_VERIFY    = 1 << 3,
	DFS_CHECK_EVICT_ALL = 1 << 4,
};

/** Flags of dfs_pipeline_create. */
enum {
	DFS_FILTER_NAME         = 1 << 1,
	DFS_FILTER_NEWER        = 1 << 2,
	DFS_FILTER_INCLUDE_DIRS = 1 << 3,
};

/** A mount. */
typedef struct dfs dfs_t;

/** An open file, directory or symlink. */
typedef struct dfs_obj dfs_obj_t;

/** A filter for dfs_readdir_with_filter. */
typedef struct dfs_pipeline dfs_pipeline_t;

/** Defaults of a container; 0 leaves the choice to the library. */
typedef struct {
	uint64_t da_id;
	daos_size_t da_chunk_size;
	daos_oclass_id_t da_oclass_id;
	daos_prop_t *da_props;
	uint32_t da_mode;
	daos_oclass_id_t da_dir_oclass_id;
	daos_oclass_id_t da_file_oclass_id;
	char da_hints[DAOS_CONT_HINT_MAX_LEN];
} dfs_attr_t;

/** Ranges of one list read or write, in bytes. */
typedef struct {
	daos_size_t iod_nr; /**< extents; 1 for a single value */
	daos_range_t *iod_rgs;
} dfs_iod_t;

typedef struct {
	daos_oclass_id_t doi_oclass_id;
	daos_size_t doi_chunk_size;
	daos_oclass_id_t doi_dir_oclass_id;
	daos_oclass_id_t doi_file_oclass_id;
	daos_obj_id_t doi_oid;
} dfs_obj_info_t;

/** What dfs_readdir_with_filter looks for. */
typedef struct {
	char dp_name[DFS_MAX_NAME];
	time_t dp_newer;
	size_t dp_size;
} dfs_predicate_t;

/** Called by dfs_iterate for each name; non-zero ends it. */
typedef int (*dfs_filler_cb_t)(dfs_t *dfs, dfs_obj_t *obj, const char name[], void *arg);

/** daos_init plus the cache of handles that dfs_connect uses. */
int dfs_init(void);

/** Drop cached handles and daos_fini. */
int dfs_fini(void);

/** Pool connect + container open (or create with O_CREAT) + mount, with cached handles. */
int dfs_connect(const char *pool, const char *sys, const char *cont, int flags, dfs_attr_t *attr,
		dfs_t **dfs);

/** dfs_connect, read-only, at a snapshot given by epoch or name. */
int dfs_connect_snap(const char *pool, const char *sys, const char *cont, int flags,
		     daos_epoch_t epoch, const char *name, dfs_t **dfs);

/** Undoes dfs_connect. */
int dfs_disconnect(dfs_t *dfs);

/** Destroy a POSIX container, dropping cached handles first. */
int dfs_destroy(const char *pool, const char *sys, const char *cont, int force, daos_event_t *ev);

/** Create a POSIX container (superblock, root, default attributes); may return handles. */
int dfs_cont_create(daos_handle_t poh, uuid_t *uuid, dfs_attr_t *attr, daos_handle_t *coh,
		    dfs_t **dfs);

/** dfs_cont_create with a label. */
int dfs_cont_create_with_label(daos_handle_t poh, const char *label, dfs_attr_t *attr,
			       uuid_t *uuid, daos_handle_t *coh, dfs_t **dfs);

/** Mount using open handles; flags O_RDONLY/O_RDWR and DFS_BALANCED. */
int dfs_mount(daos_handle_t poh, daos_handle_t coh, int flags, dfs_t **dfs);

/** Mount at a snapshot, read-only. */
int dfs_mount_snap(daos_handle_t poh, daos_handle_t coh, int flags, daos_epoch_t epoch,
		   const char *name, dfs_t **dfs);

/** Ends a mount. */
int dfs_umount(dfs_t *dfs);

/** Borrow the pool handle (ref counted). */
int dfs_pool_get(dfs_t *dfs, daos_handle_t *poh);

/** Gives a pool handle back. */
int dfs_pool_put(dfs_t *dfs, daos_handle_t poh);

/** Borrow the container handle. */
int dfs_cont_get(dfs_t *dfs, daos_handle_t *coh);

/** Gives a container handle back. */
int dfs_cont_put(dfs_t *dfs, daos_handle_t coh);

/** Attributes of a mount: default chunk size, classes, mode, hints. */
int dfs_query(dfs_t *dfs, dfs_attr_t *attr);

/** Serialises a mount; the other side needs pool and container handles. */
int dfs_local2global(dfs_t *dfs, d_iov_t *glob);

/** Rebuilds a mount in another process. */
int dfs_global2local(daos_handle_t poh, daos_handle_t coh, int flags, d_iov_t glob, dfs_t **dfs);

/** Serialises pool, container and mount together. */
int dfs_local2global_all(dfs_t *dfs, d_iov_t *glob);

/** Rebuilds pool, container and mount; ends with dfs_disconnect. */
int dfs_global2local_all(int flags, d_iov_t glob, dfs_t **dfs);

/** Strip this prefix from paths given to dfs_lookup. */
int dfs_set_prefix(dfs_t *dfs, const char *prefix);

/** Object id of an open entry. */
int dfs_obj2id(dfs_obj_t *obj, daos_obj_id_t *oid);

/** Absolute path -> open entry, optional mode/stat; follows symlinks unless O_NOFOLLOW. */
int dfs_lookup(dfs_t *dfs, const char *path, int flags, dfs_obj_t **obj, mode_t *mode,
	       struct stat *stbuf);

/** One name under an open parent. */
int dfs_lookup_rel(dfs_t *dfs, dfs_obj_t *parent, const char *name, int flags, dfs_obj_t **obj,
		   mode_t *mode, struct stat *stbuf);

/** Class for "file:hint" / "dir:hint". */
int dfs_suggest_oclass(dfs_t *dfs, const char *hint, daos_oclass_id_t *cid);

/**
 * Open/create file, dir or symlink under a parent; mode carries S_IF*; flags
 * O_CREAT/O_EXCL/O_TRUNC; value = symlink target.
 */
int dfs_open(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode, int flags,
	     daos_oclass_id_t cid, daos_size_t chunk_size, const char *value, dfs_obj_t **obj);

/** Duplicate an open entry with new flags. */
int dfs_dup(dfs_t *dfs, dfs_obj_t *obj, int flags, dfs_obj_t **new_obj);

/** Serialises an open file. */
int dfs_obj_local2global(dfs_t *dfs, dfs_obj_t *obj, d_iov_t *glob);

/** Rebuilds an open file in another process. */
int dfs_obj_global2local(dfs_t *dfs, int flags, d_iov_t glob, dfs_obj_t **obj);

/** Closes an open entry. */
int dfs_release(dfs_obj_t *obj);

/** Read at an offset into sgl; read_size < request means EOF; holes are zero. */
int dfs_read(dfs_t *dfs, dfs_obj_t *obj, d_sg_list_t *sgl, daos_off_t off, daos_size_t *read_size,
	     daos_event_t *ev);

/** List-I/O read. */
int dfs_readx(dfs_t *dfs, dfs_obj_t *obj, dfs_iod_t *iod, d_sg_list_t *sgl,
	      daos_size_t *read_size, daos_event_t *ev);

/** Write sgl at an offset. */
int dfs_write(dfs_t *dfs, dfs_obj_t *obj, d_sg_list_t *sgl, daos_off_t off, daos_event_t *ev);

/** List-I/O write. */
int dfs_writex(dfs_t *dfs, dfs_obj_t *obj, dfs_iod_t *iod, d_sg_list_t *sgl, daos_event_t *ev);

/** Size of an open file in bytes. */
int dfs_get_size(dfs_t *dfs, dfs_obj_t *obj, daos_size_t *size);

/** Punch a range; len DFS_MAX_FSIZE = truncate at offset. */
int dfs_punch(dfs_t *dfs, dfs_obj_t *obj, daos_off_t offset, daos_size_t len);

/** Names of up to nr entries. */
int dfs_readdir(dfs_t *dfs, dfs_obj_t *obj, daos_anchor_t *anchor, uint32_t *nr,
		struct dirent *dirs);

/** Names and stat. */
int dfs_readdirplus(dfs_t *dfs, dfs_obj_t *obj, daos_anchor_t *anchor, uint32_t *nr,
		    struct dirent *dirs, struct stat *stbufs);

/** Callback per entry, bounded by count and bytes. */
int dfs_iterate(dfs_t *dfs, dfs_obj_t *obj, daos_anchor_t *anchor, uint32_t *nr, size_t size,
		dfs_filler_cb_t op, void *arg);

/** Position a directory anchor at a name. */
int dfs_dir_anchor_set(dfs_obj_t *obj, const char name[], daos_anchor_t *anchor);

/** Anchors for parallel readdir. */
int dfs_obj_anchor_split(dfs_obj_t *obj, uint32_t *nr, daos_anchor_t *anchors);

/** Anchor for one split. */
int dfs_obj_anchor_set(dfs_obj_t *obj, uint32_t index, daos_anchor_t *anchor);

/** Creates a directory; parent NULL is the root. */
int dfs_mkdir(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode, daos_oclass_id_t cid);

/** Remove entry; force removes a non-empty tree; returns oid. */
int dfs_remove(dfs_t *dfs, dfs_obj_t *parent, const char *name, bool force, daos_obj_id_t *oid);

/** Rename with replace semantics; returns the replaced oid. */
int dfs_move(dfs_t *dfs, dfs_obj_t *parent, const char *name, dfs_obj_t *new_parent,
	     const char *new_name, daos_obj_id_t *oid);

/** Swap two entries. */
int dfs_exchange(dfs_t *dfs, dfs_obj_t *parent1, const char *name1, dfs_obj_t *parent2,
		 const char *name2);

/** Mode bits of an open entry, without a request. */
int dfs_get_mode(dfs_obj_t *obj, mode_t *mode);

/** Class, chunk size, default classes for children, oid. */
int dfs_obj_get_info(dfs_t *dfs, dfs_obj_t *obj, dfs_obj_info_t *info);

/** Default class for new children of a directory. */
int dfs_obj_set_oclass(dfs_t *dfs, dfs_obj_t *obj, int flags, daos_oclass_id_t cid);

/** Default chunk size for new files in a directory. */
int dfs_obj_set_chunk_size(dfs_t *dfs, dfs_obj_t *obj, int flags, daos_size_t csize);

/** Underlying array handle. */
int dfs_get_file_oh(dfs_obj_t *obj, daos_handle_t *oh);

/** Chunk size of a file. */
int dfs_get_chunk_size(dfs_obj_t *obj, daos_size_t *chunk_size);

/** Link target. */
int dfs_get_symlink_value(dfs_obj_t *obj, char *buf, daos_size_t *size);

/** Local: moves the remembered parent and name of an open entry after a rename. */
int dfs_update_parent(dfs_obj_t *obj, dfs_obj_t *src_obj, const char *name);

/** Attributes of a name under a parent (of a symlink itself). */
int dfs_stat(dfs_t *dfs, dfs_obj_t *parent, const char *name, struct stat *stbuf);

/** Attributes of an open entry. */
int dfs_ostat(dfs_t *dfs, dfs_obj_t *obj, struct stat *stbuf);

/** Set mode/times/size/uid/gid per DFS_SET_ATTR_* and return fresh stat. */
int dfs_osetattr(dfs_t *dfs, dfs_obj_t *obj, struct stat *stbuf, int flags);

/** Access(2) on a name under a parent. */
int dfs_access(dfs_t *dfs, dfs_obj_t *parent, const char *name, int mask);

/** Chmod(2) on a name under a parent, follows symlinks. */
int dfs_chmod(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode);

/** Chown(2) on a name under a parent; flags may hold O_NOFOLLOW. */
int dfs_chown(dfs_t *dfs, dfs_obj_t *parent, const char *name, uid_t uid, gid_t gid, int flags);

/** Waits until what was written is durable. */
int dfs_sync(dfs_t *dfs);

/** Sets an extended attribute; flags XATTR_CREATE or XATTR_REPLACE. */
int dfs_setxattr(dfs_t *dfs, dfs_obj_t *obj, const char *name, const void *value,
		 daos_size_t size, int flags);

/** Reads an extended attribute; size in/out, a NULL buffer asks for the size. */
int dfs_getxattr(dfs_t *dfs, dfs_obj_t *obj, const char *name, void *value, daos_size_t *size);

/** Removes an extended attribute. */
int dfs_removexattr(dfs_t *dfs, dfs_obj_t *obj, const char *name);

/** Names of the extended attributes, NUL-separated; size in/out. */
int dfs_listxattr(dfs_t *dfs, dfs_obj_t *obj, char *list, daos_size_t *size);

/**
 * Finds objects that no name leads to, prints them, and removes them or gives them names in
 * /lost+found/<name> (NULL: the time), <high>.<low> of their ids; prints on standard output.
 * DFS_CHECK_VERIFY reads all data, and damage is EIO. The container must be open to nobody (EBUSY),
 * DFS_CHECK_EVICT_ALL ends what others have open. A file that comes back gets mode 0600, the
 * caller as its owner and the container's chunk size: what it had is gone with its name.
 */
int dfs_cont_check(daos_handle_t poh, const char *cont, uint64_t flags, const char *name);

/** Container owner change that also updates the root directory. */
int dfs_cont_set_owner(daos_handle_t coh, d_string_t user, uid_t uid, d_string_t group, gid_t gid);

/** File size from oid + chunk size. */
int dfs_get_size_by_oid(dfs_t *dfs, daos_obj_id_t oid, daos_size_t chunk_size, daos_size_t *size);

/**
 * Builds a filter of names like dp_name (% is any bytes, _ one, a backslash quotes) and of what was
 * changed after dp_newer; with both flags both must hold. DFS_FILTER_INCLUDE_DIRS adds all
 * directories. To be freed by dfs_pipeline_destroy().
 */
int dfs_pipeline_create(dfs_t *dfs, dfs_predicate_t pred, uint64_t flags, dfs_pipeline_t **dpipe);

/** Free it. */
int dfs_pipeline_destroy(dfs_pipeline_t *dpipe);

/**
 * Names of up to *nr entries that a filter selects; oids, csizes (chunk sizes, 0 where there is
 * none) and nr_scanned (entries looked at) may be NULL. Fewer than *nr come back only at the end.
 */
int dfs_readdir_with_filter(dfs_t *dfs, dfs_obj_t *obj, dfs_pipeline_t *dpipe,
			    daos_anchor_t *anchor, uint32_t *nr, struct dirent *dirs,
			    daos_obj_id_t *oids, daos_size_t *csizes, uint64_t *nr_scanned);

/** Walks over the directory name (a path; NULL: the root) and prints what is there; flags is 0. */
int dfs_cont_scan(daos_handle_t poh, const char *cont, uint64_t flags, const char *name);

/*
 * Additions of Cairn: what DAOS's library does not have.
 *
 * A regular file whose last name goes, by dfs_remove, dfs_move or dfs_rename, while it is open
 * through the same mount keeps its data and attributes (st_nlink 0) until its last dfs_release.
 * That costs its removal more; an entry that is looked up or opened with O_PATH in its flags does
 * not count as open. What another client removes is gone at once.
 */

/** Names that one file can have. */
#define DFS_LINK_MAX		65000

/** Flag of dfs_rename: fails with EEXIST where the new name is taken. */
#define DFS_RENAME_NOREPLACE	(1 << 0)

/**
 * Gives an open file or symlink a further name in parent (NULL: the root). EPERM for a directory
 * and on a mount that only reads, EEXIST, EMLINK beyond DFS_LINK_MAX names, ENOENT for what has no
 * name any more. The attributes are those of the file, whatever the name.
 */
int dfs_link(dfs_t *dfs, dfs_obj_t *obj, dfs_obj_t *parent, const char *name);

/**
 * dfs_move with flags: 0 or DFS_RENAME_NOREPLACE, decided in the transaction that renames. Where
 * both names are names of one file, nothing happens. *replaced (may be NULL) is the object id of
 * what the new name stood for, or zeros.
 */
int dfs_rename(dfs_t *dfs, dfs_obj_t *parent, const char *name, dfs_obj_t *new_parent,
	       const char *new_name, int flags, daos_obj_id_t *replaced);

/**
 * Writes sgl at the end of a file, whole and atomically against other appends of any client; above
 * 3 MiB a crash can leave zeros in its place. *ret_offset (may be NULL) is where it was written.
 * With ev, sgl and ret_offset stay the caller's until the event is complete.
 */
int dfs_append(dfs_t *dfs, dfs_obj_t *obj, d_sg_list_t *sgl, daos_off_t *ret_offset,
	       daos_event_t *ev);

/**
 * dfs_open with the attributes, which cost no request more where the entry is new. stbuf is not
 * NULL.
 */
int dfs_open_stat(dfs_t *dfs, dfs_obj_t *parent, const char *name, mode_t mode, int flags,
		  daos_oclass_id_t cid, daos_size_t chunk_size, const char *value, dfs_obj_t **obj,
		  struct stat *stbuf);

/**
 * Opens by object id what dfs_export() or dfs_link() recorded, or what is open through this mount:
 * flags O_RDONLY or O_RDWR. ESTALE where nothing of it is known, or it is gone.
 */
int dfs_open_id(dfs_t *dfs, daos_obj_id_t oid, int flags, dfs_obj_t **obj);

/**
 * Records where an open file, directory or symlink is, so that dfs_open_id() finds it from any
 * client, also after it was renamed. Does nothing when that was done before. ENOENT for what has no
 * name any more.
 */
int dfs_export(dfs_t *dfs, dfs_obj_t *obj);

/**
 * Frees files without a name whose holder is gone: a client that had them open when their last name
 * went, and that did not say for ten minutes that it is alive. Frees a bounded number in one call;
 * *ret_count (may be NULL) is how many: when it is not 0, there may be more.
 */
int dfs_reclaim(dfs_t *dfs, uint64_t *ret_count);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_FS_H__ */
