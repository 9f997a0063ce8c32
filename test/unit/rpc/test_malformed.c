/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What no honest peer sends: each side closes the connection, counts, and goes on. */
#include "bed.h"

static int
setup(void **state)
{
	static struct bed bed;

	bed_init(&bed);
	*state = &bed;
	return 0;
}

static int
teardown(void **state)
{
	bed_fini(*state);
	return 0;
}

/* ------------------------------------------------ a raw connection */

struct raw {
	struct connection *connection;
	struct proto_frame latest; /* its body is gone */
	uint32_t frames;
	bool closed;
	struct uuid incarnation;
};

static void
raw_message(struct connection *connection, struct message *message)
{
	struct raw *raw = connection->owner;

	assert_int_equal(proto_frame_decode(message->data, message->length, &raw->latest), 0);
	raw->frames++;
	message_put(message);
}

static void
raw_closed(struct connection *connection, int reason)
{
	struct raw *raw = connection->owner;

	assert_true(reason < 0);
	raw->closed = true;
}

static const struct connection_handler raw_handler = {raw_message, raw_closed};

static void
raw_open(struct bed_end *end, struct raw *raw)
{
	struct transport *transport = end->env->transport;

	*raw = (struct raw){.incarnation = uuid_make(5, 5)};
	assert_int_equal(transport->connect(transport, BED_ADDRESS, BED_SECOND, &raw_handler, raw,
					    &raw->connection),
			 0);
}

static void
raw_close(struct raw *raw)
{
	connection_close(raw->connection);
}

static void
raw_send(struct raw *raw, const void *data, size_t length)
{
	struct iovec iov = {(void *)(uintptr_t)data, length};
	int rc = connection_send(raw->connection, &iov, 1);

	assert_true(rc == 0 || rc == -DER_UNREACH);
	assert_int_equal(fiber_sleep(BED_MS), 0);
}

/* A whole frame of this kind, sealed. */
static size_t
raw_frame(struct raw *raw, struct proto_header *header, const void *body, size_t length,
	  uint8_t frame[1024])
{
	static const struct request_id id = {.sequence = 2, .confirmed = 1};
	struct iovec iov;
	size_t prefix;

	memcpy(header->incarnation, raw->incarnation.bytes, 16);
	header->stamp = 1;
	prefix = proto_prefix_encode(header, &id, length, frame);
	if (length)
		memcpy(frame + prefix, body, length);
	iov = (struct iovec){frame, prefix + length};
	proto_frame_seal(&iov, 1);
	return prefix + length;
}

static void
raw_send_frame(struct raw *raw, struct proto_header header, const void *body, size_t length)
{
	uint8_t frame[1024];

	raw_send(raw, frame, raw_frame(raw, &header, body, length, frame));
}

static void
raw_hello(struct raw *raw)
{
	struct proto_hello hello;
	uint8_t wire[sizeof(hello)];

	proto_hello_init(&hello, "bed");
	raw_send_frame(raw, (struct proto_header){.kind = PROTO_HELLO}, wire,
		       proto_hello_encode(&hello, wire));
}

/* ------------------------------------------------ to the server */

static int
out_of_place(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct rpc *rpc = bed->server[0].rpc;
	struct raw raw;

	/* A request without a hello. */
	raw_open(end, &raw);
	raw_send_frame(&raw, (struct proto_header){.kind = PROTO_REQUEST}, "x", 1);
	assert_true(raw.closed);
	raw_close(&raw);
	/* A hello of the wrong length. */
	raw_open(end, &raw);
	raw_send_frame(&raw, (struct proto_header){.kind = PROTO_HELLO}, "x", 1);
	assert_true(raw.closed);
	raw_close(&raw);
	/* Two hellos. */
	raw_open(end, &raw);
	raw_hello(&raw);
	assert_int_equal(raw.frames, 1);
	assert_int_equal(raw.latest.header.kind, PROTO_WELCOME);
	assert_int_equal(rpc_connections(rpc), 1);
	raw_hello(&raw);
	assert_true(raw.closed);
	raw_close(&raw);
	/* A reply to a server. */
	raw_open(end, &raw);
	raw_hello(&raw);
	raw_send_frame(&raw, (struct proto_header){.kind = PROTO_REPLY}, NULL, 0);
	assert_true(raw.closed);
	raw_close(&raw);
	/* Another incarnation than that of the hello. */
	raw_open(end, &raw);
	raw_hello(&raw);
	raw.incarnation = uuid_make(6, 6);
	raw_send_frame(&raw, (struct proto_header){.kind = PROTO_REQUEST, .operation = BED_ECHO},
		       NULL, 0);
	assert_true(raw.closed);
	raw_close(&raw);
	assert_int_equal(bed_count(rpc, METRIC_MALFORMED), 5);
	assert_int_equal(rpc_connections(rpc), 0);
	assert_int_equal(bed->server[0].executed, 0);
	return 0;
}

static void
test_out_of_place(void **state)
{
	struct bed *bed = *state;

	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), out_of_place, bed), 0);
}

/* Never says hello. */
static int
mute(struct bed_end *end, void *argument)
{
	struct raw raw;

	(void)argument;
	raw_open(end, &raw);
	assert_int_equal(fiber_sleep(4 * BED_SECOND), 0);
	assert_false(raw.closed);
	assert_int_equal(fiber_sleep(2 * BED_SECOND), 0);
	assert_true(raw.closed);
	raw_close(&raw);
	return 0;
}

static void
test_mute(void **state)
{
	struct bed *bed = *state;

	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), mute, bed), 0);
	assert_int_equal(memory_node_connections(bed->world, "server"), 0);
}

/* Connections that say nothing are limited too; beyond, they are closed without a word. */
static int
too_many(struct bed_end *end, void *argument)
{
	struct raw raws[2 + REFUSED_LIMIT];

	(void)argument;
	for (uint32_t i = 0; i < ARRAY_SIZE(raws); i++)
		raw_open(end, &raws[i]);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_false(raws[REFUSED_LIMIT].closed);
	assert_true(raws[REFUSED_LIMIT + 1].closed);
	for (uint32_t i = 0; i < ARRAY_SIZE(raws); i++)
		raw_close(&raws[i]);
	return 0;
}

static void
test_too_many(void **state)
{
	struct bed *bed = *state;

	bed->server_options.connection_limit = 1;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), too_many, bed), 0);
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_REFUSED), 1);
}

/* More open requests than granted are refused, not served. */
static int
greedy(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct proto_header header = {
		.kind = PROTO_REQUEST, .operation = BED_SLEEP, .timeout_ms = 10000};
	uint8_t body[8];
	struct raw raw;

	store_u64(body, BED_SECOND);
	raw_open(end, &raw);
	raw_hello(&raw);
	for (uint32_t i = 0; i < 3; i++) {
		header.call = i + 1;
		raw_send_frame(&raw, header, body, sizeof(body));
	}
	assert_int_equal(rpc_serving(bed->server[0].rpc), 2);
	assert_int_equal(raw.latest.header.status, -DER_OVERLOAD_RETRY);
	assert_int_equal(raw.latest.header.call, 3);
	assert_int_equal(fiber_sleep(2 * BED_SECOND), 0);
	assert_int_equal(raw.frames, 1 + 3);
	raw_close(&raw);
	return 0;
}

static void
test_greedy(void **state)
{
	struct bed *bed = *state;

	bed->server_options.credits = 2;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), greedy, bed), 0);
}

/* Random bytes, and good frames with random damage, before and after a hello. */
static int
noise(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct rpc_peer *peer = bed_peer(end, 0);
	uint8_t frame[1024];
	struct raw raw;

	for (uint32_t i = 0; i < 300; i++) {
		struct proto_header header = {
			.kind = (uint8_t)env_random(end->env),
			.flags = (uint8_t)(env_random(end->env) & 3),
			.call = env_random(end->env),
			.operation = (uint32_t)env_random(end->env) % 256,
			.status = (int32_t)env_random(end->env),
			.timeout_ms = (uint32_t)env_random(end->env) % 3,
		};
		uint8_t body[200];
		size_t length = env_random(end->env) % sizeof(body);

		for (size_t j = 0; j < length; j++)
			body[j] = (uint8_t)env_random(end->env);
		raw_open(end, &raw);
		if (i % 2)
			raw_hello(&raw);
		if (i % 3 == 0) {
			raw_send(&raw, body, length);
			assert_true(raw.closed);
		} else {
			header.kind = i % 3 == 1 ? PROTO_REQUEST : header.kind % 8;
			length = raw_frame(&raw, &header, body, length, frame);
			raw_send(&raw, frame, length);
		}
		assert_int_equal(bed_echo(peer, "alive"), 0);
		raw_close(&raw);
	}
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 1);
	rpc_peer_put(peer);
	return 0;
}

static void
test_noise(void **state)
{
	struct bed *bed = *state;

	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), noise, bed), 0);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 0);
}

/* ------------------------------------------------ to the client */

/* A server that says what a test tells it to. */
struct liar {
	struct listener *listener;
	struct raw raw;
	struct proto_header answer; /* to the hello */
	struct proto_hello welcome;
	struct proto_header reply; /* to a request */
	uint32_t replies;
	bool foreign; /* replies come from another incarnation */
};

static void
liar_send(struct liar *liar, struct proto_header header, const void *body, size_t length)
{
	uint8_t frame[1024];
	struct iovec iov = {frame, raw_frame(&liar->raw, &header, body, length, frame)};

	assert_int_equal(connection_send(liar->raw.connection, &iov, 1), 0);
}

static void
liar_message(struct connection *connection, struct message *message)
{
	struct liar *liar = connection->owner;
	struct proto_frame frame;
	uint8_t wire[sizeof(struct proto_hello)];

	assert_int_equal(proto_frame_decode(message->data, message->length, &frame), 0);
	message_put(message);
	if (frame.header.kind == PROTO_HELLO) {
		liar_send(liar, liar->answer, wire, proto_hello_encode(&liar->welcome, wire));
		return;
	}
	if (liar->foreign)
		liar->raw.incarnation = uuid_make(9, 9);
	for (uint32_t i = 0; i < liar->replies; i++) {
		liar->reply.call = frame.header.call + i;
		liar_send(liar, liar->reply, NULL, 0);
	}
}

static void
liar_closed(struct connection *connection, int reason)
{
	struct liar *liar = connection->owner;

	(void)reason;
	connection_close(liar->raw.connection);
	liar->raw.connection = NULL;
}

static const struct connection_handler liar_handler = {liar_message, liar_closed};

static void
liar_accepted(void *owner, struct connection *connection)
{
	struct liar *liar = owner;

	connection->handler = &liar_handler;
	connection->owner = liar;
	liar->raw.connection = connection;
}

static void
liar_start(struct bed_end *end, struct liar *liar)
{
	static const struct listener_handler handler = {liar_accepted};
	struct transport *transport = end->env->transport;

	*liar = (struct liar){
		.answer = {.kind = PROTO_WELCOME},
		.welcome = {.loops = 1, .credits = 4},
		.reply = {.kind = PROTO_REPLY},
		.raw = {.incarnation = uuid_make(8, 8)},
		.replies = 1,
	};
	assert_int_equal(transport->listen(transport, BED_ADDRESS, &handler, liar, &liar->listener,
					   NULL),
			 0);
}

static int
lie(struct bed_end *end, struct liar *liar)
{
	struct transport *transport = end->env->transport;
	struct rpc_peer *peer = bed_peer(end, 0);
	struct rpc_reply reply;
	bool sent;
	int rc;

	fiber_set_deadline(env_monotonic(end->env) + BED_SECOND);
	rc = bed_call(peer, BED_ECHO, NULL, 0, &reply, &sent);
	fiber_set_deadline(0);
	rpc_reply_free(&reply);
	rpc_peer_put(peer);
	transport->unlisten(transport, liar->listener);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_null(liar->raw.connection);
	return rc;
}

static int
lies(struct bed_end *end, void *argument)
{
	struct liar liar;

	(void)argument;
	liar_start(end, &liar);
	assert_int_equal(lie(end, &liar), 0);
	/* A refusal; no loops; no credits; a wrong kind; no incarnation. */
	liar_start(end, &liar);
	liar.answer.status = -DER_NO_PERM;
	assert_int_equal(lie(end, &liar), -DER_NO_PERM);
	liar_start(end, &liar);
	liar.welcome.loops = 0;
	assert_int_equal(lie(end, &liar), -DER_PROTO);
	liar_start(end, &liar);
	liar.welcome.credits = 0;
	assert_int_equal(lie(end, &liar), -DER_PROTO);
	liar_start(end, &liar);
	liar.answer.kind = PROTO_REPLY;
	assert_int_equal(lie(end, &liar), -DER_PROTO);
	liar_start(end, &liar);
	liar.raw.incarnation = (struct uuid){{0}};
	assert_int_equal(lie(end, &liar), -DER_PROTO);
	/* As many credits as can be said. */
	liar_start(end, &liar);
	liar.welcome.credits = UINT32_MAX;
	assert_int_equal(lie(end, &liar), 0);
	/* Replies that nobody asked for come after the right one. */
	liar_start(end, &liar);
	liar.replies = 3;
	assert_int_equal(lie(end, &liar), 0);
	assert_int_equal(bed_count(end->rpc, METRIC_STRAY), 2);
	/* A reply of another incarnation is dropped. */
	liar_start(end, &liar);
	liar.foreign = true;
	assert_int_equal(lie(end, &liar), -DER_TIMEDOUT);
	assert_int_equal(bed_count(end->rpc, METRIC_STRAY), 3);
	/* A request to a client. */
	liar_start(end, &liar);
	liar.reply.kind = PROTO_REQUEST;
	assert_int_equal(lie(end, &liar), -DER_AGAIN);
	return 0;
}

static void
test_lies(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), lies, NULL), 0);
	assert_int_equal(bed_count(bed->client[0].rpc, METRIC_MALFORMED), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_out_of_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mute, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_greedy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc malformed", tests, NULL, NULL);
}
