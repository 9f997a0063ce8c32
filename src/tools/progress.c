/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The progress bar. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/output.h"
#include "tools/progress.h"

#define BAR 24
#define FIRST_NS UINT64_C(500000000)
#define EACH_NS UINT64_C(100000000)

uint64_t
monotonic_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void
progress_begin(struct progress *progress, bool wanted)
{
	*progress = (struct progress){.shown = wanted && isatty(STDERR_FILENO)};
	progress->started = monotonic_now();
	progress->next = progress->started + FIRST_NS;
}

/* Files count as well as bytes: small ones cost as much as a few KiB. */
static double
done_share(const struct progress *progress, uint64_t files, uint64_t bytes)
{
	const double file_cost = 16384;
	double total = (double)progress->total_bytes + file_cost * (double)progress->total_files;
	double share = ((double)bytes + file_cost * (double)files) / (total > 0 ? total : 1);

	return share < 1 ? share : 1;
}

static void
draw(struct progress *progress, uint64_t files, uint64_t bytes)
{
	double seconds = (double)(monotonic_now() - progress->started) / 1e9;
	double share = done_share(progress, files, bytes);
	char line[256], bar[BAR + 1], size[SIZE_TEXT], rate[SIZE_TEXT], left[32] = "";
	int width;

	for (int i = 0; i < BAR; i++)
		bar[i] = i < (int)(share * BAR) ? '#' : '-';
	bar[BAR] = '\0';
	if (share > 0.01) {
		unsigned seconds_left = (unsigned)(seconds * (1 - share) / share + 0.5);

		snprintf(left, sizeof(left), "  ETA %u:%02u", seconds_left / 60, seconds_left % 60);
	}
	size_decimal((uint64_t)((double)bytes / seconds), rate);
	width = snprintf(line, sizeof(line),
			 "%3.0f%% [%s] %llu/%llu files  %s  %s/s  %.0f files/s%s", share * 100, bar,
			 (unsigned long long)files, (unsigned long long)progress->total_files,
			 size_decimal(bytes, size), rate, (double)files / seconds, left);
	fprintf(stderr, "\r%s%*s", line,
		(int)progress->width > width ? (int)progress->width - width : 0, "");
	fflush(stderr);
	progress->width = (uint32_t)width;
}

void
progress_show(struct progress *progress, uint64_t files, uint64_t bytes)
{
	if (!progress->shown || monotonic_now() < progress->next)
		return;
	draw(progress, files, bytes);
	progress->next = monotonic_now() + EACH_NS;
}

void
progress_end(struct progress *progress)
{
	if (progress->width > 0)
		fprintf(stderr, "\r%*s\r", (int)progress->width, "");
	progress->width = 0;
}
