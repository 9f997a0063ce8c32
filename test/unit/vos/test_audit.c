/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The audit of a store: it accepts what changes leave behind, and finds each kind of damage. */
#include "bench.h"
#include "media/private.h"
#include "vos/private.h"

/* ------------------------------------------------ help */

static void
audit_accepts(struct stand *stand)
{
	struct vos_audit audit;

	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
}

/* Bytes of the heap, to be damaged. */
static void *
raw(struct stand *stand, uint64_t offset)
{
	struct zone *zone = stand->heap->zones[offset / HEAP_ZONE];

	CHECK(zone && zone->stage == ZONE_LOADED);
	return zone->image + offset % HEAP_ZONE;
}

/* The nth record of a tree. */
static uint64_t
record_at(struct stand *stand, uint32_t tree, uint64_t root, uint32_t number)
{
	struct btree_cursor cursor;
	struct pin pin;

	pin_init(&pin, stand->heap);
	CHECK_EQUAL(btree_first(&pin, &tree_kinds[tree], root, &cursor), 0);
	while (number-- > 0)
		CHECK_EQUAL(btree_next(&pin, &tree_kinds[tree], root, &cursor), 0);
	pin_fini(&pin);
	return cursor.record;
}

/* ------------------------------------------------ what changes leave behind */

/* Two objects: values large and small, single and array, with histories, punches and long keys. */
static void
fill(struct stand *stand)
{
	struct vos_object object = plain_object(0), lexical = plain_object(7);
	struct vos_change change = {.epoch = 10};
	static char name[400];

	memset(name, 'n', sizeof(name) - 1);
	for (uint32_t i = 0; i < 40; i++) {
		char dkey[16];

		snprintf(dkey, sizeof(dkey), "dkey%u", i);
		change.epoch++;
		CHECK_EQUAL(store_put(stand, &object, dkey, "a", 1, 10 + i, &change), 0);
		CHECK_EQUAL(store_put(stand, &lexical, dkey, name, 1, 5000 + i, &change), 0);
	}
	change.epoch = 100;
	CHECK_EQUAL(store_put(stand, &object, "dkey0", "a", 1, 20, &change), 0);
	CHECK_EQUAL(put_extent(stand, &object, "array", (struct vos_extent){0, 9000}, 1, 110), 0);
	CHECK_EQUAL(put_extent(stand, &object, "array", (struct vos_extent){100, 50}, 2, 120), 0);
	CHECK_EQUAL(put_extent(stand, &object, "array", (struct vos_extent){300, 50}, 2, 130), 0);
}

static int
accepts_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_key dkey = text_key("dkey3");
	struct vos_change change = {.epoch = 200};
	struct vos_audit audit;
	uint64_t group;

	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.containers, 1);
	CHECK_EQUAL(audit.objects, 0);
	fill(stand);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.objects, 2);
	CHECK_EQUAL(audit.dkeys, 81);
	CHECK_EQUAL(audit.akeys, 81);
	/* 5 parts of the array, 2 of them also in the history. */
	CHECK_EQUAL(audit.extents, 40 + 1 + 40 + 5 + 2);
	CHECK_EQUAL(audit.values, 40 + 1 + 40 + 3);
	CHECK_EQUAL(audit.data_blocks, 2 * 40 + 3);
	CHECK_EQUAL(audit.stale, 1);
	CHECK_EQUAL(put_extent(stand, &object, "array", (struct vos_extent){310, 10}, 3, 140), 0);
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &dkey, 1, &change, &group), 0);
	change.epoch++;
	CHECK_EQUAL(store_put(stand, &object, "dkey3", "b", 1, 10, &change), 0);
	change.epoch++;
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK(vos_collect(stand->vos, 500, 3) > 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK(audit.dead > 0);
	/* Each step of taking the rest apart leaves a store that holds together. */
	CHECK_EQUAL(vos_container_destroy(stand->vos, container_name(), &group), 0);
	CHECK_EQUAL(vos_container_create(stand->vos, container_name(), &group), 0);
	while (vos_collect(stand->vos, 900, 1) > 0)
		audit_accepts(stand);
	empty_body(stand);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.extents + audit.objects + audit.containers + audit.data_blocks, 0);
	return 0;
}

static void
accepts(void **state)
{
	(void)state;
	stand_test(accepts_body);
}

/* ------------------------------------------------ damage */

/* Where things are in a filled store. */
struct places {
	uint64_t root, container, object, dkey, akey, extent, history, version, blob, data_blob;
};

static void
places_find(struct stand *stand, struct places *places)
{
	const struct container_record *container;
	const struct extent_record *extent;
	struct vos_object object = plain_object(0), lexical = plain_object(7);
	struct ordered_key key;
	struct btree_cursor cursor;
	uint64_t root = stand->vos->root, akey;
	struct pin pin;

	pin_init(&pin, stand->heap);
	places->root = root;
	places->container = record_at(stand, TREE_CONTAINERS,
				      root + offsetof(struct store_root, containers), 0);
	container = raw(stand, places->container);
	object_order(&object, &key);
	CHECK_EQUAL(btree_find(&pin, key.kind, container->root + 8, key.order, &key, BTREE_EQUAL,
			       &cursor),
		    0);
	places->object = cursor.record;
	CHECK_EQUAL(dkey_order(&object, text_key("array"), &key), 0);
	CHECK_EQUAL(btree_find(&pin, key.kind, children_of(places->object), key.order, &key,
			       BTREE_EQUAL, &cursor),
		    0);
	places->dkey = cursor.record;
	akey = record_at(stand, TREE_AKEYS_HASHED, children_of(places->dkey), 0);
	places->akey = akey;
	places->extent = record_at(stand, TREE_EXTENTS,
				   akey + offsetof(struct akey_record, value.array.extents), 2);
	places->history = record_at(stand, TREE_HISTORY, children_of(akey), 0);
	places->version = record_at(stand, TREE_VERSIONS,
				    places->history + offsetof(struct history_record, versions), 0);
	extent = raw(stand, places->extent);
	places->blob = extent->blob;
	object_order(&lexical, &key);
	CHECK_EQUAL(btree_find(&pin, key.kind, container->root + 8, key.order, &key, BTREE_EQUAL,
			       &cursor),
		    0);
	akey = record_at(stand, TREE_DKEYS_LEXICAL, children_of(cursor.record), 0);
	akey = record_at(stand, TREE_AKEYS_LEXICAL, children_of(akey), 0);
	places->data_blob = ((struct akey_record *)raw(stand, akey))->value.newest.blob;
	pin_fini(&pin);
}

/* The audit finds bytes changed at offset, and says so in these words. */
static void
damage(struct stand *stand, uint64_t offset, const void *bytes, size_t length, const char *words)
{
	uint8_t *place = raw(stand, offset), before[64];
	struct vos_audit audit;
	int rc;

	CHECK(length <= sizeof(before) && memcmp(place, bytes, length) != 0);
	memcpy(before, place, length);
	memcpy(place, bytes, length);
	rc = vos_audit(stand->vos, &audit);
	if (rc != -DER_IO || !strstr(error_text(rc), words)) {
		fprintf(stderr, "wanted \"%s\", got %s: %s\n", words, error_name(rc),
			error_text(rc));
		abort();
	}
	memcpy(place, before, length);
	audit_accepts(stand);
}

#define DAMAGE(offset, type, value, words) \
	damage(stand, (offset), &(type){value}, sizeof(type), (words))
#define AT(base, structure, member) ((base) + offsetof(struct structure, member))

static void
damage_tree(struct stand *stand, const struct places *places)
{
	uint64_t root = children_of(places->object), top, leaf;
	const uint64_t *branches;

	top = *(const uint64_t *)raw(stand, root);
	branches = raw(stand, top + 32);
	leaf = branches[3];
	CHECK_EQUAL(((const struct btree_root *)raw(stand, root))->depth, 2);
	DAMAGE(root + 8, uint64_t, 40, "counts 40 records");
	DAMAGE(root + 16, uint8_t, 1, "no node of this tree");
	DAMAGE(root + 16, uint8_t, 7, "impossible");
	DAMAGE(root, uint64_t, 0, "impossible");
	DAMAGE(root, uint64_t, UINT64_C(1) << 50, "impossible");
	DAMAGE(top + 2, uint8_t, 9, "no node of this tree");
	DAMAGE(top + 6, uint16_t, 60, "held and");
	DAMAGE(top + 32 + 16 + 8, uint64_t, leaf + 32, "no node of this tree");
	DAMAGE(top + 32 + 16 + 8, uint64_t, branches[1], "held twice");
	DAMAGE(top + 32 + 16, uint64_t, UINT64_MAX, "branch");
	DAMAGE(leaf + 24, uint64_t, leaf, "chain");
	DAMAGE(leaf + 16, uint64_t, 0, "chain");
	DAMAGE(leaf + 8, uint64_t, 3, "no node");
	DAMAGE(leaf + 32, uint8_t, 200, "places");
}

static void
damage_entities(struct stand *stand, const struct places *places)
{
	DAMAGE(AT(places->container, container_record, root), uint64_t, places->blob,
	       "no container root");
	DAMAGE(AT(places->container, container_record, id), uint64_t, 77, "wrong place");
	DAMAGE(AT(places->object, entity, key.id), uint64_t, 8, "stands at");
	DAMAGE(AT(places->object, entity, flags), uint8_t, 0, "nothing leads");
	DAMAGE(AT(places->object, entity, flags), uint8_t, 9, "flags");
	DAMAGE(AT(places->dkey, entity, flags), uint8_t, 0, "nothing leads");
	DAMAGE(AT(places->akey, entity, flags), uint8_t, 0, "nothing leads");
	DAMAGE(AT(places->dkey, entity, life.punched), uint64_t, 500, "epochs");
	DAMAGE(AT(places->dkey, entity, life.created), uint64_t, 500, "epochs");
	DAMAGE(AT(places->dkey, entity, written), uint64_t, 500, "epochs");
	DAMAGE(AT(places->dkey, entity, life.older), uint64_t, places->blob, "held");
	DAMAGE(AT(places->dkey, entity, key_length), uint32_t, 4, "stands at");
	DAMAGE(AT(places->dkey, entity, key_length), uint32_t, 0, "key has 0 bytes");
	DAMAGE(AT(places->dkey, entity, key_length), uint32_t, 3000, "dkey");
	DAMAGE(AT(places->dkey, entity, hash), uint64_t, 1, "stands at");
	DAMAGE(AT(places->akey, entity, value), uint8_t, 3, "value type");
}

static void
damage_values(struct stand *stand, const struct places *places)
{
	DAMAGE(AT(places->extent, extent_record, count), uint64_t, 400, "overlap");
	DAMAGE(AT(places->extent, extent_record, count), uint64_t, 9000, "exceeds its value");
	DAMAGE(AT(places->extent, extent_record, count), uint64_t, 0, "impossible");
	DAMAGE(AT(places->extent, extent_record, epoch), uint64_t, 900, "epoch");
	DAMAGE(AT(places->extent, extent_record, blob), uint64_t, 0, "hole");
	DAMAGE(AT(places->extent, extent_record, flags), uint8_t, 1, "hole");
	DAMAGE(AT(places->version, extent_record, epoch), uint64_t, 3, "version");
	DAMAGE(AT(places->akey, akey_record, value.array.longest), uint64_t, 1, "longest");
	DAMAGE(AT(places->blob, blob, references), uint32_t, 6, "counts 6 references and has 5");
	DAMAGE(AT(places->blob, blob, references), uint32_t, 4, "counts 4 references and has more");
	DAMAGE(AT(places->blob, blob, references), uint32_t, 1, "held twice");
	DAMAGE(AT(places->blob, blob, length), uint32_t, 4000, "value");
	DAMAGE(AT(places->data_blob, blob, references), uint32_t, 2, "has 1");
}

static void
damage_heap(struct stand *stand, const struct places *places)
{
	struct heap *heap = stand->heap;
	struct zone *zone = heap->zones[0], *space = heap->zones[heap->heap_zones];
	struct btree_root none = {0};
	struct vos_audit audit;

	/* A tree that nobody refers to any more is lost, and so is a data block. */
	damage(stand, AT(places->dkey, entity, children), &none, sizeof(none), "held by nobody");
	space->image[DISK_BLOCK / 4] |= 0x80;
	CHECK_EQUAL(vos_audit(stand->vos, &audit), -DER_IO);
	CHECK(strstr(error_text(-DER_IO), "1 data blocks are taken and held by nobody"));
	space->image[DISK_BLOCK / 4] ^= 0x80;
	heap->pages_free++;
	CHECK_EQUAL(vos_audit(stand->vos, &audit), -DER_IO);
	CHECK(strstr(error_text(-DER_IO), "free pages"));
	heap->pages_free--;
	zone->free_count++;
	CHECK_EQUAL(vos_audit(stand->vos, &audit), -DER_IO);
	zone->free_count--;
	audit_accepts(stand);
}

static int
damages_body(void *argument)
{
	struct stand *stand = argument;
	struct places places;

	fill(stand);
	audit_accepts(stand);
	places_find(stand, &places);
	damage_tree(stand, &places);
	damage_entities(stand, &places);
	damage_values(stand, &places);
	damage_heap(stand, &places);
	return 0;
}

static void
damages(void **state)
{
	(void)state;
	stand_test(damages_body);
}

/* Whatever the bytes are, the audit ends and says something. */
static int
garbage_body(void *argument)
{
	struct stand *stand = argument;
	struct zone *zone;
	struct vos_audit audit;
	uint32_t found = 0, used = 0;

	fill(stand);
	zone = stand->heap->zones[0];
	while (zone_header(zone)->pages[used + 3].kind != PAGE_FREE)
		used++;
	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t random = mix64(i);
		/* One in sixteen times in the map of the zone itself. */
		uint32_t at = random % 16 == 0 ? 64 + (uint32_t)(random >> 8) % (24 * used)
					       : 2 * DISK_BLOCK + (uint32_t)(random >> 8) %
									  ((used + 1) * DISK_BLOCK);
		uint8_t before[8], *place = zone->image + at;

		memcpy(before, place, sizeof(before));
		if (random % 3 == 0)
			store_u64(place, mix64(random));
		else
			*place ^= (uint8_t)(1u << (random >> 60) % 8);
		found += vos_audit(stand->vos, &audit) != 0;
		memcpy(place, before, sizeof(before));
	}
	CHECK(found > 100);
	audit_accepts(stand);
	return 0;
}

static void
garbage(void **state)
{
	(void)state;
	stand_test(garbage_body);
}

/* Clients, the dead and the stale. */
static int
damages_lists_body(void *argument)
{
	struct stand *stand = argument;
	struct request_id request = {
		.client = uuid_make(5, 6), .sequence = 1, .confirmed = 1, .first_sent = 50};
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 300, .request = &request};
	uint64_t root = stand->vos->root, client, dead, stale, requests;

	fill(stand);
	CHECK_EQUAL(store_put(stand, &object, "dkey0", "a", 1, 20, &change), 0);
	change.request = NULL;
	change.epoch++;
	CHECK_EQUAL(vos_container_create(stand->vos, uuid_make(8, 8), &requests), 0);
	client = record_at(stand, TREE_CLIENTS, AT(root, store_root, clients), 0);
	requests = ((struct client_record *)raw(stand, client))->requests;
	DAMAGE(AT(client, client_record, client), uint64_t, 4, "wrong place");
	DAMAGE(AT(client, client_record, capacity), uint32_t, 3, "no client");
	DAMAGE(AT(client, client_record, capacity), uint32_t, 64, "held and");
	DAMAGE(AT(client, client_record, requests), uint64_t, requests + 16, "inside a block");
	DAMAGE(requests + 8, uint64_t, 2, "stands at place");
	stale = record_at(stand, TREE_STALE, AT(root, store_root, stale), 0);
	DAMAGE(AT(stale, stale_record, id), uint64_t, 99, "marked stale");
	DAMAGE(AT(stale, stale_record, type), uint8_t, 1, "no stale");
	/* Most of it waits among the dead. */
	CHECK_EQUAL(vos_container_destroy(stand->vos, container_name(), &requests), 0);
	CHECK(vos_collect(stand->vos, 500, 3) > 0);
	audit_accepts(stand);
	dead = record_at(stand, TREE_DEAD, AT(root, store_root, dead), 0);
	DAMAGE(AT(root, store_root, next_dead), uint64_t, 1, "no dead tree");
	DAMAGE(AT(dead, dead_record, tree), uint8_t, TREE_EXTENTS, "no node");
	DAMAGE(AT(dead, dead_record, tree), uint8_t, TREE_CLIENTS, "kind");
	vos_container_close(stand->container);
	stand->container = NULL;
	return 0;
}

static void
damages_lists(void **state)
{
	(void)state;
	stand_test(damages_lists_body);
}

/* ------------------------------------------------ what the collector must find */

/* A write over more extents than one transaction cuts moves them to the history first. */
static int
displaced_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_audit audit;

	for (uint32_t i = 0; i < 40; i++)
		CHECK_EQUAL(put_extent(stand, &object, "d", (struct vos_extent){i * 10, 10}, 1,
				       100 + i),
			    0);
	CHECK_EQUAL(put_extent(stand, &object, "d", (struct vos_extent){0, 400}, 2, 200), 0);
	audit_accepts(stand);
	CHECK_EQUAL(vos_collect(stand->vos, 300, 1000), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.extents, 1);
	return 0;
}

static void
displaced(void **state)
{
	(void)state;
	stand_test(displaced_body);
}

/* A collection up to an epoch before a punch leaves what it hides for the next one. */
static int
punched_later_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 100};
	struct vos_key dkey = text_key("d");
	struct vos_audit audit;
	uint64_t group;

	CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), 0);
	CHECK_EQUAL(store_put(stand, &object, "e", "a", 1, 10, &change), 0);
	change.epoch = 120;
	CHECK_EQUAL(store_put(stand, &object, "e", "a", 1, 10, &change), 0);
	change.epoch = 200;
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &dkey, 1, &change, &group), 0);
	CHECK_EQUAL(vos_collect(stand->vos, 150, 1000), 0);
	audit_accepts(stand);
	CHECK_EQUAL(vos_collect(stand->vos, 300, 1000), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.dkeys, 1);
	change.epoch = 400;
	CHECK_EQUAL(store_put(stand, &object, "e", "a", 1, 10, &change), 0);
	change.epoch = 500;
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), 0);
	CHECK_EQUAL(vos_collect(stand->vos, 450, 1000), 0);
	audit_accepts(stand);
	CHECK_EQUAL(vos_collect(stand->vos, 600, 1000), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.objects + audit.extents, 0);
	return 0;
}

static void
punched_later(void **state)
{
	(void)state;
	stand_test(punched_later_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),   cmocka_unit_test(damages),
		cmocka_unit_test(garbage),   cmocka_unit_test(damages_lists),
		cmocka_unit_test(displaced), cmocka_unit_test(punched_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
