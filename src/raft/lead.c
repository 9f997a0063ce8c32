/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The leader's side of replication: what each peer has, what it is sent, what is committed. */
#include "raft/private.h"

static bool
log_full(const struct raft *raft, enum raft_entry_kind kind, uint32_t length)
{
	uint64_t count = raft->log.last - raft->log.base;

	if (kind != RAFT_DATA)
		return count >= raft->options.log_entries + LOG_SPARE;
	return count >= raft->options.log_entries ||
	       raft->log.bytes + length > raft->options.log_bytes;
}

int
raft_lead_append(struct raft *raft, enum raft_entry_kind kind, const void *data, uint32_t length)
{
	struct raft_entry entry = {.index = raft->log.last + 1,
				   .term = raft->hard.term,
				   .data = data,
				   .length = length,
				   .kind = kind};

	if (log_full(raft, kind, length))
		return -DER_BUSY;
	entry.checksum = raft_entry_sum(&entry);
	return raft_log_append(&raft->log, &entry);
}

int
raft_propose(struct raft *raft, uint64_t now, const void *data, uint32_t length,
	     uint64_t *ret_index, uint64_t *ret_term)
{
	int rc;

	raft_time(raft, now);
	if (raft->role != RAFT_LEADER)
		return -DER_NOTLEADER;
	if (length > RAFT_DATA_MAX)
		return error_raise(-DER_REC2BIG, "a proposal of %u bytes; at most %u", length,
				   RAFT_DATA_MAX);
	if (raft->transfer)
		return -DER_BUSY;
	rc = raft_lead_append(raft, RAFT_DATA, data, length);
	if (rc)
		return rc;
	*ret_index = raft->log.last;
	*ret_term = raft->hard.term;
	return 0;
}

/* ------------------------------------------------ time */

/* Check-quorum: a leader that a quorum did not answer for the election time is none. */
static bool
quorum_lost(const struct raft *raft)
{
	uint64_t heard = max_of(QUORUM(raft, stamp), raft->leading_since);

	return heard < raft->now && raft->now - heard > raft->options.election_usec;
}

void
raft_lead_tick(struct raft *raft)
{
	if (quorum_lost(raft)) {
		raft_elect_follow(raft, raft->hard.term, 0);
		return;
	}
	if (raft->transfer && raft->now >= raft->transfer_until)
		raft->transfer = 0;
	if (raft->now < raft->deadline)
		return;
	raft->heartbeat = true;
	raft->transfer_asked = false;
	raft->deadline =
		(raft->now / raft->options.heartbeat_usec + 1) * raft->options.heartbeat_usec;
	/* What a lack of memory put off. */
	raft_lead_commit(raft);
}

/*
 * The request to campaign may arrive at any time, and the election it starts overrides the promises
 * that leases rest on: so this leader has none any more.
 */
int
raft_transfer(struct raft *raft, uint64_t now, uint64_t id)
{
	const struct peer *peer = raft_peer(raft, id);

	raft_time(raft, now);
	if (raft->role != RAFT_LEADER)
		return -DER_NOTLEADER;
	if (peer == NULL || id == raft->options.id || !(peer->roles & RAFT_VOTER))
		return error_raise(-DER_NONEXIST, "replica %llx cannot become leader",
				   (unsigned long long)id);
	if (raft->transfer)
		return -DER_BUSY;
	raft->transfer = id;
	raft->transfer_until = raft->now + raft->options.election_usec;
	raft->transfer_asked = false;
	if (!PLANTED(LEASE_AFTER_TRANSFER))
		raft->lease_given_up = true;
	return 0;
}

/* ------------------------------------------------ peers */

void
raft_peer_probe(struct raft *raft, struct peer *peer, uint64_t next)
{
	raft_peer_snapshot_end(raft, peer);
	peer->state = PEER_PROBE;
	peer->next = next;
	peer->sent = 0;
	peer->window_count = 0;
}

static void
window_add(struct peer *peer, uint64_t last)
{
	peer->window[(peer->window_start + peer->window_count) % RAFT_WINDOW] = last;
	peer->window_count++;
}

static void
window_free(struct peer *peer, uint64_t match)
{
	while (peer->window_count > 0 && peer->window[peer->window_start] <= match) {
		peer->window_start = (uint8_t)((peer->window_start + 1) % RAFT_WINDOW);
		peer->window_count--;
	}
}

/* The newest entry up to the hint that may equal the peer's: terms do not grow backwards. */
static uint64_t
common(const struct raft *raft, const struct raft_message *message)
{
	uint64_t index = min_of(message->hint, raft->log.last), term;

	while (index > raft->log.base && raft_log_term(&raft->log, index, &term) &&
	       term > message->hint_term)
		index--;
	return index;
}

static void
rejected(struct raft *raft, struct peer *peer, const struct raft_message *message)
{
	bool stale = peer->state == PEER_PROBE ? message->index != peer->next - 1
					       : message->index <= peer->match;

	if (peer->state == PEER_SNAPSHOT || stale)
		return;
	raft_peer_probe(raft, peer, max_of(common(raft, message), peer->match) + 1);
}

static void
accepted(struct raft *raft, struct peer *peer, const struct raft_message *message)
{
	bool heartbeat = message->kind == RAFT_HEARTBEAT_REPLY;

	peer->match = max_of(peer->match, message->index);
	window_free(peer, peer->match);
	if (peer->state == PEER_SNAPSHOT) {
		raft_snapshot_retry(peer, message->stamp);
		if (peer->match >= raft->log.base)
			raft_peer_probe(raft, peer, peer->match + 1);
		return;
	}
	peer->next = max_of(peer->next, peer->match + 1);
	if (peer->state == PEER_PROBE) {
		if (message->hint + 1 >= peer->next && !heartbeat) {
			peer->state = PEER_REPLICATE;
			peer->next = message->hint + 1;
		} else if (message->stamp >= peer->sent + heartbeat) {
			/* Not an answer to an older probe: each probe is followed by one. */
			peer->sent = 0;
		}
	} else if (heartbeat && message->stamp > peer->sent && message->hint + 1 < peer->next) {
		/* It got a heartbeat sent after our newest append, and not the append. */
		raft_peer_probe(raft, peer, max_of(message->hint, peer->match) + 1);
	}
}

/* A peer lost what it once confirmed. What was committed stays so: it will not vote without. */
static void
regressed(struct raft *raft, struct peer *peer, const struct raft_message *message)
{
	bool reject = message->flags & RAFT_REJECT;
	uint64_t reached = reject ? common(raft, message) : message->hint;

	peer->match = min_of(peer->match, reject ? reached : message->index);
	if (peer->state != PEER_SNAPSHOT)
		raft_peer_probe(raft, peer, reached + 1);
}

/* An answer to an append or heartbeat of this term. */
void
raft_lead_reply(struct raft *raft, const struct raft_message *message)
{
	struct peer *peer = raft_peer(raft, message->from);

	if (raft->role != RAFT_LEADER || peer == NULL || peer->id == raft->options.id ||
	    message->stamp > raft->stamp)
		return;
	peer->stamp = max_of(peer->stamp, PLANTED(LEASE_TOO_LONG) ? raft->now : message->stamp);
	if ((message->flags & RAFT_LOST) && message->hint < peer->match)
		regressed(raft, peer, message);
	if (message->flags & RAFT_REJECT)
		rejected(raft, peer, message);
	else if (message->index <= raft->log.last && message->hint <= raft->log.last)
		accepted(raft, peer, message);
	raft_lead_commit(raft);
	raft_read_advance(raft);
}

/* ------------------------------------------------ commit */

/*
 * An entry is committed when a quorum has it durable and it is of this term (thesis 3.6.2); the own
 * disk is one of the quorum, not a condition.
 */
void
raft_lead_commit(struct raft *raft)
{
	uint64_t index, term;

	if (raft->role != RAFT_LEADER)
		return;
	index = min_of(QUORUM(raft, match), raft->log.last);
	if (PLANTED(WAIT_FOR_PAUSE) && index < raft->log.last)
		return;
	if (index > raft->commit && raft_log_term(&raft->log, index, &term) &&
	    term == raft->hard.term)
		raft->commit = index;
	raft_member_finish(raft);
}

/* ------------------------------------------------ sending */

static uint32_t
batch(const struct raft *raft, uint64_t index)
{
	uint32_t run = raft_log_run(&raft->log, index, RAFT_BATCH_ENTRIES), count = 0;
	size_t bytes = 0;

	while (count < run && bytes < RAFT_BATCH_BYTES)
		bytes += raft_entry_size(raft_log_at(&raft->log, index + count++));
	return count;
}

static bool
send_append(struct raft *raft, struct peer *peer, struct raft_ready *ready)
{
	struct raft_message message = raft_message_to(raft, RAFT_APPEND, peer->id, peer->rank);

	message.index = peer->next - 1;
	if (!raft_log_term(&raft->log, message.index, &message.log_term)) {
		peer->state = PEER_SNAPSHOT;
		peer->wishes = true;
		return false;
	}
	message.commit = raft->commit;
	message.stamp = raft->stamp;
	message.entry_count = batch(raft, peer->next);
	message.entries = raft_log_at(&raft->log, peer->next);
	if (!raft_emit(raft, ready, &message))
		return false;
	peer->sent = raft->stamp;
	if (peer->state == PEER_REPLICATE) {
		peer->next += message.entry_count;
		window_add(peer, peer->next - 1);
	}
	return true;
}

static bool
may_send(const struct raft *raft, const struct peer *peer)
{
	switch (peer->state) {
	case PEER_PROBE:
		return peer->sent == 0;
	case PEER_REPLICATE:
		return peer->window_count < RAFT_WINDOW && peer->next <= raft->log.last;
	default:
		return false;
	}
}

static void
send_heartbeat(struct raft *raft, const struct peer *peer, struct raft_ready *ready)
{
	struct raft_message message = raft_message_to(raft, RAFT_HEARTBEAT, peer->id, peer->rank);

	message.commit = raft->commit;
	message.stamp = raft->stamp;
	(void)raft_emit(raft, ready, &message);
}

static void
send_transfer(struct raft *raft, struct raft_ready *ready)
{
	const struct peer *peer = raft_peer(raft, raft->transfer);
	struct raft_message message;

	if (raft->transfer == 0 || peer == NULL || raft->transfer_asked ||
	    peer->match < raft->log.last)
		return;
	message = raft_message_to(raft, RAFT_TIMEOUT_NOW, peer->id, peer->rank);
	raft->transfer_asked = raft_emit(raft, ready, &message);
}

void
raft_lead_send(struct raft *raft, struct raft_ready *ready)
{
	raft->stamp = max_of(raft->stamp + 1, raft->now);
	for (uint32_t i = 0; i < raft->config.count; i++) {
		struct peer *peer = &raft->peers[i];

		if (peer->id == raft->options.id)
			continue;
		if (raft->heartbeat)
			send_heartbeat(raft, peer, ready);
		while (may_send(raft, peer) && send_append(raft, peer, ready))
			continue;
	}
	raft->heartbeat = false;
	send_transfer(raft, ready);
}

int
raft_progress(const struct raft *raft, uint64_t id, struct raft_progress *ret_progress)
{
	const struct peer *peer = raft_peer((struct raft *)(uintptr_t)raft, id);

	if (raft->role != RAFT_LEADER)
		return -DER_NOTLEADER;
	if (peer == NULL)
		return -DER_NONEXIST;
	*ret_progress = (struct raft_progress){
		.match = peer->match,
		.heard_ago = peer->stamp < raft->now ? raft->now - peer->stamp : 0,
		.snapshot = peer->state == PEER_SNAPSHOT,
	};
	return 0;
}
