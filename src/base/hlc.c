/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Hybrid logical clock: Kulkarni, Demirbas et al., "Logical Physical Clocks", 2014. */
#include "base/base.h"

void
hlc_init(struct hlc *hlc, uint64_t floor)
{
	atomic_init(&hlc->latest, floor);
	atomic_init(&hlc->limit, UINT64_MAX);
}

void
hlc_set_limit(struct hlc *hlc, uint64_t limit)
{
	atomic_store_explicit(&hlc->limit, limit, memory_order_release);
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

/* The first stamp that may be drawn at or after this one, which may be somebody else's; 0 where
 * there is none. */
static uint64_t
stamp_at_least(uint64_t stamp)
{
	return (stamp + HLC_MINOR_MASK) & ~HLC_MINOR_MASK;
}

uint64_t
hlc_now(struct hlc *hlc, uint64_t realtime_ns)
{
	/* An older limit than the newest is a smaller one. */
	uint64_t limit = atomic_load_explicit(&hlc->limit, memory_order_relaxed);
	uint64_t counted = limit > HLC_LIMIT_RESERVE ? limit - HLC_LIMIT_RESERVE : 0;
	uint64_t physical = min_of(hlc_from_realtime(realtime_ns), counted);
	uint64_t latest = atomic_load_explicit(&hlc->latest, memory_order_relaxed);
	uint64_t next;

	do {
		next = stamp_at_least(physical > latest ? physical : latest + 1);
		if (UNLIKELY(next > limit || next == 0))
			return 0;
	} while (!atomic_compare_exchange_weak(&hlc->latest, &latest, next));
	return next;
}

uint64_t
hlc_time(struct hlc *hlc, uint64_t realtime_ns)
{
	uint64_t stamp = hlc_now(hlc, realtime_ns);

	if (LIKELY(stamp != 0))
		return stamp;
	REACHED("base: the clock stands at its limit");
	return atomic_load_explicit(&hlc->limit, memory_order_relaxed);
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
