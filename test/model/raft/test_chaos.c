/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Random runs of a whole group under faults. CAIRN_SEED: where the seeds begin; CAIRN_TEST_SECONDS
 * (4) bounds the time; with CAIRN_LONG at least 10^6 steps whatever they take.
 */
#include "world.h"

#include <time.h>

#include <cmocka.h>

#define STEPS_LONG 1000000u

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
add(struct figures *sum, const struct figures *one)
{
	sum->steps += one->steps;
	sum->committed += one->committed;
	sum->reads += one->reads;
	sum->elections += one->elections;
	sum->crashes += one->crashes;
	sum->damages += one->damages;
	sum->wipes += one->wipes;
	sum->changes += one->changes;
	sum->snapshots += one->snapshots;
	sum->now += one->now;
}

static void
run_seed(uint64_t seed, struct figures *sum)
{
	struct profile profile = profile_draw(seed);
	struct world *world = world_create(seed, &profile);
	struct figures figures;

	if (!world_run(world, UINT64_MAX, 4000000) || !world_heal(world)) {
		world_figures(world, &figures);
		print_error("CAIRN_SEED=%llu, step %llu, %llu us: %s\n", (unsigned long long)seed,
			    (unsigned long long)figures.steps, (unsigned long long)figures.now,
			    world_failure(world));
		world_print(world);
		world_destroy(world);
		fail();
	}
	world_figures(world, &figures);
	add(sum, &figures);
	world_destroy(world);
}

static void
chaos(void **state)
{
	const char *limit = getenv("CAIRN_TEST_SECONDS"), *fresh = getenv("CAIRN_SEED");
	const char *longer = getenv("CAIRN_LONG");
	double end = seconds() + (limit ? atof(limit) : 4);
	uint64_t seed = fresh ? strtoull(fresh, NULL, 10) : 1, first = seed;
	uint64_t steps = longer && atoi(longer) ? STEPS_LONG : 0;
	struct figures sum = {0};

	(void)state;
	while (seconds() < end || sum.steps < steps || seed == first)
		run_seed(seed++, &sum);
	printf("%llu seeds, %llu steps, %llu virtual s: %llu committed, %llu reads, "
	       "%llu elections, %llu crashes, %llu damaged, %llu wiped, %llu changes, "
	       "%llu snapshots\n",
	       (unsigned long long)(seed - first), (unsigned long long)sum.steps,
	       (unsigned long long)sum.now / 1000000, (unsigned long long)sum.committed,
	       (unsigned long long)sum.reads, (unsigned long long)sum.elections,
	       (unsigned long long)sum.crashes, (unsigned long long)sum.damages,
	       (unsigned long long)sum.wipes, (unsigned long long)sum.changes,
	       (unsigned long long)sum.snapshots);
	assert_true(sum.committed > 100 && sum.reads > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(chaos)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
