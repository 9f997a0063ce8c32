/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The follower's side of replication. */
#include "raft/private.h"

/* A reply that says how far the log equals the leader's: durable (index) and in memory (hint). */
static struct raft_message
reply_make(const struct raft *raft, enum raft_message_kind kind, const struct raft_message *message)
{
	struct raft_message reply = raft_message_to(raft, kind, message->from, message->from_rank);

	reply.index = PLANTED(CONFIRM_EARLY) ? raft->verified
					     : min_of(raft->verified, raft->persisted);
	reply.hint = raft->verified;
	reply.stamp = raft->leader_stamp;
	reply.flags = raft->hard.lost_index ? RAFT_LOST : 0;
	return reply;
}

/* Called when a ready is made: one confirmation for all that came and became durable since. */
void
raft_follow_confirm(struct raft *raft)
{
	const struct raft_member *leader = raft_config_find(&raft->config, raft->leader);
	struct raft_message leader_says = {.from = raft->leader};
	struct raft_message reply;

	if (!raft->confirm || raft->role != RAFT_FOLLOWER || raft->leader == 0)
		return;
	leader_says.from_rank = leader ? leader->rank : raft->leader_rank;
	reply = reply_make(raft, RAFT_APPEND_REPLY, &leader_says);
	raft_hold(raft, &reply);
	raft->confirmed = reply.index;
	raft->confirm = false;
}

void
raft_follow_commit(struct raft *raft, uint64_t commit)
{
	uint64_t limit = PLANTED(COMMIT_UNVERIFIED) ? raft->log.last : raft->verified;

	raft->commit = max_of(raft->commit, min_of(commit, limit));
}

static void
hear(struct raft *raft, const struct raft_message *message)
{
	raft->leader_stamp = max_of(raft->leader_stamp, message->stamp);
	raft->leader_rank = message->from_rank;
}

/* Says where the logs may meet: the newest entry before, of a term not above the leader's. */
static void
reject(struct raft *raft, const struct raft_message *message)
{
	struct raft_message reply = reply_make(raft, RAFT_APPEND_REPLY, message);
	uint64_t index = min_of(message->index - 1, raft->log.last), term = 0;

	while (index > raft->commit && raft_log_term(&raft->log, index, &term) &&
	       term > message->log_term)
		index--;
	if (!raft_log_term(&raft->log, index, &term))
		index = raft->log.last;
	reply.flags |= RAFT_REJECT;
	reply.index = message->index;
	reply.hint = index;
	reply.hint_term = term;
	raft_hold(raft, &reply);
}

static void
cut(struct raft *raft, uint64_t index)
{
	raft_log_truncate(&raft->log, index);
	raft_write_cut(raft, index);
	raft_member_rescan(raft);
	raft->verified = min_of(raft->verified, index - 1);
}

static bool
no_room(const struct raft *raft, uint32_t length)
{
	return raft->log.last - raft->log.base >= raft->options.log_entries + LOG_SPARE ||
	       (raft->log.bytes > 0 && raft->log.bytes + length > raft->options.log_bytes);
}

static int
entry_append(struct raft *raft, const struct raft_entry *entry)
{
	struct raft_config config;
	struct reader reader;
	int rc;

	if (no_room(raft, entry->length))
		return -DER_BUSY;
	if (entry->term < raft_log_last_term(&raft->log))
		return error_raise(-DER_PROTO, "entry %llu goes back to term %llu",
				   (unsigned long long)entry->index,
				   (unsigned long long)entry->term);
	if (entry->kind == RAFT_MEMBERSHIP) {
		reader_init(&reader, entry->data, entry->length);
		rc = raft_config_decode(&reader, &config);
		if (rc)
			return rc;
	}
	rc = raft_log_append(&raft->log, entry);
	if (rc == 0 && entry->kind == RAFT_MEMBERSHIP)
		raft_member_adopt(raft, &config, entry->index);
	return rc;
}

/*
 * Takes one entry. An entry that is here already stays with all that follows it: the message may
 * be an old one, and what follows may be confirmed.
 */
static int
entry_take(struct raft *raft, const struct raft_entry *entry)
{
	uint64_t term;

	if (raft_log_term(&raft->log, entry->index, &term)) {
		if (term == entry->term && !PLANTED(TRUNCATE_ALWAYS))
			return 0;
		if (entry->index <= raft->commit)
			return PLANTED(TRUNCATE_ALWAYS)
				       ? 0
				       : error_raise(-DER_PROTO,
						     "entry %llu of term %llu contradicts a "
						     "committed one",
						     (unsigned long long)entry->index,
						     (unsigned long long)entry->term);
		cut(raft, entry->index);
	}
	return entry_append(raft, entry);
}

/* The entries from number first on; what cannot be taken now is sent again. */
static int
entries_take(struct raft *raft, const struct raft_message *message, uint32_t first)
{
	uint64_t reached = message->index + first;
	int rc = 0;

	for (uint32_t i = first; i < message->entry_count && rc == 0; i++) {
		rc = entry_take(raft, &message->entries[i]);
		if (rc == 0)
			reached = message->entries[i].index;
	}
	raft->verified = max_of(raft->verified, reached);
	raft_follow_commit(raft, message->commit);
	if (reached <= raft->persisted || PLANTED(CONFIRM_EARLY))
		raft->confirm = true;
	return rc;
}

int
raft_follow_append(struct raft *raft, const struct raft_message *message)
{
	uint64_t first = 0, term;

	/* All that the log holds goes when the snapshot is in place. */
	if (raft->receiving && raft->receiving->given && raft->receiving->chunk.last)
		return -DER_BUSY;
	hear(raft, message);
	if (message->index < raft->log.base) {
		/* What the base covers is committed, thus equal. */
		first = min_of(raft->log.base - message->index, (uint64_t)message->entry_count);
	} else if (!raft_log_term(&raft->log, message->index, &term) || term != message->log_term) {
		reject(raft, message);
		return 0;
	}
	return entries_take(raft, message, (uint32_t)first);
}

void
raft_follow_heartbeat(struct raft *raft, const struct raft_message *message)
{
	struct raft_message reply;

	hear(raft, message);
	raft_follow_commit(raft, message->commit);
	reply = reply_make(raft, RAFT_HEARTBEAT_REPLY, message);
	raft_hold(raft, &reply);
}
