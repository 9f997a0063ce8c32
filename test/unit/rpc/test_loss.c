/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The other side goes away: before and after it executed, for a while, for good. */
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

static int
teardown(void **state)
{
	bed_fini(*state);
	return 0;
}

/* A fiber that sleeps on the server, and what it got. */
struct sleeper {
	struct rpc_peer *peer;
	int result;
	bool sent;
	bool ended;
};

static void
sleeper_fiber(void *argument)
{
	struct sleeper *sleeper = argument;

	sleeper->result = bed_sleep(sleeper->peer, BED_SECOND, &sleeper->sent);
	sleeper->ended = true;
}

static int
sleeper_start(struct bed_end *end, void *argument)
{
	struct sleeper *sleeper = argument;

	sleeper->peer = bed_peer(end, 0);
	return fiber_start(end->loop, "sleeper", sleeper_fiber, sleeper, NULL);
}

static int
put_peer(struct bed_end *end, void *argument)
{
	(void)end;
	rpc_peer_put(argument);
	return 0;
}

static int
echo_peer(struct bed_end *end, void *argument)
{
	(void)end;
	return bed_echo(argument, "echo");
}

/* ------------------------------------------------ the connection */

/* The reply is lost: executed, but the caller cannot know. */
static void
test_reply_lost(void **state)
{
	struct bed *bed = *state;
	struct bed_end *end = &bed->client[0];
	struct sleeper sleeper = {.sent = false};

	assert_int_equal(bed_run(end, sleeper_start, &sleeper), 0);
	bed_pause(end, BED_MS);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 1);
	memory_link_drop_after(bed->world, "server", "client-0", 0);
	bed_pause(end, 2 * BED_SECOND);
	assert_true(sleeper.ended);
	assert_int_equal(sleeper.result, -DER_AGAIN);
	assert_true(sleeper.sent);
	assert_int_equal(bed->server[0].executed, 1);
	assert_int_equal(bed_run(end, echo_peer, sleeper.peer), 0);
	assert_int_equal(bed_count(end->rpc, METRIC_RECONNECTS), 1);
	assert_int_equal(bed_count(end->rpc, METRIC_LOST), 1);
	bed_run(end, put_peer, sleeper.peer);
}

/* The request is lost: not executed, but the caller cannot know that either. */
static void
test_request_lost(void **state)
{
	struct bed *bed = *state;
	struct bed_end *end = &bed->client[0];
	struct sleeper sleeper = {.sent = false};

	/* The hello passes. */
	memory_link_drop_after(bed->world, "client-0", "server", 1);
	assert_int_equal(bed_run(end, sleeper_start, &sleeper), 0);
	bed_pause(end, BED_MS);
	assert_true(sleeper.ended);
	assert_int_equal(sleeper.result, -DER_AGAIN);
	assert_true(sleeper.sent);
	assert_int_equal(bed->server[0].executed, 0);
	bed_run(end, put_peer, sleeper.peer);
}

/* The hello is lost: nothing was sent. */
static void
test_hello_lost(void **state)
{
	struct bed *bed = *state;
	struct bed_end *end = &bed->client[0];
	struct sleeper sleeper = {.sent = true};

	memory_link_drop_after(bed->world, "client-0", "server", 0);
	assert_int_equal(bed_run(end, sleeper_start, &sleeper), 0);
	bed_pause(end, BED_MS);
	assert_true(sleeper.ended);
	assert_int_equal(sleeper.result, -DER_UNREACH);
	assert_false(sleeper.sent);
	bed_run(end, put_peer, sleeper.peer);
}

/* Handlers of a lost connection are canceled; what they would answer is dropped. */
static void
test_handlers_canceled(void **state)
{
	struct bed *bed = *state;
	struct bed_end *end = &bed->client[0];
	struct sleeper sleeper = {.sent = false};

	assert_int_equal(bed_run(end, sleeper_start, &sleeper), 0);
	bed_pause(end, BED_MS);
	memory_disconnect(bed->world, "client-0", "server");
	bed_pause(end, BED_MS);
	assert_int_equal(sleeper.result, -DER_AGAIN);
	assert_int_equal(bed->server[0].canceled, 1);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 0);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 0);
	bed_run(end, put_peer, sleeper.peer);
}

/* A frame damaged on its way ends the connection on either side. */
static void
test_damage(void **state)
{
	struct bed *bed = *state;
	struct bed_end *end = &bed->client[0];

	for (uint32_t i = 0; i < 20; i++) {
		struct rpc_peer *peer = NULL;
		struct sleeper sleeper = {.sent = false};
		bool to_server = i % 2 == 0;

		memory_link_damage_after(bed->world, to_server ? "client-0" : "server",
					 to_server ? "server" : "client-0", 1);
		assert_int_equal(bed_run(end, sleeper_start, &sleeper), 0);
		bed_pause(end, 2 * BED_SECOND);
		assert_true(sleeper.ended);
		assert_int_equal(sleeper.result, -DER_AGAIN);
		peer = sleeper.peer;
		assert_int_equal(bed_run(end, echo_peer, peer), 0);
		bed_run(end, put_peer, peer);
		bed_pause(end, BED_MS);
	}
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_MALFORMED), 10);
	assert_int_equal(bed_count(end->rpc, METRIC_MALFORMED), 10);
	assert_int_equal(bed->server[0].executed, 20 + 10);
}

/* ------------------------------------------------ the server */

static void
test_server_restart(void **state)
{
	struct bed *bed = *state;
	struct bed_end *end = &bed->client[0];
	struct sleeper sleeper = {.sent = false};
	uint64_t used;
	struct uuid before;

	assert_int_equal(bed_run(end, sleeper_start, &sleeper), 0);
	bed_pause(end, BED_MS);
	before = rpc_peer_incarnation(sleeper.peer);
	used = arena_used(end->env->arena);
	for (uint32_t i = 0; i < 20; i++) {
		struct uuid after;

		bed_server_crash(bed);
		bed_pause(end, BED_MS);
		assert_true(sleeper.ended);
		assert_int_equal(sleeper.result, -DER_AGAIN);
		assert_int_equal(bed_run(end, echo_peer, sleeper.peer), -DER_UNREACH);
		bed_server_start(bed, 1);
		assert_int_equal(bed_run(end, echo_peer, sleeper.peer), 0);
		after = rpc_peer_incarnation(sleeper.peer);
		assert_false(uuid_equal(&before, &after));
		before = after;
		rpc_peer_put(sleeper.peer);
		assert_int_equal(bed_run(end, sleeper_start, &sleeper), 0);
		bed_pause(end, BED_MS);
		assert_int_equal(rpc_serving(bed->server[0].rpc), 1);
		assert_int_equal(arena_used(end->env->arena), used);
		assert_int_equal(memory_node_connections(bed->world, "client-0"), 1);
	}
	assert_int_equal(loop_fiber_count(end->loop), 1);
	bed_run(end, put_peer, sleeper.peer);
	bed_pause(end, BED_SECOND);
}

static int
second_address(struct bed_end *end, void *argument)
{
	static const char *const addresses[] = {"memory:nobody", "garbage", BED_ADDRESS};
	static const char *const wrong[] = {"memory:nobody"};
	struct rpc_peer *peer, *same, *other;

	(void)argument;
	assert_int_equal(rpc_peer_get(end->rpc, addresses, 3, 0, &peer), 0);
	assert_int_equal(rpc_peer_get(end->rpc, addresses, 3, 0, &same), 0);
	assert_ptr_equal(peer, same);
	assert_int_equal(rpc_peer_get(end->rpc, addresses, 3, 1, &other), 0);
	assert_ptr_not_equal(peer, other);
	assert_int_equal(bed_echo(peer, "third time lucky"), 0);
	rpc_peer_put(peer);
	rpc_peer_put(same);
	rpc_peer_put(other);
	assert_int_equal(rpc_peer_get(end->rpc, wrong, 1, 0, &peer), 0);
	assert_int_equal(bed_echo(peer, "nobody"), -DER_UNREACH);
	assert_non_null(strstr(error_text(-DER_UNREACH), "memory:nobody"));
	rpc_peer_put(peer);
	assert_int_equal(rpc_peer_get(end->rpc, wrong, 0, 0, &peer), -DER_INVAL);
	return 0;
}

static void
test_addresses(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], second_address, NULL), 0);
}

/* Who is asked when nobody answers. */
struct asked {
	uint32_t times;
	int answer;
};

static int
somebody(void *owner)
{
	struct asked *asked = owner;

	asked->times++;
	assert_int_equal(fiber_sleep(BED_MS), 0);
	return asked->answer ? error_raise(asked->answer, "they are all asleep") : 0;
}

static int
ask(struct bed_end *end, void *argument)
{
	static const char *const wrong[] = {"memory:nobody"};
	struct asked *asked = argument;
	struct rpc_peer *peer;

	assert_int_equal(rpc_peer_get(end->rpc, wrong, 1, 0, &peer), 0);
	/* What is not the absence of somebody is the result, with its text. */
	asked->answer = -DER_NO_PERM;
	assert_int_equal(bed_echo(peer, "nobody"), -DER_NO_PERM);
	assert_string_equal(error_text(-DER_NO_PERM), "they are all asleep");
	assert_int_equal(asked->times, 1);
	/* Tried once more, and no oftener. */
	asked->answer = 0;
	assert_int_equal(bed_echo(peer, "nobody"), -DER_UNREACH);
	assert_non_null(strstr(error_text(-DER_UNREACH), "memory:nobody"));
	assert_int_equal(asked->times, 2);
	rpc_peer_put(peer);
	/* Not asked where there is an answer. */
	peer = bed_peer(end, 0);
	assert_int_equal(bed_echo(peer, "somebody"), 0);
	assert_int_equal(asked->times, 2);
	rpc_peer_put(peer);
	return 0;
}

static void
test_unreached(void **state)
{
	struct bed *bed = *state;
	struct asked asked = {.times = 0};

	bed->client_options.unreached = somebody;
	bed->client_options.unreached_owner = &asked;
	bed_client_start(bed, 1, 0);
	assert_int_equal(bed_run(&bed->client[1], ask, &asked), 0);
	memset(&bed->client_options, 0, sizeof(bed->client_options));
}

/* A server that accepts and says nothing. */
static int
silence(struct bed_end *end, void *argument)
{
	struct rpc_peer *peer = bed_peer(end, 0);
	uint64_t start = env_monotonic(end->env);

	(void)argument;
	assert_int_equal(bed_echo(peer, "anybody"), -DER_UNREACH);
	assert_true(env_monotonic(end->env) - start <= 5 * BED_SECOND + BED_MS);
	fiber_set_deadline(env_monotonic(end->env) + BED_SECOND);
	assert_int_equal(bed_echo(peer, "anybody"), -DER_TIMEDOUT);
	fiber_set_deadline(0);
	rpc_peer_put(peer);
	return 0;
}

static void
test_silence(void **state)
{
	struct bed *bed = *state;

	memory_partition(bed->world, "client-0", "server", true);
	assert_int_equal(bed_run(&bed->client[0], silence, NULL), 0);
	bed_pause(&bed->client[0], 10 * BED_SECOND);
	assert_int_equal(bed->client[0].rpc->connectors, 0);
	assert_int_equal(loop_fiber_count(bed->client[0].loop), 0);
}

static void
test_other_system(void **state)
{
	struct bed *bed = *state;
	struct rpc_peer *peer;

	bed->client_options.system = "other";
	bed_client_start(bed, 1, 0);
	peer = bed_peer(&bed->client[1], 0);
	assert_int_equal(bed_run(&bed->client[1], echo_peer, peer), -DER_MISMATCH);
	bed_run(&bed->client[1], put_peer, peer);
}

/* ------------------------------------------------ the client */

static void
test_client_crash(void **state)
{
	struct bed *bed = *state;
	struct bed_end *server = &bed->server[0];
	uint64_t used;
	struct sleeper sleeper;
	struct rpc_peer *other;

	other = bed_peer(bed_client_start(bed, 1, 0), 0);
	assert_int_equal(bed_run(&bed->client[1], echo_peer, other), 0);
	bed_pause(&bed->client[1], BED_MS);
	used = arena_used(server->env->arena);
	for (uint32_t i = 0; i < 20; i++) {
		sleeper = (struct sleeper){.sent = false};
		assert_int_equal(bed_run(&bed->client[0], sleeper_start, &sleeper), 0);
		bed_pause(&bed->client[0], BED_MS);
		assert_int_equal(rpc_serving(server->rpc), 1);
		bed_client_crash(&bed->client[0]);
		assert_int_equal(bed_run(&bed->client[1], echo_peer, other), 0);
		bed_pause(&bed->client[1], BED_MS);
		assert_int_equal(rpc_serving(server->rpc), 0);
		assert_int_equal(rpc_connections(server->rpc), 1);
		assert_int_equal(server->goodbyes, i + 1);
		assert_false(server->goodbye_said);
		assert_int_equal(loop_fiber_count(server->loop), 0);
		/* One task struct more may be kept for reuse. */
		assert_true(arena_used(server->env->arena) <= used + sizeof(struct task) + 64);
		bed_client_start(bed, 0, 0);
	}
	bed_run(&bed->client[1], put_peer, other);
}

static void
test_goodbye(void **state)
{
	struct bed *bed = *state;
	struct rpc_peer *peers[2];

	for (uint32_t i = 0; i < 2; i++) {
		peers[i] = bed_peer(&bed->client[0], i);
		assert_int_equal(bed_run(&bed->client[0], echo_peer, peers[i]), 0);
	}
	bed_run(&bed->client[0], put_peer, peers[0]);
	bed_pause(&bed->client[0], BED_MS);
	assert_int_equal(bed->server[0].goodbyes, 0);
	bed_run(&bed->client[0], put_peer, peers[1]);
	bed_pause(&bed->client[0], BED_MS);
	assert_int_equal(bed->server[0].goodbyes, 1);
	assert_false(bed->server[0].goodbye_said);
	peers[0] = bed_peer(&bed->client[0], 0);
	assert_int_equal(bed_run(&bed->client[0], echo_peer, peers[0]), 0);
	bed_client_leave(&bed->client[0]);
	/* A peer may be put after the end. */
	rpc_peer_put(peers[0]);
	bed_pause(&bed->server[0], BED_MS);
	assert_int_equal(bed->server[0].goodbyes, 2);
	assert_true(bed->server[0].goodbye_said);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 0);
}

/* ------------------------------------------------ ending with work under way */

struct destroyed {
	struct sleeper sleeper;
	struct sleeper connecting;
};

static int
destroy_busy(struct bed_end *end, void *argument)
{
	struct destroyed *destroyed = argument;
	struct rpc_peer *peers[2] = {bed_peer(end, 0), bed_peer(end, 1)};

	destroyed->sleeper.peer = peers[0];
	destroyed->connecting.peer = peers[1];
	assert_int_equal(bed_echo(peers[0], "connect"), 0);
	assert_int_equal(fiber_start(end->loop, "s", sleeper_fiber, &destroyed->sleeper, NULL), 0);
	assert_int_equal(fiber_start(end->loop, "c", sleeper_fiber, &destroyed->connecting, NULL),
			 0);
	fiber_yield();
	fiber_yield();
	rpc_destroy(end->rpc);
	fiber_yield();
	assert_true(destroyed->sleeper.ended && destroyed->connecting.ended);
	assert_int_equal(destroyed->sleeper.result, -DER_CANCELED);
	assert_int_equal(destroyed->connecting.result, -DER_CANCELED);
	assert_false(destroyed->connecting.sent);
	assert_int_equal(bed_echo(peers[0], "nobody"), -DER_CANCELED);
	rpc_peer_put(peers[0]);
	rpc_peer_put(peers[1]);
	return 0;
}

static void
test_destroy_client(void **state)
{
	struct bed *bed = *state;
	struct destroyed destroyed = {.sleeper = {.sent = false}, .connecting = {.sent = true}};

	assert_int_equal(bed_run(&bed->client[0], destroy_busy, &destroyed), 0);
	bed->client[0].rpc = NULL;
}

static void
test_destroy_server(void **state)
{
	struct bed *bed = *state;
	struct sleeper sleeper = {.sent = false};

	assert_int_equal(bed_run(&bed->client[0], sleeper_start, &sleeper), 0);
	bed_pause(&bed->client[0], BED_MS);
	bed_server_stop(bed);
	bed_pause(&bed->client[0], BED_MS);
	assert_int_equal(sleeper.result, -DER_AGAIN);
	assert_int_equal(bed_run(&bed->client[0], echo_peer, sleeper.peer), -DER_UNREACH);
	bed_run(&bed->client[0], put_peer, sleeper.peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reply_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hello_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handlers_canceled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreached, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_system, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_goodbye, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destroy_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destroy_server, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc loss", tests, NULL, NULL);
}
