/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The damage ledger of one server: what the faults that struck it excuse. Everything not excused is
 * owed. With a single copy of all data it distinguishes
 *
 *  - errors while something lasts, and shortly after: calls that began before may still end so;
 *  - content of a disk that is damaged for good: an error instead of data, for ever, but never
 *    wrong data. It says which kind of disk, for the damage of payload excuses nothing but reads of
 *    payload;
 *  - a write to the log that the disk acknowledged and lost: if it was the last that counted when
 *    the engine died, replay cannot know of it, and all that was acknowledged since is gone.
 */
#pragma once

#include "env/memory/memory.h"
#include "sim/plan.h"

enum excuse {
	EXCUSE_OUTAGE, /* -DER_TIMEDOUT, -DER_UNREACH */
	EXCUSE_IO,     /* -DER_IO, -DER_CSUM, ... */
	EXCUSE_SPACE,  /* -DER_NOSPACE */
	EXCUSE_MEMORY, /* -DER_NOMEM */
	EXCUSE_CLOCK,  /* -DER_HLC_SYNC: clocks lie further apart than promised */
	EXCUSES
};

enum damage { DAMAGE_DATA = 1, DAMAGE_HEAP = 2, DAMAGE_LOG = 4, DAMAGE_OTHER = 8 };

struct ledger {
	uint64_t excused_until[EXCUSES]; /* virtual time; UINT64_MAX: for ever */
	uint32_t damage;		 /* bits of enum damage, for good */
	uint64_t log_lost_at;		 /* the first write to the log that was lost; 0: none */
};

/* How long after the end of its cause an error is excused: a call that began before it waited for
 * the client's patience (60 s), and its answer takes its time. */
#define EXCUSE_GRACE (75 * SECOND)

void ledger_excuse(struct ledger *ledger, enum excuse excuse, uint64_t until);

/* What a strike on the server's disks damages. */
void ledger_strike(struct ledger *ledger, const struct memory_strike *strike);

/* Whether an operation that ended at `now` with rc may do so. */
bool ledger_allows(const struct ledger *ledger, uint64_t now, int rc);

bool ledger_damaged(const struct ledger *ledger);
