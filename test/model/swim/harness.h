/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A group of members in virtual time: every message and every deadline is an event of one queue,
 * all chance comes from a seed, and what a link or a node does wrong is said by the scenario. Each
 * node has a clock of its own, set anew at each start.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "swim/swim.h"

#define NODES_MAX 24u
#define SECOND 1000000000ull
#define MILLISECOND 1000000ull
#define PERIOD SECOND
#define SUSPICION (8 * SECOND)

enum node_state { NODE_NONE, NODE_UP, NODE_CRASHED, NODE_LEFT };

/* What one node was told about another. */
struct told {
	uint32_t count[SWIM_EVENT_DUPLICATE + 1];
	enum swim_event_kind last;
};

struct node {
	enum node_state state;
	struct arena *arena;
	struct swim *swim;
	uint64_t start;
	uint64_t offset; /* of its clock */
	uint64_t paused_until;
	uint64_t awake_at; /* of the wake event that counts */
	struct told told[NODES_MAX];
};

struct world {
	struct node nodes[NODES_MAX];
	uint32_t count; /* places in use */
	uint64_t random;
	uint64_t now;
	uint64_t steps;
	struct priority_queue queue;
	uint32_t loss;			/* per thousand */
	uint32_t duplicate;		/* per thousand */
	uint32_t late;			/* per thousand: up to two seconds late */
	uint64_t delay;			/* up to so many ns */
	bool cut[NODES_MAX][NODES_MAX]; /* from, to */
	uint64_t sent;
	uint64_t bytes;
	char violation[256];
};

void world_init(struct world *world, uint32_t count, uint64_t seed);
void world_fini(struct world *world);

uint32_t draw(struct world *world, uint32_t limit);
bool chance(struct world *world, uint32_t per_thousand);

/* A new process for a rank, which knows the ranks of mask. A clock of its own, which may lie behind
 * that of the process before. */
void node_start(struct world *world, uint32_t rank, uint32_t mask);
void node_crash(struct world *world, uint32_t rank);
void node_pause(struct world *world, uint32_t rank, uint64_t duration);
void node_leave(struct world *world, uint32_t rank);

/* All of count nodes, each knowing all. */
void world_start(struct world *world);
void world_run(struct world *world, uint64_t duration);
void links_heal(struct world *world);

/* Forgets what nodes were told so far. */
void told_clear(struct world *world);

/* Keeps the first violation only. */
PRINTF(2, 3) void violate(struct world *world, const char *format, ...);
bool violated(const struct world *world);

/* Whether every node that is up sees all that are up alive in their present process, and all
 * others dead, gone or not at all. ret_why (256 bytes) may be NULL. */
bool converged(const struct world *world, char *ret_why);

/* Runs until converged; a violation when that takes longer than limit. The time it took. */
uint64_t expect_convergence(struct world *world, uint64_t limit, const char *what);

/* Violations when any node in observers was told so of one in subjects. */
void expect_never(struct world *world, uint32_t observers, uint32_t subjects,
		  enum swim_event_kind kind, const char *what);

/* Memory within its limit, and after some quiet nothing left to relay or to pass on. */
void expect_bounds(struct world *world);

/* The time within which the death of a member is known to all, from its last message. */
uint64_t detection_limit(const struct world *world);

#define ALL UINT32_MAX
