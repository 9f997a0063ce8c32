/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Decoders of proto/pool.h: the first byte picks the message; what is accepted must be writable and
 * leave no memory behind. */
#include "proto/proto.h"

static uint8_t output[1 << 20];

/* First bytes from here on pick one of these. */
#define ACCESS_FIRST 240u

static void
decode_access(uint8_t kind, struct reader reader)
{
	struct proto_acl_change change;
	struct proto_target_query query;
	struct proto_target_info info;
	struct proto_container_filter filter;
	struct proto_container_entry entry;
	struct writer writer;

	writer_init(&writer, output, sizeof(output));
	if (kind % 5 == 0 && proto_acl_change_decode(&reader, &change) == 0)
		proto_acl_change_encode(&change, &writer);
	if (kind % 5 == 1 && proto_target_query_decode(&reader, &query) == 0)
		proto_target_query_encode(&query, &writer);
	if (kind % 5 == 2 && proto_target_info_decode(&reader, &info) == 0)
		proto_target_info_encode(&info, &writer);
	if (kind % 5 == 3 && proto_container_filter_decode(&reader, &filter) == 0)
		proto_container_filter_encode(&filter, &writer);
	if (kind % 5 == 4 && proto_container_entry_decode(&reader, &entry) == 0)
		proto_container_entry_encode(&entry, &writer);
}

static void
decode(uint8_t kind, struct reader reader, struct arena *arena)
{
	struct writer writer;

	writer_init(&writer, output, sizeof(output));
	switch (kind % 5) {
	case 0: {
		struct proto_pool_connect message;

		if (proto_pool_connect_decode(&reader, &message) == 0)
			proto_pool_connect_encode(&message, &writer);
		break;
	}
	case 1: {
		struct proto_pool_connected message;

		if (proto_pool_connected_decode(&reader, arena, &message) == 0) {
			proto_pool_connected_encode(&message, &writer);
			proto_pool_connected_free(arena, &message);
		}
		break;
	}
	case 2: {
		struct proto_pool_query message;

		if (proto_pool_query_decode(&reader, &message) == 0)
			proto_pool_query_encode(&message, &writer);
		break;
	}
	case 3: {
		struct proto_pool_info message;

		if (proto_pool_info_decode(&reader, &message) == 0)
			proto_pool_info_encode(&message, &writer);
		break;
	}
	case 4: {
		struct proto_attributes message;

		if (proto_attributes_decode(&reader, arena, &message) == 0) {
			proto_attributes_encode(&message, &writer);
			proto_attributes_free(arena, &message);
		}
		break;
	}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(64 << 20);
	struct reader reader;

	ASSERT(arena);
	if (size > 0) {
		reader_init(&reader, data + 1, size - 1);
		if (data[0] >= ACCESS_FIRST)
			decode_access(data[0], reader);
		else
			decode(data[0], reader, arena);
	}
	ASSERT(arena_used(arena) == 0);
	arena_destroy(arena);
	return 0;
}
