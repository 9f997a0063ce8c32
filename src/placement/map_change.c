/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The transitions of target states. */
#include "placement/private.h"

enum change { EXCLUDE, DRAIN, REINTEGRATE, REVERT };

static const char *const change_names[] = {"exclude", "drain", "reintegrate", "revert"};

/* What a change makes of a state: another state, the same one, or a refusal. */
static const int outcomes[][TARGET_STATES] = {
	[EXCLUDE] = {[TARGET_DOWNOUT] = TARGET_DOWNOUT,
		     [TARGET_DOWN] = TARGET_DOWN,
		     [TARGET_UP] = TARGET_DOWNOUT,
		     [TARGET_UPIN] = TARGET_DOWN,
		     [TARGET_NEW] = TARGET_DOWNOUT,
		     [TARGET_DRAIN] = TARGET_DOWN},
	[DRAIN] = {[TARGET_DOWNOUT] = TARGET_DOWNOUT,
		   [TARGET_DOWN] = TARGET_DOWN,
		   [TARGET_UP] = -DER_BUSY,
		   [TARGET_UPIN] = TARGET_DRAIN,
		   [TARGET_NEW] = -DER_BUSY,
		   [TARGET_DRAIN] = TARGET_DRAIN},
	[REINTEGRATE] = {[TARGET_DOWNOUT] = TARGET_UP,
			 [TARGET_DOWN] = TARGET_UP,
			 [TARGET_UP] = TARGET_UP,
			 [TARGET_UPIN] = TARGET_UPIN,
			 [TARGET_NEW] = TARGET_UP,
			 [TARGET_DRAIN] = -DER_BUSY},
	[REVERT] = {[TARGET_DOWNOUT] = TARGET_DOWNOUT,
		    [TARGET_DOWN] = -DER_BUSY,
		    [TARGET_UP] = TARGET_DOWNOUT,
		    [TARGET_UPIN] = TARGET_UPIN,
		    [TARGET_NEW] = -DER_INVAL,
		    [TARGET_DRAIN] = TARGET_UPIN},
};

static const enum target_state finished[TARGET_STATES] = {
	[TARGET_DOWNOUT] = TARGET_DOWNOUT, [TARGET_DOWN] = TARGET_DOWNOUT,
	[TARGET_UP] = TARGET_UPIN,	   [TARGET_UPIN] = TARGET_UPIN,
	[TARGET_NEW] = TARGET_NEW,	   [TARGET_DRAIN] = TARGET_DOWNOUT,
};

static bool
is_pending(const struct map_target *target)
{
	return target->state == TARGET_DOWN || target->state == TARGET_UP ||
	       target->state == TARGET_DRAIN;
}

bool
pool_map_pending(const struct pool_map *map)
{
	for (uint32_t i = 0; i < map->target_count; i++)
		if (is_pending(&map->targets[i]))
			return true;
	return false;
}

/* UP goes back to where it came from: what it held is nowhere else yet, or it never came in. */
static void
target_turn_back(struct map_target *target)
{
	if (target->unfilled)
		target->state = TARGET_DOWN;
	else if (!target->member)
		target->in_version = 0;
}

static void
target_change(struct map_target *target, enum target_state state, uint32_t version)
{
	enum target_state before = target->state;

	target->state = state;
	target->changed = version;
	if (before == TARGET_UP && state == TARGET_DOWNOUT)
		target_turn_back(target);
	target->unfilled = before == TARGET_DOWN && state == TARGET_UP;
	if (state == TARGET_UP && !target->member)
		target->in_version = version;
	target->failure = state == TARGET_UPIN || state == TARGET_UP ? 0 : version;
}

/* Calls visit for the targets of one address; the first answer that is not 0 ends it. */
static int
address_visit(struct pool_map *map, enum change change, struct map_address address,
	      int (*visit)(struct pool_map *map, enum change change, struct map_target *target))
{
	uint32_t first = pool_map_find(map, address);

	if (first == MAP_NONE)
		return error_raise(-DER_NONEXIST, "the pool map has no target %d on rank %u",
				   (int)address.index, address.rank);
	for (uint32_t i = first; i < map->target_count; i++) {
		struct map_target *target = &map->targets[i];
		int rc;

		if (target->domain != map->targets[first].domain ||
		    (address.index != MAP_NONE && i != first))
			return 0;
		rc = visit(map, change, target);
		if (rc)
			return rc;
	}
	return 0;
}

static int
check(struct pool_map *map, enum change change, struct map_target *target)
{
	int outcome = outcomes[change][target->state];

	if (outcome < 0)
		return error_raise(outcome, "cannot %s target %u of rank %u in state %d",
				   change_names[change], target->index,
				   map->domains[target->domain].id, target->state);
	return 0;
}

static int
apply(struct pool_map *map, enum change change, struct map_target *target)
{
	int outcome = outcomes[change][target->state];

	/* A target that is named twice has changed already. */
	if (outcome > 0 && outcome != (int)target->state && target->changed <= map->version)
		target_change(target, (enum target_state)outcome, map->version + 1);
	return 0;
}

static int
change_all(struct pool_map *map, enum change change, const struct map_address *which,
	   uint32_t count)
{
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = address_visit(map, change, which[i], check);
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = address_visit(map, change, which[i], apply);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < map->target_count; i++) {
		if (map->targets[i].changed > map->version) {
			map->version++;
			break;
		}
	}
	return 0;
}

int
pool_map_exclude(struct pool_map *map, const struct map_address *which, uint32_t count)
{
	return change_all(map, EXCLUDE, which, count);
}

int
pool_map_drain(struct pool_map *map, const struct map_address *which, uint32_t count)
{
	return change_all(map, DRAIN, which, count);
}

int
pool_map_reintegrate(struct pool_map *map, const struct map_address *which, uint32_t count)
{
	return change_all(map, REINTEGRATE, which, count);
}

int
pool_map_revert(struct pool_map *map, const struct map_address *which, uint32_t count)
{
	return change_all(map, REVERT, which, count);
}

static void
target_finish(struct map_target *target, uint32_t version)
{
	target->state = finished[target->state];
	target->changed = version;
	if (target->state == TARGET_UPIN) {
		target->member = true;
		target->unfilled = false;
	}
}

int
pool_map_finish(struct pool_map *map, uint32_t version)
{
	if (version > map->version)
		return error_raise(-DER_INVAL, "the pool map has version %u, not %u", map->version,
				   version);
	for (uint32_t i = 0; i < map->target_count; i++)
		if (is_pending(&map->targets[i]) && map->targets[i].changed > version)
			return error_raise(-DER_STALE,
					   "targets began to move in version %u, after %u",
					   map->targets[i].changed, version);
	if (!pool_map_pending(map))
		return 0;
	map->version++;
	for (uint32_t i = 0; i < map->target_count; i++)
		if (is_pending(&map->targets[i]))
			target_finish(&map->targets[i], map->version);
	return 0;
}
