/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A pool of a real engine, filled to the refusal and emptied, by removing keys and by destroying
 * the container: when what was freed has come back, as much is free as in the new pool, to the
 * byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"
#include "engine_bed.h"

#define METADATA (UINT64_C(48) << 20)
#define DATA (UINT64_C(32) << 20)
#define VALUE (UINT64_C(200) << 10)
#define ROUNDS 2
#define BACK_SECONDS 30

struct full_bed {
	struct engine_bed engine;
	daos_handle_t pool, container, store;
	uint64_t free[2]; /* metadata, data; of the new pool */
	char value[VALUE];
};

static void
free_now(struct full_bed *bed, uint64_t ret_free[2])
{
	daos_pool_info_t info = {.pi_bits = DPI_SPACE};

	assert_ok(daos_pool_query(bed->pool, NULL, &info, NULL, NULL));
	for (int i = 0; i < 2; i++)
		ret_free[i] = info.pi_space.ps_space.s_free[i];
}

static void
container_up(struct full_bed *bed)
{
	daos_obj_id_t oid = {.lo = 1};

	assert_ok(daos_cont_create_with_label(bed->pool, "full", NULL, NULL, NULL));
	assert_ok(daos_cont_open(bed->pool, "full", DAOS_COO_RW, &bed->container, NULL, NULL));
	assert_ok(daos_obj_generate_oid(bed->container, &oid, DAOS_OT_KV_HASHED, OC_SX, 0, 0));
	assert_ok(daos_kv_open(bed->container, oid, DAOS_OO_RW, &bed->store, NULL));
}

static void
container_down(struct full_bed *bed)
{
	assert_ok(daos_kv_close(bed->store, NULL));
	assert_ok(daos_cont_close(bed->container, NULL));
	assert_ok(daos_cont_destroy(bed->pool, "full", 1, NULL));
}

/* Large values until one is refused; then small ones, which cost metadata, for a while. */
static uint32_t
fill(struct full_bed *bed)
{
	uint32_t count = 0;
	char key[32];
	int rc;

	do {
		snprintf(key, sizeof(key), "key %u", count);
		rc = daos_kv_put(bed->store, DAOS_TX_NONE, 0, key, VALUE, bed->value, NULL);
		count += rc == 0;
	} while (rc == 0);
	assert_int_equal(rc, -DER_NOSPACE);
	assert_true(count * VALUE > DATA / 2);
	for (int i = 0; i < 300; i++, count++) {
		snprintf(key, sizeof(key), "key %u", count);
		assert_ok(daos_kv_put(bed->store, DAOS_TX_NONE, 0, key, 300, bed->value, NULL));
	}
	return count;
}

/* None of it may be refused in the full pool. */
static void
remove_all(struct full_bed *bed, uint32_t count)
{
	char key[32];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		assert_ok(daos_kv_remove(bed->store, DAOS_TX_NONE, 0, key, NULL));
	}
}

static void
wait_free(struct full_bed *bed)
{
	uint64_t now[2];

	for (int i = 0; i < BACK_SECONDS * 20; i++) {
		free_now(bed, now);
		if (now[0] == bed->free[0] && now[1] == bed->free[1])
			return;
		usleep(50000);
	}
	assert_int_equal(now[0], bed->free[0]);
	assert_int_equal(now[1], bed->free[1]);
}

/* Until nothing has come back for a while. */
static void
settle(struct full_bed *bed)
{
	uint64_t before[2];

	free_now(bed, bed->free);
	for (int still = 0; still < 20; still++) {
		memcpy(before, bed->free, sizeof(before));
		usleep(50000);
		free_now(bed, bed->free);
		if (memcmp(before, bed->free, sizeof(before)) != 0)
			still = 0;
	}
}

static void
pool_up(struct full_bed *bed)
{
	struct client_pool_create request = {
		.label = "small", .metadata_bytes = METADATA, .data_bytes = DATA};
	struct client_pool_created created;
	char key[32];

	assert_ok(client_pool_create(&request, &created));
	assert_ok(daos_pool_connect("small", NULL, DAOS_PC_RW, &bed->pool, NULL, NULL));
	/* Each target remembers the requests of a client that lives: let it know this one. */
	container_up(bed);
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		assert_ok(daos_kv_put(bed->store, DAOS_TX_NONE, 0, key, 300, bed->value, NULL));
	}
	container_down(bed);
	settle(bed);
}

static void
class_27_full_pool_of_an_engine(void **state)
{
	static struct full_bed bed;

	(void)state;
	memset(bed.value, 'v', sizeof(bed.value));
	engine_bed_make(&bed.engine);
	engine_up(&bed.engine);
	engine_client_up(&bed.engine);
	pool_up(&bed);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t count;

		container_up(&bed);
		count = fill(&bed);
		if (round % 2 == 0)
			remove_all(&bed, count);
		container_down(&bed);
		wait_free(&bed);
	}
	assert_ok(daos_pool_disconnect(bed.pool, NULL));
	engine_client_down(&bed.engine);
	engine_stop_cleanly(&bed.engine);
	engine_bed_remove(&bed.engine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(class_27_full_pool_of_an_engine)};

	embedded_library_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
