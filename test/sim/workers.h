/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A bounded number of runs at the same time. */
#pragma once

#include "sim/report.h"

struct task {
	const struct plan *plan; /* copied when it is started */
	bool twice;
	uint64_t number; /* the caller's */
};

struct workers;

/* options is copied. */
struct workers *workers_create(uint32_t jobs, const struct run_options *options);
/* All tasks must have been taken. */
void workers_destroy(struct workers *workers);
bool workers_full(const struct workers *workers);
bool workers_empty(const struct workers *workers);
void workers_start(struct workers *workers, const struct task *task);
/* Waits for the next run that ends. */
void workers_take(struct workers *workers, uint64_t *ret_number, struct report *ret_report);
