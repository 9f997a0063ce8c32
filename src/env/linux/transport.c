/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Listening, accepting, connecting, and what the poller asks of all connections. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "env/linux/address.h"
#include "env/linux/connection.h"

#define LISTEN_BACKLOG 1024
/* Connections accepted in one turn from one listener. */
#define ACCEPT_BATCH 256u
/* A full queue of a Unix listener is asked again after so long. */
#define CONNECT_RETRY_NS 2000000u

struct listener {
	struct linux_transport *transport;
	struct watch watch;
	struct list link;
	const struct listener_handler *handler;
	void *owner;
	bool local;
	bool again; /* there may be more to accept without an event */
	bool busy;  /* accepting */
	bool closed;
	bool released; /* by the back-end */
	struct address address;
	dev_t device; /* of the socket file */
	ino_t inode;
};

static struct linux_transport *
transport_of(struct transport *transport)
{
	return container_of(transport, struct linux_transport, transport);
}

/* ------------------------------------------------ accepting */

static void
listener_free(struct listener *listener)
{
	if (listener->closed && listener->released && !listener->busy)
		arena_free(listener->transport->env->env.arena, listener);
}

static void
listener_released(struct watch *watch)
{
	struct listener *listener = container_of(watch, struct listener, watch);

	listener->released = true;
	listener_free(listener);
}

static void
refuse(struct linux_transport *transport, const char *why)
{
	struct linux_statistics *statistics = &transport->env->statistics;

	statistics->refused++;
	/* One line for the 1st, 2nd, 4th, ... */
	if (statistics->refused < 2 * transport->refused_said)
		return;
	transport->refused_said = statistics->refused;
	log_warning("connections refused so far: %llu, because %s",
		    (unsigned long long)statistics->refused, why);
}

/* Out of descriptors: takes one connection with the reserve and drops it, so that its peer learns
 * of it. */
static void
drop_one(struct listener *listener)
{
	struct linux_transport *transport = listener->transport;
	int fd;

	if (transport->reserve >= 0)
		close(transport->reserve);
	fd = accept4(listener->watch.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	transport->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	refuse(transport, "out of file descriptors");
}

static void
welcome(struct listener *listener, int fd)
{
	struct linux_connection *self;
	int rc = linux_connection_create(listener->transport, fd, listener->local, &self);

	if (rc) {
		close(fd);
		refuse(listener->transport, error_text(rc));
		return;
	}
	rc = connection_begin(self);
	if (rc) {
		error_log(LOG_WARNING, rc, "cannot take a connection");
		self->state = CONNECTION_OPEN;
		self->connection.operations->close(&self->connection);
		return;
	}
	self->state = CONNECTION_OPEN;
	connection_pin(self);
	listener->handler->accepted(listener->owner, &self->connection);
	ASSERT(self->state == CONNECTION_CLOSED || self->connection.handler);
	connection_unpin(self);
}

/* Accepts one. False when there is none left. */
static bool
accept_one(struct listener *listener)
{
	int fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		welcome(listener, fd);
	else if (errno == EMFILE || errno == ENFILE)
		drop_one(listener);
	else
		/* Connections that died in the queue are passed over. */
		return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
	return true;
}

static void
accept_all(struct listener *listener)
{
	uint32_t count = 0;

	listener->busy = true;
	while (count < ACCEPT_BATCH && !listener->closed && accept_one(listener))
		count++;
	listener->again = count == ACCEPT_BATCH;
	listener->busy = false;
	listener_free(listener);
}

static void
listener_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	accept_all(container_of(watch, struct listener, watch));
}

/* ------------------------------------------------ listening */

/* Whether a process listens on the socket file. */
static bool
listener_alive(const struct address *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool alive;

	if (fd < 0)
		return true;
	/* Refused: the file is left over. Any other answer is left to a human being. */
	alive = connect(fd, (const struct sockaddr *)&address->storage, address->length) == 0 ||
		errno != ECONNREFUSED;
	close(fd);
	return alive;
}

static int
bind_socket(int fd, const struct address *address, const char *text)
{
	const struct sockaddr_un *path = (const struct sockaddr_un *)&address->storage;
	const struct sockaddr *name = (const struct sockaddr *)&address->storage;
	struct stat status;

	if (bind(fd, name, address->length) == 0)
		return 0;
	if (errno == EADDRINUSE && address_local(address) && stat(path->sun_path, &status) == 0 &&
	    S_ISSOCK(status.st_mode) && !listener_alive(address) && unlink(path->sun_path) == 0 &&
	    bind(fd, name, address->length) == 0)
		return 0;
	if (errno == EADDRINUSE || (address_local(address) && stat(path->sun_path, &status) == 0))
		return error_raise(-DER_BUSY, "%s is in use", text);
	if (errno == EADDRNOTAVAIL)
		return error_raise(-DER_INVAL, "%s is no address of this host", text);
	return error_raise(error_from_errno(errno), "cannot bind %s: %s", text, strerror(errno));
}

/* A bound and listening socket; *address gets the port that was picked. */
static int
listen_socket(struct address *address, const char *text, int *ret_fd)
{
	int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int yes = 1;
	int rc;

	if (fd < 0)
		return error_raise(error_from_errno(errno), "cannot make a socket for %s: %s", text,
				   strerror(errno));
	if (!address_local(address))
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	rc = bind_socket(fd, address, text);
	if (rc == 0 && listen(fd, LISTEN_BACKLOG) < 0)
		rc = error_raise(errno == EADDRINUSE ? -DER_BUSY : error_from_errno(errno),
				 "cannot listen on %s: %s", text, strerror(errno));
	if (rc == 0 && !address_local(address))
		getsockname(fd, (struct sockaddr *)&address->storage, &address->length);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

static void
note_file(struct listener *listener)
{
	const struct sockaddr_un *path = (const struct sockaddr_un *)&listener->address.storage;
	struct stat status;

	if (!listener->local || stat(path->sun_path, &status) < 0)
		return;
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
}

/* Removes the socket file, unless it is another one by now. */
static void
remove_file(const struct listener *listener)
{
	const struct sockaddr_un *path = (const struct sockaddr_un *)&listener->address.storage;
	struct stat status;

	if (listener->local && stat(path->sun_path, &status) == 0 &&
	    status.st_dev == listener->device && status.st_ino == listener->inode)
		unlink(path->sun_path);
}

static void
listener_close(struct listener *listener)
{
	struct backend *backend = listener->transport->env->backend;
	int fd = listener->watch.fd;

	remove_file(listener);
	list_remove(&listener->link);
	listener->closed = true;
	shutdown(fd, SHUT_RDWR);
	/* The last use of listener. */
	backend->operations->watch_stop(backend, &listener->watch);
	close(fd);
}

static int
listen_on(struct transport *transport, const char *text, const struct listener_handler *handler,
	  void *owner, struct listener **ret_listener, char *ret_address)
{
	struct linux_transport *self = transport_of(transport);
	struct backend *backend = self->env->backend;
	struct listener *listener;
	struct address address;
	int rc = address_parse(text, &address), fd = -1;

	if (rc)
		return rc;
	rc = listen_socket(&address, text, &fd);
	if (rc)
		return rc;
	listener = arena_calloc(self->env->env.arena, 1, sizeof(*listener));
	if (!listener) {
		close(fd);
		return error_raise(-DER_NOMEM, "no memory to listen");
	}
	listener->transport = self;
	listener->watch =
		(struct watch){.fd = fd, .ready = listener_ready, .released = listener_released};
	listener->handler = handler;
	listener->owner = owner;
	listener->local = address_local(&address);
	listener->address = address;
	note_file(listener);
	list_append(&self->listeners, &listener->link);
	rc = backend->operations->watch_start(backend, &listener->watch);
	if (rc) {
		listener_close(listener);
		return rc;
	}
	if (ret_address)
		address_format(&address, ret_address);
	*ret_listener = listener;
	return 0;
}

static void
unlisten(struct transport *transport, struct listener *listener)
{
	(void)transport;
	listener_close(listener);
}

/* ------------------------------------------------ connecting */

/* Asks the kernel to connect. 0 when it is at it or done; errors arrive at handler->closed(). */
static int
start_connect(struct linux_connection *self)
{
	struct backend *backend = self->transport->env->backend;
	int rc = connect(self->watch.fd, (const struct sockaddr *)&self->address,
			 self->address_length);

	self->retry = rc < 0 && errno == EAGAIN && self->local;
	if (self->retry)
		return 0;
	if (rc < 0 && errno != EINPROGRESS && errno != EINTR)
		return error_raise(-DER_UNREACH, "cannot connect: %s", strerror(errno));
	rc = connection_begin(self);
	if (rc == 0)
		backend->operations->watch_writable(backend, &self->watch);
	return rc;
}

static int
connect_to(struct transport *transport, const char *text, uint64_t timeout_ns,
	   const struct connection_handler *handler, void *owner,
	   struct connection **ret_connection)
{
	struct linux_transport *self = transport_of(transport);
	struct linux_connection *connection;
	struct address address;
	int rc = address_parse(text, &address), fd = -1;

	if (rc)
		return rc;
	fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_raise(error_from_errno(errno), "cannot make a socket for %s: %s", text,
				   strerror(errno));
	rc = linux_connection_create(self, fd, address_local(&address), &connection);
	if (rc) {
		close(fd);
		return rc;
	}
	connection->connection.handler = handler;
	connection->connection.owner = owner;
	connection->address = address.storage;
	connection->address_length = address.length;
	if (timeout_ns)
		connection->deadline = env_monotonic(&self->env->env) + timeout_ns;
	list_append(&self->connecting, &connection->connecting_link);
	rc = start_connect(connection);
	if (rc)
		connection_fail_later(connection, rc);
	*ret_connection = &connection->connection;
	return 0;
}

/* Deadlines and retries of the connections that are not there yet. */
static void
look_at_connecting(struct linux_transport *self)
{
	uint64_t now;

	if (list_empty(&self->connecting))
		return;
	now = env_monotonic(&self->env->env);
	LIST_FOR_EACH_SAFE(link, &self->connecting) {
		struct linux_connection *connection =
			list_entry(link, struct linux_connection, connecting_link);
		int rc = 0;

		if (connection->retry)
			rc = start_connect(connection);
		if (rc == 0 && connection->deadline && connection->deadline <= now)
			rc = error_raise(-DER_UNREACH, "cannot connect: no answer in time");
		/* Told by the next poll: an owner may change this list. */
		if (rc)
			connection_fail_later(connection, rc);
	}
}

uint64_t
transport_timeout(struct linux_transport *self, uint64_t timeout_ns)
{
	uint64_t now;

	if (timeout_ns == 0 || list_empty(&self->connecting))
		return timeout_ns;
	now = env_monotonic(&self->env->env);
	LIST_FOR_EACH(link, &self->connecting) {
		const struct linux_connection *connection =
			list_entry(link, const struct linux_connection, connecting_link);

		if (connection->retry)
			timeout_ns = min_of(timeout_ns, (uint64_t)CONNECT_RETRY_NS);
		if (connection->deadline)
			timeout_ns = min_of(timeout_ns, connection->deadline > now
								? connection->deadline - now
								: 0);
	}
	return timeout_ns;
}

/* ------------------------------------------------ for the poller */

void
transport_flush(struct linux_transport *self)
{
	struct list dirty = {0};
	struct list *link;

	/* What a budget leaves over comes to the list again and waits for the next turn. */
	list_splice(&dirty, &self->dirty);
	while ((link = list_first(&dirty))) {
		struct linux_connection *connection =
			list_entry(link, struct linux_connection, dirty_link);
		int rc = output_flush(connection);

		if (rc)
			connection_fail_later(connection, rc);
	}
}

bool
transport_pending(const struct linux_transport *self)
{
	if (!list_empty(&self->dirty) || !list_empty(&self->deferred))
		return true;
	LIST_FOR_EACH(link, &self->listeners)
		if (list_entry(link, const struct listener, link)->again)
			return true;
	return false;
}

static void
accept_more(struct linux_transport *self)
{
	/* One at a time: an owner may change the list. */
	LIST_FOR_EACH(link, &self->listeners) {
		struct listener *listener = list_entry(link, struct listener, link);

		if (listener->again) {
			accept_all(listener);
			return;
		}
	}
}

void
transport_deliver(struct linux_transport *self)
{
	struct list deferred = {0};
	struct list *link;

	list_splice(&deferred, &self->deferred);
	while ((link = list_pop(&deferred)))
		connection_attend(list_entry(link, struct linux_connection, deferred_link));
	accept_more(self);
	look_at_connecting(self);
}

/* ------------------------------------------------ adopt, init, fini */

static int
adopt_handle(struct transport *transport, void *handle, const struct connection_handler *handler,
	     void *owner, struct connection **ret_connection)
{
	struct linux_connection *self;
	int rc = connection_adopt_handle(transport_of(transport), handle, &self);

	if (rc)
		return rc;
	self->connection.handler = handler;
	self->connection.owner = owner;
	*ret_connection = &self->connection;
	return 0;
}

static void
discard(struct transport *transport, void *handle)
{
	struct detached *detached = handle;

	(void)transport;
	shutdown(detached->fd, SHUT_RDWR);
	close(detached->fd);
	free(detached);
}

int
linux_transport_init(struct linux_env *world, const struct linux_env_options *options)
{
	struct linux_transport *self = &world->transport;

	self->transport = (struct transport){.listen = listen_on,
					     .unlisten = unlisten,
					     .connect = connect_to,
					     .adopt = adopt_handle,
					     .discard = discard};
	self->env = world;
	self->connection_limit = options->connection_limit ? options->connection_limit : 4096;
	self->queued_limit = options->queued_limit ? options->queued_limit : 64u * 1024 * 1024;
	self->peer_timeout_ms = options->peer_timeout_ms ? options->peer_timeout_ms : 10000;
	list_init(&self->connections);
	list_init(&self->listeners);
	list_init(&self->dirty);
	list_init(&self->deferred);
	list_init(&self->connecting);
	chunk_pool_init(&self->chunks, world->env.arena);
	self->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (self->reserve < 0)
		return error_raise(error_from_errno(errno), "cannot open /dev/null: %s",
				   strerror(errno));
	return 0;
}

void
transport_fini(struct linux_env *world)
{
	struct linux_transport *self = &world->transport;
	struct list *link;

	self->ending = true;
	while ((link = list_first(&self->listeners)))
		listener_close(list_entry(link, struct listener, link));
	while ((link = list_first(&self->connections))) {
		struct connection *connection =
			&list_entry(link, struct linux_connection, link)->connection;

		connection->operations->close(connection);
	}
	chunk_pool_fini(&self->chunks);
	close(self->reserve);
}
