/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Snapshots in chunks, one under way per peer. The shell reads and stores them; the core says which
 * chunk comes next. A new leader's snapshot of the same index may have other bytes, so a transfer
 * belongs to its leader and term and begins anew with another.
 */
#include "raft/private.h"

/* ------------------------------------------------ sending */

void
raft_peer_snapshot_end(struct raft *raft, struct peer *peer)
{
	arena_free(raft->arena, peer->sending);
	peer->sending = NULL;
	peer->wishes = false;
}

void
raft_snapshot_forget(struct raft *raft)
{
	for (uint32_t i = 0; i < raft->config.count; i++)
		raft_peer_snapshot_end(raft, &raft->peers[i]);
}

/* The peer answered a heartbeat sent after the chunk, and the chunk did not: asks for it again. */
void
raft_snapshot_retry(struct peer *peer, uint64_t stamp)
{
	if (peer->sending == NULL || (peer->sending->sent && stamp > peer->sending->sent))
		peer->wishes = true;
	if (peer->sending && peer->wishes)
		peer->sending->sent = 0;
}

void
raft_snapshot_wishes(struct raft *raft, struct raft_ready *ready)
{
	if (raft->role != RAFT_LEADER)
		return;
	for (uint32_t i = 0; i < raft->config.count; i++) {
		struct peer *peer = &raft->peers[i];

		if (!peer->wishes || peer->state != PEER_SNAPSHOT)
			continue;
		peer->wishes = false;
		raft->wishes[ready->wish_count++] = (struct raft_wish){
			.to = peer->id,
			.index = peer->sending ? peer->sending->index : 0,
			.offset = peer->sending ? peer->sending->offset : 0,
		};
	}
	ready->wishes = raft->wishes;
}

/* The transfer a chunk belongs to, begun when its snapshot is a new one. */
static int
sending_open(struct raft *raft, struct peer *peer, const struct raft_chunk *chunk)
{
	struct sending *sending = peer->sending;
	uint64_t term;

	if (sending && sending->index == chunk->index && sending->offset == chunk->offset)
		return 0;
	if (chunk->offset != 0 || chunk->index == 0 || chunk->index > raft->applied ||
	    !raft_log_term(&raft->log, chunk->index, &term))
		return error_raise(-DER_INVAL, "a chunk at %llu of a snapshot at %llu",
				   (unsigned long long)chunk->offset,
				   (unsigned long long)chunk->index);
	if (sending == NULL)
		sending = arena_alloc(raft->arena, sizeof(*sending));
	if (sending == NULL)
		return error_raise(-DER_NOMEM, "no memory for a snapshot");
	*sending = (struct sending){.index = chunk->index, .term = term};
	raft_member_at(raft, chunk->index, &sending->config);
	peer->sending = sending;
	return 0;
}

int
raft_chunk_send(struct raft *raft, uint64_t now, const struct raft_chunk *chunk,
		struct raft_message *ret_message)
{
	struct peer *peer = raft_peer(raft, chunk->to);
	struct raft_message message;
	int rc;

	raft_time(raft, now);
	if (raft->role != RAFT_LEADER || peer == NULL || peer->state != PEER_SNAPSHOT)
		return -DER_NONEXIST;
	if (chunk->length > RAFT_CHUNK_MAX)
		return error_raise(-DER_INVAL, "a chunk of %u bytes", chunk->length);
	rc = sending_open(raft, peer, chunk);
	if (rc)
		return rc;
	message = raft_message_to(raft, RAFT_SNAPSHOT, peer->id, peer->rank);
	message.index = chunk->index;
	message.log_term = peer->sending->term;
	message.commit = raft->commit;
	message.hint = chunk->offset;
	message.flags = chunk->last ? RAFT_LAST : 0;
	message.data = chunk->data;
	message.data_length = chunk->length;
	message.config = &peer->sending->config;
	raft->stamp = max_of(raft->stamp + 1, raft->now);
	message.stamp = raft->stamp;
	peer->sending->sent = raft->stamp;
	*ret_message = message;
	return 0;
}

bool
raft_sending(const struct raft *raft, uint64_t index)
{
	for (uint32_t i = 0; i < raft->config.count; i++)
		if (raft->peers[i].sending && raft->peers[i].sending->index == index)
			return true;
	return false;
}

void
raft_snapshot_reply(struct raft *raft, const struct raft_message *message)
{
	struct peer *peer = raft_peer(raft, message->from);

	if (raft->role != RAFT_LEADER || peer == NULL || message->stamp > raft->stamp)
		return;
	peer->stamp = max_of(peer->stamp, message->stamp);
	if (peer->state == PEER_SNAPSHOT && peer->sending &&
	    peer->sending->index == message->index) {
		if (message->flags & RAFT_LAST) {
			peer->match = max_of(peer->match, message->index);
			raft_peer_probe(raft, peer, peer->match + 1);
		} else if (message->hint == 0 || message->hint > peer->sending->offset) {
			peer->sending->offset = message->hint;
			peer->sending->sent = 0;
			peer->wishes = true;
		}
	}
	raft_lead_commit(raft);
	raft_read_advance(raft);
}

/* ------------------------------------------------ receiving */

static void
reply(struct raft *raft, const struct raft_message *message, uint64_t offset, uint32_t flags)
{
	struct raft_message answer =
		raft_message_to(raft, RAFT_SNAPSHOT_REPLY, message->from, message->from_rank);

	answer.index = message->index;
	answer.hint = offset;
	answer.flags = flags;
	answer.stamp = raft->leader_stamp;
	raft_hold(raft, &answer);
}

static bool
same_transfer(const struct raft *raft, const struct receiving *receiving,
	      const struct raft_message *message)
{
	return receiving && receiving->from == message->from &&
	       receiving->leader_term == raft->hard.term && receiving->index == message->index &&
	       receiving->term == message->log_term;
}

/* Begins with a first chunk; the shell forgets what it stored of another when it gets offset 0. */
static int
receiving_begin(struct raft *raft, const struct raft_message *message)
{
	struct receiving *receiving = raft->receiving;

	if (receiving == NULL)
		receiving = arena_calloc(raft->arena, 1, sizeof(*receiving));
	if (receiving == NULL)
		return error_raise(-DER_NOMEM, "no memory for a snapshot");
	arena_free(raft->arena, (void *)(uintptr_t)receiving->chunk.data);
	*receiving = (struct receiving){.from = message->from,
					.leader_term = raft->hard.term,
					.index = message->index,
					.term = message->log_term,
					.config = *message->config};
	raft->receiving = receiving;
	return 0;
}

static int
receiving_take(struct raft *raft, const struct raft_message *message)
{
	struct receiving *receiving = raft->receiving;
	void *data = arena_alloc(raft->arena, message->data_length);

	if (data == NULL)
		return error_raise(-DER_NOMEM, "no memory for a snapshot chunk");
	if (message->data_length)
		memcpy(data, message->data, message->data_length);
	arena_free(raft->arena, (void *)(uintptr_t)receiving->chunk.data);
	receiving->waiting = true;
	receiving->given = false;
	receiving->chunk = (struct raft_chunk){.index = receiving->index,
					       .term = receiving->term,
					       .offset = receiving->offset,
					       .data = data,
					       .length = message->data_length,
					       .last = message->flags & RAFT_LAST,
					       .config = &receiving->config};
	return 0;
}

int
raft_snapshot_receive(struct raft *raft, const struct raft_message *message)
{
	struct receiving *receiving = raft->receiving;
	uint64_t term;
	int rc;

	if (receiving && receiving->given && receiving->chunk.last)
		return -DER_BUSY;
	raft->leader_stamp = max_of(raft->leader_stamp, message->stamp);
	raft->leader_rank = message->from_rank;
	if (message->index <= raft->commit ||
	    (raft_log_term(&raft->log, message->index, &term) && term == message->log_term)) {
		/* What the snapshot covers is here; what follows it must stay. */
		raft->verified = max_of(raft->verified, message->index);
		raft_follow_commit(raft, message->index);
		raft->confirm = true;
		return 0;
	}
	if (!same_transfer(raft, receiving, message)) {
		if (message->hint != 0) {
			reply(raft, message, 0, 0);
			return 0;
		}
		rc = receiving_begin(raft, message);
		if (rc)
			return rc;
		receiving = raft->receiving;
	}
	if (receiving->waiting)
		return 0;
	if (PLANTED(CHUNK_ANYWHERE))
		receiving->offset = message->hint;
	if (message->hint != receiving->offset) {
		reply(raft, message, receiving->offset, 0);
		return 0;
	}
	return receiving_take(raft, message);
}

/* The log begins anew behind the snapshot. */
static void
install(struct raft *raft, const struct receiving *receiving)
{
	raft_write_cut(raft, raft->log.base + 1);
	raft_log_reset(&raft->log, receiving->index, receiving->term);
	raft->base = (struct raft_base){
		.index = receiving->index, .term = receiving->term, .config = receiving->config};
	raft->commit = raft->applied = raft->applying = receiving->index;
	raft->persisted = raft->log_given = receiving->index;
	raft->verified = receiving->index;
	raft_member_adopt(raft, &receiving->config, receiving->index);
	raft_elect_heal(raft);
}

void
raft_chunk_stored(struct raft *raft, uint64_t now, uint64_t index, uint64_t offset)
{
	struct receiving *receiving = raft->receiving;
	struct raft_message message;
	bool last;

	raft_time(raft, now);
	if (receiving == NULL || !receiving->given || receiving->index != index ||
	    receiving->offset != offset)
		return;
	last = receiving->chunk.last;
	receiving->waiting = false;
	receiving->given = false;
	receiving->offset += receiving->chunk.length;
	if (last)
		install(raft, receiving);
	/* In a later term, the log's own answers tell the leader of the time. */
	if (raft->role == RAFT_FOLLOWER && raft->hard.term == receiving->leader_term) {
		message = (struct raft_message){.from = receiving->from,
						.from_rank = raft->leader_rank,
						.index = receiving->index};
		reply(raft, &message, receiving->offset, last ? RAFT_LAST : 0);
	}
	if (!last)
		return;
	arena_free(raft->arena, (void *)(uintptr_t)receiving->chunk.data);
	arena_free(raft->arena, receiving);
	raft->receiving = NULL;
}
