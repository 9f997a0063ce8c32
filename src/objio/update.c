/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Writes the values of one dkey: plan, sums, one request to the shard that owns the dkey. */
#include "objio/private.h"

/* Bytes of a request besides keys, extents, sums and payload, rounded up. */
#define FIXED_BYTES 256u
#define AKEY_BYTES 32u

struct updating {
	struct objio *objio;
	struct objio_akey *akeys;
	uint32_t akey_count;
	struct proto_object_update request;
	uint32_t *sums;	   /* of all akeys, one block */
	struct iovec *iov; /* of all payloads; the first entry is left for the request */
	uint32_t iov_count;
	uint32_t sum_count;
	uint64_t encoded_max;
};

/* Adds up what the akeys need. */
static int
measure(struct updating *updating)
{
	updating->encoded_max = FIXED_BYTES + updating->request.dkey.length;
	for (uint32_t i = 0; i < updating->akey_count; i++) {
		struct objio_akey *akey = &updating->akeys[i];
		uint64_t bytes;
		int rc = objio_akey_bytes(akey, &bytes);

		if (rc != 0)
			return error_raise(rc, "extents that overflow the size of an array");
		if (bytes != iov_length(akey->payload, akey->payload_count))
			return error_raise(-DER_INVAL,
					   "%llu bytes of extents, but %zu bytes of payload",
					   (unsigned long long)bytes,
					   iov_length(akey->payload, akey->payload_count));
		updating->request.payload_length += bytes;
		updating->iov_count += akey->payload_count;
		if (updating->objio->sums)
			updating->sum_count += objio_sum_count(akey, akey->record_size, bytes);
		updating->encoded_max += AKEY_BYTES + akey->key.length +
					 akey->extent_count * sizeof(struct proto_extent);
	}
	updating->encoded_max += updating->sum_count * sizeof(uint32_t);
	return 0;
}

/* Fills the request's akeys, their sums, and the vector of all payload. */
static void
gather(struct updating *updating)
{
	uint32_t *sums = updating->sums;
	uint32_t iov_count = 1;

	for (uint32_t i = 0; i < updating->akey_count; i++) {
		struct objio_akey *akey = &updating->akeys[i];
		uint32_t count = 0;

		if (updating->objio->sums) {
			count = objio_sum_count(akey, akey->record_size, akey->record_size);
			objio_sums(akey, akey->record_size, akey->record_size, sums);
		}
		updating->request.akeys[i] = (struct proto_akey){
			.key = objio_text(akey->key),
			.type = akey->type,
			.conditions = akey->conditions,
			.record_size = akey->record_size,
			.extent_count = akey->type == PROTO_VALUE_ARRAY ? akey->extent_count : 0,
			.extents = akey->extents,
			.sum_count = count,
			.sums = sums,
		};
		sums += count;
		for (uint32_t j = 0; j < akey->payload_count; j++)
			updating->iov[iov_count++] = akey->payload[j];
	}
}

static int
encode_with_bulk(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	struct updating *updating = argument;

	updating->request.bulk = bulks[0];
	proto_object_update_encode(&updating->request, writer);
	return writer->failed ? -DER_OVERFLOW : 0;
}

static int
send_bulk(struct updating *updating, struct rpc_reply *reply)
{
	struct rpc_call call = {
		.operation = PROTO_OBJECT_UPDATE,
		.region_count = 1,
		.regions[0] = {.iov = updating->iov + 1,
			       .iov_count = updating->iov_count,
			       .access = BULK_READ},
		.encode = encode_with_bulk,
		.encode_argument = updating,
	};

	return objio_send(updating->objio->pool, updating->request.object.target, &call, true,
			  reply);
}

/* The request, then the payload straight from the caller's memory. */
static int
send_inline(struct updating *updating, uint8_t *buffer, struct rpc_reply *reply)
{
	struct rpc_call call = {.operation = PROTO_OBJECT_UPDATE, .body = updating->iov};
	struct writer writer;

	writer_init(&writer, buffer, updating->encoded_max);
	updating->request.payload =
		(struct proto_text){.length = (uint32_t)updating->request.payload_length};
	proto_object_update_encode(&updating->request, &writer);
	ASSERT(!writer.failed);
	updating->iov[0] = (struct iovec){.iov_base = buffer, .iov_len = writer.position};
	call.body_count = updating->iov_count + 1;
	return objio_send(updating->objio->pool, updating->request.object.target, &call, true,
			  reply);
}

/* Small requests live on the stack, others in one block of the arena: akeys, vector, encoded
 * request, sums. */
static int
send_from(struct updating *updating, uint8_t *block, struct rpc_reply *reply)
{
	bool fits = updating->request.payload_length <= OBJIO_INLINE &&
		    updating->iov_count + 1 <= RPC_BODY_MAX &&
		    updating->encoded_max + OBJIO_INLINE <= RPC_INLINE_MAX;

	updating->request.akeys = (void *)block;
	block += updating->akey_count * sizeof(struct proto_akey);
	updating->iov = (void *)block;
	block += (updating->iov_count + 1) * sizeof(struct iovec);
	updating->sums = (void *)block;
	block += align_up(updating->sum_count * sizeof(uint32_t), 8);
	gather(updating);
	return fits ? send_inline(updating, block, reply) : send_bulk(updating, reply);
}

static uint64_t
block_bytes(const struct updating *updating)
{
	return updating->akey_count * sizeof(struct proto_akey) +
	       (updating->iov_count + 1) * sizeof(struct iovec) +
	       align_up(updating->sum_count * sizeof(uint32_t), 8) + updating->encoded_max;
}

static int
send_update(struct updating *updating)
{
	_Alignas(16) uint8_t small[1536];
	struct arena *arena = updating->objio->pool->arena;
	AUTO_FREE struct scoped_block large = {arena, NULL};
	uint64_t bytes = block_bytes(updating);
	struct rpc_reply reply;
	int rc;

	if (bytes > sizeof(small)) {
		large.pointer = arena_alloc(arena, bytes);
		if (large.pointer == NULL)
			return -DER_NOMEM;
	}
	rc = send_from(updating, large.pointer ? large.pointer : small, &reply);
	rpc_reply_free(&reply);
	return rc;
}

static int
update_whole(struct objio *objio, struct object_id id, struct objio_key dkey,
	     struct objio_akey *akeys, uint32_t akey_count, uint32_t conditions)
{
	struct updating updating = {.objio = objio, .akeys = akeys, .akey_count = akey_count};
	int rc;

	updating.request.object = objio_request(
		objio, id, objio_place_dkey(&objio->pool->placement, id, dkey), conditions);
	updating.request.dkey = objio_text(dkey);
	updating.request.akey_count = akey_count;
	rc = measure(&updating);
	return rc == 0 ? send_update(&updating) : rc;
}

/* ------------------------------------------------ updates in several parts */

int
objio_judge_size(const struct objio_akey *akeys, uint32_t akey_count, bool *ret_cut)
{
	uint64_t total = 0;
	uint32_t large = 0;

	*ret_cut = false;
	for (uint32_t i = 0; i < akey_count; i++) {
		uint64_t bytes;
		int rc = objio_akey_bytes(&akeys[i], &bytes);

		if (rc != 0)
			return error_raise(rc, "extents that overflow the size of an array");
		if (akeys[i].type != PROTO_VALUE_ARRAY && bytes > OBJIO_PAYLOAD_MAX)
			return error_raise(-DER_REC2BIG,
					   "a single value of %llu bytes; the limit is %u",
					   (unsigned long long)bytes, OBJIO_PAYLOAD_MAX);
		if (akeys[i].type == PROTO_VALUE_ARRAY && akeys[i].record_size > OBJIO_PAYLOAD_MAX)
			return error_raise(-DER_REC2BIG, "records of %llu bytes; the limit is %u",
					   (unsigned long long)akeys[i].record_size,
					   OBJIO_PAYLOAD_MAX);
		total = bytes > OBJIO_PAYLOAD_MAX ? bytes : total + bytes;
		large += objio_large_extents(&akeys[i], akeys[i].record_size);
		*ret_cut |= total > OBJIO_PAYLOAD_MAX || large > OBJIO_CUT_EXTENTS ||
			    akeys[i].extent_count > OBJIO_EXTENTS_MAX;
	}
	return 0;
}

/* Part after part of one array. */
static int
update_array(struct objio *objio, struct object_id id, struct objio_key dkey,
	     const struct objio_akey *akey, struct iovec *slice, uint32_t *conditions)
{
	struct objio_parts parts;
	int rc;

	objio_parts_begin(&parts, akey, slice);
	while ((rc = objio_parts_next(&parts)) > 0) {
		rc = update_whole(objio, id, dkey, &parts.part, 1, *conditions);
		*conditions = 0;
		if (rc)
			break;
	}
	return rc;
}

/* What a condition asks about must not be what an earlier part made: only the first part has
 * conditions. */
static int
update_parts(struct objio *objio, struct object_id id, struct objio_key dkey,
	     struct objio_akey *akeys, uint32_t akey_count, uint32_t conditions)
{
	struct arena *arena = objio->pool->arena;
	int rc = 0;

	for (uint32_t i = 0; i < akey_count && rc == 0; i++) {
		AUTO_FREE struct scoped_block slice = {arena, NULL};

		slice.pointer = arena_alloc(arena, akeys[i].payload_count * sizeof(struct iovec));
		if (slice.pointer == NULL)
			return -DER_NOMEM;
		if (akeys[i].type == PROTO_VALUE_ARRAY) {
			rc = update_array(objio, id, dkey, &akeys[i], slice.pointer, &conditions);
		} else {
			rc = update_whole(objio, id, dkey, &akeys[i], 1, conditions);
			conditions = 0;
		}
	}
	return rc;
}

int
objio_update(struct objio *objio, struct object_id id, struct objio_key dkey,
	     struct objio_akey *akeys, uint32_t akey_count, uint32_t conditions)
{
	int rc = placement_check(&objio->pool->placement, id);
	bool cut;

	if (rc != 0)
		return rc;
	if (akey_count > PROTO_OBJECT_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u akeys in one call; the limit is %u", akey_count,
				   PROTO_OBJECT_AKEYS_MAX);
	rc = objio_judge_size(akeys, akey_count, &cut);
	if (rc != 0)
		return rc;
	return cut ? update_parts(objio, id, dkey, akeys, akey_count, conditions)
		   : update_whole(objio, id, dkey, akeys, akey_count, conditions);
}
