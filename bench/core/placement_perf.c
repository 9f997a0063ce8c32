/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Placement: time of look-ups, against CRUSH where crushtool is installed; data moved against the
 * least that could be; load against groups drawn at random.
 */
#include "row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "placement/placement.h"

#define GROUPS 200000u /* looked up in a round */
#define REPLICAS_3 9u  /* redundancy bytes of object ids */
#define NO_REPLICAS 1u

struct bed {
	struct arena *arena;
	struct pool_map map;
	struct placement *placement;
	uint32_t targets; /* per engine */
};

static void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, error_text(rc));
	exit(1);
}

static void
bed_compile(struct bed *bed)
{
	struct placement_options options = {.version = PLACEMENT_VERSION_NEWEST};

	if (bed->placement)
		placement_destroy(bed->placement);
	must(placement_create(bed->arena, &bed->map, &options, &bed->placement), "compiling");
}

static struct map_engine *
engines_make(uint32_t first, uint32_t count, uint32_t targets)
{
	struct map_engine *engines = calloc(count, sizeof(*engines));

	if (!engines)
		exit(1);
	for (uint32_t i = 0; i < count; i++)
		engines[i] = (struct map_engine){.rank = first + i,
						 .targets = targets,
						 .group = MAP_NONE,
						 .rack = MAP_NONE,
						 .node = first + i};
	return engines;
}

static void
bed_init(struct bed *bed, uint32_t engines, uint32_t targets)
{
	struct map_engine *list = engines_make(0, engines, targets);

	*bed = (struct bed){.arena = arena_create(0), .targets = targets};
	if (!bed->arena)
		exit(1);
	must(pool_map_create(bed->arena, list, engines, &bed->map), "making a map");
	free(list);
	bed_compile(bed);
}

static void
bed_fini(struct bed *bed)
{
	arena_destroy(bed->arena);
}

/* Adds engines, and lets their data come in. */
static void
bed_grow(struct bed *bed, uint32_t first, uint32_t count)
{
	struct map_engine *list = engines_make(first, count, bed->targets);

	must(pool_map_extend(&bed->map, list, count), "extending");
	for (uint32_t i = first; i < first + count; i++) {
		struct map_address all = {i, MAP_NONE};

		must(pool_map_reintegrate(&bed->map, &all, 1), "coming in");
	}
	must(pool_map_finish(&bed->map, bed->map.version), "finishing");
	free(list);
	bed_compile(bed);
}

/* Excludes every n-th target and lets the rebuild end. */
static void
bed_fail(struct bed *bed, uint32_t every)
{
	for (uint32_t i = every / 2; i < bed->map.target_count; i += every) {
		struct map_address address = {pool_map_rank(&bed->map, i),
					      bed->map.targets[i].index};

		must(pool_map_exclude(&bed->map, &address, 1), "excluding");
	}
	must(pool_map_finish(&bed->map, bed->map.version), "finishing");
	bed_compile(bed);
}

static struct object_id
make_id(uint64_t number, uint32_t redundancy, uint32_t groups)
{
	return (struct object_id){.lo = number,
				  .hi = (uint64_t)redundancy << 48 | (uint64_t)groups << 32 |
					(number >> 7 & 0xffffffff)};
}

/* ------------------------------------------------ time */

/* One group each of many objects: nanoseconds per group, opening the object included. */
static double
run_groups(void *argument)
{
	struct bed *bed = argument;
	struct placement_object object;
	struct placement_shard shards[3];
	uint64_t start = cpu_now(), sum = 0;

	for (uint64_t i = 0; i < GROUPS; i++) {
		must(placement_open(bed->placement, make_id(mix64(i), REPLICAS_3, 1), &object),
		     "opening");
		placement_layout(bed->placement, &object, 0, shards);
		sum += shards[0].current + shards[2].current;
	}
	if (sum == 0)
		exit(1);
	return (double)(cpu_now() - start) / GROUPS;
}

/* All shards of a few SX objects: nanoseconds per shard. */
static double
run_wide(void *argument)
{
	struct bed *bed = argument;
	struct placement_object object;
	struct placement_shard shard;
	uint64_t start = cpu_now(), sum = 0, shards = 0;

	for (uint64_t i = 0; i < 20; i++) {
		must(placement_open(bed->placement,
				    make_id(mix64(i), NO_REPLICAS, bed->map.target_count), &object),
		     "opening");
		for (uint32_t group = 0; group < object.groups; group++, shards++) {
			placement_layout(bed->placement, &object, group, &shard);
			sum += shard.current;
		}
	}
	if (sum == 0)
		exit(1);
	return (double)(cpu_now() - start) / (double)shards;
}

/* ------------------------------------------------ CRUSH */

struct crush {
	char folder[64];
	char map[96];
};

/* CPU nanoseconds of a command; -1: it failed. */
static double
command_cpu(const char *command)
{
	struct rusage usage[2];
	double seconds;

	getrusage(RUSAGE_CHILDREN, &usage[0]);
	if (system(command) != 0)
		return -1;
	getrusage(RUSAGE_CHILDREN, &usage[1]);
	seconds = (double)(usage[1].ru_utime.tv_sec - usage[0].ru_utime.tv_sec) +
		  (double)(usage[1].ru_stime.tv_sec - usage[0].ru_stime.tv_sec);
	return seconds * 1e9 + (double)(usage[1].ru_utime.tv_usec - usage[0].ru_utime.tv_usec +
					usage[1].ru_stime.tv_usec - usage[0].ru_stime.tv_usec) *
				       1e3;
}

/* In small buckets, which is the best case for CRUSH: its cost is linear in their size. */
static bool
crush_init(struct crush *crush, uint32_t engines, uint32_t targets)
{
	char command[256];

	snprintf(crush->folder, sizeof(crush->folder), "/tmp/placement_perf.XXXXXX");
	if (system("command -v crushtool >/dev/null 2>&1") != 0 || !mkdtemp(crush->folder))
		return false;
	snprintf(crush->map, sizeof(crush->map), "%s/map", crush->folder);
	snprintf(
		command, sizeof(command),
		"crushtool -o %s --build --num_osds %u host straw2 %u rack straw2 10 row straw2 10 "
		"root straw2 0 >/dev/null 2>&1",
		crush->map, engines * targets, targets);
	return system(command) == 0;
}

static void
crush_fini(struct crush *crush)
{
	unlink(crush->map);
	rmdir(crush->folder);
}

/* Nanoseconds per mapping: a run over many inputs less one over few. */
static double
run_crush(void *argument)
{
	static const uint32_t inputs[] = {100, 50100};
	struct crush *crush = argument;
	char command[256];
	double cpu[2];

	for (uint32_t i = 0; i < 2; i++) {
		snprintf(command, sizeof(command),
			 "crushtool -i %s --test --rule 0 --num-rep 3 --min-x 1 --max-x %u "
			 ">/dev/null 2>&1",
			 crush->map, inputs[i]);
		cpu[i] = command_cpu(command);
	}
	return (cpu[1] - cpu[0]) / (inputs[1] - inputs[0]);
}

/* ------------------------------------------------ data moved */

struct moved {
	uint64_t shards;
	uint64_t moved;
};

/* What is pending moves, over many objects of one class. */
static struct moved
count_moves(const struct bed *bed, uint32_t redundancy, uint32_t groups, uint64_t objects)
{
	struct placement_move moves[PLACEMENT_GROUP_MAX];
	struct placement_object object;
	struct moved moved = {0, 0};

	for (uint64_t i = 0; i < objects; i++) {
		must(placement_open(bed->placement, make_id(mix64(i), redundancy, groups), &object),
		     "opening");
		for (uint32_t group = 0; group < object.groups; group++) {
			moved.shards += object.size;
			moved.moved += placement_moves(bed->placement, &object, group, moves);
		}
	}
	return moved;
}

static void
row_added(const char *metric, uint32_t engines, uint32_t redundancy, uint32_t groups,
	  uint64_t objects)
{
	struct map_engine *list = engines_make(engines, 1, 16);
	struct map_address all = {engines, MAP_NONE};
	struct bed bed;
	struct moved moved;

	bed_init(&bed, engines, 16);
	must(pool_map_extend(&bed.map, list, 1), "extending");
	must(pool_map_reintegrate(&bed.map, &all, 1), "coming in");
	bed_compile(&bed);
	moved = count_moves(&bed, redundancy, groups, objects);
	row_computed(metric, "share", (double)moved.moved / (double)moved.shards,
		     1.0 / (engines + 1), AT_MOST, 1.05);
	free(list);
	bed_fini(&bed);
}

static void
row_failed(const char *metric, uint32_t engines, uint32_t redundancy, uint32_t groups,
	   uint64_t objects)
{
	struct map_address all = {engines / 2, MAP_NONE};
	struct bed bed;
	struct moved moved;
	uint64_t least = 0;

	bed_init(&bed, engines, 16);
	must(pool_map_exclude(&bed.map, &all, 1), "excluding");
	bed_compile(&bed);
	for (uint64_t i = 0; i < objects; i++) {
		struct placement_object object;
		uint32_t targets[PLACEMENT_GROUP_MAX];

		must(placement_open(bed.placement, make_id(mix64(i), redundancy, groups), &object),
		     "opening");
		for (uint32_t group = 0; group < object.groups; group++) {
			placement_place(bed.placement, PLACEMENT_BEFORE, &object, group, targets);
			for (uint32_t slot = 0; slot < object.size; slot++)
				least += targets[slot] / 16 == engines / 2;
		}
	}
	moved = count_moves(&bed, redundancy, groups, objects);
	row_computed(metric, "shards", (double)moved.moved, (double)least, AT_MOST, 1.05);
	bed_fini(&bed);
}

/* ------------------------------------------------ load */

static double
max_over_mean(const uint32_t *load, uint32_t targets)
{
	uint64_t sum = 0;
	uint32_t max = 0;

	for (uint32_t i = 0; i < targets; i++) {
		sum += load[i];
		max = load[i] > max ? load[i] : max;
	}
	return (double)max * targets / (double)sum;
}

/* Three targets of different engines, each set as likely as another. */
static void
group_random(uint64_t *state, uint32_t engines, uint32_t targets, uint32_t *ret_targets)
{
	for (uint32_t i = 0; i < 3; i++) {
		bool again = true;

		while (again) {
			*state += UINT64_C(0x9e3779b97f4a7c15);
			ret_targets[i] =
				(uint32_t)((mix64(*state) >> 32) * engines * targets >> 32);
			again = false;
			for (uint32_t j = 0; j < i; j++)
				again |= ret_targets[j] / targets == ret_targets[i] / targets;
		}
	}
}

/* The mean over the rounds of max/mean at 100 shards per target. */
static void
row_load(const char *metric, uint32_t engines, uint32_t targets, uint32_t rounds)
{
	uint32_t count = engines * targets, groups = count * 100 / 3;
	uint32_t *load = calloc(count, sizeof(*load));
	double ours = 0, ideal = 0;
	uint64_t number = 0, state = 1;
	uint32_t group[3];
	struct bed bed;

	if (!load)
		exit(1);
	bed_init(&bed, engines, targets);
	for (uint32_t round = 0; round < rounds; round++) {
		memset(load, 0, count * sizeof(*load));
		for (uint32_t i = 0; i < groups; i++) {
			struct placement_object object;

			must(placement_open(bed.placement, make_id(number++, REPLICAS_3, 1),
					    &object),
			     "opening");
			placement_place(bed.placement, PLACEMENT_BEFORE, &object, 0, group);
			for (uint32_t j = 0; j < 3; j++)
				load[group[j]]++;
		}
		ours += max_over_mean(load, count) / rounds;
		memset(load, 0, count * sizeof(*load));
		for (uint32_t i = 0; i < groups; i++) {
			group_random(&state, engines, targets, group);
			for (uint32_t j = 0; j < 3; j++)
				load[group[j]]++;
		}
		ideal += max_over_mean(load, count) / rounds;
	}
	row_computed(metric, "max/mean", ours, ideal, AT_MOST, 1.02);
	bed_fini(&bed);
	free(load);
}

/* ------------------------------------------------ rows */

static void
rows_time(void)
{
	struct bed small, middle, large, hurt, grown;
	struct crush crush;
	struct side sides[] = {{run_groups, &small}, {run_groups, &middle}, {run_groups, &large},
			       {run_groups, &hurt},  {run_wide, &middle},   {run_crush, &crush},
			       {run_groups, &grown}};
	struct side none = {NULL, NULL};

	bed_init(&small, 100, 16);
	bed_init(&middle, 1000, 16);
	bed_init(&large, 10000, 16);
	bed_init(&hurt, 1000, 16);
	bed_fail(&hurt, 100);
	bed_init(&grown, 500, 16);
	bed_grow(&grown, 500, 500);
	if (crush_init(&crush, 1000, 16)) {
		row_measure("placement/group_over_crush", "ns", &sides[1], &sides[5], AT_MOST,
			    0.125);
		crush_fini(&crush);
	} else {
		row_without("placement/group_over_crush", "ns", &sides[1],
			    "no crushtool here (Debian: ceph-base)");
	}
	row_measure("placement/group_10000_over_100_engines", "ns", &sides[2], &sides[0], AT_MOST,
		    1.5);
	row_measure("placement/group_1_percent_failed", "ns", &sides[3], &sides[1], AT_MOST, 1.3);
	row_measure("placement/group_on_doubled_pool", "ns", &sides[6], &sides[1], AT_MOST, NAN);
	row_measure("placement/shard_of_wide_object", "ns", &sides[4], &none, AT_MOST, 60);
	bed_fini(&small);
	bed_fini(&middle);
	bed_fini(&large);
	bed_fini(&hurt);
	bed_fini(&grown);
}

int
main(void)
{
	rows_time();
	row_added("placement/moved_added_64_rp3", 64, REPLICAS_3, 1, 400000);
	row_added("placement/moved_added_16_rp3", 16, REPLICAS_3, 1, 200000);
	row_added("placement/moved_added_16_ec8p2_wide", 16, 37, 25, 20000);
	row_added("placement/moved_added_64_wide", 64, NO_REPLICAS, 1024, 2000);
	row_failed("placement/moved_failed_64_rp3", 64, REPLICAS_3, 1, 200000);
	row_failed("placement/moved_failed_16_ec8p2_wide", 16, 37, 25, 4000);
	row_load("placement/load_64", 8, 8, 400);
	row_load("placement/load_1024", 64, 16, 40);
	row_load("placement/load_16000", 1000, 16, 6);
	return 0;
}
