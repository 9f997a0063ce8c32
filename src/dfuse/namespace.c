/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names: look-up and making. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dfuse/private.h"

void
dfuse_entry_fill(const struct dfuse *dfuse, struct node *node, const struct stat *stat,
		 struct fuse_entry_param *ret_entry)
{
	const struct dfuse_caching none = {.attribute_time = 0};
	const struct dfuse_caching *caching = node->volume ? &node->volume->caching : &none;

	*ret_entry = (struct fuse_entry_param){
		.ino = node_number(dfuse, node),
		.generation = 1,
		.attr = *stat,
		.attr_timeout = caching->attribute_time,
		.entry_timeout = S_ISDIR(stat->st_mode) ? caching->directory_time
							: caching->entry_time,
	};
	node_stat_show(node, &ret_entry->attr);
}

void
dfuse_entry_age(struct fuse_entry_param *entry, double age)
{
	entry->attr_timeout = max_of(entry->attr_timeout - age, 0.0);
	entry->entry_timeout = max_of(entry->entry_timeout - age, 0.0);
}

void
dfuse_reply_entry(fuse_req_t request, struct node *node, const struct stat *stat)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct fuse_entry_param entry;

	dfuse_entry_fill(dfuse, node, stat, &entry);
	if (fuse_reply_entry(request, &entry) != 0)
		node_forget(dfuse, node, 1);
}

/* ------------------------------------------------ look-up */

/* Absence may be remembered, too. */
static void
reply_absent(fuse_req_t request, const struct node *parent, double age)
{
	struct fuse_entry_param entry = {
		.entry_timeout = parent->volume ? parent->volume->caching.negative_time : 0};

	dfuse_entry_age(&entry, age);
	if (entry.entry_timeout > 0)
		fuse_reply_entry(request, &entry);
	else
		fuse_reply_err(request, ENOENT);
}

static int
lookup_volume(struct dfuse *dfuse, struct node *parent, const char *name, struct node **ret_node,
	      struct stat *ret_stat)
{
	struct volume *volume;
	int rc = volume_find(dfuse, parent->pool, name, &volume);

	if (rc)
		return rc;
	/* Found by two look-ups at once, it is the same node. */
	pthread_mutex_lock(&dfuse->volume_lock);
	rc = node_enter_volume(dfuse, parent, name, volume, ret_node);
	pthread_mutex_unlock(&dfuse->volume_lock);
	if (rc)
		return rc;
	rc = dfs_stat(volume->dfs, NULL, NULL, ret_stat);
	if (rc)
		node_forget(dfuse, *ret_node, 1);
	return rc;
}

static int
lookup_pool(struct dfuse *dfuse, struct node *parent, const char *name, struct node **ret_node,
	    struct stat *ret_stat)
{
	struct pool *pool;
	int rc = pool_find(dfuse, name, &pool);

	if (rc == 0)
		rc = node_enter_pool(dfuse, parent, name, pool, ret_node);
	if (rc == 0)
		node_stat_outside(dfuse, (*ret_node)->inode, ret_stat);
	return rc;
}

/* What looks as if others had changed it is looked at once more: it may have been us, since it was
 * looked at. */
static bool
seems_stale(struct dfuse *dfuse, const struct node *parent, const struct stat *stat)
{
	struct node *node;
	bool stale;

	if (!dfuse->kept_back || !S_ISREG(stat->st_mode))
		return false;
	node = node_known(dfuse, parent, stat);
	stale = node && node_is_stale(dfuse, node, stat);
	if (node)
		node_forget(dfuse, node, 1);
	return stale;
}

static int
lookup_entry(struct dfuse *dfuse, struct node *parent, const char *name, struct node **ret_node,
	     struct stat *ret_stat)
{
	dfs_obj_t *object;
	int rc = node_open_at(dfuse, parent, name, &object, ret_stat);

	if (rc)
		return rc;
	if (seems_stale(dfuse, parent, ret_stat))
		rc = dfs_ostat(parent->volume->dfs, object, ret_stat);
	if (rc) {
		dfs_release(object);
		return dfuse_stale(rc);
	}
	return node_enter(dfuse, parent, name, ret_stat, object, ret_node);
}

static int
node_lookup(struct dfuse *dfuse, struct node *parent, const char *name, struct node **ret_node,
	    struct stat *ret_stat)
{
	if (strlen(name) > DFS_MAX_NAME)
		return ENAMETOOLONG;
	if (parent->volume)
		return lookup_entry(dfuse, parent, name, ret_node, ret_stat);
	if (parent->kind == NODE_POOL)
		return lookup_volume(dfuse, parent, name, ret_node, ret_stat);
	return lookup_pool(dfuse, parent, name, ret_node, ret_stat);
}

/*
 * Answers from a page that tells of the name. What it says of a node otherwise than the kernel was
 * told may be the older of the two.
 */
static bool
lookup_seen(fuse_req_t request, struct node *directory, const char *name)
{
	struct dfuse *dfuse = dfuse_of(request);
	AUTO_USE struct node_use use = {.node = NULL};
	AUTO_PAGE struct page *page = NULL;
	struct fuse_entry_param entry;
	struct node *node;
	uint32_t index;

	if (strlen(name) > DFS_MAX_NAME || directory->volume == NULL || dfuse_has_raced(dfuse) ||
	    node_use_begin(dfuse, directory, &use) != 0)
		return false;
	page = page_glance(&use, name);
	if (page == NULL)
		return false;
	if (!page_find(page, name, &index)) {
		reply_absent(request, directory, page_age(page));
		return true;
	}
	if (!node_agrees(dfuse, directory, &page->stats[index]) ||
	    node_enter(dfuse, directory, name, &page->stats[index], NULL, &node) != 0)
		return false;
	dfuse_entry_fill(dfuse, node, &page->stats[index], &entry);
	dfuse_entry_age(&entry, page_age(page));
	if (fuse_reply_entry(request, &entry) != 0)
		node_forget(dfuse, node, 1);
	return true;
}

void
dfuse_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *directory = node_of(dfuse, parent), *node;
	struct stat stat;
	int rc;

	if (lookup_seen(request, directory, name))
		return;
	rc = dfuse_outcome(dfuse, node_lookup(dfuse, directory, name, &node, &stat));
	if (rc == ENOENT)
		reply_absent(request, directory, 0);
	else if (rc)
		fuse_reply_err(request, rc);
	else
		dfuse_reply_entry(request, node, &stat);
}

void
dfuse_forget(fuse_req_t request, fuse_ino_t number, uint64_t count)
{
	struct dfuse *dfuse = dfuse_of(request);

	node_forget(dfuse, node_of(dfuse, number), count);
	fuse_reply_none(request);
}

void
dfuse_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
	struct dfuse *dfuse = dfuse_of(request);

	for (size_t i = 0; i < count; i++)
		node_forget(dfuse, node_of(dfuse, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(request);
}

/* ------------------------------------------------ making */

/* What is made: by whom, and where. */
struct making {
	fuse_req_t request;
	struct dfuse *dfuse;
	struct node *parent;
	const char *name, *target;
	mode_t mode;
	int flags;
};

/* Who asked owns what was made, where several users are served; a directory with the set-group-id
 * bit gives its group away, and to directories the bit. */
static int
set_owner(const struct making *making, const struct node_use *directory, dfs_obj_t *object,
	  struct stat *ret_stat)
{
	const struct fuse_ctx *context = fuse_req_ctx(making->request);
	bool serves = making->dfuse->options.multi_user;
	struct stat stat = {.st_uid = serves ? context->uid : geteuid(),
			    .st_gid = serves ? context->gid : getegid(),
			    .st_mode = making->mode};
	struct stat above;
	int fields = 0, rc;

	if (atomic_load(&directory->node->mode) & S_ISGID) {
		rc = dfs_ostat(directory->dfs, directory->object, &above);
		if (rc)
			return rc;
		stat.st_gid = above.st_gid;
		if (S_ISDIR(making->mode)) {
			stat.st_mode |= S_ISGID;
			fields |= DFS_SET_ATTR_MODE;
		}
	}
	if (stat.st_uid != geteuid())
		fields |= DFS_SET_ATTR_UID;
	if (stat.st_gid != getegid())
		fields |= DFS_SET_ATTR_GID;
	rc = fields ? dfs_osetattr(directory->dfs, object, &stat, fields) : 0;
	if (rc == 0 && fields)
		*ret_stat = stat;
	return rc;
}

/* What is there already is not expected: the kernel has looked before. *ret_new: it was not. */
static int
make_object(const struct making *making, const struct node_use *directory, dfs_obj_t **ret_object,
	    struct stat *ret_stat, bool *ret_new)
{
	int rc = dfs_open_stat(directory->dfs, directory->object, making->name, making->mode,
			       O_CREAT | O_RDWR | O_EXCL, 0, 0, making->target, ret_object,
			       ret_stat);

	*ret_new = rc == 0;
	if (rc != EEXIST || making->flags & O_EXCL)
		return rc;
	return dfs_open_stat(directory->dfs, directory->object, making->name, making->mode,
			     O_CREAT | O_RDWR, 0, 0, making->target, ret_object, ret_stat);
}

/* Makes and opens it; counted for the kernel. */
static int
make(const struct making *making, struct node **ret_node, struct stat *ret_stat)
{
	AUTO_USE struct node_use directory = {.node = NULL};
	dfs_obj_t *object;
	bool new = false;
	int rc = strlen(making->name) > DFS_MAX_NAME ? ENAMETOOLONG : 0;

	if (rc == 0)
		rc = node_use_begin(making->dfuse, making->parent, &directory);
	if (rc == 0)
		rc = make_object(making, &directory, &object, ret_stat, &new);
	if (rc)
		return rc;
	if (new)
		rc = set_owner(making, &directory, object, ret_stat);
	if (rc) {
		dfs_release(object);
		return rc;
	}
	rc = node_enter(making->dfuse, making->parent, making->name, ret_stat, object, ret_node);
	if (rc == 0 && new)
		atomic_store(&(*ret_node)->capability, CAPABILITY_ABSENT);
	return rc;
}

static struct making
making_of(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, int flags)
{
	struct dfuse *dfuse = dfuse_of(request);

	return (struct making){
		.request = request,
		.dfuse = dfuse,
		.parent = node_of(dfuse, parent),
		.name = name,
		.mode = mode,
		.flags = flags,
	};
}

static void
make_entry(const struct making *making)
{
	struct node *node;
	struct stat stat;
	int rc = dfuse_changed_in(making->dfuse, making->parent, make(making, &node, &stat));

	if (rc)
		fuse_reply_err(making->request, rc);
	else
		dfuse_reply_entry(making->request, node, &stat);
}

void
dfuse_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct making making =
		making_of(request, parent, name, S_IFDIR | (mode & ALLPERMS), O_EXCL);

	make_entry(&making);
}

/* Devices, sockets and pipes are not kept. */
void
dfuse_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	struct making making = making_of(request, parent, name, mode, O_EXCL);

	(void)device;
	if (S_ISREG(mode))
		make_entry(&making);
	else
		fuse_reply_err(request, EOPNOTSUPP);
}

void
dfuse_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
	struct making making = making_of(request, parent, name, S_IFLNK | 0777, O_EXCL);

	making.target = target;
	make_entry(&making);
}

void
dfuse_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	     struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct making making =
		making_of(request, parent, name, S_IFREG | (mode & ALLPERMS), info->flags & O_EXCL);
	struct fuse_entry_param entry;
	struct node *node;
	struct stat stat;
	int rc = dfuse_changed_in(dfuse, making.parent, make(&making, &node, &stat));

	if (rc) {
		fuse_reply_err(request, rc);
		return;
	}
	dfuse_entry_fill(dfuse, node, &stat, &entry);
	file_opened(dfuse, node, info);
	/* The kernel does not come back for a file whose opening it was not told of. */
	if (fuse_reply_create(request, &entry, info) != 0) {
		file_closed(dfuse, node, info);
		node_forget(dfuse, node, 1);
	}
}

/* ------------------------------------------------ further names, targets */

static int
link_run(struct dfuse *dfuse, struct node *node, struct node *parent, const char *name,
	 struct stat *ret_stat)
{
	AUTO_USE struct node_use use = {.node = NULL};
	AUTO_USE struct node_use directory = {.node = NULL};
	int rc = strlen(name) > DFS_MAX_NAME ? ENAMETOOLONG : 0;

	if (rc == 0)
		rc = node_use_begin(dfuse, node, &use);
	if (rc == 0)
		rc = node_use_begin(dfuse, parent, &directory);
	/* The kernel asks for no link between what it takes for two file systems; two containers
	 * are one to it. */
	if (rc == 0 && node->volume != parent->volume)
		rc = EXDEV;
	if (rc == 0)
		rc = dfs_link(use.dfs, use.object, directory.object, name);
	if (rc == 0)
		rc = dfs_ostat(use.dfs, use.object, ret_stat);
	return dfuse_stale(rc);
}

void
dfuse_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent, const char *new_name)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	struct stat stat;
	struct node *parent = node_of(dfuse, new_parent);
	int rc = dfuse_changed(dfuse, node, link_run(dfuse, node, parent, new_name, &stat));

	pages_changed_in(dfuse, parent);
	if (rc) {
		fuse_reply_err(request, rc);
		return;
	}
	/* It keeps its place: one of its names is as good as another. */
	node_keep(dfuse, node);
	dfuse_reply_entry(request, node, &stat);
}

void
dfuse_readlink(fuse_req_t request, fuse_ino_t number)
{
	struct dfuse *dfuse = dfuse_of(request);
	AUTO_USE struct node_use use = {.node = NULL};
	char target[DFS_MAX_PATH + 1];
	daos_size_t size = sizeof(target);
	int rc = node_use_begin(dfuse, node_of(dfuse, number), &use);

	if (rc == 0)
		rc = dfs_get_symlink_value(use.object, target, &size);
	if (dfuse_outcome(dfuse, rc))
		fuse_reply_err(request, rc);
	else
		fuse_reply_readlink(request, target);
}
