/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The processes around the workers: an engine, and dfuse. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stress.h"

#define ARGUMENTS_MAX 24

bool
bed_possible(void)
{
	return geteuid() == 0 && access("/dev/fuse", W_OK) == 0;
}

/* ------------------------------------------------ programs */

static void
place(const struct bed *bed, const char *name, char ret_path[PLACE_BYTES])
{
	snprintf(ret_path, PLACE_BYTES, "%s/%s", bed->directory, name);
}

static void __attribute__((noreturn)) program_exec(const char *name, const char *const arguments[])
{
	const char *folder = getenv("CAIRN_BIN");
	const char *all[ARGUMENTS_MAX] = {name};
	char program[512];

	for (int i = 0; arguments[i] && i < ARGUMENTS_MAX - 2; i++)
		all[i + 1] = arguments[i];
	snprintf(program, sizeof(program), "%s/%s", folder ? folder : "build/bin", name);
	execv(program, (char **)(uintptr_t)all);
	perror(program);
	_exit(127);
}

/* Starts a program that dies with this process, its output going to a file of the bed. */
static pid_t
program_start(const struct bed *bed, const char *name, const char *log,
	      const char *const arguments[], int output)
{
	pid_t parent = getpid(), child = fork();
	char path[PLACE_BYTES];
	int descriptor;

	assert_true(child >= 0);
	if (child > 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	place(bed, log, path);
	descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(output >= 0 ? output : descriptor, STDOUT_FILENO);
	dup2(descriptor, STDERR_FILENO);
	program_exec(name, arguments);
}

static void
program_run(const struct bed *bed, const char *name, const char *const arguments[])
{
	int status;
	pid_t child = program_start(bed, name, "commands", arguments, -1);

	assert_int_equal(waitpid(child, &status, 0), child);
	if (status != 0)
		bed_tell(bed);
	assert_int_equal(status, 0);
}

static void
program_kill(pid_t *pid)
{
	if (*pid == 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

void
bed_tell(const struct bed *bed)
{
	static const char *const logs[] = {"commands", "engine.log", "engine", "dfuse-0",
					   "dfuse-1"};
	char path[PLACE_BYTES], text[6000];
	FILE *file;

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		place(bed, logs[i], path);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fseek(file, -(long)sizeof(text), SEEK_END) != 0)
			rewind(file);
		fprintf(stderr, "---- %s\n", logs[i]);
		fwrite(text, 1, fread(text, 1, sizeof(text), file), stderr);
		fclose(file);
	}
}

/* ------------------------------------------------ the engine */

void
bed_engine_up(struct bed *bed)
{
	char storage[PLACE_BYTES], log[PLACE_BYTES], line[512] = "";
	const char *const arguments[] = {"--storage", storage,	    "--listen", bed->address,
					 "--targets", "2",	    "--log",	log,
					 "--format",  "--log-size", "67108864", NULL};
	size_t used = 0;
	ssize_t got;
	int ends[2];

	place(bed, "storage", storage);
	place(bed, "engine.log", log);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	bed->engine = program_start(bed, "daos_engine", "engine", arguments, ends[1]);
	close(ends[1]);
	while (strchr(line, '\n') == NULL && used < sizeof(line) - 1 &&
	       (got = read(ends[0], line + used, sizeof(line) - 1 - used)) > 0)
		used += (size_t)got;
	close(ends[0]);
	if (strncmp(line, "ready ", 6) != 0)
		bed_tell(bed);
	assert_int_equal(strncmp(line, "ready ", 6), 0);
}

void
bed_engine_kill(struct bed *bed)
{
	int status;

	/* It had not ended by itself. */
	assert_int_equal(waitpid(bed->engine, &status, WNOHANG), 0);
	program_kill(&bed->engine);
}

/* A TCP port that the engine gets again each time: nobody listens on it now. */
static void
address_draw(struct bed *bed)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
	close(descriptor);
	snprintf(bed->address, sizeof(bed->address), "tcp:127.0.0.1:%u", ntohs(address.sin_port));
	setenv("CAIRN_ENGINE", bed->address, 1);
}

/* ------------------------------------------------ mounts */

static bool
is_mounted(const struct bed *bed, uint32_t number)
{
	struct stat above, there;

	return stat(bed->directory, &above) == 0 &&
	       stat(bed->control->mount[number], &there) == 0 && above.st_dev != there.st_dev;
}

static void
mount_one(struct bed *bed, uint32_t number, const char *option)
{
	const char *const arguments[] = {"-m",	  bed->control->mount[number],
					 "-f",	  "--pool",
					 "pool",  "--container",
					 "files", option,
					 NULL};
	char log[32];
	int status;

	snprintf(log, sizeof(log), "dfuse-%u", number);
	mkdir(bed->control->mount[number], 0700);
	bed->dfuse[number] = program_start(bed, "dfuse", log, arguments, -1);
	for (int i = 0; i < 2000 && !is_mounted(bed, number); i++) {
		if (waitpid(bed->dfuse[number], &status, WNOHANG) != 0) {
			bed_tell(bed);
			fail_msg("dfuse has ended");
		}
		usleep(10000);
	}
	assert_true(is_mounted(bed, number));
}

void
bed_mount(struct bed *bed, uint32_t count, const char *option)
{
	for (uint32_t i = 0; i < count; i++)
		mount_one(bed, i, option);
	bed->control->mounts = count;
}

static void
unmount_one(struct bed *bed, uint32_t number)
{
	int tries = 0;

	while (umount2(bed->control->mount[number], 0) != 0) {
		if (errno == EBUSY && ++tries < 100) {
			usleep(20000);
			continue;
		}
		fail_msg("umount: %s", strerror(errno));
	}
}

void
bed_unmount(struct bed *bed)
{
	for (uint32_t i = 0; i < bed->control->mounts; i++) {
		int status;

		unmount_one(bed, i);
		assert_int_equal(waitpid(bed->dfuse[i], &status, 0), bed->dfuse[i]);
		bed->dfuse[i] = 0;
		if (status != 0)
			bed_tell(bed);
		assert_int_equal(status, 0);
	}
}

void
bed_mount_kill(struct bed *bed)
{
	for (uint32_t i = 0; i < bed->control->mounts; i++)
		program_kill(&bed->dfuse[i]);
	for (uint32_t i = 0; i < bed->control->mounts; i++)
		assert_int_equal(umount2(bed->control->mount[i], MNT_DETACH), 0);
}

/* ------------------------------------------------ all of it */

void
bed_make(struct bed *bed, struct control *control)
{
	static const char *const pool[] = {
		"pool", "create", "pool", "--scm-size=512MiB", "--nvme-size=2GiB", NULL};
	static const char *const container[] = {
		"container", "create", "pool", "files", "--type=POSIX", "--chunk-size=65536", NULL};
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char path[PLACE_BYTES];

	*bed = (struct bed){.control = control};
	snprintf(bed->directory, sizeof(bed->directory), "%s/cairn-stress-XXXXXX", base);
	assert_non_null(mkdtemp(bed->directory));
	place(bed, "storage", path);
	assert_int_equal(mkdir(path, 0700), 0);
	unsetenv("DAOS_EMBEDDED");
	unsetenv("DAOS_AGENT_DRPC_DIR");
	for (uint32_t i = 0; i < MOUNTS_MAX; i++)
		snprintf(control->mount[i], PLACE_BYTES, "%s/mount-%u", bed->directory, i);
	address_draw(bed);
	bed_engine_up(bed);
	program_run(bed, "dmg", pool);
	program_run(bed, "daos", container);
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
bed_remove(struct bed *bed)
{
	for (uint32_t i = 0; i < MOUNTS_MAX; i++) {
		program_kill(&bed->dfuse[i]);
		umount2(bed->control->mount[i], MNT_DETACH);
	}
	program_kill(&bed->engine);
	nftw(bed->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
