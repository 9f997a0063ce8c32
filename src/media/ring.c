/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The log on its disk: two header blocks and a ring of blocks. */
#include "media/private.h"

#define WINDOW_BLOCKS 512u

static uint64_t
ring_offset(uint32_t block)
{
	return (uint64_t)(LOG_HEADERS + block) * DISK_BLOCK;
}

/* ------------------------------------------------ header */

static bool
header_valid(const uint8_t *data)
{
	struct log_header header;
	uint32_t zero = 0;
	uint32_t crc;

	memcpy(&header, data, sizeof(header));
	if (header.magic != LOG_MAGIC)
		return false;
	crc = crc32c(0, data, offsetof(struct log_header, crc));
	crc = crc32c(crc, &zero, sizeof(zero));
	crc = crc32c(crc, data + offsetof(struct log_header, feature_compatible),
		     DISK_BLOCK - offsetof(struct log_header, feature_compatible));
	return crc == header.crc;
}

static int
header_check(const struct log_header *header, uint64_t disk_size)
{
	if (header->version != LOG_VERSION || header->feature_incompatible != 0)
		return error_raise(
			-DER_DF_INCOMPT,
			"log format version %u, features %#x; this program reads version %u",
			header->version, header->feature_incompatible, LOG_VERSION);
	if (header->ring_blocks == 0 || header->start_block >= header->ring_blocks ||
	    ((uint64_t)header->ring_blocks + LOG_HEADERS) * DISK_BLOCK > disk_size)
		return error_raise(-DER_DF_INVAL, "log header: ring of %u blocks, start at %u",
				   header->ring_blocks, header->start_block);
	return 0;
}

int
ring_read_header(struct disk *disk, struct log_header *ret_header)
{
	struct arena *arena = loop_env(loop_current())->arena;
	AUTO_FREE struct scoped_block block = {
		arena, arena_alloc_aligned(arena, LOG_HEADERS * DISK_BLOCK, DISK_BLOCK)};
	const uint8_t *best = NULL;
	struct log_header header;
	uint64_t generation = 0;
	int rc;

	if (!block.pointer)
		return error_raise(-DER_NOMEM, "no memory for the log's header");
	rc = disk_read(disk, block.pointer, LOG_HEADERS * DISK_BLOCK, 0);
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < LOG_HEADERS; i++) {
		const uint8_t *data = (const uint8_t *)block.pointer + (size_t)i * DISK_BLOCK;

		memcpy(&header, data, sizeof(header));
		if (header_valid(data) && (!best || header.generation > generation)) {
			best = data;
			generation = header.generation;
		}
	}
	if (!best)
		return error_raise(-DER_DF_INVAL, "neither header of the log is valid");
	memcpy(&header, best, sizeof(header));
	rc = header_check(&header, disk->size);
	if (rc == 0)
		*ret_header = header;
	return rc;
}

int
ring_write_header(struct media *media)
{
	AUTO_FREE struct scoped_block block = {
		media->arena, arena_alloc_aligned(media->arena, DISK_BLOCK, DISK_BLOCK)};
	struct log_header *header = block.pointer;
	int rc;

	if (!header)
		return error_raise(-DER_NOMEM, "no memory for the log's header");
	media->header.generation++;
	media->header.crc = 0;
	memset(header, 0, DISK_BLOCK);
	memcpy(header, &media->header, sizeof(*header));
	header->crc = crc32c(0, header, DISK_BLOCK);
	rc = disk_write(media->disk, header, DISK_BLOCK,
			(header->generation % LOG_HEADERS) * DISK_BLOCK, true);
	if (rc != 0)
		media_fail(media, rc);
	return rc;
}

/* ------------------------------------------------ blocks */

int
ring_read(struct media *media, uint32_t block, uint32_t blocks, void *buffer)
{
	uint32_t first = min_of(blocks, media->ring_blocks - block);
	int rc = disk_read(media->disk, buffer, (uint64_t)first * DISK_BLOCK, ring_offset(block));

	if (rc == 0 && first < blocks)
		rc = disk_read(media->disk, (uint8_t *)buffer + (size_t)first * DISK_BLOCK,
			       (uint64_t)(blocks - first) * DISK_BLOCK, ring_offset(0));
	return rc;
}

static void
write_submit(struct media *media, struct disk_io *io, struct iovec *iov, uint32_t block)
{
	*io = (struct disk_io){.operation = DISK_WRITE,
			       .durable = true,
			       .iov = iov,
			       .iov_count = 1,
			       .offset = ring_offset(block),
			       .length = iov->iov_len};
	disk_submit(media->disk, io);
}

void
ring_write_start(struct media *media, uint32_t block, uint32_t blocks, void *buffer,
		 struct ring_write *ret_write)
{
	uint32_t first = min_of(blocks, media->ring_blocks - block);

	*ret_write = (struct ring_write){.count = 1};
	ret_write->iov[0] = (struct iovec){buffer, (size_t)first * DISK_BLOCK};
	write_submit(media, &ret_write->io[0], &ret_write->iov[0], block);
	if (first == blocks)
		return;
	ret_write->count = 2;
	ret_write->iov[1] = (struct iovec){(uint8_t *)buffer + (size_t)first * DISK_BLOCK,
					   (size_t)(blocks - first) * DISK_BLOCK};
	write_submit(media, &ret_write->io[1], &ret_write->iov[1], 0);
}

int
ring_write_wait(struct ring_write *write)
{
	int rc = 0;

	for (uint32_t i = 0; i < write->count; i++) {
		int other = completion_wait(&write->io[i].completion);

		rc = rc != 0 ? rc : other;
	}
	return rc;
}

/* ------------------------------------------------ reading along */

int
ring_window_init(struct ring_window *window, struct media *media)
{
	*window = (struct ring_window){.media = media,
				       .capacity = min_of(max_of(WINDOW_BLOCKS, GROUP_BLOCKS_MAX),
							  media->ring_blocks)};
	window->buffer = arena_alloc_aligned(media->arena, (size_t)window->capacity * DISK_BLOCK,
					     DISK_BLOCK);
	if (!window->buffer)
		return error_raise(-DER_NOMEM, "no memory to read the log");
	return 0;
}

void
ring_window_fini(struct ring_window *window)
{
	arena_free(window->media->arena, window->buffer);
}

int
ring_window_get(struct ring_window *window, uint32_t block, uint32_t blocks,
		const uint8_t **ret_data)
{
	uint32_t ring = window->media->ring_blocks;
	uint32_t inside = (block + ring - window->block) % ring;
	int rc;

	ASSERT(blocks <= window->capacity);
	if (window->blocks == 0 || inside + blocks > window->blocks) {
		window->blocks = 0;
		rc = ring_read(window->media, block, window->capacity, window->buffer);
		if (rc != 0)
			return rc;
		window->block = block;
		window->blocks = window->capacity;
		inside = 0;
	}
	*ret_data = window->buffer + (size_t)inside * DISK_BLOCK;
	return 0;
}
