/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Calling: from the arguments of one call to its reply, on the fiber of the caller. */
#include "rpc/internal.h"

/* ------------------------------------------------ sending */

static int
regions_open(struct rpc_peer *peer, const struct rpc_call *call, struct running *running,
	     struct proto_bulk bulks[RPC_REGIONS])
{
	for (uint32_t i = 0; i < call->region_count; i++) {
		int rc = connection_bulk_register(peer->connection, call->regions[i].iov,
						  call->regions[i].iov_count,
						  call->regions[i].access, &bulks[i].key);

		if (rc)
			return rc;
		running->keys[running->key_count++] = bulks[i].key;
		bulks[i].length = iov_length(call->regions[i].iov, call->regions[i].iov_count);
	}
	return 0;
}

/* How long the server may take: until the deadline of the caller, rounded up. */
static uint32_t
timeout_left(struct rpc *rpc)
{
	uint64_t now = env_monotonic(rpc->env);
	uint64_t deadline = fiber_deadline();
	uint64_t left = deadline > now ? min_of(deadline - now, RPC_TIMEOUT_MAX_NS) : 0;

	return (uint32_t)max_of((left + 999999) / 1000000, UINT64_C(1));
}

/* The body that encode() writes, into the scratch memory of the loop. */
static int
body_encode(struct rpc *rpc, const struct rpc_call *call, const struct proto_bulk *bulks,
	    struct iovec *ret_body)
{
	struct writer writer;
	int rc;

	writer_init(&writer, rpc->scratch, RPC_INLINE_MAX);
	rc = call->encode(call->encode_argument, bulks, &writer);
	if (rc == 0 && writer.failed)
		rc = error_raise(-DER_OVERFLOW, "a request of operation %u exceeds %u bytes",
				 call->operation, RPC_INLINE_MAX);
	if (rc == 0)
		*ret_body = (struct iovec){rpc->scratch, writer.position};
	return rc;
}

static int
request_send(struct rpc_peer *peer, const struct rpc_call *call, struct running *running)
{
	struct rpc *rpc = peer->rpc;
	struct proto_header header = {
		.kind = PROTO_REQUEST,
		.flags = (call->id ? PROTO_REQUEST_ID : 0) | (call->again ? PROTO_AGAIN : 0),
		.call = peer->slots[running->slot].number,
		.operation = call->operation,
		.map_version = call->map_version,
		.timeout_ms = timeout_left(rpc),
	};
	struct proto_bulk bulks[RPC_REGIONS] = {{.key = 0}};
	struct iovec encoded;
	int rc = regions_open(peer, call, running, bulks);

	if (rc)
		return rc;
	if (call->encode == NULL)
		return rpc_frame_send(rpc, peer->connection, &header, call->id, call->body,
				      call->body_count);
	rc = body_encode(rpc, call, bulks, &encoded);
	if (rc)
		return rc;
	return rpc_frame_send(rpc, peer->connection, &header, call->id, &encoded, 1);
}

/* ------------------------------------------------ waiting */

/* The call has no answer and gives up; its slot stays taken while the server may be at it. */
static void
running_abandon(struct rpc_peer *peer, struct running *running, bool sent)
{
	if (running->slot == NO_SLOT)
		return;
	rpc_regions_close(running, peer->connection);
	if (sent && !BUG(20)) {
		peer->slots[running->slot].running = NULL;
		peer->active--;
	} else {
		rpc_slot_give(peer, running->slot);
	}
	running->slot = NO_SLOT;
}

static int
running_wait(struct rpc_peer *peer, struct running *running)
{
	int rc = completion_wait_deadline(&running->completion);

	/* An answer that came together with the deadline counts. */
	if (running->message)
		return 0;
	running_abandon(peer, running, true);
	return rc;
}

static int
call_run(struct rpc_peer *peer, const struct rpc_call *call, struct running *running,
	 bool *ret_sent)
{
	int rc = rpc_peer_reach(peer);

	if (rc)
		return rc;
	rc = rpc_slot_take(peer, running);
	if (rc == 0) {
		running->completion = (struct completion){.done = false};
		NO_YIELD
		{
			rc = request_send(peer, call, running);
		}
	}
	if (rc) {
		running_abandon(peer, running, false);
		return rc;
	}
	*ret_sent = true;
	peer->last_used = env_monotonic(peer->rpc->env);
	return running_wait(peer, running);
}

static int
call_check(const struct rpc_peer *peer, const struct rpc_call *call)
{
	uint64_t deadline = fiber_deadline();

	if (peer->rpc == NULL || peer->rpc->closing || fiber_canceled())
		return -DER_CANCELED;
	if (deadline && deadline <= env_monotonic(peer->rpc->env))
		return -DER_TIMEDOUT;
	if (call->region_count > RPC_REGIONS || call->operation >= PROTO_OPERATIONS)
		return error_raise(-DER_INVAL, "operation %u with %u regions", call->operation,
				   call->region_count);
	return 0;
}

int
rpc_call(struct rpc_peer *peer, const struct rpc_call *call, struct rpc_reply *ret_reply,
	 bool *ret_sent)
{
	struct running running = {.slot = NO_SLOT};
	struct rpc *rpc = peer->rpc;
	uint64_t deadline = fiber_deadline();
	int rc = call_check(peer, call);

	*ret_reply = (struct rpc_reply){.message = NULL};
	*ret_sent = false;
	if (rc)
		return rc;
	rpc_count(rpc, METRIC_CALLS, 1);
	rpc->calls++;
	if (deadline == 0)
		fiber_set_deadline(env_monotonic(rpc->env) + RPC_TIMEOUT_NS);
	rc = call_run(peer, call, &running, ret_sent);
	fiber_set_deadline(deadline);
	rpc->calls--;
	rpc_ended(rpc);
	if (running.message == NULL)
		return rc;
	ret_reply->header = running.frame.header;
	ret_reply->body = running.frame.body;
	ret_reply->message = running.message;
	return running.frame.header.status;
}

void
rpc_reply_free(struct rpc_reply *reply)
{
	if (reply->message)
		message_put(reply->message);
	reply->message = NULL;
}
