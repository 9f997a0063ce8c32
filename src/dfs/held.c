/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The table of files that are open through a mount, by object id. Pure; its user has a lock. */
#include "dfs/private.h"

#define BUCKETS_FIRST 64u

static struct held **
bucket_of(const struct held_table *table, daos_obj_id_t oid)
{
	return &table->buckets[hash_combine(oid.lo, oid.hi) & (table->bucket_count - 1)];
}

struct held *
held_find(const struct held_table *table, daos_obj_id_t oid)
{
	struct held *held = table->bucket_count ? *bucket_of(table, oid) : NULL;

	while (held && !oid_equal(held->oid, oid))
		held = held->next;
	return held;
}

/* Twice as many buckets; where memory is out, the chains get longer. */
static void
grow(struct held_table *table)
{
	uint32_t count = max_of(table->bucket_count * 2, BUCKETS_FIRST);
	struct held **buckets = file_alloc(count * sizeof(struct held *));
	struct held_table old = *table;

	if (buckets == NULL)
		return;
	table->buckets = buckets;
	table->bucket_count = count;
	for (uint32_t i = 0; i < old.bucket_count; i++) {
		while (old.buckets[i]) {
			struct held *held = old.buckets[i];
			struct held **bucket = bucket_of(table, held->oid);

			old.buckets[i] = held->next;
			held->next = *bucket;
			*bucket = held;
		}
	}
	client_free(old.buckets);
}

struct held *
held_take(struct held_table *table, daos_obj_id_t oid, struct held **spare)
{
	struct held *held = held_find(table, oid);
	struct held **bucket;

	if (held == NULL && table->count >= table->bucket_count)
		grow(table);
	if (held == NULL && *spare && table->bucket_count > 0) {
		held = *spare;
		*spare = NULL;
		bucket = bucket_of(table, oid);
		*held = (struct held){.oid = oid, .state = HELD_NAMED, .next = *bucket};
		list_init(&held->objects);
		*bucket = held;
		table->count++;
	}
	if (held)
		held->count++;
	return held;
}

struct held *
held_drop(struct held_table *table, struct held *held)
{
	struct held **link = bucket_of(table, held->oid);

	ASSERT(held->count > 0);
	if (--held->count > 0)
		return NULL;
	while (*link != held)
		link = &(*link)->next;
	*link = held->next;
	table->count--;
	return held;
}

void
held_fini(struct held_table *table)
{
	client_free(table->buckets);
	*table = (struct held_table){.buckets = NULL};
}
