/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* List: one page of keys or extents, also with the value of one akey of each dkey. */
#include "object/private.h"

/* Bytes of an entry besides its key and its value. */
#define ENTRY_FIXED 44u
/* One entry always fits behind a page that is full. */
#define PAGE_ROOM (PAGE_BYTES + ENTRY_FIXED + VOS_KEY_MAX + LISTED_VALUE_MAX)
/* Keys whose values are fetched before the next ones are listed, and their bytes: one key always
 * fits. */
#define BATCH_KEYS 32u
#define BATCH_BYTES (32u * 1024)
_Static_assert(PROTO_LIST_DKEYS == (int)VOS_DKEYS && PROTO_LIST_EXTENTS == (int)VOS_EXTENTS,
	       "the same numbers");
_Static_assert(BATCH_BYTES >= VOS_KEY_MAX, "one key fits");
_Static_assert(PAGE_ROOM + PROTO_POSITION_MAX + 16 <= RPC_INLINE_MAX, "a page is an answer");

struct list_call {
	struct operation operation;
	struct proto_object_list message;
	struct vos_position position;
	uint32_t limit; /* entries */
	uint64_t byte_limit;
	uint32_t count; /* entries written */
	struct writer page;
	uint8_t *batch; /* bytes of the keys of a batch */
	uint32_t batch_count;
	uint32_t batch_bytes;
	uint64_t batch_room; /* that its entries may need */
	struct vos_key keys[BATCH_KEYS];
	enum vos_value_type value_type; /* of the latest value */
};

/* ------------------------------------------------ keys or extents alone */

static int
take_entry(void *argument, const struct vos_entry *entry)
{
	struct list_call *call = argument;
	struct proto_list_entry shown = {
		.key = {entry->key.data, entry->key.length},
		.type = entry->type,
		.extent = {entry->extent.index, entry->extent.count},
		.record_size = entry->record_size,
		.epoch = entry->epoch,
	};
	uint8_t object[PROTO_LIST_OBJECT_KEY];

	if (entry->level == VOS_OBJECTS) {
		store_u64(object, entry->object.id.lo);
		store_u64(object + 8, entry->object.id.hi);
		store_u32(object + 16, entry->object.shard);
		shown.key = (struct proto_text){(const char *)object, sizeof(object)};
	}
	if (call->count > 0 &&
	    call->page.position + ENTRY_FIXED + shown.key.length > call->byte_limit)
		return 1;
	proto_list_entry_encode(&shown, &call->page);
	call->count++;
	return 0;
}

static int
list_entries(struct list_call *call)
{
	struct operation *operation = &call->operation;
	enum vos_level level = (enum vos_level)call->message.level;

	if (level == VOS_EXTENTS && call->message.object.flags & PROTO_LIST_DOWN)
		level = VOS_EXTENTS_DOWN;
	return vos_list(operation->container, &operation->object, level,
			object_key(call->message.dkey), object_key(call->message.akey),
			operation_epoch(operation), call->limit, &call->position, take_entry, call);
}

/* ------------------------------------------------ dkeys with a value */

/* Takes a dkey if its entry is sure to fit whatever its value is, so that no entry has to be given
 * back later. */
static int
take_key(void *argument, const struct vos_entry *entry)
{
	struct list_call *call = argument;
	uint32_t length = entry->key.length;
	uint64_t room = ENTRY_FIXED + length + LISTED_VALUE_MAX;
	bool first = call->count + call->batch_count == 0;

	if (call->batch_count > 0 && call->batch_bytes + length > BATCH_BYTES)
		return 1;
	if (!first && call->page.position + call->batch_room + room > call->byte_limit)
		return 1;
	memcpy(call->batch + call->batch_bytes, entry->key.data, length);
	call->keys[call->batch_count++] = (struct vos_key){call->batch + call->batch_bytes, length};
	call->batch_bytes += length;
	call->batch_room += room;
	return 0;
}

/* Bytes of an array up to the end of its last run. */
static uint64_t
array_length(const struct vos_fetched *fetched)
{
	const struct vos_extent *last;

	if (fetched->run_count == 0)
		return 0;
	last = &fetched->runs[fetched->run_count - 1].extent;
	return min_of((last->index + last->count) * fetched->record_size,
		      (uint64_t)LISTED_VALUE_MAX);
}

static void
write_entry(struct list_call *call, struct vos_key dkey, const struct vos_fetched *fetched,
	    uint64_t length)
{
	struct proto_list_entry entry = {
		.key = {dkey.data, dkey.length},
		.record_size = fetched->record_size,
		.value = {(const char *)fetched->data, fetched->data ? (uint32_t)length : 0},
	};

	proto_list_entry_encode(&entry, &call->page);
	call->count++;
}

static int
fetch_value(struct list_call *call, struct vos_key dkey, enum vos_value_type type, uint32_t flags,
	    struct vos_fetched *ret_fetched)
{
	struct operation *operation = &call->operation;
	struct vos_extent begin = {.count = LISTED_VALUE_MAX};
	struct vos_akey akey = {
		.key = object_key(call->message.with_akey),
		.type = type,
		.extents = &begin,
		.extent_count = 1,
	};

	*ret_fetched = (struct vos_fetched){.data = NULL};
	return vos_fetch(operation->container, &operation->object, dkey, &akey, 1,
			 operation_epoch(operation), 0, flags, ret_fetched);
}

/* An akey of the other type, or one whose records are huge. */
static bool
other_kind(int rc)
{
	return rc == -DER_INVAL || rc == -DER_REC2BIG;
}

/* Array or single value, tried first as what the entry before was. */
static int
fetch_either(struct list_call *call, struct vos_key dkey, struct vos_fetched *ret_fetched)
{
	int rc = fetch_value(call, dkey, call->value_type, VOS_FETCH_RUNS, ret_fetched);

	if (other_kind(rc)) {
		call->value_type = call->value_type == VOS_ARRAY ? VOS_SINGLE : VOS_ARRAY;
		rc = fetch_value(call, dkey, call->value_type, VOS_FETCH_RUNS, ret_fetched);
	}
	return rc;
}

/* A value that is absent or too long is left out of the entry. */
static int
list_value(struct list_call *call, struct vos_key dkey)
{
	struct vos_fetched fetched;
	uint64_t length;
	int rc = fetch_either(call, dkey, &fetched);

	if (other_kind(rc)) {
		write_entry(call, dkey, &fetched, 0);
		return 0;
	}
	if (rc != 0)
		return rc;
	length = call->value_type == VOS_ARRAY ? array_length(&fetched) : fetched.length;
	write_entry(call, dkey, &fetched, length <= LISTED_VALUE_MAX ? length : 0);
	vos_fetched_free(call->operation.container, &fetched, 1);
	return 0;
}

static int
list_batch(struct list_call *call)
{
	struct operation *operation = &call->operation;
	uint32_t limit = min_of(call->limit - call->count, BATCH_KEYS);
	int rc;

	call->batch_count = 0;
	call->batch_bytes = 0;
	call->batch_room = 0;
	rc = vos_list(operation->container, &operation->object, VOS_DKEYS,
		      object_key(call->message.dkey), object_key(call->message.akey),
		      operation_epoch(operation), limit, &call->position, take_key, call);
	for (uint32_t i = 0; i < call->batch_count && rc == 0; i++)
		rc = list_value(call, call->keys[i]);
	return rc;
}

static int
list_values(struct list_call *call)
{
	int rc;

	do
		rc = list_batch(call);
	while (rc == 0 && call->batch_count > 0 && call->count < call->limit &&
	       call->position.state != VOS_END);
	return rc;
}

/* ------------------------------------------------ the page */

static int
find_position(struct list_call *call)
{
	struct proto_object_list *message = &call->message;
	struct vos_object object = {.id = message->object.id, .shard = message->object.shard};
	int rc;

	if (message->level > PROTO_LIST_EXTENTS ||
	    (message->level == PROTO_LIST_OBJECTS && message->from_key.length > 0) ||
	    (message->limit == 0 && message->from_key.length == 0))
		return error_raise(-DER_INVAL, "level %u cannot be listed, or not by %u entries",
				   message->level, message->limit);
	if (message->with_akey.length > 0 && message->level != PROTO_LIST_DKEYS)
		return error_raise(-DER_INVAL, "only dkeys are listed with a value");
	if (message->from_key.length == 0)
		return position_decode(message->position, &call->position);
	rc = vos_position_after(&object, (enum vos_level)message->level,
				object_key(message->from_key), &call->position);
	if (rc == 0 && message->object.flags & PROTO_LIST_AT)
		call->position.state = VOS_AT;
	return rc;
}

/* The head of an answer, then the entries as they were met. */
static void
reply_to(struct list_call *call, struct writer *reply)
{
	uint8_t bytes[PROTO_POSITION_MAX];
	struct writer position;
	struct proto_object_listed head = {.end = call->position.state == VOS_END,
					   .epoch = operation_told(&call->operation)};

	writer_init(&position, bytes, sizeof(bytes));
	position_encode(&call->position, &position);
	head.count = call->count;
	head.position = (struct proto_text){(const char *)bytes, (uint32_t)position.position};
	proto_listed_head_encode(&head, reply);
	writer_bytes(reply, call->page.data, call->page.position);
}

/* The whole level that is listed, but not where only a position is asked for. */
static void
note(const struct list_call *call)
{
	const struct proto_object_list *message = &call->message;

	if (message->limit > 0)
		operation_note(&call->operation, (enum vos_level)message->level,
			       object_key(message->dkey), object_key(message->akey));
}

static int
run(struct list_call *call, struct rpc_request *request)
{
	AUTO_PUT struct payload payload = {.data = NULL};
	struct buffers *buffers = &call->operation.service->buffers;
	int rc = find_position(call);

	if (rc == 0)
		rc = operation_enter(&call->operation, &call->message.object, PROTO_CAN_READ);
	if (rc == 0)
		rc = payload_get(buffers, PAGE_ROOM + BATCH_BYTES, &payload);
	if (rc == 0)
		rc = operation_view(&call->operation);
	if (rc != 0)
		return rc;
	note(call);
	writer_init(&call->page, payload.data, PAGE_ROOM);
	call->batch = payload.data + PAGE_ROOM;
	call->limit = min_of(call->message.limit, PAGE_ENTRIES);
	call->value_type = VOS_ARRAY;
	call->byte_limit = min_of(call->message.byte_limit, (uint64_t)PAGE_BYTES);
	if (call->limit > 0)
		rc = call->message.with_akey.length > 0 ? list_values(call) : list_entries(call);
	if (rc == 0)
		reply_to(call, &request->reply);
	return rc;
}

int
object_list(void *owner, struct rpc_request *request)
{
	struct object_service *service = owner;
	struct list_call call = {.operation = {.service = service, .request = request}};
	int rc;

	metric_add(&service->counts[PROTO_OBJECT_LIST - PROTO_OBJECT], 1);
	rc = proto_object_list_decode(&request->body, &call.message);
	if (rc == 0)
		rc = run(&call, request);
	operation_leave(&call.operation);
	return rc;
}
