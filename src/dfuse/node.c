/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the kernel knows by number. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

#define ARENA_BUDGET (UINT64_C(1) << 36)

struct node_key {
	uint64_t inode;
	mode_t mode;
};

/* Numbers of objects differ; that two of them have the same hash and kind is as good as excluded.
 */
static bool
node_equal(const void *key, const struct table_node *link)
{
	const struct node *node = table_entry(link, struct node, link);
	const struct node_key *wanted = key;

	return node->inode == wanted->inode && (node->mode & S_IFMT) == (wanted->mode & S_IFMT);
}

/* With the lock. */
static struct node *
node_find(const struct dfuse *dfuse, const struct stat *stat)
{
	const struct node_key key = {.inode = stat->st_ino, .mode = stat->st_mode};
	struct table_node *link = table_find(&dfuse->nodes, key.inode, node_equal, &key);

	return link ? table_entry(link, struct node, link) : NULL;
}

struct node *
node_of(struct dfuse *dfuse, fuse_ino_t number)
{
	return number == FUSE_ROOT_ID ? &dfuse->root : (struct node *)(uintptr_t)number;
}

fuse_ino_t
node_number(const struct dfuse *dfuse, const struct node *node)
{
	return node == &dfuse->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node;
}

/* ------------------------------------------------ references */

/* With the lock. Returns its parent, whose reference the caller now has. */
static struct node *
node_destroy(struct dfuse *dfuse, struct node *node)
{
	struct node *parent = node->parent;

	table_remove(&dfuse->nodes, &node->link);
	if (node->object)
		dfs_release(node->object);
	pthread_mutex_destroy(&node->lock);
	arena_free(dfuse->arena, node->name);
	arena_free(dfuse->arena, node);
	return parent;
}

/* With the lock. A node that goes lets go of its parent. */
static void
node_put(struct dfuse *dfuse, struct node *node, uint64_t count)
{
	while (node) {
		ASSERT(node->references >= count);
		node->references -= count;
		if (node->references > 0 || node == &dfuse->root)
			return;
		node = node_destroy(dfuse, node);
		count = 1;
	}
}

void
node_forget(struct dfuse *dfuse, struct node *node, uint64_t count)
{
	if (node == &dfuse->root)
		return;
	pthread_mutex_lock(&dfuse->lock);
	node_put(dfuse, node, count);
	pthread_mutex_unlock(&dfuse->lock);
}

/* ------------------------------------------------ places */

/* With the lock: node is now called name in parent. */
static int
node_place(struct dfuse *dfuse, struct node *node, struct node *parent, const char *name)
{
	struct node *old = node->parent;
	char *copy;

	if (old == parent && strcmp(node->name, name) == 0)
		return 0;
	copy = arena_strdup(dfuse->arena, name);
	if (copy == NULL)
		return ENOMEM;
	arena_free(dfuse->arena, node->name);
	node->name = copy;
	parent->references++;
	node->parent = parent;
	if (old)
		node_put(dfuse, old, 1);
	return 0;
}

static struct node *
node_create(struct dfuse *dfuse, struct node *parent, const char *name, const struct stat *stat)
{
	struct node *node = arena_calloc(dfuse->arena, 1, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->name = arena_strdup(dfuse->arena, name);
	if (node->name == NULL) {
		arena_free(dfuse->arena, node);
		return NULL;
	}
	node->inode = stat->st_ino;
	node->mode = stat->st_mode;
	node->parent = parent;
	parent->references++;
	pthread_mutex_init(&node->lock, NULL);
	table_insert(&dfuse->nodes, node->inode, &node->link);
	return node;
}

/* With the lock. *ret_moved: it was known elsewhere, and its open object knows only that place. */
static struct node *
node_get(struct dfuse *dfuse, struct node *parent, const char *name, const struct stat *stat,
	 bool *ret_moved)
{
	struct node *node = node_find(dfuse, stat);

	*ret_moved = false;
	if (node == NULL)
		return node_create(dfuse, parent, name, stat);
	*ret_moved = node->parent != parent || strcmp(node->name, name) != 0;
	return node_place(dfuse, node, parent, name) == 0 ? node : NULL;
}

/* Gives node the object that a look-up opened, or that object's place. */
static void
object_take(struct node *node, dfs_obj_t *object, bool moved)
{
	pthread_mutex_lock(&node->lock);
	if (node->object == NULL) {
		node->object = object;
		object = NULL;
	} else if (moved && dfs_update_parent(node->object, object, NULL) != 0) {
		log_warning("the new place of %s could not be noted", node->name);
	}
	pthread_mutex_unlock(&node->lock);
	if (object)
		dfs_release(object);
}

int
node_enter(struct dfuse *dfuse, struct node *parent, const char *name, const struct stat *stat,
	   dfs_obj_t *object, struct node **ret_node)
{
	struct node *node;
	bool moved;

	pthread_mutex_lock(&dfuse->lock);
	node = node_get(dfuse, parent, name, stat, &moved);
	if (node)
		node->references++;
	pthread_mutex_unlock(&dfuse->lock);
	if (node && object)
		object_take(node, object, moved);
	else if (object)
		dfs_release(object);
	if (node == NULL)
		return ENOMEM;
	*ret_node = node;
	return 0;
}

/* ------------------------------------------------ objects */

/* Where a node stands now: its parent, referenced, and a copy of its name. */
static struct node *
node_where(struct dfuse *dfuse, struct node *node, char name[DFS_MAX_NAME + 1])
{
	struct node *parent;

	pthread_mutex_lock(&dfuse->lock);
	parent = node->parent;
	parent->references++;
	strncpy(name, node->name, DFS_MAX_NAME);
	name[DFS_MAX_NAME] = '\0';
	pthread_mutex_unlock(&dfuse->lock);
	return parent;
}

static int
object_open(struct dfuse *dfuse, struct node *node, dfs_obj_t **ret_object)
{
	int flags = O_NOFOLLOW | (dfuse->options.read_only ? O_RDONLY : O_RDWR);
	char name[DFS_MAX_NAME + 1];
	struct node *parent = node_where(dfuse, node, name);
	dfs_obj_t *directory, *object;
	struct stat stat;
	int rc = node_object(dfuse, parent, &directory);

	if (rc == 0)
		rc = dfs_lookup_rel(dfuse->dfs, directory, name, flags, &object, NULL, &stat);
	node_forget(dfuse, parent, 1);
	if (rc)
		return rc;
	if (stat.st_ino != node->inode) {
		dfs_release(object);
		return ENOENT;
	}
	*ret_object = object;
	return 0;
}

int
node_object(struct dfuse *dfuse, struct node *node, dfs_obj_t **ret_object)
{
	int rc = 0;

	if (node == &dfuse->root) {
		*ret_object = node->object;
		return 0;
	}
	pthread_mutex_lock(&node->lock);
	if (node->object == NULL)
		rc = object_open(dfuse, node, &node->object);
	if (rc == 0)
		*ret_object = node->object;
	pthread_mutex_unlock(&node->lock);
	return rc;
}

void
node_moved(struct dfuse *dfuse, uint64_t inode, struct node *parent, const char *name)
{
	struct stat stat;
	struct node *node;
	dfs_obj_t *directory;

	if (node_object(dfuse, parent, &directory) != 0 ||
	    dfs_stat(dfuse->dfs, directory, name, &stat) != 0 || stat.st_ino != inode)
		return;
	pthread_mutex_lock(&dfuse->lock);
	node = node_find(dfuse, &stat);
	if (node && node_place(dfuse, node, parent, name) != 0)
		node = NULL;
	if (node)
		node->references++;
	pthread_mutex_unlock(&dfuse->lock);
	if (node == NULL)
		return;
	pthread_mutex_lock(&node->lock);
	if (node->object) {
		dfs_obj_t *object = NULL;

		/* The object that is open stays, as files may be open with it: it learns its new
		 * place. */
		if (object_open(dfuse, node, &object) == 0) {
			int rc = dfs_update_parent(node->object, object, NULL);

			if (rc)
				log_warning("the new place of %s could not be noted", name);
			dfs_release(object);
		}
	}
	pthread_mutex_unlock(&node->lock);
	node_forget(dfuse, node, 1);
}

int
node_stat(struct dfuse *dfuse, struct node *node, struct stat *ret_stat)
{
	char name[DFS_MAX_NAME + 1];
	dfs_obj_t *object, *directory;
	struct node *parent;
	bool opened;
	int rc;

	pthread_mutex_lock(&node->lock);
	object = node->object;
	opened = object != NULL;
	pthread_mutex_unlock(&node->lock);
	if (opened || node == &dfuse->root)
		return dfs_ostat(dfuse->dfs, opened ? object : node->object, ret_stat);
	parent = node_where(dfuse, node, name);
	rc = node_object(dfuse, parent, &directory);
	if (rc == 0)
		rc = dfs_stat(dfuse->dfs, directory, name, ret_stat);
	node_forget(dfuse, parent, 1);
	return rc == 0 && ret_stat->st_ino != node->inode ? ENOENT : rc;
}

/* ------------------------------------------------ the table */

int
nodes_init(struct dfuse *dfuse)
{
	struct stat stat;
	int rc;

	dfuse->arena = arena_create(ARENA_BUDGET);
	if (dfuse->arena == NULL)
		return ENOMEM;
	table_init(&dfuse->nodes, dfuse->arena);
	pthread_mutex_init(&dfuse->lock, NULL);
	pthread_mutex_init(&dfuse->root.lock, NULL);
	rc = dfs_lookup(dfuse->dfs, "/", dfuse->options.read_only ? O_RDONLY : O_RDWR,
			&dfuse->root.object, &dfuse->root.mode, &stat);
	if (rc == 0) {
		dfuse->root.inode = stat.st_ino;
		dfuse->root.references = 1;
	}
	return rc;
}

void
nodes_fini(struct dfuse *dfuse)
{
	if (dfuse->arena == NULL)
		return;
	TABLE_FOR_EACH_SAFE(link, &dfuse->nodes) {
		struct node *node = table_entry(link, struct node, link);

		if (node->object)
			dfs_release(node->object);
		pthread_mutex_destroy(&node->lock);
	}
	if (dfuse->root.object)
		dfs_release(dfuse->root.object);
	pthread_mutex_destroy(&dfuse->root.lock);
	pthread_mutex_destroy(&dfuse->lock);
	arena_destroy(dfuse->arena);
	dfuse->arena = NULL;
}
