/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The log: batching, wrapping, back-pressure, the idle close, and devices that fail. */
#include "store.h"

static int
set_root(struct heap *heap, uint64_t value, uint64_t *ret_group)
{
	const struct tx_need need = {.log_bytes = 16};
	struct tx tx;
	int rc = tx_begin(&tx, heap);

	if (rc != 0)
		return rc;
	rc = tx_reserve(&tx, &need);
	if (rc != 0) {
		tx_abort(&tx);
		return rc;
	}
	NO_YIELD
	{
		*(uint64_t *)tx_change(&tx, store_root(heap), 8) = value;
		tx_commit(&tx, ret_group);
	}
	return 0;
}

static int
load_root(void *argument)
{
	struct rig *rig = argument;

	(void)store_version(rig->heap);
	return 0;
}

/* ------------------------------------------------ batching */

static int
one_transaction(void *argument)
{
	struct rig *rig = argument;
	uint64_t group;
	int rc = set_root(rig->heap, 1, &group);

	return rc == 0 ? media_wait(rig->media, group) : rc;
}

static int
many_at_once(void *argument)
{
	struct rig *rig = argument;
	struct fiber_group fibers;

	fiber_group_init(&fibers);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(fiber_group_start(&fibers, "one", one_transaction, rig), 0);
	return fiber_group_wait(&fibers);
}

static void
test_batching(void **state)
{
	struct rig rig = rig_make();
	struct media_figures before, after;

	(void)state;
	rig_start(&rig, 1);
	rig_run(&rig, load_root);
	media_figures(rig.media, &before);
	assert_int_equal(rig_run(&rig, many_at_once), 0);
	media_figures(rig.media, &after);
	assert_int_equal(after.records - before.records, 64);
	/* Those of one turn share a group; a second takes what came while it was written. */
	assert_true(after.groups - before.groups <= 2);
	rig_stop(&rig);
}

/* ------------------------------------------------ wrapping */

static int
fill_log(void *argument)
{
	struct rig *rig = argument;
	struct media_figures figures;
	uint64_t group;

	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(set_root(rig->heap, i, &group), 0);
		assert_int_equal(media_wait(rig->media, group), 0);
		media_figures(rig->media, &figures);
		assert_true(figures.log_used <= figures.log_size);
	}
	return 0;
}

static int
check_wrapped(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(store_version(rig->heap), 999);
	return 0;
}

static void
test_wrap(void **state)
{
	struct rig rig = rig_make();
	struct media_figures figures;

	(void)state;
	rig.options.checkpoint_interval = 3600000000000;
	rig_start(&rig, 2);
	rig_run(&rig, load_root);
	rig_run(&rig, fill_log);
	media_figures(rig.media, &figures);
	/* 254 blocks, a thousand groups: only checkpoints under pressure let that fit. */
	assert_true(figures.checkpoints > 2);
	rig_kill(&rig);
	rig_restart(&rig);
	rig_run(&rig, check_wrapped);
	rig_stop(&rig);
}

/* ------------------------------------------------ back-pressure */

static int
until_full(void *argument)
{
	struct rig *rig = argument;
	uint64_t group;
	int rc = 0;
	uint32_t done;

	fiber_set_deadline(env_monotonic(rig->env) + 5000000000);
	for (done = 0; done < 2000 && rc == 0; done++) {
		rc = set_root(rig->heap, done, &group);
		if (rc == 0)
			assert_int_equal(media_wait(rig->media, group), 0);
	}
	fiber_set_deadline(0);
	assert_int_equal(rc, -DER_TIMEDOUT);
	assert_true(done > 100 && done < 254);
	return 0;
}

static int
goes_on(void *argument)
{
	struct rig *rig = argument;
	uint64_t group;

	for (uint32_t i = 0; i < 300; i++) {
		assert_int_equal(set_root(rig->heap, i, &group), 0);
		assert_int_equal(media_wait(rig->media, group), 0);
	}
	return 0;
}

/* The heap's device stands still: the log fills, writers wait until their deadline, and go on when
 * it moves again. */
static void
test_back_pressure(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig_start(&rig, 3);
	rig_run(&rig, load_root);
	memory_disk_hold(rig.world, "node", "pool.heap");
	rig_run(&rig, until_full);
	memory_disk_release(rig.world, "node", "pool.heap");
	rig_run(&rig, goes_on);
	rig_stop(&rig);
}

/* ------------------------------------------------ many large transactions at once */

#define CROWD 48u

struct crowd {
	struct rig rig;
	struct model model;
	uint32_t refused;
};

static int
crowd_member(void *argument)
{
	static const struct step_sizes sizes = {1, 2, 60 * 1024, CELLS, true};
	struct crowd *crowd = argument;
	uint64_t version;

	for (uint32_t i = 0; i < 12; i++) {
		struct step step = step_random(crowd->rig.world, &sizes);
		int rc = store_step(crowd->rig.heap, step, &crowd->model, &version);

		assert_true(rc == 0 || rc == -DER_NOSPACE);
		crowd->refused += rc != 0;
	}
	return 0;
}

static int
crowd_body(void *argument)
{
	struct crowd *crowd = container_of(argument, struct crowd, rig);
	struct fiber_group fibers;

	fiber_group_init(&fibers);
	for (uint32_t i = 0; i < CROWD; i++)
		assert_int_equal(fiber_group_start(&fibers, "member", crowd_member, crowd), 0);
	assert_int_equal(fiber_group_wait(&fibers), 0);
	assert_int_equal(media_settle(crowd->rig.media), 0);
	store_check(crowd->rig.heap, &crowd->model);
	return 0;
}

/* Far more than log and group buffers hold at once: all of them get their turn. */
static void
test_crowd(void **state)
{
	struct crowd crowd = {.rig = rig_make()};

	(void)state;
	rig_start(&crowd.rig, 10);
	rig_run(&crowd.rig, load_root);
	rig_run(&crowd.rig, crowd_body);
	assert_true(crowd.refused < 12);
	rig_stop(&crowd.rig);
}

/* ------------------------------------------------ idle close */

static int
idle(void *argument)
{
	struct rig *rig = argument;
	uint64_t group;

	assert_int_equal(set_root(rig->heap, 5, &group), 0);
	assert_int_equal(media_wait(rig->media, group), 0);
	assert_true(rig->media->known_durable < group);
	assert_int_equal(fiber_sleep(11000000), 0);
	assert_int_equal(rig->media->known_durable, group);
	/* Once is enough. */
	group = media_durable_group(rig->media);
	assert_int_equal(fiber_sleep(100000000), 0);
	assert_int_equal(media_durable_group(rig->media), group);
	return 0;
}

static void
test_idle_close(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig_start(&rig, 4);
	rig_run(&rig, load_root);
	rig_run(&rig, idle);
	rig_stop(&rig);
}

/* ------------------------------------------------ failures */

static int
answers_nothing(void *argument)
{
	struct rig *rig = argument;
	uint64_t group;
	struct tx tx;

	assert_int_equal(set_root(rig->heap, 6, &group), 0);
	assert_int_equal(media_wait(rig->media, group), -DER_IO);
	assert_int_equal(media_wait(rig->media, 1), -DER_IO);
	assert_int_equal(media_state(rig->media), -DER_IO);
	assert_int_equal(tx_begin(&tx, rig->heap), -DER_IO);
	return 0;
}

static int
close_failed(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(media_close(rig->media), -DER_IO);
	return 0;
}

static void
stop_failed(struct rig *rig)
{
	rig_run(rig, close_failed);
	loop_destroy(rig->loop);
	memory_env_destroy(rig->env);
	memory_world_destroy(rig->world);
}

static void
test_failed_log_write(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig_start(&rig, 5);
	rig_run(&rig, load_root);
	memory_disk_fail(rig.world, "node", "log.log", DISK_WRITE, 1, -DER_IO);
	rig_run(&rig, answers_nothing);
	stop_failed(&rig);
}

static int
write_in_place(void *argument)
{
	struct rig *rig = argument;
	struct model model = {0};
	struct step step = {.index = 1, .size = 100, .length = 100 * 1024, .seed = 4};
	uint64_t version;

	assert_int_equal(store_step(rig->heap, step, &model, &version), -DER_IO);
	assert_int_equal(media_state(rig->media), -DER_IO);
	return 0;
}

/* The next flush would succeed, with the data gone; it is never tried. */
static void
test_failed_flush(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig_start(&rig, 6);
	rig_run(&rig, load_root);
	memory_disk_fail_flush_and_lose(rig.world, "node", "pool.data", 1);
	rig_run(&rig, write_in_place);
	stop_failed(&rig);
}

static void
test_failed_checkpoint(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig_start(&rig, 7);
	rig_run(&rig, load_root);
	assert_int_equal(rig_run(&rig, one_transaction), 0);
	memory_disk_fail_flush_and_lose(rig.world, "node", "pool.heap", 1);
	assert_int_equal(rig_run(&rig, close_failed), 0);
	loop_destroy(rig.loop);
	memory_env_destroy(rig.env);
	rig_boot(&rig);
	assert_int_equal(rig_run(&rig, rig_open_body), 0);
	assert_int_equal(rig_run(&rig, load_root), 0);
	rig_stop(&rig);
}

/* ------------------------------------------------ refusals */

static int
refused(void *argument)
{
	struct rig *rig = argument;
	struct media *media;
	struct heap *heap;

	assert_int_equal(media_format(rig->loop, "log", &rig->options), -DER_EXIST);
	assert_int_equal(media_open(rig->loop, "none", &rig->options, &media), -DER_NONEXIST);
	assert_int_equal(heap_open(rig->media, "none", &heap), -DER_NONEXIST);
	assert_int_equal(heap_create(rig->media, "pool", &rig->heap_options), -DER_EXIST);
	return 0;
}

static void
test_refusals(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig_start(&rig, 8);
	rig_run(&rig, refused);
	rig_stop(&rig);
}

static int
open_incompatible(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(media_open(rig->loop, "log", &rig->options, &rig->media), -DER_DF_INCOMPT);
	return 0;
}

/* A log of a later version is refused, not guessed at. */
static void
test_other_version(void **state)
{
	struct rig rig = rig_make();
	struct log_header header;
	uint8_t block[DISK_BLOCK];

	(void)state;
	rig_start(&rig, 9);
	rig_shut(&rig);
	for (uint64_t i = 0; i < LOG_HEADERS; i++) {
		memory_disk_peek(rig.world, "node", "log.log", block, sizeof(block),
				 i * DISK_BLOCK);
		memcpy(&header, block, sizeof(header));
		header.version = LOG_VERSION + 1;
		header.crc = 0;
		memcpy(block, &header, sizeof(header));
		header.crc = crc32c(0, block, sizeof(block));
		memcpy(block, &header, sizeof(header));
		memory_disk_poke(rig.world, "node", "log.log", block, sizeof(block),
				 i * DISK_BLOCK);
	}
	rig_boot(&rig);
	rig_run(&rig, open_incompatible);
	loop_destroy(rig.loop);
	memory_env_destroy(rig.env);
	memory_world_destroy(rig.world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batching),	  cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_back_pressure),	  cmocka_unit_test(test_idle_close),
		cmocka_unit_test(test_failed_log_write),  cmocka_unit_test(test_failed_flush),
		cmocka_unit_test(test_failed_checkpoint), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_other_version),	  cmocka_unit_test(test_crowd),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
