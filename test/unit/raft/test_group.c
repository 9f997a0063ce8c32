/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Three replicas in lock step: a steady stream, reads, transfer, limits, memory. */
#include "trio.h"

/* An entry each millisecond, links and disks of one millisecond: each is applied at the leader
 * after link, disk and link, however long the stream lasts. */
static void
steady_stream(void **state)
{
	static struct trio trio;
	uint64_t index, term, first;
	uint32_t leader;

	(void)state;
	trio_start(&trio);
	leader = trio_leader(&trio);
	first = trio.applied[leader];
	for (uint32_t ms = 0; ms < 1000; ms++) {
		assert_int_equal(raft_propose(trio.rafts[leader], trio.now, "x", 1, &index, &term),
				 0);
		trio_turn(&trio, leader);
		trio_step(&trio);
		if (ms % 200 == 199)
			raft_compact(trio.rafts[leader], trio.applied[leader]);
		assert_true(trio.applied[leader] + 3 >= index);
	}
	assert_true(trio.applied[leader] >= first + 997);
	trio_end(&trio);
}

static void
reads(void **state)
{
	static struct trio trio;
	struct raft_ready ready;
	uint64_t index;
	uint32_t leader, other;

	(void)state;
	trio_start(&trio);
	leader = trio_leader(&trio);
	other = (leader + 1) % TRIO;
	assert_int_equal(raft_read_lease(trio.rafts[leader], trio.now, &index), 0);
	assert_int_equal(index, trio.applied[leader]);
	assert_int_equal(raft_read_lease(trio.rafts[other], trio.now, &index), -DER_NOTLEADER);
	assert_int_equal(raft_read(trio.rafts[other], trio.now, 1), -DER_NOTLEADER);
	/* The lease ends by itself when nobody answers; reads then wait, and fail with the term. */
	trio.cut[leader] = true;
	for (uint32_t ms = 0; ms < 90; ms++)
		trio_step(&trio);
	assert_int_equal(raft_read_lease(trio.rafts[leader], trio.now, &index), -DER_AGAIN);
	for (uint32_t i = 0; i < RAFT_READS_MAX; i++)
		assert_int_equal(raft_read(trio.rafts[leader], trio.now, i), 0);
	assert_int_equal(raft_read(trio.rafts[leader], trio.now, 0), -DER_BUSY);
	raft_tick(trio.rafts[leader], trio.now + 200 * MILLISECOND);
	raft_ready(trio.rafts[leader], &ready);
	assert_int_equal(ready.read_count, RAFT_READS_MAX);
	assert_int_equal(ready.reads[0].status, -DER_NOTLEADER);
	trio_end(&trio);
}

static void
transfer(void **state)
{
	static struct trio trio;
	struct raft_status status;
	uint64_t index, term;
	uint32_t leader, other;

	(void)state;
	trio_start(&trio);
	leader = trio_leader(&trio);
	other = (leader + 2) % TRIO;
	assert_int_equal(raft_transfer(trio.rafts[leader], trio.now, 100 + leader), -DER_NONEXIST);
	assert_int_equal(raft_transfer(trio.rafts[leader], trio.now, 100 + other), 0);
	assert_int_equal(raft_propose(trio.rafts[leader], trio.now, "x", 1, &index, &term),
			 -DER_BUSY);
	assert_int_equal(raft_read_lease(trio.rafts[leader], trio.now, &index), -DER_AGAIN);
	for (uint32_t ms = 0; ms < 10; ms++)
		trio_step(&trio);
	raft_status(trio.rafts[other], &status);
	assert_int_equal(status.role, RAFT_LEADER);
	trio_end(&trio);
}

static void
limits(void **state)
{
	static struct trio trio;
	static uint8_t data[RAFT_DATA_MAX + 1];
	struct raft_config target = trio_base().config;
	struct raft_ready ready;
	uint64_t index, term, write = 0;
	uint32_t leader;
	struct raft *raft;

	(void)state;
	trio_start(&trio);
	leader = trio_leader(&trio);
	raft = trio.rafts[leader];
	assert_int_equal(raft_propose(raft, trio.now, data, sizeof(data), &index, &term),
			 -DER_REC2BIG);
	assert_int_equal(raft_propose(raft, trio.now, data, RAFT_DATA_MAX, &index, &term), 0);
	arena_fail_at(trio.arena, 1);
	assert_int_equal(raft_propose(raft, trio.now, data, 10, &index, &term), -DER_NOMEM);
	/* Writes that are not durable: no more than so many are given out. */
	for (uint32_t i = 0; i <= RAFT_WRITES_MAX; i++) {
		assert_int_equal(raft_propose(raft, trio.now, data, 1, &index, &term), 0);
		raft_ready(raft, &ready);
		assert_true(i < RAFT_WRITES_MAX ? ready.write > write : ready.write == 0);
		write = ready.write;
	}
	while (raft_propose(raft, trio.now, data, 1, &index, &term) == 0)
		continue;
	assert_int_equal(raft_propose(raft, trio.now, data, 1, &index, &term), -DER_BUSY);
	assert_int_equal(index, 1001);
	/* A membership change has room even then; a second one has to wait. */
	assert_int_equal(raft_config_remove(&target, 100 + (leader + 1) % TRIO), 0);
	assert_int_equal(raft_change(raft, trio.now, &target, &index), 0);
	assert_int_equal(raft_change(raft, trio.now, &target, &index), -DER_BUSY);
	trio_end(&trio);
}

static void
removed_leader(void **state)
{
	static struct trio trio;
	struct raft_config target = trio_base().config;
	struct raft_status status;
	uint64_t index;
	uint32_t leader, next;

	(void)state;
	trio_start(&trio);
	leader = trio_leader(&trio);
	assert_int_equal(raft_config_remove(&target, 100 + leader), 0);
	assert_int_equal(raft_change(trio.rafts[leader], trio.now, &target, &index), 0);
	assert_true(raft_config_joint(raft_membership(trio.rafts[leader], &index)));
	for (uint32_t ms = 0; ms < 20; ms++)
		trio_step(&trio);
	raft_status(trio.rafts[leader], &status);
	assert_int_equal(status.role, RAFT_FOLLOWER);
	/* It asked another one to go on; no election time passed. */
	next = trio_leader(&trio);
	assert_int_not_equal(next, leader);
	assert_int_equal(raft_membership(trio.rafts[next], &index)->count, 2);
	trio_end(&trio);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(steady_stream), cmocka_unit_test(reads),
					   cmocka_unit_test(transfer), cmocka_unit_test(limits),
					   cmocka_unit_test(removed_leader)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
