/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is asked of pools: the list, one by name, space and properties. */
#include "daos_pool.h"
#include "daos_prop.h"

#include "pool/size.h"

/* ------------------------------------------------ list and find */

static void
entry_write(struct pools *pools, const struct system_pool *record, struct writer *reply)
{
	const struct proto_pool_entry entry = {
		.id = record->id,
		.label = {record->label, (uint32_t)strlen(record->label)},
		.state = record->state,
		.rank_count = 1,
		.ranks = {pools->node->rank},
	};

	proto_pool_entry_encode(&entry, reply);
}

struct listing {
	struct pools *pools;
	struct writer *reply;
	uint32_t count;
};

static int
list_visit(void *argument, const struct system_pool *record)
{
	struct listing *listing = argument;

	entry_write(listing->pools, record, listing->reply);
	listing->count++;
	return listing->reply->failed ? -DER_OVERFLOW : 0;
}

int
pool_list(struct pools *pools, struct rpc_request *request)
{
	struct listing listing = {.pools = pools, .reply = &request->reply};
	size_t start = request->reply.position;
	int rc;

	writer_u32(&request->reply, 0);
	rc = system_pool_list(pools->system, list_visit, &listing);
	if (rc == 0)
		store_u32(request->reply.data + start, listing.count);
	return rc;
}

int
pool_find(struct pools *pools, struct rpc_request *request)
{
	struct system_pool record;
	struct proto_name name;
	int rc = proto_name_decode(&request->body, &name);

	if (rc)
		return rc;
	rc = system_pool_find(pools->system, &name, &record);
	if (rc == -DER_NONEXIST)
		return error_raise(rc, "there is no such pool");
	if (rc == 0)
		entry_write(pools, &record, &request->reply);
	return rc;
}

/* ------------------------------------------------ query */

static void
tier_add(struct proto_tier *tier, uint64_t total, uint64_t free, bool first)
{
	tier->total += total;
	tier->free += free;
	tier->target_free_min = first ? free : min_of(tier->target_free_min, free);
	tier->target_free_max = max_of(tier->target_free_max, free);
}

static int
space_add(struct pool *pool, struct proto_pool_info *info)
{
	struct heap_space space;
	bool first = true;

	for (uint32_t i = 0; i < pool->target_count; i++) {
		int rc = pool_target_space(pool->pools->node, &pool->id, i, &space);

		if (disk_is_bad(rc))
			continue;
		if (rc)
			return rc;
		tier_add(&info->tiers[0], space.heap_total, space.heap_free, first);
		tier_add(&info->tiers[1], space.data_total, space.data_free, first);
		first = false;
	}
	return 0;
}

/* A thin pool has no more than the storage beneath, which its targets share. */
static int
thin_limit(struct pool *pool, struct proto_pool_info *info)
{
	struct storage *storage = pool->pools->node->storage;
	uint64_t total, left;
	int rc = pool->thin ? storage->space(storage, &total, &left) : 0;

	if (rc || !pool->thin)
		return rc;
	for (uint32_t i = 0; i < ARRAY_SIZE(info->tiers); i++) {
		struct proto_tier *tier = &info->tiers[i];

		tier->total = min_of(tier->total, total);
		tier_limit(tier, left, pool->target_count - pool->disabled_targets);
	}
	return 0;
}

static int
counts_add(struct pool *pool, struct proto_pool_info *info)
{
	const struct pool_hooks *hooks = &pool->pools->hooks;

	info->id = pool->id;
	info->map_version = pool->map_version;
	info->targets = pool->target_count;
	info->disabled_targets = pool->disabled_targets;
	info->engines = 1;
	info->leader = pool->pools->node->rank;
	info->handle_count = pool->handle_count;
	info->opened = pool->opened;
	info->modified = pool->modified;
	return hooks->count ? hooks->count(hooks->owner, pool, &info->container_count) : 0;
}

/* ------------------------------------------------ properties */

/* Label and service replicas are not in the pool's store. */
static int
derived_add(struct pool *pool, struct proto_properties *properties, struct system_pool *record,
	    uint8_t replica[4])
{
	const struct proto_name name = {.id = pool->id};
	int rc = system_pool_find(pool->pools->system, &name, record);

	store_u32(replica, pool->pools->node->rank);
	if (rc == 0)
		rc = properties_set_bytes(properties, DAOS_PROP_PO_LABEL,
					  (struct proto_text){record->label,
							      (uint32_t)strlen(record->label)});
	if (rc == 0)
		rc = properties_set_bytes(properties, DAOS_PROP_PO_SVC_LIST,
					  (struct proto_text){(const char *)replica, 4});
	return rc;
}

static int
info_write(struct pool *pool, struct proto_pool_info *info, bool properties, struct writer *reply)
{
	struct stored_properties stored = {.value = {NULL, 0}};
	struct system_pool record;
	uint8_t replica[4];
	int rc = 0;

	if (properties) {
		rc = properties_load(pool->metadb, metadb_text("props"), &stored);
		if (rc == 0)
			rc = properties_merge(&info->properties, &stored.properties);
		if (rc == 0)
			rc = derived_add(pool, &info->properties, &record, replica);
		properties_complete(pool_rules, pool_rule_count, &info->properties);
	}
	if (rc == 0)
		proto_pool_info_encode(info, reply);
	stored_properties_free(pool->metadb, &stored);
	return rc;
}

int
pool_query(struct pools *pools, struct rpc_request *request)
{
	struct proto_pool_info *info;
	struct proto_pool_query wanted;
	struct pool_access access;
	struct pool *pool;
	int rc = proto_pool_query_decode(&request->body, &wanted);

	if (rc == 0)
		rc = pool_of_handle(pools, wanted.handle, &pool, &access);
	if (rc)
		return rc;
	info = arena_calloc(pools->arena, 1, sizeof(*info));
	rc = info ? counts_add(pool, info) : error_raise(-DER_NOMEM, "no memory for a query");
	if (rc == 0)
		rc = space_add(pool, info);
	if (rc == 0)
		rc = thin_limit(pool, info);
	if (rc == 0)
		rc = info_write(pool, info, wanted.properties, &request->reply);
	request->header.map_version = pool->map_version;
	arena_free(pools->arena, info);
	pool_put(pool);
	return rc;
}

/* ------------------------------------------------ one target */

static int
target_info_write(struct pool *pool, uint32_t target, struct writer *reply)
{
	struct proto_target_info info = {.state = DAOS_TS_UP_IN};
	struct heap_space space;
	int rc = pool_target_space(pool->pools->node, &pool->id, target, &space);

	if (disk_is_bad(rc)) {
		info.state = DAOS_TS_DOWN;
		rc = 0;
	} else if (rc == 0) {
		info.total[0] = space.heap_total;
		info.free[0] = space.heap_free;
		info.total[1] = space.data_total;
		info.free[1] = space.data_free;
	}
	if (rc == 0)
		proto_target_info_encode(&info, reply);
	return rc;
}

int
pool_query_target(struct pools *pools, struct rpc_request *request)
{
	struct proto_target_query wanted;
	struct pool_access access;
	struct pool *pool;
	int rc = proto_target_query_decode(&request->body, &wanted);

	if (rc == 0)
		rc = pool_of_handle(pools, wanted.handle, &pool, &access);
	if (rc)
		return rc;
	if (wanted.rank != pools->node->rank || wanted.target >= pool->target_count)
		rc = error_raise(-DER_NONEXIST, "the pool has no target %u on rank %u",
				 wanted.target, wanted.rank);
	else
		rc = target_info_write(pool, wanted.target, &request->reply);
	pool_put(pool);
	return rc;
}
