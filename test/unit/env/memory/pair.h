/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Two nodes, "server" and "client", with a connection: for the tests of the network in memory. */
#pragma once

#include "fixture.h"

#define SECOND 1000000000ull

struct side {
	struct connection *connection;
	unsigned received;
	unsigned damaged;
	unsigned closed;
	uint64_t closed_at;
	struct env *env;
};

struct pair {
	struct memory_world *world;
	struct env *envs[2]; /* of nodes "server" and "client" */
	struct loop *loops[2];
	struct listener *listener;
	struct side server, client;
};

/* A good frame is eight times 'x'. */
static inline void
on_message(struct connection *connection, struct message *message)
{
	struct side *side = connection->owner;

	side->received++;
	side->damaged += message->length != 8 || memcmp(message->data, "xxxxxxxx", 8) != 0;
	message_put(message);
}

static inline void
on_closed(struct connection *connection, int reason)
{
	struct side *side = connection->owner;

	assert_int_equal(reason, -DER_UNREACH);
	side->closed++;
	side->closed_at = env_monotonic(side->env);
}

static const struct connection_handler handler = {on_message, on_closed};

static inline void
on_accepted(void *owner, struct connection *connection)
{
	struct pair *pair = owner;

	pair->server.connection = connection;
	connection->handler = &handler;
	connection->owner = &pair->server;
}

static const struct listener_handler listener_handler = {on_accepted};

static inline bool
never(void *argument)
{
	(void)argument;
	return false;
}

static inline void
pass(struct pair *pair, uint64_t nanoseconds)
{
	uint32_t count = pair->envs[1] ? 2 : 1;

	assert_int_equal(memory_world_run(pair->world, pair->loops, count, never, NULL,
					  nanoseconds),
			 -DER_TIMEDOUT);
}

static inline void
client_connect(struct pair *pair, uint64_t timeout_ns)
{
	struct transport *transport = pair->envs[1]->transport;

	assert_int_equal(transport->connect(transport, "memory:server", timeout_ns, &handler,
					    &pair->client, &pair->client.connection),
			 0);
}

static inline void
pair_open(struct pair *pair, uint64_t seed)
{
	static const char *const names[] = {"server", "client"};

	*pair = (struct pair){0};
	assert_int_equal(memory_world_create(seed, &pair->world), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct memory_env_options options = {.node = names[i]};

		assert_int_equal(memory_env_create(pair->world, &options, &pair->envs[i]), 0);
		assert_int_equal(loop_create(pair->envs[i], NULL, &pair->loops[i]), 0);
	}
	pair->server.env = pair->envs[0];
	pair->client.env = pair->envs[1];
	assert_int_equal(pair->envs[0]->transport->listen(pair->envs[0]->transport, "memory:server",
							  &listener_handler, pair, &pair->listener,
							  NULL),
			 0);
}

static inline void
pair_open_connected(struct pair *pair, uint64_t seed)
{
	pair_open(pair, seed);
	client_connect(pair, SECOND);
	pass(pair, SECOND / 10);
	assert_non_null(pair->server.connection);
	assert_int_equal(memory_node_connections(pair->world, "client"), 1);
}

static inline void
pair_close(struct pair *pair)
{
	if (pair->server.connection)
		connection_close(pair->server.connection);
	if (pair->envs[1]) {
		connection_close(pair->client.connection);
		loop_destroy(pair->loops[1]);
		memory_env_destroy(pair->envs[1]);
	}
	pair->envs[0]->transport->unlisten(pair->envs[0]->transport, pair->listener);
	loop_destroy(pair->loops[0]);
	memory_env_destroy(pair->envs[0]);
	assert_int_equal(memory_node_connections(pair->world, "server"), 0);
	memory_world_destroy(pair->world);
}

static inline void
send_frames(struct side *side, unsigned count)
{
	char frame[] = "xxxxxxxx";
	struct iovec iov = {frame, 8};

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(connection_send(side->connection, &iov, 1), 0);
}
