/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Workload "local": hash tables against an array. */
#include <stdlib.h>

#include <gurt/common.h>
#include <gurt/hash.h>

#include "sim/work_local.h"

#define ENTRIES 24u

struct entry {
	d_list_t link;
	uint32_t key;
	int references;
	bool linked, freed;
};

static struct entry *
entry_of(d_list_t *link)
{
	return container_of(link, struct entry, link);
}

static bool
key_compare(struct d_hash_table *table, d_list_t *link, const void *key, unsigned int size)
{
	(void)table;
	return size == sizeof(uint32_t) && memcmp(&entry_of(link)->key, key, size) == 0;
}

static void
key_init(struct d_hash_table *table, d_list_t *link, void *argument)
{
	(void)table;
	entry_of(link)->key = *(uint32_t *)argument;
}

static uint32_t
key_hash(struct d_hash_table *table, const void *key, unsigned int size)
{
	(void)table;
	return d_hash_string_u32(key, size);
}

static uint32_t
record_hash(struct d_hash_table *table, d_list_t *link)
{
	return key_hash(table, &entry_of(link)->key, sizeof(uint32_t));
}

static void
record_add(struct d_hash_table *table, d_list_t *link)
{
	(void)table;
	entry_of(link)->references++;
}

static bool
record_drop(struct d_hash_table *table, d_list_t *link)
{
	(void)table;
	return --entry_of(link)->references == 0;
}

static void
record_free(struct d_hash_table *table, d_list_t *link)
{
	(void)table;
	entry_of(link)->freed = true;
}

static d_hash_table_ops_t callbacks = {
	.hop_key_cmp = key_compare,
	.hop_key_init = key_init,
	.hop_key_hash = key_hash,
	.hop_rec_hash = record_hash,
	.hop_rec_addref = record_add,
	.hop_rec_decref = record_drop,
	.hop_rec_free = record_free,
};

static int
count_visit(d_list_t *link, void *argument)
{
	uint32_t *count = argument;

	*count += entry_of(link)->linked;
	return 0;
}

/* An entry that is out of the table comes in, and one that is in is found. */
static void
table_enter(struct local *local, struct d_hash_table *table, struct entry *entry, uint32_t number)
{
	struct entry other = {.key = number};
	d_list_t *found;

	if (entry->linked) {
		LOCAL_EXPECT(local, d_hash_rec_insert(table, &number, sizeof(number), &other.link,
						      true) == -DER_EXIST);
		found = d_hash_rec_find_insert(table, &number, sizeof(number), &other.link);
		LOCAL_EXPECT(local, found == &entry->link && entry->references == 2);
		d_hash_rec_decref(table, found);
		return;
	}
	*entry = (struct entry){.key = number, .linked = true};
	D_INIT_LIST_HEAD(&entry->link);
	LOCAL_EXPECT(local, d_hash_rec_unlinked(&entry->link));
	switch (stream_draw(local->random, 3)) {
	case 0:
		LOCAL_EXPECT(local, d_hash_rec_insert(table, &number, sizeof(number), &entry->link,
						      true) == 0);
		break;
	case 1:
		LOCAL_EXPECT(local, d_hash_rec_find_insert(table, &number, sizeof(number),
							   &entry->link) == &entry->link);
		break;
	default:
		LOCAL_EXPECT(local, d_hash_rec_insert_anonym(table, &entry->link, &number) == 0);
		break;
	}
	LOCAL_EXPECT(local, entry->references == 1 && !d_hash_rec_unlinked(&entry->link));
}

static void
table_leave(struct local *local, struct d_hash_table *table, struct entry *entry, uint32_t number)
{
	bool by_key = stream_chance(local->random, 50) || !entry->linked, gone;

	gone = by_key ? d_hash_rec_delete(table, &number, sizeof(number))
		      : d_hash_rec_delete_at(table, &entry->link);
	LOCAL_EXPECT(local, gone == entry->linked);
	LOCAL_EXPECT(local, !gone || entry->freed);
	entry->linked = false;
}

static void
table_look(struct local *local, struct d_hash_table *table, struct entry *entry, uint32_t number)
{
	d_list_t *found = d_hash_rec_find(table, &number, sizeof(number));

	LOCAL_EXPECT(local, (found != NULL) == entry->linked);
	if (found == NULL)
		return;
	LOCAL_EXPECT(local, found == &entry->link && entry->references == 2);
	d_hash_rec_addref(table, found);
	LOCAL_EXPECT(local, d_hash_rec_ndecref(table, 2, found) == 0 && entry->references == 1);
	(void)d_hash_rec_evict(table, &number, sizeof(number));
	(void)d_hash_rec_evict_at(table, found);
}

static void
table_end(struct local *local, struct d_hash_table *table, const struct entry *entries,
	  bool inplace)
{
	uint32_t count = 0, linked = 0;

	for (uint32_t i = 0; i < ENTRIES; i++)
		linked += entries[i].linked;
	LOCAL_EXPECT(local, d_hash_table_traverse(table, count_visit, &count) == 0);
	LOCAL_EXPECT(local, count == linked && (d_hash_rec_first(table) != NULL) == (linked > 0));
	d_hash_table_debug(table);
	if (linked > 0)
		LOCAL_EXPECT(local, (inplace ? d_hash_table_destroy_inplace(table, false)
					     : d_hash_table_destroy(table, false)) == -DER_BUSY);
	LOCAL_EXPECT(local, (inplace ? d_hash_table_destroy_inplace(table, true)
				     : d_hash_table_destroy(table, true)) == 0);
	for (uint32_t i = 0; i < ENTRIES; i++)
		LOCAL_EXPECT(local, !entries[i].linked || entries[i].freed);
}

void
local_table(struct local *local)
{
	static const uint32_t features[] = {0, D_HASH_FT_NOLOCK, D_HASH_FT_MUTEX | D_HASH_FT_LRU,
					    D_HASH_FT_RWLOCK | D_HASH_FT_GLOCK};
	uint32_t chosen = features[stream_draw(local->random, ARRAY_SIZE(features))];
	uint32_t bits = (uint32_t)stream_draw(local->random, 5);
	bool inplace = stream_chance(local->random, 50);
	struct d_hash_table own, *table = &own;
	struct entry entries[ENTRIES] = {0};
	int rc = inplace ? d_hash_table_create_inplace(chosen, bits, NULL, &callbacks, &own)
			 : d_hash_table_create(chosen, bits, NULL, &callbacks, &table);

	ASSERT(rc == 0);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t number = (uint32_t)stream_draw(local->random, ENTRIES);

		switch (stream_draw(local->random, 3)) {
		case 0:
			table_enter(local, table, &entries[number], number);
			break;
		case 1:
			table_look(local, table, &entries[number], number);
			break;
		default:
			table_leave(local, table, &entries[number], number);
			break;
		}
	}
	table_end(local, table, entries, inplace);
}
