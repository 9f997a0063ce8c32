/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Where files have data and where not: holes, room, copies between files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfuse/private.h"

/* What one chunk tells of its runs; beyond, its rest counts as data. */
#define RUNS_MAX 1024u
/* Chunks without data that are looked into one by one, before all chunks are listed. */
#define EMPTY_CHUNKS 16u
/* Chunks full of data that one search for a hole passes; beyond, the rest counts as data. */
#define FULL_CHUNKS 1024u
/* Pages of chunk numbers that one search reads; beyond, what follows counts as data. */
#define NUMBER_PAGE 256u
#define NUMBER_PAGES 256u
/* Most that one request copies, and at once. */
#define COPY_MAX ((size_t)16 << 20)
#define COPY_STEP ((size_t)1 << 20)

/* ------------------------------------------------ room */

/* Makes the file at least so long; nothing is reserved. */
static int
extend(const struct node_use *use, uint64_t size)
{
	struct stat stat = {.st_size = (off_t)size};
	daos_size_t present;
	int rc = dfs_get_size(use->dfs, use->object, &present);

	if (rc || present >= size)
		return rc;
	rc = dfs_osetattr(use->dfs, use->object, &stat, DFS_SET_ATTR_SIZE);
	if (rc == 0)
		node_wrote(use->node, size);
	return rc;
}

/* A hole, within the size that the file has, which its last byte keeps: a punch up to its end would
 * cut it. */
static int
punch_hole(const struct node_use *use, uint64_t offset, uint64_t end)
{
	char zero = 0;
	d_iov_t iov = {.iov_buf = &zero, .iov_buf_len = 1, .iov_len = 1};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size;
	int rc = dfs_get_size(use->dfs, use->object, &size);

	if (rc || offset >= size)
		return rc;
	if (end < size)
		return dfs_punch(use->dfs, use->object, offset, end - offset);
	rc = dfs_write(use->dfs, use->object, &list, size - 1, NULL);
	if (rc || offset == size - 1)
		return rc;
	return dfs_punch(use->dfs, use->object, offset, size - 1 - offset);
}

static int
allocate(const struct node_use *use, int mode, uint64_t offset, uint64_t end)
{
	bool keep = (mode & FALLOC_FL_KEEP_SIZE) != 0;
	int rc = 0;

	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case 0:
		return keep ? 0 : extend(use, end);
	case FALLOC_FL_PUNCH_HOLE:
		return keep ? punch_hole(use, offset, end) : EOPNOTSUPP;
	case FALLOC_FL_ZERO_RANGE:
		rc = punch_hole(use, offset, end);
		return rc || keep ? rc : extend(use, end);
	default:
		return EOPNOTSUPP;
	}
}

void
dfuse_fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t length,
		struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	AUTO_USE struct node_use use = {.node = NULL};
	int rc = node_use_begin(dfuse, node_of(dfuse, number), &use);

	(void)info;
	if (rc == 0)
		rc = privileges_end(request, &use, false);
	if (rc == 0)
		rc = allocate(&use, mode, (uint64_t)offset, (uint64_t)offset + (uint64_t)length);
	fuse_reply_err(request, dfuse_changed(dfuse, node_of(dfuse, number), rc));
}

/* ------------------------------------------------ runs of a chunk (pure) */

uint64_t
chunk_seek_data(const struct chunk_map *map, uint64_t offset)
{
	uint64_t from = offset > map->start ? offset - map->start : 0;

	for (uint32_t i = 0; i < map->count; i++) {
		const daos_recx_t *run = &map->runs[i];

		if (run->rx_idx + run->rx_nr > from)
			return map->start + max_of(run->rx_idx, from);
	}
	return UINT64_MAX;
}

uint64_t
chunk_seek_hole(const struct chunk_map *map, uint64_t size, uint64_t offset)
{
	uint64_t at = offset > map->start ? offset - map->start : 0;

	for (uint32_t i = 0; i < map->count && map->runs[i].rx_idx <= at; i++)
		at = max_of(at, map->runs[i].rx_idx + map->runs[i].rx_nr);
	return at < size ? map->start + at : UINT64_MAX;
}

/* ------------------------------------------------ chunks of a file */

struct seeking {
	daos_handle_t object;
	uint64_t chunk_size, size; /* of a chunk, of the file */
	daos_recx_t *runs;	   /* RUNS_MAX */
};

/* Chunk i of an array has dkey i + 1, and its cells the akey "0". */
static int
chunk_read(const struct seeking *seeking, uint64_t chunk, struct chunk_map *ret_map)
{
	uint64_t number = chunk + 1;
	char cells[] = "0";
	daos_key_t dkey, akey;
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	uint32_t count = 0;

	d_iov_set(&dkey, &number, sizeof(number));
	d_iov_set(&akey, cells, 1);
	while (!daos_anchor_is_eof(&anchor) && count < RUNS_MAX - 1) {
		uint32_t page = RUNS_MAX - 1 - count;
		daos_size_t size = 0;
		int rc = daos_obj_list_recx(seeking->object, DAOS_TX_NONE, &dkey, &akey, &size,
					    &page, seeking->runs + count, NULL, &anchor, true,
					    NULL);

		if (rc == -DER_NONEXIST)
			break;
		if (rc)
			return EIO;
		count += page;
	}
	/* What was not listed counts as data. */
	if (count == RUNS_MAX - 1 && !daos_anchor_is_eof(&anchor)) {
		const daos_recx_t *last = &seeking->runs[count - 1];
		uint64_t end = last->rx_idx + last->rx_nr;

		seeking->runs[count++] = (daos_recx_t){end, seeking->chunk_size - end};
	}
	*ret_map = (struct chunk_map){chunk * seeking->chunk_size, seeking->runs, count};
	return 0;
}

/* The first chunk from first on that has anything; UINT64_MAX: none. Where there are too many to
 * look at, first itself. */
static int
chunk_next(const struct seeking *seeking, uint64_t first, uint64_t *ret_chunk)
{
	daos_key_desc_t keys[NUMBER_PAGE];
	uint64_t numbers[NUMBER_PAGE], best = UINT64_MAX;
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	d_iov_t iov;
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};

	for (uint32_t i = 0; !daos_anchor_is_eof(&anchor); i++) {
		uint32_t count = NUMBER_PAGE;

		if (i == NUMBER_PAGES) {
			best = first;
			break;
		}
		d_iov_set(&iov, numbers, sizeof(numbers));
		if (daos_obj_list_dkey(seeking->object, DAOS_TX_NONE, &count, keys, &list, &anchor,
				       NULL) != 0)
			return EIO;
		for (uint32_t k = 0; k < count; k++)
			if (numbers[k] > first && numbers[k] - 1 < best)
				best = numbers[k] - 1;
	}
	*ret_chunk = best;
	return 0;
}

static int
seek_data(const struct seeking *seeking, uint64_t offset, uint64_t *ret_place)
{
	uint64_t chunk = offset / seeking->chunk_size;

	for (uint32_t i = 1; chunk * seeking->chunk_size < seeking->size; i++) {
		struct chunk_map map;
		int rc = chunk_read(seeking, chunk, &map);
		uint64_t place = rc ? UINT64_MAX : chunk_seek_data(&map, offset);

		if (rc)
			return rc;
		if (place < seeking->size) {
			*ret_place = place;
			return 0;
		}
		chunk++;
		if (i % EMPTY_CHUNKS == 0)
			rc = chunk_next(seeking, chunk, &chunk);
		if (rc || chunk == UINT64_MAX)
			return rc ? rc : ENXIO;
	}
	return ENXIO;
}

/* The end of the file is a hole. */
static int
seek_hole(const struct seeking *seeking, uint64_t offset, uint64_t *ret_place)
{
	uint64_t chunk = offset / seeking->chunk_size;

	*ret_place = seeking->size;
	for (uint32_t i = 0; i < FULL_CHUNKS && chunk * seeking->chunk_size < seeking->size; i++) {
		struct chunk_map map;
		int rc = chunk_read(seeking, chunk++, &map);
		uint64_t place = rc ? UINT64_MAX
				    : chunk_seek_hole(&map, seeking->chunk_size, offset);

		if (rc)
			return rc;
		if (place != UINT64_MAX) {
			*ret_place = min_of(place, seeking->size);
			return 0;
		}
	}
	return 0;
}

/* A snapshot's objects cannot be listed from here: all that is there counts as data. */
static int
seek_anything(const struct seeking *seeking, int whence, uint64_t offset, uint64_t *ret_place)
{
	*ret_place = whence == SEEK_DATA ? offset : seeking->size;
	return 0;
}

static int
seek_in(const struct node_use *use, struct seeking *seeking, int whence, uint64_t offset,
	uint64_t *ret_place)
{
	daos_obj_id_t oid;
	int rc = dfs_obj2id(use->object, &oid);

	if (rc == 0 && daos_obj_open(use->node->volume->container, oid, DAOS_OO_RO,
				     &seeking->object, NULL) != 0)
		rc = EIO;
	if (rc)
		return rc;
	seeking->runs = malloc(RUNS_MAX * sizeof(*seeking->runs));
	if (seeking->runs == NULL)
		rc = ENOMEM;
	else if (whence == SEEK_DATA)
		rc = seek_data(seeking, offset, ret_place);
	else
		rc = seek_hole(seeking, offset, ret_place);
	free(seeking->runs);
	daos_obj_close(seeking->object, NULL);
	return rc;
}

static int
seek(const struct node_use *use, int whence, uint64_t offset, uint64_t *ret_place)
{
	struct seeking seeking = {.runs = NULL};
	int rc = whence == SEEK_DATA || whence == SEEK_HOLE ? 0 : EINVAL;

	if (rc == 0)
		rc = dfs_get_chunk_size(use->object, &seeking.chunk_size);
	if (rc == 0)
		rc = dfs_get_size(use->dfs, use->object, &seeking.size);
	if (rc == 0 && offset >= seeking.size)
		rc = ENXIO;
	if (rc)
		return rc;
	return use->dfuse->options.snapshot ? seek_anything(&seeking, whence, offset, ret_place)
					    : seek_in(use, &seeking, whence, offset, ret_place);
}

/* What the kernel holds back is in no chunk yet: it writes it now, by requests that other threads
 * take. */
void
dfuse_lseek(fuse_req_t request, fuse_ino_t number, off_t offset, int whence,
	    struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	AUTO_USE struct node_use use = {.node = NULL};
	uint64_t place = 0;
	int rc = node_use_begin(dfuse, node, &use);

	(void)info;
	if (rc == 0 && atomic_load(&node->writers) > 0)
		fuse_lowlevel_notify_inval_inode(dfuse->session, number, 0, 0);
	if (rc == 0)
		rc = seek(&use, whence, (uint64_t)offset, &place);
	if (dfuse_outcome(dfuse, rc))
		fuse_reply_err(request, rc);
	else
		fuse_reply_lseek(request, (off_t)place);
}

/* ------------------------------------------------ copies */

struct copying {
	struct node_use from, to;
	uint64_t from_offset, to_offset;
	size_t length, done;
};

static int
copy_step(struct copying *copying, char *buffer)
{
	d_iov_t iov = {.iov_buf = buffer};
	d_sg_list_t list = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t read = 0;
	int rc;

	iov.iov_len = iov.iov_buf_len = min_of(copying->length - copying->done, COPY_STEP);
	rc = dfs_read(copying->from.dfs, copying->from.object, &list,
		      copying->from_offset + copying->done, &read, NULL);
	if (rc)
		return rc;
	if (read < iov.iov_len)
		copying->length = copying->done + read;
	iov.iov_len = read;
	if (read > 0)
		rc = dfs_write(copying->to.dfs, copying->to.object, &list,
			       copying->to_offset + copying->done, NULL);
	if (rc)
		return rc;
	copying->done += read;
	node_wrote(copying->to.node, copying->to_offset + copying->done);
	return 0;
}

static int
copy_run(fuse_req_t request, struct copying *copying)
{
	char *buffer = malloc(COPY_STEP);
	int rc = buffer ? privileges_end(request, &copying->to, false) : ENOMEM;

	while (rc == 0 && copying->done < copying->length)
		rc = copy_step(copying, buffer);
	free(buffer);
	return copying->done > 0 ? 0 : rc;
}

void
dfuse_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset,
		      struct fuse_file_info *from_info, fuse_ino_t to, off_t to_offset,
		      struct fuse_file_info *to_info, size_t length, int flags)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct copying copying = {
		.from_offset = (uint64_t)from_offset,
		.to_offset = (uint64_t)to_offset,
		.length = min_of(length, COPY_MAX),
	};
	int rc = flags ? EINVAL : node_use_begin(dfuse, node_of(dfuse, from), &copying.from);

	(void)from_info;
	(void)to_info;
	if (rc == 0)
		rc = node_use_begin(dfuse, node_of(dfuse, to), &copying.to);
	if (rc == 0)
		rc = copy_run(request, &copying);
	node_use_end(&copying.from);
	node_use_end(&copying.to);
	if (dfuse_changed(dfuse, node_of(dfuse, to), rc))
		fuse_reply_err(request, rc);
	else
		fuse_reply_write(request, copying.done);
}
