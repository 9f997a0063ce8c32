/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A connection that a client made: its hello, its frames, its end. */
#include "rpc/internal.h"

/* ------------------------------------------------ clients */

static bool
client_equal(const void *key, const struct table_node *node)
{
	return uuid_equal(key, &table_entry(node, struct client, node)->incarnation);
}

static struct client *
client_join(struct rpc *rpc, const struct uuid *incarnation)
{
	uint64_t hash = uuid_hash(incarnation);
	struct table_node *node = table_find(&rpc->clients, hash, client_equal, incarnation);
	struct client *client;

	if (node) {
		REACHED("rpc: a client connects once more");
		client = table_entry(node, struct client, node);
		client->connections++;
		return client;
	}
	client = arena_calloc(rpc->arena, 1, sizeof(*client));
	if (client == NULL)
		return NULL;
	client->incarnation = *incarnation;
	client->connections = 1;
	table_insert(&rpc->clients, hash, &client->node);
	return client;
}

static void
client_leave(struct rpc *rpc, struct client *client, bool said)
{
	struct uuid incarnation = client->incarnation;

	if (--client->connections > 0)
		return;
	table_remove(&rpc->clients, &client->node);
	arena_free(rpc->arena, client);
	if (rpc->goodbye && !rpc->closing)
		rpc->goodbye(rpc->goodbye_owner, incarnation, said);
}

/* ------------------------------------------------ life */

static void
inbound_late(struct timer *timer)
{
	REACHED("rpc: a connection says nothing for too long");
	rpc_inbound_end(container_of(timer, struct inbound, timer), false);
}

static void
inbound_timer(struct inbound *inbound)
{
	struct rpc *rpc = inbound->rpc;

	timer_stop(rpc->loop, &inbound->timer);
	timer_start(rpc->loop, &inbound->timer,
		    env_monotonic(rpc->env) + rpc->options.connect_timeout_ns, inbound_late);
}

struct inbound *
rpc_inbound_create(struct rpc *rpc, enum inbound_state state)
{
	struct inbound *inbound;

	if (rpc->inbound_count >= rpc->options.connection_limit + REFUSED_LIMIT)
		return NULL;
	inbound = arena_calloc(rpc->arena, 1, sizeof(*inbound));
	if (inbound == NULL)
		return NULL;
	inbound->rpc = rpc;
	inbound->state = state;
	list_init(&inbound->tasks);
	list_append(&rpc->inbounds, &inbound->link);
	rpc->inbound_count++;
	inbound_timer(inbound);
	return inbound;
}

void
rpc_inbound_release(struct inbound *inbound)
{
	if (inbound->connection == NULL && inbound->task_count == 0)
		arena_free(inbound->rpc->arena, inbound);
}

void
rpc_inbound_end(struct inbound *inbound, bool said)
{
	struct rpc *rpc = inbound->rpc;
	struct connection *connection = inbound->connection;
	struct client *client = inbound->client;

	if (inbound->state == INBOUND_ENDED)
		return;
	timer_stop(rpc->loop, &inbound->timer);
	list_remove(&inbound->link);
	rpc->inbound_count--;
	if (inbound->state == INBOUND_OPEN) {
		rpc->open_count--;
		rpc_count(rpc, METRIC_CONNECTIONS, -1);
	}
	inbound->state = INBOUND_ENDED;
	inbound->connection = NULL;
	inbound->client = NULL;
	if (connection)
		connection_close(connection);
	LIST_FOR_EACH(link, &inbound->tasks)
		fiber_cancel(list_entry(link, struct task, link)->fiber);
	if (client)
		client_leave(rpc, client, said);
	rpc_inbound_release(inbound);
}

/* ------------------------------------------------ hello */

/* Sends the welcome; says whether it went out. */
static bool
welcome_send(struct inbound *inbound, int status, uint32_t loops)
{
	struct rpc *rpc = inbound->rpc;
	struct proto_header header = {.kind = PROTO_WELCOME, .status = status};
	struct proto_hello hello;
	uint8_t wire[sizeof(hello)];
	struct iovec body = {wire, 0};

	proto_hello_init(&hello, rpc->system);
	hello.loops = loops;
	hello.rank = rpc->options.rank;
	hello.credits = FAULT("rpc: grant one credit only") ? 1 : rpc->options.credits;
	body.iov_len = proto_hello_encode(&hello, wire);
	return rpc_frame_send(rpc, inbound->connection, &header, NULL, &body, 1) == 0;
}

void
rpc_inbound_refuse(struct inbound *inbound, int status)
{
	rpc_count(inbound->rpc, METRIC_REFUSED, 1);
	inbound->state = INBOUND_REFUSED;
	inbound->listening = NULL;
	/* Closing at once could discard the welcome before it is read. */
	inbound_timer(inbound);
	if (!welcome_send(inbound, status, 0))
		rpc_inbound_end(inbound, false);
}

void
rpc_inbound_open(struct inbound *inbound, const struct introduction *introduction, uint32_t loops)
{
	struct rpc *rpc = inbound->rpc;

	if (rpc->open_count >= rpc->options.connection_limit ||
	    FAULT("rpc: refuse a connection as one too many")) {
		rpc_inbound_refuse(inbound, -DER_OVERLOAD_RETRY);
		return;
	}
	inbound->client = client_join(rpc, &introduction->incarnation);
	if (inbound->client == NULL) {
		rpc_inbound_refuse(inbound, -DER_NOMEM);
		return;
	}
	timer_stop(rpc->loop, &inbound->timer);
	inbound->incarnation = introduction->incarnation;
	inbound->credentials = introduction->credentials;
	inbound->listening = NULL;
	inbound->state = INBOUND_OPEN;
	rpc->open_count++;
	rpc_count(rpc, METRIC_CONNECTIONS, 1);
	if (!welcome_send(inbound, 0, loops))
		rpc_inbound_end(inbound, false);
}

/* What is wrong with a hello: 0 or the status of its refusal. */
static int
hello_judge(struct rpc *rpc, const struct proto_frame *frame, const struct proto_hello *hello)
{
	static const struct uuid none;

	if (memcmp(hello->system, rpc->system, sizeof(rpc->system)) != 0)
		return error_raise(-DER_MISMATCH,
				   "a client asked for system \"%s\", this is \"%s\"",
				   (const char *)hello->system, rpc->system);
	if (memcmp(frame->header.incarnation, none.bytes, sizeof(none.bytes)) == 0)
		return error_raise(-DER_PROTO, "a client without an incarnation");
	return rpc_frame_observe(rpc, &frame->header);
}

/* Who the client is: what the kernel says of it, or else what it says itself. */
static void
introduce(const struct inbound *inbound, const struct proto_frame *frame,
	  const struct proto_hello *hello, struct introduction *ret_introduction)
{
	*ret_introduction = (struct introduction){.credentials = inbound->connection->credentials};
	memcpy(ret_introduction->incarnation.bytes, frame->header.incarnation,
	       sizeof(ret_introduction->incarnation.bytes));
	if (!ret_introduction->credentials.known)
		ret_introduction->credentials =
			(struct peer_credentials){.known = hello->identified != 0,
						  .user = hello->user,
						  .group = hello->group};
}

static void
hello_arrived(struct inbound *inbound, const struct proto_frame *frame,
	      const struct proto_hello *hello)
{
	struct listening *listening = inbound->listening;
	struct rpc *to = listening->group[hello->tag % listening->group_count];
	int status = hello_judge(inbound->rpc, frame, hello);
	struct introduction introduction;

	introduce(inbound, frame, hello, &introduction);
	if (status)
		rpc_inbound_refuse(inbound, status);
	else if (to == inbound->rpc)
		rpc_inbound_open(inbound, &introduction, listening->group_count);
	else
		rpc_handover_send(inbound, to, &introduction);
}

/* ------------------------------------------------ frames */

static void
inbound_malformed(struct inbound *inbound)
{
	rpc_count(inbound->rpc, METRIC_MALFORMED, 1);
	log_notice("a client sent what does not fit the state of its connection, which is closed");
	rpc_inbound_end(inbound, false);
}

static void
opening_message(struct inbound *inbound, const struct proto_frame *frame, struct message *message)
{
	struct proto_hello hello;
	bool good = frame->header.kind == PROTO_HELLO &&
		    proto_hello_decode(frame->body, &hello) == 0;

	/* Before a hand-over, which requires that nothing of the connection is held. */
	message_put(message);
	if (good)
		hello_arrived(inbound, frame, &hello);
	else
		inbound_malformed(inbound);
}

static void
open_message(struct inbound *inbound, const struct proto_frame *frame, struct message *message)
{
	const struct proto_header *header = &frame->header;
	bool known = memcmp(header->incarnation, inbound->incarnation.bytes,
			    sizeof(header->incarnation)) == 0;

	if (known && header->kind == PROTO_REQUEST) {
		rpc_request_arrived(inbound, frame, message);
		return;
	}
	message_put(message);
	if (known && header->kind == PROTO_GOODBYE)
		rpc_inbound_end(inbound, true);
	else
		inbound_malformed(inbound);
}

static void
inbound_message(struct connection *connection, struct message *message)
{
	struct inbound *inbound = connection->owner;
	struct proto_frame frame;

	if (rpc_frame_receive(inbound->rpc, message, &frame)) {
		message_put(message);
		rpc_inbound_end(inbound, false);
	} else if (inbound->state == INBOUND_OPENING) {
		opening_message(inbound, &frame, message);
	} else if (inbound->state == INBOUND_OPEN) {
		open_message(inbound, &frame, message);
	} else {
		message_put(message);
	}
}

static void
inbound_closed(struct connection *connection, int reason)
{
	(void)reason;
	rpc_inbound_end(connection->owner, false);
}

const struct connection_handler rpc_inbound_handler = {
	.message = inbound_message,
	.closed = inbound_closed,
};
