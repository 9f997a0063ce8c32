/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Threads and processes of one client of a real engine: several threads on one event queue, events
 * launched by one and polled by another, blocking calls in callbacks, children by fork and exec
 * while the parent's operations are under way.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"

#define THREADS 4
#define PER_THREAD 250
#define VALUE 300

static struct engine_bed bed;
static daos_handle_t store;

static int
setup(void **state)
{
	(void)state;
	engine_bed_make(&bed);
	engine_up(&bed);
	engine_client_up(&bed);
	assert_ok(daos_kv_open(bed.client.container,
			       embedded_oid(&bed.client, 100, DAOS_OT_KV_HASHED, OC_SX), DAOS_OO_RW,
			       &store, NULL));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_true(engine_alive(&bed));
	assert_ok(daos_kv_close(store, NULL));
	engine_client_down(&bed);
	engine_stop_cleanly(&bed);
	engine_bed_remove(&bed);
	return 0;
}

/* ------------------------------------------------ one put under way */

struct put {
	daos_event_t event;
	char key[32];
	char value[VALUE];
	atomic_int completions; /* of its callback */
};

static void
value_of(int number, char value[VALUE])
{
	memset(value, 'a' + number % 26, VALUE);
	memcpy(value, &number, sizeof(number));
}

static void
put_launch(struct put *put, daos_handle_t queue, daos_event_comp_cb_t callback, int number)
{
	snprintf(put->key, sizeof(put->key), "key-%d", number);
	value_of(number, put->value);
	assert_ok(daos_event_init(&put->event, queue, NULL));
	if (callback)
		assert_ok(daos_event_register_comp_cb(&put->event, callback, put));
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, put->key, VALUE,
			      put->value, &put->event));
}

static void
assert_stored(int number)
{
	char key[32], value[VALUE], expected[VALUE];
	daos_size_t size = sizeof(value);

	snprintf(key, sizeof(key), "key-%d", number);
	value_of(number, expected);
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, value, NULL));
	assert_int_equal(size, VALUE);
	assert_memory_equal(value, expected, VALUE);
}

static int
note_completion(void *argument, daos_event_t *event, int result)
{
	struct put *put = argument;

	assert_ptr_equal(event, &put->event);
	assert_int_equal(result, 0);
	atomic_fetch_add(&put->completions, 1);
	return 0;
}

/* ------------------------------------------------ all launch and poll one queue */

static daos_handle_t shared_queue;
static struct put *shared_puts; /* THREADS * PER_THREAD */
static atomic_int reaped;

static void
reap(int64_t timeout)
{
	daos_event_t *ready[8];
	int count = daos_eq_poll(shared_queue, 1, timeout, 8, ready);

	assert_in_range(count, 0, 8);
	for (int i = 0; i < count; i++)
		assert_int_equal(ready[i]->ev_error, 0);
	atomic_fetch_add(&reaped, count);
}

static void *
launch_and_poll(void *argument)
{
	int base = (int)(intptr_t)argument * PER_THREAD;

	for (int i = 0; i < PER_THREAD; i++) {
		put_launch(&shared_puts[base + i], shared_queue, note_completion, base + i);
		if (i % 4 == 3)
			reap(1000);
	}
	while (atomic_load(&reaped) < THREADS * PER_THREAD)
		reap(1000);
	return NULL;
}

static void
run_threads(void *(*function)(void *), int count)
{
	pthread_t threads[THREADS];

	for (intptr_t i = 0; i < count; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, function, (void *)i), 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Each event is handed out once, each callback runs once. */
static void
shared_queue_of_four_threads(void **state)
{
	(void)state;
	shared_puts = calloc(THREADS * PER_THREAD, sizeof(*shared_puts));
	atomic_store(&reaped, 0);
	assert_ok(daos_eq_create(&shared_queue));
	run_threads(launch_and_poll, THREADS);
	assert_int_equal(atomic_load(&reaped), THREADS * PER_THREAD);
	for (int i = 0; i < THREADS * PER_THREAD; i++) {
		assert_int_equal(atomic_load(&shared_puts[i].completions), 1);
		assert_stored(i);
		assert_ok(daos_event_fini(&shared_puts[i].event));
	}
	assert_ok(daos_eq_destroy(shared_queue, 0));
	free(shared_puts);
}

/* ------------------------------------------------ two launch, two poll */

#define SPLIT_BASE 10000

static void *
launch_or_poll(void *argument)
{
	int half = THREADS / 2, number = (int)(intptr_t)argument;

	if (number >= half) {
		while (atomic_load(&reaped) < half * PER_THREAD)
			reap(100000);
		return NULL;
	}
	for (int i = 0; i < PER_THREAD; i++)
		put_launch(&shared_puts[number * PER_THREAD + i], shared_queue, NULL,
			   SPLIT_BASE + number * PER_THREAD + i);
	return NULL;
}

static void
launched_here_polled_there(void **state)
{
	int count = THREADS / 2 * PER_THREAD;

	(void)state;
	shared_puts = calloc((size_t)count, sizeof(*shared_puts));
	atomic_store(&reaped, 0);
	assert_ok(daos_eq_create(&shared_queue));
	run_threads(launch_or_poll, THREADS);
	for (int i = 0; i < count; i++) {
		assert_stored(SPLIT_BASE + i);
		assert_ok(daos_event_fini(&shared_puts[i].event));
	}
	assert_ok(daos_eq_destroy(shared_queue, 0));
	free(shared_puts);
}

/* ------------------------------------------------ callbacks that call again */

#define CALLBACKS 60
#define CALLBACK_BASE 20000

static int
call_again(void *argument, daos_event_t *event, int result)
{
	struct put *put = argument;
	char value[VALUE];
	daos_size_t size = sizeof(value);
	char key[40];

	(void)event;
	assert_int_equal(result, 0);
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, put->key, &size, value, NULL));
	assert_memory_equal(value, put->value, VALUE);
	snprintf(key, sizeof(key), "%s-again", put->key);
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, key, 1, "x", NULL));
	atomic_fetch_add(&put->completions, 1);
	return 0;
}

static void *
poll_only(void *argument)
{
	(void)argument;
	while (atomic_load(&reaped) < CALLBACKS)
		reap(100000);
	return NULL;
}

/* Four threads run the callbacks, all of which block in the library. */
static void
blocking_calls_in_callbacks(void **state)
{
	(void)state;
	shared_puts = calloc(CALLBACKS, sizeof(*shared_puts));
	atomic_store(&reaped, 0);
	assert_ok(daos_eq_create(&shared_queue));
	for (int i = 0; i < CALLBACKS; i++)
		put_launch(&shared_puts[i], shared_queue, call_again, CALLBACK_BASE + i);
	run_threads(poll_only, THREADS);
	for (int i = 0; i < CALLBACKS; i++) {
		assert_int_equal(atomic_load(&shared_puts[i].completions), 1);
		assert_ok(daos_event_fini(&shared_puts[i].event));
	}
	assert_ok(daos_eq_destroy(shared_queue, 0));
	free(shared_puts);
}

/* ------------------------------------------------ children */

#define CHILDREN 50

/* What a child finds before and after daos_reinit(); 0 when all is as it should be. */
static int
child_checks(int number, bool begins_anew)
{
	char key[32], value[VALUE];
	daos_size_t size = sizeof(value);
	daos_event_t event;
	daos_handle_t queue;

	if (daos_kv_put(store, DAOS_TX_NONE, 0, "child", 1, "x", NULL) != -DER_UNINIT ||
	    daos_kv_get(store, DAOS_TX_NONE, 0, "child", &size, value, NULL) != -DER_UNINIT ||
	    daos_event_init(&event, DAOS_HDL_INVAL, NULL) != -DER_UNINIT ||
	    daos_eq_create(&queue) != -DER_UNINIT || daos_init() != -DER_UNINIT ||
	    daos_fini() != -DER_UNINIT)
		return 1;
	if (!begins_anew)
		return 0;
	if (daos_reinit() != 0)
		return 2;
	snprintf(key, sizeof(key), "child-%d", number);
	value_of(number, value);
	if (daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, key, VALUE, value, NULL) != 0)
		return 3;
	size = sizeof(value);
	if (daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, value, NULL) != 0 || size != VALUE)
		return 4;
	return 0;
}

static void
child_run(int number)
{
	char *program[] = {(char *)(uintptr_t) "/bin/true", NULL};
	int failed;

	if (number % 3 == 2) {
		execv(program[0], program);
		_exit(9);
	}
	/* None outlives a test that hangs. */
	alarm(20);
	failed = child_checks(number, number % 2 == 0);
	/* After daos_reinit() the parent's contexts are memory without an owner, which a leak check
	 * at exit() would call so. */
	if (failed || number % 2 == 0)
		_exit(failed ? failed : daos_fini() != 0);
	exit(0);
}

/*
 * The parent's operations go on, and their results are its own. All of it is one thread, with many
 * operations under way at the fork: a child of several threads may find the lock of a sanitizer's
 * allocator taken.
 */
static void
children_under_load(void **state)
{
	struct ledger ledger;

	(void)state;
	ledger_open(&ledger, &bed, 11);
	for (int i = 0; i < CHILDREN; i++) {
		uint64_t before = atomic_load(&ledger.acknowledged);
		pid_t child;
		int status;

		ledger_step(&ledger, 0);
		fflush(NULL);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			child_run(i);
		while (waitpid(child, &status, WNOHANG) == 0)
			ledger_step(&ledger, 1000);
		if (status)
			fprintf(stderr, "child %d: status %#x\n", i, (unsigned)status);
		assert_int_equal(status, 0);
		while (atomic_load(&ledger.acknowledged) == before)
			ledger_step(&ledger, 100000);
	}
	ledger_drain(&ledger);
	ledger_verify(&ledger);
	ledger_close(&ledger);
	for (int i = 0; i < CHILDREN; i += 2) {
		char key[32];
		daos_size_t size = 0;

		snprintf(key, sizeof(key), "child-%d", i);
		assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, NULL, NULL));
		assert_int_equal(size, i % 3 == 2 ? 0 : VALUE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_queue_of_four_threads),
		cmocka_unit_test(launched_here_polled_there),
		cmocka_unit_test(blocking_calls_in_callbacks),
		cmocka_unit_test(children_under_load),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
