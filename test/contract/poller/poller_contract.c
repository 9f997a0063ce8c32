/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What every poller keeps: it sleeps as long as it is told, no longer, and without burning the
 * processor. */
#include "poller_contract.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#define MILLISECOND 1000000ull
#define SECOND 1000000000ull

struct place {
	struct subject *subject;
	struct env *env;
	struct poller *poller;
};

static void
place_open(struct place *place, struct subject *subject)
{
	place->subject = subject;
	place->env = subject->env_open(subject, "poller");
	place->poller = place->env->poller;
}

static void
place_close(struct place *place)
{
	place->subject->env_close(place->subject, place->env);
}

/* Processor time of this thread. */
static uint64_t
thread_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void
test_no_timeout(void **state)
{
	struct place place;
	uint64_t before;

	place_open(&place, *state);
	before = env_monotonic(place.env);
	for (unsigned i = 0; i < 100; i++)
		place.poller->poll(place.poller, 0);
	assert_true(env_monotonic(place.env) - before < 5 * SECOND);
	place_close(&place);
}

/* It may return early, but neither often nor busily. */
static void
test_timeout(void **state)
{
	struct place place;
	uint64_t start, until, spent;
	unsigned polls = 0;

	place_open(&place, *state);
	/* Whatever is set up at the first poll is not meant. */
	place.poller->poll(place.poller, 0);
	start = env_monotonic(place.env);
	until = start + 200 * MILLISECOND;
	spent = thread_time();
	while (env_monotonic(place.env) < until) {
		place.poller->poll(place.poller, until - env_monotonic(place.env));
		polls++;
	}
	spent = thread_time() - spent;
	assert_in_range(polls, 1, 20);
	assert_true(spent < 100 * MILLISECOND);
	assert_true(env_monotonic(place.env) - start < 10 * SECOND);
	place_close(&place);
}

/* A wake before the sleep ends it, once. */
static void
test_wake_before(void **state)
{
	struct place place;
	uint64_t start;

	place_open(&place, *state);
	start = env_monotonic(place.env);
	place.poller->wake(place.poller);
	place.poller->wake(place.poller);
	place.poller->poll(place.poller, 60 * SECOND);
	assert_true(env_monotonic(place.env) - start < 30 * SECOND);
	start = env_monotonic(place.env);
	for (unsigned i = 0; i < 10 && env_monotonic(place.env) - start < 5 * MILLISECOND; i++)
		place.poller->poll(place.poller, 5 * MILLISECOND);
	assert_true(env_monotonic(place.env) - start >= 5 * MILLISECOND);
	place_close(&place);
}

static void *
wake_later(void *argument)
{
	struct poller *poller = argument;
	struct timespec delay = {.tv_nsec = 20 * MILLISECOND};

	nanosleep(&delay, NULL);
	poller->wake(poller);
	return NULL;
}

/* The sleeper sleeps again when it returned early: only the wake ends it before 60 s. */
static void
test_wake_from_thread(void **state)
{
	struct place place;
	uint64_t start;
	pthread_t thread;

	place_open(&place, *state);
	start = env_monotonic(place.env);
	assert_int_equal(pthread_create(&thread, NULL, wake_later, place.poller), 0);
	while (env_monotonic(place.env) - start < 20 * MILLISECOND)
		place.poller->poll(place.poller, 60 * SECOND);
	assert_true(env_monotonic(place.env) - start < 30 * SECOND);
	assert_int_equal(pthread_join(thread, NULL), 0);
	place_close(&place);
}

struct counter {
	struct loop *loop;
	struct loop_message message;
	unsigned count; /* on the loop only */
	bool taken;
};

static void
count_up(struct loop_message *message)
{
	struct counter *counter = container_of(message, struct counter, message);

	counter->count++;
	/* The next one may be sent: message is free. */
	__atomic_store_n(&counter->taken, true, __ATOMIC_RELEASE);
}

#define POSTS 2000

static void *
post_all(void *argument)
{
	struct counter *counter = argument;

	for (unsigned i = 0; i < POSTS; i++) {
		__atomic_store_n(&counter->taken, false, __ATOMIC_RELEASE);
		loop_post(counter->loop, &counter->message);
		while (!__atomic_load_n(&counter->taken, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	return NULL;
}

/* No wake-up is lost between looking and sleeping: each lost one would cost a sleep of 10 s. */
static void
test_no_lost_wake(void **state)
{
	struct counter counter = {.message.function = count_up};
	struct place place;
	uint64_t start;
	pthread_t thread;

	place_open(&place, *state);
	assert_int_equal(loop_create(place.env, NULL, &counter.loop), 0);
	start = env_monotonic(place.env);
	assert_int_equal(pthread_create(&thread, NULL, post_all, &counter), 0);
	while (counter.count < POSTS)
		loop_step(counter.loop, 10 * SECOND);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(env_monotonic(place.env) - start < 10 * SECOND);
	loop_destroy(counter.loop);
	place_close(&place);
}

static int
sleeper(void *argument)
{
	uint64_t *nanoseconds = argument;

	return fiber_sleep(*nanoseconds);
}

static int
sleepers_body(void *argument)
{
	struct place *place = argument;
	uint64_t times[] = {30 * MILLISECOND, 10 * MILLISECOND, 20 * MILLISECOND, 0};
	uint64_t start = env_monotonic(place->env);
	struct fiber_group group;
	int rc = 0;

	fiber_group_init(&group);
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
		rc = rc ? rc : fiber_group_start(&group, "sleeper", sleeper, &times[i]);
	CHECK(fiber_group_wait(&group) == 0);
	CHECK(rc == 0);
	CHECK(env_monotonic(place->env) - start >= 30 * MILLISECOND);
	CHECK(env_monotonic(place->env) - start < 10 * SECOND);
	return 0;
}

/* Sleeping fibers overlap. */
static void
test_timers(void **state)
{
	struct place place;
	struct loop *loop;

	place_open(&place, *state);
	assert_int_equal(loop_create(place.env, NULL, &loop), 0);
	subject_run(place.subject, loop, sleepers_body, &place);
	loop_destroy(loop);
	place_close(&place);
}

int
poller_contract(struct subject *subject)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_timeout),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_wake_before),
		cmocka_unit_test(test_timers),
	};
	struct CMUnitTest thread_tests[] = {
		cmocka_unit_test(test_wake_from_thread),
		cmocka_unit_test(test_no_lost_wake),
	};
	int failed = SUBJECT_RUN_TESTS(subject, subject->name, tests);

	if (subject->threads)
		failed += SUBJECT_RUN_TESTS(subject, "threads", thread_tests);
	return failed;
}
