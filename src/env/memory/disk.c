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
		write->blocks[i] = block_create_raw();
		iov_copy_out(io->iov, io->iov_count, (size_t)i * DISK_BLOCK, write->blocks[i]->data,
			     DISK_BLOCK);
	}
	return write;
}

/* Discarded blocks read as before, as zeros, or as anything. */
static struct write *
write_of_discard(struct media *media, const struct disk_io *io)
{
	static const enum memory_fault faults[] = {
		MEMORY_FAULT_DISCARD_OLD, MEMORY_FAULT_DISCARD_ZERO, MEMORY_FAULT_DISCARD_GARBAGE};
	uint32_t count = (uint32_t)(io->length / DISK_BLOCK);
	uint64_t drawn = stream_next(&media->discard_stream) % 3;
	struct write *write = write_create(io->offset / DISK_BLOCK, drawn == 0 ? 0 : count, false);

	for (uint32_t i = 0; drawn == 2 && i < count; i++) {
		write->blocks[i] = block_create_raw();
		memset(write->blocks[i]->data, (int)stream_next(&media->discard_stream),
		       DISK_BLOCK);
	}
	media->counts.discards_old += drawn == 0;
	media->counts.discards_zero += drawn == 1;
	media->counts.discards_garbage += drawn == 2;
	media_strike(media, faults[drawn], io->offset, io->length);
	return write;
}

static struct write *
write_of(struct media *media, const struct disk_io *io)
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
		write = write_of_discard(media, io);
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

/* Returns how many writes are gone. */
static uint64_t
media_lose(struct media *media)
{
	uint32_t before = platter_pending(&media->platter);

	platter_lose(&media->platter);
	trace_record(media, TRACE_LOSE, NULL, 0);
	image_fini(&media->newest);
	image_copy(&media->newest, &media->platter.stable);
	return before - platter_pending(&media->platter);
}

/* What reads see from now on. */
static void
media_apply(struct media *media, const struct write *write)
{
	fault_rewrite(media, write);
	for (uint32_t i = 0; i < write->count; i++)
		image_put(&media->newest, write->first + i, write->blocks[i]);
}

static int
finish_write(struct media *media, struct write *write, int rc)
{
	uint64_t number = ++media->world->sequence;

	if (rc == 0 && !fits(media, write)) {
		rc = -DER_NOSPACE;
		media_strike(media, MEMORY_FAULT_FULL, write->first * DISK_BLOCK,
			     (uint64_t)write->count * DISK_BLOCK);
	}
	platter_complete(&media->platter, write, number, rc != 0);
	trace_record(media, rc != 0 ? TRACE_FAIL : TRACE_COMPLETE, write, number);
	if (rc == 0)
		media_apply(media, write);
	return rc;
}

/* As finish_write() for a process that hears of it, which may be lied to. */
static int
finish_told_write(struct media *media, struct operation *operation, int rc)
{
	if (rc == 0 && operation->io->operation == DISK_WRITE)
		operation->write = fault_write(media, operation->write);
	return operation->write ? finish_write(media, operation->write, rc) : 0;
}

static int
finish_read(struct media *media, const struct disk_io *io)
{
	struct source source = {&media->newest, io->offset};
	int rc = fault_read(media, io, &source);

	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < io->iov_count; i++) {
		image_read(source.image, source.offset, io->iov[i].iov_base, io->iov[i].iov_len);
		source.offset += io->iov[i].iov_len;
	}
	fault_returned(media, io);
	return 0;
}

static int
finish_flush(struct media *media, uint64_t bound, int rc, bool lose)
{
	if (rc == 0) {
		platter_flush(&media->platter, bound);
		trace_record(media, TRACE_FLUSH, NULL, bound);
	} else if (lose) {
		media_strike(media, MEMORY_FAULT_FLUSH_LOSS, media_lose(media), 0);
	}
	return rc;
}

/* What the trace of the world takes in of a write. */
static uint64_t
write_content(const struct write *write)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < write->count; i++) {
		if (write->blocks[i])
			sum = crc32c(sum, write->blocks[i]->data, DISK_BLOCK);
	}
	return write->first << 32 | sum;
}

static void
note_operation(const struct operation *operation, int rc)
{
	const struct media *media = operation->disk->media;
	const struct disk_io *io = operation->io;
	uint64_t content = operation->write ? write_content(operation->write) : io->offset;

	world_note(media->world, media->node, NOTE_DISK | io->operation,
		   hash_combine(content, (uint64_t)rc));
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
	struct disk_io *io = operation->io;
	bool lose;
	int rc;

	if (media->held) {
		list_append(&media->held_operations, &operation->held);
		return;
	}
	rc = fault_result(media, io, &lose);
	if (operation->write)
		rc = finish_told_write(media, operation, rc);
	else if (io->operation == DISK_FLUSH)
		rc = finish_flush(media, operation->submitted, rc, lose);
	else if (rc == 0)
		rc = finish_read(media, io);
	note_operation(operation, rc);
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
due_time(struct media *media, enum disk_operation kind)
{
	uint64_t now = media->world->now;
	const struct memory_disk_options *options = &media->options;
	uint64_t delay = kind == DISK_READ    ? options->read_ns
			 : kind == DISK_FLUSH ? options->flush_ns
					      : options->write_ns;

	delay = fault_delay(media, delay);
	if (options->any_order)
		return now + delay * (1 + stream_next(&media->order_stream) % 16);
	media->last_due = max_of(media->last_due, now + delay);
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
	operation->write = write_of(media, io);
	if (operation->write) {
		platter_submit(&media->platter, operation->write, operation->submitted);
		trace_record(media, TRACE_SUBMIT, operation->write, operation->submitted);
	}
	operation->event.fire = operation_due;
	event_arm(&operation->event, disk->env, due_time(media, io->operation));
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

/* A write under way when its process died happens wholly or not at all; returns whether it is lost.
 */
static bool
operation_abandon(struct memory_env *env, struct operation *operation)
{
	struct media *media = operation->disk->media;
	bool lost = operation->write != NULL && stream_next(&env->fate) % 2 != 0;

	if (lost) {
		platter_cancel(&media->platter, operation->write);
		trace_record(media, TRACE_CANCEL, operation->write, 0);
	} else if (operation->write) {
		(void)finish_write(media, operation->write, 0);
	}
	operation_free(operation);
	return lost;
}

uint64_t
storage_drop(struct memory_env *env)
{
	uint64_t lost = 0;
	struct list *link;

	while ((link = list_first(&env->operations)) != NULL)
		lost += operation_abandon(env, list_entry(link, struct operation, link));
	while ((link = list_first(&env->disks)) != NULL)
		disk_close_handle(&list_entry(link, struct memory_disk, link)->disk);
	return lost;
}

/* ------------------------------------------------ what tests do to a disk */

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
