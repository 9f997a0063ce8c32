/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Object classes besides what include/daos_obj_class.h says of them: their attributes, the choice
 * of one, their place in an id. Pure.
 */
#ifndef CLIENT_OCLASS_H
#define CLIENT_OCLASS_H

#include <daos_obj.h>
#include <daos_obj_class.h>

/*
 * Redundancy of a class: number of shards of a group, and how many of them may fail.
 * Returns 0 or -DER_INVAL for an abstract or unknown class.
 */
int oclass_attributes(daos_oclass_id_t id, struct daos_oclass_attr *ret_attr);

/* Shards of one redundancy group. */
uint32_t oclass_group_size(const struct daos_oclass_attr *attr);

/* What decides the class of an object for which the caller named none. */
struct oclass_choice {
	/* Failures that the container must survive. */
	uint32_t redundancy_factor;
	/* Fault domains, and targets in all of them. */
	uint32_t domains;
	uint32_t targets;
	enum daos_otype_t type;
	daos_oclass_hints_t hints;
};

/*
 * A real class with a number of groups, from 1 to what the targets have room for.
 * Returns 0 or -DER_INVAL for a redundancy factor that no class has.
 */
int oclass_choose(const struct oclass_choice *choice, daos_oclass_id_t *ret_id);

/* Writes type and class into the upper 32 bits of an id, whose other bits are kept. */
void oid_encode(daos_obj_id_t *oid, enum daos_otype_t type, daos_oclass_id_t id);

#endif
