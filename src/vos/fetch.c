/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Reading values. The look-up, in one NO_YIELD scope, copies what the heap says about the stored
 * values; then the group is awaited, data is read and verified piece by piece, and cut out.
 */
#include "vos/private.h"

/* A part of the answer that comes from one stored value. */
struct segment {
	uint64_t start, count; /* records; 0 and 1 for single values */
	size_t target;	       /* where it goes in the answer */
	struct blob *blob;     /* a copy of the whole block */
};

struct akey_fetch {
	const struct vos_akey *akey;
	struct ordered_key key;
	struct seen seen;
	uint64_t record_size;
	uint32_t segment_count, segment_capacity;
	struct segment *segments;
};

/* What most fetches need no allocation for: one value of one akey, in its record or beside it. */
#define FEW_SEGMENTS 2u
#define FEW_BYTES 256u

struct fetch {
	struct look look;
	struct arena *arena;
	struct ordered_key dkey;
	uint32_t akey_count;
	struct akey_fetch *akeys;
	uint32_t conditions, flags;
	uint64_t group;
	uint64_t token; /* of data_hold() */
	struct akey_fetch one;
	struct segment few_segments[FEW_SEGMENTS];
	_Alignas(8) uint8_t few_bytes[FEW_BYTES];
	uint32_t few_used;
};

/* ------------------------------------------------ look-up */

/* A copy of a stored value's block. */
static struct blob *
blob_copy(struct fetch *fetch, const struct blob *stored)
{
	size_t size = blob_whole_size(stored);
	bool few = size <= FEW_BYTES - fetch->few_used;
	void *copy = few ? fetch->few_bytes + fetch->few_used : arena_alloc(fetch->arena, size);

	if (!copy)
		return NULL;
	if (few)
		fetch->few_used += (uint32_t)align_up(size, 8);
	blob_gather(&fetch->look.pin, stored, copy);
	return copy;
}

static void
blob_free(struct fetch *fetch, struct blob *blob)
{
	const uint8_t *bytes = (const uint8_t *)blob;

	if (bytes < fetch->few_bytes || bytes >= fetch->few_bytes + FEW_BYTES)
		arena_free(fetch->arena, blob);
}

static void
segments_free(struct fetch *fetch)
{
	for (uint32_t i = 0; i < fetch->akey_count; i++) {
		struct akey_fetch *akey = &fetch->akeys[i];

		for (uint32_t j = 0; j < akey->segment_count; j++)
			blob_free(fetch, akey->segments[j].blob);
		akey->segment_count = 0;
	}
	fetch->few_used = 0;
}

/* Room for one more segment. */
static int
segments_grow(struct fetch *fetch, struct akey_fetch *akey)
{
	uint32_t capacity = max_of(akey->segment_capacity * 2, 4u);
	struct segment *few = fetch->few_segments;
	struct segment *segments = arena_alloc(fetch->arena, capacity * sizeof(*segments));

	if (!segments)
		return error_raise(-DER_NOMEM, "no memory for a fetch");
	if (akey->segment_count > 0)
		memcpy(segments, akey->segments, akey->segment_count * sizeof(*segments));
	if (akey->segments != few)
		arena_free(fetch->arena, akey->segments);
	akey->segments = segments;
	akey->segment_capacity = capacity;
	return 0;
}

static int
segment_add(struct fetch *fetch, struct akey_fetch *akey, struct segment segment, uint64_t blob)
{
	const struct blob *stored;
	int rc = blob_get(&fetch->look.pin, blob, &stored);

	if (rc == 0 && akey->segment_count == akey->segment_capacity)
		rc = segments_grow(fetch, akey);
	if (rc != 0)
		return rc;
	segment.blob = blob_copy(fetch, stored);
	if (!segment.blob)
		return error_raise(-DER_NOMEM, "no memory for a fetch");
	akey->segments[akey->segment_count++] = segment;
	return 0;
}

static int
single_collect(struct fetch *fetch, struct akey_fetch *akey)
{
	struct extent_record version;
	const struct blob *blob;
	int rc = single_look(&fetch->look.pin, akey->seen.offset, fetch->look.epoch,
			     akey->seen.bound, &version);

	if (rc == -DER_NONEXIST)
		return 0;
	if (rc == 0)
		rc = blob_get(&fetch->look.pin, version.blob, &blob);
	if (rc == 0 && blob->start != 0)
		rc = error_raise(-DER_IO, "the heap is damaged: bad value at %llu",
				 (unsigned long long)version.blob);
	if (rc != 0)
		return rc;
	akey->record_size = blob->length;
	return segment_add(fetch, akey, (struct segment){.count = 1}, version.blob);
}

/* The pieces of one extent asked; *records counts the records asked before it. */
static int
extent_collect(struct fetch *fetch, struct akey_fetch *akey, const struct vos_extent *extent,
	       uint64_t records)
{
	struct piece_list list = {.arena = fetch->arena};
	int rc = array_look(&fetch->look.pin, akey->seen.offset, extent->index,
			    extent->index + extent->count, fetch->look.epoch, akey->seen.bound,
			    &list);

	for (uint32_t i = 0; rc == 0 && i < list.count; i++) {
		const struct piece *piece = &list.pieces[i];
		struct segment segment = {.start = piece->start, .count = piece->count};

		/* Records until the size is known. */
		segment.target = records + (piece->start - extent->index);
		if (piece->blob != 0)
			rc = segment_add(fetch, akey, segment, piece->blob);
	}
	piece_list_fini(&list);
	return rc;
}

/* No product here may leave 64 bits, whatever the heap says. */
static bool
segment_inside(const struct segment *segment, uint64_t record_size)
{
	const struct blob *blob = segment->blob;
	uint64_t first = blob->start / blob->record_size,
		 records = blob->length / blob->record_size;

	return blob->record_size == record_size && blob->start % record_size == 0 &&
	       segment->start >= first && segment->start - first <= records &&
	       segment->count <= records - (segment->start - first);
}

static int
array_collect(struct fetch *fetch, struct akey_fetch *akey)
{
	const struct akey_record *record;
	uint64_t records = 0;
	int rc = akey_get(&fetch->look.pin, akey->seen.offset, &record);

	if (rc != 0)
		return rc;
	akey->record_size = record->record_size;
	for (uint32_t i = 0; rc == 0 && i < akey->akey->extent_count; i++) {
		rc = extent_collect(fetch, akey, &akey->akey->extents[i], records);
		records += akey->akey->extents[i].count;
	}
	if (rc == 0 && akey->segment_count > 0)
		akey->record_size = akey->segments[0].blob->record_size;
	for (uint32_t i = 0; rc == 0 && i < akey->segment_count; i++) {
		if (!segment_inside(&akey->segments[i], akey->record_size))
			rc = error_raise(-DER_IO,
					 "the heap is damaged: an extent reaches beyond its value");
		akey->segments[i].target *= akey->record_size;
	}
	return rc;
}

static int
akey_collect(struct fetch *fetch, struct akey_fetch *akey)
{
	const struct seen *dkey = &fetch->look.dkey_seen;
	const struct akey_record *record;
	uint32_t conditions = fetch->conditions;
	int rc = entity_find(&fetch->look.pin, dkey->offset ? children_of(dkey->offset) : 0,
			     &akey->key, fetch->look.epoch, dkey->bound, &akey->seen);

	if (rc != 0)
		return rc;
	if ((conditions & VOS_COND_PER_AKEY) != 0)
		conditions = akey->akey->conditions;
	akey->record_size = 0;
	if (!akey->seen.visible)
		return (conditions & VOS_COND_AKEY_FETCH) != 0 ? -DER_NONEXIST : 0;
	rc = akey_get(&fetch->look.pin, akey->seen.offset, &record);
	if (rc != 0)
		return rc;
	if (akey->akey->type != VOS_NONE && record->entity.value != akey->akey->type)
		return error_raise(-DER_INVAL, "the akey holds %s",
				   record->entity.value == VOS_SINGLE ? "a single value"
								      : "an array");
	return record->entity.value == VOS_SINGLE ? single_collect(fetch, akey)
						  : array_collect(fetch, akey);
}

static int
fetch_attempt(struct fetch *fetch)
{
	int rc = look_judge(&fetch->look, fetch->look.object, &fetch->dkey);

	if (rc == 0)
		rc = look_object(&fetch->look);
	if (rc == 0)
		rc = look_dkey(&fetch->look, &fetch->dkey);
	if (rc == 0 && (fetch->conditions & VOS_COND_DKEY_FETCH) != 0 &&
	    !fetch->look.dkey_seen.visible)
		rc = -DER_NONEXIST;
	for (uint32_t i = 0; rc == 0 && i < fetch->akey_count; i++)
		rc = akey_collect(fetch, &fetch->akeys[i]);
	fetch->group = container_group(fetch->look.container, fetch->look.object);
	if (rc == 0 && FAULT("vos: a fetch finds a zone absent"))
		rc = -DER_AGAIN;
	return rc;
}

/* Waits for a transaction; meanwhile what others free may be used again. */
static int
fetch_wait(struct fetch *fetch)
{
	struct vos *vos = fetch->look.container->vos;
	int rc;

	data_unhold(vos->heap, fetch->token);
	rc = prepared_wait(vos, &fetch->look.blocker);
	fetch->token = data_hold(vos->heap);
	return rc ?: -DER_AGAIN;
}

static int
fetch_look(struct fetch *fetch)
{
	int rc = 0;

	do {
		pin_init(&fetch->look.pin, fetch->look.container->vos->heap);
		segments_free(fetch);
		NO_YIELD
		{
			rc = fetch_attempt(fetch);
		}
		if (rc == -DER_AGAIN)
			rc = pin_load(&fetch->look.pin) ?: -DER_AGAIN;
		pin_fini(&fetch->look.pin);
		if (rc == EDIT_AGAIN)
			rc = fetch_wait(fetch);
	} while (rc == -DER_AGAIN);
	return rc;
}

/* ------------------------------------------------ data */

/* The bytes [first, end) of a stored value that is cut into pieces. */
struct stretch {
	uint64_t first, end; /* absolute bytes of the array, whole stored pieces */
	uint32_t piece;	     /* size */
	uint32_t sum;	     /* index of the first sum */
};

static struct stretch
stretch_of(const struct blob *blob, uint64_t from, uint64_t to)
{
	uint32_t piece = piece_size(blob->length);
	uint64_t end = blob->start + blob->length;

	return (struct stretch){
		.first = max_of(align_down(from, piece), blob->start),
		.end = to > align_down(end, piece) ? end : min_of(align_up(to, piece), end),
		.piece = piece,
		.sum = (uint32_t)(from / piece - blob->start / piece),
	};
}

static int
stretch_verify(const struct blob *blob, const struct stretch *stretch, const uint8_t *data)
{
	uint64_t at = stretch->first;

	for (uint32_t i = stretch->sum; at < stretch->end; i++) {
		/* The last piece of the largest array ends at 2^64. */
		uint64_t end = at + min_of(stretch->piece - at % stretch->piece, stretch->end - at);

		if (crc32c(0, data + (at - stretch->first), end - at) != blob_sums(blob)[i] &&
		    !BUG(23)) {
			REACHED("vos: a stored value does not match its sum");
			return error_raise(-DER_CSUM,
					   "stored bytes %llu to %llu do not match their sum",
					   (unsigned long long)at, (unsigned long long)end);
		}
		at = end;
	}
	return 0;
}

/* Reads blocks [first, first + count) of a value, over its extents. */
static int
blob_read(struct heap *heap, const struct blob *blob, uint32_t first, uint32_t count,
	  uint8_t *buffer)
{
	const struct data_extent *extents = blob_extents(blob);
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && count > 0 && i < blob->extent_count; i++) {
		uint32_t part;

		if (first >= extents[i].count) {
			first -= extents[i].count;
			continue;
		}
		part = min_of(count, extents[i].count - first);
		rc = data_read(heap, extents[i], first, part, buffer);
		buffer += (size_t)part * DISK_BLOCK;
		count -= part;
		first = 0;
	}
	return rc;
}

/* Reads and verifies; what does not match is read once more, as a wrong read passes and damage
 * stays. */
static int
stretch_read(struct heap *heap, const struct blob *blob, const struct stretch *stretch,
	     uint32_t first, uint32_t count, uint8_t *buffer)
{
	size_t skip = (stretch->first - blob->start) % DISK_BLOCK;
	int rc = -DER_CSUM;

	for (uint32_t i = 0; i < 2 && rc == -DER_CSUM; i++) {
		rc = blob_read(heap, blob, first, count, buffer);
		if (rc == 0)
			rc = stretch_verify(blob, stretch, buffer + skip);
	}
	return rc;
}

int
blob_verify(struct heap *heap, const struct blob *blob, uint8_t *buffer, size_t size)
{
	uint64_t from = blob->start, end = blob->start + blob->length;
	int rc = 0;

	while (rc == 0 && from < end) {
		/* Parts end where blocks and pieces do, seen from the value's begin. */
		uint64_t to = min_of(end, align_down(from, piece_size(blob->length)) + size / 2);
		struct stretch stretch = stretch_of(blob, from, to);
		uint32_t first = (uint32_t)((stretch.first - blob->start) / DISK_BLOCK);
		uint64_t behind = align_up(stretch.end - blob->start, DISK_BLOCK) / DISK_BLOCK;

		rc = (blob->flags & BLOB_DATA) != 0
			     ? stretch_read(heap, blob, &stretch, first, (uint32_t)behind - first,
					    buffer)
			     : stretch_verify(blob, &stretch,
					      blob_payload(blob) + (from - blob->start));
		from = stretch.end;
	}
	return rc;
}

/* Fills in one segment. room: bytes of data behind target that may be overwritten, to be filled by
 * later segments. */
static int
segment_read(struct fetch *fetch, const struct segment *segment, uint64_t record_size,
	     uint8_t *target, size_t room)
{
	struct heap *heap = fetch->look.container->vos->heap;
	const struct blob *blob = segment->blob;
	uint64_t from = segment->start * record_size, to = from + segment->count * record_size;
	struct stretch stretch = stretch_of(blob, from, to);
	uint32_t first = (uint32_t)((stretch.first - blob->start) / DISK_BLOCK);
	uint32_t count =
		(uint32_t)(align_up(stretch.end - blob->start, DISK_BLOCK) / DISK_BLOCK) - first;
	size_t skip = (stretch.first - blob->start) % DISK_BLOCK,
	       length = (size_t)count * DISK_BLOCK;
	bool direct = skip == 0 && stretch.first == from && (uintptr_t)target % DISK_BLOCK == 0 &&
		      length <= room;
	uint8_t *buffer = direct ? target : arena_alloc_aligned(fetch->arena, length, DISK_BLOCK);
	int rc;

	if (!buffer)
		return error_raise(-DER_NOMEM, "no memory for %zu bytes of a fetch", length);
	rc = stretch_read(heap, blob, &stretch, first, count, buffer);
	if (direct) {
		memset(target + (to - from), 0, length - (to - from));
		return rc;
	}
	if (rc == 0)
		memcpy(target, buffer + skip + (from - stretch.first), to - from);
	arena_free(fetch->arena, buffer);
	return rc;
}

static int
segment_copy(const struct segment *segment, uint64_t record_size, uint8_t *target)
{
	const struct blob *blob = segment->blob;
	uint64_t from = segment->start * record_size, to = from + segment->count * record_size;
	struct stretch stretch = stretch_of(blob, from, to);
	int rc = stretch_verify(blob, &stretch, blob_payload(blob) + (stretch.first - blob->start));

	if (rc == 0)
		memcpy(target, blob_payload(blob) + (from - blob->start), to - from);
	return rc;
}

/* ------------------------------------------------ sums */

/* The stored sum of exactly the bytes [from, to), if there is one. */
static bool
sum_stored(const struct akey_fetch *akey, uint64_t from, uint64_t to, uint32_t *ret_sum)
{
	for (uint32_t i = 0; i < akey->segment_count; i++) {
		const struct segment *segment = &akey->segments[i];
		uint64_t first = segment->start * akey->record_size;
		struct stretch stretch;

		if (first > from || first + segment->count * akey->record_size < to)
			continue;
		stretch = stretch_of(segment->blob, from, from + 1);
		if (stretch.first != from || stretch.end != to)
			return false;
		*ret_sum = blob_sums(segment->blob)[stretch.sum];
		return true;
	}
	return false;
}

/* Sums of one extent asked, whose bytes are at data. */
static void
extent_sum(const struct akey_fetch *akey, uint64_t start, uint64_t bytes, const uint8_t *data,
	   uint32_t *sums)
{
	uint32_t piece = piece_size(bytes);
	uint64_t at = start, end = start + bytes;

	while (at < end) {
		uint64_t next = end - at > piece - at % piece ? at + (piece - at % piece) : end;

		if (!sum_stored(akey, at, next, sums))
			*sums = crc32c(0, data + (at - start), next - at);
		sums++;
		at = next;
	}
}

/* ------------------------------------------------ the answer */

/* Records asked of an akey; UINT64_MAX where their number cannot be expressed. */
static uint64_t
akey_records(const struct vos_akey *akey, bool single)
{
	uint64_t records = 0;

	if (single)
		return 1;
	for (uint32_t i = 0; i < akey->extent_count; i++)
		if (__builtin_add_overflow(records, akey->extents[i].count, &records))
			return UINT64_MAX;
	return records;
}

static bool
akey_is_single(const struct akey_fetch *akey)
{
	return akey->akey->type == VOS_SINGLE || akey->akey->extent_count == 0;
}

static int
answer_runs(struct fetch *fetch, const struct akey_fetch *akey, struct vos_fetched *fetched)
{
	if ((fetch->flags & VOS_FETCH_RUNS) == 0)
		return 0;
	fetched->runs = arena_alloc(fetch->arena, akey->segment_count * sizeof(*fetched->runs));
	if (!fetched->runs)
		return error_raise(-DER_NOMEM, "no memory for the runs of a fetch");
	for (uint32_t i = 0; i < akey->segment_count; i++)
		fetched->runs[i].extent =
			(struct vos_extent){akey->segments[i].start, akey->segments[i].count};
	fetched->run_count = akey->segment_count;
	return 0;
}

static int
answer_sums(struct fetch *fetch, const struct akey_fetch *akey, struct vos_fetched *fetched)
{
	uint32_t count = akey_is_single(akey) ? 1 : akey->akey->extent_count, sums = 0;
	size_t done = 0;

	for (uint32_t i = 0; i < count; i++)
		sums += akey_is_single(akey)
				? piece_count(0, akey->record_size)
				: piece_count(akey->akey->extents[i].index * akey->record_size,
					      akey->akey->extents[i].count * akey->record_size);
	fetched->sums = sums <= ARRAY_SIZE(fetched->few_sums)
				? fetched->few_sums
				: arena_alloc(fetch->arena, sums * sizeof(*fetched->sums));
	if (!fetched->sums)
		return error_raise(-DER_NOMEM, "no memory for the sums of a fetch");
	for (uint32_t i = 0; i < count; i++) {
		uint64_t start =
			akey_is_single(akey) ? 0 : akey->akey->extents[i].index * akey->record_size;
		uint64_t bytes = akey->record_size *
				 (akey_is_single(akey) ? 1 : akey->akey->extents[i].count);

		extent_sum(akey, start, bytes, fetched->data + done,
			   fetched->sums + fetched->sum_count);
		fetched->sum_count += piece_count(start, bytes);
		done += bytes;
	}
	return 0;
}

/* What the answer is made of. */
struct answer_needs {
	bool reads; /* something lies in the data space */
	bool holes; /* something is not stored at all */
};

static struct answer_needs
answer_needs(const struct akey_fetch *akey, uint64_t length)
{
	struct answer_needs needs = {.reads = false};
	uint64_t stored = 0;

	for (uint32_t i = 0; i < akey->segment_count; i++) {
		const struct segment *segment = &akey->segments[i];

		needs.reads |= (segment->blob->flags & BLOB_DATA) != 0;
		stored += segment->count * akey->record_size;
	}
	needs.holes = stored < length;
	return needs;
}

static int
answer_data(struct fetch *fetch, const struct akey_fetch *akey, struct vos_fetched *fetched)
{
	struct answer_needs needs = answer_needs(akey, fetched->length);
	size_t size = fetched->length;
	int rc = 0;

	/* Room for the rest of the last block of a value read in place. */
	if (needs.reads)
		size = align_up(size, DISK_BLOCK) + DISK_BLOCK;
	fetched->data = needs.reads ? arena_alloc_aligned(fetch->arena, size, DISK_BLOCK)
				    : arena_alloc(fetch->arena, size);
	if (!fetched->data)
		return error_raise(-DER_NOMEM, "no memory for %zu bytes of a fetch", size);
	if (needs.holes)
		memset(fetched->data, 0, fetched->length);
	for (uint32_t i = 0; rc == 0 && i < akey->segment_count; i++) {
		const struct segment *segment = &akey->segments[i];
		uint8_t *target = fetched->data + segment->target;
		uint64_t record_size = akey->record_size;
		struct segment whole = *segment;

		/* A single value is read as bytes. */
		if (akey_is_single(akey)) {
			whole.count = record_size;
			record_size = 1;
		}
		rc = segment->blob->flags & BLOB_DATA ? segment_read(fetch, &whole, record_size,
								     target, size - segment->target)
						      : segment_copy(&whole, record_size, target);
	}
	return rc == 0 ? answer_sums(fetch, akey, fetched) : rc;
}

static int
answer_make(struct fetch *fetch, const struct akey_fetch *akey, uint64_t *total,
	    struct vos_fetched *fetched)
{
	uint64_t records = akey_records(akey->akey, akey_is_single(akey));

	*fetched = (struct vos_fetched){.record_size = akey->record_size};
	if (akey->record_size == 0)
		return 0;
	if (records > VOS_PAYLOAD_MAX / akey->record_size &&
	    (fetch->flags & VOS_FETCH_SIZE_ONLY) == 0)
		return error_raise(-DER_REC2BIG, "more than %u bytes asked of one akey",
				   VOS_PAYLOAD_MAX);
	if (__builtin_mul_overflow(records, akey->record_size, &fetched->length))
		return error_raise(-DER_REC2BIG,
				   "more bytes asked of one akey than can be counted");
	*total += fetched->length;
	if ((fetch->flags & VOS_FETCH_SIZE_ONLY) != 0)
		return answer_runs(fetch, akey, fetched);
	if (*total > VOS_PAYLOAD_MAX)
		return error_raise(-DER_REC2BIG, "more than %u bytes asked in one call",
				   VOS_PAYLOAD_MAX);
	if (fetched->length > 0) {
		int rc = answer_data(fetch, akey, fetched);

		if (rc != 0)
			return rc;
	}
	return answer_runs(fetch, akey, fetched);
}

void
vos_fetched_free(struct vos_container *container, struct vos_fetched *fetched, uint32_t akey_count)
{
	struct arena *arena = container->vos->arena;

	for (uint32_t i = 0; i < akey_count; i++) {
		arena_free(arena, fetched[i].data);
		if (fetched[i].sums != fetched[i].few_sums)
			arena_free(arena, fetched[i].sums);
		arena_free(arena, fetched[i].runs);
		fetched[i] = (struct vos_fetched){0};
	}
}

static int
fetch_init(struct fetch *fetch, struct vos_key dkey, const struct vos_akey *akeys,
	   uint32_t akey_count)
{
	int rc = dkey_order(fetch->look.object, dkey, &fetch->dkey);

	if (rc == 0 && (akey_count == 0 || akey_count > VOS_AKEYS_MAX))
		rc = error_raise(-DER_INVAL, "%u akeys; one call takes 1 to %u", akey_count,
				 VOS_AKEYS_MAX);
	if (rc != 0)
		return rc;
	fetch->akeys = &fetch->one;
	if (akey_count > 1)
		fetch->akeys = arena_calloc(fetch->arena, akey_count, sizeof(*fetch->akeys));
	if (!fetch->akeys)
		return error_raise(-DER_NOMEM, "no memory for a fetch");
	fetch->akeys[0].segments = fetch->few_segments;
	fetch->akeys[0].segment_capacity = FEW_SEGMENTS;
	fetch->akey_count = akey_count;
	for (uint32_t i = 0; rc == 0 && i < akey_count; i++) {
		struct akey_fetch *akey = &fetch->akeys[i];

		akey->akey = &akeys[i];
		rc = akey_order(fetch->look.object, akeys[i].key, &akey->key);
		for (uint32_t j = 0;
		     rc == 0 && akeys[i].type == VOS_ARRAY && j < akeys[i].extent_count; j++) {
			uint64_t end;

			if (__builtin_add_overflow(akeys[i].extents[j].index,
						   akeys[i].extents[j].count, &end))
				rc = error_raise(-DER_INVAL, "an extent ends beyond 2^64");
		}
	}
	return rc;
}

static void
fetch_fini(struct fetch *fetch)
{
	segments_free(fetch);
	for (uint32_t i = 0; i < fetch->akey_count; i++)
		if (fetch->akeys[i].segments != fetch->few_segments)
			arena_free(fetch->arena, fetch->akeys[i].segments);
	if (fetch->akeys != &fetch->one)
		arena_free(fetch->arena, fetch->akeys);
}

/* Looks up, waits, reads. */
static int
fetch_run(struct fetch *fetch, struct vos_fetched *fetched)
{
	struct vos *vos = fetch->look.container->vos;
	uint64_t total = 0;
	int rc = fetch_look(fetch), waited = BUG(3) ? 0 : media_wait(vos->media, fetch->group);

	if (rc == 0 || waited != 0)
		rc = waited;
	for (uint32_t i = 0; rc == 0 && i < fetch->akey_count; i++)
		rc = answer_make(fetch, &fetch->akeys[i], &total, &fetched[i]);
	return rc;
}

int
vos_fetch(struct vos_container *container, const struct vos_object *object, struct vos_key dkey,
	  const struct vos_akey *akeys, uint32_t akey_count, uint64_t epoch, uint32_t conditions,
	  uint32_t flags, struct vos_fetched *ret_fetched)
{
	struct fetch fetch;
	int rc;

	/* What lies behind needs no clearing. */
	memset(&fetch, 0, offsetof(struct fetch, few_segments));
	fetch.look.container = container;
	fetch.look.object = object;
	fetch.look.epoch = epoch;
	fetch.arena = container->vos->arena;
	fetch.conditions = conditions;
	fetch.flags = flags;
	fetch.few_used = 0;
	rc = fetch_init(&fetch, dkey, akeys, akey_count);

	if (rc == 0) {
		memset(ret_fetched, 0, akey_count * sizeof(*ret_fetched));
		fetch.token = data_hold(container->vos->heap);
		rc = fetch_run(&fetch, ret_fetched);
		data_unhold(container->vos->heap, fetch.token);
		if (rc != 0)
			vos_fetched_free(container, ret_fetched, akey_count);
	}
	fetch_fini(&fetch);
	return rc;
}
