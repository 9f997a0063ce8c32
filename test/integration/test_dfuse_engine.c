/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Mounts of an engine over TCP: it is killed and comes back under load, it does not come back, and
 * what mounts of a pool and of all pools show. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/client.h"
#include "daos.h"
#include "daos_fs.h"
#include "dfuse_bed.h"

#define WRITERS 3
#define KILLS 3
/* Of each writer between two kills. */
#define ROUNDS 10u

static atomic_uint *rounds; /* of each writer; shared with them */

/* By a client of the test's own. */
static void
containers_make(void)
{
	struct client_pool_create request = {.label = "pool", .thin = true};
	struct client_pool_created created;
	daos_handle_t pool;

	assert_int_equal(daos_init(), 0);
	assert_int_equal(client_pool_create(&request, &created), 0);
	assert_int_equal(daos_pool_connect("pool", NULL, DAOS_PC_RW, &pool, NULL, NULL), 0);
	assert_int_equal(dfs_cont_create_with_label(pool, "files", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(dfs_cont_create_with_label(pool, "more", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(daos_cont_create_with_label(pool, "objects", NULL, NULL, NULL), 0);
	assert_int_equal(daos_pool_disconnect(pool, NULL), 0);
	assert_int_equal(daos_fini(), 0);
}

static int
make(void **state)
{
	static struct dfuse_bed bed;

	dfuse_bed_make(&bed);
	bed_engine_up(&bed);
	containers_make();
	*state = &bed;
	return 0;
}

static int
unmake(void **state)
{
	dfuse_bed_remove(*state);
	return 0;
}

/* ------------------------------------------------ an engine that comes back */

/* Makes, writes, reads and removes files until the pipe's other end is closed. */
static int
work(const struct dfuse_bed *bed, int number, int until)
{
	char path[256], text[64], content[64];
	struct stat stat_here;

	for (int i = 0; read(until, content, 1) < 0; i++) {
		int descriptor, length = snprintf(text, sizeof(text), "%d of %d", i, number);

		snprintf(path, sizeof(path), "%s/w%d-%d", bed->mounts[0], number, i % 10);
		descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
		if (descriptor < 0 || write(descriptor, text, (size_t)length) != length ||
		    fsync(descriptor) != 0 || pread(descriptor, content, 64, 0) != length ||
		    memcmp(content, text, (size_t)length) != 0 ||
		    fstat(descriptor, &stat_here) != 0 || close(descriptor) != 0 ||
		    (i % 3 == 0 && unlink(path) != 0)) {
			fprintf(stderr, "%s: %s\n", path, strerror(errno));
			return 1;
		}
		atomic_fetch_add(&rounds[number], 1);
	}
	return 0;
}

static bool
is_reached(void *argument)
{
	const unsigned int *goal = argument;

	for (int i = 0; i < WRITERS; i++)
		if (atomic_load(&rounds[i]) < goal[i])
			return false;
	return true;
}

/* Every writer goes on. */
static void
progress(void)
{
	unsigned int goal[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		goal[i] = atomic_load(&rounds[i]) + ROUNDS;
	assert_true(becomes(is_reached, goal));
}

static void
test_restart(void **state)
{
	struct dfuse_bed *bed = *state;
	int ends[2], status;

	rounds = mmap(NULL, WRITERS * sizeof(*rounds), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rounds, MAP_FAILED);
	mount_up(bed, 0, "--disable-wb-cache", NULL);
	/* The engines must not inherit it: the end would never come. */
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	for (int i = 0; i < WRITERS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			close(ends[1]);
			_exit(work(bed, i, ends[0]));
		}
	}
	for (int i = 0; i < KILLS; i++) {
		progress();
		bed_engine_down(bed, SIGKILL);
		bed_engine_up(bed);
		file_put(at(bed, 0, "between"), "x");
	}
	progress();
	file_put(at(bed, 0, "between"), "at last");
	close(ends[1]);
	close(ends[0]);
	for (int i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	file_is(at(bed, 0, "between"), "at last");
	munmap(rounds, WRITERS * sizeof(*rounds));
	mount_down(bed, 0);
}

/* ------------------------------------------------ one that does not */

static void
test_dead(void **state)
{
	struct dfuse_bed *bed = *state;
	struct stat stat_here;
	double begin;
	int descriptor;

	mount_up(bed, 0, "--wait-time=3", "--disable-caching", NULL);
	file_put(at(bed, 0, "a"), "text");
	descriptor = open(at(bed, 0, "a"), O_RDWR);
	assert_true(descriptor >= 0);
	bed_engine_down(bed, SIGKILL);
	for (int i = 0; i < 4; i++) {
		char byte = 0;
		int rc;

		begin = seconds_now();
		if (i == 0)
			rc = stat(at(bed, 0, "a"), &stat_here);
		else if (i == 1)
			rc = (int)pwrite(descriptor, "x", 1, 0);
		else if (i == 2)
			rc = (int)pread(descriptor, &byte, 1, 0);
		else
			rc = mkdir(at(bed, 0, "d"), 0755);
		assert_int_equal(rc, -1);
		/* The time, and what a slow machine needs. */
		assert_true(seconds_now() - begin > 2);
		assert_true(seconds_now() - begin < 6);
	}
	close(descriptor);
	begin = seconds_now();
	mount_down(bed, 0);
	assert_true(seconds_now() - begin < 12);
}

/* ------------------------------------------------ pools */

static void
test_pool(void **state)
{
	struct dfuse_bed *bed = *state;
	const char *pool[] = {"-f", "-m", bed->mounts[0], "--pool=pool", NULL};
	const char *all[] = {"-f", "-m", bed->mounts[1], NULL};
	const char *other[] = {"-m", bed->mounts[2], "-p", "pool", "-c", "objects", NULL};
	struct stat one, two;
	char text[4096];

	mount_up_with(bed, 0, pool);
	mount_up_with(bed, 1, all);
	file_put(at(bed, 0, "files/a"), "in files");
	file_put(at(bed, 0, "more/a"), "in more");
	file_is(at(bed, 1, "pool/files/a"), "in files");
	file_is(at(bed, 1, "pool/more/a"), "in more");
	assert_int_equal(stat(at(bed, 0, "files"), &one), 0);
	assert_int_equal(stat(at(bed, 0, "more"), &two), 0);
	assert_true(one.st_ino != two.st_ino);
	assert_int_equal(stat(at(bed, 0, "none"), &one), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkdir(at(bed, 0, "new"), 0755), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(rename(at(bed, 0, "files/a"), at(bed, 0, "more/b")), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(dfuse_run(bed, other, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "type POSIX"));
	mount_down(bed, 0);
	mount_down(bed, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_restart, make, unmake),
		cmocka_unit_test_setup_teardown(test_dead, make, unmake),
		cmocka_unit_test_setup_teardown(test_pool, make, unmake),
	};

	if (!mounts_are_possible())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
