/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The log on its disk: two header blocks and a ring of blocks. */
#include "media/private.h"

#define WINDOW_BLOCKS 512u

int
media_read(struct disk *disk, void *buffer, uint64_t length, uint64_t offset)
{
	int rc = -DER_IO;

	for (uint32_t i = 0; i < READ_TRIES && rc == -DER_IO; i++) {
		if (i > 0)
			REACHED("media: a read is tried again");
		rc = disk_read(disk, buffer, length, offset);
	}
	return rc;
}

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

/* Whether every name ends within its place. */
static bool
names_valid(const struct log_header *header, const uint8_t *names)
{
	for (uint32_t i = 0; i < header->given_up_count; i++)
		if (names[(size_t)i * HEAP_NAME_MAX + HEAP_NAME_MAX - 1] != 0)
			return false;
	return true;
}

/* The valid one of the higher generation; ret_valid: how many are valid. */
static const uint8_t *
choose_header(const uint8_t *blocks, uint32_t *ret_valid)
{
	const uint8_t *best = NULL;
	struct log_header header;
	uint64_t generation = 0;

	*ret_valid = 0;
	for (uint32_t i = 0; i < LOG_HEADERS; i++) {
		const uint8_t *data = blocks + (size_t)i * DISK_BLOCK;

		if (!header_valid(data))
			continue;
		++*ret_valid;
		memcpy(&header, data, sizeof(header));
		if (!best || header.generation > generation) {
			best = data;
			generation = header.generation;
		}
	}
	return best;
}

/* One header may be damaged by a write that power cut short. A read that spoils the newer one would
 * make the older count, so it is repeated before that is believed. */
static int
read_headers(struct media *media, uint8_t *blocks, const uint8_t **ret_best)
{
	uint32_t valid = 0;
	int rc = 0;

	for (uint32_t i = 0; i < READ_TRIES && rc == 0 && valid < LOG_HEADERS; i++) {
		rc = media_read(media->disk, blocks, LOG_HEADERS * DISK_BLOCK, 0);
		if (rc == 0)
			*ret_best = choose_header(blocks, &valid);
	}
	media->headers_whole = valid == LOG_HEADERS;
	if (rc == 0 && !media->headers_whole)
		REACHED("media: one header of the log is damaged");
	return rc;
}

int
ring_read_header(struct media *media)
{
	AUTO_FREE struct scoped_block block = {
		media->arena,
		arena_alloc_aligned(media->arena, LOG_HEADERS * DISK_BLOCK, DISK_BLOCK)};
	const uint8_t *best = NULL;
	struct log_header header;
	int rc;

	if (!block.pointer)
		return error_raise(-DER_NOMEM, "no memory for the log's header");
	rc = read_headers(media, block.pointer, &best);
	if (rc != 0)
		return rc;
	if (!best)
		return error_raise(-DER_DF_INVAL, "neither header of the log is valid");
	memcpy(&header, best, sizeof(header));
	rc = header_check(&header, media->disk->size);
	if (rc == 0 && (header.given_up_count > LOG_GIVEN_UP_MAX ||
			!names_valid(&header, best + sizeof(header))))
		rc = error_raise(-DER_DF_INVAL, "log header: %u heaps given up, impossible names",
				 header.given_up_count);
	if (rc != 0)
		return rc;
	media->header = header;
	memcpy(media->given_up, best + sizeof(header), sizeof(media->given_up));
	return 0;
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
	memcpy(header + 1, media->given_up,
	       media->header.given_up_count * sizeof(media->given_up[0]));
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
	int rc = media_read(media->disk, buffer, (uint64_t)first * DISK_BLOCK, ring_offset(block));

	if (rc == 0 && first < blocks)
		rc = media_read(media->disk, (uint8_t *)buffer + (size_t)first * DISK_BLOCK,
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
	REACHED("media: a group goes on at the start of the ring");
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
ring_window_fill(struct ring_window *window, uint32_t block, uint32_t blocks)
{
	int rc;

	window->blocks = 0;
	rc = ring_read(window->media, block, blocks, window->buffer);
	if (rc != 0)
		return rc;
	window->block = block;
	window->blocks = blocks;
	return 0;
}

void
ring_window_forget(struct ring_window *window)
{
	window->blocks = 0;
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
		rc = ring_window_fill(window, block, window->capacity);
		/* What cannot be read may lie behind what is wanted. */
		if (rc == -DER_IO && blocks < window->capacity)
			rc = ring_window_fill(window, block, blocks);
		if (rc != 0)
			return rc;
		inside = 0;
	}
	*ret_data = window->buffer + (size_t)inside * DISK_BLOCK;
	return 0;
}
