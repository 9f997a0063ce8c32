/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The clock's ceiling: no stamp above it was ever drawn, so that a start that begins there never
 * goes back. The clock itself sees to that: its limit is the ceiling that is durable, and whoever
 * wants a stamp beyond waits until the next one is (a process that was stopped, a slow disk, a
 * stamp from a clock that runs ahead). It is kept a little ahead of the clock; ahead by less than
 * the epsilon of the clocks, so that others accept the stamps of an engine that has just come back.
 */
#include "engine/private.h"

#define MILLISECOND UINT64_C(1000000)
/* How far ahead it is set, when it is raised, and how often that is looked at. */
#define LEAD_NS (600 * MILLISECOND)
#define RAISE_NS (350 * MILLISECOND)
#define PERIOD_NS (100 * MILLISECOND)
/* A start waits until the ceiling is no further ahead than this. */
#define AHEAD_NS (400 * MILLISECOND)
#define WAIT_MAX_NS (10000 * MILLISECOND)

static uint64_t
realtime(struct engine *engine)
{
	return env_realtime(loop_env(engine->node.loops[0].loop));
}

/* The clock may already be ahead of real time. */
static uint64_t
clock_now(struct engine *engine)
{
	return max_of(realtime(engine), hlc_to_realtime(hlc_latest(&engine->clock)));
}

static int
ceiling_raise(struct engine *engine)
{
	uint64_t now = clock_now(engine), ceiling;
	int rc;

	if (engine->ceiling > hlc_from_realtime(now + RAISE_NS))
		return 0;
	ceiling = hlc_from_realtime(now + LEAD_NS);
	rc = system_set_ceiling(engine->services_system, ceiling);
	if (rc == 0) {
		engine->ceiling = ceiling;
		hlc_set_limit(&engine->clock, ceiling);
	}
	return rc;
}

static void
clock_fiber(void *argument)
{
	struct engine *engine = argument;
	int rc = 0;

	while (!engine->clock_stopping && rc == 0) {
		int raised = ceiling_raise(engine);

		/* It may be possible later; until then nobody gets an epoch beyond the ceiling. */
		if (raised && !atomic_load(&engine->node.clock_state))
			error_log(LOG_ERROR, raised, "the clock's ceiling cannot be raised");
		atomic_store(&engine->node.clock_state, raised);
		rc = fiber_sleep(FAULT("engine: look late at the ceiling") ? 2 * PERIOD_NS
									   : PERIOD_NS);
	}
	engine->clock_fiber = NULL;
	wait_queue_wake_all(&engine->clock_ended);
}

/* Waits until real time has come near the ceiling. */
static int
ceiling_await(struct engine *engine, uint64_t ceiling_ns)
{
	uint64_t now = realtime(engine);

	if (ceiling_ns <= now + AHEAD_NS)
		return 0;
	if (ceiling_ns - now > WAIT_MAX_NS)
		return error_raise(
			-DER_HLC_SYNC,
			"the clock of this host is %lu s behind the time at which the engine "
			"last ran: set the clock and start again",
			(unsigned long)((ceiling_ns - now) / (1000 * MILLISECOND)));
	REACHED("engine: a start waits until its clock is near the ceiling");
	return fiber_sleep(ceiling_ns - now - AHEAD_NS);
}

int
engine_clock_start(struct engine *engine)
{
	uint64_t ceiling;
	int rc = system_clock_ceiling(engine->services_system, &ceiling);

	if (rc == 0 && ceiling)
		rc = ceiling_await(engine, hlc_to_realtime(ceiling));
	if (rc)
		return rc;
	hlc_init(&engine->clock, ceiling);
	hlc_set_limit(&engine->clock, ceiling);
	engine->ceiling = ceiling;
	/* Nothing draws a stamp before the ceiling is ahead. */
	rc = ceiling_raise(engine);
	if (rc)
		return rc;
	engine->clock_stopping = false;
	wait_queue_init(&engine->clock_ended);
	return fiber_start(engine->node.loops[0].loop, "clock", clock_fiber, engine,
			   &engine->clock_fiber);
}

void
engine_clock_stop(struct engine *engine)
{
	int rc;

	engine->clock_stopping = true;
	if (engine->clock_fiber)
		fiber_cancel(engine->clock_fiber);
	while (engine->clock_fiber)
		wait_queue_wait_plain(&engine->clock_ended);
	/* No stamp is drawn any more: a clean start need not wait. */
	hlc_set_limit(&engine->clock, 0);
	rc = system_set_ceiling(engine->services_system, hlc_latest(&engine->clock));
	if (rc)
		error_log(LOG_WARNING, rc, "the clock's ceiling was not set");
}
