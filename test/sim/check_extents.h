/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The judge of overlapping writes. A history holds what was done to cells on lines (the akeys of
 * one dkey, or the one line of an array) and what was seen of them. Whatever one operation does to
 * one unit (a chunk of an array, a dkey) it does at one moment; several units have no moment in
 * common.
 *
 * Of each unit a graph of "before" is drawn over its operations: by time, from a write to those who
 * saw it, and what follows from both: who saw a write comes before all that covered it later, and
 * what covered the place before comes before the write. It grows until nothing new follows. A cycle
 * is a violation. It never accuses a history that has an explanation; one without may pass where
 * holes or unknown outcomes leave a choice.
 */
#pragma once

#include "base/base.h"

/* The end of an operation that nobody saw end. */
#define EXTENTS_NEVER UINT64_MAX
/* The count of a run that has no end. */
#define EXTENTS_ENDLESS UINT64_MAX

/* What a run holds besides numbers of writes. */
#define EXTENTS_HOLE UINT64_C(0)
/* Changes: zeros that count as data. Looks: zeros, of data or of a hole. */
#define EXTENTS_ZERO UINT64_MAX
/* Looks only: some data. */
#define EXTENTS_DATA (UINT64_MAX - 1)

struct extents_run {
	uint64_t index, count; /* cells */
	uint64_t write;
	uint32_t line;
	/* Runs of one group in one unit are changed, or looked at, at one moment. */
	uint32_t group;
};

enum extents_kind {
	EXTENTS_VOID, /* it had no effect and saw nothing */
	EXTENTS_CHANGE,
	EXTENTS_LOOK,	/* saw what its runs say */
	EXTENTS_SIZE,	/* saw that line 0 ends with the cell before size */
	EXTENTS_RESIZE, /* line 0: no cell from size on; one before size, should it else end
			   earlier */
};

struct extents_operation {
	uint64_t begin, end; /* distinct in a history; EXTENTS_NEVER */
	uint64_t size;
	struct extents_run *runs; /* owned by whoever made the history */
	uint32_t run_count;
	uint32_t actor;
	uint8_t kind;
	bool done; /* else it takes effect at some time after its begin, in part, or never */
	bool torn; /* each cell at its own moment */
};

struct extents_history {
	struct extents_operation *operations;
	uint32_t count, room;
	uint64_t chunk; /* cells of a unit; 0: all of it is one */
};

/* Whether the history, all of it holes at the beginning, has an explanation as far as can be told;
 * else text says what has none. */
bool extents_check(const struct extents_history *history, char *text, size_t text_size);

/*
 * What must hold even where acknowledged operations may have been lost: that whatever was seen was
 * written there by an operation that began before. False: text tells about it.
 */
bool extents_known(const struct extents_history *history, char *text, size_t text_size);

/* Adds a copy of operation, which keeps its runs. Returns its number. */
uint32_t extents_add(struct extents_history *history, const struct extents_operation *operation);

/* Adds a run to an operation, or lengthens its last one. */
void extents_add_run(struct extents_operation *operation, struct extents_run run);

/* One line about an operation, without its newline. */
void extents_print(const struct extents_operation *operation, char *text, size_t size);
