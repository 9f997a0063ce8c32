/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "listing": directories, whose keys are dkeys, akeys, pairs or extents,
 * and listings of them that are under way, left, and taken up again.
 */
#pragma once

#include "sim/check_listing.h"
#include "sim/memory.h"
#include "sim/sim.h"

enum listing_operation {
	LISTING_INSERT,
	LISTING_REMOVE,
	LISTING_DKEYS,
	LISTING_AKEYS,
	LISTING_EXTENTS,
	LISTING_PAIRS,
	LISTING_QUERY,
	LISTING_EPOCH,
	LISTING_SPLIT,
	LISTING_ANCHOR,
	LISTING_VERIFY,
};

enum directory_level { LEVEL_DKEYS, LEVEL_AKEYS, LEVEL_EXTENTS, LEVEL_PAIRS };
enum key_form { FORM_HASHED, FORM_LEXICAL, FORM_INTEGER };

struct directory_kind {
	enum directory_level level;
	enum key_form form;
	enum daos_otype_t type;
	daos_oclass_id_t class;
};

#define DIRECTORY_KINDS 12u
extern const struct directory_kind directory_kinds[DIRECTORY_KINDS];

/* Directories that a run uses at a time. */
#define ACTIVE_MAX 4u
#define DIRECTORY_KEYS_MAX 200u
/* Keys of one change. */
#define CHANGE_KEYS 8u
#define EXTENT_STRIDE 16u
#define EXTENT_RECORD 8u
/* Positions that do not fit an anchor: the handle keeps the latest of them. */
#define POSITIONS_KEPT 64u
#define PAGE_ROOM (20u * 1024)
#define PAGE_KEYS 40u
#define SHARDS_MAX 16u

struct directory {
	const struct directory_kind *kind;
	uint32_t number;
	struct listed_key *keys;
	uint32_t key_count;
	uint32_t unsure; /* changes of keys that nobody saw end */
	struct edge_query *edges;
	uint32_t edge_count, edge_room;
	struct epoch_query *epochs;
	uint32_t epoch_count, epoch_room;
};

/* A listing, its pages so far and where it goes on. */
struct journey {
	struct directory *directory;
	struct listing listing;
	daos_anchor_t anchor;
	daos_anchor_t shards[SHARDS_MAX]; /* when it goes shard by shard */
	uint32_t shard_count, shard;
	uint64_t handle; /* the open that made the anchor, and its calls then */
	uint64_t handle_calls;
};

/* Keys that one call puts or takes away. */
struct change {
	bool busy;
	struct directory *directory;
	bool insert;
	uint32_t count;
	uint32_t keys[CHANGE_KEYS];
	uint32_t entries[CHANGE_KEYS]; /* in the changes of each key */
};

/* What of an actor outlives its fiber. */
struct listing_hand {
	struct change change;
	struct journey *carried; /* the listing that it goes on with; NULL */
	uint8_t *page;		 /* PAGE_ROOM bytes */
};

struct listing_model {
	struct sim *sim;
	struct server *server;
	struct directory **directories;
	uint32_t directory_count;
	struct directory *active[ACTIVE_MAX];
	struct journey **journeys; /* all that were begun */
	uint32_t journey_count;
	struct journey **left; /* to be taken up again */
	uint32_t left_count;
	struct listing_hand *hands; /* by the number of the actor */
	uint32_t hand_count;
	uint64_t handles; /* opened so far */
};

struct open_directory {
	const struct directory *directory;
	daos_handle_t handle;
	uint64_t number;
	uint64_t calls; /* listings on it */
};

struct listing_actor {
	struct actor *actor;
	struct listing_model *model;
	struct listing_hand *hand;
	struct open_directory open[ACTIVE_MAX];
};

/* work_listing_keys.c: */

struct directory *directory_make(struct listing_model *model, const struct directory_kind *kind,
				 uint32_t key_count);
void directory_free(struct directory *directory);
/* The number of a key by its name; NO_KEY. */
uint32_t directory_find(const struct directory *directory, const void *name, uint32_t length);
/* The extent that is the key of a number. */
daos_recx_t extent_of(uint32_t key);
uint32_t extent_find(const struct directory *directory, daos_recx_t extent);
void key_change_add(struct listed_key *key, const struct key_change *change);

/* work_listing_change.c: */

/* The open directory; NULL when it could not be opened. */
struct open_directory *directory_open(struct listing_actor *listing,
				      const struct directory *directory);
void directories_close(struct listing_actor *listing);
/* Whether all that it holds can be read. */
int directory_verify(struct listing_actor *listing, const struct directory *directory);
/* The dkey of directories whose keys are akeys or extents, and the akey of extents. */
daos_key_t directory_dkey(const struct directory *directory, uint64_t *integer);
daos_key_t directory_akey(const struct directory *directory, uint64_t *integer);
void change_make(struct listing_actor *listing, struct directory *directory, bool insert);

/* work_listing_page.c: */

struct journey *journey_begin(struct listing_actor *listing, struct directory *directory);
/* Another listing that goes on where this one does. */
struct journey *journey_copy(struct listing_model *model, const struct journey *journey);
/* One more page; false when the listing has ended, or cannot go on. */
bool journey_go_on(struct listing_actor *listing, struct journey *journey);
void edge_ask(struct listing_actor *listing, struct directory *directory);
void epoch_ask(struct listing_actor *listing, struct directory *directory);
/* An anchor at a key, and what comes first there. */
void anchor_ask(struct listing_actor *listing, struct directory *directory);
