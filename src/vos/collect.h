/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of collecting. collect_dead.c takes apart what nothing refers to any more. collect.c
 * chooses an object, among the stale or the parked, and gives it its new place at the end;
 * collect_object.c walks it, dkey by dkey and akey by akey, collect_value.c looks at values. Each
 * step frees one thing in one transaction.
 *
 * Something written at epoch w is seen from w until it is replaced or punched. Reads are made at
 * snapshots, and at any epoch from the collector's on; so it is free as soon as the first such
 * epoch not below w does not see it: none after that sees it either.
 */
#pragma once

#include "vos/private.h"

/* Records looked at in one step. */
#define SCAN_BATCH 128u

/* ------------------------------------------------ collect_dead.c */

/* One record of a tree, and what is freed with it. */
struct burial {
	uint64_t order; /* of the dead record */
	uint8_t tree, child;
	uint64_t root; /* offset of the tree's root */
	bool last;     /* its only record */
	bool ended;    /* nothing is dead */
	uint64_t blob;
	uint64_t key, older;	   /* blocks to be freed; 0: none */
	struct btree_root entries; /* of older */
	struct btree_root children[2];
	uint8_t children_tree[2], children_child[2];
};

void burial_child(struct burial *burial, uint32_t i, uint32_t tree, uint32_t child,
		  const struct btree_root *root);
/* offset may be 0. */
MUST_USE int burial_blob(struct edit *edit, struct burial *burial, uint64_t offset);
/* What hangs from an object, dkey or akey. child: the kind of a dkey's akeys. */
MUST_USE int burial_entity(struct edit *edit, struct burial *burial, uint64_t offset, uint32_t tree,
			   uint32_t child);
void burial_need(struct edit *edit);
/* In apply: frees the blocks of a record that is gone and lets its trees join the dead. */
void burial_finish(struct edit *edit, const struct burial *burial);

/* Takes apart what is dead, up to *credits records; *ended when nothing is left. *Yields*. */
MUST_USE int bury_all(struct vos *vos, uint32_t *credits, bool *ended);

/* ------------------------------------------------ collect.c */

/* How far the older incarnations of an entity were looked at. */
struct sifting {
	uint64_t epoch; /* of the last one */
	bool done;
	bool alive; /* one of its creations is seen by somebody */
};

/* Where the collector stands. */
struct collector {
	bool busy; /* in the object of record */
	struct stale_record record;
	uint64_t order; /* of the stale record; 0: the object was parked */
	uint64_t epoch;
	uint64_t removals;	 /* of snapshots, when it began */
	uint64_t object_written; /* likewise */
	uint64_t dkey_written;
	struct sifting object_life, dkey_life, akey_life;
	struct vos_position dkey, akey;	       /* behind what is done */
	uint64_t history_start, history_epoch; /* of the akey in work: where to look on */
	uint64_t version_epoch;
	uint64_t extent_start;
	uint64_t in_dkey, in_akey;	     /* offsets of those in work; 0: none */
	bool dkey_remaining, akey_remaining; /* something in it is not free yet */
	bool later;			     /* something of the object gets free with time */
	uint64_t held_first, held_last;	     /* the snapshots that keep something; 0: none */
};

enum step_kind {
	STEP_NOTHING,	  /* only the position moved */
	STEP_ABANDON,	  /* the object cannot be judged now */
	STEP_REMOVE,	  /* an entity that nobody can see */
	STEP_INCARNATION, /* one older incarnation */
	STEP_OLDER,	  /* all of them */
	STEP_HISTORY,	  /* all that was overwritten */
	STEP_VERSION,	  /* one version of a single value */
	STEP_NEWEST,	  /* the newest one, which a punch hides */
	STEP_PIECE,	  /* one extent of the history */
	STEP_EXTENT,	  /* one current extent that a punch hides */
	STEP_CLEAR,	  /* marks of an entity that is clean */
	STEP_FINISH,	  /* the object is done */
};

struct step {
	enum step_kind kind;
	struct collector *next;		/* where the collector stands after the step */
	const struct snapshot_set *set; /* of its container */
	uint64_t container;		/* offset of struct container_root */
	uint64_t parent, entity;	/* offsets of the tree's root and of the record */
	struct ordered_key key;
	uint64_t object;       /* offset; 0: gone */
	uint8_t object_flags;  /* as they are */
	bool parked;	       /* it has a parked record */
	uint64_t order, epoch; /* of a record in a tree */
	bool only;	       /* the last record of that tree */
	bool finishes;	       /* STEP_REMOVE: of the object itself */
	uint32_t held;	       /* snapshots from held_first to held_last */
	struct burial burial;
};

/* ------------------------------------------------ collect_object.c */

/* The lives of an entity and of those above it, the object first. */
struct chain {
	struct life lives[3];
	uint32_t count;
};

/* The first epoch not below written at which somebody reads. */
uint64_t read_epoch(const struct step *step, uint64_t written);

/* Notes that something written at that epoch is not free, though it was replaced or punched. */
void keep(struct step *step, uint64_t written, bool *remaining);
/* As above where a later snapshot (0: not known) sees it as well: old snapshots go first. */
void keep_by(struct step *step, uint64_t written, uint64_t snapshot, bool *remaining);

/* The last snapshot below replaced, and below the collector's epoch; 0: none. */
uint64_t last_read(const struct step *step, uint64_t replaced);

/* Nothing up to *ret_bound is seen at epoch. */
MUST_USE int chain_bound(struct edit *edit, const struct chain *chain, uint64_t epoch,
			 uint64_t *ret_bound);

/* The newest punch of the chain. */
uint64_t chain_punched(const struct chain *chain);

/* Whether somebody sees what was written at that epoch, and replaced at another (UINT64_MAX: not).
 */
MUST_USE int chain_shows(struct edit *edit, const struct step *step, const struct chain *chain,
			 uint64_t written, uint64_t replaced, bool *ret_shows);

/* Looks for something to free in the object at cursor of the tree at parent. */
MUST_USE int object_step(struct edit *edit, struct step *step, uint64_t parent,
			 const struct btree_cursor *cursor, const struct vos_object *object);

/* ------------------------------------------------ collect_value.c */

/* Looks for something to free in the values of an akey. -DER_NONEXIST when all was looked at. */
MUST_USE int value_step(struct edit *edit, struct step *step, uint64_t akey,
			const struct chain *chain);
/* The changes that they plan. */
void value_step_apply(struct edit *edit, const struct step *step);
