/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * When faults strike, and how everything heals. A fault that cannot be applied at its time (its
 * node is down) is left out; which ones are depends on the plan alone.
 */
#include <string.h>

#include "sim/faults.h"

/* ------------------------------------------------ the table */

static const struct {
	bool (*begin)(struct sim *sim, const struct fault *fault); /* false: left out */
	void (*end)(struct sim *sim, const struct fault *fault);   /* NULL: nothing ends */
	int counted_by; /* a strike that tells of its effect; -1: counted when applied */
} actions[FAULT_CLASSES] = {
	[FAULT_CRASH] = {begin_crash, NULL, -1},
	[FAULT_POWER_CUT] = {begin_power_cut, NULL, -1},
	[FAULT_POWER_CUT_ALL] = {begin_power_cut_all, NULL, -1},
	[FAULT_CLIENT_CRASH] = {begin_client_crash, NULL, -1},
	[FAULT_PAUSE] = {begin_pause, NULL, -1},
	[FAULT_CLIENT_PAUSE] = {begin_client_pause, NULL, -1},
	[FAULT_CLOCK_STEP] = {begin_clock_step, NULL, -1},
	[FAULT_CLOCK_DRIFT] = {begin_clock_drift, NULL, -1},
	[FAULT_CLOCK_BACK] = {begin_clock_back, NULL, -1},
	[FAULT_ALLOCATION] = {begin_allocation, NULL, -1},
	[FAULT_CLIENT_ALLOCATION] = {begin_client_allocation, NULL, -1},
	[FAULT_UNREADABLE] = {begin_unreadable, NULL, -1},
	[FAULT_BIT_FLIP] = {begin_bit_flip, NULL, -1},
	[FAULT_READ_FLIP] = {begin_read_flip, NULL, MEMORY_FAULT_FLIP_READ},
	[FAULT_LOST_WRITE] = {begin_lost_write, NULL, MEMORY_FAULT_LOST_WRITE},
	[FAULT_MISDIRECTED] = {begin_misdirected, NULL, MEMORY_FAULT_MISDIRECTED_WRITE},
	[FAULT_STALE_READ] = {begin_stale_read, NULL, MEMORY_FAULT_STALE_READ},
	[FAULT_WRITE_ERROR] = {begin_write_error, NULL, MEMORY_FAULT_WRITE_ERROR},
	[FAULT_READ_ERROR] = {begin_read_error, NULL, MEMORY_FAULT_READ_ERROR},
	[FAULT_FLUSH_LOST] = {begin_flush_lost, NULL, MEMORY_FAULT_FLUSH_LOSS},
	[FAULT_SLOW_DISK] = {begin_slow_disk, end_disks, -1},
	[FAULT_FULL_DISK] = {begin_full_disk, end_full_disk, -1},
	[FAULT_DELAY] = {begin_delay, end_delay, -1},
	[FAULT_RESET] = {begin_reset, NULL, MEMORY_FAULT_RESET},
	[FAULT_LOST_REPLY] = {begin_lost_reply, NULL, MEMORY_FAULT_DROP},
	[FAULT_PARTITION] = {begin_partition, end_partition, -1},
	[FAULT_LINK_CUT] = {begin_link_cut, end_link_cut, -1},
	[FAULT_ONE_WAY] = {begin_one_way, end_one_way, -1},
	[FAULT_CLOG] = {begin_clog, end_clog, -1},
	[FAULT_BANDWIDTH] = {begin_bandwidth, end_delay, -1},
	[FAULT_FRAME_DAMAGE] = {begin_frame_damage, NULL, MEMORY_FAULT_DAMAGE},
	[FAULT_BULK_DAMAGE] = {begin_bulk_damage, NULL, MEMORY_FAULT_BULK_DAMAGE},
	[FAULT_LATE_BULK] = {begin_late_bulk, end_delay, MEMORY_FAULT_BULK_LATE},
};

static void
apply(struct sim *sim, const struct fault *fault)
{
	enum fault_class class = (enum fault_class)fault->class;

	if (!actions[class].begin(sim, fault))
		return;
	if (actions[class].counted_by < 0)
		sim->report->struck[class]++;
	if (actions[class].end)
		sim->endings[sim->ending_count++] =
			(struct ending){sim_now(sim) + fault->length, fault};
}

/* Ends what is due; returns when the next does. */
static uint64_t
end_due(struct sim *sim)
{
	uint64_t next = UINT64_MAX;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < sim->ending_count; i++) {
		struct ending ending = sim->endings[i];

		if (ending.at <= sim_now(sim)) {
			actions[ending.fault->class].end(sim, ending.fault);
			continue;
		}
		next = min_of(next, ending.at);
		sim->endings[kept++] = ending;
	}
	sim->ending_count = kept;
	return next;
}

uint64_t
chaos_turn(struct sim *sim)
{
	const struct plan *plan = sim->plan;
	uint64_t next = end_due(sim);

	if (sim->phase != PHASE_CHAOS)
		return next;
	while (sim->next_fault < plan->fault_count) {
		const struct fault *fault = &plan->faults[sim->next_fault];
		uint64_t at = sim->chaos_begin + fault->at;

		if (at > sim_now(sim))
			return min_of(next, at);
		sim->next_fault++;
		apply(sim, fault);
	}
	return next;
}

/* ------------------------------------------------ strikes */

void
chaos_on_strike(void *argument, const struct memory_strike *strike)
{
	struct sim *sim = argument;

	sim->report->strikes[strike->fault]++;
	for (uint32_t i = 0; i < FAULT_CLASSES; i++) {
		if (actions[i].counted_by == (int)strike->fault)
			sim->report->struck[i]++;
	}
	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (strcmp(sim->servers[i].name, strike->node) == 0)
			ledger_strike(&sim->servers[i].ledger, strike);
	}
}

/* ------------------------------------------------ healing */

/* What ends an excuse that was given until the cause is healed. */
static void
heal_excuses(struct ledger *ledger, uint64_t now)
{
	for (uint32_t i = 0; i < EXCUSES; i++) {
		bool lasting = i == EXCUSE_IO && ledger_damaged(ledger);

		if (ledger->excused_until[i] > now && !lasting)
			ledger->excused_until[i] = now + EXCUSE_GRACE;
	}
}

static void
heal_server(struct server *server)
{
	struct sim *sim = server->sim;
	uint64_t now = sim_now(sim);
	bool had_errors = server->ledger.excused_until[EXCUSE_IO] > now;

	server->paused_until = 0;
	server->clock_drift = 0;
	clock_set(server, 0);
	heal_disks(server);
	heal_excuses(&server->ledger, now);
	for (uint32_t i = 0; i < server->loop_count; i++) {
		memory_env_clock_drift(server->places[i].env, 0);
		arena_fail_at(server->places[i].env->arena, 0);
		server->places[i].busy_until = 0;
		memory_env_busy(server->places[i].env, now);
	}
	/* A pool that a bad disk took out of service comes back by a restart. */
	if (had_errors)
		server_crash(server, false, now + 100 * MILLISECOND);
}

static void
heal_client(struct client_node *node)
{
	struct sim *sim = node->sim;

	node->paused_until = 0;
	if (node->state == NODE_DOWN) {
		node->restart_at = sim_now(sim);
		return;
	}
	arena_fail_at(node->place.env->arena, 0);
	node->place.busy_until = 0;
	memory_env_busy(node->place.env, sim_now(sim));
}

void
chaos_heal(struct sim *sim)
{
	sim->ending_count = 0;
	memory_network_heal(sim->world);
	sim_points_heal(sim);
	for (uint32_t i = 0; i < sim->server_count; i++)
		heal_server(&sim->servers[i]);
	for (uint32_t i = 0; i < sim->client_count; i++)
		heal_client(&sim->clients[i]);
	heal_excuses(&sim->client_ledger, sim_now(sim));
}
