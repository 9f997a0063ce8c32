/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Attributes by path. */
#include <unistd.h>

#include "dfs/sys.h"

int
dfs_sys_access(dfs_sys_t *dfs_sys, const char *path, int mask, int flags)
{
	AUTO_LOCATED struct located located;
	struct stat stat;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0 && flags & O_NOFOLLOW) {
		rc = dfs_stat(dfs_sys->dfs, located.parent, located.name, &stat);
		if (rc == 0 && S_ISLNK(stat.st_mode))
			return 0;
	}
	return rc ? rc : dfs_access(dfs_sys->dfs, located.parent, located.name, mask);
}

int
dfs_sys_chmod(dfs_sys_t *dfs_sys, const char *path, mode_t mode)
{
	AUTO_LOCATED struct located located;
	int rc = locate(dfs_sys, path, &located);

	return rc ? rc : dfs_chmod(dfs_sys->dfs, located.parent, located.name, mode);
}

int
dfs_sys_chown(dfs_sys_t *dfs_sys, const char *path, uid_t uid, gid_t gid, int flags)
{
	AUTO_LOCATED struct located located;
	int rc = locate(dfs_sys, path, &located);

	return rc ? rc : dfs_chown(dfs_sys->dfs, located.parent, located.name, uid, gid, flags);
}

int
dfs_sys_setattr(dfs_sys_t *dfs_sys, const char *path, struct stat *stbuf, int flags, int sflags)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDWR | (sflags & O_NOFOLLOW), &object, NULL);
	if (rc)
		return rc;
	rc = dfs_osetattr(dfs_sys->dfs, object, stbuf, flags);
	(void)dfs_release(object);
	return rc;
}

/* One of the two times; false when it stays. */
static bool
time_given(const struct timespec *given, struct timespec *ret_time)
{
	if (given && given->tv_nsec == UTIME_OMIT)
		return false;
	if (given && given->tv_nsec != UTIME_NOW)
		*ret_time = *given;
	else
		*ret_time = timespec_from_ns(client_realtime());
	return true;
}

int
dfs_sys_utimens(dfs_sys_t *dfs_sys, const char *path, const struct timespec times[2], int flags)
{
	struct stat stat = {.st_mode = 0};
	int set = 0;

	if (time_given(times ? &times[0] : NULL, &stat.st_atim))
		set |= DFS_SET_ATTR_ATIME;
	if (time_given(times ? &times[1] : NULL, &stat.st_mtim))
		set |= DFS_SET_ATTR_MTIME;
	return dfs_sys_setattr(dfs_sys, path, &stat, set, flags);
}

int
dfs_sys_stat(dfs_sys_t *dfs_sys, const char *path, int flags, struct stat *stbuf)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = dfs_stat(dfs_sys->dfs, located.parent, located.name, stbuf);
	if (rc || flags & O_NOFOLLOW || !S_ISLNK(stbuf->st_mode))
		return rc;
	rc = located_open(&located, O_RDONLY, &object, stbuf);
	return rc ? rc : dfs_release(object);
}

/* ------------------------------------------------ extended attributes */

int
dfs_sys_listxattr(dfs_sys_t *dfs_sys, const char *path, char *list, daos_size_t *size, int flags)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDONLY | (flags & O_NOFOLLOW), &object, NULL);
	if (rc)
		return rc;
	rc = dfs_listxattr(dfs_sys->dfs, object, list, size);
	(void)dfs_release(object);
	return rc;
}

int
dfs_sys_getxattr(dfs_sys_t *dfs_sys, const char *path, const char *name, void *value,
		 daos_size_t *size, int flags)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDONLY | (flags & O_NOFOLLOW), &object, NULL);
	if (rc)
		return rc;
	rc = dfs_getxattr(dfs_sys->dfs, object, name, value, size);
	(void)dfs_release(object);
	return rc;
}

int
dfs_sys_setxattr(dfs_sys_t *dfs_sys, const char *path, const char *name, const void *value,
		 daos_size_t size, int flags, int sflags)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDWR | (sflags & O_NOFOLLOW), &object, NULL);
	if (rc)
		return rc;
	rc = dfs_setxattr(dfs_sys->dfs, object, name, value, size, flags);
	(void)dfs_release(object);
	return rc;
}

int
dfs_sys_removexattr(dfs_sys_t *dfs_sys, const char *path, const char *name, int flags)
{
	AUTO_LOCATED struct located located;
	dfs_obj_t *object;
	int rc = locate(dfs_sys, path, &located);

	if (rc == 0)
		rc = located_open(&located, O_RDWR | (flags & O_NOFOLLOW), &object, NULL);
	if (rc)
		return rc;
	rc = dfs_removexattr(dfs_sys->dfs, object, name);
	(void)dfs_release(object);
	return rc;
}
