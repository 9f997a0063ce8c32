/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What an earlier run left prepared. The leader's record alone tells: decided there means that all
 * apply, prepared or unknown there that all forget. First each leader settles what it leads, then
 * each participant asks for what is still there.
 */
#include "object/dtx/private.h"

struct resync {
	struct node *node;
	struct uuid pool;
	uint32_t count;	      /* targets */
	struct known **known; /* of each target */
	uint32_t settled, left;
};

static struct participant
participant_at(const struct resync *resync, uint32_t target)
{
	return (struct participant){resync->node, resync->pool, target};
}

/* ------------------------------------------------ what a target leads */

/* All others apply, or forget; whether all have. */
static bool
others_settle(struct resync *resync, const struct known *known,
	      int (*function)(const struct participant *participant, struct uuid id))
{
	bool all = true;

	for (uint32_t i = 0; i < known->participant_count; i++) {
		struct participant participant = participant_at(resync, known->participants[i]);
		int rc = function(&participant, known->id);

		if (rc == 0)
			continue;
		error_log(LOG_WARNING, rc, "a transaction stays open on target %u",
			  participant.target);
		all = false;
	}
	return all;
}

/* What was not decided is forgotten by the leader first: from then on nobody can take it for
 * decided. */
static int
leader_forget(struct resync *resync, const struct known *known)
{
	struct participant leader = participant_at(resync, known->target);
	int rc = participant_forget(&leader, known->id);

	if (rc == 0)
		(void)others_settle(resync, known, participant_forget);
	return rc;
}

/* The leader keeps its record for those that cannot apply now. */
static int
leader_apply(struct resync *resync, const struct known *known)
{
	struct participant leader = participant_at(resync, known->target);
	int rc = participant_apply(&leader, known->id);
	bool all = BUG(27) || others_settle(resync, known, participant_apply);

	return rc == 0 && all ? participant_forget(&leader, known->id) : rc;
}

/* ------------------------------------------------ what a target takes part in */

static int
participant_settle(struct resync *resync, const struct known *known)
{
	struct participant here = participant_at(resync, known->target);
	struct participant leader = participant_at(resync, known->leader);
	enum vos_tx_state state = VOS_TX_PREPARED;
	int rc = participant_state(&here, known->id, &state);

	if (rc != 0)
		return rc == -DER_NONEXIST ? 0 : rc;
	if (state == VOS_TX_PREPARED && known->leader < resync->count)
		rc = participant_state(&leader, known->id, &state);
	if (rc != 0 && rc != -DER_NONEXIST)
		return rc;
	return rc == 0 && state != VOS_TX_PREPARED ? participant_apply(&here, known->id)
						   : participant_forget(&here, known->id);
}

/* ------------------------------------------------ all */

static int
settle(struct resync *resync, const struct known *known)
{
	if (!known->leads)
		return participant_settle(resync, known);
	return known->state == VOS_TX_PREPARED ? leader_forget(resync, known)
					       : leader_apply(resync, known);
}

static void
settle_all(struct resync *resync, bool leads)
{
	for (uint32_t i = 0; i < resync->count; i++)
		for (const struct known *known = resync->known[i]; known; known = known->next) {
			int rc = known->leads == leads ? settle(resync, known) : 0;

			resync->settled += known->leads == leads && rc == 0;
			resync->left += rc != 0;
			if (rc != 0)
				error_log(LOG_WARNING, rc,
					  "a transaction of before stays open on target %u", i);
		}
}

/* A target out of service has been told in the log already; the others still start. */
static int
list_all(struct resync *resync)
{
	uint64_t floor;
	int rc = node_epoch(resync->node, &floor);

	for (uint32_t i = 0; i < resync->count && rc == 0; i++) {
		struct participant participant = participant_at(resync, i);
		int listed = participant_list(&participant, floor, &resync->known[i]);

		if (listed == -DER_NOMEM)
			rc = listed;
		else if (listed != 0)
			error_log(LOG_WARNING, listed, "transactions of target %u", i);
	}
	return rc;
}

int
dtx_resync_pool(struct node *node, struct uuid pool, uint32_t count)
{
	struct arena *arena = loop_env(loop_current())->arena;
	struct resync resync = {.node = node, .pool = pool, .count = count};
	int rc;

	resync.known = arena_calloc(arena, count, sizeof(*resync.known));
	if (resync.known == NULL)
		return -DER_NOMEM;
	rc = list_all(&resync);
	if (rc == 0) {
		settle_all(&resync, true);
		settle_all(&resync, false);
	}
	if (resync.settled > 0 || resync.left > 0)
		log_info("transactions of before: %u settled, %u left open", resync.settled,
			 resync.left);
	for (uint32_t i = 0; i < count; i++) {
		struct participant participant = participant_at(&resync, i);

		participant_list_free(&participant, resync.known[i]);
	}
	arena_free(arena, resync.known);
	return rc;
}

static int
resync_pool(void *argument, struct pool *pool)
{
	return dtx_resync_pool(argument, pool_id(pool), pool_target_count(pool));
}

int
dtx_resync(struct node *node, struct pools *pools)
{
	return pools_each(pools, resync_pool, node);
}
