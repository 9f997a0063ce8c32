/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The compiled map: its trees and views, before and after what is moving. */
#include "placement/private.h"

#include <stdlib.h>

static bool
usable_before(const struct map_target *target)
{
	return target->member && (target->state == TARGET_UPIN || target->state == TARGET_DRAIN ||
				  target->state == TARGET_DOWN || target->unfilled);
}

static bool
usable_after(const struct map_target *target)
{
	return target->state == TARGET_UPIN || target->state == TARGET_UP;
}

/* All data of its shards is there. */
static bool
readable(const struct map_target *target)
{
	return target->state == TARGET_UPIN || target->state == TARGET_DRAIN;
}

static bool
member_before(const struct map_target *target)
{
	return target->member;
}

static bool
member_after(const struct map_target *target)
{
	return target->member || target->state == TARGET_UP;
}

static uint64_t *
bits_make(struct arena *arena, const struct pool_map *map,
	  bool (*which)(const struct map_target *target))
{
	uint64_t *bits = arena_calloc(arena, map->target_count / 64 + 1, sizeof(*bits));

	for (uint32_t i = 0; bits && i < map->target_count; i++)
		bits[i / 64] |= (uint64_t)which(&map->targets[i]) << i % 64;
	return bits;
}

/* Parents stand before their children, so that the way back sums up. */
static void
alive_count(struct view *view, const struct pool_map *map, bool tree)
{
	uint32_t(*alive)[MAP_LEVELS] = view->alive;

	for (uint32_t i = 0; i < map->target_count; i++)
		alive[tree ? map->targets[i].domain : 0][MAP_TARGET] += bit_test(view->usable, i);
	for (uint32_t i = map->domain_count - 1; i > 0; i--) {
		if (alive[i][MAP_TARGET] == 0)
			continue;
		alive[i][map->domains[i].level] = 1;
		for (uint32_t level = 0; level < MAP_LEVELS; level++)
			alive[map->domains[i].parent][level] += alive[i][level];
	}
}

static int
view_init(struct view *view, struct placement *placement, const struct pool_map *map,
	  const struct domains *tree, bool (*usable)(const struct map_target *target))
{
	view->tree = tree;
	view->usable = bits_make(placement->arena, map, usable);
	view->alive = arena_calloc(placement->arena, map->domain_count, sizeof(*view->alive));
	if (!view->usable || !view->alive)
		return -DER_NOMEM;
	alive_count(view, map, placement->rules->tree);
	return 0;
}

static int
domains_init(struct placement *placement, const struct pool_map *map, enum placement_time time,
	     bool (*included)(const struct map_target *target))
{
	AUTO_FREE struct scoped_block block = {
		placement->arena, arena_alloc(placement->arena, map->target_count * sizeof(bool))};
	bool *flags = block.pointer;

	if (!flags)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < map->target_count; i++)
		flags[i] = included(&map->targets[i]);
	return placement_tree_build(&placement->trees[time], placement->arena, map,
				    placement->rules, flags);
}

/* Whether something comes in for the first time. */
static bool
map_grows(const struct pool_map *map)
{
	for (uint32_t i = 0; i < map->target_count; i++)
		if (map->targets[i].state == TARGET_UP && !map->targets[i].member)
			return true;
	return false;
}

static int
views_init(struct placement *placement, const struct pool_map *map)
{
	const struct domains *after = &placement->trees[PLACEMENT_BEFORE];
	int rc = domains_init(placement, map, PLACEMENT_BEFORE, member_before);

	if (rc == 0 && map_grows(map)) {
		after = &placement->trees[PLACEMENT_AFTER];
		rc = domains_init(placement, map, PLACEMENT_AFTER, member_after);
	}
	if (rc == 0)
		rc = view_init(&placement->views[PLACEMENT_BEFORE], placement, map,
			       &placement->trees[PLACEMENT_BEFORE], usable_before);
	if (rc == 0)
		rc = view_init(&placement->views[PLACEMENT_AFTER], placement, map, after,
			       usable_after);
	return rc;
}

static int
compare_ranks(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

static int
ranks_init(struct placement *placement, const struct pool_map *map)
{
	uint32_t last = MAP_NONE;

	placement->ranks =
		arena_alloc(placement->arena, map->domain_count * sizeof(*placement->ranks));
	if (!placement->ranks)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < map->target_count; i++) {
		const struct map_target *target = &map->targets[i];

		if (target->state == TARGET_DOWN || target->state == TARGET_DOWNOUT ||
		    target->domain == last)
			continue;
		last = target->domain;
		placement->ranks[placement->rank_count++] = map->domains[last].id;
	}
	qsort(placement->ranks, placement->rank_count, sizeof(*placement->ranks), compare_ranks);
	return 0;
}

static int
rules_check(const struct pool_map *map, const struct placement_rules *rules, uint32_t version)
{
	if (!rules)
		return error_raise(-DER_NOSYS, "placement version %u is not known here", version);
	for (uint32_t i = 0; i < map->target_count && !rules->tree; i++)
		if (map->targets[i].state != TARGET_UPIN)
			return error_raise(-DER_NOSYS,
					   "placement version %u knows no target states", version);
	return 0;
}

int
placement_create(struct arena *arena, const struct pool_map *map,
		 const struct placement_options *options, struct placement **ret_placement)
{
	const struct placement_rules *rules = placement_rules_find(options->version);
	struct placement *placement;
	int rc = rules_check(map, rules, options->version);

	if (rc)
		return rc;
	placement = arena_calloc(arena, 1, sizeof(*placement));
	if (!placement)
		return -DER_NOMEM;
	placement->arena = arena;
	placement->rules = rules;
	placement->options = *options;
	placement->target_count = map->target_count;
	placement->pending = pool_map_pending(map);
	placement->readable = bits_make(arena, map, readable);
	rc = placement->readable ? views_init(placement, map) : -DER_NOMEM;
	if (rc == 0)
		rc = ranks_init(placement, map);
	if (rc)
		placement_destroy(placement);
	else
		*ret_placement = placement;
	return rc;
}

void
placement_destroy(struct placement *placement)
{
	struct arena *arena = placement->arena;

	for (uint32_t i = 0; i < ARRAY_SIZE(placement->views); i++) {
		arena_free(arena, placement->views[i].usable);
		arena_free(arena, placement->views[i].alive);
		placement_tree_free(&placement->trees[i], arena);
	}
	arena_free(arena, placement->readable);
	arena_free(arena, placement->ranks);
	arena_free(arena, placement);
}
