/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Inside placement: the parameters of versions, the compiled map, the steps of a look-up. */
#pragma once

#include "placement/placement.h"

#include <assert.h>

/* ------------------------------------------------ versions */

/* How a position of a permutation is turned by the key: by its jump hash, or its share of 2^32. */
enum rotation { ROTATION_JUMP, ROTATION_SCALED };

/* What distinguishes placement versions. A released row never changes. */
struct placement_rules {
	uint64_t object_seed;
	uint64_t dkey_seed;
	enum rotation rotation;
	uint32_t rounds;   /* of a permutation; 0: positions are only turned */
	uint32_t attempts; /* random candidates for a spare before all domains are looked at */
	bool tree;	   /* fault domains, states and all classes */
};

/* NULL for a version that is not known. */
const struct placement_rules *placement_rules_find(uint32_t version);

/* ------------------------------------------------ the compiled map */

/*
 * A domain and what it chooses among: units of equal weight. What comes into a child with one
 * version of the map is units of its own, in part filled where it does not come out even. Units
 * stand in the order in which they came in (version, then place in the map), so that a map that
 * grows only appends; and whatever is put into a unit stays among the targets of its version, so
 * that a child that grows draws from everywhere what its new targets are to hold, and leaves its
 * old ones alone.
 */
struct node {
	uint32_t first; /* child, where children have numbers of one stride; else place in units */
	uint32_t unit_count;
	uint32_t first_step;
	uint32_t step_count : 24;
	uint32_t level : 4;  /* enum map_level */
	uint32_t stride : 4; /* 0: its units are in the table */
};
static_assert(sizeof(struct node) == 16, "a look-up in a large map is as fast as its cache lines");

/* How many there are from a map version on. */
struct step {
	uint32_t version;
	uint32_t count;
};

struct domains {
	uint32_t node_count; /* as many as domains, with their numbers */
	struct node *nodes;
	uint32_t *units; /* child: a node, or of a rank (or the root, without a tree) a target */
	uint32_t *fills; /* of each unit, in 2^-32; UINT32_MAX: whole */
	/* How much of a jump point at the unit counts, likewise: its fill, times what the units up
	 * to it would weigh if they were whole, over what they do weigh. */
	uint32_t *pulls;
	struct step *steps;    /* units of each node by version */
	struct step *versions; /* targets of the map by version */
	uint32_t version_count;
};

/* The tree at one time, before or after what is moving. */
struct view {
	const struct domains *tree;
	uint64_t *usable; /* a bit per target */
	/* Of each node: domains below it of each level that have a usable target. */
	uint32_t (*alive)[MAP_LEVELS];
};

struct placement {
	struct arena *arena;
	const struct placement_rules *rules;
	struct placement_options options;
	bool pending;		 /* the views differ */
	struct view views[2];	 /* by enum placement_time */
	struct domains trees[2]; /* the second is empty while nothing new comes in */
	uint64_t *readable;	 /* a bit per target */
	uint32_t target_count;	 /* of the map */
	uint32_t *ranks;	 /* live ones, ascending */
	uint32_t rank_count;
};

static inline bool
bit_test(const uint64_t *bits, uint32_t at)
{
	return bits[at / 64] >> at % 64 & 1;
}

/* A unit of a node: a child. */
static inline uint32_t
node_child(const struct domains *tree, const struct node *node, uint32_t unit)
{
	return node->stride > 0 ? node->first + unit * node->stride
				: tree->units[node->first + unit];
}

/* The last step that is no later than a version; the first one when all are later. */
const struct step *placement_step_at(const struct step *steps, uint32_t count, uint32_t version);

/* Makes the tree of the targets that are in it. */
MUST_USE int placement_tree_build(struct domains *tree, struct arena *arena,
				  const struct pool_map *map, const struct placement_rules *rules,
				  const bool *included);
void placement_tree_free(struct domains *tree, struct arena *arena);

/* -DER_PROTO when two domains of a map have the same name. */
MUST_USE int placement_map_names_check(const struct pool_map *map);

/* ------------------------------------------------ permutations and growth */

/* A permutation of 0 .. count - 1, by a key. */
struct shuffle {
	uint32_t count;
	uint32_t rotation;
	uint32_t rounds;
	uint32_t bits;
	uint32_t add;
	uint64_t multiply;
};

static inline void
shuffle_init(struct shuffle *shuffle, const struct placement_rules *rules, uint64_t key,
	     uint32_t count)
{
	shuffle->count = count;
	shuffle->rotation = rules->rotation == ROTATION_SCALED
				    ? (uint32_t)((key >> 32) * count >> 32)
				    : jump_hash(key, count);
	shuffle->rounds = count > 1 ? rules->rounds : 0;
	shuffle->bits = count > 1 ? 32 - (uint32_t)__builtin_clz(count - 1) : 0;
	shuffle->add = (uint32_t)key;
	shuffle->multiply = shuffle->rounds > 0 ? mix64(key) : 0;
}

/*
 * Turning makes every place equally likely for every position; the rounds, each a bijection of the
 * next power of two, make neighbours strangers. What falls outside goes round again.
 */
static inline uint32_t
shuffle_at(const struct shuffle *shuffle, uint32_t position)
{
	uint32_t at = position + shuffle->rotation;
	uint32_t mask;

	if (at >= shuffle->count)
		at -= shuffle->count;
	if (shuffle->rounds == 0)
		return at;
	mask = (uint32_t)((UINT64_C(1) << shuffle->bits) - 1);
	do {
		for (uint32_t round = 0; round < shuffle->rounds; round++) {
			uint32_t multiply = (uint32_t)(shuffle->multiply >> 13 * round) | 1;

			at = (at * multiply + (shuffle->add >> 11 * round)) & mask;
			at ^= at >> (shuffle->bits + 1) / 2;
			at = (at >> 1 | at << (shuffle->bits - 1)) & mask;
		}
	} while (at >= shuffle->count);
	return at;
}

/*
 * Jump points: of the numbers from 1 on, each is a jump point of a key with probability 1 / (number
 * + 1), on its own. The jump consistent hash of n buckets is the last one below n. Answers the last
 * one in low .. high - 1, or 0; low is at least 1. Constant expected time.
 */
uint32_t placement_jump_point(uint64_t key, uint32_t low, uint32_t high);

/* ------------------------------------------------ look-ups */

/* A target, and the domains above it by level; MAP_NONE where the map lacks the level. */
struct place {
	uint32_t target; /* or PLACEMENT_NONE */
	uint32_t path[MAP_LEVELS];
};

/* What is the same for all steps of a look-up. */
struct lookup {
	const struct placement_rules *rules;
	const struct view *view;
	const struct placement_object *object;
	uint32_t group;
	uint64_t key; /* of the group */
};

/* Whether the map has performance domains. */
bool placement_has_homes(const struct placement *placement);

/* From a node down to a target that came in with a version. ordinal: which of the object's shards
 * there it is. */
void placement_descend(const struct lookup *lookup, uint32_t node, uint32_t version,
		       uint32_t ordinal, struct place *place);

/* Some target below a node, each as likely as another. */
void placement_descend_random(const struct lookup *lookup, uint32_t node, uint64_t key,
			      struct place *place);

/*
 * Shards of one group that belong below one home, where the healthy map wants them; moves those
 * whose target is not usable, or whose domain another shard has.
 */
void placement_settle(const struct lookup *lookup, uint32_t home, uint32_t count,
		      struct place *places);

/* Finds a target anywhere for shards for which their home had none. */
void placement_settle_elsewhere(const struct lookup *lookup, uint32_t count, struct place *places);

/* Independent keys out of one. */
static inline uint64_t
key_derive(uint64_t key, uint64_t part)
{
	return mix64(key + part * UINT64_C(0x9e3779b97f4a7c15));
}
