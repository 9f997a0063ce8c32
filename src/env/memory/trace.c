/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Traces: the events of a node's disks, replayed onto platters by a cursor that only moves forward;
 * going back starts anew.
 */
#include <stdlib.h>
#include <string.h>

#include "env/memory/disk.h"

/* A disk that was there at the start or was created meanwhile. */
struct trace_disk {
	const struct media *media; /* identity while recording only */
	char *name;
	uint64_t size;
	enum storage_allocate allocate;
	struct memory_disk_options options;
	bool at_start;
	struct image start;	/* when at_start */
	bool exists;		/* at the cursor */
	struct platter platter; /* at the cursor, when exists */
};

struct trace_event {
	enum trace_kind kind;
	bool settles; /* makes a write durable, or changes which disks exist */
	uint32_t disk;
	struct write *write;
	uint64_t number;
};

struct memory_trace {
	struct memory_node *node; /* NULL: stopped */
	struct trace_disk *disks;
	uint32_t disk_count;
	struct trace_event *events;
	uint64_t count;
	uint64_t capacity;
	uint64_t cursor; /* events replayed */
};

/* ------------------------------------------------ recording */

static uint32_t
add_disk(struct memory_trace *trace, const struct media *media, bool at_start)
{
	struct trace_disk *disk;

	trace->disks = memory_grow(trace->disks, (trace->disk_count + 1) * sizeof(trace->disks[0]));
	disk = &trace->disks[trace->disk_count];
	*disk = (struct trace_disk){
		.media = media,
		.name = memory_copy_text(media->name),
		.size = media->size,
		.allocate = media->allocate,
		.options = media->options,
		.at_start = at_start,
	};
	if (at_start) {
		image_copy(&disk->start, &media->newest);
		platter_init(&disk->platter, disk->size);
		platter_reset(&disk->platter, &disk->start);
		disk->exists = true;
	}
	return trace->disk_count++;
}

int
memory_trace_start(struct memory_world *world, const char *name, struct memory_trace **ret_trace)
{
	struct memory_node *node = world_node(world, name);
	struct memory_trace *trace;

	ASSERT(node->trace == NULL);
	ASSERT(memory_node_pending(world, name) == 0);
	trace = memory_take(sizeof(*trace));
	trace->node = node;
	LIST_FOR_EACH(link, &node->media)
		add_disk(trace, list_entry(link, struct media, link), true);
	node->trace = trace;
	*ret_trace = trace;
	return 0;
}

void
memory_trace_stop(struct memory_trace *trace)
{
	if (trace->node)
		trace->node->trace = NULL;
	trace->node = NULL;
}

static uint32_t
find_disk(const struct memory_trace *trace, const struct media *media)
{
	uint32_t i = trace->disk_count;

	/* A name may come again: the newest is meant. */
	while (i > 0 && trace->disks[i - 1].media != media)
		i--;
	ASSERT(i > 0);
	return i - 1;
}

static bool
event_settles(enum trace_kind kind, const struct write *write)
{
	switch (kind) {
	case TRACE_SUBMIT:
	case TRACE_FAIL:
	case TRACE_CANCEL:
		return false;
	case TRACE_COMPLETE:
		return write->durable;
	case TRACE_FLUSH:
	case TRACE_LOSE:
	case TRACE_CREATE:
	case TRACE_REMOVE:
		break;
	}
	return true;
}

void
trace_record(struct media *media, enum trace_kind kind, struct write *write, uint64_t number)
{
	struct memory_trace *trace = media->node->trace;
	struct trace_event *event;

	/* A disk without its name is gone after any crash. */
	if (trace == NULL || !list_linked(&media->link))
		return;
	if (trace->count == trace->capacity) {
		trace->capacity = max_of(256ull, trace->capacity * 2);
		trace->events =
			memory_grow(trace->events, trace->capacity * sizeof(trace->events[0]));
	}
	event = &trace->events[trace->count++];
	*event = (struct trace_event){
		.kind = kind,
		.settles = event_settles(kind, write),
		.disk = kind == TRACE_CREATE ? add_disk(trace, media, false)
					     : find_disk(trace, media),
		.write = write ? write_get(write) : NULL,
		.number = number,
	};
	if (kind == TRACE_REMOVE)
		trace->disks[event->disk].media = NULL;
}

void
memory_trace_free(struct memory_trace *trace)
{
	if (trace == NULL)
		return;
	memory_trace_stop(trace);
	for (uint64_t i = 0; i < trace->count; i++) {
		if (trace->events[i].write)
			write_put(trace->events[i].write);
	}
	for (uint32_t i = 0; i < trace->disk_count; i++) {
		struct trace_disk *disk = &trace->disks[i];

		if (disk->exists)
			platter_fini(&disk->platter);
		if (disk->at_start)
			image_fini(&disk->start);
		free(disk->name);
	}
	free(trace->disks);
	free(trace->events);
	free(trace);
}

uint64_t
memory_trace_position(const struct memory_trace *trace)
{
	return trace->count;
}

/* ------------------------------------------------ replay */

static void
replay_event(struct memory_trace *trace, const struct trace_event *event)
{
	struct trace_disk *disk = &trace->disks[event->disk];

	switch (event->kind) {
	case TRACE_SUBMIT:
		platter_submit(&disk->platter, event->write, event->number);
		break;
	case TRACE_COMPLETE:
	case TRACE_FAIL:
		platter_complete(&disk->platter, event->write, event->number,
				 event->kind == TRACE_FAIL);
		break;
	case TRACE_CANCEL:
		platter_cancel(&disk->platter, event->write);
		break;
	case TRACE_FLUSH:
		platter_flush(&disk->platter, event->number);
		break;
	case TRACE_LOSE:
		platter_lose(&disk->platter);
		break;
	case TRACE_CREATE:
		platter_init(&disk->platter, disk->size);
		disk->exists = true;
		break;
	case TRACE_REMOVE:
		platter_fini(&disk->platter);
		disk->exists = false;
		break;
	}
}

static void
rewind_cursor(struct memory_trace *trace)
{
	for (uint32_t i = 0; i < trace->disk_count; i++) {
		struct trace_disk *disk = &trace->disks[i];

		if (disk->exists)
			platter_fini(&disk->platter);
		disk->exists = disk->at_start;
		if (disk->exists) {
			platter_init(&disk->platter, disk->size);
			platter_reset(&disk->platter, &disk->start);
		}
	}
	trace->cursor = 0;
}

static void
seek(struct memory_trace *trace, uint64_t point)
{
	ASSERT(point <= trace->count);
	if (point < trace->cursor)
		rewind_cursor(trace);
	while (trace->cursor < point)
		replay_event(trace, &trace->events[trace->cursor++]);
}

bool
memory_trace_deepest(struct memory_trace *trace, uint64_t point)
{
	ASSERT(point <= trace->count);
	return point == trace->count || trace->events[point].settles;
}

uint32_t
memory_trace_pending(struct memory_trace *trace, uint64_t point)
{
	uint32_t pending = 0;

	seek(trace, point);
	for (uint32_t i = 0; i < trace->disk_count; i++) {
		if (trace->disks[i].exists)
			pending += platter_pending(&trace->disks[i].platter);
	}
	return pending;
}

void
memory_trace_restore(struct memory_trace *trace, uint64_t point, const struct memory_crash *crash,
		     struct memory_world *world, const char *name)
{
	struct memory_node *node = world_node(world, name);
	struct platter **platters = memory_take(trace->disk_count * sizeof(platters[0]));
	struct image *images = memory_take(trace->disk_count * sizeof(images[0]));
	uint32_t count = 0;

	ASSERT(node->trace == NULL);
	seek(trace, point);
	for (uint32_t i = 0; i < trace->disk_count; i++) {
		if (trace->disks[i].exists)
			platters[count++] = &trace->disks[i].platter;
	}
	(void)platters_survive(platters, count, crash, world->shorn, images);
	node_clear(node);
	count = 0;
	for (uint32_t i = 0; i < trace->disk_count; i++) {
		const struct trace_disk *disk = &trace->disks[i];
		struct media *media;

		if (!disk->exists)
			continue;
		media = media_create(world, node, disk->name, disk->size, disk->allocate);
		media->options = disk->options;
		media_reset(media, &images[count]);
		image_fini(&images[count++]);
	}
	free(platters);
	free(images);
}
