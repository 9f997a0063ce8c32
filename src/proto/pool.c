/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the pool service, and user attributes. */
#include "proto/part.h"

void
proto_pool_connect_encode(const struct proto_pool_connect *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->handle, writer);
	writer_u32(writer, request->flags);
	part_end(writer, start);
	proto_name_encode(&request->pool, writer);
}

int
proto_pool_connect_decode(struct reader *reader, struct proto_pool_connect *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->handle = proto_uuid_decode(&part);
	ret_request->flags = reader_u32(&part);
	part_close(reader, &part);
	return proto_name_decode(reader, &ret_request->pool);
}

void
proto_pool_connected_encode(const struct proto_pool_connected *reply, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(reply->id, writer);
	writer_u32(writer, reply->capabilities);
	writer_u32(writer, 0);
	part_end(writer, start);
	proto_map_encode(&reply->map, writer);
}

int
proto_pool_connected_decode(struct reader *reader, struct arena *arena,
			    struct proto_pool_connected *ret_reply)
{
	struct reader part = part_open(reader);
	struct proto_pool_connected reply = {.id = proto_uuid_decode(&part)};
	int rc;

	reply.capabilities = reader_u32(&part);
	reply.reserved = reader_u32(&part);
	part_close(reader, &part);
	rc = proto_map_decode(reader, arena, &reply.map);
	if (rc == 0)
		*ret_reply = reply;
	return rc;
}

void
proto_pool_connected_free(struct arena *arena, struct proto_pool_connected *reply)
{
	proto_map_free(arena, &reply->map);
}

void
proto_pool_query_encode(const struct proto_pool_query *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->handle, writer);
	writer_u8(writer, request->properties);
	part_end(writer, start);
}

int
proto_pool_query_decode(struct reader *reader, struct proto_pool_query *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->handle = proto_uuid_decode(&part);
	ret_request->properties = part_bool(&part);
	part_close(reader, &part);
	return part_outcome(reader);
}

/* ------------------------------------------------ info */

static void
tier_encode(const struct proto_tier *tier, struct writer *writer)
{
	writer_u64(writer, tier->total);
	writer_u64(writer, tier->free);
	writer_u64(writer, tier->target_free_min);
	writer_u64(writer, tier->target_free_max);
}

static void
tier_decode(struct reader *reader, struct proto_tier *tier)
{
	tier->total = reader_u64(reader);
	tier->free = reader_u64(reader);
	tier->target_free_min = reader_u64(reader);
	tier->target_free_max = reader_u64(reader);
}

void
proto_pool_info_encode(const struct proto_pool_info *info, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(info->id, writer);
	writer_u32(writer, info->map_version);
	writer_u32(writer, info->targets);
	writer_u32(writer, info->disabled_targets);
	writer_u32(writer, info->engines);
	writer_u32(writer, info->leader);
	writer_u32(writer, info->container_count);
	writer_u32(writer, info->handle_count);
	writer_u64(writer, info->opened);
	writer_u64(writer, info->modified);
	tier_encode(&info->tiers[0], writer);
	tier_encode(&info->tiers[1], writer);
	part_end(writer, start);
	proto_properties_encode(&info->properties, writer);
}

int
proto_pool_info_decode(struct reader *reader, struct proto_pool_info *ret_info)
{
	struct reader part = part_open(reader);

	ret_info->id = proto_uuid_decode(&part);
	ret_info->map_version = reader_u32(&part);
	ret_info->targets = reader_u32(&part);
	ret_info->disabled_targets = reader_u32(&part);
	ret_info->engines = reader_u32(&part);
	ret_info->leader = reader_u32(&part);
	ret_info->container_count = reader_u32(&part);
	ret_info->handle_count = reader_u32(&part);
	ret_info->opened = reader_u64(&part);
	ret_info->modified = reader_u64(&part);
	tier_decode(&part, &ret_info->tiers[0]);
	tier_decode(&part, &ret_info->tiers[1]);
	part_close(reader, &part);
	return proto_properties_decode(reader, &ret_info->properties);
}

/* ------------------------------------------------ access lists */

void
proto_acl_change_encode(const struct proto_acl_change *change, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(change->handle, writer);
	writer_u8(writer, change->remove);
	writer_u8(writer, change->type);
	part_end(writer, start);
	part_put(writer, change->name);
	part_put(writer, change->entries);
}

int
proto_acl_change_decode(struct reader *reader, struct proto_acl_change *ret_change)
{
	struct reader part = part_open(reader);

	ret_change->handle = proto_uuid_decode(&part);
	ret_change->remove = part_bool(&part);
	ret_change->type = reader_u8(&part);
	part_close(reader, &part);
	ret_change->name = part_text(reader, PROTO_PRINCIPAL_MAX);
	ret_change->entries = part_bytes(reader, PROTO_PROPERTY_BYTES_MAX);
	return part_outcome(reader);
}

/* ------------------------------------------------ targets */

void
proto_target_query_encode(const struct proto_target_query *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->handle, writer);
	writer_u32(writer, request->target);
	writer_u32(writer, request->rank);
	part_end(writer, start);
}

int
proto_target_query_decode(struct reader *reader, struct proto_target_query *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->handle = proto_uuid_decode(&part);
	ret_request->target = reader_u32(&part);
	ret_request->rank = reader_u32(&part);
	part_close(reader, &part);
	return part_outcome(reader);
}

void
proto_target_info_encode(const struct proto_target_info *info, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	writer_u32(writer, info->state);
	for (uint32_t i = 0; i < ARRAY_SIZE(info->total); i++) {
		writer_u64(writer, info->total[i]);
		writer_u64(writer, info->free[i]);
	}
	part_end(writer, start);
}

int
proto_target_info_decode(struct reader *reader, struct proto_target_info *ret_info)
{
	struct reader part = part_open(reader);

	ret_info->state = reader_u32(&part);
	for (uint32_t i = 0; i < ARRAY_SIZE(ret_info->total); i++) {
		ret_info->total[i] = reader_u64(&part);
		ret_info->free[i] = reader_u64(&part);
	}
	part_close(reader, &part);
	return part_outcome(reader);
}

/* ------------------------------------------------ filters of containers */

void
proto_container_filter_encode(const struct proto_container_filter *filter, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(filter->handle, writer);
	proto_uuid_encode(filter->after, writer);
	writer_u8(writer, filter->any);
	writer_u32(writer, filter->count);
	part_end(writer, start);
	for (uint32_t i = 0; i < filter->count; i++) {
		writer_u8(writer, filter->conditions[i].function);
		writer_u8(writer, filter->conditions[i].key);
		writer_u64(writer, filter->conditions[i].value);
	}
}

int
proto_container_filter_decode(struct reader *reader, struct proto_container_filter *ret_filter)
{
	struct reader part = part_open(reader);

	ret_filter->handle = proto_uuid_decode(&part);
	ret_filter->after = proto_uuid_decode(&part);
	ret_filter->any = part_bool(&part);
	ret_filter->count = reader_u32(&part);
	part_close(reader, &part);
	if (ret_filter->count > PROTO_CONDITIONS_MAX)
		reader_fail(reader);
	for (uint32_t i = 0; !reader->failed && i < ret_filter->count; i++) {
		ret_filter->conditions[i].function = reader_u8(reader);
		ret_filter->conditions[i].key = reader_u8(reader);
		ret_filter->conditions[i].value = reader_u64(reader);
	}
	return part_outcome(reader);
}

void
proto_container_entry_encode(const struct proto_container_entry *entry, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	writer_u32(writer, entry->handle_count);
	writer_u32(writer, entry->snapshot_count);
	writer_u64(writer, entry->latest_snapshot);
	writer_u64(writer, entry->opened);
	writer_u64(writer, entry->modified);
	part_end(writer, start);
	proto_name_encode(&entry->name, writer);
}

int
proto_container_entry_decode(struct reader *reader, struct proto_container_entry *ret_entry)
{
	struct reader part = part_open(reader);

	ret_entry->handle_count = reader_u32(&part);
	ret_entry->snapshot_count = reader_u32(&part);
	ret_entry->latest_snapshot = reader_u64(&part);
	ret_entry->opened = reader_u64(&part);
	ret_entry->modified = reader_u64(&part);
	part_close(reader, &part);
	return proto_name_decode(reader, &ret_entry->name);
}

/* ------------------------------------------------ attributes */

void
proto_attributes_encode(const struct proto_attributes *attributes, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	writer_u32(writer, attributes->count);
	part_end(writer, start);
	for (uint32_t i = 0; i < attributes->count; i++) {
		const struct proto_attribute *item = &attributes->items[i];

		writer_u8(writer, item->present);
		part_put(writer, item->name);
		part_put(writer, item->value);
	}
}

/* present, and the lengths of name and value. */
#define ATTRIBUTE_SMALLEST 9u

int
proto_attributes_decode(struct reader *reader, struct arena *arena,
			struct proto_attributes *ret_attributes)
{
	struct reader part = part_open(reader);
	struct proto_attributes attributes = {.count = reader_u32(&part)};
	int rc;

	part_close(reader, &part);
	if (attributes.count > PROTO_ATTRIBUTES_MAX)
		reader_fail(reader);
	attributes.items = part_array(reader, arena, attributes.count, ATTRIBUTE_SMALLEST,
				      sizeof(*attributes.items), &rc);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < attributes.count; i++) {
		struct proto_attribute *item = &attributes.items[i];

		item->present = part_bool(reader);
		item->name = part_text(reader, PROTO_ATTRIBUTE_NAME_MAX);
		item->value = part_bytes(reader, PROTO_ATTRIBUTE_VALUE_MAX);
		if (item->name.length == 0)
			reader_fail(reader);
	}
	rc = part_outcome(reader);
	if (rc == 0)
		*ret_attributes = attributes;
	else
		arena_free(arena, attributes.items);
	return rc;
}

void
proto_attributes_free(struct arena *arena, struct proto_attributes *attributes)
{
	arena_free(arena, attributes->items);
	*attributes = (struct proto_attributes){.count = 0};
}
