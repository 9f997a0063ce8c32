/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a call costs over env/linux: 64 bytes there and back, and a 64-byte request with a 4 KiB
 *answer, one and sixteen at a time, over TCP and Unix sockets. One server process with one loop,
 *one client. Prints one JSON line a row with nanoseconds of wall clock and of CPU time (user and
 *system) per operation, the minima over the rounds.
 *
 *	rpc_pingpong [--operations N] [--rounds N] [--backend uring|epoll] [--spin]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "env/linux/host.h"
#include "env/linux/linux.h"
#include "rpc/rpc.h"

#define REQUEST 64u
#define OPERATION (PROTO_OBJECT + 1)

struct options {
	uint32_t operations;
	uint32_t rounds;
	enum linux_backend backend;
	uint64_t spin_ns;
};

struct end {
	struct env *env;
	struct loop *loop;
	struct rpc *rpc;
	struct hlc clock;
};

static void __attribute__((noreturn)) stop(const char *what, int rc)
{
	fprintf(stderr, "rpc_pingpong: %s: %s\n", what, error_text(rc));
	exit(1);
}

static void
end_start(struct end *end, const struct options *options)
{
	struct linux_env_options env_options = {.backend = options->backend};
	struct loop_options loop_options = {.spin_ns = options->spin_ns};
	struct rpc_options rpc_options = {.clock = &end->clock, .system = "bench"};
	int rc = linux_env_create(&env_options, &end->env);

	if (rc)
		stop("no env", rc);
	rc = loop_create(end->env, &loop_options, &end->loop);
	if (rc)
		stop("no loop", rc);
	hlc_init(&end->clock, 0);
	rpc_options.incarnation = uuid_make(env_random(end->env), env_random(end->env));
	rc = rpc_create(end->loop, &rpc_options, &end->rpc);
	if (rc)
		stop("no rpc", rc);
}

/* ------------------------------------------------ server */

/* Answers with as many bytes as the request's first field says. */
static int
serve(void *owner, struct rpc_request *request)
{
	uint32_t length = reader_u32(&request->body);
	uint8_t *to = writer_reserve(&request->reply, length);

	(void)owner;
	if (to)
		memset(to, 1, length);
	return 0;
}

static const struct rpc_method method = {OPERATION, "pingpong", serve};

static void
server_run(const struct options *options, const char *address, int report)
{
	struct end end;
	char bound[128];
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	end_start(&end, options);
	rc = rpc_serve(end.rpc, &method, 1, NULL);
	if (rc == 0)
		rc = rpc_listen(end.rpc, address, &end.rpc, 1, bound);
	if (rc)
		stop("cannot listen", rc);
	if (write(report, bound, sizeof(bound)) != sizeof(bound))
		exit(1);
	loop_run(end.loop);
}

static pid_t
server_start(const struct options *options, const char *address, char bound[128])
{
	int pipes[2];
	pid_t pid;

	if (pipe(pipes) < 0)
		stop("no pipe", 0);
	pid = fork();
	if (pid == 0) {
		server_run(options, address, pipes[1]);
		_exit(0);
	}
	if (pid < 0 || read(pipes[0], bound, 128) != 128)
		stop("no server", 0);
	close(pipes[0]);
	close(pipes[1]);
	return pid;
}

/* ------------------------------------------------ client */

struct row {
	struct end *end;
	struct rpc_peer *peer;
	uint32_t payload;
	uint32_t depth;
	uint32_t operations;
	bool done;
};

static int
call_many(void *argument)
{
	struct row *row = argument;
	uint8_t body[REQUEST] = {0};
	struct iovec iov = {body, sizeof(body)};
	struct rpc_call call = {.operation = OPERATION, .body = &iov, .body_count = 1};

	store_u32(body, row->payload);
	for (uint32_t i = 0; i < row->operations / row->depth; i++) {
		struct rpc_reply reply;
		bool sent;
		int rc = rpc_call(row->peer, &call, &reply, &sent);

		if (rc || reader_left(&reply.body) != row->payload)
			stop("a call failed", rc);
		rpc_reply_free(&reply);
	}
	return 0;
}

static void
row_fiber(void *argument)
{
	struct row *row = argument;
	struct fiber_group group;

	fiber_group_init(&group);
	for (uint32_t i = 0; i < row->depth; i++) {
		int rc = fiber_group_start(&group, "caller", call_many, row);

		if (rc)
			stop("no fiber", rc);
	}
	fiber_group_wait(&group);
	row->done = true;
	loop_stop(row->end->loop);
}

static void
row_run(struct row *row, uint32_t operations)
{
	int rc;

	row->operations = operations;
	row->done = false;
	rc = fiber_start(row->end->loop, "row", row_fiber, row, NULL);
	if (rc)
		stop("no fiber", rc);
	while (!row->done)
		loop_run(row->end->loop);
}

/* ------------------------------------------------ figures */

enum { WALL, SERVER, CLIENT, FIGURES };

static uint64_t
clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void
figures_take(pid_t server, uint64_t figures[FIGURES])
{
	clockid_t clock;

	if (clock_getcpuclockid(server, &clock))
		stop("the server's clock cannot be read", 0);
	figures[WALL] = clock_read(CLOCK_MONOTONIC);
	figures[SERVER] = clock_read(clock);
	figures[CLIENT] = clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

static void
measure(const struct options *options, struct row *row, pid_t server, const char *transport)
{
	uint64_t best[FIGURES] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

	row_run(row, options->operations / 10 + row->depth);
	for (uint32_t round = 0; round < options->rounds; round++) {
		uint64_t from[FIGURES], to[FIGURES];

		figures_take(server, from);
		row_run(row, options->operations);
		figures_take(server, to);
		for (int i = 0; i < FIGURES; i++)
			best[i] = min_of(best[i], (to[i] - from[i]) / options->operations);
	}
	printf("{\"bench\": \"rpc_pingpong\", \"transport\": \"%s\", \"backend\": \"%s\", ",
	       transport, linux_env_backend(row->end->env) == LINUX_URING ? "uring" : "epoll");
	printf("\"spin\": %s, \"payload\": %u, \"depth\": %u, \"operations\": %u, ",
	       options->spin_ns ? "true" : "false", row->payload, row->depth, options->operations);
	printf("\"wall_ns\": %lu, \"server_cpu_ns\": %lu, \"client_cpu_ns\": %lu}\n",
	       (unsigned long)best[WALL], (unsigned long)best[SERVER], (unsigned long)best[CLIENT]);
	fflush(stdout);
}

static void
transport_run(const struct options *options, const char *transport, const char *address)
{
	static const uint32_t payloads[] = {64, 4096}, depths[] = {1, 16};
	char bound[128];
	const char *addresses[] = {bound};
	pid_t server = server_start(options, address, bound);
	struct end end;
	struct row row = {.end = &end};
	int rc;

	end_start(&end, options);
	rc = rpc_peer_get(end.rpc, addresses, 1, 0, &row.peer);
	if (rc)
		stop("no peer", rc);
	for (size_t p = 0; p < ARRAY_SIZE(payloads); p++)
		for (size_t d = 0; d < ARRAY_SIZE(depths); d++) {
			row.payload = payloads[p];
			row.depth = depths[d];
			measure(options, &row, server, transport);
		}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

static void
options_read(struct options *options, int count, char **arguments)
{
	static const struct option known[] = {{"operations", required_argument, NULL, 'o'},
					      {"rounds", required_argument, NULL, 'r'},
					      {"backend", required_argument, NULL, 'b'},
					      {"spin", no_argument, NULL, 's'},
					      {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
		if (option == 'o')
			options->operations = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'r')
			options->rounds = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'b')
			options->backend = optarg[0] == 'e' ? LINUX_EPOLL : LINUX_URING;
		else if (option == 's')
			options->spin_ns = 50000;
		else
			exit(2);
	}
	if (options->operations < 16 || options->rounds == 0)
		exit(2);
}

int
main(int count, char **arguments)
{
	struct options options = {.operations = 20000, .rounds = 5};
	char path[128];

	options_read(&options, count, arguments);
	snprintf(path, sizeof(path), "unix:/tmp/rpc_pingpong-%d.sock", (int)getpid());
	transport_run(&options, "tcp", "tcp:127.0.0.1:0");
	transport_run(&options, "unix", path);
	unlink(path + strlen("unix:"));
	return 0;
}
