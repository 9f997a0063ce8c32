/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Several names of one file, files that are removed while they are open, exact renames, appends,
 * and things by object id; through two mounts, several threads, and processes of which one is
 * killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "hidden.h"
#include <daos_fs.h>

static struct embedded_bed bed;
static daos_handle_t container;
static dfs_t *dfs, *other; /* two mounts: two clients, as far as files are concerned */

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	assert_ok(dfs_cont_create_with_label(bed.pool, "files", NULL, NULL, &container, &dfs));
	assert_ok(dfs_mount(bed.pool, container, O_RDWR, &other));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_ok(dfs_umount(other));
	assert_ok(dfs_umount(dfs));
	assert_ok(daos_cont_close(container, NULL));
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

/* ------------------------------------------------ short forms */

static int
write_at(dfs_t *mount, dfs_obj_t *file, const void *data, size_t length, uint64_t offset)
{
	d_iov_t iov = {.iov_buf_len = length, .iov_len = length};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	memcpy(&iov.iov_buf, &data, sizeof(data));
	return dfs_write(mount, file, &sgl, offset, NULL);
}

static size_t
read_at(dfs_t *mount, dfs_obj_t *file, void *data, size_t length, uint64_t offset)
{
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size = 0;

	d_iov_set(&iov, data, length);
	assert_ok(dfs_read(mount, file, &sgl, offset, &size, NULL));
	return size;
}

static dfs_obj_t *
make_file(const char *name, const char *text)
{
	dfs_obj_t *file;

	assert_ok(dfs_open(dfs, NULL, name, S_IFREG | 0644, O_CREAT | O_EXCL | O_RDWR, 0, 0, NULL,
			   &file));
	assert_ok(write_at(dfs, file, text, strlen(text), 0));
	return file;
}

static void
make_closed(const char *name, const char *text)
{
	assert_ok(dfs_release(make_file(name, text)));
}

static dfs_obj_t *
look(dfs_t *mount, const char *path)
{
	dfs_obj_t *object;

	assert_ok(dfs_lookup(mount, path, O_RDWR | O_NOFOLLOW, &object, NULL, NULL));
	return object;
}

static struct stat
stat_of(dfs_t *mount, const char *name)
{
	struct stat status;

	assert_ok(dfs_stat(mount, NULL, name, &status));
	return status;
}

static struct stat
stat_open(dfs_t *mount, dfs_obj_t *object)
{
	struct stat status;

	assert_ok(dfs_ostat(mount, object, &status));
	return status;
}

static int
stat_error(const char *name)
{
	struct stat status;

	return dfs_stat(dfs, NULL, name, &status);
}

static void
assert_open_holds(dfs_t *mount, dfs_obj_t *file, const char *text)
{
	char data[256];

	assert_int_equal(read_at(mount, file, data, sizeof(data), 0), strlen(text));
	assert_memory_equal(data, text, strlen(text));
}

static void
assert_holds(const char *path, const char *text)
{
	dfs_obj_t *file = look(other, path);

	assert_open_holds(other, file, text);
	assert_ok(dfs_release(file));
}

static daos_obj_id_t
id_of(dfs_obj_t *object)
{
	daos_obj_id_t oid;

	assert_ok(dfs_obj2id(object, &oid));
	return oid;
}

static daos_size_t
data_left(daos_obj_id_t oid)
{
	daos_size_t size;

	assert_ok(dfs_get_size_by_oid(dfs, oid, DFS_DEFAULT_CHUNK_SIZE, &size));
	return size;
}

static int
link_at(dfs_t *mount, const char *path, const char *name)
{
	dfs_obj_t *object = look(mount, path);
	int rc = dfs_link(mount, object, NULL, name);

	assert_ok(dfs_release(object));
	return rc;
}

static int
remove_name(dfs_t *mount, const char *name)
{
	return dfs_remove(mount, NULL, name, false, NULL);
}

/* ------------------------------------------------ links */

static void
names_share_a_file(void **state)
{
	dfs_obj_t *file = make_file("a", "text"), *directory;
	daos_obj_id_t oid = id_of(file);
	uint8_t links[4];
	struct stat status;
	daos_size_t size = 8;
	char value[8];

	(void)state;
	assert_int_equal(stat_of(dfs, "a").st_nlink, 1);
	assert_int_equal(hidden_records(container), 0);
	assert_ok(dfs_setxattr(dfs, file, "user.x", "one", 3, 0));
	assert_ok(dfs_link(dfs, file, NULL, "b"));
	assert_int_equal(dfs_link(dfs, file, NULL, "b"), EEXIST);
	assert_int_equal(dfs_link(dfs, file, NULL, "a"), EEXIST);
	assert_ok(link_at(other, "/b", "c"));
	assert_int_equal(hidden_fetch(container, HIDDEN_RECORDS, oid, "DFS_LINKS", links, 4), 4);
	assert_int_equal(links[0] | links[1] | links[2] | links[3], 3);
	assert_int_equal(stat_of(other, "a").st_nlink, 3);
	assert_int_equal(stat_open(dfs, file).st_nlink, 3);
	assert_int_equal(stat_of(dfs, "a").st_ino, stat_of(dfs, "c").st_ino);
	assert_holds("/c", "text");
	/* One set of attributes, by any name. */
	assert_ok(dfs_chmod(other, NULL, "c", 0600));
	assert_int_equal(stat_of(dfs, "a").st_mode, S_IFREG | 0600);
	status.st_mtim = (struct timespec){1000000, 5};
	assert_ok(dfs_osetattr(dfs, file, &status, DFS_SET_ATTR_MTIME));
	assert_int_equal(stat_of(other, "b").st_mtim.tv_sec, 1000000);
	assert_int_equal(status.st_nlink, 3);
	assert_ok(dfs_chown(other, NULL, "b", 77, 78, 0));
	assert_int_equal(stat_open(dfs, file).st_uid, 77);
	assert_int_equal(dfs_access(dfs, NULL, "a", X_OK), EACCES);
	assert_ok(dfs_release(file));
	file = look(other, "/b");
	assert_ok(dfs_getxattr(other, file, "user.x", value, &size));
	assert_int_equal(size, 3);
	assert_ok(dfs_setxattr(other, file, "user.y", "two", 3, 0));
	assert_ok(dfs_release(file));
	file = look(dfs, "/c");
	size = sizeof(value);
	assert_ok(dfs_getxattr(dfs, file, "user.y", value, &size));
	assert_ok(dfs_release(file));
	/* Names go one by one, the data with the last. */
	assert_ok(remove_name(dfs, "a"));
	assert_int_equal(stat_of(other, "b").st_nlink, 2);
	assert_ok(remove_name(other, "c"));
	assert_int_equal(stat_of(dfs, "b").st_nlink, 1);
	assert_int_equal(data_left(oid), 4);
	assert_holds("/b", "text");
	assert_ok(remove_name(dfs, "b"));
	assert_int_equal(data_left(oid), 0);
	assert_int_equal(hidden_records(container), 0);
	assert_ok(dfs_mkdir(dfs, NULL, "d", 0755, 0));
	directory = look(dfs, "/d");
	assert_int_equal(dfs_link(dfs, directory, NULL, "e"), EPERM);
	assert_ok(dfs_release(directory));
	assert_ok(remove_name(dfs, "d"));
}

static void
links_are_limited(void **state)
{
	uint8_t most[4] = {DFS_LINK_MAX & 0xff, DFS_LINK_MAX >> 8, 0, 0};
	uint8_t two[4] = {2, 0, 0, 0};
	dfs_obj_t *file = make_file("many", "m");

	(void)state;
	assert_ok(dfs_link(dfs, file, NULL, "more"));
	hidden_replace(container, HIDDEN_RECORDS, id_of(file), "DFS_LINKS", most, 4);
	assert_int_equal(dfs_link(dfs, file, NULL, "most"), EMLINK);
	assert_int_equal(stat_of(dfs, "many").st_nlink, DFS_LINK_MAX);
	hidden_replace(container, HIDDEN_RECORDS, id_of(file), "DFS_LINKS", two, 4);
	assert_ok(dfs_release(file));
	assert_ok(remove_name(dfs, "more"));
	assert_ok(remove_name(dfs, "many"));
}

static void
symlinks_have_names_too(void **state)
{
	dfs_obj_t *link;
	char target[16];
	daos_size_t size = sizeof(target);

	(void)state;
	assert_ok(dfs_open(dfs, NULL, "s", S_IFLNK, O_CREAT | O_EXCL | O_RDWR, 0, 0, "target",
			   &link));
	assert_ok(dfs_link(dfs, link, NULL, "t"));
	assert_ok(dfs_release(link));
	assert_ok(remove_name(dfs, "s"));
	assert_int_equal(stat_of(dfs, "t").st_nlink, 1);
	link = look(other, "/t");
	assert_ok(dfs_get_symlink_value(link, target, &size));
	assert_string_equal(target, "target");
	assert_ok(dfs_release(link));
	assert_ok(remove_name(other, "t"));
	assert_int_equal(hidden_records(container), 0);
}

static void
listings_tell_the_links(void **state)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[8];
	struct stat stats[8];
	uint32_t count = 8;
	dfs_obj_t *root = look(dfs, "/");

	(void)state;
	make_closed("l1", "12345");
	assert_ok(link_at(dfs, "/l1", "l2"));
	make_closed("l3", "1");
	assert_ok(dfs_chmod(dfs, NULL, "l2", 0640));
	assert_ok(dfs_readdirplus(other, root, &anchor, &count, entries, stats));
	assert_int_equal(count, 3);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(stats[i].st_nlink, 2);
		assert_int_equal(stats[i].st_mode, S_IFREG | 0640);
		assert_int_equal(stats[i].st_size, 5);
		assert_int_equal(entries[i].d_ino, stats[i].st_ino);
	}
	assert_int_equal(stats[2].st_nlink, 1);
	assert_ok(dfs_release(root));
	assert_ok(remove_name(dfs, "l3"));
}

static void
renames_of_linked_names(void **state)
{
	dfs_obj_t *file = look(dfs, "/l1");
	daos_obj_id_t oid = id_of(file), replaced;

	(void)state;
	assert_ok(dfs_release(file));
	/* Both names are of one file: nothing happens. */
	assert_ok(dfs_rename(dfs, NULL, "l1", NULL, "l2", 0, &replaced));
	assert_int_equal(replaced.lo, 0);
	assert_int_equal(stat_of(dfs, "l1").st_nlink, 2);
	assert_ok(dfs_move(dfs, NULL, "l1", NULL, "l4", NULL));
	assert_int_equal(stat_error("l1"), ENOENT);
	assert_int_equal(stat_of(other, "l4").st_nlink, 2);
	/* A name that is replaced is one less. */
	make_closed("new", "replacing");
	assert_ok(dfs_rename(other, NULL, "new", NULL, "l4", 0, &replaced));
	assert_int_equal(replaced.lo, oid.lo);
	assert_int_equal(stat_of(dfs, "l2").st_nlink, 1);
	assert_holds("/l4", "replacing");
	assert_holds("/l2", "12345");
	make_closed("newer", "replacing again");
	assert_int_equal(dfs_rename(dfs, NULL, "newer", NULL, "l2", DFS_RENAME_NOREPLACE, NULL),
			 EEXIST);
	assert_int_equal(dfs_rename(dfs, NULL, "newer", NULL, "l2", 64, NULL), EINVAL);
	assert_ok(dfs_rename(dfs, NULL, "newer", NULL, "l2", 0, NULL));
	assert_int_equal(data_left(oid), 0);
	assert_int_equal(hidden_records(container), 0);
	assert_ok(dfs_rename(dfs, NULL, "l2", NULL, "l5", DFS_RENAME_NOREPLACE, NULL));
	assert_ok(dfs_exchange(dfs, NULL, "l4", NULL, "l5"));
	assert_holds("/l5", "replacing");
	assert_ok(remove_name(dfs, "l4"));
	assert_ok(remove_name(dfs, "l5"));
}

/* ------------------------------------------------ removed while open */

static void
check_nameless(dfs_obj_t *file, const char *text)
{
	struct stat status = stat_open(dfs, file);
	char longer[64];

	assert_int_equal(status.st_nlink, 0);
	assert_int_equal(status.st_size, strlen(text));
	assert_open_holds(dfs, file, text);
	snprintf(longer, sizeof(longer), "%s, longer", text);
	assert_ok(write_at(dfs, file, longer, strlen(longer), 0));
	assert_open_holds(dfs, file, longer);
	assert_ok(dfs_punch(dfs, file, 3, DFS_MAX_FSIZE));
	status.st_mode = 0604;
	assert_ok(dfs_osetattr(dfs, file, &status, DFS_SET_ATTR_MODE));
	status = stat_open(dfs, file);
	assert_int_equal(status.st_mode, S_IFREG | 0604);
	assert_int_equal(status.st_size, 3);
	assert_int_equal(dfs_link(dfs, file, NULL, "again"), ENOENT);
	assert_int_equal(dfs_export(dfs, file), ENOENT);
}

static void
open_files_outlive_their_names(void **state)
{
	dfs_obj_t *file = make_file("u", "data"), *second;
	daos_obj_id_t oid = id_of(file);
	daos_size_t size = 8;
	char value[8];

	(void)state;
	assert_ok(dfs_setxattr(dfs, file, "user.x", "kept", 4, 0));
	assert_ok(dfs_dup(dfs, file, O_RDWR, &second));
	assert_ok(remove_name(dfs, "u"));
	assert_int_equal(stat_error("u"), ENOENT);
	assert_int_equal(hidden_orphans(container), 1);
	assert_ok(dfs_getxattr(dfs, file, "user.x", value, &size));
	/* A new file has the name, and nothing of the old one. */
	make_closed("u", "new");
	check_nameless(file, "data");
	assert_int_equal(stat_of(dfs, "u").st_mode, S_IFREG | 0644);
	assert_holds("/u", "new");
	assert_ok(dfs_release(file));
	assert_int_equal(data_left(oid), 3);
	assert_int_equal(hidden_orphans(container), 1);
	assert_ok(dfs_open_id(dfs, oid, O_RDONLY, &file));
	assert_open_holds(dfs, file, "dat");
	assert_ok(dfs_release(second));
	assert_int_equal(data_left(oid), 3);
	assert_ok(dfs_release(file));
	assert_int_equal(data_left(oid), 0);
	assert_int_equal(hidden_orphans(container), 0);
	assert_int_equal(dfs_open_id(dfs, oid, O_RDONLY, &file), ESTALE);
}

static void
open_files_outlive_a_rename(void **state)
{
	dfs_obj_t *file = look(dfs, "/u");
	daos_obj_id_t oid = id_of(file);

	(void)state;
	make_closed("v", "over");
	assert_ok(dfs_move(dfs, NULL, "v", NULL, "u", NULL));
	check_nameless(file, "new");
	assert_holds("/u", "over");
	assert_ok(dfs_release(file));
	assert_int_equal(data_left(oid), 0);
	assert_int_equal(hidden_orphans(container), 0);
	/* One that has another name is no orphan; when the last name goes, it is. */
	file = look(dfs, "/u");
	oid = id_of(file);
	assert_ok(dfs_link(dfs, file, NULL, "w"));
	assert_ok(remove_name(dfs, "u"));
	assert_int_equal(stat_open(dfs, file).st_nlink, 1);
	assert_int_equal(hidden_orphans(container), 0);
	assert_ok(remove_name(dfs, "w"));
	assert_int_equal(hidden_records(container), 0);
	check_nameless(file, "over");
	assert_ok(dfs_release(file));
	assert_int_equal(data_left(oid), 0);
	assert_int_equal(hidden_orphans(container), 0);
}

/* What other mounts do to names of what is open here. */
static void
open_files_are_found_again(void **state)
{
	dfs_obj_t *file = make_file("x", "found");

	(void)state;
	assert_ok(link_at(other, "/x", "y"));
	assert_int_equal(stat_open(dfs, file).st_nlink, 2);
	assert_ok(remove_name(other, "x"));
	assert_int_equal(stat_open(dfs, file).st_nlink, 1);
	assert_ok(dfs_link(dfs, file, NULL, "z"));
	assert_int_equal(stat_of(dfs, "y").st_nlink, 2);
	assert_ok(remove_name(dfs, "y"));
	assert_ok(remove_name(dfs, "z"));
	assert_int_equal(stat_open(dfs, file).st_nlink, 0);
	assert_ok(dfs_release(file));
	assert_int_equal(hidden_orphans(container), 0);
}

/* ------------------------------------------------ by object id */

static void
exported_files_are_found(void **state)
{
	static const uint8_t root_name[] = {'m', 'o', 'v', 'e', 'd'};
	dfs_obj_t *directory, *file, *found, *parent;
	daos_obj_id_t oid, directory_oid;
	uint8_t value[64];

	(void)state;
	assert_ok(dfs_mkdir(dfs, NULL, "e", 0755, 0));
	directory = look(dfs, "/e");
	assert_ok(
		dfs_open(dfs, directory, "f", S_IFREG | 0644, O_CREAT | O_RDWR, 0, 0, NULL, &file));
	assert_ok(write_at(dfs, file, "export", 6, 0));
	oid = id_of(file);
	directory_oid = id_of(directory);
	assert_int_equal(dfs_open_id(other, oid, O_RDONLY, &found), ESTALE);
	assert_ok(dfs_export(dfs, file));
	assert_ok(dfs_export(dfs, file));
	assert_int_equal(hidden_records(container), 2);
	assert_ok(dfs_release(file));
	assert_ok(dfs_open_id(other, oid, O_RDWR, &found));
	assert_open_holds(other, found, "export");
	assert_int_equal(stat_open(other, found).st_nlink, 1);
	/* After renames, through whichever mount. */
	assert_ok(dfs_move(other, NULL, "e", NULL, "e2", NULL));
	assert_ok(dfs_move(dfs, directory, "f", NULL, "moved", NULL));
	assert_int_equal(stat_open(other, found).st_size, 6);
	assert_ok(dfs_release(found));
	assert_ok(dfs_open_id(other, oid, O_RDONLY, &found));
	assert_open_holds(other, found, "export");
	assert_ok(dfs_release(found));
	assert_int_equal(hidden_fetch(container, HIDDEN_RECORDS, oid, "DFS_NAME", value, 64), 21);
	assert_memory_equal(value + 16, root_name, sizeof(root_name));
	/* A directory by its id is a directory; and it is known what lies above it. */
	assert_ok(dfs_open_id(other, directory_oid, O_RDWR, &parent));
	assert_ok(dfs_mkdir(other, parent, "below", 0700, 0));
	assert_int_equal(dfs_move(other, NULL, "e2", parent, "inside", NULL), EINVAL);
	assert_ok(dfs_remove(dfs, directory, "below", false, NULL));
	assert_ok(dfs_release(parent));
	assert_ok(dfs_release(directory));
	/* A link keeps it open by id; the last name does not. */
	assert_ok(link_at(dfs, "/moved", "linked"));
	assert_ok(remove_name(dfs, "moved"));
	assert_ok(dfs_open_id(other, oid, O_RDONLY, &found));
	assert_open_holds(other, found, "export");
	assert_ok(dfs_release(found));
	assert_ok(remove_name(dfs, "linked"));
	assert_ok(remove_name(dfs, "e2"));
	assert_int_equal(dfs_open_id(other, oid, O_RDONLY, &found), ESTALE);
	assert_int_equal(dfs_open_id(other, directory_oid, O_RDONLY, &found), ESTALE);
	assert_int_equal(hidden_records(container), 0);
}

static void
exported_files_are_replaced_and_exchanged(void **state)
{
	dfs_obj_t *one = make_file("one", "1"), *two = make_file("two", "22"), *found;
	daos_obj_id_t first = id_of(one), second = id_of(two);

	(void)state;
	assert_ok(dfs_export(dfs, one));
	assert_ok(dfs_export(dfs, two));
	assert_ok(dfs_exchange(other, NULL, "one", NULL, "two"));
	assert_ok(dfs_release(one));
	assert_ok(dfs_release(two));
	assert_ok(dfs_open_id(other, first, O_RDONLY, &found));
	assert_open_holds(other, found, "1");
	assert_ok(dfs_release(found));
	assert_ok(dfs_move(dfs, NULL, "two", NULL, "one", NULL));
	assert_int_equal(dfs_open_id(other, second, O_RDONLY, &found), ESTALE);
	assert_ok(dfs_open_id(other, first, O_RDONLY, &found));
	assert_ok(dfs_release(found));
	assert_ok(remove_name(other, "one"));
	assert_int_equal(hidden_records(container), 0);
}

/* ------------------------------------------------ many extended attributes */

#define MANY_ATTRIBUTES 300

static void
many_attributes_move(void **state)
{
	dfs_obj_t *file = make_file("attributes", "x");
	char name[32], value[32], read[32];

	(void)state;
	for (int i = 0; i < MANY_ATTRIBUTES; i++) {
		snprintf(name, sizeof(name), "user.%d", i);
		assert_ok(dfs_setxattr(dfs, file, name, name, strlen(name), 0));
	}
	assert_ok(dfs_release(file));
	assert_ok(dfs_move(dfs, NULL, "attributes", NULL, "moved", NULL));
	assert_ok(link_at(dfs, "/moved", "linked"));
	file = look(other, "/linked");
	for (int i = 0; i < MANY_ATTRIBUTES; i++) {
		daos_size_t size = sizeof(read);

		snprintf(value, sizeof(value), "user.%d", i);
		assert_ok(dfs_getxattr(other, file, value, read, &size));
		assert_int_equal(size, strlen(value));
		assert_memory_equal(read, value, size);
	}
	assert_ok(dfs_release(file));
	assert_ok(remove_name(dfs, "moved"));
	assert_ok(remove_name(dfs, "linked"));
}

/* ------------------------------------------------ races */

#define RACERS 4
#define ROUNDS 12

struct racer {
	pthread_t thread;
	pthread_barrier_t *start;
	int number, round, rc;
};

static void *
rename_main(void *argument)
{
	struct racer *racer = argument;
	dfs_t *mount = racer->number % 2 ? dfs : other;
	char name[16];

	snprintf(name, sizeof(name), "from%d", racer->number);
	pthread_barrier_wait(racer->start);
	racer->rc = dfs_rename(mount, NULL, name, NULL, "goal", DFS_RENAME_NOREPLACE, NULL);
	return NULL;
}

/* Of those who rename to one name without replacing, one wins. */
static void
one_rename_wins(void **state)
{
	struct racer racers[RACERS];
	pthread_barrier_t start;
	char name[16];

	(void)state;
	pthread_barrier_init(&start, NULL, RACERS);
	for (int round = 0; round < ROUNDS; round++) {
		int won = 0;

		for (int i = 0; i < RACERS; i++) {
			snprintf(name, sizeof(name), "from%d", i);
			make_closed(name, name);
			racers[i] = (struct racer){.start = &start, .number = i};
			pthread_create(&racers[i].thread, NULL, rename_main, &racers[i]);
		}
		for (int i = 0; i < RACERS; i++) {
			pthread_join(racers[i].thread, NULL);
			assert_true(racers[i].rc == 0 || racers[i].rc == EEXIST);
			won += racers[i].rc == 0;
			snprintf(name, sizeof(name), "from%d", i);
			if (racers[i].rc == 0)
				assert_holds("/goal", name);
			else
				assert_ok(remove_name(dfs, name));
		}
		assert_int_equal(won, 1);
		assert_ok(remove_name(dfs, "goal"));
	}
	pthread_barrier_destroy(&start);
}

static void *
link_main(void *argument)
{
	struct racer *racer = argument;
	dfs_obj_t *file;
	int rc = dfs_lookup(other, "/tmp", O_RDWR, &file, NULL, NULL);

	pthread_barrier_wait(racer->start);
	if (rc == 0) {
		rc = dfs_link(other, file, NULL, "kept");
		(void)dfs_release(file);
	}
	racer->rc = rc;
	return NULL;
}

/* A name that is taken while another one is given: the file goes, or is whole under the new one. */
static void
links_and_removals_agree(void **state)
{
	pthread_barrier_t start;

	(void)state;
	pthread_barrier_init(&start, NULL, 2);
	for (int round = 0; round < ROUNDS; round++) {
		struct racer racer = {.start = &start};
		dfs_obj_t *file = make_file("tmp", "draft");
		daos_obj_id_t oid = id_of(file);

		assert_ok(dfs_release(file));
		pthread_create(&racer.thread, NULL, link_main, &racer);
		pthread_barrier_wait(&start);
		assert_ok(remove_name(dfs, "tmp"));
		pthread_join(racer.thread, NULL);
		assert_true(racer.rc == 0 || racer.rc == ENOENT);
		if (racer.rc == 0) {
			assert_int_equal(stat_of(dfs, "kept").st_nlink, 1);
			assert_holds("/kept", "draft");
			assert_ok(remove_name(dfs, "kept"));
		}
		assert_int_equal(data_left(oid), 0);
	}
	assert_int_equal(hidden_records(container), 0);
	pthread_barrier_destroy(&start);
}

static void *
open_main(void *argument)
{
	struct racer *racer = argument;
	char data[16];
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size = 0;
	dfs_obj_t *file;

	pthread_barrier_wait(racer->start);
	racer->rc = dfs_open(dfs, NULL, "race", S_IFREG, O_RDWR, 0, 0, NULL, &file);
	if (racer->rc)
		return NULL;
	/* What could be opened can be read, whatever became of the name. */
	d_iov_set(&iov, data, sizeof(data));
	racer->rc = dfs_read(dfs, file, &sgl, 0, &size, NULL);
	if (racer->rc == 0 && (size != 6 || memcmp(data, "racing", 6) != 0))
		racer->rc = EIO;
	(void)dfs_release(file);
	return NULL;
}

static void
opens_and_removals_agree(void **state)
{
	pthread_barrier_t start;

	(void)state;
	pthread_barrier_init(&start, NULL, RACERS + 1);
	for (int round = 0; round < ROUNDS; round++) {
		struct racer racers[RACERS];
		dfs_obj_t *file = make_file("race", "racing");
		daos_obj_id_t oid = id_of(file);

		assert_ok(dfs_release(file));
		for (int i = 0; i < RACERS; i++) {
			racers[i] = (struct racer){.start = &start};
			pthread_create(&racers[i].thread, NULL, open_main, &racers[i]);
		}
		pthread_barrier_wait(&start);
		assert_ok(remove_name(dfs, "race"));
		for (int i = 0; i < RACERS; i++) {
			pthread_join(racers[i].thread, NULL);
			assert_true(racers[i].rc == 0 || racers[i].rc == ENOENT);
		}
		assert_int_equal(data_left(oid), 0);
		assert_int_equal(hidden_orphans(container), 0);
	}
	pthread_barrier_destroy(&start);
}

/* ------------------------------------------------ processes */

/* Several logs, so that the first appends to an empty file race, too. */
enum { APPENDERS = 4, APPENDS = 12, LOGS = 4, PIECE_MAX = 5000 };

static int
connect_mount(dfs_t **ret_dfs)
{
	int rc = dfs_init();

	return rc ? rc : dfs_connect("default", NULL, "files", O_RDWR, NULL, ret_dfs);
}

static uint32_t
piece_length(int appender, int number)
{
	return 16 + (uint32_t)(appender * 7919 + number * 104729) % (PIECE_MAX - 16);
}

static void
piece_fill(char *piece, int appender, int number)
{
	uint32_t length = piece_length(appender, number);
	char head[40] = "";

	memset(piece, 'A' + appender, length);
	snprintf(head, sizeof(head), "%d %d %u", appender, number, length);
	memcpy(piece, head, 16);
}

static int
append_all(dfs_t *mount, const char *path, int appender)
{
	static char piece[PIECE_MAX];
	dfs_obj_t *file;
	int rc = dfs_lookup(mount, path, O_RDWR, &file, NULL, NULL);

	for (int number = 0; rc == 0 && number < APPENDS; number++) {
		uint32_t length = piece_length(appender, number);
		d_iov_t iov = {piece, length, length};
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
		daos_off_t offset;
		char back[16];

		piece_fill(piece, appender, number);
		rc = dfs_append(mount, file, &sgl, &offset, NULL);
		if (rc == 0 &&
		    (read_at(mount, file, back, 16, offset) != 16 || memcmp(back, piece, 16) != 0))
			rc = EILSEQ;
	}
	if (rc)
		fprintf(stderr, "appender %d: %s\n", appender, strerror(rc));
	return rc ? rc : dfs_release(file);
}

static int
append_main(int appender)
{
	char path[16];
	dfs_t *mount;
	int rc = connect_mount(&mount);

	for (int log = 0; rc == 0 && log < LOGS; log++) {
		snprintf(path, sizeof(path), "/log%d", log);
		rc = append_all(mount, path, appender);
	}
	if (rc == 0)
		rc = dfs_disconnect(mount);
	return rc ? rc : dfs_fini();
}

/* Opens a file, takes its name away, says so, and waits to be killed. */
static int
hold_main(int pipe_end)
{
	daos_obj_id_t oid = {.lo = 0};
	dfs_obj_t *file;
	dfs_t *mount;
	int rc = connect_mount(&mount);

	if (rc == 0)
		rc = dfs_lookup(mount, "/held", O_RDWR, &file, NULL, NULL);
	if (rc == 0)
		rc = dfs_obj2id(file, &oid);
	if (rc == 0)
		rc = dfs_remove(mount, NULL, "held", false, NULL);
	if (rc || write(pipe_end, &oid, sizeof(oid)) != sizeof(oid))
		return 1;
	for (;;)
		pause();
}

static pid_t
start_child(const char *what, int number)
{
	char text[16];
	pid_t child;

	snprintf(text, sizeof(text), "%d", number);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "child", what, text, (char *)NULL);
		_exit(127);
	}
	assert_true(child > 0);
	return child;
}

static void
check_log(const char *path)
{
	static char data[APPENDERS * APPENDS * PIECE_MAX], piece[PIECE_MAX];
	int next[APPENDERS] = {0};
	dfs_obj_t *file = look(dfs, path);
	size_t size = read_at(dfs, file, data, sizeof(data), 0), at = 0;

	while (at < size) {
		int appender, number;
		uint32_t length;

		assert_int_equal(sscanf(data + at, "%d %d %u", &appender, &number, &length), 3);
		assert_true(appender >= 0 && appender < APPENDERS);
		assert_int_equal(number, next[appender]++);
		assert_int_equal(length, piece_length(appender, number));
		piece_fill(piece, appender, number);
		assert_true(at + length <= size);
		assert_memory_equal(data + at, piece, length);
		at += length;
	}
	for (int i = 0; i < APPENDERS; i++)
		assert_int_equal(next[i], APPENDS);
	assert_ok(dfs_release(file));
}

static void
appends_are_whole(void **state)
{
	pid_t children[APPENDERS];
	char path[16];
	int status;

	(void)state;
	for (int i = 0; i < LOGS; i++) {
		snprintf(path, sizeof(path), "/log%d", i);
		make_closed(path + 1, "");
	}
	for (int i = 0; i < APPENDERS; i++)
		children[i] = start_child("append", i);
	for (int i = 0; i < APPENDERS; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	for (int i = 0; i < LOGS; i++) {
		snprintf(path, sizeof(path), "/log%d", i);
		check_log(path);
		assert_ok(remove_name(dfs, path + 1));
	}
}

#define LONG_APPEND (5u << 20)

static void
appends_of_any_length(void **state)
{
	char *data = malloc(LONG_APPEND), *back = malloc(LONG_APPEND);
	d_iov_t iov = {data, LONG_APPEND, LONG_APPEND};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov}, nothing = {.sg_nr = 0};
	dfs_obj_t *file = make_file("long", "head"), *reader;
	daos_off_t offset = 0;
	daos_event_t event;

	(void)state;
	for (size_t i = 0; i < LONG_APPEND; i++)
		data[i] = (char)(i * 31 + i / 4096);
	assert_ok(dfs_append(dfs, file, &sgl, &offset, NULL));
	assert_int_equal(offset, 4);
	assert_int_equal(read_at(dfs, file, back, LONG_APPEND, 4), LONG_APPEND);
	assert_memory_equal(back, data, LONG_APPEND);
	assert_ok(dfs_append(dfs, file, &nothing, &offset, NULL));
	assert_int_equal(offset, LONG_APPEND + 4);
	iov.iov_len = 10;
	offset = 0;
	assert_ok(daos_event_init(&event, DAOS_HDL_INVAL, NULL));
	assert_ok(dfs_append(dfs, file, &sgl, &offset, &event));
	for (bool done = false; !done;)
		assert_ok(daos_event_test(&event, DAOS_EQ_WAIT, &done));
	assert_ok(event.ev_error);
	assert_ok(daos_event_fini(&event));
	assert_int_equal(offset, LONG_APPEND + 4);
	assert_ok(dfs_lookup(dfs, "/long", O_RDONLY, &reader, NULL, NULL));
	assert_int_equal(dfs_append(dfs, reader, &sgl, NULL, NULL), EPERM);
	assert_ok(dfs_release(reader));
	assert_ok(dfs_release(file));
	assert_ok(remove_name(dfs, "long"));
	free(data);
	free(back);
}

/* ------------------------------------------------ reclaim */

static void
orphans_of_the_dead_are_freed(void **state)
{
	daos_obj_id_t oid;
	uint64_t count;
	int ends[2], status;
	pid_t child;

	(void)state;
	make_closed("held", "held by another");
	assert_ok(pipe(ends));
	child = start_child("hold", ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &oid, sizeof(oid)), sizeof(oid));
	assert_ok(kill(child, SIGKILL));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(ends[0]);
	assert_int_equal(stat_error("held"), ENOENT);
	assert_int_equal(hidden_orphans(container), 1);
	assert_int_equal(data_left(oid), 15);
	/* It may still be alive. */
	assert_ok(dfs_reclaim(dfs, &count));
	assert_int_equal(count, 0);
	assert_int_equal(data_left(oid), 15);
	/* Ten minutes without a sign of it. */
	hidden_age_orphans(container);
	assert_ok(dfs_reclaim(dfs, &count));
	assert_int_equal(count, 1);
	assert_int_equal(data_left(oid), 0);
	assert_int_equal(hidden_orphans(container), 0);
	assert_ok(dfs_reclaim(other, NULL));
}

/* One's own are never dead, and of others not those whose holder gave a sign. */
static void
orphans_of_the_living_are_kept(void **state)
{
	static const uint8_t long_ago[8] = {1};
	dfs_obj_t *file = make_file("alive", "alive");
	daos_obj_id_t oid = id_of(file);
	uint8_t now[16];
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1, .iod_size = 16};
	char akey[] = "DFS_HOLDER";
	d_iov_t iov = {now, 16, 16};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_handle_t handle = hidden_open(container, HIDDEN_HOLDERS);
	daos_key_t dkey;
	uint64_t count;

	(void)state;
	assert_ok(remove_name(dfs, "alive"));
	assert_int_equal(hidden_fetch(container, HIDDEN_ORPHANS, oid, "DFS_HOLDER", now, 16), 16);
	hidden_age_orphans(container);
	assert_ok(dfs_reclaim(dfs, &count));
	assert_int_equal(count, 0);
	d_iov_set(&dkey, now, 8);
	d_iov_set(&iod.iod_name, akey, strlen(akey));
	assert_ok(daos_obj_update(handle, DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL));
	assert_ok(dfs_reclaim(other, &count));
	assert_int_equal(count, 0);
	assert_open_holds(dfs, file, "alive");
	memcpy(now + 8, long_ago, sizeof(long_ago));
	assert_ok(daos_obj_update(handle, DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL));
	assert_ok(dfs_reclaim(other, &count));
	assert_int_equal(count, 1);
	assert_int_equal(hidden_holders(container), 0);
	assert_ok(daos_obj_close(handle, NULL));
	assert_ok(dfs_release(file));
}

static void
all_is_there_after_a_restart(void **state)
{
	(void)state;
	make_closed("kept", "kept");
	assert_ok(link_at(dfs, "/kept", "kept2"));
	assert_ok(dfs_umount(other));
	assert_ok(dfs_umount(dfs));
	assert_ok(daos_cont_close(container, NULL));
	embedded_down(&bed);
	embedded_up(&bed);
	assert_ok(daos_cont_open(bed.pool, "files", DAOS_COO_RW, &container, NULL, NULL));
	assert_ok(dfs_mount(bed.pool, container, O_RDWR, &dfs));
	assert_ok(dfs_mount(bed.pool, container, O_RDWR, &other));
	assert_int_equal(stat_of(dfs, "kept").st_nlink, 2);
	assert_holds("/kept2", "kept");
	assert_int_equal(hidden_orphans(container), 0);
}

int
main(int count, char **arguments)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_share_a_file),
		cmocka_unit_test(links_are_limited),
		cmocka_unit_test(symlinks_have_names_too),
		cmocka_unit_test(listings_tell_the_links),
		cmocka_unit_test(renames_of_linked_names),
		cmocka_unit_test(open_files_outlive_their_names),
		cmocka_unit_test(open_files_outlive_a_rename),
		cmocka_unit_test(open_files_are_found_again),
		cmocka_unit_test(exported_files_are_found),
		cmocka_unit_test(exported_files_are_replaced_and_exchanged),
		cmocka_unit_test(many_attributes_move),
		cmocka_unit_test(one_rename_wins),
		cmocka_unit_test(links_and_removals_agree),
		cmocka_unit_test(opens_and_removals_agree),
		cmocka_unit_test(appends_are_whole),
		cmocka_unit_test(appends_of_any_length),
		cmocka_unit_test(orphans_of_the_dead_are_freed),
		cmocka_unit_test(orphans_of_the_living_are_kept),
		cmocka_unit_test(all_is_there_after_a_restart),
	};

	embedded_library_open();
	if (count == 3)
		return strcmp(arguments[1], "append") == 0 ? append_main(atoi(arguments[2]))
							   : hold_main(atoi(arguments[2]));
	return cmocka_run_group_tests(tests, setup, teardown);
}
