/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of the pool service: opened, started, recovered, closed. */
#include "pool/private.h"

/* ------------------------------------------------ pools in memory */

struct node *
pools_node(struct pools *pools)
{
	return pools->node;
}

void
pools_set_hooks(struct pools *pools, const struct pool_hooks *hooks)
{
	pools->hooks = *hooks;
}

struct uuid
pool_id(const struct pool *pool)
{
	return pool->id;
}

struct metadb *
pool_metadb(struct pool *pool)
{
	return pool->metadb;
}

uint32_t
pool_target_count(const struct pool *pool)
{
	return pool->target_count;
}

uint32_t
pool_map_version(const struct pool *pool)
{
	return pool->map_version;
}

struct fiber_mutex *
pool_lock(struct pool *pool)
{
	return &pool->lock;
}

void
pool_modified(struct pool *pool)
{
	pool->modified = node_stamp(pool->pools->node);
}

int
pool_add(struct pools *pools, const struct system_pool *record, struct pool **ret_pool)
{
	struct pool *pool = arena_calloc(pools->arena, 1, sizeof(*pool));

	if (pool == NULL)
		return error_raise(-DER_NOMEM, "no memory for a pool");
	pool->pools = pools;
	pool->id = record->id;
	pool->target_count = record->target_count;
	pool->thin = record->thin;
	pool->map_version = 1;
	fiber_mutex_init(&pool->lock);
	wait_queue_init(&pool->idle);
	list_init(&pool->handles);
	list_append(&pools->pools, &pool->link);
	pools->count++;
	*ret_pool = pool;
	return 0;
}

void
pool_drain(struct pool *pool)
{
	pool->closing = true;
	while (pool->references > 0)
		wait_queue_wait_plain(&pool->idle);
}

void
pool_free(struct pool *pool)
{
	struct pools *pools = pool->pools;

	pool_handles_free(pool);
	list_remove(&pool->link);
	pools->count--;
	arena_free(pools->arena, pool);
}

static int
pool_hold(struct pool *pool)
{
	if (pool->closing)
		return -DER_NONEXIST;
	if (pool->broken)
		return error_raise(pool->broken,
				   "the pool is out of service: its store is damaged, see the log");
	pool->references++;
	return 0;
}

void
pool_put(struct pool *pool)
{
	ASSERT(pool->references > 0);
	pool->references--;
	if (pool->references == 0)
		wait_queue_wake_all(&pool->idle);
}

int
pool_of_id(struct pools *pools, struct uuid id, struct pool **ret_pool)
{
	LIST_FOR_EACH(link, &pools->pools) {
		struct pool *pool = list_entry(link, struct pool, link);

		if (uuid_equal(&pool->id, &id)) {
			int rc = pool_hold(pool);

			if (rc == 0)
				*ret_pool = pool;
			return rc;
		}
	}
	return -DER_NONEXIST;
}

int
pool_of_name(struct pools *pools, const struct proto_name *name, struct pool **ret_pool)
{
	char text[UUID_TEXT_SIZE];
	struct system_pool record;
	int rc = system_pool_find(pools->system, name, &record);

	if (rc == 0)
		rc = pool_of_id(pools, record.id, ret_pool);
	if (rc != -DER_NONEXIST)
		return rc;
	if (uuid_empty(&name->id))
		return error_raise(rc, "no pool has label \"%.*s\"", (int)name->label.length,
				   name->label.data);
	uuid_to_text(&name->id, text);
	return error_raise(rc, "there is no pool %s", text);
}

int
pools_unknown_handle(const struct pools *pools, int code)
{
	LIST_FOR_EACH(link, &pools->pools) {
		const struct pool *pool = list_entry(link, struct pool, link);

		if (pool->broken)
			return error_raise(pool->broken,
					   "the handle is not known, or of a pool that is out of "
					   "service: its store is damaged, see the log");
	}
	return code;
}

int
pool_of_handle(struct pools *pools, struct uuid handle, struct pool **ret_pool,
	       struct pool_access *ret_access)
{
	struct pool_handle *found = pool_handle_find(pools, &handle);
	int rc;

	if (found == NULL)
		return pools_unknown_handle(
			pools,
			error_raise(-DER_NO_HDL, "the pool handle is not known: connect again"));
	rc = pool_hold(found->pool);
	if (rc)
		return rc == -DER_NONEXIST ? -DER_NO_HDL : rc;
	*ret_pool = found->pool;
	*ret_access = found->access;
	return 0;
}

int
pools_each(struct pools *pools, int (*visit)(void *argument, struct pool *pool), void *argument)
{
	struct list *link = list_first(&pools->pools);
	int rc = 0;

	/* The pool held keeps its place in the list while visit yields. */
	while (link && rc == 0) {
		struct pool *pool = list_entry(link, struct pool, link);
		bool held = !pool->broken && pool_hold(pool) == 0;

		if (held)
			rc = visit(argument, pool);
		link = link->next == &pools->pools ? NULL : link->next;
		if (held)
			pool_put(pool);
	}
	return rc;
}

/* ------------------------------------------------ targets of a pool */

struct each_call {
	struct node *node;
	struct uuid pool;
	uint32_t target;
	int (*function)(void *argument, uint32_t target, struct vos *vos);
	void *argument;
};

static int
each_here(void *argument)
{
	struct each_call *call = argument;
	struct vos *vos;
	int rc = pool_target_hold(call->node, call->pool, call->target, &vos);

	if (rc)
		return rc;
	rc = call->function(call->argument, call->target, vos);
	pool_target_release(call->node, call->pool, call->target);
	return rc;
}

static int
call_target(struct pool *pool, uint32_t target,
	    int (*function)(void *argument, uint32_t target, struct vos *vos), void *argument)
{
	struct node *node = pool->pools->node;
	struct each_call call = {node, pool->id, target, function, argument};

	return loop_call(node_target_loop(node, target)->loop, each_here, &call);
}

int
pool_each_target(struct pool *pool,
		 int (*function)(void *argument, uint32_t target, struct vos *vos), void *argument)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < pool->target_count; i++)
		rc = call_target(pool, i, function, argument);
	return rc;
}

int
pool_all_targets(struct pool *pool,
		 int (*function)(void *argument, uint32_t target, struct vos *vos), void *argument)
{
	int first = 0;

	for (uint32_t i = 0; i < pool->target_count; i++) {
		int rc = call_target(pool, i, function, argument);

		first = first ? first : rc;
	}
	return first;
}

/* ------------------------------------------------ open */

static int
record_visit(void *argument, const struct system_pool *record)
{
	struct pool *pool;

	if (record->state != PROTO_POOL_READY)
		return 0;
	return pool_add(argument, record, &pool);
}

/* A heap that is damaged is left out, and the log keeps what it has for it; any other failure ends
 * the start. */
static int
pool_open(struct pool *pool)
{
	struct node *node = pool->pools->node;
	char name[STORE_NAME];
	int rc;

	pool_service_name(&pool->id, name);
	rc = metadb_open(node->loops[0].media, name, &pool->metadb);
	if (rc && !disk_is_bad(rc))
		return rc;
	if (rc) {
		error_log(LOG_ERROR, rc, "%s is damaged: its pool is out of service", name);
		pool->broken = rc == -DER_NONEXIST ? -DER_IO : rc;
	}
	for (uint32_t i = 0; i < pool->target_count; i++) {
		rc = pool_target_open(node, &pool->id, i);
		if (rc && !disk_is_bad(rc))
			return rc;
	}
	return 0;
}

int
pools_open(struct node *node, struct system *system, struct pools **ret_pools)
{
	struct arena *arena = loop_env(node->loops[0].loop)->arena;
	struct pools *pools = arena_calloc(arena, 1, sizeof(*pools));
	int rc;

	if (pools == NULL)
		return error_raise(-DER_NOMEM, "no memory for the pool service");
	pools->node = node;
	pools->system = system;
	pools->arena = arena;
	list_init(&pools->pools);
	table_init(&pools->handles, arena);
	fiber_mutex_init(&pools->lock);
	rc = system_pool_list(system, record_visit, pools);
	LIST_FOR_EACH(link, &pools->pools) {
		if (rc == 0)
			rc = pool_open(list_entry(link, struct pool, link));
	}
	if (rc)
		pools_close(pools);
	else
		*ret_pools = pools;
	return rc;
}

/* ------------------------------------------------ start */

/* The version of the map grows when targets moved to other loops. */
static int
map_load(struct pool *pool)
{
	uint32_t loops = pool->pools->node->loop_count;
	uint8_t record[PAIR_RECORD];
	const struct metadb_write write = {.key = metadb_text("map"),
					   .value = {record, sizeof(record)}};
	const struct metadb_proposal proposal = {
		.writes = &write, .write_count = 1, .privileged = true};
	uint64_t version, former;
	struct metadb_bytes value;
	int rc = metadb_get(pool->metadb, write.key, &value, NULL);

	if (rc)
		return rc;
	rc = pool_pair_decode(value, &version, &former);
	metadb_bytes_free(pool->metadb, &value);
	if (rc)
		return rc;
	pool->map_version = (uint32_t)version;
	if (former == loops)
		return 0;
	pool->map_version++;
	(void)pool_pair_encode(pool->map_version, loops, record);
	return metadb_propose(pool->metadb, &proposal, NULL);
}

static int
times_load(struct pool *pool)
{
	struct metadb_bytes value;
	int rc = metadb_get(pool->metadb, metadb_text("times"), &value, NULL);

	if (rc)
		return rc;
	rc = pool_pair_decode(value, &pool->opened, &pool->modified);
	metadb_bytes_free(pool->metadb, &value);
	return rc;
}

int
pool_load(struct pool *pool)
{
	int rc = map_load(pool);

	if (rc == 0)
		rc = times_load(pool);
	return rc == 0 ? pool_handles_load(pool) : rc;
}

/* Whoever comes to a target of the pool with a handle that only its store knows is told why. */
static int
targets_break(struct pool *pool)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && pool->broken && i < pool->target_count; i++)
		rc = pool_target_break(pool->pools->node, &pool->id, i, pool->broken);
	return rc;
}

static int
pool_start(struct pool *pool)
{
	struct node *node = pool->pools->node;
	int rc = 0;

	if (!pool->broken)
		rc = pool_load(pool);
	if (disk_is_bad(rc)) {
		error_log(LOG_ERROR, rc, "the store of a pool is damaged: it is out of service");
		pool->broken = rc == -DER_NONEXIST ? -DER_IO : rc;
		rc = 0;
	}
	for (uint32_t i = 0; rc == 0 && i < pool->target_count; i++) {
		rc = pool_target_start(node, &pool->id, i);
		if (disk_is_bad(rc)) {
			pool->disabled_targets++;
			rc = 0;
		}
	}
	if (rc == 0 && !pool->broken)
		pool_scrubbing_tell(pool);
	return rc == 0 ? targets_break(pool) : rc;
}

int
pools_start(struct pools *pools)
{
	int rc = pools_recover(pools);

	LIST_FOR_EACH(link, &pools->pools) {
		if (rc == 0)
			rc = pool_start(list_entry(link, struct pool, link));
	}
	return rc;
}

/* ------------------------------------------------ stop */

/*
 * A leader that steps down waits for the changes under way; with one replica it is elected again at
 * once, and reads its state from the store. Handles stay known: they are in the store as well.
 */
int
pool_stop_service(struct pools *pools, struct rpc_request *request)
{
	struct uuid id = proto_uuid_decode(&request->body);
	struct pool_access access;
	struct pool *pool;
	int rc = request->body.failed ? -DER_PROTO : 0;

	if (rc == 0)
		rc = pool_of_handle(pools, id, &pool, &access);
	if (rc)
		return rc;
	rc = access_check(access.capabilities, PROTO_CAN_WRITE, "pool");
	if (rc == 0) {
		fiber_mutex_lock_plain(&pool->lock);
		rc = map_load(pool);
		if (rc == 0)
			rc = times_load(pool);
		fiber_mutex_unlock(&pool->lock);
	}
	pool_put(pool);
	return rc;
}

/* ------------------------------------------------ close */

static void
pool_close(struct pool *pool)
{
	pool_drain(pool);
	for (uint32_t i = 0; i < pool->target_count; i++)
		pool_target_close(pool->pools->node, &pool->id, i);
	if (pool->metadb)
		metadb_close(pool->metadb);
	pool_free(pool);
}

void
pools_close(struct pools *pools)
{
	struct list *link;

	while ((link = list_first(&pools->pools)) != NULL)
		pool_close(list_entry(link, struct pool, link));
	table_fini(&pools->handles);
	arena_free(pools->arena, pools);
}

/* ------------------------------------------------ maintenance */

static int
client_forget(void *argument, struct pool *pool)
{
	const struct uuid *client = argument;
	uint32_t count = 0;
	int rc = pool_handles_drop(pool, *client, &count);

	if (rc == 0)
		rc = metadb_forget_client(pool->metadb, *client);
	if (rc)
		error_log(LOG_WARNING, rc, "forgetting a client");
	return 0;
}

void
pools_forget_client(struct pools *pools, struct uuid client)
{
	int rc = pools_each(pools, client_forget, &client);

	if (rc == 0)
		rc = metadb_forget_client(system_metadb(pools->system), client);
	if (rc)
		error_log(LOG_WARNING, rc, "forgetting a client");
}

static int
horizon_set(void *argument, struct pool *pool)
{
	const uint64_t *horizon = argument;
	int rc = metadb_set_horizon(pool->metadb, *horizon);

	if (rc)
		error_log(LOG_WARNING, rc, "forgetting old requests");
	return 0;
}

void
pools_set_horizon(struct pools *pools, uint64_t horizon)
{
	int rc = metadb_set_horizon(system_metadb(pools->system), horizon);

	if (rc == 0)
		rc = pools_each(pools, horizon_set, &horizon);
	if (rc)
		error_log(LOG_WARNING, rc, "forgetting old requests");
}
