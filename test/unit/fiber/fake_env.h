/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A world for tests of fiber/: a virtual clock that the poller advances, or the real one with a
 * sleep that can be woken. */
#pragma once

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fiber/fiber.h"

struct fake_env {
	struct env env;
	struct context context;
	struct clock clock;
	struct poller poller;
	struct randomness randomness;
	struct chooser chooser;
	uint64_t now; /* virtual clock */
	uint64_t polls;
	uint64_t sleeps;
	uint64_t longest_sleep;
	uint64_t seed;
	/* Called by the virtual poller at each poll, if set. */
	void (*on_poll)(struct fake_env *fake);
	/* Real poller. */
	pthread_mutex_t mutex;
	pthread_cond_t condition;
	bool woken;
	struct loop *loop;
};

/* Time is virtual: a sleep advances the clock at once. */
void fake_env_init(struct fake_env *fake);

/* Time is real: a sleep lasts until wake or its end. */
void fake_env_init_real(struct fake_env *fake);

/* Destroys loop and arena, and checks that nothing is left in it. */
void fake_env_fini(struct fake_env *fake);

/* Makes the loop with these options. */
void fake_env_loop(struct fake_env *fake, const struct loop_options *options);

/* Steps until no fiber is left; fails after limit turns. */
void fake_env_run(struct fake_env *fake, uint32_t limit);
