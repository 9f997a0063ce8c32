/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * One replica of a Raft group as a step function: no clock, no I/O, no fiber, no global. Ongaro,
 * "Consensus: Bridging Theory and Practice", 2014 ("the thesis"), with pre-vote (9.6), check-quorum
 * (6.2), read-index and leases (6.4), leader transfer (3.10), learners (4.2.1), joint consensus
 * (4.3), compaction and snapshots in chunks (5); damaged logs after Alagappan et al.,
 * "Protocol-Aware Recovery for Consensus-Based Storage", 2018.
 *
 * The owner (the shell) feeds inputs: raft_tick(), raft_receive(), raft_propose(), raft_read(),
 * raft_persisted(), ... Each returns at once. Then it takes what follows from them with
 * raft_ready(), one struct for any number of inputs, which is how batches come about:
 *
 *   1. send all messages, at any time and in any order: what had to wait for the disk has waited
 *      inside the core. Messages may be lost, repeated and reordered.
 *   2. write the hard state and the entries of `write`, in the order of the write numbers, and when
 *      a write and all before it are durable, call raft_persisted(). A later write may be begun
 *      before that.
 *   3. apply the entries apply_first .. apply_last to the state machine, in order, and call
 *      raft_applied(). They are durable here and committed in the group.
 *   4. answer the finished reads once applied >= their index; serve the snapshot wishes.
 *
 * Everything a ready points to is valid until the next call for the same replica.
 *
 * Time is an argument: `now`, microseconds of the node's monotonic clock, read directly before the
 * call (never cached over a wait: leases depend on it). A smaller value than before counts as the
 * former one. Clocks of members may differ at will, their speeds by less than 1 - lease / election.
 *
 * Who a member is: an id drawn once, at random, when the storage of the replica is created, and
 * never used again. A replica whose disk was lost comes back with another id, is nobody to the
 * group, and becomes a member by a membership change that drops the old id. Messages for another
 * id than the own one are refused, so that what the old identity promised never counts for the new
 * one.
 *
 * All memory comes from the arena given; one struct raft belongs to one loop.
 */
#pragma once

#include "base/base.h"

struct raft;

/* ------------------------------------------------ limits */

#define RAFT_FORMAT 1u /* of messages, entries, configurations, heartbeat packets */
#define RAFT_TERM_MAX ((uint64_t)INT64_MAX) /* a message beyond is refused: terms only count */
#define RAFT_MEMBERS_MAX 24u		    /* of old and new configuration together */
#define RAFT_DATA_MAX 1114112u	    /* bytes of an entry: a proposal of 1 MiB and its frame */
#define RAFT_BATCH_ENTRIES 256u	    /* entries of one message */
#define RAFT_BATCH_BYTES (1u << 20) /* a message takes entries until it has so many bytes */
#define RAFT_WINDOW 16u		    /* append messages under way to one peer */
#define RAFT_WRITES_MAX 32u	    /* writes that are not durable yet */
#define RAFT_READS_MAX 1024u	    /* reads that wait for their round */
#define RAFT_MESSAGES_MAX 128u	    /* messages held for the disk, and of one ready */
#define RAFT_CHUNK_MAX (256u << 10) /* bytes of a snapshot chunk */

/* ------------------------------------------------ members */

enum raft_member_role {
	RAFT_VOTER = 1,	    /* votes in the configuration, in the new one of a joint pair */
	RAFT_VOTER_OLD = 2, /* votes in the old one of a joint pair */
	RAFT_LEARNER = 4,   /* gets entries and has no vote (in the new one) */
};

struct raft_member {
	uint64_t id;   /* never 0, never used again */
	uint32_t rank; /* where it is; for the shell */
	uint32_t roles;
};
_Static_assert(sizeof(struct raft_member) == 16, "wire and disk layout");

/* Members by ascending id. Joint while any has RAFT_VOTER_OLD. Zeroed: nobody is known yet. */
struct raft_config {
	uint32_t count;
	struct raft_member members[RAFT_MEMBERS_MAX];
};

/* Adds a member in its place. -DER_EXIST: the id is there; -DER_OVERFLOW: RAFT_MEMBERS_MAX. */
MUST_USE int raft_config_add(struct raft_config *config, struct raft_member member);

/* -DER_NONEXIST. */
MUST_USE int raft_config_remove(struct raft_config *config, uint64_t id);

/* The member with an id, or NULL. */
const struct raft_member *raft_config_find(const struct raft_config *config, uint64_t id);

bool raft_config_joint(const struct raft_config *config);

/* -DER_INVAL: out of order, an id of 0, impossible roles, a rank twice among the voters and
 * learners of one configuration, no voter. A config of no members is good. */
MUST_USE int raft_config_check(const struct raft_config *config);

/* ------------------------------------------------ entries */

enum raft_entry_kind {
	RAFT_DATA = 1,	 /* proposed by the shell */
	RAFT_NOTHING,	 /* a leader's first; the shell has nothing to apply */
	RAFT_MEMBERSHIP, /* an encoded configuration, in force from when it is in the log */
};

struct raft_entry {
	uint64_t index; /* from 1 */
	uint64_t term;
	const void *data;  /* borrowed */
	uint32_t length;   /* at most RAFT_DATA_MAX */
	uint32_t checksum; /* raft_entry_sum(), made once where the entry was proposed */
	enum raft_entry_kind kind;
};

#define RAFT_ENTRY_HEADER 32u

/* Bytes that an entry takes, in a message and for a shell that stores entries in this form. */
static inline size_t
raft_entry_size(const struct raft_entry *entry)
{
	return RAFT_ENTRY_HEADER + entry->length;
}

uint32_t raft_entry_sum(const struct raft_entry *entry);
void raft_entry_encode(struct writer *writer, const struct raft_entry *entry);

/* Data borrows the reader's buffer. -DER_PROTO: impossible; -DER_CSUM: damaged. */
MUST_USE int raft_entry_decode(struct reader *reader, struct raft_entry *ret_entry);

void raft_config_encode(struct writer *writer, const struct raft_config *config);
MUST_USE int raft_config_decode(struct reader *reader, struct raft_config *ret_config);

/* ------------------------------------------------ messages */

enum raft_message_kind {
	RAFT_PREVOTE = 1, /* term it would have, index and log_term of the last entry */
	RAFT_PREVOTE_REPLY,
	RAFT_VOTE,
	RAFT_VOTE_REPLY,
	RAFT_APPEND,	      /* index, log_term: the entry before; entries; commit; stamp */
	RAFT_APPEND_REPLY,    /* index: durable and equal to the leader's; hint: received;
				 rejected: index refused, continue after hint, hint_term */
	RAFT_HEARTBEAT,	      /* commit, stamp */
	RAFT_HEARTBEAT_REPLY, /* as RAFT_APPEND_REPLY */
	RAFT_SNAPSHOT,	      /* index, log_term: of the snapshot; hint: offset; config; data */
	RAFT_SNAPSHOT_REPLY,  /* index: of the snapshot; hint: offset expected next */
	RAFT_TIMEOUT_NOW,     /* campaign at once */
	RAFT_KINDS,
};

enum raft_message_flag {
	RAFT_REJECT = 1, /* replies: no */
	RAFT_FORCE = 2,	 /* vote: the leader asked for this election */
	RAFT_LOST = 4,	 /* replies: the sender's log lost a suffix; index may be lower than once */
	RAFT_LAST = 8,	 /* snapshot: the last chunk; reply: all is installed */
};

/* A message taken apart. Pointers are borrowed: from the core in a ready, from the buffer that was
 * decoded. */
struct raft_message {
	enum raft_message_kind kind;
	uint32_t flags;
	struct uuid group;
	uint64_t from, to; /* ids */
	uint32_t from_rank, to_rank;
	uint64_t term;
	uint64_t index, log_term;
	uint64_t commit;
	uint64_t stamp; /* the leader's clock when it sent; replies give the newest back */
	uint64_t hint, hint_term;
	const struct raft_entry *entries; /* contiguous from index + 1 */
	uint32_t entry_count;
	uint32_t data_length;
	const void *data;		  /* of a chunk */
	const struct raft_config *config; /* of a chunk */
};

#define RAFT_MESSAGE_HEADER 120u

/* Bytes that raft_message_encode() will write. */
size_t raft_message_size(const struct raft_message *message);
void raft_message_encode(struct writer *writer, const struct raft_message *message);

/* Where a decoder puts what a message points to. */
struct raft_scratch {
	struct raft_config config;
	struct raft_entry entries[RAFT_BATCH_ENTRIES];
};

/*
 * Takes a message apart; ret_message borrows data and scratch. -DER_PROTO: not a message of this
 * format, or an impossible one; -DER_CSUM: an entry or chunk is damaged.
 */
MUST_USE int raft_message_decode(const void *data, size_t length, struct raft_scratch *scratch,
				 struct raft_message *ret_message);

/* ------------------------------------------------ life */

struct raft_options {
	struct uuid group; /* goes into every message */
	uint64_t id;
	uint32_t rank;
	uint32_t log_entries;	 /* that the log may hold after compaction; 0: 65536 */
	uint64_t log_bytes;	 /* data of them; 0: 64 MiB */
	uint32_t compact_after;	 /* applied entries that make the core wish a compaction; 0: 256 */
	uint64_t heartbeat_usec; /* 0: 250,000 */
	uint64_t election_usec;	 /* least; an election comes up to twice as late. 0: 2,000,000 */
	uint64_t lease_usec;	 /* of a leader from when it sent; 0: 3/4 of the election time */
	uint64_t seed;		 /* of the random part of the election time */
};

/* What comes before the log: the compaction point, or the snapshot a replica began with. */
struct raft_base {
	uint64_t index, term; /* of the last entry dropped; 0, 0: none */
	struct raft_config config;
};

/* What must survive besides the log. Zeroed for a new replica. */
struct raft_hard {
	uint64_t term;
	uint64_t vote;			/* for whom in this term; 0: nobody */
	uint64_t lost_index, lost_term; /* see struct raft_loss; 0: nothing is lost */
};

/*
 * Entries that the log had, that this replica may have confirmed to a leader, and that cannot be
 * read any more (a tail torn by a crash during its own write was never confirmed and is not lost).
 * The shell loads what is good before them. Until its log reaches as far as the lost one did, the
 * replica votes only for a candidate whose log does, and is no candidate; nothing that was
 * committed with its help can be outvoted with its help.
 */
struct raft_loss {
	uint64_t index; /* newest that may be lost; UINT64_MAX: unknown; 0: nothing is lost */
	uint64_t term;	/* newest term they may have; 0: unknown */
};

/*
 * Makes a replica with its base. A group is founded by giving all first members the same base with
 * index and term 1, their configuration, and the same first state of the state machine; a replica
 * that joins later has a zeroed base and gets a snapshot. -DER_INVAL, -DER_NOMEM.
 */
MUST_USE int raft_create(struct arena *arena, const struct raft_options *options,
			 const struct raft_base *base, struct raft **ret_raft);

/* The next entry of the stored log, copied. -DER_INVAL: not the next; -DER_NOMEM. */
MUST_USE int raft_load(struct raft *raft, const struct raft_entry *entry);

/*
 * Begins. applied: the last entry the state machine has, within base and log (when damage reaches
 * below applied, the shell gives applied as the base: the state machine is the better copy). For
 * the election time from now on the replica helps nobody to leadership, because it may have
 * promised that before it was stopped. -DER_INVAL: the stored values contradict one another.
 */
MUST_USE int raft_start(struct raft *raft, uint64_t now, const struct raft_hard *hard,
			uint64_t applied, struct raft_loss loss);

void raft_destroy(struct raft *raft);

/* ------------------------------------------------ inputs */

/* When raft_tick() is due. */
uint64_t raft_deadline(const struct raft *raft);

/* Lets time pass: elections, heartbeats (due at multiples of the period, so that those of all
 * groups of a node fall together), lost quorums. */
void raft_tick(struct raft *raft, uint64_t now);

/*
 * A message from a peer. -DER_MISMATCH: for another group or another incarnation; -DER_PROTO: it
 * contradicts what is committed; -DER_NOMEM, -DER_BUSY: not taken, the peer will send again. An
 * error changes nothing that matters; the caller drops the message.
 */
MUST_USE int raft_receive(struct raft *raft, uint64_t now, const struct raft_message *message);

/*
 * Appends data (copied) to the leader's log; what becomes of it shows in apply_first ..: committed
 * if an entry with this index and term is applied. -DER_NOTLEADER, -DER_BUSY (log full until
 * compaction or commits, or leadership is being transferred), -DER_REC2BIG, -DER_NOMEM.
 */
MUST_USE int raft_propose(struct raft *raft, uint64_t now, const void *data, uint32_t length,
			  uint64_t *ret_index, uint64_t *ret_term);

/*
 * Changes the membership to target (roles RAFT_VOTER or RAFT_LEARNER): by way of a joint
 * configuration when voters differ, of which the leader, whoever it is by then, makes target by
 * itself. Any number of members changes at once. A new voter should have been a learner until
 * raft_progress() shows it near, since it counts at once. -DER_NOTLEADER, -DER_BUSY (a former
 * change is not committed, or nothing of this term is), -DER_INVAL, -DER_NOMEM.
 */
MUST_USE int raft_change(struct raft *raft, uint64_t now, const struct raft_config *target,
			 uint64_t *ret_index);

/*
 * Hands leadership to a voter: no proposals are taken meanwhile; given up after an election time.
 * From then on the leader has no lease in this term. -DER_NOTLEADER, -DER_NONEXIST, -DER_BUSY.
 */
MUST_USE int raft_transfer(struct raft *raft, uint64_t now, uint64_t id);

/*
 * The index a read must wait for (applied >= it), by the leader's lease, without a message.
 * -DER_NOTLEADER; -DER_AGAIN: no lease now, use raft_read().
 */
MUST_USE int raft_read_lease(struct raft *raft, uint64_t now, uint64_t *ret_index);

/* The same by a round of heartbeats, which reads share; the answer is in reads of a ready under
 * context. -DER_NOTLEADER, -DER_BUSY, -DER_NOMEM. */
MUST_USE int raft_read(struct raft *raft, uint64_t now, uint64_t context);

/* Write number `write` of a ready and all before are durable. */
void raft_persisted(struct raft *raft, uint64_t now, uint64_t write);

/* The state machine has applied everything up to index, which a ready handed out. */
void raft_applied(struct raft *raft, uint64_t index);

/*
 * Drops entries up to index (at most applied) from memory; a little less when a snapshot is on its
 * way to a peer and there is room. Returns the base that results: the shell stores it and may then
 * drop the same from disk. A crash before is harmless.
 */
const struct raft_base *raft_compact(struct raft *raft, uint64_t index);

/* ------------------------------------------------ snapshots */

/* A peer needs a chunk of a snapshot. */
struct raft_wish {
	uint64_t to;
	uint64_t index; /* of the snapshot; 0: choose one at the applied index, offset is 0 */
	uint64_t offset;
};

/* A chunk that arrived, to be stored. */
struct raft_chunk {
	uint64_t to;	      /* sending: the peer */
	uint64_t index, term; /* term: receiving */
	uint64_t offset;      /* 0: forget what was stored of another snapshot */
	const void *data;
	uint32_t length; /* at most RAFT_CHUNK_MAX */
	bool last;
	const struct raft_config *config; /* receiving: part of the base */
};

/*
 * Answers a wish with a chunk of the snapshot at chunk->index (base <= index <= applied; with
 * another index than before at offset 0 it begins anew). The message is to be sent, and borrows the
 * chunk. -DER_NONEXIST: the wish is gone; -DER_INVAL; -DER_NOMEM.
 */
MUST_USE int raft_chunk_send(struct raft *raft, uint64_t now, const struct raft_chunk *chunk,
			     struct raft_message *ret_message);

/* Whether a peer is still getting the snapshot at index, which must be kept so long. */
bool raft_sending(const struct raft *raft, uint64_t index);

/*
 * The chunk given out is stored. After the last one: state machine and base are replaced and the
 * whole log is dropped, in one atomic, durable step that comes after all earlier writes; the
 * applied index is that of the snapshot.
 */
void raft_chunk_stored(struct raft *raft, uint64_t now, uint64_t index, uint64_t offset);

/* ------------------------------------------------ outputs */

struct raft_read {
	uint64_t context;
	uint64_t index;
	uint64_t stamp; /* of the round */
	int status;	/* 0, or -DER_NOTLEADER: ask the new leader */
};

struct raft_ready {
	const struct raft_message *messages;
	uint32_t message_count;

	uint64_t write;	       /* 0: nothing to write; else for raft_persisted() */
	bool write_hard;       /* hard is to be written */
	struct raft_hard hard; /* before the entries, or together with them */
	/* Entries to append, which replace all stored ones from the first on; get each by
	 * raft_entry(). first > last: none. */
	uint64_t append_first, append_last;

	uint64_t apply_first, apply_last; /* first > last: none */

	const struct raft_read *reads;
	uint32_t read_count;

	const struct raft_wish *wishes; /* for raft_chunk_send() */
	uint32_t wish_count;
	const struct raft_chunk *chunk; /* NULL, or for raft_chunk_stored() */
	bool compact;			/* the log is long: compact soon */
};

/* Takes what has come up since the last time. */
void raft_ready(struct raft *raft, struct raft_ready *ret_ready);

/* ------------------------------------------------ questions */

enum raft_role { RAFT_FOLLOWER, RAFT_PRECANDIDATE, RAFT_CANDIDATE, RAFT_LEADER };

struct raft_status {
	enum raft_role role;
	uint64_t term;
	uint64_t leader; /* id; 0: unknown */
	uint64_t base, last, persisted, commit, applied;
	uint64_t lease_until; /* leader; 0: no lease */
	struct raft_hard hard;
};

void raft_status(const struct raft *raft, struct raft_status *ret_status);

/* The configuration in force (not necessarily committed) and the index it came with. */
const struct raft_config *raft_membership(const struct raft *raft, uint64_t *ret_index);

/* An entry between base and last (both exclusive and inclusive), or NULL; borrowed until the next
 * call. */
const struct raft_entry *raft_entry(const struct raft *raft, uint64_t index);

/* What a leader knows of a peer. */
struct raft_progress {
	uint64_t match;	    /* durable there */
	uint64_t heard_ago; /* microseconds since it sent what it last answered */
	bool snapshot;	    /* is getting one */
};

/* -DER_NOTLEADER, -DER_NONEXIST. */
MUST_USE int raft_progress(const struct raft *raft, uint64_t id,
			   struct raft_progress *ret_progress);

/* ------------------------------------------------ heartbeats of many groups */

/*
 * Heartbeats and their replies of all groups of a node, collected per other node: one packet per
 * node and period instead of one message per group. The shell hands messages of these two kinds to
 * raft_beats_add() instead of sending them, and sends what raft_beats_take() yields once all groups
 * that were due are through (after each turn of its loop).
 */
struct raft_beats;

#define RAFT_BEATS_HEADER 24u
#define RAFT_BEATS_ROW 72u
#define RAFT_BEATS_ROWS 8192u	/* of one packet */
#define RAFT_BEATS_NODES 65536u /* other nodes */

MUST_USE int raft_beats_create(struct arena *arena, uint32_t rank, struct raft_beats **ret_beats);
void raft_beats_destroy(struct raft_beats *beats);

/* -DER_INVAL: not a heartbeat or reply; -DER_OVERFLOW: the packet is full (take it first);
 * -DER_NOMEM. */
MUST_USE int raft_beats_add(struct raft_beats *beats, const struct raft_message *message);

/* The next packet that has rows, with the rank it goes to; borrowed until the next call. False:
 * none. */
bool raft_beats_take(struct raft_beats *beats, uint32_t *ret_rank, const void **ret_data,
		     size_t *ret_length);

/* Checks a packet that arrived; then raft_beats_next() until the reader is at its end. -DER_PROTO,
 * -DER_CSUM. */
MUST_USE int raft_beats_open(const void *data, size_t length, struct reader *ret_reader);

/* The next message of a packet; false after the last. -DER_PROTO in *ret_rc for a bad row, which
 * ends the packet. */
bool raft_beats_next(struct reader *reader, struct raft_message *ret_message, int *ret_rc);
