/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Commit of a transaction: receives its text and all its payload, so that nothing waits for the
 * caller any more, then hands it to dtx, which leads it; one change alone is an ordinary one.
 */
#include "object/private.h"

/* Bytes of memory for each byte of text, at most: what is decoded, and what vos takes. */
#define TEXT_EXPANSION 8u
/* Pieces of payload in one transfer. */
#define PULL_PIECES 128u

_Static_assert(PROTO_COMMIT_CHANGES_MAX <= VOS_OPS_MAX, "a store takes them all");
_Static_assert(PROTO_COMMIT_PARTS_MAX == VOS_PARTICIPANTS_MAX + 1, "the leader and the others");
_Static_assert(PROTO_COMMIT_PAYLOAD_MAX <= VOS_PAYLOAD_MAX, "a store takes it all");
_Static_assert(PROTO_CHANGE_UPDATE == (int)VOS_OP_UPDATE &&
		       PROTO_CHANGE_PUNCH_AKEYS == (int)VOS_OP_PUNCH_AKEYS,
	       "the same numbers");
_Static_assert(PROTO_COMMIT_TEXT_MAX *(TEXT_EXPANSION + 1) + 2 * PROTO_COMMIT_PAYLOAD_MAX <=
		       OBJECT_PAYLOAD_LIMIT,
	       "the share of one fits");

struct committing {
	struct operation operation;
	struct arena *arena;
	struct proto_object_commit message;
	struct proto_object_changes changes;
	struct dtx_part *parts;
	struct vos_op *ops; /* of all parts, one after another */
	uint32_t op_count;
	struct vos_akey *akeys; /* of all updates */
	struct iovec *iov;	/* one per akey */
	uint32_t akey_count;
	struct vos_key *keys; /* of all punches */
	void *text;	      /* NULL: inline */
	uint8_t *payload;     /* NULL: inline */
};

static void
committing_free(struct committing *committing)
{
	struct arena *arena = committing->arena;

	proto_object_changes_free(arena, &committing->changes);
	arena_free(arena, committing->parts);
	arena_free(arena, committing->payload);
	arena_free(arena, committing->text);
}

/* ------------------------------------------------ the text */

static int
receive_text(struct committing *committing, struct rpc_request *request)
{
	const struct proto_object_commit *message = &committing->message;
	struct reader reader;
	int rc = 0;

	if (message->text_bulk.key != 0) {
		struct iovec iov = {.iov_len = message->text_length};

		committing->text = iov.iov_base = arena_alloc(committing->arena, iov.iov_len);
		if (iov.iov_base == NULL)
			return -DER_NOMEM;
		rc = rpc_pull(request, message->text_bulk, 0, &iov, 1);
		if (rc != 0)
			return rc;
	}
	reader_init(&reader,
		    committing->text ? committing->text : (void *)(uintptr_t)message->text.data,
		    message->text_length);
	return proto_object_changes_decode(&reader, committing->arena, &committing->changes);
}

/* What the text needs in all. */
struct needs {
	uint64_t extents;
	uint32_t ops, akeys, keys;
};

static int
measure_change(const struct proto_change *change, struct needs *needs)
{
	needs->ops++;
	if (change->kind == PROTO_CHANGE_UPDATE) {
		needs->akeys += change->count;
		return object_akeys_count(change->akeys, change->count, &needs->extents);
	}
	needs->keys += change->count;
	if (change->count > VOS_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u keys in one punch; the limit is %u",
				   change->count, VOS_AKEYS_MAX);
	return 0;
}

/* Every target once, the leader's first. */
static int
check_targets(const struct committing *committing)
{
	const struct proto_object_changes *changes = &committing->changes;

	if (changes->parts[0].target != committing->message.object.target)
		return error_raise(-DER_PROTO, "a transaction that another target leads");
	for (uint32_t i = 0; i < changes->part_count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (changes->parts[i].target == changes->parts[j].target)
				return error_raise(-DER_PROTO, "two parts for target %u",
						   changes->parts[i].target);
	return 0;
}

static int
measure(const struct committing *committing, struct needs *ret_needs)
{
	const struct proto_object_changes *changes = &committing->changes;
	struct needs needs = {0};
	int rc = check_targets(committing);

	for (uint32_t i = 0; i < changes->part_count; i++)
		for (uint32_t j = 0; j < changes->parts[i].change_count && rc == 0; j++)
			rc = measure_change(&changes->parts[i].changes[j], &needs);
	*ret_needs = needs;
	return rc;
}

/* Where the conversion has got to. */
struct cursor {
	struct vos_op *op;
	struct vos_akey *akeys;
	struct iovec *iov;
	struct vos_extent *extents;
	struct vos_key *keys;
	uint64_t bytes;
};

static int
convert_change(const struct proto_change *change, struct cursor *at)
{
	struct vos_op *op = at->op++;
	int rc = 0;

	*op = (struct vos_op){
		.kind = (enum vos_op_kind)change->kind,
		.conditions = change->conditions,
		.object = {.id = change->id, .shard = change->shard},
		.dkey = object_key(change->dkey),
		.akeys = at->akeys,
		.keys = at->keys,
		.count = change->count,
	};
	if (change->kind == PROTO_CHANGE_UPDATE) {
		at->extents = object_akeys_copy(change->akeys, change->count, at->akeys, at->iov,
						at->extents);
		rc = object_akeys_lengths(change->akeys, change->count, at->akeys, at->iov,
					  &at->bytes);
		at->akeys += change->count;
		at->iov += change->count;
		return rc;
	}
	for (uint32_t i = 0; i < change->count; i++)
		*at->keys++ = object_key(change->keys[i]);
	return 0;
}

/* One block: parts, changes, akeys, vectors, extents, keys. */
static int
allocate(struct committing *committing, const struct needs *needs, struct cursor *ret_cursor)
{
	uint32_t parts = committing->changes.part_count;
	struct cursor cursor = {0};

	committing->parts = arena_alloc(
		committing->arena,
		parts * sizeof(struct dtx_part) + needs->ops * sizeof(struct vos_op) +
			needs->akeys * (sizeof(struct vos_akey) + sizeof(struct iovec)) +
			needs->extents * sizeof(struct vos_extent) +
			needs->keys * sizeof(struct vos_key));
	if (committing->parts == NULL)
		return -DER_NOMEM;
	cursor.op = committing->ops = (struct vos_op *)(committing->parts + parts);
	cursor.akeys = committing->akeys = (struct vos_akey *)(cursor.op + needs->ops);
	cursor.iov = committing->iov = (struct iovec *)(cursor.akeys + needs->akeys);
	cursor.extents = (struct vos_extent *)(cursor.iov + needs->akeys);
	cursor.keys = (struct vos_key *)(cursor.extents + needs->extents);
	committing->op_count = needs->ops;
	committing->akey_count = needs->akeys;
	*ret_cursor = cursor;
	return 0;
}

/* The changes as vos takes them, their payload still without a place. */
static int
convert(struct committing *committing)
{
	const struct proto_object_changes *changes = &committing->changes;
	struct cursor cursor;
	struct needs needs;
	int rc = measure(committing, &needs);

	if (rc == 0)
		rc = allocate(committing, &needs, &cursor);
	for (uint32_t i = 0; rc == 0 && i < changes->part_count; i++) {
		const struct proto_change_part *part = &changes->parts[i];

		committing->parts[i] =
			(struct dtx_part){part->target, part->change_count, cursor.op};
		for (uint32_t j = 0; j < part->change_count && rc == 0; j++)
			rc = convert_change(&part->changes[j], &cursor);
	}
	if (rc == 0 && cursor.bytes != committing->message.payload_length)
		rc = error_raise(-DER_INVAL, "%llu bytes of payload for values of %llu bytes",
				 (unsigned long long)committing->message.payload_length,
				 (unsigned long long)cursor.bytes);
	return rc;
}

/* ------------------------------------------------ payload */

static void
take_inline(struct committing *committing)
{
	const char *data = committing->message.payload.data;

	for (uint32_t i = 0; i < committing->akey_count; i++) {
		committing->iov[i].iov_base = (void *)(uintptr_t)data;
		data += committing->iov[i].iov_len;
	}
}

/* Values of a block or more begin at a block of their own and are filled up with zeros; the others
 * follow them. Returns the bytes that this takes; with memory, it gives out the places. */
static uint64_t
lay_out(struct committing *committing, uint8_t *memory)
{
	uint64_t bytes = 0;

	for (uint32_t small = 0; small < 2; small++)
		for (uint32_t i = 0; i < committing->akey_count; i++) {
			struct iovec *iov = &committing->iov[i];
			uint64_t room = small ? iov->iov_len : align_up(iov->iov_len, DISK_BLOCK);

			if ((iov->iov_len < DISK_BLOCK) != small)
				continue;
			if (memory) {
				iov->iov_base = memory + bytes;
				memset(memory + bytes + iov->iov_len, 0, room - iov->iov_len);
			}
			bytes += room;
		}
	return bytes;
}

static int
pull(struct committing *committing, struct rpc_request *request)
{
	uint64_t bytes = lay_out(committing, NULL);
	uint64_t offset = 0;
	int rc = 0;

	committing->payload = arena_alloc_aligned(committing->arena, bytes, DISK_BLOCK);
	if (committing->payload == NULL)
		return -DER_NOMEM;
	lay_out(committing, committing->payload);
	for (uint32_t i = 0; i < committing->akey_count && rc == 0;) {
		struct iovec pieces[PULL_PIECES];
		uint32_t count = 0;

		for (; i < committing->akey_count && count < PULL_PIECES; i++)
			if (committing->iov[i].iov_len > 0)
				pieces[count++] = committing->iov[i];
		rc = rpc_pull(request, committing->message.payload_bulk, offset, pieces, count);
		offset += iov_length(pieces, count);
	}
	return rc;
}

static int
receive(struct committing *committing, struct rpc_request *request)
{
	int rc = receive_text(committing, request);

	if (rc == 0)
		rc = convert(committing);
	if (rc != 0)
		return rc;
	if (committing->message.payload_bulk.key != 0 && committing->message.payload_length > 0)
		return pull(committing, request);
	take_inline(committing);
	return 0;
}

/* ------------------------------------------------ one change alone */

static int
change(void *argument, const struct vos_change *change, uint64_t *ret_group)
{
	struct committing *committing = argument;
	struct vos_container *container = committing->operation.container;
	const struct vos_op *op = committing->ops;

	switch (op->kind) {
	case VOS_OP_UPDATE:
		return vos_update(container, &op->object, op->dkey, op->akeys, op->count, change,
				  ret_group);
	case VOS_OP_PUNCH_OBJECT:
		return vos_punch_object(container, &op->object, change, ret_group);
	case VOS_OP_PUNCH_DKEYS:
		return vos_punch_dkeys(container, &op->object, op->keys, op->count, change,
				       ret_group);
	case VOS_OP_PUNCH_AKEYS:
		return vos_punch_akeys(container, &op->object, op->dkey, op->keys, op->count,
				       change, ret_group);
	}
	return -DER_PROTO;
}

static int
commit_one(struct committing *committing)
{
	committing->operation.conditions = committing->ops->conditions;
	return operation_change(&committing->operation, change, committing);
}

/* ------------------------------------------------ all together */

static int
commit_all(struct committing *committing)
{
	const struct operation *operation = &committing->operation;
	const struct rpc_request *request = operation->request;
	const struct dtx_commit commit = {
		.id = operation->transaction,
		.access = &operation->access,
		.epoch = operation->epoch,
		.request = uuid_empty(&request->id.client) ? NULL : &request->id,
		.again = request->header.flags & PROTO_AGAIN,
		.parts = committing->parts,
		.part_count = committing->changes.part_count,
	};

	return dtx_lead(operation->service->dtx, &commit);
}

/* Where the caller has gone by now nothing has been begun. */
static int
run(struct committing *committing, struct rpc_request *request)
{
	const struct proto_object_commit *message = &committing->message;
	struct operation *operation = &committing->operation;
	AUTO_PUT struct payload share = {.data = NULL};
	bool alone;
	int rc = operation_enter(operation, &message->object, PROTO_CAN_WRITE);

	if (rc == 0 && uuid_empty(&operation->transaction))
		rc = error_raise(-DER_PROTO, "a commit without a transaction");
	if (rc == 0)
		rc = payload_admit(&operation->service->buffers,
				   message->text_length * (TEXT_EXPANSION + 1) +
					   message->payload_length * 2,
				   &share);
	if (rc == 0)
		rc = receive(committing, request);
	if (rc != 0)
		return rc;
	alone = committing->op_count == 1 &&
		!dtx_is_of_before(operation->service->dtx, operation->epoch);
	return alone ? commit_one(committing) : commit_all(committing);
}

int
object_commit(void *owner, struct rpc_request *request)
{
	struct object_service *service = owner;
	struct committing committing = {.operation = {.service = service, .request = request},
					.arena = service->arena};
	int rc;

	metric_add(&service->counts[PROTO_OBJECT_COMMIT - PROTO_OBJECT], 1);
	rc = proto_object_commit_decode(&request->body, &committing.message);
	if (rc != 0)
		return rc;
	rc = run(&committing, request);
	operation_leave(&committing.operation);
	committing_free(&committing);
	return rc;
}
