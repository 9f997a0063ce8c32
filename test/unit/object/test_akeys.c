/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Akeys of a message as the store takes them: what contradicts itself is refused before anything is
 * allocated for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "object/private.h"

static struct arena *arena;

static int
setup(void **state)
{
	(void)state;
	arena = arena_create(0);
	return arena == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
	return 0;
}

/* The result of taking one array akey over. */
static int
measure(uint64_t record_size, const struct proto_extent *extents, uint32_t count,
	uint32_t sum_count, uint64_t *ret_bytes)
{
	static const uint32_t sums[2048];
	struct proto_akey from = {
		.key = {"a", 1},
		.type = PROTO_VALUE_ARRAY,
		.record_size = record_size,
		.extents = extents,
		.extent_count = count,
		.sums = sums,
		.sum_count = sum_count,
	};
	AUTO_FINI struct object_akeys akeys = {.block = NULL};
	int rc = object_akeys_init(&akeys, arena, &from, 1);

	if (rc == 0)
		rc = object_akeys_measure(&akeys, &from);
	if (rc == 0)
		*ret_bytes = akeys.bytes;
	return rc;
}

static void
test_bytes_and_sums(void **state)
{
	struct proto_extent extents[] = {{4000, 200}, {100000, 70000}};
	uint64_t bytes;

	(void)state;
	/* 4000..4200 touches two small pieces, 100000..170000 three large ones. */
	assert_int_equal(measure(1, extents, 2, 5, &bytes), 0);
	assert_int_equal(bytes, 70200);
	assert_int_equal(measure(1, extents, 2, 0, &bytes), 0);
	assert_int_equal(measure(1, extents, 2, 4, &bytes), -DER_INVAL);
	assert_int_equal(measure(1, extents, 2, 6, &bytes), -DER_INVAL);
	assert_int_equal(measure(0, extents, 2, 0, &bytes), 0);
	assert_int_equal(bytes, 0);
}

static void
test_limits(void **state)
{
	struct proto_extent extents[VOS_EXTENTS_MAX + 1];
	uint64_t bytes;

	(void)state;
	for (uint32_t i = 0; i <= VOS_EXTENTS_MAX; i++)
		extents[i] = (struct proto_extent){i * 2, 1};
	assert_int_equal(measure(1, extents, VOS_EXTENTS_MAX, 0, &bytes), 0);
	assert_int_equal(measure(1, extents, VOS_EXTENTS_MAX + 1, 0, &bytes), -DER_INVAL);
	extents[0] = (struct proto_extent){0, VOS_PAYLOAD_MAX};
	assert_int_equal(measure(1, extents, 1, 0, &bytes), 0);
	assert_int_equal(bytes, VOS_PAYLOAD_MAX);
	extents[0].count++;
	assert_int_equal(measure(1, extents, 1, 0, &bytes), -DER_REC2BIG);
	extents[0] = (struct proto_extent){0, UINT64_MAX / 2 + 1};
	assert_int_equal(measure(2, extents, 1, 0, &bytes), -DER_OVERFLOW);
	extents[0] = (struct proto_extent){UINT64_MAX, 1};
	assert_int_equal(measure(1, extents, 1, 0, &bytes), -DER_OVERFLOW);
	extents[0] = extents[1] = (struct proto_extent){0, UINT64_C(1) << 63};
	assert_int_equal(measure(1, extents, 2, 0, &bytes), -DER_OVERFLOW);
}

/* Few and many akeys arrive as they were, the many in one block. */
static void
test_few_and_many(void **state)
{
	static const uint32_t counts[] = {0, 1, 5, 9, VOS_AKEYS_MAX};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct proto_akey from[VOS_AKEYS_MAX];
		struct proto_extent extents[2] = {{1, 2}, {5, 6}};
		struct object_akeys akeys;

		for (uint32_t j = 0; j < counts[i]; j++)
			from[j] = (struct proto_akey){
				.key = {&"abcdef"[j % 5], 1},
				.type = j % 2 ? PROTO_VALUE_ARRAY : PROTO_VALUE_SINGLE,
				.conditions = j,
				.record_size = j + 1,
				.extents = extents,
				.extent_count = j % 2 ? 2 : 0,
			};
		assert_int_equal(object_akeys_init(&akeys, arena, from, counts[i]), 0);
		assert_int_equal(object_akeys_measure(&akeys, from), 0);
		for (uint32_t j = 0; j < counts[i]; j++) {
			assert_int_equal(akeys.akeys[j].type, from[j].type);
			assert_int_equal(akeys.akeys[j].conditions, j);
			assert_ptr_equal(akeys.akeys[j].key.data, from[j].key.data);
			assert_int_equal(akeys.iov[j].iov_len, (j + 1) * (j % 2 ? 8 : 1));
			if (j % 2)
				assert_int_equal(akeys.akeys[j].extents[1].index, 5);
		}
		object_akeys_fini(&akeys);
		if (counts[i] == VOS_AKEYS_MAX) {
			arena_fail_at(arena, 1);
			assert_int_equal(object_akeys_init(&akeys, arena, from, counts[i]),
					 -DER_NOMEM);
			arena_fail_at(arena, 0);
		}
	}
}

/* ------------------------------------------------ positions */

static void
test_positions_come_back(void **state)
{
	static const uint32_t lengths[] = {0, 1, 8, 511, 512, 513, VOS_KEY_MAX};

	(void)state;
	for (uint32_t i = 0; i < 4 * ARRAY_SIZE(lengths); i++) {
		struct vos_position position = {.state = (uint8_t)(i % 4),
						.key_length = lengths[i % ARRAY_SIZE(lengths)]};
		struct vos_position answer;
		uint8_t bytes[PROTO_POSITION_MAX];
		struct writer writer;

		if (i % 2)
			position.hash[i / 2 % 2] = mix64(i);
		for (uint32_t j = 0; j < min_of(position.key_length, VOS_POSITION_KEY); j++)
			position.key[j] = (uint8_t)mix64(j);
		writer_init(&writer, bytes, sizeof(bytes));
		position_encode(&position, &writer);
		assert_false(writer.failed);
		assert_int_equal(position_decode((struct proto_text){(char *)bytes,
								     (uint32_t)writer.position},
						 &answer),
				 0);
		assert_memory_equal(&answer, &position, sizeof(answer));
		/* Shortened or lengthened it is refused. */
		for (uint32_t length = 1; length < writer.position; length++)
			assert_int_equal(position_decode((struct proto_text){(char *)bytes, length},
							 &answer),
					 -DER_PROTO);
		bytes[0] |= 8;
		assert_int_equal(position_decode((struct proto_text){(char *)bytes,
								     (uint32_t)writer.position},
						 &answer),
				 -DER_PROTO);
	}
}

/* The position of a hashed level must fit into the caller's anchor. */
static void
test_positions_are_small(void **state)
{
	struct vos_position position = {.state = VOS_AFTER, .key_length = 40, .hash = {1, 2}};
	uint8_t bytes[PROTO_POSITION_MAX];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	position_encode(&position, &writer);
	assert_int_equal(writer.position, 1 + 2 + 16 + 40);
	assert_int_equal(position_decode((struct proto_text){NULL, 0}, &position), 0);
	assert_int_equal(position.state, VOS_BEGIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_and_sums),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_few_and_many),
		cmocka_unit_test(test_positions_come_back),
		cmocka_unit_test(test_positions_are_small),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
