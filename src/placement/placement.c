/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Placement versions, classes, and version 0 on a map that is only a number of targets. Jump hash:
 * Lamping, Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014. */
#include "placement/private.h"

/* The redundancy byte of a class without redundancy. */
#define REDUNDANCY_NONE 1u

static const struct placement_rules versions[] = {
	{.object_seed = UINT64_C(0x6f626a65637430),
	 .dkey_seed = UINT64_C(0x646b657930),
	 .rotation = ROTATION_JUMP},
	{.object_seed = UINT64_C(0x6f626a65637431),
	 .dkey_seed = UINT64_C(0x646b657931),
	 .rotation = ROTATION_SCALED,
	 .rounds = 3,
	 .attempts = 32,
	 .tree = true},
};
static_assert(ARRAY_SIZE(versions) == PLACEMENT_VERSION_NEWEST + 1, "");

/* By the redundancy byte of object ids: enum daos_obj_redun. */
static const struct placement_class classes[] = {
	[REDUNDANCY_NONE] = {1, 0},
	[8] = {2, 0},
	[9] = {3, 0},
	[10] = {4, 0},
	[11] = {5, 0},
	[12] = {6, 0},
	[13] = {8, 0},
	[14] = {12, 0},
	[15] = {16, 0},
	[16] = {24, 0},
	[17] = {32, 0},
	[18] = {48, 0},
	[19] = {64, 0},
	[20] = {128, 0},
	[32] = {2, 1},
	[33] = {2, 2},
	[34] = {4, 1},
	[35] = {4, 2},
	[36] = {8, 1},
	[37] = {8, 2},
	[38] = {16, 1},
	[39] = {16, 2},
	[40] = {4, 3},
	[41] = {8, 3},
	[42] = {16, 3},
};

const struct placement_rules *
placement_rules_find(uint32_t version)
{
	return version < ARRAY_SIZE(versions) ? &versions[version] : NULL;
}

bool
placement_class_find(uint32_t redundancy, struct placement_class *ret_class)
{
	if (redundancy >= ARRAY_SIZE(classes) || classes[redundancy].data == 0)
		return false;
	*ret_class = classes[redundancy];
	return true;
}

/* ------------------------------------------------ version 0 */

int
placement_check(const struct placement_map *map, struct object_id id)
{
	if (map->version != PLACEMENT_VERSION)
		return error_raise(-DER_NOSYS, "placement version %u needs a whole pool map",
				   map->version);
	if (map->targets == 0)
		return error_raise(-DER_INVAL, "the pool map has no targets");
	if (object_id_redundancy(id) != REDUNDANCY_NONE)
		return error_raise(
			-DER_NOSYS,
			"object class byte %u: only classes S1 to SX exist in placement version 0",
			object_id_redundancy(id));
	if (object_id_groups(id) == 0)
		return error_raise(-DER_INVAL, "an object id with a group count of 0");
	return 0;
}

uint32_t
placement_class_groups(const struct placement_map *map, uint32_t class_groups)
{
	return class_groups == PLACEMENT_GROUPS_ALL ? map->targets
						    : min_of(class_groups, map->targets);
}

uint32_t
placement_groups(const struct placement_map *map, struct object_id id)
{
	return placement_class_groups(map, object_id_groups(id));
}

static uint64_t
object_key(const struct placement_rules *rules, struct object_id id)
{
	uint8_t bytes[16];

	store_u64(bytes, id.lo);
	store_u64(bytes + 8, id.hi);
	return hash64(bytes, sizeof(bytes), rules->object_seed);
}

uint32_t
placement_target(const struct placement_map *map, struct object_id id, uint32_t group)
{
	struct shuffle shuffle;

	shuffle_init(&shuffle, &versions[0], object_key(&versions[0], id), map->targets);
	return shuffle_at(&shuffle, group % map->targets);
}

uint32_t
placement_group(const struct placement_map *map, struct object_id id, const void *dkey,
		uint32_t length)
{
	return jump_hash(hash64(dkey, length, versions[0].dkey_seed), placement_groups(map, id));
}

/* ------------------------------------------------ objects on a compiled map */

uint32_t
placement_targets(const struct placement *placement)
{
	const struct domains *tree = placement->views[PLACEMENT_BEFORE].tree;

	return tree->versions[tree->version_count - 1].count;
}

uint32_t
placement_domains(const struct placement *placement, enum map_level level)
{
	return placement->views[PLACEMENT_AFTER].alive[0][level];
}

int
placement_groups_choose(const struct placement *placement, uint32_t redundancy,
			uint32_t class_groups, uint32_t *ret_groups)
{
	struct placement_class class;
	uint32_t most;

	if (!placement_class_find(redundancy, &class) || class_groups == 0)
		return error_raise(-DER_INVAL, "there is no object class byte %u with %u groups",
				   redundancy, class_groups);
	most = placement_targets(placement) / (class.data + class.parity);
	if (most == 0)
		return error_raise(-DER_INVAL, "a group of %u shards is wider than %u targets",
				   class.data + class.parity, placement_targets(placement));
	*ret_groups = min_of(class_groups, min_of(most, PLACEMENT_GROUPS_ALL - 1));
	return 0;
}

/* Version 0 has one class family, and cuts group counts to the targets at each look-up. */
static int
open_flat(const struct placement *placement, struct placement_object *object)
{
	struct placement_map map = {placement->options.version, placement_targets(placement)};
	int rc = placement_check(&map, object->id);

	if (rc == 0)
		object->groups = placement_groups(&map, object->id);
	return rc;
}

static int
open_check(const struct placement *placement, const struct placement_object *object)
{
	const struct domains *tree = placement->views[PLACEMENT_AFTER].tree;
	uint32_t targets = tree->versions[tree->version_count - 1].count;

	if (object->groups == 0 || object->groups == PLACEMENT_GROUPS_ALL)
		return error_raise(-DER_INVAL, "an object id with a group count of %u",
				   object->groups);
	if ((uint64_t)object->groups * object->size > targets)
		return error_raise(-DER_INVAL, "%u groups of %u shards on %u targets",
				   object->groups, object->size, targets);
	return 0;
}

/* The first map version whose targets had room for all shards: the object is no older. */
static uint32_t
base_version(const struct domains *tree, uint32_t shards)
{
	uint32_t at = 0;

	while (at + 1 < tree->version_count && tree->versions[at].count < shards)
		at++;
	return tree->versions[at].version;
}

int
placement_open(const struct placement *placement, struct object_id id,
	       struct placement_object *ret_object)
{
	struct placement_object object = {.id = id, .groups = object_id_groups(id)};
	uint32_t affinity;
	int rc = 0;

	if (!placement_class_find(object_id_redundancy(id), &object.class))
		return error_raise(-DER_NOSYS, "object class byte %u is not known here",
				   object_id_redundancy(id));
	object.size = object.class.data + object.class.parity;
	rc = placement->rules->tree ? open_check(placement, &object)
				    : open_flat(placement, &object);
	if (rc)
		return rc;
	affinity = object.class.parity > 0 ? placement->options.erasure_affinity
					   : placement->options.replica_affinity;
	object.affinity = affinity == 0 || !placement_has_homes(placement)
				  ? object.size
				  : min_of(affinity, object.size);
	/* Version 0 deals anew over all targets that there are. */
	object.base_version = placement->rules->tree
				      ? base_version(placement->views[PLACEMENT_AFTER].tree,
						     object.groups * object.size)
				      : UINT32_MAX;
	object.key = object_key(placement->rules, id);
	*ret_object = object;
	return 0;
}

uint32_t
placement_dkey_group(const struct placement *placement, const struct placement_object *object,
		     const void *dkey, uint32_t length)
{
	return jump_hash(hash64(dkey, length, placement->rules->dkey_seed), object->groups);
}
