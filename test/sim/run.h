/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of a run. node.c: engines and clients, their starts and ends. drive.c: time and the
 * choice of the next loop. chaos.c: faults. actor.c: what workloads see. run.c: the phases.
 */
#pragma once

#include "client/client.h"
#include "daos_fs.h"
#include "engine/engine.h"
#include "env/memory/memory.h"
#include "sim/ledger.h"
#include "sim/memory.h"
#include "sim/report.h"
#include "sim/sim.h"

#define WORKLOADS_MAX 12u
#define ACTORS_MAX 8u

enum phase { PHASE_SETUP, PHASE_CHAOS, PHASE_HEAL, PHASE_VERIFY, PHASE_END };

/* ------------------------------------------------ loops */

/* A loop that the driver steps. */
struct place {
	struct env *env;
	struct loop *loop;
	uint64_t priority; /* of a priority schedule: the highest that is due runs */
	uint64_t busy_until;
};

struct schedule {
	enum schedule_kind kind;
	struct stream choices; /* of loops */
	struct stream slices;  /* what a turn costs */
	uint64_t slice_limit;
	uint64_t turns;
	uint64_t change_at[4]; /* turns after which the running loop becomes the last */
	uint32_t changes;
	struct chooser random; /* of fibers */
	struct chooser newest;
	struct stream fibers;
};

/* ------------------------------------------------ nodes */

enum node_state { NODE_DOWN, NODE_STARTING, NODE_UP, NODE_STOPPING };

struct server {
	struct sim *sim;
	uint32_t number;
	char name[16];	  /* of its node: "engine-0" */
	char address[32]; /* "memory:engine-0" */
	const char *listen;
	enum node_state state;
	bool formatted;
	uint32_t loop_count;
	struct place places[LOOPS_MAX];
	struct engine *engine;
	bool ended;	     /* the fiber of its start or stop has */
	bool audited;	     /* a fiber of audit.c is at work on it */
	int result;	     /* of the start */
	uint64_t restart_at; /* while down */
	uint32_t refusals;   /* starts in a row that failed */
	uint64_t media_checked;
	int64_t clock_offset;
	int32_t clock_drift;
	uint64_t paused_until;
	struct ledger ledger;
	bool lost;		     /* its disks are damaged beyond starting */
	uint64_t pool_free;	     /* of data, before any container was made */
	uint64_t pool_left;	     /* after all of them were destroyed */
	void *models[WORKLOADS_MAX]; /* NULL: the workload does not take part */
};

struct client_node {
	struct sim *sim;
	uint32_t number;
	char name[16];
	struct server *server;
	enum node_state state;
	bool ended; /* the fiber of its stop has */
	struct place place;
	struct client *client;
	uint32_t generation;
	uint64_t restart_at;
	uint64_t paused_until;
};

/* An actor and its fiber. */
struct slot {
	struct actor actor;
	struct client_node *node;
	bool wanted;  /* it has something to do in this phase and has not ended */
	bool running; /* its fiber lives */
};

/* What a fault that lasts ends with. */
struct ending {
	uint64_t at;
	const struct fault *fault;
};

struct sim {
	const struct plan *plan;
	struct report *report;
	struct memory_world *world;
	struct arena *arena; /* of the marks */
	struct marks *marks;
	enum phase phase;
	struct server servers[SERVERS_MAX];
	uint32_t server_count;
	struct ledger client_ledger; /* excuses for all clients */
	struct client_node clients[CLIENTS_MAX];
	uint32_t client_count;
	struct slot slots[SERVERS_MAX * WORKLOADS_MAX * ACTORS_MAX];
	uint32_t slot_count;
	struct schedule schedule;
	struct stream crashes;
	uint64_t chaos_begin, chaos_end;
	uint64_t operations_left;
	uint64_t pause_mean; /* ns between two operations of an actor */
	uint64_t last_time;
	uint64_t last_write;
	uint32_t next_fault; /* of the plan, to be applied */
	struct ending endings[FAULTS_MAX];
	uint32_t ending_count;
	uint64_t next_second;
	uint64_t cpu_begin; /* ns */
	const struct run_options *options;
	uint32_t jobs; /* of the simulator itself, under way */
	bool over;     /* a verdict was found */
	struct log_sink sink;
	char last_error[512]; /* the latest log line of any node */
};

/* ------------------------------------------------ drive.c */

void schedule_init(struct schedule *schedule, const struct plan *plan);
/* A priority, and what its fibers are chosen by. */
void schedule_admit(struct sim *sim, struct place *place);
/* The loop does nothing before a time. */
void place_busy(struct place *place, uint64_t until);

/*
 * Steps the loops and moves time until done(sim) or the limit (ns from now); applies the faults of
 * the plan while the chaos lasts. True: done.
 */
bool drive(struct sim *sim, bool (*done)(struct sim *sim), uint64_t limit);

/* ------------------------------------------------ node.c */

void server_init(struct sim *sim, uint32_t number);
/* From NODE_DOWN: starts an engine; the start ends some turns later, and server_turn() sees it. */
void server_boot(struct server *server);
/* The process ends as by SIGKILL; with power also the disk's cache goes. */
void server_crash(struct server *server, bool power, uint64_t restart_at);
/* Looks after a server: the end of a start, a media that has failed, the time to restart. */
void server_turn(struct server *server);
/* When server_turn() has something to do: virtual time. */
uint64_t server_due(const struct server *server);
/* Stops it cleanly. False: it did not stop. */
bool server_stop(struct server *server);

void client_init(struct sim *sim, uint32_t number);
void client_boot(struct client_node *node);
void client_crash(struct client_node *node, uint64_t restart_at);
bool client_stop(struct client_node *node);

/* ------------------------------------------------ audit.c */

/* Audits all stores of every server that is up and undamaged; what is wrong is a violation. */
void sim_audit(struct sim *sim, const char *when);

/* ------------------------------------------------ chaos.c */

/* Applies what is due; returns when the next is, or UINT64_MAX. */
uint64_t chaos_turn(struct sim *sim);
/* Ends every fault: network, disks, clocks, pauses; nodes that are down start at once. */
void chaos_heal(struct sim *sim);
void chaos_on_strike(void *argument, const struct memory_strike *strike);

/* ------------------------------------------------ actor.c */

/* On a fiber. *Yields*. */
void sim_sleep(uint64_t nanoseconds);

void slots_init(struct sim *sim);
/* Starts the fibers of the wanted slots of a client that has come up. */
void slots_start(struct client_node *node);
/* Its fibers are gone. */
void slots_lost(struct client_node *node);

/* ------------------------------------------------ run.c */

/* Fault points fire no more. */
void sim_points_heal(struct sim *sim);

/* Runs a plan to its verdict, which is in *report. */
void sim_run(const struct plan *plan, const struct run_options *options, struct report *report);

/* The first verdict stays. */
void sim_decide(struct sim *sim, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
uint64_t sim_now(const struct sim *sim);
/* Whether what happens now is told on standard error. */
bool sim_is_traced(const struct sim *sim);
