/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Creation of a container: one proposal. On a target it appears when it is first used there. */
#include "daos_prop.h"

#include "container/private.h"

struct creation {
	struct containers *containers;
	struct pool *pool;
	struct rpc_request *request;
	struct proto_container_create wanted;
	struct container_record record;
	struct caller *caller; /* who owns it where the request does not say */
	struct acl_standard list;
};

/* ------------------------------------------------ checks */

/* Takes the label out of the properties. */
static int
label_take(struct creation *creation)
{
	struct proto_properties *properties = &creation->wanted.properties;
	int rc = 0;

	for (uint32_t i = 0; i < properties->count; i++) {
		struct proto_text text = properties->items[i].bytes;

		if (properties->items[i].type != DAOS_PROP_CO_LABEL)
			continue;
		/* The placeholder that upstream's clients send for "no label". */
		if (text.length != strlen(DAOS_PROP_NO_CO_LABEL) ||
		    memcmp(text.data, DAOS_PROP_NO_CO_LABEL, text.length) != 0) {
			rc = label_check(text);
			if (rc == 0)
				memcpy(creation->record.label, text.data, text.length);
		}
		properties->items[i] = properties->items[--properties->count];
		break;
	}
	return rc;
}

static int
creation_check(struct creation *creation)
{
	int rc = 0;

	if (uuid_empty(&creation->wanted.id))
		return error_raise(-DER_INVAL, "a container's id is not all zeros");
	rc = properties_check(container_rules, container_rule_count, &creation->wanted.properties,
			      true);
	if (rc == 0)
		rc = label_take(creation);
	creation->list = acl_standard_container();
	return rc ? rc
		  : access_default(&creation->wanted.properties, &container_access_types,
				   creation->caller, &creation->list);
}

/* ------------------------------------------------ the proposal */

static uint64_t
first_oid(const struct creation *creation)
{
	const struct proto_property *property =
		proto_property_find(&creation->wanted.properties, DAOS_PROP_CO_ALLOCED_OID);

	return property ? property->number : 0;
}

static int
creation_propose(struct creation *creation, struct metadb_bytes properties)
{
	const struct container_record *container = &creation->record;
	const struct container_times times = {.opened = 0, .modified = container->created};
	uint8_t record[CONTAINER_RECORD], times_record[CONTAINER_TIMES], oids[8];
	struct container_key keys[5];
	const struct metadb_write writes[] = {
		{.key = container_key(&keys[0], KEY_CONTAINER, &container->id),
		 .value = {record, container_record_encode(container, record)}},
		{.key = container_key(&keys[1], KEY_PROPERTIES, &container->id),
		 .value = properties},
		{.key = container_key(&keys[2], KEY_TIMES, &container->id),
		 .value = {times_record, container_times_encode(&times, times_record)}},
		{.key = container_key(&keys[3], KEY_OIDS, &container->id), .value = {oids, 8}},
		{.key = container_label_key(&keys[4], container->label),
		 .value = {container->id.bytes, 16}},
	};
	const struct metadb_condition conditions[] = {{writes[0].key, 0}, {writes[4].key, 0}};
	const struct metadb_proposal proposal = {
		.request = &creation->request->id,
		.conditions = conditions,
		.condition_count = container->label[0] ? 2 : 1,
		.writes = writes,
		.write_count = container->label[0] ? 5 : 4,
	};
	int rc;

	store_u64(oids, first_oid(creation));
	rc = metadb_propose(pool_metadb(creation->pool), &proposal, NULL);
	if (rc == -DER_AGAIN)
		return error_raise(-DER_EXIST,
				   "the pool has a container with label \"%s\" or this id: choose "
				   "another",
				   container->label);
	return rc == -DER_ALREADY ? 0 : rc;
}

static int
creation_run(struct creation *creation)
{
	struct metadb_bytes properties;
	int rc = creation_check(creation), told;

	if (rc == 0)
		rc = properties_pack(creation->containers->arena, &creation->wanted.properties,
				     &properties);
	if (rc)
		return rc;
	creation->record.id = creation->wanted.id;
	creation->record.created = node_stamp(creation->containers->node);
	fiber_mutex_lock_plain(pool_lock(creation->pool));
	rc = creation_propose(creation, properties);
	if (rc == 0)
		pool_modified(creation->pool);
	told = rc == 0 ? container_snapshots_tell(creation->containers, creation->pool,
						  &creation->record.id)
		       : 0;
	if (told)
		error_log(LOG_WARNING, told,
			  "old versions in a new container stay until the next start");
	fiber_mutex_unlock(pool_lock(creation->pool));
	arena_free(creation->containers->arena, (void *)(uintptr_t)properties.data);
	return rc;
}

int
container_create(struct containers *containers, struct rpc_request *request)
{
	struct creation *creation = arena_calloc(containers->arena, 1, sizeof(*creation));
	struct pool_access access;
	int rc;

	if (creation == NULL)
		return error_raise(-DER_NOMEM, "no memory to create a container");
	creation->containers = containers;
	creation->request = request;
	rc = proto_container_create_decode(&request->body, &creation->wanted);
	if (rc == 0)
		rc = pool_of_handle(containers->pools, creation->wanted.pool_handle,
				    &creation->pool, &access);
	if (rc == 0) {
		rc = access_check(access.capabilities, PROTO_CAN_CREATE, "pool");
		if (rc == 0)
			rc = caller_create(containers->node, &access.credentials,
					   &creation->caller);
		if (rc == 0) {
			rc = creation_run(creation);
			caller_destroy(creation->caller);
		}
		pool_put(creation->pool);
	}
	arena_free(containers->arena, creation);
	return rc;
}
