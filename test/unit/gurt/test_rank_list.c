/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Rank lists, and the linked list macros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gurt/common.h>
#include <gurt/list.h>

static d_rank_list_t *
list_of(uint32_t *ranks, size_t nr)
{
	d_rank_list_t *list = uint32_array_to_rank_list(ranks, nr);

	assert_non_null(list);
	return list;
}

static void
test_make_copy_compare(void **state)
{
	d_rank_list_t *list = d_rank_list_alloc(3), *copy, *none = d_rank_list_alloc(0);

	(void)state;
	assert_int_equal(list->rl_nr, 3);
	assert_int_equal(list->rl_ranks[2], 2);
	assert_int_equal(none->rl_nr, 0);
	assert_null(none->rl_ranks);
	assert_int_equal(d_rank_list_dup(&copy, list), 0);
	assert_true(d_rank_list_identical(copy, list));
	assert_int_equal(d_rank_list_append(copy, 9), 0);
	assert_false(d_rank_list_identical(copy, list));
	assert_int_equal(d_rank_list_copy(none, copy), 0);
	assert_true(d_rank_list_identical(none, copy));
	assert_false(d_rank_list_identical(none, NULL));
	d_rank_list_free(list);
	d_rank_list_free(copy);
	d_rank_list_free(none);
	d_rank_list_free(NULL);
	assert_int_equal(d_rank_list_dup(&copy, NULL), 0);
	assert_null(copy);
}

static void
test_find_and_sort(void **state)
{
	uint32_t ranks[] = {7, 1, 0xfffffffe, 3};
	d_rank_list_t *list = list_of(ranks, 4);
	uint32_t *array;
	size_t len;
	int index = -1;

	(void)state;
	assert_true(d_rank_list_find(list, 3, &index));
	assert_int_equal(index, 3);
	assert_false(d_rank_in_rank_list(list, 2));
	d_rank_list_sort(list);
	assert_int_equal(list->rl_ranks[0], 1);
	assert_int_equal(list->rl_ranks[3], 0xfffffffe);
	assert_int_equal(rank_list_to_uint32_array(list, &array, &len), 0);
	assert_int_equal(len, 4);
	assert_int_equal(array[1], 3);
	free(array);
	d_rank_list_free(list);
}

static void
check_text(uint32_t *ranks, size_t nr, const char *want)
{
	d_rank_list_t *list = list_of(ranks, nr);
	char *text;

	assert_int_equal(d_rank_list_to_str(list, &text), 0);
	assert_string_equal(text, want);
	free(text);
	d_rank_list_free(list);
}

static void
test_text(void **state)
{
	char *text = (char *)&text;

	(void)state;
	check_text((uint32_t[]){5, 0, 2, 1, 9, 8}, 6, "0-2,5,8-9");
	check_text((uint32_t[]){4, 4}, 2, "4");
	check_text((uint32_t[]){0xffffffff, 0xfffffffd, 0xfffffffb}, 3,
		   "4294967291,4294967293,4294967295");
	check_text(NULL, 0, "");
	assert_int_equal(d_rank_list_to_str(NULL, &text), 0);
	assert_null(text);
}

struct item {
	int number;
	d_list_t link;
};

static void
test_linked_list(void **state)
{
	struct item items[4], *item, *next;
	D_LIST_HEAD(head);
	D_LIST_HEAD(other);
	d_list_t *link;
	int i, sum = 0;

	(void)state;
	for (i = 0; i < 4; i++) {
		items[i].number = i;
		d_list_add_tail(&items[i].link, &head);
	}
	i = 0;
	d_list_for_each_entry(item, &head, link)
		assert_int_equal(item->number, i++);
	d_list_for_each_entry_reverse(item, &head, link) assert_int_equal(item->number, --i);
	d_list_move(&items[3].link, &head);
	assert_ptr_equal(head.next, &items[3].link);
	d_list_move_tail(&items[3].link, &head);
	item = &items[1];
	d_list_for_each_entry_continue(item, &head, link) sum += item->number;
	assert_int_equal(sum, 2 + 3);
	d_list_for_each_entry_safe(item, next, &head, link) {
		if (item->number % 2 == 0)
			d_list_del_init(&item->link);
	}
	assert_true(d_list_empty(&items[0].link));
	d_list_splice_init(&head, &other);
	assert_true(d_list_empty(&head));
	assert_true(d_list_empty_careful(&head));
	sum = 0;
	d_list_for_each(link, &other)
		sum += d_list_entry(link, struct item, link)->number;
	assert_int_equal(sum, 1 + 3);
	assert_ptr_equal(d_list_pop_entry(&other, struct item, link), &items[1]);
	assert_ptr_equal(d_list_pop_entry(&other, struct item, link), &items[3]);
	assert_null(d_list_pop_entry(&other, struct item, link));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make_copy_compare),
		cmocka_unit_test(test_find_and_sort),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_linked_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
