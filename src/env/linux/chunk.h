/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Receive buffers. Frames are delivered where they were received: a message holds a reference to
 * its chunk. Between two receives a connection keeps a chunk only while part of a frame is in it;
 * else all share the loop's current one. Private to env/linux.
 */
#pragma once

#include "env/linux/world.h"

struct chunk {
	struct list link; /* in the pool's spare list */
	uint32_t references;
	uint32_t fill; /* bytes in use from the beginning */
	uint8_t *data; /* CHUNK_SIZE bytes, aligned to FRAME_ALIGNMENT and more */
};

void chunk_pool_init(struct chunk_pool *pool, struct arena *arena);
void chunk_pool_fini(struct chunk_pool *pool);

/* A chunk with at least room bytes behind chunk->fill, with one reference for the caller; NULL when
 * memory is out. */
struct chunk *chunk_take(struct chunk_pool *pool, uint32_t room);

/* Gives the reference of chunk_take() back; what lies behind fill may be used by the next. */
void chunk_give(struct chunk_pool *pool, struct chunk *chunk);

/* A message inside chunk, holding a reference to it; NULL when memory is out. */
struct message *chunk_message(struct chunk_pool *pool, struct chunk *chunk, const uint8_t *data,
			      size_t length);
