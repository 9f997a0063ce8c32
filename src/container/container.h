/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The container service: create, open, query, properties, attributes, object id allocation,
 * destroy; its state is in the pool's metadb. Handles of open containers are known on every loop of
 * the engine, so that object operations check them without leaving their loop.
 */
#pragma once

#include "pool/pool.h"

struct containers;

/* Makes and frees the table of handles of the current loop. -DER_NOMEM. */
MUST_USE int container_table_create(struct node *node);
void container_table_destroy(struct node *node);

/*
 * After pools_start(): loads the handles of all pools, finishes destructions that a crash cut
 * short, and hooks itself to pools. *Yields*; on loop 0.
 */
MUST_USE int containers_open(struct pools *pools, struct containers **ret_containers);

/* Serves PROTO_CONTAINER_* and PROTO_POOL_LIST_CONTAINERS. */
MUST_USE int containers_serve(struct containers *containers);

void containers_close(struct containers *containers);

/* What a container handle allows. */
struct container_access {
	struct uuid pool;
	struct uuid container;
	struct uuid handle;
	uint32_t capabilities; /* enum proto_capability */
	uint32_t map_version;  /* of the pool, as this loop knows it; 0: not known here */
};

/* Looks a container handle up on the current loop. -DER_NO_HDL. Does not yield. */
MUST_USE int container_access(struct node *node, struct uuid handle,
			      struct container_access *ret_access);

/*
 * The container on a target of the current loop, made there at first use; counted, given back by
 * vos_container_close(). *Yields*. -DER_NO_HDL, -DER_NONEXIST, -DER_STALE.
 */
MUST_USE int container_on_target(struct node *node, const struct container_access *access,
				 uint32_t target, struct vos_container **ret_container);
