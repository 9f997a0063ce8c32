/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The handle table: cookies of their type and time, counted references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "client/private.h"

static atomic_uint freed;

static void
count_free(struct handle *handle)
{
	atomic_fetch_add(&freed, 1);
	free(handle);
}

static struct handle *
make(uint32_t type)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	handle_init(handle, type, count_free);
	return handle;
}

static void
test_life(void **state)
{
	static struct handle_table table;
	struct handle *handle = make(DAOS_HTYPE_OBJ);
	struct handle *got = NULL;
	daos_handle_t cookie, next;

	(void)state;
	handle_table_init(&table);
	atomic_store(&freed, 0);
	assert_int_equal(handle_add(&table, handle, &cookie), 0);
	assert_int_equal(cookie.cookie & 15, DAOS_HTYPE_OBJ);
	assert_int_equal(handle_get(&table, cookie, DAOS_HTYPE_POOL, &got), -DER_NO_HDL);
	assert_int_equal(handle_get(&table, cookie, DAOS_HTYPE_OBJ, &got), 0);
	assert_ptr_equal(got, handle);

	/* Closed while in use: no new references, freed with the last one. */
	assert_true(handle_remove(&table, handle));
	assert_false(handle_remove(&table, handle));
	assert_int_equal(handle_get(&table, cookie, DAOS_HTYPE_OBJ, &got), -DER_NO_HDL);
	assert_int_equal(atomic_load(&freed), 0);
	handle_put(handle);
	assert_int_equal(atomic_load(&freed), 1);

	/* The slot is used again, the cookie is not. */
	assert_int_equal(handle_add(&table, make(DAOS_HTYPE_OBJ), &next), 0);
	assert_int_not_equal(next.cookie, cookie.cookie);
	assert_int_equal(handle_get(&table, cookie, DAOS_HTYPE_OBJ, &got), -DER_NO_HDL);
	assert_int_equal(handle_get(&table, DAOS_HDL_INVAL, DAOS_HTYPE_OBJ, &got), -DER_NO_HDL);
	assert_int_equal(handle_get(&table, (daos_handle_t){UINT64_MAX}, 15, &got), -DER_NO_HDL);
	handle_table_fini(&table);
	assert_int_equal(atomic_load(&freed), 2);
}

static void
test_many(void **state)
{
	enum { COUNT = 3 * HANDLES_PER_BLOCK };
	static struct handle_table table;
	daos_handle_t *cookies = calloc(COUNT, sizeof(*cookies));
	struct handle *got;

	(void)state;
	handle_table_init(&table);
	atomic_store(&freed, 0);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(handle_add(&table, make(DAOS_HTYPE_KV), &cookies[i]), 0);
	for (uint32_t i = 0; i < COUNT; i += 2) {
		assert_int_equal(handle_get(&table, cookies[i], DAOS_HTYPE_KV, &got), 0);
		assert_true(handle_remove(&table, got));
		handle_put(got);
	}
	assert_int_equal(table.count, COUNT / 2);
	for (uint32_t i = 0; i < COUNT; i++) {
		int rc = handle_get(&table, cookies[i], DAOS_HTYPE_KV, &got);

		assert_int_equal(rc, i % 2 ? 0 : -DER_NO_HDL);
		if (rc == 0)
			handle_put(got);
	}
	for (uint32_t i = 0; i < COUNT / 2; i++)
		assert_int_equal(handle_add(&table, make(DAOS_HTYPE_KV), &cookies[0]), 0);
	assert_int_equal(table.used, COUNT);
	handle_table_fini(&table);
	assert_int_equal(atomic_load(&freed), COUNT + COUNT / 2);
	free(cookies);
}

struct shared {
	struct handle_table table;
	daos_handle_t cookie;
};

static void *
get_and_put(void *argument)
{
	struct shared *shared = argument;

	for (int i = 0; i < 20000; i++) {
		daos_handle_t own;
		struct handle *got;

		if (handle_get(&shared->table, shared->cookie, DAOS_HTYPE_CO, &got) == 0)
			handle_put(got);
		assert_int_equal(handle_add(&shared->table, make(DAOS_HTYPE_OBJ), &own), 0);
		assert_int_equal(handle_get(&shared->table, own, DAOS_HTYPE_OBJ, &got), 0);
		assert_true(handle_remove(&shared->table, got));
		handle_put(got);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	static struct shared shared;
	pthread_t threads[4];
	struct handle *got;

	(void)state;
	handle_table_init(&shared.table);
	assert_int_equal(handle_add(&shared.table, make(DAOS_HTYPE_CO), &shared.cookie), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, get_and_put, &shared), 0);
	assert_int_equal(handle_get(&shared.table, shared.cookie, DAOS_HTYPE_CO, &got), 0);
	assert_true(handle_remove(&shared.table, got));
	handle_put(got);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(shared.table.count, 0);
	handle_table_fini(&shared.table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
