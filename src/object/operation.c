/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What every operation begins and ends with, and the line that every change takes. */
#include "object/private.h"

/* The handle, its rights, and the map that the caller planned with. */
static int
check_access(struct operation *operation, const struct proto_object *message, uint32_t capability)
{
	struct proto_header *header = &operation->request->header;
	struct container_access *access = &operation->access;
	uint32_t version = header->map_version;
	struct node *node = operation->service->node;
	int rc = container_access(node, message->handle, access);
	int state;

	if (rc != 0) {
		/* Handles stand in the pool's store: nobody knows them while that is damaged. */
		state = pool_target_state(node, message->pool, message->target);
		return state ? error_raise(state, "the pool is out of service, see the log") : rc;
	}
	if (!uuid_equal(&access->pool, &message->pool))
		return error_raise(-DER_NO_HDL, "the container handle belongs to another pool");
	if ((access->capabilities & capability) == 0)
		return error_raise(-DER_NO_PERM, "the container was opened without the right to %s",
				   capability == PROTO_CAN_WRITE ? "write" : "read");
	if (access->map_version == 0)
		return 0;
	header->map_version = access->map_version;
	if (version != 0 && version != access->map_version)
		return error_raise(-DER_STALE, "planned with pool map %u; here it is %u", version,
				   access->map_version);
	return 0;
}

int
operation_enter(struct operation *operation, const struct proto_object *message,
		uint32_t capability)
{
	struct node *node = operation->service->node;
	struct vos *vos;
	int rc = check_access(operation, message, capability);

	if (rc != 0)
		return rc;
	operation->pool = message->pool;
	operation->target = message->target;
	operation->object = (struct vos_object){.id = message->id, .shard = message->shard};
	operation->epoch = message->epoch;
	operation->transaction = message->transaction;
	operation->conditions = message->conditions;
	rc = pool_target_hold(node, message->pool, message->target, &vos);
	if (rc != 0)
		return rc;
	operation->held = true;
	return container_on_target(node, &operation->access, message->target,
				   &operation->container);
}

void
operation_leave(struct operation *operation)
{
	if (operation->container)
		vos_container_close(operation->container);
	if (operation->held)
		pool_target_release(operation->service->node, operation->pool, operation->target);
}

static bool
in_transaction(const struct operation *operation)
{
	return !uuid_empty(&operation->transaction);
}

static int
observe(const struct operation *operation)
{
	return hlc_observe(operation->service->node->clock, env_realtime(operation->service->env),
			   operation->epoch);
}

int
operation_view(struct operation *operation)
{
	if (!in_transaction(operation))
		return 0;
	operation->epoch &= ~HLC_MINOR_MASK;
	if (operation->epoch)
		return observe(operation);
	return node_epoch(operation->service->node, &operation->epoch);
}

void
operation_note(const struct operation *operation, enum vos_level level, struct vos_key dkey,
	       struct vos_key akey)
{
	if (in_transaction(operation))
		vos_note_read(operation->container, &operation->object, level, dkey, akey,
			      operation->epoch, operation->transaction);
}

/* All of a transaction is seen, or nothing. */
uint64_t
operation_epoch(const struct operation *operation)
{
	return operation->epoch ? operation->epoch | HLC_MINOR_MASK : EPOCH_MAX;
}

uint64_t
operation_told(const struct operation *operation)
{
	return in_transaction(operation) ? operation->epoch : 0;
}

static struct media *
operation_media(const struct operation *operation)
{
	return heap_media(vos_heap(vos_container_store(operation->container)));
}

/* Tries until the epoch is newer than all that the target has seen; one from the message is tried
 * once. */
static int
change_at(struct operation *operation, struct vos_change *change,
	  int (*function)(void *argument, const struct vos_change *change, uint64_t *ret_group),
	  void *argument, uint64_t *ret_group)
{
	struct node *node = operation->service->node;
	uint32_t tries = operation->epoch ? 1 : EPOCHS_MAX;
	int rc = -DER_TX_RESTART;

	for (uint32_t i = 0; i < tries && rc == -DER_TX_RESTART; i++) {
		int drawn = 0;

		change->epoch = operation->epoch;
		if (change->epoch == 0)
			drawn = node_epoch(node, &change->epoch);
		if (drawn != 0)
			return drawn;
		/* The last try counts, however often the others are spoilt. */
		if (i + 1 == tries || !FAULT("object: draw another epoch"))
			rc = function(argument, change, ret_group);
	}
	return rc;
}

int
operation_change(struct operation *operation,
		 int (*function)(void *argument, const struct vos_change *change,
				 uint64_t *ret_group),
		 void *argument)
{
	const struct request_id *id = &operation->request->id;
	struct vos_change change = {
		.conditions = operation->conditions,
		.request = uuid_empty(&id->client) ? NULL : id,
		.reader = operation->transaction,
	};
	uint64_t group = 0;
	int rc = 0;

	if (operation->epoch)
		rc = observe(operation);
	if (rc == 0)
		rc = change_at(operation, &change, function, argument, &group);
	/* Nothing is answered that a crash could take back. */
	return rc == 0 ? media_wait(operation_media(operation), group) : rc;
}
