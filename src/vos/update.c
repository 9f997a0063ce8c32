/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Writing values under one dkey, at once or as a part of a transaction. */
#include "vos/intent.h"

/* One akey of the call. */
struct akey_plan {
	const struct vos_akey *akey;
	struct ordered_key key;
	struct seen seen;
	uint32_t first, count; /* its values */
	struct ahead_entity *ahead;
};

struct update_plan {
	struct ordered_key object, dkey;
	struct akey_plan *akeys;
	uint32_t akey_count;
	uint32_t value_count;
	struct value_plan *values;
	uint32_t *sums;
	struct data_extent *extents;
	uint32_t array_count; /* values that are extents */
	bool wide;	      /* see btree_probe_wide() */
	struct seen object_seen, dkey_seen;
	void *block; /* holds the arrays */
	struct touch touch;
	struct intent_step *step; /* of a transaction; else NULL */
	const uint64_t *shared;	  /* blobs, not to be made again; else NULL */
	struct ahead_entity *object_ahead, *dkey_ahead;
};

/* Whether the values were stored before. */
static bool
plan_stored(const struct update_plan *plan)
{
	return plan->shared || (plan->step && plan->step->change);
}

/* ------------------------------------------------ plan */

static uint32_t
akey_value_count(const struct vos_akey *akey)
{
	return akey->type == VOS_SINGLE ? 1 : akey->extent_count;
}

static int
extent_judge(const struct vos_extent *extent, uint64_t record_size)
{
	uint64_t end, bytes;

	if (extent->count == 0 || __builtin_add_overflow(extent->index, extent->count, &end))
		return error_raise(-DER_INVAL, "an extent is empty or beyond 2^64");
	if (record_size != 0 && __builtin_mul_overflow(end, record_size, &bytes))
		return error_raise(-DER_INVAL,
				   "an extent of %llu-byte records ends beyond 2^64 bytes",
				   (unsigned long long)record_size);
	return 0;
}

static bool
extents_meet(const struct vos_extent *a, const struct vos_extent *b)
{
	return a->index < b->index + b->count && b->index < a->index + a->count;
}

/* Extents of one call are disjoint; mostly they ascend. */
static int
extents_judge(const struct vos_akey *akey)
{
	bool ascending = true;

	for (uint32_t i = 0; i < akey->extent_count; i++) {
		int rc = extent_judge(&akey->extents[i], akey->record_size);

		if (rc != 0)
			return rc;
		ascending = ascending &&
			    (i == 0 || akey->extents[i - 1].index + akey->extents[i - 1].count <=
					       akey->extents[i].index);
	}
	for (uint32_t i = 0; !ascending && i < akey->extent_count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (extents_meet(&akey->extents[i], &akey->extents[j]))
				return error_raise(-DER_INVAL,
						   "extents %u and %u of one call overlap", j, i);
	return 0;
}

/* Bytes of all records of an akey. */
static int
akey_bytes(const struct vos_akey *akey, uint64_t *ret_bytes)
{
	uint64_t bytes = akey->type == VOS_SINGLE ? akey->record_size : 0, extent;

	for (uint32_t i = 0;
	     akey->type == VOS_ARRAY && akey->record_size != 0 && i < akey->extent_count; i++) {
		if (__builtin_mul_overflow(akey->extents[i].count, akey->record_size, &extent) ||
		    extent > VOS_PAYLOAD_MAX)
			extent = VOS_PAYLOAD_MAX + 1;
		bytes += extent;
	}
	if (bytes > VOS_PAYLOAD_MAX)
		return error_raise(-DER_REC2BIG, "more than %u bytes in one call", VOS_PAYLOAD_MAX);
	*ret_bytes = bytes;
	return 0;
}

static int
akey_judge(const struct vos_akey *akey, bool stored)
{
	uint64_t bytes = 0;
	int rc;

	if (akey->type != VOS_SINGLE && akey->type != VOS_ARRAY)
		return error_raise(-DER_INVAL, "an akey has no value type");
	if (akey->type == VOS_ARRAY &&
	    (akey->extent_count == 0 || akey->extent_count > VOS_EXTENTS_MAX))
		return error_raise(-DER_INVAL, "%u extents; one call takes 1 to %u",
				   akey->extent_count, VOS_EXTENTS_MAX);
	rc = akey->type == VOS_ARRAY ? extents_judge(akey) : 0;
	if (rc == 0)
		rc = akey_bytes(akey, &bytes);
	if (rc == 0 && bytes > 0 && !stored &&
	    iov_length(akey->payload, akey->payload_count) != bytes)
		rc = error_raise(-DER_IO_INVAL, "the payload has %zu bytes; the records have %llu",
				 iov_length(akey->payload, akey->payload_count),
				 (unsigned long long)bytes);
	return rc;
}

/* Lays one value out; sums and extents are given their places later. */
static void
value_init(struct value_plan *value, const struct vos_akey *akey, uint32_t index,
	   size_t *payload_offset)
{
	uint64_t count = akey->type == VOS_ARRAY ? akey->extents[index].count : 1;

	*value = (struct value_plan){
		.start = akey->type == VOS_ARRAY ? akey->extents[index].index : 0,
		.count = count,
		.record_size = akey->record_size,
		.hole = akey->record_size == 0,
		.payload = akey->payload,
		.payload_count = akey->payload_count,
		.payload_offset = *payload_offset,
	};
	if (value->hole)
		return;
	value->byte_start = value->start * value->record_size;
	value->bytes = (uint32_t)(count * value->record_size);
	value->sum_count = piece_count(value->byte_start, value->bytes);
	*payload_offset += value->bytes;
}

static int
akey_plan_init(struct edit *edit, struct update_plan *plan, struct akey_plan *akey)
{
	size_t offset = 0;
	int rc = akey_order(edit->object, akey->akey->key, &akey->key);

	for (struct akey_plan *other = plan->akeys; rc == 0 && other < akey; other++)
		if (other->key.order == akey->key.order &&
		    other->key.key.length == akey->key.key.length &&
		    memcmp(other->key.key.data, akey->key.key.data, akey->key.key.length) == 0)
			rc = error_raise(-DER_INVAL, "an akey is named twice in one call");
	if (rc != 0)
		return rc;
	akey->first = plan->value_count;
	akey->count = akey_value_count(akey->akey);
	for (uint32_t i = 0; i < akey->count; i++) {
		struct value_plan *value = &plan->values[plan->value_count];

		value_init(value, akey->akey, i, &offset);
		value->shared = plan->shared != NULL;
		if (plan->shared)
			value->blob = plan->shared[plan->value_count];
		else if (plan_stored(plan))
			value->blob = plan->step->change->blobs[plan->value_count];
		plan->value_count++;
	}
	if (akey->akey->type == VOS_ARRAY)
		plan->array_count += akey->count;
	return 0;
}

/* Gives values their sums and room for extents, and sums them. */
static int
values_sum(struct edit *edit, struct update_plan *plan)
{
	uint32_t sums = 0, large = 0;

	for (uint32_t i = 0; i < plan->value_count; i++) {
		sums += plan->values[i].sum_count;
		large += plan->values[i].bytes >= VALUES_INLINE_MAX;
	}
	if (large > PAYLOADS_MAX)
		return error_raise(-DER_OVERFLOW,
				   "%u extents of %u bytes or more in one call; the limit is %u",
				   large, VALUES_INLINE_MAX, PAYLOADS_MAX);
	plan->sums = arena_alloc(edit->vos->arena, sums * sizeof(*plan->sums));
	plan->extents =
		arena_alloc(edit->vos->arena, large * BLOB_EXTENTS_MAX * sizeof(*plan->extents));
	if (!plan->sums || !plan->extents)
		return error_raise(-DER_NOMEM, "no memory for an update");
	sums = 0;
	large = 0;
	for (uint32_t i = 0; i < plan->value_count; i++) {
		struct value_plan *value = &plan->values[i];

		value->sums = plan->sums + sums;
		sums += value->sum_count;
		if (value->bytes >= VALUES_INLINE_MAX)
			value->extents = plan->extents + BLOB_EXTENTS_MAX * large++;
		value_cut(value);
	}
	return 0;
}

static int
akey_sum(const struct update_plan *plan, const struct akey_plan *akey)
{
	uint32_t used = 0;

	for (uint32_t i = akey->first; i < akey->first + akey->count; i++) {
		const struct value_plan *value = &plan->values[i];
		const uint32_t *sums = akey->akey->sums ? akey->akey->sums + used : NULL;
		int rc;

		used += value->sum_count;
		if (sums && used > akey->akey->sum_count)
			break;
		rc = value_sum(value, sums);
		if (rc != 0)
			return rc;
	}
	if (akey->akey->sums && used != akey->akey->sum_count)
		return error_raise(-DER_INVAL, "%u sums for an akey of %u pieces",
				   akey->akey->sum_count, used);
	return 0;
}

/* What a transaction stored is there where it must be. */
static int
stored_judge(const struct update_plan *plan)
{
	for (uint32_t i = 0; i < plan->value_count; i++)
		if (plan->values[i].hole != (plan->values[i].blob == 0))
			return error_raise(-DER_IO, "the heap is damaged: a change of a "
						    "transaction lacks a value");
	return 0;
}

static int
values_take(struct edit *edit, struct update_plan *plan)
{
	int rc;

	if (plan_stored(plan))
		return stored_judge(plan);
	rc = values_sum(edit, plan);
	for (uint32_t i = 0; rc == 0 && i < plan->akey_count; i++)
		rc = akey_sum(plan, &plan->akeys[i]);
	return rc;
}

static int
plan_init(struct edit *edit, struct update_plan *plan, struct vos_key dkey,
	  const struct vos_akey *akeys, uint32_t akey_count)
{
	uint32_t values = 0;
	int rc = dkey_order(edit->object, dkey, &plan->dkey);

	object_order(edit->object, &plan->object);
	if (rc == 0 && (akey_count == 0 || akey_count > VOS_AKEYS_MAX))
		rc = error_raise(-DER_INVAL, "%u akeys; one call takes 1 to %u", akey_count,
				 VOS_AKEYS_MAX);
	for (uint32_t i = 0; rc == 0 && i < akey_count; i++) {
		rc = akey_judge(&akeys[i], plan_stored(plan));
		values += akey_value_count(&akeys[i]);
	}
	if (rc != 0)
		return rc;
	plan->block =
		arena_calloc(edit->vos->arena, 1,
			     akey_count * sizeof(*plan->akeys) + values * sizeof(*plan->values));
	if (!plan->block)
		return error_raise(-DER_NOMEM, "no memory for an update");
	plan->akeys = plan->block;
	plan->values = (struct value_plan *)(plan->akeys + akey_count);
	plan->akey_count = akey_count;
	plan->wide = akey_count > 1 && object_id_akey_order(edit->object->id) == KEY_LEXICAL;
	for (uint32_t i = 0; rc == 0 && i < akey_count; i++) {
		plan->akeys[i].akey = &akeys[i];
		rc = akey_plan_init(edit, plan, &plan->akeys[i]);
	}
	plan->touch = (struct touch){.object = edit->object,
				     .dkey = &plan->dkey,
				     .keys = &plan->akeys[0].key,
				     .count = akey_count,
				     .stride = sizeof(plan->akeys[0])};
	edit->touch = &plan->touch;
	return rc == 0 ? values_take(edit, plan) : rc;
}

static void
plan_fini(struct edit *edit, struct update_plan *plan)
{
	arena_free(edit->vos->arena, plan->extents);
	arena_free(edit->vos->arena, plan->sums);
	arena_free(edit->vos->arena, plan->block);
}

/* ------------------------------------------------ displacing */

/* Moves extents out of the way of a write that covers too many for one transaction. */
struct displace_plan {
	struct ordered_key *dkey, *akey;
	uint64_t start, count;
	uint64_t dkey_offset;
	uint64_t offset; /* of the akey; 0: nothing to do */
	uint32_t moved;
	struct seen object;
};

static int
displace_check(struct edit *edit)
{
	struct displace_plan *plan = edit->plan;
	uint64_t root = edit->container->root + offsetof(struct container_root, objects);
	struct ordered_key object;
	struct seen dkey, akey;
	const struct akey_record *record;
	int rc;

	object_order(edit->object, &object);
	plan->moved = 0;
	rc = entity_find(edit_pin(edit), root, &object, edit->epoch, 0, &plan->object);
	if (rc == 0)
		rc = entity_find(edit_pin(edit),
				 plan->object.offset ? children_of(plan->object.offset) : 0,
				 plan->dkey, edit->epoch, 0, &dkey);
	if (rc == 0)
		rc = entity_find(edit_pin(edit),
				 plan->object.offset && dkey.offset ? children_of(dkey.offset) : 0,
				 plan->akey, edit->epoch, 0, &akey);
	if (rc != 0 || plan->object.offset == 0 || dkey.offset == 0 || akey.offset == 0)
		return rc;
	rc = akey_get(edit_pin(edit), akey.offset, &record);
	if (rc != 0 || record->entity.value != VOS_ARRAY)
		return rc;
	plan->offset = akey.offset;
	plan->dkey_offset = dkey.offset;
	rc = array_displace_check(edit, akey.offset, plan->start, plan->count, &plan->moved);
	edit->stales = plan->moved > 0;
	return rc == 0 ? stale_probe(edit, plan->object.offset) : rc;
}

static void
displace_apply(struct edit *edit)
{
	struct displace_plan *plan = edit->plan;

	if (plan->moved == 0)
		return;
	array_displace_apply(edit, plan->offset, plan->start, plan->count);
	/* What is moved whole is no overlap any more for the write that follows, so that it is
	 * marked here for the collector. */
	entity_mark(edit, plan->dkey_offset, ENTITY_STALE);
	stale_note(edit, plan->object.offset);
}

static void
displace_need(struct edit *edit)
{
	array_overlaps_need(edit, OVERLAPS_MAX);
	stale_need(edit);
	edit->need.log_bytes += 8;
}

static int
displace(struct edit *edit, struct update_plan *plan, struct akey_plan *akey,
	 const struct value_plan *value)
{
	static const struct edit_steps steps = {
		.need = displace_need, .check = displace_check, .apply = displace_apply};
	struct vos_change change = {.epoch = edit->epoch};
	struct displace_plan moving = {.dkey = &plan->dkey,
				       .akey = &akey->key,
				       .start = value->start,
				       .count = value->count};
	struct edit part;
	uint64_t group;
	int rc;

	do {
		edit_init(&part, edit->vos, edit->container, edit->object, &change);
		part.plan = &moving;
		part.applying = edit->applying;
		part.need.privileged = edit->need.privileged;
		rc = edit_run(&part, &steps, &group);
	} while (rc == 0 && moving.moved == OVERLAPS_MAX);
	return rc;
}

static int
update_prepare(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	int rc = 0;

	if (edit->budget.overlaps <= OVERLAPS_MAX + 2 * plan->array_count)
		return 0;
	for (uint32_t i = 0; rc == 0 && i < plan->akey_count; i++) {
		struct akey_plan *akey = &plan->akeys[i];

		for (uint32_t j = 0; rc == 0 && akey->akey->type == VOS_ARRAY && j < akey->count;
		     j++)
			rc = displace(edit, plan, akey, &plan->values[akey->first + j]);
	}
	/* What is left overlaps the ends of what is written. */
	edit->budget.overlaps = 2 * plan->array_count;
	return rc;
}

/* ------------------------------------------------ steps */

static void
update_need(struct edit *edit)
{
	struct update_plan *plan = edit->plan;

	entity_need(edit, &plan->object);
	entity_need(edit, &plan->dkey);
	edit_need_many(edit, plan->akeys[0].key.kind->id, edit->budget.akeys_depth,
		       edit->budget.akeys);
	for (uint32_t i = 0; i < plan->akey_count; i++) {
		entity_parts_need(edit, &plan->akeys[i].key);
		if (plan->akeys[i].akey->type == VOS_SINGLE)
			single_need(edit);
		else
			array_need(edit, plan->akeys[i].count);
	}
	for (uint32_t i = 0; i < plan->value_count; i++)
		if (!plan->values[i].hole && plan->values[i].blob == 0)
			value_need(edit, &plan->values[i]);
	if (plan->shared)
		edit->need.log_bytes += plan->value_count * (uint32_t)sizeof(struct blob);
	array_overlaps_need(edit, edit->budget.overlaps);
	stale_need(edit);
}

static int
update_payload(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < plan->value_count; i++) {
		plan->values[i].extent_count = 0;
		if (plan->values[i].extents)
			rc = value_write(&edit->tx, &plan->values[i]);
	}
	return rc;
}

static int
condition_judge(uint32_t conditions, uint32_t insert, uint32_t update, bool visible)
{
	if ((conditions & insert) != 0 && visible)
		return -DER_EXIST;
	if ((conditions & update) != 0 && !visible)
		return -DER_NONEXIST;
	return 0;
}

/* The value beneath an akey that is there: its type, its record size, what is overwritten. */
static int
values_check(struct edit *edit, struct update_plan *plan, struct akey_plan *akey,
	     uint32_t *overlaps)
{
	const struct akey_record *record;
	int rc = akey_get(edit_pin(edit), akey->seen.offset, &record);

	if (rc != 0)
		return rc;
	if (record->entity.value != akey->akey->type)
		return error_raise(-DER_INVAL, "the akey holds %s",
				   record->entity.value == VOS_SINGLE ? "a single value"
								      : "an array");
	if (akey->akey->type == VOS_SINGLE)
		return single_check(edit, akey->seen.offset);
	if (akey->seen.visible && akey->akey->record_size != 0 && record->record_size != 0 &&
	    record->record_size != akey->akey->record_size)
		return error_raise(-DER_INVAL, "the array has records of %llu bytes, not of %llu",
				   (unsigned long long)record->record_size,
				   (unsigned long long)akey->akey->record_size);
	for (uint32_t i = 0; rc == 0 && i < akey->count; i++)
		rc = array_check(edit, akey->seen.offset, &plan->values[akey->first + i], overlaps);
	return rc;
}

static int
akey_check(struct edit *edit, struct update_plan *plan, struct akey_plan *akey, uint32_t *overlaps)
{
	uint32_t conditions = edit->change->conditions;
	uint64_t parent = plan->dkey_seen.offset ? children_of(plan->dkey_seen.offset) : 0;
	int rc = entity_probe(edit, parent, &akey->key, plan->dkey_seen.bound, plan->wide,
			      &akey->seen);

	if (rc != 0)
		return rc;
	if ((conditions & VOS_COND_PER_AKEY) != 0)
		conditions = akey->akey->conditions;
	rc = condition_judge(conditions, VOS_COND_AKEY_INSERT, VOS_COND_AKEY_UPDATE,
			     akey->seen.visible);
	if (rc != 0 || akey->seen.offset == 0)
		return rc;
	return values_check(edit, plan, akey, overlaps);
}

/* Whether what was reserved for new akeys is enough. */
static int
akeys_budget(struct edit *edit, const struct update_plan *plan)
{
	struct edit_budget *budget = &edit->budget;
	uint32_t absent = 0, depth = 1;

	for (uint32_t i = 0; i < plan->akey_count; i++)
		absent += plan->akeys[i].seen.offset == 0;
	if (plan->dkey_seen.offset != 0) {
		const struct entity *dkey =
			heap_at(edit_pin(edit), plan->dkey_seen.offset, sizeof(*dkey));

		if (!dkey)
			return pin_outcome(edit_pin(edit));
		depth = max_of(dkey->children.depth + 0u, 1u);
	}
	if (absent <= budget->akeys && (absent == 0 || depth <= budget->akeys_depth))
		return 0;
	budget->akeys = max_of(budget->akeys, absent);
	budget->akeys_depth = max_of(budget->akeys_depth, depth);
	return EDIT_AGAIN;
}

/* Pins blobs that get one more reference. */
static int
shared_probe(struct edit *edit, const struct update_plan *plan)
{
	const struct blob *blob;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < plan->value_count; i++)
		if (plan->values[i].blob != 0)
			rc = blob_get(edit_pin(edit), plan->values[i].blob, &blob);
	return rc;
}

static int
update_check(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	struct seen *object = &plan->object_seen;
	uint32_t overlaps = 0;
	int rc = entity_probe(edit,
			      edit->container->root + offsetof(struct container_root, objects),
			      &plan->object, 0, false, object);

	if (rc == 0)
		rc = entity_probe(edit, object->offset ? children_of(object->offset) : 0,
				  &plan->dkey, object->bound, false, &plan->dkey_seen);
	if (rc == 0)
		rc = condition_judge(
			edit->change->conditions, VOS_COND_DKEY_INSERT, VOS_COND_DKEY_UPDATE,
			plan->dkey_seen.visible &&
				!(BUG(17) && container_group(edit->container, edit->object) >
						     media_durable_group(edit->vos->media)));
	for (uint32_t i = 0; rc == 0 && i < plan->akey_count; i++)
		rc = akey_check(edit, plan, &plan->akeys[i], &overlaps);
	if (rc == 0)
		rc = akeys_budget(edit, plan);
	if (rc == 0 && plan->shared)
		rc = shared_probe(edit, plan);
	return rc == 0 ? stale_probe(edit, object->offset) : rc;
}

static void
akey_apply(struct edit *edit, struct update_plan *plan, struct akey_plan *akey, uint64_t dkey)
{
	uint64_t offset = entity_enter(edit, children_of(dkey), &akey->key, plan->dkey_seen.bound);

	for (uint32_t i = akey->first; i < akey->first + akey->count; i++) {
		if (akey->akey->type == VOS_SINGLE)
			single_apply(edit, offset, &plan->values[i]);
		else
			array_apply(edit, offset, &plan->values[i]);
	}
}

static void
update_apply(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	uint64_t root = edit->container->root + offsetof(struct container_root, objects);
	uint64_t object = entity_enter(edit, root, &plan->object, 0), dkey;

	stale_note(edit, plan->object_seen.offset);
	dkey = entity_enter(edit, children_of(object), &plan->dkey, plan->object_seen.bound);
	if (!plan->dkey_seen.visible)
		object_rename(edit, object);
	if (edit->stales)
		entity_mark(edit, dkey, ENTITY_STALE);
	for (uint32_t i = 0; i < plan->akey_count; i++)
		akey_apply(edit, plan, &plan->akeys[i], dkey);
}

/* ------------------------------------------------ as a part of a transaction */

/* Up to this need, in bytes, every log takes the change when it is applied, whatever it then meets;
 * above it the most that it may need is asked for already now. */
#define PREPARE_SMALL (96u * 1024)

static void
preparing_need(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	struct edit_budget budget = edit->budget;
	struct tx_need before = edit->need;

	edit->budget.incarnations = true;
	edit->budget.overlaps = OVERLAPS_MAX + 2 * plan->array_count;
	edit->budget.akeys = plan->akey_count;
	edit->budget.akeys_depth = budget.akeys_depth + 1;
	update_need(edit);
	edit->budget = budget;
	if (edit->need.log_bytes + edit->need.heap_bytes <= PREPARE_SMALL) {
		edit->need = before;
		update_need(edit);
	}
	intent_append_need(edit, plan->step);
}

/* The value beneath an akey as it will be: its type and its record size. */
static int
values_foresee(struct edit *edit, const struct akey_plan *akey)
{
	const struct ahead_entity *ahead = akey->ahead;
	enum vos_value_type value = ahead->value;
	uint64_t record_size = ahead->record_size;
	const struct akey_record *record;
	int rc;

	if (akey->seen.offset != 0) {
		rc = akey_get(edit_pin(edit), akey->seen.offset, &record);
		if (rc != 0)
			return rc;
		if (record->entity.written >= edit->epoch)
			return -DER_TX_RESTART;
		value = value ? value : (enum vos_value_type)record->entity.value;
		record_size = record_size ? record_size : record->record_size;
	}
	if (value && value != akey->akey->type)
		return error_raise(-DER_INVAL, "the akey holds %s",
				   value == VOS_SINGLE ? "a single value" : "an array");
	if (value == VOS_ARRAY && ahead_visible(ahead, akey->seen.visible) &&
	    akey->akey->record_size != 0 && record_size != 0 &&
	    record_size != akey->akey->record_size)
		return error_raise(-DER_INVAL, "the array has records of %llu bytes, not of %llu",
				   (unsigned long long)record_size,
				   (unsigned long long)akey->akey->record_size);
	return 0;
}

static int
akey_foresee(struct edit *edit, struct update_plan *plan, struct akey_plan *akey)
{
	uint32_t conditions = edit->change->conditions;
	uint64_t parent = plan->dkey_seen.offset ? children_of(plan->dkey_seen.offset) : 0;
	int rc = entity_probe(edit, parent, &akey->key, plan->dkey_seen.bound, false, &akey->seen);

	if (rc != 0)
		return rc;
	if ((conditions & VOS_COND_PER_AKEY) != 0)
		conditions = akey->akey->conditions;
	rc = condition_judge(conditions, VOS_COND_AKEY_INSERT, VOS_COND_AKEY_UPDATE,
			     ahead_visible(akey->ahead, akey->seen.visible));
	return rc == 0 ? values_foresee(edit, akey) : rc;
}

static uint32_t
update_minor(const struct update_plan *plan)
{
	uint32_t minor = max_of(plan->object_ahead->cleared, plan->dkey_ahead->cleared);

	for (uint32_t i = 0; i < plan->akey_count; i++)
		minor = max_of(minor, plan->akeys[i].ahead->touched);
	return minor;
}

/* As update_check(), by the trees and what the transaction will have done; changes nothing. */
static int
preparing_check(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	struct seen *object = &plan->object_seen;
	int rc = entity_probe(edit,
			      edit->container->root + offsetof(struct container_root, objects),
			      &plan->object, 0, false, object);

	if (rc == 0)
		rc = entity_probe(edit, object->offset ? children_of(object->offset) : 0,
				  &plan->dkey, object->bound, false, &plan->dkey_seen);
	if (rc == 0)
		rc = condition_judge(edit->change->conditions, VOS_COND_DKEY_INSERT,
				     VOS_COND_DKEY_UPDATE,
				     ahead_visible(plan->dkey_ahead, plan->dkey_seen.visible));
	for (uint32_t i = 0; rc == 0 && i < plan->akey_count; i++)
		rc = akey_foresee(edit, plan, &plan->akeys[i]);
	plan->step->minor = update_minor(plan);
	if (rc == 0)
		rc = minor_judge(plan->step->minor);
	if (rc == 0)
		rc = intent_step_take(edit, plan->step, object->visible ? &plan->dkey : NULL);
	return rc == 0 ? intent_append_check(edit, plan->step) : rc;
}

static void
preparing_apply(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	struct intent_step *step = plan->step;

	for (uint32_t i = 0; i < plan->value_count; i++)
		if (!plan->values[i].hole)
			intent_blob_set(step, i, blob_create(&edit->tx, &plan->values[i], 0));
	intent_append(edit, step);
	for (uint32_t i = 0; i < plan->akey_count; i++) {
		struct akey_plan *akey = &plan->akeys[i];

		ahead_write(step->ahead, akey->ahead, step->minor);
		akey->ahead->value = akey->akey->type;
		if (akey->akey->record_size != 0)
			akey->ahead->record_size = akey->akey->record_size;
	}
}

static int
plan_foresee(struct update_plan *plan)
{
	struct ahead *ahead = plan->step->ahead;
	int rc = ahead_enter(ahead, NULL, &plan->object, &plan->object_ahead);

	if (rc == 0)
		rc = ahead_enter(ahead, plan->object_ahead, &plan->dkey, &plan->dkey_ahead);
	for (uint32_t i = 0; rc == 0 && i < plan->akey_count; i++)
		rc = ahead_enter(ahead, plan->dkey_ahead, &plan->akeys[i].key,
				 &plan->akeys[i].ahead);
	return rc;
}

static void
applying_need(struct edit *edit)
{
	struct update_plan *plan = edit->plan;

	update_need(edit);
	intent_advance_need(edit, plan->step);
}

static int
applying_check(struct edit *edit)
{
	struct update_plan *plan = edit->plan;
	int rc = update_check(edit);

	return rc == 0 ? intent_advance_check(edit, plan->step) : rc;
}

static void
applying_apply(struct edit *edit)
{
	struct update_plan *plan = edit->plan;

	update_apply(edit);
	intent_advance(edit, plan->step);
}

static const struct edit_steps update_steps = {.prepare = update_prepare,
					       .need = update_need,
					       .payload = update_payload,
					       .check = update_check,
					       .apply = update_apply};
static const struct edit_steps preparing_steps = {.need = preparing_need,
						  .payload = update_payload,
						  .check = preparing_check,
						  .apply = preparing_apply};
static const struct edit_steps applying_steps = {.prepare = update_prepare,
						 .need = applying_need,
						 .check = applying_check,
						 .apply = applying_apply};

/* ------------------------------------------------ calls */

int
update_step(struct vos_container *container, const struct vos_op *op,
	    const struct vos_change *change, struct intent_step *step, uint64_t *ret_group)
{
	struct update_plan plan = {.step = step};
	struct edit edit;
	int rc;

	edit_init(&edit, container->vos, container, &op->object, change);
	edit.plan = &plan;
	edit.budget = (struct edit_budget){.overlaps = 1, .akeys = 1, .akeys_depth = 1};
	intent_step_begin(&edit, step);
	rc = plan_init(&edit, &plan, op->dkey, op->akeys, op->count);
	if (rc == 0 && !step->change)
		rc = plan_foresee(&plan) ?: intent_encode(container->vos, op, step);
	if (rc == 0)
		rc = edit_run(&edit, step->change ? &applying_steps : &preparing_steps, ret_group);
	plan_fini(&edit, &plan);
	return rc;
}

int
vos_update(struct vos_container *container, const struct vos_object *object, struct vos_key dkey,
	   const struct vos_akey *akeys, uint32_t akey_count, const struct vos_change *change,
	   uint64_t *ret_group)
{
	struct update_plan plan = {0};
	struct edit edit;
	int rc;

	edit_init(&edit, container->vos, container, object, change);
	edit.plan = &plan;
	edit.budget = (struct edit_budget){.overlaps = 1, .akeys = 1, .akeys_depth = 1};
	rc = plan_init(&edit, &plan, dkey, akeys, akey_count);
	if (rc == 0)
		rc = edit_run(&edit, &update_steps, ret_group);
	plan_fini(&edit, &plan);
	return rc;
}

int
update_shared(struct vos_container *container, const struct vos_object *object, struct vos_key dkey,
	      const struct vos_akey *akey, const uint64_t *blobs, const struct vos_change *change,
	      uint64_t *ret_group)
{
	struct update_plan plan = {.shared = blobs};
	struct edit edit;
	int rc;

	edit_init(&edit, container->vos, container, object, change);
	edit.plan = &plan;
	edit.budget = (struct edit_budget){.overlaps = 1, .akeys = 1, .akeys_depth = 1};
	rc = plan_init(&edit, &plan, dkey, akey, 1);
	if (rc == 0)
		rc = edit_run(&edit, &update_steps, ret_group);
	plan_fini(&edit, &plan);
	return rc;
}
