/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Container handles: key "ch/<uuid>" of the pool's store, and the tables of all loops. */
#include "daos_cont.h"
#include "daos_types.h"

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
	struct pool_access access; /* of the pool handle */
	struct caller *caller;	   /* whose pool handle it is */
	bool owns;		   /* the caller, the container */
	struct container_record container;
	struct container_handle handle;
};

/* What the flags leave of the rights. */
static int
flags_check(const struct opening *opening, uint32_t *ret_mask)
{
	const uint32_t reading = PROTO_CAN_READ | PROTO_CAN_GET_PROPERTIES | PROTO_CAN_GET_ACL;
	uint32_t mode = opening->wanted.flags & DAOS_COO_IO_BASE_MASK;

	if (opening->wanted.flags & ~DAOS_COO_MASK)
		return error_raise(-DER_INVAL, "flags %#x are not known", opening->wanted.flags);
	if (mode != DAOS_COO_RO && mode != DAOS_COO_RW && mode != DAOS_COO_EX)
		return error_raise(-DER_INVAL, "flags %#x: one of DAOS_COO_RO, RW and EX is needed",
				   opening->wanted.flags);
	if (mode != DAOS_COO_RO && opening->access.flags == DAOS_PC_RO)
		return error_raise(-DER_NO_PERM, "the pool is connected read-only: connect with "
						 "DAOS_PC_RW");
	*ret_mask = mode == DAOS_COO_RO ? reading : UINT32_MAX;
	return 0;
}

/* Administrators look after a container; what is in it is its owner's. */
#define ADMINISTRATION                                                             \
	(PROTO_CAN_GET_PROPERTIES | PROTO_CAN_SET_PROPERTIES | PROTO_CAN_GET_ACL | \
	 PROTO_CAN_SET_ACL | PROTO_CAN_SET_OWNER)

/* The rights of the handle. */
static int
open_judge(struct opening *opening)
{
	uint32_t rights = 0, mask = 0;
	int rc = flags_check(opening, &mask);

	if (rc == 0)
		rc = container_rights(opening->pool, &opening->container.id, opening->caller,
				      &rights, &opening->owns);
	if (rc)
		return rc;
	if (opening->access.administrator)
		rights |= ADMINISTRATION;
	if ((rights & ~(uint32_t)PROTO_CAN_DELETE) == 0)
		return error_raise(-DER_NO_PERM,
				   "the container's access list gives %s no right to open it, r is "
				   "needed: ask its owner (daos container update-acl)",
				   opening->caller->principal.user);
	opening->handle.capabilities = rights & mask;
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
	if ((flags & DAOS_COO_EVICT_ALL) && !opening->owns && !opening->caller->administrator)
		return error_raise(-DER_NO_PERM,
				   "only its owner may end all uses of a container, %s is another",
				   opening->caller->principal.user);
	if (!(flags & DAOS_COO_EVICT_ALL) && opening->handle.user_known)
		filter.user = &opening->handle.user;
	else if (!(flags & DAOS_COO_EVICT_ALL))
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
	if (known && !uuid_equal(&known->container, &opening->container.id))
		return error_raise(-DER_INVAL, "the handle is in use");
	if (known) {
		opening->handle.capabilities = known->capabilities;
		return 0;
	}
	rc = open_judge(opening);
	if (rc == 0)
		rc = evict(opening);
	if (rc == 0)
		rc = busy_judge(opening);
	if (rc == 0)
		rc = container_rollback_check(opening->pool, &opening->container.id,
					      (opening->wanted.flags & DAOS_COO_EX) != 0);
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
	uint32_t wanted = PROTO_ANSWER_PROPERTIES;
	int rc = 0;

	if (uuid_empty(&opening->wanted.handle))
		return error_raise(-DER_INVAL, "a container handle is not all zeros");
	opening->handle.id = opening->wanted.handle;
	opening->handle.pool = pool_id(opening->pool);
	opening->handle.pool_handle = opening->wanted.pool_handle;
	opening->handle.flags = opening->wanted.flags;
	opening->handle.map_version = pool_map_version(opening->pool);
	opening->handle.user_known = opening->access.credentials.known;
	opening->handle.user = opening->access.credentials.user;
	memcpy(opening->handle.client.bytes, opening->request->header.incarnation,
	       sizeof(opening->handle.client.bytes));
	fiber_mutex_lock_plain(pool_lock(opening->pool));
	rc = open_locked(opening);
	fiber_mutex_unlock(pool_lock(opening->pool));
	if (rc == 0)
		rc = container_info_write(opening->containers, opening->pool, &opening->container,
					  opening->handle.capabilities, wanted,
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
				    &opening.access);
	if (rc)
		return rc;
	rc = caller_create(containers->node, &opening.access.credentials, &opening.caller);
	if (rc == 0) {
		rc = opening_run(&opening);
		caller_destroy(opening.caller);
	}
	pool_put(opening.pool);
	return rc;
}
