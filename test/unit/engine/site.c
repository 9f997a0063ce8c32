/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The world of the engine's tests. */
#include "site.h"

static const char *const address = "memory:engine";

/* ------------------------------------------------ engine */

static void
all_loops(struct site *site, struct loop *first, struct loop *loops[SITE_LOOPS + 1],
	  uint32_t *ret_count)
{
	uint32_t count = 0;

	loops[count++] = first;
	for (uint32_t i = 0; i < site->loop_count; i++)
		if (site->loops[i] && site->loops[i] != first)
			loops[count++] = site->loops[i];
	if (site->client_loop && site->client_loop != first)
		loops[count++] = site->client_loop;
	*ret_count = count;
}

static int
run_on(struct site *site, struct loop *first, int (*function)(void *argument), void *argument)
{
	struct loop *loops[SITE_LOOPS + 1];
	uint32_t count;

	all_loops(site, first, loops, &count);
	return memory_run_all(site->world, loops, count, function, argument);
}

void
site_boot(struct site *site)
{
	const struct memory_env_options options = {.node = "server", .level = LOG_ERROR};

	for (uint32_t i = 0; i < site->loop_count; i++) {
		assert_int_equal(memory_env_create(site->world, &options, &site->envs[i]), 0);
		assert_int_equal(loop_create(site->envs[i], NULL, &site->loops[i]), 0);
	}
}

static int
start_engine(void *argument)
{
	struct site *site = argument;

	return engine_start(site->engine);
}

static void
free_loops(struct site *site)
{
	for (uint32_t i = site->loop_count; i-- > 0;) {
		loop_destroy(site->loops[i]);
		memory_env_destroy(site->envs[i]);
		site->loops[i] = NULL;
	}
}

int
site_start(struct site *site, bool format)
{
	const struct engine_options options = {
		.targets = site->target_count,
		.listen = &address,
		.listen_count = 1,
		.thin_default = site->thin,
		.format = format,
		.log_size = 16 * MIB,
		.capacity = site->capacity,
	};
	int rc;

	site_boot(site);
	assert_int_equal(engine_create(site->loops, site->loop_count, &options, &site->engine), 0);
	rc = run_on(site, site->loops[0], start_engine, site);
	if (rc == 0)
		return 0;
	engine_destroy(site->engine);
	site->engine = NULL;
	free_loops(site);
	return rc;
}

static int
stop_engine(void *argument)
{
	struct site *site = argument;

	engine_stop(site->engine);
	return 0;
}

void
site_stop(struct site *site)
{
	assert_int_equal(run_on(site, site->loops[0], stop_engine, site), 0);
	engine_destroy(site->engine);
	site->engine = NULL;
	free_loops(site);
}

void
site_kill(struct site *site)
{
	for (uint32_t i = 0; i < site->loop_count; i++)
		loop_abandon(site->loops[i]);
	for (uint32_t i = 0; i < site->loop_count; i++) {
		memory_env_crash(site->envs[i]);
		site->loops[i] = NULL;
	}
	site->engine = NULL;
}

void
site_power_cut(struct site *site)
{
	const struct memory_crash crash = {MEMORY_CRASH_RANDOM, memory_world_random(site->world)};

	site_kill(site);
	memory_node_power_cut(site->world, "server", &crash);
}

/* ------------------------------------------------ client */

static int
connect_client(void *argument)
{
	struct site *site = argument;
	const struct rpc_options options = {
		.incarnation = site->client, .clock = &site->client_clock, .system = "daos_server"};

	assert_int_equal(rpc_create(site->client_loop, &options, &site->rpc), 0);
	assert_int_equal(rpc_window_create(site->rpc, &site->window), 0);
	return rpc_peer_get(site->rpc, &address, 1, 0, &site->peer);
}

void
client_begin(struct site *site)
{
	const struct memory_env_options options = {.node = "client",
						   .level = LOG_ERROR,
						   .no_storage = true,
						   .credentials = site->credentials};

	assert_int_equal(memory_env_create(site->world, &options, &site->client_env), 0);
	assert_int_equal(loop_create(site->client_env, NULL, &site->client_loop), 0);
	hlc_init(&site->client_clock, 0);
	site->client = uuid_make(memory_world_random(site->world), 1);
	assert_int_equal(run_on(site, site->client_loop, connect_client, site), 0);
}

static int
disconnect_client(void *argument)
{
	struct site *site = argument;

	rpc_window_destroy(site->window);
	/* Says goodbye over the connections that are there. */
	rpc_destroy(site->rpc);
	rpc_peer_put(site->peer);
	return 0;
}

void
client_end(struct site *site)
{
	assert_int_equal(run_on(site, site->client_loop, disconnect_client, site), 0);
	loop_destroy(site->client_loop);
	memory_env_destroy(site->client_env);
	site->client_loop = NULL;
}

/* ------------------------------------------------ both */

void
site_begin(struct site *site, uint64_t seed)
{
	site->loop_count = site->loop_count ? site->loop_count : 2;
	site->target_count = site->target_count ? site->target_count : 4;
	assert_int_equal(memory_world_create(seed, &site->world), 0);
	assert_int_equal(site_start(site, true), 0);
	client_begin(site);
}

void
site_end(struct site *site)
{
	client_end(site);
	site_stop(site);
	memory_world_destroy(site->world);
}

static int
run_body(void *argument)
{
	struct site *site = argument;

	return site->body(site);
}

void
site_run(struct site *site, int (*body)(struct site *site))
{
	site->body = body;
	assert_int_equal(run_on(site, site->client_loop, run_body, site), 0);
}

/* ------------------------------------------------ crashes */

/* Longer than a client goes on trying. */
#define PATIENCE UINT64_C(200000000000)

struct crash {
	struct site *site;
	uint64_t until;
	bool done;
};

static void
crash_fiber(void *argument)
{
	struct crash *crash = argument;

	(void)crash->site->body(crash->site);
	crash->done = true;
}

static bool
time_is_up(void *argument)
{
	const struct crash *crash = argument;

	return memory_world_now(crash->site->world) >= crash->until;
}

static bool
body_is_done(void *argument)
{
	const struct crash *crash = argument;

	return crash->done;
}

bool
site_crash(struct site *site, int (*body)(struct site *site), uint64_t after, bool power)
{
	struct crash crash = {.site = site, .until = memory_world_now(site->world) + after};
	struct loop *loops[SITE_LOOPS + 1];
	struct fiber *fiber;
	uint32_t count;
	bool before;

	site->body = body;
	all_loops(site, site->client_loop, loops, &count);
	assert_int_equal(fiber_start(site->client_loop, "crash", crash_fiber, &crash, &fiber), 0);
	assert_int_equal(memory_world_run(site->world, loops, count, time_is_up, &crash, PATIENCE),
			 0);
	before = crash.done;
	if (power)
		site_power_cut(site);
	else
		site_kill(site);
	assert_int_equal(memory_world_run(site->world, &site->client_loop, 1, body_is_done, &crash,
					  PATIENCE),
			 0);
	assert_int_equal(site_start(site, false), 0);
	return before;
}

/* ------------------------------------------------ calls */

void
call_begin(struct call *call, struct site *site)
{
	memset(call, 0, sizeof(*call));
	call->site = site;
	writer_init(&call->writer, call->body, sizeof(call->body));
}

int
call_send(struct call *call, uint32_t operation, const struct request_id *id)
{
	const struct iovec body = {call->body, call->writer.position};
	const struct rpc_call sent = {
		.operation = operation, .id = id, .body = &body, .body_count = 1};
	bool maybe;
	int rc;

	assert_false(call->writer.failed);
	rc = rpc_call(call->site->peer, &sent, &call->reply, &maybe);
	if (rc && call->reply.message)
		proto_failure_decode(&call->reply.body, call->failure, sizeof(call->failure));
	return rc;
}

void
call_end(struct call *call)
{
	rpc_reply_free(&call->reply);
}

struct request_id
next_id(struct site *site)
{
	struct request_id id;

	assert_int_equal(rpc_window_open(site->window, &id), 0);
	return id;
}

/* Sends a change under a new id, which is confirmed when the answer is there. */
static int
change(struct call *call, uint32_t operation)
{
	struct request_id id = next_id(call->site);
	int rc = call_send(call, operation, &id);

	rpc_window_close(call->site->window, &id);
	return rc;
}

struct proto_text
text(const char *data)
{
	return (struct proto_text){data, data ? (uint32_t)strlen(data) : 0};
}

struct proto_name
name(const char *label)
{
	return (struct proto_name){.label = text(label)};
}

static struct uuid
draw_id(struct site *site)
{
	uint64_t high = memory_world_random(site->world);

	return uuid_make(high, memory_world_random(site->world));
}

/* ------------------------------------------------ pools */

int
create_pool_as(struct site *site, const struct proto_pool_create *wanted,
	       const struct request_id *id, struct proto_pool_created *ret_created, char *failure)
{
	struct proto_pool_created created;
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_pool_create_encode(wanted, &call.writer);
	rc = call_send(&call, PROTO_SYSTEM_POOL_CREATE, id);
	if (rc == 0)
		rc = proto_pool_created_decode(&call.reply.body, &created);
	if (rc == 0 && ret_created)
		*ret_created = created;
	if (failure)
		memcpy(failure, call.failure, sizeof(call.failure));
	call_end(&call);
	return rc;
}

int
create_pool(struct site *site, const char *label, uint64_t data,
	    struct proto_pool_created *ret_created)
{
	struct proto_pool_create wanted = {.data_bytes = data * MIB};
	struct request_id id = next_id(site);
	int rc;

	if (label)
		assert_int_equal(properties_set_bytes(&wanted.properties, DAOS_PROP_PO_LABEL,
						      text(label)),
				 0);
	rc = create_pool_as(site, &wanted, &id, ret_created, NULL);
	rpc_window_close(site->window, &id);
	return rc;
}

int
destroy_pool(struct site *site, const char *label, bool force, bool recursive)
{
	const struct proto_pool_destroy wanted = {name(label), force, recursive};
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_pool_destroy_encode(&wanted, &call.writer);
	rc = change(&call, PROTO_SYSTEM_POOL_DESTROY);
	call_end(&call);
	return rc;
}

int
connect_pool(struct site *site, const char *label, uint32_t flags, struct uuid *ret_handle)
{
	const struct proto_pool_connect wanted = {name(label), draw_id(site), flags};
	struct proto_pool_connected answer;
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_pool_connect_encode(&wanted, &call.writer);
	rc = change(&call, PROTO_POOL_CONNECT);
	if (rc == 0) {
		rc = proto_pool_connected_decode(&call.reply.body, site->client_env->arena,
						 &answer);
		assert_int_equal(answer.map.target_count, site->target_count);
		assert_int_equal(answer.map.engine_count, 1);
		for (uint32_t i = 0; i < answer.map.target_count; i++)
			assert_int_equal(answer.map.targets[i].tag, i % site->loop_count);
		proto_pool_connected_free(site->client_env->arena, &answer);
		*ret_handle = wanted.handle;
	}
	call_end(&call);
	return rc;
}

/* A change whose body is a handle only. */
static int
handle_change(struct site *site, uint32_t operation, struct uuid handle)
{
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	rc = change(&call, operation);
	call_end(&call);
	return rc;
}

int
disconnect_pool(struct site *site, struct uuid handle)
{
	return handle_change(site, PROTO_POOL_DISCONNECT, handle);
}

int
query_pool(struct site *site, struct uuid handle, struct proto_pool_info *ret_info)
{
	const struct proto_pool_query wanted = {handle, true};
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_pool_query_encode(&wanted, &call.writer);
	rc = call_send(&call, PROTO_POOL_QUERY, NULL);
	if (rc == 0)
		rc = proto_pool_info_decode(&call.reply.body, ret_info);
	/* Bytes of properties are not looked at after this. */
	call_end(&call);
	return rc;
}

int
count_pools(struct site *site, uint32_t *ret_count)
{
	struct proto_pool_entry entry;
	struct call call;
	int rc;

	call_begin(&call, site);
	rc = call_send(&call, PROTO_SYSTEM_POOL_LIST, NULL);
	if (rc == 0) {
		*ret_count = reader_u32(&call.reply.body);
		for (uint32_t i = 0; i < *ret_count; i++)
			assert_int_equal(proto_pool_entry_decode(&call.reply.body, &entry), 0);
		assert_true(reader_complete(&call.reply.body));
	}
	call_end(&call);
	return rc;
}

/* ------------------------------------------------ containers */

int
create_container(struct site *site, struct uuid pool_handle, const char *label, struct uuid *ret_id)
{
	struct proto_container_create wanted = {.pool_handle = pool_handle, .id = draw_id(site)};
	struct call call;
	int rc;

	if (label)
		assert_int_equal(properties_set_bytes(&wanted.properties, DAOS_PROP_CO_LABEL,
						      text(label)),
				 0);
	call_begin(&call, site);
	proto_container_create_encode(&wanted, &call.writer);
	rc = change(&call, PROTO_CONTAINER_CREATE);
	if (rc == 0 && ret_id)
		*ret_id = wanted.id;
	call_end(&call);
	return rc;
}

int
open_container(struct site *site, struct uuid pool_handle, const char *label, uint32_t flags,
	       struct uuid *ret_handle)
{
	const struct proto_container_open wanted = {pool_handle, draw_id(site), name(label), flags};
	struct proto_container_info info;
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_container_open_encode(&wanted, &call.writer);
	rc = change(&call, PROTO_CONTAINER_OPEN);
	if (rc == 0) {
		rc = proto_container_info_decode(&call.reply.body, &info);
		*ret_handle = wanted.handle;
	}
	call_end(&call);
	return rc;
}

int
close_container(struct site *site, struct uuid handle)
{
	return handle_change(site, PROTO_CONTAINER_CLOSE, handle);
}

int
destroy_container(struct site *site, struct uuid pool_handle, const char *label, bool force)
{
	const struct proto_container_destroy wanted = {pool_handle, name(label), force};
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_container_destroy_encode(&wanted, &call.writer);
	rc = change(&call, PROTO_CONTAINER_DESTROY);
	call_end(&call);
	return rc;
}

int
count_containers(struct site *site, struct uuid pool_handle, uint32_t *ret_count)
{
	struct proto_name entry;
	struct call call;
	uint32_t total = 0, count;
	bool more = true;
	int rc = 0;

	memset(&entry, 0, sizeof(entry));
	while (rc == 0 && more) {
		call_begin(&call, site);
		proto_uuid_encode(pool_handle, &call.writer);
		proto_uuid_encode(entry.id, &call.writer);
		rc = call_send(&call, PROTO_POOL_LIST_CONTAINERS, NULL);
		if (rc == 0) {
			count = reader_u32(&call.reply.body);
			for (uint32_t i = 0; i < count; i++)
				assert_int_equal(proto_name_decode(&call.reply.body, &entry), 0);
			more = reader_u8(&call.reply.body) == 1;
			assert_true(reader_complete(&call.reply.body));
			total += count;
		}
		call_end(&call);
	}
	if (rc == 0)
		*ret_count = total;
	return rc;
}

int
allocate_oids(struct site *site, struct uuid handle, uint64_t count, const struct request_id *id,
	      uint64_t *ret_first)
{
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	writer_u64(&call.writer, count);
	rc = id ? call_send(&call, PROTO_CONTAINER_ALLOCATE_OIDS, id)
		: change(&call, PROTO_CONTAINER_ALLOCATE_OIDS);
	if (rc == 0)
		*ret_first = reader_u64(&call.reply.body);
	call_end(&call);
	return rc;
}

/* ------------------------------------------------ attributes */

int
set_attribute(struct site *site, uint32_t operation, struct uuid handle, const char *key,
	      const char *value)
{
	struct proto_attribute item = {.name = text(key), .value = text(value)};
	const struct proto_attributes attributes = {1, &item};
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	proto_attributes_encode(&attributes, &call.writer);
	rc = change(&call, operation);
	call_end(&call);
	return rc;
}

int
get_attribute(struct site *site, uint32_t operation, struct uuid handle, const char *key,
	      char value[64])
{
	struct proto_attribute item = {.name = text(key)};
	struct proto_attributes attributes = {1, &item};
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	proto_attributes_encode(&attributes, &call.writer);
	rc = call_send(&call, operation, NULL);
	if (rc == 0)
		rc = proto_attributes_decode(&call.reply.body, site->client_env->arena,
					     &attributes);
	if (rc == 0) {
		assert_int_equal(attributes.count, 1);
		snprintf(value, 64, "%.*s", (int)attributes.items[0].value.length,
			 attributes.items[0].value.data ? attributes.items[0].value.data : "");
		if (!attributes.items[0].present)
			rc = -DER_NONEXIST;
		proto_attributes_free(site->client_env->arena, &attributes);
	}
	call_end(&call);
	return rc;
}
