/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The largest or smallest keys and extents: asks the shards that may hold them and takes the best
 * answer. */
#include "objio/private.h"

static int
encode(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	(void)bulks;
	proto_object_query_encode(argument, writer);
	return writer->failed ? -DER_OVERFLOW : 0;
}

static int
send_once(struct objio *objio, struct proto_object_query *request, struct objio_view *view,
	  struct proto_object_queried *ret_result)
{
	struct rpc_call call = {
		.operation = PROTO_OBJECT_QUERY_KEY, .encode = encode, .encode_argument = request};
	struct rpc_reply reply;
	int rc;

	objio_view_ask(view, &request->object);
	rc = objio_send(objio->pool, request->object.target, &call, false, &reply);
	if (rc == 0)
		rc = proto_object_queried_decode(&reply.body, ret_result);
	if (rc == 0)
		objio_view_take(view, ret_result->read_epoch);
	rpc_reply_free(&reply);
	return rc;
}

/* That there is nothing tells no epoch, and a transaction must know the one at which that is so. */
static int
send_query(struct objio *objio, struct proto_object_query *request, struct objio_view *view,
	   struct proto_object_queried *ret_result)
{
	bool open = objio_view_is_open(view);
	int rc = send_once(objio, request, view, ret_result);

	if (rc != -DER_NONEXIST || !open || BUG(34))
		return rc;
	rc = objio_draw_epoch(objio, request->object.id, view);
	return rc == 0 ? send_once(objio, request, view, ret_result) : rc;
}

/* Whether the answer of one more group replaces the best so far. */
static bool
is_better(uint32_t flags, const struct proto_object_queried *candidate,
	  const struct proto_object_queried *best)
{
	if (flags & PROTO_QUERY_MAX)
		return candidate->dkey > best->dkey;
	return candidate->dkey < best->dkey;
}

/* The best answer of all groups so far. */
struct search {
	struct objio *objio;
	const struct proto_object_query *request;
	struct objio_view *view;
	struct object_id id;
	struct proto_object_queried best;
	uint64_t epoch; /* the newest of all */
	bool found;
};

static int
query_group(void *argument, uint32_t group)
{
	struct search *search = argument;
	struct objio_place place =
		objio_place_group(&search->objio->pool->placement, search->id, group);
	struct proto_object_query request = *search->request;
	struct proto_object_queried result;
	int rc;

	request.object.shard = place.group;
	request.object.target = place.target;
	rc = send_query(search->objio, &request, search->view, &result);
	if (rc != 0)
		return rc == -DER_NONEXIST ? 0 : rc;
	search->epoch = max_of(search->epoch, result.epoch);
	if (!search->found || is_better(request.object.flags, &result, &search->best))
		search->best = result;
	search->found = true;
	return 0;
}

static int
query_groups(struct objio *objio, const struct proto_object_query *request, struct object_id id,
	     struct objio_view *view, struct proto_object_queried *ret_result)
{
	struct search search = {.objio = objio, .request = request, .view = view, .id = id};
	int rc = objio_each_group(placement_groups(&objio->pool->placement, id), view, query_group,
				  &search);

	if (rc != 0)
		return rc;
	if (!search.found)
		return -DER_NONEXIST;
	*ret_result = search.best;
	ret_result->epoch = search.epoch;
	return 0;
}

int
objio_query_key(struct objio *objio, struct object_id id, uint32_t flags, struct objio_key dkey,
		struct objio_key akey, struct objio_view *view,
		struct proto_object_queried *ret_result)
{
	const struct placement_map *map = &objio->pool->placement;
	struct proto_object_query request = {.dkey = objio_text(dkey), .akey = objio_text(akey)};
	int rc = placement_check(map, id);

	if (rc != 0)
		return rc;
	request.object = objio_request(objio, id, (struct objio_place){0}, 0);
	request.object.flags = flags;
	if (flags & PROTO_QUERY_DKEY || dkey.length == 0)
		return query_groups(objio, &request, id, view, ret_result);
	request.object.shard = placement_group(map, id, dkey.data, dkey.length);
	request.object.target = placement_target(map, id, request.object.shard);
	return send_query(objio, &request, view, ret_result);
}
