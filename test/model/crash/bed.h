/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A store in memory whose power is cut at every device write, one kind of operation after the
 * other.
 *
 * A kind is a preparation and a few steps, each of which takes effect wholly or not at all. It runs
 * twice: once for reference, to know what the store must look like after each step; then with a
 * trace of its disks. Every state that a power cut may leave is opened again and must look as after
 * some step, not before the last one that was acknowledged. states.c does that.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "env/memory/memory.h"
#include "media/private.h"
#include "metadb/metadb.h"
#include "vos/vos.h"

/* On a fiber a failed check ends the program: cmocka would jump to another stack. */
#define CHECK(condition)                                          \
	do {                                                      \
		if (!(condition))                                 \
			bed_fail(__FILE__, __LINE__, #condition); \
	} while (0)
#define CHECK_EQUAL(a, b)                                                         \
	do {                                                                      \
		int64_t check_a = (int64_t)(a), check_b = (int64_t)(b);           \
		if (check_a != check_b)                                           \
			bed_fail_equal(__FILE__, __LINE__, #a, check_a, check_b); \
	} while (0)

void __attribute__((noreturn)) bed_fail(const char *file, int line, const char *condition);
void __attribute__((noreturn))
bed_fail_equal(const char *file, int line, const char *what, int64_t is, int64_t wanted);

#define STEPS_MAX 64u
#define CONTAINERS_MAX 3u

struct crash_bed;

struct crash_kind {
	const char *name;
	void (*prepare)(struct crash_bed *bed);
	void (*step)(struct crash_bed *bed, uint32_t number);
	uint32_t steps;
	bool history; /* older epochs are compared too */
	bool partial; /* a step takes several transactions, between which nothing is seen to change
		       */
	bool with_metadb; /* opens a service store */
	bool with_second; /* a second heap may come and go */
	bool undecided; /* what changes is looked at as it was before, as reads of it would wait */
	uint32_t snapshot; /* epoch that stays readable; 0: none */
	bool poisoned;	   /* the heap's files were not zeros where nothing was written */
	/* After recovery, when the state after `steps` steps was found. */
	void (*verify)(struct crash_bed *bed, uint32_t steps);
	uint64_t log_size;     /* bytes; 0: 1 MiB */
	uint32_t heap_zones;   /* 0: 16 */
	uint64_t inline_limit; /* bytes; 0: by the device */
};

/* KIND(name, prepare, step, steps, what else is not zero) */
#define KIND(text, first, then, count, ...)                                               \
	{                                                                                 \
		.name = text, .prepare = first, .step = then, .steps = count, __VA_ARGS__ \
	}

struct crash_bed {
	const struct crash_kind *kind;
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct media *media;
	struct heap *heap, *second; /* second may be NULL */
	struct vos *vos;
	struct vos_container *container; /* number 0; may be NULL */
	struct metadb *metadb;		 /* may be NULL */
	uint64_t epoch;			 /* drawn last; counts from 1 */
	uint64_t group;			 /* the newest that a change got */
	bool done;
	bool shuffle;	       /* fibers go on in random order */
	struct log_sink *sink; /* NULL: standard error */
	void *argument;
};

/* ------------------------------------------------ bed.c */

/* Times as clocks draw them, and the time at which all of them is seen. */
#define EPOCH_OF(number) ((uint64_t)(number) << 8)
#define EPOCH_SEEN(number) (EPOCH_OF(number) | 255u)

struct uuid container_id(uint32_t number);

/* Garbage wherever the heap's files hold nothing yet. */
void bed_poison(struct crash_bed *bed);

/* Tells the store of the kind's snapshot; without one it may collect all that is old. */
void bed_set_snapshots(struct crash_bed *bed, uint32_t snapshot);

void bed_boot(struct crash_bed *bed);
int bed_run(struct crash_bed *bed, int (*function)(void *argument));

/* Formats, opens and makes container 0, durable. */
int bed_format_body(void *argument);

/* Opens log and heaps and replays; nothing is written. */
int bed_replay_body(void *argument);

/* Starts the log and opens the stores. */
void bed_open_store(struct crash_bed *bed);

/* Both. */
int bed_open_body(void *argument);

/* A clean end, and what a crash leaves. */
void bed_shut(struct crash_bed *bed);
void bed_kill(struct crash_bed *bed);

/* What the images of all heaps hold: bytes of zones, and what is owned of the data space. */
uint64_t bed_image_digest(struct crash_bed *bed);
/* The zones in memory alone. Does not yield once all are loaded. */
uint64_t bed_zone_digest(struct crash_bed *bed);
int bed_load_zones_body(void *argument);

/* What can be seen in the store at the newest epoch, and at the snapshot; with history at each
 * epoch from `first` to `last` too. With undecided changes: at `first` alone, and which
 * transactions are in what state. */
uint64_t bed_digest(struct crash_bed *bed, uint64_t first, uint64_t last);

/* Everything is in order. */
void bed_audit(struct crash_bed *bed);

/* Destroys all containers and collects; what is free then. */
void bed_empty(struct crash_bed *bed, struct heap_space *ret_space);

/* Waits for bed->group. */
void bed_wait(struct crash_bed *bed);

/* Collects to the end, at the newest epoch. */
void bed_collect(struct crash_bed *bed);

/* ------------------------------------------------ changes, each at an epoch of its own */

struct vos_object object_of(uint32_t number);
struct vos_key text_key(const char *text);

/* Bytes that depend on nothing but seed and length; they stay. */
const uint8_t *content_of(uint32_t seed, uint64_t length);

void put_single(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey,
		uint64_t size, uint32_t seed);
void put_array(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey,
	       uint64_t index, uint64_t count, uint32_t seed);
void put_hole(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey,
	      uint64_t index, uint64_t count);
void punch_object(struct crash_bed *bed, uint32_t object);
void punch_dkey(struct crash_bed *bed, uint32_t object, const char *dkey);
void punch_akey(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey);

/* ------------------------------------------------ states.c */

/*
 * Judges every state of each kind as far as this part of CAIRN_TEST_SECONDS goes; no kind may be
 * left out. Each kind runs in two ways: step by step, each acknowledged before the next; and all at
 * once, while checkpoints go on.
 */
void judge_kinds(const struct crash_kind *kinds, uint32_t count, double part);
