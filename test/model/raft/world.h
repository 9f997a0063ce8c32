/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A group of replicas in virtual time: hosts with disks and clocks of their own, a network that
 * loses, delays, repeats and reorders, faults drawn from a seed. After each step the properties of
 * Raft are checked; the first violation ends the run.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define RAFT_PLANTED
#include "raft/planted.h"
#include "raft/raft.h"

#define HOSTS 6u

/* What a run may do; chances are per 1000. */
struct profile {
	uint32_t lose, repeat, straggle;				  /* of a message */
	uint32_t crash, partition, pause, damage, wipe, change, transfer; /* of a fault event */
	uint32_t memory;       /* of a fault event: an allocation fails soon */
	uint32_t swap;	       /* of a membership change: to any hosts at once */
	uint32_t writes;       /* of an operation of a client */
	uint32_t fault_every;  /* microseconds between fault events */
	uint32_t client_every; /* and between operations of clients */
	uint32_t slow_disk;    /* of a write: 50 times slower */
	uint32_t link, disk;   /* usual microseconds; the double at most */
	uint32_t compact_after;
	uint32_t voters; /* founders */
	bool beats;	 /* heartbeats travel in packets */
};

struct world;

struct world *world_create(uint64_t seed, const struct profile *profile);
void world_destroy(struct world *world);

/* Runs up to so many steps or microseconds more; false once something was violated. */
bool world_run(struct world *world, uint64_t steps, uint64_t microseconds);

/* Ends all faults that can end and runs until the group has to be well. */
bool world_heal(struct world *world);

/* Asks the leader for the members ranks first .. first + 2, as voters at once; false: not now. */
bool world_change(struct world *world, uint32_t first);

/* Stops a host, the leader for HOSTS; it starts again soon. */
void world_crash(struct world *world, uint32_t rank);

/* Whether the ranks first .. first + 2 are the committed members. */
bool world_changed(struct world *world, uint32_t first);

/* What was violated; "" if nothing. */
const char *world_failure(const struct world *world);

/* All replicas, one a line. */
void world_print(const struct world *world);

struct figures {
	uint64_t steps, committed, acknowledged, reads, elections, crashes, damages, wipes, changes,
		snapshots, now;
};
void world_figures(const struct world *world, struct figures *ret_figures);

/* A profile drawn from a seed: each kind of fault is left out now and then. */
struct profile profile_draw(uint64_t seed);
