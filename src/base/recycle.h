/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Memory for the large blocks of an arena. What is given back is kept for the next that asks for as
 * much: memory that goes to the system and comes back costs a page fault for each 4 KiB, which was
 * a third of a fetch of 1 MiB. Private to base.
 */
#pragma once

#include "base/list.h"

/* What is kept, from the smallest to the largest; the rest is a plain malloc. */
#define RECYCLE_MIN ((size_t)8192)
#define RECYCLE_MAX ((size_t)8 << 20)
#define RECYCLE_CLASSES 40u
/* Bytes that may wait for the next who asks. */
#define RECYCLE_LIMIT ((size_t)16 << 20)

struct recycler {
	void *free[RECYCLE_CLASSES]; /* each points to the next */
	size_t bytes;		     /* of all of these */
};

void recycle_init(struct recycler *recycler);

/* Frees what waits. */
void recycle_fini(struct recycler *recycler);

/* size bytes, not cleared, aligned to alignment; ret_room: how many there are. NULL when memory is
 * out. */
void *recycle_take(struct recycler *recycler, size_t size, size_t alignment, size_t *ret_room);

/* Gives memory back; room as it was told. */
void recycle_give(struct recycler *recycler, void *memory, size_t room);
