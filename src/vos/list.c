/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Listings that resume at a position. */
#include "vos/private.h"

/* Records looked at in one attempt, and pieces of an array. */
#define LIST_BATCH 64u

struct listing {
	struct look look;
	enum vos_level level;
	struct ordered_key dkey, akey;
	uint32_t limit; /* entries still wanted */
	struct vos_position *position;
	int (*visit)(void *argument, const struct vos_entry *entry);
	void *argument;
	bool ended; /* by limit, visit or the last entry */
	int result; /* of visit, when it failed */
	uint64_t group;
};

/* ------------------------------------------------ positions */

#define OBJECT_KEY (sizeof(struct object_id) + sizeof(uint32_t))

/* The key of an entity; that of an object is made in bytes. */
static int
key_get(struct pin *pin, const struct btree_kind *kind, const struct entity *entity,
	uint8_t bytes[OBJECT_KEY], struct vos_key *ret_key)
{
	if (kind->id != TREE_OBJECTS)
		return entity_key(pin, entity, ret_key);
	memcpy(bytes, &entity->key.id, sizeof(struct object_id));
	memcpy(bytes + sizeof(struct object_id), &entity->key_length, sizeof(uint32_t));
	*ret_key = (struct vos_key){bytes, OBJECT_KEY};
	return 0;
}

static uint64_t
key_hash(const struct btree_kind *kind, const struct entity *entity, struct vos_key key)
{
	return kind->id != TREE_OBJECTS && entity->hash != 0 ? entity->hash
							     : hash64(key.data, key.length, 0);
}

int
position_set(struct pin *pin, const struct btree_kind *kind, const struct btree_cursor *cursor,
	     struct vos_position *position)
{
	const struct entity *entity = heap_at(pin, cursor->record, sizeof(*entity));
	uint8_t bytes[OBJECT_KEY];
	struct vos_key key;
	int rc;

	if (!entity)
		return pin_outcome(pin);
	rc = key_get(pin, kind, entity, bytes, &key);
	if (rc != 0)
		return rc;
	position->state = VOS_AFTER;
	position->hash[0] = cursor->order;
	position->hash[1] = key_hash(kind, entity, key);
	position->key_length = key.length;
	memcpy(position->key, key.data, min_of(key.length, VOS_POSITION_KEY));
	return 0;
}

/* The key that position names, cut where it was too long to be kept. */
static void
position_key(const struct vos_position *position, const struct btree_kind *kind,
	     struct ordered_key *ret_key)
{
	*ret_key = (struct ordered_key){
		.kind = kind,
		.order = position->hash[0],
		.hash = position->hash[1],
		.key = {position->key, min_of(position->key_length, VOS_POSITION_KEY)},
		.key_order = kind->id == TREE_DKEYS_LEXICAL || kind->id == TREE_AKEYS_LEXICAL
				     ? KEY_LEXICAL
				     : KEY_HASHED,
	};
	if (kind->id == TREE_OBJECTS) {
		memcpy(&ret_key->object.id, position->key, sizeof(struct object_id));
		memcpy(&ret_key->object.shard, position->key + sizeof(struct object_id),
		       sizeof(uint32_t));
	}
}

/* Beyond keys that begin as the one kept does, up to and (VOS_AFTER) including that itself, if it
 * is there. */
static int
long_key_find(struct pin *pin, const struct btree_kind *kind, uint64_t root,
	      const struct vos_position *position, const struct ordered_key *wanted,
	      struct btree_cursor *ret_cursor)
{
	struct btree_cursor cursor;
	int rc = btree_find(pin, kind, root, wanted->order, wanted, BTREE_AT_LEAST, &cursor);

	if (rc != 0)
		return rc;
	*ret_cursor = cursor;
	while (rc == 0 && cursor.order == wanted->order) {
		const struct entity *entity = heap_at(pin, cursor.record, sizeof(*entity));
		struct vos_key key;

		if (!entity)
			return pin_outcome(pin);
		rc = entity_key(pin, entity, &key);
		if (rc != 0)
			return rc;
		if (key.length < VOS_POSITION_KEY ||
		    memcmp(key.data, position->key, VOS_POSITION_KEY) != 0)
			return 0;
		if (key.length == position->key_length &&
		    key_hash(kind, entity, key) == position->hash[1]) {
			if (position->state == VOS_AFTER)
				rc = btree_next(pin, kind, root, &cursor);
			if (rc == 0)
				*ret_cursor = cursor;
			return rc;
		}
		rc = btree_next(pin, kind, root, &cursor);
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
position_find(struct pin *pin, const struct btree_kind *kind, uint64_t root,
	      const struct vos_position *position, struct btree_cursor *ret_cursor)
{
	struct ordered_key wanted;

	if (position->state == VOS_BEGIN)
		return btree_first(pin, kind, root, ret_cursor);
	position_key(position, kind, &wanted);
	if (position->key_length > VOS_POSITION_KEY) {
		REACHED("vos: a listing resumes behind a long key");
		return long_key_find(pin, kind, root, position, &wanted, ret_cursor);
	}
	return btree_find(pin, kind, root, wanted.order, kind->compare ? &wanted : NULL,
			  position->state == VOS_AT || BUG(13) ? BTREE_AT_LEAST : BTREE_ABOVE,
			  ret_cursor);
}

/* ------------------------------------------------ visiting */

/* False when the listing is to end before this entry. */
static bool
entry_visit(struct listing *listing, const struct vos_entry *entry)
{
	int rc = listing->limit == 0 ? 1 : listing->visit(listing->argument, entry);

	if (rc == 0) {
		listing->limit--;
		return true;
	}
	listing->ended = true;
	listing->result = min_of(rc, 0);
	return false;
}

static int
entity_visit(struct listing *listing, const struct btree_kind *kind, const struct entity *entity)
{
	struct vos_entry entry = {.level = listing->level};
	uint8_t bytes[OBJECT_KEY];
	int rc;

	if (listing->level == VOS_OBJECTS) {
		entry.object = (struct vos_object){entity->key.id, entity->key_length};
	} else {
		rc = key_get(&listing->look.pin, kind, entity, bytes, &entry.key);
		if (rc != 0)
			return rc;
		entry.type = (enum vos_value_type)entity->value;
	}
	entry_visit(listing, &entry);
	return 0;
}

static int
entities_list(struct listing *listing, const struct btree_kind *kind, uint64_t root, uint64_t bound)
{
	struct pin *pin = &listing->look.pin;
	struct btree_cursor cursor;
	int rc = position_find(pin, kind, root, listing->position, &cursor);

	for (uint32_t i = 0; rc == 0 && i < LIST_BATCH; i++) {
		const struct entity *entity;
		struct seen seen = {0};

		rc = entity_get(pin, entity_type(kind), cursor.record, &entity);
		if (rc == 0)
			rc = life_look(pin, &entity->life, listing->look.epoch, bound, &seen);
		if (rc == 0 && seen.visible)
			rc = entity_visit(listing, kind, entity);
		else if (rc == 0)
			REACHED("vos: a listing passes what was punched");
		if (listing->ended)
			break;
		/* Also behind what is not visible, so that it is not looked at again. */
		if (rc == 0)
			rc = position_set(pin, kind, &cursor, listing->position);
		if (rc == 0)
			rc = btree_next(pin, kind, root, &cursor);
		if (rc == 0 && FAULT("vos: list one entry at a time"))
			break;
	}
	return rc;
}

/* ------------------------------------------------ extents */

static int
pieces_visit(struct listing *listing, const struct piece_list *list)
{
	bool down = listing->level == VOS_EXTENTS_DOWN;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct piece *piece = &list->pieces[i];
		struct vos_entry entry = {.level = VOS_EXTENTS,
					  .extent = {piece->start, piece->count},
					  .epoch = piece->epoch};
		const struct blob *blob;
		int rc;

		if (piece->blob != 0) {
			rc = blob_get(&listing->look.pin, piece->blob, &blob);
			if (rc != 0)
				return rc;
			entry.record_size = blob->record_size;
			if (!entry_visit(listing, &entry))
				return 0;
		}
		listing->position->state = VOS_AFTER;
		listing->position->hash[0] = down ? piece->start : piece->start + piece->count;
	}
	return list->count < list->limit ? -DER_NONEXIST : 0;
}

static int
array_list(struct listing *listing, const struct seen *akey)
{
	struct piece_list list = {.arena = listing->look.container->vos->arena,
				  .limit = FAULT("vos: list few extents at a time") ? 1
										    : LIST_BATCH};
	const struct vos_position *position = listing->position;
	struct look *look = &listing->look;
	bool begun = position->state == VOS_AFTER;
	int rc;

	if (listing->level == VOS_EXTENTS_DOWN)
		rc = array_look_back(&look->pin, akey->offset,
				     begun ? position->hash[0] : UINT64_MAX, look->epoch,
				     akey->bound, &list);
	else
		rc = array_look(&look->pin, akey->offset, begun ? position->hash[0] : 0, UINT64_MAX,
				look->epoch, akey->bound, &list);
	if (rc == 0)
		rc = pieces_visit(listing, &list);
	piece_list_fini(&list);
	return rc;
}

static int
single_list(struct listing *listing, const struct seen *akey)
{
	struct vos_entry entry = {.level = VOS_EXTENTS, .extent = {0, 1}};
	struct extent_record version;
	const struct blob *blob;
	int rc;

	if (listing->position->state == VOS_AFTER)
		return -DER_NONEXIST;
	rc = single_look(&listing->look.pin, akey->offset, listing->look.epoch, akey->bound,
			 &version);
	if (rc == 0)
		rc = blob_get(&listing->look.pin, version.blob, &blob);
	if (rc != 0)
		return rc;
	entry.epoch = version.epoch;
	entry.record_size = blob->length;
	return entry_visit(listing, &entry) ? -DER_NONEXIST : 0;
}

static int
extents_list(struct listing *listing)
{
	const struct seen *dkey = &listing->look.dkey_seen;
	const struct akey_record *record;
	struct seen akey;
	int rc = entity_find(&listing->look.pin, dkey->offset ? children_of(dkey->offset) : 0,
			     &listing->akey, listing->look.epoch, dkey->bound, &akey);

	if (rc == 0)
		rc = akey.visible ? akey_get(&listing->look.pin, akey.offset, &record)
				  : -DER_NONEXIST;
	if (rc != 0)
		return rc;
	return record->entity.value == VOS_SINGLE ? single_list(listing, &akey)
						  : array_list(listing, &akey);
}

/* ------------------------------------------------ the call */

static int
list_attempt(struct listing *listing)
{
	struct look *look = &listing->look;
	int rc = container_check(look->container);

	if (rc == 0)
		rc = look_judge(look, listing->level == VOS_OBJECTS ? NULL : look->object,
				listing->level >= VOS_AKEYS ? &listing->dkey : NULL);
	if (rc == 0 && listing->level == VOS_OBJECTS)
		rc = snapshots_check(&look->pin, look->container, look->epoch);
	if (rc == 0 && listing->level == VOS_OBJECTS) {
		listing->group = look->container->newest_group;
		return entities_list(
			listing, &tree_kinds[TREE_OBJECTS],
			look->container->root + offsetof(struct container_root, objects), 0);
	}
	if (rc == 0)
		rc = look_object(look);
	listing->group = max_of(listing->group, container_group(look->container, look->object));
	if (rc == 0 && !look->object_seen.visible)
		return -DER_NONEXIST;
	if (rc == 0 && listing->level == VOS_DKEYS)
		return entities_list(listing, dkey_kind(look->object->id),
				     children_of(look->object_seen.offset),
				     look->object_seen.bound);
	if (rc == 0)
		rc = look_dkey(look, &listing->dkey);
	if (rc == 0 && !look->dkey_seen.visible)
		return -DER_NONEXIST;
	if (rc == 0 && listing->level == VOS_AKEYS)
		return entities_list(listing, akey_kind(look->object->id),
				     children_of(look->dkey_seen.offset), look->dkey_seen.bound);
	return rc == 0 ? extents_list(listing) : rc;
}

/* Batch after batch, until something ends it. -DER_NONEXIST stands for the end of what there is. */
static int
list_run(struct listing *listing)
{
	int rc = 0;

	while (!listing->ended && listing->position->state != VOS_END) {
		pin_init(&listing->look.pin, listing->look.container->vos->heap);
		NO_YIELD
		{
			rc = list_attempt(listing);
		}
		if (rc == -DER_AGAIN)
			rc = pin_load(&listing->look.pin);
		pin_fini(&listing->look.pin);
		if (rc == EDIT_AGAIN)
			rc = prepared_wait(listing->look.container->vos, &listing->look.blocker);
		if (rc == -DER_NONEXIST && !listing->look.container->destroyed) {
			if (!listing->ended)
				listing->position->state = VOS_END;
			rc = 0;
		}
		if (rc != 0)
			return rc;
		fiber_yield();
	}
	return listing->result;
}

int
vos_list(struct vos_container *container, const struct vos_object *object, enum vos_level level,
	 struct vos_key dkey, struct vos_key akey, uint64_t epoch, uint32_t limit,
	 struct vos_position *position, int (*visit)(void *argument, const struct vos_entry *entry),
	 void *argument)
{
	struct listing listing = {
		.look = {.container = container, .object = object, .epoch = epoch},
		.level = level,
		.limit = limit,
		.position = position,
		.visit = visit,
		.argument = argument,
	};
	int rc = 0, waited;

	if (position->state > VOS_AT || (position->state == VOS_AT && level >= VOS_EXTENTS))
		return error_raise(-DER_INVAL, "a position has the impossible state %u",
				   position->state);
	if (level >= VOS_AKEYS)
		rc = dkey_order(object, dkey, &listing.dkey);
	if (rc == 0 && level >= VOS_EXTENTS)
		rc = akey_order(object, akey, &listing.akey);
	if (rc != 0)
		return rc;
	rc = list_run(&listing);
	waited = media_wait(container->vos->media, listing.group);
	return waited != 0 ? waited : rc;
}
