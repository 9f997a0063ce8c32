/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Layouts on a pool map: golden file of version 1, spread, growth, failures, performance domains,
 * refusals; broadcast trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/placement.h"

#define S 1u
#define RP_2 8u
#define RP_3 9u
#define EC_4P2 35u
#define EC_8P2 37u

static struct arena *arena;

static int
setup(void **state)
{
	(void)state;
	arena = arena_create(0);
	return arena ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
	return 0;
}

static struct object_id
make_id(uint64_t number, uint32_t class, uint32_t groups)
{
	return (struct object_id){.lo = mix64(number),
				  .hi = (uint64_t) class << 48 | (uint64_t)groups << 32 |
					(mix64(number + 1000) & 0xffffffff)};
}

/* What the trees of these tests look like: nodes per rack and racks per group; 0: no such level. */
struct shape {
	uint32_t engines;
	uint32_t targets;
	uint32_t rack;
	uint32_t group;
};

static struct map_engine
engine_of(const struct shape *shape, uint32_t rank)
{
	struct map_engine engine = {rank, shape->targets, MAP_NONE, MAP_NONE, rank};

	if (shape->rack > 0)
		engine.rack = rank / shape->rack;
	if (shape->group > 0)
		engine.group = rank / shape->rack / shape->group;
	return engine;
}

static void
make_map(const struct shape *shape, struct pool_map *map)
{
	struct map_engine engines[256];

	for (uint32_t i = 0; i < shape->engines; i++)
		engines[i] = engine_of(shape, i);
	assert_int_equal(pool_map_create(arena, engines, shape->engines, map), 0);
}

/* Adds engines of the same shape, coming in together. */
static void
grow(const struct shape *shape, struct pool_map *map, uint32_t first, uint32_t count)
{
	struct map_engine engines[32];
	struct map_address all[32];

	for (uint32_t i = 0; i < count; i++) {
		engines[i] = engine_of(shape, first + i);
		all[i] = (struct map_address){first + i, MAP_NONE};
	}
	assert_int_equal(pool_map_extend(map, engines, count), 0);
	assert_int_equal(pool_map_reintegrate(map, all, count), 0);
}

static struct placement *
compile(const struct pool_map *map, struct placement_options options)
{
	struct placement *placement;

	options.version = PLACEMENT_VERSION_NEWEST;
	assert_int_equal(placement_create(arena, map, &options, &placement), 0);
	return placement;
}

static struct placement_object
open_object(const struct placement *placement, struct object_id id)
{
	struct placement_object object;

	assert_int_equal(placement_open(placement, id, &object), 0);
	return object;
}

/* ------------------------------------------------ the golden file */

static void
describe(FILE *stream, const struct placement *placement, struct object_id id)
{
	struct placement_object object = open_object(placement, id);
	struct placement_shard shards[PLACEMENT_GROUP_MAX];

	fprintf(stream, "%016llx.%016llx dkey %u:", (unsigned long long)id.hi,
		(unsigned long long)id.lo, placement_dkey_group(placement, &object, "name", 4));
	for (uint32_t group = 0; group < min_of(object.groups, 3u); group++) {
		placement_layout(placement, &object, group, shards);
		for (uint32_t slot = 0; slot < object.size; slot++) {
			fprintf(stream, " %d", (int)shards[slot].current);
			if (shards[slot].next != PLACEMENT_NONE)
				fprintf(stream, ">%d", (int)shards[slot].next);
		}
		fprintf(stream, " /");
	}
	fputc('\n', stream);
}

static void
describe_map(FILE *stream, const char *name, const struct pool_map *map,
	     struct placement_options options)
{
	static const uint32_t classes[] = {S, RP_2, RP_3, EC_4P2, EC_8P2, 20};
	struct placement *placement = compile(map, options);

	fprintf(stream, "%s\n", name);
	for (uint32_t i = 0; i < ARRAY_SIZE(classes); i++) {
		static const uint32_t wanted[] = {1, 5, PLACEMENT_GROUPS_ALL};

		for (uint32_t j = 0; j < ARRAY_SIZE(wanted); j++) {
			uint32_t groups;

			if (placement_groups_choose(placement, classes[i], wanted[j], &groups) == 0)
				describe(stream, placement,
					 make_id(i * 10 + j, classes[i], groups));
		}
	}
	placement_destroy(placement);
}

static void
describe_shape(FILE *stream, const char *name, struct shape shape, struct placement_options options)
{
	struct map_address down = {1, MAP_NONE}, drain = {2, 0}, out = {0, 0};
	struct pool_map map;

	fprintf(stream, "# %s: %u engines of %u targets\n", name, shape.engines, shape.targets);
	make_map(&shape, &map);
	describe_map(stream, "healthy", &map, options);
	assert_int_equal(pool_map_exclude(&map, &out, 1), 0);
	assert_int_equal(pool_map_finish(&map, map.version), 0);
	assert_int_equal(pool_map_exclude(&map, &down, 1), 0);
	assert_int_equal(pool_map_drain(&map, &drain, 1), 0);
	describe_map(stream, "rank 1 down, a target of 2 drained, one of 0 out", &map, options);
	assert_int_equal(pool_map_finish(&map, map.version), 0);
	grow(&shape, &map, shape.engines, 2);
	describe_map(stream, "two ranks more", &map, options);
	shape.targets *= 3;
	grow(&shape, &map, shape.engines + 2, 1);
	assert_int_equal(pool_map_finish(&map, map.version), 0);
	describe_map(stream, "and one that is three times as large", &map, options);
	pool_map_free(&map);
}

/* CAIRN_GOLDEN_WRITE writes the file of a new version. */
static void
test_golden(void **state)
{
	const char *path = CAIRN_GOLDEN_DIR "/placement-1.txt";
	FILE *file = fopen(path, getenv("CAIRN_GOLDEN_WRITE") ? "w" : "r"), *stream;
	struct placement_options none = {.version = 0};
	struct placement_options pairs = {.replica_affinity = 2, .erasure_affinity = 1};
	char *text, *line, expected[4096];
	size_t size;

	(void)state;
	assert_non_null(file);
	stream = open_memstream(&text, &size);
	assert_non_null(stream);
	describe_shape(stream, "nodes", (struct shape){16, 4, 0, 0}, none);
	describe_shape(stream, "few nodes", (struct shape){3, 5, 0, 0}, none);
	describe_shape(stream, "racks", (struct shape){24, 6, 4, 0}, none);
	describe_shape(stream, "performance domains", (struct shape){24, 6, 2, 3}, none);
	describe_shape(stream, "performance domains, affinity 2 and 1", (struct shape){24, 6, 2, 3},
		       pairs);
	fclose(stream);
	if (getenv("CAIRN_GOLDEN_WRITE"))
		assert_int_equal(fwrite(text, 1, size, file), size);
	for (line = text; !getenv("CAIRN_GOLDEN_WRITE") && *line; line = strchr(line, '\n') + 1) {
		assert_non_null(fgets(expected, sizeof(expected), file));
		if (strncmp(line, expected, strlen(expected)) != 0)
			fail_msg("the file has %sthe code %.*s\nA changed layout needs a new "
				 "placement version.",
				 expected, (int)strcspn(line, "\n"), line);
	}
	fclose(file);
	free(text);
}

/* Version 0 says the same whether it is asked with a number of targets or a whole map. */
static void
test_version_0(void **state)
{
	struct placement_map flat = {.version = 0, .targets = 28};
	struct placement_options options = {.version = 0};
	struct placement *placement;
	struct map_address address = {3, 0};
	struct pool_map map;

	(void)state;
	make_map(&(struct shape){4, 7, 2, 0}, &map);
	assert_int_equal(placement_create(arena, &map, &options, &placement), 0);
	for (uint64_t i = 0; i < 200; i++) {
		struct object_id id = make_id(i, S, i % 2 ? PLACEMENT_GROUPS_ALL : 40);
		struct placement_object object = open_object(placement, id);
		uint32_t target;

		assert_int_equal(object.groups, placement_groups(&flat, id));
		assert_int_equal(placement_dkey_group(placement, &object, &i, 8),
				 placement_group(&flat, id, &i, 8));
		for (uint32_t group = 0; group < object.groups; group++) {
			placement_place(placement, PLACEMENT_BEFORE, &object, group, &target);
			assert_int_equal(target, placement_target(&flat, id, group));
		}
	}
	placement_destroy(placement);
	assert_int_equal(pool_map_exclude(&map, &address, 1), 0);
	assert_int_equal(placement_create(arena, &map, &options, &placement), -DER_NOSYS);
	pool_map_free(&map);
}

/* ------------------------------------------------ spread */

/* Every target of a healthy map has one shard of an object that is as wide as it. */
static void
test_wide_objects(void **state)
{
	static const struct shape shapes[] = {
		{8, 8, 0, 0}, {10, 16, 0, 0}, {12, 3, 3, 0}, {1, 24, 0, 0}};
	static const uint32_t classes[] = {S, RP_2, RP_3, EC_4P2};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		for (uint32_t j = 0; j < ARRAY_SIZE(classes); j++) {
			struct placement_object object;
			struct placement *placement;
			struct pool_map map;
			uint8_t load[256] = {0};
			uint32_t groups, targets[PLACEMENT_GROUP_MAX];

			make_map(&shapes[i], &map);
			placement = compile(&map, (struct placement_options){.version = 0});
			assert_int_equal(placement_groups_choose(placement, classes[j],
								 PLACEMENT_GROUPS_ALL, &groups),
					 0);
			object = open_object(placement, make_id(i, classes[j], groups));
			for (uint32_t group = 0; group < groups; group++) {
				placement_place(placement, PLACEMENT_BEFORE, &object, group,
						targets);
				for (uint32_t slot = 0; slot < object.size; slot++)
					assert_int_equal(++load[targets[slot]], 1);
			}
			assert_int_equal(groups, map.target_count / object.size);
			placement_destroy(placement);
			pool_map_free(&map);
		}
	}
}

/* Nodes of 2, 4 and 6 targets: each target gets the same, whatever its node. */
static void
test_uneven_nodes(void **state)
{
	struct map_engine engines[12];
	struct placement *placement;
	struct pool_map map;
	uint32_t load[48] = {0}, target;
	enum { OBJECTS = 48000 };

	(void)state;
	for (uint32_t i = 0; i < 12; i++)
		engines[i] = (struct map_engine){i, 2 + i % 3 * 2, MAP_NONE, MAP_NONE, i};
	assert_int_equal(pool_map_create(arena, engines, 12, &map), 0);
	placement = compile(&map, (struct placement_options){.version = 0});
	for (uint64_t i = 0; i < OBJECTS; i++) {
		struct placement_object object = open_object(placement, make_id(i, S, 1));

		placement_place(placement, PLACEMENT_BEFORE, &object, 0, &target);
		load[target]++;
	}
	for (uint32_t i = 0; i < 48; i++)
		assert_in_range(load[i], OBJECTS / 48 * 85 / 100, OBJECTS / 48 * 115 / 100);
	placement_destroy(placement);
	pool_map_free(&map);
}

/* ------------------------------------------------ growth and failure */

/* New nodes get their share, everything that moves moves to them, and nobody has too much. */
static void
test_growth(void **state)
{
	static const struct {
		struct shape shape;
		uint32_t added, class, groups;
	} rows[] = {
		{{4, 4, 0, 0}, 1, RP_3, 1},    {{16, 4, 0, 0}, 1, RP_3, 2},
		{{16, 8, 0, 0}, 16, RP_3, 40}, {{16, 4, 0, 0}, 5, EC_8P2, 3},
		{{32, 2, 2, 0}, 2, RP_2, 1},   {{8, 4, 0, 0}, 24, S, 32},
	};
	enum { SHARDS = 60000 };

	(void)state;
	for (uint32_t row = 0; row < ARRAY_SIZE(rows); row++) {
		uint32_t old = rows[row].shape.engines * rows[row].shape.targets;
		uint32_t load[256] = {0}, moved = 0, shards = 0;
		double share =
			(double)rows[row].added / (rows[row].shape.engines + rows[row].added);
		struct placement *placement;
		struct pool_map map;

		make_map(&rows[row].shape, &map);
		grow(&rows[row].shape, &map, rows[row].shape.engines, rows[row].added);
		placement = compile(&map, (struct placement_options){.version = 0});
		for (uint64_t i = 0; shards < SHARDS; i++) {
			struct placement_object object = open_object(
				placement, make_id(i, rows[row].class, rows[row].groups));
			uint32_t before[PLACEMENT_GROUP_MAX], after[PLACEMENT_GROUP_MAX];

			for (uint32_t group = 0; group < object.groups; group++) {
				placement_place(placement, PLACEMENT_BEFORE, &object, group,
						before);
				placement_place(placement, PLACEMENT_AFTER, &object, group, after);
				for (uint32_t slot = 0; slot < object.size; slot++, shards++) {
					load[after[slot]]++;
					if (before[slot] == after[slot])
						continue;
					assert_true(after[slot] >= old);
					moved++;
				}
			}
		}
		assert_true(moved < share * shards * 1.05);
		assert_true(moved > share * shards * 0.95);
		for (uint32_t i = 0; i < map.target_count; i++)
			assert_in_range(load[i], shards / map.target_count * 75 / 100,
					shards / map.target_count * 125 / 100);
		placement_destroy(placement);
		pool_map_free(&map);
	}
}

/* A node more in one rack of 16: what it is to hold comes from everywhere, and nothing else moves.
 */
static void
test_growing_rack(void **state)
{
	struct map_engine engine = {64, 4, MAP_NONE, 0, 64};
	struct map_address all = {64, MAP_NONE};
	struct placement *placement;
	struct pool_map map;
	uint32_t moved = 0;
	enum { OBJECTS = 400000 };

	(void)state;
	make_map(&(struct shape){64, 4, 4, 0}, &map);
	assert_int_equal(pool_map_extend(&map, &engine, 1), 0);
	assert_int_equal(pool_map_reintegrate(&map, &all, 1), 0);
	placement = compile(&map, (struct placement_options){.version = 0});
	for (uint64_t i = 0; i < OBJECTS; i++) {
		struct placement_object object = open_object(placement, make_id(i, S, 1));
		struct placement_move move;

		if (placement_moves(placement, &object, 0, &move) == 0)
			continue;
		assert_true(move.to >= 256);
		moved++;
	}
	assert_in_range(moved, OBJECTS / 65 * 97 / 100, OBJECTS / 65 * 103 / 100);
	placement_destroy(placement);
	pool_map_free(&map);
}

/*
 * A fifth of the map is out, one target comes back. What was its own moves, and little else: spares
 * kept out of its way, but some would rather be where its own had their spares.
 */
static void
test_return(void **state)
{
	struct map_address out[] = {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 0},
				    {5, 1}, {6, 2}, {7, 3}, {8, 0}, {9, MAP_NONE}};
	struct placement *placement;
	struct pool_map map;
	uint32_t own = 0, others = 0;

	(void)state;
	make_map(&(struct shape){16, 4, 0, 0}, &map);
	assert_int_equal(pool_map_exclude(&map, out, ARRAY_SIZE(out)), 0);
	assert_int_equal(pool_map_finish(&map, map.version), 0);
	assert_int_equal(pool_map_reintegrate(&map, &out[2], 1), 0);
	placement = compile(&map, (struct placement_options){.version = 0});
	for (uint64_t i = 0; i < 20000; i++) {
		struct placement_object object = open_object(placement, make_id(i, EC_4P2, 1));
		struct placement_move moves[6];

		for (uint32_t k = placement_moves(placement, &object, 0, moves); k-- > 0;) {
			own += moves[k].to == 10;
			others += moves[k].to != 10;
		}
	}
	assert_true(own > 20000 * 6 / 64 * 9 / 10);
	assert_true(others < own * 8 / 100);
	placement_destroy(placement);
	pool_map_free(&map);
}

/* A rank fails: its shards move, no other does, and its load spreads over all others. */
static void
test_failure(void **state)
{
	struct shape shape = {16, 4, 0, 0};
	struct map_address all = {5, MAP_NONE};
	struct placement *placement;
	struct pool_map map;
	uint32_t taken[64] = {0}, lost = 0;

	(void)state;
	make_map(&shape, &map);
	assert_int_equal(pool_map_exclude(&map, &all, 1), 0);
	placement = compile(&map, (struct placement_options){.version = 0});
	for (uint64_t i = 0; i < 20000; i++) {
		struct placement_object object = open_object(placement, make_id(i, RP_3, 1));
		struct placement_shard shards[3];
		struct placement_move moves[3];
		uint32_t before[3];

		placement_place(placement, PLACEMENT_BEFORE, &object, 0, before);
		placement_layout(placement, &object, 0, shards);
		for (uint32_t slot = 0; slot < 3; slot++) {
			bool failed = before[slot] / 4 == 5;

			assert_int_equal(shards[slot].current,
					 failed ? PLACEMENT_NONE : before[slot]);
			assert_int_equal(shards[slot].next != PLACEMENT_NONE, failed);
		}
		for (uint32_t k = placement_moves(placement, &object, 0, moves); k-- > 0; lost++)
			taken[moves[k].to]++;
	}
	for (uint32_t i = 0; i < 64; i++)
		assert_in_range(taken[i], i / 4 == 5 ? 0 : lost / 60 * 60 / 100,
				i / 4 == 5 ? 0 : lost / 60 * 140 / 100);
	placement_destroy(placement);
	pool_map_free(&map);
}

/* More shards than nodes: as even over them as can be, on different targets. */
static void
test_few_domains(void **state)
{
	struct placement *placement;
	struct pool_map map;

	(void)state;
	make_map(&(struct shape){4, 4, 0, 0}, &map);
	placement = compile(&map, (struct placement_options){.version = 0});
	for (uint64_t i = 0; i < 500; i++) {
		struct placement_object object = open_object(placement, make_id(i, EC_8P2, 1));
		uint32_t targets[10], per_node[4] = {0}, seen = 0;

		placement_place(placement, PLACEMENT_BEFORE, &object, 0, targets);
		for (uint32_t slot = 0; slot < 10; slot++) {
			per_node[targets[slot] / 4]++;
			seen |= 1u << targets[slot];
		}
		assert_int_equal(__builtin_popcount(seen), 10);
		for (uint32_t node = 0; node < 4; node++)
			assert_in_range(per_node[node], 2, 3);
	}
	placement_destroy(placement);
	pool_map_free(&map);
}

/* 4 performance domains of 3 racks of 2 nodes with 4 targets. */
static void
test_performance_domains(void **state)
{
	struct shape shape = {24, 4, 2, 3};
	struct placement_options pairs = {.replica_affinity = 2, .erasure_affinity = 2};
	struct placement *whole, *paired;
	struct map_address lost = {0, MAP_NONE};
	struct pool_map map;

	(void)state;
	make_map(&shape, &map);
	assert_int_equal(pool_map_exclude(&map, &lost, 1), 0);
	whole = compile(&map, (struct placement_options){.version = 0});
	paired = compile(&map, pairs);
	assert_int_equal(placement_domains(whole, MAP_GROUP), 4);
	assert_int_equal(placement_domains(whole, MAP_NODE), 23);
	for (uint64_t i = 0; i < 500; i++) {
		struct placement_object object = open_object(whole, make_id(i, RP_3, 2));
		uint32_t targets[6], per_group[4] = {0};

		for (uint32_t when = PLACEMENT_BEFORE; when <= PLACEMENT_AFTER; when++) {
			placement_place(whole, (enum placement_time)when, &object, 1, targets);
			assert_int_equal(targets[0] / 24, targets[1] / 24);
			assert_int_equal(targets[0] / 24, targets[2] / 24);
			/* Different racks of it. */
			assert_int_not_equal(targets[0] / 8, targets[1] / 8);
			assert_int_not_equal(targets[0] / 8, targets[2] / 8);
			assert_int_not_equal(targets[1] / 8, targets[2] / 8);
		}
		object = open_object(paired, make_id(i, EC_4P2, 2));
		placement_place(paired, PLACEMENT_AFTER, &object, 1, targets);
		for (uint32_t slot = 0; slot < 6; slot++)
			per_group[targets[slot] / 24]++;
		for (uint32_t group = 0; group < 4; group++)
			assert_true(per_group[group] == 0 || per_group[group] == 2);
	}
	placement_destroy(whole);
	placement_destroy(paired);
	pool_map_free(&map);
}

/* ------------------------------------------------ refusals */

static void
test_refusals(void **state)
{
	struct placement_options options = {.version = PLACEMENT_VERSION_NEWEST + 1};
	struct placement_object object;
	struct placement *placement;
	struct pool_map map;
	uint32_t groups;

	(void)state;
	make_map(&(struct shape){4, 2, 0, 0}, &map);
	assert_int_equal(placement_create(arena, &map, &options, &placement), -DER_NOSYS);
	placement = compile(&map, (struct placement_options){.version = 0});
	assert_int_equal(placement_targets(placement), 8);
	assert_int_equal(placement_open(placement, make_id(1, 7, 1), &object), -DER_NOSYS);
	assert_int_equal(placement_open(placement, make_id(1, 200, 1), &object), -DER_NOSYS);
	assert_int_equal(placement_open(placement, make_id(1, S, 0), &object), -DER_INVAL);
	assert_int_equal(placement_open(placement, make_id(1, S, PLACEMENT_GROUPS_ALL), &object),
			 -DER_INVAL);
	assert_int_equal(placement_open(placement, make_id(1, RP_3, 3), &object), -DER_INVAL);
	assert_int_equal(placement_open(placement, make_id(1, EC_8P2, 1), &object), -DER_INVAL);
	assert_int_equal(placement_open(placement, make_id(1, RP_3, 2), &object), 0);
	assert_int_equal(placement_groups_choose(placement, EC_8P2, 1, &groups), -DER_INVAL);
	assert_int_equal(placement_groups_choose(placement, 7, 1, &groups), -DER_INVAL);
	assert_int_equal(placement_groups_choose(placement, RP_3, 0, &groups), -DER_INVAL);
	assert_int_equal(placement_groups_choose(placement, RP_3, 9, &groups), 0);
	assert_int_equal(groups, 2);
	placement_destroy(placement);
	pool_map_free(&map);
}

static void
test_no_memory(void **state)
{
	struct placement_options options = {.version = PLACEMENT_VERSION_NEWEST};
	struct shape shape = {6, 3, 0, 0};
	struct placement *placement;
	struct pool_map map;
	int rc = -DER_NOMEM;

	(void)state;
	make_map(&shape, &map);
	grow(&shape, &map, 6, 1);
	for (uint64_t n = 1; rc == -DER_NOMEM; n++) {
		uint64_t used = arena_used(arena);

		arena_fail_at(arena, n);
		rc = placement_create(arena, &map, &options, &placement);
		arena_fail_at(arena, 0);
		if (rc)
			assert_int_equal(arena_used(arena), used);
	}
	assert_int_equal(rc, 0);
	placement_destroy(placement);
	pool_map_free(&map);
}

/* ------------------------------------------------ broadcast trees */

/* Every live rank is reached once, from the one that it names as its parent. */
static void
check_tree(const struct placement *placement, uint32_t ratio, uint32_t root)
{
	struct placement_tree tree = {ratio, root};
	uint32_t queue[256], children[256], parent, count, live, filled = 1;

	assert_non_null(placement_ranks(placement, &live));
	queue[0] = root;
	assert_int_equal(placement_tree_parent(placement, &tree, root, &parent), 0);
	assert_int_equal(parent, PLACEMENT_NONE);
	for (uint32_t at = 0; at < filled; at++) {
		assert_int_equal(placement_tree_children(placement, &tree, queue[at], 256, children,
							 &count),
				 0);
		for (uint32_t i = 0; i < count; i++) {
			assert_int_equal(
				placement_tree_parent(placement, &tree, children[i], &parent), 0);
			assert_int_equal(parent, queue[at]);
			for (uint32_t k = 0; k < filled; k++)
				assert_int_not_equal(queue[k], children[i]);
			queue[filled++] = children[i];
		}
	}
	assert_int_equal(filled, live);
}

static void
test_trees(void **state)
{
	static const uint32_t ratios[] = {2, 3, 4, 16, 64};
	struct map_address dead[] = {{3, MAP_NONE}, {17, MAP_NONE}};
	struct placement *placement;
	struct pool_map map;
	uint32_t count, child;

	(void)state;
	make_map(&(struct shape){37, 2, 0, 0}, &map);
	assert_int_equal(pool_map_exclude(&map, dead, 2), 0);
	placement = compile(&map, (struct placement_options){.version = 0});
	for (uint32_t i = 0; i < ARRAY_SIZE(ratios); i++)
		for (uint32_t root = 0; root < 37; root += 4)
			check_tree(placement, ratios[i], root);
	assert_int_equal(placement_tree_children(placement, &(struct placement_tree){1, 0}, 0, 1,
						 &child, &count),
			 -DER_INVAL);
	assert_int_equal(placement_tree_children(placement, &(struct placement_tree){65, 0}, 0, 1,
						 &child, &count),
			 -DER_INVAL);
	assert_int_equal(placement_tree_children(placement, &(struct placement_tree){2, 0}, 17, 1,
						 &child, &count),
			 -DER_NONEXIST);
	assert_int_equal(placement_tree_parent(placement, &(struct placement_tree){2, 99}, 0,
					       &child),
			 -DER_NONEXIST);
	/* What does not fit is counted. */
	assert_int_equal(placement_tree_children(placement, &(struct placement_tree){2, 0}, 0, 1,
						 &child, &count),
			 0);
	assert_int_equal(count, 6);
	placement_destroy(placement);
	pool_map_free(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_0, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wide_objects, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uneven_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_growth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_growing_rack, setup, teardown),
		cmocka_unit_test_setup_teardown(test_return, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_few_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_performance_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trees, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
