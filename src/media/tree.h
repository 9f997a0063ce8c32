/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * B+trees inside a heap. A record has a 64-bit order key and a fixed number of bytes; records of
 * equal order key are ordered by a compare function of the tree's kind, which may look at bytes
 * elsewhere in the heap. So one tree serves hashed keys (order key = hash), lexical keys (first 8
 * bytes, big endian), integers and epochs.
 *
 * The root (struct btree_root, 24 bytes, all zero when empty) lies inside the record of the owner.
 * Nodes start small and grow, so that a tree of one record costs little. A node that becomes empty
 * is freed; nodes are not merged.
 */
#pragma once

struct btree_root {
	uint64_t node;	/* offset of the top node; 0: empty */
	uint64_t count; /* records */
	uint8_t depth;	/* 0: empty, 1: the top node is a leaf */
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct btree_root) == 24, "on-disk layout");

/* Levels of the highest tree, and branches of a full inner node. */
#define BTREE_DEPTH_MAX 6u
#define BTREE_BRANCHES 64u
/* The largest node_records of a kind. */
#define BTREE_RECORDS_MAX 64u

struct btree_kind {
	const char *name;
	uint8_t id;	       /* stored in every node and checked */
	uint16_t record_size;  /* bytes, a multiple of 8, at most 256 */
	uint16_t node_records; /* of a full leaf, at least 2 */
	/*
	 * Orders the wanted key against a record of equal order key: negative, 0, positive as
	 * wanted sorts before, at, after. May use heap_at(); where that gives NULL it sets pin's
	 * outcome and its result is ignored. It may look only at what never changes in a record.
	 * NULL: order keys are unique.
	 */
	int (*compare)(struct pin *pin, const void *wanted, const void *record);
};

enum btree_match { BTREE_EQUAL, BTREE_AT_LEAST, BTREE_ABOVE, BTREE_AT_MOST, BTREE_BELOW };

/* A place in a tree; valid until the next change of the tree or pin_fini(). */
struct btree_cursor {
	uint64_t node; /* offset of the leaf */
	uint32_t slot;
	uint64_t order;	 /* order key of the record */
	uint64_t record; /* offset of the record's bytes, for heap_at() and tx_change() */
};

/*
 * Finds a record by order key and, where the kind has compare, wanted (NULL: before all of equal
 * order key for AT_LEAST and BELOW, after all of them for ABOVE and AT_MOST; not allowed for
 * EQUAL). root is the offset of the struct btree_root. -DER_NONEXIST; -DER_AGAIN, -DER_IO from the
 * pin.
 */
MUST_USE int btree_find(struct pin *pin, const struct btree_kind *kind, uint64_t root,
			uint64_t order, const void *wanted, enum btree_match match,
			struct btree_cursor *ret_cursor);

/* The first or last record. -DER_NONEXIST when empty. */
MUST_USE int btree_first(struct pin *pin, const struct btree_kind *kind, uint64_t root,
			 struct btree_cursor *ret_cursor);
MUST_USE int btree_last(struct pin *pin, const struct btree_kind *kind, uint64_t root,
			struct btree_cursor *ret_cursor);

/* Moves to the neighbour; amortised O(1) within a leaf. -DER_NONEXIST at the end (cursor
 * untouched). */
MUST_USE int btree_next(struct pin *pin, const struct btree_kind *kind, uint64_t root,
			struct btree_cursor *cursor);
MUST_USE int btree_previous(struct pin *pin, const struct btree_kind *kind, uint64_t root,
			    struct btree_cursor *cursor);

/* Adds to *need what one insert (or remove) into a tree of this kind may need at most. */
void btree_need(const struct btree_kind *kind, struct tx_need *need);

/* As above for a tree of this depth, which the caller then finds to be no greater in apply. */
void btree_need_depth(const struct btree_kind *kind, uint32_t depth, struct tx_need *need);

/* As above for count inserts into one tree. */
void btree_need_count(const struct btree_kind *kind, uint32_t depth, uint32_t count,
		      struct tx_need *need);

/*
 * Looks up and pins all that btree_insert() or btree_remove() of this key will touch, without
 * changing anything. -DER_EXIST when the key is there (cursor at it), -DER_NONEXIST when not,
 * -DER_AGAIN, -DER_IO; -DER_NOSPACE when it is absent and the tree cannot get any higher.
 *
 * Several changes of one tree in one apply: probe all their keys first, then change. Where the kind
 * has compare and order keys of different records may be equal (lexical), btree_probe_wide() must
 * be used for that: it also pins all that a search may look at after the tree's inner nodes have
 * been split.
 */
MUST_USE int btree_probe(struct tx *tx, const struct btree_kind *kind, uint64_t root,
			 uint64_t order, const void *wanted, struct btree_cursor *ret_cursor);
MUST_USE int btree_probe_wide(struct tx *tx, const struct btree_kind *kind, uint64_t root,
			      uint64_t order, const void *wanted, struct btree_cursor *ret_cursor);

/*
 * In apply, after a probe of the same key in this scope found it absent: adds a zeroed record,
 * whose bytes are at *ret_record (already marked changed). The root's zone must be pinned. near:
 * where to allocate; 0: near the root.
 */
void btree_insert(struct tx *tx, const struct btree_kind *kind, uint64_t root, uint64_t order,
		  const void *wanted, uint64_t near, uint64_t *ret_record);

/* In apply, after a probe found it: removes the record. What it points to is the caller's to free
 * first, but where compare looks at such bytes after the removal. */
void btree_remove(struct tx *tx, const struct btree_kind *kind, uint64_t root, uint64_t order,
		  const void *wanted);

/* The same two steps for the last record of a tree, without comparing. -DER_NONEXIST when empty. */
MUST_USE int btree_probe_last(struct tx *tx, const struct btree_kind *kind, uint64_t root,
			      struct btree_cursor *ret_cursor);
void btree_remove_last(struct tx *tx, const struct btree_kind *kind, uint64_t root);

/* ------------------------------------------------ audit */

struct btree_audit_record {
	uint64_t order;
	uint64_t offset; /* of the record's bytes */
	uint64_t tied;	 /* of the record before it, where that has the same order key; else 0 */
};

/*
 * Claims the nodes of the tree at root, checks their structure (levels, counts, order keys,
 * branches, the chain of leaves), and calls visit for each record in order until it returns
 * non-zero, which is returned. Whether tied records are ordered by the kind's compare is for visit
 * to say: only it can make the wanted key of a record. -DER_IO for what is wrong, -DER_NOMEM. Does
 * not yield.
 */
MUST_USE int btree_audit(struct heap_audit *audit, const struct btree_kind *kind, uint64_t root,
			 int (*visit)(void *argument, const struct btree_audit_record *record),
			 void *argument);
