/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "values": single values of objects with keys of every order, and pairs of key-value
 * stores, read, written, refused by conditions and removed by several actors at once. The history
 * of each dkey or pair must be linearizable.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/work_values.h"
#include "sim/workloads.h"

static const char *const operation_names[] = {
	[VALUES_FETCH] = "fetch",
	[VALUES_SIZE] = "size",
	[VALUES_UPDATE] = "update",
	[VALUES_PUNCH_AKEYS] = "punch-akeys",
	[VALUES_PUNCH_DKEYS] = "punch-dkeys",
	[VALUES_PUNCH_OBJECT] = "punch-object",
	[VALUES_KV_GET] = "kv-get",
	[VALUES_KV_SIZE] = "kv-size",
	[VALUES_KV_PUT] = "kv-put",
	[VALUES_KV_REMOVE] = "kv-remove",
	[VALUES_KV_DESTROY] = "kv-destroy",
	NULL,
};

/* ------------------------------------------------ the model */

static void *
values_create(struct sim *sim, struct server *server)
{
	const struct plan *plan = sim_plan(sim);
	struct values_model *model = sim_take(sizeof(*model));

	model->sim = sim;
	model->server = server;
	model->value_limit = max_of(plan_knob(plan, KNOB_VALUE_SIZE), (uint64_t)VALUE_MIN);
	model->value_room = max_of(model->value_limit, (uint64_t)BULK_VALUE + 8192);
	model->hand_count = (uint32_t)max_of(plan_knob(plan, KNOB_ACTORS), UINT64_C(1));
	model->hands = sim_take(model->hand_count * sizeof(*model->hands));
	for (uint32_t i = 0; i < model->hand_count; i++)
		for (uint32_t k = 0; k < CALLS_MAX; k++)
			model->hands[i].calls[k].bytes = sim_take(SLOTS * model->value_room);
	values_fill(model, (uint32_t)max_of(plan_knob(plan, KNOB_KEYS), UINT64_C(1)));
	return model;
}

static void
values_destroy(void *argument)
{
	struct values_model *model = argument;

	for (uint32_t i = 0; i < model->hand_count; i++)
		for (uint32_t k = 0; k < CALLS_MAX; k++)
			free(model->hands[i].calls[k].bytes);
	free(model->hands);
	for (uint32_t i = 0; i < model->cell_count; i++) {
		free(model->cells[i]->history.operations);
		free(model->cells[i]);
	}
	for (uint32_t i = 0; i < model->object_count; i++) {
		free(model->objects[i]->punches.operations);
		free(model->objects[i]);
	}
	free(model->cells);
	free(model->objects);
	free(model->active);
	free(model);
}

/* ------------------------------------------------ an actor */

/* What the actor before had under way when its client died is of unknown outcome for ever. */
static void
hand_take(struct hand *hand)
{
	for (uint32_t i = 0; i < CALLS_MAX; i++) {
		struct call *call = &hand->calls[i];

		for (uint32_t k = 0; call->busy && k < call->history_count; k++)
			call->histories[k]->unknown++;
		call->busy = false;
		call->launched = false;
	}
}

static void
values_enter(struct values_actor *values, struct actor *actor)
{
	struct values_model *model = actor->model;

	*values = (struct values_actor){
		.actor = actor,
		.model = model,
		.hand = &model->hands[actor->number % model->hand_count],
	};
	hand_take(values->hand);
	if (stream_chance(&actor->random, 60) && daos_eq_create(&values->queue))
		values->queue = DAOS_HDL_INVAL;
}

static void
values_leave(struct values_actor *values)
{
	for (uint32_t i = 0; i < OBJECT_KINDS; i++) {
		if (values->open[i].object == NULL)
			continue;
		if (object_kinds[i].is_kv)
			(void)daos_kv_close(values->open[i].handle, NULL);
		else
			(void)daos_obj_close(values->open[i].handle, NULL);
	}
	if (daos_handle_is_valid(values->queue))
		(void)daos_eq_destroy(values->queue, 0);
}

/* ------------------------------------------------ choosing */

struct weight {
	uint8_t operation;
	uint8_t percent;
};

static const struct weight object_weights[] = {
	{VALUES_FETCH, 38},	 {VALUES_UPDATE, 40},	  {VALUES_SIZE, 7},
	{VALUES_PUNCH_AKEYS, 8}, {VALUES_PUNCH_DKEYS, 6}, {VALUES_PUNCH_OBJECT, 1},
};

static const struct weight pair_weights[] = {
	{VALUES_KV_GET, 38},	{VALUES_KV_PUT, 40},	{VALUES_KV_SIZE, 8},
	{VALUES_KV_REMOVE, 13}, {VALUES_KV_DESTROY, 1},
};

/* Half of the time one of a few, so that actors meet. */
static struct cell *
draw_cell(struct values_actor *values)
{
	struct values_model *model = values->model;
	uint32_t few = min_of(model->active_count, 4u);
	bool meet = stream_chance(&values->actor->random, 50);

	return model->active[stream_draw(&values->actor->random, meet ? few : model->active_count)];
}

/* What the run leaves out is drawn again; reads and writes stay when nothing else does. */
static enum values_operation
draw_operation(struct values_actor *values, bool is_kv)
{
	struct stream *random = &values->actor->random;

	for (uint32_t attempt = 0; attempt < 8; attempt++) {
		const struct weight *weight = is_kv ? pair_weights : object_weights;
		uint32_t draw = (uint32_t)stream_draw(random, 100);
		uint8_t operation;

		for (; draw >= weight->percent; weight++)
			draw -= weight->percent;
		operation = weight->operation;
		if (actor_takes(values->actor, operation))
			return operation;
	}
	if (stream_chance(random, 50))
		return is_kv ? VALUES_KV_GET : VALUES_FETCH;
	return is_kv ? VALUES_KV_PUT : VALUES_UPDATE;
}

static void
draw_call(struct values_actor *values, struct cell *cell, struct call *call)
{
	values_draw(values, draw_operation(values, cell->object->kind->is_kv), cell, call);
}

/* ------------------------------------------------ making calls */

static void
call_alone(struct values_actor *values, struct call *call)
{
	int rc = values_launch(values, call, NULL);

	values_finish(values, call, rc);
}

/* Gives it up, mostly while its answer is on the way: the next call must not get that. */
static void
abort_soon(struct values_actor *values, struct call *call)
{
	uint64_t delay = 2 * plan_knob(sim_plan(values->model->sim), KNOB_LINK_DELAY) + 100000;

	actor_sleep(values->actor, stream_draw(&values->actor->random, delay));
	(void)daos_event_abort(&call->event);
}

/* An event of its own, tested until the call has ended. */
static void
call_tested(struct values_actor *values, struct call *call)
{
	bool done = false;
	int rc = daos_event_init(&call->event, DAOS_HDL_INVAL, NULL);

	if (rc) {
		call_alone(values, call);
		return;
	}
	rc = values_launch(values, call, &call->event);
	if (rc == 0) {
		if (stream_chance(&values->actor->random, 15))
			abort_soon(values, call);
		while (rc == 0 && !done)
			rc = daos_event_test(&call->event, 1000000, &done);
		if (rc)
			sim_violation(values->model->sim, "an event cannot be tested: %d", rc);
		rc = call->event.ev_error;
	}
	(void)daos_event_fini(&call->event);
	values_finish(values, call, rc);
}

static void
launch_on_queue(struct values_actor *values, struct call *call)
{
	int rc = daos_event_init(&call->event, values->queue, NULL);

	if (rc) {
		call_alone(values, call);
		return;
	}
	call->launched = true;
	rc = values_launch(values, call, &call->event);
	if (rc == 0)
		return;
	call->launched = false;
	(void)daos_event_fini(&call->event);
	values_finish(values, call, rc);
}

static struct call *
call_of_event(struct hand *hand, const daos_event_t *event)
{
	for (uint32_t i = 0; i < CALLS_MAX; i++)
		if (hand->calls[i].launched && &hand->calls[i].event == event)
			return &hand->calls[i];
	return NULL;
}

static uint32_t
count_launched(const struct hand *hand)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CALLS_MAX; i++)
		count += hand->calls[i].launched;
	return count;
}

/* Takes what has ended; with wait there is something that will. */
static void
poll_queue(struct values_actor *values, bool wait)
{
	daos_event_t *events[CALLS_MAX];
	struct call *call;
	int count = daos_eq_poll(values->queue, wait, wait ? DAOS_EQ_WAIT : DAOS_EQ_NOWAIT,
				 CALLS_MAX, events);

	if (count < 0 || (count == 0 && wait))
		sim_violation(values->model->sim, "a queue with %u events gave %d",
			      count_launched(values->hand), count);
	for (int i = 0; i < count; i++) {
		call = call_of_event(values->hand, events[i]);
		if (call == NULL) {
			sim_violation(values->model->sim, "a queue gave a strange event");
			continue;
		}
		call->launched = false;
		(void)daos_event_fini(&call->event);
		values_finish(values, call, call->event.ev_error);
	}
}

#define WATCH_MAX 8u

/*
 * A change and, until it has ended, reads of the same cell: what one of them has seen none behind
 * it may miss, whatever crashes meanwhile.
 */
static void
call_watched(struct values_actor *values, struct cell *cell)
{
	struct hand *hand = values->hand;

	values_draw(values, cell->object->kind->is_kv ? VALUES_KV_PUT : VALUES_UPDATE, cell,
		    &hand->calls[0]);
	launch_on_queue(values, &hand->calls[0]);
	for (uint32_t i = 0; i < WATCH_MAX && hand->calls[0].launched; i++) {
		values_read_all(values, cell, &hand->calls[1]);
		call_alone(values, &hand->calls[1]);
		poll_queue(values, false);
	}
	while (hand->calls[0].launched && !sim_violated(values->model->sim))
		poll_queue(values, true);
}

/* Several changes behind each other, so that some are under way most of the time. */
static void
calls_watched(struct values_actor *values)
{
	uint64_t count = stream_between(&values->actor->random, 1, WATCH_MAX);
	struct cell *cell = draw_cell(values);

	for (uint64_t i = 0; i < count && !sim_violated(values->model->sim); i++)
		call_watched(values, cell);
}

/* Half of the time all of one cell: what one of them changes the others see before it is durable.
 */
static void
calls_on_queue(struct values_actor *values)
{
	struct actor *actor = values->actor;
	uint32_t wanted = (uint32_t)stream_between(&actor->random, 1, CALLS_MAX);
	struct cell *cell = stream_chance(&actor->random, 50) ? draw_cell(values) : NULL;

	for (uint32_t i = 0; i < wanted; i++) {
		if (i > 0 && !actor_next(actor))
			break;
		draw_call(values, cell ? cell : draw_cell(values), &values->hand->calls[i]);
		launch_on_queue(values, &values->hand->calls[i]);
	}
	while (count_launched(values->hand) > 0 && !sim_violated(values->model->sim))
		poll_queue(values, true);
}

static void
values_act(struct actor *actor)
{
	struct values_actor values;

	values_enter(&values, actor);
	while (actor_next(actor)) {
		struct call *call = &values.hand->calls[0];

		values_freshen(values.model);
		if (daos_handle_is_valid(values.queue) && stream_chance(&actor->random, 60)) {
			if (stream_chance(&actor->random, 30))
				calls_watched(&values);
			else
				calls_on_queue(&values);
			continue;
		}
		draw_call(&values, draw_cell(&values), call);
		if (stream_chance(&actor->random, 20))
			call_tested(&values, call);
		else
			call_alone(&values, call);
	}
	values_leave(&values);
}

/* ------------------------------------------------ the end */

static void
values_verify(struct actor *actor)
{
	struct values_actor values;

	values_enter(&values, actor);
	for (uint32_t i = 0; i < values.model->cell_count; i++) {
		struct call *call = &values.hand->calls[0];

		if (values.model->cells[i]->history.count == 0)
			continue;
		values_read_all(&values, values.model->cells[i], call);
		call_alone(&values, call);
	}
	values_leave(&values);
}

static void
values_judge(struct sim *sim, void *argument)
{
	struct values_model *model = argument;

	for (uint32_t i = 0; i < model->cell_count && !sim_violated(sim); i++)
		values_cell_judge(model, model->cells[i]);
}

const struct workload workload_values = {
	.name = "values",
	.operations = operation_names,
	.create = values_create,
	.act = values_act,
	.verify = values_verify,
	.judge = values_judge,
	.destroy = values_destroy,
};
