/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Heaps as their owners use them: transactions, payload, reopening, killing. */
#include "store.h"

static struct model model;

static int
steps_body(void *argument)
{
	struct rig *rig = argument;
	uint64_t version;

	for (uint32_t i = 0; i < 300; i++) {
		int rc = store_step(rig->heap, step_random(rig->world, &step_sizes_usual), &model,
				    &version);

		assert_int_equal(rc, 0);
		if (i % 50 == 0)
			store_check(rig->heap, &model);
	}
	return 0;
}

static int
check_body(void *argument)
{
	struct rig *rig = argument;

	store_check(rig->heap, &model);
	return 0;
}

static void
test_steps(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	memset(&model, 0, sizeof(model));
	rig_start(&rig, 1);
	rig_run(&rig, steps_body);
	rig_run(&rig, check_body);
	rig_stop(&rig);
}

static void
test_reopen(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	memset(&model, 0, sizeof(model));
	rig_start(&rig, 2);
	for (uint32_t i = 0; i < 3; i++) {
		rig_run(&rig, steps_body);
		rig_reopen(&rig);
		rig_run(&rig, check_body);
	}
	rig_stop(&rig);
}

static void
test_kill(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	memset(&model, 0, sizeof(model));
	rig_start(&rig, 3);
	for (uint32_t i = 0; i < 4; i++) {
		rig_run(&rig, steps_body);
		rig_kill(&rig);
		rig_restart(&rig);
		rig_run(&rig, check_body);
	}
	rig_stop(&rig);
}

/* ------------------------------------------------ out of memory */

/* Opens and runs steps with one allocation failing; whatever failed is undone, and nothing is lost.
 */
static int
scarce(void *argument)
{
	struct rig *rig = argument;
	uint64_t version;
	int rc, other;

	rc = media_open(rig->loop, "log", &rig->options, &rig->media);
	if (rc != 0)
		return rc;
	rc = heap_open(rig->media, "pool", &rig->heap);
	if (rc == 0)
		rc = media_start(rig->media);
	for (uint32_t i = 0; i < 6 && rc == 0; i++) {
		struct step step = {
			.index = i, .size = 100 + i, .length = i * 30000, .seed = i + 1};

		rc = store_step(rig->heap, step, &model, &version);
	}
	other = media_close(rig->media);
	return rc != 0 ? rc : other;
}

static void
test_out_of_memory(void **state)
{
	struct rig rig = rig_make();
	uint32_t failures = 0;
	int rc = -1;

	(void)state;
	memset(&model, 0, sizeof(model));
	rig_start(&rig, 4);
	rig_run(&rig, steps_body);
	rig_shut(&rig);
	for (uint64_t n = 1; n < 400 && rc != 0; n++) {
		rig_boot(&rig);
		arena_fail_at(rig.env->arena, n);
		rc = rig_run(&rig, scarce);
		assert_true(rc == 0 || rc == -DER_NOMEM);
		failures += rc != 0;
		arena_fail_at(rig.env->arena, 0);
		loop_destroy(rig.loop);
		memory_env_destroy(rig.env);
	}
	assert_int_equal(rc, 0);
	assert_true(failures > 20);
	rig_boot(&rig);
	assert_int_equal(rig_run(&rig, rig_open_body), 0);
	rig_run(&rig, check_body);
	rig_stop(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_out_of_memory),
	};

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
