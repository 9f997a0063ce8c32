/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The pool map's tables: how engines come into the tree, and how targets are found. */
#include "placement/private.h"

/* Finds domains by parent, level and id while engines are added: open addressing. */
struct index {
	uint32_t *slots; /* place in the table of domains, or MAP_NONE */
	uint32_t mask;
};

/* Ranks are unique in the map, the others below their parent. */
static uint32_t *
index_slot(const struct index *index, const struct pool_map *map, struct map_domain wanted)
{
	bool rank = wanted.level == MAP_RANK;
	uint64_t hash =
		hash_combine((uint64_t)wanted.level << 32 | (rank ? 0 : wanted.parent), wanted.id);

	for (uint32_t at = (uint32_t)hash;; at++) {
		uint32_t *slot = &index->slots[at & index->mask];
		const struct map_domain *found = &map->domains[*slot == MAP_NONE ? 0 : *slot];

		if (*slot == MAP_NONE || (found->level == wanted.level && found->id == wanted.id &&
					  (rank || found->parent == wanted.parent)))
			return slot;
	}
}

static int
index_init(struct index *index, const struct pool_map *map, uint32_t capacity)
{
	uint32_t size = 16;

	while (size < 2 * capacity)
		size *= 2;
	index->slots = arena_alloc(map->arena, (size_t)size * sizeof(*index->slots));
	if (!index->slots)
		return -DER_NOMEM;
	memset(index->slots, 0xff, (size_t)size * sizeof(*index->slots));
	index->mask = size - 1;
	for (uint32_t i = 1; i < map->domain_count; i++)
		*index_slot(index, map, map->domains[i]) = i;
	return 0;
}

/* -DER_PROTO when two domains have the same name. */
int
placement_map_names_check(const struct pool_map *map)
{
	struct pool_map known = *map;
	struct index index;
	int rc;

	known.domain_count = 1;
	rc = index_init(&index, &known, map->domain_count);
	if (rc)
		return rc;
	for (uint32_t i = 1; i < map->domain_count && rc == 0; i++) {
		uint32_t *slot = index_slot(&index, map, map->domains[i]);

		rc = *slot == MAP_NONE ? 0 : -DER_PROTO;
		*slot = i;
	}
	arena_free(map->arena, index.slots);
	return rc;
}

/* The ids of an engine's ancestors by level; MAP_NONE: there is no such level. */
static void
levels_of(const struct map_engine *engine, uint32_t ids[MAP_TARGET])
{
	ids[MAP_ROOT] = 0;
	ids[MAP_GROUP] = engine->group;
	ids[MAP_RACK] = engine->rack;
	ids[MAP_NODE] = engine->node;
	ids[MAP_RANK] = engine->rank;
}

/* The levels of a map, one bit each; 0 while it has no engine. */
static uint32_t
levels_present(const struct pool_map *map)
{
	uint32_t levels = 0;

	if (map->domain_count < 2)
		return 0;
	for (uint32_t at = map->targets[0].domain; at != 0; at = map->domains[at].parent)
		levels |= 1u << map->domains[at].level;
	return levels;
}

static int
engine_check(const struct map_engine *engine, uint32_t *levels)
{
	uint32_t ids[MAP_TARGET];
	uint32_t own = 0;

	levels_of(engine, ids);
	for (uint32_t level = MAP_GROUP; level <= MAP_RANK; level++)
		own |= ids[level] == MAP_NONE ? 0 : 1u << level;
	if (*levels == 0)
		*levels = own;
	if (engine->rank == MAP_NONE || engine->targets == 0 ||
	    engine->targets > MAP_RANK_TARGETS_MAX)
		return error_raise(-DER_INVAL, "an engine of rank %u with %u targets", engine->rank,
				   engine->targets);
	if (own != *levels)
		return error_raise(-DER_INVAL, "rank %u differs in its levels of fault domains",
				   engine->rank);
	return 0;
}

/* Puts the engine behind the others; the tables have room. */
static int
engine_add(struct pool_map *map, struct index *index, const struct map_engine *engine,
	   const struct map_target *fresh)
{
	uint32_t ids[MAP_TARGET];
	uint32_t parent = 0;

	levels_of(engine, ids);
	for (uint32_t level = MAP_GROUP; level <= MAP_RANK; level++) {
		struct map_domain domain = {parent, ids[level], (enum map_level)level};
		uint32_t *slot = index_slot(index, map, domain);

		if (ids[level] == MAP_NONE)
			continue;
		if (*slot != MAP_NONE && level == MAP_RANK)
			return error_raise(-DER_EXIST, "rank %u is in the pool map already",
					   engine->rank);
		if (*slot == MAP_NONE) {
			*slot = map->domain_count;
			map->domains[map->domain_count++] = domain;
		}
		parent = *slot;
	}
	for (uint32_t i = 0; i < engine->targets; i++) {
		map->targets[map->target_count] = *fresh;
		map->targets[map->target_count].domain = parent;
		map->targets[map->target_count++].index = i;
	}
	return 0;
}

/* Larger copies of the tables, with room for the engines. */
static int
tables_grow(struct pool_map *map, const struct map_engine *engines, uint32_t count)
{
	uint64_t domains = max_of(map->domain_count, 1u) + (uint64_t)count * (MAP_RANK - MAP_ROOT);
	uint64_t targets = map->target_count;
	struct pool_map grown = *map;

	for (uint32_t i = 0; i < count; i++)
		targets += engines[i].targets;
	if (domains > MAP_DOMAINS_MAX || targets > MAP_TARGETS_MAX)
		return error_raise(-DER_INVAL, "too many engines or targets for a pool map");
	grown.domains = arena_alloc(map->arena, domains * sizeof(*grown.domains));
	grown.targets = arena_alloc(map->arena, targets * sizeof(*grown.targets));
	if (!grown.domains || !grown.targets) {
		pool_map_free(&grown);
		return -DER_NOMEM;
	}
	if (map->domain_count > 0)
		memcpy(grown.domains, map->domains, map->domain_count * sizeof(*grown.domains));
	if (map->target_count > 0)
		memcpy(grown.targets, map->targets, map->target_count * sizeof(*grown.targets));
	*map = grown;
	return 0;
}

/* A copy of old with the engines in it. */
static int
engines_add(const struct pool_map *old, const struct map_engine *engines, uint32_t count,
	    const struct map_target *fresh, struct pool_map *ret_map)
{
	struct pool_map map = *old;
	struct index index = {NULL, 0};
	uint32_t levels = levels_present(old);
	int rc = count == 0 ? error_raise(-DER_INVAL, "no engines") : 0;

	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = engine_check(&engines[i], &levels);
	if (rc == 0)
		rc = tables_grow(&map, engines, count);
	if (rc)
		return rc;
	if (map.domain_count == 0)
		map.domains[map.domain_count++] = (struct map_domain){0, 0, MAP_ROOT};
	rc = index_init(&index, &map, map.domain_count + count * (MAP_RANK - MAP_ROOT));
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = engine_add(&map, &index, &engines[i], fresh);
	arena_free(map.arena, index.slots);
	if (rc)
		pool_map_free(&map);
	else
		*ret_map = map;
	return rc;
}

int
pool_map_create(struct arena *arena, const struct map_engine *engines, uint32_t count,
		struct pool_map *ret_map)
{
	struct pool_map empty = {.arena = arena, .version = 1};
	struct map_target fresh = {
		.state = TARGET_UPIN, .member = true, .in_version = 1, .changed = 1};

	return engines_add(&empty, engines, count, &fresh, ret_map);
}

int
pool_map_extend(struct pool_map *map, const struct map_engine *engines, uint32_t count)
{
	struct map_target fresh = {.state = TARGET_NEW, .changed = map->version + 1};
	struct pool_map extended;
	int rc = engines_add(map, engines, count, &fresh, &extended);

	if (rc)
		return rc;
	extended.version++;
	pool_map_free(map);
	*map = extended;
	return 0;
}

void
pool_map_free(struct pool_map *map)
{
	arena_free(map->arena, map->domains);
	arena_free(map->arena, map->targets);
	*map = (struct pool_map){.arena = map->arena};
}

uint32_t
pool_map_find(const struct pool_map *map, struct map_address address)
{
	for (uint32_t i = 0; i < map->target_count; i++)
		if (pool_map_rank(map, i) == address.rank &&
		    (address.index == MAP_NONE || map->targets[i].index == address.index))
			return i;
	return MAP_NONE;
}
