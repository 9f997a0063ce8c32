/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Transactions over several targets: one of them leads, prepares all, decides, and sees to it that
 * all apply. Targets are reached on their loops without the wire; participant.c is the one place
 * that knows how.
 */
#pragma once

#include "container/container.h"

/* Transactions that one loop leads at the same time; more get -DER_OVERLOAD_RETRY. */
#define DTX_LEADING_MAX 1024u

struct dtx;

/* What a transaction changes on one target, in this order. */
struct dtx_part {
	uint32_t target;
	uint32_t count;
	const struct vos_op *ops;
};

struct dtx_commit {
	struct uuid id; /* drawn for this attempt */
	const struct container_access *access;
	uint64_t epoch;			  /* 0: drawn here */
	const struct request_id *request; /* NULL: not remembered */
	bool again;			  /* sent before */
	const struct dtx_part *parts;	  /* the first one is the leader's, of this loop */
	uint32_t part_count;		  /* 1 to VOS_PARTICIPANTS_MAX + 1, no target twice */
};

/* What leads transactions on the current loop. -DER_NOMEM. */
MUST_USE int dtx_create(struct node *node, struct dtx **ret_dtx);

/* Waits until all that was decided is applied, and frees dtx (NULL: nothing). No dtx_lead() is
 * under way. *Yields*. */
void dtx_destroy(struct dtx *dtx);

/*
 * Makes all changes of a transaction or none. Returns once the decision is durable; what commit
 * points to is not touched any more then, and applying goes on by itself. It runs to its decision
 * even where the caller is canceled. Errors of vos_tx_prepare(), of which -DER_TX_RESTART wins over
 * those of other targets: what they found may be the conflict's doing. -DER_INPROGRESS: the same
 * transaction is under way; -DER_OVERLOAD_RETRY. One that was committed before gives 0. *Yields*,
 * uninterruptible; until everything is prepared the fiber's deadline counts.
 */
MUST_USE int dtx_lead(struct dtx *dtx, const struct dtx_commit *commit);

/* Whether an epoch (not 0) is of before this start: what was read until then is forgotten, so that
 * nothing can be written at it; only dtx_lead() still finds what was committed. */
bool dtx_is_of_before(const struct dtx *dtx, uint64_t epoch);

/*
 * Before anything is served: resolves what an earlier run left prepared on the targets of all
 * pools, and forbids transactions of before. What cannot be resolved, as a target is out of
 * service, stays locked and is logged. On loop 0. *Yields*. Fails only where it could not even
 * look.
 */
MUST_USE int dtx_resync(struct node *node, struct pools *pools);

/* As dtx_resync() for the targets 0 to count - 1 of one pool. */
MUST_USE int dtx_resync_pool(struct node *node, struct uuid pool, uint32_t count);
