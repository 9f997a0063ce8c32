/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of pool. table.c: targets on their loops. pools.c: the service's life. create.c,
 * destroy.c, connect.c, query.c, properties.c, attributes.c: one call each. access.c: rights.
 * serve.c: the tables of calls. rules.c: property rules and labels. record.c: encoded forms.
 */
#pragma once

#include "pool/pool.h"

/* ------------------------------------------------ limits */

#define POOLS_MAX 1024u
#define POOL_HANDLES_MAX 65536u
/* Bytes of heap and data that a target cannot do without. */
#define TARGET_HEAP_MIN (UINT64_C(16) << 20)
#define TARGET_DATA_MIN (UINT64_C(16) << 20)
/* Part of the data size that metadata gets where nothing is said, percent. */
#define METADATA_PERCENT 6u
/* Standard of property space_rb, percent. */
#define POOL_SPACE_RESERVE 5u
/* What the service store of a pool that is not thin takes. */
#define SERVICE_BYTES (UINT64_C(40) << 20)

/* ------------------------------------------------ targets */

struct target_shape {
	struct uuid pool;
	uint32_t target;
	uint64_t heap_size, data_size;
	bool thin;
	uint8_t space_reserve; /* percent */
};

/* Name of the heaps of a pool, without suffix. */
#define STORE_NAME 88u
void pool_target_name(const struct uuid *pool, uint32_t target, char name[STORE_NAME]);
void pool_service_name(const struct uuid *pool, char name[STORE_NAME]);

/* Each runs on the target's loop by itself. *Yield*. */
MUST_USE int pool_target_create(struct node *node, const struct target_shape *shape);
/* Before media_start(). */
MUST_USE int pool_target_open(struct node *node, const struct uuid *pool, uint32_t target);
/* After it. */
MUST_USE int pool_target_start(struct node *node, const struct uuid *pool, uint32_t target);
/* Takes a target out of service that has no reason of its own to be: its answers are code. */
MUST_USE int pool_target_break(struct node *node, const struct uuid *pool, uint32_t target,
			       int code);
/* Waits for holds; nothing happens when it is not open. */
void pool_target_close(struct node *node, const struct uuid *pool, uint32_t target);
/* As pool_target_close(), without keeping anything; removes the files. */
MUST_USE int pool_target_destroy(struct node *node, const struct uuid *pool, uint32_t target);
MUST_USE int pool_target_space(struct node *node, const struct uuid *pool, uint32_t target,
			       struct heap_space *ret_space);

/* Whether an error tells that what is on the disk is damaged or of another version. */
static inline bool
disk_is_bad(int rc)
{
	return rc == -DER_IO || rc == -DER_CSUM || rc == -DER_DF_INVAL || rc == -DER_DF_INCOMPT ||
	       rc == -DER_NONEXIST;
}

/* ------------------------------------------------ service */

struct pools {
	struct node *node;
	struct system *system;
	struct arena *arena;
	struct list pools;
	uint32_t count;
	struct table handles;	 /* struct pool_handle of all pools */
	struct fiber_mutex lock; /* creation, destruction, labels */
	struct pool_hooks hooks;
};

struct pool {
	struct pools *pools;
	struct list link;
	struct uuid id;
	uint32_t target_count;
	bool thin;
	int broken; /* why it is out of service; 0: it is not */
	struct metadb *metadb;
	struct fiber_mutex lock;
	struct list handles;
	uint32_t handle_count;
	uint32_t disabled_targets;
	uint32_t map_version;
	uint64_t opened, modified; /* HLC */
	uint32_t references;	   /* calls under way */
	bool closing;
	bool scrubbed; /* its targets were told */
	struct wait_queue idle;
};

struct pool_handle {
	struct table_node node; /* pools->handles */
	struct list link;	/* pool->handles */
	struct pool *pool;
	struct uuid id;
	struct uuid client; /* incarnation that connected */
	struct pool_access access;
};

/* A pool as the system knows it, not open yet. *ret_pool is in pools->pools. */
MUST_USE int pool_add(struct pools *pools, const struct system_pool *record,
		      struct pool **ret_pool);
/* Takes it out of sight, waits for calls under way, frees it; its stores are closed before. */
void pool_drain(struct pool *pool);
void pool_free(struct pool *pool);
/* Handles and map version from the store. */
MUST_USE int pool_load(struct pool *pool);

/* The pool of a name, held. -DER_NONEXIST, or why it is out of service. *Yields*. */
MUST_USE int pool_of_name(struct pools *pools, const struct proto_name *name,
			  struct pool **ret_pool);

/* ------------------------------------------------ handles */

MUST_USE int pool_handle_add(struct pool *pool, const struct pool_handle *handle);
struct pool_handle *pool_handle_find(struct pools *pools, const struct uuid *id);
/* Removes it from the store, with its container handles, then from memory. The pool is locked.
 * *Yields*. */
MUST_USE int pool_handle_drop(struct pool *pool, struct uuid id, const struct request_id *request);
void pool_handles_free(struct pool *pool);
MUST_USE int pool_handles_load(struct pool *pool);

/* Drops the handles of a client (null: all); *ret_count of them. *Yields*. */
MUST_USE int pool_handles_drop(struct pool *pool, struct uuid client, uint32_t *ret_count);

/* ------------------------------------------------ rights */

extern const struct access_types pool_access_types;

/* Fills in what a connection with access->flags of caller allows. -DER_NO_PERM. *Yields*. */
MUST_USE int pool_rights(struct pool *pool, const struct caller *caller,
			 struct pool_access *access);

/* ------------------------------------------------ records */

#define HANDLE_RECORD 96u
uint32_t pool_handle_encode(const struct pool_handle *handle, uint8_t record[HANDLE_RECORD]);
MUST_USE int pool_handle_decode(struct metadb_bytes record, struct pool_handle *ret_handle);

/* Key "times": opened, modified; key "map": version, number of loops. */
#define PAIR_RECORD 18u
uint32_t pool_pair_encode(uint64_t first, uint64_t second, uint8_t record[PAIR_RECORD]);
MUST_USE int pool_pair_decode(struct metadb_bytes record, uint64_t *ret_first,
			      uint64_t *ret_second);

/* ------------------------------------------------ calls */

int pool_create(struct pools *pools, struct rpc_request *request);
int pool_destroy(struct pools *pools, struct rpc_request *request);
int pool_list(struct pools *pools, struct rpc_request *request);
int pool_find(struct pools *pools, struct rpc_request *request);
int pool_connect(struct pools *pools, struct rpc_request *request);
int pool_disconnect(struct pools *pools, struct rpc_request *request);
int pool_query(struct pools *pools, struct rpc_request *request);
int pool_query_target(struct pools *pools, struct rpc_request *request);
int pool_set_properties(struct pools *pools, struct rpc_request *request);
int pool_change_acl(struct pools *pools, struct rpc_request *request);
int pool_evict(struct pools *pools, struct rpc_request *request);
int pool_stop_service(struct pools *pools, struct rpc_request *request);

/*
 * Writes the answer that the request got before; -DER_NONEXIST when it is a new one. For calls
 * whose answers the system's store remembers. *Yields*.
 */
MUST_USE int pools_repeat(struct pools *pools, struct rpc_request *request);

/* Removes the files of pools that are not READY. *Yields*. */
MUST_USE int pools_recover(struct pools *pools);

/* Undoes what exists of a pool: heaps, store, record. *Yields*. */
MUST_USE int pool_erase(struct pools *pools, const struct uuid *id, uint32_t target_count,
			struct metadb *metadb);

/* Tells all targets how the pool's properties want them scrubbed; failures are logged. *Yields*. */
void pool_scrubbing_tell(struct pool *pool);

extern const struct property_rule pool_rules[];
extern const uint32_t pool_rule_count;
