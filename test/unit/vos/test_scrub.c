/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The scrubber: it meets every stored value once, finds what is damaged, and harms nothing. */
#include "bench.h"

static struct vos_scrub
whole_pass(struct stand *stand, uint32_t credits)
{
	struct vos_scrub scrub = {0};
	int rc;

	while ((rc = vos_scrub(stand->vos, &scrub, credits)) > 0)
		;
	CHECK_EQUAL(rc, 0);
	return scrub;
}

/* Values of all kinds and ages: 40 single ones, small and large, an array in parts, overwritten. */
static void
fill(struct stand *stand)
{
	struct vos_object object = plain_object(0), other = plain_object(2);
	struct vos_change change = {.epoch = 100};
	char name[16];

	for (uint32_t i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "d%u", i / 2);
		CHECK_EQUAL(store_put(stand, &object, name, i % 2 ? "a" : "b", (uint8_t)i,
				      i % 3 ? 100 : 300000, &change),
			    0);
	}
	change.epoch = 200;
	CHECK_EQUAL(store_put(stand, &object, "d3", "a", 1, 5000, &change), 0);
	(void)other;
	for (uint32_t i = 0; i < 10; i++)
		CHECK_EQUAL(put_extent(stand, &object, "array", (struct vos_extent){i * 1000, 1500},
				       (uint8_t)i, 300 + i),
			    0);
	CHECK_EQUAL(media_checkpoint(stand->media), 0);
}

static int
all_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_scrub scrub = whole_pass(stand, 10);

	CHECK_EQUAL(scrub.values, 0);
	fill(stand);
	scrub = whole_pass(stand, 1000);
	/* A part of an array that was cut comes again where another value lies between. */
	CHECK(scrub.values >= 51 && scrub.values <= 51 + 20);
	CHECK_EQUAL(scrub.damaged, 0);
	CHECK_EQUAL(whole_pass(stand, 1).values, scrub.values);
	return 0;
}

static void
all(void **state)
{
	(void)state;
	stand_test(all_body);
}

/* ------------------------------------------------ damage */

/* The first data block of the value of an akey. */
static int
damage_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_scrub scrub;

	fill(stand);
	memory_disk_flip(stand->world, "node", "pool.data", 5 * DISK_BLOCK + 17, 3);
	scrub = whole_pass(stand, 1000);
	CHECK_EQUAL(scrub.damaged, 1);
	/* A second pass finds the same; what is whole can be read. */
	CHECK_EQUAL(whole_pass(stand, 7).damaged, 1);
	CHECK_EQUAL(store_get(stand, &object, "d3", "a", EPOCH_MAX, NULL), 5000);
	audit_body(stand);
	return 0;
}

static void
damage(void **state)
{
	(void)state;
	stand_test(damage_body);
}

/* ------------------------------------------------ while others change */

struct crowd {
	struct stand *stand;
	bool done;
	uint64_t passes;
};

static int
scrubber(void *argument)
{
	struct crowd *crowd = argument;

	while (!crowd->done) {
		struct vos_scrub scrub = whole_pass(crowd->stand, 3);

		CHECK_EQUAL(scrub.damaged, 0);
		crowd->passes++;
		fiber_yield();
	}
	return 0;
}

static int
changer(void *argument)
{
	struct crowd *crowd = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 1000};
	struct vos_key dkey = text_key("d1");
	uint64_t group;

	for (uint32_t i = 0; i < 200; i++) {
		change.epoch++;
		CHECK_EQUAL(store_put(crowd->stand, &object, i % 2 ? "d1" : "d2", "a", (uint8_t)i,
				      50000 + i, &change),
			    0);
		change.epoch++;
		if (i % 5 == 0)
			CHECK_EQUAL(vos_punch_dkeys(crowd->stand->container, &object, &dkey, 1,
						    &change, &group),
				    0);
		CHECK(vos_collect(crowd->stand->vos, change.epoch, 10) >= 0);
	}
	crowd->done = true;
	return 0;
}

static int
crowd_body(void *argument)
{
	struct crowd crowd = {.stand = argument};
	struct fiber_group group;

	fill(argument);
	fiber_group_init(&group);
	CHECK_EQUAL(fiber_group_start(&group, "changer", changer, &crowd), 0);
	CHECK_EQUAL(fiber_group_start(&group, "scrubber", scrubber, &crowd), 0);
	CHECK_EQUAL(fiber_group_wait(&group), 0);
	CHECK(crowd.passes > 0);
	return 0;
}

static void
crowded(void **state)
{
	(void)state;
	stand_test(crowd_body);
}

/* ------------------------------------------------ turns */

static int
turns_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_scrubbing scrubbing = {.lazy = true, .period_ns = 1000};
	int rc;

	fill(stand);
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 10, true, 10), 0);
	vos_set_scrubbing(stand->vos, &scrubbing);
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 500, true, 10), 0);
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 1499, true, 10), 0);
	/* Due, and the loop has something else to do. */
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 1500, false, 10), 0);
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 1501, true, 10), 1);
	while ((rc = vos_scrub_turn(stand->vos, 1502, true, 10)) > 0)
		;
	CHECK_EQUAL(rc, 0);
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 2000, true, 10), 0);
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 2500, true, 10), 1);
	vos_set_scrubbing(stand->vos, &(struct vos_scrubbing){0});
	CHECK_EQUAL(vos_scrub_turn(stand->vos, 9000, true, 10), 0);
	return 0;
}

static void
turns(void **state)
{
	(void)state;
	stand_test(turns_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all),
		cmocka_unit_test(damage),
		cmocka_unit_test(crowded),
		cmocka_unit_test(turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
