/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The scrubber: walks all stored values, of all containers and epochs, reads them and compares them
 * with their sums. It says what does not match and changes nothing: a fetch of such a value fails
 * as before. Where it stands is kept by position, so that records may come and go meanwhile.
 */
#include <stdio.h>

#include "vos/private.h"

/* Records passed over in one attempt; bytes read at once; damages of one pass that are logged. */
#define SCRUB_BATCH 64u
#define SCRUB_BYTES (256u * 1024)
#define SCRUB_LOGGED 16u

struct walk {
	struct vos *vos;
	struct vos_scrub *scrub;
	struct pin pin;
	struct blob *blob; /* a copy, aligned to what follows; NULL: none found */
	uint64_t token;	   /* of data_hold() */
};

/* ------------------------------------------------ the next value */

/* Copies a value that was not looked at just before. */
static int
take_blob(struct walk *walk, uint64_t offset)
{
	const struct blob *blob;
	int rc;

	if (offset == 0 || offset == walk->scrub->blob)
		return 0;
	rc = blob_get(&walk->pin, offset, &blob);
	if (rc != 0)
		return rc;
	walk->blob = arena_alloc(walk->vos->arena, blob_whole_size(blob));
	if (!walk->blob)
		return error_raise(-DER_NOMEM, "no memory to scrub a value");
	blob_gather(&walk->pin, blob, walk->blob);
	walk->scrub->blob = offset;
	return 0;
}

static int
take_extent(struct walk *walk, const struct btree_cursor *cursor)
{
	const struct extent_record *extent = heap_at(&walk->pin, cursor->record, sizeof(*extent));

	return extent ? take_blob(walk, extent->blob) : pin_outcome(&walk->pin);
}

/* The next one behind epoch in a tree of versions. -DER_NONEXIST. */
static int
next_version(struct walk *walk, uint64_t root)
{
	struct vos_scrub *scrub = walk->scrub;
	struct btree_cursor cursor;
	int rc = btree_find(&walk->pin, &tree_kinds[TREE_VERSIONS], root, scrub->epoch, NULL,
			    BTREE_ABOVE, &cursor);

	if (rc == 0)
		rc = take_extent(walk, &cursor);
	if (rc == 0)
		scrub->epoch = cursor.order;
	return rc;
}

static int
next_history(struct walk *walk, uint64_t root)
{
	struct vos_scrub *scrub = walk->scrub;
	struct btree_cursor cursor;
	int rc = btree_find(&walk->pin, &tree_kinds[TREE_HISTORY], root, scrub->start, NULL,
			    BTREE_AT_LEAST, &cursor);

	if (rc != 0)
		return rc;
	if (cursor.order != scrub->start)
		scrub->epoch = 0;
	scrub->start = cursor.order;
	rc = next_version(walk, cursor.record + offsetof(struct history_record, versions));
	if (rc != -DER_NONEXIST || scrub->start == UINT64_MAX)
		return rc;
	scrub->start++;
	scrub->epoch = 0;
	return 0;
}

static int
next_extent(struct walk *walk, uint64_t root)
{
	struct vos_scrub *scrub = walk->scrub;
	struct btree_cursor cursor;
	int rc = btree_find(&walk->pin, &tree_kinds[TREE_EXTENTS], root, scrub->start, NULL,
			    BTREE_AT_LEAST, &cursor);

	if (rc == 0)
		rc = take_extent(walk, &cursor);
	if (rc == 0)
		scrub->start = cursor.order + 1;
	return rc;
}

/* The next value of an akey: what is current, then what was. -DER_NONEXIST. */
static int
next_of_akey(struct walk *walk, uint64_t offset)
{
	struct vos_scrub *scrub = walk->scrub;
	const struct akey_record *akey;
	int rc = akey_get(&walk->pin, offset, &akey);

	if (rc != 0)
		return rc;
	if (akey->entity.value == VOS_SINGLE) {
		if (scrub->old)
			return next_version(walk, children_of(offset));
		rc = take_blob(walk, akey->value.newest.blob);
		scrub->old = rc == 0;
		return rc;
	}
	if (scrub->old)
		return next_history(walk, children_of(offset));
	rc = next_extent(walk, offset + offsetof(struct akey_record, value.array.extents));
	if (rc != -DER_NONEXIST)
		return rc;
	scrub->old = true;
	scrub->start = 0;
	scrub->epoch = 0;
	return 0;
}

static void
akey_begin(struct vos_scrub *scrub)
{
	scrub->old = false;
	scrub->start = 0;
	scrub->epoch = 0;
}

static int
next_of_dkey(struct walk *walk, struct object_id id, uint64_t dkey)
{
	struct vos_scrub *scrub = walk->scrub;
	struct btree_cursor cursor;
	int rc = position_find(&walk->pin, akey_kind(id), children_of(dkey), &scrub->akey, &cursor);

	if (rc == 0)
		rc = next_of_akey(walk, cursor.record);
	else
		return rc;
	if (rc != -DER_NONEXIST)
		return rc;
	akey_begin(scrub);
	return position_set(&walk->pin, akey_kind(id), &cursor, &scrub->akey);
}

static int
next_of_object(struct walk *walk, uint64_t object)
{
	struct vos_scrub *scrub = walk->scrub;
	const struct entity *entity;
	struct btree_cursor cursor;
	int rc = entity_get(&walk->pin, RECORD_OBJECT, object, &entity);

	if (rc != 0)
		return rc;
	scrub->object_id = (struct vos_object){entity->key.id, entity->key_length};
	rc = position_find(&walk->pin, dkey_kind(entity->key.id), children_of(object), &scrub->dkey,
			   &cursor);
	if (rc != 0)
		return rc;
	rc = next_of_dkey(walk, entity->key.id, cursor.record);
	if (rc != -DER_NONEXIST)
		return rc;
	scrub->akey = (struct vos_position){0};
	return position_set(&walk->pin, dkey_kind(entity->key.id), &cursor, &scrub->dkey);
}

static int
next_of_container(struct walk *walk, uint64_t root)
{
	const struct btree_kind *kind = &tree_kinds[TREE_OBJECTS];
	struct vos_scrub *scrub = walk->scrub;
	struct btree_cursor cursor;
	int rc = position_find(&walk->pin, kind, root + offsetof(struct container_root, objects),
			       &scrub->object, &cursor);

	if (rc == 0)
		rc = next_of_object(walk, cursor.record);
	else
		return rc;
	if (rc != -DER_NONEXIST)
		return rc;
	scrub->dkey = (struct vos_position){0};
	return position_set(&walk->pin, kind, &cursor, &scrub->object);
}

/* -DER_NONEXIST at the end of the store. */
static int
next_of_store(struct walk *walk)
{
	uint64_t root = walk->vos->root + offsetof(struct store_root, containers);
	const struct btree_kind *kind = &tree_kinds[TREE_CONTAINERS];
	struct vos_scrub *scrub = walk->scrub;
	const struct container_record *record;
	struct btree_cursor cursor;
	int rc = scrub->begun ? btree_find(&walk->pin, kind, root, uuid_hash(&scrub->container),
					   &scrub->container, BTREE_ABOVE, &cursor)
			      : btree_first(&walk->pin, kind, root, &cursor);

	if (rc != 0)
		return rc;
	record = heap_at(&walk->pin, cursor.record, sizeof(*record));
	if (!record)
		return pin_outcome(&walk->pin);
	rc = next_of_container(walk, record->root);
	if (rc != -DER_NONEXIST)
		return rc;
	scrub->container = record->id;
	scrub->begun = true;
	scrub->object = (struct vos_position){0};
	return 0;
}

/* Goes on to the next value, over a bounded number of records. */
static int
walk_on(struct walk *walk)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && !walk->blob && i < SCRUB_BATCH; i++)
		rc = next_of_store(walk);
	return rc;
}

static int
walk_look(struct walk *walk)
{
	int rc;

	do {
		pin_init(&walk->pin, walk->vos->heap);
		NO_YIELD
		{
			rc = walk_on(walk);
		}
		if (rc == -DER_AGAIN)
			rc = pin_load(&walk->pin) ?: -DER_AGAIN;
		pin_fini(&walk->pin);
	} while (rc == -DER_AGAIN);
	return rc;
}

/* ------------------------------------------------ judging */

static void
damage_note(struct walk *walk, int code)
{
	struct vos_scrub *scrub = walk->scrub;

	REACHED("vos: the scrubber finds damage");
	scrub->damaged++;
	if (scrub->damaged <= SCRUB_LOGGED)
		error_log(LOG_ERROR, code, "scrubbing: a value of object %lx.%lx.%u is damaged",
			  (unsigned long)scrub->object_id.id.hi,
			  (unsigned long)scrub->object_id.id.lo, scrub->object_id.shard);
}

static int
value_judge(struct walk *walk, uint8_t *buffer)
{
	struct vos_scrub *scrub = walk->scrub;
	/* What was written in place is there when its group is. */
	int rc = media_wait(walk->vos->media, walk->vos->newest_group);

	if (rc == 0)
		rc = blob_verify(walk->vos->heap, walk->blob, buffer, SCRUB_BYTES);
	if (rc != 0 && rc != -DER_CSUM)
		return rc;

	scrub->values++;
	scrub->bytes += walk->blob->length;
	if (rc == -DER_CSUM)
		damage_note(walk, rc);
	arena_free(walk->vos->arena, walk->blob);
	walk->blob = NULL;
	return rc == -DER_CSUM ? 0 : rc;
}

static int
scrub_some(struct walk *walk, uint8_t *buffer, uint32_t credits)
{
	int rc = 0;

	/* What is freed while it is being read is not used again before the end. */
	while (rc == 0 && credits-- > 0) {
		walk->token = data_hold(walk->vos->heap);
		rc = walk_look(walk);
		if (rc == 0 && walk->blob)
			rc = value_judge(walk, buffer);
		data_unhold(walk->vos->heap, walk->token);
	}
	arena_free(walk->vos->arena, walk->blob);
	return rc;
}

int
vos_scrub(struct vos *vos, struct vos_scrub *scrub, uint32_t credits)
{
	struct walk walk = {.vos = vos, .scrub = scrub};
	uint8_t *buffer = arena_alloc_aligned(vos->arena, SCRUB_BYTES, DISK_BLOCK);
	int rc = buffer ? scrub_some(&walk, buffer, credits)
			: error_raise(-DER_NOMEM, "no memory to scrub");

	arena_free(vos->arena, buffer);
	if (rc == -DER_NONEXIST)
		return 0;
	return rc < 0 ? rc : 1;
}

/* ------------------------------------------------ passes */

void
vos_set_scrubbing(struct vos *vos, const struct vos_scrubbing *scrubbing)
{
	vos->scrubbing = *scrubbing;
	vos->scrub_due = 0;
}

static void
pass_end(struct vos *vos, const struct vos_scrub *scrub)
{
	uint64_t threshold = vos->scrubbing.threshold;

	if (threshold != 0 && scrub->damaged >= threshold)
		log_error(
			"scrubbing met %lu damaged values, the pool's threshold is %lu: bring back "
			"what is lost, or replace the device",
			(unsigned long)scrub->damaged, (unsigned long)threshold);
	else
		log_info("scrubbing ended: %lu values, %lu bytes, %lu damaged",
			 (unsigned long)scrub->values, (unsigned long)scrub->bytes,
			 (unsigned long)scrub->damaged);
	arena_free(vos->arena, vos->scrub);
	vos->scrub = NULL;
}

/* Begins a pass when it is time for one; whether one is under way. The first is due a period after
 * the settings came. */
static bool
pass_begin(struct vos *vos, uint64_t now)
{
	const struct vos_scrubbing *scrubbing = &vos->scrubbing;

	if (vos->scrub)
		return true;
	if (vos->scrub_due == 0)
		vos->scrub_due = now + scrubbing->period_ns;
	if (now < vos->scrub_due)
		return false;
	vos->scrub_due = now + scrubbing->period_ns;
	vos->scrub = arena_calloc(vos->arena, 1, sizeof(*vos->scrub));
	return vos->scrub != NULL;
}

int
vos_scrub_turn(struct vos *vos, uint64_t now, bool idle, uint32_t credits)
{
	int rc;

	if (!vos->scrubbing.timed && !vos->scrubbing.lazy) {
		arena_free(vos->arena, vos->scrub);
		vos->scrub = NULL;
		return 0;
	}
	if (!pass_begin(vos, now) || (!idle && !vos->scrubbing.timed))
		return 0;
	rc = vos_scrub(vos, vos->scrub, credits);
	if (rc == 0)
		pass_end(vos, vos->scrub);
	return rc;
}
