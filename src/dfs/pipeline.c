/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Listings of what a predicate selects. It is evaluated here, on pages of names with attributes. */
#include "dfs/private.h"

#define FILTER_KNOWN (DFS_FILTER_NAME | DFS_FILTER_NEWER | DFS_FILTER_INCLUDE_DIRS)
/* Entries looked at in one listing. */
#define PAGE_ENTRIES 256u

struct dfs_pipeline {
	uint64_t flags;
	time_t newer;
	char pattern[DFS_MAX_NAME + 1];
};

int
dfs_pipeline_create(dfs_t *dfs, dfs_predicate_t pred, uint64_t flags, dfs_pipeline_t **dpipe)
{
	struct dfs_pipeline *pipeline;
	size_t length = strnlen(pred.dp_name, sizeof(pred.dp_name));

	if (dfs == NULL || dpipe == NULL || flags & ~(uint64_t)FILTER_KNOWN ||
	    !(flags & (DFS_FILTER_NAME | DFS_FILTER_NEWER)) || length == sizeof(pred.dp_name))
		return EINVAL;
	pipeline = file_alloc(sizeof(*pipeline));
	if (pipeline == NULL)
		return ENOMEM;
	pipeline->flags = flags;
	pipeline->newer = pred.dp_newer;
	memcpy(pipeline->pattern, pred.dp_name, length);
	*dpipe = pipeline;
	return 0;
}

int
dfs_pipeline_destroy(dfs_pipeline_t *dpipe)
{
	if (dpipe == NULL)
		return EINVAL;
	client_free(dpipe);
	return 0;
}

/* ------------------------------------------------ patterns */

bool
name_is_like(const char *name, const char *pattern)
{
	const char *again_name = NULL, *again_pattern = NULL;

	while (*name || *pattern) {
		bool quoted = *pattern == '\\' && pattern[1];

		if (*pattern == '%' && !quoted) {
			/* It stands for nothing, and for one byte more each time we come back. */
			again_pattern = ++pattern;
			again_name = name;
		} else if (*name && ((*pattern == '_' && !quoted) || pattern[quoted] == *name)) {
			pattern += 1 + quoted;
			name++;
		} else if (again_name && *again_name) {
			name = ++again_name;
			pattern = again_pattern;
		} else {
			return false;
		}
	}
	return true;
}

/* ------------------------------------------------ listing */

struct filter_call {
	dfs_t *dfs;
	dfs_obj_t *directory;
	const struct dfs_pipeline *pipeline;
	daos_anchor_t *anchor;
	uint32_t limit, count; /* of what is selected */
	uint64_t scanned;
	struct dirent *entries;
	daos_obj_id_t *oids;	  /* may be NULL */
	daos_size_t *chunk_sizes; /* may be NULL */
};

/* A page of the directory. */
struct page {
	const struct filter_call *call;
	uint32_t limit, count;
	struct {
		struct inode inode;
		bool selected;
		char name[DFS_MAX_NAME + 1];
	} entries[PAGE_ENTRIES];
};

static int
take_entry(void *argument, const void *key, size_t key_length, const void *value,
	   size_t value_length)
{
	struct page *page = argument;
	int rc;

	if (key_length > DFS_MAX_NAME)
		return error_raise(-DER_IO, "a name of %zu bytes", key_length);
	rc = inode_decode(value, value_length, &page->entries[page->count].inode);
	if (rc)
		return rc;
	memcpy(page->entries[page->count].name, key, key_length);
	page->entries[page->count].name[key_length] = '\0';
	page->count++;
	return 0;
}

/* A request is sent only for the time of what the name has not ruled out. */
static int
judge(void *argument, uint32_t index)
{
	struct page *page = argument;
	const struct dfs_pipeline *pipeline = page->call->pipeline;
	struct inode *inode = &page->entries[index].inode;
	bool *selected = &page->entries[index].selected;
	struct stat stat;
	int rc;

	*selected = S_ISDIR(inode->mode) && pipeline->flags & DFS_FILTER_INCLUDE_DIRS;
	if (*selected)
		return 0;
	if (pipeline->flags & DFS_FILTER_NAME &&
	    !name_is_like(page->entries[index].name, pipeline->pattern))
		return 0;
	*selected = true;
	if (!(pipeline->flags & DFS_FILTER_NEWER))
		return 0;
	rc = inode_resolve(page->call->dfs, DAOS_TX_NONE, inode);
	if (rc == 0)
		rc = entry_stat(page->call->dfs, inode, DAOS_HDL_INVAL, &stat);
	/* It went meanwhile. */
	if (rc == -DER_NONEXIST)
		*selected = false;
	else if (rc == 0)
		*selected = stat.st_mtim.tv_sec > pipeline->newer;
	return rc == -DER_NONEXIST ? 0 : rc;
}

static void
give(struct filter_call *call, const struct inode *inode, const char *name)
{
	struct dirent *entry = &call->entries[call->count];

	memset(entry, 0, offsetof(struct dirent, d_name));
	memcpy(entry->d_name, name, strlen(name) + 1);
	entry->d_ino = hash_combine(inode->oid.lo, inode->oid.hi);
	entry->d_type = IFTODT(inode->mode);
	entry->d_reclen = sizeof(*entry);
	if (call->oids)
		call->oids[call->count] = inode->oid;
	if (call->chunk_sizes)
		call->chunk_sizes[call->count] = S_ISREG(inode->mode) ? inode->chunk_size : 0;
	call->count++;
}

/* One page: as many entries as there is room for, if all of them are selected. */
static int
filter_page(struct filter_call *call, struct page *page)
{
	char after[DFS_MAX_NAME + 1];
	bool end;
	int rc = directory_anchor_load(call->directory, call->anchor, after);

	page->call = call;
	page->count = 0;
	page->limit = min_of(call->limit - call->count, PAGE_ENTRIES);
	if (rc == 0)
		rc = client_list_ordered(call->directory->place->handle, after, strlen(after),
					 "DFS_INODE", page->limit, take_entry, page, &end);
	if (rc == 0)
		rc = client_gather(page->count, judge, page);
	if (rc)
		return rc;
	call->scanned += page->count;
	for (uint32_t i = 0; i < page->count; i++)
		if (page->entries[i].selected)
			give(call, &page->entries[i].inode, page->entries[i].name);
	if (end)
		call->anchor->da_type = DAOS_ANCHOR_TYPE_EOF;
	else if (page->count > 0)
		rc = directory_anchor_store(call->directory, page->entries[page->count - 1].name,
					    call->anchor);
	return rc;
}

static int
filter_run(void *arguments)
{
	struct filter_call *call = arguments;
	AUTO_MEMORY struct page *page = client_alloc(sizeof(*page));
	daos_anchor_t before = *call->anchor;
	int rc = page ? 0 : -DER_NOMEM;

	while (rc == 0 && call->count < call->limit &&
	       call->anchor->da_type != DAOS_ANCHOR_TYPE_EOF)
		rc = filter_page(call, page);
	if (rc)
		*call->anchor = before;
	return rc;
}

int
dfs_readdir_with_filter(dfs_t *dfs, dfs_obj_t *obj, dfs_pipeline_t *dpipe, daos_anchor_t *anchor,
			uint32_t *nr, struct dirent *dirs, daos_obj_id_t *oids, daos_size_t *csizes,
			uint64_t *nr_scanned)
{
	struct filter_call call = {
		.dfs = dfs,
		.directory = obj,
		.pipeline = dpipe,
		.anchor = anchor,
		.entries = dirs,
		.oids = oids,
		.chunk_sizes = csizes,
	};
	int rc;

	if (dfs == NULL || obj == NULL || dpipe == NULL || anchor == NULL || nr == NULL ||
	    dirs == NULL)
		return EINVAL;
	if (!S_ISDIR(obj->mode))
		return ENOTDIR;
	call.limit = *nr;
	rc = file_run(filter_run, &call);
	if (rc)
		return rc;
	*nr = call.count;
	if (nr_scanned)
		*nr_scanned = call.scanned;
	return 0;
}
