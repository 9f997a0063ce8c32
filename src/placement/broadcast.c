/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* k-nomial trees over the live ranks. */
#include "placement/private.h"

#define RATIO_MIN 2u
#define RATIO_MAX 64u

const uint32_t *
placement_ranks(const struct placement *placement, uint32_t *ret_count)
{
	*ret_count = placement->rank_count;
	return placement->ranks;
}

/* The place of a rank among the live ones. */
static int
rank_find(const struct placement *placement, uint32_t rank, uint32_t *ret_at)
{
	uint32_t low = 0, high = placement->rank_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (placement->ranks[middle] < rank)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == placement->rank_count || placement->ranks[low] != rank)
		return error_raise(-DER_NONEXIST, "rank %u is not live", rank);
	*ret_at = low;
	return 0;
}

/* A rank's number in the tree, counted from the root, and the root's place. */
static int
number_find(const struct placement *placement, const struct placement_tree *tree, uint32_t rank,
	    uint64_t *ret_number, uint32_t *ret_root)
{
	uint32_t count = placement->rank_count, at = 0, top = 0;
	int rc;

	if (tree->ratio < RATIO_MIN || tree->ratio > RATIO_MAX)
		return error_raise(-DER_INVAL, "a broadcast tree of ratio %u", tree->ratio);
	rc = rank_find(placement, tree->root, &top);
	if (rc == 0)
		rc = rank_find(placement, rank, &at);
	if (rc)
		return rc;
	*ret_number = (at + count - top) % count;
	*ret_root = top;
	return 0;
}

static uint32_t
rank_of(const struct placement *placement, uint32_t root, uint64_t number)
{
	return placement->ranks[(root + number) % placement->rank_count];
}

int
placement_tree_children(const struct placement *placement, const struct placement_tree *tree,
			uint32_t rank, uint32_t limit, uint32_t *ret_children, uint32_t *ret_count)
{
	uint64_t number;
	uint32_t top, count = 0;
	int rc = number_find(placement, tree, rank, &number, &top);

	if (rc)
		return rc;
	for (uint64_t digit = 1; digit < placement->rank_count && number / digit % tree->ratio == 0;
	     digit *= tree->ratio) {
		for (uint32_t i = 1; i < tree->ratio; i++) {
			uint64_t child = number + i * digit;

			if (child >= placement->rank_count)
				break;
			if (count < limit)
				ret_children[count] = rank_of(placement, top, child);
			count++;
		}
	}
	*ret_count = count;
	return 0;
}

int
placement_tree_parent(const struct placement *placement, const struct placement_tree *tree,
		      uint32_t rank, uint32_t *ret_parent)
{
	uint64_t number, digit = 1;
	uint32_t top;
	int rc = number_find(placement, tree, rank, &number, &top);

	if (rc)
		return rc;
	while (number != 0 && number / digit % tree->ratio == 0)
		digit *= tree->ratio;
	*ret_parent = number == 0 ? PLACEMENT_NONE
				  : rank_of(placement, top,
					    number - number / digit % tree->ratio * digit);
	return 0;
}
