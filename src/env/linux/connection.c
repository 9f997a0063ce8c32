/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of a connection: begun, ended once, closed by its owner, freed when nothing refers to
 * it. */
#include "env/linux/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct backend *
backend_of(const struct linux_connection *self)
{
	return self->transport->env->backend;
}

bool
connection_alive(const struct linux_connection *self)
{
	return self->state == CONNECTION_CONNECTING || self->state == CONNECTION_OPEN;
}

/* ------------------------------------------------ pins */

void
connection_pin(struct linux_connection *self)
{
	self->pins++;
}

void
connection_unpin(struct linux_connection *self)
{
	struct arena *arena = self->transport->env->env.arena;

	ASSERT(self->pins > 0);
	if (--self->pins > 0)
		return;
	ASSERT(self->state == CONNECTION_CLOSED);
	arena_free(arena, self);
}

/* ------------------------------------------------ events */

static void
watch_released(struct watch *watch)
{
	connection_unpin(container_of(watch, struct linux_connection, watch));
}

/* A connect to a free port of this host may meet itself, when the kernel picks that port for this
 * side. */
static bool
connected_to_itself(const struct linux_connection *self)
{
	struct sockaddr_storage here, there;
	socklen_t here_size = sizeof(here), there_size = sizeof(there);

	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	if (self->local || getsockname(self->watch.fd, (struct sockaddr *)&here, &here_size) < 0 ||
	    getpeername(self->watch.fd, (struct sockaddr *)&there, &there_size) < 0)
		return false;
	return here_size == there_size && memcmp(&here, &there, here_size) == 0;
}

/* The kernel has finished to connect, or given up. */
static int
connect_finished(struct linux_connection *self)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(self->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error)
		return error_raise(-DER_UNREACH, "cannot connect: %s", strerror(error));
	if (connected_to_itself(self))
		return error_raise(-DER_UNREACH, "cannot connect: nobody listens there");
	list_remove(&self->connecting_link);
	self->state = CONNECTION_OPEN;
	return 0;
}

static void
watch_ready(struct watch *watch, uint32_t events)
{
	struct linux_connection *self = container_of(watch, struct linux_connection, watch);
	int rc = 0;

	connection_pin(self);
	if (events & WATCH_WRITABLE) {
		if (self->state == CONNECTION_CONNECTING)
			rc = connect_finished(self);
		self->output.blocked = false;
		if (rc == 0 && self->state == CONNECTION_OPEN)
			rc = output_flush(self);
		if (rc)
			connection_end(self, rc);
	}
	if (events & WATCH_HANGUP)
		self->hangup = true;
	if ((events & WATCH_READABLE) && self->state == CONNECTION_OPEN)
		input_receive(self);
	connection_unpin(self);
}

/* ------------------------------------------------ begin */

static void
set_option(int fd, int level, int name, int value)
{
	/* A kernel that lacks one of them works without. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void
tune(const struct linux_transport *transport, int fd)
{
	uint32_t timeout_ms = transport->peer_timeout_ms;

	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)timeout_ms);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)max_of(timeout_ms / 2000, 1u));
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)max_of(timeout_ms / 4000, 1u));
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
}

int
linux_connection_create(struct linux_transport *transport, int fd, bool local,
			struct linux_connection **ret_connection)
{
	struct linux_env *world = transport->env;
	struct linux_connection *self;

	if (world->statistics.connections >= transport->connection_limit)
		return error_raise(-DER_BUSY, "the limit of %u connections is reached",
				   transport->connection_limit);
	self = arena_calloc(world->env.arena, 1, sizeof(*self));
	if (!self)
		return error_raise(-DER_NOMEM, "no memory for a connection");
	self->connection.operations = &linux_connection_operations;
	self->transport = transport;
	self->watch = (struct watch){.fd = fd, .ready = watch_ready, .released = watch_released};
	self->local = local;
	self->next_tag = 1;
	self->pins = 1;
	list_init(&self->output.segments);
	list_init(&self->transfers);
	list_init(&self->transfers_waiting);
	list_append(&transport->connections, &self->link);
	if (!local)
		tune(transport, fd);
	world->statistics.connections++;
	*ret_connection = self;
	return 0;
}

static void
read_credentials(struct linux_connection *self)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (!self->local || getsockopt(self->watch.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	self->connection.credentials = (struct peer_credentials){
		.known = true, .user = peer.uid, .group = peer.gid, .process = peer.pid};
}

int
connection_begin(struct linux_connection *self)
{
	struct backend *backend = backend_of(self);
	int rc = backend->operations->watch_start(backend, &self->watch);

	if (rc)
		return rc;
	connection_pin(self);
	self->watched = true;
	read_credentials(self);
	return 0;
}

/* ------------------------------------------------ end */

void
connection_defer(struct linux_connection *self)
{
	if (!list_linked(&self->deferred_link))
		list_append(&self->transport->deferred, &self->deferred_link);
}

void
connection_mark_dirty(struct linux_connection *self)
{
	if (self->state == CONNECTION_OPEN && !self->output.blocked &&
	    !list_linked(&self->dirty_link))
		list_append(&self->transport->dirty, &self->dirty_link);
}

static void
unlink_all(struct linux_connection *self)
{
	list_remove(&self->dirty_link);
	list_remove(&self->deferred_link);
	list_remove(&self->connecting_link);
}

static void
stop_watching(struct linux_connection *self)
{
	struct backend *backend = backend_of(self);

	if (self->watched)
		backend->operations->watch_stop(backend, &self->watch);
	self->watched = false;
}

/* Everything but the memory, the regions and the owner. */
static void
let_go(struct linux_connection *self)
{
	unlink_all(self);
	if (self->watch.fd >= 0) {
		/* A request in the ring keeps the socket itself alive for a while after its
		 * descriptor is gone. */
		shutdown(self->watch.fd, SHUT_RDWR);
		stop_watching(self);
		close(self->watch.fd);
		self->watch.fd = -1;
	}
	list_remove(&self->link);
	self->transport->env->statistics.connections--;
	output_drop(self);
	input_drop(self);
	linux_bulk_fail_all(self);
}

static void
tell_owner(struct linux_connection *self)
{
	self->state = CONNECTION_ENDED;
	self->connection.handler->closed(&self->connection, self->reason);
}

void
connection_end(struct linux_connection *self, int reason)
{
	if (!connection_alive(self))
		return;
	connection_pin(self);
	self->state = CONNECTION_FAILED;
	self->reason = reason;
	let_go(self);
	tell_owner(self);
	connection_unpin(self);
}

void
connection_fail_later(struct linux_connection *self, int reason)
{
	if (!connection_alive(self))
		return;
	self->state = CONNECTION_FAILED;
	self->reason = reason;
	connection_pin(self);
	let_go(self);
	connection_defer(self);
	connection_unpin(self);
}

void
connection_attend(struct linux_connection *self)
{
	connection_pin(self);
	if (self->state == CONNECTION_FAILED)
		tell_owner(self);
	else if (self->state == CONNECTION_OPEN && input_deliver(self))
		input_receive(self);
	connection_unpin(self);
}

static void
close_connection(struct connection *connection)
{
	struct linux_connection *self = connection_of(connection);

	ASSERT(self->state != CONNECTION_CLOSED);
	/* What was sent last goes out as far as the kernel takes it. */
	if (self->state == CONNECTION_OPEN && !self->output.blocked)
		(void)!output_flush(self);
	if (connection_alive(self)) {
		self->state = CONNECTION_CLOSED;
		let_go(self);
	}
	self->state = CONNECTION_CLOSED;
	unlink_all(self);
	bulk_free_regions(self);
	connection_unpin(self);
}

/* ------------------------------------------------ from one loop to another */

static bool
detachable(struct linux_connection *self)
{
	if (self->state != CONNECTION_OPEN || self->input.bulk.active || self->transfer_count > 0 ||
	    self->regions_used > 0)
		return false;
	return list_empty(&self->output.segments) ||
	       (!self->output.blocked && output_flush(self) == 0 &&
		list_empty(&self->output.segments));
}

int
connection_detach_handle(struct connection *connection, void **ret_handle)
{
	struct linux_connection *self = connection_of(connection);
	size_t length = self->input.end - self->input.begin;
	struct detached *handle;

	if (!detachable(self))
		return error_raise(-DER_BUSY, "a connection in use cannot change its loop");
	/* Of no loop's arena: it passes from one thread to another. */
	handle = malloc(sizeof(*handle) + length);
	if (!handle)
		return error_raise(-DER_NOMEM, "no memory to detach a connection");
	*handle = (struct detached){.fd = self->watch.fd, .local = self->local, .length = length};
	handle->skip = self->input.skip;
	handle->received = self->input.received;
	if (length > 0)
		memcpy(handle->data, self->input.chunk->data + self->input.begin, length);
	stop_watching(self);
	self->watch.fd = -1;
	close_connection(connection);
	*ret_handle = handle;
	return 0;
}

int
connection_adopt_handle(struct linux_transport *transport, struct detached *handle,
			struct linux_connection **ret_connection)
{
	struct linux_connection *self;
	int rc = linux_connection_create(transport, handle->fd, handle->local, &self);

	if (rc)
		return rc;
	rc = input_restore(self, handle);
	if (rc == 0)
		rc = connection_begin(self);
	if (rc) {
		self->watch.fd = -1;
		close_connection(&self->connection);
		return rc;
	}
	self->state = CONNECTION_OPEN;
	connection_defer(self);
	free(handle);
	*ret_connection = self;
	return 0;
}

const struct connection_operations linux_connection_operations = {
	.send = connection_send_frame,
	.close = close_connection,
	.bulk_register = linux_bulk_register,
	.bulk_deregister = linux_bulk_deregister,
	.bulk_transfer = linux_bulk_transfer,
	.detach = connection_detach_handle,
};
