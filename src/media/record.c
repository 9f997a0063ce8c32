/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Groups and their records as bytes. Pure: checks everything that comes from a disk. */
#include "media/private.h"

uint64_t
group_chain(const struct group_header *header)
{
	return hash64(header, sizeof(*header), GROUP_MAGIC);
}

static uint32_t
group_sum(const uint8_t *data, uint32_t length)
{
	const uint32_t zero = 0;
	uint32_t crc = crc32c(0, data, offsetof(struct group_header, crc));

	crc = crc32c(crc, &zero, sizeof(zero));
	return crc32c(crc, data + offsetof(struct group_header, reserved),
		      length - offsetof(struct group_header, reserved));
}

void
group_seal(uint8_t *buffer, uint32_t length)
{
	struct group_header *header = (struct group_header *)(void *)buffer;

	header->length = length;
	header->blocks = (length + DISK_BLOCK - 1) / DISK_BLOCK;
	memset(buffer + length, 0, (size_t)header->blocks * DISK_BLOCK - length);
	header->crc = group_sum(buffer, length);
}

int
group_check_header(const uint8_t *data, uint32_t limit, struct group_header *ret_header)
{
	struct group_header header;

	memcpy(&header, data, sizeof(header));
	if (header.magic != GROUP_MAGIC || header.version != GROUP_VERSION || header.blocks == 0 ||
	    header.blocks > limit || header.length < sizeof(header) ||
	    (header.length + DISK_BLOCK - 1) / DISK_BLOCK != header.blocks)
		return -DER_DF_INVAL;
	*ret_header = header;
	return 0;
}

int
group_check(const uint8_t *data, const struct group_header *header)
{
	uint64_t table = (uint64_t)header->heap_offset +
			 (uint64_t)header->heap_count * sizeof(struct group_heap);
	uint32_t position = 0;
	uint32_t records = 0;
	struct record record;
	int rc;

	if (group_sum(data, header->length) != header->crc)
		return -DER_CSUM;
	if (header->heap_offset < sizeof(*header) || header->heap_offset % 8 != 0 ||
	    table != header->length || header->heap_count > GROUP_HEAPS)
		return -DER_DF_INVAL;
	for (uint32_t i = 0; i < header->heap_count; i++)
		if (group_heap_at(data, header, i)->name[HEAP_NAME_MAX - 1] != '\0')
			return -DER_DF_INVAL;
	while ((rc = group_next_record(data, header, &position, &record)) == 1)
		records++;
	return rc == 0 && records != header->record_count ? -DER_DF_INVAL : rc;
}

const struct group_heap *
group_heap_at(const uint8_t *data, const struct group_header *header, uint32_t index)
{
	return (const struct group_heap *)(const void *)(data + header->heap_offset) + index;
}

/* The sizes that a record's parts claim must add up to its own. */
static bool
record_split(const uint8_t *data, struct record *record)
{
	const struct record_header *header = &record->header;
	uint64_t ranges = sizeof(*header);
	uint64_t range_data = ranges + (uint64_t)header->range_count * 8;
	uint64_t payloads = range_data + align_up(header->range_bytes, 8);
	uint64_t inlined =
		payloads + (uint64_t)header->payload_count * sizeof(struct record_payload);
	uint64_t frees = inlined + header->inline_bytes;
	uint64_t end = frees + (uint64_t)header->free_count * sizeof(struct record_free);

	if (end != header->length || header->inline_bytes % 8 != 0)
		return false;
	record->ranges = data + ranges;
	record->range_data = data + range_data;
	record->payloads = data + payloads;
	record->inline_data = data + inlined;
	record->frees = data + frees;
	return true;
}

static bool
record_payloads_fit(const struct record *record)
{
	uint64_t inlined = 0;

	for (uint32_t i = 0; i < record->header.payload_count; i++) {
		struct record_payload payload;

		memcpy(&payload, record->payloads + i * sizeof(payload), sizeof(payload));
		if (payload.length > (uint64_t)payload.count * DISK_BLOCK)
			return false;
		if (payload.flags & PAYLOAD_INLINED)
			inlined += align_up(payload.length, 8);
	}
	return inlined == record->header.inline_bytes;
}

static bool
record_ranges_fit(const struct record *record)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < record->header.range_count; i++)
		bytes += (load_u64(record->ranges + i * 8) & ((1u << RANGE_LENGTH_BITS) - 1)) + 1;
	return bytes == record->header.range_bytes;
}

int
group_next_record(const uint8_t *data, const struct group_header *header, uint32_t *position,
		  struct record *ret_record)
{
	uint32_t at = *position == 0 ? (uint32_t)sizeof(*header) : *position;
	struct record record;

	if (at == header->heap_offset)
		return 0;
	if (at + sizeof(record.header) > header->heap_offset)
		return -DER_DF_INVAL;
	memcpy(&record.header, data + at, sizeof(record.header));
	if (record.header.type != RECORD_TRANSACTION || record.header.version != RECORD_VERSION ||
	    record.header.length % 8 != 0 || record.header.length > header->heap_offset - at ||
	    record.header.heap >= header->heap_count || !record_split(data + at, &record) ||
	    !record_payloads_fit(&record) || !record_ranges_fit(&record))
		return -DER_DF_INVAL;
	*position = at + record.header.length;
	*ret_record = record;
	return 1;
}

bool
record_range_next(const struct record *record, uint32_t index, uint32_t *position,
		  struct record_range *ret_range)
{
	uint64_t word = load_u64(record->ranges + (size_t)index * 8);

	ret_range->offset = word >> RANGE_LENGTH_BITS;
	ret_range->length = (uint32_t)(word & ((1u << RANGE_LENGTH_BITS) - 1)) + 1;
	if (ret_range->length > record->header.range_bytes - *position)
		return false;
	ret_range->data = record->range_data + *position;
	*position += ret_range->length;
	return true;
}
