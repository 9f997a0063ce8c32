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
	return hlc_time(node->clock, env_realtime(loop_env(loop_current())));
}

/* How often somebody who waits for the clock's ceiling looks again. */
#define CEILING_PAUSE_NS UINT64_C(1000000)

int
node_epoch(struct node *node, uint64_t *ret_epoch)
{
	struct env *env = loop_env(loop_current());
	uint64_t epoch;
	int rc = 0;

	while ((epoch = hlc_now(node->clock, env_realtime(env))) == 0 && rc == 0) {
		REACHED("system: an epoch waits for the clock's ceiling");
		rc = atomic_load_explicit(&node->clock_state, memory_order_relaxed);
		if (rc == 0)
			rc = fiber_sleep(CEILING_PAUSE_NS);
		else
			rc = error_raise(rc, "the clock's ceiling cannot be raised, see the log");
	}
	if (rc == 0)
		*ret_epoch = epoch;
	return rc;
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
