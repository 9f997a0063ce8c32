/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Snapshots of the workload "bank". What one shows is a read of all accounts at some time of the
 * call that made it, whenever it is read, and the same each time.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/work_bank.h"

#define LISTED_MAX 64

/* ------------------------------------------------ reading */

/* What is being destroyed may show anything. */
static bool
is_still_there(struct bank_actor *bank, const struct snapshot *snapshot, daos_epoch_t epoch)
{
	return snapshot->taken && !snapshot->doubtful && snapshot->epoch == epoch &&
	       !server_may_roll_back(bank->model->server);
}

/* Whoever reads an account first is who the others are compared with. */
static void
compare(struct bank_actor *bank, struct snapshot *snapshot, uint32_t account, struct record record)
{
	struct bank_model *model = bank->model;

	if (!(snapshot->known >> account & 1)) {
		snapshot->known |= 1u << account;
		snapshot->seen[account] = record;
	}
	if (record.version != snapshot->seen[account].version)
		sim_violation(model->sim,
			      "snapshot %llx of server %u showed version %llu of account %u, and "
			      "now %llu",
			      (unsigned long long)snapshot->epoch, server_number(model->server),
			      (unsigned long long)snapshot->seen[account].version, account,
			      (unsigned long long)record.version);
}

/* Once all of one is known it stands in the history. */
static void
enter(struct bank_actor *bank, struct snapshot *snapshot)
{
	struct bank_model *model = bank->model;
	struct bank_transaction *transaction;

	if (snapshot->was_read || snapshot->known != (1u << model->account_count) - 1)
		return;
	snapshot->was_read = true;
	transaction = bank_begin(bank);
	transaction->begin = snapshot->begin;
	transaction->end = snapshot->end;
	transaction->outcome = BANK_COMMITTED;
	for (uint32_t i = 0; i < model->account_count; i++)
		bank_saw(transaction, i, snapshot->seen[i].version);
	bank_count_money(bank, snapshot->seen, "a snapshot");
}

/* So many accounts from one on. */
static void
read_some(struct bank_actor *bank, struct snapshot *snapshot, uint32_t count)
{
	struct bank_model *model = bank->model;
	daos_epoch_t epoch = snapshot->epoch;
	uint32_t first = (uint32_t)stream_draw(&bank->actor->random, model->account_count);
	daos_handle_t handle = DAOS_HDL_INVAL;
	int rc = daos_tx_open_snap(bank->actor->container, epoch, &handle, NULL);

	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		uint32_t number = (first + i) % model->account_count;
		struct record record;

		rc = bank_read(bank, handle, &model->accounts[number], &record);
		if (rc == 0 && is_still_there(bank, snapshot, epoch))
			compare(bank, snapshot, number, record);
	}
	/* One that goes meanwhile says so. */
	if (rc != -DER_TX_RESTART || is_still_there(bank, snapshot, epoch))
		(void)actor_done(bank->actor, BANK_SNAPSHOT_READ, rc);
	if (daos_handle_is_valid(handle))
		(void)daos_tx_close(handle, NULL);
	if (is_still_there(bank, snapshot, epoch))
		enter(bank, snapshot);
}

void
bank_snapshot_read(struct bank_actor *bank, struct snapshot *snapshot)
{
	read_some(bank, snapshot, bank->model->account_count);
}

/* ------------------------------------------------ making and destroying */

static struct snapshot *
free_slot(struct bank_model *model)
{
	for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++)
		if (!model->snapshots[i].taken)
			return &model->snapshots[i];
	return NULL;
}

struct snapshot *
bank_snapshot_draw(struct bank_actor *bank)
{
	uint64_t first = stream_draw(&bank->actor->random, SNAPSHOTS_KEPT);

	for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++) {
		struct snapshot *snapshot = &bank->model->snapshots[(first + i) % SNAPSHOTS_KEPT];

		if (snapshot->taken && !snapshot->doubtful)
			return snapshot;
	}
	return NULL;
}

void
bank_snapshot_make(struct bank_actor *bank)
{
	struct bank_model *model = bank->model;
	bool objects = stream_chance(&bank->actor->random, 40);
	uint64_t begin = actor_time(bank->actor), end;
	struct snapshot *slot;
	daos_epoch_t epoch = 0;
	int rc;

	/* A client that dies in the call leaves one that nobody knows. */
	model->unsure_snapshots++;
	rc = objects ? daos_cont_create_snap_opt(bank->actor->container, &epoch, NULL,
						 DAOS_SNAP_OPT_CR | DAOS_SNAP_OPT_OIT, NULL)
		     : daos_cont_create_snap(bank->actor->container, &epoch, NULL, NULL);
	end = actor_time(bank->actor);
	(void)actor_done(bank->actor, BANK_SNAPSHOT, rc);
	/* It may be there, also when its table could not be made. */
	if (rc)
		return;
	model->unsure_snapshots--;
	slot = free_slot(model);
	if (epoch == 0)
		sim_violation(model->sim, "a snapshot was made at no time");
	if (slot == NULL) {
		(void)daos_cont_destroy_snap(bank->actor->container,
					     (daos_epoch_range_t){epoch, epoch}, NULL);
		model->unsure_snapshots++;
		return;
	}
	*slot = (struct snapshot){.taken = true, .epoch = epoch, .begin = begin, .end = end};
	slot->table = objects;
	/* What was under way meanwhile must not come into it. */
	read_some(bank, slot, 2);
}

void
bank_snapshot_destroy(struct bank_actor *bank)
{
	struct snapshot *snapshot = bank_snapshot_draw(bank);
	daos_epoch_range_t range;
	int rc;

	if (snapshot == NULL)
		return;
	range = (daos_epoch_range_t){snapshot->epoch, snapshot->epoch};
	snapshot->doubtful = true;
	rc = daos_cont_destroy_snap(bank->actor->container, range, NULL);
	if (actor_done(bank->actor, BANK_SNAPSHOT_DESTROY, rc) == OUTCOME_OK)
		snapshot->taken = false;
	else
		bank->model->unsure_snapshots++;
}

/* ------------------------------------------------ lists */

static bool
is_listed(const daos_epoch_t *epochs, int count, daos_epoch_t epoch)
{
	for (int i = 0; i < count; i++)
		if (epochs[i] == epoch)
			return true;
	return false;
}

static bool
is_known(const struct bank_model *model, daos_epoch_t epoch)
{
	for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++)
		if (model->snapshots[i].taken && model->snapshots[i].epoch == epoch)
			return true;
	return false;
}

/* All that are there stand in the list; more than that only where an outcome is unknown. */
void
bank_snapshot_list(struct bank_actor *bank)
{
	struct bank_model *model = bank->model;
	uint64_t begin = actor_time(bank->actor);
	daos_epoch_t epochs[LISTED_MAX];
	daos_anchor_t anchor = {0};
	int count = LISTED_MAX, rc;

	rc = daos_cont_list_snap(bank->actor->container, &count, epochs, NULL, &anchor, NULL);
	if (actor_done(bank->actor, BANK_SNAPSHOT_LIST, rc) != OUTCOME_OK ||
	    server_may_roll_back(model->server) || !daos_anchor_is_eof(&anchor))
		return;
	for (uint32_t i = 0; i < SNAPSHOTS_KEPT; i++) {
		const struct snapshot *snapshot = &model->snapshots[i];

		if (snapshot->taken && !snapshot->doubtful && snapshot->end < begin &&
		    !is_listed(epochs, count, snapshot->epoch))
			sim_violation(model->sim, "snapshot %llx of server %u is not listed",
				      (unsigned long long)snapshot->epoch,
				      server_number(model->server));
	}
	for (int i = 0; i < count && model->unsure_snapshots == 0; i++)
		if (!is_known(model, epochs[i]) && epochs[i] < begin)
			sim_violation(model->sim, "server %u lists snapshot %llx, which is none",
				      server_number(model->server), (unsigned long long)epochs[i]);
}

/* ------------------------------------------------ aggregation and the way back */

void
bank_aggregate(struct bank_actor *bank)
{
	struct snapshot *snapshot = bank_snapshot_draw(bank);
	daos_epoch_t epoch = snapshot && stream_chance(&bank->actor->random, 50) ? snapshot->epoch
										 : DAOS_EPOCH_MAX;

	(void)actor_done(bank->actor, BANK_AGGREGATE,
			 daos_cont_aggregate(bank->actor->container, epoch, NULL));
	/* Nobody can wait for a snapshot. */
	if (daos_cont_subscribe(bank->actor->container, &epoch, NULL) == 0)
		sim_violation(bank->model->sim, "a subscription was taken");
}

/* Opens the container anew, for nobody else. */
static bool
become_alone(struct bank_actor *bank)
{
	struct actor *actor = bank->actor;
	int rc;

	bank_objects_close(bank);
	(void)daos_cont_close(actor->container, NULL);
	rc = daos_cont_open(actor->pool, actor->workload->name, DAOS_COO_EX | DAOS_COO_EVICT_ALL,
			    &actor->container, NULL, NULL);
	if (rc == 0 && bank_objects_open(bank))
		return true;
	(void)actor_done(actor, BANK_ROLLBACK, rc);
	return false;
}

void
bank_roll_back(struct bank_actor *bank)
{
	struct snapshot *snapshot = bank_snapshot_draw(bank);
	struct record records[ACCOUNTS_MAX];
	int rc;

	if (snapshot == NULL || !snapshot->was_read || server_may_roll_back(bank->model->server) ||
	    !become_alone(bank))
		return;
	rc = daos_cont_rollback(bank->actor->container, snapshot->epoch, NULL);
	if (actor_done(bank->actor, BANK_ROLLBACK, rc) != OUTCOME_OK)
		return;
	rc = bank_read_all(bank, DAOS_TX_NONE, BANK_ROLLBACK, records);
	for (uint32_t i = 0; rc == 0 && i < bank->model->account_count; i++)
		if (records[i].version != snapshot->seen[i].version)
			sim_violation(bank->model->sim,
				      "rolled back to %llx, account %u has version %llu, not %llu",
				      (unsigned long long)snapshot->epoch, i,
				      (unsigned long long)records[i].version,
				      (unsigned long long)snapshot->seen[i].version);
}
