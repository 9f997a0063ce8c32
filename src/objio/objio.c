/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A connected pool and an open container as seen from one loop. */
#include "objio/private.h"

#define PATIENCE_NS (60 * UINT64_C(1000000000))

static const struct proto_engine *
engine_of_rank(const struct proto_map *map, uint32_t rank)
{
	for (uint32_t i = 0; i < map->engine_count; i++)
		if (map->engines[i].rank == rank)
			return &map->engines[i];
	return NULL;
}

/* The peer of a loop of an engine; the RPC end shares it between targets of one loop. */
static int
target_peer(struct rpc *rpc, const struct proto_engine *engine, uint32_t tag,
	    struct rpc_peer **ret_peer)
{
	char text[PROTO_ADDRESSES_MAX][PROTO_ADDRESS_MAX + 1];
	const char *addresses[PROTO_ADDRESSES_MAX];
	uint32_t count = min_of(engine->address_count, PROTO_ADDRESSES_MAX);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t length = min_of(engine->addresses[i].length, PROTO_ADDRESS_MAX);

		memcpy(text[i], engine->addresses[i].data, length);
		text[i][length] = '\0';
		addresses[i] = text[i];
	}
	return rpc_peer_get(rpc, addresses, count, tag, ret_peer);
}

static int
target_init(struct objio_pool *pool, const struct proto_map *map, uint32_t number)
{
	const struct proto_target *source = &map->targets[number];
	const struct proto_engine *engine = engine_of_rank(map, source->rank);
	struct objio_target *target = &pool->targets[number];
	int rc;

	if (engine == NULL || engine->address_count == 0)
		return error_raise(-DER_PROTO,
				   "the pool map has target %u on rank %u, which has no address",
				   number, source->rank);
	target->tag = source->tag;
	rc = target_peer(pool->rpc, engine, source->tag, &target->peer);
	if (rc == 0)
		rc = rpc_window_create(pool->rpc, &target->window);
	return rc;
}

static int
targets_init(struct objio_pool *pool, const struct proto_map *map)
{
	int rc = 0;

	pool->targets = arena_calloc(pool->arena, map->target_count, sizeof(*pool->targets));
	if (pool->targets == NULL)
		return -DER_NOMEM;
	pool->target_count = map->target_count;
	for (uint32_t i = 0; i < map->target_count && rc == 0; i++)
		rc = target_init(pool, map, i);
	return rc;
}

int
objio_pool_create(const struct objio_pool_options *options, struct objio_pool **ret_pool)
{
	struct env *env = loop_env(rpc_loop(options->rpc));
	struct objio_pool *pool = arena_calloc(env->arena, 1, sizeof(*pool));
	int rc;

	if (pool == NULL)
		return -DER_NOMEM;
	pool->rpc = options->rpc;
	pool->arena = env->arena;
	pool->env = env;
	pool->id = options->pool;
	pool->placement = (struct placement_map){.version = options->map->placement,
						 .targets = options->map->target_count};
	pool->map_version = options->map->version;
	pool->patience_ns = options->patience_ns ? options->patience_ns : PATIENCE_NS;
	rc = targets_init(pool, options->map);
	if (rc != 0) {
		objio_pool_destroy(pool);
		return rc;
	}
	*ret_pool = pool;
	return 0;
}

void
objio_pool_destroy(struct objio_pool *pool)
{
	for (uint32_t i = 0; i < pool->target_count; i++) {
		if (pool->targets[i].window)
			rpc_window_destroy(pool->targets[i].window);
		if (pool->targets[i].peer)
			rpc_peer_put(pool->targets[i].peer);
	}
	arena_free(pool->arena, pool->targets);
	arena_free(pool->arena, pool);
}

struct placement_map
objio_pool_placement(const struct objio_pool *pool)
{
	return pool->placement;
}

int
objio_create(struct objio_pool *pool, struct uuid handle, bool sums, struct objio **ret_objio)
{
	struct objio *objio = arena_calloc(pool->arena, 1, sizeof(*objio));

	if (objio == NULL)
		return -DER_NOMEM;
	objio->pool = pool;
	objio->handle = handle;
	objio->sums = sums;
	*ret_objio = objio;
	return 0;
}

void
objio_destroy(struct objio *objio)
{
	arena_free(objio->pool->arena, objio);
}
