/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The leader's line. A transaction runs on a fiber of its own, which the caller waits for until the
 * decision: neither a caller that is canceled nor one that is gone leaves it half done. Until the
 * decision is durable at the leader nothing was decided, and a crash forgets it everywhere
 * (resync.c); from then on everybody applies.
 */
#include "object/dtx/private.h"

/* How often a transaction that read nothing is tried with an epoch of our own; each is newer than
 * all that was seen. */
#define EPOCHS_MAX 16u
/* Targets that are at work for one transaction at the same time. */
#define WAVE 16u
/* Applying is tried so often, after pauses that double; then it waits for the next start. */
#define APPLY_TRIES 7u
#define APPLY_PAUSE_NS (10 * UINT64_C(1000000))

struct dtx {
	struct node *node;
	struct arena *arena;
	uint64_t floor;	      /* nothing was served up to this epoch */
	struct table leading; /* struct leading */
	bool stopping;
	struct wait_queue ended;
};

/* What the caller waits for; on its stack. */
struct answer {
	struct completion completion;
	struct error_origin origin; /* of a failure */
};

/* A transaction until everybody has applied it. */
struct leading {
	struct table_node node; /* of dtx->leading */
	struct dtx *dtx;
	struct uuid id;
	struct uuid pool;
	uint64_t deadline;		 /* of the caller */
	const struct dtx_commit *commit; /* NULL once the caller has its answer */
	struct answer *answer;		 /* the caller's */
	struct error_origin origin;	 /* of the latest failure */
	int failure;			 /* of a step on all targets */
	uint32_t count;
	uint32_t targets[]; /* the first one leads */
};

static struct participant
participant_of(const struct leading *leading, uint32_t number)
{
	return (struct participant){leading->dtx->node, leading->pool, leading->targets[number]};
}

/* ------------------------------------------------ all targets at once */

struct member {
	struct leading *leading;
	const struct vos_tx *tx;
	int (*function)(struct member *member);
	uint32_t number;
};

static int
run_member(void *argument)
{
	struct member *member = argument;
	struct leading *leading = member->leading;
	int rc = member->function(member);

	if (rc != 0 && (leading->failure == 0 || rc == -DER_TX_RESTART)) {
		leading->failure = rc;
		leading->origin = *context_current()->origin;
	}
	return rc;
}

static void
run_wave(struct member *members, uint32_t count)
{
	struct fiber_group group;

	fiber_group_init(&group);
	/* Where no fiber is to be had this one does the work. */
	for (uint32_t i = 1; i < count; i++)
		if (fiber_group_start(&group, "transaction part", run_member, &members[i]) != 0)
			(void)!run_member(&members[i]);
	(void)!run_member(&members[0]);
	(void)!fiber_group_wait(&group);
}

/* Calls function for each target from the first one on, several at the same time; whether the later
 * ones are still tried after a failure is the caller's choice. */
static int
run_all(struct leading *leading, const struct vos_tx *tx, bool to_the_end,
	int (*function)(struct member *member))
{
	struct member members[WAVE];

	leading->failure = 0;
	for (uint32_t first = 0; first < leading->count; first += WAVE) {
		uint32_t count = min_of(leading->count - first, WAVE);

		if (leading->failure != 0 && !to_the_end)
			break;
		for (uint32_t i = 0; i < count; i++)
			members[i] = (struct member){leading, tx, function, first + i};
		run_wave(members, count);
	}
	return leading->failure;
}

/* ------------------------------------------------ until the decision */

static int
prepare_member(struct member *member)
{
	const struct dtx_commit *commit = member->leading->commit;
	struct participant participant = participant_of(member->leading, member->number);
	struct vos_tx tx = *member->tx;

	tx.leads = member->number == 0;
	if (!tx.leads) {
		tx.participants = NULL;
		tx.participant_count = 0;
	}
	return participant_prepare(&participant, commit->access, &tx,
				   &commit->parts[member->number]);
}

static int
forget_member(struct member *member)
{
	struct participant participant = participant_of(member->leading, member->number);

	return participant_forget(&participant, member->leading->id);
}

/*
 * After a failure, which it returns. Where it cannot be forgotten now it stays locked until the
 * next start, which finds that the leader decided nothing; and it cannot be tried again.
 */
static int
forget_all(struct leading *leading, int code)
{
	struct error_origin origin = leading->origin;
	int rc;

	fiber_set_deadline(0);
	rc = run_all(leading, NULL, true, forget_member);
	if (rc != 0)
		error_log(LOG_WARNING, rc, "a transaction was not forgotten everywhere");
	if (rc != 0 && code == -DER_TX_RESTART)
		return rc;
	leading->origin = origin;
	return code;
}

/* Prepared everywhere, then decided by the first one. */
static int
commit_together(struct leading *leading, const struct vos_tx *tx)
{
	struct participant leader = participant_of(leading, 0);
	bool decided = false;
	int rc = run_all(leading, tx, false, prepare_member);

	if (rc == 0) {
		fiber_set_deadline(0);
		rc = participant_decide(&leader, leading->id, leading->commit->request, &decided);
		leading->origin = *context_current()->origin;
	}
	return rc != 0 && !decided ? forget_all(leading, rc) : rc;
}

static int
commit_alone(struct leading *leading, const struct vos_tx *tx)
{
	const struct dtx_commit *commit = leading->commit;
	struct participant leader = participant_of(leading, 0);
	bool decided = false;
	int rc = participant_commit(&leader, commit->access, tx, &commit->parts[0], commit->request,
				    &decided);

	leading->origin = *context_current()->origin;
	return rc != 0 && !decided ? forget_all(leading, rc) : rc;
}

static int
commit_at(struct leading *leading, uint64_t epoch)
{
	const struct vos_tx tx = {
		.id = leading->id,
		.container = leading->commit->access->container,
		.epoch = epoch & ~HLC_MINOR_MASK,
		.leader = leading->targets[0],
		.leads = true,
		.participant_count = leading->count - 1,
		.participants = leading->targets + 1,
	};
	int rc = leading->count == 1 ? commit_alone(leading, &tx) : commit_together(leading, &tx);

	/* A late copy of a request whose next copy was executed: it was forgotten again. */
	return rc == -DER_ALREADY ? 0 : rc;
}

/* One that read nothing may take place at any time: it is tried with newer epochs. */
static int
commit_somewhen(struct leading *leading)
{
	struct node *node = leading->dtx->node;
	uint64_t epoch;
	int rc = -DER_TX_RESTART;

	for (uint32_t i = 0; i < EPOCHS_MAX && rc == -DER_TX_RESTART; i++) {
		fiber_set_deadline(leading->deadline);
		rc = node_epoch(node, &epoch);
		if (rc == 0)
			rc = commit_at(leading, epoch);
	}
	return rc;
}

static int
decide(struct leading *leading)
{
	struct node *node = leading->dtx->node;
	uint64_t epoch = leading->commit->epoch;
	int rc;

	if (epoch == 0)
		return commit_somewhen(leading);
	fiber_set_deadline(leading->deadline);
	rc = hlc_observe(node->clock, env_realtime(loop_env(loop_current())), epoch);
	return rc == 0 ? commit_at(leading, epoch) : rc;
}

/* ------------------------------------------------ after the decision */

static int
apply_member(struct member *member)
{
	struct participant participant = participant_of(member->leading, member->number);
	int rc = participant_apply(&participant, member->leading->id);

	/* The target, or the pool, was destroyed. */
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* Also what a failure left half way is applied from where it was. */
static void
apply_all(struct leading *leading)
{
	struct participant leader = participant_of(leading, 0);
	uint64_t pause = APPLY_PAUSE_NS;
	int rc = 0;

	fiber_set_deadline(0);
	for (uint32_t i = 0; i < APPLY_TRIES; i++) {
		rc = run_all(leading, NULL, true, apply_member);
		if (rc == 0 || leading->dtx->stopping || fiber_sleep(pause) != 0)
			break;
		pause *= 2;
	}
	/* The leader remembers it until everybody else has applied it. */
	if (rc == 0 && leading->count > 1)
		rc = participant_forget(&leader, leading->id);
	if (rc != 0 && rc != -DER_NONEXIST)
		error_log(LOG_WARNING, rc,
			  "a transaction was decided, but not applied everywhere: the next start "
			  "applies it");
}

/* ------------------------------------------------ sent again */

/*
 * What became of a commit that was sent before and is not under way any more. Where the leader
 * knows neither a decision nor an answer there was none, and what may be left of it is forgotten.
 */
static int
look_back(struct leading *leading, bool *ret_committed)
{
	const struct request_id *request = leading->commit->request;
	struct participant leader = participant_of(leading, 0);
	enum vos_tx_state state = VOS_TX_PREPARED;
	bool decided = false;
	int rc = participant_state(&leader, leading->id, &state);

	if (rc == -DER_NONEXIST && request)
		rc = participant_decide(&leader, leading->id, request, &decided);
	*ret_committed = rc == 0 && (decided || state != VOS_TX_PREPARED);
	if (*ret_committed || (rc != 0 && rc != -DER_NONEXIST))
		return rc;
	REACHED("object: a commit comes again that was not executed");
	return run_all(leading, NULL, true, forget_member);
}

/* ------------------------------------------------ the fiber */

static void
leading_end(struct leading *leading)
{
	struct dtx *dtx = leading->dtx;

	table_remove(&dtx->leading, &leading->node);
	arena_free(dtx->arena, leading);
	wait_queue_wake_all(&dtx->ended);
}

static void
lead_fiber(void *argument)
{
	struct leading *leading = argument;
	bool before = false;
	int rc = leading->commit->again && !BUG(30) ? look_back(leading, &before) : 0;

	if (rc != 0)
		leading->origin = *context_current()->origin;
	else if (!before)
		rc = decide(leading);
	leading->answer->origin = leading->origin;
	leading->commit = NULL;
	completion_signal(&leading->answer->completion, rc);
	if (rc == 0 && !before)
		apply_all(leading);
	leading_end(leading);
}

static bool
leading_equal(const void *key, const struct table_node *node)
{
	return uuid_equal(key, &table_entry(node, struct leading, node)->id);
}

static struct leading *
leading_find(struct dtx *dtx, const struct uuid *id)
{
	struct table_node *node = table_find(&dtx->leading, uuid_hash(id), leading_equal, id);

	return node ? table_entry(node, struct leading, node) : NULL;
}

static int
leading_create(struct dtx *dtx, const struct dtx_commit *commit, struct answer *answer,
	       struct leading **ret_leading)
{
	struct leading *leading =
		arena_alloc(dtx->arena, sizeof(*leading) + commit->part_count * sizeof(uint32_t));

	if (leading == NULL)
		return -DER_NOMEM;
	*leading = (struct leading){
		.dtx = dtx,
		.id = commit->id,
		.pool = commit->access->pool,
		.deadline = fiber_deadline(),
		.commit = commit,
		.answer = answer,
		.count = commit->part_count,
	};
	for (uint32_t i = 0; i < commit->part_count; i++)
		leading->targets[i] = commit->parts[i].target;
	*ret_leading = leading;
	return 0;
}

static int
start(struct dtx *dtx, const struct dtx_commit *commit)
{
	struct answer answer = {.completion = {.done = false}};
	struct leading *leading;
	struct fiber *fiber;
	int rc = leading_create(dtx, commit, &answer, &leading);

	if (rc != 0)
		return rc;
	rc = fiber_start(loop_current(), "transaction", lead_fiber, leading, &fiber);
	if (rc != 0) {
		arena_free(dtx->arena, leading);
		return rc;
	}
	table_insert(&dtx->leading, uuid_hash(&leading->id), &leading->node);
	rc = completion_wait(&answer.completion);
	if (rc != 0)
		*context_current()->origin = answer.origin;
	return rc;
}

/* ------------------------------------------------ the door */

bool
dtx_is_of_before(const struct dtx *dtx, uint64_t epoch)
{
	return epoch != 0 && epoch <= dtx->floor && !BUG(26);
}

int
dtx_lead(struct dtx *dtx, const struct dtx_commit *commit)
{
	const struct leading *before = leading_find(dtx, &commit->id);

	ASSERT(commit->part_count > 0 && commit->part_count <= VOS_PARTICIPANTS_MAX + 1);
	/* After the decision it is being applied. */
	if (before)
		return before->commit ? -DER_INPROGRESS : 0;
	if (dtx->leading.count >= DTX_LEADING_MAX)
		return -DER_OVERLOAD_RETRY;
	return start(dtx, commit);
}

/* ------------------------------------------------ life */

int
dtx_create(struct node *node, struct dtx **ret_dtx)
{
	struct arena *arena = loop_env(node_here(node)->loop)->arena;
	struct dtx *dtx = arena_calloc(arena, 1, sizeof(*dtx));

	if (dtx == NULL)
		return -DER_NOMEM;
	dtx->node = node;
	dtx->arena = arena;
	dtx->floor = hlc_latest(node->clock);
	table_init(&dtx->leading, arena);
	wait_queue_init(&dtx->ended);
	*ret_dtx = dtx;
	return 0;
}

void
dtx_destroy(struct dtx *dtx)
{
	if (dtx == NULL)
		return;
	dtx->stopping = true;
	while (dtx->leading.count > 0)
		wait_queue_wait_plain(&dtx->ended);
	table_fini(&dtx->leading);
	arena_free(dtx->arena, dtx);
}
