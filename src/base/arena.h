/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An arena owns all memory of an engine or client: it has a budget, and destroying it frees
 * everything at once, which is how a simulated crash drops a node. Single-threaded: every loop has
 * its own.
 */
#pragma once

#include "base/compiler.h"

struct arena;

/* Makes an arena with a budget in bytes (0: unlimited). NULL when memory is out. Free with
 * arena_destroy(). */
struct arena *arena_create(uint64_t budget);

/* Frees the arena and every block in it. */
void arena_destroy(struct arena *arena);

/* size bytes aligned to 16, not cleared; NULL when the budget or memory is out. size may be 0. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc(), cleared. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* As arena_alloc() with an alignment that is a power of two up to 1 MiB. */
void *arena_alloc_aligned(struct arena *arena, size_t size, size_t alignment);

/*
 * size bytes, zeros, aligned to a page of 4 KiB: memory that the system makes when it is first
 * touched. From ARENA_HUGE on it is aligned to that and asks for huge pages. For what is large and
 * lives long.
 */
#define ARENA_HUGE ((size_t)2 << 20)
void *arena_alloc_pages(struct arena *arena, size_t size);

/* Resizes a block of arena_alloc() or arena_calloc(); the old block stays valid on NULL. */
void *arena_realloc(struct arena *arena, void *block, size_t size);

/* A copy of text, with its terminator. */
char *arena_strdup(struct arena *arena, const char *text);

/* Gives one block back; NULL is allowed. */
void arena_free(struct arena *arena, void *block);

/* Bytes handed out at present, and the budget. */
uint64_t arena_used(const struct arena *arena);
uint64_t arena_budget(const struct arena *arena);

/* The n-th allocation from now fails once (n >= 1; 0 disarms). For tests and the simulator. */
void arena_fail_at(struct arena *arena, uint64_t n);

/*
 * Memory that frees itself when the scope ends: `AUTO_FREE struct scoped_block block = {arena,
 * pointer}`; moving it out is scoped_take().
 */
struct scoped_block {
	struct arena *arena;
	void *pointer;
};
static inline void
scoped_block_free(struct scoped_block *block)
{
	if (block->pointer)
		arena_free(block->arena, block->pointer);
}
#define AUTO_FREE __attribute__((cleanup(scoped_block_free)))
static inline void *
scoped_take(struct scoped_block *block)
{
	void *pointer = block->pointer;

	block->pointer = NULL;
	return pointer;
}
