/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A server and a client of rpc meet a stranger who says what the input tells: to the server as a
 * client, to the client as a server. Each step is a length byte, a kind, and the frame's content;
 * unless the kind asks for raw bytes, magic, length, incarnation and checksum are put right.
 * Neither side may crash, leak, or lose its way.
 */
#include <stdlib.h>

#include "env/memory/memory.h"
#include "rpc/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPERATION (PROTO_OBJECT + 1)
#define MS UINT64_C(1000000)

struct stranger {
	struct reader input;
	struct connection *connection;
	bool ended;
};

struct stage {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct hlc clock;
	struct rpc *server;
	struct rpc *client;
	struct stranger stranger;
	struct listener *listener;
};

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* ------------------------------------------------ the stranger */

static void
send_raw(struct stranger *stranger, const void *data, size_t length)
{
	struct iovec iov = {(void *)(uintptr_t)data, length};

	if (!stranger->ended)
		(void)!connection_send(stranger->connection, &iov, 1);
}

/* A header with fields of the input's choice, and the rest of content as body. */
static void
send_frame(struct stranger *stranger, uint8_t kind, const uint8_t *content, size_t length)
{
	struct reader reader;
	struct proto_header header = {.kind = kind, .incarnation = {1}};
	struct request_id id = {.sequence = 1};
	uint8_t frame[PROTO_PREFIX_MAX + 256];
	struct iovec iov = {frame, 0};

	reader_init(&reader, content, length);
	header.flags = reader_u8(&reader);
	header.operation = reader_u8(&reader);
	header.status = -(int32_t)reader_u8(&reader);
	header.timeout_ms = reader_u8(&reader);
	/* The numbers of the first calls on a connection. */
	header.call = (uint64_t)reader_u8(&reader) << 16 | reader_u8(&reader);
	length = reader_left(&reader);
	iov.iov_len = proto_prefix_encode(&header, &id, length, frame);
	if (length)
		memcpy(frame + iov.iov_len, reader_bytes(&reader, length), length);
	iov.iov_len += length;
	proto_frame_seal(&iov, 1);
	send_raw(stranger, frame, iov.iov_len);
}

/* One step; false at the end of the input. */
static bool
stranger_step(struct stranger *stranger)
{
	size_t length = reader_u8(&stranger->input);
	uint8_t kind = reader_u8(&stranger->input);
	const uint8_t *content;

	length = min_of(length, reader_left(&stranger->input));
	content = reader_bytes(&stranger->input, length);
	if (content == NULL)
		return false;
	if (kind == 0xff)
		send_raw(stranger, content, length);
	else
		send_frame(stranger, kind % 7, content, length);
	return reader_left(&stranger->input) > 0;
}

/* A hello or welcome that is right, so that the input gets beyond it. */
static void
send_hello(struct stranger *stranger, uint8_t kind)
{
	struct proto_hello hello;
	struct proto_header header = {.kind = kind, .incarnation = {1}};
	uint8_t frame[PROTO_PREFIX_MAX + sizeof(hello)], body[sizeof(hello)];
	struct iovec iov = {frame, 0};

	proto_hello_init(&hello, "fuzz");
	hello.loops = 1;
	hello.credits = 3;
	iov.iov_len = proto_prefix_encode(&header, NULL, proto_hello_encode(&hello, body), frame);
	iov.iov_len += proto_hello_encode(&hello, frame + iov.iov_len);
	proto_frame_seal(&iov, 1);
	send_raw(stranger, frame, iov.iov_len);
}

static void
stranger_message(struct connection *connection, struct message *message)
{
	(void)connection;
	message_put(message);
}

static void
stranger_closed(struct connection *connection, int reason)
{
	struct stranger *stranger = connection->owner;

	(void)reason;
	stranger->ended = true;
}

static const struct connection_handler stranger_handler = {stranger_message, stranger_closed};

/* ------------------------------------------------ the server */

static int
serve(void *owner, struct rpc_request *request)
{
	struct proto_bulk bulk = proto_bulk_decode(&request->body);
	uint8_t to[64];
	struct iovec iov = {to, sizeof(to)};
	int rc = fiber_sleep(MS);

	(void)owner;
	if (rc == 0 && !request->body.failed)
		rc = rpc_pull(request, bulk, 0, &iov, 1);
	writer_u64(&request->reply, bulk.key);
	return rc;
}

static const struct rpc_method method = {OPERATION, "fuzz", serve};

static int
as_client(void *argument)
{
	struct stage *stage = argument;
	struct transport *transport = stage->env->transport;
	struct stranger *stranger = &stage->stranger;
	bool more = true;

	if (reader_u8(&stranger->input) % 2)
		stranger->ended = true;
	require(transport->connect(transport, "memory:server", 1000 * MS, &stranger_handler,
				   stranger, &stranger->connection) == 0);
	if (stranger->ended)
		stranger->ended = false;
	else
		send_hello(stranger, PROTO_HELLO);
	while (more) {
		more = stranger_step(stranger);
		(void)!fiber_sleep(stage->stranger.input.position % 3 * MS / 2);
	}
	connection_close(stranger->connection);
	(void)!fiber_sleep(5 * MS);
	require(rpc_connections(stage->server) == 0);
	require(rpc_serving(stage->server) == 0);
	return 0;
}

/* ------------------------------------------------ the client */

static int
call_one(void *argument)
{
	struct rpc_call call = {.operation = OPERATION};
	struct rpc_reply reply;
	bool sent;
	int rc = rpc_call(argument, &call, &reply, &sent);

	require(rc <= 0 && (sent || reply.message == NULL));
	rpc_reply_free(&reply);
	return 0;
}

static void
accepted(void *owner, struct connection *connection)
{
	struct stage *stage = owner;

	/* One at a time: a second attempt is turned away. */
	if (stage->stranger.connection) {
		connection_close(connection);
		return;
	}
	connection->handler = &stranger_handler;
	connection->owner = &stage->stranger;
	stage->stranger.connection = connection;
}

static int
as_server(void *argument)
{
	static const char *const addresses[] = {"memory:stranger"};
	static const struct listener_handler handler = {accepted};
	struct stage *stage = argument;
	struct transport *transport = stage->env->transport;
	struct stranger *stranger = &stage->stranger;
	bool honest = reader_u8(&stranger->input) % 2 == 0;
	struct fiber_group group;
	struct rpc_peer *peer;
	bool more = true;

	require(transport->listen(transport, addresses[0], &handler, stage, &stage->listener,
				  NULL) == 0);
	require(rpc_peer_get(stage->client, addresses, 1, 0, &peer) == 0);
	fiber_set_deadline(env_monotonic(stage->env) + 100 * MS);
	fiber_group_init(&group);
	for (int i = 0; i < 5; i++)
		require(fiber_group_start(&group, "call", call_one, peer) == 0);
	(void)!fiber_sleep(MS / 10);
	require(stranger->connection != NULL);
	if (honest)
		send_hello(stranger, PROTO_WELCOME);
	while (more) {
		(void)!fiber_sleep(MS / 10);
		more = stranger_step(stranger);
	}
	fiber_group_wait(&group);
	fiber_set_deadline(0);
	rpc_peer_put(peer);
	connection_close(stranger->connection);
	transport->unlisten(transport, stage->listener);
	return fiber_sleep(5 * MS);
}

/* ------------------------------------------------ one input */

static int
end_rpc(void *argument)
{
	struct stage *stage = argument;

	rpc_destroy(stage->server);
	rpc_destroy(stage->client);
	return 0;
}

static int
begin_rpc(void *argument)
{
	struct stage *stage = argument;

	return rpc_listen(stage->server, "memory:server", &stage->server, 1, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_env_options env_options = {.no_storage = true};
	struct stage stage = {.world = NULL};
	struct rpc_options options = {.clock = &stage.clock, .system = "fuzz", .credits = 4};

	if (size < 4 || size > 4096)
		return 0;
	require(memory_world_create(1, &stage.world) == 0);
	require(memory_env_create(stage.world, &env_options, &stage.env) == 0);
	stage.env->context->level = LOG_ERROR;
	require(loop_create(stage.env, NULL, &stage.loop) == 0);
	hlc_init(&stage.clock, 0);
	options.incarnation = uuid_make(1, 1);
	require(rpc_create(stage.loop, &options, &stage.server) == 0);
	options.incarnation = uuid_make(2, 2);
	require(rpc_create(stage.loop, &options, &stage.client) == 0);
	require(rpc_serve(stage.server, &method, 1, NULL) == 0);
	require(memory_run(stage.world, stage.loop, begin_rpc, &stage) == 0);
	reader_init(&stage.stranger.input, data + 1, size - 1);
	require(memory_run(stage.world, stage.loop, data[0] % 2 ? as_client : as_server, &stage) ==
		0);
	require(memory_run(stage.world, stage.loop, end_rpc, &stage) == 0);
	loop_destroy(stage.loop);
	memory_env_destroy(stage.env);
	memory_world_destroy(stage.world);
	return 0;
}
