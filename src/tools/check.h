/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Looking closely, for both programs. */
#pragma once

#include "tools/output.h"

/* `pool query-targets` of either program. */
int run_pool_query_targets(struct call *call);
extern const struct option_row target_options[];
