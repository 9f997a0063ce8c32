/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Walks over a whole tree, and the figures that dfs_cont_scan() prints of one. */
#include <inttypes.h>
#include <stdio.h>

#include "dfs/private.h"

/* Entries that a visitor gets at once. */
#define PAGE_ENTRIES 256u
/* No path leads deeper: what is deeper leads in a circle. */
#define DEPTH_MAX (DFS_MAX_PATH / 2)

/* ------------------------------------------------ walks */

/* A directory that is still to be read. */
struct pending {
	struct list link;
	daos_obj_id_t oid;
	uint32_t depth; /* of its entries */
};

struct walk {
	struct dfs *dfs;
	const struct tree_visitor *visitor;
	struct list pending;
	char after[DFS_MAX_NAME + 1];
	size_t after_length;
	uint32_t count;
	struct inode inodes[PAGE_ENTRIES];
};

static int
pending_add(struct walk *walk, daos_obj_id_t oid, uint32_t depth)
{
	struct pending *pending = file_alloc(sizeof(*pending));

	if (pending == NULL)
		return -DER_NOMEM;
	pending->oid = oid;
	pending->depth = depth;
	list_prepend(&walk->pending, &pending->link);
	return 0;
}

static int
take_entry(void *argument, const void *key, size_t key_length, const void *value,
	   size_t value_length)
{
	struct walk *walk = argument;
	int rc;

	if (key_length > DFS_MAX_NAME)
		return error_raise(-DER_IO, "a name of %zu bytes", key_length);
	rc = inode_decode(value, value_length, &walk->inodes[walk->count]);
	if (rc)
		return rc;
	memcpy(walk->after, key, key_length);
	walk->after_length = key_length;
	walk->count++;
	return 0;
}

/* Gives a page to the visitor, and notes its directories. */
static int
visit_page(struct walk *walk, uint32_t depth)
{
	const struct tree_visitor *visitor = walk->visitor;
	int rc = 0;

	if (visitor->page && walk->count > 0)
		rc = visitor->page(visitor->argument, walk->inodes, walk->count, depth);
	for (uint32_t i = 0; i < walk->count && rc == 0; i++)
		if (S_ISDIR(walk->inodes[i].mode))
			rc = pending_add(walk, walk->inodes[i].oid, depth + 1);
	return rc;
}

static int
read_pages(struct walk *walk, daos_handle_t handle, uint32_t depth)
{
	const struct tree_visitor *visitor = walk->visitor;
	uint64_t entries = 0;
	bool end = false;
	int rc = 0;

	walk->after_length = 0;
	while (rc == 0 && !end) {
		walk->count = 0;
		rc = client_list_ordered(handle, walk->after, walk->after_length, "DFS_INODE",
					 PAGE_ENTRIES, take_entry, walk, &end);
		if (rc == 0)
			rc = visit_page(walk, depth);
		entries += walk->count;
	}
	if (rc == 0 && visitor->directory)
		rc = visitor->directory(visitor->argument, entries);
	return rc;
}

static int
read_directory(struct walk *walk, const struct pending *pending)
{
	daos_handle_t handle;
	int rc;

	if (pending->depth > DEPTH_MAX)
		return error_raise(-DER_IO, "directory %" PRIu64 ".%" PRIu64 " is in itself",
				   pending->oid.hi, pending->oid.lo);
	rc = daos_obj_open(walk->dfs->container, pending->oid, DAOS_OO_RO, &handle, NULL);
	if (rc)
		return rc;
	rc = read_pages(walk, handle, pending->depth);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

int
tree_walk(struct dfs *dfs, daos_obj_id_t root, const struct tree_visitor *visitor)
{
	AUTO_MEMORY struct walk *walk = file_alloc(sizeof(*walk));
	struct list *link;
	int rc;

	if (walk == NULL)
		return -DER_NOMEM;
	walk->dfs = dfs;
	walk->visitor = visitor;
	list_init(&walk->pending);
	rc = pending_add(walk, root, 1);
	while ((link = list_pop(&walk->pending)) != NULL) {
		struct pending *pending = list_entry(link, struct pending, link);

		if (rc == 0)
			rc = read_directory(walk, pending);
		client_free(pending);
	}
	return rc;
}

/* ------------------------------------------------ figures */

/* What is counted; a file of several names counts for each of them. */
struct figures {
	struct dfs *dfs;
	const struct inode *inodes; /* of the page at hand */
	uint64_t sizes[PAGE_ENTRIES];
	uint64_t files, symlinks, directories;
	uint64_t bytes, largest_file, largest_directory;
	uint32_t depth;
};

static int
measure_entry(void *argument, uint32_t index)
{
	struct figures *figures = argument;
	struct inode inode = figures->inodes[index];
	uint64_t epoch;
	int rc;

	figures->sizes[index] = 0;
	if (!S_ISREG(inode.mode))
		return 0;
	rc = inode_resolve(figures->dfs, DAOS_TX_NONE, &inode);
	/* It went meanwhile. */
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	return object_measure(figures->dfs, &inode, DAOS_HDL_INVAL, &figures->sizes[index], &epoch);
}

static int
count_page(void *argument, const struct inode *inodes, uint32_t count, uint32_t depth)
{
	struct figures *figures = argument;
	int rc;

	figures->inodes = inodes;
	figures->depth = max_of(figures->depth, depth);
	rc = client_gather(count, measure_entry, figures);
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		figures->symlinks += S_ISLNK(inodes[i].mode);
		figures->directories += S_ISDIR(inodes[i].mode);
		if (!S_ISREG(inodes[i].mode))
			continue;
		figures->files++;
		figures->bytes += figures->sizes[i];
		figures->largest_file = max_of(figures->largest_file, figures->sizes[i]);
	}
	return rc;
}

static int
count_directory(void *argument, uint64_t entries)
{
	struct figures *figures = argument;

	figures->largest_directory = max_of(figures->largest_directory, entries);
	return 0;
}

static void
print_figures(const struct figures *figures, uint64_t nanoseconds)
{
	uint64_t objects = figures->files + figures->symlinks + figures->directories;

	printf("DFS scan: Done! (runtime: %.2f sec)\n", (double)nanoseconds / 1e9);
	printf("DFS scan: %" PRIu64 " scanned objects\n", objects);
	printf("DFS scan: %" PRIu64 " files\n", figures->files);
	printf("DFS scan: %" PRIu64 " symlinks\n", figures->symlinks);
	printf("DFS scan: %" PRIu64 " directories\n", figures->directories);
	printf("DFS scan: %u max tree depth\n", figures->depth);
	printf("DFS scan: %" PRIu64 " bytes of total data\n", figures->bytes);
	printf("DFS scan: %" PRIu64 " bytes per file on average\n",
	       figures->files ? figures->bytes / figures->files : 0);
	printf("DFS scan: %" PRIu64 " bytes is largest file size\n", figures->largest_file);
	printf("DFS scan: %" PRIu64 " entries in the largest directory\n",
	       figures->largest_directory);
	fflush(stdout);
}

/* ------------------------------------------------ public */

struct scan_call {
	daos_handle_t pool;
	const char *container;
	const char *path; /* NULL: the root */
};

static int
scan_tree(struct dfs *dfs, const char *path)
{
	AUTO_MEMORY struct figures *figures = file_alloc(sizeof(*figures));
	AUTO_FOUND struct found found = {.place = NULL};
	struct tree_visitor visitor = {count_page, count_directory, figures};
	uint64_t begin = client_realtime();
	int rc;

	if (figures == NULL)
		return -DER_NOMEM;
	figures->dfs = dfs;
	rc = path_find(dfs, dfs->root, path ? path : "/", 0, &found);
	if (rc == 0 && !S_ISDIR(found.inode.mode))
		rc = -DER_NOTDIR;
	if (rc == 0)
		rc = tree_walk(dfs, found.inode.oid, &visitor);
	if (rc == 0)
		print_figures(figures, client_realtime() - begin);
	return rc;
}

static int
scan_run(void *arguments)
{
	const struct scan_call *call = arguments;
	daos_handle_t container;
	struct dfs *dfs;
	int rc = daos_cont_open(call->pool, call->container, DAOS_COO_RO, &container, NULL, NULL);

	if (rc)
		return rc;
	rc = mount_open(call->pool, container, O_RDONLY, &dfs);
	if (rc == 0) {
		rc = scan_tree(dfs, call->path);
		mount_destroy(dfs);
	}
	(void)daos_cont_close(container, NULL);
	return rc;
}

int
dfs_cont_scan(daos_handle_t poh, const char *cont, uint64_t flags, const char *name)
{
	struct scan_call call = {poh, cont, name};

	if (cont == NULL || flags != 0)
		return EINVAL;
	return file_run(scan_run, &call);
}
