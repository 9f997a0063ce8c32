/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is believed of others: which of two records wins, suspicions and their ends. */
#include "swim/internal.h"

int
claim_compare(uint64_t incarnation, uint64_t start, uint64_t other_incarnation,
	      uint64_t other_start)
{
	if (incarnation != other_incarnation)
		return incarnation < other_incarnation ? -1 : 1;
	if (start != other_start)
		return start < other_start ? -1 : 1;
	return 0;
}

/* ------------------------------------------------ suspicions */

/*
 * Share of the way from the longest to the shortest suspicion, in thousandths, by the number of
 * confirmations that are possible (row) and that came (column): log(c + 1) / log(k + 1), Lifeguard
 * section IV-B.
 */
static const uint16_t confirmed_share[ACCUSERS_MAX][ACCUSERS_MAX] = {
	{0, 0, 0, 0},
	{0, 1000, 1000, 1000},
	{0, 631, 1000, 1000},
	{0, 500, 792, 1000},
};

static uint32_t
confirmations_possible(const struct swim *swim)
{
	uint32_t others = swim->live.count > 2 ? swim->live.count - 2 : 0;

	return min_of(others, ACCUSERS_MAX - 1);
}

static uint64_t
suspicion_length(const struct swim *swim, const struct suspicion *suspicion)
{
	uint64_t longest = swim->config.suspicion_max;
	uint64_t crossing = (bit_length(swim->live.count) + 2) * swim->config.period;
	uint64_t shortest = min_of(max_of(swim->config.suspicion_min, crossing), longest);
	uint32_t possible = confirmations_possible(swim);
	uint32_t came = suspicion->accuser_count - 1u;

	return longest - (longest - shortest) / 1000 * confirmed_share[possible][came];
}

static void
suspicion_arm(struct swim *swim, struct suspicion *suspicion, uint64_t end)
{
	priority_queue_insert(&swim->suspicions, &suspicion->timer, end);
}

/* False: no memory, then nothing has changed; the next failed probe tries again. */
static bool
suspicion_begin(struct swim *swim, uint32_t rank, uint32_t accuser)
{
	struct suspicion *suspicion = swim->members[rank].suspicion;

	if (suspicion)
		priority_queue_remove(&swim->suspicions, &suspicion->timer);
	else
		suspicion = arena_alloc(swim->arena, sizeof(*suspicion));
	if (suspicion == NULL) {
		swim->counters.memory_out++;
		return false;
	}
	*suspicion = (struct suspicion){
		.rank = rank,
		.began = swim->clock,
		.accuser_count = 1,
		.accusers = {accuser},
	};
	swim->members[rank].suspicion = suspicion;
	suspicion_arm(swim, suspicion, swim->clock + suspicion_length(swim, suspicion));
	swim->counters.suspicions++;
	return true;
}

void
suspicion_end(struct swim *swim, struct member *member)
{
	priority_queue_remove(&swim->suspicions, &member->suspicion->timer);
	arena_free(swim->arena, member->suspicion);
	member->suspicion = NULL;
}

static bool
accuser_known(const struct suspicion *suspicion, uint32_t accuser)
{
	for (uint32_t i = 0; i < suspicion->accuser_count; i++)
		if (suspicion->accusers[i] == accuser)
			return true;
	return suspicion->accuser_count == ACCUSERS_MAX;
}

/* Another member suspects the same one: the suspicion gets shorter, and others hear of it too. */
static void
suspicion_confirm(struct swim *swim, uint32_t rank, uint32_t accuser)
{
	struct suspicion *suspicion = swim->members[rank].suspicion;

	if (PLANTED(PLANTED_TIMER_RESTART))
		suspicion->began = swim->clock;
	else if (accuser_known(suspicion, accuser))
		return;
	if (!accuser_known(suspicion, accuser)) {
		suspicion->accusers[suspicion->accuser_count++] = accuser;
		pass_start(swim, rank);
	}
	priority_queue_remove(&swim->suspicions, &suspicion->timer);
	suspicion_arm(swim, suspicion, suspicion->began + suspicion_length(swim, suspicion));
}

uint64_t
suspicion_deadline(const struct swim *swim)
{
	const struct queue_node *first = priority_queue_first(&swim->suspicions);

	return first ? first->key : NEVER;
}

/* Whether this member hears nobody, so that the fault may be its own. */
static bool
deaf(const struct swim *swim)
{
	return swim->live.count > 2 &&
	       swim->clock - swim->heard > DEAF_PERIODS * swim->config.period;
}

void
suspicion_expire(struct swim *swim)
{
	while (suspicion_deadline(swim) <= swim->clock) {
		struct suspicion *suspicion = container_of(priority_queue_first(&swim->suspicions),
							   struct suspicion, timer);
		uint32_t rank = suspicion->rank;

		if (!suspicion->prolonged && deaf(swim)) {
			suspicion->prolonged = true;
			priority_queue_remove(&swim->suspicions, &suspicion->timer);
			suspicion_arm(swim, suspicion, swim->clock + swim->config.suspicion_max);
			continue;
		}
		member_state(swim, rank, SWIM_DEAD);
		pass_start(swim, rank);
		swim->counters.deaths++;
	}
}

void
member_accuse(struct swim *swim, uint32_t rank)
{
	const struct member *member = member_find(swim, rank);

	if (member == NULL)
		return;
	if (member->state == SWIM_SUSPECT)
		suspicion_confirm(swim, rank, swim->config.rank);
	if (member->state == SWIM_ALIVE && suspicion_begin(swim, rank, swim->config.rank)) {
		member_state(swim, rank, SWIM_SUSPECT);
		pass_start(swim, rank);
	}
}

/* ------------------------------------------------ what others say */

static void
address_learn(struct swim *swim, uint32_t rank, const struct swim_address *address, bool newer)
{
	if (address->length > 0 && (newer || swim->addresses[rank].length == 0))
		swim->addresses[rank] = *address;
}

/* Takes the record of update over what is known of its rank. */
static void
member_adopt(struct swim *swim, const struct update *update, enum swim_state state,
	     enum source source)
{
	struct member *member = &swim->members[update->rank];
	bool known = member->incarnation > 0;

	if (state == SWIM_SUSPECT && !suspicion_begin(swim, update->rank, update->accuser))
		return;
	address_learn(swim, update->rank, &update->address,
		      claim_compare(update->incarnation, update->start, member->incarnation,
				    member->start) > 0);
	if (known && member->start != update->start)
		member->event |= EVENT_RESTARTED;
	member->incarnation = update->incarnation;
	member->start = update->start;
	/* A member that was in no table is news; one that the caller told of is known to all. */
	known = known || member->state == SWIM_ABSENT || state != SWIM_ALIVE;
	if (source == FROM_SYNC && member->state == SWIM_ABSENT && state >= SWIM_DEAD)
		member->told = (uint8_t)state;
	member_state(swim, update->rank, state);
	if (known && (source == FROM_GOSSIP || member->told != SWIM_ABSENT))
		pass_start(swim, update->rank);
}

/* A rank without a record. What gossip says of the dead and gone is not worth one. */
static void
member_learn(struct swim *swim, const struct update *update, enum swim_state state,
	     enum source source)
{
	if (state >= SWIM_DEAD && source == FROM_GOSSIP)
		return;
	if (update->rank >= swim->config.rank_limit || table_reserve(swim, update->rank)) {
		swim->counters.memory_out++;
		return;
	}
	member_adopt(swim, update, state, source);
}

bool
member_apply(struct swim *swim, const struct update *update, enum source source)
{
	const struct member *member = member_find(swim, update->rank);
	enum swim_state state = update->state;
	int order;

	if (PLANTED(PLANTED_LEFT_IS_DEAD) && state == SWIM_LEFT)
		state = SWIM_DEAD;
	if (member == NULL) {
		member_learn(swim, update, state, source);
		return false;
	}
	order = claim_compare(update->incarnation, update->start, member->incarnation,
			      member->start);
	if (PLANTED(PLANTED_STALE_DEAD) && state == SWIM_DEAD)
		order = max_of(order, 0);
	if (order < 0 || (order == 0 && state < (enum swim_state)member->state))
		return true;
	if (order == 0 && state == (enum swim_state)member->state) {
		address_learn(swim, update->rank, &update->address, false);
		if (state == SWIM_SUSPECT)
			suspicion_confirm(swim, update->rank, update->accuser);
		return false;
	}
	member_adopt(swim, update, state, source);
	return false;
}
