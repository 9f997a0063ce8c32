/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* From a pool map to a tree of units: see struct node. */
#include "placement/private.h"

#include <stdlib.h>

/* A unit (its fill) or a step (its count) before it has its place among those of its parent. */
struct edge {
	uint32_t parent;
	uint32_t value; /* child, or version */
	uint32_t more;
};

struct builder {
	struct arena *arena;
	const struct pool_map *map;
	bool tree;
	/* Included targets by version, then by number. */
	uint32_t *order;
	uint32_t order_count;
	/* Of each domain: targets that came in with the version that touched it last, that version,
	 * units so far, their weight, children that came with its first version. */
	uint32_t *added, *mark, *made, *unit_weight, *siblings;
	uint32_t *touched;
	uint32_t touched_count;
	struct edge *edges;
	uint32_t edge_count, edge_limit;
	struct edge *steps; /* domain, version, units then */
	uint32_t step_count, step_limit;
};

/* A vector of edges that doubles. */
static int
edge_push(struct arena *arena, struct edge **edges, uint32_t *count, uint32_t *limit,
	  struct edge edge)
{
	if (*count == *limit) {
		uint32_t larger = max_of(64u, *limit * 2);
		struct edge *grown = arena_realloc(arena, *edges, larger * sizeof(**edges));

		if (!grown)
			return -DER_NOMEM;
		*edges = grown;
		*limit = larger;
	}
	(*edges)[(*count)++] = edge;
	return 0;
}

static int
unit_push(struct builder *builder, uint32_t parent, uint32_t child, uint32_t fill)
{
	builder->made[parent]++;
	return edge_push(builder->arena, &builder->edges, &builder->edge_count,
			 &builder->edge_limit, (struct edge){parent, child, fill});
}

static int
compare_versions(const void *left, const void *right, void *argument)
{
	const struct pool_map *map = argument;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	uint32_t version_a = map->targets[a].in_version, version_b = map->targets[b].in_version;

	if (version_a != version_b)
		return version_a < version_b ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int
compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/* ------------------------------------------------ one version of the map */

static void
touch(struct builder *builder, uint32_t domain, uint32_t version)
{
	builder->added[domain]++;
	if (builder->mark[domain] == version)
		return;
	builder->added[domain] = 1;
	builder->mark[domain] = version;
	builder->touched[builder->touched_count++] = domain;
}

/* Counts a target in all domains above it. */
static int
target_count(struct builder *builder, uint32_t target, uint32_t version)
{
	uint32_t domain = builder->tree ? builder->map->targets[target].domain : 0;
	uint32_t parent = domain;

	while (domain != 0) {
		touch(builder, domain, version);
		domain = builder->map->domains[domain].parent;
	}
	touch(builder, 0, version);
	return unit_push(builder, parent, target, UINT32_MAX);
}

/* A unit weighs what a child weighs in the mean when the first of them come in. */
static void
unit_weights_set(struct builder *builder)
{
	for (uint32_t i = 0; i < builder->touched_count; i++) {
		uint32_t domain = builder->touched[i];

		if (domain != 0 && builder->unit_weight[builder->map->domains[domain].parent] == 0)
			builder->siblings[builder->map->domains[domain].parent]++;
	}
	for (uint32_t i = 0; i < builder->touched_count; i++) {
		uint32_t domain = builder->touched[i];
		uint32_t siblings = builder->siblings[domain];

		if (builder->unit_weight[domain] == 0)
			builder->unit_weight[domain] =
				siblings == 0 ? 1
					      : (builder->added[domain] + siblings - 1) / siblings;
	}
}

/* What came in with this version, as units of its own, equally filled. */
static int
units_append(struct builder *builder)
{
	int rc = 0;

	for (uint32_t i = 0; i < builder->touched_count && rc == 0; i++) {
		uint32_t domain = builder->touched[i];
		uint32_t parent = builder->map->domains[domain].parent;
		uint64_t unit = builder->unit_weight[parent], added = builder->added[domain];
		uint64_t count = domain == 0 ? 0 : (added + unit - 1) / unit;
		uint32_t fill = added == count * unit
					? UINT32_MAX
					: (uint32_t)((added << 32) / (max_of(count, 1u) * unit));

		for (; rc == 0 && count > 0; count--)
			rc = unit_push(builder, parent, domain, fill);
	}
	return rc;
}

static int
steps_append(struct builder *builder, uint32_t version)
{
	int rc = 0;

	for (uint32_t i = 0; i < builder->touched_count && rc == 0; i++) {
		uint32_t domain = builder->touched[i];

		rc = edge_push(builder->arena, &builder->steps, &builder->step_count,
			       &builder->step_limit,
			       (struct edge){domain, version, builder->made[domain]});
	}
	return rc;
}

/* ------------------------------------------------ all versions, in their order */

static int
versions_add(struct builder *builder, struct domains *tree)
{
	const struct map_target *targets = builder->map->targets;
	uint32_t at = 0;
	int rc = 0;

	while (at < builder->order_count && rc == 0) {
		uint32_t version = targets[builder->order[at]].in_version;

		builder->touched_count = 0;
		for (; at < builder->order_count && rc == 0 &&
		       targets[builder->order[at]].in_version == version;
		     at++)
			rc = target_count(builder, builder->order[at], version);
		qsort(builder->touched, builder->touched_count, sizeof(*builder->touched),
		      compare_numbers);
		unit_weights_set(builder);
		if (rc == 0)
			rc = units_append(builder);
		if (rc == 0)
			rc = steps_append(builder, version);
		tree->versions[tree->version_count++] = (struct step){version, at};
	}
	return rc;
}

static int
order_make(struct builder *builder, const bool *included)
{
	bool sorted = true;

	for (uint32_t i = 0; i < builder->map->target_count; i++)
		if (included[i])
			builder->order[builder->order_count++] = i;
	if (builder->order_count == 0)
		return error_raise(-DER_INVAL, "nothing ever was in service in this pool map");
	for (uint32_t i = 1; i < builder->order_count && sorted; i++)
		sorted = builder->map->targets[builder->order[i - 1]].in_version <=
			 builder->map->targets[builder->order[i]].in_version;
	if (!sorted)
		qsort_r(builder->order, builder->order_count, sizeof(*builder->order),
			compare_versions, (void *)(uintptr_t)builder->map);
	return 0;
}

static int
builder_init(struct builder *builder, struct domains *tree, const bool *included)
{
	uint32_t domains = builder->map->domain_count;
	uint32_t targets = builder->map->target_count;
	uint32_t *block =
		arena_calloc(builder->arena, (size_t)domains * 6 + targets, sizeof(*block));

	if (!block)
		return -DER_NOMEM;
	builder->added = block;
	builder->mark = block + domains;
	builder->made = block + 2 * (size_t)domains;
	builder->unit_weight = block + 3 * (size_t)domains;
	builder->siblings = block + 4 * (size_t)domains;
	builder->touched = block + 5 * (size_t)domains;
	builder->order = block + 6 * (size_t)domains;
	tree->node_count = domains;
	tree->nodes = arena_calloc(builder->arena, domains, sizeof(*tree->nodes));
	tree->versions = arena_alloc(builder->arena, targets * sizeof(*tree->versions));
	if (!tree->nodes || !tree->versions)
		return -DER_NOMEM;
	return order_make(builder, included);
}

static void
builder_fini(struct builder *builder)
{
	arena_free(builder->arena, builder->added);
	arena_free(builder->arena, builder->edges);
	arena_free(builder->arena, builder->steps);
}

/* ------------------------------------------------ tables */

/* Sorts the units by parent, keeping their order. */
static int
units_place(const struct builder *builder, struct domains *tree)
{
	uint32_t first = 0;

	tree->units = arena_alloc(builder->arena, builder->edge_count * sizeof(*tree->units));
	tree->fills = arena_alloc(builder->arena, builder->edge_count * sizeof(*tree->fills));
	tree->pulls = arena_alloc(builder->arena, builder->edge_count * sizeof(*tree->pulls));
	if (!tree->units || !tree->fills || !tree->pulls)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < builder->edge_count; i++)
		tree->nodes[builder->edges[i].parent].unit_count++;
	for (uint32_t i = 0; i < tree->node_count; i++) {
		tree->nodes[i].level = (uint32_t)builder->map->domains[i].level & 15;
		tree->nodes[i].first = first;
		first += tree->nodes[i].unit_count;
		tree->nodes[i].unit_count = 0;
	}
	for (uint32_t i = 0; i < builder->edge_count; i++) {
		struct node *node = &tree->nodes[builder->edges[i].parent];

		tree->fills[node->first + node->unit_count] = builder->edges[i].more;
		tree->units[node->first + node->unit_count++] = builder->edges[i].value;
	}
	return 0;
}

static double
fraction_of(uint32_t fill)
{
	return fill == UINT32_MAX ? 1 : (double)fill / 4294967296.0;
}

/* In double precision, whose four operations are the same on every machine. */
static void
pulls_set(struct domains *tree)
{
	for (uint32_t i = 0; i < tree->node_count; i++) {
		const struct node *node = &tree->nodes[i];
		double weight = 0;

		for (uint32_t unit = 0; unit < node->unit_count; unit++) {
			double fill = fraction_of(tree->fills[node->first + unit]), pull;

			weight += fill;
			pull = fill * (unit + 1) / weight;
			tree->pulls[node->first + unit] =
				pull >= 1 ? UINT32_MAX : (uint32_t)(pull * 4294967296.0);
		}
	}
}

/* Sorts the steps by domain, keeping their order. */
static int
steps_place(const struct builder *builder, struct domains *tree)
{
	uint32_t first = 0;

	tree->steps = arena_alloc(builder->arena, builder->step_count * sizeof(*tree->steps));
	if (!tree->steps)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < builder->step_count; i++)
		tree->nodes[builder->steps[i].parent].step_count++;
	for (uint32_t i = 0; i < tree->node_count; i++) {
		tree->nodes[i].first_step = first;
		first += tree->nodes[i].step_count;
		tree->nodes[i].step_count = 0;
	}
	for (uint32_t i = 0; i < builder->step_count; i++) {
		const struct edge *edge = &builder->steps[i];
		struct node *node = &tree->nodes[edge->parent];

		tree->steps[node->first_step + node->step_count++] =
			(struct step){edge->value, edge->more};
	}
	return 0;
}

/* The distance between the children of a node whose units are whole and in one distance; else 0. */
static uint32_t
stride_of(const struct domains *tree, const struct node *node)
{
	const uint32_t *units = &tree->units[node->first];
	uint32_t stride = node->unit_count > 1 ? units[1] - units[0] : 1;

	if (node->unit_count == 0 || stride == 0 || stride > 15)
		return 0;
	for (uint32_t i = 0; i < node->unit_count; i++)
		if (units[i] != units[0] + i * stride || tree->fills[node->first + i] != UINT32_MAX)
			return 0;
	return stride;
}

static void
strides_set(struct domains *tree)
{
	for (uint32_t i = 0; i < tree->node_count; i++) {
		struct node *node = &tree->nodes[i];
		uint32_t stride = stride_of(tree, node);

		if (stride > 0)
			node->first = tree->units[node->first];
		node->stride = stride & 15;
	}
}

int
placement_tree_build(struct domains *tree, struct arena *arena, const struct pool_map *map,
		     const struct placement_rules *rules, const bool *included)
{
	struct builder builder = {.arena = arena, .map = map, .tree = rules->tree};
	struct domains built = {.node_count = 0};
	int rc = builder_init(&builder, &built, included);

	if (rc == 0)
		rc = versions_add(&builder, &built);
	if (rc == 0)
		rc = units_place(&builder, &built);
	if (rc == 0)
		rc = steps_place(&builder, &built);
	builder_fini(&builder);
	if (rc)
		placement_tree_free(&built, arena);
	else
		*tree = built;
	if (rc)
		return rc;
	pulls_set(tree);
	strides_set(tree);
	return 0;
}

void
placement_tree_free(struct domains *tree, struct arena *arena)
{
	arena_free(arena, tree->nodes);
	arena_free(arena, tree->units);
	arena_free(arena, tree->fills);
	arena_free(arena, tree->pulls);
	arena_free(arena, tree->steps);
	arena_free(arena, tree->versions);
	*tree = (struct domains){.node_count = 0};
}
