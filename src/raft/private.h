/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of the core share. */
#pragma once

#include "raft/planted.h"
#include "raft/raft.h"

/* Entries kept free for configurations and the first entry of a term. */
#define LOG_SPARE 8u

/* ------------------------------------------------ log */

/* The entries after the base, in a ring of a power of two; each entry's data is a block of the
 * arena. */
struct log {
	struct arena *arena;
	struct raft_entry *slots;
	uint32_t capacity;
	uint64_t base, base_term;
	uint64_t last;
	uint64_t bytes; /* of data */
};

void raft_log_init(struct log *log, struct arena *arena, uint64_t base, uint64_t base_term);
void raft_log_fini(struct log *log);

/* The entry at base < index <= last, or NULL. */
struct raft_entry *raft_log_at(const struct log *log, uint64_t index);

/* The term at base <= index <= last; false elsewhere. */
bool raft_log_term(const struct log *log, uint64_t index, uint64_t *ret_term);
uint64_t raft_log_last_term(const struct log *log);

/* Copies entry to the end; its index is last + 1. -DER_NOMEM. */
MUST_USE int raft_log_append(struct log *log, const struct raft_entry *entry);

/* Drops the entries from index on; index > base. */
void raft_log_truncate(struct log *log, uint64_t index);

/* Drops the entries up to index, which becomes the base; base <= index <= last. */
void raft_log_compact(struct log *log, uint64_t index);

/* Drops everything; the base is new. */
void raft_log_reset(struct log *log, uint64_t base, uint64_t base_term);

/* Entries from index on that lie side by side, at most limit. */
uint32_t raft_log_run(const struct log *log, uint64_t index, uint32_t limit);

/* ------------------------------------------------ peers */

enum peer_state {
	PEER_PROBE,	/* where its log equals ours is not known: one message at a time */
	PEER_REPLICATE, /* messages follow one another without waiting */
	PEER_SNAPSHOT,	/* it needs what the log does not hold any more */
};

/* A snapshot on its way to a peer. */
struct sending {
	uint64_t index; /* 0: the shell has not chosen yet */
	uint64_t term;
	uint64_t offset;
	uint64_t sent; /* stamp of the chunk under way; 0: none */
	struct raft_config config;
};

/* A member as the leader or candidate sees it; the own replica has one too. */
struct peer {
	uint64_t id;
	uint32_t rank;
	uint32_t roles;
	enum peer_state state;
	bool wishes; /* a chunk is to be asked of the shell */
	uint8_t window_start, window_count;
	uint64_t vote;		      /* 1: granted in this election */
	uint64_t match;		      /* durable there and equal to ours */
	uint64_t next;		      /* entry to be sent next */
	uint64_t stamp;		      /* newest of ours that it answered */
	uint64_t sent;		      /* stamp of the newest append under way; 0: none */
	uint64_t window[RAFT_WINDOW]; /* last entry of each append under way */
	struct sending *sending;
};

/* ------------------------------------------------ the replica */

/* A write given out and not durable yet. */
struct write {
	uint64_t number;
	uint64_t hard;
	uint64_t last; /* of its entries, as far as they were not cut off since */
};

/* A message that waits until the hard state with this number is durable. */
struct held {
	uint64_t hard;
	struct raft_message message;
};

/* A snapshot that arrives. */
struct receiving {
	uint64_t from, leader_term;
	uint64_t index, term;
	uint64_t offset; /* stored so far */
	bool waiting;	 /* chunk is not stored yet */
	bool given;	 /* chunk was given to the shell */
	struct raft_config config;
	struct raft_chunk chunk; /* data belongs to the arena */
};

struct raft {
	struct arena *arena;
	struct raft_options options;
	uint64_t now;
	uint64_t random;

	enum raft_role role;
	uint64_t leader;
	struct raft_hard hard;
	struct log log;
	uint64_t commit, applied, applying; /* applying: handed out to be applied */

	struct raft_base base; /* index and term are those of the log's base */
	struct raft_config config;
	uint64_t config_index;
	struct peer peers[RAFT_MEMBERS_MAX]; /* in the order of config */

	/* What is durable. */
	uint64_t hard_number, hard_given, hard_durable; /* changes of the hard state counted */
	uint64_t log_given, persisted;
	uint64_t write_number;
	struct write writes[RAFT_WRITES_MAX];
	uint32_t write_start, write_count;

	/* Time. */
	uint64_t deadline;    /* of an election, or of the next heartbeats */
	uint64_t quiet_until; /* no vote before, but a forced one */
	uint64_t stamp;	      /* newest given out */

	/* Follower. */
	uint64_t verified; /* the log equals the leader's up to here */
	uint32_t leader_rank;
	uint64_t leader_stamp; /* newest of the leader's */
	uint64_t confirmed;    /* newest index told to the leader */
	bool confirm;	       /* an answer is due */
	struct receiving *receiving;

	/* Candidate. */
	bool forced;
	bool called; /* to vote, by one whose log ends before the own one, since a leader was heard
		      */

	/* Leader. */
	uint64_t term_first; /* the entry this term began with */
	bool heartbeat;	     /* a round is due */
	bool lease_given_up;
	uint64_t transfer, transfer_until; /* to whom; 0: nobody */
	bool transfer_asked;
	uint64_t leading_since;

	struct held *held; /* a queue, oldest first */
	uint32_t held_count, held_capacity;
	struct raft_message *messages; /* of the latest ready */
	uint32_t messages_capacity;
	struct raft_read *reads; /* oldest first; the first reads_done are finished */
	uint32_t read_count, reads_done, reads_given, reads_capacity;
	struct raft_wish wishes[RAFT_MEMBERS_MAX];
};

/* config.c */
bool raft_config_voters_equal(const struct raft_config *a, const struct raft_config *b);
void raft_config_make_joint(const struct raft_config *old, const struct raft_config *target,
			    struct raft_config *ret_joint);
void raft_config_make_final(const struct raft_config *joint, struct raft_config *ret_final);
size_t raft_config_size(const struct raft_config *config);

/* member.c: the configuration in force and its peers */
void raft_member_adopt(struct raft *raft, const struct raft_config *config, uint64_t index);
void raft_member_rescan(struct raft *raft);
void raft_member_at(const struct raft *raft, uint64_t index, struct raft_config *ret_config);
void raft_member_finish(struct raft *raft);
struct peer *raft_peer(struct raft *raft, uint64_t id);
struct peer *raft_peer_self(struct raft *raft);

/* The greatest value that a majority of voters (in a joint configuration: both majorities) reach in
 * the field of struct peer at offset. */
uint64_t raft_quorum(const struct raft *raft, size_t offset);
#define QUORUM(raft, field) raft_quorum(raft, offsetof(struct peer, field))

/* elect.c */
void raft_elect_quiet(struct raft *raft);
void raft_elect_campaign(struct raft *raft, bool forced);
void raft_elect_self(struct raft *raft);
void raft_elect_vote(struct raft *raft, const struct raft_message *message);
void raft_elect_reply(struct raft *raft, const struct raft_message *message);
void raft_elect_lead(struct raft *raft);
void raft_elect_follow(struct raft *raft, uint64_t term, uint64_t leader);
void raft_elect_heal(struct raft *raft);

/* lead.c: the leader's side of replication */
MUST_USE int raft_lead_append(struct raft *raft, enum raft_entry_kind kind, const void *data,
			      uint32_t length);
void raft_lead_tick(struct raft *raft);
void raft_lead_reply(struct raft *raft, const struct raft_message *message);
void raft_lead_commit(struct raft *raft);
void raft_lead_send(struct raft *raft, struct raft_ready *ready);
void raft_peer_probe(struct raft *raft, struct peer *peer, uint64_t next);
void raft_peer_snapshot_end(struct raft *raft, struct peer *peer);

/* follow.c */
MUST_USE int raft_follow_append(struct raft *raft, const struct raft_message *message);
void raft_follow_heartbeat(struct raft *raft, const struct raft_message *message);
void raft_follow_commit(struct raft *raft, uint64_t commit);
void raft_follow_confirm(struct raft *raft);

/* snapshot.c */
MUST_USE int raft_snapshot_receive(struct raft *raft, const struct raft_message *message);
void raft_snapshot_reply(struct raft *raft, const struct raft_message *message);
void raft_snapshot_retry(struct peer *peer, uint64_t stamp);
void raft_snapshot_wishes(struct raft *raft, struct raft_ready *ready);
void raft_snapshot_forget(struct raft *raft);

/* read.c */
void raft_read_advance(struct raft *raft);
void raft_read_fail(struct raft *raft);
uint64_t raft_lease_until(const struct raft *raft);

/* ready.c */
void raft_time(struct raft *raft, uint64_t now);
void raft_hard_changed(struct raft *raft);
struct raft_message raft_message_to(const struct raft *raft, enum raft_message_kind kind,
				    uint64_t to, uint32_t to_rank);
void raft_hold(struct raft *raft, const struct raft_message *message);
bool raft_emit(struct raft *raft, struct raft_ready *ready, const struct raft_message *message);
void raft_write_cut(struct raft *raft, uint64_t index);

/* Makes room for one more in an array of the arena, up to limit; false: full, or no memory. */
bool raft_room(struct raft *raft, void **array, uint32_t count, uint32_t *capacity, size_t size,
	       uint32_t limit);
