/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Arenas: exact accounting, budget, alignment, injected failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static void
test_accounting(void **state)
{
	struct arena *arena = arena_create(1000);
	char *a = arena_alloc(arena, 600);
	char *b = arena_calloc(arena, 10, 30);
	char *empty = arena_alloc(arena, 0);

	(void)state;
	assert_int_equal(arena_budget(arena), 1000);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(empty);
	for (int i = 0; i < 300; i++)
		assert_int_equal(b[i], 0);
	assert_int_equal(arena_used(arena), 900);
	assert_null(arena_alloc(arena, 101));
	assert_null(arena_calloc(arena, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(arena, SIZE_MAX - 8));
	assert_int_equal(arena_used(arena), 900);
	memset(a, 5, 600);
	assert_null(arena_realloc(arena, a, 701));
	assert_int_equal(a[599], 5);
	a = arena_realloc(arena, a, 700);
	assert_int_equal(a[599], 5);
	assert_int_equal(arena_used(arena), 1000);
	a = arena_realloc(arena, a, 10);
	assert_int_equal(a[9], 5);
	assert_int_equal(arena_used(arena), 310);
	arena_free(arena, b);
	arena_free(arena, NULL);
	arena_free(arena, empty);
	assert_int_equal(arena_used(arena), 10);
	b = arena_strdup(arena, "text");
	assert_string_equal(b, "text");
	assert_int_equal(arena_used(arena), 15);
	/* The rest goes with the arena. */
	assert_non_null(arena_realloc(arena, NULL, 20));
	arena_destroy(arena);
}

static void
test_alignment(void **state)
{
	struct arena *arena = arena_create(0);

	(void)state;
	for (size_t alignment = 1; alignment <= 1 << 20; alignment *= 2) {
		char *block = arena_alloc_aligned(arena, 100, alignment);

		assert_non_null(block);
		assert_int_equal((uintptr_t)block % max_of(alignment, (size_t)16), 0);
		memset(block, 1, 100);
		if (alignment % 3 == 1)
			arena_free(arena, block);
	}
	arena_destroy(arena);
	arena_destroy(NULL);
}

static void
test_failure(void **state)
{
	struct arena *arena = arena_create(0);
	void *block;

	(void)state;
	arena_fail_at(arena, 2);
	block = arena_alloc(arena, 1);
	assert_non_null(block);
	assert_null(arena_realloc(arena, block, 2));
	assert_int_equal(arena_used(arena), 1);
	assert_non_null(arena_alloc(arena, 1));
	arena_fail_at(arena, 1);
	assert_null(arena_alloc_aligned(arena, 1, 4096));
	arena_fail_at(arena, 1);
	arena_fail_at(arena, 0);
	assert_non_null(arena_calloc(arena, 1, 1));
	arena_destroy(arena);
}

static int
fill(struct arena *arena, char **ret_block)
{
	AUTO_FREE struct scoped_block first = {arena, arena_alloc(arena, 10)};
	AUTO_FREE struct scoped_block second = {arena, arena_alloc(arena, 20)};

	if (first.pointer == NULL || second.pointer == NULL)
		return -DER_NOMEM;
	*ret_block = scoped_take(&second);
	return 0;
}

static void
test_scoped(void **state)
{
	struct arena *arena = arena_create(0);
	char *block = NULL;

	(void)state;
	arena_fail_at(arena, 2);
	assert_int_equal(fill(arena, &block), -DER_NOMEM);
	assert_int_equal(arena_used(arena), 0);
	assert_int_equal(fill(arena, &block), 0);
	assert_int_equal(arena_used(arena), 20);
	arena_destroy(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accounting),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_scoped),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
