/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An intrusive balanced binary tree (AVL: Adelson-Velsky and Landis, 1962), ordered by a comparison
 * function. All operations take a number of steps logarithmic in the number of members and allocate
 * nothing.
 */
#pragma once

#include "base/compiler.h"

struct tree_node {
	struct tree_node *parent;
	struct tree_node *child[2]; /* smaller, greater */
	int height;		    /* 1 for a leaf; 0: in no tree */
};

/* Negative, 0 or positive as key sorts before, equal to or after node. */
typedef int tree_compare(const void *key, const struct tree_node *node);

struct tree {
	struct tree_node *root;
	tree_compare *compare;
	uint64_t count;
};

void tree_init(struct tree *tree, tree_compare *compare);

static inline bool
tree_empty(const struct tree *tree)
{
	return tree->root == NULL;
}

/*
 * Adds node, whose key is key. When a member with an equal key exists the tree is unchanged and
 * that member is returned; NULL after adding. The key inside node must not change while it is a
 * member.
 */
struct tree_node *tree_insert(struct tree *tree, const void *key, struct tree_node *node);

/* Takes a member out. */
void tree_remove(struct tree *tree, struct tree_node *node);

/* The member with key, or NULL. */
struct tree_node *tree_find(const struct tree *tree, const void *key);

/* The first member that is not before key, or NULL. */
struct tree_node *tree_lower_bound(const struct tree *tree, const void *key);

/* The last member that is not after key, or NULL. */
struct tree_node *tree_floor(const struct tree *tree, const void *key);

/* Members in order; NULL at the ends. */
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_last(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
struct tree_node *tree_previous(const struct tree_node *node);

#define tree_entry(node, type, member) container_of(node, type, member)

#define TREE_FOR_EACH(node, tree) \
	for (struct tree_node *node = tree_first(tree); node != NULL; node = tree_next(node))
