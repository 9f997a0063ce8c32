/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * One object operation from the caller's side: plan (which shard, pure), fan out, gather, judge
 * (pure), retry. A struct objio_pool is a connected pool as seen from one loop: its map, and a peer
 * and a window of requests per target. A struct objio is an open container of it. All calls
 * *yield*; they wait and go on by themselves when an engine is away, until the fiber's deadline or
 * patience has passed (-DER_TIMEDOUT).
 */
#pragma once

#include "placement/placement.h"
#include "rpc/rpc.h"

struct objio_pool;
struct objio;

struct objio_pool_options {
	struct rpc *rpc; /* of the current loop; borrowed */
	struct uuid pool;
	const struct proto_map *map; /* copied */
	uint64_t patience_ns;	     /* 0: 60 s */
};

/* One per loop and pool: two of them would number the requests of one client twice. -DER_NOMEM. */
MUST_USE int objio_pool_create(const struct objio_pool_options *options,
			       struct objio_pool **ret_pool);
void objio_pool_destroy(struct objio_pool *pool);
struct placement_map objio_pool_placement(const struct objio_pool *pool);

/* An open container, named by its handle; sums: checksums are on. The pool must live longer. */
MUST_USE int objio_create(struct objio_pool *pool, struct uuid handle, bool sums,
			  struct objio **ret_objio);
void objio_destroy(struct objio *objio);

/*
 * What reads see: everything up to an epoch. In a transaction a read counts: what it read is not
 * changed at an earlier time any more; where the epoch is 0 the first read draws it and leaves it
 * here. NULL in place of a view: the newest.
 */
struct objio_view {
	uint64_t epoch;		 /* 0: the newest */
	struct uuid transaction; /* empty: none */
};

struct objio_key {
	const void *data;
	uint32_t length;
};

/* One akey of an operation. */
struct objio_akey {
	struct objio_key key;
	uint32_t type; /* DAOS_IOD_SINGLE, DAOS_IOD_ARRAY */
	uint32_t conditions;
	uint64_t record_size; /* update: in, 0 punches; fetch: out */
	const struct proto_extent *extents;
	uint32_t extent_count;
	const struct iovec *payload; /* update: source; fetch: destination (NULL: sizes only) */
	uint32_t payload_count;
	uint64_t length;	   /* fetch: out, bytes stored in payload */
	struct proto_extent *runs; /* fetch: out where wanted, free with arena_free() */
	uint32_t run_count;
};

/*
 * Writes values under one dkey, all or nothing; only array values of more than OBJIO_PAYLOAD_MAX
 * bytes together, or with very many extents, go in several parts one after another, of which the
 * first one alone has the conditions. Errors are those of vos_update(), besides -DER_TIMEDOUT
 * (outcome unknown), -DER_NO_PERM, -DER_NO_HDL.
 */
#define OBJIO_PAYLOAD_MAX (4u * 1024 * 1024)
MUST_USE int objio_update(struct objio *objio, struct object_id id, struct objio_key dkey,
			  struct objio_akey *akeys, uint32_t akey_count, uint32_t conditions);

/*
 * Reads values of one dkey. Payload is left alone where nothing is stored (record_size 0). More
 * than OBJIO_PAYLOAD_MAX bytes are read in several parts, not at one point in time unless the view
 * says one. -DER_TX_RESTART in a transaction. -DER_TRUNC when a single value is larger than its
 * payload (record_size tells). */
MUST_USE int objio_fetch(struct objio *objio, struct object_id id, struct objio_key dkey,
			 struct objio_akey *akeys, uint32_t akey_count, struct objio_view *view,
			 uint32_t conditions, bool want_runs);

MUST_USE int objio_punch_object(struct objio *objio, struct object_id id, uint32_t conditions);
MUST_USE int objio_punch_dkeys(struct objio *objio, struct object_id id,
			       const struct objio_key *dkeys, uint32_t count, uint32_t conditions);
MUST_USE int objio_punch_akeys(struct objio *objio, struct object_id id, struct objio_key dkey,
			       const struct objio_key *akeys, uint32_t count, uint32_t conditions);

/*
 * Where a listing of an object goes on: which group, and the server's position in it: 3 bytes, 16
 * of hashes and the key, up to its first 512 bytes. Zeroed is the begin.
 */
struct objio_position {
	uint32_t group;
	bool end;
	uint32_t length;
	uint8_t bytes[PROTO_POSITION_MAX];
};

struct objio_entry {
	struct objio_key key;
	uint32_t type;
	struct proto_extent extent;
	uint64_t record_size, epoch;
	struct objio_key value; /* with_akey */
};

/*
 * One page: calls visit for at most limit entries; visit returns > 0 to stop before an entry.
 * level: PROTO_LIST_*, or OBJIO_LIST_EXTENTS_DOWN: extents from the last to the first; of OBJECTS
 * all on all targets, without id, and visit does not stop; an object comes once per shard. Groups
 * one after another; entries are borrowed during the call.
 */
#define OBJIO_LIST_EXTENTS_DOWN 4u
MUST_USE int objio_list(struct objio *objio, struct object_id id, uint32_t level,
			struct objio_key dkey, struct objio_key akey, struct objio_view *view,
			uint32_t limit, struct objio_position *position,
			int (*visit)(void *argument, const struct objio_entry *entry),
			void *argument);

/*
 * Where a listing of dkeys (akey.length 0) or of the akeys below dkey is when dkey, or akey, comes
 * next, whether it exists or not.
 */
MUST_USE int objio_position_at(struct objio *objio, struct object_id id, struct objio_key dkey,
			       struct objio_key akey, struct objio_position *ret_position);

/*
 * Lists the dkeys of an object with lexical or integer dkeys in order over all groups, after
 * from_key (length 0: from the start), each with the value of akey with_akey. *ret_end tells that
 * nothing follows.
 */
MUST_USE int objio_list_ordered(struct objio *objio, struct object_id id, struct objio_key from_key,
				struct objio_key with_akey, struct objio_view *view, uint32_t limit,
				int (*visit)(void *argument, const struct objio_entry *entry),
				void *argument, bool *ret_end);

/* As vos_query_key(), over all groups. */
MUST_USE int objio_query_key(struct objio *objio, struct object_id id, uint32_t flags,
			     struct objio_key dkey, struct objio_key akey, struct objio_view *view,
			     struct proto_object_queried *ret_result);

/* ------------------------------------------------ transactions */

/* Draws the epoch of an open transaction from a target of object id, reading nothing. */
MUST_USE int objio_draw_epoch(struct objio *objio, struct object_id id, struct objio_view *view);

/* One change of a transaction: as the call of that name. Everything is borrowed. */
struct objio_change {
	uint32_t kind; /* enum proto_change_kind */
	uint32_t conditions;
	struct object_id id;
	struct objio_key dkey;	  /* update, punch of akeys */
	struct objio_akey *akeys; /* update; not changed */
	const struct objio_key *keys;
	uint32_t count; /* of akeys or keys */
};

/*
 * Makes all changes at one point in time, in order, or none. view is that of the transaction's
 * reads: its epoch may be 0 where there were none. The condition of a punch of an object counts for
 * each of its groups. Errors are those of the changes; -DER_TX_RESTART: another point in time is
 * needed, nothing was changed; -DER_REC2BIG beyond the PROTO_COMMIT_* limits; -DER_TIMEDOUT and
 * -DER_TX_UNCERTAIN: outcome unknown. An id is used for one commit only.
 */
MUST_USE int objio_commit(struct objio *objio, const struct objio_view *view,
			  const struct objio_change *changes, uint32_t count);

/* ------------------------------------------------ judgement, pure */

enum objio_verdict {
	OBJIO_DONE,    /* success or a final error: give it to the caller */
	OBJIO_AGAIN,   /* send again at once, same request id */
	OBJIO_WAIT,    /* send again after a pause, same request id */
	OBJIO_REFRESH, /* the pool map has changed: get it, plan again, send with a new id */
	OBJIO_RESTART, /* send again with a new id (and a newer epoch drawn by the target) */
};

/* What to do after an attempt ended with code. A request that modifies keeps its id when it is sent
 * again, so whether it was executed makes no difference. */
enum objio_verdict objio_judge(int code);
