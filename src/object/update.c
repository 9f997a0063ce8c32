/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Update: payload from the request or from the caller's memory, then one change of the store. */
#include "object/private.h"

struct update {
	struct operation operation;
	struct proto_object_update message;
	struct object_akeys akeys;
};

/* Payload that came with the request. */
static void
take_inline(struct update *update)
{
	const char *data = update->message.payload.data;

	for (uint32_t i = 0; i < update->akeys.count; i++) {
		update->akeys.iov[i].iov_base = (void *)(uintptr_t)data;
		data += update->akeys.iov[i].iov_len;
	}
}

/* Pulls the payload; each akey's begins at a block of its own and is filled up with zeros. */
static int
pull(struct update *update, struct rpc_request *request, struct payload *payload)
{
	struct iovec *iov = update->akeys.iov;
	struct iovec pieces[VOS_AKEYS_MAX];
	uint64_t bytes = 0;
	uint32_t count = 0;
	int rc;

	for (uint32_t i = 0; i < update->akeys.count; i++)
		bytes += align_up(iov[i].iov_len, DISK_BLOCK);
	rc = payload_get(&update->operation.service->buffers, bytes, payload);
	if (rc != 0)
		return rc;
	bytes = 0;
	for (uint32_t i = 0; i < update->akeys.count; i++) {
		uint64_t filled = align_up(iov[i].iov_len, DISK_BLOCK);

		iov[i].iov_base = payload->data + bytes;
		memset(payload->data + bytes + iov[i].iov_len, 0, filled - iov[i].iov_len);
		if (iov[i].iov_len > 0)
			pieces[count++] = iov[i];
		bytes += filled;
	}
	return rpc_pull(request, update->message.bulk, 0, pieces, count);
}

static int
receive(struct update *update, struct rpc_request *request, struct payload *payload)
{
	int rc = object_akeys_measure(&update->akeys, update->message.akeys);

	if (rc != 0)
		return rc;
	if (update->akeys.bytes != update->message.payload_length)
		return error_raise(-DER_INVAL, "%llu bytes of payload for values of %llu bytes",
				   (unsigned long long)update->message.payload_length,
				   (unsigned long long)update->akeys.bytes);
	if (update->message.bulk.key != 0)
		return pull(update, request, payload);
	take_inline(update);
	return 0;
}

static int
change(void *argument, const struct vos_change *change, uint64_t *ret_group)
{
	struct update *update = argument;

	return vos_update(update->operation.container, &update->operation.object,
			  object_key(update->message.dkey), update->akeys.akeys,
			  update->akeys.count, change, ret_group);
}

/* Everything that is given back when it ends is the caller's, which outlives the wait for the
 * group. */
static int
run(struct update *update, struct rpc_request *request)
{
	AUTO_PUT struct payload payload = {.data = NULL};
	int rc = operation_enter(&update->operation, &update->message.object, PROTO_CAN_WRITE);

	if (rc == 0)
		rc = receive(update, request, &payload);
	return rc == 0 ? operation_change(&update->operation, change, update) : rc;
}

int
object_update(void *owner, struct rpc_request *request)
{
	struct object_service *service = owner;
	struct update update;
	int rc;

	metric_add(&service->counts[PROTO_OBJECT_UPDATE - PROTO_OBJECT], 1);
	update.operation = (struct operation){.service = service, .request = request};
	rc = proto_object_update_decode(&request->body, service->arena, &update.message);
	if (rc != 0)
		return rc;
	rc = object_akeys_init(&update.akeys, service->arena, update.message.akeys,
			       update.message.akey_count);
	if (rc == 0) {
		rc = run(&update, request);
		operation_leave(&update.operation);
		object_akeys_fini(&update.akeys);
	}
	proto_object_update_free(service->arena, &update.message);
	return rc;
}
