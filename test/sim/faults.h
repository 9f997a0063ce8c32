/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What each class of fault does and how it ends, for the table of chaos.c. A begin returns false
 * when the fault could not be applied at its time, for its node is down.
 */
#pragma once

#include "sim/run.h"

/* An outage that leaves this much of a client's patience (60 s) excuses nothing. */
#define PATIENCE_LEFT (30 * SECOND)

static inline struct server *
server_of(struct sim *sim, const struct fault *fault)
{
	return &sim->servers[fault->server % sim->server_count];
}

static inline struct client_node *
client_of(struct sim *sim, const struct fault *fault)
{
	return &sim->clients[fault->client % sim->client_count];
}

/* Excuses a kind of error until some time after the fault's end. */
static inline void
excuse(struct server *server, enum excuse excuse, const struct fault *fault)
{
	uint64_t end = sim_now(server->sim) + fault->length;

	ledger_excuse(&server->ledger, excuse, end + EXCUSE_GRACE);
}

static inline void
excuse_outage(struct server *server, const struct fault *fault)
{
	if (fault->length >= PATIENCE_LEFT)
		excuse(server, EXCUSE_OUTAGE, fault);
}

/* ------------------------------------------------ faults_node.c */

bool begin_crash(struct sim *sim, const struct fault *fault);
bool begin_power_cut(struct sim *sim, const struct fault *fault);
bool begin_power_cut_all(struct sim *sim, const struct fault *fault);
bool begin_client_crash(struct sim *sim, const struct fault *fault);
bool begin_pause(struct sim *sim, const struct fault *fault);
bool begin_client_pause(struct sim *sim, const struct fault *fault);
bool begin_clock_step(struct sim *sim, const struct fault *fault);
bool begin_clock_drift(struct sim *sim, const struct fault *fault);
bool begin_clock_back(struct sim *sim, const struct fault *fault);
bool begin_allocation(struct sim *sim, const struct fault *fault);
bool begin_client_allocation(struct sim *sim, const struct fault *fault);

/* Sets the clock of a server to differ by offset (ns) from what it should be. */
void clock_set(struct server *server, int64_t offset);

/* ------------------------------------------------ faults_disk.c */

bool begin_unreadable(struct sim *sim, const struct fault *fault);
bool begin_bit_flip(struct sim *sim, const struct fault *fault);
bool begin_read_flip(struct sim *sim, const struct fault *fault);
bool begin_lost_write(struct sim *sim, const struct fault *fault);
bool begin_misdirected(struct sim *sim, const struct fault *fault);
bool begin_stale_read(struct sim *sim, const struct fault *fault);
bool begin_write_error(struct sim *sim, const struct fault *fault);
bool begin_read_error(struct sim *sim, const struct fault *fault);
bool begin_flush_lost(struct sim *sim, const struct fault *fault);
bool begin_slow_disk(struct sim *sim, const struct fault *fault);
void end_disks(struct sim *sim, const struct fault *fault);
bool begin_full_disk(struct sim *sim, const struct fault *fault);
void end_full_disk(struct sim *sim, const struct fault *fault);

/* Everything that can heal; a server that is down is started. */
void heal_disks(struct server *server);

/* ------------------------------------------------ faults_network.c */

bool begin_delay(struct sim *sim, const struct fault *fault);
void end_delay(struct sim *sim, const struct fault *fault);
bool begin_reset(struct sim *sim, const struct fault *fault);
bool begin_lost_reply(struct sim *sim, const struct fault *fault);
bool begin_partition(struct sim *sim, const struct fault *fault);
void end_partition(struct sim *sim, const struct fault *fault);
bool begin_link_cut(struct sim *sim, const struct fault *fault);
void end_link_cut(struct sim *sim, const struct fault *fault);
bool begin_one_way(struct sim *sim, const struct fault *fault);
void end_one_way(struct sim *sim, const struct fault *fault);
bool begin_clog(struct sim *sim, const struct fault *fault);
void end_clog(struct sim *sim, const struct fault *fault);
bool begin_bandwidth(struct sim *sim, const struct fault *fault);
bool begin_frame_damage(struct sim *sim, const struct fault *fault);
bool begin_bulk_damage(struct sim *sim, const struct fault *fault);
bool begin_late_bulk(struct sim *sim, const struct fault *fault);
