/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Addresses, listeners and attempts to connect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "env/memory/network.h"

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
		end->connect_deadline = time_after(env->world->now, env_to_world(env, timeout_ns));
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

/* ------------------------------------------------ the end of an env */

/* Of what a crashed process sent, a random beginning arrives; returns how much does not. */
static uint64_t
lose_suffix(struct end *peer)
{
	uint64_t keep = stream_next(&peer->incoming->loss_stream) % (list_length(&peer->inbox) + 1);
	uint64_t lost = 0;

	LIST_FOR_EACH_SAFE(link, &peer->inbox) {
		struct item *item = list_entry(link, struct item, link);

		if (item->kind == ITEM_ACCEPT || keep > 0) {
			keep -= keep > 0;
			continue;
		}
		list_remove(&item->link);
		free(item);
		lost++;
	}
	return lost;
}

static uint64_t
end_drop(struct end *end, bool crash)
{
	uint64_t lost = 0;

	ASSERT(crash || list_empty(&end->transfers));
	if (crash && end->peer)
		lost = lose_suffix(end->peer);
	end_part(end);
	end_release(end);
	return lost;
}

/* A detached connection goes with the env that it came from. */
uint64_t
transport_drop(struct memory_env *env, bool crash)
{
	struct list *message;
	uint64_t lost = 0;

	LIST_FOR_EACH_SAFE(link, &env->world->listeners) {
		struct listener *listener = list_entry(link, struct listener, link);

		if (listener->env == env)
			listener_remove(env->world, listener);
	}
	LIST_FOR_EACH_SAFE(link, &env->world->ends) {
		struct end *end = list_entry(link, struct end, link);

		if (end->env == env)
			lost += end_drop(end, crash);
	}
	while (crash && (message = list_pop(&env->messages)) != NULL)
		free(list_entry(message, struct item, link));
	return lost;
}
