/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Many processes on a mount with caches, then on two without, while the engine is killed and comes
 * back, and now and then all of dfuse is killed: see stress.h. CAIRN_SEED chooses what is done,
 * CAIRN_TEST_SECONDS (12) bounds the time; with CAIRN_LONG a million operations, whatever they
 * take. CAIRN_STRESS_TRACE names a folder for what each worker does; with CAIRN_STRESS_CALM nothing
 * is killed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "stress.h"

#define LONG_OPERATIONS 1000000u
#define STUCK_SECONDS 60.0
#define REVIVALS_EVERY 8u /* kills of the engine */

struct run {
	struct bed bed;
	struct control *control;
	pid_t workers[WORKERS];
	uint32_t commands, engine_kills, dfuse_kills;
	uint64_t seed, chance;
	uint64_t operations; /* 0: the time is the limit */
	double seconds;
};

static struct run run;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t
operations_done(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < WORKERS; i++)
		sum += atomic_load(&run.control->operations[i]);
	return sum;
}

/* ------------------------------------------------ workers */

static void
workers_start(void)
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		uint64_t seed = run.seed * WORKERS + i;

		fflush(NULL);
		run.workers[i] = fork();
		assert_true(run.workers[i] >= 0);
		if (run.workers[i] == 0)
			worker_main(run.control, i, draw(&seed, UINT64_MAX));
	}
}

/* What every worker was doing, for when one is stuck. */
static void
tell_all(void)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		fprintf(stderr, "worker %u, operation %llu: %s\n", i,
			(unsigned long long)atomic_load(&run.control->operations[i]),
			run.control->doing[i]);
	bed_tell(&run.bed);
}

static void
check_workers(void)
{
	int status;

	for (uint32_t i = 0; i < WORKERS; i++) {
		if (waitpid(run.workers[i], &status, WNOHANG) != run.workers[i])
			continue;
		run.workers[i] = 0;
		if (atomic_load(&run.control->failed) == 0) {
			tell_all();
			fail_msg("worker %u ended with status %x; it was to %s", i, status,
				 run.control->doing[i]);
		}
	}
	if (atomic_load(&run.control->failed) == 0)
		return;
	for (int i = 0; i < 100 && atomic_load(&run.control->failed) < 2; i++)
		usleep(10000);
	bed_tell(&run.bed);
	fail_msg("CAIRN_SEED=%llu: %s", (unsigned long long)run.seed, run.control->message);
}

static void
tell_command(enum command command)
{
	atomic_store(&run.control->command, ++run.commands * 8 + command);
}

/* Until all are done with the newest command. */
static void
wait_answers(void)
{
	uint32_t command = atomic_load(&run.control->command), answered = 0;
	double end = now() + STUCK_SECONDS * 2;

	while (answered < WORKERS) {
		check_workers();
		answered = 0;
		for (uint32_t i = 0; i < WORKERS; i++)
			answered += atomic_load(&run.control->answered[i]) == command;
		if (now() > end) {
			tell_all();
			fail_msg("not all workers obey");
		}
		usleep(500);
	}
}

static void
all_do(enum command command)
{
	tell_command(command);
	wait_answers();
}

static void
workers_end(void)
{
	int status;

	tell_command(COMMAND_END);
	for (uint32_t i = 0; i < WORKERS; i++) {
		assert_int_equal(waitpid(run.workers[i], &status, 0), run.workers[i]);
		run.workers[i] = 0;
		assert_int_equal(status, 0);
	}
}

/* Until each worker has ended some operations more. */
static void
wait_progress(uint64_t count)
{
	double end = now() + STUCK_SECONDS;
	uint64_t goal[WORKERS];

	for (uint32_t i = 0; i < WORKERS; i++)
		goal[i] = atomic_load(&run.control->operations[i]) + count;
	for (uint32_t i = 0; i < WORKERS; i++)
		while (atomic_load(&run.control->operations[i]) < goal[i]) {
			check_workers();
			if (now() > end) {
				tell_all();
				fail_msg("worker %u does not go on", i);
			}
			usleep(1000);
		}
}

/* ------------------------------------------------ kills */

static void
pause_random(uint64_t least_ms, uint64_t most_ms)
{
	uint64_t ms = least_ms + draw(&run.chance, most_ms - least_ms);

	for (; ms > 0; ms -= ms < 10 ? ms : 10) {
		check_workers();
		usleep(10000);
	}
}

static void
engine_kill(void)
{
	bed_engine_kill(&run.bed);
	pause_random(0, 100);
	bed_engine_up(&run.bed);
	run.engine_kills++;
	wait_progress(3);
}

/* Between two operations, so that each is known to have ended. */
static void
dfuse_kill(uint32_t mounts, const char *option)
{
	all_do(COMMAND_PAUSE);
	bed_mount_kill(&run.bed);
	bed_mount(&run.bed, mounts, option);
	all_do(COMMAND_REVIVE);
	run.dfuse_kills++;
	tell_command(COMMAND_RUN);
}

/* ------------------------------------------------ a half */

static void
half_begin(uint32_t mounts, const char *option)
{
	struct control *control = run.control;

	bed_mount(&run.bed, mounts, option);
	control->phase++;
	control->write_back = option == NULL;
	for (uint32_t i = 0; i < WORKERS; i++)
		atomic_store(&control->shared.appended[i], 0);
}

static void
half_run(uint32_t mounts, const char *option)
{
	uint64_t goal = operations_done() + run.operations / 2;
	double end = now() + run.seconds / 2;
	uint32_t most_ms = run.operations ? 6000 : 1500;

	tell_command(COMMAND_RUN);
	wait_progress(10);
	for (uint32_t round = 1; run.operations ? operations_done() < goal : now() < end; round++) {
		pause_random(most_ms / 4, most_ms);
		if (number("CAIRN_STRESS_CALM", 0))
			continue;
		engine_kill();
		if (round % REVIVALS_EVERY == 2)
			dfuse_kill(mounts, option);
	}
}

static void
half_end(void)
{
	all_do(COMMAND_PAUSE);
	all_do(COMMAND_VERIFY);
	all_do(COMMAND_LEAVE);
	bed_unmount(&run.bed);
}

/* ------------------------------------------------ the test */

static void
many_processes_on_mounts(void **state)
{
	(void)state;
	if (!bed_possible()) {
		printf("No mounts here: /dev/fuse is absent, or this user is not root.\n");
		skip();
	}
	bed_make(&run.bed, run.control);
	half_begin(1, NULL);
	workers_start();
	all_do(COMMAND_PAUSE);
	half_run(1, NULL);
	half_end();
	half_begin(2, "--disable-caching");
	half_run(2, "--disable-caching");
	half_end();
	half_begin(1, "--disable-wb-cache");
	all_do(COMMAND_VERIFY);
	all_do(COMMAND_LEAVE);
	bed_unmount(&run.bed);
	workers_end();
	printf("%llu operations, %llu that the mount does not have; kills: %u engine, %u dfuse\n",
	       (unsigned long long)operations_done(),
	       (unsigned long long)atomic_load(&run.control->skipped), run.engine_kills,
	       run.dfuse_kills);
}

static int
prepare(void **state)
{
	(void)state;
	run.control = mmap(NULL, sizeof(*run.control), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run.seed = number("CAIRN_SEED", 1);
	run.chance = run.seed;
	printf("CAIRN_SEED=%llu\n", (unsigned long long)run.seed);
	run.seconds = (double)number("CAIRN_TEST_SECONDS", 12);
	if (run.seconds > 40)
		run.seconds = 40;
	if (number("CAIRN_LONG", 0))
		run.operations = LONG_OPERATIONS;
	return run.control == MAP_FAILED;
}

static int
clean_up(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < WORKERS; i++)
		if (run.workers[i])
			kill(run.workers[i], SIGKILL);
	if (run.bed.control)
		bed_remove(&run.bed);
	for (uint32_t i = 0; i < WORKERS; i++)
		if (run.workers[i])
			waitpid(run.workers[i], NULL, 0);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(many_processes_on_mounts)};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
