/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Many runs at the same time, each in a process of its own. */
#pragma once

#include "sim/bugs.h"
#include "sim/options.h"
#include "sim/report.h"

/* Fresh seeds until the time or their number is used up. Prints what failed, then the sums as a
 * table and as a line of JSON. Returns the exit code: the first failure's. */
int campaign_run(const struct options *options);

/* Every seeded bug must be found by its stored seed. */
int bugs_run(const struct options *options);

/* Looks for each seeded bug with fresh seeds; prints the CPU time until it was found. */
int bugs_hunt(const struct options *options);
