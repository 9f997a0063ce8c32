/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What workloads see: the fibers of actors, pacing, counting, and the excuses for errors. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/run.h"

/* ------------------------------------------------ slots */

static void
slot_add(struct sim *sim, struct server *server, uint32_t workload, uint32_t number)
{
	struct slot *slot = &sim->slots[sim->slot_count++];
	uint32_t on_server =
		(sim->client_count + sim->server_count - 1 - server->number) / sim->server_count;

	slot->node =
		&sim->clients[server->number + (number + workload) % on_server * sim->server_count];
	slot->actor = (struct actor){
		.sim = sim,
		.server = server,
		.workload = workloads[workload],
		.model = server->models[workload],
		.number = number,
		.client = slot->node->number,
		.random = stream_named(sim->plan->seed, workloads[workload]->name,
				       server->number * 1000 + number),
	};
}

void
slots_init(struct sim *sim)
{
	uint64_t actors = min_of(plan_knob(sim->plan, KNOB_ACTORS), (uint64_t)ACTORS_MAX);

	for (uint32_t i = 0; i < sim->server_count; i++) {
		for (uint32_t k = 0; k < workload_count; k++) {
			for (uint32_t n = 0; sim->servers[i].models[k] && n < actors; n++)
				slot_add(sim, &sim->servers[i], k, n);
		}
	}
}

/* ------------------------------------------------ the fiber of an actor */

void
sim_sleep(uint64_t nanoseconds)
{
	/* These fibers have no deadline, and nobody cancels them. */
	int rc = fiber_sleep(nanoseconds);

	ASSERT(rc == 0);
}

static bool
excused(const struct actor *actor, int rc)
{
	const struct sim *sim = actor->sim;

	/* The honest answer where one was lost; and only there. */
	if (rc == -DER_TX_UNCERTAIN)
		return sim->plan->fault_count + sim->plan->armed_count > 0;
	return ledger_allows(&actor->server->ledger, sim_now(sim), rc) ||
	       ledger_allows(&sim->client_ledger, sim_now(sim), rc);
}

/* Whether it goes on trying to reach its container. */
static bool
keeps_trying(struct slot *slot)
{
	struct sim *sim = slot->actor.sim;

	return !sim->over && (sim->phase != PHASE_CHAOS || sim_now(sim) < sim->chaos_end);
}

static int
actor_connect(struct actor *actor)
{
	int rc = daos_pool_connect("pool", NULL, DAOS_PC_RW, &actor->pool, NULL, NULL);

	if (rc)
		return rc;
	rc = daos_cont_open(actor->pool, actor->workload->name, DAOS_COO_RW, &actor->container,
			    NULL, NULL);
	if (rc)
		(void)daos_pool_disconnect(actor->pool, NULL);
	return rc;
}

/* What a disk that is damaged for good answers now it answers for ever. */
static bool
is_lost(const struct slot *slot, int rc)
{
	return slot->actor.sim->phase != PHASE_CHAOS &&
	       ledger_damaged(&slot->actor.server->ledger) &&
	       (rc == -DER_IO || rc == -DER_CSUM || rc == -DER_DF_INVAL);
}

/* False: it gave up. */
static bool
actor_reach(struct slot *slot)
{
	struct actor *actor = &slot->actor;
	int rc = actor_connect(actor);

	while (rc && keeps_trying(slot) && !is_lost(slot, rc)) {
		/* Who was never answered is told at once that nobody is there. */
		if (rc == -DER_NONEXIST || (rc != -DER_UNREACH && !excused(actor, rc)))
			sim_violation(actor->sim, "the container of %s cannot be opened: %s",
				      actor->workload->name, error_name(rc));
		sim_sleep(50 * MILLISECOND);
		rc = actor_connect(actor);
	}
	return rc == 0;
}

static void
slot_main(void *argument)
{
	struct slot *slot = argument;
	struct actor *actor = &slot->actor;

	if (actor_reach(slot)) {
		if (actor->sim->phase == PHASE_CHAOS)
			actor->workload->act(actor);
		else if (actor->sim->phase == PHASE_VERIFY)
			actor->workload->verify(actor);
		(void)daos_cont_close(actor->container, NULL);
		(void)daos_pool_disconnect(actor->pool, NULL);
	}
	slot->running = false;
	slot->wanted = false;
}

void
slots_start(struct client_node *node)
{
	struct sim *sim = node->sim;

	for (uint32_t i = 0; i < sim->slot_count; i++) {
		struct slot *slot = &sim->slots[i];
		struct fiber *fiber;
		int rc;

		if (slot->node != node || !slot->wanted || slot->running)
			continue;
		slot->actor.generation = node->generation;
		rc = fiber_start(node->place.loop, slot->actor.workload->name, slot_main, slot,
				 &fiber);
		ASSERT(rc == 0);
		slot->running = true;
	}
}

void
slots_lost(struct client_node *node)
{
	struct sim *sim = node->sim;

	for (uint32_t i = 0; i < sim->slot_count; i++) {
		if (sim->slots[i].node == node)
			sim->slots[i].running = false;
	}
}

/* ------------------------------------------------ pacing and time */

/* Pauses come in all lengths: a third of the operations follow at once. */
static uint64_t
draw_pause(struct actor *actor)
{
	if (stream_chance(&actor->random, 33))
		return 0;
	return stream_draw(&actor->random, 3 * actor->sim->pause_mean + 1);
}

bool
actor_next(struct actor *actor)
{
	struct sim *sim = actor->sim;
	uint64_t pause = draw_pause(actor);

	if (sim->over || sim->operations_left == 0 || sim_now(sim) >= sim->chaos_end)
		return false;
	if (pause > 0)
		sim_sleep(pause);
	if (sim->over || sim->operations_left == 0 || sim_now(sim) >= sim->chaos_end)
		return false;
	sim->operations_left--;
	return true;
}

void
actor_sleep(struct actor *actor, uint64_t nanoseconds)
{
	(void)actor;
	sim_sleep(nanoseconds);
}

uint64_t
actor_time(struct actor *actor)
{
	struct sim *sim = actor->sim;

	sim->last_time = max_of(sim->last_time + 1, sim_now(sim));
	return sim->last_time;
}

uint64_t
actor_write_number(struct actor *actor)
{
	return ++actor->sim->last_write;
}

bool
actor_takes(const struct actor *actor, uint32_t operation)
{
	return plan_knob(actor->sim->plan, KNOB_OPERATION_MASK) >> operation % 32 & 1;
}

/* ------------------------------------------------ outcomes */

static struct operation_count *
count_of(struct report *report, const struct workload *workload, uint32_t operation)
{
	char name[40];

	snprintf(name, sizeof(name), "%s.%s", workload->name, workload->operations[operation]);
	for (uint32_t i = 0; i < report->operation_count; i++) {
		if (strcmp(report->operations[i].name, name) == 0)
			return &report->operations[i];
	}
	ASSERT(report->operation_count < REPORT_OPERATIONS);
	memcpy(report->operations[report->operation_count].name, name, sizeof(name));
	return &report->operations[report->operation_count++];
}

/* Codes after which nobody knows whether it happened. */
static bool
is_unknown(int rc)
{
	static const int codes[] = {
		-DER_TIMEDOUT,
		-DER_UNREACH,
		-DER_CANCELED,
		-DER_TX_UNCERTAIN,
		-DER_IO,
		-DER_NOMEM,
		-DER_BUSY,
		-DER_CSUM,
		-DER_AGAIN,
		/* What refuses a request that was sent again before it looks for the first answer.
		 */
		-DER_HLC_SYNC,
		-DER_NO_HDL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i] == rc)
			return true;
	}
	return false;
}

enum outcome
actor_done(struct actor *actor, uint32_t operation, int rc)
{
	struct sim *sim = actor->sim;
	enum outcome outcome = rc == 0		? OUTCOME_OK
			       : is_unknown(rc) ? OUTCOME_UNKNOWN
						: OUTCOME_FAILED;

	count_of(sim->report, actor->workload, operation)->outcomes[outcome]++;
	if (!excused(actor, rc))
		sim_violation(sim, "%s.%s on %s ended with %s (%s), which nothing excuses",
			      actor->workload->name, actor->workload->operations[operation],
			      actor->server->name, error_name(rc), error_text(rc));
	return outcome;
}

enum outcome
actor_done_errno(struct actor *actor, uint32_t operation, int error)
{
	static const struct {
		int error, code;
	} codes[] = {
		{ETIMEDOUT, -DER_TIMEDOUT},
		{EHOSTUNREACH, -DER_UNREACH},
		{EIO, -DER_IO},
		{ENOMEM, -DER_NOMEM},
		{ENOSPC, -DER_NOSPACE},
		{EBUSY, -DER_BUSY},
		{EAGAIN, -DER_AGAIN},
		{EBADF, -DER_NO_HDL},
		{ECANCELED, -DER_CANCELED},
		{EEXIST, -DER_EXIST},
		{ENOENT, -DER_NONEXIST},
	};

	/* Codes without an errno of their own become this one. */
	if (error == EIO && !excused(actor, -DER_IO) && excused(actor, -DER_HLC_SYNC))
		return actor_done(actor, operation, -DER_HLC_SYNC);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i].error == error)
			return actor_done(actor, operation, codes[i].code);
	}
	return actor_done(actor, operation, error ? -DER_INVAL : 0);
}

/* ------------------------------------------------ judgement */

void
sim_violation(struct sim *sim, const char *format, ...)
{
	char text[sizeof(sim->report->explanation)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	sim_decide(sim, VERDICT_SAFETY, "%s", text);
}

void
sim_undecided(struct sim *sim, const char *format, ...)
{
	char text[sizeof(sim->report->explanation)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	sim_decide(sim, VERDICT_UNDECIDED, "%s", text);
}

bool
sim_violated(const struct sim *sim)
{
	return sim->over;
}

const struct plan *
sim_plan(const struct sim *sim)
{
	return sim->plan;
}

uint32_t
server_number(const struct server *server)
{
	return server->number;
}

bool
server_may_fail(const struct server *server)
{
	return ledger_damaged(&server->ledger) ||
	       server->ledger.excused_until[EXCUSE_IO] > sim_now(server->sim);
}

bool
server_may_roll_back(const struct server *server)
{
	return server->ledger.log_lost_at != 0;
}
