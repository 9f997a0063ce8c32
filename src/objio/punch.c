/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Punches an object on all its shards, dkeys on the shards that own them, or akeys below one dkey.
 */
#include "objio/private.h"

static int
encode(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	(void)bulks;
	proto_object_punch_encode(argument, writer);
	return writer->failed ? -DER_OVERFLOW : 0;
}

static int
send_punch(struct objio *objio, uint32_t operation, struct proto_object_punch *request)
{
	struct rpc_call call = {
		.operation = operation, .encode = encode, .encode_argument = request};
	struct rpc_reply reply;
	int rc = objio_send(objio->pool, request->object.target, &call, true, &reply);

	rpc_reply_free(&reply);
	return rc;
}

struct punching {
	struct objio *objio;
	struct object_id id;
	uint32_t conditions;
	uint32_t absent; /* groups where there is nothing */
};

static int
punch_group(void *argument, uint32_t group)
{
	struct punching *punching = argument;
	struct objio *objio = punching->objio;
	struct proto_object_punch request = {
		.object = objio_request(objio, punching->id,
					objio_place_group(&objio->pool->placement, punching->id,
							  group),
					punching->conditions),
	};
	int rc = send_punch(objio, PROTO_OBJECT_PUNCH_OBJECT, &request);

	if (rc != -DER_NONEXIST)
		return rc;
	punching->absent++;
	return 0;
}

int
objio_punch_object(struct objio *objio, struct object_id id, uint32_t conditions)
{
	struct punching punching = {.objio = objio, .id = id, .conditions = conditions};
	uint32_t groups;
	int rc = placement_check(&objio->pool->placement, id);

	if (rc != 0)
		return rc;
	groups = placement_groups(&objio->pool->placement, id);
	rc = objio_each_group(groups, NULL, punch_group, &punching);
	/* With a condition the object exists if any of its shards does. */
	return rc == 0 && conditions != 0 && punching.absent == groups ? -DER_NONEXIST : rc;
}

/* One request per dkey: each may belong to another shard. */
int
objio_punch_dkeys(struct objio *objio, struct object_id id, const struct objio_key *dkeys,
		  uint32_t count, uint32_t conditions)
{
	const struct placement_map *map = &objio->pool->placement;
	int rc = placement_check(map, id);

	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct proto_text key = objio_text(dkeys[i]);
		struct proto_object_punch request = {
			.object = objio_request(objio, id, objio_place_dkey(map, id, dkeys[i]),
						conditions),
			.key_count = 1,
			.keys = &key,
		};

		rc = send_punch(objio, PROTO_OBJECT_PUNCH_DKEYS, &request);
	}
	return rc;
}

int
objio_punch_akeys(struct objio *objio, struct object_id id, struct objio_key dkey,
		  const struct objio_key *akeys, uint32_t count, uint32_t conditions)
{
	const struct placement_map *map = &objio->pool->placement;
	struct proto_text keys[PROTO_OBJECT_AKEYS_MAX];
	struct proto_object_punch request = {
		.dkey = objio_text(dkey), .key_count = count, .keys = keys};
	int rc = placement_check(map, id);

	if (rc != 0)
		return rc;
	if (count > PROTO_OBJECT_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u akeys in one call; the limit is %u", count,
				   PROTO_OBJECT_AKEYS_MAX);
	for (uint32_t i = 0; i < count; i++)
		keys[i] = objio_text(akeys[i]);
	request.object = objio_request(objio, id, objio_place_dkey(map, id, dkey), conditions);
	return send_punch(objio, PROTO_OBJECT_PUNCH_AKEYS, &request);
}
