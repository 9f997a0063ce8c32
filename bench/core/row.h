/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Rows of a benchmark of a pure core: ours and its denominator take turns for ROUNDS rounds, the
 * least time of each counts, and a row whose denominator's least values of the two halves of the
 * rounds differ by more than 15 % is void. Each row is one line of JSON on standard output, with
 * the fields of `./run bench`. A metric that begins with a number and a blank carries the number of
 * its row.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ROUNDS 6u

/* CPU time of this process in nanoseconds, user and system. */
uint64_t cpu_now(void);

/* One side of a row: run(argument) works and returns nanoseconds per unit (or another measure). */
struct side {
	double (*run)(void *argument);
	void *argument;
};

enum direction { AT_MOST, AT_LEAST };

/*
 * Measures ours over denominator and prints the row. goal is the limit of the ratio, in direction;
 * NAN: none. denominator->run of NULL: the row has none, and ours itself is compared with goal.
 */
void row_measure(const char *metric, const char *unit, const struct side *ours,
		 const struct side *denominator, enum direction direction, double goal);

/* Prints a row of figures that were computed, not timed: nothing can make them void. */
void row_computed(const char *metric, const char *unit, double ours, double denominator,
		  enum direction direction, double goal);

/* Prints a row whose denominator cannot be had here; why becomes the value of `met`. */
void row_without(const char *metric, const char *unit, const struct side *ours, const char *why);
