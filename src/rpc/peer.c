/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Peers: the loops of engines that this loop calls, each over one connection, which is made when
 * first needed and again after a loss. Slots are the credits of the connection.
 */
#include <stdio.h>

#include "rpc/internal.h"

/* ------------------------------------------------ slots */

static int
slots_init(struct rpc_peer *peer, uint32_t credits)
{
	uint32_t slots = min_of(credits, CREDITS_LIMIT);

	if (slots != peer->slot_count) {
		struct slot *memory = arena_alloc(peer->arena, slots * sizeof(*memory));

		if (memory == NULL)
			return -DER_NOMEM;
		arena_free(peer->arena, peer->slots);
		peer->slots = memory;
		peer->slot_count = slots;
	}
	for (uint32_t i = 0; i < slots; i++)
		peer->slots[i] = (struct slot){.next_free = i + 1 < slots ? i + 1 : NO_SLOT};
	peer->first_free = 0;
	peer->active = 0;
	return 0;
}

/* A call number holds its slot in the lower half, so that a reply finds it without a search. */
static void
slot_assign(struct rpc_peer *peer, uint32_t index, struct running *running)
{
	peer->slots[index].running = running;
	peer->slots[index].number = ++peer->calls << 16 | index;
	peer->active++;
	running->slot = index;
}

int
rpc_slot_take(struct rpc_peer *peer, struct running *running)
{
	uint32_t index = peer->first_free;
	int rc;

	if (index != NO_SLOT && list_empty(&peer->waiting)) {
		peer->first_free = peer->slots[index].next_free;
		slot_assign(peer, index, running);
		return 0;
	}
	REACHED("rpc: a call waits for a credit");
	list_append(&peer->waiting, &running->link);
	rc = completion_wait_deadline(&running->completion);
	if (list_linked(&running->link))
		list_remove(&running->link);
	/* Granted, and the connection lost before this fiber ran. */
	if (rc == 0 && running->slot == NO_SLOT)
		rc = -DER_UNREACH;
	return rc;
}

void
rpc_slot_give(struct rpc_peer *peer, uint32_t index)
{
	struct list *link = list_pop(&peer->waiting);
	struct running *running;

	if (peer->slots[index].running)
		peer->active--;
	if (link == NULL) {
		peer->slots[index] = (struct slot){.next_free = peer->first_free};
		peer->first_free = index;
		return;
	}
	running = list_entry(link, struct running, link);
	slot_assign(peer, index, running);
	if (!BUG(19))
		completion_signal(&running->completion, 0);
}

/* ------------------------------------------------ the end of a connection */

void
rpc_regions_close(struct running *running, struct connection *connection)
{
	for (uint32_t i = 0; i < running->key_count; i++)
		connection_bulk_deregister(connection, running->keys[i]);
	running->key_count = 0;
}

/* Takes the slot of a call away; the call ends with result unless its answer is there. */
static void
slot_lose(struct rpc_peer *peer, struct slot *slot, int result)
{
	struct running *running = slot->running;

	if (running == NULL)
		return;
	REACHED("rpc: a connection ends during a call");
	rpc_regions_close(running, peer->connection);
	running->slot = NO_SLOT;
	if (!running->completion.done)
		completion_signal(&running->completion, result);
}

void
rpc_peer_lost(struct rpc_peer *peer, int result)
{
	struct connection *connection = peer->connection;
	struct list *link;

	if (connection == NULL)
		return;
	timer_stop(peer->rpc->loop, &peer->idle);
	for (uint32_t i = 0; i < peer->slot_count; i++)
		slot_lose(peer, &peer->slots[i], result);
	while ((link = list_pop(&peer->waiting)) != NULL)
		completion_signal(&list_entry(link, struct running, link)->completion,
				  result == -DER_CANCELED ? result : -DER_UNREACH);
	peer->connection = NULL;
	peer->active = 0;
	peer->first_free = NO_SLOT;
	connection_close(connection);
}

/* ------------------------------------------------ frames from the peer */

/* Hands a reply to its call; false when nobody waits for it. */
static bool
reply_deliver(struct rpc_peer *peer, const struct proto_frame *frame, struct message *message)
{
	uint32_t index = (uint32_t)(frame->header.call & 0xffff);
	struct running *running;

	if (index >= peer->slot_count || frame->header.call == 0 ||
	    (peer->slots[index].number != frame->header.call && !BUG(20)) ||
	    !uuid_equal((const struct uuid *)frame->header.incarnation, &peer->incarnation))
		return false;
	running = peer->slots[index].running;
	if (running) {
		running->slot = NO_SLOT;
		running->frame = *frame;
		running->message = message;
		rpc_regions_close(running, peer->connection);
		completion_signal(&running->completion, 0);
	}
	rpc_slot_give(peer, index);
	return running != NULL;
}

static void
peer_message(struct connection *connection, struct message *message)
{
	struct rpc_peer *peer = connection->owner;
	struct rpc *rpc = peer->rpc;
	struct proto_frame frame;
	int rc = rpc_frame_receive(rpc, message, &frame);

	if (rc == 0 && frame.header.kind != PROTO_REPLY) {
		rpc_count(rpc, METRIC_MALFORMED, 1);
		log_notice("%s sent a frame of kind %u, its connection is closed",
			   peer->addresses[0], frame.header.kind);
		rc = -DER_PROTO;
	}
	if (rc) {
		message_put(message);
		rpc_count(rpc, METRIC_LOST, 1);
		rpc_peer_lost(peer, -DER_AGAIN);
		return;
	}
	/* A peer whose clock is ahead is only counted: what it did stands. */
	(void)!rpc_frame_observe(rpc, &frame.header);
	if (!reply_deliver(peer, &frame, message)) {
		REACHED("rpc: an answer finds that its call gave up");
		rpc_count(rpc, METRIC_STRAY, 1);
		message_put(message);
	}
}

static void
peer_closed(struct connection *connection, int reason)
{
	struct rpc_peer *peer = connection->owner;

	log_info("lost the connection to %s: %s", peer->addresses[0], error_description(reason));
	rpc_count(peer->rpc, METRIC_LOST, 1);
	rpc_peer_lost(peer, -DER_AGAIN);
}

static const struct connection_handler peer_handler = {
	.message = peer_message,
	.closed = peer_closed,
};

/* ------------------------------------------------ idling */

/* The timer is not moved with each call; when it fires it looks how long ago the last one was. */
static void
peer_idle(struct timer *timer)
{
	struct rpc_peer *peer = container_of(timer, struct rpc_peer, idle);
	struct rpc *rpc = peer->rpc;
	uint64_t now = env_monotonic(rpc->env);
	uint64_t due = peer->last_used + rpc->options.idle_ns;
	bool busy = peer->active > 0 || !list_empty(&peer->waiting);

	if (busy)
		due = now + rpc->options.idle_ns;
	if (due > now && (busy || !FAULT("rpc: close a connection as idle")))
		timer_start(rpc->loop, &peer->idle, due, peer_idle);
	else
		rpc_peer_lost(peer, -DER_AGAIN);
}

/* ------------------------------------------------ connecting */

/* One attempt at one address; lives on the connector's stack. */
struct attempt {
	struct rpc *rpc;
	struct completion completion; /* the welcome, or the end */
	bool ended;
	struct proto_header header;
	struct proto_hello welcome;
};

static void
attempt_message(struct connection *connection, struct message *message)
{
	struct attempt *attempt = connection->owner;
	struct proto_frame frame;
	int rc;

	if (attempt->completion.done) {
		message_put(message);
		return;
	}
	rc = rpc_frame_receive(attempt->rpc, message, &frame);
	if (rc == 0 && frame.header.kind != PROTO_WELCOME)
		rc = error_raise(-DER_PROTO, "a frame of kind %u in place of a welcome",
				 frame.header.kind);
	if (rc == 0)
		rc = proto_hello_decode(frame.body, &attempt->welcome);
	if (rc == 0) {
		attempt->header = frame.header;
		(void)!rpc_frame_observe(attempt->rpc, &frame.header);
	}
	message_put(message);
	completion_signal(&attempt->completion, rc);
}

static void
attempt_closed(struct connection *connection, int reason)
{
	struct attempt *attempt = connection->owner;

	attempt->ended = true;
	if (!attempt->completion.done)
		completion_signal(&attempt->completion, reason);
}

static const struct connection_handler attempt_handler = {
	.message = attempt_message,
	.closed = attempt_closed,
};

static int
hello_send(struct rpc_peer *peer, struct connection *connection)
{
	const struct peer_credentials *self = &peer->rpc->env->self;
	struct proto_header header = {.kind = PROTO_HELLO};
	struct proto_hello hello;
	uint8_t wire[sizeof(hello)];
	struct iovec body = {wire, 0};

	proto_hello_init(&hello, peer->rpc->system);
	hello.tag = peer->tag;
	if (self->known) {
		hello.identified = 1;
		hello.user = self->user;
		hello.group = self->group;
	}
	body.iov_len = proto_hello_encode(&hello, wire);
	return rpc_frame_send(peer->rpc, connection, &header, NULL, &body, 1);
}

/* What the welcome says about the connection: 0, or why there is none. */
static int
welcome_judge(struct rpc_peer *peer, const char *address, const struct attempt *attempt)
{
	static const struct uuid none;

	if (attempt->header.status)
		return error_raise(attempt->header.status, "%s refused the connection: %s", address,
				   error_description(attempt->header.status));
	if (attempt->welcome.credits == 0 || attempt->welcome.loops == 0 ||
	    memcmp(attempt->header.incarnation, none.bytes, sizeof(none.bytes)) == 0)
		return error_raise(-DER_PROTO, "%s sent an impossible welcome", address);
	return slots_init(peer, attempt->welcome.credits);
}

/* Waits for the welcome of a connection that was just opened. *Yields*. */
static int
attempt_wait(struct rpc_peer *peer, const char *address, struct connection *connection,
	     struct attempt *attempt)
{
	struct rpc *rpc = peer->rpc;
	int rc = hello_send(peer, connection);

	if (rc)
		return rc;
	fiber_set_deadline(env_monotonic(rpc->env) + rpc->options.connect_timeout_ns);
	rc = completion_wait_deadline(&attempt->completion);
	fiber_set_deadline(0);
	if (rc == -DER_TIMEDOUT)
		return error_raise(-DER_UNREACH, "%s did not answer within %lu ms", address,
				   (unsigned long)(rpc->options.connect_timeout_ns / 1000000));
	if (rc == 0)
		rc = attempt->ended ? -DER_UNREACH : welcome_judge(peer, address, attempt);
	return rc;
}

/* The connection becomes the peer's. */
static void
peer_connected(struct rpc_peer *peer, struct connection *connection, const struct attempt *attempt)
{
	struct rpc *rpc = peer->rpc;

	connection->handler = &peer_handler;
	connection->owner = peer;
	peer->connection = connection;
	peer->loops = attempt->welcome.loops;
	peer->rank = attempt->welcome.rank;
	memcpy(peer->incarnation.bytes, attempt->header.incarnation,
	       sizeof(peer->incarnation.bytes));
	rpc_count(rpc, peer->met ? METRIC_RECONNECTS : METRIC_CONNECTS, 1);
	peer->met = true;
	peer->last_used = env_monotonic(rpc->env);
	timer_start(rpc->loop, &peer->idle, peer->last_used + rpc->options.idle_ns, peer_idle);
}

/* Tries one address. *Yields*. */
static int
peer_try(struct rpc_peer *peer, const char *address)
{
	struct rpc *rpc = peer->rpc;
	struct transport *transport = rpc->env->transport;
	struct attempt attempt = {.rpc = rpc};
	struct connection *connection;
	int rc = transport->connect(transport, address, rpc->options.connect_timeout_ns,
				    &attempt_handler, &attempt, &connection);

	if (rc)
		return rc;
	rc = attempt_wait(peer, address, connection, &attempt);
	if (rc) {
		connection_close(connection);
		return rc;
	}
	peer_connected(peer, connection, &attempt);
	return 0;
}

/* Tries the addresses in order; when all fail, a refusal tells more than an absence. *Yields*. */
static int
peer_try_all(struct rpc_peer *peer)
{
	int result = -DER_UNREACH;

	for (uint32_t i = 0; i < peer->address_count; i++) {
		int rc = peer_try(peer, peer->addresses[i]);

		if (rc == 0 || rc == -DER_CANCELED)
			return rc;
		log_debug("connecting to %s: %s", peer->addresses[i], error_text(rc));
		if (result == -DER_UNREACH)
			result = rc;
	}
	return result;
}

/* As peer_try_all(), with somebody who may make an engine listen. *Yields*. */
static int
peer_try_revive(struct rpc_peer *peer)
{
	const struct rpc_options *options = &peer->rpc->options;
	int rc = peer_try_all(peer);

	if (rc != -DER_UNREACH || options->unreached == NULL || peer->rpc->closing)
		return rc;
	rc = options->unreached(options->unreached_owner);
	return rc == 0 ? peer_try_all(peer) : rc;
}

static void
peer_connector(void *argument)
{
	struct rpc_peer *peer = argument;
	struct rpc *rpc = peer->rpc;

	peer->reach_result = peer_try_revive(peer);
	snprintf(peer->reach_text, sizeof(peer->reach_text), "%s", error_text(peer->reach_result));
	peer->connector = NULL;
	wait_queue_wake_all(&peer->reaching);
	rpc_peer_put(peer);
	rpc->connectors--;
	rpc_ended(rpc);
}

static int
peer_connect_start(struct rpc_peer *peer)
{
	int rc =
		fiber_start(peer->rpc->loop, "rpc connect", peer_connector, peer, &peer->connector);

	if (rc)
		return rc;
	peer->references++;
	peer->rpc->connectors++;
	return 0;
}

int
rpc_peer_reach(struct rpc_peer *peer)
{
	int rc = 0;

	if (LIKELY(peer->connection != NULL))
		return 0;
	if (peer->connector == NULL)
		rc = peer_connect_start(peer);
	if (rc == 0)
		rc = wait_queue_wait(&peer->reaching);
	if (rc || peer->connection)
		return rc;
	rc = peer->reach_result ? peer->reach_result : -DER_UNREACH;
	if (rc != -DER_UNREACH)
		return error_raise(rc, "%s", peer->reach_text);
	return error_raise(rc, "no connection to %s (tag %u): %s", peer->addresses[0], peer->tag,
			   peer->reach_result ? peer->reach_text : error_description(rc));
}

/* ------------------------------------------------ life */

struct peer_key {
	const char *const *addresses;
	uint32_t address_count;
	uint32_t tag;
};

static uint64_t
peer_hash(const struct peer_key *key)
{
	uint64_t hash = key->tag;

	for (uint32_t i = 0; i < key->address_count; i++)
		hash = hash_combine(hash, hash_text(key->addresses[i]));
	return hash;
}

static bool
peer_equal(const void *argument, const struct table_node *node)
{
	const struct peer_key *key = argument;
	const struct rpc_peer *peer = table_entry(node, struct rpc_peer, node);

	if (peer->tag != key->tag || peer->address_count != key->address_count)
		return false;
	for (uint32_t i = 0; i < key->address_count; i++)
		if (strcmp(peer->addresses[i], key->addresses[i]) != 0)
			return false;
	return true;
}

static void
peer_free(struct rpc_peer *peer)
{
	for (uint32_t i = 0; peer->addresses && i < peer->address_count; i++)
		arena_free(peer->arena, peer->addresses[i]);
	arena_free(peer->arena, peer->addresses);
	arena_free(peer->arena, peer->slots);
	arena_free(peer->arena, peer);
}

static struct rpc_peer *
peer_create(struct rpc *rpc, const struct peer_key *key)
{
	struct rpc_peer *peer = arena_calloc(rpc->arena, 1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->rpc = rpc;
	peer->arena = rpc->arena;
	peer->references = 1;
	peer->tag = key->tag;
	peer->address_count = key->address_count;
	peer->first_free = NO_SLOT;
	wait_queue_init(&peer->reaching);
	list_init(&peer->waiting);
	peer->addresses = arena_calloc(rpc->arena, key->address_count, sizeof(char *));
	for (uint32_t i = 0; peer->addresses && i < key->address_count; i++)
		peer->addresses[i] = arena_strdup(rpc->arena, key->addresses[i]);
	for (uint32_t i = 0; i < key->address_count; i++)
		if (peer->addresses == NULL || peer->addresses[i] == NULL) {
			peer_free(peer);
			return NULL;
		}
	return peer;
}

int
rpc_peer_get(struct rpc *rpc, const char *const *addresses, uint32_t address_count, uint32_t tag,
	     struct rpc_peer **ret_peer)
{
	struct peer_key key = {addresses, address_count, tag};
	struct table_node *node;
	struct rpc_peer *peer;

	if (address_count == 0)
		return error_raise(-DER_INVAL, "a peer without an address");
	node = table_find(&rpc->peers, peer_hash(&key), peer_equal, &key);
	if (node) {
		peer = table_entry(node, struct rpc_peer, node);
		peer->references++;
	} else {
		peer = peer_create(rpc, &key);
		if (peer == NULL)
			return -DER_NOMEM;
		table_insert(&rpc->peers, peer_hash(&key), &peer->node);
	}
	*ret_peer = peer;
	return 0;
}

void
rpc_peer_put(struct rpc_peer *peer)
{
	ASSERT(peer->references > 0);
	if (--peer->references > 0)
		return;
	if (peer->rpc) {
		rpc_peer_lost(peer, -DER_CANCELED);
		table_remove(&peer->rpc->peers, &peer->node);
	}
	peer_free(peer);
}

uint32_t
rpc_peer_loops(const struct rpc_peer *peer)
{
	return peer->loops;
}

uint32_t
rpc_peer_rank(const struct rpc_peer *peer)
{
	return peer->rank;
}

struct uuid
rpc_peer_incarnation(const struct rpc_peer *peer)
{
	return peer->incarnation;
}

static void
goodbye_send(struct rpc_peer *peer)
{
	struct proto_header header = {.kind = PROTO_GOODBYE};

	/* Where it does not arrive, the end of the connection says the same a little less. */
	(void)!rpc_frame_send(peer->rpc, peer->connection, &header, NULL, NULL, 0);
}

void
rpc_peers_close(struct rpc *rpc)
{
	TABLE_FOR_EACH(node, &rpc->peers) {
		struct rpc_peer *peer = table_entry(node, struct rpc_peer, node);

		if (peer->connection)
			goodbye_send(peer);
		rpc_peer_lost(peer, -DER_CANCELED);
		if (peer->connector)
			fiber_cancel(peer->connector);
	}
}

void
rpc_peers_orphan(struct rpc *rpc)
{
	TABLE_FOR_EACH_SAFE(node, &rpc->peers) {
		struct rpc_peer *peer = table_entry(node, struct rpc_peer, node);

		/* A connector may have succeeded after rpc_peers_close(). */
		rpc_peer_lost(peer, -DER_CANCELED);
		table_remove(&rpc->peers, node);
		peer->rpc = NULL;
	}
}
