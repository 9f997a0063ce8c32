/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A world in memory with one log and one heap, and helpers to run test bodies on a fiber of it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "env/memory/memory.h"
#include "media/private.h"

struct rig {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct media_options options;
	struct heap_options heap_options;
	struct media *media;
	struct heap *heap;
	void *argument; /* of the test */
};

static inline struct rig
rig_make(void)
{
	struct rig rig = {.options = {.log_size = 1024 * 1024},
			  .heap_options = {.heap_size = 16 * HEAP_ZONE,
					   .data_size = 64ull * 1024 * 1024,
					   .space_reserve = 5}};

	memset(rig.heap_options.id.bytes, 7, sizeof(rig.heap_options.id.bytes));
	return rig;
}

static inline void
rig_boot(struct rig *rig)
{
	struct memory_env_options options = {.level = LOG_ERROR};

	assert_int_equal(memory_env_create(rig->world, &options, &rig->env), 0);
	assert_int_equal(loop_create(rig->env, NULL, &rig->loop), 0);
}

static inline int
rig_run(struct rig *rig, int (*function)(void *argument))
{
	return memory_run(rig->world, rig->loop, function, rig);
}

static inline int
rig_format_body(void *argument)
{
	struct rig *rig = argument;
	int rc = media_format(rig->loop, "log", &rig->options);

	if (rc == 0)
		rc = media_open(rig->loop, "log", &rig->options, &rig->media);
	if (rc == 0)
		rc = heap_create(rig->media, "pool", &rig->heap_options);
	if (rc == 0)
		rc = heap_open(rig->media, "pool", &rig->heap);
	return rc == 0 ? media_start(rig->media) : rc;
}

static inline int
rig_open_body(void *argument)
{
	struct rig *rig = argument;
	int rc = media_open(rig->loop, "log", &rig->options, &rig->media);

	if (rc == 0)
		rc = heap_open(rig->media, "pool", &rig->heap);
	return rc == 0 ? media_start(rig->media) : rc;
}

static inline int
rig_close_body(void *argument)
{
	struct rig *rig = argument;

	return media_close(rig->media);
}

/* A new world with a formatted log and heap, started. */
static inline void
rig_start(struct rig *rig, uint64_t seed)
{
	assert_int_equal(memory_world_create(seed, &rig->world), 0);
	rig_boot(rig);
	assert_int_equal(rig_run(rig, rig_format_body), 0);
}

static inline void
rig_shut(struct rig *rig)
{
	assert_int_equal(rig_run(rig, rig_close_body), 0);
	loop_destroy(rig->loop);
	memory_env_destroy(rig->env);
}

static inline void
rig_stop(struct rig *rig)
{
	rig_shut(rig);
	memory_world_destroy(rig->world);
}

/* Closes cleanly and opens again. */
static inline void
rig_reopen(struct rig *rig)
{
	rig_shut(rig);
	rig_boot(rig);
	assert_int_equal(rig_run(rig, rig_open_body), 0);
}

/* The process dies; what it wrote stays. */
static inline void
rig_kill(struct rig *rig)
{
	loop_abandon(rig->loop);
	memory_env_crash(rig->env);
}

static inline void
rig_restart(struct rig *rig)
{
	rig_boot(rig);
	assert_int_equal(rig_run(rig, rig_open_body), 0);
}

static inline void
fill_pattern(uint8_t *buffer, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		buffer[i] = (uint8_t)(mix64(seed + i / 8) >> (i % 8 * 8));
}

static inline bool
is_pattern(const uint8_t *buffer, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		if (buffer[i] != (uint8_t)(mix64(seed + i / 8) >> (i % 8 * 8)))
			return false;
	return true;
}
