/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "arrays": ranges of arrays, and extents of akeys, that several actors write, punch, cut
 * off and read at once. What each read saw of each cell must fit what was done to it.
 */
#include <stdlib.h>

#include "sim/work_arrays.h"
#include "sim/workloads.h"

static const char *const operation_names[] = {
	[ARRAYS_READ] = "read",
	[ARRAYS_WRITE] = "write",
	[ARRAYS_PUNCH] = "punch",
	[ARRAYS_GET_SIZE] = "get-size",
	[ARRAYS_STAT] = "stat",
	[ARRAYS_SET_SIZE] = "set-size",
	[ARRAYS_DESTROY] = "destroy",
	[ARRAYS_FETCH] = "fetch",
	[ARRAYS_UPDATE] = "update",
	[ARRAYS_PUNCH_RECORDS] = "punch-records",
	[ARRAYS_PUNCH_AKEYS] = "punch-akeys",
	[ARRAYS_PUNCH_DKEYS] = "punch-dkeys",
	[ARRAYS_PUNCH_OBJECT] = "punch-object",
	[ARRAYS_QUERY] = "query",
	[ARRAYS_LIST] = "list",
	[ARRAYS_EPOCH] = "epoch",
	[ARRAYS_OPEN] = "open",
	[ARRAYS_CREATE] = "create",
	[ARRAYS_SHARE] = "share",
	NULL,
};

/* ------------------------------------------------ the model */

/* What lies in a pool at most, overwritten data among it, is a small part of its size. */
#define POOL_SHARE 6u
/* Bytes of log for each range of a line. */
#define LOG_OF_RANGE (256u * 1024)

static void *
arrays_create(struct sim *sim, struct server *server)
{
	const struct plan *plan = sim_plan(sim);
	struct arrays_model *model = sim_take(sizeof(*model));
	uint64_t keys = plan_knob(plan, KNOB_KEYS);

	model->sim = sim;
	model->server = server;
	model->payload_limit = max_of(plan_knob(plan, KNOB_VALUE_SIZE), UINT64_C(64));
	model->large_left = plan_knob(plan, KNOB_POOL_SIZE) / POOL_SHARE;
	model->range_limit =
		(uint32_t)min_of(max_of(plan_knob(plan, KNOB_LOG_SIZE) / LOG_OF_RANGE, UINT64_C(4)),
				 (uint64_t)RANGES_MAX);
	model->hand_count = (uint32_t)max_of(plan_knob(plan, KNOB_ACTORS), UINT64_C(1));
	model->hands = sim_take(model->hand_count * sizeof(*model->hands));
	model_fill(model, (uint32_t)min_of(max_of(keys / 4, UINT64_C(3)), (uint64_t)ACTIVE_MAX));
	return model;
}

static void
arrays_destroy(void *argument)
{
	struct arrays_model *model = argument;

	for (uint32_t i = 0; i < model->hand_count; i++)
		for (uint32_t k = 0; k < CALLS_MAX; k++)
			for (uint32_t line = 0; line < LINES; line++)
				free(model->hands[i].calls[k].bytes[line]);
	free(model->hands);
	for (uint32_t i = 0; i < model->sheet_count; i++)
		sheet_free(model->sheets[i]);
	free(model->sheets);
	free(model);
}

/* ------------------------------------------------ an actor */

/* What the actor before had under way when its client died is of unknown outcome for ever. */
static void
arrays_enter(struct arrays_actor *arrays, struct actor *actor)
{
	struct arrays_model *model = actor->model;

	*arrays = (struct arrays_actor){
		.actor = actor,
		.model = model,
		.hand = &model->hands[actor->number % model->hand_count],
	};
	for (uint32_t i = 0; i < CALLS_MAX; i++) {
		arrays->hand->calls[i].busy = false;
		arrays->hand->calls[i].launched = false;
	}
	if (stream_chance(&actor->random, 60) && daos_eq_create(&arrays->queue))
		arrays->queue = DAOS_HDL_INVAL;
}

static void
arrays_leave(struct arrays_actor *arrays)
{
	for (uint32_t i = 0; i < ACTIVE_MAX; i++)
		sheet_close(arrays, i);
	if (daos_handle_is_valid(arrays->queue))
		(void)daos_eq_destroy(arrays->queue, 0);
}

/* ------------------------------------------------ choosing */

struct weight {
	uint8_t operation, weight;
};

static const struct weight array_weights[] = {
	{ARRAYS_READ, 33},    {ARRAYS_WRITE, 33},   {ARRAYS_PUNCH, 8},
	{ARRAYS_GET_SIZE, 8}, {ARRAYS_SET_SIZE, 8}, {ARRAYS_STAT, 3},
	{ARRAYS_DESTROY, 2},  {ARRAYS_OPEN, 2},	    {ARRAYS_SHARE, 3},
};
static const struct weight object_weights[] = {
	{ARRAYS_FETCH, 35},	 {ARRAYS_UPDATE, 35},	  {ARRAYS_PUNCH_RECORDS, 8},
	{ARRAYS_PUNCH_AKEYS, 3}, {ARRAYS_PUNCH_DKEYS, 2}, {ARRAYS_PUNCH_OBJECT, 1},
	{ARRAYS_QUERY, 7},	 {ARRAYS_LIST, 7},	  {ARRAYS_EPOCH, 2},
};

/* What the run leaves out is drawn again; reads and writes stay when nothing else does. */
static enum arrays_operation
draw_operation(struct arrays_actor *arrays, bool is_array)
{
	const struct weight *weights = is_array ? array_weights : object_weights;
	struct stream *random = &arrays->actor->random;

	for (uint32_t attempt = 0; attempt < 8; attempt++) {
		uint32_t draw = (uint32_t)stream_draw(random, 100), at = 0;

		while (draw >= weights[at].weight)
			draw -= weights[at++].weight;
		if (actor_takes(arrays->actor, weights[at].operation))
			return weights[at].operation;
	}
	if (stream_chance(random, 50))
		return is_array ? ARRAYS_READ : ARRAYS_FETCH;
	return is_array ? ARRAYS_WRITE : ARRAYS_UPDATE;
}

/* Half of the time one of a few, so that actors meet. */
static uint32_t
draw_active(struct arrays_actor *arrays)
{
	uint32_t few = min_of(arrays->model->active_count, 3u);
	bool meet = stream_chance(&arrays->actor->random, 50);

	return (uint32_t)stream_draw(&arrays->actor->random,
				     meet ? few : arrays->model->active_count);
}

static uint32_t
count_launched(const struct hand *hand)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CALLS_MAX; i++)
		count += hand->calls[i].launched;
	return count;
}

/* False: it was nothing that goes through a call. No handle is closed while calls use it. */
static bool
draw_call(struct arrays_actor *arrays, struct call *call)
{
	uint32_t active = draw_active(arrays);
	enum arrays_operation operation =
		draw_operation(arrays, arrays->model->active[active]->kind->is_array);
	daos_handle_t handle;

	if (count_launched(arrays->hand) > 0 &&
	    (operation >= ARRAYS_OPEN ||
	     arrays->open[active].sheet != arrays->model->active[active]))
		return false;
	if (operation == ARRAYS_OPEN)
		sheet_reopen(arrays, active);
	else if (operation == ARRAYS_SHARE)
		sheet_share(arrays, active);
	if (operation >= ARRAYS_OPEN || !sheet_handle(arrays, active, &handle))
		return false;
	call_draw(arrays, operation, arrays->open[active].sheet, handle, call);
	return true;
}

/* ------------------------------------------------ making calls */

static void
call_alone(struct arrays_actor *arrays, struct call *call)
{
	int rc = call_launch(call, NULL);

	call_finish(arrays, call, rc);
}

/* An event of its own, tested until the call has ended. */
static void
call_tested(struct arrays_actor *arrays, struct call *call)
{
	bool done = false;
	int rc = daos_event_init(&call->event, DAOS_HDL_INVAL, NULL);

	if (rc) {
		call_alone(arrays, call);
		return;
	}
	rc = call_launch(call, &call->event);
	if (rc == 0) {
		while (rc == 0 && !done)
			rc = daos_event_test(&call->event, 1000000, &done);
		if (rc)
			sim_violation(arrays->model->sim, "an event cannot be tested: %d", rc);
		rc = call->event.ev_error;
	}
	(void)daos_event_fini(&call->event);
	call_finish(arrays, call, rc);
}

static void
launch_on_queue(struct arrays_actor *arrays, struct call *call)
{
	int rc = daos_event_init(&call->event, arrays->queue, NULL);

	if (rc) {
		call_alone(arrays, call);
		return;
	}
	call->launched = true;
	rc = call_launch(call, &call->event);
	if (rc == 0)
		return;
	call->launched = false;
	(void)daos_event_fini(&call->event);
	call_finish(arrays, call, rc);
}

static struct call *
call_of_event(struct hand *hand, const daos_event_t *event)
{
	for (uint32_t i = 0; i < CALLS_MAX; i++)
		if (hand->calls[i].launched && &hand->calls[i].event == event)
			return &hand->calls[i];
	return NULL;
}

static void
poll_queue(struct arrays_actor *arrays)
{
	daos_event_t *events[CALLS_MAX];
	struct call *call;
	int count = daos_eq_poll(arrays->queue, 1, DAOS_EQ_WAIT, CALLS_MAX, events);

	if (count <= 0)
		sim_violation(arrays->model->sim, "a queue with %u events gave %d",
			      count_launched(arrays->hand), count);
	for (int i = 0; i < count; i++) {
		call = call_of_event(arrays->hand, events[i]);
		if (call == NULL) {
			sim_violation(arrays->model->sim, "a queue gave a strange event");
			continue;
		}
		call->launched = false;
		(void)daos_event_fini(&call->event);
		call_finish(arrays, call, call->event.ev_error);
	}
}

/* Several calls at once. */
static void
calls_on_queue(struct arrays_actor *arrays)
{
	struct actor *actor = arrays->actor;
	uint32_t wanted = (uint32_t)stream_between(&actor->random, 1, CALLS_MAX);

	for (uint32_t i = 0; i < wanted; i++) {
		if (i > 0 && !actor_next(actor))
			break;
		if (draw_call(arrays, &arrays->hand->calls[i]))
			launch_on_queue(arrays, &arrays->hand->calls[i]);
	}
	while (count_launched(arrays->hand) > 0 && !sim_violated(arrays->model->sim))
		poll_queue(arrays);
}

static void
arrays_act(struct actor *actor)
{
	struct arrays_actor arrays;

	arrays_enter(&arrays, actor);
	while (actor_next(actor)) {
		struct call *call = &arrays.hand->calls[0];

		model_freshen(arrays.model);
		if (daos_handle_is_valid(arrays.queue) && stream_chance(&actor->random, 60)) {
			calls_on_queue(&arrays);
			continue;
		}
		if (!draw_call(&arrays, call))
			continue;
		if (stream_chance(&actor->random, 20))
			call_tested(&arrays, call);
		else
			call_alone(&arrays, call);
	}
	arrays_leave(&arrays);
}

/* ------------------------------------------------ the end */

/* Cells of one read: of an array what it sees at one moment. */
static uint64_t
read_step(const struct sheet_kind *kind, uint32_t line)
{
	return max_of(PART_BYTES / kind->cell_sizes[line], UINT64_C(1));
}

static void
verify_line(struct arrays_actor *arrays, struct sheet *sheet, uint32_t dkey, uint32_t line,
	    daos_handle_t handle)
{
	uint64_t end = sheet->kind->base + line_span(sheet->kind, line);
	uint64_t step = read_step(sheet->kind, line);

	for (uint64_t at = sheet->kind->base; at < end; at += step) {
		struct call *call = &arrays->hand->calls[0];
		daos_recx_t range = {at, min_of(step, end - at)};

		call_read(arrays, sheet, dkey, line, range, handle, call);
		call_alone(arrays, call);
	}
}

static void
verify_sheet(struct arrays_actor *arrays, struct sheet *sheet)
{
	struct call *call = &arrays->hand->calls[0];
	bool is_array = sheet->kind->is_array;
	daos_handle_t handle;

	arrays->model->active[0] = sheet;
	if (!sheet_handle(arrays, 0, &handle))
		return;
	if (is_array) {
		call_draw(arrays, ARRAYS_GET_SIZE, sheet, handle, call);
		call_alone(arrays, call);
	}
	for (uint32_t dkey = 0; dkey < DKEYS_MAX; dkey++)
		for (uint32_t line = 0; line < (is_array ? 1 : LINES); line++)
			if (sheet->histories[dkey].count > 0)
				verify_line(arrays, sheet, dkey, line, handle);
}

static void
arrays_verify(struct actor *actor)
{
	struct arrays_actor arrays;

	arrays_enter(&arrays, actor);
	for (uint32_t i = 0; i < arrays.model->sheet_count; i++)
		verify_sheet(&arrays, arrays.model->sheets[i]);
	arrays_leave(&arrays);
}

static void
arrays_judge(struct sim *sim, void *argument)
{
	struct arrays_model *model = argument;

	for (uint32_t i = 0; i < model->sheet_count && !sim_violated(sim); i++)
		sheet_judge(model, model->sheets[i]);
}

const struct workload workload_arrays = {
	.name = "arrays",
	.operations = operation_names,
	.create = arrays_create,
	.act = arrays_act,
	.verify = arrays_verify,
	.judge = arrays_judge,
	.destroy = arrays_destroy,
};
