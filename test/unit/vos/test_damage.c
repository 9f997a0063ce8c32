/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Records that contradict each other though every checksum is right: look-ups give errors, and a
 * change that meets what no look-up could see retires the store. Nothing asserts.
 */
#include "bench.h"
#include "media/private.h"
#include "vos/format.h"

static const struct vos_object *
plain(void)
{
	static struct vos_object object;

	object = plain_object(0);
	return &object;
}

static struct vos_change
at(uint64_t number)
{
	return (struct vos_change){.epoch = number << 8};
}

static int
put_at(struct stand *stand, const char *dkey, uint32_t size, uint64_t number)
{
	struct vos_change change = at(number);

	return store_put(stand, plain(), dkey, "a", 1, size, &change);
}

static int
array_at(struct stand *stand, uint64_t index, uint64_t count, uint64_t number)
{
	static uint8_t payload[4000];
	struct vos_change change = at(number);
	struct vos_extent extent = {index, count};
	struct iovec iov = {payload, count};
	struct vos_akey value = {.key = text_key("array"),
				 .type = VOS_ARRAY,
				 .record_size = 1,
				 .extents = &extent,
				 .extent_count = 1,
				 .payload = &iov,
				 .payload_count = 1};
	uint64_t group;
	int rc =
		vos_update(stand->container, plain(), text_key("dkey"), &value, 1, &change, &group);

	return rc == 0 ? media_wait(stand->media, group) : rc;
}

static int
array_read(struct stand *stand, uint64_t index, uint64_t count)
{
	struct vos_extent extent = {index, count};
	struct vos_akey value = {
		.key = text_key("array"), .type = VOS_ARRAY, .extents = &extent, .extent_count = 1};
	struct vos_fetched fetched;
	int rc = vos_fetch(stand->container, plain(), text_key("dkey"), &value, 1, EPOCH_MAX, 0, 0,
			   &fetched);

	if (rc == 0)
		vos_fetched_free(stand->container, &fetched, 1);
	return rc;
}

/* The stored value of that many bytes, in the image. */
static struct blob *
blob_find(struct stand *stand, uint32_t length)
{
	for (uint32_t i = 0; i < stand->heap->heap_zones; i++) {
		struct zone *zone = stand->heap->zones[i];

		for (uint32_t j = 0; zone && zone->image && j + sizeof(struct blob) <= HEAP_ZONE;
		     j += 8) {
			struct blob *blob = (struct blob *)(void *)(zone->image + j);

			if (blob->type == RECORD_BLOB && blob->version == RECORD_VERSION &&
			    blob->length == length && blob->references > 0 &&
			    blob->references < 100)
				return blob;
		}
	}
	CHECK(false);
	return NULL;
}

static struct store_root *
root_of(struct stand *stand)
{
	return (struct store_root *)(void *)(stand->heap->zones[0]->image + heap_root(stand->heap));
}

/* ------------------------------------------------ look-ups */

/* A value whose end lies in another block. */
static void
tails(struct stand *stand)
{
	struct blob *blob;
	uint64_t *tail;

	CHECK_EQUAL(put_at(stand, "cut", 2100, 20), 0);
	blob = blob_find(stand, 2100);
	CHECK_EQUAL(blob->flags, BLOB_TAIL);
	tail = (uint64_t *)(void *)((uint8_t *)(blob + 1) + 8);
	CHECK_EQUAL(store_get(stand, plain(), "cut", "a", EPOCH_MAX, NULL), 2100);
	*tail += 16;
	CHECK_EQUAL(store_get(stand, plain(), "cut", "a", EPOCH_MAX, NULL), -DER_IO);
	*tail -= 16 + UINT64_C(0x1000000000);
	CHECK_EQUAL(store_get(stand, plain(), "cut", "a", EPOCH_MAX, NULL), -DER_IO);
	*tail += UINT64_C(0x1000000000);
	blob->extent_count = 2100;
	CHECK_EQUAL(store_get(stand, plain(), "cut", "a", EPOCH_MAX, NULL), -DER_IO);
	blob->extent_count = 0;
	CHECK_EQUAL(store_get(stand, plain(), "cut", "a", EPOCH_MAX, NULL), -DER_IO);
	blob->extent_count = (uint16_t)(blob->length - (2048 - 48));
	CHECK_EQUAL(store_get(stand, plain(), "cut", "a", EPOCH_MAX, NULL), 2100);
	blob->flags = BLOB_TAIL | BLOB_DATA;
	CHECK_EQUAL(store_get(stand, plain(), "cut", "a", EPOCH_MAX, NULL), -DER_IO);
	blob->flags = BLOB_TAIL;
}

static int
look_ups_body(void *argument)
{
	struct stand *stand = argument;

	CHECK_EQUAL(put_at(stand, "moved", 333, 10), 0);
	CHECK_EQUAL(array_at(stand, 100, 777, 11), 0);
	blob_find(stand, 333)->start = 1000;
	CHECK_EQUAL(store_get(stand, plain(), "moved", "a", EPOCH_MAX, NULL), -DER_IO);
	CHECK_EQUAL(array_read(stand, 100, 50), 0);
	blob_find(stand, 777)->start = UINT64_MAX - 700;
	CHECK(array_read(stand, 100, 50) < 0);
	blob_find(stand, 777)->start = 90;
	CHECK(array_read(stand, 860, 50) < 0);
	blob_find(stand, 777)->start = 100;
	blob_find(stand, 777)->record_size = UINT64_C(1) << 63;
	CHECK(array_read(stand, 100, 50) < 0);
	CHECK(array_read(stand, 870, 50) < 0);
	blob_find(stand, 777)->record_size = 1;
	CHECK_EQUAL(array_read(stand, 870, 50), 0);
	blob_find(stand, 333)->start = 0;
	CHECK_EQUAL(store_get(stand, plain(), "moved", "a", EPOCH_MAX, NULL), 333);
	tails(stand);
	return 0;
}

static void
look_ups(void **state)
{
	struct stand stand = {0};

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, look_ups_body);
	stand_stop(&stand);
}

/* ------------------------------------------------ changes */

/* Two parts of an extent share its value, which knows of one. */
static int
shared_body(void *argument)
{
	struct stand *stand = argument;
	uint64_t group;
	int rc;

	CHECK_EQUAL(vos_set_snapshots(stand->vos, container_name(), NULL, 0), 0);
	CHECK_EQUAL(array_at(stand, 0, 3333, 10), 0);
	CHECK_EQUAL(array_at(stand, 1000, 100, 11), 0);
	CHECK(blob_find(stand, 3333)->references > 1);
	blob_find(stand, 3333)->references = 1;
	CHECK_EQUAL(vos_container_destroy(stand->vos, container_name(), &group), 0);
	do
		rc = vos_collect(stand->vos, 100 << 8, 50);
	while (rc > 0);
	CHECK(rc < 0 || stand->heap->state != 0);
	CHECK(stand->heap->state != 0);
	return 0;
}

/* The counter of what waits to be freed went back: two containers are destroyed under one number.
 */
static int
counter_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_container *first = stand->container;
	uint64_t group;
	int rc;

	for (uint64_t i = 0; i < 2; i++) {
		struct uuid other = uuid_make(0x3333, i);

		CHECK_EQUAL(vos_container_create(stand->vos, other, &group), 0);
		CHECK_EQUAL(vos_container_open(stand->vos, other, &stand->container), 0);
		CHECK_EQUAL(put_at(stand, "dkey", 10, 10), 0);
		vos_container_close(stand->container);
		root_of(stand)->next_dead -= i;
		rc = vos_container_destroy(stand->vos, other, &group);
		CHECK_EQUAL(rc != 0 || stand->heap->state != 0, i);
	}
	stand->container = first;
	CHECK_EQUAL(media_state(stand->media), 0);
	return 0;
}

static void
retires(int (*body)(void *argument))
{
	struct stand stand = {0};

	stand_start(&stand, 1);
	stand_run(&stand, body);
	loop_abandon(stand.loop);
	memory_env_crash(stand.env);
	memory_world_destroy(stand.world);
}

static void
shared_values(void **state)
{
	(void)state;
	retires(shared_body);
}

static void
counters(void **state)
{
	(void)state;
	retires(counter_body);
}

/* ------------------------------------------------ a client's requests */

/* The client's table lies where something else is now. */
static int
table_body(void *argument)
{
	struct stand *stand = argument;
	struct request_id request = {
		.client = uuid_make(5, 6), .sequence = 1, .confirmed = 1, .first_sent = 1};
	struct vos_change change = {.epoch = 10 << 8, .request = &request};

	CHECK_EQUAL(store_put(stand, plain(), "dkey", "a", 1, 10, &change), 0);
	for (uint32_t j = 0; j + sizeof(struct client_record) <= HEAP_ZONE; j += 8) {
		struct client_record *client =
			(struct client_record *)(void *)(stand->heap->zones[0]->image + j);

		if (client->type == RECORD_CLIENT && client->version == RECORD_VERSION &&
		    uuid_equal(&client->client, &request.client))
			client->requests = heap_root(stand->heap);
	}
	request.sequence = 2;
	change.epoch = 11 << 8;
	CHECK(store_put(stand, plain(), "dkey", "a", 1, 10, &change) < 0);
	return 0;
}

static void
requests(void **state)
{
	(void)state;
	retires(table_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(look_ups),
		cmocka_unit_test(shared_values),
		cmocka_unit_test(counters),
		cmocka_unit_test(requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
