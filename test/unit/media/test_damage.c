/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Reads that go wrong once, heaps that cannot be opened for a while, and damage inside the log:
 * nothing that was acknowledged is lost in silence.
 */
#include "store.h"

static struct model model;

static int
one_step(struct heap *heap, struct model *of, uint32_t seed)
{
	struct step step = {.index = seed % CELLS, .size = 64 + seed % 500, .seed = seed | 1};
	uint64_t version;

	return store_step(heap, step, of, &version);
}

/* Each is a group of its own. */
static int
ten_steps(void *argument)
{
	struct rig *rig = argument;

	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(one_step(rig->heap, &model, (uint32_t)model.version * 3 + 7), 0);
	return 0;
}

static int
check(void *argument)
{
	struct rig *rig = argument;

	store_check(rig->heap, &model);
	return 0;
}

static void
begin(struct rig *rig, uint64_t seed)
{
	memset(&model, 0, sizeof(model));
	*rig = rig_make();
	rig->options.checkpoint_interval = 3600000000000;
	rig->options.idle_close = 3600000000000;
	rig_start(rig, seed);
	rig_run(rig, ten_steps);
}

static uint64_t
place_of(struct rig *rig, uint64_t sequence)
{
	return (uint64_t)(LOG_HEADERS + media_place(rig->media, sequence)->block) * DISK_BLOCK;
}

static void
flip(struct rig *rig, const char *disk, uint64_t offset)
{
	uint8_t byte;

	memory_disk_peek(rig->world, "node", disk, &byte, 1, offset);
	byte ^= 0x40;
	memory_disk_poke(rig->world, "node", disk, &byte, 1, offset);
}

/* After a kill: the log must not open. */
static int
opening_fails(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(media_open(rig->loop, "log", &rig->options, &rig->media), -DER_CSUM);
	return 0;
}

static void
expect_damage(struct rig *rig)
{
	rig_boot(rig);
	rig_run(rig, opening_fails);
	loop_destroy(rig->loop);
	memory_env_destroy(rig->env);
}

/* ------------------------------------------------ reads that go wrong once */

static const char *const disks[] = {"log.log", "pool.heap", "pool.data"};

/* One read in the whole start is wrong, or fails; whichever it is, the start does not notice. */
static void
test_transient(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 71);
	rig_kill(&rig);
	for (uint32_t disk = 0; disk < ARRAY_SIZE(disks); disk++) {
		for (uint64_t n = 1; n < 16; n++) {
			if (n % 2)
				memory_disk_flip_read(rig.world, "node", disks[disk], n / 2 + 1);
			else
				memory_disk_fail(rig.world, "node", disks[disk], DISK_READ, n / 2,
						 -DER_IO);
			rig_restart(&rig);
			rig_run(&rig, check);
			rig_run(&rig, ten_steps);
			if (n % 5 == 0)
				rig_shut(&rig);
			else
				rig_kill(&rig);
			memory_disk_heal(rig.world, "node", disks[disk]);
		}
	}
	memory_world_destroy(rig.world);
}

/* ------------------------------------------------ a heap that cannot be opened for a while */

struct two {
	struct rig rig;
	struct heap *other;
	struct model other_model;
	int expected; /* of opening the other */
};

static int
create_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	struct heap_options options = two->rig.heap_options;

	options.id.bytes[0] = (uint8_t)(9 + two->other_model.version);
	memset(&two->other_model, 0, sizeof(two->other_model));
	assert_int_equal(heap_create(two->rig.media, "sub/other", &options), 0);
	assert_int_equal(heap_open(two->rig.media, "sub/other", &two->other), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(one_step(two->other, &two->other_model, 3 + 2 * i), 0);
	return 0;
}

static int
open_two(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	struct rig *rig = argument;
	int rc;

	assert_int_equal(media_open(rig->loop, "log", &rig->options, &rig->media), 0);
	assert_int_equal(heap_open(rig->media, "pool", &rig->heap), 0);
	rc = heap_open(rig->media, "sub/other", &two->other);
	if (rc != two->expected)
		fail_msg("the other heap opens with %d: %s", rc, error_text(rc));
	assert_int_equal(media_start(rig->media), 0);
	store_check(rig->heap, &model);
	if (rc == 0)
		store_check(two->other, &two->other_model);
	return 0;
}

static void
start_two(struct two *two, int expected)
{
	two->expected = expected;
	rig_boot(&two->rig);
	rig_run(&two->rig, open_two);
}

static void
unreadable(struct two *two, uint64_t offset, uint64_t length)
{
	memory_disk_unreadable(two->rig.world, "node", "sub/other.heap", offset, length);
}

static void
heal(struct two *two)
{
	memory_disk_heal(two->rig.world, "node", "sub/other.heap");
}

static int
go_on(void *argument)
{
	struct rig *rig = argument;

	ten_steps(rig);
	assert_int_equal(media_checkpoint(rig->media), 0);
	return ten_steps(rig);
}

/* Whatever part of the heap cannot be read, and whatever is checkpointed meanwhile. */
static void
test_kept(void **state)
{
	static const struct {
		uint64_t offset, length;
	} parts[] = {{0, 2 * DISK_BLOCK}, {2 * DISK_BLOCK, 2 * DISK_BLOCK}};
	struct two two = {.expected = 0};

	(void)state;
	begin(&two.rig, 72);
	rig_run(&two.rig, create_other);
	rig_kill(&two.rig);
	for (uint32_t i = 0; i < ARRAY_SIZE(parts); i++) {
		unreadable(&two, parts[i].offset, parts[i].length);
		start_two(&two, -DER_IO);
		rig_run(&two.rig, go_on);
		/* A clean end does not take it away either. */
		if (i == 0)
			rig_shut(&two.rig);
		else
			rig_kill(&two.rig);
		start_two(&two, -DER_IO);
		rig_run(&two.rig, go_on);
		rig_kill(&two.rig);
		heal(&two);
		start_two(&two, 0);
		rig_kill(&two.rig);
	}
	start_two(&two, 0);
	rig_stop(&two.rig);
}

/* Opened before the start after all: nothing need be kept. */
static int
open_twice(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);
	struct rig *rig = argument;

	assert_int_equal(media_open(rig->loop, "log", &rig->options, &rig->media), 0);
	assert_int_equal(heap_open(rig->media, "pool", &rig->heap), 0);
	unreadable(two, 0, DISK_BLOCK);
	assert_int_equal(heap_open(rig->media, "sub/other", &two->other), -DER_IO);
	assert_true(media_keeps(rig->media));
	heal(two);
	assert_int_equal(heap_open(rig->media, "sub/other", &two->other), 0);
	assert_false(media_keeps(rig->media));
	assert_int_equal(media_start(rig->media), 0);
	store_check(two->other, &two->other_model);
	return 0;
}

static void
test_opened_after_all(void **state)
{
	struct two two = {.expected = 0};

	(void)state;
	begin(&two.rig, 73);
	rig_run(&two.rig, create_other);
	rig_kill(&two.rig);
	rig_boot(&two.rig);
	rig_run(&two.rig, open_twice);
	rig_stop(&two.rig);
}

/* More than the log has room for: the first heap goes on all the time. */
static int
fill_log(void *argument)
{
	struct rig *rig = argument;
	uint64_t limit = 3 * rig->options.log_size;
	struct media_figures before, now;

	media_figures(rig->media, &before);
	do {
		struct step step = {
			.index = 5, .size = 30000, .seed = (uint32_t)model.version * 2 + 1};
		uint64_t version;

		assert_int_equal(store_step(rig->heap, step, &model, &version), 0);
		media_figures(rig->media, &now);
	} while (now.log_bytes - before.log_bytes < limit);
	return 0;
}

static int
recreate_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);

	assert_int_equal(heap_remove(two->rig.env->storage, "sub/other"), 0);
	return create_other(argument);
}

/* The records are given up when the log is full, and the heap is refused until it is destroyed. */
static void
test_given_up(void **state)
{
	struct two two = {.expected = 0};

	(void)state;
	begin(&two.rig, 74);
	rig_run(&two.rig, create_other);
	rig_kill(&two.rig);
	unreadable(&two, 0, DISK_BLOCK);
	start_two(&two, -DER_IO);
	rig_run(&two.rig, fill_log);
	assert_true(two.rig.media->header.given_up_count == 1);
	rig_kill(&two.rig);
	heal(&two);
	start_two(&two, -DER_DF_INVAL);
	rig_run(&two.rig, fill_log);
	rig_shut(&two.rig);
	start_two(&two, -DER_DF_INVAL);
	/* A new one of the same name is another heap. */
	rig_run(&two.rig, recreate_other);
	rig_kill(&two.rig);
	start_two(&two, 0);
	assert_int_equal(two.rig.media->header.given_up_count, 0);
	rig_stop(&two.rig);
}

static int
remove_other(void *argument)
{
	struct two *two = container_of(argument, struct two, rig);

	return heap_remove(two->rig.env->storage, "sub/other");
}

/* A heap that was destroyed meanwhile is not remembered. */
static void
test_given_up_removed(void **state)
{
	struct two two = {.expected = 0};

	(void)state;
	begin(&two.rig, 75);
	rig_run(&two.rig, create_other);
	rig_kill(&two.rig);
	unreadable(&two, 0, DISK_BLOCK);
	start_two(&two, -DER_IO);
	assert_int_equal(rig_run(&two.rig, remove_other), 0);
	rig_run(&two.rig, fill_log);
	assert_int_equal(two.rig.media->header.given_up_count, 0);
	rig_kill(&two.rig);
	start_two(&two, -DER_NONEXIST);
	assert_false(media_keeps(two.rig.media));
	rig_stop(&two.rig);
}

/* The superblock that was written when the heap was opened is damaged, or never was on the disk:
 * the one before says "clean", and the log knows better. */
static void
test_lost_superblock(void **state)
{
	uint8_t former[2 * DISK_BLOCK], now[2 * DISK_BLOCK];
	struct rig rig;

	(void)state;
	begin(&rig, 77);
	rig_shut(&rig);
	memory_disk_peek(rig.world, "node", "pool.heap", former, sizeof(former), 0);
	rig_restart(&rig);
	rig_run(&rig, ten_steps);
	rig_kill(&rig);
	memory_disk_peek(rig.world, "node", "pool.heap", now, sizeof(now), 0);
	memory_disk_poke(rig.world, "node", "pool.heap", former, sizeof(former), 0);
	rig_boot(&rig);
	assert_int_equal(rig_run(&rig, rig_open_body), -DER_CSUM);
	rig_kill(&rig);
	memory_disk_poke(rig.world, "node", "pool.heap", now, sizeof(now), 0);
	flip(&rig, "pool.heap", memcmp(now, former, DISK_BLOCK) == 0 ? DISK_BLOCK + 60 : 60);
	rig_boot(&rig);
	assert_int_equal(rig_run(&rig, rig_open_body), -DER_CSUM);
	rig_kill(&rig);
	memory_disk_poke(rig.world, "node", "pool.heap", now, sizeof(now), 0);
	rig_restart(&rig);
	rig_run(&rig, check);
	rig_stop(&rig);
}

/* A heap that nothing in the log belongs to is never given up. */
static int
checkpoint_all(void *argument)
{
	return media_checkpoint(((struct rig *)argument)->media);
}

static void
test_nothing_to_give_up(void **state)
{
	struct two two = {.expected = 0};

	(void)state;
	begin(&two.rig, 76);
	rig_run(&two.rig, create_other);
	assert_int_equal(rig_run(&two.rig, checkpoint_all), 0);
	rig_run(&two.rig, ten_steps);
	rig_kill(&two.rig);
	unreadable(&two, 0, 4 * DISK_BLOCK);
	start_two(&two, -DER_IO);
	rig_run(&two.rig, fill_log);
	rig_kill(&two.rig);
	heal(&two);
	start_two(&two, 0);
	rig_stop(&two.rig);
}

/* ------------------------------------------------ damage inside the log */

/* One byte of any group but the last. */
static void
test_damaged_inside(void **state)
{
	(void)state;
	for (uint64_t back = 1; back < 9; back++) {
		struct rig rig;
		uint64_t place;

		begin(&rig, 80 + back);
		place = place_of(&rig, rig.media->newest - back);
		rig_kill(&rig);
		flip(&rig, "log.log", place + (back % 2 ? 10 : sizeof(struct group_header) + 9));
		expect_damage(&rig);
		memory_world_destroy(rig.world);
	}
}

/* The disk acknowledged three groups and never wrote them: what was there before is there still. */
static void
test_lost_inside(void **state)
{
	static const uint8_t zeros[DISK_BLOCK];
	struct rig rig;
	uint64_t places[3];

	(void)state;
	begin(&rig, 90);
	for (uint64_t i = 0; i < 3; i++)
		places[i] = place_of(&rig, rig.media->newest - 1 - i);
	rig_kill(&rig);
	for (uint64_t i = 0; i < 3; i++)
		memory_disk_poke(rig.world, "node", "log.log", zeros, sizeof(zeros), places[i]);
	expect_damage(&rig);
	memory_world_destroy(rig.world);
}

/* The log has gone round: behind the end lie groups of the round before, which tell nothing. */
static int
go_round(void *argument)
{
	fill_log(argument);
	return ten_steps(argument);
}

static void
test_damaged_after_a_round(void **state)
{
	struct rig rig;
	uint64_t last, inside;

	(void)state;
	begin(&rig, 91);
	rig_run(&rig, go_round);
	rig_kill(&rig);
	rig_restart(&rig);
	rig_run(&rig, check);
	last = place_of(&rig, rig.media->newest);
	inside = place_of(&rig, rig.media->newest - 4);
	rig_kill(&rig);
	/* The start said what was durable: now even the last one is missed. */
	flip(&rig, "log.log", last + 200);
	expect_damage(&rig);
	flip(&rig, "log.log", last + 200);
	flip(&rig, "log.log", inside + 200);
	expect_damage(&rig);
	memory_world_destroy(rig.world);
}

static int
two_steps_more(void *argument)
{
	struct rig *rig = argument;
	struct model after = model;

	assert_int_equal(one_step(rig->heap, &after, 11), 0);
	return one_step(rig->heap, &after, 13);
}

/*
 * Groups under way at once: a later one reached the disk, an earlier one did not, and neither was
 * acknowledged. The later one says so by what it calls durable. That is an end.
 */
static void
test_unfinished_tail(void **state)
{
	static uint8_t group[DISK_BLOCK] __attribute__((aligned(DISK_BLOCK)));
	struct group_header *header = (struct group_header *)(void *)group;
	uint64_t last, second;
	struct rig rig;

	(void)state;
	begin(&rig, 92);
	rig_kill(&rig);
	rig_restart(&rig);
	rig_run(&rig, two_steps_more);
	assert_int_equal(media_place(rig.media, rig.media->newest)->blocks, 1);
	last = place_of(&rig, rig.media->newest);
	second = place_of(&rig, rig.media->newest - 1);
	rig_kill(&rig);
	memory_disk_peek(rig.world, "node", "log.log", group, sizeof(group), last);
	header->durable_sequence -= 1;
	group_seal(group, header->length);
	memory_disk_poke(rig.world, "node", "log.log", group, sizeof(group), last);
	flip(&rig, "log.log", second + 200);
	rig_restart(&rig);
	rig_run(&rig, check);
	rig_stop(&rig);
}

/* ------------------------------------------------ headers */

static uint64_t
header_generation(struct rig *rig, uint64_t block)
{
	struct log_header header;

	memory_disk_peek(rig->world, "node", "log.log", &header, sizeof(header),
			 block * DISK_BLOCK);
	return header.generation;
}

static uint64_t
newest_header(struct rig *rig)
{
	return (header_generation(rig, 1) > header_generation(rig, 0)) * DISK_BLOCK;
}

/* After a clean close and another start: the header that says "closed" must not be believed when
 * the one of that start is damaged, or was never written. */
static void
test_lost_header(void **state)
{
	uint8_t former[2 * DISK_BLOCK];
	struct rig rig;
	uint64_t first;

	(void)state;
	begin(&rig, 93);
	rig_shut(&rig);
	memory_disk_peek(rig.world, "node", "log.log", former, sizeof(former), 0);
	rig_restart(&rig);
	assert_true(rig.media->headers_whole);
	rig_run(&rig, ten_steps);
	first = place_of(&rig, rig.media->header.incarnation_sequence);
	rig_kill(&rig);
	flip(&rig, "log.log", newest_header(&rig) + 50);
	expect_damage(&rig);
	/* The first group of that start, too. */
	flip(&rig, "log.log", first + 200);
	expect_damage(&rig);
	flip(&rig, "log.log", first + 200);
	memory_disk_poke(rig.world, "node", "log.log", former, sizeof(former), 0);
	expect_damage(&rig);
	memory_world_destroy(rig.world);
}

/* A clean close is known as such, until the next start. */
static int
open_closed(void *argument)
{
	struct rig *rig = argument;

	assert_int_equal(media_open(rig->loop, "log", &rig->options, &rig->media), 0);
	assert_true(log_closed(rig->media));
	assert_int_equal(heap_open(rig->media, "pool", &rig->heap), 0);
	assert_int_equal(media_start(rig->media), 0);
	assert_false(log_closed(rig->media));
	return 0;
}

static void
test_closed(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig, 94);
	rig_shut(&rig);
	rig_boot(&rig);
	rig_run(&rig, open_closed);
	rig_run(&rig, check);
	rig_kill(&rig);
	rig_boot(&rig);
	assert_int_equal(rig_run(&rig, rig_open_body), 0);
	rig_run(&rig, check);
	rig_stop(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transient),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_opened_after_all),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_given_up_removed),
		cmocka_unit_test(test_nothing_to_give_up),
		cmocka_unit_test(test_lost_superblock),
		cmocka_unit_test(test_damaged_inside),
		cmocka_unit_test(test_lost_inside),
		cmocka_unit_test(test_damaged_after_a_round),
		cmocka_unit_test(test_unfinished_tail),
		cmocka_unit_test(test_lost_header),
		cmocka_unit_test(test_closed),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
