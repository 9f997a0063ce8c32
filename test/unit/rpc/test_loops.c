/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A connection arrives on the loop that its hello names. */
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

static int
tags(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;

	for (uint32_t tag = 0; tag < 4; tag++) {
		struct rpc_peer *peer = bed_peer(end, tag);

		for (uint32_t i = 0; i < 3; i++) {
			struct rpc_reply reply;
			bool sent;

			assert_int_equal(bed_call(peer, BED_WHERE, NULL, 0, &reply, &sent), 0);
			assert_int_equal(reader_u32(&reply.body), tag % 2);
			rpc_reply_free(&reply);
		}
		assert_int_equal(rpc_peer_loops(peer), 2);
		assert_int_equal(rpc_connections(bed->server[0].rpc), 1 + (tag == 2));
		rpc_peer_put(peer);
		assert_int_equal(fiber_sleep(BED_MS), 0);
		if (tag == 0)
			(void)bed_echo(bed_peer(end, 0), "keeps one open");
	}
	return 0;
}

static int
tags_and_put(struct bed_end *end, void *argument)
{
	int rc = tags(end, argument);
	struct rpc_peer *kept = bed_peer(end, 0);

	rpc_peer_put(kept);
	rpc_peer_put(kept);
	return rc;
}

static void
test_tags(void **state)
{
	struct bed *bed = *state;

	bed_server_start(bed, 2);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), tags_and_put, bed), 0);
	assert_int_equal(bed_count(bed->server[0].rpc, METRIC_REQUESTS), 3 + 3 + 1);
	assert_int_equal(bed_count(bed->server[1].rpc, METRIC_REQUESTS), 6);
	assert_int_equal(loop_cross_calls(bed->server[0].loop), 0);
	assert_int_equal(loop_cross_calls(bed->server[1].loop), 0);
}

/* ------------------------------------------------ many at once */

#define CROWD 80

struct crowd {
	struct rpc_peer *peer;
	uint32_t *busy;
};

static int
crowd_call(void *argument)
{
	struct crowd *crowd = argument;
	int rc = bed_echo(crowd->peer, "crowd");

	*crowd->busy += rc == -DER_OVERLOAD_RETRY;
	return rc == -DER_OVERLOAD_RETRY ? 0 : rc;
}

/*
 * More connections at the same moment than places for hand-overs: all come in, or hear that it is
 * busy.
 */
static int
crowd(struct bed_end *end, void *argument)
{
	uint32_t *busy = argument;
	struct crowd members[CROWD];
	struct fiber_group group;

	fiber_group_init(&group);
	for (uint32_t i = 0; i < CROWD; i++) {
		members[i] = (struct crowd){bed_peer(end, 2 * i + 1), busy};
		assert_int_equal(fiber_group_start(&group, "crowd", crowd_call, &members[i]), 0);
	}
	assert_int_equal(fiber_group_wait(&group), 0);
	/* Whoever was refused comes in later. */
	for (uint32_t i = 0; i < CROWD; i++) {
		assert_int_equal(bed_echo(members[i].peer, "again"), 0);
		rpc_peer_put(members[i].peer);
	}
	return 0;
}

static void
test_crowd(void **state)
{
	struct bed *bed = *state;
	uint32_t busy = 0;

	bed_server_start(bed, 2);
	assert_int_equal(bed_run(bed_client_start(bed, 0, 0), crowd, &busy), 0);
	assert_int_equal(busy, CROWD - HANDOVERS);
	bed_pause(&bed->client[0], 10 * BED_MS);
	assert_int_equal(rpc_connections(bed->server[1].rpc), 0);
	assert_false(rpc_handovers_pending(bed->server[1].rpc));
}

/* ------------------------------------------------ stopping */

struct stopping {
	struct rpc_peer *peer;
	int result;
	bool ended;
};

static void
stopping_fiber(void *argument)
{
	struct stopping *stopping = argument;

	stopping->result = bed_echo(stopping->peer, "too late");
	stopping->ended = true;
}

static int
stopping_start(struct bed_end *end, void *argument)
{
	struct stopping *stopping = argument;

	stopping->peer = bed_peer(end, 1);
	return fiber_start(end->loop, "stopping", stopping_fiber, stopping, NULL);
}

static int
stopping_end(struct bed_end *end, void *argument)
{
	struct stopping *stopping = argument;

	while (!stopping->ended) {
		int rc = fiber_sleep(BED_MS);

		if (rc)
			return rc;
	}
	rpc_peer_put(stopping->peer);
	return end->rpc == NULL;
}

static bool
on_its_way(void *argument)
{
	return rpc_handovers_pending(argument);
}

/*
 * A connection is on its way to a loop whose RPC end goes away: it ends, and leaves nothing behind.
 */
static void
test_stopping(void **state)
{
	struct bed *bed = *state;
	struct stopping stopping = {.ended = false};
	struct bed_end *end;
	struct loop *loops[2];

	bed_server_start(bed, 2);
	end = bed_client_start(bed, 0, 0);
	assert_int_equal(bed_run(end, stopping_start, &stopping), 0);
	loops[0] = bed->server[0].loop;
	loops[1] = end->loop;
	/* Loop 1 stands still until the hand-over waits for it. */
	assert_int_equal(memory_world_run(bed->world, loops, 2, on_its_way, bed->server[1].rpc,
					  BED_SECOND),
			 0);
	/* As rpc_destroy() does first, in the turn before the message arrives. */
	bed->server[1].rpc->closing = true;
	bed_server_stop(bed);
	assert_int_equal(bed_run(end, stopping_end, &stopping), 0);
	assert_int_equal(stopping.result, -DER_UNREACH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopping, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc loops", tests, NULL, NULL);
}
