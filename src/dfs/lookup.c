/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* From paths to entries. */
#include "dfs/private.h"

/* A path on its way: where it is, and what is left. */
struct walk {
	struct dfs *dfs;
	struct place *at;
	const char *left; /* in the caller's path, or in rest */
	char *rest;	  /* a symlink's target and what followed it */
	int links;
};

static void
walk_release(struct walk *walk)
{
	place_put(walk->at);
	client_free(walk->rest);
}
#define AUTO_WALK __attribute__((cleanup(walk_release)))

void
found_release(struct found *found)
{
	place_put(found->place);
	client_free(found->target);
}

/* Takes over a reference. */
static void
walk_to(struct walk *walk, struct place *place)
{
	place_put(walk->at);
	walk->at = place;
}

/* Puts a symlink's target in front of what is left. */
static int
walk_link(struct walk *walk, const char *target)
{
	const char *path = target[0] == '/' ? path_strip(target, walk->dfs->prefix) : target;
	size_t path_length = strlen(path), left_length = strlen(walk->left);
	char *rest;

	if (++walk->links > SYMLINKS_MAX)
		return file_error(ELOOP);
	if (path_length + left_length + 2 > REST_MAX)
		return file_error(ENAMETOOLONG);
	rest = client_alloc(path_length + left_length + 2);
	if (rest == NULL)
		return -DER_NOMEM;
	memcpy(rest, path, path_length);
	/* What is left is empty or begins with a slash. */
	memcpy(rest + path_length, walk->left, left_length + 1);
	client_free(walk->rest);
	walk->rest = rest;
	walk->left = rest;
	if (target[0] == '/')
		walk_to(walk, place_get(walk->dfs->root));
	return 0;
}

/* The path ends where the walk is. */
static int
walk_here(struct walk *walk, struct found *ret_found)
{
	struct inode inode;
	int rc = entry_fetch(entry_of(walk->dfs, walk->at), &inode);

	if (rc == 0) {
		ret_found->place = place_get(walk->at);
		ret_found->inode = inode;
	}
	return rc;
}

/* The path ends with a name in the directory where the walk is. */
static int
walk_end(struct walk *walk, const char *name, size_t length, const struct inode *inode,
	 struct found *ret_found)
{
	struct found found = {.inode = *inode, .removals = ret_found->removals};
	int rc = 0;

	if (walk->left[0] == '/' && !S_ISDIR(inode->mode))
		return -DER_NOTDIR;
	if (S_ISLNK(inode->mode))
		rc = entry_fetch_target((struct entry_name){walk->at->handle, name, length,
							    DAOS_TX_NONE},
					inode->length, &found.target);
	if (rc == 0)
		rc = inode_resolve(walk->dfs, DAOS_TX_NONE, &found.inode);
	if (rc == 0)
		rc = place_create(walk->dfs, walk->at, name, length, inode, &found.place);
	if (rc)
		client_free(found.target);
	else
		*ret_found = found;
	return rc;
}

/* One name: into a directory, through a symlink, or to the end. */
static int
walk_name(struct walk *walk, const char *name, size_t length, int flags, struct found *ret_found)
{
	struct entry_name entry = {walk->at->handle, name, length, DAOS_TX_NONE};
	bool last = walk->left[strspn(walk->left, "/")] == '\0';
	AUTO_MEMORY char *target = NULL;
	struct place *child;
	struct inode inode;
	int rc;

	if (length > DFS_MAX_NAME)
		return file_error(ENAMETOOLONG);
	rc = entry_fetch(entry, &inode);
	if (rc)
		return rc;
	if (S_ISLNK(inode.mode) && !(last && flags & O_NOFOLLOW && walk->left[0] == '\0')) {
		rc = entry_fetch_target(entry, inode.length, &target);
		return rc ? rc : walk_link(walk, target);
	}
	if (last)
		return walk_end(walk, name, length, &inode, ret_found);
	if (!S_ISDIR(inode.mode))
		return -DER_NOTDIR;
	rc = place_create(walk->dfs, walk->at, name, length, &inode, &child);
	if (rc == 0)
		walk_to(walk, child);
	return rc;
}

int
path_find(struct dfs *dfs, struct place *directory, const char *path, int flags,
	  struct found *ret_found)
{
	AUTO_WALK struct walk walk = {.dfs = dfs, .left = path};

	if (strlen(path) >= DFS_MAX_PATH)
		return file_error(ENAMETOOLONG);
	walk.at = place_get(path[0] == '/' ? dfs->root : directory);
	*ret_found = (struct found){.removals = atomic_load(&dfs->removals)};
	while (ret_found->place == NULL) {
		const char *name;
		size_t length = path_next(&walk.left, &name);
		int rc = 0;

		if (length == 0)
			rc = walk_here(&walk, ret_found);
		else if (length == 2 && memcmp(name, "..", 2) == 0)
			walk_to(&walk, place_get(walk.at->parent ? walk.at->parent : walk.at));
		else if (length != 1 || name[0] != '.')
			rc = walk_name(&walk, name, length, flags, ret_found);
		if (rc)
			return rc;
	}
	return 0;
}

/* Whether the data of oid went since removals; *ret_known: that is known for sure. */
static bool
was_removed(struct dfs *dfs, daos_obj_id_t oid, uint64_t removals, bool *ret_known)
{
	bool found = false;
	uint64_t now;

	pthread_mutex_lock(&dfs->lock);
	now = atomic_load(&dfs->removals);
	*ret_known = now - removals <= REMOVED_KEPT;
	for (uint64_t i = removals; *ret_known && !found && i < now; i++)
		found = oid_equal(dfs->removed[i % REMOVED_KEPT], oid);
	pthread_mutex_unlock(&dfs->lock);
	return found;
}

/*
 * A name that went through this mount between the look-up and now may have taken the data along, as
 * nobody was known to have it open. From now on somebody is: so what is still there stays.
 */
int
object_confirm(struct dfs *dfs, struct dfs_obj *object, uint64_t removals)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	AUTO_PLACE struct place *place = NULL;
	struct inode inode;
	bool known;

	if (object->held == NULL || atomic_load(&dfs->removals) == removals)
		return 0;
	if (was_removed(dfs, object->held->oid, removals, &known))
		return -DER_NONEXIST;
	place = object_place(object);
	return known ? 0 : home_fetch(dfs, DAOS_TX_NONE, place, &home, &inode);
}

int
found_open(struct dfs *dfs, struct found *found, int flags, struct dfs_obj **ret_object)
{
	struct place *place = found->place;
	struct dfs_obj *object;
	int rc;

	found->place = NULL;
	rc = object_create(dfs, place, &found->inode, flags, found->target, &object);
	if (rc)
		return rc;
	if (found->inode.flags & INODE_LINKED)
		object_note_linked(dfs, found->inode.oid);
	rc = object_confirm(dfs, object, found->removals);
	if (rc)
		object_destroy(object);
	else
		*ret_object = object;
	return rc;
}

/* ------------------------------------------------ public */

struct lookup_call {
	dfs_t *dfs;
	dfs_obj_t *parent;
	const char *path;
	int flags;
	dfs_obj_t **ret_object;
	mode_t *ret_mode;
	struct stat *ret_stat;
};

/* How often what was found may be replaced before it is open. */
#define LOOKUP_TRIES 16u

/* What was found and went before it was open does not say that nothing has the name: it was
 * replaced, or will not be found the next time. */
static int
lookup_open(const struct lookup_call *call, struct place *directory, struct found *found,
	    struct dfs_obj **ret_object)
{
	int rc = -DER_NONEXIST;

	for (uint32_t i = 0; rc == -DER_NONEXIST && i < LOOKUP_TRIES; i++) {
		found_release(found);
		*found = (struct found){.place = NULL};
		rc = path_find(call->dfs, directory, call->path, call->flags, found);
		if (rc)
			return rc;
		rc = found_open(call->dfs, found, call->flags, ret_object);
	}
	return rc;
}

static int
lookup_run(void *arguments)
{
	struct lookup_call *call = arguments;
	AUTO_PLACE struct place *directory = NULL;
	AUTO_FOUND struct found found = {.place = NULL};
	struct dfs_obj *object;
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc == 0)
		rc = lookup_open(call, directory, &found, &object);
	if (rc)
		return rc;
	if (call->ret_stat)
		rc = entry_stat(call->dfs, &found.inode, object->array, call->ret_stat);
	if (rc) {
		object_destroy(object);
		return rc;
	}
	if (call->ret_mode)
		*call->ret_mode = found.inode.mode;
	*call->ret_object = object;
	return 0;
}

static int
lookup(struct lookup_call *call)
{
	if (call->dfs->read_only && (call->flags & O_ACCMODE) != O_RDONLY)
		return EPERM;
	return file_run(lookup_run, call);
}

int
file_lookup(dfs_t *dfs, const char *path, int flags, dfs_obj_t **obj, mode_t *mode)
{
	struct lookup_call call = {dfs, NULL, path, flags, obj, mode, NULL};

	return lookup(&call);
}

int
dfs_lookup(dfs_t *dfs, const char *path, int flags, dfs_obj_t **obj, mode_t *mode,
	   struct stat *stbuf)
{
	struct lookup_call call = {dfs, NULL, path, flags, obj, mode, stbuf};

	if (dfs == NULL || obj == NULL || path == NULL || path[0] != '/')
		return EINVAL;
	call.path = path_strip(path, dfs->prefix);
	return lookup(&call);
}

int
dfs_lookup_rel(dfs_t *dfs, dfs_obj_t *parent, const char *name, int flags, dfs_obj_t **obj,
	       mode_t *mode, struct stat *stbuf)
{
	struct lookup_call call = {dfs, parent, name, flags, obj, mode, stbuf};
	int rc = name_check(name);

	if (dfs == NULL || obj == NULL)
		return EINVAL;
	return rc ? file_errno(rc) : lookup(&call);
}
