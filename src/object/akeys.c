/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pure: akeys of a message as vos takes them. */
#include "object/private.h"

/* How many extents there are; what vos adds up must not overflow. */
static int
count_extents(const struct proto_akey *from, uint64_t *count)
{
	uint64_t records = 0;

	if (from->extent_count > VOS_EXTENTS_MAX)
		return error_raise(-DER_INVAL, "%u extents of one akey; the limit is %u",
				   from->extent_count, VOS_EXTENTS_MAX);
	for (uint32_t i = 0; i < from->extent_count; i++)
		if (__builtin_add_overflow(records, from->extents[i].count, &records))
			return error_raise(-DER_OVERFLOW, "more than 2^64 records of one akey");
	*count += from->extent_count;
	return 0;
}

static struct vos_extent *
copy_extents(const struct proto_akey *from, struct vos_extent *extents)
{
	for (uint32_t i = 0; i < from->extent_count; i++)
		extents[i] = (struct vos_extent){from->extents[i].index, from->extents[i].count};
	return extents + from->extent_count;
}

int
object_akeys_count(const struct proto_akey *from, uint32_t count, uint64_t *extent_count)
{
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = count_extents(&from[i], extent_count);
	return rc;
}

struct vos_extent *
object_akeys_copy(const struct proto_akey *from, uint32_t count, struct vos_akey *akeys,
		  struct iovec *iov, struct vos_extent *extents)
{
	for (uint32_t i = 0; i < count; i++) {
		akeys[i] = (struct vos_akey){
			.key = object_key(from[i].key),
			.type = (enum vos_value_type)from[i].type,
			.conditions = from[i].conditions,
			.record_size = from[i].record_size,
			.extents = extents,
			.extent_count = from[i].extent_count,
			.payload = &iov[i],
		};
		extents = copy_extents(&from[i], extents);
	}
	return extents;
}

int
object_akeys_init(struct object_akeys *akeys, struct arena *arena, const struct proto_akey *from,
		  uint32_t count)
{
	size_t bytes = count * (sizeof(struct vos_akey) + sizeof(struct iovec));
	struct vos_extent *extents;
	uint64_t extent_count = 0;
	int rc = object_akeys_count(from, count, &extent_count);

	akeys->arena = arena;
	akeys->block = NULL;
	if (rc != 0)
		return rc;
	if (bytes + extent_count * sizeof(*extents) > sizeof(akeys->small)) {
		akeys->block = arena_alloc(arena, bytes + extent_count * sizeof(*extents));
		if (akeys->block == NULL)
			return -DER_NOMEM;
	}
	akeys->count = count;
	akeys->akeys = akeys->block ? akeys->block : (void *)akeys->small;
	akeys->iov = (struct iovec *)(akeys->akeys + count);
	extents = (struct vos_extent *)(akeys->iov + count);
	object_akeys_copy(from, count, akeys->akeys, akeys->iov, extents);
	return 0;
}

void
object_akeys_fini(struct object_akeys *akeys)
{
	if (akeys->block)
		arena_free(akeys->arena, akeys->block);
}

/* Bytes of an extent and the sums they need. */
static int
measure_extent(uint64_t record_size, const struct vos_extent *extent, uint64_t *bytes,
	       uint32_t *sums)
{
	uint64_t offset;
	uint64_t length;
	uint64_t end;

	if (__builtin_mul_overflow(extent->index, record_size, &offset) ||
	    __builtin_mul_overflow(extent->count, record_size, &length) ||
	    __builtin_add_overflow(offset, length, &end))
		return error_raise(-DER_OVERFLOW, "an extent that no array has room for");
	if (length > VOS_PAYLOAD_MAX - *bytes)
		return error_raise(-DER_REC2BIG, "an update of more than %u bytes",
				   VOS_PAYLOAD_MAX);
	*bytes += length;
	*sums += piece_count(offset, length);
	return 0;
}

static int
measure_akey(const struct vos_akey *akey, uint64_t *bytes, uint32_t *sums)
{
	int rc = 0;

	if (akey->type == VOS_ARRAY) {
		for (uint32_t i = 0; i < akey->extent_count && rc == 0; i++)
			rc = measure_extent(akey->record_size, &akey->extents[i], bytes, sums);
		return rc;
	}
	return measure_extent(akey->record_size, &(struct vos_extent){.count = 1}, bytes, sums);
}

int
object_akeys_lengths(const struct proto_akey *from, uint32_t count, struct vos_akey *akeys,
		     struct iovec *iov, uint64_t *bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		struct vos_akey *akey = &akeys[i];
		uint64_t before = *bytes;
		uint32_t sums = 0;
		int rc = measure_akey(akey, bytes, &sums);

		if (rc != 0)
			return rc;
		if (from[i].sum_count != 0 && from[i].sum_count != sums)
			return error_raise(-DER_INVAL,
					   "%u checksums for a value that has %u pieces",
					   from[i].sum_count, sums);
		iov[i] = (struct iovec){.iov_len = *bytes - before};
		akey->payload_count = iov[i].iov_len > 0;
		akey->sums = from[i].sum_count ? from[i].sums : NULL;
		akey->sum_count = from[i].sum_count;
	}
	return 0;
}

int
object_akeys_measure(struct object_akeys *akeys, const struct proto_akey *from)
{
	akeys->bytes = 0;
	return object_akeys_lengths(from, akeys->count, akeys->akeys, akeys->iov, &akeys->bytes);
}
