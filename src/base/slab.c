/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Blocks of a few sizes from spans of large chunks. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/slab.h"

#define CHUNK ((size_t)1 << 20)
#define SPAN ((size_t)64 * 1024)
#define SPANS (CHUNK / SPAN)
/* The first span of a chunk begins behind the chunk's head. */
#define HEAD ((size_t)2048)
/* Chunks without any block taken that are kept; others go back to the system. */
#define EMPTY_LIMIT 64u

struct span {
	struct list link; /* of partial or spare; full spans are in no list */
	void *free;	  /* blocks given back, each pointing to the next */
	uint32_t size;	  /* of a block */
	uint32_t class;
	uint32_t fresh; /* from here on no block was ever taken */
	uint32_t used;
	uint32_t begin, end; /* bytes from the chunk's start */
};

struct chunk {
	struct list link; /* of slabs->chunks */
	struct list empty_link;
	uint32_t spare_count;
	struct span spans[SPANS];
};
_Static_assert(sizeof(struct chunk) <= HEAD, "the head of a chunk");

static struct chunk *
chunk_of(const void *pointer)
{
	return (struct chunk *)((uintptr_t)pointer & ~(uintptr_t)(CHUNK - 1));
}

static struct span *
span_of(const void *block)
{
	return &chunk_of(block)->spans[((uintptr_t)block & (CHUNK - 1)) / SPAN];
}

/* ------------------------------------------------ sizes */

/* Multiples of 16 up to 128, then four to each power of two. */
static uint32_t
class_of(size_t size)
{
	uint32_t power;

	if (size <= 128)
		return (uint32_t)((size + 15) / 16 - 1);
	power = 63u - (uint32_t)__builtin_clzll(size - 1);
	return 8 + (power - 7) * 4 + (uint32_t)((size - 1) >> (power - 2) & 3);
}

static uint32_t
class_size(uint32_t class)
{
	uint32_t power = (class - 8) / 4 + 7;

	if (class < 8)
		return (class + 1) * 16;
	return (1u << power) + ((class - 8) % 4 + 1) * (1u << (power - 2));
}

/* ------------------------------------------------ chunks */

void
slabs_init(struct slabs *slabs)
{
	*slabs = (struct slabs){.empty_count = 0};
	for (uint32_t i = 0; i < SLAB_CLASSES; i++)
		list_init(&slabs->partial[i]);
	list_init(&slabs->spare);
	list_init(&slabs->chunks);
	list_init(&slabs->empty);
}

void
slabs_fini(struct slabs *slabs)
{
	struct list *link;

	while ((link = list_pop(&slabs->chunks)) != NULL)
		free(list_entry(link, struct chunk, link));
}

static bool
chunk_create(struct slabs *slabs)
{
	struct chunk *chunk;
	void *memory;

	if (posix_memalign(&memory, CHUNK, CHUNK) != 0)
		return false;
	chunk = memory;
	memset(chunk, 0, sizeof(*chunk));
	for (uint32_t i = 0; i < SPANS; i++) {
		struct span *span = &chunk->spans[i];

		span->begin = (uint32_t)(i == 0 ? HEAD : i * SPAN);
		span->end = (uint32_t)((i + 1) * SPAN);
		list_append(&slabs->spare, &span->link);
	}
	chunk->spare_count = SPANS;
	list_append(&slabs->chunks, &chunk->link);
	list_append(&slabs->empty, &chunk->empty_link);
	slabs->empty_count++;
	return true;
}

static void
chunk_destroy(struct slabs *slabs, struct chunk *chunk)
{
	for (uint32_t i = 0; i < SPANS; i++)
		list_remove(&chunk->spans[i].link);
	list_remove(&chunk->empty_link);
	list_remove(&chunk->link);
	slabs->empty_count--;
	free(chunk);
}

/* ------------------------------------------------ spans */

/* A span for blocks of a class, in the class's list. */
static struct span *
span_take(struct slabs *slabs, uint32_t class)
{
	struct list *link;
	struct chunk *chunk;
	struct span *span;

	if (list_empty(&slabs->spare) && !chunk_create(slabs))
		return NULL;
	link = list_pop(&slabs->spare);
	span = list_entry(link, struct span, link);
	chunk = chunk_of(span);
	if (chunk->spare_count-- == SPANS) {
		list_remove(&chunk->empty_link);
		slabs->empty_count--;
	}
	span->free = NULL;
	span->class = class;
	span->size = class_size(class);
	span->fresh = span->begin;
	list_prepend(&slabs->partial[class], &span->link);
	return span;
}

static void
span_give(struct slabs *slabs, struct span *span)
{
	struct chunk *chunk = chunk_of(span);

	list_remove(&span->link);
	/* The newest goes out first: it is warm. */
	list_prepend(&slabs->spare, &span->link);
	if (++chunk->spare_count < SPANS)
		return;
	list_append(&slabs->empty, &chunk->empty_link);
	if (++slabs->empty_count > EMPTY_LIMIT)
		chunk_destroy(slabs, chunk);
}

static bool
span_full(const struct span *span)
{
	return span->free == NULL && span->fresh + span->size > span->end;
}

/* ------------------------------------------------ blocks */

void *
slab_take(struct slabs *slabs, size_t size)
{
	uint32_t class = class_of(size);
	struct list *link = list_first(&slabs->partial[class]);
	struct span *span = link ? list_entry(link, struct span, link) : span_take(slabs, class);
	void *block;

	if (span == NULL)
		return NULL;
	block = span->free;
	if (block) {
		memcpy(&span->free, block, sizeof(span->free));
	} else {
		block = (char *)chunk_of(span) + span->fresh;
		span->fresh += span->size;
	}
	span->used++;
	if (span_full(span))
		list_remove(&span->link);
	return block;
}

void
slab_give(struct slabs *slabs, void *block)
{
	struct span *span = span_of(block);
	bool full = span_full(span);

	ASSERT(span->used > 0);
	memcpy(block, &span->free, sizeof(span->free));
	span->free = block;
	if (full)
		list_prepend(&slabs->partial[span->class], &span->link);
	/* One span of a class stays: the next block would take it again. */
	if (--span->used == 0 && (slabs->partial[span->class].next != &span->link ||
				  slabs->partial[span->class].previous != &span->link))
		span_give(slabs, span);
}

size_t
slab_size(const void *block)
{
	return span_of(block)->size;
}
