/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Images, and the judgement which writes a power cut leaves. */
#include <stdlib.h>
#include <string.h>

#include "env/memory/platter.h"
#include "env/memory/world.h"

static const uint8_t zero_block[DISK_BLOCK];

/* ------------------------------------------------ images */

void
block_put(struct block *block)
{
	if (block && --block->references == 0)
		free(block);
}

struct block *
block_create_raw(void)
{
	struct block *block = memory_take_raw(sizeof(*block));

	block->references = 1;
	return block;
}

struct block *
block_create(const struct block *from)
{
	struct block *block = block_create_raw();

	memcpy(block->data, from ? from->data : zero_block, DISK_BLOCK);
	return block;
}

struct block *
block_join(const struct block *fresh, const struct block *old, uint32_t sectors)
{
	struct block *block = block_create(old);

	memcpy(block->data, fresh ? fresh->data : zero_block, (size_t)sectors * SECTOR);
	return block;
}

bool
block_equal(const struct block *one, const struct block *other)
{
	return one == other || memcmp(one ? one->data : zero_block,
				      other ? other->data : zero_block, DISK_BLOCK) == 0;
}

void
image_init(struct image *image, uint64_t size)
{
	image->count = size / DISK_BLOCK;
	image->blocks = memory_take(image->count * sizeof(image->blocks[0]));
	image->used = 0;
}

void
image_fini(struct image *image)
{
	for (uint64_t i = 0; image->used > 0 && i < image->count; i++)
		block_put(image->blocks[i]);
	free(image->blocks);
	*image = (struct image){0};
}

void
image_copy(struct image *to, const struct image *from)
{
	image_init(to, from->count * DISK_BLOCK);
	to->used = from->used;
	if (from->used == 0)
		return;
	memcpy(to->blocks, from->blocks, from->count * sizeof(from->blocks[0]));
	for (uint64_t i = 0; i < to->count; i++) {
		if (to->blocks[i])
			to->blocks[i]->references++;
	}
}

void
image_put(struct image *image, uint64_t number, struct block *block)
{
	struct block *former;

	ASSERT(number < image->count);
	former = image->blocks[number];
	if (block)
		block->references++;
	image->blocks[number] = block;
	image->used = image->used + (block != NULL) - (former != NULL);
	block_put(former);
}

void
image_read(const struct image *image, uint64_t offset, void *buffer, size_t length)
{
	uint8_t *to = buffer;

	ASSERT(offset + length <= image->count * DISK_BLOCK);
	while (length > 0) {
		const struct block *block = image->blocks[offset / DISK_BLOCK];
		size_t skip = offset % DISK_BLOCK;
		size_t piece = min_of(length, DISK_BLOCK - skip);

		memcpy(to, (block ? block->data : zero_block) + skip, piece);
		to += piece;
		offset += piece;
		length -= piece;
	}
}

void
image_change(struct image *image, uint64_t offset, const void *buffer, size_t length)
{
	const uint8_t *from = buffer;

	ASSERT(offset + length <= image->count * DISK_BLOCK);
	while (length > 0) {
		struct block *block = block_create(image->blocks[offset / DISK_BLOCK]);
		size_t skip = offset % DISK_BLOCK;
		size_t piece = min_of(length, DISK_BLOCK - skip);

		memcpy(block->data + skip, from, piece);
		image_put(image, offset / DISK_BLOCK, block);
		block_put(block);
		from += piece;
		offset += piece;
		length -= piece;
	}
}

/* ------------------------------------------------ writes */

struct write *
write_create(uint64_t first, uint32_t count, bool durable)
{
	struct write *write = memory_take(sizeof(*write) + count * sizeof(write->blocks[0]));

	write->references = 1;
	write->first = first;
	write->count = count;
	write->durable = durable;
	return write;
}

struct write *
write_get(struct write *write)
{
	write->references++;
	return write;
}

void
write_put(struct write *write)
{
	if (--write->references > 0)
		return;
	for (uint32_t i = 0; i < write->count; i++)
		block_put(write->blocks[i]);
	free(write);
}

static void
apply_whole(struct image *image, const struct write *write)
{
	for (uint32_t i = 0; i < write->count; i++)
		image_put(image, write->first + i, write->blocks[i]);
}

/* Of block i of write only the sectors in mask arrive. */
static void
apply_sectors(struct image *image, const struct write *write, uint32_t i, uint32_t mask)
{
	const struct block *from = write->blocks[i];
	struct block *block;

	if (mask == 0)
		return;
	block = block_create(image->blocks[write->first + i]);
	for (uint32_t sector = 0; sector < SECTORS; sector++) {
		if (mask & (1u << sector))
			memcpy(block->data + sector * SECTOR,
			       (from ? from->data : zero_block) + sector * SECTOR, SECTOR);
	}
	image_put(image, write->first + i, block);
	block_put(block);
}

/* The sectors in mask become garbage. */
static void
spoil_sectors(struct image *image, uint64_t number, uint32_t mask, uint64_t *stream)
{
	struct block *block = block_create(image->blocks[number]);

	for (uint32_t sector = 0; sector < SECTORS; sector++) {
		for (uint32_t i = 0; mask & (1u << sector) && i < SECTOR; i += 8) {
			uint64_t drawn = stream_next(stream);

			memcpy(block->data + sector * SECTOR + i, &drawn, sizeof(drawn));
		}
	}
	image_put(image, number, block);
	block_put(block);
}

static void
apply_torn(struct image *image, const struct write *write)
{
	for (uint32_t i = 0; i + 1 < write->count; i++)
		image_put(image, write->first + i, write->blocks[i]);
	if (write->count > 0)
		apply_sectors(image, write, write->count - 1, (1u << (SECTORS / 2)) - 1);
}

enum block_fate { BLOCK_OLD, BLOCK_NEW, BLOCK_TORN, BLOCK_SHORN, BLOCK_FATES };

/* A shorn block is old or new in each of the sectors that are not garbage; at least one is. */
static enum block_fate
apply_block(struct image *image, const struct write *write, uint32_t i, bool shorn,
	    uint64_t *stream)
{
	uint64_t drawn = stream_next(stream);
	uint32_t mask = (uint32_t)(drawn >> 32) & ((1u << SECTORS) - 1);
	enum block_fate fate = (enum block_fate)(drawn % (shorn ? BLOCK_FATES : BLOCK_SHORN));

	if (fate == BLOCK_NEW)
		image_put(image, write->first + i, write->blocks[i]);
	if (fate == BLOCK_TORN || fate == BLOCK_SHORN)
		apply_sectors(image, write, i, mask);
	if (fate == BLOCK_SHORN)
		spoil_sectors(image, write->first + i,
			      1u << (drawn >> 40) % SECTORS |
				      ((uint32_t)(drawn >> 48) & ((1u << SECTORS) - 1)),
			      stream);
	return fate;
}

static void
apply_random(struct image *image, const struct write *write, bool shorn, uint64_t *stream,
	     struct casualties *casualties)
{
	uint32_t fates[BLOCK_FATES] = {0};

	for (uint32_t i = 0; i < write->count; i++)
		fates[apply_block(image, write, i, shorn, stream)]++;
	if (fates[BLOCK_SHORN] > 0)
		casualties->shorn++;
	else if (fates[BLOCK_OLD] == write->count)
		casualties->lost++;
	else if (fates[BLOCK_NEW] != write->count)
		casualties->torn++;
}

/* ------------------------------------------------ platters */

void
platter_init(struct platter *platter, uint64_t size)
{
	*platter = (struct platter){0};
	image_init(&platter->stable, size);
}

static void
platter_clear(struct platter *platter)
{
	for (uint32_t i = 0; i < platter->count; i++)
		write_put(platter->entries[i].write);
	platter->count = 0;
	platter->completed = 0;
}

void
platter_fini(struct platter *platter)
{
	platter_clear(platter);
	free(platter->entries);
	image_fini(&platter->stable);
}

void
platter_reset(struct platter *platter, const struct image *image)
{
	struct image copy;

	image_copy(&copy, image);
	platter_clear(platter);
	image_fini(&platter->stable);
	platter->stable = copy;
}

void
platter_submit(struct platter *platter, struct write *write, uint64_t number)
{
	if (platter->count == platter->capacity) {
		platter->capacity = max_of(16u, platter->capacity * 2);
		platter->entries = memory_grow(platter->entries,
					       platter->capacity * sizeof(platter->entries[0]));
	}
	platter->entries[platter->count++] =
		(struct entry){.write = write_get(write), .number = number};
}

/* Takes the entry at index out and returns it. */
static struct entry
platter_take(struct platter *platter, uint32_t index)
{
	struct entry entry = platter->entries[index];

	memmove(platter->entries + index, platter->entries + index + 1,
		(platter->count - index - 1) * sizeof(platter->entries[0]));
	platter->count--;
	if (index < platter->completed)
		platter->completed--;
	return entry;
}

static uint32_t
platter_find(const struct platter *platter, const struct write *write)
{
	uint32_t i = platter->completed;

	while (i < platter->count && platter->entries[i].write != write)
		i++;
	ASSERT(i < platter->count);
	return i;
}

/* The longest durable beginning moves into the image. What is durable behind a write that is not
 * stays in line, so that the older one cannot overwrite it later. */
static void
platter_settle(struct platter *platter)
{
	uint32_t settled = 0;

	while (settled < platter->completed && platter->entries[settled].stable) {
		const struct entry *entry = &platter->entries[settled++];

		if (!entry->failed)
			apply_whole(&platter->stable, entry->write);
		write_put(entry->write);
	}
	if (settled == 0)
		return;
	memmove(platter->entries, platter->entries + settled,
		(platter->count - settled) * sizeof(platter->entries[0]));
	platter->count -= settled;
	platter->completed -= settled;
}

void
platter_complete(struct platter *platter, struct write *write, uint64_t number, bool failed)
{
	struct entry entry = platter_take(platter, platter_find(platter, write));

	memmove(platter->entries + platter->completed + 1, platter->entries + platter->completed,
		(platter->count - platter->completed) * sizeof(platter->entries[0]));
	entry.number = number;
	entry.completed = true;
	entry.failed = failed;
	entry.stable = write->durable && !failed;
	platter->entries[platter->completed++] = entry;
	platter->count++;
	platter_settle(platter);
}

void
platter_flush(struct platter *platter, uint64_t bound)
{
	for (uint32_t i = 0; i < platter->completed; i++) {
		if (platter->entries[i].number < bound)
			platter->entries[i].stable = true;
	}
	platter_settle(platter);
}

void
platter_cancel(struct platter *platter, struct write *write)
{
	struct entry entry = platter_take(platter, platter_find(platter, write));

	write_put(entry.write);
}

void
platter_lose(struct platter *platter)
{
	for (uint32_t i = platter->completed; i-- > 0;) {
		if (!platter->entries[i].stable)
			write_put(platter_take(platter, i).write);
	}
	platter_settle(platter);
}

uint32_t
platter_pending(const struct platter *platter)
{
	uint32_t pending = 0;

	for (uint32_t i = 0; i < platter->count; i++)
		pending += !platter->entries[i].stable;
	return pending;
}

/* ------------------------------------------------ power cuts */

static int
compare_entries(const void *one, const void *other)
{
	const struct entry *a = *(struct entry *const *)one;
	const struct entry *b = *(struct entry *const *)other;

	if (a->completed != b->completed)
		return a->completed ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* The pending entries of all platters in their common order; the caller frees the array. */
static struct entry **
gather_pending(struct platter **platters, uint32_t count, uint32_t *ret_pending)
{
	struct entry **all;
	uint32_t pending = 0;

	for (uint32_t i = 0; i < count; i++)
		pending += platter_pending(platters[i]);
	all = memory_take(pending * sizeof(all[0]));
	pending = 0;
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < platters[i]->count; k++) {
			if (!platters[i]->entries[k].stable)
				all[pending++] = &platters[i]->entries[k];
		}
	}
	if (pending > 1)
		qsort(all, pending, sizeof(all[0]), compare_entries);
	*ret_pending = pending;
	return all;
}

static enum fate
judge(const struct memory_crash *crash, uint64_t number)
{
	switch (crash->kind) {
	case MEMORY_CRASH_PREFIX:
		return number < crash->index ? FATE_WHOLE : FATE_LOST;
	case MEMORY_CRASH_WITHOUT:
		return number != crash->index ? FATE_WHOLE : FATE_LOST;
	case MEMORY_CRASH_ONLY:
		return number == crash->index ? FATE_WHOLE : FATE_LOST;
	case MEMORY_CRASH_TORN:
		return number < crash->index	? FATE_WHOLE
		       : number == crash->index ? FATE_TORN
						: FATE_LOST;
	case MEMORY_CRASH_RANDOM:
		break;
	}
	return FATE_RANDOM;
}

static void
apply_entry(struct image *image, const struct entry *entry, bool shorn, uint64_t *stream,
	    struct casualties *casualties)
{
	if (entry->stable) {
		if (!entry->failed)
			apply_whole(image, entry->write);
		return;
	}
	switch (entry->fate) {
	case FATE_LOST:
		casualties->lost++;
		break;
	case FATE_WHOLE:
		apply_whole(image, entry->write);
		break;
	case FATE_TORN:
		apply_torn(image, entry->write);
		casualties->torn++;
		break;
	case FATE_RANDOM:
		apply_random(image, entry->write, shorn, stream, casualties);
		break;
	}
}

struct casualties
platters_survive(struct platter **platters, uint32_t count, const struct memory_crash *crash,
		 bool shorn, struct image *ret_images)
{
	struct casualties casualties = {0};
	uint64_t stream = mix64(crash->index + 1);
	uint32_t pending;
	struct entry **all = gather_pending(platters, count, &pending);

	for (uint32_t i = 0; i < pending; i++)
		all[i]->fate = judge(crash, i);
	free(all);
	for (uint32_t i = 0; i < count; i++) {
		image_copy(&ret_images[i], &platters[i]->stable);
		for (uint32_t k = 0; k < platters[i]->count; k++)
			apply_entry(&ret_images[i], &platters[i]->entries[k], shorn, &stream,
				    &casualties);
	}
	return casualties;
}

uint64_t
memory_crash_count(uint32_t pending, uint32_t random)
{
	/* With one pending write "without" and "only" are prefixes; with more, "without the last",
	 * "only the first" are. */
	uint64_t without = pending > 1 ? pending - 1 : 0;
	uint64_t only = pending > 2 ? pending - 1 : 0;

	return pending + 1 + without + only + pending + (pending > 0 ? random : 0);
}

struct memory_crash
memory_crash_state(uint32_t pending, uint32_t random, uint64_t number)
{
	uint64_t without = pending > 1 ? pending - 1 : 0;
	uint64_t only = pending > 2 ? pending - 1 : 0;

	ASSERT(number < memory_crash_count(pending, random));
	if (number <= pending)
		return (struct memory_crash){MEMORY_CRASH_PREFIX, number};
	number -= pending + 1;
	if (number < without)
		return (struct memory_crash){MEMORY_CRASH_WITHOUT, number};
	number -= without;
	if (number < only)
		return (struct memory_crash){MEMORY_CRASH_ONLY, number + 1};
	number -= only;
	if (number < pending)
		return (struct memory_crash){MEMORY_CRASH_TORN, number};
	return (struct memory_crash){MEMORY_CRASH_RANDOM, number - pending};
}
