/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Opening, names of every byte, making and removing, links. */
#include <limits.h>

#include "posix.h"

/* ------------------------------------------------ open */

struct flag_row {
	const char *name;
	int flags;
};

static const struct flag_row flag_rows[] = {
	{"RDONLY", O_RDONLY},
	{"WRONLY", O_WRONLY},
	{"RDWR", O_RDWR},
	{"RDWR|APPEND", O_RDWR | O_APPEND},
	{"RDONLY|TRUNC", O_RDWR | O_TRUNC},
	{"CREAT", O_RDWR | O_CREAT},
	{"CREAT|EXCL", O_RDWR | O_CREAT | O_EXCL},
	{"CREAT|TRUNC", O_RDWR | O_CREAT | O_TRUNC},
	{"DIRECTORY", O_RDONLY | O_DIRECTORY},
	{"NOFOLLOW", O_RDONLY | O_NOFOLLOW},
	{"CREAT|NOFOLLOW", O_RDWR | O_CREAT | O_NOFOLLOW},
	{"PATH", O_PATH},
	{"PATH|NOFOLLOW", O_PATH | O_NOFOLLOW},
};

static void
open_one(enum kind kind, const struct flag_row *row)
{
	int file;

	make(kind, "x");
	file = open("x", row->flags, 0640);
	check(file < 0 ? -1 : 0, "%s of %s", row->name, kind_names[kind]);
	if (file >= 0)
		close(file);
	check_text(describe("x"), "%s of %s leaves", row->name, kind_names[kind]);
	unmake("x");
}

static void
open_modes(void)
{
	static const mode_t masks[] = {0, 022, 077};
	static const mode_t modes[] = {0, 0200, 0444, 0644, 0777, 04755, 01777};

	for (size_t i = 0; i < COUNT_OF(masks); i++)
		for (size_t j = 0; j < COUNT_OF(modes); j++) {
			mode_t former = umask(masks[i]);
			int file = open("m", O_WRONLY | O_CREAT | O_EXCL, modes[j]);

			umask(former);
			check(file < 0 ? -1 : 0, "mode %o, mask %o", modes[j], masks[i]);
			check_text(describe("m"), "mode %o, mask %o makes", modes[j], masks[i]);
			close(file);
			unlink("m");
		}
}

void
checks_open(void)
{
	group_begin("open");
	for (int kind = ABSENT; kind < KINDS; kind++)
		for (size_t i = 0; i < COUNT_OF(flag_rows); i++)
			open_one((enum kind)kind, &flag_rows[i]);
	open_modes();
	write_file("f", "content");
	check(open("f/", O_RDONLY), "a file with a slash behind");
	check(open("f/x", O_RDONLY), "beneath a file");
	check(open("f/../f", O_RDONLY), "through a file");
	check(open("", O_RDONLY), "no name");
	check(open("absent/x", O_RDWR | O_CREAT, 0666), "in a directory that is absent");
	check(open(".", O_RDWR), "a directory for writing");
	check(open("new/", O_RDWR | O_CREAT, 0666), "making with a slash behind");
	group_end();
}

/* ------------------------------------------------ names */

/* Whether a listing shows name, and nothing else. */
static const char *
only_entry(const char *name)
{
	DIR *directory = opendir(".");
	struct dirent *entry;
	unsigned int others = 0, found = 0;

	if (directory == NULL)
		return "no listing";
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (strcmp(entry->d_name, name) == 0)
			found++;
		else
			others++;
	}
	closedir(directory);
	return found == 1 && others == 0 ? "listed" : "not listed as it is";
}

static void
every_byte(void)
{
	for (unsigned int byte = 1; byte < 256; byte++) {
		char name[] = {'a', (char)byte, 'b', '\0'};
		int file;

		if (byte == '/')
			continue;
		file = open(name, O_RDWR | O_CREAT | O_EXCL, 0666);
		check(file < 0 ? -1 : 0, "byte %u is made", byte);
		close(file);
		check_text(only_entry(name), "byte %u", byte);
		check(unlink(name), "byte %u goes", byte);
	}
}

static void
name_lengths(void)
{
	static const size_t lengths[] = {1, 2, 127, 128, 254, 255, 256, 300, 1000, 4000, 5000};
	char *name = malloc(6000);
	char text[400];

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		struct stat stat;

		memset(name, 'n', lengths[i]);
		name[lengths[i]] = '\0';
		check(mkdir(name, 0777), "mkdir of %zu bytes", lengths[i]);
		check(lstat(name, &stat), "stat of %zu bytes", lengths[i]);
		check(rmdir(name), "rmdir of %zu bytes", lengths[i]);
		check(symlink("x", name), "symlink named by %zu bytes", lengths[i]);
		check(unlink(name), "unlink of %zu bytes", lengths[i]);
		check(symlink(name, "s"), "symlink to %zu bytes", lengths[i]);
		snprintf(text, sizeof(text), "%zd", readlink("s", name, 6000));
		check_text(text, "readlink of %zu bytes", lengths[i]);
		unlink("s");
	}
	free(name);
}

static void
link_chains(void)
{
	char name[32], target[32];
	struct stat status;

	write_file("end", "content");
	for (int i = 0; i < 45; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), i ? "l%d" : "end", i - 1);
		if (symlink(target, name) != 0)
			exit(2);
		check(stat(name, &status), "%d links one after another", i + 1);
	}
}

void
checks_names(void)
{
	group_begin("names");
	every_byte();
	name_lengths();
	check(mkdir("a//b", 0777), "two slashes in a directory that is absent");
	check(mkdir("a", 0777), "a directory");
	check(mkdir("a//b", 0777), "two slashes");
	check(mkdir("a/./c", 0777), "through a dot");
	check(mkdir("a/b/../d", 0777), "through two dots");
	check(rmdir("a/b/."), "rmdir of a dot");
	check(rmdir("a/b/.."), "rmdir of two dots");
	check(unlink("a/b/.."), "unlink of two dots");
	check(rmdir("a/b/"), "rmdir with a slash behind");
	check(mkdir(".", 0777), "mkdir of a dot");
	check(mkdir("..", 0777), "mkdir of two dots");
	check(rename(".", "e"), "rename of a dot");
	check(rename("a", ".."), "rename to two dots");
	check(mkdir("", 0777), "mkdir without a name");
	link_chains();
	group_end();
}

/* ------------------------------------------------ making and removing */

static void
tree_one(enum kind kind)
{
	const char *name = kind_names[kind];
	char target[64];
	struct stat status;

	make(kind, "x");
	check(mkdir("x", 0750), "mkdir over %s", name);
	check_text(describe("x"), "mkdir over %s leaves", name);
	unmake("x");
	make(kind, "x");
	check(rmdir("x"), "rmdir of %s", name);
	check_text(describe("x"), "rmdir of %s leaves", name);
	unmake("x");
	make(kind, "x");
	check(unlink("x"), "unlink of %s", name);
	check_text(describe("x"), "unlink of %s leaves", name);
	unmake("x");
	make(kind, "x");
	check(symlink("there", "x"), "symlink over %s", name);
	check_text(describe("x"), "symlink over %s leaves", name);
	unmake("x");
	make(kind, "x");
	check(stat("x", &status), "stat of %s", name);
	check(readlink("x", target, sizeof(target)), "readlink of %s", name);
	check(truncate("x", 3), "truncate of %s", name);
	check(chmod("x", 0700), "chmod of %s", name);
	check(access("x", F_OK), "access of %s", name);
	check(mkdir("x/y", 0777), "mkdir beneath %s", name);
	check(open("x/z", O_RDWR | O_CREAT, 0666) < 0 ? -1 : 0, "create beneath %s", name);
	check(chdir("x") == 0 ? chdir(kind == LINK_DIRECTORY ? "../" : "..") : -1, "chdir to %s",
	      name);
	unmake("x");
}

void
checks_tree(void)
{
	group_begin("tree");
	for (int kind = ABSENT; kind < KINDS; kind++)
		tree_one((enum kind)kind);
	check(mkfifo("fifo", 0666) == 0 || errno == EOPNOTSUPP ? 0 : -1, "a pipe, or none at all");
	unlink("fifo");
	for (int i = 0; i < 60; i++) {
		check(mkdir("deep", 0777), "depth %d", i + 1);
		check(chdir("deep"), "into depth %d", i + 1);
	}
	for (int i = 0; i < 60; i++)
		if (chdir("..") != 0)
			exit(2);
	group_end();
}

/* ------------------------------------------------ links */

static void
link_one(enum kind kind)
{
	const char *name = kind_names[kind];

	make(kind, "x");
	check(link("x", "y"), "link of %s", name);
	check_text(describe("y"), "link of %s makes", name);
	unmake("y");
	write_file("z", "zz");
	check(link("z", "x"), "link over %s", name);
	check_text(describe("x"), "link over %s leaves", name);
	unmake("z");
	unmake("x");
}

void
checks_link(void)
{
	struct stat first, second;

	group_begin("link");
	for (int kind = ABSENT; kind < KINDS; kind++)
		link_one((enum kind)kind);
	write_file("a", "content");
	if (link("a", "b") == 0) {
		check(stat("a", &first) == 0 && stat("b", &second) == 0 &&
			      first.st_ino == second.st_ino,
		      "two names, one inode");
		check((long)first.st_nlink, "count of two");
		check(unlink("a"), "the first goes");
		check(stat("b", &second) == 0 ? (long)second.st_nlink : -1, "count of one");
		check_text(describe("b"), "the second stays");
		check(rename("b", "a"), "and is renamed");
		check(link("a", "b"), "linked again");
		check(rename("a", "b"), "renamed onto itself");
		check_text(describe("a"), "both are there");
	}
	group_end();
}
