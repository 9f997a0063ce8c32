/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What goes wrong between and beneath: lost and damaged frames, a server that dies under load, full
 * and damaged storage, a server that does not come back, more payload than the limit.
 */
#include "bed.h"

static void
fill(uint8_t *data, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)(mix64(seed + i / 8) >> (i % 8 * 8));
}

/* ------------------------------------------------ frames */

/* An insertion whose answer is lost is sent again, and gets the answer of its first execution. */
static int
lost_answers(struct bed *bed)
{
	struct object_id id = bed_object(1, BED_MULTI_HASHED, 65535);
	char dkey[16];

	for (uint32_t i = 0; i < 20; i++) {
		snprintf(dkey, sizeof(dkey), "d%u", i);
		memory_link_drop_after(bed->world, i % 2 ? "server" : "client",
				       i % 2 ? "client" : "server", i % 3);
		assert_int_equal(bed_put(bed, id, dkey, "a", "one", 3, VOS_COND_DKEY_INSERT), 0);
		assert_int_equal(bed_put(bed, id, dkey, "a", "one", 3, VOS_COND_DKEY_INSERT),
				 -DER_EXIST);
	}
	return 0;
}

static int
damaged_frames(struct bed *bed)
{
	struct object_id id = bed_object(2, BED_MULTI_HASHED, 65535);
	uint8_t wrote[5000];
	uint8_t read[5000];
	size_t length;
	char dkey[16];

	for (uint32_t i = 0; i < 40; i++) {
		snprintf(dkey, sizeof(dkey), "d%u", i);
		fill(wrote, sizeof(wrote), i);
		/* The request or answer of either call; not the handshake after it. */
		memory_link_damage_after(bed->world, i % 2 ? "server" : "client",
					 i % 2 ? "client" : "server", i / 2 % 2);
		assert_int_equal(
			bed_put(bed, id, dkey, "a", wrote, sizeof(wrote), VOS_COND_DKEY_INSERT), 0);
		assert_int_equal(bed_get(bed, id, dkey, "a", read, sizeof(read), &length), 0);
		assert_memory_equal(read, wrote, sizeof(wrote));
	}
	return 0;
}

static void
test_frames(void **state)
{
	struct bed bed = {.up = false};
	uint64_t arrived;

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, lost_answers), 0);
	arrived = bed_requests(&bed, PROTO_OBJECT_UPDATE);
	/* Some were executed, lost their answer, and came again. */
	assert_true(arrived > 40);
	assert_int_equal(bed_run(&bed, damaged_frames), 0);
	bed_fini(&bed);
}

/* ------------------------------------------------ a server that dies under load */

#define WRITERS 100u
#define ROUNDS 12u
#define SIZE 6000u

struct writer_fiber {
	struct bed *bed;
	uint32_t number;
	uint32_t acknowledged; /* rounds */
	bool ended;
};

struct load {
	struct bed *bed;
	struct writer_fiber writers[WRITERS];
	uint32_t wanted; /* acknowledgements */
};

static void
write_rounds(void *argument)
{
	struct writer_fiber *writer = argument;
	struct object_id id = bed_object(writer->number / 10, BED_MULTI_HASHED, 65535);
	uint8_t data[SIZE];
	char dkey[16];

	snprintf(dkey, sizeof(dkey), "w%u", writer->number);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		/* The one akey tells the round, the other one is inserted anew each time. */
		char akey[16];
		uint32_t stamp = round;

		snprintf(akey, sizeof(akey), "r%u", round);
		fill(data, SIZE, writer->number * 100 + round);
		assert_int_equal(
			bed_put(writer->bed, id, dkey, akey, data, SIZE, VOS_COND_AKEY_INSERT), 0);
		assert_int_equal(bed_put(writer->bed, id, dkey, "round", &stamp, sizeof(stamp), 0),
				 0);
		writer->acknowledged = round;
	}
	writer->ended = true;
}

static bool
enough(void *argument)
{
	struct load *load = argument;
	uint32_t acknowledged = 0;

	for (uint32_t i = 0; i < WRITERS; i++)
		acknowledged += load->writers[i].acknowledged;
	return acknowledged >= load->wanted;
}

static int
read_rounds(struct bed *bed)
{
	struct load *load = bed->argument;
	uint8_t expected[SIZE];
	uint8_t data[SIZE];

	for (uint32_t i = 0; i < WRITERS; i++) {
		struct object_id id = bed_object(i / 10, BED_MULTI_HASHED, 65535);
		uint32_t acknowledged = load->writers[i].acknowledged;
		uint32_t stamp = 0;
		size_t length;
		char dkey[16];
		char akey[16];

		snprintf(dkey, sizeof(dkey), "w%u", i);
		assert_int_equal(bed_get(bed, id, dkey, "round", &stamp, sizeof(stamp), &length),
				 0);
		assert_true(stamp >= acknowledged && stamp <= acknowledged + 1);
		for (uint32_t round = 1; round <= acknowledged; round++) {
			snprintf(akey, sizeof(akey), "r%u", round);
			fill(expected, SIZE, i * 100 + round);
			assert_int_equal(bed_get(bed, id, dkey, akey, data, SIZE, &length), 0);
			assert_int_equal(length, SIZE);
			assert_memory_equal(data, expected, SIZE);
		}
	}
	return 0;
}

static void
test_killed_under_load(void **state)
{
	struct bed bed = {.up = false};
	struct load *load = calloc(1, sizeof(*load));

	(void)state;
	load->bed = &bed;
	bed.argument = load;
	bed_init(&bed);
	for (uint32_t i = 0; i < WRITERS; i++) {
		load->writers[i] = (struct writer_fiber){.bed = &bed, .number = i};
		bed_spawn(&bed, write_rounds, &load->writers[i]);
	}
	for (uint32_t kill = 0; kill < 5; kill++) {
		load->wanted += WRITERS * ROUNDS / 6;
		assert_true(bed_step(&bed, enough, load, 60000 * BED_MS));
		bed_server_kill(&bed);
		memory_world_advance(bed.world, 300 * BED_MS);
		bed_server_start(&bed);
		if (kill % 2)
			assert_int_equal(bed_run(&bed, read_rounds), 0);
	}
	load->wanted = WRITERS * ROUNDS;
	assert_true(bed_step(&bed, enough, load, 60000 * BED_MS));
	for (uint32_t i = 0; i < WRITERS; i++)
		assert_true(load->writers[i].ended);
	assert_int_equal(bed_run(&bed, read_rounds), 0);
	bed_server_stop(&bed);
	bed_server_start(&bed);
	assert_int_equal(bed_run(&bed, read_rounds), 0);
	bed_fini(&bed);
	free(load);
}

/* ------------------------------------------------ full storage */

static int
fill_up(struct bed *bed)
{
	struct object_id id = bed_object(3, BED_MULTI_HASHED, 1);
	uint8_t *wrote = malloc(1u << 20);
	uint8_t *read = malloc(1u << 20);
	uint32_t count = 0;
	size_t length;
	char dkey[16];
	int rc;

	do {
		snprintf(dkey, sizeof(dkey), "d%u", count);
		fill(wrote, 1u << 20, count);
		rc = bed_put(bed, id, dkey, "a", wrote, 1u << 20, 0);
		count += rc == 0;
	} while (rc == 0 && count < 100);
	assert_int_equal(rc, -DER_NOSPACE);
	assert_true(count >= 10);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(dkey, sizeof(dkey), "d%u", i);
		fill(wrote, 1u << 20, i);
		assert_int_equal(bed_get(bed, id, dkey, "a", read, 1u << 20, &length), 0);
		assert_memory_equal(read, wrote, 1u << 20);
	}
	assert_int_equal(objio_punch_object(bed->objio, id, 0), 0);
	free(wrote);
	free(read);
	return 0;
}

static void
test_full(void **state)
{
	struct bed bed = {.data_size = 16u * 1024 * 1024};

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, fill_up), 0);
	bed_fini(&bed);
}

/* ------------------------------------------------ damaged storage */

static int
put_large(struct bed *bed)
{
	static uint8_t data[200000];

	memset(data, 0x5a, sizeof(data));
	return bed_put(bed, bed_object(4, BED_MULTI_HASHED, 1), "d", "a", data, sizeof(data), 0);
}

static int
get_damaged(struct bed *bed)
{
	static uint8_t data[200000];
	size_t length;

	assert_int_equal(bed_get(bed, bed_object(4, BED_MULTI_HASHED, 1), "d", "a", data,
				 sizeof(data), &length),
			 -DER_CSUM);
	assert_int_equal(
		bed_get(bed, bed_object(4, BED_MULTI_HASHED, 1), "d", "a", NULL, 0, &length), 0);
	assert_int_equal(length, sizeof(data));
	return 0;
}

/* Flips one bit where the value lies. */
static void
damage_disks(struct bed *bed)
{
	uint32_t damaged = 0;

	for (uint32_t i = 0; i < BED_TARGETS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "target-%u.data", i);
		for (uint64_t at = 0; at < bed->data_size && damaged == 0; at += DISK_BLOCK) {
			uint8_t byte;

			memory_disk_peek(bed->world, "server", name, &byte, 1, at + 100);
			if (byte != 0x5a)
				continue;
			byte ^= 4;
			memory_disk_poke(bed->world, "server", name, &byte, 1, at + 100);
			damaged++;
		}
	}
	assert_int_equal(damaged, 1);
}

static void
test_damaged_storage(void **state)
{
	struct bed bed = {.data_size = 16u * 1024 * 1024};

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, put_large), 0);
	/* What was written must be on the disk, not only in the log and in memory. */
	bed_server_stop(&bed);
	damage_disks(&bed);
	bed_server_start(&bed);
	assert_int_equal(bed_run(&bed, get_damaged), 0);
	bed_fini(&bed);
}

/* ------------------------------------------------ a server that stays away */

static int
wait_in_vain(struct bed *bed)
{
	struct object_id id = bed_object(5, BED_MULTI_HASHED, 1);
	uint64_t start = memory_world_now(bed->world);
	size_t length;

	assert_int_equal(bed_get(bed, id, "d", "a", NULL, 0, &length), -DER_TIMEDOUT);
	assert_non_null(strstr(error_text(-DER_TIMEDOUT), "no answer from target"));
	assert_in_range(memory_world_now(bed->world) - start, 1900 * BED_MS, 2600 * BED_MS);
	/* A deadline of the caller's own comes first, and stays as it was. */
	start = memory_world_now(bed->world);
	fiber_set_deadline(start + 500 * BED_MS);
	assert_int_equal(bed_put(bed, id, "d", "a", "one", 3, 0), -DER_TIMEDOUT);
	assert_int_equal(fiber_set_deadline(0), start + 500 * BED_MS);
	assert_in_range(memory_world_now(bed->world) - start, 400 * BED_MS, 700 * BED_MS);
	return 0;
}

static void
test_away(void **state)
{
	struct bed bed = {.patience_ns = 2000 * BED_MS};

	(void)state;
	bed_init(&bed);
	bed_server_kill(&bed);
	assert_int_equal(bed_run(&bed, wait_in_vain), 0);
	bed_server_start(&bed);
	bed_fini(&bed);
}

/* ------------------------------------------------ a log that does not get its writes done */

struct held {
	struct bed *bed;
	bool wrote, read;
	char data[8];
	size_t length;
	int rc;
};

static void
write_held(void *argument)
{
	struct held *held = argument;

	assert_int_equal(
		bed_put(held->bed, bed_object(7, BED_MULTI_HASHED, 1), "d", "a", "new", 3, 0), 0);
	held->wrote = true;
}

static void
read_held(void *argument)
{
	struct held *held = argument;

	held->rc = bed_get(held->bed, bed_object(7, BED_MULTI_HASHED, 1), "d", "a", held->data,
			   sizeof(held->data), &held->length);
	held->read = true;
}

static bool
either_ended(void *argument)
{
	const struct held *held = argument;

	return held->wrote || held->read;
}

static bool
both_ended(void *argument)
{
	const struct held *held = argument;

	return held->wrote && held->read;
}

/* Neither the write nor a read that would show it is answered before it is durable. */
static void
test_held_log(void **state)
{
	struct bed bed = {.up = false};
	struct held held = {.bed = &bed};

	(void)state;
	bed_init(&bed);
	for (uint32_t i = 0; i < BED_LOOPS; i++)
		memory_disk_hold(bed.world, "server", i ? "loop-1.log" : "loop-0.log");
	bed_spawn(&bed, write_held, &held);
	assert_false(bed_step(&bed, either_ended, &held, 50 * BED_MS));
	bed_spawn(&bed, read_held, &held);
	assert_false(bed_step(&bed, either_ended, &held, 500 * BED_MS));
	for (uint32_t i = 0; i < BED_LOOPS; i++)
		memory_disk_release(bed.world, "server", i ? "loop-1.log" : "loop-0.log");
	assert_true(bed_step(&bed, both_ended, &held, 500 * BED_MS));
	assert_int_equal(held.rc, 0);
	assert_int_equal(held.length, 3);
	assert_memory_equal(held.data, "new", 3);
	bed_fini(&bed);
}

/* ------------------------------------------------ an epoch that comes too late */

struct opening {
	struct bed *bed;
	uint32_t target;
	uint64_t guard;
	struct vos_container **ret_container;
};

static int
open_guarded(void *argument)
{
	struct opening *opening = argument;
	int rc = vos_container_open(opening->bed->targets[opening->target].vos,
				    opening->bed->container, opening->ret_container);

	if (rc == 0)
		vos_container_guard(*opening->ret_container, opening->guard);
	return rc;
}

static int
close_guarded(void *argument)
{
	vos_container_close(argument);
	return 0;
}

static int
write_after_guard(struct bed *bed)
{
	struct object_id id = bed_object(8, BED_MULTI_HASHED, 1);

	return bed_put(bed, id, "d", "a", "one", 3, VOS_COND_DKEY_INSERT);
}

/* A snapshot was announced for a moment that is still to come: the write is drawn anew until it
 * lies behind it. */
static void
test_restarted(void **state)
{
	struct bed bed = {.up = false};
	struct vos_container *containers[BED_TARGETS];
	uint64_t guard;

	(void)state;
	bed_init(&bed);
	guard = hlc_from_realtime(env_realtime(bed.env) + 2 * BED_MS);
	for (uint32_t i = 0; i < BED_TARGETS; i++) {
		struct opening opening = {&bed, i, guard, &containers[i]};

		assert_int_equal(bed_run_server(&bed, i % BED_LOOPS, open_guarded, &opening), 0);
	}
	assert_int_equal(bed_run(&bed, write_after_guard), 0);
	assert_true(hlc_latest(&bed.clock) > guard);
	for (uint32_t i = 0; i < BED_TARGETS; i++)
		assert_int_equal(bed_run_server(&bed, i % BED_LOOPS, close_guarded, containers[i]),
				 0);
	bed_fini(&bed);
}

/* ------------------------------------------------ more payload than the limit */

#define LARGE (3u * 1024 * 1024)
#define LARGE_WRITERS 40u
_Static_assert(LARGE_WRITERS * 4u * 1024 * 1024 > OBJECT_PAYLOAD_LIMIT, "the limit is reached");

struct large_writer {
	struct bed *bed;
	uint32_t number;
	uint32_t *ended;
};

static void
write_large(void *argument)
{
	struct large_writer *writer = argument;
	/* One target, so that all meet on one loop. */
	struct object_id id = bed_object(6, BED_MULTI_HASHED, 1);
	uint8_t *wrote = malloc(LARGE);
	uint8_t *read = malloc(LARGE);
	size_t length;
	char dkey[16];

	snprintf(dkey, sizeof(dkey), "d%u", writer->number);
	fill(wrote, LARGE, writer->number);
	assert_int_equal(bed_put(writer->bed, id, dkey, "a", wrote, LARGE, 0), 0);
	assert_int_equal(bed_get(writer->bed, id, dkey, "a", read, LARGE, &length), 0);
	assert_memory_equal(read, wrote, LARGE);
	free(wrote);
	free(read);
	(*writer->ended)++;
}

static bool
all_ended(void *argument)
{
	return *(uint32_t *)argument == LARGE_WRITERS;
}

static void
test_payload_limit(void **state)
{
	struct bed bed = {.data_size = 256u * 1024 * 1024};
	struct large_writer writers[LARGE_WRITERS];
	uint32_t ended = 0;

	(void)state;
	bed_init(&bed);
	for (uint32_t i = 0; i < LARGE_WRITERS; i++) {
		writers[i] = (struct large_writer){&bed, i, &ended};
		bed_spawn(&bed, write_large, &writers[i]);
	}
	assert_true(bed_step(&bed, all_ended, &ended, 60000 * BED_MS));
	bed_fini(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),	 cmocka_unit_test(test_killed_under_load),
		cmocka_unit_test(test_full),	 cmocka_unit_test(test_damaged_storage),
		cmocka_unit_test(test_away),	 cmocka_unit_test(test_payload_limit),
		cmocka_unit_test(test_held_log), cmocka_unit_test(test_restarted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
