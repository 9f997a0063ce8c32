/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* An engine in a process of its own on a scratch directory, which a test starts, kills and starts
 * again; and a client with a pool and a container of it open. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "embedded_bed.h"

struct engine_bed {
	struct embedded_bed client; /* scratch directory, pool and container */
	const char *backend;	    /* of --backend; NULL: the engine's choice */
	pid_t pid;		    /* 0: none runs */
};

/* How a start ended: what the engine printed to standard error, and its exit status. */
struct engine_end {
	int status; /* as of waitpid() */
	char text[4096];
};

/* A scratch directory with places for storage and sockets; the client will look there alone. */
void engine_bed_make(struct engine_bed *bed);

/* Kills the engine and removes the directory. */
void engine_bed_remove(struct engine_bed *bed);

/* Starts the engine, formatting an empty storage, and returns when it serves. */
void engine_up(struct engine_bed *bed);

/* Only begins to start it. */
void engine_begin(struct engine_bed *bed);

/* Starts the engine where it must fail, and returns when it has ended. */
void engine_refused(struct engine_bed *bed, struct engine_end *ret_end);

/* Ends it by SIGKILL; by SIGTERM, when it must exit with 0. */
void engine_kill(struct engine_bed *bed);
void engine_stop_cleanly(struct engine_bed *bed);

/* Whether it still runs. */
bool engine_alive(const struct engine_bed *bed);

/* Client, pool "pool" and container "test", made where they are absent. */
void engine_client_up(struct engine_bed *bed);
void engine_client_down(struct engine_bed *bed);

/* A number below limit; the sequence is given by the seed. */
uint64_t draw(uint64_t *seed, uint64_t limit);

/* CAIRN_SEED, 1 when it is not set. */
uint64_t seed_of_environment(void);

bool long_run(void); /* CAIRN_LONG */
