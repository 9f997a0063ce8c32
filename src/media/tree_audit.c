/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The audit of a B+tree. Each node is claimed, which also ends every circle: a node met again is
 * held twice.
 */
#include "media/node.h"

struct tree_walk {
	struct heap_audit *audit;
	const struct btree_kind *kind;
	int (*visit)(void *argument, const struct btree_audit_record *record);
	void *argument;
	uint64_t leaf;	   /* the last one met */
	uint64_t next;	   /* where it says that the next one is */
	uint64_t count;	   /* records met */
	uint64_t order;	   /* of the last record met */
	uint64_t previous; /* its offset; 0: none */
};

/* Order keys that may lie beneath a branch. */
struct bounds {
	uint64_t low, high;
};

static int
walk_refuse(const struct tree_walk *walk, uint64_t offset, const char *why)
{
	return error_raise(-DER_IO, "tree %s, node %#lx: %s", walk->kind->name,
			   (unsigned long)offset, why);
}

/* The node at offset, claimed and plausible by itself. */
static int
walk_node(const struct tree_walk *walk, uint32_t level, uint64_t offset,
	  const struct node **ret_node)
{
	struct pin *pin = heap_audit_pin(walk->audit);
	const struct node *node = heap_at(pin, offset, sizeof(*node));
	int rc;

	if (!node)
		return pin_outcome(pin);
	if (!node_plausible(walk->kind, level, node) ||
	    (level == 0 && (uint32_t)__builtin_popcountll(node->used) != node->count))
		return walk_refuse(walk, offset, "no node of this tree at this level");
	rc = heap_audit_block(walk->audit, offset, node_size(walk->kind, level, node->capacity));
	if (rc != 0)
		return rc;
	node = heap_at(pin, offset, node_size(walk->kind, level, node->capacity));
	if (!node)
		return pin_outcome(pin);
	if (level == 0 && !places_plausible(node))
		return walk_refuse(walk, offset, "its places are wrong");
	*ret_node = node;
	return 0;
}

static int
walk_record(struct tree_walk *walk, uint64_t offset, const struct node *leaf, uint32_t slot,
	    struct bounds bounds)
{
	struct btree_audit_record record = {
		.order = leaf_order(leaf, slot),
		.offset = leaf_record_offset(walk->kind, offset, leaf, slot),
	};
	bool first = walk->previous == 0;

	if (record.order < bounds.low || record.order > bounds.high)
		return walk_refuse(walk, offset, "a record lies outside its branch");
	if (!first && record.order < walk->order)
		return walk_refuse(walk, offset, "records are out of order");
	if (!first && record.order == walk->order) {
		if (!walk->kind->compare)
			return walk_refuse(walk, offset, "two records have the same order key");
		record.tied = walk->previous;
	}
	walk->order = record.order;
	walk->previous = record.offset;
	walk->count++;
	return walk->visit(walk->argument, &record);
}

static int
walk_leaf(struct tree_walk *walk, uint64_t offset, const struct node *leaf, struct bounds bounds)
{
	int rc = 0;

	if (leaf->previous != walk->leaf || (walk->leaf != 0 && walk->next != offset))
		return walk_refuse(walk, offset, "the chain of leaves is broken");
	walk->leaf = offset;
	walk->next = leaf->next;
	for (uint32_t slot = 0; rc == 0 && slot < leaf->count; slot++)
		rc = walk_record(walk, offset, leaf, slot, bounds);
	return rc;
}

static int
walk_beneath(struct tree_walk *walk, uint32_t level, uint64_t offset, struct bounds bounds)
{
	const struct branch *branches;
	const struct node *node = NULL;
	int rc = walk_node(walk, level, offset, &node);

	if (rc != 0 || level == 0)
		return rc == 0 ? walk_leaf(walk, offset, node, bounds) : rc;
	branches = node_branches(node);
	for (uint32_t i = 0; rc == 0 && i < node->count; i++) {
		struct bounds part = {i == 0 ? bounds.low : branches[i].order,
				      i + 1u < node->count ? branches[i + 1].order : bounds.high};

		if (part.low < bounds.low || part.high > bounds.high || part.low > part.high)
			return walk_refuse(walk, offset, "branches are out of order");
		rc = walk_beneath(walk, level - 1, branches[i].child, part);
	}
	return rc;
}

int
btree_audit(struct heap_audit *audit, const struct btree_kind *kind, uint64_t root,
	    int (*visit)(void *argument, const struct btree_audit_record *record), void *argument)
{
	struct tree_walk walk = {
		.audit = audit, .kind = kind, .visit = visit, .argument = argument};
	struct pin *pin = heap_audit_pin(audit);
	const struct btree_root *top = heap_at(pin, root, sizeof(*top));
	int rc;

	if (!top)
		return pin_outcome(pin);
	if (top->depth > BTREE_DEPTH_MAX || (top->depth == 0) != (top->node == 0) ||
	    (top->depth == 0) != (top->count == 0))
		return error_raise(-DER_IO, "tree %s: its root at %#lx is impossible", kind->name,
				   (unsigned long)root);
	if (top->depth == 0)
		return 0;
	rc = walk_beneath(&walk, top->depth - 1u, top->node, (struct bounds){0, UINT64_MAX});
	if (rc == 0 && walk.next != 0)
		rc = walk_refuse(&walk, walk.leaf, "the last leaf has a next one");
	if (rc == 0 && walk.count != top->count)
		rc = error_raise(-DER_IO, "tree %s: its root at %#lx counts %lu records, not %lu",
				 kind->name, (unsigned long)root, (unsigned long)top->count,
				 (unsigned long)walk.count);
	return rc;
}
