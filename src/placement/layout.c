/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* From an object's group to targets: where the healthy map wants its shards, then what fails. */
#include "placement/private.h"

/* Draws of a unit that is whole enough before the last one is taken as it is. */
#define DRAWS_MAX 64u

/* Parts of keys. */
#define KEY_GROUP UINT64_C(1)
#define KEY_SLOT UINT64_C(2)
#define KEY_FILL UINT64_C(4)
#define KEY_DRAW UINT64_C(5)

/* Whether the key falls into a part of the unit: how much of it is filled, or how much it pulls. */
static bool
unit_accepts(const uint32_t *parts, const struct node *node, uint32_t unit, uint64_t key)
{
	uint32_t part;

	if (node->stride > 0)
		return true;
	part = parts[node->first + unit];
	return part == UINT32_MAX ||
	       (uint32_t)(key_derive(key_derive(key, KEY_FILL), unit) >> 32) < part;
}

/* A unit of the node, each as likely as its fill. */
static uint32_t
unit_draw(const struct domains *tree, const struct node *node, uint64_t key)
{
	uint32_t unit = 0;

	if (node->unit_count == 1)
		return 0;
	for (uint32_t draw = 0; draw < DRAWS_MAX; draw++) {
		key = key_derive(key, KEY_DRAW);
		unit = placement_jump_point(key, 1, node->unit_count);
		if (unit_accepts(tree->fills, node, unit, key))
			break;
	}
	return unit;
}

/* Units that the node had when the object's shards were dealt out. */
static uint32_t
base_units(const struct lookup *lookup, const struct node *node)
{
	if (node->step_count == 1)
		return node->unit_count;
	return placement_step_at(&lookup->view->tree->steps[node->first_step], node->step_count,
				 lookup->object->base_version)
		->count;
}

/* The block key of the first positions of the root is the object's own. */
static uint64_t
node_key(const struct lookup *lookup, uint32_t node, uint64_t block)
{
	uint64_t part = (uint64_t)node << 32 | block;

	return part == 0 ? lookup->object->key : key_derive(lookup->object->key, part);
}

/* ------------------------------------------------ one shard, downwards */

/* The units of a node that came in with a version, which has some: their number. */
static uint32_t
version_units(const struct lookup *lookup, const struct node *node, uint32_t version,
	      uint32_t *ret_first)
{
	const struct step *steps = &lookup->view->tree->steps[node->first_step], *step;

	*ret_first = 0;
	if (node->step_count == 1)
		return node->unit_count;
	step = placement_step_at(steps, node->step_count, version);
	if (step > steps)
		*ret_first = step[-1].count;
	return step->count - *ret_first;
}

/* The unit for the shard that is the ordinal-th in its node, which it makes that of the child. */
static uint32_t
unit_choose(const struct lookup *lookup, uint32_t at, const struct node *node, uint32_t version,
	    uint32_t *ordinal)
{
	uint32_t first, count = version_units(lookup, node, version, &first);
	uint32_t column = *ordinal, row = 0;
	struct shuffle shuffle;
	uint64_t key;

	if (count == 1)
		return first;
	if (column >= count) {
		row = column / count;
		column %= count;
	}
	key = node_key(lookup, at, first);
	for (uint32_t draw = 0;; draw++) {
		uint32_t unit;

		shuffle_init(&shuffle, lookup->rules, key, count);
		unit = first + shuffle_at(&shuffle, column);
		if (node->stride > 0 || draw == DRAWS_MAX ||
		    unit_accepts(lookup->view->tree->fills, node, unit,
				 key_derive(key, *ordinal))) {
			*ordinal = row;
			return unit;
		}
		key = key_derive(key_derive(key, *ordinal), KEY_DRAW);
	}
}

void
placement_descend(const struct lookup *lookup, uint32_t at, uint32_t version, uint32_t ordinal,
		  struct place *place)
{
	const struct domains *tree = lookup->view->tree;

	for (;;) {
		const struct node *node = &tree->nodes[at];

		place->path[node->level] = at;
		at = node_child(tree, node, unit_choose(lookup, at, node, version, &ordinal));
		if (node->level == MAP_RANK)
			break;
	}
	place->target = place->path[MAP_TARGET] = at;
}

void
placement_descend_random(const struct lookup *lookup, uint32_t at, uint64_t key,
			 struct place *place)
{
	const struct domains *tree = lookup->view->tree;

	for (;;) {
		const struct node *node = &tree->nodes[at];

		place->path[node->level] = at;
		at = node_child(tree, node, unit_draw(tree, node, key_derive(key, at)));
		if (node->level == MAP_RANK)
			break;
	}
	place->target = place->path[MAP_TARGET] = at;
}

/* ------------------------------------------------ neighbours below one node */

/* Positions of one node that must go to different units: size of them from a multiple of size on.
 */
struct deal {
	const struct lookup *lookup;
	const struct node *node;
	uint32_t at;
	uint32_t base; /* units at the object's creation */
	uint64_t first;
	uint32_t size;
	struct shuffle shuffle;
};

/*
 * size rows of base positions hold a whole number of neighbourhoods, so that with one permutation
 * for so many rows no neighbourhood meets two.
 */
static void
deal_init(struct deal *deal, const struct lookup *lookup, uint32_t at, uint64_t first,
	  uint32_t size)
{
	const struct node *node = &lookup->view->tree->nodes[at];
	uint64_t block;

	deal->lookup = lookup;
	deal->node = node;
	deal->at = at;
	deal->first = first;
	deal->size = size;
	deal->base = base_units(lookup, node);
	block = (uint64_t)size * deal->base;
	shuffle_init(&deal->shuffle, lookup->rules,
		     node_key(lookup, at, first < block ? 0 : first / block), deal->base);
}

/*
 * Growth by a reservoir of jump points: of the neighbours that share a row, slot i takes a unit k
 * that came later with probability 1 / (k + 1 - i), unless a lower slot has taken it; so each takes
 * it with 1 / (k + 1), and no two the same. Vitter, "Random Sampling with a Reservoir", 1985.
 */
static uint64_t
slot_key(const struct deal *deal, uint32_t slot)
{
	uint64_t key = key_derive(deal->lookup->key, KEY_SLOT + ((uint64_t)deal->at << 8));

	return key_derive(key, deal->first + slot);
}

static bool
taken_below(const struct deal *deal, uint32_t slot, uint32_t unit)
{
	uint32_t turn = slot % deal->base;

	for (uint32_t i = 1; i <= turn; i++) {
		uint32_t point = unit - (turn - i);
		uint64_t key = slot_key(deal, slot - i);

		if (placement_jump_point(key, point, point + 1) != 0 &&
		    unit_accepts(deal->lookup->view->tree->pulls, deal->node, unit, key))
			return true;
	}
	return false;
}

/* The unit that came later and that the slot is in; 0: it is where it began. */
static uint32_t
deal_grown(const struct deal *deal, uint32_t slot, uint64_t key)
{
	uint32_t turn = slot % deal->base;
	uint32_t point = deal->node->unit_count - turn;

	while ((point = placement_jump_point(key, deal->base - turn, point)) != 0) {
		uint32_t unit = point + turn;

		if (unit_accepts(deal->lookup->view->tree->pulls, deal->node, unit, key) &&
		    !taken_below(deal, slot, unit))
			return unit;
	}
	return 0;
}

/* Where a slot goes. */
struct choice {
	uint32_t child;	  /* MAP_NONE where it finds no room */
	uint32_t version; /* of the unit */
	uint32_t ordinal; /* which of the object's shards in the child it is */
};

static uint32_t
unit_version(const struct deal *deal, uint32_t unit)
{
	const struct step *step = &deal->lookup->view->tree->steps[deal->node->first_step];
	uint32_t low = 0, high = deal->node->step_count - 1;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (step[middle].count > unit)
			high = middle;
		else
			low = middle + 1;
	}
	return step[low].version;
}

static struct choice
deal_slot(const struct deal *deal, uint32_t slot)
{
	const struct domains *tree = deal->lookup->view->tree;
	uint64_t position = deal->first + slot;
	uint32_t row = position < deal->base ? 0 : (uint32_t)(position / deal->base), unit;

	if (deal->base < deal->node->unit_count) {
		uint64_t key = slot_key(deal, slot);

		unit = deal_grown(deal, slot, key);
		if (unit != 0)
			return (struct choice){node_child(tree, deal->node, unit),
					       unit_version(deal, unit),
					       (uint32_t)(key_derive(key, unit) >> 40)};
	}
	unit = shuffle_at(&deal->shuffle,
			  row == 0 ? (uint32_t)position : (uint32_t)(position % deal->base));
	if (deal->node->stride == 0 &&
	    !unit_accepts(tree->fills, deal->node, unit, slot_key(deal, slot)))
		return (struct choice){MAP_NONE, 0, row};
	return (struct choice){node_child(tree, deal->node, unit), unit_version(deal, unit), row};
}

/* A child for a slot that found no room. */
static uint32_t
home_draw(const struct deal *deal, uint32_t slot)
{
	const struct domains *tree = deal->lookup->view->tree;

	return node_child(tree, deal->node, unit_draw(tree, deal->node, slot_key(deal, slot)));
}

/* ------------------------------------------------ groups */

/*
 * Shards below one home, from position first on. All children are chosen before the way down from
 * any: what a large map has to fetch from memory, it fetches at the same time.
 */
static void
home_place(const struct lookup *lookup, uint32_t home, uint64_t first, uint32_t count,
	   struct place *places)
{
	struct choice choices[PLACEMENT_GROUP_MAX];
	bool below = lookup->rules->tree && lookup->view->tree->nodes[home].level != MAP_RANK;
	struct deal deal;

	deal_init(&deal, lookup, home, first, lookup->object->affinity);
	for (uint32_t slot = 0; slot < count; slot++) {
		choices[slot] = deal_slot(&deal, slot);
		if (below && choices[slot].child != MAP_NONE)
			__builtin_prefetch(&lookup->view->tree->nodes[choices[slot].child]);
	}
	for (uint32_t slot = 0; slot < count; slot++) {
		const struct choice *choice = &choices[slot];
		struct place *place = &places[slot];

		place->path[MAP_ROOT] = 0;
		place->path[deal.node->level] = home;
		place->target = place->path[MAP_TARGET] = choice->child;
		if (below && choice->child != MAP_NONE)
			placement_descend(lookup, choice->child, choice->version, choice->ordinal,
					  place);
	}
}

/* Slots that have the same home are settled together; there may be fewer homes than parts. */
static void
homes_settle(const struct lookup *lookup, const uint32_t *homes, uint32_t parts,
	     struct place *places)
{
	const struct placement_object *object = lookup->object;
	uint32_t slots[PLACEMENT_GROUP_MAX];
	struct place together[PLACEMENT_GROUP_MAX];

	for (uint32_t part = 0; part < parts; part++) {
		uint32_t count = 0;
		bool first = true;

		for (uint32_t before = 0; before < part && first; before++)
			first = homes[before] != homes[part];
		for (uint32_t slot = 0; first && slot < object->size; slot++)
			if (homes[slot / object->affinity] == homes[part])
				slots[count++] = slot;
		if (!first)
			continue;
		for (uint32_t i = 0; i < count; i++)
			together[i] = places[slots[i]];
		placement_settle(lookup, homes[part], count, together);
		for (uint32_t i = 0; i < count; i++)
			places[slots[i]] = together[i];
	}
}

/* Performance domains first, then the shards in each. */
static void
homes_place(const struct lookup *lookup, struct place *places)
{
	const struct placement_object *object = lookup->object;
	uint32_t homes[PLACEMENT_GROUP_MAX];
	uint32_t parts = (object->size + object->affinity - 1) / object->affinity;
	struct deal deal;

	deal_init(&deal, lookup, 0, (uint64_t)lookup->group * parts, parts);
	for (uint32_t part = 0; part < parts; part++) {
		uint32_t first = part * object->affinity;
		struct choice choice = deal_slot(&deal, part);

		homes[part] = choice.child == MAP_NONE ? home_draw(&deal, part) : choice.child;
		home_place(lookup, homes[part], (uint64_t)choice.ordinal * object->affinity,
			   min_of(object->affinity, object->size - first), places + first);
	}
	homes_settle(lookup, homes, parts, places);
	placement_settle_elsewhere(lookup, object->size, places);
}

bool
placement_has_homes(const struct placement *placement)
{
	const struct domains *tree = placement->views[PLACEMENT_BEFORE].tree;

	return placement->rules->tree &&
	       tree->nodes[node_child(tree, tree->nodes, 0)].level == MAP_GROUP;
}

static void
group_place(const struct placement *placement, enum placement_time when,
	    const struct placement_object *object, uint32_t group, struct place *places)
{
	struct lookup lookup = {
		.rules = placement->rules,
		.view = &placement->views[when],
		.object = object,
		.group = group,
		.key = key_derive(object->key, KEY_GROUP << 32 | group),
	};

	for (uint32_t slot = 0; slot < object->size; slot++)
		memset(places[slot].path, 0xff, sizeof(places[slot].path));
	if (placement_has_homes(placement)) {
		homes_place(&lookup, places);
		return;
	}
	home_place(&lookup, 0, (uint64_t)group * object->size, object->size, places);
	if (placement->rules->tree)
		placement_settle(&lookup, 0, object->size, places);
}

/* ------------------------------------------------ for callers */

void
placement_place(const struct placement *placement, enum placement_time when,
		const struct placement_object *object, uint32_t group, uint32_t *ret_targets)
{
	struct place places[PLACEMENT_GROUP_MAX];

	ASSERT(group < object->groups);
	group_place(placement, when, object, group, places);
	for (uint32_t slot = 0; slot < object->size; slot++)
		ret_targets[slot] = places[slot].target;
}

void
placement_layout(const struct placement *placement, const struct placement_object *object,
		 uint32_t group, struct placement_shard *ret_shards)
{
	uint32_t before[PLACEMENT_GROUP_MAX], after[PLACEMENT_GROUP_MAX];

	placement_place(placement, PLACEMENT_BEFORE, object, group, before);
	if (placement->pending)
		placement_place(placement, PLACEMENT_AFTER, object, group, after);
	for (uint32_t slot = 0; slot < object->size; slot++) {
		uint32_t now = before[slot];
		uint32_t then = placement->pending ? after[slot] : now;

		if (now != PLACEMENT_NONE && !bit_test(placement->readable, now))
			now = PLACEMENT_NONE;
		ret_shards[slot] =
			(struct placement_shard){now, then == now ? PLACEMENT_NONE : then};
	}
}

uint32_t
placement_moves(const struct placement *placement, const struct placement_object *object,
		uint32_t group, struct placement_move *ret_moves)
{
	struct placement_shard shards[PLACEMENT_GROUP_MAX];
	uint32_t count = 0;

	if (!placement->pending)
		return 0;
	placement_layout(placement, object, group, shards);
	for (uint32_t slot = 0; slot < object->size; slot++)
		if (shards[slot].next != PLACEMENT_NONE)
			ret_moves[count++] = (struct placement_move){slot, shards[slot].current,
								     shards[slot].next};
	return count;
}
