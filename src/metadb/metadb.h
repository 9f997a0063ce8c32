/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A small replicated key-value store: the state of one service group (the system; one pool with its containers). It has one
 * replica for now: a proposal is one local transaction of a heap of its own. Callers see what they will see with many
 * replicas: proposing yields, may fail after it took effect, and carries a request id that gives a repeated request its
 * first answer. The service logic proposes effects, with times and ids already drawn, never commands.
 *
 * Keys are bytes in lexical order, values bytes with a version that counts the writes of the whole store.
 */
#pragma once

#include "media/media.h"

struct metadb;

#define METADB_KEY_MAX 1024u
#define METADB_VALUE_MAX (60u * 1024)
#define METADB_RESULT_MAX 4096u
#define METADB_WRITES_MAX 512u
#define METADB_PROPOSAL_MAX (1024u * 1024)

/* Makes the heap "<name>.heap" on media with an empty store. -DER_EXIST, -DER_NOSPACE. *Yields*. */
MUST_USE int metadb_create(struct media *media, const char *name, struct uuid id);

/* *Yields*. -DER_NONEXIST, -DER_DF_INCOMPT, -DER_IO. */
MUST_USE int metadb_open(struct media *media, const char *name, struct metadb **ret_metadb);

/* Closes; waits for proposals under way. *Yields*. */
void metadb_close(struct metadb *metadb);

/* Closes and removes the store. *Yields*. */
void metadb_destroy(struct metadb *metadb);

struct metadb_bytes {
	const void *data;
	uint32_t length;
};

/*
 * Reads a value at the store's newest durable state. *ret_value is allocated from the loop's arena, to be freed by arena_free();
 * ret_version may be NULL. -DER_NONEXIST, -DER_NOTLEADER (not served here). *Yields*.
 */
MUST_USE int metadb_get(struct metadb *metadb, struct metadb_bytes key, struct metadb_bytes *ret_value,
			uint64_t *ret_version);

/*
 * Calls visit for the keys that begin with prefix and sort after `after` (length 0: all), in order, until it returns non-zero, which is
 * returned. Key and value are borrowed during the call, which must not yield. *Yields* between entries.
 */
MUST_USE int metadb_list(struct metadb *metadb, struct metadb_bytes prefix, struct metadb_bytes after,
			 int (*visit)(void *argument, struct metadb_bytes key, struct metadb_bytes value,
				      uint64_t version),
			 void *argument);

/* A precondition: the key has this version; 0: it does not exist. */
struct metadb_condition {
	struct metadb_bytes key;
	uint64_t version;
};

struct metadb_write {
	struct metadb_bytes key;
	struct metadb_bytes value;
	bool remove;
};

struct metadb_proposal {
	const struct request_id *request;	/* NULL: not remembered */
	const struct metadb_condition *conditions;
	uint32_t condition_count;
	const struct metadb_write *writes;
	uint32_t write_count;
	struct metadb_bytes result;		/* remembered as the answer to request */
};

/*
 * Applies all writes or none, and returns when they are durable. -DER_AGAIN when a condition does not hold (read again and
 * propose again), -DER_NOSPACE, -DER_TX_UNCERTAIN, -DER_REC2BIG, -DER_IO. -DER_ALREADY when request was executed before: its result is in
 * *ret_result (to be freed by arena_free(); untouched otherwise). *Yields*.
 */
MUST_USE int metadb_propose(struct metadb *metadb, const struct metadb_proposal *proposal,
			    struct metadb_bytes *ret_result);

/* The answer that request got when it was executed before. -DER_NONEXIST when it was not. *Yields*. */
MUST_USE int metadb_answered(struct metadb *metadb, const struct request_id *request,
			     struct metadb_bytes *ret_result);

/* Forgets what a client left. *Yields*. */
MUST_USE int metadb_forget_client(struct metadb *metadb, struct uuid client);
