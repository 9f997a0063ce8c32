/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Where the shards of an object are. Pure. Every call takes the placement version of the pool; a
 * version, once released, gives the same answers for ever (golden files pin it).
 *
 * Version 0: one fault domain, classes without redundancy (S1 .. SX): group g of an object lies on
 * the target number (jump hash of the object id over the targets + g) modulo the targets.
 *
 * Version 1: every class, over the tree of fault domains of a pool map. README.md says how.
 */
#pragma once

#include "base/base.h"
#include "placement/map.h"

/* The version of pools that are made today, and the newest one that is known here. */
#define PLACEMENT_VERSION 0u
#define PLACEMENT_VERSION_NEWEST 1u

/* No target. */
#define PLACEMENT_NONE UINT32_MAX

/* Shards of the widest group. */
#define PLACEMENT_GROUP_MAX 128u

/* The group count of a class that means "as many as there are". */
#define PLACEMENT_GROUPS_ALL 65535u

/* ------------------------------------------------ version 0, by the number of targets alone */

/* What placement needs to know of a pool map. */
struct placement_map {
	uint32_t version; /* placement version */
	uint32_t targets;
};

/* -DER_NOSYS for a placement version or a class that this version does not know; -DER_INVAL for an
 * impossible id. */
MUST_USE int placement_check(const struct placement_map *map, struct object_id id);

/* The number of groups of an object on this map, at least 1. The id has passed placement_check().
 */
uint32_t placement_groups(const struct placement_map *map, struct object_id id);

/* The target (0 .. targets - 1) of the only shard of a group. */
uint32_t placement_target(const struct placement_map *map, struct object_id id, uint32_t group);

/* The group of a dkey: jump hash of the hash of its bytes, whatever the order of the object's
 * dkeys. */
uint32_t placement_group(const struct placement_map *map, struct object_id id, const void *dkey,
			 uint32_t length);

/* Puts the number of groups that a class asks for into an id at creation; SX takes the map's
 * targets. */
uint32_t placement_class_groups(const struct placement_map *map, uint32_t class_groups);

/* ------------------------------------------------ a pool map, ready for look-ups */

/* What the pool says about placement. */
struct placement_options {
	uint32_t version; /* placement version */
	/* Shards of a group that share a performance domain, for replicas and for erasure codes; 0:
	 * all. DAOS: rp_pda (-1, all), ec_pda (1). */
	uint32_t replica_affinity;
	uint32_t erasure_affinity;
};

struct placement;

/*
 * Takes what look-ups need out of a map, which need not stay; immutable, free with
 * placement_destroy(). Linear in the map. -DER_NOSYS for a version that is not known, or version 0
 * on a map whose targets are not all UPIN; -DER_INVAL for a map on which nothing ever was in;
 * -DER_NOMEM.
 */
MUST_USE int placement_create(struct arena *arena, const struct pool_map *map,
			      const struct placement_options *options,
			      struct placement **ret_placement);
void placement_destroy(struct placement *placement);

/* Targets that layouts count with, and domains of a level that have some in service: what the
 * automatic choice of a class needs. */
uint32_t placement_targets(const struct placement *placement);
uint32_t placement_domains(const struct placement *placement, enum map_level level);

/* ------------------------------------------------ objects */

/* Cells of a group: data (or replicas) and parity. */
struct placement_class {
	uint32_t data;
	uint32_t parity;
};

/* The class that the redundancy byte of an object id names; false: there is none. */
bool placement_class_find(uint32_t redundancy, struct placement_class *ret_class);

/*
 * The number of groups to be written into an id at creation, for a class that asks for so many or
 * for PLACEMENT_GROUPS_ALL: at most as many as have a target for each shard, at least 1.
 * -DER_INVAL for a class that does not exist or whose group is wider than the map.
 */
MUST_USE int placement_groups_choose(const struct placement *placement, uint32_t redundancy,
				     uint32_t class_groups, uint32_t *ret_groups);

/* An object on a map. */
struct placement_object {
	struct object_id id;
	uint64_t key;
	uint32_t groups;
	uint32_t size; /* shards of a group */
	struct placement_class class;
	uint32_t affinity;     /* shards of a group in one performance domain */
	uint32_t base_version; /* of the pool map: what was in then had room for all its shards */
};

/*
 * -DER_NOSYS for a class that the placement version does not know; -DER_INVAL for an id without
 * groups, with a group count that creation did not settle, or with more shards than the map has
 * targets.
 */
MUST_USE int placement_open(const struct placement *placement, struct object_id id,
			    struct placement_object *ret_object);

/* The group of a dkey, as placement_group(). */
uint32_t placement_dkey_group(const struct placement *placement,
			      const struct placement_object *object, const void *dkey,
			      uint32_t length);

/* ------------------------------------------------ layouts */

/*
 * Where a shard is. Writers write to both. Readers read from current; where there is none, the data
 * of this shard is only to be had from the others of its group.
 */
struct placement_shard {
	uint32_t current; /* has all data of the shard, or PLACEMENT_NONE */
	uint32_t next;	  /* is being filled, or PLACEMENT_NONE */
};

/* The shards of one group, object->size of them, in the order data, parity. Its cost does not
 * depend on the number of groups. */
void placement_layout(const struct placement *placement, const struct placement_object *object,
		      uint32_t group, struct placement_shard *ret_shards);

/* Before: as if nothing were moving yet, a target that went down among them. After: when all has
 * moved. */
enum placement_time { PLACEMENT_BEFORE, PLACEMENT_AFTER };

/* The targets of one group, object->size of them; PLACEMENT_NONE where no target is left for a
 * shard. */
void placement_place(const struct placement *placement, enum placement_time when,
		     const struct placement_object *object, uint32_t group, uint32_t *ret_targets);

/* A shard that has to be filled. */
struct placement_move {
	uint32_t shard; /* of the group */
	uint32_t from;	/* has its data, or PLACEMENT_NONE: rebuild it from the group's others */
	uint32_t to;
};

/* What the changes that the map holds move in one group: at most object->size moves, their number
 * is the answer. */
uint32_t placement_moves(const struct placement *placement, const struct placement_object *object,
			 uint32_t group, struct placement_move *ret_moves);

/* ------------------------------------------------ broadcast trees */

/* Ranks with a target that is neither DOWN nor DOWNOUT, ascending; borrowed. */
const uint32_t *placement_ranks(const struct placement *placement, uint32_t *ret_count);

/* A k-nomial tree over the live ranks. */
struct placement_tree {
	uint32_t ratio; /* 2 to 64 */
	uint32_t root;	/* a rank */
};

/*
 * Node v (counted from the root) has the children v + i * ratio^d, 0 < i < ratio, for the digits d
 * below the lowest one of v that is not 0. At most limit children are written, ret_count is how
 * many there are. -DER_INVAL for another ratio, -DER_NONEXIST for a rank that is not live.
 */
MUST_USE int placement_tree_children(const struct placement *placement,
				     const struct placement_tree *tree, uint32_t rank,
				     uint32_t limit, uint32_t *ret_children, uint32_t *ret_count);

/* The rank above, PLACEMENT_NONE for the root. Errors as above. */
MUST_USE int placement_tree_parent(const struct placement *placement,
				   const struct placement_tree *tree, uint32_t rank,
				   uint32_t *ret_parent);
