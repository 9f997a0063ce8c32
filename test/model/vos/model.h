/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The naive reference of a store: every write and every punch in one flat list, searched from its
 * begin for every question. Contents are a function of a seed and a byte offset, so that only seeds
 * are kept.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "env/memory/memory.h"
#include "vos/vos.h"

/* On a fiber a failed check ends the program: cmocka would jump to another stack. */
#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)
#define CHECK_EQUAL(a, b)                                                                    \
	do {                                                                                 \
		int64_t check_a = (int64_t)(a), check_b = (int64_t)(b);                      \
		if (check_a != check_b) {                                                    \
			fprintf(stderr, "%s:%d: %s is %lld, not %s = %lld (%s)\n", __FILE__, \
				__LINE__, #a, (long long)check_a, #b, (long long)check_b,    \
				error_text((int)check_a));                                   \
			abort();                                                             \
		}                                                                            \
	} while (0)

#define OBJECTS 6u
#define DKEYS 6u
#define AKEYS 3u /* 0: a single value; 1: an array of bytes; 2: an array of 8-byte records */
#define KEY_BYTES 700u
#define SNAPSHOTS 12u

enum event_kind { EVENT_WRITE, EVENT_HOLE, EVENT_PUNCH_OBJECT, EVENT_PUNCH_DKEY, EVENT_PUNCH_AKEY };

struct event {
	enum event_kind kind;
	uint8_t object, dkey, akey;
	bool transaction; /* the minor bits of its epoch are not those of the store */
	uint64_t epoch;
	uint64_t start, count; /* of arrays */
	uint32_t size;	       /* of single values */
	uint64_t seed;
};

struct model {
	uint32_t count, capacity;
	struct event *events;
	uint64_t random;
	uint64_t epoch;
	uint64_t collected;	 /* older reads are not made any more */
	uint32_t objects, dkeys; /* used of them; 0: all */
	uint64_t reach;		 /* arrays end before this record; 0: anywhere */
	uint32_t snapshot_count;
	uint64_t snapshots[SNAPSHOTS]; /* ascending; readable below collected, too */
};

static inline uint64_t
draw(struct model *model, uint64_t limit)
{
	model->random = mix64(model->random + 0x9e3779b97f4a7c15ull);
	return (model->random >> 11) % limit;
}

static inline uint32_t
object_draw(struct model *model)
{
	return (uint32_t)draw(model, model->objects ? model->objects : OBJECTS);
}

static inline uint32_t
dkey_draw(struct model *model)
{
	return (uint32_t)draw(model, model->dkeys ? model->dkeys : DKEYS);
}

static inline void
model_add(struct model *model, struct event event)
{
	if (model->count == model->capacity) {
		model->capacity = max_of(model->capacity * 2, 1024u);
		model->events = realloc(model->events, model->capacity * sizeof(event));
		CHECK(model->events);
	}
	model->events[model->count++] = event;
}

/* ------------------------------------------------ names */

static inline struct vos_object
object_name(uint32_t object)
{
	/* Hashed; dkey integer; akey integer; both integer; dkey lexical; both lexical. */
	static const uint8_t types[OBJECTS] = {0, 2, 3, 4, 5, 7};

	return (struct vos_object){.id = {.lo = 1000 + object,
					  .hi = (uint64_t)types[object] << 56 | 1u << 16},
				   .shard = object % 2};
}

static inline struct vos_key
key_name(enum key_order order, const char *prefix, uint32_t number, uint8_t bytes[KEY_BYTES])
{
	uint32_t length;

	if (order == KEY_INTEGER) {
		/* Also the ends of the range. */
		store_u64(bytes, number == 5 ? UINT64_MAX : number * number * 1000);
		return (struct vos_key){bytes, 8};
	}
	length = (uint32_t)snprintf((char *)bytes, KEY_BYTES, "%s.%u", prefix, number);
	if (number == 2)
		length = (uint32_t)snprintf((char *)bytes, KEY_BYTES, "%s.long.name.of.a.key.%u",
					    prefix, number);
	/* Two that begin alike for longer than a position keeps. */
	if (number == 3 || number == 4) {
		memset(bytes, 'x', KEY_BYTES);
		bytes[KEY_BYTES - 1] = (uint8_t)('0' + number);
		length = KEY_BYTES;
	}
	return (struct vos_key){bytes, length};
}

static inline struct vos_key
dkey_name(uint32_t object, uint32_t dkey, uint8_t bytes[KEY_BYTES])
{
	return key_name(object_id_dkey_order(object_name(object).id), "dkey.prefix", dkey, bytes);
}

static inline struct vos_key
akey_name(uint32_t object, uint32_t akey, uint8_t bytes[KEY_BYTES])
{
	return key_name(object_id_akey_order(object_name(object).id), "akey", akey, bytes);
}

static inline uint64_t
akey_record_size(uint32_t akey)
{
	return akey == 2 ? 8 : 1;
}

static inline uint8_t
content(uint64_t seed, uint64_t byte)
{
	return (uint8_t)(mix64(seed + byte / 8) >> (byte % 8 * 8));
}

/* ------------------------------------------------ questions */

static inline bool
event_writes(const struct event *event)
{
	return event->kind == EVENT_WRITE || event->kind == EVENT_HOLE;
}

/* The newest punch up to epoch; dkey or akey UINT32_MAX: of the levels above only. */
static inline uint64_t
model_punched(const struct model *model, uint32_t object, uint32_t dkey, uint32_t akey,
	      uint64_t epoch)
{
	uint64_t punched = 0;

	for (uint32_t i = 0; i < model->count; i++) {
		const struct event *event = &model->events[i];

		if (event->object != object || event->epoch > epoch)
			continue;
		if (event->kind == EVENT_PUNCH_OBJECT ||
		    (event->kind == EVENT_PUNCH_DKEY && event->dkey == dkey) ||
		    (event->kind == EVENT_PUNCH_AKEY && event->dkey == dkey && event->akey == akey))
			punched = max_of(punched, event->epoch);
	}
	return punched;
}

static inline bool
model_visible(const struct model *model, uint32_t object, uint32_t dkey, uint32_t akey,
	      uint64_t epoch)
{
	uint64_t punched = model_punched(model, object, dkey, akey, epoch);

	for (uint32_t i = 0; i < model->count; i++) {
		const struct event *event = &model->events[i];

		if (event_writes(event) && event->object == object && event->epoch <= epoch &&
		    event->epoch > punched && (dkey == UINT32_MAX || event->dkey == dkey) &&
		    (akey == UINT32_MAX || event->akey == akey))
			return true;
	}
	return false;
}

/* The write seen at a record (single values: 0); NULL for nothing or a hole. */
static inline const struct event *
model_seen(const struct model *model, uint32_t object, uint32_t dkey, uint32_t akey,
	   uint64_t record, uint64_t epoch)
{
	uint64_t punched = model_punched(model, object, dkey, akey, epoch);
	const struct event *seen = NULL;

	for (uint32_t i = 0; i < model->count; i++) {
		const struct event *event = &model->events[i];

		if (event_writes(event) && event->object == object && event->dkey == dkey &&
		    event->akey == akey && event->epoch <= epoch && event->epoch > punched &&
		    event->start <= record && record - event->start < event->count &&
		    (!seen || event->epoch > seen->epoch))
			seen = event;
	}
	return seen && seen->kind == EVENT_WRITE ? seen : NULL;
}

/* Whether an array holds any data. What is seen changes only where a write begins or ends. */
static inline bool
model_any(const struct model *model, uint32_t object, uint32_t dkey, uint32_t akey, uint64_t epoch)
{
	for (uint32_t i = 0; i < model->count; i++) {
		const struct event *event = &model->events[i];

		if (event_writes(event) && event->object == object && event->dkey == dkey &&
		    event->akey == akey &&
		    (model_seen(model, object, dkey, akey, event->start, epoch) ||
		     model_seen(model, object, dkey, akey, event->start + event->count, epoch)))
			return true;
	}
	return false;
}

/* ------------------------------------------------ the store under test */

struct stand {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct media_options media_options;
	struct heap_options heap_options;
	struct media *media;
	struct heap *heap;
	struct vos *vos;
	struct vos_container *container;
	struct model model;
	void *argument;
};

static inline struct uuid
container_name(void)
{
	return uuid_make(0x1111, 0x2222);
}

static inline void
stand_boot(struct stand *stand)
{
	struct memory_env_options options = {.level = LOG_ERROR};

	CHECK_EQUAL(memory_env_create(stand->world, &options, &stand->env), 0);
	CHECK_EQUAL(loop_create(stand->env, NULL, &stand->loop), 0);
}

static inline void
stand_set_snapshots(struct stand *stand)
{
	CHECK_EQUAL(vos_set_snapshots(stand->vos, container_name(), stand->model.snapshots,
				      stand->model.snapshot_count),
		    0);
}

static inline int
stand_format_body(void *argument)
{
	struct stand *stand = argument;
	uint64_t group;

	CHECK_EQUAL(media_format(stand->loop, "log", &stand->media_options), 0);
	CHECK_EQUAL(media_open(stand->loop, "log", &stand->media_options, &stand->media), 0);
	CHECK_EQUAL(heap_create(stand->media, "pool", &stand->heap_options), 0);
	CHECK_EQUAL(heap_open(stand->media, "pool", &stand->heap), 0);
	CHECK_EQUAL(media_start(stand->media), 0);
	CHECK_EQUAL(vos_format(stand->heap), 0);
	CHECK_EQUAL(vos_open(stand->heap, &stand->vos), 0);
	CHECK_EQUAL(vos_container_create(stand->vos, container_name(), &group), 0);
	CHECK_EQUAL(vos_container_open(stand->vos, container_name(), &stand->container), 0);
	stand_set_snapshots(stand);
	return 0;
}

static inline int
stand_open_body(void *argument)
{
	struct stand *stand = argument;

	CHECK_EQUAL(media_open(stand->loop, "log", &stand->media_options, &stand->media), 0);
	CHECK_EQUAL(heap_open(stand->media, "pool", &stand->heap), 0);
	CHECK_EQUAL(media_start(stand->media), 0);
	CHECK_EQUAL(vos_open(stand->heap, &stand->vos), 0);
	CHECK_EQUAL(vos_container_open(stand->vos, container_name(), &stand->container), 0);
	stand_set_snapshots(stand);
	return 0;
}

static inline int
stand_close_body(void *argument)
{
	struct stand *stand = argument;

	if (stand->container)
		vos_container_close(stand->container);
	stand->container = NULL;
	vos_close(stand->vos);
	CHECK_EQUAL(media_close(stand->media), 0);
	return 0;
}

static inline int
stand_run(struct stand *stand, int (*function)(void *argument))
{
	return memory_run(stand->world, stand->loop, function, stand);
}

static inline void
stand_start(struct stand *stand, uint64_t seed)
{
	if (stand->media_options.log_size == 0)
		stand->media_options.log_size = 8 * 1024 * 1024;
	if (stand->heap_options.heap_size == 0)
		stand->heap_options = (struct heap_options){
			.heap_size = 48 * HEAP_ZONE, .data_size = 64ull << 20, .space_reserve = 5};
	memset(stand->heap_options.id.bytes, 9, sizeof(stand->heap_options.id.bytes));
	stand->model.random = seed;
	stand->model.epoch = 1000;
	CHECK_EQUAL(memory_world_create(seed, &stand->world), 0);
	stand_boot(stand);
	stand_run(stand, stand_format_body);
}

static inline void
stand_shut(struct stand *stand)
{
	stand_run(stand, stand_close_body);
	loop_destroy(stand->loop);
	memory_env_destroy(stand->env);
}

static inline void
stand_stop(struct stand *stand)
{
	stand_shut(stand);
	memory_world_destroy(stand->world);
	free(stand->model.events);
}

static inline void
stand_reopen(struct stand *stand)
{
	stand_shut(stand);
	stand_boot(stand);
	stand_run(stand, stand_open_body);
}

/* ------------------------------------------------ changes of both */

/* One akey of an update, with everything it points to. */
struct write {
	uint32_t akey;
	bool hole;
	uint32_t extent_count;
	struct vos_extent extents[3];
	uint64_t bytes;
	uint64_t seed;
	uint8_t name[KEY_BYTES];
	uint8_t *payload;
	struct iovec iov[2];
};

static inline void
write_draw(struct model *model, uint32_t akey, struct write *write)
{
	uint64_t record_size = akey_record_size(akey), at = 0;
	bool large = draw(model, 12) == 0;

	*write = (struct write){
		.akey = akey, .hole = draw(model, 8) == 0, .seed = draw(model, UINT64_MAX)};
	if (akey == 0) {
		write->extent_count = 1;
		write->extents[0] = (struct vos_extent){0, 1};
		write->bytes = large ? 4000 + draw(model, 100000) : 1 + draw(model, 300);
		return;
	}
	write->extent_count = 1 + (uint32_t)draw(model, 3);
	for (uint32_t i = 0; i < write->extent_count; i++) {
		uint64_t index = at + draw(model, 60) * (draw(model, 3) == 0 ? 64 : 1);
		uint64_t count = large ? 500 + draw(model, 9000) : 1 + draw(model, 80);

		if (model->reach != 0) {
			index = min_of(index, model->reach - 4 + i);
			count = min_of(count,
				       i < 2 ? model->reach - 3 + i - index : model->reach - index);
		}
		write->extents[i] = (struct vos_extent){index, count};
		write->bytes += count * record_size;
		at = index + count;
	}
}

static inline void
write_fill(struct write *write)
{
	uint64_t done = 0, record_size = akey_record_size(write->akey);

	write->payload = malloc(write->bytes);
	CHECK(write->payload);
	for (uint32_t i = 0; i < write->extent_count; i++) {
		uint64_t bytes = write->akey == 0 ? write->bytes
						  : write->extents[i].count * record_size;

		for (uint64_t j = 0; j < bytes; j++)
			write->payload[done + j] =
				content(write->seed, write->extents[i].index * record_size + j);
		done += bytes;
	}
	/* In two buffers, cut at an odd place. */
	write->iov[0] = (struct iovec){write->payload, write->bytes / 3};
	write->iov[1] =
		(struct iovec){write->payload + write->bytes / 3, write->bytes - write->bytes / 3};
}

static inline struct vos_akey
write_akey(uint32_t object, struct write *write)
{
	return (struct vos_akey){
		.key = akey_name(object, write->akey, write->name),
		.type = write->akey == 0 ? VOS_SINGLE : VOS_ARRAY,
		.record_size = write->hole	  ? 0
			       : write->akey == 0 ? write->bytes
						  : akey_record_size(write->akey),
		.extents = write->extents,
		.extent_count = write->extent_count,
		.payload = write->iov,
		.payload_count = 2,
	};
}

static inline void
model_write(struct model *model, uint32_t object, uint32_t dkey, const struct write *write,
	    uint64_t epoch)
{
	for (uint32_t i = 0; i < write->extent_count; i++)
		model_add(model, (struct event){
					 .kind = write->hole ? EVENT_HOLE : EVENT_WRITE,
					 .object = (uint8_t)object,
					 .dkey = (uint8_t)dkey,
					 .akey = (uint8_t)write->akey,
					 .epoch = epoch,
					 .start = write->extents[i].index,
					 .count = write->extents[i].count,
					 .size = (uint32_t)write->bytes,
					 .seed = write->seed,
				 });
}

/* What an update must answer. */
static inline int
model_judge(const struct model *model, uint32_t object, uint32_t dkey, const struct write *writes,
	    uint32_t count, uint32_t conditions)
{
	bool visible = model_visible(model, object, dkey, UINT32_MAX, EPOCH_MAX);

	if ((conditions & VOS_COND_DKEY_INSERT) != 0 && visible)
		return -DER_EXIST;
	if ((conditions & VOS_COND_DKEY_UPDATE) != 0 && !visible)
		return -DER_NONEXIST;
	for (uint32_t i = 0; i < count; i++) {
		visible = model_visible(model, object, dkey, writes[i].akey, EPOCH_MAX);
		if ((conditions & VOS_COND_AKEY_INSERT) != 0 && visible)
			return -DER_EXIST;
		if ((conditions & VOS_COND_AKEY_UPDATE) != 0 && !visible)
			return -DER_NONEXIST;
	}
	return 0;
}

/* A random update of both; the group to wait for in *ret_group (0: refused). */
static inline void
both_update(struct stand *stand, uint64_t *ret_group)
{
	static const uint32_t choices[] = {0,
					   0,
					   0,
					   0,
					   VOS_COND_DKEY_INSERT,
					   VOS_COND_DKEY_UPDATE,
					   VOS_COND_AKEY_INSERT,
					   VOS_COND_AKEY_UPDATE};
	struct model *model = &stand->model;
	uint32_t object = object_draw(model), dkey = dkey_draw(model);
	uint32_t first = (uint32_t)draw(model, AKEYS),
		 count = 1 + (uint32_t)draw(model, AKEYS - first);
	struct vos_object name = object_name(object);
	struct vos_change change = {.conditions = choices[draw(model, ARRAY_SIZE(choices))]};
	struct vos_akey akeys[AKEYS];
	struct write writes[AKEYS];
	uint8_t bytes[KEY_BYTES];
	int rc, wanted;

	model->epoch += 1 + draw(model, 3);
	change.epoch = model->epoch;
	for (uint32_t i = 0; i < count; i++) {
		write_draw(model, first + i, &writes[i]);
		write_fill(&writes[i]);
		akeys[i] = write_akey(object, &writes[i]);
	}
	wanted = model_judge(model, object, dkey, writes, count, change.conditions);
	*ret_group = 0;
	rc = vos_update(stand->container, &name, dkey_name(object, dkey, bytes), akeys, count,
			&change, ret_group);
	CHECK_EQUAL(rc, wanted);
	for (uint32_t i = 0; i < count; i++) {
		if (rc == 0)
			model_write(model, object, dkey, &writes[i], change.epoch);
		/* Large payload is borrowed until its group is durable. */
		if (rc == 0 && writes[i].bytes >= 4096)
			CHECK_EQUAL(media_wait(stand->media, *ret_group), 0);
		free(writes[i].payload);
	}
}

/* A random punch of both. */
static inline void
both_punch(struct stand *stand, uint64_t *ret_group)
{
	struct model *model = &stand->model;
	uint32_t object = object_draw(model), dkey = dkey_draw(model);
	uint32_t akey = (uint32_t)draw(model, AKEYS), level = (uint32_t)draw(model, 8);
	struct vos_object name = object_name(object);
	struct vos_change change = {.conditions = draw(model, 2) ? VOS_COND_PUNCH : 0};
	struct event event = {
		.object = (uint8_t)object, .dkey = (uint8_t)dkey, .akey = (uint8_t)akey};
	uint8_t dkey_bytes[KEY_BYTES], akey_bytes[KEY_BYTES];
	struct vos_key dkey_key = dkey_name(object, dkey, dkey_bytes),
		       akey_key = akey_name(object, akey, akey_bytes);
	bool visible, empty = true;
	int rc;

	model->epoch += 1 + draw(model, 3);
	change.epoch = model->epoch;
	event.epoch = model->epoch;
	*ret_group = 0;
	if (level == 0) {
		event.kind = EVENT_PUNCH_OBJECT;
		visible = model_visible(model, object, UINT32_MAX, UINT32_MAX, EPOCH_MAX);
		rc = vos_punch_object(stand->container, &name, &change, ret_group);
	} else if (level < 4) {
		event.kind = EVENT_PUNCH_DKEY;
		visible = model_visible(model, object, dkey, UINT32_MAX, EPOCH_MAX);
		rc = vos_punch_dkeys(stand->container, &name, &dkey_key, 1, &change, ret_group);
	} else {
		event.kind = EVENT_PUNCH_AKEY;
		visible = model_visible(model, object, dkey, akey, EPOCH_MAX);
		rc = vos_punch_akeys(stand->container, &name, dkey_key, &akey_key, 1, &change,
				     ret_group);
	}
	CHECK_EQUAL(rc, !visible && change.conditions != 0 ? -DER_NONEXIST : 0);
	if (rc != 0 || !visible)
		return;
	model_add(model, event);
	for (uint32_t i = 0; i < AKEYS; i++)
		empty = empty && !model_visible(model, object, dkey, i, EPOCH_MAX);
	/* A dkey without akeys goes too. */
	if (event.kind == EVENT_PUNCH_AKEY && empty) {
		event.kind = EVENT_PUNCH_DKEY;
		model_add(model, event);
	}
}

/* ------------------------------------------------ comparisons */

static inline void
single_compare(struct stand *stand, uint32_t object, uint32_t dkey, uint64_t epoch)
{
	const struct event *seen = model_seen(&stand->model, object, dkey, 0, 0, epoch);
	uint8_t dkey_bytes[KEY_BYTES], akey_bytes[KEY_BYTES];
	struct vos_akey akey = {.key = akey_name(object, 0, akey_bytes), .type = VOS_SINGLE};
	struct vos_object name = object_name(object);
	struct vos_fetched fetched;

	CHECK_EQUAL(vos_fetch(stand->container, &name, dkey_name(object, dkey, dkey_bytes), &akey,
			      1, epoch, 0, 0, &fetched),
		    0);
	CHECK_EQUAL(fetched.record_size, seen ? seen->size : 0);
	CHECK_EQUAL(fetched.length, fetched.record_size);
	for (uint64_t i = 0; i < fetched.length; i++)
		CHECK_EQUAL(fetched.data[i], content(seen->seed, i));
	CHECK_EQUAL(fetched.sum_count, piece_count(0, fetched.length));
	for (uint32_t i = 0, done = 0; i < fetched.sum_count; i++) {
		uint32_t length =
			min_of(piece_size(fetched.length), (uint32_t)fetched.length - done);

		CHECK_EQUAL(fetched.sums[i], crc32c(0, fetched.data + done, length));
		done += length;
	}
	vos_fetched_free(stand->container, &fetched, 1);
}

static inline void
sums_compare(const struct vos_fetched *fetched, const struct vos_extent *extents, uint32_t count)
{
	uint32_t used = 0;
	uint64_t done = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = extents[i].index * fetched->record_size,
			 end = at + extents[i].count * fetched->record_size;
		uint32_t piece = piece_size(end - at);

		while (at < end) {
			uint64_t next = min_of(align_down(at, piece) + piece, end);

			CHECK_EQUAL(fetched->sums[used++],
				    crc32c(0, fetched->data + done, next - at));
			done += next - at;
			at = next;
		}
	}
	CHECK_EQUAL(used, fetched->sum_count);
}

static inline void
array_compare(struct stand *stand, uint32_t object, uint32_t dkey, uint32_t akey_number,
	      uint64_t epoch)
{
	struct model *model = &stand->model;
	uint8_t dkey_bytes[KEY_BYTES], akey_bytes[KEY_BYTES];
	struct vos_extent extents[2];
	struct vos_akey akey = {.key = akey_name(object, akey_number, akey_bytes),
				.type = VOS_ARRAY,
				.extents = extents,
				.extent_count = 1 + (uint32_t)draw(model, 2)};
	struct vos_object name = object_name(object);
	struct vos_fetched fetched;
	uint64_t done = 0, record_size = akey_record_size(akey_number);

	for (uint32_t i = 0; i < 2; i++)
		extents[i] = (struct vos_extent){draw(model, 300) * (draw(model, 4) == 0 ? 30 : 1),
						 1 + draw(model, 200)};
	CHECK_EQUAL(vos_fetch(stand->container, &name, dkey_name(object, dkey, dkey_bytes), &akey,
			      1, epoch, 0, VOS_FETCH_RUNS, &fetched),
		    0);
	if (fetched.record_size == 0) {
		for (uint32_t i = 0; i < akey.extent_count; i++)
			for (uint64_t j = 0; j < extents[i].count; j++)
				CHECK(!model_seen(model, object, dkey, akey_number,
						  extents[i].index + j, epoch));
		return;
	}
	CHECK_EQUAL(fetched.record_size, record_size);
	for (uint32_t i = 0; i < akey.extent_count; i++) {
		for (uint64_t j = 0; j < extents[i].count; j++) {
			uint64_t record = extents[i].index + j;
			const struct event *seen =
				model_seen(model, object, dkey, akey_number, record, epoch);
			bool run = false;

			for (uint64_t k = 0; k < record_size; k++, done++)
				CHECK_EQUAL(fetched.data[done],
					    seen ? content(seen->seed, record * record_size + k)
						 : 0);
			for (uint32_t k = 0; k < fetched.run_count; k++)
				run = run || (record >= fetched.runs[k].extent.index &&
					      record - fetched.runs[k].extent.index <
						      fetched.runs[k].extent.count);
			CHECK_EQUAL(run, seen != NULL);
		}
	}
	CHECK_EQUAL(done, fetched.length);
	sums_compare(&fetched, extents, akey.extent_count);
	vos_fetched_free(stand->container, &fetched, 1);
}

/* Compares one random value at epoch. */
static inline void
both_fetch(struct stand *stand, uint64_t epoch)
{
	uint32_t object = (uint32_t)draw(&stand->model, OBJECTS),
		 dkey = (uint32_t)draw(&stand->model, DKEYS);
	uint32_t akey = (uint32_t)draw(&stand->model, AKEYS);

	if (akey == 0)
		single_compare(stand, object, dkey, epoch);
	else
		array_compare(stand, object, dkey, akey, epoch);
}

/* A listing being checked. */
struct listing_check {
	struct stand *stand;
	uint32_t object, dkey, akey;
	uint64_t epoch;
	uint32_t seen[8];
	uint32_t take; /* entries before the visitor stops; UINT32_MAX: never */
	struct vos_key last;
	uint8_t last_bytes[KEY_BYTES];
	uint64_t next; /* extents: the end of the last one */
};

static inline void
order_check(struct listing_check *check, enum key_order order, struct vos_key key)
{
	if (check->last.length > 0 && order == KEY_INTEGER)
		CHECK(load_u64(check->last_bytes) < load_u64(key.data));
	if (check->last.length > 0 && order == KEY_LEXICAL) {
		int sign =
			memcmp(check->last_bytes, key.data, min_of(check->last.length, key.length));

		CHECK(sign < 0 || (sign == 0 && check->last.length < key.length));
	}
	memcpy(check->last_bytes, key.data, key.length);
	check->last.length = key.length;
}

static inline void
extent_check(struct listing_check *check, const struct vos_entry *entry)
{
	CHECK(entry->extent.index >= check->next);
	for (uint64_t record = check->next; record < entry->extent.index; record++)
		CHECK(!model_seen(&check->stand->model, check->object, check->dkey, check->akey,
				  record, check->epoch));
	for (uint64_t i = 0; i < entry->extent.count; i++) {
		const struct event *seen = model_seen(&check->stand->model, check->object,
						      check->dkey, check->akey,
						      entry->extent.index + i, check->epoch);

		CHECK(seen);
		if (seen->transaction)
			CHECK_EQUAL(seen->epoch | HLC_MINOR_MASK, entry->epoch | HLC_MINOR_MASK);
		else
			CHECK_EQUAL(seen->epoch, entry->epoch);
		/* Long ones are looked at at both ends only. */
		if (i == 8 && entry->extent.count > 32)
			i = entry->extent.count - 8;
	}
	check->next = entry->extent.index + entry->extent.count;
}

static inline int
listing_visit(void *argument, const struct vos_entry *entry)
{
	struct listing_check *check = argument;
	uint8_t bytes[KEY_BYTES];
	uint32_t found = UINT32_MAX;

	if (check->take == 0)
		return 1;
	check->take -= check->take != UINT32_MAX;
	if (entry->level == VOS_EXTENTS) {
		extent_check(check, entry);
		return 0;
	}
	for (uint32_t i = 0; i < OBJECTS; i++) {
		struct vos_object object = object_name(i);
		struct vos_key key = entry->level == VOS_DKEYS ? dkey_name(check->object, i, bytes)
							       : akey_name(check->object, i, bytes);

		if (entry->level == VOS_OBJECTS
			    ? object_id_equal(object.id, entry->object.id)
			    : key.length == entry->key.length &&
				      memcmp(key.data, entry->key.data, key.length) == 0)
			found = i;
	}
	CHECK(found != UINT32_MAX);
	check->seen[found]++;
	if (entry->level == VOS_DKEYS)
		order_check(check, object_id_dkey_order(object_name(check->object).id), entry->key);
	if (entry->level == VOS_AKEYS)
		order_check(check, object_id_akey_order(object_name(check->object).id), entry->key);
	return 0;
}

/* Lists one level in random pages and compares. */
static inline void
both_list(struct stand *stand, uint64_t epoch)
{
	struct model *model = &stand->model;
	struct listing_check check = {.stand = stand,
				      .epoch = epoch,
				      .object = (uint32_t)draw(model, OBJECTS),
				      .dkey = (uint32_t)draw(model, DKEYS),
				      .akey = 1 + (uint32_t)draw(model, 2)};
	enum vos_level level = (enum vos_level)draw(model, 4);
	struct vos_object name = object_name(check.object);
	uint8_t dkey_bytes[KEY_BYTES], akey_bytes[KEY_BYTES];
	struct vos_position position = {0};

	while (position.state != VOS_END) {
		check.take = draw(model, 3) == 0 ? (uint32_t)draw(model, 3) : UINT32_MAX;
		CHECK_EQUAL(vos_list(stand->container, &name, level,
				     dkey_name(check.object, check.dkey, dkey_bytes),
				     akey_name(check.object, check.akey, akey_bytes), epoch,
				     1 + (uint32_t)draw(model, 4), &position, listing_visit,
				     &check),
			    0);
	}
	for (uint32_t i = 0; level != VOS_EXTENTS && i < (level == VOS_AKEYS ? AKEYS : OBJECTS);
	     i++) {
		bool visible = level == VOS_OBJECTS
				       ? model_visible(model, i, UINT32_MAX, UINT32_MAX, epoch)
			       : level == VOS_DKEYS
				       ? model_visible(model, check.object, i, UINT32_MAX, epoch)
				       : model_visible(model, check.object, check.dkey, i, epoch);

		CHECK_EQUAL(check.seen[i], visible ? 1 : 0);
	}
}

/* ------------------------------------------------ the end */

/* Nothing is held twice, nothing is lost, everything is in order. */
static inline int
audit_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_audit audit;

	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	return 0;
}

/* After destruction of its container and collection nothing of it is left. */
static inline int
empty_body(void *argument)
{
	struct stand *stand = argument;
	uint64_t group;
	int rc;

	CHECK_EQUAL(vos_container_destroy(stand->vos, container_name(), &group), 0);
	vos_container_close(stand->container);
	stand->container = NULL;
	do
		rc = vos_collect(stand->vos, EPOCH_MAX - 1, 50);
	while (rc > 0);
	CHECK_EQUAL(rc, 0);
	return 0;
}

static inline int
settle_body(void *argument)
{
	struct stand *stand = argument;
	uint64_t group;

	/* Blocks freed are counted as free once that is durable. */
	CHECK_EQUAL(vos_container_create(stand->vos, container_name(), &group), 0);
	CHECK_EQUAL(media_wait(stand->media, group), 0);
	CHECK_EQUAL(media_checkpoint(stand->media), 0);
	return 0;
}
