/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* client_run() and events with functions that only wait: no server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/private.h"

static int
setup(void **state)
{
	(void)state;
	return daos_init();
}

static int
teardown(void **state)
{
	(void)state;
	return daos_fini();
}

struct job {
	uint64_t sleep_ns;
	int result;
	atomic_uint *runs;
};

static int
work(void *argument)
{
	const struct job *job = argument;
	int rc = job->sleep_ns ? fiber_sleep(job->sleep_ns) : 0;

	atomic_fetch_add(job->runs, 1);
	return rc ? rc : job->result;
}

#define MS UINT64_C(1000000)

static void
test_blocking(void **state)
{
	atomic_uint runs = 0;
	struct job job = {.runs = &runs};

	(void)state;
	assert_int_equal(client_run(NULL, work, &job, sizeof(job)), 0);
	job.sleep_ns = MS;
	job.result = -DER_EXIST;
	assert_int_equal(client_run(NULL, work, &job, sizeof(job)), -DER_EXIST);
	assert_int_equal(atomic_load(&runs), 2);
	assert_true(client_last_error()[0] != '\0');
}

static int
fail_with_text(void *argument)
{
	(void)argument;
	return error_raise(-DER_BUSY, "the reason of this very failure");
}

/* On a fiber a call is a call. */
static int
nested(void *argument)
{
	struct fiber *fiber = fiber_current();
	int rc = client_run(NULL, work, argument, 0);

	return fiber_current() == fiber ? rc : -DER_MISC;
}

static void
test_nested_and_text(void **state)
{
	atomic_uint runs = 0;
	struct job job = {.sleep_ns = MS, .result = -DER_NONEXIST, .runs = &runs};

	(void)state;
	assert_int_equal(client_run(NULL, nested, &job, sizeof(job)), -DER_NONEXIST);
	assert_int_equal(client_run(NULL, fail_with_text, NULL, 0), -DER_BUSY);
	assert_string_equal(client_last_error(), "the reason of this very failure");
}

/* The arguments of a launched call are copied. */
static void
launch(daos_event_t *event, uint64_t sleep_ns, int result, atomic_uint *runs)
{
	struct job job = {sleep_ns, result, runs};

	assert_int_equal(client_run(event, work, &job, sizeof(job)), 0);
	memset(&job, 0xff, sizeof(job));
}

static void
test_queue(void **state)
{
	atomic_uint runs = 0;
	daos_event_t events[8];
	daos_event_t *ready[8];
	daos_handle_t queue;
	int done = 0;

	(void)state;
	assert_int_equal(daos_eq_create(&queue), 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(daos_event_init(&events[i], queue, NULL), 0);
		launch(&events[i], (uint64_t)(8 - i) * MS, -i, &runs);
	}
	assert_int_equal(daos_eq_query(queue, DAOS_EQR_ALL, 0, NULL), 8);
	while (done < 8) {
		int count = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 8, ready);

		assert_in_range(count, 1, 8);
		for (int i = 0; i < count; i++)
			assert_int_equal(ready[i]->ev_error, -(ready[i] - events));
		done += count;
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(daos_event_fini(&events[i]), 0);
	assert_int_equal(daos_eq_destroy(queue, 0), 0);
}

/* A poll does not last beyond its time-out, and a launch does not wait at all. */
static void
test_timeout(void **state)
{
	atomic_uint runs = 0;
	daos_event_t event;
	daos_event_t *ready[1];
	daos_handle_t queue;
	bool flag = true;
	uint64_t before = client_realtime();

	(void)state;
	assert_int_equal(daos_eq_create(&queue), 0);
	assert_int_equal(daos_event_init(&event, queue, NULL), 0);
	launch(&event, 10000 * MS, 0, &runs);
	assert_int_equal(daos_eq_poll(queue, 1, 3000, 1, ready), 0);
	assert_int_equal(daos_event_test(&event, 3000, &flag), 0);
	assert_false(flag);
	assert_true(client_realtime() - before < 5000 * MS);
	/* Aborted it ends at once. */
	assert_int_equal(daos_event_abort(&event), 0);
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 1, ready), 1);
	assert_int_equal(event.ev_error, -DER_CANCELED);
	assert_true(client_realtime() - before < 5000 * MS);
	/* So does one whose queue is destroyed by force. */
	launch(&event, 10000 * MS, 0, &runs);
	assert_int_equal(daos_eq_destroy(queue, 0), -DER_BUSY);
	assert_int_equal(daos_eq_destroy(queue, DAOS_EQ_DESTROY_FORCE), 0);
	assert_int_equal(daos_event_fini(&event), 0);
	assert_true(client_realtime() - before < 5000 * MS);
}

static void
test_parent_with_operation(void **state)
{
	atomic_uint runs = 0;
	daos_event_t parent, child;
	daos_event_t *ready[2];
	daos_handle_t queue;

	(void)state;
	assert_int_equal(daos_eq_create(&queue), 0);
	assert_int_equal(daos_event_init(&parent, queue, NULL), 0);
	assert_int_equal(daos_event_init(&child, DAOS_HDL_INVAL, &parent), 0);
	launch(&child, 5 * MS, 0, &runs);
	launch(&parent, 0, 0, &runs);
	/* The parent's own operation is over long before its child's. */
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 2, ready), 1);
	assert_ptr_equal(ready[0], &parent);
	assert_int_equal(atomic_load(&runs), 2);
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 2, ready), 0);
	assert_int_equal(daos_event_fini(&parent), 0);
	assert_int_equal(daos_eq_destroy(queue, 0), 0);
}

/* ------------------------------------------------ threads */

#define THREADS 6
#define ROUNDS 200

static void *
blocking_thread(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct job job = {(uint64_t)(i % 3) * 10000, -i % 5, argument};

		assert_int_equal(client_run(NULL, work, &job, sizeof(job)), -i % 5);
	}
	return NULL;
}

static void
test_blocking_threads(void **state)
{
	atomic_uint runs = 0;
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, blocking_thread, &runs), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&runs), THREADS * ROUNDS);
}

struct shared {
	daos_handle_t queue;
	atomic_uint runs;
	atomic_uint called;
};

static int
count_call(void *argument, daos_event_t *event, int result)
{
	struct shared *shared = argument;

	(void)event;
	assert_int_equal(result, 0);
	atomic_fetch_add(&shared->called, 1);
	return 0;
}

/* Each launches its own events and polls whatever comes, long sleeps of the others included. */
static void *
queue_thread(void *argument)
{
	struct shared *shared = argument;
	daos_event_t events[16];
	daos_event_t *ready[4];

	for (int i = 0; i < ROUNDS; i++) {
		daos_event_t *event = &events[i % 16];
		bool flag = false;

		if (i >= 16)
			assert_int_equal(daos_event_fini(event), 0);
		assert_int_equal(daos_event_init(event, shared->queue, NULL), 0);
		assert_int_equal(daos_event_register_comp_cb(event, count_call, shared), 0);
		launch(event, (uint64_t)(i % 4) * 20000, 0, &shared->runs);
		assert_int_equal(daos_event_test(event, DAOS_EQ_WAIT, &flag), 0);
		assert_true(flag);
		/* It may take the completion of another thread before that sees it. */
		assert_in_range(daos_eq_poll(shared->queue, 1, 0, 4, ready), 0, 4);
	}
	for (int i = 0; i < 16; i++)
		assert_int_equal(daos_event_fini(&events[i]), 0);
	return NULL;
}

static void *
poll_thread(void *argument)
{
	struct shared *shared = argument;
	daos_event_t *ready[1];

	/* Sits in a long poll while the others launch; the queue's end lets it go. */
	return (void *)(intptr_t)daos_eq_poll(shared->queue, 0, 60 * 1000 * 1000, 1, ready);
}

static void
test_queue_threads(void **state)
{
	struct shared shared = {.runs = 0};
	pthread_t threads[4];

	(void)state;
	assert_int_equal(daos_eq_create(&shared.queue), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, queue_thread, &shared), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&shared.called), 4 * ROUNDS);
	assert_int_equal(daos_eq_destroy(shared.queue, 0), 0);
}

static void
test_long_poll(void **state)
{
	struct shared shared = {.runs = 0};
	daos_event_t event;
	daos_event_t *ready[1];
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(daos_eq_create(&shared.queue), 0);
	assert_int_equal(daos_event_init(&event, shared.queue, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, poll_thread, &shared), 0);
	launch(&event, MS, 0, &shared.runs);
	/* One of the two gets it. */
	(void)daos_eq_poll(shared.queue, 1, DAOS_EQ_WAIT, 1, ready);
	assert_int_equal(daos_eq_destroy(shared.queue, DAOS_EQ_DESTROY_FORCE), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_true((intptr_t)result == 1 || (intptr_t)result == -DER_NONEXIST ||
		    (intptr_t)result == -DER_NO_HDL);
	assert_int_equal(daos_event_fini(&event), 0);
}

/* ------------------------------------------------ life and fork */

static void
test_life(void **state)
{
	daos_handle_t queue;

	(void)state;
	assert_int_equal(daos_fini(), -DER_UNINIT);
	assert_int_equal(daos_eq_create(&queue), -DER_UNINIT);
	assert_int_equal(daos_reinit(), -DER_UNINIT);
	assert_string_equal(client_last_error(), "");
	assert_int_equal(daos_init(), 0);
	assert_int_equal(daos_init(), 0);
	assert_int_equal(daos_fini(), 0);
	assert_int_equal(daos_eq_create(&queue), 0);
	assert_int_equal(daos_fini(), 0);
	assert_int_equal(daos_eq_destroy(queue, 0), -DER_UNINIT);
}

static int
child_checks(daos_handle_t queue)
{
	atomic_uint runs = 0;
	struct job job = {.sleep_ns = MS, .runs = &runs};
	daos_event_t *ready[1];
	daos_event_t event;
	bool flag = false;

	if (client_run(NULL, work, &job, sizeof(job)) != -DER_UNINIT ||
	    daos_fini() != -DER_UNINIT || daos_eq_poll(queue, 1, 0, 1, ready) != -DER_UNINIT ||
	    daos_init() != -DER_UNINIT)
		return 1;
	if (daos_reinit() != 0 || client_run(NULL, work, &job, sizeof(job)) != 0)
		return 2;
	if (daos_event_init(&event, queue, NULL) != 0 ||
	    client_run(&event, work, &job, sizeof(job)) != 0 ||
	    daos_event_test(&event, DAOS_EQ_WAIT, &flag) != 0 || !flag)
		return 3;
	return 0;
}

static void
test_fork(void **state)
{
	atomic_uint runs = 0;
	struct job job = {.sleep_ns = MS, .runs = &runs};
	daos_handle_t queue;
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(daos_eq_create(&queue), 0);
	assert_int_equal(client_run(NULL, work, &job, sizeof(job)), 0);
	child = fork();
	if (child == 0)
		_exit(child_checks(queue));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(client_run(NULL, work, &job, sizeof(job)), 0);
	assert_int_equal(daos_eq_destroy(queue, 0), 0);
}

/* As many queues as there are contexts for, and one more. */
static void
test_limit(void **state)
{
	daos_handle_t queues[CONTEXTS_MAX];
	daos_handle_t more;

	(void)state;
	for (uint32_t i = 0; i < CONTEXTS_MAX - CONTEXT_POOL; i++)
		assert_int_equal(daos_eq_create(&queues[i]), 0);
	assert_int_equal(daos_eq_create(&more), -DER_OVERFLOW);
	assert_int_equal(daos_eq_destroy(queues[5], 0), 0);
	assert_int_equal(daos_eq_create(&queues[5]), 0);
	for (uint32_t i = 0; i < CONTEXTS_MAX - CONTEXT_POOL; i++)
		assert_int_equal(daos_eq_destroy(queues[i], 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocking),
		cmocka_unit_test(test_nested_and_text),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_parent_with_operation),
		cmocka_unit_test(test_blocking_threads),
		cmocka_unit_test(test_queue_threads),
		cmocka_unit_test(test_long_poll),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_limit),
	};
	const struct CMUnitTest life[] = {cmocka_unit_test(test_life)};
	int failed = cmocka_run_group_tests(life, NULL, NULL);

	return failed + cmocka_run_group_tests(tests, setup, teardown);
}
