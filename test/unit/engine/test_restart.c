/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* An engine that stops, is killed or loses power: what was answered is there, once, and nothing is
 * left half done. */
#include "site.h"

/* ------------------------------------------------ restarts */

static struct {
	struct uuid pool, container;
	uint64_t oids;
} kept;

static int
before_restart(struct site *site)
{
	assert_int_equal(create_pool(site, "tank", 128, NULL), 0);
	assert_int_equal(create_pool(site, "gone", 128, NULL), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &kept.pool), 0);
	assert_int_equal(create_container(site, kept.pool, "c", NULL), 0);
	assert_int_equal(open_container(site, kept.pool, "c", DAOS_COO_RW, &kept.container), 0);
	assert_int_equal(allocate_oids(site, kept.container, 7, NULL, &kept.oids), 0);
	assert_int_equal(set_attribute(site, PROTO_POOL_SET_ATTRIBUTES, kept.pool, "k", "v"), 0);
	return destroy_pool(site, "gone", false, false);
}

/* Everything is there: also the handles, on every loop. */
static int
after_restart(struct site *site)
{
	struct proto_pool_info info;
	uint64_t first, last = kept.oids;
	char value[64];
	uint32_t count;

	assert_int_equal(count_pools(site, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(query_pool(site, kept.pool, &info), 0);
	assert_int_equal(info.container_count, 1);
	assert_int_equal(info.handle_count, 1);
	assert_int_equal(info.disabled_targets, 0);
	assert_int_equal(allocate_oids(site, kept.container, 5, NULL, &first), 0);
	assert_true(first > last);
	kept.oids = first;
	assert_int_equal(get_attribute(site, PROTO_POOL_GET_ATTRIBUTES, kept.pool, "k", value), 0);
	assert_string_equal(value, "v");
	return 0;
}

static int
access_here(void *argument)
{
	struct site *site = argument;
	struct container_access access;

	return container_access(engine_node(site->engine), kept.container, &access);
}

/* The handle is known on each loop of the engine. */
static void
known_everywhere(struct site *site)
{
	for (uint32_t i = 0; i < site->loop_count; i++)
		assert_int_equal(memory_run(site->world, site->loops[i], access_here, site), 0);
}

static void
restart(struct site *site, void (*down)(struct site *site), int expected)
{
	down(site);
	assert_int_equal(site_start(site, false), expected);
}

static void
test_restarts(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 6);
	site_run(&site, before_restart);
	restart(&site, site_stop, 0);
	site_run(&site, after_restart);
	known_everywhere(&site);
	restart(&site, site_kill, 0);
	site_run(&site, after_restart);
	known_everywhere(&site);
	restart(&site, site_power_cut, 0);
	site_run(&site, after_restart);
	site_end(&site);
}

/* The number of loops may differ from run to run. */
static void
test_other_number_of_loops(void **state)
{
	static const uint32_t numbers[] = {3, 1, 4, 2};
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 7);
	site_run(&site, before_restart);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (i % 2)
			site_stop(&site);
		else
			site_kill(&site);
		site.loop_count = numbers[i];
		assert_int_equal(site_start(&site, false), 0);
		site_run(&site, after_restart);
		known_everywhere(&site);
	}
	site_end(&site);
}

struct starting {
	struct site *site;
	uint64_t end;
	bool done;
};

static void
start_fiber(void *argument)
{
	struct starting *starting = argument;

	/* Where it comes to an end it has succeeded. */
	assert_int_equal(engine_start(starting->site->engine), 0);
	starting->done = true;
}

static bool
start_is_over(void *argument)
{
	struct starting *starting = argument;

	return starting->done || memory_world_now(starting->site->world) >= starting->end;
}

/* A start that a crash ends after some time. */
static void
start_and_crash(struct site *site, uint64_t after)
{
	const char *const address = "memory:engine";
	const struct engine_options options = {.targets = site->target_count,
					       .listen = &address,
					       .listen_count = 1,
					       .log_size = 16 * MIB};
	struct starting starting = {.site = site, .end = memory_world_now(site->world) + after};
	struct fiber *fiber;

	site_boot(site);
	assert_int_equal(engine_create(site->loops, site->loop_count, &options, &site->engine), 0);
	assert_int_equal(fiber_start(site->loops[0], "start", start_fiber, &starting, &fiber), 0);
	assert_int_equal(memory_world_run(site->world, site->loops, site->loop_count, start_is_over,
					  &starting, 20000000000),
			 0);
	site_power_cut(site);
}

/* The number of loops in the newer block of the superblock. */
static uint32_t
recorded_loops(struct site *site)
{
	uint8_t blocks[2][40];

	memory_disk_peek(site->world, "server", "superblock", blocks[0], 40, 0);
	memory_disk_peek(site->world, "server", "superblock", blocks[1], 40, 4096);
	return load_u32(blocks[load_u64(blocks[1] + 32) > load_u64(blocks[0] + 32)] + 28);
}

/* A crash at any moment of changing the number of loops. */
static void
test_crash_while_loops_change(void **state)
{
	struct site site = {.loop_count = 2};
	uint32_t before = 0, between = 0, behind = 0;

	(void)state;
	site_begin(&site, 16);
	site_run(&site, before_restart);
	site_stop(&site);
	/* Densest where the superblock says that no log is needed. */
	for (uint64_t after = 20000; after < 9000000; after += after < 980000	 ? 80000
							       : after < 1220000 ? 10000
							       : after < 4000000 ? 280000
										 : 1700000) {
		uint32_t former = recorded_loops(&site), loops;

		site.loop_count = former % 3 + 1;
		start_and_crash(&site, after);
		loops = recorded_loops(&site);
		before += loops == former;
		between += loops == 0;
		behind += loops == site.loop_count;
		/* The next start has the same number or another one. */
		site.loop_count = 1 + (uint32_t)(memory_world_random(site.world) % 3);
		assert_int_equal(site_start(&site, false), 0);
		site_run(&site, after_restart);
		site_stop(&site);
	}
	assert_true(before > 0 && between > 0 && behind > 0);
	assert_int_equal(site_start(&site, false), 0);
	site_end(&site);
}

/* ------------------------------------------------ exactly once */

static struct request_id remembered[3];

static int
create_once(struct site *site)
{
	struct proto_pool_create wanted = {.data_bytes = 128 * MIB};
	struct proto_pool_created first, second;
	uint32_t count;

	assert_int_equal(properties_set_bytes(&wanted.properties, DAOS_PROP_PO_LABEL, text("tank")),
			 0);
	if (remembered[0].sequence == 0)
		remembered[0] = next_id(site);
	assert_int_equal(create_pool_as(site, &wanted, &remembered[0], &first, NULL), 0);
	assert_int_equal(create_pool_as(site, &wanted, &remembered[0], &second, NULL), 0);
	assert_true(uuid_equal(&first.id, &second.id));
	assert_int_equal(count_pools(site, &count), 0);
	assert_int_equal(count, 1);
	return 0;
}

static int
change_once(struct site *site)
{
	uint64_t first, second;

	if (remembered[1].sequence == 0) {
		assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &kept.pool), 0);
		assert_int_equal(create_container(site, kept.pool, "c", NULL), 0);
		assert_int_equal(open_container(site, kept.pool, "c", DAOS_COO_RW, &kept.container),
				 0);
		remembered[1] = next_id(site);
		assert_int_equal(
			allocate_oids(site, kept.container, 10, &remembered[1], &kept.oids), 0);
	}
	assert_int_equal(allocate_oids(site, kept.container, 10, &remembered[1], &first), 0);
	assert_int_equal(first, kept.oids);
	assert_int_equal(allocate_oids(site, kept.container, 10, NULL, &second), 0);
	assert_true(second >= kept.oids + 10);
	return 0;
}

static void
test_exactly_once(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	memset(remembered, 0, sizeof(remembered));
	site_begin(&site, 8);
	site_run(&site, create_once);
	site_run(&site, change_once);
	restart(&site, site_kill, 0);
	site_run(&site, create_once);
	site_run(&site, change_once);
	restart(&site, site_stop, 0);
	site_run(&site, create_once);
	site_run(&site, change_once);
	site_end(&site);
}

/* ------------------------------------------------ crashes in the middle */

static int
create_and_destroy(void *argument)
{
	struct site *site = argument;
	uint32_t number = 0;
	char label[16];

	/* Ends with the crash. */
	for (;;) {
		snprintf(label, sizeof(label), "p%u", number++);
		if (create_pool(site, label, 64, NULL) != 0)
			return 0;
		if (number % 2 && destroy_pool(site, label, false, false) != 0)
			return 0;
	}
}

struct crashing {
	struct site *site;
	uint64_t end;
	bool done;
};

static void
crash_fiber(void *argument)
{
	struct crashing *crashing = argument;

	(void)create_and_destroy(crashing->site);
	crashing->done = true;
}

static bool
time_is_up(void *argument)
{
	struct crashing *crashing = argument;

	return memory_world_now(crashing->site->world) >= crashing->end;
}

static bool
client_is_done(void *argument)
{
	return ((struct crashing *)argument)->done;
}

static int
all_pools_work(struct site *site)
{
	struct proto_pool_entry entries[64];
	uint32_t count;
	struct call call;

	call_begin(&call, site);
	assert_int_equal(call_send(&call, PROTO_SYSTEM_POOL_LIST, NULL), 0);
	count = reader_u32(&call.reply.body);
	assert_true(count <= ARRAY_SIZE(entries));
	for (uint32_t i = 0; i < count; i++) {
		char label[PROTO_LABEL_MAX + 1] = "";
		struct proto_pool_info info;
		struct uuid handle;

		assert_int_equal(proto_pool_entry_decode(&call.reply.body, &entries[i]), 0);
		assert_int_equal(entries[i].state, PROTO_POOL_READY);
		memcpy(label, entries[i].label.data, entries[i].label.length);
		assert_int_equal(connect_pool(site, label, DAOS_PC_RW, &handle), 0);
		assert_int_equal(query_pool(site, handle, &info), 0);
		assert_int_equal(info.disabled_targets, 0);
		assert_int_equal(disconnect_pool(site, handle), 0);
		assert_int_equal(destroy_pool(site, label, false, false), 0);
	}
	call_end(&call);
	return 0;
}

/* A crash at any moment of creating and destroying: no pool half made, and no file that no pool
 * names. */
static void
test_crash_between_steps(void **state)
{
	struct site site = {.loop_count = 2};
	uint64_t empty;

	(void)state;
	site_begin(&site, 9);
	client_end(&site);
	site_stop(&site);
	empty = memory_node_used(site.world, "server");
	for (uint32_t i = 0; i < 25; i++) {
		struct crashing crashing = {.site = &site};
		struct loop *loops[3];
		struct fiber *fiber;

		assert_int_equal(site_start(&site, false), 0);
		client_begin(&site);
		crashing.end = memory_world_now(site.world) + 50000 + 91000 * i;
		assert_int_equal(fiber_start(site.client_loop, "crashing", crash_fiber, &crashing,
					     &fiber),
				 0);
		loops[0] = site.loops[0];
		loops[1] = site.loops[1];
		loops[2] = site.client_loop;
		assert_int_equal(memory_world_run(site.world, loops, 3, time_is_up, &crashing,
						  1000000000),
				 0);
		if (i % 2)
			site_power_cut(&site);
		else
			site_kill(&site);
		assert_int_equal(memory_world_run(site.world, &site.client_loop, 1, client_is_done,
						  &crashing, 200000000000),
				 0);
		assert_int_equal(site_start(&site, false), 0);
		site_run(&site, all_pools_work);
		client_end(&site);
		site_stop(&site);
		assert_true(memory_node_used(site.world, "server") <= empty + 8 * MIB);
	}
	memory_world_destroy(site.world);
}

/* ------------------------------------------------ clock */

static int
stamp_here(void *argument)
{
	struct site *site = argument;

	return (kept.oids = node_stamp(engine_node(site->engine))) == 0;
}

/* Stamps never go back, even where the host's clock does. */
static void
test_clock_over_restarts(void **state)
{
	struct site site = {.loop_count = 1};
	uint64_t before;

	(void)state;
	site_begin(&site, 13);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(memory_run(site.world, site.loops[0], stamp_here, &site), 0);
		before = kept.oids;
		restart(&site, i % 2 ? site_kill : site_stop, 0);
		assert_int_equal(memory_run(site.world, site.loops[0], stamp_here, &site), 0);
		assert_true(kept.oids > before);
		memory_world_advance(site.world, 3000000000);
	}
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_other_number_of_loops),
		cmocka_unit_test(test_crash_while_loops_change),
		cmocka_unit_test(test_exactly_once),
		cmocka_unit_test(test_crash_between_steps),
		cmocka_unit_test(test_clock_over_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
