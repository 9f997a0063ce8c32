/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See engine_bed.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/client.h"
#include "engine_bed.h"

#define POOL_METADATA (UINT64_C(128) << 20)
#define POOL_DATA (UINT64_C(512) << 20)
#define LOG_BYTES "67108864"

/* ------------------------------------------------ places */

static void
place(const struct engine_bed *bed, const char *name, char ret_path[256])
{
	snprintf(ret_path, 256, "%s/%s", bed->client.directory, name);
}

void
engine_bed_make(struct engine_bed *bed)
{
	char path[256];

	embedded_directory_make(&bed->client);
	unsetenv("DAOS_EMBEDDED");
	unsetenv("CAIRN_ENGINE");
	place(bed, "storage", path);
	assert_int_equal(mkdir(path, 0700), 0);
	place(bed, "sockets", path);
	assert_int_equal(mkdir(path, 0700), 0);
	setenv("DAOS_AGENT_DRPC_DIR", path, 1);
	bed->pid = 0;
}

void
engine_bed_remove(struct engine_bed *bed)
{
	if (bed->pid)
		engine_kill(bed);
	embedded_directory_remove(&bed->client);
}

/* ------------------------------------------------ the process */

static void
engine_exec(const struct engine_bed *bed)
{
	const char *folder = getenv("CAIRN_BIN");
	char program[512], storage[256], sockets[256], log[256];
	const char *arguments[] = {program,	 "--storage", storage,
				   "--sockets",	 sockets,     "--targets",
				   "2",		 "--loops",   "2",
				   "--log",	 log,	      "--log-size",
				   LOG_BYTES,	 "--format",  bed->backend ? "--backend" : NULL,
				   bed->backend, NULL};

	snprintf(program, sizeof(program), "%s/daos_engine", folder ? folder : "build/bin");
	place(bed, "storage", storage);
	place(bed, "sockets", sockets);
	place(bed, "log", log);
	execv(program, (char **)(uintptr_t)arguments);
	perror(program);
	_exit(127);
}

/* Starts the engine with one of its outputs in a pipe; returns the end to read from. */
static int
engine_spawn(struct engine_bed *bed, int output)
{
	pid_t parent = getpid();
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	bed->pid = fork();
	assert_true(bed->pid >= 0);
	if (bed->pid == 0) {
		/* A test that fails leaves nothing behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(ends[1], output);
		engine_exec(bed);
	}
	close(ends[1]);
	return ends[0];
}

static void
engine_reap(struct engine_bed *bed, int *ret_status)
{
	assert_int_equal(waitpid(bed->pid, ret_status, 0), bed->pid);
	bed->pid = 0;
}

/* Shows the end of the engine's log. */
static void
engine_tell(const struct engine_bed *bed)
{
	char path[256], text[4096];
	FILE *file;

	place(bed, "log", path);
	file = fopen(path, "r");
	if (file == NULL)
		return;
	if (fseek(file, -(long)sizeof(text), SEEK_END) != 0)
		rewind(file);
	fwrite(text, 1, fread(text, 1, sizeof(text), file), stderr);
	fclose(file);
}

void
engine_begin(struct engine_bed *bed)
{
	close(engine_spawn(bed, STDOUT_FILENO));
}

void
engine_up(struct engine_bed *bed)
{
	int descriptor = engine_spawn(bed, STDOUT_FILENO);
	char line[512] = "";
	size_t used = 0;
	ssize_t got;

	while (strchr(line, '\n') == NULL && used < sizeof(line) - 1 &&
	       (got = read(descriptor, line + used, sizeof(line) - 1 - used)) > 0)
		used += (size_t)got;
	close(descriptor);
	if (strncmp(line, "ready ", 6) != 0)
		engine_tell(bed);
	assert_int_equal(strncmp(line, "ready unix:", 11), 0);
}

void
engine_refused(struct engine_bed *bed, struct engine_end *ret_end)
{
	int descriptor = engine_spawn(bed, STDERR_FILENO);
	size_t used = 0;
	ssize_t got;

	memset(ret_end, 0, sizeof(*ret_end));
	while (used < sizeof(ret_end->text) - 1 &&
	       (got = read(descriptor, ret_end->text + used, sizeof(ret_end->text) - 1 - used)) > 0)
		used += (size_t)got;
	close(descriptor);
	engine_reap(bed, &ret_end->status);
}

void
engine_kill(struct engine_bed *bed)
{
	int status;

	kill(bed->pid, SIGKILL);
	engine_reap(bed, &status);
	if (!WIFSIGNALED(status))
		engine_tell(bed);
	/* It had not ended by itself. */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void
engine_stop_cleanly(struct engine_bed *bed)
{
	int status;

	kill(bed->pid, SIGTERM);
	engine_reap(bed, &status);
	assert_int_equal(status, 0);
}

bool
engine_alive(const struct engine_bed *bed)
{
	return bed->pid != 0 && waitpid(bed->pid, NULL, WNOHANG) == 0;
}

/* ------------------------------------------------ the client */

void
engine_client_up(struct engine_bed *bed)
{
	struct client_pool_create request = {
		.label = "pool", .metadata_bytes = POOL_METADATA, .data_bytes = POOL_DATA};
	struct client_pool_created created;
	struct embedded_bed *client = &bed->client;
	int rc;

	assert_ok(daos_init());
	rc = client_pool_create(&request, &created);
	if (rc && rc != -DER_EXIST)
		fprintf(stderr, "%s\n", client_last_error());
	assert_true(rc == 0 || rc == -DER_EXIST);
	assert_ok(daos_pool_connect("pool", NULL, DAOS_PC_RW, &client->pool, NULL, NULL));
	rc = daos_cont_create_with_label(client->pool, "test", NULL, NULL, NULL);
	assert_true(rc == 0 || rc == -DER_EXIST);
	assert_ok(
		daos_cont_open(client->pool, "test", DAOS_COO_RW, &client->container, NULL, NULL));
}

void
engine_client_down(struct engine_bed *bed)
{
	embedded_down(&bed->client);
}

/* ------------------------------------------------ chance */

uint64_t
draw(uint64_t *seed, uint64_t limit)
{
	/* splitmix64 (Steele, Lea, Flood 2014) */
	uint64_t value = *seed += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (value ^ (value >> 31)) % limit;
}

uint64_t
seed_of_environment(void)
{
	const char *text = getenv("CAIRN_SEED");
	uint64_t seed = text && text[0] ? strtoull(text, NULL, 10) : 1;

	printf("CAIRN_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

bool
long_run(void)
{
	const char *text = getenv("CAIRN_LONG");

	return text && text[0] == '1';
}
