/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Two worlds on one thread with a connection between them. */
#include "pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "env/linux/host.h"

static void
on_message(struct connection *connection, struct message *message)
{
	struct end *end = connection->owner;

	end->messages++;
	end->bytes += message->length;
	end->last = message->length >= 4 ? load_u32(message->data) : 0;
	end->misaligned |= (uintptr_t)message->data % 8 != 0;
	if (end->hold) {
		if (end->held)
			message_put(end->held);
		end->held = message;
	} else {
		message_put(message);
	}
	if (end->detach && connection_detach(connection, &end->handle) == 0)
		end->connection = NULL;
}

static void
on_closed(struct connection *connection, int reason)
{
	struct end *end = connection->owner;

	end->closed = reason;
	end->closed_calls++;
}

static void
on_accepted(void *owner, struct connection *connection)
{
	struct pair *pair = owner;

	pair->accepted++;
	if (!pair->accept_into || pair->accept_into->connection) {
		connection_close(connection);
		return;
	}
	connection->handler = &pair_handler;
	connection->owner = pair->accept_into;
	pair->accept_into->connection = connection;
}

const struct connection_handler pair_handler = {.message = on_message, .closed = on_closed};
const struct listener_handler pair_listener_handler = {.accepted = on_accepted};

bool
backend_available(enum linux_backend backend)
{
	const struct linux_env_options options = {.backend = backend};
	struct env *env;

	if (linux_env_create(&options, &env))
		return false;
	linux_env_destroy(env);
	return true;
}

void
pair_open(struct pair *pair, enum linux_backend backend,
	  const struct linux_env_options *server_options)
{
	struct linux_env_options options = server_options ? *server_options
							  : (struct linux_env_options){0};

	memset(pair, 0, sizeof(*pair));
	strcpy(pair->directory, "/tmp/cairn-unit-XXXXXX");
	assert_non_null(mkdtemp(pair->directory));
	options.name = "server";
	options.backend = backend;
	assert_int_equal(linux_env_create(&options, &pair->server), 0);
	options = (struct linux_env_options){.name = "client", .backend = backend};
	assert_int_equal(linux_env_create(&options, &pair->client), 0);
}

void
pair_connect(struct pair *pair, bool local)
{
	struct transport *server = pair->server->transport, *client = pair->client->transport;
	char address[128] = "tcp:127.0.0.1:0";

	if (local)
		snprintf(address, sizeof(address), "unix:%s/socket", pair->directory);
	assert_int_equal(server->listen(server, address, &pair_listener_handler, pair,
					&pair->listener, pair->address),
			 0);
	pair->accept_into = &pair->server_end;
	assert_int_equal(client->connect(client, pair->address, 1000000000, &pair_handler,
					 &pair->client_end, &pair->client_end.connection),
			 0);
	POLL_UNTIL(pair, pair->server_end.connection);
}

static void
end_close(struct end *end)
{
	if (end->held)
		message_put(end->held);
	if (end->connection)
		connection_close(end->connection);
	end->held = NULL;
	end->connection = NULL;
}

void
pair_close(struct pair *pair)
{
	end_close(&pair->server_end);
	end_close(&pair->client_end);
	if (pair->listener)
		pair->server->transport->unlisten(pair->server->transport, pair->listener);
	linux_env_destroy(pair->client);
	linux_env_destroy(pair->server);
	assert_int_equal(rmdir(pair->directory), 0);
}

void
pair_poll(struct pair *pair)
{
	pair->client->poller->poll(pair->client->poller, 0);
	pair->server->poller->poll(pair->server->poller, 100000);
}

int
pair_raw(struct pair *pair)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	bool tcp = strncmp(pair->address, "tcp:", 4) == 0;
	int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (tcp) {
		v4.sin_port = htons((uint16_t)atoi(strrchr(pair->address, ':') + 1));
		assert_int_equal(connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
	} else {
		snprintf(local.sun_path, sizeof(local.sun_path), "%.100s", pair->address + 5);
		assert_int_equal(connect(fd, (struct sockaddr *)&local, sizeof(local)), 0);
	}
	return fd;
}

int
send_number(struct connection *connection, uint32_t number, size_t length)
{
	static uint8_t filler[FRAME_MAX];
	uint8_t head[4];
	const struct iovec iov[] = {{head, sizeof(head)}, {filler, length - sizeof(head)}};

	store_u32(head, number);
	return connection_send(connection, iov, 2);
}

uint32_t
descriptors(void)
{
	return linux_descriptor_count();
}
