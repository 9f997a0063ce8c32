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
/* 2021-01-01T00:00:00Z in nanoseconds since 1970. */
#define HLC_START_NS (UINT64_C(1609459200) * 1000000000)
/* How far a stamp of somebody else may lie ahead of our own physical clock. */
#define HLC_EPSILON_NS UINT64_C(1000000000)

struct hlc {
	_Atomic uint64_t latest;
};

/* Starts at floor (a persisted ceiling, or 0). */
void hlc_init(struct hlc *hlc, uint64_t floor);

/* The stamp of a point in real time, nanoseconds since 1970, logical part 0. */
uint64_t hlc_from_realtime(uint64_t realtime_ns);

/* Nanoseconds since 1970 of a stamp. */
uint64_t hlc_to_realtime(uint64_t stamp);

/* A new stamp, greater than all drawn or observed before. */
uint64_t hlc_now(struct hlc *hlc, uint64_t realtime_ns);

/* Takes note of a stamp of somebody else; -DER_HLC_SYNC when it lies more than epsilon ahead of
 * realtime_ns. */
MUST_USE int hlc_observe(struct hlc *hlc, uint64_t realtime_ns, uint64_t stamp);

/* The latest stamp drawn or observed. */
uint64_t hlc_latest(const struct hlc *hlc);
