/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Rolling a container back on the whole engine, which is killed, or loses its power, at any moment
 * of it: afterwards the container shows either what it showed before or what the snapshot shows,
 * nothing between; sent again, the request brings it to the snapshot.
 */
#include "unit/engine/site.h"

#include "objio/objio.h"

#define KEYS 40u
#define SIZE 6000u
#define CRASHES 16u

static struct uuid handle;
static struct objio_pool *pool;
static struct objio *objio;
static uint64_t snapshot;

static struct {
	struct request_id id;
	uint32_t before; /* generation that was there before the roll-back */
	uint32_t cut;	 /* how often a crash came before the answer */
} crashing;

/* ------------------------------------------------ open */

static int
objects_open(struct site *site)
{
	struct arena *arena = site->client_env->arena;
	struct proto_pool_connect request = {.pool = name("pool"), .handle = uuid_make(7, 2)};
	struct objio_pool_options options = {.rpc = site->rpc};
	struct proto_pool_connected connected;
	struct proto_pool_created created;
	struct request_id id;
	struct uuid container;
	struct call call;

	request.flags = DAOS_PC_RW;
	assert_int_equal(create_pool(site, "pool", 256, &created), 0);
	id = next_id(site);
	call_begin(&call, site);
	proto_pool_connect_encode(&request, &call.writer);
	assert_int_equal(call_send(&call, PROTO_POOL_CONNECT, &id), 0);
	assert_int_equal(proto_pool_connected_decode(&call.reply.body, arena, &connected), 0);
	options.pool = connected.id;
	options.map = &connected.map;
	assert_int_equal(objio_pool_create(&options, &pool), 0);
	proto_pool_connected_free(arena, &connected);
	call_end(&call);
	rpc_window_close(site->window, &id);
	assert_int_equal(create_container(site, request.handle, "container", &container), 0);
	assert_int_equal(open_container(site, request.handle, "container", DAOS_COO_EX, &handle),
			 0);
	return objio_create(pool, handle, true, &objio);
}

static int
objects_close(struct site *site)
{
	(void)site;
	objio_destroy(objio);
	objio_pool_destroy(pool);
	return 0;
}

/* ------------------------------------------------ values */

static struct object_id
object_of(uint32_t key)
{
	return (struct object_id){key % 5, UINT64_C(1) << 48 | UINT64_C(65535) << 32};
}

static struct objio_key
key_of(const uint32_t *key)
{
	return (struct objio_key){key, sizeof(*key)};
}

static void
put(uint32_t key, uint32_t generation)
{
	uint8_t data[SIZE];
	struct iovec iov = {data, SIZE};
	struct objio_akey akey = {.key = {"a", 1},
				  .type = PROTO_VALUE_SINGLE,
				  .record_size = SIZE,
				  .payload = &iov,
				  .payload_count = 1};

	memset(data, (int)(generation * 16 + key % 16), SIZE);
	assert_int_equal(objio_update(objio, object_of(key), key_of(&key), &akey, 1, 0), 0);
}

/* The generation that is seen; 0: nothing. */
static uint32_t
generation_of(uint32_t key, uint64_t epoch)
{
	uint8_t data[SIZE] = {0};
	struct iovec iov = {data, SIZE};
	struct objio_akey akey = {
		.key = {"a", 1}, .type = PROTO_VALUE_SINGLE, .payload = &iov, .payload_count = 1};
	struct objio_view view = {.epoch = epoch};

	assert_int_equal(
		objio_fetch(objio, object_of(key), key_of(&key), &akey, 1, &view, 0, false), 0);
	assert_true(akey.length == 0 || akey.length == SIZE);
	return akey.length == 0 ? 0 : (data[0] - key % 16) / 16;
}

/* The first half is as in generation 1; of the second half one part is new, one is gone. */
static uint32_t
expected(uint32_t key, uint32_t generation)
{
	if (generation == 1)
		return key < KEYS - 10 ? 1 : 0;
	if (key < KEYS / 2)
		return 1;
	return key % 3 ? generation : 0;
}

static bool
shows(uint32_t generation, uint64_t epoch)
{
	for (uint32_t key = 0; key < KEYS; key++)
		if (generation_of(key, epoch) != expected(key, generation))
			return false;
	return true;
}

static int
first_generation(struct site *site)
{
	struct proto_snapshot_call wanted = {.handle = handle};
	struct request_id id = next_id(site);
	struct call call;

	for (uint32_t key = 0; key < KEYS - 10; key++)
		put(key, 1);
	call_begin(&call, site);
	proto_snapshot_call_encode(&wanted, &call.writer);
	assert_int_equal(call_send(&call, PROTO_CONTAINER_CREATE_SNAPSHOT, &id), 0);
	snapshot = reader_u64(&call.reply.body);
	call_end(&call);
	rpc_window_close(site->window, &id);
	return 0;
}

static int
next_generation(struct site *site)
{
	uint32_t generation = ++crashing.before;

	for (uint32_t key = KEYS / 2; key < KEYS; key++) {
		struct objio_key dkey = key_of(&key);

		if (key % 3)
			put(key, generation);
		else
			assert_int_equal(objio_punch_dkeys(objio, object_of(key), &dkey, 1, 0), 0);
	}
	assert_true(shows(generation, 0));
	crashing.id = next_id(site);
	return 0;
}

/* ------------------------------------------------ rolling back */

static int
roll_back(struct site *site)
{
	struct proto_snapshot_call wanted = {.handle = handle, .first = snapshot};
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_snapshot_call_encode(&wanted, &call.writer);
	rc = call_send(&call, PROTO_CONTAINER_ROLLBACK, &crashing.id);
	call_end(&call);
	return rc;
}

static int
check(struct site *site)
{
	assert_true(shows(1, 0) || shows(crashing.before, 0));
	assert_int_equal(roll_back(site), 0);
	rpc_window_close(site->window, &crashing.id);
	assert_true(shows(1, 0));
	assert_true(shows(1, snapshot));
	return 0;
}

static void
test_crashes(void **state)
{
	struct site site = {.loop_count = 2, .target_count = 3};
	uint64_t after;

	(void)state;
	crashing.before = 1;
	site_begin(&site, 23);
	site_run(&site, objects_open);
	site_run(&site, first_generation);
	for (uint32_t i = 0; i < CRASHES; i++) {
		/* Fits in a byte. */
		if (crashing.before > 10)
			crashing.before = 1;
		site_run(&site, next_generation);
		after = 1000 + memory_world_random(site.world) % 120000;
		crashing.cut += !site_crash(&site, roll_back, after, i % 2);
		site_run(&site, check);
	}
	assert_true(crashing.cut > CRASHES / 3);
	site_run(&site, objects_close);
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
