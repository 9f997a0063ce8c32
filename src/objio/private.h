/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Inside objio: a pool's targets, and the loop that sends one request until it is judged. */
#pragma once

#include "objio/objio.h"

/* Payload up to this many bytes travels inside the request or the answer. */
#define OBJIO_INLINE (32u * 1024)
/* Akeys and pieces of payload that need no allocation. */
#define OBJIO_FEW 8u

struct objio_target {
	struct rpc_peer *peer;
	struct rpc_window *window;
	uint32_t tag;
};

struct objio_pool {
	struct rpc *rpc;
	struct arena *arena;
	struct env *env;
	struct uuid id;
	struct placement_map placement;
	uint32_t map_version;
	uint64_t patience_ns;
	uint32_t target_count;
	struct objio_target *targets;
};

struct objio {
	struct objio_pool *pool;
	struct uuid handle;
	bool sums;
};

/* ------------------------------------------------ plan: pure */

/* Where an operation on one dkey goes. */
struct objio_place {
	uint32_t group;
	uint32_t target;
};
struct objio_place objio_place_dkey(const struct placement_map *map, struct object_id id,
				    struct objio_key dkey);
struct objio_place objio_place_group(const struct placement_map *map, struct object_id id,
				     uint32_t group);

/* The common begin of a request. */
struct proto_object objio_request(const struct objio *objio, struct object_id id,
				  struct objio_place place, uint32_t conditions);

/* Puts what view asks for into a request to read. */
static inline void
objio_view_ask(const struct objio_view *view, struct proto_object *request)
{
	if (view == NULL)
		return;
	request->epoch = view->epoch;
	request->transaction = view->transaction;
}

/* Takes the epoch that an answer tells. */
static inline void
objio_view_take(struct objio_view *view, uint64_t epoch)
{
	if (view && view->epoch == 0)
		view->epoch = epoch;
}

/* Whether the first answer decides what the others see. */
static inline bool
objio_view_is_open(const struct objio_view *view)
{
	return view && view->epoch == 0 && !uuid_empty(&view->transaction);
}

static inline struct proto_text
objio_text(struct objio_key key)
{
	return (struct proto_text){.data = key.data, .length = key.length};
}

/* Bytes of an akey's extents, or of its single value; -DER_OVERFLOW. */
MUST_USE int objio_akey_bytes(const struct objio_akey *akey, uint64_t *ret_bytes);

/* Sums of the pieces of an akey's payload. */
uint32_t objio_sum_count(const struct objio_akey *akey, uint64_t record_size,
			 uint64_t single_bytes);
void objio_sums(const struct objio_akey *akey, uint64_t record_size, uint64_t single_bytes,
		uint32_t *ret_sums);

/* Extents of one akey in one request. */
#define OBJIO_EXTENTS_MAX 1024u

/* Extents of one part of a large array operation: the store takes no more of 4 KiB or above in one
 * update. */
#define OBJIO_CUT_EXTENTS 32u

/* How many extents, or single values, have 4 KiB or more. */
uint32_t objio_large_extents(const struct objio_akey *akey, uint64_t record_size);

/* Where the cutting of an array's extents into parts has got to. record_size is not above
 * OBJIO_PAYLOAD_MAX. */
struct objio_cut {
	const struct objio_akey *akey;
	uint64_t record_size;
	uint32_t extent;
	uint64_t done; /* records of it */
};

/* The next part: at most OBJIO_CUT_EXTENTS extents of at most OBJIO_PAYLOAD_MAX bytes. False after
 * the last one. */
bool objio_cut_next(struct objio_cut *cut, struct proto_extent extents[OBJIO_CUT_EXTENTS],
		    uint32_t *ret_count, uint64_t *ret_bytes);

/* Part after part of an array that is written. */
struct objio_parts {
	struct objio_cut cut;
	uint64_t offset; /* in the payload */
	struct iovec *slice;
	struct proto_extent extents[OBJIO_CUT_EXTENTS];
	struct objio_akey part; /* the present one; the first one alone has the conditions */
};

/* slice has room for the payload's pieces. Both are borrowed. */
void objio_parts_begin(struct objio_parts *parts, const struct objio_akey *akey,
		       struct iovec *slice);
/* 1: parts->part is the next one; 0: there is none; -DER_INVAL for too little payload. */
MUST_USE int objio_parts_next(struct objio_parts *parts);

/* Whether the values are more than one update takes, so that arrays have to be cut. -DER_REC2BIG
 * for what cannot be cut, -DER_OVERFLOW. */
MUST_USE int objio_judge_size(const struct objio_akey *akeys, uint32_t akey_count, bool *ret_cut);

/* ------------------------------------------------ send */

/*
 * Sends call to a target, again and again as objio_judge() says, with one request id where it
 * modifies; only the commit of a transaction does not start over by itself (OBJIO_RESTART). On
 * return *ret_reply is to be freed by rpc_reply_free() in any case. *Yields*.
 */
MUST_USE int objio_send(struct objio_pool *pool, uint32_t target, struct rpc_call *call,
			bool modifying, struct rpc_reply *ret_reply);

/* ------------------------------------------------ groups */

/* Calls function for each group of an object, for several at the same time, and returns the first
 * failure; where view (may be NULL) is open the first group goes alone. *Yields*. */
MUST_USE int objio_each_group(uint32_t groups, const struct objio_view *view,
			      int (*function)(void *argument, uint32_t group), void *argument);
