/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The calls of the container service, and its attribute calls. */
#include "container/private.h"

/* ------------------------------------------------ attributes */

/* A decoded attribute call. */
struct attribute_call {
	struct pool *pool;
	struct container_key prefix;
	struct proto_attributes attributes;
	struct proto_text after; /* a listing goes on behind it */
};

static int
attribute_call_begin(struct containers *containers, struct rpc_request *request, uint32_t needed,
		     bool names, struct attribute_call *call)
{
	struct uuid id = proto_uuid_decode(&request->body);
	struct container_handle handle;
	int rc = 0;

	call->attributes = (struct proto_attributes){.count = 0};
	if (names)
		rc = proto_attributes_decode(&request->body, containers->arena, &call->attributes);
	else
		call->after = attributes_after(&request->body);
	if (rc == 0 && request->body.failed)
		rc = -DER_PROTO;
	if (rc == 0)
		rc = container_of_handle(containers, id, needed, &call->pool, &handle);
	if (rc)
		proto_attributes_free(containers->arena, &call->attributes);
	else
		container_attribute_prefix(&call->prefix, &handle.container);
	return rc;
}

static void
attribute_call_end(struct containers *containers, struct attribute_call *call)
{
	proto_attributes_free(containers->arena, &call->attributes);
	pool_put(call->pool);
}

/* Under the pool's lock, so that none appears behind the back of a destruction. */
static int
attributes_change(struct containers *containers, struct rpc_request *request, bool remove)
{
	struct attribute_call call;
	int rc = attribute_call_begin(containers, request, PROTO_CAN_WRITE, true, &call);
	struct metadb *metadb;

	if (rc)
		return rc;
	metadb = pool_metadb(call.pool);
	fiber_mutex_lock_plain(pool_lock(call.pool));
	if (remove)
		rc = attributes_delete(metadb, call.prefix.text, &call.attributes, &request->id);
	else
		rc = attributes_set(metadb, call.prefix.text, &call.attributes, &request->id);
	fiber_mutex_unlock(pool_lock(call.pool));
	attribute_call_end(containers, &call);
	return rc;
}

static int
set_attributes(struct containers *containers, struct rpc_request *request)
{
	return attributes_change(containers, request, false);
}

static int
delete_attributes(struct containers *containers, struct rpc_request *request)
{
	return attributes_change(containers, request, true);
}

static int
get_attributes(struct containers *containers, struct rpc_request *request)
{
	struct attribute_call call;
	int rc = attribute_call_begin(containers, request, PROTO_CAN_READ, true, &call);

	if (rc)
		return rc;
	rc = attributes_get(pool_metadb(call.pool), call.prefix.text, &call.attributes);
	if (rc == 0) {
		proto_attributes_encode(&call.attributes, &request->reply);
		attributes_free_values(pool_metadb(call.pool), &call.attributes);
	}
	attribute_call_end(containers, &call);
	return rc;
}

static int
list_attributes(struct containers *containers, struct rpc_request *request)
{
	struct attribute_call call;
	int rc = attribute_call_begin(containers, request, PROTO_CAN_READ, false, &call);

	if (rc)
		return rc;
	rc = attributes_list(pool_metadb(call.pool), call.prefix.text, call.after, &request->reply);
	attribute_call_end(containers, &call);
	return rc;
}

/* ------------------------------------------------ table */

SERVE_CHANGING(container_create)
SERVE_CHANGING(container_destroy)
SERVE_CHANGING(container_open)
SERVE_CHANGING(container_close)
SERVE_READING(container_query)
SERVE_READING(container_list)
SERVE_READING(container_filter)
SERVE_CHANGING(container_set_properties)
SERVE_CHANGING(container_change_acl)
SERVE_CHANGING(set_attributes)
SERVE_CHANGING(delete_attributes)
SERVE_READING(get_attributes)
SERVE_READING(list_attributes)
SERVE_CHANGING(container_allocate_oids)
SERVE_CHANGING(container_create_snapshot)
SERVE_READING(container_list_snapshots)
SERVE_CHANGING(container_destroy_snapshots)
SERVE_READING(container_find_snapshot)
SERVE_CHANGING(container_mark_snapshot)
SERVE_READING(container_aggregate)
SERVE_CHANGING(container_rollback)

static const struct rpc_method methods[] = {
	{PROTO_CONTAINER_CREATE, "container create", serve_container_create},
	{PROTO_CONTAINER_DESTROY, "container destroy", serve_container_destroy},
	{PROTO_CONTAINER_OPEN, "container open", serve_container_open},
	{PROTO_CONTAINER_CLOSE, "container close", serve_container_close},
	{PROTO_CONTAINER_QUERY, "container query", serve_container_query},
	{PROTO_POOL_LIST_CONTAINERS, "container list", serve_container_list},
	{PROTO_POOL_FILTER_CONTAINERS, "container filter", serve_container_filter},
	{PROTO_CONTAINER_CHANGE_ACL, "container change acl", serve_container_change_acl},
	{PROTO_CONTAINER_SET_PROPERTIES, "container set properties",
	 serve_container_set_properties},
	{PROTO_CONTAINER_SET_ATTRIBUTES, "container set attributes", serve_set_attributes},
	{PROTO_CONTAINER_DELETE_ATTRIBUTES, "container delete attributes", serve_delete_attributes},
	{PROTO_CONTAINER_GET_ATTRIBUTES, "container get attributes", serve_get_attributes},
	{PROTO_CONTAINER_LIST_ATTRIBUTES, "container list attributes", serve_list_attributes},
	{PROTO_CONTAINER_ALLOCATE_OIDS, "container allocate oids", serve_container_allocate_oids},
	{PROTO_CONTAINER_CREATE_SNAPSHOT, "container create snapshot",
	 serve_container_create_snapshot},
	{PROTO_CONTAINER_LIST_SNAPSHOTS, "container list snapshots",
	 serve_container_list_snapshots},
	{PROTO_CONTAINER_DESTROY_SNAPSHOTS, "container destroy snapshots",
	 serve_container_destroy_snapshots},
	{PROTO_CONTAINER_FIND_SNAPSHOT, "container find snapshot", serve_container_find_snapshot},
	{PROTO_CONTAINER_MARK_SNAPSHOT, "container mark snapshot", serve_container_mark_snapshot},
	{PROTO_CONTAINER_AGGREGATE, "container aggregate", serve_container_aggregate},
	{PROTO_CONTAINER_ROLLBACK, "container rollback", serve_container_rollback},
};

int
containers_serve(struct containers *containers)
{
	return rpc_serve(containers->node->loops[0].rpc, methods, ARRAY_SIZE(methods), containers);
}
