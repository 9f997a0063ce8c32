/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The largest or smallest integer dkey, integer akey and extent. */
#include "vos/private.h"

struct query {
	struct look look;
	uint32_t flags;
	bool last; /* the largest; else the smallest */
	struct ordered_key dkey, akey;
	bool has_dkey, has_akey; /* given by the caller */
	struct vos_query_result result;
};

static int
extent_query(struct query *query, const struct seen *akey)
{
	const struct akey_record *record;
	const struct blob *blob;
	struct piece piece;
	int rc = akey_get(&query->look.pin, akey->offset, &record);

	if (rc != 0)
		return rc;
	if (record->entity.value != VOS_ARRAY)
		return error_raise(-DER_INVAL,
				   "the akey holds a single value, which has no extents");
	rc = array_edge(&query->look.pin, akey->offset, query->last, query->look.epoch, akey->bound,
			query->look.container->vos->arena, &piece);
	if (rc == 0)
		rc = blob_get(&query->look.pin, piece.blob, &blob);
	if (rc != 0)
		return rc;
	query->result.extent = (struct vos_extent){piece.start, piece.count};
	query->result.record_size = blob->record_size;
	return 0;
}

/*
 * Calls visit for the visible entities of a tree from the wanted end on until it returns something
 * other than -DER_NONEXIST.
 */
static int
entities_query(struct query *query, const struct btree_kind *kind, uint64_t root, uint64_t bound,
	       int (*visit)(struct query *query, uint64_t order, const struct seen *seen))
{
	struct pin *pin = &query->look.pin;
	struct btree_cursor cursor;
	int rc = query->last ? btree_last(pin, kind, root, &cursor)
			     : btree_first(pin, kind, root, &cursor);

	while (rc == 0) {
		const struct entity *entity;
		struct seen seen = {.offset = cursor.record};

		rc = entity_get(pin, entity_type(kind), cursor.record, &entity);
		if (rc == 0)
			rc = life_look(pin, &entity->life, query->look.epoch, bound, &seen);
		if (rc == 0)
			rc = seen.visible ? visit(query, cursor.order, &seen) : -DER_NONEXIST;
		if (rc != -DER_NONEXIST)
			return rc;
		rc = query->last ? btree_previous(pin, kind, root, &cursor)
				 : btree_next(pin, kind, root, &cursor);
	}
	return rc;
}

static int
akey_visit(struct query *query, uint64_t order, const struct seen *akey)
{
	int rc = (query->flags & VOS_GET_EXTENT) != 0 ? extent_query(query, akey) : 0;

	if (rc == 0)
		query->result.akey = order;
	return rc;
}

/* What is asked for beneath one dkey. */
static int
dkey_visit(struct query *query, uint64_t order, const struct seen *dkey)
{
	struct seen akey;
	int rc = 0;

	if ((query->flags & VOS_GET_AKEY) != 0) {
		rc = entities_query(query, akey_kind(query->look.object->id),
				    children_of(dkey->offset), dkey->bound, akey_visit);
	} else if (query->has_akey) {
		rc = entity_find(&query->look.pin, children_of(dkey->offset), &query->akey,
				 query->look.epoch, dkey->bound, &akey);
		if (rc == 0)
			rc = akey.visible ? akey_visit(query, query->akey.order, &akey)
					  : -DER_NONEXIST;
	}
	if (rc == 0)
		query->result.dkey = order;
	return rc;
}

static int
query_attempt(struct query *query)
{
	struct look *look = &query->look;
	const struct entity *object;
	int rc = look_judge(look, look->object, query->has_dkey ? &query->dkey : NULL);

	if (rc == 0)
		rc = look_object(look);
	if (rc == 0)
		rc = look->object_seen.visible ? entity_get(&look->pin, RECORD_OBJECT,
							    look->object_seen.offset, &object)
					       : -DER_NONEXIST;
	if (rc != 0)
		return rc;
	/* Stores of an earlier version have not kept it. */
	query->result.epoch = (query->flags & VOS_GET_RENAMED) != 0 && object->renamed != 0
				      ? object->renamed
				      : object->written;
	if ((query->flags & VOS_GET_DKEY) != 0) {
		rc = entities_query(query, dkey_kind(look->object->id),
				    children_of(look->object_seen.offset), look->object_seen.bound,
				    dkey_visit);
		return rc == -DER_NONEXIST && (query->flags & VOS_GET_NEWEST) != 0 ? 0 : rc;
	}
	if (!query->has_dkey)
		return 0;
	rc = look_dkey(look, &query->dkey);
	if (rc == 0)
		rc = look->dkey_seen.visible
			     ? dkey_visit(query, query->dkey.order, &look->dkey_seen)
			     : -DER_NONEXIST;
	return rc;
}

static int
query_init(struct query *query, struct vos_key dkey, struct vos_key akey)
{
	const struct vos_object *object = query->look.object;
	bool get_dkey = (query->flags & VOS_GET_DKEY) != 0,
	     get_akey = (query->flags & VOS_GET_AKEY) != 0,
	     get_extent = (query->flags & VOS_GET_EXTENT) != 0;
	int rc = 0;

	if ((query->flags & (VOS_GET_MAX | VOS_GET_MIN)) == (VOS_GET_MAX | VOS_GET_MIN) ||
	    (get_dkey && object_id_dkey_order(object->id) != KEY_INTEGER) ||
	    (get_akey && object_id_akey_order(object->id) != KEY_INTEGER))
		return error_raise(
			-DER_INVAL,
			"largest or smallest is asked of keys that are not integers, or both");
	if ((query->flags & VOS_GET_NEWEST) != 0 &&
	    (query->flags & (VOS_GET_MIN | VOS_GET_DKEY)) != VOS_GET_DKEY)
		return error_raise(-DER_INVAL, "the newest write is answered beside the last dkey");
	query->last = (query->flags & VOS_GET_MIN) == 0;
	query->has_dkey = !get_dkey && dkey.data;
	query->has_akey = get_extent && !get_akey && akey.data;
	if (((get_akey || get_extent) && !get_dkey && !query->has_dkey) ||
	    (get_extent && !get_akey && !query->has_akey))
		return error_raise(-DER_INVAL, "a query names neither the key nor asks for it");
	if (query->has_dkey)
		rc = dkey_order(object, dkey, &query->dkey);
	if (rc == 0 && query->has_akey)
		rc = akey_order(object, akey, &query->akey);
	return rc;
}

int
vos_query_key(struct vos_container *container, const struct vos_object *object, uint32_t flags,
	      struct vos_key dkey, struct vos_key akey, uint64_t epoch,
	      struct vos_query_result *ret_result)
{
	struct query query = {
		.look = {.container = container, .object = object, .epoch = epoch},
		.flags = flags,
	};
	uint64_t group = 0;
	int rc = query_init(&query, dkey, akey), waited;

	if (rc != 0)
		return rc;
	do {
		pin_init(&query.look.pin, container->vos->heap);
		NO_YIELD
		{
			rc = query_attempt(&query);
			group = container_group(container, object);
		}
		if (rc == -DER_AGAIN)
			rc = pin_load(&query.look.pin) ?: -DER_AGAIN;
		pin_fini(&query.look.pin);
		if (rc == EDIT_AGAIN)
			rc = prepared_wait(container->vos, &query.look.blocker) ?: -DER_AGAIN;
	} while (rc == -DER_AGAIN);
	waited = media_wait(container->vos->media, group);
	if (waited != 0 || rc != 0)
		return waited != 0 ? waited : rc;
	*ret_result = query.result;
	return 0;
}
