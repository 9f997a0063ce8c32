/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The pool map: a versioned tree of fault domains with the targets of a pool as leaves, and the
 * transitions of target states. Pure: a change happens in memory, its version is the caller's to
 * make durable. docs/formats/map.md has the encoding and the states.
 *
 * A transition is all or nothing, raises the version by one when it changes something, and is
 * repeated without effect.
 */
#pragma once

#include "base/base.h"

/* Levels from the top. A map has the same levels everywhere: the root, ranks, targets, and any of
 * the others. */
enum map_level {
	MAP_ROOT,
	MAP_GROUP, /* performance domain */
	MAP_RACK,
	MAP_NODE,
	MAP_RANK, /* an engine */
	MAP_TARGET,
	MAP_LEVELS,
};

/* Numbers of DAOS_TS_*. */
enum target_state {
	TARGET_DOWNOUT = 1, /* out, its data is elsewhere */
	TARGET_DOWN,	    /* out, its data is being rebuilt elsewhere */
	TARGET_UP,	    /* coming in: written, not yet read */
	TARGET_UPIN,	    /* in service */
	TARGET_NEW,	    /* known, in no layout */
	TARGET_DRAIN,	    /* going out: read and written until its data is elsewhere */
	TARGET_STATES,
};

#define MAP_NONE UINT32_MAX
#define MAP_DOMAINS_MAX (1u << 22)
#define MAP_TARGETS_MAX (1u << 22)
#define MAP_RANK_TARGETS_MAX 1024u

/* Behind its parent in the table. */
struct map_domain {
	uint32_t parent; /* index in the table; the root's is itself */
	uint32_t id;	 /* a rank's number; unique among the children of its parent */
	enum map_level level;
};

/* The targets of a rank stand together, in the order of their index. */
struct map_target {
	uint32_t domain; /* of its rank, index in the table */
	uint32_t index;	 /* on the rank */
	enum target_state state;
	bool member;	     /* was in service at some time: layouts count with it for ever */
	bool unfilled;	     /* UP again before what it had held was rebuilt elsewhere */
	uint32_t in_version; /* of the map in which it first came in; 0: it never did */
	uint32_t failure; /* failure sequence: version in which it last began to leave; 0: none */
	uint32_t changed; /* version in which its state last changed */
};

struct pool_map {
	struct arena *arena; /* borrowed; owns the tables */
	uint32_t version;    /* at least 1 */
	uint32_t domain_count;
	uint32_t target_count;
	struct map_domain *domains; /* the first is the root */
	struct map_target *targets; /* their place in this table names them in layouts */
};

/* An engine that joins: its place in the tree, MAP_NONE for a level that the map does not have. */
struct map_engine {
	uint32_t rank;
	uint32_t targets; /* 1 to MAP_RANK_TARGETS_MAX */
	uint32_t group, rack, node;
};

/* One target of a rank, or all of them (index MAP_NONE). */
struct map_address {
	uint32_t rank;
	uint32_t index;
};

/*
 * The map of a new pool, version 1, all targets UPIN. Free with pool_map_free().
 * -DER_INVAL for engines that differ in their levels, no engine or too many; -DER_EXIST for a rank
 * that is named twice; -DER_NOMEM.
 */
MUST_USE int pool_map_create(struct arena *arena, const struct map_engine *engines, uint32_t count,
			     struct pool_map *ret_map);
void pool_map_free(struct pool_map *map);

/* Adds engines, whose targets are NEW until they are reintegrated. Errors as at creation; also
 * -DER_EXIST for a rank that the map has. */
MUST_USE int pool_map_extend(struct pool_map *map, const struct map_engine *engines,
			     uint32_t count);

/*
 * UPIN and DRAIN go DOWN, UP goes back to where it came from, NEW to DOWNOUT; DOWN and DOWNOUT
 * stay. -DER_NONEXIST for a rank or target that the map does not have, here and below.
 */
MUST_USE int pool_map_exclude(struct pool_map *map, const struct map_address *which,
			      uint32_t count);

/* UPIN goes to DRAIN; DRAIN, DOWN and DOWNOUT stay; -DER_BUSY for UP and NEW. */
MUST_USE int pool_map_drain(struct pool_map *map, const struct map_address *which, uint32_t count);

/* NEW, DOWNOUT and DOWN go UP; UP and UPIN stay; -DER_BUSY for DRAIN (revert it instead). */
MUST_USE int pool_map_reintegrate(struct pool_map *map, const struct map_address *which,
				  uint32_t count);

/* Takes a drain or reintegration back that has not ended: DRAIN to UPIN, UP to where it came from;
 * UPIN and DOWNOUT stay; -DER_BUSY for DOWN, -DER_INVAL for NEW. */
MUST_USE int pool_map_revert(struct pool_map *map, const struct map_address *which, uint32_t count);

/*
 * Data lies where the map of this version wants it: DOWN and DRAIN go to DOWNOUT, UP to UPIN.
 * -DER_STALE when a target began to move in a later version, since what moved for the older one is
 * not enough: move on and finish the newer. -DER_INVAL for a version that the map has not reached.
 */
MUST_USE int pool_map_finish(struct pool_map *map, uint32_t version);

/* Whether data moves: some target is DOWN, UP or DRAIN. */
bool pool_map_pending(const struct pool_map *map);

/* The place of a target in the table, or MAP_NONE. Linear. */
uint32_t pool_map_find(const struct pool_map *map, struct map_address address);

/* The rank of a target. */
static inline uint32_t
pool_map_rank(const struct pool_map *map, uint32_t target)
{
	return map->domains[map->targets[target].domain].id;
}

/* Bytes of an encoded map. */
size_t pool_map_size(const struct pool_map *map);
void pool_map_encode(const struct pool_map *map, struct writer *writer);

/*
 * Reads a map and all that its tables promise. Free with pool_map_free(). -DER_PROTO for bytes that
 * are no map or an impossible one, -DER_CSUM for damaged ones, -DER_NOMEM.
 */
MUST_USE int pool_map_decode(struct reader *reader, struct arena *arena, struct pool_map *ret_map);
