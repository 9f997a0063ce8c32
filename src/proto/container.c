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
