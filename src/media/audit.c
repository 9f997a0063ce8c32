/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The audit of a heap: the owner claims what its structures hold, in bitmaps of the same shape as
 * those of the allocator, and the two are compared. Pages say which block an offset names, so that
 * a claim is one bit: of a run's block, or of a span's first page.
 */
#include "media/private.h"

#define PAGE_WORDS 2u /* of claims of one page: a bit per block of a run, bit 0 for a span */

struct heap_audit {
	struct heap *heap;
	struct arena *arena;
	struct pin pin;
	uint32_t zone_count, region_count;
	uint64_t **blocks;  /* per heap zone PAGE_WORDS * ZONE_CHUNKS words; NULL: no claim */
	uint64_t **regions; /* per region of the data space a bit per block; NULL: no claim */
	uint64_t *owned;    /* per bitmap zone: blocks claimed */
	struct heap_audit_figures figures;
};

/* ------------------------------------------------ begin and end */

/* Zones are not given back once loaded, so that a round in which all were there ends it. */
static int
zones_load(struct heap *heap)
{
	bool absent = true;
	int rc = 0;

	while (rc == 0 && absent) {
		absent = false;
		for (uint32_t i = 0; rc == 0 && i < heap->heap_zones + heap->space_zones; i++) {
			struct zone *zone = heap->zones[i];

			if (!zone || zone->stage == ZONE_LOADED)
				continue;
			absent = true;
			rc = zone_load(zone);
		}
	}
	if (rc == 0)
		rc = heap->media->state != 0 ? heap->media->state : heap->state;
	return rc;
}

int
heap_audit_begin(struct heap *heap, struct heap_audit **ret_audit)
{
	struct arena *arena = heap->media->arena;
	struct heap_audit *audit;
	int rc;

	heap_use(heap);
	rc = zones_load(heap);
	audit = rc == 0 ? arena_calloc(arena, 1, sizeof(*audit)) : NULL;
	if (!audit) {
		heap_unuse(heap);
		return rc != 0 ? rc : error_raise(-DER_NOMEM, "no memory for an audit");
	}
	audit->heap = heap;
	audit->arena = arena;
	pin_init(&audit->pin, heap);
	audit->zone_count = heap->heap_zones;
	audit->region_count = (uint32_t)((heap->blocks_total + REGION_BLOCKS - 1) / REGION_BLOCKS);
	audit->blocks = arena_calloc(arena, audit->zone_count, sizeof(*audit->blocks));
	audit->regions = arena_calloc(arena, audit->region_count + 1u, sizeof(*audit->regions));
	audit->owned = arena_calloc(arena, heap->space_zones + 1u, sizeof(*audit->owned));
	if (!audit->blocks || !audit->regions || !audit->owned) {
		heap_audit_end(audit);
		return error_raise(-DER_NOMEM, "no memory for an audit");
	}
	*ret_audit = audit;
	return 0;
}

void
heap_audit_end(struct heap_audit *audit)
{
	struct heap *heap = audit->heap;

	for (uint32_t i = 0; audit->blocks && i < audit->zone_count; i++)
		arena_free(audit->arena, audit->blocks[i]);
	for (uint32_t i = 0; audit->regions && i < audit->region_count; i++)
		arena_free(audit->arena, audit->regions[i]);
	arena_free(audit->arena, audit->blocks);
	arena_free(audit->arena, audit->regions);
	arena_free(audit->arena, audit->owned);
	pin_fini(&audit->pin);
	arena_free(audit->arena, audit);
	heap_unuse(heap);
}

struct pin *
heap_audit_pin(struct heap_audit *audit)
{
	return &audit->pin;
}

/* ------------------------------------------------ claims of blocks */

static uint32_t
zone_first_page(uint32_t number)
{
	return ZONE_CHUNKS - zone_new_free(number);
}

static uint32_t
size_class_of(size_t size)
{
	uint32_t size_class = 0;

	while (size_class < SIZE_CLASSES && size_classes[size_class] < size)
		size_class++;
	return size_class;
}

/* The bit of a block in its page; why it is none, where it is none. */
static const char *
block_bit(const struct zone_page *page, uint32_t inside, size_t size, uint32_t *ret_bit)
{
	uint32_t size_class = size_class_of(size);
	uint32_t bit;

	switch (page->kind) {
	case PAGE_RUN:
		if (size_class == SIZE_CLASSES || page->size_class != size_class)
			return "lies among blocks of another size";
		bit = inside / size_classes[size_class];
		if (inside % size_classes[size_class] != 0 ||
		    bit >= DISK_BLOCK / size_classes[size_class])
			return "begins inside a block";
		*ret_bit = bit;
		return (page->used[bit / 64] >> (bit % 64) & 1) != 0 ? NULL : "is free";
	case PAGE_SPAN:
		if (inside != 0)
			return "begins inside a block";
		if (size_class < SIZE_CLASSES ||
		    page->pages != (size + DISK_BLOCK - 1) / DISK_BLOCK)
			return "has pages of another size";
		*ret_bit = 0;
		return NULL;
	case PAGE_FREE:
		return "is free";
	default:
		return "begins inside a block";
	}
}

/* The bitmap at *claims, made when it is needed first; NULL without memory. */
static uint64_t *
claims_get(struct heap_audit *audit, uint64_t **claims, uint32_t words)
{
	if (!*claims)
		*claims = arena_calloc(audit->arena, words, sizeof(**claims));
	return *claims;
}

int
heap_audit_block(struct heap_audit *audit, uint64_t offset, size_t size)
{
	struct heap *heap = audit->heap;
	uint64_t number = offset / HEAP_ZONE, *words;
	uint32_t index = (uint32_t)(offset % HEAP_ZONE / DISK_BLOCK), bit = 0;
	struct zone *zone = number < heap->heap_zones_used ? heap->zones[number] : NULL;
	const char *why;

	if (!zone || zone->stage != ZONE_LOADED || index < zone_first_page((uint32_t)number))
		why = "lies outside the heap";
	else
		why = block_bit(&zone_header(zone)->pages[index], (uint32_t)(offset % DISK_BLOCK),
				size, &bit);
	if (why)
		return error_raise(-DER_IO, "a block of %zu bytes at %#lx is held and %s", size,
				   (unsigned long)offset, why);
	words = claims_get(audit, &audit->blocks[number], PAGE_WORDS * ZONE_CHUNKS);
	if (!words)
		return error_raise(-DER_NOMEM, "no memory for an audit");
	words += PAGE_WORDS * index + bit / 64;
	if ((*words >> (bit % 64) & 1) != 0)
		return error_raise(-DER_IO, "the block of %zu bytes at %#lx is held twice", size,
				   (unsigned long)offset);
	*words |= UINT64_C(1) << (bit % 64);
	audit->figures.blocks++;
	audit->figures.block_bytes += size;
	return 0;
}

/* ------------------------------------------------ claims of data blocks */

static const uint64_t *
region_image(const struct heap *heap, uint32_t region)
{
	const struct zone *zone = heap->zones[heap->heap_zones + region / ZONE_CHUNKS];

	if (!zone)
		return NULL;
	return (const uint64_t *)(const void *)(zone->image +
						(size_t)(region % ZONE_CHUNKS) * DISK_BLOCK);
}

/* Claims one block; what names who has it. */
static int
data_block_claim(struct heap_audit *audit, uint64_t block, const char *what)
{
	uint32_t region = (uint32_t)(block / REGION_BLOCKS);
	uint32_t inside = (uint32_t)(block % REGION_BLOCKS);
	uint64_t mask = UINT64_C(1) << (inside % 64);
	const uint64_t *image = region_image(audit->heap, region);
	uint64_t *words = claims_get(audit, &audit->regions[region], REGION_BLOCKS / 64);

	if (!words)
		return error_raise(-DER_NOMEM, "no memory for an audit");
	if (!image || (image[inside / 64] & mask) == 0)
		return error_raise(-DER_IO, "data block %lu is %s and free", (unsigned long)block,
				   what);
	if ((words[inside / 64] & mask) != 0)
		return error_raise(-DER_IO, "data block %lu is %s and held already",
				   (unsigned long)block, what);
	words[inside / 64] |= mask;
	return 0;
}

static int
extent_claim(struct heap_audit *audit, struct data_extent extent, const char *what)
{
	int rc = 0;

	if (extent.count == 0 || !space_valid(audit->heap, extent))
		return error_raise(-DER_IO, "%u data blocks from %lu on are %s, outside the data",
				   extent.count, (unsigned long)extent.block, what);
	for (uint32_t i = 0; rc == 0 && i < extent.count; i++)
		rc = data_block_claim(audit, extent.block + i, what);
	return rc;
}

int
heap_audit_extent(struct heap_audit *audit, struct data_extent extent)
{
	int rc = extent_claim(audit, extent, "held");

	for (uint32_t i = 0; rc == 0 && i < extent.count; i++)
		audit->owned[(extent.block + i) / SPACE_ZONE_BLOCKS]++;
	if (rc == 0)
		audit->figures.data_blocks += extent.count;
	return rc;
}

/* What running transactions took, or have left over of it. */
static int
taken_claim(struct heap_audit *audit, const struct list *bodies)
{
	int rc = 0;

	LIST_FOR_EACH(link, bodies) {
		const struct tx_body *body = list_entry(link, struct tx_body, live);

		for (uint32_t i = 0; rc == 0 && i < body->extent_count; i++)
			if (body->extents[i].count > 0)
				rc = extent_claim(audit, body->extents[i], "taken");
	}
	return rc;
}

static int
quarantine_claim(struct heap_audit *audit)
{
	uint64_t blocks = 0;
	int rc = 0;

	LIST_FOR_EACH(link, &audit->heap->quarantine) {
		const struct tx_body *body = list_entry(link, struct tx_body, frozen);

		for (uint32_t i = 0; rc == 0 && i < body->freed_count; i++) {
			rc = extent_claim(audit, body->freed[i], "freed");
			blocks += body->freed[i].count;
		}
	}
	if (rc == 0 && blocks != audit->heap->blocks_quarantined)
		rc = error_raise(-DER_IO, "%lu data blocks are in quarantine; %lu are counted",
				 (unsigned long)blocks,
				 (unsigned long)audit->heap->blocks_quarantined);
	return rc;
}

/* ------------------------------------------------ what nobody claims */

struct lost {
	uint64_t count, bytes, first; /* offset, or block */
	uint32_t first_bytes;
};

static void
lost_add(struct lost *lost, uint64_t where, uint32_t bytes)
{
	if (lost->count++ == 0) {
		lost->first = where;
		lost->first_bytes = bytes;
	}
	lost->bytes += bytes;
}

static void
page_lost(const struct zone *zone, uint32_t index, const struct zone_page *page,
	  const uint64_t *claims, struct lost *lost)
{
	uint64_t offset = (uint64_t)zone->number * HEAP_ZONE + index * DISK_BLOCK;

	if (page->kind == PAGE_SPAN && (!claims || (claims[PAGE_WORDS * index] & 1) == 0))
		lost_add(lost, offset, page->pages * DISK_BLOCK);
	if (page->kind != PAGE_RUN)
		return;
	for (uint32_t word = 0; word < PAGE_WORDS; word++) {
		uint64_t left = page->used[word] &
				~(claims ? claims[PAGE_WORDS * index + word] : 0);

		for (; left != 0; left &= left - 1) {
			uint32_t block = word * 64 + (uint32_t)__builtin_ctzll(left);
			uint32_t bytes = size_classes[page->size_class];

			lost_add(lost, offset + (uint64_t)block * bytes, bytes);
		}
	}
}

static int
blocks_judge(struct heap_audit *audit)
{
	struct heap *heap = audit->heap;
	struct lost lost = {0};
	const uint8_t *bytes;

	for (uint32_t i = 0; i < heap->heap_zones_used; i++) {
		struct zone *zone = heap->zones[i];

		for (uint32_t page = zone_first_page(i); zone && page < ZONE_CHUNKS; page++)
			page_lost(zone, page, &zone_header(zone)->pages[page], audit->blocks[i],
				  &lost);
	}
	if (lost.count == 0)
		return 0;
	bytes = heap_at(&audit->pin, lost.first, 4);
	return error_raise(-DER_IO,
			   "%lu blocks (%lu bytes) are allocated and held by nobody, the first at "
			   "%#lx: %u bytes that begin with %02x %02x %02x %02x",
			   (unsigned long)lost.count, (unsigned long)lost.bytes,
			   (unsigned long)lost.first, lost.first_bytes, bytes ? bytes[0] : 0,
			   bytes ? bytes[1] : 0, bytes ? bytes[2] : 0, bytes ? bytes[3] : 0);
}

static int
data_judge(struct heap_audit *audit)
{
	struct lost lost = {0};

	for (uint32_t region = 0; region < audit->region_count; region++) {
		const uint64_t *image = region_image(audit->heap, region);
		const uint64_t *claims = audit->regions[region];

		for (uint32_t i = 0; image && i < REGION_BLOCKS / 64; i++)
			for (uint64_t left = image[i] & ~(claims ? claims[i] : 0); left != 0;
			     left &= left - 1)
				lost_add(&lost,
					 (uint64_t)region * REGION_BLOCKS + i * 64 +
						 (uint32_t)__builtin_ctzll(left),
					 DISK_BLOCK);
	}
	if (lost.count == 0)
		return 0;
	return error_raise(-DER_IO,
			   "%lu data blocks are taken and held by nobody, the first is %lu",
			   (unsigned long)lost.count, (unsigned long)lost.first);
}

/* ------------------------------------------------ counts */

static int
count_judge(const struct zone *zone, const char *what, uint64_t counted, uint64_t found)
{
	if (counted == found)
		return 0;
	return error_raise(-DER_IO, "zone %u counts %lu %s; %lu were found", zone->number,
			   (unsigned long)counted, what, (unsigned long)found);
}

/* What zone_summarise() would make of the image. */
struct summary {
	uint64_t free[4], partial[SIZE_CLASSES][4];
	uint32_t free_count, partial_count[SIZE_CLASSES];
};

/* Takes one page, or one span, in; how many pages, 0 when it is impossible. */
static uint32_t
page_summarise(const struct zone_page *pages, uint32_t index, struct summary *summary)
{
	const struct zone_page *page = &pages[index];
	uint64_t bit = UINT64_C(1) << (index % 64);
	uint32_t used = (uint32_t)(__builtin_popcountll(page->used[0]) +
				   __builtin_popcountll(page->used[1]));

	if (page->kind == PAGE_SPAN)
		return page->pages <= ZONE_CHUNKS - index ? page->pages : 0;
	if (page->kind == PAGE_FREE) {
		summary->free[index / 64] |= bit;
		summary->free_count++;
		return 1;
	}
	if (page->kind != PAGE_RUN || page->size_class >= SIZE_CLASSES || used == 0 ||
	    used > DISK_BLOCK / size_classes[page->size_class])
		return 0;
	if (used < DISK_BLOCK / size_classes[page->size_class]) {
		summary->partial[page->size_class][index / 64] |= bit;
		summary->partial_count[page->size_class]++;
	}
	return 1;
}

static int
partial_judge(const struct zone *zone, const struct summary *summary)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < SIZE_CLASSES; i++) {
		rc = count_judge(zone, "runs with room", zone->partial_count[i],
				 summary->partial_count[i]);
		if (rc == 0 &&
		    memcmp(zone->partial[i], summary->partial[i], sizeof(zone->partial[i])) != 0)
			rc = error_raise(-DER_IO, "zone %u: the map of runs of %u bytes is wrong",
					 zone->number, size_classes[i]);
		if (rc == 0 &&
		    list_linked(&zone->partial_link[i]) != (summary->partial_count[i] > 0))
			rc = error_raise(-DER_IO, "zone %u: its runs of %u bytes are listed wrong",
					 zone->number, size_classes[i]);
	}
	return rc;
}

static int
promised_judge(const struct zone *zone)
{
	uint32_t promised = 0;

	for (uint32_t i = 0; i < ARRAY_SIZE(zone->promised); i++) {
		promised += (uint32_t)__builtin_popcountll(zone->promised[i]);
		if ((zone->promised[i] & ~zone->free[i]) != 0)
			return error_raise(-DER_IO, "zone %u: a page is promised and not free",
					   zone->number);
	}
	return count_judge(zone, "promised pages", zone->promised_count, promised);
}

/* A page that was never used counts as free without standing in a map. */
static int
heap_zone_judge(struct zone *zone)
{
	struct summary summary = {0};
	int rc;

	for (uint32_t i = zone_first_page(zone->number); i < ZONE_CHUNKS;) {
		uint32_t pages = page_summarise(zone_header(zone)->pages, i, &summary);

		if (pages == 0)
			return error_raise(-DER_IO, "zone %u: page %u is impossible", zone->number,
					   i);
		i += pages;
	}
	rc = count_judge(zone, "free pages", zone->free_count, summary.free_count);
	if (rc == 0 && memcmp(zone->free, summary.free, sizeof(zone->free)) != 0)
		rc = error_raise(-DER_IO, "zone %u: the map of free pages is wrong", zone->number);
	if (rc == 0)
		rc = partial_judge(zone, &summary);
	return rc == 0 ? promised_judge(zone) : rc;
}

static int
pages_judge(const struct heap *heap)
{
	uint64_t pages_free = 0, promised = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < heap->heap_zones; i++) {
		struct zone *zone = heap->zones[i];

		rc = zone ? heap_zone_judge(zone) : 0;
		pages_free += zone ? zone->free_count : zone_new_free(i);
		promised += zone ? zone->promised_count : 0;
	}
	if (rc == 0 && (pages_free != heap->pages_free || promised != heap->pages_promised))
		rc = error_raise(-DER_IO,
				 "the heap counts %lu free pages and %lu promised; its zones "
				 "have %lu and %lu",
				 (unsigned long)heap->pages_free,
				 (unsigned long)heap->pages_promised, (unsigned long)pages_free,
				 (unsigned long)promised);
	return rc;
}

static int
space_zone_judge(const struct heap_audit *audit, const struct zone *zone)
{
	uint32_t index = zone->number - audit->heap->heap_zones, left = space_zone_blocks(zone);
	uint64_t found = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && left > 0; i++) {
		const uint64_t *image = region_image(audit->heap, index * ZONE_CHUNKS + i);
		uint32_t blocks = min_of(left, REGION_BLOCKS), taken = 0;

		for (uint32_t word = 0; word < REGION_BLOCKS / 64; word++)
			taken += (uint32_t)__builtin_popcountll(image[word]);
		rc = count_judge(zone, "free blocks in a region", zone->region_free[i],
				 blocks - taken);
		found += blocks - taken;
		left -= blocks;
	}
	if (rc == 0)
		rc = count_judge(zone, "free blocks", zone->free_count, found);
	return rc == 0 ? count_judge(zone, "owned blocks", zone->owned, audit->owned[index]) : rc;
}

static int
space_judge(const struct heap_audit *audit)
{
	const struct heap *heap = audit->heap;
	uint64_t blocks_free = heap->blocks_total;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < heap->space_zones; i++) {
		const struct zone *zone = heap->zones[heap->heap_zones + i];

		rc = zone ? space_zone_judge(audit, zone) : 0;
		blocks_free -= zone ? space_zone_blocks(zone) - zone->free_count : 0;
	}
	if (rc == 0 && blocks_free != heap->blocks_free)
		rc = error_raise(-DER_IO,
				 "the heap counts %lu free data blocks; its zones have %lu",
				 (unsigned long)heap->blocks_free, (unsigned long)blocks_free);
	return rc;
}

int
heap_audit_judge(struct heap_audit *audit, struct heap_audit_figures *ret_figures)
{
	int rc = pages_judge(audit->heap);

	if (rc == 0)
		rc = blocks_judge(audit);
	if (rc == 0)
		rc = taken_claim(audit, &audit->heap->transactions);
	if (rc == 0)
		rc = taken_claim(audit, &audit->heap->pending);
	if (rc == 0)
		rc = quarantine_claim(audit);
	if (rc == 0)
		rc = data_judge(audit);
	if (rc == 0)
		rc = space_judge(audit);
	if (rc == 0)
		*ret_figures = audit->figures;
	return rc;
}
