/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The configuration in force: the newest in the log, committed or not (thesis 4.1), so that a crash
 * at any point leaves one that all of its quorums agree on; when its entry is cut off, the one
 * before is in force again.
 */
#include "raft/private.h"

struct peer *
raft_peer(struct raft *raft, uint64_t id)
{
	for (uint32_t i = 0; i < raft->config.count; i++)
		if (raft->peers[i].id == id)
			return &raft->peers[i];
	return NULL;
}

struct peer *
raft_peer_self(struct raft *raft)
{
	return raft_peer(raft, raft->options.id);
}

static void
peer_enter(struct raft *raft, struct peer *peer, const struct raft_member *member)
{
	*peer = (struct peer){.id = member->id, .next = raft->log.last + 1};
	if (member->id == raft->options.id)
		peer->match = raft->persisted;
}

void
raft_member_adopt(struct raft *raft, const struct raft_config *config, uint64_t index)
{
	struct peer former[RAFT_MEMBERS_MAX];
	uint32_t count = raft->config.count;

	memcpy(former, raft->peers, count * sizeof(former[0]));
	raft->config = *config;
	raft->config_index = index;
	for (uint32_t i = 0; i < config->count; i++) {
		const struct raft_member *member = &config->members[i];
		struct peer *peer = &raft->peers[i];
		uint32_t old = 0;

		while (old < count && former[old].id != member->id)
			old++;
		if (old < count) {
			*peer = former[old];
			former[old].sending = NULL;
		} else {
			peer_enter(raft, peer, member);
		}
		peer->rank = member->rank;
		peer->roles = member->roles;
	}
	for (uint32_t i = 0; i < count; i++)
		arena_free(raft->arena, former[i].sending);
}

/* An entry that is in the log was decoded before. */
static void
entry_config(const struct raft_entry *entry, struct raft_config *ret_config)
{
	struct reader reader;

	reader_init(&reader, entry->data, entry->length);
	if (raft_config_decode(&reader, ret_config))
		ASSERT(false);
}

void
raft_member_rescan(struct raft *raft)
{
	struct raft_config config;

	if (raft->config_index <= raft->log.last)
		return;
	for (uint64_t index = raft->log.last; index > raft->log.base; index--) {
		const struct raft_entry *entry = raft_log_at(&raft->log, index);

		if (entry->kind != RAFT_MEMBERSHIP)
			continue;
		entry_config(entry, &config);
		raft_member_adopt(raft, &config, index);
		return;
	}
	raft_member_adopt(raft, &raft->base.config, raft->log.base);
}

void
raft_member_at(const struct raft *raft, uint64_t index, struct raft_config *ret_config)
{
	for (uint64_t at = index; at > raft->log.base; at--) {
		const struct raft_entry *entry = raft_log_at(&raft->log, at);

		if (entry->kind == RAFT_MEMBERSHIP) {
			entry_config(entry, ret_config);
			return;
		}
	}
	*ret_config = raft->base.config;
}

/* The value that a majority of those with a role reach. */
static uint64_t
quorum_half(const struct raft *raft, uint32_t role, size_t offset)
{
	uint64_t values[RAFT_MEMBERS_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < raft->config.count; i++) {
		uint64_t value;
		uint32_t at = count;

		if (!(raft->peers[i].roles & role))
			continue;
		memcpy(&value, (const char *)&raft->peers[i] + offset, sizeof(value));
		for (; at > 0 && values[at - 1] < value; at--)
			values[at] = values[at - 1];
		values[at] = value;
		count++;
	}
	return count ? values[count / 2] : UINT64_MAX;
}

uint64_t
raft_quorum(const struct raft *raft, size_t offset)
{
	uint64_t now = quorum_half(raft, RAFT_VOTER, offset);

	if (raft->config.count == 0)
		return 0;
	if (PLANTED(JOINT_NEW_ONLY))
		return now;
	return min_of(now, quorum_half(raft, RAFT_VOTER_OLD, offset));
}

const struct raft_config *
raft_membership(const struct raft *raft, uint64_t *ret_index)
{
	*ret_index = raft->config_index;
	return &raft->config;
}

static int
append_config(struct raft *raft, const struct raft_config *config)
{
	uint8_t bytes[sizeof(struct raft_config) + 16];
	struct writer writer;
	int rc;

	writer_init(&writer, bytes, sizeof(bytes));
	raft_config_encode(&writer, config);
	ASSERT(!writer.failed);
	rc = raft_lead_append(raft, RAFT_MEMBERSHIP, bytes, (uint32_t)writer.position);
	if (rc == 0)
		raft_member_adopt(raft, config, raft->log.last);
	return rc;
}

static int
change_check(const struct raft *raft, const struct raft_config *target)
{
	uint32_t former = 0;

	if (raft->role != RAFT_LEADER)
		return -DER_NOTLEADER;
	if (raft->commit < raft->term_first || raft->config_index > raft->commit ||
	    raft_config_joint(&raft->config) || raft->transfer)
		return -DER_BUSY;
	if (raft_config_check(target) || target->count == 0 || raft_config_joint(target))
		return error_raise(-DER_INVAL, "the target of a membership change is impossible");
	for (uint32_t i = 0; i < raft->config.count; i++)
		former += raft_config_find(target, raft->config.members[i].id) == NULL;
	if (target->count + former > RAFT_MEMBERS_MAX)
		return error_raise(-DER_INVAL, "old and new members are more than %u",
				   RAFT_MEMBERS_MAX);
	return 0;
}

int
raft_change(struct raft *raft, uint64_t now, const struct raft_config *target, uint64_t *ret_index)
{
	struct raft_config joint = *target;
	int rc;

	raft_time(raft, now);
	rc = change_check(raft, target);
	if (rc)
		return rc;
	if (!raft_config_voters_equal(&raft->config, target))
		raft_config_make_joint(&raft->config, target, &joint);
	rc = append_config(raft, &joint);
	if (rc == 0)
		*ret_index = raft->log.last;
	return rc;
}

/* So that the group need not wait for an election time-out. */
static void
successor_ask(struct raft *raft)
{
	const struct peer *best = NULL;
	struct raft_message message;

	for (uint32_t i = 0; i < raft->config.count; i++) {
		const struct peer *peer = &raft->peers[i];

		if ((peer->roles & RAFT_VOTER) && (best == NULL || peer->match > best->match))
			best = peer;
	}
	if (best == NULL)
		return;
	message = raft_message_to(raft, RAFT_TIMEOUT_NOW, best->id, best->rank);
	raft_hold(raft, &message);
}

/*
 * Once the joint configuration is committed, both old and new majority know of it, and the new one
 * may go on alone. Called whenever the leader moved on; a lack of memory only delays it. A leader
 * that is not in the committed new configuration has done its duty.
 */
void
raft_member_finish(struct raft *raft)
{
	struct raft_config final;
	const struct peer *self;

	if (raft->role != RAFT_LEADER || raft->config_index > raft->commit ||
	    raft->commit < raft->term_first)
		return;
	if (raft_config_joint(&raft->config)) {
		raft_config_make_final(&raft->config, &final);
		(void)append_config(raft, &final);
		return;
	}
	self = raft_peer_self(raft);
	if (self && (self->roles & RAFT_VOTER))
		return;
	successor_ask(raft);
	raft_elect_follow(raft, raft->hard.term, 0);
}
