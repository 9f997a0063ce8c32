/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Creation of a pool: recorded as CREATING, then its heaps are made, then it is READY, with the
 * answer to the request in the same proposal. Until then a crash or failure leaves nothing but
 * files that the next start removes.
 */
#include <stdio.h>

#include "daos_prop.h"

#include "pool/size.h"

/* What proto_pool_create.share counts in. */
#define SHARE_WHOLE 10000u
/* One in so many free bytes is in no share, so that "all" does not fill a shared file system. */
#define SHARE_SPARE 20u

struct creation {
	struct pools *pools;
	struct rpc_request *request;
	struct proto_pool_create wanted;
	struct system_pool record;
	struct pool_sizes sizes;
	uint8_t space_reserve;
	struct caller *caller; /* the owner where the request names none */
	struct acl_standard list;
};

/* ------------------------------------------------ checks */

static int
label_take(struct creation *creation)
{
	const struct proto_property *label =
		proto_property_find(&creation->wanted.properties, DAOS_PROP_PO_LABEL);
	int rc;

	if (label == NULL)
		return 0;
	rc = label_check(label->bytes);
	if (rc == 0)
		memcpy(creation->record.label, label->bytes.data, label->bytes.length);
	return rc;
}

struct capacity {
	uint64_t used;
};

static int
capacity_visit(void *argument, const struct system_pool *pool)
{
	struct capacity *capacity = argument;

	if (!pool->thin)
		capacity->used += pool->metadata_bytes + pool->data_bytes;
	return 0;
}

/* Bytes that may still be given, and what there is in all. */
static int
space_left(struct pools *pools, uint64_t *ret_total, uint64_t *ret_left)
{
	struct node *node = pools->node;
	struct capacity capacity = {.used = 0};
	uint64_t total, left;
	int rc = node->storage->space(node->storage, &total, &left);

	if (rc == 0 && node->capacity) {
		rc = system_pool_list(pools->system, capacity_visit, &capacity);
		total = min_of(total, node->capacity);
		left = min_of(left,
			      capacity.used < node->capacity ? node->capacity - capacity.used : 0);
	}
	if (rc)
		return rc;
	*ret_total = total;
	*ret_left = left;
	return 0;
}

/* Bytes of a share of what is left. */
static uint64_t
share_of(const struct node *node, uint64_t left, uint32_t share)
{
	/* Where no capacity is set the storage belongs to others, too. */
	if (node->capacity == 0)
		left -= left / SHARE_SPARE;
	return left / SHARE_WHOLE * min_of(share, SHARE_WHOLE);
}

static int
sizes_take(struct creation *creation)
{
	struct node *node = creation->pools->node;
	uint64_t total, left, footprint;
	int rc = space_left(creation->pools, &total, &left);

	if (rc == 0 && creation->wanted.share > 0)
		rc = pool_sizes_within(&creation->wanted, node->target_count,
				       share_of(node, left, creation->wanted.share),
				       &creation->sizes);
	else if (rc == 0)
		rc = pool_sizes(&creation->wanted, node->target_count, node->thin_default, total,
				&creation->sizes);
	if (rc)
		return rc;
	footprint = pool_footprint(&creation->sizes, node->target_count);
	if (footprint > left)
		return error_raise(
			-DER_NOSPACE,
			"the pool would take %lu MiB of storage with its tables, %lu MiB are "
			"free: give a smaller size or free space",
			(unsigned long)(footprint >> 20), (unsigned long)(left >> 20));
	creation->record.thin = creation->sizes.thin;
	creation->record.target_count = node->target_count;
	creation->record.metadata_bytes = creation->sizes.heap_size * node->target_count;
	creation->record.data_bytes = creation->sizes.data_size * node->target_count;
	return 0;
}

static int
creation_check(struct creation *creation)
{
	const struct proto_properties *properties = &creation->wanted.properties;
	const struct proto_property *reserve =
		proto_property_find(properties, DAOS_PROP_PO_SPACE_RB);
	int rc = properties_check(pool_rules, pool_rule_count, properties, true);

	if (rc == 0)
		rc = label_take(creation);
	if (rc == 0 && creation->pools->count >= POOLS_MAX)
		rc = error_raise(-DER_NOSPACE, "there are %u pools, the most that an engine takes",
				 POOLS_MAX);
	if (rc == 0)
		rc = sizes_take(creation);
	creation->space_reserve = reserve ? (uint8_t)reserve->number : POOL_SPACE_RESERVE;
	creation->record.state = PROTO_POOL_CREATING;
	creation->record.id = uuid_empty(&creation->wanted.id) ? node_draw_id(creation->pools->node)
							       : creation->wanted.id;
	return rc;
}

/* ------------------------------------------------ steps */

static int
targets_create(struct creation *creation)
{
	struct target_shape shape = {
		.pool = creation->record.id,
		.heap_size = creation->sizes.heap_size,
		.data_size = creation->sizes.data_size,
		.thin = creation->sizes.thin,
		.space_reserve = creation->space_reserve,
	};
	int rc = 0;

	for (; rc == 0 && shape.target < creation->record.target_count; shape.target++)
		rc = pool_target_create(creation->pools->node, &shape);
	return rc;
}

/* Owner and group as named, or the caller's; the standard access list where there is none. The
 * label is the system's to keep. */
static int
stored_properties(struct creation *creation)
{
	struct proto_properties *properties = &creation->wanted.properties;
	struct proto_text owner = creation->wanted.owner, group = creation->wanted.owner_group;
	int rc = 0;

	for (uint32_t i = 0; i < properties->count; i++)
		if (properties->items[i].type == DAOS_PROP_PO_LABEL)
			properties->items[i--] = properties->items[--properties->count];
	if (owner.length)
		rc = properties_set_bytes(properties, DAOS_PROP_PO_OWNER, owner);
	if (rc == 0 && group.length)
		rc = properties_set_bytes(properties, DAOS_PROP_PO_OWNER_GROUP, group);
	creation->list = acl_standard_pool();
	return rc ? rc
		  : access_default(properties, &pool_access_types, creation->caller,
				   &creation->list);
}

/* The first keys of the pool's store. */
static int
service_fill(struct creation *creation, struct metadb *metadb)
{
	struct pools *pools = creation->pools;
	uint64_t now = node_stamp(pools->node);
	uint8_t times[PAIR_RECORD], map[PAIR_RECORD];
	struct metadb_write writes[] = {
		{.key = metadb_text("props")},
		{.key = metadb_text("times"), .value = {times, pool_pair_encode(0, now, times)}},
		{.key = metadb_text("map"),
		 .value = {map, pool_pair_encode(1, pools->node->loop_count, map)}},
	};
	const struct metadb_proposal proposal = {.writes = writes,
						 .write_count = ARRAY_SIZE(writes)};
	int rc = stored_properties(creation);

	if (rc == 0)
		rc = properties_pack(pools->arena, &creation->wanted.properties, &writes[0].value);
	if (rc)
		return rc;
	rc = metadb_propose(metadb, &proposal, NULL);
	arena_free(pools->arena, (void *)(uintptr_t)writes[0].value.data);
	return rc;
}

static int
service_create(struct creation *creation, struct metadb **ret_metadb)
{
	struct media *media = creation->pools->node->loops[0].media;
	const struct metadb_options options = {.id = node_draw_id(creation->pools->node),
					       .thin = creation->sizes.thin};
	struct metadb *metadb;
	char name[STORE_NAME];
	int rc;

	pool_service_name(&creation->record.id, name);
	rc = metadb_create(media, name, &options);
	if (rc == 0)
		rc = metadb_open(media, name, &metadb);
	if (rc)
		return rc;
	rc = service_fill(creation, metadb);
	if (rc)
		metadb_close(metadb);
	else
		*ret_metadb = metadb;
	return rc;
}

/* The pool is there from this proposal on. */
static int
creation_finish(struct creation *creation, struct metadb *metadb)
{
	const struct proto_pool_created created = {
		.id = creation->record.id,
		.targets = creation->record.target_count,
		.metadata_bytes = creation->record.metadata_bytes,
		.data_bytes = creation->record.data_bytes,
	};
	struct writer *reply = &creation->request->reply;
	struct pool *pool;
	int rc;

	proto_pool_created_encode(&created, reply);
	if (reply->failed)
		return -DER_NOMEM;
	rc = pool_add(creation->pools, &creation->record, &pool);
	if (rc)
		return rc;
	pool->metadb = metadb;
	pool->closing = true;
	rc = pool_load(pool);
	if (rc == 0)
		rc = system_pool_set_state(
			creation->pools->system, pool->id, PROTO_POOL_READY, &creation->request->id,
			(struct metadb_bytes){reply->data, (uint32_t)reply->position});
	if (rc) {
		pool_free(pool);
		return rc;
	}
	pool_scrubbing_tell(pool);
	pool->closing = false;
	return 0;
}

static int
creation_run(struct creation *creation)
{
	struct pools *pools = creation->pools;
	struct metadb *metadb = NULL;
	int rc = creation_check(creation), undone;

	if (rc == 0)
		rc = system_pool_add(pools->system, &creation->record);
	if (rc)
		return rc;
	rc = targets_create(creation);
	if (rc == 0)
		rc = service_create(creation, &metadb);
	if (rc == 0)
		rc = creation_finish(creation, metadb);
	if (rc == 0)
		return 0;
	/* The text of the failure must outlive the undoing. */
	{
		struct error_origin origin = *context_current()->origin;

		undone = pool_erase(pools, &creation->record.id, creation->record.target_count,
				    metadb);
		if (undone)
			error_log(LOG_WARNING, undone,
				  "a pool half made stays until the next start");
		*context_current()->origin = origin;
	}
	return rc;
}

/* ------------------------------------------------ the call */

/* The answer that the request got before: 0 when it was written. */
int
pools_repeat(struct pools *pools, struct rpc_request *request)
{
	struct metadb *metadb = system_metadb(pools->system);
	struct metadb_bytes answer;
	int rc = metadb_answered(metadb, &request->id, &answer);

	if (rc)
		return rc;
	writer_bytes(&request->reply, answer.data, answer.length);
	metadb_bytes_free(metadb, &answer);
	return 0;
}

int
pool_create(struct pools *pools, struct rpc_request *request)
{
	struct creation *creation = arena_calloc(pools->arena, 1, sizeof(*creation));
	int rc;

	if (creation == NULL)
		return error_raise(-DER_NOMEM, "no memory to create a pool");
	creation->pools = pools;
	creation->request = request;
	rc = proto_pool_create_decode(&request->body, &creation->wanted);
	if (rc == 0)
		rc = administrator_check(pools->node, request, "creation of a pool");
	if (rc == 0)
		rc = caller_create(pools->node, &request->credentials, &creation->caller);
	if (rc == 0) {
		fiber_mutex_lock_plain(&pools->lock);
		rc = pools_repeat(pools, request);
		if (rc == -DER_NONEXIST)
			rc = creation_run(creation);
		fiber_mutex_unlock(&pools->lock);
		caller_destroy(creation->caller);
	}
	arena_free(pools->arena, creation);
	return rc;
}
