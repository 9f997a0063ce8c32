/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See row.h. */
#include "row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t
cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The least values of the first and the second half of the rounds. */
struct samples {
	double least[2];
};

static double
samples_least(const struct samples *samples)
{
	return fmin(samples->least[0], samples->least[1]);
}

static bool
samples_steady(const struct samples *samples)
{
	return fmax(samples->least[0], samples->least[1]) <= samples_least(samples) * 1.15;
}

static void
samples_take(struct samples *samples, uint32_t round, const struct side *side)
{
	double value = side->run(side->argument);
	double *least = &samples->least[round >= ROUNDS / 2];

	*least = round % (ROUNDS / 2) == 0 ? value : fmin(*least, value);
}

static void
print_number(const char *name, double value)
{
	if (isnan(value))
		printf("\"%s\":null,", name);
	else
		printf("\"%s\":%.6g,", name, value);
}

static void
print_row(const char *metric, const char *unit, double ours, double denominator, double goal,
	  const char *met)
{
	int digits = (int)strspn(metric, "0123456789");
	const char *text = metric;

	if (digits > 0 && metric[digits] == ' ')
		text += digits + 1;
	else
		digits = 0;
	printf("{\"metric\":\"%s\",\"row\":\"%.*s\",\"unit\":\"%s\",", text, digits, metric, unit);
	print_number("ours", ours);
	print_number("denominator", denominator);
	print_number("ratio", ours / denominator);
	print_number("goal", goal);
	printf("\"met\":%s}\n", met);
	fflush(stdout);
}

static const char *
judge(double value, enum direction direction, double goal)
{
	if (isnan(goal))
		return "null";
	return (direction == AT_MOST ? value <= goal : value >= goal) ? "true" : "false";
}

void
row_computed(const char *metric, const char *unit, double ours, double denominator,
	     enum direction direction, double goal)
{
	double value = isnan(denominator) ? ours : ours / denominator;

	print_row(metric, unit, ours, denominator, goal, judge(value, direction, goal));
}

void
row_measure(const char *metric, const char *unit, const struct side *ours,
	    const struct side *denominator, enum direction direction, double goal)
{
	struct samples our_samples = {0}, other_samples = {0};

	for (uint32_t round = 0; round < ROUNDS; round++) {
		if (denominator->run)
			samples_take(&other_samples, round, denominator);
		samples_take(&our_samples, round, ours);
	}
	if (denominator->run && !samples_steady(&other_samples))
		print_row(metric, unit, samples_least(&our_samples), samples_least(&other_samples),
			  goal, "\"void\"");
	else
		row_computed(metric, unit, samples_least(&our_samples),
			     denominator->run ? samples_least(&other_samples) : NAN, direction,
			     goal);
}

void
row_without(const char *metric, const char *unit, const struct side *ours, const char *why)
{
	struct samples samples = {0};
	char met[160];

	for (uint32_t round = 0; round < ROUNDS; round++)
		samples_take(&samples, round, ours);
	snprintf(met, sizeof(met), "\"%s\"", why);
	print_row(metric, unit, samples_least(&samples), NAN, NAN, met);
}
