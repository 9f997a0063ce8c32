/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Commits a transaction: plans what each target changes, in the order of the caller, and sends it
 * all to the target of the first change, which leads the others.
 */
#include "objio/private.h"

/* The text of the changes up to this many bytes travels inside the request. */
#define TEXT_INLINE (48u * 1024)
/* Bytes of a change, of a part, and of an akey besides keys, extents and sums, rounded up. */
#define CHANGE_BYTES 64u
#define AKEY_BYTES 32u
#define PLAN_FIRST 16u

_Static_assert(TEXT_INLINE + OBJIO_INLINE + 1024 <= RPC_INLINE_MAX, "both fit");
_Static_assert(PROTO_COMMIT_PAYLOAD_MAX == OBJIO_PAYLOAD_MAX, "what one update takes, too");

/* One change of one target. */
struct planned {
	uint32_t target;
	uint32_t iov_count;
	struct iovec *iov; /* its payload; behind the akeys in their block */
	struct proto_change change;
};

struct committing {
	struct objio *objio;
	struct arena *arena;
	const struct objio_view *view;
	struct planned *planned;
	uint32_t count, room;
	uint64_t text_max; /* bytes */
	uint64_t payload;  /* bytes */
	uint32_t iov_count;
	struct proto_object_changes changes; /* pointing into ordered */
	struct proto_change *ordered;
	struct iovec *iov; /* of all payload, in the order of the parts */
	struct proto_object_commit request;
};

static void
committing_free(struct committing *committing)
{
	struct arena *arena = committing->arena;

	for (uint32_t i = 0; i < committing->count; i++) {
		arena_free(arena, committing->planned[i].change.akeys);
		arena_free(arena, committing->planned[i].change.keys);
	}
	arena_free(arena, committing->planned);
	arena_free(arena, committing->changes.parts);
	arena_free(arena, committing->ordered);
	arena_free(arena, committing->iov);
	arena_free(arena, (void *)(uintptr_t)committing->request.text.data);
}

/* ------------------------------------------------ plan: one change per target */

/* One more change, in the place of a group of the object. */
static int
plan_add(struct committing *committing, const struct objio_change *change, struct objio_place place,
	 struct planned **ret_planned)
{
	struct planned *planned = committing->planned;

	if (committing->count == PROTO_COMMIT_CHANGES_MAX)
		return error_raise(-DER_REC2BIG, "a transaction of more than %u changes",
				   PROTO_COMMIT_CHANGES_MAX);
	if (committing->count == committing->room) {
		uint32_t room = max_of(committing->room * 2, PLAN_FIRST);

		planned = arena_realloc(committing->arena, planned, room * sizeof(*planned));
		if (planned == NULL)
			return -DER_NOMEM;
		committing->planned = planned;
		committing->room = room;
	}
	planned += committing->count++;
	*planned = (struct planned){
		.target = place.target,
		.change = {.kind = change->kind,
			   .conditions = change->conditions,
			   .id = change->id,
			   .shard = place.group,
			   .dkey = objio_text(change->dkey)},
	};
	committing->text_max += CHANGE_BYTES + change->dkey.length;
	*ret_planned = planned;
	return 0;
}

static int
plan_keys(struct committing *committing, const struct objio_key *keys, uint32_t count,
	  struct planned *planned)
{
	struct proto_text *texts = arena_alloc(committing->arena, count * sizeof(*texts));

	if (texts == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < count; i++) {
		texts[i] = objio_text(keys[i]);
		committing->text_max += sizeof(uint32_t) + keys[i].length;
	}
	planned->change.keys = texts;
	planned->change.count = count;
	return 0;
}

static int
plan_punch_object(struct committing *committing, const struct objio_change *change)
{
	const struct placement_map *map = &committing->objio->pool->placement;
	uint32_t groups = placement_groups(map, change->id);
	struct planned *planned;
	int rc = 0;

	for (uint32_t i = 0; i < groups && rc == 0; i++)
		rc = plan_add(committing, change, objio_place_group(map, change->id, i), &planned);
	return rc;
}

/* One change for each dkey: each may belong to another target. */
static int
plan_punch_dkeys(struct committing *committing, const struct objio_change *change)
{
	const struct placement_map *map = &committing->objio->pool->placement;
	struct planned *planned;
	int rc = 0;

	for (uint32_t i = 0; i < change->count && rc == 0; i++) {
		struct objio_place place = objio_place_dkey(map, change->id, change->keys[i]);

		rc = plan_add(committing, change, place, &planned);
		if (rc == 0)
			rc = plan_keys(committing, &change->keys[i], 1, planned);
	}
	return rc;
}

static int
plan_punch_akeys(struct committing *committing, const struct objio_change *change)
{
	const struct placement_map *map = &committing->objio->pool->placement;
	struct planned *planned;
	int rc = plan_add(committing, change, objio_place_dkey(map, change->id, change->dkey),
			  &planned);

	return rc == 0 ? plan_keys(committing, change->keys, change->count, planned) : rc;
}

/* ------------------------------------------------ updates */

/* What the akeys of one change need. */
struct needs {
	uint32_t extents, sums, iov;
	uint64_t payload;
};

static int
measure(const struct committing *committing, const struct objio_akey *akeys, uint32_t count,
	struct needs *ret_needs)
{
	struct needs needs = {0};

	for (uint32_t i = 0; i < count; i++) {
		const struct objio_akey *akey = &akeys[i];
		uint64_t bytes;
		int rc = objio_akey_bytes(akey, &bytes);

		if (rc != 0)
			return error_raise(rc, "extents that overflow the size of an array");
		if (bytes != iov_length(akey->payload, akey->payload_count))
			return error_raise(-DER_INVAL,
					   "%llu bytes of extents, but %zu bytes of payload",
					   (unsigned long long)bytes,
					   iov_length(akey->payload, akey->payload_count));
		needs.payload += bytes;
		needs.iov += akey->payload_count;
		needs.extents += akey->type == PROTO_VALUE_ARRAY ? akey->extent_count : 0;
		if (committing->objio->sums)
			needs.sums += objio_sum_count(akey, akey->record_size, bytes);
	}
	*ret_needs = needs;
	return 0;
}

/* Fills the akeys of a change: the block holds them, payload, extents and sums. */
static void
fill_akeys(struct committing *committing, const struct objio_akey *akeys, uint32_t count,
	   const struct needs *needs, struct planned *planned)
{
	struct proto_akey *to = planned->change.akeys;
	struct iovec *iov = (struct iovec *)(to + count);
	struct proto_extent *extents = (struct proto_extent *)(iov + needs->iov);
	uint32_t *sums = (uint32_t *)(extents + needs->extents);

	planned->iov = iov;
	planned->iov_count = needs->iov;
	for (uint32_t i = 0; i < count; i++) {
		const struct objio_akey *akey = &akeys[i];

		to[i] = (struct proto_akey){
			.key = objio_text(akey->key),
			.type = akey->type,
			.conditions = akey->conditions,
			.record_size = akey->record_size,
			.extents = extents,
			.sums = sums,
		};
		if (akey->type == PROTO_VALUE_ARRAY)
			to[i].extent_count = akey->extent_count;
		for (uint32_t j = 0; j < to[i].extent_count; j++)
			*extents++ = akey->extents[j];
		if (committing->objio->sums) {
			to[i].sum_count =
				objio_sum_count(akey, akey->record_size, akey->record_size);
			objio_sums(akey, akey->record_size, akey->record_size, sums);
			sums += to[i].sum_count;
		}
		for (uint32_t j = 0; j < akey->payload_count; j++)
			*iov++ = akey->payload[j];
		committing->text_max += AKEY_BYTES + akey->key.length;
	}
}

/* One update of one dkey, which one call of the store takes. */
static int
plan_values(struct committing *committing, const struct objio_change *change,
	    const struct objio_akey *akeys, uint32_t count)
{
	const struct placement_map *map = &committing->objio->pool->placement;
	struct planned *planned;
	struct needs needs = {0};
	int rc = measure(committing, akeys, count, &needs);

	if (rc == 0 && needs.payload > PROTO_COMMIT_PAYLOAD_MAX - committing->payload)
		rc = error_raise(-DER_REC2BIG, "a transaction of more than %u bytes",
				 PROTO_COMMIT_PAYLOAD_MAX);
	if (rc == 0)
		rc = plan_add(committing, change, objio_place_dkey(map, change->id, change->dkey),
			      &planned);
	if (rc != 0)
		return rc;
	planned->change.akeys =
		arena_alloc(committing->arena, count * sizeof(struct proto_akey) +
						       needs.iov * sizeof(struct iovec) +
						       needs.extents * sizeof(struct proto_extent) +
						       needs.sums * sizeof(uint32_t));
	if (planned->change.akeys == NULL)
		return -DER_NOMEM;
	planned->change.count = count;
	fill_akeys(committing, akeys, count, &needs, planned);
	committing->text_max +=
		needs.extents * sizeof(struct proto_extent) + needs.sums * sizeof(uint32_t);
	committing->payload += needs.payload;
	committing->iov_count += needs.iov;
	return 0;
}

/* Part after part of one array; the first one alone has the conditions. */
static int
plan_array(struct committing *committing, struct objio_change *change,
	   const struct objio_akey *akey, struct iovec *slice)
{
	struct objio_parts parts;
	int rc;

	objio_parts_begin(&parts, akey, slice);
	while ((rc = objio_parts_next(&parts)) > 0) {
		rc = plan_values(committing, change, &parts.part, 1);
		change->conditions = 0;
		if (rc)
			break;
	}
	return rc;
}

static int
plan_parts(struct committing *committing, const struct objio_change *change)
{
	struct objio_change rest = *change;
	int rc = 0;

	for (uint32_t i = 0; i < change->count && rc == 0; i++) {
		const struct objio_akey *akey = &change->akeys[i];
		AUTO_FREE struct scoped_block slice = {committing->arena, NULL};

		slice.pointer =
			arena_alloc(committing->arena, akey->payload_count * sizeof(struct iovec));
		if (slice.pointer == NULL)
			return -DER_NOMEM;
		rc = akey->type == PROTO_VALUE_ARRAY
			     ? plan_array(committing, &rest, akey, slice.pointer)
			     : plan_values(committing, &rest, akey, 1);
		rest.conditions = 0;
	}
	return rc;
}

static int
plan_update(struct committing *committing, const struct objio_change *change)
{
	bool cut;
	int rc;

	if (change->count > PROTO_OBJECT_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u akeys in one call; the limit is %u",
				   change->count, PROTO_OBJECT_AKEYS_MAX);
	rc = objio_judge_size(change->akeys, change->count, &cut);
	if (rc != 0)
		return rc;
	return cut ? plan_parts(committing, change)
		   : plan_values(committing, change, change->akeys, change->count);
}

typedef int plan_function(struct committing *committing, const struct objio_change *change);

static plan_function *const plans[] = {
	[PROTO_CHANGE_UPDATE] = plan_update,
	[PROTO_CHANGE_PUNCH_OBJECT] = plan_punch_object,
	[PROTO_CHANGE_PUNCH_DKEYS] = plan_punch_dkeys,
	[PROTO_CHANGE_PUNCH_AKEYS] = plan_punch_akeys,
};

/* ------------------------------------------------ order: part after part */

/* Which part each planned change belongs to, in the order in which targets come first. */
static int
number_parts(struct committing *committing, uint32_t *part_of_target, uint32_t *part_of_change)
{
	uint32_t parts = 0;

	for (uint32_t i = 0; i < committing->count; i++) {
		uint32_t *part = &part_of_target[committing->planned[i].target];

		if (*part == 0)
			*part = ++parts;
		part_of_change[i] = *part - 1;
	}
	if (parts > PROTO_COMMIT_PARTS_MAX)
		return error_raise(-DER_REC2BIG, "a transaction over more than %u targets",
				   PROTO_COMMIT_PARTS_MAX);
	committing->changes.part_count = parts;
	return 0;
}

static void
sort_changes(struct committing *committing, const uint32_t *part_of_change)
{
	struct proto_change_part *parts = committing->changes.parts;
	struct proto_change *next = committing->ordered;
	struct iovec *iov = committing->iov;

	for (uint32_t part = 0; part < committing->changes.part_count; part++) {
		parts[part].changes = next;
		for (uint32_t i = 0; i < committing->count; i++) {
			const struct planned *planned = &committing->planned[i];

			if (part_of_change[i] != part)
				continue;
			parts[part].target = planned->target;
			parts[part].change_count++;
			*next++ = planned->change;
			for (uint32_t j = 0; j < planned->iov_count; j++)
				*iov++ = planned->iov[j];
		}
	}
}

static int
order(struct committing *committing)
{
	struct arena *arena = committing->arena;
	uint32_t targets = committing->objio->pool->target_count;
	AUTO_FREE struct scoped_block block = {
		arena, arena_calloc(arena, targets + committing->count, sizeof(uint32_t))};
	uint32_t *part_of_target = block.pointer;
	int rc;

	if (part_of_target == NULL)
		return -DER_NOMEM;
	rc = number_parts(committing, part_of_target, part_of_target + targets);
	if (rc != 0)
		return rc;
	committing->changes.parts = arena_calloc(arena, committing->changes.part_count,
						 sizeof(*committing->changes.parts));
	committing->ordered = arena_alloc(arena, committing->count * sizeof(*committing->ordered));
	committing->iov = arena_alloc(arena, (committing->iov_count + 1) * sizeof(struct iovec));
	if (!committing->changes.parts || !committing->ordered || !committing->iov)
		return -DER_NOMEM;
	sort_changes(committing, part_of_target + targets);
	return 0;
}

/* ------------------------------------------------ the request */

static int
write_text(struct committing *committing)
{
	uint64_t bytes = committing->text_max + sizeof(uint32_t);
	struct writer writer;
	void *text;

	/* A part's target and count are reckoned with its first change. */
	if (bytes > 2 * PROTO_COMMIT_TEXT_MAX)
		bytes = 2 * PROTO_COMMIT_TEXT_MAX;
	text = arena_alloc(committing->arena, bytes);
	if (text == NULL)
		return -DER_NOMEM;
	writer_init(&writer, text, bytes);
	proto_object_changes_encode(&committing->changes, &writer);
	committing->request.text = (struct proto_text){text, (uint32_t)writer.position};
	committing->request.text_length = writer.position;
	if (writer.failed || writer.position > PROTO_COMMIT_TEXT_MAX)
		return error_raise(-DER_REC2BIG,
				   "a transaction whose changes take more than %u bytes without "
				   "their values",
				   PROTO_COMMIT_TEXT_MAX);
	return 0;
}

static int
encode(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	struct committing *committing = argument;
	struct proto_object_commit request = committing->request;
	bool inline_payload = request.payload_length <= OBJIO_INLINE;

	if (request.text_length > TEXT_INLINE) {
		request.text_bulk = *bulks++;
		request.text = (struct proto_text){0};
	}
	if (inline_payload)
		request.payload.length = (uint32_t)request.payload_length;
	else
		request.payload_bulk = *bulks;
	proto_object_commit_encode(&request, writer);
	for (uint32_t i = 0; inline_payload && i < committing->iov_count; i++)
		writer_bytes(writer, committing->iov[i].iov_base, committing->iov[i].iov_len);
	return writer->failed ? -DER_OVERFLOW : 0;
}

static void
open_region(struct rpc_call *call, const struct iovec *iov, uint32_t iov_count)
{
	uint32_t number = call->region_count++;

	call->regions[number].iov = iov;
	call->regions[number].iov_count = iov_count;
	call->regions[number].access = BULK_READ;
}

static int
send_commit(struct committing *committing)
{
	struct proto_object_commit *request = &committing->request;
	struct iovec text = {(void *)(uintptr_t)request->text.data, request->text.length};
	struct rpc_call call = {
		.operation = PROTO_OBJECT_COMMIT,
		.encode = encode,
		.encode_argument = committing,
	};
	struct rpc_reply reply;
	int rc;

	if (request->text_length > TEXT_INLINE)
		open_region(&call, &text, 1);
	if (request->payload_length > OBJIO_INLINE)
		open_region(&call, committing->iov, committing->iov_count);
	rc = objio_send(committing->objio->pool, request->object.target, &call, true, &reply);
	rpc_reply_free(&reply);
	return rc;
}

static int
plan(struct committing *committing, const struct objio_change *changes, uint32_t count)
{
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++) {
		ASSERT(changes[i].kind >= PROTO_CHANGE_UPDATE &&
		       changes[i].kind <= PROTO_CHANGE_PUNCH_AKEYS);
		rc = placement_check(&committing->objio->pool->placement, changes[i].id);
		if (rc == 0)
			rc = plans[changes[i].kind](committing, &changes[i]);
	}
	return rc;
}

static int
commit(struct committing *committing)
{
	struct proto_object_commit *request = &committing->request;
	const struct proto_change_part *leader;
	struct objio_place place;
	int rc = order(committing);

	if (rc == 0)
		rc = write_text(committing);
	if (rc != 0)
		return rc;
	leader = committing->changes.parts;
	place = (struct objio_place){leader->changes[0].shard, leader->target};
	request->object = objio_request(committing->objio, leader->changes[0].id, place, 0);
	objio_view_ask(committing->view, &request->object);
	request->payload_length = committing->payload;
	return send_commit(committing);
}

int
objio_commit(struct objio *objio, const struct objio_view *view, const struct objio_change *changes,
	     uint32_t count)
{
	struct committing committing = {.objio = objio, .arena = objio->pool->arena, .view = view};
	int rc;

	ASSERT(!uuid_empty(&view->transaction));
	rc = plan(&committing, changes, count);
	if (rc == 0 && committing.count > 0)
		rc = commit(&committing);
	committing_free(&committing);
	return rc;
}
