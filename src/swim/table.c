/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The member table: records by rank, lists of them, and what hangs on a member's state. */
#include "swim/internal.h"

/* ------------------------------------------------ memory */

/* The rings have room for every rank, so that a change of state needs no memory. */
int
table_reserve(struct swim *swim, uint32_t rank)
{
	uint32_t capacity = max_of(swim->capacity, 8u);
	struct swim_address *addresses;
	struct member *members;

	if (rank < swim->capacity)
		return 0;
	while (capacity <= rank)
		capacity *= 2;
	capacity = min_of(capacity, swim->config.rank_limit);
	if (ring_reserve(swim->arena, &swim->live, capacity) ||
	    ring_reserve(swim->arena, &swim->dead, capacity))
		return -DER_NOMEM;
	members = arena_realloc(swim->arena, swim->members, capacity * sizeof(*members));
	if (members == NULL)
		return error_raise(-DER_NOMEM, "no memory for %u members", capacity);
	memset(members + swim->capacity, 0, (capacity - swim->capacity) * sizeof(*members));
	swim->members = members;
	for (uint32_t i = swim->capacity; i < capacity; i++)
		members[i].passes = PASS_NONE;
	addresses = arena_realloc(swim->arena, swim->addresses, capacity * sizeof(*addresses));
	if (addresses == NULL)
		return error_raise(-DER_NOMEM, "no memory for %u members", capacity);
	memset(addresses + swim->capacity, 0, (capacity - swim->capacity) * sizeof(*addresses));
	swim->addresses = addresses;
	swim->capacity = capacity;
	return 0;
}

uint64_t
swim_memory_max(uint32_t rank_limit)
{
	return sizeof(struct swim) +
	       (uint64_t)rank_limit * (sizeof(struct member) + sizeof(struct swim_address) +
				       2 * sizeof(uint32_t) + sizeof(struct suspicion));
}

struct member *
member_find(const struct swim *swim, uint32_t rank)
{
	if (rank >= swim->capacity || swim->members[rank].state == SWIM_ABSENT)
		return NULL;
	return &swim->members[rank];
}

/* ------------------------------------------------ lists of ranks */

void
list_add(struct swim *swim, enum list_kind kind, struct rank_list *list, uint32_t rank)
{
	struct rank_link *link = &swim->members[rank].links[kind];

	link->next = SWIM_NONE;
	link->previous = list->last;
	if (list->last == SWIM_NONE)
		list->first = rank;
	else
		swim->members[list->last].links[kind].next = rank;
	list->last = rank;
}

void
list_take(struct swim *swim, enum list_kind kind, struct rank_list *list, uint32_t rank)
{
	struct rank_link link = swim->members[rank].links[kind];

	if (link.previous == SWIM_NONE)
		list->first = link.next;
	else
		swim->members[link.previous].links[kind].next = link.next;
	if (link.next == SWIM_NONE)
		list->last = link.previous;
	else
		swim->members[link.next].links[kind].previous = link.previous;
}

/* ------------------------------------------------ state */

static bool
state_live(enum swim_state state)
{
	return state == SWIM_ALIVE || state == SWIM_SUSPECT;
}

void
member_event(struct swim *swim, uint32_t rank)
{
	struct member *member = &swim->members[rank];

	if (rank == swim->config.rank || (member->event & EVENT_WAITS))
		return;
	member->event |= EVENT_WAITS;
	list_add(swim, LIST_EVENT, &swim->events, rank);
}

void
member_state(struct swim *swim, uint32_t rank, enum swim_state state)
{
	struct member *member = &swim->members[rank];
	enum swim_state before = member->state;

	if (before == SWIM_SUSPECT && state != SWIM_SUSPECT)
		suspicion_end(swim, member);
	if (state_live(before) != state_live(state)) {
		if (state_live(state))
			ring_add(&swim->live, rank);
		else
			ring_remove(&swim->live, rank);
		if (rank < swim->config.rank)
			swim->self_position += state_live(state) ? 1u : -1u;
	}
	if (before >= SWIM_DEAD && state < SWIM_DEAD)
		ring_remove(&swim->dead, rank);
	if (before < SWIM_DEAD && state >= SWIM_DEAD)
		ring_add(&swim->dead, rank);
	member->state = (uint8_t)state;
	/* An event that was waiting looks at the state when it is taken. */
	if (state != SWIM_ABSENT && (member->incarnation > 0 || state != SWIM_ALIVE))
		member_event(swim, rank);
}

/* ------------------------------------------------ events */

static enum swim_event_kind
event_kind(enum swim_state told, enum swim_state state)
{
	static const enum swim_event_kind kinds[] = {
		[SWIM_SUSPECT] = SWIM_EVENT_SUSPECTED,
		[SWIM_DEAD] = SWIM_EVENT_DEAD,
		[SWIM_LEFT] = SWIM_EVENT_LEFT,
	};

	if (state != SWIM_ALIVE)
		return kinds[state];
	if (told == SWIM_SUSPECT)
		return SWIM_EVENT_ALIVE;
	return told == SWIM_ALIVE ? SWIM_EVENT_RESTARTED : SWIM_EVENT_JOINED;
}

static void
event_fill(struct swim *swim, uint32_t rank, enum swim_event_kind kind,
	   struct swim_event *ret_event)
{
	const struct member *member = &swim->members[rank];

	*ret_event = (struct swim_event){
		.kind = kind,
		.rank = rank,
		.incarnation = member->incarnation,
		.start = member->start,
		.address = swim->addresses[rank],
	};
}

/* Takes the event of a member that has one waiting; false: it is as it was told. */
static bool
event_take(struct swim *swim, uint32_t rank, struct swim_event *ret_event)
{
	struct member *member = &swim->members[rank];
	bool restarted = member->event & EVENT_RESTARTED;
	enum swim_state told = member->told;

	list_take(swim, LIST_EVENT, &swim->events, rank);
	/* A suspect that restarted is told as restarted once it is alive. */
	member->event = restarted && member->state == SWIM_SUSPECT ? EVENT_RESTARTED : 0;
	if (restarted && told == SWIM_SUSPECT && member->state == SWIM_ALIVE)
		told = SWIM_ALIVE;
	if (member->state == told && !(restarted && told == SWIM_ALIVE))
		return false;
	member->told = member->state;
	event_fill(swim, rank, event_kind(told, member->state), ret_event);
	return true;
}

static bool
flag_take(bool *flag)
{
	bool set = *flag;

	*flag = false;
	return set;
}

bool
swim_next_event(struct swim *swim, struct swim_event *ret_event)
{
	uint32_t self = swim->config.rank;

	while (swim->events.first != SWIM_NONE)
		if (event_take(swim, swim->events.first, ret_event))
			return true;
	if (flag_take(&swim->self_excluded))
		event_fill(swim, self, SWIM_EVENT_EXCLUDED, ret_event);
	else if (flag_take(&swim->self_returned))
		event_fill(swim, self, SWIM_EVENT_RETURNED, ret_event);
	else if (flag_take(&swim->self_duplicate))
		event_fill(swim, self, SWIM_EVENT_DUPLICATE, ret_event);
	else
		return false;
	return true;
}
