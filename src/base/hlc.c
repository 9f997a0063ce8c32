/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Hybrid logical clock: Kulkarni, Demirbas et al., "Logical Physical Clocks", 2014. */
#include "base/base.h"

void
hlc_init(struct hlc *hlc, uint64_t floor)
{
	atomic_init(&hlc->latest, floor);
}

uint64_t
hlc_from_realtime(uint64_t realtime_ns)
{
	uint64_t since = realtime_ns > HLC_START_NS ? realtime_ns - HLC_START_NS : 0;

	return (since << 4) & ~HLC_LOGICAL_MASK;
}

uint64_t
hlc_to_realtime(uint64_t stamp)
{
	return (stamp >> 4) + HLC_START_NS;
}

uint64_t
hlc_now(struct hlc *hlc, uint64_t realtime_ns)
{
	uint64_t physical = hlc_from_realtime(realtime_ns);
	uint64_t latest = atomic_load_explicit(&hlc->latest, memory_order_relaxed);
	uint64_t next;

	do {
		next = physical > latest ? physical : latest + 1;
	} while (!atomic_compare_exchange_weak(&hlc->latest, &latest, next));
	return next;
}

int
hlc_observe(struct hlc *hlc, uint64_t realtime_ns, uint64_t stamp)
{
	uint64_t latest = atomic_load_explicit(&hlc->latest, memory_order_relaxed);

	if (stamp > hlc_from_realtime(realtime_ns + HLC_EPSILON_NS) + HLC_LOGICAL_MASK)
		return -DER_HLC_SYNC;
	while (stamp > latest && !atomic_compare_exchange_weak(&hlc->latest, &latest, stamp))
		;
	return 0;
}

uint64_t
hlc_latest(const struct hlc *hlc)
{
	return atomic_load_explicit(&hlc->latest, memory_order_relaxed);
}
