/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The pairing heap. A parent never sorts after its children. */
#include "base/base.h"

static bool
sorts_before(const struct queue_node *a, const struct queue_node *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

/* Makes one heap of two roots (either may be NULL) and returns its root. */
static struct queue_node *
meld(struct queue_node *a, struct queue_node *b)
{
	struct queue_node *winner;
	struct queue_node *loser;

	if (a == NULL || b == NULL)
		return a ? a : b;
	winner = sorts_before(a, b) ? a : b;
	loser = winner == a ? b : a;
	loser->previous = winner;
	loser->next = winner->child;
	if (winner->child)
		winner->child->previous = loser;
	winner->child = loser;
	winner->next = NULL;
	winner->previous = NULL;
	return winner;
}

/* Makes one heap of a chain of siblings: pairs from left to right, then all pairs from right to
 * left. */
static struct queue_node *
meld_siblings(struct queue_node *first)
{
	struct queue_node *pairs = NULL;
	struct queue_node *root = NULL;

	while (first) {
		struct queue_node *a = first;
		struct queue_node *b = a->next;
		struct queue_node *pair;

		first = b ? b->next : NULL;
		a->next = NULL;
		a->previous = NULL;
		if (b) {
			b->next = NULL;
			b->previous = NULL;
		}
		pair = meld(a, b);
		pair->next = pairs;
		pairs = pair;
	}
	while (pairs) {
		struct queue_node *pair = pairs;

		pairs = pair->next;
		pair->next = NULL;
		root = meld(root, pair);
	}
	return root;
}

void
priority_queue_insert(struct priority_queue *queue, struct queue_node *node, uint64_t key)
{
	*node = (struct queue_node){.key = key, .order = queue->inserted++};
	queue->root = meld(queue->root, node);
	queue->count++;
}

void
priority_queue_remove(struct priority_queue *queue, struct queue_node *node)
{
	struct queue_node *children = meld_siblings(node->child);

	ASSERT(queue->count > 0);
	if (node == queue->root) {
		queue->root = children;
	} else {
		if (node->previous->child == node)
			node->previous->child = node->next;
		else
			node->previous->next = node->next;
		if (node->next)
			node->next->previous = node->previous;
		queue->root = meld(queue->root, children);
	}
	queue->count--;
	*node = (struct queue_node){0};
}

struct queue_node *
priority_queue_pop(struct priority_queue *queue)
{
	struct queue_node *node = queue->root;

	if (node)
		priority_queue_remove(queue, node);
	return node;
}
