/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Random trees of fault domains, random changes, random objects. A model follows which targets have
 * all data of each shard: what moves copies, what is written reaches only the targets that a layout
 * names. CAIRN_SEED picks the run, CAIRN_TEST_SECONDS (4, with CAIRN_LONG 40) bounds it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "placement/placement.h"

#define TARGETS_MAX 1024u
#define OBJECTS 24u
#define GROUPS 3u /* followed of each object */

/* Targets that have all data of a shard. */
struct holders {
	uint64_t bits[TARGETS_MAX / 64];
};

struct object {
	struct object_id id;
	uint32_t groups[GROUPS];
	uint32_t group_count;
	struct holders (*holders)[PLACEMENT_GROUP_MAX]; /* by followed group and shard */
};

struct run {
	uint64_t seed, state;
	struct arena *arena;
	struct pool_map map;
	struct placement_options options;
	struct placement *placement;
	struct object objects[OBJECTS];
	bool levels[MAP_LEVELS];
	uint32_t alive[2][MAP_LEVELS]; /* by enum placement_time */
	uint32_t next_rank;
};

static uint64_t steps_done;

static uint64_t
draw(struct run *run, uint64_t limit)
{
	run->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix64(run->state) % limit;
}

#define must_hold(run, condition)                                                        \
	do {                                                                             \
		if (!(condition))                                                        \
			fail_msg("CAIRN_SEED=%llu: %s", (unsigned long long)(run)->seed, \
				 #condition);                                            \
	} while (0)

/* ------------------------------------------------ maps */

static void
engine_draw(struct run *run, struct map_engine *engine, uint32_t spread, uint32_t targets)
{
	uint32_t rank = run->next_rank++;

	engine->rank = rank;
	engine->targets = targets;
	engine->node = run->levels[MAP_NODE] ? rank / 2 : MAP_NONE;
	engine->rack = run->levels[MAP_RACK] ? rank / 2 % spread : MAP_NONE;
	engine->group = run->levels[MAP_GROUP] ? rank / 2 % spread % 3 : MAP_NONE;
}

static uint32_t
engines_draw(struct run *run, struct map_engine engines[40], uint32_t limit)
{
	uint32_t count = 1 + (uint32_t)draw(run, limit), spread = 1 + (uint32_t)draw(run, 12);
	uint32_t targets = 1 + (uint32_t)draw(run, 8);
	bool uneven = draw(run, 3) == 0;

	for (uint32_t i = 0; i < count; i++)
		engine_draw(run, &engines[i], spread,
			    uneven ? 1 + (uint32_t)draw(run, 8) : targets);
	return count;
}

static void
compile(struct run *run)
{
	if (run->placement)
		placement_destroy(run->placement);
	run->placement = NULL;
	assert_int_equal(placement_create(run->arena, &run->map, &run->options, &run->placement),
			 0);
}

static void
copy_map(const struct run *run, struct pool_map *ret_map)
{
	size_t size = pool_map_size(&run->map);
	uint8_t *bytes = malloc(size);
	struct writer writer;
	struct reader reader;

	assert_non_null(bytes);
	writer_init(&writer, bytes, size);
	pool_map_encode(&run->map, &writer);
	assert_false(writer.failed);
	assert_int_equal(writer.position, size);
	reader_init(&reader, bytes, size);
	assert_int_equal(pool_map_decode(&reader, run->arena, ret_map), 0);
	assert_true(reader_complete(&reader));
	free(bytes);
}

static void
check_encoding(const struct run *run)
{
	struct pool_map copy;

	copy_map(run, &copy);
	must_hold(run, copy.version == run->map.version);
	must_hold(run, copy.domain_count == run->map.domain_count);
	must_hold(run, copy.target_count == run->map.target_count);
	for (uint32_t i = 0; i < copy.domain_count; i++)
		must_hold(run, copy.domains[i].parent == run->map.domains[i].parent &&
				       copy.domains[i].id == run->map.domains[i].id &&
				       copy.domains[i].level == run->map.domains[i].level);
	for (uint32_t i = 0; i < copy.target_count; i++) {
		const struct map_target *a = &copy.targets[i], *b = &run->map.targets[i];

		must_hold(run, a->domain == b->domain && a->index == b->index &&
				       a->state == b->state && a->member == b->member &&
				       a->unfilled == b->unfilled &&
				       a->in_version == b->in_version && a->failure == b->failure &&
				       a->changed == b->changed);
	}
	pool_map_free(&copy);
}

/* ------------------------------------------------ what a layout must be */

static bool
usable(const struct map_target *target, enum placement_time when)
{
	if (when == PLACEMENT_AFTER)
		return target->state == TARGET_UPIN || target->state == TARGET_UP;
	return target->member && target->state != TARGET_DOWNOUT &&
	       (target->state != TARGET_UP || target->unfilled);
}

static uint32_t
domain_of(const struct pool_map *map, uint32_t target, enum map_level level)
{
	uint32_t at = map->targets[target].domain;

	if (level == MAP_TARGET)
		return target;
	while (at != 0 && map->domains[at].level != level)
		at = map->domains[at].parent;
	return at;
}

/* Domains of each level with a usable target. */
static void
count_alive(struct run *run)
{
	static bool seen[TARGETS_MAX * 4];

	for (int when = PLACEMENT_BEFORE; when <= PLACEMENT_AFTER; when++) {
		for (uint32_t level = MAP_RACK; level <= MAP_TARGET; level++) {
			uint32_t count = 0;

			memset(seen, 0, sizeof(seen));
			for (uint32_t i = 0; i < run->map.target_count; i++) {
				uint32_t domain = domain_of(&run->map, i, (enum map_level)level);

				if ((domain == 0 && level != MAP_TARGET) || seen[domain] ||
				    !usable(&run->map.targets[i], (enum placement_time)when))
					continue;
				seen[domain] = true;
				count++;
			}
			run->alive[when][level] = count;
		}
	}
}

/* The highest level with enough domains, and targets where none has. */
static enum map_level
strict_level(const struct run *run, enum placement_time when, uint32_t size)
{
	uint32_t level = MAP_RACK;

	while (level < MAP_TARGET && run->alive[when][level] < size)
		level++;
	return (enum map_level)level;
}

static void
check_places(const struct run *run, enum placement_time when, uint32_t size,
	     const uint32_t *targets)
{
	enum map_level strict = run->levels[MAP_GROUP] ? MAP_TARGET : strict_level(run, when, size);
	uint32_t missing = 0;

	for (uint32_t i = 0; i < size; i++) {
		if (targets[i] == PLACEMENT_NONE) {
			missing++;
			continue;
		}
		must_hold(run, usable(&run->map.targets[targets[i]], when));
		for (uint32_t j = 0; j < i; j++)
			must_hold(run, targets[j] == PLACEMENT_NONE ||
					       domain_of(&run->map, targets[i], strict) !=
						       domain_of(&run->map, targets[j], strict));
	}
	must_hold(run, missing == size - min_of(size, run->alive[when][MAP_TARGET]));
}

/* Moves are what differs between the layouts, and what has to be filled again where it is. */
static void
check_moves(const struct run *run, const struct placement_object *object, uint32_t group,
	    const uint32_t *before, const uint32_t *after)
{
	struct placement_move moves[PLACEMENT_GROUP_MAX];
	uint32_t count = placement_moves(run->placement, object, group, moves), next = 0;

	for (uint32_t i = 0; i < object->size; i++) {
		bool refill = before[i] != PLACEMENT_NONE && run->map.targets[before[i]].unfilled;

		if (after[i] == PLACEMENT_NONE || (before[i] == after[i] && !refill))
			continue;
		must_hold(run,
			  next < count && moves[next].shard == i && moves[next].to == after[i]);
		must_hold(run, moves[next].from == PLACEMENT_NONE || moves[next].from == before[i]);
		next++;
	}
	must_hold(run, next == count);
}

/* ------------------------------------------------ who has what */

static bool
holds(const struct holders *holders, uint32_t target)
{
	return holders->bits[target / 64] >> target % 64 & 1;
}

static void
hold(struct holders *holders, uint32_t target)
{
	if (target != PLACEMENT_NONE)
		holders->bits[target / 64] |= UINT64_C(1) << target % 64;
}

/* Everything is written anew: only those that the layout names are still whole. */
static void
write_shard(const struct run *run, struct holders *holders, const struct placement_shard *shard)
{
	struct holders whole = {{0}};

	must_hold(run, shard->current == PLACEMENT_NONE || holds(holders, shard->current));
	if (shard->current != PLACEMENT_NONE)
		hold(&whole, shard->current);
	if (shard->next != PLACEMENT_NONE && holds(holders, shard->next))
		hold(&whole, shard->next);
	*holders = whole;
}

static void
check_object(struct run *run, struct object *followed)
{
	struct placement_object object;

	assert_int_equal(placement_open(run->placement, followed->id, &object), 0);
	for (uint32_t i = 0; i < followed->group_count; i++) {
		uint32_t before[PLACEMENT_GROUP_MAX], after[PLACEMENT_GROUP_MAX];
		struct placement_shard shards[PLACEMENT_GROUP_MAX];
		uint32_t group = followed->groups[i];

		placement_place(run->placement, PLACEMENT_BEFORE, &object, group, before);
		placement_place(run->placement, PLACEMENT_AFTER, &object, group, after);
		placement_layout(run->placement, &object, group, shards);
		check_places(run, PLACEMENT_BEFORE, object.size, before);
		check_places(run, PLACEMENT_AFTER, object.size, after);
		check_moves(run, &object, group, before, after);
		for (uint32_t slot = 0; slot < object.size; slot++)
			write_shard(run, &followed->holders[i][slot], &shards[slot]);
	}
}

/* What moves has moved. */
static void
fill_object(struct run *run, struct object *followed)
{
	struct placement_object object;
	struct placement_shard shards[PLACEMENT_GROUP_MAX];

	assert_int_equal(placement_open(run->placement, followed->id, &object), 0);
	for (uint32_t i = 0; i < followed->group_count; i++) {
		placement_layout(run->placement, &object, followed->groups[i], shards);
		for (uint32_t slot = 0; slot < object.size; slot++)
			hold(&followed->holders[i][slot], shards[slot].next);
	}
}

/* A new object on a map on which nothing moves. */
static void
object_draw(struct run *run, struct object *followed)
{
	static const uint8_t classes[] = {1, 8, 9, 10, 12, 13, 15, 20, 32, 33, 35, 37, 39, 42};
	struct placement_shard shards[PLACEMENT_GROUP_MAX];
	struct placement_object object;
	uint32_t class, groups;

	do
		class = classes[draw(run, ARRAY_SIZE(classes))];
	while (placement_groups_choose(run->placement, class,
				       draw(run, 2) == 0 ? PLACEMENT_GROUPS_ALL
							 : 1 + (uint32_t)draw(run, 9),
				       &groups) != 0);
	followed->id = (struct object_id){.lo = draw(run, UINT64_MAX),
					  .hi = (uint64_t) class << 48 | (uint64_t)groups << 32};
	assert_int_equal(placement_open(run->placement, followed->id, &object), 0);
	followed->group_count = min_of(GROUPS, groups);
	followed->holders = calloc(GROUPS, sizeof(*followed->holders));
	assert_non_null(followed->holders);
	for (uint32_t i = 0; i < followed->group_count; i++) {
		followed->groups[i] = (uint32_t)draw(run, groups);
		placement_layout(run->placement, &object, followed->groups[i], shards);
		for (uint32_t slot = 0; slot < object.size; slot++)
			hold(&followed->holders[i][slot], shards[slot].current);
	}
}

/* ------------------------------------------------ changes */

static struct map_address
address_draw(struct run *run)
{
	uint32_t target = (uint32_t)draw(run, run->map.target_count);
	bool all = draw(run, 4) == 0;

	return (struct map_address){pool_map_rank(&run->map, target),
				    all ? MAP_NONE : run->map.targets[target].index};
}

/* Whether some target began to move in the map's own version. */
static bool
moves_newly(const struct run *run)
{
	for (uint32_t i = 0; i < run->map.target_count; i++) {
		const struct map_target *target = &run->map.targets[i];

		if (target->changed == run->map.version &&
		    (target->state == TARGET_DOWN || target->state == TARGET_UP ||
		     target->state == TARGET_DRAIN))
			return true;
	}
	return false;
}

static void
finish(struct run *run)
{
	uint32_t version = run->map.version;

	if (pool_map_pending(&run->map) && draw(run, 4) == 0) {
		bool newly = moves_newly(run);
		int rc = pool_map_finish(&run->map, version - 1);

		must_hold(run, rc == (newly ? -DER_STALE : 0));
		if (rc)
			return;
	} else {
		assert_int_equal(pool_map_finish(&run->map, version), 0);
	}
	for (uint32_t i = 0; i < OBJECTS; i++)
		fill_object(run, &run->objects[i]);
}

static void
extend(struct run *run)
{
	struct map_engine engines[40];
	uint32_t count;

	if (run->map.target_count > TARGETS_MAX - 400)
		return;
	count = engines_draw(run, engines, draw(run, 2) == 0 ? 1 : 20);
	assert_int_equal(pool_map_extend(&run->map, engines, count), 0);
	for (uint32_t i = 0; i < count; i++) {
		struct map_address all = {engines[i].rank, MAP_NONE};

		assert_int_equal(pool_map_reintegrate(&run->map, &all, 1), 0);
	}
}

/* One target stays in, so that a layout always exists. */
static bool
leaves_something(const struct run *run, const struct pool_map *map)
{
	(void)run;
	for (uint32_t i = 0; i < map->target_count; i++)
		if (map->targets[i].state == TARGET_UPIN)
			return true;
	return false;
}

static void
change(struct run *run)
{
	struct map_address address = address_draw(run);
	struct pool_map tried;
	int rc = 0;

	copy_map(run, &tried);
	switch (draw(run, 8)) {
	case 0:
	case 1:
		rc = pool_map_exclude(&tried, &address, 1);
		break;
	case 2:
		rc = pool_map_drain(&tried, &address, 1);
		break;
	case 3:
	case 4:
		rc = pool_map_reintegrate(&tried, &address, 1);
		break;
	case 5:
		rc = pool_map_revert(&tried, &address, 1);
		break;
	case 6:
		if (draw(run, 8) == 0)
			extend(run);
		break;
	default:
		finish(run);
		break;
	}
	must_hold(run, rc == 0 || rc == -DER_BUSY || rc == -DER_INVAL);
	if (rc == 0 && tried.target_count == run->map.target_count &&
	    tried.version == run->map.version + 1 && leaves_something(run, &tried)) {
		pool_map_free(&run->map);
		run->map = tried;
	} else {
		pool_map_free(&tried);
	}
}

/* ------------------------------------------------ whole histories */

/* One number for the layouts of all objects. */
static uint64_t
layouts_hash(const struct run *run, const struct pool_map *map)
{
	struct placement *placement;
	uint64_t sum = 0;

	assert_int_equal(placement_create(run->arena, map, &run->options, &placement), 0);
	for (uint32_t i = 0; i < OBJECTS; i++) {
		struct placement_object object;
		uint32_t targets[PLACEMENT_GROUP_MAX];

		assert_int_equal(placement_open(placement, run->objects[i].id, &object), 0);
		for (uint32_t group = 0; group < min_of(object.groups, 8u); group++) {
			placement_place(placement, PLACEMENT_AFTER, &object, group, targets);
			for (uint32_t slot = 0; slot < object.size; slot++)
				sum = hash_combine(sum, targets[slot]);
		}
	}
	placement_destroy(placement);
	return sum;
}

static void
exclude_one(const struct run *run, struct pool_map *map, uint32_t target)
{
	struct map_address address = {pool_map_rank(&run->map, target),
				      run->map.targets[target].index};

	assert_int_equal(pool_map_exclude(map, &address, 1), 0);
}

/* Failures in either order, with or without a rebuild between them, end in the same layout; when
 * all are back, it is what it was. */
static void
check_history(struct run *run)
{
	struct pool_map forth, back;
	uint32_t failed[6], count = 1 + (uint32_t)draw(run, ARRAY_SIZE(failed));
	uint64_t healthy = layouts_hash(run, &run->map);

	copy_map(run, &forth);
	copy_map(run, &back);
	for (uint32_t i = 0; i < count; i++) {
		do
			failed[i] = (uint32_t)draw(run, run->map.target_count);
		while (run->map.targets[failed[i]].state != TARGET_UPIN);
		exclude_one(run, &forth, failed[i]);
	}
	for (uint32_t i = count; i-- > 0;) {
		exclude_one(run, &back, failed[i]);
		if (draw(run, 2) == 0)
			assert_int_equal(pool_map_finish(&back, back.version), 0);
	}
	if (leaves_something(run, &forth)) {
		must_hold(run, layouts_hash(run, &forth) == layouts_hash(run, &back));
		assert_int_equal(pool_map_finish(&back, back.version), 0);
		for (uint32_t i = 0; i < count; i++) {
			struct map_address address = {pool_map_rank(&run->map, failed[i]),
						      run->map.targets[failed[i]].index};

			assert_int_equal(pool_map_reintegrate(&back, &address, 1), 0);
		}
		must_hold(run, layouts_hash(run, &back) == healthy);
		assert_int_equal(pool_map_finish(&back, back.version), 0);
		must_hold(run, layouts_hash(run, &back) == healthy);
	}
	pool_map_free(&forth);
	pool_map_free(&back);
}

static void
run_init(struct run *run, uint64_t seed)
{
	struct map_engine engines[40];

	memset(run, 0, sizeof(*run));
	run->seed = run->state = seed;
	run->arena = arena_create(0);
	assert_non_null(run->arena);
	run->levels[MAP_GROUP] = draw(run, 4) == 0;
	run->levels[MAP_RACK] = draw(run, 2) == 0;
	run->levels[MAP_NODE] = draw(run, 4) != 0;
	run->options = (struct placement_options){.version = PLACEMENT_VERSION_NEWEST,
						  .replica_affinity = (uint32_t)draw(run, 4),
						  .erasure_affinity = (uint32_t)draw(run, 4)};
	assert_int_equal(
		pool_map_create(run->arena, engines, engines_draw(run, engines, 40), &run->map), 0);
	compile(run);
	for (uint32_t i = 0; i < OBJECTS; i++)
		object_draw(run, &run->objects[i]);
}

static void
run_fini(struct run *run)
{
	for (uint32_t i = 0; i < OBJECTS; i++)
		free(run->objects[i].holders);
	arena_destroy(run->arena);
}

static void
run_one(uint64_t seed)
{
	static struct run run;

	run_init(&run, seed);
	for (uint32_t step = 0; step < 40; step++, steps_done++) {
		change(&run);
		compile(&run);
		count_alive(&run);
		for (uint32_t i = 0; i < OBJECTS; i++)
			check_object(&run, &run.objects[i]);
		if (pool_map_pending(&run.map))
			continue;
		check_encoding(&run);
		check_history(&run);
		if (placement_targets(run.placement) == 0)
			continue;
		free(run.objects[step % OBJECTS].holders);
		object_draw(&run, &run.objects[step % OBJECTS]);
	}
	run_fini(&run);
}

static void
test_random(void **state)
{
	const char *seconds = getenv("CAIRN_TEST_SECONDS"), *fresh = getenv("CAIRN_SEED");
	const char *longer = getenv("CAIRN_LONG");
	uint64_t seed = fresh ? strtoull(fresh, NULL, 0) : 1;
	time_t limit = seconds ? atol(seconds) : longer && longer[0] == '1' ? 40 : 4;
	time_t end = time(NULL) + (limit > 1 ? limit - 1 : 1);
	uint64_t runs = 0;

	(void)state;
	do
		run_one(seed + runs++);
	while (time(NULL) < end);
	print_message("%llu maps, %llu steps\n", (unsigned long long)runs,
		      (unsigned long long)steps_done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
