/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Hybrid logical clock of a process, and the wall time of its stamps. */
#include <stdatomic.h>

#include <gurt/common.h>

/* 2021-01-01 00:00:00 UTC, where the clock starts. */
#define HLC_START_SECONDS 1609459200LL
/* The lower bits count events within one tick of the physical part. */
#define HLC_LOGICAL_MASK ((1ULL << 18) - 1)
/* A stamp is in units of 1/16 ns. */
#define HLC_UNITS_PER_NS 16

static uint64_t
physical_now(void)
{
	struct timespec t;
	uint64_t ns;

	clock_gettime(CLOCK_REALTIME, &t);
	ns = (uint64_t)(t.tv_sec - HLC_START_SECONDS) * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
	return (ns * HLC_UNITS_PER_NS) & ~HLC_LOGICAL_MASK;
}

uint64_t
d_hlc_get(void)
{
	static _Atomic uint64_t newest;
	uint64_t last = atomic_load(&newest), next;

	do {
		uint64_t now = physical_now();

		next = now > last ? now : last + 1;
	} while (!atomic_compare_exchange_weak(&newest, &last, next));
	return next;
}

int
d_hlc2timespec(uint64_t hlc, struct timespec *ts)
{
	uint64_t ns = (hlc & ~HLC_LOGICAL_MASK) / HLC_UNITS_PER_NS;

	if (ts == NULL)
		return -DER_INVAL;
	ts->tv_sec = (time_t)(ns / NSEC_PER_SEC + HLC_START_SECONDS);
	ts->tv_nsec = (long)(ns % NSEC_PER_SEC);
	return 0;
}
