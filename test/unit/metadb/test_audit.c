/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The audit of a metadata store: what proposals leave behind, and damage of each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "env/memory/memory.h"
#include "media/private.h"

#include "metadb/metadb.h"

#define KEYS 120u
#define ROOT_COUNTER 16u /* offsets in the root: of the counter, of the tree of keys */
#define ROOT_KEYS 24u

struct bed {
	struct loop *loop;
	struct media *media;
	struct metadb *metadb;
};

static int
key_put(struct bed *bed, uint32_t number, uint32_t length, bool remove)
{
	static char value[5000];
	char key[40];
	struct metadb_write write = {.value = {value, length}, .remove = remove};
	struct metadb_proposal proposal = {.writes = &write, .write_count = 1};

	/* Many begin with the same 8 bytes. */
	snprintf(key, sizeof(key), "key.%s%u", number % 3 == 0 ? "of.one.kind." : "", number);
	write.key = metadb_text(key);
	return metadb_propose(bed->metadb, &proposal, NULL);
}

static struct heap *
bed_heap(const struct bed *bed)
{
	return list_entry(list_first(&bed->media->heaps), struct heap, link);
}

static void
damage(struct bed *bed, uint64_t offset, uint64_t value, size_t length, const char *words)
{
	uint8_t *place = bed_heap(bed)->zones[0]->image + offset;
	uint64_t before = 0, keys;
	int rc;

	memcpy(&before, place, length);
	memcpy(place, &value, length);
	rc = metadb_audit(bed->metadb, &keys);
	if (rc != -DER_IO || !strstr(error_text(rc), words))
		fprintf(stderr, "wanted \"%s\", got: %s\n", words, error_text(rc));
	assert_int_equal(rc, -DER_IO);
	assert_non_null(strstr(error_text(rc), words));
	memcpy(place, &before, length);
	assert_int_equal(metadb_audit(bed->metadb, &keys), 0);
}

/* The first record of the tree, which is some levels high. */
static uint64_t
first_record(struct bed *bed)
{
	static const struct btree_kind kind = {
		.name = "keys", .id = 0x6d, .record_size = 32, .node_records = 24};
	struct btree_cursor cursor;
	struct pin pin;

	pin_init(&pin, bed_heap(bed));
	assert_int_equal(btree_first(&pin, &kind, heap_root(bed_heap(bed)) + ROOT_KEYS, &cursor),
			 0);
	pin_fini(&pin);
	return cursor.record;
}

static int
audit_body(void *argument)
{
	static const struct media_options options = {.log_size = 4 << 20};
	static const struct metadb_options store = {.size = 16 << 20, .thin = true};
	struct bed *bed = argument;
	uint64_t keys, record, root;

	assert_int_equal(media_format(bed->loop, "log", &options), 0);
	assert_int_equal(media_open(bed->loop, "log", &options, &bed->media), 0);
	assert_int_equal(media_start(bed->media), 0);
	assert_int_equal(metadb_create(bed->media, "store", &store), 0);
	assert_int_equal(metadb_open(bed->media, "store", &bed->metadb), 0);
	assert_int_equal(metadb_audit(bed->metadb, &keys), 0);
	assert_int_equal(keys, 0);
	for (uint32_t i = 0; i < KEYS; i++)
		assert_int_equal(key_put(bed, i, i * 40, false), 0);
	for (uint32_t i = 0; i < KEYS; i += 2)
		assert_int_equal(key_put(bed, i, i % 4 == 0 ? 10 : 0, i % 6 == 0), 0);
	assert_int_equal(metadb_audit(bed->metadb, &keys), 0);
	assert_int_equal(keys, KEYS - KEYS / 6);
	root = heap_root(bed_heap(bed));
	record = first_record(bed);
	damage(bed, root + ROOT_COUNTER, 3, 8, "impossible record");
	damage(bed, root + ROOT_KEYS + 8, 3, 8, "counts 3 records");
	damage(bed, record, heap_root(bed_heap(bed)), 8, "outside");
	damage(bed, record + 8, record, 8, "held and");
	damage(bed, record + 16, 0, 8, "impossible record");
	damage(bed, record + 24, 4000, 4, "held and");
	damage(bed, record + 30, 7, 1, "bad record");
	metadb_close(bed->metadb);
	return media_close(bed->media);
}

static void
audit(void **state)
{
	const struct memory_env_options options = {.node = "node", .level = LOG_ERROR};
	struct memory_world *world;
	struct env *env;
	struct bed bed = {0};

	(void)state;
	assert_int_equal(memory_world_create(1, &world), 0);
	assert_int_equal(memory_env_create(world, &options, &env), 0);
	assert_int_equal(loop_create(env, NULL, &bed.loop), 0);
	assert_int_equal(memory_run(world, bed.loop, audit_body, &bed), 0);
	loop_destroy(bed.loop);
	memory_env_destroy(env);
	memory_world_destroy(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(audit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
