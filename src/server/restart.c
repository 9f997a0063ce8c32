/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The rule of restarts. */
#include <string.h>

#include "server/restart.h"

/* Forgets deaths that left the window. */
static void
forget_old(struct restart_history *history, uint64_t now)
{
	uint32_t old = 0;

	while (old < history->count && now - history->deaths[old] > RESTART_WINDOW_NS)
		old++;
	memmove(history->deaths, history->deaths + old,
		(history->count - old) * sizeof(history->deaths[0]));
	history->count -= old;
}

bool
restart_after_death(struct restart_history *history, uint64_t now, uint64_t least_ns,
		    uint64_t *ret_delay_ns)
{
	uint64_t delay = 0;

	forget_old(history, now);
	if (history->count == RESTART_LIMIT)
		return false;
	if (history->count > 0) {
		delay = RESTART_DELAY_NS << (history->count - 1);
		delay = min_of(delay, RESTART_DELAY_MAX_NS);
		delay = max_of(delay, least_ns);
	}
	history->deaths[history->count++] = now;
	*ret_delay_ns = delay;
	return true;
}
