/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* From a plan that fails to the smallest that still does. */
#pragma once

#include "sim/options.h"
#include "sim/report.h"

/*
 * Leaves out what the failure does not need, as long as time allows (--seconds, 120 at first), and
 * writes the scenario to ./shrunk-<seed>. A smaller plan must end with the same verdict.
 */
void shrink(const struct plan *plan, enum verdict verdict, const struct options *options);
