/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What one worker's directory holds: names, files byte by byte, and which of their bytes may be
 * lost with the kernel's cache.
 */
#pragma once

#include <limits.h>

#include "stress.h"

#define FILE_BYTES_MAX (192u << 10) /* three chunks of the container */
#define ENTRIES_MAX 48u
#define DEPTH_MAX 3u
#define OPENED_MAX 6u
#define NOTE_BYTES_MAX 300u

enum kind {
	KIND_FILE,
	KIND_DIRECTORY,
	KIND_SYMLINK,
};

/* What names lead to. */
struct node {
	enum kind kind;
	uint32_t names, opened; /* 0 and 0: freed */
	uint32_t depth;		/* of a directory; the worker's own has 0 */
	mode_t mode;
	uint64_t inode;
	uint8_t *bytes, *unsure; /* FILE_BYTES_MAX; unsure: not on the server for certain */
	size_t size;
	size_t durable; /* size that is on the server at least; the true one is up to size */
	char *target;	/* of a symlink */
	int32_t note;	/* bytes of its extended attribute; -1: none */
	uint8_t note_fill;
};

struct entry {
	struct node *directory, *node; /* node NULL: the place is free */
	char name[NAME_MAX + 1];
};

struct opened {
	struct node *node; /* NULL: free */
	int descriptor;
	uint32_t mount;
};

struct tree {
	struct node root;
	struct entry entries[ENTRIES_MAX];
	uint32_t count;
	struct opened opened[OPENED_MAX];
};

struct tree *tree_create(void);

struct node *node_create(enum kind kind);
void node_drop(struct node *node); /* when nobody has it any more */

/* ------------------------------------------------ names */

struct entry *entry_find(struct tree *tree, const struct node *directory, const char *name);
struct entry *entry_add(struct tree *tree, struct node *directory, const char *name,
			struct node *node);
void entry_remove(struct tree *tree, struct entry *entry);

/* Any entry of a kind, or of any kind (-1); NULL where there is none. */
struct entry *entry_draw(struct tree *tree, uint64_t *seed, int kind);
struct entry *entry_of(struct tree *tree, const struct node *node);
struct node *directory_draw(struct tree *tree, uint64_t *seed);
bool directory_empty(const struct tree *tree, const struct node *directory);

/* Whether node is directory or lies above it. */
bool is_above(struct tree *tree, const struct node *node, const struct node *directory);

/* The path on a mount; name NULL: of the directory itself. */
void path_of(struct worker *worker, uint32_t mount, const struct node *directory, const char *name,
	     char ret_path[PATH_MAX]);

/* ------------------------------------------------ content */

void content_write(struct node *node, size_t offset, const uint8_t *bytes, size_t length,
		   bool unsure);
void content_zero(struct node *node, size_t offset, size_t length);
void content_cut(struct node *node, size_t size); /* or prolongs */
void content_sure(struct node *node, size_t offset, size_t length);
void content_synced(struct node *node);

/* ------------------------------------------------ open files */

/* A place in tree->opened; the oldest is closed where all are taken. */
struct opened *opened_take(struct worker *worker, struct node *node, uint32_t mount,
			   int descriptor);
void opened_close(struct worker *worker, struct opened *opened);
void opened_close_all(struct worker *worker);

/* The file will lose its last name on a mount: elsewhere it is closed, as only its mount keeps it.
 */
void opened_close_elsewhere(struct worker *worker, const struct node *node, uint32_t mount);

/* ------------------------------------------------ work and judgement */

void tree_operation(struct worker *worker);

/* Compares everything on each mount with what is known; revived: what was unsure is taken over. */
void tree_verify(struct worker *worker, bool revived);
void check_bytes(struct worker *worker, int descriptor, struct node *node, size_t offset,
		 size_t length);
void check_attributes(struct worker *worker, const struct node *node, const struct stat *stat);
void check_listing(struct worker *worker, uint32_t mount, struct node *directory);
