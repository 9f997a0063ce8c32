/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See bed.h. */
#include "bed.h"

#define SECOND_NAME "pools/second"

void
bed_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, condition);
	abort();
}

void
bed_fail_equal(const char *file, int line, const char *what, int64_t is, int64_t wanted)
{
	fprintf(stderr, "%s:%d: %s is %lld, not %lld (%s)\n", file, line, what, (long long)is,
		(long long)wanted, is < 0 ? error_text((int)is) : "");
	abort();
}

/* ------------------------------------------------ starting and ending */

static struct media_options
log_options(const struct crash_kind *kind)
{
	return (struct media_options){.log_size = kind->log_size ? kind->log_size : 1 << 20,
				      .inline_limit = kind->inline_limit,
				      .checkpoint_interval = 3600000000000};
}

static struct heap_options
heap_options(const struct crash_kind *kind)
{
	uint64_t zones = kind->heap_zones ? kind->heap_zones : 16;
	struct heap_options options = {.heap_size = zones * HEAP_ZONE, .data_size = 4 << 20};

	memset(options.id.bytes, 9, sizeof(options.id.bytes));
	return options;
}

struct uuid
container_id(uint32_t number)
{
	return uuid_make(0x1111, 0x2222 + number);
}

void
bed_set_snapshots(struct crash_bed *bed, uint32_t snapshot)
{
	uint64_t epoch = EPOCH_SEEN(snapshot);

	for (uint32_t i = 0; i < CONTAINERS_MAX; i++)
		CHECK_EQUAL(vos_set_snapshots(bed->vos, container_id(i), &epoch, snapshot ? 1 : 0),
			    0);
}

void
bed_boot(struct crash_bed *bed)
{
	struct memory_env_options options = {
		.level = LOG_ERROR, .shuffle = bed->shuffle, .sink = bed->sink};

	CHECK_EQUAL(memory_env_create(bed->world, &options, &bed->env), 0);
	CHECK_EQUAL(loop_create(bed->env, NULL, &bed->loop), 0);
}

int
bed_run(struct crash_bed *bed, int (*function)(void *argument))
{
	return memory_run(bed->world, bed->loop, function, bed);
}

static void
open_container(struct crash_bed *bed)
{
	int rc = vos_container_open(bed->vos, container_id(0), &bed->container);

	CHECK(rc == 0 || rc == -DER_NONEXIST);
	if (rc != 0)
		bed->container = NULL;
}

int
bed_format_body(void *argument)
{
	struct crash_bed *bed = argument;
	struct media_options log = log_options(bed->kind);
	struct heap_options heap = heap_options(bed->kind);
	struct metadb_options metadb = {.id = uuid_make(3, 4), .size = 4 << 20, .thin = true};

	CHECK_EQUAL(media_format(bed->loop, "log", &log), 0);
	CHECK_EQUAL(media_open(bed->loop, "log", &log, &bed->media), 0);
	CHECK_EQUAL(heap_create(bed->media, "pool", &heap), 0);
	CHECK_EQUAL(heap_open(bed->media, "pool", &bed->heap), 0);
	CHECK_EQUAL(media_start(bed->media), 0);
	CHECK_EQUAL(vos_format(bed->heap), 0);
	CHECK_EQUAL(vos_open(bed->heap, &bed->vos), 0);
	CHECK_EQUAL(vos_container_create(bed->vos, container_id(0), &bed->group), 0);
	open_container(bed);
	bed_set_snapshots(bed, 0);
	if (bed->kind->with_metadb) {
		CHECK_EQUAL(metadb_create(bed->media, "service", &metadb), 0);
		CHECK_EQUAL(metadb_open(bed->media, "service", &bed->metadb), 0);
	}
	bed_wait(bed);
	return 0;
}

int
bed_replay_body(void *argument)
{
	struct crash_bed *bed = argument;
	struct media_options log = log_options(bed->kind);
	int rc;

	CHECK_EQUAL(media_open(bed->loop, "log", &log, &bed->media), 0);
	CHECK_EQUAL(heap_open(bed->media, "pool", &bed->heap), 0);
	bed->second = NULL;
	if (bed->kind->with_second) {
		rc = heap_open(bed->media, SECOND_NAME, &bed->second);
		/* Half made, it is removed by the one who would have recorded it. */
		if (rc != 0)
			bed->second = NULL;
	}
	bed->metadb = NULL;
	if (bed->kind->with_metadb)
		CHECK_EQUAL(metadb_open(bed->media, "service", &bed->metadb), 0);
	return 0;
}

void
bed_open_store(struct crash_bed *bed)
{
	CHECK_EQUAL(media_start(bed->media), 0);
	CHECK_EQUAL(vos_open(bed->heap, &bed->vos), 0);
	open_container(bed);
	bed_set_snapshots(bed, bed->kind->snapshot);
}

int
bed_open_body(void *argument)
{
	struct crash_bed *bed = argument;

	bed_replay_body(argument);
	bed_open_store(bed);
	return 0;
}

static int
close_body(void *argument)
{
	struct crash_bed *bed = argument;

	if (bed->metadb)
		metadb_close(bed->metadb);
	if (bed->container)
		vos_container_close(bed->container);
	vos_close(bed->vos);
	CHECK_EQUAL(media_close(bed->media), 0);
	return 0;
}

void
bed_shut(struct crash_bed *bed)
{
	bed_run(bed, close_body);
	loop_destroy(bed->loop);
	memory_env_destroy(bed->env);
}

void
bed_kill(struct crash_bed *bed)
{
	loop_abandon(bed->loop);
	memory_env_crash(bed->env);
}

void
bed_wait(struct crash_bed *bed)
{
	CHECK_EQUAL(media_wait(bed->media, bed->group), 0);
}

void
bed_poison(struct crash_bed *bed)
{
	struct heap *heap = bed->heap;
	uint8_t garbage[DISK_BLOCK];

	memset(garbage, 0xa5, sizeof(garbage));
	for (uint32_t i = 1; i <= heap->slot_count; i++)
		if (!(heap->slots[i / 64] >> (i % 64) & 1))
			memory_disk_poke(bed->world, "node", "pool.heap", garbage, sizeof(garbage),
					 heap_slot_offset(heap, i));
	CHECK_EQUAL(heap->blocks_free, heap->blocks_total);
	for (uint64_t i = 0; i < heap->blocks_total; i++)
		memory_disk_poke(bed->world, "node", "pool.data", garbage, sizeof(garbage),
				 i * DISK_BLOCK);
}

/* ------------------------------------------------ the image, bit for bit */

/* Bits of blocks that are only taken do not count: they are nowhere on a disk. */
static uint64_t
bitmap_digest(struct zone *zone)
{
	uint8_t chunk[DISK_BLOCK];
	uint32_t crc = 0;

	for (uint32_t i = 0; i < ZONE_CHUNKS; i++) {
		memcpy(chunk, zone->image + i * DISK_BLOCK, sizeof(chunk));
		space_mask(zone, i, chunk);
		crc = crc32c(crc, chunk, sizeof(chunk));
	}
	return crc;
}

static uint64_t
zones_digest(struct heap *heap)
{
	static uint32_t of_zeros;
	static const uint8_t zeros[HEAP_ZONE];
	uint64_t digest = 1, one;

	if (of_zeros == 0)
		of_zeros = crc32c(0, zeros, sizeof(zeros));
	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++) {
		struct zone *zone = heap->zones[i];

		if (!zone || zone->stage != ZONE_LOADED)
			continue;
		one = zone_is_space(zone) ? bitmap_digest(zone) : crc32c(0, zone->image, HEAP_ZONE);
		if (one != of_zeros)
			digest = hash_combine(digest, one << 8 | i);
	}
	return digest;
}

uint64_t
bed_zone_digest(struct crash_bed *bed)
{
	return zones_digest(bed->heap);
}

static void
load_zones(struct heap *heap)
{
	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++)
		if (heap->zones[i] && heap->zones[i]->stage != ZONE_LOADED)
			CHECK_EQUAL(zone_load(heap->zones[i]), 0);
}

int
bed_load_zones_body(void *argument)
{
	struct crash_bed *bed = argument;

	load_zones(bed->heap);
	return 0;
}

/* The content of every block that the heap owns, wherever it is at present. */
static uint64_t
data_digest(struct heap *heap)
{
	uint8_t *block = arena_alloc_aligned(heap->media->arena, DISK_BLOCK, DISK_BLOCK);
	uint8_t chunk[DISK_BLOCK];
	uint64_t digest = 1;

	CHECK(block);
	for (uint64_t i = 0; i < heap->blocks_total; i++) {
		struct zone *zone = heap->zones[heap->heap_zones + i / SPACE_ZONE_BLOCKS];
		uint32_t bit = i % REGION_BLOCKS, page = i % SPACE_ZONE_BLOCKS / REGION_BLOCKS;

		if (!zone || zone->stage != ZONE_LOADED)
			continue;
		if (bit == 0) {
			memcpy(chunk, zone->image + (size_t)page * DISK_BLOCK, sizeof(chunk));
			space_mask(zone, page, chunk);
		}
		if (!(chunk[bit / 8] >> (bit % 8) & 1))
			continue;
		CHECK_EQUAL(data_read(heap, (struct data_extent){.block = i, .count = 1}, 0, 1,
				      block),
			    0);
		digest = hash_combine(digest, i << 32 | crc32c(0, block, DISK_BLOCK));
	}
	arena_free(heap->media->arena, block);
	return digest;
}

uint64_t
bed_image_digest(struct crash_bed *bed)
{
	uint64_t digest = 1;

	LIST_FOR_EACH(link, &bed->media->heaps) {
		struct heap *heap = list_entry(link, struct heap, link);

		load_zones(heap);
		digest = hash_combine(digest, hash_combine(zones_digest(heap), data_digest(heap)));
	}
	return digest;
}

/* ------------------------------------------------ what can be seen */

#define NAMES_MAX 256u

/* Names of one level, copied. */
struct names {
	uint32_t count;
	struct vos_object objects[NAMES_MAX];
	struct vos_key keys[NAMES_MAX];
	uint8_t *bytes[NAMES_MAX];
	enum vos_value_type types[NAMES_MAX];
	struct vos_extent extents[NAMES_MAX];
	uint64_t digest; /* of extents */
};

static int
names_visit(void *argument, const struct vos_entry *entry)
{
	struct names *names = argument;

	if (entry->level == VOS_EXTENTS) {
		names->digest = hash_combine(names->digest, entry->extent.index);
		names->digest = hash_combine(names->digest, entry->extent.count);
		names->digest = hash_combine(names->digest, entry->epoch);
		CHECK(names->count < NAMES_MAX);
		names->extents[names->count++] = entry->extent;
		return 0;
	}
	CHECK(names->count < NAMES_MAX);
	names->objects[names->count] = entry->object;
	names->types[names->count] = entry->type;
	if (entry->level != VOS_OBJECTS) {
		names->bytes[names->count] = malloc(entry->key.length);
		CHECK(names->bytes[names->count]);
		memcpy(names->bytes[names->count], entry->key.data, entry->key.length);
		names->keys[names->count] =
			(struct vos_key){names->bytes[names->count], entry->key.length};
	}
	names->count++;
	return 0;
}

static struct names *
names_make(struct vos_container *container, const struct vos_object *object, enum vos_level level,
	   struct vos_key dkey, struct vos_key akey, uint64_t epoch)
{
	struct names *names = calloc(1, sizeof(*names));
	struct vos_position position = {0};

	CHECK(names);
	while (position.state != VOS_END)
		CHECK_EQUAL(vos_list(container, object, level, dkey, akey, epoch, 50, &position,
				     names_visit, names),
			    0);
	return names;
}

static void
names_free(struct names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->bytes[i]);
	free(names);
}

/* Of a single value, or of one extent of an array. */
static uint64_t
fetch_digest(struct vos_container *container, const struct vos_object *object, struct vos_key dkey,
	     struct vos_akey *akey, uint64_t epoch)
{
	struct vos_fetched fetched;
	uint64_t digest;

	CHECK_EQUAL(vos_fetch(container, object, dkey, akey, 1, epoch, 0, 0, &fetched), 0);
	digest = hash_combine(fetched.record_size, fetched.length);
	if (fetched.length > 0)
		digest = hash_combine(digest, crc32c(0, fetched.data, fetched.length));
	vos_fetched_free(container, &fetched, 1);
	return digest;
}

static uint64_t
value_digest(struct vos_container *container, const struct vos_object *object, struct vos_key dkey,
	     struct vos_key key, enum vos_value_type type, uint64_t epoch)
{
	struct vos_akey akey = {.key = key, .type = type, .extent_count = 1};
	struct names *names;
	uint64_t digest;

	if (type != VOS_ARRAY)
		return fetch_digest(container, object, dkey, &akey, epoch);
	names = names_make(container, object, VOS_EXTENTS, dkey, key, epoch);
	digest = names->digest;
	for (uint32_t i = 0; i < names->count; i++) {
		akey.extents = &names->extents[i];
		digest = hash_combine(digest, fetch_digest(container, object, dkey, &akey, epoch));
	}
	names_free(names);
	return digest;
}

static uint64_t
object_digest(struct vos_container *container, const struct vos_object *object, uint64_t epoch)
{
	struct names *dkeys = names_make(container, object, VOS_DKEYS, (struct vos_key){0},
					 (struct vos_key){0}, epoch);
	uint64_t digest = 1;

	for (uint32_t i = 0; i < dkeys->count; i++) {
		struct names *akeys = names_make(container, object, VOS_AKEYS, dkeys->keys[i],
						 (struct vos_key){0}, epoch);

		digest =
			hash_combine(digest, crc32c(0, dkeys->keys[i].data, dkeys->keys[i].length));
		for (uint32_t j = 0; j < akeys->count; j++) {
			digest = hash_combine(digest, crc32c(0, akeys->keys[j].data,
							     akeys->keys[j].length));
			digest = hash_combine(digest,
					      value_digest(container, object, dkeys->keys[i],
							   akeys->keys[j], akeys->types[j], epoch));
		}
		names_free(akeys);
	}
	names_free(dkeys);
	return digest;
}

static uint64_t
container_digest(struct vos_container *container, uint64_t epoch)
{
	struct names *objects = names_make(container, NULL, VOS_OBJECTS, (struct vos_key){0},
					   (struct vos_key){0}, epoch);
	uint64_t digest = 1;

	for (uint32_t i = 0; i < objects->count; i++) {
		digest = hash_combine(digest, objects->objects[i].id.lo);
		digest =
			hash_combine(digest, object_digest(container, &objects->objects[i], epoch));
	}
	names_free(objects);
	return digest;
}

static int
pair_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	uint64_t *digest = argument;

	*digest = hash_combine(*digest, crc32c(0, key.data, key.length));
	*digest = hash_combine(*digest, crc32c(0, value.data, value.length));
	*digest = hash_combine(*digest, version);
	return 0;
}

static int
state_visit(void *argument, const struct vos_tx *tx)
{
	uint64_t *digest = argument;

	/* In whatever order they come. */
	*digest += hash_combine(uuid_hash(&tx->id), tx->state);
	return 0;
}

uint64_t
bed_digest(struct crash_bed *bed, uint64_t first, uint64_t last)
{
	struct vos_container *container;
	uint64_t digest = 1;

	for (uint32_t i = 0; i < CONTAINERS_MAX; i++) {
		int rc = vos_container_open(bed->vos, container_id(i), &container);

		CHECK(rc == 0 || rc == -DER_NONEXIST);
		digest = hash_combine(digest, rc == 0);
		if (rc != 0)
			continue;
		digest = hash_combine(
			digest, container_digest(container, bed->kind->undecided ? EPOCH_SEEN(first)
										 : EPOCH_MAX));
		if (bed->kind->snapshot)
			digest = hash_combine(digest,
					      container_digest(container,
							       EPOCH_SEEN(bed->kind->snapshot)));
		for (uint64_t j = first; bed->kind->history && j <= last; j++)
			digest = hash_combine(digest, container_digest(container, EPOCH_SEEN(j)));
		vos_container_close(container);
	}
	CHECK_EQUAL(vos_tx_each(bed->vos, state_visit, &digest), 0);
	if (bed->metadb)
		CHECK_EQUAL(metadb_list(bed->metadb, metadb_text(""), metadb_text(""), pair_visit,
					&digest),
			    0);
	return digest;
}

void
bed_audit(struct crash_bed *bed)
{
	struct vos_audit audit;
	uint64_t keys;

	CHECK_EQUAL(vos_audit(bed->vos, &audit), 0);
	if (bed->metadb)
		CHECK_EQUAL(metadb_audit(bed->metadb, &keys), 0);
}

void
bed_collect(struct crash_bed *bed)
{
	int rc;

	do
		rc = vos_collect(bed->vos, EPOCH_SEEN(bed->epoch), 50);
	while (rc > 0);
	CHECK_EQUAL(rc, 0);
}

void
bed_empty(struct crash_bed *bed, struct heap_space *ret_space)
{
	uint64_t group;

	if (bed->container)
		vos_container_close(bed->container);
	bed->container = NULL;
	for (uint32_t i = 0; i < CONTAINERS_MAX; i++) {
		int rc = vos_container_destroy(bed->vos, container_id(i), &group);

		CHECK(rc == 0 || rc == -DER_NONEXIST);
	}
	/* What a client left unconfirmed goes when its time is up. */
	vos_set_request_horizon(bed->vos, EPOCH_MAX);
	bed_collect(bed);
	/* Blocks freed are counted as free once that is durable, and known to be. */
	CHECK_EQUAL(media_settle(bed->media), 0);
	CHECK_EQUAL(media_checkpoint(bed->media), 0);
	bed_audit(bed);
	heap_space(bed->heap, ret_space);
}

/* ------------------------------------------------ changes */

struct vos_object
object_of(uint32_t number)
{
	return (struct vos_object){.id = {.lo = 1000 + number, .hi = 1u << 16}};
}

struct vos_key
text_key(const char *text)
{
	return (struct vos_key){text, (uint32_t)strlen(text)};
}

#define CONTENT_SIZE (2u << 20)

const uint8_t *
content_of(uint32_t seed, uint64_t length)
{
	static uint8_t bytes[CONTENT_SIZE] __attribute__((aligned(DISK_BLOCK)));

	if (bytes[0] == 0) {
		for (uint32_t i = 0; i < CONTENT_SIZE; i += 8) {
			uint64_t word = mix64(i + 1);

			memcpy(bytes + i, &word, sizeof(word));
		}
		bytes[0] = 1;
	}
	CHECK(length <= CONTENT_SIZE / 2);
	return bytes + (uint64_t)seed * DISK_BLOCK % (CONTENT_SIZE / 2);
}

static struct vos_change
next_change(struct crash_bed *bed)
{
	return (struct vos_change){.epoch = EPOCH_OF(++bed->epoch)};
}

static void
put_akey(struct crash_bed *bed, uint32_t object, const char *dkey, struct vos_akey *akey,
	 uint64_t bytes, uint32_t seed)
{
	struct vos_change change = next_change(bed);
	struct vos_object name = object_of(object);
	struct iovec iov = {(void *)(uintptr_t)content_of(seed, bytes), bytes};

	if (akey->record_size != 0) {
		akey->payload = &iov;
		akey->payload_count = 1;
	}
	CHECK_EQUAL(vos_update(bed->container, &name, text_key(dkey), akey, 1, &change,
			       &bed->group),
		    0);
}

void
put_single(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey,
	   uint64_t size, uint32_t seed)
{
	struct vos_akey value = {.key = text_key(akey), .type = VOS_SINGLE, .record_size = size};

	put_akey(bed, object, dkey, &value, size, seed);
}

void
put_array(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey,
	  uint64_t index, uint64_t count, uint32_t seed)
{
	struct vos_extent extent = {index, count};
	struct vos_akey value = {.key = text_key(akey),
				 .type = VOS_ARRAY,
				 .record_size = 1,
				 .extents = &extent,
				 .extent_count = 1};

	put_akey(bed, object, dkey, &value, count, seed);
}

void
put_hole(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey, uint64_t index,
	 uint64_t count)
{
	struct vos_extent extent = {index, count};
	struct vos_akey value = {
		.key = text_key(akey), .type = VOS_ARRAY, .extents = &extent, .extent_count = 1};

	put_akey(bed, object, dkey, &value, 0, 0);
}

void
punch_object(struct crash_bed *bed, uint32_t object)
{
	struct vos_change change = next_change(bed);
	struct vos_object name = object_of(object);

	CHECK_EQUAL(vos_punch_object(bed->container, &name, &change, &bed->group), 0);
}

void
punch_dkey(struct crash_bed *bed, uint32_t object, const char *dkey)
{
	struct vos_change change = next_change(bed);
	struct vos_object name = object_of(object);
	struct vos_key key = text_key(dkey);

	CHECK_EQUAL(vos_punch_dkeys(bed->container, &name, &key, 1, &change, &bed->group), 0);
}

void
punch_akey(struct crash_bed *bed, uint32_t object, const char *dkey, const char *akey)
{
	struct vos_change change = next_change(bed);
	struct vos_object name = object_of(object);
	struct vos_key key = text_key(akey);

	CHECK_EQUAL(vos_punch_akeys(bed->container, &name, text_key(dkey), &key, 1, &change,
				    &bed->group),
		    0);
}
