/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The store of the system: who it is, and the clock's ceiling. */
#include <stdio.h>

#include "system/private.h"

static const char key_identity[] = "system";
static const char key_clock[] = "clock";

/* ------------------------------------------------ format */

static int
identity_write(struct node *node, struct metadb *metadb)
{
	struct system_identity identity = {.id = node_draw_id(node), .rank = node->rank};
	uint8_t record[RECORD_MAX];
	struct metadb_write write = {.key = metadb_text(key_identity)};
	const struct metadb_proposal proposal = {.writes = &write, .write_count = 1};

	snprintf(identity.name, sizeof(identity.name), "%s", node->system);
	write.value = (struct metadb_bytes){record, system_identity_encode(&identity, record)};
	return metadb_propose(metadb, &proposal, NULL);
}

int
system_format(struct node *node)
{
	const struct metadb_options options = {.id = node_draw_id(node),
					       .thin = node->thin_default};
	struct media *media = node->loops[0].media;
	struct metadb *metadb;
	int rc = metadb_create(media, SYSTEM_STORE, &options);

	if (rc == 0)
		rc = metadb_open(media, SYSTEM_STORE, &metadb);
	if (rc)
		return rc;
	rc = identity_write(node, metadb);
	metadb_close(metadb);
	return rc;
}

/* ------------------------------------------------ open */

static int
identity_check(struct node *node, struct metadb_bytes value)
{
	struct system_identity identity;
	int rc = system_identity_decode(value, &identity);

	if (rc)
		return rc;
	if (strcmp(identity.name, node->system) != 0)
		return error_raise(
			-DER_MISMATCH,
			"the storage belongs to system %s, not %s: start it under that name, "
			"or use another directory",
			identity.name, node->system);
	if (identity.rank != node->rank)
		return error_raise(
			-DER_MISMATCH,
			"the storage belongs to rank %u, not %u: start it as that rank, or use "
			"another directory",
			identity.rank, node->rank);
	node->system_id = identity.id;
	return 0;
}

static int
identity_read(struct node *node, struct metadb *metadb)
{
	struct metadb_bytes value;
	int rc = metadb_get(metadb, metadb_text(key_identity), &value, NULL);

	if (rc == -DER_NONEXIST)
		return error_raise(rc, "the storage was not formatted to the end");
	if (rc)
		return rc;
	rc = identity_check(node, value);
	metadb_bytes_free(metadb, &value);
	return rc;
}

int
system_open(struct node *node, struct system **ret_system)
{
	struct arena *arena = loop_env(node->loops[0].loop)->arena;
	struct system *system = arena_calloc(arena, 1, sizeof(*system));
	int rc;

	if (system == NULL)
		return error_raise(-DER_NOMEM, "no memory for the system service");
	system->node = node;
	rc = metadb_open(node->loops[0].media, SYSTEM_STORE, &system->metadb);
	if (rc == 0) {
		rc = identity_read(node, system->metadb);
		if (rc)
			metadb_close(system->metadb);
	}
	if (rc)
		arena_free(arena, system);
	else
		*ret_system = system;
	return rc;
}

void
system_close(struct system *system)
{
	struct arena *arena = loop_env(system->node->loops[0].loop)->arena;

	metadb_close(system->metadb);
	arena_free(arena, system);
}

struct metadb *
system_metadb(struct system *system)
{
	return system->metadb;
}

/* ------------------------------------------------ clock */

int
system_clock_ceiling(struct system *system, uint64_t *ret_ceiling)
{
	struct metadb_bytes value;
	int rc = metadb_get(system->metadb, metadb_text(key_clock), &value, NULL);

	if (rc == -DER_NONEXIST) {
		*ret_ceiling = 0;
		return 0;
	}
	if (rc)
		return rc;
	if (value.length == sizeof(uint64_t))
		*ret_ceiling = load_u64(value.data);
	else
		rc = error_raise(-DER_IO, "the system's store is damaged: bad clock");
	metadb_bytes_free(system->metadb, &value);
	return rc;
}

int
system_set_ceiling(struct system *system, uint64_t ceiling)
{
	uint8_t value[sizeof(ceiling)];
	const struct metadb_write write = {.key = metadb_text(key_clock),
					   .value = {value, sizeof(value)}};
	const struct metadb_proposal proposal = {
		.writes = &write, .write_count = 1, .privileged = true};

	store_u64(value, ceiling);
	return metadb_propose(system->metadb, &proposal, NULL);
}
