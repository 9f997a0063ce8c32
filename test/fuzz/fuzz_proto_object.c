/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Decoders of proto/object.h: the first byte picks the message; what is accepted must be writable
 * and leave no memory behind. */
#include "proto/proto.h"

static uint8_t output[1 << 22];

#define ARENA_MESSAGE(type)                                                       \
	static void on_##type(struct reader *reader, struct arena *arena)         \
	{                                                                         \
		struct proto_object_##type message;                               \
		struct writer writer;                                             \
		writer_init(&writer, output, sizeof(output));                     \
		if (proto_object_##type##_decode(reader, arena, &message) == 0) { \
			proto_object_##type##_encode(&message, &writer);          \
			ASSERT(!writer.failed);                                   \
			proto_object_##type##_free(arena, &message);              \
		}                                                                 \
	}

#define PLAIN_MESSAGE(type)                                                \
	static void on_##type(struct reader *reader, struct arena *arena)  \
	{                                                                  \
		struct proto_object_##type message;                        \
		struct writer writer;                                      \
		(void)arena;                                               \
		writer_init(&writer, output, sizeof(output));              \
		if (proto_object_##type##_decode(reader, &message) == 0) { \
			proto_object_##type##_encode(&message, &writer);   \
			ASSERT(!writer.failed);                            \
		}                                                          \
	}

ARENA_MESSAGE(update)
ARENA_MESSAGE(fetch)
ARENA_MESSAGE(fetched)
ARENA_MESSAGE(punch)
ARENA_MESSAGE(listed)
PLAIN_MESSAGE(list)
PLAIN_MESSAGE(query)
PLAIN_MESSAGE(queried)
ARENA_MESSAGE(changes)
PLAIN_MESSAGE(commit)

static void (*const messages[])(struct reader *reader, struct arena *arena) = {
	on_update, on_fetch, on_fetched, on_punch,   on_list,
	on_listed, on_query, on_queried, on_changes, on_commit,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(64 << 20);
	struct reader reader;

	ASSERT(arena);
	if (size > 0) {
		reader_init(&reader, data + 1, size - 1);
		messages[data[0] % ARRAY_SIZE(messages)](&reader, arena);
	}
	ASSERT(arena_used(arena) == 0);
	arena_destroy(arena);
	return 0;
}
