/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Disks: names, what a crash in the middle of a creation leaves, limits, full file systems, refused
 * requests. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pair.h"

#define COUNT 300u

struct place {
	char directory[64];
	struct env *env;
	struct storage *storage;
};

static void
place_open(struct place *place, void **state, const char *where)
{
	struct linux_env_options options = {.backend = *(enum linux_backend *)*state,
					    .io_threads = 3};

	snprintf(place->directory, sizeof(place->directory), "%s/cairn-unit-XXXXXX", where);
	assert_non_null(mkdtemp(place->directory));
	options.directory = place->directory;
	assert_int_equal(linux_env_create(&options, &place->env), 0);
	place->storage = place->env->storage;
}

static void
place_close(struct place *place)
{
	linux_env_destroy(place->env);
	assert_int_equal(rmdir(place->directory), 0);
}

static int
run(struct place *place, struct disk *disk, struct disk_io *io)
{
	disk_submit(disk, io);
	while (!io->completion.done)
		place->env->poller->poll(place->env->poller, 1000000000);
	return io->completion.result;
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"",	  "/etc/passwd", "..",
					  "../x", "a/../b",	 "a/..",
					  ".",	  "a//b",	 "a/",
					  "./a",  "a.creating",	 "1/2/3/4/5/6/7/8/9"};
	struct place place;
	struct disk *disk;

	place_open(&place, state, "/tmp");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(place.storage->create(place.storage, bad[i], 4096, STORAGE_THIN,
						       &disk),
				 -DER_INVAL);
		assert_int_equal(place.storage->open(place.storage, bad[i], &disk), -DER_INVAL);
		assert_int_equal(place.storage->remove(place.storage, bad[i]), -DER_INVAL);
	}
	assert_int_equal(place.storage->create(place.storage, "odd", 4097, STORAGE_THIN, &disk),
			 -DER_INVAL);
	assert_int_equal(
		place.storage->create(place.storage, "pool/x/..y", 4096, STORAGE_ZEROED, &disk), 0);
	disk_close(disk);
	assert_int_equal(place.storage->remove(place.storage, "pool/x/..y"), 0);
	place_close(&place);
}

static int
count_names(void *argument, const char *name)
{
	(void)name;
	++*(uint32_t *)argument;
	return 0;
}

/* What a crash in the middle of a creation leaves is not listed, and in nobody's way. */
static void
test_half_created(void **state)
{
	struct place place;
	struct disk *disk;
	char path[96];
	uint32_t count = 0;

	place_open(&place, state, "/tmp");
	snprintf(path, sizeof(path), "%s/log.creating", place.directory);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(place.storage->list(place.storage, "", count_names, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(place.storage->open(place.storage, "log", &disk), -DER_NONEXIST);
	assert_int_equal(
		place.storage->create(place.storage, "log", 1 << 20, STORAGE_ZEROED, &disk), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(disk->size, 1 << 20);
	assert_false(disk->thin);
	disk_close(disk);
	assert_int_equal(place.storage->remove(place.storage, "log"), 0);
	place_close(&place);
}

static void
test_refused_requests(void **state)
{
	static uint8_t block[2 * DISK_BLOCK] __attribute__((aligned(DISK_BLOCK)));
	struct iovec iov = {block, DISK_BLOCK}, crooked = {block + 512, DISK_BLOCK};
	struct place place;
	struct disk *disk;

	place_open(&place, state, "/tmp");
	assert_int_equal(place.storage->create(place.storage, "disk", 16 * DISK_BLOCK, STORAGE_THIN,
					       &disk),
			 0);
	assert_true(disk->thin);
	const struct disk_io bad[] = {
		{.operation = DISK_READ,
		 .iov = &iov,
		 .iov_count = 1,
		 .offset = 512,
		 .length = DISK_BLOCK},
		{.operation = DISK_READ,
		 .iov = &iov,
		 .iov_count = 1,
		 .offset = 16 * DISK_BLOCK,
		 .length = DISK_BLOCK},
		{.operation = DISK_WRITE,
		 .iov = &iov,
		 .iov_count = 1,
		 .offset = 0,
		 .length = 2 * DISK_BLOCK},
		{.operation = DISK_WRITE,
		 .iov = &crooked,
		 .iov_count = 1,
		 .offset = 0,
		 .length = DISK_BLOCK},
		{.operation = DISK_ZERO,
		 .offset = DISK_BLOCK,
		 .length = UINT64_MAX - DISK_BLOCK + 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct disk_io io = bad[i];

		assert_int_equal(run(&place, disk, &io), -DER_INVAL);
	}
	disk_close(disk);
	assert_int_equal(place.storage->remove(place.storage, "disk"), 0);
	place_close(&place);
}

/* Many operations at a time: more than the I/O threads. */
static void
test_many(void **state)
{
	static const char *const where[] = {"/tmp", "/dev/shm"};

	for (size_t w = 0; w < ARRAY_SIZE(where); w++) {
		struct disk_io *ios = calloc(COUNT, sizeof(*ios));
		struct iovec *iovs = calloc(COUNT, sizeof(*iovs));
		uint8_t *memory = aligned_alloc(DISK_BLOCK, COUNT * DISK_BLOCK);
		struct disk_io flush = {.operation = DISK_FLUSH};
		struct place place;
		struct disk *disk;

		if (access(where[w], W_OK))
			continue;
		place_open(&place, state, where[w]);
		assert_int_equal(place.storage->create(place.storage, "disk", COUNT * DISK_BLOCK,
						       STORAGE_ALLOCATED, &disk),
				 0);
		for (uint32_t pass = 0; pass < 2; pass++) {
			for (uint32_t i = 0; i < COUNT; i++) {
				memset(memory + i * DISK_BLOCK, pass ? 0 : (int)(i % 251 + 1),
				       DISK_BLOCK);
				iovs[i] = (struct iovec){memory + i * DISK_BLOCK, DISK_BLOCK};
				ios[i] =
					(struct disk_io){.operation = pass ? DISK_READ : DISK_WRITE,
							 .durable = i % 7 == 0,
							 .iov = &iovs[i],
							 .iov_count = 1,
							 .offset = i * DISK_BLOCK,
							 .length = DISK_BLOCK};
				disk_submit(disk, &ios[i]);
			}
			for (uint32_t i = 0; i < COUNT; i++) {
				while (!ios[i].completion.done)
					place.env->poller->poll(place.env->poller, 1000000000);
				assert_int_equal(ios[i].completion.result, 0);
			}
		}
		for (uint32_t i = 0; i < COUNT; i++)
			assert_int_equal(memory[i * DISK_BLOCK + 17], i % 251 + 1);
		assert_int_equal(run(&place, disk, &flush), 0);
		disk_close(disk);
		assert_int_equal(place.storage->remove(place.storage, "disk"), 0);
		place_close(&place);
		free(memory);
		free(iovs);
		free(ios);
	}
}

/* A file that was cut behind our back gives an error, not a loop or old memory. */
static void
test_cut_file(void **state)
{
	static uint8_t blocks[4 * DISK_BLOCK] __attribute__((aligned(DISK_BLOCK)));
	struct iovec iov = {blocks, sizeof(blocks)};
	struct disk_io io = {
		.operation = DISK_READ, .iov = &iov, .iov_count = 1, .length = sizeof(blocks)};
	struct place place;
	struct disk *disk;
	char path[96];

	place_open(&place, state, "/tmp");
	assert_int_equal(place.storage->create(place.storage, "disk", sizeof(blocks),
					       STORAGE_ZEROED, &disk),
			 0);
	assert_int_equal(run(&place, disk, &io), 0);
	snprintf(path, sizeof(path), "%s/disk", place.directory);
	assert_int_equal(truncate(path, 6000), 0);
	assert_int_equal(run(&place, disk, &io), -DER_IO);
	disk_close(disk);
	assert_int_equal(place.storage->remove(place.storage, "disk"), 0);
	place_close(&place);
}

/* More than the file system has: -DER_NOSPACE, and nothing is left. */
static void
test_no_space(void **state)
{
	struct place place;
	struct disk *disk;
	uint64_t total, left;
	uint32_t count = 0;

	place_open(&place, state, "/tmp");
	assert_int_equal(place.storage->space(place.storage, &total, &left), 0);
	assert_true(left <= total && left > 0);
	assert_int_equal(place.storage->create(place.storage, "disk",
					       align_up(total + (1 << 20), DISK_BLOCK),
					       STORAGE_ALLOCATED, &disk),
			 -DER_NOSPACE);
	assert_int_equal(place.storage->list(place.storage, "", count_names, &count), 0);
	assert_int_equal(count, 0);
	place_close(&place);
}

#define READS_AT_ONCE 64u

/* In memory, so many reads are complete when they are submitted, and again after each poll. */
static void
test_reads_at_once(void **state)
{
	static uint8_t buffer[4096] __attribute__((aligned(4096)));
	struct disk_io reads[READS_AT_ONCE + 2];
	struct iovec iov = {buffer, sizeof(buffer)};
	struct place place;
	struct disk *disk;

	place_open(&place, state, "/dev/shm");
	assert_int_equal(place.storage->create(place.storage, "data", sizeof(buffer),
					       STORAGE_ZEROED, &disk),
			 0);
	for (uint32_t round = 0; round < 2; round++) {
		place.env->poller->poll(place.env->poller, 0);
		for (uint32_t i = 0; i < ARRAY_SIZE(reads); i++) {
			memset(buffer, 1, sizeof(buffer));
			reads[i] = (struct disk_io){.operation = DISK_READ,
						    .iov = &iov,
						    .iov_count = 1,
						    .length = sizeof(buffer)};
			disk_submit(disk, &reads[i]);
			assert_int_equal(reads[i].completion.done, i < READS_AT_ONCE);
			assert_int_equal(buffer[0], 0);
		}
		place.env->poller->poll(place.env->poller, 0);
		for (uint32_t i = 0; i < ARRAY_SIZE(reads); i++) {
			assert_true(reads[i].completion.done);
			assert_int_equal(reads[i].completion.result, 0);
		}
	}
	disk_close(disk);
	assert_int_equal(place.storage->remove(place.storage, "data"), 0);
	place_close(&place);
}

int
main(void)
{
	struct CMUnitTest tests[] = {cmocka_unit_test(test_names),
				     cmocka_unit_test(test_half_created),
				     cmocka_unit_test(test_refused_requests),
				     cmocka_unit_test(test_many),
				     cmocka_unit_test(test_reads_at_once),
				     cmocka_unit_test(test_cut_file),
				     cmocka_unit_test(test_no_space)};

	return BACKEND_TESTS("disk", tests);
}
