/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One engine of two loops and a raw client in one world, stepped by the test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "daos_cont.h"
#include "daos_prop.h"
#include "daos_types.h"
#include "engine/engine.h"
#include "env/memory/memory.h"

#define MIB (UINT64_C(1) << 20)
#define SITE_LOOPS 4u

struct site {
	struct memory_world *world;
	uint32_t loop_count; /* of the engine */
	uint32_t target_count;
	bool thin;
	uint64_t capacity;
	struct env *envs[SITE_LOOPS];
	struct loop *loops[SITE_LOOPS];
	struct engine *engine;
	/* The client. */
	struct peer_credentials credentials; /* unknown: root */
	struct env *client_env;
	struct loop *client_loop;
	struct hlc client_clock;
	struct uuid client;
	struct rpc *rpc;
	struct rpc_peer *peer;
	struct rpc_window *window;
	/* Of the body under way. */
	int (*body)(struct site *site);
};

/* A formatted engine with loop_count loops and target_count targets is up, and a client connected.
 */
void site_begin(struct site *site, uint64_t seed);
/* Stops both cleanly. */
void site_end(struct site *site);

/* Runs body on a fiber of the client, everything being stepped; asserts that it returns 0. */
void site_run(struct site *site, int (*body)(struct site *site));

/* The engine alone. */
void site_boot(struct site *site);
int site_start(struct site *site, bool format);
void site_stop(struct site *site);
/* SIGKILL: what was written stays. */
void site_kill(struct site *site);
/* What was not flushed is gone, too. */
void site_power_cut(struct site *site);

/*
 * Runs body on a fiber of the client, stops the engine after some nanoseconds, with power by a
 * power cut, lets body end with whatever error it gets, and starts the engine again. Returns
 * whether body ended before the engine did.
 */
bool site_crash(struct site *site, int (*body)(struct site *site), uint64_t after, bool power);

void client_begin(struct site *site);
void client_end(struct site *site);

/* ------------------------------------------------ calls */

struct call {
	struct site *site;
	uint8_t body[16 * 1024];
	struct writer writer;
	struct rpc_reply reply;
	char failure[PROTO_FAILURE_MAX];
};

/* Begins a call; the body is written to call->writer. */
void call_begin(struct call *call, struct site *site);

/*
 * Sends it under id (NULL: none) and returns its status; the reply is read from call->reply.body
 * until call_end(). The text of a failure is in call->failure.
 */
int call_send(struct call *call, uint32_t operation, const struct request_id *id);
void call_end(struct call *call);

/* ------------------------------------------------ shorthand; each returns the status */

struct request_id next_id(struct site *site);
struct proto_text text(const char *data);
struct proto_name name(const char *label);

/* data in MiB over all targets; label may be NULL. */
int create_pool(struct site *site, const char *label, uint64_t data,
		struct proto_pool_created *ret_created);
int create_pool_as(struct site *site, const struct proto_pool_create *wanted,
		   const struct request_id *id, struct proto_pool_created *ret_created,
		   char *failure);
int destroy_pool(struct site *site, const char *label, bool force, bool recursive);
int connect_pool(struct site *site, const char *label, uint32_t flags, struct uuid *ret_handle);
int disconnect_pool(struct site *site, struct uuid handle);
int query_pool(struct site *site, struct uuid handle, struct proto_pool_info *ret_info);
int count_pools(struct site *site, uint32_t *ret_count);
int create_container(struct site *site, struct uuid pool_handle, const char *label,
		     struct uuid *ret_id);
int open_container(struct site *site, struct uuid pool_handle, const char *label, uint32_t flags,
		   struct uuid *ret_handle);
int close_container(struct site *site, struct uuid handle);
int destroy_container(struct site *site, struct uuid pool_handle, const char *label, bool force);
int count_containers(struct site *site, struct uuid pool_handle, uint32_t *ret_count);
int allocate_oids(struct site *site, struct uuid handle, uint64_t count,
		  const struct request_id *id, uint64_t *ret_first);
int set_attribute(struct site *site, uint32_t operation, struct uuid handle, const char *key,
		  const char *value);
int get_attribute(struct site *site, uint32_t operation, struct uuid handle, const char *key,
		  char value[64]);
