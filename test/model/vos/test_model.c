/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Random operations on a store and on the naive reference, with clean restarts and collection in
 * between. */
#include "model.h"

struct run {
	uint32_t operations;
	bool collect;
};

/* A read at the newest state or at an epoch that is not collected. */
static uint64_t
epoch_draw(struct model *model)
{
	uint64_t first = max_of(model->collected, 1000u);

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
		if (run->collect && draw(model, 60) == 0)
			collect(stand,
				model->collected + draw(model, model->epoch - model->collected + 1),
				7);
	}
	return 0;
}

static void
random_run(uint64_t seed, bool collecting)
{
	struct run run = {.operations = 3000, .collect = collecting};
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
	random_run(1, false);
	random_run(2, false);
}

static void
operations_and_collection(void **state)
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
		cmocka_unit_test(operations),
		cmocka_unit_test(operations_and_collection),
	};

	if (argc > 1) {
		random_run(strtoull(argv[1], NULL, 0), argc > 2);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
