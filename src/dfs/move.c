/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Moves and exchanges names. The new name is written first and the old one removed second: a crash
 * between leaves both, and loses neither. Over an existing name the new entry replaces the old one
 * in one update.
 */
#include "dfs/private.h"

struct move_call {
	dfs_t *dfs;
	dfs_obj_t *parent, *new_parent;
	const char *name, *new_name;
	daos_obj_id_t *ret_oid;
};

static bool
oid_equal(daos_obj_id_t a, daos_obj_id_t b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* Whether what has the new name may be replaced. */
static int
check_replaced(struct dfs *dfs, const struct inode *inode, const struct inode *replaced)
{
	daos_handle_t handle;
	int rc;

	if (!S_ISDIR(replaced->mode))
		return S_ISDIR(inode->mode) ? -DER_NOTDIR : 0;
	if (!S_ISDIR(inode->mode))
		return file_error(EISDIR);
	rc = daos_obj_open(dfs->container, replaced->oid, DAOS_OO_RO, &handle, NULL);
	if (rc)
		return rc;
	rc = directory_check_empty(handle);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

static int
move_check(const struct move_call *call, const struct place *to, const struct inode *inode,
	   struct inode *ret_replaced, bool *ret_replaces)
{
	int rc;

	if (S_ISDIR(inode->mode) && place_is_within(to, inode->oid))
		return -DER_INVAL;
	rc = entry_fetch(entry_in(to, call->new_name), ret_replaced);
	*ret_replaces = rc == 0;
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	if (oid_equal(inode->oid, ret_replaced->oid) && !S_ISLNK(inode->mode))
		return 0;
	return check_replaced(call->dfs, inode, ret_replaced);
}

static int
move_run(void *arguments)
{
	struct move_call *call = arguments;
	AUTO_PLACE struct place *from = NULL;
	AUTO_PLACE struct place *to = NULL;
	struct inode inode, replaced;
	bool replaces = false;
	int rc = object_directory(call->dfs, call->parent, &from);

	if (rc == 0)
		rc = object_directory(call->dfs, call->new_parent, &to);
	if (rc == 0)
		rc = entry_fetch(entry_in(from, call->name), &inode);
	if (rc)
		return rc;
	if (oid_equal(from->oid, to->oid) && strcmp(call->name, call->new_name) == 0)
		return 0;
	rc = move_check(call, to, &inode, &replaced, &replaces);
	if (rc == 0 && replaces && BUG(22))
		rc = entry_remove(entry_in(to, call->new_name));
	if (rc == 0)
		rc = entry_copy(entry_in(from, call->name), entry_in(to, call->new_name));
	if (rc == 0)
		rc = entry_remove(entry_in(from, call->name));
	/* The same object under both names is what a crash in an earlier move left. */
	if (rc == 0 && replaces && !oid_equal(inode.oid, replaced.oid))
		rc = object_discard(call->dfs, &replaced);
	if (rc == 0 && replaces && call->ret_oid)
		*call->ret_oid = replaced.oid;
	return rc;
}

int
dfs_move(dfs_t *dfs, dfs_obj_t *parent, const char *name, dfs_obj_t *new_parent,
	 const char *new_name, daos_obj_id_t *oid)
{
	struct move_call call = {dfs, parent, new_parent, name, new_name, oid};
	int rc = name_check(name);

	if (dfs == NULL)
		return EINVAL;
	if (dfs->read_only)
		return EPERM;
	if (rc == 0)
		rc = name_check(new_name);
	return rc ? file_errno(rc) : file_run(move_run, &call);
}

/* ------------------------------------------------ exchange */

/* By way of a third name, so that a crash leaves each of the two under some name. */
static int
exchange(struct entry_name first, struct entry_name second, struct entry_name third)
{
	int rc = entry_copy(first, third);

	if (rc == 0)
		rc = entry_copy(second, first);
	if (rc == 0)
		rc = entry_copy(third, second);
	if (rc == 0)
		rc = entry_remove(third);
	return rc;
}

static int
exchange_run(void *arguments)
{
	struct move_call *call = arguments;
	AUTO_PLACE struct place *one = NULL;
	AUTO_PLACE struct place *two = NULL;
	struct inode first, second;
	char third[64];
	int rc = object_directory(call->dfs, call->parent, &one);

	if (rc == 0)
		rc = object_directory(call->dfs, call->new_parent, &two);
	if (rc == 0)
		rc = entry_fetch(entry_in(one, call->name), &first);
	if (rc == 0)
		rc = entry_fetch(entry_in(two, call->new_name), &second);
	if (rc)
		return rc;
	if ((S_ISDIR(first.mode) && place_is_within(two, first.oid)) ||
	    (S_ISDIR(second.mode) && place_is_within(one, second.oid)))
		return -DER_INVAL;
	if (oid_equal(first.oid, second.oid))
		return 0;
	snprintf(third, sizeof(third), ".exchange.%016jx.%016jx", (uintmax_t)first.oid.hi,
		 (uintmax_t)first.oid.lo);
	return exchange(entry_in(one, call->name), entry_in(two, call->new_name),
			entry_in(one, third));
}

int
dfs_exchange(dfs_t *dfs, dfs_obj_t *parent1, const char *name1, dfs_obj_t *parent2,
	     const char *name2)
{
	struct move_call call = {dfs, parent1, parent2, name1, name2, NULL};
	int rc = name_check(name1);

	if (dfs == NULL)
		return EINVAL;
	if (dfs->read_only)
		return EPERM;
	if (rc == 0)
		rc = name_check(name2);
	return rc ? file_errno(rc) : file_run(exchange_run, &call);
}
