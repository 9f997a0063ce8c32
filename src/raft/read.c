/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Linearizable reads (thesis 6.4). A read waits for the newest commit index that its leader knows,
 * and at least for the first entry of the leader's term, behind which everything is that former
 * leaders committed.
 */
#include "raft/private.h"

static uint64_t
read_index(const struct raft *raft)
{
	return PLANTED(READ_BEFORE_OWN) ? raft->commit : max_of(raft->commit, raft->term_first);
}

/*
 * A quorum heard this leader no earlier than it sent the newest stamp that a quorum answered, and
 * helps nobody else for the election time from then. The lease is shorter by more than clocks
 * drift apart meanwhile.
 */
uint64_t
raft_lease_until(const struct raft *raft)
{
	uint64_t heard;

	if (raft->role != RAFT_LEADER || raft->lease_given_up)
		return 0;
	heard = QUORUM(raft, stamp);
	if (heard == 0)
		return 0;
	return heard > UINT64_MAX - raft->options.lease_usec ? UINT64_MAX
							     : heard + raft->options.lease_usec;
}

int
raft_read_lease(struct raft *raft, uint64_t now, uint64_t *ret_index)
{
	raft_time(raft, now);
	if (raft->role != RAFT_LEADER)
		return -DER_NOTLEADER;
	if (raft->now >= raft_lease_until(raft))
		return -DER_AGAIN;
	*ret_index = read_index(raft);
	return 0;
}

int
raft_read(struct raft *raft, uint64_t now, uint64_t context)
{
	raft_time(raft, now);
	if (raft->role != RAFT_LEADER)
		return -DER_NOTLEADER;
	if (raft->read_count == RAFT_READS_MAX)
		return -DER_BUSY;
	if (!raft_room(raft, (void **)&raft->reads, raft->read_count, &raft->reads_capacity,
		       sizeof(*raft->reads), RAFT_READS_MAX))
		return error_raise(-DER_NOMEM, "no memory for a read");
	/* Only a round that starts after this moment proves anything about it. */
	raft->reads[raft->read_count++] = (struct raft_read){
		.context = context, .index = read_index(raft), .stamp = raft->stamp + 1};
	raft->heartbeat = true;
	raft_read_advance(raft);
	return 0;
}

void
raft_read_advance(struct raft *raft)
{
	uint64_t heard;

	if (raft->role != RAFT_LEADER)
		return;
	heard = PLANTED(READ_WITHOUT_ROUND) ? UINT64_MAX : QUORUM(raft, stamp);
	while (raft->reads_done < raft->read_count && raft->reads[raft->reads_done].stamp <= heard)
		raft->reads_done++;
}

void
raft_read_fail(struct raft *raft)
{
	while (raft->reads_done < raft->read_count)
		raft->reads[raft->reads_done++].status = -DER_NOTLEADER;
}
