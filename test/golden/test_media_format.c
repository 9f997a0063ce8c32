/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The structs of the log and of heap files, each field with bytes of its own, as they lie on the
 * disk. */
#include "golden.h"
#include "media/private.h"

static struct uuid
some_id(uint8_t first)
{
	struct uuid id;

	for (uint8_t i = 0; i < 16; i++)
		id.bytes[i] = (uint8_t)(first + i);
	return id;
}

static void
add_log_header(struct golden *golden)
{
	const struct log_header header = {
		.magic = LOG_MAGIC,
		.version = LOG_VERSION,
		.crc = 0x01020304,
		.feature_compatible = 0x11121314,
		.feature_read_only = 0x21222324,
		.feature_incompatible = 0x31323334,
		.ring_blocks = 0x41424344,
		.log_id = some_id(0x50),
		.generation = 0x6162636465666768,
		.incarnation = 0x7172737475767778,
		.incarnation_sequence = 0x8182838485868788,
		.start_sequence = 0x9192939495969798,
		.start_chain = 0xa1a2a3a4a5a6a7a8,
		.durable_sequence = 0xb1b2b3b4b5b6b7b8,
		.start_block = 0xc1c2c3c4,
		.given_up_count = 0xd1d2d3d4,
		.closed_generation = 0xe1e2e3e4e5e6e7e8,
	};

	golden_add(golden, "log header", &header, sizeof(header));
}

/* A group with one record of each part, sealed as the writer does. */
static void
add_group(struct golden *golden)
{
	static uint8_t buffer[DISK_BLOCK] __attribute__((aligned(4096)));
	struct group_header header = {
		.magic = GROUP_MAGIC,
		.version = GROUP_VERSION,
		.log_id = some_id(0x50),
		.incarnation = 3,
		.sequence = 0x1122334455667788,
		.previous_chain = 0x99aabbccddeeff00,
		.durable_sequence = 0x1122334455667787,
		.record_count = 1,
		.heap_count = 1,
	};
	const struct record_header record = {
		.type = RECORD_TRANSACTION,
		.version = RECORD_VERSION,
		.length = sizeof(record) + 8 + 8 + sizeof(struct record_payload) +
			  sizeof(struct record_free),
		.range_count = 1,
		.payload_count = 1,
		.free_count = 1,
		.range_bytes = 5,
	};
	const struct record_payload payload = {0x1112131415161718, 2, 0x21222324, 8000,
					       PAYLOAD_VERIFIED};
	const struct record_free freed = {0x3132333435363738, 7, 0};
	const struct group_heap heap = {.id = some_id(0x60), .name = "target-0"};
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	header.heap_offset = sizeof(header) + record.length;
	writer_bytes(&writer, &header, sizeof(header));
	writer_bytes(&writer, &record, sizeof(record));
	writer_u64(&writer, UINT64_C(0x123450) << RANGE_LENGTH_BITS | (5 - 1));
	writer_bytes(&writer, "range\0\0\0", 8);
	writer_bytes(&writer, &payload, sizeof(payload));
	writer_bytes(&writer, &freed, sizeof(freed));
	assert_int_equal(writer.position, header.heap_offset);
	writer_bytes(&writer, &heap, sizeof(heap));
	group_seal(buffer, (uint32_t)writer.position);
	golden_add(golden, "group", buffer, writer.position);
	store_u64(buffer, group_chain((const struct group_header *)(void *)buffer));
	golden_add(golden, "chain value of the group", buffer, 8);
}

static void
log_is_as_written(void **state)
{
	struct golden *golden = golden_begin("log", LOG_VERSION);

	(void)state;
	assert_int_equal(GROUP_VERSION, LOG_VERSION);
	add_log_header(golden);
	add_group(golden);
	golden_end(golden);
}

static void
heap_is_as_written(void **state)
{
	static struct zone_entry entry;
	static struct zone_delta delta;
	static struct zone_header zone;
	const struct heap_superblock superblock = {
		.magic = HEAP_MAGIC,
		.version = HEAP_VERSION,
		.crc = 0x01020304,
		.feature_compatible = 0x11121314,
		.feature_read_only = 0x21222324,
		.feature_incompatible = 0x31323334,
		.flags = SUPERBLOCK_CLEAN | SUPERBLOCK_THIN,
		.id = some_id(0x40),
		.generation = 0x5152535455565758,
		.heap_size = 0x6162636465666768,
		.data_size = 0x7172737475767778,
		.heap_zones = 0x81828384,
		.space_zones = 0x91929394,
		.slots = 0xa1a2a3a4,
		.heap_zones_used = 0xb1b2b3b4,
		.space_reserve = 0xc1c2c3c4,
		.log_id = some_id(0xd0),
		.covered_sequence = 0xe1e2e3e4e5e6e7e8,
		.coverage = 0xf1f2f3f4f5f6f7f8,
		.table_sum = 0x0102030405060708,
	};
	struct golden *golden = golden_begin("heap", HEAP_VERSION);

	(void)state;
	entry = (struct zone_entry){
		.magic = ZONE_MAGIC,
		.version = ZONE_VERSION,
		.flags = 0x0102,
		.zone = 0x11121314,
		.crc = 0x21222324,
		.heap_id = some_id(0x40),
		.generation = 0x5152535455565758,
		.sequence = 0x6162636465666768,
		.free_count = 0x7172737475767778,
		.coverage = 0x8182838485868788,
		.counted = 0x9192939495969798,
		.delta_count = 2,
		.chunks = {{1, 0x81828384}, {2, 0x91929394}, [ZONE_CHUNKS - 1] = {3, 4}},
		.deltas = {{5, 0xa1a2a3a4}, {6, 0xb1b2b3b4}},
		.first_delta = {1, 0, [ZONE_CHUNKS - 1] = 2},
	};
	delta.count = 2;
	delta.places[0] = 3;
	delta.places[1] = 0x3fff;
	memset(delta.lines[0], 0xc1, ZONE_LINE);
	memset(delta.lines[1], 0xd1, ZONE_LINE);
	zone = (struct zone_header){
		.magic = ZONE_HEADER_MAGIC,
		.version = ZONE_HEADER_VERSION,
		.zone = 0x11121314,
		.pages = {{.kind = PAGE_HEADER},
			  {.kind = PAGE_HEADER},
			  {PAGE_RUN, 5, 0, 0, {0x2122232425262728, 0x3132333435363738}},
			  {.kind = PAGE_SPAN, .pages = 2},
			  {.kind = PAGE_SPAN_REST}},
	};
	golden_add(golden, "superblock", &superblock, sizeof(superblock));
	golden_add(golden, "zone entry", &entry, sizeof(entry));
	golden_add(golden, "zone delta", &delta, sizeof(delta));
	golden_add(golden, "zone header", &zone, sizeof(zone));
	golden_add(golden, "size classes", size_classes, sizeof(size_classes));
	golden_end(golden);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_is_as_written),
		cmocka_unit_test(heap_is_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
