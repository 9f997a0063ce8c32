/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Classes, and the rotation of cells over the shards of a group. */
#include "ec/private.h"

/* Redundancy bytes of object ids from this one on: OR_RS_2P1 and the following of daos_obj_class.h.
 * Later classes were added behind earlier ones, hence the order. */
#define REDUNDANCY_FIRST 32u

static const struct ec_class classes[] = {
	{2, 1}, {2, 2}, {4, 1}, {4, 2}, {8, 1}, {8, 2}, {16, 1}, {16, 2}, {4, 3}, {8, 3}, {16, 3},
};

int ec_class_check(struct ec_class class)
{
	if (class.data < EC_DATA_MIN || class.data > EC_DATA_MAX || class.parity == 0 ||
	    class.parity > EC_PARITY_MAX)
		return error_raise(-DER_INVAL,
				   "an erasure code of %u data and %u parity cells: allowed are "
				   "%u to %u and 1 to %u",
				   class.data, class.parity, EC_DATA_MIN, EC_DATA_MAX,
				   EC_PARITY_MAX);
	return 0;
}

int
ec_class_find(uint32_t redundancy, struct ec_class *ret_class)
{
	if (redundancy < REDUNDANCY_FIRST || redundancy - REDUNDANCY_FIRST >= ARRAY_SIZE(classes))
		return error_raise(-DER_NOSCHEMA,
				   "the redundancy %u of an object class is no erasure code",
				   redundancy);
	*ret_class = classes[redundancy - REDUNDANCY_FIRST];
	return 0;
}

uint32_t
ec_shard_of_cell(struct ec_class class, uint64_t dkey_hash, uint32_t cell)
{
	uint32_t cells = ec_class_cells(class);

	return ((uint32_t)(dkey_hash % cells) + cell) % cells;
}

uint32_t
ec_cell_of_shard(struct ec_class class, uint64_t dkey_hash, uint32_t shard)
{
	uint32_t cells = ec_class_cells(class);

	return (shard + cells - (uint32_t)(dkey_hash % cells)) % cells;
}

uint32_t
ec_cells_of_shards(struct ec_class class, uint64_t dkey_hash, uint32_t shards)
{
	uint32_t set = 0;

	for (uint32_t shard = 0; shard < ec_class_cells(class); shard++)
		if (shards >> shard & 1)
			set |= 1u << ec_cell_of_shard(class, dkey_hash, shard);
	return set;
}
