/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A directory of named disks: files made whole or not at all, and device nodes or links to them put
 * there by hand. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "env/linux/world.h"

#define NAME_LIMIT 1024u
#define DEPTH_LIMIT 8u
/* A file being made carries it until it is complete; left over after a crash it counts for nothing.
 */
#define CREATING ".creating"
/* How often, and how long each time, to wait for a disk that somebody else has open. */
#define LOCK_PAUSES 2000u
#define LOCK_PAUSE_NS 1000000

static struct linux_storage *
storage_of(struct storage *storage)
{
	return container_of(storage, struct linux_storage, storage);
}

static int
raise_errno(const char *what, const char *name)
{
	int error = errno;
	int code = error == ENOSPC || error == EDQUOT ? -DER_NOSPACE : error_from_errno(error);

	return error_raise(code, "cannot %s %s: %s", what, name, strerror(error));
}

/* ------------------------------------------------ names */

static bool
ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Relative, no empty, "." or ".." component: nothing that leads out of the directory. */
static bool
name_valid(const char *name)
{
	uint32_t depth = 0;

	if (strlen(name) + sizeof(CREATING) > NAME_LIMIT || ends_with(name, CREATING))
		return false;
	for (;;) {
		size_t length = strcspn(name, "/");

		if (length == 0 || length > NAME_MAX - sizeof(CREATING) || ++depth > DEPTH_LIMIT)
			return false;
		if ((length == 1 && name[0] == '.') ||
		    (length == 2 && name[0] == '.' && name[1] == '.'))
			return false;
		if (name[length] == '\0')
			return true;
		name += length + 1;
	}
}

static int
check_name(const char *name)
{
	if (name_valid(name))
		return 0;
	return error_raise(-DER_INVAL,
			   "'%.64s' is no name for a disk: it must be a relative path without '..'",
			   name);
}

/* Makes what is written to the directory that holds name durable. */
static int
sync_parent(struct linux_storage *self, const char *name)
{
	char parent[NAME_LIMIT];
	const char *slash = strrchr(name, '/');
	int fd, rc = 0;

	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - name) : 1,
		 slash ? name : ".");
	fd = openat(self->directory, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return raise_errno("open directory", parent);
	if (fsync(fd) < 0 && errno != EINVAL)
		rc = raise_errno("flush directory", parent);
	close(fd);
	return rc;
}

/* Makes the directories that name lies in. */
static int
make_parents(struct linux_storage *self, const char *name)
{
	char path[NAME_LIMIT];
	int rc = 0;

	for (const char *slash = strchr(name, '/'); slash && rc == 0;
	     slash = strchr(slash + 1, '/')) {
		snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
		if (mkdirat(self->directory, path, 0700) == 0)
			rc = sync_parent(self, path);
		else if (errno != EEXIST)
			rc = raise_errno("make directory", path);
	}
	return rc;
}

/* Takes away the directories that name lay in as far as they are empty; durable or not, they mean
 * nothing. */
static void
remove_parents(struct linux_storage *self, const char *name)
{
	char path[NAME_LIMIT];
	char *slash;

	snprintf(path, sizeof(path), "%s", name);
	while ((slash = strrchr(path, '/'))) {
		*slash = '\0';
		if (unlinkat(self->directory, path, AT_REMOVEDIR) < 0)
			return;
	}
}

/* ------------------------------------------------ open */

/* Whether transfers of DISK_BLOCK work on fd, which was opened with O_DIRECT: some file systems
 * refuse only then. */
static bool
direct_works(int fd)
{
	static const size_t size = DISK_BLOCK;
	void *block;
	ssize_t length;

	if (posix_memalign(&block, DISK_BLOCK, size))
		return false;
	length = pread(fd, block, size, 0);
	free(block);
	return length >= 0 || errno != EINVAL;
}

static void
say_buffered(struct linux_storage *self, const char *name)
{
	if (self->buffered_said)
		return;
	self->buffered_said = true;
	log_notice("the file system of %s refuses direct I/O: "
		   "using buffered I/O with the same flushes",
		   name);
}

/* Opens with O_DIRECT where that works. Returns a descriptor or -1 with errno. */
static int
open_direct(struct linux_storage *self, const char *name, int flags, bool *ret_direct)
{
	int fd = openat(self->directory, name, flags | O_RDWR | O_CLOEXEC | O_DIRECT, 0600);

	if (fd >= 0 && direct_works(fd)) {
		*ret_direct = true;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	else if (errno != EINVAL && errno != EOPNOTSUPP)
		return -1;
	/* A refusing file system may have made the file all the same. */
	fd = openat(self->directory, name, (flags & ~O_EXCL) | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		say_buffered(self, name);
	*ret_direct = false;
	return fd;
}

/*
 * Waits until nobody else has the disk open. What a killed process had under way holds the file,
 * and with it the lock, until it is done: none of its writes comes after a read here.
 */
static int
wait_for_others(int fd, const char *name)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	for (uint32_t i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		/* Where the file system has no such locks, there is nothing to wait for. */
		if (errno != EWOULDBLOCK && errno != EINTR)
			return 0;
		if (i == LOCK_PAUSES)
			return error_raise(-DER_BUSY, "disk %s is open in another process", name);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int
open_disk(struct storage *storage, const char *name, struct disk **ret_disk)
{
	struct linux_storage *self = storage_of(storage);
	bool direct;
	int rc = check_name(name), fd = -1;

	if (rc)
		return rc;
	fd = open_direct(self, name, 0, &direct);
	if (fd < 0)
		return errno == ENOENT ? -DER_NONEXIST : raise_errno("open", name);
	rc = wait_for_others(fd, name);
	if (rc) {
		close(fd);
		return rc;
	}
	return disk_create(self->env, fd, direct, name, ret_disk);
}

/* ------------------------------------------------ create and remove */

/* Gives the new file its size, in the way asked for, durably. */
static int
fill(int fd, const char *name, uint64_t size, enum storage_allocate allocate)
{
	int rc;

	if (ftruncate(fd, (off_t)size) < 0)
		return raise_errno("size", name);
	if (allocate != STORAGE_THIN && size > 0 && fallocate(fd, 0, 0, (off_t)size) < 0) {
		if (errno != EOPNOTSUPP)
			return raise_errno("allocate", name);
		/* Without fallocate only writing makes the blocks exist. */
		allocate = STORAGE_ZEROED;
	}
	if (allocate == STORAGE_ZEROED) {
		rc = disk_write_zeros(fd, size);
		return rc ? error_raise(rc, "cannot write zeros to %s", name) : 0;
	}
	return fsync(fd) < 0 ? raise_errno("flush", name) : 0;
}

/* Makes the file complete under its passing name. */
static int
prepare(struct linux_storage *self, const char *passing, uint64_t size,
	enum storage_allocate allocate, bool *ret_direct, int *ret_fd)
{
	int fd, rc;

	if (unlinkat(self->directory, passing, 0) < 0 && errno != ENOENT)
		return raise_errno("remove", passing);
	fd = open_direct(self, passing, O_CREAT | O_EXCL, ret_direct);
	if (fd < 0)
		return raise_errno("create", passing);
	rc = fill(fd, passing, size, allocate);
	if (rc) {
		close(fd);
		unlinkat(self->directory, passing, 0);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

/* Gives the complete file its name, unless there is one of that name. */
static int
publish(struct linux_storage *self, const char *passing, const char *name)
{
	int rc = renameat2(self->directory, passing, self->directory, name, RENAME_NOREPLACE);

	/* Where the file system cannot refuse to replace: the name was free a moment ago, and the
	 * directory is ours. */
	if (rc < 0 && (errno == EINVAL || errno == ENOSYS))
		rc = renameat(self->directory, passing, self->directory, name);
	if (rc == 0)
		return sync_parent(self, name);
	rc = errno == EEXIST ? -DER_EXIST : raise_errno("name", name);
	unlinkat(self->directory, passing, 0);
	return rc;
}

static int
create_disk(struct storage *storage, const char *name, uint64_t size,
	    enum storage_allocate allocate, struct disk **ret_disk)
{
	struct linux_storage *self = storage_of(storage);
	char passing[NAME_LIMIT + sizeof(CREATING)];
	bool direct;
	int rc = check_name(name), fd = -1;

	if (rc)
		return rc;
	if (size % DISK_BLOCK || size > INT64_MAX)
		return error_raise(-DER_INVAL,
				   "%s: %llu bytes are no whole number of %u byte blocks", name,
				   (unsigned long long)size, DISK_BLOCK);
	if (faccessat(self->directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -DER_EXIST;
	rc = make_parents(self, name);
	if (rc)
		return rc;
	snprintf(passing, sizeof(passing), "%s" CREATING, name);
	rc = prepare(self, passing, size, allocate, &direct, &fd);
	if (rc)
		return rc;
	rc = wait_for_others(fd, name);
	if (rc == 0)
		rc = publish(self, passing, name);
	if (rc) {
		close(fd);
		return rc;
	}
	rc = disk_create(self->env, fd, direct, name, ret_disk);
	if (rc)
		unlinkat(self->directory, name, 0);
	return rc;
}

static int
remove_disk(struct storage *storage, const char *name)
{
	struct linux_storage *self = storage_of(storage);
	char passing[NAME_LIMIT + sizeof(CREATING)];
	int rc = check_name(name);

	if (rc)
		return rc;
	/* What a creation that did not end has left. */
	snprintf(passing, sizeof(passing), "%s" CREATING, name);
	(void)!unlinkat(self->directory, passing, 0);
	if (unlinkat(self->directory, name, 0) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -DER_NONEXIST
							   : raise_errno("remove", name);
	rc = sync_parent(self, name);
	remove_parents(self, name);
	return rc;
}

/* ------------------------------------------------ list and space */

struct walk {
	const char *prefix;
	int (*visit)(void *argument, const char *name);
	void *argument;
};

static int walk_directory(const struct walk *walk, int parent, const char *name, const char *path,
			  uint32_t depth);

/* Whether names below path can begin with prefix, or begin with it already. */
static bool
leads_to(const char *path, const char *prefix)
{
	size_t length = min_of(strlen(path), strlen(prefix));

	return strncmp(path, prefix, length) == 0;
}

static int
walk_entry(const struct walk *walk, int directory, const struct dirent *entry, const char *path,
	   uint32_t depth)
{
	char name[NAME_LIMIT];
	struct stat status;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
	    ends_with(entry->d_name, CREATING))
		return 0;
	if (snprintf(name, sizeof(name), "%s%s%s", path, *path ? "/" : "", entry->d_name) >=
		    (int)sizeof(name) ||
	    !leads_to(name, walk->prefix) || fstatat(directory, entry->d_name, &status, 0) < 0)
		return 0;
	if (S_ISDIR(status.st_mode))
		return depth < DEPTH_LIMIT
			       ? walk_directory(walk, directory, entry->d_name, name, depth + 1)
			       : 0;
	if ((!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) ||
	    strncmp(name, walk->prefix, strlen(walk->prefix)) != 0)
		return 0;
	return walk->visit(walk->argument, name);
}

static int
walk_directory(const struct walk *walk, int parent, const char *name, const char *path,
	       uint32_t depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int rc = 0;

	if (!directory) {
		rc = raise_errno("list", name);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(directory)))
		rc = walk_entry(walk, fd, entry, path, depth);
	closedir(directory);
	return rc;
}

static int
list_disks(struct storage *storage, const char *prefix,
	   int (*visit)(void *argument, const char *name), void *argument)
{
	const struct walk walk = {
		.prefix = prefix ? prefix : "", .visit = visit, .argument = argument};

	return walk_directory(&walk, storage_of(storage)->directory, ".", "", 1);
}

static int
measure_space(struct storage *storage, uint64_t *ret_total, uint64_t *ret_free)
{
	struct statvfs status;

	if (fstatvfs(storage_of(storage)->directory, &status) < 0)
		return raise_errno("measure", "the storage directory");
	*ret_total = (uint64_t)status.f_blocks * status.f_frsize;
	*ret_free = (uint64_t)status.f_bavail * status.f_frsize;
	return 0;
}

/* ------------------------------------------------ init and fini */

int
linux_storage_init(struct linux_env *world, const char *directory)
{
	struct linux_storage *self = &world->storage;

	self->env = world;
	self->directory = -1;
	if (!directory)
		return 0;
	self->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (self->directory < 0)
		return raise_errno("open storage directory", directory);
	self->storage = (struct storage){.create = create_disk,
					 .open = open_disk,
					 .remove = remove_disk,
					 .list = list_disks,
					 .space = measure_space};
	world->env.storage = &self->storage;
	return 0;
}

void
storage_fini(struct linux_env *world)
{
	if (world->storage.directory >= 0)
		close(world->storage.directory);
}
