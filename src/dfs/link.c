/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Further names of a file, and things by object id. At the second name a file's attributes move
 * from its entry into its record, and its entries refer to it from then on; an exported thing has a
 * record that says where its entry is. Both happen in the transaction that needs them, with a flag
 * in the entry, so that nobody else ever pays.
 */
#include "dfs/private.h"

/* Directories above a thing that is opened by its id. */
#define DEPTH_MAX 2048u

struct link_call {
	dfs_t *dfs;
	dfs_obj_t *object;
	dfs_obj_t *parent;
	const char *name;
	daos_obj_id_t oid;
	int flags;
	dfs_obj_t **ret_object;
	struct place *place, *directory;
};

/* ------------------------------------------------ link */

/* What is left of an entry whose attributes are in the record: enough to open it. */
static int
make_reference(struct entry_name entry, const struct inode *inode, const char *target,
	       bool was_alone)
{
	int rc = 0;

	/* Extended attributes go; where there are none, the flag is all that changes. */
	if (was_alone)
		return entry_update(entry, inode, FIELD_FLAGS);
	rc = entry_remove(entry);
	return rc ? rc : entry_put(entry, inode, target);
}

/* The second name: all that the entry has becomes the record. */
static int
make_record(struct dfs *dfs, daos_handle_t transaction, struct entry_name entry,
	    const struct inode *inode, const char *target)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct entry_values *values = NULL;
	int rc = entry_read(entry, &values);

	if (rc == 0)
		rc = home_of_record(dfs, transaction, inode->oid, &home);
	if (rc == 0)
		rc = entry_write(home.name, values);
	if (rc == 0)
		rc = entry_put(home.name, inode, NULL);
	if (rc == 0)
		rc = record_put_links(dfs, transaction, inode->oid, 2);
	if (rc == 0)
		rc = make_reference(entry, inode, target,
				    entry_values_count(values) == (target ? 2 : 1));
	entry_values_free(values);
	return rc;
}

static int
add_link(struct dfs *dfs, daos_handle_t transaction, const struct home *home,
	 const struct inode *inode)
{
	int rc;

	if (inode->links >= DFS_LINK_MAX)
		return file_error(EMLINK);
	rc = entry_update(home->name, inode, 0);
	return rc ? rc : record_put_links(dfs, transaction, inode->oid, inode->links + 1);
}

static int
link_within(void *argument, daos_handle_t transaction)
{
	struct link_call *call = argument;
	struct entry_name to = entry_within(transaction, call->directory, call->name);
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct inode inode, present;
	bool was_linked;
	int rc = home_fetch(call->dfs, transaction, call->place, &home, &inode);

	if (rc == 0 && inode.links == 0)
		rc = -DER_NONEXIST;
	if (rc)
		return rc;
	rc = entry_fetch(to, &present);
	if (rc != -DER_NONEXIST)
		return rc ? rc : -DER_EXIST;
	was_linked = inode.flags & INODE_LINKED;
	inode_touch(&inode);
	inode.flags = INODE_LINKED;
	rc = was_linked
		     ? add_link(call->dfs, transaction, &home, &inode)
		     : make_record(call->dfs, transaction, home.name, &inode, call->object->target);
	return rc ? rc : entry_insert(to, &inode, call->object->target);
}

static int
link_run(void *arguments)
{
	struct link_call *call = arguments;
	AUTO_PLACE struct place *directory = NULL;
	AUTO_PLACE struct place *place = object_place(call->object);
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc)
		return rc;
	call->place = place;
	call->directory = directory;
	rc = transaction_run(call->dfs, link_within, call);
	if (rc == 0)
		object_note_linked(call->dfs, place->oid);
	return rc;
}

int
dfs_link(dfs_t *dfs, dfs_obj_t *obj, dfs_obj_t *parent, const char *name)
{
	struct link_call call = {.dfs = dfs, .object = obj, .parent = parent, .name = name};
	int rc = name_check(name);

	if (dfs == NULL || obj == NULL)
		return EINVAL;
	if (dfs->read_only || S_ISDIR(obj->mode))
		return EPERM;
	return rc ? file_errno(rc) : file_run(link_run, &call);
}

/* ------------------------------------------------ export */

static int
export_within(void *argument, daos_handle_t transaction)
{
	struct link_call *call = argument;
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	const struct place *place = call->place;
	struct inode inode;
	int rc = home_fetch(call->dfs, transaction, place, &home, &inode);

	if (rc == 0 && inode.links == 0)
		rc = -DER_NONEXIST;
	if (rc || inode.flags & (INODE_EXPORTED | INODE_LINKED))
		return rc;
	/* It is where it was when it was opened: of other names nobody would know. */
	inode.flags |= INODE_EXPORTED;
	inode_touch(&inode);
	rc = record_put_name(call->dfs, transaction, place->oid, place->parent->oid, place->name);
	return rc ? rc : entry_update(home.name, &inode, FIELD_FLAGS);
}

/* A thing and all directories above it, so that the whole way is found again. */
static int
export_run(void *arguments)
{
	struct link_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	int rc = 0;

	for (struct place *at = place; rc == 0 && at->parent && !atomic_load(&at->exported);
	     at = at->parent) {
		call->place = at;
		rc = transaction_run(call->dfs, export_within, call);
	}
	for (struct place *at = place; rc == 0 && at && !atomic_load(&at->exported);
	     at = at->parent)
		atomic_store(&at->exported, true);
	return rc;
}

int
dfs_export(dfs_t *dfs, dfs_obj_t *obj)
{
	struct link_call call = {.dfs = dfs, .object = obj};

	if (dfs == NULL || obj == NULL)
		return EINVAL;
	return dfs->read_only ? EPERM : file_run(export_run, &call);
}

/* ------------------------------------------------ open by id */

/* A recorded directory on the way to a thing, with those below it. */
struct chain {
	struct chain *below;
	struct record record;
	daos_obj_id_t oid;
};

static void
chain_release(struct chain **chain)
{
	while (*chain) {
		struct chain *link = *chain;

		*chain = link->below;
		client_free(link);
	}
}
#define AUTO_CHAIN __attribute__((cleanup(chain_release)))

/* The records from *oid up to the root: *oid becomes the root's id, or that of a directory without
 * a record. */
static int
chain_read(struct dfs *dfs, daos_obj_id_t *oid, struct chain **chain)
{
	for (uint32_t depth = 0; !oid_equal(*oid, dfs->root->oid); depth++) {
		struct chain *link = depth < DEPTH_MAX ? file_alloc(sizeof(*link)) : NULL;
		int rc = link ? record_fetch(dfs, DAOS_TX_NONE, *oid, &link->record) : -DER_NOMEM;

		if (rc) {
			client_free(link);
			return rc == -DER_NONEXIST ? 0 : rc;
		}
		link->oid = *oid;
		link->below = *chain;
		*chain = link;
		*oid = link->record.parent;
	}
	return 0;
}

/* Goes from *place into one of its directories. */
static int
place_enter(struct dfs *dfs, struct place **place, const char *name, size_t length,
	    daos_obj_id_t oid)
{
	struct inode inode = {.mode = S_IFDIR, .oid = oid};
	struct place *next;
	int rc = place_create(dfs, *place, name, length, &inode, &next);

	if (rc)
		return rc;
	place_put(*place);
	*place = next;
	return 0;
}

/* The way from the root to a directory, as far as it is recorded; beyond that ".." is the root. */
static int
directory_find(struct dfs *dfs, daos_obj_id_t oid, struct place **ret_place)
{
	AUTO_PLACE struct place *place = place_get(dfs->root);
	AUTO_CHAIN struct chain *chain = NULL;
	int rc = chain_read(dfs, &oid, &chain);

	if (rc == 0 && !oid_equal(oid, dfs->root->oid))
		rc = place_enter(dfs, &place, "?", 1, oid);
	for (const struct chain *at = chain; rc == 0 && at; at = at->below)
		rc = place_enter(dfs, &place, at->record.name, at->record.name_length, at->oid);
	if (rc == 0) {
		*ret_place = place;
		place = NULL;
	}
	return rc;
}

/* By its name, which a rename may just change. */
static int
find_exported(struct dfs *dfs, daos_obj_id_t oid, const struct record *record,
	      struct found *ret_found)
{
	AUTO_PLACE struct place *directory = NULL;
	struct entry_name entry;
	int rc = directory_find(dfs, record->parent, &directory);

	if (rc)
		return rc;
	entry = entry_in(directory, record->name);
	rc = entry_fetch(entry, &ret_found->inode);
	if (rc == 0 && !oid_equal(ret_found->inode.oid, oid))
		rc = -DER_NONEXIST;
	if (rc == 0 && S_ISLNK(ret_found->inode.mode))
		rc = entry_fetch_target(entry, ret_found->inode.length, &ret_found->target);
	return rc ? rc
		  : place_create(dfs, directory, record->name, record->name_length,
				 &ret_found->inode, &ret_found->place);
}

/* By its record alone: of its names there may be many. */
static int
find_linked(struct dfs *dfs, const struct record *record, struct found *ret_found)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	int rc = home_of_record(dfs, DAOS_TX_NONE, record->inode.oid, &home);

	if (rc == 0 && S_ISLNK(record->inode.mode))
		rc = entry_fetch_target(home.name, record->inode.length, &ret_found->target);
	ret_found->inode = record->inode;
	return rc ? rc : place_create(dfs, dfs->root, "?", 1, &ret_found->inode, &ret_found->place);
}

static int
find_by_record(struct dfs *dfs, daos_obj_id_t oid, struct found *ret_found)
{
	struct record record;
	int rc = record_fetch(dfs, DAOS_TX_NONE, oid, &record);

	if (rc)
		return rc;
	return record.linked ? find_linked(dfs, &record, ret_found)
			     : find_exported(dfs, oid, &record, ret_found);
}

/* How often a rename may come between the record and the entry. */
#define FIND_TRIES 16u

static int
open_id_run(void *arguments)
{
	struct link_call *call = arguments;
	struct dfs *dfs = call->dfs;
	AUTO_FOUND struct found found = {.removals = atomic_load(&dfs->removals)};
	int rc = -DER_NONEXIST;

	if (oid_equal(call->oid, dfs->root->oid)) {
		found.place = place_get(dfs->root);
		found.inode = (struct inode){.mode = dfs->root_object->mode,
					     .oid = call->oid,
					     .chunk_size = dfs->root_object->chunk_size,
					     .class = dfs->root_object->class};
		rc = 0;
	} else if (object_find_open(dfs, call->oid, &found.inode, &found.place)) {
		rc = 0;
	}
	for (uint32_t i = 0; rc == -DER_NONEXIST && i < FIND_TRIES; i++) {
		struct record record;

		rc = find_by_record(dfs, call->oid, &found);
		if (rc == -DER_NONEXIST &&
		    record_fetch(dfs, DAOS_TX_NONE, call->oid, &record) == -DER_NONEXIST)
			break;
	}
	if (rc == 0)
		rc = found_open(dfs, &found, call->flags, call->ret_object);
	return rc == -DER_NONEXIST ? file_error(ESTALE) : rc;
}

int
dfs_open_id(dfs_t *dfs, daos_obj_id_t oid, int flags, dfs_obj_t **obj)
{
	struct link_call call = {.dfs = dfs, .oid = oid, .flags = flags, .ret_object = obj};

	if (dfs == NULL || obj == NULL)
		return EINVAL;
	if (dfs->read_only && (flags & O_ACCMODE) != O_RDONLY)
		return EPERM;
	return file_run(open_id_run, &call);
}
