/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The superblock of the storage: two blocks written in turn; the valid one of the higher generation
 * counts. */
#include "engine/private.h"

#define ENGINE_MAGIC UINT64_C(0x31474e454e524943)
#define ENGINE_FORMAT 1u
#define BLOCKS 2u

/* On the disk, little-endian. */
struct superblock_image {
	uint64_t magic;
	uint32_t version;
	uint32_t crc; /* crc32c of the block with this field 0 */
	uint32_t feature_compatible;
	uint32_t feature_read_only;
	uint32_t feature_incompatible;
	uint32_t loops;
	uint64_t generation;
	uint32_t rank;
	uint32_t reserved[5];
};
_Static_assert(sizeof(struct superblock_image) == 64, "on-disk layout");

static int
block_write(struct engine *engine, struct disk *disk, const struct superblock *superblock)
{
	AUTO_FREE struct scoped_block block = {
		engine->arena, arena_alloc_aligned(engine->arena, DISK_BLOCK, DISK_BLOCK)};
	uint8_t *data = block.pointer;

	if (data == NULL)
		return error_raise(-DER_NOMEM, "no memory for a superblock");
	memset(data, 0, DISK_BLOCK);
	store_u64(data + offsetof(struct superblock_image, magic), ENGINE_MAGIC);
	store_u32(data + offsetof(struct superblock_image, version), ENGINE_FORMAT);
	store_u32(data + offsetof(struct superblock_image, loops), superblock->loops);
	store_u64(data + offsetof(struct superblock_image, generation), superblock->generation);
	store_u32(data + offsetof(struct superblock_image, rank), superblock->rank);
	store_u32(data + offsetof(struct superblock_image, crc), crc32c(0, data, DISK_BLOCK));
	return disk_write(disk, data, DISK_BLOCK, superblock->generation % BLOCKS * DISK_BLOCK,
			  true);
}

int
superblock_create(struct engine *engine, const struct superblock *superblock)
{
	struct storage *storage = engine->node.storage;
	struct disk *disk;
	int rc = storage->create(storage, SUPERBLOCK_NAME, (uint64_t)BLOCKS * DISK_BLOCK,
				 STORAGE_ZEROED, &disk);

	if (rc)
		return rc;
	rc = block_write(engine, disk, superblock);
	disk_close(disk);
	return rc;
}

int
superblock_write(struct engine *engine, struct superblock *superblock)
{
	struct storage *storage = engine->node.storage;
	struct disk *disk;
	int rc = storage->open(storage, SUPERBLOCK_NAME, &disk);

	if (rc)
		return rc;
	superblock->generation++;
	rc = block_write(engine, disk, superblock);
	disk_close(disk);
	return rc;
}

/* ------------------------------------------------ reading */

/* False for a block that is none; its version is looked at before anything else of it. */
static bool
block_valid(uint8_t *data, struct superblock *ret_superblock, uint32_t *ret_version,
	    uint32_t *ret_features)
{
	uint32_t crc = load_u32(data + offsetof(struct superblock_image, crc));

	if (load_u64(data + offsetof(struct superblock_image, magic)) != ENGINE_MAGIC)
		return false;
	store_u32(data + offsetof(struct superblock_image, crc), 0);
	if (crc32c(0, data, DISK_BLOCK) != crc)
		return false;
	*ret_version = load_u32(data + offsetof(struct superblock_image, version));
	*ret_features = load_u32(data + offsetof(struct superblock_image, feature_incompatible));
	ret_superblock->generation = load_u64(data + offsetof(struct superblock_image, generation));
	ret_superblock->loops = load_u32(data + offsetof(struct superblock_image, loops));
	ret_superblock->rank = load_u32(data + offsetof(struct superblock_image, rank));
	return true;
}

static int
blocks_judge(uint8_t *data, struct superblock *ret_superblock)
{
	struct superblock best = {.generation = 0};
	uint32_t best_version = 0, best_features = 0;
	bool found = false;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct superblock block;
		uint32_t version, features;

		if (!block_valid(data + (size_t)i * DISK_BLOCK, &block, &version, &features) ||
		    (found && block.generation < best.generation))
			continue;
		best = block;
		best_version = version;
		best_features = features;
		found = true;
	}
	if (!found)
		return error_raise(-DER_DF_INVAL,
				   "the storage's superblock is damaged: restore it from a "
				   "copy, or use another directory");
	if (best_version != ENGINE_FORMAT || best_features)
		return error_raise(
			-DER_DF_INCOMPT,
			"the storage has format version %u, features %#x; this program reads "
			"version %u: start it with the program that made it, or use another "
			"directory",
			best_version, best_features, ENGINE_FORMAT);
	if (best.loops > NODE_LOOPS)
		return error_raise(-DER_DF_INVAL, "the storage's superblock holds %u loops",
				   best.loops);
	*ret_superblock = best;
	return 0;
}

int
superblock_read(struct engine *engine, struct superblock *ret_superblock)
{
	AUTO_FREE struct scoped_block block = {
		engine->arena,
		arena_alloc_aligned(engine->arena, (size_t)BLOCKS * DISK_BLOCK, DISK_BLOCK)};
	struct storage *storage = engine->node.storage;
	struct disk *disk;
	int rc;

	if (block.pointer == NULL)
		return error_raise(-DER_NOMEM, "no memory for a superblock");
	rc = storage->open(storage, SUPERBLOCK_NAME, &disk);
	if (rc)
		return rc;
	rc = disk_read(disk, block.pointer, (size_t)BLOCKS * DISK_BLOCK, 0);
	disk_close(disk);
	return rc == 0 ? blocks_judge(block.pointer, ret_superblock) : rc;
}
