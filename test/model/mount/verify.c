/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A worker's directory against its model. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tree.h"

static mode_t
format_of(enum kind kind)
{
	static const mode_t formats[] = {
		[KIND_FILE] = S_IFREG, [KIND_DIRECTORY] = S_IFDIR, [KIND_SYMLINK] = S_IFLNK};

	return formats[kind];
}

/* The first difference, where there is one. */
static void
compare(struct worker *worker, const struct node *node, const uint8_t *bytes, size_t offset,
	size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != node->bytes[offset + i])
			worker_fail(worker,
				    "content: byte %zu of %zu is %02x and should be %02x "
				    "(read from %zu, %zu bytes)",
				    offset + i, node->size, bytes[i], node->bytes[offset + i],
				    offset, length);
}

void
check_bytes(struct worker *worker, int descriptor, struct node *node, size_t offset, size_t length)
{
	static uint8_t bytes[FILE_BYTES_MAX];
	size_t wanted = 0;
	ssize_t got = pread(descriptor, bytes, length, (off_t)offset);

	if (offset < node->size)
		wanted = offset + length < node->size ? length : node->size - offset;
	expect(worker, got == (ssize_t)wanted,
	       "pread of %zu bytes at %zu of a file of %zu bytes: %zd (%s)", length, offset,
	       node->size, got, got < 0 ? strerror(errno) : "bytes");
	compare(worker, node, bytes, offset, wanted);
}

void
check_attributes(struct worker *worker, const struct node *node, const struct stat *stat)
{
	expect(worker, (stat->st_mode & S_IFMT) == format_of(node->kind), "kind is %o",
	       stat->st_mode);
	expect(worker, node->inode == 0 || stat->st_ino == node->inode, "inode is %llu, was %llu",
	       (unsigned long long)stat->st_ino, (unsigned long long)node->inode);
	if (node->kind == KIND_DIRECTORY)
		return;
	expect(worker, stat->st_nlink == node->names, "link count is %lu, should be %u",
	       (unsigned long)stat->st_nlink, node->names);
	if (node->kind == KIND_SYMLINK)
		return;
	expect(worker, (stat->st_mode & 07777) == node->mode, "mode is %o, should be %o",
	       stat->st_mode & 07777, node->mode);
	expect(worker, (size_t)stat->st_size == node->size, "size is %lld, should be %zu",
	       (long long)stat->st_size, node->size);
}

/* ------------------------------------------------ directories */

static void
check_listed(struct worker *worker, struct node *directory, const struct dirent *met)
{
	const struct entry *entry = entry_find(worker->tree, directory, met->d_name);

	expect(worker, entry != NULL, "the listing has %s, which does not exist", met->d_name);
	expect(worker,
	       met->d_type == DT_UNKNOWN ||
		       (mode_t)DTTOIF(met->d_type) == format_of(entry->node->kind),
	       "the listing has %s as kind %u", met->d_name, met->d_type);
	expect(worker, entry->node->inode == 0 || met->d_ino == entry->node->inode,
	       "the listing has another inode for %s", met->d_name);
}

void
check_listing(struct worker *worker, uint32_t mount, struct node *directory)
{
	char path[PATH_MAX];
	uint32_t wanted = 0, met = 0;
	struct dirent *next;
	DIR *stream;

	path_of(worker, mount, directory, NULL, path);
	worker_say(worker, "list %s", path);
	for (uint32_t i = 0; i < ENTRIES_MAX; i++)
		if (worker->tree->entries[i].node &&
		    worker->tree->entries[i].directory == directory)
			wanted++;
	stream = opendir(path);
	for (int i = 0; stream == NULL && may_retry(worker, i); i++)
		stream = opendir(path);
	expect(worker, stream != NULL, "opendir: %s", strerror(errno));
	while ((errno = 0, next = readdir(stream)) != NULL) {
		if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0)
			continue;
		check_listed(worker, directory, next);
		met++;
	}
	expect(worker, errno == 0, "readdir: %s", strerror(errno));
	closedir(stream);
	expect(worker, met == wanted, "%u names are listed, not %u", met, wanted);
}

/* ------------------------------------------------ after a dfuse was killed */

/*
 * What the kernel had not written yet may be missing, byte by byte; the rest is as it was. The size
 * is at least the durable one. Then the model goes on with what is there.
 */
static void
take_over(struct worker *worker, int descriptor, struct node *node)
{
	static uint8_t bytes[FILE_BYTES_MAX];
	ssize_t got = pread(descriptor, bytes, FILE_BYTES_MAX, 0);

	expect(worker, got >= 0, "pread: %s", strerror(errno));
	expect(worker, (size_t)got >= node->durable && (size_t)got <= node->size,
	       "after the kill the size is %zd; it was durable up to %zu, and %zu at most", got,
	       node->durable, node->size);
	for (size_t i = 0; i < (size_t)got; i++)
		expect(worker, node->unsure[i] || bytes[i] == node->bytes[i],
		       "byte %zu is %02x after the kill, and was %02x for certain", i, bytes[i],
		       node->bytes[i]);
	memset(node->bytes, 0, FILE_BYTES_MAX);
	memcpy(node->bytes, bytes, (size_t)got);
	node->size = (size_t)got;
	content_synced(node);
}

/* ------------------------------------------------ everything */

static void
check_file(struct worker *worker, const char *path, struct node *node, bool revived)
{
	int descriptor = (int)retried(worker, open(path, O_RDONLY | O_NOFOLLOW));

	expect(worker, descriptor >= 0, "open: %s", strerror(errno));
	if (revived)
		take_over(worker, descriptor, node);
	check_bytes(worker, descriptor, node, 0, FILE_BYTES_MAX);
	expect_outcome(worker, "close", close(descriptor), 0);
}

static void
check_target(struct worker *worker, const char *path, const struct node *node)
{
	char target[PATH_MAX];
	ssize_t length = retried(worker, readlink(path, target, sizeof(target)));

	expect(worker,
	       length == (ssize_t)strlen(node->target) &&
		       memcmp(target, node->target, (size_t)length) == 0,
	       "another target of the symlink (%zd bytes)", length);
}

static void
check_note(struct worker *worker, const char *path, const struct node *node)
{
	uint8_t note[NOTE_BYTES_MAX + 1];
	ssize_t length = retried(worker, getxattr(path, "user.note", note, sizeof(note)));

	if (node->note < 0) {
		expect(worker, length < 0 && errno == ENODATA, "an attribute of %zd bytes", length);
		return;
	}
	expect(worker, length == node->note, "the attribute has %zd bytes, not %d", length,
	       node->note);
	for (ssize_t i = 0; i < length; i++)
		expect(worker, note[i] == node->note_fill, "another attribute");
}

static void
check_entry(struct worker *worker, uint32_t mount, struct entry *entry, bool revived)
{
	char path[PATH_MAX];
	struct stat met;

	path_of(worker, mount, entry->directory, entry->name, path);
	worker_say(worker, "verify %s", path);
	if (entry->node->kind == KIND_FILE)
		check_file(worker, path, entry->node, revived);
	expect(worker, retried(worker, lstat(path, &met)) == 0, "lstat: %s", strerror(errno));
	check_attributes(worker, entry->node, &met);
	if (entry->node->kind == KIND_SYMLINK)
		check_target(worker, path, entry->node);
	if (entry->node->kind == KIND_FILE)
		check_note(worker, path, entry->node);
}

void
tree_verify(struct worker *worker, bool revived)
{
	struct tree *tree = worker->tree;

	for (uint32_t mount = 0; mount < worker->control->mounts; mount++) {
		check_listing(worker, mount, &tree->root);
		for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
			struct entry *entry = &tree->entries[i];

			if (entry->node == NULL)
				continue;
			check_entry(worker, mount, entry, revived && mount == 0);
			if (entry->node->kind == KIND_DIRECTORY)
				check_listing(worker, mount, entry->node);
		}
	}
	for (uint32_t i = 0; i < OPENED_MAX; i++)
		if (tree->opened[i].node)
			check_bytes(worker, tree->opened[i].descriptor, tree->opened[i].node, 0,
				    FILE_BYTES_MAX);
}
