/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The window of exactly-once sequences: order, confirmation, and its limit. */
#include "bed.h"

static int
setup(void **state)
{
	static struct bed bed;

	bed_init(&bed);
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

static int
rules(struct bed_end *end, void *argument)
{
	struct rpc_window *window;
	struct request_id ids[5], next;

	(void)argument;
	assert_int_equal(rpc_window_create(end->rpc, &window), 0);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(rpc_window_open(window, &ids[i]), 0);
		assert_int_equal(ids[i].sequence, i + 1);
		assert_int_equal(ids[i].confirmed, 1);
		assert_true(uuid_equal(&ids[i].client, &end->rpc->options.incarnation));
		assert_true(i == 0 || ids[i].first_sent > ids[i - 1].first_sent);
	}
	/* 1 stays open: nothing is confirmed though 2 and 3 are answered. */
	rpc_window_close(window, &ids[1]);
	rpc_window_close(window, &ids[2]);
	assert_int_equal(rpc_window_open(window, &next), 0);
	assert_int_equal(next.sequence, 6);
	assert_int_equal(next.confirmed, 1);
	rpc_window_close(window, &next);
	rpc_window_close(window, &ids[0]);
	assert_int_equal(rpc_window_open(window, &next), 0);
	assert_int_equal(next.confirmed, 4);
	rpc_window_close(window, &next);
	rpc_window_close(window, &ids[3]);
	rpc_window_close(window, &ids[4]);
	assert_int_equal(rpc_window_open(window, &next), 0);
	assert_int_equal(next.sequence, 8);
	assert_int_equal(next.confirmed, 8);
	rpc_window_close(window, &next);
	rpc_window_destroy(window);
	return 0;
}

static void
test_rules(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], rules, NULL), 0);
}

struct opener {
	struct rpc_window *window;
	struct request_id id;
	int result;
	bool ended;
};

static void
opener(void *argument)
{
	struct opener *opener = argument;

	opener->result = rpc_window_open(opener->window, &opener->id);
	opener->ended = true;
}

static int
limit(struct bed_end *end, void *argument)
{
	struct request_id ids[REQUEST_WINDOW];
	struct opener waiting = {.ended = false};
	struct rpc_window *window;

	(void)argument;
	assert_int_equal(rpc_window_create(end->rpc, &window), 0);
	for (uint32_t i = 0; i < REQUEST_WINDOW; i++)
		assert_int_equal(rpc_window_open(window, &ids[i]), 0);
	waiting.window = window;
	assert_int_equal(fiber_start(end->loop, "opener", opener, &waiting, NULL), 0);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_false(waiting.ended);
	/* A later one does not make room: the target could not tell it apart. */
	rpc_window_close(window, &ids[REQUEST_WINDOW - 1]);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_false(waiting.ended);
	rpc_window_close(window, &ids[0]);
	assert_int_equal(fiber_sleep(BED_MS), 0);
	assert_true(waiting.ended);
	assert_int_equal(waiting.id.sequence, REQUEST_WINDOW + 1);
	assert_int_equal(waiting.id.confirmed, 2);
	fiber_set_deadline(env_monotonic(end->env) + BED_MS);
	assert_int_equal(rpc_window_open(window, &ids[0]), -DER_TIMEDOUT);
	fiber_set_deadline(0);
	for (uint32_t i = 1; i < REQUEST_WINDOW - 1; i++)
		rpc_window_close(window, &ids[i]);
	rpc_window_close(window, &waiting.id);
	rpc_window_destroy(window);
	return 0;
}

static void
test_limit(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], limit, NULL), 0);
}

/* Against the plainest model: a list of open sequences. */
static int
model(struct bed_end *end, void *argument)
{
	struct request_id open[REQUEST_WINDOW];
	uint32_t count_open = 0;
	uint64_t expected = 1;
	struct rpc_window *window;

	(void)argument;
	assert_int_equal(rpc_window_create(end->rpc, &window), 0);
	for (uint32_t step = 0; step < 20000; step++) {
		uint64_t lowest = expected;

		for (uint32_t i = 0; i < count_open; i++)
			lowest = min_of(lowest, open[i].sequence);
		if (count_open > 0 &&
		    (expected - lowest >= REQUEST_WINDOW || env_random(end->env) % 2)) {
			uint32_t index = (uint32_t)(env_random(end->env) % count_open);

			rpc_window_close(window, &open[index]);
			open[index] = open[--count_open];
			continue;
		}
		assert_int_equal(rpc_window_open(window, &open[count_open]), 0);
		assert_int_equal(open[count_open].sequence, expected++);
		assert_int_equal(open[count_open].confirmed, lowest);
		count_open++;
	}
	while (count_open > 0)
		rpc_window_close(window, &open[--count_open]);
	rpc_window_destroy(window);
	return 0;
}

static void
test_model(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_run(&bed->client[0], model, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_model, setup, teardown),
	};

	return cmocka_run_group_tests_name("rpc window", tests, NULL, NULL);
}
