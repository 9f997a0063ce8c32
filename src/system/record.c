/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Records of the system's store. */
#include "system/private.h"

#define RECORD_VERSION 1u

uint32_t
system_identity_encode(const struct system_identity *identity, uint8_t record[RECORD_MAX])
{
	struct writer writer;

	writer_init(&writer, record, RECORD_MAX);
	writer_u16(&writer, RECORD_VERSION);
	proto_uuid_encode(identity->id, &writer);
	writer_u32(&writer, identity->rank);
	writer_text(&writer, identity->name);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

static int
record_open(struct reader *reader, struct metadb_bytes record)
{
	uint16_t version;

	reader_init(reader, record.data, record.length);
	version = reader_u16(reader);
	if (version != RECORD_VERSION)
		return error_raise(-DER_DF_INCOMPT,
				   "a record of the system's store has version %u; "
				   "this program reads %u",
				   version, RECORD_VERSION);
	return 0;
}

static int
record_outcome(const struct reader *reader)
{
	if (reader_complete(reader))
		return 0;
	return error_raise(-DER_IO, "the system's store is damaged: bad record");
}

int
system_identity_decode(struct metadb_bytes record, struct system_identity *ret_identity)
{
	struct reader reader;
	int rc = record_open(&reader, record);

	if (rc)
		return rc;
	ret_identity->id = proto_uuid_decode(&reader);
	ret_identity->rank = reader_u32(&reader);
	reader_text(&reader, ret_identity->name, sizeof(ret_identity->name));
	return record_outcome(&reader);
}

uint32_t
system_pool_encode(const struct system_pool *pool, uint8_t record[RECORD_MAX])
{
	struct writer writer;

	writer_init(&writer, record, RECORD_MAX);
	writer_u16(&writer, RECORD_VERSION);
	proto_uuid_encode(pool->id, &writer);
	writer_u32(&writer, pool->state);
	writer_u32(&writer, pool->target_count);
	writer_u8(&writer, pool->thin);
	writer_u64(&writer, pool->metadata_bytes);
	writer_u64(&writer, pool->data_bytes);
	writer_text(&writer, pool->label);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

int
system_pool_decode(struct metadb_bytes record, struct system_pool *ret_pool)
{
	struct reader reader;
	int rc = record_open(&reader, record);

	if (rc)
		return rc;
	ret_pool->id = proto_uuid_decode(&reader);
	ret_pool->state = reader_u32(&reader);
	ret_pool->target_count = reader_u32(&reader);
	ret_pool->thin = reader_u8(&reader) != 0;
	ret_pool->metadata_bytes = reader_u64(&reader);
	ret_pool->data_bytes = reader_u64(&reader);
	reader_text(&reader, ret_pool->label, sizeof(ret_pool->label));
	if (ret_pool->state < PROTO_POOL_CREATING || ret_pool->state > PROTO_POOL_DESTROYING)
		reader_fail(&reader);
	return record_outcome(&reader);
}
