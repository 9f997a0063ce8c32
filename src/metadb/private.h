/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of metadb. metadb.c opens and closes, store.c is the tree of keys, read.c and
 * propose.c are the two ways in, request.c remembers answers.
 */
#pragma once

#include "metadb/metadb.h"

struct metadb {
	struct media *media;
	struct heap *heap;
	struct arena *arena;
	struct storage *storage;
	char *name;
	uint64_t newest;  /* group of the newest proposal of this run; 0: none */
	uint64_t horizon; /* older first sendings are refused */
	uint32_t active;  /* calls under way */
	bool closing;
	struct wait_queue idle;
};

/* Brackets a call; -DER_NOTLEADER while closing. */
MUST_USE int metadb_enter(struct metadb *metadb);
void metadb_leave(struct metadb *metadb);

/* ------------------------------------------------ format */

#define METADB_MAGIC UINT64_C(0x3142444154454d43)
#define METADB_VERSION 1u

/* At heap_root(). */
struct store_root {
	uint64_t magic;
	uint32_t version;
	uint32_t reserved;
	uint64_t counter; /* of proposals: the version of what the newest one wrote */
	struct btree_root keys;
	uint64_t reserved_end[8];
};
_Static_assert(sizeof(struct store_root) == 112, "on-disk layout");

/* A record of the tree; its order is the first 8 bytes of the key, big-endian. */
struct store_record {
	uint64_t key;	/* offset of a block; never changes */
	uint64_t value; /* offset of a block; 0: empty */
	uint64_t version;
	uint32_t value_length;
	uint16_t key_length;
	uint8_t type;
	uint8_t record_version;
};
_Static_assert(sizeof(struct store_record) == 32, "on-disk layout");

/* Before the bytes of a key or value. */
struct store_block {
	uint8_t type;
	uint8_t version;
	uint16_t reserved;
	uint32_t length;
};
_Static_assert(sizeof(struct store_block) == 8, "on-disk layout");

enum store_type { STORE_RECORD = 0x52, STORE_KEY = 0x4b, STORE_VALUE = 0x56 };

/* ------------------------------------------------ store.c */

/* What was found; key and value borrow the image. */
struct store_entry {
	struct metadb_bytes key;
	struct metadb_bytes value;
	uint64_t version;
};

/* The root, checked. -DER_AGAIN, -DER_DF_INCOMPT, -DER_IO. */
MUST_USE int metadb_store_root(struct pin *pin, const struct store_root **ret_root);

/* The entry of a key. -DER_NONEXIST, -DER_AGAIN, -DER_IO. */
MUST_USE int metadb_store_find(struct pin *pin, struct metadb_bytes key,
			       struct store_entry *ret_entry);

/* The first entry after key. -DER_NONEXIST at the end. */
MUST_USE int metadb_store_above(struct pin *pin, struct metadb_bytes key,
				struct store_entry *ret_entry);

/* Adds to *need what one write may need. */
void metadb_store_need(const struct metadb_write *write, struct tx_need *need);

/* Pins all that metadb_store_write() will touch. -DER_AGAIN, -DER_IO, -DER_NOSPACE. */
MUST_USE int metadb_store_probe(struct tx *tx, const struct metadb_write *write);

/* In apply, after all writes were probed: writes or removes one key. */
void metadb_store_write(struct tx *tx, const struct metadb_write *write, uint64_t version);

/* In apply: counts a proposal and returns its version. */
uint64_t metadb_store_count(struct tx *tx);

/* Claims and checks all that the store holds in its heap, and judges. -DER_IO, -DER_NOMEM. */
MUST_USE int metadb_store_audit(struct heap_audit *heap, const struct heap *of, uint64_t *ret_keys);

/* ------------------------------------------------ request.c */

/* At most this many answers are dropped with one proposal. */
#define REQUEST_DROPS 2u
/* Writes that a request id adds to a proposal. */
#define REQUEST_WRITES (2u + REQUEST_DROPS)
#define REQUEST_KEY 25u
#define REQUEST_MARK 16u

/* The writes that remember one request, with the memory that they borrow. */
struct request_writes {
	uint32_t count;
	struct metadb_write writes[REQUEST_WRITES];
	uint8_t keys[REQUEST_WRITES][REQUEST_KEY];
	uint8_t mark[REQUEST_MARK];
};

static inline bool
request_remembered(const struct request_id *request)
{
	return request && !uuid_empty(&request->client);
}

/*
 * Whether the request is a new one: 0; -DER_ALREADY with its answer (borrows the image);
 * -DER_TX_UNCERTAIN; -DER_AGAIN, -DER_IO.
 */
MUST_USE int metadb_request_judge(struct pin *pin, const struct metadb *metadb,
				  const struct request_id *request,
				  struct metadb_bytes *ret_result);

/* As metadb_request_judge(), with a copy of the answer, by metadb_bytes_free(); it may not be
 * durable yet. *Yields*. */
MUST_USE int metadb_answer_find(struct metadb *metadb, const struct request_id *request,
				struct metadb_bytes *ret_answer);

/* The writes to go with a new request. -DER_AGAIN, -DER_IO. */
MUST_USE int metadb_request_prepare(struct pin *pin, const struct request_id *request,
				    struct metadb_bytes result, struct request_writes *ret_writes);

/* The most that they may need. */
void metadb_request_need(struct metadb_bytes result, struct tx_need *need);

/* ------------------------------------------------ propose.c */

/* Applies writes without conditions and without looking at the reserved prefix; returns durable.
 * *Yields*. */
MUST_USE int metadb_store_apply(struct metadb *metadb, const struct metadb_write *writes,
				uint32_t count);
