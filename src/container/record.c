/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Keys and records of containers in the pool's store. */
#include <stdio.h>

#include "container/private.h"

#define RECORD_VERSION 1u
/* Handles of version 1 do not say whose they are. */
#define HANDLE_VERSION 2u

/* ------------------------------------------------ keys */

struct metadb_bytes
container_key(struct container_key *key, const char *prefix, const struct uuid *id)
{
	size_t length = strlen(prefix);

	memcpy(key->text, prefix, length);
	uuid_to_text(id, key->text + length);
	return metadb_text(key->text);
}

struct metadb_bytes
container_label_key(struct container_key *key, const char *label)
{
	snprintf(key->text, sizeof(key->text), "cl/%s", label);
	return metadb_text(key->text);
}

void
container_attribute_prefix(struct container_key *key, const struct uuid *id)
{
	(void)container_key(key, KEY_ATTRIBUTES, id);
	strcat(key->text, "/");
}

/* ------------------------------------------------ records */

uint32_t
container_record_encode(const struct container_record *container, uint8_t record[CONTAINER_RECORD])
{
	struct writer writer;

	writer_init(&writer, record, CONTAINER_RECORD);
	writer_u16(&writer, RECORD_VERSION);
	proto_uuid_encode(container->id, &writer);
	writer_u64(&writer, container->created);
	writer_text(&writer, container->label);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

int
container_record_decode(struct metadb_bytes record, struct container_record *ret_container)
{
	struct reader reader;
	uint16_t version;

	reader_init(&reader, record.data, record.length);
	version = reader_u16(&reader);
	ret_container->id = proto_uuid_decode(&reader);
	ret_container->created = reader_u64(&reader);
	reader_text(&reader, ret_container->label, sizeof(ret_container->label));
	return metadb_value_check(&reader, version, RECORD_VERSION, "a container");
}

uint32_t
container_handle_encode(const struct container_handle *handle, uint8_t record[CONTAINER_RECORD])
{
	struct writer writer;

	writer_init(&writer, record, CONTAINER_RECORD);
	writer_u16(&writer, HANDLE_VERSION);
	proto_uuid_encode(handle->id, &writer);
	proto_uuid_encode(handle->container, &writer);
	proto_uuid_encode(handle->pool_handle, &writer);
	proto_uuid_encode(handle->client, &writer);
	writer_u32(&writer, handle->flags);
	writer_u32(&writer, handle->capabilities);
	writer_u8(&writer, handle->user_known);
	writer_u32(&writer, handle->user);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

int
container_handle_decode(struct metadb_bytes record, struct container_handle *ret_handle)
{
	struct reader reader;
	uint16_t version;

	reader_init(&reader, record.data, record.length);
	version = reader_u16(&reader);
	ret_handle->id = proto_uuid_decode(&reader);
	ret_handle->container = proto_uuid_decode(&reader);
	ret_handle->pool_handle = proto_uuid_decode(&reader);
	ret_handle->client = proto_uuid_decode(&reader);
	ret_handle->flags = reader_u32(&reader);
	ret_handle->capabilities = reader_u32(&reader);
	ret_handle->user_known = version > 1 && reader_u8(&reader) != 0;
	ret_handle->user = version > 1 ? reader_u32(&reader) : 0;
	return metadb_value_check(&reader, version, HANDLE_VERSION, "a container handle");
}

uint32_t
container_times_encode(const struct container_times *times, uint8_t record[CONTAINER_TIMES])
{
	struct writer writer;

	writer_init(&writer, record, CONTAINER_TIMES);
	writer_u16(&writer, RECORD_VERSION);
	writer_u64(&writer, times->opened);
	writer_u64(&writer, times->modified);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

int
container_times_decode(struct metadb_bytes record, struct container_times *ret_times)
{
	struct reader reader;
	uint16_t version;

	reader_init(&reader, record.data, record.length);
	version = reader_u16(&reader);
	ret_times->opened = reader_u64(&reader);
	ret_times->modified = reader_u64(&reader);
	return metadb_value_check(&reader, version, RECORD_VERSION, "the times of a container");
}
