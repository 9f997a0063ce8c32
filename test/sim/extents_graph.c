/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See extents_graph.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/extents_graph.h"
#include "sim/memory.h"

void
extents_graph_init(struct extents_graph *graph, uint32_t count)
{
	uint32_t words = count / 64 + 1;
	size_t rows = (size_t)count * words + 1;

	*graph = (struct extents_graph){.count = count, .words = words};
	graph->begins = sim_take((count + 1) * sizeof(uint64_t));
	graph->ends = sim_take((count + 1) * sizeof(uint64_t));
	graph->after = sim_take(rows * sizeof(uint64_t));
	graph->before = sim_take(rows * sizeof(uint64_t));
	graph->certain = sim_take(words * sizeof(uint64_t));
}

void
extents_graph_fini(struct extents_graph *graph)
{
	for (uint32_t i = 0; i < graph->sight_count; i++)
		free(graph->sights[i].sources);
	free(graph->sights);
	free(graph->begins);
	free(graph->ends);
	free(graph->after);
	free(graph->before);
	free(graph->certain);
}

void
extents_graph_node(struct extents_graph *graph, uint32_t node, uint64_t begin, uint64_t end,
		   bool certain)
{
	graph->begins[node] = begin;
	graph->ends[node] = end;
	if (certain)
		extents_set(graph->certain, node);
}

struct extents_sight *
extents_graph_sight(struct extents_graph *graph, uint32_t look, uint32_t tag)
{
	struct extents_sight *sight;

	if (graph->sight_count == graph->sight_room) {
		graph->sight_room = max_of(graph->sight_room * 2, 64u);
		graph->sights = sim_grow(graph->sights, graph->sight_room * sizeof(*graph->sights));
	}
	sight = &graph->sights[graph->sight_count++];
	*sight = (struct extents_sight){.look = look, .tag = tag};
	sight->sources = sim_take(2 * graph->words * sizeof(uint64_t));
	sight->others = sight->sources + graph->words;
	return sight;
}

static uint32_t
bit_count(const uint64_t *bits, uint32_t words)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < words; i++)
		count += (uint32_t)__builtin_popcountll(bits[i]);
	return count;
}

/* Two sights of one look with one and the same source are one: of both places. */
void
extents_graph_merge(struct extents_graph *graph)
{
	struct extents_sight *last = &graph->sights[graph->sight_count - 1], *before = last - 1;
	size_t size = graph->words * sizeof(uint64_t);

	if (graph->sight_count < 2 || before->look != last->look || before->tag != last->tag ||
	    before->initial != last->initial || memcmp(before->sources, last->sources, size) != 0)
		return;
	if (memcmp(before->others, last->others, size) != 0 &&
	    (last->initial || bit_count(last->sources, graph->words) != 1))
		return;
	for (uint32_t i = 0; i < graph->words; i++)
		before->others[i] |= last->others[i];
	free(last->sources);
	graph->sight_count--;
}

/* ------------------------------------------------ before and after */

static uint64_t *
after(const struct extents_graph *graph, uint32_t node)
{
	return &graph->after[(size_t)node * graph->words];
}

static uint64_t *
before(const struct extents_graph *graph, uint32_t node)
{
	return &graph->before[(size_t)node * graph->words];
}

/* Adds the bits of node and of row to those of each node in targets, and of node `self`. */
static void
spread_to(struct extents_graph *graph, const uint64_t *targets, uint32_t self,
	  uint64_t *(*row_of)(const struct extents_graph *graph, uint32_t node),
	  const uint64_t *row, uint32_t node)
{
	for (uint32_t i = 0; i < graph->count; i++) {
		uint64_t *target;

		if (i != self && !extents_has(targets, i))
			continue;
		target = row_of(graph, i);
		for (uint32_t k = 0; k < graph->words; k++)
			target[k] |= row[k];
		extents_set(target, node);
	}
}

struct solving {
	struct extents_graph *graph;
	const struct extents_sight *sight;
	struct extents_fault *fault;
	bool changed;
	uint64_t *covers;  /* certain others before the look */
	uint64_t *sources; /* that may still be it */
};

static bool
complain(struct solving *solving, uint32_t cover, uint32_t source)
{
	*solving->fault = (struct extents_fault){solving->sight->tag, {cover, source}};
	return false;
}

/* False: it closes a cycle. */
static bool
put_before(struct solving *solving, uint32_t first, uint32_t second)
{
	struct extents_graph *graph = solving->graph;

	if (first == second || extents_has(after(graph, second), first))
		return false;
	if (extents_has(after(graph, first), second))
		return true;
	spread_to(graph, before(graph, first), first, after, after(graph, second), second);
	spread_to(graph, after(graph, second), second, before, before(graph, first), first);
	solving->changed = true;
	return true;
}

static void
order_by_time(struct extents_graph *graph)
{
	for (uint32_t i = 0; i < graph->count; i++) {
		for (uint32_t k = 0; k < graph->count; k++) {
			if (graph->ends[i] >= graph->begins[k])
				continue;
			extents_set(after(graph, i), k);
			extents_set(before(graph, k), i);
		}
	}
}

/* ------------------------------------------------ conclusions of one sight */

#define NONE UINT32_MAX

static uint32_t
first_of(const uint64_t *bits, uint32_t words)
{
	for (uint32_t i = 0; i < words; i++)
		if (bits[i] != 0)
			return i * 64 + (uint32_t)__builtin_ctzll(bits[i]);
	return NONE;
}

/* Who certainly covers the place before the look, and which sources may come behind all of them. */
static void
gather(struct solving *solving)
{
	const struct extents_graph *graph = solving->graph;
	const struct extents_sight *sight = solving->sight;

	for (uint32_t i = 0; i < graph->words; i++) {
		solving->covers[i] = sight->others[i] & graph->certain[i] &
				     before(graph, sight->look)[i];
		solving->sources[i] = sight->sources[i] & ~after(graph, sight->look)[i];
	}
	for (uint32_t node = 0; node < graph->count; node++) {
		if (!extents_has(solving->covers, node))
			continue;
		for (uint32_t i = 0; i < graph->words; i++)
			solving->sources[i] &= ~before(graph, node)[i];
	}
}

/* The only source that is left happened, before the look and behind all that cover. */
static bool
fix_source(struct solving *solving, uint32_t source)
{
	struct extents_graph *graph = solving->graph;

	if (!extents_has(graph->certain, source)) {
		extents_set(graph->certain, source);
		solving->changed = true;
	}
	if (!put_before(solving, source, solving->sight->look))
		return complain(solving, NONE, source);
	for (uint32_t node = 0; node < graph->count; node++)
		if (extents_has(solving->covers, node) && !put_before(solving, node, source))
			return complain(solving, node, source);
	return true;
}

/* What would leave no source if it came before the look comes after it. */
static bool
place_others(struct solving *solving)
{
	struct extents_graph *graph = solving->graph;
	const struct extents_sight *sight = solving->sight;

	for (uint32_t node = 0; node < graph->count; node++) {
		bool left = false;

		if (!extents_has(sight->others, node) || !extents_has(graph->certain, node) ||
		    extents_has(before(graph, sight->look), node) ||
		    extents_has(after(graph, sight->look), node))
			continue;
		for (uint32_t i = 0; i < graph->words && !left; i++)
			left = (solving->sources[i] & ~before(graph, node)[i]) != 0;
		if (!left && !put_before(solving, sight->look, node))
			return complain(solving, node, first_of(solving->sources, graph->words));
	}
	return true;
}

static bool
conclude(struct solving *solving)
{
	uint32_t words = solving->graph->words;
	uint32_t left, cover;

	gather(solving);
	cover = first_of(solving->covers, words);
	left = bit_count(solving->sources, words);
	if (cover != NONE || !solving->sight->initial) {
		if (left == 0)
			return complain(solving, cover, first_of(solving->sight->sources, words));
		if (left == 1 && !fix_source(solving, first_of(solving->sources, words)))
			return false;
	}
	return place_others(solving);
}

bool
extents_graph_solve(struct extents_graph *graph, struct extents_fault *ret_fault)
{
	struct solving solving = {.graph = graph, .fault = ret_fault, .changed = true};
	bool good = true;

	order_by_time(graph);
	solving.covers = sim_take(graph->words * sizeof(uint64_t));
	solving.sources = sim_take(graph->words * sizeof(uint64_t));
	while (good && solving.changed) {
		solving.changed = false;
		for (uint32_t i = 0; good && i < graph->sight_count; i++) {
			solving.sight = &graph->sights[i];
			good = conclude(&solving);
		}
	}
	free(solving.covers);
	free(solving.sources);
	return good;
}
