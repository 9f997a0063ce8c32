/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Linearizability of registers that are changed together. A register holds a value or is absent;
 * up to REGISTER_SLOTS of them are one unit: the akeys of one dkey, which one operation reads,
 * writes or removes atomically, or the one value of a key. The check is the search of Wing and
 * Gong with the memory of Lowe ("Testing for linearizability", 2017): over (operations done,
 * state), each at most once.
 */
#pragma once

#include "base/base.h"

#define REGISTER_SLOTS 4u
/* The end of an operation that nobody saw end. */
#define REGISTER_NEVER UINT64_MAX

enum register_kind {
	REGISTER_READ,	 /* saw values and sizes of slots */
	REGISTER_SIZE,	 /* saw only sizes */
	REGISTER_WRITE,	 /* of slots, all or none */
	REGISTER_REMOVE, /* of slots, all or none; absent ones stay so */
};

enum register_outcome {
	REGISTER_UNKNOWN,  /* it takes effect at some time after its begin, or never */
	REGISTER_DONE,	   /* its conditions held */
	REGISTER_EXIST,	   /* refused: something was there */
	REGISTER_NONEXIST, /* refused: something was absent */
	REGISTER_VOID,	   /* it had no effect and saw nothing */
};

struct register_value {
	uint64_t write; /* 0: absent */
	uint64_t size;
};

struct register_operation {
	uint64_t begin, end; /* distinct in a history; REGISTER_NEVER */
	uint32_t actor;
	uint8_t kind;
	uint8_t outcome;
	uint8_t slots; /* bits */
	/* Conditions: slots that must be absent or present; all absent; at least one present. */
	uint8_t absent, present;
	bool all_absent, any_present;
	struct register_value values[REGISTER_SLOTS]; /* written or seen */
};

enum register_verdict {
	REGISTER_GOOD,
	REGISTER_BAD,	    /* no order of the operations explains what was seen */
	REGISTER_UNDECIDED, /* the search met its limit */
};

/*
 * Judges the history of one unit, all of it absent at the beginning. limit bounds the states that
 * are remembered (16 to 32 bytes each). When it is bad, text tells the operations around the place
 * where no order goes on.
 */
enum register_verdict register_check(const struct register_operation *operations, uint32_t count,
				     uint32_t limit, char *text, size_t text_size);

/*
 * What must hold even where acknowledged operations may have been lost: that every value seen was
 * written by an operation that began before the read ended. Returns the first read that saw
 * another one, or NULL.
 */
const struct register_operation *register_stranger(const struct register_operation *operations,
						   uint32_t count);

/* One line about an operation, without its newline. */
void register_print(const struct register_operation *operation, char *text, size_t size);
