/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Files of this machine. A directory is its path: open descriptors are few. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daos_fs.h"
#include "tools/file_tree.h"

static char *
join(const void *directory, const char *name)
{
	return text_format("%s/%s", (const char *)directory, name);
}

static int
posix_stat(struct file_tree *tree, const char *path, struct stat *ret_status)
{
	(void)tree;
	return lstat(path, ret_status) < 0 ? errno : 0;
}

static int
check_directory(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno;
	return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

static int
posix_open_path(struct file_tree *tree, const char *path, void **ret_directory)
{
	int rc = check_directory(path);

	(void)tree;
	if (rc == 0)
		*ret_directory = text_format("%s", path);
	return rc;
}

static int
posix_open_directory(struct file_tree *tree, void *parent, const char *name, void **ret_directory)
{
	char *path = join(parent, name);
	int rc = check_directory(path);

	(void)tree;
	if (rc)
		free(path);
	else
		*ret_directory = path;
	return rc;
}

static int
posix_make_directory(struct file_tree *tree, void *parent, const char *name, mode_t mode)
{
	char *path = join(parent, name);
	int rc = mkdir(path, mode) < 0 ? errno : 0;

	(void)tree;
	if (rc == EEXIST)
		rc = check_directory(path);
	free(path);
	return rc;
}

static void
posix_close_directory(struct file_tree *tree, void *directory)
{
	(void)tree;
	free(directory);
}

static int
posix_set_directory(struct file_tree *tree, void *directory, const struct stat *status)
{
	struct timespec times[2] = {status->st_atim, status->st_mtim};

	(void)tree;
	/* A change of the owner takes bits of the mode away. */
	if ((geteuid() == 0 && chown(directory, status->st_uid, status->st_gid) < 0) ||
	    chmod(directory, status->st_mode & 07777) < 0 ||
	    utimensat(AT_FDCWD, directory, times, 0) < 0)
		return errno;
	return 0;
}

static int
posix_list(struct file_tree *tree, void *directory, file_tree_visit visit, void *argument)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	int rc = 0;

	(void)tree;
	if (!stream)
		return errno;
	errno = 0;
	while (rc == 0 && (entry = readdir(stream))) {
		struct stat status;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			/* Removed since: not there to be copied. */
			rc = errno == ENOENT ? 0 : errno;
		else
			rc = visit(argument, entry->d_name, &status);
		errno = 0;
	}
	if (rc == 0)
		rc = errno;
	closedir(stream);
	return rc;
}

/* An open file is its descriptor, plus one so that none is NULL. */
static int
file_descriptor(const void *file)
{
	return (int)((intptr_t)file - 1);
}

static int
open_descriptor(const void *directory, const char *name, int flags, mode_t mode, void **ret_file)
{
	char *path = join(directory, name);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode), error = errno;

	free(path);
	if (fd < 0)
		return error;
	*ret_file = (void *)(intptr_t)(fd + 1);
	return 0;
}

static int
posix_open_file(struct file_tree *tree, void *directory, const char *name, void **ret_file)
{
	(void)tree;
	return open_descriptor(directory, name, O_RDONLY, 0, ret_file);
}

static int
posix_make_file(struct file_tree *tree, void *directory, const char *name, mode_t mode,
		void **ret_file)
{
	(void)tree;
	return open_descriptor(directory, name, O_WRONLY | O_CREAT | O_TRUNC, mode | 0600,
			       ret_file);
}

static int
posix_read(struct file_tree *tree, void *file, void *buffer, size_t size, uint64_t offset,
	   size_t *ret_size)
{
	size_t done = 0;

	(void)tree;
	while (done < size) {
		ssize_t length = pread(file_descriptor(file), (char *)buffer + done, size - done,
				       (off_t)(offset + done));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return errno;
		if (length == 0)
			break;
		done += (size_t)length;
	}
	*ret_size = done;
	return 0;
}

static int
posix_write(struct file_tree *tree, void *file, const void *buffer, size_t size, uint64_t offset)
{
	size_t done = 0;

	(void)tree;
	while (done < size) {
		ssize_t length = pwrite(file_descriptor(file), (const char *)buffer + done,
					size - done, (off_t)(offset + done));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return errno;
		done += (size_t)length;
	}
	return 0;
}

static int
posix_set_file(struct file_tree *tree, void *file, const struct stat *status)
{
	struct timespec times[2] = {status->st_atim, status->st_mtim};

	(void)tree;
	if ((geteuid() == 0 && fchown(file_descriptor(file), status->st_uid, status->st_gid) < 0) ||
	    fchmod(file_descriptor(file), status->st_mode & 07777) < 0 ||
	    futimens(file_descriptor(file), times) < 0)
		return errno;
	return 0;
}

static int
posix_close_file(struct file_tree *tree, void *file)
{
	(void)tree;
	return close(file_descriptor(file)) < 0 ? errno : 0;
}

static int
posix_read_link(struct file_tree *tree, void *directory, const char *name, char *target,
		size_t size)
{
	char *path = join(directory, name);
	ssize_t length = readlink(path, target, size - 1);
	int error = errno;

	(void)tree;
	free(path);
	if (length < 0)
		return error;
	target[length] = '\0';
	return 0;
}

static int
posix_make_link(struct file_tree *tree, void *directory, const char *name, const char *target,
		const struct stat *status)
{
	char *path = join(directory, name);
	int rc = symlink(target, path) < 0 ? errno : 0;

	(void)tree;
	if (rc == EEXIST) {
		struct stat there;

		if (lstat(path, &there) == 0 && S_ISLNK(there.st_mode) && unlink(path) == 0)
			rc = symlink(target, path) < 0 ? errno : 0;
	}
	if (rc == 0 && geteuid() == 0 && lchown(path, status->st_uid, status->st_gid) < 0)
		rc = errno;
	free(path);
	return rc;
}

/* Directories are paths, files descriptors. */
static int
posix_list_attributes(struct file_tree *tree, void *object, bool is_file, char *names, size_t size,
		      size_t *ret_size)
{
	ssize_t length = is_file ? flistxattr(file_descriptor(object), names, size)
				 : listxattr(object, names, size);

	(void)tree;
	if (length < 0)
		return errno;
	*ret_size = (size_t)length;
	return 0;
}

static int
posix_get_attribute(struct file_tree *tree, void *object, bool is_file, const char *name,
		    void *value, size_t size, size_t *ret_size)
{
	ssize_t length = is_file ? fgetxattr(file_descriptor(object), name, value, size)
				 : getxattr(object, name, value, size);

	(void)tree;
	if (length < 0)
		return errno;
	*ret_size = (size_t)length;
	return 0;
}

static int
posix_set_attribute(struct file_tree *tree, void *object, bool is_file, const char *name,
		    const void *value, size_t size)
{
	int rc = is_file ? fsetxattr(file_descriptor(object), name, value, size, 0)
			 : setxattr(object, name, value, size, 0);

	(void)tree;
	return rc < 0 ? errno : 0;
}

static void
posix_close(struct file_tree *tree)
{
	(void)tree;
}

const struct file_tree_operations file_tree_posix = {
	.stat = posix_stat,
	.open_path = posix_open_path,
	.open_directory = posix_open_directory,
	.make_directory = posix_make_directory,
	.close_directory = posix_close_directory,
	.set_directory = posix_set_directory,
	.list = posix_list,
	.open_file = posix_open_file,
	.make_file = posix_make_file,
	.read = posix_read,
	.write = posix_write,
	.set_file = posix_set_file,
	.close_file = posix_close_file,
	.read_link = posix_read_link,
	.make_link = posix_make_link,
	.list_attributes = posix_list_attributes,
	.get_attribute = posix_get_attribute,
	.set_attribute = posix_set_attribute,
	.close = posix_close,
};
