/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names, paths, hints, anchors and errno values: all that needs no container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dfs/private.h"

static void
names_are_checked(void **state)
{
	char name[DFS_MAX_NAME + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[DFS_MAX_NAME + 1] = '\0';
	assert_int_equal(file_errno(name_check(name)), ENAMETOOLONG);
	name[DFS_MAX_NAME] = '\0';
	assert_int_equal(name_check(name), 0);
	assert_int_equal(name_check("..."), 0);
	assert_int_equal(name_check(" \n"), 0);
	assert_int_equal(file_errno(name_check("")), EINVAL);
	assert_int_equal(file_errno(name_check(NULL)), EINVAL);
	assert_int_equal(file_errno(name_check(".")), EINVAL);
	assert_int_equal(file_errno(name_check("..")), EINVAL);
	assert_int_equal(file_errno(name_check("a/b")), EINVAL);
}

struct split_case {
	const char *path;
	int error;
	const char *parent, *name;
};

static const struct split_case splits[] = {
	{"/a", 0, "/", "a"},	     {"/a/b", 0, "/a", "b"},	  {"/a/b/", 0, "/a", "b"},
	{"/a//b///", 0, "/a", "b"},  {"//a", 0, "/", "a"},	  {"/", EINVAL, NULL, NULL},
	{"///", EINVAL, NULL, NULL}, {"a/b", EINVAL, NULL, NULL}, {"", EINVAL, NULL, NULL},
};

static void
paths_are_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
		const struct split_case *expected = &splits[i];
		char name[DFS_MAX_NAME + 1];
		size_t length;
		int rc = path_split(expected->path, &length, name);

		assert_int_equal(file_errno(rc), expected->error);
		if (rc)
			continue;
		assert_string_equal(name, expected->name);
		assert_int_equal(length, strlen(expected->parent));
		assert_memory_equal(expected->path, expected->parent, length);
	}
}

static void
long_paths_are_refused(void **state)
{
	char path[DFS_MAX_PATH + 1], name[DFS_MAX_NAME + 1];
	size_t length;

	(void)state;
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[DFS_MAX_PATH] = '\0';
	assert_int_equal(file_errno(path_split(path, &length, name)), ENAMETOOLONG);
	path[DFS_MAX_NAME + 2] = '\0';
	assert_int_equal(file_errno(path_split(path, &length, name)), ENAMETOOLONG);
	path[DFS_MAX_NAME + 1] = '\0';
	assert_int_equal(path_split(path, &length, name), 0);
}

static void
components_come_one_by_one(void **state)
{
	const char *path = "//a/./bcd//", *name;

	(void)state;
	assert_int_equal(path_next(&path, &name), 1);
	assert_memory_equal(name, "a", 1);
	assert_int_equal(path_next(&path, &name), 1);
	assert_memory_equal(name, ".", 1);
	assert_int_equal(path_next(&path, &name), 3);
	assert_memory_equal(name, "bcd", 3);
	assert_int_equal(path_next(&path, &name), 0);
}

static void
prefixes_are_stripped_at_borders(void **state)
{
	(void)state;
	assert_string_equal(path_strip("/mnt/dfs/a", "/mnt/dfs"), "/a");
	assert_string_equal(path_strip("/mnt/dfs", "/mnt/dfs"), "/");
	assert_string_equal(path_strip("/mnt/dfsx", "/mnt/dfs"), "/mnt/dfsx");
	assert_string_equal(path_strip("/a", "/mnt/dfs"), "/a");
	assert_string_equal(path_strip("/a", NULL), "/a");
	assert_string_equal(path_strip("/a", ""), "/a");
}

static void
hints_are_read(void **state)
{
	daos_oclass_hints_t hints = 99;

	(void)state;
	assert_int_equal(hint_find("", "dir", &hints), 0);
	assert_int_equal(hints, 0);
	assert_int_equal(hint_find("dir:single,file:max", "dir", &hints), 0);
	assert_int_equal(hints, DAOS_OCH_SHD_TINY);
	assert_int_equal(hint_find("directory:single,file:max", "file", &hints), 0);
	assert_int_equal(hints, DAOS_OCH_SHD_MAX);
	assert_int_equal(hint_find("File:Single", "dir", &hints), 0);
	assert_int_equal(hints, 0);
	assert_int_equal(hint_find("file:some", "dir", &hints), -DER_INVAL);
	assert_int_equal(hint_find("link:max", "dir", &hints), -DER_INVAL);
	assert_int_equal(hint_find("file", "dir", &hints), -DER_INVAL);
	assert_int_equal(hint_find("di", "dir", &hints), -DER_INVAL);
	assert_int_equal(hint_find("f:max", "file", &hints), -DER_INVAL);
}

struct errno_case {
	int code, number;
};

static const struct errno_case errnos[] = {
	{0, 0},
	{-DER_EXIST, EEXIST},
	{-DER_NONEXIST, ENOENT},
	{-DER_NOTDIR, ENOTDIR},
	{-DER_INVAL, EINVAL},
	{-DER_NO_PERM, EPERM},
	{-DER_NOSPACE, ENOSPC},
	{-DER_NOMEM, ENOMEM},
	{-DER_NO_HDL, EINVAL},
	{-DER_TIMEDOUT, ETIMEDOUT},
	{-DER_BUSY, EBUSY},
	{-DER_NOSYS, ENOSYS},
	{-DER_TRUNC, ERANGE},
	{-DER_UNINIT, EACCES},
	{-DER_CSUM, EIO},
	{-DER_CANCELED, ECANCELED},
	{ENOENT, ENOENT},
};

static void
codes_become_errno_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		assert_int_equal(file_errno(errnos[i].code), errnos[i].number);
	for (int number = 1; number < 134; number++)
		assert_int_equal(file_errno(file_error(number)), number);
}

/* ------------------------------------------------ anchors */

static void
anchor_round_trip(struct dfs_obj *object, size_t length, daos_anchor_t *ret_anchor)
{
	char name[DFS_MAX_NAME + 1] = "", back[DFS_MAX_NAME + 1];

	memset(name, 'a' + (int)(length % 26), length);
	assert_int_equal(directory_anchor_store(object, name, ret_anchor), 0);
	assert_int_equal(directory_anchor_load(object, ret_anchor, back), 0);
	assert_string_equal(back, name);
}

static void
anchors_hold_names_of_any_length(void **state)
{
	struct dfs_obj object = {.lock = PTHREAD_MUTEX_INITIALIZER};
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	char name[DFS_MAX_NAME + 1];

	(void)state;
	assert_int_equal(directory_anchor_load(&object, &anchor, name), 0);
	assert_string_equal(name, "");
	for (size_t length = 1; length <= DFS_MAX_NAME; length++)
		anchor_round_trip(&object, length, &anchor);
	client_free(object.long_names);
}

static void
forgotten_and_foreign_anchors_are_refused(void **state)
{
	struct dfs_obj object = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct dfs_obj other = {.lock = PTHREAD_MUTEX_INITIALIZER};
	daos_anchor_t first, anchor;
	char name[DFS_MAX_NAME + 1];

	(void)state;
	anchor_round_trip(&object, 200, &first);
	assert_int_equal(file_errno(directory_anchor_load(&other, &first, name)), ESTALE);
	for (uint32_t i = 0; i < LONG_NAMES_KEPT - 1; i++)
		anchor_round_trip(&object, 201, &anchor);
	assert_int_equal(directory_anchor_load(&object, &first, name), 0);
	anchor_round_trip(&object, 201, &anchor);
	assert_int_equal(file_errno(directory_anchor_load(&object, &first, name)), ESTALE);
	anchor.da_type = DAOS_ANCHOR_TYPE_HKEY;
	assert_int_equal(file_errno(directory_anchor_load(&object, &anchor, name)), EINVAL);
	client_free(object.long_names);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(paths_are_split),
		cmocka_unit_test(long_paths_are_refused),
		cmocka_unit_test(components_come_one_by_one),
		cmocka_unit_test(prefixes_are_stripped_at_borders),
		cmocka_unit_test(hints_are_read),
		cmocka_unit_test(codes_become_errno_values),
		cmocka_unit_test(anchors_hold_names_of_any_length),
		cmocka_unit_test(forgotten_and_foreign_anchors_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
