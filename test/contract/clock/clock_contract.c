/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What every clock and every source of randomness keeps. */
#include "clock_contract.h"

#define YEAR_2020_NS 1577836800000000000ull
#define MILLISECOND 1000000ull

struct place {
	struct subject *subject;
	struct env *env;
	struct loop *loop;
};

static void
place_open(struct place *place, struct subject *subject)
{
	place->subject = subject;
	place->env = subject->env_open(subject, "clock");
	assert_int_equal(loop_create(place->env, NULL, &place->loop), 0);
}

static void
place_close(struct place *place)
{
	loop_destroy(place->loop);
	place->subject->env_close(place->subject, place->env);
}

static void
test_monotonic(void **state)
{
	struct place place;
	uint64_t before;

	place_open(&place, *state);
	before = env_monotonic(place.env);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now = env_monotonic(place.env);

		assert_true(now >= before);
		before = now;
		if (i % 1000 == 0)
			place.env->poller->poll(place.env->poller, 0);
	}
	place_close(&place);
}

/* Both clocks advance by what a fiber slept, at least. */
static int
sleep_body(void *argument)
{
	struct place *place = argument;
	uint64_t monotonic = env_monotonic(place->env);
	uint64_t realtime = env_realtime(place->env);

	CHECK(fiber_sleep(20 * MILLISECOND) == 0);
	CHECK(env_monotonic(place->env) - monotonic >= 20 * MILLISECOND);
	/* Real time may be corrected meanwhile, but not by much. */
	CHECK(env_realtime(place->env) - realtime >= 10 * MILLISECOND);
	return 0;
}

static void
test_sleep(void **state)
{
	struct place place;

	place_open(&place, *state);
	subject_run(place.subject, place.loop, sleep_body, &place);
	place_close(&place);
}

static void
test_realtime(void **state)
{
	struct place place;

	place_open(&place, *state);
	assert_true(env_realtime(place.env) > YEAR_2020_NS);
	assert_true(env_realtime(place.env) < 4 * YEAR_2020_NS);
	place_close(&place);
}

#define DRAWS 1024

/* No value twice, and every bit both ways about half of the time; 64-bit values repeat with
 * probability 2^-45. */
static void
test_randomness(void **state)
{
	uint64_t drawn[DRAWS];
	unsigned ones[64] = {0};
	struct place place;

	place_open(&place, *state);
	for (unsigned i = 0; i < DRAWS; i++) {
		drawn[i] = env_random(place.env);
		for (unsigned k = 0; k < i; k++)
			assert_true(drawn[k] != drawn[i]);
		for (unsigned bit = 0; bit < 64; bit++)
			ones[bit] += drawn[i] >> bit & 1;
	}
	for (unsigned bit = 0; bit < 64; bit++)
		assert_in_range(ones[bit], DRAWS / 2 - 160, DRAWS / 2 + 160);
	place_close(&place);
}

/* Two envs do not draw the same. */
static void
test_streams_differ(void **state)
{
	struct subject *subject = *state;
	struct env *one = subject->env_open(subject, "one");
	struct env *other = subject->env_open(subject, "other");

	assert_true(env_random(one) != env_random(other));
	subject->env_close(subject, one);
	subject->env_close(subject, other);
}

int
clock_contract(struct subject *subject)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_monotonic),      cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_realtime),       cmocka_unit_test(test_randomness),
		cmocka_unit_test(test_streams_differ),
	};

	return SUBJECT_RUN_TESTS(subject, subject->name, tests);
}
