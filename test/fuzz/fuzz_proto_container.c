/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Decoders of proto/container.h: the first byte picks the message; what is accepted must be
 * writable. */
#include "proto/proto.h"

static uint8_t output[1 << 20];

static void
decode(uint8_t kind, struct reader reader, struct arena *arena)
{
	struct writer writer;

	writer_init(&writer, output, sizeof(output));
	switch (kind % 6) {
	case 0: {
		struct proto_container_create message;

		if (proto_container_create_decode(&reader, &message) == 0)
			proto_container_create_encode(&message, &writer);
		break;
	}
	case 1: {
		struct proto_container_destroy message;

		if (proto_container_destroy_decode(&reader, &message) == 0)
			proto_container_destroy_encode(&message, &writer);
		break;
	}
	case 2: {
		struct proto_container_open message;

		if (proto_container_open_decode(&reader, &message) == 0)
			proto_container_open_encode(&message, &writer);
		break;
	}
	case 3: {
		struct proto_container_info message;

		if (proto_container_info_decode(&reader, &message) == 0)
			proto_container_info_encode(&message, &writer);
		break;
	}
	case 4: {
		struct proto_snapshot_call message;

		if (proto_snapshot_call_decode(&reader, &message) == 0)
			proto_snapshot_call_encode(&message, &writer);
		break;
	}
	case 5: {
		struct proto_snapshots message;

		if (proto_snapshots_decode(&reader, arena, &message) == 0) {
			proto_snapshots_encode(&message, &writer);
			proto_snapshots_free(arena, &message);
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
		decode(data[0], reader, arena);
	}
	ASSERT(arena_used(arena) == 0);
	arena_destroy(arena);
	return 0;
}
