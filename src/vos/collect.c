/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Freeing, in bounded steps. Whole trees that nothing refers to any more wait among the dead and
 * are taken apart record by record. Objects in which something was punched or overwritten are among
 * the stale, by the epoch of the first such change; the collector walks one of them at a time, dkey
 * by dkey, and takes out what no read at or above the given epoch can see.
 */
#include "vos/private.h"

/* Records looked at in one step. */
#define SCAN_BATCH 128u

static const struct btree_kind *const versions_kind = &tree_kinds[TREE_VERSIONS];
static const struct btree_kind *const history_kind = &tree_kinds[TREE_HISTORY];
static const struct btree_kind *const extents_kind = &tree_kinds[TREE_EXTENTS];

static uint64_t
dead_of(const struct vos *vos)
{
	return vos->root + offsetof(struct store_root, dead);
}

static uint64_t
stale_of(const struct vos *vos)
{
	return vos->root + offsetof(struct store_root, stale);
}

/* ------------------------------------------------ the dead */

/* One record of the newest dead tree. */
struct burial {
	uint64_t order; /* of the dead record */
	uint8_t tree, child;
	uint64_t root; /* offset of the tree's root */
	bool last;     /* its only record */
	bool ended;    /* nothing is dead */
	uint64_t blob;
	uint64_t key, older;	   /* blocks to be freed; 0: none */
	struct btree_root entries; /* of older */
	struct btree_root children[2];
	uint8_t children_tree[2], children_child[2];
};

static void
burial_child(struct burial *burial, uint32_t i, uint32_t tree, uint32_t child,
	     const struct btree_root *root)
{
	burial->children[i] = *root;
	burial->children_tree[i] = (uint8_t)tree;
	burial->children_child[i] = (uint8_t)child;
}

static int
burial_blob(struct edit *edit, struct burial *burial, uint64_t offset)
{
	const struct blob *blob;

	burial->blob = offset;
	return offset == 0 ? 0 : blob_get(edit_pin(edit), offset, &blob);
}

/* What hangs from an object, dkey or akey. child: the kind of a dkey's akeys. */
static int
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

/* Frees the blocks of a record that is gone and lets its trees join the dead. */
static void
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

static void
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

/* ------------------------------------------------ the stale */

/* Where the collector stands. */
struct collector {
	struct stale_record record;
	uint64_t order; /* of the stale record */
	uint64_t epoch;
	uint64_t object_written; /* when it began */
	uint64_t dkey_written;
	struct vos_position dkey, akey;	       /* behind what is done */
	uint64_t history_start, history_epoch; /* of the akey in work: where to look on */
	uint64_t extent_start;
	bool in_dkey, in_akey;
	bool remaining; /* something could not be collected yet */
	bool dkey_remaining, akey_remaining;
};

enum step_kind {
	STEP_NOTHING, /* only the position moved */
	STEP_END,     /* nothing is stale up to the epoch */
	STEP_REMOVE,  /* an entity that nobody can see */
	STEP_OLDER,   /* older incarnations */
	STEP_HISTORY, /* all that was overwritten */
	STEP_VERSION, /* one version of a single value */
	STEP_PIECE,   /* one extent of the history */
	STEP_EXTENT,  /* one current extent that a punch hides */
	STEP_CLEAR,   /* marks of an entity that is clean */
	STEP_FINISH,  /* the object is done */
};

struct step {
	enum step_kind kind;
	struct collector *next;	 /* where the collector stands after the step */
	uint64_t parent, entity; /* offsets of the tree's root and of the record */
	struct ordered_key key;
	uint64_t object;       /* offset; 0: gone */
	uint64_t order, epoch; /* of a record in a tree */
	bool only;	       /* the only version of its history record */
	struct burial burial;
};

/* The newest punch up to epoch. */
static uint64_t
punched_by(const struct entity *entity, uint64_t epoch)
{
	return entity->life.punched <= epoch ? entity->life.punched : 0;
}

static bool
entity_dead(const struct entity *entity, uint64_t epoch, uint64_t bound)
{
	return entity->life.created <= max_of(bound, punched_by(entity, epoch));
}

static bool
older_dead(const struct entity *entity, uint64_t epoch)
{
	return entity->life.older != 0 && entity->life.created <= epoch &&
	       entity->life.punched <= epoch;
}

/* Plans the removal of the record at cursor of the tree at parent. */
static int
remove_plan(struct edit *edit, struct step *step, const struct btree_kind *kind, uint64_t parent,
	    const struct btree_cursor *cursor, const struct vos_object *object)
{
	const struct entity *entity = heap_at(edit_pin(edit), cursor->record, sizeof(*entity));
	struct btree_cursor found;
	int rc = 0;

	if (!entity)
		return pin_outcome(edit_pin(edit));
	step->kind = STEP_REMOVE;
	step->parent = parent;
	step->entity = cursor->record;
	step->key = (struct ordered_key){
		.kind = kind, .order = cursor->order, .hash = entity->hash, .object = *object};
	step->key.key_order = kind->id == TREE_DKEYS_LEXICAL || kind->id == TREE_AKEYS_LEXICAL
				      ? KEY_LEXICAL
				      : KEY_HASHED;
	if (kind->id != TREE_OBJECTS)
		rc = entity_key(edit_pin(edit), entity, &step->key.key);
	if (rc == 0)
		rc = edit_probe(edit, kind->id, parent, cursor->order, &step->key, false, &found);
	if (rc != -DER_EXIST)
		return rc == -DER_NONEXIST ? -DER_IO : rc;
	step->burial = (struct burial){0};
	rc = burial_entity(edit, &step->burial, cursor->record, kind->id,
			   akey_kind(object->id)->id);
	return rc == 0 ? dead_probe(edit) : rc;
}

static int
older_plan(struct edit *edit, struct step *step, uint64_t offset, const struct entity *entity)
{
	const struct incarnations *older =
		heap_at(edit_pin(edit), entity->life.older, sizeof(*older));

	if (!older)
		return pin_outcome(edit_pin(edit));
	step->kind = STEP_OLDER;
	step->entity = offset;
	step->burial = (struct burial){.older = entity->life.older, .entries = older->entries};
	return dead_probe(edit);
}

static int
history_plan(struct edit *edit, struct step *step, uint64_t offset, const struct entity *entity)
{
	step->kind = STEP_HISTORY;
	step->entity = offset;
	step->burial = (struct burial){0};
	burial_child(&step->burial, 0, entity->value == VOS_SINGLE ? TREE_VERSIONS : TREE_HISTORY,
		     0, &entity->children);
	return dead_probe(edit);
}

static int
single_step(struct edit *edit, struct step *step, uint64_t offset, const struct akey_record *akey)
{
	struct pin *pin = edit_pin(edit);
	uint64_t root = children_of(offset), epoch = step->next->epoch;
	const struct extent_record *version;
	struct btree_cursor cursor;
	int rc;

	if (akey->value.newest.epoch <= epoch)
		return history_plan(edit, step, offset, &akey->entity);
	step->next->akey_remaining = true;
	rc = btree_find(pin, versions_kind, root, epoch, NULL, BTREE_AT_MOST, &cursor);
	if (rc == 0)
		rc = btree_previous(pin, versions_kind, root, &cursor);
	if (rc == -DER_NONEXIST)
		return 0;
	if (rc == 0)
		rc = edit_probe(edit, TREE_VERSIONS, root, cursor.order, NULL, false, &cursor);
	if (rc != -DER_EXIST)
		return rc;
	version = heap_at(pin, cursor.record, sizeof(*version));
	if (!version)
		return pin_outcome(pin);
	step->kind = STEP_VERSION;
	step->parent = root;
	step->order = cursor.order;
	step->burial = (struct burial){0};
	return burial_blob(edit, &step->burial, version->blob);
}

/* Whether a read at the collector's epoch sees anything of an extent of the history. */
static int
piece_seen(struct edit *edit, uint64_t akey, uint64_t start, const struct extent_record *extent,
	   uint64_t epoch, uint64_t bound, bool *ret_seen)
{
	struct piece_list list = {.arena = edit->vos->arena};
	int rc = 0;

	*ret_seen = extent->epoch > epoch;
	if (!*ret_seen)
		rc = array_look(edit_pin(edit), akey, start, start + extent->count, epoch, bound,
				&list);
	for (uint32_t i = 0; rc == 0 && i < list.count; i++)
		if (list.pieces[i].epoch == extent->epoch)
			*ret_seen = true;
	piece_list_fini(&list);
	return rc;
}

static int
piece_plan(struct edit *edit, struct step *step, uint64_t root, const struct btree_cursor *history,
	   const struct btree_cursor *version)
{
	const struct history_record *record =
		heap_at(edit_pin(edit), history->record, sizeof(*record));
	const struct extent_record *extent =
		heap_at(edit_pin(edit), version->record, sizeof(*extent));
	struct btree_cursor cursor;
	int rc;

	if (!record || !extent)
		return pin_outcome(edit_pin(edit));
	step->kind = STEP_PIECE;
	step->parent = root;
	step->order = history->order;
	step->epoch = version->order;
	step->entity = history->record;
	step->only = record->versions.count == 1;
	step->burial = (struct burial){0};
	rc = edit_probe(edit, TREE_VERSIONS,
			history->record + offsetof(struct history_record, versions), version->order,
			NULL, false, &cursor);
	if (rc == -DER_EXIST)
		rc = edit_probe(edit, TREE_HISTORY, root, history->order, NULL, false, &cursor);
	return rc == -DER_EXIST ? burial_blob(edit, &step->burial, extent->blob) : rc;
}

/* Looks for something to free in the history of an array, from where the collector stands.
 * -DER_NONEXIST at its end. */
static int
history_step(struct edit *edit, struct step *step, uint64_t akey, uint64_t bound)
{
	struct collector *next = step->next;
	uint64_t root = children_of(akey);
	struct btree_cursor history, version;
	int rc = btree_find(edit_pin(edit), history_kind, root, next->history_start, NULL,
			    BTREE_AT_LEAST, &history);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		const struct extent_record *extent;
		uint64_t versions = history.record + offsetof(struct history_record, versions);
		bool seen = false;

		if (history.order != next->history_start)
			next->history_epoch = 0;
		next->history_start = history.order;
		rc = btree_find(edit_pin(edit), versions_kind, versions, next->history_epoch, NULL,
				BTREE_ABOVE, &version);
		if (rc == -DER_NONEXIST) {
			rc = btree_next(edit_pin(edit), history_kind, root, &history);
			continue;
		}
		if (rc != 0)
			return rc;
		extent = heap_at(edit_pin(edit), version.record, sizeof(*extent));
		if (!extent)
			return pin_outcome(edit_pin(edit));
		rc = piece_seen(edit, akey, history.order, extent, next->epoch, bound, &seen);
		if (rc == 0 && !seen)
			return piece_plan(edit, step, root, &history, &version);
		next->history_epoch = version.order;
		next->akey_remaining = true;
	}
	return rc;
}

/* Looks for a current extent that a punch hides. -DER_NONEXIST at the end. */
static int
extent_step(struct edit *edit, struct step *step, uint64_t akey, uint64_t bound)
{
	uint64_t root = akey + offsetof(struct akey_record, value.array.extents);
	const struct extent_record *extent;
	struct btree_cursor cursor;
	int rc = bound == 0 ? -DER_NONEXIST
			    : btree_find(edit_pin(edit), extents_kind, root,
					 step->next->extent_start, NULL, BTREE_AT_LEAST, &cursor);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		extent = heap_at(edit_pin(edit), cursor.record, sizeof(*extent));
		if (!extent)
			return pin_outcome(edit_pin(edit));
		step->next->extent_start = cursor.order;
		if (extent->epoch <= bound) {
			rc = edit_probe(edit, TREE_EXTENTS, root, cursor.order, NULL, false,
					&cursor);
			step->kind = STEP_EXTENT;
			step->parent = root;
			step->order = cursor.order;
			step->burial = (struct burial){0};
			return rc == -DER_EXIST ? burial_blob(edit, &step->burial, extent->blob)
						: rc;
		}
		rc = btree_next(edit_pin(edit), extents_kind, root, &cursor);
	}
	return rc;
}

static int
array_step(struct edit *edit, struct step *step, uint64_t offset, const struct akey_record *akey,
	   uint64_t bound)
{
	bool displaced = (akey->entity.flags & ENTITY_DISPLACED) != 0;
	int rc;

	if (akey->entity.children.count > 0 && !displaced &&
	    akey->entity.written <= step->next->epoch)
		return history_plan(edit, step, offset, &akey->entity);
	rc = history_step(edit, step, offset, bound);
	if (rc == -DER_NONEXIST)
		rc = extent_step(edit, step, offset, bound);
	return rc;
}

/* The akey at cursor; STEP_CLEAR or STEP_NOTHING once nothing is left to free. */
static int
akey_step(struct edit *edit, struct step *step, const struct btree_cursor *cursor, uint64_t bound)
{
	struct collector *next = step->next;
	const struct akey_record *akey;
	int rc = akey_get(edit_pin(edit), cursor->record, &akey);

	if (rc != 0)
		return rc;
	bound = max_of(bound, punched_by(&akey->entity, next->epoch));
	if (older_dead(&akey->entity, next->epoch))
		return older_plan(edit, step, cursor->record, &akey->entity);
	rc = -DER_NONEXIST;
	if (akey->entity.value == VOS_ARRAY) {
		rc = array_step(edit, step, cursor->record, akey, bound);
	} else if (akey->entity.children.count > 0) {
		rc = single_step(edit, step, cursor->record, akey);
		if (rc == 0 && step->kind == STEP_NOTHING)
			rc = -DER_NONEXIST;
	}
	if (rc != -DER_NONEXIST)
		return rc;
	/* Nothing more to free here. */
	if (akey->entity.children.count == 0 && akey->entity.life.older == 0 &&
	    !next->akey_remaining && akey->entity.life.created <= next->epoch &&
	    akey->entity.life.punched <= next->epoch) {
		step->kind = STEP_CLEAR;
		step->entity = cursor->record;
	} else {
		next->dkey_remaining = true;
	}
	next->in_akey = false;
	return 0;
}

/* Finds the first entity from position on with something to collect. *ret_dead: nobody can see it
 * any more. */
static int
entity_scan(struct edit *edit, struct step *step, const struct btree_kind *kind, uint64_t root,
	    uint64_t bound, struct vos_position *position, struct btree_cursor *ret_cursor,
	    bool *ret_dead)
{
	struct btree_cursor cursor;
	const struct entity *entity;
	int rc = position_find(edit_pin(edit), kind, root, position, &cursor);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		rc = entity_get(edit_pin(edit), entity_type(kind), cursor.record, &entity);
		if (rc != 0)
			return rc;
		*ret_dead = entity_dead(entity, step->next->epoch, bound);
		if (*ret_dead || (entity->flags & ENTITY_STALE) != 0) {
			*ret_cursor = cursor;
			return 0;
		}
		rc = position_set(edit_pin(edit), kind, &cursor, position);
		if (rc == 0)
			rc = btree_next(edit_pin(edit), kind, root, &cursor);
	}
	return rc == 0 ? -DER_BUSY : rc;
}

/* Goes on in the dkey at cursor. */
static int
dkey_step(struct edit *edit, struct step *step, const struct btree_cursor *dkey, uint64_t bound,
	  const struct vos_object *object)
{
	struct collector *next = step->next;
	const struct btree_kind *kind = akey_kind(object->id);
	const struct entity *entity = heap_at(edit_pin(edit), dkey->record, sizeof(*entity));
	struct btree_cursor akey;
	bool dead;
	int rc;

	if (!entity)
		return pin_outcome(edit_pin(edit));
	if (!next->in_dkey) {
		next->in_dkey = true;
		next->dkey_written = entity->written;
		next->dkey_remaining = false;
		next->akey = (struct vos_position){0};
	}
	bound = max_of(bound, punched_by(entity, next->epoch));
	if (older_dead(entity, next->epoch))
		return older_plan(edit, step, dkey->record, entity);
	rc = entity_scan(edit, step, kind, children_of(dkey->record), bound, &next->akey, &akey,
			 &dead);
	if (rc == 0 && dead)
		return remove_plan(edit, step, kind, children_of(dkey->record), &akey, object);
	if (rc == 0) {
		if (!next->in_akey) {
			next->in_akey = true;
			next->akey_remaining = false;
			next->history_start = 0;
			next->history_epoch = 0;
			next->extent_start = 0;
		}
		rc = akey_step(edit, step, &akey, bound);
		if (rc == 0 && !next->in_akey)
			rc = position_set(edit_pin(edit), kind, &akey, &next->akey);
		return rc;
	}
	if (rc != -DER_NONEXIST)
		return rc;
	/* All its akeys are done. A punch after the epoch marked none of them. */
	if (!next->dkey_remaining && entity->life.older == 0 &&
	    entity->life.created <= next->epoch && entity->life.punched <= next->epoch &&
	    entity->written == next->dkey_written) {
		step->kind = STEP_CLEAR;
		step->entity = dkey->record;
	} else {
		next->remaining = true;
	}
	next->in_dkey = false;
	return position_set(edit_pin(edit), dkey_kind(object->id), dkey, &next->dkey);
}

static int
object_step(struct edit *edit, struct step *step, uint64_t parent,
	    const struct btree_cursor *cursor, const struct vos_object *object)
{
	struct collector *next = step->next;
	const struct btree_kind *kind = dkey_kind(object->id);
	const struct entity *entity;
	struct btree_cursor dkey;
	uint64_t bound;
	bool dead;
	int rc = entity_get(edit_pin(edit), RECORD_OBJECT, cursor->record, &entity);

	if (rc != 0)
		return rc;
	if (entity_dead(entity, next->epoch, 0))
		return remove_plan(edit, step, &tree_kinds[TREE_OBJECTS], parent, cursor, object);
	if (older_dead(entity, next->epoch))
		return older_plan(edit, step, cursor->record, entity);
	bound = punched_by(entity, next->epoch);
	rc = entity_scan(edit, step, kind, children_of(cursor->record), bound, &next->dkey, &dkey,
			 &dead);
	if (rc == 0 && dead) {
		next->in_dkey = false;
		next->in_akey = false;
		return remove_plan(edit, step, kind, children_of(cursor->record), &dkey, object);
	}
	if (rc == 0)
		return dkey_step(edit, step, &dkey, bound, object);
	if (rc != -DER_NONEXIST)
		return rc;
	step->kind = STEP_FINISH;
	step->object = cursor->record;
	if (entity->life.older != 0 || entity->life.punched > next->epoch ||
	    entity->written != next->object_written)
		next->remaining = true;
	step->epoch = max_of(entity->written, next->epoch + 1);
	return 0;
}

/* The container's tree of objects; -DER_NONEXIST when it is gone. */
static int
container_find(struct edit *edit, const struct uuid *id, uint64_t *ret_root)
{
	const struct container_record *record;
	struct btree_cursor cursor;
	int rc = btree_find(edit_pin(edit), &tree_kinds[TREE_CONTAINERS],
			    edit->vos->root + offsetof(struct store_root, containers),
			    uuid_hash(id), id, BTREE_EQUAL, &cursor);

	if (rc != 0)
		return rc;
	record = heap_at(edit_pin(edit), cursor.record, sizeof(*record));
	if (!record)
		return pin_outcome(edit_pin(edit));
	*ret_root = record->root + offsetof(struct container_root, objects);
	return heap_at(edit_pin(edit), record->root, sizeof(struct container_root))
		       ? 0
		       : pin_outcome(edit_pin(edit));
}

static int
stale_object_step(struct edit *edit, struct step *step)
{
	const struct stale_record *record = &step->next->record;
	struct vos_object object = {record->id, record->shard};
	struct ordered_key key;
	struct btree_cursor cursor;
	uint64_t root = 0;
	int rc = container_find(edit, &record->container, &root);

	object_order(&object, &key);
	if (rc == 0)
		rc = btree_find(edit_pin(edit), key.kind, root, key.order, &key, BTREE_EQUAL,
				&cursor);
	if (rc == 0)
		return object_step(edit, step, root, &cursor, &object);
	if (rc != -DER_NONEXIST)
		return rc;
	step->kind = STEP_FINISH;
	step->object = 0;
	return 0;
}

/* Pins the stale record, and its new place. */
static int
finish_probe(struct edit *edit, struct step *step)
{
	const struct collector *next = step->next;
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_STALE, stale_of(edit->vos), next->order, &next->record,
			    false, &cursor);

	if (rc != -DER_EXIST)
		return rc == -DER_NONEXIST ? -DER_IO : rc;
	if (step->object == 0 || !next->remaining)
		return 0;
	return edit_probe_new(edit, TREE_STALE, stale_of(edit->vos), step->epoch, &next->record);
}

static int
collect_check(struct edit *edit)
{
	struct step *step = edit->plan;
	int rc;

	*step->next = *edit->vos->collector;
	step->kind = STEP_NOTHING;
	step->object = 0;
	rc = stale_object_step(edit, step);
	if (rc == -DER_BUSY)
		return 0;
	return rc == 0 && step->kind == STEP_FINISH ? finish_probe(edit, step) : rc;
}

static void
finish_apply(struct edit *edit, struct step *step)
{
	const struct collector *next = step->next;
	uint8_t *flags;
	uint64_t offset;

	btree_remove(&edit->tx, &tree_kinds[TREE_STALE], stale_of(edit->vos), next->order,
		     &next->record);
	if (step->object == 0)
		return;
	if (next->remaining)
		REACHED("vos: an object is collected in part");
	if (!next->remaining) {
		flags = tx_change(&edit->tx, step->object + offsetof(struct entity, flags), 1);
		*flags &= (uint8_t)~ENTITY_STALE;
		return;
	}
	btree_insert(&edit->tx, &tree_kinds[TREE_STALE], stale_of(edit->vos), step->epoch,
		     &next->record, 0, &offset);
	*(struct stale_record *)tx_change(&edit->tx, offset, sizeof(next->record)) = next->record;
}

static void
piece_remove(struct edit *edit, const struct step *step)
{
	btree_remove(&edit->tx, versions_kind,
		     step->entity + offsetof(struct history_record, versions), step->epoch, NULL);
	if (step->only)
		btree_remove(&edit->tx, history_kind, step->parent, step->order, NULL);
}

static void
collect_apply(struct edit *edit)
{
	struct step *step = edit->plan;
	struct akey_record *akey;
	struct entity *entity;

	switch (step->kind) {
	case STEP_REMOVE:
		btree_remove(&edit->tx, step->key.kind, step->parent, step->key.order, &step->key);
		burial_finish(edit, &step->burial);
		break;
	case STEP_OLDER:
		REACHED("vos: older incarnations are collected");
		entity = tx_change(&edit->tx, step->entity, sizeof(*entity));
		entity->life.older = 0;
		burial_finish(edit, &step->burial);
		break;
	case STEP_HISTORY:
		akey = tx_change(&edit->tx, step->entity, sizeof(*akey));
		akey->entity.children = (struct btree_root){0};
		if (akey->entity.value == VOS_ARRAY)
			akey->value.array.longest = 0;
		burial_finish(edit, &step->burial);
		break;
	case STEP_VERSION:
		btree_remove(&edit->tx, versions_kind, step->parent, step->order, NULL);
		burial_finish(edit, &step->burial);
		break;
	case STEP_PIECE:
		REACHED("vos: one extent of a history is collected");
		piece_remove(edit, step);
		burial_finish(edit, &step->burial);
		break;
	case STEP_EXTENT:
		REACHED("vos: an extent that a punch hides is collected");
		btree_remove(&edit->tx, extents_kind, step->parent, step->order, NULL);
		burial_finish(edit, &step->burial);
		break;
	case STEP_CLEAR:
		entity = tx_change(&edit->tx, step->entity, sizeof(*entity));
		entity->flags &= (uint8_t) ~(ENTITY_STALE | ENTITY_DISPLACED);
		break;
	case STEP_FINISH:
		finish_apply(edit, step);
		break;
	case STEP_NOTHING:
	case STEP_END:
		break;
	}
}

static void
collect_need(struct edit *edit)
{
	burial_need(edit);
	for (uint32_t tree = TREE_OBJECTS; tree <= TREE_VERSIONS; tree++)
		edit_need_removal(edit, tree);
	edit_need_removal(edit, TREE_STALE);
	edit_need(edit, TREE_STALE);
	edit->need.log_bytes += 2 * sizeof(struct stale_record);
}

/* The first stale record up to epoch. -DER_NONEXIST. */
static int
stale_first(struct vos *vos, uint64_t epoch, struct stale_record *ret_record, uint64_t *ret_order,
	    uint64_t *ret_written)
{
	struct edit edit;
	struct btree_cursor cursor;
	const struct stale_record *record;
	struct ordered_key key;
	struct vos_object object;
	const struct entity *entity;
	uint64_t root;
	int rc;

	edit_init(&edit, vos, NULL, NULL, NULL);
	do {
		pin_init(edit_pin(&edit), vos->heap);
		rc = btree_first(edit_pin(&edit), &tree_kinds[TREE_STALE], stale_of(vos), &cursor);
		if (rc == 0 && cursor.order > epoch)
			rc = -DER_NONEXIST;
		record = rc == 0 ? heap_at(edit_pin(&edit), cursor.record, sizeof(*record)) : NULL;
		if (rc == 0 && !record)
			rc = pin_outcome(edit_pin(&edit));
		if (rc == 0) {
			*ret_record = *record;
			*ret_order = cursor.order;
			*ret_written = 0;
			object = (struct vos_object){record->id, record->shard};
			object_order(&object, &key);
			rc = container_find(&edit, &ret_record->container, &root);
			if (rc == 0)
				rc = btree_find(edit_pin(&edit), key.kind, root, key.order, &key,
						BTREE_EQUAL, &cursor);
			if (rc == 0)
				rc = entity_get(edit_pin(&edit), RECORD_OBJECT, cursor.record,
						&entity);
			if (rc == 0)
				*ret_written = entity->written;
			if (rc == -DER_NONEXIST)
				rc = 0;
		}
		if (rc == -DER_AGAIN)
			rc = pin_load(edit_pin(&edit)) ?: -DER_AGAIN;
		pin_fini(edit_pin(&edit));
	} while (rc == -DER_AGAIN);
	return rc;
}

/* Begins with the first stale object, unless the collector is in the middle of one. -DER_NONEXIST
 * when there is none. */
static int
collector_start(struct vos *vos, uint64_t epoch)
{
	struct collector *collector = vos->collector;
	struct stale_record record = {0};
	uint64_t order = 0, written = 0;
	int rc;

	if (collector && collector->order != 0 && !FAULT("vos: collect an object from its start"))
		return 0;
	rc = stale_first(vos, epoch, &record, &order, &written);
	if (rc != 0)
		return rc;
	if (!collector) {
		REACHED("vos: collecting begins after an opening");
		collector = arena_alloc(vos->arena, sizeof(*collector));
	}
	if (!collector)
		return error_raise(-DER_NOMEM, "no memory for the collector");
	*collector = (struct collector){
		.record = record, .order = order, .epoch = epoch, .object_written = written};
	vos->collector = collector;
	return 0;
}

static int
collect_step(struct vos *vos, struct step *step)
{
	static const struct edit_steps steps = {
		.need = collect_need, .check = collect_check, .apply = collect_apply};
	struct edit edit;
	uint64_t group;
	int rc;

	edit_init(&edit, vos, NULL, NULL, NULL);
	edit.need.privileged = true;
	edit.plan = step;
	rc = edit_run(&edit, &steps, &group);
	if (rc != 0)
		return rc;
	*vos->collector = *step->next;
	if (step->kind == STEP_FINISH)
		vos->collector->order = 0;
	return 0;
}

/* ------------------------------------------------ clients */

/* One client whose requests are all older than the horizon. -DER_NONEXIST. */
static int
client_old(struct vos *vos, struct uuid *ret_client)
{
	const struct btree_kind *kind = &tree_kinds[TREE_CLIENTS];
	uint64_t root = vos->root + offsetof(struct store_root, clients);
	struct btree_cursor cursor;
	struct pin pin;
	bool found = false;
	int rc;

	do {
		pin_init(&pin, vos->heap);
		rc = btree_first(&pin, kind, root, &cursor);
		while (rc == 0 && !found) {
			const struct client_record *client =
				heap_at(&pin, cursor.record, sizeof(*client));

			found = client && client->latest < vos->horizon;
			if (found)
				*ret_client = client->client;
			rc = client ? btree_next(&pin, kind, root, &cursor) : pin_outcome(&pin);
		}
		if (rc == -DER_AGAIN && !found)
			rc = pin_load(&pin) ?: -DER_AGAIN;
		pin_fini(&pin);
	} while (rc == -DER_AGAIN && !found);
	return found ? 0 : rc;
}

static int
clients_collect(struct vos *vos, uint32_t *credits)
{
	struct uuid client;
	uint64_t group;
	int rc = 0;

	while (rc == 0 && *credits > 0 && vos->horizon_moved) {
		rc = client_old(vos, &client);
		if (rc == -DER_NONEXIST) {
			vos->horizon_moved = false;
			return 0;
		}
		REACHED("vos: the requests of a client expire");
		if (rc == 0)
			rc = vos_forget_client(vos, client, &group);
		--*credits;
	}
	return rc;
}

/* ------------------------------------------------ the call */

static int
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

int
vos_collect(struct vos *vos, uint64_t epoch, uint32_t credits)
{
	struct step *step = arena_alloc(vos->arena, sizeof(*step) + sizeof(struct collector));
	bool ended = false;
	int rc;

	if (!step)
		return error_raise(-DER_NOMEM, "no memory for the collector");
	step->next = (struct collector *)(step + 1);
	rc = clients_collect(vos, &credits);
	while (rc == 0 && credits > 0) {
		rc = bury_all(vos, &credits, &ended);
		if (rc != 0 || credits == 0)
			break;
		rc = collector_start(vos, epoch);
		if (rc != 0)
			break;
		rc = collect_step(vos, step);
		credits--;
	}
	arena_free(vos->arena, step);
	if (rc == -DER_NONEXIST)
		return 0;
	return rc < 0 ? rc : 1;
}
