/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Disks: writes become durable in order; a crash keeps the first few of those under way. */
#include "private.h"

void
disk_cut(struct disk *disk, uint64_t index)
{
	while (disk->count > 0 && disk->base.index + disk->count >= index)
		free((void *)(uintptr_t)disk->entries[--disk->count].data);
	if (disk->damaged >= index)
		disk->damaged = 0;
}

static void
disk_append(struct disk *disk, const struct raft_entry *entry)
{
	if (disk->count == disk->capacity) {
		disk->capacity = max_of(disk->capacity * 2, 64u);
		disk->entries = realloc(disk->entries, disk->capacity * sizeof(*disk->entries));
		if (disk->entries == NULL)
			abort();
	}
	disk->entries[disk->count++] = *entry;
}

/* A write becomes durable. */
static void
disk_do(struct disk *disk, struct pending *pending)
{
	if (pending->with_hard) {
		disk->hard = pending->hard;
		if (disk->damaged && disk->hard.lost_index)
			disk_cut(disk, disk->damaged);
	}
	if (pending->count) {
		disk_cut(disk, pending->first);
		for (uint32_t i = 0; i < pending->count; i++)
			disk_append(disk, &pending->entries[i]);
	}
	free(pending->entries);
	*pending = (struct pending){.number = 0};
}

void
disk_drop(struct pending *pending)
{
	for (uint32_t i = 0; i < pending->count; i++)
		free((void *)(uintptr_t)pending->entries[i].data);
	free(pending->entries);
	*pending = (struct pending){.number = 0};
}

void
disk_done(struct disk *disk, uint64_t number)
{
	uint32_t done = 0;

	while (done < disk->pending_count && disk->pending[done].number <= number)
		disk_do(disk, &disk->pending[done++]);
	disk->pending_count -= done;
	memmove(disk->pending, disk->pending + done,
		disk->pending_count * sizeof(disk->pending[0]));
}

/* Power fails: the first few writes under way survive, the others do not. */
void
disk_crash(struct world *world, struct disk *disk)
{
	uint32_t kept = (uint32_t)draw(world, disk->pending_count + 1);

	for (uint32_t i = 0; i < disk->pending_count; i++) {
		if (i < kept)
			disk_do(disk, &disk->pending[i]);
		else
			disk_drop(&disk->pending[i]);
	}
	disk->pending_count = 0;
}

void
disk_wipe(struct disk *disk)
{
	disk_cut(disk, disk->base.index + 1);
	free(disk->entries);
	*disk = (struct disk){.id = disk->id};
}

/* The base moves up to index, whose state the machine has. */
void
disk_compact(struct disk *disk, const struct raft_base *base, const struct machine *machine)
{
	uint32_t drop = (uint32_t)(base->index - disk->base.index);

	for (uint32_t i = 0; i < drop && i < disk->count; i++)
		free((void *)(uintptr_t)disk->entries[i].data);
	drop = min_of(drop, disk->count);
	disk->count -= drop;
	memmove(disk->entries, disk->entries + drop, disk->count * sizeof(*disk->entries));
	disk->base = *base;
	disk->machine = *machine;
}
