/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Listings: in the order of names, resumable after any of them. */
#include "dfs/private.h"

/* Entries of one page with attributes. */
#define PLUS_MAX 1024u
/* Names fetched at once for dfs_iterate(). */
#define ITERATE_PAGE 64u

struct readdir_call {
	dfs_t *dfs;
	dfs_obj_t *directory;
	daos_anchor_t *anchor;
	uint32_t limit;
	uint32_t count;
	struct dirent *entries;
	struct stat *stats; /* NULL: names alone */
	struct inode *inodes;
};

static int
add_entry(void *argument, const void *key, size_t key_length, const void *value,
	  size_t value_length)
{
	struct readdir_call *call = argument;
	struct dirent *entry = &call->entries[call->count];
	struct inode inode;
	int rc;

	if (key_length > DFS_MAX_NAME)
		return error_raise(-DER_IO, "a name of %zu bytes", key_length);
	rc = inode_decode(value, value_length, &inode);
	if (rc)
		return rc;
	memset(entry, 0, offsetof(struct dirent, d_name));
	memcpy(entry->d_name, key, key_length);
	entry->d_name[key_length] = '\0';
	entry->d_ino = hash_combine(inode.oid.lo, inode.oid.hi);
	entry->d_type = IFTODT(inode.mode);
	entry->d_reclen = sizeof(*entry);
	if (call->inodes)
		call->inodes[call->count] = inode;
	call->count++;
	return 0;
}

static int
list_page(struct readdir_call *call)
{
	char after[DFS_MAX_NAME + 1];
	bool end;
	int rc = directory_anchor_load(call->directory, call->anchor, after);

	if (rc == 0)
		rc = client_list_ordered(call->directory->place->handle, after, strlen(after),
					 "DFS_INODE", call->limit, add_entry, call, &end);
	if (rc)
		return rc;
	if (end)
		call->anchor->da_type = DAOS_ANCHOR_TYPE_EOF;
	else if (call->count > 0)
		rc = directory_anchor_store(call->directory, call->entries[call->count - 1].d_name,
					    call->anchor);
	return rc;
}

/* Size and times of one entry of the page. */
static int
stat_listed(void *argument, uint32_t index)
{
	struct readdir_call *call = argument;
	struct inode *inode = &call->inodes[index];
	int rc = inode_resolve(call->dfs, DAOS_TX_NONE, inode);

	/* Its last name went after the page was read: the attributes are those of the reference. */
	if (rc && rc != -DER_NONEXIST)
		return rc;
	return entry_stat(call->dfs, inode, DAOS_HDL_INVAL, &call->stats[index]);
}

static int
readdir_run(void *arguments)
{
	struct readdir_call *call = arguments;
	daos_anchor_t before = *call->anchor;
	AUTO_MEMORY struct inode *inodes = NULL;
	int rc;

	if (call->stats) {
		call->limit = min_of(call->limit, PLUS_MAX);
		inodes = client_alloc(call->limit * sizeof(*inodes));
		if (inodes == NULL)
			return -DER_NOMEM;
		call->inodes = inodes;
	}
	rc = list_page(call);
	if (rc == 0 && call->stats)
		rc = client_gather(call->count, stat_listed, call);
	if (rc)
		*call->anchor = before;
	return rc;
}

static int
readdir_page(struct readdir_call *call, uint32_t *nr)
{
	int rc = 0;

	call->limit = *nr;
	if (call->limit > 0 && call->anchor->da_type != DAOS_ANCHOR_TYPE_EOF)
		rc = file_run(readdir_run, call);
	if (rc == 0)
		*nr = call->count;
	return rc;
}

static int
readdir_check(dfs_t *dfs, dfs_obj_t *obj, daos_anchor_t *anchor, const uint32_t *nr)
{
	if (dfs == NULL || obj == NULL || anchor == NULL || nr == NULL)
		return EINVAL;
	return S_ISDIR(obj->mode) ? 0 : ENOTDIR;
}

int
dfs_readdir(dfs_t *dfs, dfs_obj_t *obj, daos_anchor_t *anchor, uint32_t *nr, struct dirent *dirs)
{
	struct readdir_call call = {
		.dfs = dfs, .directory = obj, .anchor = anchor, .entries = dirs};
	int rc = readdir_check(dfs, obj, anchor, nr);

	if (rc)
		return rc;
	return dirs ? readdir_page(&call, nr) : EINVAL;
}

int
dfs_readdirplus(dfs_t *dfs, dfs_obj_t *obj, daos_anchor_t *anchor, uint32_t *nr,
		struct dirent *dirs, struct stat *stbufs)
{
	struct readdir_call call = {
		.dfs = dfs, .directory = obj, .anchor = anchor, .entries = dirs, .stats = stbufs};
	int rc = readdir_check(dfs, obj, anchor, nr);

	if (rc)
		return rc;
	return dirs && stbufs ? readdir_page(&call, nr) : EINVAL;
}

/* ------------------------------------------------ iterate */

struct iterate {
	dfs_t *dfs;
	dfs_obj_t *directory;
	daos_anchor_t *anchor;
	uint32_t left;	/* entries */
	size_t space;	/* bytes of names */
	uint32_t count; /* given to the callback */
	dfs_filler_cb_t function;
	void *argument;
};

/* Calls back for the entries of a page; the anchor follows the last one taken. */
static int
iterate_page(struct iterate *iterate, const struct dirent *entries, uint32_t count, bool *ret_full)
{
	for (uint32_t i = 0; i < count; i++) {
		const char *name = entries[i].d_name;
		size_t size = strlen(name) + 1;
		int rc;

		*ret_full = size > iterate->space;
		if (*ret_full)
			return 0;
		rc = file_errno(directory_anchor_store(iterate->directory, name, iterate->anchor));
		if (rc == 0)
			rc = iterate->function(iterate->dfs, iterate->directory, name,
					       iterate->argument);
		if (rc)
			return rc;
		iterate->space -= size;
		iterate->left--;
		iterate->count++;
	}
	return 0;
}

static int
iterate_all(struct iterate *iterate, struct dirent *entries)
{
	bool full = false;

	while (iterate->left > 0 && !full && !daos_anchor_is_eof(iterate->anchor)) {
		daos_anchor_t next = *iterate->anchor;
		uint32_t count = min_of(iterate->left, ITERATE_PAGE);
		int rc = dfs_readdir(iterate->dfs, iterate->directory, &next, &count, entries);

		if (rc == 0)
			rc = iterate_page(iterate, entries, count, &full);
		if (rc)
			return rc;
		if (!full && daos_anchor_is_eof(&next))
			*iterate->anchor = next;
	}
	return 0;
}

int
dfs_iterate(dfs_t *dfs, dfs_obj_t *obj, daos_anchor_t *anchor, uint32_t *nr, size_t size,
	    dfs_filler_cb_t op, void *arg)
{
	struct iterate iterate = {
		.dfs = dfs,
		.directory = obj,
		.anchor = anchor,
		.space = size,
		.function = op,
		.argument = arg,
	};
	struct dirent *entries;
	int rc = readdir_check(dfs, obj, anchor, nr);

	if (rc || op == NULL || size == 0)
		return rc ? rc : EINVAL;
	entries = client_alloc(ITERATE_PAGE * sizeof(*entries));
	if (entries == NULL)
		return ENOMEM;
	iterate.left = *nr;
	rc = iterate_all(&iterate, entries);
	client_free(entries);
	*nr = iterate.count;
	return rc;
}

/* ------------------------------------------------ anchors */

int
dfs_dir_anchor_set(dfs_obj_t *obj, const char name[], daos_anchor_t *anchor)
{
	int rc = name_check(name);

	if (obj == NULL || anchor == NULL)
		return EINVAL;
	if (!S_ISDIR(obj->mode))
		return ENOTDIR;
	return file_errno(rc ? rc : directory_anchor_store(obj, name, anchor));
}

/* A listing merges the groups of a directory in order: there is one part. */
int
dfs_obj_anchor_split(dfs_obj_t *obj, uint32_t *nr, daos_anchor_t *anchors)
{
	if (obj == NULL || nr == NULL || !S_ISDIR(obj->mode))
		return EINVAL;
	if (anchors && *nr > 0)
		anchors[0] = (daos_anchor_t)DAOS_ANCHOR_INIT;
	*nr = 1;
	return 0;
}

int
dfs_obj_anchor_set(dfs_obj_t *obj, uint32_t index, daos_anchor_t *anchor)
{
	if (obj == NULL || anchor == NULL || index > 0 || !S_ISDIR(obj->mode))
		return EINVAL;
	*anchor = (daos_anchor_t)DAOS_ANCHOR_INIT;
	return 0;
}
