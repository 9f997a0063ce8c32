/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* When an engine that died is started again. Pure. */
#pragma once

#include "base/base.h"

/* At most so many restarts within so long; then daos_server gives up and says so. */
#define RESTART_LIMIT 10u
#define RESTART_WINDOW_NS (UINT64_C(60) * 1000000000)
/* The first restart comes at once, the second after this, each further one after twice as long. */
#define RESTART_DELAY_NS (UINT64_C(100) * 1000000)
#define RESTART_DELAY_MAX_NS (UINT64_C(10) * 1000000000)

/* The latest deaths, oldest first. */
struct restart_history {
	uint64_t deaths[RESTART_LIMIT]; /* monotonic, nanoseconds */
	uint32_t count;
};

/*
 * Notes a death at now (monotonic nanoseconds) and says how long to wait before the restart, at
 * least least_ns unless it is the first. False: too many, give up.
 */
bool restart_after_death(struct restart_history *history, uint64_t now, uint64_t least_ns,
			 uint64_t *ret_delay_ns);
