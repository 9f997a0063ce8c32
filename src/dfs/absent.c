/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Functions of daos_fs.h that do not exist yet: ENOSYS. */
#include "dfs/private.h"

int
dfs_connect_snap(const char *pool, const char *sys, const char *cont, int flags, daos_epoch_t epoch,
		 const char *name, dfs_t **dfs)
{
	(void)pool;
	(void)sys;
	(void)cont;
	(void)flags;
	(void)epoch;
	(void)name;
	(void)dfs;
	return ENOSYS;
}

int
dfs_mount_snap(daos_handle_t poh, daos_handle_t coh, int flags, daos_epoch_t epoch,
	       const char *name, dfs_t **dfs)
{
	(void)poh;
	(void)coh;
	(void)flags;
	(void)epoch;
	(void)name;
	(void)dfs;
	return ENOSYS;
}

int
dfs_cont_check(daos_handle_t poh, const char *cont, uint64_t flags, const char *name)
{
	(void)poh;
	(void)cont;
	(void)flags;
	(void)name;
	return ENOSYS;
}

int
dfs_cont_scan(daos_handle_t poh, const char *cont, uint64_t flags, const char *name)
{
	(void)poh;
	(void)cont;
	(void)flags;
	(void)name;
	return ENOSYS;
}

int
dfs_pipeline_create(dfs_t *dfs, dfs_predicate_t pred, uint64_t flags, dfs_pipeline_t **dpipe)
{
	(void)dfs;
	(void)pred;
	(void)flags;
	(void)dpipe;
	return ENOSYS;
}

int
dfs_pipeline_destroy(dfs_pipeline_t *dpipe)
{
	(void)dpipe;
	return ENOSYS;
}

int
dfs_readdir_with_filter(dfs_t *dfs, dfs_obj_t *obj, dfs_pipeline_t *dpipe, daos_anchor_t *anchor,
			uint32_t *nr, struct dirent *dirs, daos_obj_id_t *oids, daos_size_t *csizes,
			uint64_t *nr_scanned)
{
	(void)dfs;
	(void)obj;
	(void)dpipe;
	(void)anchor;
	(void)nr;
	(void)dirs;
	(void)oids;
	(void)csizes;
	(void)nr_scanned;
	return ENOSYS;
}
