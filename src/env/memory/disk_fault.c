/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What goes wrong on a disk because a test ordered it: errors that it tells, and lies. */
#include <stdlib.h>
#include <string.h>

#include "env/memory/disk.h"

void
media_streams_init(struct media *media)
{
	const struct memory_world *world = media->world;
	const char *node = media->node->name;

	media->order_stream = stream_of(world, "disk order", node, media->name, 0);
	media->discard_stream = stream_of(world, "disk discard", node, media->name, 0);
	media->faults.stream = stream_of(world, "disk faults", node, media->name, 0);
}

void
media_strike(struct media *media, enum memory_fault fault, uint64_t offset, uint64_t length)
{
	struct memory_strike strike = {
		.fault = fault, .disk = media->name, .offset = offset, .length = length};

	world_strike(media->world, media->node, strike);
}

/* Ends what is kept for stale reads. */
static void
forget_older(struct media *media)
{
	image_fini(&media->faults.older);
}

void
media_faults_fini(struct media *media)
{
	forget_older(media);
	free(media->faults.unreadable);
	media->faults.unreadable = NULL;
	media->faults.unreadable_count = 0;
}

/* ------------------------------------------------ errors */

bool
media_vanished(struct media *media)
{
	struct condition *vanished = &media->faults.vanished;

	if (!vanished->active)
		return false;
	if (!vanished->struck)
		media_strike(media, MEMORY_FAULT_VANISHED, 0, 0);
	vanished->struck = true;
	return true;
}

int
fault_result(struct media *media, const struct disk_io *io, bool *ret_lose)
{
	static const enum memory_fault told[] = {
		[DISK_READ] = MEMORY_FAULT_READ_ERROR,	   [DISK_WRITE] = MEMORY_FAULT_WRITE_ERROR,
		[DISK_FLUSH] = MEMORY_FAULT_FLUSH_ERROR,   [DISK_ZERO] = MEMORY_FAULT_WRITE_ERROR,
		[DISK_DISCARD] = MEMORY_FAULT_WRITE_ERROR,
	};
	struct order *order = &media->faults.failures[io->operation];

	*ret_lose = false;
	if (media_vanished(media))
		return -DER_IO;
	if (!order_strikes(&order->countdown))
		return 0;
	*ret_lose = io->operation == DISK_FLUSH && media->faults.flush_loses;
	/* Losing is told by what it loses. */
	if (!*ret_lose)
		media_strike(media, told[io->operation], io->offset, io->length);
	return order->result;
}

uint64_t
fault_delay(struct media *media, uint64_t delay)
{
	struct media_faults *faults = &media->faults;

	if (faults->slow == 0)
		return delay;
	if (!faults->slow_struck)
		media_strike(media, MEMORY_FAULT_SLOW, 0, 0);
	faults->slow_struck = true;
	return delay * faults->slow;
}

/* ------------------------------------------------ lies about writes */

/* A place for length bytes other than `right`; false when there is none. */
static bool
other_place(struct media *media, uint64_t right, uint64_t length, uint64_t wanted,
	    uint64_t *ret_offset)
{
	uint64_t places = (media->size - length) / DISK_BLOCK + 1;
	uint64_t place;

	if (places < 2)
		return false;
	place = min_of(wanted / DISK_BLOCK, places - 1);
	if (wanted == MEMORY_DRAWN || place == right / DISK_BLOCK)
		place = (right / DISK_BLOCK + 1 +
			 stream_next(&media->faults.stream) % (places - 1)) %
			places;
	*ret_offset = place * DISK_BLOCK;
	return true;
}

/* The write as submitted never happens. */
static void
drop_write(struct media *media, struct write *write)
{
	platter_cancel(&media->platter, write);
	trace_record(media, TRACE_CANCEL, write, 0);
	write_put(write);
}

/* Another write takes its place, with all references. */
static struct write *
replace_write(struct media *media, struct write *write, struct write *by)
{
	uint64_t number = ++media->world->sequence;

	drop_write(media, write);
	platter_submit(&media->platter, by, number);
	trace_record(media, TRACE_SUBMIT, by, number);
	return by;
}

/* The first count blocks of write, going to number `first`. */
static struct write *
copy_write(const struct write *write, uint64_t first, uint32_t count)
{
	struct write *copy = write_create(first, count, write->durable);

	for (uint32_t i = 0; i < count; i++) {
		copy->blocks[i] = write->blocks[i];
		if (copy->blocks[i])
			copy->blocks[i]->references++;
	}
	return copy;
}

static struct write *
misdirect(struct media *media, struct write *write)
{
	uint64_t right = write->first * DISK_BLOCK;
	uint64_t length = (uint64_t)write->count * DISK_BLOCK;
	uint64_t offset;

	if (!other_place(media, right, length, media->faults.misdirect_write.offset, &offset)) {
		media_strike(media, MEMORY_FAULT_LOST_WRITE, right, length);
		drop_write(media, write);
		return NULL;
	}
	media_strike(media, MEMORY_FAULT_MISDIRECTED_WRITE, right, offset);
	return replace_write(media, write, copy_write(write, offset / DISK_BLOCK, write->count));
}

static struct write *
tear(struct media *media, struct write *write)
{
	uint64_t sectors =
		1 + stream_next(&media->faults.stream) % ((uint64_t)write->count * SECTORS - 1);
	uint32_t last = (uint32_t)((sectors - 1) / SECTORS);
	struct write *part = copy_write(write, write->first, last + 1);

	block_put(part->blocks[last]);
	part->blocks[last] = block_join(write->blocks[last],
					media->newest.blocks[write->first + last],
					(uint32_t)(sectors - (uint64_t)last * SECTORS));
	media_strike(media, MEMORY_FAULT_TORN_WRITE, write->first * DISK_BLOCK, sectors * SECTOR);
	return replace_write(media, write, part);
}

struct write *
fault_write(struct media *media, struct write *write)
{
	struct media_faults *faults = &media->faults;
	bool lost = order_strikes(&faults->lose_write);
	bool misdirected = order_strikes(&faults->misdirect_write.countdown);
	bool torn = order_strikes(&faults->tear_write);

	if (write->count == 0 || !(lost || misdirected || torn))
		return write;
	if (misdirected && !lost)
		return misdirect(media, write);
	if (torn && !lost)
		return tear(media, write);
	media_strike(media, MEMORY_FAULT_LOST_WRITE, write->first * DISK_BLOCK,
		     (uint64_t)write->count * DISK_BLOCK);
	drop_write(media, write);
	return NULL;
}

/* ------------------------------------------------ unreadable ranges */

static void
add_range(struct media_faults *faults, uint64_t first, uint64_t end)
{
	if (first >= end)
		return;
	faults->unreadable = memory_grow(faults->unreadable, (faults->unreadable_count + 1) *
								     sizeof(faults->unreadable[0]));
	faults->unreadable[faults->unreadable_count++] = (struct block_range){first, end};
}

/* Blocks [first, end) can be read again: each range keeps what is before and behind. */
static void
cut_ranges(struct media_faults *faults, uint64_t first, uint64_t end)
{
	for (uint32_t i = faults->unreadable_count; i-- > 0;) {
		struct block_range range = faults->unreadable[i];

		if (range.end <= first || range.first >= end)
			continue;
		faults->unreadable[i] = faults->unreadable[--faults->unreadable_count];
		add_range(faults, range.first, min_of(range.end, first));
		add_range(faults, max_of(range.first, end), range.end);
	}
}

static bool
is_unreadable(const struct media_faults *faults, uint64_t first, uint64_t end)
{
	for (uint32_t i = 0; i < faults->unreadable_count; i++) {
		if (faults->unreadable[i].first < end && faults->unreadable[i].end > first)
			return true;
	}
	return false;
}

/* ------------------------------------------------ lies about reads */

void
fault_rewrite(struct media *media, const struct write *write)
{
	struct media_faults *faults = &media->faults;

	if (faults->unreadable_count > 0)
		cut_ranges(faults, write->first, write->first + write->count);
	for (uint32_t i = 0; faults->stale_read > 0 && i < write->count; i++)
		image_put(&faults->older, write->first + i, media->newest.blocks[write->first + i]);
}

/* Whether an older version of a range is known that differs. */
static bool
can_be_stale(const struct media *media, uint64_t offset, uint64_t length)
{
	const struct image *older = &media->faults.older;

	for (uint64_t i = offset / DISK_BLOCK; i < (offset + length) / DISK_BLOCK; i++) {
		if (!block_equal(older->blocks[i], media->newest.blocks[i]))
			return true;
	}
	return false;
}

static void
misdirect_read(struct media *media, uint64_t length, struct source *source)
{
	uint64_t right = source->offset;

	if (!other_place(media, right, length, media->faults.misdirect_read.offset,
			 &source->offset))
		return;
	media_strike(media, MEMORY_FAULT_MISDIRECTED_READ, right, source->offset);
}

int
fault_read(struct media *media, const struct disk_io *io, struct source *source)
{
	struct media_faults *faults = &media->faults;

	if (io->length == 0)
		return 0;
	if (is_unreadable(faults, io->offset / DISK_BLOCK,
			  (io->offset + io->length) / DISK_BLOCK)) {
		media_strike(media, MEMORY_FAULT_UNREADABLE, io->offset, io->length);
		return -DER_IO;
	}
	if (order_strikes(&faults->misdirect_read.countdown))
		misdirect_read(media, io->length, source);
	if (faults->stale_read > 0 && can_be_stale(media, source->offset, io->length) &&
	    order_strikes(&faults->stale_read)) {
		media_strike(media, MEMORY_FAULT_STALE_READ, source->offset, io->length);
		source->image = &faults->older;
	}
	return 0;
}

static void
flip_bit_of(const struct disk_io *io, uint64_t place, uint32_t bit)
{
	uint32_t i = 0;

	while (place >= io->iov[i].iov_len)
		place -= io->iov[i++].iov_len;
	((uint8_t *)io->iov[i].iov_base)[place] ^= (uint8_t)(1u << bit);
}

void
fault_returned(struct media *media, const struct disk_io *io)
{
	struct media_faults *faults = &media->faults;
	uint64_t drawn;

	/* A stale read has struck, and its versions were needed until now. */
	if (faults->stale_read == 0 && faults->older.count > 0)
		forget_older(media);
	if (io->length == 0 || !order_strikes(&faults->flip_read))
		return;
	drawn = stream_next(&faults->stream);
	flip_bit_of(io, (drawn >> 3) % io->length, (uint32_t)drawn & 7);
	media_strike(media, MEMORY_FAULT_FLIP_READ, io->offset + (drawn >> 3) % io->length, 1);
}

/* ------------------------------------------------ orders */

static struct media_faults *
faults_of(struct memory_world *world, const char *node, const char *name)
{
	return &world_media(world, node, name)->faults;
}

void
memory_disk_fail(struct memory_world *world, const char *node, const char *name,
		 enum disk_operation operation, uint64_t n, int result)
{
	struct media_faults *faults = faults_of(world, node, name);

	ASSERT(result < 0);
	faults->failures[operation] = (struct order){n, result};
	if (operation == DISK_FLUSH)
		faults->flush_loses = false;
}

void
memory_disk_fail_flush_and_lose(struct memory_world *world, const char *node, const char *name,
				uint64_t n)
{
	memory_disk_fail(world, node, name, DISK_FLUSH, n, -DER_IO);
	faults_of(world, node, name)->flush_loses = true;
}

void
memory_disk_flip_read(struct memory_world *world, const char *node, const char *name, uint64_t n)
{
	faults_of(world, node, name)->flip_read = n;
}

void
memory_disk_lose_write(struct memory_world *world, const char *node, const char *name, uint64_t n)
{
	faults_of(world, node, name)->lose_write = n;
}

void
memory_disk_misdirect_write(struct memory_world *world, const char *node, const char *name,
			    uint64_t n, uint64_t offset)
{
	ASSERT(offset == MEMORY_DRAWN || offset % DISK_BLOCK == 0);
	faults_of(world, node, name)->misdirect_write = (struct misdirection){n, offset};
}

void
memory_disk_misdirect_read(struct memory_world *world, const char *node, const char *name,
			   uint64_t n, uint64_t offset)
{
	ASSERT(offset == MEMORY_DRAWN || offset % DISK_BLOCK == 0);
	faults_of(world, node, name)->misdirect_read = (struct misdirection){n, offset};
}

void
memory_disk_tear_write(struct memory_world *world, const char *node, const char *name, uint64_t n)
{
	faults_of(world, node, name)->tear_write = n;
}

void
memory_disk_stale_read(struct memory_world *world, const char *node, const char *name, uint64_t n)
{
	struct media *media = world_media(world, node, name);

	forget_older(media);
	media->faults.stale_read = n;
	if (n > 0)
		image_copy(&media->faults.older, &media->platter.stable);
}

void
memory_disk_flip(struct memory_world *world, const char *node, const char *name, uint64_t offset,
		 uint32_t bit)
{
	struct media *media = world_media(world, node, name);
	struct image *images[] = {&media->newest, &media->platter.stable};

	ASSERT(offset < media->size && bit < 8);
	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		uint8_t byte;

		image_read(images[i], offset, &byte, 1);
		byte ^= (uint8_t)(1u << bit);
		image_change(images[i], offset, &byte, 1);
	}
	media_strike(media, MEMORY_FAULT_FLIP, offset, 1);
}

void
memory_disk_unreadable(struct memory_world *world, const char *node, const char *name,
		       uint64_t offset, uint64_t length)
{
	struct media *media = world_media(world, node, name);
	uint64_t first = offset / DISK_BLOCK;
	uint64_t end = (offset + length + DISK_BLOCK - 1) / DISK_BLOCK;

	ASSERT(length > 0 && offset + length <= media->size);
	cut_ranges(&media->faults, first, end);
	add_range(&media->faults, first, end);
}

void
memory_disk_slow(struct memory_world *world, const char *node, const char *name, uint32_t factor)
{
	struct media_faults *faults = faults_of(world, node, name);

	ASSERT(factor > 0);
	faults->slow = factor > 1 ? factor : 0;
	faults->slow_struck = false;
}

void
memory_disk_vanish(struct memory_world *world, const char *node, const char *name)
{
	faults_of(world, node, name)->vanished = (struct condition){.active = true};
}

void
memory_disk_heal(struct memory_world *world, const char *node, const char *name)
{
	struct media *media = world_media(world, node, name);
	uint64_t stream = media->faults.stream;

	media_faults_fini(media);
	media->faults = (struct media_faults){.stream = stream};
}
