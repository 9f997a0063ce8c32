/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A bar with rate and remaining time on a terminal, for work that takes long. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;			   /* there is a terminal, and the user wants it */
	uint64_t started, next;		   /* monotonic, nanoseconds */
	uint64_t total_files, total_bytes; /* 0: unknown */
	uint32_t width;			   /* of what was drawn last */
};

uint64_t monotonic_now(void);
void progress_begin(struct progress *progress, bool wanted);
/* Draws at most ten times a second, from half a second on. */
void progress_show(struct progress *progress, uint64_t files, uint64_t bytes);
/* Wipes the bar. */
void progress_end(struct progress *progress);
