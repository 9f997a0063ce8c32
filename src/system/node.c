/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The engine as its services see it. */
#include "system/private.h"

struct node_loop *
node_here(struct node *node)
{
	struct loop *loop = loop_current();

	for (uint32_t i = 0; i < node->loop_count; i++)
		if (node->loops[i].loop == loop)
			return &node->loops[i];
	ASSERT(!"on a loop of the node");
	return NULL;
}

uint64_t
node_stamp(struct node *node)
{
	return hlc_now(node->clock, env_realtime(loop_env(loop_current())));
}

struct uuid
node_draw_id(struct node *node)
{
	struct env *env = loop_env(node_here(node)->loop);
	uint64_t high = env_random(env);

	return uuid_make(high, env_random(env));
}

int
node_answer(struct rpc_request *request, int rc)
{
	if (rc) {
		request->reply.position = 0;
		request->reply.failed = false;
		proto_failure_encode(error_text(rc), &request->reply);
	}
	return rc;
}
