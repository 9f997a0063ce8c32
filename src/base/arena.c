/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Arenas. Small blocks come from slabs, each behind a short head; larger ones are pieces of memory
 * of their own, listed, which are kept for the next when they are given back. Under a sanitizer
 * each block is a malloc, so that each overflow and each leak has its place.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "base/recycle.h"
#include "base/slab.h"

#define ALIGNMENT 16u
#define ALIGNMENT_MAX ((size_t)1 << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SMALL_MAX 0u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SMALL_MAX 0u
#endif
#endif
/* With its head. */
#ifndef SMALL_MAX
#define SMALL_MAX SLAB_MAX
#endif

struct arena {
	struct slabs slabs;
	struct recycler recycler;
	struct list blocks;
	uint64_t budget;
	uint64_t used;
	uint64_t fail_countdown;
};

/* Lies directly before each block. */
struct block_head {
	uint64_t size;	 /* as asked for */
	uint32_t offset; /* large: of the block from the start of its memory; small: of this head in
			    its slab's block */
	uint32_t live;	 /* BLOCK_SMALL, BLOCK_LARGE or BLOCK_PAGES until freed */
};
static_assert(sizeof(struct block_head) % ALIGNMENT == 0, "a block behind its head is aligned");

/* Lies directly before the large ones. */
struct large_head {
	struct list link;
	uint64_t room; /* bytes of its memory, from its start */
	uint64_t unused;
	struct block_head head;
};
static_assert(sizeof(struct large_head) % ALIGNMENT == 0, "a block behind its head is aligned");

#define BLOCK_SMALL 0xb10cb10cu
#define BLOCK_LARGE 0xb16b10c5u
#define BLOCK_PAGES 0xba6eb10cu

#define PAGE ((size_t)4096)

struct arena *
arena_create(uint64_t budget)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		return NULL;
	slabs_init(&arena->slabs);
	recycle_init(&arena->recycler);
	list_init(&arena->blocks);
	arena->budget = budget;
	return arena;
}

static struct block_head *
head_of(void *block)
{
	struct block_head *head = (struct block_head *)block - 1;

	ASSERT(head->live == BLOCK_SMALL || head->live == BLOCK_LARGE || head->live == BLOCK_PAGES);
	return head;
}

static struct large_head *
large_of(struct block_head *head)
{
	return container_of(head, struct large_head, head);
}

/* Memory for a large block, with its head. */
static void *
memory_take(struct arena *arena, size_t size, size_t alignment, size_t *ret_room)
{
	void *start;

	if (SMALL_MAX > 0)
		return recycle_take(&arena->recycler, size, alignment, ret_room);
	if (posix_memalign(&start, max_of(alignment, (size_t)ALIGNMENT), size) != 0)
		return NULL;
	*ret_room = size;
	return start;
}

static void
large_free(struct arena *arena, struct large_head *large)
{
	char *start = (char *)(large + 1) - large->head.offset;
	bool pages = large->head.live == BLOCK_PAGES;

	large->head.live = 0;
	if (pages)
		munmap(start, large->room);
	else if (SMALL_MAX > 0)
		recycle_give(&arena->recycler, start, large->room);
	else
		free(start);
}

void
arena_destroy(struct arena *arena)
{
	struct list *link;

	if (arena == NULL)
		return;
	while ((link = list_pop(&arena->blocks)) != NULL)
		large_free(arena, list_entry(link, struct large_head, link));
	recycle_fini(&arena->recycler);
	slabs_fini(&arena->slabs);
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

/* ------------------------------------------------ taking */

static void *
small_take(struct arena *arena, size_t size)
{
	struct block_head *head = slab_take(&arena->slabs, sizeof(*head) + size);

	if (head == NULL)
		return NULL;
	*head = (struct block_head){.size = size, .live = BLOCK_SMALL};
	arena->used += size;
	return head + 1;
}

static void
large_link(struct arena *arena, struct large_head *large, size_t size)
{
	large->head.size = size;
	list_append(&arena->blocks, &large->link);
	arena->used += size;
}

/* The block begins offset bytes from the start of its memory, which is aligned. */
static void *
large_take(struct arena *arena, size_t size, size_t offset, size_t alignment)
{
	struct large_head *large;
	size_t room;
	char *start = memory_take(arena, offset + size, alignment, &room);

	if (start == NULL)
		return NULL;
	large = (struct large_head *)(void *)(start + offset) - 1;
	*large = (struct large_head){.room = room,
				     .head = {.offset = (uint32_t)offset, .live = BLOCK_LARGE}};
	large_link(arena, large, size);
	return large + 1;
}

/* For an alignment that is more than the slabs have. */
static void *
small_take_aligned(struct arena *arena, size_t size, size_t alignment)
{
	char *start = slab_take(&arena->slabs, sizeof(struct block_head) + size + alignment);
	struct block_head *head;

	if (start == NULL)
		return NULL;
	head = (struct block_head *)align_up((uintptr_t)start + sizeof(*head), alignment) - 1;
	*head = (struct block_head){
		.size = size, .offset = (uint32_t)((char *)head - start), .live = BLOCK_SMALL};
	arena->used += size;
	return head + 1;
}

static bool
is_small(size_t size)
{
	return sizeof(struct block_head) + size <= SMALL_MAX;
}

static void *
take(struct arena *arena, size_t size)
{
	return is_small(size) ? small_take(arena, size)
			      : large_take(arena, size, sizeof(struct large_head), ALIGNMENT);
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	return arena_admits(arena, size) ? take(arena, size) : NULL;
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
	ASSERT(alignment > 0 && (alignment & (alignment - 1)) == 0 && alignment <= ALIGNMENT_MAX);
	if (alignment <= ALIGNMENT)
		return arena_alloc(arena, size);
	if (!arena_admits(arena, size))
		return NULL;
	if (is_small(size + alignment))
		return small_take_aligned(arena, size, alignment);
	return large_take(arena, size, align_up(sizeof(struct large_head), alignment), alignment);
}

#if SMALL_MAX > 0
/* length bytes of pages, of which the second and later are aligned to alignment. */
static char *
pages_map(size_t length, size_t alignment)
{
	size_t whole = length + alignment;
	char *start = mmap(NULL, whole, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (start == MAP_FAILED)
		return NULL;
	before = align_up((uintptr_t)start + PAGE, alignment) - PAGE - (uintptr_t)start;
	if (before > 0)
		munmap(start, before);
	if (alignment > before)
		munmap(start + before + length, alignment - before);
	return start + before;
}

void *
arena_alloc_pages(struct arena *arena, size_t size)
{
	size_t length = PAGE + align_up(size, PAGE);
	bool huge = size >= ARENA_HUGE;
	struct large_head *large;
	char *start;

	if (!arena_admits(arena, size))
		return NULL;
	/* The head lies at the end of a page of its own. */
	start = pages_map(length, huge ? ARENA_HUGE : PAGE);
	if (start == NULL)
		return NULL;
	/* A kernel that has no huge pages does without. */
	if (huge)
		(void)madvise(start + PAGE, size, MADV_HUGEPAGE);
	large = (struct large_head *)(void *)(start + PAGE) - 1;
	*large = (struct large_head){.room = length, .head = {.offset = PAGE, .live = BLOCK_PAGES}};
	large_link(arena, large, size);
	return large + 1;
}
#else
void *
arena_alloc_pages(struct arena *arena, size_t size)
{
	void *block = arena_alloc_aligned(arena, size, PAGE);

	if (block)
		memset(block, 0, size);
	return block;
}
#endif

/* ------------------------------------------------ resizing */

/* Moves a block to where there is room for size. */
static void *
move(struct arena *arena, struct block_head *head, size_t size)
{
	void *block = take(arena, size);

	if (block == NULL)
		return NULL;
	memcpy(block, head + 1, min_of(size, (size_t)head->size));
	arena_free(arena, head + 1);
	return block;
}

static void *
small_resize(struct arena *arena, struct block_head *head, size_t size)
{
	if (sizeof(*head) + size > slab_size(head))
		return move(arena, head, size);
	arena->used += size - head->size;
	head->size = size;
	return head + 1;
}

/* What is too large to be kept grows where it is, if the system can do that. */
static void *
huge_resize(struct arena *arena, struct large_head *large, size_t size)
{
	size_t before = large->head.size;
	struct large_head *moved;

	list_remove(&large->link);
	arena->used -= before;
	moved = realloc(large, sizeof(*large) + size);
	if (moved)
		moved->room = sizeof(*large) + size;
	large_link(arena, moved ? moved : large, moved ? size : before);
	return moved ? moved + 1 : NULL;
}

static void *
large_resize(struct arena *arena, struct large_head *large, size_t size)
{
	ASSERT(large->head.live == BLOCK_LARGE && large->head.offset == sizeof(*large));
	if (large->room > RECYCLE_MAX && sizeof(*large) + size > RECYCLE_MAX)
		return huge_resize(arena, large, size);
	if (!is_small(size) && sizeof(*large) + size <= large->room) {
		arena->used += size - large->head.size;
		large->head.size = size;
		return &large->head + 1;
	}
	return move(arena, &large->head, size);
}

/* As arena_admits(), with the block given back. */
static bool
resize_admits(struct arena *arena, uint64_t before, size_t size)
{
	bool admits;

	arena->used -= before;
	admits = arena_admits(arena, size);
	arena->used += before;
	return admits;
}

void *
arena_realloc(struct arena *arena, void *block, size_t size)
{
	struct block_head *head;

	if (block == NULL)
		return arena_alloc(arena, size);
	head = head_of(block);
	if (!resize_admits(arena, head->size, size))
		return NULL;
	return head->live == BLOCK_SMALL ? small_resize(arena, head, size)
					 : large_resize(arena, large_of(head), size);
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

/* ------------------------------------------------ the rest */

void
arena_free(struct arena *arena, void *block)
{
	struct block_head *head;

	if (block == NULL)
		return;
	head = head_of(block);
	arena->used -= head->size;
	if (head->live == BLOCK_SMALL) {
		head->live = 0;
		slab_give(&arena->slabs, (char *)head - head->offset);
	} else {
		list_remove(&large_of(head)->link);
		large_free(arena, large_of(head));
	}
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
