/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A run in a process of its own, so that whatever it does to itself is a verdict. */
#pragma once

#include <sys/types.h>

#include "sim/report.h"

struct child {
	pid_t process;
	struct report *report; /* shared with it */
};

/*
 * Starts a run of plan (copied). variant 0 or 1: the two differ in where memory lies and in what
 * fresh memory holds, and in nothing else.
 */
void child_start(const struct plan *plan, uint32_t variant, const struct run_options *options,
		 struct child *ret_child);

/* Waits for it; the report then has its verdict. Free by child_free(). */
void child_wait(struct child *child);
/* As child_wait(), for a process that waitpid() has reported with status. */
void child_ended(struct child *child, int status);
void child_free(struct child *child);

/* Runs plan, and with twice a second time in the other variant: where they differ the verdict is
 * VERDICT_DETERMINISM. *ret_report is copied. */
void run_plan(const struct plan *plan, bool twice, const struct run_options *options,
	      struct report *ret_report);
