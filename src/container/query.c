/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is asked of one container: times, counts, properties, and changes of these. */
#include <stdio.h>

#include "daos_prop.h"

#include "container/private.h"

/* ------------------------------------------------ info */

static int
oids_get(struct pool *pool, const struct uuid *id, uint64_t *ret_next)
{
	struct container_key key;
	struct metadb_bytes value;
	int rc = metadb_get(pool_metadb(pool), container_key(&key, KEY_OIDS, id), &value, NULL);

	if (rc)
		return rc;
	if (value.length == sizeof(uint64_t))
		*ret_next = load_u64(value.data);
	else
		rc = error_raise(-DER_IO, "the pool's store is damaged: bad counter");
	metadb_bytes_free(pool_metadb(pool), &value);
	return rc;
}

static int
properties_add(struct pool *pool, const struct container_record *container,
	       const struct proto_properties *stored, struct proto_properties *properties)
{
	uint64_t next = 0;
	int rc = properties_merge(properties, stored);

	if (rc == 0)
		rc = oids_get(pool, &container->id, &next);
	if (rc == 0)
		rc = properties_set_number(properties, DAOS_PROP_CO_ALLOCED_OID, next);
	if (rc == 0)
		rc = properties_set_bytes(properties, DAOS_PROP_CO_LABEL,
					  (struct proto_text){container->label,
							      (uint32_t)strlen(container->label)});
	properties_complete(container_rules, container_rule_count, properties);
	return rc;
}

int
container_info_fill(struct containers *containers, struct pool *pool,
		    const struct container_record *container, struct proto_container_info *info)
{
	const struct handle_filter filter = {.container = &container->id};
	struct snapshot_summary snapshots;
	struct container_times times;
	int rc = container_times_get(pool, &container->id, &times);

	if (rc == 0)
		rc = snapshot_summary_get(pool, &container->id, &snapshots);
	if (rc)
		return rc;
	info->snapshot_count = snapshots.count;
	info->latest_snapshot = snapshots.latest;
	info->id = container->id;
	info->handle_count = container_handle_count(containers->node, &filter);
	info->opened = times.opened;
	info->modified = times.modified;
	return 0;
}

static void
property_remove(struct proto_properties *properties, uint32_t type)
{
	for (uint32_t i = 0; i < properties->count; i++)
		if (properties->items[i].type == type)
			properties->items[i--] = properties->items[--properties->count];
}

/* The access list, and whose the container is, alone. */
static void
access_add(const struct proto_properties *stored, struct proto_properties *properties)
{
	const uint32_t types[] = {container_access_types.acl, container_access_types.owner,
				  container_access_types.group};

	for (uint32_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct proto_property *property = proto_property_find(stored, types[i]);

		if (property)
			properties->items[properties->count++] = *property;
	}
}

int
container_info_write(struct containers *containers, struct pool *pool,
		     const struct container_record *container, uint32_t capabilities,
		     uint32_t wanted, struct writer *reply)
{
	AUTO_FREE struct scoped_block block = {containers->arena,
					       arena_calloc(containers->arena, 1,
							    sizeof(struct proto_container_info))};
	struct proto_container_info *info = block.pointer;
	struct stored_properties stored;
	struct container_key key;
	int rc;

	if (info == NULL)
		return error_raise(-DER_NOMEM, "no memory for a query");
	info->capabilities = capabilities;
	rc = container_info_fill(containers, pool, container, info);
	if (rc)
		return rc;
	if (wanted == 0) {
		proto_container_info_encode(info, reply);
		return 0;
	}
	rc = properties_load(pool_metadb(pool), container_key(&key, KEY_PROPERTIES, &container->id),
			     &stored);
	if (rc)
		return rc;
	if (!(capabilities & PROTO_CAN_GET_ACL))
		property_remove(&stored.properties, container_access_types.acl);
	if (wanted & PROTO_ANSWER_PROPERTIES)
		rc = properties_add(pool, container, &stored.properties, &info->properties);
	else
		access_add(&stored.properties, &info->properties);
	if (rc == 0)
		proto_container_info_encode(info, reply);
	stored_properties_free(pool_metadb(pool), &stored);
	return rc;
}

int
container_query(struct containers *containers, struct rpc_request *request)
{
	struct uuid id = proto_uuid_decode(&request->body);
	uint32_t wanted = reader_u8(&request->body), needed = 0;
	struct container_record container;
	struct container_handle handle;
	struct pool *pool;
	int rc;

	if (request->body.failed)
		return -DER_PROTO;
	if (wanted & PROTO_ANSWER_PROPERTIES)
		needed |= PROTO_CAN_GET_PROPERTIES;
	if (wanted & PROTO_ANSWER_ACL)
		needed |= PROTO_CAN_GET_ACL;
	rc = container_of_handle(containers, id, needed, &pool, &handle);
	if (rc)
		return rc;
	rc = container_get(pool, &handle.container, &container, NULL);
	if (rc == 0)
		rc = container_info_write(containers, pool, &container, handle.capabilities, wanted,
					  &request->reply);
	pool_put(pool);
	return rc;
}

/* ------------------------------------------------ setting */

struct setting {
	struct containers *containers;
	struct pool *pool;
	struct uuid id;
	struct proto_properties wanted;
	const struct request_id *request;
	char label[PROTO_LABEL_MAX + 1]; /* wanted; empty: stays */
	/* Of an access list: NULL, or with a buffer of ACL_BYTES_MAX. */
	const struct proto_acl_change *change;
	void *buffer;
};

static int
label_take(struct setting *setting)
{
	for (uint32_t i = 0; i < setting->wanted.count; i++) {
		struct proto_text text = setting->wanted.items[i].bytes;
		int rc;

		if (setting->wanted.items[i].type != DAOS_PROP_CO_LABEL)
			continue;
		rc = label_check(text);
		if (rc)
			return rc;
		memcpy(setting->label, text.data, text.length);
		setting->wanted.items[i] = setting->wanted.items[--setting->wanted.count];
		return 0;
	}
	return 0;
}

/* Properties, times and label in one proposal. */
static int
setting_propose(struct setting *setting, struct metadb_bytes properties)
{
	struct container_key keys[5];
	uint8_t record[CONTAINER_RECORD], times_record[CONTAINER_TIMES];
	struct container_record container;
	struct container_times times;
	struct metadb_write writes[5];
	struct metadb_condition condition;
	struct metadb_proposal proposal = {
		.request = setting->request, .conditions = &condition, .writes = writes};
	uint32_t count = 0;
	int rc = container_get(setting->pool, &setting->id, &container, NULL);

	if (rc == 0)
		rc = container_times_get(setting->pool, &setting->id, &times);
	if (rc)
		return rc;
	times.modified = node_stamp(setting->containers->node);
	writes[count++] = (struct metadb_write){
		.key = container_key(&keys[0], KEY_PROPERTIES, &setting->id), .value = properties};
	writes[count++] = (struct metadb_write){
		.key = container_key(&keys[1], KEY_TIMES, &setting->id),
		.value = {times_record, container_times_encode(&times, times_record)}};
	if (setting->label[0] && strcmp(setting->label, container.label) != 0) {
		if (container.label[0])
			writes[count++] = (struct metadb_write){
				.key = container_label_key(&keys[2], container.label),
				.remove = true};
		memcpy(container.label, setting->label, sizeof(container.label));
		writes[count++] =
			(struct metadb_write){.key = container_label_key(&keys[3], container.label),
					      .value = {setting->id.bytes, 16}};
		condition = (struct metadb_condition){writes[count - 1].key, 0};
		proposal.condition_count = 1;
		writes[count++] = (struct metadb_write){
			.key = container_key(&keys[4], KEY_CONTAINER, &setting->id),
			.value = {record, container_record_encode(&container, record)}};
	}
	proposal.write_count = count;
	rc = metadb_propose(pool_metadb(setting->pool), &proposal, NULL);
	if (rc == -DER_AGAIN)
		rc = error_raise(-DER_EXIST, "the pool has a container with label \"%s\"",
				 setting->label);
	return rc == -DER_ALREADY ? 0 : rc;
}

/* The pool is locked. */
static int
set_locked(struct setting *setting)
{
	struct metadb *metadb = pool_metadb(setting->pool);
	struct stored_properties stored;
	struct metadb_bytes packed;
	struct container_key key;
	int rc =
		properties_load(metadb, container_key(&key, KEY_PROPERTIES, &setting->id), &stored);

	if (rc)
		return rc;
	if (setting->change)
		rc = access_change(&stored.properties, &container_access_types, setting->change,
				   setting->buffer);
	else
		rc = properties_merge(&stored.properties, &setting->wanted);
	if (rc == 0)
		rc = properties_pack(setting->containers->arena, &stored.properties, &packed);
	if (rc == 0) {
		rc = setting_propose(setting, packed);
		arena_free(setting->containers->arena, (void *)(uintptr_t)packed.data);
	}
	stored_properties_free(metadb, &stored);
	return rc;
}

int
container_set_properties(struct containers *containers, struct rpc_request *request)
{
	struct uuid id = proto_uuid_decode(&request->body);
	struct setting setting = {.containers = containers, .request = &request->id};
	struct container_handle handle;
	uint32_t needed = 0;
	int rc = proto_properties_decode(&request->body, &setting.wanted);

	if (rc == 0)
		needed = access_needed(&setting.wanted, &container_access_types);
	if (rc == 0)
		rc = properties_check(container_rules, container_rule_count, &setting.wanted,
				      false);
	if (rc == 0)
		rc = label_take(&setting);
	if (rc == 0)
		rc = container_of_handle(containers, id, needed, &setting.pool, &handle);
	if (rc)
		return rc;
	setting.id = handle.container;
	fiber_mutex_lock_plain(pool_lock(setting.pool));
	rc = set_locked(&setting);
	fiber_mutex_unlock(pool_lock(setting.pool));
	pool_put(setting.pool);
	return rc;
}

/* ------------------------------------------------ the access list */

/* The pool is locked. A repetition must not judge the list that it left. */
static int
change_locked(struct setting *setting)
{
	struct metadb *metadb = pool_metadb(setting->pool);
	struct metadb_bytes answer;
	int rc = metadb_answered(metadb, setting->request, &answer);

	if (rc == 0)
		metadb_bytes_free(metadb, &answer);
	return rc == -DER_NONEXIST ? set_locked(setting) : rc;
}

int
container_change_acl(struct containers *containers, struct rpc_request *request)
{
	AUTO_FREE struct scoped_block buffer = {containers->arena,
						arena_alloc(containers->arena, ACL_BYTES_MAX)};
	struct proto_acl_change change;
	struct setting setting = {.containers = containers,
				  .request = &request->id,
				  .change = &change,
				  .buffer = buffer.pointer};
	struct container_handle handle;
	int rc = proto_acl_change_decode(&request->body, &change);

	if (rc == 0 && buffer.pointer == NULL)
		rc = error_raise(-DER_NOMEM, "no memory for an access list");
	if (rc == 0)
		rc = container_of_handle(containers, change.handle, PROTO_CAN_SET_ACL,
					 &setting.pool, &handle);
	if (rc)
		return rc;
	setting.id = handle.container;
	fiber_mutex_lock_plain(pool_lock(setting.pool));
	rc = change_locked(&setting);
	fiber_mutex_unlock(pool_lock(setting.pool));
	pool_put(setting.pool);
	return rc;
}
