/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a pool's targets get. */
#include "pool/size.h"

/* Bounds of a thin target: its files are sparse, but the tables that describe them are not. */
#define THIN_HEAP_MIN (UINT64_C(64) << 20)
#define THIN_HEAP_MAX (UINT64_C(16) << 30)
#define THIN_DATA_MIN (UINT64_C(256) << 20)
#define THIN_DATA_MAX (UINT64_C(4) << 40)
#define SHARE_ROUNDS 16
#define SIZE_MAX_TARGET (UINT64_C(1) << 50)

#define MIB(bytes) ((unsigned long)((bytes) >> 20))

static uint64_t
clamp(uint64_t value, uint64_t least, uint64_t most)
{
	return value < least ? least : min_of(value, most);
}

static uint64_t
metadata_of(uint64_t data)
{
	return data / 100 * METADATA_PERCENT;
}

/* A pool that shares the directory's space: as large as all of it might be. */
static void
thin_sizes(const struct proto_pool_create *wanted, uint32_t targets, uint64_t total,
	   struct pool_sizes *sizes)
{
	uint64_t data = (wanted->data_bytes ? wanted->data_bytes : total) / targets;
	uint64_t metadata = wanted->metadata_bytes / targets;

	sizes->thin = true;
	sizes->data_size = align_down(clamp(data, THIN_DATA_MIN, THIN_DATA_MAX), HEAP_ZONE);
	if (metadata == 0)
		metadata = metadata_of(sizes->data_size);
	sizes->heap_size = align_down(clamp(metadata, THIN_HEAP_MIN, THIN_HEAP_MAX), HEAP_ZONE);
}

static int
data_size(const struct proto_pool_create *wanted, uint32_t targets, uint64_t *ret_size)
{
	uint64_t size = align_down(wanted->data_bytes / targets, DISK_BLOCK);

	if (wanted->data_bytes == 0)
		return error_raise(-DER_INVAL,
				   "a pool needs a size: at least %lu MiB for data here",
				   MIB(TARGET_DATA_MIN * targets));
	if (size < TARGET_DATA_MIN)
		return error_raise(
			-DER_INVAL,
			"%lu MiB of data are too few for %u targets: give at least %lu MiB",
			MIB(wanted->data_bytes), targets, MIB(TARGET_DATA_MIN * targets));
	if (size > SIZE_MAX_TARGET)
		return error_raise(-DER_INVAL, "more than %lu MiB of data for each target",
				   MIB(SIZE_MAX_TARGET));
	*ret_size = size;
	return 0;
}

static int
heap_size(const struct proto_pool_create *wanted, uint32_t targets, uint64_t *ret_size)
{
	uint64_t size = align_down(wanted->metadata_bytes / targets, HEAP_ZONE);

	if (wanted->metadata_bytes == 0)
		size = max_of(align_up(metadata_of(wanted->data_bytes / targets), HEAP_ZONE),
			      TARGET_HEAP_MIN);
	if (size < TARGET_HEAP_MIN)
		return error_raise(
			-DER_INVAL,
			"%lu MiB of metadata are too few for %u targets: give at least %lu "
			"MiB",
			MIB(wanted->metadata_bytes), targets, MIB(TARGET_HEAP_MIN * targets));
	if (size > THIN_HEAP_MAX * 64)
		return error_raise(-DER_INVAL, "more than %lu MiB of metadata for each target",
				   MIB(THIN_HEAP_MAX * 64));
	*ret_size = size;
	return 0;
}

/*
 * Metadata that is too small for its targets takes from the data what it lacks, as long as that has
 * more than its least: the pool is as large as was asked.
 */
static void
balance(struct proto_pool_create *wanted, uint32_t targets)
{
	uint64_t least = TARGET_HEAP_MIN * targets, missing;

	if (wanted->metadata_bytes == 0 || wanted->metadata_bytes >= least)
		return;
	missing = least - wanted->metadata_bytes;
	if (wanted->data_bytes < missing ||
	    wanted->data_bytes - missing < TARGET_DATA_MIN * targets)
		return;
	wanted->metadata_bytes += missing;
	wanted->data_bytes -= missing;
}

/* What rounding takes from the metadata goes to the data: the pool is no smaller than was asked. */
static uint64_t
rounded_data(const struct proto_pool_create *wanted, uint32_t targets, uint64_t heap)
{
	uint64_t total = wanted->data_bytes + wanted->metadata_bytes;

	return align_up((total + targets - 1) / targets - heap, DISK_BLOCK);
}

static int
fixed_sizes(const struct proto_pool_create *wanted, uint32_t targets, struct pool_sizes *sizes)
{
	struct proto_pool_create balanced = {.metadata_bytes = wanted->metadata_bytes,
					     .data_bytes = wanted->data_bytes};
	int rc;

	balance(&balanced, targets);
	rc = data_size(&balanced, targets, &sizes->data_size);
	if (rc == 0)
		rc = heap_size(&balanced, targets, &sizes->heap_size);
	if (rc == 0 && balanced.metadata_bytes > 0)
		sizes->data_size = rounded_data(&balanced, targets, sizes->heap_size);
	return rc;
}

int
pool_sizes(const struct proto_pool_create *wanted, uint32_t targets, bool thin_default,
	   uint64_t total, struct pool_sizes *ret_sizes)
{
	struct pool_sizes sizes = {.thin = false};
	bool unsized = wanted->data_bytes == 0 && wanted->metadata_bytes == 0;
	int rc;

	if (wanted->thin || (unsized && thin_default)) {
		thin_sizes(wanted, targets, total, &sizes);
		*ret_sizes = sizes;
		return 0;
	}
	rc = fixed_sizes(wanted, targets, &sizes);
	if (rc == 0)
		*ret_sizes = sizes;
	return rc;
}

uint64_t
pool_footprint(const struct pool_sizes *sizes, uint32_t targets)
{
	/* A heap file keeps an eighth more than its image, and tables; the data's bitmap is part of
	 * it. */
	uint64_t bitmap = align_up(sizes->data_size / DISK_BLOCK / 8, HEAP_ZONE);
	uint64_t heap = sizes->heap_size + bitmap;

	if (sizes->thin)
		return 0;
	return targets * (heap + heap / 8 + heap / 64 + (UINT64_C(2) << 20) + sizes->data_size) +
	       SERVICE_BYTES;
}

int
pool_sizes_within(const struct proto_pool_create *wanted, uint32_t targets, uint64_t budget,
		  struct pool_sizes *ret_sizes)
{
	double whole = (double)wanted->metadata_bytes + (double)wanted->data_bytes;
	double part = whole > 0 ? (double)wanted->metadata_bytes / whole : METADATA_PERCENT / 100.0;
	uint64_t total = budget;

	/* Each round takes off what the tables and rounding were too much; a few are enough. */
	for (int round = 0; round < SHARE_ROUNDS; round++) {
		struct proto_pool_create sized = {.metadata_bytes =
							  (uint64_t)((double)total * part)};
		uint64_t footprint;
		struct pool_sizes sizes;
		int rc;

		sized.data_bytes = total - sized.metadata_bytes;
		rc = pool_sizes(&sized, targets, false, 0, &sizes);
		if (rc)
			return rc;
		footprint = pool_footprint(&sizes, targets);
		if (footprint <= budget) {
			*ret_sizes = sizes;
			return 0;
		}
		total -= min_of(footprint - budget, total);
	}
	return error_raise(-DER_NOSPACE, "%lu MiB of storage are too few for a pool", MIB(budget));
}

void
tier_limit(struct proto_tier *tier, uint64_t left, uint32_t targets)
{
	uint64_t share = left / max_of(targets, 1u);

	if (tier->free <= left)
		return;
	tier->free = left;
	tier->target_free_min = min_of(tier->target_free_min, share);
	tier->target_free_max = min_of(tier->target_free_max, share);
}
