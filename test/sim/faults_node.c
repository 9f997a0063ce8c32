/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Faults of nodes: crashes, pauses, clocks, memory. */
#include "sim/faults.h"

/* ------------------------------------------------ nodes */

static bool
crash(struct sim *sim, const struct fault *fault, bool power)
{
	struct server *server = server_of(sim, fault);

	if (server->state == NODE_DOWN)
		return false;
	excuse_outage(server, fault);
	server_crash(server, power, sim_now(sim) + fault->length);
	return true;
}

bool
begin_crash(struct sim *sim, const struct fault *fault)
{
	return crash(sim, fault, false);
}

bool
begin_power_cut(struct sim *sim, const struct fault *fault)
{
	return crash(sim, fault, true);
}

bool
begin_power_cut_all(struct sim *sim, const struct fault *fault)
{
	bool any = false;

	for (uint32_t i = 0; i < sim->server_count; i++) {
		struct fault one = *fault;

		one.server = (uint16_t)i;
		any |= crash(sim, &one, true);
	}
	return any;
}

bool
begin_client_crash(struct sim *sim, const struct fault *fault)
{
	struct client_node *node = client_of(sim, fault);

	if (node->state == NODE_DOWN)
		return false;
	client_crash(node, sim_now(sim) + fault->length);
	return true;
}

bool
begin_pause(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);

	server->paused_until = sim_now(sim) + fault->length;
	for (uint32_t i = 0; server->state != NODE_DOWN && i < server->loop_count; i++)
		place_busy(&server->places[i], server->paused_until);
	excuse_outage(server, fault);
	return server->state != NODE_DOWN;
}

bool
begin_client_pause(struct sim *sim, const struct fault *fault)
{
	struct client_node *node = client_of(sim, fault);

	node->paused_until = sim_now(sim) + fault->length;
	if (node->state != NODE_DOWN)
		place_busy(&node->place, node->paused_until);
	excuse_outage(node->server, fault);
	return node->state != NODE_DOWN;
}

/* ------------------------------------------------ clocks */

/* Within what the system promises to bear (1 s between any two clocks), or far beyond. */
#define OFFSET_NEAR (800 * MILLISECOND)
/* Up to here no two clocks that a run has seen lie further apart, the ceiling's lead included. */
#define OFFSET_SAFE (400 * MILLISECOND)
#define OFFSET_FAR (20 * SECOND)

/* Sets the clock of a server to differ by offset from what it should be. */
void
clock_set(struct server *server, int64_t offset)
{
	int64_t step = offset - server->clock_offset;
	bool safe = offset <= (int64_t)OFFSET_SAFE && -offset <= (int64_t)OFFSET_SAFE;

	server->clock_offset = offset;
	/* What the clock showed once goes on in stamps. */
	if (!safe)
		ledger_excuse(&server->ledger, EXCUSE_CLOCK, UINT64_MAX);
	for (uint32_t i = 0; server->state != NODE_DOWN && i < server->loop_count; i++)
		memory_env_clock_step(server->places[i].env, step);
}

static int64_t
drawn_offset(const struct fault *fault)
{
	int64_t limit = fault->b % 10 == 0 ? (int64_t)OFFSET_FAR : (int64_t)OFFSET_NEAR;
	int64_t offset = (int64_t)(fault->a % (uint64_t)limit);

	return fault->b & 1 ? offset : -offset;
}

bool
begin_clock_step(struct sim *sim, const struct fault *fault)
{
	clock_set(server_of(sim, fault), drawn_offset(fault));
	return true;
}

bool
begin_clock_drift(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);

	server->clock_drift = (int32_t)(fault->a % 2000) - 1000;
	for (uint32_t i = 0; server->state != NODE_DOWN && i < server->loop_count; i++)
		memory_env_clock_drift(server->places[i].env, server->clock_drift);
	return true;
}

/* Behind what it was, and mostly near enough still. */
static int64_t
further_back(const struct server *server, const struct fault *fault)
{
	int64_t low = fault->b % 10 == 0 ? -(int64_t)OFFSET_FAR : -(int64_t)OFFSET_NEAR;
	int64_t room = max_of(server->clock_offset - low, (int64_t)1);

	return server->clock_offset - (int64_t)(fault->a % (uint64_t)room);
}

/* Whoever could remember how late it was. */
static void
crash_clients(const struct server *server, uint64_t restart_at)
{
	struct sim *sim = server->sim;

	for (uint32_t i = 0; i < sim->client_count; i++) {
		if (sim->clients[i].server == server)
			client_crash(&sim->clients[i], restart_at);
	}
}

/*
 * The restart follows soon, so that the clock of the new process shows times that the old one saw;
 * once in four times at a whole site, with its clients.
 */
bool
begin_clock_back(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);

	if (!crash(sim, fault, fault->b & 2))
		return false;
	clock_set(server, further_back(server, fault));
	if (fault->b % 4 == 0)
		crash_clients(server, sim_now(sim) + fault->length);
	return true;
}

/* ------------------------------------------------ memory */

bool
begin_allocation(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);

	if (server->state == NODE_DOWN)
		return false;
	arena_fail_at(server->places[fault->b % server->loop_count].env->arena,
		      1 + fault->a % 2000);
	/* It may fail long after. */
	ledger_excuse(&server->ledger, EXCUSE_MEMORY, UINT64_MAX);
	return true;
}

bool
begin_client_allocation(struct sim *sim, const struct fault *fault)
{
	struct client_node *node = client_of(sim, fault);

	if (node->state == NODE_DOWN)
		return false;
	arena_fail_at(node->place.env->arena, 1 + fault->a % 500);
	ledger_excuse(&sim->client_ledger, EXCUSE_MEMORY, UINT64_MAX);
	return true;
}
