/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A store opened on disks of which bytes are changed and the checksums put right again: superblock,
 * zone table, records and trees in chunks, header and last group of the log. Opening, reading,
 * changing, collecting and auditing give errors and nothing worse.
 */
#include "vos_image.h"

#define CHUNKS_MAX 1024u
#define LIVE_MAX (1u << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A chunk on the disk, and the place of its sum in the zone table. */
struct place {
	uint64_t offset, entry;
	uint32_t index;
};

static struct memory_image *image;
static struct place places[CHUNKS_MAX];
static uint32_t place_count;
/* Bytes of chunks that are not zero: place << 12 | byte. Most of a chunk is empty. */
static uint32_t live[LIVE_MAX];
static uint32_t live_count;
static uint64_t superblock_offset, header_offset, group_offset;
static uint32_t group_length;

static void
add_place(const struct heap *heap, const struct zone *zone, const struct zone_chunk *chunk,
	  uint32_t index)
{
	if (chunk->slot == 0 || place_count == CHUNKS_MAX)
		return;
	places[place_count++] =
		(struct place){.offset = heap_slot_offset(heap, chunk->slot),
			       .entry = heap->zones_start + ((uint64_t)zone->number * ZONE_ENTRIES +
							     zone->generation % 2) *
								    DISK_BLOCK,
			       .index = index};
}

static void
find_places(struct image_store *store)
{
	struct heap *heap = store->heap;

	superblock_offset = heap->superblock.generation % 2 * DISK_BLOCK;
	header_offset = store->media->header.generation % LOG_HEADERS * DISK_BLOCK;
	group_offset =
		(uint64_t)(LOG_HEADERS + media_place(store->media, store->media->newest)->block) *
		DISK_BLOCK;
	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++) {
		struct zone *zone = heap->zones[i];

		for (uint32_t j = 0; zone && zone->generation && j < ZONE_CHUNKS; j++)
			add_place(heap, zone, &zone->chunks[j], j);
		for (uint32_t j = 0; zone && zone->deltas && j < zone->deltas->count; j++)
			add_place(heap, zone, &zone->deltas->chunks[j], ZONE_CHUNKS + j);
	}
}

static void
find_live(struct image_store *store)
{
	uint8_t chunk[DISK_BLOCK];

	for (uint32_t i = 0; i < place_count; i++) {
		memory_disk_peek(store->world, "node", "pool.heap", chunk, sizeof(chunk),
				 places[i].offset);
		for (uint32_t j = 0; j < DISK_BLOCK && live_count < LIVE_MAX; j++)
			if (chunk[j] != 0)
				live[live_count++] = i << 12 | j;
	}
}

static void
make_image(void)
{
	struct image_store store = {0};
	struct group_header header;

	ASSERT(memory_world_create(1, &store.world) == 0);
	image_boot(&store);
	memory_run(store.world, store.loop, image_fill_body, &store);
	find_places(&store);
	find_live(&store);
	memory_disk_peek(store.world, "node", "log.log", &header, sizeof(header), group_offset);
	group_length = header.length;
	loop_abandon(store.loop);
	memory_env_crash(store.env);
	ASSERT(memory_image_save(store.world, "node", &image) == 0);
	memory_world_destroy(store.world);
}

/* ------------------------------------------------ edits */

static void
edit_block(struct image_store *store, const char *disk, uint64_t offset, uint32_t at, uint8_t value,
	   size_t crc_at)
{
	uint8_t block[DISK_BLOCK];
	uint32_t crc = 0;

	memory_disk_peek(store->world, "node", disk, block, sizeof(block), offset);
	block[at % sizeof(block)] ^= value;
	memcpy(block + crc_at, &crc, sizeof(crc));
	crc = crc32c(0, block, sizeof(block));
	memcpy(block + crc_at, &crc, sizeof(crc));
	memory_disk_poke(store->world, "node", disk, block, sizeof(block), offset);
}

static void
seal_entry(struct image_store *store, struct zone_entry *entry, uint64_t offset)
{
	entry->crc = 0;
	entry->crc = crc32c(0, entry, sizeof(*entry));
	memory_disk_poke(store->world, "node", "pool.heap", entry, sizeof(*entry), offset);
}

static void
edit_entry(struct image_store *store, const struct place *place, uint32_t at, uint8_t value)
{
	struct zone_entry entry;

	memory_disk_peek(store->world, "node", "pool.heap", &entry, sizeof(entry), place->entry);
	((uint8_t *)&entry)[at % sizeof(entry)] ^= value;
	seal_entry(store, &entry, place->entry);
}

static void
edit_chunk(struct image_store *store, const struct place *place, uint32_t at, uint8_t value)
{
	struct zone_entry entry;
	uint8_t chunk[DISK_BLOCK];

	memory_disk_peek(store->world, "node", "pool.heap", chunk, sizeof(chunk), place->offset);
	chunk[at % sizeof(chunk)] ^= value;
	memory_disk_poke(store->world, "node", "pool.heap", chunk, sizeof(chunk), place->offset);
	memory_disk_peek(store->world, "node", "pool.heap", &entry, sizeof(entry), place->entry);
	*(place->index < ZONE_CHUNKS ? &entry.chunks[place->index].crc
				     : &entry.deltas[place->index - ZONE_CHUNKS].crc) =
		crc32c(0, chunk, sizeof(chunk));
	seal_entry(store, &entry, place->entry);
}

static void
edit_group(struct image_store *store, uint32_t at, uint8_t value)
{
	static uint8_t group[64 * DISK_BLOCK] __attribute__((aligned(8)));
	size_t bytes = align_up(group_length, DISK_BLOCK);

	ASSERT(bytes <= sizeof(group));
	memory_disk_peek(store->world, "node", "log.log", group, bytes, group_offset);
	group[at % group_length] ^= value;
	group_seal(group, group_length);
	memory_disk_poke(store->world, "node", "log.log", group, bytes, group_offset);
}

/* Six bytes: where, which byte of it, what is turned over. */
static void
edit(struct image_store *store, const uint8_t step[6])
{
	uint32_t at = load_u32(step + 1);
	const struct place *place = &places[at / DISK_BLOCK % place_count];

	switch (step[0] % 8) {
	case 0:
		edit_block(store, "pool.heap", superblock_offset, at, step[5],
			   offsetof(struct heap_superblock, crc));
		break;
	case 1:
		edit_entry(store, place, at, step[5]);
		break;
	case 2:
		edit_block(store, "log.log", header_offset, at, step[5],
			   offsetof(struct log_header, crc));
		break;
	case 3:
		edit_group(store, at, step[5]);
		break;
	case 4:
		edit_chunk(store, place, at, step[5]);
		break;
	default:
		at = live[at % live_count];
		edit_chunk(store, &places[at >> 12], at & (DISK_BLOCK - 1), step[5]);
		break;
	}
}

/* ------------------------------------------------ use */

#define NAMES 40u

struct names {
	uint32_t count;
	uint8_t bytes[NAMES][64];
	struct vos_key keys[NAMES];
	struct vos_extent extents[NAMES];
	enum vos_value_type types[NAMES];
};

static int
visit(void *argument, const struct vos_entry *entry)
{
	struct names *names = argument;

	if (names->count == NAMES)
		return 1;
	names->types[names->count] = entry->type;
	names->extents[names->count] = entry->extent;
	names->keys[names->count].length = 0;
	if (entry->level == VOS_DKEYS || entry->level == VOS_AKEYS) {
		uint32_t length = min_of(entry->key.length, 64u);

		memcpy(names->bytes[names->count], entry->key.data, length);
		names->keys[names->count] = (struct vos_key){names->bytes[names->count], length};
	}
	names->count++;
	return 0;
}

static void
list_level(struct image_store *store, const struct vos_object *object, enum vos_level level,
	   struct vos_key dkey, struct vos_key akey, struct names *ret_names)
{
	struct vos_position position = {0};

	ret_names->count = 0;
	for (uint32_t i = 0; i < 8 && position.state != VOS_END; i++)
		if (vos_list(store->container, object, level, dkey, akey, EPOCH_MAX, 16, &position,
			     visit, ret_names) != 0)
			return;
}

static void
fetch_value(struct image_store *store, const struct vos_object *object, struct vos_key dkey,
	    struct vos_key key, enum vos_value_type type, struct vos_extent extent)
{
	struct vos_akey akey = {.key = key, .type = type, .extents = &extent, .extent_count = 1};
	struct vos_fetched fetched;

	for (uint64_t epoch = 20; epoch < 120; epoch += 45)
		if (vos_fetch(store->container, object, dkey, &akey, 1, epoch << 8 | 255, 0,
			      VOS_FETCH_RUNS, &fetched) == 0)
			vos_fetched_free(store->container, &fetched, 1);
}

static void
read_object(struct image_store *store, uint32_t number)
{
	static struct names dkeys, akeys, extents;
	struct vos_object object = image_object(number);
	struct vos_query_result result;

	list_level(store, &object, VOS_DKEYS, (struct vos_key){0}, (struct vos_key){0}, &dkeys);
	for (uint32_t i = 0; i < dkeys.count; i++) {
		list_level(store, &object, VOS_AKEYS, dkeys.keys[i], (struct vos_key){0}, &akeys);
		for (uint32_t j = 0; j < akeys.count; j++) {
			fetch_value(store, &object, dkeys.keys[i], akeys.keys[j], akeys.types[j],
				    (struct vos_extent){0, 5000});
			if (akeys.types[j] != VOS_ARRAY)
				continue;
			list_level(store, &object, VOS_EXTENTS, dkeys.keys[i], akeys.keys[j],
				   &extents);
			(void)!vos_query_key(store->container, &object,
					     VOS_GET_MAX | VOS_GET_EXTENT, dkeys.keys[i],
					     akeys.keys[j], EPOCH_MAX, &result);
		}
	}
}

/* One whose name was changed is resolved here. */
static int
note_transaction(void *argument, const struct vos_tx *tx)
{
	struct image_store *store = argument;
	uint64_t group;

	if (!uuid_equal(&tx->id, &(struct uuid){0}) && store->size % 3 == 0)
		(void)!vos_tx_forget(store->vos, tx->id, &group);
	return 0;
}

static int
use_body(void *argument)
{
	struct image_store *store = argument;
	struct vos_audit audit;
	struct vos_object object = image_object(1);
	uint64_t group;

	if (image_open(store) != 0)
		return 0;
	/* What is prepared and cannot be resolved is waited for, as long as a request would. */
	(void)fiber_set_deadline(env_monotonic(store->env) + 1000000000);
	(void)!vos_tx_each(store->vos, note_transaction, store);
	if (store->size % 2)
		(void)!vos_tx_decide(store->vos, image_transaction(), NULL, &group);
	if (store->size % 2)
		(void)!vos_tx_apply(store->vos, image_transaction(), &group);
	(void)!vos_tx_forget(store->vos, image_transaction(), &group);
	for (uint32_t i = 0; i < IMAGE_OBJECTS; i++)
		read_object(store, i);
	(void)!vos_audit(store->vos, &audit);
	for (uint32_t i = 0; i < 30; i += 4)
		(void)!image_put(store, i % 3, i, 100 + i * 300, 200 + i, &group);
	(void)!vos_punch_object(store->container, &object, &(struct vos_change){.epoch = 300 << 8},
				&group);
	(void)!vos_collect(store->vos, 250 << 8, 60);
	(void)!media_checkpoint(store->media);
	(void)!vos_container_destroy(store->vos, image_container(), &group);
	(void)!vos_collect(store->vos, 250 << 8, 60);
	(void)!media_checkpoint(store->media);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_store store = {.size = size};

	if (!image)
		make_image();
	ASSERT(memory_world_create(1, &store.world) == 0);
	memory_image_restore(store.world, "node", image);
	for (uint32_t i = 0; i < 16 && size >= 6; i++, data += 6, size -= 6)
		edit(&store, data);
	image_boot(&store);
	memory_run(store.world, store.loop, use_body, &store);
	image_drop(&store);
	return 0;
}
