/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a contract suite needs to know of an implementation of the seams: how to make its envs and
 * how to let time pass. The suites see nothing else of it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fiber/fiber.h"

/* A test that waits longer than this, by the clock of its env, has failed. */
#define CONTRACT_LIMIT_NS 20000000000ull

enum address_kind { ADDRESS_TCP, ADDRESS_UNIX };

struct subject {
	const char *name;
	/* An env whose storage is kept under label: opened again, the same disks are there.
	 * Asserts. */
	struct env *(*env_open)(struct subject *subject, const char *label);
	void (*env_close)(struct subject *subject, struct env *env);
	/* Lets the loops work and a little time pass. */
	void (*step)(struct subject *subject, struct loop **loops, uint32_t count);
	/* An address to listen on, of 128 bytes; a TCP one has port 0. */
	void (*address)(struct subject *subject, enum address_kind kind, char *ret_address);
	/* A TCP address on which nobody listens. */
	void (*nobody)(struct subject *subject, char *ret_address);
	/* Starts another process (or what stands for one) that connects and sends the frame
	 * "hello"; ends it without a word. */
	void (*peer_start)(struct subject *subject, const char *address);
	void (*peer_kill)(struct subject *subject);
	/* Further loops to step while the peer lives, or NULL. */
	struct loop *(*peer_loop)(struct subject *subject);
	/* Real threads may call poller->wake. */
	bool threads;
	/* Processes are known to each other by ADDRESS_UNIX. */
	struct peer_credentials credentials;
};

/* Steps until condition holds; fails the test after CONTRACT_LIMIT_NS. Outside fibers only. */
#define STEP_UNTIL(subject, env, loops, count, condition)                              \
	do {                                                                           \
		uint64_t step_limit = env_monotonic(env) + CONTRACT_LIMIT_NS;          \
		while (!(condition)) {                                                 \
			if (env_monotonic(env) > step_limit)                           \
				fail_msg("%s: waited in vain for %s", (subject)->name, \
					 #condition);                                  \
			(subject)->step((subject), (loops), (count));                  \
		}                                                                      \
	} while (0)

/* Inside a fiber a failed assertion cannot leave the stack: it is printed and returned. */
#define CHECK(condition)                                                                      \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			print_error("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			return -DER_MISC;                                                     \
		}                                                                             \
	} while (0)

struct subject_run {
	int (*function)(void *argument);
	void *argument;
	int result;
	bool done;
};

static inline void
subject_run_body(void *argument)
{
	struct subject_run *run = argument;

	run->result = run->function(run->argument);
	run->done = true;
}

/* Runs function(argument) on a fiber of loop and asserts that it returns 0. */
static inline void
subject_run(struct subject *subject, struct loop *loop, int (*function)(void *argument),
	    void *argument)
{
	struct subject_run run = {.function = function, .argument = argument};
	struct fiber *fiber;

	assert_int_equal(fiber_start(loop, "test", subject_run_body, &run, &fiber), 0);
	STEP_UNTIL(subject, loop_env(loop), &loop, 1, run.done);
	assert_int_equal(run.result, 0);
}

/* Runs a table of tests, each of which finds subject in *state. */
#define SUBJECT_RUN_TESTS(subject, group, tests)                              \
	({                                                                    \
		for (size_t test_i = 0; test_i < ARRAY_SIZE(tests); test_i++) \
			(tests)[test_i].initial_state = (subject);            \
		cmocka_run_group_tests_name((group), (tests), NULL, NULL);    \
	})
