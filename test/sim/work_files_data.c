/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Bytes of files. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/work_files.h"

#define FILE_SIZE_MAX (384u * 1024)
#define FILE_SIZE_RARE (3u << 20)
/* A file that has seen more than this is left alone. */
#define EXTENTS_MAX 90u

/* A file and its open object. */
static bool
open_file(struct files_actor *files, bool changes, struct name_node **ret_node,
	  dfs_obj_t **ret_object)
{
	struct name_node *node = files_draw_node(files, 1u << TREE_FILE);

	if (node == NULL || (changes && node->content.count > EXTENTS_MAX))
		return false;
	*ret_node = node;
	return files_open(files, node, O_RDWR, ret_object);
}

/* About the end of the file, a border of chunks, or anywhere. */
static uint64_t
draw_offset(struct files_actor *files, const struct name_node *node)
{
	uint64_t chunk = node->chunk_size ? node->chunk_size : 1u << 20;
	uint64_t limit = stream_chance(files->random, 4) ? FILE_SIZE_RARE : FILE_SIZE_MAX;
	uint64_t near = stream_draw(files->random, 17);
	uint64_t at;

	switch (stream_draw(files->random, 4)) {
	case 0:
		return 0;
	case 1:
		at = node->content.size + 8;
		break;
	case 2:
		at = chunk * stream_draw(files->random, limit / chunk + 1) + 8;
		break;
	default:
		return stream_scaled(files->random, 0, limit);
	}
	at = at > near ? at - near : 0;
	return min_of(at, (uint64_t)FILE_SIZE_RARE);
}

static uint64_t
draw_length(struct files_actor *files)
{
	uint64_t draw = stream_draw(files->random, 20);

	if (draw == 0)
		return 0;
	if (draw < 3)
		return 1;
	if (draw == 3)
		return stream_between(files->random, 1, FILES_IO_MAX);
	return stream_scaled(files->random, 1, files->model->io_limit);
}

/* Ranges that do not overlap, in no order, of at most FILES_IO_MAX bytes together. */
static uint32_t
draw_ranges(struct files_actor *files, const struct name_node *node,
	    struct name_range ranges[TREE_RANGES_MAX])
{
	uint32_t count = (uint32_t)stream_between(files->random, 1, TREE_RANGES_MAX);
	uint64_t at = draw_offset(files, node);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t length = draw_length(files) / TREE_RANGES_MAX + 1;

		ranges[i] = (struct name_range){at, length};
		at += length + stream_scaled(files->random, 0, 9000);
	}
	for (uint32_t i = count - 1; i > 0 && stream_chance(files->random, 50); i--) {
		uint32_t with = (uint32_t)stream_draw(files->random, i + 1);
		struct name_range range = ranges[i];

		ranges[i] = ranges[with];
		ranges[with] = range;
	}
	return count;
}

/* ------------------------------------------------ events */

/* The event for a call, on the actor's queue, on none, or NULL for a call that blocks. */
static daos_event_t *
event_begin(struct files_actor *files, daos_event_t *event)
{
	if (!stream_chance(files->random, 30))
		return NULL;
	return daos_event_init(event, files->queue, NULL) == 0 ? event : NULL;
}

/* Waits for what was launched with rc; its errno. */
static int
event_end(struct files_actor *files, daos_event_t *event, int rc)
{
	daos_event_t *ended = NULL;
	bool done = false;

	if (event == NULL)
		return rc;
	if (rc == 0) {
		if (daos_handle_is_valid(files->queue))
			done = daos_eq_poll(files->queue, 0, DAOS_EQ_WAIT, 1, &ended) == 1 &&
			       ended == event;
		else if (daos_event_test(event, DAOS_EQ_WAIT, &done))
			done = false;
		rc = done ? event->ev_error : EIO;
		if (!done)
			sim_violation(files->model->sim, "an event does not end");
	}
	(void)daos_event_fini(event);
	return rc;
}

/* ------------------------------------------------ writes */

static int
write_flat(struct files_actor *files, dfs_obj_t *object, const struct name_range *range,
	   daos_event_t *event)
{
	d_iov_t iovs[FILES_IOVS_MAX];
	daos_size_t size = range->length;
	d_sg_list_t sgl;
	int rc;

	/* Lists lie on this stack until the event has ended. */
	if (stream_chance(files->random, 40))
		return event_end(files, event,
				 dfs_sys_write(files->sys, object, files->bytes, range->offset,
					       &size, event));
	files_sgl(files, files->bytes, range->length, iovs, &sgl);
	rc = dfs_write(files->dfs, object, &sgl, range->offset, event);
	return event_end(files, event, rc);
}

static int
write_ranges(struct files_actor *files, dfs_obj_t *object, const struct name_change *change,
	     uint64_t length, daos_event_t *event)
{
	daos_range_t ranges[TREE_RANGES_MAX];
	dfs_iod_t iod = {.iod_nr = change->range_count, .iod_rgs = ranges};
	d_iov_t iovs[FILES_IOVS_MAX];
	d_sg_list_t sgl;
	int rc;

	for (uint32_t i = 0; i < change->range_count; i++)
		ranges[i] = (daos_range_t){change->ranges[i].offset, change->ranges[i].length};
	files_sgl(files, files->bytes, length, iovs, &sgl);
	rc = dfs_writex(files->dfs, object, &iod, &sgl, event);
	return event_end(files, event, rc);
}

void
files_write(struct files_actor *files)
{
	struct name_change *change = &files->hand->change;
	struct name_change next = {.kind = TREE_WRITE};
	daos_event_t event, *launched;
	struct name_node *node;
	dfs_obj_t *object;
	uint64_t length = 0;
	bool flat = stream_chance(files->random, 60);
	int rc;

	if (!open_file(files, true, &node, &object))
		return;
	next.node = node;
	next.value = actor_write_number(files->actor);
	next.range_count = flat ? 1 : draw_ranges(files, node, next.ranges);
	if (flat)
		next.ranges[0] = (struct name_range){draw_offset(files, node), draw_length(files)};
	for (uint32_t i = 0; i < next.range_count; i++) {
		name_bytes(node->number, next.value, next.ranges[i].offset, files->bytes + length,
			   next.ranges[i].length);
		length += next.ranges[i].length;
	}
	launched = event_begin(files, &event);
	*change = next;
	rc = flat ? write_flat(files, object, &next.ranges[0], launched)
		  : write_ranges(files, object, &next, length, launched);
	files_end(files, files_done(files, FILES_WRITE, rc, 0, node->at->name));
	(void)dfs_release(object);
}

/* ------------------------------------------------ reads */

static void
check_bytes(struct files_actor *files, const struct name_node *node, uint64_t offset,
	    const uint8_t *bytes, size_t length)
{
	uint64_t bad;

	if (!content_allows(&node->content, node->number, offset, bytes, length, files_loose(files),
			    &bad))
		sim_violation(files->model->sim,
			      "file %s in %s (%llx) has a wrong byte at %llu of %llu: %02x",
			      node->at ? node->at->name : "?", files->top,
			      (unsigned long long)node->number, (unsigned long long)bad,
			      (unsigned long long)node->content.size, bytes[bad - offset]);
}

/* How much a read at offset may give, at least and at most. */
static void
foresee_length(const struct name_node *node, uint64_t offset, uint64_t length, uint64_t *ret_least,
	       uint64_t *ret_most)
{
	const struct name_content *content = &node->content;
	uint64_t least = content->vague ? 0 : content->size;

	*ret_least = min_of(least > offset ? least - offset : 0, length);
	*ret_most = min_of(content->size_most > offset ? content->size_most - offset : 0, length);
}

static void
check_length(struct files_actor *files, const struct name_node *node, uint64_t offset,
	     uint64_t length, uint64_t got)
{
	uint64_t least, most;

	foresee_length(node, offset, length, &least, &most);
	if (!files_loose(files) && (got < least || got > most))
		sim_violation(files->model->sim,
			      "a read of %llu bytes at %llu of file %s in %s gave %llu, not %llu "
			      "to %llu",
			      (unsigned long long)length, (unsigned long long)offset,
			      node->at ? node->at->name : "?", files->top, (unsigned long long)got,
			      (unsigned long long)least, (unsigned long long)most);
}

static void
read_flat(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	struct name_range range = {draw_offset(files, node), draw_length(files)};
	daos_size_t got = range.length;
	d_iov_t iovs[FILES_IOVS_MAX];
	daos_event_t event, *launched;
	d_sg_list_t sgl;
	int rc;

	if (stream_chance(files->random, 30))
		range.length = FILES_IO_MAX;
	got = range.length;
	launched = event_begin(files, &event);
	if (stream_chance(files->random, 40)) {
		rc = dfs_sys_read(files->sys, object, files->bytes, range.offset, &got, launched);
	} else {
		files_sgl(files, files->bytes, range.length, iovs, &sgl);
		rc = dfs_read(files->dfs, object, &sgl, range.offset, &got, launched);
	}
	rc = event_end(files, launched, rc);
	if (files_done(files, FILES_READ, rc, 0, node->at->name) != OUTCOME_OK)
		return;
	check_length(files, node, range.offset, range.length, got);
	check_bytes(files, node, range.offset, files->bytes, min_of(got, range.length));
}

/* Ranges behind the end are zeros, or short. */
static void
read_ranges(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	struct name_range drawn[TREE_RANGES_MAX];
	daos_range_t ranges[TREE_RANGES_MAX];
	dfs_iod_t iod = {.iod_nr = draw_ranges(files, node, drawn), .iod_rgs = ranges};
	uint64_t size = node->content.vague ? 0 : node->content.size, length = 0, at = 0;
	d_iov_t iovs[FILES_IOVS_MAX];
	d_sg_list_t sgl;
	daos_size_t got = 0;
	int rc;

	for (uint32_t i = 0; i < iod.iod_nr; i++) {
		ranges[i] = (daos_range_t){drawn[i].offset, drawn[i].length};
		length += drawn[i].length;
	}
	files_sgl(files, files->bytes, length, iovs, &sgl);
	rc = dfs_readx(files->dfs, object, &iod, &sgl, &got, NULL);
	if (files_done(files, FILES_READ, rc, 0, node->at->name) != OUTCOME_OK)
		return;
	if (got > length)
		sim_violation(files->model->sim, "a read of %llu bytes gave %llu",
			      (unsigned long long)length, (unsigned long long)got);
	for (uint32_t i = 0; i < iod.iod_nr; i++) {
		uint64_t here = size > drawn[i].offset ? size - drawn[i].offset : 0;

		check_bytes(files, node, drawn[i].offset, files->bytes + at,
			    min_of(here, drawn[i].length));
		at += drawn[i].length;
	}
}

void
files_read(struct files_actor *files)
{
	struct name_node *node;
	dfs_obj_t *object;

	if (!open_file(files, false, &node, &object))
		return;
	if (stream_chance(files->random, 70))
		read_flat(files, node, object);
	else
		read_ranges(files, node, object);
	(void)dfs_release(object);
}

void
files_verify_content(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	daos_size_t got;

	for (uint64_t at = 0;; at += got) {
		int rc;

		got = FILES_IO_MAX;
		rc = dfs_sys_read(files->sys, object, files->bytes, at, &got, NULL);
		if (files_done(files, FILES_READ, rc, 0, "a file") != OUTCOME_OK)
			return;
		check_length(files, node, at, FILES_IO_MAX, got);
		check_bytes(files, node, at, files->bytes, got);
		if (got < FILES_IO_MAX || sim_violated(files->model->sim))
			return;
	}
}

/* ------------------------------------------------ sizes */

void
files_size(struct files_actor *files)
{
	struct name_node *node;
	daos_obj_id_t oid;
	daos_size_t size, chunk_size;
	dfs_obj_t *object;
	int rc;

	if (!open_file(files, false, &node, &object))
		return;
	if (stream_chance(files->random, 30) && dfs_obj2id(object, &oid) == 0 &&
	    dfs_get_chunk_size(object, &chunk_size) == 0)
		rc = dfs_get_size_by_oid(files->dfs, oid, chunk_size, &size);
	else
		rc = dfs_get_size(files->dfs, object, &size);
	if (files_done(files, FILES_SIZE, rc, 0, node->at->name) == OUTCOME_OK &&
	    !files_loose(files) && !content_allows_size(&node->content, size))
		sim_violation(files->model->sim, "file %s in %s has %llu bytes, not %llu to %llu",
			      node->at->name, files->top, (unsigned long long)size,
			      (unsigned long long)node->content.size,
			      (unsigned long long)node->content.size_most);
	(void)dfs_release(object);
}

void
files_cut(struct files_actor *files)
{
	struct stat stat = {.st_size = 0};
	struct name_node *node;
	char path[FILES_PATH_MAX];
	dfs_obj_t *object;
	uint64_t size;
	int rc;

	if (!open_file(files, true, &node, &object))
		return;
	size = stream_chance(files->random, 60)
		       ? stream_draw(files->random, node->content.size_most + 1)
		       : draw_offset(files, node);
	files->hand->change = (struct name_change){.kind = TREE_CUT, .node = node, .value = size};
	stat.st_size = (off_t)size;
	switch (stream_draw(files->random, 3)) {
	case 0:
		rc = dfs_osetattr(files->dfs, object, &stat, DFS_SET_ATTR_SIZE);
		break;
	case 1:
		if (files_path(files, node, NULL, path)) {
			rc = dfs_sys_punch(files->sys, path, (daos_off_t)size, DFS_MAX_FSIZE);
			break;
		}
		/* fall through */
	default:
		rc = dfs_punch(files->dfs, object, size, DFS_MAX_FSIZE);
		break;
	}
	files_end(files, files_done(files, FILES_CUT, rc, 0, node->at->name));
	(void)dfs_release(object);
}

/* A hole; one that reaches the end shortens the file. */
void
files_hole(struct files_actor *files)
{
	struct name_range range;
	struct name_node *node;
	dfs_obj_t *object;
	int rc;

	if (!open_file(files, true, &node, &object))
		return;
	range = (struct name_range){draw_offset(files, node), draw_length(files)};
	/* What it would do is certain only for a certain size. */
	if (node->content.vague || node->content.size != node->content.size_most) {
		(void)dfs_release(object);
		return;
	}
	if (range.length > 0 && range.offset < node->content.size) {
		bool cuts = range.offset + range.length >= node->content.size;

		files->hand->change = (struct name_change){
			.kind = cuts ? TREE_CUT : TREE_HOLE,
			.node = node,
			.value = range.offset,
			.ranges = {range},
			.range_count = 1,
		};
	}
	rc = dfs_punch(files->dfs, object, range.offset, range.length);
	files_end(files, files_done(files, FILES_HOLE, rc, 0, node->at->name));
	(void)dfs_release(object);
}
