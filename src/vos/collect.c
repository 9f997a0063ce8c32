/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Freeing, in bounded steps. Whole trees that nothing refers to any more wait among the dead.
 * Objects in which something was punched or overwritten are among the stale, by the epoch of the
 * first such change; the collector walks one of them at a time and takes out what nobody can read.
 * What it finds not yet old enough brings the object back to the stale; what a snapshot keeps lets
 * it be parked with its container, with as much about those snapshots as tells later whether one of
 * them has gone.
 */
#include "vos/collect.h"

static const struct btree_kind *const stale_kind = &tree_kinds[TREE_STALE];
static const struct btree_kind *const parked_kind = &tree_kinds[TREE_PARKED];

static uint64_t
stale_of(const struct vos *vos)
{
	return vos->root + offsetof(struct store_root, stale);
}

static uint64_t
parked_of(uint64_t container)
{
	return container + offsetof(struct container_root, parked);
}

static struct vos_object
stale_object(const struct stale_record *record)
{
	return (struct vos_object){record->id, record->shard};
}

/* The offset of the container's root; -DER_NONEXIST when it is gone. */
static int
container_find(struct pin *pin, const struct vos *vos, const struct uuid *id, uint64_t *ret_root)
{
	const struct container_record *record;
	struct btree_cursor cursor;
	int rc = btree_find(pin, &tree_kinds[TREE_CONTAINERS],
			    vos->root + offsetof(struct store_root, containers), uuid_hash(id), id,
			    BTREE_EQUAL, &cursor);

	if (rc != 0)
		return rc;
	record = heap_at(pin, cursor.record, sizeof(*record));
	if (!record)
		return pin_outcome(pin);
	*ret_root = record->root;
	return heap_at(pin, record->root, sizeof(struct container_root)) ? 0 : pin_outcome(pin);
}

/* The object in the container at root. -DER_NONEXIST. */
static int
object_find(struct pin *pin, uint64_t root, const struct vos_object *object,
	    struct btree_cursor *ret_cursor, const struct entity **ret_entity)
{
	struct ordered_key key;
	int rc;

	object_order(object, &key);
	rc = btree_find(pin, key.kind, root + offsetof(struct container_root, objects), key.order,
			&key, BTREE_EQUAL, ret_cursor);
	return rc == 0 ? entity_get(pin, RECORD_OBJECT, ret_cursor->record, ret_entity) : rc;
}

/* ------------------------------------------------ the end of an object */

/* Pins the stale record that leaves, and the one that comes. */
static int
stale_move_probe(struct edit *edit, struct step *step)
{
	const struct collector *next = step->next;
	struct btree_cursor cursor;
	int rc;

	if (next->order != 0) {
		rc = edit_probe(edit, TREE_STALE, stale_of(edit->vos), next->order, &next->record,
				false, &cursor);
		if (rc != -DER_EXIST)
			return rc == -DER_NONEXIST ? -DER_IO : rc;
	} else if ((step->object_flags & ENTITY_STALE) != 0) {
		return 0;
	}
	if (step->object == 0 || !next->later)
		return 0;
	return edit_probe_new(edit, TREE_STALE, stale_of(edit->vos), step->epoch, &next->record);
}

static int
parked_probe(struct edit *edit, struct step *step)
{
	struct vos_object object = stale_object(&step->next->record);
	struct ordered_key key;
	struct btree_cursor cursor;
	int rc;

	step->parked = false;
	if (step->container == 0)
		return 0;
	object_order(&object, &key);
	rc = edit_probe(edit, TREE_PARKED, parked_of(step->container), key.order, &object, false,
			&cursor);
	if (rc != -DER_EXIST)
		return rc == -DER_NONEXIST ? 0 : rc;
	step->parked = true;
	return 0;
}

static int
finish_probe(struct edit *edit, struct step *step)
{
	struct collector *next = step->next;
	int rc;

	/* Snapshots that went meanwhile may have kept what was passed already. */
	if (step->set && step->set->removals != next->removals)
		next->later = true;
	step->held = step->set && next->held_first != 0
			     ? snapshots_between(step->set, next->held_first, next->held_last)
			     : 0;
	rc = parked_probe(edit, step);
	return rc == 0 ? stale_move_probe(edit, step) : rc;
}

static void
stale_move(struct edit *edit, const struct step *step, uint8_t *flags)
{
	const struct collector *next = step->next;
	uint64_t offset;

	if (next->order != 0)
		btree_remove(&edit->tx, stale_kind, stale_of(edit->vos), next->order,
			     &next->record);
	else if ((*flags & ENTITY_STALE) != 0)
		return;
	*flags &= (uint8_t)~ENTITY_STALE;
	if (step->object == 0 || !next->later)
		return;
	REACHED("vos: an object is collected in part");
	*flags |= ENTITY_STALE;
	btree_insert(&edit->tx, stale_kind, stale_of(edit->vos), step->epoch, &next->record, 0,
		     &offset);
	*(struct stale_record *)tx_change(&edit->tx, offset, sizeof(next->record)) = next->record;
}

static void
park(struct edit *edit, const struct step *step, const struct vos_object *object)
{
	const struct collector *next = step->next;
	struct ordered_key key;
	struct btree_cursor cursor;
	int rc;

	object_order(object, &key);
	if (step->parked) {
		rc = btree_find(edit_pin(edit), parked_kind, parked_of(step->container), key.order,
				object, BTREE_EQUAL, &cursor);
		ASSERT(rc == 0);
	} else {
		btree_insert(&edit->tx, parked_kind, parked_of(step->container), key.order, object,
			     step->container, &cursor.record);
	}
	REACHED("vos: an object waits for a snapshot to go");
	*(struct parked_record *)tx_change(&edit->tx, cursor.record, sizeof(struct parked_record)) =
		(struct parked_record){
			.type = RECORD_PARKED,
			.version = RECORD_VERSION,
			.shard = object->shard,
			.id = object->id,
			.first = next->held_first,
			.last = next->held_last,
			.snapshots = step->held,
		};
}

static void
finish_apply(struct edit *edit, const struct step *step)
{
	struct vos_object object = stale_object(&step->next->record);
	bool held = step->object != 0 && step->next->held_first != 0;
	uint8_t flags = step->object_flags;
	struct ordered_key key;

	stale_move(edit, step, &flags);
	flags &= (uint8_t)~ENTITY_PARKED;
	if (held) {
		park(edit, step, &object);
		flags |= ENTITY_PARKED;
	} else if (step->parked) {
		REACHED("vos: a snapshot that has gone frees what it kept");
		object_order(&object, &key);
		btree_remove(&edit->tx, parked_kind, parked_of(step->container), key.order,
			     &object);
	}
	if (step->object != 0 && flags != step->object_flags)
		*(uint8_t *)tx_change(&edit->tx, step->object + offsetof(struct entity, flags), 1) =
			flags;
}

/* ------------------------------------------------ steps */

static int
stale_object_step(struct edit *edit, struct step *step)
{
	const struct stale_record *record = &step->next->record;
	struct vos_object object = stale_object(record);
	const struct entity *entity;
	struct btree_cursor cursor;
	int rc = container_find(edit_pin(edit), edit->vos, &record->container, &step->container);

	step->set = snapshots_of(edit->vos, &record->container);
	if (rc == 0 && !step->set) {
		step->kind = STEP_ABANDON;
		return 0;
	}
	if (rc == 0)
		rc = object_find(edit_pin(edit), step->container, &object, &cursor, &entity);
	if (rc == 0)
		return object_step(edit, step,
				   step->container + offsetof(struct container_root, objects),
				   &cursor, &object);
	if (rc == -DER_NONEXIST)
		step->kind = STEP_FINISH;
	return rc == -DER_NONEXIST ? 0 : rc;
}

static int
collect_check(struct edit *edit)
{
	struct step *step = edit->plan;
	struct collector *next = step->next;
	int rc;

	*next = *edit->vos->collector;
	*step = (struct step){.kind = STEP_NOTHING, .next = next};
	rc = stale_object_step(edit, step);
	if (rc == -DER_BUSY)
		return 0;
	if (rc != 0 || (step->kind != STEP_FINISH && !step->finishes))
		return rc;
	/* Parked, and among the stale since the walk began: its stale record stays, and must find
	 * it. */
	if (step->finishes && next->order == 0 && (step->object_flags & ENTITY_STALE) != 0) {
		*step = (struct step){.kind = STEP_ABANDON, .next = next};
		return 0;
	}
	return finish_probe(edit, step);
}

/* From now on only snapshots can be read below the collector's epoch. */
static void
collected_note(struct edit *edit, const struct step *step)
{
	const struct container_root *root;

	if (step->container == 0)
		return;
	root = heap_at(edit_pin(edit), step->container, sizeof(*root));
	ASSERT(root != NULL);
	if (root->collected < step->next->epoch)
		*(uint64_t *)tx_change(&edit->tx,
				       step->container + offsetof(struct container_root, collected),
				       sizeof(uint64_t)) = step->next->epoch;
}

static void
incarnations_remove(struct edit *edit, const struct step *step)
{
	REACHED("vos: older incarnations are collected");
	if (step->kind == STEP_INCARNATION)
		btree_remove(&edit->tx, &tree_kinds[TREE_INCARNATIONS], step->parent, step->order,
			     NULL);
	if (step->burial.older != 0)
		*(uint64_t *)tx_change(&edit->tx,
				       step->entity + offsetof(struct entity, life.older),
				       sizeof(uint64_t)) = 0;
	burial_finish(edit, &step->burial);
}

static void
marks_clear(struct edit *edit, const struct step *step)
{
	uint8_t *flags = tx_change(&edit->tx, step->entity + offsetof(struct entity, flags), 1);

	*flags &= (uint8_t) ~(ENTITY_STALE | ENTITY_DISPLACED);
}

static void
collect_apply(struct edit *edit)
{
	struct step *step = edit->plan;

	if (step->kind >= STEP_REMOVE && step->kind <= STEP_EXTENT)
		collected_note(edit, step);
	if (step->kind == STEP_REMOVE) {
		btree_remove(&edit->tx, step->key.kind, step->parent, step->key.order, &step->key);
		burial_finish(edit, &step->burial);
		if (step->finishes)
			finish_apply(edit, step);
	} else if (step->kind == STEP_INCARNATION || step->kind == STEP_OLDER) {
		incarnations_remove(edit, step);
	} else if (step->kind == STEP_CLEAR) {
		marks_clear(edit, step);
	} else if (step->kind == STEP_FINISH) {
		finish_apply(edit, step);
	} else if (step->kind >= STEP_HISTORY && step->kind <= STEP_EXTENT) {
		value_step_apply(edit, step);
	}
}

static void
collect_need(struct edit *edit)
{
	burial_need(edit);
	for (uint32_t tree = TREE_OBJECTS; tree <= TREE_INCARNATIONS; tree++)
		edit_need_removal(edit, tree);
	edit_need_removal(edit, TREE_STALE);
	edit_need(edit, TREE_STALE);
	edit_need_removal(edit, TREE_PARKED);
	edit_need(edit, TREE_PARKED);
	edit->need.log_bytes += 2 * sizeof(struct stale_record) + sizeof(struct parked_record) +
				sizeof(struct container_root);
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
	if (step->kind == STEP_FINISH || step->kind == STEP_ABANDON || step->finishes)
		vos->collector->busy = false;
	return 0;
}

/* ------------------------------------------------ the next object: stale */

/* What is to be collected. */
struct choice {
	const struct uuid *container; /* NULL: any */
	uint64_t epoch;
	struct stale_place *skipped; /* the last one passed over */
};

static bool
is_chosen(const struct choice *choice, const struct uuid *container)
{
	return !choice->container || uuid_equal(choice->container, container);
}

/* Sets the collector at the begin of an object. */
static void
collector_set(struct collector *collector, const struct stale_record *record, uint64_t order,
	      uint64_t epoch, const struct entity *entity, const struct snapshot_set *set)
{
	*collector = (struct collector){
		.busy = true,
		.record = *record,
		.order = order,
		.epoch = epoch,
		.object_written = entity ? entity->written : 0,
		.removals = set ? set->removals : 0,
	};
}

/* Begins with the object of a stale record, unless its container is not to be collected:
 * -DER_BUSY. */
static int
stale_take(struct vos *vos, struct pin *pin, const struct stale_record *record, uint64_t order,
	   const struct choice *choice)
{
	const struct snapshot_set *set = snapshots_of(vos, &record->container);
	struct vos_object object = stale_object(record);
	const struct entity *entity = NULL;
	struct btree_cursor cursor;
	uint64_t root;
	int rc = container_find(pin, vos, &record->container, &root);

	if (!is_chosen(choice, &record->container) || (rc == 0 && !set))
		return -DER_BUSY;
	if (rc == 0)
		rc = object_find(pin, root, &object, &cursor, &entity);
	if (rc != 0 && rc != -DER_NONEXIST)
		return rc;
	collector_set(vos->collector, record, order, choice->epoch, rc == 0 ? entity : NULL, set);
	return 0;
}

/* -DER_BUSY when there may be one further on, -DER_NONEXIST when there is none. */
static int
stale_search(struct vos *vos, struct pin *pin, const struct choice *choice)
{
	struct stale_place *skipped = choice->skipped;
	struct btree_cursor cursor;
	int rc = skipped->order == 0 ? btree_first(pin, stale_kind, stale_of(vos), &cursor)
				     : btree_find(pin, stale_kind, stale_of(vos), skipped->order,
						  &skipped->record, BTREE_ABOVE, &cursor);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		const struct stale_record *record = heap_at(pin, cursor.record, sizeof(*record));

		if (!record)
			return pin_outcome(pin);
		if (cursor.order > choice->epoch)
			return -DER_NONEXIST;
		rc = stale_take(vos, pin, record, cursor.order, choice);
		if (rc != -DER_BUSY)
			return rc;
		REACHED("vos: a container is not collected now");
		*skipped = (struct stale_place){cursor.order, *record};
		rc = btree_next(pin, stale_kind, stale_of(vos), &cursor);
	}
	return rc == 0 ? -DER_BUSY : rc;
}

/* ------------------------------------------------ the next object: parked */

/* Begins with a parked object if one of the snapshots that kept it has gone: 0, else -DER_BUSY. */
static int
parked_take(struct vos *vos, struct pin *pin, const struct snapshot_set *set, uint64_t root,
	    const struct parked_record *parked, uint64_t epoch)
{
	struct vos_object object = {parked->id, parked->shard};
	struct stale_record record = {.type = RECORD_STALE,
				      .version = RECORD_VERSION,
				      .shard = parked->shard,
				      .container = set->container,
				      .id = parked->id};
	const struct entity *entity;
	struct btree_cursor cursor;
	int rc;

	if (snapshots_between(set, parked->first, parked->last) == parked->snapshots)
		return -DER_BUSY;
	rc = object_find(pin, root, &object, &cursor, &entity);
	if (rc != 0)
		return rc == -DER_NONEXIST ? error_raise(-DER_IO, "the heap is damaged: a parked "
								  "object is not there")
					   : rc;
	/* It comes up by itself. */
	if ((entity->flags & ENTITY_STALE) != 0)
		return -DER_BUSY;
	collector_set(vos->collector, &record, 0, epoch, entity, set);
	return 0;
}

static void
sweep_end(struct vos *vos, struct snapshot_set *set)
{
	set->sweep = false;
	set->sweep_begun = false;
	vos->sweeps--;
}

/* Looks through the parked objects of one container, from where that stopped. -DER_BUSY, and
 * -DER_NONEXIST at the end. */
static int
sweep(struct vos *vos, struct pin *pin, struct snapshot_set *set, uint64_t epoch)
{
	struct ordered_key key;
	struct btree_cursor cursor;
	uint64_t root;
	int rc = container_find(pin, vos, &set->container, &root);

	if (rc != 0)
		return rc;
	object_order(&set->sweep_after, &key);
	rc = set->sweep_begun ? btree_find(pin, parked_kind, parked_of(root), key.order,
					   &set->sweep_after, BTREE_ABOVE, &cursor)
			      : btree_first(pin, parked_kind, parked_of(root), &cursor);
	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		const struct parked_record *parked = heap_at(pin, cursor.record, sizeof(*parked));

		if (!parked)
			return pin_outcome(pin);
		if (parked->type != RECORD_PARKED || parked->version != RECORD_VERSION)
			return error_raise(-DER_IO, "the heap is damaged: no parked object at %llu",
					   (unsigned long long)cursor.record);
		rc = parked_take(vos, pin, set, root, parked, epoch);
		if (rc != 0 && rc != -DER_BUSY)
			return rc;
		set->sweep_after = (struct vos_object){parked->id, parked->shard};
		set->sweep_begun = true;
		if (rc == 0)
			return 0;
		rc = btree_next(pin, parked_kind, parked_of(root), &cursor);
	}
	return rc == 0 ? -DER_BUSY : rc;
}

static int
parked_search(struct vos *vos, struct pin *pin, const struct choice *choice)
{
	TABLE_FOR_EACH(node, &vos->snapshots) {
		struct snapshot_set *set = table_entry(node, struct snapshot_set, node);
		int rc;

		if (vos->sweeps == 0)
			break;
		if (!set->sweep || !is_chosen(choice, &set->container))
			continue;
		rc = sweep(vos, pin, set, choice->epoch);
		if (rc != -DER_NONEXIST)
			return rc;
		sweep_end(vos, set);
	}
	return -DER_NONEXIST;
}

/* ------------------------------------------------ the call */

/*
 * Begins with the next object, unless the collector is in the middle of one. -DER_NONEXIST when
 * there is none, -DER_BUSY when there may be one further on.
 */
static int
collector_start(struct vos *vos, const struct choice *choice)
{
	struct pin pin;
	int rc;

	if (vos->collector->busy &&
	    (vos->collector->order == 0 || !FAULT("vos: collect an object from its start")))
		return 0;
	do {
		pin_init(&pin, vos->heap);
		NO_YIELD
		{
			rc = stale_search(vos, &pin, choice);
			if (rc == -DER_NONEXIST)
				rc = parked_search(vos, &pin, choice);
		}
		if (rc == -DER_AGAIN)
			rc = pin_load(&pin) ?: -DER_AGAIN;
		pin_fini(&pin);
	} while (rc == -DER_AGAIN);
	/* What was passed over is looked at again the next time. */
	if (rc == -DER_NONEXIST)
		choice->skipped->order = 0;
	return rc;
}

static int
collect_some(struct vos *vos, struct step *step, const struct choice *choice, uint32_t credits)
{
	bool ended;
	int rc = requests_collect(vos, &credits);

	while (rc == 0 && credits > 0) {
		rc = bury_all(vos, &credits, &ended);
		if (rc != 0 || credits == 0)
			break;
		rc = collector_start(vos, choice);
		if (rc == 0)
			rc = collect_step(vos, step);
		if (rc == -DER_BUSY)
			rc = 0;
		credits--;
	}
	return rc;
}

/* One fiber at a time. */
static int
collect_locked(struct vos *vos, const struct choice *choice, uint32_t credits)
{
	struct step *step = arena_alloc(vos->arena, sizeof(*step));
	struct collector *next = arena_alloc(vos->arena, sizeof(*next));
	int rc = 0;

	if (!vos->collector) {
		REACHED("vos: collecting begins after an opening");
		vos->collector = arena_calloc(vos->arena, 1, sizeof(*vos->collector));
	}
	if (!step || !next || !vos->collector)
		rc = error_raise(-DER_NOMEM, "no memory for the collector");
	if (rc == 0) {
		step->next = next;
		rc = collect_some(vos, step, choice, credits);
	}
	arena_free(vos->arena, next);
	arena_free(vos->arena, step);
	if (rc == -DER_NONEXIST)
		return 0;
	return rc < 0 ? rc : 1;
}

static int
collect_run(struct vos *vos, const struct choice *choice, uint32_t credits)
{
	int rc;

	vos->collected = max_of(vos->collected, choice->epoch);
	fiber_mutex_lock_plain(&vos->collecting);
	rc = collect_locked(vos, choice, credits);
	fiber_mutex_unlock(&vos->collecting);
	return rc;
}

int
vos_collect(struct vos *vos, uint64_t epoch, uint32_t credits)
{
	const struct choice choice = {.epoch = epoch, .skipped = &vos->skipped};

	return collect_run(vos, &choice, credits);
}

int
vos_aggregate(struct vos *vos, struct uuid container, uint64_t epoch, uint32_t credits,
	      struct vos_aggregation *aggregation)
{
	struct stale_place skipped = {.order = aggregation->order};
	const struct choice choice = {.container = &container, .epoch = epoch, .skipped = &skipped};
	int rc;

	_Static_assert(sizeof(skipped.record) == VOS_STALE_BYTES, "a place is a record");
	memcpy(&skipped.record, aggregation->record, sizeof(skipped.record));
	rc = collect_run(vos, &choice, credits);
	aggregation->order = skipped.order;
	memcpy(aggregation->record, &skipped.record, sizeof(skipped.record));
	return rc;
}

uint64_t
vos_collected(const struct vos *vos)
{
	return vos->collected;
}
