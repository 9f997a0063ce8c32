/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Where the shards of an object are. Pure. Every call takes the placement version of the pool; a
 * version, once released, gives the same answers for ever (golden files pin it).
 *
 * Version 0: one fault domain, classes without redundancy (S1 .. SX): group g of an object lies on
 * the target number (jump hash of the object id over the targets + g) modulo the targets.
 */
#pragma once

#include "base/base.h"

#define PLACEMENT_VERSION 0u

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
