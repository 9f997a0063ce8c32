/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The outer functions: creation, time, arriving messages, queries. */
#include "swim/internal.h"

#define SECOND 1000000000ull

/* ------------------------------------------------ creation */

void
swim_config_init(struct swim_config *config)
{
	*config = (struct swim_config){
		.rank = SWIM_NONE,
		.rank_limit = SWIM_RANK_LIMIT,
		.incarnation = 1,
		.period = SECOND,
		.suspicion_max = 20 * SECOND,
		.suspicion_min = 5 * SECOND,
		.helpers = 3,
	};
}

/* Times up to this add up without overflow. */
#define TIME_MAX (1ull << 56)

static bool
config_valid(const struct swim_config *config)
{
	return config->rank_limit <= SWIM_RANK_LIMIT && config->rank < config->rank_limit &&
	       config->incarnation >= 1 && config->incarnation < SWIM_INCARNATION_MAX &&
	       config->start != 0 && config->address.length <= SWIM_ADDRESS_MAX &&
	       config->period >= 8 && config->period <= TIME_MAX &&
	       config->suspicion_min <= config->suspicion_max &&
	       config->suspicion_max <= TIME_MAX && config->helpers <= SWIM_HELPERS_MAX;
}

static int
self_create(struct swim *swim)
{
	uint32_t rank = swim->config.rank;
	int rc = table_reserve(swim, rank);

	if (rc)
		return rc;
	swim->members[rank].incarnation = swim->config.incarnation;
	swim->members[rank].start = swim->config.start;
	swim->addresses[rank] = swim->config.address;
	member_state(swim, rank, SWIM_ALIVE);
	ASSERT(swim->live.count == 1 && swim->self_position == 0);
	return 0;
}

int
swim_create(struct arena *arena, const struct swim_config *config, struct swim **ret_swim)
{
	struct swim *swim;
	int rc;

	if (!config_valid(config))
		return error_raise(-DER_INVAL, "impossible membership configuration of rank %u",
				   config->rank);
	swim = arena_calloc(arena, 1, sizeof(*swim));
	if (swim == NULL)
		return error_raise(-DER_NOMEM, "no memory for a member");
	swim->arena = arena;
	swim->config = *config;
	swim->random = hash_combine(config->seed, config->start);
	swim->sequence = (uint32_t)random_next(swim);
	swim->walk = (uint32_t)random_next(swim) % 4096;
	swim->events = (struct rank_list){SWIM_NONE, SWIM_NONE};
	for (uint32_t i = 0; i <= PASSES_MAX; i++)
		swim->passes[i] = (struct rank_list){SWIM_NONE, SWIM_NONE};
	probe_start(swim, NEVER);
	rc = self_create(swim);
	if (rc) {
		swim_destroy(swim);
		return rc;
	}
	*ret_swim = swim;
	return 0;
}

void
swim_destroy(struct swim *swim)
{
	if (swim == NULL)
		return;
	for (uint32_t i = 0; i < swim->capacity; i++)
		arena_free(swim->arena, swim->members[i].suspicion);
	arena_free(swim->arena, swim->members);
	arena_free(swim->arena, swim->addresses);
	arena_free(swim->arena, swim->live.ranks);
	arena_free(swim->arena, swim->dead.ranks);
	arena_free(swim->arena, swim);
}

int
swim_member_add(struct swim *swim, uint32_t rank, const struct swim_address *address)
{
	int rc;

	if (rank >= swim->config.rank_limit || rank == swim->config.rank ||
	    (address && address->length > SWIM_ADDRESS_MAX))
		return error_raise(-DER_INVAL, "rank %u cannot be added", rank);
	rc = table_reserve(swim, rank);
	if (rc)
		return rc;
	if (address && swim->addresses[rank].length == 0)
		swim->addresses[rank] = *address;
	if (swim->members[rank].state == SWIM_ABSENT)
		member_state(swim, rank, SWIM_ALIVE);
	return 0;
}

int
swim_member_forget(struct swim *swim, uint32_t rank)
{
	struct member *member = member_find(swim, rank);

	if (member == NULL)
		return -DER_NONEXIST;
	if (member->state < SWIM_DEAD)
		return error_raise(-DER_BUSY, "rank %u is alive", rank);
	pass_stop(swim, rank);
	if (member->event & EVENT_WAITS)
		list_take(swim, LIST_EVENT, &swim->events, rank);
	member_state(swim, rank, SWIM_ABSENT);
	*member = (struct member){.passes = PASS_NONE};
	swim->addresses[rank] = (struct swim_address){.length = 0};
	return 0;
}

/* ------------------------------------------------ time */

static uint64_t
clock_deadline(const struct swim *swim)
{
	uint64_t deadline = min_of(suspicion_deadline(swim), relay_deadline(swim));

	if (swim->leaving)
		return min_of(deadline, swim->leave_next);
	if (swim->sync.active)
		deadline = min_of(deadline, swim->sync.next);
	return swim->joined ? min_of(deadline, swim->probe.next) : deadline;
}

/*
 * Brings our clock to the caller's now. Of the time since the last call as much counts as the
 * caller was allowed to sleep, and one period: the rest was a pause of the process, in which
 * nobody's answers could be heard. The probe that was open in it says nothing.
 */
static void
clock_set(struct swim *swim, uint64_t now)
{
	uint64_t passed = now > swim->seen ? now - swim->seen : 0;
	uint64_t deadline = clock_deadline(swim), allowed = swim->config.period;

	if (deadline == NEVER)
		allowed = passed;
	else if (deadline > swim->clock)
		allowed += deadline - swim->clock;
	swim->seen = now;
	if (passed > allowed && !PLANTED(PLANTED_PAUSE_COUNTS)) {
		passed = allowed;
		swim->counters.pauses++;
		swim->probe.target = SWIM_NONE;
		if (swim->joined)
			swim->probe.next = swim->clock + passed;
	}
	swim->clock += passed;
}

void
swim_start(struct swim *swim, uint64_t now)
{
	ASSERT(!swim->running);
	swim->running = true;
	swim->seen = now;
	swim->heard = swim->clock;
	sync_start(swim);
	sync_advance(swim);
}

void
swim_advance(struct swim *swim, uint64_t now)
{
	if (!swim->running)
		return;
	clock_set(swim, now);
	relay_advance(swim);
	suspicion_expire(swim);
	sync_advance(swim);
	leave_advance(swim);
	probe_advance(swim);
}

uint64_t
swim_deadline(const struct swim *swim)
{
	uint64_t deadline = swim->running ? clock_deadline(swim) : NEVER;

	if (deadline == NEVER)
		return NEVER;
	return swim->seen + (deadline > swim->clock ? deadline - swim->clock : 0);
}

/* ------------------------------------------------ messages */

static void
ping_received(struct swim *swim, const struct message *message, struct send *reply)
{
	(void)swim;
	reply->kind = MESSAGE_ACK;
	reply->subject = message->to;
}

static void
sync_requested(struct swim *swim, const struct message *message, struct send *reply)
{
	(void)swim;
	reply->kind = MESSAGE_SYNC_REPLY;
	reply->subject = message->subject;
	reply->tell = true;
}

/* What a message of a kind leads to: an answer, or something done. */
static const struct {
	void (*reply)(struct swim *swim, const struct message *message, struct send *reply);
	void (*act)(struct swim *swim, const struct message *message);
} handlers[MESSAGE_KINDS] = {
	[MESSAGE_PING] = {.reply = ping_received},
	[MESSAGE_ACK] = {.act = probe_acked},
	[MESSAGE_NACK] = {.act = probe_nacked},
	[MESSAGE_PING_REQUEST] = {.act = relay_start},
	[MESSAGE_SYNC_REQUEST] = {.reply = sync_requested},
	[MESSAGE_SYNC_REPLY] = {.act = sync_replied},
};

/* What the sender says of itself. True: it does not know the newest about itself. */
static bool
claim_apply(struct swim *swim, const struct message *message)
{
	struct update update = {
		.rank = message->from,
		.accuser = SWIM_NONE,
		.incarnation = message->incarnation,
		.start = message->start,
		.state = message->claim,
		.address = message->address,
	};

	return message->claim == SWIM_ABSENT || member_apply(swim, &update, FROM_GOSSIP);
}

/* Takes all that a message says; reply gets what its sender has wrong. */
static void
updates_apply(struct swim *swim, const struct message *message, struct send *reply)
{
	enum source source = message->kind == MESSAGE_SYNC_REPLY ? FROM_SYNC : FROM_GOSSIP;

	reply->tell = claim_apply(swim, message);
	for (uint32_t i = 0; i < message->update_count; i++) {
		const struct update *update = &message->updates[i];

		if (update->rank == swim->config.rank)
			self_apply(swim, update);
		else if (update->rank != message->from && member_apply(swim, update, source) &&
			 reply->correction_count < CORRECTIONS_MAX)
			reply->corrections[reply->correction_count++] = update->rank;
	}
}

static void
message_apply(struct swim *swim, const struct message *message)
{
	struct send reply = {.address = message->address}, *send;

	if ((int32_t)(message->round - swim->round_heard) > 0 || swim->counters.received == 1)
		swim->round_heard = message->round;
	updates_apply(swim, message, &reply);
	if (handlers[message->kind].act)
		handlers[message->kind].act(swim, message);
	if (handlers[message->kind].reply == NULL)
		return;
	handlers[message->kind].reply(swim, message, &reply);
	send = send_start(swim, reply.kind, message->from, message->sequence, reply.subject);
	reply.to = send->to;
	reply.sequence = send->sequence;
	*send = reply;
}

static int
message_check(struct swim *swim, const struct message *message)
{
	if (message->group != swim->config.group || message->to != swim->config.rank)
		return error_raise(-DER_MISMATCH,
				   "a membership message from rank %u is for rank "
				   "%u of another group",
				   message->from, message->to);
	if (message->from == swim->config.rank || message->from >= swim->config.rank_limit) {
		swim->self_duplicate = message->from == swim->config.rank;
		return error_raise(-DER_MISMATCH, "another process sends as rank %u",
				   message->from);
	}
	return 0;
}

int
swim_receive(struct swim *swim, uint64_t now, const void *data, size_t length)
{
	struct message message;
	int rc = message_decode(data, length, &message);

	if (rc == 0)
		rc = message_check(swim, &message);
	if (rc) {
		swim->counters.refused++;
		return rc;
	}
	if (!swim->running)
		return 0;
	clock_set(swim, now);
	swim->heard = swim->clock;
	swim->counters.received++;
	message_apply(swim, &message);
	return 0;
}

/* ------------------------------------------------ queries */

bool
swim_joined(const struct swim *swim)
{
	return swim->joined;
}

bool
swim_excluded(const struct swim *swim)
{
	return swim->excluded;
}

uint64_t
swim_incarnation(const struct swim *swim)
{
	return swim->members[swim->config.rank].incarnation;
}

bool
swim_member_get(const struct swim *swim, uint32_t rank, struct swim_member *ret_member)
{
	const struct member *member = member_find(swim, rank);

	if (member == NULL)
		return false;
	*ret_member = (struct swim_member){
		.state = member->state,
		.incarnation = member->incarnation,
		.start = member->start,
		.address = swim->addresses[rank],
	};
	return true;
}

uint32_t
swim_live_count(const struct swim *swim)
{
	return swim->live.count;
}

uint32_t
swim_live_rank(const struct swim *swim, uint32_t position)
{
	ASSERT(position < swim->live.count);
	return swim->live.ranks[position];
}

const struct swim_counters *
swim_counters(const struct swim *swim)
{
	return &swim->counters;
}

uint32_t
swim_health(const struct swim *swim)
{
	return swim->health;
}

uint32_t
swim_queued(const struct swim *swim)
{
	return swim->queued;
}

uint32_t
swim_relays(const struct swim *swim)
{
	return (uint32_t)__builtin_popcount(swim->relay_bits);
}
