/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Files and directories through libdfs on an embedded directory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "embedded_bed.h"
#include <daos_fs.h>

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
make_file(dfs_obj_t *parent, const char *name)
{
	dfs_obj_t *file;

	assert_ok(dfs_open(dfs, parent, name, S_IFREG | 0644, O_CREAT | O_EXCL | O_RDWR, 0, 0, NULL,
			   &file));
	return file;
}

static void
make_empty(dfs_obj_t *parent, const char *name)
{
	assert_ok(dfs_release(make_file(parent, name)));
}

static dfs_obj_t *
make_directory(dfs_obj_t *parent, const char *name)
{
	dfs_obj_t *directory;

	assert_ok(dfs_mkdir(dfs, parent, name, 0755, 0));
	assert_ok(dfs_lookup_rel(dfs, parent, name, O_RDWR, &directory, NULL, NULL));
	return directory;
}

static void
make_link(dfs_obj_t *parent, const char *name, const char *target)
{
	dfs_obj_t *link;

	assert_ok(dfs_open(dfs, parent, name, S_IFLNK, O_CREAT | O_EXCL | O_RDWR, 0, 0, target,
			   &link));
	assert_ok(dfs_release(link));
}

static int
write_at(dfs_obj_t *file, const void *data, size_t length, uint64_t offset)
{
	d_iov_t iov = {.iov_buf_len = length, .iov_len = length};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	memcpy(&iov.iov_buf, &data, sizeof(data));
	return dfs_write(dfs, file, &sgl, offset, NULL);
}

static size_t
read_at(dfs_obj_t *file, void *data, size_t length, uint64_t offset)
{
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size = 0;

	d_iov_set(&iov, data, length);
	assert_ok(dfs_read(dfs, file, &sgl, offset, &size, NULL));
	return size;
}

static int
lookup_error(const char *path, int flags)
{
	dfs_obj_t *object;
	int rc = dfs_lookup(dfs, path, flags, &object, NULL, NULL);

	if (rc == 0)
		assert_ok(dfs_release(object));
	return rc;
}

static int
stat_error(dfs_obj_t *parent, const char *name)
{
	struct stat status;

	return dfs_stat(dfs, parent, name, &status);
}

/* ------------------------------------------------ names and paths */

static void
names_up_to_255_bytes(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "names");
	char name[NAME_MAX + 2];
	dfs_obj_t *file;
	struct stat status;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	assert_int_equal(dfs_mkdir(dfs, directory, name, 0700, 0), ENAMETOOLONG);
	name[NAME_MAX] = '\0';
	make_empty(directory, name);
	assert_ok(dfs_stat(dfs, directory, name, &status));
	name[NAME_MAX - 1] = 'o';
	assert_int_equal(stat_error(directory, name), ENOENT);
	make_empty(directory, "\x01\xff\n \\*");
	assert_ok(dfs_lookup_rel(dfs, directory, "\x01\xff\n \\*", O_RDONLY, &file, NULL, NULL));
	assert_ok(dfs_release(file));
	assert_int_equal(dfs_mkdir(dfs, directory, ".", 0700, 0), EINVAL);
	assert_int_equal(dfs_mkdir(dfs, directory, "..", 0700, 0), EINVAL);
	assert_int_equal(dfs_mkdir(dfs, directory, "a/b", 0700, 0), EINVAL);
	assert_ok(dfs_release(directory));
}

static void
paths_of_many_levels(void **state)
{
	enum { LEVELS = 200 };
	dfs_obj_t *at = make_directory(NULL, "deep"), *object;
	char path[PATH_MAX] = "/deep";
	struct stat status;
	mode_t mode;

	(void)state;
	for (int i = 0; i < LEVELS; i++) {
		dfs_obj_t *next;
		char name[24];

		snprintf(name, sizeof(name), "d%d", i);
		next = make_directory(at, name);
		assert_ok(dfs_release(at));
		at = next;
		strcat(strcat(path, "/"), name);
	}
	make_empty(at, "leaf");
	assert_ok(dfs_release(at));
	strcat(path, "/./../d199//leaf");
	assert_ok(dfs_lookup(dfs, path, O_RDONLY, &object, &mode, &status));
	assert_int_equal(mode, S_IFREG | 0644);
	assert_ok(dfs_release(object));
	assert_int_equal(lookup_error("/deep/d0/d2/leaf", O_RDONLY), ENOENT);
	assert_int_equal(dfs_remove(dfs, NULL, "deep", false, NULL), ENOTEMPTY);
	assert_ok(dfs_remove(dfs, NULL, "deep", true, NULL));
	assert_int_equal(lookup_error("/deep", O_RDONLY), ENOENT);
}

static void
prefix_is_stripped(void **state)
{
	(void)state;
	make_empty(NULL, "prefixed");
	assert_ok(dfs_set_prefix(dfs, "/mnt/here/"));
	assert_ok(lookup_error("/mnt/here/prefixed", O_RDONLY));
	assert_ok(lookup_error("/mnt/here", O_RDONLY));
	assert_int_equal(lookup_error("/mnt/herex/prefixed", O_RDONLY), ENOENT);
	assert_ok(dfs_set_prefix(dfs, NULL));
}

/* ------------------------------------------------ listings */

/* Threads, so that creates share flushes: one after another they would take a flush each. */
enum { FILES = 10000, CREATORS = 64 };

struct creator {
	pthread_t thread;
	dfs_obj_t *directory;
	int first;
	int failures;
};

static void
numbered(char name[32], int number)
{
	snprintf(name, 32, "file-%05d", number);
}

/* Each number once over all creators, in no order. */
static void *
create_files(void *argument)
{
	struct creator *creator = argument;

	for (int i = creator->first; i < FILES; i += CREATORS) {
		char name[32];
		dfs_obj_t *file;

		numbered(name, (int)((long)i * 7919 % FILES));
		if (dfs_open(dfs, creator->directory, name, S_IFREG | 0644,
			     O_CREAT | O_EXCL | O_RDWR, 0, 0, NULL, &file) ||
		    dfs_release(file))
			creator->failures++;
	}
	return NULL;
}

static void
create_many(dfs_obj_t *directory)
{
	struct creator creators[CREATORS];

	for (int i = 0; i < CREATORS; i++) {
		creators[i] = (struct creator){.directory = directory, .first = i};
		assert_ok(pthread_create(&creators[i].thread, NULL, create_files, &creators[i]));
	}
	for (int i = 0; i < CREATORS; i++) {
		assert_ok(pthread_join(creators[i].thread, NULL));
		assert_int_equal(creators[i].failures, 0);
	}
}

static void
listing_in_pages_and_in_order(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "many");
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[300];
	int next = 0;

	(void)state;
	create_many(directory);
	while (!daos_anchor_is_eof(&anchor)) {
		uint32_t count = 1 + (uint32_t)next % 300;

		assert_ok(dfs_readdir(dfs, directory, &anchor, &count, entries));
		for (uint32_t i = 0; i < count; i++) {
			char name[32];

			numbered(name, next++);
			assert_string_equal(entries[i].d_name, name);
			assert_int_equal(entries[i].d_type, DT_REG);
		}
	}
	assert_int_equal(next, FILES);
	assert_ok(dfs_release(directory));
}

static int
count_name(dfs_t *mount, dfs_obj_t *directory, const char *name, void *argument)
{
	int *left = argument;

	(void)mount;
	(void)directory;
	assert_non_null(strstr(name, "file-"));
	return --*left == 0 ? ECANCELED : 0;
}

static void
listing_goes_on_at_a_name(void **state)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[2];
	dfs_obj_t *directory;
	uint32_t count = 2;
	int left = 101;

	(void)state;
	assert_ok(dfs_lookup(dfs, "/many", O_RDWR, &directory, NULL, NULL));
	assert_ok(dfs_dir_anchor_set(directory, "file-00499x", &anchor));
	assert_ok(dfs_readdir(dfs, directory, &anchor, &count, entries));
	assert_int_equal(count, 2);
	assert_string_equal(entries[0].d_name, "file-00500");
	/* the name at the anchor may be gone */
	assert_ok(dfs_remove(dfs, directory, "file-00501", false, NULL));
	count = 2;
	assert_ok(dfs_readdir(dfs, directory, &anchor, &count, entries));
	assert_string_equal(entries[0].d_name, "file-00502");
	/* by calls, in parts bounded by bytes */
	count = 1000;
	assert_ok(dfs_iterate(dfs, directory, &anchor, &count, 10 * 11, count_name, &left));
	assert_int_equal(count, 10);
	assert_int_equal(left, 91);
	count = 1000;
	assert_int_equal(dfs_iterate(dfs, directory, &anchor, &count, 1 << 20, count_name, &left),
			 ECANCELED);
	assert_int_equal(count, 90);
	assert_ok(dfs_release(directory));
}

static void
listing_over_long_names(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "long");
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	char name[NAME_MAX + 1];
	struct dirent entry;
	int found = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		memset(name, 'z', NAME_MAX);
		snprintf(name + 240, 16, "%015d", i);
		make_empty(directory, name);
	}
	while (!daos_anchor_is_eof(&anchor)) {
		uint32_t count = 1;

		assert_ok(dfs_readdir(dfs, directory, &anchor, &count, &entry));
		if (count == 0)
			break;
		assert_int_equal(atoi(entry.d_name + 240), found++);
	}
	assert_int_equal(found, 40);
	assert_ok(dfs_release(directory));
}

static void
listing_with_attributes(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "plus");
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	dfs_obj_t *file = make_file(directory, "b-file");
	struct dirent entries[8];
	struct stat stats[8], status;
	uint32_t count = 8;

	(void)state;
	assert_ok(write_at(file, "12345", 5, 0));
	assert_ok(dfs_release(file));
	assert_ok(dfs_mkdir(dfs, directory, "a-directory", 0710, 0));
	make_link(directory, "c-link", "target");
	assert_ok(dfs_readdirplus(dfs, directory, &anchor, &count, entries, stats));
	assert_int_equal(count, 3);
	assert_true(daos_anchor_is_eof(&anchor));
	assert_string_equal(entries[0].d_name, "a-directory");
	assert_int_equal(stats[0].st_mode, S_IFDIR | 0710);
	assert_int_equal(stats[1].st_size, 5);
	assert_int_equal(entries[2].d_type, DT_LNK);
	assert_int_equal(stats[2].st_size, 6);
	for (uint32_t i = 0; i < count; i++) {
		assert_ok(dfs_stat(dfs, directory, entries[i].d_name, &status));
		assert_memory_equal(&status, &stats[i], sizeof(status));
	}
	assert_ok(dfs_release(directory));
}

/* ------------------------------------------------ several threads */

enum { RACERS = 8, RACES = 60 };

struct racer {
	pthread_t thread;
	dfs_obj_t *directory;
	int created, removed, failures;
};

/* All create the same names, then all remove them: who succeeds is counted. */
static void *
race(void *argument)
{
	struct racer *racer = argument;
	char name[32];

	for (int i = 0; i < RACES; i++) {
		int rc;

		numbered(name, i);
		rc = dfs_mkdir(dfs, racer->directory, name, 0755, 0);
		racer->created += rc == 0;
		racer->failures += rc != 0 && rc != EEXIST;
	}
	for (int i = 0; i < RACES; i++) {
		int rc;

		numbered(name, i);
		rc = dfs_remove(dfs, racer->directory, name, false, NULL);
		racer->removed += rc == 0;
		racer->failures += rc != 0 && rc != ENOENT;
	}
	return NULL;
}

static void
racing_threads_agree(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "race");
	struct racer racers[RACERS];
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[RACES];
	uint32_t count = RACES;
	int created = 0, removed = 0;

	(void)state;
	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){.directory = directory};
		assert_ok(pthread_create(&racers[i].thread, NULL, race, &racers[i]));
	}
	for (int i = 0; i < RACERS; i++) {
		assert_ok(pthread_join(racers[i].thread, NULL));
		assert_int_equal(racers[i].failures, 0);
		created += racers[i].created;
		removed += racers[i].removed;
	}
	/* a slow thread may make again what another has removed */
	assert_true(created >= RACES);
	assert_ok(dfs_readdir(dfs, directory, &anchor, &count, entries));
	assert_int_equal(created, removed + (int)count);
	assert_ok(dfs_release(directory));
}

/* ------------------------------------------------ data */

enum { MODEL_SIZE = 300 * 1024, MODEL_STEPS = 250 };

/* What a file should hold: bytes, and how many count. */
struct model {
	size_t size;
	uint8_t bytes[MODEL_SIZE];
};

static uint32_t
draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

static void
model_resize(struct model *model, size_t size)
{
	if (size < model->size)
		memset(model->bytes + size, 0, model->size - size);
	model->size = size;
}

static void
model_check(struct model *model, dfs_obj_t *file, uint8_t *buffer)
{
	struct stat status;
	daos_size_t size;

	assert_ok(dfs_get_size(dfs, file, &size));
	assert_int_equal(size, model->size);
	assert_ok(dfs_ostat(dfs, file, &status));
	assert_int_equal(status.st_size, model->size);
	assert_int_equal(read_at(file, buffer, MODEL_SIZE, 0), model->size);
	assert_memory_equal(buffer, model->bytes, model->size);
}

static void
model_step(struct model *model, dfs_obj_t *file, uint8_t *buffer, uint64_t *seed)
{
	size_t offset = draw(seed, MODEL_SIZE), length = draw(seed, 40000);

	length = length > MODEL_SIZE - offset ? MODEL_SIZE - offset : length;
	switch (draw(seed, 6)) {
	case 0: /* truncate or extend */
		assert_ok(dfs_punch(dfs, file, offset, DFS_MAX_FSIZE));
		model_resize(model, offset);
		break;
	case 1: /* hole, which shortens at the end */
		assert_ok(dfs_punch(dfs, file, offset, length));
		if (offset >= model->size || length == 0)
			break;
		if (offset + length >= model->size)
			model_resize(model, offset);
		else
			memset(model->bytes + offset, 0, length);
		break;
	case 2: /* append */
		offset = model->size;
		length = length > MODEL_SIZE - offset ? MODEL_SIZE - offset : length;
		/* fall through */
	default:
		for (size_t i = 0; i < length; i++)
			buffer[i] = (uint8_t)draw(seed, 256);
		assert_ok(write_at(file, buffer, length, offset));
		memcpy(model->bytes + offset, buffer, length);
		if (length > 0 && offset + length > model->size)
			model->size = offset + length;
	}
}

static void
data_as_in_a_naive_model(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	uint8_t *buffer = malloc(MODEL_SIZE);
	uint64_t seed = 20;
	dfs_obj_t *file;

	(void)state;
	assert_non_null(model);
	assert_non_null(buffer);
	/* a small chunk, so that most operations cross several */
	assert_ok(dfs_open(dfs, NULL, "model", S_IFREG | 0600, O_CREAT | O_RDWR, 0, 16 * 1024, NULL,
			   &file));
	for (int i = 0; i < MODEL_STEPS; i++) {
		model_step(model, file, buffer, &seed);
		if (i % 10 == 0)
			model_check(model, file, buffer);
	}
	model_check(model, file, buffer);
	assert_ok(dfs_release(file));
	free(buffer);
	free(model);
}

static void
reads_beyond_the_end_are_short(void **state)
{
	dfs_obj_t *file = make_file(NULL, "short");
	char buffer[32];

	(void)state;
	assert_int_equal(read_at(file, buffer, sizeof(buffer), 0), 0);
	assert_ok(write_at(file, "0123456789", 10, 0));
	assert_int_equal(read_at(file, buffer, sizeof(buffer), 4), 6);
	assert_memory_equal(buffer, "456789", 6);
	assert_int_equal(read_at(file, buffer, sizeof(buffer), 10), 0);
	assert_int_equal(read_at(file, buffer, 0, 0), 0);
	assert_ok(write_at(file, "", 0, 100));
	assert_int_equal(read_at(file, buffer, sizeof(buffer), 0), 10);
	assert_ok(dfs_release(file));
}

static void
lists_of_ranges(void **state)
{
	dfs_obj_t *file = make_file(NULL, "ranges");
	char data[] = "abcdefgh", back[16] = "";
	daos_range_t ranges[2] = {{.rg_idx = 2, .rg_len = 3}, {.rg_idx = 10, .rg_len = 5}};
	dfs_iod_t iod = {.iod_nr = 2, .iod_rgs = ranges};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size;

	(void)state;
	d_iov_set(&iov, data, 8);
	assert_ok(dfs_writex(dfs, file, &iod, &sgl, NULL));
	assert_int_equal(read_at(file, back, 15, 0), 15);
	assert_memory_equal(back, "\0\0abc\0\0\0\0\0defgh", 15);
	d_iov_set(&iov, back, 8);
	assert_ok(dfs_readx(dfs, file, &iod, &sgl, &size, NULL));
	assert_int_equal(size, 8);
	assert_memory_equal(back, data, 8);
	assert_ok(dfs_release(file));
}

/* ------------------------------------------------ events */

enum { DEPTH = 16, BLOCK = 4096 };

static void
wait_all(daos_handle_t queue, daos_event_t *events, int expected_error)
{
	daos_event_t *done[DEPTH];
	int count = 0;

	(void)events;
	while (count < DEPTH) {
		int polled = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, DEPTH, done);

		assert_true(polled > 0);
		for (int i = 0; i < polled; i++)
			assert_int_equal(done[i]->ev_error, expected_error);
		count += polled;
	}
}

static void
reads_and_writes_under_events(void **state)
{
	dfs_obj_t *file = make_file(NULL, "async");
	static char blocks[DEPTH][BLOCK], back[DEPTH][BLOCK];
	daos_event_t events[DEPTH];
	d_iov_t iovs[DEPTH];
	d_sg_list_t sgls[DEPTH];
	daos_size_t sizes[DEPTH];
	daos_handle_t queue;

	(void)state;
	assert_ok(daos_eq_create(&queue));
	for (int i = 0; i < DEPTH; i++) {
		memset(blocks[i], 'a' + i, BLOCK);
		d_iov_set(&iovs[i], blocks[i], BLOCK);
		sgls[i] = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &iovs[i]};
		assert_ok(daos_event_init(&events[i], queue, NULL));
		assert_ok(dfs_write(dfs, file, &sgls[i], (daos_off_t)i * BLOCK, &events[i]));
	}
	wait_all(queue, events, 0);
	for (int i = 0; i < DEPTH; i++) {
		assert_ok(daos_event_fini(&events[i]));
		assert_ok(daos_event_init(&events[i], queue, NULL));
		d_iov_set(&iovs[i], back[i], BLOCK);
		assert_ok(dfs_read(dfs, file, &sgls[i], (daos_off_t)i * BLOCK, &sizes[i],
				   &events[i]));
	}
	wait_all(queue, events, 0);
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(sizes[i], BLOCK);
		assert_ok(daos_event_fini(&events[i]));
	}
	assert_memory_equal(back, blocks, sizeof(blocks));
	assert_ok(daos_eq_destroy(queue, 0));
	assert_ok(dfs_release(file));
}

/* ------------------------------------------------ symlinks */

static void
symlinks_are_followed(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "links"), *object;
	dfs_obj_t *below = make_directory(directory, "below");
	char target[64];
	daos_size_t size = sizeof(target);
	mode_t mode;

	(void)state;
	make_empty(directory, "file");
	make_link(below, "up", "../file");
	make_link(below, "absolute", "/links/file");
	make_link(directory, "down", "below");
	make_link(directory, "chain", "down/up");
	make_link(directory, "dangling", "nowhere");
	assert_ok(dfs_lookup(dfs, "/links/below/up", O_RDONLY, &object, &mode, NULL));
	assert_int_equal(mode, S_IFREG | 0644);
	assert_ok(dfs_release(object));
	assert_ok(lookup_error("/links/down/absolute", O_RDONLY));
	assert_ok(lookup_error("/links/chain", O_RDONLY));
	assert_int_equal(lookup_error("/links/dangling", O_RDONLY), ENOENT);
	assert_int_equal(lookup_error("/links/chain/x", O_RDONLY), ENOTDIR);
	assert_ok(dfs_lookup_rel(dfs, below, "up", O_RDONLY, &object, &mode, NULL));
	assert_true(S_ISREG(mode));
	assert_ok(dfs_release(object));

	assert_ok(dfs_lookup(dfs, "/links/below/up", O_RDONLY | O_NOFOLLOW, &object, &mode, NULL));
	assert_int_equal(mode, S_IFLNK | 0777);
	assert_ok(dfs_get_symlink_value(object, target, &size));
	assert_string_equal(target, "../file");
	assert_int_equal(size, 8);
	assert_ok(dfs_release(object));
	assert_int_equal(dfs_open(dfs, directory, "chain", S_IFREG, O_RDONLY, 0, 0, NULL, &object),
			 ELOOP);
	assert_ok(dfs_release(below));
	assert_ok(dfs_release(directory));
}

static void
symlink_loops_end(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "loops");
	char name[24], target[24];

	(void)state;
	make_link(directory, "self", "self");
	make_link(directory, "a", "b/x");
	make_link(directory, "b", "../loops/a");
	assert_int_equal(lookup_error("/loops/self", O_RDONLY), ELOOP);
	assert_int_equal(lookup_error("/loops/a", O_RDONLY), ELOOP);
	make_empty(directory, "link-0");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "link-%d", i);
		snprintf(target, sizeof(target), "link-%d", i - 1);
		make_link(directory, name, target);
	}
	assert_ok(lookup_error("/loops/link-40", O_RDONLY));
	assert_int_equal(lookup_error("/loops/link-41", O_RDONLY), ELOOP);
	assert_ok(dfs_release(directory));
}

/* ------------------------------------------------ rename */

static void
write_name(dfs_obj_t *directory, const char *name, const char *text)
{
	dfs_obj_t *file = make_file(directory, name);

	assert_ok(write_at(file, text, strlen(text), 0));
	assert_ok(dfs_release(file));
}

static void
assert_holds(dfs_obj_t *directory, const char *name, const char *text)
{
	char buffer[64];
	dfs_obj_t *file;
	size_t size;

	assert_ok(dfs_open(dfs, directory, name, S_IFREG, O_RDONLY, 0, 0, NULL, &file));
	size = read_at(file, buffer, sizeof(buffer), 0);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(buffer, text, size);
	assert_ok(dfs_release(file));
}

/* Not to be listed, replaced or removed, but to be made; only "user.kept" is there. */
static void
assert_lacks_attribute(dfs_obj_t *file, const char *name)
{
	char list[64];
	daos_size_t size = sizeof(list);

	assert_ok(dfs_listxattr(dfs, file, list, &size));
	assert_int_equal(size, sizeof("user.kept"));
	assert_string_equal(list, "user.kept");
	assert_int_equal(dfs_setxattr(dfs, file, name, "x", 1, XATTR_REPLACE), ENODATA);
	assert_int_equal(dfs_removexattr(dfs, file, name), ENODATA);
	assert_ok(dfs_setxattr(dfs, file, name, "new", 3, XATTR_CREATE));
	assert_int_equal(dfs_setxattr(dfs, file, name, "x", 1, XATTR_CREATE), EEXIST);
	size = sizeof(list);
	assert_ok(dfs_getxattr(dfs, file, name, list, &size));
	assert_int_equal(size, 3);
	assert_ok(dfs_removexattr(dfs, file, name));
	assert_int_equal(dfs_removexattr(dfs, file, name), ENODATA);
}

static void
rename_moves_and_replaces(void **state)
{
	dfs_obj_t *one = make_directory(NULL, "move-1"), *two = make_directory(NULL, "move-2");
	daos_obj_id_t replaced = {0, 0}, old;
	dfs_obj_t *file;

	(void)state;
	write_name(one, "a", "first");
	assert_ok(dfs_move(dfs, one, "a", two, "b", NULL));
	assert_int_equal(stat_error(one, "a"), ENOENT);
	assert_holds(two, "b", "first");
	assert_ok(dfs_move(dfs, two, "b", two, "b", NULL));
	assert_holds(two, "b", "first");

	/* over a file with a value that must not stay */
	write_name(two, "c", "second, longer");
	assert_ok(dfs_lookup_rel(dfs, two, "c", O_RDWR, &file, NULL, NULL));
	assert_ok(dfs_setxattr(dfs, file, "user.stale", "x", 1, 0));
	assert_ok(dfs_obj2id(file, &old));
	assert_ok(dfs_release(file));
	assert_ok(dfs_lookup_rel(dfs, two, "b", O_RDWR, &file, NULL, NULL));
	assert_ok(dfs_setxattr(dfs, file, "user.kept", "yes", 3, 0));
	assert_ok(dfs_release(file));
	assert_ok(dfs_move(dfs, two, "b", two, "c", &replaced));
	assert_memory_equal(&replaced, &old, sizeof(old));
	assert_int_equal(stat_error(two, "b"), ENOENT);
	assert_holds(two, "c", "first");
	assert_ok(dfs_lookup_rel(dfs, two, "c", O_RDWR, &file, NULL, NULL));
	{
		char value[8];
		daos_size_t size = sizeof(value);

		assert_ok(dfs_getxattr(dfs, file, "user.kept", value, &size));
		assert_int_equal(size, 3);
		assert_int_equal(dfs_getxattr(dfs, file, "user.stale", NULL, &size), ENODATA);
	}
	assert_lacks_attribute(file, "user.stale");
	assert_ok(dfs_release(file));
	assert_ok(dfs_release(one));
	assert_ok(dfs_release(two));
}

static void
rename_refuses_what_posix_refuses(void **state)
{
	dfs_obj_t *top = make_directory(NULL, "move-3");
	dfs_obj_t *full = make_directory(top, "full"), *empty = make_directory(top, "empty");
	dfs_obj_t *inner = make_directory(full, "inner");

	(void)state;
	write_name(top, "file", "x");
	assert_int_equal(dfs_move(dfs, top, "none", top, "other", NULL), ENOENT);
	assert_int_equal(dfs_move(dfs, top, "file", top, "full", NULL), EISDIR);
	assert_int_equal(dfs_move(dfs, top, "empty", top, "file", NULL), ENOTDIR);
	assert_int_equal(dfs_move(dfs, top, "empty", top, "full", NULL), ENOTEMPTY);
	assert_int_equal(dfs_move(dfs, top, "full", inner, "x", NULL), EINVAL);
	assert_int_equal(dfs_move(dfs, top, "full", full, "x", NULL), EINVAL);
	assert_ok(dfs_move(dfs, top, "full", top, "empty", NULL));
	assert_ok(lookup_error("/move-3/empty/inner", O_RDONLY));
	assert_int_equal(lookup_error("/move-3/full", O_RDONLY), ENOENT);
	make_link(top, "link", "file");
	assert_ok(dfs_move(dfs, top, "link", top, "file", NULL));
	assert_int_equal(lookup_error("/move-3/file", O_RDONLY), ELOOP);
	assert_ok(dfs_release(inner));
	assert_ok(dfs_release(empty));
	assert_ok(dfs_release(full));
	assert_ok(dfs_release(top));
}

static void
names_are_exchanged(void **state)
{
	dfs_obj_t *one = make_directory(NULL, "swap-1"), *two = make_directory(NULL, "swap-2");
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[4];
	uint32_t count = 4;

	(void)state;
	write_name(one, "a", "AAA");
	make_link(two, "b", "somewhere");
	assert_ok(dfs_exchange(dfs, one, "a", two, "b"));
	assert_holds(two, "b", "AAA");
	assert_ok(dfs_readdir(dfs, one, &anchor, &count, entries));
	assert_int_equal(count, 1);
	assert_int_equal(entries[0].d_type, DT_LNK);
	assert_int_equal(dfs_exchange(dfs, one, "a", two, "none"), ENOENT);
	assert_ok(dfs_release(one));
	assert_ok(dfs_release(two));
}

/* ------------------------------------------------ removal and errors */

static void
errors_of_names_and_types(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "errors"), *object;
	dfs_obj_t *sub = make_directory(directory, "sub");
	struct stat status = {.st_size = 1};

	(void)state;
	make_empty(directory, "file");
	assert_int_equal(dfs_open(dfs, directory, "file", S_IFREG | 0600, O_CREAT | O_EXCL | O_RDWR,
				  0, 0, NULL, &object),
			 EEXIST);
	assert_int_equal(dfs_mkdir(dfs, directory, "file", 0700, 0), EEXIST);
	assert_int_equal(dfs_mkdir(dfs, directory, "sub", 0700, 0), EEXIST);
	assert_int_equal(dfs_open(dfs, directory, "none", S_IFREG, O_RDONLY, 0, 0, NULL, &object),
			 ENOENT);
	assert_int_equal(dfs_open(dfs, directory, "sub", S_IFREG, O_RDWR, 0, 0, NULL, &object),
			 EISDIR);
	assert_int_equal(dfs_open(dfs, directory, "sub", S_IFREG, O_RDWR | O_CREAT, 0, 0, NULL,
				  &object),
			 EISDIR);
	assert_int_equal(dfs_open(dfs, directory, "file", S_IFDIR, O_RDWR, 0, 0, NULL, &object),
			 ENOTDIR);
	assert_int_equal(lookup_error("/errors/file/x", O_RDONLY), ENOTDIR);
	assert_int_equal(lookup_error("/errors/file/", O_RDONLY), ENOTDIR);
	assert_int_equal(dfs_remove(dfs, directory, "none", false, NULL), ENOENT);
	assert_int_equal(dfs_osetattr(dfs, sub, &status, DFS_SET_ATTR_SIZE), EISDIR);
	assert_int_equal(dfs_open(dfs, directory, "x", 0600, O_CREAT | O_RDWR, 0, 0, NULL, &object),
			 EINVAL);
	assert_ok(dfs_lookup(dfs, "/errors/file", O_RDONLY, &object, NULL, NULL));
	assert_int_equal(write_at(object, "x", 1, 0), EPERM);
	assert_int_equal(dfs_mkdir(dfs, object, "below", 0700, 0), ENOTDIR);
	assert_int_equal(stat_error(object, "below"), ENOTDIR);
	assert_ok(dfs_release(object));
	make_empty(sub, "inside");
	assert_int_equal(dfs_remove(dfs, directory, "sub", false, NULL), ENOTEMPTY);
	assert_ok(dfs_remove(dfs, sub, "inside", false, NULL));
	assert_ok(dfs_remove(dfs, directory, "sub", false, NULL));
	assert_int_equal(dfs_remove(dfs, directory, "sub", false, NULL), ENOENT);
	assert_ok(dfs_release(sub));
	assert_ok(dfs_release(directory));
}

static void
a_new_file_under_an_old_name_is_empty(void **state)
{
	dfs_obj_t *file = make_file(NULL, "again");
	char buffer[8];

	(void)state;
	assert_ok(write_at(file, "old", 3, 0));
	assert_ok(dfs_release(file));
	assert_ok(dfs_remove(dfs, NULL, "again", false, NULL));
	file = make_file(NULL, "again");
	assert_int_equal(read_at(file, buffer, sizeof(buffer), 0), 0);
	assert_ok(write_at(file, "new", 3, 0));
	assert_ok(dfs_release(file));
	assert_ok(dfs_open(dfs, NULL, "again", S_IFREG | 0600, O_RDWR | O_CREAT | O_TRUNC, 0, 0,
			   NULL, &file));
	assert_int_equal(read_at(file, buffer, sizeof(buffer), 0), 0);
	assert_ok(dfs_release(file));
}

/* ------------------------------------------------ attributes */

static void
attributes_are_kept(void **state)
{
	dfs_obj_t *file = make_file(NULL, "attributes");
	struct stat status, set = {.st_mode = 0604, .st_mtim = {123456789, 987654321}};

	(void)state;
	assert_ok(dfs_ostat(dfs, file, &status));
	assert_int_equal(status.st_mode, S_IFREG | 0644);
	assert_int_equal(status.st_uid, geteuid());
	assert_int_equal(status.st_gid, getegid());
	assert_int_equal(status.st_nlink, 1);
	assert_int_equal(status.st_size, 0);
	assert_true(labs(status.st_mtim.tv_sec - time(NULL)) < 60);
	assert_ok(write_at(file, "data", 4, 1000));
	assert_ok(dfs_osetattr(dfs, file, &set, DFS_SET_ATTR_MODE | DFS_SET_ATTR_MTIME));
	assert_int_equal(set.st_size, 1004);
	assert_ok(dfs_stat(dfs, NULL, "attributes", &status));
	assert_int_equal(status.st_mode, S_IFREG | 0604);
	assert_int_equal(status.st_mtim.tv_sec, 123456789);
	assert_int_equal(status.st_mtim.tv_nsec, 987654321);
	assert_int_equal(status.st_size, 1004);
	assert_int_equal(status.st_blocks, 2);
	/* a later write makes it new again */
	assert_ok(write_at(file, "data", 4, 0));
	assert_ok(dfs_ostat(dfs, file, &status));
	assert_true(labs(status.st_mtim.tv_sec - time(NULL)) < 60);
	set.st_size = 7;
	assert_ok(dfs_osetattr(dfs, file, &set, DFS_SET_ATTR_SIZE));
	assert_int_equal(set.st_size, 7);
	/* so does cutting it off, although no data is left that would tell */
	set.st_mtim.tv_sec = 123456789;
	assert_ok(dfs_osetattr(dfs, file, &set, DFS_SET_ATTR_MTIME));
	assert_ok(dfs_punch(dfs, file, 0, DFS_MAX_FSIZE));
	assert_ok(dfs_ostat(dfs, file, &status));
	assert_int_equal(status.st_size, 0);
	assert_true(labs(status.st_mtim.tv_sec - time(NULL)) < 60);
	assert_ok(dfs_release(file));
}

static void
directory_times(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "times");
	struct stat set = {.st_mtim = {1000000, 1}}, status;

	(void)state;
	make_empty(directory, "a");
	assert_ok(dfs_osetattr(dfs, directory, &set, DFS_SET_ATTR_MTIME));
	assert_ok(dfs_stat(dfs, NULL, "times", &status));
	assert_int_equal(status.st_mtim.tv_sec, 1000000);
	make_empty(directory, "b");
	assert_ok(dfs_stat(dfs, NULL, "times", &status));
	assert_true(status.st_mtim.tv_sec > 1000000);
	/* the root has attributes of its own */
	assert_ok(dfs_stat(dfs, NULL, NULL, &status));
	assert_int_equal(status.st_mode, S_IFDIR | 0755);
	assert_ok(dfs_release(directory));
}

static void
modes_and_owners(void **state)
{
	struct stat status;

	(void)state;
	make_empty(NULL, "owned");
	make_link(NULL, "owned-link", "owned");
	assert_ok(dfs_chmod(dfs, NULL, "owned-link", 0400));
	assert_ok(dfs_chown(dfs, NULL, "owned-link", 77, 88, 0));
	assert_ok(dfs_stat(dfs, NULL, "owned", &status));
	assert_int_equal(status.st_mode, S_IFREG | 0400);
	assert_int_equal(status.st_uid, 77);
	assert_int_equal(status.st_gid, 88);
	assert_ok(dfs_chown(dfs, NULL, "owned-link", 99, (gid_t)-1, O_NOFOLLOW));
	assert_ok(dfs_stat(dfs, NULL, "owned-link", &status));
	assert_int_equal(status.st_uid, 99);
	assert_int_equal(status.st_gid, getegid());
	assert_ok(dfs_access(dfs, NULL, "owned-link", F_OK));
	assert_int_equal(dfs_access(dfs, NULL, "owned", X_OK), EACCES);
	assert_int_equal(dfs_access(dfs, NULL, "none", F_OK), ENOENT);
	assert_int_equal(dfs_chmod(dfs, NULL, "none", 0600), ENOENT);
}

static void
extended_attributes(void **state)
{
	dfs_obj_t *file = make_file(NULL, "xattrs");
	char list[256], *big = malloc(DFS_MAX_XATTR_LEN), *back = malloc(DFS_MAX_XATTR_LEN);
	daos_size_t size = sizeof(list);

	(void)state;
	assert_non_null(big);
	assert_non_null(back);
	assert_ok(dfs_listxattr(dfs, file, list, &size));
	assert_int_equal(size, 0);
	assert_ok(dfs_setxattr(dfs, file, "user.a", "one", 3, 0));
	assert_int_equal(dfs_setxattr(dfs, file, "user.a", "x", 1, XATTR_CREATE), EEXIST);
	assert_int_equal(dfs_setxattr(dfs, file, "user.b", "x", 1, XATTR_REPLACE), ENODATA);
	assert_ok(dfs_setxattr(dfs, file, "user.a", "other", 5, XATTR_REPLACE));
	memset(big, 'v', DFS_MAX_XATTR_LEN);
	assert_ok(dfs_setxattr(dfs, file, "user.big", big, DFS_MAX_XATTR_LEN, XATTR_CREATE));
	assert_int_equal(dfs_setxattr(dfs, file, "user.c", big, DFS_MAX_XATTR_LEN + 1, 0), E2BIG);
	size = DFS_MAX_XATTR_LEN;
	assert_ok(dfs_getxattr(dfs, file, "user.big", back, &size));
	assert_int_equal(size, DFS_MAX_XATTR_LEN);
	assert_memory_equal(back, big, size);
	size = 4;
	assert_int_equal(dfs_getxattr(dfs, file, "user.a", back, &size), ERANGE);
	size = 0;
	assert_ok(dfs_getxattr(dfs, file, "user.a", NULL, &size));
	assert_int_equal(size, 5);
	size = sizeof(list);
	assert_ok(dfs_listxattr(dfs, file, list, &size));
	assert_int_equal(size, sizeof("user.a") + sizeof("user.big"));
	size = 3;
	assert_int_equal(dfs_listxattr(dfs, file, list, &size), ERANGE);
	assert_ok(dfs_removexattr(dfs, file, "user.a"));
	assert_int_equal(dfs_removexattr(dfs, file, "user.a"), ENODATA);
	assert_int_equal(dfs_getxattr(dfs, file, "user.a", NULL, &size), ENODATA);
	assert_ok(dfs_release(file));
	/* the root has some, too */
	assert_ok(dfs_lookup(dfs, "/", O_RDWR, &file, NULL, NULL));
	assert_ok(dfs_setxattr(dfs, file, "user.root", "r", 1, 0));
	size = sizeof(list);
	assert_ok(dfs_listxattr(dfs, file, list, &size));
	assert_string_equal(list, "user.root");
	assert_ok(dfs_release(file));
	free(big);
	free(back);
}

/* ------------------------------------------------ mounts and handles */

static void
defaults_are_inherited(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "defaults"), *object;
	dfs_obj_info_t info;
	daos_size_t chunk;

	(void)state;
	assert_ok(dfs_obj_set_chunk_size(dfs, directory, 0, 65536));
	assert_ok(dfs_obj_set_oclass(dfs, directory, 0, OC_S1));
	object = make_directory(directory, "below");
	assert_ok(dfs_obj_get_info(dfs, object, &info));
	assert_int_equal(info.doi_chunk_size, 65536);
	assert_int_equal(info.doi_file_oclass_id, OC_S1);
	assert_ok(dfs_release(object));
	object = make_file(directory, "file");
	assert_ok(dfs_get_chunk_size(object, &chunk));
	assert_int_equal(chunk, 65536);
	assert_ok(dfs_obj_get_info(dfs, object, &info));
	assert_int_equal(info.doi_oclass_id, OC_S1);
	assert_ok(dfs_release(object));
	assert_ok(dfs_release(directory));
}

static void
read_only_mounts_change_nothing(void **state)
{
	dfs_obj_t *object;
	dfs_t *reader;

	(void)state;
	make_empty(NULL, "read-only");
	assert_ok(dfs_mount(bed.pool, container, O_RDONLY, &reader));
	assert_int_equal(dfs_mkdir(reader, NULL, "x", 0700, 0), EPERM);
	assert_int_equal(dfs_remove(reader, NULL, "read-only", false, NULL), EPERM);
	assert_int_equal(dfs_lookup(reader, "/read-only", O_RDWR, &object, NULL, NULL), EPERM);
	assert_ok(dfs_lookup(reader, "/read-only", O_RDONLY, &object, NULL, NULL));
	assert_ok(dfs_release(object));
	assert_ok(dfs_umount(reader));
}

static void
other_containers_are_no_file_systems(void **state)
{
	dfs_t *other;

	(void)state;
	assert_int_equal(dfs_mount(bed.pool, bed.container, O_RDWR, &other), EINVAL);
	assert_int_equal(dfs_cont_create_with_label(bed.pool, "files", NULL, NULL, NULL, NULL),
			 EEXIST);
	assert_int_equal(dfs_cont_create_with_label(bed.pool, "a b", NULL, NULL, NULL, NULL),
			 EINVAL);
}

static void
mounts_and_files_travel_as_bytes(void **state)
{
	dfs_obj_t *directory = make_directory(NULL, "travel"), *file, *copy;
	d_iov_t mount_bytes = {NULL, 0, 0}, file_bytes = {NULL, 0, 0};
	struct stat status;
	char buffer[8];
	dfs_t *other;

	(void)state;
	file = make_file(directory, "file");
	assert_ok(write_at(file, "travel", 6, 0));
	assert_ok(dfs_local2global(dfs, &mount_bytes));
	mount_bytes.iov_buf = malloc(mount_bytes.iov_buf_len);
	assert_ok(dfs_local2global(dfs, &mount_bytes));
	assert_ok(dfs_global2local(bed.pool, container, O_RDWR, mount_bytes, &other));
	assert_ok(dfs_obj_local2global(dfs, file, &file_bytes));
	file_bytes.iov_buf = malloc(file_bytes.iov_buf_len);
	assert_ok(dfs_obj_local2global(dfs, file, &file_bytes));
	assert_ok(dfs_obj_global2local(other, O_RDONLY, file_bytes, &copy));
	assert_int_equal(read_at(copy, buffer, sizeof(buffer), 0), 6);
	assert_memory_equal(buffer, "travel", 6);
	assert_ok(dfs_ostat(other, copy, &status));
	assert_int_equal(status.st_size, 6);
	((char *)mount_bytes.iov_buf)[0] ^= 1;
	assert_int_equal(dfs_global2local(bed.pool, container, O_RDWR, mount_bytes, &other),
			 EINVAL);
	assert_ok(dfs_release(copy));
	assert_ok(dfs_dup(dfs, file, O_RDONLY, &copy));
	assert_int_equal(write_at(copy, "x", 1, 0), EPERM);
	assert_ok(dfs_release(copy));
	assert_ok(dfs_release(file));
	assert_ok(dfs_release(directory));
	assert_ok(dfs_umount(other));
	free(mount_bytes.iov_buf);
	free(file_bytes.iov_buf);
}

static void
connect_makes_what_is_absent(void **state)
{
	d_iov_t bytes = {NULL, 0, 0};
	dfs_t *first, *second;
	dfs_attr_t attributes;

	(void)state;
	assert_int_equal(dfs_connect("default", NULL, "connected", O_RDWR, NULL, &first), ENOENT);
	assert_ok(dfs_connect("default", NULL, "connected", O_RDWR | O_CREAT, NULL, &first));
	assert_ok(dfs_mkdir(first, NULL, "d", 0700, 0));
	assert_ok(dfs_query(first, &attributes));
	assert_int_equal(attributes.da_chunk_size, DFS_DEFAULT_CHUNK_SIZE);
	assert_ok(dfs_local2global_all(first, &bytes));
	bytes.iov_buf = malloc(bytes.iov_buf_len);
	assert_ok(dfs_local2global_all(first, &bytes));
	assert_ok(dfs_global2local_all(O_RDWR, bytes, &second));
	assert_int_equal(dfs_mkdir(second, NULL, "d", 0700, 0), EEXIST);
	assert_int_equal(dfs_umount(second), EINVAL);
	assert_ok(dfs_disconnect(second));
	assert_ok(dfs_disconnect(first));
	assert_ok(dfs_destroy("default", NULL, "connected", 1, NULL));
	free(bytes.iov_buf);
}

static void
all_is_there_after_a_restart(void **state)
{
	(void)state;
	assert_ok(dfs_umount(dfs));
	assert_ok(daos_cont_close(container, NULL));
	embedded_down(&bed);
	embedded_up(&bed);
	assert_ok(daos_cont_open(bed.pool, "files", DAOS_COO_RW, &container, NULL, NULL));
	assert_ok(dfs_mount(bed.pool, container, O_RDWR, &dfs));
	assert_holds(NULL, "short", "0123456789");
	assert_ok(lookup_error("/links/chain", O_RDONLY));
	/* new objects get ids that no old one has */
	write_name(NULL, "after-restart", "new");
	assert_holds(NULL, "after-restart", "new");
	assert_holds(NULL, "short", "0123456789");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_up_to_255_bytes),
		cmocka_unit_test(paths_of_many_levels),
		cmocka_unit_test(prefix_is_stripped),
		cmocka_unit_test(listing_in_pages_and_in_order),
		cmocka_unit_test(listing_goes_on_at_a_name),
		cmocka_unit_test(listing_over_long_names),
		cmocka_unit_test(listing_with_attributes),
		cmocka_unit_test(racing_threads_agree),
		cmocka_unit_test(data_as_in_a_naive_model),
		cmocka_unit_test(reads_beyond_the_end_are_short),
		cmocka_unit_test(lists_of_ranges),
		cmocka_unit_test(reads_and_writes_under_events),
		cmocka_unit_test(symlinks_are_followed),
		cmocka_unit_test(symlink_loops_end),
		cmocka_unit_test(rename_moves_and_replaces),
		cmocka_unit_test(rename_refuses_what_posix_refuses),
		cmocka_unit_test(names_are_exchanged),
		cmocka_unit_test(errors_of_names_and_types),
		cmocka_unit_test(a_new_file_under_an_old_name_is_empty),
		cmocka_unit_test(attributes_are_kept),
		cmocka_unit_test(directory_times),
		cmocka_unit_test(modes_and_owners),
		cmocka_unit_test(extended_attributes),
		cmocka_unit_test(defaults_are_inherited),
		cmocka_unit_test(read_only_mounts_change_nothing),
		cmocka_unit_test(other_containers_are_no_file_systems),
		cmocka_unit_test(mounts_and_files_travel_as_bytes),
		cmocka_unit_test(connect_makes_what_is_absent),
		cmocka_unit_test(all_is_there_after_a_restart),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, setup, teardown);
}
