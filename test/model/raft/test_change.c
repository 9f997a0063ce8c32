/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A membership change that replaces one, two or all three voters at once, with a crash after each
 * of its steps: of the leader, of a member that goes, of one that comes. Either the change takes
 * place as a whole, or it never happened and can be asked for again.
 */
#include "world.h"

#include <cmocka.h>

#define POINTS 60u

static void
crash_at(uint32_t first, uint32_t victim, uint32_t point)
{
	const struct profile profile = {.fault_every = 1000000,
					.client_every = 3000,
					.writes = 600,
					.link = 300,
					.disk = 300,
					.compact_after = 20,
					.voters = 3};
	struct world *world = world_create(victim * 1000 + point, &profile);
	bool asked = false;

	for (uint32_t i = 0; i < 100 && !asked; i++) {
		assert_true(world_run(world, UINT64_MAX, 20000));
		asked = world_change(world, first);
	}
	assert_true(asked);
	assert_true(world_run(world, point * 3, 1000000));
	world_crash(world, victim);
	if (!world_run(world, UINT64_MAX, 300000) || !world_heal(world))
		fail_msg("first %u, victim %u, point %u: %s", first, victim, point,
			 world_failure(world));
	/* Unfinished changes are finished by whoever leads; one that was lost is asked for again.
	 */
	for (uint32_t i = 0; i < 30 && !world_changed(world, first); i++) {
		(void)world_change(world, first);
		assert_true(world_run(world, UINT64_MAX, 50000));
	}
	assert_true(world_changed(world, first));
	world_destroy(world);
}

static void
crashes(void **state)
{
	static const uint32_t victims[] = {HOSTS, 0, 3};

	(void)state;
	for (uint32_t point = 0; point < POINTS; point++)
		for (uint32_t first = 1; first <= 3; first++)
			crash_at(first, victims[(point + first) % 3], point);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(crashes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
