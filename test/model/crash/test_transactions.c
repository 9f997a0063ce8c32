/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Power cuts under transactions and beside snapshots: see bed.h. */
#include "bed.h"

/* ------------------------------------------------ what they change */

static void
before(struct crash_bed *bed)
{
	put_single(bed, 1, "written", "a", 100, 1);
	put_single(bed, 1, "punched", "a", 9000, 2);
	put_array(bed, 2, "written", "array", 0, 3000, 3);
	put_single(bed, 3, "punched with its object", "a", 50, 4);
}

struct change {
	struct vos_tx tx;
	uint32_t participants[2];
};

static struct uuid
transaction_id(uint32_t number)
{
	return uuid_make(0x7777, number);
}

/* One thing twice, so that minor epochs order it; a large value; all kinds of punches but one. */
static void
prepare(struct crash_bed *bed, uint32_t number, bool leads, uint64_t size)
{
	struct change change = {.participants = {3, 5}};
	struct vos_extent extent = {1000, size};
	struct iovec first = {(void *)(uintptr_t)content_of(10, 300), 300},
		     second = {(void *)(uintptr_t)content_of(11, 200), 200},
		     large = {(void *)(uintptr_t)content_of(12, size), size};
	struct vos_akey akeys[3] = {
		{.key = text_key("a"),
		 .type = VOS_SINGLE,
		 .record_size = 300,
		 .payload = &first,
		 .payload_count = 1},
		{.key = text_key("a"),
		 .type = VOS_SINGLE,
		 .record_size = 200,
		 .payload = &second,
		 .payload_count = 1},
		{.key = text_key("array"),
		 .type = VOS_ARRAY,
		 .record_size = 1,
		 .extents = &extent,
		 .extent_count = 1,
		 .payload = &large,
		 .payload_count = 1},
	};
	struct vos_key punched = text_key("punched");
	struct vos_op ops[] = {
		{.kind = VOS_OP_UPDATE,
		 .object = object_of(1),
		 .dkey = text_key("written"),
		 .akeys = &akeys[0],
		 .count = 1},
		{.kind = VOS_OP_PUNCH_DKEYS, .object = object_of(1), .keys = &punched, .count = 1},
		{.kind = VOS_OP_UPDATE,
		 .object = object_of(1),
		 .dkey = text_key("written"),
		 .akeys = &akeys[1],
		 .count = 1},
		{.kind = VOS_OP_UPDATE,
		 .object = object_of(2),
		 .dkey = text_key("written"),
		 .akeys = &akeys[2],
		 .count = 1},
		{.kind = VOS_OP_PUNCH_OBJECT, .object = object_of(3)},
	};

	change.tx = (struct vos_tx){.id = transaction_id(number),
				    .container = container_id(0),
				    .epoch = EPOCH_OF(++bed->epoch),
				    .leader = leads ? 1 : 3,
				    .leads = leads,
				    .participant_count = leads ? 2 : 0,
				    .participants = change.participants};
	CHECK_EQUAL(vos_tx_prepare(bed->container, &change.tx, ops, ARRAY_SIZE(ops), &bed->group),
		    0);
}

static void
expect_stored(struct crash_bed *bed, uint32_t object, const char *dkey, const char *name,
	      uint64_t index, uint64_t size, uint32_t seed)
{
	struct vos_extent extent = {index, size};
	bool array = strcmp(name, "array") == 0;
	struct vos_akey akey = {.key = text_key(name),
				.type = array ? VOS_ARRAY : VOS_SINGLE,
				.extents = &extent,
				.extent_count = 1};
	struct vos_object of = object_of(object);
	struct vos_fetched fetched;

	CHECK_EQUAL(vos_fetch(bed->container, &of, text_key(dkey), &akey, 1, EPOCH_MAX, 0, 0,
			      &fetched),
		    0);
	CHECK_EQUAL(fetched.record_size != 0, size != 0);
	CHECK_EQUAL(fetched.length, size);
	if (size != 0)
		CHECK(memcmp(fetched.data, content_of(seed, size), size) == 0);
	vos_fetched_free(bed->container, &fetched, 1);
}

/* All of it, or nothing. */
static void
expect_all(struct crash_bed *bed, bool applied, uint64_t size)
{
	expect_stored(bed, 1, "written", "a", 0, applied ? 200 : 100, applied ? 11 : 1);
	expect_stored(bed, 1, "punched", "a", 0, applied ? 0 : 9000, 2);
	expect_stored(bed, 2, "written", "array", applied ? 1000 : 0, applied ? size : 3000,
		      applied ? 12 : 3);
	expect_stored(bed, 3, "punched with its object", "a", 0, applied ? 0 : 50, 4);
}

static void
apply(struct crash_bed *bed, uint32_t number)
{
	CHECK_EQUAL(vos_tx_apply(bed->vos, transaction_id(number), &bed->group), 0);
	bed_wait(bed);
}

static struct request_id
commit_request(void)
{
	return (struct request_id){
		.client = uuid_make(5, 6), .sequence = 1, .confirmed = 1, .first_sent = 1};
}

static void
decide(struct crash_bed *bed, uint32_t number)
{
	struct request_id request = commit_request();

	CHECK_EQUAL(vos_tx_decide(bed->vos, transaction_id(number), &request, &bed->group), 0);
}

static void
forget(struct crash_bed *bed, uint32_t number)
{
	CHECK_EQUAL(vos_tx_forget(bed->vos, transaction_id(number), &bed->group), 0);
	bed_wait(bed);
}

/* Forgotten in the end, it looks as before it was prepared: what can be read tells. */
static bool
is_applied(struct crash_bed *bed)
{
	struct vos_akey akey = {.key = text_key("a"), .type = VOS_SINGLE};
	struct vos_object name = object_of(1);
	struct vos_fetched fetched;
	bool applied;

	CHECK_EQUAL(vos_fetch(bed->container, &name, text_key("written"), &akey, 1, EPOCH_MAX, 0, 0,
			      &fetched),
		    0);
	applied = fetched.length == 200;
	vos_fetched_free(bed->container, &fetched, 1);
	return applied;
}

static bool
is_punched(struct crash_bed *bed)
{
	struct vos_akey akey = {.key = text_key("a"), .type = VOS_SINGLE};
	struct vos_object name = object_of(1);
	struct vos_fetched fetched;
	bool punched;

	CHECK_EQUAL(vos_fetch(bed->container, &name, text_key("punched"), &akey, 1, EPOCH_MAX, 0, 0,
			      &fetched),
		    0);
	punched = fetched.record_size == 0;
	vos_fetched_free(bed->container, &fetched, 1);
	return punched;
}

/* ------------------------------------------------ kinds: steps, and how each state goes on */

#define SMALL 2000u
#define LARGE 200000u

static void
lead_step(struct crash_bed *bed, uint32_t number)
{
	uint64_t size = bed->kind->inline_limit ? LARGE : SMALL;

	switch (number) {
	case 0:
		prepare(bed, 1, true, size);
		break;
	case 1:
		bed_wait(bed);
		decide(bed, 1);
		break;
	case 2:
		bed_wait(bed);
		apply(bed, 1);
		break;
	default:
		forget(bed, 1);
		break;
	}
}

/* A leader that comes back goes on from what it finds; one that had not decided gives up. */
static void
lead_on(struct crash_bed *bed, uint32_t steps)
{
	uint64_t size = bed->kind->inline_limit ? LARGE : SMALL;

	if (steps == 1)
		forget(bed, 1);
	/* The commit that was sent again gets its answer. */
	if (steps >= 2 && steps < 4)
		decide(bed, 1);
	if (steps >= 2 && steps < 4) {
		apply(bed, 1);
		apply(bed, 1);
		forget(bed, 1);
	}
	forget(bed, 1);
	expect_all(bed, steps >= 2 || (steps == 0 && is_applied(bed)), size);
}

static void
follow_step(struct crash_bed *bed, uint32_t number)
{
	if (number == 0) {
		prepare(bed, 1, false, SMALL);
		return;
	}
	bed_wait(bed);
	apply(bed, 1);
}

/* The leader says that it is committed, however often. */
static void
follow_on(struct crash_bed *bed, uint32_t steps)
{
	if (steps >= 1) {
		apply(bed, 1);
		apply(bed, 1);
	}
	expect_all(bed, steps >= 1 || is_applied(bed), SMALL);
}

static void
abort_step(struct crash_bed *bed, uint32_t number)
{
	if (number % 2 == 0) {
		prepare(bed, 1 + number, true, SMALL);
		return;
	}
	bed_wait(bed);
	forget(bed, number);
}

static void
abort_on(struct crash_bed *bed, uint32_t steps)
{
	if (steps % 2)
		forget(bed, steps);
	expect_all(bed, false, SMALL);
	/* Nobody is in the way any more. */
	put_single(bed, 1, "written", "a", 70, 9);
	expect_stored(bed, 1, "written", "a", 0, 70, 9);
	put_array(bed, 2, "written", "array", 0, 3000, 9);
}

static void
transactions(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("transaction: leader", before, lead_step, 4, .partial = true,
		     .undecided = true, .verify = lead_on),
		KIND("transaction: leader, large payload", before, lead_step, 4, .partial = true,
		     .undecided = true, .verify = lead_on, .inline_limit = 4096),
		KIND("transaction: participant", before, follow_step, 2, .partial = true,
		     .undecided = true, .verify = follow_on),
		KIND("transaction: abort", before, abort_step, 6, .partial = true,
		     .undecided = true, .verify = abort_on),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.5);
}

/* ------------------------------------------------ punches not yet committed, and collection */

/* After before(). */
#define BEFORE 4u

static void
before_kept(struct crash_bed *bed)
{
	before(bed);
	CHECK_EQUAL(bed->epoch, BEFORE);
	bed_set_snapshots(bed, BEFORE);
}

/* Punches at each level, and a write under one of them at the same epoch. */
static void
prepare_punches(struct crash_bed *bed)
{
	struct iovec iov = {(void *)(uintptr_t)content_of(11, 200), 200};
	struct vos_akey value = {.key = text_key("a"),
				 .type = VOS_SINGLE,
				 .record_size = 200,
				 .payload = &iov,
				 .payload_count = 1};
	struct vos_key akey = text_key("a"), dkey = text_key("punched");
	struct vos_op ops[] = {
		{.kind = VOS_OP_PUNCH_AKEYS,
		 .object = object_of(1),
		 .dkey = text_key("written"),
		 .keys = &akey,
		 .count = 1},
		{.kind = VOS_OP_PUNCH_DKEYS, .object = object_of(1), .keys = &dkey, .count = 1},
		{.kind = VOS_OP_PUNCH_OBJECT, .object = object_of(3)},
		{.kind = VOS_OP_UPDATE,
		 .object = object_of(3),
		 .dkey = text_key("punched with its object"),
		 .akeys = &value,
		 .count = 1},
	};
	struct vos_tx tx = {.id = transaction_id(1),
			    .container = container_id(0),
			    .epoch = EPOCH_OF(++bed->epoch),
			    .leader = 1,
			    .leads = true};

	CHECK_EQUAL(vos_tx_prepare(bed->container, &tx, ops, ARRAY_SIZE(ops), &bed->group), 0);
}

static void
collect_all(struct crash_bed *bed)
{
	bed_wait(bed);
	for (uint32_t i = 0; i < 50; i++)
		CHECK(vos_collect(bed->vos, EPOCH_SEEN(bed->epoch), 1 + i % 3) >= 0);
	bed->group = media_open_group(bed->media) - 1;
}

static void
punch_step(struct crash_bed *bed, uint32_t number)
{
	if (number == 0)
		prepare_punches(bed);
	else if (number % 2)
		collect_all(bed);
	else if (number == 2)
		decide(bed, 1);
	else
		apply(bed, 1);
}

static void
expect_punched(struct crash_bed *bed, bool applied)
{
	expect_stored(bed, 1, "written", "a", 0, applied ? 0 : 100, 1);
	expect_stored(bed, 1, "punched", "a", 0, applied ? 0 : 9000, 2);
	expect_stored(bed, 3, "punched with its object", "a", 0, applied ? 200 : 50,
		      applied ? 11 : 4);
}

/* Decided or not, what the punches hide is as it must be, before collection and after it, and when
 * it is written again. */
static void
punch_on(struct crash_bed *bed, uint32_t steps)
{
	enum vos_tx_state state;
	int rc = vos_tx_state(bed->vos, transaction_id(1), &state);
	bool applied = rc == 0 ? state != VOS_TX_PREPARED : is_punched(bed);

	CHECK(rc == 0 || rc == -DER_NONEXIST);
	CHECK(steps < 4 || applied);
	if (rc == 0 && applied)
		apply(bed, 1);
	forget(bed, 1);
	expect_punched(bed, applied);
	collect_all(bed);
	expect_punched(bed, applied);
	put_single(bed, 1, "punched", "a", 77, 9);
	put_single(bed, 1, "written", "a", 78, 9);
	collect_all(bed);
	expect_stored(bed, 1, "punched", "a", 0, 77, 9);
	expect_stored(bed, 1, "written", "a", 0, 78, 9);
}

static void
class_21_punch_and_collection(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("punch in a transaction, and collection", before_kept, punch_step, 6,
		     .partial = true, .undecided = true, .snapshot = BEFORE, .verify = punch_on),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.2);
}

/* ------------------------------------------------ snapshots */

#define SNAPSHOT 21u

static void
versions_around(struct crash_bed *bed)
{
	for (uint32_t i = 0; i < 20; i++) {
		put_single(bed, 1, "dkey", "value", 200 + i * 300, i);
		put_array(bed, 1, "dkey", "array", i * 40, 500, i);
		bed_wait(bed);
		if (bed->epoch == SNAPSHOT + 1)
			punch_akey(bed, 1, "dkey", "array");
	}
	CHECK(bed->epoch > SNAPSHOT);
	if (bed->kind->snapshot)
		bed_set_snapshots(bed, bed->kind->snapshot);
}

static void
collect_some(struct crash_bed *bed, uint32_t number)
{
	const struct group *open;

	(void)number;
	CHECK(vos_collect(bed->vos, EPOCH_SEEN(bed->epoch), 4) >= 0);
	open = bed->media->open;
	bed->group = open && open->record_count > 0 ? open->sequence : bed->media->newest;
}

/* Collected with a snapshot that is gone now: what it kept is to be found. */
static void
snapshot_gone(struct crash_bed *bed)
{
	versions_around(bed);
	bed_set_snapshots(bed, SNAPSHOT);
	bed_collect(bed);
	bed_set_snapshots(bed, 0);
}

static void
class_22_snapshots_and_collection(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("collection beside a snapshot", versions_around, collect_some, 12,
		     .partial = true, .snapshot = SNAPSHOT),
		KIND("collection after a snapshot", snapshot_gone, collect_some, 12,
		     .partial = true),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions),
		cmocka_unit_test(class_21_punch_and_collection),
		cmocka_unit_test(class_22_snapshots_and_collection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
