/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Attributes: modes, owners, times, extended ones; who may do what; listings. */
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

#include "posix.h"

#define OTHER 65534u

static void
times(void)
{
	static const struct timespec values[] = {
		{0, 0}, {1, 999999999}, {1000000000, 1}, {2147483647, 5}, {4102444800, 123456789}};
	struct timespec pair[2];
	struct stat first, second;

	write_file("t", "content");
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char text[64];

		pair[0] = values[i];
		pair[1] = values[i];
		check(utimensat(AT_FDCWD, "t", pair, 0), "time %zu", i);
		if (stat("t", &first) != 0)
			exit(2);
		snprintf(text, sizeof(text), "%lld.%09ld", (long long)first.st_mtim.tv_sec,
			 first.st_mtim.tv_nsec);
		check_text(text, "time %zu is kept", i);
	}
	pair[1].tv_nsec = UTIME_OMIT;
	check(utimensat(AT_FDCWD, "t", pair, 0), "time left out");
	check(stat("t", &second) == 0 && second.st_mtim.tv_sec == first.st_mtim.tv_sec,
	      "is as it was");
	pair[1].tv_nsec = UTIME_NOW;
	check(utimensat(AT_FDCWD, "t", pair, 0), "time now");
	check(stat("t", &second) == 0 && second.st_mtim.tv_sec > 1700000000 &&
		      second.st_mtim.tv_sec < 4000000000,
	      "is about now");
	if (symlink("t", "tl") != 0)
		exit(2);
	pair[0] = values[2];
	pair[1] = values[2];
	check(utimensat(AT_FDCWD, "tl", pair, AT_SYMLINK_NOFOLLOW), "time of a link");
	check(lstat("tl", &second) == 0 ? (long)second.st_mtim.tv_sec : -1, "kept by the link");
	pair[1].tv_nsec = 1000000000;
	check(utimensat(AT_FDCWD, "t", pair, 0), "more nanoseconds than a second has");
}

static bool
later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* What moves the times of a file and of its directory. */
static void
time_moves(void)
{
	static const char *const names[] = {
		"write",	   "truncate", "chmod", "create beside it", "rename beside it",
		"unlink beside it"};
	const struct timespec old[2] = {{1000, 0}, {1000, 0}};
	struct stat file, directory;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		make(DIRECTORY, "w");
		write_file("w/f", "content");
		write_file("w/g", "content");
		if (utimensat(AT_FDCWD, "w/f", old, 0) != 0 ||
		    utimensat(AT_FDCWD, "w", old, 0) != 0)
			exit(2);
		if (i == 0)
			write_file("w/f", "other");
		else if (i == 1 && truncate("w/f", 2) != 0)
			exit(2);
		else if (i == 2 && chmod("w/f", 0600) != 0)
			exit(2);
		else if (i == 3)
			write_file("w/h", "new");
		else if (i == 4 && rename("w/g", "w/i") != 0)
			exit(2);
		else if (i == 5 && unlink("w/g") != 0)
			exit(2);
		if (stat("w/f", &file) != 0 || stat("w", &directory) != 0)
			exit(2);
		check(later(&file.st_mtim, &old[0]), "%s moves the file's time", names[i]);
		check(later(&directory.st_mtim, &old[0]), "%s moves the directory's time",
		      names[i]);
		unmake("w");
	}
}

static void
extended(void)
{
	char value[300];
	static const char *const names[] = {"user.a", "user.b", "user.with space", "user.\xc3\xa4"};

	write_file("e", "content");
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		check(getxattr("e", names[i], value, sizeof(value)), "%zu absent", i);
		check(setxattr("e", names[i], "value", 5, XATTR_REPLACE), "%zu to be replaced", i);
		check(setxattr("e", names[i], "value", 5, XATTR_CREATE), "%zu to be made", i);
		check(setxattr("e", names[i], "value", 5, XATTR_CREATE), "%zu to be made again", i);
		check(setxattr("e", names[i], "longer value", 12, 0), "%zu replaced", i);
		check(getxattr("e", names[i], NULL, 0), "%zu size", i);
		check(getxattr("e", names[i], value, 3), "%zu into too little", i);
		check(getxattr("e", names[i], value, sizeof(value)), "%zu", i);
	}
	check(setxattr("e", "user.empty", "", 0, 0), "an empty one");
	check(getxattr("e", "user.empty", value, sizeof(value)), "is empty");
	check(listxattr("e", NULL, 0), "the names' size");
	check(removexattr("e", "user.a"), "removed");
	check(removexattr("e", "user.a"), "removed again");
	check(getxattr("e", "user.a", value, sizeof(value)), "gone");
	check(listxattr("e", value, 2), "names into too little");
	check(setxattr("e", "", "x", 1, 0), "without a name");
	check(rename("e", "e2"), "renamed with them");
	check(getxattr("e2", "user.b", value, sizeof(value)), "they come along");
}

static void
owners(void)
{
	struct stat stat;

	write_file("o", "content");
	check(chmod("o", 04755), "set-user bit");
	check(chown("o", OTHER, OTHER), "owner");
	check(lstat("o", &stat) == 0 ? (long)stat.st_uid : -1, "user");
	check(lstat("o", &stat) == 0 ? (long)stat.st_gid : -1, "group");
	check(chown("o", (uid_t)-1, 100), "group alone");
	check(lstat("o", &stat) == 0 ? (long)stat.st_uid : -1, "user as it was");
	check(chmod("o", 01777), "sticky bit");
	check_text(describe("o"), "bits");
	if (symlink("o", "ol") != 0)
		exit(2);
	check(lchown("ol", 5, 6), "owner of a link");
	check(lstat("ol", &stat) == 0 ? (long)stat.st_uid : -1, "of the link itself");
}

void
checks_attributes(void)
{
	struct statvfs figures;

	group_begin("attributes");
	times();
	time_moves();
	extended();
	owners();
	check(statvfs(".", &figures), "figures");
	check(figures.f_namemax, "longest name");
	check(figures.f_blocks >= figures.f_bfree && figures.f_bfree >= figures.f_bavail &&
		      figures.f_blocks,
	      "their order");
	group_end();
}

/* ------------------------------------------------ who may */

struct trial {
	const char *name;
	int flags;
};

static long
try_open(void *argument)
{
	const struct trial *trial = argument;
	int file = open(trial->name, trial->flags, 0666);

	return file < 0 ? -1 : 0;
}

static long
try_access(void *argument)
{
	const struct trial *trial = argument;

	return access(trial->name, trial->flags);
}

static long
try_chmod(void *argument)
{
	return chmod(argument, 0777);
}

static long
try_unlink(void *argument)
{
	return unlink(argument);
}

static long
try_rename(void *argument)
{
	return rename(argument, "d/renamed");
}

static long
try_chown(void *argument)
{
	return chown(argument, 1, 1);
}

static long
try_times(void *argument)
{
	return utimensat(AT_FDCWD, argument, NULL, 0);
}

static void
access_file(mode_t mode, uid_t owner)
{
	static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR};
	static const int masks[] = {R_OK, W_OK, X_OK, R_OK | W_OK | X_OK};

	write_file("f", "content");
	if (chown("f", owner, owner) != 0 || chmod("f", mode) != 0)
		exit(2);
	for (size_t i = 0; i < COUNT_OF(flags); i++) {
		struct trial trial = {"f", flags[i]};

		check(as_user(OTHER, try_open, &trial), "open %zu, mode %o, owner %u", i, mode,
		      owner);
	}
	for (size_t i = 0; i < COUNT_OF(masks); i++) {
		struct trial trial = {"f", masks[i]};

		check(as_user(OTHER, try_access, &trial), "access %zu, mode %o, owner %u", i, mode,
		      owner);
	}
	unlink("f");
}

static void
access_directory(mode_t mode, uid_t owner)
{
	struct trial trial = {"d/new", O_RDWR | O_CREAT | O_EXCL};

	make(DIRECTORY, "d");
	write_file("d/f", "content");
	write_file("d/g", "content");
	if (chown("d", owner, owner) != 0 || chmod("d", mode) != 0)
		exit(2);
	check(as_user(OTHER, try_open, &trial), "create, directory %o, owner %u", mode, owner);
	check(as_user(OTHER, try_rename, (void *)(uintptr_t) "d/g"),
	      "rename, directory %o, owner %u", mode, owner);
	check(as_user(OTHER, try_unlink, (void *)(uintptr_t) "d/f"),
	      "unlink, directory %o, owner %u", mode, owner);
	unmake("d");
}

void
checks_access(void)
{
	static const mode_t modes[] = {0,    0400, 0200, 0100, 0600, 0040,
				       0020, 0004, 0002, 0006, 0644, 0777};
	static const mode_t directories[] = {0, 0111, 0222, 0333, 0444, 0555, 0755, 0777, 01777};
	static const uid_t users[] = {0, OTHER};

	if (getuid() != 0)
		return;
	group_begin("access");
	if (chmod(".", 0777) != 0)
		exit(2);
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		for (size_t j = 0; j < COUNT_OF(modes); j++)
			access_file(modes[j], users[i]);
		for (size_t j = 0; j < COUNT_OF(directories); j++)
			access_directory(directories[j], users[i]);
	}
	write_file("mine", "content");
	check(as_user(OTHER, try_chmod, (void *)(uintptr_t) "mine"), "mode of somebody else's");
	check(as_user(OTHER, try_chown, (void *)(uintptr_t) "mine"), "owner of somebody else's");
	check(as_user(OTHER, try_times, (void *)(uintptr_t) "mine"), "times of somebody else's");
	group_end();
}

/* ------------------------------------------------ listings */

static int
text_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All names in order, in one text. */
static void
listing_check(DIR *directory, const char *what)
{
	static char names[1200][32];
	uint64_t sum = 7;
	size_t count = 0;
	struct dirent *entry;
	char text[64];

	while (count < COUNT_OF(names) && (entry = readdir(directory)) != NULL)
		snprintf(names[count++], sizeof(names[0]), "%.31s", entry->d_name);
	qsort(names, count, sizeof(names[0]), text_compare);
	for (size_t i = 0; i < count; i++)
		for (const char *c = names[i]; *c; c++)
			sum = sum * 31 + (unsigned char)*c;
	snprintf(text, sizeof(text), "%zu names, sum %016llx", count, (unsigned long long)sum);
	check_text(text, "%s", what);
}

void
checks_directory(void)
{
	char name[32];
	DIR *directory;
	struct dirent *entry;
	long place = 0;

	group_begin("directory");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		if (i % 3 == 0)
			write_file(name, "x");
		else if (i % 3 == 1)
			make(DIRECTORY, name);
		else if (symlink("x", name) != 0)
			exit(2);
	}
	directory = opendir(".");
	listing_check(directory, "a thousand names");
	rewinddir(directory);
	listing_check(directory, "from the start again");
	rewinddir(directory);
	for (int i = 0; i < 500 && (entry = readdir(directory)) != NULL; i++)
		place = telldir(directory);
	entry = readdir(directory);
	snprintf(name, sizeof(name), "%.31s", entry ? entry->d_name : "");
	seekdir(directory, place);
	entry = readdir(directory);
	check(entry && strcmp(entry->d_name, name) == 0, "back to a place");
	rewinddir(directory);
	for (unsigned int seen[16] = {0}, i = 0;; i++) {
		entry = readdir(directory);
		if (entry == NULL) {
			check(seen[DT_REG], "files");
			check(seen[DT_DIR], "directories");
			check(seen[DT_LNK], "links");
			break;
		}
		seen[entry->d_type & 15]++;
	}
	rewinddir(directory);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "entry-%d", i);
		if (i % 2 == 0)
			check(i % 3 == 1 ? rmdir(name) : unlink(name), "removing %d", i);
	}
	rewinddir(directory);
	listing_check(directory, "what is left");
	closedir(directory);
	check(opendir("entry-3") ? 0 : -1, "a listing of a file");
	check(opendir("absent") ? 0 : -1, "a listing of what is absent");
	group_end();
}
