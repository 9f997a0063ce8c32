/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Arenas. Every block is a malloc of its own with a header before it, so that address sanitising
 * sees each overflow and each leak has its place.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define ALIGNMENT 16u
#define ALIGNMENT_MAX ((size_t)1 << 20)

struct arena {
	struct list blocks;
	uint64_t budget;
	uint64_t used;
	uint64_t fail_countdown;
};

/* Lies directly before each block. */
struct block_header {
	struct list link;
	uint64_t size;	 /* as asked for */
	uint32_t offset; /* of the block from the start of its malloc */
	uint32_t live;	 /* BLOCK_LIVE until freed */
};
static_assert(sizeof(struct block_header) % ALIGNMENT == 0, "a block behind its header is aligned");

#define BLOCK_LIVE 0xb10cb10cu

struct arena *
arena_create(uint64_t budget)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		return NULL;
	list_init(&arena->blocks);
	arena->budget = budget;
	return arena;
}

static struct block_header *
header_of(void *block)
{
	struct block_header *header = (struct block_header *)block - 1;

	ASSERT(header->live == BLOCK_LIVE);
	return header;
}

static void
header_free(struct block_header *header)
{
	char *block = (char *)(header + 1);

	header->live = 0;
	free(block - header->offset);
}

void
arena_destroy(struct arena *arena)
{
	struct list *link;

	if (arena == NULL)
		return;
	while ((link = list_pop(&arena->blocks)) != NULL)
		header_free(list_entry(link, struct block_header, link));
	free(arena);
}

/* Whether size more bytes may be handed out; counts the allocation for arena_fail_at(). */
static bool
arena_admits(struct arena *arena, size_t size)
{
	if (arena->fail_countdown > 0 && --arena->fail_countdown == 0)
		return false;
	if (size > SIZE_MAX / 2)
		return false;
	return arena->budget == 0 ||
	       (arena->used <= arena->budget && size <= arena->budget - arena->used);
}

static void
arena_link(struct arena *arena, struct block_header *header, size_t size)
{
	header->size = size;
	header->live = BLOCK_LIVE;
	list_append(&arena->blocks, &header->link);
	arena->used += size;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct block_header *header;

	if (!arena_admits(arena, size))
		return NULL;
	header = malloc(sizeof(*header) + size);
	if (header == NULL)
		return NULL;
	*header = (struct block_header){.offset = sizeof(*header)};
	arena_link(arena, header, size);
	return header + 1;
}

void *
arena_calloc(struct arena *arena, size_t count, size_t size)
{
	size_t total;
	void *block;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	block = arena_alloc(arena, total);
	if (block)
		memset(block, 0, total);
	return block;
}

void *
arena_alloc_aligned(struct arena *arena, size_t size, size_t alignment)
{
	size_t offset = max_of(alignment, sizeof(struct block_header));
	struct block_header *header;
	void *start;

	ASSERT(alignment > 0 && (alignment & (alignment - 1)) == 0 && alignment <= ALIGNMENT_MAX);
	if (alignment <= ALIGNMENT)
		return arena_alloc(arena, size);
	if (!arena_admits(arena, size))
		return NULL;
	if (posix_memalign(&start, alignment, offset + size) != 0)
		return NULL;
	header = (struct block_header *)((char *)start + offset) - 1;
	*header = (struct block_header){.offset = (uint32_t)offset};
	arena_link(arena, header, size);
	return header + 1;
}

void *
arena_realloc(struct arena *arena, void *block, size_t size)
{
	struct block_header *header;
	size_t before;

	if (block == NULL)
		return arena_alloc(arena, size);
	header = header_of(block);
	ASSERT(header->offset == sizeof(*header));
	before = header->size;
	list_remove(&header->link);
	arena->used -= before;
	if (arena_admits(arena, size)) {
		struct block_header *moved = realloc(header, sizeof(*header) + size);

		if (moved) {
			arena_link(arena, moved, size);
			return moved + 1;
		}
	}
	arena_link(arena, header, before);
	return NULL;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_alloc(arena, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void
arena_free(struct arena *arena, void *block)
{
	struct block_header *header;

	if (block == NULL)
		return;
	header = header_of(block);
	list_remove(&header->link);
	arena->used -= header->size;
	header_free(header);
}

uint64_t
arena_used(const struct arena *arena)
{
	return arena->used;
}

uint64_t
arena_budget(const struct arena *arena)
{
	return arena->budget;
}

void
arena_fail_at(struct arena *arena, uint64_t n)
{
	arena->fail_countdown = n;
}
