/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Exactly-once sequences towards one target. Those from the lowest open one on span at most
 * REQUEST_WINDOW, so that the target can keep them in a table of that size.
 */
#include "rpc/internal.h"

#define WORD_BITS 64u

struct rpc_window {
	struct rpc *rpc;
	uint64_t lowest; /* all below are closed; = next when none is open */
	uint64_t next;
	uint64_t open[REQUEST_WINDOW / WORD_BITS]; /* bit sequence % REQUEST_WINDOW */
	struct wait_queue waiting;
};

static uint64_t *
window_word(struct rpc_window *window, uint64_t sequence)
{
	return &window->open[sequence % REQUEST_WINDOW / WORD_BITS];
}

static uint64_t
window_bit(uint64_t sequence)
{
	return UINT64_C(1) << sequence % WORD_BITS;
}

int
rpc_window_create(struct rpc *rpc, struct rpc_window **ret_window)
{
	struct rpc_window *window = arena_calloc(rpc->arena, 1, sizeof(*window));

	if (window == NULL)
		return -DER_NOMEM;
	window->rpc = rpc;
	window->lowest = 1;
	window->next = 1;
	wait_queue_init(&window->waiting);
	*ret_window = window;
	return 0;
}

void
rpc_window_destroy(struct rpc_window *window)
{
	ASSERT(wait_queue_empty(&window->waiting));
	arena_free(window->rpc->arena, window);
}

static bool
window_full(const struct rpc_window *window)
{
	return window->next - window->lowest >= REQUEST_WINDOW;
}

int
rpc_window_open(struct rpc_window *window, struct request_id *ret_id)
{
	struct rpc *rpc = window->rpc;

	while (window_full(window)) {
		int rc = wait_queue_wait(&window->waiting);

		REACHED("rpc: a request waits for the window");
		if (rc)
			return rc;
	}
	ret_id->client = rpc->options.incarnation;
	ret_id->sequence = window->next++;
	ret_id->confirmed = window->lowest;
	ret_id->first_sent = hlc_time(rpc->options.clock, env_realtime(rpc->env));
	*window_word(window, ret_id->sequence) |= window_bit(ret_id->sequence);
	return 0;
}

void
rpc_window_close(struct rpc_window *window, const struct request_id *id)
{
	uint64_t *word = window_word(window, id->sequence);

	ASSERT(id->sequence >= window->lowest && id->sequence < window->next);
	ASSERT(*word & window_bit(id->sequence));
	*word &= ~window_bit(id->sequence);
	while (window->lowest < window->next &&
	       !(*window_word(window, window->lowest) & window_bit(window->lowest)))
		window->lowest++;
	if (!window_full(window))
		wait_queue_wake_all(&window->waiting);
}
