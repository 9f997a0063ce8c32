/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The seeded bugs: known errors that the simulator must be able to find, each with a run that does.
 */
#pragma once

#include <stdint.h>

struct seeded_bug {
	uint32_t number; /* of BUG() in the source */
	const char *name;
	const char *expects; /* what it breaks, and which workload sees it */
	uint64_t seed;	     /* of a run that finds it */
	const char *options; /* of that run, as on the command line */
};

extern const struct seeded_bug seeded_bugs[];
extern const uint32_t seeded_bug_count;
