/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Slabs: blocks of all sizes do not overlap, and what is given back is used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/slab.h"

static void
test_sizes(void **state)
{
	static uint8_t *blocks[SLAB_MAX + 1];
	struct slabs slabs;

	(void)state;
	slabs_init(&slabs);
	for (size_t size = 1; size <= SLAB_MAX; size += size < 300 ? 1 : 61) {
		blocks[size] = slab_take(&slabs, size);
		assert_non_null(blocks[size]);
		assert_int_equal((uintptr_t)blocks[size] % 16, 0);
		assert_in_range(slab_size(blocks[size]), size, max_of(size + size / 4, size + 15));
		memset(blocks[size], (int)(size % 251), size);
	}
	for (size_t size = 1; size <= SLAB_MAX; size++)
		for (size_t i = 0; blocks[size] && i < size; i++)
			assert_int_equal(blocks[size][i], size % 251);
	for (size_t size = 1; size <= SLAB_MAX; size++)
		if (blocks[size])
			slab_give(&slabs, blocks[size]);
	slabs_fini(&slabs);
}

/* Random takes and gives; each block carries its number at both ends. */
static void
test_random(void **state)
{
	enum { BLOCKS = 4000, ROUNDS = 60000 };
	static uint64_t *blocks[BLOCKS];
	static size_t sizes[BLOCKS];
	struct slabs slabs;

	(void)state;
	slabs_init(&slabs);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t bits = mix64(i);
		uint32_t at = bits % BLOCKS;

		if (blocks[at]) {
			assert_int_equal(blocks[at][0], at);
			assert_int_equal(blocks[at][sizes[at] / 8 - 1], at);
			slab_give(&slabs, blocks[at]);
			blocks[at] = NULL;
			continue;
		}
		sizes[at] = 8 + (bits >> 32) % (bits >> 16 & 7 ? 200 : SLAB_MAX - 8) / 8 * 8;
		blocks[at] = slab_take(&slabs, sizes[at]);
		assert_non_null(blocks[at]);
		blocks[at][0] = at;
		blocks[at][sizes[at] / 8 - 1] = at;
	}
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (blocks[i])
			slab_give(&slabs, blocks[i]);
	slabs_fini(&slabs);
}

/* More chunks than are kept: what one size leaves serves another. */
static void
test_reuse(void **state)
{
	enum { BLOCKS = 7000 };
	static void *blocks[BLOCKS];
	struct slabs slabs;

	(void)state;
	slabs_init(&slabs);
	for (uint32_t round = 0; round < 3; round++) {
		size_t size = round % 2 ? SLAB_MAX : SLAB_MAX / 2 + 1;

		for (uint32_t i = 0; i < BLOCKS; i++) {
			blocks[i] = slab_take(&slabs, size);
			assert_non_null(blocks[i]);
			*(uint8_t *)blocks[i] = 1;
		}
		for (uint32_t i = 0; i < BLOCKS; i++)
			slab_give(&slabs, blocks[i]);
		assert_int_equal(slabs.empty_count, 64);
	}
	slabs_fini(&slabs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
