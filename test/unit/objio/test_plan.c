/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The pure half: bytes, sums and parts of akeys, against plain reckoning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "objio/private.h"

static uint64_t seed = 99;

static uint64_t
below(uint64_t limit)
{
	seed += 0x9e3779b97f4a7c15ull;
	return mix64(seed) % limit;
}

#define ROOM (300u * 1024)
static uint8_t data[ROOM];

/* The room cut into pieces at random. */
static uint32_t
cut_payload(size_t bytes, struct iovec *iov, uint32_t limit)
{
	uint32_t count = 0;
	size_t done = 0;

	while (done < bytes) {
		size_t piece = count + 1 == limit ? bytes - done : 1 + below(bytes - done);

		iov[count++] = (struct iovec){data + done, piece};
		done += piece;
	}
	return count;
}

/* Sums as base/piece.h says, byte ranges reckoned one by one. */
static uint32_t
plain_sums(const uint8_t *bytes, uint64_t offset, uint64_t length, uint32_t *sums)
{
	uint64_t piece = length <= 65536 ? 4096 : 32768;
	uint32_t count = 0;
	uint64_t at = 0;

	while (at < length) {
		uint64_t end = ((offset + at) / piece + 1) * piece - offset;

		end = end < length ? end : length;
		sums[count++] = crc32c(0, bytes + at, end - at);
		at = end;
	}
	return count;
}

static void
test_sums(void **state)
{
	static uint32_t expected[4096];
	static uint32_t sums[4096];

	(void)state;
	for (size_t i = 0; i < ROOM; i++)
		data[i] = (uint8_t)below(256);
	for (uint32_t turn = 0; turn < 300; turn++) {
		struct proto_extent extents[4];
		struct iovec iov[6];
		struct objio_akey akey = {
			.type = turn % 3 ? PROTO_VALUE_ARRAY : PROTO_VALUE_SINGLE,
			.record_size = 1 + below(turn % 2 ? 8 : 1),
			.extents = extents,
			.payload = iov,
		};
		uint64_t bytes = 0;
		uint64_t reckoned;
		uint32_t count = 0;

		if (akey.type == PROTO_VALUE_SINGLE) {
			akey.record_size = bytes = below(turn % 2 ? ROOM : 9000);
			count = plain_sums(data, 0, bytes, expected);
		}
		for (uint32_t i = 0; akey.type == PROTO_VALUE_ARRAY && i < ARRAY_SIZE(extents);
		     i++) {
			uint64_t length;

			extents[i] =
				(struct proto_extent){below(1000000), below(turn % 4 ? 9000 : 100)};
			length = extents[i].count * akey.record_size;
			count += plain_sums(data + bytes, extents[i].index * akey.record_size,
					    length, expected + count);
			bytes += length;
			akey.extent_count++;
		}
		akey.payload_count = cut_payload(bytes, iov, ARRAY_SIZE(iov));
		assert_int_equal(objio_akey_bytes(&akey, &reckoned), 0);
		assert_int_equal(reckoned, bytes);
		assert_int_equal(objio_sum_count(&akey, akey.record_size, bytes), count);
		objio_sums(&akey, akey.record_size, bytes, sums);
		assert_memory_equal(sums, expected, count * sizeof(*sums));
	}
}

static void
test_sizes_that_overflow(void **state)
{
	struct proto_extent extents[2] = {{0, UINT64_MAX}, {0, 1}};
	struct objio_akey akey = {
		.type = PROTO_VALUE_ARRAY, .record_size = 1, .extents = extents, .extent_count = 2};
	uint64_t bytes = 7;

	(void)state;
	assert_int_equal(objio_akey_bytes(&akey, &bytes), -DER_OVERFLOW);
	extents[0] = (struct proto_extent){UINT64_MAX, 1};
	assert_int_equal(objio_akey_bytes(&akey, &bytes), -DER_OVERFLOW);
	extents[0] = (struct proto_extent){UINT64_MAX / 4, 1};
	akey.record_size = 5;
	assert_int_equal(objio_akey_bytes(&akey, &bytes), -DER_OVERFLOW);
	assert_int_equal(bytes, 7);
	extents[0] = (struct proto_extent){10, 3};
	assert_int_equal(objio_akey_bytes(&akey, &bytes), 0);
	assert_int_equal(bytes, 20);
}

/* Parts cover all extents in order, none too large, cut at pieces where records allow it. */
static void
check_parts(const struct objio_akey *akey, uint64_t record_size)
{
	struct objio_cut cut = {.akey = akey, .record_size = record_size};
	struct proto_extent part[OBJIO_CUT_EXTENTS];
	uint32_t extent = 0;
	uint64_t done = 0;
	uint64_t bytes;
	uint32_t count;

	while (objio_cut_next(&cut, part, &count, &bytes)) {
		uint64_t sum = 0;

		assert_in_range(count, 1, OBJIO_CUT_EXTENTS);
		for (uint32_t i = 0; i < count; i++) {
			assert_int_equal(part[i].index, akey->extents[extent].index + done);
			done += part[i].count;
			sum += part[i].count * record_size;
			if (done < akey->extents[extent].count) {
				assert_int_equal(i, count - 1);
				if (PIECE_LARGE % record_size == 0)
					assert_int_equal((part[i].index + part[i].count) *
								 record_size % PIECE_LARGE,
							 0);
				continue;
			}
			assert_int_equal(done, akey->extents[extent].count);
			extent++;
			done = 0;
		}
		assert_int_equal(sum, bytes);
		assert_true(bytes <= OBJIO_PAYLOAD_MAX);
	}
	assert_int_equal(extent, akey->extent_count);
}

static void
test_parts(void **state)
{
	static const uint64_t record_sizes[] = {1, 3, 8, 4096, 5000, OBJIO_PAYLOAD_MAX};
	static struct proto_extent extents[200];
	struct objio_akey akey = {.type = PROTO_VALUE_ARRAY, .extents = extents};

	(void)state;
	for (uint32_t turn = 0; turn < 200; turn++) {
		uint64_t record_size = record_sizes[turn % ARRAY_SIZE(record_sizes)];
		uint64_t most = 40 * UINT64_C(1048576) / record_size;

		akey.extent_count = (uint32_t)(1 + below(turn % 2 ? 3 : ARRAY_SIZE(extents)));
		for (uint32_t i = 0; i < akey.extent_count; i++)
			extents[i] = (struct proto_extent){below(1000000),
							   1 + below(turn % 3 ? 50 : most)};
		check_parts(&akey, record_size);
	}
	check_parts(&akey, 1);
}

/* The payload of all parts, side by side, is the payload; the first part alone has conditions. */
static uint32_t
check_slices(const struct objio_akey *akey, uint64_t bytes)
{
	struct iovec slice[8];
	struct objio_parts parts;
	uint64_t done = 0;
	uint32_t count = 0;
	int rc;

	objio_parts_begin(&parts, akey, slice);
	while ((rc = objio_parts_next(&parts)) > 0) {
		uint64_t of_part;

		assert_int_equal(parts.part.conditions, count == 0 ? akey->conditions : 0);
		assert_int_equal(parts.part.record_size, akey->record_size);
		assert_int_equal(objio_akey_bytes(&parts.part, &of_part), 0);
		assert_int_equal(iov_length(parts.part.payload, parts.part.payload_count), of_part);
		for (uint32_t i = 0; i < parts.part.payload_count; i++) {
			assert_ptr_equal(parts.part.payload[i].iov_base, data + done);
			done += parts.part.payload[i].iov_len;
		}
		count++;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(done, bytes);
	return count;
}

static void
test_payload_of_parts(void **state)
{
	static struct proto_extent extents[4 * OBJIO_CUT_EXTENTS];
	struct iovec iov[8], slice[8];
	struct objio_parts parts;
	struct objio_akey akey = {.type = PROTO_VALUE_ARRAY, .extents = extents, .payload = iov};

	(void)state;
	for (uint32_t turn = 0; turn < 100; turn++) {
		uint64_t bytes;

		akey.conditions = 1 + turn % 3;
		akey.record_size = 1 + below(8);
		akey.extent_count = 1 + (uint32_t)below(ARRAY_SIZE(extents));
		for (uint32_t i = 0; i < akey.extent_count; i++)
			extents[i] = (struct proto_extent){below(1000000), 1 + below(200)};
		assert_int_equal(objio_akey_bytes(&akey, &bytes), 0);
		akey.payload_count = cut_payload(bytes, iov, ARRAY_SIZE(iov));
		assert_int_equal(check_slices(&akey, bytes),
				 (akey.extent_count - 1) / OBJIO_CUT_EXTENTS + 1);
		/* A byte too little. */
		iov[akey.payload_count - 1].iov_len--;
		objio_parts_begin(&parts, &akey, slice);
		for (uint32_t i = 0; i < (akey.extent_count - 1) / OBJIO_CUT_EXTENTS; i++)
			assert_int_equal(objio_parts_next(&parts), 1);
		assert_int_equal(objio_parts_next(&parts), -DER_INVAL);
	}
	/* Extents that are punched have no bytes. */
	akey.record_size = 0;
	akey.payload_count = 0;
	akey.extent_count = ARRAY_SIZE(extents);
	assert_int_equal(check_slices(&akey, 0), ARRAY_SIZE(extents) / OBJIO_CUT_EXTENTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_sizes_that_overflow),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_payload_of_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
