/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The chained hash table: at most two members a bucket on average while memory lasts. */
#include "base/base.h"

/* Number of buckets of the first growth; a smaller table is one chain. */
#define BUCKETS_FIRST 16

void
table_init(struct table *table, struct arena *arena)
{
	*table = (struct table){.arena = arena};
}

void
table_fini(struct table *table)
{
	arena_free(table->arena, table->buckets);
	*table = (struct table){.arena = table->arena};
}

static struct table_node *
chain_first(const struct table *table, uint64_t bucket)
{
	return table->buckets ? table->buckets[bucket] : table->single;
}

static struct table_node **
chain_of(struct table *table, uint64_t hash)
{
	return table->buckets ? &table->buckets[hash & table->mask] : &table->single;
}

static void
table_grow(struct table *table)
{
	uint64_t count = table->buckets ? 2 * (table->mask + 1) : BUCKETS_FIRST;
	struct table_node **buckets =
		arena_calloc(table->arena, count, sizeof(struct table_node *));
	uint64_t before = table->mask;

	if (buckets == NULL)
		return;
	for (uint64_t i = 0; i <= before; i++) {
		struct table_node *node = chain_first(table, i);

		while (node) {
			struct table_node *next = node->next;
			struct table_node **chain = &buckets[node->hash & (count - 1)];

			node->next = *chain;
			*chain = node;
			node = next;
		}
	}
	arena_free(table->arena, table->buckets);
	table->buckets = buckets;
	table->single = NULL;
	table->mask = count - 1;
}

void
table_insert(struct table *table, uint64_t hash, struct table_node *node)
{
	struct table_node **chain;

	if (table->count >= 2 * (table->mask + 1))
		table_grow(table);
	chain = chain_of(table, hash);
	node->hash = hash;
	node->next = *chain;
	*chain = node;
	table->count++;
}

struct table_node *
table_find(const struct table *table, uint64_t hash, table_equal *equal, const void *key)
{
	for (struct table_node *node = chain_first(table, hash & table->mask); node;
	     node = node->next)
		if (node->hash == hash && equal(key, node))
			return node;
	return NULL;
}

void
table_remove(struct table *table, struct table_node *node)
{
	struct table_node **place = chain_of(table, node->hash);

	while (*place != node) {
		ASSERT(*place != NULL);
		place = &(*place)->next;
	}
	*place = node->next;
	node->next = NULL;
	table->count--;
}

/* The first member in bucket or a later one. */
static struct table_node *
first_from(const struct table *table, uint64_t bucket)
{
	for (; bucket <= table->mask; bucket++)
		if (chain_first(table, bucket))
			return chain_first(table, bucket);
	return NULL;
}

struct table_node *
table_first(const struct table *table)
{
	return first_from(table, 0);
}

struct table_node *
table_next(const struct table *table, const struct table_node *node)
{
	return node->next ? node->next : first_from(table, (node->hash & table->mask) + 1);
}
