/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Large pieces of memory: sizes, alignment, what is given back comes again, and how much is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/recycle.h"

static void
test_sizes(void **state)
{
	struct recycler recycler;

	(void)state;
	recycle_init(&recycler);
	for (size_t size = RECYCLE_MIN + 1; size <= RECYCLE_MAX + 4096; size += 1 + size / 7) {
		size_t alignment = size % 3 ? 4096 : 65536;
		size_t room = 0;
		uint8_t *memory = recycle_take(&recycler, size, alignment, &room);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % alignment, 0);
		assert_in_range(room, size, size + size / 4);
		memset(memory, 1, room);
		recycle_give(&recycler, memory, room);
		assert_in_range(recycler.bytes, 0, RECYCLE_LIMIT);
	}
	recycle_fini(&recycler);
	assert_int_equal(recycler.bytes, 0);
}

static void
test_comes_again(void **state)
{
	struct recycler recycler;
	size_t room, other_room;
	void *memory, *other;

	(void)state;
	recycle_init(&recycler);
	memory = recycle_take(&recycler, 1000000, 4096, &room);
	recycle_give(&recycler, memory, room);
	assert_int_equal(recycler.bytes, room);
	assert_ptr_equal(recycle_take(&recycler, 999000, 16, &other_room), memory);
	assert_int_equal(other_room, room);
	assert_int_equal(recycler.bytes, 0);
	/* Another size, or more alignment than all have, is made anew. */
	other = recycle_take(&recycler, 500000, 16, &other_room);
	assert_ptr_not_equal(other, memory);
	recycle_give(&recycler, other, other_room);
	recycle_give(&recycler, memory, room);
	memory = recycle_take(&recycler, 1000000, (size_t)1 << 20, &room);
	assert_int_equal((uintptr_t)memory % (1 << 20), 0);
	recycle_give(&recycler, memory, room);
	recycle_fini(&recycler);
}

static void
test_limit(void **state)
{
	enum { PIECES = 40 };
	void *memory[PIECES];
	struct recycler recycler;
	size_t room;

	(void)state;
	recycle_init(&recycler);
	for (uint32_t i = 0; i < PIECES; i++)
		memory[i] = recycle_take(&recycler, (size_t)1 << 20, 4096, &room);
	for (uint32_t i = 0; i < PIECES; i++)
		recycle_give(&recycler, memory[i], room);
	assert_int_equal(recycler.bytes, RECYCLE_LIMIT / room * room);
	/* What is beyond the largest size is never kept. */
	memory[0] = recycle_take(&recycler, RECYCLE_MAX + 1, 4096, &room);
	recycle_give(&recycler, memory[0], room);
	assert_int_equal(recycler.bytes, RECYCLE_LIMIT / ((size_t)1 << 20) << 20);
	recycle_fini(&recycler);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_comes_again),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("base/recycle", tests, NULL, NULL);
}
