/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a listing may show, must show and must not. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/check_listing.h"
#include "sim/memory.h"

/* ------------------------------------------------ presence */

/* Whether another change of a kind may have happened after this one began and before a time. */
static bool
undone(const struct listed_key *key, const struct key_change *change, uint64_t before)
{
	for (uint32_t i = 0; i < key->change_count; i++) {
		const struct key_change *other = &key->changes[i];

		if (other->insert != change->insert && other->begin < before &&
		    other->end > change->begin)
			return true;
	}
	return false;
}

/* Whether a change of a kind had ended before begin, and none of the other kind came until end. */
static bool
settled(const struct listed_key *key, bool insert, uint64_t begin, uint64_t end)
{
	for (uint32_t i = 0; i < key->change_count; i++) {
		const struct key_change *change = &key->changes[i];

		if (change->insert == insert && change->end < begin && !undone(key, change, end))
			return true;
	}
	return false;
}

static bool
never_inserted(const struct listed_key *key, uint64_t before)
{
	for (uint32_t i = 0; i < key->change_count; i++)
		if (key->changes[i].insert && key->changes[i].begin < before)
			return false;
	return true;
}

enum presence
key_presence(const struct listed_key *key, uint64_t begin, uint64_t end)
{
	if (settled(key, true, begin, end))
		return PRESENCE_ALWAYS;
	if (never_inserted(key, end) || settled(key, false, begin, end))
		return PRESENCE_NEVER;
	return PRESENCE_PERHAPS;
}

/* ------------------------------------------------ telling about it */

static size_t
print_key(const struct listed_key *keys, uint32_t number, char *text, size_t size)
{
	const struct listed_key *key = &keys[number];
	size_t used = (size_t)snprintf(text, size, "key %u of %u bytes (", number, key->length);

	for (uint32_t i = 0; i < min_of(key->length, 12u) && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%02x", key->name[i]);
	for (uint32_t i = 0; i < key->change_count && used < size; i++) {
		const struct key_change *change = &key->changes[i];

		used += (size_t)snprintf(text + used, size - used, " %s %llu..",
					 change->insert ? "put" : "gone",
					 (unsigned long long)change->begin);
		if (used < size && change->end != CHANGE_NEVER)
			used += (size_t)snprintf(text + used, size - used, "%llu",
						 (unsigned long long)change->end);
	}
	if (used < size)
		used += (size_t)snprintf(text + used, size - used, ")");
	return min_of(used, size);
}

static bool
complain(const struct listed_key *keys, uint32_t number, const char *what, uint64_t begin,
	 uint64_t end, char *text, size_t size)
{
	size_t used = print_key(keys, number, text, size);

	if (used < size)
		snprintf(text + used, size - used, " %s, %llu..%llu", what,
			 (unsigned long long)begin, (unsigned long long)end);
	return false;
}

/* ------------------------------------------------ listings */

static bool
order_check(const struct listed_key *keys, const struct listing *listing, char *text, size_t size)
{
	uint32_t runs = 1;

	for (uint32_t i = 1; listing->runs > 0 && i < listing->entry_count; i++) {
		const struct listed_entry *entry = &listing->entries[i];

		if (listing->falls ? keys[entry->key].rank < keys[entry[-1].key].rank
				   : keys[entry->key].rank > keys[entry[-1].key].rank)
			continue;
		if (++runs > listing->runs)
			return complain(keys, entry->key,
					listing->falls ? "comes after a smaller one"
						       : "comes after a greater one",
					listing->begin, entry->end, text, size);
	}
	return true;
}

static bool
entries_check(const struct listed_key *keys, const struct listing *listing, uint32_t *counts,
	      bool lenient, char *text, size_t size)
{
	for (uint32_t i = 0; i < listing->entry_count; i++) {
		const struct listed_entry *entry = &listing->entries[i];

		if (counts[entry->key]++ > 0)
			return complain(keys, entry->key, "is listed twice", listing->begin,
					entry->end, text, size);
		if (!lenient &&
		    key_presence(&keys[entry->key], entry->begin, entry->end) == PRESENCE_NEVER)
			return complain(keys, entry->key, "is listed while it is not there",
					entry->begin, entry->end, text, size);
	}
	return true;
}

bool
listing_check(const struct listed_key *keys, uint32_t key_count, const struct listing *listing,
	      bool lenient, char *text, size_t size)
{
	uint32_t *counts = sim_take((key_count + 1) * sizeof(*counts));
	bool good = entries_check(keys, listing, counts, lenient, text, size) &&
		    order_check(keys, listing, text, size);

	for (uint32_t i = 0; good && listing->complete && !lenient && i < key_count; i++)
		if (counts[i] == 0 &&
		    key_presence(&keys[i], listing->begin, listing->end) == PRESENCE_ALWAYS)
			good = complain(keys, i, "is missing in a listing", listing->begin,
					listing->end, text, size);
	free(counts);
	return good;
}

/* ------------------------------------------------ edges and epochs */

bool
edge_check(const struct listed_key *keys, uint32_t key_count, const struct edge_query *query,
	   char *text, size_t size)
{
	if (query->key != NO_KEY &&
	    key_presence(&keys[query->key], query->begin, query->end) == PRESENCE_NEVER)
		return complain(keys, query->key, "is the largest or smallest, and not there",
				query->begin, query->end, text, size);
	for (uint32_t i = 0; i < key_count; i++) {
		bool beyond = query->key == NO_KEY ||
			      (query->largest ? keys[i].rank > keys[query->key].rank
					      : keys[i].rank < keys[query->key].rank);

		if (beyond && key_presence(&keys[i], query->begin, query->end) == PRESENCE_ALWAYS)
			return complain(keys, i, "lies beyond the largest or smallest",
					query->begin, query->end, text, size);
	}
	return true;
}

/* Whether something was put there between two times for sure. */
static bool
inserted_between(const struct listed_key *keys, uint32_t key_count, uint64_t begin, uint64_t end)
{
	for (uint32_t i = 0; i < key_count; i++)
		for (uint32_t k = 0; k < keys[i].change_count; k++) {
			const struct key_change *change = &keys[i].changes[k];

			if (change->insert && change->begin > begin && change->end < end)
				return true;
		}
	return false;
}

bool
epochs_check(const struct listed_key *keys, uint32_t key_count, const struct epoch_query *queries,
	     uint32_t query_count, char *text, size_t size)
{
	for (uint32_t i = 0; i < query_count; i++) {
		for (uint32_t k = 0; k < query_count; k++) {
			const struct epoch_query *first = &queries[i], *second = &queries[k];
			bool rises;

			if (first->end >= second->begin)
				continue;
			rises = inserted_between(keys, key_count, first->end, second->begin);
			if (rises ? second->epoch > first->epoch : second->epoch >= first->epoch)
				continue;
			snprintf(text, size, "the newest epoch was %llx at %llu and %llx at %llu",
				 (unsigned long long)first->epoch, (unsigned long long)first->end,
				 (unsigned long long)second->epoch,
				 (unsigned long long)second->begin);
			return false;
		}
	}
	return true;
}
