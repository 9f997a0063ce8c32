/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Listings of keys that come and go meanwhile. A key that was there all the time stands in a
 * listing exactly once, one that was never there while its page was made does not stand in it, and
 * every other at most once; in the order of the keys.
 */
#pragma once

#include "base/base.h"

/* The end of a change that nobody saw end: it happens at some time after its begin, or never. */
#define CHANGE_NEVER UINT64_MAX

/* A key was put there, or taken away; what had no effect is not noted. */
struct key_change {
	uint64_t begin, end;
	bool insert;
};

struct listed_key {
	uint8_t *name;
	uint32_t length;
	uint32_t rank; /* its place in the order of all keys */
	uint64_t hash; /* of the name */
	struct key_change *changes;
	uint32_t change_count, change_room;
};

enum presence {
	PRESENCE_NEVER,
	PRESENCE_PERHAPS,
	PRESENCE_ALWAYS,
};

/* Whether the key was there from begin to end. */
enum presence key_presence(const struct listed_key *key, uint64_t begin, uint64_t end);

struct listed_entry {
	uint32_t key;
	uint64_t begin, end; /* of the call that showed it */
};

struct listing {
	uint64_t begin, end; /* of the first and of the last call */
	struct listed_entry *entries;
	uint32_t entry_count, entry_room;
	uint32_t runs; /* parts that are in order each; 0: there is no order */
	bool falls;    /* from the last key to the first */
	bool complete; /* it came to its end */
};

/*
 * Judges a listing. With lenient, acknowledged changes may have been lost: only repetitions and
 * the order are looked at. False: text says what is wrong.
 */
bool listing_check(const struct listed_key *keys, uint32_t key_count, const struct listing *listing,
		   bool lenient, char *text, size_t size);

#define NO_KEY UINT32_MAX

/* The largest or smallest key, as it was asked for. */
struct edge_query {
	uint64_t begin, end;
	bool largest;
	uint32_t key; /* NO_KEY: there was none */
};

bool edge_check(const struct listed_key *keys, uint32_t key_count, const struct edge_query *query,
		char *text, size_t size);

/* The newest epoch of what holds the keys. */
struct epoch_query {
	uint64_t begin, end;
	uint64_t epoch;
};

/* Epochs never fall, and rise with every insert that lies between two queries. */
bool epochs_check(const struct listed_key *keys, uint32_t key_count,
		  const struct epoch_query *queries, uint32_t query_count, char *text, size_t size);
