/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What SIGKILL leaves of names that share files, of exported files, and of files that were removed
 * while they were open, when the engine lives in the killed process: no name without its file, no
 * record without its names, and no orphan that is not found.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hidden.h"
#include <daos_fs.h>

enum { KILLS = 5, LIFE_US = 200000, SLOTS = 8, ENTRIES = 64 };

/* ------------------------------------------------ the process that is killed */

static const char *
name_of(char name[16], const char *kind, unsigned int number)
{
	snprintf(name, 16, "%s%u", kind, number % SLOTS);
	return name;
}

static int
make(dfs_t *dfs, const char *name, dfs_obj_t **ret_file)
{
	char text[] = "whole";
	d_iov_t iov = {text, 5, 5};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	char draft[] = "draft";
	dfs_obj_t *file;
	int rc;

	(void)dfs_remove(dfs, NULL, draft, false, NULL);
	rc = dfs_open(dfs, NULL, draft, S_IFREG | 0644, O_CREAT | O_EXCL | O_RDWR, 0, 0, NULL,
		      &file);
	if (rc == 0)
		rc = dfs_write(dfs, file, &sgl, 0, NULL);
	if (rc == 0)
		rc = dfs_release(file);
	/* What had the name may be open, linked or exported. */
	if (rc == 0)
		rc = dfs_rename(dfs, NULL, draft, NULL, name, 0, NULL);
	return rc ? rc : dfs_lookup_rel(dfs, NULL, name, O_RDWR, ret_file, NULL, NULL);
}

/* One round over all that changes a record. What was removed stays open until the next one. */
static int
change(dfs_t *dfs, unsigned int number, dfs_obj_t **open)
{
	char one[16], two[16], three[16];
	dfs_obj_t *file;
	int rc = make(dfs, name_of(one, "a", number), &file);

	if (rc == 0)
		rc = dfs_link(dfs, file, NULL, name_of(two, "b", number));
	if (rc == EEXIST)
		rc = 0;
	if (rc == 0 && number % 3 == 0)
		rc = dfs_rename(dfs, NULL, two, NULL, name_of(three, "c", number + 1), 0, NULL);
	if (rc == 0)
		rc = dfs_release(file);
	if (rc == 0)
		rc = make(dfs, name_of(one, "e", number), &file);
	if (rc == 0)
		rc = dfs_export(dfs, file);
	if (rc == 0 && *open)
		rc = dfs_release(*open);
	*open = file;
	if (rc == 0)
		rc = number % 2 ? dfs_remove(dfs, NULL, one, false, NULL)
				: dfs_rename(dfs, NULL, one, NULL, name_of(two, "a", number + 2), 0,
					     NULL);
	return rc;
}

static int
child_main(int pipe_end)
{
	dfs_obj_t *open = NULL;
	dfs_t *dfs;
	int rc = dfs_init();

	if (rc == 0)
		rc = dfs_connect("default", NULL, "killed", O_RDWR | O_CREAT, NULL, &dfs);
	for (unsigned int number = 0; rc == 0; number++) {
		rc = change(dfs, number, &open);
		if (rc == 0 && write(pipe_end, &number, sizeof(number)) != sizeof(number))
			rc = EPIPE;
	}
	fprintf(stderr, "the child ended: %s\n", strerror(rc));
	return rc;
}

/* ------------------------------------------------ the process that looks */

static void
run_and_kill(void)
{
	unsigned int number;
	char end_text[16];
	int ends[2], status;
	pid_t child;

	assert_ok(pipe(ends));
	snprintf(end_text, sizeof(end_text), "%d", ends[1]);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "child", end_text, (char *)NULL);
		_exit(127);
	}
	assert_true(child > 0);
	close(ends[1]);
	/* Its life begins when the first round is over. */
	assert_int_equal(read(ends[0], &number, sizeof(number)), sizeof(number));
	usleep(LIFE_US);
	assert_ok(kill(child, SIGKILL));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(ends[0]);
}

/* Each name leads to a whole file; how many of the files have a record. */
static uint32_t
check_file(dfs_t *dfs, const char *name, const struct stat *status, bool first)
{
	char data[8];
	d_iov_t iov = {data, sizeof(data), sizeof(data)};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size;
	daos_obj_id_t oid;
	dfs_obj_t *file;
	int rc;

	assert_ok(dfs_lookup_rel(dfs, NULL, name, O_RDONLY, &file, NULL, NULL));
	assert_ok(dfs_read(dfs, file, &sgl, 0, &size, NULL));
	assert_true(size == 5 || (size == 0 && strcmp(name, "draft") == 0));
	assert_true(size == 0 || memcmp(data, "whole", 5) == 0);
	assert_ok(dfs_obj2id(file, &oid));
	assert_ok(dfs_release(file));
	if (!first)
		return 0;
	rc = dfs_open_id(dfs, oid, O_RDONLY, &file);
	assert_true(rc == 0 || (rc == ESTALE && status->st_nlink == 1));
	if (rc)
		return 0;
	assert_ok(dfs_release(file));
	return 1;
}

static void
check_all(dfs_t *dfs, daos_handle_t container)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	static struct dirent entries[ENTRIES];
	static struct stat stats[ENTRIES];
	uint32_t count = ENTRIES, records = 0;
	dfs_obj_t *root;

	assert_ok(dfs_lookup(dfs, "/", O_RDONLY, &root, NULL, NULL));
	assert_ok(dfs_readdirplus(dfs, root, &anchor, &count, entries, stats));
	assert_true(daos_anchor_is_eof(&anchor));
	assert_ok(dfs_release(root));
	for (uint32_t i = 0; i < count; i++) {
		nlink_t names = 0;
		bool first = true;

		for (uint32_t j = 0; j < count; j++) {
			names += stats[j].st_ino == stats[i].st_ino;
			first = first && (j >= i || stats[j].st_ino != stats[i].st_ino);
		}
		assert_int_equal(stats[i].st_nlink, names);
		records += check_file(dfs, entries[i].d_name, &stats[i], first);
	}
	assert_int_equal(hidden_records(container), records);
}

/* At most the file that was open, and one that was on its way. */
static void
check_orphans(dfs_t *dfs, daos_handle_t container)
{
	uint32_t orphans = hidden_orphans(container);
	uint64_t count;

	assert_true(orphans <= 2);
	hidden_age_orphans(container);
	assert_ok(dfs_reclaim(dfs, &count));
	assert_int_equal(count, orphans);
	assert_int_equal(hidden_orphans(container), 0);
}

static void
nothing_is_left_half_done(void **state)
{
	struct embedded_bed bed;

	(void)state;
	embedded_directory_make(&bed);
	for (int round = 0; round < KILLS; round++) {
		daos_handle_t container;
		dfs_t *dfs;

		run_and_kill();
		assert_ok(dfs_init());
		assert_ok(dfs_connect("default", NULL, "killed", O_RDWR, NULL, &dfs));
		assert_ok(dfs_cont_get(dfs, &container));
		check_all(dfs, container);
		check_orphans(dfs, container);
		check_all(dfs, container);
		assert_ok(dfs_disconnect(dfs));
		assert_ok(dfs_fini());
	}
	embedded_directory_remove(&bed);
}

int
main(int count, char **arguments)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_half_done),
	};

	embedded_library_open();
	if (count == 2)
		return child_main(atoi(arguments[1]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
