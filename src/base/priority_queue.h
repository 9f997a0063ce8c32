/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An intrusive priority queue by 64-bit key, smallest first; equal keys leave in the order they
 * came. A pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986): insert in constant time,
 * removal logarithmic on average, no allocation.
 */
#pragma once

#include "base/compiler.h"

struct queue_node {
	uint64_t key;
	uint64_t order;		  /* number of the insertion: decides between equal keys */
	struct queue_node *child; /* first child */
	struct queue_node *next;  /* sibling */
	struct queue_node
		*previous; /* sibling, or the parent for a first child; NULL for the root */
};

/* Zero-initialised is empty. */
struct priority_queue {
	struct queue_node *root;
	uint64_t count;
	uint64_t inserted;
};

/* Adds node, which is in no queue. */
void priority_queue_insert(struct priority_queue *queue, struct queue_node *node, uint64_t key);

/* Takes any member out. */
void priority_queue_remove(struct priority_queue *queue, struct queue_node *node);

/* The member with the smallest key, or NULL. */
static inline struct queue_node *
priority_queue_first(const struct priority_queue *queue)
{
	return queue->root;
}

/* Takes the member with the smallest key out and returns it, or NULL. */
struct queue_node *priority_queue_pop(struct priority_queue *queue);
