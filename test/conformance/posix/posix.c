/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The frame: groups, outcomes, things to begin with. */
#include <ftw.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "posix.h"

static const char *group;

const char *const kind_names[KINDS] = {
	"absent",	  "file",	  "empty file",	       "directory",
	"full directory", "link to file", "link to directory", "dangling link",
	"link to itself"};

static void
fail(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s %s: %s\n", group, what, name, strerror(errno));
	exit(2);
}

static int
remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
group_begin(const char *name)
{
	group = name;
	if (mkdir(name, 0777) != 0 || chdir(name) != 0)
		fail("making", name);
}

void
group_end(void)
{
	if (chdir("..") != 0 || nftw(group, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fail("removing", group);
}

static void
print_name(const char *format, va_list arguments)
{
	printf("%s/", group);
	vprintf(format, arguments);
	printf(": ");
}

void
check(long rc, const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	print_name(format, arguments);
	va_end(arguments);
	if (rc < 0)
		printf("%s\n", strerrorname_np(error) ? strerrorname_np(error) : "?");
	else
		printf("%ld\n", rc);
}

void
check_text(const char *outcome, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_name(format, arguments);
	va_end(arguments);
	printf("%s\n", outcome);
}

/* ------------------------------------------------ things */

void
write_file(const char *name, const char *bytes)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (file < 0 || write(file, bytes, strlen(bytes)) != (ssize_t)strlen(bytes) ||
	    close(file) != 0)
		fail("writing", name);
}

/* What links lead to stands beside them. */
static void
make_link(const char *name, enum kind kind)
{
	char target[300];

	snprintf(target, sizeof(target), "%s.target", name);
	if (kind == LINK)
		write_file(target, "content");
	else if (kind == LINK_DIRECTORY && mkdir(target, 0777) != 0)
		fail("making", target);
	if (symlink(kind == LOOP ? name : target, name) != 0)
		fail("linking", name);
}

void
make(enum kind kind, const char *name)
{
	char inner[300];

	switch (kind) {
	case ABSENT:
	case KINDS:
		return;
	case PLAIN:
	case EMPTY:
		write_file(name, kind == PLAIN ? "content" : "");
		return;
	case DIRECTORY:
	case FULL_DIRECTORY:
		if (mkdir(name, 0777) != 0)
			fail("making", name);
		snprintf(inner, sizeof(inner), "%s/inner", name);
		if (kind == FULL_DIRECTORY)
			write_file(inner, "inner");
		return;
	case LINK:
	case LINK_DIRECTORY:
	case DANGLING:
	case LOOP:
		make_link(name, kind);
		return;
	}
}

void
unmake(const char *name)
{
	char target[300];
	struct stat stat;

	snprintf(target, sizeof(target), "%s.target", name);
	if (lstat(name, &stat) == 0 && nftw(name, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fail("removing", name);
	if (lstat(target, &stat) == 0 && nftw(target, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fail("removing", target);
}

const char *
describe(const char *name)
{
	static char text[600];
	char target[300] = "";
	struct stat stat;

	if (lstat(name, &stat) != 0)
		return strerrorname_np(errno);
	if (S_ISDIR(stat.st_mode))
		return "directory";
	if (S_ISLNK(stat.st_mode)) {
		if (readlink(name, target, sizeof(target) - 1) < 0)
			return "link that cannot be read";
		snprintf(text, sizeof(text), "link to %s", target);
		return text;
	}
	snprintf(text, sizeof(text), "file of %lld bytes, mode %o, %u links",
		 (long long)stat.st_size, stat.st_mode & 07777, (unsigned int)stat.st_nlink);
	return text;
}

long
as_user(uid_t user, long (*function)(void *argument), void *argument)
{
	long outcome[2] = {-1, EPERM};
	int pipes[2], status;
	pid_t child;

	fflush(stdout);
	if (pipe(pipes) != 0 || (child = fork()) < 0)
		fail("starting", "a child");
	if (child == 0) {
		if (setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
		    setresuid(user, user, user) == 0) {
			outcome[0] = function(argument);
			outcome[1] = errno;
		}
		_exit(write(pipes[1], outcome, sizeof(outcome)) == sizeof(outcome) ? 0 : 1);
	}
	close(pipes[1]);
	if (read(pipes[0], outcome, sizeof(outcome)) != sizeof(outcome))
		fail("asking", "a child");
	close(pipes[0]);
	waitpid(child, &status, 0);
	errno = (int)outcome[1];
	return outcome[0];
}

/* ------------------------------------------------ all of them */

int
main(int argc, char **argv)
{
	static void (*const groups[])(void) = {
		checks_open,	  checks_names, checks_tree,	   checks_rename,
		checks_link,	  checks_data,	checks_attributes, checks_access,
		checks_directory, checks_map,	checks_locks,
	};

	if (argc != 2 || chdir(argv[1]) != 0) {
		fprintf(stderr, "usage: posix DIRECTORY\n");
		return 2;
	}
	umask(022);
	for (size_t i = 0; i < COUNT_OF(groups); i++)
		groups[i]();
	return 0;
}
