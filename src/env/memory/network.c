/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Ends of connections: what is sent, when it arrives, and how it ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env/memory/network.h"

#define DEFAULT_DELAY_NS 5000

/* ------------------------------------------------ links */

struct link *
world_link(struct memory_world *world, struct memory_node *from, struct memory_node *to)
{
	struct link *found;

	LIST_FOR_EACH(link, &world->links) {
		found = list_entry(link, struct link, link);
		if (found->from == from && found->to == to)
			return found;
	}
	found = memory_take(sizeof(*found));
	found->from = from;
	found->to = to;
	found->delay_ns = DEFAULT_DELAY_NS;
	list_append(&world->links, &found->link);
	return found;
}

/* The link over which an end receives. */
static struct link *
incoming(const struct end *end)
{
	return world_link(end->world, end->remote, end->env->node);
}

/* Counts a frame against an ordered fault; true when it is this one's turn. */
static bool
countdown(uint64_t *left)
{
	return *left > 0 && --*left == 0;
}

/* ------------------------------------------------ ends */

struct item *
item_create(enum item_kind kind, const struct iovec *iov, uint32_t iov_count)
{
	size_t length = iov_length(iov, iov_count);
	struct item *item = memory_take(sizeof(*item) + length);

	item->kind = kind;
	item->length = length;
	iov_copy_out(iov, iov_count, 0, item->data, length);
	return item;
}

static void end_due(struct event *event);

static struct end *
end_create(struct memory_env *env, struct memory_node *remote,
	   const struct peer_credentials *credentials)
{
	struct end *end = memory_take(sizeof(*end));

	end->world = env->world;
	end->env = env;
	end->remote = remote;
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

static void
end_arm_next(struct end *end)
{
	struct list *head = list_first(&end->inbox);
	uint64_t due = head ? list_entry(head, struct item, link)->due : UINT64_MAX;

	if (end->connect_deadline != 0)
		due = min_of(due, end->connect_deadline);
	if (due != UINT64_MAX)
		end_arm(end, max_of(due, end->world->now));
}

static void
end_post_at(struct end *to, struct item *item, uint64_t due)
{
	to->last_due = max_of(to->last_due, due);
	item->due = to->last_due;
	list_append(&to->inbox, &item->link);
	end_arm(to, item->due);
}

void
end_post(struct end *to, struct item *item)
{
	const struct link *link = incoming(to);
	uint64_t delay = link->delay_ns;

	if (link->jitter_ns > 0)
		delay += memory_world_random(to->world) % link->jitter_ns;
	end_post_at(to, item, to->world->now + delay);
}

static struct item *
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

/* The peer learns of the end after all that was sent before. */
static void
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

static void
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

	end->ended = true;
	end->connect_deadline = 0;
	connection->queued = 0;
	bulk_fail_all(end);
	connection->handler->closed(connection, reason);
}

static const struct connection_operations connection_operations;

static void
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

static void
deliver_item(struct end *end, struct item *item)
{
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

/*
 * True when the end is cut off: it is looked at again when the time-out has passed or the link is
 * healed. What this side broke itself it learns nevertheless.
 */
static bool
end_is_cut(struct end *end)
{
	struct link *link = incoming(end);
	uint64_t limit = link->cut_since + CUT_TIMEOUT_NS;

	if (!link->cut || end->ended || end->broken)
		return false;
	if (end->world->now < limit) {
		end_arm(end, end->connect_deadline ? min_of(limit, end->connect_deadline) : limit);
		return true;
	}
	if (end->connection != NULL) {
		end_part(end);
		inbox_clear(end);
		deliver_end(end, -DER_UNREACH);
	}
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
	if (!end_connect_expired(end) && !end_is_cut(end)) {
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
	struct link *link;
	struct item *item;

	if (iov_length(iov, iov_count) > FRAME_MAX)
		return error_raise(-DER_OVERFLOW, "a frame of %zu bytes is longer than %u",
				   iov_length(iov, iov_count), FRAME_MAX);
	if (end->ended)
		return -DER_UNREACH;
	/* It has ended, but this side has not heard of it yet. */
	if (peer == NULL)
		return 0;
	link = incoming(peer);
	if (countdown(&link->drop_countdown)) {
		end_break(end);
		return 0;
	}
	item = item_create(ITEM_FRAME, iov, iov_count);
	if (countdown(&link->damage_countdown) && item->length > 0)
		item->data[memory_world_random(end->world) % item->length] ^= 0x20;
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

/* ------------------------------------------------ the transport */

static bool
address_valid(const char *address)
{
	static const char *const schemes[] = {"memory:", "tcp:", "unix:"};

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t length = strlen(schemes[i]);

		if (strncmp(address, schemes[i], length) == 0)
			return address[length] != '\0' && strlen(address) < ADDRESS_MAX;
	}
	return false;
}

static struct listener *
listener_find(const struct memory_world *world, const char *address)
{
	LIST_FOR_EACH(link, &world->listeners) {
		struct listener *listener = list_entry(link, struct listener, link);

		if (strcmp(listener->address, address) == 0)
			return listener;
	}
	return NULL;
}

/* Writes the address with a port for "tcp:...:0". */
static void
address_bind(struct memory_world *world, const char *address, char *ret_address)
{
	size_t length = strlen(address);

	if (strncmp(address, "tcp:", 4) == 0 && length > 2 &&
	    strcmp(address + length - 2, ":0") == 0)
		snprintf(ret_address, ADDRESS_MAX, "%.*s:%u",
			 (int)min_of(length - 2, (size_t)ADDRESS_MAX - 16), address,
			 world->next_port++);
	else
		snprintf(ret_address, ADDRESS_MAX, "%s", address);
}

static int
transport_listen(struct transport *transport, const char *address,
		 const struct listener_handler *handler, void *owner,
		 struct listener **ret_listener, char *ret_address)
{
	struct memory_env *env = container_of(transport, struct memory_env, transport);
	char bound[ADDRESS_MAX];
	struct listener *listener;

	if (!address_valid(address))
		return error_raise(-DER_INVAL, "\"%s\" is no address", address);
	address_bind(env->world, address, bound);
	if (listener_find(env->world, bound))
		return error_raise(-DER_BUSY, "the address \"%s\" is taken", bound);
	listener = memory_take(sizeof(*listener));
	listener->env = env;
	listener->handler = handler;
	listener->owner = owner;
	memcpy(listener->address, bound, sizeof(bound));
	list_append(&env->world->listeners, &listener->link);
	if (ret_address)
		memcpy(ret_address, bound, sizeof(bound));
	*ret_listener = listener;
	return 0;
}

static void
listener_remove(struct memory_world *world, struct listener *listener)
{
	LIST_FOR_EACH(link, &world->ends) {
		struct end *end = list_entry(link, struct end, link);

		if (end->listener == listener)
			end->listener = NULL;
	}
	list_remove(&listener->link);
	free(listener);
}

static void
transport_unlisten(struct transport *transport, struct listener *listener)
{
	struct memory_env *env = container_of(transport, struct memory_env, transport);

	ASSERT(listener->env == env);
	listener_remove(env->world, listener);
}

static int
transport_connect(struct transport *transport, const char *address, uint64_t timeout_ns,
		  const struct connection_handler *handler, void *owner,
		  struct connection **ret_connection)
{
	static const struct peer_credentials unknown;
	struct memory_env *env = container_of(transport, struct memory_env, transport);
	bool local = strncmp(address, "tcp:", 4) != 0;
	struct listener *listener;
	struct end *end, *other;

	if (!address_valid(address))
		return error_raise(-DER_INVAL, "\"%s\" is no address", address);
	listener = listener_find(env->world, address);
	end = end_create(env, listener ? listener->env->node : env->node,
			 listener && local ? &listener->env->credentials : &unknown);
	connection_create(end, handler, owner);
	*ret_connection = &end->connection->connection;
	if (listener == NULL) {
		end_post(end, item_end());
		return 0;
	}
	other = end_create(listener->env, env->node, local ? &env->credentials : &unknown);
	other->listener = listener;
	end->peer = other;
	other->peer = end;
	end_post(other, item_create(ITEM_ACCEPT, NULL, 0));
	if (timeout_ns != 0) {
		end->connect_deadline = time_after(env->world->now, timeout_ns);
		end_arm(end, end->connect_deadline);
	}
	return 0;
}

static int
transport_adopt(struct transport *transport, void *handle, const struct connection_handler *handler,
		void *owner, struct connection **ret_connection)
{
	struct end *end = handle;

	ASSERT(end->detached);
	end->env = container_of(transport, struct memory_env, transport);
	end->detached = false;
	connection_create(end, handler, owner);
	end_arm_next(end);
	*ret_connection = &end->connection->connection;
	return 0;
}

static void
transport_discard(struct transport *transport, void *handle)
{
	struct end *end = handle;

	(void)transport;
	ASSERT(end->detached);
	end_part(end);
	end_release(end);
}

void
transport_init(struct memory_env *env)
{
	env->transport = (struct transport){
		transport_listen, transport_unlisten, transport_connect,
		transport_adopt,  transport_discard,
	};
	list_init(&env->messages);
}

/* Of what a crashed process sent, a random beginning arrives. */
static void
lose_suffix(struct end *peer)
{
	uint64_t keep = memory_world_random(peer->world) % (list_length(&peer->inbox) + 1);

	LIST_FOR_EACH_SAFE(link, &peer->inbox) {
		struct item *item = list_entry(link, struct item, link);

		if (item->kind == ITEM_ACCEPT || keep > 0) {
			keep -= keep > 0;
			continue;
		}
		list_remove(&item->link);
		free(item);
	}
}

/* A detached connection goes with the env that it came from. */
void
transport_drop(struct memory_env *env, bool crash)
{
	struct list *message;

	LIST_FOR_EACH_SAFE(link, &env->world->listeners) {
		struct listener *listener = list_entry(link, struct listener, link);

		if (listener->env == env)
			listener_remove(env->world, listener);
	}
	LIST_FOR_EACH_SAFE(link, &env->world->ends) {
		struct end *end = list_entry(link, struct end, link);

		if (end->env != env)
			continue;
		ASSERT(crash || list_empty(&end->transfers));
		if (crash && end->peer)
			lose_suffix(end->peer);
		end_part(end);
		end_free(end);
	}
	while (crash && (message = list_pop(&env->messages)) != NULL)
		free(list_entry(message, struct item, link));
}

void
network_free(struct memory_world *world)
{
	struct list *link;

	ASSERT(list_empty(&world->ends) && list_empty(&world->listeners));
	while ((link = list_pop(&world->links)) != NULL)
		free(list_entry(link, struct link, link));
}
