/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The system's store: identity, the clock's ceiling, pools and their labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "env/memory/memory.h"
#include "system/private.h"

struct bed {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct hlc clock;
	struct node node;
	struct system *system;
};

static const struct media_options media_options = {.log_size = 8 << 20};

static int
format(void *argument)
{
	struct bed *bed = argument;

	assert_int_equal(media_format(bed->loop, "loop-0", &media_options), 0);
	assert_int_equal(media_open(bed->loop, "loop-0", &media_options, &bed->node.loops[0].media),
			 0);
	assert_int_equal(media_start(bed->node.loops[0].media), 0);
	assert_int_equal(system_format(&bed->node), 0);
	return media_close(bed->node.loops[0].media);
}

static int
open_system(void *argument)
{
	struct bed *bed = argument;
	int rc;

	assert_int_equal(media_open(bed->loop, "loop-0", &media_options, &bed->node.loops[0].media),
			 0);
	rc = system_open(&bed->node, &bed->system);
	if (rc == 0)
		return media_start(bed->node.loops[0].media);
	assert_int_equal(media_close(bed->node.loops[0].media), 0);
	return rc;
}

static int
close_system(void *argument)
{
	struct bed *bed = argument;

	system_close(bed->system);
	return media_close(bed->node.loops[0].media);
}

static int
run(struct bed *bed, int (*function)(void *argument))
{
	return memory_run(bed->world, bed->loop, function, bed);
}

static void
bed_begin(struct bed *bed)
{
	assert_int_equal(memory_world_create(1, &bed->world), 0);
	assert_int_equal(memory_env_create(bed->world, NULL, &bed->env), 0);
	assert_int_equal(loop_create(bed->env, NULL, &bed->loop), 0);
	hlc_init(&bed->clock, 0);
	bed->node.system = "daos_server";
	bed->node.loop_count = 1;
	bed->node.loops[0].loop = bed->loop;
	bed->node.clock = &bed->clock;
	bed->node.storage = bed->env->storage;
	assert_int_equal(run(bed, format), 0);
	assert_int_equal(run(bed, open_system), 0);
}

static void
bed_end(struct bed *bed)
{
	assert_int_equal(run(bed, close_system), 0);
	loop_destroy(bed->loop);
	memory_env_destroy(bed->env);
	memory_world_destroy(bed->world);
}

/* ------------------------------------------------ identity and clock */

static void
test_identity(void **state)
{
	struct bed bed = {.system = NULL};
	struct uuid id;

	(void)state;
	bed_begin(&bed);
	id = bed.node.system_id;
	assert_false(uuid_empty(&id));
	assert_int_equal(run(&bed, close_system), 0);
	bed.node.system = "other";
	assert_int_equal(run(&bed, open_system), -DER_MISMATCH);
	bed.node.system = "daos_server";
	bed.node.rank = 3;
	assert_int_equal(run(&bed, open_system), -DER_MISMATCH);
	bed.node.rank = 0;
	assert_int_equal(run(&bed, open_system), 0);
	assert_true(uuid_equal(&id, &bed.node.system_id));
	bed_end(&bed);
}

static int
clock_body(void *argument)
{
	struct bed *bed = argument;
	uint64_t ceiling = 1;

	assert_int_equal(system_clock_ceiling(bed->system, &ceiling), 0);
	assert_int_equal(ceiling, 0);
	assert_int_equal(system_set_ceiling(bed->system, 12345), 0);
	assert_int_equal(system_clock_ceiling(bed->system, &ceiling), 0);
	assert_int_equal(ceiling, 12345);
	return 0;
}

static void
test_clock(void **state)
{
	struct bed bed = {.system = NULL};

	(void)state;
	bed_begin(&bed);
	assert_int_equal(run(&bed, clock_body), 0);
	bed_end(&bed);
}

/* ------------------------------------------------ pools */

static struct proto_name
by_label(const char *label)
{
	return (struct proto_name){.label = {label, (uint32_t)strlen(label)}};
}

static int
count_visit(void *argument, const struct system_pool *pool)
{
	uint32_t *count = argument;

	(void)pool;
	*count += 1;
	return 0;
}

static int
pools_body(void *argument)
{
	struct bed *bed = argument;
	struct system *system = bed->system;
	struct system_pool one = {.id = uuid_make(1, 1),
				  .label = "one",
				  .state = PROTO_POOL_CREATING},
			   two = {.id = uuid_make(2, 2),
				  .label = "one",
				  .state = PROTO_POOL_CREATING},
			   found;
	struct proto_name name = by_label("one");
	uint32_t count = 0;

	one.target_count = 4;
	one.data_bytes = 77;
	assert_int_equal(system_pool_find(system, &name, &found), -DER_NONEXIST);
	assert_int_equal(system_pool_add(system, &one), 0);
	assert_int_equal(system_pool_add(system, &one), -DER_EXIST);
	assert_int_equal(system_pool_add(system, &two), -DER_EXIST);
	two.label[0] = 0;
	assert_int_equal(system_pool_add(system, &two), 0);
	assert_int_equal(system_pool_set_state(system, one.id, PROTO_POOL_READY, NULL,
					       (struct metadb_bytes){NULL, 0}),
			 0);
	assert_int_equal(system_pool_find(system, &name, &found), 0);
	assert_int_equal(found.state, PROTO_POOL_READY);
	assert_int_equal(found.data_bytes, 77);
	assert_int_equal(found.target_count, 4);
	assert_int_equal(system_pool_set_label(system, two.id, "one"), -DER_EXIST);
	assert_int_equal(system_pool_set_label(system, two.id, "two"), 0);
	assert_int_equal(system_pool_set_label(system, one.id, "uno"), 0);
	assert_int_equal(system_pool_find(system, &name, &found), -DER_NONEXIST);
	name = by_label("uno");
	assert_int_equal(system_pool_find(system, &name, &found), 0);
	assert_true(uuid_equal(&found.id, &one.id));
	assert_int_equal(system_pool_set_label(system, two.id, "one"), 0);
	assert_int_equal(system_pool_list(system, count_visit, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(system_pool_remove(system, one.id), 0);
	assert_int_equal(system_pool_remove(system, one.id), 0);
	assert_int_equal(system_pool_find(system, &name, &found), -DER_NONEXIST);
	assert_int_equal(system_pool_set_label(system, two.id, "uno"), 0);
	return 0;
}

static void
test_pools(void **state)
{
	struct bed bed = {.system = NULL};

	(void)state;
	bed_begin(&bed);
	assert_int_equal(run(&bed, pools_body), 0);
	bed_end(&bed);
}

/* ------------------------------------------------ records */

static void
test_records(void **state)
{
	struct system_pool pool = {.id = uuid_make(1, 2),
				   .label = "label",
				   .state = PROTO_POOL_READY,
				   .target_count = 3,
				   .thin = true,
				   .metadata_bytes = 4,
				   .data_bytes = 5},
			   answer;
	uint8_t bytes[RECORD_MAX];
	uint32_t length = system_pool_encode(&pool, bytes);

	(void)state;
	assert_int_equal(system_pool_decode((struct metadb_bytes){bytes, length}, &answer), 0);
	assert_string_equal(answer.label, "label");
	assert_true(answer.thin && answer.metadata_bytes == 4 && answer.data_bytes == 5);
	for (uint32_t i = 2; i < length; i++)
		assert_int_equal(system_pool_decode((struct metadb_bytes){bytes, i}, &answer),
				 -DER_IO);
	bytes[18] = 9;
	assert_int_equal(system_pool_decode((struct metadb_bytes){bytes, length}, &answer),
			 -DER_IO);
	bytes[0] = 9;
	assert_int_equal(system_pool_decode((struct metadb_bytes){bytes, length}, &answer),
			 -DER_DF_INCOMPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_pools),
		cmocka_unit_test(test_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
