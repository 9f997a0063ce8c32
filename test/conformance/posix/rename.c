/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Renaming: every kind over every kind, its flags, and directories within each other. */
#include "posix.h"

struct rename_row {
	const char *name;
	unsigned int flags;
};

static const struct rename_row rename_rows[] = {{"rename", 0},
						{"noreplace", RENAME_NOREPLACE},
						{"exchange", RENAME_EXCHANGE}};

static void
rename_one(enum kind from, enum kind to, const struct rename_row *row)
{
	const char *text = row->name;

	make(from, "x");
	make(to, "y");
	check(renameat2(AT_FDCWD, "x", AT_FDCWD, "y", row->flags), "%s of %s over %s", text,
	      kind_names[from], kind_names[to]);
	check_text(describe("x"), "%s of %s over %s leaves there", text, kind_names[from],
		   kind_names[to]);
	check_text(describe("y"), "%s of %s over %s makes", text, kind_names[from], kind_names[to]);
	unmake("x");
	unmake("y");
	unlink("x.target");
	unlink("y.target");
	rmdir("x.target");
	rmdir("y.target");
}

static void
rename_places(void)
{
	struct stat stat;

	make(DIRECTORY, "a");
	make(DIRECTORY, "a/b");
	make(DIRECTORY, "c");
	write_file("a/f", "one");
	check(rename("a", "a/b/a"), "a directory into itself");
	check(rename("a", "a/b"), "a directory into its child");
	check(rename("a/b", "a"), "a directory over its parent");
	check(rename("a/f", "c/f"), "a file into another directory");
	check_text(describe("a/f"), "it is gone there");
	check_text(describe("c/f"), "it is here");
	check(rename("a/b", "c/b"), "a directory into another");
	check_text(describe("c/b/.."), "its parent");
	check(lstat("c/b/../f", &stat), "its parent has the file");
	check(rename("c/f", "c/f"), "a file onto itself");
	check(rename("c/f", "c/f/"), "a file to a name with a slash");
	check(rename("c/b", "c/d/"), "a directory to a name with a slash");
	check(rename("absent", "c/x"), "what is absent");
	check(rename("c/f", "absent/x"), "to where no directory is");
	check(rename("c/f", ""), "to no name");
	check(rename("", "c/g"), "from no name");
	check(renameat2(AT_FDCWD, "c/f", AT_FDCWD, "c/g", RENAME_EXCHANGE | RENAME_NOREPLACE),
	      "with flags that exclude each other");
}

/* Content travels with the name, and an open file with its content. */
static void
rename_open(void)
{
	char bytes[16] = "";
	int file, other;

	write_file("p", "first");
	write_file("q", "second");
	file = open("p", O_RDWR);
	other = open("q", O_RDONLY);
	check(rename("p", "q"), "over a file that is open");
	check(pread(file, bytes, 5, 0), "the renamed one is read");
	check_text(bytes, "its content");
	memset(bytes, 0, sizeof(bytes));
	check(pread(other, bytes, 6, 0), "the replaced one is read");
	check_text(bytes, "its content is the old");
	check(pwrite(file, "FIRST", 5, 0), "the renamed one is written");
	close(file);
	close(other);
	file = open("q", O_RDONLY);
	memset(bytes, 0, sizeof(bytes));
	check(read(file, bytes, 6), "and read by its new name");
	check_text(bytes, "its new content");
	close(file);
}

void
checks_rename(void)
{
	group_begin("rename");
	for (size_t i = 0; i < COUNT_OF(rename_rows); i++)
		for (int from = ABSENT; from <= LINK; from++)
			for (int to = ABSENT; to <= LINK; to++)
				rename_one((enum kind)from, (enum kind)to, &rename_rows[i]);
	rename_places();
	rename_open();
	group_end();
}
