/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Classes of bugs that other stores have had, by their numbers in docs/testing.md, where a store in
 * one process can show them: hostile clocks, waits at every place, sums off every boundary, devices
 * that fail once.
 */
#include "bed.h"

/* ------------------------------------------------ 6: what was read is forgotten by a restart */

static int
prepare_at(struct crash_bed *bed, uint64_t epoch, uint32_t number)
{
	struct iovec iov = {(void *)(uintptr_t)content_of(1, 50), 50};
	struct vos_akey akey = {.key = text_key("a"),
				.type = VOS_SINGLE,
				.record_size = 50,
				.payload = &iov,
				.payload_count = 1};
	struct vos_op op = {.kind = VOS_OP_UPDATE,
			    .object = object_of(1),
			    .dkey = text_key("read"),
			    .akeys = &akey,
			    .count = 1};
	struct vos_tx tx = {.id = uuid_make(0x77, number),
			    .container = container_id(0),
			    .epoch = EPOCH_OF(epoch),
			    .leads = true};
	uint64_t group;
	int rc = vos_tx_prepare(bed->container, &tx, &op, 1, &group);

	if (rc == 0)
		CHECK_EQUAL(vos_tx_forget(bed->vos, tx.id, &group), 0);
	return rc;
}

/* A transaction read at 20 that there is nothing: another one may not put something there before.
 */
static int
read_body(void *argument)
{
	struct crash_bed *bed = argument;
	struct vos_object name = object_of(1);

	CHECK_EQUAL(prepare_at(bed, 10, 1), 0);
	vos_note_read(bed->container, &name, VOS_EXTENTS, text_key("read"), text_key("a"),
		      EPOCH_OF(20), uuid_make(0x77, 9));
	CHECK_EQUAL(prepare_at(bed, 19, 2), -DER_TX_RESTART);
	CHECK_EQUAL(prepare_at(bed, 21, 3), 0);
	return 0;
}

/* Nor after a restart, which lost what was read: its clock starts above all that was drawn. */
static int
restarted_body(void *argument)
{
	struct crash_bed *bed = argument;

	bed_open_body(bed);
	vos_set_floor(bed->vos, EPOCH_OF(30));
	CHECK_EQUAL(prepare_at(bed, 19, 4), -DER_TX_RESTART);
	CHECK_EQUAL(prepare_at(bed, 31, 5), 0);
	return 0;
}

static void
class_06_reads_before_a_restart(void **state)
{
	static const struct crash_kind kind = {.name = "reads"};
	struct crash_bed bed = {.kind = &kind};

	(void)state;
	CHECK_EQUAL(memory_world_create(1, &bed.world), 0);
	bed_boot(&bed);
	bed_run(&bed, bed_format_body);
	bed_run(&bed, read_body);
	bed_kill(&bed);
	bed_boot(&bed);
	bed_run(&bed, restarted_body);
	bed_shut(&bed);
	memory_world_destroy(bed.world);
}

/* ------------------------------------------------ 7: stamps from the future */

#define SECOND UINT64_C(1000000000)

/* Each stamp lies as far ahead as is taken, and a little more every time: the clock goes no further
 * than that beyond real time. */
static void
class_07_stamps_from_the_future(void **state)
{
	uint64_t now = HLC_START_NS + 1000 * SECOND, refused = 0;
	struct hlc clock;

	(void)state;
	hlc_init(&clock, 0);
	hlc_set_limit(&clock, UINT64_MAX);
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t ahead = HLC_EPSILON_NS / 2 + (uint64_t)i * SECOND / 10000;
		uint64_t stamp = max_of(hlc_from_realtime(now + ahead), hlc_latest(&clock) + 1);

		now += 1000;
		refused += hlc_observe(&clock, now, stamp) == -DER_HLC_SYNC;
		CHECK(hlc_latest(&clock) <= hlc_from_realtime(now + HLC_EPSILON_NS) + 1);
	}
	CHECK(refused > 10000);
	/* Real time overtakes it again. */
	now += 3 * SECOND;
	CHECK(hlc_now(&clock, now) >= hlc_from_realtime(now));
	CHECK(hlc_latest(&clock) <= hlc_from_realtime(now + SECOND / 1000));
}

/* ------------------------------------------------ 23: what a wait leaves stale */

#define WORKERS 12u
#define WORKER_KEYS 6u
#define WORKER_STEPS 120u

struct worker {
	struct crash_bed *bed;
	uint32_t number;
	uint64_t seed;
	uint32_t sizes[WORKER_KEYS]; /* 0: not there */
	uint32_t seeds[WORKER_KEYS];
};

static uint64_t
draw(uint64_t *seed, uint64_t limit)
{
	*seed = mix64(*seed + 0x9e3779b97f4a7c15ull);
	return (*seed >> 11) % limit;
}

static void
worker_key(const struct worker *worker, uint32_t key, char name[32])
{
	snprintf(name, 32, key % 2 ? "%u.%u" : "a longer name %u.%u", worker->number, key);
}

static void
worker_read(struct worker *worker, uint32_t key)
{
	struct vos_akey akey = {.key = text_key("value"), .type = VOS_SINGLE};
	struct vos_object name = object_of(1);
	struct vos_fetched fetched;
	char dkey[32];

	worker_key(worker, key, dkey);
	CHECK_EQUAL(vos_fetch(worker->bed->container, &name, text_key(dkey), &akey, 1, EPOCH_MAX, 0,
			      0, &fetched),
		    0);
	CHECK_EQUAL(fetched.length, worker->sizes[key]);
	if (fetched.length > 0)
		CHECK(memcmp(fetched.data, content_of(worker->seeds[key], fetched.length),
			     fetched.length) == 0);
	vos_fetched_free(worker->bed->container, &fetched, 1);
}

static void
worker_write(struct worker *worker, uint32_t key)
{
	char dkey[32];

	worker_key(worker, key, dkey);
	if (draw(&worker->seed, 4) == 0 && worker->sizes[key] != 0) {
		worker->sizes[key] = 0;
		punch_dkey(worker->bed, 1, dkey);
		return;
	}
	worker->sizes[key] =
		(uint32_t)(1 + draw(&worker->seed, draw(&worker->seed, 4) ? 900 : 40000));
	worker->seeds[key] = (uint32_t)draw(&worker->seed, 200);
	put_single(worker->bed, 1, dkey, "value", worker->sizes[key], worker->seeds[key]);
}

/* On one object all together; each knows its own keys. */
static int
worker_fiber(void *argument)
{
	struct worker *worker = argument;

	for (uint32_t i = 0; i < WORKER_STEPS; i++) {
		uint32_t key = (uint32_t)draw(&worker->seed, WORKER_KEYS);

		if (draw(&worker->seed, 2))
			worker_write(worker, key);
		else
			worker_read(worker, key);
		if (draw(&worker->seed, 8) == 0)
			CHECK(vos_collect(worker->bed->vos, EPOCH_OF(worker->bed->epoch), 7) >= 0);
		if (draw(&worker->seed, 40) == 0)
			CHECK_EQUAL(media_checkpoint(worker->bed->media), 0);
		fiber_yield();
	}
	return 0;
}

static int
workers_body(void *argument)
{
	static struct worker workers[WORKERS];
	struct crash_bed *bed = argument;
	struct fiber_group group;

	fiber_group_init(&group);
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.bed = bed, .number = i, .seed = bed->group + i};
		CHECK_EQUAL(fiber_group_start(&group, "worker", worker_fiber, &workers[i]), 0);
	}
	CHECK_EQUAL(fiber_group_wait(&group), 0);
	for (uint32_t i = 0; i < WORKERS * WORKER_KEYS; i++)
		worker_read(&workers[i / WORKER_KEYS], i % WORKER_KEYS);
	bed_audit(bed);
	return 0;
}

/* Zones are absent at first, so that look-ups wait; fibers go on in random order; what is freed is
 * poisoned by the sanitizer. */
static void
class_23_waits_at_every_place(void **state)
{
	static const char *const disks[] = {"log.log", "pool.heap", "pool.data"};
	static const struct crash_kind kind = {.name = "waits"};
	struct memory_disk_options slow = {
		.read_ns = 30000, .write_ns = 50000, .flush_ns = 80000, .any_order = true};

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct crash_bed bed = {.kind = &kind, .shuffle = true};

		CHECK_EQUAL(memory_world_create(seed, &bed.world), 0);
		bed_boot(&bed);
		bed_run(&bed, bed_format_body);
		for (uint32_t i = 0; i < ARRAY_SIZE(disks); i++)
			memory_disk_configure(bed.world, "node", disks[i], &slow);
		bed_run(&bed, workers_body);
		bed_shut(&bed);
		memory_world_destroy(bed.world);
	}
}

/* ------------------------------------------------ 24: sums off every boundary */

#define WINDOW 60000u /* bytes looked at */

struct window {
	struct crash_bed bed;
	uint64_t record_size, first; /* of the array */
	uint32_t records;
	uint8_t image[WINDOW];
	uint64_t seed;
};

static void
window_write(struct window *window)
{
	struct vos_change change = {.epoch = EPOCH_OF(++window->bed.epoch)};
	struct vos_object name = object_of(1);
	uint64_t start = draw(&window->seed, window->records);
	uint64_t count = 1 + draw(&window->seed, window->records - start);
	uint64_t bytes = count * window->record_size;
	const uint8_t *content = content_of((uint32_t)window->bed.epoch, bytes);
	struct iovec iov = {(void *)(uintptr_t)content, bytes};
	struct vos_extent extent = {window->first + start, count};
	struct vos_akey akey = {.key = text_key("array"),
				.type = VOS_ARRAY,
				.record_size = window->record_size,
				.extents = &extent,
				.extent_count = 1,
				.payload = &iov,
				.payload_count = 1};

	CHECK_EQUAL(vos_update(window->bed.container, &name, text_key("dkey"), &akey, 1, &change,
			       &window->bed.group),
		    0);
	memcpy(window->image + start * window->record_size, content, bytes);
}

static void
window_read(struct window *window)
{
	struct vos_object name = object_of(1);
	uint64_t start = draw(&window->seed, window->records);
	uint64_t count = 1 + draw(&window->seed, window->records - start);
	struct vos_extent extent = {window->first + start, count};
	struct vos_akey akey = {
		.key = text_key("array"), .type = VOS_ARRAY, .extents = &extent, .extent_count = 1};
	struct vos_fetched fetched;

	CHECK_EQUAL(vos_fetch(window->bed.container, &name, text_key("dkey"), &akey, 1, EPOCH_MAX,
			      0, 0, &fetched),
		    0);
	CHECK_EQUAL(fetched.record_size, window->record_size);
	CHECK_EQUAL(fetched.length, count * window->record_size);
	CHECK(memcmp(fetched.data, window->image + start * window->record_size, fetched.length) ==
	      0);
	vos_fetched_free(window->bed.container, &fetched, 1);
}

static int
window_body(void *argument)
{
	struct window *window = container_of(argument, struct window, bed);

	window_write(window);
	for (uint32_t i = 0; i < 30; i++) {
		window_write(window);
		if (i % 4 == 0)
			CHECK(vos_collect(window->bed.vos, EPOCH_OF(window->bed.epoch), 20) >= 0);
		if (i % 9 == 0) {
			bed_wait(&window->bed);
			CHECK_EQUAL(media_checkpoint(window->bed.media), 0);
		}
		for (uint32_t j = 0; j < 3; j++)
			window_read(window);
	}
	return 0;
}

static void
try_window(uint64_t record_size, uint64_t first)
{
	static const struct crash_kind kind = {.name = "sums"};
	static struct window window;

	window = (struct window){.bed = {.kind = &kind},
				 .record_size = record_size,
				 .first = first,
				 .records = (uint32_t)(WINDOW / record_size),
				 .seed = record_size + first};
	CHECK_EQUAL(memory_world_create(1, &window.bed.world), 0);
	bed_boot(&window.bed);
	bed_run(&window.bed, bed_format_body);
	bed_run(&window.bed, window_body);
	bed_shut(&window.bed);
	memory_world_destroy(window.bed.world);
}

static void
class_24_sums_off_every_boundary(void **state)
{
	static const uint64_t record_sizes[] = {1, 3, 7, 24, 1000, 4095, 4097, 20000};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(record_sizes); i++) {
		uint64_t size = record_sizes[i];

		try_window(size, 0);
		try_window(size, (UINT64_C(1) << 32) / size - 5);
		/* The last byte that an array may have, or so. */
		try_window(size, UINT64_MAX / size - WINDOW / size - 1);
	}
}

/* ------------------------------------------------ 25: a device that fails once */

struct failing {
	struct crash_bed bed;
	uint32_t acknowledged; /* values */
	bool failed;
};

static int
put_value(struct failing *failing, uint32_t number)
{
	struct vos_change change = {.epoch = EPOCH_OF(++failing->bed.epoch)};
	struct vos_object name = object_of(1);
	uint64_t size = number % 3 ? 200 : 70000;
	struct iovec iov = {(void *)(uintptr_t)content_of(number, size), size};
	struct vos_akey akey = {.key = text_key("a"),
				.type = VOS_SINGLE,
				.record_size = size,
				.payload = &iov,
				.payload_count = 1};
	char dkey[16];
	uint64_t group;
	int rc;

	snprintf(dkey, sizeof(dkey), "%u", number);
	rc = vos_update(failing->bed.container, &name, text_key(dkey), &akey, 1, &change, &group);
	return rc == 0 ? media_wait(failing->bed.media, group) : rc;
}

static int
get_value(struct failing *failing, uint32_t number)
{
	struct vos_akey akey = {.key = text_key("a"), .type = VOS_SINGLE};
	struct vos_object name = object_of(1);
	struct vos_fetched fetched;
	char dkey[16];
	int rc;

	snprintf(dkey, sizeof(dkey), "%u", number);
	rc = vos_fetch(failing->bed.container, &name, text_key(dkey), &akey, 1, EPOCH_MAX, 0, 0,
		       &fetched);
	if (rc != 0)
		return rc;
	CHECK_EQUAL(fetched.length, number % 3 ? 200 : 70000);
	CHECK(memcmp(fetched.data, content_of(number, fetched.length), fetched.length) == 0);
	vos_fetched_free(failing->bed.container, &fetched, 1);
	return 0;
}

/* After the failure nothing is answered any more, though the device would do it now. */
static int
failing_body(void *argument)
{
	struct failing *failing = container_of(argument, struct failing, bed);

	for (uint32_t i = 0; i < 12; i++) {
		int rc = put_value(failing, i);

		if (rc == 0 && i % 4 == 3)
			rc = media_checkpoint(failing->bed.media);
		if (rc == 0) {
			CHECK(!failing->failed);
			failing->acknowledged = i + 1;
			continue;
		}
		/* What a checkpoint writes was acknowledged before. */
		failing->failed = true;
	}
	if (!failing->failed)
		return 0;
	for (uint32_t i = 0; i < failing->acknowledged; i++)
		CHECK(get_value(failing, i) < 0);
	CHECK(put_value(failing, 50) < 0);
	return 0;
}

static int
healed_body(void *argument)
{
	struct failing *failing = container_of(argument, struct failing, bed);

	bed_open_body(argument);
	for (uint32_t i = 0; i < failing->acknowledged; i++)
		CHECK_EQUAL(get_value(failing, i), 0);
	bed_audit(&failing->bed);
	return 0;
}

static void
silence(struct log_sink *sink, enum log_level level, const char *tag, const char *line)
{
	(void)sink;
	(void)level;
	(void)tag;
	(void)line;
}

/* The n-th operation of a kind on one disk; loses: a flush that takes what was not durable. */
static bool
fail_once(const char *disk, enum disk_operation operation, uint64_t n, bool loses)
{
	static const struct crash_kind kind = {.name = "devices", .inline_limit = 4096};
	static struct log_sink quiet = {.write = silence};
	struct failing failing = {.bed = {.kind = &kind, .sink = &quiet}};
	struct crash_bed *bed = &failing.bed;

	CHECK_EQUAL(memory_world_create(n, &bed->world), 0);
	bed_boot(bed);
	bed_run(bed, bed_format_body);
	if (loses)
		memory_disk_fail_flush_and_lose(bed->world, "node", disk, n);
	else
		memory_disk_fail(bed->world, "node", disk, operation, n, -DER_IO);
	bed_run(bed, failing_body);
	bed_kill(bed);
	memory_disk_heal(bed->world, "node", disk);
	bed_boot(bed);
	bed_run(bed, healed_body);
	bed_kill(bed);
	memory_world_destroy(bed->world);
	return failing.failed;
}

static void
class_25_a_device_fails_once(void **state)
{
	static const char *const disks[] = {"log.log", "pool.heap", "pool.data"};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(disks); i++) {
		uint32_t writes = 0, flushes = 0;

		for (uint64_t n = 1; n <= 8; n++)
			writes += fail_once(disks[i], DISK_WRITE, n, false);
		for (uint64_t n = 1; n <= 6; n++) {
			flushes += fail_once(disks[i], DISK_FLUSH, n, false);
			flushes += fail_once(disks[i], DISK_FLUSH, n, true);
		}
		CHECK(writes > 0);
		/* The log's writes are durable by themselves. */
		CHECK(flushes > 0 || i == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_06_reads_before_a_restart),
		cmocka_unit_test(class_07_stamps_from_the_future),
		cmocka_unit_test(class_23_waits_at_every_place),
		cmocka_unit_test(class_24_sums_off_every_boundary),
		cmocka_unit_test(class_25_a_device_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
