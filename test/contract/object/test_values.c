/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Values end to end: sizes on both ways of the payload, unaligned extents, several akeys,
 * conditions, punches, rights. */
#include "bed.h"

static void
fill(uint8_t *data, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(mix64(seed + i / 8) >> (i % 8 * 8));
}

/* Sizes around the pieces and limits of the inline way. */
static const uint32_t sizes[] = {1,	7,     4095,  4096,  4097,     32767,
				 32768, 32769, 65536, 65537, 1u << 20, 4u << 20};

static int
single_values(struct bed *bed)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct object_id id = bed_object(i, BED_MULTI_HASHED, i % 2 ? 1 : 65535);
		uint8_t *wrote = malloc(sizes[i]);
		uint8_t *read = malloc(sizes[i]);
		size_t length;
		char dkey[16];

		snprintf(dkey, sizeof(dkey), "d%u", i);
		fill(wrote, sizes[i], i);
		assert_int_equal(bed_put(bed, id, dkey, "a", wrote, sizes[i], 0), 0);
		assert_int_equal(bed_get(bed, id, dkey, "a", read, sizes[i], &length), 0);
		assert_int_equal(length, sizes[i]);
		assert_memory_equal(read, wrote, sizes[i]);
		assert_int_equal(bed_get(bed, id, dkey, "a", NULL, 0, &length), 0);
		assert_int_equal(length, sizes[i]);
		if (sizes[i] > 1) {
			assert_int_equal(bed_get(bed, id, dkey, "a", read, sizes[i] - 1, &length),
					 -DER_TRUNC);
			assert_int_equal(length, sizes[i]);
		}
		free(wrote);
		free(read);
	}
	return 0;
}

static int
arrays(struct bed *bed)
{
	static const uint64_t offsets[] = {0, 1, 4093, 32768, 100003};
	struct object_id id = bed_object(100, BED_MULTI_HASHED, 65535);

	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (uint32_t j = 0; j < ARRAY_SIZE(offsets); j++) {
			uint8_t *wrote = malloc(sizes[i]);
			uint8_t *read = malloc(sizes[i] + 20);
			size_t length;
			char dkey[16];

			snprintf(dkey, sizeof(dkey), "d%u.%u", i, j);
			fill(wrote, sizes[i], i * 7 + j);
			assert_int_equal(bed_write(bed, id, dkey, offsets[j], wrote, sizes[i]), 0);
			memset(read, 1, sizes[i] + 20);
			assert_int_equal(
				bed_read(bed, id, dkey, offsets[j], read, sizes[i], &length), 0);
			assert_int_equal(length, sizes[i]);
			assert_memory_equal(read, wrote, sizes[i]);
			/* Ten bytes more on either side are holes, which read as zeros. */
			if (offsets[j] >= 10) {
				assert_int_equal(bed_read(bed, id, dkey, offsets[j] - 10, read,
							  sizes[i] + 20, &length),
						 0);
				assert_memory_equal(read + 10, wrote, sizes[i]);
				for (uint32_t k = 0; k < 10; k++)
					assert_int_equal(read[k] + read[sizes[i] + 10 + k], 0);
			}
			free(wrote);
			free(read);
		}
		/* Otherwise the data space runs out. */
		assert_int_equal(objio_punch_object(bed->objio, id, 0), 0);
	}
	return 0;
}

/* More than one request takes. */
static int
large_arrays(struct bed *bed)
{
	struct object_id id = bed_object(101, BED_MULTI_HASHED, 1);
	size_t size = (9u << 20) + 4321;
	uint8_t *wrote = malloc(size);
	uint8_t *read = malloc(size);
	size_t length;

	fill(wrote, size, 5);
	assert_int_equal(bed_write(bed, id, "d", 1234, wrote, size), 0);
	assert_int_equal(bed_read(bed, id, "d", 1234, read, size, &length), 0);
	assert_int_equal(length, size);
	assert_memory_equal(read, wrote, size);
	assert_int_equal(bed_put(bed, id, "e", "a", wrote, size, 0), -DER_REC2BIG);
	free(wrote);
	free(read);
	return 0;
}

static int
many_extents(struct bed *bed)
{
	enum { COUNT = 3000 };
	struct object_id id = bed_object(102, BED_MULTI_HASHED, 1);
	struct proto_extent *extents = malloc(COUNT * sizeof(*extents));
	uint8_t *wrote = malloc(COUNT);
	uint8_t *read = calloc(1, COUNT);
	struct iovec iov = {wrote, COUNT};
	struct objio_akey akey = {
		.key = bed_key("a"),
		.type = PROTO_VALUE_ARRAY,
		.record_size = 1,
		.extents = extents,
		.extent_count = COUNT,
		.payload = &iov,
		.payload_count = 1,
	};

	fill(wrote, COUNT, 6);
	for (uint32_t i = 0; i < COUNT; i++)
		extents[i] = (struct proto_extent){i * 3, 1};
	assert_int_equal(objio_update(bed->objio, id, bed_key("d"), &akey, 1, 0), 0);
	iov.iov_base = read;
	assert_int_equal(objio_fetch(bed->objio, id, bed_key("d"), &akey, 1, NULL, 0, true), 0);
	assert_int_equal(akey.length, COUNT);
	assert_memory_equal(read, wrote, COUNT);
	assert_int_equal(akey.run_count, COUNT);
	assert_int_equal(akey.runs[COUNT - 1].index, (COUNT - 1) * 3);
	arena_free(bed->env->arena, akey.runs);
	free(extents);
	free(wrote);
	free(read);
	return 0;
}

/* Values of different kinds and sizes in one call, one of them absent, one too large for its room.
 */
static int
several_akeys(struct bed *bed)
{
	struct object_id id = bed_object(103, BED_MULTI_HASHED, 65535);
	static uint8_t wrote[4][50000];
	static uint8_t read[5][50000];
	struct iovec source[4];
	struct iovec target[5];
	struct proto_extent extents[2] = {{10, 100}, {5000, 1150}};
	struct objio_akey put[4];
	struct objio_akey get[5];
	static const uint32_t lengths[4] = {10, 50000, 40000, 10000};

	for (uint32_t i = 0; i < 4; i++) {
		fill(wrote[i], lengths[i], i);
		source[i] = (struct iovec){wrote[i], lengths[i]};
		put[i] = (struct objio_akey){
			.key = bed_key((const char *[]){"k0", "k1", "k2", "k3"}[i]),
			.type = PROTO_VALUE_SINGLE,
			.record_size = lengths[i],
			.payload = &source[i],
			.payload_count = 1,
		};
	}
	put[3].type = PROTO_VALUE_ARRAY;
	put[3].record_size = 8;
	put[3].extents = extents;
	put[3].extent_count = 2;
	assert_int_equal(objio_update(bed->objio, id, bed_key("d"), put, 4, 0), 0);
	for (uint32_t i = 0; i < 5; i++) {
		target[i] = (struct iovec){read[i], i == 2 ? 39999 : 50000};
		get[i] = i < 4 ? put[i]
			       : (struct objio_akey){.key = bed_key("absent"),
						     .type = PROTO_VALUE_SINGLE};
		get[i].record_size = 0;
		get[i].payload = &target[i];
	}
	get[4].payload_count = 1;
	assert_int_equal(objio_fetch(bed->objio, id, bed_key("d"), get, 5, NULL, 0, false),
			 -DER_TRUNC);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(get[i].record_size, i == 3 ? 8 : lengths[i]);
		assert_int_equal(get[i].length, i == 2 ? 0 : lengths[i]);
		if (i != 2)
			assert_memory_equal(read[i], wrote[i], lengths[i]);
	}
	assert_int_equal(get[4].record_size, 0);
	return 0;
}

static int
conditions(struct bed *bed)
{
	struct object_id id = bed_object(104, BED_MULTI_HASHED, 65535);
	size_t length;
	char data[8];

	assert_int_equal(bed_put(bed, id, "d", "a", "one", 3, VOS_COND_DKEY_UPDATE), -DER_NONEXIST);
	assert_int_equal(bed_put(bed, id, "d", "a", "one", 3, VOS_COND_DKEY_INSERT), 0);
	assert_int_equal(bed_put(bed, id, "d", "a", "two", 3, VOS_COND_DKEY_INSERT), -DER_EXIST);
	assert_int_equal(bed_put(bed, id, "d", "a", "two", 3, VOS_COND_AKEY_INSERT), -DER_EXIST);
	assert_int_equal(bed_put(bed, id, "d", "a", "two", 3, VOS_COND_AKEY_UPDATE), 0);
	assert_int_equal(bed_get(bed, id, "d", "a", data, sizeof(data), &length), 0);
	assert_memory_equal(data, "two", 3);
	return 0;
}

static int
punches(struct bed *bed)
{
	struct object_id id = bed_object(105, BED_MULTI_HASHED, 65535);
	struct objio_key dkeys[2] = {bed_key("d1"), bed_key("d2")};
	struct objio_key akey = bed_key("a");
	size_t length;
	char dkey[8];

	for (uint32_t i = 0; i < 8; i++) {
		snprintf(dkey, sizeof(dkey), "d%u", i);
		assert_int_equal(bed_put(bed, id, dkey, "a", "one", 3, 0), 0);
		assert_int_equal(bed_put(bed, id, dkey, "b", "one", 3, 0), 0);
	}
	assert_int_equal(objio_punch_akeys(bed->objio, id, bed_key("d0"), &akey, 1, VOS_COND_PUNCH),
			 0);
	assert_int_equal(objio_punch_akeys(bed->objio, id, bed_key("d0"), &akey, 1, VOS_COND_PUNCH),
			 -DER_NONEXIST);
	assert_int_equal(bed_get(bed, id, "d0", "a", NULL, 0, &length), 0);
	assert_int_equal(length, 0);
	assert_int_equal(bed_get(bed, id, "d0", "b", NULL, 0, &length), 0);
	assert_int_equal(length, 3);
	assert_int_equal(objio_punch_dkeys(bed->objio, id, dkeys, 2, VOS_COND_PUNCH), 0);
	assert_int_equal(objio_punch_dkeys(bed->objio, id, dkeys, 2, VOS_COND_PUNCH),
			 -DER_NONEXIST);
	assert_int_equal(bed_get(bed, id, "d2", "b", NULL, 0, &length), 0);
	assert_int_equal(length, 0);
	assert_int_equal(objio_punch_object(bed->objio, id, VOS_COND_PUNCH), 0);
	assert_int_equal(objio_punch_object(bed->objio, id, VOS_COND_PUNCH), -DER_NONEXIST);
	assert_int_equal(bed_get(bed, id, "d7", "b", NULL, 0, &length), 0);
	assert_int_equal(length, 0);
	return 0;
}

/* What a fetch leaves alone and what it refuses. */
static int
refusals(struct bed *bed)
{
	struct object_id id = bed_object(106, BED_MULTI_HASHED, 1);
	struct uuid handle = bed->handle;
	struct objio *other;
	size_t length;
	char data[4];

	assert_int_equal(bed_put(bed, id, "", "a", "one", 3, 0), -DER_INVAL);
	assert_int_equal(bed_get(bed, id, "d", "", data, 4, &length), -DER_INVAL);
	assert_int_equal(objio_create(bed->objio_pool, bed->reader, true, &other), 0);
	objio_destroy(bed->objio);
	bed->objio = other;
	assert_int_equal(bed_put(bed, id, "d", "a", "one", 3, 0), -DER_NO_PERM);
	/* The server's own words. */
	assert_non_null(strstr(error_text(-DER_NO_PERM), "opened without the right to write"));
	assert_int_equal(bed_get(bed, id, "d", "a", data, 4, &length), 0);
	objio_destroy(bed->objio);
	assert_int_equal(objio_create(bed->objio_pool, uuid_make(66, 66), true, &bed->objio), 0);
	assert_int_equal(bed_get(bed, id, "d", "a", data, 4, &length), -DER_NO_HDL);
	objio_destroy(bed->objio);
	assert_int_equal(objio_create(bed->objio_pool, handle, true, &bed->objio), 0);
	bed->version = 7;
	assert_int_equal(bed_put(bed, id, "d", "a", "one", 3, 0), -DER_STALE);
	bed->version = 0;
	return 0;
}

static void
run_on_bed(int (*function)(struct bed *bed))
{
	struct bed bed = {.data_size = 256u * 1024 * 1024};
	uint64_t crossed;

	bed_init(&bed);
	crossed = bed_cross_calls(&bed);
	assert_int_equal(bed_run(&bed, function), 0);
	assert_int_equal(bed_cross_calls(&bed), crossed);
	bed_fini(&bed);
}

#define ON_BED(name)                          \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		run_on_bed(name);             \
	}

ON_BED(single_values)
ON_BED(arrays)
ON_BED(large_arrays)
ON_BED(many_extents)
ON_BED(several_akeys)
ON_BED(conditions)
ON_BED(punches)
ON_BED(refusals)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_values), cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_large_arrays),  cmocka_unit_test(test_many_extents),
		cmocka_unit_test(test_several_akeys), cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_punches),	      cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
