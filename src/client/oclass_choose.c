/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The class of an object for which the caller named none: erasure code for arrays where there are
 * domains enough, replicas for the rest.
 */
#include "client/oclass.h"

#include <gurt/common.h>

/* Class by redundancy factor, widest first: the first row that the domains have room for is taken.
 */
static const struct {
	uint32_t redundancy_factor;
	uint32_t domains;
	enum daos_obj_redun redundancy;
} erasure_codes[] = {
	{1, 18, OR_RS_16P1}, {1, 10, OR_RS_8P1}, {1, 6, OR_RS_4P1},  {1, 3, OR_RS_2P1},
	{2, 20, OR_RS_16P2}, {2, 12, OR_RS_8P2}, {2, 8, OR_RS_4P2},  {2, 4, OR_RS_2P2},
	{3, 22, OR_RS_16P3}, {3, 14, OR_RS_8P3}, {3, 10, OR_RS_4P3},
};

static const enum daos_obj_redun replicas[] = {OR_RP_1, OR_RP_2, OR_RP_3, OR_RP_4, OR_RP_5};

/* Groups by hint: at least so many, or so many percent of all that have room. */
static const struct {
	daos_oclass_hints_t hint;
	uint32_t least;
	uint32_t percent;
} shares[] = {
	{DAOS_OCH_SHD_TINY, 4, 0},    {DAOS_OCH_SHD_REG, 128, 25}, {DAOS_OCH_SHD_HI, 256, 50},
	{DAOS_OCH_SHD_EXT, 1024, 70}, {DAOS_OCH_SHD_MAX, 0, 100},
};

static enum daos_obj_redun
redundancy_choose(const struct oclass_choice *choice)
{
	bool erasure = daos_is_array_type(choice->type) || (choice->hints & DAOS_OCH_RDD_EC) != 0;
	size_t i;

	if ((choice->hints & DAOS_OCH_RDD_NO) != 0)
		return OR_RP_1;
	if ((choice->hints & DAOS_OCH_RDD_RP) != 0)
		erasure = false;
	for (i = 0; erasure && i < ARRAY_SIZE(erasure_codes); i++) {
		if (erasure_codes[i].redundancy_factor == choice->redundancy_factor &&
		    erasure_codes[i].domains <= choice->domains)
			return erasure_codes[i].redundancy;
	}
	return replicas[choice->redundancy_factor];
}

static uint32_t
groups_choose(const struct oclass_choice *choice, uint32_t most)
{
	bool wide = daos_is_array_type(choice->type) || daos_is_kv_type(choice->type);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shares); i++) {
		if ((choice->hints & shares[i].hint) != 0)
			return MIN(most, MAX(shares[i].least,
					     (uint32_t)((uint64_t)most * shares[i].percent / 100)));
	}
	return wide ? most : 1;
}

int
oclass_choose(const struct oclass_choice *choice, daos_oclass_id_t *ret_id)
{
	struct daos_oclass_attr attr;
	uint32_t redundancy, most;
	int rc;

	if (choice->redundancy_factor >= ARRAY_SIZE(replicas))
		return -DER_INVAL;
	redundancy = redundancy_choose(choice);
	rc = oclass_attributes(OBJ_CLASS_DEF(redundancy, 1U), &attr);
	if (rc != 0)
		return rc;
	most = MIN(MAX(choice->targets / oclass_group_size(&attr), 1U), MAX_NUM_GROUPS - 1U);
	*ret_id = OBJ_CLASS_DEF(redundancy, groups_choose(choice, most));
	return 0;
}

void
oid_encode(daos_obj_id_t *oid, enum daos_otype_t type, daos_oclass_id_t id)
{
	uint64_t redundancy = id >> OC_REDUN_SHIFT;

	oid->hi &= (1ULL << OID_FMT_INTR_BITS) - 1;
	oid->hi |= (uint64_t)type << OID_FMT_TYPE_SHIFT;
	oid->hi |= redundancy << OID_FMT_CLASS_SHIFT;
	oid->hi |= (uint64_t)(id & MAX_NUM_GROUPS) << OID_FMT_META_SHIFT;
}
