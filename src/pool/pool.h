/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Pools: the service (create, connect, query, properties, attributes, destroy), whose state is one metadb per pool, and the
 * targets of pools on this engine: for each (pool, target) a heap with a versioned object store on the target's loop.
 */
#pragma once

#include "system/system.h"
#include "vos/vos.h"

struct pools;
struct pool;

/*
 * Opens every pool that the system knows: targets on their loops, service stores on loop 0; finishes creations and destructions that a
 * crash cut short; serves PROTO_SYSTEM_POOL_* and PROTO_POOL_*. *Yields*; on loop 0.
 */
MUST_USE int pools_open(struct node *node, struct system *system, struct pools **ret_pools);
void pools_close(struct pools *pools);

/* ------------------------------------------------ targets, on any loop */

/* The store of a target of a pool served by the current loop; valid until the next yield unless held. -DER_NONEXIST, -DER_STALE
 * (another loop serves it). */
MUST_USE int pool_target(struct node *node, struct uuid pool, uint32_t target, struct vos **ret_vos);

/* Keeps the targets of a pool from being closed while an operation runs on them. */
MUST_USE int pool_target_hold(struct node *node, struct uuid pool, uint32_t target, struct vos **ret_vos);
void pool_target_release(struct node *node, struct uuid pool, uint32_t target);

/* Runs function on the loop of every target of the pool, one after another; stops at the first failure. *Yields*. */
MUST_USE int pool_each_target(struct pool *pool, int (*function)(void *argument, uint32_t target, struct vos *vos),
			      void *argument);

/* ------------------------------------------------ for the container service, on loop 0 */

struct node *pools_node(struct pools *pools);

/* The pool of a pool handle, and the handle's rights. -DER_NO_HDL. *Yields*. */
MUST_USE int pool_of_handle(struct pools *pools, struct uuid handle, struct pool **ret_pool, uint32_t *ret_capabilities);
/* The pool of an id. -DER_NONEXIST. */
MUST_USE int pool_of_id(struct pools *pools, struct uuid id, struct pool **ret_pool);
/* Each open pool; stops when visit returns non-zero and returns that. */
MUST_USE int pools_each(struct pools *pools, int (*visit)(void *argument, struct pool *pool), void *argument);

struct uuid pool_id(const struct pool *pool);
/* Keys "c/..." of it belong to the container service. */
struct metadb *pool_metadb(struct pool *pool);
uint32_t pool_target_count(const struct pool *pool);
uint32_t pool_map_version(const struct pool *pool);
/* Serialises changes of one pool's metadata. */
struct fiber_mutex *pool_lock(struct pool *pool);

/* Attribute calls that pools and containers share: keys "<prefix>name" in metadb. *Yield*. */
MUST_USE int attributes_set(struct metadb *metadb, const char *prefix, const struct proto_attributes *attributes,
			    const struct request_id *request);
MUST_USE int attributes_get(struct metadb *metadb, const char *prefix, struct proto_attributes *attributes,
			    struct arena *arena);
MUST_USE int attributes_list(struct metadb *metadb, const char *prefix, struct arena *arena,
			     struct proto_attributes *ret_attributes);
MUST_USE int attributes_delete(struct metadb *metadb, const char *prefix, const struct proto_attributes *attributes,
			       const struct request_id *request);

/* Hook: called before a pool goes (destroy), so that the container service drops its handles. */
void pools_on_destroy(struct pools *pools, void (*function)(void *owner, struct pool *pool), void *owner);
/* Hook: how many containers a pool has. */
void pools_count_containers(struct pools *pools, int (*function)(void *owner, struct pool *pool, uint32_t *ret_count),
			    void *owner);
