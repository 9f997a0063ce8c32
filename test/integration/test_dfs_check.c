/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Whole file systems, embedded: mounts at a snapshot, the checker, the scan, listings with a
 * predicate; and extended attributes without a byte, which move with their files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "dfs/dfs.h"
#include "embedded_bed.h"

static struct embedded_bed bed;
static daos_handle_t container;
static dfs_t *dfs;

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	assert_ok(dfs_cont_create_with_label(bed.pool, "files", NULL, NULL, &container, &dfs));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_ok(dfs_umount(dfs));
	assert_ok(daos_cont_close(container, NULL));
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

/* ------------------------------------------------ short forms */

static dfs_obj_t *
open_at(dfs_t *mount, dfs_obj_t *parent, const char *name, int flags)
{
	dfs_obj_t *object;

	assert_ok(dfs_lookup_rel(mount, parent, name, flags, &object, NULL, NULL));
	return object;
}

static dfs_obj_t *
directory_make(dfs_obj_t *parent, const char *name)
{
	assert_ok(dfs_mkdir(dfs, parent, name, 0755, 0));
	return open_at(dfs, parent, name, O_RDWR);
}

static void
file_write(dfs_obj_t *parent, const char *name, const char *text)
{
	d_iov_t iov = {.iov_buf_len = strlen(text), .iov_len = strlen(text)};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	dfs_obj_t *file;

	memcpy(&iov.iov_buf, &text, sizeof(text));
	assert_ok(dfs_open(dfs, parent, name, S_IFREG | 0640, O_RDWR | O_CREAT | O_TRUNC, 0, 0,
			   NULL, &file));
	if (text[0])
		assert_ok(dfs_write(dfs, file, &sgl, 0, NULL));
	assert_ok(dfs_release(file));
}

static void
link_make(dfs_obj_t *parent, const char *name)
{
	dfs_obj_t *link;

	assert_ok(dfs_open(dfs, parent, name, S_IFLNK, O_RDWR | O_CREAT | O_EXCL, 0, 0, "target",
			   &link));
	assert_ok(dfs_release(link));
}

static void
assert_content(dfs_t *mount, const char *path, const char *text)
{
	char buffer[64];
	d_iov_t iov = {buffer, sizeof(buffer), sizeof(buffer)};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size = 0;
	dfs_obj_t *file;

	assert_ok(dfs_lookup(mount, path, O_RDONLY, &file, NULL, NULL));
	assert_ok(dfs_read(mount, file, &sgl, 0, &size, NULL));
	assert_int_equal(size, strlen(text));
	assert_memory_equal(buffer, text, size);
	assert_ok(dfs_release(file));
}

/* What a call prints: standard output goes to a file meanwhile. */
static struct {
	int kept;
	FILE *file;
	char text[8192];
} output;

static void
output_begin(void)
{
	fflush(stdout);
	output.kept = dup(STDOUT_FILENO);
	output.file = tmpfile();
	assert_non_null(output.file);
	assert_true(dup2(fileno(output.file), STDOUT_FILENO) >= 0);
}

static void
output_end(void)
{
	size_t length;

	fflush(stdout);
	dup2(output.kept, STDOUT_FILENO);
	close(output.kept);
	rewind(output.file);
	length = fread(output.text, 1, sizeof(output.text) - 1, output.file);
	output.text[length] = '\0';
	fclose(output.file);
}

static void
assert_printed(const char *text)
{
	if (strstr(output.text, text) == NULL)
		fail_msg("'%s' is not in:\n%s", text, output.text);
}

/* ------------------------------------------------ snapshots */

static void
read_snapshot(dfs_t *mount, bool renamed)
{
	dfs_obj_t *directory = open_at(mount, NULL, "d", O_RDONLY);
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[8];
	struct stat stats[8], status;
	uint32_t count = 8;
	char value[8];
	daos_size_t size = sizeof(value);

	assert_content(mount, "/d/file", renamed ? "second" : "first");
	assert_ok(dfs_readdirplus(mount, directory, &anchor, &count, entries, stats));
	assert_int_equal(count, renamed ? 3 : 2);
	assert_string_equal(entries[0].d_name, "file");
	assert_int_equal(stats[0].st_size, renamed ? 6 : 5);
	assert_string_equal(entries[1].d_name, "link");
	assert_ok(dfs_getxattr(mount, directory, "user.name", value, &size));
	assert_int_equal(size, 3);
	assert_memory_equal(value, renamed ? "new" : "old", 3);
	assert_ok(dfs_stat(mount, directory, "file", &status));
	assert_int_equal(status.st_mode, S_IFREG | (renamed ? 0600 : 0640));
	assert_ok(dfs_release(directory));
}

static void
change_nothing(dfs_t *mount)
{
	dfs_obj_t *object;
	struct stat status = {.st_mode = 0600};

	assert_int_equal(dfs_mkdir(mount, NULL, "new", 0700, 0), EPERM);
	assert_int_equal(dfs_remove(mount, NULL, "d", true, NULL), EPERM);
	assert_int_equal(dfs_move(mount, NULL, "d", NULL, "e", NULL), EPERM);
	assert_int_equal(dfs_chmod(mount, NULL, "d", 0700), EPERM);
	assert_int_equal(dfs_open(mount, NULL, "new", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0, NULL,
				  &object),
			 EPERM);
	assert_int_equal(dfs_lookup(mount, "/d/file", O_RDWR, &object, NULL, NULL), EPERM);
	assert_ok(dfs_lookup(mount, "/d/file", O_RDONLY, &object, NULL, NULL));
	assert_int_equal(dfs_setxattr(mount, object, "user.x", "x", 1, 0), EPERM);
	assert_int_equal(dfs_osetattr(mount, object, &status, DFS_SET_ATTR_MODE), EPERM);
	assert_int_equal(dfs_punch(mount, object, 0, DFS_MAX_FSIZE), EPERM);
	assert_ok(dfs_release(object));
}

static void
pass_on(dfs_t *mount, daos_handle_t given)
{
	char bytes[1024];
	d_iov_t blob = {bytes, sizeof(bytes), sizeof(bytes)};
	daos_handle_t told;
	dfs_t *other;

	assert_ok(dfs_cont_get(mount, &told));
	assert_int_equal(told.cookie, given.cookie);
	assert_ok(dfs_cont_put(mount, told));
	assert_ok(dfs_local2global(mount, &blob));
	blob.iov_buf_len = blob.iov_len;
	assert_int_equal(dfs_global2local(bed.pool, container, O_RDWR, blob, &other), EINVAL);
	assert_ok(dfs_global2local(bed.pool, container, O_RDONLY, blob, &other));
	read_snapshot(other, false);
	change_nothing(other);
	assert_ok(dfs_umount(other));
}

static void
test_snapshots(void **state)
{
	dfs_obj_t *directory = directory_make(NULL, "d");
	char name[] = "before";
	daos_epoch_t epoch, later;
	dfs_t *by_name, *by_epoch;

	(void)state;
	file_write(directory, "file", "first");
	link_make(directory, "link");
	assert_ok(dfs_setxattr(dfs, directory, "user.name", "old", 3, 0));
	assert_ok(daos_cont_create_snap(container, &epoch, name, NULL));
	file_write(directory, "file", "second");
	file_write(directory, "third", "");
	assert_ok(dfs_chmod(dfs, directory, "file", 0600));
	assert_ok(dfs_setxattr(dfs, directory, "user.name", "new", 3, 0));

	assert_int_equal(dfs_mount_snap(bed.pool, container, O_RDWR, epoch, NULL, &by_name),
			 EINVAL);
	assert_int_equal(dfs_mount_snap(bed.pool, container, O_RDONLY, 0, NULL, &by_name), EINVAL);
	assert_int_equal(dfs_mount_snap(bed.pool, container, O_RDONLY, 0, "after", &by_name),
			 ENOENT);
	assert_int_equal(dfs_mount_snap(bed.pool, container, O_RDONLY, epoch + 1, NULL, &by_name),
			 ENOENT);
	assert_ok(dfs_mount_snap(bed.pool, container, O_RDONLY, 0, "before", &by_name));
	assert_ok(dfs_mount_snap(bed.pool, container, O_RDONLY, epoch, NULL, &by_epoch));
	read_snapshot(by_name, false);
	read_snapshot(by_epoch, false);
	read_snapshot(dfs, true);
	change_nothing(by_epoch);
	pass_on(by_name, container);
	assert_ok(dfs_umount(by_name));

	/* What goes now stays there. */
	assert_ok(dfs_release(directory));
	assert_ok(dfs_remove(dfs, NULL, "d", true, NULL));
	read_snapshot(by_epoch, false);
	assert_ok(daos_cont_create_snap(container, &later, NULL, NULL));
	assert_ok(dfs_umount(by_epoch));
	assert_ok(dfs_mount_snap(bed.pool, container, O_RDONLY, later, NULL, &by_epoch));
	assert_int_equal(dfs_lookup(by_epoch, "/d", O_RDONLY, &directory, NULL, NULL), ENOENT);
	assert_ok(dfs_umount(by_epoch));
	assert_ok(daos_cont_destroy_snap(container, (daos_epoch_range_t){later, later}, NULL));

	assert_ok(dfs_connect_snap("default", NULL, "files", O_RDONLY, 0, "before", &by_name));
	read_snapshot(by_name, false);
	change_nothing(by_name);
	assert_ok(dfs_disconnect(by_name));
	assert_int_equal(dfs_connect_snap("default", NULL, "files", O_RDONLY | O_CREAT, epoch, NULL,
					  &by_name),
			 EINVAL);
	assert_int_equal(dfs_connect_snap("default", NULL, "absent", O_RDONLY, epoch, NULL,
					  &by_name),
			 ENOENT);
	assert_ok(daos_cont_destroy_snap(container, (daos_epoch_range_t){epoch, epoch}, NULL));
	assert_int_equal(dfs_connect_snap("default", NULL, "files", O_RDONLY, 0, "before",
					  &by_name),
			 ENOENT);
}

/* ------------------------------------------------ the checker */

/* Takes the name of something away without its object, as a crash does. */
static void
name_lose(dfs_t *mount, daos_handle_t of, const char *parent_path, const char *name)
{
	char text[64];
	daos_key_t dkey = {text, strlen(name), strlen(name)};
	daos_obj_id_t oid;
	daos_handle_t handle;
	dfs_obj_t *parent;

	memcpy(text, name, strlen(name) + 1);
	assert_ok(dfs_lookup(mount, parent_path, O_RDONLY, &parent, NULL, NULL));
	assert_ok(dfs_obj2id(parent, &oid));
	assert_ok(dfs_release(parent));
	assert_ok(daos_obj_open(of, oid, DAOS_OO_RW, &handle, NULL));
	assert_ok(daos_obj_punch_dkeys(handle, DAOS_TX_NONE, 0, 1, &dkey, NULL));
	assert_ok(daos_obj_close(handle, NULL));
}

static int
check(uint64_t flags, const char *name)
{
	int rc;

	output_begin();
	rc = dfs_cont_check(bed.pool, "broken", flags, name);
	output_end();
	return rc;
}

/* A file system with one leaked file, and a leaked directory with a file and a directory in it. */
static void
break_one(void)
{
	dfs_t *whole = dfs;
	daos_handle_t broken;
	dfs_obj_t *directory, *below;

	assert_ok(dfs_cont_create_with_label(bed.pool, "broken", NULL, NULL, &broken, &dfs));
	directory = directory_make(NULL, "sound");
	file_write(directory, "kept", "kept");
	file_write(directory, "empty", "");
	link_make(directory, "link");
	file_write(directory, "lost", "lost file");
	assert_ok(dfs_release(directory));
	directory = directory_make(NULL, "gone");
	file_write(directory, "inner", "inner file");
	below = directory_make(directory, "below");
	file_write(below, "deepest", "deep");
	assert_ok(dfs_release(below));
	assert_ok(dfs_release(directory));
	name_lose(dfs, broken, "/sound", "lost");
	name_lose(dfs, broken, "/", "gone");
	assert_ok(dfs_umount(dfs));
	assert_ok(daos_cont_close(broken, NULL));
	dfs = whole;
}

/* The two things that came back, by the types that they have. */
static void
read_shelf(void)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[8];
	uint32_t count = 8;
	dfs_obj_t *shelf;
	char path[600];
	dfs_t *mount;

	assert_ok(dfs_connect("default", NULL, "broken", O_RDWR, NULL, &mount));
	assert_ok(dfs_lookup(mount, "/lost+found/today", O_RDWR, &shelf, NULL, NULL));
	assert_ok(dfs_readdir(mount, shelf, &anchor, &count, entries));
	assert_int_equal(count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/lost+found/today/%s", entries[i].d_name);
		if (entries[i].d_type == DT_REG) {
			assert_content(mount, path, "lost file");
			continue;
		}
		assert_int_equal(entries[i].d_type, DT_DIR);
		strcat(path, "/inner");
		assert_content(mount, path, "inner file");
		snprintf(path, sizeof(path), "/lost+found/today/%s/below/deepest",
			 entries[i].d_name);
		assert_content(mount, path, "deep");
	}
	assert_content(mount, "/sound/kept", "kept");
	assert_ok(dfs_release(shelf));
	assert_ok(dfs_disconnect(mount));
}

static void
test_check_relinks(void **state)
{
	dfs_t *mount;

	(void)state;
	break_one();
	assert_ok(dfs_connect("default", NULL, "broken", O_RDWR, NULL, &mount));
	assert_int_equal(check(DFS_CHECK_PRINT, NULL), EBUSY);
	assert_ok(dfs_disconnect(mount));

	/* Three files with data and two directories, of which two things are on top. */
	assert_ok(check(DFS_CHECK_PRINT, NULL));
	assert_printed("leaked OIDs in namespace = 5");
	assert_printed("oid[5]: ");
	assert_ok(check(DFS_CHECK_RELINK | DFS_CHECK_VERIFY, "today"));
	assert_printed("leaked OIDs in namespace = 2");
	read_shelf();
	assert_ok(check(DFS_CHECK_PRINT, NULL));
	assert_printed("leaked OIDs in namespace = 0");
	assert_ok(dfs_destroy("default", NULL, "broken", 0, NULL));
}

/* A file that has no name but was open is not lost: dfs_reclaim() frees it. */
static void
leave_orphan(void)
{
	dfs_obj_t *directory, *file;
	dfs_t *mount;

	assert_ok(dfs_connect("default", NULL, "broken", O_RDWR, NULL, &mount));
	directory = open_at(mount, NULL, "sound", O_RDWR);
	file = open_at(mount, directory, "kept", O_RDWR);
	assert_ok(dfs_remove(mount, directory, "kept", false, NULL));
	assert_ok(check(DFS_CHECK_PRINT | DFS_CHECK_EVICT_ALL, NULL));
	assert_printed("leaked OIDs in namespace = 0");
	(void)dfs_release(file);
	assert_ok(dfs_release(directory));
	(void)dfs_disconnect(mount);
}

static void
test_check_removes(void **state)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_handle_t opened;
	int count = 0;

	(void)state;
	break_one();
	assert_int_equal(check(DFS_CHECK_REMOVE | DFS_CHECK_RELINK, NULL), EINVAL);
	assert_int_equal(check(1 << 5, NULL), EINVAL);
	assert_int_equal(check(DFS_CHECK_PRINT, "name"), EINVAL);
	assert_int_equal(check(DFS_CHECK_RELINK, "a/b"), EINVAL);
	assert_int_equal(dfs_cont_check(bed.pool, "absent", DFS_CHECK_PRINT, NULL), ENOENT);
	assert_ok(check(DFS_CHECK_REMOVE, NULL));
	assert_printed("leaked OIDs in namespace = 5");
	assert_ok(check(DFS_CHECK_PRINT, NULL));
	assert_printed("leaked OIDs in namespace = 0");
	leave_orphan();
	/* No snapshot is left behind. */
	assert_ok(daos_cont_open(bed.pool, "broken", DAOS_COO_RO, &opened, NULL, NULL));
	assert_ok(daos_cont_list_snap(opened, &count, NULL, NULL, &anchor, NULL));
	assert_int_equal(count, 0);
	assert_ok(daos_cont_close(opened, NULL));
	assert_ok(daos_cont_destroy(bed.pool, "broken", 1, NULL));
}

/* ------------------------------------------------ the scan */

static void
test_scan(void **state)
{
	dfs_obj_t *top = directory_make(NULL, "scan"), *below = directory_make(top, "below");
	char name[32];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "file-%03d", i);
		file_write(below, name, i < 10 ? "ten bytes!" : "");
	}
	file_write(top, "larger", "a file of twenty-four by");
	link_make(top, "link");
	assert_ok(dfs_release(below));
	assert_ok(dfs_release(top));
	output_begin();
	assert_ok(dfs_cont_scan(bed.pool, "files", 0, "/scan"));
	output_end();
	assert_printed("303 scanned objects");
	assert_printed("301 files");
	assert_printed("1 symlinks");
	assert_printed("1 directories");
	assert_printed("2 max tree depth");
	assert_printed("124 bytes of total data");
	assert_printed("24 bytes is largest file size");
	assert_printed("300 entries in the largest directory");
	assert_int_equal(dfs_cont_scan(bed.pool, "files", 0, "/scan/larger"), ENOTDIR);
	assert_int_equal(dfs_cont_scan(bed.pool, "files", 0, "/absent"), ENOENT);
	assert_int_equal(dfs_cont_scan(bed.pool, "files", 1, NULL), EINVAL);
	assert_int_equal(dfs_cont_scan(bed.pool, "test", 0, NULL), EINVAL);
	output_begin();
	assert_ok(dfs_cont_scan(bed.pool, "files", 0, NULL));
	output_end();
	assert_printed("3 max tree depth");
	assert_ok(dfs_remove(dfs, NULL, "scan", true, NULL));
}

/* ------------------------------------------------ filters */

static dfs_pipeline_t *
pipeline_of(const char *pattern, time_t newer, uint64_t flags)
{
	dfs_predicate_t predicate = {.dp_newer = newer};
	dfs_pipeline_t *pipeline;

	strncpy(predicate.dp_name, pattern, sizeof(predicate.dp_name) - 1);
	assert_ok(dfs_pipeline_create(dfs, predicate, flags, &pipeline));
	return pipeline;
}

/* How many entries are selected, a few at a time; their ids and chunk sizes are those of stat. */
static uint32_t
select_all(dfs_obj_t *directory, dfs_pipeline_t *pipeline, uint64_t *ret_scanned)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	uint32_t selected = 0;

	*ret_scanned = 0;
	while (!daos_anchor_is_eof(&anchor)) {
		struct dirent entries[7];
		daos_obj_id_t ids[7], own;
		daos_size_t chunks[7];
		uint64_t scanned;
		uint32_t count = 7;

		assert_ok(dfs_readdir_with_filter(dfs, directory, pipeline, &anchor, &count,
						  entries, ids, chunks, &scanned));
		for (uint32_t i = 0; i < count; i++) {
			dfs_obj_t *object = open_at(dfs, directory, entries[i].d_name, O_RDONLY);

			assert_ok(dfs_obj2id(object, &own));
			assert_memory_equal(&own, &ids[i], sizeof(own));
			assert_int_equal(chunks[i], entries[i].d_type == DT_REG ? 1 << 20 : 0);
			assert_ok(dfs_release(object));
		}
		selected += count;
		*ret_scanned += scanned;
	}
	return selected;
}

static void
assert_selected(dfs_obj_t *directory, const char *pattern, time_t newer, uint64_t flags,
		uint32_t wanted)
{
	dfs_pipeline_t *pipeline = pipeline_of(pattern, newer, flags);
	uint64_t scanned;

	assert_int_equal(select_all(directory, pipeline, &scanned), wanted);
	assert_int_equal(scanned, 62);
	assert_ok(dfs_pipeline_destroy(pipeline));
}

static void
set_time(dfs_obj_t *directory, const char *name, time_t seconds)
{
	dfs_obj_t *file = open_at(dfs, directory, name, O_RDWR);
	struct stat status = {.st_mtim = {.tv_sec = seconds}};

	assert_ok(dfs_osetattr(dfs, file, &status, DFS_SET_ATTR_MTIME));
	assert_ok(dfs_release(file));
}

static void
test_filters(void **state)
{
	dfs_obj_t *directory = directory_make(NULL, "filter");
	dfs_predicate_t none = {.dp_newer = 0};
	dfs_pipeline_t *pipeline;
	char name[32];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "file-%02d.%s", i, i % 3 == 0 ? "log" : "txt");
		file_write(directory, name, "");
		set_time(directory, name, i < 30 ? 1000 : 2000);
	}
	assert_ok(dfs_mkdir(dfs, directory, "sub", 0700, 0));
	assert_ok(dfs_mkdir(dfs, directory, "sub.log", 0700, 0));
	assert_selected(directory, "%.log", 0, DFS_FILTER_NAME, 21);
	assert_selected(directory, "%.log", 0, DFS_FILTER_NAME | DFS_FILTER_INCLUDE_DIRS, 22);
	assert_selected(directory, "file-_0%", 0, DFS_FILTER_NAME, 6);
	assert_selected(directory, "nothing", 0, DFS_FILTER_NAME, 0);
	assert_selected(directory, "file%", 1500, DFS_FILTER_NAME | DFS_FILTER_NEWER, 30);
	assert_selected(directory, "", 2000, DFS_FILTER_NEWER, 2);
	assert_int_equal(dfs_pipeline_create(dfs, none, 0, &pipeline), EINVAL);
	assert_int_equal(dfs_pipeline_create(dfs, none, 1 << 4, &pipeline), EINVAL);
	memset(none.dp_name, 'x', sizeof(none.dp_name));
	assert_int_equal(dfs_pipeline_create(dfs, none, DFS_FILTER_NAME, &pipeline), EINVAL);
	assert_ok(dfs_release(directory));
	assert_ok(dfs_remove(dfs, NULL, "filter", true, NULL));
}

/* ------------------------------------------------ attributes without a byte */

static int
attribute_size(dfs_obj_t *object, const char *name)
{
	char value[16];
	daos_size_t size = sizeof(value), asked = 0;
	int rc = dfs_getxattr(dfs, object, name, value, &size);

	if (rc)
		return -rc;
	assert_ok(dfs_getxattr(dfs, object, name, NULL, &asked));
	assert_int_equal(asked, size);
	return (int)size;
}

static daos_size_t
list_size(dfs_obj_t *object)
{
	char list[256];
	daos_size_t size = sizeof(list);

	assert_ok(dfs_listxattr(dfs, object, list, &size));
	return size;
}

static void
test_empty_attributes(void **state)
{
	dfs_obj_t *file;

	(void)state;
	file_write(NULL, "attributes", "");
	file = open_at(dfs, NULL, "attributes", O_RDWR);
	assert_int_equal(attribute_size(file, "user.a"), -ENODATA);
	assert_ok(dfs_setxattr(dfs, file, "user.a", NULL, 0, 0));
	assert_int_equal(attribute_size(file, "user.a"), 0);
	assert_int_equal(list_size(file), 7);
	assert_int_equal(dfs_setxattr(dfs, file, "user.a", "", 0, XATTR_CREATE), EEXIST);
	assert_int_equal(dfs_setxattr(dfs, file, "user.a", "x", 1, XATTR_CREATE), EEXIST);
	assert_int_equal(dfs_setxattr(dfs, file, "user.b", "", 0, XATTR_REPLACE), ENODATA);

	/* From empty to a value and back: one name all the time. */
	assert_ok(dfs_setxattr(dfs, file, "user.a", "four", 4, XATTR_REPLACE));
	assert_int_equal(attribute_size(file, "user.a"), 4);
	assert_int_equal(list_size(file), 7);
	assert_ok(dfs_setxattr(dfs, file, "user.a", "", 0, XATTR_REPLACE));
	assert_int_equal(attribute_size(file, "user.a"), 0);
	assert_int_equal(list_size(file), 7);
	assert_ok(dfs_setxattr(dfs, file, "user.b", "", 0, XATTR_CREATE));
	assert_int_equal(list_size(file), 14);
	assert_ok(dfs_release(file));

	/* They move with the file. */
	assert_ok(dfs_move(dfs, NULL, "attributes", NULL, "moved", NULL));
	file = open_at(dfs, NULL, "moved", O_RDWR);
	assert_int_equal(attribute_size(file, "user.a"), 0);
	assert_int_equal(attribute_size(file, "user.b"), 0);
	assert_ok(dfs_link(dfs, file, NULL, "second"));
	assert_int_equal(attribute_size(file, "user.a"), 0);
	assert_ok(dfs_setxattr(dfs, file, "user.b", "b", 1, 0));
	assert_ok(dfs_release(file));
	file = open_at(dfs, NULL, "second", O_RDWR);
	assert_int_equal(attribute_size(file, "user.b"), 1);
	assert_ok(dfs_remove(dfs, NULL, "moved", false, NULL));
	assert_ok(dfs_remove(dfs, NULL, "second", false, NULL));
	assert_int_equal(attribute_size(file, "user.a"), 0);
	assert_ok(dfs_removexattr(dfs, file, "user.a"));
	assert_int_equal(attribute_size(file, "user.a"), -ENODATA);
	assert_int_equal(dfs_removexattr(dfs, file, "user.a"), ENODATA);
	assert_ok(dfs_setxattr(dfs, file, "user.a", "", 0, XATTR_CREATE));
	assert_int_equal(list_size(file), 14);
	assert_ok(dfs_release(file));
}

/* ------------------------------------------------ mending */

/* Superblock and root of a container, by its properties. */
static void
roots_of(daos_handle_t of, daos_obj_id_t roots[2])
{
	daos_prop_t *properties = daos_prop_alloc(1);
	struct daos_prop_entry *entry;

	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_ROOTS;
	assert_ok(daos_cont_query(of, NULL, properties, NULL));
	entry = daos_prop_entry_get(properties, DAOS_PROP_CO_ROOTS);
	memcpy(roots, entry->dpe_val_ptr, 2 * sizeof(*roots));
	daos_prop_free(properties);
}

static void
dkey_punch(daos_handle_t of, daos_obj_id_t oid, const char *name)
{
	char text[64];
	daos_key_t dkey = {text, strlen(name), strlen(name)};
	daos_handle_t handle;

	memcpy(text, name, strlen(name) + 1);
	assert_ok(daos_obj_open(of, oid, DAOS_OO_RW, &handle, NULL));
	assert_ok(daos_obj_punch_dkeys(handle, DAOS_TX_NONE, 0, 1, &dkey, NULL));
	assert_ok(daos_obj_close(handle, NULL));
}

/* Overwrites bytes of an entry's attributes. */
static void
entry_damage(daos_handle_t of, daos_obj_id_t directory, const char *name, uint64_t offset,
	     uint64_t length)
{
	char text[64], akey[] = "DFS_INODE", zeros[16] = "";
	daos_key_t dkey = {text, strlen(name), strlen(name)};
	daos_recx_t extent = {offset, length};
	daos_iod_t iod = {
		.iod_type = DAOS_IOD_ARRAY, .iod_size = 1, .iod_nr = 1, .iod_recxs = &extent};
	d_iov_t bytes = {zeros, length, length};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &bytes};
	daos_handle_t handle;

	memcpy(text, name, strlen(name) + 1);
	d_iov_set(&iod.iod_name, akey, strlen(akey));
	assert_ok(daos_obj_open(of, directory, DAOS_OO_RW, &handle, NULL));
	assert_ok(daos_obj_update(handle, DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL));
	assert_ok(daos_obj_close(handle, NULL));
}

static void
test_mends_roots(void **state)
{
	dfs_attr_t attributes = {.da_chunk_size = 4096};
	daos_obj_id_t roots[2];
	daos_handle_t broken;
	dfs_t *mount, *whole = dfs;

	(void)state;
	assert_ok(dfs_cont_create_with_label(bed.pool, "mend", &attributes, NULL, &broken, &dfs));
	file_write(NULL, "file", "content");
	assert_ok(dfs_umount(dfs));
	dfs = whole;
	roots_of(broken, roots);
	assert_int_equal(dfs_recreate_sb(broken, NULL), EEXIST);
	assert_int_equal(dfs_relink_root(broken), EEXIST);

	dkey_punch(broken, roots[0], "DFS_SB_METADATA");
	assert_int_equal(dfs_mount(bed.pool, broken, O_RDWR, &mount), EINVAL);
	assert_ok(dfs_recreate_sb(broken, &attributes));
	dkey_punch(broken, roots[0], "/");
	assert_int_not_equal(dfs_mount(bed.pool, broken, O_RDWR, &mount), 0);
	assert_ok(dfs_relink_root(broken));
	assert_ok(dfs_mount(bed.pool, broken, O_RDWR, &mount));
	assert_content(mount, "/file", "content");
	assert_ok(dfs_query(mount, &attributes));
	assert_int_equal(attributes.da_chunk_size, 4096);
	assert_ok(dfs_umount(mount));

	entry_damage(broken, roots[0], "/", 0, 4);
	assert_int_not_equal(dfs_mount(bed.pool, broken, O_RDWR, &mount), 0);
	assert_ok(dfs_relink_root(broken));
	assert_ok(dfs_mount(bed.pool, broken, O_RDONLY, &mount));
	assert_ok(dfs_umount(mount));
	assert_ok(daos_cont_close(broken, NULL));
	assert_int_equal(dfs_recreate_sb(bed.container, NULL), EINVAL);
	assert_int_equal(dfs_relink_root(bed.container), EINVAL);
}

static void
test_mends_entries(void **state)
{
	dfs_obj_t *directory = directory_make(NULL, "entries"), *found;
	struct stat status;
	daos_obj_id_t oid;
	char target[16];
	daos_size_t size = sizeof(target);

	(void)state;
	file_write(directory, "file", "content");
	link_make(directory, "link");
	assert_ok(dfs_mkdir(dfs, directory, "below", 0750, 0));
	assert_ok(dfs_obj2id(directory, &oid));
	assert_int_equal(dfs_obj_fix_type(dfs, directory, "file"), EEXIST);
	assert_int_equal(dfs_obj_fix_type(dfs, directory, "absent"), ENOENT);
	/* The type, the chunk size, the length of the target. */
	entry_damage(container, oid, "file", 1, 3);
	entry_damage(container, oid, "file", 36, 8);
	entry_damage(container, oid, "link", 1, 3);
	entry_damage(container, oid, "link", 72, 8);
	entry_damage(container, oid, "below", 1, 3);
	assert_int_equal(dfs_stat(dfs, directory, "file", &status), EIO);
	assert_ok(dfs_obj_fix_type(dfs, directory, "file"));
	assert_ok(dfs_obj_fix_type(dfs, directory, "link"));
	assert_ok(dfs_obj_fix_type(dfs, directory, "below"));
	assert_content(dfs, "/entries/file", "content");
	found = open_at(dfs, directory, "link", O_RDONLY | O_NOFOLLOW);
	assert_ok(dfs_get_symlink_value(found, target, &size));
	assert_string_equal(target, "target");
	assert_ok(dfs_release(found));
	assert_ok(dfs_stat(dfs, directory, "below", &status));
	assert_true(S_ISDIR(status.st_mode));

	assert_int_equal(dfs_file_fix_chunk_size(dfs, directory, "file", 0), EINVAL);
	assert_int_equal(dfs_file_fix_chunk_size(dfs, directory, "below", 4096), EISDIR);
	assert_ok(dfs_file_fix_chunk_size(dfs, directory, "file", 1 << 16));
	found = open_at(dfs, directory, "file", O_RDONLY);
	assert_ok(dfs_get_chunk_size(found, &size));
	assert_int_equal(size, 1 << 16);
	assert_ok(dfs_release(found));
	assert_ok(dfs_release(directory));
}

/* ------------------------------------------------ hints */

/* What is made in a container with hints has the classes that the hints stand for. */
static void
hints_are_honoured(const char *label, const char *file_hint, const char *dir_hint)
{
	dfs_attr_t attributes = {0};
	dfs_obj_t *object;
	dfs_obj_info_t info;
	daos_oclass_id_t class;
	daos_handle_t hinted;
	dfs_t *mount;

	snprintf(attributes.da_hints, sizeof(attributes.da_hints), "%s,%s", file_hint, dir_hint);
	assert_ok(dfs_cont_create_with_label(bed.pool, label, &attributes, NULL, &hinted, &mount));
	assert_ok(dfs_open(mount, NULL, "file", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0, NULL,
			   &object));
	assert_ok(dfs_obj_get_info(mount, object, &info));
	assert_ok(dfs_suggest_oclass(mount, file_hint, &class));
	assert_int_equal(info.doi_oclass_id, class);
	assert_ok(dfs_release(object));
	assert_ok(dfs_open(mount, NULL, "directory", S_IFDIR | 0700, O_RDWR | O_CREAT, 0, 0, NULL,
			   &object));
	assert_ok(dfs_obj_get_info(mount, object, &info));
	assert_ok(dfs_suggest_oclass(mount, dir_hint, &class));
	assert_int_equal(info.doi_oclass_id, class);
	assert_ok(dfs_release(object));
	assert_ok(dfs_query(mount, &attributes));
	assert_non_null(strstr(attributes.da_hints, file_hint));
	assert_ok(dfs_umount(mount));
	assert_ok(daos_cont_close(hinted, NULL));
}

static void
test_hints(void **state)
{
	dfs_attr_t attributes = {.da_hints = "file:sometimes"};

	(void)state;
	hints_are_honoured("hints-1", "file:single", "dir:max");
	hints_are_honoured("hints-2", "file:max", "directory:single");
	assert_int_equal(dfs_cont_create_with_label(bed.pool, "hints-3", &attributes, NULL, NULL,
						    NULL),
			 EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshots),     cmocka_unit_test(test_check_relinks),
		cmocka_unit_test(test_check_removes), cmocka_unit_test(test_scan),
		cmocka_unit_test(test_filters),	      cmocka_unit_test(test_empty_attributes),
		cmocka_unit_test(test_mends_roots),   cmocka_unit_test(test_mends_entries),
		cmocka_unit_test(test_hints),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, setup, teardown);
}
