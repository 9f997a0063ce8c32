/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Query: the largest or smallest keys and extent of a shard. */
#include "object/private.h"

_Static_assert(PROTO_QUERY_MAX == (int)VOS_GET_MAX && PROTO_QUERY_EXTENT == (int)VOS_GET_EXTENT,
	       "the same numbers");

static int
query_shard(struct operation *operation, const struct proto_object_query *message,
	    struct vos_query_result *ret_result)
{
	int rc = operation_enter(operation, &message->object, PROTO_CAN_READ);

	if (rc != 0)
		return rc;
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
	};
	proto_object_queried_encode(&reply, &request->reply);
	return 0;
}
