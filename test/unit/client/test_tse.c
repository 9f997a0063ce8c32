/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tasks: order, callbacks, results, putting back, cancel. Operations are functions that only wait:
 * no server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/tse.h"

#define MS UINT64_C(1000000)
#define assert_ok(call) assert_int_equal((call), 0)

static tse_sched_t sched;

static int
setup(void **state)
{
	(void)state;
	assert_ok(daos_init());
	return tse_sched_init(&sched, NULL, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	assert_true(tse_sched_check_complete(&sched));
	tse_sched_fini(&sched);
	return daos_fini();
}

static void
progress_all(void)
{
	bool empty = false;

	assert_ok(daos_progress(&sched, DAOS_EQ_WAIT, &empty));
	assert_true(empty);
}

/* What happened, one letter each. */
static char story[64];
static uint32_t story_length;

static void
tell(char letter)
{
	assert_true(story_length + 1 < sizeof(story));
	story[story_length++] = letter;
	story[story_length] = '\0';
}

static void
check_story(const char *expected)
{
	assert_string_equal(story, expected);
	story_length = 0;
	story[0] = '\0';
}

/* ------------------------------------------------ operations that only wait */

struct job {
	uint64_t sleep_ns;
	int result;
	uint32_t *now, *most; /* under way: all of them on the one loop of the scheduler */
};

/* Waits until as many as may are under way. */
static int
gather_work(const struct job *job)
{
	int rc = 0;

	++*job->now;
	*job->most = max_of(*job->most, *job->now);
	for (uint32_t i = 0; i < 5000 && *job->most < TASK_OPERATIONS_MAX && rc == 0; i++)
		rc = fiber_sleep(MS);
	--*job->now;
	return rc;
}

static int
work(void *argument)
{
	const struct job *job = argument;
	int rc;

	if (job->now)
		return gather_work(job);
	rc = job->sleep_ns ? fiber_sleep(job->sleep_ns) : 0;
	return rc ? rc : job->result;
}

static int
call_work(void *argument, daos_event_t *event)
{
	return client_run(event, work, argument, sizeof(struct job));
}

static int
call_refused(void *argument, daos_event_t *event)
{
	(void)event;
	return ((struct job *)argument)->result;
}

static tse_task_t *
make_operation(task_call *call, uint64_t sleep_ns, int result)
{
	struct task *task;
	struct job *job;

	assert_ok(task_create_call(&sched, call, &task));
	job = daos_task_get_args(&task->public);
	job->sleep_ns = sleep_ns;
	job->result = result;
	return &task->public;
}

/* ------------------------------------------------ bodies and callbacks */

static int
complete_body(tse_task_t *task)
{
	int *result = tse_task_get_priv(task);

	tell('b');
	tse_task_complete(task, result ? *result : 0);
	return 0;
}

static int
open_body(tse_task_t *task)
{
	(void)task;
	tell('o');
	return 0;
}

static tse_task_t *
make(tse_task_func_t body, void *priv)
{
	tse_task_t *task;

	assert_ok(tse_task_create(body, &sched, priv, &task));
	return task;
}

/* As make(), with a reference of the test. */
static tse_task_t *
make_kept(tse_task_func_t body, void *priv)
{
	tse_task_t *task = make(body, priv);

	tse_task_addref(task);
	return task;
}

static int
tell_argument(tse_task_t *task, void *argument)
{
	(void)task;
	tell(*(char *)argument);
	return 0;
}

static int
return_argument(tse_task_t *task, void *argument)
{
	(void)task;
	tell('r');
	return *(int *)argument;
}

/* Also one that was never scheduled, when it is put back while it ends. */
static int
put_back_once(tse_task_t *task, void *argument)
{
	(void)argument;
	return tse_task_reinit(task);
}

static void
run_and_drop(tse_task_t *task, int expected)
{
	assert_ok(tse_task_schedule(task, false));
	progress_all();
	assert_int_equal(task->dt_result, expected);
	tse_task_decref(task);
}

static void
test_callbacks(void **state)
{
	char letters[] = "1234";
	int failure = -DER_BUSY;
	tse_task_t *task = make_kept(complete_body, NULL);

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_ok(tse_task_register_cbs(task, tell_argument, &letters[i], i % 2,
						tell_argument, &letters[i], i % 2));
	/* Copied are the arguments with a size. */
	memcpy(letters, "5678", 4);
	run_and_drop(task, 0);
	check_story("5274"
		    "b"
		    "4725");

	/* A preparation that fails does not keep the body from running; the first result stays. */
	task = make_kept(complete_body, &(int){-DER_EXIST});
	assert_ok(tse_task_register_cbs(task, return_argument, &failure, sizeof(failure), NULL,
					NULL, 0));
	run_and_drop(task, -DER_BUSY);
	check_story("rb");

	/* A failing completion is a result where there is none. */
	task = make_kept(complete_body, NULL);
	assert_ok(tse_task_register_comp_cb(task, return_argument, &failure, 0));
	run_and_drop(task, -DER_BUSY);
	check_story("br");
	assert_int_equal(sched.ds_result, -DER_BUSY);
	sched.ds_result = 0;
}

static int
complete_early(tse_task_t *task, void *argument)
{
	tell('p');
	tse_task_complete(task, *(int *)argument);
	return -DER_MISC;
}

/* A preparation that completes its task leaves the body out. */
static void
test_prepare_completes(void **state)
{
	tse_task_t *task = make_kept(complete_body, NULL);
	tse_task_t *after = make_kept(open_body, NULL);

	(void)state;
	assert_ok(tse_task_register_cbs(task, complete_early, &(int){-DER_NONEXIST}, sizeof(int),
					NULL, NULL, 0));
	assert_ok(tse_task_register_deps(after, 1, &task));
	assert_ok(tse_task_schedule(after, true));
	check_story("");
	assert_int_equal(tse_task_schedule(task, true), -DER_NONEXIST);
	check_story("p");
	/* What depends on it runs nevertheless, with its failure. */
	tse_sched_progress(&sched);
	check_story("o");
	assert_int_equal(after->dt_result, -DER_NONEXIST);
	assert_false(tse_sched_check_complete(&sched));
	tse_task_complete(after, -DER_EXIST);
	assert_int_equal(after->dt_result, -DER_NONEXIST);
	tse_task_complete(after, -DER_EXIST);
	assert_true(tse_sched_check_complete(&sched));
	tse_task_decref(task);
	tse_task_decref(after);
}

/* ------------------------------------------------ random graphs against a naive order check */

#define NODES 48u

struct node {
	struct graph *graph;
	tse_task_t *task;
	uint32_t number;
	uint32_t kind; /* 0: completes at once; 1: later; 2: an operation */
	int result;
	bool deaf, ran, completed;
	uint64_t before; /* bits of those it waits for */
};

struct graph {
	struct node nodes[NODES];
	struct node *open[NODES];
	uint32_t open_count;
};

static void
check_may_run(const struct node *node)
{
	assert_false(node->ran);
	for (uint32_t i = 0; i < NODES; i++)
		if (node->before >> i & 1)
			assert_true(node->graph->nodes[i].completed);
}

static int
prepare_node(tse_task_t *task, void *argument)
{
	struct node *node = argument;

	assert_ptr_equal(task, node->task);
	check_may_run(node);
	node->ran = true;
	return 0;
}

static int
complete_node(tse_task_t *task, void *argument)
{
	struct node *node = argument;
	int inherited = 0;
	bool found = false;

	assert_true(node->ran && !node->completed);
	node->completed = true;
	for (uint32_t i = 0; i < NODES && !node->deaf; i++) {
		int result = node->before >> i & 1 ? node->graph->nodes[i].task->dt_result : 0;

		inherited = result ? result : inherited;
		found = found || (result && task->dt_result == result);
	}
	if (inherited)
		assert_true(found);
	else
		assert_int_equal(task->dt_result, node->result);
	return 0;
}

static int
node_body(tse_task_t *task)
{
	struct node *node = tse_task_get_priv(task);

	if (node->kind == 0)
		tse_task_complete(task, node->result);
	else
		node->graph->open[node->graph->open_count++] = node;
	return 0;
}

static void
make_node(struct graph *graph, uint32_t number)
{
	struct node *node = &graph->nodes[number];
	tse_task_t *others[NODES];
	int count = 0;

	node->graph = graph;
	node->number = number;
	node->kind = (uint32_t)rand() % 3;
	node->result = rand() % 8 == 0 ? -DER_NONEXIST - (int)number : 0;
	node->deaf = rand() % 4 == 0;
	node->task = node->kind == 2 ? make_operation(call_work, (uint64_t)(rand() % 3) * MS / 4,
						      node->result)
				     : make(node_body, NULL);
	tse_task_addref(node->task);
	tse_task_set_priv(node->task, node);
	if (node->deaf)
		tse_disable_propagate(node->task);
	assert_ok(tse_task_register_cbs(node->task, prepare_node, node, 0, complete_node, node, 0));
	for (uint32_t i = 0; i < number; i++)
		if (rand() % 100 < 8) {
			others[count++] = graph->nodes[i].task;
			node->before |= UINT64_C(1) << i;
		}
	assert_ok(tse_task_register_deps(node->task, count, others));
}

/* Completes one of those that wait for it; whether there was one. */
static bool
complete_open(struct graph *graph)
{
	struct node *node;
	uint32_t place;

	if (graph->open_count == 0)
		return false;
	place = (uint32_t)rand() % graph->open_count;
	node = graph->open[place];
	graph->open[place] = graph->open[--graph->open_count];
	tse_task_complete(node->task, node->result);
	return true;
}

static void
run_graph(unsigned int seed)
{
	struct graph graph = {.open_count = 0};
	uint32_t order[NODES];

	srand(seed);
	for (uint32_t i = 0; i < NODES; i++) {
		uint32_t other = (uint32_t)rand() % (i + 1);

		make_node(&graph, i);
		order[i] = order[other];
		order[other] = i;
	}
	for (uint32_t i = 0; i < NODES; i++) {
		uint64_t delay = rand() % 10 == 0 ? (uint64_t)(rand() % 1000) : 0;

		tse_task_schedule_with_delay(graph.nodes[order[i]].task, rand() % 2, delay);
		if (rand() % 4 == 0)
			tse_sched_progress(&sched);
	}
	while (!tse_sched_check_complete(&sched)) {
		assert_ok(daos_progress(&sched, 200, NULL));
		complete_open(&graph);
	}
	for (uint32_t i = 0; i < NODES; i++) {
		assert_true(graph.nodes[i].completed);
		tse_task_decref(graph.nodes[i].task);
	}
}

static void
test_graphs(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 30; seed++)
		run_graph(seed);
	sched.ds_result = 0;
}

/* ------------------------------------------------ dependencies made inside */

static tse_task_t *inner_task;

static int
inner_body(tse_task_t *task)
{
	tell('i');
	inner_task = make(open_body, NULL);
	assert_ok(tse_task_register_deps(task, 1, &inner_task));
	return tse_task_schedule(inner_task, true);
}

/* Its body has returned, and it stays running until what was made inside has completed. */
static void
test_inside_body(void **state)
{
	tse_task_t *task = make_kept(inner_body, NULL);

	(void)state;
	assert_ok(tse_task_register_comp_cb(task, tell_argument, "c", 0));
	assert_ok(tse_task_schedule(task, true));
	tse_sched_progress(&sched);
	check_story("io");
	tse_task_complete(inner_task, -DER_AGAIN);
	progress_all();
	check_story("c");
	assert_int_equal(task->dt_result, -DER_AGAIN);
	tse_task_decref(task);
	sched.ds_result = 0;
}

static int
wait_again(tse_task_t *task, void *argument)
{
	tse_task_t *other = argument;

	tell('w');
	return tse_task_register_deps(task, 1, &other);
}

/* From a callback too: before the body, or between two completion callbacks. */
static void
test_inside_callbacks(void **state)
{
	tse_task_t *first = make(open_body, NULL), *second = make(open_body, NULL);
	tse_task_t *task = make_kept(complete_body, NULL);

	(void)state;
	assert_ok(tse_task_register_cbs(task, wait_again, first, 0, tell_argument, "c", 0));
	assert_ok(tse_task_register_comp_cb(task, wait_again, second, 0));
	assert_ok(tse_task_schedule(task, true));
	check_story("w");
	assert_ok(tse_task_schedule(first, true));
	assert_ok(tse_task_schedule(second, true));
	check_story("oo");
	tse_sched_progress(&sched);
	check_story("");
	tse_task_complete(first, 0);
	tse_sched_progress(&sched);
	check_story("bw");
	tse_task_complete(second, 0);
	progress_all();
	check_story("c");
	tse_task_decref(task);
}

/* An operation that gets something to wait for while it is under way completes after both. */
static void
test_inside_operation(void **state)
{
	tse_task_t *task = make_operation(call_work, 2 * MS, -DER_EXIST);
	tse_task_t *other = make(open_body, NULL);

	(void)state;
	tse_task_addref(task);
	assert_ok(tse_task_register_comp_cb(task, tell_argument, "c", 0));
	assert_ok(tse_task_schedule(task, true));
	assert_ok(tse_task_register_deps(task, 1, &other));
	assert_ok(tse_task_schedule(other, true));
	assert_ok(daos_progress(&sched, 5000, NULL));
	check_story("o");
	tse_task_complete(other, 0);
	progress_all();
	check_story("c");
	assert_int_equal(task->dt_result, -DER_EXIST);
	tse_task_decref(task);
	sched.ds_result = 0;
}

/* ------------------------------------------------ putting back */

static int
thrice_body(tse_task_t *task)
{
	int *left = tse_task_get_priv(task);

	tell('t');
	if (--*left > 0)
		return tse_task_reinit(task);
	tse_task_complete(task, -DER_TIMEDOUT);
	return 0;
}

static int
retry(tse_task_t *task, void *argument)
{
	int *left = argument;

	tell('a');
	if (task->dt_result != -DER_TIMEDOUT || --*left == 0)
		return 0;
	return tse_task_register_comp_cb_and_reinit(task, retry, argument, 0, 500);
}

static void
test_reinit(void **state)
{
	int left = 3, retries = 2;
	tse_task_t *task = make_kept(thrice_body, &left);
	tse_task_t *after = make(complete_body, NULL);

	(void)state;
	assert_ok(tse_task_register_comp_cb(task, tell_argument, "c", 0));
	assert_ok(tse_task_register_comp_cb(task, retry, &retries, 0));
	assert_ok(tse_task_register_deps(after, 1, &task));
	assert_ok(tse_task_schedule(after, false));
	assert_ok(tse_task_schedule(task, false));
	tse_sched_progress(&sched);
	progress_all();
	/* The callback registered first comes when it is not put back any more. */
	check_story("tttatacb");
	assert_int_equal(task->dt_result, -DER_TIMEDOUT);
	/* What has completed can be put back by who holds it. */
	left = 2;
	assert_ok(tse_task_reinit(task));
	progress_all();
	check_story("tt");
	assert_ok(tse_task_reset(task, complete_body, NULL));
	assert_int_equal(tse_task_reinit(task), -DER_NO_PERM);
	run_and_drop(task, 0);
	check_story("b");
	sched.ds_result = 0;
	task = make_kept(complete_body, NULL);
	assert_ok(tse_task_register_comp_cb(task, put_back_once, NULL, 0));
	tse_task_complete(task, -DER_CANCELED);
	assert_false(tse_sched_check_complete(&sched));
	progress_all();
	assert_int_equal(task->dt_result, 0);
	tse_task_decref(task);
	check_story("b");
}

/* A task that always puts itself back does not hold up a turn. */
static int
for_ever_body(tse_task_t *task)
{
	tell('e');
	return tse_task_reinit(task);
}

static void
test_for_ever(void **state)
{
	tse_task_t *task = make(for_ever_body, NULL);

	(void)state;
	assert_ok(tse_task_schedule(task, false));
	assert_ok(daos_progress(&sched, 0, NULL));
	assert_in_range(story_length, 1, 4);
	tse_task_complete(task, 0);
	progress_all();
	story_length = 0;
	tell('-');
	check_story("-");
}

static int
time_body(tse_task_t *task)
{
	*(uint64_t *)tse_task_get_priv(task) = client_realtime();
	tse_task_complete(task, 0);
	return 0;
}

static void
test_delay(void **state)
{
	uint64_t before = client_realtime(), times[3];

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		assert_ok(tse_task_schedule_with_delay(make(time_body, &times[i]), true,
						       (3 - i) * 2000));
	assert_ok(daos_progress(&sched, 100, NULL));
	assert_false(tse_sched_check_complete(&sched));
	progress_all();
	for (uint32_t i = 0; i < 3; i++)
		assert_true(times[i] - before >= (3 - i) * 2 * MS);
	assert_true(times[2] < times[1] && times[1] < times[0]);
}

/* ------------------------------------------------ the end of a scheduler */

static int
tell_end(void *argument, int rc)
{
	tell(*(char *)argument);
	assert_true(rc == -DER_CANCELED || rc == -DER_AGAIN);
	return 0;
}

static void
test_cancel(void **state)
{
	tse_task_t *tasks[6];
	tse_task_t *never = make(open_body, NULL);

	(void)state;
	tasks[0] = make_kept(open_body, NULL);
	tasks[1] = make_kept(complete_body, NULL);
	tasks[2] = make_kept(complete_body, NULL);
	tasks[3] = make_operation(call_work, 60000 * MS, 0);
	tasks[4] = make_kept(complete_body, NULL);
	tasks[5] = make_kept(inner_body, NULL);
	tse_task_addref(tasks[3]);
	for (int i = 0; i < 6; i++)
		assert_ok(tse_task_register_comp_cb(tasks[i], tell_argument, "c", 0));
	assert_ok(tse_task_register_deps(tasks[2], 1, &never));
	assert_ok(tse_sched_register_comp_cb(&sched, tell_end, "1"));
	assert_ok(tse_sched_register_comp_cb(&sched, tell_end, "2"));
	assert_ok(tse_task_schedule(tasks[0], true));
	assert_ok(tse_task_schedule_with_delay(tasks[1], false, 60000000));
	assert_ok(tse_task_schedule(tasks[2], true));
	assert_ok(tse_task_schedule(tasks[3], true));
	assert_ok(tse_task_schedule(tasks[4], false));
	assert_ok(tse_task_schedule(tasks[5], true));
	check_story("oio");
	tse_sched_complete(&sched, -DER_AGAIN, true);
	check_story("cccccc21");
	assert_int_equal(sched.ds_result, -DER_CANCELED);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(tasks[i]->dt_result, -DER_CANCELED);
		tse_task_decref(tasks[i]);
	}
	tse_task_decref(never);
	sched.ds_result = 0;
}

static void
test_complete_waits(void **state)
{
	tse_task_t *task = make_operation(call_work, 2 * MS, 0);
	tse_task_t *after = make(complete_body, NULL);

	(void)state;
	assert_ok(tse_task_register_deps(after, 1, &task));
	assert_ok(tse_task_schedule(task, false));
	assert_ok(tse_task_schedule_with_delay(after, false, 1000));
	assert_ok(tse_sched_register_comp_cb(&sched, tell_end, "1"));
	tse_sched_complete(&sched, -DER_AGAIN, false);
	check_story("b1");
	assert_int_equal(sched.ds_result, -DER_AGAIN);
	sched.ds_result = 0;
}

/* An operation that is completed from outside is interrupted, and ends with that result. */
static void
test_complete_operation(void **state)
{
	tse_task_t *task = make_operation(call_work, 60000 * MS, 0);

	(void)state;
	tse_task_addref(task);
	assert_ok(tse_task_schedule(task, true));
	tse_task_complete(task, -DER_BUSY);
	assert_false(tse_sched_check_complete(&sched));
	progress_all();
	assert_int_equal(task->dt_result, -DER_BUSY);
	assert_ok(tse_task_reset(task, complete_body, NULL));
	assert_null(daos_task_get_args(task));
	run_and_drop(task, 0);
	check_story("b");
	sched.ds_result = 0;
}

/* ------------------------------------------------ many, and operations that cannot be launched */

#define MANY 2000u

static void
test_many(void **state)
{
	static tse_task_t *tasks[MANY];
	uint32_t now = 0, most = 0;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		struct job *job;

		tasks[i] = make_operation(call_work, 0, 0);
		job = daos_task_get_args(tasks[i]);
		job->now = &now;
		job->most = &most;
		if (i >= 1000)
			assert_ok(tse_task_register_deps(tasks[i], 1, &tasks[i - 1000]));
	}
	for (uint32_t i = 0; i < MANY; i++)
		assert_ok(tse_task_schedule(tasks[i], i % 2));
	progress_all();
	assert_int_equal(now, 0);
	assert_int_equal(most, TASK_OPERATIONS_MAX);
}

static void
test_refused(void **state)
{
	tse_task_t *task = make_operation(call_refused, 0, -DER_INVAL);
	tse_task_t *after = make_kept(complete_body, NULL);

	(void)state;
	assert_ok(tse_task_register_deps(after, 1, &task));
	assert_ok(tse_task_schedule(after, false));
	assert_int_equal(tse_task_schedule(task, true), -DER_INVAL);
	progress_all();
	assert_int_equal(after->dt_result, -DER_INVAL);
	tse_task_decref(after);
	check_story("b");
	sched.ds_result = 0;
}

/* ------------------------------------------------ threads */

#define THREAD_TASKS 200u

struct crowd {
	atomic_uint completed;
	pthread_mutex_t lock;
	tse_task_t *open[4 * THREAD_TASKS]; /* with a reference each */
	uint32_t open_count;
};

static int
count_completed(tse_task_t *task, void *argument)
{
	struct crowd *crowd = argument;

	(void)task;
	atomic_fetch_add(&crowd->completed, 1);
	return 0;
}

/* To be completed by some thread. */
static int
crowd_body(tse_task_t *task)
{
	struct crowd *crowd = tse_task_get_priv(task);

	tse_task_addref(task);
	pthread_mutex_lock(&crowd->lock);
	crowd->open[crowd->open_count++] = task;
	pthread_mutex_unlock(&crowd->lock);
	return 0;
}

static void
complete_some(struct crowd *crowd)
{
	tse_task_t *task = NULL;

	pthread_mutex_lock(&crowd->lock);
	if (crowd->open_count > 0)
		task = crowd->open[--crowd->open_count];
	pthread_mutex_unlock(&crowd->lock);
	if (task) {
		tse_task_complete(task, 0);
		tse_task_decref(task);
	}
}

static void *
crowd_main(void *argument)
{
	struct crowd *crowd = argument;

	for (uint32_t i = 0; i < THREAD_TASKS; i++) {
		tse_task_t *first = make_operation(call_work, MS / 10, 0);
		tse_task_t *second = make(crowd_body, crowd);

		tse_task_register_comp_cb(first, count_completed, crowd, 0);
		tse_task_register_comp_cb(second, count_completed, crowd, 0);
		tse_task_register_deps(second, 1, &first);
		tse_task_schedule_with_delay(second, true, i % 5 == 0 ? 100 : 0);
		tse_task_schedule(first, i % 2);
		complete_some(crowd);
		if (i % 16 == 0)
			daos_progress(&sched, 100, NULL);
	}
	return NULL;
}

static void *
poll_main(void *argument)
{
	struct crowd *crowd = argument;

	while (atomic_load(&crowd->completed) < 6 * THREAD_TASKS) {
		daos_progress(&sched, 1000, NULL);
		complete_some(crowd);
	}
	return NULL;
}

/* Launched here, driven there, completed elsewhere. */
static void
test_threads(void **state)
{
	static struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[5];

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		assert_ok(
			pthread_create(&threads[i], NULL, i < 3 ? crowd_main : poll_main, &crowd));
	for (uint32_t i = 0; i < 5; i++)
		assert_ok(pthread_join(threads[i], NULL));
	assert_int_equal(atomic_load(&crowd.completed), 6 * THREAD_TASKS);
	assert_true(tse_sched_check_complete(&sched));
}

static void *
complete_later(void *argument)
{
	struct timespec nap = {.tv_nsec = 3000000};

	nanosleep(&nap, NULL);
	tse_task_complete(argument, 0);
	return NULL;
}

/* Who waits hears of a completion elsewhere. */
static void
test_wakes(void **state)
{
	tse_task_t *task = make_kept(open_body, NULL);
	pthread_t thread;

	(void)state;
	assert_ok(tse_task_schedule(task, true));
	assert_ok(pthread_create(&thread, NULL, complete_later, task));
	progress_all();
	assert_ok(pthread_join(thread, NULL));
	tse_task_decref(task);
	check_story("o");
}

/* ------------------------------------------------ lists */

static int
drop_listed(tse_task_t *task, void *argument)
{
	int *count = argument;

	++*count;
	tse_task_list_del(task);
	return *count % 2 ? -DER_MISC : 0;
}

static void
test_lists(void **state)
{
	D_LIST_HEAD(head);
	tse_task_t *tasks[4], *first = make(complete_body, NULL), *last = make(open_body, NULL);
	int count = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		tasks[i] = make_kept(complete_body, NULL);
		assert_ok(tse_task_list_add(tasks[i], &head));
	}
	assert_int_equal(tse_task_list_add(tasks[0], &head), -DER_INVAL);
	assert_ptr_equal(tse_task_list_first(&head), tasks[0]);
	assert_ok(tse_task_list_depend(&head, first));
	assert_ok(tse_task_depend_list(last, &head));
	tse_task_list_del(tasks[3]);
	tse_task_list_sched(&head, true);
	assert_null(tse_task_list_first(&head));
	assert_ok(tse_task_schedule(last, true));
	tse_sched_progress(&sched);
	check_story("");
	assert_ok(tse_task_schedule(first, true));
	assert_ok(daos_progress(&sched, 0, NULL));
	check_story("bbbb");
	assert_ok(tse_task_list_add(tasks[3], &head));
	tse_task_list_abort(&head, -DER_CANCELED);
	tse_sched_progress(&sched);
	check_story("o");
	assert_int_equal(last->dt_result, -DER_CANCELED);
	tse_task_complete(last, 0);
	for (int i = 0; i < 4; i++)
		assert_ok(tse_task_list_add(tasks[i], &head));
	assert_int_equal(tse_task_list_traverse(&head, drop_listed, &count), -DER_MISC);
	assert_int_equal(count, 1);
	assert_int_equal(tse_task_list_traverse_adv(&head, drop_listed, &count), -DER_MISC);
	assert_int_equal(count, 4);
	for (int i = 0; i < 4; i++)
		tse_task_decref(tasks[i]);
	sched.ds_result = 0;
}

/* ------------------------------------------------ arguments and misuse */

static void
test_arguments(void **state)
{
	tse_task_t *task = make(complete_body, NULL);
	int value;

	(void)state;
	assert_ptr_equal(tse_task2sched(task), &sched);
	assert_ptr_equal(tse_task_buf_embedded(task, 880), tse_task2arg(task));
	assert_null(tse_task_buf_embedded(task, TSE_TASK_ARG_LEN + 1));
	assert_null(tse_task_buf_embedded(task, -1));
	assert_null(tse_task_set_priv(task, &value));
	assert_ptr_equal(daos_task_set_priv(task, NULL), &value);
	assert_null(daos_task_get_priv(task));
	assert_null(daos_task_get_args(task));
	/* From a body to an operation and back. */
	assert_ok(daos_task_reset(task, DAOS_OPC_KV_PUT));
	assert_non_null(daos_task_get_args(task));
	assert_int_equal(daos_task_reset(task, DAOS_OPC_MAX), -DER_NOSYS);
	assert_ok(tse_task_reset(task, complete_body, NULL));
	tse_task_decref(task);
}

static void
test_opcodes(void **state)
{
	static const int absent[] = {
		-1,
		0,
		1,
		43,
		82,
		1000,
		DAOS_OPC_SET_PARAMS,
		DAOS_OPC_POOL_EXCLUDE,
		DAOS_OPC_OBJ_SYNC,
		DAOS_OPC_OBJ_LIST_OBJ,
		DAOS_OPC_PIPELINE_RUN,
	};
	tse_task_t *task;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(absent); i++)
		assert_int_equal(daos_task_create((daos_opc_t)absent[i], &sched, 0, NULL, &task),
				 -DER_NOSYS);
	for (int opcode = DAOS_OPC_KV_OPEN; opcode <= DAOS_OPC_KV_LIST; opcode++) {
		assert_ok(daos_task_create((daos_opc_t)opcode, &sched, 0, NULL, &task));
		/* With arguments of zeroes each is refused. */
		tse_task_addref(task);
		tse_task_schedule(task, true);
		progress_all();
		assert_true(task->dt_result < 0);
		tse_task_decref(task);
	}
	sched.ds_result = 0;
}

static void
test_misuse(void **state)
{
	tse_task_t *task = make(complete_body, NULL), *foreign;
	tse_task_t *none = NULL;
	tse_sched_t other;

	(void)state;
	assert_int_equal(tse_sched_init(NULL, NULL, NULL), -DER_INVAL);
	assert_int_equal(tse_task_create(complete_body, NULL, NULL, &foreign), -DER_INVAL);
	assert_int_equal(tse_task_create(complete_body, &sched, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_task_create(DAOS_OPC_KV_GET, NULL, 0, NULL, &foreign), -DER_INVAL);
	assert_int_equal(daos_task_create(DAOS_OPC_KV_GET, &sched, 1, &none, &foreign), -DER_INVAL);
	assert_int_equal(daos_progress(NULL, 0, NULL), -DER_INVAL);
	assert_int_equal(tse_task_schedule(NULL, true), -DER_INVAL);
	assert_int_equal(tse_task_reinit(NULL), -DER_INVAL);
	assert_int_equal(tse_task_reinit(task), -DER_NO_PERM);
	assert_int_equal(tse_task_register_comp_cb(task, NULL, NULL, 0), -DER_INVAL);
	assert_int_equal(tse_task_register_deps(task, 1, &task), -DER_INVAL);
	assert_int_equal(tse_task_register_deps(task, 1, NULL), -DER_INVAL);
	assert_int_equal(tse_task_register_deps(NULL, 0, NULL), -DER_INVAL);
	tse_task_complete(NULL, 0);
	tse_task_decref(NULL);
	tse_sched_fini(NULL);
	/* A scheduler left alone keeps to itself. */
	assert_ok(tse_sched_init(&other, NULL, NULL));
	assert_ok(tse_task_create(open_body, &other, NULL, &foreign));
	assert_int_equal(tse_task_register_deps(task, 1, &foreign), -DER_NO_PERM);
	assert_ok(tse_task_schedule(foreign, true));
	assert_int_equal(tse_task_schedule(foreign, true), -DER_INVAL);
	check_story("o");
	tse_sched_addref(&other);
	tse_sched_decref(&other);
	tse_sched_decref(&other);
	assert_int_equal(daos_progress(&other, 0, NULL), -DER_INVAL);
	tse_task_decref(task);
}

/* A scheduler that outlives its client does nothing, and gives its memory back. */
static void
test_outlived(void **state)
{
	tse_sched_t other;
	tse_task_t *tasks[2];
	struct task *operation;

	(void)state;
	tse_sched_fini(&sched);
	assert_ok(tse_sched_init(&other, NULL, NULL));
	assert_ok(task_create_call(&other, call_work, &operation));
	((struct job *)daos_task_get_args(&operation->public))->sleep_ns = 60000 * MS;
	assert_ok(tse_task_schedule(&operation->public, true));
	assert_ok(tse_task_create(open_body, &other, NULL, &tasks[0]));
	assert_ok(tse_task_create(open_body, &other, NULL, &tasks[1]));
	assert_ok(tse_task_register_deps(tasks[1], 1, &tasks[0]));
	assert_ok(tse_task_schedule(tasks[0], true));
	assert_ok(tse_task_schedule(tasks[1], true));
	check_story("o");
	assert_ok(daos_fini());
	assert_int_equal(tse_sched_init(&sched, NULL, NULL), -DER_UNINIT);
	assert_ok(daos_init());
	assert_int_equal(daos_progress(&other, 0, NULL), -DER_UNINIT);
	assert_int_equal(tse_task_register_deps(tasks[1], 1, &tasks[0]), -DER_UNINIT);
	tse_task_complete(tasks[0], 0);
	tse_sched_complete(&other, 0, true);
	tse_sched_progress(&other);
	assert_true(tse_sched_check_complete(&other));
	tse_sched_fini(&other);
	assert_ok(tse_sched_init(&sched, NULL, NULL));
}

/* In a child the scheduler of the parent does nothing; one of its own works after daos_reinit(). */
static int
child_main(tse_task_t *task)
{
	tse_sched_t own;
	tse_task_t *other;

	if (daos_progress(&sched, 0, NULL) != -DER_UNINIT || tse_task_reinit(task) != -DER_UNINIT ||
	    !tse_sched_check_complete(&sched))
		return 1;
	if (daos_reinit() || daos_progress(&sched, 0, NULL) != -DER_UNINIT)
		return 2;
	if (tse_sched_init(&own, NULL, NULL) ||
	    tse_task_create(complete_body, &own, NULL, &other) || tse_task_schedule(other, true))
		return 3;
	tse_sched_complete(&own, 0, false);
	tse_sched_fini(&own);
	return 0;
}

static void
test_fork(void **state)
{
	tse_task_t *task = make_operation(call_work, 2 * MS, 0);
	pid_t child;
	int status;

	(void)state;
	assert_ok(tse_task_schedule(task, true));
	child = fork();
	if (child == 0)
		_exit(child_main(task));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	progress_all();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_callbacks),
		cmocka_unit_test(test_prepare_completes),
		cmocka_unit_test(test_graphs),
		cmocka_unit_test(test_inside_body),
		cmocka_unit_test(test_inside_callbacks),
		cmocka_unit_test(test_inside_operation),
		cmocka_unit_test(test_reinit),
		cmocka_unit_test(test_for_ever),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_complete_waits),
		cmocka_unit_test(test_complete_operation),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_wakes),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_opcodes),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_outlived),
		cmocka_unit_test(test_fork),
	};

	return cmocka_run_group_tests_name("tse", tests, setup, teardown);
}
