/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The priority queue against a search through an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

#define ITEMS 300

struct item {
	struct queue_node node;
	bool present;
	uint64_t key;
	uint64_t order;
};

static struct item items[ITEMS];

/* Smallest key, then first come. */
static struct queue_node *
expected_first(void)
{
	struct item *best = NULL;

	for (int i = 0; i < ITEMS; i++) {
		struct item *item = &items[i];

		if (!item->present)
			continue;
		if (best == NULL || item->key < best->key ||
		    (item->key == best->key && item->order < best->order))
			best = item;
	}
	return best ? &best->node : NULL;
}

static void
test_random_changes(void **state)
{
	struct priority_queue queue = {0};
	uint64_t seed = 3;
	uint64_t count = 0;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		uint64_t random = mix64(seed++);
		struct item *item = &items[random % ITEMS];

		if (!item->present) {
			item->key = random >> 32 & 63;
			item->order = (uint64_t)step;
			priority_queue_insert(&queue, &item->node, item->key);
			count++;
		} else {
			if (random >> 60 & 1) {
				struct queue_node *node = expected_first();

				assert_ptr_equal(priority_queue_pop(&queue), node);
				item = container_of(node, struct item, node);
			} else {
				priority_queue_remove(&queue, &item->node);
			}
			count--;
		}
		item->present = !item->present;
		assert_ptr_equal(priority_queue_first(&queue), expected_first());
		assert_int_equal(queue.count, count);
	}
	while (priority_queue_first(&queue)) {
		struct queue_node *node = expected_first();

		assert_ptr_equal(priority_queue_pop(&queue), node);
		container_of(node, struct item, node)->present = false;
	}
	assert_null(expected_first());
	assert_null(priority_queue_pop(&queue));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_changes)};

	return cmocka_run_group_tests_name("priority_queue", tests, NULL, NULL);
}
