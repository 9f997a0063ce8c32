/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Collecting in an object: its incarnations, its dkeys, their akeys. */
#include "vos/collect.h"

static const struct btree_kind *const incarnations_kind = &tree_kinds[TREE_INCARNATIONS];

/* ------------------------------------------------ who sees what */

uint64_t
read_epoch(const struct step *step, uint64_t written)
{
	return min_of(BUG(28) ? UINT64_MAX : snapshots_from(step->set, written),
		      max_of(written, step->next->epoch));
}

uint64_t
last_read(const struct step *step, uint64_t replaced)
{
	return snapshots_below(step->set, min_of(replaced, step->next->epoch));
}

void
keep_by(struct step *step, uint64_t written, uint64_t snapshot, bool *remaining)
{
	struct collector *next = step->next;
	uint64_t epoch = read_epoch(step, written);

	*remaining = true;
	if (epoch >= next->epoch) {
		next->later = true;
		return;
	}
	epoch = max_of(epoch, snapshot);
	next->held_first = next->held_first == 0 ? epoch : min_of(next->held_first, epoch);
	next->held_last = max_of(next->held_last, epoch);
}

void
keep(struct step *step, uint64_t written, bool *remaining)
{
	keep_by(step, written, 0, remaining);
}

int
chain_bound(struct edit *edit, const struct chain *chain, uint64_t epoch, uint64_t *ret_bound)
{
	struct seen seen = {0};
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < chain->count; i++)
		rc = life_look(edit_pin(edit), &chain->lives[i], epoch, seen.bound, &seen);
	*ret_bound = seen.bound;
	return rc;
}

uint64_t
chain_punched(const struct chain *chain)
{
	uint64_t punched = 0;

	for (uint32_t i = 0; i < chain->count; i++)
		punched = max_of(punched, chain->lives[i].punched);
	return punched;
}

int
chain_shows(struct edit *edit, const struct step *step, const struct chain *chain, uint64_t written,
	    uint64_t replaced, bool *ret_shows)
{
	uint64_t epoch = read_epoch(step, written), bound;
	int rc;

	*ret_shows = epoch < replaced;
	if (!*ret_shows || written > chain_punched(chain))
		return 0;
	rc = chain_bound(edit, chain, epoch, &bound);
	*ret_shows = bound < written;
	return rc;
}

/* Whether an entity, the last of the chain, was punched or stands beneath something that was. */
static bool
is_doomed(const struct chain *chain)
{
	return chain->lives[chain->count - 1].created <= chain_punched(chain);
}

/* ------------------------------------------------ incarnations */

static int
older_plan(struct edit *edit, struct step *step, uint64_t offset, const struct life *life)
{
	const struct incarnations *older = heap_at(edit_pin(edit), life->older, sizeof(*older));

	if (!older)
		return pin_outcome(edit_pin(edit));
	step->kind = STEP_OLDER;
	step->entity = offset;
	step->burial = (struct burial){.older = life->older, .entries = older->entries};
	return dead_probe(edit);
}

static int
incarnation_plan(struct edit *edit, struct step *step, uint64_t offset, const struct life *life,
		 uint64_t epoch)
{
	const struct incarnations *older = heap_at(edit_pin(edit), life->older, sizeof(*older));
	struct btree_cursor cursor;
	int rc;

	if (!older)
		return pin_outcome(edit_pin(edit));
	step->kind = STEP_INCARNATION;
	step->entity = offset;
	step->parent = life->older + offsetof(struct incarnations, entries);
	step->order = epoch;
	step->only = older->entries.count == 1;
	step->burial = (struct burial){.older = step->only ? life->older : 0};
	rc = edit_probe(edit, TREE_INCARNATIONS, step->parent, epoch, NULL, false, &cursor);
	return rc == -DER_EXIST ? 0 : rc == -DER_NONEXIST ? -DER_IO : rc;
}

/* The first punch after the entry at cursor. */
static int
next_punch(struct edit *edit, const struct life *life, uint64_t root, struct btree_cursor cursor,
	   uint64_t *ret_epoch)
{
	int rc;

	*ret_epoch = life->punched;
	while ((rc = btree_next(edit_pin(edit), incarnations_kind, root, &cursor)) == 0) {
		const struct incarnation *entry =
			heap_at(edit_pin(edit), cursor.record, sizeof(*entry));

		if (!entry)
			return pin_outcome(edit_pin(edit));
		if (entry->kind != INCARNATION_PUNCH)
			continue;
		*ret_epoch = cursor.order;
		return 0;
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* A creation is needed by whom it shows something, a punch by all who read before the next one. */
static int
incarnation_shows(struct edit *edit, const struct step *step, const struct chain *chain,
		  uint64_t root, const struct btree_cursor *cursor, struct sifting *sifting,
		  bool *ret_shows)
{
	const struct incarnation *entry = heap_at(edit_pin(edit), cursor->record, sizeof(*entry));
	uint64_t replaced;
	int rc;

	if (!entry)
		return pin_outcome(edit_pin(edit));
	if (entry->kind == INCARNATION_CREATE) {
		rc = chain_shows(edit, step, chain, cursor->order, UINT64_MAX, ret_shows);
		if (rc == 0 && *ret_shows)
			sifting->alive = true;
		return rc;
	}
	rc = next_punch(edit, &chain->lives[chain->count - 1], root, *cursor, &replaced);
	*ret_shows = read_epoch(step, cursor->order) < replaced;
	return rc;
}

/* Looks at the older incarnations of the entity at offset, the last of chain. -DER_NONEXIST when
 * all were looked at. */
static int
life_step(struct edit *edit, struct step *step, uint64_t offset, const struct chain *chain,
	  struct sifting *sifting, bool *remaining)
{
	const struct life *life = &chain->lives[chain->count - 1];
	uint64_t root = life->older + offsetof(struct incarnations, entries);
	struct btree_cursor cursor;
	bool shown;
	int rc;

	if (sifting->done || life->older == 0) {
		sifting->done = true;
		return -DER_NONEXIST;
	}
	if (read_epoch(step, 0) >= max_of(life->created, life->punched))
		return older_plan(edit, step, offset, life);
	if (!heap_at(edit_pin(edit), life->older, sizeof(struct incarnations)))
		return pin_outcome(edit_pin(edit));
	rc = btree_find(edit_pin(edit), incarnations_kind, root, sifting->epoch, NULL, BTREE_ABOVE,
			&cursor);
	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		rc = incarnation_shows(edit, step, chain, root, &cursor, sifting, &shown);
		if (rc != 0)
			return rc;
		if (!shown)
			return incarnation_plan(edit, step, offset, life, cursor.order);
		keep(step, cursor.order, remaining);
		sifting->epoch = cursor.order;
		rc = btree_next(edit_pin(edit), incarnations_kind, root, &cursor);
	}
	sifting->done = rc == -DER_NONEXIST;
	return rc;
}

/* ------------------------------------------------ entities */

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
	step->key = (struct ordered_key){.kind = kind,
					 .order = cursor->order,
					 .hash = kind->id == TREE_OBJECTS ? 0 : entity->hash,
					 .object = *object};
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

static void
chain_push(struct chain *chain, const struct entity *entity)
{
	ASSERT(chain->count < ARRAY_SIZE(chain->lives));
	chain->lives[chain->count++] = entity->life;
}

/*
 * Sifts the incarnations of the entity at offset, the last of chain. -DER_NONEXIST when that is
 * done; *ret_dead tells then whether nobody sees it any more.
 */
static int
entity_step(struct edit *edit, struct step *step, uint64_t offset, const struct chain *chain,
	    struct sifting *sifting, bool *remaining, bool *ret_dead)
{
	uint64_t created = chain->lives[chain->count - 1].created;
	int rc = life_step(edit, step, offset, chain, sifting, remaining), looked;
	bool shown;

	*ret_dead = false;
	if (rc != -DER_NONEXIST || !is_doomed(chain))
		return rc;
	looked = chain_shows(edit, step, chain, created, UINT64_MAX, &shown);
	if (looked != 0)
		return looked;
	*ret_dead = !shown && !sifting->alive;
	if (shown)
		keep(step, created, remaining);
	return rc;
}

/* Whether there may be something to free in the entity, which is pushed onto chain. */
static int
entity_look(struct edit *edit, struct step *step, const struct entity *entity,
	    const struct chain *chain, bool *remaining, bool *ret_work)
{
	bool shown;
	int rc;

	*ret_work = (entity->flags & ENTITY_STALE) != 0;
	if (*ret_work || !is_doomed(chain))
		return 0;
	rc = chain_shows(edit, step, chain, entity->life.created, UINT64_MAX, &shown);
	/* What only a snapshot keeps may hold parts that no snapshot shows. */
	*ret_work = !shown || read_epoch(step, entity->life.created) < step->next->epoch;
	if (rc == 0 && !*ret_work)
		keep(step, entity->life.created, remaining);
	return rc;
}

/* Finds the first entity from position on with something to collect; -DER_BUSY when there is more
 * to look at, -DER_NONEXIST at the end. */
static int
entity_scan(struct edit *edit, struct step *step, const struct btree_kind *kind, uint64_t root,
	    const struct chain *chain, struct vos_position *position, bool *remaining,
	    struct btree_cursor *ret_cursor)
{
	struct btree_cursor cursor;
	int rc = position_find(edit_pin(edit), kind, root, position, &cursor);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		struct chain below = *chain;
		const struct entity *entity;
		bool work;

		rc = entity_get(edit_pin(edit), entity_type(kind), cursor.record, &entity);
		if (rc != 0)
			return rc;
		chain_push(&below, entity);
		rc = entity_look(edit, step, entity, &below, remaining, &work);
		if (rc == 0 && work)
			*ret_cursor = cursor;
		if (rc != 0 || work)
			return rc;
		rc = position_set(edit_pin(edit), kind, &cursor, position);
		if (rc == 0)
			rc = btree_next(edit_pin(edit), kind, root, &cursor);
	}
	return rc == 0 ? -DER_BUSY : rc;
}

static void
clear_plan(struct step *step, uint64_t entity)
{
	step->kind = STEP_CLEAR;
	step->entity = entity;
}

/* ------------------------------------------------ akeys */

/* All was looked at: its marks go, or it is to be visited again. */
static void
akey_end(struct step *step, uint64_t offset, const struct akey_record *akey,
	 const struct chain *chain)
{
	struct collector *next = step->next;
	bool clean = akey->entity.children.count == 0 && akey->entity.life.older == 0 &&
		     akey->entity.life.created <= next->epoch && !is_doomed(chain);

	next->in_akey = 0;
	if (clean && !next->akey_remaining) {
		clear_plan(step, offset);
		return;
	}
	next->dkey_remaining = true;
	if (!next->akey_remaining)
		next->later = true;
}

/* Goes on in the akey at cursor; next->in_akey is 0 when it is done. */
static int
akey_step(struct edit *edit, struct step *step, uint64_t parent, const struct btree_cursor *cursor,
	  const struct chain *above, const struct vos_object *object)
{
	struct collector *next = step->next;
	struct chain chain = *above;
	const struct akey_record *akey;
	bool dead;
	int rc = akey_get(edit_pin(edit), cursor->record, &akey);

	if (rc != 0)
		return rc;
	if (next->in_akey != cursor->record) {
		next->in_akey = cursor->record;
		next->akey_remaining = false;
		next->akey_life = (struct sifting){0};
		next->history_start = 0;
		next->history_epoch = 0;
		next->version_epoch = 0;
		next->extent_start = 0;
	}
	chain_push(&chain, &akey->entity);
	rc = entity_step(edit, step, cursor->record, &chain, &next->akey_life,
			 &next->akey_remaining, &dead);
	if (rc != -DER_NONEXIST)
		return rc;
	if (dead) {
		next->in_akey = 0;
		return remove_plan(edit, step, akey_kind(object->id), parent, cursor, object);
	}
	rc = value_step(edit, step, cursor->record, &chain);
	if (rc != -DER_NONEXIST)
		return rc;
	akey_end(step, cursor->record, akey, &chain);
	return position_set(edit_pin(edit), akey_kind(object->id), cursor, &next->akey);
}

/* ------------------------------------------------ dkeys */

static int
dkey_end(struct edit *edit, struct step *step, const struct btree_cursor *dkey,
	 const struct entity *entity, const struct chain *chain, const struct vos_object *object)
{
	struct collector *next = step->next;
	bool clean = entity->life.older == 0 && entity->life.created <= next->epoch &&
		     !is_doomed(chain) && entity->written == next->dkey_written;

	next->in_dkey = 0;
	if (clean && !next->dkey_remaining)
		clear_plan(step, dkey->record);
	else if (!next->dkey_remaining)
		next->later = true;
	return position_set(edit_pin(edit), dkey_kind(object->id), dkey, &next->dkey);
}

/* Goes on in the dkey at cursor. */
static int
dkey_step(struct edit *edit, struct step *step, uint64_t parent, const struct btree_cursor *dkey,
	  const struct chain *above, const struct vos_object *object)
{
	struct collector *next = step->next;
	const struct entity *entity = heap_at(edit_pin(edit), dkey->record, sizeof(*entity));
	uint64_t root = children_of(dkey->record);
	struct chain chain = *above;
	struct btree_cursor akey;
	bool dead;
	int rc;

	if (!entity)
		return pin_outcome(edit_pin(edit));
	if (next->in_dkey != dkey->record) {
		next->in_dkey = dkey->record;
		next->in_akey = 0;
		next->dkey_written = entity->written;
		next->dkey_remaining = false;
		next->dkey_life = (struct sifting){0};
		next->akey = (struct vos_position){0};
	}
	chain_push(&chain, entity);
	rc = entity_step(edit, step, dkey->record, &chain, &next->dkey_life, &next->dkey_remaining,
			 &dead);
	if (rc != -DER_NONEXIST)
		return rc;
	if (dead) {
		next->in_dkey = 0;
		return remove_plan(edit, step, dkey_kind(object->id), parent, dkey, object);
	}
	rc = entity_scan(edit, step, akey_kind(object->id), root, &chain, &next->akey,
			 &next->dkey_remaining, &akey);
	if (rc == 0)
		return akey_step(edit, step, root, &akey, &chain, object);
	return rc == -DER_NONEXIST ? dkey_end(edit, step, dkey, entity, &chain, object) : rc;
}

/* ------------------------------------------------ the object */

static void
object_end(struct step *step, const struct entity *entity, const struct chain *chain)
{
	struct collector *next = step->next;

	step->kind = STEP_FINISH;
	step->epoch = max_of(entity->written, next->epoch + 1);
	if (entity->written != next->object_written || entity->life.created > next->epoch)
		next->later = true;
	/* What was kept has been noted; this is for what a punch that is still to come will take.
	 */
	if (is_doomed(chain) && chain_punched(chain) > next->epoch)
		next->later = true;
}

int
object_step(struct edit *edit, struct step *step, uint64_t parent,
	    const struct btree_cursor *cursor, const struct vos_object *object)
{
	struct collector *next = step->next;
	uint64_t root = children_of(cursor->record);
	struct chain chain = {.count = 0};
	const struct entity *entity;
	struct btree_cursor dkey;
	bool dead, remaining;
	int rc = entity_get(edit_pin(edit), RECORD_OBJECT, cursor->record, &entity);

	if (rc != 0)
		return rc;
	step->object_flags = entity->flags;
	step->object = cursor->record;
	chain_push(&chain, entity);
	rc = entity_step(edit, step, cursor->record, &chain, &next->object_life, &remaining, &dead);
	if (rc != -DER_NONEXIST)
		return rc;
	if (dead) {
		step->finishes = true;
		step->object = 0;
		return remove_plan(edit, step, &tree_kinds[TREE_OBJECTS], parent, cursor, object);
	}
	rc = entity_scan(edit, step, dkey_kind(object->id), root, &chain, &next->dkey, &remaining,
			 &dkey);
	if (rc == 0)
		return dkey_step(edit, step, root, &dkey, &chain, object);
	if (rc == -DER_NONEXIST)
		object_end(step, entity, &chain);
	return rc == -DER_NONEXIST ? 0 : rc;
}
