/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Random operations on a store and on the naive reference, with clean restarts and collection in
 * between. */
#include "model.h"

struct run {
	uint32_t operations;
	bool collect, snapshots;
};

/* A read at the newest state or at an epoch that is not collected. */
static uint64_t
epoch_draw(struct model *model)
{
	uint64_t first = max_of(model->collected, 1000u);

	if (model->snapshot_count > 0 && draw(model, 3) == 0)
		return model->snapshots[draw(model, model->snapshot_count)];
	return draw(model, 3) == 0 ? EPOCH_MAX : first + draw(model, model->epoch - first + 1);
}

/* The largest and smallest integer dkey. */
static void
both_query(struct stand *stand, uint64_t epoch)
{
	struct model *model = &stand->model;
	struct vos_query_result result;
	uint32_t object = draw(model, 2) ? 1 : 3;
	struct vos_object name = object_name(object);
	struct vos_key none = {0};
	uint8_t akey_bytes[KEY_BYTES];
	bool last = draw(model, 2), extents = draw(model, 2), found = false;
	uint64_t wanted = 0;
	int rc;

	for (uint32_t i = 0; i < DKEYS; i++) {
		uint8_t bytes[KEY_BYTES];
		uint64_t number = load_u64(dkey_name(object, i, bytes).data);
		bool visible = model_visible(model, object, i, UINT32_MAX, epoch);

		if (extents)
			visible = visible && model_any(model, object, i, 1, epoch);
		if (visible && (!found || (last ? number > wanted : number < wanted)))
			wanted = number;
		found = found || visible;
	}
	rc = vos_query_key(stand->container, &name,
			   VOS_GET_DKEY | (last ? VOS_GET_MAX : VOS_GET_MIN) |
				   (extents ? VOS_GET_EXTENT : 0u),
			   none, extents ? akey_name(object, 1, akey_bytes) : none, epoch, &result);
	CHECK_EQUAL(rc, found ? 0 : -DER_NONEXIST);
	if (found)
		CHECK_EQUAL(result.dkey, wanted);
	if (found && extents) {
		uint64_t end = result.extent.index + result.extent.count;
		uint32_t dkey = 0;
		uint8_t bytes[KEY_BYTES];

		while (load_u64(dkey_name(object, dkey, bytes).data) != result.dkey)
			dkey++;
		CHECK(model_seen(model, object, dkey, 1, last ? end - 1 : result.extent.index,
				 epoch));
		CHECK(!model_seen(model, object, dkey, 1, last ? end : result.extent.index - 1,
				  epoch));
	}
}

static void
collect(struct stand *stand, uint64_t epoch, uint32_t credits)
{
	int rc;

	stand->model.collected = max_of(stand->model.collected, epoch);
	do
		rc = vos_collect(stand->vos, epoch, credits);
	while (rc > 0);
	CHECK_EQUAL(rc, 0);
}

/* A new snapshot, or one less. */
static void
snapshot_change(struct stand *stand)
{
	struct model *model = &stand->model;
	uint32_t count = model->snapshot_count;

	if (count < SNAPSHOTS && draw(model, 2) == 0) {
		if (count > 0 && model->snapshots[count - 1] == model->epoch)
			return;
		model->snapshots[count] = model->epoch;
		model->snapshot_count++;
	} else if (count > 0) {
		uint64_t place = draw(model, count);

		model->snapshot_count--;
		memmove(&model->snapshots[place], &model->snapshots[place + 1],
			(count - 1 - place) * sizeof(uint64_t));
	}
	stand_set_snapshots(stand);
}

static int
run_body(void *argument)
{
	struct stand *stand = argument;
	struct run *run = stand->argument;
	struct model *model = &stand->model;
	uint32_t part = 200;
	uint64_t group;

	for (; run->operations > 0 && part > 0; run->operations--, part--) {
		uint64_t choice = draw(model, 20);

		if (choice < 8)
			both_update(stand, &group);
		else if (choice < 10)
			both_punch(stand, &group);
		else if (choice < 15)
			both_fetch(stand, epoch_draw(model));
		else if (choice < 18)
			both_list(stand, epoch_draw(model));
		else
			both_query(stand, epoch_draw(model));
		if (run->snapshots && draw(model, 25) == 0)
			snapshot_change(stand);
		if (run->collect && draw(model, 60) == 0)
			collect(stand,
				model->collected + draw(model, model->epoch - model->collected + 1),
				7);
	}
	return 0;
}

static int
figures_body(void *argument)
{
	struct stand *stand = argument;

	CHECK_EQUAL(vos_audit(stand->vos, stand->argument), 0);
	return 0;
}

static void
random_run(uint64_t seed, bool collecting, bool snapshots)
{
	struct run run = {.operations = 3000, .collect = collecting, .snapshots = snapshots};
	/* Small logs let large requests wait for room. */
	struct stand stand = {.argument = &run, .media_options.log_size = (seed % 2 + 1) << 22};
	struct heap_space before, after;

	stand_start(&stand, seed);
	heap_space(stand.heap, &before);
	while (run.operations > 0) {
		stand_run(&stand, run_body);
		stand_run(&stand, audit_body);
		if (draw(&stand.model, 3) == 0)
			stand_reopen(&stand);
	}
	stand_run(&stand, empty_body);
	stand_run(&stand, settle_body);
	stand_run(&stand, audit_body);
	heap_space(stand.heap, &after);
	CHECK_EQUAL(after.heap_free, before.heap_free);
	CHECK_EQUAL(after.data_free, before.data_free);
	stand_stop(&stand);
}

static void
operations(void **state)
{
	(void)state;
	random_run(1, false, false);
	random_run(2, false, false);
}

static void
operations_and_collection(void **state)
{
	(void)state;
	random_run(3, true, false);
	random_run(4, true, false);
}

static void
operations_and_snapshots(void **state)
{
	(void)state;
	random_run(5, true, true);
	random_run(6, true, true);
}

/* ------------------------------------------------ what snapshots leave behind */

/* The same changes, with snapshots that come and go, or without. */
static int
changes_body(void *argument)
{
	struct stand *stand = argument;
	const struct run *run = stand->argument;
	struct model *model = &stand->model;
	struct model reads;
	uint64_t group;
	int rc;

	for (uint32_t i = 0; i < run->operations; i++) {
		if (draw(model, 4) == 0)
			both_punch(stand, &group);
		else
			both_update(stand, &group);
		if (!run->snapshots)
			continue;
		/* Drawn apart, so that the changes are the same in both. */
		reads = *model;
		if (i % 20 == 0)
			snapshot_change(stand);
		if (i % 31 == 0) {
			rc = vos_collect(stand->vos, model->epoch, 20);
			CHECK(rc >= 0);
		}
		if (i % 7 == 0 && model->snapshot_count > 0)
			both_fetch(stand, model->snapshots[draw(model, model->snapshot_count)]);
		model->random = reads.random;
	}
	model->snapshot_count = 0;
	stand_set_snapshots(stand);
	collect(stand, model->epoch, 100);
	return 0;
}

static struct vos_audit
changed_figures(uint64_t seed, bool snapshots)
{
	struct run run = {.operations = 700, .snapshots = snapshots};
	struct stand stand = {.argument = &run};
	struct vos_audit figures;

	stand_start(&stand, seed);
	stand_run(&stand, changes_body);
	stand.argument = &figures;
	stand_run(&stand, figures_body);
	stand_stop(&stand);
	return figures;
}

static void
snapshots_leave_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 21; seed < 23; seed++) {
		struct vos_audit with = changed_figures(seed, true);
		struct vos_audit without = changed_figures(seed, false);

		CHECK_EQUAL(with.objects, without.objects);
		CHECK_EQUAL(with.dkeys, without.dkeys);
		CHECK_EQUAL(with.akeys, without.akeys);
		CHECK_EQUAL(with.extents, without.extents);
		CHECK_EQUAL(with.values, without.values);
		CHECK_EQUAL(with.bytes, without.bytes);
		CHECK_EQUAL(with.data_blocks, without.data_blocks);
		CHECK_EQUAL(with.stale + with.dead, without.stale + without.dead);
	}
}

/* Without arguments the tests; with a seed only that run. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations),
		cmocka_unit_test(operations_and_collection),
		cmocka_unit_test(operations_and_snapshots),
		cmocka_unit_test(snapshots_leave_nothing),
	};

	if (argc > 1) {
		random_run(strtoull(argv[1], NULL, 0), argc > 2, argc > 3);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
