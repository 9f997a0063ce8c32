/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the container service. */
#include "proto/part.h"

void
proto_container_create_encode(const struct proto_container_create *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->pool_handle, writer);
	proto_uuid_encode(request->id, writer);
	part_end(writer, start);
	proto_properties_encode(&request->properties, writer);
}

int
proto_container_create_decode(struct reader *reader, struct proto_container_create *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->pool_handle = proto_uuid_decode(&part);
	ret_request->id = proto_uuid_decode(&part);
	part_close(reader, &part);
	return proto_properties_decode(reader, &ret_request->properties);
}

void
proto_container_destroy_encode(const struct proto_container_destroy *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->pool_handle, writer);
	writer_u8(writer, request->force);
	part_end(writer, start);
	proto_name_encode(&request->container, writer);
}

int
proto_container_destroy_decode(struct reader *reader, struct proto_container_destroy *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->pool_handle = proto_uuid_decode(&part);
	ret_request->force = part_bool(&part);
	part_close(reader, &part);
	return proto_name_decode(reader, &ret_request->container);
}

void
proto_container_open_encode(const struct proto_container_open *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->pool_handle, writer);
	proto_uuid_encode(request->handle, writer);
	writer_u32(writer, request->flags);
	part_end(writer, start);
	proto_name_encode(&request->container, writer);
}

int
proto_container_open_decode(struct reader *reader, struct proto_container_open *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->pool_handle = proto_uuid_decode(&part);
	ret_request->handle = proto_uuid_decode(&part);
	ret_request->flags = reader_u32(&part);
	part_close(reader, &part);
	return proto_name_decode(reader, &ret_request->container);
}

void
proto_container_info_encode(const struct proto_container_info *info, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(info->id, writer);
	writer_u32(writer, info->capabilities);
	writer_u32(writer, info->handle_count);
	writer_u32(writer, info->snapshot_count);
	writer_u64(writer, info->latest_snapshot);
	writer_u64(writer, info->opened);
	writer_u64(writer, info->modified);
	part_end(writer, start);
	proto_properties_encode(&info->properties, writer);
}

int
proto_container_info_decode(struct reader *reader, struct proto_container_info *ret_info)
{
	struct reader part = part_open(reader);

	ret_info->id = proto_uuid_decode(&part);
	ret_info->capabilities = reader_u32(&part);
	ret_info->handle_count = reader_u32(&part);
	ret_info->snapshot_count = reader_u32(&part);
	ret_info->latest_snapshot = reader_u64(&part);
	ret_info->opened = reader_u64(&part);
	ret_info->modified = reader_u64(&part);
	part_close(reader, &part);
	return proto_properties_decode(reader, &ret_info->properties);
}

/* ------------------------------------------------ snapshots */

void
proto_snapshot_call_encode(const struct proto_snapshot_call *request, struct writer *writer)
{
	size_t start = part_begin(writer, 1);

	proto_uuid_encode(request->handle, writer);
	writer_u64(writer, request->first);
	writer_u64(writer, request->last);
	writer_u32(writer, request->flags);
	part_end(writer, start);
	part_put(writer, request->name);
}

int
proto_snapshot_call_decode(struct reader *reader, struct proto_snapshot_call *ret_request)
{
	struct reader part = part_open(reader);

	ret_request->handle = proto_uuid_decode(&part);
	ret_request->first = reader_u64(&part);
	ret_request->last = reader_u64(&part);
	ret_request->flags = reader_u32(&part);
	part_close(reader, &part);
	ret_request->name = part_text(reader, PROTO_SNAPSHOT_NAME_MAX);
	return part_outcome(reader);
}

/* Bytes of a snapshot without name. */
#define SNAPSHOT_SMALLEST (8u + 4 + 4)

void
proto_snapshot_encode(const struct proto_snapshot *snapshot, struct writer *writer)
{
	writer_u64(writer, snapshot->epoch);
	writer_u32(writer, snapshot->flags);
	part_put(writer, snapshot->name);
}

void
proto_snapshots_encode(const struct proto_snapshots *snapshots, struct writer *writer)
{
	writer_u32(writer, snapshots->count);
	writer_u8(writer, snapshots->more);
	for (uint32_t i = 0; i < snapshots->count; i++)
		proto_snapshot_encode(&snapshots->items[i], writer);
}

int
proto_snapshots_decode(struct reader *reader, struct arena *arena,
		       struct proto_snapshots *ret_snapshots)
{
	uint32_t count = reader_u32(reader);
	bool more = part_bool(reader);
	struct proto_snapshot *items;
	int rc;

	if (count > PROTO_SNAPSHOTS_MAX)
		reader_fail(reader);
	items = part_array(reader, arena, count, SNAPSHOT_SMALLEST, sizeof(*items), &rc);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < count; i++) {
		items[i].epoch = reader_u64(reader);
		items[i].flags = reader_u32(reader);
		items[i].name = part_text(reader, PROTO_SNAPSHOT_NAME_MAX);
	}
	if (reader->failed) {
		arena_free(arena, items);
		return -DER_PROTO;
	}
	*ret_snapshots = (struct proto_snapshots){.count = count, .more = more, .items = items};
	return 0;
}

void
proto_snapshots_free(struct arena *arena, struct proto_snapshots *snapshots)
{
	arena_free(arena, snapshots->items);
	*snapshots = (struct proto_snapshots){.count = 0};
}
