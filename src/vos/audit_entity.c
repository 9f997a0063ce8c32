/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The audit of objects, dkeys and akeys: their order, their lives, what hangs from them, and that
 * the collector finds what it has to collect. It goes from stale objects to marked dkeys and akeys;
 * what is hidden is found wherever all above is marked.
 */
#include "vos/audit.h"

static const struct btree_kind *const incarnations_kind = &tree_kinds[TREE_INCARNATIONS];

/* ------------------------------------------------ lives */

struct incarnations_walk {
	struct audit *audit;
	uint64_t created, punched;
};

static int
incarnations_visit(void *argument, const struct btree_audit_record *record)
{
	struct incarnations_walk *walk = argument;
	const struct incarnation *entry = heap_at(walk->audit->pin, record->offset, sizeof(*entry));
	uint64_t newest;

	if (!entry)
		return pin_outcome(walk->audit->pin);
	if (entry->type != RECORD_INCARNATION || entry->version != RECORD_VERSION ||
	    (entry->kind != INCARNATION_CREATE && entry->kind != INCARNATION_PUNCH))
		return audit_refuse("epoch %lx has no incarnation", (unsigned long)record->order);
	newest = entry->kind == INCARNATION_CREATE ? walk->created : walk->punched;
	if (record->order >= newest)
		return audit_refuse("an older incarnation has epoch %lx, the newest %lx",
				    (unsigned long)record->order, (unsigned long)newest);
	return 0;
}

int
audit_incarnations(struct audit *audit, uint64_t root, uint64_t created, uint64_t punched)
{
	struct incarnations_walk walk = {audit, created, punched};

	return btree_audit(audit->heap, incarnations_kind, root, incarnations_visit, &walk);
}

static int
life_audit(struct audit *audit, const struct entity *entity, uint64_t limit)
{
	const struct life *life = &entity->life;
	const struct incarnations *older;
	int rc;

	if (life->created == 0 || life->created > entity->written ||
	    life->punched > entity->written || entity->written > limit)
		return audit_refuse("epochs are out of order: created %lx, punched %lx, written "
				    "%lx, above it %lx",
				    (unsigned long)life->created, (unsigned long)life->punched,
				    (unsigned long)entity->written, (unsigned long)limit);
	if (entity->type == RECORD_OBJECT && entity->renamed > entity->written)
		return audit_refuse(
			"a dkey came or went at %lx, after all changes, the last at %lx",
			(unsigned long)entity->renamed, (unsigned long)entity->written);
	if (life->older == 0)
		return 0;
	rc = heap_audit_block(audit->heap, life->older, sizeof(*older));
	older = rc == 0 ? heap_at(audit->pin, life->older, sizeof(*older)) : NULL;
	if (!older)
		return rc != 0 ? rc : pin_outcome(audit->pin);
	if (older->type != RECORD_INCARNATIONS || older->version != RECORD_VERSION ||
	    older->entries.count == 0)
		return audit_refuse("there are no older incarnations at %#lx",
				    (unsigned long)life->older);
	return audit_incarnations(audit, life->older + offsetof(struct incarnations, entries),
				  life->created, life->punched);
}

/* ------------------------------------------------ keys */

static int
key_audit(struct audit *audit, const struct btree_kind *kind, const struct entity *entity,
	  struct ordered_key *ret_key)
{
	struct vos_key key;
	int rc;

	if (entity->key_length == 0 || entity->key_length > VOS_KEY_MAX)
		return audit_refuse("a key has %u bytes", entity->key_length);
	rc = entity_key(audit->pin, entity, &key);
	if (rc == 0 && key.length > KEY_INLINE_MAX)
		rc = heap_audit_block(audit->heap, entity->key.offset,
				      sizeof(struct key_record) + key.length);
	if (rc == 0)
		rc = kind_order(kind, key, ret_key);
	/* A key that cannot be is damage here. */
	return rc == -DER_INVAL ? audit_refuse("a key has %u bytes", key.length) : rc;
}

/* Whether the record stands where its key belongs. */
static int
order_audit(struct audit *audit, const struct btree_audit_record *record,
	    const struct entity *entity, const struct ordered_key *key)
{
	const void *before;
	int sign;

	if (key->order != record->order ||
	    (key->kind->id != TREE_OBJECTS && key->hash != entity->hash))
		return audit_refuse("a key of order %016lx stands at %016lx",
				    (unsigned long)key->order, (unsigned long)record->order);
	if (record->tied == 0)
		return 0;
	before = heap_at(audit->pin, record->tied, key->kind->record_size);
	if (!before)
		return pin_outcome(audit->pin);
	sign = key->kind->compare(audit->pin, key, before);
	if (pin_outcome(audit->pin) != 0)
		return pin_outcome(audit->pin);
	return sign > 0 ? 0 : audit_refuse("two keys of one order key are out of order");
}

/* ------------------------------------------------ marks */

static bool
is_dead(const struct entity *entity, uint64_t bound)
{
	return entity->life.created <= max_of(bound, entity->life.punched);
}

/* stale: something of the entity itself waits to be collected. */
static int
marks_audit(const struct audit_level *level, const struct entity *entity, bool stale)
{
	bool mark = (entity->flags & (ENTITY_STALE | ENTITY_PARKED)) != 0;
	bool object = level->kind->id == TREE_OBJECTS;

	if (!level->live)
		return 0;
	if (is_dead(entity, level->bound))
		return level->marked && (mark || !object)
			       ? 0
			       : audit_refuse(
					 "it is hidden, and nothing leads the collector to it");
	if ((stale && !mark) || (mark && !level->marked))
		return audit_refuse("something of it is to be collected, and nothing leads there");
	return 0;
}

/* ------------------------------------------------ entities */

static void
place_set(const struct audit_level *level, const struct btree_audit_record *record,
	  const struct entity *entity)
{
	struct audit *audit = level->audit;

	if (level->kind->id == TREE_OBJECTS) {
		audit->object = (struct vos_object){entity->key.id, entity->key_length};
		audit->has_object = true;
		audit->has_dkey = false;
		audit->has_akey = false;
	} else if (level->kind->id <= TREE_DKEYS_INTEGER) {
		audit->dkey = record->order;
		audit->has_dkey = true;
		audit->has_akey = false;
	} else {
		audit->akey = record->order;
		audit->has_akey = true;
	}
}

/* The level beneath an object or a dkey. */
static struct audit_level
level_beneath(const struct audit_level *level, const struct entity *entity)
{
	struct audit_level beneath = {
		.audit = level->audit,
		.kind = &tree_kinds[level->child],
		.written = level->live ? entity->written : UINT64_MAX,
		.bound = max_of(level->bound, entity->life.punched),
		.live = level->live && !is_dead(entity, level->bound),
		.marked = level->marked && (entity->flags & (ENTITY_STALE | ENTITY_PARKED)) != 0,
	};

	if (level->kind->id == TREE_OBJECTS) {
		beneath.kind = dkey_kind(entity->key.id);
		beneath.child = akey_kind(entity->key.id)->id;
	}
	return beneath;
}

static int
flags_audit(const struct audit_level *level, const struct entity *entity)
{
	bool akey = level->kind->id >= TREE_AKEYS_HASHED;
	uint8_t known = akey ? ENTITY_STALE | ENTITY_DISPLACED : ENTITY_STALE;

	if (level->kind->id == TREE_OBJECTS)
		known |= ENTITY_PARKED;

	if ((entity->flags & ~known) != 0 || (!akey && entity->value != 0))
		return audit_refuse("flags %02x and value type %u", entity->flags, entity->value);
	return 0;
}

static int
value_audit(const struct audit_level *level, const struct entity *entity, uint64_t offset,
	    bool *ret_stale)
{
	uint64_t hidden = max_of(level->bound, entity->life.punched);
	const struct akey_record *akey;
	int rc = akey_get(level->audit->pin, offset, &akey);

	return rc == 0 ? audit_akey(level->audit, akey, offset, hidden, ret_stale) : rc;
}

static int
beneath_audit(const struct audit_level *level, const struct entity *entity, uint64_t offset,
	      bool *ret_stale)
{
	struct audit_level beneath;

	if (level->kind->id >= TREE_AKEYS_HASHED)
		return value_audit(level, entity, offset, ret_stale);
	beneath = level_beneath(level, entity);
	return audit_entities(&beneath, children_of(offset));
}

static void
entity_count(const struct audit_level *level)
{
	struct vos_audit *figures = &level->audit->figures;

	if (level->kind->id == TREE_OBJECTS)
		figures->objects++;
	else if (level->kind->id <= TREE_DKEYS_INTEGER)
		figures->dkeys++;
	else
		figures->akeys++;
}

static int
entity_visit(void *argument, const struct btree_audit_record *record)
{
	struct audit_level *level = argument;
	struct audit *audit = level->audit;
	const struct entity *entity;
	struct ordered_key key;
	bool stale = false;
	int rc = entity_get(audit->pin, entity_type(level->kind), record->offset, &entity);

	if (rc != 0)
		return rc;
	entity_count(level);
	place_set(level, record, entity);
	if (level->kind->id == TREE_OBJECTS)
		object_order(&audit->object, &key);
	else
		rc = key_audit(audit, level->kind, entity, &key);
	if (rc == 0)
		rc = order_audit(audit, record, entity, &key);
	if (rc == 0)
		rc = flags_audit(level, entity);
	if (rc == 0)
		rc = life_audit(audit, entity, level->written);
	if (rc == 0)
		rc = beneath_audit(level, entity, record->offset, &stale);
	if (rc == 0) {
		place_set(level, record, entity);
		rc = marks_audit(level, entity, stale || entity->life.older != 0);
	}
	if (level->kind->id == TREE_OBJECTS && level->live && (entity->flags & ENTITY_STALE) != 0)
		audit->stale_objects++;
	if (level->kind->id == TREE_OBJECTS && level->live && (entity->flags & ENTITY_PARKED) != 0)
		audit->parked_objects++;
	return rc;
}

int
audit_entities(struct audit_level *level, uint64_t root)
{
	return btree_audit(level->audit->heap, level->kind, root, entity_visit, level);
}
