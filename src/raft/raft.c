/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Life of a replica, and where messages go. */
#include "raft/raft.h"

#include "raft/private.h"

#define LOG_ENTRIES 65536u
#define LOG_BYTES (UINT64_C(64) << 20)
#define COMPACT_AFTER 256u
#define HEARTBEAT_USEC 250000u
#define ELECTION_USEC 2000000u

static uint64_t
or_default(uint64_t value, uint64_t otherwise)
{
	return value ? value : otherwise;
}

static int
options_fill(struct raft_options *options)
{
	options->log_entries = (uint32_t)or_default(options->log_entries, LOG_ENTRIES);
	options->log_bytes = or_default(options->log_bytes, LOG_BYTES);
	options->compact_after = (uint32_t)or_default(options->compact_after, COMPACT_AFTER);
	options->heartbeat_usec = or_default(options->heartbeat_usec, HEARTBEAT_USEC);
	options->election_usec = or_default(options->election_usec, ELECTION_USEC);
	options->lease_usec = or_default(options->lease_usec,
					 options->election_usec - options->election_usec / 4);
	if (options->id == 0)
		return error_raise(-DER_INVAL, "a replica needs an id");
	if (options->election_usec < 2 * options->heartbeat_usec ||
	    options->election_usec > UINT64_C(1) << 40 ||
	    options->lease_usec >= options->election_usec)
		return error_raise(-DER_INVAL, "the times of a replica contradict one another");
	return 0;
}

int
raft_create(struct arena *arena, const struct raft_options *options, const struct raft_base *base,
	    struct raft **ret_raft)
{
	struct raft_options filled = *options;
	struct raft *raft;
	int rc = options_fill(&filled);

	if (rc == 0)
		rc = raft_config_check(&base->config);
	if (rc)
		return rc;
	if (base->config.count > 0 && base->index == 0)
		return error_raise(-DER_INVAL, "a group begins at index 1");
	raft = arena_calloc(arena, 1, sizeof(*raft));
	if (raft == NULL)
		return error_raise(-DER_NOMEM, "no memory for a replica");
	raft->arena = arena;
	raft->options = filled;
	raft->random = hash_combine(filled.seed, filled.id);
	raft->base = *base;
	raft_log_init(&raft->log, arena, base->index, base->term);
	raft_member_adopt(raft, &base->config, base->index);
	*ret_raft = raft;
	return 0;
}

int
raft_load(struct raft *raft, const struct raft_entry *entry)
{
	struct raft_config config;
	struct reader reader;
	int rc = 0;

	if (entry->index != raft->log.last + 1 || entry->term < raft_log_last_term(&raft->log))
		return error_raise(-DER_INVAL, "entry %llu does not follow entry %llu",
				   (unsigned long long)entry->index,
				   (unsigned long long)raft->log.last);
	if (entry->kind == RAFT_MEMBERSHIP) {
		reader_init(&reader, entry->data, entry->length);
		rc = raft_config_decode(&reader, &config);
	}
	if (rc == 0)
		rc = raft_log_append(&raft->log, entry);
	if (rc == 0 && entry->kind == RAFT_MEMBERSHIP)
		raft_member_adopt(raft, &config, entry->index);
	return rc;
}

/*
 * Notes a loss beside one that is not healed yet. Where its end is not known, only an entry of a
 * later term can heal it, so the term is raised, which makes the group elect once more.
 */
static void
loss_note(struct raft *raft, struct raft_loss loss)
{
	struct raft_hard *hard = &raft->hard;

	if (loss.index == 0)
		return;
	hard->lost_term = max_of(hard->lost_term, loss.term ? loss.term : hard->term);
	hard->lost_index = max_of(hard->lost_index, loss.index);
	if (loss.index == UINT64_MAX) {
		hard->term++;
		hard->vote = 0;
	}
	raft_hard_changed(raft);
}

static bool
sole_voter(struct raft *raft)
{
	const struct peer *self = raft_peer_self(raft);
	uint32_t voters = 0;

	for (uint32_t i = 0; i < raft->config.count; i++)
		voters += (raft->peers[i].roles & (RAFT_VOTER | RAFT_VOTER_OLD)) != 0;
	return voters == 1 && self && (self->roles & RAFT_VOTER);
}

int
raft_start(struct raft *raft, uint64_t now, const struct raft_hard *hard, uint64_t applied,
	   struct raft_loss loss)
{
	if (applied < raft->log.base || applied > raft->log.last ||
	    (raft->log.last > raft->log.base && hard->term < raft_log_last_term(&raft->log)))
		return error_raise(-DER_INVAL,
				   "the stored term %llu or applied index %llu is impossible",
				   (unsigned long long)hard->term, (unsigned long long)applied);
	raft_time(raft, now);
	raft->hard = *hard;
	/* Whoever begins with a snapshot has its term. */
	raft->hard.term = max_of(hard->term, raft_log_last_term(&raft->log));
	raft->applied = raft->applying = raft->commit = raft->verified = applied;
	raft->persisted = raft->log_given = raft->log.last;
	loss_note(raft, loss);
	raft_elect_heal(raft);
	raft_elect_quiet(raft);
	if (sole_voter(raft))
		raft->deadline = raft->now;
	return 0;
}

void
raft_destroy(struct raft *raft)
{
	raft_snapshot_forget(raft);
	if (raft->receiving)
		arena_free(raft->arena, (void *)(uintptr_t)raft->receiving->chunk.data);
	arena_free(raft->arena, raft->receiving);
	raft_log_fini(&raft->log);
	arena_free(raft->arena, raft->held);
	arena_free(raft->arena, raft->messages);
	arena_free(raft->arena, raft->reads);
	arena_free(raft->arena, raft);
}

/* ------------------------------------------------ inputs */

uint64_t
raft_deadline(const struct raft *raft)
{
	return raft->deadline;
}

void
raft_tick(struct raft *raft, uint64_t now)
{
	raft_time(raft, now);
	if (raft->role == RAFT_LEADER)
		raft_lead_tick(raft);
	else if (raft->now >= raft->deadline)
		raft_elect_campaign(raft, false);
}

static bool
from_leader(const struct raft_message *message)
{
	return message->kind == RAFT_APPEND || message->kind == RAFT_HEARTBEAT ||
	       message->kind == RAFT_SNAPSHOT;
}

/* Tells a leader of a former term that there is a later one. */
static void
refuse_former(struct raft *raft, const struct raft_message *message)
{
	struct raft_message reply;

	if (!from_leader(message))
		return;
	reply = raft_message_to(raft, RAFT_APPEND_REPLY, message->from, message->from_rank);
	reply.flags = RAFT_REJECT;
	reply.index = message->index;
	raft_hold(raft, &reply);
}

static int
receive_from_leader(struct raft *raft, const struct raft_message *message)
{
	if (raft->role == RAFT_LEADER)
		return error_raise(-DER_PROTO, "a second leader of term %llu",
				   (unsigned long long)message->term);
	if (raft->role != RAFT_FOLLOWER || raft->leader != message->from)
		raft_elect_follow(raft, message->term, message->from);
	raft_elect_quiet(raft);
	switch (message->kind) {
	case RAFT_APPEND:
		return raft_follow_append(raft, message);
	case RAFT_HEARTBEAT:
		raft_follow_heartbeat(raft, message);
		return 0;
	default:
		return raft_snapshot_receive(raft, message);
	}
}

static int
receive_in_term(struct raft *raft, const struct raft_message *message)
{
	switch (message->kind) {
	case RAFT_APPEND:
	case RAFT_HEARTBEAT:
	case RAFT_SNAPSHOT:
		return receive_from_leader(raft, message);
	case RAFT_APPEND_REPLY:
	case RAFT_HEARTBEAT_REPLY:
		raft_lead_reply(raft, message);
		return 0;
	case RAFT_SNAPSHOT_REPLY:
		raft_snapshot_reply(raft, message);
		return 0;
	case RAFT_TIMEOUT_NOW:
		if (raft->role == RAFT_FOLLOWER)
			raft_elect_campaign(raft, true);
		return 0;
	default:
		return error_raise(-DER_PROTO, "message kind %d", (int)message->kind);
	}
}

int
raft_receive(struct raft *raft, uint64_t now, const struct raft_message *message)
{
	raft_time(raft, now);
	if (!uuid_equal(&message->group, &raft->options.group) || message->to != raft->options.id)
		return -DER_MISMATCH;
	if (message->term == 0 || message->term > RAFT_TERM_MAX)
		return error_raise(-DER_PROTO, "term %llu", (unsigned long long)message->term);
	switch (message->kind) {
	case RAFT_PREVOTE:
	case RAFT_VOTE:
		raft_elect_vote(raft, message);
		return 0;
	case RAFT_PREVOTE_REPLY:
	case RAFT_VOTE_REPLY:
		raft_elect_reply(raft, message);
		return 0;
	default:
		break;
	}
	if (message->term < raft->hard.term) {
		refuse_former(raft, message);
		return 0;
	}
	if (message->term > raft->hard.term)
		raft_elect_follow(raft, message->term, from_leader(message) ? message->from : 0);
	return receive_in_term(raft, message);
}

/* Entries of a snapshot under way stay while there is room, so that the log follows on it. */
static uint64_t
compact_limit(const struct raft *raft, uint64_t index)
{
	uint64_t limit = min_of(index, raft->applied);

	if (raft->log.last - raft->log.base > raft->options.log_entries / 2 ||
	    raft->log.bytes > raft->options.log_bytes / 2)
		return limit;
	for (uint32_t i = 0; i < raft->config.count; i++)
		if (raft->peers[i].sending)
			limit = min_of(limit, raft->peers[i].sending->index);
	return limit;
}

const struct raft_base *
raft_compact(struct raft *raft, uint64_t index)
{
	uint64_t limit = compact_limit(raft, index);
	struct raft_config config;

	if (limit > raft->log.base) {
		raft_member_at(raft, limit, &config);
		raft_log_compact(&raft->log, limit);
		raft->base = (struct raft_base){
			.index = limit, .term = raft->log.base_term, .config = config};
	}
	return &raft->base;
}

/* ------------------------------------------------ questions */

void
raft_status(const struct raft *raft, struct raft_status *ret_status)
{
	*ret_status = (struct raft_status){
		.role = raft->role,
		.term = raft->hard.term,
		.leader = raft->leader,
		.base = raft->log.base,
		.last = raft->log.last,
		.persisted = raft->persisted,
		.commit = raft->commit,
		.applied = raft->applied,
		.lease_until = raft_lease_until(raft),
		.hard = raft->hard,
	};
}

const struct raft_entry *
raft_entry(const struct raft *raft, uint64_t index)
{
	return raft_log_at(&raft->log, index);
}
