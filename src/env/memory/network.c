/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Ends of connections: what is sent, in which order it arrives, and how it ends. */
#include <stdlib.h>
#include <string.h>

#include "env/memory/network.h"

/* ------------------------------------------------ ends */

struct item *
item_create_raw(enum item_kind kind, size_t length)
{
	struct item *item = memory_take_raw(sizeof(*item) + length);

	*item = (struct item){.kind = kind, .length = length};
	return item;
}

struct item *
item_create(enum item_kind kind, const struct iovec *iov, uint32_t iov_count)
{
	size_t length = iov_length(iov, iov_count);
	struct item *item = item_create_raw(kind, length);

	iov_copy_out(iov, iov_count, 0, item->data, length);
	return item;
}

static void end_due(struct event *event);

struct end *
end_create(struct memory_env *env, struct memory_node *remote,
	   const struct peer_credentials *credentials)
{
	struct end *end = memory_take(sizeof(*end));

	end->world = env->world;
	end->env = env;
	end->remote = remote;
	end->incoming = world_link(env->world, remote, env->node);
	end->credentials = *credentials;
	end->event.fire = end_due;
	list_init(&end->inbox);
	list_init(&end->regions);
	list_init(&end->transfers);
	list_append(&env->world->ends, &end->link);
	return end;
}

void
end_arm(struct end *end, uint64_t due)
{
	if (end->detached)
		return;
	if (end->event.env != NULL && end->event.node.key <= due)
		return;
	event_disarm(&end->event);
	event_arm(&end->event, end->env, due);
}

void
end_arm_next(struct end *end)
{
	struct list *head = list_first(&end->inbox);
	uint64_t due = head ? list_entry(head, struct item, link)->due : UINT64_MAX;

	if (end->connect_deadline != 0)
		due = min_of(due, end->connect_deadline);
	if (due != UINT64_MAX)
		end_arm(end, max_of(due, end->world->now));
}

static bool
item_is_bulk(const struct item *item)
{
	return item->kind == ITEM_BULK_READ || item->kind == ITEM_BULK_WRITE ||
	       item->kind == ITEM_BULK_RESULT;
}

/* Bytes that travel; the length of a request to read is that of its answer. */
static uint64_t
item_carries(const struct item *item)
{
	return item->kind == ITEM_BULK_READ ? 0 : item->length;
}

/* Behind all that is due no later. */
static void
inbox_insert(struct end *end, struct item *item)
{
	struct list *position = &end->inbox;

	while (position->previous != &end->inbox &&
	       list_entry(position->previous, struct item, link)->due > item->due)
		position = position->previous;
	list_insert_before(position, &item->link);
	end_arm(end, item->due);
}

static void
end_post_at(struct end *to, struct item *item, uint64_t due)
{
	to->last_due = max_of(to->last_due, due);
	item->due = to->last_due;
	inbox_insert(to, item);
}

/* What is late holds up nothing but later bulk. */
static void
end_post_bulk(struct end *to, struct item *item, uint64_t due)
{
	uint64_t late = link_bulk_lateness(to->incoming, item_carries(item));

	due = max_of(to->last_due, due);
	if (late == 0)
		to->last_due = due;
	to->last_bulk_due = max_of(to->last_bulk_due, time_after(due, late));
	item->due = to->last_bulk_due;
	link_damage_bulk(to->incoming, item->data, item_carries(item));
	inbox_insert(to, item);
}

void
end_post(struct end *to, struct item *item)
{
	uint64_t due = link_due(to->incoming, item_carries(item));

	if (item_is_bulk(item))
		end_post_bulk(to, item, due);
	else
		end_post_at(to, item, due);
}

struct item *
item_end(void)
{
	struct item *item = item_create(ITEM_END, NULL, 0);

	item->result = -DER_UNREACH;
	return item;
}

static void
inbox_clear(struct end *end)
{
	struct list *link;

	while ((link = list_pop(&end->inbox)) != NULL)
		free(list_entry(link, struct item, link));
}

void
end_part(struct end *end)
{
	struct end *peer = end->peer;

	if (peer == NULL)
		return;
	end->peer = NULL;
	peer->peer = NULL;
	if (peer->connection)
		peer->connection->connection.queued = 0;
	if (end->connection)
		end->connection->connection.queued = 0;
	end_post(peer, item_end());
}

void
end_break(struct end *end)
{
	end_part(end);
	inbox_clear(end);
	end->connect_deadline = 0;
	end->broken = true;
	end->last_due = end->world->now;
	end_post_at(end, item_end(), end->world->now);
	end_arm(end, end->world->now);
}

/* Frees the end's own half; the peer has been told. */
static void
end_free(struct end *end)
{
	event_disarm(&end->event);
	inbox_clear(end);
	bulk_forget(end);
	list_remove(&end->link);
	free(end->connection);
	free(end);
}

void
end_release(struct end *end)
{
	if (end->dispatching)
		end->dead = true;
	else
		end_free(end);
}

/* ------------------------------------------------ arrival */

static void
message_free(struct message *message)
{
	struct item *item = container_of(message, struct item, message);

	list_remove(&item->link);
	free(item);
}

/* Hands the frame to its handler, which may close or detach the connection. */
static void
deliver_frame(struct end *end, struct item *item)
{
	struct connection *connection = &end->connection->connection;

	if (end->peer && end->peer->connection)
		end->peer->connection->connection.queued -= item->length;
	item->message.data = item->data;
	item->message.length = item->length;
	item->message.put = message_free;
	list_append(&end->env->messages, &item->link);
	connection->handler->message(connection, &item->message);
}

static void
deliver_end(struct end *end, int reason)
{
	struct connection *connection = &end->connection->connection;

	world_note(end->world, end->env->node, NOTE_ARRIVAL | ITEM_END, (uint64_t)reason);
	end->ended = true;
	end->connect_deadline = 0;
	connection->queued = 0;
	bulk_fail_all(end);
	connection->handler->closed(connection, reason);
}

static const struct connection_operations connection_operations;

void
connection_create(struct end *end, const struct connection_handler *handler, void *owner)
{
	struct memory_connection *connection = memory_take(sizeof(*connection));

	connection->connection.operations = &connection_operations;
	connection->connection.handler = handler;
	connection->connection.owner = owner;
	connection->connection.credentials = end->credentials;
	connection->end = end;
	end->connection = connection;
}

static void
deliver_accept(struct end *end)
{
	struct listener *listener = end->listener;

	/* The listener went away before anybody took the connection. */
	if (listener == NULL) {
		end_part(end);
		end->dead = true;
		return;
	}
	end->listener = NULL;
	if (end->peer)
		end->peer->connect_deadline = 0;
	connection_create(end, NULL, NULL);
	listener->handler->accepted(listener->owner, &end->connection->connection);
	ASSERT(end->dead || end->connection->connection.handler != NULL);
}

/* deliver_end() notes itself. */
static void
note_item(const struct end *end, const struct item *item)
{
	uint64_t content = crc32c(0, item->data, item_carries(item));

	if (item_is_bulk(item))
		content = hash_combine(hash_combine(content, item->key),
				       hash_combine(item->offset, (uint64_t)item->result));
	world_note(end->world, end->env->node, NOTE_ARRIVAL | item->kind,
		   hash_combine(content, item->length));
}

static void
deliver_item(struct end *end, struct item *item)
{
	if (item->kind != ITEM_END)
		note_item(end, item);
	switch (item->kind) {
	case ITEM_ACCEPT:
		deliver_accept(end);
		break;
	case ITEM_FRAME:
		deliver_frame(end, item);
		return;
	case ITEM_BULK_READ:
	case ITEM_BULK_WRITE:
		bulk_serve(end, item);
		break;
	case ITEM_BULK_RESULT:
		bulk_finish(end, item);
		break;
	case ITEM_END:
		deliver_end(end, item->result);
		break;
	}
	free(item);
}

static bool
has_arrivals(const struct end *end)
{
	const struct list *head = list_first(&end->inbox);

	return head && list_entry(head, const struct item, link)->due <= end->world->now;
}

/* Looks again when an attempt to connect runs out, at the latest at `limit`. */
static void
look_again(struct end *end, uint64_t limit)
{
	uint64_t due = end->connect_deadline ? min_of(limit, end->connect_deadline) : limit;

	if (due != UINT64_MAX)
		end_arm(end, due);
}

static void
end_time_out(struct end *end)
{
	link_strike(end->incoming, MEMORY_FAULT_CUT_TIMEOUT, 0, 0);
	end_part(end);
	inbox_clear(end);
	deliver_end(end, -DER_UNREACH);
}

/*
 * True when nothing reaches the end: it is looked at again when the time-out of a cut has passed or
 * the link is healed. What this side broke itself it learns nevertheless.
 */
static bool
end_is_shut(struct end *end)
{
	struct link_faults *faults = &end->incoming->faults;
	uint64_t limit = faults->cut.active ? end->incoming->cut_since + CUT_TIMEOUT_NS
					    : UINT64_MAX;

	if (!(faults->cut.active || faults->clog.active) || end->ended || end->broken)
		return false;
	if (faults->cut.active && has_arrivals(end))
		link_keeps_back(end->incoming, &faults->cut, MEMORY_FAULT_CUT);
	if (faults->clog.active && has_arrivals(end))
		link_keeps_back(end->incoming, &faults->clog, MEMORY_FAULT_CLOG);
	if (end->world->now < limit)
		look_again(end, limit);
	else if (end->connection != NULL)
		end_time_out(end);
	return true;
}

/* Whether the connection attempt ran out of time; the attempt then has ended. */
static bool
end_connect_expired(struct end *end)
{
	if (end->connect_deadline == 0 || end->world->now < end->connect_deadline)
		return false;
	end_part(end);
	inbox_clear(end);
	deliver_end(end, -DER_UNREACH);
	return true;
}

static void
end_dispatch(struct end *end)
{
	uint32_t generation = end->generation;
	struct list *head;

	while ((head = list_first(&end->inbox)) != NULL) {
		struct item *item = list_entry(head, struct item, link);

		if (item->due > end->world->now)
			break;
		list_remove(head);
		deliver_item(end, item);
		if (end->dead || end->generation != generation)
			return;
	}
}

static void
end_due(struct event *event)
{
	struct end *end = container_of(event, struct end, event);
	uint32_t generation = end->generation;

	end->dispatching = true;
	if (!end_connect_expired(end) && !end_is_shut(end)) {
		end_dispatch(end);
		if (!end->dead && end->generation == generation)
			end_arm_next(end);
	}
	end->dispatching = false;
	if (end->dead)
		end_free(end);
}

/* ------------------------------------------------ the operations of a connection */

static int
connection_send_frame(struct connection *connection, const struct iovec *iov, uint32_t iov_count)
{
	struct end *end = end_of(connection);
	struct end *peer = end->peer;
	size_t length = iov_length(iov, iov_count);
	struct item *item;

	if (length > FRAME_MAX)
		return error_raise(-DER_OVERFLOW, "a frame of %zu bytes is longer than %u", length,
				   FRAME_MAX);
	if (end->ended)
		return -DER_UNREACH;
	/* It has ended, but this side has not heard of it yet. */
	if (peer == NULL)
		return 0;
	if (link_drops(peer->incoming, length)) {
		end_break(end);
		return 0;
	}
	item = item_create(ITEM_FRAME, iov, iov_count);
	link_damage_frame(peer->incoming, item->data, item->length);
	connection->queued += item->length;
	end_post(peer, item);
	return 0;
}

static void
connection_close_end(struct connection *connection)
{
	struct end *end = end_of(connection);

	bulk_fail_all(end);
	end_part(end);
	event_disarm(&end->event);
	end_release(end);
}

static int
connection_detach_end(struct connection *connection, void **ret_handle)
{
	struct end *end = end_of(connection);

	if (connection->queued > 0 || !list_empty(&end->regions) || !list_empty(&end->transfers))
		return error_raise(-DER_BUSY,
				   "a connection with work under way cannot change its loop");
	event_disarm(&end->event);
	end->generation++;
	end->detached = true;
	free(end->connection);
	end->connection = NULL;
	*ret_handle = end;
	return 0;
}

static const struct connection_operations connection_operations = {
	.send = connection_send_frame,
	.close = connection_close_end,
	.bulk_register = bulk_register,
	.bulk_deregister = bulk_deregister,
	.bulk_transfer = bulk_transfer,
	.detach = connection_detach_end,
};
