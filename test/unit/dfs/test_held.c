/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Open files by object id, and the ids and keys of what is hidden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dfs/private.h"

#define MANY 500u

static daos_obj_id_t
oid_of(uint64_t number)
{
	return (daos_obj_id_t){.lo = number, .hi = number / 7};
}

static struct held *
take(struct held_table *table, uint64_t number)
{
	struct held *spare = client_alloc(sizeof(*spare));
	struct held *held = held_take(table, oid_of(number), &spare);

	client_free(spare);
	return held;
}

static void
holders_are_counted(void **state)
{
	struct held_table table = {.buckets = NULL};
	struct held *one, *none = NULL;

	(void)state;
	assert_null(held_find(&table, oid_of(1)));
	one = take(&table, 1);
	assert_non_null(one);
	assert_int_equal(one->state, HELD_NAMED);
	assert_ptr_equal(take(&table, 1), one);
	assert_ptr_equal(held_take(&table, oid_of(1), &none), one);
	assert_int_equal(one->count, 3);
	assert_null(held_take(&table, oid_of(2), &none));
	assert_null(held_drop(&table, one));
	assert_null(held_drop(&table, one));
	assert_ptr_equal(held_drop(&table, one), one);
	assert_null(held_find(&table, oid_of(1)));
	client_free(one);
	held_fini(&table);
}

static void
table_grows(void **state)
{
	struct held_table table = {.buckets = NULL};

	(void)state;
	for (uint64_t i = 0; i < MANY; i++)
		assert_non_null(take(&table, i));
	assert_int_equal(table.count, MANY);
	assert_true(table.bucket_count >= MANY / 2);
	for (uint64_t i = 0; i < MANY; i++) {
		struct held *held = held_find(&table, oid_of(i));

		assert_non_null(held);
		assert_true(oid_equal(held->oid, oid_of(i)));
		assert_ptr_equal(held_drop(&table, held), held);
		client_free(held);
	}
	assert_int_equal(table.count, 0);
	held_fini(&table);
}

/* Written by hand from docs/formats/dfs.md. */
static void
keys_have_their_bytes(void **state)
{
	static const uint8_t golden[ID_KEY_SIZE] = {
		0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* low part */
		0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, /* high part */
	};
	daos_obj_id_t oid = {.lo = 0x0102030405060708, .hi = 0x1112131415161718};
	uint8_t key[ID_KEY_SIZE];

	(void)state;
	id_key_encode(oid, key);
	assert_memory_equal(key, golden, sizeof(golden));
	assert_true(oid_equal(id_key_decode(golden), oid));
}

static void
hidden_objects_have_their_ids(void **state)
{
	struct dfs dfs = {.super.id = {.lo = 0, .hi = 0x0801000100000000}};
	daos_obj_id_t file = {.lo = 1, .hi = 0x0d01ffff00000000}, id;
	uint64_t class = 0x0001000100000000, seen = 0;

	(void)state;
	id = holder_object_id(&dfs);
	assert_int_equal(id.lo, 0);
	assert_int_equal(id.hi, (uint64_t)DAOS_OT_DKEY_LEXICAL << 56 | class | 0x300);
	id = orphan_object_id(&dfs, 7);
	assert_int_equal(id.hi & 0xffffffff, 0x207);
	assert_true(id_is_reserved(id));
	assert_false(id_is_reserved(file));
	/* All records' objects are used, and an id always leads to the same one. */
	for (uint64_t i = 1; i < 2000; i++) {
		file.lo = i;
		id = record_object_id(&dfs, file);
		assert_true((id.hi & 0xffffffff) >= 0x100 && (id.hi & 0xffffffff) < 0x140);
		seen |= UINT64_C(1) << (id.hi & 63);
	}
	assert_int_equal(seen, UINT64_MAX);
	file.lo = 1;
	assert_int_equal(record_object_id(&dfs, file).hi & 0xffffffff, 0x12c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(holders_are_counted),
		cmocka_unit_test(table_grows),
		cmocka_unit_test(keys_have_their_bytes),
		cmocka_unit_test(hidden_objects_have_their_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
