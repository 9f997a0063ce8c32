/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The answer to PROTO_SYSTEM_QUERY. */
#include "system/private.h"

static struct proto_text
text_of(const char *text)
{
	return (struct proto_text){text, (uint32_t)strlen(text)};
}

static int
serve_query(void *owner, struct rpc_request *request)
{
	struct system *system = owner;
	struct node *node = system->node;
	struct proto_engine engine = {
		.rank = node->rank,
		.targets = node->target_count,
		.loops = node->loop_count,
		.state = 1,
		.incarnation = node->incarnation,
		.address_count = node->address_count,
	};
	const struct proto_system_query_reply reply = {
		.name = text_of(node->system),
		.version = text_of(node->version),
		.id = node->system_id,
		.engine_count = 1,
		.engines = &engine,
	};

	for (uint32_t i = 0; i < node->address_count; i++)
		engine.addresses[i] = text_of(node->addresses[i]);
	proto_system_query_reply_encode(&reply, &request->reply);
	return 0;
}

static const struct rpc_method methods[] = {
	{PROTO_SYSTEM_QUERY, "system query", serve_query},
};

int
system_serve(struct system *system)
{
	return rpc_serve(system->node->loops[0].rpc, methods, ARRAY_SIZE(methods), system);
}
