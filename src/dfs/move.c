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
};

static bool
oid_equal(daos_obj_id_t a, daos_obj_id_t b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* What a move works on. */
struct move {
	const struct move_call *call;
	struct place *from, *to;
	struct inode inode, replaced;
	bool replaces;
};

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
	int rc;

	if (S_ISDIR(move->inode.mode) && place_is_within(move->to, move->inode.oid))
		return -DER_INVAL;
	rc = entry_fetch(entry_within(transaction, move->to, move->call->new_name),
			 &move->replaced);
	move->replaces = rc == 0;
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	if (oid_equal(move->inode.oid, move->replaced.oid) && !S_ISLNK(move->inode.mode))
		return 0;
	return check_replaced(move, transaction);
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
	if (rc == 0 && move->replaces && BUG(22))
		rc = entry_remove(entry_in(move->to, move->call->new_name));
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
	if (oid_equal(from->oid, to->oid) && strcmp(call->name, call->new_name) == 0)
		return entry_fetch(entry_in(from, call->name), &move.inode);
	move.from = from;
	move.to = to;
	rc = transaction_run(call->dfs, move_entry, &move);
	/* A crash before this leaves an object without a name. */
	if (rc == 0 && move.replaces && !oid_equal(move.inode.oid, move.replaced.oid))
		rc = object_discard(call->dfs, &move.replaced);
	if (rc == 0 && move.replaces && call->ret_oid)
		*call->ret_oid = move.replaced.oid;
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

static int
exchange_check(const struct move *move, daos_handle_t transaction, bool *ret_same)
{
	struct inode first, second;
	int rc = entry_fetch(entry_within(transaction, move->from, move->call->name), &first);

	if (rc == 0)
		rc = entry_fetch(entry_within(transaction, move->to, move->call->new_name),
				 &second);
	if (rc)
		return rc;
	if ((S_ISDIR(first.mode) && place_is_within(move->to, first.oid)) ||
	    (S_ISDIR(second.mode) && place_is_within(move->from, second.oid)))
		return -DER_INVAL;
	*ret_same = oid_equal(first.oid, second.oid);
	return 0;
}

static int
exchange_entries(void *argument, daos_handle_t transaction)
{
	struct move *move = argument;
	struct entry_name one = entry_within(transaction, move->from, move->call->name);
	struct entry_name two = entry_within(transaction, move->to, move->call->new_name);
	struct entry_values *first = NULL, *second = NULL;
	bool same;
	int rc = exchange_check(move, transaction, &same);

	if (rc || same)
		return rc;
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
