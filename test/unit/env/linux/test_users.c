/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names of users and groups: what this machine knows, what it does not, and what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "env/linux/linux.h"
#include "fiber/fiber.h"

/* Nobody's number. */
#define STRANGER 987654321u

struct place {
	struct env *env;
	struct loop *loop;
	bool done;
};

static struct place place;

static int
look_up(uint32_t user, uint32_t group, struct user_lookup *lookup)
{
	*lookup = (struct user_lookup){.user = user, .group = group};
	place.env->users->look_up(place.env->users, lookup);
	return completion_wait(&lookup->completion);
}

static void
look(void *argument)
{
	static struct user_lookup lookup, again;
	const char *group;

	(void)argument;
	assert_int_equal(look_up(0, 0, &lookup), 0);
	assert_string_equal(lookup.text, "root");
	assert_true(lookup.group_count >= 1);
	group = lookup.text + strlen(lookup.text) + 1;
	assert_string_equal(group, "root");
	/* From what is kept: complete at once. */
	again = (struct user_lookup){.user = 0, .group = 0};
	place.env->users->look_up(place.env->users, &again);
	assert_true(again.completion.done);
	assert_int_equal(again.completion.result, 0);
	assert_string_equal(again.text, "root");
	assert_int_equal(again.group_count, lookup.group_count);
	/* A group without a name is left out. */
	assert_int_equal(look_up(0, STRANGER, &lookup), 0);
	assert_string_equal(lookup.text, "root");
	assert_int_equal(look_up(STRANGER, STRANGER, &lookup), -DER_NONEXIST);
	place.done = true;
}

/* Several at the same time, of more users than are kept. */
static int
look_one(void *argument)
{
	uint32_t *number = argument;
	struct user_lookup *lookup = arena_calloc(place.env->arena, 1, sizeof(*lookup));

	assert_non_null(lookup);
	assert_int_equal(look_up(STRANGER + *number, 0, lookup), -DER_NONEXIST);
	arena_free(place.env->arena, lookup);
	return 0;
}

static void
look_many(void *argument)
{
	static uint32_t numbers[100];
	struct fiber_group group;

	(void)argument;
	fiber_group_init(&group);
	for (uint32_t i = 0; i < 100; i++) {
		numbers[i] = i;
		assert_int_equal(fiber_group_start(&group, "look", look_one, &numbers[i]), 0);
	}
	assert_int_equal(fiber_group_wait(&group), 0);
	place.done = true;
}

static void
with_loop(void (*function)(void *argument))
{
	const struct linux_env_options options = {.name = "users"};
	struct fiber *fiber;

	place = (struct place){.env = NULL};
	assert_int_equal(linux_env_create(&options, &place.env), 0);
	assert_int_equal(loop_create(place.env, NULL, &place.loop), 0);
	assert_int_equal(fiber_start(place.loop, "look", function, NULL, &fiber), 0);
	while (!place.done)
		loop_step(place.loop, UINT64_MAX);
	loop_destroy(place.loop);
	linux_env_destroy(place.env);
}

static void
users_have_names(void **state)
{
	(void)state;
	with_loop(look);
}

static void
many_are_asked_for(void **state)
{
	(void)state;
	with_loop(look_many);
}

static void
a_process_knows_whose_it_is(void **state)
{
	const struct linux_env_options options = {.name = "users"};
	struct env *env;

	(void)state;
	assert_int_equal(linux_env_create(&options, &env), 0);
	assert_true(env->self.known);
	assert_int_equal(env->self.user, geteuid());
	assert_int_equal(env->self.group, getegid());
	linux_env_destroy(env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_have_names),
		cmocka_unit_test(many_are_asked_for),
		cmocka_unit_test(a_process_knows_whose_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
