/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Snapshots of containers, inside the service: snapshot_set.c what is stored and what targets are
 * told, snapshot_rollback.c the way back, snapshot.c the calls.
 */
#pragma once

#include "container/private.h"

#define KEY_SNAPSHOTS "cs/"
#define KEY_SNAPSHOT_NAMES "cn/"

struct snapshot_key {
	char text[3 + UUID_TEXT_SIZE + 1 + PROTO_SNAPSHOT_NAME_MAX + 1];
};
struct metadb_bytes snapshot_key(struct snapshot_key *key, const struct uuid *container,
				 uint64_t epoch);
struct metadb_bytes snapshot_name_key(struct snapshot_key *key, const struct uuid *container,
				      struct proto_text name);
/* Of all snapshots of a container. */
struct metadb_bytes snapshot_prefix(struct snapshot_key *key, const struct uuid *container);

#define SNAPSHOT_RECORD (2u + 8 + 4 + 4 + PROTO_SNAPSHOT_NAME_MAX)
uint32_t snapshot_record_encode(const struct proto_snapshot *snapshot,
				uint8_t record[SNAPSHOT_RECORD]);
/* The name is borrowed from record. */
MUST_USE int snapshot_record_decode(struct metadb_bytes record,
				    struct proto_snapshot *ret_snapshot);

#define SNAPSHOT_SUMMARY 14u
uint32_t snapshot_summary_encode(const struct snapshot_summary *summary,
				 uint8_t record[SNAPSHOT_SUMMARY]);

/* The snapshots of a container, ascending, with room for one more. */
struct snapshot_epochs {
	uint32_t count, room;
	uint64_t *epochs;
};
MUST_USE int snapshot_epochs_load(struct containers *containers, struct pool *pool,
				  const struct uuid *container, struct snapshot_epochs *ret_epochs);
void snapshot_epochs_free(struct containers *containers, struct snapshot_epochs *epochs);

/* Tells all targets; announced (0: none) is among epochs and new: -DER_TX_RESTART when one of them
 * may have collected what it would show. *Yields*. */
MUST_USE int snapshot_epochs_tell(struct pool *pool, const struct uuid *container,
				  const struct snapshot_epochs *epochs, uint64_t announced);

/* ------------------------------------------------ snapshot_rollback.c */

/* Makes the container what the snapshot shows. It has no other handles; the pool is locked.
 * -DER_BUSY. *Yields*. */
MUST_USE int container_rollback_locked(struct containers *containers, struct pool *pool,
				       const struct uuid *container, uint64_t snapshot,
				       const struct request_id *request);
MUST_USE int container_rollback_erase(struct pool *pool, const struct uuid *container);
