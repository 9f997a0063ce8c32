/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Private to env/memory: disks of nodes, and the record of what happens to them. */
#pragma once

#include "env/memory/platter.h"
#include "env/memory/world.h"

/* Blocks [first, end). */
struct block_range {
	uint64_t first;
	uint64_t end;
};

/* A fault of the next n-th read or write that sends it elsewhere. */
struct misdirection {
	uint64_t countdown;
	uint64_t offset; /* or MEMORY_DRAWN */
};

/* A state that lasts until it heals, told once. */
struct condition {
	bool active;
	bool struck;
};

/* What tests ordered for a disk. */
struct media_faults {
	struct order failures[DISK_DISCARD + 1];
	bool flush_loses; /* together with failures[DISK_FLUSH] */
	/* Countdowns of operations without error. */
	uint64_t flip_read, stale_read, lose_write, tear_write;
	struct misdirection misdirect_read, misdirect_write;
	struct image older; /* while stale_read: each block before its latest write */
	struct block_range *unreadable;
	uint32_t unreadable_count;
	uint32_t slow; /* factor; 0: none */
	bool slow_struck;
	struct condition vanished;
	uint64_t stream; /* what they draw from */
};

/* Where a read takes its data. */
struct source {
	const struct image *image;
	uint64_t offset;
};

/* A disk of a node; outlives its envs. */
struct media {
	struct list link;    /* of node->media, while it has its name */
	uint32_t references; /* the name, and each open handle */
	struct memory_world *world;
	struct memory_node *node;
	char *name;
	uint64_t size; /* bytes */
	enum storage_allocate allocate;
	struct memory_disk_options options;
	struct image newest; /* what reads see */
	struct platter platter;
	uint64_t last_due;
	bool held;
	struct list held_operations;
	struct media_faults faults;
	uint64_t order_stream;
	uint64_t discard_stream;
	struct memory_disk_counts counts;
};

struct media *media_find(struct memory_node *node, const char *name);

/* As found by name in world; asserts that it exists. */
struct media *world_media(struct memory_world *world, const char *node, const char *name);

/* Makes a disk of zeros under its name, with one reference. */
struct media *media_create(struct memory_world *world, struct memory_node *node, const char *name,
			   uint64_t size, enum storage_allocate allocate);
void media_put(struct media *media);

/* Takes the name away. */
void media_unlink(struct media *media);

/* Bytes it occupies. */
uint64_t media_used(const struct media *media);

/* Opens a handle for env. */
struct disk *disk_open(struct memory_env *env, struct media *media);

/* The content becomes image (copied), durable. */
void media_reset(struct media *media, const struct image *image);

/* Removes every disk of the node; none may be open. */
void node_clear(struct memory_node *node);

void media_streams_init(struct media *media);

/* ------------------------------------------------ disk_fault.c */

void media_faults_fini(struct media *media);

/* Tells that a fault took effect on the disk. */
void media_strike(struct media *media, enum memory_fault fault, uint64_t offset, uint64_t length);

/* Whether it is gone until healed; tells it once. */
bool media_vanished(struct media *media);

/* The error that was ordered for this operation, or 0. */
int fault_result(struct media *media, const struct disk_io *io, bool *ret_lose);

/*
 * What becomes of a write that completes without error: itself, or what takes its place on the
 * platter, or NULL for nothing. Takes the reference of write and gives one.
 */
struct write *fault_write(struct media *media, struct write *write);

/* Just before write changes what reads see. */
void fault_rewrite(struct media *media, const struct write *write);

/* Where a read gets its data; -DER_IO where that cannot be read. */
int fault_read(struct media *media, const struct disk_io *io, struct source *source);

/* What may happen to the data of a read on its way. */
void fault_returned(struct media *media, const struct disk_io *io);

/* What an operation takes of `delay` nanoseconds. */
uint64_t fault_delay(struct media *media, uint64_t delay);

/* ------------------------------------------------ trace.c */

/* What a running trace hears; nothing when there is none. */
enum trace_kind {
	TRACE_SUBMIT,
	TRACE_COMPLETE,
	TRACE_FAIL,
	TRACE_CANCEL,
	TRACE_FLUSH,
	TRACE_LOSE,
	TRACE_CREATE,
	TRACE_REMOVE
};
void trace_record(struct media *media, enum trace_kind kind, struct write *write, uint64_t number);
