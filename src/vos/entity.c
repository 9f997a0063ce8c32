/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Objects, dkeys and akeys: finding them, which incarnation is seen at an epoch, creating and
 * punching. */
#include "vos/private.h"

static const struct btree_kind *const incarnations_kind = &tree_kinds[TREE_INCARNATIONS];

static uint64_t
entries_of(uint64_t older)
{
	return older + offsetof(struct incarnations, entries);
}

int
entity_get(struct pin *pin, enum record_type type, uint64_t offset,
	   const struct entity **ret_entity)
{
	const struct entity *entity = heap_at(pin, offset, sizeof(*entity));

	if (!entity)
		return pin_outcome(pin);
	if (entity->type != type || entity->version != RECORD_VERSION)
		return error_raise(-DER_IO, "the heap is damaged: no record of type %02x at %llu",
				   type, (unsigned long long)offset);
	*ret_entity = entity;
	return 0;
}

int
akey_get(struct pin *pin, uint64_t offset, const struct akey_record **ret_akey)
{
	const struct akey_record *akey = heap_at(pin, offset, sizeof(*akey));

	if (!akey)
		return pin_outcome(pin);
	if (akey->entity.type != RECORD_AKEY || akey->entity.version != RECORD_VERSION)
		return error_raise(-DER_IO, "the heap is damaged: no akey at %llu",
				   (unsigned long long)offset);
	*ret_akey = akey;
	return 0;
}

/* Walks down the older entries from epoch on, until creation and punch are known or cannot matter
 * any more. */
static int
older_look(struct pin *pin, uint64_t older, uint64_t epoch, uint64_t bound, uint64_t *created,
	   uint64_t *punched)
{
	struct btree_cursor cursor;
	bool want_created = *created == 0, want_punched = *punched == 0;
	int rc;

	REACHED("vos: a read looks at older incarnations");
	if (!heap_at(pin, older, sizeof(struct incarnations)))
		return pin_outcome(pin);
	rc = btree_find(pin, incarnations_kind, entries_of(older), epoch, NULL, BTREE_AT_MOST,
			&cursor);
	while (rc == 0 && cursor.order > bound && (want_created || want_punched)) {
		const struct incarnation *entry = heap_at(pin, cursor.record, sizeof(*entry));

		if (!entry)
			return pin_outcome(pin);
		if (entry->kind == INCARNATION_PUNCH && want_punched) {
			*punched = cursor.order;
			want_punched = false;
		} else if (entry->kind == INCARNATION_CREATE && want_created) {
			*created = cursor.order;
			want_created = false;
		}
		/* Below a punch only what it hides. */
		if (entry->kind == INCARNATION_PUNCH)
			break;
		rc = btree_previous(pin, incarnations_kind, entries_of(older), &cursor);
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
life_look(struct pin *pin, const struct life *life, uint64_t epoch, uint64_t bound,
	  struct seen *seen)
{
	uint64_t created = life->created <= epoch ? life->created : 0;
	uint64_t punched = life->punched <= epoch ? life->punched : 0;
	int rc = 0;

	if (life->older != 0 && (life->created > epoch || life->punched > epoch)) {
		/* What is embedded is the newest of its kind, so an older one of that kind is not
		 * looked for. */
		bool created_known = created != 0, punched_known = punched != 0;
		uint64_t older_created = created_known, older_punched = punched_known;

		rc = older_look(pin, life->older, epoch, bound, &older_created, &older_punched);
		if (!created_known)
			created = older_created;
		if (!punched_known)
			punched = older_punched;
	}
	if (rc != 0)
		return rc;
	seen->bound = max_of(bound, punched);
	seen->visible = created > seen->bound;
	return 0;
}

int
entity_find(struct pin *pin, uint64_t parent, const struct ordered_key *key, uint64_t epoch,
	    uint64_t bound, struct seen *ret_seen)
{
	struct seen seen = {.bound = bound};
	struct btree_cursor cursor;
	const struct entity *entity;
	int rc = -DER_NONEXIST;

	if (parent != 0)
		rc = btree_find(pin, key->kind, parent, key->order, key, BTREE_EQUAL, &cursor);
	if (rc == 0) {
		rc = entity_get(pin, entity_type(key->kind), cursor.record, &entity);
		seen.offset = cursor.record;
	}
	if (rc == 0)
		rc = life_look(pin, &entity->life, epoch, bound, &seen);
	if (rc != 0 && rc != -DER_NONEXIST)
		return rc;
	*ret_seen = seen;
	return 0;
}

/* ------------------------------------------------ changes */

void
entity_parts_need(struct edit *edit, const struct ordered_key *key)
{
	if (key->key.length > KEY_INLINE_MAX)
		edit_need_block(edit, sizeof(struct key_record) + key->key.length);
	edit->need.log_bytes += 3 * sizeof(struct akey_record);
	if (edit->budget.incarnations) {
		edit_need_block(edit, sizeof(struct incarnations));
		edit_need(edit, TREE_INCARNATIONS);
	}
}

void
entity_need(struct edit *edit, const struct ordered_key *key)
{
	edit_need(edit, key->kind->id);
	entity_parts_need(edit, key);
}

/* Pins what life_push() of epoch changes. */
static int
life_probe(struct edit *edit, const struct life *life, uint64_t epoch)
{
	if (epoch == 0)
		return 0;
	if (!edit->budget.incarnations) {
		edit->budget.incarnations = true;
		return EDIT_AGAIN;
	}
	if (life->older == 0)
		return 0;
	if (!heap_at(edit_pin(edit), life->older, sizeof(struct incarnations)))
		return pin_outcome(edit_pin(edit));
	return edit_probe_new(edit, TREE_INCARNATIONS, entries_of(life->older), epoch, NULL);
}

int
entity_punch_probe(struct edit *edit, uint64_t offset)
{
	const struct entity *entity = heap_at(edit_pin(edit), offset, sizeof(*entity));

	if (!entity)
		return pin_outcome(edit_pin(edit));
	if (entity->written >= edit->epoch)
		return -DER_TX_RESTART;
	return life_probe(edit, &entity->life, entity->life.punched);
}

/* Moves an entry that is being replaced to the older ones. */
static void
life_push(struct edit *edit, uint64_t offset, uint64_t epoch, enum incarnation_kind kind)
{
	struct entity *entity = tx_change(&edit->tx, offset, offsetof(struct entity, written));
	uint64_t record;

	if (epoch == 0)
		return;
	if (entity->life.older == 0) {
		uint64_t older = tx_alloc(&edit->tx, sizeof(struct incarnations), offset);
		struct incarnations *incarnations =
			tx_change(&edit->tx, older, sizeof(*incarnations));

		REACHED("vos: a key gets older incarnations");
		incarnations->type = RECORD_INCARNATIONS;
		incarnations->version = RECORD_VERSION;
		entity->life.older = older;
	}
	btree_insert(&edit->tx, incarnations_kind, entries_of(entity->life.older), epoch, NULL,
		     offset, &record);
	*(struct incarnation *)tx_change(&edit->tx, record,
					 sizeof(struct incarnation)) = (struct incarnation){
		.type = RECORD_INCARNATION, .version = RECORD_VERSION, .kind = (uint8_t)kind};
}

int
entity_probe(struct edit *edit, uint64_t parent, const struct ordered_key *key, uint64_t bound,
	     bool wide, struct seen *ret_seen)
{
	struct seen seen = {.bound = bound};
	struct pin *pin = edit_pin(edit);
	struct btree_cursor cursor;
	const struct entity *entity;
	int rc = -DER_NONEXIST;

	if (parent != 0)
		rc = edit_probe(edit, key->kind->id, parent, key->order, key, wide, &cursor);
	if (rc == -DER_NONEXIST) {
		*ret_seen = seen;
		return 0;
	}
	if (rc != -DER_EXIST)
		return rc;
	rc = entity_get(pin, entity_type(key->kind), cursor.record, &entity);
	if (rc == 0 && key->key.length > KEY_INLINE_MAX && !heap_at(pin, entity->key.offset, 1))
		rc = pin_outcome(pin);
	if (rc != 0)
		return rc;
	if (entity->life.created > edit->epoch || entity->life.punched >= edit->epoch) {
		REACHED("vos: a change is older than what is there");
		return -DER_TX_RESTART;
	}
	seen.offset = cursor.record;
	seen.bound = max_of(bound, entity->life.punched);
	seen.visible = entity->life.created > seen.bound;
	if (!seen.visible) {
		edit->stales = true;
		rc = life_probe(edit, &entity->life, entity->life.created);
	}
	if (rc == 0)
		*ret_seen = seen;
	return rc;
}

/* Stores the bytes of a key. */
static void
entity_key_set(struct edit *edit, const struct ordered_key *key, uint64_t offset,
	       struct entity *entity)
{
	struct key_record *record;

	if (key->kind->id == TREE_OBJECTS) {
		entity->key.id = key->object.id;
		entity->key_length = key->object.shard;
		return;
	}
	entity->key_length = key->key.length;
	entity->hash = key->hash;
	if (key->key.length <= KEY_INLINE_MAX) {
		memcpy(entity->key.bytes, key->key.data, key->key.length);
		return;
	}
	entity->key.offset = tx_alloc(&edit->tx, sizeof(*record) + key->key.length, offset);
	record = tx_change(&edit->tx, entity->key.offset, sizeof(*record) + key->key.length);
	record->type = RECORD_KEY;
	record->version = RECORD_VERSION;
	record->length = (uint16_t)key->key.length;
	memcpy(record + 1, key->key.data, key->key.length);
}

static uint64_t
entity_create(struct edit *edit, uint64_t parent, const struct ordered_key *key)
{
	struct entity *entity;
	uint64_t offset;

	btree_insert(&edit->tx, key->kind, parent, key->order, key, parent, &offset);
	entity = tx_change(&edit->tx, offset, sizeof(*entity));
	entity->type = (uint8_t)entity_type(key->kind);
	entity->version = RECORD_VERSION;
	entity->life.created = edit->epoch;
	entity->written = edit->epoch;
	entity_key_set(edit, key, offset, entity);
	return offset;
}

uint64_t
entity_enter(struct edit *edit, uint64_t parent, const struct ordered_key *key, uint64_t bound)
{
	struct btree_cursor cursor;
	struct entity *entity;
	uint64_t created, *written;
	int rc = btree_find(edit_pin(edit), key->kind, parent, key->order, key, BTREE_EQUAL,
			    &cursor);

	if (rc == -DER_NONEXIST)
		return entity_create(edit, parent, key);
	ASSERT(rc == 0);
	written = tx_change(&edit->tx, cursor.record + offsetof(struct entity, written),
			    sizeof(*written));
	*written = max_of(*written, edit->epoch);
	entity = container_of(written, struct entity, written);
	created = entity->life.created;
	if (created > max_of(bound, entity->life.punched) || BUG(7))
		return cursor.record;
	life_push(edit, cursor.record, created, INCARNATION_CREATE);
	entity = tx_change(&edit->tx, cursor.record, sizeof(*entity));
	entity->life.created = edit->epoch;
	entity->flags |= ENTITY_STALE;
	return cursor.record;
}

void
entity_punch(struct edit *edit, uint64_t offset)
{
	struct entity *entity = tx_change(&edit->tx, offset, sizeof(*entity));

	life_push(edit, offset, entity->life.punched, INCARNATION_PUNCH);
	entity = tx_change(&edit->tx, offset, sizeof(*entity));
	entity->life.punched = edit->epoch;
	entity->written = max_of(entity->written, edit->epoch);
	entity->flags |= ENTITY_STALE;
}

void
entity_touch(struct edit *edit, uint64_t offset)
{
	uint64_t *written =
		tx_change(&edit->tx, offset + offsetof(struct entity, written), sizeof(*written));

	*written = max_of(*written, edit->epoch);
}

void
object_rename(struct edit *edit, uint64_t offset)
{
	uint64_t *renamed =
		tx_change(&edit->tx, offset + offsetof(struct entity, renamed), sizeof(*renamed));

	*renamed = max_of(*renamed, edit->epoch);
}

void
entity_mark(struct edit *edit, uint64_t offset, uint8_t flags)
{
	uint8_t *present = tx_change(&edit->tx, offset + offsetof(struct entity, flags), 1);

	*present |= flags;
}

/* ------------------------------------------------ reading */

int
look_object(struct look *look)
{
	struct ordered_key key;
	int rc = container_check(look->container);

	if (rc == 0)
		rc = snapshots_check(&look->pin, look->container, look->epoch);
	if (rc != 0)
		return rc;
	object_order(look->object, &key);
	return entity_find(&look->pin,
			   look->container->root + offsetof(struct container_root, objects), &key,
			   look->epoch, 0, &look->object_seen);
}

int
look_dkey(struct look *look, const struct ordered_key *dkey)
{
	const struct seen *object = &look->object_seen;

	return entity_find(&look->pin, object->offset ? children_of(object->offset) : 0, dkey,
			   look->epoch, object->bound, &look->dkey_seen);
}
