/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Decoders of proto/system.h: the first byte picks the message; what is accepted must be writable
 * and leave no memory behind. */
#include "proto/proto.h"

static uint8_t output[1 << 20];

static void
decode(uint8_t kind, struct reader reader, struct arena *arena)
{
	struct writer writer;

	writer_init(&writer, output, sizeof(output));
	switch (kind % 8) {
	case 0: {
		struct proto_properties message;

		if (proto_properties_decode(&reader, &message) == 0)
			proto_properties_encode(&message, &writer);
		break;
	}
	case 1: {
		struct proto_map message;

		if (proto_map_decode(&reader, arena, &message) == 0) {
			proto_map_encode(&message, &writer);
			proto_map_free(arena, &message);
		}
		break;
	}
	case 2: {
		struct proto_system_query_reply message;

		if (proto_system_query_reply_decode(&reader, arena, &message) == 0) {
			proto_system_query_reply_encode(&message, &writer);
			proto_system_query_reply_free(arena, &message);
		}
		break;
	}
	case 3: {
		struct proto_pool_create message;

		if (proto_pool_create_decode(&reader, &message) == 0)
			proto_pool_create_encode(&message, &writer);
		break;
	}
	case 4: {
		struct proto_pool_created message;

		if (proto_pool_created_decode(&reader, &message) == 0)
			proto_pool_created_encode(&message, &writer);
		break;
	}
	case 5: {
		struct proto_name message;

		if (proto_name_decode(&reader, &message) == 0)
			proto_name_encode(&message, &writer);
		break;
	}
	case 6: {
		struct proto_pool_destroy message;

		if (proto_pool_destroy_decode(&reader, &message) == 0)
			proto_pool_destroy_encode(&message, &writer);
		break;
	}
	case 7: {
		struct proto_pool_entry message;

		if (proto_pool_entry_decode(&reader, &message) == 0)
			proto_pool_entry_encode(&message, &writer);
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
		decode(data[0], reader, arena);
	}
	ASSERT(arena_used(arena) == 0);
	arena_destroy(arena);
	return 0;
}
