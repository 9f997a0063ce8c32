/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The command line. */
#pragma once

#include "sim/plan.h"

enum action { ACTION_SEED, ACTION_CAMPAIGN, ACTION_REPLAY, ACTION_BUGS, ACTION_HUNT, ACTION_HELP };

struct options {
	enum action action;
	struct plan_options plan;
	uint64_t seed;
	const char *replay; /* scenario file */
	uint64_t seconds;   /* of a campaign or hunt */
	uint64_t seeds;	    /* of a campaign, at most */
	uint32_t jobs;
	uint64_t cpu_limit;  /* ns of one run */
	uint64_t trace_from; /* simulated ns; UINT64_MAX: never */
	uint64_t stop_at;    /* event */
	bool until_fail;
	bool twice;
	bool shrink;
	bool print; /* the plan, and nothing else */
	const char *commit;
};

extern const char options_usage[];

/* Reads count words over the defaults. -DER_INVAL with the reason in error_text(). */
MUST_USE int options_read(int count, char *const *words, struct options *ret_options);

/* Reads words separated by spaces over *options, as a row of the table of seeded bugs has them. */
MUST_USE int options_read_text(const char *text, struct options *options);
