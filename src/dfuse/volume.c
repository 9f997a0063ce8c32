/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pools and containers of a mount: opened when first asked for, closed at its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daos/common.h"
#include "daos_mgmt.h"
#include "dfuse/private.h"

/* Orphans are looked for in so many calls of one round. */
#define RECLAIM_CALLS 64u

static int
pool_connect(struct dfuse *dfuse, const char *name, struct pool **ret_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	daos_pool_info_t info = {.pi_bits = 0};
	int rc = pool ? 0 : -DER_NOMEM;

	if (rc == 0)
		rc = daos_pool_connect(name, dfuse->options.system,
				       dfuse->options.read_only ? DAOS_PC_RO : DAOS_PC_RW,
				       &pool->handle, &info, NULL);
	if (rc) {
		free(pool);
		return daos_der2errno(rc);
	}
	uuid_copy(pool->id, info.pi_uuid);
	snprintf(pool->name, sizeof(pool->name), "%s", name);
	pool->next = dfuse->pools;
	dfuse->pools = pool;
	atomic_fetch_add(&dfuse->pool_count, 1);
	*ret_pool = pool;
	return 0;
}

int
pool_find(struct dfuse *dfuse, const char *name, struct pool **ret_pool)
{
	struct pool *pool;
	int rc = 0;

	pthread_mutex_lock(&dfuse->volume_lock);
	for (pool = dfuse->pools; pool && strcmp(pool->name, name) != 0;)
		pool = pool->next;
	if (pool)
		*ret_pool = pool;
	else if (strlen(name) >= sizeof(pool->name))
		rc = ENOENT;
	else if (atomic_load(&dfuse->pool_count) == POOLS_MAX)
		rc = ENOSPC;
	else
		rc = pool_connect(dfuse, name, ret_pool);
	pthread_mutex_unlock(&dfuse->volume_lock);
	return rc;
}

/* ------------------------------------------------ containers */

/* An embedded directory's `default` is made where it is absent. */
static int
container_open(const struct dfuse *dfuse, struct volume *volume, daos_cont_info_t *info)
{
	const struct dfuse_options *options = &dfuse->options;
	unsigned int flags = options->read_only ? DAOS_COO_RO : DAOS_COO_RW;
	daos_handle_t pool = volume->pool->handle;
	int rc = daos_cont_open(pool, volume->name, flags, &volume->container, info, NULL);

	if (rc != -DER_NONEXIST || options->embedded == NULL ||
	    strcmp(volume->name, "default") != 0)
		return daos_der2errno(rc);
	rc = dfs_cont_create_with_label(pool, "default", NULL, NULL, NULL, NULL);
	if (rc != 0 && rc != EEXIST)
		return rc;
	return daos_der2errno(
		daos_cont_open(pool, volume->name, flags, &volume->container, info, NULL));
}

/* A snapshot is named by its epoch, in decimal or with 0x, or by its name. */
static int
volume_mount(const struct dfuse *dfuse, struct volume *volume)
{
	const struct dfuse_options *options = &dfuse->options;
	daos_handle_t pool = volume->pool->handle;
	char *end;
	uint64_t epoch;

	if (options->snapshot == NULL)
		return dfs_mount(pool, volume->container,
				 options->read_only ? DFS_RDONLY : DFS_RDWR, &volume->dfs);
	epoch = strtoull(options->snapshot, &end, 0);
	if (*end == '\0' && end != options->snapshot)
		return dfs_mount_snap(pool, volume->container, DFS_RDONLY, epoch, NULL,
				      &volume->dfs);
	return dfs_mount_snap(pool, volume->container, DFS_RDONLY, 0, options->snapshot,
			      &volume->dfs);
}

static int
volume_open(struct dfuse *dfuse, struct pool *pool, const char *name, struct volume **ret_volume)
{
	struct volume *volume = calloc(1, sizeof(*volume));
	daos_cont_info_t info = {0};
	int rc;

	if (volume == NULL)
		return ENOMEM;
	volume->pool = pool;
	volume->container = DAOS_HDL_INVAL;
	snprintf(volume->name, sizeof(volume->name), "%s", name);
	rc = container_open(dfuse, volume, &info);
	if (rc == 0)
		rc = volume_mount(dfuse, volume);
	if (rc) {
		if (!daos_handle_is_inval(volume->container))
			daos_cont_close(volume->container, NULL);
		free(volume);
		return rc;
	}
	/* Alone in its mount, its numbers are shown as they are. */
	if (dfuse->root.kind != NODE_ENTRY)
		volume->salt = hash64(info.ci_uuid, sizeof(info.ci_uuid), 1) | 1;
	dfuse_caching_read(dfuse, volume);
	volume->next = dfuse->volumes;
	dfuse->volumes = volume;
	atomic_fetch_add(&dfuse->volume_count, 1);
	*ret_volume = volume;
	return 0;
}

int
volume_find(struct dfuse *dfuse, struct pool *pool, const char *name, struct volume **ret_volume)
{
	struct volume *volume;
	int rc = 0;

	pthread_mutex_lock(&dfuse->volume_lock);
	for (volume = dfuse->volumes;
	     volume && (volume->pool != pool || strcmp(volume->name, name) != 0);)
		volume = volume->next;
	if (volume)
		*ret_volume = volume;
	else if (strlen(name) >= sizeof(volume->name))
		rc = ENOENT;
	else if (atomic_load(&dfuse->volume_count) == VOLUMES_MAX)
		rc = ENOSPC;
	else
		rc = volume_open(dfuse, pool, name, ret_volume);
	pthread_mutex_unlock(&dfuse->volume_lock);
	return rc;
}

/* ------------------------------------------------ names */

/* What has no label is called by its UUID. */
static void
name_of(const char *label, const uuid_t id, char name[DFS_MAX_NAME + 1])
{
	if (label && label[0])
		snprintf(name, DFS_MAX_NAME + 1, "%s", label);
	else
		uuid_unparse_lower(id, name);
}

static int
pools_list(const struct dfuse *dfuse, char (*names)[DFS_MAX_NAME + 1], daos_size_t limit,
	   uint32_t *ret_count)
{
	daos_mgmt_pool_info_t *pools = calloc(limit, sizeof(*pools));
	daos_size_t count = limit;
	int rc = pools ? daos_mgmt_list_pools(dfuse->options.system, &count, pools, NULL)
		       : -DER_NOMEM;

	if (rc == -DER_TRUNC)
		rc = 0;
	count = rc ? 0 : min_of(count, limit);
	for (daos_size_t i = 0; i < count; i++) {
		name_of(pools[i].mgpi_label, pools[i].mgpi_uuid, names[i]);
		free(pools[i].mgpi_label);
		d_rank_list_free(pools[i].mgpi_svc);
	}
	free(pools);
	*ret_count = (uint32_t)count;
	return daos_der2errno(rc);
}

static int
containers_list(const struct pool *pool, char (*names)[DFS_MAX_NAME + 1], daos_size_t limit,
		uint32_t *ret_count)
{
	struct daos_pool_cont_info *entries = calloc(limit, sizeof(*entries));
	daos_size_t count = limit;
	int rc = entries ? daos_pool_list_cont(pool->handle, &count, entries, NULL) : -DER_NOMEM;

	if (rc == -DER_TRUNC)
		rc = 0;
	count = rc ? 0 : min_of(count, limit);
	for (daos_size_t i = 0; i < count; i++)
		name_of(entries[i].pci_label, entries[i].pci_uuid, names[i]);
	free(entries);
	*ret_count = (uint32_t)count;
	return daos_der2errno(rc);
}

int
outside_list(struct dfuse *dfuse, const struct node *node, char (*names)[DFS_MAX_NAME + 1],
	     uint32_t limit, uint32_t *ret_count)
{
	return node->kind == NODE_POOL ? containers_list(node->pool, names, limit, ret_count)
				       : pools_list(dfuse, names, limit, ret_count);
}

/* ------------------------------------------------ now and then, and at the end */

void
volumes_reclaim(struct dfuse *dfuse)
{
	struct volume *volume;

	pthread_mutex_lock(&dfuse->volume_lock);
	volume = dfuse->volumes;
	pthread_mutex_unlock(&dfuse->volume_lock);
	/* What is in the list stays, and new ones come before its first. */
	for (; volume && !dfuse->options.read_only; volume = volume->next) {
		uint64_t count = 1;

		for (uint32_t i = 0; count > 0 && i < RECLAIM_CALLS; i++)
			if (dfs_reclaim(volume->dfs, &count) != 0)
				break;
	}
}

void
volumes_close(struct dfuse *dfuse)
{
	while (dfuse->volumes) {
		struct volume *volume = dfuse->volumes;

		dfuse->volumes = volume->next;
		if (dfs_umount(volume->dfs) != 0)
			fprintf(stderr, "dfuse: container %s could not be closed in order\n",
				volume->name);
		daos_cont_close(volume->container, NULL);
		free(volume);
	}
	while (dfuse->pools) {
		struct pool *pool = dfuse->pools;

		dfuse->pools = pool->next;
		daos_pool_disconnect(pool->handle, NULL);
		free(pool);
	}
}
