/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Lists the keys or extents of an object: group after group, or all groups merged in key order. */
#include "objio/private.h"

/* Bytes of keys and values in one answer. */
#define PAGE_BYTES (64u * 1024)

static int
encode(void *argument, const struct proto_bulk *bulks, struct writer *writer)
{
	(void)bulks;
	proto_object_list_encode(argument, writer);
	return writer->failed ? -DER_OVERFLOW : 0;
}

/* One page of one group; *ret_reply holds what *ret_page borrows. */
static int
send_list(struct objio *objio, struct proto_object_list *request, struct objio_view *view,
	  struct rpc_reply *ret_reply, struct proto_object_listed *ret_page)
{
	struct rpc_call call = {
		.operation = PROTO_OBJECT_LIST, .encode = encode, .encode_argument = request};
	int rc;

	objio_view_ask(view, &request->object);
	rc = objio_send(objio->pool, request->object.target, &call, false, ret_reply);
	if (rc == 0)
		rc = proto_object_listed_decode(&ret_reply->body, objio->pool->arena, ret_page);
	if (rc == 0)
		objio_view_take(view, ret_page->epoch);
	if (rc == 0 && (ret_page->count > request->limit ||
			(ret_page->count == 0 && !ret_page->end && request->limit > 0))) {
		rc = error_raise(-DER_PROTO, "a page of %u entries where up to %u were asked for",
				 ret_page->count, request->limit);
		proto_object_listed_free(objio->pool->arena, ret_page);
	}
	if (rc != 0)
		rpc_reply_free(ret_reply);
	return rc;
}

static struct objio_entry
entry_of(const struct proto_list_entry *entry)
{
	return (struct objio_entry){
		.key = {entry->key.data, entry->key.length},
		.type = entry->type,
		.extent = entry->extent,
		.record_size = entry->record_size,
		.epoch = entry->epoch,
		.value = {entry->value.data, entry->value.length},
	};
}

/* ------------------------------------------------ group after group */

struct listing {
	struct objio *objio;
	struct object_id id;
	struct proto_object_list request;
	struct objio_view *view;
	uint32_t last_group;
	struct objio_position *position;
	int (*visit)(void *argument, const struct objio_entry *entry);
	void *argument;
};

/* Visits a page. > 0: stopped before an entry, whose number is *ret_taken. */
static int
visit_page(struct listing *listing, const struct proto_object_listed *page, uint32_t *ret_taken)
{
	for (uint32_t i = 0; i < page->count; i++) {
		struct objio_entry entry = entry_of(&page->entries[i]);
		int rc = listing->visit(listing->argument, &entry);

		*ret_taken = i;
		if (rc != 0)
			return rc;
	}
	*ret_taken = page->count;
	return 0;
}

/* Moves to the next group, or to the end. */
static void
next_group(struct listing *listing)
{
	listing->position->length = 0;
	if (listing->position->group == listing->last_group)
		listing->position->end = true;
	else
		listing->position->group++;
}

static void
take_position(struct listing *listing, const struct proto_object_listed *page)
{
	if (page->end) {
		next_group(listing);
		return;
	}
	listing->position->length = page->position.length;
	memcpy(listing->position->bytes, page->position.data, page->position.length);
}

static int
request_page(struct listing *listing, uint32_t limit, struct rpc_reply *ret_reply,
	     struct proto_object_listed *ret_page)
{
	uint32_t group = listing->position->group;
	struct objio_place place =
		listing->request.level == PROTO_LIST_OBJECTS
			? (struct objio_place){.target = group}
			: objio_place_group(&listing->objio->pool->placement, listing->id, group);

	listing->request.object.shard = place.group;
	listing->request.object.target = place.target;
	listing->request.limit = limit;
	listing->request.position = (struct proto_text){(const char *)listing->position->bytes,
							listing->position->length};
	return send_list(listing->objio, &listing->request, listing->view, ret_reply, ret_page);
}

static void
page_free(struct listing *listing, struct rpc_reply *reply, struct proto_object_listed *page)
{
	proto_object_listed_free(listing->objio->pool->arena, page);
	rpc_reply_free(reply);
}

/* The visitor stopped in the middle of a page: asks for the position behind the entry taken last.
 */
static int
find_position(struct listing *listing, const struct proto_list_entry *last)
{
	struct proto_object_listed answer;
	struct rpc_reply reply;
	int rc;

	listing->request.from_key = last->key;
	rc = request_page(listing, 0, &reply, &answer);
	listing->request.from_key = (struct proto_text){0};
	if (rc != 0)
		return rc;
	take_position(listing, &answer);
	page_free(listing, &reply, &answer);
	return 0;
}

/* Takes at most limit entries. > 0: the visitor stopped. */
static int
list_page(struct listing *listing, uint32_t limit, uint32_t *ret_taken)
{
	struct proto_object_listed page;
	struct rpc_reply reply;
	int visited;
	int rc = request_page(listing, limit, &reply, &page);

	if (rc != 0)
		return rc;
	visited = visit_page(listing, &page, ret_taken);
	if (visited > 0)
		REACHED("objio: a listing stops in the middle of a page");
	if (visited == 0 || BUG(12))
		take_position(listing, &page);
	else if (visited > 0 && *ret_taken > 0)
		rc = find_position(listing, &page.entries[*ret_taken - 1]);
	page_free(listing, &reply, &page);
	return rc != 0 ? rc : visited;
}

int
objio_list(struct objio *objio, struct object_id id, uint32_t level, struct objio_key dkey,
	   struct objio_key akey, struct objio_view *view, uint32_t limit,
	   struct objio_position *position,
	   int (*visit)(void *argument, const struct objio_entry *entry), void *argument)
{
	const struct placement_map *map = &objio->pool->placement;
	struct listing listing = {
		.objio = objio,
		.id = id,
		.view = view,
		.position = position,
		.visit = visit,
		.argument = argument,
	};
	int rc = level == PROTO_LIST_OBJECTS ? 0 : placement_check(map, id);

	if (rc != 0)
		return rc;
	listing.request = (struct proto_object_list){
		.object = objio_request(objio, id, (struct objio_place){0}, 0),
		.level = level,
		.byte_limit = PAGE_BYTES,
		.dkey = objio_text(dkey),
		.akey = objio_text(akey),
	};
	if (level == OBJIO_LIST_EXTENTS_DOWN) {
		listing.request.level = PROTO_LIST_EXTENTS;
		listing.request.object.flags = PROTO_LIST_DOWN;
	}
	/* What lies below one dkey is on one shard. */
	if (level > PROTO_LIST_DKEYS)
		position->group = placement_group(map, id, dkey.data, dkey.length);
	listing.last_group = level == PROTO_LIST_OBJECTS ? map->targets - 1
			     : level == PROTO_LIST_DKEYS ? placement_groups(map, id) - 1
							 : position->group;
	if (position->group > listing.last_group || position->length > PROTO_POSITION_MAX)
		return error_raise(-DER_INVAL, "an anchor of another object");
	while (limit > 0 && !position->end) {
		uint32_t taken = 0;

		rc = list_page(&listing, limit, &taken);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		limit -= taken;
	}
	return 0;
}

int
objio_position_at(struct objio *objio, struct object_id id, struct objio_key dkey,
		  struct objio_key akey, struct objio_position *ret_position)
{
	const struct placement_map *map = &objio->pool->placement;
	struct objio_position position = {.end = false};
	struct listing listing = {.objio = objio, .id = id, .position = &position};
	struct proto_object_listed answer;
	struct rpc_reply reply;
	bool akeys = akey.length > 0;
	int rc = placement_check(map, id);

	if (rc != 0)
		return rc;
	position.group = placement_group(map, id, dkey.data, dkey.length);
	listing.last_group = akeys ? position.group : placement_groups(map, id) - 1;
	listing.request = (struct proto_object_list){
		.object = objio_request(objio, id, (struct objio_place){0}, 0),
		.level = akeys ? PROTO_LIST_AKEYS : PROTO_LIST_DKEYS,
		.dkey = akeys ? objio_text(dkey) : (struct proto_text){0},
		.from_key = objio_text(akeys ? akey : dkey),
	};
	listing.request.object.flags = PROTO_LIST_AT;
	rc = request_page(&listing, 0, &reply, &answer);
	if (rc != 0)
		return rc;
	take_position(&listing, &answer);
	page_free(&listing, &reply, &answer);
	*ret_position = position;
	return 0;
}

/* Asks for a position alone: behind a key that fits every order, whether it exists or not. */
int
objio_draw_epoch(struct objio *objio, struct object_id id, struct objio_view *view)
{
	static const char key[sizeof(uint64_t)];
	const struct placement_map *map = &objio->pool->placement;
	struct proto_object_list request = {
		.level = PROTO_LIST_DKEYS,
		.from_key = {key, sizeof(key)},
	};
	struct proto_object_listed answer;
	struct rpc_reply reply;
	int rc = placement_check(map, id);

	if (rc != 0)
		return rc;
	request.object = objio_request(objio, id, objio_place_group(map, id, 0), 0);
	rc = send_list(objio, &request, view, &reply, &answer);
	if (rc != 0)
		return rc;
	proto_object_listed_free(objio->pool->arena, &answer);
	rpc_reply_free(&reply);
	return 0;
}

/* ------------------------------------------------ all groups merged */

/* The page of one group, and how far it was taken. */
struct stream {
	struct proto_object_list request;
	struct objio_view *view;
	struct rpc_reply reply;
	struct proto_object_listed page;
	uint32_t next;
	bool loaded;
};

static void
stream_drop(struct objio *objio, struct stream *stream)
{
	if (!stream->loaded)
		return;
	proto_object_listed_free(objio->pool->arena, &stream->page);
	rpc_reply_free(&stream->reply);
	stream->loaded = false;
}

/* Makes the stream show an entry, or its end. */
static int
stream_fill(struct objio *objio, struct stream *stream)
{
	while (!stream->loaded || (stream->next == stream->page.count && !stream->page.end)) {
		uint8_t bytes[PROTO_POSITION_MAX];
		int rc;

		if (stream->loaded) {
			stream->request.from_key = (struct proto_text){0};
			stream->request.position = (struct proto_text){
				(const char *)bytes, stream->page.position.length};
			memcpy(bytes, stream->page.position.data, stream->page.position.length);
			stream_drop(objio, stream);
		}
		rc = send_list(objio, &stream->request, stream->view, &stream->reply,
			       &stream->page);
		if (rc != 0)
			return rc;
		stream->loaded = true;
		stream->next = 0;
	}
	return 0;
}

static const struct proto_list_entry *
stream_entry(const struct stream *stream)
{
	return stream->next < stream->page.count ? &stream->page.entries[stream->next] : NULL;
}

static int
compare_keys(enum key_order order, struct proto_text a, struct proto_text b)
{
	int rc;

	if (order == KEY_INTEGER && a.length == sizeof(uint64_t) && b.length == sizeof(uint64_t)) {
		uint64_t left = load_u64(a.data);
		uint64_t right = load_u64(b.data);

		return left < right ? -1 : left > right;
	}
	rc = memcmp(a.data, b.data, min_of(a.length, b.length));
	return rc != 0 ? rc : (a.length < b.length ? -1 : a.length > b.length);
}

/* The stream with the smallest entry, or NULL when all have ended. */
static struct stream *
smallest(enum key_order order, struct stream *streams, uint32_t count)
{
	struct stream *best = NULL;

	for (uint32_t i = 0; i < count; i++) {
		const struct proto_list_entry *entry = stream_entry(&streams[i]);

		if (entry &&
		    (!best || compare_keys(order, entry->key, stream_entry(best)->key) < 0))
			best = &streams[i];
	}
	return best;
}

struct filling {
	struct objio *objio;
	struct stream *streams;
};

static int
fill_group(void *argument, uint32_t group)
{
	struct filling *filling = argument;

	return stream_fill(filling->objio, &filling->streams[group]);
}

static int
merge_streams(struct objio *objio, enum key_order order, struct stream *streams, uint32_t count,
	      uint32_t limit, int (*visit)(void *argument, const struct objio_entry *entry),
	      void *argument, bool *ret_end)
{
	struct filling filling = {objio, streams};
	int filled = objio_each_group(count, streams->view, fill_group, &filling);

	if (filled != 0)
		return filled;
	for (;;) {
		struct stream *stream = smallest(order, streams, count);
		struct objio_entry entry;
		int rc;

		if (stream == NULL || limit-- == 0) {
			*ret_end = stream == NULL;
			return 0;
		}
		entry = entry_of(stream_entry(stream));
		rc = visit(argument, &entry);
		if (rc > 0)
			*ret_end = false;
		if (rc != 0)
			return rc < 0 ? rc : 0;
		stream->next++;
		rc = stream_fill(objio, stream);
		if (rc != 0)
			return rc;
	}
}

int
objio_list_ordered(struct objio *objio, struct object_id id, struct objio_key from_key,
		   struct objio_key with_akey, struct objio_view *view, uint32_t limit,
		   int (*visit)(void *argument, const struct objio_entry *entry), void *argument,
		   bool *ret_end)
{
	const struct placement_map *map = &objio->pool->placement;
	enum key_order order = object_id_dkey_order(id);
	struct stream *streams;
	uint32_t count;
	int rc = placement_check(map, id);

	if (rc != 0)
		return rc;
	if (order == KEY_HASHED)
		return error_raise(-DER_INVAL,
				   "an object with hashed dkeys has no order to list in");
	count = placement_groups(map, id);
	streams = arena_calloc(objio->pool->arena, count, sizeof(*streams));
	if (streams == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < count; i++) {
		streams[i].view = view;
		streams[i].request = (struct proto_object_list){
			.object = objio_request(objio, id, objio_place_group(map, id, i), 0),
			.level = PROTO_LIST_DKEYS,
			.limit = limit < UINT32_MAX ? limit + 1 : limit,
			.byte_limit = PAGE_BYTES,
			.from_key = objio_text(from_key),
			.with_akey = objio_text(with_akey),
		};
	}
	rc = merge_streams(objio, order, streams, count, limit, visit, argument, ret_end);
	for (uint32_t i = 0; i < count; i++)
		stream_drop(objio, &streams[i]);
	arena_free(objio->pool->arena, streams);
	return rc;
}
