/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pools: connect, disconnect, query, attributes, and handles for other processes. */
#include <gurt/common.h>

#include "client/private.h"

/* ------------------------------------------------ handles */

static void
pool_free(struct handle *handle)
{
	struct client_pool *pool = (struct client_pool *)handle;

	client_free(pool->map);
	client_free(pool);
}

int
client_pool_get(daos_handle_t cookie, struct client_pool **ret_pool)
{
	struct client *client = client_here();
	struct handle *handle;
	int rc = client_check(client);

	if (rc == 0)
		rc = handle_get(&client->handles, cookie, DAOS_HTYPE_POOL, &handle);
	if (rc == 0)
		*ret_pool = (struct client_pool *)handle;
	return rc;
}

void
client_pool_put(struct client_pool **pool)
{
	if (*pool)
		handle_put(&(*pool)->handle);
}

/* A pool with a map that is checked and kept as it was encoded. */
static int
pool_create(struct uuid id, struct uuid handle_id, const uint8_t *map, size_t length,
	    struct client_pool **ret_pool)
{
	struct arena *arena = arena_create(0);
	struct client_pool *pool = client_calloc(sizeof(*pool));
	struct reader reader;
	struct proto_map decoded;
	int rc = -DER_NOMEM;

	if (arena && pool && (pool->map = client_alloc(length)) != NULL) {
		handle_init(&pool->handle, DAOS_HTYPE_POOL, pool_free);
		pool->id = id;
		pool->handle_id = handle_id;
		memcpy(pool->map, map, length);
		pool->map_length = (uint32_t)length;
		reader_init(&reader, map, length);
		rc = proto_map_decode(&reader, arena, &decoded);
	}
	if (rc == 0) {
		pool->placement = (struct placement_map){decoded.placement, decoded.target_count};
		pool->engines = decoded.engine_count;
		*ret_pool = pool;
	} else if (pool) {
		client_free(pool->map);
		client_free(pool);
	}
	if (arena)
		arena_destroy(arena);
	return rc;
}

/* ------------------------------------------------ query */

static void
info_tiers(const struct proto_pool_info *info, struct daos_pool_space *space)
{
	uint32_t targets = info->targets - min_of(info->targets, info->disabled_targets);

	for (int tier = 0; tier < DAOS_MEDIA_MAX; tier++) {
		space->ps_space.s_total[tier] = info->tiers[tier].total;
		space->ps_space.s_free[tier] = info->tiers[tier].free;
		space->ps_free_min[tier] = info->tiers[tier].target_free_min;
		space->ps_free_max[tier] = info->tiers[tier].target_free_max;
		space->ps_free_mean[tier] = targets > 0 ? info->tiers[tier].free / targets : 0;
	}
	space->ps_ntargets = targets;
}

static void
info_fill(const struct proto_pool_info *info, daos_pool_info_t *ret_info)
{
	uint64_t bits = ret_info->pi_bits;

	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->pi_bits = bits;
	memcpy(ret_info->pi_uuid, info->id.bytes, sizeof(info->id.bytes));
	ret_info->pi_ntargets = info->targets;
	ret_info->pi_nnodes = info->engines;
	ret_info->pi_ndisabled = info->disabled_targets;
	ret_info->pi_map_ver = info->map_version;
	ret_info->pi_leader = info->leader;
	if (bits & DPI_SPACE)
		info_tiers(info, &ret_info->pi_space);
	/* There is no redundancy yet, so there never was a rebuild. */
	if (bits & DPI_REBUILD_STATUS)
		ret_info->pi_rebuild_st.rs_state = DRS_NOT_STARTED;
}

/* Ranks of the pool's engines: all when the enabled ones are asked for; none is disabled or dead.
 */
static int
ranks_list(const struct client_pool *pool, uint64_t bits, d_rank_list_t **ret_ranks)
{
	struct arena *arena = context_here()->env->arena;
	d_rank_list_t *ranks;
	struct reader reader;
	struct proto_map map;
	int rc;

	reader_init(&reader, pool->map, pool->map_length);
	rc = proto_map_decode(&reader, arena, &map);
	if (rc)
		return rc;
	ranks = d_rank_list_alloc(bits & DPI_ENGINES_ENABLED ? map.engine_count : 0);
	for (uint32_t i = 0; ranks && i < ranks->rl_nr; i++)
		ranks->rl_ranks[i] = map.engines[i].rank;
	proto_map_free(arena, &map);
	if (ranks == NULL)
		return -DER_NOMEM;
	*ret_ranks = ranks;
	return 0;
}

static int
take_properties(const struct proto_properties *wire, daos_prop_t *request)
{
	daos_prop_t *answer;
	int rc = properties_from_wire(wire, &answer);

	if (rc)
		return rc;
	rc = prop_copy(request, answer);
	daos_prop_free(answer);
	return rc;
}

static int
query(const struct client_pool *pool, daos_pool_info_t *info, daos_prop_t *properties)
{
	struct proto_pool_query query = {.handle = pool->handle_id,
					 .properties = properties != NULL};
	struct service_request request;
	struct proto_pool_info answer;
	struct rpc_reply reply;
	int rc;

	service_begin(context_here(), PROTO_POOL_QUERY, false, &request);
	proto_pool_query_encode(&query, &request.body);
	rc = service_send(&request, pool, &reply);
	if (rc == 0)
		rc = proto_pool_info_decode(&reply.body, &answer);
	if (rc == 0 && properties)
		rc = take_properties(&answer.properties, properties);
	if (rc == 0 && info)
		info_fill(&answer, info);
	rpc_reply_free(&reply);
	return rc;
}

struct query_arguments {
	daos_handle_t pool;
	d_rank_list_t **ranks;
	daos_pool_info_t *info;
	daos_prop_t *properties;
};

static int
run_query(void *argument)
{
	struct query_arguments *arguments = argument;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc == 0)
		rc = query(pool, arguments->info, arguments->properties);
	if (rc == 0 && arguments->ranks)
		rc = ranks_list(pool, arguments->info ? arguments->info->pi_bits : 0,
				arguments->ranks);
	return rc;
}

int
daos_pool_query(daos_handle_t poh, d_rank_list_t **ranks, daos_pool_info_t *info,
		daos_prop_t *pool_prop, daos_event_t *ev)
{
	struct query_arguments arguments = {poh, ranks, info, pool_prop};

	return client_run(ev, run_query, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ connect and disconnect */

struct connect_arguments {
	const char *name;
	struct proto_name parsed;
	uint32_t flags;
	uint32_t extra; /* PROTO_CONNECT_* */
	daos_handle_t *ret_handle;
	daos_pool_info_t *info;
};

static int
take_connected(struct client_context *context, const struct connect_arguments *arguments,
	       struct uuid handle_id, struct reader *body, struct client_pool **ret_pool)
{
	struct proto_pool_connected connected;
	struct service_request encoded;
	int rc = proto_pool_connected_decode(body, context->env->arena, &connected);

	if (rc)
		return rc;
	service_begin(context, 0, false, &encoded);
	proto_map_encode(&connected.map, &encoded.body);
	rc = encoded.body.failed ? -DER_NOMEM : 0;
	if (rc == 0)
		rc = pool_create(connected.id, handle_id, encoded.body.data, encoded.body.position,
				 ret_pool);
	arena_free(context->env->arena, encoded.body.data);
	proto_pool_connected_free(context->env->arena, &connected);
	if (rc)
		return rc;
	(*ret_pool)->flags = arguments->flags;
	(*ret_pool)->capabilities = connected.capabilities;
	return 0;
}

static int
send_disconnect(struct client_context *context, const struct client_pool *pool)
{
	struct service_request request;

	service_begin(context, PROTO_POOL_DISCONNECT, true, &request);
	proto_uuid_encode(pool->handle_id, &request.body);
	return service_tell(&request, pool);
}

static int
connect_publish(struct client_context *context, const struct connect_arguments *arguments,
		struct client_pool *pool)
{
	int rc = arguments->info ? query(pool, arguments->info, NULL) : 0;

	if (rc == 0)
		rc = handle_add(&context->client->handles, &pool->handle, arguments->ret_handle);
	if (rc) {
		/* The connection is of no use to anybody; should this fail too, it goes with the
		 * client. */
		(void)!send_disconnect(context, pool);
		handle_put(&pool->handle);
	}
	return rc;
}

static int
run_connect(void *argument)
{
	const struct connect_arguments *arguments = argument;
	struct client_context *context = context_here();
	struct proto_pool_connect connect = {
		.pool = arguments->parsed,
		.handle = context_draw_uuid(context),
		.flags = arguments->flags | arguments->extra,
	};
	struct service_request request;
	struct client_pool *pool;
	struct rpc_reply reply;
	int rc;

	service_begin(context, PROTO_POOL_CONNECT, true, &request);
	proto_pool_connect_encode(&connect, &request.body);
	rc = service_send(&request, NULL, &reply);
	if (rc == 0)
		rc = take_connected(context, arguments, connect.handle, &reply.body, &pool);
	rpc_reply_free(&reply);
	return rc ? rc : connect_publish(context, arguments, pool);
}

/* The old form has no room for the longer name of a system, and there is one system only. */
static bool
system_matches(const char *system)
{
	return system == NULL || system[0] == '\0' || strcmp(system, "daos_server") == 0;
}

static int
connect_with(const char *pool, const char *sys, unsigned int flags, uint32_t extra,
	     daos_handle_t *poh, daos_pool_info_t *info, daos_event_t *ev)
{
	struct connect_arguments arguments = {
		.name = pool, .flags = flags, .extra = extra, .ret_handle = poh, .info = info};
	int rc = client_check(client_here());

	if (rc)
		return rc;
	if (poh == NULL || flags == 0 || (flags & ~DAOS_PC_MASK) != 0 || (flags & (flags - 1)) != 0)
		return client_refuse(-DER_INVAL,
				     "a pool is connected with one of DAOS_PC_RO, RW, EX");
	if (!system_matches(sys))
		return client_refuse(-DER_INVAL, "there is no system \"%s\", only \"daos_server\"",
				     sys);
	rc = name_parse(pool, &arguments.parsed);
	if (rc == 0)
		rc = client_find(client_here());
	return rc ? rc : client_run(ev, run_connect, &arguments, sizeof(arguments));
}

int
daos_pool_connect(const char *pool, const char *sys, unsigned int flags, daos_handle_t *poh,
		  daos_pool_info_t *info, daos_event_t *ev)
{
	return connect_with(pool, sys, flags, 0, poh, info, ev);
}

int
client_pool_connect(const char *label_or_id, unsigned int flags, daos_handle_t *ret_pool,
		    daos_pool_info_t *info)
{
	return connect_with(label_or_id, NULL, flags, PROTO_CONNECT_ADMINISTRATOR, ret_pool, info,
			    NULL);
}

static int
run_disconnect(void *argument)
{
	struct client *client = client_here();
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(*(daos_handle_t *)argument, &pool);

	if (rc)
		return rc;
	if (atomic_load(&pool->containers) > 0)
		return error_raise(-DER_BUSY,
				   "containers are open through this handle: close them first");
	if (!pool->borrowed)
		rc = send_disconnect(context_here(), pool);
	/* That the server has forgotten the handle is what was wanted. */
	if (rc == 0 || rc == -DER_NO_HDL)
		return handle_remove(&client->handles, &pool->handle) ? 0 : -DER_NO_HDL;
	return rc;
}

int
daos_pool_disconnect(daos_handle_t poh, daos_event_t *ev)
{
	return client_run(ev, run_disconnect, &poh, sizeof(poh));
}

/* ------------------------------------------------ handles for other processes */

#define POOL_BLOB_MAGIC UINT32_C(0x4c4f4f50)
/* Magic, version, two ids, flags, capabilities, length of the map. */
#define POOL_BLOB_FIXED (4u + 4 + 16 + 16 + 4 + 4 + 4)

int
daos_pool_local2global(daos_handle_t poh, d_iov_t *glob)
{
	SCOPED_POOL pool = NULL;
	struct writer writer;
	size_t needed;
	int rc = glob ? client_pool_get(poh, &pool) : -DER_INVAL;

	if (rc)
		return rc;
	needed = POOL_BLOB_FIXED + pool->map_length;
	if (glob->iov_buf == NULL || glob->iov_buf_len < needed) {
		rc = glob->iov_buf ? -DER_TRUNC : 0;
		glob->iov_buf_len = needed;
		return rc;
	}
	writer_init(&writer, glob->iov_buf, glob->iov_buf_len);
	writer_u32(&writer, POOL_BLOB_MAGIC);
	writer_u32(&writer, 1);
	proto_uuid_encode(pool->id, &writer);
	proto_uuid_encode(pool->handle_id, &writer);
	writer_u32(&writer, pool->flags);
	writer_u32(&writer, pool->capabilities);
	writer_blob(&writer, pool->map, pool->map_length);
	ASSERT(!writer.failed);
	glob->iov_len = writer.position;
	return 0;
}

int
daos_pool_global2local(d_iov_t glob, daos_handle_t *poh)
{
	struct client *client = client_here();
	struct client_pool *pool;
	struct reader reader;
	struct uuid id, handle_id;
	uint32_t flags, capabilities;
	const uint8_t *map;
	size_t length;
	int rc = client_check(client);

	if (rc)
		return rc;
	if (glob.iov_buf == NULL || poh == NULL)
		return -DER_INVAL;
	reader_init(&reader, glob.iov_buf, glob.iov_len);
	if (reader_u32(&reader) != POOL_BLOB_MAGIC || reader_u32(&reader) != 1)
		return -DER_INVAL;
	id = proto_uuid_decode(&reader);
	handle_id = proto_uuid_decode(&reader);
	flags = reader_u32(&reader);
	capabilities = reader_u32(&reader);
	map = reader_blob(&reader, RPC_INLINE_MAX, &length);
	if (reader.failed)
		return -DER_INVAL;
	rc = pool_create(id, handle_id, map, length, &pool);
	if (rc)
		return rc == -DER_PROTO ? -DER_INVAL : rc;
	pool->flags = flags;
	pool->capabilities = capabilities;
	pool->borrowed = true;
	rc = handle_add(&client->handles, &pool->handle, poh);
	if (rc)
		handle_put(&pool->handle);
	return rc;
}

/* ------------------------------------------------ attributes */

struct attribute_arguments {
	daos_handle_t pool;
	struct attribute_call call;
	int (*function)(const struct attribute_call *call);
};

static int
run_attributes(void *argument)
{
	struct attribute_arguments *arguments = argument;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc)
		return rc;
	arguments->call.pool = pool;
	arguments->call.handle = pool->handle_id;
	return arguments->function(&arguments->call);
}

int
daos_pool_list_attr(daos_handle_t poh, char *buffer, size_t *size, daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.pool = poh,
		.call = {.operation = PROTO_POOL_LIST_ATTRIBUTES,
			 .list = buffer,
			 .list_size = size},
		.function = client_attributes_list,
	};

	return size ? client_run(ev, run_attributes, &arguments, sizeof(arguments)) : -DER_INVAL;
}

int
daos_pool_get_attr(daos_handle_t poh, int n, char const *const names[], void *const buffers[],
		   size_t sizes[], daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.pool = poh,
		.call = {.operation = PROTO_POOL_GET_ATTRIBUTES,
			 .count = n,
			 .names = names,
			 .buffers = buffers,
			 .sizes = sizes},
		.function = client_attributes_get,
	};
	int rc = sizes ? client_attributes_check(n, names) : -DER_INVAL;

	return rc ? rc : client_run(ev, run_attributes, &arguments, sizeof(arguments));
}

int
daos_pool_set_attr(daos_handle_t poh, int n, char const *const names[], void const *const values[],
		   size_t const sizes[], daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.pool = poh,
		.call = {.operation = PROTO_POOL_SET_ATTRIBUTES,
			 .count = n,
			 .names = names,
			 .values = values,
			 .value_sizes = sizes},
		.function = client_attributes_set,
	};
	int rc = sizes && values ? client_attributes_check(n, names) : -DER_INVAL;

	return rc ? rc : client_run(ev, run_attributes, &arguments, sizeof(arguments));
}

int
daos_pool_del_attr(daos_handle_t poh, int n, char const *const names[], daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.pool = poh,
		.call = {.operation = PROTO_POOL_DELETE_ATTRIBUTES, .count = n, .names = names},
		.function = client_attributes_delete,
	};
	int rc = client_attributes_check(n, names);

	return rc ? rc : client_run(ev, run_attributes, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ one target, the service */

struct target_arguments {
	daos_handle_t pool;
	uint32_t target, rank;
	daos_target_info_t *ret_info;
};

static void
target_fill(const struct proto_target_info *info, daos_target_info_t *ret_info)
{
	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->ta_state = (daos_target_state_t)info->state;
	for (int tier = 0; tier < DAOS_MEDIA_MAX; tier++) {
		ret_info->ta_space.s_total[tier] = info->total[tier];
		ret_info->ta_space.s_free[tier] = info->free[tier];
	}
}

static int
run_query_target(void *argument)
{
	const struct target_arguments *arguments = argument;
	struct proto_target_query query = {.target = arguments->target, .rank = arguments->rank};
	struct service_request request;
	struct proto_target_info info;
	struct rpc_reply reply;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc)
		return rc;
	query.handle = pool->handle_id;
	service_begin(context_here(), PROTO_POOL_QUERY_TARGET, false, &request);
	proto_target_query_encode(&query, &request.body);
	rc = service_send(&request, pool, &reply);
	if (rc == 0)
		rc = proto_target_info_decode(&reply.body, &info);
	if (rc == 0)
		target_fill(&info, arguments->ret_info);
	rpc_reply_free(&reply);
	return rc;
}

int
daos_pool_query_target(daos_handle_t poh, uint32_t tgt, d_rank_t rank, daos_target_info_t *info,
		       daos_event_t *ev)
{
	struct target_arguments arguments = {poh, tgt, rank, info};

	return info ? client_run(ev, run_query_target, &arguments, sizeof(arguments)) : -DER_INVAL;
}

static int
run_stop_service(void *argument)
{
	struct service_request request;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(*(daos_handle_t *)argument, &pool);

	if (rc)
		return rc;
	service_begin(context_here(), PROTO_POOL_STOP_SERVICE, true, &request);
	proto_uuid_encode(pool->handle_id, &request.body);
	return service_tell(&request, pool);
}

int
daos_pool_stop_svc(daos_handle_t poh, daos_event_t *ev)
{
	return client_run(ev, run_stop_service, &poh, sizeof(poh));
}
