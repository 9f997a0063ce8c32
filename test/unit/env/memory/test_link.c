/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Faults of one direction of a link, those of bulk, and what heals them. */
#include "pair.h"

#define MILLISECOND 1000000ull

/* A one-way cut keeps one direction back; the way back goes on. */
static void
test_one_way_cut(void **state)
{
	struct strikes strikes = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_cut(pair.world, "client", "server", true);
	send_frames(&pair.client, 3);
	send_frames(&pair.server, 2);
	pass(&pair, 5 * SECOND);
	assert_int_equal(pair.server.received, 0);
	assert_int_equal(pair.client.received, 2);
	assert_int_equal(strikes.count[MEMORY_FAULT_CUT], 1);
	assert_string_equal(strikes.latest[MEMORY_FAULT_CUT].node, "client");
	assert_string_equal(strikes.latest[MEMORY_FAULT_CUT].peer, "server");
	memory_link_cut(pair.world, "client", "server", false);
	pass(&pair, SECOND);
	assert_int_equal(pair.server.received, 3);
	assert_int_equal(pair.server.closed + pair.client.closed, 0);
	pair_close(&pair);
}

/* After its time-out it ends the connection for both. */
static void
test_one_way_cut_ends(void **state)
{
	struct strikes strikes = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_cut(pair.world, "client", "server", true);
	pass(&pair, 11 * SECOND);
	assert_int_equal(pair.server.closed, 1);
	assert_int_equal(pair.client.closed, 1);
	assert_int_equal(strikes.count[MEMORY_FAULT_CUT_TIMEOUT], 1);
	pair_close(&pair);
}

static void
test_clog(void **state)
{
	struct strikes strikes = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_clog(pair.world, "client", "server", true);
	send_frames(&pair.client, 3);
	send_frames(&pair.server, 1);
	pass(&pair, 1000 * SECOND);
	assert_int_equal(pair.server.received, 0);
	assert_int_equal(pair.client.received, 1);
	assert_int_equal(strikes.count[MEMORY_FAULT_CLOG], 1);
	memory_link_clog(pair.world, "client", "server", false);
	pass(&pair, MILLISECOND);
	assert_int_equal(pair.server.received, 3);
	assert_int_equal(pair.server.closed + pair.client.closed, 0);
	pair_close(&pair);
}

/* The time-out of an attempt to connect is the caller's own and goes on. */
static void
test_clog_and_connect(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair, 1);
	memory_link_clog(pair.world, "server", "client", true);
	memory_link_clog(pair.world, "client", "server", true);
	client_connect(&pair, 2 * SECOND);
	pass(&pair, 3 * SECOND);
	assert_int_equal(pair.client.closed, 1);
	memory_network_heal(pair.world);
	pass(&pair, SECOND);
	pair_close(&pair);
}

/* 8 bytes at 80 bytes per second take a tenth of a second, one behind another. */
static void
test_bandwidth(void **state)
{
	struct strikes strikes = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_bandwidth(pair.world, "client", "server", 80);
	send_frames(&pair.client, 10);
	pass(&pair, 99 * MILLISECOND);
	assert_int_equal(pair.server.received, 0);
	pass(&pair, 402 * MILLISECOND);
	assert_int_equal(pair.server.received, 5);
	pass(&pair, 500 * MILLISECOND);
	assert_int_equal(pair.server.received, 10);
	assert_int_equal(strikes.count[MEMORY_FAULT_BANDWIDTH], 1);
	assert_int_equal(strikes.latest[MEMORY_FAULT_BANDWIDTH].offset, 100 * MILLISECOND);
	pair_close(&pair);
}

static void
test_outlier(void **state)
{
	struct strikes strikes = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_outlier(pair.world, "client", "server", 10, 10 * SECOND);
	send_frames(&pair.client, 100);
	pass(&pair, 5 * SECOND);
	assert_in_range(strikes.count[MEMORY_FAULT_OUTLIER], 1, 30);
	assert_in_range(pair.server.received, 0, 99);
	/* What was sent before the first one is there, what came behind it waits for it. */
	pass(&pair, 6 * SECOND);
	assert_int_equal(pair.server.received, 100);
	assert_int_equal(pair.server.damaged, 0);
	pair_close(&pair);
}

/* Healing the network hastens what is late by its faults, too. */
static void
test_heal(void **state)
{
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_link_outlier(pair.world, "client", "server", 1, 1000 * SECOND);
	memory_link_bandwidth(pair.world, "client", "server", 1);
	memory_link_delay(pair.world, "server", "client", 3000 * SECOND, 0);
	memory_link_drop_after(pair.world, "client", "server", 5);
	send_frames(&pair.client, 3);
	send_frames(&pair.server, 3);
	memory_partition(pair.world, "client", "server", true);
	pass(&pair, SECOND);
	assert_int_equal(pair.server.received + pair.client.received, 0);
	memory_network_heal(pair.world);
	send_frames(&pair.client, 6);
	pass(&pair, MILLISECOND);
	assert_int_equal(pair.server.received, 9);
	assert_int_equal(pair.client.received, 3);
	assert_int_equal(pair.client.closed + pair.server.closed, 0);
	pair_close(&pair);
}

static void
test_reset_and_drop_are_told(void **state)
{
	struct strikes strikes = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_damage_after(pair.world, "client", "server", 0);
	memory_link_drop_after(pair.world, "client", "server", 1);
	send_frames(&pair.client, 2);
	pass(&pair, SECOND);
	assert_int_equal(strikes.count[MEMORY_FAULT_DAMAGE], 1);
	assert_int_equal(strikes.count[MEMORY_FAULT_DROP], 1);
	assert_int_equal(strikes.latest[MEMORY_FAULT_DROP].length, 8);
	pair_close(&pair);
	strikes = (struct strikes){0};
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_disconnect(pair.world, "client", "server");
	pass(&pair, SECOND);
	assert_int_equal(strikes.count[MEMORY_FAULT_RESET], 1);
	pair_close(&pair);
}

/* ------------------------------------------------ bulk */

struct bulk {
	uint8_t target[64];
	uint8_t source[64];
	struct iovec iov; /* borrowed by the transfer */
	uint64_t key;
	struct completion completion;
};

/* The client opens its memory; the server writes to it, or reads from it, and then sends a frame.
 */
static void
bulk_start(struct pair *pair, struct bulk *bulk, enum bulk_access direction)
{
	struct iovec target = {bulk->target, sizeof(bulk->target)};

	bulk->iov = (struct iovec){bulk->source, sizeof(bulk->source)};
	memset(bulk->target, 't', sizeof(bulk->target));
	memset(bulk->source, 's', sizeof(bulk->source));
	assert_int_equal(connection_bulk_register(pair->client.connection, &target, 1,
						  BULK_READ | BULK_WRITE, &bulk->key),
			 0);
	connection_bulk_transfer(pair->server.connection, direction, bulk->key, 0, &bulk->iov, 1,
				 &bulk->completion);
	send_frames(&pair->server, 1);
}

static unsigned
count_others(const uint8_t *data, size_t length, uint8_t value)
{
	unsigned others = 0;

	for (size_t i = 0; i < length; i++)
		others += data[i] != value;
	return others;
}

static void
test_bulk_late(void **state)
{
	struct strikes strikes = {0};
	struct bulk bulk = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_bulk_late(pair.world, "server", "client", 1000 * SECOND);
	bulk_start(&pair, &bulk, BULK_WRITE);
	pass(&pair, MILLISECOND);
	/* The frame has overtaken. */
	assert_int_equal(pair.client.received, 1);
	assert_false(bulk.completion.done);
	assert_int_equal(bulk.target[0], 't');
	assert_int_equal(strikes.count[MEMORY_FAULT_BULK_LATE], 1);
	pass(&pair, strikes.latest[MEMORY_FAULT_BULK_LATE].offset);
	assert_true(bulk.completion.done);
	assert_int_equal(bulk.completion.result, 0);
	assert_int_equal(count_others(bulk.target, sizeof(bulk.target), 's'), 0);
	connection_bulk_deregister(pair.client.connection, bulk.key);
	pair_close(&pair);
}

/* What lands too late is refused, and does not touch the memory. */
static void
test_bulk_too_late(void **state)
{
	struct bulk bulk = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_link_bulk_late(pair.world, "server", "client", 1000 * SECOND);
	bulk_start(&pair, &bulk, BULK_WRITE);
	pass(&pair, MILLISECOND);
	connection_bulk_deregister(pair.client.connection, bulk.key);
	pass(&pair, 1001 * SECOND);
	assert_true(bulk.completion.done);
	assert_int_equal(bulk.completion.result, -DER_NO_PERM);
	assert_int_equal(count_others(bulk.target, sizeof(bulk.target), 't'), 0);
	pair_close(&pair);
}

/* Late bulk that the end of its connection overtook is gone. */
static void
test_bulk_after_the_end(void **state)
{
	struct bulk bulk = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_link_bulk_late(pair.world, "server", "client", 1000 * SECOND);
	bulk_start(&pair, &bulk, BULK_WRITE);
	pass(&pair, MILLISECOND);
	connection_close(pair.server.connection);
	pair.server.connection = NULL;
	assert_true(bulk.completion.done);
	pass(&pair, 1001 * SECOND);
	assert_int_equal(pair.client.closed, 1);
	assert_int_equal(count_others(bulk.target, sizeof(bulk.target), 't'), 0);
	connection_bulk_deregister(pair.client.connection, bulk.key);
	pair_close(&pair);
}

static void
test_bulk_damage(void **state)
{
	struct strikes strikes = {0};
	struct bulk bulk = {0};
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_world_on_strike(pair.world, note_strike, &strikes);
	memory_link_damage_bulk_after(pair.world, "server", "client", 0);
	bulk_start(&pair, &bulk, BULK_WRITE);
	pass(&pair, MILLISECOND);
	assert_int_equal(bulk.completion.result, 0);
	assert_int_equal(count_others(bulk.target, sizeof(bulk.target), 's'), 1);
	assert_int_equal(strikes.count[MEMORY_FAULT_BULK_DAMAGE], 1);
	connection_bulk_deregister(pair.client.connection, bulk.key);
	/* What is read travels the other way. */
	memory_link_damage_bulk_after(pair.world, "client", "server", 0);
	bulk_start(&pair, &bulk, BULK_READ);
	pass(&pair, MILLISECOND);
	assert_int_equal(count_others(bulk.source, sizeof(bulk.source), 't'), 1);
	assert_int_equal(count_others(bulk.target, sizeof(bulk.target), 't'), 0);
	assert_int_equal(strikes.count[MEMORY_FAULT_BULK_DAMAGE], 2);
	assert_int_equal(pair.client.damaged, 0);
	connection_bulk_deregister(pair.client.connection, bulk.key);
	pair_close(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_way_cut),
		cmocka_unit_test(test_one_way_cut_ends),
		cmocka_unit_test(test_clog),
		cmocka_unit_test(test_clog_and_connect),
		cmocka_unit_test(test_bandwidth),
		cmocka_unit_test(test_outlier),
		cmocka_unit_test(test_heal),
		cmocka_unit_test(test_reset_and_drop_are_told),
		cmocka_unit_test(test_bulk_late),
		cmocka_unit_test(test_bulk_too_late),
		cmocka_unit_test(test_bulk_after_the_end),
		cmocka_unit_test(test_bulk_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
