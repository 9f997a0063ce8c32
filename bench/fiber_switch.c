/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a change of stacks costs: the bare switch between two lines of execution, a yield with its
 * way through the loop's ready queue (two switches), and starting and ending a fiber. One line of
 * minima over several rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "fiber/fiber.h"
#include "fiber/switch.h"

#define ROUNDS 7
#define SWITCHES 4000000u
#define FIBERS 64u
#define STARTS 400000u

static struct machine_context host;
static struct machine_context guest;

static double
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
switch_back_for_ever(void *argument)
{
	(void)argument;
	for (;;)
		machine_switch(&guest, &host);
}

static double
bare_switch(void)
{
	double start = cpu_ns();

	for (uint32_t i = 0; i < SWITCHES / 2; i++)
		machine_switch(&host, &guest);
	return (cpu_ns() - start) / SWITCHES;
}

static uint64_t
no_time(struct clock *clock)
{
	(void)clock;
	return 1;
}

static void
no_poll(struct poller *poller, uint64_t timeout_ns)
{
	(void)poller;
	(void)timeout_ns;
}

static void
no_wake(struct poller *poller)
{
	(void)poller;
}

static void
yield_often(void *argument)
{
	for (uint32_t i = *(uint32_t *)argument; i > 0; i--)
		fiber_yield();
}

static void
end_at_once(void *argument)
{
	(void)argument;
}

/* Runs count fibers of function to their ends, FIBERS at a time. */
static void
run(struct loop *loop, void (*function)(void *argument), void *argument, uint32_t count)
{
	while (count > 0) {
		for (uint32_t i = 0; i < FIBERS && count > 0; i++, count--)
			if (fiber_start(loop, "bench", function, argument, NULL) != 0)
				abort();
		while (loop_fiber_count(loop) > 0)
			loop_step(loop, 0);
	}
}

int
main(void)
{
	struct context context;
	struct clock clock = {.monotonic = no_time, .realtime = no_time};
	struct poller poller = {.poll = no_poll, .wake = no_wake};
	struct env env = {
		.context = &context, .arena = arena_create(0), .clock = &clock, .poller = &poller};
	double best[3] = {1e9, 1e9, 1e9};
	uint32_t yields = SWITCHES / 2 / FIBERS;
	struct loop *loop;
	void *stack;

	context_init(&context, "bench", NULL, LOG_WARNING);
	stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (env.arena == NULL || stack == MAP_FAILED || loop_create(&env, NULL, &loop) != 0)
		return 1;
	machine_context_init(&guest, stack, 65536, switch_back_for_ever, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		double start;

		best[0] = min_of(best[0], bare_switch());
		start = cpu_ns();
		run(loop, yield_often, &yields, FIBERS);
		best[1] = min_of(best[1], (cpu_ns() - start) / (yields * FIBERS));
		start = cpu_ns();
		run(loop, end_at_once, NULL, STARTS);
		best[2] = min_of(best[2], (cpu_ns() - start) / STARTS);
	}
	printf("{\"metric\": \"fiber_switch\", \"switch_ns\": %.2f, \"yield_ns\": %.1f, "
	       "\"start_and_end_ns\": %.1f}\n",
	       best[0], best[1], best[2]);
	loop_destroy(loop);
	arena_destroy(env.arena);
	munmap(stack, 65536);
	return 0;
}
