/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * objio against the whole engine: pool, container and handles are the real ones, and survive kills
 * with the objects. What was acknowledged reads back after each kill and after a power cut.
 */
#include <stdlib.h>

#include "unit/engine/site.h"

#include "objio/objio.h"

#define KEYS 60u
#define SIZE 9000u

/* What outlives the bodies. */
static struct uuid handle;
static struct objio_pool *pool;
static struct objio *objio;
static uint32_t acknowledged[KEYS]; /* generation of each key's value */

static struct object_id
object_of(uint32_t key)
{
	return (struct object_id){key % 5, UINT64_C(1) << 48 | UINT64_C(65535) << 32};
}

static void
fill(uint8_t *data, uint32_t key, uint32_t generation)
{
	for (uint32_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)mix64(key * 1000 + generation + i / 8 * 77777);
}

static int
objects_open(struct site *site)
{
	struct call call;
	struct proto_pool_connect request = {
		.pool = name("pool"),
		.handle = uuid_make(memory_world_random(site->world), 2),
		.flags = DAOS_PC_RW,
	};
	struct proto_pool_connected connected;
	struct objio_pool_options options = {.rpc = site->rpc};
	struct arena *arena = site->client_env->arena;
	struct request_id id = next_id(site);

	call_begin(&call, site);
	proto_pool_connect_encode(&request, &call.writer);
	assert_int_equal(call_send(&call, PROTO_POOL_CONNECT, &id), 0);
	assert_int_equal(proto_pool_connected_decode(&call.reply.body, arena, &connected), 0);
	options.pool = connected.id;
	options.map = &connected.map;
	assert_int_equal(objio_pool_create(&options, &pool), 0);
	proto_pool_connected_free(arena, &connected);
	call_end(&call);
	assert_int_equal(open_container(site, request.handle, "container", DAOS_COO_RW, &handle),
			 0);
	return objio_create(pool, handle, true, &objio);
}

static int
objects_create(struct site *site)
{
	struct proto_pool_created created;
	struct uuid pool_handle;
	struct uuid container;

	assert_int_equal(create_pool(site, "pool", 256, &created), 0);
	assert_int_equal(connect_pool(site, "pool", DAOS_PC_RW, &pool_handle), 0);
	assert_int_equal(create_container(site, pool_handle, "container", &container), 0);
	assert_int_equal(disconnect_pool(site, pool_handle), 0);
	return objects_open(site);
}

static int
objects_close(struct site *site)
{
	(void)site;
	objio_destroy(objio);
	objio_pool_destroy(pool);
	return 0;
}

static int
put(uint32_t key, uint32_t generation)
{
	uint8_t data[SIZE];
	struct iovec iov = {data, SIZE};
	struct objio_akey akey = {
		.key = {"a", 1},
		.type = PROTO_VALUE_SINGLE,
		.record_size = SIZE,
		.payload = &iov,
		.payload_count = 1,
	};

	fill(data, key, generation);
	return objio_update(objio, object_of(key), (struct objio_key){&key, sizeof(key)}, &akey, 1,
			    0);
}

/* The generation that is stored: whole, and one of the two that may be there. */
static void
check(uint32_t key)
{
	uint8_t expected[SIZE];
	uint8_t data[SIZE];
	struct iovec iov = {data, SIZE};
	struct objio_akey akey = {
		.key = {"a", 1}, .type = PROTO_VALUE_SINGLE, .payload = &iov, .payload_count = 1};

	assert_int_equal(objio_fetch(objio, object_of(key), (struct objio_key){&key, sizeof(key)},
				     &akey, 1, NULL, 0, false),
			 0);
	if (acknowledged[key] == 0 && akey.length == 0)
		return;
	assert_int_equal(akey.length, SIZE);
	fill(expected, key, acknowledged[key]);
	if (memcmp(data, expected, SIZE) != 0) {
		fill(expected, key, acknowledged[key] + 1);
		assert_memory_equal(data, expected, SIZE);
	}
}

static int
check_all(struct site *site)
{
	(void)site;
	for (uint32_t key = 0; key < KEYS; key++)
		check(key);
	return 0;
}

static int
write_one(void *argument)
{
	uint32_t key = *(uint32_t *)argument;
	int rc = put(key, acknowledged[key] + 1);

	if (rc == 0)
		acknowledged[key]++;
	return rc;
}

/* Every key gets its next generation, all at the same time. */
static int
write_all(struct site *site)
{
	struct fiber_group group;
	uint32_t keys[KEYS];

	(void)site;
	fiber_group_init(&group);
	for (uint32_t key = 0; key < KEYS; key++) {
		keys[key] = key;
		assert_int_equal(fiber_group_start(&group, "writer", write_one, &keys[key]), 0);
	}
	return fiber_group_wait(&group);
}

static uint32_t
total_acknowledged(void)
{
	uint32_t total = 0;

	for (uint32_t key = 0; key < KEYS; key++)
		total += acknowledged[key];
	return total;
}

/* Writes without waiting for the end. */
static bool writers_ended;

static void
write_all_detached(void *argument)
{
	assert_int_equal(write_all(argument), 0);
	writers_ended = true;
}

static bool
half_acknowledged(void *argument)
{
	return total_acknowledged() >= *(uint32_t *)argument + KEYS / 2;
}

static bool
all_acknowledged(void *argument)
{
	(void)argument;
	return writers_ended;
}

static void
step_until(struct site *site, bool (*done)(void *argument), void *argument)
{
	struct loop *loops[SITE_LOOPS + 1] = {site->client_loop};

	for (uint32_t i = 0; i < site->loop_count; i++)
		loops[1 + i] = site->loops[i];
	assert_int_equal(memory_world_run(site->world, loops, 1 + site->loop_count, done, argument,
					  60 * UINT64_C(1000000000)),
			 0);
}

/* Kills the engine in the middle of a round of writes; the writers wait and go on. */
static void
test_killed(void **state)
{
	struct site site = {.loop_count = 2};
	struct fiber *fiber;

	(void)state;
	site_begin(&site, 1);
	site_run(&site, objects_create);
	for (uint32_t kill = 0; kill < 6; kill++) {
		uint32_t before = total_acknowledged();

		writers_ended = false;
		assert_int_equal(fiber_start(site.client_loop, "writers", write_all_detached, &site,
					     &fiber),
				 0);
		step_until(&site, half_acknowledged, &before);
		site_kill(&site);
		assert_int_equal(site_start(&site, false), 0);
		step_until(&site, all_acknowledged, NULL);
		assert_int_equal(total_acknowledged(), before + KEYS);
		site_run(&site, check_all);
	}
	site_run(&site, objects_close);
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
	};

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
