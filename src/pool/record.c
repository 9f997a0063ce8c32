/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Records of a pool's store. */
#include "pool/private.h"

#define RECORD_VERSION 1u
/* Handles of version 1 do not say who connected. */
#define HANDLE_VERSION 2u

uint32_t
pool_handle_encode(const struct pool_handle *handle, uint8_t record[HANDLE_RECORD])
{
	struct writer writer;

	writer_init(&writer, record, HANDLE_RECORD);
	writer_u16(&writer, HANDLE_VERSION);
	proto_uuid_encode(handle->id, &writer);
	proto_uuid_encode(handle->client, &writer);
	writer_u32(&writer, handle->access.flags);
	writer_u32(&writer, handle->access.capabilities);
	writer_u8(&writer, handle->access.administrator);
	writer_u8(&writer, handle->access.credentials.known);
	writer_u32(&writer, handle->access.credentials.user);
	writer_u32(&writer, handle->access.credentials.group);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

int
pool_handle_decode(struct metadb_bytes record, struct pool_handle *ret_handle)
{
	struct pool_access *access = &ret_handle->access;
	struct reader reader;
	uint16_t version;

	*access = (struct pool_access){.flags = 0};
	reader_init(&reader, record.data, record.length);
	version = reader_u16(&reader);
	ret_handle->id = proto_uuid_decode(&reader);
	ret_handle->client = proto_uuid_decode(&reader);
	access->flags = reader_u32(&reader);
	access->capabilities = reader_u32(&reader);
	if (version > 1) {
		access->administrator = reader_u8(&reader) != 0;
		access->credentials.known = reader_u8(&reader) != 0;
		access->credentials.user = reader_u32(&reader);
		access->credentials.group = reader_u32(&reader);
	}
	return metadb_value_check(&reader, version, HANDLE_VERSION, "a pool handle");
}

uint32_t
pool_pair_encode(uint64_t first, uint64_t second, uint8_t record[PAIR_RECORD])
{
	struct writer writer;

	writer_init(&writer, record, PAIR_RECORD);
	writer_u16(&writer, RECORD_VERSION);
	writer_u64(&writer, first);
	writer_u64(&writer, second);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

int
pool_pair_decode(struct metadb_bytes record, uint64_t *ret_first, uint64_t *ret_second)
{
	struct reader reader;
	uint16_t version;

	reader_init(&reader, record.data, record.length);
	version = reader_u16(&reader);
	*ret_first = reader_u64(&reader);
	*ret_second = reader_u64(&reader);
	return metadb_value_check(&reader, version, RECORD_VERSION, "a pool");
}
