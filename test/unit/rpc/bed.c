/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The test bed of rpc: see bed.h. */
#include <stdlib.h>

#include "bed.h"

/* ------------------------------------------------ methods */

static int
serve_echo(void *owner, struct rpc_request *request)
{
	struct bed_end *end = owner;
	size_t length = reader_left(&request->body);

	end->executed++;
	writer_bytes(&request->reply, reader_bytes(&request->body, length), length);
	return 0;
}

static int
serve_sleep(void *owner, struct rpc_request *request)
{
	struct bed_end *end = owner;
	uint64_t nanoseconds = reader_u64(&request->body);
	int rc;

	end->executed++;
	rc = fiber_sleep(nanoseconds);
	end->canceled += rc == -DER_CANCELED;
	return rc;
}

static int
serve_fail(void *owner, struct rpc_request *request)
{
	struct bed_end *end = owner;

	end->executed++;
	writer_text(&request->reply, "why");
	return -(int)reader_u32(&request->body);
}

static int
serve_fill(void *owner, struct rpc_request *request)
{
	uint32_t length = reader_u32(&request->body);

	(void)owner;
	for (uint32_t i = 0; i < length; i++)
		writer_u8(&request->reply, 'x');
	return 0;
}

static int
serve_where(void *owner, struct rpc_request *request)
{
	struct bed_end *end = owner;

	assert_ptr_equal(loop_current(), end->loop);
	writer_u32(&request->reply, end->number);
	return 0;
}

static int
serve_identity(void *owner, struct rpc_request *request)
{
	(void)owner;
	writer_u64(&request->reply, request->id.sequence);
	writer_u64(&request->reply, request->id.confirmed);
	writer_u64(&request->reply, request->id.first_sent);
	writer_u8(&request->reply, request->header.flags);
	writer_bytes(&request->reply, request->id.client.bytes, 16);
	writer_u8(&request->reply, request->credentials.known);
	writer_u32(&request->reply, request->credentials.user);
	writer_u32(&request->reply, request->credentials.group);
	writer_u32(&request->reply, (uint32_t)request->credentials.process);
	request->header.map_version = 77;
	return 0;
}

static int
serve_pull(void *owner, struct rpc_request *request)
{
	struct bed_end *end = owner;
	struct proto_bulk bulk = proto_bulk_decode(&request->body);
	uint64_t offset = reader_u64(&request->body);
	uint32_t length = reader_u32(&request->body);
	uint8_t *to = writer_reserve(&request->reply, length);
	struct iovec iov = {to, length};

	end->executed++;
	return to ? rpc_pull(request, bulk, offset, &iov, 1) : -DER_OVERFLOW;
}

static int
serve_pull_slowly(void *owner, struct rpc_request *request)
{
	struct bed_end *end = owner;
	uint64_t nanoseconds = reader_u64(&request->body);

	if (fiber_sleep(nanoseconds))
		fiber_set_deadline(0);
	return end->pulled = serve_pull(owner, request);
}

static int
serve_push(void *owner, struct rpc_request *request)
{
	struct bed_end *end = owner;
	struct proto_bulk bulk = proto_bulk_decode(&request->body);
	uint64_t offset = reader_u64(&request->body);
	uint32_t length = reader_u32(&request->body);
	struct iovec iov = {arena_alloc(end->env->arena, length), length};
	int rc;

	memset(iov.iov_base, 'p', length);
	rc = rpc_push(request, bulk, offset, &iov, 1);
	memset(iov.iov_base, 'X', length);
	arena_free(end->env->arena, iov.iov_base);
	return rc;
}

static const struct rpc_method methods[] = {
	{BED_ECHO, "echo", serve_echo},
	{BED_SLEEP, "sleep", serve_sleep},
	{BED_FAIL, "fail", serve_fail},
	{BED_FILL, "fill", serve_fill},
	{BED_WHERE, "where", serve_where},
	{BED_IDENTITY, "identity", serve_identity},
	{BED_PULL, "pull", serve_pull},
	{BED_PUSH, "push", serve_push},
	{BED_PULL_SLOWLY, "pull slowly", serve_pull_slowly},
};

/* ------------------------------------------------ ends */

static void
end_start(struct bed *bed, struct bed_end *end, const char *node, const struct rpc_options *options,
	  int64_t realtime_offset)
{
	struct memory_env_options env_options = {
		.node = node,
		.realtime_offset = realtime_offset,
		.credentials = {.known = true, .user = 7, .group = 8, .process = 9},
		.no_storage = true,
	};
	struct rpc_options mine = *options;

	*end = (struct bed_end){.bed = bed};
	assert_int_equal(memory_env_create(bed->world, &env_options, &end->env), 0);
	assert_int_equal(loop_create(end->env, NULL, &end->loop), 0);
	hlc_init(&end->clock, 0);
	mine.clock = &end->clock;
	mine.incarnation = uuid_make(1, bed->incarnations);
	assert_int_equal(rpc_create(end->loop, &mine, &end->rpc), 0);
}

static void
goodbye(void *owner, struct uuid client, bool said)
{
	struct bed_end *end = owner;

	assert_false(uuid_empty(&client));
	end->goodbyes++;
	end->goodbye_said = said;
}

static int
listen_here(struct bed_end *end, void *argument)
{
	struct bed *bed = argument;

	int rc = rpc_listen(end->rpc, BED_NETWORK, bed->group, bed->loops, NULL);

	return rc ? rc : rpc_listen(end->rpc, BED_ADDRESS, bed->group, bed->loops, bed->address);
}

void
bed_server_start(struct bed *bed, uint32_t loops)
{
	bed->incarnations++;
	bed->loops = loops;
	for (uint32_t i = 0; i < loops; i++) {
		struct bed_end *end = &bed->server[i];

		end_start(bed, end, "server", &bed->server_options, 0);
		end->number = i;
		bed->group[i] = end->rpc;
		rpc_on_goodbye(end->rpc, goodbye, end);
		assert_int_equal(rpc_serve(end->rpc, methods, ARRAY_SIZE(methods), end), 0);
	}
	assert_int_equal(bed_run(&bed->server[0], listen_here, bed), 0);
}

struct bed_end *
bed_client_start(struct bed *bed, uint32_t number, int64_t realtime_offset)
{
	static const char *const nodes[BED_CLIENTS] = {"client-0", "client-1", "client-2"};

	bed->incarnations++;
	end_start(bed, &bed->client[number], nodes[number], &bed->client_options, realtime_offset);
	return &bed->client[number];
}

static int
destroy_rpc(struct bed_end *end, void *argument)
{
	(void)argument;
	rpc_destroy(end->rpc);
	end->rpc = NULL;
	return 0;
}

static int
do_nothing(struct bed_end *end, void *argument)
{
	(void)argument;
	return fiber_sleep(*(uint64_t *)argument) + (end->env == NULL);
}

static void
end_stop(struct bed_end *end)
{
	loop_destroy(end->loop);
	memory_env_destroy(end->env);
	end->env = NULL;
}

static void
end_crash(struct bed_end *end)
{
	loop_abandon(end->loop);
	memory_env_crash(end->env);
	end->env = NULL;
}

void
bed_server_stop(struct bed *bed)
{
	rpc_unlisten(bed->server[0].rpc);
	for (uint32_t i = 0; i < bed->loops; i++)
		bed_run(&bed->server[i], destroy_rpc, NULL);
	for (uint32_t i = 0; i < bed->loops; i++)
		end_stop(&bed->server[i]);
	bed->loops = 0;
}

void
bed_server_crash(struct bed *bed)
{
	for (uint32_t i = 0; i < bed->loops; i++)
		end_crash(&bed->server[i]);
	bed->loops = 0;
}

void
bed_client_leave(struct bed_end *end)
{
	bed_run(end, destroy_rpc, NULL);
}

void
bed_client_stop(struct bed_end *end)
{
	if (end->rpc)
		bed_client_leave(end);
	end_stop(end);
}

void
bed_client_crash(struct bed_end *end)
{
	end_crash(end);
}

/* ------------------------------------------------ running */

struct bed_job {
	struct bed_end *end;
	int (*function)(struct bed_end *end, void *argument);
	void *argument;
};

static int
run_job(void *argument)
{
	struct bed_job *job = argument;

	return job->function(job->end, job->argument);
}

int
bed_run(struct bed_end *end, int (*function)(struct bed_end *end, void *argument), void *argument)
{
	struct bed *bed = end->bed;
	struct bed_job job = {end, function, argument};
	struct loop *loops[1 + BED_LOOPS + BED_CLIENTS] = {end->loop};
	uint32_t count_of_loops = 1;

	for (uint32_t i = 0; i < bed->loops; i++)
		if (&bed->server[i] != end && bed->server[i].env)
			loops[count_of_loops++] = bed->server[i].loop;
	for (uint32_t i = 0; i < BED_CLIENTS; i++)
		if (&bed->client[i] != end && bed->client[i].env)
			loops[count_of_loops++] = bed->client[i].loop;
	return memory_run_all(bed->world, loops, count_of_loops, run_job, &job);
}

void
bed_pause(struct bed_end *end, uint64_t nanoseconds)
{
	assert_int_equal(bed_run(end, do_nothing, &nanoseconds), 0);
}

void
bed_init(struct bed *bed)
{
	/* A failed check on a fiber cannot jump to the stack of the test. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	*bed = (struct bed){.loops = 0};
	bed->server_options = (struct rpc_options){.system = "bed", .rank = 3};
	bed->client_options = (struct rpc_options){.system = "bed"};
	assert_int_equal(memory_world_create(1, &bed->world), 0);
}

void
bed_fini(struct bed *bed)
{
	for (uint32_t i = 0; i < BED_CLIENTS; i++)
		if (bed->client[i].env)
			bed_client_stop(&bed->client[i]);
	if (bed->loops)
		bed_server_stop(bed);
	assert_int_equal(memory_node_connections(bed->world, "server"), 0);
	assert_int_equal(memory_node_connections(bed->world, "client-0"), 0);
	assert_int_equal(memory_node_regions(bed->world, "client-0"), 0);
	memory_world_destroy(bed->world);
}

/* ------------------------------------------------ calls */

struct rpc_peer *
bed_peer(struct bed_end *end, uint32_t tag)
{
	static const char *const addresses[] = {BED_ADDRESS};
	struct rpc_peer *peer;

	assert_int_equal(rpc_peer_get(end->rpc, addresses, 1, tag, &peer), 0);
	return peer;
}

int
bed_call(struct rpc_peer *peer, uint32_t operation, const void *body, size_t length,
	 struct rpc_reply *ret_reply, bool *ret_sent)
{
	struct iovec iov = {(void *)(uintptr_t)body, length};
	struct rpc_call call = {.operation = operation, .body = &iov, .body_count = 1};

	return rpc_call(peer, &call, ret_reply, ret_sent);
}

int
bed_echo(struct rpc_peer *peer, const char *text)
{
	struct rpc_reply reply;
	bool sent;
	int rc = bed_call(peer, BED_ECHO, text, strlen(text), &reply, &sent);

	if (rc == 0) {
		assert_int_equal(reader_left(&reply.body), strlen(text));
		assert_memory_equal(reader_bytes(&reply.body, strlen(text)), text, strlen(text));
	}
	rpc_reply_free(&reply);
	return rc;
}

int
bed_sleep(struct rpc_peer *peer, uint64_t nanoseconds, bool *ret_sent)
{
	struct rpc_reply reply;
	uint8_t body[8];
	int rc;

	store_u64(body, nanoseconds);
	rc = bed_call(peer, BED_SLEEP, body, sizeof(body), &reply, ret_sent);
	rpc_reply_free(&reply);
	return rc;
}

int64_t
bed_count(const struct rpc *rpc, enum rpc_metric metric)
{
	return rpc->metrics[metric].value;
}
