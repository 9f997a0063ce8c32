/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The frame of every change: reserve, then check and apply in one NO_YIELD scope, then note the
 * group. */
#include "vos/private.h"

static const struct btree_kind *const dead_kind = &tree_kinds[TREE_DEAD];
static const struct btree_kind *const stale_kind = &tree_kinds[TREE_STALE];

void
edit_init(struct edit *edit, struct vos *vos, struct vos_container *container,
	  const struct vos_object *object, const struct vos_change *change)
{
	*edit = (struct edit){
		.vos = vos,
		.container = container,
		.object = object,
		.change = change,
		.epoch = change ? change->epoch : 0,
	};
}

/* ------------------------------------------------ need */

void
edit_need(struct edit *edit, uint32_t tree)
{
	btree_need_depth(&tree_kinds[tree], edit->vos->depths[tree], &edit->need);
}

void
edit_need_many(struct edit *edit, uint32_t tree, uint32_t depth, uint32_t count)
{
	if (count > 0)
		btree_need_count(&tree_kinds[tree], depth, count, &edit->need);
}

void
edit_need_removal(struct edit *edit, uint32_t tree)
{
	struct tx_need need = {0};

	btree_need_depth(&tree_kinds[tree], edit->vos->depths[tree], &need);
	edit->need.log_bytes += need.log_bytes;
}

void
edit_need_block(struct edit *edit, size_t size)
{
	edit->need.allocations++;
	edit->need.heap_bytes += (uint32_t)size;
	edit->need.largest = max_of(edit->need.largest, (uint32_t)size);
}

/* Whether edit_need() was enough for the tree at root. */
static int
depth_check(struct edit *edit, uint32_t tree, uint64_t root)
{
	const struct btree_root *top = heap_at(edit_pin(edit), root, sizeof(*top));

	if (!top)
		return pin_outcome(edit_pin(edit));
	if (top->depth > BTREE_DEPTH_MAX)
		return error_raise(-DER_IO, "the heap is damaged: a tree of depth %u", top->depth);
	if (top->depth <= max_of(edit->vos->depths[tree], 1u))
		return 0;
	REACHED("vos: a tree is deeper than was reserved for");
	edit->vos->depths[tree] = top->depth;
	return EDIT_AGAIN;
}

int
edit_probe_last(struct edit *edit, uint32_t tree, uint64_t root, struct btree_cursor *ret_cursor)
{
	int rc = depth_check(edit, tree, root);

	return rc == 0 ? btree_probe_last(&edit->tx, &tree_kinds[tree], root, ret_cursor) : rc;
}

int
edit_probe(struct edit *edit, uint32_t tree, uint64_t root, uint64_t order, const void *wanted,
	   bool wide, struct btree_cursor *ret_cursor)
{
	const struct btree_kind *kind = &tree_kinds[tree];
	int rc = depth_check(edit, tree, root);

	if (rc != 0)
		return rc;
	return wide ? btree_probe_wide(&edit->tx, kind, root, order, wanted, ret_cursor)
		    : btree_probe(&edit->tx, kind, root, order, wanted, ret_cursor);
}

int
edit_probe_new(struct edit *edit, uint32_t tree, uint64_t root, uint64_t order, const void *wanted)
{
	struct btree_cursor cursor;
	int rc = edit_probe(edit, tree, root, order, wanted, false, &cursor);

	if (rc == -DER_EXIST)
		return error_raise(-DER_IO, "the heap is damaged: %s has a record twice",
				   tree_kinds[tree].name);
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* ------------------------------------------------ run */

/* What every change checks first. */
static int
edit_check(struct edit *edit, const struct edit_steps *steps)
{
	int rc = edit->container ? container_check(edit->container) : 0;

	edit->stales = false;
	edit->stale_first = false;
	edit->answered = false;
	if (rc == 0)
		rc = request_check(edit);
	if (rc != 0 || edit->answered)
		return rc;
	if (edit->container && !edit->applying && edit->epoch <= edit->container->guard)
		return -DER_TX_RESTART;
	rc = edit->touch && !edit->applying ? touch_judge(edit) : 0;
	if (rc != 0)
		return rc;
	if (FAULT("vos: prepare a change again"))
		return EDIT_AGAIN;
	rc = steps->check(edit);
	return rc == 0 && FAULT("vos: a change finds a zone absent") ? -DER_AGAIN : rc;
}

static void
edit_commit(struct edit *edit, uint64_t *ret_group)
{
	tx_commit(&edit->tx, ret_group);
	edit->vos->newest_group = max_of(edit->vos->newest_group, *ret_group);
	if (edit->container && edit->object)
		container_note(edit->container, edit->object, *ret_group);
	else if (edit->container)
		edit->container->newest_group = max_of(edit->container->newest_group, *ret_group);
}

/* One attempt. *committed tells whether the transaction has ended. */
static int
edit_attempt(struct edit *edit, const struct edit_steps *steps, bool *committed,
	     uint64_t *ret_group)
{
	int rc = 0;

	NO_YIELD
	{
		rc = edit_check(edit, steps);
		if (rc == 0 && !edit->answered) {
			steps->apply(edit);
			request_note(edit);
			*committed = edit->tx.changed;
			if (*committed)
				edit_commit(edit, ret_group);
		}
	}
	return rc;
}

/* The group an answer without a change has to wait for. */
static uint64_t
edit_seen_group(const struct edit *edit)
{
	if (edit->container && edit->object && !edit->answered)
		return container_group(edit->container, edit->object);
	return edit->vos->newest_group;
}

/* Checks and applies until no zone is absent; ends the transaction. */
static int
edit_apply(struct edit *edit, const struct edit_steps *steps, uint64_t *ret_group)
{
	uint64_t group = 0, seen;
	bool committed = false;
	int rc, waited;

	do {
		rc = edit_attempt(edit, steps, &committed, &group);
		seen = edit_seen_group(edit);
		if (rc == -DER_AGAIN)
			rc = tx_load(&edit->tx) ?: -DER_AGAIN;
	} while (rc == -DER_AGAIN);
	if (!committed)
		tx_abort(&edit->tx);
	if (rc == EDIT_AGAIN)
		return rc;
	if (rc != 0) {
		/* A refusal is an answer too. */
		waited = media_wait(edit->vos->media, seen);
		return waited != 0 ? waited : rc;
	}
	*ret_group = committed ? group : seen;
	return edit->answered ? edit->answer : 0;
}

/*
 * A change that cannot be prepared (no space, no memory) may have been made when the same request
 * came before: then that answer stands. Ends the transaction.
 */
static int
edit_refuse(struct edit *edit, int code, uint64_t *ret_group)
{
	int rc = 0;

	edit->answered = false;
	do {
		NO_YIELD
		{
			rc = request_check(edit);
		}
		if (rc == -DER_AGAIN)
			rc = tx_load(&edit->tx) ?: -DER_AGAIN;
	} while (rc == -DER_AGAIN || rc == EDIT_AGAIN);
	tx_abort(&edit->tx);
	if (rc != 0 || !edit->answered)
		return rc != 0 ? rc : code;
	REACHED("vos: a request that cannot be prepared again was executed before");
	*ret_group = edit_seen_group(edit);
	return edit->answer;
}

static int
edit_once(struct edit *edit, const struct edit_steps *steps, uint64_t *ret_group)
{
	bool privileged = edit->need.privileged;
	int prepared = steps->prepare ? steps->prepare(edit) : 0;
	int rc = tx_begin(&edit->tx, edit->vos->heap);

	if (rc != 0)
		return rc;
	if (prepared != 0)
		return edit_refuse(edit, prepared, ret_group);
	edit->need = (struct tx_need){.privileged = privileged};
	steps->need(edit);
	request_need(edit);
	rc = tx_reserve(&edit->tx, &edit->need);
	if (rc == 0 && steps->payload)
		rc = steps->payload(edit);
	return rc == 0 ? edit_apply(edit, steps, ret_group) : edit_refuse(edit, rc, ret_group);
}

/* Waits for the transaction that was met; it is over, or has come closer to that. */
static int
edit_wait(struct edit *edit)
{
	if (!edit->blocked)
		return EDIT_AGAIN;
	edit->blocked = false;
	return prepared_wait(edit->vos, &edit->blocker) ?: EDIT_AGAIN;
}

int
edit_run(struct edit *edit, const struct edit_steps *steps, uint64_t *ret_group)
{
	int rc;

	if (edit->change && (edit->epoch == 0 || edit->epoch == EPOCH_MAX))
		return error_raise(-DER_INVAL, "a change needs an epoch");
	do {
		rc = edit_once(edit, steps, ret_group);
		if (rc == EDIT_AGAIN)
			rc = edit_wait(edit);
	} while (rc == EDIT_AGAIN);
	return rc;
}

/* ------------------------------------------------ what is left to collect */

static uint64_t
dead_order(struct edit *edit)
{
	const struct store_root *root = heap_at(edit_pin(edit), edit->vos->root, sizeof(*root));

	return root ? root->next_dead : 0;
}

int
dead_probe(struct edit *edit)
{
	uint64_t order = dead_order(edit);

	if (order == 0)
		return pin_outcome(edit_pin(edit));
	return edit_probe_new(edit, TREE_DEAD, edit->vos->root + offsetof(struct store_root, dead),
			      order, NULL);
}

void
dead_add(struct edit *edit, enum tree_id tree, enum tree_id child, const struct btree_root *root)
{
	struct btree_root dead = *root;
	struct dead_record *record;
	uint64_t offset, *next;

	if (dead.count == 0)
		return;
	next = tx_change(&edit->tx, edit->vos->root + offsetof(struct store_root, next_dead),
			 sizeof(*next));
	btree_insert(&edit->tx, dead_kind, edit->vos->root + offsetof(struct store_root, dead),
		     (*next)++, NULL, 0, &offset);
	record = tx_change(&edit->tx, offset, sizeof(*record));
	record->type = RECORD_DEAD;
	record->version = RECORD_VERSION;
	record->tree = (uint8_t)tree;
	record->child = (uint8_t)child;
	record->root = dead;
}

static void
stale_set(const struct edit *edit, struct stale_record *record)
{
	*record = (struct stale_record){
		.type = RECORD_STALE,
		.version = RECORD_VERSION,
		.shard = edit->object->shard,
		.container = edit->container->id,
		.id = edit->object->id,
	};
}

int
stale_probe(struct edit *edit, uint64_t object)
{
	struct stale_record wanted;
	const struct entity *entity;
	int rc;

	if (!edit->stales || object == 0)
		return 0;
	rc = entity_get(edit_pin(edit), RECORD_OBJECT, object, &entity);
	if (rc != 0)
		return rc;
	edit->stale_first = (entity->flags & ENTITY_STALE) == 0;
	if (!edit->stale_first)
		return 0;
	stale_set(edit, &wanted);
	return edit_probe_new(edit, TREE_STALE,
			      edit->vos->root + offsetof(struct store_root, stale), edit->epoch,
			      &wanted);
}

void
stale_note(struct edit *edit, uint64_t object)
{
	struct stale_record record;
	uint64_t offset;

	if (!edit->stale_first)
		return;
	/* Its mark and its place among the stale come and go together. */
	stale_set(edit, &record);
	btree_insert(&edit->tx, stale_kind, edit->vos->root + offsetof(struct store_root, stale),
		     edit->epoch, &record, 0, &offset);
	*(struct stale_record *)tx_change(&edit->tx, offset, sizeof(record)) = record;
	entity_mark(edit, object, ENTITY_STALE);
}

void
stale_need(struct edit *edit)
{
	edit_need(edit, TREE_STALE);
	edit->need.log_bytes += sizeof(struct stale_record) + 8;
}
