/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Stacks: mapped with a guard page below, pooled per loop. This is the one place outside env/ that
 * takes memory from the system itself; the loop's fiber limit bounds it.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fiber/internal.h"

/* Stacks kept for reuse by one loop; each holds the two or three pages that its fibers touched. */
#define POOL_LIMIT 512

#define FIBER_SPACE align_up(sizeof(struct fiber), 64)

static size_t
guard_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void
stack_pool_init(struct stack_pool *pool, size_t stack_size)
{
	*pool = (struct stack_pool){.stack_size = align_up(stack_size, guard_size())};
	list_init(&pool->free);
}

size_t
stack_usable(const struct stack_pool *pool)
{
	return pool->stack_size - FIBER_SPACE;
}

static struct fiber *
stack_map(const struct stack_pool *pool)
{
	size_t guard = guard_size();
	size_t size = guard + pool->stack_size;
	struct fiber *fiber;
	char *mapping;

	mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (mapping == MAP_FAILED)
		return NULL;
	if (mprotect(mapping, guard, PROT_NONE) != 0) {
		munmap(mapping, size);
		return NULL;
	}
	fiber = (struct fiber *)(mapping + size - FIBER_SPACE);
	fiber->mapping = mapping;
	sanitize_create(&fiber->sanitize, mapping + guard, stack_usable(pool));
	return fiber;
}

struct fiber *
stack_take(struct stack_pool *pool)
{
	struct list *link = list_pop(&pool->free);
	struct fiber *fiber = link ? list_entry(link, struct fiber, link) : stack_map(pool);
	char *bottom;

	if (fiber == NULL)
		return NULL;
	if (link)
		pool->free_count--;
	bottom = (char *)fiber->mapping + guard_size();
	*fiber = (struct fiber){.mapping = fiber->mapping, .sanitize = fiber->sanitize};
	sanitize_renew(&fiber->sanitize);
	machine_context_init(&fiber->machine, bottom, stack_usable(pool), fiber_main, fiber);
	return fiber;
}

static void
stack_unmap(const struct stack_pool *pool, struct fiber *fiber)
{
	sanitize_destroy(&fiber->sanitize);
	munmap(fiber->mapping, guard_size() + pool->stack_size);
}

void
stack_give(struct stack_pool *pool, struct fiber *fiber)
{
	if (pool->free_count >= POOL_LIMIT) {
		stack_unmap(pool, fiber);
		return;
	}
	/* The newest goes out first: its pages are warm. */
	fiber->link = (struct list){0};
	list_prepend(&pool->free, &fiber->link);
	pool->free_count++;
}

void
stack_drop(struct stack_pool *pool, struct fiber *fiber)
{
	stack_unmap(pool, fiber);
}

void
stack_pool_fini(struct stack_pool *pool)
{
	struct list *link;

	while ((link = list_pop(&pool->free)) != NULL)
		stack_unmap(pool, list_entry(link, struct fiber, link));
	pool->free_count = 0;
}
