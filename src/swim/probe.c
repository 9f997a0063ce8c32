/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * One probe each period: a ping, and where no answer comes, pings again and by way of helpers. The
 * target follows from the round, which all members share by telling each other the highest one:
 * in a round all probe at the same distance along the ring of ranks, so that each is probed exactly
 * once; the distances of n - 1 rounds are a random permutation, so that each probes every other.
 */
#include "swim/internal.h"

uint32_t
sequence_next(struct swim *swim)
{
	swim->sequence++;
	if (swim->sequence == 0)
		swim->sequence++;
	return swim->sequence;
}

/* ------------------------------------------------ beginning */

void
probe_start(struct swim *swim, uint64_t at)
{
	swim->probe = (struct probe){.target = SWIM_NONE, .next = at};
}

static uint32_t
probe_target(struct swim *swim)
{
	uint32_t others = swim->live.count - 1, epoch, distance;

	if (others == 0)
		return swim->dead.count == 0 || PLANTED(PLANTED_NO_RECONNECT)
			       ? SWIM_NONE
			       : swim->dead.ranks[random_below(swim, swim->dead.count)];
	epoch = swim->round / others;
	distance = 1 + permute(others, mix64(swim->config.group ^ epoch), swim->round % others);
	return swim->live.ranks[(swim->self_position + distance) % swim->live.count];
}

/* Members of the other side of a partition hold each other dead: only this brings them together
 * again. */
static void
reconnect(struct swim *swim)
{
	uint32_t rank;

	if (swim->dead.count == 0 || swim->counters.periods % RECONNECT_ROUNDS != 0 ||
	    PLANTED(PLANTED_NO_RECONNECT))
		return;
	rank = swim->dead.ranks[random_below(swim, swim->dead.count)];
	send_start(swim, MESSAGE_PING, rank, 0, rank);
}

/*
 * As long as there is news, some random members get it besides the target: targets follow a
 * pattern, which alone would leave some members behind.
 */
static void
spread(struct swim *swim)
{
	for (uint32_t i = 0; i < SPREAD && swim->waiting != 0; i++) {
		uint32_t peer = random_peer(swim);

		if (peer != SWIM_NONE && peer != swim->probe.target)
			send_start(swim, MESSAGE_PING, peer, 0, peer);
	}
}

/* Asks helpers; a few tries find them, as nearly all members are alive. */
static void
ask_helpers(struct swim *swim)
{
	uint32_t chosen[SWIM_HELPERS_MAX], count = 0, wanted = swim->config.helpers;

	if (PLANTED(PLANTED_NO_HELPERS))
		return;
	for (uint32_t tries = 2 * wanted + 4; count < wanted && tries > 0; tries--) {
		uint32_t rank = swim->live.ranks[random_below(swim, swim->live.count)];
		bool taken = rank == swim->config.rank || rank == swim->probe.target ||
			     swim->members[rank].state != SWIM_ALIVE;

		for (uint32_t i = 0; i < count; i++)
			taken = taken || chosen[i] == rank;
		if (taken)
			continue;
		chosen[count++] = rank;
		send_start(swim, MESSAGE_PING_REQUEST, rank, swim->probe.sequence,
			   swim->probe.target);
	}
	swim->probe.asked += count;
}

static void
probe_attempt(struct swim *swim)
{
	struct probe *probe = &swim->probe;
	uint64_t planned;

	send_start(swim, MESSAGE_PING, probe->target, probe->sequence, probe->target);
	if (probe->attempts > 0)
		ask_helpers(swim);
	probe->attempts++;
	planned = probe->began + (probe->attempts < ATTEMPTS ? probe->period / 4 * probe->attempts
							     : probe->period);
	/* However late we are: an answer needs time. */
	probe->next = max_of(planned, swim->clock + probe->period / 8);
}

static void
probe_begin(struct swim *swim)
{
	struct probe *probe = &swim->probe;
	uint64_t period = self_period(swim);
	uint64_t began = probe->next + period / 8 > swim->clock ? probe->next : swim->clock;

	swim->counters.periods++;
	swim->round++;
	if ((int32_t)(swim->round_heard - swim->round) > 0)
		swim->round = swim->round_heard;
	*probe = (struct probe){
		.target = probe_target(swim),
		.sequence = sequence_next(swim),
		.began = began,
		.period = period,
		.next = began + period,
	};
	if (probe->target != SWIM_NONE) {
		probe->incarnation = swim->members[probe->target].incarnation;
		probe_attempt(swim);
	}
	reconnect(swim);
	spread(swim);
}

/* ------------------------------------------------ ending */

/*
 * Helpers that did not even say that they had no answer put our own health in doubt, not the
 * target's.
 */
static void
probe_failed(struct swim *swim)
{
	const struct probe *probe = &swim->probe;
	const struct member *member = member_find(swim, probe->target);

	swim->counters.failed++;
	/* A claim made meanwhile is fresher than the question. */
	if (member == NULL || member->state >= SWIM_DEAD ||
	    member->incarnation != probe->incarnation)
		return;
	swim->acked_in_row = 0;
	self_health(swim, probe->asked > 0 ? (int)(probe->asked - probe->answered) : 1);
	member_accuse(swim, probe->target);
}

void
probe_advance(struct swim *swim)
{
	struct probe *probe = &swim->probe;

	if (!swim->joined || swim->leaving)
		return;
	while (probe->next <= swim->clock) {
		if (probe->target != SWIM_NONE && !probe->acked && probe->attempts < ATTEMPTS) {
			probe_attempt(swim);
			continue;
		}
		if (probe->target != SWIM_NONE && !probe->acked)
			probe_failed(swim);
		if (probe->acked && !probe->direct)
			swim->acked_in_row = 0;
		probe_begin(swim);
	}
}

static void
probe_answered(struct swim *swim, bool direct)
{
	struct probe *probe = &swim->probe;

	if (direct && !probe->direct) {
		probe->direct = true;
		swim->acked_in_row++;
		self_return(swim);
	}
	if (probe->acked)
		return;
	probe->acked = true;
	probe->next = probe->began + probe->period;
	self_health(swim, -1);
	swim->counters.acked++;
	swim->counters.acked_late += probe->attempts > 1;
}

/* ------------------------------------------------ for others */

void
relay_start(struct swim *swim, const struct message *message)
{
	uint32_t free = ~swim->relay_bits, slot;

	if (member_find(swim, message->subject) == NULL) {
		send_start(swim, MESSAGE_NACK, message->from, message->sequence, message->subject);
		return;
	}
	if (free == 0) {
		swim->counters.dropped++;
		return;
	}
	slot = (uint32_t)__builtin_ctz(free);
	swim->relay_bits |= 1u << slot;
	swim->relays[slot] = (struct relay){
		.requester = message->from,
		.requester_sequence = message->sequence,
		.target = message->subject,
		.sequence = sequence_next(swim),
		.nack_at = swim->clock + swim->config.period / 4,
		.end = swim->clock + swim->config.period,
	};
	send_start(swim, MESSAGE_PING, message->subject, swim->relays[slot].sequence,
		   message->subject);
}

void
relay_advance(struct swim *swim)
{
	for (uint32_t bits = swim->relay_bits; bits != 0; bits &= bits - 1) {
		uint32_t slot = (uint32_t)__builtin_ctz(bits);
		struct relay *relay = &swim->relays[slot];

		if (relay->nack_at <= swim->clock) {
			send_start(swim, MESSAGE_NACK, relay->requester, relay->requester_sequence,
				   relay->target);
			relay->nack_at = NEVER;
		}
		if (relay->end <= swim->clock && !PLANTED(PLANTED_RELAY_LEAK))
			swim->relay_bits &= ~(1u << slot);
	}
}

uint64_t
relay_deadline(const struct swim *swim)
{
	uint64_t deadline = NEVER;

	for (uint32_t bits = swim->relay_bits; bits != 0; bits &= bits - 1) {
		const struct relay *relay = &swim->relays[__builtin_ctz(bits)];
		uint64_t next = min_of(relay->nack_at, relay->end);

		if (next > swim->clock || !PLANTED(PLANTED_RELAY_LEAK))
			deadline = min_of(deadline, next);
	}
	return deadline;
}

/* Whether an answer was for a relayed probe, and if so, hands it on. */
static bool
relay_answered(struct swim *swim, const struct message *message)
{
	for (uint32_t bits = swim->relay_bits; bits != 0; bits &= bits - 1) {
		uint32_t slot = (uint32_t)__builtin_ctz(bits);
		const struct relay *relay = &swim->relays[slot];

		if (relay->sequence != message->sequence || relay->target != message->from)
			continue;
		send_start(swim, MESSAGE_ACK, relay->requester, relay->requester_sequence,
			   relay->target);
		if (!PLANTED(PLANTED_RELAY_LEAK))
			swim->relay_bits &= ~(1u << slot);
		return true;
	}
	return false;
}

/* ------------------------------------------------ answers */

static bool
probe_matches(const struct swim *swim, const struct message *message)
{
	const struct probe *probe = &swim->probe;

	if (PLANTED(PLANTED_ANY_ACK))
		return probe->target != SWIM_NONE;
	return probe->target == message->subject && probe->sequence == message->sequence;
}

void
probe_acked(struct swim *swim, const struct message *message)
{
	bool direct = message->from == message->subject;

	if (direct && relay_answered(swim, message))
		return;
	if (!probe_matches(swim, message))
		return;
	if (!direct && swim->probe.answered < swim->probe.asked)
		swim->probe.answered++;
	probe_answered(swim, direct);
}

void
probe_nacked(struct swim *swim, const struct message *message)
{
	if (probe_matches(swim, message) && swim->probe.answered < swim->probe.asked &&
	    !PLANTED(PLANTED_ANY_ACK))
		swim->probe.answered++;
}
