/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a pool's targets get; pure. */
#pragma once

#include "pool/private.h"

struct pool_sizes {
	bool thin;
	uint64_t heap_size; /* of each target, a multiple of HEAP_ZONE */
	uint64_t data_size; /* of each target, a multiple of DISK_BLOCK */
};

/*
 * Sizes of a pool over targets; thin_default: without a size it is thin; total: bytes of the
 * storage, for thin pools. Metadata below its least takes from the data. -DER_INVAL with the
 * smallest size that works.
 */
MUST_USE int pool_sizes(const struct proto_pool_create *wanted, uint32_t targets, bool thin_default,
			uint64_t total, struct pool_sizes *ret_sizes);

/*
 * Sizes of the largest pool that takes at most budget bytes of storage; wanted gives the ratio of
 * metadata and data. -DER_INVAL as pool_sizes().
 */
MUST_USE int pool_sizes_within(const struct proto_pool_create *wanted, uint32_t targets,
			       uint64_t budget, struct pool_sizes *ret_sizes);

/* Bytes of storage that a pool takes when it is created; 0 for a thin one. */
uint64_t pool_footprint(const struct pool_sizes *sizes, uint32_t targets);

/* Free bytes of a tier whose targets share left bytes; the mean stays between least and most. */
void tier_limit(struct proto_tier *tier, uint64_t left, uint32_t targets);
