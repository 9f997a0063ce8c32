/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of the simulated world share. */
#pragma once

#include "checks.h"
#include "world.h"

#define HEARTBEAT 20000u
#define ELECTION 100000u
#define HEAL_STEPS 100000u /* of a stretch: more is a storm of messages */
#define CHUNK 24u
#define SNAPSHOT_BYTES 64u
#define PENDING_MAX 4096u

/* ------------------------------------------------ disks */

/* A write under way. */
struct pending {
	uint64_t number;
	bool with_hard;
	struct raft_hard hard;
	uint64_t first;
	uint32_t count;
	struct raft_entry *entries;
};

struct disk {
	uint64_t id;
	struct raft_hard hard;
	struct raft_base base;
	struct machine machine; /* at base */
	struct raft_entry *entries;
	uint32_t count, capacity;	/* entries base + 1 .. */
	uint64_t damaged, damaged_last; /* entries from here on are unreadable; 0: none */
	struct pending pending[RAFT_WRITES_MAX];
	uint32_t pending_count;
};

struct host {
	uint32_t rank;
	bool up;
	uint64_t boot; /* counts starts */
	uint64_t paused_until;
	int64_t offset;
	int32_t drift;	/* of 1024 */
	uint64_t timer; /* when the next tick is scheduled; 0: none */
	struct arena *arena;
	struct raft *raft;
	struct raft_beats *beats;
	struct disk disk;
	struct view view;
	struct machine machine;
	uint64_t disk_free; /* when the disk has done what it was given */
	uint64_t chunk_index, chunk_offset;
	uint8_t incoming[SNAPSHOT_BYTES + CHUNK];
	uint64_t incoming_length;
	struct operation reads[PENDING_MAX], writes[PENDING_MAX];
	uint32_t read_count, write_count;
};

enum event_kind {
	EVENT_TIMER,
	EVENT_MESSAGE,
	EVENT_DISK,
	EVENT_CHUNK,
	EVENT_CLIENT,
	EVENT_FAULT,
	EVENT_RESTART
};

struct event {
	struct queue_node node;
	enum event_kind kind;
	uint32_t host;
	bool beats;
	uint64_t boot, number;
	size_t length;
	uint8_t bytes[];
};

struct world {
	struct profile profile;
	uint64_t random, now, next_id, next_context;
	struct priority_queue events;
	struct host hosts[HOSTS];
	bool blocked[HOSTS][HOSTS]; /* from, to */
	uint64_t impaired;	    /* the one replica that lost something; 0: none */
	bool impaired_wiped;
	bool faults;
	struct judge judge;
	struct figures figures;
	struct raft_scratch scratch;
	struct event *current; /* the step is of */
};

uint64_t draw(struct world *world, uint64_t limit);
bool chance(struct world *world, uint32_t per_thousand);
void *grab(size_t size);
uint64_t local_time(const struct world *world, const struct host *host);
struct event *schedule(struct world *world, uint64_t at, enum event_kind kind,
		       const struct host *host, size_t length);

/* disk.c */

/* Entries from index on go. */
void disk_cut(struct disk *disk, uint64_t index);

/* All writes up to number are durable. */
void disk_done(struct disk *disk, uint64_t number);
void disk_drop(struct pending *pending);
void disk_crash(struct world *world, struct disk *disk);
void disk_wipe(struct disk *disk);
void disk_compact(struct disk *disk, const struct raft_base *base, const struct machine *machine);

/* world.c */
void turn(struct world *world, struct host *host);
void host_stop(struct world *world, struct host *host);

/* A host that believes it leads, or NULL. */
struct host *leader_find(struct world *world);

/* faults.c */
bool impaired_over(struct world *world);
void fault_step(struct world *world);
