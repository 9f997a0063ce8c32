/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of fibers and turns of the loop: order, sleep, deadline, cancellation, NO_YIELD, stacks.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_env.h"

/* What the fibers of a test did, in order. */
struct story {
	char text[256];
	struct fake_env *fake;
};

struct actor {
	struct story *story;
	char letter;
	uint64_t nanoseconds;
	int result;
	struct fiber *fiber;
};

static void
tell(struct story *story, char letter)
{
	size_t length = strlen(story->text);

	assert_true(length + 1 < sizeof(story->text));
	story->text[length] = letter;
}

static void
start_actor(struct story *story, const char *name, void (*function)(void *argument),
	    struct actor *actor, char letter)
{
	actor->story = story;
	actor->letter = letter;
	assert_int_equal(fiber_start(story->fake->loop, name, function, actor, &actor->fiber), 0);
}

static struct fake_env fake;

static int
set_up(void **state)
{
	static struct story story;

	fake_env_init(&fake);
	fake_env_loop(&fake, NULL);
	story = (struct story){.fake = &fake};
	*state = &story;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fake_env_fini(&fake);
	return 0;
}

static void
yield_thrice(void *argument)
{
	struct actor *actor = argument;

	for (int i = 0; i < 3; i++) {
		tell(actor->story, actor->letter);
		fiber_yield();
	}
}

static void
test_yield_order(void **state)
{
	struct story *story = *state;
	struct actor actors[3] = {0};

	for (int i = 0; i < 3; i++)
		start_actor(story, "actor", yield_thrice, &actors[i], (char)('a' + i));
	assert_int_equal(loop_fiber_count(fake.loop), 3);
	assert_string_equal(story->text, "");
	assert_true(loop_step(fake.loop, 0));
	assert_string_equal(story->text, "abc");
	fake_env_run(&fake, 10);
	assert_string_equal(story->text, "abcabcabc");
	assert_false(loop_step(fake.loop, 0));
	assert_int_equal(fake.sleeps, 0);
}

static uint32_t
choose_last(struct chooser *chooser, uint32_t count)
{
	(void)chooser;
	return count - 1;
}

static void
test_chooser(void **state)
{
	struct story *story = *state;
	struct actor actors[3] = {0};

	fake.chooser.choose = choose_last;
	fake.env.chooser = &fake.chooser;
	for (int i = 0; i < 3; i++)
		start_actor(story, "actor", yield_thrice, &actors[i], (char)('a' + i));
	fake_env_run(&fake, 20);
	assert_string_equal(story->text, "cccbbbaaa");
}

static void
sleep_once(void *argument)
{
	struct actor *actor = argument;

	actor->result = fiber_sleep(actor->nanoseconds);
	tell(actor->story, actor->letter);
}

static void
test_sleep_order(void **state)
{
	static const uint64_t times[] = {300, 100, 200, 100};
	struct story *story = *state;
	struct actor actors[4] = {0};

	for (int i = 0; i < 4; i++) {
		actors[i].nanoseconds = times[i];
		start_actor(story, "sleeper", sleep_once, &actors[i], (char)('a' + i));
	}
	fake_env_run(&fake, 20);
	assert_string_equal(story->text, "bdca");
	assert_int_equal(fake.now, 1300);
	assert_int_equal(fake.sleeps, 3);
	assert_int_equal(fake.longest_sleep, 100);
}

static void
sleep_until_deadline(void *argument)
{
	struct actor *actor = argument;

	assert_int_equal(fiber_set_deadline(1500), 0);
	assert_int_equal(fiber_deadline(), 1500);
	assert_int_equal(fiber_sleep(400), 0);
	actor->result = fiber_sleep(400);
	assert_int_equal(fake.now, 1500);
	assert_non_null(strstr(error_text(actor->result), "deadline"));
	/* Later waits end at once, without the deadline they go on. */
	assert_int_equal(fiber_sleep(1), -DER_TIMEDOUT);
	assert_int_equal(fiber_set_deadline(0), 1500);
	assert_int_equal(fiber_sleep(1), 0);
}

static void
test_deadline(void **state)
{
	struct actor actor = {0};

	start_actor(*state, "sleeper", sleep_until_deadline, &actor, 'a');
	fake_env_run(&fake, 20);
	assert_int_equal(actor.result, -DER_TIMEDOUT);
}

static void
cancel_other(void *argument)
{
	struct actor *actor = argument;

	assert_int_equal(fiber_sleep(50), 0);
	fiber_cancel(actor[-1].fiber);
}

static void
sleep_until_canceled(void *argument)
{
	struct actor *actor = argument;

	assert_false(fiber_canceled());
	actor->result = fiber_sleep(1000000);
	assert_int_equal(fake.now, 1050);
	assert_true(fiber_canceled());
	assert_int_equal(fiber_sleep(1), -DER_CANCELED);
	fiber_yield();
}

static void
test_cancel(void **state)
{
	struct actor actors[2] = {0};

	start_actor(*state, "sleeper", sleep_until_canceled, &actors[0], 'a');
	start_actor(*state, "killer", cancel_other, &actors[1], 'b');
	fake_env_run(&fake, 20);
	assert_int_equal(actors[0].result, -DER_CANCELED);
}

/* An uninterruptible wait outlives cancellation and deadline; an interruptible one leaves the
 * operation under way. */
static struct completion slow;

static void
wait_plain(void *argument)
{
	struct actor *actor = argument;

	fiber_set_deadline(1010);
	actor->result = completion_wait(&slow);
	assert_true(fiber_canceled());
}

static void
signal_late(void *argument)
{
	struct actor *actor = argument;

	fiber_cancel(actor[-1].fiber);
	assert_int_equal(fiber_sleep(100), 0);
	completion_signal(&slow, -DER_IO);
}

static void
test_completion_plain(void **state)
{
	struct actor actors[2] = {0};

	slow = (struct completion){0};
	start_actor(*state, "waiter", wait_plain, &actors[0], 'a');
	start_actor(*state, "signaler", signal_late, &actors[1], 'b');
	fake_env_run(&fake, 20);
	assert_int_equal(actors[0].result, -DER_IO);
	assert_int_equal(fake.now, 1100);
}

static void
wait_interruptible(void *argument)
{
	struct actor *actor = argument;

	fiber_set_deadline(1010);
	actor->result = completion_wait_deadline(&slow);
	assert_int_equal(fake.now, 1010);
	assert_false(slow.done);
	fiber_set_deadline(0);
	assert_int_equal(completion_wait_deadline(&slow), 7);
	/* Already done: no wait. */
	assert_int_equal(completion_wait(&slow), 7);
}

static void
signal_seven(void *argument)
{
	(void)argument;
	assert_int_equal(fiber_sleep(100), 0);
	completion_signal(&slow, 7);
}

static void
test_completion_deadline(void **state)
{
	struct actor actors[2] = {0};

	slow = (struct completion){0};
	start_actor(*state, "waiter", wait_interruptible, &actors[0], 'a');
	start_actor(*state, "signaler", signal_seven, &actors[1], 'b');
	fake_env_run(&fake, 20);
	assert_int_equal(actors[0].result, -DER_TIMEDOUT);
}

/* Each fiber has its own latest error. */
static void
raise_and_yield(void *argument)
{
	struct actor *actor = argument;
	char text[8] = {actor->letter};

	assert_int_equal(error_raise(-DER_BUSY, "%s", text), -DER_BUSY);
	fiber_yield();
	assert_string_equal(error_text(-DER_BUSY), text);
}

static void
test_error_origin(void **state)
{
	struct actor actors[2] = {0};

	start_actor(*state, "first", raise_and_yield, &actors[0], 'a');
	start_actor(*state, "second", raise_and_yield, &actors[1], 'b');
	fake_env_run(&fake, 20);
}

static void
fired(struct timer *timer)
{
	(void)timer;
	assert_null(fiber_current());
	assert_ptr_equal(loop_current(), fake.loop);
	fake.seed++;
}

static void
test_timers(void **state)
{
	struct timer timers[3] = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		timer_start(fake.loop, &timers[i], fake.now + 10 + (uint64_t)i, fired);
	timer_stop(fake.loop, &timers[1]);
	timer_stop(fake.loop, &timers[1]);
	timer_start(fake.loop, &timers[2], fake.now + 100, fired);
	for (int i = 0; i < 4; i++)
		loop_step(fake.loop, UINT64_MAX);
	assert_int_equal(fake.seed, 2);
	assert_true(fake.now >= 1100);
	assert_false(timers[0].armed || timers[1].armed || timers[2].armed);
	loop_step(fake.loop, 5);
	assert_null(loop_current());
}

static void
note_poll(struct fake_env *env)
{
	/* Each look at the world takes 10 ns. */
	env->now += 10;
}

/* Spins for its budget before a sleep; after waits that spinning did not shorten it spins less. */
static void
test_spin(void **state)
{
	struct fake_env spinning;
	struct loop_options options = {.spin_ns = 1000};
	struct actor actor = {.nanoseconds = 100000, .story = *state};
	uint64_t before;

	fake_env_init(&spinning);
	spinning.on_poll = note_poll;
	fake_env_loop(&spinning, &options);
	assert_int_equal(fiber_start(spinning.loop, "slow", sleep_once, &actor, NULL), 0);
	fake_env_run(&spinning, 300);
	assert_in_range(spinning.polls, 100, 110);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(fiber_start(spinning.loop, "slow", sleep_once, &actor, NULL), 0);
		fake_env_run(&spinning, 300);
	}
	before = spinning.polls;
	assert_int_equal(fiber_start(spinning.loop, "slow", sleep_once, &actor, NULL), 0);
	fake_env_run(&spinning, 300);
	assert_in_range(spinning.polls - before, 2, 6);
	/* Short waits bring it back: then such a wait never sleeps. */
	actor.nanoseconds = 300;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(fiber_start(spinning.loop, "quick", sleep_once, &actor, NULL), 0);
		fake_env_run(&spinning, 300);
	}
	before = spinning.sleeps;
	assert_int_equal(fiber_start(spinning.loop, "quick", sleep_once, &actor, NULL), 0);
	fake_env_run(&spinning, 300);
	assert_int_equal(spinning.sleeps, before);
	fake_env_fini(&spinning);
}

/* Ends the process by a signal in a child, and returns it; 0 when the child came back. */
static int
death_of(void (*function)(void *argument))
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		struct rlimit none = {0};

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		fake_env_init(&fake);
		fake_env_loop(&fake, NULL);
		if (fiber_start(fake.loop, "doomed", function, NULL, NULL) != 0)
			_exit(1);
		for (int i = 0; i < 10; i++)
			loop_step(fake.loop, UINT64_MAX);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void
yield_inside(void *argument)
{
	(void)argument;
	NO_YIELD
	{
		fiber_yield();
	}
}

static void
lock_inside(void *argument)
{
	struct fiber_mutex mutex;
	int rc;

	(void)argument;
	fiber_mutex_init(&mutex);
	NO_YIELD
	{
		/* It would not wait, but it might. */
		rc = fiber_mutex_lock(&mutex);
		(void)rc;
	}
}

static int
leave_by_return(void)
{
	NO_YIELD
	{
		NO_YIELD
		{
			return 1;
		}
	}
	return 0;
}

static void
yield_outside(void *argument)
{
	int turns = 0;

	(void)argument;
	NO_YIELD
	{
		turns++;
		NO_YIELD
		{
			turns++;
		}
	}
	fiber_yield();
	turns += leave_by_return();
	fiber_yield();
	if (turns != 3)
		abort();
}

static void
test_no_yield(void **state)
{
	(void)state;
	assert_int_equal(death_of(yield_inside), SIGABRT);
	assert_int_equal(death_of(lock_inside), SIGABRT);
	assert_int_equal(death_of(yield_outside), 0);
}

static void
write_below_stack(void *argument)
{
	volatile char here = 0;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t address = (uintptr_t)&here;

	(void)argument;
	/* Downwards page by page: the stack ends at the guard, at most 256 KiB below. */
	for (uintptr_t depth = 0; depth < 512 * 1024; depth += page)
		*(volatile char *)(address - depth) = 1;
}

static void
test_guard_page(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* A sanitizer has its own handler of the signal, which ends in an exit code. */
	assert_int_not_equal(death_of(write_below_stack), 0);
#else
	assert_int_equal(death_of(write_below_stack), SIGSEGV);
#endif
}

static void
end_at_once(void *argument)
{
	char space[1024];

	memset(space, 1, sizeof(space));
	__asm__ volatile("" : : "r"(space) : "memory");
	(*(uint32_t *)argument)++;
}

static long
mapped_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld", &pages), 1);
	fclose(file);
	return pages;
}

static void
test_many_fibers(void **state)
{
	uint32_t ended = 0;
	uint64_t used = 0;
	long pages = 0;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 100; i++)
			assert_int_equal(fiber_start(fake.loop, "short", end_at_once, &ended, NULL),
					 0);
		loop_step(fake.loop, 0);
		if (round == 10) {
			used = arena_used(fake.env.arena);
			pages = mapped_pages();
		}
	}
	assert_int_equal(ended, 100000);
	assert_int_equal(loop_fiber_count(fake.loop), 0);
	assert_int_equal(arena_used(fake.env.arena), used);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_int_equal(mapped_pages(), pages);
#else
	(void)pages;
#endif
}

static void
test_fiber_limit(void **state)
{
	struct fake_env small;
	struct loop_options options = {.fiber_limit = 3};
	uint32_t ended = 0;

	(void)state;
	fake_env_init(&small);
	fake_env_loop(&small, &options);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fiber_start(small.loop, "short", end_at_once, &ended, NULL), 0);
	assert_int_equal(fiber_start(small.loop, "short", end_at_once, &ended, NULL), -DER_NOMEM);
	fake_env_run(&small, 3);
	assert_int_equal(fiber_start(small.loop, "short", end_at_once, &ended, NULL), 0);
	fake_env_run(&small, 3);
	assert_int_equal(ended, 4);
	fake_env_fini(&small);
}

static void
sleep_for_ever(void *argument)
{
	int rc = fiber_sleep(UINT64_MAX);

	(void)rc;
	(void)argument;
	abort();
}

static void
test_abandon(void **state)
{
	struct fake_env crashed;

	(void)state;
	fake_env_init(&crashed);
	fake_env_loop(&crashed, NULL);
	for (int i = 0; i < 10; i++)
		assert_int_equal(fiber_start(crashed.loop, "lost", sleep_for_ever, NULL, NULL), 0);
	for (int i = 0; i < 5; i++)
		loop_step(crashed.loop, 100);
	assert_int_equal(loop_fiber_count(crashed.loop), 10);
	loop_abandon(crashed.loop);
	crashed.loop = NULL;
	fake_env_fini(&crashed);
}

/* Rounding and exceptions are per fiber: the switch keeps the control words. */
static void
divide_with_rounding(void *argument)
{
	struct actor *actor = argument;
	volatile double one = 1.0;
	volatile double three = 3.0;
	double before;

#if defined(__x86_64__)
	unsigned int control = __builtin_ia32_stmxcsr();

	if (actor->letter == 'u')
		__builtin_ia32_ldmxcsr((control & ~0x6000u) | 0x4000u);
#endif
	before = one / three;
	for (int i = 0; i < 3; i++) {
		fiber_yield();
		assert_true(before == one / three);
	}
#if defined(__x86_64__)
	__builtin_ia32_ldmxcsr(control);
#endif
	actor->result = before > 0.33333333333333333;
}

static void
test_floating_point(void **state)
{
	struct actor actors[2] = {0};

	start_actor(*state, "near", divide_with_rounding, &actors[0], 'n');
	start_actor(*state, "up", divide_with_rounding, &actors[1], 'u');
	fake_env_run(&fake, 20);
#if defined(__x86_64__)
	assert_int_not_equal(actors[0].result, actors[1].result);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_yield_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_chooser, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sleep_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_completion_plain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_completion_deadline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_error_origin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_timers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spin, set_up, tear_down),
		cmocka_unit_test(test_no_yield),
		cmocka_unit_test(test_guard_page),
		cmocka_unit_test_setup_teardown(test_many_fibers, set_up, tear_down),
		cmocka_unit_test(test_fiber_limit),
		cmocka_unit_test(test_abandon),
		cmocka_unit_test_setup_teardown(test_floating_point, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("fiber", tests, NULL, NULL);
}
