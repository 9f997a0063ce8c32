/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Hybrid logical clock. A stamp counts 1/16 ns since 2021-01-01 UTC; its low 18 bits are logical,
 * the upper 46 physical (a tick of about 16.4 us). One clock serves all loops of an engine: it is
 * the one lock-free shared word.
 */
#pragma once

#include <stdatomic.h>

#include "base/compiler.h"

#define HLC_LOGICAL_BITS 18
#define HLC_LOGICAL_MASK ((UINT64_C(1) << HLC_LOGICAL_BITS) - 1)
/* The lowest bits of the logical part are never drawn: a transaction orders with them what it does
 * to one thing. */
#define HLC_MINOR_BITS 8
#define HLC_MINOR_MASK ((UINT64_C(1) << HLC_MINOR_BITS) - 1)
/* 2021-01-01T00:00:00Z in nanoseconds since 1970. */
#define HLC_START_NS (UINT64_C(1609459200) * 1000000000)
/* How far a stamp of somebody else may lie ahead of our own physical clock. */
#define HLC_EPSILON_NS UINT64_C(1000000000)

/* Below a limit stamps follow the physical clock until this distance from it, and are counted from
 * there on: 2^16 stamps, of about 1 ms. */
#define HLC_LIMIT_RESERVE (UINT64_C(1) << 24)

struct hlc {
	_Atomic uint64_t latest; /* drawn or observed */
	_Atomic uint64_t limit;	 /* no stamp above it is drawn; UINT64_MAX: none */
};

/* Starts at floor (a persisted ceiling, or 0), without a limit. */
void hlc_init(struct hlc *hlc, uint64_t floor);

/*
 * From now on no stamp above limit is drawn. A limit that is raised may be seen late by other
 * threads, which then draw smaller stamps; before it is lowered nobody draws any more.
 */
void hlc_set_limit(struct hlc *hlc, uint64_t limit);

/* The stamp of a point in real time, nanoseconds since 1970, logical part 0. */
uint64_t hlc_from_realtime(uint64_t realtime_ns);

/* Nanoseconds since 1970 of a stamp. */
uint64_t hlc_to_realtime(uint64_t stamp);

/* A new stamp, greater than all drawn or observed before, and not above the limit, its minor bits
 * 0; 0 when there is none: the limit must be raised first. */
uint64_t hlc_now(struct hlc *hlc, uint64_t realtime_ns);

/*
 * A stamp that tells others the time: a new one, or the limit when there is none. Not smaller than
 * any drawn before; not for what must differ, as the limit is given to many.
 */
uint64_t hlc_time(struct hlc *hlc, uint64_t realtime_ns);

/* Takes note of a stamp of somebody else, which may lie above the limit: then none is drawn before
 * that is raised. -DER_HLC_SYNC when it lies more than epsilon ahead of
 * realtime_ns. */
MUST_USE int hlc_observe(struct hlc *hlc, uint64_t realtime_ns, uint64_t stamp);

/* The latest stamp drawn or observed. */
uint64_t hlc_latest(const struct hlc *hlc);
