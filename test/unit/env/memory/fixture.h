/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A world with one node, for the tests of env/memory. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "env/memory/memory.h"

/* Inside a fiber a failed assertion cannot leave the stack: it is printed and returned. */
#define CHECK(condition)                                                                      \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			print_error("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			return -DER_MISC;                                                     \
		}                                                                             \
	} while (0)

#define BUFFER_BLOCKS 16u

struct fixture {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct disk *disk;
	uint8_t *buffer; /* of BUFFER_BLOCKS blocks, aligned */
};

/* Opens node's env, without a disk. */
static inline void
fixture_open_env(struct fixture *fixture, const char *node)
{
	struct memory_env_options options = {.node = node};

	assert_int_equal(memory_env_create(fixture->world, &options, &fixture->env), 0);
	assert_int_equal(loop_create(fixture->env, NULL, &fixture->loop), 0);
	fixture->buffer =
		arena_alloc_aligned(fixture->env->arena, BUFFER_BLOCKS * DISK_BLOCK, DISK_BLOCK);
	assert_non_null(fixture->buffer);
}

/* A world, and a disk "disk" of `blocks` blocks on node "node". */
static inline void
fixture_open(struct fixture *fixture, uint64_t seed, uint32_t blocks,
	     enum storage_allocate allocate)
{
	*fixture = (struct fixture){0};
	assert_int_equal(memory_world_create(seed, &fixture->world), 0);
	fixture_open_env(fixture, "node");
	assert_int_equal(fixture->env->storage->create(fixture->env->storage, "disk",
						       (uint64_t)blocks * DISK_BLOCK, allocate,
						       &fixture->disk),
			 0);
}

/* Ends the env, not the world. */
static inline void
fixture_close_env(struct fixture *fixture)
{
	if (fixture->disk)
		disk_close(fixture->disk);
	fixture->disk = NULL;
	arena_free(fixture->env->arena, fixture->buffer);
	loop_destroy(fixture->loop);
	memory_env_destroy(fixture->env);
	fixture->env = NULL;
}

static inline void
fixture_close(struct fixture *fixture)
{
	if (fixture->env)
		fixture_close_env(fixture);
	memory_world_destroy(fixture->world);
}

static inline void
fixture_run(struct fixture *fixture, int (*function)(void *argument), void *argument)
{
	assert_int_equal(memory_run(fixture->world, fixture->loop, function, argument), 0);
}

/* Whether all bytes of a range of node's disk are value. */
static inline bool
disk_is(struct memory_world *world, const char *node, uint64_t offset, size_t length, uint8_t value)
{
	uint8_t data[DISK_BLOCK];

	assert_true(length <= sizeof(data));
	memory_disk_peek(world, node, "disk", data, length, offset);
	for (size_t i = 0; i < length; i++) {
		if (data[i] != value)
			return false;
	}
	return true;
}

/* Counts strikes, and keeps the latest one of each fault. */
struct strikes {
	unsigned count[MEMORY_FAULT_COUNT];
	struct memory_strike latest[MEMORY_FAULT_COUNT];
};

static inline void
note_strike(void *argument, const struct memory_strike *strike)
{
	struct strikes *strikes = argument;

	strikes->count[strike->fault]++;
	strikes->latest[strike->fault] = *strike;
}
