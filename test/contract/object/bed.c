/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The test bed of object and objio: see bed.h. */
#include "bed.h"

#define ADDRESS "memory:server"

/* ------------------------------------------------ in place of the pool and container services */

static struct bed *
bed_of(struct node *node)
{
	return container_of(node, struct bed, node);
}

int
pool_target_hold(struct node *node, struct uuid pool, uint32_t target, struct vos **ret_vos)
{
	struct bed *bed = bed_of(node);

	if (!uuid_equal(&pool, &bed->pool) || target >= BED_TARGETS)
		return -DER_NONEXIST;
	if (node_target_loop(node, target) != node_here(node))
		return -DER_STALE;
	bed->targets[target].holds++;
	*ret_vos = bed->targets[target].vos;
	return 0;
}

int
pool_target_state(struct node *node, struct uuid pool, uint32_t target)
{
	(void)node;
	(void)pool;
	(void)target;
	return 0;
}

void
pool_target_release(struct node *node, struct uuid pool, uint32_t target)
{
	(void)pool;
	bed_of(node)->targets[target].holds--;
}

int
container_access(struct node *node, struct uuid handle, struct container_access *ret_access)
{
	struct bed *bed = bed_of(node);
	bool writer = uuid_equal(&handle, &bed->handle);

	if (!writer && !uuid_equal(&handle, &bed->reader))
		return -DER_NO_HDL;
	*ret_access = (struct container_access){
		.pool = bed->pool,
		.container = bed->container,
		.capabilities = PROTO_CAN_READ | (writer ? PROTO_CAN_WRITE : 0),
		.map_version = bed->version,
	};
	return 0;
}

int
container_on_target(struct node *node, const struct container_access *access, uint32_t target,
		    struct vos_container **ret_container)
{
	return vos_container_open(bed_of(node)->targets[target].vos, access->container,
				  ret_container);
}

/* One pool, which the bed gives to dtx itself. */
int
pools_each(struct pools *pools, int (*visit)(void *argument, struct pool *pool), void *argument)
{
	(void)pools;
	(void)visit;
	(void)argument;
	return 0;
}

struct uuid
pool_id(const struct pool *pool)
{
	(void)pool;
	return (struct uuid){{0}};
}

uint32_t
pool_target_count(const struct pool *pool)
{
	(void)pool;
	return BED_TARGETS;
}

/* ------------------------------------------------ the server */

static void
name_of(const char *what, uint32_t number, char name[32])
{
	snprintf(name, 32, "%s-%u", what, number);
}

static int
target_format(struct bed *bed, struct media *media, uint32_t number)
{
	struct heap_options options = {
		.id = uuid_make(7, number + 1),
		.heap_size = 16 * HEAP_ZONE,
		.data_size = bed->data_size,
		.space_reserve = 5,
	};
	struct bed_target *target = &bed->targets[number];
	char name[32];

	name_of("target", number, name);
	assert_int_equal(heap_create(media, name, &options), 0);
	assert_int_equal(heap_open(media, name, &target->heap), 0);
	return 0;
}

static void
target_fill(struct bed *bed, struct media *media, uint32_t number)
{
	struct bed_target *target = &bed->targets[number];
	uint64_t group;

	assert_int_equal(vos_format(target->heap), 0);
	assert_int_equal(vos_open(target->heap, &target->vos), 0);
	assert_int_equal(vos_container_create(target->vos, bed->container, &group), 0);
	assert_int_equal(media_wait(media, group), 0);
}

static int
loop_storage(struct bed_loop *loop)
{
	struct bed *bed = loop->bed;
	struct media_options options = {.log_size = 8u * 1024 * 1024};
	struct media *media;
	char name[32];

	name_of("loop", loop->number, name);
	if (!bed->formatted)
		assert_int_equal(media_format(loop->loop, name, &options), 0);
	assert_int_equal(media_open(loop->loop, name, &options, &media), 0);
	for (uint32_t i = loop->number; i < BED_TARGETS; i += BED_LOOPS) {
		name_of("target", i, name);
		if (!bed->formatted)
			target_format(bed, media, i);
		else
			assert_int_equal(heap_open(media, name, &bed->targets[i].heap), 0);
	}
	assert_int_equal(media_start(media), 0);
	for (uint32_t i = loop->number; i < BED_TARGETS; i += BED_LOOPS) {
		if (!bed->formatted)
			target_fill(bed, media, i);
		else
			assert_int_equal(vos_open(bed->targets[i].heap, &bed->targets[i].vos), 0);
	}
	bed->node.loops[loop->number].media = media;
	return 0;
}

static int
loop_start(void *argument)
{
	struct bed_loop *loop = argument;
	struct bed *bed = loop->bed;
	struct rpc_options options = {
		.incarnation = bed->node.incarnation,
		.clock = &bed->clock,
		.system = "bed",
		.connect_timeout_ns = 100 * BED_MS,
	};

	loop_storage(loop);
	assert_int_equal(rpc_create(loop->loop, &options, &bed->group[loop->number]), 0);
	bed->node.loops[loop->number].rpc = bed->group[loop->number];
	assert_int_equal(object_serve(&bed->node), 0);
	return 0;
}

static int
listen_here(void *argument)
{
	struct bed *bed = argument;

	assert_int_equal(dtx_resync_pool(&bed->node, bed->pool, BED_TARGETS), 0);
	return rpc_listen(bed->group[0], ADDRESS, bed->group, BED_LOOPS, bed->address);
}

static int
loop_quiet(void *argument)
{
	struct bed_loop *loop = argument;

	rpc_destroy(loop->bed->group[loop->number]);
	object_stop(&loop->bed->node);
	return 0;
}

static int
loop_close(void *argument)
{
	struct bed_loop *loop = argument;
	struct bed *bed = loop->bed;

	for (uint32_t i = loop->number; i < BED_TARGETS; i += BED_LOOPS) {
		assert_int_equal(bed->targets[i].holds, 0);
		vos_close(bed->targets[i].vos);
	}
	return media_close(bed->node.loops[loop->number].media);
}

int
bed_run_server(struct bed *bed, uint32_t first, int (*function)(void *argument), void *argument)
{
	struct loop *loops[BED_LOOPS + 1];
	uint32_t count = 0;

	loops[count++] = bed->loops[first].loop;
	for (uint32_t i = 0; i < BED_LOOPS; i++)
		if (i != first)
			loops[count++] = bed->loops[i].loop;
	if (bed->env)
		loops[count++] = bed->loop;
	return memory_run_all(bed->world, loops, count, function, argument);
}

static void
server_envs(struct bed *bed)
{
	struct memory_env_options options = {.node = "server", .level = LOG_ERROR};

	bed->node.incarnation = uuid_make(9, ++bed->incarnations);
	bed->node.loop_count = BED_LOOPS;
	bed->node.target_count = BED_TARGETS;
	bed->node.clock = &bed->clock;
	hlc_init(&bed->clock, hlc_latest(&bed->clock));
	for (uint32_t i = 0; i < BED_LOOPS; i++) {
		struct bed_loop *loop = &bed->loops[i];

		*loop = (struct bed_loop){.bed = bed, .number = i};
		assert_int_equal(memory_env_create(bed->world, &options, &loop->env), 0);
		assert_int_equal(loop_create(loop->env, NULL, &loop->loop), 0);
		bed->node.loops[i] = (struct node_loop){.loop = loop->loop};
	}
}

void
bed_server_start(struct bed *bed)
{
	server_envs(bed);
	for (uint32_t i = 0; i < BED_LOOPS; i++)
		assert_int_equal(bed_run_server(bed, i, loop_start, &bed->loops[i]), 0);
	assert_int_equal(bed_run_server(bed, 0, listen_here, bed), 0);
	bed->formatted = true;
	bed->up = true;
}

void
bed_server_stop(struct bed *bed)
{
	rpc_unlisten(bed->group[0]);
	for (uint32_t i = 0; i < BED_LOOPS; i++)
		assert_int_equal(bed_run_server(bed, i, loop_quiet, &bed->loops[i]), 0);
	for (uint32_t i = 0; i < BED_LOOPS; i++)
		assert_int_equal(bed_run_server(bed, i, loop_close, &bed->loops[i]), 0);
	for (uint32_t i = 0; i < BED_LOOPS; i++) {
		loop_destroy(bed->loops[i].loop);
		memory_env_destroy(bed->loops[i].env);
	}
	bed->up = false;
}

void
bed_server_kill(struct bed *bed)
{
	for (uint32_t i = 0; i < BED_LOOPS; i++) {
		loop_abandon(bed->loops[i].loop);
		memory_env_crash(bed->loops[i].env);
	}
	for (uint32_t i = 0; i < BED_TARGETS; i++)
		bed->targets[i].holds = 0;
	bed->up = false;
}

/* ------------------------------------------------ the client */

static void
make_map(struct bed *bed, struct proto_engine *engine, struct proto_target *targets,
	 struct proto_map *ret_map)
{
	*engine = (struct proto_engine){
		.targets = BED_TARGETS, .loops = BED_LOOPS, .state = 1, .address_count = 1};
	engine->addresses[0] = (struct proto_text){ADDRESS, sizeof(ADDRESS) - 1};
	for (uint32_t i = 0; i < BED_TARGETS; i++)
		targets[i] =
			(struct proto_target){.index = i, .tag = i, .state = PROTO_TARGET_UP_IN};
	*ret_map = (struct proto_map){
		.version = max_of(bed->version, 1u),
		.engine_count = 1,
		.target_count = BED_TARGETS,
		.engines = engine,
		.targets = targets,
	};
}

static int
client_open(struct bed *bed)
{
	struct proto_engine engine;
	struct proto_target targets[BED_TARGETS];
	struct proto_map map;
	struct objio_pool_options options = {
		.rpc = bed->rpc,
		.pool = bed->pool,
		.map = &map,
		.patience_ns = bed->patience_ns,
	};

	make_map(bed, &engine, targets, &map);
	assert_int_equal(objio_pool_create(&options, &bed->objio_pool), 0);
	assert_int_equal(objio_create(bed->objio_pool, bed->handle, true, &bed->objio), 0);
	return 0;
}

static int
client_close(struct bed *bed)
{
	objio_destroy(bed->objio);
	objio_pool_destroy(bed->objio_pool);
	rpc_destroy(bed->rpc);
	return 0;
}

void
bed_client_start(struct bed *bed)
{
	struct memory_env_options env_options = {
		.node = "client", .no_storage = true, .level = LOG_ERROR};
	struct rpc_options options = {
		.incarnation = uuid_make(11, ++bed->incarnations),
		.clock = &bed->client_clock,
		.system = "bed",
		.connect_timeout_ns = 100 * BED_MS,
	};

	hlc_init(&bed->client_clock, 0);
	assert_int_equal(memory_env_create(bed->world, &env_options, &bed->env), 0);
	assert_int_equal(loop_create(bed->env, NULL, &bed->loop), 0);
	assert_int_equal(rpc_create(bed->loop, &options, &bed->rpc), 0);
	assert_int_equal(bed_run(bed, client_open), 0);
}

void
bed_client_stop(struct bed *bed)
{
	assert_int_equal(bed_run(bed, client_close), 0);
	loop_destroy(bed->loop);
	memory_env_destroy(bed->env);
	bed->env = NULL;
}

/* ------------------------------------------------ running */

static uint32_t
all_loops(struct bed *bed, struct loop **loops)
{
	uint32_t count = 0;

	if (bed->env)
		loops[count++] = bed->loop;
	for (uint32_t i = 0; bed->up && i < BED_LOOPS; i++)
		loops[count++] = bed->loops[i].loop;
	return count;
}

struct job {
	struct bed *bed;
	int (*function)(struct bed *bed);
};

static int
run_job(void *argument)
{
	struct job *job = argument;

	return job->function(job->bed);
}

int
bed_run(struct bed *bed, int (*function)(struct bed *bed))
{
	struct loop *loops[BED_LOOPS + 1];
	struct job job = {bed, function};

	return memory_run_all(bed->world, loops, all_loops(bed, loops), run_job, &job);
}

void
bed_spawn(struct bed *bed, void (*function)(void *argument), void *argument)
{
	struct fiber *fiber;

	assert_int_equal(fiber_start(bed->loop, "test", function, argument, &fiber), 0);
}

bool
bed_step(struct bed *bed, bool (*done)(void *argument), void *argument, uint64_t limit_ns)
{
	struct loop *loops[BED_LOOPS + 1];

	return memory_world_run(bed->world, loops, all_loops(bed, loops), done, argument,
				limit_ns) == 0;
}

void
bed_init(struct bed *bed)
{
	/* A failed check on a fiber cannot jump to the stack of the test. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	if (bed->data_size == 0)
		bed->data_size = 64u * 1024 * 1024;
	bed->pool = uuid_make(1, 1);
	bed->container = uuid_make(2, 2);
	bed->handle = uuid_make(3, 3);
	bed->reader = uuid_make(4, 4);
	assert_int_equal(memory_world_create(1, &bed->world), 0);
	bed_server_start(bed);
	bed_client_start(bed);
}

void
bed_fini(struct bed *bed)
{
	if (bed->env)
		bed_client_stop(bed);
	if (bed->up)
		bed_server_stop(bed);
	assert_int_equal(memory_node_connections(bed->world, "server"), 0);
	assert_int_equal(memory_node_regions(bed->world, "client"), 0);
	memory_world_destroy(bed->world);
}

/* ------------------------------------------------ calls */

struct object_id
bed_object(uint64_t number, uint32_t type, uint32_t groups)
{
	return (struct object_id){
		.lo = number,
		.hi = (uint64_t)type << 56 | UINT64_C(1) << 48 | (uint64_t)groups << 32,
	};
}

struct objio_key
bed_key(const char *text)
{
	return (struct objio_key){text, (uint32_t)strlen(text)};
}

int
bed_put(struct bed *bed, struct object_id id, const char *dkey, const char *akey, const void *data,
	size_t length, uint32_t conditions)
{
	struct iovec iov = {(void *)(uintptr_t)data, length};
	struct objio_akey value = {
		.key = bed_key(akey),
		.type = PROTO_VALUE_SINGLE,
		.record_size = length,
		.payload = &iov,
		.payload_count = 1,
	};

	return objio_update(bed->objio, id, bed_key(dkey), &value, 1, conditions);
}

int
bed_get(struct bed *bed, struct object_id id, const char *dkey, const char *akey, void *data,
	size_t room, size_t *ret_length)
{
	struct iovec iov = {data, room};
	struct objio_akey value = {
		.key = bed_key(akey),
		.type = PROTO_VALUE_SINGLE,
		.payload = &iov,
		.payload_count = room > 0,
	};
	int rc = objio_fetch(bed->objio, id, bed_key(dkey), &value, 1, NULL, 0, false);

	*ret_length = value.record_size;
	return rc;
}

int
bed_write(struct bed *bed, struct object_id id, const char *dkey, uint64_t offset, const void *data,
	  size_t length)
{
	struct iovec iov = {(void *)(uintptr_t)data, length};
	struct proto_extent extent = {offset, length};
	struct objio_akey value = {
		.key = bed_key("a"),
		.type = PROTO_VALUE_ARRAY,
		.record_size = 1,
		.extents = &extent,
		.extent_count = 1,
		.payload = &iov,
		.payload_count = 1,
	};

	return objio_update(bed->objio, id, bed_key(dkey), &value, 1, 0);
}

int
bed_read(struct bed *bed, struct object_id id, const char *dkey, uint64_t offset, void *data,
	 size_t length, size_t *ret_length)
{
	struct iovec iov = {data, length};
	struct proto_extent extent = {offset, length};
	struct objio_akey value = {
		.key = bed_key("a"),
		.type = PROTO_VALUE_ARRAY,
		.extents = &extent,
		.extent_count = 1,
		.payload = &iov,
		.payload_count = 1,
	};
	int rc = objio_fetch(bed->objio, id, bed_key(dkey), &value, 1, NULL, 0, false);

	*ret_length = value.length;
	return rc;
}

struct counting {
	struct node *node;
	uint64_t counts[9];
};

static int
count_here(void *argument)
{
	struct counting *counting = argument;

	object_figures(counting->node, counting->counts, ARRAY_SIZE(counting->counts));
	return 0;
}

uint64_t
bed_requests(struct bed *bed, uint32_t operation)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < BED_LOOPS; i++) {
		struct counting counting = {.node = &bed->node};

		assert_int_equal(bed_run_server(bed, i, count_here, &counting), 0);
		total += counting.counts[operation - PROTO_OBJECT];
	}
	return total;
}

uint64_t
bed_cross_calls(struct bed *bed)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < BED_LOOPS; i++)
		total += loop_cross_calls(bed->loops[i].loop);
	return total;
}
