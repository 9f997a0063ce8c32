/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The balanced tree against a sorted array, with its balance checked after every change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

#define KEYS 200

struct item {
	struct tree_node node;
	int key;
};

static int
compare_items(const void *key, const struct tree_node *node)
{
	const struct item *item = tree_entry(node, struct item, node);

	return *(const int *)key - item->key;
}

/* Checks links, order of heights and balance below node; returns the height. */
static int
check_node(const struct tree_node *node)
{
	int heights[2] = {0};

	if (node == NULL)
		return 0;
	for (int side = 0; side < 2; side++) {
		if (node->child[side])
			assert_ptr_equal(node->child[side]->parent, node);
		heights[side] = check_node(node->child[side]);
	}
	assert_true(abs(heights[0] - heights[1]) <= 1);
	assert_int_equal(node->height, 1 + max_of(heights[0], heights[1]));
	return node->height;
}

static struct tree_node *
expected(struct item *items, const bool *present, int from, int step)
{
	for (int key = from; key >= 0 && key < KEYS; key += step)
		if (present[key])
			return &items[key].node;
	return NULL;
}

static void
check_against(const struct tree *tree, struct item *items, const bool *present)
{
	int count = 0;

	check_node(tree->root);
	for (int key = 0; key < KEYS; key++) {
		count += present[key];
		assert_ptr_equal(tree_find(tree, &key), present[key] ? &items[key].node : NULL);
		assert_ptr_equal(tree_lower_bound(tree, &key), expected(items, present, key, 1));
		assert_ptr_equal(tree_floor(tree, &key), expected(items, present, key, -1));
		if (!present[key])
			continue;
		assert_ptr_equal(tree_next(&items[key].node), expected(items, present, key + 1, 1));
		assert_ptr_equal(tree_previous(&items[key].node),
				 expected(items, present, key - 1, -1));
	}
	assert_int_equal(tree->count, count);
	assert_ptr_equal(tree_first(tree), expected(items, present, 0, 1));
	assert_ptr_equal(tree_last(tree), expected(items, present, KEYS - 1, -1));
	assert_int_equal(tree_empty(tree), count == 0);
}

static void
test_random_changes(void **state)
{
	static struct item items[KEYS];
	static bool present[KEYS];
	struct tree tree;
	uint64_t seed = 1;

	(void)state;
	tree_init(&tree, compare_items);
	for (int step = 0; step < 4000; step++) {
		/* Growing, shrinking, and mixed phases. */
		uint64_t random = mix64(seed++);
		int key = (int)(random % KEYS);
		bool add = step / 500 % 3 == 0	 ? random >> 32 & 3
			   : step / 500 % 3 == 1 ? !(random >> 32 & 3)
						 : random >> 32 & 1;

		items[key].key = key;
		if (add) {
			struct item twin = {.key = key};
			struct tree_node *node = present[key] ? &twin.node : &items[key].node;

			assert_ptr_equal(tree_insert(&tree, &key, node),
					 present[key] ? &items[key].node : NULL);
			present[key] = true;
		} else if (present[key]) {
			tree_remove(&tree, &items[key].node);
			present[key] = false;
		}
		if (step % 8 == 0)
			check_against(&tree, items, present);
		check_node(tree.root);
	}
}

static void
test_ascending_is_shallow(void **state)
{
	static struct item items[4096];
	struct tree tree;
	int key = 0;

	(void)state;
	tree_init(&tree, compare_items);
	for (; key < 4096; key++) {
		items[key].key = key;
		assert_null(tree_insert(&tree, &key, &items[key].node));
	}
	assert_true(tree.root->height <= 13);
	key = 0;
	TREE_FOR_EACH(node, &tree)
		assert_int_equal(tree_entry(node, struct item, node)->key, key++);
	assert_int_equal(key, 4096);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_ascending_is_shallow),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
