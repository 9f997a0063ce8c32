/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Fresh seeds, and what they came to. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/campaign.h"
#include "sim/child.h"
#include "sim/memory.h"
#include "sim/workers.h"
#include "sim/shrink.h"
#include "sim/sim.h"

/* One seed in so many runs twice. */
#define TWICE_ONE_IN 20u

/* One seed in so many, and one more, may be left undecided. */
#define UNDECIDED_ONE_IN 1000u

/* Failures that are told; more are only counted. */
#define TOLD_MAX 20u

struct campaign {
	const struct options *options;
	struct workers *workers;
	struct report sum;
	uint64_t seeds, failures, twice, undecided;
	enum verdict first;
};

static uint64_t
wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static struct run_options
run_options_quiet(const struct options *options)
{
	return (struct run_options){.cpu_limit = options->cpu_limit,
				    .trace_from = UINT64_MAX,
				    .stop_at = options->stop_at,
				    .quiet = true};
}

/* ------------------------------------------------ one seed */

static void
start_seed(struct campaign *campaign, uint64_t seed)
{
	struct plan *plan = sim_take(sizeof(*plan));
	struct task task = {.plan = plan, .number = seed};
	bool twice = campaign->options->twice || mix64(seed) % TWICE_ONE_IN == 0;

	plan_draw(seed, &campaign->options->plan, plan);
	task.twice = twice;
	campaign->twice += twice;
	workers_start(campaign->workers, &task);
	free(plan);
}

static void
tell(const struct campaign *campaign, uint64_t seed, const struct report *report)
{
	if (campaign->failures + campaign->undecided > TOLD_MAX)
		return;
	printf("seed %" PRIu64 ": %s: %s\n", seed, verdict_name(report->verdict),
	       report->explanation);
	printf("  again: build/bin/sim --seed %" PRIu64 " --profile %s\n", seed,
	       profile_name(campaign->options->plan.profile));
	fflush(stdout);
}

static void
take_seed(struct campaign *campaign)
{
	struct report *report = sim_take(sizeof(*report));
	uint64_t seed;

	workers_take(campaign->workers, &seed, report);
	report_add(&campaign->sum, report);
	campaign->seeds++;
	if (report->verdict == VERDICT_UNDECIDED)
		campaign->undecided++;
	else if (report->verdict != VERDICT_PASS)
		campaign->failures++;
	if (report->verdict != VERDICT_PASS)
		tell(campaign, seed, report);
	if (report->verdict != VERDICT_PASS && report->verdict != VERDICT_UNDECIDED &&
	    campaign->first == VERDICT_PASS)
		campaign->first = report->verdict;
	free(report);
}

/* What a checker gave up on is judged by nothing: more than the share of it fails. */
static enum verdict
campaign_verdict(const struct campaign *campaign)
{
	if (campaign->first == VERDICT_PASS &&
	    campaign->undecided > campaign->seeds / UNDECIDED_ONE_IN + 1)
		return VERDICT_UNDECIDED;
	return campaign->first;
}

/* ------------------------------------------------ the table */

static void
print_operations(const struct report *sum)
{
	printf("%-36s %10s %10s %10s\n", "operation", "ok", "failed", "unknown");
	for (uint32_t i = 0; i < sum->operation_count; i++) {
		const struct operation_count *count = &sum->operations[i];

		printf("%-36s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n", count->name,
		       count->outcomes[0], count->outcomes[1], count->outcomes[2]);
	}
	printf("%-36s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n", "all", report_outcomes(sum, 0),
	       report_outcomes(sum, 1), report_outcomes(sum, 2));
}

static void
print_faults(const struct report *sum)
{
	printf("%-36s %10s\n", "fault", "struck");
	for (uint32_t i = 0; i < FAULT_CLASSES; i++)
		printf("%-36s %10" PRIu64 "\n", fault_kind((enum fault_class)i)->name,
		       sum->struck[i]);
}

static void
print_marks(const struct report *sum)
{
	uint32_t never = 0;

	for (uint32_t i = 0; i < sum->mark_count; i++)
		never += sum->marks[i].fired == 0;
	printf("marks: %u reached, %u never", sum->mark_count - never, never);
	for (uint32_t i = 0; i < sum->mark_count; i++) {
		if (sum->marks[i].fired == 0)
			printf("\n  never: %s%s", sum->marks[i].name,
			       sum->marks[i].fault ? " (fault point)" : "");
	}
	printf("\n");
}

static void
print_sums(const struct campaign *campaign)
{
	const struct report *sum = &campaign->sum;
	double simulated = (double)sum->simulated_ns / 1e9, cpu = (double)sum->cpu_ns / 1e9;

	print_operations(sum);
	print_faults(sum);
	print_marks(sum);
	printf("%" PRIu64 " seeds (%" PRIu64 " of them twice), %" PRIu64 " failed, %" PRIu64
	       " undecided; %.2f simulated "
	       "hours, %.0f simulated seconds per second of a core; %" PRIu64
	       " crashes of engines; %" PRIu64 " events\n",
	       campaign->seeds, campaign->twice, campaign->failures, campaign->undecided,
	       simulated / 3600, cpu > 0 ? simulated / cpu : 0, sum->crashes, sum->events);
}

int
campaign_run(const struct options *options)
{
	const struct run_options run = run_options_quiet(options);
	struct campaign *campaign = sim_take(sizeof(*campaign));
	uint64_t begin = wall_now(), next = 0;
	int code;

	campaign->options = options;
	campaign->workers = workers_create(options->jobs, &run);
	for (;;) {
		bool more = next < options->seeds &&
			    (options->seconds == UINT64_MAX ||
			     wall_now() - begin < options->seconds * SECOND) &&
			    !(options->until_fail && campaign->failures > 0);

		if (more && !workers_full(campaign->workers))
			start_seed(campaign, options->seed + next++);
		else if (!workers_empty(campaign->workers))
			take_seed(campaign);
		else
			break;
	}
	workers_destroy(campaign->workers);
	print_sums(campaign);
	campaign->sum.seed = options->seed;
	campaign->sum.verdict = campaign_verdict(campaign);
	report_print(&campaign->sum, options->commit, stdout);
	code = (int)campaign->sum.verdict;
	free(campaign);
	return code;
}

/* ------------------------------------------------ seeded bugs */

/* A plan for the search of a bug, which is armed or not. */
static void
bug_plan(const struct options *options, const struct seeded_bug *bug, uint64_t seed, bool armed,
	 struct plan *ret_plan)
{
	struct options own = *options;
	int rc = options_read_text(bug->options, &own);

	ASSERT(rc == 0);
	own.plan.bug = armed ? bug->number : 0;
	plan_draw(seed, &own.plan, ret_plan);
}

/* A bug is found when the run does not pass, for whatever reason but its own cost. */
static bool
finds(enum verdict verdict)
{
	return verdict == VERDICT_SAFETY || verdict == VERDICT_LIVENESS || verdict == VERDICT_CRASH;
}

/* Each stored seed runs twice: with its bug, which must be found, and without, which must pass. */
int
bugs_run(const struct options *options)
{
	const struct run_options run = run_options_quiet(options);
	struct workers *workers = workers_create(options->jobs, &run);
	struct plan *plan = sim_take(sizeof(*plan));
	struct report *report = sim_take(sizeof(*report));
	uint32_t next = 0, missed = 0;

	while (next < 2 * seeded_bug_count || !workers_empty(workers)) {
		const struct seeded_bug *bug;
		uint64_t index;
		bool armed, good;

		if (next < 2 * seeded_bug_count && !workers_full(workers)) {
			struct task task = {.plan = plan, .number = next};

			bug = &seeded_bugs[next / 2];
			bug_plan(options, bug, bug->seed, next % 2 == 0, plan);
			workers_start(workers, &task);
			next++;
			continue;
		}
		workers_take(workers, &index, report);
		bug = &seeded_bugs[index / 2];
		armed = index % 2 == 0;
		good = armed ? finds(report->verdict) : report->verdict == VERDICT_PASS;
		missed += !good;
		if (armed || !good)
			printf("bug %2u %-56s seed %-5" PRIu64 " %s: %.160s\n", bug->number,
			       bug->name, bug->seed,
			       good    ? "found"
			       : armed ? "MISSED"
				       : "MISSED: it fails without the bug too",
			       report->explanation);
	}
	printf("%u of %u seeded bugs found\n", seeded_bug_count - min_of(missed, seeded_bug_count),
	       seeded_bug_count);
	workers_destroy(workers);
	free(plan);
	free(report);
	return missed ? (int)VERDICT_SAFETY : 0;
}

/* Whether it is the bug that makes the seed fail. */
static bool
is_its_doing(const struct options *options, const struct seeded_bug *bug, uint64_t seed)
{
	const struct run_options run = run_options_quiet(options);
	struct plan *plan = sim_take(sizeof(*plan));
	struct report *report = sim_take(sizeof(*report));
	bool passes;

	bug_plan(options, bug, seed, false, plan);
	run_plan(plan, false, &run, report);
	passes = report->verdict == VERDICT_PASS;
	free(plan);
	free(report);
	return passes;
}

/* Searches for one; false when the time is used up. */
static bool
hunt_one(const struct options *options, const struct seeded_bug *bug, struct report *report,
	 double *ret_cpu)
{
	const struct run_options run = run_options_quiet(options);
	struct workers *workers = workers_create(options->jobs, &run);
	struct plan *plan = sim_take(sizeof(*plan));
	uint64_t next = options->seed, found = UINT64_MAX;
	double cpu = 0;

	while (found == UINT64_MAX || !workers_empty(workers)) {
		uint64_t seed;

		if (found == UINT64_MAX && cpu < (double)options->seconds &&
		    !workers_full(workers)) {
			struct task task = {.plan = plan, .number = next};

			bug_plan(options, bug, next++, true, plan);
			workers_start(workers, &task);
			continue;
		}
		if (workers_empty(workers))
			break;
		workers_take(workers, &seed, report);
		if (found == UINT64_MAX)
			cpu += (double)report->cpu_ns / 1e9;
		if (finds(report->verdict) && seed < found && is_its_doing(options, bug, seed))
			found = seed;
	}
	workers_destroy(workers);
	free(plan);
	*ret_cpu = cpu;
	report->seed = found;
	return found != UINT64_MAX;
}

static int
compare_doubles(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

int
bugs_hunt(const struct options *options)
{
	struct report *report = sim_take(sizeof(*report));
	double *times = sim_take(seeded_bug_count * sizeof(times[0]));
	uint32_t missed = 0;

	for (uint32_t i = 0; i < seeded_bug_count; i++) {
		const struct seeded_bug *bug = &seeded_bugs[i];

		if (options->plan.bug && options->plan.bug != bug->number)
			continue;
		if (hunt_one(options, bug, report, &times[i]))
			printf("bug %2u %-44s found after %7.1f CPU s by seed %" PRIu64 "\n",
			       bug->number, bug->name, times[i], report->seed);
		else
			printf("bug %2u %-44s NOT found in %7.1f CPU s\n", bug->number, bug->name,
			       times[i]);
		missed += report->seed == UINT64_MAX;
		fflush(stdout);
	}
	qsort(times, seeded_bug_count, sizeof(times[0]), compare_doubles);
	printf("%u not found; median %.1f, most %.1f CPU seconds\n", missed,
	       times[seeded_bug_count / 2], times[seeded_bug_count - 1]);
	free(times);
	free(report);
	return missed ? (int)VERDICT_SAFETY : 0;
}
