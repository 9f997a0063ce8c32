/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* XXH64 and jump consistent hash. */
#include "base/base.h"

#define PRIME_1 0x9e3779b185ebca87ull
#define PRIME_2 0xc2b2ae3d27d4eb4full
#define PRIME_3 0x165667b19e3779f9ull
#define PRIME_4 0x85ebca77c2b2ae63ull
#define PRIME_5 0x27d4eb2f165667c5ull

static uint64_t
rotate_left(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static uint64_t
lane_round(uint64_t lane, uint64_t input)
{
	return rotate_left(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t
lane_merge(uint64_t sum, uint64_t lane)
{
	return (sum ^ lane_round(0, lane)) * PRIME_1 + PRIME_4;
}

/* The sum of all whole stripes of 32 bytes; *position moves behind them. */
static uint64_t
hash_stripes(const uint8_t **position, size_t length, uint64_t seed)
{
	uint64_t lanes[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
	const uint8_t *from = *position;
	uint64_t sum;

	for (; length >= 32; length -= 32, from += 32)
		for (int i = 0; i < 4; i++)
			lanes[i] = lane_round(lanes[i], load_u64(from + 8 * i));
	sum = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) + rotate_left(lanes[2], 12) +
	      rotate_left(lanes[3], 18);
	for (int i = 0; i < 4; i++)
		sum = lane_merge(sum, lanes[i]);
	*position = from;
	return sum;
}

uint64_t
hash64(const void *data, size_t length, uint64_t seed)
{
	const uint8_t *from = data;
	uint64_t sum = length >= 32 ? hash_stripes(&from, length, seed) : seed + PRIME_5;
	size_t left = length % 32;

	sum += length;
	for (; left >= 8; left -= 8, from += 8)
		sum = rotate_left(sum ^ lane_round(0, load_u64(from)), 27) * PRIME_1 + PRIME_4;
	for (; left >= 4; left -= 4, from += 4)
		sum = rotate_left(sum ^ load_u32(from) * PRIME_1, 23) * PRIME_2 + PRIME_3;
	for (; left > 0; left--, from++)
		sum = rotate_left(sum ^ *from * PRIME_5, 11) * PRIME_1;
	sum = (sum ^ sum >> 33) * PRIME_2;
	sum = (sum ^ sum >> 29) * PRIME_3;
	return sum ^ sum >> 32;
}

uint64_t
hash_text(const char *text)
{
	return hash64(text, strlen(text), 0);
}

uint32_t
jump_hash(uint64_t key, uint32_t buckets)
{
	uint64_t bucket = 0;
	uint64_t next = 0;

	ASSERT(buckets > 0);
	while (next < buckets) {
		bucket = next;
		key = key * 2862933555777941757ull + 1;
		next = (uint64_t)((double)(bucket + 1) * (double)(1ull << 31) /
				  (double)((key >> 33) + 1));
	}
	return (uint32_t)bucket;
}
