/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Query: the largest or smallest keys and extent of a shard. */
#include "object/private.h"

_Static_assert(PROTO_QUERY_MAX == (int)VOS_GET_MAX && PROTO_QUERY_EXTENT == (int)VOS_GET_EXTENT &&
		       PROTO_QUERY_NEWEST == (int)VOS_GET_NEWEST &&
		       PROTO_QUERY_RENAMED == (int)VOS_GET_RENAMED,
	       "the same numbers");

/* What the answer depends on. */
static void
note(const struct operation *operation, const struct proto_object_query *message)
{
	struct vos_key dkey = object_key(message->dkey);
	struct vos_key akey = object_key(message->akey);
	uint32_t flags = message->object.flags;

	if (flags & VOS_GET_DKEY || dkey.length == 0)
		operation_note(operation, VOS_DKEYS, (struct vos_key){0}, (struct vos_key){0});
	else if (flags & VOS_GET_AKEY || akey.length == 0)
		operation_note(operation, VOS_AKEYS, dkey, (struct vos_key){0});
	else
		operation_note(operation, VOS_EXTENTS, dkey, akey);
}

static int
query_shard(struct operation *operation, const struct proto_object_query *message,
	    struct vos_query_result *ret_result)
{
	int rc = operation_enter(operation, &message->object, PROTO_CAN_READ);

	if (rc == 0)
		rc = operation_view(operation);
	if (rc != 0)
		return rc;
	note(operation, message);
	return vos_query_key(operation->container, &operation->object, message->object.flags,
			     object_key(message->dkey), object_key(message->akey),
			     operation_epoch(operation), ret_result);
}

int
object_query(void *owner, struct rpc_request *request)
{
	struct object_service *service = owner;
	AUTO_LEAVE struct operation operation = {.service = service, .request = request};
	struct proto_object_query message;
	struct vos_query_result result;
	struct proto_object_queried reply;
	int rc;

	metric_add(&service->counts[PROTO_OBJECT_QUERY_KEY - PROTO_OBJECT], 1);
	rc = proto_object_query_decode(&request->body, &message);
	if (rc == 0)
		rc = query_shard(&operation, &message, &result);
	if (rc != 0)
		return rc;
	reply = (struct proto_object_queried){
		.dkey = result.dkey,
		.akey = result.akey,
		.extent = {result.extent.index, result.extent.count},
		.record_size = result.record_size,
		.epoch = result.epoch,
		.read_epoch = operation_told(&operation),
	};
	proto_object_queried_encode(&reply, &request->reply);
	return 0;
}
