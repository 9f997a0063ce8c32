/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Mounts of an embedded directory: what two of them see of each other, and what one mount promises
 * to several processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dfuse_bed.h"

#define NOBODY 65534u

static int
make(void **state)
{
	static struct dfuse_bed bed;

	dfuse_bed_make(&bed);
	*state = &bed;
	return 0;
}

static int
unmake(void **state)
{
	dfuse_bed_remove(*state);
	return 0;
}

/* Runs function in a process of its own; its result is the exit status. */
static int
elsewhere(int (*function)(const struct dfuse_bed *bed, int number), const struct dfuse_bed *bed,
	  int number)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(function(bed, number));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ------------------------------------------------ the command line */

static void
test_messages(void **state)
{
	struct dfuse_bed *bed = *state;
	char store[256], file[256], absent[256], text[4096];
	struct {
		const char *arguments[10];
		int status;
		const char *says;
	} rows[] = {
		{{"--help"}, 0, ""},
		{{"--no-such"}, 2, "--help"},
		{{"-f"}, 2, "no mount point"},
		{{"-m", bed->mounts[0], "-t", "0"}, 2, "--thread-count"},
		{{"-m", bed->mounts[0], "-e", "17"}, 2, "--eq-count"},
		{{"-m", bed->mounts[0], "--wait-time=x"}, 2, "--wait-time"},
		{{"-m", bed->mounts[0], "-c", "files"}, 2, "a container is in a pool"},
		{{"-m", bed->mounts[0], "a", "b", "c"}, 2, "what is `c`"},
		{{"-m", bed->mounts[0], "-P", "/x", "-p", "y"}, 2, "--path"},
		{{"-m", bed->mounts[0], "-p", "p", "--snapshot=s"}, 2, "a snapshot is of"},
		{{"-m", absent, "--embedded", store}, 1, "No such file"},
		{{"-m", file, "--embedded", store}, 1, "is no directory"},
		{{"-m", bed->mounts[0], "--embedded", store, "-p", "other", "-c", "x"},
		 1,
		 "pool other"},
		{{"-m", bed->mounts[0], "--embedded", store, "-c", "other"}, 1, "container other"},
	};

	snprintf(store, sizeof(store), "%s/store", bed->directory);
	snprintf(file, sizeof(file), "%s/file", bed->directory);
	snprintf(absent, sizeof(absent), "%s/absent", bed->directory);
	file_put(file, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = dfuse_run(bed, rows[i].arguments, text, sizeof(text));

		if (status != rows[i].status || strstr(text, rows[i].says) == NULL)
			fprintf(stderr, "row %zu: %d, %s\n", i, status, text);
		assert_int_equal(status, rows[i].status);
		assert_non_null(strstr(text, rows[i].says));
	}
}

/* In the background the parent ends when the mount is there, or with what failed. */
static void
test_background(void **state)
{
	struct dfuse_bed *bed = *state;
	char store[256], text[4096];
	const char *arguments[] = {"-m", bed->mounts[0], "--embedded", store, NULL};
	int ended_well = 0;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	snprintf(store, sizeof(store), "%s/store", bed->directory);
	assert_int_equal(dfuse_run(bed, arguments, text, sizeof(text)), 0);
	file_put(at(bed, 0, "here"), "text");
	assert_int_equal(dfuse_run(bed, arguments, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "mounted there already"));
	assert_int_equal(syscall(SYS_umount2, bed->mounts[0], 0), 0);
	/* What went to the background is this process's: the one that serves, and the refused. */
	for (int i = 0; i < 2; i++) {
		int status;

		assert_true(wait(&status) > 0);
		ended_well += status == 0;
	}
	assert_int_equal(ended_well, 1);
	mount_up(bed, 0, NULL);
	file_is(at(bed, 0, "here"), "text");
	mount_down(bed, 0);
}

/* ------------------------------------------------ two mounts */

static void
test_two_mounts_uncached(void **state)
{
	struct dfuse_bed *bed = *state;
	struct stat stat_here;
	int descriptor;

	mount_up(bed, 0, "--disable-caching", NULL);
	mount_up(bed, 1, "--disable-caching", NULL);
	file_put(at(bed, 0, "a"), "one");
	file_is(at(bed, 1, "a"), "one");
	file_put(at(bed, 1, "a"), "second");
	file_is(at(bed, 0, "a"), "second");
	descriptor = open(at(bed, 0, "a"), O_RDWR);
	assert_int_equal(truncate(at(bed, 1, "a"), 3), 0);
	assert_int_equal(fstat(descriptor, &stat_here), 0);
	assert_int_equal(stat_here.st_size, 3);
	assert_int_equal(chmod(at(bed, 1, "a"), 0600), 0);
	assert_int_equal(stat(at(bed, 0, "a"), &stat_here), 0);
	assert_int_equal(stat_here.st_mode & 07777, 0600);
	assert_int_equal(rename(at(bed, 1, "a"), at(bed, 1, "b")), 0);
	assert_int_equal(stat(at(bed, 0, "a"), &stat_here), -1);
	file_is(at(bed, 0, "b"), "sec");
	assert_int_equal(mkdir(at(bed, 0, "d"), 0755), 0);
	file_put(at(bed, 1, "d/x"), "x");
	assert_int_equal(unlink(at(bed, 0, "d/x")), 0);
	assert_int_equal(rmdir(at(bed, 1, "d")), 0);
	assert_int_equal(stat(at(bed, 0, "d"), &stat_here), -1);
	close(descriptor);
	mount_down(bed, 0);
	mount_down(bed, 1);
}

/* Reads a directory to its end, attributes included. */
static unsigned int
list(const char *path)
{
	DIR *stream = opendir(path);
	unsigned int count = 0;

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

/* What one mount moves, the other finds by its new name however it comes across it: in a listing,
 * as what a rename begins with, by an open directory. */
static void
test_moved_by_other(void **state)
{
	struct dfuse_bed *bed = *state;
	struct stat stat_here;
	int directory;

	mount_up(bed, 0, "--disable-caching", NULL);
	mount_up(bed, 1, "--disable-caching", NULL);
	assert_int_equal(mkdir(at(bed, 0, "a"), 0755), 0);
	assert_int_equal(mkdir(at(bed, 0, "b"), 0755), 0);
	assert_int_equal(mkdir(at(bed, 0, "a/d"), 0755), 0);
	file_put(at(bed, 0, "a/f"), "f");
	file_put(at(bed, 0, "a/d/g"), "g");
	file_is(at(bed, 1, "a/f"), "f");
	assert_int_equal(rename(at(bed, 0, "a/f"), at(bed, 0, "b/h")), 0);
	assert_int_equal(list(at(bed, 1, "b")), 3);
	assert_int_equal(chmod(at(bed, 1, "b/h"), 0600), 0);
	assert_int_equal(link(at(bed, 1, "b/h"), at(bed, 1, "b/i")), 0);
	file_is(at(bed, 1, "a/d/g"), "g");
	assert_int_equal(rename(at(bed, 0, "a/d"), at(bed, 0, "b/d")), 0);
	assert_int_equal(rename(at(bed, 1, "b/d"), at(bed, 1, "a/e")), 0);
	file_is(at(bed, 0, "a/e/g"), "g");
	directory = open(at(bed, 1, "a/e"), O_RDONLY | O_DIRECTORY);
	assert_true(directory >= 0);
	assert_int_equal(rename(at(bed, 0, "a/e"), at(bed, 0, "b/e")), 0);
	file_is(at(bed, 1, "b/e/g"), "g");
	assert_int_equal(fstat(directory, &stat_here), 0);
	assert_int_equal(faccessat(directory, "g", R_OK, 0), 0);
	assert_int_equal(close(directory), 0);
	mount_down(bed, 0);
	mount_down(bed, 1);
}

/* A file that lost the name it was last known by is written to: what was read before of the
 * directory with its other name, by look-ups side by side, says nothing of it any more. */
static void
test_changed_by_lost_name(void **state)
{
	struct dfuse_bed *bed = *state;
	struct stat stat_here;
	int descriptor;

	mount_up(bed, 0, NULL);
	assert_int_equal(mkdir(at(bed, 0, "a"), 0755), 0);
	assert_int_equal(mkdir(at(bed, 0, "b"), 0755), 0);
	file_put(at(bed, 0, "a/x"), "first");
	assert_int_equal(link(at(bed, 0, "a/x"), at(bed, 0, "b/y")), 0);
	/* The kernel's own knowledge of names ends after a second. */
	usleep(1200000);
	descriptor = open(at(bed, 0, "b/y"), O_WRONLY);
	assert_true(descriptor >= 0);
	assert_int_equal(unlink(at(bed, 0, "b/y")), 0);
	assert_int_equal(stat(at(bed, 0, "a/p"), &stat_here), -1);
	assert_int_equal(stat(at(bed, 0, "a/q"), &stat_here), -1);
	assert_int_equal(pwrite(descriptor, " and more", 9, 5), 9);
	assert_int_equal(close(descriptor), 0);
	file_is(at(bed, 0, "a/x"), "first and more");
	mount_down(bed, 0);
}

struct expectation {
	const char *path, *content;
};

static bool
content_is(void *argument)
{
	const struct expectation *expectation = argument;
	char content[4096] = "";
	int descriptor = open(expectation->path, O_RDONLY);

	if (descriptor < 0)
		return false;
	assert_true(read(descriptor, content, sizeof(content) - 1) >= 0);
	close(descriptor);
	return strcmp(content, expectation->content) == 0;
}

/* With caching, write-back included, what another mount changed is seen when the times are over
 * that the container states: a second each. */
static void
test_two_mounts_cached(void **state)
{
	struct dfuse_bed *bed = *state;
	struct expectation longer = {at(bed, 0, "a"), "longer than it was"};
	struct expectation shorter = {at(bed, 1, "a"), "short"};
	double begin;

	mount_up(bed, 0, NULL);
	mount_up(bed, 1, NULL);
	file_put(at(bed, 0, "a"), "one");
	file_is(at(bed, 0, "a"), "one");
	file_is(at(bed, 1, "a"), "one");
	begin = seconds_now();
	file_put(at(bed, 1, "a"), longer.content);
	assert_true(becomes(content_is, &longer));
	file_put(at(bed, 0, "a"), shorter.content);
	assert_true(becomes(content_is, &shorter));
	/* Two times of a second, and what a slow machine needs. */
	assert_true(seconds_now() - begin < 8);
	mount_down(bed, 0);
	mount_down(bed, 1);
}

/* ------------------------------------------------ appending */

#define APPENDERS 4
#define LINES 40

static int
append_lines(const struct dfuse_bed *bed, int number)
{
	int descriptor = open(at(bed, number % 2, "log"), O_WRONLY | O_APPEND | O_CREAT, 0644);
	char line[64];

	for (int i = 0; descriptor >= 0 && i < LINES; i++) {
		int length = snprintf(line, sizeof(line), "%d:%d:%.*s\n", number, i, i % 20,
				      "xxxxxxxxxxxxxxxxxxxxxxxx");

		if (write(descriptor, line, (size_t)length) != length)
			return 1;
	}
	return descriptor < 0 || close(descriptor) != 0;
}

static void
test_append(void **state)
{
	struct dfuse_bed *bed = *state;
	int next[APPENDERS] = {0}, status, number, index, lines = 0;
	char line[128];
	FILE *file;

	mount_up(bed, 0, NULL);
	mount_up(bed, 1, NULL);
	for (int i = 0; i < APPENDERS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			_exit(append_lines(bed, i));
	}
	for (int i = 0; i < APPENDERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	/* Each process's lines are whole and in order. */
	mount_down(bed, 1);
	mount_up(bed, 1, NULL);
	file = fopen(at(bed, 1, "log"), "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(sscanf(line, "%d:%d:", &number, &index), 2);
		assert_int_equal(next[number]++, index);
		lines++;
	}
	fclose(file);
	assert_int_equal(lines, APPENDERS * LINES);
	mount_down(bed, 0);
	mount_down(bed, 1);
}

/* What a process here has written and the kernel holds back is not overwritten. */
static void
test_append_beside_writer(void **state)
{
	struct dfuse_bed *bed = *state;
	int writer, appender;
	struct stat stat_here;

	mount_up(bed, 0, NULL);
	writer = open(at(bed, 0, "both"), O_WRONLY | O_CREAT, 0644);
	assert_int_equal(write(writer, "0123456789", 10), 10);
	appender = open(at(bed, 0, "both"), O_WRONLY | O_APPEND);
	assert_int_equal(write(appender, "ab", 2), 2);
	assert_int_equal(fstat(appender, &stat_here), 0);
	assert_int_equal(stat_here.st_size, 12);
	assert_int_equal(close(writer), 0);
	assert_int_equal(write(appender, "cd", 2), 2);
	assert_int_equal(close(appender), 0);
	file_is(at(bed, 0, "both"), "0123456789abcd");
	mount_down(bed, 0);
	mount_up(bed, 0, NULL);
	file_is(at(bed, 0, "both"), "0123456789abcd");
	mount_down(bed, 0);
}

/* ------------------------------------------------ locks */

static int
try_locks(const struct dfuse_bed *bed, int number)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10};
	int descriptor = open(at(bed, 0, "locked"), O_RDWR);

	if (descriptor < 0)
		return 9;
	/* 1: the whole file; 2: a range that is taken; 3: a range beside it. */
	if (number == 1)
		return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK;
	if (number == 3)
		range.l_start = 100;
	return fcntl(descriptor, F_SETLK, &range) == 0 ? 0 : errno == EAGAIN;
}

static void
test_locks(void **state)
{
	struct dfuse_bed *bed = *state;
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
	int descriptor;

	mount_up(bed, 0, NULL);
	file_put(at(bed, 0, "locked"), "text");
	descriptor = open(at(bed, 0, "locked"), O_RDWR);
	assert_int_equal(flock(descriptor, LOCK_EX), 0);
	assert_int_equal(elsewhere(try_locks, bed, 1), 1);
	assert_int_equal(flock(descriptor, LOCK_UN), 0);
	assert_int_equal(elsewhere(try_locks, bed, 1), 0);
	assert_int_equal(fcntl(descriptor, F_SETLK, &range), 0);
	assert_int_equal(elsewhere(try_locks, bed, 2), 1);
	assert_int_equal(elsewhere(try_locks, bed, 3), 0);
	close(descriptor);
	assert_int_equal(elsewhere(try_locks, bed, 2), 0);
	mount_down(bed, 0);
}

/* ------------------------------------------------ open files without a name */

static void
test_unlinked(void **state)
{
	struct dfuse_bed *bed = *state;
	struct stat stat_here;
	char content[16] = "";
	int first, second;

	mount_up(bed, 0, "--disable-caching", NULL);
	file_put(at(bed, 0, "a"), "content");
	first = open(at(bed, 0, "a"), O_RDWR);
	assert_int_equal(unlink(at(bed, 0, "a")), 0);
	assert_int_equal(pread(first, content, 7, 0), 7);
	assert_string_equal(content, "content");
	assert_int_equal(pwrite(first, "C", 1, 0), 1);
	assert_int_equal(fstat(first, &stat_here), 0);
	assert_int_equal(stat_here.st_nlink, 0);
	assert_int_equal(ftruncate(first, 3), 0);
	assert_int_equal(fchmod(first, 0600), 0);
	assert_int_equal(fstat(first, &stat_here), 0);
	assert_int_equal(stat_here.st_size, 3);
	assert_int_equal(stat_here.st_mode & 07777, 0600);
	file_put(at(bed, 0, "a"), "anew");
	second = open(at(bed, 0, "a"), O_RDONLY);
	file_put(at(bed, 0, "b"), "other");
	assert_int_equal(rename(at(bed, 0, "b"), at(bed, 0, "a")), 0);
	assert_int_equal(read(second, content, 4), 4);
	assert_memory_equal(content, "anew", 4);
	assert_int_equal(fstat(second, &stat_here), 0);
	file_is(at(bed, 0, "a"), "other");
	close(first);
	close(second);
	mount_down(bed, 0);
}

/* ------------------------------------------------ holes */

#define MIB (1024l * 1024)

static void
holes_of(struct dfuse_bed *bed, bool sync_before)
{
	int descriptor = open(at(bed, 0, "holes"), O_RDWR | O_CREAT | O_TRUNC, 0644);
	char block[4096], zeros[4096] = {0};

	memset(block, 'b', sizeof(block));
	assert_int_equal(ftruncate(descriptor, 40 * MIB), 0);
	assert_int_equal(pwrite(descriptor, block, 4096, 8192), 4096);
	assert_int_equal(pwrite(descriptor, block, 4096, 30 * MIB), 4096);
	if (sync_before)
		assert_int_equal(fsync(descriptor), 0);
	assert_int_equal(lseek(descriptor, 0, SEEK_DATA), 8192);
	assert_int_equal(lseek(descriptor, 8192, SEEK_HOLE), 12288);
	assert_int_equal(lseek(descriptor, 0, SEEK_HOLE), 0);
	assert_int_equal(lseek(descriptor, 12288, SEEK_DATA), 30 * MIB);
	assert_int_equal(lseek(descriptor, 30 * MIB + 4095, SEEK_HOLE), 30 * MIB + 4096);
	assert_int_equal(lseek(descriptor, 40 * MIB, SEEK_DATA), -1);
	assert_int_equal(errno, ENXIO);
	assert_int_equal(lseek(descriptor, 40 * MIB - 1, SEEK_HOLE), 40 * MIB);

	assert_int_equal(
		fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 4096), 0);
	assert_int_equal(lseek(descriptor, 0, SEEK_DATA), 30 * MIB);
	assert_int_equal(pread(descriptor, block, 4096, 8192), 4096);
	assert_memory_equal(block, zeros, 4096);
	/* A hole up to the end leaves the length as it is. */
	assert_int_equal(fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 30 * MIB,
				   20 * MIB),
			 0);
	assert_int_equal(lseek(descriptor, 0, SEEK_END), 40 * MIB);
	assert_int_equal(fallocate(descriptor, FALLOC_FL_ZERO_RANGE, 39 * MIB, 2 * MIB), 0);
	assert_int_equal(lseek(descriptor, 0, SEEK_END), 41 * MIB);
	assert_int_equal(fallocate(descriptor, 0, 0, 42 * MIB), 0);
	assert_int_equal(lseek(descriptor, 0, SEEK_END), 42 * MIB);
	assert_int_equal(fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, 50 * MIB), 0);
	assert_int_equal(lseek(descriptor, 0, SEEK_END), 42 * MIB);
	close(descriptor);
}

static void
test_holes(void **state)
{
	struct dfuse_bed *bed = *state;

	mount_up(bed, 0, NULL);
	holes_of(bed, true);
	holes_of(bed, false);
	mount_down(bed, 0);
	mount_up(bed, 0, "--disable-caching", NULL);
	holes_of(bed, false);
	mount_down(bed, 0);
}

static void
test_copies(void **state)
{
	struct dfuse_bed *bed = *state;
	int from, to;
	off_t from_offset = 1, to_offset = 3;

	mount_up(bed, 0, NULL);
	from = open(at(bed, 0, "from"), O_RDWR | O_CREAT, 0644);
	to = open(at(bed, 0, "to"), O_RDWR | O_CREAT, 0644);
	assert_int_equal(write(from, "0123456789", 10), 10);
	assert_int_equal(write(to, "abcdef", 6), 6);
	assert_int_equal(copy_file_range(from, &from_offset, to, &to_offset, 4, 0), 4);
	assert_int_equal(copy_file_range(from, &from_offset, to, &to_offset, 100, 0), 5);
	assert_int_equal(copy_file_range(from, &from_offset, to, &to_offset, 100, 0), 0);
	close(from);
	close(to);
	file_is(at(bed, 0, "to"), "abc123456789");
	mount_down(bed, 0);
}

/* ------------------------------------------------ users */

static int
as_nobody(const struct dfuse_bed *bed, int number)
{
	struct stat stat_here;
	int descriptor;

	(void)number;
	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 1;
	descriptor = open(at(bed, 0, "shared/own"), O_RDWR | O_CREAT, 0644);
	if (descriptor < 0 || fstat(descriptor, &stat_here) != 0)
		return 2;
	if (stat_here.st_uid != NOBODY || stat_here.st_gid != NOBODY)
		return 3;
	if (open(at(bed, 0, "closed"), O_RDONLY) >= 0 || errno != EACCES)
		return 4;
	if (open(at(bed, 0, "seen"), O_WRONLY) >= 0 || errno != EACCES)
		return 5;
	if (mkdir(at(bed, 0, "new"), 0755) == 0 || errno != EACCES)
		return 6;
	if (chmod(at(bed, 0, "seen"), 0777) == 0 || errno != EPERM)
		return 7;
	/* Whoever writes takes the set-user-id bit away. */
	descriptor = open(at(bed, 0, "shared/suid"), O_WRONLY);
	if (descriptor < 0 || write(descriptor, "x", 1) != 1 || close(descriptor) != 0)
		return 8;
	if (stat(at(bed, 0, "shared/suid"), &stat_here) != 0 || stat_here.st_mode & S_ISUID)
		return 9;
	if (mkdir(at(bed, 0, "shared/group/in"), 0755) != 0 ||
	    stat(at(bed, 0, "shared/group/in"), &stat_here) != 0)
		return 10;
	return stat_here.st_gid == 7 && stat_here.st_mode & S_ISGID ? 0 : 11;
}

static int
sees_nothing(const struct dfuse_bed *bed, int number)
{
	struct stat stat_here;

	(void)number;
	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 1;
	return stat(at(bed, 0, "seen"), &stat_here) != 0 && errno == EACCES ? 0 : 2;
}

static void
test_users(void **state)
{
	struct dfuse_bed *bed = *state;

	mount_up(bed, 0, "--multi-user", NULL);
	file_put(at(bed, 0, "closed"), "x");
	assert_int_equal(chmod(at(bed, 0, "closed"), 0600), 0);
	file_put(at(bed, 0, "seen"), "x");
	assert_int_equal(mkdir(at(bed, 0, "shared"), 0755), 0);
	assert_int_equal(chmod(at(bed, 0, "shared"), 0777), 0);
	file_put(at(bed, 0, "shared/suid"), "x");
	assert_int_equal(chmod(at(bed, 0, "shared/suid"), 04777), 0);
	assert_int_equal(mkdir(at(bed, 0, "shared/group"), 0755), 0);
	assert_int_equal(chown(at(bed, 0, "shared/group"), 0, 7), 0);
	assert_int_equal(chmod(at(bed, 0, "shared/group"), 02777), 0);
	assert_int_equal(elsewhere(as_nobody, bed, 0), 0);
	mount_down(bed, 0);
	mount_up(bed, 0, NULL);
	assert_int_equal(elsewhere(sees_nothing, bed, 0), 0);
	mount_down(bed, 0);
}

static void
test_read_only(void **state)
{
	struct dfuse_bed *bed = *state;
	struct statfs figures;

	mount_up(bed, 0, NULL);
	file_put(at(bed, 0, "a"), "text");
	mount_down(bed, 0);
	mount_up(bed, 0, "-r", NULL);
	file_is(at(bed, 0, "a"), "text");
	assert_int_equal(open(at(bed, 0, "a"), O_WRONLY), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(mkdir(at(bed, 0, "d"), 0755), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(unlink(at(bed, 0, "a")), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(setxattr(at(bed, 0, "a"), "user.x", "y", 1, 0), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(statfs(bed->mounts[0], &figures), 0);
	assert_true(figures.f_blocks > 0 && figures.f_bfree <= figures.f_blocks);
	mount_down(bed, 0);
}

/* ------------------------------------------------ the end */

/* Files are open and the kernel holds back what was written: it is written before the end. */
static void
test_terminated(void **state)
{
	struct dfuse_bed *bed = *state;
	int descriptor;

	mount_up(bed, 0, NULL);
	descriptor = open(at(bed, 0, "dirty"), O_WRONLY | O_CREAT, 0644);
	assert_int_equal(write(descriptor, "not lost", 8), 8);
	mount_terminate(bed, 0);
	assert_int_equal(write(descriptor, "x", 1), -1);
	close(descriptor);
	mount_up(bed, 0, NULL);
	file_is(at(bed, 0, "dirty"), "not lost");
	mount_terminate(bed, 0);
	/* One thread, and no queues. */
	mount_up(bed, 0, "-S", NULL);
	file_is(at(bed, 0, "dirty"), "not lost");
	mount_terminate(bed, 0);
	mount_up(bed, 0, "-S", NULL);
	descriptor = open(at(bed, 0, "dirty"), O_RDONLY);
	assert_true(descriptor >= 0);
	assert_int_equal(kill(bed->servers[0], SIGINT), 0);
	mount_terminate(bed, 0);
	close(descriptor);
}

/* ------------------------------------------------ query and evict */

static unsigned int
figure(const struct dfuse_bed *bed, const char *name)
{
	char text[256] = "", pattern[64];
	const char *found;

	assert_true(getxattr(bed->mounts[0], "user.dfuse.query", text, sizeof(text) - 1) > 0);
	snprintf(pattern, sizeof(pattern), "\"%s\":", name);
	found = strstr(text, pattern);
	assert_non_null(found);
	return (unsigned int)strtoul(found + strlen(pattern), NULL, 10);
}

static bool
is_forgotten(void *argument)
{
	return figure(argument, "inodes") == 2;
}

static void
test_evict(void **state)
{
	struct dfuse_bed *bed = *state;
	char name[32];
	int descriptor;

	mount_up(bed, 0, NULL);
	assert_int_equal(mkdir(at(bed, 0, "d"), 0755), 0);
	assert_int_equal(mkdir(at(bed, 0, "d/e"), 0755), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), i % 2 ? "d/%d" : "d/e/%d", i);
		file_put(at(bed, 0, name), "x");
	}
	file_put(at(bed, 0, "beside"), "x");
	descriptor = open(at(bed, 0, "beside"), O_RDONLY);
	assert_true(figure(bed, "inodes") >= 24);
	assert_int_equal(figure(bed, "open_files"), 1);
	assert_int_equal(figure(bed, "containers"), 1);
	assert_int_equal(figure(bed, "pools"), 1);
	assert_int_equal(setxattr(at(bed, 0, "d"), "user.dfuse.evict", "1", 1, 0), 0);
	/* The root, and what is open. */
	assert_true(becomes(is_forgotten, bed));
	close(descriptor);
	file_is(at(bed, 0, "d/e/2"), "x");
	mount_down(bed, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, make, unmake),
		cmocka_unit_test_setup_teardown(test_background, make, unmake),
		cmocka_unit_test_setup_teardown(test_two_mounts_uncached, make, unmake),
		cmocka_unit_test_setup_teardown(test_moved_by_other, make, unmake),
		cmocka_unit_test_setup_teardown(test_changed_by_lost_name, make, unmake),
		cmocka_unit_test_setup_teardown(test_two_mounts_cached, make, unmake),
		cmocka_unit_test_setup_teardown(test_append, make, unmake),
		cmocka_unit_test_setup_teardown(test_append_beside_writer, make, unmake),
		cmocka_unit_test_setup_teardown(test_locks, make, unmake),
		cmocka_unit_test_setup_teardown(test_unlinked, make, unmake),
		cmocka_unit_test_setup_teardown(test_holes, make, unmake),
		cmocka_unit_test_setup_teardown(test_copies, make, unmake),
		cmocka_unit_test_setup_teardown(test_users, make, unmake),
		cmocka_unit_test_setup_teardown(test_read_only, make, unmake),
		cmocka_unit_test_setup_teardown(test_terminated, make, unmake),
		cmocka_unit_test_setup_teardown(test_evict, make, unmake),
	};

	if (!mounts_are_possible())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
