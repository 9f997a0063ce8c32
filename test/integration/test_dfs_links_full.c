/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Files that are open while their names go, in a pool that is full. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/client.h"
#include "embedded_bed.h"
#include <daos_fs.h>

static int
transfer(dfs_t *mount, dfs_obj_t *file, char data[4], bool write)
{
	d_iov_t iov = {data, 4, 4};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size = 4;
	int rc = write ? dfs_write(mount, file, &sgl, 0, NULL)
		       : dfs_read(mount, file, &sgl, 0, &size, NULL);

	return rc == 0 && size != 4 ? EIO : rc;
}

#define FULL_METADATA (UINT64_C(48) << 20)
#define FULL_DATA (UINT64_C(16) << 20)
#define FULL_DIRECTORIES 8
#define FULL_FILES 6

/* Attributes as large as they may be, until each directory refuses them. */
static void
fill(dfs_t *mount)
{
	static char value[DFS_MAX_XATTR_LEN];
	char name[16];

	for (int i = 0; i < FULL_DIRECTORIES; i++) {
		size_t size = sizeof(value);
		dfs_obj_t *directory;
		int rc = 0;

		snprintf(name, sizeof(name), "/d%d", i);
		assert_ok(dfs_mkdir(mount, NULL, name + 1, 0755, 0));
		assert_ok(dfs_lookup(mount, name, O_RDWR, &directory, NULL, NULL));
		for (int k = 0; rc == 0 || size > 1; k++) {
			snprintf(name, sizeof(name), "user.%d", k);
			rc = dfs_setxattr(mount, directory, name, value, size, 0);
			if (rc)
				size /= 4;
		}
		assert_int_equal(rc, ENOSPC);
		assert_ok(dfs_release(directory));
	}
}

/* Names go all the same, of open files, too; their data stays until the release. */
static void
full_pools_let_files_go(void **state)
{
	struct client_pool_create request = {
		.label = "small", .metadata_bytes = FULL_METADATA, .data_bytes = FULL_DATA};
	struct client_pool_created created;
	dfs_obj_t *files[FULL_FILES];
	daos_obj_id_t oid;
	char name[16], data[4] = {'k', 'e', 'p', 't'};
	struct embedded_bed bed;
	struct stat status;
	daos_size_t size;
	dfs_t *mount;

	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	assert_ok(client_pool_create(&request, &created));
	assert_ok(dfs_connect("small", NULL, "files", O_RDWR | O_CREAT, NULL, &mount));
	for (int i = 0; i < FULL_FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_ok(dfs_open(mount, NULL, name, S_IFREG | 0644, O_CREAT | O_RDWR, 0, 0, NULL,
				   &files[i]));
		assert_ok(transfer(mount, files[i], data, true));
	}
	fill(mount);
	for (int i = 0; i < FULL_FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_ok(dfs_remove(mount, NULL, name, false, NULL));
		memset(data, 0, sizeof(data));
		assert_ok(transfer(mount, files[i], data, false));
		assert_memory_equal(data, "kept", 4);
		assert_ok(dfs_ostat(mount, files[i], &status));
		assert_int_equal(status.st_nlink, 0);
		assert_int_equal(status.st_size, 4);
		assert_ok(dfs_obj2id(files[i], &oid));
		assert_ok(dfs_release(files[i]));
		assert_ok(dfs_get_size_by_oid(mount, oid, DFS_DEFAULT_CHUNK_SIZE, &size));
		assert_int_equal(size, 0);
	}
	assert_ok(dfs_disconnect(mount));
	assert_ok(client_pool_destroy("small", true, true));
	embedded_down(&bed);
	embedded_directory_remove(&bed);
}

/* Filling takes thousands of flushes: in memory, where there is enough of it. */
static void
prefer_memory(void)
{
	struct statvfs status;

	if (access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &status) == 0 &&
	    status.f_bavail * status.f_frsize > UINT64_C(1) << 30)
		setenv("TMPDIR", "/dev/shm", 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_pools_let_files_go),
	};

	embedded_library_open();
	prefer_memory();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
