/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names that several layers share: object ids, epochs, request ids. */
#pragma once

#include "base/compiler.h"
#include "base/uuid.h"

/* A 128-bit object id; the top 32 bits of hi are 8 bits type, 8 bits class, 16 bits group count, as
 * in DAOS. */
struct object_id {
	uint64_t lo;
	uint64_t hi;
};

static inline uint32_t
object_id_type(struct object_id id)
{
	return (uint32_t)(id.hi >> 56);
}

static inline uint32_t
object_id_redundancy(struct object_id id)
{
	return (uint32_t)(id.hi >> 48) & 0xff;
}

static inline uint32_t
object_id_groups(struct object_id id)
{
	return (uint32_t)(id.hi >> 32) & 0xffff;
}

static inline bool
object_id_equal(struct object_id a, struct object_id b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

/* How the keys of one level of an object are ordered; its type decides. */
enum key_order { KEY_HASHED, KEY_LEXICAL, KEY_INTEGER };

enum key_order object_id_dkey_order(struct object_id id);
enum key_order object_id_akey_order(struct object_id id);

/* An epoch is an HLC stamp; EPOCH_MAX reads the newest. */
#define EPOCH_MAX UINT64_MAX

/*
 * Names a modifying request for exactly-once execution. The same values accompany it when it is
 * sent again.
 */
struct request_id {
	struct uuid client;  /* incarnation of the client; null: not to be remembered */
	uint64_t sequence;   /* counted per target from 1 */
	uint64_t confirmed;  /* the client has the answers of all sequences below it */
	uint64_t first_sent; /* HLC of the first sending */
};

/* At most this many sequences are open per client and target. */
#define REQUEST_WINDOW 256u
