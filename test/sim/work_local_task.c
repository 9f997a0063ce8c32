/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Workload "local": tasks and their order, against a naive check of what may run when. */
#include <stdlib.h>
#include <string.h>

#include "daos_task.h"

#include "sim/work_local.h"

#define NODES 10u

struct node {
	tse_task_t *task; /* with a reference of ours */
	struct schedule *schedule;
	uint32_t number, runs, again;
	int result;
	bool scheduled, deaf, ran, completed;
	uint32_t before; /* bits of those it waits for */
};

struct schedule {
	struct local *local;
	tse_sched_t tasks;
	struct node nodes[NODES];
	uint32_t count, ended;
	daos_pool_info_t info; /* of a query that may outlive its caller's frame */
	bool failed;	       /* no memory: nothing more is expected */
};

/* False: it ends here, for want of memory. */
static bool
step(struct schedule *schedule, int rc)
{
	schedule->failed |= rc == -DER_NOMEM;
	if (!schedule->failed)
		LOCAL_EXPECT(schedule->local, rc == 0);
	return !schedule->failed;
}

/* ------------------------------------------------ bodies and callbacks */

static int
node_prepare(tse_task_t *task, void *argument)
{
	struct node *node = argument;
	struct local *local = node->schedule->local;

	LOCAL_EXPECT(local, task == node->task && !node->completed);
	for (uint32_t i = 0; i < NODES; i++)
		LOCAL_EXPECT(local, !(node->before >> i & 1) || node->schedule->nodes[i].completed);
	node->ran = true;
	return 0;
}

static int
node_body(tse_task_t *task)
{
	struct node *node = tse_task_get_priv(task);

	node->runs++;
	if (node->again > 0) {
		node->again--;
		return node->again % 2 ? tse_task_reinit(task)
				       : tse_task_reinit_with_delay(task, 100);
	}
	tse_task_complete(task, node->result);
	return 0;
}

static int
node_complete(tse_task_t *task, void *argument)
{
	struct node *node = argument;

	LOCAL_EXPECT(node->schedule->local, task == node->task && !node->completed);
	node->completed = true;
	return 0;
}

static int
note_scheduler(void *argument, int rc)
{
	uint32_t *ended = argument;

	(void)rc;
	*ended += 1;
	return 0;
}

/* ------------------------------------------------ making and dropping */

static struct node *
node_make(struct schedule *schedule)
{
	struct node *node = &schedule->nodes[schedule->count];
	struct local *local = schedule->local;

	*node = (struct node){.schedule = schedule, .number = schedule->count};
	if (!step(schedule, tse_task_create(node_body, &schedule->tasks, NULL, &node->task)))
		return NULL;
	schedule->count++;
	tse_task_addref(node->task);
	LOCAL_EXPECT(local, tse_task_set_priv(node->task, node) == NULL);
	LOCAL_EXPECT(local, tse_task_get_priv(node->task) == node);
	LOCAL_EXPECT(local, tse_task2sched(node->task) == &schedule->tasks);
	LOCAL_EXPECT(local, tse_task_buf_embedded(node->task, 16) != NULL);
	if (!step(schedule,
		  tse_task_register_cbs(node->task, node_prepare, node, 0, NULL, NULL, 0)) ||
	    !step(schedule, tse_task_register_comp_cb(node->task, node_complete, node, 0)))
		return NULL;
	return node;
}

static void
node_schedule(struct schedule *schedule, struct node *node)
{
	struct stream *random = schedule->local->random;
	bool instant = stream_chance(random, 50);

	node->scheduled = true;
	if (stream_chance(random, 20))
		(void)tse_task_schedule_with_delay(node->task, instant, stream_draw(random, 500));
	else
		(void)tse_task_schedule(node->task, instant);
}

/* What was never scheduled is the maker's to drop. */
static void
drop_all(struct schedule *schedule)
{
	for (uint32_t i = 0; i < schedule->count; i++) {
		struct node *node = &schedule->nodes[i];

		if (!node->scheduled)
			tse_task_decref(node->task);
		tse_task_decref(node->task);
	}
	schedule->count = 0;
}

static void
run_all(struct schedule *schedule)
{
	struct local *local = schedule->local;
	bool empty = false;

	tse_sched_progress(&schedule->tasks);
	if (!step(schedule, daos_progress(&schedule->tasks, DAOS_EQ_WAIT, &empty)))
		return;
	LOCAL_EXPECT(local, empty && tse_sched_check_complete(&schedule->tasks));
	for (uint32_t i = 0; i < schedule->count; i++) {
		const struct node *node = &schedule->nodes[i];

		LOCAL_EXPECT(local, !node->scheduled || node->completed);
	}
}

/* ------------------------------------------------ a graph */

static void
node_connect(struct schedule *schedule, struct node *node)
{
	struct stream *random = schedule->local->random;
	tse_task_t *others[NODES];
	int count = 0;

	node->again = stream_chance(random, 20) ? (uint32_t)stream_draw(random, 3) : 0;
	node->result = stream_chance(random, 20) ? -DER_NONEXIST : 0;
	node->deaf = stream_chance(random, 25);
	if (node->deaf)
		tse_disable_propagate(node->task);
	for (uint32_t i = 0; i < node->number; i++) {
		if (!stream_chance(random, 25))
			continue;
		others[count++] = schedule->nodes[i].task;
		node->before |= 1u << i;
	}
	(void)step(schedule, tse_task_register_deps(node->task, count, others));
}

/* A failure goes on to those that wait, unless they do not listen; who begins again forgets it. */
static void
node_judge(struct schedule *schedule, const struct node *node)
{
	bool fails = node->result != 0;

	for (uint32_t i = 0; i < NODES && !node->deaf && node->runs == 1; i++)
		if (node->before >> i & 1)
			fails |= schedule->nodes[i].task->dt_result != 0;
	LOCAL_EXPECT(schedule->local, (node->task->dt_result != 0) == fails);
}

static void
graph(struct schedule *schedule)
{
	for (uint32_t i = 0; i < NODES && !schedule->failed; i++) {
		struct node *node = node_make(schedule);

		if (node)
			node_connect(schedule, node);
	}
	for (uint32_t i = schedule->count; !schedule->failed && i-- > 0;)
		node_schedule(schedule, &schedule->nodes[i]);
	if (!schedule->failed)
		run_all(schedule);
	for (uint32_t i = 0; !schedule->failed && i < schedule->count; i++)
		node_judge(schedule, &schedule->nodes[i]);
}

/* ------------------------------------------------ lists */

static int
count_task(tse_task_t *task, void *argument)
{
	uint32_t *count = argument;

	(void)task;
	*count += 1;
	return 0;
}

/* first, then those of the list, then last. */
static void
lists(struct schedule *schedule)
{
	struct local *local = schedule->local;
	struct node *nodes[5];
	uint32_t count = 0;
	d_list_t head;

	D_INIT_LIST_HEAD(&head);
	for (uint32_t i = 0; i < 5; i++)
		if ((nodes[i] = node_make(schedule)) == NULL)
			return;
	for (uint32_t i = 1; i < 4; i++)
		(void)step(schedule, tse_task_list_add(nodes[i]->task, &head));
	LOCAL_EXPECT(local, tse_task_list_first(&head) == nodes[1]->task);
	LOCAL_EXPECT(local, tse_task_list_traverse(&head, count_task, &count) == 0);
	LOCAL_EXPECT(local, tse_task_list_traverse_adv(&head, count_task, &count) == 0);
	LOCAL_EXPECT(local, count == 6);
	if (!step(schedule, tse_task_list_depend(&head, nodes[0]->task)) ||
	    !step(schedule, tse_task_depend_list(nodes[4]->task, &head))) {
		for (uint32_t i = 1; i < 4; i++)
			tse_task_list_del(nodes[i]->task);
		return;
	}
	for (uint32_t i = 1; i < 4; i++) {
		nodes[i]->before = 1u << nodes[0]->number;
		nodes[4]->before |= 1u << nodes[i]->number;
		nodes[i]->scheduled = true;
	}
	tse_task_list_sched(&head, true);
	node_schedule(schedule, nodes[4]);
	node_schedule(schedule, nodes[0]);
	run_all(schedule);
}

/* What is on a list ends with it. */
static void
abort_list(struct schedule *schedule)
{
	struct node *one = node_make(schedule), *other = one ? node_make(schedule) : NULL;
	d_list_t head;

	if (other == NULL)
		return;
	D_INIT_LIST_HEAD(&head);
	(void)step(schedule, tse_task_list_add(one->task, &head));
	(void)step(schedule, tse_task_list_add(other->task, &head));
	tse_task_list_del(other->task);
	node_schedule(schedule, other);
	one->scheduled = true;
	tse_task_list_abort(&head, -DER_CANCELED);
	run_all(schedule);
	if (!schedule->failed)
		LOCAL_EXPECT(schedule->local, one->task->dt_result == -DER_CANCELED);
}

/* ------------------------------------------------ again, and operations */

static int
retry(tse_task_t *task, void *argument)
{
	struct node *node = argument;
	int rc;

	if (node->runs >= 3)
		return 0;
	rc = tse_task_register_comp_cb_and_reinit(task, retry, argument, 0, 100);
	if (rc)
		node->schedule->failed = true;
	return rc;
}

static void
retries(struct schedule *schedule)
{
	struct node *node = node_make(schedule);

	if (node == NULL || !step(schedule, tse_task_register_comp_cb(node->task, retry, node, 0)))
		return;
	node_schedule(schedule, node);
	run_all(schedule);
	if (schedule->failed)
		return;
	LOCAL_EXPECT(schedule->local, node->runs == 3);
	node->completed = false;
	if (step(schedule, tse_task_reset(node->task, node_body, node))) {
		(void)tse_task_schedule(node->task, true);
		tse_sched_progress(&schedule->tasks);
	}
	LOCAL_EXPECT(schedule->local, schedule->failed || node->runs == 4);
}

static int
operation(struct schedule *schedule)
{
	struct local *local = schedule->local;
	daos_pool_query_t *arguments;
	tse_task_t *task;
	int rc = daos_task_create(DAOS_OPC_POOL_QUERY, &schedule->tasks, 0, NULL, &task);

	if (rc)
		return rc;
	tse_task_addref(task);
	rc = daos_task_reset(task, DAOS_OPC_POOL_QUERY);
	arguments = daos_task_get_args(task);
	LOCAL_EXPECT(local, arguments && arguments == tse_task2arg(task));
	LOCAL_EXPECT(local, daos_task_set_priv(task, schedule) == NULL);
	LOCAL_EXPECT(local, daos_task_get_priv(task) == schedule);
	if (rc == 0 && arguments) {
		arguments->poh = local->actor->pool;
		schedule->info = (daos_pool_info_t){.pi_bits = DPI_ALL};
		arguments->info = &schedule->info;
		(void)tse_task_schedule(task, true);
		rc = daos_progress(&schedule->tasks, DAOS_EQ_WAIT, NULL);
		rc = rc ? rc : task->dt_result;
		LOCAL_EXPECT(local, rc || schedule->info.pi_ntargets > 0);
	} else {
		tse_task_decref(task);
	}
	tse_task_decref(task);
	return rc;
}

int
local_tasks(struct local *local)
{
	static void (*const scenes[])(struct schedule * schedule) = {graph, lists, abort_list,
								     retries};
	struct schedule *schedule = sim_take(sizeof(*schedule));
	uint64_t scene = stream_draw(local->random, ARRAY_SIZE(scenes) + 1);
	int rc;

	schedule->local = local;
	rc = tse_sched_init(&schedule->tasks, NULL, NULL);
	if (rc == 0) {
		tse_sched_addref(&schedule->tasks);
		rc = tse_sched_register_comp_cb(&schedule->tasks, note_scheduler, &schedule->ended);
		if (scene == ARRAY_SIZE(scenes))
			rc = rc ? rc : operation(schedule);
		else if (rc == 0)
			scenes[scene](schedule);
		tse_sched_decref(&schedule->tasks);
		tse_sched_complete(&schedule->tasks, 0, schedule->failed);
		drop_all(schedule);
		tse_sched_fini(&schedule->tasks);
	}
	if (schedule->failed)
		rc = -DER_NOMEM;
	free(schedule);
	return rc;
}
