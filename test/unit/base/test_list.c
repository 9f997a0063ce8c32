/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The list, zeroed heads included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

struct item {
	int number;
	struct list link;
};

static int
digits(const struct list *head)
{
	int number = 0;

	LIST_FOR_EACH(link, head)
		number = number * 10 + list_entry(link, struct item, link)->number;
	return number;
}

static void
test_changes(void **state)
{
	struct item items[5] = {
		{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}, {.number = 5}};
	struct list zeroed = {0};
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head) && list_empty(&zeroed));
	assert_null(list_first(&zeroed));
	assert_null(list_pop(&zeroed));
	assert_int_equal(list_length(&zeroed), 0);
	LIST_FOR_EACH_SAFE(link, &zeroed)
		fail();
	assert_int_equal(digits(&zeroed), 0);
	assert_false(list_linked(&items[0].link));
	list_append(&zeroed, &items[1].link);
	list_append(&zeroed, &items[2].link);
	list_prepend(&zeroed, &items[0].link);
	assert_int_equal(digits(&zeroed), 123);
	assert_int_equal(list_length(&zeroed), 3);
	list_prepend(&head, &items[4].link);
	list_insert_before(&items[4].link, &items[3].link);
	assert_int_equal(digits(&head), 45);
	list_splice(&zeroed, &head);
	assert_int_equal(digits(&zeroed), 12345);
	assert_true(list_empty(&head));
	list_splice(&zeroed, &head);
	list_splice(&head, &zeroed);
	assert_int_equal(digits(&head), 12345);
	list_remove(&items[2].link);
	list_remove(&items[2].link);
	assert_int_equal(digits(&head), 1245);
	assert_ptr_equal(list_last(&head), &items[4].link);
	LIST_FOR_EACH_SAFE(link, &head)
		if (list_entry(link, struct item, link)->number % 2 == 0)
			list_remove(link);
	assert_int_equal(digits(&head), 15);
	assert_ptr_equal(list_pop(&head), &items[0].link);
	assert_ptr_equal(list_pop(&head), &items[4].link);
	assert_null(list_pop(&head));
	assert_null(list_last(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes)};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
