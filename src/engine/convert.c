/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Another number of loops than before: each old log is opened on loop 0 with the heaps that it
 * names, and everything is brought into the heaps. Heaps closed like this need no log any more.
 */
#include <stdio.h>

#include "engine/private.h"

struct conversion {
	struct engine *engine;
	uint32_t former_loops;
	uint32_t pool_count, room;
	struct system_pool *pools;
};

static int
pool_visit(void *argument, const struct system_pool *pool)
{
	struct conversion *conversion = argument;

	if (pool->state != PROTO_POOL_READY)
		return 0;
	if (conversion->pool_count == conversion->room) {
		uint32_t room = conversion->room ? 2 * conversion->room : 16;
		void *larger = arena_realloc(conversion->engine->arena, conversion->pools,
					     room * sizeof(*pool));

		if (larger == NULL)
			return error_raise(-DER_NOMEM, "no memory for a list of pools");
		conversion->pools = larger;
		conversion->room = room;
	}
	conversion->pools[conversion->pool_count++] = *pool;
	return 0;
}

/* Opens a heap so that the log's records reach it; a damaged one is left as it is. */
static int
heap_take(struct media *media, const char *name)
{
	struct heap *heap;
	int rc = heap_open(media, name, &heap);

	/* media_close() closes it. */
	if (rc == -DER_IO || rc == -DER_CSUM || rc == -DER_DF_INVAL || rc == -DER_DF_INCOMPT ||
	    rc == -DER_NONEXIST) {
		error_log(LOG_ERROR, rc, "%s cannot be read", name);
		return 0;
	}
	return rc;
}

static int
heaps_take(struct conversion *conversion, struct media *media, uint32_t log)
{
	char name[128], id[UUID_TEXT_SIZE];
	int rc = 0;

	for (uint32_t i = 0; i < conversion->pool_count; i++) {
		const struct system_pool *pool = &conversion->pools[i];

		uuid_to_text(&pool->id, id);
		snprintf(name, sizeof(name), "pools/%s/service", id);
		if (log == 0)
			rc = heap_take(media, name);
		for (uint32_t j = log; rc == 0 && j < pool->target_count;
		     j += conversion->former_loops) {
			snprintf(name, sizeof(name), "pools/%s/target-%u", id, j);
			rc = heap_take(media, name);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* The pools, from the system's store, whose newest records are in log 0. */
static int
pools_read(struct conversion *conversion)
{
	struct system *system;
	int rc = system_open(&conversion->engine->node, &system);

	if (rc)
		return rc;
	rc = system_pool_list(system, pool_visit, conversion);
	system_close(system);
	return rc;
}

static int
log_convert(struct conversion *conversion, uint32_t log)
{
	struct node_loop *first = &conversion->engine->node.loops[0];
	struct media_options options;
	char name[LOG_NAME];
	int rc, closed;

	engine_log_name(log, name);
	engine_media_options(conversion->engine, &options);
	rc = media_open(first->loop, name, &options, &first->media);
	if (rc)
		return rc;
	if (log == 0)
		rc = pools_read(conversion);
	if (rc == 0)
		rc = heaps_take(conversion, first->media, log);
	if (rc == 0)
		rc = media_start(first->media);
	/* With the log would go what heaps that could not be opened need of it. */
	if (rc == 0 && media_keeps(first->media))
		rc = error_raise(-DER_IO, "%s has records of heaps that cannot be opened", name);
	closed = media_close(first->media);
	first->media = NULL;
	return rc ? rc : closed;
}

int
engine_convert(struct engine *engine, uint32_t former_loops)
{
	struct conversion conversion = {.engine = engine, .former_loops = former_loops};
	int rc = 0;

	log_notice("the storage was used with %u loops; from now on %u", former_loops,
		   engine->node.loop_count);
	for (uint32_t i = 0; rc == 0 && i < former_loops; i++)
		rc = log_convert(&conversion, i);
	arena_free(engine->arena, conversion.pools);
	return rc;
}
