/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Threads and processes of one client of a real engine: several threads on one event queue, events
 * launched by one and polled by another, blocking calls in callbacks, children by fork and exec
 * while the parent's operations are under way.
 */
/* modules: client */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
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

/* A fork copies the tables of a large shadow. */
#ifdef __SANITIZE_THREAD__
#define CHILDREN 4
#define FORKS 24
#else
#define CHILDREN 30
#define FORKS 1000
#endif
#define CHILD_BASE 40000

static daos_event_t shared_event;

/* Each call of a child that has not begun anew is refused. */
static bool
all_refused(void)
{
	daos_handle_t pool = bed.client.pool, container = bed.client.container, handle;
	daos_obj_id_t oid = {.lo = 1};
	daos_anchor_t anchor = {0};
	d_iov_t iov = {NULL, 0, 0};
	daos_pool_info_t pool_info;
	daos_cont_info_t container_info;
	daos_event_t event, *ready;
	daos_size_t size = 1;
	uint32_t count = 1;
	bool flag;
	char byte;
	const int codes[] = {
		daos_init(),
		daos_fini(),
		daos_eq_create(&handle),
		daos_eq_poll(shared_queue, 0, DAOS_EQ_NOWAIT, 1, &ready),
		daos_eq_query(shared_queue, DAOS_EQR_ALL, 1, &ready),
		daos_eq_destroy(shared_queue, 0),
		daos_event_init(&event, DAOS_HDL_INVAL, NULL),
		daos_event_test(&shared_event, DAOS_EQ_NOWAIT, &flag),
		daos_event_abort(&shared_event),
		daos_event_fini(&shared_event),
		daos_pool_connect("pool", NULL, DAOS_PC_RW, &handle, NULL, NULL),
		daos_pool_query(pool, NULL, &pool_info, NULL, NULL),
		daos_pool_local2global(pool, &iov),
		daos_pool_disconnect(pool, NULL),
		daos_cont_create_with_label(pool, "child", NULL, NULL, NULL),
		daos_cont_open(pool, "test", DAOS_COO_RW, &handle, &container_info, NULL),
		daos_cont_query(container, &container_info, NULL, NULL),
		daos_cont_destroy(pool, "child", 0, NULL),
		daos_cont_local2global(container, &iov),
		daos_cont_close(container, NULL),
		daos_obj_generate_oid(container, &oid, DAOS_OT_KV_HASHED, OC_SX, 0, 0),
		daos_obj_open(container, oid, DAOS_OO_RW, &handle, NULL),
		daos_obj_punch(store, DAOS_TX_NONE, 0, NULL),
		daos_obj_close(store, NULL),
		daos_kv_open(container, oid, DAOS_OO_RW, &handle, NULL),
		daos_kv_put(store, DAOS_TX_NONE, 0, "child", 1, "x", NULL),
		daos_kv_get(store, DAOS_TX_NONE, 0, "child", &size, &byte, NULL),
		daos_kv_remove(store, DAOS_TX_NONE, 0, "child", NULL),
		daos_kv_list(store, DAOS_TX_NONE, &count, &(daos_key_desc_t){0},
			     &(d_sg_list_t){.sg_nr = 1, .sg_iovs = &iov}, &anchor, NULL),
		daos_kv_close(store, NULL),
		daos_array_close(store, NULL),
		daos_array_get_size(store, DAOS_TX_NONE, &size, NULL),
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] == -DER_UNINIT)
			continue;
		fprintf(stderr, "call %zu of a child gives %d\n", i, codes[i]);
		return false;
	}
	return true;
}

/* What the parent has under way is not the child's; its queue is. */
static bool
queue_works(daos_handle_t queue, int number)
{
	struct put put = {.completions = 0};
	daos_event_t *ready[2];

	if (daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 2, ready) != 0)
		return false;
	put_launch(&put, queue, NULL, CHILD_BASE + number);
	return daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 2, ready) == 1 && ready[0] == &put.event &&
	       put.event.ev_error == 0 && daos_event_fini(&put.event) == 0;
}

/* What a child finds before and after daos_reinit(); 0 when all is as it should be. */
static int
child_checks(daos_handle_t queue, int number, bool begins_anew)
{
	char key[32], value[VALUE];
	daos_size_t size = sizeof(value);

	if (!all_refused())
		return 1;
	if (!begins_anew)
		return 0;
	if (daos_reinit() != 0 || daos_reinit() != 0 || !queue_works(queue, number))
		return 2;
	/* An event of the parent's is none here. */
	if (daos_event_fini(&shared_event) != -DER_INVAL ||
	    daos_kv_put(store, DAOS_TX_NONE, 0, "x", 1, "x", &shared_event) != -DER_INVAL)
		return 5;
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
child_run(daos_handle_t queue, int number)
{
	char *program[] = {(char *)(uintptr_t) "/bin/true", NULL};
	int failed;

	if (number % 3 == 2) {
		execv(program[0], program);
		_exit(9);
	}
	/* None outlives a test that hangs. */
	alarm(20);
	failed = child_checks(queue, number, number % 2 == 0);
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
children_begin_anew(struct ledger *ledger)
{
	assert_ok(daos_eq_create(&shared_queue));
	assert_ok(daos_event_init(&shared_event, shared_queue, NULL));
	for (int i = 0; i < CHILDREN; i++) {
		uint64_t before = atomic_load(&ledger->acknowledged);
		pid_t child;
		int status;

		ledger_step(ledger, 0);
		fflush(NULL);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			child_run(ledger->queue, i);
		while (waitpid(child, &status, WNOHANG) == 0)
			ledger_step(ledger, 1000);
		if (status)
			fprintf(stderr, "child %d: status %#x\n", i, (unsigned)status);
		assert_int_equal(status, 0);
		while (atomic_load(&ledger->acknowledged) == before)
			ledger_step(ledger, 100000);
	}
	assert_ok(daos_event_fini(&shared_event));
	assert_ok(daos_eq_destroy(shared_queue, 0));
	for (int i = 0; i < CHILDREN; i += 2) {
		char key[32];
		daos_size_t size = 0;

		snprintf(key, sizeof(key), "child-%d", i);
		assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, NULL, NULL));
		assert_int_equal(size, i % 3 == 2 ? 0 : VALUE);
	}
}

static void
children_under_load(void **state)
{
	struct ledger ledger;

	(void)state;
	ledger_open(&ledger, &bed, 11);
	children_begin_anew(&ledger);
	ledger_drain(&ledger);
	ledger_verify(&ledger);
	ledger_close(&ledger);
}

/* ------------------------------------------------ a thousand children */

#define FORKS_AT_ONCE 4

static bool is_child;

/* Runs after what the library does at exit(), in place of a leak check in each child. */
static void
child_leaves(void)
{
	if (is_child)
		_exit(0);
}

static void
child_goes(int number)
{
	char *program[] = {(char *)(uintptr_t) "/bin/true", NULL};

	alarm(20);
	is_child = true;
	if (number % 2)
		exit(0);
	execv(program[0], program);
	_exit(9);
}

/* Inserts under way all the time, each of another key. */
#define LOAD 16
#define LOAD_BASE 100000

struct load {
	daos_handle_t queue;
	struct put puts[LOAD];
	int launched, done;
};

static void
load_put(struct load *load, struct put *put)
{
	put_launch(put, load->queue, NULL, LOAD_BASE + load->launched++);
}

/* Takes what has been answered, and launches as many again. */
static void
load_step(struct load *load, int64_t timeout, bool again)
{
	daos_event_t *ready[LOAD];
	int count = daos_eq_poll(load->queue, 1, timeout, LOAD, ready);

	assert_in_range(count, 0, LOAD);
	load->done += count;
	for (int i = 0; i < count; i++) {
		assert_int_equal(ready[i]->ev_error, 0);
		assert_ok(daos_event_fini(ready[i]));
		if (again)
			load_put(load, (struct put *)ready[i]);
	}
}

static void
load_begin(struct load *load)
{
	assert_ok(daos_eq_create(&load->queue));
	for (int i = 0; i < LOAD; i++)
		load_put(load, &load->puts[i]);
}

static void
load_end(struct load *load)
{
	while (load->done < load->launched)
		load_step(load, DAOS_EQ_WAIT, false);
	for (int i = 0; i < load->launched; i++)
		assert_stored(LOAD_BASE + i);
	assert_ok(daos_eq_destroy(load->queue, 0));
}

static void
fork_some(struct load *load, int first)
{
	pid_t children[FORKS_AT_ONCE];

	for (int i = 0; i < FORKS_AT_ONCE; i++) {
		load_step(load, 0, true);
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			child_goes(first + i);
	}
	for (int i = 0; i < FORKS_AT_ONCE; i++) {
		int status;

		load_step(load, 1000, true);
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
}

/* Half of them run another program, half end by exit(); the engine hears of none, and each of the
 * parent's inserts is done once. */
static void
a_thousand_children(void **state)
{
	static struct load load;
	int before;

	(void)state;
	load_begin(&load);
	fflush(NULL);
	for (int i = 0; i < FORKS; i += FORKS_AT_ONCE)
		fork_some(&load, i);
	assert_true(load.done >= FORKS);
	before = load.done;
	while (load.done < before + LOAD)
		load_step(&load, 100000, true);
	load_end(&load);
}

/* ------------------------------------------------ polls keep their time */

#define POLLS 20
#define POLL_US 20000
/* How late a busy machine may let a thread run. */
#define LATE_US 500000

static atomic_bool enough;
static atomic_int worked[2];

static int64_t
microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *
work_blocking(void *argument)
{
	(void)argument;
	while (!atomic_load(&enough)) {
		assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, "blocking", 1, "x", NULL));
		atomic_fetch_add(&worked[0], 1);
	}
	return NULL;
}

/* Eight at a time on a queue of its own. */
static void *
work_launched(void *argument)
{
	static struct put puts[8];
	daos_event_t *ready[8];
	daos_handle_t queue;

	(void)argument;
	assert_ok(daos_eq_create(&queue));
	while (!atomic_load(&enough)) {
		int done = 0, count;

		for (int i = 0; i < 8; i++)
			put_launch(&puts[i], queue, NULL, 50000 + i);
		while (done < 8) {
			count = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 8, ready);
			assert_in_range(count, 1, 8);
			done += count;
		}
		for (int i = 0; i < 8; i++)
			assert_ok(daos_event_fini(&puts[i].event));
		atomic_fetch_add(&worked[1], 1);
	}
	assert_ok(daos_eq_destroy(queue, 0));
	return NULL;
}

/* Polls in vain: each takes its time, and no more. */
static void
poll_in_vain(daos_handle_t queue, int wait_running)
{
	daos_event_t *ready;

	for (int i = 0; i < POLLS; i++) {
		int64_t began = microseconds(), took;

		assert_int_equal(daos_eq_poll(queue, wait_running, POLL_US, 1, &ready), 0);
		took = microseconds() - began;
		assert_in_range(took, POLL_US, POLL_US + LATE_US);
	}
}

static void *
poll_beside(void *argument)
{
	poll_in_vain(*(daos_handle_t *)argument, 0);
	return NULL;
}

/* Two threads poll one queue while others work on theirs: whoever of the two drives, neither
 * oversleeps, and the others do not notice. */
static void
polls_keep_their_time(void **state)
{
	pthread_t threads[3];
	daos_handle_t queue;

	(void)state;
	atomic_store(&enough, false);
	assert_ok(daos_eq_create(&queue));
	assert_int_equal(pthread_create(&threads[0], NULL, work_blocking, NULL), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, work_launched, NULL), 0);
	assert_int_equal(pthread_create(&threads[2], NULL, poll_beside, &queue), 0);
	poll_in_vain(queue, 0);
	pthread_join(threads[2], NULL);
	atomic_store(&enough, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	/* In 400 ms and more. */
	assert_true(atomic_load(&worked[0]) > 20 && atomic_load(&worked[1]) > 5);
	assert_ok(daos_eq_destroy(queue, 0));
}

/* The engine stands still: a poll for an answer ends in time, and the answer comes later. */
static void
polls_without_an_answer(void **state)
{
	static struct put put;
	daos_event_t *ready;
	daos_handle_t queue;

	(void)state;
	assert_ok(daos_eq_create(&queue));
	assert_int_equal(kill(bed.pid, SIGSTOP), 0);
	put_launch(&put, queue, NULL, 60000);
	poll_in_vain(queue, 1);
	assert_int_equal(kill(bed.pid, SIGCONT), 0);
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 1, &ready), 1);
	assert_int_equal(put.event.ev_error, 0);
	assert_ok(daos_event_fini(&put.event));
	assert_ok(daos_eq_destroy(queue, 0));
	assert_stored(60000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: a fork copies what the others have used. */
		cmocka_unit_test(a_thousand_children),
		cmocka_unit_test(shared_queue_of_four_threads),
		cmocka_unit_test(launched_here_polled_there),
		cmocka_unit_test(blocking_calls_in_callbacks),
		cmocka_unit_test(polls_keep_their_time),
		cmocka_unit_test(polls_without_an_answer),
		cmocka_unit_test(children_under_load),
	};

	/* Before the library adds its own. */
	atexit(child_leaves);
	return cmocka_run_group_tests(tests, setup, teardown);
}
