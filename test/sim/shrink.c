/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Shrinking: greedy, in this order: whole parts (workloads, nodes, operations, time), then faults
 * and fault points by delta debugging (halves, quarters, ... single lines; Zeller and Hildebrandt,
 * "Simplifying and Isolating Failure-Inducing Input", 2002). What a plan leaves out changes nothing
 * of what the rest draws, but it does change the schedule: a smaller plan may fail by another way
 * to the same verdict, which is as good.
 */
#include "sim/shrink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/child.h"
#include "sim/memory.h"

#define TIME_USUAL 120u /* s */

struct shrinker {
	struct plan best;
	struct plan candidate;
	enum verdict verdict;
	struct run_options run;
	struct report *report;
	time_t until;
	uint32_t runs;
};

static bool
time_left(const struct shrinker *shrinker)
{
	return time(NULL) < shrinker->until;
}

/* Keeps the candidate when it fails as the whole plan did. */
static bool
try(struct shrinker *shrinker)
{
	if (!time_left(shrinker))
		return false;
	shrinker->runs++;
	run_plan(&shrinker->candidate, shrinker->verdict == VERDICT_DETERMINISM, &shrinker->run,
		 shrinker->report);
	if (shrinker->report->verdict != shrinker->verdict)
		return false;
	shrinker->best = shrinker->candidate;
	return true;
}

/* ------------------------------------------------ numbers */

static bool
try_knob(struct shrinker *shrinker, enum knob knob, uint64_t value)
{
	if (shrinker->best.knobs[knob] == value)
		return false;
	shrinker->candidate = shrinker->best;
	shrinker->candidate.knobs[knob] = value;
	return try(shrinker);
}

static void
shrink_bits(struct shrinker *shrinker, enum knob knob)
{
	for (uint32_t bit = 0; bit < 32; bit++) {
		uint64_t bits = shrinker->best.knobs[knob];
		uint64_t without = bits & ~(UINT64_C(1) << bit);

		if (without != bits && without != 0)
			(void)try_knob(shrinker, knob, without);
	}
}

/* Halves it down to low, then takes single steps. */
static void
shrink_number(struct shrinker *shrinker, enum knob knob, uint64_t low)
{
	while (shrinker->best.knobs[knob] > low &&
	       try_knob(shrinker, knob, max_of(low, shrinker->best.knobs[knob] / 2)))
		;
	for (uint32_t i = 0; i < 3 && shrinker->best.knobs[knob] > low; i++) {
		uint64_t value = shrinker->best.knobs[knob];

		if (!try_knob(shrinker, knob, value - max_of(value / 8, (uint64_t)1)))
			break;
	}
}

/* ------------------------------------------------ lines */

/* Leaves out lines [first, first + count) of an array in the candidate. */
static void
cut(void *lines, uint32_t *length, size_t size, uint32_t first, uint32_t count)
{
	uint8_t *bytes = lines;

	memmove(bytes + first * size, bytes + (first + count) * size,
		(*length - first - count) * size);
	*length -= count;
}

static void
candidate_cut(struct shrinker *shrinker, bool points, uint32_t first, uint32_t count)
{
	struct plan *plan = &shrinker->candidate;

	*plan = shrinker->best;
	if (points)
		cut(plan->armed, &plan->armed_count, sizeof(plan->armed[0]), first, count);
	else
		cut(plan->faults, &plan->fault_count, sizeof(plan->faults[0]), first, count);
}

static uint32_t
line_count(const struct plan *plan, bool points)
{
	return points ? plan->armed_count : plan->fault_count;
}

static void
shrink_lines(struct shrinker *shrinker, bool points)
{
	uint32_t size = line_count(&shrinker->best, points);

	for (; size > 0; size /= 2) {
		uint32_t first = 0;

		while (first < line_count(&shrinker->best, points)) {
			uint32_t left = line_count(&shrinker->best, points) - first;

			candidate_cut(shrinker, points, first, min_of(size, left));
			if (!try(shrinker))
				first += size;
		}
	}
}

/* ------------------------------------------------ the whole */

static void
write_scenario(const struct shrinker *shrinker)
{
	char name[64];
	FILE *file;

	snprintf(name, sizeof(name), "shrunk-%" PRIu64, shrinker->best.seed);
	file = fopen(name, "w");
	if (file == NULL) {
		fprintf(stderr, "sim: %s: %s\n", name, strerror(errno));
		return;
	}
	plan_print(&shrinker->best, file);
	fclose(file);
	fprintf(stderr, "shrunk in %u runs to %u faults and %u fault points; see %s\n",
		shrinker->runs, shrinker->best.fault_count, shrinker->best.armed_count, name);
}

void
shrink(const struct plan *plan, enum verdict verdict, const struct options *options)
{
	struct shrinker *shrinker = sim_take(sizeof(*shrinker));
	uint64_t seconds = options->seconds == UINT64_MAX ? TIME_USUAL : options->seconds;

	shrinker->best = *plan;
	shrinker->verdict = verdict;
	shrinker->run = (struct run_options){.cpu_limit = options->cpu_limit,
					     .trace_from = UINT64_MAX,
					     .stop_at = UINT64_MAX,
					     .quiet = true};
	shrinker->report = sim_take(sizeof(*shrinker->report));
	shrinker->until = time(NULL) + (time_t)seconds;
	shrink_bits(shrinker, KNOB_WORKLOADS);
	shrink_number(shrinker, KNOB_OPERATIONS, 1);
	shrink_lines(shrinker, false);
	shrink_lines(shrinker, true);
	shrink_number(shrinker, KNOB_SERVERS, 1);
	shrink_number(shrinker, KNOB_CLIENTS, 1);
	shrink_number(shrinker, KNOB_ACTORS, 1);
	shrink_number(shrinker, KNOB_SECONDS, 1);
	shrink_bits(shrinker, KNOB_OPERATION_MASK);
	shrink_number(shrinker, KNOB_OPERATIONS, 1);
	shrink_lines(shrinker, false);
	write_scenario(shrinker);
	free(shrinker->report);
	free(shrinker);
}
