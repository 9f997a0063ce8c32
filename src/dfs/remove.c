/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Removes names, and with force whole trees. */
#include "dfs/private.h"

/* Names of one directory that are removed before it is listed again. */
#define PAGE_NAMES 64u

struct page {
	uint32_t count;
	struct page_entry {
		size_t length;
		struct inode inode;
		char name[DFS_MAX_NAME + 1];
	} entries[PAGE_NAMES];
};

/* A directory that is being emptied. */
struct emptying {
	struct emptying *above;
	struct place *place;
	struct inode inode;
};

static int
page_add(void *argument, const void *key, size_t key_length, const void *value, size_t value_length)
{
	struct page *page = argument;
	struct page_entry *entry = &page->entries[page->count];
	int rc;

	if (key_length > DFS_MAX_NAME)
		return error_raise(-DER_IO, "a name of %zu bytes", key_length);
	rc = inode_decode(value, value_length, &entry->inode);
	if (rc)
		return rc;
	memcpy(entry->name, key, key_length);
	entry->name[key_length] = '\0';
	entry->length = key_length;
	page->count++;
	return 0;
}

/* A name that is being taken. */
struct removal {
	struct dfs *dfs;
	struct place *directory; /* in which it is */
	const char *name;
	const daos_obj_id_t *only; /* NULL: whatever has the name */
	struct farewell farewell;
};

/* A directory goes when it is empty: whoever creates something in it at this moment is met as a
 * conflict, or comes later. */
static int
check_removable(const struct removal *removal, daos_handle_t transaction, const struct inode *inode)
{
	daos_handle_t handle;
	int rc;

	if (!S_ISDIR(inode->mode))
		return 0;
	rc = daos_obj_open(removal->dfs->container, inode->oid, DAOS_OO_RO, &handle, NULL);
	if (rc)
		return rc;
	rc = directory_check_empty_in(transaction, handle);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

static int
remove_within(void *argument, daos_handle_t transaction)
{
	struct removal *removal = argument;
	struct entry_name entry = entry_within(transaction, removal->directory, removal->name);
	struct inode inode;
	int rc = entry_fetch(entry, &inode);

	if (rc == 0 && removal->only && !oid_equal(inode.oid, *removal->only))
		rc = -DER_NONEXIST;
	if (rc == 0)
		rc = check_removable(removal, transaction, &inode);
	if (rc == 0)
		rc = farewell_prepare(&removal->farewell, transaction, entry, &inode);
	return rc ? rc : entry_remove(entry);
}

/* First the name, then the data: a crash between leaves an object without a name, never a name
 * without an object. */
static int
remove_entry(struct dfs *dfs, struct place *directory, const char *name, const daos_obj_id_t *only,
	     daos_obj_id_t *ret_oid)
{
	struct removal removal = {.dfs = dfs, .directory = directory, .name = name, .only = only};
	int rc;

	removal.farewell.dfs = dfs;
	rc = transaction_run(dfs, remove_within, &removal);
	/* What is full must let itself be emptied: the data stays open, its attributes do not. */
	if (rc == -DER_NOSPACE && removal.farewell.held) {
		removal.farewell.bare = true;
		rc = transaction_run(dfs, remove_within, &removal);
	}
	if (rc)
		farewell_cancel(&removal.farewell);
	else
		*ret_oid = removal.farewell.inode.oid;
	return rc ? rc : farewell_end(&removal.farewell);
}

static int
push(struct dfs *dfs, struct place *parent, const struct page_entry *entry, struct emptying **top)
{
	struct emptying *next = file_alloc(sizeof(*next));
	int rc;

	if (next == NULL)
		return -DER_NOMEM;
	next->inode = entry->inode;
	rc = place_create(dfs, parent, entry->name, entry->length, &entry->inode, &next->place);
	if (rc) {
		client_free(next);
		return rc;
	}
	next->above = *top;
	*top = next;
	return 0;
}

static void
pop(struct emptying **top)
{
	struct emptying *done = *top;

	*top = done->above;
	place_put(done->place);
	client_free(done);
}

struct page_removal {
	struct dfs *dfs;
	struct place *place;
	struct page *page;
};

/* Directories wait until they are empty. Somebody else may have removed the name meanwhile. */
static int
remove_listed(void *argument, uint32_t index)
{
	struct page_removal *removal = argument;
	const struct page_entry *entry = &removal->page->entries[index];
	daos_obj_id_t oid;
	int rc = 0;

	if (!S_ISDIR(entry->inode.mode))
		rc = remove_entry(removal->dfs, removal->place, entry->name, &entry->inode.oid,
				  &oid);
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* Removes a page of names, but for directories, which go on top. */
static int
empty_step(struct dfs *dfs, struct page *page, struct emptying **top)
{
	struct place *place = (*top)->place;
	struct page_removal removal = {dfs, place, page};
	bool end;
	int rc;

	page->count = 0;
	rc = client_list_ordered(place->handle, NULL, 0, "DFS_INODE", PAGE_NAMES, page_add, page,
				 &end);
	if (rc == 0)
		rc = client_gather(page->count, remove_listed, &removal);
	for (uint32_t i = 0; rc == 0 && i < page->count; i++) {
		if (S_ISDIR(page->entries[i].inode.mode))
			rc = push(dfs, place, &page->entries[i], top);
	}
	return rc;
}

/* Removes a directory with all that is in it, without recursion: trees are deeper than stacks. */
static int
remove_tree(struct dfs *dfs, struct place *place, const struct inode *inode)
{
	AUTO_MEMORY struct page *page = client_alloc(sizeof(*page));
	struct emptying root = {.place = place, .inode = *inode};
	struct emptying *top = &root;
	daos_obj_id_t oid;
	int rc = page ? 0 : -DER_NOMEM;

	while (rc == 0 && top) {
		struct emptying *before = top;

		rc = empty_step(dfs, page, &top);
		if (rc || top != before || page->count > 0)
			continue;
		rc = remove_entry(dfs, top->place->parent, top->place->name, &top->inode.oid, &oid);
		/* Somebody put something into it meanwhile. */
		if (rc == file_error(ENOTEMPTY)) {
			rc = 0;
			continue;
		}
		if (rc == -DER_NONEXIST)
			rc = 0;
		if (top == &root)
			break;
		pop(&top);
	}
	while (top != &root)
		pop(&top);
	return rc;
}

struct remove_call {
	dfs_t *dfs;
	dfs_obj_t *parent;
	const char *name;
	bool force;
	daos_obj_id_t *ret_oid;
};

/* A tree goes from its leaves on; all else by its name. */
static int
remove_forced(const struct remove_call *call, struct place *directory, daos_obj_id_t *ret_oid)
{
	AUTO_PLACE struct place *place = NULL;
	struct inode inode;
	int rc = entry_fetch(entry_in(directory, call->name), &inode);

	if (rc)
		return rc;
	if (!S_ISDIR(inode.mode))
		return remove_entry(call->dfs, directory, call->name, NULL, ret_oid);
	*ret_oid = inode.oid;
	rc = place_create(call->dfs, directory, call->name, strlen(call->name), &inode, &place);
	return rc ? rc : remove_tree(call->dfs, place, &inode);
}

static int
remove_run(void *arguments)
{
	struct remove_call *call = arguments;
	AUTO_PLACE struct place *directory = NULL;
	daos_obj_id_t oid;
	int rc = object_directory(call->dfs, call->parent, &directory);

	if (rc)
		return rc;
	orphans_renew(call->dfs);
	rc = call->force ? remove_forced(call, directory, &oid)
			 : remove_entry(call->dfs, directory, call->name, NULL, &oid);
	if (rc == 0 && call->ret_oid)
		*call->ret_oid = oid;
	return rc;
}

int
dfs_remove(dfs_t *dfs, dfs_obj_t *parent, const char *name, bool force, daos_obj_id_t *oid)
{
	struct remove_call call = {dfs, parent, name, force, oid};
	int rc = name_check(name);

	if (dfs == NULL)
		return EINVAL;
	if (dfs->read_only)
		return EPERM;
	return rc ? file_errno(rc) : file_run(remove_run, &call);
}
