/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The object service end to end in a world in memory: a server of some loops with the real store
 * beneath it, and a client with objio. The pool and container services are stood in for by a table
 * of targets and two handles.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "env/memory/memory.h"
#include "object/dtx/dtx.h"
#include "object/object.h"
#include "objio/objio.h"

#define BED_LOOPS 2u
#define BED_TARGETS 4u
#define BED_MS UINT64_C(1000000)

struct bed_loop {
	struct bed *bed;
	uint32_t number;
	struct env *env;
	struct loop *loop;
};

struct bed_target {
	struct heap *heap;
	struct vos *vos;
	uint32_t holds;
};

struct bed {
	struct memory_world *world;
	struct node node;
	struct hlc clock;
	bool formatted;
	bool up;
	uint64_t incarnations;
	uint64_t data_size; /* of each target, at format */
	uint32_t version;   /* of the pool map; 0: not told */
	struct bed_loop loops[BED_LOOPS];
	struct rpc *group[BED_LOOPS];
	struct bed_target targets[BED_TARGETS];
	struct uuid pool, container;
	struct uuid handle, reader; /* all rights; reading only */
	char address[128];

	/* the client */
	struct env *env;
	struct loop *loop;
	struct hlc client_clock;
	struct rpc *rpc;
	struct objio_pool *objio_pool;
	struct objio *objio;
	uint64_t patience_ns; /* 0: objio's own */
	void *argument;
};

/* Starts server and client. */
void bed_init(struct bed *bed);
/* Stops both and checks that nothing is left over. */
void bed_fini(struct bed *bed);

void bed_server_start(struct bed *bed);
void bed_server_stop(struct bed *bed);
/* As SIGKILL. */
void bed_server_kill(struct bed *bed);

void bed_client_start(struct bed *bed);
void bed_client_stop(struct bed *bed);

/* Runs function on a fiber of the client, stepping all loops. */
int bed_run(struct bed *bed, int (*function)(struct bed *bed));

/* Runs function on a fiber of a loop of the server, stepping all loops. */
int bed_run_server(struct bed *bed, uint32_t loop, int (*function)(void *argument), void *argument);

/* Begins something on the client and returns; bed_step() moves everything until done() or the time
 * is over. */
void bed_spawn(struct bed *bed, void (*function)(void *argument), void *argument);
bool bed_step(struct bed *bed, bool (*done)(void *argument), void *argument, uint64_t limit_ns);

/* An object of a class with so many groups (65535: all), with dkeys ordered as the type says. */
#define BED_MULTI_HASHED 0u
#define BED_DKEY_UINT64 2u
#define BED_DKEY_LEXICAL 5u
struct object_id bed_object(uint64_t number, uint32_t type, uint32_t groups);

struct objio_key bed_key(const char *text);

/* One single value, or one extent of bytes. */
int bed_put(struct bed *bed, struct object_id id, const char *dkey, const char *akey,
	    const void *data, size_t length, uint32_t conditions);
int bed_get(struct bed *bed, struct object_id id, const char *dkey, const char *akey, void *data,
	    size_t room, size_t *ret_length);
int bed_write(struct bed *bed, struct object_id id, const char *dkey, uint64_t offset,
	      const void *data, size_t length);
int bed_read(struct bed *bed, struct object_id id, const char *dkey, uint64_t offset, void *data,
	     size_t length, size_t *ret_length);

/* Requests that arrived at all loops, by operation. */
uint64_t bed_requests(struct bed *bed, uint32_t operation);

/* How often the server's loops called one another. */
uint64_t bed_cross_calls(struct bed *bed);
