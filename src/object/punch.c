/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Punch of an object's shard, of dkeys, or of akeys below one dkey. */
#include "object/private.h"

/* Keys that need no allocation. */
#define FEW 16u

struct punch {
	struct operation operation;
	struct proto_object_punch message;
	struct vos_key *keys;
	struct vos_key few[FEW];
};

static int
punch_object(void *argument, const struct vos_change *change, uint64_t *ret_group)
{
	struct punch *punch = argument;

	return vos_punch_object(punch->operation.container, &punch->operation.object, change,
				ret_group);
}

static int
punch_dkeys(void *argument, const struct vos_change *change, uint64_t *ret_group)
{
	struct punch *punch = argument;

	return vos_punch_dkeys(punch->operation.container, &punch->operation.object, punch->keys,
			       punch->message.key_count, change, ret_group);
}

static int
punch_akeys(void *argument, const struct vos_change *change, uint64_t *ret_group)
{
	struct punch *punch = argument;

	return vos_punch_akeys(punch->operation.container, &punch->operation.object,
			       object_key(punch->message.dkey), punch->keys,
			       punch->message.key_count, change, ret_group);
}

typedef int punch_function(void *argument, const struct vos_change *change, uint64_t *ret_group);

static int
run(struct punch *punch, punch_function *function)
{
	struct arena *arena = punch->operation.service->arena;
	AUTO_FREE struct scoped_block many = {arena, NULL};
	int rc;

	if (punch->message.key_count > VOS_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u keys in one punch; the limit is %u",
				   punch->message.key_count, VOS_AKEYS_MAX);
	punch->keys = punch->few;
	if (punch->message.key_count > FEW) {
		many.pointer =
			arena_alloc(arena, punch->message.key_count * sizeof(struct vos_key));
		if (many.pointer == NULL)
			return -DER_NOMEM;
		punch->keys = many.pointer;
	}
	for (uint32_t i = 0; i < punch->message.key_count; i++)
		punch->keys[i] = object_key(punch->message.keys[i]);
	rc = operation_enter(&punch->operation, &punch->message.object, PROTO_CAN_WRITE);
	if (rc == 0)
		rc = operation_change(&punch->operation, function, punch);
	operation_leave(&punch->operation);
	return rc;
}

static int
punch_serve(struct object_service *service, struct rpc_request *request, uint32_t operation,
	    punch_function *function)
{
	struct punch punch = {.operation = {.service = service, .request = request}};
	int rc;

	metric_add(&service->counts[operation - PROTO_OBJECT], 1);
	rc = proto_object_punch_decode(&request->body, service->arena, &punch.message);
	if (rc != 0)
		return rc;
	rc = run(&punch, function);
	proto_object_punch_free(service->arena, &punch.message);
	return rc;
}

int
object_punch(void *owner, struct rpc_request *request)
{
	return punch_serve(owner, request, PROTO_OBJECT_PUNCH_OBJECT, punch_object);
}

int
object_punch_dkeys(void *owner, struct rpc_request *request)
{
	return punch_serve(owner, request, PROTO_OBJECT_PUNCH_DKEYS, punch_dkeys);
}

int
object_punch_akeys(void *owner, struct rpc_request *request)
{
	return punch_serve(owner, request, PROTO_OBJECT_PUNCH_AKEYS, punch_akeys);
}
