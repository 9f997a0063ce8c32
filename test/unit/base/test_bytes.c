/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Readers and writers: round trip, every truncation, sticky errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static size_t
write_all(uint8_t *buffer, size_t size)
{
	struct writer writer;
	uint8_t *place;

	writer_init(&writer, buffer, size);
	writer_u8(&writer, 0x12);
	writer_u16(&writer, 0x3456);
	writer_u32(&writer, 0x789abcde);
	writer_u64(&writer, 0x0123456789abcdefull);
	writer_bytes(&writer, "raw", 3);
	writer_blob(&writer, "blob", 4);
	writer_blob(&writer, NULL, 0);
	writer_text(&writer, "text");
	place = writer_reserve(&writer, 2);
	assert_int_equal(place == NULL, writer.failed);
	if (place)
		memcpy(place, "xy", 2);
	return writer.failed ? 0 : writer.position;
}

/* Whether the whole was read without a failure. */
static bool
read_all(const uint8_t *buffer, size_t size)
{
	struct reader reader;
	char text[8];
	char raw[3];
	size_t length;
	const uint8_t *blob;

	reader_init(&reader, buffer, size);
	if (reader_u8(&reader) != 0x12 || reader_u16(&reader) != 0x3456 ||
	    reader_u32(&reader) != 0x789abcde || reader_u64(&reader) != 0x0123456789abcdefull)
		assert_true(reader.failed);
	reader_copy(&reader, raw, 3);
	assert_memory_equal(raw, reader.failed ? "\0\0\0" : "raw", 3);
	blob = reader_blob(&reader, 4, &length);
	assert_int_equal(blob == NULL, reader.failed);
	assert_int_equal(length, reader.failed ? 0 : 4);
	blob = reader_blob(&reader, 0, &length);
	assert_int_equal(length, 0);
	reader_text(&reader, text, sizeof(text));
	assert_string_equal(text, reader.failed ? "" : "text");
	blob = reader_bytes(&reader, 2);
	if (blob)
		assert_memory_equal(blob, "xy", 2);
	assert_int_equal(reader_left(&reader), 0);
	return reader_complete(&reader);
}

static void
test_round_trip(void **state)
{
	uint8_t buffer[64];
	size_t size = write_all(buffer, sizeof(buffer));

	(void)state;
	assert_int_equal(size, 1 + 2 + 4 + 8 + 3 + 8 + 4 + 8 + 2);
	assert_memory_equal(buffer, "\x12\x56\x34\xde\xbc\x9a\x78\xef\xcd\xab", 10);
	assert_true(read_all(buffer, size));
}

static void
test_truncation(void **state)
{
	uint8_t buffer[64];
	size_t size = write_all(buffer, sizeof(buffer));

	(void)state;
	for (size_t shorter = 0; shorter < size; shorter++) {
		/* Blocks of their own, so that reading or writing beyond is found. */
		uint8_t *part = malloc(shorter ? shorter : 1);

		memcpy(part, buffer, shorter);
		assert_false(read_all(part, shorter));
		assert_int_equal(write_all(part, shorter), 0);
		free(part);
	}
}

static void
test_hostile_lengths(void **state)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 1, 2};
	static const uint8_t zero_inside[] = {3, 0, 0, 0, 'a', 0, 'b'};
	struct reader reader;
	char text[8];
	size_t length = 1;

	(void)state;
	reader_init(&reader, huge, sizeof(huge));
	assert_null(reader_blob(&reader, SIZE_MAX, &length));
	assert_int_equal(length, 0);
	assert_true(reader.failed);
	assert_int_equal(reader_u8(&reader), 0);
	reader_init(&reader, huge, sizeof(huge));
	assert_null(reader_bytes(&reader, SIZE_MAX));
	reader_init(&reader, zero_inside, sizeof(zero_inside));
	assert_null(reader_blob(&reader, 2, &length));
	reader_init(&reader, zero_inside, sizeof(zero_inside));
	reader_text(&reader, text, sizeof(text));
	assert_true(reader.failed);
	assert_string_equal(text, "");
	reader_init(&reader, NULL, 0);
	assert_true(reader_complete(&reader));
	assert_non_null(reader_bytes(&reader, 0));
	reader_fail(&reader);
	assert_false(reader_complete(&reader));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_hostile_lengths),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
