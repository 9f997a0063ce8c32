/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The path interface: mounts, and how a path is taken apart. */
#include "dfs/sys.h"

/* ------------------------------------------------ paths */

static dfs_obj_t *
parent_lookup(struct dfs_sys *sys, const char *path, size_t length, int *ret_rc)
{
	AUTO_MEMORY char *text = client_alloc(length + 1);
	dfs_obj_t *directory;
	mode_t mode;

	if (text == NULL) {
		*ret_rc = ENOMEM;
		return NULL;
	}
	memcpy(text, path, length);
	text[length] = '\0';
	*ret_rc = file_lookup(sys->dfs, text, sys->dfs->read_only ? O_RDONLY : O_RDWR, &directory,
			      &mode);
	if (*ret_rc)
		return NULL;
	if (S_ISDIR(mode))
		return directory;
	(void)dfs_release(directory);
	*ret_rc = ENOTDIR;
	return NULL;
}

/* The parent at path, from the memory or looked up. */
static int
parent_find(struct dfs_sys *sys, const char *path, size_t length, struct cached **ret_cached)
{
	struct cached *cached = cache_find(&sys->cache, path, length);
	dfs_obj_t *directory;
	int rc = 0;

	if (cached == NULL) {
		directory = parent_lookup(sys, path, length, &rc);
		if (rc)
			return rc;
		cached = cache_add(&sys->cache, path, length, directory);
	}
	if (cached == NULL)
		return ENOMEM;
	*ret_cached = cached;
	return 0;
}

static bool
is_root(const char *path)
{
	return path[0] == '/' && path[strspn(path, "/")] == '\0';
}

int
locate(struct dfs_sys *sys, const char *path, struct located *ret_located)
{
	size_t length;
	int rc;

	*ret_located = (struct located){.sys = sys};
	if (sys == NULL || path == NULL)
		return EINVAL;
	if (strlen(path) >= DFS_MAX_PATH)
		return ENAMETOOLONG;
	path = path_strip(path, sys->dfs->prefix);
	ret_located->path = path;
	if (is_root(path))
		return 0;
	rc = file_errno(path_split(path, &length, ret_located->text));
	if (rc)
		return rc;
	ret_located->name = ret_located->text;
	if (length <= 1)
		return 0;
	rc = parent_find(sys, path, length, &ret_located->cached);
	if (rc == 0)
		ret_located->parent = ret_located->cached->directory;
	return rc;
}

void
located_release(struct located *located)
{
	if (located->cached)
		cache_put(&located->sys->cache, located->cached);
}

int
located_open(const struct located *located, int flags, dfs_obj_t **ret_object,
	     struct stat *ret_stat)
{
	dfs_t *dfs = located->sys->dfs;

	if (located->name == NULL)
		return dfs_lookup(dfs, "/", flags, ret_object, NULL, ret_stat);
	return dfs_lookup_rel(dfs, located->parent, located->name, flags, ret_object, NULL,
			      ret_stat);
}

/* ------------------------------------------------ mounts */

static int
sys_create(dfs_t *dfs, int flags, bool connected, dfs_sys_t **ret_sys)
{
	struct dfs_sys *sys;

	sys = file_alloc(sizeof(*sys));
	if (sys == NULL)
		return ENOMEM;
	sys->dfs = dfs;
	sys->connected = connected;
	cache_init(&sys->cache, flags);
	*ret_sys = sys;
	return 0;
}

static void
sys_destroy(dfs_sys_t *sys)
{
	cache_fini(&sys->cache);
	client_free(sys);
}

static bool
sys_flags_known(int flags)
{
	return (flags & ~(DFS_SYS_NO_CACHE | DFS_SYS_NO_LOCK)) == 0;
}

int
dfs_sys_connect(const char *pool, const char *sys, const char *cont, int mflags, int sflags,
		dfs_attr_t *attr, dfs_sys_t **dfs_sys)
{
	dfs_t *dfs;
	int rc;

	if (dfs_sys == NULL || !sys_flags_known(sflags))
		return EINVAL;
	rc = dfs_connect(pool, sys, cont, mflags, attr, &dfs);
	if (rc)
		return rc;
	rc = sys_create(dfs, sflags, true, dfs_sys);
	if (rc)
		(void)dfs_disconnect(dfs);
	return rc;
}

int
dfs_sys_disconnect(dfs_sys_t *dfs_sys)
{
	dfs_t *dfs;

	if (dfs_sys == NULL || !dfs_sys->connected)
		return EINVAL;
	dfs = dfs_sys->dfs;
	sys_destroy(dfs_sys);
	return dfs_disconnect(dfs);
}

int
dfs_sys_mount(daos_handle_t poh, daos_handle_t coh, int mflags, int sflags, dfs_sys_t **dfs_sys)
{
	dfs_t *dfs;
	int rc;

	if (dfs_sys == NULL || !sys_flags_known(sflags))
		return EINVAL;
	rc = dfs_mount(poh, coh, mflags, &dfs);
	if (rc)
		return rc;
	rc = sys_create(dfs, sflags, false, dfs_sys);
	if (rc)
		(void)dfs_umount(dfs);
	return rc;
}

int
dfs_sys_umount(dfs_sys_t *dfs_sys)
{
	dfs_t *dfs;

	if (dfs_sys == NULL || dfs_sys->connected)
		return EINVAL;
	dfs = dfs_sys->dfs;
	sys_destroy(dfs_sys);
	return dfs_umount(dfs);
}

int
dfs_sys_local2global(dfs_sys_t *dfs_sys, d_iov_t *glob)
{
	return dfs_sys ? dfs_local2global(dfs_sys->dfs, glob) : EINVAL;
}

int
dfs_sys_global2local(daos_handle_t poh, daos_handle_t coh, int mflags, int sflags, d_iov_t glob,
		     dfs_sys_t **dfs_sys)
{
	dfs_t *dfs;
	int rc;

	if (dfs_sys == NULL || !sys_flags_known(sflags))
		return EINVAL;
	rc = dfs_global2local(poh, coh, mflags, glob, &dfs);
	if (rc)
		return rc;
	rc = sys_create(dfs, sflags, false, dfs_sys);
	if (rc)
		(void)dfs_umount(dfs);
	return rc;
}

int
dfs_sys_local2global_all(dfs_sys_t *dfs_sys, d_iov_t *glob)
{
	return dfs_sys ? dfs_local2global_all(dfs_sys->dfs, glob) : EINVAL;
}

int
dfs_sys_global2local_all(int mflags, int sflags, d_iov_t glob, dfs_sys_t **dfs_sys)
{
	dfs_t *dfs;
	int rc;

	if (dfs_sys == NULL || !sys_flags_known(sflags))
		return EINVAL;
	rc = dfs_global2local_all(mflags, glob, &dfs);
	if (rc)
		return rc;
	rc = sys_create(dfs, sflags, true, dfs_sys);
	if (rc)
		(void)dfs_disconnect(dfs);
	return rc;
}

int
dfs_sys_set_prefix(dfs_sys_t *dfs_sys, const char *prefix)
{
	return dfs_sys ? dfs_set_prefix(dfs_sys->dfs, prefix) : EINVAL;
}

int
dfs_sys2base(dfs_sys_t *dfs_sys, dfs_t **dfs)
{
	if (dfs_sys == NULL || dfs == NULL)
		return EINVAL;
	*dfs = dfs_sys->dfs;
	return 0;
}
