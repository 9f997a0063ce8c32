/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Private to env/memory: disks of nodes, and the record of what happens to them. */
#pragma once

#include "env/memory/platter.h"
#include "env/memory/world.h"

struct disk_fault {
	uint64_t countdown; /* 0: none; 1: the next operation */
	int result;
	bool lose;
};

/* A disk of a node; outlives its envs. */
struct media {
	struct list link;    /* of node->media, while it has its name */
	uint32_t references; /* the name, and each open handle */
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
	struct disk_fault faults[DISK_DISCARD + 1];
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
