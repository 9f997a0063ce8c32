/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * All scenarios with one seed after the other, until the time is up. CAIRN_SEED: the first fresh
 * seed; CAIRN_TEST_SECONDS (4) bounds the time; CAIRN_LONG: at least a million steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "scenarios.h"

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

static void
run_seed(uint64_t seed, uint64_t *steps)
{
	char violation[256];

	for (uint32_t i = 0; i < scenario_count; i++) {
		scenario_run(&scenarios[i], seed, violation, steps);
		if (violation[0])
			fail_msg("%s, seed %llu: %s", scenarios[i].name, (unsigned long long)seed,
				 violation);
	}
}

static void
all_scenarios(void **state)
{
	uint64_t fresh = number("CAIRN_SEED", 1000), steps = 0, seed = 0;
	uint64_t least = number("CAIRN_LONG", 0) ? 1000000 : 0;
	double end = seconds() + (double)min_of(number("CAIRN_TEST_SECONDS", 4), 60u);

	(void)state;
	run_seed(1, &steps);
	run_seed(2, &steps);
	for (; seconds() < end || steps < least; seed++)
		run_seed(hash_combine(fresh, seed), &steps);
	printf("%llu steps, seeds 1, 2 and %llu from %llu on\n", (unsigned long long)steps,
	       (unsigned long long)seed, (unsigned long long)fresh);
	assert_true(steps > 10000);
}

/* The same seed gives the same run, step for step. */
static void
deterministic(void **state)
{
	uint64_t first = 0, second = 0;
	char violation[256];

	(void)state;
	for (uint32_t i = 0; i < scenario_count; i++) {
		scenario_run(&scenarios[i], 77, violation, &first);
		scenario_run(&scenarios[i], 77, violation, &second);
		assert_int_equal(first, second);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deterministic),
		cmocka_unit_test(all_scenarios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
