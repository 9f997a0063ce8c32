/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A small store in memory for fuzz targets: made once, kept as an image of its disks. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "env/memory/memory.h"
#include "media/private.h"
#include "vos/vos.h"

struct image_store {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct media *media;
	struct heap *heap;
	struct vos *vos;
	struct vos_container *container;
	const uint8_t *data; /* the input */
	size_t size;
};

static inline struct uuid
image_container(void)
{
	return uuid_make(0x1111, 0x2222);
}

/* Hashed, integer and lexical keys. */
#define IMAGE_OBJECTS 3u
static inline struct vos_object
image_object(uint32_t number)
{
	static const uint8_t types[IMAGE_OBJECTS] = {0, 4, 7};

	return (struct vos_object){
		.id = {.lo = 1000 + number, .hi = (uint64_t)types[number] << 56 | 1u << 16}};
}

/* Damage is told by the thousand. */
static inline void
image_silence(struct log_sink *sink, enum log_level level, const char *tag, const char *line)
{
	(void)sink;
	(void)level;
	(void)tag;
	(void)line;
}

static inline void
image_boot(struct image_store *store)
{
	static struct log_sink quiet = {.write = image_silence};
	struct memory_env_options options = {.level = LOG_ERROR, .sink = &quiet};

	ASSERT(memory_env_create(store->world, &options, &store->env) == 0);
	ASSERT(loop_create(store->env, NULL, &store->loop) == 0);
}

static inline void
image_drop(struct image_store *store)
{
	loop_abandon(store->loop);
	memory_env_crash(store->env);
	memory_world_destroy(store->world);
}

static inline struct media_options
image_log(void)
{
	return (struct media_options){.log_size = 1 << 20, .checkpoint_interval = 3600000000000};
}

/* The first error. */
static inline int
image_open(struct image_store *store)
{
	struct media_options options = image_log();
	uint64_t snapshot = 40 << 8 | 255;
	int rc = media_open(store->loop, "log", &options, &store->media);

	if (rc == 0)
		rc = heap_open(store->media, "pool", &store->heap);
	if (rc == 0)
		rc = media_start(store->media);
	if (rc == 0)
		rc = vos_open(store->heap, &store->vos);
	if (rc == 0)
		rc = vos_set_snapshots(store->vos, image_container(), &snapshot, 1);
	if (rc == 0)
		rc = vos_container_open(store->vos, image_container(), &store->container);
	return rc;
}

static inline struct vos_key
image_key(uint32_t object, uint32_t number, uint8_t bytes[64])
{
	if (object == 1) {
		store_u64(bytes, number * 77);
		return (struct vos_key){bytes, 8};
	}
	return (struct vos_key){
		bytes, (uint32_t)snprintf((char *)bytes, 64,
					  number % 3 ? "key %u" : "a key of more than 16 bytes %u",
					  number)};
}

static inline int
image_put(struct image_store *store, uint32_t object, uint32_t number, uint64_t size,
	  uint64_t epoch, uint64_t *ret_group)
{
	static uint8_t payload[32768];
	struct vos_object name = image_object(object);
	struct vos_extent extent = {number * 10, size};
	struct iovec iov = {payload, size};
	struct request_id request = {
		.client = uuid_make(5, 6), .sequence = epoch, .confirmed = 1, .first_sent = 1};
	struct vos_change change = {.epoch = epoch << 8, .request = &request};
	uint8_t dkey[64], akey[64];
	struct vos_akey value = {.key = image_key(object, number % 2, akey),
				 .type = number % 2 ? VOS_ARRAY : VOS_SINGLE,
				 .record_size = number % 2 ? 1 : size,
				 .extents = &extent,
				 .extent_count = 1,
				 .payload = &iov,
				 .payload_count = 1};

	memset(payload, (int)number + 1, size);
	return vos_update(store->container, &name, image_key(object, number / 2, dkey), &value, 1,
			  &change, ret_group);
}

static inline struct uuid
image_transaction(void)
{
	return uuid_make(0x7777, 1);
}

/* One that is prepared and not decided. */
static inline void
image_prepare(struct image_store *store, uint64_t epoch, uint64_t *ret_group)
{
	static uint8_t payload[5000];
	uint8_t dkey[64];
	struct iovec iov = {payload, sizeof(payload)};
	struct vos_akey value = {.key = {"prepared", 8},
				 .type = VOS_SINGLE,
				 .record_size = sizeof(payload),
				 .payload = &iov,
				 .payload_count = 1};
	struct vos_key key = image_key(0, 5, dkey);
	struct vos_op ops[] = {
		{.kind = VOS_OP_UPDATE,
		 .object = image_object(0),
		 .dkey = key,
		 .akeys = &value,
		 .count = 1},
		{.kind = VOS_OP_PUNCH_DKEYS, .object = image_object(2), .keys = &key, .count = 1},
	};
	struct vos_tx tx = {.id = image_transaction(),
			    .container = image_container(),
			    .epoch = epoch << 8,
			    .leader = 0,
			    .leads = true};

	ASSERT(vos_tx_prepare(store->container, &tx, ops, ARRAY_SIZE(ops), ret_group) == 0);
}

static inline int
image_fill_body(void *argument)
{
	struct image_store *store = argument;
	struct media_options log = image_log();
	struct heap_options options = {.heap_size = 4 * HEAP_ZONE, .data_size = 1 << 20};
	struct vos_object second = image_object(2);
	uint64_t group, epoch = 0;
	uint8_t bytes[64];
	struct vos_key dkey = image_key(2, 3, bytes);

	options.id.bytes[0] = 9;
	ASSERT(media_format(store->loop, "log", &log) == 0);
	ASSERT(media_open(store->loop, "log", &log, &store->media) == 0);
	ASSERT(heap_create(store->media, "pool", &options) == 0);
	ASSERT(heap_open(store->media, "pool", &store->heap) == 0);
	ASSERT(media_start(store->media) == 0);
	ASSERT(vos_format(store->heap) == 0);
	ASSERT(vos_open(store->heap, &store->vos) == 0);
	ASSERT(vos_container_create(store->vos, image_container(), &group) == 0);
	ASSERT(vos_container_open(store->vos, image_container(), &store->container) == 0);
	for (uint32_t i = 0; i < 90; i++) {
		ASSERT(image_put(store, i % 3, i % 30, 50 + i * i, ++epoch, &group) == 0);
		if (i == 80)
			ASSERT(media_checkpoint(store->media) == 0);
	}
	ASSERT(vos_punch_dkeys(store->container, &second, &dkey, 1,
			       &(struct vos_change){.epoch = ++epoch << 8}, &group) == 0);
	ASSERT(media_wait(store->media, group) == 0);
	image_prepare(store, ++epoch, &group);
	ASSERT(media_wait(store->media, group) == 0);
	ASSERT(media_checkpoint(store->media) == 0);
	ASSERT(store->heap->delta_slots > 0);
	ASSERT(vos_tx_forget(store->vos, image_transaction(), &group) == 0);
	for (uint32_t i = 0; i < 6; i++)
		ASSERT(image_put(store, i % 3, i, 300 + i * 1000, ++epoch, &group) == 0);
	image_prepare(store, ++epoch, &group);
	ASSERT(media_wait(store->media, group) == 0);
	for (uint32_t i = 0; i < store->heap->heap_zones + store->heap->space_zones; i++)
		if (store->heap->zones[i])
			ASSERT(zone_load(store->heap->zones[i]) == 0);
	return 0;
}
