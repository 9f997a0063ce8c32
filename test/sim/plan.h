/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a run does: shape, knobs, workloads, and every fault with its time. A plan is drawn from a
 * seed or read from a scenario file, and a run depends on nothing else, so that a plan from which
 * one line was taken away still means the same for all the others.
 */
#pragma once

#include <stdio.h>

#include "base/base.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)
#define MICROSECOND UINT64_C(1000)

#define SERVERS_MAX 8u
#define CLIENTS_MAX 16u
#define LOOPS_MAX 4u

/* ------------------------------------------------ random streams */

/* A named stream: what one part draws moves no other part. */
struct stream {
	uint64_t state;
};

struct stream stream_named(uint64_t seed, const char *name, uint64_t number);
uint64_t stream_next64(struct stream *stream);
/* Below limit, which is at least 1. */
uint64_t stream_draw(struct stream *stream, uint64_t limit);
/* From low to high, both included. */
uint64_t stream_between(struct stream *stream, uint64_t low, uint64_t high);
bool stream_chance(struct stream *stream, uint32_t percent);
/* Between low and high, every power of two as likely as the next. */
uint64_t stream_scaled(struct stream *stream, uint64_t low, uint64_t high);

/* ------------------------------------------------ profiles */

/* What the faults of a seed are drawn from (--profile). */
enum profile {
	PROFILE_SWARM, /* each class with one half, the default */
	PROFILE_LITE,  /* no fault at all */
	PROFILE_DISK,
	PROFILE_NET,
	PROFILE_POWER,
	PROFILE_CLOCK,
	PROFILE_REBUILD, /* from here on: what they need is not built yet */
	PROFILE_TXN,
	PROFILE_EC,
	PROFILE_UPGRADE,
	PROFILE_HOSTILE,
	PROFILES
};

const char *profile_name(enum profile profile);
/* -DER_NONEXIST. */
MUST_USE int profile_named(const char *name, enum profile *ret_profile);
bool profile_built(enum profile profile);

/* ------------------------------------------------ faults */

enum fault_class {
	FAULT_CRASH,	     /* the process of an engine dies; the kernel writes what it has */
	FAULT_POWER_CUT,     /* of one engine's node */
	FAULT_POWER_CUT_ALL, /* of all of them at once */
	FAULT_CLIENT_CRASH,
	FAULT_PAUSE, /* a node stands still for up to 120 s */
	FAULT_CLIENT_PAUSE,
	FAULT_CLOCK_STEP, /* forth or back */
	FAULT_CLOCK_DRIFT,
	FAULT_CLOCK_BACK, /* restart with the clock set back */
	FAULT_ALLOCATION, /* the n-th allocation of an engine fails */
	FAULT_CLIENT_ALLOCATION,
	FAULT_UNREADABLE, /* latent sector error, until rewritten or healed */
	FAULT_BIT_FLIP,
	FAULT_READ_FLIP, /* one read shows another bit */
	FAULT_LOST_WRITE,
	FAULT_MISDIRECTED,
	FAULT_STALE_READ,
	FAULT_WRITE_ERROR,
	FAULT_READ_ERROR,
	FAULT_FLUSH_LOST, /* a flush fails, and what it should have kept is gone */
	FAULT_SLOW_DISK,
	FAULT_FULL_DISK,
	FAULT_DELAY,
	FAULT_RESET,	  /* connections end with an unknown suffix lost */
	FAULT_LOST_REPLY, /* executed, and the answer never arrives */
	FAULT_PARTITION,  /* of an engine from all its clients */
	FAULT_LINK_CUT,	  /* between an engine and one client */
	FAULT_ONE_WAY,
	FAULT_CLOG,
	FAULT_BANDWIDTH,
	FAULT_FRAME_DAMAGE,
	FAULT_BULK_DAMAGE,
	FAULT_LATE_BULK,
	FAULT_CLASSES
};

/* What a fault may cost. */
enum harm {
	HARM_NONE,   /* nothing acknowledged, and no error once it is over */
	HARM_ERRORS, /* errors while it lasts; nothing acknowledged */
	HARM_DATA,   /* what the disk held: an error is owed where it was, wrong data never */
};

struct fault_kind {
	const char *name;
	enum harm harm;
	uint32_t profiles;   /* bits of enum profile that use it */
	uint8_t least, most; /* how many a seed that has the class gets */
	bool of_client;	     /* it strikes a client's node */
};

const struct fault_kind *fault_kind(enum fault_class class);
MUST_USE int fault_named(const char *name, enum fault_class *ret_class);

/* One fault. What a and b mean is up to its class: see chaos.c. */
struct fault {
	uint64_t at;	 /* ns since the chaos began */
	uint64_t length; /* ns that it lasts; of a crash: until the restart */
	uint64_t a, b;
	uint16_t class;
	uint16_t server;
	uint16_t client;
};

/* ------------------------------------------------ knobs */

enum schedule_kind { SCHEDULE_FIFO, SCHEDULE_RANDOM, SCHEDULE_PRIORITY };

/* Everything about a run that is one number. Its row in plan.c names it, draws it, and gives its
 * usual value. */
enum knob {
	KNOB_SERVERS,
	KNOB_CLIENTS,
	KNOB_ACTORS,	 /* of each workload on each system */
	KNOB_OPERATIONS, /* that all actors begin during the chaos */
	KNOB_SECONDS,	 /* of chaos */
	KNOB_SCHEDULE,	 /* enum schedule_kind */
	KNOB_CHANGES,	 /* of priorities, in a priority schedule */
	KNOB_SLICE,	 /* ns, the most that one turn of a loop costs */
	KNOB_TARGETS,
	KNOB_LOOPS,
	KNOB_LOG_SIZE,	   /* bytes */
	KNOB_INLINE_LIMIT, /* bytes; 0: by the device */
	KNOB_CHECKPOINT,   /* ns between checkpoints */
	KNOB_POOL_SIZE,	   /* bytes of data per target */
	KNOB_CHECKSUMS,	   /* of containers: 0, 1 */
	KNOB_KEYS,	   /* that the actors of a workload share */
	KNOB_VALUE_SIZE,   /* bytes, the most */
	KNOB_DISK_READ,	   /* ns */
	KNOB_DISK_WRITE,
	KNOB_DISK_FLUSH,
	KNOB_DISK_ANY_ORDER,
	KNOB_DISK_STABLE, /* no volatile cache */
	KNOB_SHORN,	  /* power cuts may leave garbage in a block */
	KNOB_LINK_DELAY,  /* ns */
	KNOB_LINK_JITTER,
	KNOB_WORKLOADS,	     /* bits, in the order of the table of workloads */
	KNOB_OPERATION_MASK, /* bits that workloads use to leave operations out */
	KNOBS
};

const char *knob_name(enum knob knob);
MUST_USE int knob_named(const char *name, enum knob *ret_knob);

/* A fault point of the source that may fire. */
struct armed_point {
	char name[72];
	uint32_t probability; /* in 1/65536 */
};

#define FAULTS_MAX 512u
#define ARMED_MAX 64u

struct plan {
	uint64_t seed;
	enum profile profile;
	uint32_t bug; /* armed seeded bug; 0: none */
	uint64_t knobs[KNOBS];
	uint32_t fault_count;
	struct fault faults[FAULTS_MAX]; /* in the order of time */
	uint32_t armed_count;
	struct armed_point armed[ARMED_MAX];
};

/* What the command line fixes before the rest is drawn. */
struct plan_options {
	enum profile profile;
	uint32_t bug;
	bool fixed[KNOBS];
	uint64_t knobs[KNOBS];
};

/* Draws everything that options do not fix. */
void plan_draw(uint64_t seed, const struct plan_options *options, struct plan *ret_plan);

/* The scenario file: one line of text a fact. */
void plan_print(const struct plan *plan, FILE *file);
/* -DER_IO; -DER_INVAL with the line in error_text(). */
MUST_USE int plan_read(FILE *file, struct plan *ret_plan);
/* Of its text. */
uint64_t plan_hash(const struct plan *plan);

static inline uint64_t
plan_knob(const struct plan *plan, enum knob knob)
{
	return plan->knobs[knob];
}

/* How a run is watched: nothing of it changes what the run does. */
struct run_options {
	uint64_t cpu_limit;  /* ns */
	uint64_t trace_from; /* simulated ns since the start; UINT64_MAX: never */
	uint64_t stop_at;    /* the run ends after so many events */
	bool quiet;	     /* what it writes to standard error is dropped */
};
