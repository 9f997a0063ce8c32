/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Who of a group is alive: SWIM with the extensions of Lifeguard, as a step function.
 *
 * Sources: Das, Gupta, Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group
 * Membership Protocol", 2002; Dadgar, Phillips, Currey, "Lifeguard: Local Health Awareness for More
 * Accurate Failure Detection", 2017. Differences, and why, are in README.md.
 *
 * The core knows no clock, no network, no fiber. Whoever drives it
 *
 *	swim_create(), swim_member_add() for peers it knows, swim_start();
 *	then for each input (a message, the deadline): swim_receive() or swim_advance(),
 *	swim_next_message() until false, sending each; swim_next_event() until false;
 *	and sleeps until swim_deadline() or the next message.
 *
 * Times are nanoseconds of a clock of the caller's choice. It ought to be monotonic, but nothing
 * breaks when it jumps: a step back counts as no time, and of a step far beyond the deadline (this
 * process was stopped) one period counts, so that a member that slept does not judge the others by
 * its own sleep.
 *
 * Incarnations are learnt from the group, not from a clock: a process begins at the one given in
 * its configuration (1 when it remembers none), asks a peer before it claims to be alive, and goes
 * above whatever the group has on record for its rank; later records of earlier processes of the
 * rank are overtaken in the same way. Persisting swim_incarnation() saves that one step and is not
 * needed. Each start of a process is told from the others by `start`, drawn at random.
 */
#pragma once

#include "base/base.h"

#define SWIM_VERSION 1u	     /* of the message encoding: docs/formats/swim.md */
#define SWIM_NONE UINT32_MAX /* no rank */
#define SWIM_ADDRESS_MAX 24u /* bytes: an IPv6 address, a port, and room */
#define SWIM_RANK_LIMIT                                                          \
	(1u << 20) /* ranks lie below; memory grows with the highest rank in use \
		    */
#define SWIM_HELPERS_MAX 8u
#define SWIM_INCARNATION_MAX (1ull << 62)

#define SWIM_GOSSIP_UPDATES 8u /* at most so many updates in a message */
#define SWIM_SYNC_UPDATES 24u  /* ... in a part of the member table */
#define SWIM_HEADER_BYTES 56u
#define SWIM_UPDATE_BYTES 28u
/* Bytes of the largest message; it fits an Ethernet datagram. */
#define SWIM_MESSAGE_MAX                        \
	(SWIM_HEADER_BYTES + SWIM_ADDRESS_MAX + \
	 SWIM_SYNC_UPDATES * (SWIM_UPDATE_BYTES + SWIM_ADDRESS_MAX))

/* The higher wins between records of the same incarnation and start. */
enum swim_state {
	SWIM_ABSENT, /* unknown; as a sender's claim: asks to join, claims nothing */
	SWIM_ALIVE,
	SWIM_SUSPECT,
	SWIM_DEAD,
	SWIM_LEFT,
};

/* What identifies a member to the outside; opaque to the core. */
struct swim_address {
	uint8_t length; /* at most SWIM_ADDRESS_MAX; 0: unknown */
	uint8_t bytes[SWIM_ADDRESS_MAX];
};

struct swim_config {
	uint64_t group; /* messages of another group are refused; e.g. a hash of the system's name
			 */
	uint32_t rank;	/* of this member, below rank_limit */
	uint32_t rank_limit;	     /* at most SWIM_RANK_LIMIT */
	uint64_t incarnation;	     /* to begin with, at least 1 */
	uint64_t start;		     /* drawn anew at each start of the process, not 0 */
	uint64_t seed;		     /* of the random choices */
	struct swim_address address; /* of this member */
	uint64_t period;	     /* ns between two probes [1 s] */
	uint64_t suspicion_max; /* ns until a suspect that nobody else suspects is dead [20 s] */
	/*
	 * ns until a suspect is dead that three others suspect as well [5 s]. Never less than a
	 * suspicion and its refutation need to cross the group: log2(members) + 2 periods.
	 */
	uint64_t suspicion_min;
	uint32_t helpers; /* members asked to probe in our place, at most SWIM_HELPERS_MAX [3] */
};

/* The bracketed values, rank_limit SWIM_RANK_LIMIT, incarnation 1; group, rank, start, seed are to
 * be set. */
void swim_config_init(struct swim_config *config);

struct swim;

/*
 * Makes a member that knows nobody but itself. All its memory is from arena (borrowed), grows only
 * with the highest rank in use and the number of suspects, and is at most swim_memory_max().
 * -DER_INVAL for an impossible configuration, -DER_NOMEM.
 */
MUST_USE int swim_create(struct arena *arena, const struct swim_config *config,
			 struct swim **ret_swim);

/* Frees all; NULL is allowed. */
void swim_destroy(struct swim *swim);

/* Bytes that a member takes from its arena at most when all ranks are below rank_limit. */
uint64_t swim_memory_max(uint32_t rank_limit);

/*
 * Tells of a rank that ought to be a member, from a list that the caller has; address (borrowed)
 * may be NULL. It is probed like the others, but nothing is said to others about it before it was
 * heard of, and a rank already known keeps its record (an address unknown so far is filled in).
 * -DER_INVAL for an impossible or our own rank, -DER_NOMEM.
 */
MUST_USE int swim_member_add(struct swim *swim, uint32_t rank, const struct swim_address *address);

/*
 * Forgets a rank that is dead or has left, for ever. Members that still hold its record do not
 * bring it back, only its own return does. -DER_NONEXIST unknown, -DER_BUSY alive or suspect.
 */
MUST_USE int swim_member_forget(struct swim *swim, uint32_t rank);

/*
 * Starts at time now. With members known, asks them for the member table first; after eight
 * requests without answer, a quarter period each, takes itself for the first one up.
 */
void swim_start(struct swim *swim, uint64_t now);

/* Does what is due at now. Costs the same whatever the size of the group, membership changes
 * apart. */
void swim_advance(struct swim *swim, uint64_t now);

/* When swim_advance() is to be called at the latest, UINT64_MAX before the start and after the
 * end. */
uint64_t swim_deadline(const struct swim *swim);

/*
 * Takes a message that arrived at now (borrowed). -DER_CSUM damaged, -DER_PROTO malformed or of
 * another version, -DER_MISMATCH of another group or for another rank; then nothing has changed
 * but a counter.
 */
MUST_USE int swim_receive(struct swim *swim, uint64_t now, const void *data, size_t length);

/* A message to be sent. */
struct swim_message {
	uint32_t to;
	struct swim_address address; /* of the receiver, as far as known */
	uint32_t length;
	uint8_t data[SWIM_MESSAGE_MAX];
};

/* Takes the next message to send; false: none. At most 64 wait, more are dropped and counted. */
bool swim_next_message(struct swim *swim, struct swim_message *ret_message);

enum swim_event_kind {
	SWIM_EVENT_JOINED,    /* alive, and before that unknown, dead or gone */
	SWIM_EVENT_RESTARTED, /* alive by another process, with no death seen in between */
	SWIM_EVENT_ALIVE,     /* a suspicion proved wrong */
	SWIM_EVENT_SUSPECTED,
	SWIM_EVENT_DEAD,
	SWIM_EVENT_LEFT,
	/* About this member: the group holds it dead; it returns by itself once it is heard. */
	SWIM_EVENT_EXCLUDED,
	SWIM_EVENT_RETURNED,
	SWIM_EVENT_DUPLICATE, /* another process sends under our rank */
};

struct swim_event {
	enum swim_event_kind kind;
	uint32_t rank;
	uint64_t incarnation;
	uint64_t start;
	struct swim_address address;
};

/*
 * Takes the next event; false: none. A member has one event waiting at most: what changed several
 * times since is told once, as it is now, and not at all when it is again as it was told last.
 */
bool swim_next_event(struct swim *swim, struct swim_event *ret_event);

/*
 * Begins to leave: says so to members for three periods, as others do after them. Then swim_left()
 * is true and the member silent. Nothing happens the second time.
 */
void swim_leave(struct swim *swim, uint64_t now);
bool swim_left(const struct swim *swim);

/* Whether the group has been asked and this member claims to be alive. */
bool swim_joined(const struct swim *swim);

/* Whether the group is known to hold this member dead. */
bool swim_excluded(const struct swim *swim);

/* The present incarnation of this member. */
uint64_t swim_incarnation(const struct swim *swim);

struct swim_member {
	enum swim_state state;
	uint64_t incarnation; /* 0: added by the caller and not heard of yet */
	uint64_t start;
	struct swim_address address;
};

/* What is known of a rank, this member's included; false: nothing. */
bool swim_member_get(const struct swim *swim, uint32_t rank, struct swim_member *ret_member);

/* Members alive or suspect, this one included, in the order of their ranks. */
uint32_t swim_live_count(const struct swim *swim);
uint32_t swim_live_rank(const struct swim *swim, uint32_t position);

struct swim_counters {
	uint64_t periods;
	uint64_t sent;
	uint64_t received;
	uint64_t refused;     /* messages that were damaged, malformed or not for us */
	uint64_t dropped;     /* messages that did not fit the queue */
	uint64_t acked;	      /* probes answered */
	uint64_t acked_late;  /* ... of these, after the first attempt */
	uint64_t failed;      /* probes not answered */
	uint64_t suspicions;  /* begun or heard of */
	uint64_t deaths;      /* declared here */
	uint64_t refutations; /* of suspicions about ourselves */
	uint64_t returns;     /* after the group held us dead */
	uint64_t pauses;      /* times this process was found to have stood still */
	uint64_t memory_out;  /* updates put off for want of memory */
};

const struct swim_counters *swim_counters(const struct swim *swim);

/* Local health after Lifeguard: 0 well, up to 3; probes take (health + 1) times as long. */
uint32_t swim_health(const struct swim *swim);

/* Updates that wait to be passed on, and relayed probes that are open: 0 when all is quiet. */
uint32_t swim_queued(const struct swim *swim);
uint32_t swim_relays(const struct swim *swim);
