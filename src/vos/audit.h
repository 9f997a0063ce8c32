/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the audit: audit.c walks what the root of a store names, audit_entity.c objects and
 * keys, audit_value.c what they hold.
 */
#pragma once

#include "vos/private.h"

struct audit {
	struct vos *vos;
	struct heap_audit *heap;
	struct pin *pin;
	struct vos_audit figures;
	struct table blobs; /* struct shared_blob */
	struct table found; /* struct found_object */
	uint64_t stale_objects;
	uint64_t parked_objects, parked; /* of one container: marked, met */
	uint64_t parent;		 /* the tree of its objects; 0: it is dead */
	/* Where it stands, for the text of what is found. */
	const char *part;
	bool has_container, has_object, has_dkey, has_akey;
	struct uuid container;
	struct vos_object object;
	uint64_t dkey, akey; /* order keys */
};

/* -DER_IO with a text. */
#define audit_refuse(...) error_raise(-DER_IO, __VA_ARGS__)

/* What is known of the entities of a tree from above. */
struct audit_level {
	struct audit *audit;
	const struct btree_kind *kind;
	uint32_t child;	  /* dkeys: kind of the trees of their akeys */
	uint64_t written; /* of the parent */
	uint64_t bound;	  /* what is not newer is hidden */
	bool live;	  /* nothing above is among the dead or hidden: marks must be right */
	bool marked;	  /* everything above is marked stale */
};

/* The tree of entities at root. */
MUST_USE int audit_entities(struct audit_level *level, uint64_t root);

/* The trees and values of an akey; hidden: up to this epoch. *ret_stale: something of it waits to
 * be collected. */
MUST_USE int audit_akey(struct audit *audit, const struct akey_record *akey, uint64_t offset,
			uint64_t hidden, bool *ret_stale);

/* Trees that hang from akeys, also among the dead. longest: of struct akey_record; akey: its
 * offset, where what is current covers the history. Of versions alone nobody knows where they
 * begin. */
MUST_USE int audit_extents(struct audit *audit, uint64_t root, uint64_t written, uint64_t hidden,
			   bool *ret_hidden);
MUST_USE int audit_history(struct audit *audit, uint64_t root, uint64_t longest, uint64_t akey);
MUST_USE int audit_versions(struct audit *audit, uint64_t root);

/* The tree of older incarnations at root; older than these. */
MUST_USE int audit_incarnations(struct audit *audit, uint64_t root, uint64_t created,
				uint64_t punched);

/* A value that a prepared change owns. */
MUST_USE int audit_waiting_value(struct audit *audit, uint64_t offset);

/* A transaction; for btree_audit(). */
MUST_USE int audit_intent_visit(void *argument, const struct btree_audit_record *record);

/* uuid_hash() orders a tree, the UUID decides between equal ones. */
MUST_USE int audit_uuid_order(struct audit *audit, const struct btree_kind *kind,
			      const struct btree_audit_record *record, const struct uuid *id);

/* After everything: every shared blob was met as often as it counts. */
MUST_USE int audit_blobs_judge(const struct audit *audit);
void audit_blobs_fini(struct audit *audit);
