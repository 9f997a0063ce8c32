/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Large pieces of memory of a few sizes, given back and taken again. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/recycle.h"

#define ALIGNMENT ((size_t)4096)

/* Four sizes to each power of two, so that at most a fifth is more than was asked for. */
static uint32_t
class_of(size_t size)
{
	uint32_t power = 63u - (uint32_t)__builtin_clzll(size - 1);

	return (power - 13) * 4 + (uint32_t)((size - 1) >> (power - 2) & 3);
}

static size_t
class_size(uint32_t class)
{
	uint32_t power = class / 4 + 13;

	return ((size_t)1 << power) + (class % 4 + 1) * ((size_t)1 << (power - 2));
}

static bool
is_recycled(size_t size)
{
	return size > RECYCLE_MIN && size <= RECYCLE_MAX;
}

void
recycle_init(struct recycler *recycler)
{
	*recycler = (struct recycler){.bytes = 0};
}

static void *
pop(void **list)
{
	void *first = *list;

	if (first)
		memcpy(list, first, sizeof(*list));
	return first;
}

void
recycle_fini(struct recycler *recycler)
{
	void *memory;

	for (uint32_t class = 0; class < RECYCLE_CLASSES; class ++)
		while ((memory = pop(&recycler->free[class])) != NULL)
			free(memory);
	recycler->bytes = 0;
}

void *
recycle_take(struct recycler *recycler, size_t size, size_t alignment, size_t *ret_room)
{
	size_t room = is_recycled(size) ? class_size(class_of(size)) : size;
	void *memory = NULL;

	if (is_recycled(size) && alignment <= ALIGNMENT)
		memory = pop(&recycler->free[class_of(size)]);
	if (memory)
		recycler->bytes -= room;
	else if (posix_memalign(&memory, max_of(alignment, ALIGNMENT), room) != 0)
		return NULL;
	*ret_room = room;
	return memory;
}

void
recycle_give(struct recycler *recycler, void *memory, size_t room)
{
	uint32_t class;

	if (!is_recycled(room) || recycler->bytes + room > RECYCLE_LIMIT) {
		free(memory);
		return;
	}
	class = class_of(room);
	ASSERT(class_size(class) == room);
	memcpy(memory, &recycler->free[class], sizeof(void *));
	recycler->free[class] = memory;
	recycler->bytes += room;
}
