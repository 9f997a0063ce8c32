/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Every state of every kind: see bed.h. */
#include <time.h>

#include "bed.h"

#define STRIDE 13u /* coarse passes first, so that the time never ends before a part was seen */
#define NESTED_STATES 6u /* of that recovery, drawn; with CAIRN_LONG all */
#define SETTLE_EACH 8u	 /* one in so many is emptied, and must be as free as a new store */

struct run {
	const struct crash_kind *kind;
	bool loaded; /* steps are not waited for, and checkpoints go on meanwhile */
	struct memory_trace *trace;
	uint64_t base;			   /* epoch after the preparation */
	uint64_t digests[STEPS_MAX + 1];   /* after so many steps */
	uint64_t images[STEPS_MAX + 1];	   /* zones in memory; 0: not known */
	uint64_t positions[STEPS_MAX + 1]; /* of the trace, when a step was acknowledged */
	struct heap_space fresh;
	double until; /* when its time is up */
	uint64_t judged, nested, settled, all;
};

/* What is being asked of one state. */
struct life {
	struct crash_bed bed;
	struct run *run;
	uint32_t least; /* steps that must be there */
	uint32_t steps; /* that were found */
	uint64_t image; /* after replay */
	bool again;	/* image and steps must be as they are */
	bool settle;
};

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool
is_long(void)
{
	const char *text = getenv("CAIRN_LONG");

	return text && strcmp(text, "1") == 0;
}

static double
budget(void)
{
	const char *text = getenv("CAIRN_TEST_SECONDS");

	return text ? atof(text) : 15;
}

/* ------------------------------------------------ the two runs */

static int
prepare_body(void *argument)
{
	struct crash_bed *bed = argument;

	if (bed->kind->prepare)
		bed->kind->prepare(bed);
	bed_wait(bed);
	return 0;
}

static int
reference_body(void *argument)
{
	struct crash_bed *bed = argument;
	struct run *run = bed->argument;
	const struct crash_kind *kind = bed->kind;
	uint64_t last = bed->epoch + kind->steps;

	run->base = bed->epoch;
	run->digests[0] = bed_digest(bed, run->base, last);
	for (uint32_t i = 0; i < kind->steps; i++) {
		kind->step(bed, i);
		bed_wait(bed);
		run->digests[i + 1] = bed_digest(bed, run->base, last);
		/* A step that changes nothing would be judged by nothing. */
		CHECK(kind->partial || run->digests[i + 1] != run->digests[i]);
	}
	CHECK(!kind->history || bed->epoch == last);
	bed_audit(bed);
	bed_empty(bed, &run->fresh);
	return 0;
}

static int
steps_fiber(void *argument)
{
	struct crash_bed *bed = argument;
	struct run *run = bed->argument;
	const struct crash_kind *kind = bed->kind;

	run->images[0] = kind->partial ? 0 : bed_zone_digest(bed);
	for (uint32_t i = 0; i < kind->steps; i++) {
		kind->step(bed, i);
		run->images[i + 1] = kind->partial || kind->with_second ? 0 : bed_zone_digest(bed);
		if (run->loaded && i + 1 < kind->steps) {
			/* Some share a group, some do not. */
			CHECK_EQUAL(fiber_sleep(i % 3 * 5000), 0);
			continue;
		}
		bed_wait(bed);
		run->positions[i + 1] = memory_trace_position(run->trace);
	}
	bed->done = true;
	return 0;
}

static int
checkpoints_fiber(void *argument)
{
	struct crash_bed *bed = argument;

	while (!bed->done) {
		CHECK_EQUAL(media_checkpoint(bed->media), 0);
		CHECK_EQUAL(fiber_sleep(50000), 0);
	}
	return 0;
}

static int
traced_body(void *argument)
{
	struct crash_bed *bed = argument;
	const struct run *run = bed->argument;
	struct fiber_group group;

	bed->done = false;
	fiber_group_init(&group);
	if (run->loaded)
		CHECK_EQUAL(fiber_group_start(&group, "checkpoints", checkpoints_fiber, bed), 0);
	CHECK_EQUAL(fiber_group_start(&group, "steps", steps_fiber, bed), 0);
	return fiber_group_wait(&group);
}

static void
begin(struct crash_bed *bed, struct run *run, uint64_t seed)
{
	*bed = (struct crash_bed){.kind = run->kind, .argument = run};
	CHECK_EQUAL(memory_world_create(seed, &bed->world), 0);
	bed_boot(bed);
	bed_run(bed, bed_format_body);
	if (bed->kind->poisoned)
		bed_poison(bed);
	bed_run(bed, prepare_body);
}

static void
record(struct run *run, const struct crash_kind *kind, bool loaded)
{
	struct crash_bed bed;

	*run = (struct run){.kind = kind, .loaded = loaded};
	CHECK(kind->steps <= STEPS_MAX);
	for (uint32_t i = 1; i <= kind->steps; i++)
		run->positions[i] = UINT64_MAX;
	begin(&bed, run, 1);
	bed_run(&bed, reference_body);
	bed_shut(&bed);
	memory_world_destroy(bed.world);

	begin(&bed, run, 1);
	/* A crash there, so that the traced life begins with a recovery now and then. */
	if (kind->steps % 2)
		bed_kill(&bed);
	else
		bed_shut(&bed);
	bed_boot(&bed);
	bed_run(&bed, bed_open_body);
	bed_run(&bed, bed_load_zones_body);
	CHECK_EQUAL(memory_trace_start(bed.world, "node", &run->trace), 0);
	bed_run(&bed, traced_body);
	memory_trace_stop(run->trace);
	bed_kill(&bed);
	memory_world_destroy(bed.world);
}

/* ------------------------------------------------ one state */

static void
found_image(struct life *life)
{
	uint64_t image = bed_image_digest(&life->bed);

	if (life->again)
		CHECK(image == life->image);
	life->image = image;
}

/* Which steps happened, by what can be seen. */
static void
found_steps(struct life *life)
{
	const struct run *run = life->run;
	const struct crash_kind *kind = run->kind;
	uint64_t digest = bed_digest(&life->bed, run->base, run->base + kind->steps);
	uint32_t steps = life->least;

	while (steps <= kind->steps && run->digests[steps] != digest)
		steps++;
	if (steps > kind->steps) {
		fprintf(stderr, "%s: what is there was never there at or after step %u\n",
			kind->name, life->least);
		abort();
	}
	if (life->again)
		CHECK_EQUAL(steps, life->steps);
	life->steps = steps;
}

static int
judge_body(void *argument)
{
	struct life *life = container_of(argument, struct life, bed);
	struct crash_bed *bed = argument;
	const struct run *run = life->run;
	struct heap_space space;
	uint64_t zones;

	bed_replay_body(bed);
	found_image(life);
	zones = bed_zone_digest(bed);
	bed_open_store(bed);
	found_steps(life);
	/* What replay made is what was in memory then. Two steps may look alike, one of them did.
	 */
	if (run->images[life->steps] != 0)
		CHECK(zones == run->images[life->steps] ||
		      (life->steps < run->kind->steps &&
		       run->digests[life->steps + 1] == run->digests[life->steps]));
	bed_audit(bed);
	bed->epoch = run->base + run->kind->steps + 1;
	if (run->kind->verify)
		run->kind->verify(bed, life->steps);
	if (!life->settle)
		return 0;
	bed_empty(bed, &space);
	CHECK_EQUAL(space.heap_free, run->fresh.heap_free);
	CHECK_EQUAL(space.data_free, run->fresh.data_free);
	return 0;
}

static int
recover_body(void *argument)
{
	struct crash_bed *bed = argument;

	bed_replay_body(bed);
	CHECK_EQUAL(media_start(bed->media), 0);
	CHECK_EQUAL(media_checkpoint(bed->media), 0);
	/* The log is closed meanwhile. */
	return fiber_sleep(30000000);
}

static void
restore(struct life *life, struct memory_trace *trace, uint64_t point,
	const struct memory_crash *crash, uint64_t seed)
{
	life->bed = (struct crash_bed){.kind = life->run->kind, .argument = life->run};
	CHECK_EQUAL(memory_world_create(seed, &life->bed.world), 0);
	memory_trace_restore(trace, point, crash, life->bed.world, "node");
	bed_boot(&life->bed);
}

static void
judge_state(struct life *life, struct memory_trace *trace, uint64_t point,
	    const struct memory_crash *crash, uint64_t seed)
{
	restore(life, trace, point, crash, seed);
	bed_run(&life->bed, judge_body);
	bed_kill(&life->bed);
	memory_world_destroy(life->bed.world);
}

static void judge_recovery(struct life *life, struct memory_trace *trace, uint64_t point,
			   const struct memory_crash *crash, uint64_t seed, uint32_t depth);

/* States of one trace of a recovery, all or some. */
static void
judge_recovered(struct life *life, struct memory_trace *trace, uint64_t seed, uint32_t depth)
{
	uint64_t number = 0, stride = 1;

	for (uint64_t pass = 0; pass < 2; pass++) {
		number = 0;
		for (uint64_t point = 0; point <= memory_trace_position(trace); point++) {
			uint32_t pending;

			if (!memory_trace_deepest(trace, point))
				continue;
			pending = memory_trace_pending(trace, point);
			for (uint64_t n = 0; n < memory_crash_count(pending, 1); n++, number++) {
				struct memory_crash crash = memory_crash_state(pending, 1, n);

				if (pass == 0 || number % stride != seed % stride ||
				    (life->run->nested > 0 && seconds() > life->run->until))
					continue;
				judge_state(life, trace, point, &crash, seed + number);
				life->run->nested++;
				if (depth > 1 && number % 16 == 0)
					judge_recovery(life, trace, point, &crash, seed + number,
						       depth - 1);
			}
		}
		/* The first pass only counts. */
		if (!is_long() && number > NESTED_STATES)
			stride = number / NESTED_STATES;
	}
}

/* Power fails again while a state is being recovered; then another time, when depth says so. */
static void
judge_recovery(struct life *life, struct memory_trace *trace, uint64_t point,
	       const struct memory_crash *crash, uint64_t seed, uint32_t depth)
{
	struct memory_trace *recovery;

	restore(life, trace, point, crash, seed);
	CHECK_EQUAL(memory_trace_start(life->bed.world, "node", &recovery), 0);
	CHECK_EQUAL(bed_run(&life->bed, recover_body), 0);
	memory_trace_stop(recovery);
	bed_kill(&life->bed);
	memory_world_destroy(life->bed.world);
	life->again = true;
	life->settle = false;
	judge_recovered(life, recovery, seed, depth);
	memory_trace_free(recovery);
}

static void
judge_one(struct run *run, uint64_t point, const struct memory_crash *crash, uint64_t number,
	  bool nested)
{
	struct life life = {.run = run, .settle = number % SETTLE_EACH == 0};

	for (uint32_t i = 1; i <= run->kind->steps; i++)
		if (run->positions[i] <= point)
			life.least = i;
	judge_state(&life, run->trace, point, crash, number + 1);
	if (nested) {
		judge_recovery(&life, run->trace, point, crash, number + 1, is_long() ? 2 : 1);
		return;
	}
	run->judged++;
	run->settled += life.settle;
}

/* ------------------------------------------------ all states */

/* Something of everything is judged, whatever the time; in a long run all, but for recoveries. */
static bool
is_over(const struct run *run, bool nested)
{
	if (is_long() && !nested)
		return false;
	return seconds() > run->until && (nested ? run->nested > 0 : run->judged > 0);
}

/* Takes every STRIDE-th; nested: with power cuts in their recoveries. */
static void
judge_pass(struct run *run, uint64_t offset, bool nested)
{
	uint64_t number = 0;

	for (uint64_t point = 0; point <= memory_trace_position(run->trace); point++) {
		uint32_t pending;

		if (!memory_trace_deepest(run->trace, point))
			continue;
		pending = memory_trace_pending(run->trace, point);
		for (uint64_t n = 0; n < memory_crash_count(pending, 2); n++, number++) {
			struct memory_crash crash = memory_crash_state(pending, 2, n);

			if (number % STRIDE != offset || is_over(run, nested))
				continue;
			judge_one(run, point, &crash, number, nested);
		}
	}
	run->all = number;
}

static void
judge_kind(struct run *run)
{
	for (uint64_t pass = 0; pass < 2 * STRIDE; pass++)
		judge_pass(run, pass * 5 % STRIDE, pass >= STRIDE);
	printf("%-42s%-10s %5llu of %5llu states, %4llu in recoveries, %4llu emptied\n",
	       run->kind->name, run->loaded ? ", loaded" : "", (unsigned long long)run->judged,
	       (unsigned long long)run->all, (unsigned long long)run->nested,
	       (unsigned long long)run->settled);
	CHECK(run->judged > 0 && run->nested > 0);
	memory_trace_free(run->trace);
}

void
judge_kinds(const struct crash_kind *kinds, uint32_t count, double part)
{
	static struct run run;
	double start = seconds(), all = budget() * part;

	for (uint32_t i = 0; i < 2 * count; i++) {
		record(&run, &kinds[i / 2], i % 2);
		/* What a kind leaves of its share is the next ones'. */
		run.until = start + all * (i + 1) / (2 * count);
		judge_kind(&run);
	}
}
