/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Receive buffers and the messages that point into them. */
#include "env/linux/chunk.h"

struct chunk_message {
	struct message message;
	struct list link; /* while unused */
	struct chunk *chunk;
	struct chunk_pool *pool;
};

void
chunk_pool_init(struct chunk_pool *pool, struct arena *arena)
{
	pool->arena = arena;
	list_init(&pool->spare);
	list_init(&pool->messages);
}

static void
chunk_free(struct chunk_pool *pool, struct chunk *chunk)
{
	arena_free(pool->arena, chunk->data);
	arena_free(pool->arena, chunk);
}

void
chunk_pool_fini(struct chunk_pool *pool)
{
	struct list *link;

	if (pool->current)
		chunk_free(pool, pool->current);
	pool->current = NULL;
	while ((link = list_pop(&pool->spare)))
		chunk_free(pool, list_entry(link, struct chunk, link));
	while ((link = list_pop(&pool->messages)))
		arena_free(pool->arena, list_entry(link, struct chunk_message, link));
}

static struct chunk *
chunk_new(struct chunk_pool *pool)
{
	struct list *link = list_pop(&pool->spare);
	struct chunk *chunk;

	if (link) {
		pool->spare_count--;
		chunk = list_entry(link, struct chunk, link);
		chunk->references = 1;
		chunk->fill = 0;
		return chunk;
	}
	chunk = arena_calloc(pool->arena, 1, sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->references = 1;
	chunk->data = arena_alloc_aligned(pool->arena, CHUNK_SIZE, 64);
	if (!chunk->data) {
		arena_free(pool->arena, chunk);
		return NULL;
	}
	return chunk;
}

static void
chunk_put(struct chunk_pool *pool, struct chunk *chunk)
{
	ASSERT(chunk->references > 0);
	if (--chunk->references > 0)
		return;
	if (pool->spare_count >= CHUNKS_KEPT) {
		chunk_free(pool, chunk);
		return;
	}
	list_prepend(&pool->spare, &chunk->link);
	pool->spare_count++;
}

struct chunk *
chunk_take(struct chunk_pool *pool, uint32_t room)
{
	struct chunk *chunk = pool->current;

	ASSERT(room <= CHUNK_SIZE);
	if (!chunk)
		return chunk_new(pool);
	pool->current = NULL;
	if (chunk->references == 1)
		chunk->fill = 0;
	if (CHUNK_SIZE - chunk->fill >= room)
		return chunk;
	chunk_put(pool, chunk);
	return chunk_new(pool);
}

void
chunk_give(struct chunk_pool *pool, struct chunk *chunk)
{
	if (pool->current)
		chunk_put(pool, chunk);
	else
		pool->current = chunk;
}

static void
put_message(struct message *message)
{
	struct chunk_message *self = container_of(message, struct chunk_message, message);

	chunk_put(self->pool, self->chunk);
	list_prepend(&self->pool->messages, &self->link);
}

struct message *
chunk_message(struct chunk_pool *pool, struct chunk *chunk, const uint8_t *data, size_t length)
{
	struct list *link = list_pop(&pool->messages);
	struct chunk_message *self = link ? list_entry(link, struct chunk_message, link)
					  : arena_calloc(pool->arena, 1, sizeof(*self));

	if (!self)
		return NULL;
	self->message = (struct message){.data = data, .length = length, .put = put_message};
	self->chunk = chunk;
	self->pool = pool;
	chunk->references++;
	return &self->message;
}
