/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What other threads may do to a loop: calls between two loops, posts, stopping; and stepping by
 * threads in turn. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_env.h"

#define CALLS 100000
#define CALLERS 8

struct node {
	struct fake_env fake;
	struct node *other;
	pthread_t thread;
	uint64_t served; /* only touched on the own loop */
	int callers;
};

static void *
run_loop(void *argument)
{
	struct node *node = argument;

	loop_run(node->fake.loop);
	return NULL;
}

struct request {
	struct node *node;
	uint64_t argument;
	uint64_t answer;
};

static int
serve(void *argument)
{
	struct request *request = argument;

	if (loop_current() != request->node->fake.loop)
		abort();
	request->node->served++;
	request->answer = request->argument * 2;
	if (request->argument % 16 == 0)
		fiber_yield();
	if (request->argument % 1000 == 999)
		return error_raise(-DER_BUSY, "request %d", (int)request->argument);
	return (int)(request->argument % 7);
}

/* Both loops stop when all callers of this one and of the other have ended. */
static atomic_int callers_left;

static void
call_other(void *argument)
{
	struct node *node = argument;

	for (uint64_t i = 0; i < CALLS / 2 / CALLERS; i++) {
		struct request request = {.node = node->other, .argument = i};
		int rc = loop_call(node->other->fake.loop, serve, &request);

		if (request.answer != 2 * i || rc != (i % 1000 == 999 ? -DER_BUSY : (int)(i % 7)))
			abort();
		if (rc < 0 && error_text(rc)[0] != 'r')
			abort();
		/* On the own loop it is a plain call. */
		request.node = node;
		if (i == 0 &&
		    (loop_call(node->fake.loop, serve, &request) != 0 || request.answer != 0))
			abort();
	}
	if (atomic_fetch_sub(&callers_left, 1) == 1) {
		loop_stop(node->fake.loop);
		loop_stop(node->other->fake.loop);
	}
}

static void
run_two_loops(uint64_t spin_ns)
{
	struct loop_options options = {.spin_ns = spin_ns};
	struct node nodes[2] = {0};

	atomic_store(&callers_left, 2 * CALLERS);
	for (int i = 0; i < 2; i++) {
		nodes[i].other = &nodes[1 - i];
		fake_env_init_real(&nodes[i].fake);
		fake_env_loop(&nodes[i].fake, &options);
		for (int j = 0; j < CALLERS; j++)
			assert_int_equal(fiber_start(nodes[i].fake.loop, "caller", call_other,
						     &nodes[i], NULL),
					 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&nodes[i].thread, NULL, run_loop, &nodes[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(nodes[i].thread, NULL), 0);
	for (int i = 0; i < 2; i++) {
		/* The fiber that stopped the loops may have some way to its end. */
		fake_env_run(&nodes[i].fake, 10);
		assert_int_equal(nodes[i].served, CALLS / 2 + CALLERS);
		assert_int_equal(loop_cross_calls(nodes[i].fake.loop), CALLS / 2);
		fake_env_fini(&nodes[i].fake);
	}
}

static void
test_calls(void **state)
{
	(void)state;
	run_two_loops(0);
}

static void
test_calls_spinning(void **state)
{
	(void)state;
	run_two_loops(20000);
}

struct count_message {
	struct loop_message message;
	uint64_t *count;
};

static void
count_up(struct loop_message *message)
{
	if (fiber_current() != NULL)
		abort();
	++*container_of(message, struct count_message, message)->count;
}

#define POSTS 1000

static void *
post_many(void *argument)
{
	struct node *node = argument;
	struct count_message *messages = calloc(POSTS, sizeof(*messages));

	for (int i = 0; messages && i < POSTS; i++) {
		messages[i].message.function = count_up;
		messages[i].count = &node->served;
		loop_post(node->fake.loop, &messages[i].message);
	}
	return messages;
}

static void
test_posts(void **state)
{
	struct node node = {0};
	pthread_t posters[3];
	void *memory[3];

	(void)state;
	fake_env_init_real(&node.fake);
	fake_env_loop(&node.fake, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&posters[i], NULL, post_many, &node), 0);
	/* A lost wake-up would sleep here for an hour. */
	while (node.served < 3 * POSTS)
		loop_step(node.fake.loop, UINT64_MAX);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(posters[i], &memory[i]), 0);
		assert_non_null(memory[i]);
		free(memory[i]);
	}
	fake_env_fini(&node.fake);
}

/* A client's context: whoever holds its lock steps it, and a fiber goes on on another thread than
 * it began on. */
struct shared {
	struct fake_env fake;
	pthread_mutex_t lock;
	uint32_t turn;	  /* steps so far: the threads take turns */
	uint32_t drivers; /* numbers given out */
	bool done;
	uint32_t changes; /* of the thread under the fiber */
};

#define DRIVERS 3

static void
migrate(void *argument)
{
	struct shared *shared = argument;
	/* Not pthread_self(), which the compiler takes for constant in a function. */
	pid_t last = gettid();

	for (int i = 0; i < 2000; i++) {
		struct fiber *self = fiber_current();

		fiber_yield();
		if (fiber_current() != self || loop_current() != shared->fake.loop)
			abort();
		NO_YIELD
		{
			shared->changes += last != gettid();
		}
		last = gettid();
	}
	shared->done = true;
}

static void *
drive(void *argument)
{
	struct shared *shared = argument;
	bool done = false;
	uint32_t number;

	pthread_mutex_lock(&shared->lock);
	number = shared->drivers++;
	pthread_mutex_unlock(&shared->lock);
	while (!done) {
		pthread_mutex_lock(&shared->lock);
		if (shared->turn % DRIVERS == number) {
			loop_step(shared->fake.loop, 0);
			shared->turn++;
		}
		done = shared->done;
		pthread_mutex_unlock(&shared->lock);
		if (loop_current() != NULL)
			abort();
		sched_yield();
	}
	return NULL;
}

static void
test_migration(void **state)
{
	struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[DRIVERS];

	(void)state;
	fake_env_init(&shared.fake);
	fake_env_loop(&shared.fake, NULL);
	assert_int_equal(fiber_start(shared.fake.loop, "traveller", migrate, &shared, NULL), 0);
	for (int i = 0; i < DRIVERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, drive, &shared), 0);
	for (int i = 0; i < DRIVERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(shared.changes, 2000);
	fake_env_fini(&shared.fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_calls_spinning),
		cmocka_unit_test(test_posts),
		cmocka_unit_test(test_migration),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
