/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Requests to the system, pool and container services: one request, sent until an answer is final
 * or patience has run out, under one request id where it changes something.
 */
#include "client/private.h"

#define BODY_FIRST 1024u
#define PAUSE_MIN_NS (10 * UINT64_C(1000000))
#define PAUSE_MAX_NS (500 * UINT64_C(1000000))
#define RESTART_MAX 16u
/* The sockets of a killed process live on for some milliseconds, with nobody to accept. */
#define FIND_AGAIN_NS (2 * UINT64_C(1000000000))

/* ------------------------------------------------ the body */

static struct service_request *
request_of(struct writer *writer)
{
	return container_of(writer, struct service_request, body);
}

static void
body_grow(struct writer *writer, size_t needed)
{
	struct arena *arena = request_of(writer)->context->env->arena;
	size_t length = max_of(writer->length * 2, writer->position + needed);
	uint8_t *data;

	length = min_of(max_of(length, (size_t)BODY_FIRST), (size_t)RPC_INLINE_MAX);
	if (length < writer->position + needed)
		return;
	data = arena_realloc(arena, writer->data, length);
	if (data == NULL)
		return;
	writer->data = data;
	writer->length = length;
}

void
service_begin(struct client_context *context, uint32_t operation, bool modifying,
	      struct service_request *request)
{
	*request = (struct service_request){
		.context = context, .operation = operation, .modifying = modifying};
	writer_init(&request->body, arena_alloc(context->env->arena, BODY_FIRST), BODY_FIRST);
	if (request->body.data == NULL)
		request->body.failed = true;
	request->body.grow = body_grow;
}

/* ------------------------------------------------ whom to ask */

static int
system_peer(struct client_context *context, struct rpc_peer **ret_peer)
{
	char texts[SERVERS_MAX][PROTO_ADDRESS_MAX + 1];
	const char *addresses[SERVERS_MAX];
	uint32_t count;
	int rc = client_find(context->client);

	if (rc)
		return rc;
	count = client_addresses(context->client, texts);
	for (uint32_t i = 0; i < count; i++)
		addresses[i] = texts[i];
	return rpc_peer_get(context->rpc, addresses, count, 0, ret_peer);
}

/* The pool's first engine: with one engine in a system, the one that has every service. */
static int
engine_peer(struct client_context *context, const struct proto_map *map, struct rpc_peer **ret_peer)
{
	char texts[PROTO_ADDRESSES_MAX][PROTO_ADDRESS_MAX + 1];
	const char *addresses[PROTO_ADDRESSES_MAX];
	const struct proto_engine *engine = map->engines;

	if (map->engine_count == 0 || engine->address_count == 0)
		return error_raise(-DER_PROTO, "the pool map names no engine with an address");
	for (uint32_t i = 0; i < engine->address_count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%.*s", (int)engine->addresses[i].length,
			 engine->addresses[i].data);
		addresses[i] = texts[i];
	}
	return rpc_peer_get(context->rpc, addresses, engine->address_count, 0, ret_peer);
}

static int
pool_peer(struct client_context *context, const struct client_pool *pool,
	  struct rpc_peer **ret_peer)
{
	struct reader reader;
	struct proto_map map;
	int rc;

	reader_init(&reader, pool->map, pool->map_length);
	rc = proto_map_decode(&reader, context->env->arena, &map);
	if (rc)
		return rc;
	servers_filter(&context->client->servers, &map);
	rc = engine_peer(context, &map, ret_peer);
	proto_map_free(context->env->arena, &map);
	return rc;
}

/* ------------------------------------------------ sending */

struct sending {
	struct client_context *context;
	struct rpc_peer *peer;
	struct rpc_call call;
	struct request_id id;
	uint64_t pause_ns;
	uint64_t give_up;
	uint32_t restarts;
	bool sent;     /* some attempt may have been executed */
	bool answered; /* the latest attempt, by the service */
};

static int
id_open(struct sending *sending)
{
	int rc = rpc_window_open(sending->context->window, &sending->id);

	if (rc == 0) {
		sending->call.id = &sending->id;
		sending->call.again = false;
	}
	return rc;
}

static void
id_close(struct sending *sending)
{
	if (sending->call.id)
		rpc_window_close(sending->context->window, &sending->id);
	sending->call.id = NULL;
}

/*
 * Who has never reached an engine is told at once that nobody is there; who has, waits for it to
 * come back. In an embedded directory there is always somebody, this process if need be. That a
 * service is busy is its answer, and that its store does not match its sums, if it did answer:
 * damage of a frame on the way ends the connection with the same code.
 */
static enum objio_verdict
judge(struct sending *sending, int code)
{
	const struct client *client = sending->context->client;

	if (code == -DER_UNREACH && !sending->sent && !client->servers.embedded &&
	    !atomic_load(&client->met))
		return OBJIO_DONE;
	if (code == -DER_BUSY || code == -DER_STALE || (code == -DER_CSUM && sending->answered))
		return OBJIO_DONE;
	return objio_judge(code);
}

static int
pause_between(struct sending *sending, int code)
{
	struct env *env = sending->context->env;
	uint64_t patience = client_patience(sending->context->client);
	uint64_t pause = sending->pause_ns;

	if (env_monotonic(env) >= sending->give_up)
		return error_raise(-DER_TIMEDOUT, "no answer within %u s (%.100s); %s",
				   (unsigned)(patience / 1000000000), error_text(code),
				   !sending->sent ? "nothing was sent"
				   : sending->call.id
					   ? "whether the operation took effect is unknown"
					   : "it only reads");
	sending->pause_ns = min_of(pause * 2, PAUSE_MAX_NS);
	return fiber_sleep(pause - env_random(env) % (pause / 2));
}

/* 0: send again; else the result of the whole. */
static int
prepare_again(struct sending *sending, int code)
{
	switch (judge(sending, code)) {
	case OBJIO_WAIT:
	case OBJIO_AGAIN:
		sending->call.again = true;
		return pause_between(sending, code);
	case OBJIO_RESTART:
		if (sending->restarts++ == RESTART_MAX || sending->call.id == NULL)
			return code;
		id_close(sending);
		return id_open(sending);
	case OBJIO_REFRESH:
	case OBJIO_DONE:
		break;
	}
	return code;
}

/* What the service says about its refusal becomes the text of the error. */
static int
take_failure(int code, struct rpc_reply *reply)
{
	char text[180] = "";

	if (reply->message && reader_left(&reply->body) > 0)
		proto_failure_decode(&reply->body, text, sizeof(text));
	return text[0] ? error_raise(code, "%s", text) : code;
}

/* An engine that is stopped does not answer, and does not refuse: a call ends with the patience,
 * too. */
static int
call_within_patience(struct sending *sending, struct rpc_reply *ret_reply, bool *ret_sent)
{
	uint64_t former = fiber_deadline();
	int rc;

	fiber_set_deadline(former != 0 && former < sending->give_up ? former : sending->give_up);
	rc = rpc_call(sending->peer, &sending->call, ret_reply, ret_sent);
	fiber_set_deadline(former);
	return rc;
}

static int
send_until_final(struct sending *sending, struct rpc_reply *ret_reply)
{
	for (;;) {
		bool sent = false;
		int rc = call_within_patience(sending, ret_reply, &sent);
		int next;

		sending->sent |= sent;
		sending->answered = ret_reply->message != NULL;
		if (sending->answered)
			atomic_store(&sending->context->client->met, true);
		if (rc == 0)
			return 0;
		if (judge(sending, rc) == OBJIO_DONE)
			return take_failure(rc, ret_reply);
		next = prepare_again(sending, rc);
		if (next)
			return next;
		rpc_reply_free(ret_reply);
	}
}

static int
send_to(struct service_request *request, struct rpc_peer *peer, struct rpc_reply *ret_reply)
{
	struct client_context *context = request->context;
	struct iovec body = {request->body.data, request->body.position};
	struct sending sending = {
		.context = context,
		.peer = peer,
		.call = {.operation = request->operation, .body = &body, .body_count = 1},
		.pause_ns = PAUSE_MIN_NS,
		.give_up = env_monotonic(context->env) + client_patience(context->client),
	};
	int rc = request->modifying ? id_open(&sending) : 0;

	if (rc == 0)
		rc = send_until_final(&sending, ret_reply);
	id_close(&sending);
	return rc;
}

static int
send_to_pool(struct service_request *request, const struct client_pool *pool,
	     struct rpc_reply *ret_reply)
{
	struct rpc_peer *peer;
	int rc = pool_peer(request->context, pool, &peer);

	if (rc)
		return rc;
	rc = send_to(request, peer, ret_reply);
	rpc_peer_put(peer);
	return rc;
}

static int
send_to_system(struct service_request *request, struct rpc_reply *ret_reply)
{
	struct rpc_peer *peer;
	int rc = system_peer(request->context, &peer);

	if (rc)
		return rc;
	rc = send_to(request, peer, ret_reply);
	rpc_peer_put(peer);
	return rc;
}

/*
 * The socket that was found may have been that of a server that had just died: then the other
 * places count, and where none has an engine the error is the list of them. Nothing was sent, so
 * the request may begin anew.
 */
static int
send_or_find_again(struct service_request *request, struct rpc_reply *ret_reply)
{
	struct client *client = request->context->client;
	struct env *env = request->context->env;
	uint64_t give_up = env_monotonic(env) + FIND_AGAIN_NS;
	int rc = send_to_system(request, ret_reply);

	while (rc == -DER_UNREACH && !client_is_hosted(client) && env_monotonic(env) < give_up) {
		if (client->servers.schemes[0] != '\0')
			return error_raise(rc, "no engine answers at CAIRN_ENGINE: %s",
					   error_text(rc));
		rc = client_find_again(client);
		if (rc == 0)
			rc = fiber_sleep(PAUSE_MIN_NS);
		if (rc == 0)
			rc = send_to_system(request, ret_reply);
	}
	return rc;
}

int
service_send(struct service_request *request, const struct client_pool *pool,
	     struct rpc_reply *ret_reply)
{
	int rc = request->body.data == NULL ? -DER_NOMEM : 0;

	*ret_reply = (struct rpc_reply){0};
	if (rc == 0 && request->body.failed)
		rc = error_raise(-DER_OVERFLOW, "a request of more than %u bytes", RPC_INLINE_MAX);
	if (rc == 0)
		rc = pool ? send_to_pool(request, pool, ret_reply)
			  : send_or_find_again(request, ret_reply);
	arena_free(request->context->env->arena, request->body.data);
	return rc;
}

int
service_tell(struct service_request *request, const struct client_pool *pool)
{
	struct rpc_reply reply;
	int rc = service_send(request, pool, &reply);

	rpc_reply_free(&reply);
	return rc;
}

int
name_parse(const char *text, struct proto_name *ret_name)
{
	struct proto_name name = {0};

	if (text == NULL || (!uuid_from_text(text, &name.id) && !daos_label_is_valid(text)))
		return client_refuse(-DER_INVAL, "\"%s\" is neither a label nor a UUID",
				     text ? text : "");
	if (uuid_empty(&name.id))
		name.label = (struct proto_text){.data = text, .length = (uint32_t)strlen(text)};
	*ret_name = name;
	return 0;
}
