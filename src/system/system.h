/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The local engine as its services see it (struct node), and the system service: which engines and which pools exist.
 * Service calls run on loop 0 of the engine that hosts the service's replica.
 */
#pragma once

#include "metadb/metadb.h"
#include "rpc/rpc.h"

struct pool_table;
struct handle_table;

/* One loop of the engine; touched only on that loop. */
struct node_loop {
	struct loop *loop;
	struct media *media;
	struct rpc *rpc;
	struct pool_table *pools;	/* of pool/: the targets served here */
	struct handle_table *handles;	/* of container/: the container handles known here */
};

#define NODE_LOOPS 64u

/* What every service of one engine shares. Constant once the engine has started. */
struct node {
	const char *system;		/* name */
	const char *version;		/* of the software */
	struct uuid system_id;
	struct uuid incarnation;
	uint32_t rank;
	uint32_t target_count;		/* target t is served by loop t % loop_count */
	uint32_t loop_count;
	struct node_loop loops[NODE_LOOPS];
	struct hlc *clock;
	struct storage *storage;	/* names of heaps are the same on all loops */
	uint32_t address_count;
	char addresses[PROTO_ADDRESSES_MAX][128];
	bool thin_default;		/* embedded, demo: a pool without a size is thin */
	uint64_t capacity;		/* bytes of storage that pools may be given; 0: what the file system has */
};

static inline struct node_loop *
node_target_loop(struct node *node, uint32_t target)
{
	return &node->loops[target % node->loop_count];
}

/* The loop of the caller. */
struct node_loop *node_here(struct node *node);

struct system;

/* Creates the store of a new system. *Yields*; on loop 0, as all below. */
MUST_USE int system_format(struct node *node);

/* Opens the system's store and serves PROTO_SYSTEM_* operations that need no pool. *Yields*. */
MUST_USE int system_open(struct node *node, struct system **ret_system);
void system_close(struct system *system);

/* A pool as the system knows it. */
struct system_pool {
	struct uuid id;
	char label[PROTO_LABEL_MAX + 1];
	uint32_t state;			/* enum proto_pool_state */
	uint32_t target_count;
	bool thin;
	uint64_t metadata_bytes, data_bytes;
};

/* Records a pool in state CREATING; -DER_EXIST when the label or id is taken (same request id: its first answer). *Yields*. */
MUST_USE int system_pool_add(struct system *system, const struct system_pool *pool);
/* Moves it to another state. *Yields*. */
MUST_USE int system_pool_set_state(struct system *system, struct uuid id, enum proto_pool_state state);
/* Changes its label; -DER_EXIST. *Yields*. */
MUST_USE int system_pool_set_label(struct system *system, struct uuid id, const char *label);
/* Forgets it. *Yields*. */
MUST_USE int system_pool_remove(struct system *system, struct uuid id);
/* By id or, where that is null, by label. -DER_NONEXIST. *Yields*. */
MUST_USE int system_pool_find(struct system *system, const struct proto_name *name, struct system_pool *ret_pool);
/* Calls visit for each. *Yields*. */
MUST_USE int system_pool_list(struct system *system, int (*visit)(void *argument, const struct system_pool *pool),
			      void *argument);
/* A durable ceiling of the clock, so that stamps stay monotonic over restarts. *Yields*. */
MUST_USE int system_clock_ceiling(struct system *system, uint64_t *ret_ceiling);
MUST_USE int system_raise_ceiling(struct system *system, uint64_t ceiling);
