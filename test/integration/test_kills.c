/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * SIGKILL at random moments: of the engine under a client's load, which goes on by itself, and of a
 * process with an engine inside. What was acknowledged is there; what was not is there wholly or
 * not at all; nothing is done twice.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"

static uint64_t seed;

static void
pause_random(uint64_t least_ms, uint64_t most_ms)
{
	uint64_t ms = least_ms + draw(&seed, most_ms - least_ms);
	struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* ------------------------------------------------ the engine */

#define GOES_ON_SECONDS 20

/* The client finds the engine again by itself. */
static void
wait_progress(struct ledger *ledger, uint64_t count)
{
	uint64_t goal = atomic_load(&ledger->acknowledged) + count;

	for (int i = 0; i < GOES_ON_SECONDS * 100 && atomic_load(&ledger->acknowledged) < goal &&
			!atomic_load(&ledger->failed);
	     i++)
		usleep(10000);
	if (atomic_load(&ledger->failed))
		ledger_stop(ledger);
	assert_true(atomic_load(&ledger->acknowledged) >= goal);
}

static void
kill_engine_often(const char *backend, int kills)
{
	struct engine_bed bed = {.backend = backend};
	static struct ledger ledger;

	engine_bed_make(&bed);
	engine_up(&bed);
	engine_client_up(&bed);
	ledger_open(&ledger, &bed, seed);
	ledger_start(&ledger);
	wait_progress(&ledger, 100);
	for (int i = 1; i < kills; i++) {
		pause_random(0, 150);
		engine_kill(&bed);
		engine_up(&bed);
		wait_progress(&ledger, 20);
		ledger_sample(&ledger, 20, &seed);
	}
	/* What is under way at the last kill is given up: nobody will send it again. */
	engine_kill(&bed);
	ledger_abandon(&ledger);
	engine_up(&bed);
	ledger_verify(&ledger);
	printf("%d kills, %llu operations acknowledged\n", kills,
	       (unsigned long long)atomic_load(&ledger.acknowledged));
	ledger_close(&ledger);
	engine_client_down(&bed);
	engine_stop_cleanly(&bed);
	engine_bed_remove(&bed);
}

/* Of the fifty kills of a run, and the two thousand of a long one. */
static void
engine_killed_thirty_times(void **state)
{
	(void)state;
	kill_engine_often(NULL, long_run() ? 850 : 32);
}

static void
engine_killed_on_epoll(void **state)
{
	(void)state;
	kill_engine_often("epoll", long_run() ? 150 : 6);
}

/* A kill in the middle of start-up, replay included, loses nothing either. */
static void
engine_killed_while_it_starts(void **state)
{
	struct engine_bed bed = {.backend = NULL};
	static struct ledger ledger;

	(void)state;
	engine_bed_make(&bed);
	engine_up(&bed);
	engine_client_up(&bed);
	ledger_open(&ledger, &bed, seed);
	ledger_start(&ledger);
	wait_progress(&ledger, 500);
	engine_kill(&bed);
	for (int i = 0; i < (long_run() ? 1000 : 12); i++) {
		engine_begin(&bed);
		pause_random(0, 120);
		engine_kill(&bed);
	}
	engine_up(&bed);
	wait_progress(&ledger, 20);
	ledger_stop(&ledger);
	ledger_verify(&ledger);
	ledger_close(&ledger);
	engine_client_down(&bed);
	engine_stop_cleanly(&bed);
	engine_bed_remove(&bed);
}

/* ------------------------------------------------ an engine inside a process */

#define CHILD_DEPTH 8
#define CHILD_KEYS 400u
#define CHILD_VALUE 700u

struct child_slot {
	daos_event_t event;
	char key[16];
	uint32_t message[2]; /* key, version */
	char value[CHILD_VALUE];
};

/* A value that follows from its key and version. */
static void
child_value(const uint32_t message[2], char value[CHILD_VALUE])
{
	memset(value, (int)(message[0] * 7 + message[1]), CHILD_VALUE);
	memcpy(value, message, 2 * sizeof(message[0]));
}

static void
child_put(daos_handle_t store, struct child_slot *slot, uint32_t key, uint32_t version)
{
	slot->message[0] = key;
	slot->message[1] = version;
	snprintf(slot->key, sizeof(slot->key), "%u", key);
	child_value(slot->message, slot->value);
	if (daos_kv_put(store, DAOS_TX_NONE, 0, slot->key, CHILD_VALUE, slot->value, &slot->event))
		_exit(1);
}

static daos_handle_t
child_store(struct embedded_bed *bed)
{
	daos_handle_t store;

	assert_ok(daos_kv_open(bed->container, embedded_oid(bed, 1, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &store, NULL));
	return store;
}

/* Keys are written in turn, with the round as version, so that one key is never under way twice. */
static void __attribute__((noreturn))
child_main(struct embedded_bed *bed, uint32_t version, int pipe)
{
	struct child_slot slots[CHILD_DEPTH];
	daos_handle_t store, queue;
	uint64_t next = (uint64_t)version * CHILD_KEYS;

	embedded_up(bed);
	store = child_store(bed);
	if (daos_eq_create(&queue))
		_exit(1);
	for (int i = 0; i < CHILD_DEPTH; i++, next++) {
		if (daos_event_init(&slots[i].event, queue, NULL))
			_exit(1);
		child_put(store, &slots[i], (uint32_t)(next % CHILD_KEYS),
			  (uint32_t)(next / CHILD_KEYS));
	}
	for (;;) {
		daos_event_t *ready[1];
		struct child_slot *slot;

		if (daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 1, ready) != 1)
			_exit(1);
		slot = (struct child_slot *)(void *)ready[0];
		if (slot->event.ev_error ||
		    write(pipe, slot->message, sizeof(slot->message)) != sizeof(slot->message))
			_exit(1);
		child_put(store, slot, (uint32_t)(next % CHILD_KEYS),
			  (uint32_t)(next / CHILD_KEYS));
		next++;
	}
}

/* Reads what the child was told until it is dead; versions[] only grow. */
static void
drain(int pipe, uint32_t versions[CHILD_KEYS])
{
	uint32_t message[2];

	while (read(pipe, message, sizeof(message)) == sizeof(message))
		if (message[1] > versions[message[0]])
			versions[message[0]] = message[1];
}

static void
check_child(struct embedded_bed *bed, const uint32_t versions[CHILD_KEYS])
{
	daos_handle_t store;

	embedded_up(bed);
	store = child_store(bed);
	for (uint32_t i = 0; i < CHILD_KEYS; i++) {
		char key[16], value[CHILD_VALUE], expected[CHILD_VALUE];
		daos_size_t size = sizeof(value);
		uint32_t message[2];

		snprintf(key, sizeof(key), "%u", i);
		assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, value, NULL));
		if (size == 0) {
			assert_int_equal(versions[i], 0);
			continue;
		}
		assert_int_equal(size, CHILD_VALUE);
		memcpy(message, value, sizeof(message));
		/* What was acknowledged, or the one after it that was under way. */
		assert_int_equal(message[0], i);
		assert_true(message[1] >= versions[i]);
		child_value(message, expected);
		assert_memory_equal(value, expected, CHILD_VALUE);
	}
	assert_ok(daos_kv_close(store, NULL));
	embedded_down(bed);
}

static uint32_t
newest(const uint32_t versions[CHILD_KEYS])
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < CHILD_KEYS; i++)
		most = versions[i] > most ? versions[i] : most;
	return most;
}

static void
embedded_killed_ten_times(void **state)
{
	uint32_t versions[CHILD_KEYS] = {0};
	struct embedded_bed bed;

	(void)state;
	embedded_directory_make(&bed);
	for (int round = 0; round < (long_run() ? 60 : 10); round++) {
		int ends[2], status;
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		if (child == 0) {
			close(ends[0]);
			/* Two above: the killed one may have begun the next version. */
			child_main(&bed, newest(versions) + 2, ends[1]);
		}
		close(ends[1]);
		/* Now and then before it has come up. */
		pause_random(round % 4 == 3 ? 0 : 300, 800);
		kill(child, SIGKILL);
		drain(ends[0], versions);
		close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		if (round % 3 == 2)
			check_child(&bed, versions);
	}
	check_child(&bed, versions);
	assert_true(newest(versions) > 2);
	embedded_directory_remove(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(embedded_killed_ten_times),
		cmocka_unit_test(engine_killed_thirty_times),
		cmocka_unit_test(engine_killed_on_epoll),
		cmocka_unit_test(engine_killed_while_it_starts),
	};

	seed = seed_of_environment();
	embedded_library_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
