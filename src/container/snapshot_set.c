/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Snapshots in the pool's store, and on its targets. Under "cs/<container>" stands how many there
 * are, under "cs/<container>/<epoch>" each of them, under "cn/<container>/<name>" the epochs of
 * those with names.
 */
#include <stdio.h>

#include "container/snapshot.h"

#define RECORD_VERSION 1u

/* ------------------------------------------------ keys and records */

struct metadb_bytes
snapshot_key(struct snapshot_key *key, const struct uuid *container, uint64_t epoch)
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(container, text);
	snprintf(key->text, sizeof(key->text), KEY_SNAPSHOTS "%s/%016lx", text,
		 (unsigned long)epoch);
	return metadb_text(key->text);
}

struct metadb_bytes
snapshot_name_key(struct snapshot_key *key, const struct uuid *container, struct proto_text name)
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(container, text);
	snprintf(key->text, sizeof(key->text), KEY_SNAPSHOT_NAMES "%s/%.*s", text, (int)name.length,
		 name.data);
	return metadb_text(key->text);
}

struct metadb_bytes
snapshot_prefix(struct snapshot_key *key, const struct uuid *container)
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(container, text);
	snprintf(key->text, sizeof(key->text), KEY_SNAPSHOTS "%s/", text);
	return metadb_text(key->text);
}

uint32_t
snapshot_record_encode(const struct proto_snapshot *snapshot, uint8_t record[SNAPSHOT_RECORD])
{
	struct writer writer;

	writer_init(&writer, record, SNAPSHOT_RECORD);
	writer_u16(&writer, RECORD_VERSION);
	proto_snapshot_encode(snapshot, &writer);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

int
snapshot_record_decode(struct metadb_bytes record, struct proto_snapshot *ret_snapshot)
{
	struct reader reader;
	uint16_t version;
	size_t length;

	reader_init(&reader, record.data, record.length);
	version = reader_u16(&reader);
	ret_snapshot->epoch = reader_u64(&reader);
	ret_snapshot->flags = reader_u32(&reader);
	ret_snapshot->name.data =
		(const char *)reader_blob(&reader, PROTO_SNAPSHOT_NAME_MAX, &length);
	ret_snapshot->name.length = (uint32_t)length;
	return metadb_value_check(&reader, version, RECORD_VERSION, "a snapshot");
}

uint32_t
snapshot_summary_encode(const struct snapshot_summary *summary, uint8_t record[SNAPSHOT_SUMMARY])
{
	struct writer writer;

	writer_init(&writer, record, SNAPSHOT_SUMMARY);
	writer_u16(&writer, RECORD_VERSION);
	writer_u32(&writer, summary->count);
	writer_u64(&writer, summary->latest);
	ASSERT(!writer.failed);
	return (uint32_t)writer.position;
}

static int
summary_decode(struct metadb_bytes record, struct snapshot_summary *ret_summary)
{
	struct reader reader;
	uint16_t version;

	reader_init(&reader, record.data, record.length);
	version = reader_u16(&reader);
	ret_summary->count = reader_u32(&reader);
	ret_summary->latest = reader_u64(&reader);
	return metadb_value_check(&reader, version, RECORD_VERSION, "a count of snapshots");
}

int
snapshot_summary_get(struct pool *pool, const struct uuid *container,
		     struct snapshot_summary *ret_summary)
{
	struct container_key key;
	struct metadb_bytes value;
	int rc = metadb_get(pool_metadb(pool), container_key(&key, KEY_SNAPSHOTS, container),
			    &value, NULL);

	if (rc == -DER_NONEXIST) {
		*ret_summary = (struct snapshot_summary){0};
		return 0;
	}
	if (rc)
		return rc;
	rc = summary_decode(value, ret_summary);
	metadb_bytes_free(pool_metadb(pool), &value);
	return rc;
}

/* ------------------------------------------------ sets */

void
snapshot_epochs_free(struct containers *containers, struct snapshot_epochs *epochs)
{
	arena_free(containers->arena, epochs->epochs);
	epochs->epochs = NULL;
}

static int
epoch_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct snapshot_epochs *epochs = argument;
	struct proto_snapshot snapshot;
	int rc = snapshot_record_decode(value, &snapshot);

	(void)key;
	(void)version;
	if (rc)
		return rc;
	if (epochs->count == epochs->room)
		return error_raise(-DER_IO, "the pool's store is damaged: more than %u snapshots",
				   epochs->room);
	epochs->epochs[epochs->count++] = snapshot.epoch;
	return 0;
}

int
snapshot_epochs_load(struct containers *containers, struct pool *pool, const struct uuid *container,
		     struct snapshot_epochs *ret_epochs)
{
	struct snapshot_summary summary;
	struct snapshot_key key;
	int rc = snapshot_summary_get(pool, container, &summary);

	if (rc)
		return rc;
	/* Room for one that is about to be made. */
	*ret_epochs = (struct snapshot_epochs){.room = summary.count};
	ret_epochs->epochs =
		arena_calloc(containers->arena, summary.count + 1, sizeof(*ret_epochs->epochs));
	if (ret_epochs->epochs == NULL)
		return error_raise(-DER_NOMEM, "no memory for %u snapshots", summary.count);
	if (summary.count > 0)
		rc = metadb_list(pool_metadb(pool), snapshot_prefix(&key, container),
				 (struct metadb_bytes){NULL, 0}, epoch_visit, ret_epochs);
	if (rc)
		snapshot_epochs_free(containers, ret_epochs);
	return rc;
}

struct telling {
	struct uuid container;
	const struct snapshot_epochs *epochs;
	uint64_t announced; /* 0: none */
};

static int
target_tell(void *argument, uint32_t target, struct vos *vos)
{
	const struct telling *telling = argument;

	(void)target;
	/* What was asked for to be collected up to here may be gone. */
	if (telling->announced != 0 && vos_collected(vos) >= telling->announced)
		return -DER_TX_RESTART;
	return vos_set_snapshots(vos, telling->container, telling->epochs->epochs,
				 telling->epochs->count);
}

int
snapshot_epochs_tell(struct pool *pool, const struct uuid *container,
		     const struct snapshot_epochs *epochs, uint64_t announced)
{
	struct telling telling = {*container, epochs, announced};

	/* One that is to be made fails with its first target; those that are there are told to all
	 * that can be told, or these would not know what they may show. */
	return announced != 0 ? pool_each_target(pool, target_tell, &telling)
			      : pool_all_targets(pool, target_tell, &telling);
}

int
container_snapshots_tell(struct containers *containers, struct pool *pool,
			 const struct uuid *container)
{
	struct snapshot_epochs epochs;
	int rc = snapshot_epochs_load(containers, pool, container, &epochs);

	if (rc)
		return rc;
	rc = snapshot_epochs_tell(pool, container, &epochs, 0);
	snapshot_epochs_free(containers, &epochs);
	return rc;
}

/* ------------------------------------------------ all containers of a pool */

struct ids {
	struct arena *arena;
	uint32_t count, room;
	struct uuid *ids;
};

static int
id_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct ids *ids = argument;
	struct container_record container;
	int rc = container_record_decode(value, &container);

	(void)key;
	(void)version;
	if (rc)
		return rc;
	if (ids->count == ids->room) {
		uint32_t room = ids->room ? 2 * ids->room : 64;
		void *larger = arena_realloc(ids->arena, ids->ids, room * sizeof(*ids->ids));

		if (larger == NULL)
			return error_raise(-DER_NOMEM, "no memory for the ids of containers");
		ids->ids = larger;
		ids->room = room;
	}
	ids->ids[ids->count++] = container.id;
	return 0;
}

int
container_snapshots_start(struct containers *containers, struct pool *pool)
{
	struct ids ids = {.arena = containers->arena};
	int rc = metadb_list(pool_metadb(pool), metadb_text(KEY_CONTAINER),
			     (struct metadb_bytes){NULL, 0}, id_visit, &ids);

	for (uint32_t i = 0; rc == 0 && i < ids.count; i++) {
		int told = container_snapshots_tell(containers, pool, &ids.ids[i]);

		if (told)
			error_log(LOG_WARNING, told,
				  "old versions in a container stay until the next start");
	}
	arena_free(containers->arena, ids.ids);
	return rc;
}

int
container_snapshots_erase(struct pool *pool, const struct uuid *container)
{
	struct snapshot_key key;
	char text[UUID_TEXT_SIZE];
	int rc;

	uuid_to_text(container, text);
	snprintf(key.text, sizeof(key.text), KEY_SNAPSHOTS "%s", text);
	rc = keys_remove(pool_metadb(pool), key.text);
	if (rc == 0)
		rc = container_rollback_erase(pool, container);
	if (rc)
		return rc;
	snprintf(key.text, sizeof(key.text), KEY_SNAPSHOT_NAMES "%s/", text);
	return keys_remove(pool_metadb(pool), key.text);
}
