/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Short forms of what the tests of transactions do. */
#pragma once

#include "bench.h"

#define STEP (HLC_MINOR_MASK + 1)
#define EPOCH(number) ((uint64_t)(number)*STEP)

static const struct vos_object hashed = {.id = {.lo = 7}};
static const struct vos_object other = {.id = {.lo = 8}};

/* ------------------------------------------------ changes */

/* A change of single values or of an array, with all it points to. */
struct piece_of_work {
	struct vos_akey akey;
	struct vos_extent extent;
	struct iovec iov;
	struct vos_key key;
	uint8_t *payload;
};

static inline struct uuid
tx_name(uint64_t number)
{
	return uuid_make(0x7700 + number, 0x3344);
}

static inline struct vos_tx
tx_of(uint64_t number, uint64_t epoch)
{
	return (struct vos_tx){
		.id = tx_name(number), .container = container_name(), .epoch = epoch};
}

static inline struct vos_op
op_store(struct piece_of_work *work, const struct vos_object *object, const char *dkey,
	 const char *akey, uint8_t fill, uint32_t size, uint32_t conditions)
{
	work->payload = malloc(size + 1);
	memset(work->payload, fill, size);
	work->iov = (struct iovec){work->payload, size};
	work->akey = (struct vos_akey){.key = text_key(akey),
				       .type = VOS_SINGLE,
				       .record_size = size,
				       .payload = &work->iov,
				       .payload_count = 1};
	return (struct vos_op){.kind = VOS_OP_UPDATE,
			       .conditions = conditions,
			       .object = *object,
			       .dkey = text_key(dkey),
			       .akeys = &work->akey,
			       .count = 1};
}

static inline struct vos_op
op_extent(struct piece_of_work *work, const struct vos_object *object, const char *dkey,
	  struct vos_extent extent, uint8_t fill)
{
	struct vos_op op = op_store(work, object, dkey, "array", fill, (uint32_t)extent.count, 0);

	work->extent = extent;
	work->akey.type = VOS_ARRAY;
	work->akey.record_size = 1;
	work->akey.extents = &work->extent;
	work->akey.extent_count = 1;
	return op;
}

static inline struct vos_op
op_punch(struct piece_of_work *work, const struct vos_object *object, const char *dkey,
	 const char *akey, uint32_t conditions)
{
	struct vos_op op = {
		.kind = VOS_OP_PUNCH_OBJECT, .conditions = conditions, .object = *object};

	work->payload = NULL;
	if (!dkey)
		return op;
	work->key = text_key(akey ? akey : dkey);
	op.kind = akey ? VOS_OP_PUNCH_AKEYS : VOS_OP_PUNCH_DKEYS;
	op.dkey = akey ? text_key(dkey) : (struct vos_key){0};
	op.keys = &work->key;
	op.count = 1;
	return op;
}

static inline int
prepare(struct stand *stand, struct vos_tx tx, const struct vos_op *ops, uint32_t count)
{
	uint64_t group;
	int rc = vos_tx_prepare(stand->container, &tx, ops, count, &group);

	return rc == 0 ? media_wait(stand->media, group) : rc;
}

static inline int
apply(struct stand *stand, uint64_t number)
{
	uint64_t group;
	int rc = vos_tx_apply(stand->vos, tx_name(number), &group);

	return rc == 0 ? media_wait(stand->media, group) : rc;
}

static inline int
forget(struct stand *stand, uint64_t number)
{
	uint64_t group;
	int rc = vos_tx_forget(stand->vos, tx_name(number), &group);

	return rc == 0 ? media_wait(stand->media, group) : rc;
}

static inline void
work_free(struct piece_of_work *work, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(work[i].payload);
}

static inline int
put(struct stand *stand, const char *dkey, const char *akey, uint8_t fill, uint64_t epoch)
{
	struct vos_change change = {.epoch = epoch};

	return store_put(stand, &hashed, dkey, akey, fill, 10, &change);
}

static inline int64_t
get(struct stand *stand, const char *dkey, const char *akey, uint64_t epoch)
{
	uint8_t fill = 0;
	int64_t size = store_get(stand, &hashed, dkey, akey, epoch, &fill);

	return size > 0 ? fill : size;
}
