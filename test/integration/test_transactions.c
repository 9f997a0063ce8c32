/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Transactions through libdaos against an engine of two targets: what may be done in which state;
 * transfers between accounts by several threads while the engine is killed, of which none is lost,
 * made twice, or seen half.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine_bed.h"

static uint64_t seed;

static daos_handle_t
store_open(struct engine_bed *bed, uint64_t number)
{
	daos_handle_t store;

	assert_ok(daos_kv_open(bed->client.container,
			       embedded_oid(&bed->client, number, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &store, NULL));
	return store;
}

static int
put(daos_handle_t store, daos_handle_t th, uint64_t flags, const char *key, int64_t value)
{
	return daos_kv_put(store, th, flags, key, sizeof(value), &value, NULL);
}

static int
get(daos_handle_t store, daos_handle_t th, const char *key, int64_t *ret_value)
{
	daos_size_t size = sizeof(*ret_value);
	int rc = daos_kv_get(store, th, 0, key, &size, ret_value, NULL);

	if (rc == 0 && size == 0)
		*ret_value = -1;
	return rc;
}

static int64_t
value_of(daos_handle_t store, daos_handle_t th, const char *key)
{
	int64_t value;

	assert_ok(get(store, th, key, &value));
	return value;
}

/* ------------------------------------------------ states */

static void
check_commit(struct engine_bed *bed, daos_handle_t store)
{
	daos_handle_t th;
	daos_epoch_t epoch;

	assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
	assert_int_equal(daos_tx_hdl2epoch(th, &epoch), -DER_UNINIT);
	assert_ok(put(store, th, 0, "a", 1));
	assert_ok(put(store, th, 0, "b", 2));
	/* Its own writes are not seen before. */
	assert_int_equal(value_of(store, th, "a"), -1);
	assert_int_equal(value_of(store, DAOS_TX_NONE, "b"), -1);
	assert_ok(daos_tx_hdl2epoch(th, &epoch));
	assert_int_equal(daos_tx_restart(th, NULL), -DER_NO_PERM);
	assert_ok(daos_tx_commit(th, NULL));
	assert_int_equal(value_of(store, DAOS_TX_NONE, "a"), 1);
	assert_int_equal(value_of(store, DAOS_TX_NONE, "b"), 2);
	assert_int_equal(daos_tx_commit(th, NULL), -DER_ALREADY);
	assert_int_equal(daos_tx_abort(th, NULL), -DER_NO_PERM);
	assert_int_equal(put(store, th, 0, "a", 3), -DER_NO_PERM);
	assert_ok(daos_tx_close(th, NULL));
	assert_int_equal(daos_tx_commit(th, NULL), -DER_NO_HDL);
	assert_int_equal(put(store, th, 0, "a", 3), -DER_NO_HDL);
	/* At the epoch of the first transaction there was nothing. */
	assert_ok(daos_tx_open_snap(bed->client.container, epoch - 1, &th, NULL));
	assert_int_equal(value_of(store, th, "a"), -1);
	assert_int_equal(put(store, th, 0, "a", 3), -DER_NO_PERM);
	assert_ok(daos_tx_commit(th, NULL));
	assert_ok(daos_tx_close(th, NULL));
}

static void
check_abort(struct engine_bed *bed, daos_handle_t store)
{
	daos_handle_t th;

	assert_int_equal(daos_tx_open(bed->client.container, &th, 99, NULL), -DER_INVAL);
	assert_int_equal(daos_tx_open(store, &th, 0, NULL), -DER_NO_HDL);
	assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
	assert_ok(put(store, th, 0, "a", 4));
	assert_ok(daos_tx_abort(th, NULL));
	assert_int_equal(daos_tx_abort(th, NULL), -DER_ALREADY);
	assert_int_equal(daos_tx_commit(th, NULL), -DER_NO_PERM);
	assert_ok(daos_tx_close(th, NULL));
	assert_int_equal(value_of(store, DAOS_TX_NONE, "a"), 1);
	/* An empty one, and one that only reads. */
	assert_ok(daos_tx_open(bed->client.container, &th, DAOS_TF_RDONLY, NULL));
	assert_int_equal(put(store, th, 0, "a", 4), -DER_NO_PERM);
	assert_int_equal(value_of(store, th, "a"), 1);
	assert_ok(daos_tx_commit(th, NULL));
	assert_ok(daos_tx_close(th, NULL));
	/* A condition that does not hold refuses all. */
	assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
	assert_ok(put(store, th, 0, "c", 5));
	assert_ok(put(store, th, DAOS_COND_KEY_INSERT, "a", 5));
	assert_int_equal(daos_tx_commit(th, NULL), -DER_EXIST);
	assert_int_equal(daos_tx_restart(th, NULL), -DER_NO_PERM);
	assert_ok(daos_tx_close(th, NULL));
	assert_int_equal(value_of(store, DAOS_TX_NONE, "c"), -1);
}

static void
check_conflict(struct engine_bed *bed, daos_handle_t store)
{
	daos_handle_t th;
	int64_t value;

	assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
	value = value_of(store, th, "a");
	assert_ok(put(store, DAOS_TX_NONE, 0, "a", 10));
	assert_int_equal(value_of(store, th, "a"), value);
	assert_ok(put(store, th, 0, "a", value + 1));
	assert_ok(put(store, th, 0, "b", value + 1));
	assert_int_equal(daos_tx_commit(th, NULL), -DER_TX_RESTART);
	assert_int_equal(get(store, th, "a", &value), -DER_TX_RESTART);
	assert_int_equal(put(store, th, 0, "a", 1), -DER_TX_RESTART);
	assert_ok(daos_tx_restart(th, NULL));
	value = value_of(store, th, "a");
	assert_int_equal(value, 10);
	assert_ok(put(store, th, 0, "a", value + 1));
	assert_ok(daos_kv_remove(store, th, 0, "b", NULL));
	assert_ok(daos_tx_commit(th, NULL));
	assert_ok(daos_tx_close(th, NULL));
	assert_int_equal(value_of(store, DAOS_TX_NONE, "a"), 11);
	assert_int_equal(value_of(store, DAOS_TX_NONE, "b"), -1);
}

/* Writes that are too many: the commit refuses them, and nothing is left of the others. */
static void
check_limits(struct engine_bed *bed, daos_handle_t store)
{
	static char large[3u << 20];
	daos_handle_t th;

	assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
	assert_ok(daos_kv_put(store, th, 0, "l1", sizeof(large), large, NULL));
	assert_int_equal(daos_kv_put(store, th, 0, "l2", sizeof(large), large, NULL), -DER_REC2BIG);
	assert_int_equal(daos_tx_commit(th, NULL), -DER_REC2BIG);
	assert_ok(daos_tx_close(th, NULL));
	assert_int_equal(value_of(store, DAOS_TX_NONE, "l1"), -1);
}

/* ------------------------------------------------ arrays */

#define CELLS 3000u
#define CHUNK 1000u

static void
array_io(daos_handle_t array, daos_handle_t th, bool write, uint64_t from, char *data,
	 uint64_t length)
{
	daos_range_t range = {.rg_idx = from, .rg_len = length};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	d_iov_t iov = {data, length, length};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	assert_ok(write ? daos_array_write(array, th, &iod, &sgl, NULL)
			: daos_array_read(array, th, &iod, &sgl, NULL));
}

static void
check_arrays(struct engine_bed *bed)
{
	static char data[CELLS], read[CELLS];
	daos_obj_id_t id = embedded_oid(&bed->client, 77, DAOS_OT_ARRAY, OC_SX);
	daos_handle_t array, th;
	daos_size_t size;

	memset(data, 'a', sizeof(data));
	assert_ok(
		daos_array_create(bed->client.container, id, DAOS_TX_NONE, 1, CHUNK, &array, NULL));
	assert_ok(daos_tx_open(bed->client.container, &th, DAOS_TF_ZERO_COPY, NULL));
	array_io(array, th, true, 0, data, CELLS);
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, 0);
	assert_ok(daos_tx_commit(th, NULL));
	assert_ok(daos_tx_close(th, NULL));
	array_io(array, DAOS_TX_NONE, false, 0, read, CELLS);
	assert_memory_equal(read, data, CELLS);
	/* Shrinks to where there is data, and to a hole. */
	for (uint64_t i = 0; i < 2; i++) {
		assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
		assert_ok(daos_array_set_size(array, th, 1500 - i * 700, NULL));
		assert_ok(daos_array_get_size(array, th, &size, NULL));
		assert_int_equal(size, i ? 1500 : CELLS);
		assert_ok(daos_tx_commit(th, NULL));
		assert_ok(daos_tx_close(th, NULL));
		assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
		assert_int_equal(size, 1500 - i * 700);
	}
	/* A read of many chunks at once, the first one of its transaction. */
	assert_ok(daos_tx_open(bed->client.container, &th, DAOS_TF_RDONLY, NULL));
	array_io(array, th, false, 0, read, 800);
	assert_memory_equal(read, data, 800);
	assert_ok(daos_tx_close(th, NULL));
	assert_ok(daos_array_close(array, NULL));
}

/*
 * That there was nothing is read at an epoch too, be it the first read of a transaction: who then
 * writes what somebody else has made meanwhile starts again.
 */
static void
check_nothing_read(struct engine_bed *bed, daos_handle_t store)
{
	daos_obj_id_t id = embedded_oid(&bed->client, 78, DAOS_OT_ARRAY, OC_SX);
	daos_handle_t array, th;
	int64_t value = 0;
	daos_size_t size = sizeof(value);
	char data[] = "data";

	assert_ok(
		daos_array_create(bed->client.container, id, DAOS_TX_NONE, 1, CHUNK, &array, NULL));
	assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
	assert_ok(daos_array_get_size(array, th, &size, NULL));
	assert_int_equal(size, 0);
	array_io(array, DAOS_TX_NONE, true, 0, data, 4);
	array_io(array, th, true, size, data, 2);
	assert_int_equal(daos_tx_commit(th, NULL), -DER_TX_RESTART);
	assert_ok(daos_tx_restart(th, NULL));
	assert_ok(daos_array_get_size(array, th, &size, NULL));
	assert_int_equal(size, 4);
	assert_ok(daos_tx_abort(th, NULL));
	assert_ok(daos_tx_close(th, NULL));
	assert_ok(daos_array_close(array, NULL));

	assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
	size = sizeof(value);
	assert_int_equal(daos_kv_get(store, th, DAOS_COND_KEY_GET, "n", &size, &value, NULL),
			 -DER_NONEXIST);
	assert_ok(put(store, DAOS_TX_NONE, 0, "n", 1));
	assert_ok(put(store, th, 0, "n", 2));
	assert_int_equal(daos_tx_commit(th, NULL), -DER_TX_RESTART);
	assert_ok(daos_tx_close(th, NULL));
	assert_int_equal(value_of(store, DAOS_TX_NONE, "n"), 1);
}

/* ------------------------------------------------ one handle, many users */

#define USERS 4u
#define READS 8u

struct user {
	daos_handle_t store, th;
	pthread_t thread;
	unsigned int number;
	int rc;
	int64_t value;
};

static void *
user_main(void *argument)
{
	struct user *user = argument;
	char name[16];

	snprintf(name, sizeof(name), "u%u", user->number);
	user->rc = get(user->store, user->th, name, &user->value);
	if (user->rc == 0)
		user->rc = put(user->store, user->th, 0, name, user->value + 1);
	return NULL;
}

/* The first reads of a transaction race from several threads; then all writes are one. */
static void
check_threads(struct engine_bed *bed, daos_handle_t store)
{
	struct user users[USERS];
	daos_handle_t th;
	char name[16];

	for (unsigned int round = 0; round < 20; round++) {
		assert_ok(daos_tx_open(bed->client.container, &th, 0, NULL));
		for (unsigned int i = 0; i < USERS; i++) {
			users[i] = (struct user){.store = store, .th = th, .number = i};
			pthread_create(&users[i].thread, NULL, user_main, &users[i]);
		}
		for (unsigned int i = 0; i < USERS; i++) {
			pthread_join(users[i].thread, NULL);
			assert_ok(users[i].rc);
			assert_int_equal(users[i].value, round ? (int64_t)round - 1 : -1);
		}
		assert_ok(daos_tx_commit(th, NULL));
		assert_ok(daos_tx_close(th, NULL));
		for (unsigned int i = 0; i < USERS; i++) {
			snprintf(name, sizeof(name), "u%u", i);
			assert_int_equal(value_of(store, DAOS_TX_NONE, name), round);
		}
	}
}

static void
await_all(daos_handle_t queue, unsigned int count)
{
	daos_event_t *ready[READS];

	while (count > 0) {
		int got = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, READS, ready);

		assert_true(got > 0);
		for (int i = 0; i < got; i++)
			assert_ok(ready[i]->ev_error);
		count -= (unsigned int)got;
	}
}

/* First reads under events race with a blocking one, which waits for none of them. */
static void
check_events(struct engine_bed *bed, daos_handle_t store)
{
	daos_handle_t queue, th;
	daos_event_t events[READS], event;
	daos_size_t sizes[READS];
	int64_t values[READS];
	char names[READS][16];

	assert_ok(daos_eq_create(&queue));
	assert_ok(daos_event_init(&event, queue, NULL));
	assert_ok(daos_tx_open(bed->client.container, &th, 0, &event));
	await_all(queue, 1);
	for (unsigned int i = 0; i < READS; i++) {
		sizes[i] = sizeof(values[i]);
		snprintf(names[i], sizeof(names[i]), "u%u", i % USERS);
		assert_ok(daos_event_init(&events[i], queue, NULL));
		assert_ok(daos_kv_get(store, th, 0, names[i], &sizes[i], &values[i], &events[i]));
	}
	assert_int_equal(value_of(store, th, "u0"), 19);
	await_all(queue, READS);
	for (unsigned int i = 0; i < READS; i++) {
		assert_int_equal(values[i], 19);
		values[i] = 100;
		assert_ok(daos_kv_put(store, th, 0, names[i], sizes[i], &values[i], &events[i]));
	}
	await_all(queue, READS);
	/* They were copied. */
	memset(values, 0, sizeof(values));
	assert_ok(daos_tx_commit(th, &event));
	await_all(queue, 1);
	assert_ok(daos_tx_close(th, &event));
	await_all(queue, 1);
	assert_int_equal(value_of(store, DAOS_TX_NONE, "u3"), 100);
	for (unsigned int i = 0; i < READS; i++)
		assert_ok(daos_event_fini(&events[i]));
	assert_ok(daos_event_fini(&event));
	assert_ok(daos_eq_destroy(queue, 0));
}

static void
states_and_errors(void **state)
{
	struct engine_bed bed = {.backend = NULL};
	daos_handle_t store;

	(void)state;
	engine_bed_make(&bed);
	engine_up(&bed);
	engine_client_up(&bed);
	store = store_open(&bed, 1);
	check_commit(&bed, store);
	check_abort(&bed, store);
	check_conflict(&bed, store);
	check_limits(&bed, store);
	check_arrays(&bed);
	check_nothing_read(&bed, store);
	check_threads(&bed, store);
	check_events(&bed, store);
	assert_ok(daos_kv_close(store, NULL));
	engine_client_down(&bed);
	engine_stop_cleanly(&bed);
	engine_bed_remove(&bed);
}

/* ------------------------------------------------ a bank */

#define ACCOUNTS 8
#define TELLERS 4
#define FIRST 1000

struct bank {
	struct engine_bed bed;
	daos_handle_t store;
	atomic_bool stop;
	atomic_int failed; /* the first code that nobody expects */
	atomic_uint audits;
	atomic_uint transfers[TELLERS];
};

struct teller {
	struct bank *bank;
	pthread_t thread;
	unsigned int number;
	uint64_t seed;
};

static void
account_name(char kind, unsigned int number, char name[16])
{
	snprintf(name, 16, "%c%u", kind, number);
}

/* Adds amount to one value. */
static int
add(struct bank *bank, daos_handle_t th, const char *key, int64_t amount)
{
	int64_t value;
	int rc = get(bank->store, th, key, &value);

	return rc ? rc : put(bank->store, th, 0, key, value + amount);
}

static int
transfer(struct teller *teller, daos_handle_t th)
{
	unsigned int from = (unsigned int)draw(&teller->seed, ACCOUNTS);
	unsigned int to = (from + 1 + (unsigned int)draw(&teller->seed, ACCOUNTS - 1)) % ACCOUNTS;
	int64_t amount = (int64_t)draw(&teller->seed, 100);
	char name[16];
	int rc;

	account_name('a', from, name);
	rc = add(teller->bank, th, name, -amount);
	account_name('a', to, name);
	if (rc == 0)
		rc = add(teller->bank, th, name, amount);
	account_name('t', teller->number, name);
	if (rc == 0)
		rc = add(teller->bank, th, name, 1);
	return rc ? rc : daos_tx_commit(th, NULL);
}

/* Until it is through: conflicts begin again. */
static int
in_transaction(struct bank *bank, uint64_t flags, int (*function)(void *argument, daos_handle_t th),
	       void *argument)
{
	daos_handle_t th;
	int rc = daos_tx_open(bank->bed.client.container, &th, flags, NULL);

	if (rc)
		return rc;
	while ((rc = function(argument, th)) == -DER_TX_RESTART)
		if (daos_tx_restart(th, NULL))
			break;
	(void)daos_tx_close(th, NULL);
	return rc;
}

static int
run_transfer(void *argument, daos_handle_t th)
{
	return transfer(argument, th);
}

static void *
teller_main(void *argument)
{
	struct teller *teller = argument;
	struct bank *bank = teller->bank;

	while (!atomic_load(&bank->stop)) {
		int rc = in_transaction(bank, 0, run_transfer, teller);

		if (rc) {
			fprintf(stderr, "teller %u: %d\n", teller->number, rc);
			atomic_store(&bank->failed, rc);
			break;
		}
		atomic_fetch_add(&bank->transfers[teller->number], 1);
	}
	return NULL;
}

static int
run_audit(void *argument, daos_handle_t th)
{
	struct bank *bank = argument;
	int64_t sum = 0, value;
	char name[16];

	for (unsigned int i = 0; i < ACCOUNTS; i++) {
		int rc;

		account_name('a', i, name);
		rc = get(bank->store, th, name, &value);
		if (rc)
			return rc;
		sum += value;
	}
	if (sum != ACCOUNTS * FIRST) {
		fprintf(stderr, "the sum is %lld\n", (long long)sum);
		return -DER_MISMATCH;
	}
	return 0;
}

static void *
auditor_main(void *argument)
{
	struct bank *bank = argument;

	while (!atomic_load(&bank->stop)) {
		int rc = in_transaction(bank, DAOS_TF_RDONLY, run_audit, bank);

		if (rc) {
			fprintf(stderr, "auditor: %d\n", rc);
			atomic_store(&bank->failed, rc);
			break;
		}
		atomic_fetch_add(&bank->audits, 1);
	}
	return NULL;
}

static unsigned int
transfers(struct bank *bank)
{
	unsigned int sum = 0;

	for (int i = 0; i < TELLERS; i++)
		sum += atomic_load(&bank->transfers[i]);
	return sum;
}

static void
wait_transfers(struct bank *bank, unsigned int more)
{
	unsigned int goal = transfers(bank) + more;

	for (int i = 0; i < 3000 && transfers(bank) < goal && !atomic_load(&bank->failed); i++)
		usleep(10000);
	assert_int_equal(atomic_load(&bank->failed), 0);
	assert_true(transfers(bank) >= goal);
}

static void
bank_open(struct bank *bank)
{
	char name[16];

	engine_bed_make(&bank->bed);
	engine_up(&bank->bed);
	engine_client_up(&bank->bed);
	bank->store = store_open(&bank->bed, 5);
	for (unsigned int i = 0; i < ACCOUNTS; i++) {
		account_name('a', i, name);
		assert_ok(put(bank->store, DAOS_TX_NONE, 0, name, FIRST));
	}
	for (unsigned int i = 0; i < TELLERS; i++) {
		account_name('t', i, name);
		assert_ok(put(bank->store, DAOS_TX_NONE, 0, name, 0));
	}
}

static void
bank_verify(struct bank *bank)
{
	char name[16];

	assert_ok(in_transaction(bank, DAOS_TF_RDONLY, run_audit, bank));
	for (unsigned int i = 0; i < TELLERS; i++) {
		account_name('t', i, name);
		assert_int_equal(value_of(bank->store, DAOS_TX_NONE, name),
				 atomic_load(&bank->transfers[i]));
	}
}

static void
bank_under_kills(void **state)
{
	static struct bank bank;
	struct teller tellers[TELLERS];
	pthread_t auditor;
	int kills = long_run() ? 200 : 10;

	(void)state;
	bank_open(&bank);
	for (unsigned int i = 0; i < TELLERS; i++) {
		tellers[i] = (struct teller){.bank = &bank, .number = i, .seed = seed + i};
		pthread_create(&tellers[i].thread, NULL, teller_main, &tellers[i]);
	}
	pthread_create(&auditor, NULL, auditor_main, &bank);
	wait_transfers(&bank, 50);
	for (int i = 0; i < kills && !atomic_load(&bank.failed); i++) {
		struct timespec pause = {0, (long)draw(&seed, 100) * 1000000};

		nanosleep(&pause, NULL);
		engine_kill(&bank.bed);
		engine_up(&bank.bed);
		wait_transfers(&bank, 10);
	}
	atomic_store(&bank.stop, true);
	for (int i = 0; i < TELLERS; i++)
		pthread_join(tellers[i].thread, NULL);
	pthread_join(auditor, NULL);
	assert_int_equal(atomic_load(&bank.failed), 0);
	bank_verify(&bank);
	printf("%d kills, %u transfers, %u audits\n", kills, transfers(&bank),
	       atomic_load(&bank.audits));
	assert_true(atomic_load(&bank.audits) > 0);
	assert_ok(daos_kv_close(bank.store, NULL));
	engine_client_down(&bank.bed);
	engine_stop_cleanly(&bank.bed);
	engine_bed_remove(&bank.bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_and_errors),
		cmocka_unit_test(bank_under_kills),
	};

	seed = seed_of_environment();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
