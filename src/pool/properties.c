/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Properties of a pool: what was set is kept under key "props" of its store, the label with the
 * system. Numbers, ranges and standard values are those of DAOS 2.8.
 */
#include "daos_prop.h"

#include "pool/private.h"

#define EC_CELL_STANDARD (128u * 1024)
#define ANY UINT64_MAX

const struct property_rule pool_rules[] = {
	{DAOS_PROP_PO_LABEL, "label", .is_bytes = true, .bytes_max = PROTO_LABEL_MAX},
	{DAOS_PROP_PO_ACL, "acl", .is_bytes = true, .is_acl = true, .bytes_max = ACL_BYTES_MAX},
	{DAOS_PROP_PO_SPACE_RB, "space_rb", .fixed = true, .standard = POOL_SPACE_RESERVE,
	 .most = 99},
	{DAOS_PROP_PO_SELF_HEAL, "self_heal", .standard = 3, .most = 7},
	{DAOS_PROP_PO_RECLAIM, "reclaim", .standard = DAOS_RECLAIM_LAZY, .most = DAOS_RECLAIM_TIME},
	{DAOS_PROP_PO_OWNER, "owner", .is_bytes = true, .bytes_max = PROTO_PRINCIPAL_MAX},
	{DAOS_PROP_PO_OWNER_GROUP, "group", .is_bytes = true, .bytes_max = PROTO_PRINCIPAL_MAX},
	{DAOS_PROP_PO_SVC_LIST, "svc_list", .is_bytes = true, .derived = true},
	{DAOS_PROP_PO_EC_CELL_SZ, "ec_cell_sz", .standard = EC_CELL_STANDARD,
	 .least = DAOS_PROP_PO_EC_CELL_SZ_MIN, .most = DAOS_PROP_PO_EC_CELL_SZ_MAX},
	{DAOS_PROP_PO_DATA_THRESH, "data_thresh", .standard = DAOS_PROP_PO_DATA_THRESH_DEFAULT,
	 .most = UINT32_MAX},
	{DAOS_PROP_PO_REDUN_FAC, "rd_fac", .standard = 0, .most = DAOS_PROP_PO_REDUN_FAC_MAX},
	{DAOS_PROP_PO_EC_PDA, "ec_pda", .fixed = true, .standard = DAOS_PROP_PO_EC_PDA_DEFAULT,
	 .most = DAOS_PROP_PDA_MAX},
	{DAOS_PROP_PO_RP_PDA, "rp_pda", .fixed = true, .standard = DAOS_PROP_PO_RP_PDA_DEFAULT,
	 .most = DAOS_PROP_PDA_MAX},
	{DAOS_PROP_PO_GLOBAL_VERSION, "global_version", .derived = true, .standard = 1},
	{DAOS_PROP_PO_UPGRADE_STATUS, "upgrade_status", .derived = true, .standard = 0},
	{DAOS_PROP_PO_SCRUB_MODE, "scrub", .standard = DAOS_PROP_PO_SCRUB_MODE_DEFAULT,
	 .most = DAOS_SCRUB_MODE_TIMED},
	{DAOS_PROP_PO_SCRUB_FREQ, "scrub_freq", .standard = DAOS_PROP_PO_SCRUB_FREQ_DEFAULT,
	 .most = ANY},
	{DAOS_PROP_PO_SCRUB_THRESH, "scrub_thresh", .standard = DAOS_PROP_PO_SCRUB_THRESH_DEFAULT,
	 .most = ANY},
	{DAOS_PROP_PO_SVC_REDUN_FAC, "svc_rf", .fixed = true,
	 .standard = DAOS_PROP_PO_SVC_REDUN_FAC_DEFAULT, .most = DAOS_PROP_PO_SVC_REDUN_FAC_MAX},
	{DAOS_PROP_PO_OBJ_VERSION, "obj_version", .derived = true, .standard = 1},
	{DAOS_PROP_PO_PERF_DOMAIN, "perf_domain", .fixed = true,
	 .standard = DAOS_PROP_PO_PERF_DOMAIN_DEFAULT, .most = DAOS_PROP_PERF_DOMAIN_ROOT},
	{DAOS_PROP_PO_CHECKPOINT_MODE, "checkpoint",
	 .standard = DAOS_PROP_PO_CHECKPOINT_MODE_DEFAULT, .most = DAOS_CHECKPOINT_LAZY},
	{DAOS_PROP_PO_CHECKPOINT_FREQ, "checkpoint_freq",
	 .standard = DAOS_PROP_PO_CHECKPOINT_FREQ_DEFAULT,
	 .least = DAOS_PROP_PO_CHECKPOINT_FREQ_MIN, .most = DAOS_PROP_PO_CHECKPOINT_FREQ_MAX},
	{DAOS_PROP_PO_CHECKPOINT_THRESH, "checkpoint_thresh",
	 .standard = DAOS_PROP_PO_CHECKPOINT_THRESH_DEFAULT,
	 .least = DAOS_PROP_PO_CHECKPOINT_THRESH_MIN, .most = DAOS_PROP_PO_CHECKPOINT_THRESH_MAX},
	{DAOS_PROP_PO_REINT_MODE, "reintegration", .standard = DAOS_PROP_PO_REINT_MODE_DEFAULT,
	 .most = DAOS_REINT_MODE_INCREMENTAL},
	{DAOS_PROP_PO_SVC_OPS_ENABLED, "svc_ops_enabled", .fixed = true,
	 .standard = DAOS_PROP_PO_SVC_OPS_ENABLED_DEFAULT, .most = 1},
	{DAOS_PROP_PO_SVC_OPS_ENTRY_AGE, "svc_ops_entry_age", .fixed = true,
	 .standard = DAOS_PROP_PO_SVC_OPS_ENTRY_AGE_DEFAULT,
	 .least = DAOS_PROP_PO_SVC_OPS_ENTRY_AGE_MIN, .most = DAOS_PROP_PO_SVC_OPS_ENTRY_AGE_MAX},
};
const uint32_t pool_rule_count = ARRAY_SIZE(pool_rules);

/* ------------------------------------------------ setting */

/* Moves the label out of wanted to the system's record. */
static int
label_set(struct pool *pool, struct proto_properties *wanted)
{
	char label[PROTO_LABEL_MAX + 1] = "";
	int rc;

	for (uint32_t i = 0; i < wanted->count; i++) {
		struct proto_text text = wanted->items[i].bytes;

		if (wanted->items[i].type != DAOS_PROP_PO_LABEL)
			continue;
		rc = label_check(text);
		if (rc)
			return rc;
		memcpy(label, text.data, text.length);
		wanted->items[i] = wanted->items[--wanted->count];
		return system_pool_set_label(pool->pools->system, pool->id, label);
	}
	return 0;
}

static int
properties_put(struct pool *pool, const struct proto_properties *wanted,
	       const struct request_id *request)
{
	uint8_t times[PAIR_RECORD];
	struct metadb_write writes[] = {{.key = metadb_text("props")},
					{.key = metadb_text("times")}};
	const struct metadb_proposal proposal = {
		.request = request, .writes = writes, .write_count = ARRAY_SIZE(writes)};
	struct stored_properties stored;
	int rc = properties_load(pool->metadb, writes[0].key, &stored);

	if (rc)
		return rc;
	pool_modified(pool);
	writes[1].value =
		(struct metadb_bytes){times, pool_pair_encode(pool->opened, pool->modified, times)};
	rc = properties_merge(&stored.properties, wanted);
	if (rc == 0)
		rc = properties_pack(pool->pools->arena, &stored.properties, &writes[0].value);
	if (rc == 0) {
		rc = metadb_propose(pool->metadb, &proposal, NULL);
		arena_free(pool->pools->arena, (void *)(uintptr_t)writes[0].value.data);
	}
	stored_properties_free(pool->metadb, &stored);
	return rc == -DER_ALREADY ? 0 : rc;
}

static int
set_properties(struct pool *pool, struct proto_properties *wanted, const struct request_id *request)
{
	int rc = properties_check(pool_rules, pool_rule_count, wanted, false);

	if (rc)
		return rc;
	fiber_mutex_lock_plain(&pool->lock);
	rc = label_set(pool, wanted);
	if (rc == 0)
		rc = properties_put(pool, wanted, request);
	if (rc == 0)
		pool_scrubbing_tell(pool);
	fiber_mutex_unlock(&pool->lock);
	return rc;
}

int
pool_set_properties(struct pools *pools, struct rpc_request *request)
{
	struct uuid handle = proto_uuid_decode(&request->body);
	struct proto_properties wanted;
	struct pool_access access;
	struct pool *pool;
	int rc = proto_properties_decode(&request->body, &wanted);

	if (rc == 0)
		rc = pool_of_handle(pools, handle, &pool, &access);
	if (rc)
		return rc;
	rc = access_check(access.capabilities, access_needed(&wanted, &pool_access_types), "pool");
	if (rc == 0)
		rc = set_properties(pool, &wanted, &request->id);
	pool_put(pool);
	return rc;
}

/* ------------------------------------------------ the access list */

/* The pool is locked. */
static int
acl_put(struct pool *pool, const struct proto_acl_change *change, const struct request_id *request,
	void *buffer)
{
	struct proto_properties changed = {.count = 0};
	struct stored_properties stored;
	struct metadb_bytes answer;
	int rc = metadb_answered(pool->metadb, request, &answer);

	if (rc == 0)
		metadb_bytes_free(pool->metadb, &answer);
	if (rc != -DER_NONEXIST)
		return rc;
	rc = properties_load(pool->metadb, metadb_text("props"), &stored);
	if (rc)
		return rc;
	rc = access_change(&stored.properties, &pool_access_types, change, buffer);
	if (rc == 0) {
		changed.count = 1;
		changed.items[0] = *proto_property_find(&stored.properties, pool_access_types.acl);
		rc = properties_put(pool, &changed, request);
	}
	stored_properties_free(pool->metadb, &stored);
	return rc;
}

int
pool_change_acl(struct pools *pools, struct rpc_request *request)
{
	AUTO_FREE struct scoped_block buffer = {pools->arena,
						arena_alloc(pools->arena, ACL_BYTES_MAX)};
	struct proto_acl_change change;
	struct pool_access access;
	struct pool *pool;
	int rc = proto_acl_change_decode(&request->body, &change);

	if (rc == 0 && buffer.pointer == NULL)
		rc = error_raise(-DER_NOMEM, "no memory for an access list");
	if (rc == 0)
		rc = pool_of_handle(pools, change.handle, &pool, &access);
	if (rc)
		return rc;
	rc = access_check(access.capabilities, PROTO_CAN_SET_ACL, "pool");
	if (rc == 0) {
		fiber_mutex_lock_plain(&pool->lock);
		rc = acl_put(pool, &change, &request->id, buffer.pointer);
		fiber_mutex_unlock(&pool->lock);
	}
	pool_put(pool);
	return rc;
}
