/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Prepared changes in the heap: a record per transaction, and a chain of blocks per change, in the
 * order in which they will be applied. The values are blobs as in the trees, owned by the change
 * until the tree gets them.
 */
#include "vos/intent.h"

static const struct btree_kind *const intents_kind = &tree_kinds[TREE_INTENTS];

/* Values released by one local transaction: their extents in the data space fit into one. */
#define DROP_BATCH (TX_EXTENTS / BLOB_EXTENTS_MAX)

/* Redo of a block that is freed. */
#define FREE_REDO 128u

static uint64_t
intents_of(const struct vos *vos)
{
	return vos->root + offsetof(struct store_root, intents);
}

int
intent_record_get(struct pin *pin, uint64_t offset, const struct intent_record **ret_record)
{
	const struct intent_record *record = heap_at(pin, offset, sizeof(*record));

	if (!record)
		return pin_outcome(pin);
	if (record->type != RECORD_INTENT || record->version != RECORD_VERSION ||
	    record->state > INTENT_APPLIED || record->applied > record->change_count ||
	    record->change_count > VOS_OPS_MAX ||
	    record->participant_count > VOS_PARTICIPANTS_MAX || record->epoch == 0 ||
	    (record->epoch & HLC_MINOR_MASK) != 0)
		return error_raise(-DER_IO, "the heap is damaged: no transaction at %llu",
				   (unsigned long long)offset);
	*ret_record = record;
	return 0;
}

int
intent_block_get(struct pin *pin, uint64_t offset, const struct intent_block **ret_block)
{
	const struct intent_block *block = heap_at(pin, offset, sizeof(*block));

	if (!block)
		return pin_outcome(pin);
	if (block->type != RECORD_INTENT_BLOCK || block->version != RECORD_VERSION ||
	    block->length == 0 || block->length > INTENT_PART_MAX || block->length % 8 != 0 ||
	    ((block->flags & INTENT_BLOCK_LAST) == 0 && block->length != INTENT_PART_MAX))
		return error_raise(-DER_IO, "the heap is damaged: no part of a change at %llu",
				   (unsigned long long)offset);
	*ret_block = block;
	return 0;
}

/* ------------------------------------------------ encoding */

static size_t
key_size(struct vos_key key)
{
	return align_up(key.length, 8);
}

static uint32_t
akey_values(const struct vos_akey *akey)
{
	return akey->type == VOS_SINGLE ? 1 : akey->extent_count;
}

static uint32_t
op_values(const struct vos_op *op)
{
	uint32_t count = 0;

	for (uint32_t i = 0; op->kind == VOS_OP_UPDATE && i < op->count; i++)
		count += akey_values(&op->akeys[i]);
	return count;
}

static bool
op_has_dkey(const struct vos_op *op)
{
	return op->kind == VOS_OP_UPDATE || op->kind == VOS_OP_PUNCH_AKEYS;
}

static uint32_t
op_keys(const struct vos_op *op)
{
	return op->kind == VOS_OP_PUNCH_OBJECT ? 0 : op->count;
}

static size_t
op_size(const struct vos_op *op)
{
	size_t size = sizeof(struct intent_change);

	if (op_has_dkey(op))
		size += key_size(op->dkey);
	for (uint32_t i = 0; i < op_keys(op); i++) {
		const struct vos_akey *akey = op->kind == VOS_OP_UPDATE ? &op->akeys[i] : NULL;

		size += sizeof(struct intent_key) + key_size(akey ? akey->key : op->keys[i]);
		if (akey && akey->type == VOS_ARRAY)
			size += akey->extent_count * sizeof(struct vos_extent);
	}
	return size;
}

static uint8_t *
bytes_put(uint8_t *to, const void *from, size_t length)
{
	memcpy(to, from, length);
	return to + align_up(length, 8);
}

static uint8_t *
akey_put(uint8_t *to, const struct vos_akey *akey)
{
	struct intent_key key = {
		.value = (uint8_t)akey->type,
		.length = akey->key.length,
		.extent_count = akey->type == VOS_ARRAY ? akey->extent_count : 0,
		.record_size = akey->record_size,
	};

	to = bytes_put(to, &key, sizeof(key));
	to = bytes_put(to, akey->key.data, akey->key.length);
	if (key.extent_count == 0)
		return to;
	return bytes_put(to, akey->extents, akey->extent_count * sizeof(struct vos_extent));
}

static uint8_t *
key_put(uint8_t *to, struct vos_key key)
{
	struct intent_key head = {.length = key.length};

	to = bytes_put(to, &head, sizeof(head));
	return bytes_put(to, key.data, key.length);
}

int
intent_encode(struct vos *vos, const struct vos_op *op, struct intent_step *step)
{
	struct intent_change head = {
		.kind = (uint8_t)op->kind,
		.count = op_keys(op),
		.object = op->object.id,
		.shard = op->object.shard,
		.dkey_length = op_has_dkey(op) ? op->dkey.length : 0,
		.value_count = op_values(op),
	};
	size_t size = op_size(op), all = size + head.value_count * sizeof(uint64_t);
	uint8_t *to;

	if (all > (size_t)INTENT_BLOCKS_MAX * INTENT_PART_MAX)
		return error_raise(-DER_REC2BIG,
				   "one change of a transaction has %zu bytes of keys", all);
	step->bytes = arena_calloc(vos->arena, 1, all);
	if (!step->bytes)
		return error_raise(-DER_NOMEM, "no memory for a transaction");
	step->length = (uint32_t)all;
	step->blobs_at = (uint32_t)size;
	to = bytes_put(step->bytes, &head, sizeof(head));
	if (head.dkey_length > 0)
		to = bytes_put(to, op->dkey.data, op->dkey.length);
	for (uint32_t i = 0; i < head.count; i++)
		to = op->kind == VOS_OP_UPDATE ? akey_put(to, &op->akeys[i])
					       : key_put(to, op->keys[i]);
	ASSERT(to == step->bytes + step->blobs_at);
	return 0;
}

void
intent_blob_set(struct intent_step *step, uint32_t value, uint64_t blob)
{
	memcpy(step->bytes + step->blobs_at + value * sizeof(blob), &blob, sizeof(blob));
}

/* ------------------------------------------------ decoding */

/* What is left to be decoded. */
struct rest {
	uint8_t *at;
	size_t length;
	bool failed;
};

static void *
rest_take(struct rest *rest, size_t length)
{
	uint8_t *at = rest->at;
	size_t padded = align_up(length, 8);

	if (rest->failed || length > rest->length || padded > rest->length) {
		rest->failed = true;
		return NULL;
	}
	rest->at += padded;
	rest->length -= padded;
	return at;
}

static bool
akey_decode(struct rest *rest, struct vos_akey *akey)
{
	const struct intent_key *key = rest_take(rest, sizeof(*key));

	if (!key || (key->value != VOS_SINGLE && key->value != VOS_ARRAY) ||
	    (key->value == VOS_ARRAY &&
	     (key->extent_count == 0 || key->extent_count > VOS_EXTENTS_MAX)))
		return false;
	akey->type = (enum vos_value_type)key->value;
	akey->record_size = key->record_size;
	akey->key.length = key->length;
	akey->key.data = rest_take(rest, key->length);
	if (akey->type == VOS_ARRAY) {
		akey->extent_count = key->extent_count;
		akey->extents = rest_take(rest, key->extent_count * sizeof(struct vos_extent));
	}
	return !rest->failed;
}

static bool
key_decode(struct rest *rest, struct vos_key *key)
{
	const struct intent_key *head = rest_take(rest, sizeof(*head));

	if (!head)
		return false;
	key->length = head->length;
	key->data = rest_take(rest, head->length);
	return !rest->failed;
}

static bool
head_plausible(const struct intent_change *head)
{
	uint32_t most = head->kind == VOS_OP_PUNCH_OBJECT ? 0 : VOS_AKEYS_MAX;
	bool dkey = head->kind == VOS_OP_UPDATE || head->kind == VOS_OP_PUNCH_AKEYS;

	return head->kind >= VOS_OP_UPDATE && head->kind <= VOS_OP_PUNCH_AKEYS &&
	       head->count <= most && (head->count > 0) == (most > 0) &&
	       (head->dkey_length > 0) == dkey && (head->flags & ~INTENT_WHOLE) == 0;
}

static int
keys_decode(struct vos *vos, const struct intent_change *head, struct rest *rest,
	    struct stored_change *change)
{
	bool update = head->kind == VOS_OP_UPDATE, good = true;
	struct vos_akey *akeys;
	struct vos_key *keys;

	change->arrays =
		arena_calloc(vos->arena, head->count, update ? sizeof(*akeys) : sizeof(*keys));
	if (!change->arrays)
		return error_raise(-DER_NOMEM, "no memory for a change of a transaction");
	akeys = change->arrays;
	keys = change->arrays;
	for (uint32_t i = 0; good && i < head->count; i++)
		good = update ? akey_decode(rest, &akeys[i]) : key_decode(rest, &keys[i]);
	change->op.akeys = update ? akeys : NULL;
	change->op.keys = update ? NULL : keys;
	change->op.count = head->count;
	return good ? 0 : -DER_IO;
}

static int
change_decode(struct vos *vos, struct stored_change *change)
{
	struct rest rest = {change->bytes, change->length, false};
	const struct intent_change *head = rest_take(&rest, sizeof(*head));
	int rc;

	if (!head || !head_plausible(head))
		return -DER_IO;
	change->minor = head->minor;
	change->whole = (head->flags & INTENT_WHOLE) != 0;
	change->blob_count = head->value_count;
	change->op.kind = (enum vos_op_kind)head->kind;
	change->op.object = (struct vos_object){head->object, head->shard};
	change->op.dkey.length = head->dkey_length;
	change->op.dkey.data = head->dkey_length > 0 ? rest_take(&rest, head->dkey_length) : NULL;
	rc = keys_decode(vos, head, &rest, change);
	if (rc != 0)
		return rc;
	change->blobs_at = change->length - (uint32_t)rest.length;
	change->blobs = rest_take(&rest, head->value_count * sizeof(uint64_t));
	return rest.failed || rest.length != 0 || op_values(&change->op) != head->value_count
		       ? -DER_IO
		       : 0;
}

int
intent_decode(struct vos *vos, uint8_t *bytes, uint32_t length, struct stored_change *ret_change)
{
	int rc;

	ret_change->bytes = bytes;
	ret_change->length = length;
	rc = change_decode(vos, ret_change);
	return rc == -DER_IO ? error_raise(rc, "the heap is damaged: a change of a transaction "
					       "cannot be understood")
			     : rc;
}

void
intent_unload(struct vos *vos, struct stored_change *change)
{
	arena_free(vos->arena, change->arrays);
	arena_free(vos->arena, change->bytes);
	*change = (struct stored_change){0};
}

/* Finds the blocks of a change and sums their lengths. */
static int
blocks_find(struct pin *pin, uint64_t offset, struct stored_change *change)
{
	const struct intent_block *block;
	uint32_t count = 0, length = 0;
	int rc;

	do {
		if (count == INTENT_BLOCKS_MAX)
			return error_raise(-DER_IO, "the heap is damaged: a change has no end");
		rc = intent_block_get(pin, offset, &block);
		if (rc != 0)
			return rc;
		change->blocks[count++] = offset;
		length += block->length;
		offset = block->next;
	} while ((block->flags & INTENT_BLOCK_LAST) == 0);
	change->block_count = count;
	change->length = length;
	change->next = offset;
	return 0;
}

static int
blocks_copy(struct vos *vos, struct pin *pin, struct stored_change *change)
{
	uint32_t done = 0;

	change->bytes = arena_alloc(vos->arena, change->length);
	if (!change->bytes)
		return error_raise(-DER_NOMEM, "no memory for a change of a transaction");
	for (uint32_t i = 0; i < change->block_count; i++) {
		uint32_t length = min_of(change->length - done, INTENT_PART_MAX);
		const uint8_t *block =
			heap_at(pin, change->blocks[i], sizeof(struct intent_block) + length);

		if (!block)
			return pin_outcome(pin);
		memcpy(change->bytes + done, block + sizeof(struct intent_block), length);
		done += length;
	}
	return 0;
}

int
intent_load(struct vos *vos, uint64_t offset, struct stored_change *ret_change)
{
	struct stored_change change = {0};
	struct pin pin;
	int rc;

	do {
		intent_unload(vos, &change);
		pin_init(&pin, vos->heap);
		rc = blocks_find(&pin, offset, &change);
		if (rc == 0)
			rc = blocks_copy(vos, &pin, &change);
		if (rc == -DER_AGAIN)
			rc = pin_load(&pin) ?: -DER_AGAIN;
		pin_fini(&pin);
	} while (rc == -DER_AGAIN);
	if (rc == 0)
		rc = intent_decode(vos, change.bytes, change.length, &change);
	if (rc != 0)
		intent_unload(vos, &change);
	else
		*ret_change = change;
	return rc;
}

/* ------------------------------------------------ the record */

static int
record_probe(struct edit *edit, struct intent_step *step)
{
	const struct prepared *prepared = step->prepared;
	const struct intent_record *record;
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_INTENTS, intents_of(edit->vos), uuid_hash(&prepared->tx.id),
			    &prepared->tx.id, false, &cursor);

	if (rc != -DER_EXIST && rc != -DER_NONEXIST)
		return rc;
	if ((rc == -DER_EXIST) != prepared->stored)
		return error_raise(-DER_IO, "the heap is damaged: a transaction %s",
				   prepared->stored ? "is lost" : "was there before");
	step->record = 0;
	if (rc == -DER_NONEXIST)
		return 0;
	step->record = cursor.record;
	return intent_record_get(edit_pin(edit), cursor.record, &record);
}

static void
record_create(struct edit *edit, struct intent_step *step)
{
	struct prepared *prepared = step->prepared;
	const struct vos_tx *tx = &prepared->tx;
	struct participants *participants;
	struct intent_record *record;
	uint64_t offset = 0;

	if (tx->participant_count > 0) {
		offset = tx_alloc(&edit->tx, participants_size(tx->participant_count),
				  edit->vos->root);
		participants =
			tx_change(&edit->tx, offset, participants_size(tx->participant_count));
		participants->type = RECORD_PARTICIPANTS;
		participants->version = RECORD_VERSION;
		participants->count = tx->participant_count;
		memcpy(participants + 1, tx->participants,
		       tx->participant_count * sizeof(uint32_t));
	}
	btree_insert(&edit->tx, intents_kind, intents_of(edit->vos), uuid_hash(&tx->id), &tx->id,
		     edit->vos->root, &step->record);
	record = tx_change(&edit->tx, step->record, sizeof(*record));
	*record = (struct intent_record){
		.type = RECORD_INTENT,
		.version = RECORD_VERSION,
		.leads = tx->leads,
		.leader = tx->leader,
		.id = tx->id,
		.container = tx->container,
		.epoch = tx->epoch,
		.change_count = prepared->change_count,
		.participant_count = tx->participant_count,
		.participants = offset,
	};
	prepared->stored = true;
}

/* ------------------------------------------------ steps */

void
intent_step_begin(struct edit *edit, struct intent_step *step)
{
	edit->prepared = step->prepared;
	edit->applying = step->change != NULL;
	/* What was prepared must not fail for want of space. */
	edit->need.privileged = edit->applying;
}

int
intent_step_take(struct edit *edit, struct intent_step *step, const struct ordered_key *dkey)
{
	int rc = scope_take(edit->vos, step->prepared, edit->object, dkey, &edit->blocker);

	edit->blocked = rc == EDIT_AGAIN;
	step->whole = !dkey || step->whole;
	return rc;
}

/* ------------------------------------------------ appending */

void
intent_append_need(struct edit *edit, const struct intent_step *step)
{
	for (uint32_t done = 0; done < step->length; done += INTENT_PART_MAX)
		edit_need_block(edit, sizeof(struct intent_block) +
					      min_of(step->length - done, INTENT_PART_MAX));
	edit->need.log_bytes += sizeof(struct intent_record) + sizeof(struct intent_block);
	if (step->prepared->stored)
		return;
	edit_need(edit, TREE_INTENTS);
	if (step->prepared->tx.participant_count > 0)
		edit_need_block(edit, participants_size(step->prepared->tx.participant_count));
}

int
intent_append_check(struct edit *edit, struct intent_step *step)
{
	const struct intent_block *block;
	int rc = record_probe(edit, step);

	if (rc == 0 && step->prepared->last != 0)
		rc = intent_block_get(edit_pin(edit), step->prepared->last, &block);
	return rc;
}

/* Stores the bytes, the last block first, as each names the next. */
static void
blocks_create(struct edit *edit, const struct intent_step *step, uint64_t *ret_first,
	      uint64_t *ret_last)
{
	uint32_t count = (step->length + INTENT_PART_MAX - 1) / INTENT_PART_MAX;
	uint64_t next = 0;

	for (uint32_t i = count; i-- > 0;) {
		uint32_t done = i * INTENT_PART_MAX,
			 length = min_of(step->length - done, INTENT_PART_MAX);
		uint64_t offset =
			tx_alloc(&edit->tx, sizeof(struct intent_block) + length, edit->vos->root);
		struct intent_block *block = tx_change(&edit->tx, offset, sizeof(*block) + length);

		*block = (struct intent_block){
			.type = RECORD_INTENT_BLOCK,
			.version = RECORD_VERSION,
			.flags = i + 1 == count ? INTENT_BLOCK_LAST : 0,
			.length = length,
			.next = next,
		};
		memcpy(block + 1, step->bytes + done, length);
		if (i + 1 == count)
			*ret_last = offset;
		next = offset;
	}
	*ret_first = next;
}

void
intent_append(struct edit *edit, struct intent_step *step)
{
	struct prepared *prepared = step->prepared;
	struct intent_record *record;
	uint64_t first = 0, last = 0;

	if (step->record == 0)
		record_create(edit, step);
	if (step->bytes) {
		step->bytes[offsetof(struct intent_change, minor)] = (uint8_t)step->minor;
		step->bytes[offsetof(struct intent_change, flags)] = step->whole ? INTENT_WHOLE : 0;
		blocks_create(edit, step, &first, &last);
	}
	if (first != 0 && prepared->last != 0)
		*(uint64_t *)tx_change(&edit->tx,
				       prepared->last + offsetof(struct intent_block, next),
				       sizeof(uint64_t)) = first;
	if (prepared->first == 0)
		prepared->first = first;
	if (last != 0)
		prepared->last = last;
	record = tx_change(&edit->tx, step->record, sizeof(*record));
	record->first = prepared->first;
	record->last = prepared->last;
	record->state = step->last ? INTENT_PREPARED : INTENT_PARTIAL;
	prepared->tx.state = (enum vos_tx_state)record->state;
}

/* ------------------------------------------------ advancing */

static bool
step_ends(const struct intent_step *step)
{
	return !step->change || step->change->next == 0;
}

/* Whether the record goes with the last change. */
static bool
step_forgets(const struct intent_step *step)
{
	const struct vos_tx *tx = &step->prepared->tx;

	return step->state == INTENT_PARTIAL || !tx->leads || tx->participant_count == 0;
}

void
intent_advance_need(struct edit *edit, const struct intent_step *step)
{
	edit->need.log_bytes += sizeof(struct intent_record) + FREE_REDO;
	if (step->change)
		edit->need.log_bytes += step->change->block_count * FREE_REDO;
	edit_need_removal(edit, TREE_INTENTS);
}

int
intent_advance_check(struct edit *edit, struct intent_step *step)
{
	const struct intent_record *record;
	const struct intent_block *block;
	int rc = record_probe(edit, step);

	if (rc == 0)
		rc = intent_record_get(edit_pin(edit), step->record, &record);
	for (uint32_t i = 0; rc == 0 && step->change && i < step->change->block_count; i++)
		rc = intent_block_get(edit_pin(edit), step->change->blocks[i], &block);
	if (rc == 0 && record->participants != 0 &&
	    !heap_at(edit_pin(edit), record->participants, sizeof(struct participants)))
		rc = pin_outcome(edit_pin(edit));
	return rc;
}

static void
record_end(struct edit *edit, struct intent_step *step, struct intent_record *record)
{
	struct prepared *prepared = step->prepared;

	if (!step_forgets(step)) {
		record->state = INTENT_APPLIED;
		prepared->tx.state = VOS_TX_APPLIED;
		return;
	}
	if (record->participants != 0)
		tx_free(&edit->tx, record->participants);
	btree_remove(&edit->tx, intents_kind, intents_of(edit->vos), uuid_hash(&prepared->tx.id),
		     &prepared->tx.id);
	prepared->stored = false;
}

/* Sets the state, where it is not that already. */
static struct intent_record *
record_state_set(struct edit *edit, struct intent_step *step)
{
	struct intent_record *record = tx_change(&edit->tx, step->record, sizeof(*record));

	record->state = (uint8_t)step->state;
	step->prepared->tx.state = (enum vos_tx_state)step->state;
	return record;
}

void
intent_advance(struct edit *edit, struct intent_step *step)
{
	const struct stored_change *change = step->change;
	struct prepared *prepared = step->prepared;
	struct intent_record *record = record_state_set(edit, step);

	if (change) {
		record->applied++;
		record->first = change->next;
		if (change->next == 0)
			record->last = 0;
		prepared->applied = record->applied;
		prepared->first = record->first;
		prepared->last = record->last;
		for (uint32_t i = 0; i < change->block_count; i++)
			tx_free(&edit->tx, change->blocks[i]);
	}
	if (step_ends(step))
		record_end(edit, step, record);
}

/* ------------------------------------------------ dropping */

/* Releases some values of a change; with the last of them the change goes. */
struct drop_plan {
	struct intent_step step;
	uint32_t count;
	uint32_t values[DROP_BATCH];
	bool rest; /* there are more */
};

static void
drop_choose(struct drop_plan *plan)
{
	const struct stored_change *change = plan->step.change;

	plan->count = 0;
	plan->rest = false;
	for (uint32_t i = 0; change && i < change->blob_count; i++) {
		if (change->blobs[i] == 0)
			continue;
		plan->rest = plan->count == DROP_BATCH;
		if (plan->rest)
			return;
		plan->values[plan->count++] = i;
	}
}

static void
drop_need(struct edit *edit)
{
	struct drop_plan *plan = edit->plan;

	intent_advance_need(edit, &plan->step);
	edit->need.log_bytes += DROP_BATCH * (2 * FREE_REDO + 16);
}

static int
drop_check(struct edit *edit)
{
	struct drop_plan *plan = edit->plan;
	const struct blob *blob;
	int rc = intent_advance_check(edit, &plan->step);

	for (uint32_t i = 0; rc == 0 && i < plan->count; i++)
		rc = blob_get(edit_pin(edit), plan->step.change->blobs[plan->values[i]], &blob);
	return rc;
}

/* Where in the heap the offset of a value's blob is. */
static uint64_t
blob_word(const struct stored_change *change, uint32_t value)
{
	uint32_t at = change->blobs_at + value * (uint32_t)sizeof(uint64_t);

	return change->blocks[at / INTENT_PART_MAX] + sizeof(struct intent_block) +
	       at % INTENT_PART_MAX;
}

static void
drop_apply(struct edit *edit)
{
	struct drop_plan *plan = edit->plan;
	const struct stored_change *change = plan->step.change;

	for (uint32_t i = 0; i < plan->count; i++)
		blob_release(&edit->tx, change->blobs[plan->values[i]]);
	if (!plan->rest) {
		intent_advance(edit, &plan->step);
		return;
	}
	record_state_set(edit, &plan->step);
	for (uint32_t i = 0; i < plan->count; i++)
		*(uint64_t *)tx_change(&edit->tx, blob_word(change, plan->values[i]),
				       sizeof(uint64_t)) = 0;
}

/* One local transaction of it. */
static int
drop_once(struct vos *vos, struct prepared *prepared, enum intent_state state)
{
	static const struct edit_steps steps = {
		.need = drop_need, .check = drop_check, .apply = drop_apply};
	struct drop_plan plan = {.step = {.prepared = prepared, .state = state}};
	struct stored_change change = {0};
	struct edit edit;
	uint64_t group;
	int rc = 0;

	if (prepared->first != 0) {
		rc = intent_load(vos, prepared->first, &change);
		plan.step.change = &change;
	}
	if (rc == 0) {
		drop_choose(&plan);
		edit_init(&edit, vos, NULL, NULL, NULL);
		edit.need.privileged = true;
		edit.plan = &plan;
		rc = edit_run(&edit, &steps, &group);
	}
	if (rc == 0)
		prepared->group = group;
	intent_unload(vos, &change);
	return rc;
}

int
intent_drop(struct vos *vos, struct prepared *prepared, enum intent_state state)
{
	int rc = 0;

	while (rc == 0 && prepared->stored &&
	       !(state == INTENT_COMMITTED && prepared->tx.state == VOS_TX_APPLIED))
		rc = drop_once(vos, prepared, state);
	return rc;
}
