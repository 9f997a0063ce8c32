/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Time, determinism, and several loops in one world. */
#include "fixture.h"

#define SECOND 1000000000ull

static int
sleep_a_day(void *argument)
{
	struct fixture *fixture = argument;
	uint64_t start = env_monotonic(fixture->env);

	for (unsigned i = 0; i < 48; i++)
		CHECK(fiber_sleep(60 * SECOND) == 0);
	CHECK(env_monotonic(fixture->env) - start == 48 * 60 * SECOND);
	return 0;
}

/* Sleeping costs virtual time only, and exactly as much as asked. */
static void
test_sleep(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 1, STORAGE_THIN);
	fixture_run(&fixture, sleep_a_day, &fixture);
	fixture_close(&fixture);
}

static void
test_clocks(void **state)
{
	struct memory_env_options options = {.node = "late",
					     .realtime_offset = -5 * (int64_t)SECOND};
	struct memory_world *world;
	struct env *env;

	(void)state;
	assert_int_equal(memory_world_create(1, &world), 0);
	assert_int_equal(memory_env_create(world, &options, &env), 0);
	assert_int_equal(env_monotonic(env), MEMORY_MONOTONIC_START);
	assert_int_equal(env_realtime(env), MEMORY_REALTIME_START - 5 * SECOND);
	memory_world_advance(world, 7);
	assert_int_equal(env_monotonic(env), MEMORY_MONOTONIC_START + 7);
	assert_int_equal(env_realtime(env), MEMORY_REALTIME_START - 5 * SECOND + 7);
	assert_int_equal(memory_world_now(world), MEMORY_MONOTONIC_START + 7);
	memory_env_destroy(env);
	memory_world_destroy(world);
}

struct history {
	struct fixture *fixture;
	uint64_t hash;
};

static int
write_at_random(void *argument)
{
	struct history *history = argument;
	struct fixture *fixture = history->fixture;
	uint64_t block = env_random(fixture->env) % 16;

	memset(fixture->buffer, 1, DISK_BLOCK);
	CHECK(fiber_sleep(env_random(fixture->env) % 100000) == 0);
	CHECK(disk_write(fixture->disk, fixture->buffer, DISK_BLOCK, block * DISK_BLOCK, false) ==
	      0);
	history->hash =
		hash_combine(history->hash, hash_combine(block, env_monotonic(fixture->env)));
	return 0;
}

static int
many_writers(void *argument)
{
	struct fiber_group group;
	int rc = 0;

	fiber_group_init(&group);
	for (unsigned i = 0; i < 20; i++)
		rc = rc ? rc : fiber_group_start(&group, "writer", write_at_random, argument);
	CHECK(fiber_group_wait(&group) == 0);
	return rc;
}

static uint64_t
history_of(uint64_t seed)
{
	struct memory_disk_options options = {.write_ns = 5000, .any_order = true};
	struct fixture fixture;
	struct history history = {&fixture, 0};

	fixture_open(&fixture, seed, 16, STORAGE_ALLOCATED);
	memory_disk_configure(fixture.world, "node", "disk", &options);
	fixture_run(&fixture, many_writers, &history);
	fixture_close(&fixture);
	return history.hash;
}

static void
test_deterministic(void **state)
{
	(void)state;
	assert_int_equal(history_of(5), history_of(5));
	assert_int_not_equal(history_of(5), history_of(6));
}

struct turn {
	unsigned number;
	unsigned *next;
	unsigned *order;
};

static void
take_turn(void *argument)
{
	struct turn *turn = argument;

	turn->order[(*turn->next)++] = turn->number;
}

#define TURNS 8

/* Whether TURNS fibers that are ready at once run in the order of their start. */
static bool
runs_in_order(bool shuffle)
{
	struct memory_env_options options = {.shuffle = shuffle};
	struct turn turns[TURNS];
	unsigned order[TURNS];
	struct memory_world *world;
	struct fiber *fiber;
	struct loop *loop;
	struct env *env;
	unsigned next = 0;
	bool in_order = true;

	assert_int_equal(memory_world_create(1, &world), 0);
	assert_int_equal(memory_env_create(world, &options, &env), 0);
	assert_int_equal(loop_create(env, NULL, &loop), 0);
	for (unsigned i = 0; i < TURNS; i++) {
		turns[i] = (struct turn){i, &next, order};
		assert_int_equal(fiber_start(loop, "turn", take_turn, &turns[i], &fiber), 0);
	}
	loop_step(loop, 0);
	assert_int_equal(next, TURNS);
	for (unsigned i = 0; i < TURNS; i++)
		in_order &= order[i] == i;
	loop_destroy(loop);
	memory_env_destroy(env);
	memory_world_destroy(world);
	return in_order;
}

static void
test_shuffle(void **state)
{
	(void)state;
	assert_true(runs_in_order(false));
	assert_false(runs_in_order(true));
}

struct crossing {
	struct loop *other;
	uint64_t sleep_ns;
	unsigned calls;
};

static int
on_the_other(void *argument)
{
	struct crossing *crossing = argument;

	CHECK(loop_current() == crossing->other);
	crossing->calls++;
	return crossing->sleep_ns ? fiber_sleep(crossing->sleep_ns) : 0;
}

static int
cross(void *argument)
{
	struct crossing *crossing = argument;

	for (unsigned i = 0; i < 100; i++) {
		crossing->sleep_ns = i * 1000;
		CHECK(loop_call(crossing->other, on_the_other, crossing) == 0);
	}
	return 0;
}

/* Messages between loops take no virtual time beyond idle polls, though both loops sleep for long
 * in between. */
static void
test_loop_calls(void **state)
{
	struct fixture one, two;
	struct crossing crossing;
	struct loop *loops[2];
	uint64_t start;

	(void)state;
	fixture_open(&one, 1, 1, STORAGE_THIN);
	two = (struct fixture){.world = one.world};
	fixture_open_env(&two, "node");
	crossing = (struct crossing){.other = two.loop};
	loops[0] = one.loop;
	loops[1] = two.loop;
	start = memory_world_now(one.world);
	assert_int_equal(memory_run_all(one.world, loops, 2, cross, &crossing), 0);
	assert_int_equal(crossing.calls, 100);
	assert_in_range(memory_world_now(one.world) - start, 99 * 50 * 1000,
			99 * 50 * 1000 + 1000000);
	fixture_close_env(&two);
	fixture_close(&one);
}

struct ball {
	struct loop_message message;
	struct loop **loops;
	unsigned at;
	unsigned throws;
};

static void
throw_on(struct loop_message *message)
{
	struct ball *ball = container_of(message, struct ball, message);

	if (++ball->throws == 100)
		return;
	/* Forwards and backwards, so that it also meets loops that were stepped before. */
	ball->at = (ball->at + (ball->throws % 3 ? 2 : 1)) % 3;
	loop_post(ball->loops[ball->at], &ball->message);
}

static bool
ball_at_rest(void *argument)
{
	return ((struct ball *)argument)->throws == 100;
}

/* Time waits for messages that start no fiber, too. */
static void
test_messages(void **state)
{
	struct fixture fixtures[3];
	struct loop *loops[3];
	struct ball ball = {.message.function = throw_on, .loops = loops};
	uint64_t start;

	(void)state;
	fixture_open(&fixtures[0], 1, 1, STORAGE_THIN);
	loops[0] = fixtures[0].loop;
	for (unsigned i = 1; i < 3; i++) {
		fixtures[i] = (struct fixture){.world = fixtures[0].world};
		fixture_open_env(&fixtures[i], "node");
		loops[i] = fixtures[i].loop;
	}
	start = memory_world_now(fixtures[0].world);
	loop_post(loops[0], &ball.message);
	assert_int_equal(
		memory_world_run(fixtures[0].world, loops, 3, ball_at_rest, &ball, 60 * SECOND), 0);
	assert_true(memory_world_now(fixtures[0].world) - start < 1000000);
	for (unsigned i = 3; i-- > 1;)
		fixture_close_env(&fixtures[i]);
	fixture_close(&fixtures[0]);
}

struct sleeper {
	uint64_t nanoseconds;
	uint64_t woke;
	struct env *env;
	unsigned *left;
};

static void
sleep_and_note(void *argument)
{
	struct sleeper *sleeper = argument;

	if (fiber_sleep(sleeper->nanoseconds) == 0)
		sleeper->woke = env_monotonic(sleeper->env);
	(*sleeper->left)--;
}

static bool
none_left(void *argument)
{
	return *(unsigned *)argument == 0;
}

/* No loop sleeps beyond what another one waits for. */
static void
test_common_time(void **state)
{
	unsigned left = 3;
	struct sleeper sleepers[3] = {
		{.nanoseconds = 5 * SECOND}, {.nanoseconds = SECOND}, {.nanoseconds = 3 * SECOND}};
	struct fixture fixtures[3];
	struct loop *loops[3];
	struct fiber *fiber;
	uint64_t start;

	(void)state;
	fixture_open(&fixtures[0], 1, 1, STORAGE_THIN);
	start = memory_world_now(fixtures[0].world);
	for (unsigned i = 0; i < 3; i++) {
		if (i > 0) {
			fixtures[i] = (struct fixture){.world = fixtures[0].world};
			fixture_open_env(&fixtures[i], "other");
		}
		sleepers[i].env = fixtures[i].env;
		sleepers[i].left = &left;
		loops[i] = fixtures[i].loop;
		assert_int_equal(
			fiber_start(loops[i], "sleeper", sleep_and_note, &sleepers[i], &fiber), 0);
	}
	assert_int_equal(
		memory_world_run(fixtures[0].world, loops, 3, none_left, &left, 60 * SECOND), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(sleepers[i].woke - start, sleepers[i].nanoseconds,
				sleepers[i].nanoseconds + 10000);
	for (unsigned i = 3; i-- > 1;)
		fixture_close_env(&fixtures[i]);
	fixture_close(&fixtures[0]);
}

/* Where nothing can happen any more, a run ends at its limit and at once. */
static void
test_stuck(void **state)
{
	unsigned left = 1;
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, 1, 1, STORAGE_THIN);
	assert_int_equal(memory_world_run(fixture.world, &fixture.loop, 1, none_left, &left,
					  600 * SECOND),
			 -DER_TIMEDOUT);
	assert_int_equal(memory_world_now(fixture.world), MEMORY_MONOTONIC_START + 600 * SECOND);
	fixture_close(&fixture);
}

static int
sleep_long(void *argument)
{
	(void)argument;
	return fiber_sleep(10 * SECOND);
}

/* An env that nobody steps any more does not hold the clock. */
static void
test_absent_env(void **state)
{
	struct fixture fixture, absent;

	(void)state;
	fixture_open(&fixture, 1, 1, STORAGE_THIN);
	absent = (struct fixture){.world = fixture.world};
	fixture_open_env(&absent, "other");
	fixture_run(&absent, sleep_long, &absent);
	fixture_run(&fixture, sleep_long, &fixture);
	for (unsigned i = 0; i < 1000; i++)
		loop_step(fixture.loop, SECOND);
	assert_true(memory_world_now(fixture.world) > MEMORY_MONOTONIC_START + 500 * SECOND);
	fixture_close_env(&absent);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleep),	      cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_deterministic), cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_loop_calls),    cmocka_unit_test(test_messages),
		cmocka_unit_test(test_common_time),   cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_absent_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
