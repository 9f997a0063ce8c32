/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The two fake worlds. */
#include "fake_env.h"

#include <time.h>

static uint64_t
virtual_monotonic(struct clock *clock)
{
	return container_of(clock, struct fake_env, clock)->now;
}

static void
virtual_poll(struct poller *poller, uint64_t timeout_ns)
{
	struct fake_env *fake = container_of(poller, struct fake_env, poller);

	fake->polls++;
	if (fake->on_poll)
		fake->on_poll(fake);
	if (timeout_ns == 0)
		return;
	if (fake->woken) {
		fake->woken = false;
		return;
	}
	fake->sleeps++;
	fake->longest_sleep = max_of(fake->longest_sleep, timeout_ns);
	fake->now += timeout_ns;
}

static void
virtual_wake(struct poller *poller)
{
	container_of(poller, struct fake_env, poller)->woken = true;
}

static uint64_t
real_monotonic(struct clock *clock)
{
	struct timespec now;

	(void)clock;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void
real_poll(struct poller *poller, uint64_t timeout_ns)
{
	struct fake_env *fake = container_of(poller, struct fake_env, poller);
	uint64_t end = real_monotonic(NULL) + timeout_ns;
	struct timespec until = {.tv_sec = (time_t)(end / 1000000000u),
				 .tv_nsec = (long)(end % 1000000000u)};

	if (timeout_ns == 0)
		return;
	pthread_mutex_lock(&fake->mutex);
	while (!fake->woken && pthread_cond_timedwait(&fake->condition, &fake->mutex, &until) == 0)
		;
	fake->woken = false;
	pthread_mutex_unlock(&fake->mutex);
}

static void
real_wake(struct poller *poller)
{
	struct fake_env *fake = container_of(poller, struct fake_env, poller);

	pthread_mutex_lock(&fake->mutex);
	fake->woken = true;
	pthread_cond_signal(&fake->condition);
	pthread_mutex_unlock(&fake->mutex);
}

static uint64_t
fake_random(struct randomness *randomness)
{
	struct fake_env *fake = container_of(randomness, struct fake_env, randomness);

	fake->seed += 0x9e3779b97f4a7c15ull;
	return mix64(fake->seed);
}

void
fake_env_init(struct fake_env *fake)
{
	*fake = (struct fake_env){
		.now = 1000,
		.clock = {.monotonic = virtual_monotonic, .realtime = virtual_monotonic},
		.poller = {.poll = virtual_poll, .wake = virtual_wake},
		.randomness = {.next = fake_random},
	};
	context_init(&fake->context, "test", NULL, LOG_WARNING);
	fake->env.context = &fake->context;
	fake->env.arena = arena_create(0);
	fake->env.clock = &fake->clock;
	fake->env.poller = &fake->poller;
	fake->env.randomness = &fake->randomness;
}

void
fake_env_init_real(struct fake_env *fake)
{
	pthread_condattr_t attributes;

	fake_env_init(fake);
	fake->clock = (struct clock){.monotonic = real_monotonic, .realtime = real_monotonic};
	fake->poller = (struct poller){.poll = real_poll, .wake = real_wake};
	pthread_mutex_init(&fake->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&fake->condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

void
fake_env_loop(struct fake_env *fake, const struct loop_options *options)
{
	assert_int_equal(loop_create(&fake->env, options, &fake->loop), 0);
}

void
fake_env_fini(struct fake_env *fake)
{
	loop_destroy(fake->loop);
	assert_int_equal(arena_used(fake->env.arena), 0);
	arena_destroy(fake->env.arena);
}

void
fake_env_run(struct fake_env *fake, uint32_t limit)
{
	while (loop_fiber_count(fake->loop) > 0) {
		assert_true(limit-- > 0);
		loop_step(fake->loop, UINT64_MAX);
	}
}
