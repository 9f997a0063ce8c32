/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "links": files and symlinks of several names, that all actors link,
 * rename and remove in two directories; files that lose their last name while they are open; files
 * opened by their id; files that all actors append to.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>

#include "daos_fs.h"
#include "sim/check_names.h"
#include "sim/memory.h"
#include "sim/sim.h"

enum links_operation {
	LINKS_MOUNT,
	LINKS_MAKE,
	LINKS_LOOK,
	LINKS_LINK,
	LINKS_RENAME,
	LINKS_RENAME_NEW,
	LINKS_REMOVE,
	LINKS_APPEND,
	LINKS_READ,
	LINKS_WRITE,
	LINKS_EXPORT,
	LINKS_OPEN_ID,
	LINKS_ATTRIBUTE,
	LINKS_RECLAIM,
	/* Several calls, each of which is counted as what it is. */
	LINKS_REMOVED,
	LINKS_EXPORTED,
	LINKS_ATTRIBUTES,
	LINKS_OPERATIONS
};

#define DIRECTORIES 2u
/* Of one unit of names: the first half of its slots lies in the first directory. */
#define UNIT_OPERATIONS 160u
#define UNITS 2u
#define LINKS_IO_MAX (64u * 1024)

/* ------------------------------------------------ the model */

/* NAME_SLOTS names; a unit that has seen too much is followed by another. */
struct links_unit {
	struct links_unit *next;
	uint32_t number;
	struct name_operation operations[UNIT_OPERATIONS];
	uint32_t count, unknown;
};

/* What was, or may be, appended. */
struct links_record {
	uint64_t number; /* of the write */
	uint64_t begin, end;
	uint64_t offset; /* of a known outcome */
	uint32_t size;
	uint8_t outcome; /* enum outcome */
	bool found;
};

struct links_log {
	struct links_log *next;
	uint32_t number;
	bool made; /* certainly */
	struct links_record *records;
	uint32_t count, room;
	uint64_t bytes;
};

/* A file that somebody has, or had, open while its names go. */
struct links_orphan {
	bool held;
	bool nameless; /* certainly */
	daos_obj_id_t id;
	daos_size_t chunk_size;
};

/* An actor: what of it outlives its fiber. */
struct links_hand {
	struct links_orphan orphan;
	bool changes; /* an operation of unit is under way */
	struct links_unit *unit;
	uint8_t *bytes, *expected; /* LINKS_IO_MAX each */
};

struct links_model {
	struct sim *sim;
	struct server *server;
	struct links_hand *hands;
	uint32_t hand_count;
	struct links_unit *units[UNITS]; /* the latest */
	uint32_t unit_serial;
	struct links_log *log; /* the latest */
	uint32_t log_serial;
	bool *written; /* of things: all of its bytes, certainly */
	uint32_t thing_count, thing_room;
	struct links_orphan *left; /* by clients that died */
	uint32_t left_count;
	bool has_directories;
	bool small_log; /* it does not take what moving all of an entry may need */
};

/* ------------------------------------------------ an actor on its fiber */

struct links_actor {
	struct actor *actor;
	struct links_model *model;
	struct links_hand *hand;
	struct stream *random;
	dfs_t *dfs;
	dfs_obj_t *directories[DIRECTORIES];
};

/* work_links.c: */

/* Whether acknowledged operations of this server may be lost: nothing is certain then. */
bool links_loose(const struct links_actor *links);
/*
 * Counts an operation that ended with an errno; success and two refusals (0: none) are foreseen,
 * and anything else is reported unless the faults excuse it.
 */
enum outcome links_done(struct links_actor *links, enum links_operation operation, int error,
			int refusal, int other, const char *what);
/* Reads size bytes at offset; false when it did not get them. */
bool links_read(struct links_actor *links, dfs_obj_t *object, uint64_t offset, void *bytes,
		size_t size, const char *what);
int links_write(struct links_actor *links, dfs_obj_t *object, uint64_t offset, void *bytes,
		size_t size);
/* The names of an actor alone: never used before. */
void links_own_name(struct links_actor *links, char name[32]);
dfs_obj_t *links_directory(struct links_actor *links);

/* work_links_names.c: */
void links_make(struct links_actor *links);
void links_look(struct links_actor *links);
void links_link(struct links_actor *links);
void links_rename(struct links_actor *links);
void links_rename_new(struct links_actor *links);
void links_remove(struct links_actor *links);
void links_names_lost(struct links_hand *hand);
void links_names_verify(struct links_actor *links);
void links_names_judge(struct links_model *model);
void links_names_free(struct links_model *model);

/* work_links_append.c: */
void links_append(struct links_actor *links);
void links_append_verify(struct links_actor *links);
void links_append_free(struct links_model *model);

/* work_links_alone.c: */
void links_removed(struct links_actor *links);
void links_exported(struct links_actor *links);
void links_attributes(struct links_actor *links);
void links_reclaim(struct links_actor *links);
void links_orphan_lost(struct links_model *model, struct links_hand *hand);
void links_orphans_verify(struct links_actor *links);
