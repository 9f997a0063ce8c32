/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Stores that cannot be read for a while: their pool says why, the others go on, and nothing is
 * missing when they can be read again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "site.h"

static struct {
	struct uuid id, pool, container;
	uint64_t oids;
} kept;

static char store[128];

static int
set_up(struct site *site)
{
	struct proto_pool_created created;

	assert_int_equal(create_pool(site, "tank", 128, &created), 0);
	assert_int_equal(create_pool(site, "well", 128, NULL), 0);
	kept.id = created.id;
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &kept.pool), 0);
	assert_int_equal(create_container(site, kept.pool, "c", NULL), 0);
	assert_int_equal(open_container(site, kept.pool, "c", DAOS_COO_RW, &kept.container), 0);
	return allocate_oids(site, kept.container, 7, NULL, &kept.oids);
}

static int
all_is_there(struct site *site)
{
	struct proto_pool_info info;
	uint64_t first;

	assert_int_equal(query_pool(site, kept.pool, &info), 0);
	assert_int_equal(info.handle_count, 1);
	assert_int_equal(info.container_count, 1);
	assert_int_equal(info.disabled_targets, 0);
	assert_int_equal(allocate_oids(site, kept.container, 5, NULL, &first), 0);
	assert_true(first > kept.oids);
	kept.oids = first;
	return 0;
}

/* The other pool works, and much is written. */
static int
the_other_works(struct site *site)
{
	struct uuid handle;
	char value[512];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = 0;
	assert_int_equal(connect_pool(site, "well", DAOS_PC_RW, &handle), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(set_attribute(site, PROTO_POOL_SET_ATTRIBUTES, handle, "k", value),
				 0);
	return disconnect_pool(site, handle);
}

static int
store_is_broken(struct site *site)
{
	struct proto_pool_info info;
	struct uuid handle;
	uint64_t first;

	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &handle), -DER_IO);
	assert_int_equal(query_pool(site, kept.pool, &info), -DER_IO);
	assert_int_equal(allocate_oids(site, kept.container, 5, NULL, &first), -DER_IO);
	return the_other_works(site);
}

static int
target_is_broken(struct site *site)
{
	struct proto_pool_info info;

	assert_int_equal(query_pool(site, kept.pool, &info), 0);
	assert_int_equal(info.disabled_targets, 1);
	return the_other_works(site);
}

static int
state_here(void *argument)
{
	struct site *site = argument;
	struct node *node = engine_node(site->engine);
	uint32_t here = (uint32_t)(node_here(node) - node->loops);

	return pool_target_state(node, kept.id, here);
}

static void
name_store(const char *suffix)
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(&kept.id, text);
	snprintf(store, sizeof(store), "pools/%s/%s.heap", text, suffix);
}

static void
begin(struct site *site, uint64_t seed, const char *suffix)
{
	site_begin(site, seed);
	site_run(site, set_up);
	name_store(suffix);
	site_kill(site);
	memory_disk_unreadable(site->world, "server", store, 0, 2 * 4096);
}

/* Handles of a pool stand in its store: all who come with one are told what is the matter. */
static void
test_service(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	begin(&site, 41, "service");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(site_start(&site, false), 0);
		site_run(&site, store_is_broken);
		for (uint32_t n = 0; n < site.loop_count; n++)
			assert_int_equal(memory_run(site.world, site.loops[n], state_here, &site),
					 -DER_IO);
		if (i == 0)
			site_kill(&site);
		else
			site_stop(&site);
	}
	memory_disk_heal(site.world, "server", store);
	assert_int_equal(site_start(&site, false), 0);
	site_run(&site, all_is_there);
	site_end(&site);
}

static void
test_target(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	begin(&site, 42, "target-1");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(site_start(&site, false), 0);
		site_run(&site, target_is_broken);
		assert_int_equal(memory_run(site.world, site.loops[0], state_here, &site), 0);
		assert_int_equal(memory_run(site.world, site.loops[1], state_here, &site), -DER_IO);
		if (i == 0)
			site_kill(&site);
		else
			site_stop(&site);
	}
	memory_disk_heal(site.world, "server", store);
	assert_int_equal(site_start(&site, false), 0);
	site_run(&site, all_is_there);
	site_end(&site);
}

/* The logs hold what the store needs: they are not exchanged for others meanwhile. */
static void
test_loops_do_not_change(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	begin(&site, 43, "service");
	site.loop_count = 3;
	assert_int_equal(site_start(&site, false), -DER_IO);
	memory_disk_heal(site.world, "server", store);
	assert_int_equal(site_start(&site, false), 0);
	site_run(&site, all_is_there);
	site_end(&site);
}

#define STRANGER "pools/01234567-89ab-cdef-0123-456789abcdef/target-0.heap"

/* Files of a pool that no record names are the last copy of something: a start leaves them alone.
 */
static void
test_unknown_pool(void **state)
{
	struct site site = {.loop_count = 1};
	struct storage *storage;
	struct disk *disk;

	(void)state;
	site_begin(&site, 44);
	storage = site.envs[0]->storage;
	assert_int_equal(storage->create(storage, STRANGER, 4096, STORAGE_THIN, &disk), 0);
	disk_close(disk);
	for (int i = 0; i < 2; i++) {
		site_stop(&site);
		assert_int_equal(site_start(&site, false), 0);
	}
	storage = site.envs[0]->storage;
	assert_int_equal(storage->open(storage, STRANGER, &disk), 0);
	disk_close(disk);
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_pool),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_loops_do_not_change),
	};

	/* A failure on a fiber cannot jump to cmocka's stack. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
