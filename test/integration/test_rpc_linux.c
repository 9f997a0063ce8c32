/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * RPC between processes: either side killed twenty times, whereupon the survivor is as it was
 * before and nobody else noticed; and a peer that stands still, whose effect on the others is
 * printed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "env/linux/host.h"
#include "env/linux/linux.h"
#include "rpc/rpc.h"

#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define LOOPS 2u
#define KILLS 20
#define WORKERS 8u
#define BULK (256u * 1024)

/* What the pools may keep more than before: receive buffers of env/linux, tasks of rpc. */
#define POOLS (3u << 20)

enum operation {
	OPERATION_ECHO = PROTO_OBJECT + 1,
	OPERATION_PULL,	 /* bulk: its sum comes back */
	OPERATION_PUSH,	 /* bulk: filled with 'p' */
	OPERATION_LEVEL, /* struct level of the serving loop */
};

/* What must be back at its former value. */
struct level {
	uint64_t descriptors;
	uint64_t fibers;
	uint64_t arena;
	uint64_t serving;
	uint64_t connections;
};

struct end {
	struct env *env;
	struct loop *loop;
	struct rpc *rpc;
	struct hlc *clock;
	struct linux_thread *thread;
};

static void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, error_text(rc));
	abort();
}

static void
end_start(struct end *end, struct hlc *clock, const struct uuid *incarnation)
{
	struct linux_env_options env_options = {.level = LOG_ERROR};
	struct rpc_options options = {.clock = clock, .system = "test", .rank = 1};

	must(linux_env_create(&env_options, &end->env), "env");
	must(loop_create(end->env, NULL, &end->loop), "loop");
	options.incarnation = incarnation ? *incarnation
					  : uuid_make(env_random(end->env), env_random(end->env));
	end->clock = clock;
	must(rpc_create(end->loop, &options, &end->rpc), "rpc");
}

/* ------------------------------------------------ the server process */

static int
serve_echo(void *owner, struct rpc_request *request)
{
	size_t length = reader_left(&request->body);

	(void)owner;
	writer_bytes(&request->reply, reader_bytes(&request->body, length), length);
	return 0;
}

static int
serve_bulk(struct end *end, struct rpc_request *request, bool pull)
{
	struct proto_bulk bulk = proto_bulk_decode(&request->body);
	struct iovec iov = {NULL, bulk.length};
	int rc;

	if (bulk.length > BULK)
		return -DER_INVAL;
	iov.iov_base = arena_alloc(end->env->arena, bulk.length);
	if (iov.iov_base == NULL)
		return -DER_NOMEM;
	memset(iov.iov_base, 'p', bulk.length);
	rc = pull ? rpc_pull(request, bulk, 0, &iov, 1) : rpc_push(request, bulk, 0, &iov, 1);
	writer_u32(&request->reply, crc32c(0, iov.iov_base, bulk.length));
	arena_free(end->env->arena, iov.iov_base);
	return rc;
}

static int
serve_pull(void *owner, struct rpc_request *request)
{
	return serve_bulk(owner, request, true);
}

static int
serve_push(void *owner, struct rpc_request *request)
{
	return serve_bulk(owner, request, false);
}

static int
serve_level(void *owner, struct rpc_request *request)
{
	struct end *end = owner;
	struct level level = {
		.descriptors = linux_descriptor_count(),
		.fibers = loop_fiber_count(end->loop),
		.arena = arena_used(end->env->arena),
		.serving = rpc_serving(end->rpc),
		.connections = rpc_connections(end->rpc),
	};

	writer_bytes(&request->reply, &level, sizeof(level));
	return 0;
}

static const struct rpc_method methods[] = {
	{OPERATION_ECHO, "echo", serve_echo},
	{OPERATION_PULL, "pull", serve_pull},
	{OPERATION_PUSH, "push", serve_push},
	{OPERATION_LEVEL, "level", serve_level},
};

static void
loop_thread(void *argument)
{
	loop_run(argument);
}

/*
 * The kernel takes a killed process's ring apart some time after its end: until then its sockets
 * listen.
 */
static int
listen_patiently(struct rpc *const *group, const char *address, char *bound)
{
	int rc = -DER_BUSY;

	for (int i = 0; i < 2000 && rc == -DER_BUSY; i++) {
		rc = rpc_listen(group[0], address, group, LOOPS, bound);
		if (rc == -DER_BUSY)
			usleep(1000);
	}
	return rc;
}

static void
server_body(const char *address, int report)
{
	struct end ends[LOOPS];
	struct rpc *group[LOOPS];
	struct hlc clock;
	struct uuid incarnation;
	char bound[128];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hlc_init(&clock, 0);
	for (uint32_t i = 0; i < LOOPS; i++) {
		end_start(&ends[i], &clock, i ? &incarnation : NULL);
		incarnation = uuid_make(env_random(ends[i].env), 1);
		group[i] = ends[i].rpc;
		must(rpc_serve(group[i], methods, ARRAY_SIZE(methods), &ends[i]), "serve");
	}
	must(listen_patiently(group, address, bound), "listen");
	for (uint32_t i = 1; i < LOOPS; i++)
		must(linux_thread_start("loop", loop_thread, ends[i].loop, &ends[i].thread),
		     "thread");
	if (write(report, bound, sizeof(bound)) != sizeof(bound))
		abort();
	loop_run(ends[0].loop);
}

struct server {
	pid_t pid;
	char address[128];
};

/* Starts a server process; address may say port 0 the first time. */
static void
server_start(struct server *server)
{
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0) {
		close(pipes[0]);
		server_body(server->address, pipes[1]);
		_exit(0);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], server->address, sizeof(server->address)),
			 sizeof(server->address));
	close(pipes[0]);
}

static void
process_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ------------------------------------------------ the client's work */

struct work {
	struct end *end;
	struct rpc_peer *peer;
	bool stop;
	bool unfailing; /* an error ends the test */
	uint64_t timeout_ns;
	uint64_t done;
	uint64_t failed;
	uint32_t running;
};

static int
encode_bulk(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	(void)argument;
	proto_bulk_encode(writer, bulks[0]);
	return 0;
}

static int
call_echo(struct work *work)
{
	char text[64];
	struct iovec iov = {text, sizeof(text)};
	struct rpc_call call = {.operation = OPERATION_ECHO, .body = &iov, .body_count = 1};
	struct rpc_reply reply;
	bool sent;
	int rc;

	memset(text, 'e', sizeof(text));
	rc = rpc_call(work->peer, &call, &reply, &sent);
	if (rc == 0)
		assert_memory_equal(reader_bytes(&reply.body, sizeof(text)), text, sizeof(text));
	rpc_reply_free(&reply);
	return rc;
}

static int
call_bulk(struct work *work, uint8_t *memory, bool pull)
{
	struct iovec iov = {memory, BULK};
	struct rpc_call call = {
		.operation = pull ? OPERATION_PULL : OPERATION_PUSH,
		.regions = {{&iov, 1, pull ? BULK_READ : BULK_WRITE}},
		.region_count = 1,
		.encode = encode_bulk,
	};
	struct rpc_reply reply;
	bool sent;
	int rc;

	memset(memory, 'q', BULK);
	rc = rpc_call(work->peer, &call, &reply, &sent);
	if (rc == 0)
		assert_int_equal(reader_u32(&reply.body), crc32c(0, memory, BULK));
	rpc_reply_free(&reply);
	return rc;
}

static void
worker(void *argument)
{
	struct work *work = argument;
	struct arena *arena = work->end->env->arena;
	uint8_t *memory = arena_alloc(arena, BULK);

	assert_non_null(memory);
	for (uint32_t i = 0; !work->stop; i++) {
		int rc;

		fiber_set_deadline(env_monotonic(work->end->env) + work->timeout_ns);
		rc = i % 3 == 0 ? call_echo(work) : call_bulk(work, memory, i % 3 == 1);
		if (rc && work->unfailing)
			must(rc, "a call of another client failed");
		work->done += rc == 0;
		work->failed += rc != 0;
		fiber_set_deadline(0);
		if (rc && fiber_sleep(MS))
			break;
	}
	arena_free(arena, memory);
	work->running--;
}

static void
work_start(struct work *work, struct end *end, struct server *server, uint32_t tag)
{
	const char *addresses[] = {server->address};

	*work = (struct work){.end = end, .timeout_ns = 5 * SECOND};
	must(rpc_peer_get(end->rpc, addresses, 1, tag, &work->peer), "peer");
	for (uint32_t i = 0; i < WORKERS; i++) {
		must(fiber_start(end->loop, "worker", worker, work, NULL), "worker");
		work->running++;
	}
}

static void
step_for(struct end *end, uint64_t nanoseconds)
{
	uint64_t until = env_monotonic(end->env) + nanoseconds;

	while (env_monotonic(end->env) < until)
		loop_step(end->loop, MS);
}

/* Steps until nobody works any more, at most 10 s. */
static void
work_stop(struct work *work)
{
	uint64_t until = env_monotonic(work->end->env) + 10 * SECOND;

	work->stop = true;
	while (work->running > 0 && env_monotonic(work->end->env) < until)
		loop_step(work->end->loop, MS);
	assert_int_equal(work->running, 0);
}

static void
work_end(struct work *work)
{
	rpc_peer_put(work->peer);
}

/* Steps until so many calls more have succeeded. */
static void
work_progress(struct work *work, uint64_t calls)
{
	uint64_t wanted = work->done + calls;
	uint64_t until = env_monotonic(work->end->env) + 20 * SECOND;

	while (work->done < wanted && env_monotonic(work->end->env) < until)
		loop_step(work->end->loop, MS);
	assert_true(work->done >= wanted);
}

static void
destroy_rpc(void *argument)
{
	struct end *end = argument;

	rpc_destroy(end->rpc);
	end->rpc = NULL;
}

static void
end_stop(struct end *end)
{
	must(fiber_start(end->loop, "destroy", destroy_rpc, end, NULL), "destroy");
	while (end->rpc)
		loop_step(end->loop, MS);
	while (loop_fiber_count(end->loop) > 0)
		loop_step(end->loop, MS);
	loop_destroy(end->loop);
	linux_env_destroy(end->env);
}

static uint64_t
random_wait(struct end *end)
{
	return 2 * MS + env_random(end->env) % (20 * MS);
}

/* ------------------------------------------------ the server dies */

static struct level
own_level(struct end *end)
{
	return (struct level){
		.descriptors = linux_descriptor_count(),
		.fibers = loop_fiber_count(end->loop),
		.arena = arena_used(end->env->arena),
	};
}

static void
kill_server(const char *address)
{
	struct server server = {.pid = 0};
	struct level before = {.fibers = 0}, after;
	struct work work;
	struct end end;
	struct hlc clock;
	uint64_t failed;

	snprintf(server.address, sizeof(server.address), "%s", address);
	hlc_init(&clock, 0);
	server_start(&server);
	end_start(&end, &clock, NULL);
	work_start(&work, &end, &server, 0);
	for (int i = 0; i <= KILLS; i++) {
		work_progress(&work, 3 * WORKERS);
		/* The pools have reached their size with the second server. */
		if (i == 1)
			before = own_level(&end);
		if (i == KILLS)
			break;
		step_for(&end, random_wait(&end));
		process_kill(server.pid);
		step_for(&end, i % 2 ? 5 * MS : 0);
		server_start(&server);
	}
	failed = work.failed;
	work_progress(&work, 3 * WORKERS);
	assert_int_equal(work.failed, failed);
	after = own_level(&end);
	print_message(
		"%s: %lu calls succeeded, %lu failed and were made again; descriptors %lu -> %lu, "
		"fibers %lu -> %lu, arena %lu -> %lu\n",
		server.address, (unsigned long)work.done, (unsigned long)work.failed,
		(unsigned long)before.descriptors, (unsigned long)after.descriptors,
		(unsigned long)before.fibers, (unsigned long)after.fibers,
		(unsigned long)before.arena, (unsigned long)after.arena);
	assert_true(work.failed > 0);
	assert_int_equal(after.descriptors, before.descriptors);
	assert_int_equal(after.fibers, before.fibers);
	assert_true(after.arena <= before.arena + POOLS);
	work_stop(&work);
	work_end(&work);
	end_stop(&end);
	process_kill(server.pid);
}

static void
test_server_killed_tcp(void **state)
{
	(void)state;
	kill_server("tcp:127.0.0.1:0");
}

static void
unix_address(char address[128])
{
	snprintf(address, 128, "unix:/tmp/test_rpc_linux-%d.sock", (int)getpid());
}

static void
test_server_killed_unix(void **state)
{
	char address[128];

	(void)state;
	unix_address(address);
	kill_server(address);
	unlink(address + strlen("unix:"));
}

/* ------------------------------------------------ a client dies */

static void
client_body(struct server *server)
{
	struct work work;
	struct end end;
	struct hlc clock;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hlc_init(&clock, 0);
	end_start(&end, &clock, NULL);
	work_start(&work, &end, server, 1);
	step_for(&end, 60 * SECOND);
	_exit(1);
}

static pid_t
client_start(struct server *server)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		client_body(server);
	return pid;
}

struct level_call {
	struct work *work;
	struct level level;
	bool done;
};

static void
level_fiber(void *argument)
{
	struct level_call *call = argument;
	struct rpc_call level = {.operation = OPERATION_LEVEL};
	struct rpc_reply reply;
	bool sent;

	must(rpc_call(call->work->peer, &level, &reply, &sent), "level");
	reader_copy(&reply.body, &call->level, sizeof(call->level));
	rpc_reply_free(&reply);
	call->done = true;
}

/*
 * The level of the server's loop that the dying clients talk to, read over a connection of its own.
 */
static struct level
server_level(struct work *work)
{
	struct level_call call = {.work = work};

	must(fiber_start(work->end->loop, "level", level_fiber, &call, NULL), "level");
	while (!call.done)
		loop_step(work->end->loop, MS);
	return call.level;
}

/*
 * Waits at most 5 s until the server has no connection but ours and serves nothing but this
 * question.
 */
static struct level
server_settled(struct work *work, uint64_t connections)
{
	uint64_t until = env_monotonic(work->end->env) + 5 * SECOND;
	struct level level;

	do {
		step_for(work->end, MS);
		level = server_level(work);
	} while ((level.connections > connections || level.serving > 1) &&
		 env_monotonic(work->end->env) < until);
	return level;
}

static void
kill_clients(struct work *work, struct server *server, int kills)
{
	for (int i = 0; i < kills; i++) {
		pid_t client = client_start(server);

		step_for(work->end, 10 * MS + random_wait(work->end));
		process_kill(client);
	}
}

static void
kill_client(const char *address)
{
	struct server server = {.pid = 0};
	struct level before = {.fibers = 0}, after;
	struct work other, question;
	struct end end;
	struct hlc clock;

	snprintf(server.address, sizeof(server.address), "%s", address);
	hlc_init(&clock, 0);
	server_start(&server);
	end_start(&end, &clock, NULL);
	/* The dying ones use loop 1, as does the other client, whose calls must all succeed. */
	work_start(&other, &end, &server, 1);
	other.unfailing = true;
	work_start(&question, &end, &server, 1 + LOOPS);
	work_stop(&question);
	kill_clients(&other, &server, 3);
	work_progress(&other, WORKERS);
	work_stop(&other);
	before = server_settled(&question, 2);
	other.stop = false;
	for (uint32_t i = 0; i < WORKERS; i++, other.running++)
		must(fiber_start(end.loop, "worker", worker, &other, NULL), "worker");
	kill_clients(&other, &server, KILLS);
	work_progress(&other, WORKERS);
	work_stop(&other);
	after = server_settled(&question, 2);
	print_message(
		"%s: %lu calls of the other client succeeded, %lu failed; descriptors %lu -> %lu, "
		"fibers %lu -> %lu, arena %lu -> %lu, connections %lu -> %lu\n",
		server.address, (unsigned long)other.done, (unsigned long)other.failed,
		(unsigned long)before.descriptors, (unsigned long)after.descriptors,
		(unsigned long)before.fibers, (unsigned long)after.fibers,
		(unsigned long)before.arena, (unsigned long)after.arena,
		(unsigned long)before.connections, (unsigned long)after.connections);
	assert_int_equal(other.failed, 0);
	assert_int_equal(after.descriptors, before.descriptors);
	assert_int_equal(after.fibers, before.fibers);
	assert_true(after.arena <= before.arena + POOLS);
	assert_int_equal(after.serving, 1);
	assert_int_equal(after.connections, before.connections);
	work_end(&other);
	work_end(&question);
	end_stop(&end);
	process_kill(server.pid);
}

static void
test_client_killed_tcp(void **state)
{
	(void)state;
	kill_client("tcp:127.0.0.1:0");
}

static void
test_client_killed_unix(void **state)
{
	char address[128];

	(void)state;
	unix_address(address);
	kill_client(address);
	unlink(address + strlen("unix:"));
}

/* ------------------------------------------------ one of three stands still */

static uint64_t
throughput(struct work works[3], uint64_t nanoseconds)
{
	uint64_t before = works[0].done + works[1].done;

	step_for(works[0].end, nanoseconds);
	return works[0].done + works[1].done - before;
}

static void
test_one_stopped(void **state)
{
	struct server servers[3];
	struct work works[3];
	struct end end;
	struct hlc clock;
	uint64_t undisturbed, disturbed;

	(void)state;
	hlc_init(&clock, 0);
	for (int i = 0; i < 3; i++) {
		servers[i] = (struct server){.address = "tcp:127.0.0.1:0"};
		server_start(&servers[i]);
	}
	end_start(&end, &clock, NULL);
	for (int i = 0; i < 3; i++) {
		work_start(&works[i], &end, &servers[i], 0);
		works[i].timeout_ns = 100 * MS;
		work_progress(&works[i], WORKERS);
	}
	undisturbed = throughput(works, SECOND / 2);
	kill(servers[2].pid, SIGSTOP);
	disturbed = throughput(works, SECOND / 2);
	print_message(
		"calls to two peers in 0.5 s: %lu beside a third, %lu while it stands still\n",
		(unsigned long)undisturbed, (unsigned long)disturbed);
	assert_true(disturbed > 0);
	assert_true(works[2].failed > 0);
	kill(servers[2].pid, SIGCONT);
	/* All its credits come back. */
	work_progress(&works[2], 4 * WORKERS);
	for (int i = 0; i < 3; i++)
		work_stop(&works[i]);
	for (int i = 0; i < 3; i++)
		work_end(&works[i]);
	end_stop(&end);
	for (int i = 0; i < 3; i++)
		process_kill(servers[i].pid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_killed_tcp), cmocka_unit_test(test_server_killed_unix),
		cmocka_unit_test(test_client_killed_tcp), cmocka_unit_test(test_client_killed_unix),
		cmocka_unit_test(test_one_stopped),
	};

	/* A failed check on a fiber cannot jump to the stack of the test. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("rpc between processes", tests, NULL, NULL);
}
