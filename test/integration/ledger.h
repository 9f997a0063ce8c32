/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A writer with many operations under way, and a ledger of what it began and what was acknowledged.
 *
 * Every place (a key, an entry, a chunk of an array) has at most one operation under way, so that
 * its content is known: what was acknowledged last, or what is under way, wholly.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "engine_bed.h"

#define LEDGER_DEPTH 16
#define LEDGER_CHUNK (1u << 20)

enum place_kind {
	PLACE_VALUE,  /* a key that is overwritten */
	PLACE_INSERT, /* a key that is inserted and removed on condition */
	PLACE_ENTRY,  /* a dkey of two akeys, made and punched on condition */
	PLACE_CHUNK,  /* a chunk of an array, overwritten in parts */
	PLACE_KINDS,
};

/* What is, or will be, in a place. */
struct content {
	uint64_t version; /* the bytes follow from it */
	bool present;
};

struct place {
	enum place_kind kind;
	uint32_t number;
	struct content now, next;
	bool taken;	/* an operation is under way, or a reader looks */
	bool uncertain; /* the operation to `next` was given up */
	uint8_t *bytes; /* of a chunk: what it holds */
};

struct slot;

struct ledger {
	daos_handle_t container, store, object, array, queue;
	struct place *places;
	uint32_t place_count;
	struct slot *slots;
	uint64_t seed;
	pthread_t thread;
	pthread_mutex_t lock;
	atomic_bool stop;
	atomic_ullong acknowledged;
	atomic_int failed; /* code of an operation that did; 0: none */
};

/* Opens the objects in the container and the queue. */
void ledger_open(struct ledger *ledger, struct engine_bed *bed, uint64_t seed);

/* A thread that writes until ledger_stop(), which waits for all answers. */
void ledger_start(struct ledger *ledger);
void ledger_stop(struct ledger *ledger);

/* Without a thread: fills up what is under way and waits [us] for answers; waits for all answers.
 */
void ledger_step(struct ledger *ledger, int64_t timeout);
void ledger_drain(struct ledger *ledger);

/* Stops the thread and gives up what is under way. */
void ledger_abandon(struct ledger *ledger);

/* Reads count random places that nobody is writing, while the writer goes on. */
void ledger_sample(struct ledger *ledger, uint32_t count, uint64_t *seed);

/* Reads every place. No writer runs. */
void ledger_verify(struct ledger *ledger);
void ledger_close(struct ledger *ledger);
