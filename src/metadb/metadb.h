/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A small replicated key-value store: the state of one service group (the system; one pool with its
 * containers). It has one replica for now: a proposal is one local transaction of a heap of its
 * own. Callers see what they will see with many replicas: proposing yields, may fail after it took
 * effect, and carries a request id that gives a repeated request its first answer. The service
 * logic proposes effects, with times and ids already drawn, never commands.
 *
 * Keys are bytes in lexical order, values bytes with a version that counts the proposals of the
 * whole store. docs/formats/services.md is the normative page.
 */
#pragma once

#include "media/media.h"

struct metadb;

#define METADB_KEY_MAX 1024u
#define METADB_VALUE_MAX (60u * 1024)
#define METADB_RESULT_MAX 4096u
/* Of one proposal; bytes count keys and values. */
#define METADB_WRITES_MAX 32u
#define METADB_PROPOSAL_MAX (128u * 1024)
/* Keys that begin with this byte belong to the store itself. */
#define METADB_RESERVED 0xffu

struct metadb_options {
	struct uuid id;
	uint64_t size; /* bytes that it may grow to; 0: 32 MiB */
	bool thin;     /* do not preallocate */
};

/* Makes the heap "<name>.heap" on media with an empty store. -DER_EXIST, -DER_NOSPACE. *Yields*. */
MUST_USE int metadb_create(struct media *media, const char *name,
			   const struct metadb_options *options);

/*
 * Opens it; reading and proposing begin after media_start(). *Yields*. -DER_NONEXIST,
 * -DER_DF_INCOMPT, -DER_IO.
 */
MUST_USE int metadb_open(struct media *media, const char *name, struct metadb **ret_metadb);

/* Refuses new calls with -DER_NOTLEADER, waits for those under way, closes. *Yields*. */
void metadb_close(struct metadb *metadb);

/* As metadb_close(), and removes the store from the disk. *Yields*. */
MUST_USE int metadb_destroy(struct metadb *metadb);

struct metadb_bytes {
	const void *data;
	uint32_t length;
};

/* The bytes of a text without its terminator. */
static inline struct metadb_bytes
metadb_text(const char *text)
{
	return (struct metadb_bytes){text, (uint32_t)strlen(text)};
}

/*
 * Reads a value at the store's newest durable state. *ret_value is allocated from the loop's arena,
 * to be freed by metadb_bytes_free(); ret_version may be NULL. -DER_NONEXIST, -DER_NOTLEADER (not
 * served here), -DER_NOMEM, -DER_IO. *Yields*.
 */
MUST_USE int metadb_get(struct metadb *metadb, struct metadb_bytes key,
			struct metadb_bytes *ret_value, uint64_t *ret_version);

/*
 * What became of decoding a value that begins with a version: -DER_DF_INCOMPT when this program
 * knows versions up to newest only, -DER_IO when it is not a value of that form. what: "a
 * container".
 */
MUST_USE int metadb_value_check(const struct reader *reader, uint16_t version, uint16_t newest,
				const char *what);

/* Frees what metadb_get(), metadb_propose() or metadb_answered() gave. */
void metadb_bytes_free(struct metadb *metadb, struct metadb_bytes *bytes);

/*
 * Calls visit for the keys that begin with prefix and sort after `after` (length 0: all), in order,
 * until it returns non-zero, which is returned. Key and value are borrowed during the call, which
 * must not yield. Everything visited is durable when the call returns. *Yields* between entries.
 */
MUST_USE int metadb_list(struct metadb *metadb, struct metadb_bytes prefix,
			 struct metadb_bytes after,
			 int (*visit)(void *argument, struct metadb_bytes key,
				      struct metadb_bytes value, uint64_t version),
			 void *argument);

/* A precondition: the key has this version; 0: it does not exist. */
struct metadb_condition {
	struct metadb_bytes key;
	uint64_t version;
};

struct metadb_write {
	struct metadb_bytes key;
	struct metadb_bytes value;
	bool remove; /* a key that is absent stays so */
};

struct metadb_proposal {
	const struct request_id *request; /* NULL, or of no client: not remembered */
	const struct metadb_condition *conditions;
	uint32_t condition_count;
	const struct metadb_write *writes; /* no key twice */
	uint32_t write_count;
	struct metadb_bytes result; /* remembered as the answer to request */
	bool privileged;	    /* may use the space kept for removals */
};

/*
 * Applies all writes or none, and returns when they are durable. -DER_AGAIN when a condition does
 * not hold (read again and propose again), -DER_NOSPACE, -DER_TX_UNCERTAIN, -DER_REC2BIG,
 * -DER_INVAL, -DER_NOTLEADER, -DER_IO. -DER_ALREADY when request was executed before: its result is
 * in *ret_result where that is not NULL (untouched otherwise). *Yields*.
 */
MUST_USE int metadb_propose(struct metadb *metadb, const struct metadb_proposal *proposal,
			    struct metadb_bytes *ret_result);

/*
 * The answer that request got when it was executed before. -DER_NONEXIST when it was not;
 * -DER_TX_UNCERTAIN when that is not known any more. *Yields*.
 */
MUST_USE int metadb_answered(struct metadb *metadb, const struct request_id *request,
			     struct metadb_bytes *ret_result);

/* Forgets what a client left. *Yields*. */
MUST_USE int metadb_forget_client(struct metadb *metadb, struct uuid client);

/*
 * Refuses from now on requests first sent before horizon (an HLC stamp), and forgets clients that
 * sent nothing since. *Yields*.
 */
MUST_USE int metadb_set_horizon(struct metadb *metadb, uint64_t horizon);

/* Space of the store's heap. Does not yield. */
void metadb_figures(const struct metadb *metadb, struct heap_space *ret_space);

/*
 * Checks every record of the store, and that its heap holds exactly what they refer to; see
 * heap_audit_begin(). *ret_keys of them. -DER_IO with a text, -DER_NOTLEADER, errors of media.
 * *Yields*.
 */
MUST_USE int metadb_audit(struct metadb *metadb, uint64_t *ret_keys);
