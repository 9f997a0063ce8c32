/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A power cut at every device write. Several fibers run random transactions while checkpoints go on
 * and the log wraps; a trace records the disks. Each state that a power cut may leave is opened
 * again and must equal the reference at some version: at least that of every transaction whose wait
 * had returned. Some states then live on and lose power a second time. CAIRN_TEST_SECONDS (15)
 * bounds the time.
 */
#include <time.h>

#include "unit/media/store.h"

#define VERSIONS 1400u /* more than any scenario makes */
#define SECOND_STEPS 6u
#define SCENARIOS 6

struct acknowledgement {
	uint64_t position; /* of the trace */
	uint64_t version;
};

/* What makes one run different from another: what is scarce, and which device is slow. */
struct scenario {
	uint64_t seed;
	uint32_t workers, steps;
	bool any_order, stable;
	bool idle;		/* workers pause now and then, so that the log is closed */
	uint64_t checkpoint_ns; /* mean time between checkpoints */
	uint64_t log_ns, heap_ns, data_ns; /* that a write takes */
	uint64_t data_size;
	uint64_t inline_limit;
	struct step_sizes sizes;
	uint32_t worn; /* checkpoints before the trace begins */
	bool gives_up; /* deltas are given up while it runs; the heap is small */
};

struct run {
	const struct scenario *scenario;
	struct rig rig;
	struct memory_trace *trace;
	struct model model;
	struct model history[VERSIONS];
	struct acknowledgement acknowledgements[VERSIONS];
	uint32_t acknowledged;
	uint32_t working;
	uint32_t deltas, given_up; /* of zone 0: now; how often they were given up */
};

/* ------------------------------------------------ the workload */

static int
worker(void *argument)
{
	struct run *run = argument;
	uint64_t version;

	for (uint32_t i = 0; i < run->scenario->steps; i++) {
		struct step step = step_random(run->rig.world, &run->scenario->sizes);
		int rc = store_step(run->rig.heap, step, &run->model, &version);

		if (rc != 0 && rc != -DER_NOSPACE)
			fail_msg("a step failed with %d: %s", rc, error_text(rc));
		if (version != 0)
			run->acknowledgements[run->acknowledged++] = (struct acknowledgement){
				.position = memory_trace_position(run->trace), .version = version};
		/* Sometimes long enough for the log to be closed. */
		if (run->scenario->idle && memory_world_random(run->rig.world) % 8 == 0)
			assert_int_equal(fiber_sleep(15000000), 0);
	}
	run->working--;
	return 0;
}

static void
note_deltas(struct run *run)
{
	const struct zone_deltas *deltas = run->rig.heap->zones[0]->deltas;
	uint32_t count = deltas ? deltas->count : 0;

	run->given_up += count < run->deltas;
	run->deltas = count;
}

static int
checkpointer(void *argument)
{
	struct run *run = argument;

	while (run->working > 0) {
		uint64_t pause =
			memory_world_random(run->rig.world) % (2 * run->scenario->checkpoint_ns);

		assert_int_equal(fiber_sleep(pause), 0);
		assert_int_equal(media_checkpoint(run->rig.media), 0);
		note_deltas(run);
	}
	return 0;
}

/* Each leaves some changed lines behind. */
static int
wear(void *argument)
{
	struct run *run = container_of(argument, struct run, rig);
	const struct heap *heap = run->rig.heap;
	uint64_t version;

	while (run->scenario->gives_up && heap->delta_slots + 2 < heap->delta_limit) {
		struct step step = step_random(run->rig.world, &run->scenario->sizes);

		assert_int_equal(store_step(run->rig.heap, step, &run->model, &version), 0);
		assert_int_equal(media_checkpoint(run->rig.media), 0);
		note_deltas(run);
	}
	return 0;
}

static int
workload(void *argument)
{
	struct run *run = container_of(argument, struct run, rig);
	struct fiber_group group;

	fiber_group_init(&group);
	run->working = run->scenario->workers;
	for (uint32_t i = 0; i < run->scenario->workers; i++)
		assert_int_equal(fiber_group_start(&group, "worker", worker, run), 0);
	assert_int_equal(fiber_group_start(&group, "checkpointer", checkpointer, run), 0);
	assert_int_equal(fiber_group_wait(&group), 0);
	assert_int_equal(media_settle(run->rig.media), 0);
	store_check(run->rig.heap, &run->model);
	return 0;
}

static void
set_disks(struct run *run)
{
	const struct scenario *scenario = run->scenario;
	const struct {
		const char *name;
		uint64_t write_ns;
	} disks[] = {{"log.log", scenario->log_ns},
		     {"pool.heap", scenario->heap_ns},
		     {"pool.data", scenario->data_ns}};

	for (uint32_t i = 0; i < ARRAY_SIZE(disks); i++) {
		struct memory_disk_options options = {.read_ns = 20000,
						      .write_ns = disks[i].write_ns,
						      .flush_ns = disks[i].write_ns,
						      .any_order = scenario->any_order,
						      .stable_cache = scenario->stable};

		memory_disk_configure(run->rig.world, "node", disks[i].name, &options);
	}
}

static void
record(struct run *run, const struct scenario *scenario)
{
	memset(run, 0, sizeof(*run));
	run->scenario = scenario;
	run->rig = rig_make();
	run->rig.options.checkpoint_interval = 20000000;
	run->rig.heap_options.data_size = scenario->data_size;
	run->rig.heap_options.space_reserve = 0;
	run->rig.options.inline_limit = scenario->inline_limit;
	run->rig.heap_options.heap_size = (scenario->gives_up ? 1 : 4) * HEAP_ZONE;
	run->model.history = run->history;
	run->model.history_limit = VERSIONS;
	assert_int_equal(memory_world_create(scenario->seed, &run->rig.world), 0);
	rig_boot(&run->rig);
	assert_int_equal(rig_run(&run->rig, rig_format_body), 0);
	run->history[0] = run->model;
	assert_int_equal(rig_run(&run->rig, wear), 0);
	rig_shut(&run->rig);
	run->given_up = 0;
	set_disks(run);
	assert_int_equal(memory_trace_start(run->rig.world, "node", &run->trace), 0);
	rig_boot(&run->rig);
	assert_int_equal(rig_run(&run->rig, rig_open_body), 0);
	assert_int_equal(rig_run(&run->rig, workload), 0);
	assert_true(!scenario->gives_up || run->given_up > 0);
	memory_trace_stop(run->trace);
	rig_shut(&run->rig);
}

/* ------------------------------------------------ after a power cut */

/* The newest version that had been acknowledged at a point. */
static uint64_t
acknowledged_at(const struct run *run, uint64_t point)
{
	uint64_t version = 0;

	for (uint32_t i = 0; i < run->acknowledged; i++)
		if (run->acknowledgements[i].position <= point)
			version = max_of(version, run->acknowledgements[i].version);
	return version;
}

struct life {
	struct rig rig;
	struct run *run;
	uint64_t least; /* version that must be there */
	struct model model;
	struct model history[SECOND_STEPS + 1];
	uint64_t first; /* version of history[0] */
};

static int
open_and_check(void *argument)
{
	struct life *life = container_of(argument, struct life, rig);
	uint64_t version;

	assert_int_equal(rig_open_body(&life->rig), 0);
	version = store_version(life->rig.heap);
	assert_true(version >= life->least);
	assert_true(version < VERSIONS);
	life->model = life->run->history[version];
	life->model.history = NULL;
	store_check(life->rig.heap, &life->model);
	return 0;
}

/* Goes on after a recovery; every version is remembered by its distance from the first. */
static int
second_life(void *argument)
{
	struct life *life = container_of(argument, struct life, rig);
	uint64_t version;

	life->first = life->model.version;
	life->least = life->first;
	life->history[0] = life->model;
	for (uint32_t i = 0; i < SECOND_STEPS; i++) {
		struct step step = step_random(life->rig.world, &life->run->scenario->sizes);

		step.abort = false;
		if (store_step(life->rig.heap, step, &life->model, &version) != 0)
			continue;
		life->history[version - life->first] = life->model;
		life->least = version;
		if (i == SECOND_STEPS / 2 && memory_world_random(life->rig.world) % 2)
			assert_int_equal(media_checkpoint(life->rig.media), 0);
	}
	return 0;
}

static int
third_life(void *argument)
{
	struct life *life = container_of(argument, struct life, rig);
	uint64_t version;

	assert_int_equal(rig_open_body(&life->rig), 0);
	version = store_version(life->rig.heap);
	assert_true(version >= life->least && version <= life->first + SECOND_STEPS);
	store_check(life->rig.heap, &life->history[version - life->first]);
	return 0;
}

static void
power_cut(struct life *life, uint64_t seed)
{
	struct memory_crash crash = {.kind = MEMORY_CRASH_RANDOM, .index = seed};

	rig_kill(&life->rig);
	memory_node_power_cut(life->rig.world, "node", &crash);
	rig_boot(&life->rig);
}

static void
check_state(struct run *run, uint64_t point, const struct memory_crash *crash, uint64_t number)
{
	struct life life = {.run = run, .rig = run->rig, .least = acknowledged_at(run, point)};

	assert_int_equal(memory_world_create(number + 1, &life.rig.world), 0);
	memory_trace_restore(run->trace, point, crash, life.rig.world, "node");
	rig_boot(&life.rig);
	assert_int_equal(rig_run(&life.rig, open_and_check), 0);
	if (number % 4 == 0) {
		rig_run(&life.rig, second_life);
		power_cut(&life, number);
		rig_run(&life.rig, third_life);
	} else if (number % 4 == 1) {
		/* Power fails right after recovery, whose writes may or may not have happened. */
		power_cut(&life, number);
		rig_run(&life.rig, open_and_check);
	}
	rig_kill(&life.rig);
	memory_world_destroy(life.rig.world);
}

/* ------------------------------------------------ all states */

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
budget(void)
{
	const char *text = getenv("CAIRN_TEST_SECONDS");

	return text ? atof(text) : 15;
}

/* Takes every stride-th of all states; returns how many that were. */
static uint64_t
check_states(struct run *run, uint64_t stride, uint64_t offset, double until)
{
	uint64_t number = 0;
	uint64_t checked = 0;

	for (uint64_t point = 0; point <= memory_trace_position(run->trace) && seconds() < until;
	     point++) {
		uint32_t pending;

		if (!memory_trace_deepest(run->trace, point))
			continue;
		pending = memory_trace_pending(run->trace, point);
		for (uint64_t n = 0; n < memory_crash_count(pending, 3); n++, number++) {
			struct memory_crash crash = memory_crash_state(pending, 3, n);

			if (number % stride != offset || seconds() >= until)
				continue;
			check_state(run, point, &crash, number);
			checked++;
		}
	}
	return checked;
}

static void
check_run(const struct scenario *scenario)
{
	double until = seconds() + budget() / SCENARIOS;
	struct run *run = malloc(sizeof(*run));
	uint64_t checked = 0;

	assert_non_null(run);
	record(run, scenario);
	/* Coarse passes first: the budget then ends somewhere in the finer ones, not in the middle
	 * of the run. */
	for (uint64_t stride = 61, offset = 0; offset < stride && seconds() < until; offset++)
		checked += check_states(run, stride, offset, until);
	print_message("seed %lu: %lu states of %lu events, %lu versions\n",
		      (unsigned long)scenario->seed, (unsigned long)checked,
		      (unsigned long)memory_trace_position(run->trace),
		      (unsigned long)run->model.version);
	assert_true(checked > 0);
	memory_trace_free(run->trace);
	memory_world_destroy(run->rig.world);
	free(run);
}

static void
test_usual(void **state)
{
	static const struct scenario scenario = {.seed = 11,
						 .workers = 3,
						 .steps = 60,
						 .idle = true,
						 .checkpoint_ns = 10000000,
						 .log_ns = 10000,
						 .heap_ns = 10000,
						 .data_ns = 10000,
						 .data_size = 8 * 1024 * 1024,
						 .sizes = {16, 8, 200 * 1024, CELLS, false}};

	(void)state;
	check_run(&scenario);
}

/* The log wraps often and is full of what no checkpoint has covered. */
static void
test_small_log(void **state)
{
	static const struct scenario scenario = {.seed = 12,
						 .workers = 3,
						 .steps = 300,
						 .any_order = true,
						 .checkpoint_ns = 50000000,
						 .log_ns = 5000,
						 .heap_ns = 200000,
						 .data_ns = 10000,
						 .data_size = 4 * 1024 * 1024,
						 .sizes = {8, 30, 20 * 1024, CELLS, true}};

	(void)state;
	check_run(&scenario);
}

/* Freed blocks are all there is and are wanted at once; a group often frees what it has just
 * published. */
static void
test_small_data(void **state)
{
	static const struct scenario scenario = {.seed = 13,
						 .workers = 8,
						 .steps = 100,
						 .inline_limit = 8192,
						 .any_order = true,
						 .checkpoint_ns = 500000,
						 .log_ns = 20000,
						 .heap_ns = 200000,
						 .data_ns = 10000,
						 .data_size = 112 * 1024,
						 .sizes = {16, 8, 20 * 1024, 4, false}};

	(void)state;
	check_run(&scenario);
}

/* Checkpoints are ahead of the log, data comes last, zones are many. */
static void
test_slow_log(void **state)
{
	static const struct scenario scenario = {.seed = 14,
						 .workers = 3,
						 .steps = 120,
						 .any_order = true,
						 .checkpoint_ns = 300000,
						 .log_ns = 500000,
						 .heap_ns = 1000,
						 .data_ns = 900000,
						 .data_size = 2 * 1024 * 1024,
						 .sizes = {1, 4, 100 * 1024, CELLS, false}};

	(void)state;
	check_run(&scenario);
}

/* Changed lines gather until there is no room for more, and the chunks are written whole. */
static void
test_changed_lines(void **state)
{
	static const struct scenario scenario = {.seed = 16,
						 .workers = 2,
						 .steps = 120,
						 .any_order = true,
						 .checkpoint_ns = 200000,
						 .log_ns = 20000,
						 .heap_ns = 50000,
						 .data_ns = 10000,
						 .data_size = 2 * 1024 * 1024,
						 .sizes = {1000, 8, 20 * 1024, CELLS, false},
						 .gives_up = true};

	(void)state;
	check_run(&scenario);
}

/* A device that keeps what it has accepted. */
static void
test_stable_cache(void **state)
{
	static const struct scenario scenario = {.seed = 15,
						 .workers = 3,
						 .steps = 60,
						 .any_order = true,
						 .stable = true,
						 .idle = true,
						 .checkpoint_ns = 5000000,
						 .log_ns = 10000,
						 .heap_ns = 10000,
						 .data_ns = 50000,
						 .data_size = 2 * 1024 * 1024,
						 .sizes = {4, 4, 100 * 1024, CELLS, false}};

	(void)state;
	check_run(&scenario);
}

int
main(void)
{
	const struct CMUnitTest tests[SCENARIOS] = {
		cmocka_unit_test(test_usual),	      cmocka_unit_test(test_small_log),
		cmocka_unit_test(test_small_data),    cmocka_unit_test(test_slow_log),
		cmocka_unit_test(test_changed_lines), cmocka_unit_test(test_stable_cache),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
