/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the services keep: the structs of metadb and the records of system, pool and container. And
 * the superblock of a storage. */
#include "container/private.h"
#include "engine/private.h"
#include "env/memory/memory.h"
#include "golden.h"
#include "metadb/private.h"
#include "pool/private.h"
#include "system/private.h"

static struct uuid
some_id(uint8_t first)
{
	struct uuid id;

	for (uint8_t i = 0; i < 16; i++)
		id.bytes[i] = (uint8_t)(first + i);
	return id;
}

/* ------------------------------------------------ metadb */

static void
metadb_is_as_written(void **state)
{
	const struct store_root root = {
		.magic = METADB_MAGIC,
		.version = METADB_VERSION,
		.counter = 0x0102030405060708,
		.keys = {.node = 0x1112131415161718, .count = 3, .depth = 1},
	};
	const struct store_record record = {
		.key = 0x0102030405060708,
		.value = 0x1112131415161718,
		.version = 0x2122232425262728,
		.value_length = 0x31323334,
		.key_length = 0x4142,
		.type = STORE_RECORD,
		.record_version = METADB_VERSION,
	};
	const struct store_block block = {STORE_VALUE, METADB_VERSION, 0, 0x01020304};
	struct golden *golden = golden_begin("metadb", METADB_VERSION);

	(void)state;
	golden_add(golden, "root", &root, sizeof(root));
	golden_add(golden, "record", &record, sizeof(record));
	golden_add(golden, "block", &block, sizeof(block));
	golden_end(golden);
}

/* ------------------------------------------------ records */

static void
add_system(struct golden *golden)
{
	const struct system_identity identity = {some_id(0x10), "daos_server", 0x01020304};
	const struct system_pool pool = {.id = some_id(0x20),
					 .label = "label",
					 .state = PROTO_POOL_READY,
					 .target_count = 0x01020304,
					 .thin = true,
					 .metadata_bytes = 0x1112131415161718,
					 .data_bytes = 0x2122232425262728};
	uint8_t record[RECORD_MAX];

	golden_add(golden, "system", record, system_identity_encode(&identity, record));
	golden_add(golden, "pool of a system", record, system_pool_encode(&pool, record));
}

static void
add_pool(struct golden *golden)
{
	const struct pool_handle handle = {
		.id = some_id(0x30),
		.client = some_id(0x40),
		.access = {.flags = 0x01020304,
			   .capabilities = 0x11121314,
			   .administrator = true,
			   .credentials = {true, 0x21222324, 0x31323334, 0}}};
	uint8_t record[HANDLE_RECORD];

	golden_add(golden, "handle of a pool", record, pool_handle_encode(&handle, record));
	golden_add(golden, "times, map", record,
		   pool_pair_encode(0x0102030405060708, 0x1112131415161718, record));
}

static void
add_container(struct golden *golden)
{
	const struct container_record container = {some_id(0x50), 0x0102030405060708, "label"};
	const struct container_handle handle = {.id = some_id(0x60),
						.container = some_id(0x50),
						.pool_handle = some_id(0x30),
						.client = some_id(0x40),
						.user_known = true,
						.user = 0x21222324,
						.flags = 0x01020304,
						.capabilities = 0x11121314};
	const struct container_times times = {0x0102030405060708, 0x1112131415161718};
	uint8_t record[CONTAINER_RECORD];

	golden_add(golden, "container", record, container_record_encode(&container, record));
	golden_add(golden, "handle of a container", record,
		   container_handle_encode(&handle, record));
	golden_add(golden, "times of a container", record, container_times_encode(&times, record));
}

/* The version of these records is written in each of them. */
#define SERVICES_VERSION 1u

static void
services_are_as_written(void **state)
{
	struct golden *golden = golden_begin("services", SERVICES_VERSION);

	(void)state;
	add_system(golden);
	add_pool(golden);
	add_container(golden);
	golden_end(golden);
}

/* ------------------------------------------------ superblock */

static int
make_superblock(void *argument)
{
	struct superblock superblock = {.generation = 1, .loops = 2, .rank = 3};
	int rc = superblock_create(argument, &superblock);

	return rc ? rc : superblock_write(argument, &superblock);
}

/* As in the superblock itself. */
#define SUPERBLOCK_VERSION 1u

static void
superblock_is_as_written(void **state)
{
	static uint8_t blocks[2 * DISK_BLOCK];
	struct engine engine = {.steps = 0};
	struct golden *golden = golden_begin("superblock", SUPERBLOCK_VERSION);
	struct memory_world *world;
	struct loop *loop;
	struct env *env;

	(void)state;
	assert_int_equal(memory_world_create(1, &world), 0);
	assert_int_equal(memory_env_create(world, NULL, &env), 0);
	assert_int_equal(loop_create(env, NULL, &loop), 0);
	engine.arena = env->arena;
	engine.node.storage = env->storage;
	assert_int_equal(memory_run(world, loop, make_superblock, &engine), 0);
	memory_disk_peek(world, "node", SUPERBLOCK_NAME, blocks, sizeof(blocks), 0);
	golden_add(golden, "both blocks", blocks, sizeof(blocks));
	golden_end(golden);
	loop_destroy(loop);
	memory_env_destroy(env);
	memory_world_destroy(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadb_is_as_written),
		cmocka_unit_test(services_are_as_written),
		cmocka_unit_test(superblock_is_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
