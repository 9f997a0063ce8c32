/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pools as `dmg pool` and `daos pool` show them. */
#pragma once

#include "tools/output.h"

/* Connects for reading, as the program does: dmg is asked by administrators, whatever access lists
 * say. info may be NULL. A negative DAOS code. */
int connect_pool(const struct call *call, const char *name, daos_pool_info_t *info,
		 daos_handle_t *ret_pool);

/* Runs `pool list` and `pool query` of either program. */
int run_pool_list(struct call *call);
int run_pool_query(struct call *call);

extern const struct option_row pool_list_options[];
extern const struct option_row pool_query_options[];
