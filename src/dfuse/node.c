/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the kernel knows by number. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfuse/private.h"

#define ARENA_BUDGET (UINT64_C(1) << 36)

struct node_key {
	const struct volume *realm;
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

	return node->inode == wanted->inode && node->realm == wanted->realm &&
	       (atomic_load(&node->mode) & S_IFMT) == (wanted->mode & S_IFMT);
}

/* With the lock. */
static struct node *
node_find(const struct dfuse *dfuse, const struct node_key *key)
{
	struct table_node *link = table_find(&dfuse->nodes, key->inode, node_equal, key);

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

/* ------------------------------------------------ places, all with the lock */

struct place_key {
	const struct node *parent;
	const char *name;
};

static uint64_t
place_hash(const struct node *parent, const char *name)
{
	return hash_combine((uintptr_t)parent, hash_text(name));
}

static bool
place_equal(const void *key, const struct table_node *link)
{
	const struct node *node = table_entry(link, struct node, place);
	const struct place_key *wanted = key;

	return node->parent == wanted->parent && strcmp(node->name, wanted->name) == 0;
}

static struct node *
place_find(const struct dfuse *dfuse, const struct node *parent, const char *name)
{
	const struct place_key key = {parent, name};
	struct table_node *link =
		table_find(&dfuse->places, place_hash(parent, name), place_equal, &key);

	return link ? table_entry(link, struct node, place) : NULL;
}

static void
place_leave(struct dfuse *dfuse, struct node *node)
{
	if (!node->placed)
		return;
	table_remove(&dfuse->places, &node->place);
	node->placed = false;
	node->elsewhere = atomic_load(&node->links) > 1;
}

/* What stood there before does so no more. */
static void
place_enter(struct dfuse *dfuse, struct node *node)
{
	struct node *before = place_find(dfuse, node->parent, node->name);

	if (before)
		place_leave(dfuse, before);
	table_insert(&dfuse->places, place_hash(node->parent, node->name), &node->place);
	node->placed = true;
	node->elsewhere = false;
}

/* ------------------------------------------------ references */

/* With the lock: takes a node that nobody needs out of the tables, and those above it that stayed
 * for its sake. They are chained up for nodes_free(). */
static struct node *
node_put(struct dfuse *dfuse, struct node *node, uint64_t count)
{
	struct node *gone = NULL;

	while (node) {
		ASSERT(node->references >= count);
		node->references -= count;
		if (node->references > 0 || node == &dfuse->root)
			break;
		place_leave(dfuse, node);
		table_remove(node->detached ? &dfuse->detached : &dfuse->nodes, &node->link);
		node->next = gone;
		gone = node;
		node = node->parent;
		count = 1;
	}
	return gone;
}

/* Without the lock for the objects, whose release may ask the server to free them. */
static void
nodes_free(struct dfuse *dfuse, struct node *gone)
{
	if (gone == NULL)
		return;
	for (struct node *node = gone; node; node = node->next) {
		if (node->object)
			dfs_release(node->object);
		pthread_mutex_destroy(&node->lock);
	}
	pthread_mutex_lock(&dfuse->lock);
	while (gone) {
		struct node *next = gone->next;

		arena_free(dfuse->arena, gone->name);
		arena_free(dfuse->arena, gone);
		gone = next;
	}
	pthread_mutex_unlock(&dfuse->lock);
}

void
node_keep(struct dfuse *dfuse, struct node *node)
{
	pthread_mutex_lock(&dfuse->lock);
	node->references++;
	pthread_mutex_unlock(&dfuse->lock);
}

void
node_forget(struct dfuse *dfuse, struct node *node, uint64_t count)
{
	struct node *gone;

	if (node == &dfuse->root)
		return;
	pthread_mutex_lock(&dfuse->lock);
	gone = node_put(dfuse, node, count);
	pthread_mutex_unlock(&dfuse->lock);
	nodes_free(dfuse, gone);
}

/* ------------------------------------------------ where nodes stand */

/* With the lock. *ret_gone: what nobody needs any more, for nodes_free(). */
static int
node_move(struct dfuse *dfuse, struct node *node, struct node *parent, const char *name,
	  struct node **ret_gone)
{
	struct node *old = node->parent;
	char *copy;

	*ret_gone = NULL;
	if (old == parent && strcmp(node->name, name) == 0) {
		if (!node->placed)
			place_enter(dfuse, node);
		return 0;
	}
	copy = arena_strdup(dfuse->arena, name);
	if (copy == NULL)
		return ENOMEM;
	place_leave(dfuse, node);
	arena_free(dfuse->arena, node->name);
	node->name = copy;
	parent->references++;
	node->parent = parent;
	place_enter(dfuse, node);
	atomic_store(&node->astray, true);
	*ret_gone = node_put(dfuse, old, 1);
	return 0;
}

int
node_place(struct dfuse *dfuse, struct node *node, struct node *parent, const char *name)
{
	struct node *gone = NULL;
	int rc = 0;

	if (node == &dfuse->root)
		return 0;
	pthread_mutex_lock(&dfuse->lock);
	rc = node_move(dfuse, node, parent, name, &gone);
	pthread_mutex_unlock(&dfuse->lock);
	nodes_free(dfuse, gone);
	return rc;
}

void
node_displace(struct dfuse *dfuse, struct node *node)
{
	pthread_mutex_lock(&dfuse->lock);
	place_leave(dfuse, node);
	pthread_mutex_unlock(&dfuse->lock);
}

struct node *
node_at(struct dfuse *dfuse, struct node *parent, const char *name)
{
	struct node *node;

	pthread_mutex_lock(&dfuse->lock);
	node = place_find(dfuse, parent, name);
	if (node)
		node->references++;
	pthread_mutex_unlock(&dfuse->lock);
	return node;
}

struct node *
node_known(struct dfuse *dfuse, const struct node *parent, const struct stat *stat)
{
	const struct node_key key = {parent->volume, stat->st_ino, stat->st_mode};
	struct node *node;

	pthread_mutex_lock(&dfuse->lock);
	node = node_find(dfuse, &key);
	if (node)
		node->references++;
	pthread_mutex_unlock(&dfuse->lock);
	return node;
}

struct node *
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

/* ------------------------------------------------ what the kernel was told */

static int64_t
time_ns(struct timespec time)
{
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Where we wrote since, the time of the change says nothing, and the size alone decides. */
bool
node_is_stale(const struct dfuse *dfuse, const struct node *node, const struct stat *stat)
{
	if (!dfuse->kept_back || !S_ISREG(stat->st_mode) || node->volume->caching.data_time <= 0 ||
	    atomic_load(&node->opened) > 0)
		return false;
	if (atomic_load(&node->known_size) != stat->st_size)
		return true;
	return !atomic_load(&node->written) &&
	       atomic_load(&node->known_mtime) != time_ns(stat->st_mtim);
}

void
node_told(struct node *node, const struct stat *stat)
{
	atomic_store(&node->mode, stat->st_mode);
	atomic_store(&node->links, stat->st_nlink);
	atomic_store(&node->user, stat->st_uid);
	atomic_store(&node->group, stat->st_gid);
	atomic_store(&node->known_size, stat->st_size);
	atomic_store(&node->known_mtime, time_ns(stat->st_mtim));
	if (atomic_load(&node->opened) == 0)
		atomic_store(&node->written, false);
}

bool
node_was_told(const struct node *node, const struct stat *stat)
{
	return (S_ISDIR(stat->st_mode) || stat->st_nlink == 1) &&
	       atomic_load(&node->known_size) == stat->st_size &&
	       atomic_load(&node->known_mtime) == time_ns(stat->st_mtim);
}

/* By its object: it may be known by a name that it has no more. */
bool
node_agrees(struct dfuse *dfuse, const struct node *parent, const struct stat *stat)
{
	struct node *node;
	bool agrees;

	if (!S_ISDIR(stat->st_mode) && stat->st_nlink > 1)
		return false;
	node = node_known(dfuse, parent, stat);
	agrees = node == NULL || node_was_told(node, stat);
	if (node)
		node_forget(dfuse, node, 1);
	return agrees;
}

void
node_wrote(struct node *node, uint64_t end)
{
	int64_t known = atomic_load_explicit(&node->known_size, memory_order_relaxed);

	if (!atomic_load_explicit(&node->written, memory_order_relaxed))
		atomic_store(&node->written, true);
	while (known < (int64_t)end &&
	       !atomic_compare_exchange_weak(&node->known_size, &known, (int64_t)end))
		;
}

/* ------------------------------------------------ nodes come */

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
	node->realm = parent->volume;
	node->volume = parent->volume;
	node->inode = stat->st_ino;
	node->parent = parent;
	parent->references++;
	pthread_mutex_init(&node->lock, NULL);
	node_told(node, stat);
	table_insert(&dfuse->nodes, node->inode, &node->link);
	place_enter(dfuse, node);
	return node;
}

/* With the lock: from now on another node has the object. */
static void
node_detach(struct dfuse *dfuse, struct node *node)
{
	table_remove(&dfuse->nodes, &node->link);
	place_leave(dfuse, node);
	node->detached = true;
	table_insert(&dfuse->detached, (uintptr_t)node, &node->link);
}

/*
 * Whether the kernel must get to know it anew. A directory that others moved is such a thing, too:
 * the kernel has one name of it, in the directory where it was, and cannot take that away while
 * anything is being renamed.
 */
static bool
is_other(const struct dfuse *dfuse, const struct node *node, const struct node *parent,
	 const struct stat *stat)
{
	if (S_ISDIR(stat->st_mode))
		return node->parent != parent;
	return node_is_stale(dfuse, node, stat);
}

/* With the lock. *ret_old: what had the object so far and has it no more, referenced. */
static struct node *
node_get(struct dfuse *dfuse, struct node *parent, const char *name, const struct stat *stat,
	 struct node **ret_old, struct node **ret_gone)
{
	const struct node_key key = {parent->volume, stat->st_ino, stat->st_mode};
	struct node *node = node_find(dfuse, &key);

	*ret_old = NULL;
	*ret_gone = NULL;
	if (node && is_other(dfuse, node, parent, stat)) {
		node_detach(dfuse, node);
		node->references++;
		*ret_old = node;
		node = NULL;
	}
	if (node == NULL)
		return node_create(dfuse, parent, name, stat);
	node_told(node, stat);
	return node_move(dfuse, node, parent, name, ret_gone) == 0 ? node : NULL;
}

/* What is open of it goes on where object is. */
static void
node_follow(struct dfuse *dfuse, struct node *node, dfs_obj_t *object)
{
	pthread_mutex_lock(&node->lock);
	if (object && node->object && dfs_update_parent(node->object, object, NULL) != 0)
		log_warning("the new place of %s could not be noted", node->name);
	pthread_mutex_unlock(&node->lock);
	node_forget(dfuse, node, 1);
}

/* A directory's place tells what lies above it, which may have been moved by others. */
void
node_take(struct node *node, dfs_obj_t *object)
{
	bool directory = S_ISDIR(atomic_load(&node->mode)), astray;
	dfs_obj_t *spare = object;

	pthread_mutex_lock(&node->lock);
	astray = atomic_exchange(&node->astray, false);
	if (node->object == NULL ||
	    (directory && node->users == 0 && atomic_load(&node->opened) == 0)) {
		spare = node->object;
		node->object = object;
		(void)dfs_obj2id(object, &node->oid);
	} else if ((astray || directory) && dfs_update_parent(node->object, object, NULL) != 0) {
		atomic_store(&node->astray, true);
		log_warning("the new place of %s could not be noted", node->name);
	}
	pthread_mutex_unlock(&node->lock);
	if (spare)
		dfs_release(spare);
}

int
node_enter(struct dfuse *dfuse, struct node *parent, const char *name, const struct stat *stat,
	   dfs_obj_t *object, struct node **ret_node)
{
	struct node *node, *old, *gone;

	pthread_mutex_lock(&dfuse->lock);
	node = node_get(dfuse, parent, name, stat, &old, &gone);
	if (node)
		node->references++;
	pthread_mutex_unlock(&dfuse->lock);
	nodes_free(dfuse, gone);
	if (old)
		node_follow(dfuse, old, object);
	if (node && object)
		node_take(node, object);
	else if (object)
		dfs_release(object);
	if (node == NULL)
		return ENOMEM;
	*ret_node = node;
	return 0;
}

/* ------------------------------------------------ pools and roots of containers */

void
node_stat_outside(const struct dfuse *dfuse, uint64_t inode, struct stat *ret_stat)
{
	*ret_stat = (struct stat){
		.st_mode = S_IFDIR | 0555,
		.st_nlink = 2,
		.st_ino = inode,
		.st_uid = geteuid(),
		.st_gid = getegid(),
		.st_atim = dfuse->started,
		.st_mtim = dfuse->started,
		.st_ctim = dfuse->started,
	};
}

int
node_enter_pool(struct dfuse *dfuse, struct node *parent, const char *name, struct pool *pool,
		struct node **ret_node)
{
	struct stat stat;
	int rc;

	node_stat_outside(dfuse, hash64(pool->id, sizeof(pool->id), 0), &stat);
	rc = node_enter(dfuse, parent, name, &stat, NULL, ret_node);
	if (rc == 0) {
		(*ret_node)->kind = NODE_POOL;
		(*ret_node)->pool = pool;
	}
	return rc;
}

/* A root is found by its container's salt: by its own number it would be any container's. */
int
node_enter_volume(struct dfuse *dfuse, struct node *parent, const char *name, struct volume *volume,
		  struct node **ret_node)
{
	struct stat stat = {.st_mode = S_IFDIR, .st_ino = volume->salt};
	dfs_obj_t *object;
	int rc = dfs_lookup(volume->dfs, "/", dfuse->options.read_only ? O_RDONLY : O_RDWR, &object,
			    NULL, NULL);

	if (rc == 0)
		rc = node_enter(dfuse, parent, name, &stat, NULL, ret_node);
	if (rc)
		return rc;
	pthread_mutex_lock(&(*ret_node)->lock);
	(*ret_node)->volume = volume;
	if ((*ret_node)->object == NULL) {
		(*ret_node)->object = object;
		object = NULL;
	}
	pthread_mutex_unlock(&(*ret_node)->lock);
	if (object)
		dfs_release(object);
	return 0;
}

/* ------------------------------------------------ the tables */

int
nodes_init(struct dfuse *dfuse)
{
	dfuse->arena = arena_create(ARENA_BUDGET);
	if (dfuse->arena == NULL)
		return ENOMEM;
	table_init(&dfuse->nodes, dfuse->arena);
	table_init(&dfuse->detached, dfuse->arena);
	table_init(&dfuse->places, dfuse->arena);
	pthread_mutex_init(&dfuse->lock, NULL);
	pthread_mutex_init(&dfuse->root.lock, NULL);
	atomic_store(&dfuse->root.mode, S_IFDIR);
	dfuse->root.references = 1;
	dfuse->root.inode = FUSE_ROOT_ID;
	return 0;
}

static void
objects_release(struct table *table)
{
	TABLE_FOR_EACH_SAFE(link, table) {
		struct node *node = table_entry(link, struct node, link);

		if (node->object)
			dfs_release(node->object);
		pthread_mutex_destroy(&node->lock);
	}
}

void
nodes_fini(struct dfuse *dfuse)
{
	if (dfuse->arena == NULL)
		return;
	objects_release(&dfuse->nodes);
	objects_release(&dfuse->detached);
	if (dfuse->root.object)
		dfs_release(dfuse->root.object);
	pthread_mutex_destroy(&dfuse->root.lock);
	pthread_mutex_destroy(&dfuse->lock);
	arena_destroy(dfuse->arena);
	dfuse->arena = NULL;
}
