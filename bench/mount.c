/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * One kind of operation on files, --count of them one after another, either by system calls in
 * --directory or by libdfs in --container. Prints one JSON line with nanoseconds per operation: of
 * the wall clock, and of CPU (user and system) of this process and of each --process PID.
 *
 *   getattr, read, write   one file, `data`, that is open; --size bytes at random places, or with
 *                          --sequential one after another
 *   create                 empty files, with --sync each of them and the directory made durable;
 *                          removed again without --keep
 *   run PROGRAM ...        a program with what it starts, in --directory, its output dropped; the
 *                          whole of it is one operation
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <daos.h>
#include <daos_fs.h>

#define PROCESSES_MAX 8u
#define SIZE_MAX_MIB 16u
#define MIB (UINT64_C(1) << 20)

struct options {
	const char *mode, *directory, *pool, *container, *prefix;
	uint64_t count, size, file_size;
	pid_t processes[PROCESSES_MAX];
	uint32_t process_count;
	bool sequential, sync, keep;
};

struct bench {
	const struct options *options;
	char *bytes;
	int directory, fd; /* by system calls */
	dfs_t *dfs;	   /* by libdfs */
	dfs_obj_t *object;
};

static void __attribute__((noreturn)) stop(const char *what, int error)
{
	fprintf(stderr, "mount: %s: %s\n", what, strerror(error));
	exit(1);
}

/* ------------------------------------------------ figures */

struct figures {
	uint64_t wall, cpu;
};

static uint64_t
read_clock(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) < 0)
		stop("a clock cannot be read", errno);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
nanoseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

static void
figures_take(const struct options *options, struct figures *ret_figures)
{
	struct rusage children;

	ret_figures->wall = read_clock(CLOCK_MONOTONIC);
	ret_figures->cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	if (getrusage(RUSAGE_CHILDREN, &children) < 0)
		stop("the CPU time of a program cannot be read", errno);
	ret_figures->cpu += nanoseconds(children.ru_utime) + nanoseconds(children.ru_stime);
	for (uint32_t i = 0; i < options->process_count; i++) {
		clockid_t clock;

		if (clock_getcpuclockid(options->processes[i], &clock) != 0)
			stop("the CPU time of a process cannot be read", ESRCH);
		ret_figures->cpu += read_clock(clock);
	}
}

static void
figures_print(const struct options *options, const struct figures *from, const struct figures *to)
{
	double count = (double)options->count, wall = (double)(to->wall - from->wall);

	printf("{\"mount\":\"%s\",\"over\":\"%s\",\"ops\":%.0f,\"ops_per_second\":%.3f,"
	       "\"wall_ns_per_op\":%.0f,\"cpu_ns_per_op\":%.0f}\n",
	       options->mode, options->directory ? "files" : "libdfs", count, count * 1e9 / wall,
	       wall / count, (double)(to->cpu - from->cpu) / count);
}

/* ------------------------------------------------ one file that is open */

static void
file_getattr(struct bench *bench, uint64_t offset)
{
	struct stat status;
	int rc = bench->dfs ? dfs_ostat(bench->dfs, bench->object, &status)
			    : fstat(bench->fd, &status);

	(void)offset;
	if (rc)
		stop("getattr", bench->dfs ? rc : errno);
}

static void
file_read(struct bench *bench, uint64_t offset)
{
	uint64_t size = bench->options->size;
	d_iov_t iov = {.iov_buf = bench->bytes, .iov_buf_len = size, .iov_len = size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t length = 0;
	int rc;

	if (bench->dfs == NULL) {
		if (pread(bench->fd, bench->bytes, size, (off_t)offset) != (ssize_t)size)
			stop("read", errno);
		return;
	}
	rc = dfs_read(bench->dfs, bench->object, &list, offset, &length, NULL);
	if (rc || length != size)
		stop("read", rc);
}

static void
file_write(struct bench *bench, uint64_t offset)
{
	uint64_t size = bench->options->size;
	d_iov_t iov = {.iov_buf = bench->bytes, .iov_buf_len = size, .iov_len = size};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	int rc;

	if (bench->dfs == NULL) {
		if (pwrite(bench->fd, bench->bytes, size, (off_t)offset) != (ssize_t)size)
			stop("write", errno);
		return;
	}
	rc = dfs_write(bench->dfs, bench->object, &list, offset, NULL);
	if (rc)
		stop("write", rc);
}

static void
file_open(struct bench *bench)
{
	int rc;

	if (bench->dfs) {
		rc = dfs_open(bench->dfs, NULL, "data", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0,
			      NULL, &bench->object);
	} else {
		bench->fd = openat(bench->directory, "data", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		rc = bench->fd < 0 ? errno : 0;
	}
	if (rc)
		stop("data", rc);
}

/* The file has all its bytes before anything is measured. */
static void
file_fill(struct bench *bench)
{
	struct stat status;
	int rc = bench->dfs ? dfs_ostat(bench->dfs, bench->object, &status)
			    : fstat(bench->fd, &status);

	if (rc)
		stop("data", bench->dfs ? rc : errno);
	for (uint64_t at = (uint64_t)status.st_size / bench->options->size * bench->options->size;
	     at < bench->options->file_size; at += bench->options->size)
		file_write(bench, at);
}

static void
file_run(struct bench *bench, void (*operation)(struct bench *bench, uint64_t offset),
	 uint64_t count)
{
	const struct options *options = bench->options;
	uint64_t blocks = options->file_size / options->size, drawn = 1;

	for (uint64_t i = 0; i < count; i++) {
		/* The generator of Knuth's MMIX. */
		drawn = drawn * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		operation(bench, (options->sequential ? i : drawn >> 33) % blocks * options->size);
	}
}

static void
file_measure(struct bench *bench, void (*operation)(struct bench *bench, uint64_t offset))
{
	struct figures from, to;

	file_open(bench);
	file_fill(bench);
	file_run(bench, operation, bench->options->count / 10 + 1);
	figures_take(bench->options, &from);
	file_run(bench, operation, bench->options->count);
	figures_take(bench->options, &to);
	figures_print(bench->options, &from, &to);
	if (bench->dfs)
		dfs_release(bench->object);
	else
		close(bench->fd);
}

/* ------------------------------------------------ many files */

static void
name_of(const struct bench *bench, uint64_t index, char name[64])
{
	snprintf(name, 64, "%s-%08llu", bench->options->prefix, (unsigned long long)index);
}

static void
file_create(struct bench *bench, const char *name)
{
	const struct options *options = bench->options;
	dfs_obj_t *object;
	int fd, rc;

	if (bench->dfs) {
		rc = dfs_open(bench->dfs, bench->object, name, S_IFREG | 0600,
			      O_RDWR | O_CREAT | O_EXCL, 0, 0, NULL, &object);
		if (rc)
			stop("create", rc);
		dfs_release(object);
		return;
	}
	fd = openat(bench->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || (options->sync && (fsync(fd) < 0 || fsync(bench->directory) < 0)))
		stop("create", errno);
	close(fd);
}

static void
files_remove(struct bench *bench)
{
	char name[64];

	for (uint64_t i = 0; i < bench->options->count; i++) {
		int rc;

		name_of(bench, i, name);
		rc = bench->dfs ? dfs_remove(bench->dfs, bench->object, name, false, NULL)
				: unlinkat(bench->directory, name, 0);
		if (rc)
			stop("remove", bench->dfs ? rc : errno);
	}
}

static void
create_measure(struct bench *bench)
{
	struct figures from, to;
	char name[64];

	if (bench->dfs) {
		int rc = dfs_open(bench->dfs, NULL, "created", S_IFDIR | 0700, O_RDWR | O_CREAT, 0,
				  0, NULL, &bench->object);

		if (rc)
			stop("created", rc);
	}
	figures_take(bench->options, &from);
	for (uint64_t i = 0; i < bench->options->count; i++) {
		name_of(bench, i, name);
		file_create(bench, name);
	}
	figures_take(bench->options, &to);
	figures_print(bench->options, &from, &to);
	if (!bench->options->keep)
		files_remove(bench);
	if (bench->dfs)
		dfs_release(bench->object);
}

/* ------------------------------------------------ a program */

static void __attribute__((noreturn)) become(const struct options *options, char **arguments)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		stop("/dev/null", errno);
	if (options->directory && chdir(options->directory) < 0)
		stop(options->directory, errno);
	execvp(arguments[0], arguments);
	stop(arguments[0], errno);
}

static void
program_measure(struct options *options, char **arguments)
{
	struct figures from, to;
	int status;
	pid_t child;

	options->count = 1;
	fflush(stdout);
	figures_take(options, &from);
	child = fork();
	if (child < 0)
		stop("cannot fork", errno);
	if (child == 0)
		become(options, arguments);
	if (waitpid(child, &status, 0) != child || status != 0)
		stop("the program failed", ECHILD);
	figures_take(options, &to);
	figures_print(options, &from, &to);
}

/* ------------------------------------------------ set-up */

static void
bench_open(struct bench *bench)
{
	const struct options *options = bench->options;
	int rc;

	bench->bytes = malloc(options->size);
	if (bench->bytes == NULL)
		stop("memory", ENOMEM);
	memset(bench->bytes, 'b', options->size);
	if (options->directory) {
		bench->directory = open(options->directory, O_DIRECTORY | O_CLOEXEC);
		if (bench->directory < 0)
			stop(options->directory, errno);
		return;
	}
	rc = dfs_init();
	if (rc == 0)
		rc = dfs_connect(options->pool, NULL, options->container, O_RDWR | O_CREAT, NULL,
				 &bench->dfs);
	if (rc)
		stop("no file system", rc);
}

static void
bench_close(struct bench *bench)
{
	free(bench->bytes);
	if (bench->dfs) {
		dfs_disconnect(bench->dfs);
		dfs_fini();
	} else {
		close(bench->directory);
	}
}

static int
usage(void)
{
	fprintf(stderr,
		"usage: mount OPTIONS getattr|read|write|create\n"
		"       mount OPTIONS run PROGRAM ...\n"
		"options: --directory PATH, or --pool LABEL --container LABEL; --process PID ...\n"
		"  --count N --size BYTES --file-size BYTES --sequential --sync --keep\n"
		"  --prefix TEXT\n");
	return 2;
}

static bool
option_take(struct options *options, int option)
{
	switch (option) {
	case 'd':
		options->directory = optarg;
		return true;
	case 'p':
		options->pool = optarg;
		return true;
	case 'c':
		options->container = optarg;
		return true;
	case 'x':
		options->prefix = optarg;
		return true;
	case 'n':
		options->count = strtoull(optarg, NULL, 10);
		return options->count > 0;
	case 's':
		options->size = strtoull(optarg, NULL, 10);
		return options->size > 0 && options->size <= SIZE_MAX_MIB * MIB;
	case 'f':
		options->file_size = strtoull(optarg, NULL, 10);
		return options->file_size > 0;
	case 'P':
		if (options->process_count == PROCESSES_MAX)
			return false;
		options->processes[options->process_count++] = (pid_t)strtol(optarg, NULL, 10);
		return true;
	case 'q':
		options->sequential = true;
		return true;
	case 'y':
		options->sync = true;
		return true;
	case 'k':
		options->keep = true;
		return true;
	default:
		return false;
	}
}

static int
measure(struct options *options, char **arguments)
{
	struct bench bench = {.options = options};

	if (strcmp(options->mode, "run") == 0) {
		if (arguments[0] == NULL)
			return usage();
		program_measure(options, arguments);
		return 0;
	}
	bench_open(&bench);
	if (strcmp(options->mode, "getattr") == 0)
		file_measure(&bench, file_getattr);
	else if (strcmp(options->mode, "read") == 0)
		file_measure(&bench, file_read);
	else if (strcmp(options->mode, "write") == 0)
		file_measure(&bench, file_write);
	else if (strcmp(options->mode, "create") == 0)
		create_measure(&bench);
	else
		return usage();
	bench_close(&bench);
	return 0;
}

int
main(int count, char **arguments)
{
	struct options options = {
		.pool = "bench",
		.container = "mount",
		.prefix = "file",
		.count = 2000,
		.size = 4096,
		.file_size = 16 * MIB,
	};
	static const struct option known[] = {{"directory", required_argument, NULL, 'd'},
					      {"pool", required_argument, NULL, 'p'},
					      {"container", required_argument, NULL, 'c'},
					      {"prefix", required_argument, NULL, 'x'},
					      {"count", required_argument, NULL, 'n'},
					      {"size", required_argument, NULL, 's'},
					      {"file-size", required_argument, NULL, 'f'},
					      {"process", required_argument, NULL, 'P'},
					      {"sequential", no_argument, NULL, 'q'},
					      {"sync", no_argument, NULL, 'y'},
					      {"keep", no_argument, NULL, 'k'},
					      {NULL, 0, NULL, 0}};
	int option;

	/* What a program is given belongs to it. */
	while ((option = getopt_long(count, arguments, "+", known, NULL)) != -1)
		if (!option_take(&options, option))
			return usage();
	if (optind == count || options.file_size < options.size)
		return usage();
	options.mode = arguments[optind];
	return measure(&options, arguments + optind + 1);
}
