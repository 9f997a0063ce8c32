/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Listings of containers, in pages: all of them, and those that meet conditions. */
#include "daos_pool.h"

#include "container/private.h"

/* Containers that a filter looks at in one request. */
#define FILTER_BATCH 64u

/* Where a listing goes on: behind a container; from the first for a null id. */
static struct metadb_bytes
position_after(struct container_key *key, const struct uuid *after)
{
	return uuid_empty(after) ? (struct metadb_bytes){NULL, 0}
				 : container_key(key, KEY_CONTAINER, after);
}

static struct proto_name
name_of(const struct container_record *container)
{
	return (struct proto_name){.id = container->id,
				   .label = {container->label, (uint32_t)strlen(container->label)}};
}

/* ------------------------------------------------ list */

struct listing {
	struct writer *reply;
	uint32_t count;
};

static int
list_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct listing *listing = argument;
	struct container_record container;
	struct proto_name name;
	int rc = container_record_decode(value, &container);

	(void)key;
	(void)version;
	if (rc)
		return rc;
	name = name_of(&container);
	proto_name_encode(&name, listing->reply);
	listing->count++;
	return listing->reply->failed ? -DER_NOMEM : listing->reply->position >= LISTING_PAGE;
}

int
container_list(struct containers *containers, struct rpc_request *request)
{
	struct uuid handle = proto_uuid_decode(&request->body);
	struct uuid after = proto_uuid_decode(&request->body);
	struct listing listing = {.reply = &request->reply};
	size_t start = request->reply.position;
	struct pool_access access;
	struct container_key key;
	struct pool *pool;
	int rc;

	if (request->body.failed)
		return -DER_PROTO;
	rc = pool_of_handle(containers->pools, handle, &pool, &access);
	if (rc)
		return rc;
	writer_u32(&request->reply, 0);
	rc = metadb_list(pool_metadb(pool), metadb_text(KEY_CONTAINER),
			 position_after(&key, &after), list_visit, &listing);
	pool_put(pool);
	if (rc < 0)
		return rc;
	writer_u8(&request->reply, rc != 0);
	store_u32(request->reply.data + start, listing.count);
	return 0;
}

/* ------------------------------------------------ conditions */

static bool
compare(uint8_t function, uint64_t value, uint64_t wanted)
{
	switch ((enum daos_pool_cont_filter_func)function) {
	case PCF_FUNC_EQ:
		return value == wanted;
	case PCF_FUNC_NE:
		return value != wanted;
	case PCF_FUNC_LT:
		return value < wanted;
	case PCF_FUNC_LE:
		return value <= wanted;
	case PCF_FUNC_GT:
		return value > wanted;
	case PCF_FUNC_GE:
		return value >= wanted;
	case PCF_FUNC_MAX:
		break;
	}
	return false;
}

static uint64_t
value_of(uint8_t key, const struct proto_container_info *info)
{
	const uint64_t values[PCF_KEY_MAX] = {
		[PCF_KEY_MD_OTIME] = info->opened,
		[PCF_KEY_MD_MTIME] = info->modified,
		[PCF_KEY_NUM_SNAPSHOTS] = info->snapshot_count,
		[PCF_KEY_NUM_HANDLES] = info->handle_count,
	};

	return values[key];
}

/* No condition is met by all. */
static bool
filter_fits(const struct proto_container_filter *filter, const struct proto_container_info *info)
{
	uint32_t met = 0;

	for (uint32_t i = 0; i < filter->count; i++) {
		const struct proto_condition *condition = &filter->conditions[i];

		met += compare(condition->function, value_of(condition->key, info),
			       condition->value);
	}
	return filter->any && filter->count > 0 ? met > 0 : met == filter->count;
}

static int
filter_check(const struct proto_container_filter *filter)
{
	for (uint32_t i = 0; i < filter->count; i++)
		if (filter->conditions[i].function >= PCF_FUNC_MAX ||
		    filter->conditions[i].key >= PCF_KEY_MAX)
			return error_raise(-DER_INVAL, "a condition on containers is not known");
	return 0;
}

/* ------------------------------------------------ filter */

/* Containers that are read before anything yields to their look-ups. */
struct filter_batch {
	uint32_t count;
	struct container_record containers[FILTER_BATCH];
	struct proto_container_info info;
};

static int
batch_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct filter_batch *batch = argument;
	int rc = container_record_decode(value, &batch->containers[batch->count]);

	(void)key;
	(void)version;
	if (rc)
		return rc;
	batch->count++;
	return batch->count == FILTER_BATCH;
}

static void
entry_write(const struct container_record *container, const struct proto_container_info *info,
	    struct writer *reply)
{
	const struct proto_container_entry entry = {
		.name = name_of(container),
		.handle_count = info->handle_count,
		.snapshot_count = info->snapshot_count,
		.latest_snapshot = info->latest_snapshot,
		.opened = info->opened,
		.modified = info->modified,
	};

	proto_container_entry_encode(&entry, reply);
}

/* One that was destroyed meanwhile is left out. */
static int
batch_write(struct containers *containers, struct pool *pool,
	    const struct proto_container_filter *filter, struct filter_batch *batch,
	    struct writer *reply)
{
	size_t start = reply->position;
	uint32_t count = 0;

	writer_u32(reply, 0);
	for (uint32_t i = 0; i < batch->count; i++) {
		int rc = container_info_fill(containers, pool, &batch->containers[i], &batch->info);

		if (rc == -DER_NONEXIST)
			continue;
		if (rc)
			return rc;
		if (!filter_fits(filter, &batch->info))
			continue;
		entry_write(&batch->containers[i], &batch->info, reply);
		count++;
	}
	if (reply->failed)
		return -DER_NOMEM;
	store_u32(reply->data + start, count);
	return 0;
}

static int
page_write(struct containers *containers, struct pool *pool,
	   const struct proto_container_filter *filter, struct writer *reply)
{
	AUTO_FREE struct scoped_block block = {
		containers->arena, arena_calloc(containers->arena, 1, sizeof(struct filter_batch))};
	struct filter_batch *batch = block.pointer;
	struct container_key key;
	int more, rc;

	if (batch == NULL)
		return error_raise(-DER_NOMEM, "no memory for a listing");
	more = metadb_list(pool_metadb(pool), metadb_text(KEY_CONTAINER),
			   position_after(&key, &filter->after), batch_visit, batch);
	rc = more < 0 ? more : batch_write(containers, pool, filter, batch, reply);
	if (rc)
		return rc;
	writer_u8(reply, more != 0);
	if (more)
		proto_uuid_encode(batch->containers[batch->count - 1].id, reply);
	return 0;
}

int
container_filter(struct containers *containers, struct rpc_request *request)
{
	struct proto_container_filter wanted;
	struct pool_access access;
	struct pool *pool;
	int rc = proto_container_filter_decode(&request->body, &wanted);

	if (rc == 0)
		rc = filter_check(&wanted);
	if (rc == 0)
		rc = pool_of_handle(containers->pools, wanted.handle, &pool, &access);
	if (rc)
		return rc;
	rc = page_write(containers, pool, &wanted, &request->reply);
	pool_put(pool);
	return rc;
}
