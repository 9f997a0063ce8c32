/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An engine over TCP that is killed and started again under a file system's load: the calls go on
 * by themselves, and each takes effect exactly once. What was created exclusively does not say that
 * it exists, what is renamed or removed does not say that it is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "daos.h"
#include "daos_fs.h"
#include "dfuse_bed.h"

#define WORKERS 4
#define KILLS 5
#define KILLS_LONG 200
/* Rounds of each worker between two kills. */
#define ROUNDS 4u
/* No call takes longer: of this a start of the engine takes most. */
#define SLOWEST_S 20.0

struct load {
	dfs_t *dfs;
	dfs_obj_t *shared; /* a directory */
	atomic_bool stopping;
	atomic_bool failed;
};

struct worker {
	struct load *load;
	pthread_t thread;
	int number;
	dfs_obj_t *own; /* a directory */
	atomic_uint rounds;
	const char *call; /* the present one */
	double begin;
	double slowest; /* seconds */
};

/* ------------------------------------------------ one call */

static void
begin(struct worker *worker, const char *call)
{
	worker->call = call;
	worker->begin = seconds_now();
}

/* Whether the call ended as it must. */
static bool
ended(struct worker *worker, int result, int expected)
{
	double took = seconds_now() - worker->begin;

	if (took > worker->slowest)
		worker->slowest = took;
	if (result == expected && took < SLOWEST_S)
		return true;
	fprintf(stderr, "worker %d, round %u: %s: %s after %.1f s; expected: %s\n", worker->number,
		atomic_load(&worker->rounds), worker->call, strerror(result), took,
		strerror(expected));
	return false;
}

#define MUST(worker, call, expected)                \
	do {                                        \
		begin(worker, #call);               \
		if (!ended(worker, call, expected)) \
			return false;               \
	} while (0)

/* ------------------------------------------------ one round */

static bool
write_and_read(struct worker *worker, dfs_obj_t *file, const char *text)
{
	dfs_t *dfs = worker->load->dfs;
	char content[32] = "";
	size_t length = strlen(text) + 1;
	d_iov_t out = {(void *)(uintptr_t)text, length, length}, in = {content, 32, 32};
	d_sg_list_t from = {.sg_nr = 1, .sg_iovs = &out}, to = {.sg_nr = 1, .sg_iovs = &in};
	daos_size_t got = 0;

	MUST(worker, dfs_write(dfs, file, &from, 0, NULL), 0);
	MUST(worker, dfs_read(dfs, file, &to, 0, &got, NULL), 0);
	return ended(worker, got == length && strcmp(content, text) == 0 ? 0 : EIO, 0);
}

/* A file is made, published by renaming, and removed by its name, or by both of its names. */
static bool
file_round(struct worker *worker, unsigned int round)
{
	dfs_t *dfs = worker->load->dfs;
	dfs_obj_t *own = worker->own, *shared = worker->load->shared, *file;
	struct stat stat;
	char name[32];

	snprintf(name, sizeof(name), "%d-%u", worker->number, round);
	MUST(worker,
	     dfs_open(dfs, own, "draft", S_IFREG | 0644, O_CREAT | O_EXCL | O_RDWR, 0, 0, NULL,
		      &file),
	     0);
	MUST(worker, write_and_read(worker, file, name) ? 0 : EIO, 0);
	if (round % 3 == 0)
		MUST(worker, dfs_link(dfs, file, own, "second"), 0);
	MUST(worker, dfs_release(file), 0);
	MUST(worker, dfs_move(dfs, own, "draft", shared, name, NULL), 0);
	MUST(worker, dfs_stat(dfs, shared, name, &stat), 0);
	MUST(worker, dfs_stat(dfs, own, "draft", &stat), ENOENT);
	if (round % 3 == 0)
		MUST(worker, dfs_remove(dfs, own, "second", false, NULL), 0);
	MUST(worker, dfs_remove(dfs, shared, name, false, NULL), 0);
	MUST(worker, dfs_stat(dfs, shared, name, &stat), ENOENT);
	return true;
}

/* A file loses its name while it is open. */
static bool
held_round(struct worker *worker)
{
	dfs_t *dfs = worker->load->dfs;
	dfs_obj_t *own = worker->own, *file, *again;
	struct stat stat;

	MUST(worker,
	     dfs_open(dfs, own, "held", S_IFREG | 0644, O_CREAT | O_RDWR | O_TRUNC, 0, 0, NULL,
		      &file),
	     0);
	MUST(worker, write_and_read(worker, file, "before") ? 0 : EIO, 0);
	MUST(worker,
	     dfs_open(dfs, own, "held", S_IFREG | 0644, O_CREAT | O_RDWR | O_TRUNC, 0, 0, NULL,
		      &again),
	     0);
	MUST(worker, dfs_release(again), 0);
	MUST(worker, dfs_ostat(dfs, file, &stat), 0);
	MUST(worker, stat.st_size == 0 ? 0 : EIO, 0);
	MUST(worker, dfs_remove(dfs, own, "held", false, NULL), 0);
	MUST(worker, write_and_read(worker, file, "behind") ? 0 : EIO, 0);
	MUST(worker, dfs_ostat(dfs, file, &stat), 0);
	MUST(worker, stat.st_nlink == 0 && stat.st_size == 7 ? 0 : EIO, 0);
	MUST(worker, dfs_release(file), 0);
	return true;
}

static bool
directory_round(struct worker *worker)
{
	dfs_t *dfs = worker->load->dfs;
	dfs_obj_t *own = worker->own;

	MUST(worker, dfs_mkdir(dfs, own, "one", 0755, 0), 0);
	MUST(worker, dfs_mkdir(dfs, own, "two", 0755, 0), 0);
	MUST(worker, dfs_exchange(dfs, own, "one", own, "two"), 0);
	MUST(worker, dfs_remove(dfs, own, "one", false, NULL), 0);
	MUST(worker, dfs_remove(dfs, own, "two", false, NULL), 0);
	return true;
}

static void *
work(void *argument)
{
	struct worker *worker = argument;
	struct load *load = worker->load;

	while (!atomic_load(&load->stopping)) {
		if (!file_round(worker, atomic_load(&worker->rounds)) || !held_round(worker) ||
		    !directory_round(worker)) {
			atomic_store(&load->failed, true);
			break;
		}
		atomic_fetch_add(&worker->rounds, 1);
	}
	return NULL;
}

/* ------------------------------------------------ the load */

static void
load_start(struct load *load, struct worker workers[WORKERS])
{
	assert_int_equal(dfs_init(), 0);
	assert_int_equal(dfs_connect("pool", NULL, "files", O_RDWR, NULL, &load->dfs), 0);
	assert_int_equal(dfs_mkdir(load->dfs, NULL, "shared", 0755, 0), 0);
	assert_int_equal(
		dfs_lookup_rel(load->dfs, NULL, "shared", O_RDWR, &load->shared, NULL, NULL), 0);
	for (int i = 0; i < WORKERS; i++) {
		struct worker *worker = &workers[i];
		char name[16];

		*worker = (struct worker){.load = load, .number = i};
		snprintf(name, sizeof(name), "own-%d", i);
		assert_int_equal(dfs_mkdir(load->dfs, NULL, name, 0755, 0), 0);
		assert_int_equal(
			dfs_lookup_rel(load->dfs, NULL, name, O_RDWR, &worker->own, NULL, NULL), 0);
		assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
	}
}

static void
load_stop(struct load *load, struct worker workers[WORKERS])
{
	double slowest = 0;
	unsigned int rounds = 0;

	atomic_store(&load->stopping, true);
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		dfs_release(workers[i].own);
		rounds += atomic_load(&workers[i].rounds);
		if (workers[i].slowest > slowest)
			slowest = workers[i].slowest;
	}
	dfs_release(load->shared);
	printf("%u rounds; the slowest call took %.2f s\n", rounds, slowest);
	assert_int_equal(dfs_disconnect(load->dfs), 0);
	assert_int_equal(dfs_fini(), 0);
}

/* Each worker does some rounds more; false where one failed or is stuck. */
static bool
goes_on(const struct load *load, struct worker workers[WORKERS])
{
	for (int i = 0; i < WORKERS; i++) {
		unsigned int goal = atomic_load(&workers[i].rounds) + ROUNDS;
		double end = seconds_now() + 2 * SLOWEST_S;

		while (atomic_load(&workers[i].rounds) < goal) {
			if (atomic_load(&load->failed) || seconds_now() > end)
				return false;
			usleep(2000);
		}
	}
	return true;
}

/* By a client of its own, which has gone when the load begins. */
static void
container_make(void)
{
	struct client_pool_create request = {.label = "pool", .thin = true};
	struct client_pool_created created;
	daos_handle_t pool;

	assert_int_equal(daos_init(), 0);
	assert_int_equal(client_pool_create(&request, &created), 0);
	assert_int_equal(daos_pool_connect("pool", NULL, DAOS_PC_RW, &pool, NULL, NULL), 0);
	assert_int_equal(dfs_cont_create_with_label(pool, "files", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(daos_pool_disconnect(pool, NULL), 0);
	assert_int_equal(daos_fini(), 0);
}

static void
restart(void **state)
{
	const char *long_run = getenv("CAIRN_LONG");
	int kills = long_run && long_run[0] == '1' ? KILLS_LONG : KILLS;
	static struct dfuse_bed bed;
	struct worker workers[WORKERS];
	struct load load = {.dfs = NULL};
	bool going = true;

	(void)state;
	dfuse_bed_make(&bed);
	bed_engine_up(&bed);
	container_make();
	load_start(&load, workers);
	for (int i = 0; i < kills && going; i++) {
		going = goes_on(&load, workers);
		bed_engine_down(&bed, SIGKILL);
		bed_engine_up(&bed);
		if (i % 50 == 49)
			printf("%d kills\n", i + 1);
	}
	going = going && goes_on(&load, workers);
	load_stop(&load, workers);
	dfuse_bed_remove(&bed);
	assert_true(going);
	assert_false(atomic_load(&load.failed));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
