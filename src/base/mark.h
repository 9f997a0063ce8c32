/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Marks in the code for the simulator, which exist only where CAIRN_MARKS is defined (the sim
 *preset); elsewhere they are constants and the compiler drops what depends on them.
 *
 *	if (group_is_full(group) || FAULT("media: close the group early"))
 *		...                     a rare path that production may take at this place
 *	REACHED("media: log full");     a rare path was taken
 *	if (!BUG(4))                    what a known error would leave out, or do besides
 *		...
 *
 * A mark is a constant; whether it fires and how often it was met stands in the struct marks that
 *the current context points to, so that all loops of a run share one table. Without a table nothing
 * fires and nothing is counted. Each fault and rare path has a name of its own.
 */
#pragma once

#include "base/context.h"

struct arena;

#ifdef CAIRN_MARKS

enum mark_kind { MARK_FAULT, MARK_REACHED, MARK_BUG };

/* Gathered by the linker: neither padding nor the compiler may move two of them apart. */
struct mark_site {
	const char *name; /* of a bug: "" */
	const char *file; /* "module/file.c" */
	int line;
	uint16_t kind;
	uint16_t number; /* of a bug, from 1 */
} __attribute__((aligned(32)));
_Static_assert(sizeof(struct mark_site) == 32, "an array without gaps");

#define MARK_HERE(mark_kind, mark_name, mark_number)                                              \
	static const struct mark_site mark_here __attribute__((section("cairn_marks"), used)) = { \
		(mark_name), MODULE_NAME "/" __FILE_NAME__, __LINE__, (mark_kind), (mark_number)}

#define MARK_FIRES(mark_kind, mark_name, mark_number)                       \
	__extension__({                                                     \
		MARK_HERE(mark_kind, mark_name, mark_number);               \
		struct marks *mark_table = context_current()->marks;        \
		UNLIKELY(mark_table) && mark_fires(mark_table, &mark_here); \
	})

/* Whether the rare path named may be taken now. */
#define FAULT(name) MARK_FIRES(MARK_FAULT, "" name, 0)

/* Counts that the rare path named was taken. */
#define REACHED(name) ((void)MARK_FIRES(MARK_REACHED, "" name, 0))

/* Whether seeded bug `number`, 1 to MARK_BUGS, is armed. */
#define BUG(number) MARK_FIRES(MARK_BUG, "", number)
#define MARK_BUGS 63u

/* Counts mark in marks; true where it is armed and its turn has come. */
bool mark_fires(struct marks *marks, const struct mark_site *mark);

/* ------------------------------------------------ the table */

#define MARK_ALWAYS 65536u
/* A fault point that fired so many times in a row does not fire the next time. */
#define MARK_ROW 32u

/*
 * A table of all marks of the program in arena (borrowed), nothing armed, seeded with 0. NULL when
 * memory is out. Asserts that no name is used twice.
 */
struct marks *marks_create(struct arena *arena);
void marks_destroy(struct marks *marks);

/* Begins the streams anew: one for each mark, from seed and the mark's name. */
void marks_seed(struct marks *marks, uint64_t seed);

uint32_t marks_count(const struct marks *marks);

/* The number of the mark of this name; false when there is none. */
MUST_USE bool marks_find(const struct marks *marks, const char *name, uint32_t *ret_index);

/* A fault point fires with probability / MARK_ALWAYS each time it is met; 0 disarms. */
void marks_arm(struct marks *marks, uint32_t index, uint32_t probability);

/* Disarms all fault points, for the phase in which everything heals; bugs stay armed. */
void marks_heal(struct marks *marks);

/* Arms seeded bug `number`; false when there is none of that number. */
MUST_USE bool marks_arm_bug(struct marks *marks, uint32_t number);

struct mark_figures {
	const struct mark_site *mark;
	uint64_t met;	/* evaluated, or passed */
	uint64_t fired; /* of a fault or bug: was true; of a rare path: equals met */
};

/* Mark number index, which is below marks_count(). */
void marks_figures(const struct marks *marks, uint32_t index, struct mark_figures *ret_figures);

#else

#define FAULT(name) false
#define REACHED(name) ((void)0)
#define BUG(number) false

#endif
