/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pools as `dmg pool` and `daos pool` show them. */
#pragma once

#include "tools/output.h"

/* Runs `pool list` and `pool query` of either program. */
int run_pool_list(struct call *call);
int run_pool_query(struct call *call);

extern const struct option_row pool_list_options[];
extern const struct option_row pool_query_options[];
