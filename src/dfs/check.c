/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The checker. All objects of a container at a snapshot, of which there is a table, are held
 * against those that the name space leads to at the same snapshot: what it leads to is marked in
 * the table, and what has no mark in the end has lost its name.
 *
 * The container is open to nobody else meanwhile. A check that is cut off leaves a snapshot without
 * a name behind, and objects that it put into lost+found stay there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "dfs/private.h"

#define LOST_FOUND "lost+found"
/* Ids listed at once. */
#define PAGE_IDS 256u
/* Keys of a page of orphans. */
#define PAGE_ORPHANS 64u

#define CHECK_KNOWN                                                                 \
	(DFS_CHECK_PRINT | DFS_CHECK_REMOVE | DFS_CHECK_RELINK | DFS_CHECK_VERIFY | \
	 DFS_CHECK_EVICT_ALL)

struct check {
	daos_handle_t pool, container, table;
	daos_epoch_t epoch;
	struct dfs *dfs;  /* what is mended */
	struct dfs *view; /* what is looked at: the same at the snapshot */
	uint64_t flags;
	const char *name;	    /* of the directory in lost+found; NULL: the time */
	struct dfs_obj *shelf;	    /* that directory */
	const struct inode *inodes; /* of the page at hand */
	uint64_t marked, leaked, damaged;
};

/* ------------------------------------------------ marks */

/* A file that was never written has no object, a symlink never has one. */
static int
mark(struct check *check, daos_obj_id_t oid)
{
	uint8_t byte = 1;
	d_iov_t marker = {&byte, sizeof(byte), sizeof(byte)};
	int rc = daos_oit_mark(check->table, oid, &marker, NULL);

	return rc == -DER_NONEXIST ? 0 : rc;
}

static int
mark_entry(void *argument, uint32_t index)
{
	struct check *check = argument;
	const struct inode *inode = &check->inodes[index];

	return S_ISLNK(inode->mode) ? 0 : mark(check, inode->oid);
}

/* Reads an object whole, so that its sums are compared. */
static int
verify(struct check *check, const struct inode *inode)
{
	int rc = S_ISLNK(inode->mode) ? 0
				      : daos_obj_verify(check->container, inode->oid, check->epoch);

	if (rc == -DER_CSUM || rc == -DER_MISMATCH) {
		printf("DFS checker: object %" PRIu64 ".%" PRIu64 " is damaged\n", inode->oid.hi,
		       inode->oid.lo);
		check->damaged++;
		rc = 0;
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

static int
mark_page(void *argument, const struct inode *inodes, uint32_t count, uint32_t depth)
{
	struct check *check = argument;
	int rc;

	(void)depth;
	check->inodes = inodes;
	check->marked += count;
	rc = client_gather(count, mark_entry, check);
	for (uint32_t i = 0; i < count && rc == 0 && check->flags & DFS_CHECK_VERIFY; i++)
		rc = verify(check, &inodes[i]);
	return rc;
}

/* Files that were removed while they were open wait here, with their ids as keys. */
static int
mark_orphans_of(struct check *check, daos_handle_t orphans)
{
	uint8_t page[PAGE_ORPHANS * ID_KEY_SIZE];
	daos_key_desc_t keys[PAGE_ORPHANS];
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	int rc = 0;

	while (rc == 0 && !daos_anchor_is_eof(&anchor)) {
		d_iov_t iov = {page, sizeof(page), 0};
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
		uint32_t count = PAGE_ORPHANS;
		size_t at = 0;

		rc = daos_obj_list_dkey(orphans, DAOS_TX_NONE, &count, keys, &sgl, &anchor, NULL);
		for (uint32_t i = 0; i < count && rc == 0; at += keys[i++].kd_key_len)
			if (keys[i].kd_key_len == ID_KEY_SIZE)
				rc = mark(check, id_key_decode(page + at));
	}
	return rc;
}

static int
mark_orphans(struct check *check)
{
	int rc = 0;

	for (uint32_t i = 0; i < ORPHAN_OBJECTS && rc == 0; i++) {
		daos_handle_t orphans;

		rc = daos_obj_open(check->view->container, orphan_object_id(check->view, i),
				   DAOS_OO_RO, &orphans, NULL);
		if (rc)
			return rc;
		rc = mark_orphans_of(check, orphans);
		(void)daos_obj_close(orphans, NULL);
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* ------------------------------------------------ what has no name */

/* Calls visit for each object without a mark. */
static int
each_leak(struct check *check, int (*visit)(struct check *check, daos_obj_id_t oid))
{
	AUTO_MEMORY daos_obj_id_t *ids = client_alloc(PAGE_IDS * sizeof(*ids));
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	int rc = ids ? 0 : -DER_NOMEM;

	while (rc == 0 && !daos_anchor_is_eof(&anchor)) {
		uint32_t count = PAGE_IDS;

		rc = daos_oit_list_unmarked(check->table, ids, &count, &anchor, NULL);
		for (uint32_t i = 0; i < count && rc == 0; i++)
			if (!id_is_reserved(ids[i]))
				rc = visit(check, ids[i]);
	}
	return rc;
}

/* What a directory without a name still holds comes back with it. */
static int
mark_below(struct check *check, daos_obj_id_t oid)
{
	struct tree_visitor visitor = {mark_page, NULL, check};

	if (daos_obj_id2type(oid) != DAOS_OT_DKEY_LEXICAL)
		return 0;
	return tree_walk(check->view, oid, &visitor);
}

static int
relink(struct check *check, daos_obj_id_t oid)
{
	AUTO_PLACE struct place *shelf = object_place(check->shelf);
	enum daos_otype_t type = daos_obj_id2type(oid);
	struct inode inode = {.oid = oid, .uid = client_user(), .gid = client_group()};
	char name[48];

	if (type != DAOS_OT_DKEY_LEXICAL && type != DAOS_OT_ARRAY_BYTE) {
		printf("DFS checker: object %" PRIu64 ".%" PRIu64 " is no file and no directory\n",
		       oid.hi, oid.lo);
		return 0;
	}
	inode.mode = type == DAOS_OT_DKEY_LEXICAL ? S_IFDIR | 0700 : S_IFREG | 0600;
	if (S_ISREG(inode.mode))
		inode.chunk_size = check->dfs->super.chunk_size;
	inode_touch(&inode);
	inode.mtime = inode.ctime;
	inode.generation = inode.change;
	snprintf(name, sizeof(name), "%" PRIu64 ".%" PRIu64, oid.hi, oid.lo);
	return entry_insert(entry_in(shelf, name), &inode, NULL);
}

static int
remove_leak(struct check *check, daos_obj_id_t oid)
{
	daos_handle_t handle;
	int rc = daos_obj_open(check->container, oid, DAOS_OO_RW, &handle, NULL);

	if (rc)
		return rc;
	rc = daos_obj_punch(handle, DAOS_TX_NONE, 0, NULL);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

static int
mend(struct check *check, daos_obj_id_t oid)
{
	check->leaked++;
	if (check->flags & DFS_CHECK_PRINT)
		printf("oid[%" PRIu64 "]: %" PRIu64 ".%" PRIu64 "\n", check->leaked, oid.hi,
		       oid.lo);
	if (check->flags & DFS_CHECK_REMOVE)
		return remove_leak(check, oid);
	return check->flags & DFS_CHECK_RELINK ? relink(check, oid) : 0;
}

/* A directory of one directory, made where it is absent; the calls of others are negative codes. */
static int
open_made(struct dfs *dfs, struct dfs_obj *parent, const char *name, struct dfs_obj **ret_object)
{
	int rc = dfs_open(dfs, parent, name, S_IFDIR | 0700, O_RDWR | O_CREAT, 0, 0, NULL,
			  ret_object);

	return rc ? file_error(rc) : 0;
}

static int
open_shelf(struct check *check)
{
	struct dfs_obj *lost;
	char now[32];
	struct tm parts;
	time_t seconds = (time_t)(client_realtime() / UINT64_C(1000000000));
	int rc = open_made(check->dfs, NULL, LOST_FOUND, &lost);

	if (rc)
		return rc;
	strftime(now, sizeof(now), "%Y-%m-%d-%H:%M:%S", gmtime_r(&seconds, &parts));
	rc = open_made(check->dfs, lost, check->name ? check->name : now, &check->shelf);
	object_destroy(lost);
	return rc;
}

/* ------------------------------------------------ the check */

static int
mend_all(struct check *check)
{
	int rc = 0;

	if (check->flags & DFS_CHECK_RELINK)
		rc = each_leak(check, mark_below);
	if (rc == 0 && check->flags & DFS_CHECK_RELINK)
		rc = open_shelf(check);
	if (rc == 0)
		rc = each_leak(check, mend);
	if (check->shelf)
		object_destroy(check->shelf);
	return rc;
}

static int
check_tree(struct check *check)
{
	struct tree_visitor visitor = {mark_page, NULL, check};
	uint64_t begin = client_realtime();
	int rc;

	rc = tree_walk(check->view, check->view->root->oid, &visitor);
	if (rc == 0)
		rc = mark_orphans(check);
	if (rc)
		return rc;
	printf("DFS checker: marked %" PRIu64 " files/directories (runtime: %.2f sec)\n",
	       check->marked, (double)(client_realtime() - begin) / 1e9);
	rc = mend_all(check);
	if (rc)
		return rc;
	printf("DFS checker: Number of leaked OIDs in namespace = %" PRIu64 "\n", check->leaked);
	if (check->damaged > 0)
		printf("DFS checker: Number of damaged objects = %" PRIu64 "\n", check->damaged);
	fflush(stdout);
	return check->damaged > 0 ? -DER_CSUM : 0;
}

/* With the table of what there is. */
static int
check_snapshot(struct check *check)
{
	int rc = mount_open(check->pool, check->container, O_RDWR, &check->dfs);

	if (rc)
		return rc;
	rc = mount_open_at(check->pool, check->container, check->epoch, NULL, &check->view);
	if (rc == 0) {
		rc = check_tree(check);
		mount_destroy(check->view);
	}
	mount_destroy(check->dfs);
	return rc;
}

static int
check_container(struct check *check)
{
	daos_epoch_range_t range;
	int rc = daos_cont_create_snap_opt(check->container, &check->epoch, NULL,
					   DAOS_SNAP_OPT_CR | DAOS_SNAP_OPT_OIT, NULL);

	if (rc)
		return rc;
	rc = daos_oit_open(check->container, check->epoch, &check->table, NULL);
	if (rc == 0) {
		rc = check_snapshot(check);
		(void)daos_cont_snap_oit_destroy(check->container, check->table, NULL);
		(void)daos_oit_close(check->table, NULL);
	}
	range = (daos_epoch_range_t){check->epoch, check->epoch};
	(void)daos_cont_destroy_snap(check->container, range, NULL);
	return rc;
}

struct check_call {
	daos_handle_t pool;
	const char *container;
	uint64_t flags;
	const char *name;
};

static int
check_run(void *arguments)
{
	const struct check_call *call = arguments;
	struct check check = {.pool = call->pool, .flags = call->flags, .name = call->name};
	uint32_t evicts = call->flags & DFS_CHECK_EVICT_ALL ? DAOS_COO_EVICT_ALL : 0;
	int rc = daos_cont_open(call->pool, call->container, DAOS_COO_EX | evicts, &check.container,
				NULL, NULL);
	int closed;

	if (rc)
		return rc;
	rc = check_container(&check);
	closed = daos_cont_close(check.container, NULL);
	return rc ? rc : closed;
}

int
dfs_cont_check(daos_handle_t poh, const char *cont, uint64_t flags, const char *name)
{
	struct check_call call = {poh, cont, flags, name};

	if (cont == NULL || flags & ~(uint64_t)CHECK_KNOWN)
		return EINVAL;
	if (flags & DFS_CHECK_REMOVE && flags & DFS_CHECK_RELINK)
		return EINVAL;
	if (name && (!(flags & DFS_CHECK_RELINK) || name_check(name) != 0))
		return name_check(name) == file_error(ENAMETOOLONG) ? ENAMETOOLONG : EINVAL;
	return file_run(check_run, &call);
}
