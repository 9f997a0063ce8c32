/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pages of directories: names in them, and what makes them old. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dfuse/private.h"

static struct page *
page_of(uint32_t count)
{
	struct page *page = page_create(PAGE);

	assert_non_null(page);
	for (uint32_t i = 0; i < count; i++)
		snprintf(page->entries[i].d_name, sizeof(page->entries[i].d_name), "name-%03u",
			 i * 2);
	page->count = count;
	return page;
}

static void
test_find(void **state)
{
	char name[32];

	(void)state;
	for (uint32_t count = 0; count <= PAGE; count += count < 4 ? 1 : 63) {
		AUTO_PAGE struct page *page = page_of(count);
		uint32_t index = 0;

		for (uint32_t i = 0; i < PAGE; i++) {
			snprintf(name, sizeof(name), "name-%03u", i * 2);
			assert_int_equal(page_find(page, name, &index), i < count);
			if (i < count)
				assert_int_equal(index, i);
			snprintf(name, sizeof(name), "name-%03u", i * 2 + 1);
			assert_false(page_find(page, name, &index));
		}
		assert_false(page_find(page, "name-", &index));
		assert_false(page_find(page, "name-0000", &index));
	}
}

static void
test_changes(void **state)
{
	struct volume volume = {.salt = 0};
	struct dfuse dfuse = {.pages = NULL};
	struct node root = {.volume = &volume, .inode = 1};
	struct node directory = {.volume = &volume, .inode = 2, .parent = &root};
	struct node file = {.volume = &volume, .inode = 3, .parent = &directory};
	struct page above = {.changes = 0}, page = {.changes = 0};

	(void)state;
	pthread_mutex_init(&dfuse.lock, NULL);
	assert_int_equal(pages_init(&dfuse), 0);
	assert_true(page_is_current(&dfuse, &directory, &page));
	/* An attribute of a file is told by its directory. */
	pages_changed(&dfuse, &file);
	assert_false(page_is_current(&dfuse, &directory, &page));
	assert_true(page_is_current(&dfuse, &root, &above));
	page.changes = 1;
	assert_true(page_is_current(&dfuse, &directory, &page));
	/* A name changes the directory's own attributes, too. */
	pages_changed_in(&dfuse, &directory);
	assert_false(page_is_current(&dfuse, &directory, &page));
	assert_false(page_is_current(&dfuse, &root, &above));
	page.changes = 2;
	above.changes = 1;
	assert_true(page_is_current(&dfuse, &root, &above));
	pages_forget(&dfuse);
	assert_false(page_is_current(&dfuse, &directory, &page));
	assert_false(page_is_current(&dfuse, &root, &above));
	/* The root is in no directory. */
	pages_changed(&dfuse, &root);
	pages_fini(&dfuse);
	pthread_mutex_destroy(&dfuse.lock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
