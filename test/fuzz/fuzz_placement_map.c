/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pool maps as bytes, as they are and with their checksum made right. What is accepted encodes to
 * the same bytes, and layouts on it keep to its targets. */
#include <stdlib.h>

#include "placement/placement.h"

static void
layouts(struct arena *arena, const struct pool_map *map, uint64_t seed)
{
	static const uint32_t classes[] = {1, 9, 35, 39};
	struct placement_options options = {.version = PLACEMENT_VERSION_NEWEST,
					    .replica_affinity = (uint32_t)seed % 3,
					    .erasure_affinity = (uint32_t)seed % 2};
	struct placement_shard shards[PLACEMENT_GROUP_MAX];
	struct placement_object object;
	struct placement *placement;
	uint32_t groups;

	if (placement_create(arena, map, &options, &placement) != 0)
		return;
	for (uint32_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (placement_groups_choose(placement, classes[i], PLACEMENT_GROUPS_ALL, &groups))
			continue;
		if (placement_open(placement,
				   (struct object_id){seed, (uint64_t)classes[i] << 48 |
								    (uint64_t)groups << 32},
				   &object))
			continue;
		placement_layout(placement, &object, groups - 1, shards);
		for (uint32_t slot = 0; slot < object.size; slot++) {
			ASSERT(shards[slot].current == PLACEMENT_NONE ||
			       shards[slot].current < map->target_count);
			ASSERT(shards[slot].next == PLACEMENT_NONE ||
			       shards[slot].next < map->target_count);
		}
	}
	placement_destroy(placement);
}

static void
decode(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(UINT64_C(1) << 28);
	struct reader reader;
	struct writer writer;
	struct pool_map map;
	uint8_t *again = malloc(size + 1);

	reader_init(&reader, data, size);
	if (arena && again && pool_map_decode(&reader, arena, &map) == 0) {
		writer_init(&writer, again, size);
		pool_map_encode(&map, &writer);
		ASSERT(!writer.failed && writer.position == reader.position);
		ASSERT(memcmp(again, data, writer.position) == 0);
		layouts(arena, &map, size > 12 ? load_u32(data + 8) : 0);
		pool_map_free(&map);
		ASSERT(arena_used(arena) == 0);
	}
	free(again);
	if (arena)
		arena_destroy(arena);
}

/* The sum covers the tables that the head counts. */
static void
decode_sealed(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size);
	uint64_t summed;

	if (!bytes)
		return;
	memcpy(bytes, data, size);
	summed = 12 + 12 * (uint64_t)load_u32(bytes + 16) + 24 * (uint64_t)load_u32(bytes + 20);
	if (12 + summed <= size) {
		store_u32(bytes + 8, crc32c(0, bytes + 12, summed));
		decode(bytes, size);
	}
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode(data, size);
	if (size >= 24)
		decode_sealed(data, size);
	return 0;
}
