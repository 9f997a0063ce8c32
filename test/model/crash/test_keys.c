/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Power cuts under changes of keys and of the trees that hold them: see bed.h. */
#include "bed.h"

static void
one_single(struct crash_bed *bed)
{
	put_single(bed, 1, "dkey", "value", 500, 1);
	put_single(bed, 1, "dkey", "other", 20, 2);
}

static void
one_array(struct crash_bed *bed)
{
	put_array(bed, 1, "dkey", "array", 1000, 3000, 1);
	put_array(bed, 1, "dkey", "array", 6000, 1000, 2);
}

/* ------------------------------------------------ several in one */

static void
several_akeys(struct crash_bed *bed, uint32_t number)
{
	static const char *const names[] = {"one", "two", "an akey of more than sixteen bytes"};
	struct vos_change change = {.epoch = EPOCH_OF(++bed->epoch)};
	struct vos_object name = object_of(4);
	struct vos_extent extents[2] = {{10, 3000}, {9000, 6000}};
	struct iovec iov = {(void *)(uintptr_t)content_of(number, 20000), 0};
	struct iovec iovs[3] = {iov, iov, iov};
	struct vos_akey akeys[3];

	for (uint32_t i = 0; i < 3; i++) {
		iovs[i].iov_len = i == 1 ? 9000 : 20 + i * 9000;
		akeys[i] = (struct vos_akey){.key = text_key(names[i]),
					     .type = i == 1 ? VOS_ARRAY : VOS_SINGLE,
					     .record_size = i == 1 ? 1 : iovs[i].iov_len,
					     .extents = extents,
					     .extent_count = i == 1 ? 2 : 1,
					     .payload = &iovs[i],
					     .payload_count = 1};
	}
	CHECK_EQUAL(vos_update(bed->container, &name, text_key("dkey"), akeys, 3, &change,
			       &bed->group),
		    0);
}

static void
long_keys(struct crash_bed *bed, uint32_t number)
{
	char dkey[5000];

	memset(dkey, 'k', sizeof(dkey));
	dkey[number ? 17 : 4999] = '\0';
	put_single(bed, 1, dkey, number ? "seventeen bytes.." : "a", 50, number);
}

/* ------------------------------------------------ punches */

static void
small_object(struct crash_bed *bed)
{
	put_single(bed, 1, "dkey", "value", 500, 1);
	put_single(bed, 1, "dkey", "large", 9000, 1);
	put_array(bed, 1, "dkey", "array", 1000, 3000, 1);
	put_array(bed, 1, "other", "array", 1000, 3000, 1);
	put_single(bed, 2, "dkey", "value", 500, 1);
}

static void
punch_akeys(struct crash_bed *bed, uint32_t number)
{
	static const char *const names[] = {"value", "array", "large"};

	punch_akey(bed, 1, "dkey", names[number]);
}

static void
punch_dkeys(struct crash_bed *bed, uint32_t number)
{
	punch_dkey(bed, 1, number ? "other" : "dkey");
}

static void
punch_objects(struct crash_bed *bed, uint32_t number)
{
	punch_object(bed, 1 + number);
}

static void
punched_object(struct crash_bed *bed)
{
	small_object(bed);
	punch_akey(bed, 1, "dkey", "value");
	punch_dkey(bed, 1, "other");
	punch_object(bed, 2);
}

static void
create_again(struct crash_bed *bed, uint32_t number)
{
	if (number == 0)
		put_single(bed, 1, "dkey", "value", 80, 9);
	else if (number == 1)
		put_array(bed, 1, "other", "array", 1500, 100, 9);
	else
		put_single(bed, 2, "dkey", "value", 80, 10);
}

/* ------------------------------------------------ trees */

static void
tree_grows(struct crash_bed *bed, uint32_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "key %u", number);
	put_single(bed, 5, name, "a", 10, number);
}

static void
full_trees(struct crash_bed *bed)
{
	for (uint32_t i = 0; i < 60; i++)
		tree_grows(bed, i);
}

/* Punched in an order of its own and collected at once: nodes are merged and freed. */
static void
tree_shrinks(struct crash_bed *bed, uint32_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "key %u", number * 7 % 60);
	punch_dkey(bed, 5, name);
	bed_wait(bed);
	bed_collect(bed);
}

static void
extents_split(struct crash_bed *bed, uint32_t number)
{
	put_array(bed, 1, "dkey", "array", 1000 + number * 50, 10, number);
}

static void
keys_and_trees(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("several akeys at once", NULL, several_akeys, 2, .history = true,
		     .inline_limit = 4096),
		KIND("keys of more than 16 bytes", one_single, long_keys, 2, .history = true),
		KIND("punch of an akey", small_object, punch_akeys, 3, .history = true),
		KIND("punch of a dkey", small_object, punch_dkeys, 2, .history = true),
		KIND("punch of an object", small_object, punch_objects, 2, .history = true),
		KIND("creation after a punch", punched_object, create_again, 3, .history = true),
		KIND("tree: nodes split", NULL, tree_grows, 45),
		KIND("tree: nodes merge", full_trees, tree_shrinks, 58, .partial = true),
		KIND("array: an extent is split often", one_array, extents_split, 30),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(keys_and_trees)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
