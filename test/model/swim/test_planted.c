/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The scenarios find mistakes: the sources are compiled a second time, with marks where a mistake
 * can be switched on, and each must lead to a violation within a few seeds. Without any, none may.
 */
#define SWIM_PLANTED

#include "swim/planted.h"

enum planted_bug swim_planted;

#include "swim/gossip.c"
#include "swim/member.c"
#include "swim/message.c"
#include "swim/probe.c"
#include "swim/ring.c"
#include "swim/self.c"
#include "swim/swim.c"
#include "swim/sync.c"
#include "swim/table.c"

#undef SECOND
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "scenarios.h"

#define SEEDS 40u

/* Whether a scenario reports the mistake; in ret_where what it said. */
static bool
found(char ret_where[300])
{
	char violation[256];
	uint64_t steps = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++)
		for (uint32_t i = 0; i < scenario_count; i++) {
			scenario_run(&scenarios[i], seed, violation, &steps);
			if (violation[0]) {
				snprintf(ret_where, 300, "seed %llu, %s: %s",
					 (unsigned long long)seed, scenarios[i].name, violation);
				return true;
			}
		}
	return false;
}

static void
every_bug_is_found(void **state)
{
	char where[300];
	uint32_t missed = 0;

	(void)state;
	for (enum planted_bug bug = PLANTED_NONE + 1; bug < PLANTED_BUGS; bug++) {
		swim_planted = bug;
		if (found(where)) {
			printf("planted bug %2d: %s\n", bug, where);
			continue;
		}
		printf("planted bug %2d: not found\n", bug);
		missed++;
	}
	swim_planted = PLANTED_NONE;
	assert_int_equal(missed, 0);
}

static void
nothing_planted_nothing_found(void **state)
{
	char violation[256];
	uint64_t steps = 0;

	(void)state;
	swim_planted = PLANTED_NONE;
	for (uint32_t i = 0; i < scenario_count; i++) {
		scenario_run(&scenarios[i], 0, violation, &steps);
		assert_string_equal(violation, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_planted_nothing_found),
		cmocka_unit_test(every_bug_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
