/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Spares. Where a shard goes depends on which targets are usable, never on the order in which
 * others failed, and a shard whose target is usable stays.
 */
#include "placement/private.h"

#define KEY_SPARE UINT64_C(6)

/* Shards of a group below one home that are looked after together. */
struct settling {
	const struct lookup *lookup;
	uint32_t home;
	enum map_level strict; /* no two shards in one domain of this level */
	bool tight;	       /* no more such domains than shards */
	uint32_t count;
	struct place *places;
	bool settled[PLACEMENT_GROUP_MAX];
	/* Domain of the strict level where the healthy map wants the shard. */
	uint32_t wanted[PLACEMENT_GROUP_MAX];
};

/* The highest level with as many domains in service as there are shards; targets when none has. */
static void
strict_set(struct settling *settling)
{
	const uint32_t *alive = settling->lookup->view->alive[settling->home];
	uint32_t level = MAP_RACK;

	while (level < MAP_TARGET && alive[level] < settling->count)
		level++;
	settling->strict = (enum map_level)level;
	settling->tight = alive[level] <= settling->count;
}

static bool
usable(const struct settling *settling, uint32_t target)
{
	return target != PLACEMENT_NONE && bit_test(settling->lookup->view->usable, target);
}

/* Whether a settled shard other than slot is in the domain. */
static bool
occupied(const struct settling *settling, uint32_t slot, uint32_t domain)
{
	for (uint32_t i = 0; i < settling->count; i++)
		if (i != slot && settling->settled[i] &&
		    settling->places[i].path[settling->strict] == domain)
			return true;
	return false;
}

/* Whether the healthy map wants another shard in the domain: spares keep out of its way, so that it
 * comes back without moving them. */
static bool
reserved(const struct settling *settling, uint32_t slot, uint32_t domain)
{
	for (uint32_t i = 0; i < settling->count; i++)
		if (i != slot && settling->wanted[i] == domain)
			return true;
	return false;
}

/* Settled shards in a domain of any level. */
static uint32_t
shards_in(const struct settling *settling, enum map_level level, uint32_t domain)
{
	uint32_t shards = 0;

	for (uint32_t i = 0; i < settling->count; i++)
		shards += settling->settled[i] && settling->places[i].path[level] == domain;
	return shards;
}

/* Levels above the strict one take no more than their share. */
static bool
even(const struct settling *settling, const struct place *place)
{
	const uint32_t *alive = settling->lookup->view->alive[settling->home];

	for (uint32_t level = MAP_RACK; level < settling->strict; level++) {
		uint32_t domain = place->path[level];

		if (domain == MAP_NONE || domain <= settling->home || alive[level] == 0)
			continue;
		if (shards_in(settling, (enum map_level)level, domain) >=
		    (settling->count + alive[level] - 1) / alive[level])
			return false;
	}
	return true;
}

/* ------------------------------------------------ looking everywhere */

/* Domains of the strict level below a child that could take a shard. */
static uint32_t
room_below(const struct settling *settling, enum map_level level, uint32_t child)
{
	const struct view *view = settling->lookup->view;
	uint32_t room;

	if (level == MAP_TARGET)
		return bit_test(view->usable, child) &&
		       (settling->strict != MAP_TARGET ||
			shards_in(settling, MAP_TARGET, child) == 0);
	if (level > settling->strict)
		return view->alive[child][MAP_TARGET];
	room = view->alive[child][settling->strict];
	return room - min_of(room, shards_in(settling, level, child));
}

/* The child with room and the fewest shards of the group; among equals the one whose hash is least,
 * so that a child that comes or goes moves only what is its own. */
static uint32_t
child_choose(const struct settling *settling, const struct node *node, uint64_t key)
{
	const struct domains *tree = settling->lookup->view->tree;
	uint32_t best = MAP_NONE, fewest = UINT32_MAX;
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < node->unit_count; i++) {
		uint32_t child = node_child(tree, node, i);
		enum map_level level = node->level == MAP_RANK
					       ? MAP_TARGET
					       : (enum map_level)tree->nodes[child].level;
		uint32_t shards = shards_in(settling, level, child);
		uint64_t hash = key_derive(key, child);

		if (shards > fewest || (shards == fewest && hash >= least) ||
		    room_below(settling, level, child) == 0)
			continue;
		best = child;
		fewest = shards;
		least = hash;
	}
	return best;
}

static void
look_everywhere(struct settling *settling, uint64_t key, struct place *place)
{
	const struct domains *tree = settling->lookup->view->tree;
	uint32_t at = settling->home;

	place->target = PLACEMENT_NONE;
	for (;;) {
		const struct node *node = &tree->nodes[at];

		place->path[node->level] = at;
		at = child_choose(settling, node, key_derive(key, at));
		if (at == MAP_NONE)
			return;
		if (node->level == MAP_RANK)
			break;
	}
	place->target = place->path[MAP_TARGET] = at;
}

/* ------------------------------------------------ one spare */

/* Random candidates first, which spreads what one target held over all others. */
static bool
draw(const struct settling *settling, uint32_t slot, uint64_t key, struct place *place)
{
	for (uint32_t attempt = 0; attempt < settling->lookup->rules->attempts; attempt++) {
		uint32_t domain;

		placement_descend_random(settling->lookup, settling->home, key_derive(key, attempt),
					 place);
		domain = place->path[settling->strict];
		if (usable(settling, place->target) && !reserved(settling, slot, domain) &&
		    !occupied(settling, slot, domain) && even(settling, place))
			return true;
	}
	return false;
}

static uint64_t
spare_key(const struct settling *settling, uint32_t slot)
{
	return key_derive(key_derive(settling->lookup->key, KEY_SPARE),
			  (uint64_t)settling->home << 8 | slot);
}

static void
spare_find(struct settling *settling, uint32_t slot)
{
	uint64_t key = spare_key(settling, slot);
	struct place place = settling->places[slot];

	if (settling->tight || !draw(settling, slot, key, &place))
		look_everywhere(settling, key, &place);
	settling->places[slot] = place;
	settling->settled[slot] = place.target != PLACEMENT_NONE;
}

/* ------------------------------------------------ all shards of a home */

/* Shards stay where they are wanted, the lower one where two are wanted in one domain. */
static bool
keep(struct settling *settling)
{
	bool all = true;

	for (uint32_t slot = 0; slot < settling->count; slot++) {
		const struct place *place = &settling->places[slot];

		settling->wanted[slot] = place->target == PLACEMENT_NONE
						 ? MAP_NONE - 1
						 : place->path[settling->strict];
		settling->settled[slot] = false;
	}
	for (uint32_t slot = 0; slot < settling->count; slot++) {
		uint32_t domain = settling->wanted[slot];

		settling->settled[slot] = usable(settling, settling->places[slot].target);
		for (uint32_t lower = 0; lower < slot && settling->settled[slot]; lower++)
			if (settling->wanted[lower] == domain && settling->settled[lower])
				settling->settled[slot] = false;
		all = all && settling->settled[slot];
	}
	return all;
}

void
placement_settle(const struct lookup *lookup, uint32_t home, uint32_t count, struct place *places)
{
	struct settling settling;

	settling.lookup = lookup;
	settling.home = home;
	settling.count = count;
	settling.places = places;
	strict_set(&settling);
	if (keep(&settling))
		return;
	for (uint32_t slot = 0; slot < count; slot++)
		if (!settling.settled[slot])
			spare_find(&settling, slot);
}

void
placement_settle_elsewhere(const struct lookup *lookup, uint32_t count, struct place *places)
{
	struct settling settling;

	settling.lookup = lookup;
	settling.home = 0;
	settling.count = count;
	settling.places = places;
	for (uint32_t slot = 0; slot < count; slot++)
		settling.settled[slot] = places[slot].target != PLACEMENT_NONE;
	for (uint32_t slot = 0; slot < count; slot++) {
		if (settling.settled[slot])
			continue;
		/* Homes do not see to it that strict domains of the whole map are different. */
		for (strict_set(&settling); settling.strict <= MAP_TARGET; settling.strict++) {
			look_everywhere(&settling, spare_key(&settling, slot), &places[slot]);
			settling.settled[slot] = places[slot].target != PLACEMENT_NONE;
			if (settling.settled[slot])
				break;
		}
	}
}
