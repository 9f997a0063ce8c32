/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Stored bytes: sums, where the payload lies, and how many extents refer to it. */
#include "vos/private.h"

/* ------------------------------------------------ layout */

static size_t
sums_size(uint32_t count)
{
	return align_up(count * sizeof(uint32_t), 8);
}

size_t
blob_size(const struct blob *blob)
{
	size_t size = sizeof(*blob) + sums_size(blob->sum_count);

	if (blob->flags & BLOB_DATA)
		return size + blob->extent_count * sizeof(struct data_extent);
	if (blob->flags & BLOB_TAIL)
		return size + sizeof(uint64_t) + blob->length - blob->extent_count;
	return size + blob->length;
}

size_t
blob_whole_size(const struct blob *blob)
{
	if (blob->flags & BLOB_DATA)
		return blob_size(blob);
	return sizeof(*blob) + sums_size(blob->sum_count) + blob->length;
}

const uint32_t *
blob_sums(const struct blob *blob)
{
	return (const uint32_t *)(blob + 1);
}

const struct data_extent *
blob_extents(const struct blob *blob)
{
	return (const struct data_extent *)((const uint8_t *)(blob + 1) +
					    sums_size(blob->sum_count));
}

uint64_t
blob_tail(const struct blob *blob)
{
	return (blob->flags & BLOB_TAIL) != 0
		       ? load_u64((const uint8_t *)(blob + 1) + sums_size(blob->sum_count))
		       : 0;
}

size_t
blob_tail_size(const struct blob *blob)
{
	return sizeof(struct blob_tail) + blob->extent_count;
}

const uint8_t *
blob_payload(const struct blob *blob)
{
	return (const uint8_t *)(blob + 1) + sums_size(blob->sum_count);
}

static bool
blob_plausible(const struct blob *blob)
{
	if (blob->type != RECORD_BLOB || blob->version != RECORD_VERSION || blob->references == 0 ||
	    blob->length == 0 || blob->length > VOS_PAYLOAD_MAX || blob->record_size == 0)
		return false;
	if (blob->sum_count != piece_count(blob->start, blob->length))
		return false;
	switch (blob->flags) {
	case BLOB_DATA:
		return blob->extent_count > 0 && blob->extent_count <= BLOB_EXTENTS_MAX;
	case BLOB_TAIL:
		return blob->extent_count > 0 && blob->extent_count < blob->length;
	default:
		return blob->flags == 0 && blob->extent_count == 0;
	}
}

static bool
blob_extents_plausible(const struct blob *blob)
{
	const struct data_extent *extents = blob_extents(blob);
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < blob_extent_count(blob); i++)
		bytes += (uint64_t)extents[i].count * DISK_BLOCK;
	return (blob->flags & BLOB_DATA) == 0 || bytes >= blob->length;
}

static int
tail_check(struct pin *pin, const struct blob *blob)
{
	uint64_t offset = blob_tail(blob);
	const struct blob_tail *tail = heap_at(pin, offset, blob_tail_size(blob));

	if (!tail)
		return pin_outcome(pin);
	if (tail->type != RECORD_TAIL || tail->version != RECORD_VERSION)
		return error_raise(-DER_IO, "the heap is damaged: no end of a value at %llu",
				   (unsigned long long)offset);
	return 0;
}

int
blob_get(struct pin *pin, uint64_t offset, const struct blob **ret_blob)
{
	const struct blob *blob = heap_at(pin, offset, sizeof(*blob));

	if (!blob)
		return pin_outcome(pin);
	if (!blob_plausible(blob))
		return error_raise(-DER_IO, "the heap is damaged: no stored value at %llu",
				   (unsigned long long)offset);
	blob = heap_at(pin, offset, blob_size(blob));
	if (!blob)
		return pin_outcome(pin);
	if (!blob_extents_plausible(blob))
		return error_raise(-DER_IO, "the heap is damaged: bad value at %llu",
				   (unsigned long long)offset);
	if (blob->flags & BLOB_TAIL) {
		int rc = tail_check(pin, blob);

		if (rc != 0)
			return rc;
	}
	*ret_blob = blob;
	return 0;
}

void
blob_gather(struct pin *pin, const struct blob *blob, struct blob *copy)
{
	size_t head = sizeof(*blob) + sums_size(blob->sum_count), part;
	const struct blob_tail *tail;
	uint8_t *payload;

	if ((blob->flags & BLOB_TAIL) == 0) {
		memcpy(copy, blob, blob_size(blob));
		return;
	}
	tail = heap_at(pin, blob_tail(blob), blob_tail_size(blob));
	ASSERT(tail != NULL);
	part = blob->length - blob->extent_count;
	memcpy(copy, blob, head);
	copy->flags = 0;
	copy->extent_count = 0;
	payload = (uint8_t *)copy + head;
	memcpy(payload, blob_payload(blob) + sizeof(uint64_t), part);
	memcpy(payload + part, tail + 1, blob->extent_count);
}

/* ------------------------------------------------ sums */

int
value_sum(const struct value_plan *value, const uint32_t *sums)
{
	uint32_t piece = piece_size(value->bytes), done = 0;

	for (uint32_t i = 0; i < value->sum_count; i++) {
		uint32_t first = i == 0 ? (uint32_t)(value->byte_start % piece) : 0;
		uint32_t length = min_of(piece - first, value->bytes - done);

		value->sums[i] = crc32c_iov(0, value->payload, value->payload_count,
					    value->payload_offset + done, length);
		if (sums && sums[i] != value->sums[i]) {
			REACHED("vos: payload arrives damaged");
			return error_raise(-DER_CSUM,
					   "the payload does not match its sum in piece %u of %u",
					   i, value->sum_count);
		}
		done += length;
	}
	return 0;
}

/* The sum over all of a value, from those of its pieces. */
static uint32_t
value_whole_sum(const struct value_plan *value)
{
	uint32_t piece = piece_size(value->bytes), done = 0, sum = 0;

	for (uint32_t i = 0; i < value->sum_count; i++) {
		uint32_t first = i == 0 ? (uint32_t)(value->byte_start % piece) : 0;
		uint32_t length = min_of(piece - first, value->bytes - done);

		sum = i == 0 ? value->sums[0] : crc32c_combine(sum, value->sums[i], length);
		done += length;
	}
	return sum;
}

/* ------------------------------------------------ payload */

#define SLICE_MAX 64

/* Hands over length bytes of the payload from offset on. */
static int
extent_write(struct tx *tx, const struct value_plan *value, struct data_extent extent,
	     uint32_t offset, uint32_t length)
{
	struct iovec slice[SLICE_MAX];
	int count = iov_slice(value->payload, value->payload_count, value->payload_offset + offset,
			      length, slice, SLICE_MAX);
	uint32_t crc;

	if (count < 0)
		return error_raise(-DER_INVAL,
				   "the payload of one value is in more than %d buffers",
				   SLICE_MAX);
	crc = length == value->bytes ? value_whole_sum(value)
				     : crc32c_iov(0, slice, (uint32_t)count, 0, length);
	return tx_data_write(tx, extent, slice, (uint32_t)count, length, crc);
}

int
value_write(struct tx *tx, struct value_plan *value)
{
	uint32_t done = 0;

	while (done < value->bytes) {
		struct data_extent *extent = &value->extents[value->extent_count];
		uint32_t blocks =
				 (uint32_t)(align_up(value->bytes - done, DISK_BLOCK) / DISK_BLOCK),
			 length;
		int rc;

		if (value->extent_count == BLOB_EXTENTS_MAX)
			return error_raise(-DER_NOSPACE,
					   "the free space is in too small parts for %u bytes",
					   value->bytes);
		rc = tx_data_reserve(tx, blocks, extent);
		if (rc != 0)
			return rc;
		value->extent_count++;
		length = (uint32_t)min_of((uint64_t)extent->count * DISK_BLOCK,
					  (uint64_t)(value->bytes - done));
		rc = extent_write(tx, value, *extent, done, length);
		if (rc != 0)
			return rc;
		done += length;
	}
	return 0;
}

static size_t
value_head_size(const struct value_plan *value)
{
	size_t size = sizeof(struct blob) + sums_size(value->sum_count);

	if (value->extents)
		return size + BLOB_EXTENTS_MAX * sizeof(struct data_extent);
	if (value->tail > 0)
		return size + sizeof(uint64_t) + value->bytes - value->tail;
	return size + value->bytes;
}

void
value_need(struct edit *edit, const struct value_plan *value)
{
	edit_need_block(edit, value_head_size(value));
	if (value->tail > 0)
		edit_need_block(edit, sizeof(struct blob_tail) + value->tail);
}

/* Smaller values are not worth the second block. */
#define CUT_MIN 512u

/*
 * Blocks come in few sizes, and one just above a size takes a good part more than it holds. Two
 * blocks are made where that saves an eighth: the first one full, the second one with the rest.
 */
void
value_cut(struct value_plan *value)
{
	size_t fixed = sizeof(struct blob) + sums_size(value->sum_count) + sizeof(uint64_t);
	uint32_t whole, least, size;

	value->tail = 0;
	if (value->hole || value->extents || value->bytes < CUT_MIN)
		return;
	whole = heap_block_size(fixed - sizeof(uint64_t) + value->bytes);
	least = whole - whole / 8;
	for (size = heap_block_size(fixed + CUT_MIN / 2);
	     size < whole && size < fixed + value->bytes; size = heap_block_size(size + 1u)) {
		uint32_t tail = (uint32_t)(fixed + value->bytes - size);
		uint32_t both = size + heap_block_size(sizeof(struct blob_tail) + tail);

		if (both > least)
			continue;
		least = both;
		value->tail = tail;
	}
}

/* The last bytes of a value, in a block of their own. */
static uint64_t
tail_create(struct tx *tx, const struct value_plan *value, uint64_t near)
{
	size_t size = sizeof(struct blob_tail) + value->tail;
	uint64_t offset = tx_alloc(tx, size, near);
	struct blob_tail *tail = tx_change(tx, offset, size);

	tail->type = RECORD_TAIL;
	tail->version = RECORD_VERSION;
	iov_copy_out(value->payload, value->payload_count,
		     value->payload_offset + value->bytes - value->tail, (uint8_t *)(tail + 1),
		     value->tail);
	return offset;
}

static struct blob
blob_head(const struct value_plan *value)
{
	uint32_t flags = value->extents ? BLOB_DATA : value->tail > 0 ? BLOB_TAIL : 0;

	return (struct blob){
		.type = RECORD_BLOB,
		.version = RECORD_VERSION,
		.flags = (uint8_t)flags,
		.references = 1,
		.start = value->byte_start,
		.record_size = value->record_size,
		.length = value->bytes,
		.sum_count = (uint16_t)value->sum_count,
		.extent_count = (uint16_t)(value->extents ? value->extent_count : value->tail),
	};
}

uint64_t
blob_create(struct tx *tx, const struct value_plan *value, uint64_t near)
{
	struct blob head = blob_head(value);
	struct blob *blob;
	uint64_t offset;
	uint8_t *rest;

	if (value->blob != 0) {
		if (value->shared)
			blob_reference(tx, value->blob);
		return value->blob;
	}
	offset = tx_alloc(tx, blob_size(&head), near);
	blob = tx_change(tx, offset, blob_size(&head));
	*blob = head;
	memcpy(blob + 1, value->sums, value->sum_count * sizeof(uint32_t));
	rest = (uint8_t *)(blob + 1) + sums_size(value->sum_count);
	if (value->extents) {
		memcpy(rest, value->extents, value->extent_count * sizeof(struct data_extent));
		for (uint32_t i = 0; i < value->extent_count; i++)
			tx_data_publish(tx, value->extents[i]);
		return offset;
	}
	if (value->tail > 0) {
		store_u64(rest, tail_create(tx, value, offset));
		rest += sizeof(uint64_t);
	}
	iov_copy_out(value->payload, value->payload_count, value->payload_offset, rest,
		     value->bytes - value->tail);
	return offset;
}

/* ------------------------------------------------ references */

void
blob_reference(struct tx *tx, uint64_t offset)
{
	if (offset != 0)
		++*(uint32_t *)tx_change(tx, offset + offsetof(struct blob, references),
					 sizeof(uint32_t));
}

void
blob_release(struct tx *tx, uint64_t offset)
{
	const struct blob *blob = NULL;
	uint32_t *references;
	int rc;

	if (offset == 0)
		return;
	rc = blob_get(&tx->pin, offset, &blob);
	/* Gone by this change already: more extents share it than it knows of. */
	if (rc != 0) {
		tx_damaged(tx);
		return;
	}
	if (blob->references > 1) {
		references = tx_change(tx, offset + offsetof(struct blob, references),
				       sizeof(*references));
		--*references;
		return;
	}
	for (uint32_t i = 0; i < blob_extent_count(blob) && !BUG(10); i++)
		tx_data_free(tx, blob_extents(blob)[i]);
	if (blob->flags & BLOB_TAIL)
		tx_free(tx, blob_tail(blob));
	tx_free(tx, offset);
}
