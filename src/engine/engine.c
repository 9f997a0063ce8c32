/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The engine's life: a table of steps, each with its undoing. */
#include <stdio.h>

#include "engine/private.h"
#include "object/dtx/dtx.h"

/* ------------------------------------------------ every loop */

struct loop_step {
	struct engine *engine;
	uint32_t index;
	int (*function)(struct engine *engine, uint32_t index);
};

static int
step_here(void *argument)
{
	struct loop_step *step = argument;

	return step->function(step->engine, step->index);
}

int
engine_each_loop(struct engine *engine, int (*function)(struct engine *engine, uint32_t index))
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < engine->node.loop_count; i++) {
		struct loop_step step = {engine, i, function};

		rc = loop_call(engine->node.loops[i].loop, step_here, &step);
	}
	return rc;
}

/* For what is undone: on each loop, whatever fails. */
static void
undo_each_loop(struct engine *engine, int (*function)(struct engine *engine, uint32_t index))
{
	for (uint32_t i = engine->node.loop_count; i-- > 0;) {
		struct loop_step step = {engine, i, function};
		int rc = loop_call(engine->node.loops[i].loop, step_here, &step);

		if (rc)
			error_log(LOG_WARNING, rc, "stopping loop %u", i);
	}
}

/* ------------------------------------------------ storage and logs */

/* All that was in the former logs is in the heaps; the superblock says so before they go. */
static int
loops_change(struct engine *engine, struct superblock *superblock)
{
	int rc = superblock->loops ? engine_convert(engine, superblock->loops) : 0;

	if (rc)
		return error_raise(
			rc,
			"the storage was used with %u loops and cannot be changed to %u: "
			"%s; start with %u loops",
			superblock->loops, engine->node.loop_count, error_text(rc),
			superblock->loops);
	superblock->loops = 0;
	rc = superblock_write(engine, superblock);
	if (rc == 0)
		rc = engine_remove_logs(engine->node.storage, engine->arena);
	if (rc == 0)
		rc = engine_format_logs(engine);
	if (rc)
		return rc;
	superblock->loops = engine->node.loop_count;
	return superblock_write(engine, superblock);
}

static int
storage_start(struct engine *engine)
{
	struct superblock superblock;
	bool formatted;
	int rc = engine_formatted(engine->node.storage, &formatted);

	if (rc)
		return rc;
	if (engine->options.format && formatted)
		return error_raise(-DER_EXIST, "the storage holds a system already: start without "
					       "format, or use another directory");
	if (!engine->options.format && !formatted)
		return error_raise(-DER_NONEXIST, "the storage holds no system: format it first");
	if (!formatted)
		return engine_format(engine);
	rc = superblock_read(engine, &superblock);
	if (rc == 0 && superblock.loops != engine->node.loop_count)
		rc = loops_change(engine, &superblock);
	return rc;
}

static int
log_open(struct engine *engine, uint32_t index)
{
	struct node_loop *here = &engine->node.loops[index];
	struct media_options options;
	char name[LOG_NAME];

	engine_log_name(index, name);
	engine_media_options(engine, &options);
	return media_open(here->loop, name, &options, &here->media);
}

static int
log_close(struct engine *engine, uint32_t index)
{
	struct node_loop *here = &engine->node.loops[index];
	int rc = here->media ? media_close(here->media) : 0;

	here->media = NULL;
	return rc;
}

static void
logs_stop(struct engine *engine)
{
	undo_each_loop(engine, log_close);
}

static int
logs_start(struct engine *engine)
{
	int rc = engine_each_loop(engine, log_open);

	if (rc)
		logs_stop(engine);
	return rc;
}

static int
media_begin(struct engine *engine, uint32_t index)
{
	return media_start(engine->node.loops[index].media);
}

static int
media_go(struct engine *engine)
{
	return engine_each_loop(engine, media_begin);
}

/* ------------------------------------------------ tables */

static int
tables_create(struct engine *engine, uint32_t index)
{
	int rc = pool_table_create(&engine->node);

	(void)index;
	return rc == 0 ? container_table_create(&engine->node) : rc;
}

static int
tables_destroy(struct engine *engine, uint32_t index)
{
	(void)index;
	container_table_destroy(&engine->node);
	pool_table_destroy(&engine->node);
	return 0;
}

static void
tables_stop(struct engine *engine)
{
	undo_each_loop(engine, tables_destroy);
}

static int
tables_start(struct engine *engine)
{
	int rc = engine_each_loop(engine, tables_create);

	if (rc)
		tables_stop(engine);
	return rc;
}

/* ------------------------------------------------ services */

static int
system_start(struct engine *engine)
{
	return system_open(&engine->node, &engine->services_system);
}

static void
system_stop(struct engine *engine)
{
	system_close(engine->services_system);
}

static int
heaps_start(struct engine *engine)
{
	return pools_open(&engine->node, engine->services_system, &engine->pools);
}

static void
heaps_stop(struct engine *engine)
{
	pools_close(engine->pools);
}

static int
stores_start(struct engine *engine)
{
	return pools_start(engine->pools);
}

static int
containers_start(struct engine *engine)
{
	return containers_open(engine->pools, &engine->containers);
}

static void
containers_stop(struct engine *engine)
{
	containers_close(engine->containers);
}

/* What an earlier run left undecided is settled before anything is served. */
static int
transactions_start(struct engine *engine)
{
	return dtx_resync(&engine->node, engine->pools);
}

/* ------------------------------------------------ rpc */

static int
rpc_make(struct engine *engine, uint32_t index)
{
	struct node_loop *here = &engine->node.loops[index];
	const struct rpc_options options = {
		.incarnation = engine->node.incarnation,
		.clock = &engine->clock,
		.rank = engine->node.rank,
		.system = engine->node.system,
	};
	int rc = rpc_create(here->loop, &options, &here->rpc);

	engine->group[index] = here->rpc;
	return rc;
}

/* Handlers end before what they use goes. */
static int
rpc_end(struct engine *engine, uint32_t index)
{
	struct node_loop *here = &engine->node.loops[index];

	if (here->rpc)
		rpc_destroy(here->rpc);
	here->rpc = NULL;
	object_stop(&engine->node);
	return 0;
}

static void
rpc_stop(struct engine *engine)
{
	undo_each_loop(engine, rpc_end);
}

static int
rpc_start(struct engine *engine)
{
	int rc = engine_each_loop(engine, rpc_make);

	if (rc)
		rpc_stop(engine);
	return rc;
}

static int
objects_here(struct engine *engine, uint32_t index)
{
	(void)index;
	return object_serve(&engine->node);
}

static int
serve_start(struct engine *engine)
{
	int rc = system_serve(engine->services_system);

	if (rc == 0)
		rc = pools_serve(engine->pools);
	if (rc == 0)
		rc = containers_serve(engine->containers);
	return rc == 0 ? engine_each_loop(engine, objects_here) : rc;
}

/* The addresses stay: whoever is connected is served for a while, and must learn where to go. */
static void
listen_stop(struct engine *engine)
{
	rpc_unlisten(engine->node.loops[0].rpc);
}

/*
 * The sockets of a killed process live on for some milliseconds, until the kernel has ended its
 * ring: an address that is taken is asked for again during this time before it counts as somebody
 * else's.
 */
#define LISTEN_PATIENCE_NS (2 * UINT64_C(1000000000))
#define LISTEN_PAUSE_NS (10 * UINT64_C(1000000))

static int
listen_on(struct engine *engine, const char *address, char *ret_address)
{
	struct node *node = &engine->node;
	struct env *env = loop_env(node->loops[0].loop);
	uint64_t until = env_monotonic(env) + LISTEN_PATIENCE_NS;
	int rc;

	for (;;) {
		rc = rpc_listen(node->loops[0].rpc, address, engine->group, node->loop_count,
				ret_address);
		if (rc != -DER_BUSY || env_monotonic(env) >= until)
			return rc;
		rc = fiber_sleep(LISTEN_PAUSE_NS);
		if (rc)
			return rc;
	}
}

int
engine_listen(struct engine *engine, const char *address)
{
	struct node *node = &engine->node;
	int rc;

	if (node->address_count == PROTO_ADDRESSES_MAX)
		return error_raise(-DER_OVERFLOW, "an engine listens on %u addresses at most",
				   PROTO_ADDRESSES_MAX);
	rc = listen_on(engine, address, node->addresses[node->address_count]);
	if (rc)
		return error_raise(rc, "cannot listen on %s: %s", address, error_text(rc));
	node->address_count++;
	return 0;
}

static int
listen_start(struct engine *engine)
{
	int rc = 0;

	engine->node.address_count = 0;
	for (uint32_t i = 0; rc == 0 && i < engine->options.listen_count; i++)
		rc = engine_listen(engine, engine->listen[i]);
	if (rc)
		listen_stop(engine);
	return rc;
}

/* ------------------------------------------------ the table */

static const struct {
	const char *name;
	int (*start)(struct engine *engine);
	void (*stop)(struct engine *engine); /* NULL: nothing to undo */
} steps[] = {
	{"storage", storage_start, NULL},
	{"logs", logs_start, logs_stop},
	{"tables", tables_start, tables_stop},
	{"system", system_start, system_stop},
	{"heaps", heaps_start, heaps_stop},
	{"media", media_go, NULL},
	{"clock", engine_clock_start, engine_clock_stop},
	{"stores", stores_start, NULL},
	{"containers", containers_start, containers_stop},
	{"transactions", transactions_start, NULL},
	{"rpc", rpc_start, rpc_stop},
	{"services", serve_start, NULL},
	{"background", engine_background_start, engine_background_stop},
	{"listeners", listen_start, listen_stop},
};

void
engine_stop(struct engine *engine)
{
	uint64_t deadline = fiber_set_deadline(0);

	while (engine->steps > 0) {
		engine->steps--;
		log_debug("stopping: %s", steps[engine->steps].name);
		if (steps[engine->steps].stop)
			steps[engine->steps].stop(engine);
	}
	(void)fiber_set_deadline(deadline);
}

int
engine_start(struct engine *engine)
{
	ASSERT(engine->steps == 0 && loop_current() == engine->node.loops[0].loop);
	while (engine->steps < ARRAY_SIZE(steps)) {
		int rc;

		log_debug("starting: %s", steps[engine->steps].name);
		rc = steps[engine->steps].start(engine);
		if (rc) {
			struct error_origin origin = *context_current()->origin;

			error_log(LOG_ERROR, rc, "the engine cannot start (%s)",
				  steps[engine->steps].name);
			engine_stop(engine);
			*context_current()->origin = origin;
			return rc;
		}
		engine->steps++;
	}
	return 0;
}

/* ------------------------------------------------ create and destroy */

static int
options_check(uint32_t count, const struct engine_options *options)
{
	if (count == 0 || count > NODE_LOOPS)
		return error_raise(-DER_INVAL, "%u loops; 1 to %u are possible", count, NODE_LOOPS);
	if (options->targets == 0)
		return error_raise(-DER_INVAL, "an engine has at least one target");
	if (options->listen_count > PROTO_ADDRESSES_MAX)
		return error_raise(-DER_INVAL, "%u addresses; %u are possible",
				   options->listen_count, PROTO_ADDRESSES_MAX);
	if (options->system && (options->system[0] == 0 || strlen(options->system) > 15))
		return error_raise(-DER_INVAL, "the name of a system has 1 to 15 characters");
	return 0;
}

static void
node_fill(struct engine *engine, struct loop *const *loops, uint32_t count)
{
	struct node *node = &engine->node;
	struct env *env = loop_env(loops[0]);
	uint64_t high = env_random(env);

	node->system = engine->system;
	node->version = SOFTWARE_VERSION;
	node->incarnation = uuid_make(high, env_random(env));
	node->rank = engine->options.rank;
	node->target_count = engine->options.targets;
	node->loop_count = count;
	node->clock = &engine->clock;
	node->storage = env->storage;
	node->thin_default = engine->options.thin_default;
	node->capacity = engine->options.capacity;
	for (uint32_t i = 0; i < count; i++)
		node->loops[i].loop = loops[i];
}

int
engine_create(struct loop *const *loops, uint32_t count, const struct engine_options *options,
	      struct engine **ret_engine)
{
	struct arena *arena = loop_env(loops[0])->arena;
	struct engine *engine;
	int rc = options_check(count, options);

	if (rc)
		return rc;
	engine = arena_calloc(arena, 1, sizeof(*engine));
	if (engine == NULL)
		return error_raise(-DER_NOMEM, "no memory for an engine");
	engine->arena = arena;
	engine->options = *options;
	engine->options.listen = NULL;
	snprintf(engine->system, sizeof(engine->system), "%s",
		 options->system ? options->system : "daos_server");
	node_fill(engine, loops, count);
	for (uint32_t i = 0; i < options->listen_count; i++) {
		engine->listen[i] = arena_strdup(arena, options->listen[i]);
		if (engine->listen[i] == NULL) {
			engine_destroy(engine);
			return error_raise(-DER_NOMEM, "no memory for an engine");
		}
	}
	*ret_engine = engine;
	return 0;
}

void
engine_destroy(struct engine *engine)
{
	ASSERT(engine->steps == 0);
	for (uint32_t i = 0; i < PROTO_ADDRESSES_MAX; i++)
		arena_free(engine->arena, engine->listen[i]);
	arena_free(engine->arena, engine);
}

uint32_t
engine_addresses(const struct engine *engine, const char **ret_addresses, uint32_t limit)
{
	uint32_t count = min_of(engine->node.address_count, limit);

	for (uint32_t i = 0; i < count; i++)
		ret_addresses[i] = engine->node.addresses[i];
	return count;
}

struct node *
engine_node(struct engine *engine)
{
	return &engine->node;
}
