/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Small blocks of an arena. Chunks of 1 MiB, aligned to their size, are cut into spans, and a span
 * into blocks of one size, so that taking and giving is a few instructions and memory that was
 * given back is warm when it is taken again. Private to base.
 */
#pragma once

#include "base/list.h"

/* The largest block. */
#define SLAB_MAX 16384u
#define SLAB_CLASSES 36u

struct slabs {
	struct list partial[SLAB_CLASSES]; /* spans with free blocks */
	struct list spare;		   /* spans without any block taken */
	struct list chunks;
	struct list empty; /* chunks whose spans are all spare */
	uint32_t empty_count;
};

void slabs_init(struct slabs *slabs);

/* Frees everything. */
void slabs_fini(struct slabs *slabs);

/* size (1 to SLAB_MAX) bytes aligned to 16, not cleared; NULL when memory is out. */
void *slab_take(struct slabs *slabs, size_t size);

/* Gives a block back. */
void slab_give(struct slabs *slabs, void *block);

/* Bytes that a block has, at least as many as were asked for. */
size_t slab_size(const void *block);
