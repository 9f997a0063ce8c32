/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* No stamp above the ceiling that is durable, whatever the clocks do and however late the engine
 * looks at them. */
#include <stdlib.h>

#include "site.h"
#include "engine/private.h"

#define SECOND UINT64_C(1000000000)

static uint64_t drawn;

/* Before anything else can run on the loop. */
static int
draw(void *argument)
{
	struct site *site = argument;
	struct engine *engine = site->engine;

	drawn = hlc_now(&engine->clock, env_realtime(loop_env(loop_current())));
	assert_true(drawn != 0);
	assert_true(drawn <= engine->ceiling);
	return 0;
}

static int
draw_epoch(void *argument)
{
	struct site *site = argument;
	int rc = node_epoch(engine_node(site->engine), &drawn);

	if (rc == 0)
		assert_true(drawn <= site->engine->ceiling);
	return rc;
}

static void
on_engine(struct site *site, int (*body)(void *argument))
{
	assert_int_equal(memory_run(site->world, site->loops[0], body, site), 0);
}

static int
rest(struct site *site)
{
	(void)site;
	return fiber_sleep(SECOND / 2);
}

static uint64_t
real_now(struct site *site)
{
	return hlc_from_realtime(env_realtime(site->envs[0]));
}

/* The clock leaps ahead, stamps are drawn at once, the engine dies, and its clock is right again.
 */
static void
class_06_clock_leaps_and_falls_back(void **state)
{
	struct site site = {.loop_count = 1};
	uint64_t before = 0;

	(void)state;
	site_begin(&site, 31);
	for (int i = 0; i < 4; i++) {
		memory_env_clock_step(site.envs[0], 3 * (int64_t)SECOND);
		for (int n = 0; n < 3; n++) {
			on_engine(&site, draw);
			assert_true(drawn > before);
			before = drawn;
		}
		if (i % 2)
			site_kill(&site);
		else
			site_power_cut(&site);
		assert_int_equal(site_start(&site, false), 0);
	}
	on_engine(&site, draw);
	assert_true(drawn > before);
	site_end(&site);
}

/* The process was stopped for seconds; then the ceiling is raised, and epochs follow the clock. */
static void
test_pause(void **state)
{
	struct site site = {.loop_count = 1};
	uint64_t first;

	(void)state;
	site_begin(&site, 32);
	on_engine(&site, draw);
	memory_world_advance(site.world, 5 * SECOND);
	on_engine(&site, draw);
	first = drawn;
	site_run(&site, rest);
	on_engine(&site, draw_epoch);
	assert_true(drawn > first);
	assert_in_range(drawn, real_now(&site) - (SECOND << 4) / 2, real_now(&site));
	site_end(&site);
}

static int
call_engine(struct site *site)
{
	uint32_t count;

	return count_pools(site, &count);
}

/* A client whose clock is nearly a second ahead: epochs after its stamps wait for the ceiling. */
static void
test_client_ahead(void **state)
{
	struct site site = {.loop_count = 1};
	uint64_t theirs;

	(void)state;
	site_begin(&site, 33);
	memory_env_clock_step(site.client_env, (int64_t)(900 * (SECOND / 1000)));
	theirs = hlc_from_realtime(env_realtime(site.client_env));
	site_run(&site, call_engine);
	on_engine(&site, draw_epoch);
	assert_true(drawn > theirs);
	site_end(&site);
}

/* The ceiling cannot be raised: epochs come to an end with the reason, and go on when it can. */
static void
test_ceiling_stands(void **state)
{
	struct site site = {.loop_count = 1};
	struct engine *engine;

	(void)state;
	site_begin(&site, 34);
	engine = site.engine;
	atomic_store(&engine->node.clock_state, -DER_NOSPACE);
	hlc_set_limit(&engine->clock, hlc_latest(&engine->clock));
	assert_int_equal(memory_run(site.world, site.loops[0], draw_epoch, &site), -DER_NOSPACE);
	site_run(&site, rest);
	/* The clock's fiber has succeeded since. */
	on_engine(&site, draw_epoch);
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_06_clock_leaps_and_falls_back),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_client_ahead),
		cmocka_unit_test(test_ceiling_stands),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
