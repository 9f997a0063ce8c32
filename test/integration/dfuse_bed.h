/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Mounts of a test's own in a scratch directory: of an embedded directory, or of an engine over
 * TCP that the test stops and starts again. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#define MOUNTS_MAX 3

struct dfuse_bed {
	char directory[128];
	char mounts[MOUNTS_MAX][160]; /* where mount i is */
	pid_t servers[MOUNTS_MAX];    /* its dfuse; 0: none */
	pid_t engine;		      /* 0: none runs */
	char address[64];	      /* of the engine */
};

/* Whether something can be mounted here; says that nothing was tried where not. */
bool mounts_are_possible(void);

/* A scratch directory with empty places to mount on. */
void dfuse_bed_make(struct dfuse_bed *bed);
/* Unmounts and kills what is left, and removes the directory. */
void dfuse_bed_remove(struct dfuse_bed *bed);

/* Runs dfuse with arguments (NULL at the end), which ends by itself: its exit status, and what it
 * said to standard error. */
int dfuse_run(struct dfuse_bed *bed, const char *const *arguments, char *text, size_t size);

/* Mount i of the embedded directory, or of pool "pool", container "files" where the engine is
 * used; with further arguments, NULL at the end. */
void mount_up(struct dfuse_bed *bed, int i, ...);
/* As mount_up(), with these arguments alone. */
void mount_up_with(struct dfuse_bed *bed, int i, const char *const *arguments);
/* Unmounts it; its dfuse must end with 0. */
void mount_down(struct dfuse_bed *bed, int i);
/* Its dfuse gets SIGTERM and must end with 0. */
void mount_terminate(struct dfuse_bed *bed, int i);

/* The engine over TCP; again on the same storage and address. */
void bed_engine_up(struct dfuse_bed *bed);
/* Ends it by a signal. */
void bed_engine_down(struct dfuse_bed *bed, int number);

/* The path of name in mount i; valid until the eighth call after. */
const char *at(const struct dfuse_bed *bed, int i, const char *name);

/* Writes and reads whole files; the content must be as said. */
void file_put(const char *path, const char *text);
void file_is(const char *path, const char *text);

/* Waits up to ten seconds until condition() holds. */
bool becomes(bool (*condition)(void *argument), void *argument);

double seconds_now(void);
