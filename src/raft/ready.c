/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What goes out, and what has to be durable before. */
#include "raft/private.h"

#define ARRAY_FIRST 8u

void
raft_time(struct raft *raft, uint64_t now)
{
	raft->now = max_of(raft->now, now);
}

void
raft_hard_changed(struct raft *raft)
{
	raft->hard_number++;
}

bool
raft_room(struct raft *raft, void **array, uint32_t count, uint32_t *capacity, size_t size,
	  uint32_t limit)
{
	uint32_t wanted = min_of(max_of(*capacity * 2, ARRAY_FIRST), limit);
	void *larger;

	if (count < *capacity)
		return true;
	if (count >= limit)
		return false;
	larger = arena_realloc(raft->arena, *array, wanted * size);
	if (larger == NULL)
		return false;
	*array = larger;
	*capacity = wanted;
	return true;
}

struct raft_message
raft_message_to(const struct raft *raft, enum raft_message_kind kind, uint64_t to, uint32_t to_rank)
{
	return (struct raft_message){.kind = kind,
				     .group = raft->options.group,
				     .from = raft->options.id,
				     .from_rank = raft->options.rank,
				     .to = to,
				     .to_rank = to_rank,
				     .term = raft->hard.term};
}

/*
 * Queues a message behind the present hard state: a term or vote that others know of must survive.
 * A message that finds no room counts as lost on the way.
 */
void
raft_hold(struct raft *raft, const struct raft_message *message)
{
	if (raft_room(raft, (void **)&raft->held, raft->held_count, &raft->held_capacity,
		      sizeof(*raft->held), RAFT_MESSAGES_MAX))
		raft->held[raft->held_count++] =
			(struct held){.hard = raft->hard_number, .message = *message};
}

bool
raft_emit(struct raft *raft, struct raft_ready *ready, const struct raft_message *message)
{
	if (!raft_room(raft, (void **)&raft->messages, ready->message_count,
		       &raft->messages_capacity, sizeof(*raft->messages), RAFT_MESSAGES_MAX))
		return false;
	raft->messages[ready->message_count++] = *message;
	return true;
}

static void
ready_messages(struct raft *raft, struct raft_ready *ready)
{
	uint32_t count = 0;

	raft_follow_confirm(raft);
	while (count < raft->held_count &&
	       (raft->held[count].hard <= raft->hard_durable || PLANTED(SEND_EARLY)) &&
	       raft_emit(raft, ready, &raft->held[count].message))
		count++;
	raft->held_count -= count;
	if (count && raft->held_count)
		memmove(raft->held, raft->held + count, raft->held_count * sizeof(*raft->held));
	if (raft->role == RAFT_LEADER)
		raft_lead_send(raft, ready);
	ready->messages = raft->messages;
}

static void
ready_write(struct raft *raft, struct raft_ready *ready)
{
	struct write *write;

	ready->append_first = raft->log_given + 1;
	ready->append_last = raft->log_given;
	if (raft->write_count == RAFT_WRITES_MAX ||
	    (raft->hard_given == raft->hard_number && raft->log_given == raft->log.last))
		return;
	ready->write = ++raft->write_number;
	ready->write_hard = raft->hard_given != raft->hard_number;
	ready->hard = raft->hard;
	ready->append_last = raft->log.last;
	raft->hard_given = raft->hard_number;
	raft->log_given = raft->log.last;
	write = &raft->writes[(raft->write_start + raft->write_count++) % RAFT_WRITES_MAX];
	*write = (struct write){
		.number = ready->write, .hard = raft->hard_given, .last = raft->log_given};
}

/* Committed entries leave only when they are durable here too: the state machine is never ahead of
 * the log. */
static void
ready_apply(struct raft *raft, struct raft_ready *ready)
{
	uint64_t last = min_of(raft->commit, raft->persisted);

	ready->apply_first = raft->applying + 1;
	ready->apply_last = max_of(last, raft->applying);
	raft->applying = ready->apply_last;
}

static void
ready_reads(struct raft *raft, struct raft_ready *ready)
{
	ready->reads = raft->reads;
	ready->read_count = raft->reads_done;
	raft->reads_given = raft->reads_done;
}

/* Drops the reads that the ready before handed out. */
static void
reads_drop(struct raft *raft)
{
	if (raft->reads_given == 0)
		return;
	raft->read_count -= raft->reads_given;
	raft->reads_done -= raft->reads_given;
	memmove(raft->reads, raft->reads + raft->reads_given,
		raft->read_count * sizeof(*raft->reads));
	raft->reads_given = 0;
}

void
raft_ready(struct raft *raft, struct raft_ready *ret_ready)
{
	struct raft_ready ready = {.write = 0};

	reads_drop(raft);
	ready_messages(raft, &ready);
	ready_write(raft, &ready);
	ready_apply(raft, &ready);
	ready_reads(raft, &ready);
	raft_snapshot_wishes(raft, &ready);
	if (raft->receiving && raft->receiving->waiting && !raft->receiving->given) {
		raft->receiving->given = true;
		ready.chunk = &raft->receiving->chunk;
	}
	ready.compact =
		raft->applied - raft->log.base >= raft->options.compact_after ||
		(raft->log.bytes > raft->options.log_bytes / 2 && raft->applied > raft->log.base);
	*ret_ready = ready;
}

/* ------------------------------------------------ the disk's answer */

/* The log was cut off before index: what is written there belongs to other entries now. */
void
raft_write_cut(struct raft *raft, uint64_t index)
{
	raft->persisted = min_of(raft->persisted, index - 1);
	raft->log_given = min_of(raft->log_given, index - 1);
	for (uint32_t i = 0; i < raft->write_count; i++) {
		struct write *write = &raft->writes[(raft->write_start + i) % RAFT_WRITES_MAX];

		write->last = min_of(write->last, index - 1);
	}
}

static void
writes_done(struct raft *raft, uint64_t number)
{
	while (raft->write_count > 0) {
		const struct write *write = &raft->writes[raft->write_start];

		if (write->number > number)
			return;
		raft->hard_durable = max_of(raft->hard_durable, write->hard);
		raft->persisted = max_of(raft->persisted, write->last);
		raft->write_start = (raft->write_start + 1) % RAFT_WRITES_MAX;
		raft->write_count--;
	}
}

void
raft_persisted(struct raft *raft, uint64_t now, uint64_t write)
{
	struct peer *self = raft_peer_self(raft);

	raft_time(raft, now);
	writes_done(raft, write);
	if (self)
		self->match = raft->persisted;
	raft_elect_heal(raft);
	raft_elect_self(raft);
	raft_lead_commit(raft);
	if (raft->role == RAFT_FOLLOWER &&
	    min_of(raft->verified, raft->persisted) > raft->confirmed)
		raft->confirm = true;
}

void
raft_applied(struct raft *raft, uint64_t index)
{
	ASSERT(index >= raft->applied && index <= raft->applying);
	raft->applied = index;
}
