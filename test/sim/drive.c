/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Time, and who runs next. Time moves only when nobody has anything to do at present; every turn of
 * a loop costs it some CPU time, during which it hears nothing, so that long work meets time-outs.
 *
 * Three schedules, chosen per plan: first come first served; uniform random; and priorities drawn
 * at random with a few points at which the running loop falls to the last place (the PCT algorithm
 * of Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs",
 * 2010, applied to loops), with the newest fiber of a loop first.
 */
#include <stdio.h>
#include <time.h>

#include "sim/run.h"

#define PLACES_MAX (SERVERS_MAX * LOOPS_MAX + CLIENTS_MAX)

/* Turns over which the changes of priority are spread: about those of a short run. */
#define CHANGE_SPREAD 100000u

/* ------------------------------------------------ choosing */

static uint32_t
choose_random(struct chooser *chooser, uint32_t count)
{
	struct schedule *schedule = container_of(chooser, struct schedule, random);

	return (uint32_t)stream_draw(&schedule->fibers, count);
}

static uint32_t
choose_newest(struct chooser *chooser, uint32_t count)
{
	(void)chooser;
	return count - 1;
}

void
schedule_init(struct schedule *schedule, const struct plan *plan)
{
	schedule->kind = (enum schedule_kind)plan_knob(plan, KNOB_SCHEDULE);
	schedule->choices = stream_named(plan->seed, "schedule", 0);
	schedule->slices = stream_named(plan->seed, "slices", 0);
	schedule->fibers = stream_named(plan->seed, "fibers", 0);
	schedule->slice_limit = plan_knob(plan, KNOB_SLICE);
	schedule->random.choose = choose_random;
	schedule->newest.choose = choose_newest;
	schedule->changes = (uint32_t)min_of(plan_knob(plan, KNOB_CHANGES), (uint64_t)4);
	for (uint32_t i = 0; i < schedule->changes; i++)
		schedule->change_at[i] = stream_draw(&schedule->choices, CHANGE_SPREAD);
}

void
schedule_admit(struct sim *sim, struct place *place)
{
	struct schedule *schedule = &sim->schedule;

	place->priority = CHANGE_SPREAD + stream_next64(&schedule->choices) / 2;
	if (schedule->kind == SCHEDULE_RANDOM)
		place->env->chooser = &schedule->random;
	else if (schedule->kind == SCHEDULE_PRIORITY)
		place->env->chooser = &schedule->newest;
}

void
place_busy(struct place *place, uint64_t until)
{
	place->busy_until = max_of(place->busy_until, until);
	memory_env_busy(place->env, place->busy_until);
}

static uint32_t
highest(struct place **due, uint32_t count)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < count; i++) {
		if (due[i]->priority > due[best]->priority)
			best = i;
	}
	return best;
}

static struct place *
choose_place(struct schedule *schedule, struct place **due, uint32_t count)
{
	struct place *place;

	schedule->turns++;
	if (schedule->kind == SCHEDULE_FIFO)
		return due[schedule->turns % count];
	if (schedule->kind == SCHEDULE_RANDOM)
		return due[stream_draw(&schedule->choices, count)];
	place = due[highest(due, count)];
	for (uint32_t i = 0; i < schedule->changes; i++) {
		if (schedule->change_at[i] == schedule->turns)
			place->priority = i;
	}
	return place;
}

/* ------------------------------------------------ places */

static uint32_t
all_places(struct sim *sim, struct place **places)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sim->server_count; i++) {
		struct server *server = &sim->servers[i];

		for (uint32_t k = 0; server->state != NODE_DOWN && k < server->loop_count; k++)
			places[count++] = &server->places[k];
	}
	for (uint32_t i = 0; i < sim->client_count; i++) {
		if (sim->clients[i].state != NODE_DOWN)
			places[count++] = &sim->clients[i].place;
	}
	return count;
}

/* Those that have something to do now, and when the next of the others has. */
static uint32_t
due_places(struct sim *sim, struct place **due, uint64_t *ret_next)
{
	struct place *places[PLACES_MAX];
	uint32_t count = all_places(sim, places);
	uint64_t now = sim_now(sim);
	uint32_t found = 0;

	*ret_next = UINT64_MAX;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = memory_env_due(places[i]->env);

		if (loop_ready(places[i]->loop))
			at = max_of(now, places[i]->busy_until);
		if (at <= now)
			due[found++] = places[i];
		else
			*ret_next = min_of(*ret_next, at);
	}
	return found;
}

static void
step(struct sim *sim, struct place *place)
{
	struct schedule *schedule = &sim->schedule;

	if (loop_step(place->loop, UINT64_MAX))
		place_busy(place,
			   sim_now(sim) + stream_draw(&schedule->slices, schedule->slice_limit));
}

/* ------------------------------------------------ looking after the nodes */

static uint64_t
nodes_turn(struct sim *sim)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (server_due(&sim->servers[i]) <= sim_now(sim))
			server_turn(&sim->servers[i]);
		next = min_of(next, server_due(&sim->servers[i]));
	}
	for (uint32_t i = 0; i < sim->client_count; i++) {
		struct client_node *node = &sim->clients[i];

		if (node->state != NODE_DOWN)
			continue;
		if (node->restart_at <= sim_now(sim))
			client_boot(node);
		else
			next = min_of(next, node->restart_at);
	}
	return next;
}

/* ------------------------------------------------ the trace and the budget */

static uint64_t
cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* Once per simulated second. */
static void
tick(struct sim *sim)
{
	struct report *report = sim->report;

	report->simulated_ns = sim_now(sim) - MEMORY_MONOTONIC_START;
	report->events = memory_world_events(sim->world);
	report->trace = memory_world_trace(sim->world);
	report->cpu_ns = cpu_now() - sim->cpu_begin;
	for (; sim->next_second <= sim_now(sim); sim->next_second += SECOND) {
		if (report->seconds < REPORT_SECONDS)
			report->trace_at[report->seconds++] = report->trace;
		if (sim_is_traced(sim))
			fprintf(stderr, "second %u: trace %016llx\n", report->seconds,
				(unsigned long long)report->trace);
	}
	if (report->cpu_ns > sim->options->cpu_limit)
		sim_decide(sim, VERDICT_BUDGET, "it took more than %llu s of CPU time",
			   (unsigned long long)(sim->options->cpu_limit / SECOND));
	if (report->events >= sim->options->stop_at)
		sim_decide(sim, VERDICT_PASS, "stopped at event %llu",
			   (unsigned long long)report->events);
}

/* ------------------------------------------------ the loop of loops */

bool
drive(struct sim *sim, bool (*done)(struct sim *sim), uint64_t limit)
{
	uint64_t end = sim_now(sim) + limit;

	while (!sim->over && !done(sim)) {
		struct place *due[PLACES_MAX];
		uint64_t others = min_of(nodes_turn(sim), chaos_turn(sim));
		uint64_t next;
		uint32_t count = due_places(sim, due, &next);

		if (sim_now(sim) >= end)
			return false;
		if (count > 0) {
			step(sim, choose_place(&sim->schedule, due, count));
			continue;
		}
		memory_world_advance_to(sim->world, min_of(min_of(next, others), end));
		if (sim_now(sim) >= sim->next_second)
			tick(sim);
	}
	tick(sim);
	return !sim->over;
}
