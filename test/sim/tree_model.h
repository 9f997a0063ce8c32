/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A tree of files as one actor has made it: what must be there, and what operations of unknown
 * outcome may have left. Such an operation may take effect at any later time, once: a name that it
 * touched is in limbo, and nobody uses it, until it is seen that all of it has happened; an
 * attribute or a range of bytes keeps the value it may have been given beside the one it must
 * have. Pure: nothing here knows of a store.
 */
#pragma once

#include <sys/types.h>

#include "base/base.h"

#define TREE_NAME_MAX 255u
#define TREE_MAYBE_MAX 6u
#define TREE_ATTRIBUTES_MAX 6u
#define TREE_RANGES_MAX 4u
/* How an exchange names what it has put aside. */
#define TREE_ASIDE ".exchange."

/* ------------------------------------------------ values */

struct choice {
	uint64_t value;
	uint64_t maybe[TREE_MAYBE_MAX]; /* what unknown operations may make of it yet */
	uint32_t maybe_count;
	bool any; /* too many */
};

bool choice_allows(const struct choice *choice, uint64_t seen);
/* What was seen, and is allowed, has happened. */
void choice_see(struct choice *choice, uint64_t seen);

/* ------------------------------------------------ contents */

struct name_extent {
	uint64_t offset, end;
	uint64_t number; /* of the write; 0: zeros */
	bool maybe;
};

struct name_content {
	struct name_extent *extents; /* in the order of time */
	uint32_t count, room;
	uint64_t size;	    /* what certain operations make of it */
	uint64_t size_most; /* what any may have made of it */
	bool vague;	    /* cut with unknown outcome: bytes of any time are allowed */
};

/* The bytes that write number has at offset of the file whose number is place; 0: zeros. */
void name_bytes(uint64_t place, uint64_t number, uint64_t offset, void *bytes, size_t length);

/* Whether size can be the file's. */
bool content_allows_size(const struct name_content *content, uint64_t size);
/* Whether these can be the bytes at offset; else *ret_bad is the offset of the first that cannot.
 * Where any_time is set, bytes of each write that was ever made there are good. */
bool content_allows(const struct name_content *content, uint64_t place, uint64_t offset,
		    const void *bytes, size_t length, bool any_time, uint64_t *ret_bad);

/* ------------------------------------------------ trees */

enum name_kind { TREE_DIRECTORY, TREE_FILE, TREE_LINK };

struct name_attribute {
	char name[TREE_NAME_MAX + 1];
	struct choice value; /* 0: absent; name_attribute_value() */
};

/* The number of the write and the size of an extended attribute in one. */
static inline uint64_t
name_attribute_value(uint64_t number, uint64_t size)
{
	return number << 20 | size;
}

struct name_node {
	struct name_node *next; /* of all that the tree ever had */
	struct name_entry *at;	/* where it certainly is; NULL: nowhere, in limbo, or the root */
	enum name_kind kind;
	uint64_t number;     /* its place, for bytes */
	uint64_t id;	     /* st_ino; 0: not seen yet */
	struct choice mode;  /* 07777 */
	struct choice owner; /* uid << 32 | gid */
	uint64_t chunk_size;
	bool time_held; /* of a file: nothing has happened since time was set */
	bool time_open; /* it may be set late */
	int64_t time;	/* modification, seconds */
	struct name_content content;
	char *target; /* of a link */
	struct name_attribute attributes[TREE_ATTRIBUTES_MAX];
	uint32_t attribute_count;
	struct name_entry **entries; /* all names that a directory ever had */
	uint32_t entry_count, entry_room;
	uint32_t asides; /* exchanges from here of unknown outcome */
};

struct name_entry {
	struct name_node *directory;
	struct name_node *node; /* NULL: absent */
	struct name_limbo *limbo;
	bool burned; /* late operations on this name may hit whatever has it: not used again */
	char name[TREE_NAME_MAX + 1];
};

enum name_change_kind {
	TREE_NONE,
	TREE_CREATE,   /* node at to */
	TREE_REMOVE,   /* node from `from`; with all below it when force is set */
	TREE_MOVE,     /* node from `from` to `to`, replacing other (may be NULL) */
	TREE_EXCHANGE, /* node at `from` and other at `to` */
	TREE_MODE,     /* of node: value */
	TREE_OWNER,
	TREE_ATTRIBUTE, /* name of node becomes value */
	TREE_TIME,	/* of node: value */
	TREE_WRITE,	/* ranges of node, number value */
	TREE_CUT,	/* node to size value */
	TREE_HOLE,	/* ranges[0] of node */
};

/* Names with which an operation of unknown outcome had to do. */
struct name_limbo {
	struct name_limbo *next;
	enum name_change_kind kind;
	bool open; /* not all of it was seen to have happened */
	struct name_entry *from, *to;
	struct name_node *node, *other;
};

struct name_tree {
	struct name_node *root;
	struct name_node *nodes;
	struct name_limbo *limbos;
	uint32_t live;	 /* entries that are certain */
	uint32_t serial; /* of nodes */
	uint64_t salt;	 /* of the numbers of nodes */
};

struct name_range {
	uint64_t offset, length;
};

struct name_change {
	enum name_change_kind kind;
	struct name_entry *from, *to;
	struct name_node *node, *other;
	uint64_t value;
	char name[TREE_NAME_MAX + 1];
	struct name_range ranges[TREE_RANGES_MAX];
	uint32_t range_count;
};

enum name_outcome { TREE_DONE, TREE_FAILED, TREE_UNKNOWN };

/* salt makes the numbers of its nodes different from those of other trees. */
void name_init(struct name_tree *tree, uint64_t salt);
void name_fini(struct name_tree *tree);

/* A node that is nowhere yet. */
struct name_node *name_node_new(struct name_tree *tree, enum name_kind kind);
/* The entry of that name, which is made when it is wanted and absent. */
struct name_entry *name_entry(struct name_node *directory, const char *name, bool make);
/* Whether it certainly is there or absent, and may be used. */
bool name_entry_usable(const struct name_entry *entry);
struct name_attribute *name_attribute(struct name_node *node, const char *name, bool make);
struct name_node *name_find(const struct name_tree *tree, uint64_t id);
/* Whether node is directory, or lies below it. */
bool name_is_within(const struct name_node *node, const struct name_node *directory);
uint32_t name_depth(const struct name_node *node);
/* The path from the tree's root on: "" for the root, else "/a/b". False: it does not fit. */
bool name_path(const struct name_node *node, char *path, size_t size);
/* What a path (of names alone) leads to. False: that is not certain. *ret_node NULL: nothing. */
bool name_walk(struct name_tree *tree, const char *path, struct name_node **ret_node);
/* Names in a directory; *ret_open: some may be there that are not certain. */
uint32_t name_count(const struct name_node *directory, bool *ret_open);

/* Ends a change: applies it, forgets it, or keeps it as possible. */
void name_end(struct name_tree *tree, struct name_change *change, enum name_outcome outcome);

/* What was seen of a name. */
struct name_seen {
	bool known; /* else nothing was seen: an error */
	bool present;
	enum name_kind kind;
	uint64_t id;
};

/*
 * What both names of a limbo showed, `from` looked at before `to`. NULL: it can be, and the limbo
 * is closed when that tells that all has happened. Else what is wrong with it.
 */
const char *name_limbo_see(struct name_tree *tree, struct name_limbo *limbo,
			   const struct name_seen *from, const struct name_seen *to);
