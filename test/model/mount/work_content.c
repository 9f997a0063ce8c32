/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Work on the content of files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work.h"

/* A file that an operation works on: one that is open, or one that it opens for itself. */
struct target {
	struct node *node; /* NULL: there is none */
	int descriptor;
	uint32_t mount;
	bool own;
};

static struct target
target_fresh(struct worker *worker)
{
	struct entry *entry = entry_draw(worker->tree, &worker->seed, KIND_FILE);
	struct target target = {.node = NULL};
	char path[PATH_MAX];

	if (entry == NULL)
		return target;
	path_of(worker, worker->mount, entry->directory, entry->name, path);
	worker_say(worker, "open %s", path);
	target.descriptor = (int)retried(worker, open(path, O_RDWR | O_NOFOLLOW));
	expect(worker, target.descriptor >= 0, "open: %s", strerror(errno));
	target.node = entry->node;
	target.mount = worker->mount;
	target.own = true;
	return target;
}

static struct target
target_open(struct worker *worker)
{
	struct opened *opened = &worker->tree->opened[draw(&worker->seed, OPENED_MAX)];

	if (opened->node == NULL || draw(&worker->seed, 3) == 0)
		return target_fresh(worker);
	worker->mount = opened->mount;
	return (struct target){
		.node = opened->node, .descriptor = opened->descriptor, .mount = opened->mount};
}

/* Closes it, or keeps it open for later operations. */
static void
target_close(struct worker *worker, const struct target *target)
{
	if (!target->own)
		return;
	if (draw(&worker->seed, 4) == 0) {
		opened_take(worker, target->node, target->mount, target->descriptor);
		return;
	}
	expect_outcome(worker, "close", close(target->descriptor), 0);
	content_synced(target->node);
}

void
pattern_fill(struct worker *worker, uint8_t *bytes, size_t length)
{
	uint32_t sequence = ++worker->sequence * 16 + worker->number;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(sequence >> (i % 4 * 8)) ^ (uint8_t)(i / 4 * 29);
}

/* Lengths small, of whole pages, or large. */
static size_t
draw_length(struct worker *worker)
{
	switch (draw(&worker->seed, 4)) {
	case 0:
		return 1 + draw(&worker->seed, 200);
	case 1:
		return 4096 * (1 + draw(&worker->seed, 4));
	case 2:
		return 1 + draw(&worker->seed, 8192);
	default:
		return 1 + draw(&worker->seed, 60000);
	}
}

/* A range that fits; often one that begins within the file. */
static void
draw_range(struct worker *worker, const struct node *node, size_t *ret_offset, size_t *ret_length)
{
	size_t limit = draw(&worker->seed, 4) ? node->size + 1 : FILE_BYTES_MAX;
	size_t offset = draw(&worker->seed, limit), length = draw_length(worker);

	if (draw(&worker->seed, 3) == 0)
		offset &= ~(size_t)4095;
	if (offset >= FILE_BYTES_MAX)
		offset = FILE_BYTES_MAX - 1;
	if (offset + length > FILE_BYTES_MAX)
		length = FILE_BYTES_MAX - offset;
	*ret_offset = offset;
	*ret_length = length;
}

void
work_write(struct worker *worker)
{
	static uint8_t bytes[FILE_BYTES_MAX];
	struct target target = target_open(worker);
	size_t offset, length;
	ssize_t written;

	if (target.node == NULL)
		return;
	draw_range(worker, target.node, &offset, &length);
	worker_say(worker, "write %zu bytes at %zu of %zu, inode %llu, mount %u", length, offset,
		   target.node->size, (unsigned long long)target.node->inode, worker->mount);
	pattern_fill(worker, bytes, length);
	written = pwrite(target.descriptor, bytes, length, (off_t)offset);
	expect(worker, written == (ssize_t)length, "pwrite: %zd (%s)", written, strerror(errno));
	content_write(target.node, offset, bytes, length, worker->control->write_back);
	target_close(worker, &target);
}

void
work_append(struct worker *worker)
{
	uint8_t bytes[4096];
	struct entry *entry = entry_draw(worker->tree, &worker->seed, KIND_FILE);
	size_t length = 1 + draw(&worker->seed, sizeof(bytes));
	char path[PATH_MAX];
	int descriptor;
	ssize_t written;

	if (entry == NULL || entry->node->size + length > FILE_BYTES_MAX)
		return;
	path_of(worker, worker->mount, entry->directory, entry->name, path);
	worker_say(worker, "append %zu bytes after %zu of %s", length, entry->node->size, path);
	descriptor = (int)retried(worker, open(path, O_WRONLY | O_APPEND | O_NOFOLLOW));
	expect(worker, descriptor >= 0, "open: %s", strerror(errno));
	pattern_fill(worker, bytes, length);
	written = write(descriptor, bytes, length);
	expect(worker, written == (ssize_t)length, "write: %zd (%s)", written, strerror(errno));
	content_write(entry->node, entry->node->size, bytes, length, worker->control->write_back);
	expect_outcome(worker, "close", close(descriptor), 0);
	content_synced(entry->node);
}

void
work_read(struct worker *worker)
{
	struct target target = target_open(worker);
	size_t offset, length;

	if (target.node == NULL)
		return;
	draw_range(worker, target.node, &offset, &length);
	worker_say(worker, "read %zu bytes at %zu of %zu, inode %llu, mount %u", length, offset,
		   target.node->size, (unsigned long long)target.node->inode, worker->mount);
	check_bytes(worker, target.descriptor, target.node, offset, length);
	target_close(worker, &target);
}

void
work_truncate(struct worker *worker)
{
	struct target target = target_open(worker);
	size_t size;

	if (target.node == NULL)
		return;
	size = draw(&worker->seed, 2) ? draw(&worker->seed, target.node->size + 1)
				      : draw(&worker->seed, FILE_BYTES_MAX);
	worker_say(worker, "truncate from %zu to %zu, inode %llu, mount %u", target.node->size,
		   size, (unsigned long long)target.node->inode, worker->mount);
	expect_outcome(worker, "ftruncate", ftruncate(target.descriptor, (off_t)size), 0);
	content_cut(target.node, size);
	target_close(worker, &target);
}

void
work_allocate(struct worker *worker)
{
	static const int modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE,
				    0, FALLOC_FL_ZERO_RANGE};
	int mode = modes[draw(&worker->seed, sizeof(modes) / sizeof(modes[0]))];
	struct target target = target_open(worker);
	struct node *node = target.node;
	size_t offset, length;
	int rc;

	if (node == NULL)
		return;
	draw_range(worker, node, &offset, &length);
	worker_say(worker, "fallocate mode %d, %zu bytes at %zu of %zu, inode %llu, mount %u", mode,
		   length, offset, node->size, (unsigned long long)node->inode, worker->mount);
	rc = fallocate(target.descriptor, mode, (off_t)offset, (off_t)length);
	if (rc != 0 && errno == EOPNOTSUPP && (mode & FALLOC_FL_PUNCH_HOLE) == 0) {
		atomic_fetch_add(&worker->control->skipped, 1);
		target_close(worker, &target);
		return;
	}
	expect_outcome(worker, "fallocate", rc, 0);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		content_zero(node, offset, length);
	if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && offset + length > node->size) {
		node->size = offset + length;
		node->durable = worker->control->write_back ? node->durable : node->size;
	}
	target_close(worker, &target);
}

/*
 * Reads and changes what is mapped; other ways to read see it. Without caches, too, a mapping is
 * one: another mount sees the changes once they are synced, and what it changes shows when the file
 * is opened.
 */
static void
map_use(struct worker *worker, struct node *node, uint8_t *map)
{
	size_t offset = draw(&worker->seed, node->size), length = draw_length(worker);

	if (offset + length > node->size)
		length = node->size - offset;
	for (size_t i = 0; i < node->size; i += 1 + node->size / 64)
		expect(worker, map[i] == node->bytes[i], "mapped byte %zu is %02x, not %02x", i,
		       map[i], node->bytes[i]);
	pattern_fill(worker, map + offset, length);
	content_write(node, offset, map + offset, length, worker->control->write_back);
	if (!worker->control->write_back || draw(&worker->seed, 2)) {
		expect_outcome(worker, "msync", msync(map, node->size, MS_SYNC), 0);
		content_sure(node, 0, node->size);
	}
}

void
work_map(struct worker *worker)
{
	struct target target = worker->control->write_back ? target_open(worker)
							   : target_fresh(worker);
	struct node *node = target.node;
	uint8_t *map;

	if (node == NULL)
		return;
	worker_say(worker, "map %zu bytes, inode %llu, mount %u", node->size,
		   (unsigned long long)node->inode, worker->mount);
	if (node->size) {
		map = mmap(NULL, node->size, PROT_READ | PROT_WRITE, MAP_SHARED, target.descriptor,
			   0);
		if (map == MAP_FAILED) {
			/* Without caches there may be none. */
			expect(worker, errno == ENODEV && !worker->control->write_back, "mmap: %s",
			       strerror(errno));
			atomic_fetch_add(&worker->control->skipped, 1);
		} else {
			map_use(worker, node, map);
			expect_outcome(worker, "munmap", munmap(map, node->size), 0);
			check_bytes(worker, target.descriptor, node, 0, node->size);
		}
	}
	target_close(worker, &target);
}

void
work_sync(struct worker *worker)
{
	struct target target = target_open(worker);

	if (target.node == NULL)
		return;
	worker_say(worker, "fsync inode %llu, mount %u", (unsigned long long)target.node->inode,
		   worker->mount);
	if (draw(&worker->seed, 2))
		expect_outcome(worker, "fsync", fsync(target.descriptor), 0);
	else
		expect_outcome(worker, "fdatasync", fdatasync(target.descriptor), 0);
	content_synced(target.node);
	target_close(worker, &target);
}

void
work_close(struct worker *worker)
{
	struct opened *opened = &worker->tree->opened[draw(&worker->seed, OPENED_MAX)];

	if (opened->node == NULL)
		return;
	worker_say(worker, "close inode %llu, mount %u", (unsigned long long)opened->node->inode,
		   opened->mount);
	opened_close(worker, opened);
}

/* What is said to be a hole reads as zeros, and the last one ends with the file. */
void
work_holes(struct worker *worker)
{
	struct target target = target_open(worker);
	off_t at = 0, data, size;

	if (target.node == NULL)
		return;
	size = (off_t)target.node->size;
	worker_say(worker, "holes of %lld bytes, inode %llu, mount %u", (long long)size,
		   (unsigned long long)target.node->inode, worker->mount);
	/* The kernel asks the server, which does not know yet what is in the cache. */
	if (worker->control->write_back)
		expect_outcome(worker, "fsync", fsync(target.descriptor), 0);
	while (at < size) {
		data = lseek(target.descriptor, at, SEEK_DATA);
		expect(worker, data >= at || (data < 0 && errno == ENXIO),
		       "SEEK_DATA from %lld: %s", (long long)at, strerror(errno));
		for (off_t i = at; i < (data < 0 ? size : data); i++)
			expect(worker, target.node->bytes[i] == 0, "byte %lld is in a hole",
			       (long long)i);
		if (data < 0)
			break;
		at = lseek(target.descriptor, data, SEEK_HOLE);
		expect(worker, at > data && at <= size, "SEEK_HOLE from %lld of %lld: %lld",
		       (long long)data, (long long)size, (long long)at);
	}
	target_close(worker, &target);
}

void
work_copy(struct worker *worker)
{
	static uint8_t bytes[FILE_BYTES_MAX];
	struct target from = target_open(worker), into;
	size_t offset, length, place, done = 0;
	off_t source, target;
	struct stat met;

	if (from.node == NULL)
		return;
	into = target_open(worker);
	if (into.node == NULL) {
		target_close(worker, &from);
		return;
	}
	draw_range(worker, from.node, &offset, &length);
	draw_range(worker, into.node, &place, &length);
	if (from.node == into.node || offset >= from.node->size)
		length = 0;
	else if (offset + length > from.node->size)
		length = from.node->size - offset;
	worker_say(worker, "copy %zu bytes from %zu to %zu, inodes %llu, %llu", length, offset,
		   place, (unsigned long long)from.node->inode,
		   (unsigned long long)into.node->inode);
	/* The kernel copies up to the size that it knows, which another mount may have changed. */
	expect_outcome(worker, "fstat", fstat(from.descriptor, &met), 0);
	check_attributes(worker, from.node, &met);
	source = (off_t)offset;
	target = (off_t)place;
	while (done < length) {
		ssize_t copied = copy_file_range(from.descriptor, &source, into.descriptor, &target,
						 length - done, 0);

		/* Between two mounts there is nothing to be had. */
		if (copied < 0 && errno == EXDEV && worker->control->mounts > 1)
			break;
		expect(worker, copied > 0, "copy_file_range: %zd (%s)", copied, strerror(errno));
		done += (size_t)copied;
	}
	if (done) {
		memcpy(bytes, from.node->bytes + offset, done);
		content_write(into.node, place, bytes, done, worker->control->write_back);
	}
	target_close(worker, &into);
	target_close(worker, &from);
}
