/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The AVL tree. Heights of two siblings differ by at most one; every change rebalances on the way
 * up. */
#include "base/base.h"

void
tree_init(struct tree *tree, tree_compare *compare)
{
	tree->root = NULL;
	tree->compare = compare;
	tree->count = 0;
}

static int
height_of(const struct tree_node *node)
{
	return node ? node->height : 0;
}

static void
height_update(struct tree_node *node)
{
	node->height = 1 + max_of(height_of(node->child[0]), height_of(node->child[1]));
}

/* Puts after (may be NULL) where before hangs below parent. */
static void
replace_child(struct tree *tree, struct tree_node *parent, struct tree_node *before,
	      struct tree_node *after)
{
	if (parent == NULL)
		tree->root = after;
	else
		parent->child[parent->child[1] == before] = after;
	if (after)
		after->parent = parent;
}

/* Lifts the child on side above node and returns it. */
static struct tree_node *
rotate(struct tree *tree, struct tree_node *node, int side)
{
	struct tree_node *lifted = node->child[side];
	struct tree_node *inner = lifted->child[!side];

	replace_child(tree, node->parent, node, lifted);
	lifted->child[!side] = node;
	node->parent = lifted;
	node->child[side] = inner;
	if (inner)
		inner->parent = node;
	height_update(node);
	height_update(lifted);
	return lifted;
}

/* Restores the balance of node, whose subtrees are balanced and differ by at most two; returns the
 * subtree's root. */
static struct tree_node *
balance(struct tree *tree, struct tree_node *node)
{
	int difference = height_of(node->child[1]) - height_of(node->child[0]);
	int side = difference > 0;
	struct tree_node *child;

	if (difference >= -1 && difference <= 1) {
		height_update(node);
		return node;
	}
	child = node->child[side];
	if (height_of(child->child[!side]) > height_of(child->child[side]))
		rotate(tree, child, !side);
	return rotate(tree, node, side);
}

/* Rebalances from node to the root; stops where a subtree kept its height. */
static void
balance_upwards(struct tree *tree, struct tree_node *node)
{
	while (node) {
		int before = node->height;

		node = balance(tree, node);
		if (node->height == before)
			return;
		node = node->parent;
	}
}

struct tree_node *
tree_insert(struct tree *tree, const void *key, struct tree_node *node)
{
	struct tree_node *parent = NULL;
	struct tree_node **place = &tree->root;

	while (*place) {
		int order = tree->compare(key, *place);

		if (order == 0)
			return *place;
		parent = *place;
		place = &parent->child[order > 0];
	}
	*node = (struct tree_node){.parent = parent, .height = 1};
	*place = node;
	tree->count++;
	balance_upwards(tree, parent);
	return NULL;
}

void
tree_remove(struct tree *tree, struct tree_node *node)
{
	struct tree_node *start = node->parent;

	ASSERT(node->height > 0);
	if (node->child[0] && node->child[1]) {
		/* The successor has no smaller child: it leaves its place and takes that of node.
		 */
		struct tree_node *successor = tree_next(node);

		start = successor->parent == node ? successor : successor->parent;
		replace_child(tree, successor->parent, successor, successor->child[1]);
		for (int side = 0; side < 2; side++) {
			successor->child[side] = node->child[side];
			if (successor->child[side])
				successor->child[side]->parent = successor;
		}
		successor->height = node->height;
		replace_child(tree, node->parent, node, successor);
	} else {
		replace_child(tree, node->parent, node,
			      node->child[0] ? node->child[0] : node->child[1]);
	}
	*node = (struct tree_node){0};
	tree->count--;
	balance_upwards(tree, start);
}

struct tree_node *
tree_find(const struct tree *tree, const void *key)
{
	struct tree_node *node = tree->root;

	while (node) {
		int order = tree->compare(key, node);

		if (order == 0)
			return node;
		node = node->child[order > 0];
	}
	return NULL;
}

struct tree_node *
tree_lower_bound(const struct tree *tree, const void *key)
{
	struct tree_node *node = tree->root;
	struct tree_node *best = NULL;

	while (node) {
		int order = tree->compare(key, node);

		if (order <= 0)
			best = node;
		node = node->child[order > 0];
	}
	return best;
}

struct tree_node *
tree_floor(const struct tree *tree, const void *key)
{
	struct tree_node *node = tree->root;
	struct tree_node *best = NULL;

	while (node) {
		int order = tree->compare(key, node);

		if (order >= 0)
			best = node;
		node = node->child[order >= 0];
	}
	return best;
}

/* The outermost member below node on side. */
static struct tree_node *
outermost(struct tree_node *node, int side)
{
	while (node && node->child[side])
		node = node->child[side];
	return node;
}

/* The neighbour of node on side. */
static struct tree_node *
neighbour(const struct tree_node *node, int side)
{
	struct tree_node *parent;

	if (node->child[side])
		return outermost(node->child[side], !side);
	for (parent = node->parent; parent && parent->child[side] == node; parent = node->parent)
		node = parent;
	return parent;
}

struct tree_node *
tree_first(const struct tree *tree)
{
	return outermost(tree->root, 0);
}

struct tree_node *
tree_last(const struct tree *tree)
{
	return outermost(tree->root, 1);
}

struct tree_node *
tree_next(const struct tree_node *node)
{
	return neighbour(node, 1);
}

struct tree_node *
tree_previous(const struct tree_node *node)
{
	return neighbour(node, 0);
}
