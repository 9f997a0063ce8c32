/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The hash table against an array of flags; out of memory it only gets slower. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

#define KEYS 3000

struct item {
	struct table_node node;
	uint64_t key;
};

static bool
equal_items(const void *key, const struct table_node *node)
{
	return table_entry(node, struct item, node)->key == *(const uint64_t *)key;
}

/* Few distinct hashes too: collisions must be told apart by key. */
static uint64_t
hash_of(uint64_t key)
{
	return key % 3 == 0 ? key % 50 : mix64(key);
}

static void
check_against(const struct table *table, struct item *items, const bool *present)
{
	static bool seen[KEYS];
	uint64_t count = 0;

	memset(seen, 0, sizeof(seen));
	TABLE_FOR_EACH(node, table) {
		uint64_t key = table_entry(node, struct item, node)->key;

		assert_true(present[key] && !seen[key]);
		seen[key] = true;
		count++;
	}
	assert_int_equal(table->count, count);
	for (uint64_t key = 0; key < KEYS; key++)
		assert_ptr_equal(table_find(table, hash_of(key), equal_items, &key),
				 present[key] ? &items[key].node : NULL);
}

static void
run_changes(struct arena *arena)
{
	static struct item items[KEYS];
	static bool present[KEYS];
	struct table table;
	uint64_t seed = 7;

	memset(present, 0, sizeof(present));
	table_init(&table, arena);
	for (int step = 0; step < 20000; step++) {
		uint64_t key = mix64(seed++) % KEYS;

		items[key].key = key;
		if (!present[key])
			table_insert(&table, hash_of(key), &items[key].node);
		else
			table_remove(&table, &items[key].node);
		present[key] = !present[key];
		if (step % 2000 == 0)
			check_against(&table, items, present);
	}
	check_against(&table, items, present);
	TABLE_FOR_EACH_SAFE(node, &table)
		table_remove(&table, node);
	assert_int_equal(table.count, 0);
	assert_null(table_first(&table));
	table_fini(&table);
	assert_int_equal(arena_used(arena), 0);
}

static void
test_random_changes(void **state)
{
	struct arena *arena = arena_create(0);

	(void)state;
	run_changes(arena);
	arena_destroy(arena);
}

static void
test_without_memory(void **state)
{
	/* Room for the first 16 buckets and the next 32, not for both and the next. */
	struct arena *nothing = arena_create(1);
	struct arena *little = arena_create(600);

	(void)state;
	run_changes(nothing);
	run_changes(little);
	arena_destroy(nothing);
	arena_destroy(little);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
