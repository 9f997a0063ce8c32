/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Events on an embedded system: many under way, poll, test, callbacks, parents, aborts, several
 * threads on one queue. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded_bed.h"

#define DEPTH 16
#define VALUE 512

static struct embedded_bed bed;
static daos_handle_t store;

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	assert_ok(daos_kv_open(bed.container, embedded_oid(&bed, 1, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &store, NULL));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_ok(daos_kv_close(store, NULL));
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

/* What one operation under way needs. */
struct slot {
	daos_event_t event;
	char key[32];
	char value[VALUE];
	daos_size_t size;
	bool busy;
};

static void
launch_put(struct slot *slot, int number)
{
	snprintf(slot->key, sizeof(slot->key), "event-%d", number);
	memset(slot->value, 'a' + number % 26, sizeof(slot->value));
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, slot->key, sizeof(slot->value), slot->value,
			      &slot->event));
	slot->busy = true;
}

static void
launch_get(struct slot *slot, int number)
{
	snprintf(slot->key, sizeof(slot->key), "event-%d", number);
	slot->size = sizeof(slot->value);
	memset(slot->value, 0, sizeof(slot->value));
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, slot->key, &slot->size, slot->value,
			      &slot->event));
	slot->busy = true;
}

static void
check_got(const struct slot *slot)
{
	int number = atoi(slot->key + 6);

	assert_int_equal(slot->size, VALUE);
	for (int i = 0; i < VALUE; i++)
		assert_int_equal(slot->value[i], 'a' + number % 26);
}

/* count operations, DEPTH of them at a time. */
static void
run_many(daos_handle_t queue, int count, void (*launch)(struct slot *slot, int number),
	 void (*check)(const struct slot *slot))
{
	struct slot *slots = calloc(DEPTH, sizeof(*slots));
	daos_event_t *ready[DEPTH];
	int launched = 0, done = 0;

	for (int i = 0; i < DEPTH; i++)
		assert_ok(daos_event_init(&slots[i].event, queue, NULL));
	while (done < count) {
		int reaped;

		for (int i = 0; i < DEPTH && launched < count; i++)
			if (!slots[i].busy)
				launch(&slots[i], launched++);
		reaped = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, DEPTH, ready);
		assert_in_range(reaped, 1, DEPTH);
		for (int i = 0; i < reaped; i++) {
			struct slot *slot =
				(struct slot *)((char *)ready[i] - offsetof(struct slot, event));

			assert_int_equal(ready[i]->ev_error, 0);
			assert_true(slot->busy);
			slot->busy = false;
			if (check)
				check(slot);
		}
		done += reaped;
	}
	for (int i = 0; i < DEPTH; i++)
		assert_ok(daos_event_fini(&slots[i].event));
	free(slots);
}

static void
test_depth(void **state)
{
	daos_handle_t queue;
	daos_event_t *ready[1];

	(void)state;
	assert_ok(daos_eq_create(&queue));
	/* Nothing runs: no wait, whatever the time-out. */
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 1, ready), 0);
	assert_int_equal(daos_eq_poll(queue, 0, DAOS_EQ_NOWAIT, 1, ready), 0);
	assert_int_equal(daos_eq_poll(queue, 0, 2000, 1, ready), 0);
	assert_int_equal(daos_eq_poll(queue, 0, 0, 0, ready), -DER_INVAL);
	run_many(queue, 200, launch_put, NULL);
	run_many(queue, 200, launch_get, check_got);
	assert_ok(daos_eq_destroy(queue, 0));
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_NOWAIT, 1, ready), -DER_NO_HDL);
}

static void
test_states(void **state)
{
	struct slot slot;
	daos_handle_t queue;
	daos_event_t *ready[4];
	bool flag = true;

	(void)state;
	assert_ok(daos_eq_create(&queue));
	assert_ok(daos_event_init(&slot.event, queue, NULL));
	launch_put(&slot, 1);
	/* While it runs it can neither be launched again, nor finalised, nor its queue destroyed.
	 */
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "x", 1, "x", &slot.event), -DER_BUSY);
	assert_int_equal(daos_event_fini(&slot.event), -DER_BUSY);
	assert_int_equal(daos_eq_destroy(queue, 0), -DER_BUSY);
	assert_int_equal(daos_eq_query(queue, DAOS_EQR_ALL, 4, ready), 1);
	assert_ptr_equal(ready[0], &slot.event);
	assert_ok(daos_event_test(&slot.event, DAOS_EQ_WAIT, &flag));
	assert_true(flag);
	assert_int_equal(daos_eq_query(queue, DAOS_EQR_ALL, 0, NULL), 0);
	/* Tested is polled. */
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_NOWAIT, 4, ready), 0);
	launch_get(&slot, 1);
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 4, ready), 1);
	assert_ok(daos_eq_destroy(queue, 0));
	assert_ok(daos_event_fini(&slot.event));
	assert_int_equal(daos_event_fini(&slot.event), -DER_INVAL);
}

/* An event of no queue is driven by testing it. */
static void
test_without_queue(void **state)
{
	struct slot slot;
	bool flag = false;

	(void)state;
	assert_ok(daos_event_init(&slot.event, DAOS_HDL_INVAL, NULL));
	launch_put(&slot, 2);
	while (!flag)
		assert_ok(daos_event_test(&slot.event, 1000, &flag));
	assert_int_equal(slot.event.ev_error, 0);
	launch_get(&slot, 2);
	assert_ok(daos_event_test(&slot.event, DAOS_EQ_WAIT, &flag));
	assert_true(flag);
	check_got(&slot);
	assert_ok(daos_event_fini(&slot.event));
}

/* ------------------------------------------------ callbacks */

struct called {
	int times;
	int result;
	daos_event_t *event;
	daos_size_t size;
};

/* Calls the library again, blocking. */
static int
callback(void *argument, daos_event_t *event, int result)
{
	struct called *called = argument;

	called->times++;
	called->result = result;
	called->event = event;
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "event-3", &called->size, NULL, NULL));
	return 0;
}

static void
test_callback(void **state)
{
	struct called called[2] = {{.times = 0}};
	struct slot slot;
	daos_handle_t queue;
	daos_event_t *ready[2];

	(void)state;
	assert_ok(daos_eq_create(&queue));
	assert_ok(daos_event_init(&slot.event, queue, NULL));
	assert_ok(daos_event_register_comp_cb(&slot.event, callback, &called[0]));
	assert_ok(daos_event_register_comp_cb(&slot.event, callback, &called[1]));
	launch_put(&slot, 3);
	assert_int_equal(daos_event_register_comp_cb(&slot.event, callback, &called[0]),
			 -DER_NO_PERM);
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 2, ready), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(called[i].times, 1);
		assert_int_equal(called[i].result, 0);
		assert_ptr_equal(called[i].event, &slot.event);
		assert_int_equal(called[i].size, VALUE);
	}
	/* They were for one launch. */
	launch_put(&slot, 3);
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 2, ready), 1);
	assert_int_equal(called[0].times, 1);
	assert_ok(daos_event_fini(&slot.event));
	assert_ok(daos_eq_destroy(queue, 0));
}

/* ------------------------------------------------ parents */

static void
test_parent(void **state)
{
	struct slot children[3];
	daos_event_t parent, grandchild;
	daos_event_t *ready[4];
	daos_handle_t queue;
	bool flag;

	(void)state;
	assert_ok(daos_eq_create(&queue));
	assert_ok(daos_event_init(&parent, queue, NULL));
	for (int i = 0; i < 3; i++)
		assert_ok(daos_event_init(&children[i].event, DAOS_HDL_INVAL, &parent));
	assert_int_equal(daos_event_init(&grandchild, DAOS_HDL_INVAL, &children[0].event),
			 -DER_NO_PERM);
	assert_ptr_equal(daos_event_next(&parent, NULL), &children[0].event);
	assert_ptr_equal(daos_event_next(&parent, &children[0].event), &children[1].event);
	assert_null(daos_event_next(&parent, &children[2].event));
	for (int i = 0; i < 3; i++)
		launch_put(&children[i], 10 + i);
	assert_int_equal(daos_event_test(&children[0].event, 0, &flag), -DER_NO_PERM);
	assert_ok(daos_event_parent_barrier(&parent));
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 4, ready), 1);
	assert_ptr_equal(ready[0], &parent);
	assert_int_equal(parent.ev_error, 0);

	/* A child's failure is the barrier's. */
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, "event-10", 1, "x",
				     &children[0].event),
			 0);
	assert_ok(daos_event_parent_barrier(&parent));
	assert_ok(daos_event_test(&parent, DAOS_EQ_WAIT, &flag));
	assert_true(flag);
	assert_int_equal(children[0].event.ev_error, -DER_EXIST);
	assert_int_equal(parent.ev_error, -DER_EXIST);
	assert_ok(daos_event_fini(&parent));
	assert_int_equal(daos_event_fini(&children[0].event), -DER_INVAL);
	assert_ok(daos_eq_destroy(queue, 0));
}

static void
test_abort_and_force(void **state)
{
	struct slot *slots = calloc(DEPTH, sizeof(*slots));
	daos_event_t *ready[DEPTH];
	daos_handle_t queue;

	(void)state;
	assert_ok(daos_eq_create(&queue));
	for (int i = 0; i < DEPTH; i++) {
		assert_ok(daos_event_init(&slots[i].event, queue, NULL));
		launch_put(&slots[i], i);
	}
	assert_ok(daos_event_abort(&slots[0].event));
	for (int done = 0; done < DEPTH;) {
		int reaped = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, DEPTH, ready);

		assert_in_range(reaped, 1, DEPTH);
		for (int i = 0; i < reaped; i++)
			assert_true(ready[i]->ev_error == 0 ||
				    (ready[i] == &slots[0].event &&
				     ready[i]->ev_error == -DER_CANCELED));
		done += reaped;
	}
	for (int i = 0; i < DEPTH; i++)
		launch_put(&slots[i], i);
	assert_ok(daos_eq_destroy(queue, DAOS_EQ_DESTROY_FORCE));
	for (int i = 0; i < DEPTH; i++)
		assert_ok(daos_event_fini(&slots[i].event));
	free(slots);
}

/* ------------------------------------------------ threads */

#define THREADS 4
#define PER_THREAD 100

static daos_handle_t shared_queue;
static atomic_int completed;

static int
count_completion(void *argument, daos_event_t *event, int result)
{
	(void)event;
	assert_int_equal(result, 0);
	atomic_fetch_add((atomic_int *)argument, 1);
	return 0;
}

/* Launches into the queue that all share, polls whoever's events come, and makes blocking calls in
 * between. */
static void *
hammer(void *argument)
{
	struct slot *slots = calloc(PER_THREAD, sizeof(*slots));
	int base = 1000 + 1000 * (int)(intptr_t)argument;
	atomic_int mine = 0;

	for (int i = 0; i < PER_THREAD; i++) {
		daos_event_t *ready[4];
		daos_size_t size = 0;

		assert_ok(daos_event_init(&slots[i].event, shared_queue, NULL));
		assert_ok(daos_event_register_comp_cb(&slots[i].event, count_completion, &mine));
		launch_put(&slots[i], base + i);
		if (i % 3 == 0)
			assert_true(daos_eq_poll(shared_queue, 1, 100, 4, ready) >= 0);
		if (i % 10 == 0)
			assert_ok(
				daos_kv_get(store, DAOS_TX_NONE, 0, "event-1", &size, NULL, NULL));
	}
	while (atomic_load(&mine) < PER_THREAD) {
		daos_event_t *ready[4];

		assert_true(daos_eq_poll(shared_queue, 1, 1000, 4, ready) >= 0);
	}
	atomic_fetch_add(&completed, PER_THREAD);
	return slots;
}

static void
test_threads(void **state)
{
	pthread_t threads[THREADS];
	daos_event_t *ready[16];
	void *slots[THREADS];

	(void)state;
	assert_ok(daos_eq_create(&shared_queue));
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], &slots[i]), 0);
	assert_int_equal(atomic_exchange(&completed, 0), THREADS * PER_THREAD);
	while (daos_eq_poll(shared_queue, 0, DAOS_EQ_NOWAIT, 16, ready) > 0)
		;
	assert_ok(daos_eq_destroy(shared_queue, 0));
	for (int i = 0; i < THREADS; i++)
		free(slots[i]);
}

/* Blocking calls of many threads share the few contexts of the pool. */
static void *
blocking(void *argument)
{
	int base = 10000 + 1000 * (int)(intptr_t)argument;

	for (int i = 0; i < PER_THREAD; i++) {
		char key[32];
		daos_size_t size = sizeof(i);
		int back = -1;

		snprintf(key, sizeof(key), "event-%d", base + i);
		assert_ok(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, key, sizeof(i), &i,
				      NULL));
		assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, &back, NULL));
		assert_int_equal(back, i);
	}
	return NULL;
}

static void
test_blocking_threads(void **state)
{
	pthread_t threads[2 * THREADS];

	(void)state;
	for (intptr_t i = 0; i < 2 * THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, blocking, (void *)i), 0);
	for (int i = 0; i < 2 * THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),	      cmocka_unit_test(test_states),
		cmocka_unit_test(test_without_queue), cmocka_unit_test(test_callback),
		cmocka_unit_test(test_parent),	      cmocka_unit_test(test_abort_and_force),
		cmocka_unit_test(test_threads),	      cmocka_unit_test(test_blocking_threads),
	};
	int failed;

	embedded_library_open();
	failed = cmocka_run_group_tests(tests, setup, teardown);
	/* Once more on the other back-end. */
	setenv("CAIRN_BACKEND", "epoll", 1);
	return failed + cmocka_run_group_tests(tests, setup, teardown);
}
