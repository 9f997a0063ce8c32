/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Snapshots: what stays readable at them, what they keep from being collected, and that it goes
 * with them. */
#include "bench.h"

#define SNAPSHOT(...)                                                                          \
	CHECK_EQUAL(vos_set_snapshots(stand->vos, container_name(), (uint64_t[]){__VA_ARGS__}, \
				      ARRAY_SIZE(((uint64_t[]){__VA_ARGS__}))),                \
		    0)

static void
no_snapshots(struct stand *stand)
{
	CHECK_EQUAL(vos_set_snapshots(stand->vos, container_name(), NULL, 0), 0);
}

static void
collect_all(struct stand *stand, uint64_t epoch)
{
	int rc;

	while ((rc = vos_collect(stand->vos, epoch, 100)) > 0)
		;
	CHECK_EQUAL(rc, 0);
	audit_body(stand);
}

static void
put(struct stand *stand, const char *dkey, uint8_t fill, uint64_t epoch)
{
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = epoch};

	CHECK_EQUAL(store_put(stand, &object, dkey, "a", fill, 5000, &change), 0);
}

static int64_t
fill_at(struct stand *stand, const char *dkey, uint64_t epoch)
{
	struct vos_object object = plain_object(0);
	uint8_t fill = 0;
	int64_t size = store_get(stand, &object, dkey, "a", epoch, &fill);

	return size > 0 ? fill : size;
}

static struct vos_audit
figures(struct stand *stand)
{
	struct vos_audit audit;

	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	return audit;
}

/* ------------------------------------------------ single values */

static int
versions_body(void *argument)
{
	struct stand *stand = argument;

	for (uint32_t i = 1; i <= 9; i++)
		put(stand, "d", (uint8_t)i, i * 100);
	SNAPSHOT(250, 260, 650);
	collect_all(stand, 2000);
	CHECK_EQUAL(figures(stand).values, 3);
	CHECK_EQUAL(figures(stand).stale, 0);
	CHECK_EQUAL(fill_at(stand, "d", 250), 2);
	CHECK_EQUAL(fill_at(stand, "d", 260), 2);
	CHECK_EQUAL(fill_at(stand, "d", 650), 6);
	CHECK_EQUAL(fill_at(stand, "d", EPOCH_MAX), 9);
	/* What is no snapshot cannot be read any more. */
	CHECK_EQUAL(fill_at(stand, "d", 251), -DER_TX_RESTART);
	CHECK_EQUAL(fill_at(stand, "d", 1999), -DER_TX_RESTART);
	CHECK_EQUAL(fill_at(stand, "d", 2000), 9);
	/* One of two that read the same is not enough; a store that was opened again knows what is
	 * parked. */
	stand->model.snapshots[0] = 260;
	stand->model.snapshots[1] = 650;
	stand->model.snapshot_count = 2;
	stand_set_snapshots(stand);
	collect_all(stand, 2100);
	CHECK_EQUAL(figures(stand).values, 3);
	CHECK_EQUAL(fill_at(stand, "d", 260), 2);
	return 0;
}

static int
versions_go_body(void *argument)
{
	struct stand *stand = argument;

	/* It was removed while the store was closed. */
	SNAPSHOT(650);
	collect_all(stand, 2100);
	CHECK_EQUAL(figures(stand).values, 2);
	CHECK_EQUAL(fill_at(stand, "d", 650), 6);
	/* A change while the object is parked. */
	put(stand, "d", 10, 3000);
	collect_all(stand, 4000);
	CHECK_EQUAL(figures(stand).values, 2);
	CHECK_EQUAL(fill_at(stand, "d", 650), 6);
	no_snapshots(stand);
	collect_all(stand, 4000);
	CHECK_EQUAL(figures(stand).values, 1);
	CHECK_EQUAL(fill_at(stand, "d", EPOCH_MAX), 10);
	return 0;
}

static void
versions(void **state)
{
	struct stand stand = {0};

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, versions_body);
	stand_reopen(&stand);
	stand_run(&stand, versions_go_body);
	stand_stop(&stand);
}

/* ------------------------------------------------ punches */

static int
punches_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 300};
	struct vos_key dkey = text_key("d");
	uint64_t group;

	put(stand, "d", 1, 100);
	put(stand, "d", 2, 200);
	CHECK_EQUAL(vos_punch_dkeys(stand->container, &object, &dkey, 1, &change, &group), 0);
	put(stand, "d", 4, 400);
	change.epoch = 500;
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), 0);
	put(stand, "e", 6, 600);
	change.epoch = 700;
	CHECK_EQUAL(vos_punch_object(stand->container, &object, &change, &group), 0);
	/* The newest of d is hidden, and an older one is not. */
	SNAPSHOT(150, 350);
	collect_all(stand, 1000);
	CHECK_EQUAL(figures(stand).values, 1);
	CHECK_EQUAL(fill_at(stand, "d", 150), 1);
	CHECK_EQUAL(fill_at(stand, "d", 350), 0);
	CHECK_EQUAL(fill_at(stand, "e", 350), 0);
	CHECK_EQUAL(fill_at(stand, "d", EPOCH_MAX), 0);
	/* The object without a dkey. */
	SNAPSHOT(350);
	collect_all(stand, 1000);
	CHECK_EQUAL(figures(stand).values, 0);
	CHECK_EQUAL(figures(stand).objects, 1);
	no_snapshots(stand);
	collect_all(stand, 1000);
	CHECK_EQUAL(figures(stand).objects, 0);
	return 0;
}

static void
punches(void **state)
{
	(void)state;
	stand_test(punches_body);
}

/* ------------------------------------------------ arrays */

static int
arrays_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);

	for (uint32_t i = 1; i <= 20; i++)
		CHECK_EQUAL(put_extent(stand, &object, "d", (struct vos_extent){i, 100}, (uint8_t)i,
				       i * 100),
			    0);
	SNAPSHOT(550, 1550);
	collect_all(stand, 5000);
	for (uint32_t i = 1; i <= 15; i++) {
		CHECK_EQUAL(get_byte(stand, &object, "d", i, 1550), i);
		CHECK_EQUAL(get_byte(stand, &object, "d", i, 550), min_of(i, 5u));
	}
	CHECK_EQUAL(get_byte(stand, &object, "d", 105, 550), 0);
	CHECK_EQUAL(get_byte(stand, &object, "d", 105, 1550), 15);
	no_snapshots(stand);
	collect_all(stand, 5000);
	CHECK_EQUAL(figures(stand).extents, 20);
	return 0;
}

static void
arrays(void **state)
{
	(void)state;
	stand_test(arrays_body);
}

/* ------------------------------------------------ the rules */

/* Without a call nothing is collected, but what was destroyed is. */
static int
unknown_body(void *argument)
{
	struct stand *stand = argument;
	uint64_t group;

	collect_all(stand, 2000);
	CHECK_EQUAL(figures(stand).values, 2);
	CHECK_EQUAL(fill_at(stand, "d", 150), 1);
	CHECK_EQUAL(vos_container_destroy(stand->vos, container_name(), &group), 0);
	collect_all(stand, 2000);
	CHECK_EQUAL(figures(stand).values, 0);
	CHECK_EQUAL(vos_container_create(stand->vos, container_name(), &group), 0);
	return 0;
}

/* As an opening without the call. */
static int
unknown_open_body(void *argument)
{
	struct stand *stand = argument;

	vos_container_close(stand->container);
	vos_close(stand->vos);
	CHECK_EQUAL(vos_open(stand->heap, &stand->vos), 0);
	CHECK_EQUAL(vos_container_open(stand->vos, container_name(), &stand->container), 0);
	put(stand, "d", 1, 100);
	put(stand, "d", 2, 200);
	return unknown_body(stand);
}

static void
unknown(void **state)
{
	(void)state;
	stand_test(unknown_open_body);
}

static int
limits_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct vos_change change = {.epoch = 500};
	uint64_t *epochs = malloc((VOS_SNAPSHOTS_MAX + 1) * sizeof(*epochs));

	for (uint32_t i = 0; i <= VOS_SNAPSHOTS_MAX; i++)
		epochs[i] = 1000 + i;
	CHECK_EQUAL(vos_set_snapshots(stand->vos, container_name(), epochs, VOS_SNAPSHOTS_MAX + 1),
		    -DER_OVERFLOW);
	CHECK_EQUAL(vos_set_snapshots(stand->vos, container_name(), epochs, VOS_SNAPSHOTS_MAX), 0);
	free(epochs);
	/* A change below the newest snapshot comes too late, also after closing. */
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), -DER_TX_RESTART);
	vos_container_close(stand->container);
	CHECK_EQUAL(vos_container_open(stand->vos, container_name(), &stand->container), 0);
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), -DER_TX_RESTART);
	change.epoch = 1000 + VOS_SNAPSHOTS_MAX;
	CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), 0);
	return 0;
}

static void
limits(void **state)
{
	(void)state;
	stand_test(limits_body);
}

/* ------------------------------------------------ one container of many */

/* More stale objects than one turn looks at. */
#define OTHERS 300u
#define TURNS 20u

static int
aggregate_body(void *argument)
{
	struct stand *stand = argument;
	const struct uuid name = uuid_make(9, 9);
	struct vos_aggregation aggregation = {.order = 0};
	struct vos_container *first = stand->container;
	struct vos_object object = plain_object(0);
	struct vos_change change;
	uint64_t group;
	uint32_t turns = 0;
	int rc = 1;

	for (uint32_t i = 0; i < 2 * OTHERS; i++) {
		change = (struct vos_change){.epoch = 100 + i};
		object.id.lo = 100 + i % OTHERS;
		CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), 0);
	}
	CHECK_EQUAL(vos_container_create(stand->vos, name, &group), 0);
	CHECK_EQUAL(vos_container_open(stand->vos, name, &stand->container), 0);
	object.id.lo = 1;
	for (uint32_t i = 0; i < 2; i++) {
		change = (struct vos_change){.epoch = 1000 + i};
		CHECK_EQUAL(store_put(stand, &object, "d", "a", 1, 10, &change), 0);
	}
	no_snapshots(stand);
	CHECK_EQUAL(vos_set_snapshots(stand->vos, name, NULL, 0), 0);
	CHECK_EQUAL(figures(stand).values, 2 * OTHERS + 2);
	/* What is passed over in one turn is not looked at again in the next one. */
	while (rc > 0 && turns++ < TURNS)
		rc = vos_aggregate(stand->vos, name, 2000, 1, &aggregation);
	CHECK_EQUAL(rc, 0);
	CHECK_EQUAL(figures(stand).values, 2 * OTHERS + 1);
	vos_container_close(stand->container);
	stand->container = first;
	return 0;
}

static void
aggregate(void **state)
{
	(void)state;
	stand_test(aggregate_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions), cmocka_unit_test(punches), cmocka_unit_test(arrays),
		cmocka_unit_test(unknown),  cmocka_unit_test(limits),  cmocka_unit_test(aggregate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
