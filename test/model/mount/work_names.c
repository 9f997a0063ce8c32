/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Work on names and attributes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "work.h"

/* A directory and a name in it, taken or not; few names, so that they meet. */
struct place {
	struct node *directory;
	struct entry *entry; /* NULL: the name is free */
	char name[NAME_MAX + 1];
	char path[PATH_MAX];
};

static void
draw_name(struct worker *worker, char ret_name[NAME_MAX + 1])
{
	uint64_t number = draw(&worker->seed, 14);

	if (number < 12)
		snprintf(ret_name, NAME_MAX + 1, "n%llu", (unsigned long long)number);
	else if (number == 12)
		snprintf(ret_name, NAME_MAX + 1, "%s", " \xff\x01*?\"'\n");
	else
		snprintf(ret_name, NAME_MAX + 1, "%0255d", 7);
}

static struct place
place_draw(struct worker *worker)
{
	struct place place = {.directory = directory_draw(worker->tree, &worker->seed)};

	draw_name(worker, place.name);
	place.entry = entry_find(worker->tree, place.directory, place.name);
	path_of(worker, worker->mount, place.directory, place.name, place.path);
	return place;
}

static struct place
place_of(struct worker *worker, struct entry *entry)
{
	struct place place = {.directory = entry->directory, .entry = entry};

	memcpy(place.name, entry->name, sizeof(place.name));
	path_of(worker, worker->mount, place.directory, place.name, place.path);
	return place;
}

static bool
is_full(const struct worker *worker)
{
	return worker->tree->count >= ENTRIES_MAX;
}

/* The inode number of what was made; it stays. */
static void
inode_note(struct worker *worker, const struct place *place, struct node *node)
{
	struct stat met;

	expect(worker, retried(worker, lstat(place->path, &met)) == 0, "lstat: %s",
	       strerror(errno));
	node->inode = met.st_ino;
	check_attributes(worker, node, &met);
}

/* ------------------------------------------------ making */

void
work_create(struct worker *worker)
{
	struct place place = place_draw(worker);
	mode_t mode = 0600 | (mode_t)draw(&worker->seed, 0200);
	struct node *node;
	int descriptor;

	if (is_full(worker))
		return;
	worker_say(worker, "create %s", place.path);
	descriptor = (int)retried(worker, open(place.path, O_CREAT | O_EXCL | O_RDWR, mode));
	if (place.entry) {
		expect_outcome(worker, "open", descriptor, EEXIST);
		return;
	}
	expect_outcome(worker, "open", descriptor, 0);
	node = node_create(KIND_FILE);
	node->mode = mode;
	entry_add(worker->tree, place.directory, place.name, node);
	inode_note(worker, &place, node);
	if (draw(&worker->seed, 2))
		opened_take(worker, node, worker->mount, descriptor);
	else
		expect_outcome(worker, "close", close(descriptor), 0);
}

void
work_make_directory(struct worker *worker)
{
	struct place place = place_draw(worker);
	struct node *node;

	if (is_full(worker) || place.directory->depth + 1 > DEPTH_MAX)
		return;
	worker_say(worker, "mkdir %s", place.path);
	expect_outcome(worker, "mkdir", retried(worker, mkdir(place.path, 0755)),
		       place.entry ? EEXIST : 0);
	if (place.entry)
		return;
	node = node_create(KIND_DIRECTORY);
	entry_add(worker->tree, place.directory, place.name, node);
	inode_note(worker, &place, node);
}

void
work_make_symlink(struct worker *worker)
{
	struct place place = place_draw(worker);
	char target[200];
	struct node *node;
	int length = 1 + (int)draw(&worker->seed, sizeof(target) - 1);

	if (is_full(worker))
		return;
	worker_say(worker, "symlink %s", place.path);
	snprintf(target, sizeof(target), "%0*d", length, (int)draw(&worker->seed, 1000));
	expect_outcome(worker, "symlink", retried(worker, symlink(target, place.path)),
		       place.entry ? EEXIST : 0);
	if (place.entry)
		return;
	node = node_create(KIND_SYMLINK);
	node->target = strdup(target);
	entry_add(worker->tree, place.directory, place.name, node);
	inode_note(worker, &place, node);
}

void
work_link(struct worker *worker)
{
	struct entry *entry = entry_draw(worker->tree, &worker->seed, KIND_FILE);
	struct place from, place = place_draw(worker);
	struct stat met;

	if (is_full(worker) || entry == NULL)
		return;
	from = place_of(worker, entry);
	worker_say(worker, "link %s %s", from.path, place.path);
	expect_outcome(worker, "link", retried(worker, link(from.path, place.path)),
		       place.entry ? EEXIST : 0);
	if (place.entry)
		return;
	entry_add(worker->tree, place.directory, place.name, entry->node);
	expect_outcome(worker, "lstat", retried(worker, lstat(place.path, &met)), 0);
	check_attributes(worker, entry->node, &met);
}

/* ------------------------------------------------ removing */

void
work_unlink(struct worker *worker)
{
	struct entry *entry = entry_draw(worker->tree, &worker->seed, -1);
	struct place place;

	if (entry == NULL)
		return;
	place = place_of(worker, entry);
	worker_say(worker, "unlink %s", place.path);
	if (entry->node->kind == KIND_DIRECTORY) {
		expect_outcome(worker, "unlink", retried(worker, unlink(place.path)), EISDIR);
		return;
	}
	opened_close_elsewhere(worker, entry->node, worker->mount);
	expect_outcome(worker, "unlink", retried(worker, unlink(place.path)), 0);
	entry_remove(worker->tree, entry);
}

/* A file without names goes on while it is open. */
void
work_unlink_open(struct worker *worker)
{
	struct opened *opened = &worker->tree->opened[draw(&worker->seed, OPENED_MAX)];
	struct node *node = opened->node;
	struct entry *entry;
	struct place place;
	struct stat met;

	if (node == NULL)
		return;
	worker->mount = opened->mount;
	opened_close_elsewhere(worker, node, worker->mount);
	while (node->names) {
		entry = entry_of(worker->tree, node);
		place = place_of(worker, entry);
		worker_say(worker, "unlink %s, which is open", place.path);
		expect_outcome(worker, "unlink", retried(worker, unlink(place.path)), 0);
		entry_remove(worker->tree, entry);
	}
	worker_say(worker, "look at inode %llu, which has no name, mount %u",
		   (unsigned long long)node->inode, worker->mount);
	expect(worker, fstat(opened->descriptor, &met) == 0, "fstat: %s", strerror(errno));
	check_attributes(worker, node, &met);
	check_bytes(worker, opened->descriptor, node, 0, FILE_BYTES_MAX);
}

void
work_remove_directory(struct worker *worker)
{
	struct entry *entry = entry_draw(worker->tree, &worker->seed, KIND_DIRECTORY);
	struct place place;
	bool empty;

	if (entry == NULL)
		return;
	place = place_of(worker, entry);
	worker_say(worker, "rmdir %s", place.path);
	empty = directory_empty(worker->tree, entry->node);
	expect_outcome(worker, "rmdir", retried(worker, rmdir(place.path)), empty ? 0 : ENOTEMPTY);
	if (empty)
		entry_remove(worker->tree, entry);
}

/* ------------------------------------------------ moving */

/* What rename(2) owes for entry onto what the place has. */
static int
rename_outcome(struct worker *worker, const struct entry *entry, const struct place *place,
	       unsigned int flags)
{
	const struct entry *there = place->entry;
	bool directory = entry->node->kind == KIND_DIRECTORY;

	if (there == NULL)
		return flags & RENAME_EXCHANGE ? ENOENT : 0;
	if (flags & RENAME_NOREPLACE)
		return EEXIST;
	if ((flags & RENAME_EXCHANGE) || there == entry || there->node == entry->node)
		return 0;
	if (directory && there->node->kind != KIND_DIRECTORY)
		return ENOTDIR;
	if (!directory && there->node->kind == KIND_DIRECTORY)
		return EISDIR;
	return directory && !directory_empty(worker->tree, there->node) ? ENOTEMPTY : 0;
}

/* Deeper than a directory with `depth` and all below it may be. */
static uint32_t
height_of(struct tree *tree, const struct node *node)
{
	uint32_t deepest = node->depth;

	for (uint32_t i = 0; i < ENTRIES_MAX; i++)
		if (tree->entries[i].node && tree->entries[i].node->kind == KIND_DIRECTORY &&
		    tree->entries[i].node->depth > deepest &&
		    is_above(tree, node, tree->entries[i].node))
			deepest = tree->entries[i].node->depth;
	return deepest - node->depth;
}

static bool
fits(struct tree *tree, const struct node *node, const struct node *directory)
{
	return node->kind != KIND_DIRECTORY ||
	       (!is_above(tree, node, directory) &&
		directory->depth + 1 + height_of(tree, node) <= DEPTH_MAX);
}

static void
depths_settle(struct tree *tree)
{
	for (uint32_t round = 0; round <= DEPTH_MAX; round++)
		for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
			struct entry *entry = &tree->entries[i];

			if (entry->node && entry->node->kind == KIND_DIRECTORY)
				entry->node->depth = entry->directory->depth + 1;
		}
}

/* The model after a rename that went well. */
static void
rename_apply(struct worker *worker, struct entry *entry, const struct place *place,
	     unsigned int flags)
{
	struct entry *there = place->entry;

	if (there == entry || (there && there->node == entry->node))
		return;
	if (flags & RENAME_EXCHANGE) {
		struct node *node = entry->node;

		entry->node = there->node;
		there->node = node;
	} else {
		if (there)
			entry_remove(worker->tree, there);
		entry->directory = place->directory;
		memcpy(entry->name, place->name, sizeof(entry->name));
	}
	depths_settle(worker->tree);
}

void
work_rename(struct worker *worker)
{
	static const unsigned int modes[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	unsigned int flags = modes[draw(&worker->seed, sizeof(modes) / sizeof(modes[0]))];
	struct entry *entry = entry_draw(worker->tree, &worker->seed, -1);
	struct place from, place = place_draw(worker);
	int wanted;
	long rc;

	if (entry && flags == RENAME_EXCHANGE && place.entry == NULL && draw(&worker->seed, 8))
		place = place_of(worker, entry_draw(worker->tree, &worker->seed, -1));
	if (entry == NULL || !fits(worker->tree, entry->node, place.directory) ||
	    (place.entry && !fits(worker->tree, place.entry->node, entry->directory)))
		return;
	from = place_of(worker, entry);
	wanted = rename_outcome(worker, entry, &place, flags);
	/* An open file knows where its name is as long as it is renamed through its own mount. */
	if (wanted == 0)
		opened_close_elsewhere(worker, entry->node, worker->mount);
	if (wanted == 0 && place.entry)
		opened_close_elsewhere(worker, place.entry->node, worker->mount);
	worker_say(worker, "rename %s %s flags %u", from.path, place.path, flags);
	rc = retried(worker,
		     syscall(SYS_renameat2, AT_FDCWD, from.path, AT_FDCWD, place.path, flags));
	expect_outcome(worker, "rename", rc, wanted);
	if (wanted == 0)
		rename_apply(worker, entry, &place, flags);
}

/* ------------------------------------------------ looking */

void
work_list(struct worker *worker)
{
	check_listing(worker, worker->mount, directory_draw(worker->tree, &worker->seed));
}

void
work_attributes(struct worker *worker)
{
	struct entry *entry = entry_draw(worker->tree, &worker->seed, -1);
	struct place place = place_draw(worker);
	char target[PATH_MAX];
	struct stat met;

	worker_say(worker, "lstat %s", place.path);
	expect_outcome(worker, "lstat", retried(worker, lstat(place.path, &met)),
		       place.entry ? 0 : ENOENT);
	if (place.entry)
		check_attributes(worker, place.entry->node, &met);
	if (entry == NULL)
		return;
	place = place_of(worker, entry);
	worker_say(worker, "lstat %s", place.path);
	expect_outcome(worker, "lstat", retried(worker, lstat(place.path, &met)), 0);
	check_attributes(worker, entry->node, &met);
	if (entry->node->kind != KIND_SYMLINK)
		return;
	expect(worker,
	       retried(worker, readlink(place.path, target, sizeof(target))) ==
		       (ssize_t)strlen(entry->node->target),
	       "readlink: another length");
}

void
work_mode(struct worker *worker)
{
	struct entry *entry = entry_draw(worker->tree, &worker->seed, KIND_FILE);
	mode_t mode = 0600 | (mode_t)draw(&worker->seed, 0200);
	struct place place;
	struct stat met;

	if (entry == NULL)
		return;
	place = place_of(worker, entry);
	worker_say(worker, "chmod %o %s", mode, place.path);
	expect_outcome(worker, "chmod", retried(worker, chmod(place.path, mode)), 0);
	entry->node->mode = mode;
	expect_outcome(worker, "stat", retried(worker, stat(place.path, &met)), 0);
	check_attributes(worker, entry->node, &met);
}

void
work_note(struct worker *worker)
{
	struct entry *entry = entry_draw(worker->tree, &worker->seed, KIND_FILE);
	uint8_t note[NOTE_BYTES_MAX];
	struct place place;
	struct node *node;

	if (entry == NULL)
		return;
	place = place_of(worker, entry);
	node = entry->node;
	worker_say(worker, "extended attribute of %s, which has %d bytes", place.path, node->note);
	if (draw(&worker->seed, 4) == 0) {
		expect_outcome(worker, "removexattr",
			       retried(worker, removexattr(place.path, "user.note")),
			       node->note < 0 ? ENODATA : 0);
		node->note = -1;
		return;
	}
	node->note = 1 + (int32_t)draw(&worker->seed, NOTE_BYTES_MAX);
	node->note_fill = (uint8_t)draw(&worker->seed, 256);
	memset(note, node->note_fill, (size_t)node->note);
	expect_outcome(
		worker, "setxattr",
		retried(worker, setxattr(place.path, "user.note", note, (size_t)node->note, 0)), 0);
}
