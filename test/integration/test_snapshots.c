/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Snapshots through the public interface: made, named, listed, read, destroyed; tables of their
 * objects; aggregation; all of it again after the engine started again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded_bed.h"

#define OBJECTS 30u

static struct embedded_bed bed;

static int
setup(void **state)
{
	(void)state;
	embedded_library_open();
	embedded_directory_make(&bed);
	embedded_up(&bed);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

/* ------------------------------------------------ values */

static daos_obj_id_t
object_of(uint32_t number)
{
	daos_obj_id_t id = {.lo = 100 + number};

	/* Every other one has shards on all targets. */
	assert_ok(daos_obj_generate_oid(bed.container, &id, DAOS_OT_KV_HASHED,
					number % 2 ? OC_SX : OC_S1, 0, 0));
	return id;
}

static void
put(uint32_t object, uint32_t keys, uint32_t value)
{
	daos_handle_t kv;
	char key[16];

	assert_ok(daos_kv_open(bed.container, object_of(object), DAOS_OO_RW, &kv, NULL));
	for (uint32_t i = 0; i < keys; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		assert_ok(daos_kv_put(kv, DAOS_TX_NONE, 0, key, sizeof(value), &value, NULL));
	}
	assert_ok(daos_kv_close(kv, NULL));
}

/* The value at a snapshot, 0: the newest; 0 where there is none. */
static uint32_t
get(uint32_t object, uint32_t number, daos_epoch_t epoch)
{
	daos_handle_t kv, th = DAOS_TX_NONE;
	uint32_t value = 0;
	daos_size_t size = sizeof(value);
	char key[16];

	snprintf(key, sizeof(key), "key%u", number);
	if (epoch)
		assert_ok(daos_tx_open_snap(bed.container, epoch, &th, NULL));
	assert_ok(daos_kv_open(bed.container, object_of(object), DAOS_OO_RO, &kv, NULL));
	assert_ok(daos_kv_get(kv, th, 0, key, &size, &value, NULL));
	assert_ok(daos_kv_close(kv, NULL));
	if (epoch)
		assert_ok(daos_tx_close(th, NULL));
	return size == 0 ? 0 : value;
}

static daos_epoch_t
snapshot(const char *name)
{
	daos_epoch_t epoch = 0;

	assert_ok(daos_cont_create_snap(bed.container, &epoch, (char *)(uintptr_t)name, NULL));
	assert_true(epoch > 0);
	return epoch;
}

static void
destroy(daos_epoch_t low, daos_epoch_t high)
{
	assert_ok(daos_cont_destroy_snap(bed.container, (daos_epoch_range_t){low, high}, NULL));
}

static daos_cont_info_t
info(void)
{
	daos_cont_info_t found;

	assert_ok(daos_cont_query(bed.container, &found, NULL, NULL));
	return found;
}

static void
aggregate(void)
{
	assert_ok(daos_cont_aggregate(bed.container, DAOS_EPOCH_MAX, NULL));
}

/* ------------------------------------------------ tests */

static void
life(void **state)
{
	daos_epoch_t first, second, again;
	daos_handle_t kv, th;
	uint32_t value;
	daos_size_t size = sizeof(value);
	(void)state;

	put(1, 8, 11);
	put(2, 8, 21);
	first = snapshot(NULL);
	put(1, 4, 12);
	second = snapshot("second");
	put(1, 8, 13);
	assert_true(second > first);
	assert_int_equal(info().ci_nsnapshots, 2);
	assert_true(info().ci_lsnapshot == second);
	assert_int_equal(daos_cont_create_snap(bed.container, &again, (char[]){"second"}, NULL),
			 -DER_EXIST);
	for (uint32_t round = 0; round < 3; round++) {
		assert_int_equal(get(1, 0, first), 11);
		assert_int_equal(get(1, 0, second), 12);
		assert_int_equal(get(1, 7, second), 11);
		assert_int_equal(get(1, 7, 0), 13);
		assert_int_equal(get(2, 7, second), 21);
		assert_int_equal(get(3, 0, second), 0);
		if (round == 0) {
			aggregate();
		} else {
			embedded_down(&bed);
			embedded_up(&bed);
			aggregate();
		}
	}
	assert_int_equal(daos_cont_destroy_snap(bed.container,
						(daos_epoch_range_t){first + 1, first + 1}, NULL),
			 -DER_NONEXIST);
	destroy(first, first);
	aggregate();
	/* What was a snapshot cannot be read any more. */
	assert_ok(daos_tx_open_snap(bed.container, first, &th, NULL));
	assert_ok(daos_kv_open(bed.container, object_of(1), DAOS_OO_RO, &kv, NULL));
	assert_int_equal(daos_kv_get(kv, th, 0, "key0", &size, &value, NULL), -DER_TX_RESTART);
	assert_ok(daos_kv_close(kv, NULL));
	assert_ok(daos_tx_close(th, NULL));
	assert_int_equal(get(1, 0, second), 12);
	assert_int_equal(info().ci_nsnapshots, 1);
	destroy(second, second);
	assert_int_equal(info().ci_nsnapshots, 0);
	assert_true(info().ci_lsnapshot == 0);
	/* The name is free again. */
	again = snapshot("second");
	destroy(again, again);
}

static void
listing(void **state)
{
	char first[DAOS_SNAPSHOT_MAX_LEN], second[DAOS_SNAPSHOT_MAX_LEN];
	char *names[] = {first, second};
	daos_epoch_t epochs[700], expected[600];
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	uint32_t seen = 0;
	int count = 0;
	(void)state;

	for (uint32_t i = 0; i < 600; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", i);
		expected[i] = snapshot(i % 2 ? name : NULL);
	}
	assert_ok(daos_cont_list_snap(bed.container, &count, NULL, NULL, NULL, NULL));
	assert_int_equal(count, 600);
	/* Two at a time, then all of them, more than a page. */
	while (!daos_anchor_is_eof(&anchor) && seen < 10) {
		count = 2;
		assert_ok(daos_cont_list_snap(bed.container, &count, epochs, names, &anchor, NULL));
		assert_int_equal(count, 2);
		assert_true(epochs[0] == expected[seen] && epochs[1] == expected[seen + 1]);
		assert_string_equal(first, "");
		snprintf(first, sizeof(first), "n%u", seen + 1);
		assert_string_equal(second, first);
		seen += 2;
	}
	anchor = (daos_anchor_t)DAOS_ANCHOR_INIT;
	count = 700;
	assert_ok(daos_cont_list_snap(bed.container, &count, epochs, NULL, &anchor, NULL));
	assert_int_equal(count, 600);
	assert_true(daos_anchor_is_eof(&anchor));
	assert_memory_equal(epochs, expected, sizeof(expected));
	destroy(expected[10], expected[20]);
	assert_int_equal(info().ci_nsnapshots, 589);
	destroy(0, DAOS_EPOCH_MAX);
	assert_int_equal(info().ci_nsnapshots, 0);
}

static void
limit(void **state)
{
	daos_prop_t *properties = daos_prop_alloc(1);
	daos_epoch_t epoch, first;
	(void)state;

	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_SNAPSHOT_MAX;
	properties->dpp_entries[0].dpe_val = 2;
	assert_ok(daos_cont_set_prop(bed.container, properties, NULL));
	first = snapshot(NULL);
	(void)snapshot(NULL);
	assert_int_equal(daos_cont_create_snap(bed.container, &epoch, NULL, NULL), -DER_OVERFLOW);
	destroy(first, first);
	(void)snapshot(NULL);
	destroy(0, DAOS_EPOCH_MAX);
	properties->dpp_entries[0].dpe_val = 0;
	assert_ok(daos_cont_set_prop(bed.container, properties, NULL));
	daos_prop_free(properties);
}

static void
misuse(void **state)
{
	daos_handle_t none = {0};
	daos_epoch_t epoch;
	char name[200];
	int count = -1;
	(void)state;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(daos_cont_create_snap(bed.container, &epoch, name, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_create_snap(bed.container, &epoch, (char[]){""}, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_cont_create_snap(bed.container, NULL, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_create_snap(none, &epoch, NULL, NULL), -DER_NO_HDL);
	assert_int_equal(daos_cont_create_snap_opt(bed.container, &epoch, NULL, DAOS_SNAP_OPT_OIT,
						   NULL),
			 -DER_INVAL);
	assert_int_equal(daos_cont_list_snap(bed.container, &count, NULL, NULL, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_cont_destroy_snap(bed.container, (daos_epoch_range_t){5, 4}, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_cont_subscribe(bed.container, &epoch, NULL), -DER_NOSYS);
	assert_int_equal(daos_oit_open(bed.container, 77, &none, NULL), -DER_NONEXIST);
}

/* ------------------------------------------------ rolling back */

static void
reopen(unsigned int flags)
{
	assert_ok(daos_cont_close(bed.container, NULL));
	assert_ok(daos_cont_open(bed.pool, "test", flags, &bed.container, NULL, NULL));
}

static void
rollbacks(void **state)
{
	daos_epoch_t first, second;
	daos_handle_t kv;
	(void)state;

	for (uint32_t i = 50; i < 60; i++)
		put(i, 8, i);
	first = snapshot("first");
	for (uint32_t i = 55; i < 65; i++)
		put(i, 4, 1000 + i);
	assert_ok(daos_kv_open(bed.container, object_of(52), DAOS_OO_RW, &kv, NULL));
	assert_ok(daos_kv_remove(kv, DAOS_TX_NONE, 0, "key3", NULL));
	assert_ok(daos_kv_close(kv, NULL));
	assert_ok(daos_kv_open(bed.container, object_of(53), DAOS_OO_RW, &kv, NULL));
	assert_ok(daos_kv_destroy(kv, DAOS_TX_NONE, NULL));
	assert_ok(daos_kv_close(kv, NULL));
	second = snapshot("second");
	assert_int_equal(daos_cont_rollback(bed.container, first, NULL), -DER_NO_PERM);
	reopen(DAOS_COO_EX);
	assert_int_equal(daos_cont_rollback(bed.container, first + 1, NULL), -DER_NONEXIST);
	for (uint32_t round = 0; round < 2; round++) {
		assert_ok(daos_cont_rollback(bed.container, first, NULL));
		for (uint32_t i = 50; i < 65; i++)
			for (uint32_t key = 0; key < 8; key++)
				assert_int_equal(get(i, key, 0), i < 60 ? i : 0);
		assert_int_equal(get(57, 0, second), 1057);
		assert_ok(daos_cont_rollback(bed.container, second, NULL));
		assert_int_equal(get(57, 0, 0), 1057);
		assert_int_equal(get(57, 7, 0), 57);
		assert_int_equal(get(52, 3, 0), 0);
		assert_int_equal(get(53, 0, 0), 0);
		assert_int_equal(get(64, 3, 0), 1064);
		assert_int_equal(get(57, 0, first), 57);
		aggregate();
	}
	reopen(DAOS_COO_RW);
	destroy(0, DAOS_EPOCH_MAX);
	for (uint32_t i = 50; i < 65; i++) {
		assert_ok(daos_kv_open(bed.container, object_of(i), DAOS_OO_RW, &kv, NULL));
		assert_ok(daos_kv_destroy(kv, DAOS_TX_NONE, NULL));
		assert_ok(daos_kv_close(kv, NULL));
	}
}

/* ------------------------------------------------ tables of objects */

static int
accepts_marked(daos_obj_id_t id, d_iov_t *marker)
{
	(void)id;
	return marker->iov_len == 3 && memcmp(marker->iov_buf, "abc", 3) == 0;
}

/* How many a listing gives, taken by few at a time; each is one that was written. */
static uint32_t
count_listed(daos_handle_t table, bool unmarked, daos_oit_filter_cb *filter)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_obj_id_t ids[7];
	uint32_t total = 0, count;
	int rc;

	while (!daos_anchor_is_eof(&anchor)) {
		count = 7;
		rc = unmarked ? daos_oit_list_unmarked(table, ids, &count, &anchor, NULL)
		     : filter ? daos_oit_list_filter(table, ids, &count, &anchor, filter, NULL)
			      : daos_oit_list(table, ids, &count, &anchor, NULL);
		assert_ok(rc);
		for (uint32_t i = 0; i < count; i++) {
			uint32_t number = (uint32_t)(ids[i].lo - 100);

			assert_true(number >= 10 && number < 10 + OBJECTS);
			assert_true(ids[i].hi == object_of(number).hi);
		}
		total += count;
	}
	return total;
}

static void
tables(void **state)
{
	daos_epoch_t epoch, later;
	daos_handle_t table, object;
	d_iov_t marker;
	(void)state;

	for (uint32_t i = 1; i < 3; i++) {
		assert_ok(daos_kv_open(bed.container, object_of(i), DAOS_OO_RW, &object, NULL));
		assert_ok(daos_kv_destroy(object, DAOS_TX_NONE, NULL));
		assert_ok(daos_kv_close(object, NULL));
	}
	for (uint32_t i = 0; i < OBJECTS; i++)
		put(10 + i, 6, i);
	assert_ok(daos_cont_create_snap_opt(bed.container, &epoch, NULL,
					    DAOS_SNAP_OPT_CR | DAOS_SNAP_OPT_OIT, NULL));
	put(10 + OBJECTS, 6, 1);
	assert_ok(daos_oit_open(bed.container, epoch, &table, NULL));
	assert_int_equal(count_listed(table, false, NULL), OBJECTS);
	d_iov_set(&marker, "abc", 3);
	for (uint32_t i = 0; i < 4; i++)
		assert_ok(daos_oit_mark(table, object_of(10 + i), &marker, NULL));
	assert_int_equal(daos_oit_mark(table, object_of(1), &marker, NULL), -DER_NONEXIST);
	assert_int_equal(count_listed(table, true, NULL), OBJECTS - 4);
	assert_int_equal(count_listed(table, false, accepts_marked), 4);
	assert_ok(daos_oit_mark(table, object_of(10), NULL, NULL));
	assert_int_equal(count_listed(table, true, NULL), OBJECTS - 3);
	assert_ok(daos_oit_close(table, NULL));
	assert_int_equal(daos_oit_close(table, NULL), -DER_NO_HDL);
	/* Marks last; a table is no object of a later snapshot. */
	embedded_down(&bed);
	embedded_up(&bed);
	assert_ok(daos_oit_open(bed.container, epoch, &table, NULL));
	assert_int_equal(count_listed(table, true, NULL), OBJECTS - 3);
	later = snapshot("later");
	assert_int_equal(daos_oit_open(bed.container, later, &object, NULL), -DER_NONEXIST);
	assert_int_equal(daos_cont_snap_oit_create(bed.container, epoch, NULL, NULL), -DER_EXIST);
	assert_ok(daos_cont_snap_oit_destroy(bed.container, table, NULL));
	assert_ok(daos_oit_close(table, NULL));
	assert_int_equal(daos_oit_open(bed.container, epoch, &table, NULL), -DER_NONEXIST);
	assert_ok(daos_cont_snap_oit_create(bed.container, epoch, NULL, NULL));
	assert_ok(daos_oit_open(bed.container, epoch, &table, NULL));
	assert_int_equal(count_listed(table, true, NULL), OBJECTS);
	assert_ok(daos_oit_close(table, NULL));
	destroy(0, DAOS_EPOCH_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life),	  cmocka_unit_test(listing),   cmocka_unit_test(limit),
		cmocka_unit_test(misuse), cmocka_unit_test(rollbacks), cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
