/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of this module share. */
#pragma once

#include "swim/message.h"
#include "swim/planted.h"
#include "swim/swim.h"

#define RELAYS_MAX 32u	   /* probes made for others at a time */
#define SENDS_MAX 64u	   /* messages waiting for the caller */
#define CORRECTIONS_MAX 2u /* stale records answered in one message */
#define ACCUSERS_MAX 4u	   /* the first one, and three that confirm (Lifeguard's K = 3) */
#define PASSES_MAX 63u	   /* times a record is passed on */
/*
 * Lifeguard has 8. A survivor of many deaths asks dead helpers and so believes itself unwell; its
 * periods must not get so long that it finds the dead much later.
 */
#define HEALTH_MAX 3u
#define ATTEMPTS 3u	    /* of a probe, one each quarter of its period */
#define RETURN_PROOFS 3u    /* direct answers in a row before an excluded member returns */
#define RECONNECT_ROUNDS 4u /* one of the dead is pinged each so many periods */
#define SPREAD 2u	    /* members told of news each period, besides the target */
#define JOIN_ATTEMPTS 8u
#define LEAVE_PERIODS 3u
#define LEAVE_FANOUT 4u
#define DEAF_PERIODS 3u /* who heard nothing for so long does not trust its judgement */
#define NEVER UINT64_MAX

/* ------------------------------------------------ members */

enum list_kind { LIST_PASS, LIST_EVENT, LIST_KINDS };

/* A link between ranks: members move when their array grows. */
struct rank_link {
	uint32_t next;
	uint32_t previous;
};

/* A list of ranks; SWIM_NONE: empty. */
struct rank_list {
	uint32_t first;
	uint32_t last;
};

struct suspicion {
	struct queue_node timer; /* by the end of the suspicion */
	uint32_t rank;
	uint64_t began;
	bool prolonged;
	uint8_t accuser_count;
	uint32_t accusers[ACCUSERS_MAX];
};

/* The record of a rank. There may be a million in a simulation: mind the size. */
struct member {
	uint64_t incarnation; /* 0: only the caller told of it */
	uint64_t start;
	struct suspicion *suspicion; /* while SUSPECT */
	struct rank_link links[LIST_KINDS];
	uint8_t state;	/* enum swim_state */
	uint8_t told;	/* state of the last event */
	uint8_t passes; /* times passed on; PASS_NONE: not waiting */
	uint8_t event;	/* 1: waits in the list, 2: by another process than told */
};
#define PASS_NONE 0xffu
#define EVENT_WAITS 1u
#define EVENT_RESTARTED 2u

/* Ranks in ascending order. */
struct ring {
	uint32_t *ranks;
	uint32_t count;
	uint32_t capacity;
};

/* ------------------------------------------------ work in progress */

struct probe {
	uint32_t target;      /* SWIM_NONE: none open */
	uint64_t incarnation; /* of the target when it began */
	uint32_t sequence;
	uint32_t attempts;
	bool acked;
	bool direct;	   /* ... by itself */
	uint32_t asked;	   /* helpers that owe an answer */
	uint32_t answered; /* those that gave one */
	uint64_t began;
	uint64_t period; /* fixed when it began */
	uint64_t next;	 /* next attempt, or the end */
};

/* A probe made for requester. */
struct relay {
	uint32_t requester;
	uint32_t requester_sequence;
	uint32_t target;
	uint32_t sequence;
	uint64_t nack_at; /* NEVER: done */
	uint64_t end;
};

/* A message that waits; its updates are chosen when the caller takes it. */
struct send {
	enum message_kind kind;
	uint32_t to;
	uint32_t sequence;
	uint32_t subject;
	bool tell; /* the receiver has a wrong idea of itself */
	uint32_t correction_count;
	uint32_t corrections[CORRECTIONS_MAX];
	struct swim_address address; /* of a receiver that may be unknown */
};

struct sync {
	bool active;
	uint32_t cursor;
	uint32_t sequence;
	uint32_t unanswered;
	uint64_t next;
};

struct swim {
	struct arena *arena;
	struct swim_config config;
	struct swim_counters counters;
	uint64_t random;

	/* Time: see clock_set(). */
	bool running;
	uint64_t seen;	/* the caller's, last heard */
	uint64_t clock; /* ours: stands still while the process does */
	uint64_t heard; /* last message, on our clock */

	struct member *members; /* by rank */
	struct swim_address *addresses;
	uint32_t capacity;
	struct ring live; /* ALIVE and SUSPECT, this member included */
	struct ring dead; /* DEAD and LEFT: either may be back without our having heard of it */
	uint32_t self_position; /* in live */
	struct priority_queue suspicions;

	/* Records to pass on, by how often they were; bit n of waiting: list n is not empty. */
	struct rank_list passes[PASSES_MAX + 1];
	uint64_t waiting;
	uint32_t queued;
	uint32_t walk; /* next rank of the walk through the table */
	struct rank_list events;

	/* This member */
	bool joined;
	bool excluded;
	uint64_t above; /* while excluded: the incarnation to exceed */
	uint32_t acked_in_row;
	uint32_t health;
	bool self_excluded, self_returned, self_duplicate; /* events */
	bool leaving;
	uint32_t leave_left; /* periods */
	uint64_t leave_next;

	uint32_t sequence;
	uint32_t round; /* of this member */
	uint32_t round_heard;
	struct probe probe;
	struct sync sync;
	struct relay relays[RELAYS_MAX];
	uint32_t relay_bits;
	struct send sends[SENDS_MAX + 1]; /* the last one is for what does not fit */
	uint32_t send_first;
	uint32_t send_count;
};

static inline struct member *
self_of(struct swim *swim)
{
	return &swim->members[swim->config.rank];
}

/* The next random number; splitmix64. */
static inline uint64_t
random_next(struct swim *swim)
{
	swim->random += 0x9e3779b97f4a7c15ull;
	return mix64(swim->random);
}

static inline uint32_t
random_below(struct swim *swim, uint32_t limit)
{
	return (uint32_t)(((random_next(swim) >> 32) * limit) >> 32);
}

/* Bits of value: 0 for 0, 1 for 1, 3 for 4 .. 7. */
static inline uint32_t
bit_length(uint32_t value)
{
	return value == 0 ? 0 : 32 - (uint32_t)__builtin_clz(value);
}

/* ------------------------------------------------ ring.c */

/* Makes room for one more in both rings of a member that may be in either. */
MUST_USE int ring_reserve(struct arena *arena, struct ring *ring, uint32_t count);

/* The first position whose rank is not below rank. */
uint32_t ring_find(const struct ring *ring, uint32_t rank);
bool ring_has(const struct ring *ring, uint32_t rank);
void ring_add(struct ring *ring, uint32_t rank);
void ring_remove(struct ring *ring, uint32_t rank);

/* Element position of a permutation of 0 .. count - 1 that key names; count >= 1. */
uint32_t permute(uint32_t count, uint64_t key, uint32_t position);

/* ------------------------------------------------ table.c */

/* Makes room for rank. */
MUST_USE int table_reserve(struct swim *swim, uint32_t rank);

void list_add(struct swim *swim, enum list_kind kind, struct rank_list *list, uint32_t rank);
void list_take(struct swim *swim, enum list_kind kind, struct rank_list *list, uint32_t rank);

/* The record of a rank, NULL: none. */
struct member *member_find(const struct swim *swim, uint32_t rank);

/* Puts a member into a state, with all that hangs on it: rings, suspicion, event. */
void member_state(struct swim *swim, uint32_t rank, enum swim_state state);
void member_event(struct swim *swim, uint32_t rank);

/* ------------------------------------------------ gossip.c */

/* Lets a record be passed on from now on, as one not yet passed on. */
void pass_start(struct swim *swim, uint32_t rank);
void pass_stop(struct swim *swim, uint32_t rank);

/* Adds the record of rank to message, unless it is there, or nothing may be said about it. False:
 * not added. */
bool update_add(struct swim *swim, struct message *message, uint32_t rank);

/* The message for send, with the updates it carries. */
void gossip_fill(struct swim *swim, const struct send *send, struct message *ret_message);

/* A new message to be sent, or a spare one that nobody sends when the queue is full. */
struct send *send_start(struct swim *swim, enum message_kind kind, uint32_t to, uint32_t sequence,
			uint32_t subject);

/* ------------------------------------------------ member.c */

/* Whether two records are of the same age: < 0: the first is older. */
int claim_compare(uint64_t incarnation, uint64_t start, uint64_t other_incarnation,
		  uint64_t other_start);

enum source { FROM_GOSSIP, FROM_SYNC };

/* Takes what somebody says about a member. True: it is older than what is known here. */
bool member_apply(struct swim *swim, const struct update *update, enum source source);

/* Our own probe of rank failed. */
void member_accuse(struct swim *swim, uint32_t rank);

/* Ends the suspicions that are due. */
void suspicion_expire(struct swim *swim);
void suspicion_end(struct swim *swim, struct member *member);
uint64_t suspicion_deadline(const struct swim *swim);

/* ------------------------------------------------ self.c */

/* Takes what somebody says about ourselves. */
void self_apply(struct swim *swim, const struct update *update);

/* From now on claims to be alive. */
void self_join(struct swim *swim);

/* What a message says of its sender. */
enum swim_state self_claim(const struct swim *swim);

/* Returns when it is excluded and enough direct answers have come in a row. */
void self_return(struct swim *swim);
void self_health(struct swim *swim, int change);

/* The period of a probe of ours. */
uint64_t self_period(const struct swim *swim);

/* ------------------------------------------------ probe.c */

uint32_t sequence_next(struct swim *swim);

void probe_start(struct swim *swim, uint64_t at);
void probe_advance(struct swim *swim);
void probe_acked(struct swim *swim, const struct message *message);
void probe_nacked(struct swim *swim, const struct message *message);
void relay_start(struct swim *swim, const struct message *message);
void relay_advance(struct swim *swim);
uint64_t relay_deadline(const struct swim *swim);

/* ------------------------------------------------ sync.c */

void sync_start(struct swim *swim);
void sync_advance(struct swim *swim);
void sync_replied(struct swim *swim, const struct message *message);

/* Fills in the part of the table that send asks for. */
void sync_fill(struct swim *swim, const struct send *send, struct message *message);

/* A random live member other than this one, SWIM_NONE: there is none. */
uint32_t random_peer(struct swim *swim);
void leave_advance(struct swim *swim);
