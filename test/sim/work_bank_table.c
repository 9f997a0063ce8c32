/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tables of the objects that a snapshot of the workload "bank" holds. */
#include <string.h>

#include "sim/work_bank.h"

/* A snapshot that a step looks at; others may destroy it, or its table, meanwhile. */
struct look {
	struct bank_actor *bank;
	struct snapshot *snapshot;
	daos_epoch_t epoch;
	uint32_t marked; /* before the step */
	daos_handle_t table;
};

static bool
is_still_there(const struct look *look)
{
	const struct snapshot *snapshot = look->snapshot;

	return snapshot->taken && !snapshot->doubtful && snapshot->table &&
	       snapshot->epoch == look->epoch && !server_may_roll_back(look->bank->model->server);
}

static int
accept_all(daos_obj_id_t oid, d_iov_t *marker)
{
	(void)oid;
	(void)marker;
	return 1;
}

enum listing_kind { LIST_ALL, LIST_UNMARKED, LIST_FILTERED };

/* The objects that are listed, as bits; BANK_OBJECTS stands for strange ones. */
static int
list_objects(struct look *look, enum listing_kind kind, uint32_t *ret_shown)
{
	daos_anchor_t anchor = {0};
	uint32_t shown = 0;
	int rc = 0;

	while (rc == 0 && !daos_anchor_is_eof(&anchor)) {
		daos_obj_id_t oids[2];
		uint32_t count = ARRAY_SIZE(oids);

		if (kind == LIST_ALL)
			rc = daos_oit_list(look->table, oids, &count, &anchor, NULL);
		else if (kind == LIST_UNMARKED)
			rc = daos_oit_list_unmarked(look->table, oids, &count, &anchor, NULL);
		else
			rc = daos_oit_list_filter(look->table, oids, &count, &anchor, accept_all,
						  NULL);
		for (uint32_t i = 0; rc == 0 && i < count; i++)
			shown |= 1u << bank_object_of(look->bank, oids[i]);
	}
	*ret_shown = shown;
	return rc;
}

/* The objects of accounts that the snapshot shows as written. */
static uint32_t
held_objects(const struct look *look)
{
	const struct bank_model *model = look->bank->model;
	uint32_t held = 0;

	for (uint32_t i = 0; look->snapshot->was_read && i < model->account_count; i++)
		if (look->snapshot->seen[i].version != 0)
			held |= 1u << model->accounts[i].object;
	return held;
}

static int
list_step(struct look *look)
{
	enum listing_kind kind = (enum listing_kind)stream_draw(&look->bank->actor->random, 3);
	struct sim *sim = look->bank->model->sim;
	uint32_t shown, held;
	int rc = list_objects(look, kind, &shown);

	if (rc || !is_still_there(look))
		return rc;
	held = held_objects(look);
	if (shown >> BANK_OBJECTS & 1)
		sim_violation(sim, "the table of snapshot %llx shows a strange object",
			      (unsigned long long)look->epoch);
	if (kind != LIST_UNMARKED && (held & ~shown) != 0)
		sim_violation(sim, "the table of snapshot %llx shows objects %x of %x",
			      (unsigned long long)look->epoch, shown, held);
	if (kind == LIST_UNMARKED && (shown & look->marked) != 0)
		sim_violation(sim, "the table of snapshot %llx shows objects %x, %x are marked",
			      (unsigned long long)look->epoch, shown, look->marked);
	return 0;
}

static int
mark_step(struct look *look)
{
	uint32_t object = (uint32_t)stream_draw(&look->bank->actor->random, BANK_OBJECTS);
	char text[] = "copied";
	d_iov_t marker;
	int rc;

	d_iov_set(&marker, text, sizeof(text));
	rc = daos_oit_mark(look->table, bank_object_id(look->bank, object), &marker, NULL);
	if (rc == 0 && is_still_there(look))
		look->snapshot->marked |= 1u << object;
	/* An object that held nothing then. */
	return rc == -DER_NONEXIST && !(held_objects(look) >> object & 1) ? 0 : rc;
}

static int
remove_step(struct look *look)
{
	look->snapshot->table = false;
	look->snapshot->marked = 0;
	return daos_cont_snap_oit_destroy(look->bank->actor->container, look->table, NULL);
}

static int
make_step(struct look *look)
{
	int rc = daos_cont_snap_oit_create(look->bank->actor->container, look->epoch, NULL, NULL);

	if (rc == 0 && look->snapshot->epoch == look->epoch) {
		look->snapshot->table = true;
		look->snapshot->marked = 0;
	}
	return rc;
}

void
bank_table(struct bank_actor *bank)
{
	struct snapshot *snapshot = bank_snapshot_draw(bank);
	struct look look = {.bank = bank, .snapshot = snapshot};
	uint64_t draw = stream_draw(&bank->actor->random, 100);
	int rc;

	if (snapshot == NULL)
		return;
	look.epoch = snapshot->epoch;
	look.marked = snapshot->marked;
	if (!snapshot->table) {
		(void)actor_done(bank->actor, BANK_TABLE, make_step(&look));
		return;
	}
	rc = daos_oit_open(bank->actor->container, look.epoch, &look.table, NULL);
	if (rc == 0) {
		rc = draw < 50	 ? list_step(&look)
		     : draw < 88 ? mark_step(&look)
				 : remove_step(&look);
		(void)daos_oit_close(look.table, NULL);
	}
	(void)actor_done(bank->actor, BANK_TABLE, rc);
}
