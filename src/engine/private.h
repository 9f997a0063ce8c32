/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of engine. engine.c: the table of steps. superblock.c: what the storage holds.
 * format.c: a new system. convert.c: another number of loops. clock.c: the ceiling of the clock.
 * background.c: what goes on by itself, and goodbyes.
 */
#pragma once

#include "engine/engine.h"

#define SOFTWARE_VERSION "0.1.0"

/* ------------------------------------------------ background */

/* What runs on one loop beside the requests. */
struct background {
	struct engine *engine;
	uint32_t loop;
	struct fiber *fiber; /* NULL: not running */
	uint32_t running;    /* fibers */
	bool stopping;
	bool more;	  /* a target had more to do than its turns allowed */
	uint32_t skipped; /* periods without a visit */
	uint64_t records; /* of the log at the last look */
	struct wait_queue ended;
};

struct engine {
	struct node node;
	struct hlc clock;
	struct arena *arena;
	struct engine_options options; /* listen is not kept */
	char system[32];
	char *listen[PROTO_ADDRESSES_MAX];
	uint32_t log_loops; /* of the logs on the storage; 0: none is needed */
	struct system *services_system;
	struct pools *pools;
	struct containers *containers;
	struct rpc *group[NODE_LOOPS];
	struct background background[NODE_LOOPS];
	struct fiber *clock_fiber;
	uint64_t ceiling;
	bool clock_stopping;
	struct wait_queue clock_ended;
	uint32_t steps; /* done */
};

/* Runs function(engine, index) on each loop; stops at the first failure. *Yields*. */
MUST_USE int engine_each_loop(struct engine *engine,
			      int (*function)(struct engine *engine, uint32_t index));

/* Name of the log of loop index. */
#define LOG_NAME 24u
void engine_log_name(uint32_t index, char name[LOG_NAME]);
void engine_media_options(const struct engine *engine, struct media_options *ret_options);

/* ------------------------------------------------ superblock.c */

#define SUPERBLOCK_NAME "superblock"

/* What the storage holds, as its superblock says. */
struct superblock {
	uint64_t generation;
	uint32_t loops; /* logs in use; 0: all heaps are closed and no log is needed */
	uint32_t rank;
};

/* -DER_NONEXIST, -DER_DF_INCOMPT, -DER_DF_INVAL, -DER_IO. *Yield*. */
MUST_USE int superblock_read(struct engine *engine, struct superblock *ret_superblock);
/* Makes it; the last step of a format. */
MUST_USE int superblock_create(struct engine *engine, const struct superblock *superblock);
/* Counts the generation up. */
MUST_USE int superblock_write(struct engine *engine, struct superblock *superblock);

/* ------------------------------------------------ format.c */

/* Makes logs and the system's store. *Yields*. */
MUST_USE int engine_format(struct engine *engine);
/* Makes the logs of all loops where the storage needs none. *Yields*. */
MUST_USE int engine_format_logs(struct engine *engine);
/* Removes all logs. */
MUST_USE int engine_remove_logs(struct storage *storage, struct arena *arena);

/* ------------------------------------------------ convert.c */

/* Brings all that is in the logs of former_loops loops into the heaps, on loop 0. *Yields*. */
MUST_USE int engine_convert(struct engine *engine, uint32_t former_loops);

/* ------------------------------------------------ clock.c, background.c */

/* Starts the clock at its ceiling, and the fiber that raises it. *Yields*. */
MUST_USE int engine_clock_start(struct engine *engine);
void engine_clock_stop(struct engine *engine);
MUST_USE int engine_background_start(struct engine *engine);
void engine_background_stop(struct engine *engine);
