/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Transactions: prepared beside the trees, decided, then applied change after change or forgotten.
 */
#include "vos/intent.h"

/* Waits of refused callers would tell what is not durable yet. */
static int
settled(struct vos *vos, int rc)
{
	int waited = media_wait(vos->media, vos->intents_group);

	return waited != 0 ? waited : rc;
}

static void
group_note(struct vos *vos, struct prepared *prepared, uint64_t group)
{
	prepared->group = max_of(prepared->group, group);
	vos->intents_group = max_of(vos->intents_group, prepared->group);
}

static int
change_run(struct vos_container *container, const struct vos_op *op,
	   const struct vos_change *change, struct intent_step *step)
{
	uint64_t group;
	int rc = op->kind == VOS_OP_UPDATE ? update_step(container, op, change, step, &group)
					   : punch_step(container, op, change, step, &group);

	if (rc == 0)
		group_note(container->vos, step->prepared, group);
	return rc;
}

/* ------------------------------------------------ prepare */

static int
tx_judge(const struct vos_container *container, const struct vos_tx *tx, const struct vos_op *ops,
	 uint32_t count)
{
	const struct vos *vos = container->vos;

	if (tx->epoch == 0 || (tx->epoch & HLC_MINOR_MASK) != 0 || uuid_empty(&tx->id) ||
	    !uuid_equal(&tx->container, &container->id))
		return error_raise(-DER_INVAL, "a transaction needs an id, its container and an "
					       "epoch without minor bits");
	if (count > VOS_OPS_MAX || tx->participant_count > VOS_PARTICIPANTS_MAX)
		return error_raise(-DER_OVERFLOW,
				   "a transaction of %u changes and %u targets; the limits are %u "
				   "and %u",
				   count, tx->participant_count, VOS_OPS_MAX, VOS_PARTICIPANTS_MAX);
	for (uint32_t i = 0; i < count; i++)
		if (ops[i].kind < VOS_OP_UPDATE || ops[i].kind > VOS_OP_PUNCH_AKEYS)
			return error_raise(-DER_INVAL, "change %u of a transaction is of no kind",
					   i);
	if (tx->epoch <= vos->floor)
		return -DER_TX_RESTART;
	if (prepared_find(vos, &tx->id))
		return error_raise(-DER_EXIST, "a transaction is prepared already");
	if (vos->prepared.count >= VOS_PREPARED_MAX) {
		REACHED("vos: too many transactions are prepared");
		return error_raise(-DER_OVERLOAD_RETRY, "%u transactions are prepared",
				   VOS_PREPARED_MAX);
	}
	return 0;
}

static int
op_prepare(struct vos_container *container, struct prepared *prepared, struct ahead *ahead,
	   const struct vos_op *op, bool last)
{
	struct intent_step step = {.prepared = prepared, .ahead = ahead, .last = last};
	struct vos_change change = {
		.epoch = prepared->tx.epoch,
		.conditions = op->conditions,
		.reader = prepared->tx.id,
	};
	int rc;

	ahead->change++;
	rc = change_run(container, op, &change, &step);
	arena_free(container->vos->arena, step.bytes);
	return rc;
}

static void
record_need(struct edit *edit)
{
	intent_append_need(edit, edit->plan);
}

static int
record_check(struct edit *edit)
{
	return intent_append_check(edit, edit->plan);
}

static void
record_apply(struct edit *edit)
{
	intent_append(edit, edit->plan);
}

/* The record alone, of a transaction that changes nothing here. */
static int
record_prepare(struct vos *vos, struct prepared *prepared)
{
	static const struct edit_steps steps = {
		.need = record_need, .check = record_check, .apply = record_apply};
	struct intent_step step = {.prepared = prepared, .last = true};
	struct edit edit;
	uint64_t group;
	int rc;

	edit_init(&edit, vos, NULL, NULL, NULL);
	edit.plan = &step;
	rc = edit_run(&edit, &steps, &group);
	if (rc == 0)
		group_note(vos, prepared, group);
	return rc;
}

static int
ops_prepare(struct vos_container *container, struct prepared *prepared, const struct vos_op *ops,
	    uint32_t count)
{
	struct ahead ahead;
	int rc = count == 0 ? record_prepare(container->vos, prepared) : 0;

	ahead_init(&ahead, container->vos->arena);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = op_prepare(container, prepared, &ahead, &ops[i], i + 1 == count);
	ahead_fini(&ahead);
	return rc;
}

/*
 * Ends a transaction that leaves nothing: its record is gone, or, where that failed, is partial and
 * will be forgotten when the store is opened again.
 */
static void
prepared_end(struct vos *vos, struct prepared *prepared)
{
	vos->intents_group = max_of(vos->intents_group, prepared->group);
	prepared_destroy(vos, prepared);
}

/* The payload of the caller may be under way still. */
static void
prepare_undo(struct vos *vos, struct prepared *prepared)
{
	uint64_t group = prepared->group;
	int rc = intent_drop(vos, prepared, INTENT_PARTIAL), waited = media_wait(vos->media, group);

	if (rc != 0 || waited != 0)
		error_log(LOG_WARNING, rc != 0 ? rc : waited,
			  "the rest of a transaction that was refused stays until the store is "
			  "opened again");
	prepared_end(vos, prepared);
}

int
vos_tx_prepare(struct vos_container *container, const struct vos_tx *tx, const struct vos_op *ops,
	       uint32_t count, uint64_t *ret_group)
{
	struct vos *vos = container->vos;
	struct prepared *prepared;
	int rc = container_check(container);

	if (rc == 0)
		rc = tx_judge(container, tx, ops, count);
	if (rc == 0)
		rc = prepared_create(vos, tx, &prepared);
	if (rc != 0)
		return settled(vos, rc);
	prepared->tx.state = (enum vos_tx_state)INTENT_PARTIAL;
	prepared->change_count = count;
	prepared_hold(vos, prepared);
	rc = ops_prepare(container, prepared, ops, count);
	if (rc != 0) {
		prepare_undo(vos, prepared);
		return rc;
	}
	*ret_group = prepared->group;
	prepared_give(prepared);
	return 0;
}

/* ------------------------------------------------ decide */

struct decide_plan {
	struct uuid id;
	uint64_t record;
};

static int
decide_check(struct edit *edit)
{
	struct decide_plan *plan = edit->plan;
	const struct prepared *prepared = prepared_find(edit->vos, &plan->id);
	const struct intent_record *record;
	struct btree_cursor cursor;
	int rc;

	if (!prepared || prepared->tx.state == (enum vos_tx_state)INTENT_PARTIAL)
		return -DER_NONEXIST;
	rc = edit_probe(edit, TREE_INTENTS, edit->vos->root + offsetof(struct store_root, intents),
			uuid_hash(&plan->id), &plan->id, false, &cursor);
	if (rc != -DER_EXIST)
		return rc == -DER_NONEXIST
			       ? error_raise(-DER_IO, "the heap is damaged: a transaction is lost")
			       : rc;
	plan->record = cursor.record;
	return intent_record_get(edit_pin(edit), cursor.record, &record);
}

static void
decide_apply(struct edit *edit)
{
	struct decide_plan *plan = edit->plan;
	struct prepared *prepared = prepared_find(edit->vos, &plan->id);
	uint8_t *state;

	if (prepared->tx.state != VOS_TX_PREPARED)
		return;
	state = tx_change(&edit->tx, plan->record + offsetof(struct intent_record, state), 1);
	*state = INTENT_COMMITTED;
	prepared->tx.state = VOS_TX_COMMITTED;
}

static void
decide_need(struct edit *edit)
{
	edit->need.log_bytes += sizeof(struct intent_record);
}

int
vos_tx_decide(struct vos *vos, struct uuid id, const struct request_id *request,
	      uint64_t *ret_group)
{
	static const struct edit_steps steps = {
		.need = decide_need, .check = decide_check, .apply = decide_apply};
	struct decide_plan plan = {.id = id};
	struct prepared *prepared = NULL;
	struct vos_change change = {.request = request};
	struct edit edit;
	int rc = prepared_take(vos, &id, &prepared);

	if (rc != 0 && rc != -DER_NONEXIST)
		return rc;
	/* Also where it is not known: the request may have its answer. */
	change.epoch = prepared ? prepared->tx.epoch : 1;
	edit_init(&edit, vos, NULL, NULL, &change);
	edit.need.privileged = true;
	edit.plan = &plan;
	rc = edit_run(&edit, &steps, ret_group);
	if (rc == 0 && prepared)
		group_note(vos, prepared, *ret_group);
	/* Answered from the table. */
	if (rc == 0 && prepared && prepared->tx.state == VOS_TX_PREPARED)
		rc = -DER_ALREADY;
	if (prepared)
		prepared_give(prepared);
	return rc;
}

/* ------------------------------------------------ apply */

/* What a change is not refused with after it was judged. */
static int
applied_judge(int rc)
{
	static const int refusals[] = {-DER_INVAL,    -DER_EXIST,   -DER_NONEXIST, -DER_TX_RESTART,
				       -DER_OVERFLOW, -DER_KEY2BIG, -DER_IO_INVAL};

	for (uint32_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (rc == refusals[i])
			return error_raise(-DER_IO,
					   "the heap is damaged: a change of a "
					   "transaction, which was judged, is refused: %s",
					   error_name(rc));
	return rc;
}

/* Judged when it was prepared: no conditions, and the payload is stored. */
static int
change_apply(struct vos_container *container, struct prepared *prepared)
{
	struct stored_change stored;
	struct intent_step step = {
		.prepared = prepared, .change = &stored, .state = INTENT_COMMITTED};
	struct vos_change change = {.reader = prepared->tx.id};
	int rc = intent_load(container->vos, prepared->first, &stored);

	if (rc != 0)
		return rc;
	change.epoch = prepared->tx.epoch + stored.minor;
	rc = change_run(container, &stored.op, &change, &step);
	intent_unload(container->vos, &stored);
	/* The container may have gone in between. */
	return container->destroyed ? -DER_NONEXIST : applied_judge(rc);
}

/* Of a container that is gone the changes go too. */
static int
changes_apply(struct vos *vos, struct prepared *prepared)
{
	struct vos_container *container = NULL;
	int rc = vos_container_open(vos, prepared->tx.container, &container);

	while (rc == 0 && prepared->first != 0)
		rc = change_apply(container, prepared);
	if (container)
		vos_container_close(container);
	if (rc == -DER_NONEXIST)
		REACHED("vos: the container of a transaction is gone");
	return rc == 0 || rc == -DER_NONEXIST ? intent_drop(vos, prepared, INTENT_COMMITTED) : rc;
}

int
vos_tx_apply(struct vos *vos, struct uuid id, uint64_t *ret_group)
{
	struct prepared *prepared;
	int rc = prepared_take(vos, &id, &prepared);

	if (rc != 0) {
		*ret_group = vos->intents_group;
		return rc == -DER_NONEXIST ? 0 : rc;
	}
	if (prepared->tx.state == VOS_TX_PREPARED && prepared->tx.leads)
		rc = error_raise(-DER_INVAL, "a transaction is applied before it was decided");
	else if (prepared->tx.state != VOS_TX_APPLIED)
		rc = changes_apply(vos, prepared);
	*ret_group = prepared->group;
	if (rc == 0)
		prepared_release(vos, prepared);
	if (prepared->stored)
		prepared_give(prepared);
	else
		prepared_end(vos, prepared);
	return rc;
}

/* ------------------------------------------------ forget */

int
vos_tx_forget(struct vos *vos, struct uuid id, uint64_t *ret_group)
{
	struct prepared *prepared;
	int rc = prepared_take(vos, &id, &prepared);

	if (rc != 0) {
		*ret_group = vos->intents_group;
		return rc == -DER_NONEXIST ? 0 : rc;
	}
	if (prepared->tx.state == VOS_TX_COMMITTED)
		rc = error_raise(-DER_BUSY, "a transaction is committed and not yet applied");
	else
		rc = intent_drop(vos, prepared, INTENT_PARTIAL);
	*ret_group = prepared->group;
	if (prepared->stored)
		prepared_give(prepared);
	else
		prepared_end(vos, prepared);
	return rc;
}

/* ------------------------------------------------ what is known */

int
vos_tx_state(struct vos *vos, struct uuid id, enum vos_tx_state *ret_state)
{
	enum vos_tx_state state = (enum vos_tx_state)INTENT_PARTIAL;
	struct prepared *prepared;
	int rc = prepared_take(vos, &id, &prepared);

	if (rc == 0) {
		state = prepared->tx.state;
		prepared_give(prepared);
	} else if (rc != -DER_NONEXIST) {
		return rc;
	}
	rc = settled(vos, 0);
	if (rc != 0)
		return rc;
	if (state == (enum vos_tx_state)INTENT_PARTIAL)
		return -DER_NONEXIST;
	*ret_state = state;
	return 0;
}

int
vos_tx_each(struct vos *vos, int (*visit)(void *argument, const struct vos_tx *tx), void *argument)
{
	uint32_t count = 0;
	struct uuid *ids = arena_alloc(vos->arena, vos->prepared.count * sizeof(*ids));
	int rc = 0;

	if (!ids)
		return error_raise(-DER_NOMEM, "no memory to walk over transactions");
	LIST_FOR_EACH(link, &vos->preparations)
		ids[count++] = list_entry(link, struct prepared, link)->tx.id;
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		struct prepared *prepared = prepared_find(vos, &ids[i]);
		uint32_t targets[VOS_PARTICIPANTS_MAX];
		struct vos_tx tx;

		if (!prepared || prepared->tx.state == (enum vos_tx_state)INTENT_PARTIAL)
			continue;
		/* It may go while visit yields. */
		tx = prepared->tx;
		memcpy(targets, prepared->participants, tx.participant_count * sizeof(*targets));
		tx.participants = targets;
		rc = visit(argument, &tx);
	}
	arena_free(vos->arena, ids);
	return rc;
}

void
vos_set_floor(struct vos *vos, uint64_t epoch)
{
	vos->floor = BUG(26) ? 0 : max_of(vos->floor, epoch);
}

/* ------------------------------------------------ open */

/* The next record behind after, or the first (NULL). -DER_NONEXIST. */
static int
record_next(struct pin *pin, const struct vos *vos, const struct uuid *after,
	    struct intent_record *ret_record, uint32_t *targets)
{
	uint64_t root = vos->root + offsetof(struct store_root, intents);
	const struct btree_kind *kind = &tree_kinds[TREE_INTENTS];
	const struct intent_record *record;
	const struct participants *participants;
	struct btree_cursor cursor;
	int rc = after ? btree_find(pin, kind, root, uuid_hash(after), after, BTREE_ABOVE, &cursor)
		       : btree_first(pin, kind, root, &cursor);

	if (rc == 0)
		rc = intent_record_get(pin, cursor.record, &record);
	if (rc != 0)
		return rc;
	*ret_record = *record;
	if (record->participant_count == 0)
		return 0;
	participants =
		heap_at(pin, record->participants, participants_size(record->participant_count));
	if (!participants)
		return pin_outcome(pin);
	if (participants->type != RECORD_PARTICIPANTS || participants->version != RECORD_VERSION ||
	    participants->count != record->participant_count)
		return error_raise(-DER_IO, "the heap is damaged: no participants at %llu",
				   (unsigned long long)record->participants);
	memcpy(targets, participants + 1, participants->count * sizeof(*targets));
	return 0;
}

static int
record_load(struct vos *vos, const struct uuid *after, struct intent_record *ret_record,
	    uint32_t *targets)
{
	struct pin pin;
	int rc;

	do {
		pin_init(&pin, vos->heap);
		rc = record_next(&pin, vos, after, ret_record, targets);
		if (rc == -DER_AGAIN)
			rc = pin_load(&pin) ?: -DER_AGAIN;
		pin_fini(&pin);
	} while (rc == -DER_AGAIN);
	return rc;
}

/* Holds again what the change holds. */
static int
change_hold(struct vos *vos, struct prepared *prepared, const struct stored_change *change)
{
	const struct vos_op *op = &change->op;
	struct ordered_key key;
	struct uuid blocker;
	int rc = 0;

	if (change->whole)
		return scope_take(vos, prepared, &op->object, NULL, &blocker);
	if (op->kind != VOS_OP_PUNCH_DKEYS) {
		rc = dkey_order(&op->object, op->dkey, &key);
		return rc == 0 ? scope_take(vos, prepared, &op->object, &key, &blocker) : rc;
	}
	for (uint32_t i = 0; rc == 0 && i < op->count; i++) {
		rc = dkey_order(&op->object, op->keys[i], &key);
		if (rc == 0)
			rc = scope_take(vos, prepared, &op->object, &key, &blocker);
	}
	return rc;
}

static int
changes_hold(struct vos *vos, struct prepared *prepared)
{
	uint32_t count = prepared->applied;
	uint64_t offset = prepared->first;
	int rc = 0;

	prepared_hold(vos, prepared);
	for (; rc == 0 && offset != 0 && count < prepared->change_count; count++) {
		struct stored_change change;

		rc = intent_load(vos, offset, &change);
		if (rc != 0)
			break;
		offset = change.next;
		rc = change_hold(vos, prepared, &change);
		intent_unload(vos, &change);
	}
	if (rc == -DER_NOMEM || rc == -DER_IO)
		return rc;
	if (rc != 0 || offset != 0 || count != prepared->change_count)
		return error_raise(-DER_IO, "the heap is damaged: a transaction has other changes "
					    "than were stored");
	return 0;
}

static int
record_open(struct vos *vos, const struct intent_record *record, const uint32_t *targets)
{
	struct vos_tx tx = {
		.id = record->id,
		.container = record->container,
		.epoch = record->epoch,
		.leader = record->leader,
		.leads = record->leads != 0,
		.state = (enum vos_tx_state)record->state,
		.participant_count = record->participant_count,
		.participants = targets,
	};
	struct prepared *prepared;
	int rc = prepared_create(vos, &tx, &prepared);

	if (rc != 0)
		return rc;
	prepared->stored = true;
	prepared->change_count = record->change_count;
	prepared->applied = record->applied;
	prepared->first = record->first;
	prepared->last = record->last;
	if (record->state == INTENT_PREPARED || record->state == INTENT_COMMITTED)
		rc = changes_hold(vos, prepared);
	else if (record->state == INTENT_PARTIAL) {
		REACHED("vos: a transaction that was not prepared to the end is forgotten");
		rc = intent_drop(vos, prepared, INTENT_PARTIAL);
	}
	if (prepared->stored)
		prepared_give(prepared);
	else
		prepared_end(vos, prepared);
	return rc;
}

int
intents_open(struct vos *vos)
{
	uint32_t targets[VOS_PARTICIPANTS_MAX];
	struct intent_record record = {0};
	struct uuid last = {0};
	bool any = false;
	int rc;

	while ((rc = record_load(vos, any ? &last : NULL, &record, targets)) == 0) {
		rc = record_open(vos, &record, targets);
		if (rc != 0)
			return rc;
		last = record.id;
		any = true;
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}
