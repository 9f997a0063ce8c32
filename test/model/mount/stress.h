/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Random work of several processes on mounts of one container.
 *
 * Each worker has a directory of its own and knows exactly what is in it (tree.h); all share one
 * directory, in which they look for what no order of the operations explains (shared.c). The test
 * (test_stress.c) kills the engine under their hands, which they must not notice, and now and then
 * a dfuse between two operations, when what was neither synced nor closed may be lost.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define WORKERS 8u
#define MOUNTS_MAX 2u
#define PLACE_BYTES 256

/* ------------------------------------------------ what all processes see */

enum command {
	COMMAND_NONE,	/* nothing was said yet */
	COMMAND_RUN,	/* operations, until the next command */
	COMMAND_PAUSE,	/* none; files stay open */
	COMMAND_VERIFY, /* compare everything, on each mount */
	COMMAND_LEAVE,	/* close everything */
	COMMAND_REVIVE, /* the dfuse was killed: what could be lost is looked at and taken as it is
			 */
	COMMAND_END,
};

/* Something that its owner moves between two places; odd while it is under way. */
struct movable {
	_Atomic uint32_t sequence;
	_Atomic uint32_t place;
};

struct shared_state {
	struct movable tokens[WORKERS];	     /* a file in left/ or in right/ */
	struct movable pairs[WORKERS];	     /* two files that are exchanged */
	struct movable links[WORKERS];	     /* whether it has a name more for the common file */
	_Atomic uint32_t begun[WORKERS];     /* version of a slot: being published */
	_Atomic uint32_t published[WORKERS]; /* likewise, acknowledged */
	_Atomic uint32_t appended[WORKERS];  /* records in the log, acknowledged */
	_Atomic uint32_t owners[4];	     /* of each kind of lock; 0: nobody */
};

struct control {
	_Atomic uint32_t command;	    /* enum command + 8 * its number */
	_Atomic uint32_t answered[WORKERS]; /* the command that a worker is done with */
	_Atomic uint64_t operations[WORKERS];
	_Atomic uint64_t skipped; /* operations that this mount does not have */
	_Atomic uint32_t failed;
	char message[2048]; /* of the first who failed */
	char doing[WORKERS][512];
	uint32_t mounts;
	uint32_t phase; /* names the log */
	bool write_back;
	char mount[MOUNTS_MAX][PLACE_BYTES];
	struct shared_state shared;
};

/* ------------------------------------------------ chance */

/* A number below limit; the sequence is given by the seed. */
uint64_t draw(uint64_t *seed, uint64_t limit);

/* ------------------------------------------------ the bed: engine and mounts */

struct bed {
	char directory[128]; /* storage, sockets, logs, mount points */
	char address[64];
	pid_t engine;
	pid_t dfuse[MOUNTS_MAX];
	struct control *control;
};

/* Whether this machine has mounts. */
bool bed_possible(void);

/* A scratch directory with an engine on TCP, a pool and a container. Fails the test otherwise. */
void bed_make(struct bed *bed, struct control *control);

/* Ends and removes everything, whatever state it is in. */
void bed_remove(struct bed *bed);

void bed_engine_up(struct bed *bed);
void bed_engine_kill(struct bed *bed);

/* Mounts number 0 to count - 1, with one more option of dfuse (NULL: none). */
void bed_mount(struct bed *bed, uint32_t count, const char *option);
void bed_unmount(struct bed *bed);    /* and their dfuse must end well */
void bed_mount_kill(struct bed *bed); /* SIGKILL of all, and unmounted */

/* Shows the ends of the logs. */
void bed_tell(const struct bed *bed);

/* ------------------------------------------------ workers */

struct tree;

struct worker {
	uint32_t number;
	uint64_t seed;
	struct control *control;
	struct tree *tree;
	FILE *trace;	   /* NULL: none */
	uint32_t sequence; /* of what it writes */
	uint32_t mount;	   /* that the operation under way uses */
	bool crowd[16];	   /* its names in the crowd that are there */
};

/* Serves commands until the last; never returns. */
void worker_main(struct control *control, uint32_t number, uint64_t seed) __attribute__((noreturn));

/* Ends this worker and the test. */
void worker_fail(struct worker *worker, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* Says what it is about to do, for when it fails or hangs. */
void worker_say(struct worker *worker, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define expect(worker, condition, ...)                    \
	do {                                              \
		if (!(condition))                         \
			worker_fail(worker, __VA_ARGS__); \
	} while (0)

/*
 * The result of a system call on a path; with two mounts it is tried again on ESTALE, which the
 * kernel also says of a directory that was moved through the other mount when it cannot move it,
 * too, at once, as somebody renames something else just then.
 */
#define retried(worker, call)                                                                 \
	({                                                                                    \
		long retried_result = (call);                                                 \
		for (int retried_tries = 0;                                                   \
		     retried_result < 0 && may_retry(worker, retried_tries); retried_tries++) \
			retried_result = (call);                                              \
		retried_result;                                                               \
	})
bool may_retry(const struct worker *worker, int tries);

/* A system call must have done as foreseen: error is 0 or the errno value that it owes. */
void expect_outcome(struct worker *worker, const char *what, long result, int error);

/* ------------------------------------------------ the shared directory */

void shared_make(struct worker *worker); /* once, by one worker */
void shared_operation(struct worker *worker);
void shared_verify(struct worker *worker); /* while all others rest */
