/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Containers, keys, conditions, epochs, listings, space. */
#include "bench.h"

static int
containers_body(void *argument)
{
	struct stand *stand = argument;
	struct uuid id = uuid_make(3, 4);
	struct vos_container *one, *two;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 10};
	struct stand other = *stand;
	uint64_t group;

	CHECK_EQUAL(vos_container_open(stand->vos, id, &one), -DER_NONEXIST);
	CHECK_EQUAL(vos_container_create(stand->vos, id, &group), 0);
	CHECK_EQUAL(vos_container_create(stand->vos, id, &group), -DER_EXIST);
	CHECK_EQUAL(vos_container_open(stand->vos, id, &one), 0);
	CHECK_EQUAL(vos_container_open(stand->vos, id, &two), 0);
	CHECK(one == two && vos_container_store(one) == stand->vos &&
	      vos_heap(stand->vos) == stand->heap);
	other.container = one;
	CHECK_EQUAL(store_put(&other, &object, "d", "a", 1, 10, &change), 0);
	CHECK_EQUAL(vos_container_destroy(stand->vos, id, &group), 0);
	CHECK_EQUAL(vos_container_destroy(stand->vos, id, &group), -DER_NONEXIST);
	change.epoch = 20;
	CHECK_EQUAL(store_put(&other, &object, "d", "a", 1, 10, &change), -DER_NONEXIST);
	CHECK_EQUAL(store_get(&other, &object, "d", "a", EPOCH_MAX, NULL), -DER_NONEXIST);
	/* A new one of the same name is empty, while the old one is still open. */
	CHECK_EQUAL(vos_container_create(stand->vos, id, &group), 0);
	CHECK_EQUAL(vos_container_open(stand->vos, id, &two), 0);
	other.container = two;
	CHECK_EQUAL(store_get(&other, &object, "d", "a", EPOCH_MAX, NULL), 0);
	vos_container_close(one);
	vos_container_close(one);
	vos_container_close(two);
	return 0;
}

static void
containers(void **state)
{
	(void)state;
	stand_test(containers_body);
}

static int
keys_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object hashed = plain_object(0), integer = plain_object(2);
	struct vos_change change = {.epoch = 10};
	char *name = malloc(VOS_KEY_MAX + 2);

	memset(name, 'n', VOS_KEY_MAX + 1);
	name[VOS_KEY_MAX + 1] = 0;
	CHECK_EQUAL(store_put(stand, &hashed, "", "a", 1, 10, &change), -DER_INVAL);
	CHECK_EQUAL(store_put(stand, &hashed, name, "a", 1, 10, &change), -DER_KEY2BIG);
	CHECK_EQUAL(store_put(stand, &integer, "short", "a", 1, 10, &change), -DER_INVAL);
	name[VOS_KEY_MAX] = 0;
	CHECK_EQUAL(store_put(stand, &hashed, name, name, 1, 10, &change), 0);
	CHECK_EQUAL(store_get(stand, &hashed, name, name, EPOCH_MAX, NULL), 10);
	CHECK_EQUAL(store_get(stand, &hashed, name + 1, name, EPOCH_MAX, NULL), 0);
	change.epoch = 0;
	CHECK_EQUAL(store_put(stand, &hashed, "d", "a", 1, 10, &change), -DER_INVAL);
	free(name);
	return 0;
}

static void
keys(void **state)
{
	(void)state;
	stand_test(keys_body);
}

static int
conditions_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 10, .conditions = VOS_COND_DKEY_UPDATE};
	struct vos_akey value = {.key = text_key("a"), .type = VOS_SINGLE};
	struct vos_fetched fetched;
	struct vos_key key = text_key("d");
	uint64_t group;

	CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), -DER_NONEXIST);
	change.conditions = VOS_COND_DKEY_INSERT | VOS_COND_AKEY_INSERT;
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), 0);
	change.epoch = 20;
	CHECK_EQUAL(store_put(stand, &object, "d", "b", 1, 10, &change), -DER_EXIST);
	change.conditions = VOS_COND_AKEY_UPDATE;
	CHECK_EQUAL(store_put(stand, &object, "d", "b", 1, 10, &change), -DER_NONEXIST);
	CHECK_EQUAL(vos_fetch(stand->container, &object, text_key("e"), &value, 1, EPOCH_MAX,
			      VOS_COND_DKEY_FETCH, 0, &fetched),
		    -DER_NONEXIST);
	value.key = text_key("b");
	CHECK_EQUAL(vos_fetch(stand->container, &object, key, &value, 1, EPOCH_MAX,
			      VOS_COND_AKEY_FETCH, 0, &fetched),
		    -DER_NONEXIST);
	value.conditions = VOS_COND_AKEY_FETCH;
	CHECK_EQUAL(vos_fetch(stand->container, &object, key, &value, 1, EPOCH_MAX,
			      VOS_COND_PER_AKEY, 0, &fetched),
		    -DER_NONEXIST);
	/* The last akey takes its dkey along. */
	change.conditions = VOS_COND_PUNCH;
	value.key = text_key("a");
	CHECK_EQUAL(vos_punch_akeys(stand->container, &object, key, &value.key, 1, &change, &group),
		    0);
	change.epoch = 30;
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &key, 1, &change, &group),
		    -DER_NONEXIST);
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), 0);
	change.epoch = 31;
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), -DER_NONEXIST);
	return 0;
}

static void
conditions(void **state)
{
	(void)state;
	stand_test(conditions_body);
}

static int
epochs_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 20};
	struct vos_key key = text_key("d");
	uint64_t group;
	uint8_t fill = 0;

	CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), 0);
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 2, 10, &change), -DER_TX_RESTART);
	change.epoch = 15;
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 2, 10, &change), -DER_TX_RESTART);
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &key, 1, &change, &group),
		    -DER_TX_RESTART);
	change.epoch = 30;
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 3, 20, &change), 0);
	CHECK_EQUAL(store_get(stand, &object, "d", "a", 29, &fill), 10);
	CHECK_EQUAL(fill, 1);
	CHECK_EQUAL(store_get(stand, &object, "d", "a", 19, &fill), 0);
	/* A snapshot was announced: what is older comes again. */
	vos_container_guard(stand->container, 40);
	change.epoch = 40;
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 4, 5, &change), -DER_TX_RESTART);
	change.epoch = 41;
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 4, 5, &change), 0);
	return 0;
}

static void
epochs(void **state)
{
	(void)state;
	stand_test(epochs_body);
}

struct names {
	uint32_t count;
	char last[32];
};

static int
name_visit(void *argument, const struct vos_entry *entry)
{
	struct names *names = argument;
	char name[32] = {0};

	memcpy(name, entry->key.data, entry->key.length);
	CHECK(strcmp(names->last, name) < 0);
	memcpy(names->last, name, sizeof(name));
	names->count++;
	return 0;
}

/* A directory of many names that begin alike, and what an entry of it costs. */
static int
directory_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(5);
	struct vos_position position = {0};
	struct heap_space before, after;
	struct names names = {0};
	uint32_t count = 2000;
	char name[32];

	heap_space(stand->heap, &before);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "file.%06u", i * 7919 % 1000003);
		CHECK_EQUAL(put_extent(stand, &object, name, (struct vos_extent){0, 120}, 1,
				       100 + i),
			    0);
	}
	heap_space(stand->heap, &after);
	printf("%.0f bytes of heap per file\n",
	       (double)(before.heap_free - after.heap_free) / count);
	CHECK((before.heap_free - after.heap_free) / count <= 700);
	while (position.state != VOS_END)
		CHECK_EQUAL(vos_list(stand->container, &object, VOS_DKEYS, text_key("-"),
				     text_key("-"), EPOCH_MAX, 97, &position, name_visit, &names),
			    0);
	CHECK_EQUAL(names.count, count);
	/* From any name on. */
	names = (struct names){0};
	position = (struct vos_position){.state = VOS_AFTER, .key_length = 4, .key = "file"};
	memcpy(&position.hash[0], "\0\0\0\0elif", 8);
	CHECK_EQUAL(vos_list(stand->container, &object, VOS_DKEYS, text_key("-"), text_key("-"),
			     EPOCH_MAX, 5, &position, name_visit, &names),
		    0);
	CHECK_EQUAL(names.count, 5);
	return 0;
}

static void
directory(void **state)
{
	(void)state;
	stand_test(directory_body);
}

/* A full heap refuses updates and still takes punches, which collection turns into room. */
static int
full_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 100};
	char name[16];
	uint32_t count = 0;
	uint64_t group;
	int rc;

	do {
		snprintf(name, sizeof(name), "d%u", count++);
		change.epoch++;
		rc = store_put(stand, &object, name, "a", 1, 4000, &change);
	} while (rc == 0);
	CHECK_EQUAL(rc, -DER_NOSPACE);
	CHECK(count > 1000);
	CHECK_EQUAL(store_get(stand, &object, "d0", "a", EPOCH_MAX, NULL), 4000);
	change.epoch++;
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), 0);
	while ((rc = vos_collect(stand->vos, change.epoch, 1000)) > 0)
		;
	CHECK_EQUAL(rc, 0);
	change.epoch++;
	CHECK_EQUAL(store_put(stand, &object, "again", "a", 1, 4000, &change), 0);
	return 0;
}

static void
full(void **state)
{
	(void)state;
	stand_test(full_body);
}

/* What is punched while its object is collected up to an older epoch is collected later. */
static int
late_punches_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_key keys[] = {text_key("first"), text_key("second")};
	struct vos_change change = {.epoch = 100};
	struct heap_space before, after;
	uint64_t group;

	CHECK_EQUAL(store_put(stand, &object, "stays", "a", 1, 100, &change), 0);
	heap_space(stand->heap, &before);
	change.epoch = 101;
	CHECK_EQUAL(store_put(stand, &object, "first", "a", 1, 300000, &change), 0);
	CHECK_EQUAL(store_put(stand, &object, "second", "a", 1, 300000, &change), 0);
	for (uint32_t i = 0; i < 2; i++) {
		change.epoch = 200 + 100 * i;
		CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &keys[i], 1, &change,
					    &group),
			    0);
	}
	/* Between the two, then beyond both. */
	while (vos_collect(stand->vos, 250, 1000) > 0)
		;
	CHECK_EQUAL(store_get(stand, &object, "second", "a", 299, NULL), 300000);
	while (vos_collect(stand->vos, 1000, 1000) > 0)
		;
	CHECK_EQUAL(media_wait(stand->media, group), 0);
	heap_space(stand->heap, &after);
	CHECK_EQUAL(after.data_free, before.data_free);
	CHECK_EQUAL(store_get(stand, &object, "stays", "a", EPOCH_MAX, NULL), 100);
	/* The whole object, after one of its dkeys. */
	change.epoch = 2000;
	CHECK_EQUAL(store_put(stand, &object, "first", "a", 1, 300000, &change), 0);
	CHECK_EQUAL(store_put(stand, &object, "second", "a", 1, 300000, &change), 0);
	change.epoch = 2100;
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &keys[0], 1, &change, &group), 0);
	change.epoch = 2200;
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), 0);
	while (vos_collect(stand->vos, 2150, 1000) > 0)
		;
	while (vos_collect(stand->vos, 3000, 1000) > 0)
		;
	heap_space(stand->heap, &after);
	CHECK_EQUAL(after.data_free, before.data_free);
	return 0;
}

static void
late_punches(void **state)
{
	(void)state;
	stand_test(late_punches_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers),	cmocka_unit_test(keys),
		cmocka_unit_test(conditions),	cmocka_unit_test(epochs),
		cmocka_unit_test(directory),	cmocka_unit_test(full),
		cmocka_unit_test(late_punches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
