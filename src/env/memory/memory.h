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
 * which knows when all of them are idle; or, after memory_world_drive(), by a simulator that moves
 * time itself.
 *
 * Every link, disk and env draws from streams of its own, derived from the world's seed and its
 * name (an env's: of its node, and how many envs the node has had), one for each purpose: taking a
 * fault, a node or a disk away leaves what the others draw as it was.
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

/* 64 bits from the world's own stream, from which nothing in the world draws. */
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

/* ------------------------------------------------ driving */

/*
 * From now on a poll never moves time, whatever its time-out: it delivers what is due, notes until
 * when the env wants to sleep, and returns. Somebody else steps the loops and moves time:
 *
 *	time = the least memory_env_due() of all envs, the present for loops that are loop_ready()
 *	memory_world_advance_to(world, time);
 *	loop_step() one or all of those that are due, in any order;
 *	memory_env_busy() by the time that the step is to have cost
 *
 * memory_world_run() and memory_run() are over for this world. Stepping a loop whose env is not due
 * does no harm.
 */
void memory_world_drive(struct memory_world *world);

/*
 * The earliest time, not before now, at which stepping the env's loop makes sense: when it wants to
 * wake, its next event is due, or it was woken; not before the end of its busy time. UINT64_MAX:
 * never. An env that was never polled is due at once in a driven world. What loop_post() and
 * fiber_start() from outside left on a loop shows in loop_ready() only.
 */
uint64_t memory_env_due(struct env *env);

/* The env uses its CPU, or pauses, until a time: no event is delivered before, and what arrives
 * waits, as in a kernel's buffers. A time that has passed ends it. */
void memory_env_busy(struct env *env, uint64_t until);

/* Moves the clock forward to a time; one that has passed leaves it. */
void memory_world_advance_to(struct memory_world *world, uint64_t time);

/*
 * A rolling hash over everything delivered in this world until now: time, node (by the order in
 * which nodes appeared), kind, content (CRC-32C of frames, of bulk data and of blocks written), and
 * result; besides over all strikes. Equal for equal runs wherever memory lies.
 */
uint64_t memory_world_trace(const struct memory_world *world);

/* Events delivered until now; for rates. */
uint64_t memory_world_events(const struct memory_world *world);

/* ------------------------------------------------ strikes */

/* What may happen to a node; a strike tells that it did. In parentheses what offset and length of
 * the strike are, where they are not the byte range of the operation on the disk. */
enum memory_fault {
	MEMORY_FAULT_READ_ERROR,  /* memory_disk_fail() */
	MEMORY_FAULT_WRITE_ERROR, /* also of zeroing and discarding */
	MEMORY_FAULT_FLUSH_ERROR, /* (none) */
	MEMORY_FAULT_FLUSH_LOSS,  /* (writes that are gone; 0) */
	MEMORY_FAULT_UNREADABLE,  /* a read met such a range */
	MEMORY_FAULT_FLIP,	  /* stored (the byte; 1) */
	MEMORY_FAULT_FLIP_READ,	  /* in what a read returned (the byte; 1) */
	MEMORY_FAULT_LOST_WRITE,
	MEMORY_FAULT_MISDIRECTED_WRITE, /* (where it was meant; where it went) */
	MEMORY_FAULT_TORN_WRITE,	/* (of the write; bytes that arrived) */
	MEMORY_FAULT_STALE_READ,
	MEMORY_FAULT_MISDIRECTED_READ, /* (where it was meant; where it went) */
	MEMORY_FAULT_SLOW,	       /* the first slow operation of each order */
	MEMORY_FAULT_VANISHED,	       /* the first operation that failed of each order */
	MEMORY_FAULT_FULL,	       /* an operation or a creation ended with -DER_NOSPACE */
	MEMORY_FAULT_CREATE_ERROR,     /* memory_storage_fail() (none) */
	MEMORY_FAULT_OPEN_ERROR,       /* (none) */
	MEMORY_FAULT_REMOVE_ERROR,     /* (none) */
	MEMORY_FAULT_DISCARD_OLD,      /* discarded blocks read as before */
	MEMORY_FAULT_DISCARD_ZERO,     /* ... as zeros */
	MEMORY_FAULT_DISCARD_GARBAGE,  /* ... as anything */
	MEMORY_FAULT_POWER_CUT,	       /* (pending writes of all disks lost; those torn or shorn) */
	MEMORY_FAULT_SHORN,	       /* in a power cut (writes shorn; 0) */
	MEMORY_FAULT_CRASH,	       /* memory_env_crash() (disk writes under way that did not
					  happen; frames and bulk under way lost) */
	MEMORY_FAULT_CLOCK_STEP,       /* (nanoseconds as two's complement; 0) */
	MEMORY_FAULT_CLOCK_DRIFT,      /* (parts per million as two's complement; 0) */
	/* Of the network: node is the sender, peer the receiver. */
	MEMORY_FAULT_DROP,	  /* (0; bytes of the frame) */
	MEMORY_FAULT_DAMAGE,	  /* (byte in the frame; bytes of the frame) */
	MEMORY_FAULT_BULK_DAMAGE, /* (byte in the data; bytes of the data) */
	MEMORY_FAULT_BULK_LATE,	  /* (nanoseconds later; bytes) */
	MEMORY_FAULT_OUTLIER,	  /* (nanoseconds; bytes) */
	MEMORY_FAULT_BANDWIDTH, /* the first item of each order that waited (nanoseconds; bytes) */
	MEMORY_FAULT_CUT,	/* the first arrival of each order kept back (none) */
	MEMORY_FAULT_CUT_TIMEOUT, /* a connection ended by it (none) */
	MEMORY_FAULT_CLOG,	  /* the first arrival of each order kept back (none) */
	MEMORY_FAULT_RESET,	  /* memory_disconnect(): a connection (none) */
	MEMORY_FAULT_COUNT
};

/* "flip_read", ...; asserts that there is such a fault. */
const char *memory_fault_name(enum memory_fault fault);

struct memory_strike {
	enum memory_fault fault;
	uint64_t time;
	const char *node; /* texts live as long as the world, disk's until the function returns */
	const char *disk; /* or NULL */
	const char *peer; /* or NULL */
	uint64_t offset;
	uint64_t length;
};

/*
 * Calls function(argument) whenever a fault takes effect, from then on; NULL ends it. It may ask,
 * and must not order faults, step, crash or destroy anything. A failing allocation is not told: the
 * caller knows its arena.
 */
void memory_world_on_strike(struct memory_world *world,
			    void (*function)(void *argument, const struct memory_strike *strike),
			    void *argument);

/* ------------------------------------------------ env */

struct memory_env_options {
	const char *node;	 /* whose disks and links; NULL: "node" */
	uint64_t budget;	 /* bytes of the arena; 0: unlimited */
	int64_t realtime_offset; /* nanoseconds that its real time differs from the world's */
	/* What peers see over "unix:" and "memory:" addresses, and what env->self says; it says
	 * root where they are not known. */
	struct peer_credentials credentials;
	struct log_sink *sink;	 /* borrowed; NULL: standard error */
	enum log_level level;	 /* the zero value shows errors only */
	struct metrics *metrics; /* borrowed; may be NULL */
	struct marks *marks;	 /* borrowed; may be NULL: see base/mark.h */
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

/* The env's real time jumps. */
void memory_env_clock_step(struct env *env, int64_t nanoseconds);

/* From now on its clocks, monotonic and real, run so much faster (or, negative, slower) than the
 * world's, at most 500,000; its time-outs follow. Neither jumps by it. */
void memory_env_clock_drift(struct env *env, int32_t parts_per_million);

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

/* What follows counts operations of its kind that completed without error from now on (1 is the
 * next); n of 0 disarms. The latest order of each kind is the valid one. */

/* The n-th read returns one bit flipped; what is stored stays right. */
void memory_disk_flip_read(struct memory_world *world, const char *node, const char *name,
			   uint64_t n);

/* The n-th write is acknowledged and is not there, now or ever. */
void memory_disk_lose_write(struct memory_world *world, const char *node, const char *name,
			    uint64_t n);

/* Where offset is drawn, among those that differ from the right one. */
#define MEMORY_DRAWN UINT64_MAX

/* The n-th write goes to offset (a multiple of DISK_BLOCK; moved back to where it fits) of the same
 * disk; what was in its right place stays. A disk that has no other place loses it. */
void memory_disk_misdirect_write(struct memory_world *world, const char *node, const char *name,
				 uint64_t n, uint64_t offset);

/* The n-th read returns what is at another offset, as above. */
void memory_disk_misdirect_read(struct memory_world *world, const char *node, const char *name,
				uint64_t n, uint64_t offset);

/* Of the n-th write only a beginning arrives, up to a drawn sector, at least one and not all. It is
 * acknowledged nevertheless. */
void memory_disk_tear_write(struct memory_world *world, const char *node, const char *name,
			    uint64_t n);

/*
 * The n-th read that can be stale is: it returns what the blocks held before their latest write.
 * It can when this differs for one of its blocks; known are the writes that complete from now on,
 * and of blocks that were not yet durable at the order what was.
 */
void memory_disk_stale_read(struct memory_world *world, const char *node, const char *name,
			    uint64_t n);

/* A bit (0 to 7) of the byte at offset changes for good, in what reads see and in what is durable.
 * A pending write to the same place would hide that after a power cut only. */
void memory_disk_flip(struct memory_world *world, const char *node, const char *name,
		      uint64_t offset, uint32_t bit);

/* Reads that touch the blocks of this range end with -DER_IO, each block until it is rewritten or
 * the disk healed. */
void memory_disk_unreadable(struct memory_world *world, const char *node, const char *name,
			    uint64_t offset, uint64_t length);

/* Every operation takes `factor` times as long; 1: as usual. */
void memory_disk_slow(struct memory_world *world, const char *node, const char *name,
		      uint32_t factor);

/* Every operation ends with -DER_IO, opening too, until the disk is healed. */
void memory_disk_vanish(struct memory_world *world, const char *node, const char *name);

/* Ends what can heal: unreadable ranges, slow, vanished, and whatever was ordered and has not
 * struck. memory_disk_hold() stays, and so does a flipped bit. */
void memory_disk_heal(struct memory_world *world, const char *node, const char *name);

/* The n-th creation, opening or removal of a disk on the node from now fails with result and does
 * nothing; n of 0 disarms. */
enum memory_storage_operation {
	MEMORY_STORAGE_CREATE,
	MEMORY_STORAGE_OPEN,
	MEMORY_STORAGE_REMOVE,
};
void memory_storage_fail(struct memory_world *world, const char *node,
			 enum memory_storage_operation operation, uint64_t n, int result);

/* Bytes that all disks of the node may occupy (0: no limit, at first), for storage->space() and
 * -DER_NOSPACE. */
void memory_node_set_capacity(struct memory_world *world, const char *node, uint64_t capacity);

struct memory_disk_counts {
	uint64_t reads, writes, durable_writes, flushes; /* completed without error */
	uint64_t bytes_read, bytes_written;
	uint64_t discards_old, discards_zero, discards_garbage; /* what discarded blocks read as */
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
	MEMORY_CRASH_RANDOM,  /* each block old, new, torn at sectors, or (memory_world_shorn())
				 shorn, from seed `index` */
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

/* Whether random power cuts may also leave blocks of which some sectors are garbage; off at first.
 * Restoring a trace follows the world that it restores to. */
void memory_world_shorn(struct memory_world *world, bool shorn);

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
 * Links are directed, from node to node, and exist between any two. An ordered fault counts the
 * frames that connection_send() takes on the link from now on, over all its connections; ordered on
 * the way back it loses or damages the answer to what was done.
 */

/* What all links have at first and when they are healed; at first 5 us and no jitter. Links that
 * were given a delay keep it. */
void memory_link_defaults(struct memory_world *world, uint64_t delay_ns, uint64_t jitter_ns);

/* Each frame takes delay_ns and less than jitter_ns more; one connection's stay in order. */
void memory_link_delay(struct memory_world *world, const char *from, const char *to,
		       uint64_t delay_ns, uint64_t jitter_ns);

/* One in so many, drawn for each, takes delay_ns more; what follows it on its connection waits. 0:
 * none. */
void memory_link_outlier(struct memory_world *world, const char *from, const char *to,
			 uint32_t one_in, uint64_t delay_ns);

/* Bytes per second, for which all that travels on the link queues; 0: no limit. */
void memory_link_bandwidth(struct memory_world *world, const char *from, const char *to,
			   uint64_t bytes_per_second);

/*
 * Bulk requests, and results on this link, take up to limit_ns longer, drawn for each, than a frame
 * would, and do not hold frames up: frames sent later overtake them. Among themselves they stay in
 * order. 0: none.
 */
void memory_link_bulk_late(struct memory_world *world, const char *from, const char *to,
			   uint64_t limit_ns);

/* `frames` more frames pass; the one after is lost, and its connection ends with -DER_UNREACH on
 * both sides. */
void memory_link_drop_after(struct memory_world *world, const char *from, const char *to,
			    uint64_t frames);

/* `frames` more frames pass; the one after arrives with one random byte changed. */
void memory_link_damage_after(struct memory_world *world, const char *from, const char *to,
			      uint64_t frames);

/* `transfers` more bulk transfers carry data over the link; the one after carries it with one
 * random byte changed. */
void memory_link_damage_bulk_after(struct memory_world *world, const char *from, const char *to,
				   uint64_t transfers);

/* Keeps back everything on the link, without any time-out of the network, until it is unclogged;
 * then all arrives in order. */
void memory_link_clog(struct memory_world *world, const char *from, const char *to, bool clogged);

/* As memory_partition(), one direction only: the other one goes on, also to tell of the end. */
void memory_link_cut(struct memory_world *world, const char *from, const char *to, bool cut);

/*
 * Cuts or heals both directions between two nodes. While cut nothing arrives; after 10 s of virtual
 * time the connections between them end with -DER_UNREACH. Healed earlier, everything arrives late.
 */
void memory_partition(struct memory_world *world, const char *one, const char *other, bool cut);

/* Ends every connection between two nodes with -DER_UNREACH, as a reset of both sides. */
void memory_disconnect(struct memory_world *world, const char *one, const char *other);

/* Every link becomes as at first: no delay but the defaults, no fault, none ordered. What was kept
 * back or late arrives as if sent now, in order. */
void memory_network_heal(struct memory_world *world);

/* Connections of the node's envs that were not closed by their owners, and regions registered on
 * them. */
uint32_t memory_node_connections(struct memory_world *world, const char *node);
uint32_t memory_node_regions(struct memory_world *world, const char *node);
