/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The pool that an embedded system begins with, asked for as any client would. */
#include "embedded/private.h"

#define REQUEST_MAX 512u
/* enum daos_pool_props, DAOS_PROP_PO_LABEL. */
#define PROPERTY_LABEL 1u

static int
send_request(struct rpc_peer *peer, uint32_t operation, const struct request_id *id,
	     struct writer *body, struct rpc_reply *ret_reply)
{
	struct iovec iov = {body->data, body->position};
	struct rpc_call call = {.operation = operation, .id = id, .body = &iov, .body_count = 1};
	char text[160] = "";
	bool sent = false;
	int rc = body->failed ? -DER_OVERFLOW : rpc_call(peer, &call, ret_reply, &sent);

	if (rc && ret_reply->message && reader_left(&ret_reply->body) > 0)
		proto_failure_decode(&ret_reply->body, text, sizeof(text));
	return rc && text[0] ? error_raise(rc, "%s", text) : rc;
}

static int
count_pools(struct rpc_peer *peer, uint32_t *ret_count)
{
	struct rpc_reply reply = {.message = NULL};
	struct writer body;
	int rc;

	writer_init(&body, NULL, 0);
	rc = send_request(peer, PROTO_SYSTEM_POOL_LIST, NULL, &body, &reply);
	if (rc == 0) {
		*ret_count = reader_u32(&reply.body);
		rc = reply.body.failed ? -DER_PROTO : 0;
	}
	rpc_reply_free(&reply);
	return rc;
}

static int
create_pool(struct rpc *rpc, struct rpc_peer *peer)
{
	struct proto_pool_create create = {.thin = true, .properties.count = 1};
	struct rpc_reply reply = {.message = NULL};
	uint8_t buffer[REQUEST_MAX];
	struct rpc_window *window;
	struct request_id id;
	struct writer body;
	int rc = rpc_window_create(rpc, &window);

	if (rc)
		return rc;
	create.properties.items[0] = (struct proto_property){
		.type = PROPERTY_LABEL,
		.is_bytes = true,
		.bytes = {DEFAULT_POOL, sizeof(DEFAULT_POOL) - 1},
	};
	writer_init(&body, buffer, sizeof(buffer));
	proto_pool_create_encode(&create, &body);
	rc = rpc_window_open(window, &id);
	if (rc == 0) {
		rc = send_request(peer, PROTO_SYSTEM_POOL_CREATE, &id, &body, &reply);
		rpc_window_close(window, &id);
	}
	rpc_window_destroy(window);
	rpc_reply_free(&reply);
	return rc;
}

int
embedded_default_pool(struct rpc *rpc, const char *address)
{
	struct rpc_peer *peer;
	uint32_t count = 0;
	int rc = rpc_peer_get(rpc, &address, 1, 0, &peer);

	if (rc)
		return rc;
	rc = count_pools(peer, &count);
	if (rc == 0 && count == 0)
		rc = create_pool(rpc, peer);
	rpc_peer_put(peer);
	return rc;
}
