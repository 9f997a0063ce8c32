/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Container handles: key "ch/<uuid>" of the pool's store, and the tables of all loops. */
#include "daos_cont.h"

#include "container/private.h"

/* ------------------------------------------------ close */

int
container_handles_close(struct containers *containers, struct pool *pool,
			const struct handle_filter *filter)
{
	for (;;) {
		struct container_handle *handle = container_handle_find(containers->node, filter);
		struct container_key key;
		struct metadb_write write = {.remove = true};
		const struct metadb_proposal proposal = {
			.writes = &write, .write_count = 1, .privileged = true};
		struct handle_filter one;
		struct uuid id;
		int rc;

		if (handle == NULL)
			return 0;
		id = handle->id;
		one = (struct handle_filter){.id = &id};
		write.key = container_key(&key, KEY_HANDLE, &id);
		rc = metadb_propose(pool_metadb(pool), &proposal, NULL);
		if (rc)
			return rc;
		container_handles_retract(containers->node, &one);
	}
}

int
container_close(struct containers *containers, struct rpc_request *request)
{
	struct uuid id = proto_uuid_decode(&request->body);
	const struct handle_filter filter = {.id = &id};
	struct container_handle handle;
	struct pool *pool;
	int rc;

	if (request->body.failed)
		return -DER_PROTO;
	/* A handle that is not there is closed. */
	if (container_handle_find(containers->node, &filter) == NULL)
		return 0;
	rc = container_of_handle(containers, id, 0, &pool, &handle);
	if (rc)
		return rc;
	fiber_mutex_lock_plain(pool_lock(pool));
	rc = container_handles_close(containers, pool, &filter);
	fiber_mutex_unlock(pool_lock(pool));
	pool_put(pool);
	return rc;
}

/* ------------------------------------------------ open */

struct opening {
	struct containers *containers;
	struct pool *pool;
	struct rpc_request *request;
	struct proto_container_open wanted;
	uint32_t pool_capabilities;
	struct container_record container;
	struct container_handle handle;
};

static int
rights_of(const struct opening *opening, uint32_t *ret_capabilities)
{
	uint32_t access = opening->wanted.flags & DAOS_COO_IO_BASE_MASK;

	if (opening->wanted.flags & ~DAOS_COO_MASK)
		return error_raise(-DER_INVAL, "flags %#x are not known", opening->wanted.flags);
	if (access == DAOS_COO_RO) {
		*ret_capabilities = PROTO_CAN_READ | PROTO_CAN_GET_PROPERTIES;
		return 0;
	}
	if (access != DAOS_COO_RW && access != DAOS_COO_EX)
		return error_raise(-DER_INVAL, "flags %#x: one of DAOS_COO_RO, RW and EX is needed",
				   opening->wanted.flags);
	if (!(opening->pool_capabilities & PROTO_CAN_WRITE))
		return error_raise(-DER_NO_PERM, "the pool is connected read-only: connect with "
						 "DAOS_PC_RW");
	*ret_capabilities = PROTO_CAN_READ | PROTO_CAN_WRITE | PROTO_CAN_GET_PROPERTIES |
			    PROTO_CAN_SET_PROPERTIES;
	return 0;
}

/* Closes what the flags say may not stay. */
static int
evict(struct opening *opening)
{
	uint32_t flags = opening->wanted.flags;
	struct handle_filter filter = {.container = &opening->container.id};

	if (!(flags & (DAOS_COO_EVICT | DAOS_COO_EVICT_ALL)))
		return 0;
	if (!(flags & DAOS_COO_EVICT_ALL))
		filter.client = &opening->handle.client;
	return container_handles_close(opening->containers, opening->pool, &filter);
}

static int
busy_judge(const struct opening *opening)
{
	struct node *node = opening->containers->node;
	const struct handle_filter here = {.container = &opening->container.id}, all = {.id = NULL};
	const struct container_handle *other = container_handle_find(node, &here);

	if (other && (opening->wanted.flags & DAOS_COO_EX))
		return error_raise(-DER_BUSY,
				   "%u handles have the container open: exclusive use is "
				   "not possible",
				   container_handle_count(node, &here));
	/* An exclusive handle is the only one. */
	if (other && (other->flags & DAOS_COO_EX))
		return error_raise(-DER_BUSY, "another handle has the container for exclusive use");
	if (container_handle_count(node, &all) >= HANDLES_MAX)
		return error_raise(-DER_BUSY, "%u container handles are open, the most possible",
				   HANDLES_MAX);
	return 0;
}

static int
handle_store(struct opening *opening)
{
	const struct uuid *id = &opening->container.id;
	uint8_t record[CONTAINER_RECORD], times_record[CONTAINER_TIMES];
	struct container_key key, times_key;
	struct container_times times;
	struct metadb_write writes[] = {
		{.key = container_key(&key, KEY_HANDLE, &opening->handle.id)},
		{.key = container_key(&times_key, KEY_TIMES, id)},
	};
	const struct metadb_proposal proposal = {
		.request = &opening->request->id,
		.writes = writes,
		.write_count = opening->wanted.flags & DAOS_COO_RO_MDSTATS ? 1 : 2,
	};
	int rc = container_times_get(opening->pool, id, &times);

	if (rc)
		return rc;
	times.opened = node_stamp(opening->containers->node);
	writes[0].value =
		(struct metadb_bytes){record, container_handle_encode(&opening->handle, record)};
	writes[1].value =
		(struct metadb_bytes){times_record, container_times_encode(&times, times_record)};
	return metadb_propose(pool_metadb(opening->pool), &proposal, NULL);
}

/* The pool is locked. */
static int
open_locked(struct opening *opening)
{
	struct node *node = opening->containers->node;
	const struct handle_filter same = {.id = &opening->handle.id};
	const struct container_handle *known;
	int rc = container_find(opening->pool, &opening->wanted.container, &opening->container);

	if (rc)
		return rc;
	opening->handle.container = opening->container.id;
	known = container_handle_find(node, &same);
	if (known)
		return uuid_equal(&known->container, &opening->container.id)
			       ? 0
			       : error_raise(-DER_INVAL, "the handle is in use");
	rc = evict(opening);
	if (rc == 0)
		rc = busy_judge(opening);
	if (rc == 0)
		rc = handle_store(opening);
	/* A late copy of a request whose handle has been closed since. */
	if (rc)
		return rc == -DER_ALREADY ? 0 : rc;
	rc = container_handle_publish(node, &opening->handle);
	return rc;
}

static int
opening_run(struct opening *opening)
{
	int rc = rights_of(opening, &opening->handle.capabilities);

	if (rc == 0 && uuid_empty(&opening->wanted.handle))
		rc = error_raise(-DER_INVAL, "a container handle is not all zeros");
	if (rc)
		return rc;
	opening->handle.id = opening->wanted.handle;
	opening->handle.pool = pool_id(opening->pool);
	opening->handle.pool_handle = opening->wanted.pool_handle;
	opening->handle.flags = opening->wanted.flags;
	opening->handle.map_version = pool_map_version(opening->pool);
	memcpy(opening->handle.client.bytes, opening->request->header.incarnation,
	       sizeof(opening->handle.client.bytes));
	fiber_mutex_lock_plain(pool_lock(opening->pool));
	rc = open_locked(opening);
	fiber_mutex_unlock(pool_lock(opening->pool));
	if (rc == 0)
		rc = container_info_write(opening->containers, opening->pool, &opening->container,
					  opening->handle.capabilities, true,
					  &opening->request->reply);
	return rc;
}

int
container_open(struct containers *containers, struct rpc_request *request)
{
	struct opening opening = {.containers = containers, .request = request};
	int rc = proto_container_open_decode(&request->body, &opening.wanted);

	if (rc == 0)
		rc = pool_of_handle(containers->pools, opening.wanted.pool_handle, &opening.pool,
				    &opening.pool_capabilities);
	if (rc)
		return rc;
	rc = opening_run(&opening);
	pool_put(opening.pool);
	return rc;
}
