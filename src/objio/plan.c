/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pure: where a request goes, how many bytes an akey has, and the sums of its pieces. */
#include "objio/private.h"

struct objio_place
objio_place_group(const struct placement_map *map, struct object_id id, uint32_t group)
{
	return (struct objio_place){.group = group, .target = placement_target(map, id, group)};
}

struct objio_place
objio_place_dkey(const struct placement_map *map, struct object_id id, struct objio_key dkey)
{
	return objio_place_group(map, id, placement_group(map, id, dkey.data, dkey.length));
}

struct proto_object
objio_request(const struct objio *objio, struct object_id id, struct objio_place place,
	      uint32_t conditions)
{
	return (struct proto_object){
		.pool = objio->pool->id,
		.handle = objio->handle,
		.id = id,
		.shard = place.group,
		.target = place.target,
		.conditions = conditions,
	};
}

int
objio_akey_bytes(const struct objio_akey *akey, uint64_t *ret_bytes)
{
	uint64_t records = 0;
	uint64_t bytes;

	if (akey->type != PROTO_VALUE_ARRAY) {
		*ret_bytes = akey->record_size;
		return 0;
	}
	for (uint32_t i = 0; i < akey->extent_count; i++) {
		const struct proto_extent *extent = &akey->extents[i];
		uint64_t end;

		if (__builtin_add_overflow(records, extent->count, &records) ||
		    __builtin_add_overflow(extent->index, extent->count, &end) ||
		    __builtin_mul_overflow(end, akey->record_size, &end))
			return -DER_OVERFLOW;
	}
	if (__builtin_mul_overflow(records, akey->record_size, &bytes))
		return -DER_OVERFLOW;
	*ret_bytes = bytes;
	return 0;
}

uint32_t
objio_sum_count(const struct objio_akey *akey, uint64_t record_size, uint64_t single_bytes)
{
	uint32_t count = 0;

	if (akey->type != PROTO_VALUE_ARRAY)
		return piece_count(0, single_bytes);
	for (uint32_t i = 0; i < akey->extent_count; i++)
		count += piece_count(akey->extents[i].index * record_size,
				     akey->extents[i].count * record_size);
	return count;
}

/* Sums of one extent whose bytes begin at `from` of the payload; returns how many. */
static uint32_t
extent_sums(const struct objio_akey *akey, uint64_t from, uint64_t offset, uint64_t bytes,
	    uint32_t *sums)
{
	uint64_t piece = piece_first(offset, bytes);
	uint32_t size = piece_size(bytes);
	uint32_t count = 0;

	for (uint64_t done = 0; done < bytes;
	     done += piece, piece = min_of(bytes - done, (uint64_t)size))
		sums[count++] =
			crc32c_iov(0, akey->payload, akey->payload_count, from + done, piece);
	return count;
}

void
objio_sums(const struct objio_akey *akey, uint64_t record_size, uint64_t single_bytes,
	   uint32_t *ret_sums)
{
	uint64_t from = 0;

	if (akey->type != PROTO_VALUE_ARRAY) {
		extent_sums(akey, 0, 0, single_bytes, ret_sums);
		return;
	}
	for (uint32_t i = 0; i < akey->extent_count; i++) {
		uint64_t bytes = akey->extents[i].count * record_size;

		ret_sums += extent_sums(akey, from, akey->extents[i].index * record_size, bytes,
					ret_sums);
		from += bytes;
	}
}

/* ------------------------------------------------ cutting */

uint32_t
objio_large_extents(const struct objio_akey *akey, uint64_t record_size)
{
	uint32_t large = 0;

	if (akey->type != PROTO_VALUE_ARRAY)
		return record_size >= PIECE_SMALL;
	for (uint32_t i = 0; i < akey->extent_count; i++)
		large += akey->extents[i].count >= PIECE_SMALL / max_of(record_size, UINT64_C(1));
	return large;
}

/* Records that the next part may take of an extent: it ends at a piece where it does not take all
 * and records allow it. */
static uint64_t
cut_records(const struct objio_cut *cut, uint64_t index, uint64_t left, uint64_t bytes)
{
	uint64_t room;
	uint64_t over;

	if (cut->record_size == 0)
		return left;
	room = (OBJIO_PAYLOAD_MAX - bytes) / cut->record_size;
	if (left <= room)
		return left;
	if (PIECE_LARGE % cut->record_size != 0)
		return room;
	over = (index + room) * cut->record_size % PIECE_LARGE;
	return over < room * cut->record_size ? room - over / cut->record_size : 0;
}

bool
objio_cut_next(struct objio_cut *cut, struct proto_extent extents[OBJIO_CUT_EXTENTS],
	       uint32_t *ret_count, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	uint32_t count = 0;

	while (cut->extent < cut->akey->extent_count && count < OBJIO_CUT_EXTENTS) {
		const struct proto_extent *extent = &cut->akey->extents[cut->extent];
		uint64_t left = extent->count - cut->done;
		uint64_t records = cut_records(cut, extent->index + cut->done, left, bytes);

		if (records == 0 && left > 0)
			break;
		extents[count++] = (struct proto_extent){extent->index + cut->done, records};
		bytes += records * cut->record_size;
		cut->done += records;
		if (records < left)
			break;
		cut->extent++;
		cut->done = 0;
	}
	*ret_count = count;
	*ret_bytes = bytes;
	return count > 0;
}

void
objio_parts_begin(struct objio_parts *parts, const struct objio_akey *akey, struct iovec *slice)
{
	parts->cut = (struct objio_cut){.akey = akey, .record_size = akey->record_size};
	parts->offset = 0;
	parts->slice = slice;
	parts->part = *akey;
	parts->part.extents = parts->extents;
	parts->part.payload = slice;
}

int
objio_parts_next(struct objio_parts *parts)
{
	const struct objio_akey *akey = parts->cut.akey;
	uint64_t bytes;
	int pieces;

	if (parts->cut.extent > 0 || parts->cut.done > 0)
		parts->part.conditions = 0;
	if (!objio_cut_next(&parts->cut, parts->extents, &parts->part.extent_count, &bytes))
		return 0;
	pieces = iov_slice(akey->payload, akey->payload_count, parts->offset, bytes, parts->slice,
			   akey->payload_count);
	if (pieces < 0)
		return error_raise(-DER_INVAL, "less payload than the extents have bytes");
	parts->part.payload_count = (uint32_t)pieces;
	parts->offset += bytes;
	return 1;
}
