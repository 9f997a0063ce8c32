/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Directories of programs and the lock on one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env/linux/host.h"

/* Makes one directory; fine when it exists. */
static int
make_one(const char *path, mode_t mode)
{
	struct stat status;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &status) == 0)
		return S_ISDIR(status.st_mode)
			       ? 0
			       : error_raise(-DER_NOTDIR, "%s is not a directory", path);
	return error_raise(errno == ENOSPC ? -DER_NOSPACE : error_from_errno(errno),
			   "cannot make directory %s: %s", path, strerror(errno));
}

int
linux_directory_make(const char *path)
{
	char copy[PATH_MAX];
	int rc;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return error_raise(-DER_OVERFLOW, "the path %.60s... is too long", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = make_one(copy, 0755);
		*slash = '/';
		if (rc)
			return rc;
	}
	return make_one(copy, 0700);
}

static int
format_path(char *to, size_t size, const char *first, const char *middle, const char *name)
{
	if (snprintf(to, size, "%s%s%s", first, middle, name) >= (int)size)
		return error_raise(-DER_OVERFLOW, "the path %.60s... is too long", first);
	return 0;
}

/* An environment variable that holds an absolute path, or NULL. */
static const char *
path_variable(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] == '/' ? value : NULL;
}

int
linux_runtime_directory(const char *name, char *ret_path, size_t size)
{
	const char *base = path_variable("XDG_RUNTIME_DIR");
	char user[32];

	if (geteuid() == 0)
		return format_path(ret_path, size, "/run", "/", name);
	if (base)
		return format_path(ret_path, size, base, "/", name);
	snprintf(user, sizeof(user), "-%u", (unsigned)geteuid());
	return format_path(ret_path, size, "/tmp/", name, user);
}

int
linux_state_directory(const char *name, char *ret_path, size_t size)
{
	const char *base = path_variable("XDG_STATE_HOME");
	const char *home = path_variable("HOME");
	char user[32];

	if (geteuid() == 0)
		return format_path(ret_path, size, "/var/lib", "/", name);
	if (base)
		return format_path(ret_path, size, base, "/", name);
	if (home)
		return format_path(ret_path, size, home, "/.local/state/", name);
	snprintf(user, sizeof(user), "-%u-state", (unsigned)geteuid());
	return format_path(ret_path, size, "/tmp/", name, user);
}

/* ------------------------------------------------ lock */

struct linux_lock {
	int fd;
};

static int32_t
read_holder(int fd)
{
	char text[16] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	long holder = length > 0 ? strtol(text, NULL, 10) : 0;

	return holder > 0 && holder <= INT32_MAX ? (int32_t)holder : 0;
}

static void
write_holder(int fd)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* For human beings and error texts only: the lock itself is the kernel's. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)length, 0);
}

int
linux_lock_take(const char *path, int32_t *ret_holder, struct linux_lock **ret_lock)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct linux_lock *lock;
	int32_t holder;

	if (fd < 0)
		return error_raise(error_from_errno(errno), "cannot open %s: %s", path,
				   strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;

		holder = read_holder(fd);
		close(fd);
		if (error != EWOULDBLOCK)
			return error_raise(error_from_errno(error), "cannot lock %s: %s", path,
					   strerror(error));
		if (ret_holder)
			*ret_holder = holder;
		return error_raise(-DER_BUSY, "%s is locked by process %d", path, holder);
	}
	lock = malloc(sizeof(*lock));
	if (!lock) {
		close(fd);
		return error_raise(-DER_NOMEM, "no memory for a lock");
	}
	write_holder(fd);
	lock->fd = fd;
	*ret_lock = lock;
	return 0;
}

void
linux_lock_release(struct linux_lock *lock)
{
	/* The file stays: removing it would let two processes lock two files of one name. */
	(void)!ftruncate(lock->fd, 0);
	close(lock->fd);
	free(lock);
}
