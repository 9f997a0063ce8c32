/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Disk operations in virtual time, with the faults that tests order. */
#include <stdlib.h>
#include <string.h>

#include "env/memory/disk.h"

struct memory_disk {
	struct disk disk;
	struct list link; /* of env->disks */
	struct memory_env *env;
	struct media *media;
	uint32_t under_way;
};

/* One operation under way. Its io is the caller's and gone when the env has crashed. */
struct operation {
	struct event event;
	struct list link; /* of env->operations */
	struct list held; /* of media->held_operations */
	struct memory_disk *disk;
	struct disk_io *io;
	struct write *write; /* NULL: a read or a flush */
	uint64_t submitted;
};

/* ------------------------------------------------ what a write carries */

static struct write *
write_of_buffers(const struct disk_io *io)
{
	uint32_t count = (uint32_t)(io->length / DISK_BLOCK);
	struct write *write = write_create(io->offset / DISK_BLOCK, count, io->durable);

	for (uint32_t i = 0; i < count; i++) {
		write->blocks[i] = memory_take(sizeof(struct block));
		write->blocks[i]->references = 1;
		iov_copy_out(io->iov, io->iov_count, (size_t)i * DISK_BLOCK, write->blocks[i]->data,
			     DISK_BLOCK);
	}
	return write;
}

/* Discarded blocks read as before, as zeros, or as anything. */
static struct write *
write_of_discard(struct memory_world *world, const struct disk_io *io)
{
	uint32_t count = (uint32_t)(io->length / DISK_BLOCK);
	uint64_t drawn = memory_world_random(world) % 3;
	struct write *write = write_create(io->offset / DISK_BLOCK, drawn == 0 ? 0 : count, false);

	for (uint32_t i = 0; drawn == 2 && i < count; i++) {
		write->blocks[i] = memory_take(sizeof(struct block));
		write->blocks[i]->references = 1;
		memset(write->blocks[i]->data, (int)memory_world_random(world), DISK_BLOCK);
	}
	return write;
}

static struct write *
write_of(struct memory_world *world, const struct media *media, const struct disk_io *io)
{
	struct write *write = NULL;

	switch (io->operation) {
	case DISK_READ:
	case DISK_FLUSH:
		return NULL;
	case DISK_WRITE:
		write = write_of_buffers(io);
		break;
	case DISK_ZERO:
		write = write_create(io->offset / DISK_BLOCK, (uint32_t)(io->length / DISK_BLOCK),
				     false);
		break;
	case DISK_DISCARD:
		write = write_of_discard(world, io);
		break;
	}
	if (media->options.stable_cache)
		write->durable = true;
	return write;
}

/* ------------------------------------------------ the end of an operation */

static void
operation_free(struct operation *operation)
{
	event_disarm(&operation->event);
	list_remove(&operation->held);
	list_remove(&operation->link);
	if (operation->write)
		write_put(operation->write);
	operation->disk->under_way--;
	free(operation);
}

/* Whether the node's capacity holds what the write adds to a thin disk. */
static bool
fits(const struct media *media, const struct write *write)
{
	struct memory_node *node = media->node;
	uint64_t used = 0;
	uint64_t added = 0;

	if (media->allocate != STORAGE_THIN || node->capacity == 0)
		return true;
	for (uint32_t i = 0; i < write->count; i++)
		added += write->blocks[i] != NULL && media->newest.blocks[write->first + i] == NULL;
	LIST_FOR_EACH(link, &node->media)
		used += media_used(list_entry(link, struct media, link));
	return added == 0 || used + added * DISK_BLOCK <= node->capacity;
}

/* The result that a test ordered for this operation, or 0. */
static int
fault_result(struct media *media, enum disk_operation kind, bool *ret_lose)
{
	struct disk_fault *fault = &media->faults[kind];

	*ret_lose = false;
	if (fault->countdown == 0 || --fault->countdown > 0)
		return 0;
	*ret_lose = fault->lose;
	return fault->result;
}

static void
media_lose(struct media *media)
{
	platter_lose(&media->platter);
	trace_record(media, TRACE_LOSE, NULL, 0);
	image_fini(&media->newest);
	image_copy(&media->newest, &media->platter.stable);
}

static int
finish_write(struct memory_world *world, struct media *media, struct write *write, int rc)
{
	uint64_t number = ++world->sequence;

	if (rc == 0 && !fits(media, write))
		rc = -DER_NOSPACE;
	platter_complete(&media->platter, write, number, rc != 0);
	trace_record(media, rc != 0 ? TRACE_FAIL : TRACE_COMPLETE, write, number);
	for (uint32_t i = 0; rc == 0 && i < write->count; i++)
		image_put(&media->newest, write->first + i, write->blocks[i]);
	return rc;
}

static int
finish_read(const struct media *media, const struct disk_io *io)
{
	uint64_t offset = io->offset;

	for (uint32_t i = 0; i < io->iov_count; i++) {
		image_read(&media->newest, offset, io->iov[i].iov_base, io->iov[i].iov_len);
		offset += io->iov[i].iov_len;
	}
	return 0;
}

static int
finish_flush(struct media *media, uint64_t bound, int rc, bool lose)
{
	if (rc == 0) {
		platter_flush(&media->platter, bound);
		trace_record(media, TRACE_FLUSH, NULL, bound);
	} else if (lose) {
		media_lose(media);
	}
	return rc;
}

static void
count_operation(struct media *media, const struct disk_io *io)
{
	struct memory_disk_counts *counts = &media->counts;

	switch (io->operation) {
	case DISK_READ:
		counts->reads++;
		counts->bytes_read += io->length;
		break;
	case DISK_WRITE:
		counts->writes++;
		counts->durable_writes += io->durable;
		counts->bytes_written += io->length;
		break;
	case DISK_FLUSH:
		counts->flushes++;
		break;
	case DISK_ZERO:
	case DISK_DISCARD:
		break;
	}
}

static void
operation_due(struct event *event)
{
	struct operation *operation = container_of(event, struct operation, event);
	struct media *media = operation->disk->media;
	struct memory_world *world = operation->disk->env->world;
	struct disk_io *io = operation->io;
	bool lose;
	int rc;

	if (media->held) {
		list_append(&media->held_operations, &operation->held);
		return;
	}
	rc = fault_result(media, io->operation, &lose);
	if (operation->write)
		rc = finish_write(world, media, operation->write, rc);
	else if (io->operation == DISK_FLUSH)
		rc = finish_flush(media, operation->submitted, rc, lose);
	else if (rc == 0)
		rc = finish_read(media, io);
	if (rc == 0)
		count_operation(media, io);
	operation_free(operation);
	completion_signal(&io->completion, rc);
}

/* ------------------------------------------------ submission */

static bool
io_valid(const struct disk_io *io, uint64_t size)
{
	if (io->operation == DISK_FLUSH)
		return true;
	if (io->offset % DISK_BLOCK || io->length % DISK_BLOCK || io->offset > size ||
	    io->length > size - io->offset)
		return false;
	if (io->operation == DISK_ZERO || io->operation == DISK_DISCARD)
		return true;
	if (io->iov_count > DISK_IOV_MAX || iov_length(io->iov, io->iov_count) != io->length)
		return false;
	for (uint32_t i = 0; i < io->iov_count; i++) {
		if ((uintptr_t)io->iov[i].iov_base % DISK_BLOCK || io->iov[i].iov_len % DISK_BLOCK)
			return false;
	}
	return true;
}

static uint64_t
due_time(struct memory_world *world, struct media *media, enum disk_operation kind)
{
	const struct memory_disk_options *options = &media->options;
	uint64_t delay = kind == DISK_READ    ? options->read_ns
			 : kind == DISK_FLUSH ? options->flush_ns
					      : options->write_ns;

	if (options->any_order)
		return world->now + delay * (1 + memory_world_random(world) % 16);
	media->last_due = max_of(media->last_due, world->now + delay);
	return media->last_due;
}

static void
refused_due(struct event *event)
{
	struct operation *operation = container_of(event, struct operation, event);
	struct disk_io *io = operation->io;

	operation_free(operation);
	completion_signal(&io->completion, -DER_INVAL);
}

static void
disk_submit_io(struct disk *base, struct disk_io *io)
{
	struct memory_disk *disk = container_of(base, struct memory_disk, disk);
	struct memory_world *world = disk->env->world;
	struct media *media = disk->media;
	struct operation *operation = memory_take(sizeof(*operation));

	operation->disk = disk;
	operation->io = io;
	operation->submitted = ++world->sequence;
	disk->under_way++;
	list_append(&disk->env->operations, &operation->link);
	if (!io_valid(io, media->size)) {
		operation->event.fire = refused_due;
		event_arm(&operation->event, disk->env, world->now);
		return;
	}
	operation->write = write_of(world, media, io);
	if (operation->write) {
		platter_submit(&media->platter, operation->write, operation->submitted);
		trace_record(media, TRACE_SUBMIT, operation->write, operation->submitted);
	}
	operation->event.fire = operation_due;
	event_arm(&operation->event, disk->env, due_time(world, media, io->operation));
}

static void
disk_close_handle(struct disk *base)
{
	struct memory_disk *disk = container_of(base, struct memory_disk, disk);

	ASSERT(disk->under_way == 0);
	list_remove(&disk->link);
	media_put(disk->media);
	free(disk);
}

static const struct disk_operations disk_operations = {
	.submit = disk_submit_io,
	.close = disk_close_handle,
};

struct disk *
disk_open(struct memory_env *env, struct media *media)
{
	struct memory_disk *disk = memory_take(sizeof(*disk));

	disk->disk.operations = &disk_operations;
	disk->disk.size = media->size;
	disk->disk.volatile_cache = !media->options.stable_cache;
	disk->disk.thin = media->allocate == STORAGE_THIN;
	disk->env = env;
	disk->media = media;
	media->references++;
	list_append(&env->disks, &disk->link);
	return &disk->disk;
}

/* ------------------------------------------------ crash of an env */

/* A write under way when its process died happens wholly or not at all. */
static void
operation_abandon(struct memory_world *world, struct operation *operation)
{
	struct media *media = operation->disk->media;

	if (operation->write) {
		if (memory_world_random(world) % 2 == 0) {
			(void)finish_write(world, media, operation->write, 0);
		} else {
			platter_cancel(&media->platter, operation->write);
			trace_record(media, TRACE_CANCEL, operation->write, 0);
		}
	}
	operation_free(operation);
}

void
storage_drop(struct memory_env *env)
{
	struct list *link;

	while ((link = list_first(&env->operations)) != NULL)
		operation_abandon(env->world, list_entry(link, struct operation, link));
	while ((link = list_first(&env->disks)) != NULL)
		disk_close_handle(&list_entry(link, struct memory_disk, link)->disk);
}

/* ------------------------------------------------ faults */

void
memory_disk_hold(struct memory_world *world, const char *node, const char *name)
{
	world_media(world, node, name)->held = true;
}

void
memory_disk_release(struct memory_world *world, const char *node, const char *name)
{
	struct media *media = world_media(world, node, name);
	struct list *link;

	media->held = false;
	while ((link = list_pop(&media->held_operations)) != NULL) {
		struct operation *operation = list_entry(link, struct operation, held);

		event_arm(&operation->event, operation->disk->env, world->now);
	}
}

void
memory_disk_fail(struct memory_world *world, const char *node, const char *name,
		 enum disk_operation operation, uint64_t n, int result)
{
	ASSERT(result < 0);
	world_media(world, node, name)->faults[operation] = (struct disk_fault){n, result, false};
}

void
memory_disk_fail_flush_and_lose(struct memory_world *world, const char *node, const char *name,
				uint64_t n)
{
	world_media(world, node, name)->faults[DISK_FLUSH] = (struct disk_fault){n, -DER_IO, true};
}

void
memory_disk_counts(struct memory_world *world, const char *node, const char *name,
		   struct memory_disk_counts *ret_counts)
{
	*ret_counts = world_media(world, node, name)->counts;
}

void
memory_disk_peek(struct memory_world *world, const char *node, const char *name, void *buffer,
		 size_t length, uint64_t offset)
{
	image_read(&world_media(world, node, name)->newest, offset, buffer, length);
}

/* The stable image changes too; a pending write to the same place would hide that after a power cut
 * only. */
void
memory_disk_poke(struct memory_world *world, const char *node, const char *name, const void *buffer,
		 size_t length, uint64_t offset)
{
	struct media *media = world_media(world, node, name);

	image_change(&media->newest, offset, buffer, length);
	image_change(&media->platter.stable, offset, buffer, length);
}
