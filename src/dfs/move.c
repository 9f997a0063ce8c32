/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Moves and exchanges names, each in one transaction: nobody sees both names or neither, also after
 * a crash. What the new name had, extended attributes included, goes with it.
 */
#include "dfs/private.h"

/* A transaction is tried so often; the pauses between grow to about a quarter of a second. */
#define TRIES 64u

int
transaction_run(struct dfs *dfs, int (*function)(void *argument, daos_handle_t transaction),
		void *argument)
{
	daos_handle_t transaction;
	int rc = daos_tx_open(dfs->container, &transaction, 0, NULL);

	if (rc)
		return rc;
	for (uint32_t i = 1;; i++) {
		rc = function(argument, transaction);
		if (rc == 0)
			rc = daos_tx_commit(transaction, NULL);
		if (rc != -DER_TX_RESTART || i == TRIES)
			break;
		rc = daos_tx_restart(transaction, NULL);
		if (rc)
			break;
	}
	(void)daos_tx_close(transaction, NULL);
	return rc;
}

struct move_call {
	dfs_t *dfs;
	dfs_obj_t *parent, *new_parent;
	const char *name, *new_name;
	daos_obj_id_t *ret_oid;
	bool keeps; /* what has the new name */
};

/* What a move works on. */
struct move {
	const struct move_call *call;
	struct place *from, *to;
	struct inode inode, replaced;
	bool replaces, same; /* something; the same file under its other name */
	struct farewell farewell;
};

/*
 * -DER_INVAL for a directory that would come below itself. A place above may be out of date: each
 * step up is looked at in the transaction, so that a directory that another moves meanwhile makes
 * it start over, and what lies above a step that is no more says nothing. In the directory where it
 * already is nothing can come below itself.
 */
static int
check_loop(const struct move *move, daos_handle_t transaction, const struct inode *inode,
	   const struct place *directory)
{
	const struct place *place = directory;
	struct inode above;
	int rc = 0;

	if (!S_ISDIR(inode->mode) || oid_equal(move->from->oid, move->to->oid))
		return 0;
	while (rc == 0 && !oid_equal(place->oid, inode->oid)) {
		if (place->parent == NULL)
			return 0;
		rc = entry_fetch(entry_within(transaction, place->parent, place->name), &above);
		if (rc == -DER_NONEXIST || (rc == 0 && !oid_equal(above.oid, place->oid)))
			return 0;
		place = place->parent;
	}
	return rc == 0 ? -DER_INVAL : rc;
}

/* Whether what has the new name may be replaced. */
static int
check_replaced(struct move *move, daos_handle_t transaction)
{
	daos_handle_t handle;
	int rc;

	if (!S_ISDIR(move->replaced.mode))
		return S_ISDIR(move->inode.mode) ? -DER_NOTDIR : 0;
	if (!S_ISDIR(move->inode.mode))
		return file_error(EISDIR);
	rc = daos_obj_open(move->call->dfs->container, move->replaced.oid, DAOS_OO_RO, &handle,
			   NULL);
	if (rc)
		return rc;
	rc = directory_check_empty_in(transaction, handle);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

static int
move_check(struct move *move, daos_handle_t transaction)
{
	int rc = check_loop(move, transaction, &move->inode, move->to);

	if (rc)
		return rc;
	rc = entry_fetch(entry_within(transaction, move->to, move->call->new_name),
			 &move->replaced);
	move->replaces = rc == 0;
	move->same = rc == 0 && oid_equal(move->inode.oid, move->replaced.oid);
	/* Of what an earlier attempt met, nothing may be left. */
	if (!move->replaces || move->same)
		farewell_cancel(&move->farewell);
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	if (move->call->keeps)
		return -DER_EXIST;
	return move->same ? 0 : check_replaced(move, transaction);
}

/* The record of what was exported follows it. */
static int
move_record(struct dfs *dfs, daos_handle_t transaction, const struct inode *inode,
	    const struct place *directory, const char *name)
{
	if (!(inode->flags & INODE_EXPORTED) || BUG(35))
		return 0;
	return record_put_name(dfs, transaction, inode->oid, directory->oid, name);
}

static int
move_entry(void *argument, daos_handle_t transaction)
{
	struct move *move = argument;
	struct entry_name from = entry_within(transaction, move->from, move->call->name);
	struct entry_name to = entry_within(transaction, move->to, move->call->new_name);
	struct entry_values *values = NULL;
	int rc = entry_fetch(from, &move->inode);

	if (rc)
		return rc;
	rc = move_check(move, transaction);
	if (rc || move->same)
		return rc;
	if (move->replaces && BUG(22))
		rc = entry_remove(entry_in(move->to, move->call->new_name));
	if (rc == 0 && move->replaces)
		rc = farewell_prepare(&move->farewell, transaction, to, &move->replaced);
	if (rc == 0)
		rc = move_record(move->call->dfs, transaction, &move->inode, move->to,
				 move->call->new_name);
	if (rc == 0)
		rc = entry_read(from, &values);
	if (rc == 0)
		rc = entry_write(to, values);
	if (rc == 0)
		rc = entry_remove(from);
	entry_values_free(values);
	return rc;
}

static int
move_run(void *arguments)
{
	struct move_call *call = arguments;
	AUTO_PLACE struct place *from = NULL;
	AUTO_PLACE struct place *to = NULL;
	struct move move = {.call = call};
	int rc = object_directory(call->dfs, call->parent, &from);

	if (rc == 0)
		rc = object_directory(call->dfs, call->new_parent, &to);
	if (rc)
		return rc;
	if (oid_equal(from->oid, to->oid) && strcmp(call->name, call->new_name) == 0) {
		rc = entry_fetch(entry_in(from, call->name), &move.inode);
		return rc == 0 && call->keeps ? -DER_EXIST : rc;
	}
	move.from = from;
	move.to = to;
	move.farewell.dfs = call->dfs;
	rc = transaction_run(call->dfs, move_entry, &move);
	if (rc) {
		farewell_cancel(&move.farewell);
		return rc;
	}
	if (move.replaces && !move.same && call->ret_oid)
		*call->ret_oid = move.replaced.oid;
	/* A crash before this leaves an object without a name. */
	return farewell_end(&move.farewell);
}

static int
move(struct move_call *call)
{
	int rc = name_check(call->name);

	if (call->dfs == NULL)
		return EINVAL;
	if (call->dfs->read_only)
		return EPERM;
	if (rc == 0)
		rc = name_check(call->new_name);
	return rc ? file_errno(rc) : file_run(move_run, call);
}

int
dfs_move(dfs_t *dfs, dfs_obj_t *parent, const char *name, dfs_obj_t *new_parent,
	 const char *new_name, daos_obj_id_t *oid)
{
	struct move_call call = {dfs, parent, new_parent, name, new_name, oid, false};

	return move(&call);
}

int
dfs_rename(dfs_t *dfs, dfs_obj_t *parent, const char *name, dfs_obj_t *new_parent,
	   const char *new_name, int flags, daos_obj_id_t *replaced)
{
	daos_obj_id_t oid = {.lo = 0, .hi = 0};
	struct move_call call = {
		dfs, parent, new_parent, name, new_name, &oid, flags & DFS_RENAME_NOREPLACE};
	int rc = flags & ~DFS_RENAME_NOREPLACE ? EINVAL : move(&call);

	if (rc == 0 && replaced)
		*replaced = oid;
	return rc;
}

/* ------------------------------------------------ exchange */

/* What is exchanged becomes inode and replaced of move. */
static int
exchange_check(struct move *move, daos_handle_t transaction)
{
	struct inode *first = &move->inode, *second = &move->replaced;
	int rc = entry_fetch(entry_within(transaction, move->from, move->call->name), first);

	if (rc == 0)
		rc = entry_fetch(entry_within(transaction, move->to, move->call->new_name), second);
	if (rc == 0)
		rc = check_loop(move, transaction, first, move->to);
	if (rc == 0)
		rc = check_loop(move, transaction, second, move->from);
	if (rc)
		return rc;
	move->same = oid_equal(first->oid, second->oid);
	return 0;
}

static int
exchange_records(const struct move *move, daos_handle_t transaction)
{
	struct dfs *dfs = move->call->dfs;
	int rc = move_record(dfs, transaction, &move->inode, move->to, move->call->new_name);

	return rc ? rc
		  : move_record(dfs, transaction, &move->replaced, move->from, move->call->name);
}

static int
exchange_entries(void *argument, daos_handle_t transaction)
{
	struct move *move = argument;
	struct entry_name one = entry_within(transaction, move->from, move->call->name);
	struct entry_name two = entry_within(transaction, move->to, move->call->new_name);
	struct entry_values *first = NULL, *second = NULL;
	int rc = exchange_check(move, transaction);

	if (rc || move->same)
		return rc;
	rc = exchange_records(move, transaction);
	if (rc == 0)
		rc = entry_read(one, &first);
	if (rc == 0)
		rc = entry_read(two, &second);
	if (rc == 0)
		rc = entry_write(one, second);
	if (rc == 0)
		rc = entry_write(two, first);
	entry_values_free(first);
	entry_values_free(second);
	return rc;
}

static int
exchange_run(void *arguments)
{
	struct move_call *call = arguments;
	AUTO_PLACE struct place *one = NULL;
	AUTO_PLACE struct place *two = NULL;
	struct move move = {.call = call};
	int rc = object_directory(call->dfs, call->parent, &one);

	if (rc == 0)
		rc = object_directory(call->dfs, call->new_parent, &two);
	if (rc)
		return rc;
	move.from = one;
	move.to = two;
	return transaction_run(call->dfs, exchange_entries, &move);
}

int
dfs_exchange(dfs_t *dfs, dfs_obj_t *parent1, const char *name1, dfs_obj_t *parent2,
	     const char *name2)
{
	struct move_call call = {dfs, parent1, parent2, name1, name2, NULL, false};
	int rc = name_check(name1);

	if (dfs == NULL)
		return EINVAL;
	if (dfs->read_only)
		return EPERM;
	if (rc == 0)
		rc = name_check(name2);
	return rc ? file_errno(rc) : file_run(exchange_run, &call);
}
