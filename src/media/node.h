/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A node of a B+tree in the heap: its layout, and whether bytes can be one. */
#pragma once

#include <string.h>

#include "media/media.h"

#define NODE_TYPE 0x54u
#define NODE_VERSION 1u

struct node {
	uint8_t type;
	uint8_t version;
	uint8_t kind;
	uint8_t level; /* 0: leaf */
	uint16_t count;
	uint16_t capacity;
	uint64_t used;	   /* leaf: bit i set: place i holds a record */
	uint64_t previous; /* leaf: neighbours; 0: none */
	uint64_t next;
};
_Static_assert(sizeof(struct node) == 32, "on-disk layout");

/* Behind the header of an inner node. */
struct branch {
	uint64_t order;
	uint64_t child;
};
_Static_assert(sizeof(struct branch) == 16, "on-disk layout");

/* ------------------------------------------------ layout of a node */

/* Behind the header of a leaf: places (bytes, padded to 8), order keys, records. */
static inline size_t
leaf_orders(uint32_t capacity)
{
	return sizeof(struct node) + align_up(capacity, 8);
}

static inline size_t
leaf_records(uint32_t capacity)
{
	return leaf_orders(capacity) + capacity * sizeof(uint64_t);
}

static inline size_t
node_size(const struct btree_kind *kind, uint32_t level, uint32_t capacity)
{
	if (level > 0)
		return sizeof(struct node) + capacity * sizeof(struct branch);
	return leaf_records(capacity) + (size_t)capacity * kind->record_size;
}

static inline uint32_t
node_limit(const struct btree_kind *kind, uint32_t level)
{
	return level > 0 ? BTREE_BRANCHES : kind->node_records;
}

static inline const uint8_t *
leaf_places(const struct node *node)
{
	return (const uint8_t *)(node + 1);
}

static inline uint64_t
leaf_order(const struct node *node, uint32_t slot)
{
	return load_u64((const uint8_t *)node + leaf_orders(node->capacity) +
			slot * sizeof(uint64_t));
}

static inline uint64_t
leaf_record_offset(const struct btree_kind *kind, uint64_t offset, const struct node *node,
		   uint32_t slot)
{
	return offset + leaf_records(node->capacity) +
	       (uint64_t)leaf_places(node)[slot] * kind->record_size;
}

static inline const void *
leaf_record(const struct btree_kind *kind, const struct node *node, uint32_t slot)
{
	return (const uint8_t *)node + leaf_record_offset(kind, 0, node, slot);
}

static inline const struct branch *
node_branches(const struct node *node)
{
	return (const struct branch *)(node + 1);
}

/* Whether the bytes can be a node of this tree at this level; disk content is never trusted. */
static inline bool
node_plausible(const struct btree_kind *kind, uint32_t level, const struct node *node)
{
	if (node->type != NODE_TYPE || node->version != NODE_VERSION || node->kind != kind->id ||
	    node->level != level)
		return false;
	return node->count > 0 && node->count <= node->capacity &&
	       node->capacity <= node_limit(kind, level);
}

/* The same of the places of a leaf: each of another record, and all that are in use. */
static inline bool
places_plausible(const struct node *node)
{
	const uint8_t *places = leaf_places(node);
	uint64_t seen = 0;

	for (uint32_t i = 0; i < node->count; i++) {
		uint64_t place = UINT64_C(1) << (places[i] & 63);

		if (places[i] >= node->capacity || (seen & place) != 0)
			return false;
		seen |= place;
	}
	return seen == node->used;
}
