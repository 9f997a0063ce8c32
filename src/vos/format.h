/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The records of a store in its heap, as in docs/formats/vos.md. All integers are little-endian;
 * each record begins with a type and a version byte.
 */
#pragma once

#include "vos/vos.h"

#define RECORD_VERSION 1u
/* Of the root: 2 has transactions, 3 tails of blobs. */
#define STORE_VERSION 3u

enum record_type {
	RECORD_STORE = 0x56,
	RECORD_CONTAINER = 0x43,
	RECORD_CONTAINER_ROOT = 0x63,
	RECORD_OBJECT = 0x4f,
	RECORD_DKEY = 0x44,
	RECORD_AKEY = 0x41,
	RECORD_KEY = 0x4b,
	RECORD_EXTENT = 0x45,
	RECORD_BLOB = 0x42,
	RECORD_TAIL = 0x74,
	RECORD_HISTORY = 0x48,
	RECORD_INCARNATIONS = 0x4c,
	RECORD_INCARNATION = 0x49,
	RECORD_CLIENT = 0x52,
	RECORD_REQUESTS = 0x72,
	RECORD_DEAD = 0x58,
	RECORD_STALE = 0x53,
	RECORD_PARKED = 0x70,
	RECORD_INTENT = 0x69,
	RECORD_PARTICIPANTS = 0x50,
	RECORD_INTENT_BLOCK = 0x62,
};

/* Ids of the kinds of trees, stored in nodes and in dead records. */
enum tree_id {
	TREE_CONTAINERS = 1,
	TREE_OBJECTS,
	TREE_DKEYS_HASHED,
	TREE_DKEYS_LEXICAL,
	TREE_DKEYS_INTEGER,
	TREE_AKEYS_HASHED,
	TREE_AKEYS_LEXICAL,
	TREE_AKEYS_INTEGER,
	TREE_EXTENTS,
	TREE_HISTORY,
	TREE_VERSIONS,
	TREE_INCARNATIONS,
	TREE_CLIENTS,
	TREE_DEAD,
	TREE_STALE,
	TREE_PARKED,
	TREE_INTENTS,
	TREE_IDS,
};

/* "CairnVOS" */
#define STORE_MAGIC UINT64_C(0x534f566e72696143)
#define STORE_COMPATIBLE UINT64_C(0)
#define STORE_READ_COMPATIBLE UINT64_C(0)
#define STORE_INCOMPATIBLE UINT64_C(0)

/* At heap_root(). */
struct store_root {
	uint8_t type; /* RECORD_STORE */
	uint8_t version;
	uint8_t reserved[6];
	uint64_t magic;
	uint64_t compatible; /* feature bits */
	uint64_t read_compatible;
	uint64_t incompatible;
	uint64_t next_dead; /* order key of the next dead record */
	struct btree_root containers;
	struct btree_root clients;
	struct btree_root dead;
	struct btree_root stale;
	struct btree_root intents;
};
_Static_assert(sizeof(struct store_root) == 168, "on-disk layout");
_Static_assert(sizeof(struct store_root) <= HEAP_ROOT, "fits the root of a heap");

struct container_record {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[6];
	struct uuid id;
	uint64_t root; /* struct container_root, which never moves */
};
_Static_assert(sizeof(struct container_record) == 32, "on-disk layout");

struct container_root {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[6];
	struct btree_root objects;
	struct btree_root parked;
	uint64_t collected; /* below it only snapshots are readable */
};
_Static_assert(sizeof(struct container_root) == 64, "on-disk layout");
#define CONTAINER_ROOT_VERSION 2u

/*
 * The incarnations of an object, dkey or akey: the newest creation and the newest punch; what they
 * replaced is in a tree at older
 * + 8 (struct incarnations).
 */
struct life {
	uint64_t created;
	uint64_t punched;
	uint64_t older;
};

struct incarnations {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[6];
	struct btree_root entries; /* by epoch */
};
_Static_assert(sizeof(struct incarnations) == 32, "on-disk layout");

enum incarnation_kind { INCARNATION_CREATE = 1, INCARNATION_PUNCH = 2 };

struct incarnation {
	uint8_t type;
	uint8_t version;
	uint8_t kind; /* enum incarnation_kind */
	uint8_t reserved[5];
};
_Static_assert(sizeof(struct incarnation) == 8, "on-disk layout");

#define KEY_INLINE_MAX 16u

enum entity_flag {
	ENTITY_STALE = 1,     /* something beneath may be collected */
	ENTITY_DISPLACED = 2, /* akey: history may hold what is still current */
	ENTITY_PARKED = 4,    /* object: snapshots keep something that is collected without them */
};

/* The common part of objects, dkeys and akeys. */
struct entity {
	uint8_t type;
	uint8_t version;
	uint8_t flags;	     /* enum entity_flag */
	uint8_t value;	     /* akey: enum vos_value_type */
	uint32_t key_length; /* object: the shard */
	union {
		uint64_t hash;	  /* second hash of a hashed key; of other keys 0 */
		uint64_t renamed; /* object: the newest epoch in which a dkey came or went */
	};
	union {
		uint8_t bytes[KEY_INLINE_MAX]; /* keys up to this length; objects: the id */
		uint64_t offset;	       /* struct key_record */
		struct object_id id;
	} key;
	struct life life;
	uint64_t written;	    /* the newest epoch of any change beneath */
	struct btree_root children; /* object: dkeys; dkey: akeys; akey: what was overwritten */
};
_Static_assert(sizeof(struct entity) == 88, "on-disk layout");

struct key_record {
	uint8_t type;
	uint8_t version;
	uint16_t length;
	uint32_t reserved;
	/* the bytes of the key */
};
_Static_assert(sizeof(struct key_record) == 8, "on-disk layout");

enum extent_flag { EXTENT_HOLE = 1 };

/*
 * count records written at epoch. Tree of extents: the order key is the first record. Tree of
 * versions: the order key is the epoch.
 */
struct extent_record {
	uint8_t type;
	uint8_t version;
	uint8_t flags; /* enum extent_flag */
	uint8_t reserved[5];
	uint64_t count; /* single values: 1 */
	uint64_t epoch;
	uint64_t blob; /* struct blob; 0 for a hole */
};
_Static_assert(sizeof(struct extent_record) == 32, "on-disk layout");

struct akey_record {
	struct entity entity;
	uint64_t record_size; /* of the newest write that had one */
	union {
		struct extent_record newest; /* single: the newest version; type 0: none */
		struct {
			struct btree_root extents; /* array: what is current, disjoint */
			uint64_t longest;	   /* count of the longest extent in the history */
		} array;
	} value;
};
_Static_assert(sizeof(struct akey_record) == 128, "on-disk layout");

/* Overwritten extents that begin at the same record, which is the order key. */
struct history_record {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[6];
	struct btree_root versions;
};
_Static_assert(sizeof(struct history_record) == 32, "on-disk layout");

enum blob_flag {
	BLOB_DATA = 1, /* in the data space; else the payload follows inside the heap */
	BLOB_TAIL = 2, /* the last bytes of the payload are in a block of their own */
};

#define BLOB_EXTENTS_MAX 16u

/* Stored bytes with their sums, shared by the extents into which a write was cut. */
struct blob {
	uint8_t type;
	uint8_t version;
	uint8_t flags; /* enum blob_flag */
	uint8_t reserved;
	uint32_t references;
	uint64_t start; /* byte of the array at which the payload begins */
	uint64_t record_size;
	uint32_t length; /* bytes */
	uint16_t sum_count;
	uint16_t extent_count; /* BLOB_TAIL: bytes in the tail */
	/* uint32_t sums[sum_count], padded to 8; then struct data_extent[extent_count], or the
	 * payload, or the offset of the tail (8 bytes) and what of the payload is not in it */
};
_Static_assert(sizeof(struct blob) == 32, "on-disk layout");

struct blob_tail {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[6];
	/* the bytes */
};
_Static_assert(sizeof(struct blob_tail) == 8, "on-disk layout");
_Static_assert(sizeof(struct data_extent) == 16, "on-disk layout");

struct client_record {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[2];
	uint32_t capacity; /* entries of requests, a power of two up to REQUEST_WINDOW */
	struct uuid client;
	uint64_t confirmed;
	uint64_t latest;   /* HLC: the newest first sending */
	uint64_t requests; /* struct requests */
};
_Static_assert(sizeof(struct client_record) == 48, "on-disk layout");

struct request_entry {
	uint64_t sequence; /* 0: none; its place is sequence % capacity */
	uint64_t epoch;
	int32_t result;
	uint32_t reserved;
};
_Static_assert(sizeof(struct request_entry) == 24, "on-disk layout");

struct requests {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[6];
	/* struct request_entry[capacity] */
};
_Static_assert(sizeof(struct requests) == 8, "on-disk layout");

/* A tree that nothing refers to any more, to be freed in steps. The order key counts up. */
struct dead_record {
	uint8_t type;
	uint8_t version;
	uint8_t tree;  /* enum tree_id */
	uint8_t child; /* of dkeys: enum tree_id of their akeys; else 0 */
	uint8_t reserved[4];
	struct btree_root root;
};
_Static_assert(sizeof(struct dead_record) == 32, "on-disk layout");

/* An object with something that becomes free to collect at the epoch that is the order key. */
struct stale_record {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[2];
	uint32_t shard;
	struct uuid container;
	struct object_id id;
};
_Static_assert(sizeof(struct stale_record) == 40, "on-disk layout");

/*
 * An object with something that only snapshots keep. The first and the last of its keepers, one
 * snapshot for each part, and how many snapshots there were from one to the other when it was
 * looked at: while they are as many, nothing has become free.
 */
struct parked_record {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[2];
	uint32_t shard;
	struct object_id id;
	uint64_t first, last;
	uint64_t snapshots;
};
_Static_assert(sizeof(struct parked_record) == 48, "on-disk layout");

/* ------------------------------------------------ transactions */

enum intent_state {
	INTENT_PARTIAL = 0, /* not all changes are stored, or it is being forgotten */
	INTENT_PREPARED = 1,
	INTENT_COMMITTED = 2,
	INTENT_APPLIED = 3,
};

/* A transaction that is prepared, or applied and known to its leader still. The order key is the
 * hash of its id. */
struct intent_record {
	uint8_t type;
	uint8_t version;
	uint8_t state; /* enum intent_state */
	uint8_t leads; /* 1: this store is the leader's */
	uint32_t leader;
	struct uuid id;
	struct uuid container;
	uint64_t epoch;
	uint32_t change_count;
	uint32_t applied; /* of them; their blocks are free */
	uint32_t participant_count;
	uint32_t reserved;
	uint64_t participants; /* struct participants; 0: none */
	uint64_t first, last;  /* struct intent_block: of the first change not applied, and the
				  last one of all; 0: none */
};
_Static_assert(sizeof(struct intent_record) == 88, "on-disk layout");

struct participants {
	uint8_t type;
	uint8_t version;
	uint8_t reserved[2];
	uint32_t count;
	/* uint32_t targets[count], padded to 8 */
};
_Static_assert(sizeof(struct participants) == 8, "on-disk layout");

enum intent_block_flag { INTENT_BLOCK_LAST = 1 }; /* of its change */

/* A part of an encoded change. All but the last of a change have INTENT_PART_MAX bytes. */
struct intent_block {
	uint8_t type;
	uint8_t version;
	uint8_t flags; /* enum intent_block_flag */
	uint8_t reserved;
	uint32_t length; /* bytes that follow, a multiple of 8 */
	uint64_t next;	 /* of the same change, or the first of the next one; 0: none */
};
_Static_assert(sizeof(struct intent_block) == 16, "on-disk layout");
#define INTENT_PART_MAX (HEAP_ALLOC_MAX - (uint32_t)sizeof(struct intent_block))
_Static_assert(INTENT_PART_MAX % 8 == 0, "no word lies in two blocks");
#define INTENT_BLOCKS_MAX 16u /* of one change */

enum intent_change_flag { INTENT_WHOLE = 1 }; /* it holds the whole object, not only its dkeys */

/*
 * One change: then the dkey; then per key an intent_key, its bytes, and of an akey of an update its
 * extents (index and count, 8 bytes each); then for each value in order the offset of its blob (0:
 * a hole, or released). Bytes of keys are padded to 8.
 */
struct intent_change {
	uint8_t kind;  /* enum vos_op_kind */
	uint8_t flags; /* enum intent_change_flag */
	uint8_t minor; /* of the epoch */
	uint8_t reserved;
	uint32_t count; /* of keys */
	struct object_id object;
	uint32_t shard;
	uint32_t dkey_length; /* 0: none */
	uint32_t value_count;
	uint32_t reserved_more;
};
_Static_assert(sizeof(struct intent_change) == 40, "on-disk layout");

struct intent_key {
	uint8_t value; /* enum vos_value_type; punches: 0 */
	uint8_t reserved[3];
	uint32_t length;
	uint32_t extent_count; /* arrays */
	uint32_t reserved_more;
	uint64_t record_size; /* 0: a hole */
};
_Static_assert(sizeof(struct intent_key) == 24, "on-disk layout");
