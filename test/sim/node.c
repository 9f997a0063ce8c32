/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of engines and clients. What ends by a crash ends without any code of its own. */
#include <stdio.h>

#include "sim/run.h"

/* How often an engine is looked at whose media may have failed, and how soon it is started again:
 * what an operator would do. */
#define MEDIA_CHECK_NS (200 * MILLISECOND)
#define RESTART_NS (100 * MILLISECOND)

/* Starts in a row that may fail after everything has healed. */
#define REFUSALS_MAX 20u

/* ------------------------------------------------ servers */

void
server_init(struct sim *sim, uint32_t number)
{
	struct server *server = &sim->servers[number];

	server->sim = sim;
	server->number = number;
	snprintf(server->name, sizeof(server->name), "engine-%u", number);
	snprintf(server->address, sizeof(server->address), "memory:engine-%u", number);
	server->listen = server->address;
	server->loop_count = (uint32_t)plan_knob(sim->plan, KNOB_LOOPS);
}

static void
place_create(struct sim *sim, const struct memory_env_options *options, struct place *place)
{
	int rc = memory_env_create(sim->world, options, &place->env);

	ASSERT(rc == 0);
	rc = loop_create(place->env, NULL, &place->loop);
	ASSERT(rc == 0);
	place->busy_until = 0;
	schedule_admit(sim, place);
}

static void
place_destroy(struct place *place)
{
	loop_destroy(place->loop);
	memory_env_destroy(place->env);
	*place = (struct place){0};
}

static void
place_crash(struct place *place)
{
	loop_abandon(place->loop);
	memory_env_crash(place->env);
	*place = (struct place){0};
}

static void
start_main(void *argument)
{
	struct server *server = argument;

	server->result = engine_start(server->engine);
	server->ended = true;
}

static void
server_start(struct server *server)
{
	const struct plan *plan = server->sim->plan;
	const struct engine_options options = {
		.targets = (uint32_t)plan_knob(plan, KNOB_TARGETS),
		.listen = &server->listen,
		.listen_count = 1,
		.format = !server->formatted,
		.log_size = plan_knob(plan, KNOB_LOG_SIZE),
		.inline_limit = plan_knob(plan, KNOB_INLINE_LIMIT),
		.checkpoint_interval = plan_knob(plan, KNOB_CHECKPOINT),
	};
	struct loop *loops[LOOPS_MAX];
	struct fiber *fiber;
	int rc;

	for (uint32_t i = 0; i < server->loop_count; i++)
		loops[i] = server->places[i].loop;
	rc = engine_create(loops, server->loop_count, &options, &server->engine);
	if (rc == 0)
		rc = fiber_start(loops[0], "start", start_main, server, &fiber);
	ASSERT(rc == 0);
}

void
server_boot(struct server *server)
{
	struct sim *sim = server->sim;
	const struct memory_env_options options = {
		.node = server->name,
		.realtime_offset = server->clock_offset,
		.credentials = {.known = true},
		.sink = &sim->sink,
		.level = sim->options->trace_from == UINT64_MAX ? LOG_ERROR : LOG_INFO,
		.marks = sim->marks,
	};

	ASSERT(server->state == NODE_DOWN);
	for (uint32_t i = 0; i < server->loop_count; i++) {
		place_create(sim, &options, &server->places[i]);
		if (server->clock_drift)
			memory_env_clock_drift(server->places[i].env, server->clock_drift);
		if (server->paused_until > sim_now(sim))
			place_busy(&server->places[i], server->paused_until);
	}
	server->ended = false;
	server->state = NODE_STARTING;
	server_start(server);
}

void
server_crash(struct server *server, bool power, uint64_t restart_at)
{
	struct sim *sim = server->sim;
	const struct memory_crash crash = {MEMORY_CRASH_RANDOM, stream_next64(&sim->crashes)};

	if (server->state == NODE_DOWN)
		return;
	/* All loops first: a fiber of one may stand on what another owns. */
	for (uint32_t i = 0; i < server->loop_count; i++)
		loop_abandon(server->places[i].loop);
	for (uint32_t i = 0; i < server->loop_count; i++) {
		memory_env_crash(server->places[i].env);
		server->places[i] = (struct place){0};
	}
	if (power)
		memory_node_power_cut(sim->world, server->name, &crash);
	server->engine = NULL;
	server->audited = false;
	server->state = NODE_DOWN;
	server->restart_at = restart_at;
	if (!sim->over)
		sim->report->crashes++;
}

/* A start that failed has undone everything; what is left is proof that it has. */
static void
server_refused(struct server *server)
{
	struct sim *sim = server->sim;
	uint64_t now = sim_now(sim);
	bool for_good = sim->phase > PHASE_CHAOS && server->refusals >= REFUSALS_MAX;

	engine_destroy(server->engine);
	server->engine = NULL;
	for (uint32_t i = 0; i < server->loop_count; i++)
		place_destroy(&server->places[i]);
	server->state = NODE_DOWN;
	server->restart_at = for_good ? UINT64_MAX : now + RESTART_NS;
	server->refusals++;
	ledger_excuse(&server->ledger, EXCUSE_OUTAGE, now + EXCUSE_GRACE);
	if (!ledger_allows(&server->ledger, now, server->result))
		sim_decide(sim, VERDICT_SAFETY, "%s does not start: %s (%s); %s", server->name,
			   error_name(server->result), error_description(server->result),
			   sim->last_error);
	else
		/* Whoever asks it meanwhile waits in vain. */
		ledger_excuse(&server->ledger, EXCUSE_OUTAGE,
			      for_good ? UINT64_MAX : now + EXCUSE_GRACE);
}

static void
server_started(struct server *server)
{
	if (server->result) {
		server_refused(server);
		return;
	}
	server->state = NODE_UP;
	server->formatted = true;
	server->refusals = 0;
	server->media_checked = sim_now(server->sim);
}

static bool
media_failed(const struct server *server)
{
	const struct node *node = engine_node(server->engine);

	for (uint32_t i = 0; i < node->loop_count; i++) {
		if (node->loops[i].media && media_state(node->loops[i].media) != 0)
			return true;
	}
	return false;
}

/* An engine whose log has failed answers nothing more until it is started again. */
static void
server_look(struct server *server)
{
	uint64_t now = sim_now(server->sim);

	server->media_checked = now;
	if (!media_failed(server))
		return;
	if (server->ledger.excused_until[EXCUSE_IO] <= now)
		sim_decide(server->sim, VERDICT_SAFETY,
			   "the media of %s has failed without a fault of its disks; %s",
			   server->name, server->sim->last_error);
	ledger_excuse(&server->ledger, EXCUSE_OUTAGE, now + EXCUSE_GRACE);
	server_crash(server, false, now + RESTART_NS);
}

uint64_t
server_due(const struct server *server)
{
	switch (server->state) {
	case NODE_DOWN:
		return server->restart_at;
	case NODE_STARTING:
		return server->ended ? 0 : UINT64_MAX;
	case NODE_UP:
		return server->media_checked + MEDIA_CHECK_NS;
	case NODE_STOPPING:
		break;
	}
	return UINT64_MAX;
}

void
server_turn(struct server *server)
{
	switch (server->state) {
	case NODE_DOWN:
		server_boot(server);
		break;
	case NODE_STARTING:
		server_started(server);
		break;
	case NODE_UP:
		server_look(server);
		break;
	case NODE_STOPPING:
		break;
	}
}

static void
stop_main(void *argument)
{
	struct server *server = argument;

	engine_stop(server->engine);
	server->ended = true;
}

static bool
all_ended(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (sim->servers[i].state == NODE_STOPPING && !sim->servers[i].ended)
			return false;
	}
	for (uint32_t i = 0; i < sim->client_count; i++) {
		if (sim->clients[i].state == NODE_STOPPING && !sim->clients[i].ended)
			return false;
	}
	return true;
}

bool
server_stop(struct server *server)
{
	struct sim *sim = server->sim;
	struct fiber *fiber;
	int rc;

	if (server->state != NODE_UP)
		return true;
	server->ended = false;
	server->state = NODE_STOPPING;
	rc = fiber_start(server->places[0].loop, "stop", stop_main, server, &fiber);
	ASSERT(rc == 0);
	if (!drive(sim, all_ended, 120 * SECOND))
		return false;
	engine_destroy(server->engine);
	server->engine = NULL;
	/* Asserts that all memory came back. */
	for (uint32_t i = 0; i < server->loop_count; i++)
		place_destroy(&server->places[i]);
	server->state = NODE_DOWN;
	server->restart_at = UINT64_MAX;
	return true;
}

/* ------------------------------------------------ clients */

void
client_init(struct sim *sim, uint32_t number)
{
	struct client_node *node = &sim->clients[number];

	node->sim = sim;
	node->number = number;
	node->server = &sim->servers[number % sim->server_count];
	snprintf(node->name, sizeof(node->name), "client-%u", number);
}

void
client_boot(struct client_node *node)
{
	struct sim *sim = node->sim;
	const struct memory_env_options options = {
		.node = node->name,
		.no_storage = true,
		.credentials = {.known = true, .process = (int32_t)node->number + 1},
		.sink = &sim->sink,
		.level = sim->options->trace_from == UINT64_MAX ? LOG_ERROR : LOG_INFO,
		.marks = sim->marks,
	};
	const char *address = node->server->address;
	const struct client_host host = {.servers = &address, .server_count = 1};
	int rc;

	ASSERT(node->state == NODE_DOWN);
	place_create(sim, &options, &node->place);
	rc = client_create(node->place.loop, &host, &node->client);
	ASSERT(rc == 0);
	node->state = NODE_UP;
	if (node->paused_until > sim_now(sim))
		place_busy(&node->place, node->paused_until);
	slots_start(node);
}

void
client_crash(struct client_node *node, uint64_t restart_at)
{
	if (node->state == NODE_DOWN)
		return;
	place_crash(&node->place);
	node->client = NULL;
	node->state = NODE_DOWN;
	node->restart_at = restart_at;
	node->generation++;
	slots_lost(node);
}

static void
client_main(void *argument)
{
	struct client_node *node = argument;

	client_destroy(node->client);
	node->ended = true;
}

bool
client_stop(struct client_node *node)
{
	struct fiber *fiber;
	int rc;

	if (node->state != NODE_UP)
		return true;
	node->ended = false;
	node->state = NODE_STOPPING;
	rc = fiber_start(node->place.loop, "client end", client_main, node, &fiber);
	ASSERT(rc == 0);
	if (!drive(node->sim, all_ended, 120 * SECOND))
		return false;
	node->client = NULL;
	place_destroy(&node->place);
	node->state = NODE_DOWN;
	node->restart_at = UINT64_MAX;
	return true;
}
