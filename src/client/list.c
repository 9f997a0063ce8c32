/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Enumeration of dkeys, akeys and extents, and the pages with attributes that directories use. */
#include "client/list.h"

/* ------------------------------------------------ keys */

struct key_page {
	struct key_listing *listing;
	const struct objio_position *position;
	bool restricted;
	uint32_t group;
	uint32_t count;
	uint64_t used; /* bytes of the buffers */
	uint64_t room;
};

/* Copies bytes into the buffers from a place on. */
static void
sgl_put(d_sg_list_t *sgl, uint64_t offset, const uint8_t *from, uint32_t length)
{
	for (uint32_t i = 0; i < sgl->sg_nr && length > 0; i++) {
		d_iov_t *iov = &sgl->sg_iovs[i];
		uint64_t here;

		if (offset >= iov->iov_buf_len) {
			offset -= iov->iov_buf_len;
			continue;
		}
		here = min_of((uint64_t)length, iov->iov_buf_len - offset);
		memcpy((uint8_t *)iov->iov_buf + offset, from, here);
		from += here;
		length -= (uint32_t)here;
		offset = 0;
	}
}

static int
take_key(void *argument, const struct objio_entry *entry)
{
	struct key_page *page = argument;
	struct key_listing *listing = page->listing;

	if (page->restricted && page->position->group != page->group)
		return 1;
	listing->kds[page->count].kd_key_len = entry->key.length;
	listing->kds[page->count].kd_val_type = entry->type;
	if (page->used + entry->key.length > page->room)
		return page->count > 0
			       ? 1
			       : error_raise(-DER_KEY2BIG, "a key of %u bytes, room for %llu",
					     entry->key.length, (unsigned long long)page->room);
	sgl_put(listing->sgl, page->used, entry->key.data, entry->key.length);
	page->used += entry->key.length;
	page->count++;
	return 0;
}

static uint64_t
sgl_room(const d_sg_list_t *sgl)
{
	uint64_t room = 0;

	for (uint32_t i = 0; i < sgl->sg_nr; i++)
		room += sgl->sg_iovs[i].iov_buf_len;
	return room;
}

static int
list_keys(struct key_listing *listing, struct object_use *use)
{
	struct objio_position position;
	struct key_page page = {
		.listing = listing, .position = &position, .room = sgl_room(listing->sgl)};
	struct objio_key dkey = listing->dkey ? objio_key_of(listing->dkey) : (struct objio_key){0};
	uint32_t level = listing->dkey ? PROTO_LIST_AKEYS : PROTO_LIST_DKEYS;
	int rc = anchor_load(use->object, listing->anchor, &position);

	if (rc)
		return rc;
	page.restricted = anchor_restricted(listing->anchor, &page.group);
	if (!position.end)
		rc = use_list(use, level, dkey, (struct objio_key){0}, *listing->count, &position,
			      take_key, &page);
	if (rc == 0 && page.restricted && position.group != page.group)
		position.end = true;
	if (rc == 0)
		rc = anchor_store(use->object, &position, listing->anchor);
	if (rc == 0) {
		*listing->count = page.count;
		sgl_filled(listing->sgl, page.used);
	}
	return rc;
}

int
run_list_keys(void *argument)
{
	struct key_listing *listing = argument;
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin_in(listing->transaction, listing->object, listing->type, &use);

	return rc ? rc : list_keys(listing, &use);
}

int
check_listing(const struct key_listing *listing)
{
	if (listing->count == NULL || *listing->count == 0 || listing->kds == NULL ||
	    listing->anchor == NULL || listing->sgl == NULL || listing->sgl->sg_iovs == NULL)
		return -DER_INVAL;
	return 0;
}

int
daos_obj_list_dkey(daos_handle_t oh, daos_handle_t th, uint32_t *nr, daos_key_desc_t *kds,
		   d_sg_list_t *sgl, daos_anchor_t *anchor, daos_event_t *ev)
{
	struct key_listing listing = {th, oh, DAOS_HTYPE_OBJ, NULL, nr, kds, sgl, anchor};
	int rc = check_transaction(th);

	if (rc == 0)
		rc = check_listing(&listing);
	return rc ? rc : client_run(ev, run_list_keys, &listing, sizeof(listing));
}

int
daos_obj_list_akey(daos_handle_t oh, daos_handle_t th, daos_key_t *dkey, uint32_t *nr,
		   daos_key_desc_t *kds, d_sg_list_t *sgl, daos_anchor_t *anchor, daos_event_t *ev)
{
	struct key_listing listing = {th, oh, DAOS_HTYPE_OBJ, dkey, nr, kds, sgl, anchor};
	int rc = check_transaction(th);

	if (rc == 0)
		rc = check_key(dkey);
	if (rc == 0)
		rc = check_listing(&listing);
	return rc ? rc : client_run(ev, run_list_keys, &listing, sizeof(listing));
}

/* ------------------------------------------------ extents */

struct extent_listing {
	daos_handle_t transaction;
	daos_handle_t object;
	daos_key_t *dkey;
	daos_key_t *akey;
	daos_size_t *size;
	uint32_t *count;
	daos_recx_t *recxs;
	daos_epoch_range_t *epochs;
	daos_anchor_t *anchor;
	uint32_t level;
	uint32_t taken;
};

static int
take_extent(void *argument, const struct objio_entry *entry)
{
	struct extent_listing *listing = argument;

	if (listing->recxs)
		listing->recxs[listing->taken] =
			(daos_recx_t){entry->extent.index, entry->extent.count};
	if (listing->epochs)
		listing->epochs[listing->taken] =
			(daos_epoch_range_t){entry->epoch, DAOS_EPOCH_MAX};
	if (listing->size)
		*listing->size = entry->record_size;
	listing->taken++;
	return 0;
}

static int
run_list_extents(void *argument)
{
	struct extent_listing *listing = argument;
	SCOPED_USE use = {.object = NULL};
	struct objio_position position;
	int rc = object_begin_in(listing->transaction, listing->object, DAOS_HTYPE_OBJ, &use);

	if (rc == 0)
		rc = anchor_load(use.object, listing->anchor, &position);
	if (rc == 0 && !position.end)
		rc = use_list(&use, listing->level, objio_key_of(listing->dkey),
			      objio_key_of(listing->akey), *listing->count, &position, take_extent,
			      listing);
	if (rc == 0)
		rc = anchor_store(use.object, &position, listing->anchor);
	if (rc == 0)
		*listing->count = listing->taken;
	return rc;
}

int
daos_obj_list_recx(daos_handle_t oh, daos_handle_t th, daos_key_t *dkey, daos_key_t *akey,
		   daos_size_t *size, uint32_t *nr, daos_recx_t *recxs, daos_epoch_range_t *eprs,
		   daos_anchor_t *anchor, bool incr_order, daos_event_t *ev)
{
	uint32_t level = incr_order ? PROTO_LIST_EXTENTS : OBJIO_LIST_EXTENTS_DOWN;
	struct extent_listing listing = {th,	oh,   dkey,   akey,  size, nr,
					 recxs, eprs, anchor, level, 0};
	int rc = check_transaction(th);

	if (rc == 0)
		rc = check_key(dkey);
	if (rc == 0)
		rc = check_key(akey);
	if (rc == 0 && (nr == NULL || *nr == 0 || anchor == NULL))
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_list_extents, &listing, sizeof(listing));
}

/* ------------------------------------------------ an anchor at a key */

struct anchor_at {
	daos_handle_t object;
	daos_key_t *dkey;
	daos_key_t *akey; /* NULL: of a listing of dkeys */
	daos_anchor_t *anchor;
};

static int
run_anchor_at(void *argument)
{
	const struct anchor_at *at = argument;
	SCOPED_USE use = {.object = NULL};
	struct objio_position position;
	int rc = object_begin(at->object, DAOS_HTYPE_OBJ, &use);

	if (rc == 0)
		rc = objio_position_at(use.objio, use.object->id, objio_key_of(at->dkey),
				       at->akey ? objio_key_of(at->akey) : (struct objio_key){0},
				       &position);
	if (rc != 0)
		return rc;
	memset(at->anchor, 0, sizeof(*at->anchor));
	return anchor_store(use.object, &position, at->anchor);
}

int
daos_obj_key2anchor(daos_handle_t oh, daos_handle_t th, daos_key_t *dkey, daos_key_t *akey,
		    daos_anchor_t *anchor, daos_event_t *ev)
{
	struct anchor_at at = {oh, dkey, akey, anchor};
	int rc = check_transaction(th);

	if (rc == 0)
		rc = check_key(dkey);
	if (rc == 0 && akey)
		rc = check_key(akey);
	if (rc == 0 && anchor == NULL)
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_anchor_at, &at, sizeof(at));
}

/* ------------------------------------------------ parallel listing */

static int
group_count(daos_handle_t oh, uint32_t *ret_count)
{
	SCOPED_OBJECT object = NULL;
	int rc = client_object_get(oh, DAOS_HTYPE_OBJ, &object);

	if (rc == 0)
		*ret_count = placement_groups(&object->container->pool->placement, object->id);
	return rc;
}

int
daos_obj_anchor_split(daos_handle_t oh, uint32_t *nr, daos_anchor_t *anchors)
{
	uint32_t room = nr && anchors ? *nr : 0;
	int rc = nr ? group_count(oh, nr) : -DER_INVAL;

	if (rc || anchors == NULL)
		return rc;
	if (room < *nr)
		return -DER_INVAL;
	for (uint32_t i = 0; i < *nr; i++)
		anchor_restrict(&anchors[i], i);
	return 0;
}

int
daos_obj_anchor_set(daos_handle_t oh, uint32_t index, daos_anchor_t *anchor)
{
	uint32_t count;
	int rc = anchor ? group_count(oh, &count) : -DER_INVAL;

	if (rc)
		return rc;
	if (index >= count)
		return -DER_INVAL;
	anchor_restrict(anchor, index);
	return 0;
}

/* ------------------------------------------------ pages with attributes */

struct ordered_listing {
	daos_handle_t object;
	struct objio_key after;
	struct objio_key with_akey;
	uint32_t limit;
	int (*visit)(void *argument, const void *key, size_t key_length, const void *value,
		     size_t value_length);
	void *argument;
	bool *ret_end;
};

static int
visit_ordered(void *argument, const struct objio_entry *entry)
{
	const struct ordered_listing *listing = argument;

	return listing->visit(listing->argument, entry->key.data, entry->key.length,
			      entry->value.data, entry->value.length);
}

static int
run_list_ordered(void *argument)
{
	struct ordered_listing *listing = argument;
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin(listing->object, DAOS_HTYPE_OBJ, &use);

	if (rc)
		return rc;
	return objio_list_ordered(use.objio, use.object->id, listing->after, listing->with_akey,
				  use_view(&use), listing->limit, visit_ordered, listing,
				  listing->ret_end);
}

int
client_list_ordered(daos_handle_t object, const void *after, size_t after_length,
		    const char *with_akey, uint32_t limit,
		    int (*visit)(void *argument, const void *key, size_t key_length,
				 const void *value, size_t value_length),
		    void *argument, bool *ret_end)
{
	struct ordered_listing listing = {
		.object = object,
		.after = {after, (uint32_t)after_length},
		.with_akey = {with_akey, with_akey ? (uint32_t)strlen(with_akey) : 0},
		.limit = limit,
		.visit = visit,
		.argument = argument,
		.ret_end = ret_end,
	};

	return client_run(NULL, run_list_ordered, &listing, sizeof(listing));
}
