/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What of the nodes is open in libdfs, and who works with it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "dfuse/private.h"

int
node_open_at(struct dfuse *dfuse, struct node *parent, const char *name, dfs_obj_t **ret_object,
	     struct stat *ret_stat)
{
	int flags = O_NOFOLLOW | (dfuse->options.read_only ? O_RDONLY : O_RDWR);
	AUTO_USE struct node_use directory = {.node = NULL};
	int rc = node_use_begin(dfuse, parent, &directory);

	return rc ? rc
		  : dfs_lookup_rel(directory.dfs, directory.object, name, flags, ret_object, NULL,
				   ret_stat);
}

static int
open_by_name(struct dfuse *dfuse, struct node *node, dfs_obj_t **ret_object)
{
	char name[DFS_MAX_NAME + 1];
	struct node *parent = node_where(dfuse, node, name);
	dfs_obj_t *object;
	struct stat stat;
	int rc = node_open_at(dfuse, parent, name, &object, &stat);

	node_forget(dfuse, parent, 1);
	if (rc)
		return dfuse_stale(rc);
	if (stat.st_ino != node->inode) {
		dfs_release(object);
		return ESTALE;
	}
	*ret_object = object;
	return 0;
}

/* What has several names may have lost the one that we know. */
static int
object_open(struct dfuse *dfuse, struct node *node, dfs_obj_t **ret_object)
{
	int flags = dfuse->options.read_only ? O_RDONLY : O_RDWR;
	int rc = open_by_name(dfuse, node, ret_object);

	if (rc != ESTALE || !S_ISREG(atomic_load(&node->mode)) ||
	    (node->oid.lo == 0 && node->oid.hi == 0))
		return rc;
	return dfuse_stale(dfs_open_id(node->volume->dfs, node->oid, flags, ret_object));
}

static bool
object_borrow(struct node *node, dfs_obj_t **ret_object)
{
	pthread_mutex_lock(&node->lock);
	*ret_object = node->object;
	node->users += node->object != NULL;
	pthread_mutex_unlock(&node->lock);
	return *ret_object != NULL;
}

void
node_settle(struct dfuse *dfuse, struct node *node)
{
	dfs_obj_t *object;
	bool open;

	if (!atomic_load_explicit(&node->astray, memory_order_relaxed) || node->parent == NULL ||
	    node->realm != node->volume)
		return;
	pthread_mutex_lock(&node->lock);
	open = node->object != NULL;
	pthread_mutex_unlock(&node->lock);
	if (!open)
		return;
	/* Where it is not there, the place that its object knows may still be right. */
	if (open_by_name(dfuse, node, &object) == 0)
		node_take(node, object);
}

/* No lock is held while it is opened: on a dead engine each call waits for itself alone. */
int
node_use_begin(struct dfuse *dfuse, struct node *node, struct node_use *ret_use)
{
	dfs_obj_t *object, *opened = NULL;

	if (node->volume == NULL)
		return EROFS;
	node_settle(dfuse, node);
	if (!object_borrow(node, &object)) {
		int rc = object_open(dfuse, node, &opened);

		if (rc)
			return rc;
		pthread_mutex_lock(&node->lock);
		if (node->object == NULL) {
			node->object = opened;
			(void)dfs_obj2id(opened, &node->oid);
			opened = NULL;
		}
		object = node->object;
		node->users++;
		pthread_mutex_unlock(&node->lock);
	}
	if (opened)
		dfs_release(opened);
	*ret_use = (struct node_use){dfuse, node, object, node->volume->dfs};
	return 0;
}

void
node_use_end(struct node_use *use)
{
	struct node *node = use->node;

	if (node == NULL)
		return;
	pthread_mutex_lock(&node->lock);
	node->users--;
	pthread_mutex_unlock(&node->lock);
	use->node = NULL;
}

void
node_let_go(struct dfuse *dfuse, struct node *node)
{
	dfs_obj_t *object = NULL;

	if (!S_ISREG(atomic_load(&node->mode)) || atomic_load(&node->links) > 1 ||
	    dfuse_has_raced(dfuse))
		return;
	pthread_mutex_lock(&node->lock);
	if (node->users == 0 && atomic_load(&node->opened) == 0) {
		object = node->object;
		node->object = NULL;
	}
	pthread_mutex_unlock(&node->lock);
	if (object)
		dfs_release(object);
}

/* ------------------------------------------------ attributes */

/* By its name, without opening it. */
static int
stat_by_name(struct dfuse *dfuse, struct node *node, struct stat *ret_stat)
{
	AUTO_USE struct node_use directory = {.node = NULL};
	char name[DFS_MAX_NAME + 1];
	struct node *parent = node_where(dfuse, node, name);
	int rc = node_use_begin(dfuse, parent, &directory);

	if (rc == 0)
		rc = dfs_stat(directory.dfs, directory.object, name, ret_stat);
	node_forget(dfuse, parent, 1);
	return rc;
}

bool
node_stat_seen(struct dfuse *dfuse, struct node *node, struct stat *ret_stat, double *ret_age)
{
	AUTO_PAGE struct page *page = NULL;
	char name[DFS_MAX_NAME + 1];
	struct node *parent;
	uint32_t index;

	if (node->volume == NULL || node->volume->caching.attribute_time <= 0 ||
	    node->parent == NULL || node->realm != node->volume)
		return false;
	parent = node_where(dfuse, node, name);
	page = page_seen(dfuse, parent, name, &index);
	node_forget(dfuse, parent, 1);
	if (page == NULL || page->stats[index].st_ino != node->inode ||
	    !node_was_told(node, &page->stats[index]))
		return false;
	*ret_stat = page->stats[index];
	*ret_age = page_age(page);
	node_stat_show(node, ret_stat);
	return true;
}

int
node_stat_told(const struct node *node, dfs_obj_t *object, struct stat *ret_stat)
{
	daos_size_t size = 0;
	int rc = dfs_get_size(node->volume->dfs, object, &size);
	int64_t changed = atomic_load(&node->known_mtime);
	struct timespec time = {changed / INT64_C(1000000000), changed % INT64_C(1000000000)};

	if (rc)
		return rc;
	*ret_stat = (struct stat){
		.st_ino = node->inode,
		.st_mode = atomic_load(&node->mode),
		.st_nlink = atomic_load(&node->links),
		.st_uid = atomic_load(&node->user),
		.st_gid = atomic_load(&node->group),
		.st_size = (off_t)size,
		.st_blocks = (blkcnt_t)((size + 511) / 512),
		.st_blksize = 4096,
		.st_atim = time,
		.st_mtim = time,
		.st_ctim = time,
	};
	return 0;
}

static bool
is_open_file(const struct node *node)
{
	return atomic_load(&node->opened) > 0 && S_ISREG(atomic_load(&node->mode));
}

int
node_stat(struct dfuse *dfuse, struct node *node, struct stat *ret_stat)
{
	AUTO_USE struct node_use use = {.dfuse = dfuse};
	int rc;

	if (node->volume == NULL) {
		node_stat_outside(dfuse, node->inode, ret_stat);
		return 0;
	}
	node_settle(dfuse, node);
	if (object_borrow(node, &use.object)) {
		use.node = node;
		rc = dfs_ostat(node->volume->dfs, use.object, ret_stat);
		if (rc == 0 && is_open_file(node) && ret_stat->st_ino != node->inode)
			rc = ESTALE;
		if (dfuse_stale(rc) == ESTALE && is_open_file(node))
			rc = node_stat_told(node, use.object, ret_stat);
	} else {
		rc = stat_by_name(dfuse, node, ret_stat);
	}
	if (rc)
		return dfuse_stale(rc);
	/* A container's root has no other name. */
	if (node->realm == node->volume && node->parent && ret_stat->st_ino != node->inode)
		return ESTALE;
	if (node->parent && node_is_stale(dfuse, node, ret_stat))
		return ESTALE;
	node_told(node, ret_stat);
	node_stat_show(node, ret_stat);
	return 0;
}
