/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Memory for payload: the limit, who waits for it, what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "env/memory/memory.h"
#include "object/private.h"

#define WAITERS 30u

struct rig {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct buffers buffers;
	uint64_t under_way;
	uint32_t begun, ended;
	uint32_t order[WAITERS];
};

static void
run_on_rig(int (*function)(void *argument))
{
	struct memory_env_options options = {.no_storage = true};
	struct rig rig = {.begun = 0};

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	assert_int_equal(memory_world_create(1, &rig.world), 0);
	assert_int_equal(memory_env_create(rig.world, &options, &rig.env), 0);
	assert_int_equal(loop_create(rig.env, NULL, &rig.loop), 0);
	buffers_init(&rig.buffers, rig.env->arena);
	assert_int_equal(memory_run(rig.world, rig.loop, function, &rig), 0);
	buffers_fini(&rig.buffers);
	loop_destroy(rig.loop);
	memory_env_destroy(rig.env);
	memory_world_destroy(rig.world);
}

static int
sizes(void *argument)
{
	static const uint32_t wanted[] = {
		0, 1, BUFFER_MIN, BUFFER_MIN + 1, 1u << 20, VOS_PAYLOAD_MAX, BUFFER_MAX};
	struct rig *rig = argument;

	for (uint32_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct payload payload;

		assert_int_equal(payload_get(&rig->buffers, wanted[i], &payload), 0);
		assert_int_equal((uintptr_t)payload.data % DISK_BLOCK, 0);
		memset(payload.data, 1, wanted[i]);
		assert_true(rig->buffers.permits.available <= OBJECT_PAYLOAD_LIMIT - wanted[i]);
		payload_put(&payload);
		payload_put(&payload);
		assert_int_equal(rig->buffers.permits.available, OBJECT_PAYLOAD_LIMIT);
		assert_true(rig->buffers.spare_bytes <= SPARE_LIMIT);
	}
	return 0;
}

/* The same buffer serves again: no allocation where sizes repeat. */
static int
reuse(void *argument)
{
	struct rig *rig = argument;
	struct payload payload;
	uint8_t *first;

	assert_int_equal(payload_get(&rig->buffers, 100000, &payload), 0);
	first = payload.data;
	payload_put(&payload);
	arena_fail_at(rig->env->arena, 1);
	assert_int_equal(payload_get(&rig->buffers, 120000, &payload), 0);
	assert_ptr_equal(payload.data, first);
	payload_put(&payload);
	assert_int_equal(payload_get(&rig->buffers, 1000, &payload), -DER_NOMEM);
	arena_fail_at(rig->env->arena, 0);
	return 0;
}

static int
take_and_hold(void *argument)
{
	struct rig *rig = argument;
	AUTO_PUT struct payload payload = {.data = NULL};
	uint32_t number = rig->begun++;
	/* Large and small ones mixed. */
	uint64_t bytes = number % 3 ? 4u << 20 : 64u << 10;
	int rc = payload_get(&rig->buffers, bytes, &payload);

	if (rc != 0)
		return rc;
	rig->under_way += bytes;
	assert_true(rig->under_way <= OBJECT_PAYLOAD_LIMIT);
	rc = fiber_sleep(1000000);
	rig->under_way -= bytes;
	rig->order[rig->ended++] = number;
	return rc;
}

/* At the limit the next ones wait, and small ones do not overtake large ones. */
static int
limit(void *argument)
{
	struct rig *rig = argument;
	struct fiber_group group;

	fiber_group_init(&group);
	for (uint32_t i = 0; i < WAITERS; i++)
		assert_int_equal(fiber_group_start(&group, "taker", take_and_hold, rig), 0);
	assert_int_equal(fiber_group_wait(&group), 0);
	for (uint32_t i = 0; i < WAITERS; i++)
		assert_int_equal(rig->order[i], i);
	return 0;
}

/* Who gives up waiting takes nothing. */
static int
deadline(void *argument)
{
	struct rig *rig = argument;
	struct payload all;
	struct payload more;

	assert_int_equal(payload_admit(&rig->buffers, UINT64_MAX, &all), 0);
	assert_int_equal(rig->buffers.permits.available, 0);
	fiber_set_deadline(memory_world_now(rig->world) + 1000000);
	assert_int_equal(payload_admit(&rig->buffers, 1, &more), -DER_TIMEDOUT);
	assert_int_equal(payload_get(&rig->buffers, 1, &more), -DER_TIMEDOUT);
	fiber_set_deadline(0);
	assert_int_equal(payload_admit(&rig->buffers, 0, &more), 0);
	payload_put(&more);
	payload_put(&all);
	return 0;
}

#define ON_RIG(name)                          \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		run_on_rig(name);             \
	}

ON_RIG(sizes)
ON_RIG(reuse)
ON_RIG(limit)
ON_RIG(deadline)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
