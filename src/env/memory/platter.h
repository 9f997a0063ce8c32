/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Private to env/memory: what a disk holds, without time and without loops. A platter is a stable
 * image and the writes since, of which a power cut leaves any part. Live disks and the replay of
 * traces use the same functions.
 */
#pragma once

#include "base/base.h"
#include "env/env.h"
#include "env/memory/memory.h"

/* What a disk writes at once. */
#define SECTOR 512u
#define SECTORS (DISK_BLOCK / SECTOR)

/* One block's content; shared, never changed while shared. A NULL block reads as zeros. */
struct block {
	uint32_t references;
	uint8_t data[DISK_BLOCK];
};

struct image {
	uint64_t count; /* blocks */
	struct block **blocks;
	uint64_t used; /* that are not NULL */
};

void image_init(struct image *image, uint64_t size);
void image_fini(struct image *image);
void image_copy(struct image *to, const struct image *from);
void image_put(struct image *image, uint64_t number, struct block *block);
void image_read(const struct image *image, uint64_t offset, void *buffer, size_t length);

/* A block with one reference, which nobody has written to yet, or with the content of `from` (NULL:
 * zeros). */
struct block *block_create_raw(void);
struct block *block_create(const struct block *from);
void block_put(struct block *block);

/* The block with its first `sectors` sectors from `fresh` and the others from `old` (NULL: zeros).
 */
struct block *block_join(const struct block *fresh, const struct block *old, uint32_t sectors);

/* Whether two blocks (NULL: zeros) have the same content. */
bool block_equal(const struct block *one, const struct block *other);

/* Copies the bytes into blocks of their own first where they are shared. */
void image_change(struct image *image, uint64_t offset, const void *buffer, size_t length);

/* One write as submitted. */
struct write {
	uint32_t references;
	uint32_t count; /* blocks; 0: it changes nothing */
	uint64_t first; /* number of the first block */
	bool durable;
	struct block *blocks[];
};

/* A write of count zero blocks from number `first` on; the caller fills blocks and holds the one
 * reference. */
struct write *write_create(uint64_t first, uint32_t count, bool durable);
struct write *write_get(struct write *write);
void write_put(struct write *write);

enum fate { FATE_LOST, FATE_WHOLE, FATE_TORN, FATE_RANDOM };

struct entry {
	struct write *write;
	uint64_t number; /* of the submission, then of the completion */
	bool completed;
	bool failed;
	bool stable;
	enum fate fate; /* while a crash is being judged */
};

struct platter {
	struct image stable;
	struct entry *entries; /* completed ones in that order, then those under way */
	uint32_t count;
	uint32_t completed;
	uint32_t capacity;
};

void platter_init(struct platter *platter, uint64_t size);
void platter_fini(struct platter *platter);

/* Keeps a reference to write. number grows with every call of the four. */
void platter_submit(struct platter *platter, struct write *write, uint64_t number);
void platter_complete(struct platter *platter, struct write *write, uint64_t number, bool failed);

/* Makes durable what completed before number `bound`. */
void platter_flush(struct platter *platter, uint64_t bound);

/* A write under way never happens. */
void platter_cancel(struct platter *platter, struct write *write);

/* What completed and is not durable is gone. */
void platter_lose(struct platter *platter);

uint32_t platter_pending(const struct platter *platter);

/* How many of the pending writes a crash left nothing of, a part of, or garbage in the place of. */
struct casualties {
	uint64_t lost, torn, shorn;
};

/*
 * Makes ret_images[i] what crash leaves of platters[i]; the pending writes of all are numbered
 * together. The platters stay as they are. shorn: random fates include it.
 */
struct casualties platters_survive(struct platter **platters, uint32_t count,
				   const struct memory_crash *crash, bool shorn,
				   struct image *ret_images);

/* Everything is as image (copied) says, and durable. Nothing is under way. */
void platter_reset(struct platter *platter, const struct image *image);
