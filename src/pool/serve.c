/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The calls of the pool service, and its attribute calls. */
#include "pool/private.h"

#define ATTRIBUTES "a/"

/* ------------------------------------------------ attributes */

/* A decoded attribute call. */
struct attribute_call {
	struct pool *pool;
	struct proto_attributes attributes;
	struct proto_text after; /* a listing goes on behind it */
};

static int
attribute_call_begin(struct pools *pools, struct rpc_request *request, uint32_t needed, bool names,
		     struct attribute_call *call)
{
	struct uuid handle = proto_uuid_decode(&request->body);
	struct pool_access access;
	int rc = 0;

	call->attributes = (struct proto_attributes){.count = 0};
	if (names)
		rc = proto_attributes_decode(&request->body, pools->arena, &call->attributes);
	else
		call->after = attributes_after(&request->body);
	if (rc == 0 && request->body.failed)
		rc = -DER_PROTO;
	if (rc == 0)
		rc = pool_of_handle(pools, handle, &call->pool, &access);
	if (rc == 0) {
		rc = access_check(access.capabilities, needed, "pool");
		if (rc)
			pool_put(call->pool);
	}
	if (rc)
		proto_attributes_free(pools->arena, &call->attributes);
	return rc;
}

static void
attribute_call_end(struct pools *pools, struct attribute_call *call)
{
	proto_attributes_free(pools->arena, &call->attributes);
	pool_put(call->pool);
}

static int
set_attributes(void *owner, struct rpc_request *request)
{
	struct attribute_call call;
	int rc = attribute_call_begin(owner, request, PROTO_CAN_WRITE, true, &call);

	if (rc)
		return rc;
	rc = attributes_set(call.pool->metadb, ATTRIBUTES, &call.attributes, &request->id);
	attribute_call_end(owner, &call);
	return rc;
}

static int
delete_attributes(void *owner, struct rpc_request *request)
{
	struct attribute_call call;
	int rc = attribute_call_begin(owner, request, PROTO_CAN_WRITE, true, &call);

	if (rc)
		return rc;
	rc = attributes_delete(call.pool->metadb, ATTRIBUTES, &call.attributes, &request->id);
	attribute_call_end(owner, &call);
	return rc;
}

static int
get_attributes(void *owner, struct rpc_request *request)
{
	struct attribute_call call;
	int rc = attribute_call_begin(owner, request, PROTO_CAN_READ, true, &call);

	if (rc)
		return rc;
	rc = attributes_get(call.pool->metadb, ATTRIBUTES, &call.attributes);
	if (rc == 0) {
		proto_attributes_encode(&call.attributes, &request->reply);
		attributes_free_values(call.pool->metadb, &call.attributes);
	}
	attribute_call_end(owner, &call);
	return rc;
}

static int
list_attributes(void *owner, struct rpc_request *request)
{
	struct attribute_call call;
	int rc = attribute_call_begin(owner, request, PROTO_CAN_READ, false, &call);

	if (rc)
		return rc;
	rc = attributes_list(call.pool->metadb, ATTRIBUTES, call.after, &request->reply);
	attribute_call_end(owner, &call);
	return rc;
}

/* ------------------------------------------------ tables */

SERVE_CHANGING(pool_create)
SERVE_CHANGING(pool_destroy)
SERVE_READING(pool_list)
SERVE_READING(pool_find)
SERVE_CHANGING(pool_connect)
SERVE_CHANGING(pool_disconnect)
SERVE_READING(pool_query)
SERVE_READING(pool_query_target)
SERVE_CHANGING(pool_set_properties)
SERVE_CHANGING(pool_change_acl)
SERVE_CHANGING(pool_evict)
SERVE_CHANGING(pool_stop_service)
SERVE_CHANGING(set_attributes)
SERVE_CHANGING(delete_attributes)
SERVE_READING(get_attributes)
SERVE_READING(list_attributes)

static const struct rpc_method methods[] = {
	{PROTO_SYSTEM_POOL_CREATE, "pool create", serve_pool_create},
	{PROTO_SYSTEM_POOL_DESTROY, "pool destroy", serve_pool_destroy},
	{PROTO_SYSTEM_POOL_LIST, "pool list", serve_pool_list},
	{PROTO_SYSTEM_POOL_FIND, "pool find", serve_pool_find},
	{PROTO_SYSTEM_POOL_EVICT, "pool evict", serve_pool_evict},
	{PROTO_POOL_CONNECT, "pool connect", serve_pool_connect},
	{PROTO_POOL_DISCONNECT, "pool disconnect", serve_pool_disconnect},
	{PROTO_POOL_QUERY, "pool query", serve_pool_query},
	{PROTO_POOL_SET_PROPERTIES, "pool set properties", serve_pool_set_properties},
	{PROTO_POOL_CHANGE_ACL, "pool change acl", serve_pool_change_acl},
	{PROTO_POOL_QUERY_TARGET, "pool query target", serve_pool_query_target},
	{PROTO_POOL_STOP_SERVICE, "pool stop service", serve_pool_stop_service},
	{PROTO_POOL_SET_ATTRIBUTES, "pool set attributes", serve_set_attributes},
	{PROTO_POOL_DELETE_ATTRIBUTES, "pool delete attributes", serve_delete_attributes},
	{PROTO_POOL_GET_ATTRIBUTES, "pool get attributes", serve_get_attributes},
	{PROTO_POOL_LIST_ATTRIBUTES, "pool list attributes", serve_list_attributes},
};

int
pools_serve(struct pools *pools)
{
	return rpc_serve(pools->node->loops[0].rpc, methods, ARRAY_SIZE(methods), pools);
}
