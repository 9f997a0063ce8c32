/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Random transactions next to single operations, on a store and on the naive reference. While one
 * is prepared, another fiber goes on reading and changing, and waits where it must; values are
 * collected, snapshots come and go, and the store is closed and opened.
 */
#include "tx.h"

struct run {
	uint32_t transactions;
	uint32_t refused, forgotten, committed;
	bool collect;
	struct tx_work work;
	bool prepared, commit;
	uint32_t others; /* operations of the other fiber that are left */
	bool others_run;
	uint64_t reading; /* the epoch at which the other fiber reads; UINT64_MAX: the newest */
};

/* A read at the newest state or at an epoch that is not collected; the reference numbers the
 * changes of a transaction in its own way, so never in the middle of one. */
static uint64_t
epoch_draw(struct model *model)
{
	uint64_t first = max_of(model->collected, 1000u);

	if (model->snapshot_count > 0 && draw(model, 3) == 0)
		return model->snapshots[draw(model, model->snapshot_count)];
	if (draw(model, 3) == 0)
		return EPOCH_MAX;
	return min_of((first + draw(model, model->epoch - first + 1)) | HLC_MINOR_MASK,
		      max_of(model->epoch, first));
}

static void
collect(struct stand *stand)
{
	struct run *run = stand->argument;
	struct model *model = &stand->model;
	uint64_t epoch = (model->collected + draw(model, model->epoch - model->collected + 1)) |
			 HLC_MINOR_MASK;
	int rc;

	if (epoch > model->epoch || epoch > run->reading)
		return;
	model->collected = max_of(model->collected, epoch);
	do
		rc = vos_collect(stand->vos, epoch, 7);
	while (rc > 0);
	CHECK_EQUAL(rc, 0);
}

/* The oldest one goes, or one of now comes: changes of an older epoch are restarted then, but for
 * those that are prepared. */
static void
snapshot_change(struct stand *stand)
{
	struct model *model = &stand->model;
	uint64_t *snapshots = model->snapshots;
	uint32_t count = model->snapshot_count;

	if (count == SNAPSHOTS || (count > 0 && draw(model, 2) == 0)) {
		model->snapshot_count--;
		memmove(&snapshots[0], &snapshots[1], (count - 1) * sizeof(uint64_t));
	} else if (count == 0 || snapshots[count - 1] < (model->epoch | HLC_MINOR_MASK)) {
		model->epoch |= HLC_MINOR_MASK;
		snapshots[model->snapshot_count++] = model->epoch;
	}
	stand_set_snapshots(stand);
}

static void
others_fiber(void *argument)
{
	struct stand *stand = argument;
	struct run *run = stand->argument;
	struct model *model = &stand->model;
	uint64_t group;

	for (; run->others > 0; run->others--) {
		uint64_t choice = draw(model, 12);

		if (choice < 4)
			both_update(stand, &group);
		else if (choice < 5)
			both_punch(stand, &group);
		if (choice < 5)
			continue;
		run->reading = epoch_draw(model);
		if (choice < 9)
			both_fetch(stand, run->reading);
		else
			both_list(stand, run->reading);
		run->reading = UINT64_MAX;
	}
	run->others_run = false;
}

static void
others_start(struct stand *stand)
{
	struct run *run = stand->argument;
	struct fiber *fiber;

	run->others = (uint32_t)draw(&stand->model, 12);
	run->others_run = true;
	CHECK_EQUAL(fiber_start(stand->loop, "others", others_fiber, stand, &fiber), 0);
}

/* What may happen while a transaction is prepared. */
static void
meanwhile(struct stand *stand)
{
	struct run *run = stand->argument;
	struct model *model = &stand->model;

	for (uint64_t turns = draw(model, 30); turns > 0; turns--)
		fiber_yield();
	if (run->collect && draw(model, 3) == 0)
		collect(stand);
	if (draw(model, 8) == 0)
		audit_body(stand);
	if (draw(model, 20) == 0)
		CHECK_EQUAL(media_checkpoint(stand->media), 0);
}

static int
prepare_body(void *argument)
{
	struct stand *stand = argument;
	struct run *run = stand->argument;
	struct model *model = &stand->model;
	uint64_t group;

	tx_draw(model, 1 + (uint32_t)draw(model, 3), &run->work);
	run->work.tx.leads = draw(model, 2) == 0;
	run->prepared = tx_both_prepare(stand, &run->work, &group);
	run->commit = draw(model, 4) != 0;
	run->refused += !run->prepared;
	run->forgotten += run->prepared && !run->commit;
	run->committed += run->prepared && run->commit;
	tx_work_free(&run->work);
	return 0;
}

static int
finish_body(void *argument)
{
	struct stand *stand = argument;
	struct run *run = stand->argument;
	uint64_t group;

	/* Who reads from now on is held back until it is so. */
	if (run->prepared && run->commit)
		tx_commit_events(&stand->model, &run->work);
	if (run->collect && draw(&stand->model, 4) == 0)
		snapshot_change(stand);
	others_start(stand);
	meanwhile(stand);
	if (run->prepared && !run->commit) {
		CHECK_EQUAL(vos_tx_forget(stand->vos, run->work.tx.id, &group), 0);
	} else if (run->prepared) {
		if (run->work.tx.leads)
			CHECK_EQUAL(vos_tx_decide(stand->vos, run->work.tx.id, NULL, &group), 0);
		meanwhile(stand);
		CHECK_EQUAL(vos_tx_apply(stand->vos, run->work.tx.id, &group), 0);
		CHECK_EQUAL(media_wait(stand->media, group), 0);
	}
	while (run->others_run)
		fiber_yield();
	return 0;
}

static void
random_run(uint64_t seed, bool collecting)
{
	struct run run = {.transactions = 300, .collect = collecting, .reading = UINT64_MAX};
	struct stand stand = {.argument = &run, .media_options.log_size = (seed % 2 + 1) << 22};
	struct heap_space before, after;

	stand_start(&stand, seed);
	heap_space(stand.heap, &before);
	for (; run.transactions > 0; run.transactions--) {
		stand_run(&stand, prepare_body);
		if (draw(&stand.model, 5) == 0)
			stand_reopen(&stand);
		stand_run(&stand, finish_body);
		if (draw(&stand.model, 10) == 0)
			stand_run(&stand, audit_body);
	}
	stand_run(&stand, empty_body);
	stand_run(&stand, settle_body);
	stand_run(&stand, audit_body);
	heap_space(stand.heap, &after);
	CHECK_EQUAL(after.heap_free, before.heap_free);
	CHECK_EQUAL(after.data_free, before.data_free);
	stand_stop(&stand);
	printf("seed %llu: %u refused, %u forgotten, %u committed\n", (unsigned long long)seed,
	       run.refused, run.forgotten, run.committed);
	CHECK(run.refused > 10 && run.forgotten > 10 && run.committed > 30);
}

static void
transactions(void **state)
{
	(void)state;
	random_run(1, false);
	random_run(2, false);
}

static void
transactions_and_collection(void **state)
{
	(void)state;
	random_run(3, true);
	random_run(4, true);
}

/* Without arguments the tests; with a seed only that run. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions),
		cmocka_unit_test(transactions_and_collection),
	};

	if (argc > 1) {
		random_run(strtoull(argv[1], NULL, 0), argc > 2);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
