/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What may happen to a group, and what must hold then. */
#pragma once

#include "harness.h"

struct scenario {
	const char *name;
	void (*run)(struct world *world);
	uint32_t nodes_min;
	uint32_t nodes_max;
};

extern const struct scenario scenarios[];
extern const uint32_t scenario_count;

/* Runs one with a seed. The violation, or an empty text; steps are added to *steps. */
void scenario_run(const struct scenario *scenario, uint64_t seed, char violation[256],
		  uint64_t *steps);
