/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What must hold in every run: one leader per term (election safety); entries of one index and term
 * have the same past (log matching); a leader has all that was committed before its term (leader
 * completeness); all machines apply the same (state machine safety); a read sees all that was
 * acknowledged or read before it began (linearizability, the states being ordered by index).
 */
#pragma once

#include "raft/raft.h"

/* The state machine: a hash over all that was applied. */
struct machine {
	uint64_t index, term, chain;
};

/* The hashes of a host's log: chains[i] covers entries up to i. */
struct view {
	uint64_t *chains;
	uint64_t capacity, base, last;
};

struct operation {
	uint64_t index, term;	 /* of a write; index: that a read waits for */
	uint64_t context, floor; /* of a read; floor: what it must see */
	bool released;
};

/* Entries seen at one index, by term. */
struct seen {
	uint32_t count;
	struct {
		uint64_t term, chain;
	} entries[6];
};

struct judge {
	struct machine *truth; /* by index */
	struct seen *seen;
	uint64_t count, capacity; /* committed; of the arrays */
	uint64_t *leaders;	  /* by term */
	uint64_t leaders_capacity;
	uint64_t floor;
	char failure[200];
};

void judge_found(struct judge *judge, const struct machine *first);
void judge_free(struct judge *judge);

/* The first failure stays. */
void judge_fail(struct judge *judge, const char *what);

void machine_apply(struct machine *machine, const struct raft_entry *entry);
void view_reset(struct view *view, uint64_t base, uint64_t chain);

void judge_append(struct judge *judge, struct view *view, const struct raft_entry *entry);
void judge_apply(struct judge *judge, const struct view *view, const struct raft_entry *entry,
		 const struct machine *machine);

/* True for a leader not seen before. */
bool judge_status(struct judge *judge, const struct view *view, uint64_t id,
		  const struct raft_status *status);

/* The state after index; false when nobody committed that far. */
bool judge_machine_at(const struct judge *judge, uint64_t index, struct machine *ret_machine);
bool judge_covers(const struct judge *judge, uint64_t index);

uint64_t judge_floor(const struct judge *judge);
void judge_acknowledge(struct judge *judge, uint64_t index);
void judge_read(struct judge *judge, const struct operation *read, uint64_t index);
