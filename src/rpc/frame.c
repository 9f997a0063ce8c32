/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Frames out and in: stamp, incarnation, checksum, counting. */
#include "rpc/internal.h"

static uint64_t
stamp_now(struct rpc *rpc)
{
	return hlc_time(rpc->options.clock, env_realtime(rpc->env));
}

int
rpc_frame_send(struct rpc *rpc, struct connection *connection, struct proto_header *header,
	       const struct request_id *id, const struct iovec *body, uint32_t body_count)
{
	size_t body_length = iov_length(body, body_count);
	uint8_t prefix[PROTO_PREFIX_MAX];
	struct iovec iov[1 + RPC_BODY_MAX];
	int rc;

	if (body_count > RPC_BODY_MAX || body_length > RPC_INLINE_MAX)
		return error_raise(-DER_OVERFLOW, "%zu bytes in %u pieces do not fit one frame",
				   body_length, body_count);
	header->stamp = stamp_now(rpc);
	memcpy(header->incarnation, rpc->options.incarnation.bytes, sizeof(header->incarnation));
	iov[0].iov_base = prefix;
	iov[0].iov_len = proto_prefix_encode(header, id, body_length, prefix);
	for (uint32_t i = 0; i < body_count; i++)
		iov[1 + i] = body[i];
	proto_frame_seal(iov, 1 + body_count);
	rc = connection_send(connection, iov, 1 + body_count);
	if (rc == 0)
		rpc_count(rpc, METRIC_BYTES_SENT, (int64_t)(iov[0].iov_len + body_length));
	return rc;
}

int
rpc_frame_receive(struct rpc *rpc, const struct message *message, struct proto_frame *ret_frame)
{
	int rc = proto_frame_decode(message->data, message->length, ret_frame);

	rpc_count(rpc, METRIC_BYTES_RECEIVED, (int64_t)message->length);
	if (rc) {
		rpc_count(rpc, METRIC_MALFORMED, 1);
		error_log(LOG_NOTICE, rc, "a connection is closed");
	}
	return rc;
}

int
rpc_frame_observe(struct rpc *rpc, const struct proto_header *header)
{
	int rc = hlc_observe(rpc->options.clock, env_realtime(rpc->env), header->stamp);

	if (rc) {
		REACHED("rpc: a stamp is too far ahead");
		rpc_count(rpc, METRIC_CLOCK_REFUSED, 1);
	}
	return rc;
}
