/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Fetch: one read of the store, then the values inside the answer or into the caller's memory. */
#include "object/private.h"

_Static_assert(PROTO_FETCH_SIZE_ONLY == (int)VOS_FETCH_SIZE_ONLY &&
		       PROTO_FETCH_RUNS == (int)VOS_FETCH_RUNS,
	       "the same numbers");

/* Akeys that need no allocation. */
#define FEW 8u

/* What was read of an akey, and how the answer shows it. */
struct fetched {
	struct vos_fetched *stored;
	struct proto_fetched *shown;
};

struct fetch {
	struct operation operation;
	struct proto_object_fetch message;
	struct object_akeys akeys;
	struct fetched fetched;
};

/* A value that does not fit is told by its size alone. */
static void
show(const struct vos_fetched *stored, uint64_t room, struct proto_fetched *shown)
{
	bool fits = stored->data != NULL && stored->length <= room;

	*shown = (struct proto_fetched){
		.record_size = stored->record_size,
		.length = fits ? stored->length : 0,
		.sum_count = fits ? stored->sum_count : 0,
		.sums = stored->sums,
		.run_count = stored->run_count,
	};
}

/* The runs in the form of the message, in one block; NULL with 0 where there are none. */
static int
copy_runs(struct fetch *fetch, struct proto_extent **ret_block)
{
	uint32_t count = fetch->message.akey_count;
	struct proto_extent *next;
	uint64_t runs = 0;

	for (uint32_t i = 0; i < count; i++)
		runs += fetch->fetched.stored[i].run_count;
	if (runs == 0)
		return 0;
	next = arena_alloc(fetch->operation.service->arena, runs * sizeof(*next));
	if (next == NULL)
		return -DER_NOMEM;
	*ret_block = next;
	for (uint32_t i = 0; i < count; i++) {
		const struct vos_fetched *stored = &fetch->fetched.stored[i];

		fetch->fetched.shown[i].runs = next;
		for (uint32_t j = 0; j < stored->run_count; j++)
			*next++ = (struct proto_extent){stored->runs[j].extent.index,
							stored->runs[j].extent.count};
	}
	return 0;
}

/* Writes each value to where the room of those before it ends. */
static int
push(struct fetch *fetch, struct rpc_request *request)
{
	uint64_t offset = 0;
	int rc = 0;

	for (uint32_t i = 0; i < fetch->message.akey_count && rc == 0; i++) {
		struct iovec iov = {fetch->fetched.stored[i].data, fetch->fetched.shown[i].length};

		if (iov.iov_len > 0)
			rc = rpc_push(request, fetch->message.bulk, offset, &iov, 1);
		offset += fetch->message.akeys[i].record_size;
	}
	return rc;
}

static int
answer_values(struct fetch *fetch, struct rpc_request *request, struct proto_object_fetched *reply,
	      uint64_t bytes)
{
	reply->pushed = bytes > ANSWER_INLINE && fetch->message.bulk.key != 0;
	if (reply->pushed) {
		int rc = push(fetch, request);

		if (rc == 0)
			proto_object_fetched_encode(reply, &request->reply);
		return rc;
	}
	reply->payload.length = (uint32_t)bytes;
	proto_object_fetched_encode(reply, &request->reply);
	for (uint32_t i = 0; i < reply->akey_count; i++)
		writer_bytes(&request->reply, fetch->fetched.stored[i].data,
			     reply->akeys[i].length);
	return 0;
}

static int
reply_to(struct fetch *fetch, struct rpc_request *request)
{
	AUTO_FREE struct scoped_block runs = {fetch->operation.service->arena, NULL};
	struct proto_object_fetched reply = {
		.akey_count = fetch->message.akey_count,
		.akeys = fetch->fetched.shown,
		.epoch = operation_told(&fetch->operation),
	};
	struct proto_extent *block = NULL;
	uint64_t bytes = 0;
	int rc;

	for (uint32_t i = 0; i < reply.akey_count; i++) {
		show(&fetch->fetched.stored[i], fetch->message.akeys[i].record_size,
		     &reply.akeys[i]);
		bytes += reply.akeys[i].length;
	}
	rc = copy_runs(fetch, &block);
	if (rc != 0)
		return rc;
	runs.pointer = block;
	return answer_values(fetch, request, &reply, bytes);
}

/* A condition on the dkey looks at all that is beneath it. */
static void
note(const struct fetch *fetch)
{
	const struct operation *operation = &fetch->operation;
	struct vos_key dkey = object_key(fetch->message.dkey);

	if (operation->conditions & VOS_COND_DKEY_FETCH || fetch->akeys.count == 0) {
		operation_note(operation, VOS_AKEYS, dkey, (struct vos_key){0});
		return;
	}
	for (uint32_t i = 0; i < fetch->akeys.count; i++)
		operation_note(operation, VOS_EXTENTS, dkey, fetch->akeys.akeys[i].key);
}

/* The share of the payload limit stands for what the store allocates. */
static int
read_and_reply(struct fetch *fetch, struct rpc_request *request)
{
	struct operation *operation = &fetch->operation;
	uint64_t room = min_of(fetch->message.payload_length, (uint64_t)VOS_PAYLOAD_MAX);
	AUTO_PUT struct payload share = {.data = NULL};
	int rc = operation_enter(operation, &fetch->message.object, PROTO_CAN_READ);

	if (rc == 0)
		rc = payload_admit(&operation->service->buffers, room, &share);
	if (rc == 0)
		rc = operation_view(operation);
	if (rc != 0)
		return rc;
	note(fetch);
	rc = vos_fetch(operation->container, &operation->object, object_key(fetch->message.dkey),
		       fetch->akeys.akeys, fetch->akeys.count, operation_epoch(operation),
		       operation->conditions,
		       fetch->message.object.flags & (VOS_FETCH_SIZE_ONLY | VOS_FETCH_RUNS),
		       fetch->fetched.stored);
	if (rc != 0)
		return rc;
	rc = reply_to(fetch, request);
	vos_fetched_free(operation->container, fetch->fetched.stored, fetch->akeys.count);
	return rc;
}

static int
run(struct fetch *fetch, struct rpc_request *request)
{
	struct arena *arena = fetch->operation.service->arena;
	uint32_t count = fetch->message.akey_count;
	struct vos_fetched stored[FEW];
	struct proto_fetched shown[FEW];
	AUTO_FREE struct scoped_block many = {arena, NULL};
	int rc;

	fetch->fetched = (struct fetched){stored, shown};
	if (count > FEW) {
		many.pointer = arena_alloc(arena, count * (sizeof(*stored) + sizeof(*shown)));
		if (many.pointer == NULL)
			return -DER_NOMEM;
		fetch->fetched.stored = many.pointer;
		fetch->fetched.shown = (struct proto_fetched *)(fetch->fetched.stored + count);
	}
	memset(fetch->fetched.stored, 0, count * sizeof(*stored));
	rc = read_and_reply(fetch, request);
	operation_leave(&fetch->operation);
	return rc;
}

int
object_fetch(void *owner, struct rpc_request *request)
{
	struct object_service *service = owner;
	struct fetch fetch;
	int rc;

	metric_add(&service->counts[PROTO_OBJECT_FETCH - PROTO_OBJECT], 1);
	fetch.operation = (struct operation){.service = service, .request = request};
	rc = proto_object_fetch_decode(&request->body, service->arena, &fetch.message);
	if (rc != 0)
		return rc;
	rc = object_akeys_init(&fetch.akeys, service->arena, fetch.message.akeys,
			       fetch.message.akey_count);
	if (rc == 0) {
		rc = run(&fetch, request);
		object_akeys_fini(&fetch.akeys);
	}
	proto_object_fetch_free(service->arena, &fetch.message);
	return rc;
}
