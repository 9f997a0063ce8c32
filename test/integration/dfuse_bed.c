/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See dfuse_bed.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfuse_bed.h"

#define ARGUMENTS_MAX 24

double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool
becomes(bool (*condition)(void *argument), void *argument)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	double end = seconds_now() + 10;

	while (!condition(argument)) {
		if (seconds_now() > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

bool
mounts_are_possible(void)
{
	if (access("/dev/fuse", R_OK | W_OK) == 0 && geteuid() == 0)
		return true;
	printf("No mounts here: /dev/fuse is absent, or this user is not root. Nothing was "
	       "tried.\n");
	return false;
}

/* ------------------------------------------------ places */

static void
place(const struct dfuse_bed *bed, const char *name, char path[160])
{
	snprintf(path, 160, "%s/%s", bed->directory, name);
}

const char *
at(const struct dfuse_bed *bed, int i, const char *name)
{
	static char paths[8][512];
	static unsigned int turn;
	char *path = paths[turn++ % 8];

	snprintf(path, 512, "%s/%s", bed->mounts[i], name);
	return path;
}

void
dfuse_bed_make(struct dfuse_bed *bed)
{
	const char *base = getenv("TMPDIR");
	char directory[sizeof(bed->directory)];

	memset(bed, 0, sizeof(*bed));
	snprintf(directory, sizeof(directory), "%s/cairn-dfuse-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chmod(directory, 0755), 0);
	memcpy(bed->directory, directory, sizeof(directory));
	for (int i = 0; i < MOUNTS_MAX; i++) {
		snprintf(bed->mounts[i], sizeof(bed->mounts[i]), "%s/m%d", directory, i);
		assert_int_equal(mkdir(bed->mounts[i], 0755), 0);
	}
	unsetenv("DAOS_EMBEDDED");
	unsetenv("CAIRN_ENGINE");
	/* Under a sanitizer a program does not look for libraries where it says itself. */
	if (getenv("CAIRN_LIB"))
		setenv("LD_LIBRARY_PATH", getenv("CAIRN_LIB"), 1);
}

static int
remove_one(const char *path, const struct stat *status, int flag, struct FTW *where)
{
	(void)status;
	(void)flag;
	(void)where;
	return remove(path);
}

void
dfuse_bed_remove(struct dfuse_bed *bed)
{
	for (int i = 0; i < MOUNTS_MAX; i++) {
		umount2(bed->mounts[i], MNT_DETACH);
		if (bed->servers[i]) {
			kill(bed->servers[i], SIGKILL);
			waitpid(bed->servers[i], NULL, 0);
		}
	}
	if (bed->engine)
		bed_engine_down(bed, SIGKILL);
	nftw(bed->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void
file_put(const char *path, const char *text)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(descriptor), 0);
}

void
file_is(const char *path, const char *text)
{
	char content[4096] = "";
	int descriptor = open(path, O_RDONLY);

	if (descriptor < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	assert_true(descriptor >= 0);
	assert_true(read(descriptor, content, sizeof(content) - 1) >= 0);
	close(descriptor);
	assert_string_equal(content, text);
}

/* ------------------------------------------------ processes */

static void
exec_program(const char *name, const char *const *arguments, int standard_error)
{
	const char *folder = getenv("CAIRN_BIN");
	const char *all[ARGUMENTS_MAX + 2];
	char program[512];
	int count = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(program, sizeof(program), "%s/%s", folder ? folder : "build/bin", name);
	all[0] = program;
	for (; *arguments && count < ARGUMENTS_MAX; arguments++)
		all[count++] = *arguments;
	all[count] = NULL;
	if (standard_error >= 0)
		dup2(standard_error, STDERR_FILENO);
	execv(program, (char **)(uintptr_t)all);
	perror(program);
	_exit(127);
}

int
dfuse_run(struct dfuse_bed *bed, const char *const *arguments, char *text, size_t size)
{
	int ends[2], status;
	size_t used = 0;
	ssize_t got;
	pid_t child;

	(void)bed;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		exec_program("dfuse", arguments, ends[1]);
	close(ends[1]);
	while (used < size - 1 && (got = read(ends[0], text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ------------------------------------------------ mounts */

struct arrival {
	const struct dfuse_bed *bed;
	int mount;
	bool gone; /* its server ended */
};

static bool
is_mounted(void *argument)
{
	struct arrival *arrival = argument;
	const struct dfuse_bed *bed = arrival->bed;
	struct stat here, above;
	int status;

	if (waitpid(bed->servers[arrival->mount], &status, WNOHANG) != 0) {
		arrival->gone = true;
		return true;
	}
	return stat(bed->mounts[arrival->mount], &here) == 0 && stat(bed->directory, &above) == 0 &&
	       here.st_dev != above.st_dev;
}

void
mount_up_with(struct dfuse_bed *bed, int i, const char *const *arguments)
{
	struct arrival arrival = {.bed = bed, .mount = i};

	bed->servers[i] = fork();
	assert_true(bed->servers[i] >= 0);
	if (bed->servers[i] == 0)
		exec_program("dfuse", arguments, -1);
	assert_true(becomes(is_mounted, &arrival));
	assert_false(arrival.gone);
}

void
mount_up(struct dfuse_bed *bed, int i, ...)
{
	const char *arguments[ARGUMENTS_MAX] = {"-f", "-m", bed->mounts[i]};
	char store[160];
	const char *further;
	va_list list;
	int count = 3;

	place(bed, "store", store);
	if (bed->address[0]) {
		arguments[count++] = "--pool=pool";
		arguments[count++] = "--container=files";
	} else {
		arguments[count++] = "--embedded";
		arguments[count++] = store;
	}
	va_start(list, i);
	while ((further = va_arg(list, const char *)) != NULL)
		arguments[count++] = further;
	va_end(list);
	mount_up_with(bed, i, arguments);
}

static void
server_reap(struct dfuse_bed *bed, int i)
{
	int status;

	assert_int_equal(waitpid(bed->servers[i], &status, 0), bed->servers[i]);
	bed->servers[i] = 0;
	assert_int_equal(status, 0);
}

void
mount_down(struct dfuse_bed *bed, int i)
{
	assert_int_equal(umount2(bed->mounts[i], 0), 0);
	server_reap(bed, i);
}

void
mount_terminate(struct dfuse_bed *bed, int i)
{
	assert_int_equal(kill(bed->servers[i], SIGTERM), 0);
	server_reap(bed, i);
}

/* ------------------------------------------------ the engine */

static void
address_choose(struct dfuse_bed *bed)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(descriptor >= 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
	close(descriptor);
	snprintf(bed->address, sizeof(bed->address), "tcp:127.0.0.1:%u",
		 (unsigned int)ntohs(address.sin_port));
	setenv("CAIRN_ENGINE", bed->address, 1);
}

void
bed_engine_up(struct dfuse_bed *bed)
{
	char storage[160], log[160], line[512] = "";
	const char *arguments[] = {"--storage",	 storage,    "--listen", bed->address, "--targets",
				   "2",		 "--loops",  "2",	 "--log",      log,
				   "--log-size", "67108864", "--format", "--thin",     NULL};
	int ends[2];

	place(bed, "storage", storage);
	place(bed, "log", log);
	if (bed->address[0] == '\0') {
		address_choose(bed);
		assert_int_equal(mkdir(storage, 0700), 0);
	}
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	bed->engine = fork();
	assert_true(bed->engine >= 0);
	if (bed->engine == 0) {
		dup2(ends[1], STDOUT_FILENO);
		exec_program("daos_engine", arguments, -1);
	}
	close(ends[1]);
	assert_true(read(ends[0], line, sizeof(line) - 1) > 0);
	close(ends[0]);
	assert_int_equal(strncmp(line, "ready ", 6), 0);
}

void
bed_engine_down(struct dfuse_bed *bed, int number)
{
	int status;

	kill(bed->engine, number);
	waitpid(bed->engine, &status, 0);
	bed->engine = 0;
}
