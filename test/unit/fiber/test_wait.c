/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Mutex, semaphore, channel, wait queue and group: who goes on, in which order, and what an
 * interrupted wait leaves. */
#include <stdlib.h>
#include <string.h>

#include "fake_env.h"

static struct fake_env fake;
static char story[256];

static void
tell(char letter)
{
	size_t length = strlen(story);

	assert_true(length + 1 < sizeof(story));
	story[length] = letter;
	story[length + 1] = 0;
}

static void
go(const char *name, void (*function)(void *argument), void *argument, struct fiber **ret_fiber)
{
	assert_int_equal(fiber_start(fake.loop, name, function, argument, ret_fiber), 0);
}

static int
set_up(void **state)
{
	(void)state;
	story[0] = 0;
	fake_env_init(&fake);
	fake_env_loop(&fake, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fake_env_fini(&fake);
	return 0;
}

/* ------------------------------------------------ mutex */

static struct fiber_mutex mutex;

static void
lock_twice(void *argument)
{
	char letter = *(const char *)argument;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(fiber_mutex_lock(&mutex), 0);
		tell(letter);
		fiber_yield();
		fiber_mutex_unlock(&mutex);
	}
}

static void
test_mutex_fair(void **state)
{
	(void)state;
	fiber_mutex_init(&mutex);
	for (const char *letter = "abc"; *letter; letter++)
		go("locker", lock_twice, (void *)(uintptr_t)letter, NULL);
	fake_env_run(&fake, 50);
	assert_string_equal(story, "abcabc");
	assert_null(mutex.holder);
}

static void
hold_long(void *argument)
{
	(void)argument;
	fiber_mutex_lock_plain(&mutex);
	assert_int_equal(fiber_sleep(1000), 0);
	fiber_mutex_unlock(&mutex);
	tell('h');
}

static void
give_up(void *argument)
{
	(void)argument;
	fiber_set_deadline(1500);
	assert_int_equal(fiber_mutex_lock(&mutex), -DER_TIMEDOUT);
	tell('g');
}

static void
lock_patiently(void *argument)
{
	(void)argument;
	fiber_mutex_lock_plain(&mutex);
	tell('p');
	fiber_mutex_unlock(&mutex);
}

static void
test_mutex_deadline(void **state)
{
	(void)state;
	mutex = (struct fiber_mutex){0};
	go("holder", hold_long, NULL, NULL);
	go("hasty", give_up, NULL, NULL);
	go("patient", lock_patiently, NULL, NULL);
	fake_env_run(&fake, 50);
	assert_string_equal(story, "ghp");
	assert_null(mutex.holder);
}

/* ------------------------------------------------ semaphore */

static struct fiber_semaphore semaphore;

struct taker {
	uint64_t count;
	uint64_t deadline;
	char letter;
	int result;
};

static void
take(void *argument)
{
	struct taker *taker = argument;

	fiber_set_deadline(taker->deadline);
	taker->result = fiber_semaphore_take(&semaphore, taker->count);
	if (taker->result == 0)
		tell(taker->letter);
}

static void
test_semaphore(void **state)
{
	struct taker takers[] = {{2, 0, 'a', 1}, {3, 0, 'b', 1}, {1, 0, 'c', 1}};

	(void)state;
	fiber_semaphore_init(&semaphore, 2);
	for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
		go("taker", take, &takers[i], NULL);
	loop_step(fake.loop, 0);
	assert_string_equal(story, "a");
	/* c would fit, but b came first. */
	fiber_semaphore_give(&semaphore, 2);
	loop_step(fake.loop, 0);
	assert_string_equal(story, "a");
	fiber_semaphore_give(&semaphore, 2);
	fake_env_run(&fake, 10);
	assert_string_equal(story, "abc");
	assert_int_equal(semaphore.available, 0);
}

static void
test_semaphore_deadline(void **state)
{
	struct taker takers[] = {{3, 1500, 'a', 1}, {1, 0, 'b', 1}};

	(void)state;
	fiber_semaphore_init(&semaphore, 1);
	for (size_t i = 0; i < ARRAY_SIZE(takers); i++)
		go("taker", take, &takers[i], NULL);
	fake_env_run(&fake, 10);
	assert_int_equal(takers[0].result, -DER_TIMEDOUT);
	assert_string_equal(story, "b");
	assert_int_equal(fake.now, 1500);
}

/* ------------------------------------------------ channel */

static struct fiber_channel *channel;

#define ITEMS 1000

static void
send_items(void *argument)
{
	uintptr_t first = (uintptr_t)argument;

	for (uintptr_t i = 0; i < ITEMS; i++) {
		assert_int_equal(fiber_channel_send(channel, (void *)(first + i)), 0);
		if (env_random(&fake.env) % 4 == 0)
			fiber_yield();
	}
}

static uint64_t received[2];

static void
receive_items(void *argument)
{
	uintptr_t last[2] = {0};

	(void)argument;
	for (;;) {
		void *item = NULL;
		int rc = fiber_channel_receive(channel, &item);
		uintptr_t value = (uintptr_t)item;
		int sender = value >= 2 * ITEMS;

		if (rc == -DER_CANCELED) {
			assert_null(item);
			return;
		}
		assert_int_equal(rc, 0);
		/* One receiver sees the items of one sender in order. */
		assert_true(value > last[sender]);
		last[sender] = value;
		received[sender] += value;
		if (env_random(&fake.env) % 4 == 0)
			fiber_yield();
	}
}

static void
run_channel(uint32_t capacity)
{
	struct fiber *receivers[2];
	uint64_t base = (uint64_t)ITEMS * (ITEMS - 1) / 2;

	received[0] = 0;
	received[1] = 0;
	assert_int_equal(fiber_channel_create(fake.env.arena, capacity, &channel), 0);
	go("receiver", receive_items, NULL, &receivers[0]);
	go("receiver", receive_items, NULL, &receivers[1]);
	go("sender", send_items, (void *)(uintptr_t)ITEMS, NULL);
	go("sender", send_items, (void *)(uintptr_t)(2 * ITEMS), NULL);
	for (int i = 0; i < 10000 && loop_fiber_count(fake.loop) > 2; i++)
		loop_step(fake.loop, 0);
	for (int i = 0; i < 10; i++)
		loop_step(fake.loop, 0);
	fiber_cancel(receivers[0]);
	fiber_cancel(receivers[1]);
	fake_env_run(&fake, 10);
	assert_int_equal(received[0], base + (uint64_t)ITEMS * ITEMS);
	assert_int_equal(received[1], base + (uint64_t)ITEMS * 2 * ITEMS);
	fiber_channel_destroy(channel);
}

static void
test_channel(void **state)
{
	(void)state;
	run_channel(1);
	run_channel(3);
	run_channel(64);
	assert_int_equal(fiber_channel_create(fake.env.arena, 0, &channel), -DER_INVAL);
	arena_fail_at(fake.env.arena, 1);
	assert_int_equal(fiber_channel_create(fake.env.arena, 1, &channel), -DER_NOMEM);
}

static void
send_three(void *argument)
{
	(void)argument;
	fiber_set_deadline(1200);
	for (uintptr_t i = 1; i <= 2; i++)
		assert_int_equal(fiber_channel_send(channel, (void *)i), 0);
	assert_int_equal(fiber_channel_send(channel, (void *)3), -DER_TIMEDOUT);
}

static void
test_channel_full(void **state)
{
	(void)state;
	assert_int_equal(fiber_channel_create(fake.env.arena, 2, &channel), 0);
	go("sender", send_three, NULL, NULL);
	fake_env_run(&fake, 10);
	assert_int_equal(fake.now, 1200);
	fiber_channel_destroy(channel);
}

/* ------------------------------------------------ wait queue */

static struct wait_queue queue;

static void
wait_in_queue(void *argument)
{
	assert_int_equal(wait_queue_wait(&queue), 0);
	tell(*(const char *)argument);
}

static void
test_wait_queue(void **state)
{
	(void)state;
	queue = (struct wait_queue){0};
	assert_true(wait_queue_empty(&queue));
	assert_false(wait_queue_wake_one(&queue));
	for (const char *letter = "abcd"; *letter; letter++)
		go("waiter", wait_in_queue, (void *)(uintptr_t)letter, NULL);
	loop_step(fake.loop, 0);
	assert_false(wait_queue_empty(&queue));
	assert_true(wait_queue_wake_one(&queue));
	loop_step(fake.loop, 0);
	assert_string_equal(story, "a");
	wait_queue_wake_all(&queue);
	fake_env_run(&fake, 2);
	assert_string_equal(story, "abcd");
}

/* ------------------------------------------------ group */

static int
work(void *argument)
{
	uintptr_t number = (uintptr_t)argument;
	int rc = fiber_sleep(100 * number);

	if (rc != 0)
		return rc;
	tell((char)('0' + number));
	if (number == 2 || number == 3)
		return error_raise(number == 2 ? -DER_IO : -DER_BUSY, "number %d", (int)number);
	return 0;
}

static void
fan_out(void *argument)
{
	struct fiber_group group;

	(void)argument;
	fiber_group_init(&group);
	assert_int_equal(fiber_group_wait(&group), 0);
	for (uintptr_t i = 4; i >= 1; i--)
		assert_int_equal(fiber_group_start(&group, "work", work, (void *)i), 0);
	assert_int_equal(fiber_group_wait(&group), -DER_IO);
	assert_string_equal(error_text(-DER_IO), "number 2");
	tell('.');
}

static void
test_group(void **state)
{
	(void)state;
	go("starter", fan_out, NULL, NULL);
	fake_env_run(&fake, 20);
	assert_string_equal(story, "1234.");
	assert_int_equal(fake.now, 1400);
}

static void
fan_out_in_time(void *argument)
{
	struct fiber_group group;

	(void)argument;
	fiber_set_deadline(1250);
	fiber_group_init(&group);
	for (uintptr_t i = 1; i <= 4; i += 3)
		assert_int_equal(fiber_group_start(&group, "work", work, (void *)i), 0);
	assert_int_equal(fiber_group_wait(&group), -DER_TIMEDOUT);
	assert_int_equal(fake.now, 1250);
}

static void
test_group_deadline(void **state)
{
	(void)state;
	go("starter", fan_out_in_time, NULL, NULL);
	fake_env_run(&fake, 20);
	assert_string_equal(story, "1");
}

static int
fan_out_below(void *argument)
{
	struct fiber_group group;

	(void)argument;
	fiber_group_init(&group);
	for (uintptr_t i = 1; i <= 4; i += 3)
		assert_int_equal(fiber_group_start(&group, "work", work, (void *)i), 0);
	return fiber_group_wait(&group);
}

static void
fan_out_twice(void *argument)
{
	struct fiber_group group;

	(void)argument;
	fiber_group_init(&group);
	assert_int_equal(fiber_group_start(&group, "below", fan_out_below, NULL), 0);
	assert_int_equal(fiber_group_wait(&group), -DER_CANCELED);
	assert_true(fiber_canceled());
	tell('.');
}

static void
test_group_cancel(void **state)
{
	struct fiber *fiber;

	(void)state;
	go("starter", fan_out_twice, NULL, &fiber);
	for (int i = 0; i < 5; i++)
		loop_step(fake.loop, 20);
	fiber_cancel(fiber);
	fake_env_run(&fake, 20);
	assert_string_equal(story, ".");
	assert_true(fake.now <= 1100);
}

/* ------------------------------------------------ disk */

struct fake_disk {
	struct disk disk;
	uint8_t data[4 * DISK_BLOCK];
	struct disk_io *under_way;
};

static void
fake_submit(struct disk *disk, struct disk_io *io)
{
	container_of(disk, struct fake_disk, disk)->under_way = io;
}

static struct fake_disk fake_disk;

/* The poller ends the operation. */
static void
complete_disk_io(struct fake_env *env)
{
	struct disk_io *io = fake_disk.under_way;
	uint8_t *at;

	(void)env;
	if (io == NULL)
		return;
	fake_disk.under_way = NULL;
	at = fake_disk.data + io->offset;
	if (io->offset + io->length > sizeof(fake_disk.data)) {
		completion_signal(&io->completion, -DER_IO);
		return;
	}
	if (io->operation == DISK_READ)
		iov_copy_in(io->iov, io->iov_count, 0, at, io->length);
	if (io->operation == DISK_WRITE)
		iov_copy_out(io->iov, io->iov_count, 0, at, io->length);
	if (io->operation == DISK_ZERO)
		memset(at, 0, io->length);
	tell((char)("rwfzd"[io->operation] - (io->durable ? 32 : 0)));
	completion_signal(&io->completion, 0);
}

static void
use_disk(void *argument)
{
	static uint8_t block[DISK_BLOCK];
	static uint8_t other[DISK_BLOCK];
	struct iovec iov[2] = {{block, DISK_BLOCK}, {other, DISK_BLOCK}};
	struct disk *disk = argument;

	memset(block, 7, sizeof(block));
	assert_int_equal(disk_write(disk, block, DISK_BLOCK, DISK_BLOCK, true), 0);
	assert_int_equal(disk_read(disk, other, DISK_BLOCK, DISK_BLOCK), 0);
	assert_memory_equal(block, other, DISK_BLOCK);
	assert_int_equal(disk_flush(disk), 0);
	assert_int_equal(disk_zero(disk, DISK_BLOCK, DISK_BLOCK), 0);
	assert_int_equal(disk_writev(disk, iov, 2, 2 * DISK_BLOCK, false), 0);
	assert_int_equal(disk_readv(disk, iov, 2, DISK_BLOCK), 0);
	assert_int_equal(block[0], 0);
	assert_int_equal(other[0], 7);
	assert_int_equal(disk_read(disk, other, DISK_BLOCK, 4 * DISK_BLOCK), -DER_IO);
}

static void
test_disk(void **state)
{
	static const struct disk_operations operations = {.submit = fake_submit};

	(void)state;
	fake_disk.disk.operations = &operations;
	fake.on_poll = complete_disk_io;
	go("user", use_disk, &fake_disk.disk, NULL);
	fake_env_run(&fake, 50);
	assert_string_equal(story, "Wrfzwr");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mutex_fair, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mutex_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_semaphore, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_semaphore_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_channel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_channel_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wait_queue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_group, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_group_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_group_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disk, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
