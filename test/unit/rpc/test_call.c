/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Calls that arrive: what travels both ways, many at a time, deadlines, cancellation. */
#include "bed.h"

static int
setup(void **state)
{
	static struct bed bed;

	bed_init(&bed);
	bed_server_start(&bed, 1);
	bed_client_start(&bed, 0, 0);
	*state = &bed;
	return 0;
}

/* A server of two loops. */
static int
setup_two(void **state)
{
	static struct bed bed;

	bed_init(&bed);
	bed_server_start(&bed, 2);
	bed_client_start(&bed, 0, 0);
	*state = &bed;
	return 0;
}

static int
teardown(void **state)
{
	bed_fini(*state);
	return 0;
}

/* ------------------------------------------------ round trips */

static int
round_trip(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);

	(void)argument;
	assert_int_equal(rpc_peer_loops(peer), 0);
	assert_int_equal(bed_echo(peer, "hello"), 0);
	assert_int_equal(bed_echo(peer, ""), 0);
	assert_int_equal(rpc_peer_loops(peer), 1);
	assert_int_equal(rpc_peer_rank(peer), 3);
	rpc_peer_put(peer);
	return 0;
}

static void
test_round_trip(void **state)
{
	struct bed *bed = *state;
	struct rpc *server = bed->server[0].rpc;

	assert_int_equal(bed_run(&bed->client[0], round_trip, NULL), 0);
	assert_int_equal(bed_count(server, METRIC_REQUESTS), 2);
	assert_int_equal(bed_count(bed->client[0].rpc, METRIC_CALLS), 2);
	assert_int_equal(bed_count(bed->client[0].rpc, METRIC_CONNECTS), 1);
	assert_int_equal(rpc_serving(server), 0);
}

static int
errors(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	struct rpc_reply reply;
	uint8_t code[4];
	char why[8];
	bool sent;

	(void)argument;
	store_u32(code, DER_NOSPACE);
	assert_int_equal(bed_call(peer, BED_FAIL, code, 4, &reply, &sent), -DER_NOSPACE);
	assert_true(sent);
	reader_text(&reply.body, why, sizeof(why));
	assert_string_equal(why, "why");
	rpc_reply_free(&reply);
	assert_int_equal(bed_call(peer, PROTO_POOL + 5, NULL, 0, &reply, &sent), -DER_UNREG);
	assert_non_null(reply.message);
	rpc_reply_free(&reply);
	rpc_reply_free(&reply);
	assert_int_equal(bed_call(peer, PROTO_OPERATIONS, NULL, 0, &reply, &sent), -DER_INVAL);
	assert_false(sent);
	assert_null(reply.message);
	rpc_peer_put(peer);
	return 0;
}

static void
test_errors(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], errors, NULL), 0);
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_REPLY_ERRORS), 2);
}

static int
sizes(struct bed_end *end, void *argument)
{
	static const uint32_t lengths[] = {
		0, 1, TASK_REPLY - 1, TASK_REPLY, TASK_REPLY + 1, 50000, RPC_INLINE_MAX};
	static uint8_t large[RPC_INLINE_MAX + 1];
	struct rpc_peer *peer = bed_peer(end, 0);
	struct rpc_reply reply;
	uint8_t body[4];
	bool sent;

	(void)argument;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		store_u32(body, lengths[i]);
		assert_int_equal(bed_call(peer, BED_FILL, body, 4, &reply, &sent), 0);
		assert_int_equal(reader_left(&reply.body), lengths[i]);
		if (lengths[i])
			assert_int_equal(reply.body.data[lengths[i] - 1], 'x');
		rpc_reply_free(&reply);
	}
	store_u32(body, RPC_INLINE_MAX + 1);
	assert_int_equal(bed_call(peer, BED_FILL, body, 4, &reply, &sent), -DER_OVERFLOW);
	assert_int_equal(reader_left(&reply.body), 0);
	rpc_reply_free(&reply);
	assert_int_equal(bed_call(peer, BED_ECHO, large, RPC_INLINE_MAX, &reply, &sent), 0);
	rpc_reply_free(&reply);
	assert_int_equal(bed_call(peer, BED_ECHO, large, RPC_INLINE_MAX + 1, &reply, &sent),
			 -DER_OVERFLOW);
	assert_false(sent);
	rpc_peer_put(peer);
	return 0;
}

static int
pieces(struct bed_end *end, void *argument)
{
	static const char text[] = "0123456789abcdefg";
	struct iovec iov[RPC_BODY_MAX + 1];
	struct rpc_call call = {.operation = BED_ECHO, .body = iov, .body_count = RPC_BODY_MAX};
	struct rpc_peer *peer = bed_peer(end, 0);
	struct rpc_reply reply;
	bool sent;

	(void)argument;
	for (uint32_t i = 0; i <= RPC_BODY_MAX; i++)
		iov[i] = (struct iovec){(void *)(uintptr_t)&text[i], 1};
	assert_int_equal(rpc_call(peer, &call, &reply, &sent), 0);
	assert_memory_equal(reader_bytes(&reply.body, 16), "0123456789abcdef", 16);
	rpc_reply_free(&reply);
	call.body_count++;
	assert_int_equal(rpc_call(peer, &call, &reply, &sent), -DER_OVERFLOW);
	assert_false(sent);
	call.body_count = 0;
	call.region_count = RPC_REGIONS + 1;
	assert_int_equal(rpc_call(peer, &call, &reply, &sent), -DER_INVAL);
	rpc_peer_put(peer);
	return 0;
}

static void
test_pieces(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], pieces, NULL), 0);
}

static void
test_sizes(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], sizes, NULL), 0);
}

static int
identity(struct bed_end *end, void *argument)
{
	struct request_id id = {.sequence = 9, .confirmed = 4, .first_sent = 1234};
	struct rpc_call call = {
		.operation = BED_IDENTITY, .map_version = 5, .id = &id, .again = true};
	struct rpc_peer *peer = bed_peer(end, 0);
	struct rpc_reply reply;
	bool sent;

	(void)argument;
	assert_int_equal(rpc_call(peer, &call, &reply, &sent), 0);
	assert_int_equal(reader_u64(&reply.body), 9);
	assert_int_equal(reader_u64(&reply.body), 4);
	assert_int_equal(reader_u64(&reply.body), 1234);
	assert_int_equal(reader_u8(&reply.body), PROTO_REQUEST_ID | PROTO_AGAIN);
	assert_memory_equal(reader_bytes(&reply.body, 16), end->rpc->options.incarnation.bytes, 16);
	assert_int_equal(reply.header.map_version, 77);
	rpc_reply_free(&reply);
	call.id = NULL;
	call.again = false;
	assert_int_equal(rpc_call(peer, &call, &reply, &sent), 0);
	assert_int_equal(reader_u64(&reply.body), 0);
	rpc_reply_free(&reply);
	rpc_peer_put(peer);
	return 0;
}

static void
test_identity(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], identity, NULL), 0);
	assert_true(hlc_latest(&bed->server[0].clock) > 1234);
}

/* Whose process the client is: as the host tells, or by its own word. */
static int
credentials(struct bed_end *end, void *argument)
{
	const char *const *address = argument;
	const struct rpc_call call = {.operation = BED_IDENTITY};
	struct rpc_peer *peer;
	struct rpc_reply reply;
	bool sent, seen = strcmp(*address, BED_ADDRESS) == 0;

	/* The second loop gets its connections from the first. */
	for (uint32_t tag = 0; tag < 2; tag++) {
		assert_int_equal(rpc_peer_get(end->rpc, address, 1, tag, &peer), 0);
		assert_int_equal(rpc_call(peer, &call, &reply, &sent), 0);
		(void)reader_bytes(&reply.body, 8 + 8 + 8 + 1 + 16);
		assert_int_equal(reader_u8(&reply.body), 1);
		assert_int_equal(reader_u32(&reply.body), 7);
		assert_int_equal(reader_u32(&reply.body), 8);
		assert_int_equal(reader_u32(&reply.body), seen ? 9 : 0);
		rpc_reply_free(&reply);
		rpc_peer_put(peer);
	}
	return 0;
}

static void
test_credentials(void **state)
{
	const char *local = BED_ADDRESS, *network = BED_NETWORK;
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], credentials, &local), 0);
	assert_int_equal(bed_run(&bed->client[0], credentials, &network), 0);
}

/* ------------------------------------------------ many at a time */

#define MANY 300

struct many {
	struct rpc_peer *peer;
	struct bed_end *end;
	uint32_t ended[MANY];
	uint32_t count;
};

struct one {
	struct many *many;
	uint32_t number;
};

static int
sleep_one(void *argument)
{
	struct one *one = argument;
	struct many *many = one->many;
	uint64_t turns = MANY - one->number;
	bool sent;
	int rc = bed_sleep(many->peer, turns * BED_MS, &sent);

	many->ended[many->count++] = one->number;
	return rc;
}

/*
 * The later a call is made, the sooner it ends: replies come in the reverse order within each
 * window of credits.
 */
static int
reverse(struct bed_end *end, void *argument)
{
	struct many *many = argument;
	struct one ones[MANY];
	struct fiber_group group;

	many->peer = bed_peer(end, 0);
	fiber_group_init(&group);
	for (uint32_t i = 0; i < 100; i++) {
		ones[i] = (struct one){many, i};
		assert_int_equal(fiber_group_start(&group, "one", sleep_one, &ones[i]), 0);
	}
	assert_int_equal(fiber_group_wait(&group), 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(many->ended[i], 99 - i);
	rpc_peer_put(many->peer);
	return 0;
}

static void
test_order(void **state)
{
	struct bed *bed = *state;
	struct many many = {.count = 0};

	assert_int_equal(bed_run(&bed->client[0], reverse, &many), 0);
	assert_int_equal(bed->server[0].executed, 100);
	bed_pause(&bed->client[0], BED_MS);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 0);
}

/* ------------------------------------------------ deadlines and cancellation */

static int
deadline(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	uint64_t start = env_monotonic(end->env);
	bool sent;

	(void)argument;
	fiber_set_deadline(start + 50 * BED_MS);
	assert_int_equal(bed_sleep(peer, 5 * BED_SECOND, &sent), -DER_TIMEDOUT);
	assert_true(sent);
	assert_true(env_monotonic(end->env) - start < 60 * BED_MS);
	assert_int_equal(fiber_deadline(), start + 50 * BED_MS);
	fiber_set_deadline(0);
	/* The late answer of the server gives the slot back. */
	assert_int_equal(fiber_sleep(100 * BED_MS), 0);
	assert_int_equal(peer->active, 0);
	assert_int_equal(bed_echo(peer, "after"), 0);
	assert_int_equal(bed_count(end->rpc, METRIC_STRAY), 1);
	assert_int_equal(end->rpc->calls, 0);
	rpc_peer_put(peer);
	return 0;
}

static void
test_deadline(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], deadline, NULL), 0);
	assert_int_equal(bed->server[0].canceled, 0);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 0);
}

/* Whoever comes too late does not trouble the server. */
static int
too_late(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	bool sent = true;

	(void)argument;
	fiber_set_deadline(env_monotonic(end->env));
	assert_int_equal(bed_sleep(peer, 0, &sent), -DER_TIMEDOUT);
	assert_false(sent);
	fiber_set_deadline(0);
	fiber_cancel(fiber_current());
	sent = true;
	assert_int_equal(bed_sleep(peer, 0, &sent), -DER_CANCELED);
	assert_false(sent);
	rpc_peer_put(peer);
	return 0;
}

static void
test_too_late(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], too_late, NULL), 0);
	assert_int_equal(bed->server[0].executed, 0);
}

static int
reply_without_memory(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct rpc_peer *peer = bed_peer(end, 0);
	struct rpc_reply reply;
	uint8_t body[4];
	bool sent;

	assert_int_equal(bed_echo(peer, "warm"), 0);
	store_u32(body, TASK_REPLY + 1);
	arena_fail_at(bed->server[0].env->arena, 1);
	assert_int_equal(bed_call(peer, BED_FILL, body, 4, &reply, &sent), -DER_NOMEM);
	assert_int_equal(reader_left(&reply.body), 0);
	rpc_reply_free(&reply);
	assert_int_equal(bed_call(peer, BED_FILL, body, 4, &reply, &sent), 0);
	rpc_reply_free(&reply);
	rpc_peer_put(peer);
	return 0;
}

static void
test_reply_without_memory(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], reply_without_memory, bed), 0);
}

struct sleeper {
	struct rpc_peer *peer;
	int result;
	bool sent;
	bool ended;
};

static void
sleeper(void *argument)
{
	struct sleeper *sleeper = argument;

	sleeper->result = bed_sleep(sleeper->peer, BED_SECOND, &sleeper->sent);
	sleeper->ended = true;
}

static int
cancel(struct bed_end *end, void *argument)
{
	struct sleeper one = {.peer = bed_peer(end, 0)};
	struct fiber *fiber;

	(void)argument;
	assert_int_equal(fiber_start(end->loop, "sleeper", sleeper, &one, &fiber), 0);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	fiber_cancel(fiber);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_true(one.ended);
	assert_int_equal(one.result, -DER_CANCELED);
	assert_true(one.sent);
	assert_int_equal(bed_echo(one.peer, "after"), 0);
	assert_int_equal(fiber_sleep(2 * BED_SECOND), 0);
	assert_int_equal(bed_count(end->rpc, METRIC_STRAY), 1);
	rpc_peer_put(one.peer);
	return 0;
}

static void
test_cancel(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], cancel, NULL), 0);
}

/* ------------------------------------------------ clocks */

static int
echo_result(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	int rc = bed_echo(peer, "time");

	(void)argument;
	rpc_peer_put(peer);
	return rc;
}

static void
test_clock(void **state)
{
	struct bed *bed = *state;
	struct bed_end *ahead = bed_client_start(bed, 1, 3 * (int64_t)BED_SECOND);
	struct bed_end *little = bed_client_start(bed, 2, BED_SECOND / 2);

	assert_int_equal(bed_run(ahead, echo_result, NULL), -DER_HLC_SYNC);
	assert_int_equal(bed->server[0].executed, 0);
	assert_int_equal(bed_run(little, echo_result, NULL), 0);
	assert_true(hlc_latest(&bed->server[0].clock) >
		    hlc_from_realtime(env_realtime(bed->server[0].env)));
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_CLOCK_REFUSED), 1);
}

/* A clock that jumps after the welcome: each request is refused. */
static int
jump(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	uint64_t far = hlc_from_realtime(env_realtime(end->env) + 5 * BED_SECOND);

	(void)argument;
	assert_int_equal(bed_echo(peer, "one"), 0);
	hlc_init(&end->clock, far);
	assert_int_equal(bed_echo(peer, "two"), -DER_HLC_SYNC);
	rpc_peer_put(peer);
	return 0;
}

static void
test_clock_jump(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], jump, NULL), 0);
	assert_int_equal(bed->server[0].executed, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credentials, setup_two, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reply_without_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_jump, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc call", tests, NULL, NULL);
}
