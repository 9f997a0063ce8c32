/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What goes on by itself on each loop: collection of what nobody can see any more, scrubbing,
 * forgetting of old requests, goodbyes. */
#include "engine/private.h"

#define SECOND UINT64_C(1000000000)
#define PERIOD_NS SECOND
/* Answers are remembered this long. */
#define RETENTION_NS (300 * SECOND)
/* The stores of services forget every so many periods. */
#define FORGET_PERIODS 30u
/* Nobody reads at an epoch older than this. */
#define READ_AGE_NS (60 * SECOND)
/* Items per turn and turns per period, so that collection leaves the loop to requests. */
#define COLLECT_CREDITS 64u
#define COLLECT_TURNS 16u
/* Values that the scrubber reads in a period. */
#define SCRUB_CREDITS 64u

/* Records of a period in which nobody changes anything: those of the engine's clock. */
#define QUIET_RECORDS 4u
#define QUIET_PERIODS 4u

static uint64_t
stamp_before(struct background *background, uint64_t age)
{
	struct engine *engine = background->engine;
	uint64_t now = env_realtime(loop_env(engine->node.loops[background->loop].loop));

	return hlc_from_realtime(now - age);
}

/* ------------------------------------------------ periods */

static int
target_collect(void *argument, struct vos *vos)
{
	struct background *background = argument;
	const struct node_loop *here = &background->engine->node.loops[background->loop];
	uint64_t age = FAULT("engine: collect what is a second old") ? SECOND : READ_AGE_NS;
	uint64_t epoch;
	int rc = 1;

	if (!vos_collect_due(vos, env_monotonic(loop_env(here->loop))))
		return 0;
	epoch = stamp_before(background, age);
	vos_set_request_horizon(vos, stamp_before(background, RETENTION_NS));
	for (uint32_t i = 0; rc > 0 && i < COLLECT_TURNS && !background->stopping; i++) {
		rc = vos_collect(vos, epoch,
				 FAULT("engine: collect in tiny steps") ? 1 : COLLECT_CREDITS);
		fiber_yield();
	}
	background->more = background->more || rc > 0;
	return min_of(rc, 0);
}

static int
target_scrub(void *argument, struct vos *vos)
{
	struct background *background = argument;
	const struct node_loop *here = &background->engine->node.loops[background->loop];

	int rc = vos_scrub_turn(vos, env_monotonic(loop_env(here->loop)),
				rpc_serving(here->rpc) == 0, SCRUB_CREDITS);

	background->more = background->more || rc > 0;
	return min_of(rc, 0);
}

/* Both in one visit: with thousands of targets the way to each is what costs. */
static int
target_visit(void *argument, struct vos *vos)
{
	int rc = target_collect(argument, vos), other = target_scrub(argument, vos);

	return rc != 0 ? rc : other;
}

/*
 * Whether to visit the targets: where the log of the loop stands still but for the engine's own
 * records, and no target had more to do, every fourth period is enough.
 */
static bool
visit_due(struct background *background)
{
	struct media_figures figures;
	bool moved;

	media_figures(background->engine->node.loops[background->loop].media, &figures);
	moved = figures.records > background->records + QUIET_RECORDS;
	background->records = figures.records;
	if (!moved && !background->more && ++background->skipped < QUIET_PERIODS)
		return false;
	background->skipped = 0;
	background->more = false;
	return true;
}

static void
background_fiber(void *argument)
{
	struct background *background = argument;
	struct engine *engine = background->engine;

	for (uint32_t period = 1; !background->stopping; period++) {
		uint64_t pause = FAULT("engine: collect soon") ? PERIOD_NS / 100 : PERIOD_NS;

		if (fiber_sleep(pause) != 0 || background->stopping)
			break;
		if (visit_due(background))
			pool_targets_here(&engine->node, target_visit, background);
		if (background->loop == 0 && period % FORGET_PERIODS == 0)
			pools_set_horizon(engine->pools, stamp_before(background, RETENTION_NS));
	}
	background->fiber = NULL;
	background->running--;
	wait_queue_wake_all(&background->ended);
}

/* ------------------------------------------------ goodbyes */

struct farewell {
	struct background *background;
	struct uuid client;
};

static int
target_forget(void *argument, struct vos *vos)
{
	const struct farewell *farewell = argument;
	uint64_t group;
	int rc = vos_forget_client(vos, farewell->client, &group);

	return rc == -DER_NONEXIST ? 0 : rc;
}

static void
farewell_fiber(void *argument)
{
	struct farewell *farewell = argument;
	struct background *background = farewell->background;
	struct engine *engine = background->engine;

	pool_targets_here(&engine->node, target_forget, farewell);
	/* Handles and the answers of services belong to the client's connection to loop 0. */
	if (background->loop == 0)
		pools_forget_client(engine->pools, farewell->client);
	arena_free(loop_env(engine->node.loops[background->loop].loop)->arena, farewell);
	background->running--;
	wait_queue_wake_all(&background->ended);
}

/* What a client merely lost stays until it returns or the retention has passed. */
static void
client_gone(void *owner, struct uuid client, bool said)
{
	struct background *background = owner;
	struct loop *loop = background->engine->node.loops[background->loop].loop;
	struct farewell *farewell;
	struct fiber *fiber;

	if (!said || background->stopping)
		return;
	farewell = arena_alloc(loop_env(loop)->arena, sizeof(*farewell));
	if (farewell == NULL)
		return;
	*farewell = (struct farewell){background, client};
	if (fiber_start(loop, "farewell", farewell_fiber, farewell, &fiber) == 0)
		background->running++;
	else
		arena_free(loop_env(loop)->arena, farewell);
}

/* ------------------------------------------------ start and stop */

static int
start_here(struct engine *engine, uint32_t index)
{
	struct background *background = &engine->background[index];
	struct node_loop *here = &engine->node.loops[index];
	int rc;

	*background = (struct background){.engine = engine, .loop = index};
	wait_queue_init(&background->ended);
	rc = fiber_start(here->loop, "background", background_fiber, background,
			 &background->fiber);
	if (rc)
		return rc;
	background->running = 1;
	rpc_on_goodbye(here->rpc, client_gone, background);
	return 0;
}

static int
stop_here(struct engine *engine, uint32_t index)
{
	struct background *background = &engine->background[index];

	/* Not started where an earlier loop's start failed. */
	if (background->engine == NULL)
		return 0;
	background->stopping = true;
	if (background->fiber)
		fiber_cancel(background->fiber);
	while (background->running > 0)
		wait_queue_wait_plain(&background->ended);
	return 0;
}

int
engine_background_start(struct engine *engine)
{
	int rc = engine_each_loop(engine, start_here);

	if (rc)
		engine_background_stop(engine);
	return rc;
}

void
engine_background_stop(struct engine *engine)
{
	int rc = engine_each_loop(engine, stop_here);

	if (rc)
		error_log(LOG_ERROR, rc, "stopping background work");
}
