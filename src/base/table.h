/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An intrusive chained hash table. It grows by doubling as members come; when memory for that is
 * out, the chains get longer and nothing fails.
 */
#pragma once

#include "base/arena.h"

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

/* Whether node has this key. */
typedef bool table_equal(const void *key, const struct table_node *node);

struct table {
	struct arena *arena;
	struct table_node **buckets; /* NULL: the single one below */
	struct table_node *single;
	uint64_t mask; /* number of buckets - 1 */
	uint64_t count;
};

/* Sets up an empty table that takes its buckets from arena (borrowed). */
void table_init(struct table *table, struct arena *arena);

/* Frees the buckets; members, if any, are left to their owners. */
void table_fini(struct table *table);

/* Adds node under hash (well spread over all bits). The caller has made sure that its key is
 * absent. */
void table_insert(struct table *table, uint64_t hash, struct table_node *node);

/* The member with this hash for which equal() holds, or NULL. */
struct table_node *table_find(const struct table *table, uint64_t hash, table_equal *equal,
			      const void *key);

/* Takes a member out. */
void table_remove(struct table *table, struct table_node *node);

/* All members, in no order; NULL at the end. The table must not change between the two calls. */
struct table_node *table_first(const struct table *table);
struct table_node *table_next(const struct table *table, const struct table_node *node);

#define table_entry(node, type, member) container_of(node, type, member)

#define TABLE_FOR_EACH(node, table)                                      \
	for (struct table_node *node = table_first(table); node != NULL; \
	     node = table_next(table, node))

/* As TABLE_FOR_EACH(); the present member may be removed and freed meanwhile. */
#define TABLE_FOR_EACH_SAFE(node, table)                                              \
	for (struct table_node *node = table_first(table),                            \
			       *node##_after = node ? table_next(table, node) : NULL; \
	     node != NULL;                                                            \
	     node = node##_after, node##_after = node ? table_next(table, node) : NULL)
