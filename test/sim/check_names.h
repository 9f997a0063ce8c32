/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Names of things that come and go: up to NAME_SLOTS names are one unit, of which each stands for
 * nothing or for one thing; a thing has one name, or several where things are linked. Creating,
 * linking, removing, renaming, counting the names of a thing, and looking at all names at once must
 * be linearizable. A thing is known by a number that no other thing gets.
 */
#pragma once

#include "base/base.h"

#define NAME_SLOTS 4u
#define NAME_NEVER UINT64_MAX
/* Something is there, nobody knows what. */
#define NAME_ANY UINT64_MAX

enum name_kind {
	NAME_CREATE,	   /* thing under slot, if nothing is there */
	NAME_REMOVE,	   /* what is under slot */
	NAME_REMOVE_THING, /* thing, whatever its name */
	NAME_MOVE,	   /* thing to slot, unless another one is there */
	NAME_SEE,	   /* what was seen in the slots of mask, at the same time */
	NAME_LINK,	   /* thing, found under from, also under slot, if nothing is there */
	NAME_RENAME,	   /* what is under from to slot, instead of what is there */
	NAME_RENAME_NEW,   /* the same, if nothing is there */
	NAME_COUNT,	   /* thing had count names */
};

enum name_outcome {
	NAME_UNKNOWN, /* it takes effect at some time after its begin, or never */
	NAME_DONE,
	NAME_EXIST,  /* refused: another thing is under slot */
	NAME_ABSENT, /* refused: nothing under slot, or no such thing (under from) */
	NAME_VOID,   /* it had no effect and tells nothing */
};

struct name_operation {
	uint64_t begin, end; /* distinct in a history; NAME_NEVER */
	uint64_t thing;	     /* not 0 */
	uint64_t seen[NAME_SLOTS];
	uint32_t actor;
	uint8_t kind, outcome;
	uint8_t slot, from;
	uint8_t mask;
	uint32_t count;
};

enum name_verdict { NAMES_GOOD, NAMES_BAD, NAMES_UNDECIDED };

/*
 * Judges the history of a unit that was empty at the beginning. limit bounds the states that are
 * remembered. When it is bad, text tells the operations around the place where no order goes on.
 */
enum name_verdict names_check(const struct name_operation *operations, uint32_t count,
			      uint32_t limit, char *text, size_t text_size);

/*
 * What must hold even where acknowledged operations were lost: that a thing seen under a name was
 * given it by an operation that began before. Returns the first that saw another one, or NULL.
 */
const struct name_operation *names_stranger(const struct name_operation *operations,
					    uint32_t count);

void name_print(const struct name_operation *operation, char *text, size_t size);

/* ------------------------------------------------ ranges */

/* Numbers from first on that were handed out. */
struct number_range {
	uint64_t first, count;
};

/* Whether a range has a number in common with one of the others, which is returned, or NULL. */
const struct number_range *ranges_meet(const struct number_range *ranges, uint32_t count,
				       struct number_range range);
