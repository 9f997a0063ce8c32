/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of container. table.c: handles on every loop, and the way of an object operation to
 * its container. containers.c: life and look-ups. create.c, destroy.c, open.c, query.c, oids.c: one
 * kind of call each; list.c: listings. access.c: rights. serve.c: the table of calls, attributes.
 * rules.c: properties. record.c: encoded forms and keys.
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
	bool user_known;
	uint32_t user;	/* whose pool handle it was opened with */
	uint32_t flags; /* DAOS_COO_* */
	uint32_t capabilities;
	uint32_t map_version; /* of the pool */
};

/* ------------------------------------------------ table.c */

/* Known on every loop when it returns. -DER_NOMEM. *Yields*. */
MUST_USE int container_handle_publish(struct node *node, const struct container_handle *handle);

/* Which handles: those for which no field that is set differs. */
struct handle_filter {
	const struct uuid *id, *pool, *container, *pool_handle, *client;
	const uint32_t *user;
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

/* ------------------------------------------------ snapshot_set.c */

struct snapshot_summary {
	uint32_t count;
	uint64_t latest; /* epoch; 0: none */
};
MUST_USE int snapshot_summary_get(struct pool *pool, const struct uuid *container,
				  struct snapshot_summary *ret_summary);

/* Tells all targets what the store knows; until then they collect nothing. *Yields*. */
MUST_USE int container_snapshots_tell(struct containers *containers, struct pool *pool,
				      const struct uuid *container);
/* As above for all containers of a pool; failures of single ones are logged. *Yields*. */
MUST_USE int container_snapshots_start(struct containers *containers, struct pool *pool);

/* -DER_BUSY for a container whose roll-back is not finished, unless it is to be opened alone.
 * *Yields*. */
MUST_USE int container_rollback_check(struct pool *pool, const struct uuid *container, bool alone);
/* Goes on with what a crash cut short; failures are logged. *Yields*. */
void container_rollbacks_finish(struct containers *containers, struct pool *pool);

/* Removes what is stored of a container that is gone. *Yields*. */
MUST_USE int container_snapshots_erase(struct pool *pool, const struct uuid *container);

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

/* ------------------------------------------------ access.c */

extern const struct access_types container_access_types;

/* What a caller may do with a container: enum proto_capability; whether it is theirs. *Yields*. */
MUST_USE int container_rights(struct pool *pool, const struct uuid *id, const struct caller *caller,
			      uint32_t *ret_capabilities, bool *ret_owns);

/* ------------------------------------------------ calls */

int container_create(struct containers *containers, struct rpc_request *request);
int container_destroy(struct containers *containers, struct rpc_request *request);
int container_open(struct containers *containers, struct rpc_request *request);
int container_close(struct containers *containers, struct rpc_request *request);
int container_query(struct containers *containers, struct rpc_request *request);
int container_list(struct containers *containers, struct rpc_request *request);
int container_filter(struct containers *containers, struct rpc_request *request);
int container_set_properties(struct containers *containers, struct rpc_request *request);
int container_change_acl(struct containers *containers, struct rpc_request *request);
int container_create_snapshot(struct containers *containers, struct rpc_request *request);
int container_list_snapshots(struct containers *containers, struct rpc_request *request);
int container_destroy_snapshots(struct containers *containers, struct rpc_request *request);
int container_find_snapshot(struct containers *containers, struct rpc_request *request);
int container_mark_snapshot(struct containers *containers, struct rpc_request *request);
int container_aggregate(struct containers *containers, struct rpc_request *request);
int container_rollback(struct containers *containers, struct rpc_request *request);
int container_allocate_oids(struct containers *containers, struct rpc_request *request);

/* Times and counts of a container. *Yields*. */
MUST_USE int container_info_fill(struct containers *containers, struct pool *pool,
				 const struct container_record *container,
				 struct proto_container_info *info);

/* Writes what open and query answer; wanted: enum proto_answer. *Yields*. */
MUST_USE int container_info_write(struct containers *containers, struct pool *pool,
				  const struct container_record *container, uint32_t capabilities,
				  uint32_t wanted, struct writer *reply);
