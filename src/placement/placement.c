/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Placement version 0. Jump hash: Lamping, Veach, "A Fast, Minimal Memory, Consistent Hash
 * Algorithm", 2014. */
#include "placement/placement.h"

/* The redundancy byte of a class without redundancy, and the group count that means "as many as
 * there are". */
#define REDUNDANCY_NONE 1u
#define GROUPS_ALL 65535u

/* Part of placement version 0 for ever. */
#define SEED_OBJECT UINT64_C(0x6f626a65637430)
#define SEED_DKEY UINT64_C(0x646b657930)

int
placement_check(const struct placement_map *map, struct object_id id)
{
	if (map->version != PLACEMENT_VERSION)
		return error_raise(-DER_NOSYS, "placement version %u is not known here",
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
	return class_groups == GROUPS_ALL ? map->targets : min_of(class_groups, map->targets);
}

uint32_t
placement_groups(const struct placement_map *map, struct object_id id)
{
	return placement_class_groups(map, object_id_groups(id));
}

uint32_t
placement_target(const struct placement_map *map, struct object_id id, uint32_t group)
{
	uint8_t bytes[16];

	store_u64(bytes, id.lo);
	store_u64(bytes + 8, id.hi);
	return (jump_hash(hash64(bytes, sizeof(bytes), SEED_OBJECT), map->targets) + group) %
	       map->targets;
}

uint32_t
placement_group(const struct placement_map *map, struct object_id id, const void *dkey,
		uint32_t length)
{
	return jump_hash(hash64(dkey, length, SEED_DKEY), placement_groups(map, id));
}
