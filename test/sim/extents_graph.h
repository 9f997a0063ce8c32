/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The graph of "before" over the operations of one unit: closed under paths, as two rows of bits
 * for each node. A sight is what one look saw of one place: sources, one of which it saw (or the
 * initial state), and others that write there; the source is the last of them all before the look.
 */
#pragma once

#include "base/base.h"

struct extents_sight {
	uint32_t look; /* a node */
	uint32_t tag;  /* for the caller */
	bool initial;  /* the state before all writes explains it */
	uint64_t *sources, *others;
};

struct extents_graph {
	uint32_t count, words;
	uint64_t *begins, *ends;  /* of nodes */
	uint64_t *after, *before; /* rows of bits: who comes after, or before, a node */
	uint64_t *certain;	  /* nodes that happened */
	struct extents_sight *sights;
	uint32_t sight_count, sight_room;
};

/* What cannot be: a sight, and nodes that make it so (UINT32_MAX: none). */
struct extents_fault {
	uint32_t tag;
	uint32_t nodes[2]; /* one that covers, a source */
};

void extents_graph_init(struct extents_graph *graph, uint32_t count);
void extents_graph_fini(struct extents_graph *graph);

/* Sets when a node began and ended (UINT64_MAX: never), and whether it happened for certain. */
void extents_graph_node(struct extents_graph *graph, uint32_t node, uint64_t begin, uint64_t end,
			bool certain);

/* A new sight with empty sets, borrowed until the next one. */
struct extents_sight *extents_graph_sight(struct extents_graph *graph, uint32_t look, uint32_t tag);
/* Joins the last sight to the one before where both say the same. */
void extents_graph_merge(struct extents_graph *graph);

/* Draws all conclusions; false when they contradict each other. */
bool extents_graph_solve(struct extents_graph *graph, struct extents_fault *ret_fault);

static inline void
extents_set(uint64_t *bits, uint32_t node)
{
	bits[node / 64] |= UINT64_C(1) << node % 64;
}

static inline bool
extents_has(const uint64_t *bits, uint32_t node)
{
	return bits[node / 64] >> node % 64 & 1;
}

/* Of the nodes of one word of bits, those whose write is this one. */
static inline uint64_t
extents_matching(const uint64_t *writes, uint64_t bits, uint32_t word, uint64_t write)
{
	uint64_t matching = 0;

	for (uint64_t rest = bits; rest != 0; rest &= rest - 1) {
		uint32_t bit = (uint32_t)__builtin_ctzll(rest);

		if (writes[word * 64 + bit] == write)
			matching |= UINT64_C(1) << bit;
	}
	return matching;
}
