/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Listening, and the way of a connection from the loop that accepted it to the one that its hello
 * names.
 *
 * The memory of a hand-over belongs to the receiver, whose rpc_destroy() waits until none is under
 * way, so that no handle is left behind by a loop that is about to stop.
 */
#include "rpc/internal.h"

/* ------------------------------------------------ hand-over */

static void
handover_arrived(struct loop_message *message)
{
	struct handover *handover = container_of(message, struct handover, message);
	struct rpc *rpc = handover->rpc;
	struct transport *transport = rpc->env->transport;
	struct inbound *inbound = NULL;

	if (!rpc->closing)
		inbound = rpc_inbound_create(rpc, INBOUND_OPENING);
	if (inbound && transport->adopt(transport, handover->handle, &rpc_inbound_handler, inbound,
					&inbound->connection)) {
		rpc_inbound_end(inbound, false);
		inbound = NULL;
	}
	if (inbound)
		rpc_inbound_open(inbound, &handover->introduction, handover->loops);
	else
		transport->discard(transport, handover->handle);
	atomic_store_explicit(&handover->taken, false, memory_order_release);
	rpc_ended(rpc);
}

void
rpc_handovers_init(struct rpc *rpc)
{
	for (uint32_t i = 0; i < HANDOVERS; i++) {
		rpc->handovers[i].rpc = rpc;
		rpc->handovers[i].message.function = handover_arrived;
		atomic_init(&rpc->handovers[i].taken, false);
	}
}

bool
rpc_handovers_pending(struct rpc *rpc)
{
	for (uint32_t i = 0; i < HANDOVERS; i++)
		if (atomic_load_explicit(&rpc->handovers[i].taken, memory_order_acquire))
			return true;
	return false;
}

/* A place in the receiver's table, or NULL; any thread. */
static struct handover *
handover_take(struct rpc *to)
{
	for (uint32_t i = 0; i < HANDOVERS; i++)
		if (!atomic_exchange_explicit(&to->handovers[i].taken, true, memory_order_acquire))
			return &to->handovers[i];
	return NULL;
}

void
rpc_handover_send(struct inbound *inbound, struct rpc *to, const struct introduction *introduction)
{
	struct handover *handover = handover_take(to);

	if (handover == NULL) {
		rpc_inbound_refuse(inbound, -DER_OVERLOAD_RETRY);
		return;
	}
	if (connection_detach(inbound->connection, &handover->handle)) {
		atomic_store_explicit(&handover->taken, false, memory_order_release);
		rpc_inbound_end(inbound, false);
		return;
	}
	handover->loops = inbound->listening->group_count;
	handover->introduction = *introduction;
	inbound->connection = NULL;
	rpc_inbound_end(inbound, false);
	loop_post(to->loop, &handover->message);
}

/* ------------------------------------------------ listening */

static void
accepted(void *owner, struct connection *connection)
{
	struct listening *listening = owner;
	struct rpc *rpc = listening->rpc;
	struct inbound *inbound = rpc->closing ? NULL : rpc_inbound_create(rpc, INBOUND_OPENING);

	if (inbound == NULL) {
		rpc_count(rpc, METRIC_REFUSED, 1);
		connection_close(connection);
		return;
	}
	inbound->listening = listening;
	inbound->connection = connection;
	connection->handler = &rpc_inbound_handler;
	connection->owner = inbound;
}

int
rpc_listen(struct rpc *rpc, const char *address, struct rpc *const *group, uint32_t group_count,
	   char *ret_address)
{
	static const struct listener_handler handler = {.accepted = accepted};
	struct transport *transport = rpc->env->transport;
	struct listening *listening;
	int rc;

	if (group_count == 0)
		return error_raise(-DER_INVAL, "listening for no loop");
	listening = arena_calloc(rpc->arena, 1, sizeof(*listening));
	if (listening == NULL)
		return -DER_NOMEM;
	listening->rpc = rpc;
	listening->group = group;
	listening->group_count = group_count;
	rc = transport->listen(transport, address, &handler, listening, &listening->listener,
			       ret_address);
	if (rc) {
		arena_free(rpc->arena, listening);
		return rc;
	}
	list_append(&rpc->listening, &listening->link);
	return 0;
}

void
rpc_unlisten(struct rpc *rpc)
{
	struct transport *transport = rpc->env->transport;
	struct list *link;

	while ((link = list_pop(&rpc->listening)) != NULL) {
		struct listening *listening = list_entry(link, struct listening, link);

		transport->unlisten(transport, listening->listener);
		arena_free(rpc->arena, listening);
	}
	LIST_FOR_EACH_SAFE(inbound, &rpc->inbounds)
		if (list_entry(inbound, struct inbound, link)->state == INBOUND_OPENING)
			rpc_inbound_end(list_entry(inbound, struct inbound, link), false);
}
