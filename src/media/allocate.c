/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Blocks inside zones. A page is free, a run of blocks of one size class, or part of a span. The
 * header of the zone is the truth and changes by redo like everything else; the bitmaps in struct
 * zone repeat it for speed. A transaction is promised free pages before apply, for the worst case
 * that no run has room, so that tx_alloc() cannot fail.
 */
#include "media/private.h"

/* Pages of a run that is worth one of a transaction's before a new zone is begun. */
#define RUN_LONG 16u

const uint16_t size_classes[SIZE_CLASSES] = {32,  48,  64,  80,	 96,   112,  128, 144,
					     160, 176, 192, 224, 256,  320,  384, 448,
					     512, 576, 672, 816, 1024, 1360, 2048};

#define ROOMY_PAGES 16u /* a zone with so many unpromised free pages is in heap->roomy */

/* ------------------------------------------------ bitmaps of pages */

static inline bool
bit_get(const uint64_t *bits, uint32_t index)
{
	return bits[index / 64] >> (index % 64) & 1;
}

static inline void
bit_set(uint64_t *bits, uint32_t index)
{
	bits[index / 64] |= UINT64_C(1) << (index % 64);
}

static inline void
bit_clear(uint64_t *bits, uint32_t index)
{
	bits[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

/* The first set bit, ZONE_CHUNKS when there is none. */
static uint32_t
bit_first(const uint64_t *bits)
{
	for (uint32_t i = 0; i < ZONE_CHUNKS / 64; i++)
		if (bits[i] != 0)
			return i * 64 + (uint32_t)__builtin_ctzll(bits[i]);
	return ZONE_CHUNKS;
}

static uint32_t
blocks_of(uint32_t size_class)
{
	return DISK_BLOCK / size_classes[size_class];
}

/* The class that size bytes go to, SIZE_CLASSES for a span. */
static uint32_t
class_of(size_t size)
{
	uint32_t low = 0;
	uint32_t high = SIZE_CLASSES;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (size_classes[middle] < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t
heap_block_size(size_t size)
{
	uint32_t size_class = class_of(size);

	return size_class < SIZE_CLASSES ? size_classes[size_class]
					 : (uint32_t)align_up(size, DISK_BLOCK);
}

uint32_t
zone_new_free(uint32_t number)
{
	/* The first zone has the owner's root behind its header. */
	return ZONE_CHUNKS - ZONE_HEADER_PAGES - (number == 0 ? 1 : 0);
}

static uint32_t
first_page(const struct zone *zone)
{
	return ZONE_CHUNKS - zone_new_free(zone->number);
}

/* ------------------------------------------------ the summary */

void
zone_list(struct zone *zone)
{
	bool roomy = zone->free_count - zone->promised_count >= ROOMY_PAGES;

	if (roomy && !list_linked(&zone->roomy_link))
		list_append(&zone->heap->roomy, &zone->roomy_link);
	else if (!roomy)
		list_remove(&zone->roomy_link);
}

static void
partial_set(struct zone *zone, uint32_t size_class, uint32_t page)
{
	bit_set(zone->partial[size_class], page);
	if (zone->partial_count[size_class]++ == 0)
		list_prepend(&zone->heap->partial[size_class], &zone->partial_link[size_class]);
}

static void
partial_clear(struct zone *zone, uint32_t size_class, uint32_t page)
{
	bit_clear(zone->partial[size_class], page);
	if (--zone->partial_count[size_class] == 0)
		list_remove(&zone->partial_link[size_class]);
}

void
zone_unlist(struct zone *zone)
{
	list_remove(&zone->roomy_link);
	for (uint32_t i = 0; i < SIZE_CLASSES; i++)
		list_remove(&zone->partial_link[i]);
}

static uint32_t
run_used(const struct zone_page *page)
{
	return (uint32_t)(__builtin_popcountll(page->used[0]) +
			  __builtin_popcountll(page->used[1]));
}

static bool
run_valid(const struct zone_page *page)
{
	uint32_t blocks;

	if (page->size_class >= SIZE_CLASSES || run_used(page) == 0)
		return false;
	blocks = blocks_of(page->size_class);
	if (blocks <= 64)
		return page->used[1] == 0 && (blocks == 64 || page->used[0] >> blocks == 0);
	return blocks == 128 || page->used[1] >> (blocks - 64) == 0;
}

/* The pages of a span from index on; 0 when it is impossible. */
static uint32_t
span_pages(const struct zone_header *header, uint32_t index)
{
	uint32_t pages = header->pages[index].pages;

	if (pages == 0 || pages > ZONE_CHUNKS - index)
		return 0;
	for (uint32_t i = 1; i < pages; i++)
		if (header->pages[index + i].kind != PAGE_SPAN_REST)
			return 0;
	return pages;
}

/* Takes one page, or one span, into the summary; returns how many pages, 0 when it is impossible.
 */
static uint32_t
summarise_page(struct zone *zone, uint32_t index)
{
	const struct zone_header *header = zone_header(zone);
	const struct zone_page *page = &header->pages[index];

	switch (page->kind) {
	case PAGE_FREE:
		bit_set(zone->free, index);
		zone->free_count++;
		return 1;
	case PAGE_RUN:
		if (!run_valid(page))
			return 0;
		if (run_used(page) < blocks_of(page->size_class))
			partial_set(zone, page->size_class, index);
		return 1;
	case PAGE_SPAN:
		return span_pages(header, index);
	default:
		return 0;
	}
}

static bool
header_valid(const struct zone *zone, const struct zone_header *header)
{
	if (header->magic != ZONE_HEADER_MAGIC || header->version != ZONE_HEADER_VERSION ||
	    header->zone != zone->number)
		return false;
	for (uint32_t i = 0; i < ZONE_HEADER_PAGES; i++)
		if (header->pages[i].kind != PAGE_HEADER)
			return false;
	return zone->number != 0 || header->pages[ZONE_HEADER_PAGES].kind == PAGE_SPAN;
}

int
zone_summarise(struct zone *zone)
{
	struct zone_header *header = zone_header(zone);
	bool fresh = header->magic == 0;

	if (!fresh && !header_valid(zone, header))
		return error_raise(-DER_DF_INVAL, "zone %u of heap %s: its header is damaged",
				   zone->number, zone->heap->name);
	zone->free_count = 0;
	zone->run_limit = ZONE_CHUNKS;
	for (uint32_t i = first_page(zone); i < ZONE_CHUNKS;) {
		uint32_t pages = summarise_page(zone, i);

		if (pages == 0 || (fresh && !bit_get(zone->free, i)))
			return error_raise(-DER_DF_INVAL,
					   "zone %u of heap %s: page %u is impossible",
					   zone->number, zone->heap->name, i);
		i += pages;
	}
	zone_list(zone);
	return 0;
}

/* ------------------------------------------------ promising pages */

/* The first page from `from` on that is free and unpromised, or is not; ZONE_CHUNKS when there is
 * none. */
static uint32_t
next_page(const struct zone *zone, uint32_t from, bool available)
{
	for (uint32_t i = from / 64; i < ZONE_CHUNKS / 64; i++) {
		uint64_t bits = zone->free[i] & ~zone->promised[i];

		bits = available ? bits : ~bits;
		if (i == from / 64)
			bits &= ~UINT64_C(0) << (from % 64);
		if (bits != 0)
			return i * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return ZONE_CHUNKS;
}

/* The next run of free, unpromised pages from `from` on; its length is at most limit, 0 when there
 * is none. */
static uint32_t
next_run(const struct zone *zone, uint32_t from, uint32_t limit, uint32_t *ret_length)
{
	uint32_t first = next_page(zone, from, true);

	*ret_length = min_of(next_page(zone, first, false) - first, limit);
	return first;
}

/* A run of count pages, at *ret_first. */
static bool
find_run(struct zone *zone, uint32_t count, uint32_t *ret_first)
{
	uint32_t longest = 0, length;

	if (zone->run_limit < count)
		return false;
	for (uint32_t i = next_run(zone, 0, count, &length); length > 0;
	     i = next_run(zone, i + length, count, &length)) {
		*ret_first = i;
		if (length == count)
			return true;
		longest = max_of(longest, length);
	}
	zone->run_limit = longest;
	return false;
}

static void
promise(struct tx_body *body, struct zone *zone, uint32_t first, uint32_t count)
{
	body->runs[body->run_count++] =
		(struct page_run){.zone = zone, .first = (uint16_t)first, .count = (uint16_t)count};
	for (uint32_t i = 0; i < count; i++)
		bit_set(zone->promised, first + i);
	zone->promised_count += count;
	zone->heap->pages_promised += count;
	zone_list(zone);
}

/*
 * Takes runs of zone of at least so many pages until *pages are promised. A run of r pages serves
 * at least r - largest + 1 pages of blocks of up to largest pages before one does not fit; the run
 * that holds all the rest serves it whole.
 */
static void
promise_from(struct tx_body *body, struct zone *zone, uint32_t least, uint32_t largest,
	     uint32_t run_limit, uint32_t *pages)
{
	uint32_t length, i = next_run(zone, 0, *pages, &length);

	while (length > 0 && body->run_count < run_limit) {
		if (length == *pages) {
			promise(body, zone, i, length);
			*pages = 0;
			return;
		}
		if (length >= max_of(least, largest)) {
			promise(body, zone, i, length);
			*pages -= length - largest + 1;
		}
		i = next_run(zone, i + length, *pages, &length);
	}
}

void
pages_release(struct tx_body *body)
{
	for (uint32_t i = 0; i < body->run_count; i++) {
		struct page_run *run = &body->runs[i];

		for (uint32_t page = run->first + run->taken;
		     page < (uint32_t)run->first + run->count; page++) {
			bit_clear(run->zone->promised, page);
			run->zone->promised_count--;
			run->zone->heap->pages_promised--;
		}
		run->zone->run_limit = ZONE_CHUNKS;
		zone_list(run->zone);
	}
	body->run_count = 0;
}

/* A zone of the heap that was never used, in memory. */
static int
zone_add(struct heap *heap, struct zone **ret_zone)
{
	struct zone *zone;
	int rc = zone_get(heap, heap->heap_zones_used, &zone);

	if (rc == 0)
		rc = zone_load(zone);
	if (rc != 0)
		return rc;
	REACHED("media: a heap takes another zone");
	heap->heap_zones_used = max_of(heap->heap_zones_used, zone->number + 1);
	*ret_zone = zone;
	return 0;
}

/*
 * One run that serves all, if a zone in memory has it: fragments of other zones stay for those that
 * find none. Zones that have none go to the end, so that the next search begins where this one
 * ended.
 */
static void
promise_whole(struct tx_body *body, uint32_t *pages)
{
	struct list *roomy = &body->heap->roomy, *link, *last = list_last(roomy);
	bool more = last != NULL;

	while (more) {
		struct zone *zone;
		uint32_t first;

		link = list_first(roomy);
		more = link != last;
		zone = list_entry(link, struct zone, roomy_link);
		if (find_run(zone, *pages, &first)) {
			promise(body, zone, first, *pages);
			*pages = 0;
			return;
		}
		list_remove(link);
		list_append(roomy, link);
	}
}

/* Leaves a few runs for zones that were never used, which need one each. */
static void
promise_roomy(struct tx_body *body, uint32_t least, uint32_t largest, uint32_t *pages)
{
	LIST_FOR_EACH_SAFE(link, &body->heap->roomy) {
		struct zone *zone = list_entry(link, struct zone, roomy_link);

		if (*pages > 0 && zone->run_limit >= min_of(max_of(least, largest), *pages))
			promise_from(body, zone, least, largest, RESERVE_RUNS / 2, pages);
	}
}

static int
promise_new(struct tx_body *body, uint32_t largest, uint32_t *pages)
{
	struct heap *heap = body->heap;
	struct zone *zone;
	int rc = 0;

	while (rc == 0 && *pages > 0 && body->run_count < RESERVE_RUNS &&
	       heap->heap_zones_used < heap->heap_zones) {
		rc = zone_add(heap, &zone);
		if (rc == 0)
			promise_from(body, zone, largest, largest, RESERVE_RUNS, pages);
	}
	return rc;
}

/* The zones in order of their number, loading those that may help. */
static int
promise_anywhere(struct tx_body *body, uint32_t least, uint32_t largest, uint32_t *pages)
{
	struct heap *heap = body->heap;
	int rc = 0;

	for (uint32_t i = 0; i<heap->heap_zones_used && * pages> 0 && rc == 0; i++) {
		struct zone *zone = heap->zones[i];

		if (!zone || zone->free_count < zone->promised_count + least)
			continue;
		rc = zone_load(zone);
		if (rc == 0)
			promise_from(body, zone, least, largest, RESERVE_RUNS, pages);
	}
	return rc;
}

/* The longest runs come first: a transaction may have only so many. */
static int
promise_pages(struct tx_body *body, uint32_t pages, uint32_t largest)
{
	int rc;

	promise_whole(body, &pages);
	for (uint32_t least = ZONE_CHUNKS / 2; least >= RUN_LONG && pages > 0; least /= 2)
		promise_roomy(body, least, largest, &pages);
	rc = promise_new(body, largest, &pages);
	if (rc == 0 && pages > 0)
		REACHED("media: pages are gathered from zone after zone");
	for (uint32_t least = ZONE_CHUNKS / 2; least > 0 && pages > 0 && rc == 0; least /= 2)
		rc = promise_anywhere(body, least, largest, &pages);
	if (rc == 0 && pages > 0)
		rc = error_raise(-DER_NOSPACE, "heap %s has no room for %u pages in pieces of %u",
				 body->heap->name, pages, largest);
	return rc;
}

int
pages_reserve(struct tx_body *body, uint32_t pages, uint32_t largest)
{
	struct heap *heap = body->heap;
	uint64_t reserve = body->privileged ? 0 : heap->pages_reserve;
	int rc;

	if (pages == 0)
		return 0;
	if (heap->pages_free < heap->pages_promised + pages + reserve ||
	    (!body->privileged && FAULT("media: the heap is full for once")))
		return error_raise(-DER_NOSPACE,
				   "heap %s is full: %lu of %lu pages free, %lu kept back",
				   heap->name, (unsigned long)heap->pages_free,
				   (unsigned long)heap->pages_total, (unsigned long)reserve);
	rc = promise_pages(body, pages, largest);
	if (rc != 0)
		pages_release(body);
	return rc;
}

/* ------------------------------------------------ taking and giving pages */

static struct zone_page *
page_change(struct tx *tx, struct zone *zone, uint32_t index)
{
	uint64_t offset = (uint64_t)zone->number * HEAP_ZONE + offsetof(struct zone_header, pages) +
			  index * sizeof(struct zone_page);

	return tx_change(tx, offset, sizeof(struct zone_page));
}

/* The header of a zone is written with the first block that is taken from it. */
static void
zone_format(struct tx *tx, struct zone *zone)
{
	uint32_t pages = first_page(zone);
	struct zone_header *header;

	if (zone_header(zone)->magic != 0)
		return;
	header = tx_change(tx, (uint64_t)zone->number * HEAP_ZONE,
			   offsetof(struct zone_header, pages) + pages * sizeof(struct zone_page));
	header->magic = ZONE_HEADER_MAGIC;
	header->version = ZONE_HEADER_VERSION;
	header->zone = zone->number;
	for (uint32_t i = 0; i < ZONE_HEADER_PAGES; i++)
		header->pages[i].kind = PAGE_HEADER;
	if (pages > ZONE_HEADER_PAGES) {
		header->pages[ZONE_HEADER_PAGES].kind = PAGE_SPAN;
		header->pages[ZONE_HEADER_PAGES].pages = 1;
	}
}

static void
pages_take(struct tx *tx, struct zone *zone, uint32_t first, uint32_t count)
{
	zone_format(tx, zone);
	for (uint32_t i = 0; i < count; i++) {
		ASSERT(bit_get(zone->free, first + i));
		bit_clear(zone->free, first + i);
		if (bit_get(zone->promised, first + i)) {
			bit_clear(zone->promised, first + i);
			zone->promised_count--;
			zone->heap->pages_promised--;
		}
	}
	zone->free_count -= count;
	zone->heap->pages_free -= count;
	zone_list(zone);
}

static void
pages_give(struct zone *zone, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		bit_set(zone->free, first + i);
	zone->run_limit = ZONE_CHUNKS;
	zone->free_count += count;
	zone->heap->pages_free += count;
	zone_list(zone);
}

/* count pages in one piece out of what tx was promised, in zone where that is given. */
static struct zone *
take_promised(struct tx *tx, struct zone *wanted, uint32_t count, uint32_t *ret_first)
{
	struct tx_body *body = tx->private_data;

	for (uint32_t i = 0; i < body->run_count; i++) {
		struct page_run *run = &body->runs[i];

		if ((wanted && run->zone != wanted) || run->count - run->taken < (int)count)
			continue;
		*ret_first = (uint32_t)run->first + run->taken;
		run->taken = (uint16_t)(run->taken + count);
		pages_take(tx, run->zone, *ret_first, count);
		return run->zone;
	}
	return NULL;
}

/* count pages of zone that nobody was promised; false when there are none in one piece. */
static bool
take_unpromised(struct tx *tx, struct zone *zone, uint32_t count, uint32_t *ret_first)
{
	if (!find_run(zone, count, ret_first))
		return false;
	pages_take(tx, zone, *ret_first, count);
	return true;
}

static struct zone *
take_pages(struct tx *tx, struct zone *near, uint32_t count, uint32_t *ret_first)
{
	struct zone *zone;

	if (near && take_promised(tx, near, count, ret_first))
		return near;
	if (near && take_unpromised(tx, near, count, ret_first))
		return near;
	zone = take_promised(tx, NULL, count, ret_first);
	ASSERT(zone != NULL);
	return zone;
}

/* ------------------------------------------------ blocks */

static uint64_t
run_take(struct tx *tx, struct zone *zone, uint32_t index, uint32_t size_class)
{
	struct zone_page *page = page_change(tx, zone, index);
	uint32_t word = ~page->used[0] != 0 && blocks_of(size_class) >
						       (uint32_t)__builtin_ctzll(~page->used[0])
				? 0
				: 1;
	uint32_t block = word * 64 + (uint32_t)__builtin_ctzll(~page->used[word]);

	ASSERT(block < blocks_of(size_class));
	bit_set(page->used, block);
	if (run_used(page) == blocks_of(size_class))
		partial_clear(zone, size_class, index);
	return (uint64_t)zone->number * HEAP_ZONE + index * DISK_BLOCK +
	       block * size_classes[size_class];
}

/* A loaded zone with a run that has room: near, the zones promised to tx, then any. */
static struct zone *
find_partial(struct tx *tx, struct zone *near, uint32_t size_class)
{
	struct tx_body *body = tx->private_data;
	struct list *link;

	if (near)
		return near->partial_count[size_class] > 0 ? near : NULL;
	for (uint32_t i = 0; i < body->run_count; i++)
		if (body->runs[i].zone->partial_count[size_class] > 0)
			return body->runs[i].zone;
	link = list_first(&tx->heap->partial[size_class]);
	return link ? container_of(link, struct zone, partial_link[size_class]) : NULL;
}

static uint64_t
small_alloc(struct tx *tx, struct zone *near, uint32_t size_class)
{
	struct zone *zone = find_partial(tx, near, size_class);
	struct zone_page *page;
	uint32_t index;

	if (zone)
		return run_take(tx, zone, bit_first(zone->partial[size_class]), size_class);
	if (near && near->free_count == near->promised_count) {
		zone = find_partial(tx, NULL, size_class);
		if (zone)
			return run_take(tx, zone, bit_first(zone->partial[size_class]), size_class);
	}
	zone = take_pages(tx, near, 1, &index);
	page = page_change(tx, zone, index);
	*page = (struct zone_page){.kind = PAGE_RUN, .size_class = (uint8_t)size_class};
	partial_set(zone, size_class, index);
	return run_take(tx, zone, index, size_class);
}

static uint64_t
span_alloc(struct tx *tx, struct zone *near, uint32_t count)
{
	uint32_t index;
	struct zone *zone = take_pages(tx, near, count, &index);

	for (uint32_t i = 0; i < count; i++)
		*page_change(tx, zone, index + i) =
			(struct zone_page){.kind = i == 0 ? PAGE_SPAN : PAGE_SPAN_REST,
					   .pages = i == 0 ? (uint16_t)count : 0};
	return (uint64_t)zone->number * HEAP_ZONE + index * DISK_BLOCK;
}

uint64_t
tx_alloc(struct tx *tx, size_t size, uint64_t near_offset)
{
	struct heap *heap = tx->heap;
	struct zone *near = NULL;
	uint32_t size_class = class_of(size);
	uint64_t offset;

	ASSERT(size > 0 && size <= HEAP_ALLOC_MAX);
	if (near_offset != 0 && near_offset / HEAP_ZONE < heap->heap_zones)
		near = heap->zones[near_offset / HEAP_ZONE];
	if (near && near->stage != ZONE_LOADED)
		near = NULL;
	if (size_class < SIZE_CLASSES)
		offset = small_alloc(tx, near, size_class);
	else
		offset = span_alloc(tx, near, (uint32_t)((size + DISK_BLOCK - 1) / DISK_BLOCK));
	memset(tx_change(tx, offset, size), 0, size);
	return offset;
}

static bool
run_free(struct tx *tx, struct zone *zone, uint32_t index, uint32_t inside)
{
	const struct zone_page *page = &zone_header(zone)->pages[index];
	uint32_t size_class = page->size_class;
	uint32_t block = inside / size_classes[size_class];
	bool full = run_used(page) == blocks_of(size_class);
	struct zone_page *change;

	if (inside % size_classes[size_class] != 0 || block >= blocks_of(size_class) ||
	    !bit_get(page->used, block))
		return false;
	change = page_change(tx, zone, index);
	bit_clear(change->used, block);
	if (run_used(change) > 0) {
		if (full)
			partial_set(zone, size_class, index);
		return true;
	}
	if (!full)
		partial_clear(zone, size_class, index);
	*change = (struct zone_page){.kind = PAGE_FREE};
	pages_give(zone, index, 1);
	return true;
}

static bool
span_free(struct tx *tx, struct zone *zone, uint32_t index, uint32_t inside)
{
	uint32_t pages = zone_header(zone)->pages[index].pages;

	if (inside != 0)
		return false;
	for (uint32_t i = 0; i < pages; i++)
		*page_change(tx, zone, index + i) = (struct zone_page){.kind = PAGE_FREE};
	pages_give(zone, index, pages);
	return true;
}

void
tx_free(struct tx *tx, uint64_t offset)
{
	struct heap *heap = tx->heap;
	uint64_t number = offset / HEAP_ZONE;
	uint32_t index = offset % HEAP_ZONE / DISK_BLOCK;
	uint32_t inside = offset % DISK_BLOCK;
	struct zone *zone = number < heap->heap_zones_used ? heap->zones[number] : NULL;
	bool freed = false;

	if (zone && zone->stage == ZONE_LOADED && index >= first_page(zone)) {
		uint8_t kind = zone_header(zone)->pages[index].kind;

		if (kind == PAGE_RUN)
			freed = run_free(tx, zone, index, inside);
		else if (kind == PAGE_SPAN)
			freed = span_free(tx, zone, index, inside);
	}
	/* The offset came from the image: an impossible one is damage, and leaking the block does
	 * no harm. */
	if (!freed)
		heap_fail(heap, -DER_IO);
}
