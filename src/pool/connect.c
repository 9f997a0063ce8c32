/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pool handles: key "h/<uuid>" of the pool's store, and a table in memory; who gets one. */
#include "daos_types.h"

#include "pool/private.h"

struct handle_key {
	char text[2 + UUID_TEXT_SIZE];
};

static struct metadb_bytes
handle_key(struct handle_key *key, const struct uuid *id)
{
	memcpy(key->text, "h/", 2);
	uuid_to_text(id, key->text + 2);
	return metadb_text(key->text);
}

/* ------------------------------------------------ in memory */

static bool
handle_equal(const void *key, const struct table_node *node)
{
	return uuid_equal(key, &table_entry(node, struct pool_handle, node)->id);
}

struct pool_handle *
pool_handle_find(struct pools *pools, const struct uuid *id)
{
	struct table_node *node = table_find(&pools->handles, uuid_hash(id), handle_equal, id);

	return node ? table_entry(node, struct pool_handle, node) : NULL;
}

int
pool_handle_add(struct pool *pool, const struct pool_handle *handle)
{
	struct pools *pools = pool->pools;
	struct pool_handle *copy = arena_calloc(pools->arena, 1, sizeof(*copy));

	if (copy == NULL)
		return error_raise(-DER_NOMEM, "no memory for a pool handle");
	copy->pool = pool;
	copy->id = handle->id;
	copy->client = handle->client;
	copy->access = handle->access;
	table_insert(&pools->handles, uuid_hash(&copy->id), &copy->node);
	list_append(&pool->handles, &copy->link);
	pool->handle_count++;
	return 0;
}

static void
handle_free(struct pool_handle *handle)
{
	struct pools *pools = handle->pool->pools;

	handle->pool->handle_count--;
	list_remove(&handle->link);
	table_remove(&pools->handles, &handle->node);
	arena_free(pools->arena, handle);
}

void
pool_handles_free(struct pool *pool)
{
	struct list *link;

	while ((link = list_first(&pool->handles)) != NULL)
		handle_free(list_entry(link, struct pool_handle, link));
}

static int
handle_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct pool_handle handle;
	int rc = pool_handle_decode(value, &handle);

	(void)key;
	(void)version;
	return rc == 0 ? pool_handle_add(argument, &handle) : rc;
}

int
pool_handles_load(struct pool *pool)
{
	return metadb_list(pool->metadb, metadb_text("h/"), (struct metadb_bytes){NULL, 0},
			   handle_visit, pool);
}

/* ------------------------------------------------ dropping */

int
pool_handle_drop(struct pool *pool, struct uuid id, const struct request_id *request)
{
	const struct pool_hooks *hooks = &pool->pools->hooks;
	struct handle_key key;
	const struct metadb_write write = {.key = handle_key(&key, &id), .remove = true};
	const struct metadb_proposal proposal = {
		.request = request, .writes = &write, .write_count = 1, .privileged = true};
	struct pool_handle *handle;
	int rc = hooks->disconnect ? hooks->disconnect(hooks->owner, pool, id) : 0;

	if (rc == 0)
		rc = metadb_propose(pool->metadb, &proposal, NULL);
	if (rc && rc != -DER_ALREADY)
		return rc;
	handle = pool_handle_find(pool->pools, &id);
	if (handle)
		handle_free(handle);
	return 0;
}

static struct pool_handle *
handle_of(struct pool *pool, const struct uuid *client)
{
	LIST_FOR_EACH(link, &pool->handles) {
		struct pool_handle *handle = list_entry(link, struct pool_handle, link);

		if (uuid_empty(client) || uuid_equal(&handle->client, client))
			return handle;
	}
	return NULL;
}

int
pool_handles_drop(struct pool *pool, struct uuid client, uint32_t *ret_count)
{
	struct pool_handle *handle;
	uint32_t count = 0;
	int rc = 0;

	fiber_mutex_lock_plain(&pool->lock);
	while (rc == 0 && (handle = handle_of(pool, &client)) != NULL) {
		rc = pool_handle_drop(pool, handle->id, NULL);
		count += rc == 0;
	}
	fiber_mutex_unlock(&pool->lock);
	if (rc == 0)
		*ret_count = count;
	return rc;
}

/* ------------------------------------------------ connect */

/* What is asked for, before it is known whether it is granted. */
static int
access_take(struct pools *pools, const struct proto_pool_connect *wanted,
	    const struct rpc_request *request, struct pool_access *access)
{
	access->administrator = wanted->flags & PROTO_CONNECT_ADMINISTRATOR;
	access->flags = wanted->flags & ~PROTO_CONNECT_ADMINISTRATOR;
	access->credentials = request->credentials;
	if (access->flags != DAOS_PC_RO && access->flags != DAOS_PC_RW &&
	    access->flags != DAOS_PC_EX)
		return error_raise(-DER_INVAL, "flags %#x: one of DAOS_PC_RO, RW and EX is needed",
				   access->flags);
	return access->administrator
		       ? administrator_check(pools->node, request, "administration of a pool")
		       : 0;
}

static int
busy_judge(struct pool *pool, uint32_t flags)
{
	const struct list *first = list_first(&pool->handles);

	if (first && (flags & DAOS_PC_EX))
		return error_raise(-DER_BUSY,
				   "%u handles are connected: exclusive use is not possible",
				   pool->handle_count);
	/* An exclusive handle is the only one. */
	if (first && (list_entry(first, struct pool_handle, link)->access.flags & DAOS_PC_EX))
		return error_raise(-DER_BUSY, "another handle has the pool for exclusive use");
	if (pool->handle_count >= POOL_HANDLES_MAX)
		return error_raise(-DER_BUSY, "%u handles are connected, the most possible",
				   POOL_HANDLES_MAX);
	return 0;
}

static int
handle_store(struct pool *pool, const struct pool_handle *handle, const struct request_id *request)
{
	uint8_t record[HANDLE_RECORD], times[PAIR_RECORD];
	uint64_t now = node_stamp(pool->pools->node);
	struct handle_key key;
	const struct metadb_write writes[] = {
		{.key = handle_key(&key, &handle->id),
		 .value = {record, pool_handle_encode(handle, record)}},
		{.key = metadb_text("times"),
		 .value = {times, pool_pair_encode(now, pool->modified, times)}},
	};
	const struct metadb_proposal proposal = {
		.request = request, .writes = writes, .write_count = ARRAY_SIZE(writes)};
	int rc = metadb_propose(pool->metadb, &proposal, NULL);

	if (rc)
		return rc;
	pool->opened = now;
	return pool_handle_add(pool, handle);
}

/* The pool is locked. */
static int
connect_locked(struct pool *pool, const struct pool_handle *handle,
	       const struct request_id *request)
{
	struct pool_handle *known = pool_handle_find(pool->pools, &handle->id);
	int rc;

	if (known)
		return known->pool == pool ? 0 : error_raise(-DER_INVAL, "the handle is in use");
	if (pool->closing)
		return error_raise(-DER_NONEXIST, "the pool is being destroyed");
	rc = busy_judge(pool, handle->access.flags);
	if (rc == 0)
		rc = handle_store(pool, handle, request);
	/* A late copy of a request whose handle has been closed since. */
	return rc == -DER_ALREADY ? 0 : rc;
}

static int
map_write(struct pool *pool, uint32_t capabilities, struct writer *reply)
{
	struct node *node = pool->pools->node;
	struct proto_engine engine = {
		.rank = node->rank,
		.targets = pool->target_count,
		.loops = node->loop_count,
		.state = 1,
		.incarnation = node->incarnation,
		.address_count = node->address_count,
	};
	struct proto_pool_connected answer = {
		.id = pool->id,
		.capabilities = capabilities,
		.map = {.version = pool->map_version,
			.engine_count = 1,
			.target_count = pool->target_count,
			.engines = &engine},
	};

	for (uint32_t i = 0; i < node->address_count; i++)
		engine.addresses[i] = (struct proto_text){node->addresses[i],
							  (uint32_t)strlen(node->addresses[i])};
	answer.map.targets =
		arena_calloc(pool->pools->arena, pool->target_count, sizeof(*answer.map.targets));
	if (answer.map.targets == NULL)
		return error_raise(-DER_NOMEM, "no memory for a pool map");
	for (uint32_t i = 0; i < pool->target_count; i++)
		answer.map.targets[i] = (struct proto_target){node->rank, i, i % node->loop_count,
							      PROTO_TARGET_UP_IN};
	proto_pool_connected_encode(&answer, reply);
	arena_free(pool->pools->arena, answer.map.targets);
	return 0;
}

/* The pool is held. */
static int
connect(struct pool *pool, struct pool_handle *handle, const struct request_id *request)
{
	struct caller *caller;
	int rc = caller_create(pool->pools->node, &handle->access.credentials, &caller);

	if (rc)
		return rc;
	rc = pool_rights(pool, caller, &handle->access);
	caller_destroy(caller);
	if (rc)
		return rc;
	fiber_mutex_lock_plain(&pool->lock);
	rc = connect_locked(pool, handle, request);
	fiber_mutex_unlock(&pool->lock);
	return rc;
}

int
pool_connect(struct pools *pools, struct rpc_request *request)
{
	struct proto_pool_connect wanted;
	struct pool_handle handle = {.pool = NULL};
	struct pool *pool;
	int rc = proto_pool_connect_decode(&request->body, &wanted);

	if (rc == 0)
		rc = access_take(pools, &wanted, request, &handle.access);
	if (rc == 0 && uuid_empty(&wanted.handle))
		rc = error_raise(-DER_INVAL, "a pool handle is not all zeros");
	if (rc == 0)
		rc = pool_of_name(pools, &wanted.pool, &pool);
	if (rc)
		return rc;
	handle.id = wanted.handle;
	memcpy(handle.client.bytes, request->header.incarnation, sizeof(handle.client.bytes));
	rc = connect(pool, &handle, &request->id);
	request->header.map_version = pool->map_version;
	if (rc == 0)
		rc = map_write(pool, handle.access.capabilities, &request->reply);
	pool_put(pool);
	return rc;
}

int
pool_disconnect(struct pools *pools, struct rpc_request *request)
{
	struct uuid id = proto_uuid_decode(&request->body);
	struct pool_access access;
	struct pool *pool;
	int rc;

	if (request->body.failed)
		return -DER_PROTO;
	/* A handle that is not there is closed. */
	if (pool_handle_find(pools, &id) == NULL)
		return 0;
	rc = pool_of_handle(pools, id, &pool, &access);
	if (rc)
		return rc;
	fiber_mutex_lock_plain(&pool->lock);
	rc = pool_handle_drop(pool, id, &request->id);
	fiber_mutex_unlock(&pool->lock);
	pool_put(pool);
	return rc;
}

/* ------------------------------------------------ evict */

int
pool_evict(struct pools *pools, struct rpc_request *request)
{
	const struct uuid everybody = {{0}};
	struct proto_name name;
	struct pool *pool;
	uint32_t count = 0;
	int rc = proto_name_decode(&request->body, &name);

	if (rc == 0)
		rc = administrator_check(pools->node, request, "eviction from a pool");
	if (rc == 0)
		rc = pool_of_name(pools, &name, &pool);
	if (rc)
		return rc;
	/* Done twice it drops what has connected since: that is what it says. */
	rc = pool_handles_drop(pool, everybody, &count);
	if (rc == 0)
		writer_u32(&request->reply, count);
	pool_put(pool);
	return rc;
}
