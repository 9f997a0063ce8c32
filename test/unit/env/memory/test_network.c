/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Faults of the network: what the contract suite cannot order of a real one. */
#include "pair.h"

static void
test_drop_after(void **state)
{
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_link_drop_after(pair.world, "client", "server", 3);
	send_frames(&pair.client, 6);
	pass(&pair, SECOND / 10);
	assert_int_equal(pair.server.received, 3);
	assert_int_equal(pair.server.closed, 1);
	assert_int_equal(pair.client.closed, 1);
	pair_close(&pair);
}

static void
test_damage(void **state)
{
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_link_damage_after(pair.world, "client", "server", 1);
	send_frames(&pair.client, 3);
	send_frames(&pair.server, 3);
	pass(&pair, SECOND / 10);
	assert_int_equal(pair.server.received, 3);
	assert_int_equal(pair.server.damaged, 1);
	assert_int_equal(pair.client.damaged, 0);
	pair_close(&pair);
}

static void
test_delay(void **state)
{
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_link_delay(pair.world, "client", "server", SECOND, SECOND);
	send_frames(&pair.client, 4);
	assert_int_equal(pair.client.connection->queued, 32);
	pass(&pair, SECOND - 1000);
	assert_int_equal(pair.server.received, 0);
	pass(&pair, SECOND + 2000);
	assert_int_equal(pair.server.received, 4);
	assert_int_equal(pair.client.connection->queued, 0);
	pair_close(&pair);
}

/* Healed in time, everything arrives late and nothing ends. */
static void
test_partition_heals(void **state)
{
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_partition(pair.world, "client", "server", true);
	send_frames(&pair.client, 3);
	send_frames(&pair.server, 2);
	pass(&pair, 9 * SECOND);
	assert_int_equal(pair.server.received + pair.client.received, 0);
	memory_partition(pair.world, "server", "client", false);
	pass(&pair, SECOND);
	assert_int_equal(pair.server.received, 3);
	assert_int_equal(pair.client.received, 2);
	assert_int_equal(pair.server.closed + pair.client.closed, 0);
	pair_close(&pair);
}

/* Otherwise both sides learn of it at the time-out, idle ones too. */
static void
test_partition_ends(void **state)
{
	struct pair pair;
	uint64_t start;

	(void)state;
	pair_open_connected(&pair, 1);
	start = memory_world_now(pair.world);
	memory_partition(pair.world, "client", "server", true);
	send_frames(&pair.client, 3);
	pass(&pair, 11 * SECOND);
	assert_int_equal(pair.server.closed, 1);
	assert_int_equal(pair.client.closed, 1);
	assert_in_range(pair.server.closed_at - start, 10 * SECOND, 10 * SECOND + SECOND / 10);
	assert_in_range(pair.client.closed_at - start, 10 * SECOND, 10 * SECOND + SECOND / 10);
	memory_partition(pair.world, "client", "server", false);
	pass(&pair, SECOND);
	assert_int_equal(pair.server.received, 0);
	pair_close(&pair);
}

/* A close does not get through a cut either. */
static void
test_partition_hides_close(void **state)
{
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_partition(pair.world, "client", "server", true);
	connection_close(pair.server.connection);
	pair.server.connection = NULL;
	pass(&pair, 5 * SECOND);
	assert_int_equal(pair.client.closed, 0);
	memory_partition(pair.world, "client", "server", false);
	pass(&pair, SECOND);
	assert_int_equal(pair.client.closed, 1);
	pair_close(&pair);
}

static void
test_connect_times_out(void **state)
{
	struct pair pair;
	uint64_t start;

	(void)state;
	pair_open(&pair, 1);
	memory_partition(pair.world, "client", "server", true);
	start = memory_world_now(pair.world);
	client_connect(&pair, 2 * SECOND);
	pass(&pair, 3 * SECOND);
	assert_int_equal(pair.client.closed, 1);
	assert_in_range(pair.client.closed_at - start, 2 * SECOND, 2 * SECOND + SECOND / 10);
	assert_null(pair.server.connection);
	memory_partition(pair.world, "client", "server", false);
	pass(&pair, SECOND);
	pair_close(&pair);
}

static void
test_disconnect(void **state)
{
	struct pair pair;

	(void)state;
	pair_open_connected(&pair, 1);
	memory_disconnect(pair.world, "client", "server");
	pass(&pair, SECOND);
	assert_int_equal(pair.server.closed, 1);
	assert_int_equal(pair.client.closed, 1);
	pair_close(&pair);
}

/* Of the frames of a crashed node a beginning arrives, of any length; then the end. */
static void
test_crash(void **state)
{
	unsigned none = 0, some = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 32; seed++) {
		struct pair pair;

		pair_open_connected(&pair, seed);
		send_frames(&pair.client, 5);
		loop_abandon(pair.loops[1]);
		memory_env_crash(pair.envs[1]);
		pair.envs[1] = NULL;
		pass(&pair, SECOND);
		assert_int_equal(pair.server.closed, 1);
		assert_true(pair.server.received <= 5 && pair.server.damaged == 0);
		none += pair.server.received == 0;
		some += pair.server.received > 0;
		pair_close(&pair);
	}
	assert_true(none > 0 && some > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop_after),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_partition_heals),
		cmocka_unit_test(test_partition_ends),
		cmocka_unit_test(test_partition_hides_close),
		cmocka_unit_test(test_connect_times_out),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
