/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The local engine as its services see it (struct node), and the system service: which engines and
 * which pools exist. Service calls run on loop 0 of the engine that hosts the service's replica.
 */
#pragma once

#include "acl/acl.h"
#include "metadb/metadb.h"
#include "rpc/rpc.h"

struct pool_table;
struct handle_table;
struct object_service;

/* One loop of the engine; touched only on that loop. */
struct node_loop {
	struct loop *loop;
	struct media *media;
	struct rpc *rpc;
	struct pool_table *pools;	/* of pool/: the targets served here */
	struct handle_table *handles;	/* of container/: the container handles known here */
	struct object_service *objects; /* of object/: what serves the targets here */
};

#define NODE_LOOPS 64u

/* What every service of one engine shares. Constant once the engine has started. */
struct node {
	const char *system;  /* name */
	const char *version; /* of the software */
	struct uuid system_id;
	struct uuid incarnation;
	uint32_t rank;
	uint32_t target_count; /* target t is served by loop t % loop_count */
	uint32_t loop_count;
	struct node_loop loops[NODE_LOOPS];
	struct hlc *clock;
	_Atomic int clock_state; /* why the clock's ceiling cannot be raised now; 0: it can */
	struct storage *storage; /* names of heaps are the same on all loops */
	uint32_t address_count;
	char addresses[PROTO_ADDRESSES_MAX][128];
	bool thin_default; /* embedded, demo: a pool without a size is thin */
	uint64_t capacity; /* bytes of storage that pools may be given; 0: what the file system has
			    */
};

static inline struct node_loop *
node_target_loop(struct node *node, uint32_t target)
{
	return &node->loops[target % node->loop_count];
}

/* The loop of the caller. */
struct node_loop *node_here(struct node *node);

/* The time by the node's clock, as an HLC stamp that need not be another one each time. */
uint64_t node_stamp(struct node *node);

/*
 * A new epoch: a stamp of the node's clock that nobody else has. Waits where the ceiling of the
 * clock has to be raised first. *Yields*. The code with which that fails; -DER_TIMEDOUT,
 * -DER_CANCELED.
 */
MUST_USE int node_epoch(struct node *node, uint64_t *ret_epoch);

/* A random id. */
struct uuid node_draw_id(struct node *node);

/* ------------------------------------------------ who calls */

/* Who makes a request, with the names that the engine's machine has for them. */
struct caller {
	struct acl_principal principal; /* points into this struct */
	bool administrator;		/* root, or the engine's own user */
	const char *groups[USER_GROUPS_MAX];
	char text[USER_NAMES_MAX + USER_GROUPS_MAX + 2];
};

/* Without known credentials it is "nobody@", of no group. On any loop. -DER_NOMEM. *Yields*. */
MUST_USE int caller_create(struct node *node, const struct peer_credentials *credentials,
			   struct caller **ret_caller);
void caller_destroy(struct caller *caller);

/* -DER_NO_PERM unless the request comes from an administrator; what: what is asked for. Does not
 * yield. */
MUST_USE int administrator_check(struct node *node, const struct rpc_request *request,
				 const char *what);

/* ------------------------------------------------ answers */

/*
 * The result of a service call as its handler returns it: a failure's text goes into the reply.
 * Returns rc.
 */
int node_answer(struct rpc_request *request, int rc);

/*
 * Handlers around function(owner, request). One that changes something runs without the caller's
 * deadline: it ends whatever the caller does, so that nothing remains half done.
 */
#define SERVE_READING(function)                                               \
	static int serve_##function(void *owner, struct rpc_request *request) \
	{                                                                     \
		return node_answer(request, function(owner, request));        \
	}
#define SERVE_CHANGING(function)                                              \
	static int serve_##function(void *owner, struct rpc_request *request) \
	{                                                                     \
		fiber_set_deadline(0);                                        \
		return node_answer(request, function(owner, request));        \
	}

struct system;

/* Name of the heap of the system's store. */
#define SYSTEM_STORE "system"

/*
 * Creates the store of a new system, whose id is drawn; the media has started. *Yields*; on loop 0,
 * as all below. -DER_EXIST, -DER_NOSPACE.
 */
MUST_USE int system_format(struct node *node);

/*
 * Opens the system's store and sets node->system_id; before media_start() it can be read only.
 * *Yields*. -DER_NONEXIST when the storage was never formatted to the end; -DER_MISMATCH when it
 * belongs to a system of another name or to an engine of another rank; -DER_DF_INCOMPT.
 */
MUST_USE int system_open(struct node *node, struct system **ret_system);
void system_close(struct system *system);

/* Serves PROTO_SYSTEM_QUERY. -DER_EXIST. */
MUST_USE int system_serve(struct system *system);

struct metadb *system_metadb(struct system *system);

/* A pool as the system knows it. */
struct system_pool {
	struct uuid id;
	char label[PROTO_LABEL_MAX + 1]; /* empty: none */
	uint32_t state;			 /* enum proto_pool_state */
	uint32_t target_count;
	bool thin;
	uint64_t metadata_bytes, data_bytes; /* over all targets */
};

/* Records a pool in state CREATING; -DER_EXIST when the label or id is taken. *Yields*. */
MUST_USE int system_pool_add(struct system *system, const struct system_pool *pool);

/*
 * Moves it to another state; request and result (may be NULL and empty) as in metadb_propose().
 * *Yields*.
 */
MUST_USE int system_pool_set_state(struct system *system, struct uuid id,
				   enum proto_pool_state state, const struct request_id *request,
				   struct metadb_bytes result);

/* Changes its label (empty: none); -DER_EXIST when another pool has it. *Yields*. */
MUST_USE int system_pool_set_label(struct system *system, struct uuid id, const char *label);

/* Forgets it; nothing happens when it is not known. *Yields*. */
MUST_USE int system_pool_remove(struct system *system, struct uuid id);

/* By id or, where that is null, by label. -DER_NONEXIST. *Yields*. */
MUST_USE int system_pool_find(struct system *system, const struct proto_name *name,
			      struct system_pool *ret_pool);

/* Calls visit, which must not yield, for each until it returns non-zero, which is returned.
 * *Yields*. */
MUST_USE int system_pool_list(struct system *system,
			      int (*visit)(void *argument, const struct system_pool *pool),
			      void *argument);

/* The durable ceiling of the clock: no stamp above it was ever drawn. 0: none yet. *Yields*. */
MUST_USE int system_clock_ceiling(struct system *system, uint64_t *ret_ceiling);
MUST_USE int system_set_ceiling(struct system *system, uint64_t ceiling);
