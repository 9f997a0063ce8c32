/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Wrong variants of single decisions, for the test that shows that the model test finds them. They
 * exist only where RAFT_PLANTED is defined, which is the copy of the core inside that test.
 */
#pragma once

#ifdef RAFT_PLANTED
enum raft_planted {
	PLANTED_NOTHING,
	PLANTED_VOTE_TWICE,	      /* votes for two candidates of one term */
	PLANTED_VOTE_SHORTER,	      /* votes for a candidate whose log ends before the own one */
	PLANTED_VOTE_DAMAGED,	      /* forgets that its log lost a suffix */
	PLANTED_SEND_EARLY,	      /* sends before term and vote are durable */
	PLANTED_CONFIRM_EARLY,	      /* confirms entries that are not durable */
	PLANTED_COMMIT_UNVERIFIED,    /* believes a commit index beyond what equals the leader's */
	PLANTED_TRUNCATE_ALWAYS,      /* an append cuts what follows it, conflict or not */
	PLANTED_WAIT_FOR_PAUSE,	      /* commits only what reaches the end of the leader's log */
	PLANTED_READ_WITHOUT_ROUND,   /* answers reads without asking anybody */
	PLANTED_READ_BEFORE_OWN,      /* reads at the commit index before the own term's entry */
	PLANTED_LEASE_AFTER_TRANSFER, /* keeps the lease when it asks another to campaign */
	PLANTED_LEASE_TOO_LONG,	      /* counts the lease from the answer, not from the question */
	PLANTED_JOINT_NEW_ONLY,	      /* a joint configuration needs the new majority only */
	PLANTED_SAME_IDENTITY,	      /* test: an emptied replica keeps its id */
	PLANTED_CHUNK_ANYWHERE,	      /* takes a snapshot chunk at any offset */
	PLANTED_END,
};
extern enum raft_planted raft_planted;
#define PLANTED(name) (raft_planted == PLANTED_##name)
#else
#define PLANTED(name) false
#endif
