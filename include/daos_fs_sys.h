/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Files by path, over daos_fs.h. Functions return 0 or a positive errno. */
#ifndef __DAOS_FS_SYS_H__
#define __DAOS_FS_SYS_H__

#include <dirent.h>

#include <daos.h>
#include <daos_fs.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Flags of dfs_sys_mount: remember no parent directories; take no lock around them. */
#define DFS_SYS_NO_CACHE	1
#define DFS_SYS_NO_LOCK		2

/** A mount with its memory of parent directories. */
typedef struct dfs_sys dfs_sys_t;

/** dfs_connect + path cache. */
int dfs_sys_connect(const char *pool, const char *sys, const char *cont, int mflags, int sflags,
		    dfs_attr_t *attr, dfs_sys_t **dfs_sys);

/** Undoes dfs_sys_connect. */
int dfs_sys_disconnect(dfs_sys_t *dfs_sys);

/** Serialises pool, container and mount. */
int dfs_sys_local2global_all(dfs_sys_t *dfs_sys, d_iov_t *glob);

/** Rebuilds pool, container and mount. */
int dfs_sys_global2local_all(int mflags, int sflags, d_iov_t glob, dfs_sys_t **dfs_sys);

/** Mount on open handles; sflags DFS_SYS_NO_CACHE/NO_LOCK. */
int dfs_sys_mount(daos_handle_t poh, daos_handle_t coh, int mflags, int sflags,
		  dfs_sys_t **dfs_sys);

/** Ends a mount. */
int dfs_sys_umount(dfs_sys_t *dfs_sys);

/** Path prefix to strip. */
int dfs_sys_set_prefix(dfs_sys_t *dfs_sys, const char *prefix);

/** Serialises a mount. */
int dfs_sys_local2global(dfs_sys_t *dfs_sys, d_iov_t *glob);

/** Rebuilds a mount from open handles. */
int dfs_sys_global2local(daos_handle_t poh, daos_handle_t coh, int mflags, int sflags,
			 d_iov_t glob, dfs_sys_t **dfs_sys);

/** Underlying dfs_t. */
int dfs_sys2base(dfs_sys_t *dfs_sys, dfs_t **dfs);

/** Access(2) by path. */
int dfs_sys_access(dfs_sys_t *dfs_sys, const char *path, int mask, int flags);

/** Chmod(2) by path. */
int dfs_sys_chmod(dfs_sys_t *dfs_sys, const char *path, mode_t mode);

/** Chown(2) by path. */
int dfs_sys_chown(dfs_sys_t *dfs_sys, const char *path, uid_t uid, gid_t gid, int flags);

/** Sets attributes of a path, flags as in dfs_osetattr. */
int dfs_sys_setattr(dfs_sys_t *dfs_sys, const char *path, struct stat *stbuf, int flags,
		    int sflags);

/** Sets access and modification time. */
int dfs_sys_utimens(dfs_sys_t *dfs_sys, const char *path, const struct timespec times[2],
		    int flags);

/** Attributes of a path. */
int dfs_sys_stat(dfs_sys_t *dfs_sys, const char *path, int flags, struct stat *stbuf);

/** Creates a file or directory entry. */
int dfs_sys_mknod(dfs_sys_t *dfs_sys, const char *path, mode_t mode, daos_oclass_id_t cid,
		  daos_size_t chunk_size);

/** Names of extended attributes; size in/out. */
int dfs_sys_listxattr(dfs_sys_t *dfs_sys, const char *path, char *list, daos_size_t *size,
		      int flags);

/** Reads an extended attribute; size in/out. */
int dfs_sys_getxattr(dfs_sys_t *dfs_sys, const char *path, const char *name, void *value,
		     daos_size_t *size, int flags);

/** Sets an extended attribute. */
int dfs_sys_setxattr(dfs_sys_t *dfs_sys, const char *path, const char *name, const void *value,
		     daos_size_t size, int flags, int sflags);

/** Removes an extended attribute. */
int dfs_sys_removexattr(dfs_sys_t *dfs_sys, const char *path, const char *name, int flags);

/** Target of a symlink; size in/out. */
int dfs_sys_readlink(dfs_sys_t *dfs_sys, const char *path, char *buf, daos_size_t *size);

/** Creates a symlink. */
int dfs_sys_symlink(dfs_sys_t *dfs_sys, const char *target, const char *path);

/** Open/create by path. */
int dfs_sys_open(dfs_sys_t *dfs_sys, const char *path, mode_t mode, int flags,
		 daos_oclass_id_t cid, daos_size_t chunk_size, const char *value,
		 dfs_obj_t **obj);

/** Closes an entry opened by dfs_sys_open. */
int dfs_sys_close(dfs_obj_t *obj);

/** Read into a flat buffer. */
int dfs_sys_read(dfs_sys_t *dfs_sys, dfs_obj_t *obj, void *buf, daos_off_t off, daos_size_t *size,
		 daos_event_t *ev);

/** Write a flat buffer. */
int dfs_sys_write(dfs_sys_t *dfs_sys, dfs_obj_t *obj, const void *buf, daos_off_t off,
		  daos_size_t *size, daos_event_t *ev);

/** Punch/truncate by path. */
int dfs_sys_punch(dfs_sys_t *dfs_sys, const char *path, daos_off_t offset, daos_off_t len);

/** Removes a path; force removes a tree; returns the object id. */
int dfs_sys_remove(dfs_sys_t *dfs_sys, const char *path, bool force, daos_obj_id_t *oid);

/** Remove only if of this type. */
int dfs_sys_remove_type(dfs_sys_t *dfs_sys, const char *path, bool force, mode_t mode,
			daos_obj_id_t *oid);

/** Creates a directory. */
int dfs_sys_mkdir(dfs_sys_t *dfs_sys, const char *dir, mode_t mode, daos_oclass_id_t cid);

/** Creates a directory and its missing parents. */
int dfs_sys_mkdir_p(dfs_sys_t *dfs_sys, const char *dir_path, mode_t mode, daos_oclass_id_t cid);

/** Opens a directory for dfs_sys_readdir. */
int dfs_sys_opendir(dfs_sys_t *dfs_sys, const char *dir, int flags, DIR **dirp);

/** Closes a directory opened by dfs_sys_opendir. */
int dfs_sys_closedir(DIR *dirp);

/** Next entry of a directory, NULL at its end. */
int dfs_sys_readdir(dfs_sys_t *dfs_sys, DIR *dirp, struct dirent **dirent);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_FS_SYS_H__ */
