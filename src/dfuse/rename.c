/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names go, and are moved. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dfuse/private.h"

/* What nobody has open is closed before, so that it goes with its name; what somebody has open
 * keeps its data until it is closed. */
static int
remove_name(struct dfuse *dfuse, struct node *parent, const char *name)
{
	AUTO_USE struct node_use directory = {.node = NULL};
	struct node *node;
	int rc = node_use_begin(dfuse, parent, &directory);

	if (rc)
		return rc;
	node = node_at(dfuse, parent, name);
	if (node)
		node_let_go(dfuse, node);
	rc = dfs_remove(directory.dfs, directory.object, name, false, NULL);
	if (node && rc == 0)
		node_displace(dfuse, node);
	if (node)
		node_forget(dfuse, node, 1);
	return rc;
}

/* That name leads to a directory, or to something else, the kernel has seen to. */
void
dfuse_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *directory = node_of(dfuse, parent);
	int rc = remove_name(dfuse, directory, name);

	fuse_reply_err(request, dfuse_changed_in(dfuse, directory, rc));
}

void
dfuse_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	dfuse_unlink(request, parent, name);
}

/* ------------------------------------------------ rename */

struct renaming {
	struct dfuse *dfuse;
	struct node *parent, *new_parent;
	const char *name, *new_name;
	unsigned int flags;
	struct node *moved, *other; /* known under the two names, referenced; or NULL */
};

static int
rename_in_store(const struct renaming *renaming)
{
	AUTO_USE struct node_use from = {.node = NULL};
	AUTO_USE struct node_use to = {.node = NULL};
	int rc = node_use_begin(renaming->dfuse, renaming->parent, &from);

	if (rc == 0)
		rc = node_use_begin(renaming->dfuse, renaming->new_parent, &to);
	if (rc)
		return rc;
	if (renaming->parent->volume != renaming->new_parent->volume)
		return EXDEV;
	if (renaming->flags & RENAME_EXCHANGE)
		return dfs_exchange(from.dfs, from.object, renaming->name, to.object,
				    renaming->new_name);
	return dfs_rename(from.dfs, from.object, renaming->name, to.object, renaming->new_name,
			  renaming->flags & RENAME_NOREPLACE ? DFS_RENAME_NOREPLACE : 0, NULL);
}

/* An object that is open stays, as files may be open with it: it learns its new place. */
static void
learn_place(struct dfuse *dfuse, struct node *node, struct node *parent, const char *name)
{
	dfs_obj_t *object;
	struct stat stat;
	int rc = 0;

	if (node_open_at(dfuse, parent, name, &object, &stat) != 0)
		return;
	pthread_mutex_lock(&node->lock);
	if (node->object && stat.st_ino == node->inode)
		rc = dfs_update_parent(node->object, object, NULL);
	pthread_mutex_unlock(&node->lock);
	dfs_release(object);
	if (rc)
		log_warning("the new place of %s could not be noted", name);
}

/* libdfs refuses to move a directory into itself by what its open objects remember of what is above
 * them: of a target it shall be what is true now, from the root down. */
static void
learn_places(struct dfuse *dfuse, struct node *node)
{
	char name[DFS_MAX_NAME + 1];
	struct node *parent;

	if (node->parent == NULL || node->realm != node->volume)
		return;
	parent = node_where(dfuse, node, name);
	learn_places(dfuse, parent);
	learn_place(dfuse, node, parent, name);
	node_forget(dfuse, parent, 1);
}

static void
node_renamed(struct dfuse *dfuse, struct node *node, struct node *parent, const char *name)
{
	if (node_place(dfuse, node, parent, name) != 0)
		node_displace(dfuse, node);
	else
		node_settle(dfuse, node);
}

/* What was known by another of its names, or by none, is found by its object. */
static struct node *
who_is_at(struct dfuse *dfuse, struct node *parent, const char *name)
{
	AUTO_USE struct node_use directory = {.node = NULL};
	struct stat stat;

	if (node_use_begin(dfuse, parent, &directory) != 0 ||
	    dfs_stat(directory.dfs, directory.object, name, &stat) != 0)
		return NULL;
	return node_known(dfuse, parent, &stat);
}

static void
renamed(const struct renaming *renaming)
{
	struct dfuse *dfuse = renaming->dfuse;

	if (renaming->other)
		node_displace(dfuse, renaming->other);
	if (renaming->moved)
		node_renamed(dfuse, renaming->moved, renaming->new_parent, renaming->new_name);
	if (renaming->other && renaming->flags & RENAME_EXCHANGE)
		node_renamed(dfuse, renaming->other, renaming->parent, renaming->name);
}

static int
rename_run(struct renaming *renaming)
{
	struct dfuse *dfuse = renaming->dfuse;
	int rc;

	renaming->moved = node_at(dfuse, renaming->parent, renaming->name);
	renaming->other = node_at(dfuse, renaming->new_parent, renaming->new_name);
	if (renaming->moved)
		node_let_go(dfuse, renaming->moved);
	if (renaming->other)
		node_let_go(dfuse, renaming->other);
	rc = rename_in_store(renaming);
	if (rc == EINVAL && renaming->parent != renaming->new_parent) {
		learn_places(dfuse, renaming->new_parent);
		learn_places(dfuse, renaming->parent);
		rc = rename_in_store(renaming);
	}
	if (rc == 0 && renaming->moved == NULL)
		renaming->moved = who_is_at(dfuse, renaming->new_parent, renaming->new_name);
	if (rc == 0 && renaming->other == NULL && renaming->flags & RENAME_EXCHANGE)
		renaming->other = who_is_at(dfuse, renaming->parent, renaming->name);
	if (rc == 0 && renaming->moved != renaming->other)
		renamed(renaming);
	if (renaming->moved)
		node_forget(dfuse, renaming->moved, 1);
	if (renaming->other)
		node_forget(dfuse, renaming->other, 1);
	return rc;
}

void
dfuse_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	     const char *new_name, unsigned int flags)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct renaming renaming = {
		.dfuse = dfuse,
		.parent = node_of(dfuse, parent),
		.new_parent = node_of(dfuse, new_parent),
		.name = name,
		.new_name = new_name,
		.flags = flags,
	};
	int rc;

	if (strlen(new_name) > DFS_MAX_NAME)
		rc = ENAMETOOLONG;
	else if (flags & ~(unsigned int)(RENAME_EXCHANGE | RENAME_NOREPLACE))
		rc = EINVAL;
	else
		rc = rename_run(&renaming);
	pages_changed_in(dfuse, renaming.parent);
	fuse_reply_err(request, dfuse_changed_in(dfuse, renaming.new_parent, rc));
}
