/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The pool map: every change of every state, refusals, the encoding and its golden file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "placement/placement.h"

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

static struct map_engine
engine(uint32_t rank, uint32_t targets)
{
	return (struct map_engine){rank, targets, MAP_NONE, rank / 2, rank};
}

static void
make_map(struct pool_map *map)
{
	struct map_engine engines[] = {engine(0, 2), engine(1, 2), engine(2, 2), engine(5, 2)};

	assert_int_equal(pool_map_create(arena, engines, ARRAY_SIZE(engines), map), 0);
}

static void
test_creation(void **state)
{
	struct pool_map map;

	(void)state;
	make_map(&map);
	assert_int_equal(map.version, 1);
	assert_int_equal(map.target_count, 8);
	/* The root, racks 0, 1 and 2, and a node and a rank for each engine. */
	assert_int_equal(map.domain_count, 1 + 3 + 4 + 4);
	assert_int_equal(pool_map_find(&map, (struct map_address){5, 1}), 7);
	assert_int_equal(pool_map_find(&map, (struct map_address){5, MAP_NONE}), 6);
	assert_int_equal(pool_map_find(&map, (struct map_address){5, 2}), MAP_NONE);
	assert_int_equal(pool_map_rank(&map, 6), 5);
	assert_false(pool_map_pending(&map));
	pool_map_free(&map);
}

/* Every level, and nothing shared: as many domains as there can be. */
static void
test_all_levels(void **state)
{
	struct map_engine engines[] = {{0, 1, 0, 0, 0}, {1, 1, 1, 1, 1}};
	struct pool_map map;

	(void)state;
	for (uint32_t count = 1; count <= 2; count++) {
		assert_int_equal(pool_map_create(arena, engines, count, &map), 0);
		assert_int_equal(map.domain_count, 1 + 4 * count);
		pool_map_free(&map);
	}
}

static void
test_refused_engines(void **state)
{
	struct map_engine twice[] = {engine(1, 2), engine(1, 2)};
	struct map_engine other[] = {engine(1, 2), {2, 2, MAP_NONE, MAP_NONE, 2}};
	struct map_engine none = engine(1, 0), wide = engine(1, MAP_RANK_TARGETS_MAX + 1);
	struct map_engine known = engine(5, 1), flat = {9, 1, MAP_NONE, MAP_NONE, MAP_NONE};
	struct pool_map map;

	(void)state;
	assert_int_equal(pool_map_create(arena, twice, 2, &map), -DER_EXIST);
	assert_int_equal(pool_map_create(arena, other, 2, &map), -DER_INVAL);
	assert_int_equal(pool_map_create(arena, &none, 1, &map), -DER_INVAL);
	assert_int_equal(pool_map_create(arena, &wide, 1, &map), -DER_INVAL);
	assert_int_equal(pool_map_create(arena, twice, 0, &map), -DER_INVAL);
	make_map(&map);
	assert_int_equal(pool_map_extend(&map, &known, 1), -DER_EXIST);
	assert_int_equal(pool_map_extend(&map, &flat, 1), -DER_INVAL);
	assert_int_equal(map.version, 1);
	assert_int_equal(map.target_count, 8);
	pool_map_free(&map);
}

/* Every allocation fails once: nothing leaks, nothing changes. */
static void
test_no_memory(void **state)
{
	struct map_engine more[] = {engine(7, 2)};
	struct pool_map map;
	int rc = -DER_NOMEM;

	(void)state;
	make_map(&map);
	for (uint64_t n = 1; rc == -DER_NOMEM; n++) {
		uint64_t used = arena_used(arena);

		arena_fail_at(arena, n);
		rc = pool_map_extend(&map, more, 1);
		arena_fail_at(arena, 0);
		if (rc)
			assert_int_equal(arena_used(arena), used);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(map.target_count, 10);
	pool_map_free(&map);
}

/* ------------------------------------------------ states */

enum verb { EXCLUDE, DRAIN, REINTEGRATE, REVERT, FINISH, VERBS };

static int
run_verb(struct pool_map *map, enum verb verb)
{
	static int (*const verbs[])(struct pool_map * map, const struct map_address *which,
				    uint32_t count) = {pool_map_exclude, pool_map_drain,
						       pool_map_reintegrate, pool_map_revert};
	struct map_address address = {1, 0};

	return verb == FINISH ? pool_map_finish(map, map->version) : verbs[verb](map, &address, 1);
}

/* The verbs that lead to a state, and what each verb makes of it: a state or an error. */
static void
test_states(void **state)
{
	static const struct {
		int way[4]; /* verbs, -1 ends */
		int outcomes[VERBS];
	} rows[] = {
		/* UPIN */
		{{-1}, {TARGET_DOWN, TARGET_DRAIN, TARGET_UPIN, TARGET_UPIN, TARGET_UPIN}},
		/* DOWN */
		{{EXCLUDE, -1}, {TARGET_DOWN, TARGET_DOWN, TARGET_UP, -DER_BUSY, TARGET_DOWNOUT}},
		/* DOWNOUT */
		{{EXCLUDE, FINISH, -1},
		 {TARGET_DOWNOUT, TARGET_DOWNOUT, TARGET_UP, TARGET_DOWNOUT, TARGET_DOWNOUT}},
		/* DRAIN */
		{{DRAIN, -1}, {TARGET_DOWN, TARGET_DRAIN, -DER_BUSY, TARGET_UPIN, TARGET_DOWNOUT}},
		/* UP from DOWNOUT */
		{{EXCLUDE, FINISH, REINTEGRATE, -1},
		 {TARGET_DOWNOUT, -DER_BUSY, TARGET_UP, TARGET_DOWNOUT, TARGET_UPIN}},
		/* UP from DOWN: what it held is nowhere else yet */
		{{EXCLUDE, REINTEGRATE, -1},
		 {TARGET_DOWN, -DER_BUSY, TARGET_UP, TARGET_DOWN, TARGET_UPIN}},
	};

	(void)state;
	for (uint32_t row = 0; row < ARRAY_SIZE(rows); row++) {
		for (int verb = 0; verb < VERBS; verb++) {
			struct pool_map map;
			int outcome = rows[row].outcomes[verb];
			enum target_state before;
			uint32_t version;

			make_map(&map);
			for (uint32_t i = 0; rows[row].way[i] >= 0; i++)
				assert_int_equal(run_verb(&map, (enum verb)rows[row].way[i]), 0);
			before = map.targets[2].state;
			version = map.version;
			assert_int_equal(run_verb(&map, (enum verb)verb), min_of(outcome, 0));
			if (outcome > 0)
				assert_int_equal(map.targets[2].state, outcome);
			else
				assert_int_equal(map.targets[2].state, before);
			assert_int_equal(map.version, version + (map.targets[2].state != before));
			/* No other target moved. */
			assert_int_equal(map.targets[3].state, TARGET_UPIN);
			pool_map_free(&map);
		}
	}
}

static void
test_extension(void **state)
{
	struct map_engine more = engine(7, 2);
	struct map_address all = {7, MAP_NONE};
	struct pool_map map;

	(void)state;
	make_map(&map);
	assert_int_equal(pool_map_extend(&map, &more, 1), 0);
	assert_int_equal(map.version, 2);
	assert_int_equal(map.targets[9].state, TARGET_NEW);
	assert_int_equal(pool_map_drain(&map, &all, 1), -DER_BUSY);
	assert_int_equal(pool_map_revert(&map, &all, 1), -DER_INVAL);
	assert_int_equal(pool_map_reintegrate(&map, &all, 1), 0);
	assert_int_equal(map.targets[9].in_version, 3);
	/* It never came in, so it leaves no trace in layouts. */
	assert_int_equal(pool_map_exclude(&map, &all, 1), 0);
	assert_int_equal(map.targets[9].state, TARGET_DOWNOUT);
	assert_int_equal(map.targets[9].in_version, 0);
	assert_int_equal(pool_map_reintegrate(&map, &all, 1), 0);
	assert_int_equal(pool_map_finish(&map, map.version), 0);
	assert_int_equal(map.targets[8].state, TARGET_UPIN);
	assert_int_equal(map.targets[8].in_version, 5);
	assert_true(map.targets[8].member);
	pool_map_free(&map);
}

static void
test_stale_finish(void **state)
{
	struct map_address first = {0, 0}, second = {2, 1}, unknown = {3, 0};
	struct map_address both[] = {{2, 0}, {3, 0}};
	struct pool_map map;

	(void)state;
	make_map(&map);
	assert_int_equal(pool_map_exclude(&map, &first, 1), 0);
	assert_int_equal(pool_map_drain(&map, &second, 1), 0);
	assert_int_equal(map.version, 3);
	assert_int_equal(map.targets[0].failure, 2);
	assert_int_equal(map.targets[5].failure, 3);
	assert_int_equal(pool_map_finish(&map, 2), -DER_STALE);
	assert_int_equal(pool_map_finish(&map, 4), -DER_INVAL);
	assert_int_equal(pool_map_exclude(&map, &unknown, 1), -DER_NONEXIST);
	assert_int_equal(pool_map_exclude(&map, both, 2), -DER_NONEXIST);
	assert_int_equal(map.version, 3);
	assert_int_equal(map.targets[4].state, TARGET_UPIN);
	assert_int_equal(pool_map_finish(&map, 3), 0);
	assert_int_equal(map.version, 4);
	assert_false(pool_map_pending(&map));
	pool_map_free(&map);
}

/* ------------------------------------------------ encoding */

/* A map with a target in each state. */
static void
make_golden_map(struct pool_map *map)
{
	struct map_engine more[] = {engine(6, 2), engine(9, 1)};
	struct map_address down = {0, 1}, out = {1, 0}, drain = {2, 0}, up = {6, MAP_NONE},
			   again = {1, 1};

	make_map(map);
	assert_int_equal(pool_map_exclude(map, &out, 1), 0);
	assert_int_equal(pool_map_finish(map, map->version), 0);
	assert_int_equal(pool_map_extend(map, more, 2), 0);
	assert_int_equal(pool_map_exclude(map, &down, 1), 0);
	assert_int_equal(pool_map_drain(map, &drain, 1), 0);
	assert_int_equal(pool_map_reintegrate(map, &up, 1), 0);
	assert_int_equal(pool_map_exclude(map, &again, 1), 0);
	assert_int_equal(pool_map_reintegrate(map, &again, 1), 0);
}

static size_t
encode(const struct pool_map *map, uint8_t *bytes, size_t size)
{
	struct writer writer;

	writer_init(&writer, bytes, size);
	pool_map_encode(map, &writer);
	assert_false(writer.failed);
	assert_int_equal(writer.position, pool_map_size(map));
	return writer.position;
}

static int
decode(const uint8_t *bytes, size_t size, struct pool_map *ret_map)
{
	struct reader reader;

	reader_init(&reader, bytes, size);
	return pool_map_decode(&reader, arena, ret_map);
}

/* Bytes in rows of hexadecimal digits; CAIRN_GOLDEN_WRITE writes the file of a new version. */
static void
test_golden(void **state)
{
	const char *path = CAIRN_GOLDEN_DIR "/placement-map-1.txt";
	FILE *file = fopen(path, getenv("CAIRN_GOLDEN_WRITE") ? "w" : "r");
	char line[128], expected[128];
	uint8_t bytes[1024];
	struct pool_map map;
	size_t size;

	(void)state;
	assert_non_null(file);
	make_golden_map(&map);
	size = encode(&map, bytes, sizeof(bytes));
	for (size_t at = 0; at < size; at += 16) {
		size_t length = (size_t)snprintf(line, sizeof(line), "%06zx ", at);

		for (size_t i = at; i < size && i < at + 16; i++)
			length += (size_t)snprintf(line + length, sizeof(line) - length, " %02x",
						   bytes[i]);
		snprintf(line + length, sizeof(line) - length, "\n");
		if (getenv("CAIRN_GOLDEN_WRITE")) {
			fputs(line, file);
			continue;
		}
		assert_non_null(fgets(expected, sizeof(expected), file));
		assert_string_equal(line, expected);
	}
	fclose(file);
	pool_map_free(&map);
}

static void
seal(uint8_t *bytes, size_t size)
{
	store_u32(bytes + 8, crc32c(0, bytes + 12, size - 12));
}

/* A change of any byte is refused; with the sum made right, whatever is accepted encodes to the
 * same bytes. */
static void
test_damage(void **state)
{
	uint8_t bytes[1024], again[1024];
	struct pool_map map, decoded;
	size_t size;

	(void)state;
	make_golden_map(&map);
	size = encode(&map, bytes, sizeof(bytes));
	assert_int_equal(decode(bytes, size, &decoded), 0);
	pool_map_free(&decoded);
	for (size_t length = 0; length < size; length++)
		assert_int_equal(decode(bytes, length, &decoded), -DER_PROTO);
	for (size_t i = 0; i < size; i++) {
		for (int bit = 0; bit < 8; bit++) {
			int rc;

			bytes[i] ^= (uint8_t)(1 << bit);
			rc = decode(bytes, size, &decoded);
			assert_true(rc == -DER_CSUM || rc == -DER_PROTO);
			seal(bytes, size);
			if (decode(bytes, size, &decoded) == 0) {
				assert_int_equal(encode(&decoded, again, sizeof(again)), size);
				assert_memory_equal(again, bytes, size);
				pool_map_free(&decoded);
			}
			bytes[i] ^= (uint8_t)(1 << bit);
			seal(bytes, size);
		}
	}
	pool_map_free(&map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_creation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_engines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extension, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_finish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
