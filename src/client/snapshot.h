/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Snapshots and the tables of their objects, inside the client. snapshot.c are the calls to the
 * service, oit.c the tables. All run on a fiber and yield. */
#ifndef CLIENT_SNAPSHOT_H
#define CLIENT_SNAPSHOT_H

#include "client/private.h"

/* Sends a call of enum proto_container_snapshot_operation; call->handle is filled in. *ret_reply
 * goes to rpc_reply_free() in any case. */
MUST_USE int snapshot_send(const struct client_container *container, uint32_t operation,
			   bool modifying, struct proto_snapshot_call *call,
			   struct rpc_reply *ret_reply);
/* The same for an answer without a body. */
MUST_USE int snapshot_tell(const struct client_container *container, uint32_t operation,
			   struct proto_snapshot_call *call);

/* A snapshot by epoch, or by name where there is one; its name is left out. -DER_NONEXIST. */
MUST_USE int snapshot_find(const struct client_container *container, uint64_t epoch,
			   const char *name, struct proto_snapshot *ret_snapshot);

/* Makes the table of the objects of a snapshot; removes it. */
MUST_USE int objects_build(struct client_container *container,
			   const struct proto_snapshot *snapshot);
MUST_USE int objects_remove(struct client_container *container, uint64_t epoch);

/* As daos_cont_snap_oit_destroy(), by epoch. */
int client_oit_destroy(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev);

#endif
