/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Messages of the object service. A request with akeys says first how many extents and sums it
 * holds in all, so that its decoder allocates one block.
 */
#include "proto/part.h"

/* The least bytes that one of each takes in a message. */
#define AKEY_SMALLEST 28u
#define FETCHED_SMALLEST 24u
#define KEY_SMALLEST 4u
#define ENTRY_SMALLEST 44u
#define EXTENT_SIZE 16u
#define SUM_SIZE 4u
#define PART_SMALLEST 8u
#define CHANGE_SMALLEST 36u

/* Bits of the byte that says how an answer goes on. */
#define ANSWER_YES 1u	/* pushed; the end of a listing */
#define ANSWER_EPOCH 2u /* a u64 follows: the epoch that was read at */

static void
object_encode(const struct proto_object *object, struct writer *writer)
{
	bool transaction = !uuid_empty(&object->transaction);
	size_t start = part_begin(writer, transaction ? 2 : 1);

	proto_uuid_encode(object->pool, writer);
	proto_uuid_encode(object->handle, writer);
	writer_u64(writer, object->id.lo);
	writer_u64(writer, object->id.hi);
	writer_u32(writer, object->shard);
	writer_u32(writer, object->target);
	writer_u64(writer, object->epoch);
	writer_u32(writer, object->conditions);
	writer_u32(writer, object->flags);
	if (transaction)
		proto_uuid_encode(object->transaction, writer);
	part_end(writer, start);
}

static void
object_decode(struct reader *reader, struct proto_object *ret_object)
{
	struct reader part = part_open(reader);

	ret_object->pool = proto_uuid_decode(&part);
	ret_object->handle = proto_uuid_decode(&part);
	ret_object->id.lo = reader_u64(&part);
	ret_object->id.hi = reader_u64(&part);
	ret_object->shard = reader_u32(&part);
	ret_object->target = reader_u32(&part);
	ret_object->epoch = reader_u64(&part);
	ret_object->conditions = reader_u32(&part);
	ret_object->flags = reader_u32(&part);
	ret_object->transaction = reader_left(&part) > 0 ? proto_uuid_decode(&part)
							 : (struct uuid){{0}};
	part_close(reader, &part);
}

/* A yes or no, and the epoch that was read at, where it is told. */
static void
answer_encode(bool yes, uint64_t epoch, struct writer *writer)
{
	writer_u8(writer, (uint8_t)((yes ? ANSWER_YES : 0) | (epoch ? ANSWER_EPOCH : 0)));
	if (epoch)
		writer_u64(writer, epoch);
}

static bool
answer_decode(struct reader *reader, uint64_t *ret_epoch)
{
	uint8_t bits = reader_u8(reader);

	*ret_epoch = bits & ANSWER_EPOCH ? reader_u64(reader) : 0;
	if (bits > (ANSWER_YES | ANSWER_EPOCH) || (bits & ANSWER_EPOCH && *ret_epoch == 0))
		reader_fail(reader);
	return bits & ANSWER_YES;
}

/* Bytes at the end of a message; without data the caller appends them itself. */
static void
payload_encode(struct proto_text payload, struct writer *writer)
{
	writer_u32(writer, payload.length);
	if (payload.data)
		writer_bytes(writer, payload.data, payload.length);
}

static void
extents_encode(const struct proto_extent *extents, uint32_t count, struct writer *writer)
{
	for (uint32_t i = 0; i < count; i++) {
		writer_u64(writer, extents[i].index);
		writer_u64(writer, extents[i].count);
	}
}

static void
sums_encode(const uint32_t *sums, uint32_t count, struct writer *writer)
{
	for (uint32_t i = 0; i < count; i++)
		writer_u32(writer, sums[i]);
}

/* ------------------------------------------------ one block for all arrays of a message */

/* Extents and sums of one message, handed out in order from one block behind its other array. */
struct arrays {
	struct proto_extent *extents;
	uint32_t *sums;
	uint32_t extents_left, sums_left;
};

/*
 * Allocates count members of size bytes with room for the extents and sums behind them. Refuses
 * counts that what is left of the message cannot hold.
 */
static int
arrays_alloc(struct reader *reader, struct arena *arena, uint32_t count, size_t smallest,
	     size_t size, struct arrays *arrays, void **ret_block)
{
	uint64_t needed = (uint64_t)count * smallest +
			  (uint64_t)arrays->extents_left * EXTENT_SIZE +
			  (uint64_t)arrays->sums_left * SUM_SIZE;
	size_t extents_at = align_up((size_t)count * size, 8);
	size_t sums_at = extents_at + arrays->extents_left * sizeof(struct proto_extent);
	uint8_t *block;

	if (reader->failed || needed > reader_left(reader)) {
		reader_fail(reader);
		return -DER_PROTO;
	}
	block = arena_alloc(arena, sums_at + arrays->sums_left * sizeof(uint32_t));
	if (block == NULL)
		return -DER_NOMEM;
	memset(block, 0, extents_at);
	arrays->extents = (void *)(block + extents_at);
	arrays->sums = (void *)(block + sums_at);
	*ret_block = block;
	return 0;
}

static const struct proto_extent *
extents_decode(struct reader *reader, uint32_t count, struct arrays *arrays)
{
	struct proto_extent *extents = arrays->extents;

	if (count > arrays->extents_left) {
		reader_fail(reader);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		extents[i].index = reader_u64(reader);
		extents[i].count = reader_u64(reader);
	}
	arrays->extents += count;
	arrays->extents_left -= count;
	return extents;
}

static const uint32_t *
sums_decode(struct reader *reader, uint32_t count, struct arrays *arrays)
{
	uint32_t *sums = arrays->sums;

	if (count > arrays->sums_left) {
		reader_fail(reader);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		sums[i] = reader_u32(reader);
	arrays->sums += count;
	arrays->sums_left -= count;
	return sums;
}

/* ------------------------------------------------ akeys */

static void
akeys_encode(const struct proto_akey *akeys, uint32_t count, struct writer *writer)
{
	uint32_t extents = 0;
	uint32_t sums = 0;

	for (uint32_t i = 0; i < count; i++) {
		extents += akeys[i].extent_count;
		sums += akeys[i].sum_count;
	}
	writer_u32(writer, count);
	writer_u32(writer, extents);
	writer_u32(writer, sums);
	for (uint32_t i = 0; i < count; i++) {
		part_put(writer, akeys[i].key);
		writer_u32(writer, akeys[i].type);
		writer_u32(writer, akeys[i].conditions);
		writer_u64(writer, akeys[i].record_size);
		writer_u32(writer, akeys[i].extent_count);
		writer_u32(writer, akeys[i].sum_count);
		extents_encode(akeys[i].extents, akeys[i].extent_count, writer);
		sums_encode(akeys[i].sums, akeys[i].sum_count, writer);
	}
}

static void
akey_decode(struct reader *reader, struct arrays *arrays, struct proto_akey *akey)
{
	akey->key = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	akey->type = reader_u32(reader);
	akey->conditions = reader_u32(reader);
	akey->record_size = reader_u64(reader);
	akey->extent_count = reader_u32(reader);
	akey->sum_count = reader_u32(reader);
	akey->extents = extents_decode(reader, akey->extent_count, arrays);
	akey->sums = sums_decode(reader, akey->sum_count, arrays);
}

static int
akeys_decode(struct reader *reader, struct arena *arena, uint32_t *ret_count,
	     struct proto_akey **ret_akeys)
{
	uint32_t count = reader_u32(reader);
	struct arrays arrays = {.extents_left = reader_u32(reader)};
	struct proto_akey *akeys;
	void *block;
	int rc;

	arrays.sums_left = reader_u32(reader);
	if (count > PROTO_OBJECT_AKEYS_MAX)
		reader_fail(reader);
	rc = arrays_alloc(reader, arena, count, AKEY_SMALLEST, sizeof(*akeys), &arrays, &block);
	if (rc != 0)
		return rc;
	akeys = block;
	for (uint32_t i = 0; i < count && !reader->failed; i++)
		akey_decode(reader, &arrays, &akeys[i]);
	if (reader->failed) {
		arena_free(arena, block);
		return -DER_PROTO;
	}
	*ret_count = count;
	*ret_akeys = akeys;
	return 0;
}

/* ------------------------------------------------ update */

void
proto_object_update_encode(const struct proto_object_update *request, struct writer *writer)
{
	object_encode(&request->object, writer);
	part_put(writer, request->dkey);
	proto_bulk_encode(writer, request->bulk);
	writer_u64(writer, request->payload_length);
	akeys_encode(request->akeys, request->akey_count, writer);
	payload_encode(request->payload, writer);
}

int
proto_object_update_decode(struct reader *reader, struct arena *arena,
			   struct proto_object_update *ret_request)
{
	struct proto_object_update request = {0};
	int rc;

	object_decode(reader, &request.object);
	request.dkey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	request.bulk = proto_bulk_decode(reader);
	request.payload_length = reader_u64(reader);
	rc = akeys_decode(reader, arena, &request.akey_count, &request.akeys);
	if (rc != 0)
		return rc;
	request.payload = part_bytes(reader, reader_left(reader));
	if (request.bulk.key == 0 && request.payload.length != request.payload_length)
		reader_fail(reader);
	if (reader->failed) {
		arena_free(arena, request.akeys);
		return -DER_PROTO;
	}
	*ret_request = request;
	return 0;
}

void
proto_object_update_free(struct arena *arena, struct proto_object_update *request)
{
	arena_free(arena, request->akeys);
}

/* ------------------------------------------------ fetch */

void
proto_object_fetch_encode(const struct proto_object_fetch *request, struct writer *writer)
{
	object_encode(&request->object, writer);
	part_put(writer, request->dkey);
	proto_bulk_encode(writer, request->bulk);
	writer_u64(writer, request->payload_length);
	akeys_encode(request->akeys, request->akey_count, writer);
}

int
proto_object_fetch_decode(struct reader *reader, struct arena *arena,
			  struct proto_object_fetch *ret_request)
{
	struct proto_object_fetch request = {0};
	int rc;

	object_decode(reader, &request.object);
	request.dkey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	request.bulk = proto_bulk_decode(reader);
	request.payload_length = reader_u64(reader);
	rc = akeys_decode(reader, arena, &request.akey_count, &request.akeys);
	if (rc == 0)
		*ret_request = request;
	return rc;
}

void
proto_object_fetch_free(struct arena *arena, struct proto_object_fetch *request)
{
	arena_free(arena, request->akeys);
}

void
proto_object_fetched_encode(const struct proto_object_fetched *reply, struct writer *writer)
{
	uint32_t runs = 0;
	uint32_t sums = 0;

	for (uint32_t i = 0; i < reply->akey_count; i++) {
		runs += reply->akeys[i].run_count;
		sums += reply->akeys[i].sum_count;
	}
	writer_u32(writer, reply->akey_count);
	writer_u32(writer, runs);
	writer_u32(writer, sums);
	for (uint32_t i = 0; i < reply->akey_count; i++) {
		const struct proto_fetched *akey = &reply->akeys[i];

		writer_u64(writer, akey->record_size);
		writer_u64(writer, akey->length);
		writer_u32(writer, akey->run_count);
		writer_u32(writer, akey->sum_count);
		extents_encode(akey->runs, akey->run_count, writer);
		sums_encode(akey->sums, akey->sum_count, writer);
	}
	answer_encode(reply->pushed, reply->epoch, writer);
	payload_encode(reply->payload, writer);
}

static void
fetched_decode(struct reader *reader, struct arrays *arrays, struct proto_fetched *akey)
{
	akey->record_size = reader_u64(reader);
	akey->length = reader_u64(reader);
	akey->run_count = reader_u32(reader);
	akey->sum_count = reader_u32(reader);
	akey->runs = extents_decode(reader, akey->run_count, arrays);
	akey->sums = sums_decode(reader, akey->sum_count, arrays);
}

int
proto_object_fetched_decode(struct reader *reader, struct arena *arena,
			    struct proto_object_fetched *ret_reply)
{
	struct proto_object_fetched reply = {.akey_count = reader_u32(reader)};
	struct arrays arrays = {.extents_left = reader_u32(reader)};
	void *block;
	int rc;

	arrays.sums_left = reader_u32(reader);
	if (reply.akey_count > PROTO_OBJECT_AKEYS_MAX)
		reader_fail(reader);
	rc = arrays_alloc(reader, arena, reply.akey_count, FETCHED_SMALLEST, sizeof(*reply.akeys),
			  &arrays, &block);
	if (rc != 0)
		return rc;
	reply.akeys = block;
	for (uint32_t i = 0; i < reply.akey_count && !reader->failed; i++)
		fetched_decode(reader, &arrays, &reply.akeys[i]);
	reply.pushed = answer_decode(reader, &reply.epoch);
	reply.payload = part_bytes(reader, reader_left(reader));
	if (reader->failed) {
		arena_free(arena, block);
		return -DER_PROTO;
	}
	*ret_reply = reply;
	return 0;
}

void
proto_object_fetched_free(struct arena *arena, struct proto_object_fetched *reply)
{
	arena_free(arena, reply->akeys);
}

/* ------------------------------------------------ punch */

void
proto_object_punch_encode(const struct proto_object_punch *request, struct writer *writer)
{
	object_encode(&request->object, writer);
	part_put(writer, request->dkey);
	writer_u32(writer, request->key_count);
	for (uint32_t i = 0; i < request->key_count; i++)
		part_put(writer, request->keys[i]);
}

int
proto_object_punch_decode(struct reader *reader, struct arena *arena,
			  struct proto_object_punch *ret_request)
{
	struct proto_object_punch request = {0};
	int rc;

	object_decode(reader, &request.object);
	request.dkey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	request.key_count = reader_u32(reader);
	request.keys = part_array(reader, arena, request.key_count, KEY_SMALLEST,
				  sizeof(*request.keys), &rc);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < request.key_count; i++)
		request.keys[i] = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	if (reader->failed) {
		arena_free(arena, request.keys);
		return -DER_PROTO;
	}
	*ret_request = request;
	return 0;
}

void
proto_object_punch_free(struct arena *arena, struct proto_object_punch *request)
{
	arena_free(arena, request->keys);
}

/* ------------------------------------------------ list */

void
proto_object_list_encode(const struct proto_object_list *request, struct writer *writer)
{
	object_encode(&request->object, writer);
	writer_u32(writer, request->level);
	writer_u32(writer, request->limit);
	writer_u64(writer, request->byte_limit);
	part_put(writer, request->dkey);
	part_put(writer, request->akey);
	part_put(writer, request->position);
	part_put(writer, request->from_key);
	part_put(writer, request->with_akey);
}

int
proto_object_list_decode(struct reader *reader, struct proto_object_list *ret_request)
{
	struct proto_object_list request = {0};

	object_decode(reader, &request.object);
	request.level = reader_u32(reader);
	request.limit = reader_u32(reader);
	request.byte_limit = reader_u64(reader);
	request.dkey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	request.akey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	request.position = part_bytes(reader, PROTO_POSITION_MAX);
	request.from_key = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	request.with_akey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	if (reader->failed)
		return -DER_PROTO;
	*ret_request = request;
	return 0;
}

void
proto_list_entry_encode(const struct proto_list_entry *entry, struct writer *writer)
{
	part_put(writer, entry->key);
	writer_u32(writer, entry->type);
	extents_encode(&entry->extent, 1, writer);
	writer_u64(writer, entry->record_size);
	writer_u64(writer, entry->epoch);
	part_put(writer, entry->value);
}

void
proto_listed_head_encode(const struct proto_object_listed *reply, struct writer *writer)
{
	writer_u32(writer, reply->count);
	answer_encode(reply->end, reply->epoch, writer);
	part_put(writer, reply->position);
}

void
proto_object_listed_encode(const struct proto_object_listed *reply, struct writer *writer)
{
	proto_listed_head_encode(reply, writer);
	for (uint32_t i = 0; i < reply->count; i++)
		proto_list_entry_encode(&reply->entries[i], writer);
}

static void
list_entry_decode(struct reader *reader, struct proto_list_entry *entry)
{
	entry->key = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	entry->type = reader_u32(reader);
	entry->extent.index = reader_u64(reader);
	entry->extent.count = reader_u64(reader);
	entry->record_size = reader_u64(reader);
	entry->epoch = reader_u64(reader);
	entry->value = part_bytes(reader, reader_left(reader));
}

int
proto_object_listed_decode(struct reader *reader, struct arena *arena,
			   struct proto_object_listed *ret_reply)
{
	struct proto_object_listed reply = {.count = reader_u32(reader)};
	int rc;

	reply.end = answer_decode(reader, &reply.epoch);
	reply.position = part_bytes(reader, PROTO_POSITION_MAX);
	reply.entries =
		part_array(reader, arena, reply.count, ENTRY_SMALLEST, sizeof(*reply.entries), &rc);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < reply.count && !reader->failed; i++)
		list_entry_decode(reader, &reply.entries[i]);
	if (reader->failed) {
		arena_free(arena, reply.entries);
		return -DER_PROTO;
	}
	*ret_reply = reply;
	return 0;
}

void
proto_object_listed_free(struct arena *arena, struct proto_object_listed *reply)
{
	arena_free(arena, reply->entries);
}

/* ------------------------------------------------ query */

void
proto_object_query_encode(const struct proto_object_query *request, struct writer *writer)
{
	object_encode(&request->object, writer);
	part_put(writer, request->dkey);
	part_put(writer, request->akey);
}

int
proto_object_query_decode(struct reader *reader, struct proto_object_query *ret_request)
{
	struct proto_object_query request = {0};

	object_decode(reader, &request.object);
	request.dkey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	request.akey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	if (reader->failed)
		return -DER_PROTO;
	*ret_request = request;
	return 0;
}

void
proto_object_queried_encode(const struct proto_object_queried *reply, struct writer *writer)
{
	size_t start = part_begin(writer, reply->read_epoch ? 2 : 1);

	writer_u64(writer, reply->dkey);
	writer_u64(writer, reply->akey);
	extents_encode(&reply->extent, 1, writer);
	writer_u64(writer, reply->record_size);
	writer_u64(writer, reply->epoch);
	if (reply->read_epoch)
		writer_u64(writer, reply->read_epoch);
	part_end(writer, start);
}

int
proto_object_queried_decode(struct reader *reader, struct proto_object_queried *ret_reply)
{
	struct reader part = part_open(reader);
	struct proto_object_queried reply = {.dkey = reader_u64(&part)};

	reply.akey = reader_u64(&part);
	reply.extent.index = reader_u64(&part);
	reply.extent.count = reader_u64(&part);
	reply.record_size = reader_u64(&part);
	reply.epoch = reader_u64(&part);
	reply.read_epoch = reader_left(&part) > 0 ? reader_u64(&part) : 0;
	part_close(reader, &part);
	if (reader->failed)
		return -DER_PROTO;
	*ret_reply = reply;
	return 0;
}

/* ------------------------------------------------ transactions */

static void
change_encode(const struct proto_change *change, struct writer *writer)
{
	writer_u32(writer, change->kind);
	writer_u32(writer, change->conditions);
	writer_u64(writer, change->id.lo);
	writer_u64(writer, change->id.hi);
	writer_u32(writer, change->shard);
	part_put(writer, change->dkey);
	if (change->kind == PROTO_CHANGE_UPDATE) {
		akeys_encode(change->akeys, change->count, writer);
		return;
	}
	writer_u32(writer, change->count);
	for (uint32_t i = 0; i < change->count; i++)
		part_put(writer, change->keys[i]);
}

void
proto_object_changes_encode(const struct proto_object_changes *changes, struct writer *writer)
{
	writer_u32(writer, changes->part_count);
	for (uint32_t i = 0; i < changes->part_count; i++) {
		const struct proto_change_part *part = &changes->parts[i];

		writer_u32(writer, part->target);
		writer_u32(writer, part->change_count);
		for (uint32_t j = 0; j < part->change_count; j++)
			change_encode(&part->changes[j], writer);
	}
}

static int
change_keys_decode(struct reader *reader, struct arena *arena, struct proto_change *change)
{
	uint32_t count = reader_u32(reader);
	int rc;

	change->keys = part_array(reader, arena, count, KEY_SMALLEST, sizeof(*change->keys), &rc);
	if (rc != 0)
		return rc;
	change->count = count;
	for (uint32_t i = 0; i < count; i++)
		change->keys[i] = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	return part_outcome(reader);
}

static int
change_decode(struct reader *reader, struct arena *arena, struct proto_change *change)
{
	change->kind = reader_u32(reader);
	change->conditions = reader_u32(reader);
	change->id.lo = reader_u64(reader);
	change->id.hi = reader_u64(reader);
	change->shard = reader_u32(reader);
	change->dkey = part_bytes(reader, PROTO_OBJECT_KEY_MAX);
	if (change->kind < PROTO_CHANGE_UPDATE || change->kind > PROTO_CHANGE_PUNCH_AKEYS)
		reader_fail(reader);
	if (reader->failed)
		return -DER_PROTO;
	return change->kind == PROTO_CHANGE_UPDATE
		       ? akeys_decode(reader, arena, &change->count, &change->akeys)
		       : change_keys_decode(reader, arena, change);
}

/* *total counts the changes of all parts. */
static int
part_decode(struct reader *reader, struct arena *arena, uint32_t *total,
	    struct proto_change_part *part)
{
	uint32_t count;
	int rc;

	part->target = reader_u32(reader);
	count = reader_u32(reader);
	if (count == 0 || count > PROTO_COMMIT_CHANGES_MAX - *total)
		reader_fail(reader);
	part->changes =
		part_array(reader, arena, count, CHANGE_SMALLEST, sizeof(*part->changes), &rc);
	if (rc != 0)
		return rc;
	part->change_count = count;
	*total += count;
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = change_decode(reader, arena, &part->changes[i]);
	return rc;
}

int
proto_object_changes_decode(struct reader *reader, struct arena *arena,
			    struct proto_object_changes *ret_changes)
{
	struct proto_object_changes changes = {0};
	uint32_t count = reader_u32(reader);
	uint32_t total = 0;
	int rc;

	if (count == 0 || count > PROTO_COMMIT_PARTS_MAX)
		reader_fail(reader);
	changes.parts =
		part_array(reader, arena, count, PART_SMALLEST, sizeof(*changes.parts), &rc);
	if (rc != 0)
		return rc;
	changes.part_count = count;
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = part_decode(reader, arena, &total, &changes.parts[i]);
	if (rc == 0 && !reader_complete(reader))
		rc = -DER_PROTO;
	if (rc != 0)
		proto_object_changes_free(arena, &changes);
	else
		*ret_changes = changes;
	return rc;
}

void
proto_object_changes_free(struct arena *arena, struct proto_object_changes *changes)
{
	for (uint32_t i = 0; i < changes->part_count; i++) {
		struct proto_change_part *part = &changes->parts[i];

		for (uint32_t j = 0; j < part->change_count; j++) {
			arena_free(arena, part->changes[j].akeys);
			arena_free(arena, part->changes[j].keys);
		}
		arena_free(arena, part->changes);
	}
	arena_free(arena, changes->parts);
}

void
proto_object_commit_encode(const struct proto_object_commit *request, struct writer *writer)
{
	object_encode(&request->object, writer);
	proto_bulk_encode(writer, request->text_bulk);
	proto_bulk_encode(writer, request->payload_bulk);
	writer_u64(writer, request->text_length);
	writer_u64(writer, request->payload_length);
	part_put(writer, request->text);
	payload_encode(request->payload, writer);
}

int
proto_object_commit_decode(struct reader *reader, struct proto_object_commit *ret_request)
{
	struct proto_object_commit request = {0};

	object_decode(reader, &request.object);
	request.text_bulk = proto_bulk_decode(reader);
	request.payload_bulk = proto_bulk_decode(reader);
	request.text_length = reader_u64(reader);
	request.payload_length = reader_u64(reader);
	request.text = part_bytes(reader, reader_left(reader));
	request.payload = part_bytes(reader, reader_left(reader));
	if (request.text_bulk.key == 0 && request.text.length != request.text_length)
		reader_fail(reader);
	if (request.payload_bulk.key == 0 && request.payload.length != request.payload_length)
		reader_fail(reader);
	if (reader->failed || request.text_length > PROTO_COMMIT_TEXT_MAX ||
	    request.payload_length > PROTO_COMMIT_PAYLOAD_MAX)
		return -DER_PROTO;
	*ret_request = request;
	return 0;
}
