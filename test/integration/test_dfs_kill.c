/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What SIGKILL leaves of a file system whose engine lives in the killed process: every name that
 * was acknowledged is there with its data, and each name leads to something whole.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "embedded_bed.h"
#include <daos_fs.h>

enum { KILLS = 4, SIZE = 6000, LIFE_US = 250000 };

static void
name_of(char name[32], const char *kind, int round, int number)
{
	snprintf(name, 32, "%s-%d-%d", kind, round, number);
}

static void
fill(char *data, int round, int number)
{
	for (int i = 0; i < SIZE; i++)
		data[i] = (char)(round * 31 + number * 7 + i);
}

/* ------------------------------------------------ the process that is killed */

/* A file is written under a name of its own and then published over whatever has the final one. */
static int
write_and_publish(dfs_t *dfs, int round, int number)
{
	static char data[SIZE];
	d_iov_t iov = {data, SIZE, SIZE};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	char draft[32], final[32];
	dfs_obj_t *file;
	int rc;

	fill(data, round, number);
	name_of(draft, "draft", round, number);
	name_of(final, "final", round, number);
	rc = dfs_open(dfs, NULL, draft, S_IFREG | 0644, O_CREAT | O_EXCL | O_RDWR, 0, 0, NULL,
		      &file);
	if (rc)
		return rc;
	rc = dfs_write(dfs, file, &sgl, 0, NULL);
	(void)dfs_release(file);
	return rc ? rc : dfs_move(dfs, NULL, draft, NULL, final, NULL);
}

/* Tells each number through the pipe once its file is published. */
static int
child_main(int round, int pipe_end)
{
	dfs_t *dfs;
	int rc = dfs_init();

	if (rc == 0)
		rc = dfs_connect("default", NULL, "killed", O_RDWR | O_CREAT, NULL, &dfs);
	for (int number = 0; rc == 0; number++) {
		rc = write_and_publish(dfs, round, number);
		if (rc == 0 && write(pipe_end, &number, sizeof(number)) != sizeof(number))
			rc = EPIPE;
	}
	return rc;
}

/* ------------------------------------------------ the process that looks */

static pid_t
start_child(int round, int *ret_pipe)
{
	char round_text[16], end_text[16];
	int ends[2];
	pid_t child;

	assert_ok(pipe(ends));
	snprintf(round_text, sizeof(round_text), "%d", round);
	snprintf(end_text, sizeof(end_text), "%d", ends[1]);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "child", round_text, end_text, (char *)NULL);
		_exit(127);
	}
	assert_true(child > 0);
	close(ends[1]);
	*ret_pipe = ends[0];
	return child;
}

/* How many files the child acknowledged before it was killed. */
static int
run_and_kill(int round)
{
	int pipe_end, number, count = 0, status;
	pid_t child = start_child(round, &pipe_end);

	/* Its life begins when the first file is there. */
	assert_int_equal(read(pipe_end, &number, sizeof(number)), sizeof(number));
	usleep(LIFE_US);
	assert_ok(kill(child, SIGKILL));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	do
		assert_int_equal(number, count++);
	while (read(pipe_end, &number, sizeof(number)) == sizeof(number));
	close(pipe_end);
	return count;
}

static void
check_file(dfs_t *dfs, int round, int number)
{
	static char data[SIZE], expected[SIZE];
	d_iov_t iov = {data, SIZE, SIZE};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size;
	dfs_obj_t *file;
	char name[32];

	name_of(name, "final", round, number);
	fill(expected, round, number);
	assert_ok(dfs_open(dfs, NULL, name, S_IFREG, O_RDONLY, 0, 0, NULL, &file));
	assert_ok(dfs_read(dfs, file, &sgl, 0, &size, NULL));
	assert_int_equal(size, SIZE);
	assert_memory_equal(data, expected, SIZE);
	assert_ok(dfs_release(file));
}

/* At most one file a round was under way: its draft, and perhaps its final name besides. */
static void
check_names(dfs_t *dfs, int published, int rounds)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct dirent entries[64];
	struct stat stats[64];
	int finals = 0, drafts = 0;
	dfs_obj_t *root;

	assert_ok(dfs_lookup(dfs, "/", O_RDONLY, &root, NULL, NULL));
	while (!daos_anchor_is_eof(&anchor)) {
		uint32_t count = 64;

		assert_ok(dfs_readdirplus(dfs, root, &anchor, &count, entries, stats));
		for (uint32_t i = 0; i < count; i++) {
			bool final = strncmp(entries[i].d_name, "final", 5) == 0;

			finals += final;
			drafts += !final;
			assert_true(stats[i].st_size == SIZE || (!final && stats[i].st_size == 0));
		}
	}
	assert_true(finals >= published && finals <= published + rounds);
	assert_true(drafts <= rounds);
	assert_ok(dfs_release(root));
}

static void
acknowledged_files_survive(void **state)
{
	struct embedded_bed bed;
	int counts[KILLS], published = 0;

	(void)state;
	embedded_directory_make(&bed);
	for (int round = 0; round < KILLS; round++) {
		dfs_t *dfs;

		counts[round] = run_and_kill(round);
		published += counts[round];
		assert_ok(dfs_init());
		assert_ok(dfs_connect("default", NULL, "killed", O_RDWR, NULL, &dfs));
		for (int earlier = 0; earlier <= round; earlier++) {
			for (int number = 0; number < counts[earlier]; number++)
				check_file(dfs, earlier, number);
		}
		check_names(dfs, published, round + 1);
		assert_ok(dfs_disconnect(dfs));
		assert_ok(dfs_fini());
	}
	embedded_directory_remove(&bed);
}

int
main(int count, char **arguments)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledged_files_survive),
	};

	embedded_library_open();
	if (count == 3)
		return child_main(atoi(arguments[1]), atoi(arguments[2]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
