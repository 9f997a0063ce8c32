/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Files, directories and symlinks by path. */
#include "dfs/sys.h"

int
dfs_sys_mknod(dfs_sys_t *dfs_sys, const char *path, mode_t mode, daos_oclass_id_t cid,
	      daos_size_t chunk_size)
{
	dfs_obj_t *object;
	int rc = dfs_sys_open(dfs_sys, path, mode, O_RDWR | O_CREAT | O_EXCL, cid, chunk_size, NULL,
			      &object);

	return rc ? rc : dfs_release(object);
}

int
dfs_sys_readlink(dfs_sys_t *dfs_sys, const char *path, char *buf, daos_size_t *size)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDONLY | O_NOFOLLOW, &object, NULL);
	if (rc)
		return rc;
	rc = dfs_get_symlink_value(object, buf, size);
	(void)dfs_release(object);
	return rc;
}

int
dfs_sys_symlink(dfs_sys_t *dfs_sys, const char *target, const char *path)
{
	dfs_obj_t *object;
	int rc = dfs_sys_open(dfs_sys, path, S_IFLNK, O_RDWR | O_CREAT | O_EXCL, 0, 0, target,
			      &object);

	return rc ? rc : dfs_release(object);
}

/* What the path leads to over symlinks, when its own entry is one. */
static int
open_followed(const struct located *located, mode_t mode, int flags, dfs_obj_t **ret_object)
{
	dfs_obj_t *object;
	int rc = located_open(located, flags & ~(O_CREAT | O_TRUNC), &object, NULL);

	if (rc)
		return rc;
	if ((object->mode & S_IFMT) != (mode & S_IFMT))
		rc = S_ISDIR(mode) ? ENOTDIR : EISDIR;
	else if (flags & O_TRUNC && S_ISREG(mode))
		rc = dfs_punch(located->sys->dfs, object, 0, DFS_MAX_FSIZE);
	if (rc)
		(void)dfs_release(object);
	else
		*ret_object = object;
	return rc;
}

int
dfs_sys_open(dfs_sys_t *dfs_sys, const char *path, mode_t mode, int flags, daos_oclass_id_t cid,
	     daos_size_t chunk_size, const char *value, dfs_obj_t **obj)
{
	AUTO_LOCATED struct located located;
	int rc = locate(dfs_sys, path, &located);

	if (rc)
		return rc;
	if (obj == NULL)
		return EINVAL;
	if (located.name == NULL)
		return flags & O_EXCL ? EEXIST : open_followed(&located, mode, flags, obj);
	rc = dfs_open(dfs_sys->dfs, located.parent, located.name, mode, flags, cid, chunk_size,
		      value, obj);
	if ((rc != ELOOP && rc != ENOTDIR) || flags & (O_NOFOLLOW | O_EXCL) || S_ISLNK(mode))
		return rc;
	return open_followed(&located, mode, flags, obj);
}

int
dfs_sys_close(dfs_obj_t *obj)
{
	return dfs_release(obj);
}

int
dfs_sys_read(dfs_sys_t *dfs_sys, dfs_obj_t *obj, void *buf, daos_off_t off, daos_size_t *size,
	     daos_event_t *ev)
{
	if (dfs_sys == NULL || obj == NULL || buf == NULL || size == NULL)
		return EINVAL;
	return file_read_flat(obj, buf, off, size, ev);
}

int
dfs_sys_write(dfs_sys_t *dfs_sys, dfs_obj_t *obj, const void *buf, daos_off_t off,
	      daos_size_t *size, daos_event_t *ev)
{
	if (dfs_sys == NULL || obj == NULL || buf == NULL || size == NULL)
		return EINVAL;
	if (dfs_sys->dfs->read_only)
		return EPERM;
	return file_write_flat(obj, buf, off, size, ev);
}

int
dfs_sys_punch(dfs_sys_t *dfs_sys, const char *path, daos_off_t offset, daos_off_t len)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDWR, &object, NULL);
	if (rc)
		return rc;
	rc = dfs_punch(dfs_sys->dfs, object, offset, len);
	(void)dfs_release(object);
	return rc;
}

/* ------------------------------------------------ removal */

/* The type that the entry must have; 0: any. */
static int
remove_checked(dfs_sys_t *sys, const char *path, bool force, mode_t type, daos_obj_id_t *oid)
{
	AUTO_LOCATED struct located located;
	struct stat stat;
	int rc = locate(sys, path, &located);

	if (rc)
		return rc;
	if (located.name == NULL)
		return EBUSY;
	if (type) {
		rc = dfs_stat(sys->dfs, located.parent, located.name, &stat);
		if (rc == 0 && (stat.st_mode & S_IFMT) != (type & S_IFMT))
			rc = S_ISDIR(type) ? ENOTDIR : S_ISDIR(stat.st_mode) ? EISDIR : EINVAL;
	}
	if (rc == 0)
		rc = dfs_remove(sys->dfs, located.parent, located.name, force, oid);
	if (rc == 0)
		cache_forget(&sys->cache, located.path);
	return rc;
}

int
dfs_sys_remove(dfs_sys_t *dfs_sys, const char *path, bool force, daos_obj_id_t *oid)
{
	return remove_checked(dfs_sys, path, force, 0, oid);
}

int
dfs_sys_remove_type(dfs_sys_t *dfs_sys, const char *path, bool force, mode_t mode,
		    daos_obj_id_t *oid)
{
	return mode & S_IFMT ? remove_checked(dfs_sys, path, force, mode, oid) : EINVAL;
}

/* ------------------------------------------------ directories */

int
dfs_sys_mkdir(dfs_sys_t *dfs_sys, const char *dir, mode_t mode, daos_oclass_id_t cid)
{
	AUTO_LOCATED struct located located;
	int rc = locate(dfs_sys, dir, &located);

	if (rc)
		return rc;
	if (located.name == NULL)
		return EEXIST;
	return dfs_mkdir(dfs_sys->dfs, located.parent, located.name, mode, cid);
}

/* A directory that is there already is as good as a new one. */
static int
mkdir_present(dfs_sys_t *sys, const char *path, mode_t mode, daos_oclass_id_t class)
{
	struct stat stat;
	int rc = dfs_sys_mkdir(sys, path, mode, class);

	if (rc != EEXIST)
		return rc;
	rc = dfs_sys_stat(sys, path, 0, &stat);
	if (rc)
		return rc;
	return S_ISDIR(stat.st_mode) ? 0 : ENOTDIR;
}

int
dfs_sys_mkdir_p(dfs_sys_t *dfs_sys, const char *dir_path, mode_t mode, daos_oclass_id_t cid)
{
	AUTO_MEMORY char *path = NULL;
	int rc = 0;

	if (dfs_sys == NULL || dir_path == NULL || dir_path[0] != '/')
		return EINVAL;
	if (strlen(dir_path) >= DFS_MAX_PATH)
		return ENAMETOOLONG;
	path = file_strdup(path_strip(dir_path, dfs_sys->dfs->prefix));
	if (path == NULL)
		return ENOMEM;
	for (char *slash = path; rc == 0 && slash;) {
		slash = strchr(slash + strspn(slash, "/"), '/');
		if (slash)
			*slash = '\0';
		rc = mkdir_present(dfs_sys, path, mode, cid);
		if (slash)
			*slash = '/';
	}
	return rc;
}

/* What a DIR of this interface is. */
struct sys_directory {
	dfs_obj_t *object;
	daos_anchor_t anchor;
	uint32_t count, next;
	struct dirent entries[64];
};

int
dfs_sys_opendir(dfs_sys_t *dfs_sys, const char *dir, int flags, DIR **dirp)
{
	AUTO_LOCATED struct located located;
	struct sys_directory *directory;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, dir, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDONLY | (flags & O_NOFOLLOW), &object, NULL);
	if (rc)
		return rc;
	directory = file_alloc(sizeof(*directory));
	if (directory == NULL || !S_ISDIR(object->mode) || dirp == NULL) {
		rc = directory == NULL ? ENOMEM : S_ISDIR(object->mode) ? EINVAL : ENOTDIR;
		client_free(directory);
		(void)dfs_release(object);
		return rc;
	}
	directory->object = object;
	*dirp = (DIR *)(void *)directory;
	return 0;
}

int
dfs_sys_closedir(DIR *dirp)
{
	struct sys_directory *directory = (void *)dirp;
	int rc;

	if (directory == NULL)
		return EINVAL;
	rc = dfs_release(directory->object);
	client_free(directory);
	return rc;
}

int
dfs_sys_readdir(dfs_sys_t *dfs_sys, DIR *dirp, struct dirent **dirent)
{
	struct sys_directory *directory = (void *)dirp;

	if (dfs_sys == NULL || directory == NULL || dirent == NULL)
		return EINVAL;
	while (directory->next == directory->count && !daos_anchor_is_eof(&directory->anchor)) {
		uint32_t count = ARRAY_SIZE(directory->entries);
		int rc = dfs_readdir(dfs_sys->dfs, directory->object, &directory->anchor, &count,
				     directory->entries);

		if (rc)
			return rc;
		directory->count = count;
		directory->next = 0;
	}
	*dirent = NULL;
	if (directory->next < directory->count)
		*dirent = &directory->entries[directory->next++];
	return 0;
}
