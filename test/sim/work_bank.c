/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "bank": transactions move money between accounts that lie in several objects, dkeys and
 * akeys, on several targets; others count it, at the present and in snapshots. The history must be
 * serializable, the order of time included.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/work_bank.h"
#include "sim/workloads.h"

static const char *const operation_names[] = {
	[BANK_OPEN] = "open",
	[BANK_READ] = "read",
	[BANK_WRITE] = "write",
	[BANK_COMMIT] = "commit",
	[BANK_ABORT] = "abort",
	[BANK_RESTART] = "restart",
	[BANK_AUDIT] = "audit",
	[BANK_SNAPSHOT] = "snapshot",
	[BANK_SNAPSHOT_READ] = "snapshot-read",
	[BANK_SNAPSHOT_LIST] = "snapshot-list",
	[BANK_SNAPSHOT_DESTROY] = "snapshot-destroy",
	[BANK_AGGREGATE] = "aggregate",
	[BANK_TABLE] = "table",
	[BANK_ROLLBACK] = "rollback",
	NULL,
};

/* ------------------------------------------------ the model */

static void *
bank_create(struct sim *sim, struct server *server)
{
	struct bank_model *model = sim_take(sizeof(*model));

	model->sim = sim;
	model->server = server;
	model->actor_count = (uint32_t)max_of(plan_knob(sim_plan(sim), KNOB_ACTORS), UINT64_C(1));
	model->bytes = sim_take((size_t)model->actor_count * BANK_BUFFERS * ACCOUNT_BYTES_MAX);
	bank_accounts_init(model);
	return model;
}

static void
bank_destroy(void *argument)
{
	struct bank_model *model = argument;

	for (uint32_t i = 0; i < model->transaction_count; i++) {
		free(model->transactions[i]->reads);
		free(model->transactions[i]);
	}
	free(model->transactions);
	free(model->bytes);
	free(model);
}

/* ------------------------------------------------ an actor */

static void
act_once(struct bank_actor *bank)
{
	struct actor *actor = bank->actor;
	struct snapshot *snapshot;
	uint64_t draw = stream_draw(&actor->random, 100);

	if (draw < 60) {
		bank_transfer(bank);
	} else if (draw < 78) {
		bank_audit(bank);
	} else if (draw < 83) {
		if (actor_takes(actor, BANK_SNAPSHOT))
			bank_snapshot_make(bank);
	} else if (draw < 92) {
		snapshot = bank_snapshot_draw(bank);
		if (snapshot)
			bank_snapshot_read(bank, snapshot);
	} else if (draw < 94) {
		bank_snapshot_list(bank);
	} else if (draw < 97) {
		if (actor_takes(actor, BANK_SNAPSHOT_DESTROY))
			bank_snapshot_destroy(bank);
	} else if (draw < 98) {
		bank_aggregate(bank);
	} else if (actor_takes(actor, BANK_TABLE)) {
		bank_table(bank);
	}
}

static bool
bank_enter(struct bank_actor *bank, struct actor *actor)
{
	struct bank_model *model = actor->model;

	*bank = (struct bank_actor){.actor = actor, .model = model};
	bank->bytes = model->bytes + (size_t)(actor->number % model->actor_count) * BANK_BUFFERS *
					     ACCOUNT_BYTES_MAX;
	for (uint32_t i = 0; i < BANK_OBJECTS; i++)
		bank->objects[i] = DAOS_HDL_INVAL;
	if (!bank_objects_open(bank)) {
		bank_objects_close(bank);
		return false;
	}
	return true;
}

static void
bank_act(struct actor *actor)
{
	struct bank_actor bank;

	if (!bank_enter(&bank, actor))
		return;
	while (actor_next(actor))
		act_once(&bank);
	bank_objects_close(&bank);
}

/* ------------------------------------------------ the end */

static void
bank_verify(struct actor *actor)
{
	struct bank_actor bank;

	if (!bank_enter(&bank, actor))
		return;
	bank_audit(&bank);
	for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++)
		if (bank.model->snapshots[i].taken && !bank.model->snapshots[i].doubtful)
			bank_snapshot_read(&bank, &bank.model->snapshots[i]);
	bank_snapshot_list(&bank);
	bank_roll_back(&bank);
	bank_objects_close(&bank);
}

static void
bank_judge(struct sim *sim, void *argument)
{
	struct bank_model *model = argument;
	uint32_t count = model->transaction_count;
	struct bank_transaction *history = sim_take((count + 1) * sizeof(*history));
	char text[2048];

	for (uint32_t i = 0; i < count; i++)
		history[i] = *model->transactions[i];
	if (bank_check(history, count, server_may_roll_back(model->server), text, sizeof(text)) !=
	    BANK_GOOD)
		sim_violation(sim, "the bank of server %u: %s", server_number(model->server), text);
	free(history);
}

const struct workload workload_bank = {
	.name = "bank",
	.operations = operation_names,
	.create = bank_create,
	.act = bank_act,
	.verify = bank_verify,
	.judge = bank_judge,
	.destroy = bank_destroy,
};
