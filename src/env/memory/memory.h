/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The world in memory: every seam of env.h for tests, deterministic from a seed and driven by one
 * thread. A world holds a virtual clock, the disks of its nodes, which outlive the crash of a node,
 * and a network by address. An env is what one loop sees of it; several envs may have the same node
 * name (the loops of one engine share its disks).
 *
 * Time stands still while anything in the world is ready. A loop that sleeps moves the clock to the
 * earliest next event or wanted wake-up of any env; where one env is stepped alone, that is its
 * own. Each idle poll without sleep costs 100 ns. Several loops are stepped by memory_world_run(),
 * which knows when all of them are idle.
 *
 * A fault named by node and disk stays with the disk, not with an open handle. Functions that name
 * a disk assert that it exists. Nothing here may be called from two threads but poller->wake.
 */
#pragma once

#include "fiber/fiber.h"

/* ------------------------------------------------ world */

struct memory_world;

/* The clocks of a new world: monotonic, and real time (2026-01-01 00:00:00 UTC); both in
 * nanoseconds. */
#define MEMORY_MONOTONIC_START 1000000000ull
#define MEMORY_REALTIME_START 1767225600000000000ull

/* -DER_NOMEM. The same seed and the same calls give the same run. */
MUST_USE int memory_world_create(uint64_t seed, struct memory_world **ret_world);

/* All envs must have been destroyed or crashed. */
void memory_world_destroy(struct memory_world *world);

/* The virtual monotonic clock in nanoseconds. */
uint64_t memory_world_now(const struct memory_world *world);

/* Moves the clock forward; what came due is delivered by the next polls. */
void memory_world_advance(struct memory_world *world, uint64_t nanoseconds);

/* 64 bits from the world's own stream. */
uint64_t memory_world_random(struct memory_world *world);

/*
 * Steps count loops of this world round robin until done(argument) is true, which is asked before
 * each round. -DER_TIMEDOUT when limit_ns of virtual time passed before; where nothing can happen
 * any more, that is at once. Time stops at the limit.
 */
MUST_USE int memory_world_run(struct memory_world *world, struct loop **loops, uint32_t count,
			      bool (*done)(void *argument), void *argument, uint64_t limit_ns);

/* Runs function(argument) on a fiber of loop, stepping this loop only, and returns its result.
 * Asserts that it ends within an hour of virtual time. */
int memory_run(struct memory_world *world, struct loop *loop, int (*function)(void *argument),
	       void *argument);

/* As memory_run(), stepping all of loops; the fiber runs on loops[0]. */
int memory_run_all(struct memory_world *world, struct loop **loops, uint32_t count,
		   int (*function)(void *argument), void *argument);

/* ------------------------------------------------ env */

struct memory_env_options {
	const char *node;	 /* whose disks and links; NULL: "node" */
	uint64_t budget;	 /* bytes of the arena; 0: unlimited */
	int64_t realtime_offset; /* nanoseconds that its real time differs from the world's */
	/* What peers see over "unix:" and "memory:" addresses. */
	struct peer_credentials credentials;
	struct log_sink *sink;	 /* borrowed; NULL: standard error */
	enum log_level level;	 /* the zero value shows errors only */
	struct metrics *metrics; /* borrowed; may be NULL */
	bool no_storage;	 /* a client: env->storage is NULL */
	bool shuffle;		 /* ready fibers run in random order, not first come first */
};

/* options may be NULL: a node named "node". -DER_NOMEM. To fail an allocation of what runs on it:
 * arena_fail_at(env->arena, n). */
MUST_USE int memory_env_create(struct memory_world *world, const struct memory_env_options *options,
			       struct env **ret_env);

/*
 * A clean end. Its loop is destroyed; disks and messages have been given back and the arena is
 * empty, which is asserted. Connections still open end at their peers.
 */
void memory_env_destroy(struct env *env);

/*
 * The process ends without a destructor: call loop_abandon() first. Its arena goes, its connections
 * end with -DER_UNREACH at the peers after a random prefix of what was under way, and each of its
 * disk writes under way happens or does not. What was written stays, as under SIGKILL;
 * memory_node_power_cut() is the harder end.
 */
void memory_env_crash(struct env *env);

/* ------------------------------------------------ disks */

struct memory_disk_options {
	uint64_t read_ns; /* virtual time that an operation takes */
	uint64_t write_ns;
	uint64_t flush_ns;
	bool any_order;	   /* completions in random order; otherwise in that of submission */
	bool stable_cache; /* a write is durable when it completes: no volatile cache */
};

/* What disks created from now on get; at first 20, 10, 50 us, in order, with a volatile cache. */
void memory_disk_defaults(struct memory_world *world, const struct memory_disk_options *options);
void memory_disk_configure(struct memory_world *world, const char *node, const char *name,
			   const struct memory_disk_options *options);

/* Keeps back every completion of the disk, reads included, until memory_disk_release(). */
void memory_disk_hold(struct memory_world *world, const char *node, const char *name);
void memory_disk_release(struct memory_world *world, const char *node, const char *name);

/*
 * The n-th operation of this kind from now (1 is the next) ends with result, a negative code, and
 * does nothing; n of 0 disarms. A failed write may be seen as old, new or torn after a power cut.
 */
void memory_disk_fail(struct memory_world *world, const char *node, const char *name,
		      enum disk_operation operation, uint64_t n, int result);

/* As above for a flush; besides, all that is not durable is gone, and the next flush succeeds. */
void memory_disk_fail_flush_and_lose(struct memory_world *world, const char *node, const char *name,
				     uint64_t n);

/* Bytes that all disks of the node may occupy (0: no limit, at first), for storage->space() and
 * -DER_NOSPACE. */
void memory_node_set_capacity(struct memory_world *world, const char *node, uint64_t capacity);

struct memory_disk_counts {
	uint64_t reads, writes, durable_writes, flushes; /* completed without error */
	uint64_t bytes_read, bytes_written;
};
void memory_disk_counts(struct memory_world *world, const char *node, const char *name,
			struct memory_disk_counts *ret_counts);

/* Reads or changes what is stored, beneath every operation and without counting as one. Byte
 * granular. */
void memory_disk_peek(struct memory_world *world, const char *node, const char *name, void *buffer,
		      size_t length, uint64_t offset);
void memory_disk_poke(struct memory_world *world, const char *node, const char *name,
		      const void *buffer, size_t length, uint64_t offset);

/* Bytes that the disks of the node occupy. */
uint64_t memory_node_used(struct memory_world *world, const char *node);

/* ------------------------------------------------ power cuts */

/*
 * Which of the pending writes survive a power cut. Pending are those submitted and not made durable
 * by a completed flush that was submitted after their completion, or by being durable writes that
 * completed. They are numbered from 0 in the order of completion, those under way last in the order
 * of submission. Zeroing and discarding count as writes.
 */
enum memory_crash_kind {
	MEMORY_CRASH_PREFIX,  /* the first `index` ones (0: none) */
	MEMORY_CRASH_WITHOUT, /* all but the one numbered `index` */
	MEMORY_CRASH_ONLY,    /* only that one */
	MEMORY_CRASH_TORN,    /* those before it, and it but for half of its last block */
	MEMORY_CRASH_RANDOM,  /* each block old, new, or torn at a sector, from seed `index` */
};

struct memory_crash {
	enum memory_crash_kind kind;
	uint64_t index;
};

/* The number of states that memory_crash_state() enumerates for that many pending writes, with
 * `random` random ones. */
uint64_t memory_crash_count(uint32_t pending, uint32_t random);

/* State number `number` of them: the prefixes, then without, only (where they differ from a
 * prefix), torn, random. */
struct memory_crash memory_crash_state(uint32_t pending, uint32_t random, uint64_t number);

/* Pending writes of all disks of the node at present. */
uint32_t memory_node_pending(struct memory_world *world, const char *node);

/* Cuts the power of the node's disks. Its envs must have crashed, or have no disk open. */
void memory_node_power_cut(struct memory_world *world, const char *node,
			   const struct memory_crash *crash);

/* ------------------------------------------------ images and traces */

/* The content of all disks of a node, as reads see it. Copies share blocks. */
struct memory_image;
MUST_USE int memory_image_save(struct memory_world *world, const char *node,
			       struct memory_image **ret_image);

/* Replaces all disks of the node (none open) by those of image, everything durable. The world may
 * be another one. */
void memory_image_restore(struct memory_world *world, const char *node,
			  const struct memory_image *image);
void memory_image_free(struct memory_image *image);

/*
 * A trace records what happens to the disks of a node from its start on, so that a test runs a
 * workload once and then opens the system on the disks as a power cut at any point would have left
 * them, without running it again:
 *
 *	memory_trace_start(world, "node", &trace);
 *	... workload; at each acknowledgement note memory_trace_position(trace) ...
 *	memory_trace_stop(trace);
 *	for (point = 0; point <= memory_trace_position(trace); point++) {
 *		if (!memory_trace_deepest(trace, point))
 *			continue;
 *		pending = memory_trace_pending(trace, point);
 *		for (n = 0; n < memory_crash_count(pending, 2); n++) {
 *			crash = memory_crash_state(pending, 2, n);
 *			memory_trace_restore(trace, point, &crash, second_world, "node");
 *			... open on second_world: what was acknowledged at positions up to
 *			    point must be there ...
 *		}
 *	}
 *
 * A point is a number of events: submissions, completions, creations and removals. Restoring is
 * cheap when points are asked for in ascending order. Nothing may be pending on the node at the
 * start: its content then counts as durable.
 */
struct memory_trace;
MUST_USE int memory_trace_start(struct memory_world *world, const char *node,
				struct memory_trace **ret_trace);
void memory_trace_stop(struct memory_trace *trace);
void memory_trace_free(struct memory_trace *trace);

/* Events recorded until now. */
uint64_t memory_trace_position(const struct memory_trace *trace);

/*
 * True at the end and where the next event makes a write durable, creates or removes a disk. What
 * may survive at any other point may also survive at the next deepest one, where more has been
 * acknowledged: testing these is enough.
 */
bool memory_trace_deepest(struct memory_trace *trace, uint64_t point);

/* Pending writes after the first `point` events. */
uint32_t memory_trace_pending(struct memory_trace *trace, uint64_t point);

/* Makes node's disks (none open) what crash leaves after the first `point` events. The world may be
 * another one. */
void memory_trace_restore(struct memory_trace *trace, uint64_t point,
			  const struct memory_crash *crash, struct memory_world *world,
			  const char *node);

/* ------------------------------------------------ network */

/*
 * Links are directed, from node to node, and exist between any two. Delays: at first 5 us. A fault
 * counts the frames that connection_send() takes on the link from now on, over all its connections.
 */
void memory_link_delay(struct memory_world *world, const char *from, const char *to,
		       uint64_t delay_ns, uint64_t jitter_ns);

/* `frames` more frames pass; the one after is lost, and its connection ends with -DER_UNREACH on
 * both sides. */
void memory_link_drop_after(struct memory_world *world, const char *from, const char *to,
			    uint64_t frames);

/* `frames` more frames pass; the one after arrives with one random byte changed. */
void memory_link_damage_after(struct memory_world *world, const char *from, const char *to,
			      uint64_t frames);

/*
 * Cuts or heals both directions between two nodes. While cut nothing arrives; after 10 s of virtual
 * time the connections between them end with -DER_UNREACH. Healed earlier, everything arrives late.
 */
void memory_partition(struct memory_world *world, const char *one, const char *other, bool cut);

/* Ends every connection between two nodes with -DER_UNREACH, as a reset of both sides. */
void memory_disconnect(struct memory_world *world, const char *one, const char *other);

/* Connections of the node's envs that were not closed by their owners, and regions registered on
 * them. */
uint32_t memory_node_connections(struct memory_world *world, const char *node);
uint32_t memory_node_regions(struct memory_world *world, const char *node);
