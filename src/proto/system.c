/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the system service, and what several services share: names, properties, the map. */
#include "proto/part.h"

void
proto_uuid_encode(struct uuid id, struct writer *writer)
{
	writer_bytes(writer, id.bytes, sizeof(id.bytes));
}

struct uuid
proto_uuid_decode(struct reader *reader)
{
	struct uuid id;

	reader_copy(reader, id.bytes, sizeof(id.bytes));
	return id;
}

void
proto_failure_encode(const char *text, struct writer *writer)
{
	writer_blob(writer, text, strnlen(text, PROTO_FAILURE_MAX));
}

void
proto_failure_decode(struct reader *reader, char *text, size_t size)
{
	struct proto_text failure = part_text(reader, PROTO_FAILURE_MAX);
	size_t length = min_of((size_t)failure.length, size - 1);

	if (reader->failed)
		length = 0;
	if (length > 0)
		memcpy(text, failure.data, length);
	text[length] = 0;
}

/* ------------------------------------------------ properties */

void
proto_properties_encode(const struct proto_properties *properties, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	writer_u32(writer, properties->count);
	part_end(writer, start);
	for (uint32_t i = 0; i < properties->count; i++) {
		const struct proto_property *item = &properties->items[i];

		writer_u32(writer, item->type);
		writer_u8(writer, item->is_bytes);
		if (item->is_bytes)
			part_put(writer, item->bytes);
		else
			writer_u64(writer, item->number);
	}
}

static void
property_decode(struct reader *reader, struct proto_property *property)
{
	*property = (struct proto_property){.type = reader_u32(reader)};
	property->is_bytes = part_bool(reader);
	if (property->is_bytes)
		property->bytes = part_bytes(reader, PROTO_PROPERTY_BYTES_MAX);
	else
		property->number = reader_u64(reader);
}

int
proto_properties_decode(struct reader *reader, struct proto_properties *ret_properties)
{
	struct reader part = part_open(reader);
	uint32_t count = reader_u32(&part);

	part_close(reader, &part);
	if (count > PROTO_PROPERTIES_MAX)
		reader_fail(reader);
	ret_properties->count = 0;
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		property_decode(reader, &ret_properties->items[i]);
		if (proto_property_find(ret_properties, ret_properties->items[i].type))
			reader_fail(reader);
		ret_properties->count++;
	}
	return part_outcome(reader);
}

const struct proto_property *
proto_property_find(const struct proto_properties *properties, uint32_t type)
{
	for (uint32_t i = 0; i < properties->count; i++)
		if (properties->items[i].type == type)
			return &properties->items[i];
	return NULL;
}

/* ------------------------------------------------ engines and targets */

static void
engine_encode(const struct proto_engine *engine, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	writer_u32(writer, engine->rank);
	writer_u32(writer, engine->targets);
	writer_u32(writer, engine->loops);
	writer_u32(writer, engine->state);
	proto_uuid_encode(engine->incarnation, writer);
	writer_u32(writer, engine->address_count);
	part_end(writer, start);
	for (uint32_t i = 0; i < engine->address_count; i++)
		part_put(writer, engine->addresses[i]);
}

/* The fixed part of an engine. */
#define ENGINE_SMALLEST (PART_HEAD + 36)

static void
engine_decode(struct reader *reader, struct proto_engine *engine)
{
	struct reader part = part_open(reader);

	engine->rank = reader_u32(&part);
	engine->targets = reader_u32(&part);
	engine->loops = reader_u32(&part);
	engine->state = reader_u32(&part);
	engine->incarnation = proto_uuid_decode(&part);
	engine->address_count = reader_u32(&part);
	part_close(reader, &part);
	if (engine->address_count > PROTO_ADDRESSES_MAX) {
		engine->address_count = 0;
		reader_fail(reader);
	}
	for (uint32_t i = 0; i < engine->address_count; i++)
		engine->addresses[i] = part_text(reader, PROTO_ADDRESS_MAX);
}

static int
engines_decode(struct reader *reader, struct arena *arena, uint32_t count,
	       struct proto_engine **ret_engines)
{
	struct proto_engine *engines;
	int rc;

	if (count > PROTO_ENGINES_MAX)
		reader_fail(reader);
	engines = part_array(reader, arena, count, ENGINE_SMALLEST, sizeof(*engines), &rc);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count; i++)
		engine_decode(reader, &engines[i]);
	rc = part_outcome(reader);
	if (rc == 0)
		*ret_engines = engines;
	else
		arena_free(arena, engines);
	return rc;
}

#define TARGET_SIZE 16u

static int
targets_decode(struct reader *reader, struct arena *arena, uint32_t count,
	       struct proto_target **ret_targets)
{
	struct proto_target *targets;
	int rc;

	if (count > PROTO_TARGETS_MAX)
		reader_fail(reader);
	targets = part_array(reader, arena, count, TARGET_SIZE, sizeof(*targets), &rc);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		targets[i].rank = reader_u32(reader);
		targets[i].index = reader_u32(reader);
		targets[i].tag = reader_u32(reader);
		targets[i].state = reader_u32(reader);
	}
	*ret_targets = targets;
	return 0;
}

void
proto_map_encode(const struct proto_map *map, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	writer_u32(writer, map->version);
	writer_u32(writer, map->placement);
	writer_u32(writer, map->engine_count);
	writer_u32(writer, map->target_count);
	part_end(writer, start);
	for (uint32_t i = 0; i < map->engine_count; i++)
		engine_encode(&map->engines[i], writer);
	for (uint32_t i = 0; i < map->target_count; i++) {
		writer_u32(writer, map->targets[i].rank);
		writer_u32(writer, map->targets[i].index);
		writer_u32(writer, map->targets[i].tag);
		writer_u32(writer, map->targets[i].state);
	}
}

int
proto_map_decode(struct reader *reader, struct arena *arena, struct proto_map *ret_map)
{
	struct reader part = part_open(reader);
	struct proto_map map = {.version = reader_u32(&part)};
	int rc;

	map.placement = reader_u32(&part);
	map.engine_count = reader_u32(&part);
	map.target_count = reader_u32(&part);
	part_close(reader, &part);
	rc = engines_decode(reader, arena, map.engine_count, &map.engines);
	if (rc)
		return rc;
	rc = targets_decode(reader, arena, map.target_count, &map.targets);
	if (rc)
		arena_free(arena, map.engines);
	else
		*ret_map = map;
	return rc;
}

void
proto_map_free(struct arena *arena, struct proto_map *map)
{
	arena_free(arena, map->engines);
	arena_free(arena, map->targets);
	*map = (struct proto_map){.version = 0};
}

/* ------------------------------------------------ query */

void
proto_system_query_reply_encode(const struct proto_system_query_reply *reply, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(reply->id, writer);
	writer_u32(writer, reply->engine_count);
	part_end(writer, start);
	part_put(writer, reply->name);
	part_put(writer, reply->version);
	for (uint32_t i = 0; i < reply->engine_count; i++)
		engine_encode(&reply->engines[i], writer);
}

int
proto_system_query_reply_decode(struct reader *reader, struct arena *arena,
				struct proto_system_query_reply *ret_reply)
{
	struct reader part = part_open(reader);
	struct proto_system_query_reply reply = {.id = proto_uuid_decode(&part)};
	int rc;

	reply.engine_count = reader_u32(&part);
	part_close(reader, &part);
	reply.name = part_text(reader, PROTO_LABEL_MAX);
	reply.version = part_text(reader, PROTO_LABEL_MAX);
	rc = engines_decode(reader, arena, reply.engine_count, &reply.engines);
	if (rc == 0)
		*ret_reply = reply;
	return rc;
}

void
proto_system_query_reply_free(struct arena *arena, struct proto_system_query_reply *reply)
{
	arena_free(arena, reply->engines);
	*reply = (struct proto_system_query_reply){.engine_count = 0};
}

/* ------------------------------------------------ pools */

void
proto_pool_create_encode(const struct proto_pool_create *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->id, writer);
	writer_u8(writer, request->thin);
	writer_u64(writer, request->metadata_bytes);
	writer_u64(writer, request->data_bytes);
	/* Where it is 0 the message is as before there was one. */
	if (request->share > 0)
		writer_u32(writer, request->share);
	part_end(writer, start);
	part_put(writer, request->owner);
	part_put(writer, request->owner_group);
	proto_properties_encode(&request->properties, writer);
}

int
proto_pool_create_decode(struct reader *reader, struct proto_pool_create *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->id = proto_uuid_decode(&part);
	ret_request->thin = part_bool(&part);
	ret_request->metadata_bytes = reader_u64(&part);
	ret_request->data_bytes = reader_u64(&part);
	ret_request->share = reader_left(&part) ? reader_u32(&part) : 0;
	part_close(reader, &part);
	ret_request->owner = part_text(reader, PROTO_PRINCIPAL_MAX);
	ret_request->owner_group = part_text(reader, PROTO_PRINCIPAL_MAX);
	return proto_properties_decode(reader, &ret_request->properties);
}

void
proto_pool_created_encode(const struct proto_pool_created *reply, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(reply->id, writer);
	writer_u32(writer, reply->targets);
	writer_u64(writer, reply->metadata_bytes);
	writer_u64(writer, reply->data_bytes);
	part_end(writer, start);
}

int
proto_pool_created_decode(struct reader *reader, struct proto_pool_created *ret_reply)
{
	struct reader part = part_open(reader);

	ret_reply->id = proto_uuid_decode(&part);
	ret_reply->targets = reader_u32(&part);
	ret_reply->metadata_bytes = reader_u64(&part);
	ret_reply->data_bytes = reader_u64(&part);
	part_close(reader, &part);
	return part_outcome(reader);
}

void
proto_name_encode(const struct proto_name *name, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(name->id, writer);
	part_end(writer, start);
	part_put(writer, name->label);
}

int
proto_name_decode(struct reader *reader, struct proto_name *ret_name)
{
	struct reader part = part_open(reader);

	ret_name->id = proto_uuid_decode(&part);
	part_close(reader, &part);
	ret_name->label = part_text(reader, PROTO_LABEL_MAX);
	return part_outcome(reader);
}

void
proto_pool_destroy_encode(const struct proto_pool_destroy *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	writer_u8(writer, request->force);
	writer_u8(writer, request->recursive);
	part_end(writer, start);
	proto_name_encode(&request->pool, writer);
}

int
proto_pool_destroy_decode(struct reader *reader, struct proto_pool_destroy *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->force = part_bool(&part);
	ret_request->recursive = part_bool(&part);
	part_close(reader, &part);
	return proto_name_decode(reader, &ret_request->pool);
}

void
proto_pool_entry_encode(const struct proto_pool_entry *entry, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(entry->id, writer);
	writer_u32(writer, entry->state);
	writer_u32(writer, entry->rank_count);
	part_end(writer, start);
	part_put(writer, entry->label);
	for (uint32_t i = 0; i < entry->rank_count; i++)
		writer_u32(writer, entry->ranks[i]);
}

int
proto_pool_entry_decode(struct reader *reader, struct proto_pool_entry *ret_entry)
{
	struct reader part = part_open(reader);
	uint32_t rank_count;

	*ret_entry = (struct proto_pool_entry){.id = proto_uuid_decode(&part)};
	ret_entry->state = reader_u32(&part);
	rank_count = reader_u32(&part);
	part_close(reader, &part);
	ret_entry->label = part_text(reader, PROTO_LABEL_MAX);
	if (rank_count > PROTO_RANKS_MAX)
		reader_fail(reader);
	for (uint32_t i = 0; i < rank_count && !reader->failed; i++) {
		ret_entry->ranks[i] = reader_u32(reader);
		ret_entry->rank_count = i + 1;
	}
	return part_outcome(reader);
}
