/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Files in a container. Directories and files are open objects of libdfs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daos_fs.h"
#include "tools/file_tree.h"

/* Entries that one request lists. */
#define PAGE 64u

static int
dfs_tree_stat(struct file_tree *tree, const char *path, struct stat *ret_status)
{
	dfs_obj_t *object;
	int rc = dfs_lookup(tree->dfs, path, O_RDONLY | O_NOFOLLOW, &object, NULL, ret_status);

	if (rc == 0)
		dfs_release(object);
	return rc;
}

static int
take_directory(dfs_obj_t *object, mode_t mode, void **ret_directory)
{
	if (!S_ISDIR(mode)) {
		dfs_release(object);
		return ENOTDIR;
	}
	*ret_directory = object;
	return 0;
}

static int
dfs_tree_open_path(struct file_tree *tree, const char *path, void **ret_directory)
{
	dfs_obj_t *object;
	mode_t mode = 0;
	int rc = dfs_lookup(tree->dfs, path, tree->writing ? O_RDWR : O_RDONLY, &object, &mode,
			    NULL);

	return rc ? rc : take_directory(object, mode, ret_directory);
}

static int
dfs_tree_open_directory(struct file_tree *tree, void *parent, const char *name,
			void **ret_directory)
{
	dfs_obj_t *object;
	mode_t mode = 0;
	int rc = dfs_lookup_rel(tree->dfs, parent, name, tree->writing ? O_RDWR : O_RDONLY, &object,
				&mode, NULL);

	return rc ? rc : take_directory(object, mode, ret_directory);
}

static int
dfs_tree_make_directory(struct file_tree *tree, void *parent, const char *name, mode_t mode)
{
	int rc = dfs_mkdir(tree->dfs, parent, name, mode, 0);

	/* That it is a directory shows when it is opened. */
	return rc == EEXIST ? 0 : rc;
}

static void
dfs_tree_close_directory(struct file_tree *tree, void *directory)
{
	(void)tree;
	dfs_release(directory);
}

/* Who is no root makes files of his own. */
static int
owner_flags(void)
{
	return geteuid() == 0 ? DFS_SET_ATTR_UID | DFS_SET_ATTR_GID : 0;
}

static int
dfs_tree_set(struct file_tree *tree, void *object, const struct stat *status)
{
	struct stat wanted = *status;

	return dfs_osetattr(tree->dfs, object, &wanted,
			    DFS_SET_ATTR_MODE | DFS_SET_ATTR_MTIME | owner_flags());
}

/* One page of a listing; the memory of a fiber's stack is small. */
struct page {
	struct dirent names[PAGE];
	struct stat statuses[PAGE];
};

static int
visit_page(const struct page *page, uint32_t count, file_tree_visit visit, void *argument)
{
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = visit(argument, page->names[i].d_name, &page->statuses[i]);
	return rc;
}

static int
dfs_tree_list(struct file_tree *tree, void *directory, file_tree_visit visit, void *argument)
{
	struct page *page = malloc(sizeof(*page));
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	int rc = page ? 0 : ENOMEM;

	while (rc == 0 && !daos_anchor_is_eof(&anchor)) {
		uint32_t count = PAGE;

		rc = dfs_readdirplus(tree->dfs, directory, &anchor, &count, page->names,
				     page->statuses);
		if (rc == 0)
			rc = visit_page(page, count, visit, argument);
	}
	free(page);
	return rc;
}

static int
dfs_tree_open_file(struct file_tree *tree, void *directory, const char *name, void **ret_file)
{
	dfs_obj_t *object;
	int rc = dfs_open(tree->dfs, directory, name, S_IFREG, O_RDONLY, 0, 0, NULL, &object);

	if (rc == 0)
		*ret_file = object;
	return rc;
}

static int
dfs_tree_make_file(struct file_tree *tree, void *directory, const char *name, mode_t mode,
		   void **ret_file)
{
	dfs_obj_t *object;
	int rc = dfs_open(tree->dfs, directory, name, S_IFREG | (mode & 07777),
			  O_RDWR | O_CREAT | O_TRUNC, 0, 0, NULL, &object);

	if (rc == 0)
		*ret_file = object;
	return rc;
}

static int
dfs_tree_read(struct file_tree *tree, void *file, void *buffer, size_t size, uint64_t offset,
	      size_t *ret_size)
{
	d_iov_t iov = {.iov_buf = buffer, .iov_buf_len = size, .iov_len = size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t length = 0;
	int rc = dfs_read(tree->dfs, file, &list, offset, &length, NULL);

	if (rc == 0)
		*ret_size = length;
	return rc;
}

static int
dfs_tree_write(struct file_tree *tree, void *file, const void *buffer, size_t size, uint64_t offset)
{
	/* The interface has no const: a write does not change the buffer. */
	d_iov_t iov = {.iov_buf = (void *)(uintptr_t)buffer, .iov_buf_len = size, .iov_len = size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};

	return dfs_write(tree->dfs, file, &list, offset, NULL);
}

static int
dfs_tree_close_file(struct file_tree *tree, void *file)
{
	(void)tree;
	return dfs_release(file);
}

static int
dfs_tree_read_link(struct file_tree *tree, void *directory, const char *name, char *target,
		   size_t size)
{
	daos_size_t length = size;
	dfs_obj_t *object;
	int rc = dfs_lookup_rel(tree->dfs, directory, name, O_RDONLY | O_NOFOLLOW, &object, NULL,
				NULL);

	if (rc)
		return rc;
	rc = dfs_get_symlink_value(object, target, &length);
	dfs_release(object);
	if (rc == 0 && length > size)
		rc = ENAMETOOLONG;
	return rc;
}

static int
dfs_tree_make_link(struct file_tree *tree, void *directory, const char *name, const char *target,
		   const struct stat *status)
{
	struct stat wanted = *status;
	const mode_t mode = S_IFLNK | 0777;
	dfs_obj_t *object;
	int rc = dfs_open(tree->dfs, directory, name, mode, O_RDWR | O_CREAT | O_EXCL, 0, 0, target,
			  &object);

	if (rc == EEXIST) {
		struct stat there;

		rc = dfs_stat(tree->dfs, directory, name, &there);
		if (rc == 0 && !S_ISLNK(there.st_mode))
			rc = EEXIST;
		if (rc == 0)
			rc = dfs_remove(tree->dfs, directory, name, false, NULL);
		if (rc == 0)
			rc = dfs_open(tree->dfs, directory, name, mode, O_RDWR | O_CREAT | O_EXCL,
				      0, 0, target, &object);
	}
	if (rc)
		return rc;
	if (owner_flags())
		rc = dfs_osetattr(tree->dfs, object, &wanted, owner_flags());
	dfs_release(object);
	return rc;
}

static int
dfs_tree_list_attributes(struct file_tree *tree, void *object, bool is_file, char *names,
			 size_t size, size_t *ret_size)
{
	daos_size_t length = size;
	int rc = dfs_listxattr(tree->dfs, object, size ? names : NULL, &length);

	(void)is_file;
	if (rc)
		return rc;
	if (size > 0 && length > size)
		return ERANGE;
	*ret_size = length;
	return 0;
}

static int
dfs_tree_get_attribute(struct file_tree *tree, void *object, bool is_file, const char *name,
		       void *value, size_t size, size_t *ret_size)
{
	daos_size_t length = size;
	int rc = dfs_getxattr(tree->dfs, object, name, value, &length);

	(void)is_file;
	if (rc == 0)
		*ret_size = length;
	return rc;
}

static int
dfs_tree_set_attribute(struct file_tree *tree, void *object, bool is_file, const char *name,
		       const void *value, size_t size)
{
	(void)is_file;
	return dfs_setxattr(tree->dfs, object, name, value, size, 0);
}

static void
dfs_tree_close(struct file_tree *tree)
{
	dfs_umount(tree->dfs);
	close_container(&tree->open);
}

const struct file_tree_operations file_tree_dfs = {
	.stat = dfs_tree_stat,
	.open_path = dfs_tree_open_path,
	.open_directory = dfs_tree_open_directory,
	.make_directory = dfs_tree_make_directory,
	.close_directory = dfs_tree_close_directory,
	.set_directory = dfs_tree_set,
	.list = dfs_tree_list,
	.open_file = dfs_tree_open_file,
	.make_file = dfs_tree_make_file,
	.read = dfs_tree_read,
	.write = dfs_tree_write,
	.set_file = dfs_tree_set,
	.close_file = dfs_tree_close_file,
	.read_link = dfs_tree_read_link,
	.make_link = dfs_tree_make_link,
	.list_attributes = dfs_tree_list_attributes,
	.get_attribute = dfs_tree_get_attribute,
	.set_attribute = dfs_tree_set_attribute,
	.close = dfs_tree_close,
};
