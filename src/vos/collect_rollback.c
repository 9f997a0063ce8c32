/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Rolling back: makes the present of a container equal to what a snapshot shows, by changes at a
 * new epoch which share the stored bytes. What was written or punched since the snapshot is found
 * by the newest change that every object, dkey and akey notes. Each step finds one difference and
 * removes it; so it may be ended anywhere, and goes on from what it finds. First what was there is
 * written, then what was not is punched, at the next minor epoch: so that no punch leaves a dkey
 * empty for a moment, which would punch that.
 */
#include "vos/private.h"

/* Records passed over in one attempt; differences of one array that go into one change. */
#define ROLLBACK_BATCH 64u
#define ROLLBACK_EXTENTS 32u

enum difference_kind {
	SAME, /* so far */
	PUNCH_OBJECT,
	PUNCH_DKEY,
	PUNCH_AKEY,
	WRITE,
};

/* A difference, with copies of all that names it. */
struct difference {
	enum difference_kind kind;
	struct vos_object object;
	uint32_t dkey_length, akey_length;
	enum vos_value_type type;
	uint64_t record_size; /* 0: holes */
	uint32_t count;
	struct vos_extent extents[ROLLBACK_EXTENTS];
	uint64_t blobs[ROLLBACK_EXTENTS];
	uint8_t dkey[VOS_KEY_MAX], akey[VOS_KEY_MAX];
};

struct rollback {
	struct vos_container *container;
	struct vos_rollback *state;
	struct pin pin;
	uint64_t snapshot;
	struct difference *found;
};

/* How an entity is seen at the snapshot and now. */
struct views {
	struct seen then, now;
};

static int
views_look(struct rollback *rollback, const struct entity *entity, const struct views *above,
	   struct views *ret_views)
{
	struct views views = {.then = {0}};
	int rc = life_look(&rollback->pin, &entity->life, rollback->snapshot, above->then.bound,
			   &views.then);

	if (rc == 0)
		rc = life_look(&rollback->pin, &entity->life, EPOCH_MAX, above->now.bound,
			       &views.now);
	*ret_views = views;
	return rc;
}

/* Whether nothing of it changed since the snapshot, neither by itself nor from above. */
static bool
is_same(const struct rollback *rollback, const struct entity *entity, const struct views *above)
{
	return entity->written <= rollback->snapshot && above->now.bound == above->then.bound;
}

static int
copy_key(struct rollback *rollback, const struct entity *entity, uint8_t copy[VOS_KEY_MAX],
	 uint32_t *ret_length)
{
	struct vos_key key;
	int rc = entity_key(&rollback->pin, entity, &key);

	if (rc != 0)
		return rc;
	memcpy(copy, key.data, key.length);
	*ret_length = key.length;
	return 0;
}

/* ------------------------------------------------ single values */

static void
found_value(struct difference *found, enum vos_value_type type, struct vos_extent extent,
	    uint64_t record_size, uint64_t blob)
{
	found->kind = WRITE;
	found->type = type;
	found->record_size = record_size;
	found->extents[found->count] = extent;
	found->blobs[found->count++] = blob;
}

static int
single_blob(struct rollback *rollback, uint64_t akey, uint64_t epoch, uint64_t bound,
	    uint64_t *ret_blob)
{
	struct extent_record version;
	int rc = single_look(&rollback->pin, akey, epoch, bound, &version);

	*ret_blob = rc == 0 ? version.blob : 0;
	return rc == -DER_NONEXIST ? 0 : rc;
}

static int
single_compare(struct rollback *rollback, uint64_t akey, const struct views *views)
{
	const struct blob *blob = NULL;
	uint64_t then, now;
	int rc = single_blob(rollback, akey, rollback->snapshot, views->then.bound, &then);

	if (rc == 0)
		rc = single_blob(rollback, akey, EPOCH_MAX, views->now.bound, &now);
	if (rc == 0 && then != 0)
		rc = blob_get(&rollback->pin, then, &blob);
	if (rc == 0 && (then != now || !views->now.visible))
		found_value(rollback->found, VOS_SINGLE, (struct vos_extent){0, 1},
			    blob ? blob->length : 0, then);
	return rc;
}

/* ------------------------------------------------ arrays */

/* What a list of pieces shows at record `at`, and how far. */
static uint64_t
shown_at(const struct piece_list *list, uint32_t *next, uint64_t at, uint64_t *end)
{
	while (*next < list->count && list->pieces[*next].start + list->pieces[*next].count <= at)
		++*next;
	if (*next == list->count)
		return 0;
	if (list->pieces[*next].start > at) {
		*end = min_of(*end, list->pieces[*next].start);
		return 0;
	}
	*end = min_of(*end, list->pieces[*next].start + list->pieces[*next].count);
	return list->pieces[*next].blob;
}

/* Adds a difference to those found, which are all data of one record size, or all holes; false when
 * it does not fit. */
static bool
found_extent(struct difference *found, uint64_t start, uint64_t count, uint64_t record_size,
	     uint64_t blob, uint64_t *bytes)
{
	*bytes += count * record_size;
	if (found->count > 0 && (found->count == ROLLBACK_EXTENTS ||
				 found->record_size != record_size || *bytes > VOS_PAYLOAD_MAX))
		return false;
	found_value(found, VOS_ARRAY, (struct vos_extent){start, count}, record_size, blob);
	return true;
}

static int
lists_compare(struct rollback *rollback, const struct piece_list *then,
	      const struct piece_list *now)
{
	uint32_t then_next = 0, now_next = 0;
	uint64_t at = rollback->state->record, bytes = 0;
	bool room = true;
	int rc = 0;

	while (rc == 0 && room) {
		uint64_t end = UINT64_MAX, record_size = 0;
		uint64_t wanted = shown_at(then, &then_next, at, &end);
		uint64_t present = shown_at(now, &now_next, at, &end);
		const struct blob *blob;

		if (wanted != 0) {
			rc = blob_get(&rollback->pin, wanted, &blob);
			record_size = rc == 0 ? blob->record_size : 0;
		}
		if (rc == 0 && wanted != present)
			room = found_extent(rollback->found, at, end - at, record_size, wanted,
					    &bytes);
		if (rc == 0 && room) {
			rollback->state->record = end;
			at = end;
		}
		if (end == UINT64_MAX)
			break;
	}
	return rc;
}

static int
array_compare(struct rollback *rollback, uint64_t akey, const struct views *views)
{
	struct arena *arena = rollback->container->vos->arena;
	struct piece_list then = {.arena = arena}, now = {.arena = arena};
	uint64_t from = rollback->state->record;
	int rc = array_look(&rollback->pin, akey, from, UINT64_MAX, rollback->snapshot,
			    views->then.bound, &then);

	if (rc == 0 && views->now.visible)
		rc = array_look(&rollback->pin, akey, from, UINT64_MAX, EPOCH_MAX, views->now.bound,
				&now);
	if (rc == 0)
		rc = lists_compare(rollback, &then, &now);
	/* It was there without any data. */
	if (rc == 0 && rollback->found->count == 0 && from == 0 && !views->now.visible)
		found_value(rollback->found, VOS_ARRAY, (struct vos_extent){0, 1}, 0, 0);
	piece_list_fini(&then);
	piece_list_fini(&now);
	return rc;
}

/* ------------------------------------------------ the next difference */

/* The akey at cursor; -DER_NONEXIST when it is the same. */
static int
akey_compare(struct rollback *rollback, const struct btree_cursor *cursor,
	     const struct views *above)
{
	struct difference *found = rollback->found;
	const struct akey_record *akey;
	struct views views;
	int rc = akey_get(&rollback->pin, cursor->record, &akey);

	if (rc == 0 && is_same(rollback, &akey->entity, above))
		return -DER_NONEXIST;
	if (rc == 0)
		rc = views_look(rollback, &akey->entity, above, &views);
	if (rc != 0)
		return rc;
	if (!views.then.visible && views.now.visible && rollback->state->punching)
		found->kind = PUNCH_AKEY;
	else if (views.then.visible && akey->entity.value == VOS_SINGLE)
		rc = single_compare(rollback, cursor->record, &views);
	else if (views.then.visible)
		rc = array_compare(rollback, cursor->record, &views);
	if (rc == 0 && found->kind == SAME)
		return -DER_NONEXIST;
	return rc == 0 ? copy_key(rollback, &akey->entity, found->akey, &found->akey_length) : rc;
}

static int
akeys_compare(struct rollback *rollback, struct object_id id, uint64_t dkey,
	      const struct views *above)
{
	struct vos_rollback *state = rollback->state;
	struct btree_cursor cursor;
	int rc = position_find(&rollback->pin, akey_kind(id), children_of(dkey), &state->akey,
			       &cursor);

	if (rc != 0)
		return rc;
	rc = akey_compare(rollback, &cursor, above);
	if (rc != -DER_NONEXIST)
		return rc;
	state->record = 0;
	return position_set(&rollback->pin, akey_kind(id), &cursor, &state->akey);
}

/* The dkey at cursor; -DER_NONEXIST when it is done. */
static int
dkey_compare(struct rollback *rollback, struct object_id id, const struct btree_cursor *cursor,
	     const struct views *above)
{
	struct difference *found = rollback->found;
	const struct entity *dkey;
	struct views views;
	int rc = entity_get(&rollback->pin, RECORD_DKEY, cursor->record, &dkey);

	if (rc == 0 && is_same(rollback, dkey, above))
		return -DER_NONEXIST;
	if (rc == 0)
		rc = views_look(rollback, dkey, above, &views);
	if (rc != 0)
		return rc;
	if (views.then.visible)
		rc = akeys_compare(rollback, id, cursor->record, &views);
	else if (views.now.visible && rollback->state->punching)
		found->kind = PUNCH_DKEY;
	else
		return -DER_NONEXIST;
	if (rc != 0 || found->kind == SAME)
		return rc;
	return copy_key(rollback, dkey, found->dkey, &found->dkey_length);
}

static int
dkeys_compare(struct rollback *rollback, const struct entity *object, uint64_t offset,
	      const struct views *views)
{
	const struct btree_kind *kind = dkey_kind(object->key.id);
	struct vos_rollback *state = rollback->state;
	struct btree_cursor cursor;
	int rc = position_find(&rollback->pin, kind, children_of(offset), &state->dkey, &cursor);

	if (rc != 0)
		return rc;
	rc = dkey_compare(rollback, object->key.id, &cursor, views);
	if (rc != -DER_NONEXIST)
		return rc;
	state->akey = (struct vos_position){0};
	state->record = 0;
	return position_set(&rollback->pin, kind, &cursor, &state->dkey);
}

/* Tables of object ids belong to snapshots, not to what they show. */
static bool
is_table(struct object_id id)
{
	return object_id_type(id) == 1 || object_id_type(id) == 14;
}

static int
object_compare(struct rollback *rollback, const struct btree_cursor *cursor)
{
	const struct views none = {.then = {0}};
	struct difference *found = rollback->found;
	const struct entity *object;
	struct views views;
	int rc = entity_get(&rollback->pin, RECORD_OBJECT, cursor->record, &object);

	if (rc == 0 && (is_same(rollback, object, &none) || is_table(object->key.id)))
		return -DER_NONEXIST;
	if (rc == 0)
		rc = views_look(rollback, object, &none, &views);
	if (rc != 0)
		return rc;
	found->object = (struct vos_object){object->key.id, object->key_length};
	if (views.then.visible)
		return dkeys_compare(rollback, object, cursor->record, &views);
	if (!views.now.visible || !rollback->state->punching)
		return -DER_NONEXIST;
	found->kind = PUNCH_OBJECT;
	return 0;
}

/* -DER_NONEXIST at the end of the container. */
static int
rollback_on(struct rollback *rollback)
{
	uint64_t root = rollback->container->root + offsetof(struct container_root, objects);
	const struct btree_kind *kind = &tree_kinds[TREE_OBJECTS];
	struct vos_rollback *state = rollback->state;
	struct btree_cursor cursor;
	int rc = container_check(rollback->container);

	rollback->found->kind = SAME;
	rollback->found->count = 0;
	for (uint32_t i = 0; rc == 0 && rollback->found->kind == SAME && i < ROLLBACK_BATCH; i++) {
		rc = position_find(&rollback->pin, kind, root, &state->object, &cursor);
		if (rc != 0)
			return rc;
		rc = object_compare(rollback, &cursor);
		if (rc != -DER_NONEXIST)
			continue;
		state->dkey = (struct vos_position){0};
		state->akey = (struct vos_position){0};
		state->record = 0;
		rc = position_set(&rollback->pin, kind, &cursor, &state->object);
	}
	return rc;
}

static int
difference_find(struct rollback *rollback)
{
	struct vos_rollback before;
	int rc;

	do {
		before = *rollback->state;
		pin_init(&rollback->pin, rollback->container->vos->heap);
		NO_YIELD
		{
			rc = rollback_on(rollback);
		}
		if (rc == -DER_AGAIN) {
			*rollback->state = before;
			rc = pin_load(&rollback->pin) ?: -DER_AGAIN;
		}
		pin_fini(&rollback->pin);
	} while (rc == -DER_AGAIN);
	return rc;
}

/* ------------------------------------------------ removing it */

static int
difference_remove(struct rollback *rollback, const struct vos_change *change, uint64_t *ret_group)
{
	const struct difference *found = rollback->found;
	struct vos_key dkey = {found->dkey, found->dkey_length};
	struct vos_key key = {found->akey, found->akey_length};
	struct vos_akey akey = {.key = key,
				.type = found->type,
				.record_size = found->record_size,
				.extents = found->extents,
				.extent_count = found->count};

	switch (found->kind) {
	case PUNCH_OBJECT:
		return vos_punch_object(rollback->container, &found->object, change, ret_group);
	case PUNCH_DKEY:
		return vos_punch_dkeys(rollback->container, &found->object, &dkey, 1, change,
				       ret_group);
	case PUNCH_AKEY:
		return vos_punch_akeys(rollback->container, &found->object, dkey, &key, 1, change,
				       ret_group);
	case WRITE:
		return update_shared(rollback->container, &found->object, dkey, &akey, found->blobs,
				     change, ret_group);
	case SAME:
		break;
	}
	return 0;
}

int
vos_rollback(struct vos_container *container, uint64_t snapshot, uint64_t epoch,
	     struct vos_rollback *state, uint32_t credits)
{
	struct arena *arena = container->vos->arena;
	struct rollback rollback = {.container = container,
				    .state = state,
				    .snapshot = snapshot,
				    .found = arena_alloc(arena, sizeof(*rollback.found))};
	struct vos_change change = {.epoch = epoch};
	uint64_t group = 0;
	int rc = rollback.found ? 0 : error_raise(-DER_NOMEM, "no memory to roll back"), waited;

	while (rc == 0 && credits-- > 0) {
		rc = difference_find(&rollback);
		if (rc == -DER_NONEXIST && !state->punching) {
			*state = (struct vos_rollback){.punching = true};
			rc = 0;
			continue;
		}
		change.epoch = epoch + state->punching;
		if (rc == 0)
			rc = difference_remove(&rollback, &change, &group);
		fiber_yield();
	}
	arena_free(arena, rollback.found);
	waited = media_wait(container->vos->media, group);
	if (waited != 0)
		return waited;
	if (rc == -DER_NONEXIST && !container->destroyed)
		return 0;
	return rc < 0 ? rc : 1;
}
