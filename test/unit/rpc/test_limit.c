/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Each limit driven to its value and one beyond: credits, requests, connections, hand-overs,
 * idleness.
 */
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

/* ------------------------------------------------ credits */

struct turn {
	struct rpc_peer *peer;
	uint32_t number;
	uint32_t *order;
	uint32_t *count;
};

static int
turn_sleep(void *argument)
{
	struct turn *turn = argument;
	bool sent;
	int rc = bed_sleep(turn->peer, 10 * BED_MS, &sent);

	turn->order[(*turn->count)++] = turn->number;
	return rc;
}

static int
credits(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	struct bed *bed = argument;
	uint64_t start;
	struct turn turns[12];
	uint32_t order[12], ended = 0;
	struct fiber_group group;

	assert_int_equal(bed_echo(peer, "connect"), 0);
	start = env_monotonic(end->env);
	fiber_group_init(&group);
	for (uint32_t i = 0; i < 12; i++) {
		turns[i] = (struct turn){peer, i, order, &ended};
		assert_int_equal(fiber_group_start(&group, "turn", turn_sleep, &turns[i]), 0);
	}
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 4);
	assert_int_equal(fiber_group_wait(&group), 0);
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(order[i], i);
	assert_true(env_monotonic(end->env) - start >= 30 * BED_MS);
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_BUSY), 0);
	rpc_peer_put(peer);
	return 0;
}

static void
test_credits(void **state)
{
	struct bed *bed = *state;

	bed->server_options.credits = 4;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), credits, bed), 0);
}

/*
 * Calls that give up keep their credit until the server has answered, so that it never sees more
 * than it granted.
 */
static int
credits_abandoned(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	struct bed *bed = argument;
	bool sent;

	assert_int_equal(bed_echo(peer, "connect"), 0);
	for (uint32_t i = 0; i < 3; i++) {
		fiber_set_deadline(env_monotonic(end->env) + 5 * BED_MS);
		assert_int_equal(bed_sleep(peer, BED_SECOND, &sent), -DER_TIMEDOUT);
		fiber_set_deadline(0);
	}
	assert_int_equal(bed_echo(peer, "after"), 0);
	assert_int_equal(peer->active, 0);
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_BUSY), 0);
	rpc_peer_put(peer);
	return 0;
}

static void
test_credits_abandoned(void **state)
{
	struct bed *bed = *state;

	bed->server_options.credits = 1;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), credits_abandoned, bed), 0);
}

/* One that gives up while it waits for a credit was not sent, and lets the next one through. */
static void
call_waiting(void *argument)
{
	struct turn *turn = argument;
	bool sent = true;

	*turn->count += bed_sleep(turn->peer, BED_MS, &sent) == -DER_CANCELED && !sent;
}

static int
credits_waiting(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	uint32_t given_up = 0;
	struct turn turn = {peer, 0, NULL, &given_up};
	struct fiber *first, *second;

	(void)argument;
	assert_int_equal(bed_echo(peer, "connect"), 0);
	assert_int_equal(fiber_start(end->loop, "first", call_waiting, &turn, &first), 0);
	assert_int_equal(fiber_start(end->loop, "second", call_waiting, &turn, &second), 0);
	fiber_yield();
	fiber_cancel(second);
	assert_int_equal(bed_echo(peer, "third"), 0);
	assert_int_equal(given_up, 1);
	rpc_peer_put(peer);
	return 0;
}

static void
test_credits_waiting(void **state)
{
	struct bed *bed = *state;

	bed->server_options.credits = 1;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), credits_waiting, bed), 0);
}

/* ------------------------------------------------ requests */

static int
sleep_result(void *argument)
{
	bool sent;

	return bed_sleep(argument, 10 * BED_MS, &sent);
}

static int
requests(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	struct bed *bed = argument;
	struct fiber_group group;
	struct rpc_reply reply;
	bool sent;

	assert_int_equal(bed_echo(peer, "connect"), 0);
	fiber_group_init(&group);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(fiber_group_start(&group, "sleep", sleep_result, peer), 0);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 5);
	assert_int_equal(bed_call(peer, BED_ECHO, "x", 1, &reply, &sent), -DER_OVERLOAD_RETRY);
	assert_non_null(reply.message);
	rpc_reply_free(&reply);
	assert_int_equal(fiber_group_wait(&group), 0);
	assert_int_equal(bed_echo(peer, "room again"), 0);
	rpc_peer_put(peer);
	return 0;
}

static void
test_requests(void **state)
{
	struct bed *bed = *state;

	bed->server_options.request_limit = 5;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), requests, bed), 0);
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_BUSY), 1);
	assert_int_equal(bed->server[0].executed, 1 + 5 + 1);
}

/* ------------------------------------------------ connections */

static int
connections(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct rpc_peer *peers[4];

	for (uint32_t i = 0; i < 4; i++)
		peers[i] = bed_peer(end, i);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(bed_echo(peers[i], "in"), 0);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 3);
	assert_int_equal(bed_echo(peers[3], "out"), -DER_OVERLOAD_RETRY);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 3);
	rpc_peer_put(peers[0]);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_int_equal(bed_echo(peers[3], "in"), 0);
	for (uint32_t i = 1; i < 4; i++)
		rpc_peer_put(peers[i]);
	return 0;
}

static void
test_connections(void **state)
{
	struct bed *bed = *state;

	bed->server_options.connection_limit = 3;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), connections, bed), 0);
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_REFUSED), 1);
}

/* ------------------------------------------------ idleness */

static int
idle(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct rpc_peer *peer = bed_peer(end, 0);
	bool sent;

	assert_int_equal(bed_echo(peer, "one"), 0);
	assert_int_equal(fiber_sleep(900 * BED_MS), 0);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 1);
	assert_int_equal(bed_echo(peer, "two"), 0);
	assert_int_equal(fiber_sleep(900 * BED_MS), 0);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 1);
	assert_int_equal(fiber_sleep(200 * BED_MS), 0);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 0);
	/* A call longer than that keeps its connection. */
	assert_int_equal(bed_sleep(peer, 5 * BED_SECOND, &sent), 0);
	assert_int_equal(bed_count(end->rpc, METRIC_RECONNECTS), 1);
	rpc_peer_put(peer);
	return 0;
}

static void
test_idle(void **state)
{
	struct bed *bed = *state;

	bed->client_options.idle_ns = BED_SECOND;
	bed_server_start(bed, 1);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), idle, bed), 0);
}

/* ------------------------------------------------ memory */

/*
 * Every allocation of the client fails once in turn: an error comes back, and nothing stays behind.
 */
static int
no_memory(struct bed_end *end, void *argument)
{
	uint64_t *nth = argument;
	static const char *const addresses[] = {BED_ADDRESS};
	struct rpc_peer *peer;
	int rc;

	arena_fail_at(end->env->arena, *nth);
	rc = rpc_peer_get(end->rpc, addresses, 1, 0, &peer);
	if (rc == 0) {
		rc = bed_echo(peer, "memory");
		rpc_peer_put(peer);
	}
	arena_fail_at(end->env->arena, 0);
	return rc;
}

static void
test_no_memory(void **state)
{
	struct bed *bed = *state;
	struct bed_end *end;
	uint32_t failures = 0;

	bed_server_start(bed, 1);
	end = bed_client_start(bed, 0, 0);
	for (uint64_t nth = 1; nth <= 8; nth++) {
		uint64_t used = arena_used(end->env->arena);
		int rc = bed_run(end, no_memory, &nth);

		assert_true(rc == 0 || rc == -DER_NOMEM);
		failures += rc != 0;
		assert_int_equal(arena_used(end->env->arena), used);
	}
	assert_true(failures >= 3);
	for (uint64_t nth = 1; nth <= 4; nth++) {
		int rc;

		uint64_t none = 0;

		arena_fail_at(bed->server[0].env->arena, nth);
		rc = bed_run(end, no_memory, &none);
		arena_fail_at(bed->server[0].env->arena, 0);
		assert_true(rc == 0 || rc == -DER_NOMEM || rc == -DER_OVERLOAD_RETRY ||
			    rc == -DER_UNREACH);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_credits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credits_abandoned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credits_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connections, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc limits", tests, NULL, NULL);
}
