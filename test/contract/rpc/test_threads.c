/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Loops on threads of their own: connections go from the loop that accepts to the one that the
 * hello names, while clients come and go, and while the server ends under them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "env/linux/host.h"
#include "env/linux/linux.h"
#include "rpc/rpc.h"

#define LOOPS 2u
#define CLIENTS 2u
#define TAGS 4u
#define ROUNDS 40
#define OPERATION_WHERE (PROTO_OBJECT + 1)

struct end {
	struct env *env;
	struct loop *loop;
	struct rpc *rpc;
	struct linux_thread *thread;
	struct hlc *clock;
	const char *address;
	uint32_t number;
	uint32_t answers;
	uint32_t failures;
	bool until_failure; /* goes on until the server is gone */
};

static void
end_create(struct end *end, struct hlc *clock, enum linux_backend backend, uint64_t incarnation)
{
	struct linux_env_options env_options = {.level = LOG_ERROR, .backend = backend};
	struct rpc_options options = {.clock = clock, .system = "threads"};

	*end = (struct end){.clock = clock};
	assert_int_equal(linux_env_create(&env_options, &end->env), 0);
	assert_int_equal(loop_create(end->env, NULL, &end->loop), 0);
	options.incarnation = uuid_make(2, incarnation);
	assert_int_equal(rpc_create(end->loop, &options, &end->rpc), 0);
}

static void
end_destroy(struct end *end)
{
	while (loop_fiber_count(end->loop) > 0)
		loop_step(end->loop, 1000000);
	loop_destroy(end->loop);
	linux_env_destroy(end->env);
}

static void
run(void *argument)
{
	struct end *end = argument;

	loop_run(end->loop);
}

/* ------------------------------------------------ server */

static int
serve_where(void *owner, struct rpc_request *request)
{
	struct end *end = owner;

	assert_ptr_equal(loop_current(), end->loop);
	writer_u32(&request->reply, end->number);
	return 0;
}

static const struct rpc_method method = {OPERATION_WHERE, "where", serve_where};

struct server {
	struct hlc clock;
	struct end ends[LOOPS];
	struct rpc *group[LOOPS];
	char address[128];
};

static void
server_start(struct server *server, const char *address, enum linux_backend backend,
	     uint64_t incarnation)
{
	hlc_init(&server->clock, 0);
	for (uint32_t i = 0; i < LOOPS; i++) {
		end_create(&server->ends[i], &server->clock, backend, incarnation);
		server->ends[i].number = i;
		server->group[i] = server->ends[i].rpc;
		assert_int_equal(rpc_serve(server->group[i], &method, 1, &server->ends[i]), 0);
	}
	assert_int_equal(
		rpc_listen(server->group[0], address, server->group, LOOPS, server->address), 0);
	for (uint32_t i = 0; i < LOOPS; i++)
		assert_int_equal(linux_thread_start("loop", run, &server->ends[i],
						    &server->ends[i].thread),
				 0);
}

static int
destroy_there(void *argument)
{
	rpc_destroy(argument);
	return 0;
}

static void
stop_fiber(void *argument)
{
	struct server *server = argument;

	rpc_unlisten(server->group[0]);
	for (uint32_t i = LOOPS; i-- > 0;)
		assert_int_equal(loop_call(server->ends[i].loop, destroy_there, server->group[i]),
				 0);
	for (uint32_t i = 0; i < LOOPS; i++)
		loop_stop(server->ends[i].loop);
}

struct stop_message {
	struct loop_message message;
	struct server *server;
};

static void
stop_arrived(struct loop_message *message)
{
	struct stop_message *stop = container_of(message, struct stop_message, message);

	assert_int_equal(
		fiber_start(stop->server->ends[0].loop, "stop", stop_fiber, stop->server, NULL), 0);
}

static void
server_stop(struct server *server)
{
	struct stop_message stop = {.message.function = stop_arrived, .server = server};

	loop_post(server->ends[0].loop, &stop.message);
	for (uint32_t i = 0; i < LOOPS; i++)
		linux_thread_join(server->ends[i].thread);
	for (uint32_t i = 0; i < LOOPS; i++)
		end_destroy(&server->ends[i]);
}

/* ------------------------------------------------ clients */

static int
ask(struct end *end, uint32_t tag)
{
	const char *addresses[] = {end->address};
	struct rpc_call call = {.operation = OPERATION_WHERE};
	struct rpc_peer *peer;
	struct rpc_reply reply;
	bool sent;
	int rc;

	assert_int_equal(rpc_peer_get(end->rpc, addresses, 1, tag, &peer), 0);
	rc = rpc_call(peer, &call, &reply, &sent);
	if (rc == 0) {
		assert_int_equal(reader_u32(&reply.body), tag % LOOPS);
		assert_int_equal(rpc_peer_loops(peer), LOOPS);
		end->answers++;
	} else {
		end->failures++;
	}
	rpc_reply_free(&reply);
	rpc_peer_put(peer);
	return rc;
}

static void
client_fiber(void *argument)
{
	struct end *end = argument;
	int rc = 0;

	for (int round = 0; rc == 0 && (round < ROUNDS || end->until_failure); round++)
		for (uint32_t tag = 0; tag < TAGS && rc == 0; tag++)
			rc = ask(end, tag);
	rpc_destroy(end->rpc);
	loop_stop(end->loop);
}

static void
clients_start(struct end clients[CLIENTS], struct hlc clocks[CLIENTS], const char *address,
	      bool until_failure)
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		hlc_init(&clocks[i], 0);
		end_create(&clients[i], &clocks[i], LINUX_AUTO, 1000 + i);
		clients[i].address = address;
		clients[i].until_failure = until_failure;
		assert_int_equal(
			fiber_start(clients[i].loop, "client", client_fiber, &clients[i], NULL), 0);
		assert_int_equal(linux_thread_start("client", run, &clients[i], &clients[i].thread),
				 0);
	}
}

static void
clients_join(struct end clients[CLIENTS])
{
	for (uint32_t i = 0; i < CLIENTS; i++) {
		linux_thread_join(clients[i].thread);
		end_destroy(&clients[i]);
	}
}

/* ------------------------------------------------ tests */

static void
come_and_go(const char *address, enum linux_backend backend)
{
	struct server server;
	struct end clients[CLIENTS];
	struct hlc clocks[CLIENTS];
	uint32_t descriptors = linux_descriptor_count();

	server_start(&server, address, backend, 1);
	clients_start(clients, clocks, server.address, false);
	clients_join(clients);
	server_stop(&server);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		assert_int_equal(clients[i].answers, ROUNDS * TAGS);
		assert_int_equal(clients[i].failures, 0);
	}
	assert_int_equal(linux_descriptor_count(), descriptors);
}

static void
test_tcp(void **state)
{
	(void)state;
	come_and_go("tcp:127.0.0.1:0", LINUX_AUTO);
	come_and_go("tcp:127.0.0.1:0", LINUX_EPOLL);
}

static void
test_unix(void **state)
{
	char address[128];

	(void)state;
	snprintf(address, sizeof(address), "unix:/tmp/test_threads-%d.sock", (int)getpid());
	come_and_go(address, LINUX_AUTO);
	come_and_go(address, LINUX_EPOLL);
}

/* The server ends at some moment while connections are on their way between its loops. */
static void
test_stop(void **state)
{
	uint32_t descriptors = linux_descriptor_count();

	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		struct server server;
		struct end clients[CLIENTS];
		struct hlc clocks[CLIENTS];

		server_start(&server, "tcp:127.0.0.1:0", LINUX_AUTO, 10 + round);
		clients_start(clients, clocks, server.address, true);
		usleep(500 * (round + 1));
		server_stop(&server);
		clients_join(clients);
		for (uint32_t i = 0; i < CLIENTS; i++)
			assert_int_equal(clients[i].failures, 1);
	}
	assert_int_equal(linux_descriptor_count(), descriptors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_stop),
	};

	/* A failed check on a fiber or another thread cannot jump to the stack of the test. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests_name("rpc between threads", tests, NULL, NULL);
}
