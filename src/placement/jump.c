/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Jump points from the top down. Octave m holds the numbers from 2^m to 2^(m+1) - 1; it is empty
 * with probability 1/2, its last jump point is uniform, and the one before a point is uniform below
 * it. Source of the idea: Ertl, "JumpBackHash: Say Goodbye to the Modulo Operation to Distribute
 * Keys Uniformly to Buckets", 2024; made anew.
 */
#include "placement/private.h"

uint32_t
placement_jump_point(uint64_t key, uint32_t low, uint32_t high)
{
	uint64_t octaves;

	if (high <= low)
		return 0;
	octaves = mix64(key) & ((2ull << (31 - __builtin_clz(high))) - 1);
	for (; octaves > 0;) {
		uint32_t octave = 63 - (uint32_t)__builtin_clzll(octaves);
		uint64_t start = 1ull << octave;
		uint64_t state = key_derive(key, octave + 1);
		uint64_t point = start | (state & (start - 1));

		if (2 * start <= low)
			return 0;
		/* Draws that are not below the last point are not below high either. */
		while (point >= high) {
			state = mix64(state + UINT64_C(0x9e3779b97f4a7c15));
			point = state & (2 * start - 1);
		}
		if (point >= start)
			return point >= low ? (uint32_t)point : 0;
		octaves ^= start;
	}
	return 0;
}

const struct step *
placement_step_at(const struct step *steps, uint32_t count, uint32_t version)
{
	uint32_t low = 0, high = count;

	/* Steps from high on are later, those below low are not. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (steps[middle].version <= version)
			low = middle + 1;
		else
			high = middle;
	}
	return &steps[low > 0 ? low - 1 : 0];
}
