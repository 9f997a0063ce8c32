/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Sorted arrays of ranks, and permutations. A change of membership moves part of an array; nothing
 * that happens each period does more than index it.
 */
#include "swim/internal.h"

int
ring_reserve(struct arena *arena, struct ring *ring, uint32_t count)
{
	uint32_t *ranks;

	if (count <= ring->capacity)
		return 0;
	ranks = arena_realloc(arena, ring->ranks, (size_t)count * sizeof(*ranks));
	if (ranks == NULL)
		return error_raise(-DER_NOMEM, "no memory for %u members", count);
	ring->ranks = ranks;
	ring->capacity = count;
	return 0;
}

uint32_t
ring_find(const struct ring *ring, uint32_t rank)
{
	uint32_t low = 0, high = ring->count;

	/* Ranks are often added in their order. */
	if (high > 0 && ring->ranks[high - 1] < rank)
		return high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ring->ranks[middle] < rank)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
ring_has(const struct ring *ring, uint32_t rank)
{
	uint32_t position = ring_find(ring, rank);

	return position < ring->count && ring->ranks[position] == rank;
}

void
ring_add(struct ring *ring, uint32_t rank)
{
	uint32_t position = ring_find(ring, rank);

	ASSERT(ring->count < ring->capacity);
	ASSERT(position == ring->count || ring->ranks[position] != rank);
	memmove(&ring->ranks[position + 1], &ring->ranks[position],
		(ring->count - position) * sizeof(*ring->ranks));
	ring->ranks[position] = rank;
	ring->count++;
}

void
ring_remove(struct ring *ring, uint32_t rank)
{
	uint32_t position = ring_find(ring, rank);

	ASSERT(position < ring->count && ring->ranks[position] == rank);
	ring->count--;
	memmove(&ring->ranks[position], &ring->ranks[position + 1],
		(ring->count - position) * sizeof(*ring->ranks));
}

/* Four Feistel rounds over 2 * half bits. */
static uint32_t
feistel(uint32_t value, uint32_t half, uint64_t key)
{
	uint32_t mask = (1u << half) - 1, left = value >> half, right = value & mask;

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t mixed = left ^ ((uint32_t)mix64(key + i + ((uint64_t)right << 32)) & mask);

		left = right;
		right = mixed;
	}
	return left << half | right;
}

/*
 * Walks the cycles of a permutation of the next larger power of four until it is back below count
 * (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002): fewer than four steps on
 * average.
 */
uint32_t
permute(uint32_t count, uint64_t key, uint32_t position)
{
	uint32_t half = (bit_length(count - 1) + 1) / 2;

	ASSERT(position < count);
	if (count == 1)
		return 0;
	do
		position = feistel(position, half, key);
	while (position >= count);
	return position;
}
