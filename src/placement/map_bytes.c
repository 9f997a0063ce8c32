/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The encoding of a pool map: docs/formats/map.md. */
#include "placement/private.h"

#define MAGIC UINT32_C(0x50414d43) /* "CMAP" */
#define MAP_FORMAT 1u

/* Little-endian, as they lie in the bytes. */
struct head {
	uint32_t magic;
	uint16_t format;
	uint16_t reserved;
	uint32_t checksum; /* CRC-32C of all that follows */
	uint32_t version;
	uint32_t domains;
	uint32_t targets;
};
static_assert(sizeof(struct head) == 24, "");

#define DOMAIN_BYTES 12u
#define TARGET_BYTES 24u
#define SUMMED offsetof(struct head, version)

#define FLAG_MEMBER 1u
#define FLAG_UNFILLED 2u

size_t
pool_map_size(const struct pool_map *map)
{
	return sizeof(struct head) + (size_t)map->domain_count * DOMAIN_BYTES +
	       (size_t)map->target_count * TARGET_BYTES;
}

static void
target_encode(const struct map_target *target, struct writer *writer)
{
	writer_u32(writer, target->domain);
	writer_u32(writer, target->index);
	writer_u8(writer, (uint8_t)target->state);
	writer_u8(writer,
		  (target->member ? FLAG_MEMBER : 0) | (target->unfilled ? FLAG_UNFILLED : 0));
	writer_u16(writer, 0);
	writer_u32(writer, target->in_version);
	writer_u32(writer, target->failure);
	writer_u32(writer, target->changed);
}

void
pool_map_encode(const struct pool_map *map, struct writer *writer)
{
	size_t start = writer->position;
	uint8_t *bytes;

	writer_u32(writer, MAGIC);
	writer_u16(writer, MAP_FORMAT);
	writer_u16(writer, 0);
	writer_u32(writer, 0);
	writer_u32(writer, map->version);
	writer_u32(writer, map->domain_count);
	writer_u32(writer, map->target_count);
	for (uint32_t i = 0; i < map->domain_count; i++) {
		writer_u32(writer, map->domains[i].parent);
		writer_u32(writer, map->domains[i].id);
		writer_u32(writer, map->domains[i].level);
	}
	for (uint32_t i = 0; i < map->target_count; i++)
		target_encode(&map->targets[i], writer);
	if (writer->failed)
		return;
	bytes = writer->data + start;
	store_u32(bytes + offsetof(struct head, checksum),
		  crc32c(0, bytes + SUMMED, writer->position - start - SUMMED));
}

/* ------------------------------------------------ decoding */

static struct map_target
target_read(struct reader *reader)
{
	struct map_target target = {.domain = reader_u32(reader)};
	uint8_t flags;

	target.index = reader_u32(reader);
	target.state = (enum target_state)reader_u8(reader);
	flags = reader_u8(reader);
	if (reader_u16(reader) != 0 || flags > (FLAG_MEMBER | FLAG_UNFILLED))
		reader_fail(reader);
	target.member = flags & FLAG_MEMBER;
	target.unfilled = flags & FLAG_UNFILLED;
	target.in_version = reader_u32(reader);
	target.failure = reader_u32(reader);
	target.changed = reader_u32(reader);
	return target;
}

/* Parents come first and are higher; the root alone is without. */
static bool
domain_possible(const struct pool_map *map, uint32_t at)
{
	const struct map_domain *domain = &map->domains[at];

	if (at == 0)
		return domain->level == MAP_ROOT && domain->parent == 0;
	return domain->parent < at && domain->level > map->domains[domain->parent].level &&
	       domain->level <= MAP_RANK;
}

/* State, flags and versions fit together. */
static bool
target_consistent(const struct map_target *target, uint32_t version)
{
	bool was_in = target->member || target->state == TARGET_UP;

	if (target->state < TARGET_DOWNOUT || target->state >= TARGET_STATES)
		return false;
	if (target->in_version > version || target->failure > version || target->changed == 0 ||
	    target->changed > version || was_in != (target->in_version != 0))
		return false;
	if (target->failure != 0 && (target->state == TARGET_UP || target->state == TARGET_UPIN ||
				     target->state == TARGET_NEW))
		return false;
	if (target->unfilled && (target->state != TARGET_UP || !target->member))
		return false;
	if (target->state == TARGET_NEW)
		return !target->member;
	return target->member || target->state == TARGET_DOWNOUT || target->state == TARGET_UP;
}

/* Each rank has its targets together and in order. */
static bool
target_placed(const struct pool_map *map, uint32_t at)
{
	const struct map_target *target = &map->targets[at];
	bool same = at > 0 && map->targets[at - 1].domain == target->domain;

	if (target->domain >= map->domain_count || map->domains[target->domain].level != MAP_RANK ||
	    target->index >= MAP_RANK_TARGETS_MAX)
		return false;
	return target->index == (same ? map->targets[at - 1].index + 1 : 0);
}

/*
 * Ranks have numbers and targets of their own, siblings differ, every domain leads to a target, and
 * all ranks have the same levels above them.
 */
static int
tree_check(const struct pool_map *map)
{
	struct arena *arena = map->arena;
	AUTO_FREE struct scoped_block scratch = {arena, arena_calloc(arena, map->domain_count,
								     2 * sizeof(uint32_t))};
	uint32_t *levels = scratch.pointer;
	uint32_t *used = levels ? levels + map->domain_count : NULL;

	if (!levels)
		return -DER_NOMEM;
	for (uint32_t i = 1; i < map->domain_count; i++)
		levels[i] = levels[map->domains[i].parent] | 1u << map->domains[i].level;
	for (uint32_t i = 0; i < map->target_count; i++) {
		uint32_t domain = map->targets[i].domain;

		if (levels[domain] != levels[map->targets[0].domain] ||
		    (map->targets[i].index == 0 && used[domain]++ > 0))
			return -DER_PROTO;
	}
	for (uint32_t i = map->domain_count - 1; i > 0; i--) {
		if (used[i] == 0)
			return -DER_PROTO;
		used[map->domains[i].parent] = 1;
	}
	return placement_map_names_check(map);
}

static int
tables_decode(struct reader *reader, struct pool_map *map)
{
	for (uint32_t i = 0; i < map->domain_count; i++) {
		map->domains[i].parent = reader_u32(reader);
		map->domains[i].id = reader_u32(reader);
		map->domains[i].level = (enum map_level)reader_u32(reader);
		if (!domain_possible(map, i))
			return -DER_PROTO;
	}
	for (uint32_t i = 0; i < map->target_count; i++) {
		map->targets[i] = target_read(reader);
		if (reader->failed || !target_consistent(&map->targets[i], map->version) ||
		    !target_placed(map, i))
			return -DER_PROTO;
	}
	return tree_check(map);
}

/* The counts of the head, when as many bytes follow and their sum is right. */
static int
head_decode(struct reader *reader, struct pool_map *map)
{
	uint32_t magic = reader_u32(reader);
	uint16_t format = reader_u16(reader);
	uint16_t reserved = reader_u16(reader);
	uint32_t checksum = reader_u32(reader);
	const uint8_t *summed = reader->data + reader->position;

	map->version = reader_u32(reader);
	map->domain_count = reader_u32(reader);
	map->target_count = reader_u32(reader);
	if (reader->failed || magic != MAGIC || format != MAP_FORMAT || reserved != 0 ||
	    map->version == 0 || map->domain_count < 2 || map->target_count == 0 ||
	    map->domain_count > MAP_DOMAINS_MAX || map->target_count > MAP_TARGETS_MAX ||
	    reader_left(reader) < pool_map_size(map) - sizeof(struct head))
		return error_raise(-DER_PROTO, "these bytes are no pool map");
	if (crc32c(0, summed, pool_map_size(map) - SUMMED) != checksum)
		return error_raise(-DER_CSUM, "the pool map is damaged");
	return 0;
}

int
pool_map_decode(struct reader *reader, struct arena *arena, struct pool_map *ret_map)
{
	struct pool_map map = {.arena = arena};
	int rc = head_decode(reader, &map);

	if (rc)
		return rc;
	map.domains = arena_calloc(arena, map.domain_count, sizeof(*map.domains));
	map.targets = arena_calloc(arena, map.target_count, sizeof(*map.targets));
	rc = map.domains && map.targets ? tables_decode(reader, &map) : -DER_NOMEM;
	if (rc) {
		pool_map_free(&map);
		return rc == -DER_PROTO ? error_raise(rc, "an impossible pool map") : rc;
	}
	*ret_map = map;
	return 0;
}
