/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Mistakes that a test plants to prove that the model test would find them. Constant false unless
 * the test compiles these sources a second time with SWIM_PLANTED defined.
 */
#pragma once

enum planted_bug {
	PLANTED_NONE,
	PLANTED_REFUTE_SAME,   /* a refutation keeps the incarnation */
	PLANTED_STALE_DEAD,    /* death is believed whatever the incarnation */
	PLANTED_NO_RECONNECT,  /* the dead are never probed again */
	PLANTED_ANY_ACK,       /* an acknowledgement counts for whatever probe is open */
	PLANTED_TIMER_RESTART, /* hearing of a suspicion again starts it anew */
	PLANTED_SAME_PROCESS,  /* a restart goes unnoticed: records of earlier processes are kept */
	PLANTED_PAUSE_COUNTS,  /* time slept counts against the others */
	PLANTED_RELAY_LEAK,    /* a relayed probe is never closed */
	PLANTED_RETURN_UNPROVEN, /* an excluded member returns without being heard */
	PLANTED_LEFT_IS_DEAD,	 /* who leaves is taken for dead */
	PLANTED_NO_HELPERS,	 /* nobody is asked to probe in our place */
	PLANTED_BUGS,
};

#ifdef SWIM_PLANTED
extern enum planted_bug swim_planted;
#define PLANTED(bug) (swim_planted == (bug))
#else
#define PLANTED(bug) false
#endif
