/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Files by path, and paths of the local file system that stand for containers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "embedded_bed.h"
#include <daos_fs_sys.h>
#include <daos_uns.h>

static struct embedded_bed bed;
static dfs_sys_t *sys;

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	assert_ok(dfs_sys_connect("default", NULL, "paths", O_RDWR | O_CREAT, 0, NULL, &sys));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_ok(dfs_sys_disconnect(sys));
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

static dfs_obj_t *
open_path(const char *path, int flags)
{
	dfs_obj_t *object;

	assert_ok(dfs_sys_open(sys, path, S_IFREG | 0644, flags, 0, 0, NULL, &object));
	return object;
}

static void
write_path(const char *path, const char *text)
{
	dfs_obj_t *file = open_path(path, O_CREAT | O_RDWR | O_TRUNC);
	daos_size_t size = strlen(text);

	assert_ok(dfs_sys_write(sys, file, text, 0, &size, NULL));
	assert_ok(dfs_sys_close(file));
}

static void
assert_path_holds(const char *path, const char *text)
{
	dfs_obj_t *file = open_path(path, O_RDONLY);
	char buffer[64];
	daos_size_t size = sizeof(buffer);

	assert_ok(dfs_sys_read(sys, file, buffer, 0, &size, NULL));
	assert_int_equal(size, strlen(text));
	assert_memory_equal(buffer, text, size);
	assert_ok(dfs_sys_close(file));
}

static void
files_are_written_and_read(void **state)
{
	struct stat status;

	(void)state;
	assert_ok(dfs_sys_mkdir_p(sys, "/a/b/c/", 0755, 0));
	assert_ok(dfs_sys_mkdir_p(sys, "/a/b/c", 0755, 0));
	write_path("/a/b/c/file", "content");
	assert_path_holds("/a//b/c/file", "content");
	write_path("/a/b/c/file", "new");
	assert_path_holds("/a/b/c/file", "new");
	assert_ok(dfs_sys_stat(sys, "/a/b/c/file", 0, &status));
	assert_int_equal(status.st_size, 3);
	assert_ok(dfs_sys_punch(sys, "/a/b/c/file", 1, DFS_MAX_FSIZE));
	assert_path_holds("/a/b/c/file", "n");
	assert_int_equal(dfs_sys_mkdir_p(sys, "/a/b/c/file/d", 0755, 0), ENOTDIR);
	assert_int_equal(dfs_sys_mkdir(sys, "/a/b", 0755, 0), EEXIST);
	assert_int_equal(dfs_sys_mkdir(sys, "/", 0755, 0), EEXIST);
	assert_int_equal(dfs_sys_mkdir(sys, "a", 0755, 0), EINVAL);
	assert_int_equal(dfs_sys_stat(sys, "/a/x/y", 0, &status), ENOENT);
	assert_ok(dfs_sys_stat(sys, "/", 0, &status));
	assert_true(S_ISDIR(status.st_mode));
	assert_ok(dfs_sys_mknod(sys, "/a/node", S_IFREG | 0600, 0, 0));
	assert_int_equal(dfs_sys_mknod(sys, "/a/node", S_IFREG | 0600, 0, 0), EEXIST);
}

static void
links_are_followed_unless_told(void **state)
{
	struct stat status;
	char target[64];
	daos_size_t size = sizeof(target);
	dfs_obj_t *object;

	(void)state;
	assert_ok(dfs_sys_mkdir_p(sys, "/l/d", 0755, 0));
	write_path("/l/file", "linked");
	assert_ok(dfs_sys_symlink(sys, "../file", "/l/d/link"));
	assert_ok(dfs_sys_symlink(sys, "d", "/l/dir-link"));
	assert_path_holds("/l/dir-link/link", "linked");
	assert_ok(dfs_sys_stat(sys, "/l/d/link", 0, &status));
	assert_int_equal(status.st_size, 6);
	assert_ok(dfs_sys_stat(sys, "/l/d/link", O_NOFOLLOW, &status));
	assert_int_equal(status.st_size, 7);
	assert_ok(dfs_sys_readlink(sys, "/l/d/link", target, &size));
	assert_string_equal(target, "../file");
	assert_int_equal(dfs_sys_readlink(sys, "/l/file", target, &size), EINVAL);
	assert_int_equal(dfs_sys_open(sys, "/l/d/link", S_IFREG, O_RDONLY | O_NOFOLLOW, 0, 0, NULL,
				      &object),
			 ELOOP);
	write_path("/l/d/link", "through");
	assert_path_holds("/l/file", "through");
}

static void
attributes_by_path(void **state)
{
	struct timespec times[2] = {{1, 2}, {1234567, 89}};
	struct timespec partly[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	struct stat status;
	char value[16];
	daos_size_t size = sizeof(value);

	(void)state;
	write_path("/attributes", "x");
	assert_ok(dfs_sys_chmod(sys, "/attributes", 0640));
	assert_ok(dfs_sys_chown(sys, "/attributes", 5, 6, 0));
	assert_ok(dfs_sys_utimens(sys, "/attributes", times, 0));
	assert_ok(dfs_sys_utimens(sys, "/attributes", partly, 0));
	assert_ok(dfs_sys_stat(sys, "/attributes", 0, &status));
	assert_int_equal(status.st_mode, S_IFREG | 0640);
	assert_int_equal(status.st_uid, 5);
	assert_int_equal(status.st_mtim.tv_sec, 1234567);
	assert_int_equal(status.st_mtim.tv_nsec, 89);
	status.st_size = 100;
	assert_ok(dfs_sys_setattr(sys, "/attributes", &status, DFS_SET_ATTR_SIZE, 0));
	assert_int_equal(status.st_size, 100);
	assert_ok(dfs_sys_access(sys, "/attributes", F_OK, 0));
	assert_ok(dfs_sys_setxattr(sys, "/attributes", "user.k", "v", 1, 0, 0));
	assert_ok(dfs_sys_getxattr(sys, "/attributes", "user.k", value, &size, 0));
	assert_int_equal(size, 1);
	size = sizeof(value);
	assert_ok(dfs_sys_listxattr(sys, "/attributes", value, &size, 0));
	assert_string_equal(value, "user.k");
	assert_ok(dfs_sys_removexattr(sys, "/attributes", "user.k", 0));
	assert_int_equal(dfs_sys_getxattr(sys, "/attributes", "user.k", value, &size, 0), ENODATA);
}

static void
removal_forgets_directories(void **state)
{
	struct stat status;

	(void)state;
	assert_ok(dfs_sys_mkdir_p(sys, "/gone/below", 0755, 0));
	write_path("/gone/below/file", "old");
	assert_int_equal(dfs_sys_remove(sys, "/gone", false, NULL), ENOTEMPTY);
	assert_int_equal(dfs_sys_remove_type(sys, "/gone/below", false, S_IFREG, NULL), EISDIR);
	assert_int_equal(dfs_sys_remove_type(sys, "/gone/below/file", false, S_IFDIR, NULL),
			 ENOTDIR);
	assert_ok(dfs_sys_remove(sys, "/gone", true, NULL));
	assert_int_equal(dfs_sys_stat(sys, "/gone/below/file", 0, &status), ENOENT);
	/* the same path is another directory now */
	assert_ok(dfs_sys_mkdir_p(sys, "/gone/below", 0755, 0));
	assert_int_equal(dfs_sys_stat(sys, "/gone/below/file", 0, &status), ENOENT);
	write_path("/gone/below/file", "new");
	assert_path_holds("/gone/below/file", "new");
	assert_int_equal(dfs_sys_remove(sys, "/", true, NULL), EBUSY);
}

static void
directories_are_read(void **state)
{
	struct dirent *entry;
	char path[32], name[32];
	DIR *directory;

	(void)state;
	assert_ok(dfs_sys_mkdir(sys, "/listed", 0755, 0));
	for (int i = 0; i < 150; i++) {
		snprintf(path, sizeof(path), "/listed/%03d", i);
		assert_ok(dfs_sys_mknod(sys, path, S_IFREG | 0600, 0, 0));
	}
	assert_int_equal(dfs_sys_opendir(sys, "/listed/000", 0, &directory), ENOTDIR);
	assert_ok(dfs_sys_opendir(sys, "/listed", 0, &directory));
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "%03d", i);
		assert_ok(dfs_sys_readdir(sys, directory, &entry));
		assert_non_null(entry);
		assert_string_equal(entry->d_name, name);
	}
	assert_ok(dfs_sys_readdir(sys, directory, &entry));
	assert_null(entry);
	assert_ok(dfs_sys_closedir(directory));
}

/* More directories than are remembered, each used twice. */
static void
memory_of_directories_is_bounded(void **state)
{
	char path[64];
	struct stat status;

	(void)state;
	assert_ok(dfs_sys_mkdir(sys, "/wide", 0755, 0));
	for (int i = 0; i < 1100; i++) {
		snprintf(path, sizeof(path), "/%s/%d", i % 2 ? "wide/." : "wide", i / 2);
		if (i % 2 == 0)
			assert_ok(dfs_sys_mkdir(sys, path, 0755, 0));
		strcat(path, "/none");
		assert_int_equal(dfs_sys_stat(sys, path, 0, &status), ENOENT);
	}
}

/* ------------------------------------------------ containers behind local paths */

static void
local_path_leads_to_a_container(void **state)
{
	struct duns_attr_t made = {.da_type = DAOS_PROP_CO_LAYOUT_POSIX}, found = {.da_flags = 0};
	char path[256], below[300];
	dfs_t *dfs;

	(void)state;
	snprintf(path, sizeof(path), "%s/entry", bed.directory);
	if (setxattr(bed.directory, "user.probe", "x", 1, 0))
		skip();
	assert_ok(duns_create_path(bed.pool, path, &made));
	assert_int_equal(duns_create_path(bed.pool, path, &made), EEXIST);
	snprintf(below, sizeof(below), "%s/not-yet", path);
	assert_ok(duns_resolve_path(below, &found));
	assert_string_equal(found.da_cont, made.da_cont);
	assert_string_equal(found.da_rel_path, "/not-yet");
	assert_int_equal(found.da_type, DAOS_PROP_CO_LAYOUT_POSIX);
	assert_ok(dfs_connect(found.da_pool, NULL, found.da_cont, O_RDWR, NULL, &dfs));
	assert_ok(dfs_disconnect(dfs));
	duns_destroy_attr(&found);
	found.da_flags = DUNS_NO_REVERSE_LOOKUP;
	assert_int_equal(duns_resolve_path(below, &found), ENODATA);
	assert_ok(duns_destroy_path(bed.pool, path));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(dfs_connect(made.da_pool, NULL, made.da_cont, O_RDWR, NULL, &dfs), ENOENT);
}

static void
local_path_is_linked(void **state)
{
	struct duns_attr_t found = {.da_flags = 0};
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/link", bed.directory);
	if (setxattr(bed.directory, "user.probe", "x", 1, 0))
		skip();
	assert_int_equal(duns_link_cont(bed.pool, "none", path), ENOENT);
	assert_ok(duns_link_cont(bed.pool, "paths", path));
	assert_ok(duns_resolve_path(path, &found));
	assert_null(found.da_rel_path);
	duns_destroy_attr(&found);
	assert_int_equal(duns_resolve_path(bed.directory, &found), ENODATA);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_written_and_read),
		cmocka_unit_test(links_are_followed_unless_told),
		cmocka_unit_test(attributes_by_path),
		cmocka_unit_test(removal_forgets_directories),
		cmocka_unit_test(directories_are_read),
		cmocka_unit_test(memory_of_directories_is_bounded),
		cmocka_unit_test(local_path_leads_to_a_container),
		cmocka_unit_test(local_path_is_linked),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, setup, teardown);
}
