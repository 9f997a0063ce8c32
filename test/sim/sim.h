/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A run of the simulator as its workloads see it. Servers are systems of one engine, each with one
 * pool; every workload has a container in each of them and some actors, which are fibers on the
 * loops of simulated clients and call the public functions of libdaos and libdfs as any program
 * does. What they did and saw goes into the workload's model, which judges it.
 *
 * A run has four phases: set-up without faults; chaos; healing, after which all that may be owed is
 * asked for again (verify); and the end, where the models are judged and everything is closed.
 */
#pragma once

#include "daos.h"

#include "sim/plan.h"

struct sim;
struct server;
struct workload;

/* ------------------------------------------------ actors */

struct actor {
	struct sim *sim;
	struct server *server;
	const struct workload *workload;
	void *model;	     /* of this workload on this server, shared by its actors */
	uint32_t number;     /* among the actors of the model */
	uint32_t client;     /* the node it runs on */
	uint32_t generation; /* how often its client has crashed */
	struct stream random;
	daos_handle_t pool;
	daos_handle_t container; /* labelled with the workload's name; open for reading and
				    writing */
};

/*
 * Whether to begin one more operation: false when the chaos is over, or a violation was found;
 * act() then returns. *Yields* for the pause between operations.
 */
bool actor_next(struct actor *actor);

/* *Yields* for some nanoseconds. */
void actor_sleep(struct actor *actor, uint64_t nanoseconds);

/* The virtual clock, made strictly increasing: the begin and end of operations in histories. */
uint64_t actor_time(struct actor *actor);

/* A number that no other write of the run has. */
uint64_t actor_write_number(struct actor *actor);

enum outcome {
	OUTCOME_OK,
	OUTCOME_FAILED,	 /* it had no effect */
	OUTCOME_UNKNOWN, /* it may have happened, or may happen yet once */
};

/*
 * Counts an operation (an index into workload->operations) that ended with rc, a DAOS code, and
 * classifies it. An error that nothing in the run explains (-DER_IO on a healthy disk, -DER_NOSPACE
 * in an empty pool, -DER_TIMEDOUT without an outage) is reported as a violation.
 */
enum outcome actor_done(struct actor *actor, uint32_t operation, int rc);

/* As actor_done() for functions of dfs, which return errno values. */
enum outcome actor_done_errno(struct actor *actor, uint32_t operation, int error);

/* Whether operations of this kind take part in this run (swarm): bit of KNOB_OPERATION_MASK. */
bool actor_takes(const struct actor *actor, uint32_t operation);

/* ------------------------------------------------ judgement */

/* Reports what must not be: the first one ends the run with exit code 1. Any stack. */
void sim_violation(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A checker that cannot decide: counted, never a pass (exit code 6). */
void sim_undecided(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sim_violated(const struct sim *sim);

const struct plan *sim_plan(const struct sim *sim);
uint32_t server_number(const struct server *server);

/* What the faults that struck this server until now excuse; see ledger.h. */
bool server_may_fail(const struct server *server); /* an error instead of data is owed nothing */
bool server_may_roll_back(const struct server *server); /* the log's tail was lost */

/* ------------------------------------------------ workloads */

struct workload {
	const char *name;	       /* also the label of its container */
	const char *const *operations; /* names, NULL-terminated */
	daos_cont_layout_t layout;     /* of its container: DAOS_PROP_CO_LAYOUT_* */
	/* Its model for one server. Never NULL: out of memory ends the simulator. */
	void *(*create)(struct sim *sim, struct server *server);
	/*
	 * One actor during the chaos, on a fiber, pool and container being open. When its client
	 * crashes the fiber is gone without a word, and act() is called anew on the next client
	 * with generation + 1: what was under way then is of unknown outcome, and so must stand in
	 * the model before the call is made.
	 */
	void (*act)(struct actor *actor);
	/* After healing, as the only actor of the model: reads everything and compares. */
	void (*verify)(struct actor *actor);
	/* After verify(): judges what was recorded. */
	void (*judge)(struct sim *sim, void *model);
	void (*destroy)(void *model);
};

/* All of them, in the order of the bits of KNOB_WORKLOADS. */
extern const struct workload *const workloads[];
extern const uint32_t workload_count;

/* ------------------------------------------------ values that know who they are */

/* Who wrote bytes, and where they belong. */
struct identity {
	uint64_t write; /* actor_write_number() */
	uint64_t place; /* a hash of container, object, keys */
};

/* The least size that identifies itself. */
#define VALUE_MIN 24u

/* Fills size bytes (at least VALUE_MIN) that depend on identity and size alone. */
void value_fill(void *bytes, size_t size, struct identity identity);
/* Whose value it is; false when the bytes are not what value_fill() gave for this size. */
bool value_identify(const void *bytes, size_t size, struct identity *ret_identity);
