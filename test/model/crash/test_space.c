/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A store that is filled to the refusal, emptied and collected, a hundred times: what is free then
 * is what was free at first, to the byte. Whatever frees space succeeds in the fullest store; power
 * fails now and then on the way.
 */
#include "bed.h"

#define ROUNDS 100u
#define KEYS 400u

struct fill_bed {
	struct crash_bed bed;
	uint64_t seed;
	uint32_t written;
	struct heap_space fresh;
	uint32_t round;
};

static uint64_t
draw(struct fill_bed *here, uint64_t limit)
{
	here->seed = mix64(here->seed + 0x9e3779b97f4a7c15ull);
	return (here->seed >> 11) % limit;
}

static int
write_one(struct fill_bed *here, uint64_t size)
{
	struct crash_bed *bed = &here->bed;
	struct vos_change change = {.epoch = EPOCH_OF(++bed->epoch)};
	struct vos_object name = object_of((uint32_t)draw(here, 3));
	struct iovec iov = {(void *)(uintptr_t)content_of((uint32_t)size, size), size};
	struct vos_extent extent = {draw(here, 100000), size};
	bool array = draw(here, 2);
	struct vos_akey akey = {.key = text_key(array ? "array" : "single"),
				.type = array ? VOS_ARRAY : VOS_SINGLE,
				.record_size = array ? 1 : size,
				.extents = &extent,
				.extent_count = 1,
				.payload = &iov,
				.payload_count = 1};
	char dkey[32];
	int rc;

	snprintf(dkey, sizeof(dkey), draw(here, 2) ? "a longer name of a dkey %u" : "%u",
		 (uint32_t)draw(here, KEYS));
	rc = vos_update(bed->container, &name, text_key(dkey), &akey, 1, &change, &bed->group);
	here->written += rc == 0;
	return rc;
}

/* Until large values find no place, then until small ones find none. */
static void
fill(struct fill_bed *here)
{
	uint64_t sizes[] = {60000, 5000, 2000, 20};
	int rc;

	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		do
			rc = write_one(here, 1 + draw(here, sizes[i]));
		while (rc == 0);
		CHECK_EQUAL(rc, -DER_NOSPACE);
	}
	bed_wait(&here->bed);
}

/* One thing after the other, or the whole container. None of it may be refused. */
static void
delete_all(struct fill_bed *here)
{
	struct crash_bed *bed = &here->bed;
	char dkey[32];

	for (uint32_t i = 0; i < KEYS && here->round % 3 == 0; i++) {
		snprintf(dkey, sizeof(dkey), i % 2 ? "a longer name of a dkey %u" : "%u", i);
		punch_dkey(bed, i % 3, dkey);
		if (i % 50 == 0)
			CHECK(vos_collect(bed->vos, EPOCH_OF(bed->epoch), 10) >= 0);
	}
	for (uint32_t i = 0; i < 3 && here->round % 3 != 2; i++)
		punch_object(bed, i);
	if (here->round % 3 != 2) {
		bed_collect(bed);
		return;
	}
	vos_container_close(bed->container);
	CHECK_EQUAL(vos_container_destroy(bed->vos, container_id(0), &bed->group), 0);
	bed_collect(bed);
	CHECK_EQUAL(vos_container_create(bed->vos, container_id(0), &bed->group), 0);
	CHECK_EQUAL(vos_container_open(bed->vos, container_id(0), &bed->container), 0);
	bed_set_snapshots(bed, 0);
}

/* An empty store with one container that was written to. */
static void
settle(struct fill_bed *here, struct heap_space *ret_space)
{
	CHECK_EQUAL(media_checkpoint(here->bed.media), 0);
	CHECK_EQUAL(media_settle(here->bed.media), 0);
	heap_space(here->bed.heap, ret_space);
}

static int
round_body(void *argument)
{
	struct fill_bed *here = container_of(argument, struct fill_bed, bed);
	struct heap_space space;

	here->written = 0;
	fill(here);
	CHECK(here->written > 100 || here->round % 8 == 7);
	delete_all(here);
	settle(here, &space);
	if (here->round % 10 == 0)
		bed_audit(&here->bed);
	CHECK_EQUAL(space.heap_free, here->fresh.heap_free);
	CHECK_EQUAL(space.data_free, here->fresh.data_free);
	return 0;
}

static int
fresh_body(void *argument)
{
	struct fill_bed *here = container_of(argument, struct fill_bed, bed);

	settle(here, &here->fresh);
	return 0;
}

/* The power fails in the full store: what was begun is wholly there or not at all. */
static int
full_body(void *argument)
{
	struct fill_bed *here = container_of(argument, struct fill_bed, bed);

	fill(here);
	(void)write_one(here, 10);
	return 0;
}

static void
cut_power(struct fill_bed *here)
{
	struct memory_crash crash = {.kind = MEMORY_CRASH_RANDOM, .index = here->round};

	bed_run(&here->bed, full_body);
	bed_kill(&here->bed);
	memory_node_power_cut(here->bed.world, "node", &crash);
	bed_boot(&here->bed);
	bed_run(&here->bed, bed_open_body);
}

static void
class_27_full_and_empty(void **state)
{
	static const struct crash_kind kind = {.name = "space", .heap_zones = 4};
	struct fill_bed here = {.bed = {.kind = &kind}, .seed = 1};

	(void)state;
	CHECK_EQUAL(memory_world_create(1, &here.bed.world), 0);
	bed_boot(&here.bed);
	bed_run(&here.bed, bed_format_body);
	bed_run(&here.bed, fresh_body);
	for (here.round = 0; here.round < ROUNDS; here.round++) {
		if (here.round % 8 == 7)
			cut_power(&here);
		bed_run(&here.bed, round_body);
	}
	bed_shut(&here.bed);
	memory_world_destroy(here.bed.world);
	printf("%u rounds, %llu changes\n", ROUNDS, (unsigned long long)here.bed.epoch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(class_27_full_and_empty)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
