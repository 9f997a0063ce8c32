/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Reads the values of one dkey, verifies their sums, and leaves them in the caller's memory. */
#include "objio/private.h"

struct fetching {
	struct objio *objio;
	struct objio_akey *akeys;
	uint32_t akey_count;
	struct objio_view *view;
	struct proto_object_fetch request;
	struct iovec *iov; /* of all payloads */
	uint32_t iov_count;
};

static void
measure(struct fetching *fetching)
{
	for (uint32_t i = 0; i < fetching->akey_count; i++) {
		struct objio_akey *akey = &fetching->akeys[i];

		fetching->request.payload_length += iov_length(akey->payload, akey->payload_count);
		fetching->iov_count += akey->payload_count;
	}
}

static void
gather(struct fetching *fetching)
{
	uint32_t iov_count = 0;

	for (uint32_t i = 0; i < fetching->akey_count; i++) {
		struct objio_akey *akey = &fetching->akeys[i];

		fetching->request.akeys[i] = (struct proto_akey){
			.key = objio_text(akey->key),
			.type = akey->type,
			.conditions = akey->conditions,
			.record_size = iov_length(akey->payload, akey->payload_count),
			.extent_count = akey->type == PROTO_VALUE_ARRAY ? akey->extent_count : 0,
			.extents = akey->extents,
		};
		for (uint32_t j = 0; j < akey->payload_count; j++)
			fetching->iov[iov_count++] = akey->payload[j];
	}
}

/* ------------------------------------------------ the answer */

/* Whether the length belongs to what was asked: nobody sums beyond the payload. */
static int
check_length(struct objio_akey *akey, const struct proto_fetched *fetched)
{
	uint64_t bytes;

	akey->record_size = fetched->record_size;
	akey->length = fetched->length;
	if (fetched->length != 0 &&
	    (objio_akey_bytes(akey, &bytes) != 0 || bytes != fetched->length))
		return error_raise(-DER_PROTO, "an answer of %llu bytes that were not asked for",
				   (unsigned long long)fetched->length);
	return 0;
}

static int
verify(const struct objio_akey *akey, const struct proto_fetched *fetched, uint32_t *sums)
{
	if (fetched->sum_count != objio_sum_count(akey, fetched->record_size, fetched->length))
		return error_raise(-DER_PROTO, "an answer with %u sums for %llu bytes",
				   fetched->sum_count, (unsigned long long)fetched->length);
	objio_sums(akey, fetched->record_size, fetched->length, sums);
	if (memcmp(sums, fetched->sums, fetched->sum_count * sizeof(*sums)) != 0)
		return error_raise(-DER_CSUM, "data arrived that does not match its checksums");
	return 0;
}

static int
verify_akey(const struct objio *objio, const struct objio_akey *akey,
	    const struct proto_fetched *fetched)
{
	uint32_t few[OBJIO_FEW];
	struct arena *arena = objio->pool->arena;
	AUTO_FREE struct scoped_block many = {arena, NULL};

	if (!objio->sums || fetched->length == 0)
		return 0;
	if (fetched->sum_count > OBJIO_FEW) {
		many.pointer = arena_alloc(arena, fetched->sum_count * sizeof(uint32_t));
		if (many.pointer == NULL)
			return -DER_NOMEM;
	}
	return verify(akey, fetched, many.pointer ? many.pointer : few);
}

static void
drop_runs(struct arena *arena, struct objio_akey *akeys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		arena_free(arena, akeys[i].runs);
		akeys[i].runs = NULL;
		akeys[i].run_count = 0;
	}
}

static int
copy_runs(struct arena *arena, const struct proto_fetched *fetched, struct objio_akey *akey)
{
	if (fetched->run_count == 0)
		return 0;
	akey->runs = arena_alloc(arena, fetched->run_count * sizeof(*akey->runs));
	if (akey->runs == NULL)
		return -DER_NOMEM;
	akey->run_count = fetched->run_count;
	memcpy(akey->runs, fetched->runs, fetched->run_count * sizeof(*akey->runs));
	return 0;
}

/* A stored value larger than the caller's room is reported by its size alone. */
static bool
truncated(const struct objio_akey *akey, const struct proto_fetched *fetched)
{
	return fetched->record_size != 0 && fetched->length == 0 && akey->payload_count > 0 &&
	       (akey->type != PROTO_VALUE_ARRAY || akey->extent_count > 0);
}

static int
take_akey(struct fetching *fetching, const struct proto_object_fetched *reply, uint32_t number,
	  uint64_t *from)
{
	struct objio_akey *akey = &fetching->akeys[number];
	const struct proto_fetched *fetched = &reply->akeys[number];

	int rc;

	if (fetched->length > fetching->request.akeys[number].record_size)
		return error_raise(-DER_PROTO, "an answer longer than the room for it");
	rc = check_length(akey, fetched);
	if (rc != 0)
		return rc;
	if (!reply->pushed) {
		if (fetched->length > reply->payload.length - *from)
			return error_raise(-DER_PROTO, "an answer shorter than it says");
		iov_copy_in(akey->payload, akey->payload_count, 0, reply->payload.data + *from,
			    fetched->length);
		*from += fetched->length;
	}
	return verify_akey(fetching->objio, akey, fetched);
}

static int
take(struct fetching *fetching, const struct proto_object_fetched *reply, bool want_runs)
{
	uint64_t from = 0;
	int outcome = 0;

	if (reply->akey_count != fetching->akey_count)
		return error_raise(-DER_PROTO, "an answer for %u akeys, not %u", reply->akey_count,
				   fetching->akey_count);
	for (uint32_t i = 0; i < fetching->akey_count; i++) {
		int rc = take_akey(fetching, reply, i, &from);

		if (rc == 0 && want_runs)
			rc = copy_runs(fetching->objio->pool->arena, &reply->akeys[i],
				       &fetching->akeys[i]);
		if (rc != 0)
			return rc;
		if (truncated(&fetching->akeys[i], &reply->akeys[i]))
			outcome = -DER_TRUNC;
	}
	return outcome;
}

/* ------------------------------------------------ the request */

static int
encode(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	struct fetching *fetching = argument;

	if (bulks)
		fetching->request.bulk = bulks[0];
	proto_object_fetch_encode(&fetching->request, writer);
	return writer->failed ? -DER_OVERFLOW : 0;
}

static int
ask(struct fetching *fetching, bool want_runs)
{
	struct objio_pool *pool = fetching->objio->pool;
	struct rpc_call call = {
		.operation = PROTO_OBJECT_FETCH,
		.region_count = fetching->request.payload_length > OBJIO_INLINE,
		.regions[0] = {.iov = fetching->iov,
			       .iov_count = fetching->iov_count,
			       .access = BULK_WRITE},
		.encode = encode,
		.encode_argument = fetching,
	};
	struct proto_object_fetched answer;
	struct rpc_reply reply;
	int rc;

	objio_view_ask(fetching->view, &fetching->request.object);
	rc = objio_send(pool, fetching->request.object.target, &call, false, &reply);
	if (rc == 0)
		rc = proto_object_fetched_decode(&reply.body, pool->arena, &answer);
	if (rc == 0) {
		objio_view_take(fetching->view, answer.epoch);
		rc = take(fetching, &answer, want_runs);
		proto_object_fetched_free(pool->arena, &answer);
	}
	rpc_reply_free(&reply);
	return rc;
}

/* What a condition refuses tells no epoch, and a transaction must know the one of the refusal. */
static int
send_fetch(struct fetching *fetching, bool want_runs)
{
	bool open = objio_view_is_open(fetching->view);
	int rc = ask(fetching, want_runs);

	if (rc != -DER_NONEXIST || !open)
		return rc;
	rc = objio_draw_epoch(fetching->objio, fetching->request.object.id, fetching->view);
	return rc == 0 ? ask(fetching, want_runs) : rc;
}

static int
fetch_from(struct fetching *fetching, uint8_t *block, bool want_runs)
{
	struct arena *arena = fetching->objio->pool->arena;
	int rc;

	fetching->request.akeys = (void *)block;
	fetching->iov = (void *)(block + fetching->akey_count * sizeof(struct proto_akey));
	gather(fetching);
	rc = send_fetch(fetching, want_runs);
	/* Bytes may be damaged on the way to us as well; what is damaged at rest stays so. */
	if (rc == -DER_CSUM) {
		drop_runs(arena, fetching->akeys, fetching->akey_count);
		rc = send_fetch(fetching, want_runs);
	}
	if (rc != 0 && rc != -DER_TRUNC)
		drop_runs(arena, fetching->akeys, fetching->akey_count);
	return rc;
}

/* Of which dkey, as of when, and whether runs are wanted. */
struct reading {
	struct objio *objio;
	struct proto_object object;
	struct objio_key dkey;
	struct objio_view *view;
	bool want_runs;
};

static int
fetch_whole(const struct reading *reading, struct objio_akey *akeys, uint32_t akey_count)
{
	struct objio *objio = reading->objio;
	_Alignas(16) uint8_t small[1024];
	AUTO_FREE struct scoped_block large = {objio->pool->arena, NULL};
	struct fetching fetching = {
		.objio = objio, .akeys = akeys, .akey_count = akey_count, .view = reading->view};
	uint64_t bytes;

	for (uint32_t i = 0; i < akey_count; i++) {
		akeys[i].runs = NULL;
		akeys[i].run_count = 0;
	}
	fetching.request.object = reading->object;
	fetching.request.dkey = objio_text(reading->dkey);
	fetching.request.akey_count = akey_count;
	measure(&fetching);
	if (fetching.request.payload_length == 0)
		fetching.request.object.flags |= PROTO_FETCH_SIZE_ONLY;
	bytes = akey_count * sizeof(struct proto_akey) + fetching.iov_count * sizeof(struct iovec);
	if (bytes > sizeof(small)) {
		large.pointer = arena_alloc(objio->pool->arena, bytes);
		if (large.pointer == NULL)
			return -DER_NOMEM;
	}
	return fetch_from(&fetching, large.pointer ? large.pointer : small, reading->want_runs);
}

/* ------------------------------------------------ fetches in several parts */

/* Moves the runs of a part behind those of its akey. */
static int
append_runs(struct arena *arena, struct objio_akey *akey, struct objio_akey *part)
{
	struct proto_extent *runs;

	if (part->run_count == 0)
		return 0;
	runs = arena_realloc(arena, akey->runs,
			     (akey->run_count + part->run_count) * sizeof(*runs));
	if (runs == NULL)
		return -DER_NOMEM;
	memcpy(runs + akey->run_count, part->runs, part->run_count * sizeof(*runs));
	akey->runs = runs;
	akey->run_count += part->run_count;
	return 0;
}

/* Part after part of an array whose record size is known. */
static int
fetch_array(const struct reading *reading, struct objio_akey *akey, struct iovec *slice)
{
	struct arena *arena = reading->objio->pool->arena;
	struct proto_extent extents[OBJIO_CUT_EXTENTS];
	struct objio_cut cut = {.akey = akey, .record_size = akey->record_size};
	struct objio_akey part = *akey;
	uint64_t bytes;
	int rc = 0;

	part.extents = extents;
	part.payload = slice;
	while (rc == 0 && objio_cut_next(&cut, extents, &part.extent_count, &bytes)) {
		int pieces = iov_slice(akey->payload, akey->payload_count, akey->length, bytes,
				       slice, akey->payload_count);

		ASSERT(pieces >= 0);
		part.payload_count = (uint32_t)pieces;
		rc = fetch_whole(reading, &part, 1);
		/* A part of which nothing is left any more reads as the zeros of a hole. */
		if (rc == 0 && part.length == 0)
			iov_zero(slice, part.payload_count, 0, bytes);
		if (rc == 0)
			rc = append_runs(arena, akey, &part);
		drop_runs(arena, &part, 1);
		akey->length += bytes;
	}
	return rc;
}

static int
fetch_part(const struct reading *reading, struct objio_akey *akey)
{
	struct arena *arena = reading->objio->pool->arena;
	AUTO_FREE struct scoped_block slice = {arena, NULL};
	uint64_t bytes;

	if (akey->type != PROTO_VALUE_ARRAY)
		return fetch_whole(reading, akey, 1);
	if (akey->record_size == 0)
		return 0;
	if (akey->record_size > OBJIO_PAYLOAD_MAX || objio_akey_bytes(akey, &bytes) != 0 ||
	    bytes > iov_length(akey->payload, akey->payload_count))
		return -DER_TRUNC;
	slice.pointer = arena_alloc(arena, akey->payload_count * sizeof(struct iovec));
	if (slice.pointer == NULL)
		return -DER_NOMEM;
	return fetch_array(reading, akey, slice.pointer);
}

/* The record sizes tell where to cut, so they are asked for first. */
static int
fetch_sizes(const struct reading *reading, struct objio_akey *akeys, uint32_t akey_count)
{
	struct reading sizes = *reading;
	struct arena *arena = reading->objio->pool->arena;
	AUTO_FREE struct scoped_block block = {arena,
					       arena_alloc(arena, akey_count * sizeof(*akeys))};
	struct objio_akey *bare = block.pointer;
	int rc;

	if (bare == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < akey_count; i++)
		bare[i] = (struct objio_akey){
			.key = akeys[i].key,
			.type = akeys[i].type,
			.conditions = akeys[i].conditions,
		};
	sizes.want_runs = false;
	rc = fetch_whole(&sizes, bare, akey_count);
	for (uint32_t i = 0; i < akey_count && rc == 0; i++) {
		akeys[i].record_size = bare[i].record_size;
		akeys[i].length = 0;
		akeys[i].runs = NULL;
		akeys[i].run_count = 0;
	}
	return rc;
}

static int
fetch_parts(const struct reading *reading, struct objio_akey *akeys, uint32_t akey_count)
{
	int outcome = 0;
	int rc = fetch_sizes(reading, akeys, akey_count);

	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < akey_count; i++) {
		rc = fetch_part(reading, &akeys[i]);
		if (rc == -DER_TRUNC) {
			outcome = rc;
		} else if (rc != 0) {
			drop_runs(reading->objio->pool->arena, akeys, akey_count);
			return rc;
		}
	}
	return outcome;
}

/* Whether one answer may be too large, or one request. */
static bool
wants_parts(const struct objio_akey *akeys, uint32_t akey_count)
{
	uint64_t room = 0;

	for (uint32_t i = 0; i < akey_count; i++) {
		room += iov_length(akeys[i].payload, akeys[i].payload_count);
		if (akeys[i].payload_count > 0 && akeys[i].extent_count > OBJIO_EXTENTS_MAX)
			return true;
	}
	return room > OBJIO_PAYLOAD_MAX;
}

int
objio_fetch(struct objio *objio, struct object_id id, struct objio_key dkey,
	    struct objio_akey *akeys, uint32_t akey_count, struct objio_view *view,
	    uint32_t conditions, bool want_runs)
{
	const struct placement_map *map = &objio->pool->placement;
	struct reading reading = {
		.objio = objio, .dkey = dkey, .view = view, .want_runs = want_runs};
	int rc = placement_check(map, id);

	if (rc != 0)
		return rc;
	if (akey_count > PROTO_OBJECT_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u akeys in one call; the limit is %u", akey_count,
				   PROTO_OBJECT_AKEYS_MAX);
	reading.object = objio_request(objio, id, objio_place_dkey(map, id, dkey), conditions);
	reading.object.flags = want_runs ? PROTO_FETCH_RUNS : 0;
	return wants_parts(akeys, akey_count) ? fetch_parts(&reading, akeys, akey_count)
					      : fetch_whole(&reading, akeys, akey_count);
}
