/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Punching objects, dkeys and akeys. */
#include "vos/private.h"

struct key_plan {
	struct ordered_key key;
	struct seen seen;
};

/* Punches the object, or keys of one level. */
struct punch_plan {
	struct ordered_key object, dkey;
	struct seen object_seen, dkey_seen;
	bool has_dkey;	       /* keys are akeys of dkey */
	bool dkey_empties;     /* no akey of it is left */
	struct key_plan *keys; /* NULL: the object itself */
	uint32_t key_count;
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

static int
punch_run(struct vos_container *container, const struct vos_object *object, struct punch_plan *plan,
	  const struct vos_change *change, uint64_t *ret_group)
{
	static const struct edit_steps steps = {
		.need = punch_need, .check = punch_check, .apply = punch_apply};
	struct edit edit;

	object_order(object, &plan->object);
	edit_init(&edit, container->vos, container, object, change);
	edit.need.privileged = true;
	edit.plan = plan;
	return edit_run(&edit, &steps, ret_group);
}

int
vos_punch_object(struct vos_container *container, const struct vos_object *object,
		 const struct vos_change *change, uint64_t *ret_group)
{
	struct punch_plan plan = {0};

	return punch_run(container, object, &plan, change, ret_group);
}

static int
punch_keys(struct vos_container *container, const struct vos_object *object,
	   struct punch_plan *plan, const struct vos_key *keys, uint32_t count,
	   int (*order)(const struct vos_object *object, struct vos_key key,
			struct ordered_key *ret_key),
	   const struct vos_change *change, uint64_t *ret_group)
{
	struct arena *arena = container->vos->arena;
	int rc = 0;

	if (count == 0 || count > VOS_AKEYS_MAX)
		return error_raise(-DER_INVAL, "%u keys; one call takes 1 to %u", count,
				   VOS_AKEYS_MAX);
	plan->keys = arena_calloc(arena, count, sizeof(*plan->keys));
	if (!plan->keys)
		return error_raise(-DER_NOMEM, "no memory for a punch");
	plan->key_count = count;
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		rc = order(object, keys[i], &plan->keys[i].key);
		for (uint32_t j = 0; rc == 0 && j < i; j++)
			if (keys[i].length == keys[j].length &&
			    memcmp(keys[i].data, keys[j].data, keys[i].length) == 0)
				rc = error_raise(-DER_INVAL, "a key is named twice in one call");
	}
	if (rc == 0)
		rc = punch_run(container, object, plan, change, ret_group);
	arena_free(arena, plan->keys);
	return rc;
}

int
vos_punch_dkeys(struct vos_container *container, const struct vos_object *object,
		const struct vos_key *dkeys, uint32_t dkey_count, const struct vos_change *change,
		uint64_t *ret_group)
{
	struct punch_plan plan = {0};

	return punch_keys(container, object, &plan, dkeys, dkey_count, dkey_order, change,
			  ret_group);
}

int
vos_punch_akeys(struct vos_container *container, const struct vos_object *object,
		struct vos_key dkey, const struct vos_key *akeys, uint32_t akey_count,
		const struct vos_change *change, uint64_t *ret_group)
{
	struct punch_plan plan = {.has_dkey = true};
	int rc = dkey_order(object, dkey, &plan.dkey);

	if (rc != 0)
		return rc;
	return punch_keys(container, object, &plan, akeys, akey_count, akey_order, change,
			  ret_group);
}
