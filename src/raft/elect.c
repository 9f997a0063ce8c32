/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Elections: pre-vote, votes, becoming leader or follower. */
#include "raft/private.h"

static uint64_t
draw(struct raft *raft, uint64_t limit)
{
	raft->random = mix64(raft->random + 0x9e3779b97f4a7c15ull);
	return (raft->random >> 11) % limit;
}

/* The present leader was heard: nobody else is helped for the election time, which is what leases
 * rely on. */
void
raft_elect_quiet(struct raft *raft)
{
	raft->quiet_until = raft->now + raft->options.election_usec;
	raft->called = false;
	raft->deadline = raft->quiet_until + draw(raft, raft->options.election_usec);
}

static void
wait_again(struct raft *raft)
{
	raft->deadline =
		raft->now + raft->options.election_usec + draw(raft, raft->options.election_usec);
}

/* Whether a log that ends at index with term reaches as far as a log that ends at other_index with
 * other_term (thesis 3.6.1). */
static bool
reaches(uint64_t term, uint64_t index, uint64_t other_term, uint64_t other_index)
{
	return term > other_term || (term == other_term && index >= other_index);
}

/*
 * Whether the candidate's log holds whatever this replica ever confirmed. What was lost counts as
 * if it were there: a vote with the shortened log could outvote a committed entry.
 */
static bool
log_reaches(const struct raft *raft, const struct raft_message *message)
{
	if (!PLANTED(VOTE_SHORTER) && !reaches(message->log_term, message->index,
					       raft_log_last_term(&raft->log), raft->log.last))
		return false;
	return PLANTED(VOTE_DAMAGED) || raft->hard.lost_index == 0 ||
	       reaches(message->log_term, message->index, raft->hard.lost_term,
		       raft->hard.lost_index);
}

/*
 * Once the durable log reaches as far as the lost one, the ordinary rule refuses whomever the rule
 * above refuses: the loss is healed.
 */
void
raft_elect_heal(struct raft *raft)
{
	uint64_t term;

	if (raft->hard.lost_index == 0 || !raft_log_term(&raft->log, raft->persisted, &term) ||
	    !reaches(term, raft->persisted, raft->hard.lost_term, raft->hard.lost_index))
		return;
	raft->hard.lost_index = 0;
	raft->hard.lost_term = 0;
	raft_hard_changed(raft);
}

void
raft_elect_follow(struct raft *raft, uint64_t term, uint64_t leader)
{
	bool led = raft->role == RAFT_LEADER;

	if (term > raft->hard.term) {
		raft->hard.term = term;
		raft->hard.vote = 0;
		raft_hard_changed(raft);
	} else if (raft->role == RAFT_FOLLOWER) {
		raft->leader = leader;
		return;
	}
	raft->role = RAFT_FOLLOWER;
	raft->leader = leader;
	/* What is committed here is in every later leader's log. */
	raft->verified = raft->commit;
	raft->leader_stamp = 0;
	raft->confirmed = 0;
	raft->confirm = false;
	if (led) {
		raft->transfer = 0;
		raft_read_fail(raft);
		raft_snapshot_forget(raft);
		wait_again(raft);
	}
}

/* ------------------------------------------------ candidates */

/*
 * Voters stand, and whoever was called (raft_elect_vote()): another takes it for a voter that it
 * cannot do without, and its own newer log says that it is none, or none yet. Were it to wait for
 * a leader there might never be one. That is safe: leadership rests on the votes of the majorities
 * of the newest configuration in the candidate's log, durable and for logs that do not reach
 * further, whoever the candidate is. Its own vote counts only where that configuration has it as
 * a voter, and so does its own disk when entries are committed. A leader that no committed
 * configuration has as a voter steps down (raft_member_finish()).
 */
static bool
may_campaign(struct raft *raft)
{
	const struct peer *self = raft_peer_self(raft);
	bool voter = self && (self->roles & (RAFT_VOTER | RAFT_VOTER_OLD));

	return (voter || raft->called) && (raft->hard.lost_index == 0 || PLANTED(VOTE_DAMAGED)) &&
	       !(raft->receiving && raft->receiving->given && raft->receiving->chunk.last);
}

static void
ask_votes(struct raft *raft, enum raft_message_kind kind, uint64_t term)
{
	for (uint32_t i = 0; i < raft->config.count; i++) {
		struct peer *peer = &raft->peers[i];
		struct raft_message message;

		peer->vote = 0;
		if (!(peer->roles & (RAFT_VOTER | RAFT_VOTER_OLD)) || peer->id == raft->options.id)
			continue;
		message = raft_message_to(raft, kind, peer->id, peer->rank);
		message.term = term;
		message.index = raft->log.last;
		message.log_term = raft_log_last_term(&raft->log);
		message.flags = raft->forced && kind == RAFT_VOTE ? RAFT_FORCE : 0;
		raft_hold(raft, &message);
	}
}

/* The own vote counts when it is durable (raft_elect_self()), as those of others do. */
static void
ask_for_term(struct raft *raft)
{
	raft->role = RAFT_CANDIDATE;
	raft->hard.term++;
	raft->hard.vote = raft->options.id;
	raft_hard_changed(raft);
	ask_votes(raft, RAFT_VOTE, raft->hard.term);
}

static void
count_votes(struct raft *raft)
{
	if (QUORUM(raft, vote) == 0)
		return;
	if (raft->role == RAFT_PRECANDIDATE)
		ask_for_term(raft);
	else if (raft->role == RAFT_CANDIDATE)
		raft_elect_lead(raft);
}

void
raft_elect_self(struct raft *raft)
{
	struct peer *self = raft_peer_self(raft);

	if (raft->role != RAFT_CANDIDATE || raft->hard_durable != raft->hard_number || self == NULL)
		return;
	self->vote = 1;
	count_votes(raft);
}

void
raft_elect_campaign(struct raft *raft, bool forced)
{
	struct peer *self = raft_peer_self(raft);

	wait_again(raft);
	if (!may_campaign(raft))
		return;
	raft->leader = 0;
	raft->forced = forced;
	if (forced) {
		ask_for_term(raft);
		return;
	}
	raft->role = RAFT_PRECANDIDATE;
	ask_votes(raft, RAFT_PREVOTE, raft->hard.term + 1);
	if (self)
		self->vote = 1;
	count_votes(raft);
}

void
raft_elect_lead(struct raft *raft)
{
	raft->role = RAFT_LEADER;
	raft->leader = raft->options.id;
	raft->leading_since = raft->now;
	raft->lease_given_up = false;
	raft->transfer = 0;
	raft->heartbeat = true;
	raft->deadline = raft->now;
	for (uint32_t i = 0; i < raft->config.count; i++) {
		struct peer *peer = &raft->peers[i];
		bool self = peer->id == raft->options.id;

		peer->match = self ? raft->persisted : 0;
		/* For itself it speaks at any time. */
		peer->stamp = self ? UINT64_MAX : 0;
		raft_peer_probe(raft, peer, raft->log.last + 1);
	}
	raft->term_first = raft->log.last + 1;
	if (raft_lead_append(raft, RAFT_NOTHING, NULL, 0))
		raft_elect_follow(raft, raft->hard.term, 0);
}

/* ------------------------------------------------ voters */

/*
 * Whether nobody may be helped to leadership now. A leader steps down by itself when it does not
 * reach a quorum any more (check-quorum); until then it helps nobody.
 */
static bool
quiet(const struct raft *raft, const struct raft_message *message)
{
	if (message->kind == RAFT_VOTE && (message->flags & RAFT_FORCE))
		return false;
	return raft->role == RAFT_LEADER || raft->now < raft->quiet_until;
}

static bool
vote_free(const struct raft *raft, const struct raft_message *message)
{
	return raft->hard.vote == 0 || raft->hard.vote == message->from || PLANTED(VOTE_TWICE);
}

static void
vote_grant(struct raft *raft, const struct raft_message *message)
{
	if (raft->hard.vote != message->from) {
		raft->hard.vote = message->from;
		raft_hard_changed(raft);
	}
	wait_again(raft);
}

void
raft_elect_vote(struct raft *raft, const struct raft_message *message)
{
	bool early = message->kind == RAFT_PREVOTE;
	struct raft_message reply;
	bool granted;

	if (quiet(raft, message))
		return;
	if (!early && message->term > raft->hard.term)
		raft_elect_follow(raft, message->term, 0);
	granted = log_reaches(raft, message) &&
		  ((early && message->term > raft->hard.term) ||
		   (message->term == raft->hard.term && vote_free(raft, message)));
	if (granted && !early)
		vote_grant(raft, message);
	else if (!reaches(message->log_term, message->index, raft_log_last_term(&raft->log),
			  raft->log.last))
		raft->called = true;
	reply = raft_message_to(raft, early ? RAFT_PREVOTE_REPLY : RAFT_VOTE_REPLY, message->from,
				message->from_rank);
	reply.term = granted ? message->term : raft->hard.term;
	reply.flags = granted ? 0 : RAFT_REJECT;
	raft_hold(raft, &reply);
}

void
raft_elect_reply(struct raft *raft, const struct raft_message *message)
{
	bool early = message->kind == RAFT_PREVOTE_REPLY;
	struct peer *peer = raft_peer(raft, message->from);

	if (message->flags & RAFT_REJECT) {
		if (message->term > raft->hard.term)
			raft_elect_follow(raft, message->term, 0);
		return;
	}
	if (peer == NULL || raft->role != (early ? RAFT_PRECANDIDATE : RAFT_CANDIDATE) ||
	    message->term != raft->hard.term + early)
		return;
	peer->vote = 1;
	count_votes(raft);
}
