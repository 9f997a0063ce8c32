/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a transaction does on one target: on the target's loop, and durable at the return. */
#include "object/dtx/private.h"

struct call {
	const struct participant *participant;
	int (*function)(struct call *call, struct vos *vos);
	const struct container_access *access;
	const struct vos_tx *tx;
	const struct dtx_part *part;
	const struct request_id *request;
	struct uuid id;
	bool decided;
	enum vos_tx_state state;
	uint64_t floor;
	struct known *known; /* from the arena of the target's loop */
};

static int
call_here(void *argument)
{
	struct call *call = argument;
	const struct participant *participant = call->participant;
	struct vos *vos;
	int rc = pool_target_hold(participant->node, participant->pool, participant->target, &vos);

	if (rc != 0)
		return rc;
	rc = call->function(call, vos);
	pool_target_release(participant->node, participant->pool, participant->target);
	return rc;
}

static int
run(struct call *call)
{
	const struct participant *participant = call->participant;

	return loop_call(node_target_loop(participant->node, participant->target)->loop, call_here,
			 call);
}

static int
await(struct vos *vos, int rc, uint64_t group)
{
	return rc == 0 ? media_wait(heap_media(vos_heap(vos)), group) : rc;
}

/* ------------------------------------------------ prepare and decide */

static int
prepare(struct call *call, uint64_t *ret_group)
{
	struct vos_container *container;
	int rc = container_on_target(call->participant->node, call->access,
				     call->participant->target, &container);

	if (rc != 0)
		return rc;
	rc = vos_tx_prepare(container, call->tx, call->part->ops, call->part->count, ret_group);
	vos_container_close(container);
	return rc;
}

static int
prepare_here(struct call *call, struct vos *vos)
{
	uint64_t group = 0;
	int rc = prepare(call, &group);

	return await(vos, rc, group);
}

int
participant_prepare(const struct participant *participant, const struct container_access *access,
		    const struct vos_tx *tx, const struct dtx_part *part)
{
	struct call call = {.participant = participant,
			    .function = prepare_here,
			    .access = access,
			    .tx = tx,
			    .part = part};

	return run(&call);
}

static int
decide_here(struct call *call, struct vos *vos)
{
	uint64_t group = 0;
	int rc = vos_tx_decide(vos, call->id, call->request, &group);

	call->decided = rc == 0;
	if (rc == -DER_ALREADY) {
		int waited = await(vos, 0, group);

		return waited == 0 ? rc : waited;
	}
	return BUG(29) ? rc : await(vos, rc, group);
}

int
participant_decide(const struct participant *participant, struct uuid id,
		   const struct request_id *request, bool *ret_decided)
{
	struct call call = {
		.participant = participant, .function = decide_here, .request = request, .id = id};
	int rc = run(&call);

	*ret_decided = call.decided;
	return rc;
}

/* The payload's buffers must stay until it is durable, which the decision's group is no earlier
 * than. */
static int
commit_here(struct call *call, struct vos *vos)
{
	uint64_t group = 0;
	int waited;
	int rc = prepare(call, &group);

	if (rc != 0)
		return rc;
	rc = decide_here(call, vos);
	waited = rc == 0 ? 0 : await(vos, 0, group);
	return waited != 0 ? waited : rc;
}

int
participant_commit(const struct participant *participant, const struct container_access *access,
		   const struct vos_tx *tx, const struct dtx_part *part,
		   const struct request_id *request, bool *ret_decided)
{
	struct call call = {.participant = participant,
			    .function = commit_here,
			    .access = access,
			    .tx = tx,
			    .part = part,
			    .request = request,
			    .id = tx->id};
	int rc = run(&call);

	*ret_decided = call.decided;
	return rc;
}

/* ------------------------------------------------ after the decision */

static int
apply_here(struct call *call, struct vos *vos)
{
	uint64_t group = 0;
	int rc = vos_tx_apply(vos, call->id, &group);

	return await(vos, rc, group);
}

int
participant_apply(const struct participant *participant, struct uuid id)
{
	struct call call = {.participant = participant, .function = apply_here, .id = id};

	return run(&call);
}

static int
forget_here(struct call *call, struct vos *vos)
{
	uint64_t group = 0;
	int rc = vos_tx_forget(vos, call->id, &group);

	return await(vos, rc, group);
}

int
participant_forget(const struct participant *participant, struct uuid id)
{
	struct call call = {.participant = participant, .function = forget_here, .id = id};

	return run(&call);
}

/* ------------------------------------------------ what is known */

static int
state_here(struct call *call, struct vos *vos)
{
	return vos_tx_state(vos, call->id, &call->state);
}

int
participant_state(const struct participant *participant, struct uuid id,
		  enum vos_tx_state *ret_state)
{
	struct call call = {.participant = participant, .function = state_here, .id = id};
	int rc = run(&call);

	if (rc == 0)
		*ret_state = call.state;
	return rc;
}

static struct known *
known_copy(struct arena *arena, uint32_t target, const struct vos_tx *tx)
{
	size_t bytes = tx->participant_count * sizeof(*tx->participants);
	struct known *known = arena_alloc(arena, sizeof(*known) + bytes);

	if (known == NULL)
		return NULL;
	*known = (struct known){
		.id = tx->id,
		.target = target,
		.leader = tx->leader,
		.leads = tx->leads,
		.state = tx->state,
		.participant_count = tx->participant_count,
		.participants = (uint32_t *)(known + 1),
	};
	if (bytes > 0)
		memcpy(known->participants, tx->participants, bytes);
	return known;
}

static int
note_known(void *argument, const struct vos_tx *tx)
{
	struct call *call = argument;
	struct arena *arena = loop_env(loop_current())->arena;
	struct known *known = known_copy(arena, call->participant->target, tx);

	if (known == NULL)
		return -DER_NOMEM;
	known->next = call->known;
	call->known = known;
	return 0;
}

static int
list_here(struct call *call, struct vos *vos)
{
	vos_set_floor(vos, call->floor);
	return vos_tx_each(vos, note_known, call);
}

int
participant_list(const struct participant *participant, uint64_t floor, struct known **ret_known)
{
	struct call call = {.participant = participant, .function = list_here, .floor = floor};
	int rc = run(&call);

	/* What was met before a failure counts, too. */
	*ret_known = call.known;
	return rc;
}

static int
free_here(void *argument)
{
	struct known *known = argument;

	while (known) {
		struct known *next = known->next;

		arena_free(loop_env(loop_current())->arena, known);
		known = next;
	}
	return 0;
}

void
participant_list_free(const struct participant *participant, struct known *known)
{
	struct loop *loop = node_target_loop(participant->node, participant->target)->loop;

	/* Without memory for a fiber there: it is little, and goes with the arena. */
	if (known && loop_call(loop, free_here, known) != 0)
		log_debug("transactions: a list was not freed");
}
