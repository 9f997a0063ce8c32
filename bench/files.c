/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Files through libdfs: --threads of them, each in a directory of its own, create --count empty
 * files, stat each of them cold, and remove them. One JSON line for each phase, with nanoseconds of
 * CPU per operation (user and system) of this process and of the server's. With --keep they stay,
 * are written with --size bytes, and the line says what they take in the pool's heap.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <daos.h>
#include <daos_fs.h>

#define THREADS_MAX 64u

struct options {
	const char *pool, *container;
	uint32_t threads;
	uint32_t count; /* files of each thread */
	uint32_t size;
	pid_t server;
	bool keep;
};

static void __attribute__((noreturn)) stop(const char *what, int error)
{
	fprintf(stderr, "files: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t
read_clock(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) < 0)
		stop("a clock cannot be read", errno);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
server_time(pid_t server)
{
	clockid_t clock;

	if (server == 0)
		return 0;
	if (clock_getcpuclockid(server, &clock) != 0)
		stop("the server's CPU time cannot be read", ESRCH);
	return read_clock(clock);
}

/* ------------------------------------------------ phases */

struct worker {
	const struct options *options;
	dfs_t *dfs;
	dfs_obj_t *directory;
	pthread_t thread;
	void (*phase)(struct worker *worker, const char *name);
	char *bytes;
};

static void
create_file(struct worker *worker, const char *name)
{
	dfs_obj_t *file;
	int rc = dfs_open(worker->dfs, worker->directory, name, S_IFREG | 0600,
			  O_RDWR | O_CREAT | O_EXCL, 0, 0, NULL, &file);

	if (rc)
		stop("create", rc);
	dfs_release(file);
}

static void
write_file(struct worker *worker, const char *name)
{
	d_iov_t iov = {.iov_buf = worker->bytes,
		       .iov_buf_len = worker->options->size,
		       .iov_len = worker->options->size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	dfs_obj_t *file;
	int rc = dfs_open(worker->dfs, worker->directory, name, S_IFREG | 0600,
			  O_RDWR | O_CREAT | O_EXCL, 0, 0, NULL, &file);

	if (rc == 0 && worker->options->size > 0)
		rc = dfs_write(worker->dfs, file, &list, 0, NULL);
	if (rc)
		stop("write", rc);
	dfs_release(file);
}

static void
stat_file(struct worker *worker, const char *name)
{
	struct stat status;
	int rc = dfs_stat(worker->dfs, worker->directory, name, &status);

	if (rc)
		stop("stat", rc);
}

static void
remove_file(struct worker *worker, const char *name)
{
	int rc = dfs_remove(worker->dfs, worker->directory, name, false, NULL);

	if (rc)
		stop("unlink", rc);
}

static void *
work(void *argument)
{
	struct worker *worker = argument;
	char name[32];

	for (uint32_t i = 0; i < worker->options->count; i++) {
		snprintf(name, sizeof(name), "file-%08u", i);
		worker->phase(worker, name);
	}
	return NULL;
}

static void
phase_run(const struct options *options, struct worker *workers, const char *name,
	  void (*phase)(struct worker *worker, const char *name))
{
	double count = (double)options->threads * options->count;
	uint64_t wall = read_clock(CLOCK_MONOTONIC), server = server_time(options->server);
	uint64_t client = read_clock(CLOCK_PROCESS_CPUTIME_ID);

	for (uint32_t i = 0; i < options->threads; i++) {
		workers[i].phase = phase;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			stop("a thread cannot be made", EAGAIN);
	}
	for (uint32_t i = 0; i < options->threads; i++)
		pthread_join(workers[i].thread, NULL);
	client = read_clock(CLOCK_PROCESS_CPUTIME_ID) - client;
	server = server_time(options->server) - server;
	wall = read_clock(CLOCK_MONOTONIC) - wall;
	printf("{\"files\":\"%s\",\"threads\":%u,\"ops\":%.0f,\"ops_per_second\":%.0f,"
	       "\"server_cpu_ns_per_op\":%.0f,\"client_cpu_ns_per_op\":%.0f,"
	       "\"both_cpu_ns_per_op\":%.0f}\n",
	       name, options->threads, count, count * 1e9 / (double)wall, (double)server / count,
	       (double)client / count, (double)(server + client) / count);
	fflush(stdout);
}

/* ------------------------------------------------ heap */

/* Bytes of the pool's heaps that are in use. */
static uint64_t
heap_used(dfs_t *dfs)
{
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	daos_handle_t pool;
	int rc = dfs_pool_get(dfs, &pool);

	if (rc == 0)
		rc = daos_pool_query(pool, NULL, &info, NULL, NULL) ? EIO : 0;
	if (rc)
		stop("the pool cannot be asked", rc);
	dfs_pool_put(dfs, pool);
	return info.pi_space.ps_space.s_total[DAOS_MEDIA_SCM] -
	       info.pi_space.ps_space.s_free[DAOS_MEDIA_SCM];
}

static void
keep_run(const struct options *options, struct worker *workers)
{
	uint64_t before = heap_used(workers->dfs), after;
	double count = (double)options->threads * options->count;

	phase_run(options, workers, options->size > 0 ? "write" : "create",
		  options->size > 0 ? write_file : create_file);
	after = heap_used(workers->dfs);
	printf("{\"files\":\"heap\",\"ops\":%.0f,\"size\":%u,\"heap_bytes_per_file\":%.0f}\n",
	       count, options->size, (double)(after - before) / count);
}

/* ------------------------------------------------ set-up */

static void
workers_start(const struct options *options, dfs_t *dfs, struct worker *workers)
{
	static char bytes[1 << 20];
	char name[32];

	for (uint32_t i = 0; i < options->threads; i++) {
		int rc;

		workers[i] = (struct worker){.options = options, .dfs = dfs, .bytes = bytes};
		snprintf(name, sizeof(name), "%d-%u", options->keep, i);
		rc = dfs_open(dfs, NULL, name, S_IFDIR | 0700, O_RDWR | O_CREAT, 0, 0, NULL,
			      &workers[i].directory);
		if (rc)
			stop("a directory cannot be made", rc);
	}
}

static int
usage(void)
{
	fprintf(stderr, "usage: files [--pool LABEL] [--container LABEL] [--threads N] [--count N] "
			"[--server PID]\n             [--keep [--size BYTES]]\n");
	return 2;
}

int
main(int count, char **arguments)
{
	struct options options = {
		.pool = "bench", .container = "files", .threads = 1, .count = 2000};
	static const struct option known[] = {{"pool", required_argument, NULL, 'p'},
					      {"container", required_argument, NULL, 'c'},
					      {"threads", required_argument, NULL, 't'},
					      {"count", required_argument, NULL, 'n'},
					      {"size", required_argument, NULL, 's'},
					      {"server", required_argument, NULL, 'P'},
					      {"keep", no_argument, NULL, 'k'},
					      {NULL, 0, NULL, 0}};
	struct worker workers[THREADS_MAX];
	int option, rc;
	dfs_t *dfs;

	while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
		if (option == 'p')
			options.pool = optarg;
		else if (option == 'c')
			options.container = optarg;
		else if (option == 't')
			options.threads = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'n')
			options.count = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 's')
			options.size = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'P')
			options.server = (pid_t)strtol(optarg, NULL, 10);
		else if (option == 'k')
			options.keep = true;
		else
			return usage();
	}
	if (options.threads == 0 || options.threads > THREADS_MAX || options.count == 0 ||
	    options.size > 1u << 20)
		return usage();
	rc = dfs_init();
	if (rc == 0)
		rc = dfs_connect(options.pool, NULL, options.container, O_RDWR | O_CREAT, NULL,
				 &dfs);
	if (rc)
		stop("no file system", rc);
	workers_start(&options, dfs, workers);
	if (options.keep) {
		keep_run(&options, workers);
	} else {
		phase_run(&options, workers, "create", create_file);
		phase_run(&options, workers, "stat", stat_file);
		phase_run(&options, workers, "unlink", remove_file);
	}
	for (uint32_t i = 0; i < options.threads; i++)
		dfs_release(workers[i].directory);
	dfs_disconnect(dfs);
	dfs_fini();
	return 0;
}
