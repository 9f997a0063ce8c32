/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Keeps one daos_engine running: starts it, waits until it serves, starts it again when it dies,
 * and ends it.
 */
#pragma once

#include "server/restart.h"

/* How long an engine may take to stop before it is killed, which loses nothing. */
#define STOP_TIMEOUT_NS (UINT64_C(1500) * 1000000)

struct supervisor_options {
	char *const *arguments; /* of daos_engine, NULL at the end; the program first */
	bool restart;		/* when it dies */
	uint64_t least_delay_ns;
	/* Called when the engine serves, for the first time or again; addresses as it printed them.
	 */
	void (*ready)(void *argument, int pid, const char *addresses, bool again);
	/* Called for what is worth a line in the log. */
	void (*note)(void *argument, const char *text);
	void *argument;
};

/*
 * Runs until SIGINT or SIGTERM (SERVER_OK), or until the engine ended for good: its own exit
 * status. The caller has blocked these signals; SIGCHLD is blocked here.
 */
int supervisor_run(const struct supervisor_options *options);
