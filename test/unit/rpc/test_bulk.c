/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Bulk: the server's pull and push, what it may not touch, and when the memory is closed again. */
#include "bed.h"

#define BULK_SIZE 200000u

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

/* One bulk call on region 0. */
struct bulk_call {
	uint32_t operation;
	uint64_t delay; /* BED_PULL_SLOWLY */
	uint64_t offset;
	uint32_t length;
	bool forged; /* another key than the region's */
};

static int
encode(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	struct bulk_call *bulk = argument;
	struct proto_bulk region = bulks[0];

	if (bulk->operation == BED_PULL_SLOWLY)
		writer_u64(writer, bulk->delay);
	region.key += bulk->forged;
	proto_bulk_encode(writer, region);
	writer_u64(writer, bulk->offset);
	writer_u32(writer, bulk->length);
	return 0;
}

static int
bulk_run(struct rpc_peer *peer, struct bulk_call *bulk, const struct iovec *iov, uint32_t iov_count,
	 enum bulk_access access, struct rpc_reply *ret_reply)
{
	struct rpc_call call = {
		.operation = bulk->operation,
		.regions = {{iov, iov_count, access}},
		.region_count = 1,
		.encode = encode,
		.encode_argument = bulk,
	};
	bool sent;

	return rpc_call(peer, &call, ret_reply, &sent);
}

static int
pull(struct bed_end *end, void *argument)
{
	static uint8_t memory[BULK_SIZE];
	struct iovec iov[2] = {{memory, 1000}, {memory + 1000, BULK_SIZE - 1000}};
	struct rpc_peer *peer = bed_peer(end, 0);
	struct bulk_call bulk = {.operation = BED_PULL, .offset = 500, .length = 60000};
	struct rpc_reply reply;

	(void)argument;
	for (uint32_t i = 0; i < BULK_SIZE; i++)
		memory[i] = (uint8_t)(i * 7 + i / 251);
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_READ, &reply), 0);
	assert_memory_equal(reader_bytes(&reply.body, 60000), memory + 500, 60000);
	rpc_reply_free(&reply);
	bulk.length = 0;
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_READ, &reply), 0);
	rpc_reply_free(&reply);
	/* Beyond the region, the wrong way, another's key. */
	bulk = (struct bulk_call){.operation = BED_PULL, .offset = BULK_SIZE - 10, .length = 11};
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_READ, &reply), -DER_NO_PERM);
	rpc_reply_free(&reply);
	bulk.offset = UINT64_MAX - 4;
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_READ, &reply), -DER_NO_PERM);
	rpc_reply_free(&reply);
	bulk.offset = 0;
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_WRITE, &reply), -DER_NO_PERM);
	rpc_reply_free(&reply);
	bulk.forged = true;
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_READ, &reply), -DER_NO_PERM);
	rpc_reply_free(&reply);
	rpc_peer_put(peer);
	return 0;
}

static void
test_pull(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], pull, NULL), 0);
	assert_int_equal(memory_node_regions(bed->world, "client-0"), 0);
}

static int
push(struct bed_end *end, void *argument)
{
	static uint8_t memory[BULK_SIZE + 2];
	struct iovec iov[2] = {{memory + 1, 3}, {memory + 4, BULK_SIZE - 3}};
	struct rpc_peer *peer = bed_peer(end, 0);
	struct bulk_call bulk = {.operation = BED_PUSH, .offset = 1, .length = BULK_SIZE - 1};
	struct rpc_reply reply;

	(void)argument;
	memset(memory, '.', sizeof(memory));
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_WRITE, &reply), 0);
	/* The reply comes after the data, and neighbours stay as they were. */
	assert_int_equal(memory[0], '.');
	assert_int_equal(memory[1], '.');
	for (uint32_t i = 2; i <= BULK_SIZE; i++)
		assert_int_equal(memory[i], 'p');
	assert_int_equal(memory[BULK_SIZE + 1], '.');
	rpc_reply_free(&reply);
	assert_int_equal(bulk_run(peer, &bulk, iov, 2, BULK_READ, &reply), -DER_NO_PERM);
	rpc_reply_free(&reply);
	rpc_peer_put(peer);
	return 0;
}

static void
test_push(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], push, NULL), 0);
	assert_int_equal(memory_node_regions(bed->world, "client-0"), 0);
}

/*
 * The caller's deadline passes before the server pulls: the memory is closed, and the server learns
 * so.
 */
static int
deadline(struct bed_end *end, void *argument)
{
	static uint8_t memory[1000];
	struct bed *bed = argument;
	struct iovec iov = {memory, sizeof(memory)};
	struct rpc_peer *peer = bed_peer(end, 0);
	struct bulk_call bulk = {
		.operation = BED_PULL_SLOWLY, .delay = BED_SECOND, .length = sizeof(memory)};
	struct rpc_reply reply;

	fiber_set_deadline(env_monotonic(end->env) + 20 * BED_MS);
	assert_int_equal(bulk_run(peer, &bulk, &iov, 1, BULK_READ, &reply), -DER_TIMEDOUT);
	assert_null(reply.message);
	assert_int_equal(memory_node_regions(bed->world, "client-0"), 0);
	fiber_set_deadline(0);
	assert_int_equal(fiber_sleep(2 * BED_SECOND), 0);
	assert_int_equal(bed->server[0].pulled, -DER_NO_PERM);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 0);
	assert_int_equal(bed_echo(peer, "the connection stayed"), 0);
	assert_int_equal(bed_count(end->rpc, METRIC_RECONNECTS), 0);
	rpc_peer_put(peer);
	return 0;
}

static void
test_deadline(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], deadline, bed), 0);
}

/*
 * The client falls silent in the middle of a pull: the server gives up a second after the deadline.
 */
struct silent {
	struct rpc_peer *peer;
	int result;
	bool ended;
};

static void
silent_fiber(void *argument)
{
	static uint8_t memory[1000];
	struct silent *silent = argument;
	struct iovec iov = {memory, sizeof(memory)};
	struct bulk_call bulk = {
		.operation = BED_PULL_SLOWLY, .delay = 10 * BED_MS, .length = sizeof(memory)};
	struct rpc_reply reply;

	fiber_set_deadline(env_monotonic(silent->peer->rpc->env) + 100 * BED_MS);
	silent->result = bulk_run(silent->peer, &bulk, &iov, 1, BULK_READ, &reply);
	rpc_reply_free(&reply);
	silent->ended = true;
}

static int
silence(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct silent silent = {.peer = bed_peer(end, 0)};

	assert_int_equal(bed_echo(silent.peer, "connect"), 0);
	assert_int_equal(fiber_start(end->loop, "silent", silent_fiber, &silent, NULL), 0);
	assert_int_equal(fiber_sleep(5 * BED_MS), 0);
	memory_partition(bed->world, "client-0", "server", true);
	assert_int_equal(fiber_sleep(200 * BED_MS), 0);
	assert_true(silent.ended);
	assert_int_equal(silent.result, -DER_TIMEDOUT);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 1);
	assert_int_equal(fiber_sleep(BED_SECOND), 0);
	assert_int_equal(rpc_serving(bed->server[0].rpc), 0);
	assert_int_equal(rpc_connections(bed->server[0].rpc), 0);
	assert_int_equal(bed->server[0].pulled, -DER_TIMEDOUT);
	memory_partition(bed->world, "client-0", "server", false);
	/* Now the client hears that the connection is gone. */
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_int_equal(bed_echo(silent.peer, "healed"), 0);
	rpc_peer_put(silent.peer);
	return 0;
}

static void
test_silence(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], silence, bed), 0);
}

/* The connection is lost while the server holds a call with memory. */
static int
loss(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;
	struct silent silent = {.peer = bed_peer(end, 0)};

	assert_int_equal(bed_echo(silent.peer, "connect"), 0);
	assert_int_equal(fiber_start(end->loop, "silent", silent_fiber, &silent, NULL), 0);
	assert_int_equal(fiber_sleep(5 * BED_MS), 0);
	assert_int_equal(memory_node_regions(bed->world, "client-0"), 1);
	memory_disconnect(bed->world, "client-0", "server");
	assert_int_equal(fiber_sleep(5 * BED_MS), 0);
	assert_int_equal(silent.result, -DER_AGAIN);
	assert_int_equal(memory_node_regions(bed->world, "client-0"), 0);
	assert_int_equal(bed->server[0].pulled, -DER_UNREACH);
	rpc_peer_put(silent.peer);
	return 0;
}

static void
test_loss(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], loss, bed), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pull, setup, teardown),
		cmocka_unit_test_setup_teardown(test_push, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc bulk", tests, NULL, NULL);
}
