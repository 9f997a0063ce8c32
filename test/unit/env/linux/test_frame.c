/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The frame parser by itself: what was encoded is read back, every cut is partial, every wrong
 * field is refused. */
#include "env/linux/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct frame samples[] = {
	{.kind = FRAME_MESSAGE, .length = 37},
	{.kind = FRAME_READ, .tag = 5, .key = UINT64_MAX, .offset = 1, .length = BULK_MAX},
	{.kind = FRAME_DATA, .tag = 6, .length = 1000},
	{.kind = FRAME_WRITE, .tag = 7, .key = 3, .offset = 4, .length = 99},
	{.kind = FRAME_DONE, .tag = 8, .length = 0, .status = -DER_NO_PERM},
};

static void
test_round_trip(void **state)
{
	uint8_t bytes[128] = {0};
	struct frame frame;
	size_t needed;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		size_t head = frame_encode(&samples[i], bytes);

		if (samples[i].kind == FRAME_MESSAGE)
			head += 37 + frame_padding(37);
		for (size_t cut = 0; cut < head; cut++) {
			assert_int_equal(frame_parse(bytes, cut, &frame, &needed), FRAME_PARTIAL);
			assert_true(needed > cut && needed <= head);
		}
		assert_int_equal(frame_parse(bytes, head, &frame, &needed), FRAME_WHOLE);
		assert_int_equal(frame.head, head);
		assert_int_equal(frame.kind, samples[i].kind);
		assert_int_equal(frame.tag, samples[i].tag);
		assert_int_equal(frame.key, samples[i].key);
		assert_int_equal(frame.offset, samples[i].offset);
		assert_int_equal(frame.length, samples[i].length);
		assert_int_equal(frame.status, samples[i].status);
	}
}

static void
refuse_with(const struct frame *sample, size_t at, uint8_t value)
{
	uint8_t bytes[128] = {0};
	struct frame frame;
	size_t needed;

	frame_encode(sample, bytes);
	bytes[at] = value;
	assert_int_equal(frame_parse(bytes, sizeof(bytes), &frame, &needed), FRAME_BAD);
}

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		refuse_with(&samples[i], 0, 0);
		refuse_with(&samples[i], 1, 0xff);
		refuse_with(&samples[i], 2, 0);
		refuse_with(&samples[i], 2, 6);
		refuse_with(&samples[i], 3, 1);
		refuse_with(&samples[i], 7, 0xff); /* length */
	}
	refuse_with(&samples[0], 8, 1);			/* a message with a tag */
	refuse_with(&samples[1], 4, 23);		/* a read with another fixed part */
	refuse_with(&samples[1], FRAME_HEADER + 16, 1); /* more than BULK_MAX */
	refuse_with(&samples[3], 4, 15);		/* a write without room for its key */
	refuse_with(&samples[4], FRAME_HEADER + 3, 0);	/* a positive status */
}

static void
test_frame_limit(void **state)
{
	struct frame frame = {.kind = FRAME_MESSAGE, .length = FRAME_MAX};
	uint8_t bytes[FRAME_HEADER];
	size_t needed;

	(void)state;
	frame_encode(&frame, bytes);
	assert_int_equal(frame_parse(bytes, sizeof(bytes), &frame, &needed), FRAME_PARTIAL);
	assert_int_equal(needed, FRAME_HEADER + FRAME_MAX);
	frame = (struct frame){.kind = FRAME_MESSAGE, .length = FRAME_MAX + 1};
	frame_encode(&frame, bytes);
	assert_int_equal(frame_parse(bytes, sizeof(bytes), &frame, &needed), FRAME_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
					   cmocka_unit_test(test_refusals),
					   cmocka_unit_test(test_frame_limit)};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
