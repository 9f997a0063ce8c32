/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Transactions of the workload "bank": money moves, and is counted. */
#include <stdlib.h>
#include <string.h>

#include "sim/work_bank.h"

/* Attempts at one transfer, and accounts that it touches. */
#define ATTEMPTS_MAX 12u
#define TRANSFER_ACCOUNTS 4u

/* ------------------------------------------------ the history */

struct bank_transaction *
bank_begin(struct bank_actor *bank)
{
	struct bank_model *model = bank->model;
	struct bank_transaction *transaction = sim_take(sizeof(*transaction));

	model->transactions =
		sim_grow(model->transactions,
			 (model->transaction_count + 1) * sizeof(struct bank_transaction *));
	model->transactions[model->transaction_count++] = transaction;
	transaction->actor = bank->actor->number;
	transaction->outcome = BANK_ABORTED;
	transaction->begin = actor_time(bank->actor);
	transaction->end = BANK_NEVER;
	return transaction;
}

void
bank_saw(struct bank_transaction *transaction, uint32_t account, uint64_t version)
{
	if (transaction->read_count == transaction->read_room) {
		transaction->read_room = max_of(2 * transaction->read_room, 4u);
		transaction->reads = sim_grow(transaction->reads,
					      transaction->read_room * sizeof(*transaction->reads));
	}
	transaction->reads[transaction->read_count++] = (struct bank_read){account, version};
}

static void
bank_end(struct bank_actor *bank, struct bank_transaction *transaction, enum bank_outcome outcome)
{
	transaction->outcome = (uint8_t)outcome;
	if (outcome != BANK_UNKNOWN)
		transaction->end = actor_time(bank->actor);
}

/* ------------------------------------------------ steps of a transaction */

/* Counts a step; a conflict is an answer of its own. */
static int
step(struct bank_actor *bank, enum bank_operation operation, int rc)
{
	if (rc != -DER_TX_RESTART)
		(void)actor_done(bank->actor, operation, rc);
	return rc;
}

/* Whether to try again, the transaction having been restarted. */
static bool
restart(struct bank_actor *bank, daos_handle_t handle)
{
	if (sim_violated(bank->model->sim))
		return false;
	return step(bank, BANK_RESTART, daos_tx_restart(handle, NULL)) == 0;
}

static daos_handle_t
open_transaction(struct bank_actor *bank, uint64_t flags)
{
	daos_handle_t handle = DAOS_HDL_INVAL;
	int rc = daos_tx_open(bank->actor->container, &handle, flags, NULL);

	return step(bank, BANK_OPEN, rc) == 0 ? handle : DAOS_HDL_INVAL;
}

/* ------------------------------------------------ moving money */

struct transfer {
	struct bank_transaction *transaction;
	uint32_t count;
	uint32_t accounts[TRANSFER_ACCOUNTS];
	struct record old[TRANSFER_ACCOUNTS], fresh[TRANSFER_ACCOUNTS];
};

/* Different accounts, half of the time among a few, so that actors meet. */
static void
draw_accounts(struct bank_actor *bank, struct transfer *transfer)
{
	struct stream *random = &bank->actor->random;
	uint32_t limit = bank->model->account_count;

	if (stream_chance(random, 50))
		limit = min_of(limit, 6u);
	transfer->count = (uint32_t)stream_between(random, 2, min_of(TRANSFER_ACCOUNTS, limit));
	for (uint32_t i = 0; i < transfer->count; i++) {
		bool again = true;

		while (again) {
			transfer->accounts[i] = (uint32_t)stream_draw(random, limit);
			again = false;
			for (uint32_t k = 0; k < i; k++)
				again = again || transfer->accounts[k] == transfer->accounts[i];
		}
	}
}

static int
read_accounts(struct bank_actor *bank, daos_handle_t handle, struct transfer *transfer)
{
	for (uint32_t i = 0; i < transfer->count; i++) {
		const struct account *account = &bank->model->accounts[transfer->accounts[i]];
		int rc = step(bank, BANK_READ, bank_read(bank, handle, account, &transfer->old[i]));

		if (rc)
			return rc;
		bank_saw(transfer->transaction, account->number, transfer->old[i].version);
	}
	return 0;
}

/* The last account is sometimes only looked at. */
static void
draw_changes(struct bank_actor *bank, struct transfer *transfer)
{
	struct bank_transaction *transaction = transfer->transaction;
	struct stream *random = &bank->actor->random;
	uint32_t changed = transfer->count;
	int64_t left = 0;

	if (changed > 2 && stream_chance(random, 50))
		changed--;
	for (uint32_t i = 0; i < changed; i++) {
		struct record *fresh = &transfer->fresh[i];
		int64_t moved = (int64_t)stream_draw(random, 100);

		left += moved;
		fresh->version = actor_write_number(bank->actor);
		fresh->money = transfer->old[i].money - moved + (i + 1 == changed ? left : 0);
		transaction->writes[transaction->write_count++] = (struct bank_write){
			transfer->accounts[i], fresh->version, transfer->old[i].version};
	}
}

static int
write_accounts(struct bank_actor *bank, daos_handle_t handle, const struct transfer *transfer)
{
	for (uint32_t i = 0; i < transfer->transaction->write_count; i++) {
		const struct account *account = &bank->model->accounts[transfer->accounts[i]];
		int rc = step(bank, BANK_WRITE,
			      bank_write(bank, handle, account, &transfer->old[i],
					 &transfer->fresh[i], i));

		if (rc)
			return rc;
	}
	return 0;
}

static enum bank_outcome
outcome_of(struct bank_actor *bank, int rc)
{
	enum outcome outcome;

	if (rc == -DER_TX_RESTART)
		return BANK_ABORTED;
	outcome = actor_done(bank->actor, BANK_COMMIT, rc);
	if (outcome == OUTCOME_OK)
		return BANK_COMMITTED;
	return outcome == OUTCOME_UNKNOWN ? BANK_UNKNOWN : BANK_ABORTED;
}

/* Commits with an event in some cases. */
static int
commit(struct bank_actor *bank, daos_handle_t handle)
{
	daos_event_t event;
	bool done = false;
	int rc;

	if (!stream_chance(&bank->actor->random, 20) ||
	    daos_event_init(&event, DAOS_HDL_INVAL, NULL))
		return daos_tx_commit(handle, NULL);
	rc = daos_tx_commit(handle, &event);
	if (rc == 0) {
		while (rc == 0 && !done)
			rc = daos_event_test(&event, 1000000, &done);
		rc = rc ? rc : event.ev_error;
	}
	(void)daos_event_fini(&event);
	return rc;
}

/* One attempt: -DER_TX_RESTART asks for another one. */
static int
transfer_once(struct bank_actor *bank, daos_handle_t handle)
{
	struct transfer transfer = {.transaction = bank_begin(bank)};
	int rc;

	draw_accounts(bank, &transfer);
	rc = read_accounts(bank, handle, &transfer);
	/* Somebody may come between. */
	if (stream_chance(&bank->actor->random, 15))
		actor_sleep(bank->actor,
			    stream_scaled(&bank->actor->random, MICROSECOND, 20 * MILLISECOND));
	if (rc == 0) {
		draw_changes(bank, &transfer);
		rc = write_accounts(bank, handle, &transfer);
	}
	if (rc == 0 && stream_chance(&bank->actor->random, 8)) {
		rc = step(bank, BANK_ABORT, daos_tx_abort(handle, NULL));
		return rc ? rc : 1;
	}
	if (rc)
		return rc;
	/* From now on it may happen, whatever becomes of this client. */
	transfer.transaction->outcome = BANK_UNKNOWN;
	rc = commit(bank, handle);
	bank_end(bank, transfer.transaction, outcome_of(bank, rc));
	return rc;
}

void
bank_transfer(struct bank_actor *bank)
{
	uint64_t flags = stream_chance(&bank->actor->random, 30) ? DAOS_TF_ZERO_COPY : 0;
	daos_handle_t handle = open_transaction(bank, flags);
	uint32_t attempts = 0;
	int rc;

	if (!daos_handle_is_valid(handle))
		return;
	do
		rc = transfer_once(bank, handle);
	while (rc == -DER_TX_RESTART && ++attempts < ATTEMPTS_MAX && restart(bank, handle));
	(void)daos_tx_close(handle, NULL);
}

/* ------------------------------------------------ counting money */

int
bank_read_all(struct bank_actor *bank, daos_handle_t transaction, enum bank_operation operation,
	      struct record records[ACCOUNTS_MAX])
{
	uint32_t count = bank->model->account_count;
	uint32_t first = (uint32_t)stream_draw(&bank->actor->random, count);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = (first + i) % count;
		int rc = step(bank, operation,
			      bank_read(bank, transaction, &bank->model->accounts[number],
					&records[number]));

		if (rc)
			return rc;
	}
	return 0;
}

void
bank_count_money(struct bank_actor *bank, const struct record records[ACCOUNTS_MAX],
		 const char *what)
{
	struct bank_model *model = bank->model;
	int64_t sum = 0;

	for (uint32_t i = 0; i < model->account_count; i++)
		sum += records[i].money;
	if (sum != (int64_t)model->account_count * ACCOUNT_START &&
	    !server_may_roll_back(model->server))
		sim_violation(model->sim, "%s of server %u shows %lld instead of %lld", what,
			      server_number(model->server), (long long)sum,
			      (long long)model->account_count * ACCOUNT_START);
}

/* Who begins later reads at a later time. */
static void
note_epoch(struct bank_actor *bank, daos_handle_t handle, uint64_t begin)
{
	struct bank_model *model = bank->model;
	daos_epoch_t epoch = 0;
	int rc = daos_tx_hdl2epoch(handle, &epoch);

	if (rc || epoch == 0) {
		sim_violation(model->sim, "an audit was made at no time: %d", rc);
		return;
	}
	if (begin > model->newest_epoch_at && epoch < model->newest_epoch)
		sim_violation(model->sim, "an audit was made at %llx after one at %llx",
			      (unsigned long long)epoch, (unsigned long long)model->newest_epoch);
	if (epoch > model->newest_epoch) {
		model->newest_epoch = epoch;
		model->newest_epoch_at = actor_time(bank->actor);
	}
}

static int
audit_once(struct bank_actor *bank, daos_handle_t handle)
{
	struct bank_transaction *transaction = bank_begin(bank);
	uint64_t begin = transaction->begin;
	struct record records[ACCOUNTS_MAX];
	int rc = bank_read_all(bank, handle, BANK_AUDIT, records);

	if (rc == 0) {
		note_epoch(bank, handle, begin);
		rc = daos_tx_commit(handle, NULL);
		for (uint32_t i = 0; i < bank->model->account_count; i++)
			bank_saw(transaction, i, records[i].version);
		bank_end(bank, transaction, outcome_of(bank, rc));
	}
	if (rc == 0)
		bank_count_money(bank, records, "an audit");
	return rc;
}

void
bank_audit(struct bank_actor *bank)
{
	uint64_t flags = stream_chance(&bank->actor->random, 80) ? DAOS_TF_RDONLY : 0;
	daos_handle_t handle = open_transaction(bank, flags);
	uint32_t attempts = 0;
	int rc;

	if (!daos_handle_is_valid(handle))
		return;
	do
		rc = audit_once(bank, handle);
	while (rc == -DER_TX_RESTART && ++attempts < ATTEMPTS_MAX && restart(bank, handle));
	(void)daos_tx_close(handle, NULL);
}
