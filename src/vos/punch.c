/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Punching objects, dkeys and akeys, at once or as a part of a transaction. */
#include "vos/intent.h"

struct key_plan {
	struct ordered_key key;
	struct seen seen;
	struct ahead_entity *ahead;
	bool visible; /* as the transaction will have left it */
};

/* Punches the object, or keys of one level. */
struct punch_plan {
	struct ordered_key object, dkey;
	struct seen object_seen, dkey_seen;
	bool has_dkey;	       /* keys are akeys of dkey */
	bool dkey_empties;     /* no akey of it is left */
	struct key_plan *keys; /* NULL: the object itself */
	uint32_t key_count;
	struct touch touch;
	struct intent_step *step; /* of a transaction; else NULL */
	struct ahead_entity *object_ahead, *dkey_ahead;
};

static uint64_t
objects_of(const struct edit *edit)
{
	return edit->container->root + offsetof(struct container_root, objects);
}

/* A thing to be punched: there, or an error where it must be. */
static int
target_check(struct edit *edit, const struct seen *seen)
{
	if (!seen->visible)
		return (edit->change->conditions & VOS_COND_PUNCH) != 0 ? -DER_NONEXIST : 0;
	edit->stales = true;
	return entity_punch_probe(edit, seen->offset);
}

static bool
plan_names(const struct punch_plan *plan, uint64_t offset)
{
	for (uint32_t i = 0; i < plan->key_count; i++)
		if (plan->keys[i].seen.offset == offset)
			return true;
	return false;
}

/* Whether the punch leaves no akey of the dkey visible. */
static int
dkey_empties(struct edit *edit, struct punch_plan *plan)
{
	const struct btree_kind *kind = akey_kind(edit->object->id);
	uint64_t root = children_of(plan->dkey_seen.offset);
	const struct akey_record *akey;
	struct btree_cursor cursor;
	uint32_t scanned = 0;
	int rc = btree_first(edit_pin(edit), kind, root, &cursor);

	plan->dkey_empties = false;
	while (rc == 0 && scanned++ < EMPTY_SCAN) {
		rc = akey_get(edit_pin(edit), cursor.record, &akey);
		if (rc != 0)
			return rc;
		if (akey->entity.life.created >
			    max_of(plan->dkey_seen.bound, akey->entity.life.punched) &&
		    !plan_names(plan, cursor.record))
			return 0;
		rc = btree_next(edit_pin(edit), kind, root, &cursor);
	}
	if (rc != -DER_NONEXIST)
		return rc;
	plan->dkey_empties = true;
	return entity_punch_probe(edit, plan->dkey_seen.offset);
}

static int
keys_check(struct edit *edit, struct punch_plan *plan, const struct seen *parent)
{
	bool any = false;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < plan->key_count; i++) {
		struct key_plan *key = &plan->keys[i];

		rc = entity_probe(edit, parent->offset ? children_of(parent->offset) : 0, &key->key,
				  parent->bound, false, &key->seen);
		if (rc == 0)
			rc = target_check(edit, &key->seen);
		any = any || key->seen.visible;
	}
	if (rc == 0 && any && plan->has_dkey)
		rc = dkey_empties(edit, plan);
	return rc;
}

static int
punch_check(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;
	const struct seen *parent = &plan->object_seen;
	int rc = entity_probe(edit, objects_of(edit), &plan->object, 0, false, &plan->object_seen);

	plan->dkey_empties = false;
	if (rc == 0 && plan->has_dkey) {
		rc = entity_probe(edit, parent->offset ? children_of(parent->offset) : 0,
				  &plan->dkey, parent->bound, false, &plan->dkey_seen);
		parent = &plan->dkey_seen;
	}
	if (rc == 0)
		rc = plan->keys ? keys_check(edit, plan, parent)
				: target_check(edit, &plan->object_seen);
	return rc == 0 ? stale_probe(edit, plan->object_seen.offset) : rc;
}

static void
punch_apply(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;
	bool any = false;

	if (!plan->keys) {
		if (plan->object_seen.visible) {
			stale_note(edit, plan->object_seen.offset);
			entity_punch(edit, plan->object_seen.offset);
		}
		return;
	}
	for (uint32_t i = 0; i < plan->key_count; i++) {
		if (!plan->keys[i].seen.visible)
			continue;
		entity_punch(edit, plan->keys[i].seen.offset);
		any = true;
	}
	if (!any)
		return;
	stale_note(edit, plan->object_seen.offset);
	entity_touch(edit, plan->object_seen.offset);
	if (!plan->has_dkey || plan->dkey_empties)
		object_rename(edit, plan->object_seen.offset);
	if (!plan->has_dkey)
		return;
	entity_touch(edit, plan->dkey_seen.offset);
	entity_mark(edit, plan->dkey_seen.offset, ENTITY_STALE);
	if (plan->dkey_empties)
		entity_punch(edit, plan->dkey_seen.offset);
}

static void
punch_need(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;

	entity_need(edit, &plan->object);
	if (plan->has_dkey)
		entity_need(edit, &plan->dkey);
	for (uint32_t i = 0; i < plan->key_count; i++)
		entity_need(edit, &plan->keys[i].key);
	stale_need(edit);
}

/* ------------------------------------------------ as a part of a transaction */

static void
preparing_need(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;

	punch_need(edit);
	intent_append_need(edit, plan->step);
}

/* Whether what is punched was changed at a newer epoch. */
static int
written_judge(struct edit *edit, const struct seen *seen)
{
	const struct entity *entity;

	if (seen->offset == 0)
		return 0;
	entity = heap_at(edit_pin(edit), seen->offset, sizeof(*entity));
	if (!entity)
		return pin_outcome(edit_pin(edit));
	return entity->written >= edit->epoch ? -DER_TX_RESTART : 0;
}

static int
target_foresee(struct edit *edit, const struct seen *seen, bool visible)
{
	if (!visible && (edit->change->conditions & VOS_COND_PUNCH) != 0)
		return -DER_NONEXIST;
	return written_judge(edit, seen);
}

/* Whether the tree has an akey of the dkey that stays: that the transaction neither wrote nor
 * punched, and that is not named. */
static int
tree_stays(struct edit *edit, struct punch_plan *plan, bool *ret_stays)
{
	const struct btree_kind *kind = akey_kind(edit->object->id);
	uint64_t root = children_of(plan->dkey_seen.offset);
	struct pin *pin = edit_pin(edit);
	struct btree_cursor cursor;
	uint32_t scanned = 0;
	int rc = btree_first(pin, kind, root, &cursor);

	for (*ret_stays = false; rc == 0 && scanned++ < EMPTY_SCAN;
	     rc = btree_next(pin, kind, root, &cursor)) {
		const struct ahead_entity *ahead;
		const struct akey_record *akey;
		struct ordered_key ordered;
		struct vos_key key;

		rc = akey_get(pin, cursor.record, &akey);
		if (rc == 0)
			rc = entity_key(pin, &akey->entity, &key);
		if (rc == 0)
			rc = kind_order(kind, key, &ordered);
		if (rc != 0)
			return rc;
		if (akey->entity.life.created <=
			    max_of(plan->dkey_seen.bound, akey->entity.life.punched) ||
		    plan_names(plan, cursor.record))
			continue;
		ahead = ahead_find(plan->step->ahead, plan->dkey_ahead, &ordered);
		if (ahead && (ahead->written > 0 || ahead->punched > 0))
			continue;
		*ret_stays = true;
		return 0;
	}
	/* As dkey_empties(): where it does not look, something may be. */
	*ret_stays = rc == 0;
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* As dkey_empties(), of what will be. */
static int
emptying_foresee(struct edit *edit, struct punch_plan *plan)
{
	uint32_t live = ahead_live(plan->dkey_ahead);
	bool any = false, stays;
	int rc;

	plan->dkey_empties = false;
	for (uint32_t i = 0; i < plan->key_count; i++) {
		any = any || plan->keys[i].visible;
		live -= ahead_written(plan->keys[i].ahead);
	}
	if (!any || live > 0)
		return 0;
	if (!plan->dkey_seen.visible || !ahead_bare(plan->dkey_ahead)) {
		plan->dkey_empties = true;
		return 0;
	}
	rc = tree_stays(edit, plan, &stays);
	plan->dkey_empties = rc == 0 && !stays;
	return rc;
}

static int
keys_foresee(struct edit *edit, struct punch_plan *plan, const struct seen *parent)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < plan->key_count; i++) {
		struct key_plan *key = &plan->keys[i];

		rc = entity_probe(edit, parent->offset ? children_of(parent->offset) : 0, &key->key,
				  parent->bound, false, &key->seen);
		if (rc != 0)
			return rc;
		key->visible = ahead_visible(key->ahead, key->seen.visible);
		rc = target_foresee(edit, &key->seen, key->visible);
	}
	return rc == 0 && plan->has_dkey ? emptying_foresee(edit, plan) : rc;
}

/* What is punched comes after everything of it, of akeys after everything of their dkey, which may
 * go with them. */
static uint32_t
punch_minor(const struct punch_plan *plan)
{
	uint32_t minor = plan->object_ahead->cleared;

	if (!plan->keys)
		return max_of(minor, plan->object_ahead->touched);
	if (plan->has_dkey)
		return max_of(minor, plan->dkey_ahead->touched);
	for (uint32_t i = 0; i < plan->key_count; i++)
		minor = max_of(minor, plan->keys[i].ahead->touched);
	return minor;
}

/* Takes the object where it is punched or not visible, else the dkeys. */
static int
punch_take(struct edit *edit, struct punch_plan *plan)
{
	int rc = 0;

	if (!plan->keys || !plan->object_seen.visible)
		return intent_step_take(edit, plan->step, NULL);
	if (plan->has_dkey)
		return intent_step_take(edit, plan->step, &plan->dkey);
	for (uint32_t i = 0; rc == 0 && i < plan->key_count; i++)
		rc = intent_step_take(edit, plan->step, &plan->keys[i].key);
	return rc;
}

static int
preparing_check(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;
	const struct seen *parent = &plan->object_seen;
	int rc = entity_probe(edit, objects_of(edit), &plan->object, 0, false, &plan->object_seen);

	if (rc == 0 && plan->has_dkey) {
		rc = entity_probe(edit, parent->offset ? children_of(parent->offset) : 0,
				  &plan->dkey, parent->bound, false, &plan->dkey_seen);
		parent = &plan->dkey_seen;
		if (rc == 0)
			rc = written_judge(edit, parent);
	}
	if (rc == 0)
		rc = plan->keys ? keys_foresee(edit, plan, parent)
				: target_foresee(edit, &plan->object_seen,
						 ahead_visible(plan->object_ahead,
							       plan->object_seen.visible));
	plan->step->minor = punch_minor(plan);
	if (rc == 0)
		rc = minor_judge(plan->step->minor);
	if (rc == 0)
		rc = punch_take(edit, plan);
	return rc == 0 ? intent_append_check(edit, plan->step) : rc;
}

static void
preparing_apply(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;
	struct ahead *ahead = plan->step->ahead;
	uint32_t minor = plan->step->minor;

	bool any = false;

	/* What is not visible is left alone: a minor for it could let what comes next create its
	 * object at a later one than what comes after that. */
	intent_append(edit, plan->step);
	if (!plan->keys && ahead_visible(plan->object_ahead, plan->object_seen.visible)) {
		ahead_punch(ahead, plan->object_ahead);
		ahead_touch(plan->object_ahead, minor, true);
	}
	for (uint32_t i = 0; i < plan->key_count; i++) {
		if (!plan->keys[i].visible)
			continue;
		ahead_punch(ahead, plan->keys[i].ahead);
		ahead_touch(plan->keys[i].ahead, minor, true);
		any = true;
	}
	if (any && plan->has_dkey)
		ahead_touch(plan->dkey_ahead, minor, true);
	if (plan->dkey_empties)
		ahead_punch(ahead, plan->dkey_ahead);
}

static int
plan_foresee(struct punch_plan *plan)
{
	struct ahead *ahead = plan->step->ahead;
	int rc = ahead_enter(ahead, NULL, &plan->object, &plan->object_ahead);

	if (rc == 0 && plan->has_dkey)
		rc = ahead_enter(ahead, plan->object_ahead, &plan->dkey, &plan->dkey_ahead);
	for (uint32_t i = 0; rc == 0 && i < plan->key_count; i++)
		rc = ahead_enter(ahead, plan->has_dkey ? plan->dkey_ahead : plan->object_ahead,
				 &plan->keys[i].key, &plan->keys[i].ahead);
	return rc;
}

static void
applying_need(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;

	punch_need(edit);
	intent_advance_need(edit, plan->step);
}

static int
applying_check(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;
	int rc = punch_check(edit);

	return rc == 0 ? intent_advance_check(edit, plan->step) : rc;
}

static void
applying_apply(struct edit *edit)
{
	struct punch_plan *plan = edit->plan;

	punch_apply(edit);
	intent_advance(edit, plan->step);
}

static const struct edit_steps punch_steps = {.need = punch_need,
					      .check = punch_check,
					      .apply = punch_apply};
static const struct edit_steps preparing_steps = {.need = preparing_need,
						  .check = preparing_check,
						  .apply = preparing_apply};
static const struct edit_steps applying_steps = {.need = applying_need,
						 .check = applying_check,
						 .apply = applying_apply};

/* ------------------------------------------------ calls */

/* op is NULL but for a part of a transaction. */
static int
punch_run(struct vos_container *container, const struct vos_object *object, struct punch_plan *plan,
	  const struct vos_op *op, const struct vos_change *change, uint64_t *ret_group)
{
	const struct edit_steps *steps = &punch_steps;
	struct intent_step *step = plan->step;
	struct edit edit;
	int rc = 0;

	object_order(object, &plan->object);
	edit_init(&edit, container->vos, container, object, change);
	if (step) {
		intent_step_begin(&edit, step);
		steps = step->change ? &applying_steps : &preparing_steps;
	}
	/* Also when it is prepared. */
	edit.need.privileged = true;
	edit.plan = plan;
	plan->touch = (struct touch){.object = object,
				     .dkey = plan->has_dkey ? &plan->dkey : NULL,
				     .keys = plan->keys ? &plan->keys[0].key : NULL,
				     .count = plan->key_count,
				     .stride = sizeof(plan->keys[0])};
	edit.touch = &plan->touch;
	if (step && !step->change)
		rc = plan_foresee(plan) ?: intent_encode(container->vos, op, step);
	return rc == 0 ? edit_run(&edit, steps, ret_group) : rc;
}

int
vos_punch_object(struct vos_container *container, const struct vos_object *object,
		 const struct vos_change *change, uint64_t *ret_group)
{
	struct punch_plan plan = {0};

	return punch_run(container, object, &plan, NULL, change, ret_group);
}

static int
punch_keys(struct vos_container *container, const struct vos_op *op, struct punch_plan *plan,
	   const struct vos_change *change, uint64_t *ret_group)
{
	int (*order)(const struct vos_object *object, struct vos_key key,
		     struct ordered_key *ret_key) = plan->has_dkey ? akey_order : dkey_order;
	struct arena *arena = container->vos->arena;
	const struct vos_key *keys = op->keys;
	int rc = 0;

	if (op->count == 0 || op->count > VOS_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u keys; one call takes 1 to %u", op->count,
				   VOS_AKEYS_MAX);
	plan->keys = arena_calloc(arena, op->count, sizeof(*plan->keys));
	if (!plan->keys)
		return error_raise(-DER_NOMEM, "no memory for a punch");
	plan->key_count = op->count;
	for (uint32_t i = 0; rc == 0 && i < op->count; i++) {
		rc = order(&op->object, keys[i], &plan->keys[i].key);
		for (uint32_t j = 0; rc == 0 && j < i; j++)
			if (keys[i].length == keys[j].length &&
			    memcmp(keys[i].data, keys[j].data, keys[i].length) == 0)
				rc = error_raise(-DER_INVAL, "a key is named twice in one call");
	}
	if (rc == 0)
		rc = punch_run(container, &op->object, plan, op, change, ret_group);
	arena_free(arena, plan->keys);
	return rc;
}

int
vos_punch_dkeys(struct vos_container *container, const struct vos_object *object,
		const struct vos_key *dkeys, uint32_t dkey_count, const struct vos_change *change,
		uint64_t *ret_group)
{
	const struct vos_op op = {.object = *object, .keys = dkeys, .count = dkey_count};
	struct punch_plan plan = {0};

	return punch_keys(container, &op, &plan, change, ret_group);
}

int
vos_punch_akeys(struct vos_container *container, const struct vos_object *object,
		struct vos_key dkey, const struct vos_key *akeys, uint32_t akey_count,
		const struct vos_change *change, uint64_t *ret_group)
{
	const struct vos_op op = {.object = *object, .keys = akeys, .count = akey_count};
	struct punch_plan plan = {.has_dkey = true};
	int rc = dkey_order(object, dkey, &plan.dkey);

	return rc == 0 ? punch_keys(container, &op, &plan, change, ret_group) : rc;
}

int
punch_step(struct vos_container *container, const struct vos_op *op,
	   const struct vos_change *change, struct intent_step *step, uint64_t *ret_group)
{
	struct punch_plan plan = {.step = step, .has_dkey = op->kind == VOS_OP_PUNCH_AKEYS};
	int rc = plan.has_dkey ? dkey_order(&op->object, op->dkey, &plan.dkey) : 0;

	if (rc != 0)
		return rc;
	if (op->kind == VOS_OP_PUNCH_OBJECT)
		return punch_run(container, &op->object, &plan, op, change, ret_group);
	return punch_keys(container, op, &plan, change, ret_group);
}
