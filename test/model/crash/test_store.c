/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Power cuts under what keeps a store going: log, checkpoint, collection, containers, service
 * stores, heaps that come and go, requests. See bed.h. */
#include "bed.h"

/* ------------------------------------------------ log and checkpoint */

static void
put_numbered(struct crash_bed *bed, uint32_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "key %u", number % 7);
	put_single(bed, 1, name, "a", 3000, number);
}

static void
near_the_end_of_the_ring(struct crash_bed *bed)
{
	uint32_t number = 100;

	while (bed->media->next_block + 8 < bed->media->ring_blocks) {
		put_numbered(bed, number++);
		bed_wait(bed);
		if (number % 50 == 0)
			CHECK_EQUAL(media_checkpoint(bed->media), 0);
	}
	CHECK(bed->media->next_block + 8 < bed->media->ring_blocks + 8);
}

static void
large_and_numbered(struct crash_bed *bed, uint32_t number)
{
	if (number % 4 == 3)
		put_array(bed, 2, "dkey", "array", number * 1000, 30000, number);
	else
		put_numbered(bed, number);
}

static void
checkpoint_step(struct crash_bed *bed, uint32_t number)
{
	if (number % 2 == 0) {
		put_numbered(bed, number);
		put_array(bed, 2, "dkey", "array", number * 1000, 9000, number);
		return;
	}
	bed_wait(bed);
	CHECK_EQUAL(media_checkpoint(bed->media), 0);
}

/* The log is closed by an empty group, then goes on. */
static void
then_idle(struct crash_bed *bed, uint32_t number)
{
	put_numbered(bed, number);
	bed_wait(bed);
	CHECK_EQUAL(fiber_sleep(30000000), 0);
	CHECK(bed->media->known_durable >= bed->media->newest_record);
}

/* ------------------------------------------------ data */

/* The data space is nearly full: what is overwritten must be freed before the next one fits. */
static void
nearly_full(struct crash_bed *bed)
{
	for (uint32_t i = 0; i < 3; i++) {
		put_array(bed, 1, "dkey", "array", i << 20, 1 << 20, i);
		bed_wait(bed);
	}
}

static void
reuse_data(struct crash_bed *bed, uint32_t number)
{
	if (number % 2 == 0) {
		put_array(bed, 1, "dkey", "array", (number / 2 % 3) << 20, 1 << 20, 4 + number);
		return;
	}
	bed_wait(bed);
	bed_collect(bed);
	put_single(bed, 2, "dkey", "collected", number, number);
	bed_wait(bed);
	CHECK_EQUAL(media_settle(bed->media), 0);
}

/* Freed by a punch that only replay knows of, and wanted at once. */
static void
reuse_after_punch(struct crash_bed *bed, uint32_t number)
{
	const char *name = number / 2 % 2 ? "key 1" : "key 0";

	if (number % 2 == 0) {
		put_single(bed, 3, name, "a", 1000000 + number, number);
		return;
	}
	punch_dkey(bed, 3, name);
	bed_wait(bed);
	bed_collect(bed);
}

/* ------------------------------------------------ collection */

static void
many_versions(struct crash_bed *bed)
{
	for (uint32_t i = 0; i < 20; i++) {
		put_single(bed, 1, "dkey", "value", 200 + i * 300, i);
		put_array(bed, 1, "dkey", "array", i * 40, 500, i);
		bed_wait(bed);
	}
}

static void
collect_some(struct crash_bed *bed, uint32_t number)
{
	const struct group *open;

	(void)number;
	CHECK(vos_collect(bed->vos, EPOCH_OF(bed->epoch), 4) >= 0);
	open = bed->media->open;
	bed->group = open && open->record_count > 0 ? open->sequence : bed->media->newest;
}

static void
punched_keys(struct crash_bed *bed)
{
	many_versions(bed);
	put_single(bed, 2, "dkey of more than sixteen bytes", "a", 9000, 3);
	punch_akey(bed, 1, "dkey", "array");
	punch_object(bed, 2);
}

static void
second_container(struct crash_bed *bed)
{
	struct vos_container *first = bed->container;

	CHECK_EQUAL(vos_container_create(bed->vos, container_id(1), &bed->group), 0);
	CHECK_EQUAL(vos_container_open(bed->vos, container_id(1), &bed->container), 0);
	many_versions(bed);
	vos_container_close(bed->container);
	bed->container = first;
	put_single(bed, 1, "dkey", "value", 10, 1);
}

static void
destroyed_container(struct crash_bed *bed)
{
	second_container(bed);
	CHECK_EQUAL(vos_container_destroy(bed->vos, container_id(1), &bed->group), 0);
}

static void
create_container(struct crash_bed *bed, uint32_t number)
{
	CHECK_EQUAL(vos_container_create(bed->vos, container_id(1 + number), &bed->group), 0);
}

static void
destroy_container(struct crash_bed *bed, uint32_t number)
{
	if (number == 0)
		CHECK_EQUAL(vos_container_destroy(bed->vos, container_id(1), &bed->group), 0);
	else
		create_container(bed, 0);
}

/* ------------------------------------------------ requests */

static int
numbered_request(struct crash_bed *bed, uint32_t number, uint64_t epoch)
{
	struct request_id request = {.client = uuid_make(5, 6),
				     .sequence = number + 1,
				     .confirmed = 1,
				     .first_sent = EPOCH_OF(1)};
	struct vos_change change = {
		.epoch = EPOCH_OF(epoch), .conditions = VOS_COND_DKEY_INSERT, .request = &request};
	struct iovec iov = {(void *)(uintptr_t)content_of(number, 30), 30};
	struct vos_akey akey = {.key = text_key("a"),
				.type = VOS_SINGLE,
				.record_size = 30,
				.payload = &iov,
				.payload_count = 1};
	struct vos_object name = object_of(1);
	char dkey[16];

	snprintf(dkey, sizeof(dkey), "request %u", number);
	return vos_update(bed->container, &name, text_key(dkey), &akey, 1, &change, &bed->group);
}

static void
request_step(struct crash_bed *bed, uint32_t number)
{
	CHECK_EQUAL(numbered_request(bed, number, ++bed->epoch), 0);
}

/* All that were executed get their first answer: executed again, they would find the key. */
static void
requests_again(struct crash_bed *bed, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++)
		CHECK_EQUAL(numbered_request(bed, i, ++bed->epoch), 0);
	bed_wait(bed);
}

static void
some_requests(struct crash_bed *bed)
{
	put_numbered(bed, 0);
	for (uint32_t i = 0; i < 9; i++)
		request_step(bed, i);
}

static void
forget_step(struct crash_bed *bed, uint32_t number)
{
	if (number == 0)
		CHECK_EQUAL(vos_forget_client(bed->vos, uuid_make(5, 6), &bed->group), 0);
	else
		put_numbered(bed, number);
}

/* ------------------------------------------------ service stores */

static struct request_id
proposal_request(uint32_t number)
{
	return (struct request_id){.client = uuid_make(7, 8),
				   .sequence = number + 1,
				   .confirmed = 1,
				   .first_sent = EPOCH_OF(1)};
}

static void
propose(struct crash_bed *bed, uint32_t number)
{
	struct request_id request = proposal_request(number);
	char text[16] = {'n', 'a', 'm', 'e', ' ', (char)('0' + number)};
	struct metadb_write writes[3] = {
		{.key = metadb_text("shared"), .value = {content_of(number, 50), 50}},
		{.key = metadb_text(text), .value = {content_of(number, 9000), 9000}},
		{.key = metadb_text("name 1"), .remove = number > 2},
	};
	struct metadb_proposal proposal = {.request = &request,
					   .writes = writes,
					   .write_count = number > 2 ? 3 : 2,
					   .result = {text, sizeof(text)}};

	CHECK_EQUAL(metadb_propose(bed->metadb, &proposal, NULL), 0);
	bed->group = media_durable_group(bed->media);
}

static void
answers_kept(struct crash_bed *bed, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		struct request_id request = proposal_request(i);
		struct metadb_bytes result;
		char text[16] = {0};

		snprintf(text, sizeof(text), "name %u", i);
		CHECK_EQUAL(metadb_answered(bed->metadb, &request, &result), 0);
		CHECK(result.length == sizeof(text) && memcmp(result.data, text, 16) == 0);
		metadb_bytes_free(bed->metadb, &result);
	}
}

/* ------------------------------------------------ heaps that come and go */

#define SECOND "pools/second"

/* As the owner of pools does it: the heap first, then the record that it exists. */
static void
create_second(struct crash_bed *bed)
{
	struct heap_options options = {.heap_size = 4 * HEAP_ZONE, .data_size = 1 << 20};
	struct vos *vos;
	uint64_t group;

	options.id.bytes[0] = (uint8_t)(40 + bed->epoch);
	CHECK_EQUAL(heap_create(bed->media, SECOND, &options), 0);
	CHECK_EQUAL(heap_open(bed->media, SECOND, &bed->second), 0);
	CHECK_EQUAL(vos_format(bed->second), 0);
	CHECK_EQUAL(vos_open(bed->second, &vos), 0);
	CHECK_EQUAL(vos_container_create(vos, container_id(0), &group), 0);
	CHECK_EQUAL(media_wait(bed->media, group), 0);
	vos_close(vos);
}

static void
remove_second(struct crash_bed *bed)
{
	heap_forget(bed->second);
	bed->second = NULL;
	CHECK_EQUAL(heap_remove(bed->env->storage, SECOND), 0);
}

static void
come_and_go(struct crash_bed *bed, uint32_t number)
{
	if (number % 2 == 0) {
		create_second(bed);
		put_single(bed, 9, "pools", "second", 10, number);
		return;
	}
	punch_dkey(bed, 9, "pools");
	bed_wait(bed);
	remove_second(bed);
}

/* What is recorded is there; what is not is removed, and may be made again. */
static void
second_as_recorded(struct crash_bed *bed, uint32_t steps)
{
	struct vos_container *container;
	struct vos *vos;

	if (steps % 2 == 0) {
		if (bed->second)
			heap_forget(bed->second);
		CHECK(heap_remove(bed->env->storage, SECOND) <= 0);
		create_second(bed);
	}
	CHECK(bed->second);
	CHECK_EQUAL(vos_open(bed->second, &vos), 0);
	CHECK_EQUAL(vos_container_open(vos, container_id(0), &container), 0);
	vos_container_close(container);
	vos_close(vos);
}

/* ------------------------------------------------ kinds */

static void
class_18_log_and_checkpoint(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("checkpoint", NULL, checkpoint_step, 8, .partial = true),
		KIND("log wraps", near_the_end_of_the_ring, put_numbered, 14),
		KIND("log wraps with payload", near_the_end_of_the_ring, large_and_numbered, 20,
		     .inline_limit = 65536),
		KIND("idle close", NULL, then_idle, 4),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.3);
}

static void
class_20_data_freed_and_reused(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("data freed and reused", nearly_full, reuse_data, 12, .partial = true,
		     .inline_limit = 4096),
		KIND("data of punched keys reused", NULL, reuse_after_punch, 14, .partial = true,
		     .inline_limit = 4096),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.2);
}

/* A heap whose files are somebody's old ones. */
static void
class_19_stale_backing(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("stale backing: checkpoint", NULL, checkpoint_step, 8, .partial = true,
		     .poisoned = true),
		KIND("stale backing: collection", punched_keys, collect_some, 12, .partial = true,
		     .poisoned = true),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.1);
}

static void
collection_and_containers(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("collection of versions", many_versions, collect_some, 12, .partial = true),
		KIND("collection of punched keys", punched_keys, collect_some, 12, .partial = true),
		KIND("collection of a destroyed container", destroyed_container, collect_some, 14,
		     .partial = true),
		KIND("container: create", NULL, create_container, 2),
		KIND("container: destroy, create again", second_container, destroy_container, 2),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.2);
}

static void
services_and_heaps(void **state)
{
	static const struct crash_kind kinds[] = {
		KIND("requests: their ring grows", NULL, request_step, 24,
		     .verify = requests_again),
		KIND("requests: a client is forgotten", some_requests, forget_step, 2,
		     .partial = true),
		KIND("service store: proposal", NULL, propose, 5, .with_metadb = true,
		     .verify = answers_kept),
		KIND("pool heap: create, forget, create again", NULL, come_and_go, 4,
		     .partial = true, .with_second = true, .verify = second_as_recorded),
	};

	(void)state;
	judge_kinds(kinds, ARRAY_SIZE(kinds), 0.2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_18_log_and_checkpoint),
		cmocka_unit_test(class_20_data_freed_and_reused),
		cmocka_unit_test(class_19_stale_backing),
		cmocka_unit_test(collection_and_containers),
		cmocka_unit_test(services_and_heaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
