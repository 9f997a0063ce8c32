/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Which pools exist: "p/<uuid>" holds the record, "l/<label>" the id. */
#include <stdio.h>

#include "system/private.h"

struct key {
	char text[2 + PROTO_LABEL_MAX + 1];
};

_Static_assert(sizeof(struct key) > 2 + UUID_TEXT_SIZE, "room for either kind");

static struct metadb_bytes
pool_key(struct key *key, const struct uuid *id)
{
	memcpy(key->text, "p/", 2);
	uuid_to_text(id, key->text + 2);
	return metadb_text(key->text);
}

static struct metadb_bytes
label_key(struct key *key, const char *label)
{
	snprintf(key->text, sizeof(key->text), "l/%s", label);
	return metadb_text(key->text);
}

/* The record of a pool and its version. */
static int
pool_get(struct system *system, const struct uuid *id, struct system_pool *ret_pool,
	 uint64_t *ret_version)
{
	struct metadb_bytes value;
	struct key key;
	int rc = metadb_get(system->metadb, pool_key(&key, id), &value, ret_version);

	if (rc)
		return rc;
	rc = system_pool_decode(value, ret_pool);
	metadb_bytes_free(system->metadb, &value);
	return rc;
}

int
system_pool_add(struct system *system, const struct system_pool *pool)
{
	uint8_t record[RECORD_MAX];
	struct key key, label;
	const struct metadb_bytes value = {record, system_pool_encode(pool, record)};
	const struct metadb_write writes[] = {
		{.key = pool_key(&key, &pool->id), .value = value},
		{.key = label_key(&label, pool->label), .value = {pool->id.bytes, 16}},
	};
	const struct metadb_condition conditions[] = {{writes[0].key, 0}, {writes[1].key, 0}};
	uint32_t count = pool->label[0] ? 2 : 1;
	const struct metadb_proposal proposal = {.conditions = conditions,
						 .condition_count = count,
						 .writes = writes,
						 .write_count = count};
	int rc = metadb_propose(system->metadb, &proposal, NULL);

	if (rc == -DER_AGAIN)
		rc = error_raise(-DER_EXIST,
				 "a pool with label \"%s\" exists: choose another label",
				 pool->label);
	return rc;
}

/* Proposes the record under the condition that nobody changed it meanwhile. */
static int
pool_put(struct system *system, const struct system_pool *pool, uint64_t version,
	 struct metadb_proposal *proposal)
{
	uint8_t record[RECORD_MAX];
	struct key key;
	const struct metadb_write write = {
		.key = pool_key(&key, &pool->id),
		.value = {record, system_pool_encode(pool, record)},
	};
	const struct metadb_condition condition = {write.key, version};

	proposal->conditions = &condition;
	proposal->condition_count = 1;
	proposal->writes = &write;
	proposal->write_count = 1;
	return metadb_propose(system->metadb, proposal, NULL);
}

int
system_pool_set_state(struct system *system, struct uuid id, enum proto_pool_state state,
		      const struct request_id *request, struct metadb_bytes result)
{
	struct metadb_proposal proposal = {
		.request = request, .result = result, .privileged = true};
	struct system_pool pool;
	uint64_t version;
	int rc;

	do {
		rc = pool_get(system, &id, &pool, &version);
		if (rc)
			return rc;
		pool.state = state;
		rc = pool_put(system, &pool, version, &proposal);
	} while (rc == -DER_AGAIN);
	return rc == -DER_ALREADY ? 0 : rc;
}

/* One attempt: moves the label from what the record says to label. */
static int
label_move(struct system *system, const struct uuid *id, const char *label)
{
	struct key key, old_key, new_key;
	uint8_t record[RECORD_MAX];
	struct metadb_condition conditions[2];
	struct metadb_write writes[3];
	struct metadb_proposal proposal = {.conditions = conditions, .writes = writes};
	struct system_pool pool;
	uint64_t version;
	int rc = pool_get(system, id, &pool, &version);

	if (rc || strcmp(pool.label, label) == 0)
		return rc;
	conditions[proposal.condition_count++] =
		(struct metadb_condition){pool_key(&key, id), version};
	if (pool.label[0])
		writes[proposal.write_count++] = (struct metadb_write){
			.key = label_key(&old_key, pool.label), .remove = true};
	if (label[0]) {
		struct metadb_bytes bytes = label_key(&new_key, label);

		conditions[proposal.condition_count++] = (struct metadb_condition){bytes, 0};
		writes[proposal.write_count++] =
			(struct metadb_write){.key = bytes, .value = {id->bytes, 16}};
	}
	snprintf(pool.label, sizeof(pool.label), "%s", label);
	writes[proposal.write_count++] = (struct metadb_write){
		.key = pool_key(&key, id), .value = {record, system_pool_encode(&pool, record)}};
	return metadb_propose(system->metadb, &proposal, NULL);
}

int
system_pool_set_label(struct system *system, struct uuid id, const char *label)
{
	struct proto_name name = {.label = {label, (uint32_t)strlen(label)}};
	struct system_pool other;
	int rc;

	do {
		rc = label[0] ? system_pool_find(system, &name, &other) : -DER_NONEXIST;
		if (rc == 0 && !uuid_equal(&other.id, &id))
			return error_raise(-DER_EXIST,
					   "a pool with label \"%s\" exists: choose another label",
					   label);
		if (rc && rc != -DER_NONEXIST)
			return rc;
		rc = label_move(system, &id, label);
	} while (rc == -DER_AGAIN);
	return rc;
}

int
system_pool_remove(struct system *system, struct uuid id)
{
	struct key key, label;
	struct metadb_write writes[2];
	struct metadb_proposal proposal = {.writes = writes, .privileged = true};
	struct system_pool pool;
	uint64_t version;
	int rc = pool_get(system, &id, &pool, &version);

	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	writes[proposal.write_count++] =
		(struct metadb_write){.key = pool_key(&key, &id), .remove = true};
	if (pool.label[0])
		writes[proposal.write_count++] =
			(struct metadb_write){.key = label_key(&label, pool.label), .remove = true};
	return metadb_propose(system->metadb, &proposal, NULL);
}

/* ------------------------------------------------ look-ups */

static int
label_get(struct system *system, struct proto_text label, struct uuid *ret_id)
{
	char text[PROTO_LABEL_MAX + 1];
	struct metadb_bytes value;
	struct key key;
	int rc;

	if (label.length == 0 || label.length > PROTO_LABEL_MAX)
		return -DER_NONEXIST;
	snprintf(text, sizeof(text), "%.*s", (int)label.length, label.data);
	rc = metadb_get(system->metadb, label_key(&key, text), &value, NULL);
	if (rc)
		return rc;
	if (value.length == sizeof(ret_id->bytes))
		memcpy(ret_id->bytes, value.data, sizeof(ret_id->bytes));
	else
		rc = error_raise(-DER_IO, "the system's store is damaged: bad label");
	metadb_bytes_free(system->metadb, &value);
	return rc;
}

int
system_pool_find(struct system *system, const struct proto_name *name, struct system_pool *ret_pool)
{
	struct uuid id = name->id;
	uint64_t version;
	int rc = uuid_empty(&id) ? label_get(system, name->label, &id) : 0;

	return rc == 0 ? pool_get(system, &id, ret_pool, &version) : rc;
}

struct listing {
	int (*visit)(void *argument, const struct system_pool *pool);
	void *argument;
};

static int
pool_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct listing *listing = argument;
	struct system_pool pool;
	int rc = system_pool_decode(value, &pool);

	(void)key;
	(void)version;
	return rc == 0 ? listing->visit(listing->argument, &pool) : rc;
}

int
system_pool_list(struct system *system,
		 int (*visit)(void *argument, const struct system_pool *pool), void *argument)
{
	struct listing listing = {visit, argument};

	return metadb_list(system->metadb, metadb_text("p/"), (struct metadb_bytes){NULL, 0},
			   pool_visit, &listing);
}
