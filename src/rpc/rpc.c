/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The RPC end of a loop: its making, its end, its counters. */
#include "rpc/internal.h"

struct metric_row {
	enum metric_kind kind;
	const char *name;
	const char *help;
};

static const struct metric_row metric_rows[RPC_METRICS] = {
	[METRIC_REQUESTS] = {METRIC_COUNTER, "rpc_requests", "Requests that arrived."},
	[METRIC_REPLY_ERRORS] = {METRIC_COUNTER, "rpc_reply_errors", "Replies with an error."},
	[METRIC_BUSY] = {METRIC_COUNTER, "rpc_busy", "Requests refused because of a limit."},
	[METRIC_CALLS] = {METRIC_COUNTER, "rpc_calls", "Calls made."},
	[METRIC_BYTES_RECEIVED] = {METRIC_COUNTER, "rpc_bytes_received",
				   "Bytes of frames that arrived, without bulk."},
	[METRIC_BYTES_SENT] = {METRIC_COUNTER, "rpc_bytes_sent",
			       "Bytes of frames sent, without bulk."},
	[METRIC_CONNECTS] = {METRIC_COUNTER, "rpc_connects", "First connections to a peer."},
	[METRIC_RECONNECTS] = {METRIC_COUNTER, "rpc_reconnects", "Later connections to a peer."},
	[METRIC_LOST] = {METRIC_COUNTER, "rpc_lost", "Connections to peers that were lost."},
	[METRIC_MALFORMED] = {METRIC_COUNTER, "rpc_malformed",
			      "Frames that were malformed or out of place."},
	[METRIC_STRAY] = {METRIC_COUNTER, "rpc_stray_replies",
			  "Replies that no call waited for, dropped."},
	[METRIC_CLOCK_REFUSED] = {METRIC_COUNTER, "rpc_clock_refused",
				  "Stamps too far ahead of the own clock."},
	[METRIC_REFUSED] = {METRIC_COUNTER, "rpc_refused", "Incoming connections refused."},
	[METRIC_SERVING] = {METRIC_GAUGE, "rpc_serving", "Requests being served."},
	[METRIC_CONNECTIONS] = {METRIC_GAUGE, "rpc_connections", "Incoming connections open."},
};

static void
metrics_register(struct rpc *rpc)
{
	for (uint32_t i = 0; i < RPC_METRICS; i++) {
		rpc->metrics[i].kind = metric_rows[i].kind;
		rpc->metrics[i].name = metric_rows[i].name;
		rpc->metrics[i].help = metric_rows[i].help;
		metric_register(rpc->env->context->metrics, &rpc->metrics[i]);
	}
}

static void
options_default(struct rpc_options *options)
{
	if (options->connection_limit == 0)
		options->connection_limit = 1024;
	if (options->credits == 0)
		options->credits = 128;
	options->credits = min_of(options->credits, CREDITS_LIMIT);
	if (options->request_limit == 0)
		options->request_limit = 4096;
	if (options->idle_ns == 0)
		options->idle_ns = 60 * UINT64_C(1000000000);
	if (options->connect_timeout_ns == 0)
		options->connect_timeout_ns = 5 * UINT64_C(1000000000);
}

int
rpc_create(struct loop *loop, const struct rpc_options *options, struct rpc **ret_rpc)
{
	struct env *env = loop_env(loop);
	struct rpc *rpc;

	if (options->clock == NULL || uuid_empty(&options->incarnation))
		return error_raise(-DER_INVAL, "an RPC end needs a clock and an incarnation");
	rpc = arena_calloc(env->arena, 1, sizeof(*rpc));
	if (rpc == NULL)
		return -DER_NOMEM;
	rpc->scratch = arena_alloc(env->arena, RPC_INLINE_MAX);
	if (rpc->scratch == NULL) {
		arena_free(env->arena, rpc);
		return -DER_NOMEM;
	}
	rpc->loop = loop;
	rpc->env = env;
	rpc->arena = env->arena;
	rpc->options = *options;
	options_default(&rpc->options);
	if (options->system)
		memcpy(rpc->system, options->system,
		       strnlen(options->system, sizeof(rpc->system) - 1));
	rpc->options.system = rpc->system;
	wait_queue_init(&rpc->quiet);
	list_init(&rpc->listening);
	list_init(&rpc->inbounds);
	list_init(&rpc->spare_tasks);
	table_init(&rpc->clients, env->arena);
	table_init(&rpc->peers, env->arena);
	rpc_handovers_init(rpc);
	metrics_register(rpc);
	*ret_rpc = rpc;
	return 0;
}

static bool
rpc_busy(struct rpc *rpc)
{
	return rpc->serving > 0 || rpc->calls > 0 || rpc->connectors > 0 ||
	       rpc_handovers_pending(rpc);
}

void
rpc_destroy(struct rpc *rpc)
{
	rpc->closing = true;
	rpc_unlisten(rpc);
	rpc_peers_close(rpc);
	LIST_FOR_EACH_SAFE(link, &rpc->inbounds)
		rpc_inbound_end(list_entry(link, struct inbound, link), false);
	while (rpc_busy(rpc))
		wait_queue_wait_plain(&rpc->quiet);
	rpc_peers_orphan(rpc);
	rpc_tasks_fini(rpc);
	table_fini(&rpc->peers);
	table_fini(&rpc->clients);
	for (uint32_t i = 0; i < RPC_METRICS; i++)
		metric_unregister(&rpc->metrics[i]);
	arena_free(rpc->arena, rpc->scratch);
	arena_free(rpc->arena, rpc);
}

struct loop *
rpc_loop(struct rpc *rpc)
{
	return rpc->loop;
}

uint32_t
rpc_serving(const struct rpc *rpc)
{
	return rpc->serving;
}

uint32_t
rpc_connections(const struct rpc *rpc)
{
	return rpc->open_count;
}

void
rpc_on_goodbye(struct rpc *rpc, void (*visit)(void *owner, struct uuid client, bool said),
	       void *owner)
{
	rpc->goodbye = visit;
	rpc->goodbye_owner = owner;
}
