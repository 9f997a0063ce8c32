/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The dead: whole trees that nothing refers to any more, taken apart record by record. */
#include "vos/collect.h"

static uint64_t
dead_of(const struct vos *vos)
{
	return vos->root + offsetof(struct store_root, dead);
}

void
burial_child(struct burial *burial, uint32_t i, uint32_t tree, uint32_t child,
	     const struct btree_root *root)
{
	burial->children[i] = *root;
	burial->children_tree[i] = (uint8_t)tree;
	burial->children_child[i] = (uint8_t)child;
}

int
burial_blob(struct edit *edit, struct burial *burial, uint64_t offset)
{
	const struct blob *blob;

	burial->blob = offset;
	return offset == 0 ? 0 : blob_get(edit_pin(edit), offset, &blob);
}

int
burial_entity(struct edit *edit, struct burial *burial, uint64_t offset, uint32_t tree,
	      uint32_t child)
{
	const struct entity *entity = heap_at(edit_pin(edit), offset, sizeof(*entity));
	const struct incarnations *older;
	const struct akey_record *akey;
	struct vos_key key;
	int rc;

	if (!entity)
		return pin_outcome(edit_pin(edit));
	if (tree != TREE_OBJECTS && entity->key_length > KEY_INLINE_MAX) {
		rc = entity_key(edit_pin(edit), entity, &key);
		if (rc != 0)
			return rc;
		burial->key = entity->key.offset;
	}
	if (entity->life.older != 0) {
		older = heap_at(edit_pin(edit), entity->life.older, sizeof(*older));
		if (!older)
			return pin_outcome(edit_pin(edit));
		burial->older = entity->life.older;
		burial->entries = older->entries;
	}
	if (tree == TREE_OBJECTS) {
		burial_child(burial, 0, dkey_kind(entity->key.id)->id,
			     akey_kind(entity->key.id)->id, &entity->children);
		return 0;
	}
	if (tree <= TREE_DKEYS_INTEGER) {
		burial_child(burial, 0, child, 0, &entity->children);
		return 0;
	}
	rc = akey_get(edit_pin(edit), offset, &akey);
	if (rc != 0)
		return rc;
	burial_child(burial, 0, entity->value == VOS_SINGLE ? TREE_VERSIONS : TREE_HISTORY, 0,
		     &entity->children);
	if (entity->value == VOS_SINGLE)
		return burial_blob(edit, burial, akey->value.newest.blob);
	burial_child(burial, 1, TREE_EXTENTS, 0, &akey->value.array.extents);
	return 0;
}

static int
burial_record(struct edit *edit, struct burial *burial, uint64_t offset)
{
	const struct extent_record *extent;
	const struct history_record *history;

	switch (burial->tree) {
	case TREE_EXTENTS:
	case TREE_VERSIONS:
		extent = heap_at(edit_pin(edit), offset, sizeof(*extent));
		return extent ? burial_blob(edit, burial, extent->blob)
			      : pin_outcome(edit_pin(edit));
	case TREE_HISTORY:
		history = heap_at(edit_pin(edit), offset, sizeof(*history));
		if (!history)
			return pin_outcome(edit_pin(edit));
		burial_child(burial, 0, TREE_VERSIONS, 0, &history->versions);
		return 0;
	case TREE_INCARNATIONS:
	case TREE_PARKED:
		return 0;
	default:
		return burial_entity(edit, burial, offset, burial->tree, burial->child);
	}
}

static int
bury_check(struct edit *edit)
{
	struct burial *burial = edit->plan;
	const struct dead_record *dead;
	const struct btree_root *root;
	struct btree_cursor cursor, inner;
	int rc;

	*burial = (struct burial){0};
	rc = edit_probe_last(edit, TREE_DEAD, dead_of(edit->vos), &cursor);
	if (rc == -DER_NONEXIST) {
		burial->ended = true;
		return 0;
	}
	if (rc == 0)
		rc = dead_probe(edit);
	if (rc != 0)
		return rc;
	dead = heap_at(edit_pin(edit), cursor.record, sizeof(*dead));
	if (!dead)
		return pin_outcome(edit_pin(edit));
	if (dead->type != RECORD_DEAD || dead->version != RECORD_VERSION || dead->tree == 0 ||
	    dead->tree >= TREE_IDS || dead->child >= TREE_IDS)
		return error_raise(-DER_IO, "the heap is damaged: no dead tree at %llu",
				   (unsigned long long)cursor.record);
	burial->order = cursor.order;
	burial->tree = dead->tree;
	burial->child = dead->child;
	root = &dead->root;
	burial->last = root->count == 1;
	burial->root = cursor.record + offsetof(struct dead_record, root);
	rc = edit_probe_last(edit, burial->tree, burial->root, &inner);
	return rc == 0		     ? burial_record(edit, burial, inner.record)
	       : rc == -DER_NONEXIST ? -DER_IO
				     : rc;
}

void
burial_finish(struct edit *edit, const struct burial *burial)
{
	blob_release(&edit->tx, burial->blob);
	if (burial->key != 0)
		tx_free(&edit->tx, burial->key);
	if (burial->older != 0) {
		dead_add(edit, TREE_INCARNATIONS, 0, &burial->entries);
		tx_free(&edit->tx, burial->older);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(burial->children); i++)
		if (burial->children_tree[i] != 0)
			dead_add(edit, burial->children_tree[i], burial->children_child[i],
				 &burial->children[i]);
}

static void
bury_one(struct edit *edit, const struct burial *burial)
{
	btree_remove_last(&edit->tx, &tree_kinds[burial->tree], burial->root);
	if (burial->last)
		btree_remove(&edit->tx, &tree_kinds[TREE_DEAD], dead_of(edit->vos), burial->order,
			     NULL);
	burial_finish(edit, burial);
}

static void
bury_apply(struct edit *edit)
{
	struct burial *burial = edit->plan;

	/* Each record is a change of its own; the next ones come along where they can. */
	for (uint32_t i = 0; !burial->ended && i < COLLECT_BATCH; i++) {
		if (i > 0 && (FAULT("vos: bury one record at a time") || bury_check(edit) != 0 ||
			      burial->ended))
			return;
		bury_one(edit, burial);
	}
}

void
burial_need(struct edit *edit)
{
	for (uint32_t i = 0; i < 4; i++)
		edit_need(edit, TREE_DEAD);
	edit->need.log_bytes += 4 * sizeof(struct dead_record) + 2 * sizeof(struct akey_record);
}

static void
bury_need(struct edit *edit)
{
	for (uint32_t i = 0; i < COLLECT_BATCH; i++) {
		burial_need(edit);
		edit_need_removal(edit, TREE_AKEYS_HASHED);
		edit_need_removal(edit, TREE_DEAD);
	}
}

/* Takes apart some of the dead; *ret_ended when there are none. */
static int
bury(struct vos *vos, bool *ret_ended)
{
	static const struct edit_steps steps = {
		.need = bury_need, .check = bury_check, .apply = bury_apply};
	struct burial burial;
	struct edit edit;
	uint64_t group;
	int rc;

	edit_init(&edit, vos, NULL, NULL, NULL);
	edit.need.privileged = true;
	edit.plan = &burial;
	rc = edit_run(&edit, &steps, &group);
	if (rc == 0)
		*ret_ended = burial.ended;
	return rc;
}

int
bury_all(struct vos *vos, uint32_t *credits, bool *ended)
{
	int rc = 0;

	*ended = false;
	while (rc == 0 && *credits > 0 && !*ended) {
		rc = bury(vos, ended);
		if (!*ended)
			*credits -= min_of(*credits, COLLECT_BATCH);
	}
	return rc;
}
