/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of container. table.c: handles on every loop, and the way of an object operation to
 * its container. containers.c: life and look-ups. create.c, destroy.c, open.c, query.c, oids.c: one
 * kind of call each. serve.c: the table of calls, attributes. rules.c: properties. record.c:
 * encoded forms and keys.
 */
#pragma once

#include "container/container.h"

/* Handles of all containers on one engine. */
#define HANDLES_MAX 65536u
/* Object ids in one allocation. */
#define OIDS_MAX (UINT64_C(1) << 32)

struct containers {
	struct pools *pools;
	struct node *node;
	struct arena *arena;
};

struct container_handle {
	struct table_node node;
	struct uuid id;
	struct uuid pool;
	struct uuid container;
	struct uuid pool_handle;
	struct uuid client; /* incarnation that opened it */
	uint32_t flags;	    /* DAOS_COO_* */
	uint32_t capabilities;
	uint32_t map_version; /* of the pool */
};

/* ------------------------------------------------ table.c */

/* Known on every loop when it returns. -DER_NOMEM. *Yields*. */
MUST_USE int container_handle_publish(struct node *node, const struct container_handle *handle);

/* Which handles: those for which no field that is set differs. */
struct handle_filter {
	const struct uuid *id, *pool, *container, *pool_handle, *client;
};

/* Unknown on every loop when it returns. *Yields*. */
void container_handles_retract(struct node *node, const struct handle_filter *filter);

/* One of them on the current loop, or NULL. */
struct container_handle *container_handle_find(struct node *node,
					       const struct handle_filter *filter);
uint32_t container_handle_count(struct node *node, const struct handle_filter *filter);

/* ------------------------------------------------ record.c */

struct container_record {
	struct uuid id;
	uint64_t created; /* HLC */
	char label[PROTO_LABEL_MAX + 1];
};

#define CONTAINER_RECORD 192u
uint32_t container_record_encode(const struct container_record *container,
				 uint8_t record[CONTAINER_RECORD]);
MUST_USE int container_record_decode(struct metadb_bytes record,
				     struct container_record *ret_container);
uint32_t container_handle_encode(const struct container_handle *handle,
				 uint8_t record[CONTAINER_RECORD]);
/* pool and map_version are left alone. */
MUST_USE int container_handle_decode(struct metadb_bytes record,
				     struct container_handle *ret_handle);

struct container_times {
	uint64_t opened, modified; /* HLC */
};
#define CONTAINER_TIMES 18u
uint32_t container_times_encode(const struct container_times *times,
				uint8_t record[CONTAINER_TIMES]);
MUST_USE int container_times_decode(struct metadb_bytes record, struct container_times *ret_times);

/* Keys of the pool's store. */
#define KEY_CONTAINER "c/"
#define KEY_TIMES "ct/"
#define KEY_PROPERTIES "cp/"
#define KEY_OIDS "co/"
#define KEY_HANDLE "ch/"
#define KEY_DESTROYING "cd/"
#define KEY_ATTRIBUTES "ca/"
struct container_key {
	char text[4 + PROTO_LABEL_MAX + 1];
};
struct metadb_bytes container_key(struct container_key *key, const char *prefix,
				  const struct uuid *id);
struct metadb_bytes container_label_key(struct container_key *key, const char *label);
/* "ca/<uuid>/" */
void container_attribute_prefix(struct container_key *key, const struct uuid *id);

/* ------------------------------------------------ containers.c */

MUST_USE int container_find(struct pool *pool, const struct proto_name *name,
			    struct container_record *ret_container);
MUST_USE int container_get(struct pool *pool, const struct uuid *id,
			   struct container_record *ret_container, uint64_t *ret_version);
MUST_USE int container_times_get(struct pool *pool, const struct uuid *id,
				 struct container_times *ret_times);

/*
 * The handle that a call names, and its pool, held until pool_put(). -DER_NO_HDL, or what
 * pools_unknown_handle() says; -DER_NO_PERM when it does not allow needed.
 */
MUST_USE int container_of_handle(struct containers *containers, struct uuid handle, uint32_t needed,
				 struct pool **ret_pool, struct container_handle *ret_handle);

/* ------------------------------------------------ destroy.c, open.c */

/* Closes the handles of a pool that filter names: in its store, then on every loop. The pool is
 * locked. *Yields*. */
MUST_USE int container_handles_close(struct containers *containers, struct pool *pool,
				     const struct handle_filter *filter);

/* Goes on where the proposal that removed the container ended. *Yields*. */
MUST_USE int container_erase(struct pool *pool, const struct uuid *id);

/* ------------------------------------------------ rules.c */

extern const struct property_rule container_rules[];
extern const uint32_t container_rule_count;

/* ------------------------------------------------ calls */

int container_create(struct containers *containers, struct rpc_request *request);
int container_destroy(struct containers *containers, struct rpc_request *request);
int container_open(struct containers *containers, struct rpc_request *request);
int container_close(struct containers *containers, struct rpc_request *request);
int container_query(struct containers *containers, struct rpc_request *request);
int container_list(struct containers *containers, struct rpc_request *request);
int container_set_properties(struct containers *containers, struct rpc_request *request);
int container_allocate_oids(struct containers *containers, struct rpc_request *request);

/* Writes what open and query answer. *Yields*. */
MUST_USE int container_info_write(struct containers *containers, struct pool *pool,
				  const struct container_record *container, uint32_t capabilities,
				  bool properties, struct writer *reply);
