/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Faults of disks. */
#include <stdio.h>
#include <string.h>

#include "sim/faults.h"

/* ------------------------------------------------ where */

#define DISKS_MAX 64u

struct disk_names {
	uint32_t count;
	char names[DISKS_MAX][112];
};

static int
note_disk(void *argument, const char *name)
{
	struct disk_names *disks = argument;

	if (disks->count < DISKS_MAX)
		snprintf(disks->names[disks->count++], sizeof(disks->names[0]), "%s", name);
	return 0;
}

/* Writes the name of one of the server's disks; false while it is down. */
static bool
disk_of(struct server *server, uint64_t draw, char name[112])
{
	struct disk_names disks = {0};
	struct storage *storage;

	if (server->state == NODE_DOWN)
		return false;
	storage = server->places[0].env->storage;
	if (storage->list(storage, "", note_disk, &disks) != 0 || disks.count == 0)
		return false;
	memcpy(name, disks.names[draw % disks.count], sizeof(disks.names[0]));
	return true;
}

/* 0 where it cannot be opened. */
static uint64_t
disk_size(struct server *server, const char *name)
{
	struct storage *storage = server->places[0].env->storage;
	struct disk *disk;
	uint64_t size;

	if (storage->open(storage, name, &disk) != 0)
		return 0;
	size = disk->size;
	disk_close(disk);
	return size;
}

/* The offset of a block that is not all zeros, from a drawn place on. */
static bool
used_block(struct server *server, const char *disk, uint64_t draw, uint64_t *ret_offset)
{
	struct stream stream = {draw};
	uint8_t block[DISK_BLOCK];
	uint64_t size = disk_size(server, disk);

	for (uint32_t i = 0; size > 0 && i < 256; i++) {
		uint64_t offset = stream_draw(&stream, size / DISK_BLOCK) * DISK_BLOCK;

		/* The beginning of every file is the likeliest to be used. */
		if (i % 4 == 3)
			offset = stream_draw(&stream, min_of(size / DISK_BLOCK, (uint64_t)64)) *
				 DISK_BLOCK;
		memory_disk_peek(server->sim->world, server->name, disk, block, sizeof(block),
				 offset);
		for (uint32_t k = 0; k < DISK_BLOCK; k++) {
			if (block[k] != 0) {
				*ret_offset = offset;
				return true;
			}
		}
	}
	return false;
}

/* ------------------------------------------------ what holds for long */

bool
begin_unreadable(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);
	char disk[112];
	uint64_t offset;

	if (!disk_of(server, fault->a, disk) || !used_block(server, disk, fault->b, &offset))
		return false;
	memory_disk_unreadable(sim->world, server->name, disk, offset, DISK_BLOCK);
	excuse(server, EXCUSE_IO, fault);
	return true;
}

/* Payload lies on few of the disks: half of the flips go there. */
static bool
flipped_disk(struct server *server, const struct fault *fault, char disk[112])
{
	for (uint64_t i = 0; i < 8; i++) {
		if (!disk_of(server, fault->a + i, disk))
			return false;
		if (fault->b & 1 || strstr(disk, ".data") != NULL)
			return true;
	}
	return true;
}

bool
begin_bit_flip(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);
	char disk[112];
	uint64_t offset;

	if (!flipped_disk(server, fault, disk) || !used_block(server, disk, fault->b, &offset))
		return false;
	memory_disk_flip(sim->world, server->name, disk, offset + fault->b % DISK_BLOCK,
			 (uint32_t)(fault->a >> 32) % 8);
	return true;
}

/* One of the next operations of its kind. */
static uint64_t
soon(const struct fault *fault)
{
	return 1 + fault->b % 16;
}

static bool
order_on_disk(struct sim *sim, const struct fault *fault,
	      void (*order)(struct memory_world *world, const char *node, const char *name,
			    uint64_t n))
{
	struct server *server = server_of(sim, fault);
	char disk[112];

	if (!disk_of(server, fault->a, disk))
		return false;
	order(sim->world, server->name, disk, soon(fault));
	return true;
}

static bool
order_with_errors(struct sim *sim, const struct fault *fault,
		  void (*order)(struct memory_world *world, const char *node, const char *name,
				uint64_t n))
{
	if (!order_on_disk(sim, fault, order))
		return false;
	/* Ordered is not yet struck: it is excused until it is healed. */
	ledger_excuse(&server_of(sim, fault)->ledger, EXCUSE_IO, UINT64_MAX);
	return true;
}

bool
begin_read_flip(struct sim *sim, const struct fault *fault)
{
	return order_with_errors(sim, fault, memory_disk_flip_read);
}

bool
begin_lost_write(struct sim *sim, const struct fault *fault)
{
	return order_on_disk(sim, fault, memory_disk_lose_write);
}

static void
misdirect(struct memory_world *world, const char *node, const char *name, uint64_t n)
{
	memory_disk_misdirect_write(world, node, name, n, MEMORY_DRAWN);
}

bool
begin_misdirected(struct sim *sim, const struct fault *fault)
{
	return order_on_disk(sim, fault, misdirect);
}

bool
begin_stale_read(struct sim *sim, const struct fault *fault)
{
	return order_with_errors(sim, fault, memory_disk_stale_read);
}

static void
fail_write(struct memory_world *world, const char *node, const char *name, uint64_t n)
{
	memory_disk_fail(world, node, name, DISK_WRITE, n, -DER_IO);
}

bool
begin_write_error(struct sim *sim, const struct fault *fault)
{
	return order_with_errors(sim, fault, fail_write);
}

static void
fail_read(struct memory_world *world, const char *node, const char *name, uint64_t n)
{
	memory_disk_fail(world, node, name, DISK_READ, n, -DER_IO);
}

bool
begin_read_error(struct sim *sim, const struct fault *fault)
{
	return order_with_errors(sim, fault, fail_read);
}

bool
begin_flush_lost(struct sim *sim, const struct fault *fault)
{
	return order_with_errors(sim, fault, memory_disk_fail_flush_and_lose);
}

bool
begin_slow_disk(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);
	char disk[112];

	if (!disk_of(server, fault->a, disk))
		return false;
	memory_disk_slow(sim->world, server->name, disk, 2 + (uint32_t)(fault->b % 500));
	excuse(server, EXCUSE_OUTAGE, fault);
	return true;
}

void
end_disks(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);
	char disk[112];

	if (disk_of(server, fault->a, disk))
		memory_disk_slow(sim->world, server->name, disk, 1);
}

bool
begin_full_disk(struct sim *sim, const struct fault *fault)
{
	struct server *server = server_of(sim, fault);
	uint64_t used = memory_node_used(sim->world, server->name);

	if (server->state == NODE_DOWN)
		return false;
	memory_node_set_capacity(sim->world, server->name, used + fault->a % (256 * 1024));
	excuse(server, EXCUSE_SPACE, fault);
	return true;
}

void
end_full_disk(struct sim *sim, const struct fault *fault)
{
	memory_node_set_capacity(sim->world, server_of(sim, fault)->name, 0);
}

/* ------------------------------------------------ healing */

void
heal_disks(struct server *server)
{
	struct sim *sim = server->sim;
	struct disk_names disks = {0};
	struct storage *storage;

	memory_node_set_capacity(sim->world, server->name, 0);
	if (server->state == NODE_DOWN)
		server_boot(server);
	storage = server->places[0].env->storage;
	if (storage->list(storage, "", note_disk, &disks) != 0)
		return;
	for (uint32_t i = 0; i < disks.count; i++)
		memory_disk_heal(sim->world, server->name, disks.names[i]);
}
