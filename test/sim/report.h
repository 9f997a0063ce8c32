/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a run tells. It lies in memory shared with the process that started the run, so that a run
 * that dies still tells how far it came.
 */
#pragma once

#include <stdio.h>

#include "env/memory/memory.h"
#include "sim/plan.h"

/* The exit codes of the simulator. */
enum verdict {
	VERDICT_PASS,
	VERDICT_SAFETY,	     /* something acknowledged was lost, or wrong data returned */
	VERDICT_LIVENESS,    /* it does not come to an end although everything has healed */
	VERDICT_DETERMINISM, /* the same plan ran differently */
	VERDICT_CRASH,	     /* an assertion, a signal, a sanitizer */
	VERDICT_BUDGET,	     /* more CPU time than it may take */
	VERDICT_UNDECIDED,   /* a checker gave up */
	VERDICT_USAGE = 64,
};

const char *verdict_name(enum verdict verdict);

#define REPORT_OPERATIONS 160u
#define REPORT_MARKS 320u
#define REPORT_SECONDS 4096u
#define OUTCOMES 3u

struct operation_count {
	char name[40];		     /* "values.update" */
	uint64_t outcomes[OUTCOMES]; /* by enum outcome */
};

struct mark_count {
	char name[72];
	uint64_t fired;
	bool fault; /* a fault point, not a rare path */
};

struct report {
	uint64_t seed;
	enum verdict verdict;
	bool decided; /* verdict is the run's own; false: it died before */
	char explanation[4096];
	uint64_t simulated_ns, events, cpu_ns;
	uint64_t trace;
	uint64_t plan_hash;
	uint64_t struck[FAULT_CLASSES];	      /* faults of the plan that were applied */
	uint64_t strikes[MEMORY_FAULT_COUNT]; /* what the world did by itself because of them */
	uint64_t crashes;		      /* of engines: processes and power */
	uint64_t checks;		      /* judgements passed */
	uint32_t operation_count;
	struct operation_count operations[REPORT_OPERATIONS];
	uint32_t mark_count;
	struct mark_count marks[REPORT_MARKS];
	uint32_t seconds;
	uint64_t trace_at[REPORT_SECONDS]; /* at the end of each simulated second */
};

/* Adds what another run did: for the sums of a campaign. */
void report_add(struct report *sum, const struct report *report);

uint64_t report_outcomes(const struct report *report, uint32_t outcome);

/* One JSON object on one line. */
void report_print(const struct report *report, const char *commit, FILE *file);
