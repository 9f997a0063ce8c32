/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The decoder of log groups, also with lengths and sum put right, so that the fuzzer gets behind
 * them. */
#include <stdlib.h>

#include "media/private.h"

#define BLOCKS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
walk(const uint8_t *group, const struct group_header *header)
{
	struct record_range range = {0};
	struct record record;
	uint32_t position = 0;
	uint64_t sum = 0;

	while (group_next_record(group, header, &position, &record) == 1) {
		uint32_t at = 0;

		for (uint32_t i = 0; i < record.header.range_count; i++) {
			if (!record_range_next(&record, i, &at, &range))
				abort();
			sum += crc32c(0, range.data, range.length);
		}
		sum += crc32c(0, record.payloads,
			      record.header.payload_count * sizeof(struct record_payload));
		sum += crc32c(0, record.inline_data, record.header.inline_bytes);
		sum += crc32c(0, record.frees,
			      record.header.free_count * sizeof(struct record_free));
		sum += group_heap_at(group, header, record.header.heap)->id.bytes[0];
	}
	return sum;
}

static void
decode(const uint8_t *group)
{
	struct group_header header;

	if (group_check_header(group, BLOCKS, &header) != 0 || group_check(group, &header) != 0)
		return;
	if (walk(group, &header) != walk(group, &header))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *group = aligned_alloc(DISK_BLOCK, BLOCKS * DISK_BLOCK);
	struct group_header header = {.magic = GROUP_MAGIC, .version = GROUP_VERSION};
	size_t length = min_of(size, (size_t)BLOCKS * DISK_BLOCK - sizeof(header));

	if (!group)
		abort();
	memset(group, 0, BLOCKS * DISK_BLOCK);
	memcpy(group, data, length);
	decode(group);
	if (length >= 12) {
		/* Three words choose the counts, the rest is records and heap table. */
		header.record_count = data[0];
		header.heap_count = data[1] % (GROUP_HEAPS + 2);
		header.heap_offset = (uint32_t)sizeof(header) + load_u32(data + 4) % 4096 / 8 * 8;
		memcpy(group + sizeof(header), data, length);
		memcpy(group, &header, sizeof(header));
		group_seal(group,
			   (uint32_t)min_of((size_t)BLOCKS * DISK_BLOCK,
					    header.heap_offset +
						    header.heap_count * sizeof(struct group_heap)));
		decode(group);
	}
	free(group);
	return 0;
}
