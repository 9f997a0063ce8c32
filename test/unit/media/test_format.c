/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The images of docs/formats/log.md and docs/formats/heap.md: where each field lies, and what a
 * group looks like. */
#include "rig.h"

struct field {
	const char *name;
	size_t offset, size; /* as the compiler has them */
	size_t documented, documented_size;
};

#define FIELD(type, member, at, bytes)                                \
	{                                                             \
#type "." #member, offsetof(struct type, member),     \
			sizeof(((struct type *)0)->member), at, bytes \
	}

static const struct field fields[] = {
	FIELD(log_header, magic, 0, 8),
	FIELD(log_header, version, 8, 4),
	FIELD(log_header, crc, 12, 4),
	FIELD(log_header, feature_compatible, 16, 4),
	FIELD(log_header, feature_read_only, 20, 4),
	FIELD(log_header, feature_incompatible, 24, 4),
	FIELD(log_header, ring_blocks, 28, 4),
	FIELD(log_header, log_id, 32, 16),
	FIELD(log_header, generation, 48, 8),
	FIELD(log_header, incarnation, 56, 8),
	FIELD(log_header, incarnation_sequence, 64, 8),
	FIELD(log_header, start_sequence, 72, 8),
	FIELD(log_header, start_chain, 80, 8),
	FIELD(log_header, durable_sequence, 88, 8),
	FIELD(log_header, start_block, 96, 4),
	FIELD(log_header, given_up_count, 100, 4),
	FIELD(log_header, closed_generation, 104, 8),
	FIELD(group_header, magic, 0, 4),
	FIELD(group_header, version, 4, 2),
	FIELD(group_header, flags, 6, 2),
	FIELD(group_header, log_id, 8, 16),
	FIELD(group_header, incarnation, 24, 8),
	FIELD(group_header, sequence, 32, 8),
	FIELD(group_header, previous_chain, 40, 8),
	FIELD(group_header, durable_sequence, 48, 8),
	FIELD(group_header, blocks, 56, 4),
	FIELD(group_header, length, 60, 4),
	FIELD(group_header, record_count, 64, 4),
	FIELD(group_header, heap_count, 68, 4),
	FIELD(group_header, heap_offset, 72, 4),
	FIELD(group_header, crc, 76, 4),
	FIELD(group_header, reserved, 80, 32),
	FIELD(group_heap, id, 0, 16),
	FIELD(group_heap, name, 16, 88),
	FIELD(record_header, type, 0, 1),
	FIELD(record_header, version, 1, 1),
	FIELD(record_header, heap, 2, 2),
	FIELD(record_header, length, 4, 4),
	FIELD(record_header, range_count, 8, 2),
	FIELD(record_header, payload_count, 10, 2),
	FIELD(record_header, free_count, 12, 2),
	FIELD(record_header, range_bytes, 16, 4),
	FIELD(record_header, inline_bytes, 20, 4),
	FIELD(record_payload, block, 0, 8),
	FIELD(record_payload, count, 8, 4),
	FIELD(record_payload, crc, 12, 4),
	FIELD(record_payload, length, 16, 4),
	FIELD(record_payload, flags, 20, 4),
	FIELD(record_free, block, 0, 8),
	FIELD(record_free, count, 8, 4),
	FIELD(heap_superblock, magic, 0, 8),
	FIELD(heap_superblock, version, 8, 4),
	FIELD(heap_superblock, crc, 12, 4),
	FIELD(heap_superblock, feature_compatible, 16, 4),
	FIELD(heap_superblock, feature_read_only, 20, 4),
	FIELD(heap_superblock, feature_incompatible, 24, 4),
	FIELD(heap_superblock, flags, 28, 4),
	FIELD(heap_superblock, id, 32, 16),
	FIELD(heap_superblock, generation, 48, 8),
	FIELD(heap_superblock, heap_size, 56, 8),
	FIELD(heap_superblock, data_size, 64, 8),
	FIELD(heap_superblock, heap_zones, 72, 4),
	FIELD(heap_superblock, space_zones, 76, 4),
	FIELD(heap_superblock, slots, 80, 4),
	FIELD(heap_superblock, heap_zones_used, 84, 4),
	FIELD(heap_superblock, space_reserve, 88, 4),
	FIELD(heap_superblock, log_id, 96, 16),
	FIELD(heap_superblock, covered_sequence, 112, 8),
	FIELD(heap_superblock, coverage, 120, 8),
	FIELD(heap_superblock, table_sum, 128, 8),
	FIELD(zone_entry, magic, 0, 4),
	FIELD(zone_entry, version, 4, 2),
	FIELD(zone_entry, flags, 6, 2),
	FIELD(zone_entry, zone, 8, 4),
	FIELD(zone_entry, crc, 12, 4),
	FIELD(zone_entry, heap_id, 16, 16),
	FIELD(zone_entry, generation, 32, 8),
	FIELD(zone_entry, sequence, 40, 8),
	FIELD(zone_entry, free_count, 48, 8),
	FIELD(zone_entry, coverage, 56, 8),
	FIELD(zone_entry, counted, 64, 8),
	FIELD(zone_entry, delta_count, 72, 4),
	FIELD(zone_entry, chunks, 80, 2048),
	FIELD(zone_entry, deltas, 2128, 1536),
	FIELD(zone_entry, first_delta, 3664, 256),
	FIELD(zone_delta, count, 0, 2),
	FIELD(zone_delta, places, 4, 124),
	FIELD(zone_delta, lines, 128, 3968),
	FIELD(zone_header, magic, 0, 4),
	FIELD(zone_header, version, 4, 2),
	FIELD(zone_header, flags, 6, 2),
	FIELD(zone_header, zone, 8, 4),
	FIELD(zone_header, pages, 64, 6144),
	FIELD(zone_page, kind, 0, 1),
	FIELD(zone_page, size_class, 1, 1),
	FIELD(zone_page, pages, 2, 2),
	FIELD(zone_page, used, 8, 16),
};

static void
test_fields(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].offset != fields[i].documented ||
		    fields[i].size != fields[i].documented_size)
			fail_msg("%s is %zu bytes at %zu", fields[i].name, fields[i].size,
				 fields[i].offset);
	}
	assert_memory_equal(&(uint64_t){LOG_MAGIC}, "CIRNLOG1", 8);
	assert_memory_equal(&(uint64_t){HEAP_MAGIC}, "CIRHEAP1", 8);
	assert_memory_equal(&(uint32_t){GROUP_MAGIC}, "CGRP", 4);
	assert_memory_equal(&(uint32_t){ZONE_MAGIC}, "ZONE", 4);
	assert_memory_equal(&(uint32_t){ZONE_HEADER_MAGIC}, "ZHDR", 4);
}

/* One record with a range of 5 bytes, an inlined payload of 3, one in place, and a freed extent. */
static uint32_t
make_group(uint8_t *group)
{
	struct group_header *header = (struct group_header *)(void *)group;
	struct writer writer;

	writer_init(&writer, group, DISK_BLOCK);
	writer_bytes(&writer,
		     &(struct group_header){.magic = GROUP_MAGIC,
					    .version = GROUP_VERSION,
					    .incarnation = 3,
					    .sequence = 17,
					    .previous_chain = 0x1122334455667788,
					    .durable_sequence = 16,
					    .record_count = 1,
					    .heap_count = 1},
		     sizeof(*header));
	writer_bytes(&writer,
		     &(struct record_header){.type = RECORD_TRANSACTION,
					     .version = RECORD_VERSION,
					     .length = 24 + 8 + 8 + 48 + 8 + 16,
					     .range_count = 1,
					     .payload_count = 2,
					     .free_count = 1,
					     .range_bytes = 5,
					     .inline_bytes = 8},
		     sizeof(struct record_header));
	writer_u64(&writer, (uint64_t)0x12345 << RANGE_LENGTH_BITS | 4);
	writer_bytes(&writer, "RANGE\0\0\0", 8);
	writer_bytes(&writer,
		     &(struct record_payload){
			     .block = 7, .count = 1, .length = 3, .flags = PAYLOAD_INLINED},
		     24);
	writer_bytes(&writer,
		     &(struct record_payload){.block = 9,
					      .count = 2,
					      .crc = 0xabcdef,
					      .length = 8192,
					      .flags = PAYLOAD_VERIFIED},
		     24);
	writer_bytes(&writer, "INL\0\0\0\0\0", 8);
	writer_bytes(&writer, &(struct record_free){.block = 11, .count = 4}, 16);
	header->heap_offset = (uint32_t)writer.position;
	writer_bytes(&writer, &(struct group_heap){.id = {{1, 2, 3}}, .name = "pool/0"},
		     sizeof(struct group_heap));
	group_seal(group, (uint32_t)writer.position);
	return (uint32_t)writer.position;
}

static void
test_group(void **state)
{
	static uint8_t group[DISK_BLOCK] __attribute__((aligned(8)));
	struct group_header header;
	struct record_range range;
	struct record record;
	uint32_t position = 0, at = 0;

	(void)state;
	assert_int_equal(make_group(group), 112 + 112 + 104);
	/* The image as a whole: change it only with its version. */
	assert_int_equal(load_u32(group + 76), 0xf194d3fa);
	assert_int_equal(group_check_header(group, 1, &header), 0);
	assert_int_equal(group_check(group, &header), 0);
	assert_int_equal(group_chain(&header), 0x2f31bf3db2381471);
	assert_int_equal(group_next_record(group, &header, &position, &record), 1);
	assert_true(record_range_next(&record, 0, &at, &range));
	assert_int_equal(range.offset, 0x12345);
	assert_int_equal(range.length, 5);
	assert_memory_equal(range.data, "RANGE", 5);
	assert_memory_equal(record.inline_data, "INL", 3);
	assert_int_equal(load_u64(record.frees), 11);
	assert_int_equal(group_next_record(group, &header, &position, &record), 0);
	/* Any flipped bit is found. */
	for (uint32_t bit = 0; bit < (112 + 112 + 104) * 8; bit++) {
		int rc;

		group[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		rc = group_check_header(group, 1, &header);
		assert_true(rc != 0 || group_check(group, &header) != 0);
		group[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields),
					   cmocka_unit_test(test_group)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
