/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "manage": containers and small pools are made, opened, asked, changed and destroyed by
 * several actors at once. Labels are linearizable, so are attributes and properties; object ids are
 * given once; who opens a container meets its own keys and never those of one destroyed before; a
 * handle of what is gone gives errors. A full pool refuses before it writes, and is emptied again.
 */
#include <stdlib.h>

#include "sim/work_manage.h"
#include "sim/workloads.h"

static const char *const operation_names[] = {
	[MANAGE_CREATE] = "create",
	[MANAGE_DESTROY] = "destroy",
	[MANAGE_OPEN] = "open",
	[MANAGE_LIST] = "list",
	[MANAGE_RENAME] = "rename",
	[MANAGE_CLOSE] = "close",
	[MANAGE_PUT] = "put",
	[MANAGE_GET] = "get",
	[MANAGE_OIDS] = "oids",
	[MANAGE_SET_ATTRIBUTES] = "set-attributes",
	[MANAGE_GET_ATTRIBUTES] = "get-attributes",
	[MANAGE_LIST_ATTRIBUTES] = "list-attributes",
	[MANAGE_DELETE_ATTRIBUTES] = "delete-attributes",
	[MANAGE_SET_PROPERTIES] = "set-properties",
	[MANAGE_GET_PROPERTIES] = "get-properties",
	[MANAGE_ACCESS] = "access",
	[MANAGE_TRAVEL] = "travel",
	[MANAGE_POOL_CREATE] = "pool-create",
	[MANAGE_POOL_DESTROY] = "pool-destroy",
	[MANAGE_POOL_USE] = "pool-use",
	[MANAGE_POOL_FILL] = "pool-fill",
	[MANAGE_POOL_LIST] = "pool-list",
	[MANAGE_POOL_QUERY] = "pool-query",
	[MANAGE_SYSTEM] = "system",
	[MANAGE_EVENTS] = "events",
	NULL,
};

/* In 1000; one of them has a function for an open container, which pool attributes share. */
static const struct {
	uint16_t weight;
	bool changes; /* needs a handle for writing */
	bool of_pool; /* the pool has it, too */
	void (*run)(struct manage *manage);
	void (*run_held)(struct manage *manage, struct held *held);
} operations[MANAGE_OPERATIONS] = {
	[MANAGE_CREATE] = {90, false, false, manage_create, NULL},
	[MANAGE_DESTROY] = {35, false, false, manage_destroy, NULL},
	[MANAGE_OPEN] = {160, false, false, manage_open, NULL},
	[MANAGE_LIST] = {40, false, false, manage_list, NULL},
	[MANAGE_RENAME] = {40, false, false, manage_rename, NULL},
	[MANAGE_CLOSE] = {20, false, false, manage_close, NULL},
	[MANAGE_PUT] = {90, true, false, NULL, manage_put},
	[MANAGE_GET] = {90, false, false, NULL, manage_get},
	[MANAGE_OIDS] = {40, true, false, NULL, manage_oids},
	[MANAGE_SET_ATTRIBUTES] = {65, true, true, NULL, manage_set_attributes},
	[MANAGE_GET_ATTRIBUTES] = {65, false, true, NULL, manage_get_attributes},
	[MANAGE_LIST_ATTRIBUTES] = {20, false, true, NULL, manage_list_attributes},
	[MANAGE_DELETE_ATTRIBUTES] = {15, true, true, NULL, manage_delete_attributes},
	[MANAGE_SET_PROPERTIES] = {35, true, false, NULL, manage_set_properties},
	[MANAGE_GET_PROPERTIES] = {35, false, false, NULL, manage_get_properties},
	[MANAGE_ACCESS] = {15, false, false, manage_access, NULL},
	[MANAGE_TRAVEL] = {10, false, false, manage_travel, NULL},
	[MANAGE_POOL_CREATE] = {10, false, false, manage_pool_create, NULL},
	[MANAGE_POOL_DESTROY] = {6, false, false, manage_pool_destroy, NULL},
	[MANAGE_POOL_USE] = {15, false, false, manage_pool_use, NULL},
	[MANAGE_POOL_FILL] = {2, false, false, manage_pool_fill, NULL},
	[MANAGE_POOL_LIST] = {10, false, false, manage_pool_list, NULL},
	[MANAGE_POOL_QUERY] = {12, false, false, manage_pool_query, NULL},
	[MANAGE_SYSTEM] = {10, false, false, manage_system, NULL},
	[MANAGE_EVENTS] = {15, false, false, manage_events, NULL},
};

/* ------------------------------------------------ the model */

static void *
manage_model_create(struct sim *sim, struct server *server)
{
	struct manage_model *model = sim_take(sizeof(*model));

	model->sim = sim;
	model->server = server;
	model->hand_count = (uint32_t)max_of(plan_knob(sim_plan(sim), KNOB_ACTORS), UINT64_C(1));
	model->hands = sim_take(model->hand_count * sizeof(*model->hands));
	return model;
}

/* ------------------------------------------------ an actor */

static struct manage
manage_enter(struct actor *actor)
{
	struct manage_model *model = actor->model;
	struct manage manage = {
		.actor = actor,
		.model = model,
		.hand = &model->hands[actor->number % model->hand_count],
	};

	/* Handles of the former client are gone with it. */
	if (manage.hand->generation != actor->generation)
		*manage.hand = (struct hand){.generation = actor->generation};
	return manage;
}

static void
manage_leave(struct manage *manage)
{
	for (uint32_t i = 0; i < HELD_MAX; i++)
		if (manage->hand->held[i].open)
			held_close(manage, &manage->hand->held[i]);
}

static enum manage_operation
draw_operation(struct actor *actor)
{
	uint32_t total = 0, at = 0, draw;

	for (uint32_t i = 0; i < MANAGE_OPERATIONS; i++)
		total += operations[i].weight;
	draw = (uint32_t)stream_draw(&actor->random, total);
	while (draw >= operations[at].weight)
		draw -= operations[at++].weight;
	return (enum manage_operation)at;
}

/* What the run leaves out is drawn again; without these there is nothing to do. */
static enum manage_operation
choose_operation(struct actor *actor)
{
	for (uint32_t attempt = 0; attempt < 8; attempt++) {
		enum manage_operation operation = draw_operation(actor);

		if (actor_takes(actor, operation))
			return operation;
	}
	return stream_chance(&actor->random, 50) ? MANAGE_CREATE : MANAGE_OPEN;
}

static void
manage_one(struct manage *manage)
{
	enum manage_operation operation = choose_operation(manage->actor);
	struct held *held;

	if (operations[operation].run) {
		operations[operation].run(manage);
		return;
	}
	held = manage_held(manage);
	if (operations[operation].of_pool && stream_chance(&manage->actor->random, 40))
		operations[operation].run_held(manage, NULL);
	else if (held && (held->writable || !operations[operation].changes))
		operations[operation].run_held(manage, held);
	else
		manage_open(manage);
}

static void
manage_act(struct actor *actor)
{
	struct manage manage = manage_enter(actor);

	while (actor_next(actor))
		manage_one(&manage);
	manage_leave(&manage);
}

/* ------------------------------------------------ verification */

/* Every label, and all that is known of what it stands for. */
static void
verify_labels(struct manage *manage)
{
	struct held *held = &manage->hand->held[0];

	manage_list(manage);
	for (uint32_t i = 0; i < 3 * NAME_SLOTS && !sim_violated(manage->model->sim); i++) {
		manage_open(manage);
		held = manage_held(manage);
		for (uint32_t k = 0; held && held->open && k < KEYS_MAX; k++)
			manage_get(manage, held);
		if (held && held->open)
			manage_get_attributes(manage, held);
		if (held && held->open)
			manage_list_attributes(manage, held);
		if (held && held->open)
			manage_get_properties(manage, held);
	}
	manage_get_attributes(manage, NULL);
	manage_list_attributes(manage, NULL);
	manage_list(manage);
	manage_leave(manage);
}

static void
manage_verify(struct actor *actor)
{
	struct manage manage = manage_enter(actor);

	manage_leave(&manage);
	verify_labels(&manage);
	manage_pool_list(&manage);
	manage_pool_query(&manage);
	if (!sim_violated(manage.model->sim))
		manage_pool_verify(&manage);
	manage_clean(&manage);
}

const struct workload workload_manage = {
	.name = "manage",
	.operations = operation_names,
	.layout = DAOS_PROP_CO_LAYOUT_UNKNOWN,
	.create = manage_model_create,
	.act = manage_act,
	.verify = manage_verify,
	.judge = manage_judge,
	.destroy = manage_model_destroy,
};
