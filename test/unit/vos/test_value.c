/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Sums, large values, arrays that are overwritten often. */
#include "bench.h"

#define BIG (300u * 1024)

static int
sums_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_extent extent = {1000, 9000};
	uint8_t *payload = malloc(9000);
	struct iovec iov = {payload, 9000};
	uint32_t sums[3];
	struct vos_akey value = {.key = text_key("array"),
				 .type = VOS_ARRAY,
				 .record_size = 1,
				 .extents = &extent,
				 .extent_count = 1,
				 .payload = &iov,
				 .payload_count = 1,
				 .sums = sums,
				 .sum_count = 3};
	struct vos_change change = {.epoch = 100};
	struct vos_fetched fetched;
	uint64_t group;

	for (uint32_t i = 0; i < 9000; i++)
		payload[i] = (uint8_t)(i * 7);
	/* Pieces end at absolute multiples of 4 KiB: 1000..4096, 4096..8192, 8192..10000. */
	sums[0] = crc32c(0, payload, 3096);
	sums[1] = crc32c(0, payload + 3096, 4096);
	sums[2] = crc32c(0, payload + 7192, 1808) + 1;
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    -DER_CSUM);
	sums[2]--;
	value.sum_count = 2;
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    -DER_INVAL);
	value.sum_count = 3;
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    0);
	CHECK_EQUAL(vos_fetch(stand->container, &object, text_key("d"), &value, 1, EPOCH_MAX, 0, 0,
			      &fetched),
		    0);
	CHECK_EQUAL(fetched.sum_count, 3);
	CHECK(memcmp(fetched.sums, sums, sizeof(sums)) == 0);
	CHECK(memcmp(fetched.data, payload, 9000) == 0 &&
	      (uintptr_t)fetched.data % DISK_BLOCK == 0);
	vos_fetched_free(stand->container, &fetched, 1);
	CHECK_EQUAL(media_wait(stand->media, group), 0);
	free(payload);
	return 0;
}

static void
sums(void **state)
{
	(void)state;
	stand_test(sums_body);
}

static int
big_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 100};
	uint8_t fill;

	CHECK_EQUAL(store_put(stand, &object, "d", "a", 0x5a, BIG, &change), 0);
	CHECK_EQUAL(put_extent(stand, &object, "d", (struct vos_extent){100, BIG}, 0x33, 101), 0);
	CHECK_EQUAL(store_get(stand, &object, "d", "a", EPOCH_MAX, &fill), BIG);
	CHECK_EQUAL(fill, 0x5a);
	return media_checkpoint(stand->media);
}

static int
damaged_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);

	CHECK_EQUAL(store_get(stand, &object, "d", "a", EPOCH_MAX, NULL), -DER_CSUM);
	CHECK(get_byte(stand, &object, "d", 100, EPOCH_MAX) == 0x33 ||
	      get_byte(stand, &object, "d", 100, EPOCH_MAX) == -DER_CSUM);
	return 0;
}

/* What lies on the medium is changed behind the store's back. */
static void
damage(void **state)
{
	struct stand stand = {0};
	static uint8_t block[1 << 20];
	uint64_t at;

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, big_body);
	stand_reopen(&stand);
	memory_disk_peek(stand.world, "node", "pool.data", block, sizeof(block), 0);
	for (at = 0; at < sizeof(block) && block[at] != 0x5a; at++)
		;
	CHECK(at < sizeof(block));
	block[0] = 0x5b;
	memory_disk_poke(stand.world, "node", "pool.data", block, 1, at + 70000);
	stand_run(&stand, damaged_body);
	stand_stop(&stand);
}

static int
overwritten_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_query_result result;
	struct heap_space before, after;

	/* A thousand small extents, then one over all of them, which takes several steps. */
	heap_space(stand->heap, &before);
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQUAL(put_extent(stand, &object, "d", (struct vos_extent){i * 3, 2},
				       (uint8_t)i, 100 + i),
			    0);
	CHECK_EQUAL(put_extent(stand, &object, "d", (struct vos_extent){1, 2995}, 0xee, 2000), 0);
	CHECK_EQUAL(get_byte(stand, &object, "d", 1500, EPOCH_MAX), 0xee);
	CHECK_EQUAL(get_byte(stand, &object, "d", 0, EPOCH_MAX), 0);
	CHECK_EQUAL(get_byte(stand, &object, "d", 1, EPOCH_MAX), 0xee);
	CHECK_EQUAL(get_byte(stand, &object, "d", 2997, EPOCH_MAX), 999 & 0xff);
	CHECK_EQUAL(get_byte(stand, &object, "d", 1500, 1999), 500 & 0xff);
	CHECK_EQUAL(get_byte(stand, &object, "d", 1502, 1999), 0);
	CHECK_EQUAL(get_byte(stand, &object, "d", 1500, 599), 0);
	CHECK_EQUAL(vos_query_key(stand->container, &object, VOS_GET_MAX | VOS_GET_EXTENT,
				  text_key("d"), text_key("array"), EPOCH_MAX, &result),
		    0);
	CHECK_EQUAL(result.extent.index + result.extent.count, 2999);
	/* One place overwritten a thousand times. */
	for (uint32_t i = 0; i < 1000; i++)
		CHECK_EQUAL(put_extent(stand, &object, "e", (struct vos_extent){10, 5}, (uint8_t)i,
				       3000 + i),
			    0);
	CHECK_EQUAL(get_byte(stand, &object, "e", 12, 3500), 500 & 0xff);
	CHECK_EQUAL(get_byte(stand, &object, "e", 12, EPOCH_MAX), 999 & 0xff);
	/* What nobody can read any more goes. */
	while (vos_collect(stand->vos, 5000, 1000) > 0)
		;
	CHECK_EQUAL(get_byte(stand, &object, "d", 1500, EPOCH_MAX), 0xee);
	CHECK_EQUAL(get_byte(stand, &object, "d", 2997, EPOCH_MAX), 999 & 0xff);
	CHECK_EQUAL(get_byte(stand, &object, "e", 12, EPOCH_MAX), 999 & 0xff);
	heap_space(stand->heap, &after);
	/* A page stays for each size of block of what is left. */
	CHECK(before.heap_free - after.heap_free < 65536);
	return 0;
}

static void
overwritten(void **state)
{
	(void)state;
	stand_test(overwritten_body);
}

static int
misuse_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_extent extents[] = {{0, 10}, {5, 10}};
	uint8_t payload[20] = {0};
	struct iovec iov = {payload, 20};
	struct vos_akey value = {.key = text_key("array"),
				 .type = VOS_ARRAY,
				 .record_size = 1,
				 .extents = extents,
				 .extent_count = 2,
				 .payload = &iov,
				 .payload_count = 1};
	struct vos_change change = {.epoch = 100};
	uint64_t group;

	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    -DER_INVAL);
	extents[1] = (struct vos_extent){UINT64_MAX - 2, 10};
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    -DER_INVAL);
	extents[1].index = 10;
	iov.iov_len = 19;
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    -DER_IO_INVAL);
	iov.iov_len = 20;
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    0);
	/* Neither the record size nor the type of what is there changes. */
	change.epoch = 101;
	value.record_size = 2;
	value.extent_count = 1;
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    -DER_INVAL);
	CHECK_EQUAL(store_put(stand, &object, "d", "array", 1, 10, &change), -DER_INVAL);
	value.record_size = VOS_PAYLOAD_MAX;
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    -DER_REC2BIG);
	return 0;
}

static void
misuse(void **state)
{
	(void)state;
	stand_test(misuse_body);
}

/* As many akeys as one call takes, in every key order; the second call finds all of them there. */
static int
akeys_body(void *argument)
{
	static const uint8_t types[] = {0, 3, 7};
	static char names[VOS_AKEYS_MAX][32];
	static struct vos_akey akeys[VOS_AKEYS_MAX];
	static struct vos_fetched fetched[VOS_AKEYS_MAX];
	struct stand *stand = argument;
	struct vos_change change = {.epoch = 100};
	uint8_t payload[64];
	struct iovec iov = {payload, sizeof(payload)};
	uint64_t group;

	memset(payload, 3, sizeof(payload));
	for (uint32_t type = 0; type < ARRAY_SIZE(types); type++) {
		struct vos_object object = plain_object(types[type]);

		for (uint32_t i = 0; i < VOS_AKEYS_MAX; i++) {
			uint32_t length =
				(uint32_t)snprintf(names[i], sizeof(names[i]), "name.%u", i);

			if (types[type] == 3)
				store_u64(names[i], i * 77);
			akeys[i] =
				(struct vos_akey){.key = {names[i], types[type] == 3 ? 8 : length},
						  .type = VOS_SINGLE,
						  .record_size = sizeof(payload),
						  .payload = &iov,
						  .payload_count = 1};
		}
		for (uint32_t round = 0; round < 2; round++) {
			change.epoch++;
			change.conditions = round == 0 ? VOS_COND_AKEY_INSERT
						       : VOS_COND_AKEY_UPDATE;
			CHECK_EQUAL(vos_update(stand->container, &object, text_key("dkey"), akeys,
					       VOS_AKEYS_MAX, &change, &group),
				    0);
			CHECK_EQUAL(vos_fetch(stand->container, &object, text_key("dkey"), akeys,
					      VOS_AKEYS_MAX, EPOCH_MAX, 0, 0, fetched),
				    0);
			for (uint32_t i = 0; i < VOS_AKEYS_MAX; i++)
				CHECK(fetched[i].length == sizeof(payload) &&
				      fetched[i].data[9] == 3);
			vos_fetched_free(stand->container, fetched, VOS_AKEYS_MAX);
		}
	}
	return 0;
}

static void
many_akeys(void **state)
{
	struct stand stand = {.media_options.log_size = 32u << 20};

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, akeys_body);
	stand_stop(&stand);
}

/* Fibers that overwrite the same places at the same time, with collection beside them. */
struct crowd {
	struct stand *stand;
	uint64_t epoch;
	uint32_t running;
	uint32_t refused;
};

static int
crowd_writer(void *argument)
{
	struct crowd *crowd = argument;
	struct vos_object object = plain_object(0);

	for (uint32_t i = 0; i < 60; i++) {
		uint64_t place = memory_world_random(crowd->stand->world) % 4,
			 epoch = ++crowd->epoch;
		uint64_t count = memory_world_random(crowd->stand->world) % 5 == 0 ? 20000 : 40;
		int rc = put_extent(crowd->stand, &object, "d",
				    (struct vos_extent){place * 10, count}, (uint8_t)epoch, epoch);

		CHECK(rc == 0 || rc == -DER_TX_RESTART);
		crowd->refused += rc != 0;
	}
	crowd->running--;
	return 0;
}

static int
crowd_collector(void *argument)
{
	struct crowd *crowd = argument;

	while (crowd->running > 0) {
		CHECK(vos_collect(crowd->stand->vos, crowd->epoch / 2, 20) >= 0);
		CHECK_EQUAL(fiber_sleep(200000), 0);
	}
	return 0;
}

static int
crowd_body(void *argument)
{
	struct stand *stand = argument;
	struct crowd crowd = {.stand = stand, .epoch = 100, .running = 12};
	struct vos_object object = plain_object(0);
	struct fiber_group group;
	int first;

	fiber_group_init(&group);
	for (uint32_t i = 0; i < 12; i++)
		CHECK_EQUAL(fiber_group_start(&group, "writer", crowd_writer, &crowd), 0);
	CHECK_EQUAL(fiber_group_start(&group, "collector", crowd_collector, &crowd), 0);
	CHECK_EQUAL(fiber_group_wait(&group), 0);
	/* Places 30 to 39 lie in every extent written: the newest accepted one shows everywhere
	 * there. */
	first = get_byte(stand, &object, "d", 30, EPOCH_MAX);
	CHECK(first >= 0);
	for (uint64_t i = 31; i < 40; i++)
		CHECK_EQUAL(get_byte(stand, &object, "d", i, EPOCH_MAX), first);
	CHECK(crowd.refused < 12 * 60);
	while (vos_collect(stand->vos, crowd.epoch, 1000) > 0)
		;
	CHECK_EQUAL(get_byte(stand, &object, "d", 35, EPOCH_MAX), first);
	return 0;
}

static void
crowded(void **state)
{
	(void)state;
	stand_test(crowd_body);
}

/* ------------------------------------------------ values in two blocks */

#define SIZES 120u
#define SIZE_STEP 31u

/* From 400 on, up to the largest that lies in the heap. */
static uint32_t
cut_size(uint32_t index)
{
	return min_of(400u + index * SIZE_STEP, 4095u);
}

static uint8_t
cut_byte(uint32_t size, uint32_t at)
{
	return (uint8_t)(mix64(size) >> at % 56) ^ (uint8_t)at;
}

static void
cut_put(struct stand *stand, uint32_t size, uint64_t epoch)
{
	static uint8_t payload[4096];
	struct vos_object object = plain_object(0);
	struct vos_extent extent = {size * 10000, size};
	struct iovec iov = {payload, size};
	struct vos_akey value = {.key = text_key("cut"),
				 .type = VOS_ARRAY,
				 .record_size = 1,
				 .extents = &extent,
				 .extent_count = 1,
				 .payload = &iov,
				 .payload_count = 1};
	struct vos_change change = {.epoch = epoch};
	uint64_t group;

	for (uint32_t i = 0; i < size; i++)
		payload[i] = cut_byte(size, i);
	CHECK_EQUAL(vos_update(stand->container, &object, text_key("d"), &value, 1, &change,
			       &group),
		    0);
}

static void
cut_get(struct stand *stand, uint32_t size, uint32_t from, uint32_t count)
{
	struct vos_object object = plain_object(0);
	struct vos_extent extent = {size * 10000 + from, count};
	struct vos_akey value = {
		.key = text_key("cut"), .type = VOS_ARRAY, .extents = &extent, .extent_count = 1};
	struct vos_fetched fetched;

	CHECK_EQUAL(vos_fetch(stand->container, &object, text_key("d"), &value, 1, EPOCH_MAX, 0, 0,
			      &fetched),
		    0);
	CHECK_EQUAL(fetched.length, count);
	for (uint32_t i = 0; i < count; i++)
		CHECK_EQUAL(fetched.data[i], cut_byte(size, from + i));
	vos_fetched_free(stand->container, &fetched, 1);
}

static int
cut_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_key dkey = text_key("d");
	struct vos_change change = {.epoch = 1000};
	struct heap_space before, after;
	uint64_t group;
	int rc;

	for (uint32_t i = 0; i < SIZES; i++)
		cut_put(stand, cut_size(i), 10 + i);
	audit_body(stand);
	for (uint32_t i = 0; i < SIZES; i++) {
		uint32_t size = cut_size(i);

		cut_get(stand, size, 0, size);
		cut_get(stand, size, size - 20, 20);
		cut_get(stand, size, size / 2 - 100, 300);
	}
	/* A hundred values of 2,100 bytes take little more than that, and not a page each. */
	heap_space(stand->heap, &before);
	for (uint32_t i = 0; i < 100; i++) {
		change.epoch = 300 + i;
		CHECK_EQUAL(store_put(stand, &object, "d", (char[]){'a', (char)(33 + i), 0}, 1,
				      2100, &change),
			    0);
	}
	heap_space(stand->heap, &after);
	CHECK(before.heap_free - after.heap_free < 100 * 2700);
	/* All of it can be freed. */
	change.epoch = 1000;
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &dkey, 1, &change, &group), 0);
	CHECK_EQUAL(vos_set_snapshots(stand->vos, container_name(), NULL, 0), 0);
	while ((rc = vos_collect(stand->vos, 2000, 100)) > 0)
		;
	CHECK_EQUAL(rc, 0);
	audit_body(stand);
	return 0;
}

static void
cut(void **state)
{
	(void)state;
	stand_test(cut_body);
}

static uint64_t
renamed_epoch(struct stand *stand, uint32_t flags)
{
	struct vos_object object = plain_object(0);
	struct vos_query_result result;
	struct vos_key none = {0};

	CHECK_EQUAL(vos_query_key(stand->container, &object, flags, none, none, EPOCH_MAX, &result),
		    0);
	return result.epoch;
}

/* Which changes count as dkeys that come or go. */
static int
renamed_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_key dkey = text_key("b"), akey = text_key("y");
	struct vos_change change = {.epoch = 100};
	uint64_t group;

	CHECK_EQUAL(store_put(stand, &object, "a", "x", 1, 8, &change), 0);
	CHECK_EQUAL(renamed_epoch(stand, VOS_GET_RENAMED), 100);
	change.epoch = 200;
	CHECK_EQUAL(store_put(stand, &object, "a", "x", 2, 8, &change), 0);
	change.epoch = 210;
	CHECK_EQUAL(store_put(stand, &object, "a", "y", 2, 8, &change), 0);
	CHECK_EQUAL(renamed_epoch(stand, VOS_GET_RENAMED), 100);
	CHECK_EQUAL(renamed_epoch(stand, 0), 210);
	change.epoch = 300;
	CHECK_EQUAL(store_put(stand, &object, "b", "x", 1, 8, &change), 0);
	CHECK_EQUAL(store_put(stand, &object, "b", "y", 1, 8, &(struct vos_change){.epoch = 301}),
		    0);
	CHECK_EQUAL(renamed_epoch(stand, VOS_GET_RENAMED), 300);
	change.epoch = 400;
	CHECK_EQUAL(vos_punch_akeys(stand->container, &object, dkey, &akey, 1, &change, &group), 0);
	CHECK_EQUAL(renamed_epoch(stand, VOS_GET_RENAMED), 300);
	/* Its last akey takes the dkey along. */
	change.epoch = 500;
	akey = text_key("x");
	CHECK_EQUAL(vos_punch_akeys(stand->container, &object, dkey, &akey, 1, &change, &group), 0);
	CHECK_EQUAL(renamed_epoch(stand, VOS_GET_RENAMED), 500);
	change.epoch = 600;
	CHECK_EQUAL(store_put(stand, &object, "b", "x", 1, 8, &change), 0);
	CHECK_EQUAL(renamed_epoch(stand, VOS_GET_RENAMED), 600);
	change.epoch = 700;
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &dkey, 1, &change, &group), 0);
	CHECK_EQUAL(renamed_epoch(stand, VOS_GET_RENAMED), 700);
	return 0;
}

static void
renamed(void **state)
{
	(void)state;
	stand_test(renamed_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums),	       cmocka_unit_test(damage),
		cmocka_unit_test(overwritten), cmocka_unit_test(misuse),
		cmocka_unit_test(many_akeys),  cmocka_unit_test(crowded),
		cmocka_unit_test(cut),	       cmocka_unit_test(renamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
