/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Random transactions on a store and on the reference, which takes their changes at the moment at
 * which they are decided. */
#pragma once

#include "model.h"

#define TX_OPS 12u
#define TX_STEP (HLC_MINOR_MASK + 1)

/* One change with all it points to. */
struct tx_change {
	struct vos_op op;
	uint32_t object, dkey, akey, write_count;
	struct vos_akey akeys[AKEYS];
	struct write writes[AKEYS];
	struct vos_key keys[DKEYS];
	uint8_t dkey_bytes[KEY_BYTES], key_bytes[DKEYS][KEY_BYTES];
	uint32_t named[DKEYS];
};

struct tx_work {
	struct vos_tx tx;
	uint32_t count;
	struct tx_change changes[TX_OPS];
	struct vos_op ops[TX_OPS];
	struct event events[TX_OPS * 16]; /* that it makes when it is committed */
	uint32_t event_count;
};

/* ------------------------------------------------ drawing */

static inline void
tx_update_draw(struct model *model, struct tx_change *change)
{
	static const uint32_t choices[] = {VOS_COND_DKEY_INSERT, VOS_COND_DKEY_UPDATE,
					   VOS_COND_AKEY_INSERT, VOS_COND_AKEY_UPDATE};
	uint32_t first = (uint32_t)draw(model, AKEYS);

	change->write_count = 1 + (uint32_t)draw(model, AKEYS - first);
	for (uint32_t i = 0; i < change->write_count; i++) {
		write_draw(model, first + i, &change->writes[i]);
		write_fill(&change->writes[i]);
		change->akeys[i] = write_akey(change->object, &change->writes[i]);
	}
	change->op.kind = VOS_OP_UPDATE;
	if (draw(model, 10) == 0)
		change->op.conditions = choices[draw(model, ARRAY_SIZE(choices))];
	change->op.akeys = change->akeys;
	change->op.count = change->write_count;
}

static inline void
tx_punch_draw(struct model *model, struct tx_change *change)
{
	uint64_t level = draw(model, 8);
	bool akeys = level >= 4;
	uint32_t limit = akeys ? AKEYS : model->dkeys ? model->dkeys : DKEYS;

	change->write_count = 0;
	change->op.conditions = draw(model, 16) == 0 ? VOS_COND_PUNCH : 0;
	change->op.kind = level == 0 ? VOS_OP_PUNCH_OBJECT
			  : akeys    ? VOS_OP_PUNCH_AKEYS
				     : VOS_OP_PUNCH_DKEYS;
	if (level == 0)
		return;
	for (uint32_t i = 0; i < limit; i++) {
		uint32_t place = change->op.count;
		uint8_t *bytes = change->key_bytes[place];

		/* At least the last one. */
		if (draw(model, 2) == 0 && (place > 0 || i + 1 < limit))
			continue;
		change->named[place] = i;
		change->keys[place] = akeys ? akey_name(change->object, i, bytes)
					    : dkey_name(change->object, i, bytes);
		change->op.count++;
	}
	change->op.keys = change->keys;
}

static inline void
tx_draw(struct model *model, uint32_t objects, struct tx_work *work)
{
	uint32_t base = object_draw(model);

	memset(work, 0, sizeof(*work));
	work->count = 1 + (uint32_t)draw(model, TX_OPS);
	model->epoch = align_up(model->epoch + 1, TX_STEP);
	work->tx.epoch = model->epoch;
	work->tx.container = container_name();
	work->tx.id = uuid_make(draw(model, UINT64_MAX), 1);
	for (uint32_t i = 0; i < work->count; i++) {
		struct tx_change *change = &work->changes[i];
		uint32_t limit = model->objects ? model->objects : OBJECTS;

		change->object = (base + (uint32_t)draw(model, objects)) % limit;
		change->dkey = dkey_draw(model);
		change->op.object = object_name(change->object);
		change->op.dkey = dkey_name(change->object, change->dkey, change->dkey_bytes);
		if (draw(model, 3) == 0)
			tx_punch_draw(model, change);
		else
			tx_update_draw(model, change);
		work->ops[i] = change->op;
	}
}

static inline void
tx_work_free(struct tx_work *work)
{
	for (uint32_t i = 0; i < work->count; i++)
		for (uint32_t j = 0; j < work->changes[i].write_count; j++)
			free(work->changes[i].writes[j].payload);
}

/* ------------------------------------------------ judging */

static inline void
tx_punch_event(struct model *model, const struct tx_change *change, enum event_kind kind,
	       uint32_t dkey, uint32_t akey, uint64_t epoch)
{
	model_add(model, (struct event){.kind = kind,
					.object = (uint8_t)change->object,
					.dkey = (uint8_t)dkey,
					.akey = (uint8_t)akey,
					.transaction = true,
					.epoch = epoch});
}

/* What a punch answers; its events are added. */
static inline int
tx_punch_judge(struct model *model, const struct tx_change *change, uint64_t epoch)
{
	bool visible[DKEYS] = {false}, any = false, empty = true;
	uint32_t object = change->object;

	if (change->op.kind == VOS_OP_PUNCH_OBJECT) {
		visible[0] = model_visible(model, object, UINT32_MAX, UINT32_MAX, EPOCH_MAX);
		if (!visible[0])
			return change->op.conditions ? -DER_NONEXIST : 0;
		tx_punch_event(model, change, EVENT_PUNCH_OBJECT, 0, 0, epoch);
		return 0;
	}
	for (uint32_t i = 0; i < change->op.count; i++) {
		visible[i] = change->op.kind == VOS_OP_PUNCH_DKEYS
				     ? model_visible(model, object, change->named[i], UINT32_MAX,
						     EPOCH_MAX)
				     : model_visible(model, object, change->dkey, change->named[i],
						     EPOCH_MAX);
		if (!visible[i] && change->op.conditions)
			return -DER_NONEXIST;
		any = any || visible[i];
	}
	for (uint32_t i = 0; i < change->op.count; i++)
		if (visible[i] && change->op.kind == VOS_OP_PUNCH_DKEYS)
			tx_punch_event(model, change, EVENT_PUNCH_DKEY, change->named[i], 0, epoch);
		else if (visible[i])
			tx_punch_event(model, change, EVENT_PUNCH_AKEY, change->dkey,
				       change->named[i], epoch);
	for (uint32_t i = 0; i < AKEYS; i++)
		empty = empty && !model_visible(model, object, change->dkey, i, EPOCH_MAX);
	if (any && empty && change->op.kind == VOS_OP_PUNCH_AKEYS)
		tx_punch_event(model, change, EVENT_PUNCH_DKEY, change->dkey, 0, epoch);
	return 0;
}

/* What its preparation must answer. Its events are kept in work, not in the reference. */
static inline int
tx_judge(struct model *model, struct tx_work *work)
{
	uint32_t before = model->count;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < work->count; i++) {
		struct tx_change *change = &work->changes[i];
		uint64_t epoch = work->tx.epoch + i;
		uint32_t first = model->count;

		if (change->op.kind != VOS_OP_UPDATE) {
			rc = tx_punch_judge(model, change, epoch);
			continue;
		}
		rc = model_judge(model, change->object, change->dkey, change->writes,
				 change->write_count, change->op.conditions);
		for (uint32_t j = 0; rc == 0 && j < change->write_count; j++)
			model_write(model, change->object, change->dkey, &change->writes[j], epoch);
		for (; first < model->count; first++)
			model->events[first].transaction = true;
	}
	work->event_count = model->count - before;
	CHECK(work->event_count <= ARRAY_SIZE(work->events));
	for (uint32_t i = 0; i < work->event_count; i++)
		work->events[i] = model->events[before + i];
	model->count = before;
	return rc;
}

/* The reference takes the changes. */
static inline void
tx_commit_events(struct model *model, const struct tx_work *work)
{
	for (uint32_t i = 0; i < work->event_count; i++)
		model_add(model, work->events[i]);
}

/* Prepares; false when it was refused, as it must be. The payload is durable then. */
static inline bool
tx_both_prepare(struct stand *stand, struct tx_work *work, uint64_t *ret_group)
{
	int wanted = tx_judge(&stand->model, work);
	int rc = vos_tx_prepare(stand->container, &work->tx, work->ops, work->count, ret_group);

	/* Nothing else draws an epoch within the transaction's. */
	stand->model.epoch |= HLC_MINOR_MASK;
	CHECK_EQUAL(rc, wanted);
	if (rc == 0)
		CHECK_EQUAL(media_wait(stand->media, *ret_group), 0);
	return rc == 0;
}
