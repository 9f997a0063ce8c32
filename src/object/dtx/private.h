/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of object/dtx. lead.c: the leader's line; participant.c: what is done on one target;
 * resync.c: what an earlier run left.
 */
#pragma once

#include "object/dtx/dtx.h"

/* Where a participant is. */
struct participant {
	struct node *node;
	struct uuid pool;
	uint32_t target;
};

/*
 * Each runs on the target's loop and returns when its result is durable there. *Yield*. Besides the
 * errors of vos: those of pool_target_hold(), container_on_target().
 */

MUST_USE int participant_prepare(const struct participant *participant,
				 const struct container_access *access, const struct vos_tx *tx,
				 const struct dtx_part *part);

/* At the leader. *ret_decided, also of a failure: the decision was made, and whether it will be
 * found again is not known. -DER_ALREADY: the request was executed before; forget this copy. */
MUST_USE int participant_decide(const struct participant *participant, struct uuid id,
				const struct request_id *request, bool *ret_decided);

/* Prepares and decides, where the leader is alone: its log keeps the order. */
MUST_USE int participant_commit(const struct participant *participant,
				const struct container_access *access, const struct vos_tx *tx,
				const struct dtx_part *part, const struct request_id *request,
				bool *ret_decided);

MUST_USE int participant_apply(const struct participant *participant, struct uuid id);
MUST_USE int participant_forget(const struct participant *participant, struct uuid id);
MUST_USE int participant_state(const struct participant *participant, struct uuid id,
			       enum vos_tx_state *ret_state);

/* A transaction that a target knows. */
struct known {
	struct uuid id;
	uint32_t target; /* where it is known */
	uint32_t leader;
	bool leads;
	enum vos_tx_state state;
	uint32_t participant_count;
	uint32_t *participants; /* behind this struct */
	struct known *next;
};

/* All that a target knows, as a list, to be freed by participant_list_free() also after a failure;
 * forbids transactions up to floor there. */
MUST_USE int participant_list(const struct participant *participant, uint64_t floor,
			      struct known **ret_known);
void participant_list_free(const struct participant *participant, struct known *known);
